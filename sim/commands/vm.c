/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The commands that list, start, stop and destroy VMs, as CloudStack's UserVmManagerImpl and VirtualMachineManagerImpl
 * have them.
 */

#include "commands-internal.h"
#include "declared-internal.h"

json_object *sim_result_vm(struct sim_job *job)
{
	json_object *o = sim_json_object(), *row;

	if (job->vm->o.removed) { /* an expunged VM's row cannot be made any more */
		row = sim_json_object();
		json_object_object_add(row, "nic", sim_json_array());
		json_object_object_add(row, "tags", sim_json_array());
	} else {
		row = sim_vm_row(job->sim, job->vm, sim_is_admin(job->sim), true);
	}
	json_object_object_add(o, "virtualmachine", row);
	return o;
}

/* ---- listVirtualMachines --------------------------------------------------------------------- */

static bool is_gone(const struct sim_vm *vm)
{
	return streq(vm->state, "Destroyed") || streq(vm->state, "Expunging");
}

static bool match_state(json_object *params, const struct sim_vm *vm)
{
	const char *state = sim_arg(params, "state");

	if (state && streq(state, "Present"))
		return !is_gone(vm);
	return sim_match_text(params, "state", vm->state);
}

static bool match(struct sim_request *q, const struct sim_vm *vm)
{
	const char *word = sim_arg(q->params, "keyword");

	if (vm->o.removed || !sim_match_ids(q->sim, q->params, &vm->o))
		return false;
	if (is_gone(vm) && !sim_is_admin(q->sim))
		return false;
	if (word && !strcasestr(vm->o.name, word) &&
	    !strcasestr(str_or_empty(vm->display_name), word) && !strcasestr(vm->state, word))
		return false;
	return sim_match_text(q->params, "name", vm->o.name) && match_state(q->params, vm) &&
	       sim_match_ref(q->sim, q->params, "zoneid", K_ZONE, vm->zone) &&
	       sim_match_text(q->params, "hypervisor", sim_vm_hypervisor(q->sim, vm)) &&
	       sim_match_tags(q->params, &vm->o);
}

static bool is_nics(const char *token, void *data)
{
	return streq(token, "nics") || streq(token, "all");
}

static bool list_run(struct sim_request *q)
{
	const char *details = sim_arg(q->params, "details");
	bool nics = !details || sim_any_token(details, is_nics, NULL);
	struct sim_list list;
	struct sim_vm *vm;

	if (sim_arg(q->params, "id") && sim_arg(q->params, "ids"))
		return sim_refuse(q, 431, CS_INVALID,
				  "Specify either id or ids but not both parameters");
	if (!sim_list_begin(q, "virtualmachine", &list))
		return false;

	SIM_FOREACH(q->sim, K_VM, vm)
		if (match(q, vm) && sim_list_wants(&list))
			sim_list_add(&list, sim_vm_row(q->sim, vm, sim_is_admin(q->sim), nics));
	return sim_list_end(&list);
}

/* ---- common to the jobs ---------------------------------------------------------------------- */

static bool vm_prepare(struct sim_request *q, struct sim_job *job)
{
	job->vm = (struct sim_vm *)sim_arg_ref(q->sim, q->params, "id", K_VM).object;
	return true;
}

static bool check_there(struct sim_job *job)
{
	if (job->vm && !job->vm->o.removed)
		return true;
	return sim_job_refuse(job, 431, "unable to find a virtual machine with id %" PRId64,
			      sim_arg_ref(job->sim, job->params, "id", K_VM).number);
}

static void vm_abort(struct sim_job *job)
{
	job->vm->state = job->state_before;
}

/* ---- startVirtualMachine --------------------------------------------------------------------- */

static bool start_check(struct sim_job *job)
{
	struct sim_vm *vm = job->vm;

	if (!check_there(job))
		return false;
	if (streq(vm->state, "Running"))
		return sim_job_refuse(job, 431, "The virtual machine %s (%s) is already running",
				      vm->o.id, vm->o.name);
	job->queue = vm;
	return true;
}

