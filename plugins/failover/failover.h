/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Class failover: the tables are in failover.c; what the rows do in set-move.c (Assign, Return),
 * set-snapshot.c, and for single volumes in managed.c and move.c; set-back.c brings a set back.
 *
 * An operation over a set has a child for each of its volumes. Children are named by a prefix and the volume's
 * place in the call: m moves, s makes a snapshot, r reverts, d drops snapshots, b, b2_, … undo.
 */

#include "steps/steps.h"

#define CLASS   "failover"
#define SET_MAX 64

/* ---- sets (set.c) ---- */

/* The call's first argument: 1 to SET_MAX different volumes. Claims them all. */
int set_prepare(struct mk_op *op, json_object *args);
size_t set_size(struct mk_op *op);
const char *set_id(struct mk_op *op, size_t i);
/* The volume in the answer to MK_ASK_SET, MK_ASK_VM_SET or MK_ASK_VM_VOLUMES; NULL: CloudStack does not list it. */
const struct mk_volume_info *set_find(struct mk_op *op, const char *id);
bool set_has(struct mk_op *op, const char *id);
/* The result's Volumes: the set in the order of the call. */
void set_put_result(struct mk_op *op);

/*
 * MK_ASK_SET: each volume is there, ours, idle and Ready (or Allocated, if that will do), and all are in one
 * zone (note "zone"). MK_AGAIN while one is passing from state to state.
 */
int set_check(struct mk_op *op, bool allocated);

/* ---- children (set.c) ---- */

/* Makes the i-th volume's child; args are taken. */
bool child_spawn(struct mk_op *op, const char *prefix, size_t i, const char *kind,
		 json_object *args);
bool child_find(struct mk_op *op, const char *prefix, size_t i, struct mk_child_info *ret);
/* MK_AGAIN while any runs; MK_FAILED as soon as one has failed, with its error. */
int children_await(struct mk_op *op, const char *prefix);
/* MK_AGAIN while any runs. Details then tells what had failed. */
int children_end(struct mk_op *op, const char *prefix);
void child_cancel(struct mk_op *op, const char *prefix, size_t i);
/* Those that failed, with their messages, in Details. */
void children_tell_failures(struct mk_op *op, const char *prefix);

/* ---- the way back (set-back.c) ---- */

/* Notes where the volume is, once; what comes after may change it. */
void home_set(struct mk_op *op, const struct mk_volume_info *v);
const char *home_vm(struct mk_op *op, const char *id); /* "": detached */

/*
 * An undo function: cancels the children named `forward`, and as soon as a volume's has ended makes the child that
 * `start` makes, until one has succeeded for each.
 */
int children_undo(struct mk_op *op, const char *forward,
		  bool (*start)(struct mk_op *op, const char *prefix, size_t i));
/*
 * An undo function for MK_ASK_SET: each volume that is not where home_set() saw it moves back as soon as its own child
 * named `forward` has ended, cancelled if so wished. Fails, all back or not, with the text `more` unless that is "".
 */
int move_home(struct mk_op *op, const char *forward, bool cancel, const char *more);
/* Cancels the children named `forward`: true once these and those of the way back have ended. */
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

/* What CloudStack does not allow with a volume of a VM: on the VM, and on the appliance. */
int check_vm_snapshots(struct mk_op *op);
int check_vm_backups(struct mk_op *op);
int check_oma_snapshots(struct mk_op *op);
int check_oma_backups(struct mk_op *op);
/* The one VM, beside the appliance, that volumes of the set are on: the operation's, claimed. */
int set_take_vm(struct mk_op *op, const char *vm);
/* The volume is on the appliance: not its root disk, not in use. Notes that the appliance is concerned. */
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
