/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The real daemon started as an installed system starts it: with a socket passed to it, as an unprivileged user, under
 * the shipped bus policy and with a real polkitd, as each test needs it. There is no CloudStack. Clients are shell
 * commands; they find the scratch directory in $DIR and the bus's address in $BUS.
 */

#include "base/base.h"
#include "tap.h"

#include <sys/types.h>

#define A_NAME  "org.migratekit.Volume1"
#define A_PATH  "/org/migratekit/Volume1"
/*
 * A group and a user that stand for the group and the user migratekit of an installed system. The configuration has
 * A_GROUP as [daemon] group; the user games is a member of it. A_USER can be any user but root.
 */
#define A_GROUP "games"
#define A_USER  "man"

/* Prefixes of shell commands, to run them as somebody else; these need root. */
#define A_STRANGER   "setpriv --reuid=65534 --regid=65534 --clear-groups "
#define A_MEMBER     "setpriv --reuid=games --regid=games --clear-groups "
/* A process that is in the group while its user is not. */
#define A_SUPPLEMENT "setpriv --reuid=65534 --regid=65534 --groups=games "

/* A prefix that passes the listening socket $DIR/sock to the daemon. */
#define A_SOCKET "systemd-socket-activate -l $DIR/sock "

struct ways {
	char *dir;                 /* the scratch directory */
	pid_t daemon, bus, polkit; /* 0: not running */
	int log_fd;                /* the daemon's standard output and error */
	char *log;                 /* what was read from it so far */
};

/*
 * Makes the scratch directory with a configuration, the plugins, and a copy of the daemon that every user can run. a
 * must outlive the test's function, because a fatal assertion leaves that function: what it left behind is removed at
 * the next start, or at the end of the program.
 */
void a_start(struct ways *a);
/* Ends all that was started, and removes the directory. A running daemon must end with status 0 after SIGTERM. */
void a_stop(struct ways *a);

/* Starts a bus with the policies of polkit and of the daemon, at $BUS. It is the system bus of all commands. */
void a_start_bus(struct ways *a);
void a_stop_bus(struct ways *a);
/*
 * Starts polkitd with the shipped actions and rules, in a mount namespace of its own. False, and the test is marked as
 * skipped, if there is no polkitd or no right to a mount namespace.
 */
bool a_start_polkit(struct ways *a);
void a_stop_polkit(struct ways *a);

/* Starts "PREFIX daemon --config=… --verbose ARGS"; as A_USER if root runs the test. Does not wait. */
void a_spawn(struct ways *a, const char *prefix, const char *args);
/* Waits until the daemon's log has this text. False: the log ended without it, or nothing came for a long time. */
bool a_wait_log(struct ways *a, const char *text);
/* Waits for the daemon's end. Returns its wait status; if it does not end, kills it and returns -1. */
int a_wait_end(struct ways *a);

/*
 * Runs a shell command to its end, for 60 s at most. Returns its standard output and error, valid until the next
 * command. a_status gets its wait status; -1 if it was killed at the time-out.
 */
const char *a_sh(struct ways *a, const char *fmt, ...) _printf_(2, 3);
extern int a_status;

/* The same, with a check: the command must succeed (or fail), and its output must contain the text. */
#define A_OK(a, text, ...)    a_check(a_sh(a, __VA_ARGS__), true, text)
#define A_FAILS(a, text, ...) a_check(a_sh(a, __VA_ARGS__), false, text)
void a_check(const char *output, bool success, const char *text);
