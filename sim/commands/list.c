/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* List commands: filters and pages. */

#include "commands-internal.h"

/* ---- filters of one row ---------------------------------------------------------------------- */

struct wanted {
	struct sim *sim;
	const struct sim_object *object;
};

static bool is_wanted(const char *token, void *data)
{
	const struct wanted *w = data;

	return sim_resolve(w->sim, token, w->object->kind).object == w->object;
}

bool sim_match_ids(struct sim *sim, json_object *params, const struct sim_object *o)
{
	struct wanted w = { .sim = sim, .object = o };
	const char *ids = sim_arg(params, "ids");

	if (!sim_match_ref(sim, params, "id", o->kind, o))
		return false;
	return !ids || sim_any_token(ids, is_wanted, &w);
}

bool sim_match_ref(struct sim *sim, json_object *params, const char *name, enum sim_kind kind,
		   const struct sim_object *o)
{
	struct sim_ref ref = sim_arg_ref(sim, params, name, kind);

	return !ref.given || (o && ref.object == o);
}

bool sim_match_text(json_object *params, const char *name, const char *text)
{
	const char *s = mk_json_str(params, name, NULL);

	return !s || (text && sim_mysql_equal(s, text));
}

bool sim_match_like(json_object *params, const char *name, const char *text)
{
	const char *s = mk_json_str(params, name, NULL);

	return !s || (text && sim_mysql_contains(text, s));
}

/* ---- filters that are read once for all rows ------------------------------------------------- */

struct sim_want sim_want_ref(struct sim_request *q, const char *param, enum sim_kind kind)
{
	struct sim_ref ref = sim_arg_ref(q->sim, q->params, param, kind);

	return (struct sim_want){ .given = ref.given, .object = ref.object };
}

bool sim_wants_object(const struct sim_want *w, const void *object)
{
	return !w->given || (object && w->object == object);
}

static int compare_pointers(const void *a, const void *b)
{
	const struct sim_object *const *x = a, *const *y = b;

	return (*x > *y) - (*x < *y);
}

static bool add_wanted(const char *token, void *data)
{
	struct sim_ids *ids = data;

	ids->objects[ids->n++] = sim_resolve(ids->sim, token, ids->kind).object;
	return false;
}

bool sim_ids_begin(struct sim_request *q, enum sim_kind kind, struct sim_ids *ret)
{
	const char *id = sim_arg(q->params, "id"), *ids = sim_arg(q->params, "ids");
	const char *list = id ? id : ids;

	*ret = (struct sim_ids){ .sim = q->sim, .kind = kind, .given = list != NULL };
	if (id && ids)
		return sim_refuse(q, 431, CS_INVALID,
				  "Specify either id or ids but not both parameters");
	if (!list)
		return true;

	ret->objects = sim_alloc((strlen(list) + 1) * sizeof(*ret->objects));
	(void)sim_any_token(list, add_wanted, ret);
	qsort(ret->objects, ret->n, sizeof(*ret->objects), compare_pointers);
	return true;
}

void sim_ids_done(struct sim_ids *ids)
{
	free(ids->objects);
}

bool sim_wants_id(const struct sim_ids *ids, const struct sim_object *o)
{
	return !ids->given ||
	       bsearch(&o, ids->objects, ids->n, sizeof(*ids->objects), compare_pointers);
}

/* BaseListTaggedResourcesCmd.getTags(): of two with one key the last one counts. */
static void set_tag(struct sim_tags *tags, const char *key, const char *value)
{
	size_t i = 0;

	while (i < tags->n && !(key && tags->tags[i].key ? streq(tags->tags[i].key, key)
							 : key == tags->tags[i].key))
		i++;
	if (i == tags->n) {
		tags->tags =
			sim_checked(reallocarray(tags->tags, tags->n + 1, sizeof(*tags->tags)));
		tags->n++;
	}
	tags->tags[i].key = key;
	tags->tags[i].value = value;
}

bool sim_tags_begin(struct sim_request *q, struct sim_tags *ret)
{
	const char *key, *value;
	unsigned i = 0;

	*ret = (struct sim_tags){};
	while (sim_arg_map(q->params, "tags", &i, &key, &value)) {
		if (!value)
			return sim_refuse(q, 431, CS_INVALID, "No value is passed in for key %s",
					  key ? key : "null");
		set_tag(ret, key, value);
	}
	return true;
}

