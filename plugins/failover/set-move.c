/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Assign and Return: a set of volumes moves to a VM, and back to the appliance, all or none. Everything that would
 * make CloudStack refuse half-way is checked first. Then all volumes move at the same time, each by a child;
 * CloudStack queues the commands per VM, so one volume is detached while another is attached. If one cannot move,
 * all go back.
 *
 * Notes: "ids", the device id that each volume gets on the VM; "oma": volumes leave or reach the appliance;
 * "moving": the children have been made.
 */

#include "failover-internal.h"

#include <stdlib.h>

#define ROOT_ID    0
#define CDROM_ID   3
#define UNASSIGNED (-1)

static bool on_oma(struct mk_op *op, const struct mk_volume_info *v)
{
	return streq(v->vm, host->oma_id(op));
}

static const char *root_of(struct mk_op *op)
{
	return host->option_str(op, "root", "");
}

/* ---- what CloudStack does not allow ------------------------------------------------------------------------------- */

static int check_none(struct mk_op *op, const char *vm, const char *what)
{
	json_object *rows = host->rows(op);
	size_t n = rows ? json_object_array_length(rows) : 0;

	if (n == 0)
		return MK_DONE;

	host->fail(op, MK_ERROR_WRONG_STATE,
		   "VM %s has %zu %s (%s%s): CloudStack attaches and detaches no volume of it. "
		   "Nothing was done",
		   vm, n, what, get_str(json_object_array_get_idx(rows, 0), "id"),
		   n > 1 ? ", …" : "");
	return MK_FAILED;
}

int check_vm_snapshots(struct mk_op *op)
{
	return check_none(op, host->vm_id(op), "VM snapshots");
}

int check_vm_backups(struct mk_op *op)
{
	return check_none(op, host->vm_id(op), "backups");
}

int check_oma_snapshots(struct mk_op *op)
{
	return flag(op, "oma") ? check_none(op, host->oma_id(op), "VM snapshots") : MK_DONE;
}

int check_oma_backups(struct mk_op *op)
{
	return flag(op, "oma") ? check_none(op, host->oma_id(op), "backups") : MK_DONE;
}

int check_leaves_oma(struct mk_op *op, const struct mk_volume_info *v)
{
	set_flag(op, "oma", true);
	if (!is_root(v))
		return check_unused(op, v);

	host->fail(op, MK_ERROR_PROTECTED,
		   "volume %s (%s) is the appliance's own root disk: it is never moved", v->id,
		   v->name);
	return MK_FAILED;
}

static int check_zone(struct mk_op *op, const struct mk_vm_info *vm)
{
	if (streq(vm->zone, note(op, "zone")))
		return MK_DONE;

	host->fail(op, MK_ERROR_WRONG_STATE,
		   "VM %s (%s) is in zone %s, the volumes are in zone %s: nothing was done", vm->id,
		   vm->name, vm->zone, note(op, "zone"));
	return MK_FAILED;
}

/* ---- Assign: checks --------------------------------------------------------------------------------------------------- */

int assign_prepare(struct mk_op *op, json_object *args)
{
	const char *vm = arg(args, 1), *root = root_of(op);
	bool found = !*root;

	if (streq(vm, host->oma_id(op))) {
		host->fail(op, MK_ERROR_PROTECTED,
			   "VM %s is the appliance itself: Return brings volumes home", vm);
		return MK_FAILED;
	}

	for (size_t i = 0; i < json_object_array_length(json_object_array_get_idx(args, 0)); i++)
		found = found || streq(arg(json_object_array_get_idx(args, 0), i), root);
	if (!found) {
		host->fail(op, MK_ERROR_INVALID_ARGS,
			   "option root: volume '%s' is not one of the set", root);
		return MK_FAILED;
	}

	return host->set_vm(op, vm, true) ? set_prepare(op, args) : MK_FAILED;
}

int assign_volumes(struct mk_op *op)
{
	int r = set_check(op, true);

	if (r != MK_DONE)
		return r;

	for (size_t i = 0; i < set_size(op); i++) {
		const struct mk_volume_info *v = set_find(op, set_id(op, i));

		if (on_oma(op, v)) {
			r = check_leaves_oma(op, v);
			if (r != MK_DONE)
				return r;
		} else if (*v->vm && !streq(v->vm, host->vm_id(op))) {
			host->fail(op, MK_ERROR_WRONG_STATE,
				   "volume %s (%s) is attached to VM %s: Return it from there "
				   "first. Nothing was done",
				   v->id, v->name, v->vm);
			return MK_FAILED;
		}
		home_set(op, v);
	}

	return MK_DONE;
}

