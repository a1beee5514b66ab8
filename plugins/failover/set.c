/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What operations over a set share: its volumes and their checks, one child for each volume, and the inner
 * operation Move. */

#include "failover-internal.h"

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

void child_cancel(struct mk_op *op, const char *prefix, size_t i)
{
	char suffix[SUFFIX_SIZE];

	suffix_of(prefix, i, suffix);
	host->cancel_child(op, suffix);
}

void children_tell_failures(struct mk_op *op, const char *prefix)
{
	json_object *failures = json_object_new_object();
	struct mk_child_info child;

	for (size_t i = 0; i < set_size(op); i++)
		if (child_find(op, prefix, i, &child) && child.ended && !child.succeeded &&
		    child.error != MK_ERROR_CANCELLED)
			set_str(failures, set_id(op, i), child.message);

	if (json_object_object_length(failures) > 0)
		json_object_object_add(host->details(op), "Failures", failures);
	else
		json_object_put(failures);
}

int children_end(struct mk_op *op, const char *prefix)
{
	struct mk_child_info child;
	size_t n_running = 0;

	children_tell_failures(op, prefix);
	for (size_t i = 0; i < set_size(op); i++)
		n_running += child_find(op, prefix, i, &child) && !child.ended;
	if (n_running)
		host->waiting_for(op, "%zu of %zu volumes", n_running, set_size(op));
	return n_running ? MK_AGAIN : MK_DONE;
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
