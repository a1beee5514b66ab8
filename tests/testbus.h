/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A private dbus-daemon for tests. Clients authenticate by EXTERNAL only, and its policy allows everything. Its socket,
 * configuration and log are in the given directory.
 */

#include "base/base.h"

#include <sys/types.h>

struct tb_bus;

/* Starts a bus, and returns when clients can connect to it. NULL if that fails. */
struct tb_bus *tb_start(const char *dir);
/* Kills the bus: its clients lose their connections. bus may be NULL. Returns NULL. */
struct tb_bus *tb_stop(struct tb_bus *bus);

const char *tb_address(const struct tb_bus *bus);
pid_t tb_pid(const struct tb_bus *bus);
