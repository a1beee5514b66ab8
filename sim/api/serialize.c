/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes an answer's text, as CloudStack's ApiResponseSerializer does, with its mistakes. */

#include "api-internal.h"

#include <ctype.h>

#define CLOUDSTACK_VERSION "4.22.0.0-SNAPSHOT"

/* ---- XML ------------------------------------------------------------------------------------- */

static void print_xml(FILE *f, const char *name, json_object *o);

static void print_xml_text(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '<')
			fputs("&lt;", f);
		else if (*s == '>')
			fputs("&gt;", f);
		else if (*s == '&')
			fputs("&amp;", f);
		else
			fputc(*s, f);
	}
}

static void print_xml_members(FILE *f, json_object *o)
{
	json_object_object_foreach(o, key, value) {
		print_xml(f, key, value);
	}
}

static void print_xml(FILE *f, const char *name, json_object *o)
{
	if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			print_xml(f, name, json_object_array_get_idx(o, i));
		return;
	}

	fprintf(f, "<%s>", name);
	if (json_object_is_type(o, json_type_object))
		print_xml_members(f, o);
	else
		print_xml_text(f, json_object_get_string(o));
	fprintf(f, "</%s>", name);
}

char *api_to_xml(json_object *body)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", f);
	json_object_object_foreach(body, root, answer) {
		fprintf(f, "<%s cloud-stack-version=\"" CLOUDSTACK_VERSION "\">", root);
		print_xml_members(f, answer);
		fprintf(f, "</%s>", root);
	}
	return fclose(f) == 0 ? text : NULL;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static bool is_hex(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

/* The number of "\uXXXX" at s; -1: there is none. */
static int32_t escape_at(const char *s)
{
	char digits[5] = { 0 };

	if (s[0] != '\\' || s[1] != 'u' || !is_hex(s + 2, 4))
		return -1;
	memcpy(digits, s + 2, 4);
	return (int32_t)strtol(digits, NULL, 16);
}

static char *put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	return to;
}

/*
 * unescape(): what looks like \uXXXX becomes the character, also where it is the second half of an escaped backslash.
 * So a name with \u0041 in it makes the whole answer invalid. The text becomes shorter.
 */
static void unescape(char *text)
{
	char *to = strchr(text, '\\'), *from = to;

	while (from && *from) {
		int32_t c = escape_at(from);

		if (c < 0) {
			*to++ = *from++;
			continue;
		}
		from += strlen("\\uXXXX");
		if (c >= 0xd800 && c < 0xdc00) {
			int32_t low = escape_at(from);

			if (low >= 0xdc00 && low < 0xe000) {
				from += strlen("\\uXXXX");
				c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
			}
		}
		to = put_utf8(to, c >= 0xd800 && c < 0xe000 ? '?' : (uint32_t)c);
	}
	if (to)
		*to = '\0';
}

static bool is_date(const char *s)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd+dddd";

	if (strlen(s) != strlen(form))
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)s[i]) : s[i] != form[i])
			return false;
	return true;
}

/* EncodedStringTypeAdapter: ASCII but letters and digits. */
static json_object *encode_text(const char *s)
{
	_cleanup_free_ char *text = malloc(3 * strlen(s) + 1);
	char *to = text;

	if (!text)
		return NULL;
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (isalnum(c) || c >= 0x80)
			*to++ = (char)c;
		else
			to += sprintf(to, "%%%02X", c);
	}
	*to = '\0';
	return json_object_new_string(text);
}

/* encode.api.response: all texts but dates. */
static json_object *encode(json_object *o)
{
	json_object *copy;

	if (json_object_is_type(o, json_type_string)) {
		const char *s = json_object_get_string(o);

		return is_date(s) ? json_object_get(o) : encode_text(s);
	}
	if (json_object_is_type(o, json_type_array)) {
		copy = json_object_new_array();
		for (size_t i = 0; copy && i < json_object_array_length(o); i++)
			json_object_array_add(copy, encode(json_object_array_get_idx(o, i)));
		return copy;
	}
	if (!json_object_is_type(o, json_type_object))
		return json_object_get(o);

	copy = json_object_new_object();
	json_object_object_foreach(o, key, value) {
		json_object_object_add(copy, key, encode(value));
	}
	return copy;
}

char *api_to_json(json_object *body, bool encoded)
{
	_cleanup_json_ json_object *o = encoded ? encode(body) : json_object_get(body);
	char *text =
		strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								 JSON_C_TO_STRING_NOSLASHESCAPE));

	if (text)
		unescape(text);
	return text;
}
