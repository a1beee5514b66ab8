/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The commands attachVolume and detachVolume. Refusals come in the order of CloudStack's VolumeApiServiceImpl, and all
 * of them are the job's. The disk is plugged into a running VM, or unplugged from it, before the job ends.
 */

#include "commands-internal.h"
#include "declared-internal.h"

/* About the number of an agent's command. */
#define COMMAND_SEQUENCE INT64_C(5219953443099115520)

static bool running(const struct sim_vm *vm)
{
	return streq(vm->state, "Running");
}

static bool stopped(const struct sim_vm *vm)
{
	return streq(vm->state, "Stopped");
}

static bool is_one_of(const char *s, const char *const *list)
{
	return sim_state_name(list, s) != NULL;
}

/* validateRootVolumeDetachAttach: Destroyed is named in the text, but only Stopped passes. */
static bool check_root(struct sim_job *job, const struct sim_volume *v, const struct sim_vm *vm)
{
	static const char *const allowed[] = { "XenServer", "VMware", "KVM", "Simulator", NULL };
	const char *hypervisor = sim_vm_hypervisor(job->sim, vm);

	if (!is_one_of(hypervisor, allowed))
		return sim_job_refuse(job, 431,
				      "Root volume detach is not supported for hypervisor type %s",
				      hypervisor);
	if (!stopped(vm))
		return sim_job_refuse(job, 431,
				      "Root volume detach can happen only when vm is in states: "
				      "Stopped or Destroyed");
	if (v->managed)
		return sim_job_refuse(job, 431,
				      "Root volume detach is not supported for Managed DataStores");
	return true;
}

/* ---- attachVolume: the checks of the API job ------------------------------------------------- */

static bool check_volume(struct sim_job *job)
{
	static const char *const good[] = { "Allocated", "Ready", "Uploaded", NULL };
	const struct sim_volume *v = job->volume;

	if (!v || v->o.removed)
		return sim_job_refuse(
			job, 431, "Please specify a volume with the valid type: ROOT or DATADISK");
	if (v->vm)
		return sim_job_refuse(job, 431,
				      "Please specify a volume that is not attached to any VM.");
	if (streq(v->state, "Destroy"))
		return sim_job_refuse(job, 431, "Please specify a volume that is not destroyed.");
	if (!is_one_of(v->state, good))
		return sim_job_refuse(
			job, 431, "Volume state must be in Allocated, Ready or in Uploaded state");
	return true;
}

static bool check_vm(struct sim_job *job)
{
	const struct sim_vm *vm = job->vm;

	if (!vm || vm->o.removed || (!streq(vm->type, "User") && !streq(vm->type, SIM_SHARED_FS)))
		return sim_job_refuse(job, 431, "Please specify a valid User VM.");
	if (!running(vm) && !stopped(vm))
		return sim_job_refuse(job, 431,
				      "Please specify a VM that is either running or stopped.");
	if (vm->zone != job->volume->zone)
		return sim_job_refuse(
			job, 431, "Please specify a VM that is in the same zone as the volume.");
	if (streq(vm->type, SIM_SHARED_FS))
		return sim_job_refuse(job, 431,
				      "Can't attach a volume to a Shared FileSystem Instance");
	return true;
}

static int64_t count_data_disks(struct sim *sim, const struct sim_vm *vm)
{
	struct sim_volume *v;
	int64_t n = 0;

	SIM_FOREACH(sim, K_VOLUME, v)
		n += !v->o.removed && v->vm == vm && !v->root;
	return n;
}

static bool check_room(struct sim_job *job)
{
	unsigned max = sim_vm_max_disks(job->sim, job->vm);

	if (job->device_id == 0) {
		if (!check_root(job, job->volume, job->vm))
			return false;
		if (sim_vm_volume_at(job->sim, job->vm, 0))
			return sim_job_refuse(job, 431,
					      "Vm already has root volume attached to it");
		if (streq(job->volume->state, "Uploaded"))
			return sim_job_refuse(
				job, 431, "No support for Root volume attach in state Uploaded");
	}
	if (streq(sim_vm_hypervisor(job->sim, job->vm), "External"))
		return sim_job_refuse(
			job, 431, "Volume operations are not allowed for External hypervisor type");
	if (job->device_id != 0 && count_data_disks(job->sim, job->vm) >= max)
		return sim_job_refuse(
			job, 431,
			"The specified VM already has the maximum number of data disks "
			"(%u) attached. Please specify another VM.",
			max);
	return true;
}

