/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Step functions that attach a volume to a VM and detach it, with all checks. Nothing is sent before CloudStack and
 * the disks of this machine agree on where the volume is, and no step is done before they agree again. Only the
 * appliance's disks can be seen here; for other VMs CloudStack's word must do.
 *
 * Notes: "from", the VM that the volume leaves ("": it is detached); "stays": it is already where it is to be;
 * "attach-sent": an attachVolume was named, so there may be something to roll back.
 */

#include "steps.h"

#include <stdio.h>

/* The agent asked the guest to let go of the disk and gave up waiting (KVMStorageProcessor): the guest may
 * still do it, and CloudStack says "attached" until a second detach. */
#define DETACH_TIMED_OUT "Could not detach volume after sending the command and waiting for"

static const char *where(const struct mk_volume_info *v)
{
	return *v->vm ? v->vm : "nothing";
}

static bool is_here(struct mk_op *op)
{
	return streq(host->vm_id(op), host->oma_id(op));
}

/* ---- attaching ------------------------------------------------------------------------------------------------ */

/* The device id that was asked for, -1 for any. */
static int64_t wanted_id(struct mk_op *op)
{
	json_object *o = json_object_object_get(host->scratch(op), "device-id");

	return o ? json_object_get_int64(o) : host->option_int(op, "device-id", -1);
}

/* It is where it is to be already: only what was asked of it is checked. */
static int check_attached(struct mk_op *op, const struct mk_volume_info *v)
{
	int64_t id = wanted_id(op);

	if (id < 0 || id == v->device_id)
		return MK_DONE;

	host->fail(op, MK_ERROR_WRONG_STATE,
		   "volume %s is attached to VM %s as device %" PRIi64 ", not %" PRIi64
		   ": detach it first",
		   v->id, v->vm, v->device_id, id);
	return MK_FAILED;
}

int check_detached(struct mk_op *op, const struct mk_volume_info *v)
{
	const char *node = host->device_seen(op, v->id);

	if (!*node)
		return MK_DONE;

	if (!host->is_late(op)) {
		host->waiting_for(op, "disk %s to go: CloudStack says that its volume is detached",
				  node);
		return MK_AGAIN;
	}

	host->fail(
		op, MK_ERROR_DEVICE_MISMATCH,
		"CloudStack says that volume %s is detached, and disk %s with its serial is still "
		"here: a detach did not come to its end. Nothing was done",
		v->id, node);
	return MK_FAILED;
}

int check_oma(struct mk_op *op, const struct mk_vm_info *vm)
{
	int r = check_vm_state(op, vm, "Running");

	return r == MK_DONE ? host->check_hypervisor(op, vm) : r;
}

int check_idle(struct mk_op *op, const struct mk_volume_info *v)
{
	if (!v->busy)
		return MK_DONE;

	host->waiting_for(op, "volume %s, which CloudStack is working on", v->id);
	return MK_AGAIN;
}

int attach_check(struct mk_op *op, const char *class)
{
	const struct mk_volume_info *v = host->volume(op);
	const struct mk_vm_info *vm = host->vm(op);
	int r = check_volume(op, v, class);

	if (r == MK_DONE && is_here(op))
		r = check_oma(op, vm);
	if (r == MK_DONE)
		r = check_idle(op, v);
	if (r != MK_DONE)
		return r;
	if (!vm)
		return fail_no_vm(op);

	if (streq(v->vm, vm->id))
		return check_attached(op, v);
	if (*v->vm) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s (%s) is attached to VM %s: detach it there first", v->id,
			   v->name, v->vm);
		return MK_FAILED;
	}

	return check_detached(op, v);
}

int attach(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);
	char id[24] = "";

	if (!v)
		return fail_no_volume(op);

	if (streq(v->vm, host->vm_id(op))) { /* also nothing, where it is to go nowhere */
		host->manage(op, v, NULL, NULL);
		return MK_DONE;
	}

	if (*v->vm) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s was attached to VM %s by somebody else", v->id, v->vm);
		return MK_FAILED;
	}

	host->set_volume_state(op, v->id, MK_VOLUME_ATTACHING);
	set_flag(op, "attach-sent", true);
	if (wanted_id(op) < 0) {
		host->command(op, "attachVolume", "id", v->id, "virtualmachineid", host->vm_id(op),
			      NULL);
	} else {
		snprintf(id, sizeof(id), "%" PRIi64, wanted_id(op));
		host->command(op, "attachVolume", "id", v->id, "virtualmachineid", host->vm_id(op),
			      "deviceid", id, NULL);
	}
	return MK_COMMAND;
}

