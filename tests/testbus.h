/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A private dbus-daemon: EXTERNAL only, everything allowed, its socket in the given directory. */

#include "base/base.h"

#include <sys/types.h>

struct tb_bus;

/* Ready when it returns. NULL, with a note, when it cannot be started. */
struct tb_bus *tb_start(const char *dir);
/* Kills it (clients lose their connection). NULL is allowed; returns NULL. */
struct tb_bus *tb_stop(struct tb_bus *bus);

const char *tb_address(const struct tb_bus *bus);
pid_t tb_pid(const struct tb_bus *bus);
