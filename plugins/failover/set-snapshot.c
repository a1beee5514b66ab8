/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Snapshot, Revert and DropSnapshots of a set. Our snapshots are found by their name in CloudStack, which contains
 * the id of the operation that made them. Nothing about them is stored here, and it does not matter where their
 * volume is attached.
 *
 * A revert overwrites the volume, so it cannot be taken back: everything that can be checked is checked for the
 * whole set first, and no snapshot is dropped before all reverts of the set have succeeded (L03, L08).
 *
 * Notes: "snapshots", the snapshot that each volume is reverted to; "at", the place in the set of the volume whose
 * snapshots are looked at; "moving", "dropping": the children have been made.
 */

#include "failover-internal.h"

#include <stdio.h>
#include <time.h>

/* ---- Snapshot ------------------------------------------------------------------------------------------------- */

/* The volumes' snapshots are looked at one after the other. */
static void look_at_first(struct mk_op *op)
{
	set_int(host->scratch(op), "at", 0);
	host->look_for(op, "volumeid", set_id(op, 0));
}

static const char *looked_at(struct mk_op *op)
{
	json_object *at = json_object_object_get(host->scratch(op), "at");

	return set_id(op, (size_t)json_object_get_int64(at));
}

static int look_at_next(struct mk_op *op)
{
	json_object *at = json_object_object_get(host->scratch(op), "at");
	size_t next = (size_t)json_object_get_int64(at) + 1;

	if (next >= set_size(op))
		return MK_DONE;

	set_int(host->scratch(op), "at", (int64_t)next);
	host->look_for(op, "volumeid", set_id(op, next));
	return MK_NEXT;
}

int snapshot_volumes(struct mk_op *op)
{
	int r = set_check(op, false);

	if (r == MK_DONE)
		look_at_first(op);
	return r;
}

/* A token that was used long ago, or under a database that was lost: what it made then is not taken for what
 * is to be made now, and not dropped if that fails. */
int snapshot_unused(struct mk_op *op)
{
	json_object *rows = host->rows(op);
	size_t n = rows ? json_object_array_length(rows) : 0;

	for (size_t i = 0; i < n; i++) {
		json_object *row = json_object_array_get_idx(rows, i);

		if (!snapshot_is_of(row, host->id(op)) || snapshot_is_gone(row))
			continue;
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s has a snapshot %s named '%s' already: use another token",
			   looked_at(op), get_str(row, "id"), get_str(row, "name"));
		return MK_FAILED;
	}

	return look_at_next(op);
}

static json_object *with_operation(const char *volume, const char *operation)
{
	json_object *args = json_object_new_array();

	json_object_array_add(args, json_object_new_string(volume));
	json_object_array_add(args, json_object_new_string(operation));
	json_object_array_add(args, json_object_new_object());
	return args;
}

int snapshot_make(struct mk_op *op)
{
	json_object *ids;
	int r;

	for (size_t i = 0; !flag(op, "moving") && i < set_size(op); i++)
		if (!child_spawn(op, "s", i, "SnapshotOne",
				 with_operation(set_id(op, i), host->id(op))))
			return MK_FAILED;

	set_flag(op, "moving", true);
	r = children_await(op, "s");
	if (r != MK_DONE)
		return r;

	ids = json_object_new_object();
	for (size_t i = 0; i < set_size(op); i++) {
		struct mk_child_info child;

		if (child_find(op, "s", i, &child))
			set_str(ids, set_id(op, i), get_str(child.result, "Snapshot"));
	}
	set_put_result(op);
	json_object_object_add(host->result(op), "Snapshots", ids);
	return MK_DONE;
}

static bool start_drop(struct mk_op *op, const char *prefix, size_t i)
{
	return child_spawn(op, prefix, i, "DropOne", with_operation(set_id(op, i), host->id(op)));
}

/* All or none: what was made is dropped again. */
int snapshot_undo(struct mk_op *op)
{
	return children_undo(op, "s", start_drop);
}