static bool has_backups(struct sim *sim, const struct sim_vm *vm)
{
	return sim_vm_count(sim, K_BACKUP, vm) > 0 && !sim_flag(sim, "backup-attach");
}

static bool check_copies(struct sim_job *job)
{
	if (sim_vm_count(job->sim, K_VM_SNAPSHOT, job->vm) > 0)
		return sim_job_refuse(job, 431,
				      "Unable to attach volume to VM %s/%s, please specify a VM "
				      "that does not have VM snapshots",
				      job->vm->o.name, job->vm->o.id);
	if (has_backups(job->sim, job->vm))
		return sim_job_refuse(
			job, 431,
			"Unable to attach volume, please specify a VM that does not have any "
			"backups or set the global configuration "
			"'backup.enable.attach.detach.of.volumes' to true.");
	return true;
}

/* AccountManagerImpl.checkAccess(): both must have one owner, whoever asks. */
static bool check_owners(struct sim_job *job)
{
	_cleanup_free_ char *vm = NULL, *volume = NULL;

	if (job->vm->o.owner == job->volume->o.owner)
		return true;
	vm = sim_vm_text(job->vm);
	volume = sim_volume_object_text(job->volume);
	return sim_job_refuse(job, 530, "Entity %s and entity %s belong to different accounts", vm,
			      volume);
}

static bool check_kind(struct sim_job *job)
{
	const struct sim_volume *v = job->volume;
	const char *ours = sim_volume_hypervisor(job->sim, v);
	const char *theirs = sim_vm_hypervisor(job->sim, job->vm);

	if (v->stored && !v->managed && !streq(ours, "None") && !streq(ours, theirs))
		return sim_job_refuse(job, 431, "Can't attach a volume created by: %s to a %s vm",
				      ours, theirs);
	if (v->offering && mk_json_bool(v->offering->row, "encrypt", false) &&
	    !streq(theirs, "KVM"))
		return sim_job_refuse(job, 431,
				      "Volume's disk offering has encryption enabled, but volume "
				      "encryption is not supported for hypervisor type %s",
				      theirs);
	return true;
}

static bool check_local(struct sim_job *job)
{
	const struct sim_object *offering = job->volume->offering;

	if (offering && streq(mk_json_str(offering->row, "storagetype", ""), "local") &&
	    !mk_json_bool(job->volume->zone->row, "localstorageenabled", false))
		return sim_job_refuse(job, 431,
				      "Zone is not configured to use local storage but volume's "
				      "disk offering %s uses it",
				      offering->name);
	return true;
}

static bool attach_prepare(struct sim_request *q, struct sim_job *job)
{
	int64_t device = sim_arg_number(q->params, "deviceid", -1);

	if (!sim_check_uuid(q, "id", K_VOLUME) || !sim_check_uuid(q, "virtualmachineid", K_VM))
		return false;

	job->volume = (struct sim_volume *)sim_arg_ref(q->sim, q->params, "id", K_VOLUME).object;
	job->vm = (struct sim_vm *)sim_arg_ref(q->sim, q->params, "virtualmachineid", K_VM).object;
	/* -1: none is asked for; a negative one is as wrong as a large one */
	job->device_id = !sim_arg(q->params, "deviceid")    ? -1
			 : device < 0 || device > INT32_MAX ? INT32_MAX
							    : (int)device;
	return true;
}

static bool attach_check(struct sim_job *job)
{
	if (!check_volume(job) || !check_vm(job) || !check_room(job) || !check_local(job) ||
	    !check_copies(job) || !check_owners(job) || !check_kind(job))
		return false;
	job->queue = job->vm;
	return true;
}

/* ---- attachVolume: the work job -------------------------------------------------------------- */

/* findClusterAndHostIdForVm(): the cluster of the VM's last host, or of a disk of it, has a storage for a new volume. */
static bool has_storage(struct sim *sim, const struct sim_vm *vm)
{
	struct sim_volume *v;

	if (vm->has_run)
		return true;
	SIM_FOREACH(sim, K_VOLUME, v)
		if (!v->o.removed && v->vm == vm && v->stored)
			return true;
	return false;
}

