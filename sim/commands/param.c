/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parameters of a command: the checks of CloudStack's ParamProcessWorker, and access to what passed them. */

#include "commands-internal.h"

#include <ctype.h>

const char *sim_arg(json_object *params, const char *name)
{
	const char *s = mk_json_str(params, name, NULL);

	return s && *s ? s : NULL;
}

/* "true" in any case, everything else is false. */
bool sim_arg_bool(json_object *params, const char *name, bool fallback)
{
	const char *s = sim_arg(params, name);

	return s ? strcasecmp(s, "true") == 0 : fallback;
}

static bool is_number(const char *s)
{
	if (*s == '-')
		s++;
	return *s && strlen(s) < 19 && strspn(s, "0123456789") == strlen(s);
}

int64_t sim_arg_number(json_object *params, const char *name, int64_t fallback)
{
	const char *s = sim_arg(params, name);

	return s && is_number(s) ? strtoll(s, NULL, 10) : fallback;
}

static bool looks_like_uuid(const char *s)
{
	if (strlen(s) != MK_UUID_SIZE - 1)
		return false;

	for (size_t i = 0; s[i]; i++) {
		bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (hyphen ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	}

	return true;
}

static struct sim_object *find_number(struct sim *sim, enum sim_kind kind, int64_t number)
{
	struct sim_object *o;

	SIM_FOREACH(sim, kind, o)
		if (o->number == number)
			return o;
	return NULL;
}

struct sim_ref sim_resolve(struct sim *sim, const char *s, enum sim_kind kind)
{
	struct sim_ref ref = { .given = true };

	if (looks_like_uuid(s)) {
		ref.object = sim_find(sim, kind, s);
	} else {
		ref.number = strtoll(s, NULL, 10);
		ref.object = find_number(sim, kind, ref.number);
	}
	if (ref.object)
		ref.number = ref.object->number;
	return ref;
}

struct sim_ref sim_arg_ref(struct sim *sim, json_object *params, const char *name,
			   enum sim_kind kind)
{
	const char *s = sim_arg(params, name);

	return s ? sim_resolve(sim, s, kind) : (struct sim_ref){};
}

struct sim_object *sim_arg_object(struct sim *sim, json_object *params, const char *name,
				  enum sim_kind kind)
{
	struct sim_ref ref = sim_arg_ref(sim, params, name, kind);

	return ref.object && !ref.object->removed ? ref.object : NULL;
}

bool sim_check_uuid(struct sim_request *q, const char *param, enum sim_kind kind)
{
	struct sim_ref ref = sim_arg_ref(q->sim, q->params, param, kind);

	if (!ref.given || (ref.object && !ref.object->removed))
		return true;
	return sim_refuse(q, 431, CS_INVALID,
			  "Unable to find UUID for id [%" PRId64 "] of type [%s]", ref.number,
			  kind == K_VM         ? "VirtualMachine"
			  : kind == K_SNAPSHOT ? "Snapshot"
					       : "Volume");
}

/* Calls fn for each token of a comma list until it returns true; whether one did. */
bool sim_any_token(const char *list, bool (*fn)(const char *token, void *data), void *data)
{
	_cleanup_free_ char *copy = sim_strdup(list);
	char *save = NULL;

	for (char *t = strtok_r(copy, ",", &save); t; t = strtok_r(NULL, ",", &save))
		if (fn(t, data))
			return true;
	return false;
}

bool sim_arg_map(json_object *params, const char *name, unsigned *i, const char **ret_key,
		 const char **ret_value)
{
	for (; *i < 100; (*i)++) {
		_cleanup_free_ char *key = mk_strdup_printf("%s[%u].key", name, *i);
		_cleanup_free_ char *value = mk_strdup_printf("%s[%u].value", name, *i);

		*ret_key = mk_json_str(params, key, NULL);
		*ret_value = mk_json_str(params, value, NULL);
		if (*ret_key || *ret_value) {
			(*i)++;
			return true;
		}
	}

	return false;
}

/* ---- the border: as ParamProcessWorker ------------------------------------------------------- */

static bool refuse_value(struct sim_request *q, const char *why)
{
	_cleanup_free_ char *name = sim_root_key(q->command->name);

	name[strlen(name) - strlen("response")] = '\0';
	return sim_refuse(q, 431, CS_PLAIN,
			  "Unable to execute API command %s due to invalid value. %s", name, why);
}

static bool refuse_id(struct sim_request *q, const char *param, const char *value)
{
	_cleanup_free_ char *why = mk_strdup_printf(
		"Invalid parameter %s value=%s due to incorrect long value format, or entity does "
		"not exist or due to incorrect parameter annotation for the field in api cmd "
		"class.",
		param, value);

	return refuse_value(q, why);
}

static bool refuse_missing(struct sim_request *q, const char *param)
{
	_cleanup_free_ char *name = sim_root_key(q->command->name);

	name[strlen(name) - strlen("response")] = '\0';
	return sim_refuse(q, 431, CS_PLAIN,
			  "Unable to execute API command %s due to missing parameter %s", name,
			  param);
}

/* 1: fine, 0: taken as absent, -1: refused. */
static int check_id(struct sim_request *q, const struct sim_param *p, const char *value)
{
	if (looks_like_uuid(value)) {
		if (sim_find(q->sim, p->kind, value))
			return 1;
	} else if (p->since) {
		return 0;
	} else if (is_number(value) && *value != '-') {
		return 1;
	}

	refuse_id(q, p->name, value);
	return -1;
}

struct id_list {
	struct sim_request *q;
	const struct sim_param *param;
	char *good; /* comma list of what is left */
};

static bool check_list_id(const char *token, void *data)
{
	struct id_list *l = data;
	char *longer;
	int r;

	r = check_id(l->q, l->param, token);
	if (r <= 0)
		return r < 0;

	longer = l->good ? mk_strdup_printf("%s,%s", l->good, token) : sim_strdup(token);
	free(l->good);
	l->good = longer;
	return false;
}

static bool check_ids(struct sim_request *q, const struct sim_param *p, const char *value)
{
	struct id_list list = { .q = q, .param = p };
	bool refused = sim_any_token(value, check_list_id, &list);

	if (list.good)
		mk_json_set_str(q->params, p->name, list.good);
	else
		json_object_object_del(q->params, p->name);
	free(list.good);
	return !refused;
}

static bool check_number(struct sim_request *q, const char *value)
{
	_cleanup_free_ char *why = mk_strdup_printf("For input string: \"%s\"", value);

	return is_number(value) || refuse_value(q, why);
}

static bool check_param(struct sim_request *q, const struct sim_param *p)
{
	_cleanup_free_ char *value = sim_strdup(mk_json_str(q->params, p->name, NULL));
	_cleanup_free_ char *why =
		mk_strdup_printf("Invalid value provided for API arg: %s", p->name);
	int r;

	if (!value)
		return !p->required || refuse_missing(q, p->name);
	if (!*value)
		return !p->required || refuse_value(q, why);

	switch (p->type) {
	case P_ID:
		r = check_id(q, p, value);
		if (r == 0)
			json_object_object_del(q->params, p->name);
		return r >= 0;
	case P_IDS:
		return check_ids(q, p, value);
	case P_NUMBER:
		return check_number(q, value);
	case P_TEXT:
	case P_BOOL:
	case P_MAP:
		return true;
	}

	return true;
}

bool sim_check_params(struct sim_request *q)
{
	const struct sim_param *p = q->command->params;

	for (; p && p->name; p++)
		if (p->type != P_MAP && !check_param(q, p))
			return false;
	return true;
}
