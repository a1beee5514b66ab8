/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parameters of a command: the checks of CloudStack's ParamProcessWorker, and access to what passed them. */

#include "commands-internal.h"

#include <ctype.h>
#include <time.h>

#define TEXT_MAX 255

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

bool sim_arg_given(json_object *params, const char *name)
{
	return mk_json_get(params, name) != NULL;
}

/* As Java's Long.valueOf(). */
bool sim_parse_long(const char *s, int64_t *ret)
{
	size_t sign = *s == '-' || *s == '+', digits = strspn(s + sign, "0123456789");
	char *end;

	if (digits == 0 || s[sign + digits])
		return false;
	errno = 0;
	*ret = strtoll(s, &end, 10);
	return errno == 0;
}

static bool parse_part(const char **s, int most, int *ret)
{
	char *end;
	long n;

	if (!isdigit((unsigned char)**s))
		return false;
	n = strtol(*s, &end, 10);
	*s = end;
	*ret = (int)n;
	return n >= 0 && n <= most;
}

/* SimpleDateFormat "yyyy-MM-dd", not lenient, reads the beginning of a text, and does not mind what follows. */
bool sim_parse_date(const char *s, uint64_t *ret)
{
	struct tm tm = { 0 }, same;
	time_t t;

	s += strspn(s, " \t");
	if (!parse_part(&s, 9999, &tm.tm_year) || *s++ != '-' || !parse_part(&s, 12, &tm.tm_mon) ||
	    *s++ != '-' || !parse_part(&s, 31, &tm.tm_mday))
		return false;

	tm.tm_year -= 1900;
	tm.tm_mon--;
	same = tm;
	t = timegm(&tm);
	*ret = t < 0 ? 0 : (uint64_t)t * USEC_PER_SEC;
	return tm.tm_mon == same.tm_mon && tm.tm_mday == same.tm_mday;
}

int64_t sim_arg_number(json_object *params, const char *name, int64_t fallback)
{
	const char *s = sim_arg(params, name);
	int64_t number;

	return s && sim_parse_long(s, &number) ? number : fallback;
}

/* A regular expression in UuidUtils that is not anchored: the text need only contain a UUID, in any case. */
static bool has_uuid(const char *s)
{
	size_t n = 0;

	for (; *s && n < MK_UUID_SIZE - 1; s++) {
		bool hyphen = n == 8 || n == 13 || n == 18 || n == 23;

		if (hyphen ? *s == '-' : isxdigit((unsigned char)*s) != 0) {
			n++;
		} else {
			s -= n; /* it may begin one character later */
			n = 0;
		}
	}
	return n == MK_UUID_SIZE - 1;
}

/* Ids are compared as MySQL compares texts; ours are in lower case. */
static void canonical_id(const char *s, char *ret)
{
	size_t n = strlen(s);

	while (n > 0 && s[n - 1] == ' ')
		n--;
	if (n != MK_UUID_SIZE - 1)
		n = 0;
	for (size_t i = 0; i < n; i++)
		ret[i] = (char)tolower((unsigned char)s[i]);
	ret[n] = '\0';
}

static struct sim_object *find_id(struct sim *sim, enum sim_kind kind, const char *s)
{
	char id[MK_UUID_SIZE];

	canonical_id(s, id);
	return kind == K_NONE ? NULL : sim_find(sim, kind, id);
}

static struct sim_object *find_number(struct sim *sim, enum sim_kind kind, int64_t number)
{
	struct sim_object *o;

	if (kind == K_NONE)
		return NULL;
	SIM_FOREACH(sim, kind, o)
		if (o->number == number)
			return o;
	return NULL;
}

struct sim_ref sim_resolve(struct sim *sim, const char *s, enum sim_kind kind)
{
	struct sim_ref ref = { .given = true };

