/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Errors that carry words: the table from our error codes to D-Bus error names, and struct
 * mk_error. */

#include "base.h"

#define OURS     "org.migratekit.Volume1.Error."
#define STANDARD "org.freedesktop.DBus.Error."

/* The short name is the D-Bus name after its last dot. */
static const char *const names[] = {
	[MK_ERROR_NOT_FOUND] = OURS "NotFound",
	[MK_ERROR_NOT_MANAGED] = OURS "NotManaged",
	[MK_ERROR_NO_ROOT_VOLUME] = OURS "NoRootVolume",
	[MK_ERROR_AMBIGUOUS] = OURS "Ambiguous",
	[MK_ERROR_BUSY] = OURS "Busy",
	[MK_ERROR_IN_USE] = OURS "InUse",
	[MK_ERROR_WRONG_STATE] = OURS "WrongState",
	[MK_ERROR_PROTECTED] = OURS "Protected",
	[MK_ERROR_TOKEN_MISMATCH] = OURS "TokenMismatch",
	[MK_ERROR_REFUSED] = OURS "Refused",
	[MK_ERROR_UNAVAILABLE] = OURS "Unavailable",
	[MK_ERROR_OUTCOME_UNKNOWN] = OURS "OutcomeUnknown",
	[MK_ERROR_DEVICE_NOT_FOUND] = OURS "DeviceNotFound",
	[MK_ERROR_DEVICE_MISMATCH] = OURS "DeviceMismatch",
	[MK_ERROR_CANCELLED] = OURS "Cancelled",
	[MK_ERROR_INTERNAL] = OURS "Internal",
	[MK_ERROR_INVALID_ARGS] = STANDARD "InvalidArgs",
	[MK_ERROR_ACCESS_DENIED] = STANDARD "AccessDenied",
	[MK_ERROR_LIMITS_EXCEEDED] = STANDARD "LimitsExceeded",
	[MK_ERROR_UNKNOWN_OBJECT] = STANDARD "UnknownObject",
	[MK_ERROR_UNKNOWN_INTERFACE] = STANDARD "UnknownInterface",
	[MK_ERROR_UNKNOWN_METHOD] = STANDARD "UnknownMethod",
	[MK_ERROR_UNKNOWN_PROPERTY] = STANDARD "UnknownProperty",
	[MK_ERROR_PROPERTY_READ_ONLY] = STANDARD "PropertyReadOnly",
	[MK_ERROR_TIMEOUT] = STANDARD "Timeout",
	[MK_ERROR_NOT_SUPPORTED] = STANDARD "NotSupported",
	[MK_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED] = STANDARD "InteractiveAuthorizationRequired",
};

void mk_error_vset(struct mk_error *e, enum mk_error_code code, const char *fmt, va_list ap)
{
	_cleanup_free_ char *raw = NULL;

	if (mk_error_is_set(e))
		return;

	e->code = code;
	if (vasprintf(&raw, fmt, ap) < 0)
		raw = NULL;
	e->text = raw ? mk_utf8_clean(raw) : NULL;
}

void mk_error_set(struct mk_error *e, enum mk_error_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	mk_error_vset(e, code, fmt, ap);
	va_end(ap);
}

void mk_error_done(struct mk_error *e)
{
	free(e->text);
	*e = (struct mk_error){ 0 };
}

const char *mk_error_dbus_name(enum mk_error_code code)
{
	return code < ARRAY_SIZE(names) && names[code] ? names[code] : names[MK_ERROR_INTERNAL];
}

const char *mk_error_to_string(enum mk_error_code code)
{
	return code == MK_ERROR_NONE ? "" : strrchr(mk_error_dbus_name(code), '.') + 1;
}

int mk_error_from_string(const char *name)
{
	if (!*name)
		return MK_ERROR_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i] && streq(strrchr(names[i], '.') + 1, name))
			return (int)i;

	return -EINVAL;
}
