/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The world of oma-env.h for tests of class failover: volumes attached to the appliance, and a failover VM without
 * its root volume.
 */

#include "integration/oma/oma-env.h"

#define F_VM       "44444444-4444-4444-8444-444444444444"
#define F_ROOT     "55555555-5555-4555-8555-555555555555"
#define F_ZONE     "00000000-0000-4000-8000-000000000001"
#define F_FAILOVER "org.migratekit.Volume1.Failover"
#define F_MAX      8

/* Volumes, in the order of the calls. */
struct f_set {
	char ids[F_MAX][MK_UUID_SIZE];
	size_t n;
};

struct f_options {
	const char *token, *root, *operation; /* NULL: not given */
	bool force, drop;                     /* false: not given */
};

/* Starts the world, deletes the failover VM's root volume, and makes n attached volumes. The i-th has the content
 * ("generation" in the simulator) 100 + i. */
void f_start(struct world *w, const char *config, size_t n, struct f_set *ret);

/* Calls Assign, Return, Snapshot, Revert or DropSnapshots. vm NULL: the method has none. options may be NULL. Returns
 * the operation's path (static storage: the last eight stay valid), or NULL with the error as for w_call(). */
const char *f_call(struct world *w, const char *method, const struct f_set *set, const char *vm,
		   const struct f_options *options);
/* Assign to F_VM with the first volume as root. */
const char *f_assign(struct world *w, const struct f_set *set, const char *token);
const char *f_return(struct world *w, const struct f_set *set, const char *token);

/* Releases held jobs again and again until the operation has ended: a request that comes later may be held anew. */
void f_release_until_end(struct world *w, const char *path);

/* What the simulator says of a volume. */
bool f_is_on(struct world *w, const char *volume, const char *vm); /* vm "": detached */
int64_t f_device_id(struct world *w, const char *volume);
const char *f_type(struct world *w, const char *volume); /* static storage */
int64_t f_generation(struct world *w, const char *volume);
void f_write(struct world *w, const char *volume, int64_t generation);
/* The i-th volume's content is first + i * step. */
bool f_has_generations(struct world *w, const struct f_set *set, int64_t first, int64_t step);
/* How many of the daemon's snapshots of these volumes are complete (BackedUp) and not removed. */
unsigned f_snapshots(struct world *w, const struct f_set *set);

/* All of the set is on the VM, the first as device 0, the others 1, 2, 4, 5, … in order, and the daemon says so. */
bool f_assigned(struct world *w, const struct f_set *set);
/* All of the set is on the appliance, each with its device. */
bool f_home(struct world *w, const struct f_set *set);
/* The same, for a test that only wants to know: it says nothing of what is not so. */
bool f_is_at(struct world *w, const struct f_set *set, bool home);
/* Whether a Revert's message, "reverted: ID; not reverted: ID; …", names the volume, and not after "not reverted:". */
bool f_tells_reverted(const char *message, const char *volume);
/* How often the commands that change volumes, snapshots or VMs were executed. */
int64_t f_changes(struct world *w);
