/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Class test-vm: deletes the root volume that CloudStack made for an ephemeral test VM, or the VM itself; lists a
 * VM's volumes. Everything is found in CloudStack: nothing is stored beforehand, and no device is looked for.
 * Volumes that are ours, another appliance's, or attached to the appliance are never touched.
 */

#include "steps/steps.h"

#include <stdio.h>

/* ---- guards ------------------------------------------------------------------------------------------ */

/* Ours, or another appliance's: never deleted here. */
static bool is_protected(const struct mk_volume_info *v)
{
	return v->managed || *v->owner;
}

static int fail_protected(struct mk_op *op, const struct mk_volume_info *v)
{
	host->fail(
		op, MK_ERROR_PROTECTED,
		"volume %s (%s) on VM %s is managed by MigrateKit%s%s: it is never deleted with a "
		"test VM; take it off the VM first",
		v->id, v->name, host->vm_id(op), *v->owner ? ", owner " : "", v->owner);
	return MK_FAILED;
}

/* What our store says of a VM. Ids of the first that is found, "" for none. */
struct known {
	const char *vm;
	char here[40], coming[40];
};

static void find_known(const struct mk_managed_info *m, void *data)
{
	struct known *known = data;

	if (!*known->here && streq(m->vm, known->vm))
		snprintf(known->here, sizeof(known->here), "%s", m->id);
	if (!*known->coming && streq(m->target, known->vm))
		snprintf(known->coming, sizeof(known->coming), "%s", m->id);
}

static int check_of_vm(struct mk_op *op, const struct mk_volume_info *v)
{
	if (is_protected(v))
		return fail_protected(op, v);
	if (!host->is_busy(op, v->id))
		return MK_DONE;

	host->fail(op, MK_ERROR_BUSY,
		   "another operation works on volume %s (%s) of VM %s: wait for its end", v->id,
		   v->name, host->vm_id(op));
	return MK_FAILED;
}

/*
 * MK_ASK_VM_VOLUMES: no volume of the VM is ours, and none may still come to it: CloudStack destroys the root volume
 * with the VM and detaches the others (L01). What an unfinished operation may bring is claimed with the VM; this is
 * about those whose end was unknown.
 */
static int check_nothing_ours(struct mk_op *op)
{
	struct known known = { .vm = host->vm_id(op) };
	const struct mk_volume_info *volumes;
	size_t n;

	volumes = host->volumes(op, &n);
	for (size_t i = 0; i < n; i++)
		if (check_of_vm(op, &volumes[i]) != MK_DONE)
			return MK_FAILED;

	host->each_managed(op, find_known, &known);
	if (*known.here) {
		host->fail(op, MK_ERROR_PROTECTED,
			   "volume %s is managed by MigrateKit and on VM %s as far as is known, "
			   "though "
			   "CloudStack's list of the VM's volumes does not show it: take it off "
			   "the VM, "
			   "or call Reconcile if it is elsewhere",
			   known.here, known.vm);
		return MK_FAILED;
	}
	if (!*known.coming)
		return MK_DONE;

	host->fail(op, MK_ERROR_PROTECTED,
		   "volume %s may be on its way to VM %s: CloudStack was told to attach it there, "
		   "and what became of that was not found out. Call Reconcile, which settles it "
		   "once CloudStack's job has ended, and try again",
		   known.coming, known.vm);
	return MK_FAILED;
}

/* CloudStack detaches a ROOT only from a Stopped VM; nobody's running VM is destroyed by mistake. */
static int check_state(struct mk_op *op, const struct mk_vm_info *vm)
{
	if (streq(vm->state, "Stopped"))
		return MK_DONE;

	if (streq(vm->state, "Running")) {
		if (host->option_bool(op, "stop", false))
			return MK_DONE;
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "VM %s (%s) is Running, and this is done to a Stopped VM only: stop it, "
			   "or pass the option stop=true",
			   vm->id, vm->name);
		return MK_FAILED;
	}

	return check_vm_state(op, vm, "Stopped");
}

/* ---- DeleteRootVolume ---------------------------------------------------------------------------------- */

