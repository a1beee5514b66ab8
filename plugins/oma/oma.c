/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Class oma: its step tables and methods. Its volumes are written on the appliance: created, attached, detached,
 * deleted. An attach succeeds only if it is proven which block device is the volume. */

#include "oma-internal.h"

/* ---- attaching and detaching: move.c, for the appliance ------------------------------------------------------ */

static int attach_prepare(struct mk_op *op, json_object *args)
{
	const char *vm = arg(args, 2);

	if (*vm && !streq(vm, host->oma_id(op))) {
		host->fail(op, MK_ERROR_INVALID_ARGS,
			   "class oma attaches to the appliance %s only (an empty VM means it), "
			   "not to "
			   "'%s'",
			   host->oma_id(op), vm);
		return MK_FAILED;
	}
	if (host->option_int(op, "device-id", -1) == 0) {
		host->fail(op, MK_ERROR_INVALID_ARGS,
			   "device id 0 is the appliance's own root disk; leave the option out");
		return MK_FAILED;
	}

	return host->set_volume(op, arg(args, 1)) && host->set_vm(op, host->oma_id(op), false)
		       ? MK_DONE
		       : MK_FAILED;
}

static int oma_attach_check(struct mk_op *op)
{
	return attach_check(op, CLASS);
}

static int volume_prepare(struct mk_op *op, json_object *args)
{
	return host->set_volume(op, arg(args, 0)) && host->set_vm(op, host->oma_id(op), false)
		       ? MK_DONE
		       : MK_FAILED;
}

/* One that is not managed was named by the option `class`. */
static int oma_detach_check(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);
	bool managed = host->managed(op, host->volume_id(op)) != NULL;
	int r = check_volume(op, v, managed ? CLASS : NULL);

	if (r != MK_DONE)
		return r;

	if (*v->vm && !streq(v->vm, host->oma_id(op))) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s (%s) is attached to VM %s, not to the appliance: it is not "
			   "detached here",
			   v->id, v->name, v->vm);
		return MK_FAILED;
	}

	return leave_check(op, v);
}

static int adopt_prepare(struct mk_op *op, json_object *args)
{
	return host->set_volume(op, arg(args, 1)) && host->set_vm(op, host->oma_id(op), false)
		       ? MK_DONE
		       : MK_FAILED;
}

static int oma_adopt_check(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);
	int r = check_volume(op, v, NULL);

	if (r != MK_DONE)
		return r;

	if (is_root(v)) {
		host->fail(op, MK_ERROR_PROTECTED,
			   "volume %s (%s) is the root disk of VM %s: it cannot be adopted", v->id,
			   v->name, v->vm);
		return MK_FAILED;
	}
	if (*v->vm && !streq(v->vm, host->oma_id(op))) {
		host->fail(
			op, MK_ERROR_WRONG_STATE,
			"volume %s (%s) is attached to VM %s: volumes of class oma are detached or "
			"attached to the appliance",
			v->id, v->name, v->vm);
		return MK_FAILED;
	}

	adopt_note(op, v);
	return *v->vm ? host->check_hypervisor(op, host->vm(op)) : MK_DONE;
}

static int oma_adopt_own(struct mk_op *op)
{
	return adopt_own(op, CLASS);
}

static int forget_prepare(struct mk_op *op, json_object *args)
{
	if (host->option_bool(op, "drop-snapshots", false))
		host->look_for(op, "volumeid", arg(args, 0));
	return volume_prepare(op, args);
}

static int no_prepare(struct mk_op *op, json_object *args)
{
	return host->set_vm(op, host->oma_id(op), false) ? MK_DONE : MK_FAILED;
}

static int rescan(struct mk_op *op)
{
	host->rescan(op);
	return MK_DONE;
}

/* ---- tables ---------------------------------------------------------------------------------------------------- */

static const struct mk_step create_steps[] = {
	/* name     ask                then             undo_ask           undo         limit, flags */
	{ "zone", MK_ASK_ZONES, create_zone, MK_ASK_NOTHING, NULL, 60, 0 },
	{ "offering", MK_ASK_OFFERINGS, create_offering, MK_ASK_NOTHING, NULL, 60, 0 },
	{ "create", MK_ASK_LOOKED_FOR, create, MK_ASK_LOOKED_FOR, create_undo, 300, 0 },
	{ "own", MK_ASK_VOLUME, create_own, MK_ASK_NOTHING, NULL, 300, 0 },
	{ 0 },
};

static const struct mk_step attach_steps[] = {
	{ "check", MK_ASK_VM_VOLUME, oma_attach_check, MK_ASK_NOTHING, NULL, 60, 0 },
	{ "attach", MK_ASK_VOLUME, attach, MK_ASK_VOLUME, attach_undo, 600, 0 },
	{ "prove", MK_ASK_VM_VOLUME, attach_prove, MK_ASK_NOTHING, NULL, 300, 0 },
	{ 0 },
};

static const struct mk_step detach_steps[] = {
	{ "check", MK_ASK_VOLUME, oma_detach_check, MK_ASK_NOTHING, NULL, 60, 0 },
	{ "detach", MK_ASK_VOLUME, detach, MK_ASK_VOLUME, detach_undo, 600, MK_STEP_NO_RETURN },
	{ "prove", MK_ASK_VOLUME, detach_prove, MK_ASK_NOTHING, NULL, 300, 0 },
	{ 0 },
};

