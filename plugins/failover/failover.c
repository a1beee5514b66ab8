/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Class failover: its step tables and methods, and the step functions for single volumes. Sets of volumes move from
 * the appliance to a failover VM and back, all or none, and get snapshots; single volumes are attached to other VMs
 * than the appliance.
 */

#include "failover-internal.h"

/* ---- single volumes -------------------------------------------------------------------------------------------- */

/* Nobody deletes or assigns the VM meanwhile; the appliance takes several at a time. */
static bool take_vm(struct mk_op *op, const char *vm)
{
	return host->set_vm(op, vm, !streq(vm, host->oma_id(op)));
}

static int attach_prepare(struct mk_op *op, json_object *args)
{
	const char *vm = arg(args, 2);

	if (streq(vm, host->oma_id(op)) && host->option_int(op, "device-id", -1) == 0) {
		host->fail(op, MK_ERROR_INVALID_ARGS,
			   "device id 0 is the appliance's own root disk; leave the option out");
		return MK_FAILED;
	}

	return host->set_volume(op, arg(args, 1)) && take_vm(op, vm) ? MK_DONE : MK_FAILED;
}

static int attach_start(struct mk_op *op)
{
	return attach_check(op, CLASS);
}

static int volume_prepare(struct mk_op *op, json_object *args)
{
	return host->set_volume(op, arg(args, 0)) ? MK_DONE : MK_FAILED;
}

static int detach_start(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);
	int r = check_volume(op, v, CLASS);

	if (r == MK_DONE)
		r = leave_check(op, v);
	if (r != MK_DONE)
		return r;

	set_flag(op, "root", is_root(v));
	return !*v->vm || take_vm(op, v->vm) ? MK_DONE : MK_FAILED;
}

static int detach_vm(struct mk_op *op)
{
	return flag(op, "root") ? check_vm_state(op, host->vm(op), "Stopped") : MK_DONE;
}

static int adopt_prepare(struct mk_op *op, json_object *args)
{
	return host->set_volume(op, arg(args, 1)) && host->set_vm(op, host->oma_id(op), false)
		       ? MK_DONE
		       : MK_FAILED;
}

static int adopt_check(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);
	int r = check_volume(op, v, NULL);

	if (r != MK_DONE)
		return r;

	adopt_note(op, v);
	if (!streq(v->vm, host->oma_id(op)))
		return MK_DONE;
	if (!is_root(v))
		return host->check_hypervisor(op, host->vm(op));

	host->fail(op, MK_ERROR_PROTECTED,
		   "volume %s (%s) is the appliance's own root disk: it cannot be adopted", v->id,
		   v->name);
	return MK_FAILED;
}

static int adopt_take(struct mk_op *op)
{
	return adopt_own(op, CLASS);
}

static int forget_prepare(struct mk_op *op, json_object *args)
{
	if (host->option_bool(op, "drop-snapshots", false))
		host->look_for(op, "volumeid", arg(args, 0));
	return volume_prepare(op, args);
}

/* ---- tables ----------------------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct mk_step assign_steps[] = {
	/* name            ask                   then                 undo_ask        undo         limit, flags */
	{ "volumes",       MK_ASK_SET,           assign_volumes,      MK_ASK_NOTHING, NULL,        300, 0 },
	{ "vm",            MK_ASK_VM_VOLUMES,    assign_vm,           MK_ASK_NOTHING, NULL,        300, 0 },
	{ "vm-snapshots",  MK_ASK_VM_SNAPSHOTS,  check_vm_snapshots,  MK_ASK_NOTHING, NULL,        60, 0 },
	{ "vm-backups",    MK_ASK_VM_BACKUPS,    check_vm_backups,    MK_ASK_NOTHING, NULL,        60, 0 },
	{ "oma-snapshots", MK_ASK_OMA_SNAPSHOTS, check_oma_snapshots, MK_ASK_NOTHING, NULL,        60, 0 },
	{ "oma-backups",   MK_ASK_OMA_BACKUPS,   check_oma_backups,   MK_ASK_NOTHING, NULL,        60, 0 },
	{ "move",          MK_ASK_NOTHING,       assign_move,         MK_ASK_VM_SET,  assign_undo, 60, 0 },
	{ "prove",         MK_ASK_VM_VOLUMES,    assign_prove,        MK_ASK_NOTHING, NULL,        60, 0 },
	{ 0 },
};

