/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Texts as Java has them: in UTF-16, and in the order of a HashMap. */

#include "model.h"

bool sim_java_equal(const char *a, const char *b)
{
	while (*a && *b)
		if (sim_upper(sim_utf8_next(&a)) != sim_upper(sim_utf8_next(&b)))
			return false;
	return *a == *b;
}

/* A character beyond the BMP is two. Returns their number. */
static size_t utf16(uint32_t c, uint32_t ret[2])
{
	if (c <= 0xFFFF) {
		ret[0] = c;
		return 1;
	}
	ret[0] = 0xD800 + ((c - 0x10000) >> 10);
	ret[1] = 0xDC00 + ((c - 0x10000) & 0x3FF);
	return 2;
}

uint32_t sim_java_hash(const char *s)
{
	uint32_t hash = 0, units[2];

	while (*s) {
		size_t n = utf16(sim_utf8_next(&s), units);

		for (size_t i = 0; i < n; i++)
			hash = 31 * hash + units[i];
	}
	return hash;
}

size_t sim_java_length(const char *s)
{
	size_t length = 0;
	uint32_t units[2];

	while (*s)
		length += utf16(sim_utf8_next(&s), units);
	return length;
}

/* The half of a character that is left over becomes a question mark on its way to the database. */
char *sim_java_cut(const char *s, size_t n)
{
	const char *p = s, *end = s;
	size_t length = 0;
	uint32_t units[2];

	while (*p && length < n) {
		length += utf16(sim_utf8_next(&p), units);
		if (length <= n)
			end = p;
	}
	return sim_checked(mk_strdup_printf("%.*s%s", (int)(end - s), s, length > n ? "?" : ""));
}

/* A table of 16 places is doubled when it is more than three quarters full. */
uint32_t sim_java_place(const char *key, size_t entries)
{
	uint32_t hash = key ? sim_java_hash(key) : 0;
	size_t places = 16;

	while (entries > places / 4 * 3)
		places *= 2;
	return (hash ^ hash >> 16) & (uint32_t)(places - 1);
}