static const struct mk_step delete_steps[] = {
	{ "check", MK_ASK_VOLUME, delete_check, MK_ASK_NOTHING, NULL, 60, 0 },
	{ "delete", MK_ASK_VOLUME, delete, MK_ASK_NOTHING, NULL, 900, MK_STEP_NO_RETURN },
	{ "prove", MK_ASK_VOLUME, delete_prove, MK_ASK_NOTHING, NULL, 300, 0 },
	{ 0 },
};

static const struct mk_step adopt_steps[] = {
	{ "check", MK_ASK_VM_VOLUME, oma_adopt_check, MK_ASK_NOTHING, NULL, 60, 0 },
	{ "own", MK_ASK_VOLUME, oma_adopt_own, MK_ASK_VOLUME, adopt_undo, 300, 0 },
	{ "prove", MK_ASK_VM_VOLUME, adopt_prove, MK_ASK_NOTHING, NULL, 300, 0 },
	{ 0 },
};

static const struct mk_step forget_steps[] = {
	{ "check", MK_ASK_VOLUME, forget_check, MK_ASK_NOTHING, NULL, 60, 0 },
	{ "drop", MK_ASK_SNAPSHOTS, forget_drop, MK_ASK_NOTHING, NULL, 3600, 0 },
	{ "untag", MK_ASK_VOLUME, forget_untag, MK_ASK_NOTHING, NULL, 300, 0 },
	{ "forget", MK_ASK_NOTHING, forget, MK_ASK_NOTHING, NULL, 60, 0 },
	{ 0 },
};

static const struct mk_step reconcile_steps[] = {
	{ "cloud", MK_ASK_OURS, reconcile_cloud, MK_ASK_NOTHING, NULL, 300, 0 },
	{ "rest", MK_ASK_LOOKED_FOR, reconcile_rest, MK_ASK_NOTHING, NULL, 300, 0 },
	{ "tags", MK_ASK_LOOKED_FOR, reconcile_tags, MK_ASK_NOTHING, NULL, 600, 0 },
	{ "devices", MK_ASK_NOTHING, reconcile_devices, MK_ASK_NOTHING, NULL, 60, 0 },
	{ 0 },
};

static const struct mk_step get_vm_steps[] = {
	{ "get", MK_ASK_VM, query_vm, MK_ASK_NOTHING, NULL, 20, 0 },
	{ 0 },
};

static const struct mk_step rescan_steps[] = {
	{ "rescan", MK_ASK_NOTHING, rescan, MK_ASK_NOTHING, NULL, 60, 0 },
	{ 0 },
};

/* A method of the manager: names and options are the manager's. */
#define VOLUME_METHOD(method, signature, names, p, s, deadline, prep)                              \
	{                                                                                          \
		.name = method, .in = signature, .in_names = names, .out = "o",                    \
		.out_names = "operation", .kind = MK_METHOD_OPERATION, .privilege = p, .steps = s, \
		.deadline_s = deadline, .prepare = prep,                                           \
	}

static const struct mk_method volume_methods[] = {
	VOLUME_METHOD("CreateVolume", "ssta{sv}", "class,name,size,options", MK_PRIVILEGE_CREATE,
		      create_steps, 3600, create_prepare),
	VOLUME_METHOD("AttachVolume", "sssa{sv}", "class,volume,vm,options", MK_PRIVILEGE_ATTACH,
		      attach_steps, 3600, attach_prepare),
	VOLUME_METHOD("DetachVolume", "sa{sv}", "volume,options", MK_PRIVILEGE_DETACH, detach_steps,
		      3600, volume_prepare),
	VOLUME_METHOD("DeleteVolume", "sa{sv}", "volume,options", MK_PRIVILEGE_DELETE, delete_steps,
		      3600, volume_prepare),
	VOLUME_METHOD("AdoptVolume", "ssa{sv}", "class,volume,options", MK_PRIVILEGE_CREATE,
		      adopt_steps, 3600, adopt_prepare),
	VOLUME_METHOD("ForgetVolume", "sa{sv}", "volume,options", MK_PRIVILEGE_DELETE, forget_steps,
		      3600, forget_prepare),
	VOLUME_METHOD("Reconcile", "a{sv}", "options", MK_PRIVILEGE_CREATE, reconcile_steps, 3600,
		      no_prepare),
	{ 0 },
};

static const struct mk_method methods[] = {
	{
		.name = "GetVM",
		.in = "",
		.in_names = "",
		.out = "a{sv}",
		.out_names = "properties",
		.kind = MK_METHOD_QUERY,
		.privilege = MK_PRIVILEGE_READ,
		.steps = get_vm_steps,
		.deadline_s = 20,
		.prepare = no_prepare,
		.result = "VM",
	},
	{
		.name = "Rescan",
		.in = "a{sv}",
		.in_names = "options",
		.out = "o",
		.out_names = "operation",
		.kind = MK_METHOD_OPERATION,
		.privilege = MK_PRIVILEGE_CREATE,
		.steps = rescan_steps,
		.deadline_s = 60,
		.prepare = no_prepare,
	},
	{ 0 },
};

static const struct mk_plugin oma_plugin = {
	MK_PLUGIN_STAMP,
	.name = CLASS,
	.summary = "volumes of the appliance, each proven to be its block device",
	.interface = "org.migratekit.Volume1.OMA",
	.methods = methods,
	.volume_methods = volume_methods,
	.init = steps_init,
};
MK_PLUGIN(oma_plugin);
