/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who may do what.
 *
 * Over the bus:          root and the daemon's own user everything; everybody else what polkit says to
 *                        the actions org.migratekit.volume1.*, if the bus lets the call through at all.
 *                        Where polkit is not installed: members of the group everything, others nothing.
 * Over the private socket: whoever may connect (root, own user, members of the group) everything.
 *
 * Membership is what the kernel said of the caller's process when it connected: never looked up by name.
 * Every doubt is a refusal: no answer of polkit in time, an error, a caller that has left.
 */

#include "bus.h"

/* What polkit may take for one question, the user's typing included. */
#define MK_ACCESS_LIMIT (120 * USEC_PER_SEC)

struct mk_access;

struct mk_access_config {
	sd_event *event;
	const char *group; /* a name; looked up once, now */
	uint64_t limit;    /* MK_ACCESS_LIMIT */
};

/* A group that does not exist is logged and has no members. Returns 0 or a negative errno. */
int mk_access_new(const struct mk_access_config *config, struct mk_access **ret);
/* Refuses what is not decided. Before the bus is closed. NULL is allowed; returns NULL. */
struct mk_access *mk_access_free(struct mk_access *access);
DEFINE_CLEANUP(struct mk_access *, mk_access_free)

gid_t mk_access_group(const struct mk_access *access);

/* The bus is connected: calls may come. Says in the log if polkit is not there. Does not wait. */
void mk_access_start(struct mk_access *access, struct mk_bus *bus);

/* What mk_bus_callbacks.authorize does. */
void mk_access_authorize(struct mk_access *access, struct mk_call *call);
/* Likewise mk_bus_listen.refused: logs it. */
void mk_access_log_refusal(const struct mk_bus_refusal *refusal, void *data);
