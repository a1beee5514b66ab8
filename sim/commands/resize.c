/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command resizeVolume. CloudStack reports this command's InvalidParameterValueException as 432, not as 431. */

#include "commands-internal.h"
#include "declared-internal.h"

#define SIZE_MAX_GIB 2000

static bool prepare(struct sim_request *q, struct sim_job *job)
{
	job->volume = (struct sim_volume *)sim_arg_ref(q->sim, q->params, "id", K_VOLUME).object;
	return true;
}

static struct sim_object *offering_of(struct sim_job *job)
{
	struct sim_object *wanted =
		sim_arg_object(job->sim, job->params, "diskofferingid", K_DISK_OFFERING);

	return wanted ? wanted : job->volume->offering;
}

static bool customized(const struct sim_object *offering)
{
	return offering && mk_json_bool(offering->row, "iscustomized", false);
}

/* The size in GiB that is asked for; a fixed offering has its own. */
static uint64_t wanted_size(struct sim_job *job)
{
	const struct sim_object *offering = offering_of(job);
	int64_t gib = sim_arg_number(job->params, "size", 0);

	if (sim_arg(job->params, "diskofferingid") && offering && !customized(offering))
		gib = mk_json_int(offering->row, "disksize", 0);
	return gib > 0 && gib <= SIZE_MAX_GIB ? (uint64_t)gib * GIB : 0;
}

static bool check_offering(struct sim_job *job)
{
	const struct sim_volume *v = job->volume;
	bool wanted = sim_arg(job->params, "diskofferingid");

	if (v->offering && mk_json_bool(v->offering->row, "disksizestrictness", false))
		return sim_job_refuse(job, 432,
				      "Resize of volume %s is not allowed, since disk size is "
				      "strictly fixed as per the disk offering",
				      v->o.id);
	if (!wanted && !customized(v->offering) && !v->root)
		return sim_job_refuse(
			job, 432,
			"To change a volume's size without providing a new disk offering, its "
			"current disk offering must be customizable or it must be a root volume "
			"(if "
			"providing a disk offering, make sure it is different from the current "
			"disk "
			"offering).");
	return true;
}

static bool check_hypervisor(struct sim_job *job)
{
	static const char *const allowed[] = { "KVM", "XenServer", "VMware", "Simulator",
					       "Any", "None",      NULL };
	const struct sim_volume *v = job->volume;
	const char *hypervisor = v->stored ? sim_volume_hypervisor(job->sim, v) : "None";

	if (!sim_state_name(allowed, hypervisor))
		return sim_job_refuse(job, 432, "Hypervisor %s does not support volume resize",
				      hypervisor);
	if (v->vm && sim_vm_count(job->sim, K_VM_SNAPSHOT, v->vm) > 0)
		return sim_job_refuse(job, 432,
				      "The volume is attached to a VM with memory&disk VM "
				      "snapshots; therefore, it cannot be resized.");
	return true;
}

static bool check_size(struct sim_job *job)
{
	const struct sim_volume *v = job->volume;
	uint64_t size = wanted_size(job);

	if (size == 0)
		return sim_job_refuse(job, 432, "Requested size out of range");
	if (size < v->size && v->stored)
		return sim_job_refuse(job, 432, "Unable to shrink volumes of type QCOW2");
	if (size < v->size && !sim_arg_bool(job->params, "shrinkok", false))
		return sim_job_refuse(job, 432,
				      "Going from existing size of %" PRIu64 " to size of %" PRIu64
				      " would shrink the volume.Need to sign off by supplying the "
				      "shrinkok parameter with value of true.",
				      v->size, size);
	if (v->stored && sim_flag(job->sim, "storage-full"))
		return sim_job_refuse(job, 530,
				      "Failed to resize volume %s since the storage pool does not "
				      "have enough space to accommodate new size for the volume",
				      v->o.id);
	return true;
}

static bool check(struct sim_job *job)
{
	struct sim_volume *v = job->volume;

	if (!v || v->o.removed)
		return sim_job_refuse(job, 432, "No such volume");
	if (sim_volume_in_snapshot(job->sim, v))
		return sim_job_refuse(
			job, 530,
			"There is/are unbacked up snapshot(s) on this volume, resize volume is not "
			"permitted, please try again later.");
	if (!streq(v->state, "Ready") && !streq(v->state, "Allocated"))
		return sim_job_refuse(
			job, 432,
			"Volume should be in ready or allocated state before attempting a resize. "
			"Volume %s is in state %s.",
			v->o.id, v->state);
	if (!check_offering(job) || !check_hypervisor(job) || !check_size(job))
		return false;

	job->queue = v->vm;
	return true;
}

static bool begin(struct sim_job *job)
{
	job->state_before = job->volume->state;
	if (job->volume->stored)
		sim_volume_set_state(job->volume, "Resizing");
	return true;
}

static void undo(struct sim_job *job)
{
	sim_volume_set_state(job->volume, job->state_before);
}

static bool finish(struct sim_job *job)
{
	undo(job);
	job->volume->size = wanted_size(job);
	job->volume->offering = offering_of(job);
	return true;
}

const struct sim_command sim_resize_commands[] = {
	{
		.name = "resizeVolume",
		.mode = SIM_ASYNC,
		.class = "volume.ResizeVolume",
		.instance = "Volume",
		.params = sim_params_resize_volume,
		.prepare = prepare,
		.check = check,
		.begin = begin,
		.finish = finish,
		.abort = undo,
		.result = sim_result_volume,
	},
	{ .name = NULL },
};