static int delete_prepare(struct mk_op *op, json_object *args)
{
	if (streq(arg(args, 0), host->oma_id(op))) {
		host->fail(op, MK_ERROR_PROTECTED,
			   "VM %s is the appliance itself: its root volume is never deleted",
			   arg(args, 0));
		return MK_FAILED;
	}

	return host->set_vm(op, arg(args, 0), true) ? MK_DONE : MK_FAILED;
}

static int check_vm(struct mk_op *op)
{
	const struct mk_vm_info *vm = host->vm(op);

	if (!vm)
		return fail_no_vm(op);

	set_str(host->details(op), "VMName", vm->name);
	return check_state(op, vm);
}

/* Exactly one volume of type ROOT, and nothing of ours on the VM. */
static int find_root(struct mk_op *op)
{
	const struct mk_volume_info *root = NULL, *volumes;
	size_t n;

	if (!host->vm(op))
		return fail_no_vm(op);
	if (check_nothing_ours(op) != MK_DONE)
		return MK_FAILED;

	volumes = host->volumes(op, &n);
	for (size_t i = 0; i < n; i++) {
		if (!streq(volumes[i].type, "ROOT"))
			continue;
		if (root) {
			host->fail(op, MK_ERROR_AMBIGUOUS,
				   "VM %s has more than one root volume (%s and %s): detach the "
				   "one that "
				   "is to stay",
				   host->vm_id(op), root->id, volumes[i].id);
			return MK_FAILED;
		}
		root = &volumes[i];
	}

	if (!root) {
		host->fail(op, MK_ERROR_NO_ROOT_VOLUME, "no root volume found for test VM %s",
			   host->vm_id(op));
		return MK_FAILED;
	}

	if (!host->set_volume(op, root->id))
		return MK_FAILED;

	set_str(host->details(op), "Volume", root->id);
	set_str(host->details(op), "VolumeName", root->name);
	set_int(host->details(op), "Size", (int64_t)root->size);
	return MK_DONE;
}

static int stop_vm(struct mk_op *op)
{
	const struct mk_vm_info *vm = host->vm(op);
	int r;

	if (!vm)
		return fail_no_vm(op);

	r = check_state(op, vm);
	if (r != MK_DONE || streq(vm->state, "Stopped"))
		return r;

	set_bool(host->details(op), "VMStopped", true);
	host->command(op, "stopVirtualMachine", "id", vm->id, NULL);
	return MK_COMMAND;
}

static int detach_root(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);

	if (!v)
		return MK_DONE; /* gone already: nothing is left to do to it */

	if (is_protected(v))
		return fail_protected(op, v);

	if (!*v->vm && flag(op, "detach-sent"))
		return MK_DONE;

	if (!streq(v->vm, host->vm_id(op)) || !streq(v->type, "ROOT")) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s is no longer the root volume of VM %s (type %s, attached to "
			   "%s): "
			   "somebody else changed it, nothing was deleted",
			   v->id, host->vm_id(op), v->type, *v->vm ? v->vm : "nothing");
		return MK_FAILED;
	}

	set_flag(op, "detach-sent", true);
	host->command(op, "detachVolume", "id", v->id, NULL);
	return MK_COMMAND;
}

/* Puts the volume back as the VM's root, so that the request can be repeated. */
static int attach_root_back(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);

	if (!v || *v->vm || !flag(op, "detach-sent"))
		return MK_DONE;

	host->command(op, "attachVolume", "id", v->id, "virtualmachineid", host->vm_id(op),
		      "deviceid", "0", NULL);
	return MK_COMMAND;
}

static int delete_root(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);

	return v && is_protected(v) ? fail_protected(op, v) : delete_volume(op, v);
}

/* The other way round: the VM does not have it any more. */
static int prove_gone(struct mk_op *op)
{
	const struct mk_volume_info *volumes;
	json_object *result = host->result(op);
	size_t n;

	volumes = host->volumes(op, &n);
	for (size_t i = 0; i < n; i++) {
		if (streq(volumes[i].id, host->volume_id(op))) {
			host->waiting_for(op, "volume %s to leave the list of VM %s", volumes[i].id,
					  host->vm_id(op));
			return MK_AGAIN;
		}
	}

	json_object_object_foreach(host->details(op), key, value)
		json_object_object_add(result, key, json_object_get(value));
	set_str(result, "VM", host->vm_id(op));
	return MK_DONE;
}

