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
 * Undoing walks the same phases with the row's undo functions, newest row first.
 */

#include "engine-internal.h"

#include "log.h"

#include <syslog.h>

#define RETRY_MAX    (30 * USEC_PER_SEC)
/* What an operation that was found unfinished at start gets at least, to settle what it began. */
#define RESUME_GRACE (60 * USEC_PER_SEC)

static void op_fail(struct mk_op *op);
static void ask(struct mk_op *op);
static void follow(struct mk_op *op);

static const struct mk_step *row(const struct mk_op *op)
{
	return &op->method->steps[op->r.step_index];
}

static void set_error(struct mk_op *op, enum mk_error_code code, const char *fmt, ...)
	_printf_(3, 4);

static void set_error(struct mk_op *op, enum mk_error_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	mk_error_vset(&op->error, code, fmt, ap);
	va_end(ap);
}

/* True while CloudStack may be doing something that we do not know the end of. */
static bool outcome_unknown(const struct mk_op *op)
{
	switch (op->r.command_state) {
	case MK_COMMAND_JOURNALLED:
		return op->phase != PHASE_JOURNAL;
	case MK_COMMAND_ACCEPTED:
	case MK_COMMAND_LOST:
		return true;
	case MK_COMMAND_SUCCEEDED:
		return op->r.state == MK_OP_SETTLING;
	case MK_COMMAND_NONE:
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

static void pause_op(struct mk_op *op, uint64_t usec, enum mk_op_phase then)
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
	op->limit_passed = true;
	if (op->r.state == MK_OP_RUNNING && outcome_unknown(op)) {
		mk_op_log(op, LOG_NOTICE, "%s has not ended within the step's limit; waiting on",
			  op->r.command);
		mk_op_set_state(op, MK_OP_SETTLING);
	}
	return 0;
}

static void arm_limit(struct mk_op *op)
{
	uint64_t usec = op->engine->config.step_limit;

	op->limit_passed = false;
	(void)arm(op, &op->limit, usec ? usec : row(op)->limit_s * USEC_PER_SEC, on_limit);
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
	mk_op_release_claims(op);
	op->phase = PHASE_IDLE;
	op->r.finished = mk_now_realtime();
	mk_op_set_state(op, state);
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
	while (op->r.step_index >= 0 && !row(op)->undo)
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

static void start_rollback(struct mk_op *op)
{
	op->r.undoing = true;
	if (!op->step) { /* nothing was begun */
		end_rollback(op);
		return;
	}

	op->r.deadline = mk_now_realtime() + op->engine->config.rollback_deadline;
	(void)mk_op_arm_deadline(op);
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
static void op_fail(struct mk_op *op)
{
	mk_op_stop_io(op);
	if (!mk_error_is_set(&op->error))
		set_error(op, MK_ERROR_INTERNAL, "the plugin failed without a reason");

	if (op->r.undoing) {
		undo_failed(op);
		return;
	}

	op->r.error = op->error.code;
	(void)mk_str_set(&op->r.message, str_or_empty(op->error.text));
	mk_op_touch(op, MK_OP_CHANGED_STATE);
	if (op->error.code == MK_ERROR_OUTCOME_UNKNOWN) {
		say_unknown(op);
		op_end(op, MK_OP_FAILED);
		return;
	}

	start_rollback(op);
}

/* ---- deadline and cancel -------------------------------------------------------------------------------------- */

static void set_deadline_error(struct mk_op *op)
{
	uint64_t took = (mk_now_realtime() - op->r.created) / USEC_PER_SEC;

	if (outcome_unknown(op))
		set_error(op, MK_ERROR_OUTCOME_UNKNOWN, "no answer to %s within %" PRIu64 " s",
			  op->r.command, took);
	else if (!mk_cs_reachable(op->engine->cs))
		set_error(op, MK_ERROR_UNAVAILABLE, "gave up after %" PRIu64 " s: %s", took,
			  mk_cs_status(op->engine->cs));
	else
		set_error(op, MK_ERROR_TIMEOUT, "gave up after %" PRIu64 " s in step %s%s%s", took,
			  op->r.step, op->waiting_for ? ", waiting for " : "",
			  str_or_empty(op->waiting_for));
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
	struct mk_op *op = data;

	op->deadline = sd_event_source_disable_unref(op->deadline);
	if (op->phase == PHASE_JOURNAL) { /* this turn's commit is about to send it */
		(void)arm(op, &op->deadline, USEC_PER_MSEC, on_deadline);
		return 0;
	}

	mk_error_done(&op->error);
	set_deadline_error(op);
	if (op->r.undoing) {
		mk_op_stop_io(op);
		op->r.undo_failed++;
		append_message(op, str_or_empty(op->error.text));
		end_rollback(op);
	} else {
		op_fail(op);
	}
	return 0;
}

int mk_op_arm_deadline(struct mk_op *op)
{
	uint64_t now = mk_now_realtime();

	return arm(op, &op->deadline, op->r.deadline > now ? op->r.deadline - now : 0, on_deadline);
}

/* A row without return is done, or its command is under way. */
static bool past_return(const struct mk_op *op)
{
	if (!op->step)
		return false;

	for (int64_t i = 0; i < op->r.step_index; i++)
		if (op->method->steps[i].flags & MK_STEP_NO_RETURN)
			return true;

	return (op->step->flags & MK_STEP_NO_RETURN) && op->r.command_state != MK_COMMAND_NONE &&
	       op->r.command_state != MK_COMMAND_REFUSED;
}

int mk_op_cancel(struct mk_op *op, struct mk_error *error)
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

	if (op->r.cancel || op->r.undoing)
		return 0;

	op->r.cancel = true;
	mk_op_log(op, LOG_INFO, "cancel requested");
	(void)mk_store_add_event(op->engine->store, op->r.id, "cancel", "");
	mk_op_touch(op, MK_OP_CHANGED_STATE);

	/* A command that is under way is waited for; everything else is left at once. */
	if (!outcome_unknown(op) && (op->phase == PHASE_ASK || op->phase == PHASE_PAUSE)) {
		mk_op_stop_io(op);
		mk_op_kick(op, PHASE_ASK);
	}
	return 0;
}

/* Fails the operation if it is to be cancelled and can be: nothing unknown is ever rolled back. */
static bool cancelled(struct mk_op *op)
{
	if (!op->r.cancel || op->r.undoing || past_return(op) || outcome_unknown(op))
		return false;

	mk_error_done(&op->error);
	set_error(op, MK_ERROR_CANCELLED, "cancelled on request");
	op_fail(op);
	return true;
}

/* ---- asking ------------------------------------------------------------------------------------------------ */

static enum mk_ask wanted(const struct mk_op *op)
{
	return op->r.undoing ? row(op)->undo_ask : row(op)->ask;
}

/* CloudStack answers 431 with this for an id it never had, and an empty list for one that is gone. */
static bool says_not_found(const struct mk_cs_reply *reply)
{
	return reply->code == 431 && strstr(reply->text, "entity does not exist");
}

/* Keys can be changed while an operation is half done: like a CloudStack that is away, until the deadline. */
static bool credentials_refused(const struct mk_op *op, const struct mk_cs_reply *reply)
{
	return reply->code == 401 && reply->outcome == MK_CS_REFUSED && !op->transient;
}

/* The rows of a reply: borrowed, or an empty array for what does not exist. NULL: the operation waits or failed. */
static json_object *rows_of(struct mk_op *op, const struct mk_cs_reply *reply, json_object **keep)
{
	if (reply->outcome == MK_CS_OK)
		return reply->body;
	if (says_not_found(reply))
		return *keep = json_object_new_array();

	if (credentials_refused(op, reply)) {
		pause_op(op, op->engine->config.settle_interval, PHASE_ASK);
		return NULL;
	}

	mk_error_done(&op->error);
	set_error(op, MK_ERROR_REFUSED, "CloudStack refused to tell what is true in step %s: %d %s",
		  op->r.step, reply->code, reply->text);
	op_fail(op);
	return NULL;
}

static void bad_answer(struct mk_op *op, const char *why)
{
	mk_error_done(&op->error);
	set_error(op, MK_ERROR_INTERNAL, "CloudStack's answer cannot be used: %s",
		  why ? why : "out of memory");
	op_fail(op);
}

static void on_volumes(const struct mk_cs_reply *reply, void *data)
{
	_cleanup_free_ char *why = NULL;
	_cleanup_json_ json_object *keep = NULL;
	struct mk_op *op = data;
	json_object *rows;
	bool by_vm = wanted(op) == MK_ASK_VM_VOLUMES;

	op->request = NULL;
	rows = rows_of(op, reply, &keep);
	if (!rows)
		return;

	mk_cs_volumes_done(&op->volumes);
	if (mk_cs_volumes_parse(rows, &op->volumes, &why) < 0) {
		bad_answer(op, why);
		return;
	}

	for (size_t i = 0; i < op->volumes.n; i++) {
		struct mk_volume_info *v = &op->volumes.items[i];

		/* A filter that got lost would show somebody else's volume. */
		if (by_vm ? !streq(v->vm, op->r.vm)
			  : !streq(v->id, mk_engine_host()->volume_id(op))) {
			bad_answer(op, "it lists a volume that was not asked for");
			return;
		}
		v->managed = mk_store_is_managed(op->engine->store, v->id);
	}

	mk_op_kick(op, PHASE_LOOK);
}

static void read_list(struct mk_op *op, const char *command, const char *key, const char *value,
		      const char *list, mk_cs_reply_fn cb)
{
	_cleanup_json_ json_object *params = json_object_new_object();

	op->phase = PHASE_ASK;
	if (params) {
		mk_json_set_str(params, key, value);
		if (streq(list, "virtualmachine"))
			mk_json_set_str(params, "details", "min");
		op->request = mk_cs_read(op->engine->cs, command, params, list, cb, op);
	}
	if (!op->request)
		bad_answer(op, NULL);
}

static void on_vms(const struct mk_cs_reply *reply, void *data)
{
	_cleanup_free_ char *why = NULL;
	_cleanup_json_ json_object *keep = NULL;
	struct mk_op *op = data;
	json_object *rows;

	op->request = NULL;
	rows = rows_of(op, reply, &keep);
	if (!rows)
		return;

	mk_cs_vms_done(&op->vms);
	if (mk_cs_vms_parse(rows, &op->vms, &why) < 0) {
		bad_answer(op, why);
		return;
	}

	if (op->vms.n > 1 || (op->vms.n == 1 && !streq(op->vms.items[0].id, op->r.vm)))
		bad_answer(op, "it lists a VM that was not asked for");
	else if (wanted(op) == MK_ASK_VM_VOLUMES && op->vms.n == 1)
		read_list(op, "listVolumes", "virtualmachineid", op->r.vm, "volume", on_volumes);
	else
		mk_op_kick(op, PHASE_LOOK);
}

static void ask(struct mk_op *op)
{
	if (cancelled(op))
		return;

	mk_cs_vms_done(&op->vms);
	mk_cs_volumes_done(&op->volumes);

	switch (wanted(op)) {
	case MK_ASK_NOTHING:
		mk_op_kick(op, PHASE_LOOK);
		return;
	case MK_ASK_VM:
	case MK_ASK_VM_VOLUMES:
		read_list(op, "listVirtualMachines", "id", op->r.vm, "virtualmachine", on_vms);
		return;
	case MK_ASK_VOLUME:
		read_list(op, "listVolumes", "id", mk_engine_host()->volume_id(op), "volume",
			  on_volumes);
		return;
	}
}

/* ---- commands ------------------------------------------------------------------------------------------------ */

/* CloudStack could not run it now, and may later. */
static bool worth_a_retry(const struct mk_op *op, int code)
{
	switch (code) {
	case 401:
	case 503:
	case 533:
	case 534:
	case 536:
		return !op->limit_passed;
	case 530:
		return !op->limit_passed && op->r.command_tries < COMMAND_TRIES;
	default:
		return false;
	}
}

static void refused(struct mk_op *op, int code, const char *text)
{
	uint64_t wait = op->engine->config.poll_interval;

	mk_op_log(op, LOG_NOTICE, "CloudStack refused %s: %d %s", op->r.command, code, text);
	(void)mk_store_add_event(op->engine->store, op->r.id, "refused", text);
	op->r.command_code = code;
	(void)mk_str_set(&op->r.command_text, text);

	if (worth_a_retry(op, code)) {
		for (int64_t i = 1; i < op->r.command_tries && wait < RETRY_MAX; i++)
			wait *= 2;
		op->r.command_state = MK_COMMAND_NONE;
		(void)mk_str_set(&op->r.command_job, "");
		mk_op_touch(op, 0);
		pause_op(op, wait < RETRY_MAX ? wait : RETRY_MAX, PHASE_ASK);
		return;
	}

	op->r.command_state = MK_COMMAND_REFUSED;
	mk_op_touch(op, 0);
	mk_op_kick(op, PHASE_ASK);
}

static void on_job(const struct mk_cs_job *job, void *data)
{
	struct mk_op *op = data;

	op->watch = NULL;
	switch (job->status) {
	case MK_CS_JOB_SUCCEEDED:
		op->r.command_state = MK_COMMAND_SUCCEEDED;
		mk_op_touch(op, 0);
		mk_op_kick(op, PHASE_ASK);
		return;
	case MK_CS_JOB_FAILED:
		refused(op, job->code, job->text);
		return;
	case MK_CS_JOB_UNKNOWN:
		break;
	}

	mk_op_set_state(op, op->r.undoing ? MK_OP_ROLLING_BACK : MK_OP_SETTLING);
	if (op->r.command_state == MK_COMMAND_ACCEPTED) {
		mk_op_log(op, LOG_WARNING, "CloudStack no longer knows the job");
		op->r.command_state = MK_COMMAND_LOST;
		mk_op_touch(op, 0);
		mk_op_kick(op, PHASE_ASK);
	} else if (++op->looks < UNKNOWN_LOOKS) {
		pause_op(op, op->engine->config.settle_interval, PHASE_FOLLOW);
	} else {
		/* It never arrived. Sent again with the same id it can still run only once. */
		op->r.command_state = MK_COMMAND_NONE;
		mk_op_touch(op, 0);
		mk_op_kick(op, PHASE_ASK);
	}
}

static void follow(struct mk_op *op)
{
	op->phase = PHASE_FOLLOW;
	op->watch = mk_cs_watch_job(op->engine->cs, op->r.command_job, on_job, op);
	if (!op->watch)
		pause_op(op, op->engine->config.settle_interval, PHASE_FOLLOW);
}

/* Our id is taken: an earlier try did arrive. Both texts: see the API's source, checkUuidSimple. */
static bool says_job_exists(const struct mk_cs_reply *reply)
{
	return (reply->code == 431 && strstr(reply->text, "already exists so can't create")) ||
	       (reply->code == 530 && starts_with(reply->text, "Entity already exists"));
}

static void accepted(struct mk_op *op, const struct mk_cs_reply *reply)
{
	json_object *id = reply->body ? mk_json_get(reply->body, "jobid") : NULL;

	/* A server that did not take our id names its own. */
	if (id && *json_object_get_string(id))
		(void)mk_str_set(&op->r.command_job, json_object_get_string(id));
	op->r.command_state = MK_COMMAND_ACCEPTED;
	mk_op_touch(op, 0);
	follow(op);
}

static void on_sent(const struct mk_cs_reply *reply, void *data)
{
	struct mk_op *op = data;

	op->request = NULL;
	switch (reply->outcome) {
	case MK_CS_OK:
		if (!op->r.command_sync) {
			accepted(op, reply);
			return;
		}
		op->r.command_state = MK_COMMAND_SUCCEEDED;
		mk_op_touch(op, 0);
		mk_op_kick(op, PHASE_ASK);
		return;
	case MK_CS_REFUSED:
		if (!op->r.command_sync && says_job_exists(reply))
			accepted(op, reply);
		else
			refused(op, reply->code, reply->text);
		return;
	case MK_CS_NO_COMMAND:
		refused(op, MK_NO_COMMAND, reply->text);
		return;
	case MK_CS_UNKNOWN:
		break;
	}

	mk_op_log(op, LOG_WARNING, "no answer to %s (%s); finding out what became of it",
		  op->r.command, reply->text);
	mk_op_set_state(op, op->r.undoing ? MK_OP_ROLLING_BACK : MK_OP_SETTLING);
	if (op->r.command_sync)
		pause_op(op, op->engine->config.settle_interval, PHASE_ASK);
	else
		follow(op);
}

void mk_op_send(struct mk_op *op)
{
	op->phase = PHASE_SENT;
	op->looks = 0;
	op->request = mk_cs_write(op->engine->cs, op->r.command, op->r.command_params,
				  op->r.command_sync, on_sent, op);
	if (!op->request)
		pause_op(op, op->engine->config.settle_interval,
			 op->r.command_sync ? PHASE_ASK : PHASE_FOLLOW);
}

/* Writes the wanted command down; it is sent after the commit. */
static void journal(struct mk_op *op, bool again)
{
	struct mk_op_record *r = &op->r;
	char job[MK_UUID_SIZE];

	if (!again) {
		r->command_tries = 0;
		(void)mk_str_set(&r->command_job, "");
	}
	free(r->command);
	r->command = take_ptr(op->want_command);
	json_object_put(r->command_params);
	r->command_params = take_ptr(op->want_params);
	r->command_sync = op->want_sync;

	if (!r->command_sync) {
		if (!*r->command_job &&
		    (mk_uuid_random(job) < 0 || mk_str_set(&r->command_job, job) < 0)) {
			set_error(op, MK_ERROR_INTERNAL, "cannot make a job id");
			op_fail(op);
			return;
		}
		mk_json_set_str(r->command_params, "customjobid", r->command_job);
	}

	r->command_tries++;
	r->command_state = MK_COMMAND_JOURNALLED;
	mk_op_log(op, LOG_INFO, "step %s: sending %s", r->step, r->command);
	(void)mk_store_add_event(op->engine->store, r->id, r->command, r->command_job);
	mk_op_touch(op, MK_OP_CHANGED_STEP);
	op->phase = PHASE_JOURNAL;
	TAILQ_INSERT_TAIL(&op->engine->journal, op, journal_entry);
}

/* The same command as last time, but for the job's id. */
static bool wants_the_same(struct mk_op *op)
{
	json_object_object_del(op->r.command_params, "customjobid");
	return streq(op->r.command, op->want_command) &&
	       json_object_equal(op->r.command_params, op->want_params);
}

/* Something is not as the command's success would have it: look again until it is. */
static void settle(struct mk_op *op)
{
	if (!op->r.undoing)
		mk_op_set_state(op, MK_OP_SETTLING);
	pause_op(op, op->engine->config.settle_interval, PHASE_ASK);
}

static void want_command(struct mk_op *op)
{
	bool same = wants_the_same(op);

	if (!same && (op->r.command_state == MK_COMMAND_LOST ||
		      op->r.command_state == MK_COMMAND_JOURNALLED)) {
		settle(op); /* never a second change while a first one is unknown */
		return;
	}
	if (!same) {
		journal(op, false);
		return;
	}

	switch (op->r.command_state) {
	case MK_COMMAND_NONE:
		journal(op, true);
		return;
	case MK_COMMAND_JOURNALLED: /* synchronous and harmless to repeat */
		if (++op->looks >= UNKNOWN_LOOKS)
			journal(op, true);
		else
			settle(op);
		return;
	case MK_COMMAND_REFUSED:
		set_error(op, MK_ERROR_REFUSED, "CloudStack refused %s in step %s: %" PRIi64 " %s",
			  op->r.command, op->r.step, op->r.command_code, op->r.command_text);
		op_fail(op);
		return;
	case MK_COMMAND_ACCEPTED:
	case MK_COMMAND_SUCCEEDED:
	case MK_COMMAND_LOST:
		settle(op);
		return;
	}
}

/* ---- looking ------------------------------------------------------------------------------------------------- */

static void again(struct mk_op *op)
{
	bool unknown = outcome_unknown(op);

	if (op->limit_passed && !unknown) {
		set_error(op, MK_ERROR_TIMEOUT, "step %s: still waiting for %s", op->r.step,
			  op->waiting_for ? op->waiting_for : "CloudStack");
		op_fail(op);
		return;
	}

	pause_op(op,
		 unknown ? op->engine->config.settle_interval : op->engine->config.poll_interval,
		 PHASE_ASK);
}

static void step_done(struct mk_op *op)
{
	if (op->r.undoing) {
		op->r.undone += op->r.command_state != MK_COMMAND_NONE;
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

	if (cancelled(op))
		return;

	mk_error_done(&op->error);
	op->waiting_for = (free(op->waiting_for), NULL);
	op->want_command = (free(op->want_command), NULL);
	json_object_put(take_ptr(op->want_params));

	r = op->r.undoing ? row(op)->undo(op) : row(op)->then(op);
	mk_op_touch(op, MK_OP_CHANGED_DETAILS | MK_OP_CHANGED_SUBJECT);

	switch ((enum mk_step_result)r) {
	case MK_DONE:
		step_done(op);
		return;
	case MK_AGAIN:
		again(op);
		return;
	case MK_COMMAND:
		if (op->want_command && op->want_params) {
			want_command(op);
			return;
		}
		set_error(op, MK_ERROR_INTERNAL, "step %s named no command", op->r.step);
		op_fail(op);
		return;
	case MK_FINISHED:
		op_end(op, MK_OP_SUCCEEDED);
		return;
	case MK_FAILED:
		op_fail(op);
		return;
	}

	set_error(op, MK_ERROR_INTERNAL, "step %s returned %d", op->r.step, r);
	op_fail(op);
}

/* ---- walking ------------------------------------------------------------------------------------------------- */

static void enter_step(struct mk_op *op)
{
	struct mk_op_record *r = &op->r;

	if (!row(op)->name) {
		r->step_index = r->step_count;
		op_end(op, MK_OP_SUCCEEDED);
		return;
	}

	op->step = row(op);
	if (r->started == 0)
		r->started = mk_now_realtime();
	(void)mk_str_set(&r->step, op->step->name);
	(void)mk_str_set(&r->command, "");
	(void)mk_str_set(&r->command_job, "");
	r->command_state = MK_COMMAND_NONE;
	r->command_code = 0;
	r->command_tries = 0;
	op->looks = 0;
	arm_limit(op);
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
		if (op->r.state == MK_OP_SETTLING && !outcome_unknown(op))
			mk_op_set_state(op, MK_OP_RUNNING);
		ask(op);
		break;
	case PHASE_LOOK:
		look(op);
		break;
	case PHASE_FOLLOW:
		follow(op);
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

void mk_op_resume(struct mk_op *op)
{
	uint64_t earliest = mk_now_realtime() + RESUME_GRACE;

	if (!op->method) {
		append_message(op, "waiting: its plugin is not loaded");
		return;
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
		set_error(op, MK_ERROR_OUTCOME_UNKNOWN, "this version has no step %s", op->r.step);
		op_fail(op);
	} else {
		arm_limit(op);
		if (!op->r.command_sync && (op->r.command_state == MK_COMMAND_JOURNALLED ||
					    op->r.command_state == MK_COMMAND_ACCEPTED))
			mk_op_kick(op, PHASE_FOLLOW);
		else
			mk_op_kick(op, PHASE_ASK);
	}
}
