/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command resizeVolume. CloudStack reports this command's InvalidParameterValueException as 432, not as 431. */

#include "commands-internal.h"
#include "declared-internal.h"

#define CUSTOM_SIZE_MAX 1024 /* GiB, custom.diskoffering.size.max */
#define VOLUME_SIZE_MAX 2000 /* GiB, storage.max.volume.size */

/* ResizeVolumeCmd.getEntityOwnerId() looks for the volume. */
static bool prepare(struct sim_request *q, struct sim_job *job)
{
	struct sim_ref ref = sim_arg_ref(q->sim, q->params, "id", K_VOLUME);

	if (!ref.object || ref.object->removed)
		return sim_refuse(q, 431, CS_INVALID, "Unable to find volume by id=%" PRId64,
				  ref.number);
	job->volume = (struct sim_volume *)ref.object;
	return true;
}

static struct sim_object *new_offering(struct sim_job *job)
{
	return sim_arg_object(job->sim, job->params, "diskofferingid", K_DISK_OFFERING);
}

static bool is(const struct sim_object *offering, const char *key)
{
	return offering && offering->kind == K_DISK_OFFERING &&
	       mk_json_bool(offering->row, key, false);
}

/* As Java shifts: what is too large becomes negative. */
static int64_t bytes(int64_t gib)
{
	return (int64_t)((uint64_t)gib << 30);
}

/* The size that is asked for, in bytes; a fixed offering has its own, and no size means the present one. */
static int64_t wanted_size(struct sim_job *job)
{
	const struct sim_object *offering = new_offering(job);

	if (offering && !is(offering, "iscustomized"))
		return bytes(mk_json_int(offering->row, "disksize", 0));
	if (sim_arg(job->params, "size"))
		return bytes(sim_arg_number(job->params, "size", 0));
	return (int64_t)job->volume->size;
}

static bool check_range(struct sim_job *job)
{
	int64_t gib = sim_arg_number(job->params, "size", 0);

	return (gib >= 1 && gib <= CUSTOM_SIZE_MAX) ||
	       sim_job_refuse(job, 432,
			      "Volume size: %" PRId64
			      " GB is out of allowed range. Min: 1. Max: %d",
			      gib, CUSTOM_SIZE_MAX);
}

static bool check_iops(struct sim_job *job, const char *param, const char *name)
{
	return !sim_arg(job->params, param) || job->volume->root ||
	       is(job->volume->offering, "iscustomizediops") ||
	       sim_job_refuse(job, 432,
			      "The current disk offering does not support customization of the "
			      "'%s IOPS' parameter.",
			      name);
}

/* validateIops() */
static bool check_iops_range(struct sim_job *job)
{
	bool least = sim_arg(job->params, "miniops"), most = sim_arg(job->params, "maxiops");

	if (least != most)
		return sim_job_refuse(job, 432,
				      "Either 'miniops' and 'maxiops' must both be provided or "
				      "neither must be provided.");
	if (least &&
	    sim_arg_number(job->params, "miniops", 0) > sim_arg_number(job->params, "maxiops", 0))
		return sim_job_refuse(job, 432,
				      "The 'miniops' parameter must be less than or equal to the "
				      "'maxiops' parameter.");
	return true;
}

/* Of a root disk: its service offering can have one size for all. */
static bool has_one_size(const struct sim_volume *v)
{
	return v->root && v->template && v->offering && v->offering->kind == K_SERVICE_OFFERING &&
	       mk_json_int(v->offering->row, "rootdisksize", 0) > 0;
}

static bool check_present_offering(struct sim_job *job)
{
	const struct sim_volume *v = job->volume;
	bool sized = sim_arg(job->params, "size") != NULL;

	if (sized && is(v->offering, "disksizestrictness"))
		return sim_job_refuse(job, 432,
				      "Resize of volume %s is not allowed, since disk size is "
				      "strictly fixed as per the disk offering",
				      v->o.id);
	if (sized && is(v->offering, "iscustomized") && !check_range(job))
		return false;
	if (sized && has_one_size(v))
		return sim_job_refuse(
			job, 432,
			"Failed to resize Root volume. The service offering of this Volume has "
			"been "
			"configured with a root disk size; on such case a Root Volume can only be "
			"resized when changing to another Service Offering with a Root disk size. "
			"For more details please check out the Official Resizing Volumes "
			"documentation.");
	return check_iops(job, "miniops", "Min") && check_iops(job, "maxiops", "Max") &&
	       check_iops_range(job);
}

static bool check_strictness(struct sim_job *job, const struct sim_object *offering)
{
	const struct sim_object *present = job->volume->offering;
	bool strict = is(present, "disksizestrictness");

	if (strict != is(offering, "disksizestrictness"))
		return sim_job_refuse(
			job, 432,
			"Disk offering size strictness does not match with new disk offering");
	if (strict &&
	    mk_json_int(present->row, "disksize", 0) != mk_json_int(offering->row, "disksize", 0))
		return sim_job_refuse(job, 432,
				      "Resize volume for %s is not allowed since disk offering's "
				      "size is fixed",
				      job->volume->o.name);
	return true;
}

static bool check_root(struct sim_job *job)
{
	const struct sim_volume *v = job->volume;
	_cleanup_free_ char *name = sim_vm_instance_name(v->vm);

	if (v->vm->offering && mk_json_bool(v->vm->offering->row, "diskofferingstrictness", false))
		return sim_job_refuse(job, 432,
				      "Cannot resize ROOT volume [%s] with new disk offering since "
				      "existing disk offering is strictly assigned to the ROOT "
				      "volume.",
				      v->o.name);
	if (wanted_size(job) != (int64_t)v->size && !streq(v->vm->state, "Stopped"))
		return sim_job_refuse(job, 432,
				      "Cannot resize ROOT volume [%s] when VM is not on Stopped "
				      "State. VM %s is in state %s",
				      v->o.name, name, v->vm->state);
	return true;
}

