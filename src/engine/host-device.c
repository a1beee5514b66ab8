/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The part of struct mk_host that is about managed volumes and block devices. */

#include "engine-internal.h"

#include "base/log.h"

#define CANDIDATES_MAX 8

/* ---- managed volumes ---------------------------------------------------------------------------------------- */

static struct mk_managed_info info_of(const struct mk_volume *v)
{
	return (struct mk_managed_info){
		.id = v->id,
		.name = v->name,
		.class = v->class,
		.vm = v->vm,
		.target = v->target,
		.state = v->state,
		.device_id = v->device_id,
		.size = v->size,
		.node = mk_volume_has_device(v) ? v->node : "",
		.revision = v->revision,
	};
}

static const struct mk_managed_info *host_managed(struct mk_op *op, const char *volume)
{
	const struct mk_volume *v = mk_volumes_find(op->engine->volumes, volume);

	if (!v)
		return NULL;

	op->managed = info_of(v);
	return &op->managed;
}

static void host_each_managed(struct mk_op *op,
			      void (*fn)(const struct mk_managed_info *v, void *data), void *data)
{
	for (const struct mk_volume *v = mk_volumes_first(op->engine->volumes); v; v = v->hh.next) {
		struct mk_managed_info info = info_of(v);

		fn(&info, data);
	}
}

static void host_manage(struct mk_op *op, const struct mk_volume_info *v, const char *class,
			const char *name)
{
	bool held = mk_engine_holder(op->engine, v->id) != NULL;

	if (mk_volumes_manage(op->engine->volumes, v, class, name, held) < 0)
		mk_op_log(op, LOG_ERR, "volume %s could not be taken into the store", v->id);
}

static void host_forget(struct mk_op *op, const char *volume)
{
	(void)mk_volumes_forget(op->engine->volumes, volume);
}

static void host_set_volume_state(struct mk_op *op, const char *volume, enum mk_volume_state state)
{
	struct mk_volume *v = mk_volumes_find(op->engine->volumes, volume);

	if (v && state == MK_VOLUME_ATTACHING)
		(void)mk_volume_set_attaching(v, op->r.vm);
	else if (v)
		(void)mk_volume_set_state(v, state);
}

static bool host_is_busy(struct mk_op *op, const char *volume)
{
	const struct mk_op *holder = mk_engine_holder(op->engine, volume);

	return holder && holder != op;
}

/* ---- devices ------------------------------------------------------------------------------------------------- */

static void move_error(struct mk_op *op, struct mk_error *error)
{
	mk_error_done(&op->error);
	op->error = *error;
	*error = (struct mk_error){ 0 };
}

static int not_here_yet(struct mk_op *op, struct mk_error *error)
{
	if (!op->limit_passed) {
		free(op->waiting_for);
		op->waiting_for = error->text;
		*error = (struct mk_error){ 0 };
		return MK_AGAIN;
	}

	mk_error_done(&op->error);
	mk_op_set_error(op, error->code, "waited in vain for %s", str_or_empty(error->text));
	return MK_FAILED;
}

static int host_prove_device(struct mk_op *op, const struct mk_volume_info *v,
			     const struct mk_vm_info *vm, struct mk_device_info *ret)
{
	_cleanup_error_ struct mk_error error = { 0 };
	const struct mk_disk *disk = NULL;
	int r;

	op->wants_device = true;
	if (!streq(v->vm, op->engine->config.oma)) {
		mk_error_set(
			&error, MK_ERROR_DEVICE_MISMATCH,
			"CloudStack says that volume %s is attached to %s, not to the appliance",
			v->id, *v->vm ? v->vm : "nothing");
		move_error(op, &error);
		return MK_FAILED;
	}

	r = mk_correlate_check(vm->hypervisor, &error);
	if (r == 0)
		r = mk_correlate(op->engine->volumes, v->id, v->size, &disk, &error);
	if (r == -EAGAIN)
		return not_here_yet(op, &error);
	if (r < 0) {
		move_error(op, &error);
		return MK_FAILED;
	}

	mk_correlate_fill(disk, ret);
	return MK_DONE;
}

static void host_bind_device(struct mk_op *op, const struct mk_volume_info *v,
			     const struct mk_device_info *device)
{
	struct mk_volume *managed = mk_volumes_find(op->engine->volumes, v->id);

	if (!managed || mk_volume_bind(managed, v->device_id, device) < 0)
		mk_op_log(op, LOG_ERR, "the device of volume %s could not be stored", v->id);
}

/* How many disks carry the volume's serial; the first CANDIDATES_MAX of them. */
static size_t disks_seen(struct mk_op *op, const char *volume,
			 const struct mk_disk *ret[CANDIDATES_MAX])
{
	struct mk_devices *devices = mk_volumes_devices(op->engine->volumes);
	char serial[MK_SERIAL_SIZE];

	op->wants_device = true;
	mk_serial_of_volume(volume, serial);
	return devices ? mk_devices_by_serial(devices, serial, ret, CANDIDATES_MAX) : 0;
}

static const char *host_device_seen(struct mk_op *op, const char *volume)
{
	const struct mk_disk *disks[CANDIDATES_MAX];

	return disks_seen(op, volume, disks) > 0 ? disks[0]->node : "";
}

/* Which of the candidates is the volume is not proven: each of them may be. */
static const char *host_device_users(struct mk_op *op, const char *volume)
{
	const struct mk_disk *disks[CANDIDATES_MAX];
	size_t n = disks_seen(op, volume, disks);
	int r = n > CANDIDATES_MAX ? -E2BIG : 0, n_users = 0;

	op->users = (free(op->users), NULL);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		r = mk_devices_users(mk_volumes_devices(op->engine->volumes), disks[i], &op->users);
		n_users += r > 0;
	}
	if (r < 0) {
		free(op->users);
		op->users = mk_strdup_printf("its users cannot be found out: %s", strerror(-r));
	}
	return r == 0 && n_users == 0 ? "" : op->users ? op->users : "out of memory";
}

static void host_rescan(struct mk_op *op)
{
	struct mk_devices *devices = mk_volumes_devices(op->engine->volumes);

	if (devices)
		(void)mk_devices_rescan(devices);
	mk_volumes_recheck(op->engine->volumes);
}

static bool host_is_late(struct mk_op *op)
{
	return op->limit_passed;
}

static int host_check_hypervisor(struct mk_op *op, const struct mk_vm_info *vm)
{
	_cleanup_error_ struct mk_error error = { 0 };

	if (mk_correlate_check(vm->hypervisor, &error) == 0)
		return MK_DONE;

	move_error(op, &error);
	return MK_FAILED;
}

void mk_host_add_devices(struct mk_host *host)
{
	host->managed = host_managed;
	host->each_managed = host_each_managed;
	host->manage = host_manage;
	host->forget = host_forget;
	host->set_volume_state = host_set_volume_state;
	host->is_busy = host_is_busy;
	host->check_hypervisor = host_check_hypervisor;
	host->prove_device = host_prove_device;
	host->bind_device = host_bind_device;
	host->device_seen = host_device_seen;
	host->device_users = host_device_users;
	host->is_late = host_is_late;
	host->rescan = host_rescan;
}
