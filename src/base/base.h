/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Room base: what every file may use. Small helpers, errors that carry a text, and the user that the service runs
 * as. Nothing here knows of volumes. */

#include <errno.h>
#include <json-c/json.h>
#include <migratekit/volume-plugin.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(f)        __attribute__((cleanup(f)))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))

/* Defines NAMEp(TYPE *p), for _cleanup_: calls FUNC(*p) unless *p is NULL. */
#define DEFINE_CLEANUP(type, func)                                                                 \
	static inline void func##p(type *p)                                                        \
	{                                                                                          \
		if (*p)                                                                            \
			func(*p);                                                                  \
	}

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

DEFINE_CLEANUP(FILE *, fclose)
DEFINE_CLEANUP(json_object *, json_object_put)

#define _cleanup_free_   _cleanup_(freep)
#define _cleanup_close_  _cleanup_(closep)
#define _cleanup_fclose_ _cleanup_(fclosep)
#define _cleanup_json_   _cleanup_(json_object_putp)

/* Evaluates to the pointer and sets the variable to NULL, so that its cleanup attribute does nothing. */
#define take_ptr(p)                                                                                \
	({                                                                                         \
		__typeof__(p) *pp_ = &(p);                                                         \
		__typeof__(p) v_ = *pp_;                                                           \
		*pp_ = NULL;                                                                       \
		v_;                                                                                \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define STR_MAX_ERRNO 64

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_INFINITY UINT64_MAX

/* A UUID's text, 8-4-4-4-12, with the final NUL. */
#define MK_UUID_SIZE 37

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static inline bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* "" for NULL. */
static inline const char *str_or_empty(const char *s)
{
	return s ? s : "";
}

/* Frees *dst and sets it to a copy of src, or to NULL if src is NULL. Returns 0; or -ENOMEM, and *dst is as before. */
int mk_str_set(char **dst, const char *src);

/* True for a canonical UUID: 8-4-4-4-12, lower-case hexadecimal. CloudStack would take a bare
 * number for one of its internal ids, so every id is checked before it is sent. */
bool mk_uuid_valid(const char *s);

/* Writes a new random (version 4) UUID. Returns 0 or a negative errno of getrandom(2). */
int mk_uuid_random(char ret_uuid[MK_UUID_SIZE]);

/* Now in µs: CLOCK_REALTIME (since the epoch, UTC) and CLOCK_MONOTONIC. */
uint64_t mk_now_realtime(void);
uint64_t mk_now_monotonic(void);

/* A copy that is valid UTF-8, to be freed by the caller. Each byte that is not part of valid UTF-8, and each ASCII
 * control character except tab and newline, becomes U+FFFD. NULL only without memory. */
char *mk_utf8_clean(const char *s);

/* True if all bytes are valid UTF-8, control characters included. */
bool mk_utf8_valid(const char *s, size_t size);

/* True if s is valid UTF-8, at most max bytes long, and has no ASCII control character (not even tab or newline). */
bool mk_text_valid(const char *s, size_t max);

/* True for [a-z][a-z0-9-]* of at most 64 bytes: the form of the names of plugins, steps and options. */
bool mk_name_valid(const char *s);

/* Like asprintf(), but returns the text, to be freed by the caller. NULL without memory. */
char *mk_strdup_printf(const char *fmt, ...) _printf_(1, 2);

/*
 * Readers of a JSON object. Each returns the value of the key if it has the type that is asked for, else the
 * fallback. mk_json_get() takes any type and returns NULL if the key is missing. Results are borrowed from o, which
 * may be NULL or no object.
 */
const char *mk_json_str(json_object *o, const char *key, const char *fallback);
int64_t mk_json_int(json_object *o, const char *key, int64_t fallback);
bool mk_json_bool(json_object *o, const char *key, bool fallback);
json_object *mk_json_get(json_object *o, const char *key);

/* Each sets a key of the object. With a NULL text, or without memory, the object is left as it is. */
void mk_json_set_str(json_object *o, const char *key, const char *value);
void mk_json_set_int(json_object *o, const char *key, int64_t value);
void mk_json_set_bool(json_object *o, const char *key, bool value);

/* ---- errors: error.c has the one table from our codes to D-Bus names ---------------------------------- */

/* An error code and its text. The text is valid UTF-8 and owned; it is NULL while code is MK_ERROR_NONE, and may be
 * NULL when memory was short. All zero: no error. */
struct mk_error {
	enum mk_error_code code;
	char *text;
};

/* Sets code and text, unless an error is set already: the first one stays. */
void mk_error_set(struct mk_error *e, enum mk_error_code code, const char *fmt, ...) _printf_(3, 4);
void mk_error_vset(struct mk_error *e, enum mk_error_code code, const char *fmt, va_list ap)
	_printf_(3, 0);
void mk_error_done(struct mk_error *e);
static inline bool mk_error_is_set(const struct mk_error *e)
{
	return e->code != MK_ERROR_NONE;
}

#define _cleanup_error_ _cleanup_(mk_error_done)

/* The full D-Bus name, for instance "org.migratekit.Volume1.Error.NotFound". Unknown codes count as Internal. */
const char *mk_error_dbus_name(enum mk_error_code code);
/* The last part of the D-Bus name, for instance "NotFound", as the store keeps it; "" for MK_ERROR_NONE. */
const char *mk_error_to_string(enum mk_error_code code);
/* The inverse of mk_error_to_string(): a code (MK_ERROR_NONE for ""), or -EINVAL for an unknown name. */
int mk_error_from_string(const char *name);

/* ---- the user that the service runs as ---------------------------------------------------------------- */

#define MK_DAEMON_USER "migratekit" /* as the unit says */

/* Changes for good from root to the user MK_DAEMON_USER. Returns 0; -ESRCH if there is no such user (we are still
 * root then); or another negative errno, after which nothing should be read: it may have been done by half. */
int mk_user_become(void);

/* The name of the effective user, or the number of one without a name. Static storage. */
const char *mk_user_name(void);

/* strerror() for a file that could not be read; for EACCES it also names the user who lacks the permission. Static
 * storage. */
const char *mk_user_strerror(int error);
