/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands createTags, deleteTags and listTags, as CloudStack's TaggedResourceManagerImpl has them. */

#include "commands-internal.h"
#include "declared-internal.h"

static const struct {
	const char *name;
	enum sim_kind kind;
} types[] = { { "Volume", K_VOLUME }, { "UserVm", K_VM }, { "Snapshot", K_SNAPSHOT } };

static int find_type(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(types); i++)
		if (strcasecmp(types[i].name, name) == 0)
			return (int)i;
	return -1;
}

static json_object *find_tag(const struct sim_object *o, const char *key)
{
	for (size_t i = 0; i < json_object_array_length(o->tags); i++) {
		json_object *tag = json_object_array_get_idx(o->tags, i);

		if (streq(mk_json_str(tag, "key", ""), key))
			return tag;
	}
	return NULL;
}

static void add_tag(json_object *tags, const char *key, const char *value)
{
	json_object *tag = sim_json_object();

	mk_json_set_str(tag, "key", key);
	mk_json_set_str(tag, "value", value);
	json_object_array_add(tags, tag);
}

void sim_tags_take(json_object *params, json_object *tags)
{
	const char *key, *value;
	unsigned i = 0;

	while (sim_arg_map(params, "tags", &i, &key, &value))
		if (key && value)
			add_tag(tags, key, value);
}

static bool has_tag(const struct sim_object *o, const char *key, const char *value)
{
	for (size_t i = 0; key && value && i < json_object_array_length(o->tags); i++) {
		json_object *tag = json_object_array_get_idx(o->tags, i);

		if (sim_mysql_equal(mk_json_str(tag, "key", ""), key) &&
		    sim_mysql_equal(mk_json_str(tag, "value", ""), value))
			return true;
	}
	return false;
}

/* Several are OR-ed. */
bool sim_match_tags(json_object *params, const struct sim_object *o)
{
	const char *key, *value;
	bool any = false;
	unsigned i = 0;

	while (sim_arg_map(params, "tags", &i, &key, &value)) {
		any = true;
		if (has_tag(o, key, value))
			return true;
	}
	return !any;
}

/* ---- createTags, deleteTags ------------------------------------------------------------------ */

/* The resources of a job, one after the other: visit() returns true to stop. */
struct resources {
	struct sim_job *job;
	const char *type;
	bool (*visit)(struct sim_job *job, const char *type, struct sim_object *o);
};

static bool on_resource(const char *token, void *data)
{
	const struct resources *r = data;
	int type = find_type(r->type);
	struct sim_object *o = sim_find(r->job->sim, types[type].kind, token);

	if (!o || o->removed) {
		sim_job_refuse(r->job, 431, "Unable to find resource by id %s and type %s", token,
			       types[type].name);
		return true;
	}
	return r->visit(r->job, types[type].name, o);
}

static bool each_resource(struct sim_job *job, bool (*visit)(struct sim_job *job, const char *type,
							     struct sim_object *o))
{
	struct resources r = { .job = job,
			       .type = sim_arg(job->params, "resourcetype"),
			       .visit = visit };

	if (find_type(r.type) < 0)
		return sim_job_refuse(job, 431, "Invalid resource type %s", r.type);
	return !sim_any_token(sim_arg(job->params, "resourceids"), on_resource, &r);
}

static bool refuse_existing(struct sim_job *job, const char *type, struct sim_object *o)
{
	const char *key, *value;
	unsigned i = 0;

	while (sim_arg_map(job->params, "tags", &i, &key, &value)) {
		if (find_tag(o, str_or_empty(key))) {
			sim_job_refuse(job, 530, "tag %s already on %s with id %s", key, type,
				       o->id);
			return true;
		}
	}
	return false;
}

