/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The guest's side: which disks are in a VM's machine, whatever the database says, and whether its guest follows. All
 * as KVM has it. A virtio disk leaves the machine when the guest lets go of it; a scsi disk leaves at once. A job that
 * has attached a disk says nothing about the guest. What a guest misses while it is paused or deaf, it gets when it
 * runs again.
 */

#include "model.h"

#include <limits.h>

#define SERIAL_SIZE 21
#define VIRTIO_DISKS                                                                               \
	25           /* ROOT and 24 data disks: then the PCI slots of the machine "pc" are taken */
#define SCSI_UNITS 7 /* of a controller, as CloudStack numbers them */

static const char *const guest_states[] = {
	[SIM_GUEST_RUNS] = "running",
	[SIM_GUEST_PAUSED] = "paused",
	[SIM_GUEST_DEAF] = "deaf",
	NULL,
};

void sim_set_hypervisor(struct sim *sim, const struct sim_hypervisor *hypervisor)
{
	sim->hypervisor = *hypervisor;
}

const char *sim_guest_state_name(const struct sim_vm *vm)
{
	return guest_states[vm->guest];
}

/* LibvirtComputingResource.getGuestDiskModel: of the disks to come. */
static bool uses_scsi(struct sim *sim, const struct sim_vm *vm)
{
	return streq(mk_json_str(vm->details, "rootDiskController", sim_get_text(sim, "hv-bus")),
		     "scsi");
}

/* LibvirtVMDef.DiskDef.getDevLabel: the label follows the device id; what the guest names it does not. */
char *sim_guest_target(bool scsi, int device)
{
	const char *bus = scsi ? "sd" : "vd";
	char *s = device < 26 ? mk_strdup_printf("%s%c", bus, 'a' + device)
			      : mk_strdup_printf("%s%c%c", bus, 'a' + device / 26 - 1,
						 'a' + device % 26);

	return sim_checked(s);
}

char *sim_guest_next_target(struct sim *sim, const struct sim_vm *vm, int device)
{
	return sim_guest_target(uses_scsi(sim, vm), device);
}

struct sim_volume *sim_guest_disk_at(struct sim *sim, const struct sim_vm *vm, int device)
{
	struct sim_volume *v;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (v->guest == vm && v->guest_device == device)
			return v;
	return NULL;
}

static unsigned count_virtio(struct sim *sim, const struct sim_vm *vm)
{
	struct sim_volume *v;
	unsigned n = 0;

	SIM_FOREACH(sim, K_VOLUME, v)
		n += v->guest == vm && !v->guest_scsi;
	return n;
}

bool sim_guest_has_slot(struct sim *sim, const struct sim_vm *vm)
{
	return uses_scsi(sim, vm) || count_virtio(sim, vm) < VIRTIO_DISKS;
}

/* QEMU locks an image that another guest has open. */
static bool has_disk_elsewhere(struct sim *sim, const struct sim_vm *vm)
{
	struct sim_volume *v;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (!v->o.removed && v->vm == vm && v->guest && v->guest != vm)
			return true;
	return false;
}

bool sim_guest_can_start(struct sim *sim, const struct sim_vm *vm)
{
	return !streq(sim_vm_hypervisor(sim, vm), "KVM") ||
	       (!has_disk_elsewhere(sim, vm) &&
		(uses_scsi(sim, vm) || sim_vm_count(sim, K_VOLUME, vm) <= VIRTIO_DISKS));
}

/* ---- in and out of the machine --------------------------------------------------------------- */

/* LibvirtComputingResource.diskUuidToSerial */
static void make_serial(const char *id, char *ret)
{
	size_t n = 0;

	for (const char *p = id; *p && n < SERIAL_SIZE - 1; p++)
		if (*p != '-')
			ret[n++] = *p;
	ret[n] = '\0';
}

