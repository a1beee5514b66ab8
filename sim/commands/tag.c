/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tags as filters of lists, and the command listTags. */

#include "commands-internal.h"
#include "declared-internal.h"

/* ResourceTag.ResourceObjectType. Of K_NONE the simulator has no objects that can have tags. */
static const struct {
	const char *name;
	enum sim_kind kind;
} types[] = {
	{ "Volume", K_VOLUME },
	{ "UserVm", K_VM },
	{ "Snapshot", K_SNAPSHOT },
	{ "Template", K_NONE },
	{ "ISO", K_NONE },
	{ "Network", K_NONE },
	{ "LoadBalancer", K_NONE },
	{ "PortForwardingRule", K_NONE },
	{ "FirewallRule", K_NONE },
	{ "SecurityGroup", K_NONE },
	{ "PublicIpAddress", K_NONE },
	{ "Project", K_NONE },
	{ "Vpc", K_NONE },
	{ "NetworkACL", K_NONE },
	{ "StaticRoute", K_NONE },
	{ "VMSnapshot", K_NONE },
};

static int find_type(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(types); i++)
		if (strcasecmp(types[i].name, name) == 0)
			return (int)i;
	return -1;
}

const char *sim_tag_type(struct sim_job *job, enum sim_kind *ret)
{
	const char *name = sim_arg(job->params, "resourcetype");
	int type = find_type(name);

	if (type < 0) {
		sim_job_refuse(job, 431, "Invalid resource type %s", name);
		return NULL;
	}
	*ret = types[type].kind;
	return types[type].name;
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

/* ---- listTags -------------------------------------------------------------------------------- */

static void list_tags_of(struct sim_list *list, json_object *params, const struct sim_object *o)
{
	if (!sim_match_text(params, "resourceid", o->id))
		return;
	for (size_t i = 0; i < json_object_array_length(o->tags); i++) {
		json_object *tag = json_object_array_get_idx(o->tags, i);

		if (sim_match_text(params, "key", mk_json_str(tag, "key", NULL)) &&
		    sim_match_text(params, "value", mk_json_str(tag, "value", "")) &&
		    sim_match_text(params, "customer", mk_json_str(tag, "customer", NULL)) &&
		    sim_list_wants(list))
			sim_list_add(list, sim_tag_row(o, tag));
	}
}

static bool list_run(struct sim_request *q)
{
	const char *type = mk_json_str(q->params, "resourcetype", NULL);
	struct sim_scope scope;
	struct sim_list list;
	struct sim_object *o;

	if (!sim_scope_begin(q, false, &scope) || !sim_list_begin(q, "tag", &list))
		return false;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (types[i].kind == K_NONE || (type && find_type(type) != (int)i))
			continue;
		SIM_FOREACH(q->sim, types[i].kind, o)
			if (!o->removed && sim_scope_has(&scope, o))
				list_tags_of(&list, q->params, o);
	}
	return sim_list_end(&list);
}

/* ---- tables ---------------------------------------------------------------------------------- */

const struct sim_command sim_tag_commands[] = {
	{ .name = "listTags", .params = sim_params_list_tags, .run = list_run },
	{ .name = NULL },
};
