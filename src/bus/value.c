/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Conversion between D-Bus values and JSON, both ways. Arguments of calls are checked while they are read. */

#include "value-internal.h"

/* ---- reading -------------------------------------------------------------------------------------------- */

static json_object *read_value(DBusMessageIter *it, struct mk_error *error);

static json_object *read_text(DBusMessageIter *it, struct mk_error *error)
{
	const char *s;

	dbus_message_iter_get_basic(it, &s);
	if (!mk_text_valid(s, MK_BUS_TEXT_MAX)) {
		mk_error_set(error, MK_ERROR_INVALID_ARGS,
			     "a text argument has control characters, or more than %u bytes",
			     MK_BUS_TEXT_MAX);
		return NULL;
	}

	return json_object_new_string(s);
}

static json_object *read_array(DBusMessageIter *it, struct mk_error *error)
{
	_cleanup_json_ json_object *array = json_object_new_array();
	DBusMessageIter sub;
	size_t size = 0;

	if (dbus_message_iter_get_element_count(it) > (int)MK_BUS_ARRAY_MAX) {
		mk_error_set(error, MK_ERROR_LIMITS_EXCEEDED,
			     "an array argument has more than %u elements", MK_BUS_ARRAY_MAX);
		return NULL;
	}

	dbus_message_iter_recurse(it, &sub);
	while (dbus_message_iter_get_arg_type(&sub) != DBUS_TYPE_INVALID) {
		json_object *element = read_value(&sub, error);

		size += (size_t)json_object_get_string_len(element);
		if (size > MK_BUS_ARRAY_TEXT_MAX)
			mk_error_set(error, MK_ERROR_LIMITS_EXCEEDED,
				     "the texts of an array argument have more than %u bytes",
				     MK_BUS_ARRAY_TEXT_MAX);
		if (mk_error_is_set(error) || !element || !array ||
		    json_object_array_add(array, element) < 0) {
			json_object_put(element);
			return NULL;
		}
		dbus_message_iter_next(&sub);
	}

	return take_ptr(array);
}

/* Texts, numbers, booleans, and arrays of these. NULL: not one of them, or the error is set. */
static json_object *read_value(DBusMessageIter *it, struct mk_error *error)
{
	union {
		dbus_bool_t b;
		dbus_int32_t i;
		dbus_uint32_t u;
		dbus_int64_t x;
		dbus_uint64_t t;
		double d;
	} v = { 0 };

	switch (dbus_message_iter_get_arg_type(it)) {
	case DBUS_TYPE_STRING:
	case DBUS_TYPE_OBJECT_PATH:
		return read_text(it, error);
	case DBUS_TYPE_BOOLEAN:
		dbus_message_iter_get_basic(it, &v.b);
		return json_object_new_boolean(v.b != 0);
	case DBUS_TYPE_INT32:
		dbus_message_iter_get_basic(it, &v.i);
		return json_object_new_int64(v.i);
	case DBUS_TYPE_UINT32:
		dbus_message_iter_get_basic(it, &v.u);
		return json_object_new_int64(v.u);
	case DBUS_TYPE_INT64:
		dbus_message_iter_get_basic(it, &v.x);
		return json_object_new_int64(v.x);
	case DBUS_TYPE_UINT64:
		dbus_message_iter_get_basic(it, &v.t);
		return json_object_new_uint64(v.t);
	case DBUS_TYPE_DOUBLE:
		dbus_message_iter_get_basic(it, &v.d);
		return json_object_new_double(v.d);
	case DBUS_TYPE_ARRAY:
		return read_array(it, error);
	case DBUS_TYPE_VARIANT: /* only Properties.Set takes one, and never a value */
		return json_object_new_object();
	default:
		return NULL;
	}
}

static const struct mk_option *find_option(const struct mk_option *options, const char *name)
{
	for (; options && options->name; options++)
		if (streq(options->name, name))
			return options;
	return NULL;
}

/* One entry of a{sv}: known, of its type, and there once. */
static int read_option(DBusMessageIter *entry, const struct mk_option *options, json_object *o,
		       struct mk_error *error)
{
	const struct mk_option *option;
	DBusMessageIter kv, variant;
	json_object *value;
	const char *key;
	char *signature;

	dbus_message_iter_recurse(entry, &kv);
	dbus_message_iter_get_basic(&kv, &key);
	dbus_message_iter_next(&kv);
	dbus_message_iter_recurse(&kv, &variant);

