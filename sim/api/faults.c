/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps the faults that a test has asked for, finds the one that a request meets, and damages the answer by it. */

#include "api-internal.h"

#include <limits.h>

#define NEEDS_ERROR 1U /* errorcode, errortext */
#define NEEDS_MS    2U

static const struct action {
	const char *name;
	enum fault_effect effect;
	enum sim_job_fault job;
	unsigned needs;
} actions[] = {
	{ "error", FAULT_ERROR, SIM_JOB_OK, NEEDS_ERROR },
	{ "drop-before", FAULT_DROP_BEFORE, SIM_JOB_OK, 0 },
	{ "drop-after", FAULT_DROP_AFTER, SIM_JOB_OK, 0 },
	{ "hang", FAULT_HANG, SIM_JOB_OK, 0 },
	{ "delay", FAULT_DELAY, SIM_JOB_OK, NEEDS_MS },
	{ "late", FAULT_LATE, SIM_JOB_OK, NEEDS_MS },
	{ "garbage", FAULT_GARBAGE, SIM_JOB_OK, 0 },
	{ "empty", FAULT_EMPTY, SIM_JOB_OK, 0 },
	{ "truncate", FAULT_TRUNCATE, SIM_JOB_OK, 0 },
	{ "null", FAULT_NULL, SIM_JOB_OK, 0 },
	{ "html", FAULT_HTML, SIM_JOB_OK, 0 },
	{ "rate-limit", FAULT_RATE_LIMIT, SIM_JOB_OK, NEEDS_MS },
	{ "unauthorized", FAULT_UNAUTHORIZED, SIM_JOB_OK, 0 },
	{ "maintenance", FAULT_MAINTENANCE, SIM_JOB_OK, 0 },
	{ "maintenance-now", FAULT_MAINTENANCE_NOW, SIM_JOB_OK, 0 },
	{ "slow", FAULT_SLOW, SIM_JOB_OK, NEEDS_MS },
	{ "retype", FAULT_RETYPE, SIM_JOB_OK, 0 },
	{ "away", FAULT_AWAY, SIM_JOB_OK, 0 },
	{ "job-error", FAULT_JOB, SIM_JOB_ERROR, NEEDS_ERROR },
	{ "job-error-done", FAULT_JOB, SIM_JOB_ERROR_DONE, NEEDS_ERROR },
	{ "job-hold", FAULT_JOB, SIM_JOB_HOLD, 0 },
	{ "job-late", FAULT_JOB, SIM_JOB_LATE, NEEDS_MS },
	{ "job-lost", FAULT_JOB, SIM_JOB_LOST, 0 },
	{ "job-lost-before", FAULT_JOB, SIM_JOB_LOST_BEFORE, 0 },
	{ "agent-dies", FAULT_JOB, SIM_JOB_AGENT_DIES, 0 },
	{ "no-jobresult", FAULT_JOB, SIM_JOB_NO_RESULT, 0 },
};

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (streq(actions[i].name, name))
			return &actions[i];
	return NULL;
}

static void fault_free(struct fault *f)
{
	free(f->command);
	free(f->text);
	free(f);
}

/* Returns what is wrong, or NULL. A misspelt key would make a test pass for nothing. */
static char *check_keys(json_object *spec)
{
	static const char *const known[] = { "command",   "nth",       "count", "action",
					     "errorcode", "errortext", "ms",    "cserrorcode",
					     "status",    NULL };

	json_object_object_foreach(spec, key, value) {
		const char *const *k = known;

		while (*k && !streq(*k, key))
			k++;
		if (!*k || !value)
			return mk_strdup_printf("unknown key '%s' in a fault", key);
	}
	return NULL;
}

