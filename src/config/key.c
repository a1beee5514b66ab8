/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of all known keys, with default and range, and for each type of value how it is checked, stored and
 * printed. */

#include "key-internal.h"
#include "parse-internal.h"
#include "secret-internal.h"

#define PATH_MAX_SIZE 4095u
#define URL_MAX_SIZE  1024u
#define TEXT_MAX_SIZE 255u

#define MS  USEC_PER_MSEC
#define S   USEC_PER_SEC
#define MIN (60 * S)
#define H   (60 * MIN)
#define D   (24 * H)

#define AT(member) offsetof(struct mk_config, member)

const struct mk_key mk_keys[MK_N_KEYS] = {
	/* clang-format off */
	{ "cloudstack", "url", MK_KEY_URL, AT(cloudstack.url), NULL },
	{ "cloudstack", "api-key", MK_KEY_SECRET, AT(cloudstack.api_key), "" },
	{ "cloudstack", "secret-key", MK_KEY_SECRET, AT(cloudstack.secret_key), "" },
	{ "cloudstack", "api-key-file", MK_KEY_PATH, AT(cloudstack.api_key_file), "" },
	{ "cloudstack", "secret-key-file", MK_KEY_PATH, AT(cloudstack.secret_key_file), "" },
	{ "cloudstack", "ca-file", MK_KEY_PATH, AT(cloudstack.ca_file), "" },
	{ "cloudstack", "insecure", MK_KEY_BOOL, AT(cloudstack.insecure), "no" },
	{ "cloudstack", "max-requests", MK_KEY_COUNT, AT(cloudstack.max_requests), "32", 1, 128 },
	{ "cloudstack", "request-timeout", MK_KEY_SPAN, AT(cloudstack.request_timeout), "30s", 100 * MS, 10 * MIN },
	{ "cloudstack", "sync-timeout", MK_KEY_SPAN, AT(cloudstack.sync_timeout), "300s", 100 * MS, 6 * H },
	{ "cloudstack", "poll-min", MK_KEY_SPAN, AT(cloudstack.poll_min), "1s", MS, MIN },
	{ "cloudstack", "poll-max", MK_KEY_SPAN, AT(cloudstack.poll_max), "5s", MS, 10 * MIN },
	{ "cloudstack", "retry-min", MK_KEY_SPAN, AT(cloudstack.retry_min), "500ms", MS, MIN },
	{ "cloudstack", "retry-max", MK_KEY_SPAN, AT(cloudstack.retry_max), "30s", MS, H },
	{ "appliance", "vm", MK_KEY_UUID, AT(appliance.vm), NULL, .restart = true },
	{ "appliance", "check-dmi", MK_KEY_BOOL, AT(appliance.check_dmi), "yes" },
	{ "volumes", "disk-offering", MK_KEY_TEXT, AT(volumes.disk_offering), "" },
	{ "volumes", "zone", MK_KEY_TEXT, AT(volumes.zone), "" },
	{ "volumes", "max-data-disks", MK_KEY_COUNT, AT(volumes.max_data_disks), "32", 1, 1000 },
	{ "operations", "max-pending", MK_KEY_COUNT, AT(operations.max_pending), "4096", 1, 100000 },
	{ "operations", "max-per-caller", MK_KEY_COUNT, AT(operations.max_per_caller), "2048", 1, 100000 },
	{ "operations", "deadline", MK_KEY_SPAN, AT(operations.deadline), "0", MS, 7 * D, true },
	{ "operations", "step-limit", MK_KEY_SPAN, AT(operations.step_limit), "0", MS, D, true },
	{ "operations", "poll-interval", MK_KEY_SPAN, AT(operations.poll_interval), "1s", MS, MIN },
	{ "operations", "rollback-deadline", MK_KEY_SPAN, AT(operations.rollback_deadline), "10min", MS, D },
	{ "operations", "settle-interval", MK_KEY_SPAN, AT(operations.settle_interval), "5s", MS, 10 * MIN },
	{ "operations", "history-age", MK_KEY_SPAN, AT(operations.history_age), "30d", S, 3650 * D },
	{ "operations", "history-count", MK_KEY_COUNT, AT(operations.history_count), "10000", 0, 10000000 },
	{ "operations", "export-finished", MK_KEY_COUNT, AT(operations.export_finished), "200", 0, 100000 },
	{ "plugins", "load", MK_KEY_NAMES, AT(plugins.load), "test-vm, oma, failover", .restart = true },
	{ "plugins", "directory", MK_KEY_PATH, AT(plugins.directory), PLUGINS_DIR, .restart = true },
	{ "daemon", "state-directory", MK_KEY_PATH, AT(daemon.state_directory), STATE_DIR, .restart = true },
	{ "daemon", "group", MK_KEY_TEXT, AT(daemon.group), "migratekit", .restart = true },
	/* clang-format on */
};

