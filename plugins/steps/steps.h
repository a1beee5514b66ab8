/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the step tables of several classes have in common. Linked into each plugin. */

#include <migratekit/volume-plugin.h>

#include <inttypes.h>
#include <string.h>

#define TAG_OWNER     "migratekit:owner"
#define TAG_CLASS     "migratekit:class"
#define TAG_OPERATION "migratekit:operation"

extern const struct mk_host *host; /* set by steps_init() */

/* The plugins' init. */
int steps_init(const struct mk_host *h);

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* ---- JSON and notes ---- */

void set_str(json_object *o, const char *key, const char *value);
void set_int(json_object *o, const char *key, int64_t value);
void set_bool(json_object *o, const char *key, bool value);
const char *get_str(json_object *o, const char *key); /* "" if it is no text */

/* The i-th argument of the call as text. */
const char *arg(json_object *args, size_t i);

/* Durable notes of the operation. */
bool flag(struct mk_op *op, const char *key);
void set_flag(struct mk_op *op, const char *key, bool value);
const char *note(struct mk_op *op, const char *key); /* "" if there is none */
void set_note(struct mk_op *op, const char *key, const char *value);

/* ---- guards: all call fail() and return MK_FAILED ---- */

int fail_no_vm(struct mk_op *op);
int fail_no_volume(struct mk_op *op);

/* Another appliance's volume, by its tag. */
bool is_foreign(struct mk_op *op, const struct mk_volume_info *v);
/* The root disk of the VM that it is attached to, or CloudStack does not say that it is not. */
bool is_root(const struct mk_volume_info *v);
/* InUse while somebody uses the volume's disk on this machine, unless the option force is given. */
int check_unused(struct mk_op *op, const struct mk_volume_info *v);

/*
 * The volume is there (v not NULL), is no other appliance's, is not being deleted, and is managed in
 * this class (class NULL: in any, or not at all). MK_DONE, or MK_FAILED.
 */
int check_volume(struct mk_op *op, const struct mk_volume_info *v, const char *class);
/* The same for a volume that must be managed, in whatever class. */
int check_managed(struct mk_op *op, const struct mk_volume_info *v);
/* MK_AGAIN while a job is pending on it. */
int check_idle(struct mk_op *op, const struct mk_volume_info *v);

/* MK_DONE if the VM is there and in that state; MK_AGAIN while it is on its way to another. */
int check_vm_state(struct mk_op *op, const struct mk_vm_info *vm, const char *state);
/* The appliance runs, and its disks can be told. */
int check_oma(struct mk_op *op, const struct mk_vm_info *vm);
/* Detached in CloudStack: then no disk of this machine may look like it. */
int check_detached(struct mk_op *op, const struct mk_volume_info *v);

/* ---- queries ---- */

json_object *volume_to_json(const struct mk_volume_info *v);
int query_vm(struct mk_op *op); /* result VM: a step function for MK_ASK_VM */

/* ---- commands ---- */

/*
 * The next thing to do until the volume is deleted: destroyVolume with expunge, whose outcome can be
 * asked for, or deleteVolume where server or role lack it. MK_DONE once it is gone. The caller has
 * checked that it may be deleted; one that is attached is not: WrongState.
 */
int delete_volume(struct mk_op *op, const struct mk_volume_info *v);

/* Until the volume carries our tags, of that class; then it is in the store under that name (NULL: its
 * own) and MK_DONE. */
int own_volume(struct mk_op *op, const struct mk_volume_info *v, const char *class,
	       const char *name);
/* Until its tag of that name says so; "": there is none. */
int class_volume(struct mk_op *op, const struct mk_volume_info *v, const char *class);
/* Until it carries none of our tags. v may be NULL: it is gone. */
int disown_volume(struct mk_op *op, const struct mk_volume_info *v);

/* ---- moving (move.c): step functions; the volume is the operation's, the VM the one it is attached to -- */

int attach_check(struct mk_op *op, const char *class); /* MK_ASK_VM_VOLUME */
int attach(struct mk_op *op);                          /* MK_ASK_VOLUME */
int attach_undo(struct mk_op *op);                     /* MK_ASK_VOLUME */
int attach_prove(struct mk_op *op);                    /* MK_ASK_VM_VOLUME */

/* Nothing is pending on the volume, and it may leave the VM that it is attached to, or is detached; from then on
 * detach() takes it off that one only. Off the appliance: not its root disk, and not while it is in use (option
 * force). */
int leave_check(struct mk_op *op, const struct mk_volume_info *v);
int detach(struct mk_op *op);       /* MK_ASK_VOLUME */
int detach_undo(struct mk_op *op);  /* MK_ASK_VOLUME */
int detach_prove(struct mk_op *op); /* MK_ASK_VOLUME */

/*
 * Before detach, detach_prove, attach and attach_prove in one operation: the volume is on `from` ("":
 * detached) and is to be on the operation's VM ("": detached), or it is there already. MK_ASK_VM_VOLUME.
 */
int move_check(struct mk_op *op, const char *from);

/* ---- deleting, adopting, forgetting (managed.c): step functions for MK_ASK_VOLUME ---- */

int delete_check(struct mk_op *op);
int delete (struct mk_op *op);
int delete_prove(struct mk_op *op);

/* The end of a class's own check: notes what the way back restores. */
void adopt_note(struct mk_op *op, const struct mk_volume_info *v);
int adopt_own(struct mk_op *op, const char *class);
int adopt_undo(struct mk_op *op);
/* A volume that is adopted while it is attached to the appliance gets its device. MK_ASK_VM_VOLUME, for the
 * appliance. */
int adopt_prove(struct mk_op *op);

int forget_check(struct mk_op *op);
int forget_drop(struct mk_op *op); /* MK_ASK_SNAPSHOTS; option drop-snapshots */
int forget_untag(struct mk_op *op);
int forget(struct mk_op *op); /* MK_ASK_NOTHING */

/* CloudStack's name of a volume: the caller's name, and the operation that made it. The result must be
 * freed; NULL without memory. */
char *cloud_name(const char *name, const char *operation);
/* And back: without the operation that the tags say made it. Must be freed. */
char *plain_name(const struct mk_volume_info *v);

/* ---- snapshots (snapshot.c) ---- */

#define SNAPSHOT_PREFIX "migratekit " /* and the id of the operation that made it */

/* A row of MK_ASK_SNAPSHOTS. */
bool snapshot_is_gone(json_object *row);
bool snapshot_is_passing(json_object *row); /* on its way to another state */
bool snapshot_is_of(json_object *row,
		    const char *operation); /* ours, of that operation; "": of any */

/*
 * MK_ASK_SNAPSHOTS: deletes our snapshots of the volume, one after the other: those of that operation ("": all), or the
 * one of that id ("": any). MK_DONE once there are none.
 */
int drop_snapshots(struct mk_op *op, const char *operation, const char *id);
