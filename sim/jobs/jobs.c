/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Asynchronous jobs. In CloudStack the job of an API command checks its parameters, and then waits for a work job in
 * its VM's queue. The queues are looked at every two seconds (the heartbeat of AsyncJobManagerImpl, setting queue-ms);
 * then the first job of each begins. One work job of a queue runs at a time; nothing makes the jobs of one volume wait
 * for each other. Here both jobs are one struct: check() runs at once, begin() when its turn has come, and finish() when
 * its time is over. The job ends some time after that.
 */

#include "jobs-internal.h"

#include <stdarg.h>

static int on_time(sd_event_source *s, uint64_t usec, void *data);
static bool begin(struct sim_job *job);
static void begin_alone(struct sim_job *job);

struct sim_job *sim_job_free(struct sim_job *job)
{
	sd_event_source_disable_unref(job->timer);
	json_object_put(job->params);
	json_object_put(job->result);
	free(job->fault_text);
	sim_object_free(&job->o);
	return NULL;
}

void job_set_timer(struct sim_job *job, enum sim_job_phase phase, int64_t ms)
{
	uint64_t at = mk_now_monotonic() + (uint64_t)ms * USEC_PER_MSEC;

	job->phase = phase;
	job->timer = sd_event_source_disable_unref(job->timer);
	if (sd_event_add_time(job->sim->event, &job->timer, CLOCK_MONOTONIC, at, 1, on_time, job) <
	    0)
		abort();
	/* of two that are due the older one comes first */
	(void)sd_event_source_set_priority(job->timer, job->o.number);
}

/* Its id is unknown from now on. What it does goes on. */
static void forget(struct sim_job *job)
{
	struct sim *sim = job->sim;
	struct sim_object *o = &job->o;

	if (job->forgotten)
		return;

	job->forgotten = true;
	HASH_DEL(sim->objects[K_JOB], o);
	if (job->phase == JOB_ENDED) {
		TAILQ_REMOVE(&sim->finished, job, listed);
		sim_job_free(job);
	}
}

void sim_jobs_expire(struct sim *sim)
{
	uint64_t age = (uint64_t)sim_get(sim, "job-expire-ms") * USEC_PER_MSEC;
	uint64_t now = mk_now_monotonic();
	struct sim_job *job;

	while ((job = TAILQ_FIRST(&sim->finished)) && now - job->ended >= age)
		forget(job);
	TAILQ_FOREACH(job, &sim->pending, listed) {
		if (now - job->born < age)
			break;
		forget(job);
	}
}

struct sim_job *sim_job_of(struct sim *sim, const char *instance, const char *id)
{
	struct sim_job *job;

