/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What jobs.c and outage.c share: the pieces of a job's life. */

#include "jobs.h"

/* Its timer runs for so long, in this phase. */
void job_set_timer(struct sim_job *job, enum sim_job_phase phase, int64_t ms);
/* Takes it out of its VM's queue. Returns whether it was the one at work. */
bool job_unqueue(struct sim_job *job);
/* The same, and the next one begins. */
void job_leave_queue(struct sim_job *job);
/* The first job of the queue begins, if it waits: at the next beat, or at once if there is none. */
void job_begin_next(struct sim *sim, struct sim_vm *vm);
/* The work; or its refusal. */
void job_work(struct sim_job *job);
/* Takes back what can be seen of the work. */
void job_give_up(struct sim_job *job);
/* As after a restart of the server: no jobresult. */
void job_set_no_result(struct sim_job *job);
/* It has ended, and may be freed. */
void job_end(struct sim_job *job);
