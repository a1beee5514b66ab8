/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands that destroy, expunge and recover VMs, as CloudStack's UserVmManagerImpl has them. */

#include "commands-internal.h"
#include "declared-internal.h"

#include <inttypes.h>

/* ---- volumeids ------------------------------------------------------------------------------- */

/* The disks named that are no data disks of the VM, as texts one after the other. */
struct wrong_disks {
	struct sim_job *job;
	char *texts;
};

static bool look_at_disk(const char *token, void *data)
{
	struct wrong_disks *wrong = data;
	struct sim_ref ref = sim_resolve(wrong->job->sim, token, K_VOLUME);
	struct sim_volume *v = (struct sim_volume *)ref.object;
	_cleanup_free_ char *text = NULL, *before = NULL;

	if (!v || v->o.removed) {
		sim_job_refuse(wrong->job, 431, "Unable to find volume with ID: %" PRId64,
			       ref.number);
		return true;
	}
	if (v->vm == wrong->job->vm && !v->root)
		return false;

	text = sim_volume_text(v);
	before = wrong->texts;
	wrong->texts = sim_checked(mk_strdup_printf("%s%s; ", str_or_empty(before), text));
	return false;
}

static bool check_disks(struct sim_job *job)
{
	const char *disks = sim_arg(job->params, "volumeids");
	struct wrong_disks wrong = { .job = job };
	_cleanup_free_ char *texts = NULL;

	if (disks && sim_any_token(disks, look_at_disk, &wrong)) {
		free(wrong.texts);
		return false;
	}
	texts = wrong.texts;
	return !texts || sim_job_refuse(job, 431,
					"The following supplied volumes are not DATADISK attached "
					"to the VM: %s",
					texts);
}

static bool wants_expunge(struct sim_job *job)
{
	return sim_arg_bool(job->params, "expunge", false);
}

/* As destroyVolume; true: it was refused, and the ones behind it stay. */
static bool destroy_disk(const char *token, void *data)
{
	struct sim_job *job = data;
	struct sim_ref ref = sim_resolve(job->sim, token, K_VOLUME);

	return !sim_job_destroy_volume(job, ref, wants_expunge(job));
}

/* ---- destroyVirtualMachine ------------------------------------------------------------------- */

static bool is_destroyed(const struct sim_vm *vm)
{
	return streq(vm->state, "Destroyed") || streq(vm->state, "Expunging");
}

static bool check_root(struct sim_job *job)
{
	struct sim_volume *root = sim_vm_root(job->sim, job->vm);

	return !root || !sim_volume_in_snapshot(job->sim, root) ||
	       sim_job_refuse(job, 530,
			      "There is/are unbacked up snapshot(s) on ROOT volume, vm destroy is "
			      "not permitted, please try again later.");
}

static bool destroy_check(struct sim_job *job)
{
	_cleanup_free_ char *name = NULL;

	if (wants_expunge(job) && !sim_is_admin(job->o.owner) && !sim_flag(job->sim, "expunge-vm"))
		return sim_job_refuse(job, 530, "Account does not have permission for expunging.");
	if (!sim_vm_check_there(job))
		return false;
	if (job->vm->delete_protection)
		return sim_job_refuse(job, 431,
				      "Instance [id = %s, name = i-2-%" PRId64
				      "-VM] has delete protection enabled and cannot be deleted.",
				      job->vm->o.id, job->vm->o.number);
	job->nothing_done = is_destroyed(job->vm) && !wants_expunge(job);
	if (job->nothing_done)
		return true;
	if (!check_root(job) || !check_disks(job))
		return false;
	job->queue = job->vm;
	return true;
}

static bool destroy_begin(struct sim_job *job)
{
	static const char *const fit[] = { "Running", "Stopped", "Destroyed", "Error", NULL };
	struct sim_vm *vm = job->vm;

	job->state_before = vm->state;
	if (job->nothing_done)
		return true;
	if (!sim_state_name(fit, vm->state))
		return sim_job_refuse(job, 530, "VM %s is being operated on.", vm->o.id);
	if (streq(vm->state, "Running")) {
		sim_vm_set_state(job->sim, vm, "Stopping");
		job->wait_ms = sim_guest_shutdown(job->sim, vm);
	}
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
	if (streq(vm->state, "Stopping") && sim_vm_host_refuses_stop(job->sim))
		return sim_vm_refuse_stop(job);

	sim_unplug_all(job->sim, vm);
	if (streq(vm->state, "Stopping"))
		sim_vm_set_state(job->sim, vm, "Stopped");
	detach_data_disks(job->sim, vm);
	return true;
}