static bool create_check(struct sim_job *job)
{
	const char *key, *value;
	unsigned i = 0;

	while (sim_arg_map(job->params, "tags", &i, &key, &value))
		if (!value || !*value)
			return sim_job_refuse(job, 431,
					      "Value for the key %s is either null or empty",
					      str_or_empty(key));
	return true;
}

static bool create_prepare(struct sim_request *q, struct sim_job *job)
{
	const char *key, *value;
	unsigned i = 0;

	if (!sim_arg_map(q->params, "tags", &i, &key, &value))
		return sim_refuse(q, 431, CS_PLAIN,
				  "Unable to execute API command createtags due to missing "
				  "parameter tags");
	return true;
}

static bool add_tags(struct sim_job *job, const char *type, struct sim_object *o)
{
	sim_tags_take(job->params, o->tags);
	return false;
}

/* All or nothing. */
static bool create_finish(struct sim_job *job)
{
	return each_resource(job, refuse_existing) && each_resource(job, add_tags);
}

static bool is_named(json_object *params, json_object *tag)
{
	const char *key, *value;
	bool any = false;
	unsigned i = 0;

	while (sim_arg_map(params, "tags", &i, &key, &value)) {
		any = true;
		if (streq(str_or_empty(key), mk_json_str(tag, "key", "")) &&
		    (!value || !*value || streq(value, mk_json_str(tag, "value", ""))))
			return true;
	}
	return !any;
}

static bool delete_tags(struct sim_job *job, const char *type, struct sim_object *o)
{
	json_object *kept = sim_json_array();

	for (size_t i = 0; i < json_object_array_length(o->tags); i++) {
		json_object *tag = json_object_array_get_idx(o->tags, i);

		if (!is_named(job->params, tag))
			json_object_array_add(kept, json_object_get(tag));
	}
	json_object_put(o->tags);
	o->tags = kept;
	return false;
}

static bool delete_finish(struct sim_job *job)
{
	return each_resource(job, delete_tags);
}

/* ---- listTags -------------------------------------------------------------------------------- */

static void list_tags_of(struct sim_list *list, json_object *params, const struct sim_object *o)
{
	const char *id = sim_arg(params, "resourceid");

	if (id && strcasecmp(id, o->id) != 0)
		return;
	for (size_t i = 0; i < json_object_array_length(o->tags); i++) {
		json_object *tag = json_object_array_get_idx(o->tags, i);

		if (sim_match_text(params, "key", mk_json_str(tag, "key", "")) &&
		    sim_match_text(params, "value", mk_json_str(tag, "value", "")) &&
		    sim_list_wants(list))
			sim_list_add(list, sim_tag_row(o, tag));
	}
}

static bool list_run(struct sim_request *q)
{
	const char *type = sim_arg(q->params, "resourcetype");
	struct sim_scope scope;
	struct sim_list list;
	struct sim_object *o;

	if (!sim_scope_begin(q, false, &scope) || !sim_list_begin(q, "tag", &list))
		return false;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (type && find_type(type) != (int)i)
			continue;
		SIM_FOREACH(q->sim, types[i].kind, o)
			if (!o->removed && sim_scope_has(&scope, o))
				list_tags_of(&list, q->params, o);
	}
	return sim_list_end(&list);
}

/* ---- tables ---------------------------------------------------------------------------------- */

const struct sim_command sim_tag_commands[] = {
	{
		.name = "createTags",
		.mode = SIM_ASYNC,
		.class = "tag.CreateTags",
		.instance = "None",
		.duration = "create-job-ms",
		.params = sim_params_create_tags,
		.prepare = create_prepare,
		.check = create_check,
		.finish = create_finish,
	},
	{
		.name = "deleteTags",
		.mode = SIM_ASYNC,
		.class = "tag.DeleteTags",
		.instance = "None",
		.duration = "create-job-ms",
		.params = sim_params_delete_tags,
		.finish = delete_finish,
	},
	{ .name = "listTags", .params = sim_params_list_tags, .run = list_run },
	{ .name = NULL },
};
