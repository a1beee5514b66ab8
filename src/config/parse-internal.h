/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parsers and printers for single values of volumed.conf. A parser writes its result only on success. */

#include "base/base.h"

/* "500ms", "1s", "10min", "2h", "30d", "250us"; a bare number is seconds. Returns 0, -EINVAL, -ERANGE. */
int mk_parse_span(const char *s, uint64_t *ret_usec);
/* Prints the span in the largest unit that divides it; "0" for 0. */
#define MK_SPAN_SIZE 32
void mk_format_span(uint64_t usec, char ret[MK_SPAN_SIZE]);

/* Decimal digits only. Returns 0, -EINVAL, or -ERANGE. */
int mk_parse_count(const char *s, uint64_t *ret);

/* yes, no, true, false. Returns 0 or -EINVAL. */
int mk_parse_bool(const char *s, bool *ret);

/* Checks a URL: http(s)://host[:port][/path], without user, password, query or fragment, which could be secret.
 * Returns NULL if it is good, else half a sentence that does not repeat the URL. */
const char *mk_url_problem(const char *url);

/* Splits names that are separated by commas and blanks into a NULL-terminated array, to be freed by mk_strv_free().
 * Returns 0; -ENOMEM; -EINVAL if there is no name or a bad one; -EEXIST if a name is there twice. */
int mk_parse_names(const char *s, char ***ret);
void mk_strv_free(char **list);
DEFINE_CLEANUP(char **, mk_strv_free)

/* Number of edits (insert, delete, replace) between two short words; 63 if one of them is longer than that. */
unsigned mk_edit_distance(const char *a, const char *b);