static void *member(const struct mk_key *key, struct mk_config *config)
{
	return (char *)config + key->offset;
}

static const void *const_member(const struct mk_key *key, const struct mk_config *config)
{
	return (const char *)config + key->offset;
}

/* ---- finding ------------------------------------------------------------------------------------ */

const struct mk_key *mk_key_find(const char *group, const char *name)
{
	for (size_t i = 0; i < MK_N_KEYS; i++)
		if (streq(mk_keys[i].group, group) && streq(mk_keys[i].name, name))
			return &mk_keys[i];

	return NULL;
}

bool mk_key_group_known(const char *group)
{
	for (size_t i = 0; i < MK_N_KEYS; i++)
		if (streq(mk_keys[i].group, group))
			return true;

	return false;
}

/* The same name in another group is as good as one typing error. */
const struct mk_key *mk_key_suggest(const char *group, const char *name)
{
	const struct mk_key *best = NULL;
	unsigned best_distance = 3;

	for (size_t i = 0; i < MK_N_KEYS; i++) {
		unsigned d = mk_edit_distance(mk_keys[i].name, name);

		if (!streq(mk_keys[i].group, group))
			d++;
		if (d < best_distance) {
			best_distance = d;
			best = &mk_keys[i];
		}
	}

	return best;
}

const char *mk_key_suggest_group(const char *group)
{
	for (size_t i = 0; i < MK_N_KEYS; i++)
		if (mk_edit_distance(mk_keys[i].group, group) <= 2)
			return mk_keys[i].group;

	return NULL;
}

/* ---- setting ------------------------------------------------------------------------------------ */

/* Printed between quotes: the file's reader has made sure that it is one line of clean UTF-8. */
static int refuse(const char *value, const char *what, char **ret_problem)
{
	*ret_problem = mk_strdup_printf("\"%.100s\" is not %s", value, what);
	return -EINVAL;
}

static int set_text(const struct mk_key *key, const char *value, struct mk_config *config)
{
	char **p = member(key, config);

	if (key->type == MK_KEY_SECRET)
		*p = mk_secret_free(*p);

	return mk_str_set(p, value);
}

static int set_url(const struct mk_key *key, const char *value, struct mk_config *config,
		   char **ret_problem)
{
	const char *problem =
		strlen(value) > URL_MAX_SIZE ? "is longer than 1024 bytes" : mk_url_problem(value);

	/* it may hold a password: not repeated */
	if (problem) {
		*ret_problem = mk_strdup_printf("the URL %s; allowed is "
						"http(s)://host[:port]/client/api",
						problem);
		return -EINVAL;
	}

	return set_text(key, value, config);
}

static int set_secret(const struct mk_key *key, const char *value, struct mk_config *config,
		      char **ret_problem)
{
	if (!mk_secret_valid(value)) {
		*ret_problem =
			mk_strdup_printf("the value (not shown) is not a key; allowed are 1 to "
					 "%u printable characters without blanks",
					 MK_SECRET_MAX);
		return -EINVAL;
	}

	return set_text(key, value, config);
}

static int set_path(const struct mk_key *key, const char *value, struct mk_config *config,
		    char **ret_problem)
{
	if (*value != '/' || strlen(value) > PATH_MAX_SIZE)
		return refuse(value, "an absolute path", ret_problem);

	return set_text(key, value, config);
}

static int set_plain(const struct mk_key *key, const char *value, struct mk_config *config,
		     char **ret_problem)
{
	if (strlen(value) > TEXT_MAX_SIZE)
		return refuse(value, "a text of at most 255 bytes", ret_problem);

	return set_text(key, value, config);
}

static int set_uuid(const struct mk_key *key, const char *value, struct mk_config *config,
		    char **ret_problem)
{
	if (!mk_uuid_valid(value))
		return refuse(value,
			      "a canonical UUID (8-4-4-4-12 hexadecimal digits, lower case; "
			      "CloudStack's internal numbers are not allowed)",
			      ret_problem);

	return set_text(key, value, config);
}

static bool in_range(const struct mk_key *key, uint64_t v)
{
	return (v >= key->min && v <= key->max) || (v == 0 && key->zero);
}

static int set_count(const struct mk_key *key, const char *value, struct mk_config *config,
		     char **ret_problem)
{
	unsigned *p = member(key, config);
	uint64_t v;

	if (mk_parse_count(value, &v) < 0 || !in_range(key, v)) {
		*ret_problem = mk_strdup_printf("\"%.100s\" is not a number from %llu to %llu",
						value, (unsigned long long)key->min,
						(unsigned long long)key->max);
		return -EINVAL;
	}

	*p = (unsigned)v;
	return 0;
}

