/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands createTags and deleteTags, as CloudStack's TaggedResourceManagerImpl has them. */

#include "commands-internal.h"
#include "declared-internal.h"

#define TEXT_MAX 255 /* of the columns; a longer text is cut */

/* A Java map of tags: key and value can be NULL. The texts are the parameters'. */
struct pair {
	const char *key, *value;
	uint32_t place;
};

struct pairs {
	struct pair *all;
	size_t count;
};

static void pairs_done(struct pairs *pairs)
{
	free(pairs->all);
}

static bool same_key(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

static struct pair *find_pair(const struct pairs *pairs, const char *key)
{
	for (size_t i = 0; i < pairs->count; i++)
		if (same_key(pairs->all[i].key, key))
			return &pairs->all[i];
	return NULL;
}

static void add_pair(struct pairs *pairs, const char *key, const char *value)
{
	pairs->all = sim_checked(reallocarray(pairs->all, pairs->count + 1, sizeof(*pairs->all)));
	pairs->all[pairs->count++] = (struct pair){ key, value, 0 };
}

/* Those of a HashMap come by their place in its table. */
static void order_pairs(struct pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		struct pair p = pairs->all[i];
		size_t k = i;

		p.place = sim_java_place(p.key, pairs->count);
		for (; k > 0 && pairs->all[k - 1].place > p.place; k--)
			pairs->all[k] = pairs->all[k - 1];
		pairs->all[k] = p;
	}
}

/* ---- createTags ------------------------------------------------------------------------------ */

/* Collectors.toMap() takes no null as a value, and no key twice. */
static bool take_pairs(struct sim_job *job, struct pairs *ret)
{
	const char *key, *value;
	unsigned i = 0;

	while (sim_arg_map(job->params, "tags", &i, &key, &value)) {
		const struct pair *same = find_pair(ret, key);

		if (!value)
			return sim_job_refuse(job, 530,
					      "Command failed due to Internal Server Error");
		if (same)
			return sim_job_refuse(job, 530,
					      "Duplicate key %s (attempted merging values %s and "
					      "%s)",
					      key ? key : "null", same->value, value);
		add_pair(ret, key, value);
	}
	order_pairs(ret);
	return true;
}

/* The objects that have got a tag, in this order: what fails takes back all. */
struct addition {
	struct sim_job *job;
	const char *type;
	enum sim_kind kind;
	const struct pair *pair;
	struct sim_object **changed;
	size_t count;
};

static void take_back(struct addition *a)
{
	while (a->count > 0) {
		json_object *tags = a->changed[--a->count]->tags;

		json_object_array_del_idx(tags, json_object_array_length(tags) - 1, 1);
	}
}

/* MariaDB shows the first bytes of what it cannot store. */
static bool refuse_text(struct sim_job *job, const char *column, const char *text)
{
	_cleanup_free_ char *shown = NULL;
	const char *p = text, *bad = text;
	size_t n;

	while (sim_utf8_next(&p) <= 0xFFFF)
		bad = p;
	n = strlen(bad);
	for (size_t i = 0; i < n && i < 6; i++) {
		unsigned char c = (unsigned char)bad[i];
		char *longer = mk_strdup_printf(c >= 0x20 && c <= 0x7F ? "%s%c" : "%s\\x%02X",
						str_or_empty(shown), c);

		free(shown);
		shown = sim_checked(longer);
	}
	return sim_job_refuse(job, 530,
			      "Unable to persist on DB, due to: Data truncation: Incorrect string "
			      "value: '%s%s' for column `cloud`.`resource_tags`.`%s` at row 1",
			      shown, n > 6 ? "..." : "", column);
}

/* The column's collation makes keys equal; any number of keys can be null. */
static bool has_key(const struct sim_object *o, const char *key)
{
	for (size_t i = 0; key && i < json_object_array_length(o->tags); i++) {
		json_object *tag = json_object_array_get_idx(o->tags, i);
		const char *other = mk_json_str(tag, "key", NULL);

		if (other && sim_mysql_equal(other, key))
			return true;
	}
	return false;
}

static bool persist(struct addition *a, struct sim_object *o, const char *id)
{
	_cleanup_free_ char *key = a->pair->key ? sim_java_cut(a->pair->key, TEXT_MAX) : NULL;
	_cleanup_free_ char *value = sim_java_cut(a->pair->value, TEXT_MAX);
	json_object *tag;

	if (key && sim_mysql_astral(key))
		return refuse_text(a->job, "key", key);
	if (sim_mysql_astral(value))
		return refuse_text(a->job, "value", value);
	if (has_key(o, key))
		return sim_job_refuse(a->job, 530, "tag %s already on %s with id %s", a->pair->key,
				      a->type, id);

	tag = sim_json_object();
	mk_json_set_str(tag, "key", key);
	mk_json_set_str(tag, "value", value);
	mk_json_set_str(tag, "customer", sim_arg(a->job->params, "customer"));
	json_object_array_add(o->tags, tag);
	a->changed =
		sim_checked(reallocarray(a->changed, a->count + 1, sizeof(struct sim_object *)));
	a->changed[a->count++] = o;
	return true;
}

