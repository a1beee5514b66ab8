/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parses CloudStack's replies: the body with its root key and error, and rows of volumes and VMs
 * into structures. wire.h says what is strict and what is lenient. */

#include "wire.h"

#include <limits.h>

#define JSON_DEPTH      32
#define SIZE_LIMIT      (INT64_C(1) << 60) /* 1 EiB: nothing real is larger */
#define DEVICE_ID_LIMIT 1024

static int bad(char **ret_why, char *why)
{
	*ret_why = why ? why : strdup("out of memory");
	return -EBADMSG;
}

static bool only_space(const char *s, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!s[i] || !strchr(" \t\r\n", s[i]))
			return false;
	return true;
}

static bool is_html(const char *data, size_t size)
{
	size_t i = 0;

	while (i < size && data[i] && strchr(" \t\r\n", data[i]))
		i++;
	return i < size && data[i] == '<';
}

/*
 * json-c's default mode: CloudStack leaves raw control characters in texts, which the strict mode
 * refuses. What the default mode would let pass (bytes that are no UTF-8, text after the end) is
 * checked here; json-c's own UTF-8 check takes overlong forms and surrogates.
 */
static int parse(const char *data, size_t size, json_object **ret, char **ret_why)
{
	_cleanup_json_ json_object *o = NULL;
	enum json_tokener_error error;
	json_tokener *tokener;
	size_t end;

	if (size > MK_CS_REPLY_MAX)
		return bad(ret_why, strdup("the reply is too large"));
	if (only_space(data, size))
		return bad(ret_why, strdup("the reply is empty"));
	if (is_html(data, size))
		return bad(ret_why, strdup("the reply is a page in HTML or XML, not JSON"));
	if (memchr(data, 0, size) || !mk_utf8_valid(data, size))
		return bad(ret_why, strdup("the reply is not valid UTF-8"));

	tokener = json_tokener_new_ex(JSON_DEPTH);
	if (!tokener)
		return -ENOMEM;
	o = json_tokener_parse_ex(tokener, data, (int)size);
	error = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	if (error == json_tokener_continue) { /* a bare word ends with the space after it */
		o = json_tokener_parse_ex(tokener, " ", 1);
		error = json_tokener_get_error(tokener);
		end = size;
	}
	json_tokener_free(tokener);

	if (error == json_tokener_continue)
		return bad(ret_why, strdup("the reply is cut off"));
	if (error != json_tokener_success)
		return bad(ret_why, mk_strdup_printf("the reply is not JSON: %s",
						     json_tokener_error_desc(error)));
	if (!only_space(data + end, size - end))
		return bad(ret_why, strdup("text follows the reply's end"));

	*ret = take_ptr(o);
	return 0;
}

static int get_error(struct mk_cs_body *body, char **ret_why)
{
	int64_t code, cs_code = 0;
	json_object *text;
	int r;

	r = mk_cs_get_int(body->object, "errorcode", &code);
	if (r == -ENOENT)
		return 0;
	if (r < 0 || code < 1 || code > 999)
		return bad(ret_why, strdup("the reply's errorcode is no error code"));

	body->code = (int)code;
	if (mk_cs_get_int(body->object, "cserrorcode", &cs_code) == 0 && cs_code > 0 &&
	    cs_code <= INT_MAX)
		body->cs_code = (int)cs_code;

	text = mk_json_get(body->object, "errortext");
	if (!text || !json_object_is_type(text, json_type_string))
		return 0;

	body->text = mk_utf8_clean(json_object_get_string(text));
	return body->text ? 0 : -ENOMEM;
}