	TAILQ_FOREACH(job, &sim->pending, listed)
		if (!job->forgotten && streq(job->instance_id, id) &&
		    streq(job->command->instance, instance))
			return job;
	return NULL;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void set_error(struct sim_job *job, int code, const char *text)
{
	json_object_put(job->result);
	job->result = sim_json_object();
	mk_json_set_int(job->result, "errorcode", code);
	mk_json_set_str(job->result, "errortext", text);
	job->code = code;
	job->failed = true;
}

bool sim_job_refuse(struct sim_job *job, int code, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	set_error(job, code, text);
	return false;
}

/* As after a restart of the server: no jobresult. */
void job_set_no_result(struct sim_job *job)
{
	json_object_put(job->result);
	job->result = NULL;
	job->code = 530;
	job->failed = true;
}

static void set_fault_error(struct sim_job *job)
{
	set_error(job, job->fault_code ? job->fault_code : 530,
		  job->fault_text ? job->fault_text
				  : "Command failed due to Internal Server Error");
}

/* Returns whether it was the one at work. */
bool job_unqueue(struct sim_job *job)
{
	struct sim_vm *vm = job->queue;
	bool first;

	if (!vm)
		return false;

	first = TAILQ_FIRST(&vm->queue) == job;
	TAILQ_REMOVE(&vm->queue, job, queued);
	job->queue = NULL;
	return first;
}

static void begin_first(struct sim_job *job)
{
	if (job->queue && job->phase == JOB_QUEUED && !job->stuck &&
	    TAILQ_FIRST(&job->queue->queue) == job && begin(job))
		job->beginning = true;
}

/*
 * The first job of each queue that waits begins; all of them, before any goes on. In CloudStack threads decide which of
 * them is first.
 */
static int on_beat(sd_event_source *s, uint64_t usec, void *data)
{
	struct sim *sim = data;
	bool newest = streq(sim_get_text(sim, "beat-order"), "newest");
	struct sim_job *job, *next;

	sim->beat = sd_event_source_disable_unref(sim->beat);
	if (sim->database_away)
		return 0; /* sim_database_back() begins them */
	job = newest ? TAILQ_LAST(&sim->pending, sim_job_list) : TAILQ_FIRST(&sim->pending);
	for (; job; job = next) {
		next = newest ? TAILQ_PREV(job, sim_job_list, listed) : TAILQ_NEXT(job, listed);
		begin_first(job);
	}
	TAILQ_FOREACH(job, &sim->pending, listed) {
		if (job->beginning && job->command->proceed)
			job->command->proceed(job);
		job->beginning = false;
	}
	return 0;
}

/* The first job of the queue begins: at the next beat, or at once if there is none. */
void job_begin_next(struct sim *sim, struct sim_vm *vm)
{
	uint64_t ms = (uint64_t)sim_get(sim, "queue-ms");
	struct sim_job *first = TAILQ_FIRST(&vm->queue);

	if (!first || first->phase != JOB_QUEUED || first->stuck || sim->database_away)
		return;
	if (ms == 0)
		begin_alone(first);
	else if (!sim->beat &&
		 sd_event_add_time(sim->event, &sim->beat, CLOCK_MONOTONIC,
				   mk_now_monotonic() + ms * USEC_PER_MSEC, 1, on_beat, sim) < 0)
		abort();
}

void job_leave_queue(struct sim_job *job)
{
	struct sim_vm *vm = job->queue;

	if (job_unqueue(job))
		job_begin_next(job->sim, vm);
}

void job_end(struct sim_job *job)
{
	struct sim *sim = job->sim;

	job->timer = sd_event_source_disable_unref(job->timer);
	job->phase = JOB_ENDED;
	job->status = job->failed ? 2 : 1;
	job->completed = mk_now_realtime();
	job->ended = mk_now_monotonic();
	TAILQ_REMOVE(&sim->pending, job, listed);
	job_leave_queue(job);

	if (job->forgotten) {
		sim_job_free(job);
		return;
	}
	TAILQ_INSERT_TAIL(&sim->finished, job, listed);
	if (job->fault == SIM_JOB_LOST)
		forget(job);
}

void job_give_up(struct sim_job *job)
{
	if (job->begun && !job->concluding && job->command->abort)
		job->command->abort(job);
}

/* ---- the work -------------------------------------------------------------------------------- */

/* It still shows the job as pending. */
static void set_result(struct sim_job *job)
{
	const struct sim_command *c = job->command;

	if (c->result) {
		job->result = c->result(job);
	} else {
		job->result = sim_json_object();
		mk_json_set_bool(job->result, "success", true);
	}
}

void job_work(struct sim_job *job)
{
	const struct sim_command *c = job->command;

	if (job->fault == SIM_JOB_ERROR) {
		job_give_up(job);
		set_fault_error(job);
		return;
	}
	if (c->finish && !c->finish(job)) {
		job_give_up(job);
		return;
	}
	if (!c->create && !job->nothing_done)
		sim_executed(job->sim, c->name);
	if (!c->conclude)
		set_result(job);
}

static void report(struct sim_job *job)
{
	const struct sim_command *c = job->command;

	if (!job->failed && c->conclude && c->conclude(job))
		set_result(job);
	if (!job->failed && job->fault == SIM_JOB_ERROR_DONE)
		set_fault_error(job);
	if (!job->failed && job->fault == SIM_JOB_NO_RESULT)
		job_set_no_result(job);
	job_end(job);
}

static int64_t duration(struct sim_job *job)
{
	const char *key = job->command->duration ? job->command->duration : "job-ms";

	return sim_get(job->sim, key) + (job->fault == SIM_JOB_LATE ? job->fault_ms : 0);
}

/* The rest of the work, or all of it. A held job is held in its middle; a dead agent has come to the end. */
static void go_on(struct sim_job *job, int64_t ms)
{
	if (job->fault == SIM_JOB_AGENT_DIES && job->command->linger)
		job->command->linger(job);
	if (job->fault == SIM_JOB_HOLD || job->fault == SIM_JOB_AGENT_DIES)
		job->phase = JOB_HELD;
	else
		job_set_timer(job, JOB_WORKING, ms);
}

/* What is to be concluded is work of the VM's queue once more; what came meanwhile is before it. */
static void queue_again(struct sim_job *job)
{
	struct sim_vm *vm = job->queue;

	(void)job_unqueue(job);
	job->queue = vm;
	job->phase = JOB_QUEUED;
	job->concluding = true;
	TAILQ_INSERT_TAIL(&vm->queue, job, queued);
	job_begin_next(job->sim, vm);
}

/* An API job looks for the end of its work job now and then (vm.job.check.interval). */
static int on_time(sd_event_source *s, uint64_t usec, void *data)
{
	struct sim_job *job = data;
	bool waits = job->queue && sim_get(job->sim, "report-ms") > 0;

	if (job->sim->database_away) {
		job->due = true;
		return 0;
	}
	if (job->phase == JOB_STARTED && job->command->midway(job)) {
		int64_t ms = duration(job);

		go_on(job, ms - ms / 2);
		return 0;
	}
	if (job->phase == JOB_STARTED)
		job_give_up(job);
	else if (job->phase == JOB_WORKING)
		job_work(job);
	else
		waits = false;

	if (job->command->conclude && job->queue && !job->failed && !job->concluding) {
		queue_again(job);
		return 0;
	}
	if (!waits) {
		report(job);
		return 0;
	}
	job_leave_queue(job);
	job_set_timer(job, JOB_REPORTING, sim_get(job->sim, "report-ms"));
	return 0;
}

/* False: it has nothing to proceed with. It may have been refused, and have ended. */
static bool begin(struct sim_job *job)
{
	int64_t ms = duration(job);

	if (job->concluding) {
		job_set_timer(job, JOB_REPORTING, sim_get(job->sim, "report-ms"));
		return false;
	}
	if (job->command->begin && !job->command->begin(job)) {
		job_end(job);
		return false;
	}

	job->begun = true;
	if (job->command->midway)
		job_set_timer(job, JOB_STARTED, ms / 2 + job->wait_ms);
	else
		go_on(job, ms + job->wait_ms);
	return true;
}

static void begin_alone(struct sim_job *job)
{
	if (begin(job) && job->command->proceed)
		job->command->proceed(job);
}

static void run(struct sim_job *job)
{
	if (job->command->check && !job->command->check(job)) {
		job_end(job);
		return;
	}
	if (!job->queue) {
		begin_alone(job);
		return;
	}

	TAILQ_INSERT_TAIL(&job->queue->queue, job, queued);
	if (TAILQ_FIRST(&job->queue->queue) == job)
		job_begin_next(job->sim, job->queue);
}

void sim_release(struct sim *sim)
{
	struct sim_job *job;

	TAILQ_FOREACH(job, &sim->pending, listed) {
		if (job->phase == JOB_HELD && !job->stuck)
			job_set_timer(job, JOB_WORKING, 0);
		else if (job->fault == SIM_JOB_HOLD)
			job->fault = SIM_JOB_OK; /* still in a queue: it will not be held there */
	}
}

/* ---- the start ------------------------------------------------------------------------------- */

struct sim_job *sim_job_new(struct sim_request *q)
{
	struct sim_job *job = (struct sim_job *)sim_add(q->sim, K_JOB, NULL, NULL);

	job->sim = q->sim;
	job->o.owner = q->caller;
	job->command = q->command;
	job->params = json_object_get(q->params);
	job->fault = q->call->fault;
	job->fault_code = q->call->fault_code;
	job->fault_text = sim_strdup(q->call->fault_text);
	job->fault_ms = q->call->fault_ms;
	job->server = &q->sim->servers[q->call->server];
	memcpy(job->server_id, job->server->id, sizeof(job->server_id));
	job->device_id = -1;
	job->born = mk_now_monotonic();
	return job;
}

void sim_job_run(struct sim_job *job)
{
	struct sim_object *o = &job->o;

	HASH_ADD_STR(job->sim->objects[K_JOB], id, o);
	TAILQ_INSERT_TAIL(&job->sim->pending, job, listed);
	run(job);
}