static char *check(struct sim *sim, json_object *spec, const struct action *action)
{
	const char *command = mk_json_str(spec, "command", "");
	int64_t code = mk_json_int(spec, "errorcode", -1), ms = mk_json_int(spec, "ms", -1);
	int64_t nth = mk_json_int(spec, "nth", 1), count = mk_json_int(spec, "count", 1);
	int64_t status = mk_json_int(spec, "status", 502);

	if (!action)
		return mk_strdup_printf("no such action '%s'", mk_json_str(spec, "action", ""));
	if (!sim_knows(sim, command))
		return mk_strdup_printf("the server does not have the command '%s'", command);
	if ((action->effect == FAULT_JOB || action->effect == FAULT_MAINTENANCE_NOW) &&
	    !sim_is_async(sim, command))
		return mk_strdup_printf("%s starts no job", command);
	if (action->job == SIM_JOB_AGENT_DIES && !sim_is_agents(sim, command))
		return mk_strdup_printf("%s is not known to need an agent", command);
	if ((action->needs & NEEDS_ERROR) &&
	    (code < 0 || code > 999 || !mk_json_str(spec, "errortext", NULL)))
		return mk_strdup_printf("%s needs errorcode and errortext", action->name);
	if (action->effect == FAULT_ERROR && code < 400)
		return mk_strdup_printf("errorcode is an HTTP status: 400 to 999");
	if ((action->needs & NEEDS_MS) && (ms < 0 || ms > INT_MAX))
		return mk_strdup_printf("%s needs ms", action->name);
	if (nth < 1 || nth > INT_MAX || count < 1 || count > INT_MAX)
		return mk_strdup_printf("nth and count are at least 1");
	if (status < 100 || status > 999)
		return mk_strdup_printf("status is from 100 to 999");
	return NULL;
}

int faults_add(struct faults *faults, struct sim *sim, json_object *spec, char **ret_why)
{
	const struct action *action = find_action(mk_json_str(spec, "action", ""));
	struct fault *f;
	char *why = check_keys(spec);

	if (!why)
		why = check(sim, spec, action);
	if (why || !action) {
		*ret_why = why;
		return -EINVAL;
	}

	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;

	f->command = strdup(mk_json_str(spec, "command", ""));
	f->text = strdup(mk_json_str(spec, "errortext", ""));
	if (!f->command || !f->text) {
		fault_free(f);
		return -ENOMEM;
	}

	f->action = action->name;
	f->effect = action->effect;
	f->job = action->job;
	f->nth = (unsigned)mk_json_int(spec, "nth", 1);
	f->count = (unsigned)mk_json_int(spec, "count", 1);
	f->code = (int)mk_json_int(spec, "errorcode", 0);
	f->cs_code = (int)mk_json_int(spec, "cserrorcode", -1);
	f->status = (int)mk_json_int(spec, "status", 502);
	f->ms = (unsigned)mk_json_int(spec, "ms", 0);
	TAILQ_INSERT_TAIL(faults, f, link);
	return 0;
}

const struct fault *faults_meet(struct faults *faults, const char *command)
{
	const struct fault *met = NULL;
	struct fault *f = NULL;

	TAILQ_FOREACH(f, faults, link) {
		if (!streq(f->command, command))
			continue;
		f->seen++;
		if (!met && f->seen >= f->nth && f->seen - f->nth < f->count)
			met = f;
	}
	return met;
}

void faults_clear(struct faults *faults)
{
	struct fault *f;

	while ((f = TAILQ_FIRST(faults))) {
		TAILQ_REMOVE(faults, f, link);
		fault_free(f);
	}
}

bool fault_prevents(const struct fault *f)
{
	switch (f->effect) {
	case FAULT_ERROR:
	case FAULT_DROP_BEFORE:
	case FAULT_HTML:
	case FAULT_RATE_LIMIT:
	case FAULT_UNAUTHORIZED:
	case FAULT_MAINTENANCE:
	case FAULT_MAINTENANCE_NOW:
		return true;
	case FAULT_NONE:
	case FAULT_DROP_AFTER:
	case FAULT_HANG:
	case FAULT_DELAY:
	case FAULT_LATE:
	case FAULT_GARBAGE:
	case FAULT_EMPTY:
	case FAULT_TRUNCATE:
	case FAULT_NULL:
	case FAULT_SLOW:
	case FAULT_RETYPE:
	case FAULT_AWAY:
	case FAULT_JOB:
		break;
	}
	return false;
}

