/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* D-Bus values to JSON and back, by signature; the mapping is described in bus.h. Pure. */

#include "bus.h"

#include <dbus/dbus.h>

/*
 * Reads a call's arguments: signature, limits, texts and options are checked. Returns 0 with a JSON array, or
 * -EINVAL with the error set (InvalidArgs, LimitsExceeded).
 */
int mk_bus_read_args(DBusMessage *message, const struct mk_bus_method *method, json_object **ret,
		     struct mk_error *error);

/* Appends one value of a single complete type. A value that does not fit the type becomes an empty one; text is made
 * valid UTF-8. False only without memory. */
bool mk_bus_append(DBusMessageIter *it, const char *signature, json_object *value);

/* Appends several: values is an array with one element for each complete type (missing: empty). */
bool mk_bus_append_all(DBusMessageIter *it, const char *signature, json_object *values);

/* A copy that may go over the bus: libdbus aborts the process on text that is not valid UTF-8, and clients that
 * use sd-bus cannot read noncharacters. NULL without memory. */
char *mk_bus_text(const char *s);
