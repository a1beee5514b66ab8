/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The way back of a set. Each volume's way back begins as soon as its own way forward has ended, whatever the
 * others do. What fails is tried again after longer and longer pauses, until the operation's time to roll back is
 * over.
 *
 * Notes: "home", where each volume was before anything was done: { volume: { "vm": …, "device-id": … } }; "back",
 * how far each volume's way back has come: { volume: { "tries": …, "seen": …, "pause": … } }.
 */

#include "failover-internal.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- where they were --------------------------------------------------------------------------------------------- */

/* An object of the notes; made if it is not there. */
static json_object *object_in(json_object *o, const char *key)
{
	json_object *in = json_object_object_get(o, key);

	if (!in) {
		in = json_object_new_object();
		json_object_object_add(o, key, in);
	}
	return in;
}

static json_object *home(struct mk_op *op)
{
	return object_in(host->scratch(op), "home");
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

static int64_t number(json_object *o, const char *key)
{
	return json_object_get_int64(json_object_object_get(o, key));
}

static int64_t home_device_id(struct mk_op *op, const char *id)
{
	return number(json_object_object_get(home(op), id), "device-id");
}

/* ---- what is told ------------------------------------------------------------------------------------------------- */

/* Of all volumes that are not back: what is waited for, or in the end why they stay where they are. */
struct story {
	char text[8192];
	size_t used;
	enum mk_error_code error; /* of the first that was left where it is */
	bool stale;               /* a child's end is younger than what was read */
	bool broken;              /* fail() was called */
};

static void tell(struct story *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void tell(struct story *s, const char *fmt, ...)
{
	size_t room = sizeof(s->text) - s->used;
	va_list ap;
	int n;

	if (s->used && room > 2) {
		memcpy(s->text + s->used, "; ", 3);
		s->used += 2;
		room -= 2;
	}
	va_start(ap, fmt);
	n = vsnprintf(s->text + s->used, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		s->used += (size_t)n < room ? (size_t)n : room - 1;
}

/* ---- one volume --------------------------------------------------------------------------------------------------- */

/* What is to be done with a volume that nothing of ours is working on. */
enum back {
	BACK_DONE,
	BACK_LEFT,  /* nothing that we may do: told, with its error */
	BACK_WAIT,  /* not yet: told */
	BACK_START, /* a child */
};

struct way_back {
	const char *forward; /* the children that went forward */
	bool cancel;         /* these are stopped */
	enum back (*look)(struct mk_op *op, size_t i, struct story *s); /* NULL: always START */
	bool (*start)(struct mk_op *op, const char *prefix, size_t i);
};

#define PAUSE_MAX 30 /* looks between two tries */

static int64_t pause_after(int64_t tries)
{
	return tries > 5 ? PAUSE_MAX : (INT64_C(1) << tries) / 2;
}

static json_object *notes_of(struct mk_op *op, size_t i)
{
	return object_in(object_in(host->scratch(op), "back"), set_id(op, i));
}

#define PREFIX_SIZE 32

/* Each try has a child of its own. */
static void prefix_of(int64_t try, char ret[PREFIX_SIZE])
{
	if (try == 1)
		snprintf(ret, PREFIX_SIZE, "b");
	else
		snprintf(ret, PREFIX_SIZE, "b%" PRIi64 "_", try);
}

static bool find_try(struct mk_op *op, size_t i, int64_t try, struct mk_child_info *ret)
{
	char prefix[PREFIX_SIZE];

	prefix_of(try, prefix);
	return try > 0 && child_find(op, prefix, i, ret);
}

/* Why the newest try that has ended failed; "" if there is none. */
static const char *last_failure(struct mk_op *op, size_t i, int64_t tries)
{
	struct mk_child_info child;

	for (; tries > 0; tries--)
		if (find_try(op, i, tries, &child) && child.ended)
			return child.message;
	return "";
}

static void tell_waiting(struct mk_op *op, size_t i, int64_t tries, struct story *s)
{
	const char *failure = last_failure(op, i, tries);

	tell(s, "volume %s to %s%s%s", set_id(op, i), tries ? "go back" : "stop moving",
	     *failure ? ": " : "", failure);
}

static bool begin(struct mk_op *op, const struct way_back *way, size_t i, struct story *s)
{
	enum back what = way->look ? way->look(op, i, s) : BACK_START;
	json_object *notes = notes_of(op, i);
	int64_t tries = number(notes, "tries") + 1;
	char prefix[PREFIX_SIZE];

	if (what != BACK_START)
		return what != BACK_WAIT;

	prefix_of(tries, prefix);
	if (way->start(op, prefix, i))
		set_int(notes, "tries", tries);
	else
		s->broken = true;
	tell_waiting(op, i, tries, s);
	return false;
}

/* True once there is nothing more to do for the volume. */
static bool go_back(struct mk_op *op, const struct way_back *way, size_t i, struct story *s)
{
	json_object *notes = notes_of(op, i);
	int64_t tries = number(notes, "tries"), pause = number(notes, "pause");
	struct mk_child_info child = { .ended = true };

	if (child_find(op, way->forward, i, &child) && !child.ended && way->cancel)
		child_cancel(op, way->forward, i);
	(void)find_try(op, i, tries, &child);
	if (!child.ended) {
		tell_waiting(op, i, tries, s);
		return false;
	}
	if (tries && child.succeeded)
		return true;

	if (number(notes, "seen") <= tries) {
		set_int(notes, "seen", tries + 1);
		set_int(notes, "pause", pause_after(tries));
		s->stale = true;
		return false;
	}
	if (pause > 0) {
		set_int(notes, "pause", pause - 1);
		tell_waiting(op, i, tries, s);
		return false;
	}

	return begin(op, way, i, s);
}

/* ---- all of them ---------------------------------------------------------------------------------------------------- */

/* `more`: what the caller is told besides; then it is no success that all are back. */
static int all_back(struct mk_op *op, const struct way_back *way, const char *more)
{
	struct story s = { 0 };
	size_t n_left = set_size(op);

	if (*more)
		tell(&s, "%s", more);
	children_tell_failures(op, way->forward);
	for (size_t i = 0; i < set_size(op); i++)
		n_left -= go_back(op, way, i, &s);
	if (s.broken)
		return MK_FAILED;
	if (s.stale)
		return MK_NEXT;
	if (n_left) {
		host->waiting_for(op, "%s", s.text);
		return MK_AGAIN;
	}
	if (!s.used)
		return MK_DONE;

	host->fail(op, s.error ? s.error : MK_ERROR_WRONG_STATE, "%s", s.text);
	return MK_FAILED;
}

int children_undo(struct mk_op *op, const char *forward,
		  bool (*start)(struct mk_op *op, const char *prefix, size_t i))
{
	return all_back(op,
			&(struct way_back){ .forward = forward, .cancel = true, .start = start },
			"");
}

/* ---- home ----------------------------------------------------------------------------------------------------------- */

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
	for (int64_t try = number(notes_of(op, i), "tries"); try > 0; try--)
		if (find_try(op, i, try, &child) && child.error == MK_ERROR_OUTCOME_UNKNOWN)
			return true;
	return false;
}

/* On no VM that this operation or its beginning knew: it is not ours to take it off there. */
static bool is_elsewhere(struct mk_op *op, const struct mk_volume_info *v)
{
	return *v->vm && !streq(v->vm, host->vm_id(op)) && !streq(v->vm, host->oma_id(op)) &&
	       !streq(v->vm, home_vm(op, v->id));
}

static enum back leave(struct story *s, enum mk_error_code error)
{
	if (!s->error)
		s->error = error;
	return BACK_LEFT;
}

static enum back look_home(struct mk_op *op, size_t i, struct story *s)
{
	const struct mk_volume_info *v = set_find(op, set_id(op, i));

	if (is_stuck(op, i)) {
		tell(s,
		     "volume %s was left where it is (attached to %s): what CloudStack does with "
		     "it could not be found out",
		     set_id(op, i), v && *v->vm ? v->vm : "nothing");
		return leave(s, MK_ERROR_OUTCOME_UNKNOWN);
	}
	if (!v) {
		tell(s, "volume %s, which CloudStack does not list", set_id(op, i));
		return BACK_WAIT;
	}
	if (is_home(op, v))
		return BACK_DONE;
	if (is_elsewhere(op, v)) {
		tell(s, "volume %s is on VM %s: somebody else moved it, and it was left there",
		     v->id, v->vm);
		return leave(s, MK_ERROR_WRONG_STATE);
	}
	return BACK_START;
}

static bool start_home(struct mk_op *op, const char *prefix, size_t i)
{
	const struct mk_volume_info *v = set_find(op, set_id(op, i));
	const char *to = home_vm(op, v->id);
	json_object *args = move_args(v->id, v->vm, to);

	if (*to && !streq(to, host->oma_id(op))) /* the guest knows its disks by their place */
		set_int(json_object_array_get_idx(args, 3), "device-id", home_device_id(op, v->id));
	return child_spawn(op, prefix, i, "Move", args);
}

int move_home(struct mk_op *op, const char *forward, bool cancel, const char *more)
{
	return all_back(op,
			&(struct way_back){ .forward = forward,
					    .cancel = cancel,
					    .look = look_home,
					    .start = start_home },
			more);
}

bool all_stopped(struct mk_op *op, const char *forward)
{
	struct mk_child_info child;
	bool all = true;

	children_tell_failures(op, forward);
	for (size_t i = 0; i < set_size(op); i++) {
		if (child_find(op, forward, i, &child) && !child.ended) {
			child_cancel(op, forward, i);
			all = false;
		}
		if (find_try(op, i, number(notes_of(op, i), "tries"), &child) && !child.ended)
			all = false;
	}
	return all;
}