	option = find_option(options, key);
	if (!option) {
		mk_error_set(error, MK_ERROR_INVALID_ARGS, "there is no option '%.64s'", key);
		return -EINVAL;
	}
	if (mk_json_get(o, key)) {
		mk_error_set(error, MK_ERROR_INVALID_ARGS, "option '%s' is given twice", key);
		return -EINVAL;
	}

	signature = dbus_message_iter_get_signature(&variant);
	if (!signature || !streq(signature, option->type))
		mk_error_set(error, MK_ERROR_INVALID_ARGS,
			     "option '%s' must be of type %s, not %.64s", key, option->type,
			     str_or_empty(signature));
	dbus_free(signature);
	if (mk_error_is_set(error))
		return -EINVAL;

	value = read_value(&variant, error);
	if (!value)
		return -EINVAL;
	json_object_object_add(o, key, value);
	return 0;
}

static json_object *read_options(DBusMessageIter *it, const struct mk_option *options,
				 struct mk_error *error)
{
	_cleanup_json_ json_object *o = json_object_new_object();
	DBusMessageIter sub;

	if (!o)
		return NULL;

	dbus_message_iter_recurse(it, &sub);
	while (dbus_message_iter_get_arg_type(&sub) == DBUS_TYPE_DICT_ENTRY) {
		if (read_option(&sub, options, o, error) < 0)
			return NULL;
		dbus_message_iter_next(&sub);
	}

	return take_ptr(o);
}

static bool is_dict(DBusMessageIter *it)
{
	return dbus_message_iter_get_arg_type(it) == DBUS_TYPE_ARRAY &&
	       dbus_message_iter_get_element_type(it) == DBUS_TYPE_DICT_ENTRY;
}

int mk_bus_read_args(DBusMessage *message, const struct mk_bus_method *method, json_object **ret,
		     struct mk_error *error)
{
	_cleanup_json_ json_object *args = json_object_new_array();
	const char *signature = dbus_message_get_signature(message);
	DBusMessageIter it;

	if (!streq(str_or_empty(signature), method->in)) {
		mk_error_set(error, MK_ERROR_INVALID_ARGS,
			     "%s takes arguments of signature '%s', not '%.255s'", method->name,
			     method->in, str_or_empty(signature));
		return -EINVAL;
	}

	dbus_message_iter_init(message, &it);
	while (dbus_message_iter_get_arg_type(&it) != DBUS_TYPE_INVALID) {
		json_object *value = is_dict(&it) ? read_options(&it, method->options, error)
						  : read_value(&it, error);

		if (!value || !args || json_object_array_add(args, value) < 0) {
			json_object_put(value);
			mk_error_set(error, MK_ERROR_INTERNAL, "the arguments cannot be read");
			return -EINVAL;
		}
		dbus_message_iter_next(&it);
	}

	*ret = take_ptr(args);
	return 0;
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

/*
 * The length of a noncharacter (U+FDD0 to U+FDEF, and the last two code points of each plane) that valid
 * UTF-8 begins with; else 0. The D-Bus specification allows them, and sd-bus refuses to read them.
 */
static size_t noncharacter(const unsigned char *p)
{
	if (p[0] == 0xef && p[1] == 0xb7 && p[2] >= 0x90 && p[2] <= 0xaf)
		return 3;
	if (p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe)
		return 3;
	if (p[0] >= 0xf0 && (p[1] & 0xf) == 0xf && p[2] == 0xbf && p[3] >= 0xbe)
		return 4;
	return 0;
}

static bool has_noncharacter(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++)
		if (noncharacter(p))
			return true;
	return false;
}

char *mk_bus_text(const char *s)
{
	char *clean = dbus_validate_utf8(s, NULL) ? strdup(s) : mk_utf8_clean(s), *to = clean;

	for (const char *p = clean; p && *p;) {
		size_t n = noncharacter((const unsigned char *)p);

		if (n) {
			to = mempcpy(to, "\xef\xbf\xbd", 3);
			p += n;
		} else {
			*to++ = *p++;
		}
	}

	if (clean)
		*to = '\0';
	return clean;
}

static bool append_text(DBusMessageIter *it, int type, json_object *value)
{
	const char *s = value && json_object_is_type(value, json_type_string)
				? json_object_get_string(value)
				: "";
	_cleanup_free_ char *clean = NULL;

	if (type == DBUS_TYPE_OBJECT_PATH && !dbus_validate_path(s, NULL))
		s = "/";
	if (!dbus_validate_utf8(s, NULL) || has_noncharacter(s)) {
		clean = mk_bus_text(s);
		if (!clean)
			return false;
		s = clean;
	}

	return dbus_message_iter_append_basic(it, type, &s);
}