static const struct mk_step return_steps[] = {
	{ "volumes",       MK_ASK_SET,           return_volumes,      MK_ASK_NOTHING, NULL,        300, 0 },
	{ "vm",            MK_ASK_VM,            return_vm,           MK_ASK_NOTHING, NULL,        300, 0 },
	{ "vm-snapshots",  MK_ASK_VM_SNAPSHOTS,  check_vm_snapshots,  MK_ASK_NOTHING, NULL,        60, 0 },
	{ "vm-backups",    MK_ASK_VM_BACKUPS,    check_vm_backups,    MK_ASK_NOTHING, NULL,        60, 0 },
	{ "oma",           MK_ASK_OMA,           return_oma,          MK_ASK_NOTHING, NULL,        300, 0 },
	{ "oma-snapshots", MK_ASK_OMA_SNAPSHOTS, check_oma_snapshots, MK_ASK_NOTHING, NULL,        60, 0 },
	{ "oma-backups",   MK_ASK_OMA_BACKUPS,   check_oma_backups,   MK_ASK_NOTHING, NULL,        60, 0 },
	{ "move",          MK_ASK_NOTHING,       return_move,         MK_ASK_VM_SET,  assign_undo, 60, 0 },
	{ "prove",         MK_ASK_SET,           return_prove,        MK_ASK_NOTHING, NULL,        60, 0 },
	{ 0 },
};

static const struct mk_step snapshot_steps[] = {
	{ "volumes",       MK_ASK_SET,           snapshot_volumes,    MK_ASK_NOTHING, NULL,          300, 0 },
	{ "unused",        MK_ASK_SNAPSHOTS,     snapshot_unused,     MK_ASK_NOTHING, NULL,          300, 0 },
	{ "snapshot",      MK_ASK_NOTHING,       snapshot_make,       MK_ASK_NOTHING, snapshot_undo, 60, 0 },
	{ 0 },
};

static const struct mk_step revert_steps[] = {
	{ "volumes",       MK_ASK_SET,           revert_volumes,      MK_ASK_NOTHING, NULL,        300, 0 },
	{ "vm",            MK_ASK_VM,            return_vm,           MK_ASK_NOTHING, NULL,        300, 0 },
	{ "vm-snapshots",  MK_ASK_VM_SNAPSHOTS,  check_vm_snapshots,  MK_ASK_NOTHING, NULL,        60, 0 },
	{ "oma-snapshots", MK_ASK_OMA_SNAPSHOTS, check_oma_snapshots, MK_ASK_NOTHING, NULL,        60, 0 },
	{ "oma-backups",   MK_ASK_OMA_BACKUPS,   check_oma_backups,   MK_ASK_NOTHING, NULL,        60, 0 },
	{ "snapshots",     MK_ASK_SNAPSHOTS,     revert_choose,       MK_ASK_NOTHING, NULL,        300, 0 },
	{ "revert",        MK_ASK_NOTHING,       revert_make,         MK_ASK_SET,     revert_undo, 60, MK_STEP_NO_RETURN },
	{ "drop",          MK_ASK_NOTHING,       revert_drop,         MK_ASK_NOTHING, drop_undo,   60, 0 },
	{ 0 },
};

static const struct mk_step drop_steps[] = {
	{ "volumes",       MK_ASK_SET,           drop_volumes,        MK_ASK_NOTHING, NULL,        300, 0 },
	{ "drop",          MK_ASK_NOTHING,       drop_make,           MK_ASK_NOTHING, drop_undo,   60, MK_STEP_NO_RETURN },
	{ 0 },
};

/* ---- of each volume of a set: the parent compensates */

static const struct mk_step move_steps[] = {
	{ "check",         MK_ASK_VM_VOLUME,     move_start,          MK_ASK_NOTHING, NULL,        60, 0 },
	{ "detach",        MK_ASK_VOLUME,        detach,              MK_ASK_VOLUME,  detach_undo, 600, 0 },
	{ "gone",          MK_ASK_VOLUME,        detach_prove,        MK_ASK_NOTHING, NULL,        300, 0 },
	{ "attach",        MK_ASK_VOLUME,        attach,              MK_ASK_NOTHING, NULL,        3600, 0 },
	{ "prove",         MK_ASK_VM_VOLUME,     attach_prove,        MK_ASK_NOTHING, NULL,        300, 0 },
	{ 0 },
};

