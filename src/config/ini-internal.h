/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A strict reader of INI text.
 *
 * Why not libeconf: version 0.5.1 (Debian 12) silently takes the first of two equal keys, cuts a value at a NUL
 * byte, joins an indented line to the value above it, drops a line without a key (`=value`), takes `; comment` for
 * an error, stops at the first bad line, changes its rules with $ECONF_JOIN_SAME_ENTRIES, and keeps copies of
 * secrets that nobody can wipe. inih cuts long lines.
 *
 * Syntax: `[group]`, `key = value`, empty lines, and comments on lines of their own that begin with # or ;. Names
 * consist of a-z, 0-9 and -. Blanks around names and values are dropped. A value may be empty. Not allowed: a group
 * or key line that begins with a blank (it would look like a continuation), a # or ; at the start of a value or
 * after a blank in it, quoted values, a backslash at the end of a line, control characters other than tab, bytes
 * that are not UTF-8.
 */

#include "base/base.h"

#define MK_INI_LINE_MAX 4096u

/* One item of the text: a group header (key is NULL), an assignment, or a wrong line (problem is set; group and key
 * may then be NULL). The strings point into the parsed text. */
struct mk_ini_item {
	unsigned line;     /* from 1 */
	const char *group; /* NULL before the first header */
	const char *key;
	const char *value;
	const char *problem; /* what is wrong and what is allowed; never repeats the line */
};

/*
 * Calls fn for each item, in order. The text is modified; text[size] must be NUL. Nothing is copied, so wiping the
 * text wipes every secret in it. If fn returns a negative value, parsing stops and returns that value; else it
 * returns 0.
 */
int mk_ini_parse(char *text, size_t size, int (*fn)(const struct mk_ini_item *item, void *data),
		 void *data);
