/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Small helpers: UUIDs, clocks, checks of UTF-8 texts and names, formatted copies, json-c getters
 * and setters. */

#include "base.h"

#include <ctype.h>
#include <stdarg.h>
#include <sys/random.h>
#include <time.h>

#define NAME_MAX_SIZE 64u

int mk_str_set(char **dst, const char *src)
{
	char *copy = NULL;

	if (src) {
		copy = strdup(src);
		if (!copy)
			return -ENOMEM;
	}

	free(*dst);
	*dst = copy;
	return 0;
}

bool mk_uuid_valid(const char *s)
{
	if (!s)
		return false;

	for (size_t i = 0; i < MK_UUID_SIZE - 1; i++) {
		bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (hyphen ? s[i] != '-' : !strchr("0123456789abcdef", s[i]) || !s[i])
			return false;
	}

	return s[MK_UUID_SIZE - 1] == '\0';
}

int mk_uuid_random(char ret_uuid[MK_UUID_SIZE])
{
	uint8_t b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return errno > 0 ? -errno : -EIO;

	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(ret_uuid, MK_UUID_SIZE,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
	return 0;
}

static uint64_t now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t mk_now_realtime(void)
{
	return now(CLOCK_REALTIME);
}

uint64_t mk_now_monotonic(void)
{
	return now(CLOCK_MONOTONIC);
}

/* Length of the UTF-8 sequence at s, 0 if it is not a valid one (RFC 3629, table 3-7 of Unicode). */
static size_t utf8_sequence(const unsigned char *s)
{
	size_t n;
	uint32_t cp;

	if (s[0] < 0x80)
		return 1;

	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		n = 2;
		cp = s[0] & 0x1f;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		n = 3;
		cp = s[0] & 0x0f;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		n = 4;
		cp = s[0] & 0x07;
	} else {
		return 0;
	}

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		cp = (cp << 6) | (s[i] & 0x3f);
	}

	if ((n == 3 && cp < 0x800) || (n == 4 && (cp < 0x10000 || cp > 0x10ffff)) ||
	    (cp >= 0xd800 && cp <= 0xdfff))
		return 0;

	return n;
}

char *mk_utf8_clean(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	char *out, *q;

	out = malloc(strlen(s) * 3 + 1); /* U+FFFD has three bytes */
	if (!out)
		return NULL;

	for (q = out; *p;) {
		size_t n = utf8_sequence(p);

		if (n == 0 || (n == 1 && iscntrl(*p) && *p != '\n' && *p != '\t')) {
			q = mempcpy(q, "\xef\xbf\xbd", 3);
			p++;
		} else {
			q = mempcpy(q, p, n);
			p += n;
		}
	}

	*q = '\0';
	return out;
}

bool mk_utf8_valid(const char *s, size_t size)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + size;

	while (p < end) {
		unsigned char tail[5] = {}; /* ends a sequence that is cut off */
		size_t left = (size_t)(end - p), n;

		memcpy(tail, p, left < 4 ? left : 4);
		n = utf8_sequence(tail);
		if (n == 0)
			return false;
		p += n;
	}

	return true;
}

bool mk_text_valid(const char *s, size_t max)
{
	const unsigned char *p = (const unsigned char *)s;

	if (strnlen(s, max + 1) > max)
		return false;

	while (*p) {
		size_t n = utf8_sequence(p);

		if (n == 0 || (n == 1 && iscntrl(*p)))
			return false;
		p += n;
	}

	return true;
}

bool mk_name_valid(const char *s)
{
	return *s >= 'a' && *s <= 'z' && strlen(s) <= NAME_MAX_SIZE &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s);
}

char *mk_strdup_printf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : s;
}

json_object *mk_json_get(json_object *o, const char *key)
{
	json_object *v;

	if (!o || !json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, key, &v))
		return NULL;

	return v;
}

const char *mk_json_str(json_object *o, const char *key, const char *fallback)
{
	json_object *v = mk_json_get(o, key);

	return v && json_object_is_type(v, json_type_string) ? json_object_get_string(v) : fallback;
}

int64_t mk_json_int(json_object *o, const char *key, int64_t fallback)
{
	json_object *v = mk_json_get(o, key);

	return v && json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : fallback;
}

bool mk_json_bool(json_object *o, const char *key, bool fallback)
{
	json_object *v = mk_json_get(o, key);

	return v && json_object_is_type(v, json_type_boolean) ? json_object_get_boolean(v)
							      : fallback;
}

static void json_set(json_object *o, const char *key, json_object *v)
{
	if (v)
		json_object_object_add(o, key, v);
}

void mk_json_set_str(json_object *o, const char *key, const char *value)
{
	if (value)
		json_set(o, key, json_object_new_string(value));
}

void mk_json_set_int(json_object *o, const char *key, int64_t value)
{
	json_set(o, key, json_object_new_int64(value));
}

void mk_json_set_bool(json_object *o, const char *key, bool value)
{
	json_set(o, key, json_object_new_boolean(value));
}
