/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A small service of src/bus on a private dbus-daemon, and an sd-bus client of it, for the tests of src/bus. Both run
 * in the test's process on one event loop. So a test can look into the service's queues as well as at what the client
 * gets.
 */

#include "bus/bus-internal.h"
#include "tap.h"

#include <systemd/sd-bus.h>

#define B_ROOT "/org/example/Root"
#define B_NAME "org.example.Service"
#define B_TEST "org.example.Test"
#define B_MORE "org.example.More"
#define B_ERR  "org.freedesktop.DBus.Error."
#define B_OURS "org.migratekit.Volume1.Error."

/* An object of the service: what its method handlers and properties use. */
struct b_object {
	char *name; /* property Name */
	uint64_t count;
	/* the calls of the method Hold that have no answer yet */
	struct mk_call *held[2 * MK_BUS_HELD_MAX];
	size_t n_held;
	struct mk_bus_object *bus;
};

/* A signal that the client got. */
struct b_signal {
	char *path, *interface, *member;
	json_object *args;
};

struct bus_env {
	char *dir; /* scratch; others may enter it */
	struct tb_bus *daemon;
	sd_event *event;
	struct mk_bus *bus;
	struct b_object root, child;
	struct mk_turn *turn;
	bool hold_flush; /* nothing is sent when src/bus asks for a flush */
	/* how often src/bus has asked for a flush, and told that the bus is gone */
	unsigned wanted, disconnected;
	sd_bus *client;
	struct b_signal *signals; /* all that came from below /org/example */
	size_t n_signals;
};

extern const struct mk_bus_interface b_test_interface, b_more_interface;

/*
 * Starts the bus, the service and the client. The service has two objects: B_ROOT with both interfaces, and
 * B_ROOT/child/one with B_TEST alone. A failed assertion in this header's functions fails the running test.
 */
void b_start(struct bus_env *e);
void b_stop(struct bus_env *e);

/* Connects one more client on the loop; the second as another user, which needs root. The caller unrefs it. */
sd_bus *b_connect(struct bus_env *e);
sd_bus *b_connect_as(struct bus_env *e, uid_t uid, gid_t gid);
/*
 * Changes the effective ids of this process; 0, 0 changes them back. Needs root. The kernel hands the effective ids of
 * whoever connects to the server, which takes them for the caller's.
 */
void b_become(uid_t uid, gid_t gid);
/* How many calls the service has not answered yet. */
size_t b_n_calls(const struct bus_env *e);
/* Runs one iteration of the loop without waiting. False: there was nothing to do. */
bool b_turn(struct bus_env *e);
/* Runs the loop until the condition holds. Fails the test, and ends it, after 60 s. */
#define B_WAIT(e, condition)                                                                       \
	do {                                                                                       \
		uint64_t end_ = mk_now_monotonic() + 60 * USEC_PER_SEC;                            \
		bool ok_;                                                                          \
                                                                                                   \
		while (!(ok_ = (condition)) && mk_now_monotonic() < end_)                          \
			(void)sd_event_run((e)->event, USEC_PER_SEC / 10);                         \
		if (!ok_)                                                                          \
			tap_note("waited in vain for %s", #condition);                             \
		CU_ASSERT_FATAL(ok_);                                                              \
	} while (0)
/* Runs the loop until *flag is true, for 60 s at most. Returns *flag. */
bool b_run_until(struct bus_env *e, const bool *flag);
/* Runs the loop until the client has received all that the service has queued for it so far. */
void b_settle(struct bus_env *e);

/*
 * Calls a method of the service as the client, and runs the loop until the answer comes, which may be an error. The
 * caller unrefs the answer. types and what follows are as for sd_bus_message_append().
 */
sd_bus_message *b_call(struct bus_env *e, const char *path, const char *interface,
		       const char *member, const char *types, ...);
/* The same for a call that is built already, and from any client. Takes the reference of m. */
sd_bus_message *b_send(struct bus_env *e, sd_bus *from, sd_bus_message *m);
/* Builds a call without arguments for b_send(), to be sent by the client. */
sd_bus_message *b_message(struct bus_env *e, const char *path, const char *interface,
			  const char *member);

/*
 * The reply must be an error with this name, and its message must contain this text. NULL: any. Takes the reply's
 * reference.
 */
void b_expect_error(sd_bus_message *reply, const char *name, const char *text);
/* The reply's arguments must equal this JSON array. Takes the reply's reference. */
void b_expect_json(sd_bus_message *reply, const char *json);