static bool check_device(struct sim_job *job, int *ret)
{
	int last = (int)sim_vm_max_disks(job->sim, job->vm) + 1, id = job->device_id;
	_cleanup_free_ char *vm_text = sim_vm_text(job->vm), *text = NULL;
	const struct sim_volume *other;

	if (id < 0) {
		*ret = sim_vm_free_device(job->sim, job->vm);
		return *ret >= 0 ||
		       sim_job_refuse(job, 530, "All device Ids are used by vm %s", vm_text);
	}
	if (id > last || id == 3)
		return sim_job_refuse(job, 530, "deviceId should be 0,1,2,4-%d", last);
	other = sim_vm_volume_at(job->sim, job->vm, id);
	if (other) {
		text = sim_volume_text(other);
		return sim_job_refuse(job, 530, "deviceId %d is used by vol %s on vm %s", id, text,
				      vm_text);
	}

	*ret = id;
	return true;
}

/* VolumeApiServiceImpl.checkAndSetAttaching(): the world may have changed since the API job looked. */
static bool attach_begin(struct sim_job *job)
{
	static const char *const good[] = { "Allocated", "Ready", "Uploaded", NULL };
	struct sim_volume *v = job->volume;
	_cleanup_free_ char *text = sim_volume_object_text(v);

	job->state_before = v->state;
	if (v->o.removed)
		return sim_job_refuse(job, 530, "Command failed due to Internal Server Error");
	if (v->vm)
		return sim_job_refuse(job, 530, "This volume is already attached to a VM.");
	if (!is_one_of(v->state, good))
		return sim_job_refuse(
			job, 530, "Volume: %s is in %s. It should be in Ready or Allocated state",
			text, v->state);
	if (streq(v->state, "Ready"))
		sim_volume_set_state(v, "Attaching");
	return true;
}

/* Two jobs of different VMs can come here with one fresh volume: nothing marks it before. */
static void attach_proceed(struct sim_job *job)
{
	struct sim_volume *v = job->volume;

	if (streq(v->state, "Allocated") && has_storage(job->sim, job->vm))
		sim_volume_set_state(v, "Creating");
}

/* VolumeOrchestrator.createVolume(): the row keeps the storage that failed, and no other one fits it from then on. */
static bool create(struct sim_job *job)
{
	struct sim_volume *v = job->volume;
	_cleanup_free_ char *text = sim_volume_name_text(v);
	const char *why = sim_failure(job->sim, "create");

	if (v->misplaced || sim_flag(job->sim, "hosts-offline") ||
	    !sim_storage_has_room(job->sim, v->size))
		return sim_job_refuse(job, 530,
				      "Unable to find suitable primary storage when creating "
				      "volume [%s].",
				      text);
	if (!why)
		return true;
	v->misplaced = true;
	return sim_job_refuse(job, 530, "Failed to create volume [%s] due to [%s].", text, why);
}

/* createVolumeOnPrimaryForAttachIfNeeded(): a failure of what comes after leaves the volume made. */
static bool attach_midway(struct sim_job *job)
{
	struct sim_volume *v = job->volume;

	if (v->stored)
		return true;
	if (v->o.removed) /* deleted while it was being made */
		return sim_job_refuse(job, 530, "Command failed due to Internal Server Error");
	if (!has_storage(job->sim, job->vm))
		return !running(job->vm) ||
		       sim_job_refuse(job, 530,
				      "Failed to find a primary storage for volume in state: "
				      "Allocated");
	if (!create(job))
		return false;
	sim_volume_set_state(v, running(job->vm) ? "Attaching" : "Ready");
	return true;
}

static void attach_abort(struct sim_job *job)
{
	struct sim_volume *v = job->volume;

	if (streq(v->state, "Attaching"))
		sim_volume_set_state(v, "Ready");
	else if (streq(v->state, "Creating"))
		sim_volume_set_state(v, "Allocated");
}

/* The agent is gone with the command: its host's next agent says so. What it has done stays done. */
static bool agent_died(struct sim_job *job, const char *verb, const char *preposition)
{
	if (job->fault != SIM_JOB_AGENT_DIES)
		return false;
	sim_job_refuse(job, 530,
		       "Failed to %s volume %s %s VM %s due to: Commands %" PRId64
		       " to Host 1 timed out after 3600 secs",
		       verb, job->volume->o.name, preposition, job->vm->o.name,
		       COMMAND_SEQUENCE + job->o.number);
	return true;
}

/*
 * libvirt names a disk by the device id that CloudStack believes free (issue apache/cloudstack
 * #3290); QEMU locks an image that any guest has open.
 */