	if (has_uuid(s)) {
		ref.object = find_id(sim, kind, s);
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

/* ---- the border: as ParamProcessWorker ------------------------------------------------------- */

/* The command as refusals name it. The caller frees. */
static char *command_name(const struct sim_request *q)
{
	char *name = sim_root_key(q->command->name);

	name[strlen(name) - strlen("response")] = '\0';
	return name;
}

/* Of an InvalidParameterValueException. */
static bool refuse_value(struct sim_request *q, const char *why)
{
	_cleanup_free_ char *name = command_name(q);

	return sim_refuse(q, 431, CS_PLAIN,
			  "Unable to execute API command %s due to invalid value. %s", name, why);
}

/* Of an IllegalArgumentException. */
static bool refuse_form(struct sim_request *q, const struct sim_param *p, const char *value)
{
	_cleanup_free_ char *name = command_name(q);

	return sim_refuse(q, 431, CS_PLAIN,
			  "Unable to execute API command %s due to invalid value %s for parameter "
			  "%s",
			  name, value, p->name);
}

static bool refuse_missing(struct sim_request *q, const struct sim_param *p)
{
	_cleanup_free_ char *name = command_name(q);

	return sim_refuse(q, 431, CS_PLAIN,
			  "Unable to execute API command %s due to missing parameter %s", name,
			  p->name);
}

static bool refuse_date(struct sim_request *q, const char *value)
{
	_cleanup_free_ char *name = command_name(q);

	return sim_refuse(q, 431, CS_PLAIN,
			  "Unable to parse date %s for command %s, please pass dates in the format "
			  "mentioned in the api documentation",
			  value, name);
}

static bool refuse_id(struct sim_request *q, const struct sim_param *p, const char *value)
{
	_cleanup_free_ char *why = mk_strdup_printf(
		"Invalid parameter %s value=%s due to incorrect long value format, or entity does "
		"not exist or due to incorrect parameter annotation for the field in api cmd "
		"class.",
		p->name, value);

	return refuse_value(q, why);
}

static bool refuse_natural(struct sim_request *q, const struct sim_param *p)
{
	_cleanup_free_ char *why =
		mk_strdup_printf("Invalid value provided for API arg: %s", p->name);

	return refuse_value(q, why);
}

/* ---- types ----------------------------------------------------------------------------------- */

static bool is_known(struct sim *sim, const struct sim_param *p, const char *value)
{
	char id[MK_UUID_SIZE];

	if (p->kind != K_NONE)
		return find_id(sim, p->kind, value) != NULL;
	canonical_id(value, id);
	return p->only && streq(id, p->only);
}

/* As translateUuidToInternalId(). 1: fine, 0: taken as NULL, -1: refused. */
static int check_id(struct sim_request *q, const struct sim_param *p, const char *value)
{
	bool uuid = has_uuid(value);
	int64_t number;

	if (streq(value, "-1"))
		return 1;
	if (p->since && !uuid)
		return 0;
	if (!uuid && sim_parse_long(value, &number))
		return number > 0 || refuse_natural(q, p) ? 1 : -1;
	return is_known(q->sim, p, value) || refuse_id(q, p, value) ? 1 : -1;
}

static bool check_one_id(struct sim_request *q, const struct sim_param *p, const char *value)
{
	int r = check_id(q, p, value);

	if (r == 0)
		json_object_object_del(q->params, p->name);
	return r >= 0;
}

struct id_list {
	struct sim_request *q;
	const struct sim_param *param;
	char *good; /* comma list of what is left */
};

/* A token that is NULL for CloudStack names no row: so does 0. */
static bool check_list_id(const char *token, void *data)
{
	struct id_list *l = data;
	int r = check_id(l->q, l->param, token);
	char *longer;

	if (r < 0)
		return true;

	token = r == 0 ? "0" : token;
	longer = l->good ? mk_strdup_printf("%s,%s", l->good, token) : sim_strdup(token);
	free(l->good);
	l->good = sim_checked(longer);
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

static bool check_number(struct sim_request *q, const struct sim_param *p, const char *value)
{
	int64_t number;

	if (p->type == P_INTEGER && !value[strspn(value, " \t\r\n")])
		return true;
	if (!sim_parse_long(value, &number))
		return refuse_form(q, p, value);
	if (p->natural && number < 1)
		return refuse_natural(q, p);
	if (p->type == P_INTEGER && (number < INT32_MIN || number > INT32_MAX))
		return refuse_form(q, p, value);
	return true;
}

/* In UTF-16 code units, as String.length() counts. */
static size_t java_length(const char *s)
{
	size_t n = 0;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		n += (c & 0xc0) != 0x80;
		n += c >= 0xf0;
	}
	return n;
}

/* NetUtils.verifyDomainNameLabel() with hostName. */
static bool is_host_name(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n = strlen(s);

	if (n == 0 || n > 63 || !strchr(letters, s[0]) || s[n - 1] == '-')
		return false;
	for (; *s; s++)
		if (!strchr(letters, *s) && !isdigit((unsigned char)*s) && *s != '-')
			return false;
	return true;
}

static bool check_text(struct sim_request *q, const struct sim_param *p, const char *value)
{
	unsigned most = p->length ? p->length : TEXT_MAX;
	_cleanup_free_ char *why = NULL;

	if (p->host && !is_host_name(value))
		return refuse_value(q,
				    "Invalid value provided for API arg: name - it can contain "
				    "ASCII letters 'a' through 'z', the digits '0' through '9', "
				    "and the hyphen ('-'), must be between 1 and 63 characters "
				    "long, and can't start or end with \"-\" and can't start with "
				    "digit");
	if (java_length(value) <= most)
		return true;
	why = mk_strdup_printf("Value greater than max allowed length %u for param: %s", most,
			       p->field ? p->field : p->name);
	return refuse_value(q, why);
}

static bool check_type(struct sim_request *q, const struct sim_param *p, const char *value)
{
	uint64_t date;

	switch (p->type) {
	case P_ID:
		return check_one_id(q, p, value);
	case P_IDS:
		return check_ids(q, p, value);
	case P_NUMBER:
	case P_INTEGER:
		return check_number(q, p, value);
	case P_DATE:
		return sim_parse_date(value, &date) || refuse_date(q, value);
	case P_TEXT:
		return check_text(q, p, value);
	case P_MAP:
		return json_object_is_type(mk_json_get(q->params, p->name), json_type_object) ||
		       refuse_form(q, p, value);
	case P_TEXTS:
	case P_BOOL:
		return true;
	}

	return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool check_param(struct sim_request *q, const struct sim_param *p)
{
	_cleanup_free_ char *value = NULL;

	if (!sim_arg_given(q->params, p->name))
		return !p->required || refuse_missing(q, p);

	value = sim_strdup(json_object_get_string(mk_json_get(q->params, p->name)));
	if (p->required && !*value)
		return sim_refuse(q, 431, CS_INVALID, "Invalid value provided for API arg: %s",
				  p->name);
	return check_type(q, p, value);
}

/* A parameter that the command does not declare is not there. */
static void drop_others(struct sim_request *q)
{
	json_object *declared = sim_json_object();

	for (const struct sim_param *p = q->command->params; p && p->name; p++) {
		json_object *value = mk_json_get(q->params, p->name);

		if (value && !(p->admin && !sim_is_admin(q->caller)))
			json_object_object_add(declared, p->name, json_object_get(value));
	}
	json_object_put(q->params);
	q->params = declared;
}

bool sim_check_params(struct sim_request *q)
{
	const struct sim_param *p = q->command->params;

	drop_others(q);
	for (; p && p->name; p++)
		if (!check_param(q, p))
			return false;
	return true;
}
