/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sets of volumes and the children that work on them, one each.
 *
 * Notes: "home", where each volume was before anything was done: { volume: { "vm": …, "device-id": … } };
 * "stopped", "returning", "try", "waited": how far the way back has come.
 */

#include "failover.h"

#include <stdio.h>

/* ---- sets ------------------------------------------------------------------------------------------------------- */

size_t set_size(struct mk_op *op)
{
	return json_object_array_length(json_object_array_get_idx(host->args(op), 0));
}

const char *set_id(struct mk_op *op, size_t i)
{
	return arg(json_object_array_get_idx(host->args(op), 0), i);
}

bool set_has(struct mk_op *op, const char *id)
{
	for (size_t i = 0; i < set_size(op); i++)
		if (streq(set_id(op, i), id))
			return true;
	return false;
}

const struct mk_volume_info *set_find(struct mk_op *op, const char *id)
{
	const struct mk_volume_info *volumes;
	size_t n;

	volumes = host->volumes(op, &n);
	for (size_t i = 0; i < n; i++) {
		if (!streq(volumes[i].id, id))
			continue;
		/* cppcheck-suppress returnDanglingLifetime ; it is the host's */
		return &volumes[i];
	}
	return NULL;
}

void set_put_result(struct mk_op *op)
{
	json_object_object_add(host->result(op), "Volumes",
			       json_object_get(json_object_array_get_idx(host->args(op), 0)));
}

int set_prepare(struct mk_op *op, json_object *args)
{
	json_object *list = json_object_array_get_idx(args, 0);
	size_t n = json_object_array_length(list);

	if (n < 1 || n > SET_MAX) {
		host->fail(op, MK_ERROR_INVALID_ARGS,
			   "a set has 1 to %d volumes, and %zu are named", SET_MAX, n);
		return MK_FAILED;
	}

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (!streq(arg(list, i), arg(list, k)))
				continue;
			host->fail(op, MK_ERROR_INVALID_ARGS, "volume %s is named twice",
				   arg(list, i));
			return MK_FAILED;
		}
		if (!host->set_volume(op, arg(list, i)))
			return MK_FAILED;
	}

	return MK_DONE;
}

/* ---- where they were --------------------------------------------------------------------------------------------- */

static json_object *home(struct mk_op *op)
{
	json_object *o = json_object_object_get(host->scratch(op), "home");

	if (!o) {
		o = json_object_new_object();
		json_object_object_add(host->scratch(op), "home", o);
	}
	return o;
}

void home_set(struct mk_op *op, const struct mk_volume_info *v)
{
	json_object *o = json_object_new_object();

	set_str(o, "vm", v->vm);
	set_int(o, "device-id", v->device_id);
	json_object_object_add(home(op), v->id, o);
}

const char *home_vm(struct mk_op *op, const char *id)
{
	return get_str(json_object_object_get(home(op), id), "vm");
}

int64_t home_device_id(struct mk_op *op, const char *id)
{
	return json_object_get_int64(
		json_object_object_get(json_object_object_get(home(op), id), "device-id"));
}

/* ---- checks ------------------------------------------------------------------------------------------------------- */

static int check_state(struct mk_op *op, const struct mk_volume_info *v, bool allocated)
{
	static const char *const passing[] = { "Creating",           "Attaching", "Migrating",
					       "Snapshotting",       "Resizing",  "Copying",
					       "RevertSnapshotting", "Restoring" };

	if (streq(v->state, "Ready") || (allocated && streq(v->state, "Allocated")))
		return check_idle(op, v);

	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		if (!streq(v->state, passing[i]))
			continue;
		host->waiting_for(op, "volume %s, which is %s", v->id, v->state);
		return MK_AGAIN;
	}

	host->fail(op, MK_ERROR_WRONG_STATE, "volume %s (%s) is %s; it must be Ready%s", v->id,
		   v->name, v->state, allocated ? " or Allocated" : "");
	return MK_FAILED;
}

static int check_zone(struct mk_op *op, const struct mk_volume_info *v)
{
	if (!*note(op, "zone"))
		set_note(op, "zone", v->zone);
	if (streq(note(op, "zone"), v->zone))
		return MK_DONE;

	host->fail(op, MK_ERROR_WRONG_STATE,
		   "volume %s (%s) is in zone %s, and volume %s in zone %s: a set moves within one "
		   "zone",
		   v->id, v->name, v->zone, set_id(op, 0), note(op, "zone"));
	return MK_FAILED;
}

int set_check(struct mk_op *op, bool allocated)
{
	int worst = MK_DONE;

	for (size_t i = 0; i < set_size(op); i++) {
		const struct mk_volume_info *v = set_find(op, set_id(op, i));
		int r;

		if (!v) {
			host->fail(op, MK_ERROR_NOT_FOUND,
				   "CloudStack does not list volume %s, or our account may not see "
				   "it",
				   set_id(op, i));
			return MK_FAILED;
		}
		r = check_managed(op, v);
		if (r == MK_DONE)
			r = check_zone(op, v);
		if (r == MK_DONE)
			r = check_state(op, v, allocated);
		if (r == MK_FAILED)
			return r;
		if (r != MK_DONE)
			worst = r;
	}

	return worst;
}

