/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Access control: who may do what.
 *
 *   Over the bus             root and the daemon's own user may do everything; for all others polkit decides, by the
 *                            actions org.migratekit.volume1.*, on the calls that the bus lets through. Where polkit is
 *                            not installed, members of the group may do everything, others nothing.
 *   Over the private socket  whoever may connect (root, our own user, members of the group) may do everything.
 *
 * Membership is what the kernel said of the caller's process when it connected; it is never looked up by name. In
 * doubt a call is refused: polkit does not answer in time, there is an error, or the caller has gone.
 */

#include "bus.h"

/* How long polkit may take to decide on one call, in µs. That includes the user's typing, and all questions of a
 * call that needs more than one privilege. */
#define MK_ACCESS_LIMIT (120 * USEC_PER_SEC)

struct mk_access;

struct mk_access_config {
	sd_event *event;
	const char *group; /* a name, looked up once, by mk_access_new() */
	uint64_t limit;    /* MK_ACCESS_LIMIT */
};

/* A group that does not exist is logged and counts as one without members. Returns 0 or a negative errno. */
int mk_access_new(const struct mk_access_config *config, struct mk_access **ret);
/* Answers calls that are not decided yet with an error. To be called before the bus is closed. NULL is allowed;
 * returns NULL. */
struct mk_access *mk_access_free(struct mk_access *access);
DEFINE_CLEANUP(struct mk_access *, mk_access_free)

/* The group of the configuration; (gid_t)-1 if it does not exist. */
gid_t mk_access_group(const struct mk_access *access);

/* To be called once the bus is connected and calls may come. Asks the bus to start polkit, without waiting; the log
 * says if it is not there. */
void mk_access_start(struct mk_access *access, struct mk_bus *bus);

/* The implementation of mk_bus_callbacks.authorize. */
void mk_access_authorize(struct mk_access *access, struct mk_call *call);
/* The implementation of mk_bus_listen.refused: writes to the log. */
void mk_access_log_refusal(const struct mk_bus_refusal *refusal, void *data);