/* What the storage does not delete stays, without its VM, and the VM goes all the same. */
static void expunge_vm(struct sim *sim, struct sim_vm *vm)
{
	struct sim_volume *root = sim_vm_root(sim, vm);

	if (root && root->stored && sim_failure(sim, "delete")) {
		root->vm = NULL;
		sim_volume_set_state(root, "Destroy");
	} else if (root) {
		sim_volume_expunge(root);
	}
	sim_vm_set_state(sim, vm, "Expunging");
	vm->o.removed = true;
}

/* Work of the VM's queue can come between the two: an attach finds a Stopped VM. */
static bool destroy_conclude(struct sim_job *job)
{
	const char *disks = sim_arg(job->params, "volumeids");
	struct sim_vm *vm = job->vm;

	if (job->nothing_done)
		return true;

	if (!streq(vm->state, "Destroyed"))
		sim_vm_set_state(job->sim, vm,
				 streq(vm->state, "Error") ? "Expunging" : "Destroyed");
	if (wants_expunge(job))
		expunge_vm(job->sim, vm);
	return !disks || !sim_any_token(disks, destroy_disk, job);
}

/* ---- expungeVirtualMachine ------------------------------------------------------------------- */

static bool expunge_check(struct sim_job *job)
{
	if (!sim_vm_check_there(job))
		return false;
	if (!streq(job->vm->state, "Destroyed") && !streq(job->vm->state, "Error"))
		return sim_job_refuse(job, 530,
				      "Please destroy vm with specified vmId before expunge");
	if (!sim_is_admin(job->o.owner) && !sim_flag(job->sim, "expunge-vm"))
		return sim_job_refuse(job, 530,
				      "Expunging a vm can only be done by an Admin. Or when the "
				      "allow.user.expunge.recover.vm key is set.");
	job->queue = job->vm;
	return true;
}

static bool expunge_finish(struct sim_job *job)
{
	if (!job->vm->o.removed)
		expunge_vm(job->sim, job->vm);
	return true;
}

/* ---- recoverVirtualMachine ------------------------------------------------------------------- */

static bool recover_run(struct sim_request *q)
{
	struct sim_ref ref = sim_arg_ref(q->sim, q->params, "id", K_VM);
	struct sim_vm *vm = (struct sim_vm *)ref.object;
	json_object *o;

	if (!vm)
		return sim_refuse(q, 431, CS_INVALID,
				  "unable to find a virtual machine with id %" PRId64, ref.number);
	if (!sim_is_admin(q->caller) && !sim_flag(q->sim, "expunge-vm"))
		return sim_refuse(q, 531, CS_PERMISSION,
				  "Recovering a vm can only be done by an Admin. Or when the "
				  "allow.user.expunge.recover.vm key is set.");
	if (vm->o.removed)
		return sim_refuse(q, 431, CS_INVALID, "Unable to find vm by id %s", vm->o.id);
	if (!streq(vm->state, "Destroyed"))
		return sim_refuse(q, 431, CS_INVALID, "Vm with id %s is not in the right state",
				  vm->o.id);

	sim_vm_set_state(q->sim, vm, "Stopped");
	o = sim_json_object();
	json_object_object_add(o, "virtualmachine",
			       sim_vm_row(q->sim, vm, sim_is_admin(q->caller), SIM_VM_ALL));
	return sim_reply(q, o);
}

/* ---- tables ---------------------------------------------------------------------------------- */

const struct sim_command sim_vm_destroy_commands[] = {
	{
		.name = "destroyVirtualMachine",
		.mode = SIM_ASYNC,
		.class = "vm.DestroyVM",
		.instance = "VirtualMachine",
		.params = sim_params_destroy_vm,
		.prepare = sim_vm_prepare,
		.check = destroy_check,
		.begin = destroy_begin,
		.finish = destroy_finish,
		.conclude = destroy_conclude,
		.abort = sim_vm_abort,
		.result = sim_result_vm,
	},
	{
		.name = "expungeVirtualMachine",
		.mode = SIM_ASYNC,
		.class = "vm.ExpungeVM",
		.instance = "VirtualMachine",
		.params = sim_params_id_vm,
		.prepare = sim_vm_prepare,
		.check = expunge_check,
		.finish = expunge_finish,
	},
	{
		.name = "recoverVirtualMachine",
		.mode = SIM_SYNC,
		.params = sim_params_id_vm,
		.run = recover_run,
	},
	{ .name = NULL },
};
