/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Room daemon: owns every long-lived object, and starts and stops them. The order of the start and its reverse are
 * in daemon.c. */

#include "config/config.h"

struct mk_daemon_options {
	const char *config_path; /* NULL: volumed.conf in the configured directory */
	/* NULL: the address that D-Bus gave when it started us, else the system bus */
	const char *bus_address;
	bool no_bus; /* serve the private socket only */
};

/* Starts, serves until a signal or a failure, stops. Returns the exit status: EX_CONFIG if only an administrator
 * can help. */
int mk_daemon_run(const struct mk_daemon_options *options);
