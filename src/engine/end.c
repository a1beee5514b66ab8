/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How operations end: failure and roll-back, the deadline, a cancel. */

#include "engine-internal.h"

#include "base/log.h"

static void end_query(struct mk_op *op)
{
	struct mk_error error = { .code = op->r.error, .text = op->r.message };
	json_object *value = mk_json_get(op->r.result, op->method->result);

	if (op->r.error == MK_ERROR_NONE && !value)
		error.code = MK_ERROR_INTERNAL;
	op->done(value, error.code ? &error : NULL, op->done_data);
	op->done = NULL;
	mk_op_kick(op, PHASE_IDLE); /* frees it, once nobody up the stack uses it */
}

static bool is_passing(const struct mk_volume *v)
{
	return v->state == MK_VOLUME_ATTACHING || v->state == MK_VOLUME_DETACHING;
}

/* What the last answer said of it; NULL: it did not show it. */
static const struct mk_volume_info *last_seen(const struct mk_op *op, const char *id)
{
	for (size_t i = 0; i < op->volumes.n; i++)
		if (streq(op->volumes.items[i].id, id))
			return &op->volumes.items[i];
	return NULL;
}

/*
 * RC-F9: no volume passes from state to state without an operation. It rests where CloudStack said last that it is; but
 * when the last question has no answer, or nobody knows the outcome of a command: that is for Reconcile to find out.
 */
static void rest_volumes(struct mk_op *op)
{
	if (!op->answered || mk_op_outcome_unknown(op) || op->r.error == MK_ERROR_OUTCOME_UNKNOWN)
		return;

	for (size_t i = 0; i < json_object_array_length(op->r.volumes); i++) {
		const char *id =
			json_object_get_string(json_object_array_get_idx(op->r.volumes, i));
		const struct mk_volume_info *seen = last_seen(op, id);
		struct mk_volume *v = mk_volumes_find(op->engine->volumes, id);

		if (!v || !is_passing(v) || mk_engine_holder(op->engine, id) != op)
			continue;
		if (seen)
			(void)mk_volumes_manage(op->engine->volumes, seen, NULL, NULL, false);
		if (is_passing(v))
			(void)mk_volume_set_state(v,
						  *v->vm ? MK_VOLUME_ATTACHED : MK_VOLUME_DETACHED);
	}
}

void mk_op_end(struct mk_op *op, enum mk_op_state state)
{
	mk_op_stop_io(op);
	rest_volumes(op);
	op->limit = sd_event_source_disable_unref(op->limit);
	op->deadline = sd_event_source_disable_unref(op->deadline);
	op->phase = PHASE_IDLE;
	op->r.finished = mk_now_realtime();
	mk_op_set_state(op, state);
	mk_op_release_claims(op);
	if (op->transient)
		end_query(op);
}

/* ---- rolling back --------------------------------------------------------------------------------------- */

void mk_op_end_rollback(struct mk_op *op)
{
	enum mk_op_state state = MK_OP_FAILED;

	if (op->r.undo_failed == 0 && op->r.error == MK_ERROR_CANCELLED)
		state = MK_OP_CANCELLED;
	else if (op->r.undo_failed == 0 && op->r.undone > 0)
		state = MK_OP_ROLLED_BACK;

	mk_op_end(op, state);
}

/* Goes to the next older row that can be undone, from step_index on, or ends. */
void mk_op_undo_from_here(struct mk_op *op)
{
	while (op->r.step_index >= 0 && !mk_op_row(op)->undo)
		op->r.step_index--;

	if (op->r.step_index < 0) {
		op->r.step_index = 0;
		mk_op_end_rollback(op);
	} else {
		mk_op_kick(op, PHASE_STEP);
	}
}

void mk_op_append_message(struct mk_op *op, const char *text)
{
	char *message = mk_strdup_printf("%s%s%s", op->r.message, *op->r.message ? "; " : "", text);

	if (message) {
		free(op->r.message);
		op->r.message = message;
	}
	mk_op_touch(op, MK_OP_CHANGED_STATE);
}

static void undo_failed(struct mk_op *op)
{
	_cleanup_free_ char *text = mk_strdup_printf("rolling back step %s failed: %s", op->r.step,
						     str_or_empty(op->error.text));

	mk_op_log(op, LOG_WARNING, "%s", str_or_empty(text));
	mk_op_append_message(op, str_or_empty(text));
	op->r.undo_failed++;
	op->r.step_index--;
	mk_op_undo_from_here(op);
}

static void begin_rollback_time(struct mk_op *op)
{
	op->r.deadline = mk_now_realtime() + op->engine->config.rollback_deadline;
	(void)mk_op_arm_deadline(op);
}

/* The time to roll back begins when what was begun before has ended, each within its own time: nobody else would
 * bring it back. */