/* ---- children ------------------------------------------------------------------------------------------------------ */

#define SUFFIX_SIZE 32

static void suffix_of(const char *prefix, size_t i, char ret[SUFFIX_SIZE])
{
	snprintf(ret, SUFFIX_SIZE, "%s%zu", prefix, i);
}

bool child_spawn(struct mk_op *op, const char *prefix, size_t i, const char *kind,
		 json_object *args)
{
	char suffix[SUFFIX_SIZE];
	bool ok;

	suffix_of(prefix, i, suffix);
	ok = host->spawn(op, suffix, kind, args);
	json_object_put(args);
	return ok;
}

bool child_find(struct mk_op *op, const char *prefix, size_t i, struct mk_child_info *ret)
{
	char suffix[SUFFIX_SIZE];

	suffix_of(prefix, i, suffix);
	return host->child(op, suffix, ret);
}

static void say_progress(struct mk_op *op, size_t n_ended)
{
	set_int(host->details(op), "Done", (int64_t)n_ended);
	set_int(host->details(op), "Of", (int64_t)set_size(op));
	host->waiting_for(op, "%zu of %zu volumes", set_size(op) - n_ended, set_size(op));
}

int children_await(struct mk_op *op, const char *prefix)
{
	struct mk_child_info child;
	size_t n_running = 0;
	bool failed = false;

	for (size_t i = 0; i < set_size(op); i++) {
		if (!child_find(op, prefix, i, &child)) {
			host->fail(op, MK_ERROR_INTERNAL, "what became of volume %s is not known",
				   set_id(op, i));
			return MK_FAILED;
		}
		n_running += !child.ended;
		if (child.ended && !child.succeeded) {
			/* the first that is seen stays; the others are in Details */
			host->fail(op, child.error, "volume %s: %s", set_id(op, i), child.message);
			failed = true;
		}
	}

	if (failed)
		return MK_FAILED;
	say_progress(op, set_size(op) - n_running);
	return n_running ? MK_AGAIN : MK_DONE;
}

static void add_failure(json_object *failures, const char *id, const struct mk_child_info *child)
{
	if (child->ended && !child->succeeded && child->error != MK_ERROR_CANCELLED)
		set_str(failures, id, child->message);
}

int children_stop(struct mk_op *op, const char *prefix, bool cancel)
{
	json_object *failures = json_object_new_object();
	struct mk_child_info child;
	size_t n_running = 0;

	for (size_t i = 0; i < set_size(op); i++) {
		char suffix[SUFFIX_SIZE];

		suffix_of(prefix, i, suffix);
		if (!host->child(op, suffix, &child))
			continue;
		add_failure(failures, set_id(op, i), &child);
		n_running += !child.ended;
		if (!child.ended && cancel)
			host->cancel_child(op, suffix);
	}

	if (json_object_object_length(failures) > 0)
		json_object_object_add(host->details(op), "Failures", failures);
	else
		json_object_put(failures);
	if (n_running)
		host->waiting_for(op, "%zu of %zu volumes to stop moving", n_running, set_size(op));
	return n_running ? MK_AGAIN : MK_DONE;
}

static bool children_ended(struct mk_op *op, const char *prefix)
{
	struct mk_child_info child;

	for (size_t i = 0; i < set_size(op); i++) {
		if (!child_find(op, prefix, i, &child) || child.ended)
			continue;
		host->waiting_for(op, "volume %s", set_id(op, i));
		return false;
	}
	return true;
}

static bool children_failed(struct mk_op *op, const char *prefix)
{
	struct mk_child_info child;

	for (size_t i = 0; i < set_size(op); i++)
		if (child_find(op, prefix, i, &child) && child.ended && !child.succeeded)
			return true;
	return false;
}

static int children_judge(struct mk_op *op, const char *prefix)
{
	struct mk_child_info child;
	enum mk_error_code error = MK_ERROR_NONE;
	char text[4096] = "";
	size_t used = 0;

	for (size_t i = 0; i < set_size(op); i++) {
		int n;

		if (!child_find(op, prefix, i, &child) || child.succeeded)
			continue;
		error = error ? error : child.error;
		n = snprintf(text + used, sizeof(text) - used, "%svolume %s: %s", used ? "; " : "",
			     set_id(op, i), child.message);
		used += n > 0 ? (size_t)n : 0;
		if (used >= sizeof(text))
			used = sizeof(text) - 1;
	}

	if (!error)
		return MK_DONE;
	host->fail(op, error, "%s", text);
	return MK_FAILED;
}

/* ---- the way back --------------------------------------------------------------------------------------------------- */

/* Each try has children of its own. */
static const char *const tries[] = { "b", "b2_", "b3_", "b4_", "b5_", "b6_", "b7_", "b8_" };
#define N_TRIES (sizeof(tries) / sizeof(tries[0]))