static const struct mk_step delete_root_steps[] = {
	/* name         ask                then         undo_ask       undo              limit, flags */
	{ "check-vm", MK_ASK_VM, check_vm, MK_ASK_NOTHING, NULL, 300, 0 },
	{ "find-root", MK_ASK_VM_VOLUMES, find_root, MK_ASK_NOTHING, NULL, 60, 0 },
	{ "stop", MK_ASK_VM, stop_vm, MK_ASK_NOTHING, NULL, 600, 0 },
	{ "detach", MK_ASK_VOLUME, detach_root, MK_ASK_VOLUME, attach_root_back, 300, 0 },
	{ "delete", MK_ASK_VOLUME, delete_root, MK_ASK_NOTHING, NULL, 900, MK_STEP_NO_RETURN },
	{ "prove-gone", MK_ASK_VM_VOLUMES, prove_gone, MK_ASK_NOTHING, NULL, 60, 0 },
	{ 0 },
};

/* ---- DestroyVM ----------------------------------------------------------------------------------------- */

static int destroy_prepare(struct mk_op *op, json_object *args)
{
	if (streq(arg(args, 0), host->oma_id(op))) {
		host->fail(op, MK_ERROR_PROTECTED,
			   "VM %s is the appliance itself: it is never destroyed", arg(args, 0));
		return MK_FAILED;
	}

	return host->set_vm(op, arg(args, 0), true) ? MK_DONE : MK_FAILED;
}

static bool is_going(const struct mk_vm_info *vm)
{
	return streq(vm->state, "Destroyed") || streq(vm->state, "Expunging");
}

/* Error: its deployment failed. */
static bool is_past_stopping(const struct mk_vm_info *vm)
{
	return is_going(vm) || streq(vm->state, "Error");
}

static int destroy_check(struct mk_op *op)
{
	const struct mk_vm_info *vm = host->vm(op);
	int r;

	if (!vm)
		return fail_no_vm(op);

	set_str(host->details(op), "VMName", vm->name);
	r = check_nothing_ours(op);
	return r == MK_DONE && !is_past_stopping(vm) ? check_state(op, vm) : r;
}

static int destroy_stop(struct mk_op *op)
{
	const struct mk_vm_info *vm = host->vm(op);

	return vm && is_past_stopping(vm) ? MK_DONE : stop_vm(op);
}

/* Without the right to expunge, CloudStack does it after a while. */
static int destroy_vm(struct mk_op *op)
{
	const struct mk_vm_info *vm = host->vm(op);
	int r;

	if (!vm || streq(vm->state, "Expunging"))
		return MK_DONE;

	r = check_nothing_ours(op);
	if (r == MK_DONE && !is_past_stopping(vm))
		r = check_state(op, vm); /* it may have been started since */
	if (r != MK_DONE)
		return r;

	if (strstr(host->refusal_text(op), "does not have permission for expunging"))
		set_flag(op, "keep", true);
	if (!flag(op, "keep")) {
		host->command(op, "destroyVirtualMachine", "id", vm->id, "expunge", "true", NULL);
		return MK_COMMAND;
	}
	if (is_going(vm))
		return MK_DONE;
	host->command(op, "destroyVirtualMachine", "id", vm->id, NULL);
	return MK_COMMAND;
}

static int destroy_prove(struct mk_op *op)
{
	const struct mk_vm_info *vm = host->vm(op);
	json_object *result = host->result(op);

	if (vm && !is_going(vm)) {
		host->waiting_for(op, "VM %s to go; it is %s", vm->id, vm->state);
		return MK_AGAIN;
	}

	set_str(result, "VM", host->vm_id(op));
	set_str(result, "VMName", get_str(host->details(op), "VMName"));
	set_bool(result, "Expunged", !flag(op, "keep"));
	return MK_DONE;
}