static int check_assign_state(struct mk_op *op, const struct mk_vm_info *vm)
{
	if (!*root_of(op) && (streq(vm->state, "Running") || streq(vm->state, "Stopped")))
		return MK_DONE;

	return check_vm_state(op, vm, "Stopped");
}

static int fail_root_taken(struct mk_op *op, const struct mk_volume_info *v)
{
	if (v->managed)
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "the root disk of VM %s is volume %s (%s), which is ours: Return it "
			   "first. Nothing was done",
			   host->vm_id(op), v->id, v->name);
	else
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "VM %s has a root volume, %s (%s): TestVM.DeleteRootVolume removes it. "
			   "Nothing was done",
			   host->vm_id(op), v->id, v->name);
	return MK_FAILED;
}

/* Where a volume of the set is on the VM already, it stays. */
static int64_t place_of(struct mk_op *op, const struct mk_volume_info *volumes, size_t n,
			const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (streq(volumes[i].id, id))
			return volumes[i].device_id;
	return UNASSIGNED;
}

static int check_root(struct mk_op *op, const struct mk_volume_info *volumes, size_t n)
{
	int64_t place = place_of(op, volumes, n, root_of(op));

	if (place > ROOT_ID) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s is attached to VM %s as device %" PRIi64
			   ", not as its root disk: Return it first. Nothing was done",
			   root_of(op), host->vm_id(op), place);
		return MK_FAILED;
	}

	for (size_t i = 0; i < n; i++)
		if (volumes[i].device_id == ROOT_ID && !streq(volumes[i].id, root_of(op)))
			return fail_root_taken(op, &volumes[i]);
	return MK_DONE;
}

/* The lowest free device id of 1, 2, 4, 5, …, as CloudStack would take it. */
static int64_t next_free(const bool *used, unsigned max)
{
	for (unsigned id = 1; id <= max + 1; id++)
		if (id != CDROM_ID && !used[id])
			return id;
	return UNASSIGNED;
}

/* CloudStack's ids can be beyond what our configuration lets us give away. */
static void use(bool *used, unsigned max, int64_t id)
{
	if (id >= 0 && id <= (int64_t)max + 1)
		used[id] = true;
}

static int assign_ids(struct mk_op *op, bool *used, const struct mk_volume_info *volumes, size_t n)
{
	json_object *ids = json_object_new_object();
	unsigned max = host->max_data_disks(op);

	json_object_object_add(host->scratch(op), "ids", ids);
	for (size_t i = 0; i < n; i++)
		use(used, max, volumes[i].device_id);

	for (size_t i = 0; i < set_size(op); i++) {
		int64_t id = place_of(op, volumes, n, set_id(op, i));

		if (id == UNASSIGNED)
			id = streq(set_id(op, i), root_of(op)) ? ROOT_ID : next_free(used, max);
		if (id == UNASSIGNED) {
			host->fail(op, MK_ERROR_WRONG_STATE,
				   "VM %s has no room for %zu more volumes: it can have %u data "
				   "disks (max-data-disks in the configuration). Nothing was done",
				   host->vm_id(op), set_size(op), max);
			return MK_FAILED;
		}
		use(used, max, id);
		set_int(ids, set_id(op, i), id);
	}

	return MK_DONE;
}

/* Explicit ids, so that the order on the VM is the caller's and not that of the jobs. */
static int choose_ids(struct mk_op *op)
{
	const struct mk_volume_info *volumes;
	bool *used;
	size_t n;
	int r;

	volumes = host->volumes(op, &n);
	r = *root_of(op) ? check_root(op, volumes, n) : MK_DONE;
	if (r != MK_DONE)
		return r;

	used = calloc(host->max_data_disks(op) + 2, sizeof(*used));
	if (!used) {
		host->fail(op, MK_ERROR_INTERNAL, "out of memory");
		return MK_FAILED;
	}
	r = assign_ids(op, used, volumes, n);
	free(used);
	return r;
}