static const struct mk_step snapshot_one_steps[] = {
	{ "snapshot",      MK_ASK_SNAPSHOTS,     snapshot_one,        MK_ASK_NOTHING, NULL,        7200, 0 },
	{ 0 },
};

static const struct mk_step revert_one_steps[] = {
	{ "check",         MK_ASK_VM_VOLUME,     revert_one_check,    MK_ASK_NOTHING, NULL,        60, 0 },
	{ "detach",        MK_ASK_VOLUME,        detach,              MK_ASK_VOLUME,  detach_undo, 600, 0 },
	{ "gone",          MK_ASK_VOLUME,        detach_prove,        MK_ASK_NOTHING, NULL,        300, 0 },
	{ "revert",        MK_ASK_VOLUME,        revert_one,          MK_ASK_NOTHING, NULL,        7200, 0 },
	{ "attach",        MK_ASK_VOLUME,        attach,              MK_ASK_NOTHING, NULL,        3600, 0 },
	{ "prove",         MK_ASK_VM_VOLUME,     attach_prove,        MK_ASK_NOTHING, NULL,        300, 0 },
	{ 0 },
};

static const struct mk_step drop_one_steps[] = {
	{ "drop",          MK_ASK_SNAPSHOTS,     drop_one,            MK_ASK_NOTHING, NULL,        3600, 0 },
	{ 0 },
};

/* ---- of single volumes */

static const struct mk_step attach_steps[] = {
	{ "check",         MK_ASK_VM_VOLUME,     attach_start,        MK_ASK_NOTHING, NULL,        60, 0 },
	{ "attach",        MK_ASK_VOLUME,        attach,              MK_ASK_VOLUME,  attach_undo, 3600, 0 },
	{ "prove",         MK_ASK_VM_VOLUME,     attach_prove,        MK_ASK_NOTHING, NULL,        300, 0 },
	{ 0 },
};

static const struct mk_step detach_steps[] = {
	{ "check",         MK_ASK_VOLUME,        detach_start,        MK_ASK_NOTHING, NULL,        60, 0 },
	{ "vm",            MK_ASK_VM,            detach_vm,           MK_ASK_NOTHING, NULL,        300, 0 },
	{ "detach",        MK_ASK_VOLUME,        detach,              MK_ASK_VOLUME,  detach_undo, 600, MK_STEP_NO_RETURN },
	{ "prove",         MK_ASK_VOLUME,        detach_prove,        MK_ASK_NOTHING, NULL,        300, 0 },
	{ 0 },
};

static const struct mk_step delete_steps[] = {
	{ "check",         MK_ASK_VOLUME,        delete_check,        MK_ASK_NOTHING, NULL,        60, 0 },
	{ "delete",        MK_ASK_VOLUME,        delete,              MK_ASK_NOTHING, NULL,        900, MK_STEP_NO_RETURN },
	{ "prove",         MK_ASK_VOLUME,        delete_prove,        MK_ASK_NOTHING, NULL,        300, 0 },
	{ 0 },
};

static const struct mk_step adopt_steps[] = {
	{ "check",         MK_ASK_VM_VOLUME,     adopt_check,         MK_ASK_NOTHING, NULL,        60, 0 },
	{ "own",           MK_ASK_VOLUME,        adopt_take,          MK_ASK_VOLUME,  adopt_undo,  300, 0 },
	{ "prove",         MK_ASK_VM_VOLUME,     adopt_prove,         MK_ASK_NOTHING, NULL,        300, 0 },
	{ 0 },
};

static const struct mk_step forget_steps[] = {
	{ "check",         MK_ASK_VOLUME,        forget_check,        MK_ASK_NOTHING, NULL,        60, 0 },
	{ "drop",          MK_ASK_SNAPSHOTS,     forget_drop,         MK_ASK_NOTHING, NULL,        3600, 0 },
	{ "untag",         MK_ASK_VOLUME,        forget_untag,        MK_ASK_NOTHING, NULL,        300, 0 },
	{ "forget",        MK_ASK_NOTHING,       forget,              MK_ASK_NOTHING, NULL,        60, 0 },
	{ 0 },
};
/* clang-format on */

