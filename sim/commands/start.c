/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts the job of an asynchronous command: the part of it that is done in the request. */

#include "commands-internal.h"

/* As BaseAsyncCmd and UUIDManagerImpl: comes after everything else, the row of a create included. */
static bool check_custom_id(struct sim_request *q, struct sim_job *job)
{
	const char *id = mk_json_str(q->params, "customjobid", NULL);
	struct sim_job *other;

	if (!id)
		return true;
	if (!mk_uuid_valid(id))
		return sim_refuse(q, 431, CS_INVALID, "UUID: %s doesn't follow the UUID format",
				  id);

	other = (struct sim_job *)sim_find(q->sim, K_JOB, id);
	if (other && other->status == 0)
		return sim_refuse(q, 431, CS_INVALID,
				  "UUID: %s already exists so can't create/update with custom id",
				  id);
	if (other)
		return sim_refuse(q, 530, CS_PLAIN, "%s",
				  sim_is_admin(q->caller) ? "Entity already exists "
							  : SIM_GENERIC_ERROR);

	snprintf(job->o.id, sizeof(job->o.id), "%s", id);
	return true;
}

static void set_instance(struct sim_job *job)
{
	const char *type = job->command->instance;
	struct sim_object *o = !type                           ? NULL
			       : streq(type, "Volume")         ? (struct sim_object *)job->volume
			       : streq(type, "VirtualMachine") ? (struct sim_object *)job->vm
			       : streq(type, "Snapshot")       ? (struct sim_object *)job->snapshot
							       : NULL;

	if (o)
		memcpy(job->instance_id, o->id, sizeof(o->id));
}

static void answer(struct sim_request *q, struct sim_job *job)
{
	json_object *o = sim_json_object();

	if (q->command->create)
		mk_json_set_str(o, "id", job->instance_id);
	mk_json_set_str(o, "jobid", job->o.id);
	sim_reply(q, o);
	q->answer->job = sim_strdup(job->o.id);
}

void sim_job_start(struct sim_request *q)
{
	struct sim_job *job = sim_job_new(q);

	if (q->command->prepare && !q->command->prepare(q, job)) {
		sim_job_free(job);
		return;
	}
	if (q->command->create)
		sim_executed(q->sim, q->command->name);
	if (!check_custom_id(q, job)) {
		sim_job_free(job);
		return;
	}

	set_instance(job);
	answer(q, job);
	if (job->fault == SIM_JOB_LOST_BEFORE) {
		sim_job_free(job);
		return;
	}

	sim_job_run(job);
}