/* The type of a value in a variant. */
static const char *variant_signature(json_object *value)
{
	json_object *first;

	switch (json_object_get_type(value)) {
	case json_type_boolean:
		return "b";
	case json_type_int:
		return json_object_get_int64(value) < 0 ? "x" : "t";
	case json_type_double:
		return "d";
	case json_type_object:
		return "a{sv}";
	case json_type_array:
		first = json_object_array_get_idx(value, 0);
		return first && json_object_is_type(first, json_type_object) ? "aa{sv}" : "as";
	case json_type_null:
	case json_type_string:
		return "s";
	}
	return "s";
}

static bool append_dict(DBusMessageIter *it, json_object *value)
{
	DBusMessageIter array;
	bool ok;

	ok = dbus_message_iter_open_container(it, DBUS_TYPE_ARRAY, "{sv}", &array);
	if (ok && value && json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, v) {
			_cleanup_json_ json_object *name = json_object_new_string(key);
			DBusMessageIter entry;

			ok = ok && name &&
			     dbus_message_iter_open_container(&array, DBUS_TYPE_DICT_ENTRY, NULL,
							      &entry) &&
			     append_text(&entry, DBUS_TYPE_STRING, name) &&
			     mk_bus_append(&entry, "v", v) &&
			     dbus_message_iter_close_container(&array, &entry);
		}
	}

	return ok && dbus_message_iter_close_container(it, &array);
}

static bool append_array(DBusMessageIter *it, const char *element, json_object *value)
{
	size_t n = value && json_object_is_type(value, json_type_array)
			   ? json_object_array_length(value)
			   : 0;
	DBusMessageIter array;
	bool ok;

	ok = dbus_message_iter_open_container(it, DBUS_TYPE_ARRAY, element, &array);
	for (size_t i = 0; ok && i < n; i++)
		ok = mk_bus_append(&array, element, json_object_array_get_idx(value, i));

	return ok && dbus_message_iter_close_container(it, &array);
}

static bool append_number(DBusMessageIter *it, int type, json_object *value)
{
	union {
		dbus_bool_t b;
		dbus_int32_t i;
		dbus_uint32_t u;
		dbus_int64_t x;
		dbus_uint64_t t;
		double d;
	} v = { 0 };

	switch (type) {
	case DBUS_TYPE_BOOLEAN:
		v.b = json_object_get_boolean(value) ? TRUE : FALSE;
		break;
	case DBUS_TYPE_INT32:
		v.i = json_object_get_int(value);
		break;
	case DBUS_TYPE_UINT32:
		v.u = (dbus_uint32_t)json_object_get_int64(value);
		break;
	case DBUS_TYPE_INT64:
		v.x = json_object_get_int64(value);
		break;
	case DBUS_TYPE_UINT64:
		v.t = json_object_get_uint64(value);
		break;
	case DBUS_TYPE_DOUBLE:
		v.d = json_object_get_double(value);
		break;
	default:
		return false;
	}

	return dbus_message_iter_append_basic(it, type, &v);
}

bool mk_bus_append(DBusMessageIter *it, const char *signature, json_object *value)
{
	DBusMessageIter variant;
	const char *type;

	switch (*signature) {
	case DBUS_TYPE_STRING:
	case DBUS_TYPE_OBJECT_PATH:
		return append_text(it, *signature, value);
	case DBUS_TYPE_ARRAY:
		return signature[1] == '{' ? append_dict(it, value)
					   : append_array(it, signature + 1, value);
	case DBUS_TYPE_VARIANT:
		type = variant_signature(value);
		return dbus_message_iter_open_container(it, DBUS_TYPE_VARIANT, type, &variant) &&
		       mk_bus_append(&variant, type, value) &&
		       dbus_message_iter_close_container(it, &variant);
	default:
		return append_number(it, *signature, value);
	}
}

bool mk_bus_append_all(DBusMessageIter *it, const char *signature, json_object *values)
{
	DBusSignatureIter types;
	bool ok = true;

	if (!*signature)
		return true;
	if (!json_object_is_type(values, json_type_array))
		values = NULL; /* json-c aborts on them */

	dbus_signature_iter_init(&types, signature);
	for (size_t i = 0; ok; i++) {
		char *type = dbus_signature_iter_get_signature(&types);

		ok = type &&
		     mk_bus_append(it, type, values ? json_object_array_get_idx(values, i) : NULL);
		dbus_free(type);
		if (!dbus_signature_iter_next(&types))
			break;
	}

	return ok;
}
