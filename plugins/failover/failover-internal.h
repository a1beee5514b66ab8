/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Room failover: the class failover. doc/sets.md tells how a set is moved all or none.
 *
 *   failover.c      the tables, and step functions for single volumes (others are in steps/managed.c and steps/move.c)
 *   set-move.c      Assign and Return
 *   set-snapshot.c  Snapshot, Revert and DropSnapshots
 *   set-back.c      the way back of a set
 *   set.c           sets, and their children
 *
 * An operation over a set makes a child for each of its volumes. The suffix of a child is a letter and the volume's
 * place in the call: m moves, s makes a snapshot, r reverts, d drops snapshots; b, b2_, b3_, … are the tries of the
 * way back.
 */

#include "steps/steps.h"

#define CLASS   "failover"
#define SET_MAX 64

/* ---- sets (set.c) ---- */

/* Takes the set from the call's first argument: 1 to SET_MAX different volumes. Claims them all. */
int set_prepare(struct mk_op *op, json_object *args);
size_t set_size(struct mk_op *op);
const char *set_id(struct mk_op *op, size_t i);
/* Finds the volume in the answer to MK_ASK_SET, MK_ASK_VM_SET or MK_ASK_VM_VOLUMES; NULL if CloudStack does not
 * list it. */
const struct mk_volume_info *set_find(struct mk_op *op, const char *id);
bool set_has(struct mk_op *op, const char *id);
/* Sets the result's Volumes: the set, in the order of the call. */
void set_put_result(struct mk_op *op);

/* MK_ASK_SET: checks that each volume exists, is managed, has no pending job and is Ready (with `allocated`: or
 * Allocated), and that all are in one zone (note "zone"). MK_AGAIN while one is passing to another state. */
int set_check(struct mk_op *op, bool allocated);

/* ---- children (set.c) ---- */

/* Makes the child of the i-th volume, unless it is there; the reference to args is taken over. False after fail(). */
bool child_spawn(struct mk_op *op, const char *prefix, size_t i, const char *kind,
		 json_object *args);
bool child_find(struct mk_op *op, const char *prefix, size_t i, struct mk_child_info *ret);
/* Waits for the children of all volumes. MK_FAILED with a child's error as soon as one has failed; MK_AGAIN while
 * any runs. */
int children_await(struct mk_op *op, const char *prefix);
/* Waits until no child runs any more, whether it succeeded or not; Details tells which failed. */
int children_end(struct mk_op *op, const char *prefix);
void child_cancel(struct mk_op *op, const char *prefix, size_t i);
/* Puts the children that failed (not those that were cancelled) into Details, with their messages. */
void children_tell_failures(struct mk_op *op, const char *prefix);

/* ---- the way back (set-back.c) ---- */

/* Notes where the volume is. To be called before anything is changed: a second call overwrites the note. */
void home_set(struct mk_op *op, const struct mk_volume_info *v);
const char *home_vm(struct mk_op *op, const char *id); /* "": detached */

/*
 * An undo function: cancels the children with the prefix `forward`. As soon as a volume's child has ended, `start`
 * makes its child for the way back, again and again until one has succeeded. MK_DONE when that is so for all
 * volumes.
 */
int children_undo(struct mk_op *op, const char *forward,
		  bool (*start)(struct mk_op *op, const char *prefix, size_t i));
/*
 * An undo function for MK_ASK_SET. Each volume that is not where home_set() saw it moves back as soon as its child
 * with the prefix `forward` has ended, which is cancelled if `cancel`. `more`: a sentence for the caller, or "";
 * with a sentence it fails in the end, even if all volumes are back.
 */
int move_home(struct mk_op *op, const char *forward, bool cancel, const char *more);
/* Cancels the children with the prefix `forward`. True once these, and those of the way back, have ended. */
bool all_stopped(struct mk_op *op, const char *forward);

/* ---- Move: the inner operation ---- */

json_object *move_args(const char *volume, const char *from, const char *to);
int move_prepare(struct mk_op *op, json_object *args);
int move_start(struct mk_op *op);

/* ---- Assign, Return (set-move.c) ---- */

int assign_prepare(struct mk_op *op, json_object *args);
int assign_volumes(struct mk_op *op);
int assign_vm(struct mk_op *op);
int assign_move(struct mk_op *op);
int assign_prove(struct mk_op *op);
int assign_undo(struct mk_op *op);
int return_volumes(struct mk_op *op);
int return_vm(struct mk_op *op);
int return_oma(struct mk_op *op);
int return_move(struct mk_op *op);
int return_prove(struct mk_op *op);

/* Fail if the VM, or the appliance if it is concerned, has VM snapshots or backups: CloudStack then attaches and
 * detaches none of its volumes. */
int check_vm_snapshots(struct mk_op *op);
int check_vm_backups(struct mk_op *op);
int check_oma_snapshots(struct mk_op *op);
int check_oma_backups(struct mk_op *op);
/* Names and claims `vm` as the VM that volumes of the set are on. Fails if another was named before: besides the
 * appliance there may be only one. */
int set_take_vm(struct mk_op *op, const char *vm);
/* For a volume that is on the appliance: checks that it is not the root disk and not in use. Notes that the
 * appliance is concerned. */
int check_leaves_oma(struct mk_op *op, const struct mk_volume_info *v);

/* ---- Snapshot, Revert, DropSnapshots (set-snapshot.c) ---- */

int snapshot_volumes(struct mk_op *op);
int snapshot_unused(struct mk_op *op);
int snapshot_make(struct mk_op *op);
int snapshot_undo(struct mk_op *op);
int snapshot_one_prepare(struct mk_op *op, json_object *args);
int snapshot_one(struct mk_op *op);
int revert_volumes(struct mk_op *op);
int revert_choose(struct mk_op *op);
int revert_make(struct mk_op *op);
int revert_undo(struct mk_op *op);
int revert_drop(struct mk_op *op);
int revert_one_prepare(struct mk_op *op, json_object *args);
int revert_one_check(struct mk_op *op);
int revert_one(struct mk_op *op);
int drop_volumes(struct mk_op *op);
int drop_make(struct mk_op *op);
int drop_undo(struct mk_op *op);
int drop_one_prepare(struct mk_op *op, json_object *args);
int drop_one(struct mk_op *op);
