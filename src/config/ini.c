/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The reader of INI text. It splits lines into groups, keys and values, and says what is wrong with
 * a line; ini-internal.h has the syntax. */

#include "ini-internal.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Drops blanks on both sides, in place. */
static char *trim(char *s)
{
	size_t n;

	while (is_blank(*s))
		s++;
	for (n = strlen(s); n > 0 && is_blank(s[n - 1]); n--)
		s[n - 1] = '\0';

	return s;
}

/* Groups and keys: lower-case words joined by hyphens. */
static bool name_valid(const char *s)
{
	return *s && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s);
}

static const char *check_value(const char *value)
{
	size_t n = strlen(value);

	if (*value == '"' || *value == '\'')
		return "the value begins with a quote; write it without quotes";
	if (n > 0 && value[n - 1] == '\\')
		return "the value ends with a backslash; a value has one line only";
	for (const char *p = value; *p; p++)
		if ((*p == '#' || *p == ';') && (p == value || is_blank(p[-1])))
			return "there is a comment after the value; give it a line of its own";

	return NULL;
}

static const char *parse_group(char *s, struct mk_ini_item *item)
{
	size_t n = strlen(s);

	if (s[n - 1] != ']')
		return "the line begins with [ and does not end with ]; "
		       "allowed is [group], nothing after it";

	s[n - 1] = '\0';
	item->group = trim(s + 1);
	if (!name_valid(item->group))
		return "the group's name is empty or has characters other than a-z, 0-9 and -";

	return NULL;
}

static const char *parse_assignment(char *s, struct mk_ini_item *item)
{
	char *equals = strchr(s, '=');

	if (!equals)
		return "neither [group], nor key = value, nor a comment";

	*equals = '\0';
	item->value = trim(equals + 1);
	s = trim(s);
	if (!name_valid(s))
		return "the key's name is empty or has characters other than a-z, 0-9 and -";

	item->key = s;
	if (!item->group)
		return "this key stands before the first [group]";

	return check_value(item->value);
}

/* Returns false for lines without content. item->group is that of the lines before. */
static bool parse_line(char *s, size_t size, struct mk_ini_item *item)
{
	bool indented = is_blank(*s);
	char *p;

	item->key = item->value = item->problem = NULL;
	if (size > MK_INI_LINE_MAX) {
		item->problem = "the line is longer than 4096 bytes";
		return true;
	}
	if (memchr(s, '\0', size)) {
		item->problem = "there is a NUL byte in the line";
		return true;
	}

	p = trim(s);
	if (*p == '\0' || *p == '#' || *p == ';')
		return false;

	for (char *c = p; *c; c++)
		if (*c == '\t')
			*c = ' ';

	if (!mk_text_valid(p, MK_INI_LINE_MAX))
		item->problem = "there are control characters or bytes that are not UTF-8";
	else if (indented)
		item->problem = "the line begins with a blank; a value has one line only";
	else if (*p == '[')
		item->problem = parse_group(p, item);
	else
		item->problem = parse_assignment(p, item);

	return true;
}

int mk_ini_parse(char *text, size_t size, int (*fn)(const struct mk_ini_item *item, void *data),
		 void *data)
{
	struct mk_ini_item item = { 0 };
	char *end = text + size;
	int r;

	for (char *s = text; s < end;) {
		char *newline = memchr(s, '\n', (size_t)(end - s));
		char *next = newline ? newline + 1 : end;
		size_t n = (size_t)((newline ? newline : end) - s);

		if (n > 0 && s[n - 1] == '\r')
			n--;
		s[n] = '\0';
		item.line++;
		if (parse_line(s, n, &item)) {
			r = fn(&item, data);
			if (r < 0)
				return r;
		}
		s = next;
	}

	return 0;
}