int mk_cs_body_parse(const char *data, size_t size, struct mk_cs_body *ret, char **ret_why)
{
	_cleanup_(mk_cs_body_done) struct mk_cs_body body = {};
	_cleanup_json_ json_object *o = NULL;
	int r;

	r = parse(data, size, &o, ret_why);
	if (r < 0)
		return r;

	if (!json_object_is_type(o, json_type_object))
		return bad(ret_why, mk_strdup_printf("the reply is no object, but %s",
						     json_type_to_name(json_object_get_type(o))));
	if (json_object_object_length(o) != 1)
		return bad(ret_why, strdup("the reply has not just one root key"));

	json_object_object_foreach(o, root, object) {
		if (!json_object_is_type(object, json_type_object))
			return bad(ret_why,
				   strdup("there is no object below the reply's root key"));
		body.root = strdup(root);
		body.object = json_object_get(object);
	}

	if (!body.root)
		return -ENOMEM;
	r = get_error(&body, ret_why);
	if (r < 0)
		return r;

	*ret = body;
	body = (struct mk_cs_body){};
	return 0;
}

void mk_cs_body_done(struct mk_cs_body *body)
{
	json_object_put(body->object);
	free(body->root);
	free(body->text);
	*body = (struct mk_cs_body){};
}

static int int_from_text(const char *s, int64_t *ret)
{
	const char *digits = *s == '-' ? s + 1 : s;
	long long v;

	if (!*digits || strspn(digits, "0123456789") != strlen(digits))
		return -EBADMSG;

	errno = 0;
	v = strtoll(s, NULL, 10);
	if (errno != 0)
		return -EBADMSG;

	*ret = v;
	return 0;
}

