/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The root volume that CloudStack made for an ephemeral test VM: found, detached, deleted, straight
 * through CloudStack. Nothing is tracked beforehand and no device is looked for; what is ours, or
 * attached to the appliance, is never touched.
 */

#include <migratekit/volume-plugin.h>

#include <string.h>

static const struct mk_host *host;

static int test_vm_init(const struct mk_host *h)
{
	host = h;
	return 0;
}

static bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static void set_str(json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static bool flag(struct mk_op *op, const char *key)
{
	return json_object_get_boolean(json_object_object_get(host->scratch(op), key));
}

static void set_flag(struct mk_op *op, const char *key)
{
	json_object_object_add(host->scratch(op), key, json_object_new_boolean(true));
}

static const char *arg(json_object *args, size_t i)
{
	return json_object_get_string(json_object_array_get_idx(args, i));
}

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

static int fail_no_vm(struct mk_op *op)
{
	host->fail(op, MK_ERROR_NOT_FOUND,
		   "CloudStack does not know VM %s, or our account may not see it",
		   host->vm_id(op));
	return MK_FAILED;
}

/* CloudStack detaches a ROOT only from a Stopped VM. */
static int check_state(struct mk_op *op, const struct mk_vm_info *vm)
{
	if (streq(vm->state, "Stopped"))
		return MK_DONE;

	if (streq(vm->state, "Running")) {
		if (host->option_bool(op, "stop", false))
			return MK_DONE;
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "VM %s is Running, and CloudStack detaches a root volume only from a "
			   "Stopped VM: stop it, or pass the option stop=true",
			   vm->id);
		return MK_FAILED;
	}

	if (streq(vm->state, "Starting") || streq(vm->state, "Stopping") ||
	    streq(vm->state, "Migrating") || streq(vm->state, "Restoring")) {
		host->waiting_for(op, "VM %s, which is %s", vm->id, vm->state);
		return MK_AGAIN;
	}

	host->fail(op, MK_ERROR_WRONG_STATE,
		   "VM %s is in state %s; its root volume can be deleted when it is Stopped",
		   vm->id, vm->state);
	return MK_FAILED;
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

	volumes = host->volumes(op, &n);
	for (size_t i = 0; i < n; i++)
		if (is_protected(&volumes[i]))
			return fail_protected(op, &volumes[i]);

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
	json_object_object_add(host->details(op), "Size",
			       json_object_new_int64((int64_t)root->size));
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

	json_object_object_add(host->details(op), "VMStopped", json_object_new_boolean(true));
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

	set_flag(op, "detach-sent");
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

/* destroyVolume is a job whose outcome can be asked for; not every server and role has it. */
static bool destroy_not_allowed(struct mk_op *op)
{
	return streq(host->last_command(op), "destroyVolume") &&
	       (host->refusal(op) == MK_NO_COMMAND ||
		strstr(host->refusal_text(op), "Expunging a volume can only be done by an Admin"));
}

static int delete_root(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);

	if (!v || streq(v->state, "Expunged"))
		return MK_DONE;

	if (is_protected(v))
		return fail_protected(op, v);

	if (*v->vm) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s was attached to VM %s by somebody else: it was not deleted",
			   v->id, v->vm);
		return MK_FAILED;
	}

	/*
	 * Somebody else's deletion is waited for. After a failure of ours the volume stays in that
	 * state, and asking again goes on with it.
	 */
	if ((streq(v->state, "Expunging") || streq(v->state, "Destroying")) &&
	    !*host->last_command(op)) {
		host->waiting_for(op, "volume %s, which is %s", v->id, v->state);
		return MK_AGAIN;
	}

	if (destroy_not_allowed(op))
		set_flag(op, "use-delete");
	if (flag(op, "use-delete"))
		host->command_sync(op, "deleteVolume", "id", v->id, NULL);
	else
		host->command(op, "destroyVolume", "id", v->id, "expunge", "true", NULL);
	return MK_COMMAND;
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

/* ---- ListVolumes, GetVM -------------------------------------------------------------------------------- */

static int query_prepare(struct mk_op *op, json_object *args)
{
	return host->set_vm(op, arg(args, 0), false) ? MK_DONE : MK_FAILED;
}

static json_object *volume_to_json(const struct mk_volume_info *v)
{
	json_object *o = json_object_new_object();

	if (!o)
		return NULL;

	set_str(o, "Id", v->id);
	set_str(o, "Name", v->name);
	set_str(o, "Type", v->type);
	set_str(o, "State", v->state);
	set_str(o, "VM", v->vm);
	set_str(o, "Owner", v->owner);
	json_object_object_add(o, "Size", json_object_new_int64((int64_t)v->size));
	json_object_object_add(o, "Managed", json_object_new_boolean(v->managed));
	if (v->device_id >= 0)
		json_object_object_add(o, "DeviceId", json_object_new_int64(v->device_id));
	return o;
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

static int get_vm(struct mk_op *op)
{
	const struct mk_vm_info *vm = host->vm(op);
	json_object *o;

	if (!vm)
		return fail_no_vm(op);

	o = json_object_new_object();
	set_str(o, "Id", vm->id);
	set_str(o, "Name", vm->name);
	set_str(o, "State", vm->state);
	set_str(o, "Zone", vm->zone);
	set_str(o, "Hypervisor", vm->hypervisor);
	json_object_object_add(o, "Busy", json_object_new_boolean(vm->busy));
	json_object_object_add(o, "OMA", json_object_new_boolean(streq(vm->id, host->oma_id(op))));
	json_object_object_add(host->result(op), "VM", o);
	return MK_DONE;
}

static const struct mk_step list_volumes_steps[] = {
	{ "list", MK_ASK_VM_VOLUMES, list_volumes, MK_ASK_NOTHING, NULL, 20, 0 },
	{ 0 },
};

static const struct mk_step get_vm_steps[] = {
	{ "get", MK_ASK_VM, get_vm, MK_ASK_NOTHING, NULL, 20, 0 },
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
	.init = test_vm_init,
};
MK_PLUGIN(test_vm_plugin);
