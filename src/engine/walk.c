/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How one operation walks through its step table.
 *
 *   STEP ─▶ ASK ─▶ LOOK ──▶ done: next STEP
 *            ▲      │ └───▶ again: PAUSE ─▶ ASK
 *            │      ▼
 *            │   JOURNAL ─(commit)─▶ SENT ─▶ FOLLOW
 *            └────────────────────────┴────────┘   whatever came of it, ask again
 *
 * A roll-back goes through the same phases with the rows' undo functions, newest row first. This file runs the
 * phases. What a phase does is in the files below (engine-internal.h lists them); they come back only by
 * mk_op_kick() with the next phase.
 */

#include "engine-internal.h"

#include <syslog.h>

/* What an operation that was found unfinished at start gets at least, to settle what it began. */
#define RESUME_GRACE (60 * USEC_PER_SEC)

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
		mk_op_undo_from_here(op);
		return;
	}

	op->r.step_index++;
	mk_op_kick(op, PHASE_STEP);
}

static void look(struct mk_op *op)
{
	int r;

	op->answered = op->n_asked > 0;
	if (mk_op_cancelled(op))
		return;

	(void)mk_op_hold_deadline(op);
	mk_error_done(&op->error);
	op->wants_device = op->has_children = op->unsettled = false;
	op->waiting_for = (free(op->waiting_for), NULL);
	op->want_command = (free(op->want_command), NULL);
	json_object_put(take_ptr(op->want_params));

	r = mk_op_call_plugin(op);
	if (op->has_children)
		mk_op_disarm_limit(op);

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
		mk_op_end(op, MK_OP_SUCCEEDED);
		return;
	case MK_FAILED:
		mk_op_fail(op);
		return;
	}

	mk_op_set_error(op, MK_ERROR_INTERNAL, "step %s returned %d", op->r.step, r);
	mk_op_fail(op);
}

/* ---- walking ------------------------------------------------------------------------------------------------- */

static void ask(struct mk_op *op)
{
	if (!mk_op_cancelled(op))
		mk_op_ask(op);
}

static void enter_step(struct mk_op *op)
{
	struct mk_op_record *r = &op->r;

	if (!mk_op_row(op)->name) {
		r->step_index = r->step_count;
		mk_op_end(op, MK_OP_SUCCEEDED);
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
	ask(op);
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
		ask(op);
		break;
	case PHASE_LOOK:
		look(op);
		break;
	case PHASE_FOLLOW:
		mk_op_follow(op);
		break;
	case PHASE_FAIL:
		mk_op_fail(op);
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
		mk_op_undo_from_here(op);
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
		mk_op_append_message(op, text);
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
		mk_op_end_rollback(op);
	} else if (!*op->r.step) {
		mk_op_kick(op, PHASE_STEP);
	} else if (!find_step(op)) {
		mk_op_set_error(op, MK_ERROR_OUTCOME_UNKNOWN, "this version has no step %s",
				op->r.step);
		mk_op_end_unwalked(op); /* step_index is a place in another table */
	} else {
		resume_step(op);
	}
}