/* ---- descriptor -------------------------------------------------------------------------------------------------- */

static const struct mk_option assign_options[] = { { "root", "s" }, { "force", "b" }, { 0 } };
static const struct mk_option revert_options[] = {
	{ "drop", "b" }, { "operation", "s" }, { "force", "b" }, { 0 }
};

#define OPERATION(method, signature, names, p, opts, s, deadline, prep)                            \
	{                                                                                          \
		.name = method, .in = signature, .in_names = names, .out = "o",                    \
		.out_names = "operation", .kind = MK_METHOD_OPERATION, .privilege = p,             \
		.options = opts, .steps = s, .deadline_s = deadline, .prepare = prep,              \
	}

#define HOURS(n) ((n)*3600)

static const struct mk_method methods[] = {
	OPERATION("Assign", "assa{sv}", "volumes,vm,options", MK_PRIVILEGE_ATTACH, assign_options,
		  assign_steps, HOURS(6), assign_prepare),
	OPERATION("Return", "asa{sv}", "volumes,options", MK_PRIVILEGE_ATTACH, NULL, return_steps,
		  HOURS(6), set_prepare),
	OPERATION("Snapshot", "asa{sv}", "volumes,options", MK_PRIVILEGE_CREATE, NULL,
		  snapshot_steps, HOURS(6), set_prepare),
	OPERATION("Revert", "asa{sv}", "volumes,options", MK_PRIVILEGE_DELETE, revert_options,
		  revert_steps, HOURS(6), set_prepare),
	OPERATION("DropSnapshots", "asa{sv}", "volumes,options", MK_PRIVILEGE_DELETE, NULL,
		  drop_steps, HOURS(6), set_prepare),
	{ 0 },
};

static const struct mk_method volume_methods[] = {
	OPERATION("AttachVolume", "sssa{sv}", "class,volume,vm,options", MK_PRIVILEGE_ATTACH, NULL,
		  attach_steps, HOURS(2), attach_prepare),
	OPERATION("DetachVolume", "sa{sv}", "volume,options", MK_PRIVILEGE_DETACH, NULL,
		  detach_steps, HOURS(1), volume_prepare),
	OPERATION("DeleteVolume", "sa{sv}", "volume,options", MK_PRIVILEGE_DELETE, NULL,
		  delete_steps, HOURS(1), volume_prepare),
	OPERATION("AdoptVolume", "ssa{sv}", "class,volume,options", MK_PRIVILEGE_CREATE, NULL,
		  adopt_steps, HOURS(1), adopt_prepare),
	OPERATION("ForgetVolume", "sa{sv}", "volume,options", MK_PRIVILEGE_DELETE, NULL,
		  forget_steps, HOURS(2), forget_prepare),
	{ 0 },
};

/* stopped: leave only a Stopped VM */
static const struct mk_option inner_options[] = {
	{ "device-id", "u" }, { "force", "b" }, { "stopped", "b" }, { 0 }
};
static const struct mk_option drop_one_options[] = { { "snapshot", "s" }, { 0 } };

static const struct mk_method inner_methods[] = {
	OPERATION("Move", "sssa{sv}", "volume,from,to,options", MK_PRIVILEGE_ATTACH, inner_options,
		  move_steps, HOURS(6), move_prepare),
	OPERATION("SnapshotOne", "ssa{sv}", "volume,operation,options", MK_PRIVILEGE_CREATE, NULL,
		  snapshot_one_steps, HOURS(6), snapshot_one_prepare),
	OPERATION("RevertOne", "sssa{sv}", "volume,vm,snapshot,options", MK_PRIVILEGE_DELETE,
		  inner_options, revert_one_steps, HOURS(6), revert_one_prepare),
	OPERATION("DropOne", "ssa{sv}", "volume,operation,options", MK_PRIVILEGE_DELETE,
		  drop_one_options, drop_one_steps, HOURS(6), drop_one_prepare),
	{ 0 },
};

static const struct mk_plugin failover_plugin = {
	MK_PLUGIN_STAMP,
	.name = CLASS,
	.summary = "sets of volumes moved to a failover VM and home again, all or none",
	.interface = "org.migratekit.Volume1.Failover",
	.methods = methods,
	.volume_methods = volume_methods,
	.inner_methods = inner_methods,
	.init = steps_init,
};
MK_PLUGIN(failover_plugin);
