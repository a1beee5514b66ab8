/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The command migrateVolume: a volume moves to another storage, and keeps its id. In the order of CloudStack's
 * VolumeApiServiceImpl. Its disk file has another name then, and its serial the same digits.
 */

#include "commands-internal.h"
#include "declared-internal.h"

#define LIVE                                                                                       \
	"KVM does not support volume live migration due to the limited possibility to refresh VM " \
	"XML domain. Therefore, to live migrate a volume between storage pools, one must migrate " \
	"the VM to a different host as well to force the VM XML domain update. Use "               \
	"'migrateVirtualMachineWithVolumes' instead."

static struct sim_object *destination(struct sim_job *job)
{
	return sim_arg_object(job->sim, job->params, "storageid", K_POOL);
}

static bool check(struct sim_job *job)
{
	struct sim_volume *v = sim_arg_volume(job->sim, job->params, "volumeid");

	if (!v)
		return sim_job_refuse(
			job, 431, "Failed to find the volume id: %" PRId64,
			sim_arg_ref(job->sim, job->params, "volumeid", K_VOLUME).number);
	if (!streq(v->state, "Ready"))
		return sim_job_refuse(job, 431, "Volume must be in ready state");
	if (v->pool == destination(job)) {
		_cleanup_free_ char *text = sim_volume_text(v);

		return sim_job_refuse(job, 431,
				      "Volume %s is already on the destination storage pool", text);
	}
	if (v->vm && sim_vm_count(job->sim, K_VM_SNAPSHOT, v->vm) > 0)
		return sim_job_refuse(job, 431,
				      "Volume cannot be migrated, please remove all VM snapshots "
				      "for VM to which this volume is attached");
	if (v->vm && streq(v->vm->state, "Running") &&
	    streq(sim_vm_hypervisor(job->sim, v->vm), "KVM"))
		return sim_job_refuse(job, 431, LIVE);

	job->volume = v;
	job->queue = v->vm;
	return true;
}

static bool begin(struct sim_job *job)
{
	job->state_before = job->volume->state;
	sim_volume_set_state(job->volume, "Migrating");
	return true;
}

static void undo(struct sim_job *job)
{
	sim_volume_set_state(job->volume, job->state_before);
}

/* The new row takes the id from the old one. */
static bool finish(struct sim_job *job)
{
	struct sim_volume *v = job->volume;

	undo(job);
	v->o.number = ++job->sim->last_number[K_VOLUME];
	v->pool = destination(job);
	if (mk_uuid_random(v->path) < 0)
		abort();
	return true;
}

const struct sim_command sim_migrate_commands[] = {
	{
		.name = "migrateVolume",
		.mode = SIM_ASYNC,
		.class = "volume.MigrateVolume",
		.instance = "Volume",
		.params = sim_params_migrate_volume,
		.check = check,
		.begin = begin,
		.finish = finish,
		.abort = undo,
		.result = sim_result_volume,
	},
	{ .name = NULL },
};
