/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a command: finds it in the tables of the commands-*.c files and checks its parameters. Also what the commands
 * share: refusals, access to parameters, filters and pages of lists.
 */

#include "model.h"

#include <ctype.h>
#include <stdarg.h>

static const struct sim_command *const tables[] = {
	sim_volume_commands, sim_attach_commands, sim_resize_commands,
	sim_vm_commands,     sim_deploy_commands, sim_snapshot_commands,
	sim_tag_commands,    sim_job_commands,    sim_misc_commands,
};

void sim_each_command(void (*fn)(const struct sim_command *command, void *data), void *data)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct sim_command *c = tables[i]; c->name; c++)
			fn(c, data);
}

static const struct sim_command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct sim_command *c = tables[i]; c->name; c++)
			if (streq(c->name, name))
				return c;
	return NULL;
}

bool sim_knows(struct sim *sim, const char *command)
{
	return find_command(command) && !sim_listed(sim, "unknown", command);
}

bool sim_is_async(struct sim *sim, const char *command)
{
	const struct sim_command *c = find_command(command);

	return c && c->mode == SIM_ASYNC;
}

bool sim_is_read(const char *command)
{
	const struct sim_command *c = find_command(command);

	return c && c->mode == SIM_READ;
}

/* ---- answers --------------------------------------------------------------------------------- */

char *sim_root_key(const char *command)
{
	char *root = mk_strdup_printf("%sresponse", command);

	if (!root)
		abort();
	for (char *p = root; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return root;
}

static json_object *wrap(const char *root, json_object *answer)
{
	json_object *whole = sim_json_object();

	json_object_object_add(whole, root, answer);
	return whole;
}

static void set_error(struct sim_answer *ret, const char *root, int code, int cs_code, char *text)
{
	json_object *o = sim_json_object();

	json_object_object_add(o, "uuidList", sim_json_array());
	mk_json_set_int(o, "errorcode", code);
	if (cs_code)
		mk_json_set_int(o, "cserrorcode", cs_code);
	mk_json_set_str(o, "errortext", text);

	sim_answer_done(ret);
	ret->status = code;
	ret->body = wrap(root ? root : "errorresponse", o);
	if (code == 400 || code == 401)
		free(text);
	else
		ret->description = text;
}

static char *text_from(const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	return text;
}

void sim_error(struct sim_answer *ret, const char *root, int code, int cs_code, const char *fmt,
	       ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = text_from(fmt, ap);
	va_end(ap);
	set_error(ret, root, code, cs_code, text);
}

bool sim_refuse(struct sim_request *q, int code, int cs_code, const char *fmt, ...)
{
	_cleanup_free_ char *root = sim_root_key(q->command->name);
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = text_from(fmt, ap);
	va_end(ap);
	set_error(q->answer, root, code, cs_code, text);
	return false;
}

bool sim_reply(struct sim_request *q, json_object *object)
{
	_cleanup_free_ char *root = sim_root_key(q->command->name);

	q->answer->status = 200;
	q->answer->body = wrap(root, object);
	return true;
}

void sim_answer_done(struct sim_answer *answer)
{
	json_object_put(answer->body);
	free(answer->description);
	free(answer->job);
	*answer = (struct sim_answer){};
}

/* ---- what parameters say --------------------------------------------------------------------- */

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

static struct sim_ref resolve(struct sim *sim, const char *s, enum sim_kind kind)
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

	return s ? resolve(sim, s, kind) : (struct sim_ref){};
}

struct sim_object *sim_arg_object(struct sim *sim, json_object *params, const char *name,
				  enum sim_kind kind)
{
	struct sim_ref ref = sim_arg_ref(sim, params, name, kind);

	return ref.object && !ref.object->removed ? ref.object : NULL;
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

struct wanted {
	struct sim *sim;
	const struct sim_object *object;
};

static bool is_wanted(const char *token, void *data)
{
	const struct wanted *w = data;

	return resolve(w->sim, token, w->object->kind).object == w->object;
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

/* The default collations of MySQL know no case, and no blanks at the end; accents are left out here. */
static bool mysql_equal(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	while (n > 0 && a[n - 1] == ' ')
		n--;
	while (m > 0 && b[m - 1] == ' ')
		m--;
	return n == m && strncasecmp(a, b, n) == 0;
}

bool sim_match_text(json_object *params, const char *name, const char *text)
{
	const char *s = sim_arg(params, name);

	return !s || (text && mysql_equal(s, text));
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

static bool check_params(struct sim_request *q)
{
	const struct sim_param *p = q->command->params;

	for (; p && p->name; p++)
		if (p->type != P_MAP && !check_param(q, p))
			return false;
	return true;
}

static json_object *copy_params(json_object *params)
{
	json_object *copy = sim_json_object();

	if (!params)
		return copy;
	json_object_object_foreach(params, key, value) {
		json_object_object_add(copy, key, json_object_get(value));
	}
	return copy;
}

void sim_call(struct sim *sim, const struct sim_call *call, struct sim_answer *ret)
{
	_cleanup_json_ json_object *params = copy_params(call->params);
	struct sim_request q = { .sim = sim, .call = call, .params = params, .answer = ret };

	*ret = (struct sim_answer){};
	q.command = sim_knows(sim, call->command) ? find_command(call->command) : NULL;
	if (!q.command) {
		sim_error(ret, NULL, 401, 0,
			  "unable to verify user credentials and/or request signature");
		return;
	}

	sim_jobs_expire(sim);
	if (!check_params(&q))
		return;
	if (q.command->mode == SIM_ASYNC)
		sim_job_start(&q);
	else if (q.command->run(&q) && q.command->mode == SIM_SYNC)
		sim_executed(sim, q.command->name);
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
