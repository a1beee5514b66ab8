/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Room steps: step functions and helpers that several classes share. They are linked into each plugin.
 *
 * A comment like MK_ASK_VOLUME names what the row of a function must ask. Functions that return int return an
 * mk_step_result.
 */

#include <migratekit/volume-plugin.h>

#include <inttypes.h>
#include <string.h>

#define TAG_OWNER     "migratekit:owner"
#define TAG_CLASS     "migratekit:class"
#define TAG_OPERATION "migratekit:operation"

extern const struct mk_host *host; /* set by steps_init() */

/* mk_plugin.init of all classes. */
int steps_init(const struct mk_host *h);

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* ---- JSON and notes ---- */

void set_str(json_object *o, const char *key, const char *value);
void set_int(json_object *o, const char *key, int64_t value);
void set_bool(json_object *o, const char *key, bool value);
const char *get_str(json_object *o, const char *key); /* "" if it is missing or no text */

/* The i-th argument of the call as text. */
const char *arg(json_object *args, size_t i);

/* Notes of the operation, in its scratch: they survive a restart. */
bool flag(struct mk_op *op, const char *key);
void set_flag(struct mk_op *op, const char *key, bool value);
const char *note(struct mk_op *op, const char *key); /* "" if there is none */
void set_note(struct mk_op *op, const char *key, const char *value);

/* ---- guards: MK_FAILED after fail() if something is wrong ---- */

/* Fail because CloudStack does not know the operation's VM, or its volume. */
int fail_no_vm(struct mk_op *op);
int fail_no_volume(struct mk_op *op);

/* True if its tag says that it belongs to another appliance. */
bool is_foreign(struct mk_op *op, const struct mk_volume_info *v);
/* True if it is the root disk of the VM that it is attached to, or CloudStack leaves out what would rule that out. */
bool is_root(const struct mk_volume_info *v);
/* Fails with InUse while somebody uses the volume's disk on this machine, unless the option `force` is true. */
int check_unused(struct mk_op *op, const struct mk_volume_info *v);

/* Checks that the volume exists (v is not NULL), belongs to no other appliance, is not being deleted, and is
 * managed in this class. class NULL: it may be of any class, or not managed. */
int check_volume(struct mk_op *op, const struct mk_volume_info *v, const char *class);
/* The same for a volume that must be managed, in any class. */
int check_managed(struct mk_op *op, const struct mk_volume_info *v);
/* MK_AGAIN while CloudStack has a pending job on the volume. */
int check_idle(struct mk_op *op, const struct mk_volume_info *v);

/* MK_DONE if the VM exists and is in that state; MK_AGAIN while it is passing to another state; else MK_FAILED. */
int check_vm_state(struct mk_op *op, const struct mk_vm_info *vm, const char *state);
/* Checks that the appliance runs, and that on its hypervisor it can be proven which disk a volume is. vm: the
 * appliance. */
int check_oma(struct mk_op *op, const struct mk_vm_info *vm);
/* For a volume that CloudStack says is detached: no disk here may have its serial. MK_AGAIN while there is one,
 * MK_FAILED if it is still there when the row's time is over. */
int check_detached(struct mk_op *op, const struct mk_volume_info *v);

/* ---- queries ---- */

json_object *volume_to_json(const struct mk_volume_info *v);
int query_vm(struct mk_op *op); /* MK_ASK_VM: puts the VM into the result, as "VM" */

/* ---- commands ---- */

/*
 * Names the next command until the volume is deleted: destroyVolume with expunge, whose job can be followed; or
 * deleteVolume if the server or our role does not have that. MK_DONE once the volume is gone (v may be NULL). The
 * caller has checked that it may be deleted; one that is attached fails with WrongState.
 */
int delete_volume(struct mk_op *op, const struct mk_volume_info *v);

/* Names the next command until the volume has our tags, for that class. MK_DONE once it has; then it is managed
 * under that name (NULL: mk_host.manage). Checks the volume as check_volume() does, without a class. */
int own_volume(struct mk_op *op, const struct mk_volume_info *v, const char *class,
	       const char *name);
/* Names the next command until the volume's tag migratekit:class is this class; "": until it has no such tag. */
int class_volume(struct mk_op *op, const struct mk_volume_info *v, const char *class);
/* Names the next command until the volume has none of our tags. MK_DONE also if v is NULL or belongs to another
 * appliance. */
int disown_volume(struct mk_op *op, const struct mk_volume_info *v);

/* ---- moving (move.c): step functions; the operation's volume goes to the operation's VM ("": to none) ---- */

int attach_check(struct mk_op *op, const char *class); /* MK_ASK_VM_VOLUME */
int attach(struct mk_op *op);                          /* MK_ASK_VOLUME */
int attach_undo(struct mk_op *op);                     /* MK_ASK_VOLUME */
int attach_prove(struct mk_op *op);                    /* MK_ASK_VM_VOLUME */

/*
 * Checks that no job is pending on the volume, and that it may leave the VM that it is on, if any; notes that VM,
 * and detach() takes it off no other. On the appliance it must not be the root disk, nor in use (option `force`).
 * With option `stopped` another VM must be Stopped.
 */
int leave_check(struct mk_op *op, const struct mk_volume_info *v);
int detach(struct mk_op *op);       /* MK_ASK_VOLUME */
int detach_undo(struct mk_op *op);  /* MK_ASK_VOLUME */
int detach_prove(struct mk_op *op); /* MK_ASK_VOLUME */

/* For an operation of detach, detach_prove, attach and attach_prove: checks that the volume is on `from` ("":
 * detached), or already on the operation's VM. MK_ASK_VM_VOLUME. */
int move_check(struct mk_op *op, const char *from);

/* ---- deleting, adopting, forgetting (managed.c): step functions for MK_ASK_VOLUME ---- */

int delete_check(struct mk_op *op);
int delete (struct mk_op *op);
int delete_prove(struct mk_op *op);

/* To be called at the end of a class's own check: notes what adopt_undo() restores. */
void adopt_note(struct mk_op *op, const struct mk_volume_info *v);
int adopt_own(struct mk_op *op, const char *class);
int adopt_undo(struct mk_op *op);
/* MK_ASK_VM_VOLUME, with the appliance as VM: gives a volume that is adopted while it is attached there its device. */
int adopt_prove(struct mk_op *op);

int forget_check(struct mk_op *op);
int forget_drop(struct mk_op *op); /* MK_ASK_SNAPSHOTS; acts only with option `drop-snapshots` */
int forget_untag(struct mk_op *op);
int forget(struct mk_op *op); /* MK_ASK_NOTHING */

/* The name of a new volume in CloudStack: the caller's name, and the id of the operation that makes it. To be
 * freed; NULL without memory. */
char *cloud_name(const char *name, const char *operation);
/* The inverse: the volume's name without the id of the operation that its tags name. To be freed; NULL without
 * memory. */
char *plain_name(const struct mk_volume_info *v);

/* ---- snapshots (snapshot.c) ---- */

#define SNAPSHOT_PREFIX "migratekit " /* followed by the id of the operation that made it */

/* What a row of MK_ASK_SNAPSHOTS is. */
bool snapshot_is_gone(json_object *row);
bool snapshot_is_passing(json_object *row); /* on its way to another state */
bool snapshot_is_of(json_object *row,
		    const char *operation); /* it is ours, made by that operation ("": by any) */

/* MK_ASK_SNAPSHOTS: names the next command until none of our snapshots of the volume is left: of those that the
 * operation made ("": any), and of these the one with that id ("": all). */
int drop_snapshots(struct mk_op *op, const char *operation, const char *id);