static bool is_numeric(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* True: it was refused. */
static bool tag_resource(const char *token, void *data)
{
	struct addition *a = data;
	struct sim_object *o =
		a->kind == K_NONE ? NULL : sim_resolve(a->job->sim, token, a->kind).object;

	if (!o || o->removed)
		return !sim_job_refuse(a->job, 431, "Unable to find resource by %s %s and type %s",
				       is_numeric(token) ? "id" : "uuid", token, a->type);
	if (!sim_job_check_access(a->job, o))
		return true;
	if (!*a->pair->value)
		return !sim_job_refuse(a->job, 431, "Value for the key %s is either null or empty",
				       a->pair->key ? a->pair->key : "null");
	return !persist(a, o, token);
}

/* All or nothing: it is one transaction. */
static bool create_finish(struct sim_job *job)
{
	const char *ids = sim_arg(job->params, "resourceids");
	_cleanup_(pairs_done) struct pairs pairs = {};
	struct addition a = { .job = job };
	bool ok = true;

	a.type = sim_tag_type(job, &a.kind);
	if (!a.type || !take_pairs(job, &pairs))
		return false;
	for (size_t i = 0; ok && i < pairs.count; i++) {
		a.pair = &pairs.all[i];
		ok = !sim_any_token(ids, tag_resource, &a);
	}
	if (!ok)
		take_back(&a);
	free(a.changed);
	return ok;
}

/* ---- deleteTags ------------------------------------------------------------------------------ */

struct removal {
	struct sim_job *job;
	enum sim_kind kind;
	struct pairs pairs;
	bool only_look; /* at all tags before any goes */
	size_t found;
};

/* Java compares here, not MySQL: accents and blanks count. */
static bool is_named(const struct pairs *pairs, json_object *tag)
{
	const char *key = mk_json_str(tag, "key", NULL), *value = mk_json_str(tag, "value", "");

	for (size_t i = 0; i < pairs->count; i++) {
		const struct pair *p = &pairs->all[i];

		if (p->key && sim_java_equal(key, p->key) &&
		    (!p->value || sim_java_equal(value, p->value)))
			return true;
	}
	return pairs->count == 0;
}

static bool untag(struct removal *r, struct sim_object *o)
{
	json_object *kept = sim_json_array();

	for (size_t i = 0; i < json_object_array_length(o->tags); i++) {
		json_object *tag = json_object_array_get_idx(o->tags, i);
		bool named;

		if (r->pairs.count > 0 && !mk_json_str(tag, "key", NULL)) {
			json_object_put(kept);
			return sim_job_refuse(
				r->job, 530,
				"Cannot invoke \"String.equalsIgnoreCase(String)\" because the "
				"return value of \"com.cloud.server.ResourceTag.getKey()\" is "
				"null");
		}
		named = is_named(&r->pairs, tag);
		r->found += named;
		if (!named || r->only_look)
			json_object_array_add(kept, json_object_get(tag));
	}
	json_object_put(o->tags);
	o->tags = kept;
	return true;
}

/* What has tags is found, be it deleted: only they are asked for. True: it was refused. */
static bool untag_resource(const char *token, void *data)
{
	struct removal *r = data;
	struct sim_object *o =
		r->kind == K_NONE ? NULL : sim_resolve(r->job->sim, token, r->kind).object;

	if (!o || json_object_array_length(o->tags) == 0)
		return false;
	return !sim_job_check_access(r->job, o) || !untag(r, o);
}

/* A key that comes twice has its last value. */
static void take_names(struct sim_job *job, struct pairs *ret)
{
	const char *key, *value;
	unsigned i = 0;

	while (sim_arg_map(job->params, "tags", &i, &key, &value)) {
		struct pair *same = find_pair(ret, key);

		if (same)
			same->value = value;
		else
			add_pair(ret, key, value);
	}
}

static bool delete_finish(struct sim_job *job)
{
	const char *ids = sim_arg(job->params, "resourceids");
	struct removal r = { .job = job, .only_look = true };
	bool ok;

	if (!sim_tag_type(job, &r.kind))
		return false;

	take_names(job, &r.pairs);
	ok = !sim_any_token(ids, untag_resource, &r);
	if (ok && r.found == 0)
		ok = sim_job_refuse(job, 530, "Failed to delete tags");
	r.only_look = false;
	if (ok)
		sim_any_token(ids, untag_resource, &r);
	pairs_done(&r.pairs);
	return ok;
}

/* ---- tables ---------------------------------------------------------------------------------- */

const struct sim_command sim_tag_change_commands[] = {
	{
		.name = "createTags",
		.mode = SIM_ASYNC,
		.class = "tag.CreateTags",
		.for_all = true,
		.duration = "create-job-ms",
		.params = sim_params_create_tags,
		.finish = create_finish,
	},
	{
		.name = "deleteTags",
		.mode = SIM_ASYNC,
		.class = "tag.DeleteTags",
		.for_all = true,
		.duration = "create-job-ms",
		.params = sim_params_delete_tags,
		.finish = delete_finish,
	},
	{ .name = NULL },
};
