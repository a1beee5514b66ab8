/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parsers of single values: time spans, counts, booleans, URLs, lists of names; and the edit
 * distance for "did you mean". */

#include "parse-internal.h"

#include <curl/curl.h>

#define WORD_MAX 63u

static const struct unit {
	const char *name;
	uint64_t usec;
} units[] = {
	{ "d", 24 * 3600 * USEC_PER_SEC }, { "h", 3600 * USEC_PER_SEC },
	{ "min", 60 * USEC_PER_SEC },      { "s", USEC_PER_SEC },
	{ "ms", USEC_PER_MSEC },           { "us", 1 },
};

/* The digits at the start of s; *ret_end is what follows. */
static int parse_digits(const char *s, uint64_t *ret, const char **ret_end)
{
	uint64_t v = 0;
	const char *p;

	for (p = s; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return -ERANGE;

	if (p == s)
		return -EINVAL;

	*ret = v;
	*ret_end = p;
	return 0;
}

int mk_parse_span(const char *s, uint64_t *ret_usec)
{
	uint64_t v, factor = 0;
	const char *unit;
	int r;

	r = parse_digits(s, &v, &unit);
	if (r < 0)
		return r;

	if (!*unit)
		unit = "s";
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (streq(unit, units[i].name))
			factor = units[i].usec;
	if (factor == 0)
		return -EINVAL;

	return __builtin_mul_overflow(v, factor, ret_usec) ? -ERANGE : 0;
}

void mk_format_span(uint64_t usec, char ret[MK_SPAN_SIZE])
{
	const struct unit *u = units;

	if (usec == 0) {
		snprintf(ret, MK_SPAN_SIZE, "0");
		return;
	}

	while (usec % u->usec != 0)
		u++;
	snprintf(ret, MK_SPAN_SIZE, "%llu%s", (unsigned long long)(usec / u->usec), u->name);
}

int mk_parse_count(const char *s, uint64_t *ret)
{
	const char *end;
	uint64_t v;
	int r;

	r = parse_digits(s, &v, &end);
	if (r < 0)
		return r;
	if (*end)
		return -EINVAL;

	*ret = v;
	return 0;
}

int mk_parse_bool(const char *s, bool *ret)
{
	if (streq(s, "yes") || streq(s, "true"))
		*ret = true;
	else if (streq(s, "no") || streq(s, "false"))
		*ret = false;
	else
		return -EINVAL;

	return 0;
}

static bool url_has(CURLU *u, CURLUPart part)
{
	char *value = NULL;
	bool has = curl_url_get(u, part, &value, 0) == CURLUE_OK;

	curl_free(value);
	return has;
}

const char *mk_url_problem(const char *url)
{
	const char *problem = NULL, *host;
	CURLU *u;

	if (!starts_with(url, "http://") && !starts_with(url, "https://"))
		return "does not begin with http:// or https://";

	/* curl takes more than two slashes, and an empty query, for good */
	host = strstr(url, "://") + 3;
	if (*host == '/' || *host == '\0')
		return "has no host";
	if (strpbrk(url, "?#"))
		return "has a query or a fragment; write it up to /client/api only";

	u = curl_url();
	if (!u)
		return "could not be checked for lack of memory";

	if (strpbrk(url, " \t\\") || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK)
		problem = "is not a valid URL";
	else if (url_has(u, CURLUPART_USER) || url_has(u, CURLUPART_PASSWORD) || strchr(url, '@'))
		problem = "holds a user or password; keys belong into api-key and secret-key";

	curl_url_cleanup(u);
	return problem;
}

void mk_strv_free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static bool strv_contains(char **list, const char *s)
{
	for (; *list; list++)
		if (streq(*list, s))
			return true;

	return false;
}

int mk_parse_names(const char *s, char ***ret)
{
	_cleanup_(mk_strv_freep) char **list = NULL;
	_cleanup_free_ char *copy = strdup(s);
	char *save = NULL;
	size_t n = 0;

	list = calloc(strlen(s) + 1, sizeof(char *)); /* more than there can be names */
	if (!copy || !list)
		return -ENOMEM;

	for (char *w = strtok_r(copy, ", ", &save); w; w = strtok_r(NULL, ", ", &save)) {
		if (!mk_name_valid(w))
			return -EINVAL;
		if (strv_contains(list, w))
			return -EEXIST;
		list[n] = strdup(w);
		if (!list[n++])
			return -ENOMEM;
	}

	if (n == 0)
		return -EINVAL;

	*ret = take_ptr(list);
	return 0;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

unsigned mk_edit_distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	unsigned row[WORD_MAX + 1];

	if (na > WORD_MAX || nb > WORD_MAX)
		return WORD_MAX;

	for (unsigned j = 0; j <= nb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= na; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= nb; j++) {
			unsigned up = row[j];

			row[j] = min3(up + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = up;
		}
	}

	return row[nb];
}