/* CloudStack says that it is on the appliance. */
static void stays_here(struct mk_op *op, const struct mk_volume_info *v)
{
	host->manage(op, v, NULL, NULL);
	host->set_volume_state(op, v->id, MK_VOLUME_ATTACHED);
}

/* Perhaps the reason why its device was not proven: it is not pulled from under its user. */
static int undo_in_use(struct mk_op *op, const struct mk_volume_info *v)
{
	host->fail(op, MK_ERROR_IN_USE,
		   "volume %s stays attached: its disk %s is in use: %s. Release it, then call "
		   "DetachVolume",
		   v->id, host->device_seen(op, v->id), host->device_users(op, v->id));
	stays_here(op, v);
	return MK_FAILED;
}

int attach_undo(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);

	if (!v || !flag(op, "attach-sent"))
		return MK_DONE;

	if (streq(v->vm, host->vm_id(op))) {
		if (is_here(op) && *host->device_users(op, v->id))
			return undo_in_use(op, v);
		host->command(op, "detachVolume", "id", v->id, NULL);
		return MK_COMMAND;
	}
	if (is_here(op) && !*v->vm && *host->device_seen(op, v->id)) {
		host->waiting_for(op, "disk %s to go", host->device_seen(op, v->id));
		return MK_AGAIN;
	}

	host->manage(op, v, NULL, NULL);
	return MK_DONE;
}

static void put_attached(struct mk_op *op, const struct mk_volume_info *v)
{
	json_object *result = host->result(op);

	set_str(result, "Volume", v->id);
	set_str(result, "VM", v->vm);
	set_int(result, "DeviceId", v->device_id);
	set_int(result, "Size", (int64_t)v->size);
}

static void put_device(struct mk_op *op, const struct mk_device_info *device)
{
	json_object *result = host->result(op);

	set_str(result, "Device", device->node);
	set_str(result, "DeviceLink", device->link);
	set_str(result, "Serial", device->serial);
	set_int(result, "Major", device->major);
	set_int(result, "Minor", device->minor);
	set_int(result, "DiskSeq", (int64_t)device->diskseq);
}

int attach_prove(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);
	const struct mk_vm_info *vm = host->vm(op);
	struct mk_device_info device;
	int r;

	if (!v)
		return fail_no_volume(op);
	if (!vm && *host->vm_id(op))
		return fail_no_vm(op);

	if (is_here(op)) {
		r = host->prove_device(op, v, vm, &device);
		if (r != MK_DONE)
			return r;
		host->bind_device(op, v, &device);
		put_device(op, &device);
	} else if (!streq(v->vm, host->vm_id(op))) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s is attached to %s now: somebody else changed it", v->id,
			   where(v));
		return MK_FAILED;
	}
	if (check_attached(op, v) != MK_DONE)
		return MK_FAILED;

	put_attached(op, v);
	return MK_DONE;
}

/* ---- detaching ------------------------------------------------------------------------------------------------ */

int check_unused(struct mk_op *op, const struct mk_volume_info *v)
{
	const char *users = host->device_users(op, v->id);

	if (!*users || host->option_bool(op, "force", false))
		return MK_DONE;

	host->fail(op, MK_ERROR_IN_USE,
		   "volume %s (disk %s) is in use: %s. Release it, or pass the option force=true",
		   v->id, host->device_seen(op, v->id), users);
	return MK_FAILED;
}

/* Nothing is unplugged from a guest that somebody started since the set was looked at. */
static int check_stopped(struct mk_op *op, const struct mk_volume_info *v)
{
	if (!host->option_bool(op, "stopped", false) || !*v->vm || streq(v->vm, host->oma_id(op)) ||
	    streq(v->vm_state, "Stopped"))
		return MK_DONE;

	host->fail(op, MK_ERROR_WRONG_STATE,
		   "volume %s stays on VM %s, which is %s now: stop it, and try again", v->id,
		   v->vm, v->vm_state);
	return MK_FAILED;
}