static size_t number(struct mk_op *op, const char *key)
{
	return (size_t)json_object_get_int64(json_object_object_get(host->scratch(op), key));
}

/* A failed try is followed by another, after as many looks as there were tries. */
static int try_again(struct mk_op *op)
{
	size_t try = number(op, "try"), waited = number(op, "waited");

	if (waited <= try) {
		set_int(host->scratch(op), "waited", (int64_t)waited + 1);
		host->waiting_for(op, "the next try to undo what was done");
		return MK_AGAIN;
	}

	set_int(host->scratch(op), "waited", 0);
	set_int(host->scratch(op), "try", (int64_t)try + 1);
	set_flag(op, "returning", false);
	return MK_NEXT;
}

int children_undo(struct mk_op *op, const char *forward, bool cancel,
		  bool (*start)(struct mk_op *op, const char *prefix, size_t i))
{
	const char *back = tries[number(op, "try") % N_TRIES];
	int r;

	if (!flag(op, "stopped")) {
		r = children_stop(op, forward, cancel);
		if (r != MK_DONE)
			return r;
		set_flag(op, "stopped", true);
		return MK_NEXT; /* what was read may be older than the last child's end */
	}

	for (size_t i = 0; !flag(op, "returning") && i < set_size(op); i++)
		if (!start(op, back, i))
			return MK_FAILED;
	set_flag(op, "returning", true);

	if (!children_ended(op, back))
		return MK_AGAIN;
	if (children_failed(op, back) && number(op, "try") + 1 < N_TRIES)
		return try_again(op);
	return children_judge(op, back);
}

/* Where it was, and on the appliance with its device. */
static bool is_home(struct mk_op *op, const struct mk_volume_info *v)
{
	const struct mk_managed_info *m = host->managed(op, v->id);

	if (!streq(v->vm, home_vm(op, v->id)))
		return false;
	if (streq(v->vm, host->oma_id(op)))
		return m && m->state == MK_VOLUME_ATTACHED && *m->node;

	return v->device_id == home_device_id(op, v->id);
}

/* Nothing is done to a volume while something unknown may be done to it. */
static bool is_stuck(struct mk_op *op, size_t i)
{
	static const char *const forward[] = { "m", "r" };
	struct mk_child_info child;

	for (size_t k = 0; k < sizeof(forward) / sizeof(forward[0]); k++)
		if (child_find(op, forward[k], i, &child) &&
		    child.error == MK_ERROR_OUTCOME_UNKNOWN)
			return true;
	for (size_t k = 0; k < N_TRIES; k++)
		if (child_find(op, tries[k], i, &child) && child.error == MK_ERROR_OUTCOME_UNKNOWN)
			return true;
	return false;
}

static bool start_home(struct mk_op *op, const char *prefix, size_t i)
{
	const struct mk_volume_info *v = set_find(op, set_id(op, i));
	json_object *args;
	const char *to;

	if (!v || is_stuck(op, i) || is_home(op, v))
		return true;

	to = home_vm(op, v->id);
	args = move_args(v->id, v->vm, to);
	if (*to && !streq(to, host->oma_id(op))) /* the guest knows its disks by their place */
		set_int(json_object_array_get_idx(args, 3), "device-id", home_device_id(op, v->id));
	return child_spawn(op, prefix, i, "Move", args);
}

/* What could not even be tried. */
static int check_stuck(struct mk_op *op)
{
	for (size_t i = 0; i < set_size(op); i++) {
		const struct mk_volume_info *v = set_find(op, set_id(op, i));

		if (v && !is_stuck(op, i))
			continue;
		if (v)
			host->fail(op, MK_ERROR_OUTCOME_UNKNOWN,
				   "volume %s was left where it is (attached to %s): what "
				   "CloudStack does with it could not be found out",
				   v->id, *v->vm ? v->vm : "nothing");
		else
			host->fail(op, MK_ERROR_NOT_FOUND, "volume %s is gone", set_id(op, i));
		return MK_FAILED;
	}

	return MK_DONE;
}

int move_home(struct mk_op *op, const char *forward, bool cancel)
{
	int r = children_undo(op, forward, cancel, start_home);

	return r == MK_DONE ? check_stuck(op) : r;
}

/* ---- Move ------------------------------------------------------------------------------------------------------------- */

json_object *move_args(const char *volume, const char *from, const char *to)
{
	json_object *args = json_object_new_array();

	json_object_array_add(args, json_object_new_string(volume));
	json_object_array_add(args, json_object_new_string(from));
	json_object_array_add(args, json_object_new_string(to));
	json_object_array_add(args, json_object_new_object());
	return args;
}

int move_prepare(struct mk_op *op, json_object *args)
{
	const char *to = arg(args, 2);

	return host->set_volume(op, arg(args, 0)) &&
			       (!*to || host->set_vm(op, to, !streq(to, host->oma_id(op))))
		       ? MK_DONE
		       : MK_FAILED;
}

int move_start(struct mk_op *op)
{
	return move_check(op, arg(host->args(op), 1));
}