int snapshot_one_prepare(struct mk_op *op, json_object *args)
{
	host->look_for(op, "volumeid", arg(args, 0));
	return host->set_volume(op, arg(args, 0)) ? MK_DONE : MK_FAILED;
}

/* The name tells it from all others, so a lost answer loses nothing. What failed half-way does not count. */
int snapshot_one(struct mk_op *op)
{
	const char *operation = arg(host->args(op), 1);
	json_object *rows = host->rows(op), *passing = NULL;
	size_t n = rows ? json_object_array_length(rows) : 0;
	char name[128];

	for (size_t i = 0; i < n; i++) {
		json_object *row = json_object_array_get_idx(rows, i);

		if (!snapshot_is_of(row, operation))
			continue;
		if (streq(get_str(row, "state"), "BackedUp")) {
			set_str(host->result(op), "Volume", host->volume_id(op));
			set_str(host->result(op), "Snapshot", get_str(row, "id"));
			return MK_DONE;
		}
		if (snapshot_is_passing(row))
			passing = row;
	}
	if (passing) {
		host->waiting_for(op, "snapshot %s, which is %s", get_str(passing, "id"),
				  get_str(passing, "state"));
		return MK_AGAIN;
	}

	snprintf(name, sizeof(name), SNAPSHOT_PREFIX "%s", operation);
	host->command(op, "createSnapshot", "volumeid", host->volume_id(op), "name", name, NULL);
	return MK_COMMAND;
}

/* ---- Revert: checks --------------------------------------------------------------------------------------------- */

int revert_volumes(struct mk_op *op)
{
	int r = set_check(op, false);

	for (size_t i = 0; r == MK_DONE && i < set_size(op); i++) {
		const struct mk_volume_info *v = set_find(op, set_id(op, i));

		if (streq(v->vm, host->oma_id(op)))
			r = check_leaves_oma(op, v);
		else if (*v->vm)
			r = set_take_vm(op, v->vm);
		if (r == MK_DONE)
			home_set(op, v);
	}

	if (r == MK_DONE)
		look_at_first(op);
	return r;
}

/* Seconds since the epoch, of 2026-01-15T10:10:00+0000 in the server's zone; 0 if it cannot be read. */
static int64_t created_at(json_object *row)
{
	struct tm tm = { 0 };
	const char *end;
	long offset;

	end = strptime(get_str(row, "created"), "%Y-%m-%dT%H:%M:%S%z", &tm);
	if (!end || *end)
		return 0;

	offset = tm.tm_gmtoff; /* timegm() resets it */
	return timegm(&tm) - offset;
}

static bool can_revert(struct mk_op *op, json_object *row)
{
	return snapshot_is_of(row, host->option_str(op, "operation", "")) &&
	       streq(get_str(row, "state"), "BackedUp");
}

/* The newest of ours; NULL after fail(). */
static json_object *choose_snapshot(struct mk_op *op, const char *volume)
{
	json_object *rows = host->rows(op), *best = NULL, *twin = NULL;
	size_t n = rows ? json_object_array_length(rows) : 0;

	for (size_t i = 0; i < n; i++) {
		json_object *row = json_object_array_get_idx(rows, i);

		if (!can_revert(op, row))
			continue;
		if (created_at(row) == 0) {
			host->fail(op, MK_ERROR_AMBIGUOUS,
				   "when snapshot %s of volume %s was created cannot be read "
				   "('%s'): which is the newest cannot be told. Nothing was "
				   "reverted",
				   get_str(row, "id"), volume, get_str(row, "created"));
			return NULL;
		}
		if (best && created_at(row) == created_at(best))
			twin = row;
		if (!best || created_at(row) > created_at(best)) {
			best = row;
			twin = NULL;
		}
	}

	if (!best)
		host->fail(op, MK_ERROR_NOT_FOUND,
			   "volume %s has no snapshot of ours%s%s that is backed up. Nothing was "
			   "reverted",
			   volume, *host->option_str(op, "operation", "") ? " of operation " : "",
			   host->option_str(op, "operation", ""));
	else if (twin)
		host->fail(op, MK_ERROR_AMBIGUOUS,
			   "volume %s has two newest snapshots of ours, %s (%s) and %s (%s): name "
			   "one by the option operation. Nothing was reverted",
			   volume, get_str(best, "id"), get_str(best, "name"), get_str(twin, "id"),
			   get_str(twin, "name"));
	return twin ? NULL : best;
}