static int64_t id_of(struct mk_op *op, const char *volume)
{
	json_object *ids = json_object_object_get(host->scratch(op), "ids");

	return json_object_get_int64(json_object_object_get(ids, volume));
}

/* Reads MK_ASK_VM_VOLUMES: the first that is not where it is to be; NULL if all are. */
static const char *first_elsewhere(struct mk_op *op)
{
	for (size_t i = 0; i < set_size(op); i++) {
		const struct mk_volume_info *v = set_find(op, set_id(op, i));

		if (!v || v->device_id != id_of(op, v->id))
			return set_id(op, i);
	}
	return NULL;
}

static void assign_result(struct mk_op *op)
{
	json_object *ids = json_object_object_get(host->scratch(op), "ids");

	for (size_t i = 0; i < set_size(op); i++) {
		const struct mk_volume_info *v = set_find(op, set_id(op, i));

		host->manage(op, v, NULL, NULL);
	}

	set_put_result(op);
	set_str(host->result(op), "VM", host->vm_id(op));
	set_str(host->result(op), "Root", root_of(op));
	json_object_object_add(host->result(op), "DeviceIds", json_object_get(ids));
}

int assign_vm(struct mk_op *op)
{
	const struct mk_vm_info *vm = host->vm(op);
	int r;

	if (!vm)
		return fail_no_vm(op);

	set_str(host->details(op), "VMName", vm->name);
	r = choose_ids(op);
	if (r == MK_DONE && !first_elsewhere(op)) { /* whatever the VM does */
		assign_result(op);
		return MK_FINISHED;
	}
	if (r == MK_DONE)
		r = check_assign_state(op, vm);
	return r == MK_DONE ? check_zone(op, vm) : r;
}

/* ---- Assign: effects --------------------------------------------------------------------------------------------------- */

/* A child that moves the volume from where it is; with the caller's word on users. */
static json_object *forward_args(struct mk_op *op, const char *id, const char *to)
{
	json_object *args = move_args(id, home_vm(op, id), to);

	if (host->option_bool(op, "force", false))
		set_bool(json_object_array_get_idx(args, 3), "force", true);
	return args;
}

int assign_move(struct mk_op *op)
{
	for (size_t i = 0; !flag(op, "moving") && i < set_size(op); i++) {
		json_object *args = forward_args(op, set_id(op, i), host->vm_id(op));

		set_int(json_object_array_get_idx(args, 3), "device-id", id_of(op, set_id(op, i)));
		if (!child_spawn(op, "m", i, "Move", args))
			return MK_FAILED;
	}

	set_flag(op, "moving", true);
	return children_await(op, "m");
}

/* A volume of the set came to be the root disk of a VM that somebody has started since. */
static bool has_started(struct mk_op *op)
{
	const struct mk_vm_info *vm = host->vm(op);

	if (!vm || streq(vm->state, "Stopped") || streq(vm->state, "Destroyed"))
		return false;

	for (size_t i = 0; i < set_size(op); i++) {
		const struct mk_volume_info *v = set_find(op, set_id(op, i));

		if (v && streq(v->vm, vm->id) && v->device_id == ROOT_ID &&
		    !streq(home_vm(op, v->id), vm->id))
			return true;
	}
	return false;
}

/* Its root disk cannot leave it now, and a guest is not to lose its other disks meanwhile. */
int assign_undo(struct mk_op *op)
{
	const struct mk_vm_info *vm = host->vm(op);

	if (!has_started(op))
		return move_home(op, "m", true, "");

	if (!all_stopped(op, "m") || streq(vm->state, "Stopping")) {
		host->waiting_for(op, "the volumes to stop moving; VM %s, which was started, is %s",
				  vm->id, vm->state);
		return MK_AGAIN;
	}

	host->fail(op, MK_ERROR_WRONG_STATE,
		   "VM %s was started: stop it, then Return. The set was left where it is; the VM "
		   "is %s",
		   vm->id, vm->state);
	return MK_FAILED;
}

int assign_prove(struct mk_op *op)
{
	const char *elsewhere;

	if (!host->vm(op))
		return fail_no_vm(op);

	elsewhere = first_elsewhere(op);
	if (elsewhere) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s is no longer on VM %s as device %" PRIi64
			   ": somebody else moved it",
			   elsewhere, host->vm_id(op), id_of(op, elsewhere));
		return MK_FAILED;
	}

	assign_result(op);
	return MK_DONE;
}