/* QEMU locks an image that another guest has open. */
static bool has_disk_elsewhere(struct sim *sim, const struct sim_vm *vm)
{
	struct sim_volume *v;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (!v->o.removed && v->vm == vm && v->guest && v->guest != vm)
			return true;
	return false;
}

bool sim_vm_start_begin(struct sim_job *job)
{
	struct sim_vm *vm = job->vm;
	_cleanup_free_ char *text = sim_vm_text(vm);

	job->state_before = vm->state;
	job->nothing_done = streq(vm->state, "Running"); /* another start came first */
	if (job->nothing_done)
		return true;
	if (!streq(vm->state, "Stopped"))
		return sim_job_refuse(job, 530, "Unable to start a VM [%s] in state %s", vm->o.id,
				      vm->state);
	if (!sim_vm_root(job->sim, vm))
		return sim_job_refuse(
			job, 530,
			"ROOT volume is missing, unable to prepare volumes for the VM [%s]", text);
	if (sim_flag(job->sim, "host-away") || has_disk_elsewhere(job->sim, vm))
		return sim_job_refuse(job, 533, "Unable to create a deployment for %s", text);

	vm->state = "Starting";
	return true;
}

bool sim_vm_start_finish(struct sim_job *job)
{
	if (job->nothing_done)
		return true;
	job->vm->state = "Running";
	sim_plug_all(job->sim, job->vm);
	return true;
}

/* ---- stopVirtualMachine ---------------------------------------------------------------------- */

static bool stop_check(struct sim_job *job)
{
	if (!check_there(job))
		return false;
	if (sim_arg_bool(job->params, "forced", false) && !sim_is_admin(job->sim) &&
	    !sim_flag(job->sim, "force-stop"))
		return sim_job_refuse(job, 530,
				      "Account does not have the permission to force stop the vm.");
	job->queue = job->vm;
	return true;
}

/* Stopped already is success. */
static bool stop_begin(struct sim_job *job)
{
	struct sim_vm *vm = job->vm;

	job->state_before = vm->state;
	job->nothing_done = streq(vm->state, "Stopped");
	if (job->nothing_done)
		return true;
	if (streq(vm->state, "Starting") || streq(vm->state, "Stopping"))
		return sim_job_refuse(job, 530, "VM %s is being operated on.", vm->o.id);
	if (!streq(vm->state, "Running"))
		return sim_job_refuse(job, 530, "We cannot stop VM %s when it is in state %s",
				      vm->o.id, vm->state);

	vm->state = "Stopping";
	return true;
}

static bool stop_finish(struct sim_job *job)
{
	if (job->nothing_done)
		return true;
	if (sim_flag(job->sim, "host-away") && !sim_arg_bool(job->params, "forced", false))
		return sim_job_refuse(job, 530, "Unable to stop %s", job->vm->o.name);

	job->vm->state = "Stopped";
	/* forced and out of reach: the guest may still run */
	if (!sim_flag(job->sim, "host-away"))
		sim_unplug_all(job->sim, job->vm);
	return true;
}

/* ---- destroyVirtualMachine ------------------------------------------------------------------- */

static struct sim_volume *data_disk(struct sim_job *job, const char *id)
{
	struct sim_volume *v = (struct sim_volume *)sim_find(job->sim, K_VOLUME, id);

	return v && !v->o.removed && v->vm == job->vm && !v->root ? v : NULL;
}

static bool is_bad_disk(const char *token, void *data)
{
	return !data_disk(data, token);
}

static bool delete_disk(const char *token, void *data)
{
	struct sim_job *job = data;
	struct sim_volume *v = (struct sim_volume *)sim_find(job->sim, K_VOLUME, token);

	if (v && !v->vm)
		sim_volume_expunge(v);
	return false;
}

static bool wants_expunge(struct sim_job *job)
{
	return sim_arg_bool(job->params, "expunge", false);
}