static const struct mk_step destroy_steps[] = {
	{ "check", MK_ASK_VM_VOLUMES, destroy_check, MK_ASK_NOTHING, NULL, 300, 0 },
	{ "stop", MK_ASK_VM, destroy_stop, MK_ASK_NOTHING, NULL, 600, 0 },
	{ "destroy", MK_ASK_VM_VOLUMES, destroy_vm, MK_ASK_NOTHING, NULL, 900, MK_STEP_NO_RETURN },
	{ "prove", MK_ASK_VM, destroy_prove, MK_ASK_NOTHING, NULL, 300, 0 },
	{ 0 },
};

/* ---- ListVolumes, GetVM -------------------------------------------------------------------------------- */

static int query_prepare(struct mk_op *op, json_object *args)
{
	return host->set_vm(op, arg(args, 0), false) ? MK_DONE : MK_FAILED;
}

static int list_volumes(struct mk_op *op)
{
	json_object *list = json_object_new_array();
	const struct mk_volume_info *volumes;
	size_t n;

	if (!host->vm(op)) {
		json_object_put(list);
		return fail_no_vm(op);
	}

	volumes = host->volumes(op, &n);
	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, volume_to_json(&volumes[i]));

	json_object_object_add(host->result(op), "Volumes", list);
	return MK_DONE;
}

static const struct mk_step list_volumes_steps[] = {
	{ "list", MK_ASK_VM_VOLUMES, list_volumes, MK_ASK_NOTHING, NULL, 20, 0 },
	{ 0 },
};

static const struct mk_step get_vm_steps[] = {
	{ "get", MK_ASK_VM, query_vm, MK_ASK_NOTHING, NULL, 20, 0 },
	{ 0 },
};

/* ---- descriptor ------------------------------------------------------------------------------------------ */

static const struct mk_option delete_options[] = {
	{ "stop", "b" },
	{ 0 },
};

static const struct mk_method test_vm_methods[] = {
	{
		.name = "DeleteRootVolume",
		.in = "sa{sv}",
		.in_names = "vm,options",
		.out = "o",
		.out_names = "operation",
		.kind = MK_METHOD_OPERATION,
		.privilege = MK_PRIVILEGE_DELETE,
		.options = delete_options,
		.steps = delete_root_steps,
		.deadline_s = 3600,
		.prepare = delete_prepare,
	},
	{
		.name = "DeleteRootVolumes",
		.in = "asa{sv}",
		.in_names = "vms,options",
		.out = "ao",
		.out_names = "operations",
		.kind = MK_METHOD_BATCH,
		.privilege = MK_PRIVILEGE_DELETE,
		.options = delete_options,
		.operation = "DeleteRootVolume",
		.steps = delete_root_steps,
		.deadline_s = 3600,
		.prepare = delete_prepare,
	},
	{
		.name = "DestroyVM",
		.in = "sa{sv}",
		.in_names = "vm,options",
		.out = "o",
		.out_names = "operation",
		.kind = MK_METHOD_OPERATION,
		.privilege = MK_PRIVILEGE_DELETE,
		.options = delete_options,
		.steps = destroy_steps,
		.deadline_s = 3600,
		.prepare = destroy_prepare,
	},
	{
		.name = "ListVolumes",
		.in = "s",
		.in_names = "vm",
		.out = "aa{sv}",
		.out_names = "volumes",
		.kind = MK_METHOD_QUERY,
		.privilege = MK_PRIVILEGE_READ,
		.steps = list_volumes_steps,
		.deadline_s = 20,
		.prepare = query_prepare,
		.result = "Volumes",
	},
	{
		.name = "GetVM",
		.in = "s",
		.in_names = "vm",
		.out = "a{sv}",
		.out_names = "properties",
		.kind = MK_METHOD_QUERY,
		.privilege = MK_PRIVILEGE_READ,
		.steps = get_vm_steps,
		.deadline_s = 20,
		.prepare = query_prepare,
		.result = "VM",
	},
	{ 0 },
};

static const struct mk_plugin test_vm_plugin = {
	MK_PLUGIN_STAMP,
	.name = "test-vm",
	.summary = "root volumes of ephemeral test VMs, straight through CloudStack",
	.interface = "org.migratekit.Volume1.TestVM",
	.methods = test_vm_methods,
	.init = steps_init,
};
MK_PLUGIN(test_vm_plugin);
