/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* List commands: filters and pages. */

#include "commands-internal.h"

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
	const char *s = sim_arg(params, name);

	return !s || (text && sim_mysql_equal(s, text));
}

/* ---- lists ----------------------------------------------------------------------------------- */

static bool check_paging(struct sim_request *q, int64_t limit)
{
	int64_t size = sim_arg_number(q->params, "pagesize", 0);
	bool page = sim_arg(q->params, "page") != NULL;

	if (size == -1)
		return !page || sim_refuse(q, 431, CS_INVALID,
					   "Can't specify page parameter when pagesize is -1 "
					   "(Unlimited)");
	if (page && !sim_arg(q->params, "pagesize"))
		return sim_refuse(q, 431, CS_PLAIN,
				  "\"pagesize\" parameter is required when \"page\" is specified");
	if (!page && sim_arg(q->params, "pagesize"))
		return sim_refuse(q, 431, CS_PLAIN,
				  "\"page\" parameter is required when \"pagesize\" is specified");
	if (size > limit)
		return sim_refuse(q, 431, CS_INVALID,
				  "Page size can't exceed max allowed page size value: %" PRId64,
				  limit);
	return true;
}

bool sim_list_begin(struct sim_request *q, const char *key, struct sim_list *ret)
{
	int64_t limit = sim_get(q->sim, "page-size"), size, page;

	if (!check_paging(q, limit))
		return false;

	size = sim_arg_number(q->params, "pagesize", limit);
	page = sim_arg_number(q->params, "page", 1);
	page = page < 1 ? 1 : page > INT32_MAX ? INT32_MAX : page;
	*ret = (struct sim_list){ .q = q, .key = key, .rows = sim_json_array() };
	if (sim_arg_bool(q->params, "retrieveonlyresourcecount", false))
		return true;

	ret->first = size < 0 ? 0 : (page - 1) * size;
	ret->end = size < 0 ? INT64_MAX : ret->first + size;
	return true;
}

/* Counts a match; true if its row is to be shown. */
bool sim_list_wants(struct sim_list *list)
{
	int64_t i = list->count++;

	return i >= list->first && i < list->end;
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