static bool check_machine(struct sim_job *job, int device)
{
	const struct sim_volume *v = job->volume;
	const struct sim_volume *other = sim_guest_disk_at(job->sim, job->vm, device);
	_cleanup_free_ char *target = sim_guest_next_target(job->sim, job->vm, device);
	_cleanup_free_ char *why = NULL;

	if (other)
		why = sim_checked(mk_strdup_printf(
			"XML error: target '%s' duplicated for disk sources '/mnt/%s/%s' and "
			"'/mnt/%s/%s'",
			target, other->pool->id, other->path, v->pool->id, v->path));
	else if (v->guest)
		why = sim_strdup("internal error: unable to execute QEMU command 'blockdev-add': "
				 "Failed to get \"write\" lock");
	else if (!sim_guest_has_slot(job->sim, job->vm))
		why = sim_strdup("internal error: No more available PCI slots");
	if (!why)
		return true;
	return sim_job_refuse(job, 530,
			      "Failed to attach volume %s to VM %s; "
			      "org.libvirt.LibvirtException: %s",
			      v->o.name, job->vm->o.name, why);
}

static bool attach_finish(struct sim_job *job)
{
	struct sim_volume *v = job->volume;
	const char *why = sim_failure(job->sim, "attach");
	bool hot = running(job->vm);
	int device = -1;

	if (hot && agent_died(job, "attach", "to"))
		return false;
	if (!check_device(job, &device))
		return false;
	if (hot && sim_flag(job->sim, "host-away"))
		return sim_job_refuse(job, 530,
				      "Failed to attach volume %s to VM %s. Please contact your "
				      "system administrator.",
				      v->o.name, job->vm->o.name);
	if (hot && why)
		return sim_job_refuse(job, 530, "Failed to attach volume %s to VM %s; %s",
				      v->o.name, job->vm->o.name, why);
	if (hot && streq(sim_vm_hypervisor(job->sim, job->vm), "KVM") &&
	    !check_machine(job, device))
		return false;

	if (v->stored)
		sim_volume_set_state(v, "Ready");
	if (hot)
		sim_plug(job->sim, v, job->vm, device);
	sim_volume_attach(v, job->vm, device);
	return true;
}

/* What the agent has done is not known to the server that asked it. */
static void attach_linger(struct sim_job *job)
{
	int device = job->device_id >= 0 ? job->device_id : sim_vm_free_device(job->sim, job->vm);

	if (running(job->vm) && !sim_guest_disk_at(job->sim, job->vm, device) &&
	    sim_guest_has_slot(job->sim, job->vm))
		sim_plug(job->sim, job->volume, job->vm, device);
}

/* ---- detachVolume ---------------------------------------------------------------------------- */

static bool has_tuple(json_object *params)
{
	return sim_arg(params, "virtualmachineid") && sim_arg(params, "deviceid");
}

static bool detach_prepare(struct sim_request *q, struct sim_job *job)
{
	bool id = sim_arg(q->params, "id");

	if (!sim_check_uuid(q, "id", K_VOLUME) ||
	    (!id && has_tuple(q->params) && !sim_check_uuid(q, "virtualmachineid", K_VM)))
		return false;
	job->volume = (struct sim_volume *)sim_arg_ref(q->sim, q->params, "id", K_VOLUME).object;
	return true;
}

static bool check_form(struct sim_job *job)
{
	bool id = sim_arg(job->params, "id"), vm = sim_arg(job->params, "virtualmachineid");
	bool device = sim_arg(job->params, "deviceid");

	return (id ? !vm && !device : vm && device) ||
	       sim_job_refuse(job, 431,
			      "Please provide either a volume id, or a tuple(device id, instance "
			      "id)");
}

/* The volume of the form with a VM and a device id. */
static struct sim_volume *find_by_tuple(struct sim_job *job)
{
	struct sim_vm *vm = sim_arg_vm(job->sim, job->params, "virtualmachineid");
	int64_t device = sim_arg_number(job->params, "deviceid", -1);

	return vm && device >= 0 && device <= INT32_MAX
		       ? sim_vm_volume_at(job->sim, vm, (int)device)
		       : NULL;
}

static bool detach_check_vm(struct sim_job *job)
{
	struct sim_vm *vm = job->volume->vm;

	if (!vm)
		return sim_job_refuse(job, 431, "The specified volume is not attached to a VM.");
	if (streq(vm->type, SIM_SHARED_FS))
		return sim_job_refuse(job, 431,
				      "Can't detach a volume from a Shared FileSystem Instance");
	if (!running(vm) && !stopped(vm) && !streq(vm->state, "Destroyed"))
		return sim_job_refuse(job, 431,
				      "Please specify a VM that is either running or stopped.");
	if (job->volume->root && !check_root(job, job->volume, vm))
		return false;
	if (sim_vm_count(job->sim, K_VM_SNAPSHOT, vm) > 0)
		return sim_job_refuse(job, 431,
				      "Unable to detach volume, please specify a VM that does not "
				      "have VM snapshots");
	if (has_backups(job->sim, vm))
		return sim_job_refuse(
			job, 431,
			"Unable to detach volume, cannot detach volume from a VM that has backups. "
			"First remove the VM from the backup offering or set the global "
			"configuration 'backup.enable.attach.detach.of.volumes' to true.");
	return true;
}

