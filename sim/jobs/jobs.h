/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Asynchronous jobs: their queues, their time, their end. What a job does is in the functions of its command (struct
 * sim_command); each of them returns false after sim_job_refuse().
 */

#include "model/model.h"

/* A new job of the request's command, not yet accepted. sim_job_run() accepts and runs it; it may end at once. */
struct sim_job *sim_job_new(struct sim_request *q);
void sim_job_run(struct sim_job *job);
/* The job fails with this code and text. Returns false. */
bool sim_job_refuse(struct sim_job *job, int code, const char *fmt, ...) _printf_(3, 4);
/* The pending job on an object, or NULL. */
struct sim_job *sim_job_of(struct sim *sim, const char *instance_type, const char *id);
void sim_jobs_expire(struct sim *sim);
struct sim_job *sim_job_free(struct sim_job *job);

/* Lets held jobs go on. Jobs that wait in a VM's queue will not be held any more. */
void sim_release(struct sim *sim);

/*
 * A management server dies: its pending jobs stay as they are. disk_stays: a disk that such a job was plugging in stays
 * plugged in. It starts again: they fail (530) without a jobresult; but with other_id it takes itself for another
 * server, and they stay pending.
 */
void sim_server_dies(struct sim *sim, unsigned server, bool disk_stays);
void sim_server_starts(struct sim *sim, unsigned server, bool other_id);
/* All of them, one after the other. */
void sim_restart(struct sim *sim, bool disk_stays);

/* What becomes of the jobs that were at work while the database was away. */
enum sim_database_end {
	SIM_DATABASE_WAIT,       /* they go on */
	SIM_DATABASE_FAIL,       /* they fail: the connection was cut */
	SIM_DATABASE_NEVER,      /* they did nothing, and never end */
	SIM_DATABASE_NEVER_DONE, /* they did their work, and never end */
};

void sim_database_away(struct sim *sim);
bool sim_database_is_away(const struct sim *sim);
void sim_database_back(struct sim *sim, enum sim_database_end how);