int leave_check(struct mk_op *op, const struct mk_volume_info *v)
{
	int r = check_idle(op, v);

	if (r == MK_DONE)
		r = check_stopped(op, v);
	if (r != MK_DONE)
		return r;

	set_note(op, "from", v->vm);
	if (!streq(v->vm, host->oma_id(op)))
		return MK_DONE;

	if (is_root(v)) {
		host->fail(op, MK_ERROR_PROTECTED,
			   "volume %s (%s) is the appliance's own root disk: it is never detached",
			   v->id, v->name);
		return MK_FAILED;
	}

	return check_unused(op, v);
}

/* The disk is still here after CloudStack gave up waiting for the guest. */
static int wait_for_guest(struct mk_op *op, const struct mk_volume_info *v)
{
	host->unsettled(op);
	host->waiting_for(op, "the guest to release disk %s: CloudStack gave up waiting for it",
			  host->device_seen(op, v->id));
	return MK_AGAIN;
}

int detach(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);
	const char *from = note(op, "from");
	bool here;
	int r;

	if (!v)
		return fail_no_volume(op);
	if (!*v->vm || flag(op, "stays"))
		return MK_DONE;

	here = streq(v->vm, host->oma_id(op));
	if (!streq(v->vm, from) || (here && is_root(v))) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s is attached to %s as %s, device %" PRIi64
			   ", now: somebody else changed it",
			   v->id, where(v), v->type, v->device_id);
		return MK_FAILED;
	}

	if (here && strstr(host->refusal_text(op), DETACH_TIMED_OUT) &&
	    *host->device_seen(op, v->id))
		return wait_for_guest(op, v);

	r = here ? check_unused(op, v) : check_stopped(op, v);
	if (r != MK_DONE)
		return r;

	host->set_volume_state(op, v->id, MK_VOLUME_DETACHING);
	host->command(op, "detachVolume", "id", v->id, NULL);
	return MK_COMMAND;
}

/* Nothing is put back: the store says again where the volume is, and its device is proven again. */
int detach_undo(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);

	if (v && streq(v->vm, host->oma_id(op)))
		stays_here(op, v);
	else if (v)
		host->manage(op, v, NULL, NULL);
	return MK_DONE;
}

/* CloudStack says detached, and the disk has gone. */
int detach_prove(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);
	const char *node;

	if (!v)
		return fail_no_volume(op);
	if (flag(op, "stays"))
		return MK_DONE;

	node = host->device_seen(op, v->id);
	if (*v->vm || *node) {
		if (host->is_late(op)) {
			host->fail(
				op, MK_ERROR_DEVICE_MISMATCH,
				"CloudStack says that volume %s is attached to %s, and disk %s is "
				"still here",
				v->id, where(v), node);
			return MK_FAILED;
		}
		host->waiting_for(op, "disk %s to go", node);
		return MK_AGAIN;
	}

	host->manage(op, v, NULL, NULL);
	set_str(host->result(op), "Volume", v->id);
	return MK_DONE;
}

/* ---- from one place to another ---------------------------------------------------------------------------------- */

static int check_target(struct mk_op *op)
{
	const struct mk_vm_info *vm = host->vm(op);

	if (is_here(op))
		return check_oma(op, vm);

	return *host->vm_id(op) && !vm ? fail_no_vm(op) : MK_DONE;
}

int move_check(struct mk_op *op, const char *from)
{
	const struct mk_volume_info *v = host->volume(op);
	int r = check_managed(op, v);

	if (r == MK_DONE)
		r = check_target(op);
	if (r == MK_DONE)
		r = check_idle(op, v);
	if (r != MK_DONE)
		return r;

	if (streq(v->vm, host->vm_id(op))) {
		set_flag(op, "stays", true);
		return check_attached(op, v);
	}
	if (!streq(v->vm, from)) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s (%s) is attached to %s, not to %s: somebody else moved it",
			   v->id, v->name, where(v), *from ? from : "nothing");
		return MK_FAILED;
	}

	r = leave_check(op, v);
	return r == MK_DONE && !*from ? check_detached(op, v) : r;
}
