/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* CloudStack's ParamUnpackWorker: names in lower case, and name[index].field=… made into maps. */

#include "commands-internal.h"

#include <ctype.h>
#include <limits.h>

static bool refuse(struct sim_request *q, const char *name)
{
	return sim_refuse(q, 430, CS_PLAIN,
			  "Unable to decode parameter %s; if specifying an object array, please "
			  "use parameter[index].field=XXX, e.g. userGroupList[0].group=httpGroup",
			  name);
}

static char *lower(const char *s, size_t n)
{
	char *copy = sim_checked(strndup(s, n));

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

/* The parts of "name[index].field". */
struct element {
	char *name, *index;
	const char *field;
};

static void element_done(struct element *e)
{
	free(e->name);
	free(e->index);
}

/* False: the name is malformed. */
static bool split(const char *text, struct element *ret)
{
	const char *open = strchr(text, '['), *close = strchr(text, ']'), *dot = strchr(text, '.');
	_cleanup_free_ char *index = NULL;
	int64_t number;

	if (strrchr(text, '[') != open || !close || close < open || strrchr(text, ']') != close)
		return false;
	if (!dot || dot < close)
		return false;

	index = sim_checked(strndup(open + 1, (size_t)(close - open - 1)));
	if (!sim_parse_long(index, &number) || number < INT_MIN || number > INT_MAX)
		return false;

	ret->name = lower(text, (size_t)(open - text));
	ret->index = sim_checked(mk_strdup_printf("%" PRId64, number));
	ret->field = dot + 1;
	return true;
}

static json_object *member(json_object *o, const char *key)
{
	json_object *value = mk_json_get(o, key);

	if (!value) {
		value = sim_json_object();
		json_object_object_add(o, key, value);
	}
	return value;
}

static bool add_element(struct sim_request *q, json_object *out, const char *text,
			json_object *value)
{
	_cleanup_(element_done) struct element e = {};
	json_object *map;

	if (!split(text, &e))
		return refuse(q, text);

	map = member(out, e.name);
	if (!json_object_is_type(map, json_type_object))
		return sim_refuse_unforeseen(q,
					     "Cannot invoke \"java.util.Map.put(Object, Object)\" "
					     "because \"mapValue\" is null");
	json_object_object_add(member(map, e.index), e.field, json_object_get(value));
	return true;
}

bool sim_unpack_params(struct sim_request *q)
{
	_cleanup_json_ json_object *out = sim_json_object();

	json_object_object_foreach(q->params, name, value) {
		_cleanup_free_ char *plain = NULL;

		if (strchr(name, '[') && *name != '[') {
			if (!add_element(q, out, name, value))
				return false;
			continue;
		}
		if (strchr(name, '[') != strrchr(name, '['))
			return refuse(q, name);
		plain = lower(name, strlen(name));
		json_object_object_add(out, plain, json_object_get(value));
	}

	json_object_put(q->params);
	q->params = take_ptr(out);
	return true;
}

/* A map's elements come by their index. */
bool sim_arg_map(json_object *params, const char *name, unsigned *i, const char **ret_key,
		 const char **ret_value)
{
	json_object *map = mk_json_get(params, name), *next = NULL;
	unsigned best = 0;

	if (!json_object_is_type(map, json_type_object))
		return false;

	json_object_object_foreach(map, index, element) {
		unsigned n = (unsigned)strtol(index, NULL, 10);

		if (n >= *i && (!next || n < best)) {
			best = n;
			next = element;
		}
	}
	if (!next)
		return false;

	*i = best + 1;
	*ret_key = mk_json_str(next, "key", NULL);
	*ret_value = mk_json_str(next, "value", NULL);
	return true;
}