static bool check_new_offering(struct sim_job *job, const struct sim_object *offering)
{
	const struct sim_volume *v = job->volume;

	if (!check_strictness(job, offering))
		return false;
	if (is(offering, "iscustomized") && !sim_arg(job->params, "size"))
		return sim_job_refuse(job, 432,
				      "The new disk offering requires that a size be specified.");
	if (is(offering, "iscustomized") && !check_range(job))
		return false;
	if (v->root && v->vm && !check_root(job))
		return false;
	return !is(offering, "iscustomizediops") || check_iops_range(job);
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
	return true;
}

static bool check_shrink(struct sim_job *job, int64_t size)
{
	const struct sim_volume *v = job->volume;

	/* a format that only KVM has */
	if (v->stored && streq(sim_volume_hypervisor(job->sim, v), "KVM"))
		return sim_job_refuse(job, 432, "Unable to shrink volumes of type QCOW2");
	if (!sim_arg_bool(job->params, "shrinkok", false))
		return sim_job_refuse(job, 432,
				      "Going from existing size of %" PRIu64 " to size of %" PRId64
				      " would shrink the volume.Need to sign off by supplying the "
				      "shrinkok parameter with value of true.",
				      v->size, size);
	return true;
}

/* VolumeApiServiceImpl.validateVolumeSizeInBytes() lets 0 pass. */
static bool check_size(struct sim_job *job)
{
	struct sim_volume *v = job->volume;
	int64_t size = wanted_size(job);
	_cleanup_free_ char *over = NULL;

	if (size == (int64_t)v->size)
		return true;
	if (v->vm && sim_vm_count(job->sim, K_VM_SNAPSHOT, v->vm) > 0)
		return sim_job_refuse(job, 432,
				      "The volume is attached to a VM with memory&disk VM "
				      "snapshots; therefore, it cannot be resized.");
	if (size < 0)
		return sim_job_refuse(job, 432, "Please specify a size of at least 1 GB.");
	if (size > bytes(VOLUME_SIZE_MAX))
		return sim_job_refuse(job, 432,
				      "Requested volume size is %" PRId64
				      " GB, but the maximum size allowed is %d GB.",
				      size >> 30, VOLUME_SIZE_MAX);
	if (size < (int64_t)v->size)
		return check_shrink(job, size);
	over = sim_over_limit(job->sim, v->o.owner, SIM_LIMIT_PRIMARY_STORAGE,
			      size - (int64_t)v->size);
	if (over)
		return sim_job_refuse(job, 535, "%s", over);
	if (v->stored && !sim_storage_has_room(job->sim, (uint64_t)size - v->size))
		return sim_job_refuse(
			job, 530,
			"Failed to resize volume %s since the storage pool does not have enough "
			"space to accommodate new size for the volume %s, try with automigrate set "
			"to true in order to check in the other suitable pools for the new size "
			"and then migrate & resize volume there.",
			v->o.id, v->o.name);
	return true;
}

static bool check(struct sim_job *job)
{
	struct sim_volume *v = job->volume;
	const struct sim_object *offering = new_offering(job);

	if (v->o.removed)
		return sim_job_refuse(job, 432, "No such volume");
	if (!check_hypervisor(job))
		return false;
	if (!streq(v->state, "Ready") && !streq(v->state, "Allocated"))
		return sim_job_refuse(
			job, 432,
			"Volume should be in ready or allocated state before attempting a resize. "
			"Volume %s is in state %s.",
			v->o.id, v->state);
	if (!(offering ? check_new_offering(job, offering) : check_present_offering(job)) ||
	    !check_size(job))
		return false;

	job->queue =
		v->stored ? v->vm : NULL; /* what was never made changes in the database only */
	return true;
}

static bool begin(struct sim_job *job)
{
	job->state_before = job->volume->state;
	if (job->volume->stored)
		sim_volume_set_state(job->volume, "Resizing");
	if (job->fault != SIM_JOB_ERROR && wanted_size(job) > (int64_t)job->volume->size &&
	    !sim_failure(job->sim, "resize"))
		sim_guest_resize(job->sim, job->volume, (uint64_t)wanted_size(job));
	return true;
}

static void undo(struct sim_job *job)
{
	sim_volume_set_state(job->volume, job->state_before);
}

/* The hypervisor makes nothing smaller. */
static const char *storage_failure(struct sim_job *job)
{
	if (wanted_size(job) < (int64_t)job->volume->size)
		return "Failed to resize";
	return sim_failure(job->sim, "resize");
}

static bool finish(struct sim_job *job)
{
	struct sim_volume *v = job->volume;
	struct sim_object *offering = new_offering(job);
	int64_t size = wanted_size(job);
	const char *why = v->stored ? storage_failure(job) : NULL;

	if (why)
		return sim_job_refuse(job, 530,
				      "Failed to resize volume operation of volume UUID: [%s] due "
				      "to - %s",
				      v->o.id, why);

	undo(job);
	/* orchestrateResizeVolume() sets the offering, and reads the row again before it writes it: a fault of 4.22 */
	if (offering && (!v->stored || size == (int64_t)v->size))
		v->offering = offering;
	v->size = (uint64_t)size;
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
