/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A strict reader of INI text.
 *
 * Why not libeconf: tried with 0.5.1 (Debian 12), it takes the first of two equal keys without a word,
 * cuts a value at a NUL byte, joins an indented line to the value above it, drops a line without a key
 * (`=value`), turns `; comment` into an error, stops at the first bad line, changes its rules with
 * $ECONF_JOIN_SAME_ENTRIES, and keeps copies of secrets that nobody can wipe. inih cuts long lines.
 *
 * Syntax: `[group]`, `key = value`, empty lines, and comments on lines of their own that begin with
 * # or ;. Blanks around names and values are dropped, a value may be empty. Not allowed: lines that
 * begin with a blank (they would look like a continuation), a # or ; after a blank within a value,
 * quoted values, a backslash at the end of a line, control characters, bytes that are not UTF-8.
 */

#include "base/base.h"

#define MK_INI_LINE_MAX 4096u

/* A group header (key is NULL), an assignment, or a line that is wrong (problem is set; group and key
 * may then be NULL). The texts lie within the parsed text. */
struct mk_ini_item {
	unsigned line;     /* from 1 */
	const char *group; /* NULL before the first header */
	const char *key;
	const char *value;
	const char *problem; /* what is wrong and what is allowed; never the line's content */
};

/*
 * Calls fn for each item, in order. The text is changed; text[size] must be NUL. Nothing is copied, so
 * wiping the text wipes every secret in it. Stops at a negative return of fn and returns it, else 0.
 */
int mk_ini_parse(char *text, size_t size, int (*fn)(const struct mk_ini_item *item, void *data),
		 void *data);
