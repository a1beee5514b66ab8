/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The daemon as a system starts it: with a passed socket, as another user, under the shipped bus policy,
 * with a real polkitd. CloudStack is not there. What clients do is written as shell commands.
 */

#include "base/base.h"
#include "tap.h"

#include <sys/types.h>

#define A_NAME  "org.migratekit.Volume1"
#define A_PATH  "/org/migratekit/Volume1"
#define A_GROUP "games" /* [daemon] group; the user of that name is in it */
#define A_USER  "man"   /* the daemon's in place of migratekit: any that is not root */

/* Commands to become somebody. */
#define A_STRANGER   "setpriv --reuid=65534 --regid=65534 --clear-groups "
#define A_MEMBER     "setpriv --reuid=games --regid=games --clear-groups "
/* The group is the process's, not the user's. */
#define A_SUPPLEMENT "setpriv --reuid=65534 --regid=65534 --groups=games "

/* How the daemon is started with the socket passed. */
#define A_SOCKET "systemd-socket-activate -l $DIR/sock "

struct ways {
	char *dir; /* scratch; $DIR in commands */
	pid_t daemon, bus, polkit;
	int log_fd; /* the daemon's standard error */
	char *log;  /* as far as it was read */
};

/* Scratch directory with configuration, plugins, and a copy of the daemon that any user can run. */
void a_start(struct ways *a);
/* Everything is ended that was started; the daemon, if it is running, must end with 0 on SIGTERM. */
void a_stop(struct ways *a);

/* A bus with the policies of polkit and of the daemon, at $DIR/bus ($BUS is its address). */
void a_start_bus(struct ways *a);
void a_stop_bus(struct ways *a);
/* polkitd with the shipped actions and rules, in a mount namespace of its own. False, with the test
 * marked as skipped: cannot be done here. */
bool a_start_polkit(struct ways *a);
void a_stop_polkit(struct ways *a);

/* prefix daemon --config=… args; as A_USER, if we are root. */
void a_spawn(struct ways *a, const char *prefix, const char *args);
/* Waits until the daemon has logged a line with this text. False: it ended without. */
bool a_wait_log(struct ways *a, const char *text);
/* Waits for the daemon's end: its wait status. */
int a_wait_end(struct ways *a);

/* Runs a shell command to its end; what it printed, its status in a_status. Valid until the next. */
const char *a_sh(struct ways *a, const char *fmt, ...) _printf_(2, 3);
extern int a_status;

/* As above; the command must succeed, or fail, and print this text somewhere. */
#define A_OK(a, text, ...)    a_check(a_sh(a, __VA_ARGS__), true, text)
#define A_FAILS(a, text, ...) a_check(a_sh(a, __VA_ARGS__), false, text)
void a_check(const char *output, bool success, const char *text);