/* With a VM and a device id it fails in 4.22: the volume's id is looked up, and not kept. */
static bool detach_check(struct sim_job *job)
{
	if (!check_form(job))
		return false;
	if (!job->volume)
		job->volume = find_by_tuple(job);
	if (!job->volume)
		return sim_job_refuse(job, 530, "Index 0 out of bounds for length 0");
	if (!sim_job_check_access(job, &job->volume->o) || !detach_check_vm(job))
		return false;
	if (!sim_arg(job->params, "id"))
		return sim_job_refuse(job, 530,
				      "Cannot invoke \"java.lang.Long.longValue()\" because "
				      "\"volumeId\" is null");

	job->vm = job->queue = job->volume->vm;
	return true;
}

/* The agent sends the command, and then looks for ten seconds more whether the guest has followed. */
static bool detach_begin(struct sim_job *job)
{
	if (running(job->vm) && job->volume->guest == job->vm && job->fault != SIM_JOB_ERROR &&
	    !sim_flag(job->sim, "host-away") && !sim_failure(job->sim, "detach"))
		job->wait_ms = sim_guest_eject(job->sim, job->volume);
	return true;
}

/* The request stays in QEMU: the disk goes when the guest follows, and the database still says attached. */
static bool waited_in_vain(struct sim_job *job)
{
	return sim_job_refuse(
		job, 530,
		"Failed to detach volume %s from VM %s; "
		"com.cloud.exception.InternalErrorException: Could not detach volume after sending "
		"the command and waiting for [10000] milliseconds. Probably the VM does not "
		"support the sent detach command or the device is busy at the moment. Try again in "
		"a couple of minutes.",
		job->volume->o.name, job->vm->o.name);
}

/*
 * Does not look whether the volume is still attached to the VM in whose queue it waited: it clears
 * the attachment to another VM too, which keeps the disk (issue apache/cloudstack #14214).
 */
static bool detach_finish(struct sim_job *job)
{
	struct sim_volume *v = job->volume;
	const char *why = sim_failure(job->sim, "detach");

	if (running(job->vm) && why)
		return sim_job_refuse(job, 530, "Failed to detach volume %s from VM %s; %s",
				      v->o.name, job->vm->o.name, why);
	if (running(job->vm) && sim_flag(job->sim, "host-away"))
		return sim_job_refuse(job, 530,
				      "Failed to detach volume %s from VM %s. Please contact your "
				      "system administrator.",
				      v->o.name, job->vm->o.name);
	if (running(job->vm) && agent_died(job, "detach", "from"))
		return false;
	if (v->guest == job->vm) {
		if (v->ejecting || !sim_unplug(job->sim, v))
			return waited_in_vain(job);
	}

	sim_volume_detach(v);
	return true;
}

static void detach_linger(struct sim_job *job)
{
	if (job->volume->guest == job->vm && !job->volume->ejecting)
		sim_unplug(job->sim, job->volume);
}

/* ---- tables ---------------------------------------------------------------------------------- */

const struct sim_command sim_attach_commands[] = {
	{
		.name = "attachVolume",
		.mode = SIM_ASYNC,
		.class = "volume.AttachVolume",
		.instance = "Volume",
		.params = sim_params_attach_volume,
		.prepare = attach_prepare,
		.check = attach_check,
		.begin = attach_begin,
		.proceed = attach_proceed,
		.midway = attach_midway,
		.finish = attach_finish,
		.abort = attach_abort,
		.linger = attach_linger,
		.result = sim_result_volume,
	},
	{
		.name = "detachVolume",
		.mode = SIM_ASYNC,
		.class = "volume.DetachVolume",
		.instance = "Volume",
		.params = sim_params_detach_volume,
		.prepare = detach_prepare,
		.check = detach_check,
		.begin = detach_begin,
		.finish = detach_finish,
		.linger = detach_linger,
		.result = sim_result_volume,
	},
	{ .name = NULL },
};
