/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The log. Messages go to the systemd journal with structured fields if standard error is the journal's stream;
 * otherwise, or if the journal refuses a message, as one readable line to standard error:
 *   LEVEL: message [OPERATION=… STEP=…]
 *
 * Texts may come from CloudStack or udev: they are made valid UTF-8, and on standard error control characters are
 * escaped, so that one message is one line. Callers must not pass secrets.
 */

#include "base.h"

#include <syslog.h>

/* The objects that a message is about. Texts are borrowed; NULL or "" leaves the field out. */
struct mk_log_fields {
	const char *operation;      /* OPERATION= */
	const char *volume;         /* VOLUME= */
	const char *vm;             /* VM= */
	const char *step;           /* STEP= */
	const char *plugin;         /* PLUGIN= */
	const char *cloudstack_job; /* CLOUDSTACK_JOB= */
};

/* Chooses between journal and standard error; to be called once, at start. Messages before that go to standard
 * error. verbose: LOG_DEBUG messages are written too. */
void mk_log_open(bool verbose);

/* priority: LOG_ERR … LOG_DEBUG of syslog.h. fields: NULL for none. Does not change errno. */
void mk_log(int priority, const struct mk_log_fields *fields, const char *fmt, ...) _printf_(3, 4);

#define mk_log_error(fields, ...)   mk_log(LOG_ERR, fields, __VA_ARGS__)
#define mk_log_warning(fields, ...) mk_log(LOG_WARNING, fields, __VA_ARGS__)
#define mk_log_notice(fields, ...)  mk_log(LOG_NOTICE, fields, __VA_ARGS__)
#define mk_log_info(fields, ...)    mk_log(LOG_INFO, fields, __VA_ARGS__)
#define mk_log_debug(fields, ...)   mk_log(LOG_DEBUG, fields, __VA_ARGS__)
