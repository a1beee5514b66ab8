/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * bus.c on a private dbus-daemon, with an sd-bus client on the same loop: what the service has queued is
 * seen as well as what the client gets.
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

/* What the object's handlers and properties use. */
struct b_object {
	char *name; /* property Name */
	uint64_t count;
	struct mk_call *held[2 * MK_BUS_HELD_MAX];
	size_t n_held;
	struct mk_bus_object *bus;
};

struct b_signal {
	char *path, *interface, *member;
	json_object *args;
};

struct bus_env {
	char *dir;
	struct tb_bus *daemon;
	sd_event *event;
	struct mk_bus *bus;
	struct b_object root, child;
	struct mk_turn *turn;
	bool hold_flush; /* want_flush is only counted */
	unsigned wanted, disconnected;
	sd_bus *client;
	struct b_signal *signals;
	size_t n_signals;
};

extern const struct mk_bus_interface b_test_interface, b_more_interface;

/* Bus, service with the object at B_ROOT (both interfaces) and B_ROOT/child/one (B_TEST), client. */
void b_start(struct bus_env *e);
void b_stop(struct bus_env *e);

/* Another client on the loop; as somebody else, which only root can. */
sd_bus *b_connect(struct bus_env *e);
sd_bus *b_connect_as(struct bus_env *e, uid_t uid, gid_t gid);
/* What the kernel notes of whoever connects are the effective ids; 0, 0: root's again. */
void b_become(uid_t uid, gid_t gid);
/* How many calls have no answer yet. */
size_t b_n_calls(const struct bus_env *e);
/* One turn of the loop, without waiting if nothing is to be done. False: nothing happened. */
bool b_turn(struct bus_env *e);
/* Runs the loop until the condition holds; after 60 s the test fails. */
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
/* Runs the loop until *flag or for 60 s. */
bool b_run_until(struct bus_env *e, const bool *flag);
/* Runs the loop until everything that was sent to the client so far has come. */
void b_settle(struct bus_env *e);

/*
 * Calls a method of the service, and runs the loop until the answer, which may be an error. The caller
 * drops it.
 */
sd_bus_message *b_call(struct bus_env *e, const char *path, const char *interface,
		       const char *member, const char *types, ...);
sd_bus_message *b_send(struct bus_env *e, sd_bus *from, sd_bus_message *m);
/* The call alone, from the client. */
sd_bus_message *b_message(struct bus_env *e, const char *path, const char *interface,
			  const char *member);

/* Both drop the reply. name NULL: any; text: a substring, NULL: any. */
void b_expect_error(sd_bus_message *reply, const char *name, const char *text);
/* The reply's arguments as a JSON text must be this one. */
void b_expect_json(sd_bus_message *reply, const char *json);