/* --- effects --- */

/* The cserrorcode that usually comes with an errorcode. */
static int usual_cs_code(int code)
{
	switch (code) {
	case 401:
		return 0;
	case 431:
		return 4350; /* InvalidParameterValueException */
	case 530:
		return 4250; /* CloudRuntimeException */
	case 531:
		return 4365; /* PermissionDeniedException */
	case 535:
		return 4370; /* ResourceAllocationException */
	default:
		return 9999;
	}
}

void fault_answer(const struct fault *f, const char *command, struct sim_answer *ret)
{
	if (f->effect == FAULT_ERROR)
		api_error(ret, command, f->code,
			  f->cs_code >= 0 ? f->cs_code : usual_cs_code(f->code), f->text);
	else if (f->effect == FAULT_RATE_LIMIT)
		api_rate_limited(ret, command, f->ms);
	else if (f->effect == FAULT_UNAUTHORIZED)
		api_unauthorized(ret, command);
	else if (f->effect == FAULT_MAINTENANCE)
		api_in_maintenance(ret, command);
}

static void set_body(struct http_answer *a, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return;
	free(a->body);
	a->body = copy;
	a->size = strlen(copy);
}

/* Numbers and booleans as texts, as other versions send some of them. */
static json_object *retype(json_object *o)
{
	json_object *copy;

	switch (json_object_get_type(o)) {
	case json_type_object:
		copy = json_object_new_object();
		json_object_object_foreach(o, key, value) {
			json_object_object_add(copy, key, retype(value));
		}
		return copy;
	case json_type_array:
		copy = json_object_new_array();
		for (size_t i = 0; i < json_object_array_length(o); i++)
			json_object_array_add(copy, retype(json_object_array_get_idx(o, i)));
		return copy;
	case json_type_int:
	case json_type_double:
	case json_type_boolean:
	case json_type_string:
		return json_object_new_string(json_object_get_string(o));
	case json_type_null:
		break;
	}
	return NULL;
}

static void retype_body(struct http_answer *a)
{
	_cleanup_json_ json_object *o = json_tokener_parse(a->body);
	_cleanup_json_ json_object *other = retype(o);

	set_body(a, json_object_to_json_string_ext(other, JSON_C_TO_STRING_PLAIN));
}

static void garble(const struct fault *f, struct http_answer *a)
{
	a->status = 200;
	free(a->description);
	a->description = NULL;
	if (f->effect == FAULT_NULL) {
		set_body(a, "null");
	} else if (f->effect == FAULT_EMPTY) {
		set_body(a, "");
		a->type = HTTP_XML;
	} else {
		set_body(a, "\xff\xfe{\"not\": JSON <\x01>");
	}
}

enum http_delivery fault_apply(const struct fault *f, struct http_answer *a, unsigned *ms)
{
	switch (f->effect) {
	case FAULT_DROP_AFTER:
		return HTTP_DROP;
	case FAULT_HANG:
		return HTTP_HOLD;
	case FAULT_DELAY:
		*ms += f->ms;
		break;
	case FAULT_SLOW:
		*ms = f->ms;
		return HTTP_DRIP;
	case FAULT_GARBAGE:
	case FAULT_EMPTY:
	case FAULT_NULL:
		garble(f, a);
		break;
	case FAULT_TRUNCATE:
		a->size /= 2;
		break;
	case FAULT_RETYPE:
		retype_body(a);
		break;
	case FAULT_NONE:
	case FAULT_ERROR:
	case FAULT_LATE:
	case FAULT_DROP_BEFORE:
	case FAULT_HTML:
	case FAULT_RATE_LIMIT:
	case FAULT_UNAUTHORIZED:
	case FAULT_MAINTENANCE:
	case FAULT_MAINTENANCE_NOW:
	case FAULT_AWAY:
	case FAULT_JOB:
		break;
	}
	return HTTP_SEND;
}
