/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One operation: its state, its log messages, what is known of its command, and its timers. Nothing here decides
 * what it does next. */

#include "engine-internal.h"

#include "base/log.h"

const struct mk_op_record *mk_op_record(const struct mk_op *op)
{
	return &op->r;
}

enum mk_privilege mk_op_privilege(const struct mk_op *op)
{
	return op->method ? op->method->privilege : MK_PRIVILEGE_DELETE;
}

void mk_op_set_data(struct mk_op *op, void *data)
{
	op->data = data;
}

void *mk_op_data(const struct mk_op *op)
{
	return op->data;
}

void mk_op_log(const struct mk_op *op, int priority, const char *fmt, ...)
{
	struct mk_log_fields fields = {
		.operation = op->r.id,
		.vm = *op->r.vm ? op->r.vm : NULL,
		.step = *op->r.step ? op->r.step : NULL,
		.plugin = op->r.class,
		.cloudstack_job = *op->r.command_job ? op->r.command_job : NULL,
	};
	size_t n = json_object_array_length(op->r.volumes);
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int r;

	if (n > 0)
		fields.volume =
			json_object_get_string(json_object_array_get_idx(op->r.volumes, n - 1));

	va_start(ap, fmt);
	r = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (r < 0) {
		text = NULL;
		return;
	}

	mk_log(priority, &fields, "%s", text);
}

void mk_op_touch(struct mk_op *op, unsigned changed)
{
	if (op->transient)
		return;

	op->changed |= changed;
	if (op->dirty)
		return;

	op->dirty = true;
	TAILQ_INSERT_TAIL(&op->engine->dirty, op, dirty_entry);
	op->engine->want_turn(op->engine->want_turn_data);
}

/* The one place that assigns an operation's state. */
void mk_op_set_state(struct mk_op *op, enum mk_op_state state)
{
	if (op->r.state == state)
		return;

	mk_op_log(op, mk_op_state_final(state) && !op->transient ? LOG_INFO : LOG_DEBUG,
		  "%s: %s -> %s%s%s", op->r.kind, mk_op_state_to_string(op->r.state),
		  mk_op_state_to_string(state), *op->r.message ? ": " : "", op->r.message);
	op->r.state = state;
	if (!op->transient)
		(void)mk_store_add_event(op->engine->store, op->r.id, mk_op_state_to_string(state),
					 op->r.message);
	mk_op_touch(op, MK_OP_CHANGED_STATE);
}

void mk_op_kick(struct mk_op *op, enum mk_op_phase phase)
{
	op->phase = phase;
	if (op->queued)
		return;

	op->queued = true;
	TAILQ_INSERT_TAIL(&op->engine->run, op, run_entry);
	(void)sd_event_source_set_enabled(op->engine->run_source, SD_EVENT_ONESHOT);
}

void mk_op_stop_io(struct mk_op *op)
{
	mk_cs_request_cancel(op->request);
	op->request = NULL;
	mk_cs_watch_cancel(op->watch);
	op->watch = NULL;
	op->pause = sd_event_source_disable_unref(op->pause);
}

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

const char *mk_op_volume_id(const struct mk_op *op)
{
	size_t n = json_object_array_length(op->r.volumes);

	return n ? json_object_get_string(json_object_array_get_idx(op->r.volumes, n - 1)) : "";
}

void mk_op_forget_answers(struct mk_op *op)
{
	op->answered = false;
	mk_cs_vms_done(&op->vms);
	mk_cs_volumes_done(&op->volumes);
	json_object_put(take_ptr(op->rows));
	op->n_asked = 0;
}

/* ---- what CloudStack may be doing ----------------------------------------------------------------------- */

bool mk_op_is_unsent(const struct mk_op *op)
{
	return op->phase == PHASE_SENT && op->request && !op->maybe_run &&
	       !mk_cs_request_left(op->request);
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

/* ---- time ----------------------------------------------------------------------------------------------- */

uint64_t mk_op_own_deadline(const struct mk_op *op)
{
	uint64_t usec = op->engine->config.deadline;

	return op->r.created + (usec ? usec : op->method->deadline_s * USEC_PER_SEC);
}

int mk_op_arm(struct mk_op *op, sd_event_source **source, uint64_t usec,
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
	if (mk_op_arm(op, &op->pause, usec, on_pause) < 0)
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
	(void)mk_op_arm(op, &op->limit, usec ? usec : mk_op_row(op)->limit_s * USEC_PER_SEC,
			on_limit);
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
		(void)mk_op_arm(op, &op->limit, op->limit_left, on_limit);
	op->limit_left = 0;
}

void mk_op_disarm_limit(struct mk_op *op)
{
	op->limit = sd_event_source_disable_unref(op->limit);
	op->limit_passed = false;
	op->limit_left = 0;
}