bool mk_op_hold_deadline(struct mk_op *op)
{
	bool ran = op->forward_ran;

	op->forward_ran = op->r.undoing && mk_op_forward_runs(op);
	if (!ran && !op->forward_ran)
		return false;

	begin_rollback_time(op);
	return true;
}

static void start_rollback(struct mk_op *op)
{
	op->r.undoing = true;
	if (!op->step) { /* nothing was begun */
		mk_op_end_rollback(op);
		return;
	}

	begin_rollback_time(op);
	mk_op_undo_from_here(op);
}

/* What is known to be left behind, for the message of an operation that could not find out. */
static void say_unknown(struct mk_op *op)
{
	_cleanup_free_ char *text = mk_strdup_printf(
		"CloudStack was given %s (job %s) and its outcome could not be found out: look at "
		"the volume in CloudStack before the next request",
		op->r.command, *op->r.command_job ? op->r.command_job : "none");

	mk_op_append_message(op, str_or_empty(text));
}

/* The step failed with op->error: remember the first error, roll back. */
void mk_op_fail(struct mk_op *op)
{
	mk_op_stop(op);
	if (!mk_error_is_set(&op->error))
		mk_op_set_error(op, MK_ERROR_INTERNAL, "the plugin failed without a reason");

	if (op->r.undoing) {
		undo_failed(op);
		return;
	}

	op->r.error = op->error.code;
	(void)mk_str_set(&op->r.message, str_or_empty(op->error.text));
	mk_op_touch(op, MK_OP_CHANGED_STATE);
	if (op->error.code == MK_ERROR_OUTCOME_UNKNOWN && *op->r.command) {
		say_unknown(op);
		mk_op_end(op, MK_OP_FAILED);
		return;
	}

	start_rollback(op);
}

/* Ends it with op->error and without its step table: nothing is rolled back. */
void mk_op_end_unwalked(struct mk_op *op)
{
	bool cancelled = op->error.code == MK_ERROR_CANCELLED && !*op->r.step;

	if (op->r.undoing) {
		mk_op_append_message(op, str_or_empty(op->error.text)); /* the first error stays */
	} else {
		op->r.error = op->error.code;
		(void)mk_str_set(&op->r.message, str_or_empty(op->error.text));
		mk_op_touch(op, MK_OP_CHANGED_STATE);
	}

	mk_op_append_message(op, op->method ? "nothing was rolled back"
					    : "its plugin is not loaded: nothing was rolled back");
	if (mk_op_outcome_unknown(op))
		say_unknown(op);
	mk_op_end(op, cancelled ? MK_OP_CANCELLED : MK_OP_FAILED);
}

/* ---- deadline ------------------------------------------------------------------------------------------- */

static void set_deadline_error(struct mk_op *op)
{
	uint64_t took = (mk_now_realtime() - op->r.created) / USEC_PER_SEC;

	if (mk_op_outcome_unknown(op))
		mk_op_set_error(op, MK_ERROR_OUTCOME_UNKNOWN,
				"no answer to %s within %" PRIu64 " s", op->r.command, took);
	else if (!op->method)
		mk_op_set_error(op, MK_ERROR_UNAVAILABLE, "gave up after %" PRIu64 " s", took);
	else if (!mk_cs_reachable(op->engine->cs))
		mk_op_set_error(op, MK_ERROR_UNAVAILABLE, "gave up after %" PRIu64 " s: %s", took,
				mk_cs_status(op->engine->cs));
	else if (op->put_off > 0)
		mk_op_set_error(op, MK_ERROR_UNAVAILABLE,
				"gave up after %" PRIu64 " s: CloudStack did not run %s: %s", took,
				op->r.command, op->r.command_text);
	else
		mk_op_set_error(op, MK_ERROR_TIMEOUT, "gave up after %" PRIu64 " s in step %s%s%s",
				took, op->r.step, op->waiting_for ? ", waiting for " : "",
				str_or_empty(op->waiting_for));
}

/* It ends in time for its parent to act on it. */
void mk_op_bound_deadline(struct mk_op *op, const struct mk_op *parent)
{
	uint64_t own = mk_op_own_deadline(op), end = parent->r.deadline;
	uint64_t span = end > op->r.created ? end - op->r.created : 0;

	if (parent->r.undoing && span > op->engine->config.rollback_deadline)
		span = op->engine->config.rollback_deadline; /* it began anew meanwhile */
	end -= span / 16;
	op->r.deadline = own < end ? own : end;
}