static void plug(struct sim *sim, struct sim_volume *v, struct sim_vm *vm, int device, bool boot)
{
	char serial[SERIAL_SIZE];
	struct sim_disk disk = {
		.volume = v->o.id,
		.vm = vm->o.id,
		.serial = serial,
		.size = v->size,
		.device = device,
		.scsi = uses_scsi(sim, vm),
		.boot = boot,
		.delay_ms = (unsigned)sim_get(sim, "hv-delay-ms"),
	};

	if (v->guest)
		return;

	make_serial(v->o.id, serial);
	v->guest = vm;
	v->guest_device = device;
	v->guest_scsi = disk.scsi;
	v->ejecting = false;
	if (sim->hypervisor.plug)
		sim->hypervisor.plug(&disk, sim->hypervisor.data);
}

void sim_plug(struct sim *sim, struct sim_volume *v, struct sim_vm *vm, int device)
{
	plug(sim, v, vm, device, false);
}

/* False: the guest has not let go. The guest of a scsi disk is told when it is gone. */
static bool take_out(struct sim *sim, const struct sim_volume *v, unsigned limit_ms)
{
	unsigned delay = v->guest_scsi ? (unsigned)sim_get(sim, "hv-delay-ms") : 0;

	return !sim->hypervisor.unplug || sim->hypervisor.unplug(v->o.id, v->guest->o.id, delay,
								 limit_ms, sim->hypervisor.data);
}

static void forget(struct sim_volume *v)
{
	v->letting_go = sd_event_source_disable_unref(v->letting_go);
	v->ejecting = false;
	v->guest = NULL;
}

bool sim_unplug(struct sim *sim, struct sim_volume *v)
{
	if (v->guest && !take_out(sim, v, (unsigned)sim_get(sim, "detach-wait-ms"))) {
		v->ejecting = true;
		return false;
	}
	forget(v);
	return true;
}

/*
 * Where a kernel comes to it at its start: by PCI slot, or, on each scsi controller, the unit 0 and then from the
 * highest one down.
 */
static int boot_place(bool scsi, const struct sim_volume *v)
{
	int unit = v->device_id % SCSI_UNITS;

	return scsi ? v->device_id - unit + (unit ? SCSI_UNITS - unit : 0) : v->device_id;
}

static struct sim_volume *next_at_boot(struct sim *sim, const struct sim_vm *vm)
{
	bool scsi = uses_scsi(sim, vm);
	struct sim_volume *v, *first = NULL;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (!v->o.removed && v->vm == vm && !v->guest &&
		    (!first || boot_place(scsi, v) < boot_place(scsi, first)))
			first = v;
	return first;
}

void sim_plug_all(struct sim *sim, struct sim_vm *vm)
{
	struct sim_volume *v;

	vm->guest = SIM_GUEST_RUNS;
	while ((v = next_at_boot(sim, vm))) {
		if (streq(v->state, "Allocated"))
			sim_volume_set_state(v, "Ready");
		plug(sim, v, vm, v->device_id, true);
	}
}

/* The machine is gone: its guest holds nothing back. */
void sim_unplug_all(struct sim *sim, struct sim_vm *vm)
{
	struct sim_volume *v;

	if (vm->guest != SIM_GUEST_RUNS && sim->hypervisor.guest)
		(void)sim->hypervisor.guest(vm->o.id, SIM_GUEST_RUNS, true, sim->hypervisor.data);
	vm->guest = SIM_GUEST_RUNS;
	SIM_FOREACH(sim, K_VOLUME, v) {
		if (v->guest != vm)
			continue;
		(void)take_out(sim, v, 0);
		forget(v);
	}
}

void sim_guest_boot(struct sim *sim, const char *id)
{
	struct sim_vm *vm = (struct sim_vm *)sim_find(sim, K_VM, id);
	struct sim_volume *v;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (v->guest == vm)
			v->guest = NULL;
	sim_plug_all(sim, vm);
}

void sim_guest_resize(struct sim *sim, struct sim_volume *v, uint64_t size)
{
	if (v->guest && sim->hypervisor.resize)
		sim->hypervisor.resize(v->o.id, v->guest->o.id, size, sim->hypervisor.data);
}

