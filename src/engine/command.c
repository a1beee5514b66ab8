/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command of a step: written to the journal, sent after the commit, its job followed. Whatever comes of it, the
 * row asks CloudStack again and looks. */

#include "engine-internal.h"

#include "base/log.h"

#include <syslog.h>

#define RETRY_MAX (30 * USEC_PER_SEC)

/* ---- commands ------------------------------------------------------------------------------------------------ */

/* CloudStack could not run it now, and may later. */
static bool worth_a_retry(const struct mk_op *op, int code)
{
	switch (code) {
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

/* Before the next try: longer each time. */
static uint64_t wait_after(const struct mk_op *op, int64_t tries)
{
	uint64_t wait = op->engine->config.poll_interval;

	for (int64_t i = 1; i < tries && wait < RETRY_MAX; i++)
		wait *= 2;
	return wait < RETRY_MAX ? wait : RETRY_MAX;
}

static void refused(struct mk_op *op, int code, const char *text)
{
	mk_op_log(op, LOG_NOTICE, "CloudStack refused %s: %d %s", op->r.command, code, text);
	(void)mk_store_add_event(op->engine->store, op->r.id, "refused", text);
	op->r.command_code = code;
	(void)mk_str_set(&op->r.command_text, text);

	if (worth_a_retry(op, code)) {
		op->r.command_state = MK_COMMAND_NONE;
		(void)mk_str_set(&op->r.command_job, "");
		mk_op_touch(op, 0);
		mk_op_pause(op, wait_after(op, op->r.command_tries), PHASE_ASK);
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
		mk_op_pause(op, op->engine->config.settle_interval, PHASE_FOLLOW);
	} else {
		/* It has not arrived, and still may. Sent again with the same id it can run only once. */
		op->r.command_state = MK_COMMAND_NONE;
		op->maybe_run = true;
		mk_op_touch(op, 0);
		mk_op_kick(op, PHASE_ASK);
	}
}

void mk_op_follow(struct mk_op *op)
{
	op->phase = PHASE_FOLLOW;
	op->watch = mk_cs_watch_job(op->engine->cs, op->r.command_job, on_job, op);
	if (!op->watch)
		mk_op_pause(op, op->engine->config.settle_interval, PHASE_FOLLOW);
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
	/* What a create command makes is there already, whatever becomes of its job. */
	id = reply->body ? mk_json_get(reply->body, "id") : NULL;
	if (id && mk_uuid_valid(json_object_get_string(id)))
		mk_json_set_str(op->r.scratch, MK_OP_CREATED, json_object_get_string(id));
	op->r.command_state = MK_COMMAND_ACCEPTED;
	op->maybe_run = false;
	mk_op_touch(op, 0);
	mk_op_follow(op);
}

/* ---- commands that never left ------------------------------------------------------------------------------- */

/* As before the look that named it: the plugin's notes say what was sent. The job's id is used again. */
static void take_back(struct mk_op *op)
{
	json_object *children = mk_json_get(op->r.scratch, MK_OP_CHILDREN);

	if (op->scratch_before) {
		if (children)
			json_object_object_add(op->scratch_before, MK_OP_CHILDREN,
					       json_object_get(children));
		json_object_put(op->r.scratch);
		op->r.scratch = take_ptr(op->scratch_before);
	}
	op->r.command_state = MK_COMMAND_NONE;
	op->r.command_tries--;
	mk_op_touch(op, 0);
}

void mk_op_stop(struct mk_op *op)
{
	bool unsent = mk_op_is_unsent(op);

	mk_op_stop_io(op);
	if (unsent)
		take_back(op);
}

/* By now somebody else may have changed what it is about: it is sent only after another look. */
static void put_off(struct mk_op *op, const char *why)
{
	op->put_off++;
	mk_op_log(op, op->put_off > 1 ? LOG_DEBUG : LOG_NOTICE, "%s was not run: %s", op->r.command,
		  why);
	(void)mk_str_set(&op->r.command_text, why);
	if (!op->maybe_run)
		take_back(op);
	mk_op_pause(op, wait_after(op, op->put_off), PHASE_ASK);
}

/* ---- sending --------------------------------------------------------------------------------------------------- */

static void on_sent(const struct mk_cs_reply *reply, void *data)
{
	struct mk_op *op = data;

	op->request = NULL;
	if (reply->outcome == MK_CS_NOT_RUN) {
		put_off(op, reply->text);
		return;
	}

	op->put_off = 0;
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
	case MK_CS_NOT_RUN:
	case MK_CS_UNKNOWN:
		break;
	}

	mk_op_log(op, LOG_WARNING, "no answer to %s (%s); finding out what became of it",
		  op->r.command, reply->text);
	mk_op_set_state(op, op->r.undoing ? MK_OP_ROLLING_BACK : MK_OP_SETTLING);
	if (op->r.command_sync)
		mk_op_pause(op, op->engine->config.settle_interval, PHASE_ASK);
	else
		mk_op_follow(op);
}

void mk_op_send(struct mk_op *op)
{
	op->phase = PHASE_SENT;
	op->looks = 0;
	op->request = mk_cs_write(op->engine->cs, op->r.command, op->r.command_params,
				  op->r.command_sync, on_sent, op);
	if (!op->request)
		put_off(op, "there is no memory to send it");
}

/* Writes the wanted command down; it is sent after the commit. */
static void journal(struct mk_op *op, bool again)
{
	struct mk_op_record *r = &op->r;
	char job[MK_UUID_SIZE];

	if (!again) {
		op->put_off = 0;
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
			mk_op_set_error(op, MK_ERROR_INTERNAL, "cannot make a job id");
			mk_op_kick(op, PHASE_FAIL);
			return;
		}
		mk_json_set_str(r->command_params, "customjobid", r->command_job);
	}

	op->maybe_run = again && (op->maybe_run || r->command_state == MK_COMMAND_JOURNALLED);
	op->unsettled = false;
	r->command_code = 0;
	r->command_tries++;
	r->command_state = MK_COMMAND_JOURNALLED;
	mk_op_log(op, LOG_INFO, "step %s: sending %s", r->step, r->command);
	(void)mk_store_add_event(op->engine->store, r->id, r->command, r->command_job);
	mk_op_touch(op, 0);
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
	mk_op_pause(op, op->engine->config.settle_interval, PHASE_ASK);
}

void mk_op_want_command(struct mk_op *op)
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
	case MK_COMMAND_JOURNALLED: /* harmless to repeat: synchronous, or with its job's id */
		if (++op->looks >= UNKNOWN_LOOKS)
			journal(op, true);
		else
			settle(op);
		return;
	case MK_COMMAND_REFUSED:
		mk_op_set_error(op, MK_ERROR_REFUSED,
				"CloudStack refused %s in step %s: %" PRIi64 " %s", op->r.command,
				op->r.step, op->r.command_code, op->r.command_text);
		mk_op_kick(op, PHASE_FAIL);
		return;
	case MK_COMMAND_ACCEPTED:
	case MK_COMMAND_SUCCEEDED:
	case MK_COMMAND_LOST:
		settle(op);
		return;
	}
}