int revert_choose(struct mk_op *op)
{
	json_object *chosen = json_object_object_get(host->scratch(op), "snapshots");
	const char *volume = looked_at(op);
	json_object *row;

	if (!chosen) {
		chosen = json_object_new_object();
		json_object_object_add(host->scratch(op), "snapshots", chosen);
	}

	row = choose_snapshot(op, volume);
	if (!row)
		return MK_FAILED;
	set_str(chosen, volume, get_str(row, "id"));
	return look_at_next(op);
}

/* ---- Revert: effects -------------------------------------------------------------------------------------------- */

static const char *chosen_for(struct mk_op *op, const char *volume)
{
	return get_str(json_object_object_get(host->scratch(op), "snapshots"), volume);
}

static json_object *revert_args(struct mk_op *op, const char *volume)
{
	json_object *args = move_args(volume, home_vm(op, volume), chosen_for(op, volume));

	if (host->option_bool(op, "force", false))
		set_bool(json_object_array_get_idx(args, 3), "force", true);
	return args;
}

int revert_make(struct mk_op *op)
{
	int r;

	for (size_t i = 0; !flag(op, "moving") && i < set_size(op); i++)
		if (!child_spawn(op, "r", i, "RevertOne", revert_args(op, set_id(op, i))))
			return MK_FAILED;

	set_flag(op, "moving", true);
	r = children_await(op, "r");
	if (r != MK_DONE)
		return r;

	set_put_result(op);
	json_object_object_add(host->result(op), "Snapshots",
			       json_object_get(
				       json_object_object_get(host->scratch(op), "snapshots")));
	return MK_DONE;
}

enum reverted { REVERTED, NOT_REVERTED, PERHAPS_REVERTED };

static enum reverted was_reverted(struct mk_op *op, size_t i)
{
	struct mk_child_info child;

	if (!child_find(op, "r", i, &child))
		return NOT_REVERTED;
	if (json_object_get_boolean(json_object_object_get(child.result, "Reverted")))
		return REVERTED;
	return child.ended && child.error != MK_ERROR_OUTCOME_UNKNOWN ? NOT_REVERTED
								      : PERHAPS_REVERTED;
}

static size_t add_ids(struct mk_op *op, enum reverted what, const char *words, char *text,
		      size_t size)
{
	const char *before = words;
	size_t n = 0;

	for (size_t i = 0; i < set_size(op); i++) {
		size_t used = strlen(text);

		if (was_reverted(op, i) != what)
			continue;
		snprintf(text + used, size - used, "%s%s", before, set_id(op, i));
		before = ", ";
		n++;
	}
	return n;
}

/* What stays reverted is not where it was: which, and what to do. "" if nothing was reverted. */
static void tell_reverted(struct mk_op *op, char *ret, size_t size)
{
	size_t n, used;

	ret[0] = '\0';
	n = add_ids(op, REVERTED, "reverted: ", ret, size);
	if (n == 0)
		return;

	(void)add_ids(op, NOT_REVERTED, "; not reverted: ", ret, size);
	(void)add_ids(op, PERHAPS_REVERTED, "; not known whether reverted: ", ret, size);
	used = strlen(ret);
	if (n < set_size(op))
		snprintf(ret + used, size - used, ": repeat Revert");
	else if (host->option_bool(op, "drop", false))
		snprintf(ret + used, size - used,
			 ", and some of their snapshots may be left (DropSnapshots deletes all "
			 "that are ours)");
}

