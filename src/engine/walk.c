/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One operation's walk through its step table.
 *
 *   STEP ─▶ ASK ─▶ LOOK ──▶ done: next STEP
 *            ▲      │ └───▶ again: PAUSE ─▶ ASK
 *            │      ▼
 *            │   JOURNAL ─(commit)─▶ SENT ─▶ FOLLOW
 *            └────────────────────────┴────────┘   whatever came of it, ask again
 *
 * Undoing walks the same phases with the row's undo functions, newest row first. ASK is in op-ask.c,
 * JOURNAL to FOLLOW in op-command.c.
 */

#include "engine-internal.h"

#include "base/log.h"

#include <syslog.h>

/* What an operation that was found unfinished at start gets at least, to settle what it began. */
#define RESUME_GRACE (60 * USEC_PER_SEC)

const struct mk_step *mk_op_row(const struct mk_op *op)
{
	return &op->method->steps[op->r.step_index];
}

void mk_op_set_error(struct mk_op *op, enum mk_error_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	mk_error_vset(&op->error, code, fmt, ap);
	va_end(ap);
}

/* True while CloudStack may be doing something that we do not know the end of. */
bool mk_op_outcome_unknown(const struct mk_op *op)
{
	if (op->unsettled)
		return true;

	switch (op->r.command_state) {
	case MK_COMMAND_JOURNALLED:
		return op->phase != PHASE_JOURNAL && !mk_op_is_unsent(op);
	case MK_COMMAND_ACCEPTED:
	case MK_COMMAND_LOST:
		return true;
	case MK_COMMAND_SUCCEEDED:
		return op->r.state == MK_OP_SETTLING;
	case MK_COMMAND_NONE:
		return op->maybe_run;
	case MK_COMMAND_REFUSED:
		return false;
	}
	return false;
}

/* ---- timers -------------------------------------------------------------------------------------------- */

static int arm(struct mk_op *op, sd_event_source **source, uint64_t usec,
	       sd_event_time_handler_t handler)
{
	*source = sd_event_source_disable_unref(*source);
	return sd_event_add_time_relative(op->engine->event, source, CLOCK_MONOTONIC, usec, 1000,
					  handler, op);
}

static int on_pause(sd_event_source *source, uint64_t usec, void *data)
{
	struct mk_op *op = data;

	op->pause = sd_event_source_disable_unref(op->pause);
	mk_op_kick(op, op->after_pause);
	return 0;
}

void mk_op_pause(struct mk_op *op, uint64_t usec, enum mk_op_phase then)
{
	op->phase = PHASE_PAUSE;
	op->after_pause = then;
	if (arm(op, &op->pause, usec, on_pause) < 0)
		mk_op_kick(op, then);
}

static int on_limit(sd_event_source *source, uint64_t usec, void *data)
{
	struct mk_op *op = data;

	op->limit = sd_event_source_disable_unref(op->limit);
	if (mk_cs_reachable(op->engine->cs))
		op->limit_passed = true;
	else
		mk_op_arm_limit(op); /* a job's end cannot be seen while CloudStack is away */
	if (op->r.state == MK_OP_RUNNING && mk_op_outcome_unknown(op)) {
		mk_op_log(op, LOG_NOTICE, "%s has not ended within the step's limit; waiting on",
			  op->r.command);
		mk_op_set_state(op, MK_OP_SETTLING);
	}
	return 0;
}

void mk_op_arm_limit(struct mk_op *op)
{
	uint64_t usec = op->engine->config.step_limit;

	op->limit_passed = false;
	op->limit_left = 0;
	(void)arm(op, &op->limit, usec ? usec : mk_op_row(op)->limit_s * USEC_PER_SEC, on_limit);
}

void mk_op_hold_limit(struct mk_op *op)
{
	uint64_t end = 0, now = mk_now_monotonic();

	if (!op->limit)
		return;

	(void)sd_event_source_get_time(op->limit, &end);
	op->limit_left = end > now ? end - now : 1;
	op->limit = sd_event_source_disable_unref(op->limit);
}

void mk_op_go_on_limit(struct mk_op *op)
{
	if (op->limit_left > 0)
		(void)arm(op, &op->limit, op->limit_left, on_limit);
	op->limit_left = 0;
}

static void disarm_limit(struct mk_op *op)
{
	op->limit = sd_event_source_disable_unref(op->limit);
	op->limit_passed = false;
	op->limit_left = 0;
}

/* ---- the end --------------------------------------------------------------------------------------------- */

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

static void op_end(struct mk_op *op, enum mk_op_state state)
{
	mk_op_stop_io(op);
	op->limit = sd_event_source_disable_unref(op->limit);
	op->deadline = sd_event_source_disable_unref(op->deadline);
	op->phase = PHASE_IDLE;
	op->r.finished = mk_now_realtime();
	mk_op_set_state(op, state);
	mk_op_release_claims(op);
	if (op->transient)
		end_query(op);
}

/* ---- rolling back ------------------------------------------------------------------------------------------ */

