/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The smallest useful plugin: a class with one operation, StopVM, that ends when CloudStack says that the VM is
 * stopped, and starts it again when it is cancelled. Copy it, rename what is called example, and run
 *
 *	make && sudo make install
 *	sudo migratekit-volumed --describe-plugin=example
 *
 * then add the class to `load` in the group [plugins] of volumed.conf, and restart the daemon. The manual
 * is migratekit-volume-plugin(3).
 */

#include <migratekit/volume-plugin.h>
#include <string.h>

static const struct mk_host *host;

/* Looks at nothing but the arguments; their types are checked already. */
static int prepare(struct mk_op *op, json_object *args)
{
	const char *vm = json_object_get_string(json_object_array_get_idx(args, 0));

	if (strcmp(vm, host->oma_id(op)) == 0) {
		host->fail(op, MK_ERROR_PROTECTED, "VM %s is the appliance itself", vm);
		return MK_FAILED;
	}

	/* claimed: no other operation changes this VM until ours has ended */
	return host->set_vm(op, vm, true) ? MK_DONE : MK_FAILED;
}

static int fail_no_vm(struct mk_op *op)
{
	host->fail(op, MK_ERROR_NOT_FOUND, "CloudStack does not know VM %s", host->vm_id(op));
	return MK_FAILED;
}

/* Whether it runs is noted before anything is done to it: after a restart in the middle it no longer shows. */
static int look(struct mk_op *op)
{
	const struct mk_vm_info *vm = host->vm(op);

	if (!vm)
		return fail_no_vm(op);

	json_object_object_add(host->scratch(op), "ran",
			       json_object_new_boolean(strcmp(vm->state, "Running") == 0));
	json_object_object_add(host->result(op), "VMName", json_object_new_string(vm->name));
	return MK_DONE;
}

/*
 * Called before the command and after it, however it ended: first look, then say what is missing. A
 * refused command fails the step by itself when it is asked for again.
 */
static int stop(struct mk_op *op)
{
	const struct mk_vm_info *vm = host->vm(op);

	if (!vm)
		return fail_no_vm(op);

	if (strcmp(vm->state, "Stopped") == 0)
		return MK_DONE;

	if (strcmp(vm->state, "Running") == 0) {
		host->command(op, "stopVirtualMachine", "id", vm->id, NULL);
		return MK_COMMAND;
	}

	if (strcmp(vm->state, "Stopping") == 0) {
		host->waiting_for(op, "VM %s to be stopped", vm->id);
		return MK_AGAIN;
	}

	host->fail(op, MK_ERROR_WRONG_STATE, "VM %s is in state %s; it must be Running or Stopped",
		   vm->id, vm->state);
	return MK_FAILED;
}

/* The same the other way round, and nothing if it did not run. */
static int start_again(struct mk_op *op)
{
	const struct mk_vm_info *vm = host->vm(op);
	json_object *ran;

	if (!vm || strcmp(vm->state, "Running") == 0)
		return MK_DONE;

	if (!json_object_object_get_ex(host->scratch(op), "ran", &ran) ||
	    !json_object_get_boolean(ran))
		return MK_DONE;

	if (strcmp(vm->state, "Stopped") != 0) {
		host->waiting_for(op, "VM %s, which is %s, to run again", vm->id, vm->state);
		return MK_AGAIN;
	}

	host->command(op, "startVirtualMachine", "id", vm->id, NULL);
	return MK_COMMAND;
}

static int init(const struct mk_host *h)
{
	host = h;
	return 0;
}

static const struct mk_step stop_steps[] = {
	{ .name = "look", .ask = MK_ASK_VM, .then = look, .limit_s = 60 },
	{ .name = "stop",
	  .ask = MK_ASK_VM,
	  .then = stop,
	  .undo_ask = MK_ASK_VM,
	  .undo = start_again,
	  .limit_s = 600 },
	{ 0 },
};

static const struct mk_method methods[] = {
	{ .name = "StopVM",
	  .in = "sa{sv}",
	  .in_names = "vm,options",
	  .out = "o",
	  .out_names = "operation",
	  .kind = MK_METHOD_OPERATION,
	  .privilege = MK_PRIVILEGE_DETACH,
	  .steps = stop_steps,
	  .deadline_s = 3600,
	  .prepare = prepare },
	{ 0 },
};

static const struct mk_plugin example = {
	MK_PLUGIN_STAMP,
	.name = "example",
	.summary = "an example: stops a VM",
	.interface = "org.migratekit.Volume1.Example",
	.methods = methods,
	.init = init,
};
MK_PLUGIN(example);
