/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values as they are written in volumed.conf, to and from C. Parsers write only on success. */

#include "base/base.h"

/* "500ms", "1s", "10min", "2h", "30d", "250us"; a bare number is seconds. Returns 0, -EINVAL, -ERANGE. */
int mk_parse_span(const char *s, uint64_t *ret_usec);
/* In the largest unit that is exact. */
#define MK_SPAN_SIZE 32
void mk_format_span(uint64_t usec, char ret[MK_SPAN_SIZE]);

/* Decimal digits only. Returns 0, -EINVAL, or -ERANGE. */
int mk_parse_count(const char *s, uint64_t *ret);

/* yes, no, true, false. Returns 0 or -EINVAL. */
int mk_parse_bool(const char *s, bool *ret);

/* http(s)://host[:port][/path], with nothing that could be a secret. Returns NULL, or what is wrong:
 * a half sentence that does not repeat the URL. */
const char *mk_url_problem(const char *url);

/* Names separated by commas and blanks, to a NULL-terminated array. Returns 0, -ENOMEM, -EINVAL (none,
 * or a bad one), -EEXIST (one twice). */
int mk_parse_names(const char *s, char ***ret);
void mk_strv_free(char **list);
DEFINE_CLEANUP(char **, mk_strv_free)

/* Number of edits (insert, delete, replace) between two short words; large if one is longer than 63. */
unsigned mk_edit_distance(const char *a, const char *b);
