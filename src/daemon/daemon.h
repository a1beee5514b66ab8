/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The daemon: owns every long-lived object. Start order and its exact reverse are in daemon.c, once.
 */

#include "config/config.h"

struct mk_daemon_options {
	const char *config_path; /* NULL: the default */
	const char *bus_address; /* NULL: the starter's or the system bus */
	bool no_bus;             /* the private socket only */
};

/* Starts, serves until told to end, stops. Returns the exit code: EX_CONFIG if only an administrator can help. */
int mk_daemon_run(const struct mk_daemon_options *options);
