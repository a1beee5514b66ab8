/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* bus-env with a private socket beside the bus, and clients of it on the same loop. */

#include "bus-env.h"
#include "world.h"

#define P_NOBODY 65534
#define P_GROUP  60061 /* of nobody in particular; its members may connect */

extern struct bus_env p_env;
extern unsigned p_refused;   /* connections */
extern const char *p_reason; /* of the newest refusal */

void p_start(void);
void p_stop(void);

/* How many peers there are; waits until there are so many. */
unsigned p_count(void);
void p_wait(unsigned n);

/* A client; hello: it talks as to a bus. */
sd_bus *p_connect(bool hello);
sd_bus *p_connect_as(uid_t uid, gid_t gid);
/* Only the socket, which does not block; the second with that user's and group's credentials. */
int p_raw(void);
int p_raw_as(uid_t uid, gid_t gid);
/* Whether the service has closed it; waits for that, and closes it too. */
bool p_at_end(int fd);
void p_wait_for_end(int fd);
const char *p_socket(void); /* its address */

sd_bus_message *p_call(sd_bus *peer, const char *destination, const char *path,
		       const char *interface, const char *member, const char *types, ...);
#define P_DRIVER(peer, member, ...)                                                                \
	p_call(peer, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",      \
	       member, __VA_ARGS__)
#define P_ROOT(peer, member, ...) p_call(peer, B_NAME, B_ROOT, B_TEST, member, __VA_ARGS__)
/* Also a sign that everything before it has been handled. */
void p_expect_alive(sd_bus *peer);
/* Makes n calls that are held, counting their replies; waits until so many are held in all; drops them, which
 * answers. */
void p_hold(sd_bus *peer, unsigned n, unsigned *replies);
void p_wait_held(size_t n);
void p_drop_held(void);
/* For sd_bus_call_async(): counts replies in the unsigned at data. */
int p_on_reply(sd_bus_message *m, void *data, sd_bus_error *error);

/* A client that counts the signals that p_poke() makes. */
struct p_listener {
	sd_bus *bus;
	unsigned n, n_bad; /* bad: of another sender than :1.0 */
	bool no_more;      /* got the one named "end" */
};

void p_listen(struct p_listener *l, bool hello);
void p_poke(const char *name);
