/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands that start and stop VMs, as CloudStack's UserVmManagerImpl and VirtualMachineManagerImpl have them. */

#include "commands-internal.h"
#include "declared-internal.h"

json_object *sim_result_vm(struct sim_job *job)
{
	json_object *o = sim_json_object(), *row;

	if (job->vm->o.removed) { /* an expunged VM's row cannot be made any more */
		row = sim_json_object();
		json_object_object_add(row, "securitygroup", sim_json_array());
		json_object_object_add(row, "nic", sim_json_array());
		json_object_object_add(row, "affinitygroup", sim_json_array());
		mk_json_set_bool(row, "deleteprotection", false);
		json_object_object_add(row, "tags", sim_json_array());
	} else {
		row = sim_vm_row(job->sim, job->vm, sim_is_admin(job->o.owner), SIM_VM_ALL);
	}
	json_object_object_add(o, "virtualmachine", row);
	return o;
}

bool sim_vm_prepare(struct sim_request *q, struct sim_job *job)
{
	job->vm = (struct sim_vm *)sim_arg_ref(q->sim, q->params, "id", K_VM).object;
	return sim_check_uuid(q, "id", K_VM);
}

bool sim_vm_check_there(struct sim_job *job)
{
	if (job->vm && !job->vm->o.removed)
		return true;
	return sim_job_refuse(job, 431, "unable to find a virtual machine with id %" PRId64,
			      sim_arg_ref(job->sim, job->params, "id", K_VM).number);
}

void sim_vm_abort(struct sim_job *job)
{
	sim_vm_set_state(job->sim, job->vm, job->state_before);
}

/* ---- startVirtualMachine --------------------------------------------------------------------- */

static bool is_root(const struct sim_volume *v)
{
	return v->root;
}

static bool is_unmade(const struct sim_volume *v)
{
	return !v->stored;
}

static bool any_volume(struct sim *sim, const struct sim_vm *vm,
		       bool (*is)(const struct sim_volume *v))
{
	struct sim_volume *v;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (!v->o.removed && v->vm == vm && (!is || is(v)))
			return true;
	return false;
}

/* It was being made when the server was killed: no host can take it. */
static bool is_half_made(const struct sim_volume *v)
{
	return streq(v->state, "Creating");
}

/* The planning, which needs no turn in the VM's queue (DeploymentPlanningManagerImpl.planDeployment()). */
bool sim_vm_start_check(struct sim_job *job)
{
	struct sim_vm *vm = job->vm;
	_cleanup_free_ char *text = NULL;

	if (!sim_vm_check_there(job))
		return false;
	text = sim_vm_text(vm);
	if (streq(vm->state, "Running"))
		return sim_job_refuse(job, 431, "The virtual machine %s (%s) is already running",
				      vm->o.id, vm->o.name);
	if (!any_volume(job->sim, vm, NULL))
		return sim_job_refuse(job, 530,
				      "Unable to create deployment, no usable volumes found for "
				      "the VM: %s",
				      vm->o.id);
	if (!any_volume(job->sim, vm, is_root))
		return sim_job_refuse(
			job, 530, "Unable to deploy VM [%s] because the ROOT volume is missing.",
			vm->o.id);
	if (streq(vm->state, "Stopped") &&
	    (sim_flag(job->sim, "hosts-full") || sim_flag(job->sim, "hosts-offline") ||
	     any_volume(job->sim, vm, is_half_made)))
		return sim_job_refuse(job, 533, "No destination found for a deployment for %s",
				      text);
	job->queue = vm;
	return true;
}

static void set_unmade_volumes(struct sim *sim, const struct sim_vm *vm, const char *state)
{
	struct sim_volume *v;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (!v->o.removed && v->vm == vm && is_unmade(v))
			sim_volume_set_state(v, state);
}

bool sim_vm_start_begin(struct sim_job *job)
{
	_cleanup_free_ char *name = sim_vm_instance_name(job->vm);
	struct sim_vm *vm = job->vm;

	job->state_before = vm->state;
	job->nothing_done = streq(vm->state, "Running"); /* another start came first */
	if (job->nothing_done)
		return true;
	if (!streq(vm->state, "Stopped"))
		return sim_job_refuse(job, 530,
				      "Unable to orchestrate the start of VM instance "
				      "{\"instanceName\":\"%s\",\"uuid\":\"%s\"}.",
				      name, vm->o.id);

	sim_vm_set_state(job->sim, vm, "Starting");
	set_unmade_volumes(job->sim, vm, "Creating");
	return true;
}

/* The disks are there; the host has yet to take the VM. */
bool sim_vm_start_midway(struct sim_job *job)
{
	if (!job->nothing_done)
		set_unmade_volumes(job->sim, job->vm, "Ready");
	return true;
}