static void end_rollback(struct mk_op *op)
{
	enum mk_op_state state = MK_OP_FAILED;

	if (op->r.undo_failed == 0 && op->r.error == MK_ERROR_CANCELLED)
		state = MK_OP_CANCELLED;
	else if (op->r.undo_failed == 0 && op->r.undone > 0)
		state = MK_OP_ROLLED_BACK;

	op_end(op, state);
}

/* Goes to the next older row that can be undone, from step_index on, or ends. */
static void undo_from_here(struct mk_op *op)
{
	while (op->r.step_index >= 0 && !mk_op_row(op)->undo)
		op->r.step_index--;

	if (op->r.step_index < 0) {
		op->r.step_index = 0;
		end_rollback(op);
	} else {
		mk_op_kick(op, PHASE_STEP);
	}
}

static void append_message(struct mk_op *op, const char *text)
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
	append_message(op, str_or_empty(text));
	op->r.undo_failed++;
	op->r.step_index--;
	undo_from_here(op);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *data);

static void begin_rollback_time(struct mk_op *op)
{
	op->r.deadline = mk_now_realtime() + op->engine->config.rollback_deadline;
	(void)mk_op_arm_deadline(op);
}

/* The time to roll back begins when what was begun before has ended, each within its own time: nobody else would
 * bring it back. */
static bool hold_deadline(struct mk_op *op)
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
		end_rollback(op);
		return;
	}

	begin_rollback_time(op);
	undo_from_here(op);
}

/* What is known to be left behind, for the message of an operation that could not find out. */
static void say_unknown(struct mk_op *op)
{
	_cleanup_free_ char *text = mk_strdup_printf(
		"CloudStack was given %s (job %s) and its outcome could not be found out: look at "
		"the volume in CloudStack before the next request",
		op->r.command, *op->r.command_job ? op->r.command_job : "none");

	append_message(op, str_or_empty(text));
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
		op_end(op, MK_OP_FAILED);
		return;
	}

	start_rollback(op);
}

/* Ends it with op->error and without its step table: nothing is rolled back. */
static void end_unwalked(struct mk_op *op)
{
	bool cancelled = op->error.code == MK_ERROR_CANCELLED && !*op->r.step;

	if (op->r.undoing) {
		append_message(op, str_or_empty(op->error.text)); /* the first error stays */
	} else {
		op->r.error = op->error.code;
		(void)mk_str_set(&op->r.message, str_or_empty(op->error.text));
		mk_op_touch(op, MK_OP_CHANGED_STATE);
	}

	append_message(op, op->method ? "nothing was rolled back"
				      : "its plugin is not loaded: nothing was rolled back");
	if (mk_op_outcome_unknown(op))
		say_unknown(op);
	op_end(op, cancelled ? MK_OP_CANCELLED : MK_OP_FAILED);
}

/* ---- deadline and cancel -------------------------------------------------------------------------------------- */

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
	if (op->phase == PHASE_JOURNAL) { /* this turn's commit is about to send it */
		(void)arm(op, &op->deadline, USEC_PER_MSEC, on_deadline);
		return 0;
	}
	if (hold_deadline(op) || follow_parent(op))
		return 0;

	mk_error_done(&op->error);
	set_deadline_error(op);
	if (!op->method) {
		end_unwalked(op);
	} else if (op->r.undoing) {
		mk_op_stop(op);
		op->r.undo_failed++;
		append_message(op, str_or_empty(op->error.text));
		end_rollback(op);
	} else {
		mk_op_fail(op);
	}
	return 0;
}

int mk_op_arm_deadline(struct mk_op *op)
{
	uint64_t now = mk_now_realtime();

	return arm(op, &op->deadline, op->r.deadline > now ? op->r.deadline - now : 0, on_deadline);
}

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
	end_unwalked(op);
	return 0;
}

