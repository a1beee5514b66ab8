/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What becomes of jobs when a management server dies and comes back, and when the servers lose their database. In
 * CloudStack a server's own start cleans up after it (AsyncJobManagerImpl.cleanupLeftOverJobs()). The other servers
 * should do so for a dead one, but onManagementNodeLeft() gives the wrong number: such jobs stay pending.
 */

#include "jobs-internal.h"

/* A server dies: nothing of it goes on. What the hypervisor was asked for may be done all the same. */
void sim_server_dies(struct sim *sim, unsigned server, bool disk_stays)
{
	const struct sim_server *dead = &sim->servers[server];
	struct sim_snapshot *s;
	struct sim_volume *v;
	struct sim_job *job;

	TAILQ_FOREACH(job, &sim->pending, listed) {
		if (job->server != dead || job->stuck)
			continue;
		job->timer = sd_event_source_disable_unref(job->timer);
		job->stuck = true;
		if (disk_stays && job->begun && job->phase != JOB_REPORTING && job->command->linger)
			job->command->linger(job);
	}
	SIM_FOREACH(sim, K_VOLUME, v)
		if (v->expunged_by == dead)
			v->expunging = sd_event_source_disable_unref(v->expunging);
	SIM_FOREACH(sim, K_SNAPSHOT, s) {
		if (s->backup_by != dead || !s->backup)
			continue;
		s->backup = sd_event_source_disable_unref(s->backup);
		s->o.removed = true; /* as one whose copying failed */
	}
}

static bool is_left_over(const struct sim_job *job, const struct sim_server *server)
{
	return job->server == server && streq(job->server_id, server->id);
}

static void interrupt(struct sim_job *job)
{
	if (job->begun && !job->concluding && job->phase != JOB_REPORTING &&
	    job->command->interrupt)
		job->command->interrupt(job);
	else if (job->phase != JOB_REPORTING)
		job_give_up(job);
	if (job->snapshot && job->snapshot->o.removed && streq(job->command->instance, "Snapshot"))
		*job->instance_id = '\0'; /* its row is gone */
	job_set_no_result(job);
	job->interrupted = true;
	job_end(job);
}

static void begin_queues(struct sim *sim)
{
	struct sim_vm *vm;

	SIM_FOREACH(sim, K_VM, vm)
		job_begin_next(sim, vm);
}

/* It comes back: what it left pending fails without a jobresult, and what was being changed goes to its failure state. */
void sim_server_starts(struct sim *sim, unsigned server, bool other_id)
{
	struct sim_server *s = &sim->servers[server];
	struct sim_job *job, *next;

	if (other_id && mk_uuid_random(s->id) < 0)
		abort();
	TAILQ_FOREACH(job, &sim->pending, listed)
		if (is_left_over(job, s))
			(void)job_unqueue(job);
	for (job = TAILQ_FIRST(&sim->pending); job; job = next) {
		next = TAILQ_NEXT(job, listed);
		if (is_left_over(job, s))
			interrupt(job);
	}
	begin_queues(sim);
}

void sim_restart(struct sim *sim, bool disk_stays)
{
	for (unsigned i = 0; i < SIM_SERVERS; i++)
		sim_server_dies(sim, i, disk_stays);
	for (unsigned i = 0; i < SIM_SERVERS; i++)
		sim_server_starts(sim, i, false);
}

/* ---- the database ---------------------------------------------------------------------------- */

void sim_database_away(struct sim *sim)
{
	sim->database_away = true;
}

bool sim_database_is_away(const struct sim *sim)
{
	return sim->database_away;
}

static bool at_work(const struct sim_job *job)
{
	return !job->stuck && job->phase != JOB_QUEUED && job->phase != JOB_ENDED;
}

/* It stays pending until its server is started again. The VM's queue goes on. */
static void never_end(struct sim_job *job, bool done)
{
	if (done && job->phase == JOB_STARTED && !job->command->midway(job))
		done = false;
	if (job->phase != JOB_REPORTING && done)
		job_work(job);
	else if (job->phase != JOB_REPORTING)
		job_give_up(job);
	job->begun = false;
	job->timer = sd_event_source_disable_unref(job->timer);
	job->stuck = true;
	job_leave_queue(job);
}

static void survive(struct sim_job *job, enum sim_database_end how)
{
	switch (how) {
	case SIM_DATABASE_WAIT:
		if (job->due)
			job_set_timer(job, job->phase, sim_get(job->sim, "report-ms"));
		break;
	case SIM_DATABASE_FAIL:
		if (job->phase != JOB_REPORTING)
			job_give_up(job);
		(void)sim_job_refuse(job, 530,
				     "Unable to find by id on DB, due to: Communications link "
				     "failure");
		job_end(job);
		return;
	case SIM_DATABASE_NEVER:
	case SIM_DATABASE_NEVER_DONE:
		never_end(job, how == SIM_DATABASE_NEVER_DONE);
		break;
	}
	job->due = false;
}

void sim_database_back(struct sim *sim, enum sim_database_end how)
{
	struct sim_job *job, *next;

	if (!sim->database_away)
		return;

	for (job = TAILQ_FIRST(&sim->pending); job; job = next) {
		next = TAILQ_NEXT(job, listed);
		if (at_work(job))
			survive(job, how);
	}
	sim->database_away = false;
	begin_queues(sim);
}
