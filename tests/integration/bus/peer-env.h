/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The service of bus-env.h with a private socket beside the bus, for the tests of src/bus/peer.c. Clients of the socket
 * (peers) run on the same event loop.
 */

#include "bus-env.h"
#include "world.h"

#define P_NOBODY 65534
#define P_GROUP  60061 /* an unused group; its members may connect to the socket */

extern struct bus_env p_env;
extern unsigned p_refused;   /* connections that were refused */
extern const char *p_reason; /* of the newest refusal; "" if there is none */

/* Start and stop p_env and its socket. Whoever has not authenticated after 300 ms is disconnected. */
void p_start(void);
void p_stop(void);

/* How many peers are connected. */
unsigned p_count(void);
/* Runs the loop until exactly n are. */
void p_wait(unsigned n);

/*
 * Connects a client to the socket. hello: it calls Hello first, as on a bus. The second connects as another user, which
 * needs root, and calls Hello.
 */
sd_bus *p_connect(bool hello);
sd_bus *p_connect_as(uid_t uid, gid_t gid);
/* Connects a bare non-blocking socket, which sends nothing by itself; the second as another user, which needs root. */
int p_raw(void);
int p_raw_as(uid_t uid, gid_t gid);
/* Whether the service has closed the connection, and all it sent has been read. */
bool p_at_end(int fd);
/* Runs the loop until that is so, and closes fd. */
void p_wait_for_end(int fd);
/* The D-Bus address of the socket. */
const char *p_socket(void);

/* Calls a method as a peer, like b_call(). P_DRIVER(): of the bus driver, P_ROOT(): of the object B_ROOT. */
sd_bus_message *p_call(sd_bus *peer, const char *destination, const char *path,
		       const char *interface, const char *member, const char *types, ...);
#define P_DRIVER(peer, member, ...)                                                                \
	p_call(peer, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",      \
	       member, __VA_ARGS__)
#define P_ROOT(peer, member, ...) p_call(peer, B_NAME, B_ROOT, B_TEST, member, __VA_ARGS__)
/* Fails the test unless the service answers this peer. What the peer sent before has been handled then. */
void p_expect_alive(sd_bus *peer);
/* Calls the method Hold n times without waiting. Each call whose answer comes later adds one to *replies. */
void p_hold(sd_bus *peer, unsigned n, unsigned *replies);
/* Runs the loop until at least n calls are held. */
void p_wait_held(size_t n);
/* Drops all held calls; src/bus answers them with an error. */
void p_drop_held(void);
/* A callback for sd_bus_call_async(): adds one to the unsigned at data. */
int p_on_reply(sd_bus_message *m, void *data, sd_bus_error *error);

/* A client that counts the signals of p_poke(). */
struct p_listener {
	sd_bus *bus;
	unsigned n, n_bad; /* n_bad: those from another sender than :1.0 */
	bool no_more;      /* one named "end" has come */
};

/* Connects l->bus. The caller unrefs it. */
void p_listen(struct p_listener *l, bool hello);
/* Emits the signal Poked with this name from B_ROOT to everybody. */
void p_poke(const char *name);