bool sim_vm_start_finish(struct sim_job *job)
{
	_cleanup_free_ char *text = sim_vm_text(job->vm);

	if (job->nothing_done)
		return true;
	if (sim_flag(job->sim, "host-away") || sim_failure(job->sim, "start") ||
	    !sim_guest_can_start(job->sim, job->vm))
		return sim_job_refuse(job, 530,
				      "Unable to start a VM [%s] due to [Unable to create a "
				      "deployment for %s].",
				      job->vm->o.id, text);

	sim_vm_set_state(job->sim, job->vm, "Running");
	sim_plug_all(job->sim, job->vm);
	return true;
}

/* The row keeps the host that was chosen; a disk that was being made stays Creating. */
void sim_vm_start_interrupt(struct sim_job *job)
{
	if (job->nothing_done)
		return;
	sim_vm_set_state(job->sim, job->vm, "Stopped");
	job->vm->kept_host = true;
}

/* ---- stopVirtualMachine ---------------------------------------------------------------------- */

static bool stop_check(struct sim_job *job)
{
	if (!sim_vm_check_there(job))
		return false;
	if (sim_arg_bool(job->params, "forced", false) && !sim_is_admin(job->o.owner) &&
	    !sim_flag(job->sim, "force-stop"))
		return sim_job_refuse(job, 530,
				      "Account does not have the permission to force stop the vm.");
	job->queue = job->vm;
	return true;
}

/* VirtualMachineManagerImpl.advanceStop(): what does not run any more is stopped. */
static bool stop_begin(struct sim_job *job)
{
	static const char *const at_rest[] = { "Stopped", "Destroyed", "Expunging", "Error", NULL };
	struct sim_vm *vm = job->vm;

	job->state_before = vm->state;
	job->nothing_done = sim_state_name(at_rest, vm->state) != NULL;
	if (job->nothing_done)
		return true;
	if (streq(vm->state, "Starting") || streq(vm->state, "Stopping"))
		return sim_job_refuse(job, 530, "VM %s is being operated on.", vm->o.id);
	if (!streq(vm->state, "Running"))
		return sim_job_refuse(job, 530, "We cannot stop VM %s when it is in state %s",
				      vm->o.id, vm->state);

	sim_vm_set_state(job->sim, vm, "Stopping");
	/* LibvirtStopCommandWrapper: a guest that does not shut down is destroyed, and that is success */
	if (!sim_arg_bool(job->params, "forced", false))
		job->wait_ms = sim_guest_shutdown(job->sim, vm);
	return true;
}

bool sim_vm_refuse_stop(struct sim_job *job)
{
	_cleanup_free_ char *text = NULL;

	sim_vm_set_state(job->sim, job->vm,
			 job->state_before); /* the text has the state of before */
	text = sim_vm_text(job->vm);
	return sim_job_refuse(job, 530, "Unable to stop %s", text);
}

bool sim_vm_host_refuses_stop(struct sim *sim)
{
	return sim_flag(sim, "host-away") || sim_failure(sim, "stop");
}

static bool stop_finish(struct sim_job *job)
{
	bool forced = sim_arg_bool(job->params, "forced", false);
	const char *why = sim_failure(job->sim, "stop");

	if (job->nothing_done)
		return true;
	if (sim_vm_host_refuses_stop(job->sim) && !forced)
		return sim_vm_refuse_stop(job);
	if (forced &&
	    why) { /* an agent that is there, and does not: nobody knows what became of it */
		job->state_before = job->vm->state;
		return sim_job_refuse(job, 530, "Unable to stop the virtual machine due to %s",
				      why);
	}

	sim_vm_set_state(job->sim, job->vm, "Stopped");
	/* forced and out of reach: the guest may still run */
	if (!sim_flag(job->sim, "host-away"))
		sim_unplug_all(job->sim, job->vm);
	return true;
}

/* ---- tables ---------------------------------------------------------------------------------- */

const struct sim_command sim_vm_commands[] = {
	{
		.name = "startVirtualMachine",
		.mode = SIM_ASYNC,
		.class = "vm.StartVM",
		.instance = "VirtualMachine",
		.params = sim_params_start_vm,
		.prepare = sim_vm_prepare,
		.check = sim_vm_start_check,
		.begin = sim_vm_start_begin,
		.midway = sim_vm_start_midway,
		.finish = sim_vm_start_finish,
		.interrupt = sim_vm_start_interrupt,
		.abort = sim_vm_abort,
		.result = sim_result_vm,
	},
	{
		.name = "stopVirtualMachine",
		.mode = SIM_ASYNC,
		.class = "vm.StopVM",
		.instance = "VirtualMachine",
		.params = sim_params_stop_vm,
		.prepare = sim_vm_prepare,
		.check = stop_check,
		.begin = stop_begin,
		.finish = stop_finish,
		.abort = sim_vm_abort,
		.result = sim_result_vm,
	},
	{ .name = NULL },
};
