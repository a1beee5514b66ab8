/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The world of the failover class: the oma class's, with volumes on the appliance and an empty failover VM. */

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

/* The failover VM without its root volume, and n volumes attached to the appliance, each with a written content
 * ("generation" 100 and up in the simulator). */
void f_start(struct world *w, const char *config, size_t n, struct f_set *ret);

/* Assign, Return, Snapshot, Revert, DropSnapshots; vm NULL: the method has none. The path; NULL with the
 * error. options may be NULL. */
const char *f_call(struct world *w, const char *method, const struct f_set *set, const char *vm,
		   const struct f_options *options);
/* Assign to F_VM with the first volume as root. */
const char *f_assign(struct world *w, const struct f_set *set, const char *token);
const char *f_return(struct world *w, const struct f_set *set, const char *token);

/* Lets held jobs go on until the operation has ended: one may come to be held only when those before it in its VM's
 * queue have ended. */
void f_release_until_end(struct world *w, const char *path);

/* What the simulator says of a volume. */
bool f_is_on(struct world *w, const char *volume, const char *vm); /* vm "": detached */
int64_t f_device_id(struct world *w, const char *volume);
const char *f_type(struct world *w, const char *volume); /* static storage */
int64_t f_generation(struct world *w, const char *volume);
void f_write(struct world *w, const char *volume, int64_t generation);
/* The i-th volume's content is first + i * step. */
bool f_has_generations(struct world *w, const struct f_set *set, int64_t first, int64_t step);
/* Our snapshots of the volumes that are good. */
unsigned f_snapshots(struct world *w, const struct f_set *set);

/* All of the set is on the VM, the first as device 0, the others 1, 2, 4, 5, … in order, and the daemon says so. */
bool f_assigned(struct world *w, const struct f_set *set);
/* All of the set is on the appliance, each with its device. */
bool f_home(struct world *w, const struct f_set *set);
/* A Revert's message: "reverted: ID; not reverted: ID; not known whether reverted: ID: …". The volume is named, and not
 * as one that was not reverted. */
bool f_tells_reverted(const char *message, const char *volume);
/* Changes anything in CloudStack that Assign and its kin can change: how often these were run. */
int64_t f_changes(struct world *w);
