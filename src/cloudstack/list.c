/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists, read page by page. A row can move between pages while they are read, so rows are collected
 * by id. An empty or a short page ends the list; the reply's `count` is not used. */

#include "cloudstack-internal.h"

#define PAGES_MAX 400

/* The keys that tell two rows of a list apart. */
static char *row_id(const char *list_key, json_object *row)
{
	bool tag = streq(list_key, "tag");
	const char *key = streq(list_key, "asyncjobs") ? "jobid" : tag ? "resourceid" : "id";
	json_object *v = mk_json_get(row, key);
	const char *id = v ? json_object_get_string(v) : NULL;

	if (!id || !*id)
		return NULL;

	return tag ? mk_strdup_printf("%s/%s", id, mk_json_str(row, "key", "")) : strdup(id);
}

/* All rows before any is taken: a page that is read again must not be there by half. */
static int check_rows(const char *list_key, json_object *rows, char **ret_why)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		_cleanup_free_ char *id = row_id(list_key, json_object_array_get_idx(rows, i));

		if (!id) {
			*ret_why = mk_strdup_printf("row %zu of the list has no id", i + 1);
			return -EBADMSG;
		}
	}

	return 0;
}

static int take_rows(struct mk_cs_request *q, json_object *rows, size_t *ret_new)
{
	*ret_new = 0;

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);
		_cleanup_free_ char *id = row_id(q->list_key, row);

		if (!id)
			return -ENOMEM;
		if (json_object_object_get_ex(q->ids, id, NULL))
			continue;
		if (json_object_array_add(q->rows, json_object_get(row)) < 0) {
			json_object_put(row);
			return -ENOMEM;
		}
		if (json_object_object_add(q->ids, id, NULL) < 0)
			return -ENOMEM;
		(*ret_new)++;
	}

	return 0;
}

int mk_cs_list_take(struct mk_cs_request *q, json_object *object, char **ret_why)
{
	json_object *rows = mk_json_get(object, q->list_key);
	size_t n, n_new;
	int r;

	if (!rows) /* nothing matched, or past the end: neither count nor array */
		return 0;
	if (!json_object_is_type(rows, json_type_array)) {
		*ret_why = mk_strdup_printf("%s in the reply is no list", q->list_key);
		return -EBADMSG;
	}

	r = check_rows(q->list_key, rows, ret_why);
	if (r < 0)
		return r;
	r = take_rows(q, rows, &n_new);
	if (r < 0)
		return r;

	n = json_object_array_length(rows);
	if (n < q->cs->page_size || n_new == 0) /* no new row: the server ignores `page` */
		return 0;
	if (q->page >= PAGES_MAX) {
		*ret_why = mk_strdup_printf("the list has more than %u pages", PAGES_MAX);
		return -EBADMSG;
	}

	q->page++;
	return 1;
}

int mk_cs_list_restart(struct mk_cs_request *q)
{
	json_object_put(q->rows);
	json_object_put(q->ids);
	q->rows = json_object_new_array();
	q->ids = json_object_new_object();
	q->page = 1;
	return q->rows && q->ids ? 0 : -ENOMEM;
}

unsigned mk_cs_list_allowed_size(const char *text)
{
	static const char words[] = "max allowed page size value: ";
	const char *p = strstr(text, words);
	unsigned long size;

	if (!p)
		return 0;

	size = strtoul(p + sizeof(words) - 1, NULL, 10);
	return size > 0 && size < 500 ? (unsigned)size : 0;
}

bool mk_cs_list_takes_listall(const char *command)
{
	static const char *const commands[] = {
		"listVolumes",    "listVirtualMachines", "listSnapshots",
		"listTemplates",  "listNetworks",        "listTags",
		"listVMSnapshot",
	};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (streq(command, commands[i]))
			return true;
	return false;
}