/* A part of a roll-back, whose time has begun anew since: a job of that may have to wait for what had been begun. */
static bool follow_parent(struct mk_op *op)
{
	struct mk_op *parent;

	HASH_FIND_STR(op->engine->ops, op->r.parent, parent);
	if (!parent || mk_op_state_final(parent->r.state) || op->r.undoing ||
	    !mk_json_bool(op->r.scratch, MK_OP_BACK, false))
		return false;

	mk_op_bound_deadline(op, parent);
	if (op->r.deadline <= mk_now_realtime())
		return false;

	(void)mk_op_arm_deadline(op);
	return true;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
	struct mk_op *op = data;

	op->deadline = sd_event_source_disable_unref(op->deadline);
	/* its command is sent, or its row fails, within this turn */
	if (op->phase == PHASE_JOURNAL || op->phase == PHASE_FAIL) {
		(void)mk_op_arm(op, &op->deadline, USEC_PER_MSEC, on_deadline);
		return 0;
	}
	if (mk_op_hold_deadline(op) || follow_parent(op))
		return 0;

	mk_error_done(&op->error);
	set_deadline_error(op);
	if (!op->method) {
		mk_op_end_unwalked(op);
	} else if (op->r.undoing) {
		mk_op_stop(op);
		op->r.undo_failed++;
		mk_op_append_message(op, str_or_empty(op->error.text));
		mk_op_end_rollback(op);
	} else {
		mk_op_fail(op);
	}
	return 0;
}

int mk_op_arm_deadline(struct mk_op *op)
{
	uint64_t now = mk_now_realtime();

	return mk_op_arm(op, &op->deadline, op->r.deadline > now ? op->r.deadline - now : 0,
			 on_deadline);
}

/* ---- cancel --------------------------------------------------------------------------------------------- */

/* A row without return is done, or its command or its children are under way. */
static bool past_return(struct mk_op *op)
{
	struct mk_op *child;
	bool sent;

	if (!op->step)
		return false;

	for (int64_t i = 0; i < op->r.step_index; i++)
		if (op->method->steps[i].flags & MK_STEP_NO_RETURN)
			return true;

	sent = (op->r.command_state != MK_COMMAND_NONE &&
		op->r.command_state != MK_COMMAND_REFUSED && !mk_op_is_unsent(op)) ||
	       mk_op_nth_child(op, 0, &child);
	return (op->step->flags & MK_STEP_NO_RETURN) && sent;
}

static int cancel_unwalked(struct mk_op *op, struct mk_error *error)
{
	if (mk_op_outcome_unknown(op)) {
		mk_error_set(
			error, MK_ERROR_WRONG_STATE,
			"operation %s cannot be cancelled: its plugin %s is not loaded, and what "
			"became of %s is not known",
			op->r.id, op->r.class, op->r.command);
		return -EINVAL;
	}

	mk_error_done(&op->error);
	mk_op_set_error(op, MK_ERROR_CANCELLED, "cancelled on request");
	mk_op_end_unwalked(op);
	return 0;
}

int mk_op_cancel_child(struct mk_op *op, struct mk_error *error)
{
	if (op->phase == PHASE_FAIL) /* its row has failed: it may be too late for a cancel */
		mk_op_fail(op);

	if (mk_op_state_final(op->r.state) || past_return(op)) {
		mk_error_set(error, MK_ERROR_WRONG_STATE,
			     mk_op_state_final(op->r.state)
				     ? "operation %s has ended: it %s"
				     : "operation %s can no longer be cancelled: it is in step %s",
			     op->r.id,
			     mk_op_state_final(op->r.state) ? mk_op_state_to_string(op->r.state)
							    : op->r.step);
		return -EINVAL;
	}

	if (!op->method)
		return cancel_unwalked(op, error);
	if (op->r.cancel || op->r.undoing)
		return 0;

	op->r.cancel = true;
	mk_op_log(op, LOG_INFO, "cancel requested");
	(void)mk_store_add_event(op->engine->store, op->r.id, "cancel", "");
	mk_op_touch(op, MK_OP_CHANGED_STATE);

	/* A command that is under way is waited for; everything else is left at once. */
	if (!mk_op_outcome_unknown(op) &&
	    (op->phase == PHASE_ASK || op->phase == PHASE_PAUSE || op->phase == PHASE_SENT)) {
		mk_op_stop(op);
		mk_op_kick(op, PHASE_ASK);
	}
	return 0;
}

/* What another operation waits for is that one's to cancel: it may be its way back. */
int mk_op_cancel(struct mk_op *op, struct mk_error *error)
{
	struct mk_op *parent;

	HASH_FIND_STR(op->engine->ops, op->r.parent, parent);
	if (parent && !mk_op_state_final(parent->r.state) && !mk_op_state_final(op->r.state)) {
		mk_error_set(error, MK_ERROR_WRONG_STATE,
			     "operation %s is a part of operation %s: cancel that", op->r.id,
			     parent->r.id);
		return -EINVAL;
	}

	return mk_op_cancel_child(op, error);
}

/* Fails the operation if it is to be cancelled and can be: nothing unknown is ever rolled back. */
bool mk_op_cancelled(struct mk_op *op)
{
	if (!op->r.cancel || op->r.undoing || past_return(op) || mk_op_outcome_unknown(op))
		return false;

	mk_error_done(&op->error);
	mk_op_set_error(op, MK_ERROR_CANCELLED, "cancelled on request");
	mk_op_fail(op);
	return true;
}