static bool destroy_check(struct sim_job *job)
{
	const char *disks = sim_arg(job->params, "volumeids");
	struct sim_volume *root;

	if (!check_there(job))
		return false;
	if (wants_expunge(job) && !sim_is_admin(job->sim) && !sim_flag(job->sim, "expunge-vm"))
		return sim_job_refuse(job, 530, "Account does not have permission for expunging.");
	if (job->vm->delete_protection)
		return sim_job_refuse(job, 431,
				      "Instance [id = %s, name = %s] has delete protection enabled "
				      "and cannot be deleted.",
				      job->vm->o.id, job->vm->o.name);
	if (disks && sim_any_token(disks, is_bad_disk, job))
		return sim_job_refuse(job, 431,
				      "The following supplied volumes are not DATADISK attached to "
				      "the VM: %s",
				      disks);
	root = sim_vm_root(job->sim, job->vm);
	if (root && sim_volume_in_snapshot(job->sim, root))
		return sim_job_refuse(job, 530,
				      "There is/are unbacked up snapshot(s) on ROOT volume, vm "
				      "destroy is not permitted, please try again later.");
	job->queue = job->vm;
	return true;
}

static bool destroy_begin(struct sim_job *job)
{
	struct sim_vm *vm = job->vm;

	job->state_before = vm->state;
	job->nothing_done = streq(vm->state, "Destroyed") && !wants_expunge(job);
	if (!streq(vm->state, "Running") && !streq(vm->state, "Stopped") &&
	    !streq(vm->state, "Destroyed") && !streq(vm->state, "Error"))
		return sim_job_refuse(job, 530, "VM %s is being operated on.", vm->o.id);
	if (streq(vm->state, "Running"))
		vm->state = "Stopping";
	return true;
}

static void detach_data_disks(struct sim *sim, const struct sim_vm *vm)
{
	struct sim_volume *v;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (!v->o.removed && v->vm == vm && !v->root)
			sim_volume_detach(v);
}

/* The VM is stopped, and lets go of its data disks. */
static bool destroy_finish(struct sim_job *job)
{
	struct sim_vm *vm = job->vm;

	if (job->nothing_done)
		return true;

	sim_unplug_all(job->sim, vm);
	if (streq(vm->state, "Stopping"))
		vm->state = "Stopped";
	detach_data_disks(job->sim, vm);
	return true;
}

/* Work of the VM's queue can come between the two: an attach finds a Stopped VM. */
static bool destroy_conclude(struct sim_job *job)
{
	const char *disks = sim_arg(job->params, "volumeids");
	struct sim_vm *vm = job->vm;
	struct sim_volume *root = sim_vm_root(job->sim, vm);

	if (job->nothing_done)
		return true;

	if (disks)
		sim_any_token(disks, delete_disk, job);
	vm->state = "Destroyed";
	if (!wants_expunge(job))
		return true;

	if (root)
		sim_volume_expunge(root);
	vm->state = "Expunging";
	vm->o.removed = true;
	return true;
}

/* ---- tables ---------------------------------------------------------------------------------- */

const struct sim_command sim_vm_commands[] = {
	{ .name = "listVirtualMachines", .params = sim_params_list_vms, .run = list_run },
	{
		.name = "startVirtualMachine",
		.mode = SIM_ASYNC,
		.class = "vm.StartVM",
		.instance = "VirtualMachine",
		.params = sim_params_start_vm,
		.prepare = vm_prepare,
		.check = start_check,
		.begin = sim_vm_start_begin,
		.finish = sim_vm_start_finish,
		.abort = vm_abort,
		.result = sim_result_vm,
	},
	{
		.name = "stopVirtualMachine",
		.mode = SIM_ASYNC,
		.class = "vm.StopVM",
		.instance = "VirtualMachine",
		.params = sim_params_stop_vm,
		.prepare = vm_prepare,
		.check = stop_check,
		.begin = stop_begin,
		.finish = stop_finish,
		.abort = vm_abort,
		.result = sim_result_vm,
	},
	{
		.name = "destroyVirtualMachine",
		.mode = SIM_ASYNC,
		.class = "vm.DestroyVM",
		.instance = "VirtualMachine",
		.params = sim_params_destroy_vm,
		.prepare = vm_prepare,
		.check = destroy_check,
		.begin = destroy_begin,
		.finish = destroy_finish,
		.conclude = destroy_conclude,
		.abort = vm_abort,
		.result = sim_result_vm,
	},
	{ .name = NULL },
};