/* ---- a guest that does not follow ------------------------------------------------------------ */

static bool waits_for(const struct sim_job *job, const struct sim_vm *vm)
{
	return job->timer && (job->phase == JOB_STARTED || job->phase == JOB_WORKING) &&
	       job->wait_ms > 0 && job->vm == vm;
}

/* What waits for the guest need not wait any more. */
static void hurry(struct sim *sim, const struct sim_vm *vm, const struct sim_volume *v)
{
	struct sim_job *job;

	TAILQ_FOREACH(job, &sim->pending, listed)
		if (waits_for(job, vm) && (!v || job->volume == v))
			(void)sd_event_source_set_time(job->timer, mk_now_monotonic());
}

static void let_go(struct sim_volume *v)
{
	struct sim_vm *vm = v->guest;

	v->letting_go = sd_event_source_disable_unref(v->letting_go);
	if (sim_unplug(v->sim, v))
		hurry(v->sim, vm, v);
}

static int on_let_go(sd_event_source *s, uint64_t usec, void *data)
{
	let_go(data);
	return 0;
}

static void let_go_later(struct sim *sim, struct sim_volume *v, int64_t ms)
{
	uint64_t at = mk_now_monotonic() + (uint64_t)ms * USEC_PER_MSEC;

	if (!v->letting_go &&
	    sd_event_add_time(sim->event, &v->letting_go, CLOCK_MONOTONIC, at, 1, on_let_go, v) < 0)
		abort();
}

/* libvirt sends device_del; what QEMU cannot do at once stays pending there, for good. */
unsigned sim_guest_eject(struct sim *sim, struct sim_volume *v)
{
	int64_t delay = sim_get(sim, "hv-delay-ms"), limit = sim_get(sim, "detach-wait-ms");
	bool runs = v->guest && v->guest->guest == SIM_GUEST_RUNS;

	v->ejecting = v->guest && !v->guest_scsi && (!runs || delay > 0);
	if (!v->ejecting)
		return 0;

	v->sim = sim;
	if (runs)
		let_go_later(sim, v, delay + sim_get(sim, "job-ms"));
	else if (sim->hypervisor.eject)
		sim->hypervisor.eject(v->o.id, v->guest->o.id, sim->hypervisor.data);
	return (unsigned)limit;
}

unsigned sim_guest_shutdown(struct sim *sim, const struct sim_vm *vm)
{
	return vm->guest == SIM_GUEST_RUNS ? 0 : (unsigned)sim_get(sim, "stop-wait-ms");
}

static void catch_up(struct sim *sim, struct sim_vm *vm)
{
	struct sim_volume *v;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (v->guest == vm && v->ejecting)
			let_go(v);
	hurry(sim, vm, NULL);
}

static int set_state(struct sim *sim, struct sim_vm *vm, enum sim_guest_state state, bool rescan,
		     char **ret_why)
{
	int r = 0;

	if (sim->hypervisor.guest)
		r = sim->hypervisor.guest(vm->o.id, state, rescan, sim->hypervisor.data);
	if (r < 0) {
		*ret_why = mk_strdup_printf("the guest cannot be %s: %s", guest_states[state],
					    strerror(-r));
		return r;
	}

	vm->guest = state;
	if (state == SIM_GUEST_RUNS && rescan)
		catch_up(sim, vm);
	return 0;
}

int sim_guest(struct sim *sim, json_object *fields, char **ret_why)
{
	const char *state = mk_json_str(fields, "state", "");
	struct sim_vm *vm =
		(struct sim_vm *)sim_find(sim, K_VM, mk_json_str(fields, "vm", SIM_OMA));

	for (int i = 0; guest_states[i]; i++)
		if (streq(guest_states[i], state) && vm && streq(vm->state, "Running"))
			return set_state(sim, vm, (enum sim_guest_state)i,
					 mk_json_bool(fields, "rescan", true), ret_why);

	*ret_why = strdup("expected state running, paused or deaf, of a VM that is Running");
	return -EINVAL;
}