/* The others come to their end: a set that is reverted by half is of no use to anybody. */
int revert_undo(struct mk_op *op)
{
	char reverted[SET_MAX * 40 + 200];

	tell_reverted(op, reverted, sizeof(reverted));
	return move_home(op, "r", false, reverted);
}

/* Arguments: the volume, where it is ("": detached), the snapshot. It ends where it was. */
int revert_one_prepare(struct mk_op *op, json_object *args)
{
	const char *vm = arg(args, 1);

	return host->set_volume(op, arg(args, 0)) &&
			       (!*vm || host->set_vm(op, vm, !streq(vm, host->oma_id(op))))
		       ? MK_DONE
		       : MK_FAILED;
}

/* A volume of the appliance, which runs, is taken off it meanwhile. */
int revert_one_check(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);
	int r = check_managed(op, v);

	if (r != MK_DONE)
		return r;

	if (!streq(v->vm, host->vm_id(op))) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s (%s) is attached to %s now: somebody else moved it", v->id,
			   v->name, *v->vm ? v->vm : "nothing");
		return MK_FAILED;
	}
	if (!streq(v->vm, host->oma_id(op))) {
		set_flag(op, "stays", true);
		return check_detached(op, v);
	}

	r = check_oma(op, host->vm(op));
	return r == MK_DONE ? leave_check(op, v) : r;
}

/* What a revert does cannot be seen: CloudStack's word must do. */
int revert_one(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);
	const char *expected = flag(op, "stays") ? host->vm_id(op) : "";
	int r;

	if (!v)
		return fail_no_volume(op);
	if (host->succeeded(op)) {
		set_bool(host->result(op), "Reverted", true);
		return MK_DONE;
	}

	if (!streq(v->vm, expected)) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s is attached to %s now: somebody else moved it. It was not "
			   "reverted",
			   v->id, *v->vm ? v->vm : "nothing");
		return MK_FAILED;
	}
	if (v->busy || streq(v->state, "RevertSnapshotting")) {
		host->waiting_for(op, "volume %s, which is %s", v->id, v->state);
		return MK_AGAIN;
	}

	r = check_detached(op, v);
	if (r != MK_DONE)
		return r;

	host->command(op, "revertSnapshot", "id", arg(host->args(op), 2), NULL);
	return MK_COMMAND;
}

/* ---- DropSnapshots ---------------------------------------------------------------------------------------------- */

int drop_volumes(struct mk_op *op)
{
	return set_check(op, true);
}

static int drop_each(struct mk_op *op, bool reverted_only)
{
	for (size_t i = 0; !flag(op, "dropping") && i < set_size(op); i++) {
		json_object *args = with_operation(set_id(op, i), "");

		if (reverted_only)
			set_str(json_object_array_get_idx(args, 2), "snapshot",
				chosen_for(op, set_id(op, i)));
		if (!child_spawn(op, "d", i, "DropOne", args))
			return MK_FAILED;
	}

	set_flag(op, "dropping", true);
	set_put_result(op);
	return children_await(op, "d");
}

int drop_make(struct mk_op *op)
{
	return drop_each(op, false);
}

/* L03: those that were reverted to, and no others. */
int revert_drop(struct mk_op *op)
{
	return host->option_bool(op, "drop", false) ? drop_each(op, true) : MK_DONE;
}

/* Nothing is put back; an operation does not end before its children. */
int drop_undo(struct mk_op *op)
{
	return children_end(op, "d");
}

int drop_one_prepare(struct mk_op *op, json_object *args)
{
	host->look_for(op, "volumeid", arg(args, 0));
	return host->set_volume(op, arg(args, 0)) ? MK_DONE : MK_FAILED;
}

int drop_one(struct mk_op *op)
{
	int r = drop_snapshots(op, arg(host->args(op), 1), host->option_str(op, "snapshot", ""));

	if (r == MK_DONE)
		set_str(host->result(op), "Volume", host->volume_id(op));
	return r;
}