void sim_tags_done(struct sim_tags *tags)
{
	free(tags->tags);
}

static bool is_asked_for(const struct sim_tags *tags, json_object *tag)
{
	for (size_t i = 0; i < tags->n; i++)
		if (tags->tags[i].key &&
		    sim_mysql_equal(mk_json_str(tag, "key", ""), tags->tags[i].key) &&
		    sim_mysql_equal(mk_json_str(tag, "value", ""), tags->tags[i].value))
			return true;
	return false;
}

unsigned sim_count_tags(const struct sim_tags *tags, const struct sim_object *o)
{
	unsigned n = 0;

	if (tags->n == 0)
		return 1;
	for (size_t i = 0; i < json_object_array_length(o->tags); i++)
		n += is_asked_for(tags, json_object_array_get_idx(o->tags, i));
	return n;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* BaseListCmd.validateSpecificParameters(): it looks at the texts. */
bool sim_check_paging(struct sim_request *q)
{
	const char *text = mk_json_str(q->params, "pagesize", NULL);
	bool page = sim_arg_given(q->params, "page");
	int64_t size = 0;

	if (text && !sim_parse_long(text, &size))
		return sim_refuse(q, 431, CS_PLAIN, "For input string: \"%s\"", text);
	if (text && !page && size != -1)
		return sim_refuse(q, 431, CS_PLAIN,
				  "\"page\" parameter is required when \"pagesize\" is specified");
	if (!text && page)
		return sim_refuse(q, 431, CS_PLAIN,
				  "\"pagesize\" parameter is required when \"page\" is specified");
	return true;
}

/* BaseListCmd.getPageSize() */
static bool check_size(struct sim_request *q, int64_t size, int64_t limit)
{
	if (size > limit)
		return sim_refuse(q, 431, CS_INVALID,
				  "Page size can't exceed max allowed page size value: %" PRId64,
				  limit);
	if (size == -1 && sim_arg(q->params, "page"))
		return sim_refuse(q, 431, CS_INVALID,
				  "Can't specify page parameter when pagesize is -1 (Unlimited)");
	if (size < -1)
		return sim_refuse_internal(q, "DB Exception on: LIMIT");
	return true;
}

/* For a command that does not declare it, it is not there. */
static bool wants_count_only(struct sim_request *q)
{
	const char *name = "retrieveonlyresourcecount";

	for (const struct sim_param *p = q->command->params; p && p->name; p++)
		if (streq(p->name, name))
			return sim_arg_bool(q->params, name, false);
	return false;
}

bool sim_list_begin(struct sim_request *q, const char *key, struct sim_list *ret)
{
	int64_t limit = sim_get(q->sim, "page-size"), size, page;

	size = sim_arg_number(q->params, "pagesize", limit);
	page = sim_arg_number(q->params, "page", 1);
	if (!check_size(q, size, limit))
		return false;

	page = page < 1 ? 1 : page;
	*ret = (struct sim_list){ .q = q, .key = key, .rows = sim_json_array() };
	if (wants_count_only(q))
		return true;

	ret->first = size < 0 ? 0 : (page - 1) * size;
	ret->end = size < 0 ? INT64_MAX : ret->first + size;
	return true;
}

/* The rows are distinct; the count is not. */
bool sim_list_wants_times(struct sim_list *list, unsigned times)
{
	int64_t i = list->found++;

	list->count += times;
	return i >= list->first && i < list->end;
}

bool sim_list_wants(struct sim_list *list)
{
	return sim_list_wants_times(list, 1);
}

void sim_list_add(struct sim_list *list, json_object *row)
{
	json_object_array_add(list->rows, row);
}

bool sim_list_end(struct sim_list *list)
{
	json_object *o = sim_json_object();

	if (list->count > 0)
		mk_json_set_int(o, "count", list->count);
	if (json_object_array_length(list->rows) > 0)
		json_object_object_add(o, list->key, list->rows);
	else
		json_object_put(list->rows);
	return sim_reply(list->q, o);
}
