/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Errors that carry words, and the one table from our codes to D-Bus names. */

#include "util.h"

#include <migratekit/volume-plugin.h>
#include <stdarg.h>

/* text: valid UTF-8, owned; NULL while code is MK_ERROR_NONE. */
struct mk_error {
	enum mk_error_code code;
	char *text;
};

/* Sets code and text; the first error stays: nothing happens if one is set already. */
void mk_error_set(struct mk_error *e, enum mk_error_code code, const char *fmt, ...) _printf_(3, 4);
void mk_error_vset(struct mk_error *e, enum mk_error_code code, const char *fmt, va_list ap)
	_printf_(3, 0);
void mk_error_done(struct mk_error *e);
static inline bool mk_error_is_set(const struct mk_error *e)
{
	return e->code != MK_ERROR_NONE;
}

#define _cleanup_error_ _cleanup_(mk_error_done)

/* "org.migratekit.Volume1.Error.NotFound" or the standard D-Bus name. */
const char *mk_error_dbus_name(enum mk_error_code code);
/* "NotFound": for the journal and the operation's Error property; "" for MK_ERROR_NONE. */
const char *mk_error_to_string(enum mk_error_code code);
/* The code, or -EINVAL. */
int mk_error_from_string(const char *name);