static int set_span(const struct mk_key *key, const char *value, struct mk_config *config,
		    char **ret_problem)
{
	char min[MK_SPAN_SIZE], max[MK_SPAN_SIZE];
	uint64_t *p = member(key, config);
	uint64_t v;

	if (mk_parse_span(value, &v) < 0 || !in_range(key, v)) {
		mk_format_span(key->min, min);
		mk_format_span(key->max, max);
		*ret_problem =
			mk_strdup_printf("\"%.100s\" is not a time span from %s to %s%s; units "
					 "are us, ms, s, min, h, d",
					 value, min, max, key->zero ? ", or 0" : "");
		return -EINVAL;
	}

	*p = v;
	return 0;
}

static int set_bool(const struct mk_key *key, const char *value, struct mk_config *config,
		    char **ret_problem)
{
	if (mk_parse_bool(value, member(key, config)) < 0)
		return refuse(value, "yes or no", ret_problem);

	return 0;
}

static int set_names(const struct mk_key *key, const char *value, struct mk_config *config,
		     char **ret_problem)
{
	char ***p = member(key, config);
	char **list;
	int r;

	r = mk_parse_names(value, &list);
	if (r == -EINVAL)
		return refuse(
			value,
			"a list of names (a-z first, then a-z, 0-9 and -; separated by commas "
			"or blanks)",
			ret_problem);
	if (r == -EEXIST)
		return refuse(value, "a list of different names: one is there twice", ret_problem);
	if (r < 0)
		return r;

	mk_strv_free(*p);
	*p = list;
	return 0;
}

int mk_key_set(const struct mk_key *key, const char *value, struct mk_config *config,
	       char **ret_problem)
{
	static int (*const set[])(const struct mk_key *, const char *, struct mk_config *,
				  char **) = {
		[MK_KEY_URL] = set_url,    [MK_KEY_UUID] = set_uuid,
		[MK_KEY_PATH] = set_path,  [MK_KEY_SECRET] = set_secret,
		[MK_KEY_BOOL] = set_bool,  [MK_KEY_COUNT] = set_count,
		[MK_KEY_SPAN] = set_span,  [MK_KEY_NAMES] = set_names,
		[MK_KEY_TEXT] = set_plain,
	};

	*ret_problem = NULL;
	if (!*value && key->fallback && !*key->fallback)
		return set_text(key, NULL, config);
	if (!*value) {
		*ret_problem = strdup("the value is empty; leave the line out for the default");
		return -EINVAL;
	}

	return set[key->type](key, value, config, ret_problem);
}

/* ---- printing and freeing ----------------------------------------------------------------------- */

static void print_names(char *const *list, FILE *f)
{
	for (size_t i = 0; list && list[i]; i++)
		fprintf(f, "%s%s", i ? ", " : "", list[i]);
}

void mk_key_print(const struct mk_key *key, const struct mk_config *config, FILE *f)
{
	const void *p = const_member(key, config);
	char span[MK_SPAN_SIZE];

	switch (key->type) {
	case MK_KEY_SECRET:
		fputs(*(char *const *)p ? "(set)" : "", f);
		break;
	case MK_KEY_URL:
	case MK_KEY_UUID:
	case MK_KEY_PATH:
	case MK_KEY_TEXT:
		fputs(str_or_empty(*(char *const *)p), f);
		break;
	case MK_KEY_BOOL:
		fputs(*(const bool *)p ? "yes" : "no", f);
		break;
	case MK_KEY_COUNT:
		fprintf(f, "%u", *(const unsigned *)p);
		break;
	case MK_KEY_SPAN:
		mk_format_span(*(const uint64_t *)p, span);
		fputs(span, f);
		break;
	case MK_KEY_NAMES:
		print_names(*(char **const *)p, f);
		break;
	}
}

void mk_key_clear(const struct mk_key *key, struct mk_config *config)
{
	void *p = member(key, config);

	switch (key->type) {
	case MK_KEY_SECRET:
		*(char **)p = mk_secret_free(*(char **)p);
		break;
	case MK_KEY_URL:
	case MK_KEY_UUID:
	case MK_KEY_PATH:
	case MK_KEY_TEXT:
		free(*(char **)p);
		*(char **)p = NULL;
		break;
	case MK_KEY_NAMES:
		mk_strv_free(*(char ***)p);
		*(char ***)p = NULL;
		break;
	case MK_KEY_BOOL:
	case MK_KEY_COUNT:
	case MK_KEY_SPAN:
		break;
	}
}
