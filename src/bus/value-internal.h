/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Conversion between D-Bus values and JSON, by signature. bus.h describes the mapping. No I/O and no state. */

#include "bus.h"

#include <dbus/dbus.h>

/* Reads the arguments of a call, and checks signature, limits, texts and options. Returns 0 with a JSON array, or
 * -EINVAL with the error set (InvalidArgs, LimitsExceeded, Internal). */
int mk_bus_read_args(DBusMessage *message, const struct mk_bus_method *method, json_object **ret,
		     struct mk_error *error);

/* Appends one value of a single complete type. A value that does not fit the type becomes an empty one; text is
 * made valid for D-Bus. False only without memory. */
bool mk_bus_append(DBusMessageIter *it, const char *signature, json_object *value);

/* Appends several values. values: an array with one element for each complete type; a missing one becomes an empty
 * value. */
bool mk_bus_append_all(DBusMessageIter *it, const char *signature, json_object *values);

/* A copy that may be sent: valid UTF-8, or libdbus would abort the process, and without noncharacters, which
 * clients that use sd-bus cannot read. To be freed; NULL without memory. */
char *mk_bus_text(const char *s);