/* ---- Return --------------------------------------------------------------------------------------------------------------- */

int set_take_vm(struct mk_op *op, const char *vm)
{
	if (*host->vm_id(op) && !streq(host->vm_id(op), vm)) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "the volumes are on two VMs, %s and %s: name those of one VM at a time. "
			   "Nothing was done",
			   host->vm_id(op), vm);
		return MK_FAILED;
	}

	return host->set_vm(op, vm, true) ? MK_DONE : MK_FAILED;
}

static bool all_proven(struct mk_op *op)
{
	for (size_t i = 0; i < set_size(op); i++) {
		const struct mk_volume_info *v = set_find(op, set_id(op, i));
		const struct mk_managed_info *m = v ? host->managed(op, v->id) : NULL;

		if (!m || !on_oma(op, v) || m->state != MK_VOLUME_ATTACHED || !*m->node)
			return false;
	}
	return true;
}

static void return_result(struct mk_op *op)
{
	json_object *devices = json_object_new_object();

	for (size_t i = 0; i < set_size(op); i++) {
		const struct mk_managed_info *m = host->managed(op, set_id(op, i));

		set_str(devices, set_id(op, i), m ? m->node : "");
	}

	set_put_result(op);
	set_str(host->result(op), "VM", host->oma_id(op));
	json_object_object_add(host->result(op), "Devices", devices);
}

int return_volumes(struct mk_op *op)
{
	int r = set_check(op, true);

	if (r != MK_DONE)
		return r;
	if (all_proven(op)) {
		return_result(op);
		return MK_FINISHED;
	}

	set_flag(op, "oma", true);
	for (size_t i = 0; i < set_size(op); i++) {
		const struct mk_volume_info *v = set_find(op, set_id(op, i));

		if (*v->vm && !on_oma(op, v)) {
			r = set_take_vm(op, v->vm);
			if (r != MK_DONE)
				return r;
		}
		home_set(op, v);
	}

	return MK_DONE;
}

int return_vm(struct mk_op *op)
{
	return *host->vm_id(op) ? check_vm_state(op, host->vm(op), "Stopped") : MK_DONE;
}

static int check_room(struct mk_op *op)
{
	const struct mk_volume_info *volumes;
	size_t n, coming = set_size(op), data = 0;

	volumes = host->volumes(op, &n);
	for (size_t i = 0; i < n; i++) {
		data += volumes[i].device_id != ROOT_ID;
		coming -= set_has(op, volumes[i].id);
	}
	if (data + coming <= host->max_data_disks(op))
		return MK_DONE;

	host->fail(op, MK_ERROR_WRONG_STATE,
		   "the appliance has %zu data disks and can have %u (max-data-disks in the "
		   "configuration): there is no room for %zu more. Nothing was done",
		   data, host->max_data_disks(op), coming);
	return MK_FAILED;
}

int return_oma(struct mk_op *op)
{
	int r = check_oma(op, host->vm(op));

	if (r == MK_DONE)
		r = check_zone(op, host->vm(op));
	return r == MK_DONE ? check_room(op) : r;
}

int return_move(struct mk_op *op)
{
	for (size_t i = 0; !flag(op, "moving") && i < set_size(op); i++) {
		json_object *args = forward_args(op, set_id(op, i), host->oma_id(op));

		set_bool(json_object_array_get_idx(args, 3), "stopped", true);
		if (!child_spawn(op, "m", i, "Move", args))
			return MK_FAILED;
	}

	set_flag(op, "moving", true);
	return children_await(op, "m");
}

int return_prove(struct mk_op *op)
{
	if (!all_proven(op) && !host->is_late(op)) {
		host->waiting_for(op, "the devices of all volumes");
		(void)host->device_seen(op, set_id(op, 0)); /* and for the disks to change */
		return MK_AGAIN;
	}
	if (!all_proven(op)) {
		host->fail(op, MK_ERROR_DEVICE_MISMATCH,
			   "a volume of the set left the appliance again, or its disk did: "
			   "somebody else moved it");
		return MK_FAILED;
	}

	return_result(op);
	return MK_DONE;
}