int mk_op_cancel_child(struct mk_op *op, struct mk_error *error)
{
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

/* ---- looking ------------------------------------------------------------------------------------------------- */

static void again(struct mk_op *op)
{
	bool unknown = mk_op_outcome_unknown(op);

	if (op->limit_passed && !unknown) {
		mk_op_set_error(op, MK_ERROR_TIMEOUT, "step %s: still waiting for %s", op->r.step,
				op->waiting_for ? op->waiting_for : "CloudStack");
		mk_op_fail(op);
		return;
	}

	mk_op_pause(op,
		    unknown ? op->engine->config.settle_interval : op->engine->config.poll_interval,
		    PHASE_ASK);
}

static void step_done(struct mk_op *op)
{
	if (op->r.undoing) {
		/* also if its last command was said to have failed: the look is what counts */
		op->r.undone += *op->r.command != '\0';
		op->r.step_index--;
		undo_from_here(op);
		return;
	}

	op->r.step_index++;
	mk_op_kick(op, PHASE_STEP);
}

static void look(struct mk_op *op)
{
	int r;

	if (mk_op_cancelled(op))
		return;

	(void)hold_deadline(op);
	mk_error_done(&op->error);
	op->wants_device = op->has_children = op->unsettled = false;
	op->waiting_for = (free(op->waiting_for), NULL);
	op->want_command = (free(op->want_command), NULL);
	json_object_put(take_ptr(op->want_params));

	r = mk_op_call_plugin(op);
	if (op->has_children)
		disarm_limit(op);

	switch ((enum mk_step_result)r) {
	case MK_DONE:
		step_done(op);
		return;
	case MK_AGAIN:
		again(op);
		return;
	case MK_NEXT:
		mk_op_kick(op, PHASE_ASK);
		return;
	case MK_COMMAND:
		if (op->want_command && op->want_params) {
			mk_op_want_command(op);
			return;
		}
		mk_op_set_error(op, MK_ERROR_INTERNAL, "step %s named no command", op->r.step);
		mk_op_fail(op);
		return;
	case MK_FINISHED:
		op_end(op, MK_OP_SUCCEEDED);
		return;
	case MK_FAILED:
		mk_op_fail(op);
		return;
	}

	mk_op_set_error(op, MK_ERROR_INTERNAL, "step %s returned %d", op->r.step, r);
	mk_op_fail(op);
}

/* ---- walking ------------------------------------------------------------------------------------------------- */

static void enter_step(struct mk_op *op)
{
	struct mk_op_record *r = &op->r;

	if (!mk_op_row(op)->name) {
		r->step_index = r->step_count;
		op_end(op, MK_OP_SUCCEEDED);
		return;
	}

	op->step = mk_op_row(op);
	if (r->started == 0)
		r->started = mk_now_realtime();
	op->unsettled = op->wants_device = op->has_children = false;
	op->n_unanswered = 0;
	if (!r->undoing)
		json_object_object_del(r->scratch, MK_OP_CREATED);
	(void)mk_str_set(&r->step, op->step->name);
	(void)mk_str_set(&r->command, "");
	(void)mk_str_set(&r->command_job, "");
	r->command_state = MK_COMMAND_NONE;
	r->command_code = 0;
	r->command_tries = 0;
	op->looks = op->put_off = 0;
	op->maybe_run = false;
	mk_op_arm_limit(op);
	mk_op_set_state(op, r->undoing ? MK_OP_ROLLING_BACK : MK_OP_RUNNING);
	mk_op_touch(op, MK_OP_CHANGED_STEP);
	mk_op_ask(op);
}

void mk_op_run(struct mk_op *op)
{
	switch (op->phase) {
	case PHASE_STEP:
		enter_step(op);
		break;
	case PHASE_ASK:
		/* What was unknown is known now. */
		if (op->r.state == MK_OP_SETTLING && !mk_op_outcome_unknown(op))
			mk_op_set_state(op, MK_OP_RUNNING);
		mk_op_ask(op);
		break;
	case PHASE_LOOK:
		look(op);
		break;
	case PHASE_FOLLOW:
		mk_op_follow(op);
		break;
	case PHASE_IDLE:
		if (op->transient && !op->done)
			mk_op_free(op);
		break;
	case PHASE_JOURNAL:
	case PHASE_SENT:
	case PHASE_PAUSE:
		break;
	}
}

/* The row by its name: its place may have moved between two versions. */
static bool find_step(struct mk_op *op)
{
	for (int64_t i = 0; op->method->steps[i].name; i++) {
		if (streq(op->method->steps[i].name, op->r.step)) {
			op->r.step_index = i;
			op->step = &op->method->steps[i];
			return true;
		}
	}

	return false;
}

static void resume_step(struct mk_op *op)
{
	bool sent = op->r.command_state == MK_COMMAND_JOURNALLED ||
		    op->r.command_state == MK_COMMAND_ACCEPTED;

	/* It failed, and no undo was begun: the row is still the one that failed, and its command is over. */
	if (op->r.undoing && op->r.state != MK_OP_ROLLING_BACK) {
		undo_from_here(op);
		return;
	}

	mk_op_arm_limit(op);
	mk_op_kick(op, sent && !op->r.command_sync ? PHASE_FOLLOW : PHASE_ASK);
}

/* Says it once, however many starts it waits. */
static void wait_for_plugin(struct mk_op *op)
{
	static const char text[] = "waiting: its plugin is not loaded";

	if (!strstr(op->r.message, text))
		append_message(op, text);
	(void)mk_op_arm_deadline(op);
}

void mk_op_resume(struct mk_op *op)
{
	uint64_t earliest = mk_now_realtime() + RESUME_GRACE;

	if (!op->method) {
		wait_for_plugin(op);
		return;
	}
	if (!op->r.undoing && *op->r.message) { /* it waits no longer */
		(void)mk_str_set(&op->r.message, "");
		mk_op_touch(op, MK_OP_CHANGED_STATE);
	}

	if (op->r.deadline < earliest)
		op->r.deadline = earliest;
	(void)mk_op_arm_deadline(op);
	mk_op_log(op, LOG_INFO, "%s resumed", op->r.kind);

	if (!*op->r.step && op->r.undoing) {
		end_rollback(op);
	} else if (!*op->r.step) {
		mk_op_kick(op, PHASE_STEP);
	} else if (!find_step(op)) {
		mk_op_set_error(op, MK_ERROR_OUTCOME_UNKNOWN, "this version has no step %s",
				op->r.step);
		end_unwalked(op); /* step_index is a place in another table */
	} else {
		resume_step(op);
	}
}
