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
 * Restarts the management server: all pending jobs fail (530) without a jobresult. disk_stays: a disk that such a job
 * was plugging in stays plugged in.
 */
void sim_restart(struct sim *sim, bool disk_stays);