int mk_cs_get_int(json_object *o, const char *key, int64_t *ret)
{
	json_object *v = mk_json_get(o, key);

	if (!v) /* missing and null are the same */
		return -ENOENT;
	if (json_object_is_type(v, json_type_string))
		return int_from_text(json_object_get_string(v), ret);
	if (!json_object_is_type(v, json_type_int))
		return -EBADMSG;

	*ret = json_object_get_int64(v); /* beyond int64: its maximum, which every range refuses */
	return 0;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* A row being read; the first thing wrong with it sticks. */
struct row {
	json_object *o;
	const char *bad_key; /* NULL: none */
};

/* "" if it is missing; a number's or a truth value's text; anything larger is wrong. */
static const char *get_text(struct row *row, const char *key)
{
	json_object *v = mk_json_get(row->o, key);

	if (!v)
		return "";
	if (json_object_is_type(v, json_type_object) || json_object_is_type(v, json_type_array)) {
		row->bad_key = row->bad_key ? row->bad_key : key;
		return "";
	}

	return str_or_empty(json_object_get_string(v));
}

static const char *get_uuid(struct row *row, const char *key, bool required)
{
	json_object *v = mk_json_get(row->o, key);
	const char *s =
		v && json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";

	if (!v && !required)
		return "";
	if (!mk_uuid_valid(s)) {
		row->bad_key = row->bad_key ? row->bad_key : key;
		return "";
	}

	return s;
}

static int64_t get_number(struct row *row, const char *key, int64_t limit, int64_t fallback)
{
	int64_t v;
	int r;

	r = mk_cs_get_int(row->o, key, &v);
	if (r == -ENOENT)
		return fallback;
	if (r < 0 || v < 0 || v > limit) {
		row->bad_key = row->bad_key ? row->bad_key : key;
		return fallback;
	}

	return v;
}

/* A pending job shows on its object as jobid with jobstatus 0. */
static bool get_busy(struct row *row)
{
	return *get_text(row, "jobid") && get_number(row, "jobstatus", INT_MAX, 0) == 0;
}

static const char *get_tag(struct row *row, const char *key)
{
	json_object *tags = mk_json_get(row->o, "tags");
	const char *value = "";

	if (!tags)
		return value;
	if (!json_object_is_type(tags, json_type_array)) {
		row->bad_key = row->bad_key ? row->bad_key : "tags";
		return value;
	}

	for (size_t i = 0; i < json_object_array_length(tags); i++) {
		struct row tag = { .o = json_object_array_get_idx(tags, i) };

		if (!json_object_is_type(tag.o, json_type_object))
			tag.bad_key = "tags";
		else if (streq(get_text(&tag, "key"), key))
			value = get_text(&tag, "value");
		if (tag.bad_key && !row->bad_key)
			row->bad_key = "tags";
	}

	return value;
}

static void get_volume(struct row *row, struct mk_volume_info *ret)
{
	*ret = (struct mk_volume_info){
		.id = get_uuid(row, "id", true),
		.name = get_text(row, "name"),
		.type = get_text(row, "type"),
		.state = get_text(row, "state"),
		.vm = get_uuid(row, "virtualmachineid", false),
		.vm_state = get_text(row, "vmstate"),
		.zone = get_uuid(row, "zoneid", false),
		.owner = get_tag(row, MK_TAG_OWNER),
		.class = get_tag(row, MK_TAG_CLASS),
		.operation = get_tag(row, MK_TAG_OPERATION),
		.device_id = get_number(row, "deviceid", DEVICE_ID_LIMIT, -1),
		.size = (uint64_t)get_number(row, "size", SIZE_LIMIT, 0),
		.busy = get_busy(row),
	};
	if (!*ret->vm)
		ret->device_id = -1;
}

static void get_vm(struct row *row, struct mk_vm_info *ret)
{
	*ret = (struct mk_vm_info){
		.id = get_uuid(row, "id", true),
		.name = get_text(row, "name"),
		.state = get_text(row, "state"),
		.zone = get_uuid(row, "zoneid", false),
		.hypervisor = get_text(row, "hypervisor"),
		.busy = get_busy(row),
	};
}

/* The i-th row, or an error with its sentence. */
static int get_row(json_object *rows, size_t i, struct row *ret, char **ret_why)
{
	*ret = (struct row){ .o = json_object_array_get_idx(rows, i) };
	if (!json_object_is_type(ret->o, json_type_object))
		return bad(ret_why, mk_strdup_printf("row %zu is no object", i + 1));
	return 0;
}

static int check_row(const struct row *row, size_t i, char **ret_why)
{
	if (!row->bad_key)
		return 0;
	return bad(ret_why, mk_strdup_printf("row %zu: %s is missing or not what it should be",
					     i + 1, row->bad_key));
}

static int check_rows(json_object *rows, size_t *ret_n, char **ret_why)
{
	if (!json_object_is_type(rows, json_type_array))
		return bad(ret_why, strdup("the rows are no array"));
	*ret_n = json_object_array_length(rows);
	return 0;
}

int mk_cs_volumes_parse(json_object *rows, struct mk_cs_volumes *ret, char **ret_why)
{
	_cleanup_(mk_cs_volumes_done) struct mk_cs_volumes v = {};
	int r;

	r = check_rows(rows, &v.n, ret_why);
	if (r < 0)
		return r;

	v.keep = json_object_get(rows);
	v.items = calloc(v.n + 1, sizeof(*v.items));
	if (!v.items)
		return -ENOMEM;

	for (size_t i = 0; i < v.n; i++) {
		struct row row;

		r = get_row(rows, i, &row, ret_why);
		if (r < 0)
			return r;
		get_volume(&row, &v.items[i]);
		r = check_row(&row, i, ret_why);
		if (r < 0)
			return r;
	}

	*ret = v;
	v = (struct mk_cs_volumes){};
	return 0;
}

int mk_cs_vms_parse(json_object *rows, struct mk_cs_vms *ret, char **ret_why)
{
	_cleanup_(mk_cs_vms_done) struct mk_cs_vms v = {};
	int r;

	r = check_rows(rows, &v.n, ret_why);
	if (r < 0)
		return r;

	v.keep = json_object_get(rows);
	v.items = calloc(v.n + 1, sizeof(*v.items));
	if (!v.items)
		return -ENOMEM;

	for (size_t i = 0; i < v.n; i++) {
		struct row row;

		r = get_row(rows, i, &row, ret_why);
		if (r < 0)
			return r;
		get_vm(&row, &v.items[i]);
		r = check_row(&row, i, ret_why);
		if (r < 0)
			return r;
	}

	*ret = v;
	v = (struct mk_cs_vms){};
	return 0;
}

void mk_cs_volumes_done(struct mk_cs_volumes *v)
{
	free(v->items);
	json_object_put(v->keep);
	*v = (struct mk_cs_volumes){};
}

void mk_cs_vms_done(struct mk_cs_vms *v)
{
	free(v->items);
	json_object_put(v->keep);
	*v = (struct mk_cs_vms){};
}
