/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* VMs of the model: their state, details, disks and network cards. */

#include "model.h"

char *sim_vm_instance_name(const struct sim_vm *vm)
{
	return sim_checked(mk_strdup_printf("i-%" PRId64 "-%" PRId64 "-VM", vm->o.owner->o.number,
					    vm->o.number));
}

char *sim_vm_text(const struct sim_vm *vm)
{
	_cleanup_free_ char *name = sim_vm_instance_name(vm);

	return sim_checked(mk_strdup_printf("VM instance {\"id\":%" PRId64
					    ",\"instanceName\":\"%s\",\"state\":\"%s\","
					    "\"type\":\"%s\",\"uuid\":\"%s\"}",
					    vm->o.number, name, vm->state, vm->type, vm->o.id));
}

bool sim_vm_has_host(const struct sim_vm *vm)
{
	static const char *const states[] = { "Running", "Starting", "Stopping", "Migrating",
					      NULL };

	return sim_state_name(states, vm->state) != NULL;
}

/* Hypervisor.HypervisorType.getType() */
bool sim_is_hypervisor(const char *name)
{
	static const char *const names[] = { "None",      "XenServer",  "KVM",       "VMware",
					     "Hyperv",    "VirtualBox", "Parralels", "BareMetal",
					     "Simulator", "Ovm",        "Ovm3",      "LXC",
					     "Custom",    "External",   "Any" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(names[i], name) == 0)
			return true;
	return false;
}

void sim_vm_set_detail(struct sim_vm *vm, const char *key, const char *value)
{
	if (!vm->details)
		vm->details = sim_json_object();
	mk_json_set_str(vm->details, key, value);
}

/* The cards keep their place in the network's VLAN while the VM has a host. */
static void tie_nics(struct sim_vm *vm, bool tied)
{
	for (size_t i = 0; i < vm->n_nics; i++)
		vm->nics[i].tied = tied;
}

/* Rounds are counted from the machine's start. A round sees what runs, and what was seen once keeps its figures. */
bool sim_vm_has_figures(struct sim *sim, struct sim_vm *vm)
{
	uint64_t round = (uint64_t)sim_get(sim, "stats-ms") * USEC_PER_MSEC;

	if (vm->running && round > 0 && mk_now_monotonic() / round > vm->running / round)
		vm->has_figures = true;
	return vm->has_figures;
}

void sim_vm_set_state(struct sim *sim, struct sim_vm *vm, const char *state)
{
	bool had_host = sim_vm_has_host(vm);

	(void)sim_vm_has_figures(sim, vm);
	vm->running = streq(state, "Running") ? mk_now_monotonic() : 0;
	vm->state = sim_state_name(sim_vm_states, state);
	vm->updated = mk_now_realtime();
	vm->kept_host = false;
	if (sim_vm_has_host(vm))
		tie_nics(vm, true);
	else if (had_host)
		tie_nics(vm, false);
	if (streq(state, "Running")) {
		vm->has_run = true;
		if (vm->details)
			json_object_object_del(vm->details, SIM_DETAIL_DEPLOY);
	}
	if (streq(state, "Stopped")) /* CapacityManagerImpl.postStateTransitionEvent() */
		sim_vm_set_detail(vm, SIM_DETAIL_STOPPED, "false");
}

/* ---- networks -------------------------------------------------------------------------------- */

bool sim_vm_in_network(const struct sim_vm *vm, const struct sim_object *network)
{
	for (size_t i = 0; i < vm->n_nics; i++)
		if (vm->nics[i].network == network)
			return true;
	return false;
}

bool sim_network_in_use(struct sim *sim, const struct sim_object *network)
{
	struct sim_vm *vm;

	SIM_FOREACH(sim, K_VM, vm)
		if (!vm->o.removed && sim_vm_has_host(vm) && sim_vm_in_network(vm, network))
			return true;
	return false;
}

/* How many cards the network has had. */
static unsigned count_nics(struct sim *sim, const struct sim_object *network)
{
	struct sim_vm *vm;
	unsigned n = 0;

	SIM_FOREACH(sim, K_VM, vm)
		for (size_t i = 0; i < vm->n_nics; i++)
			n += vm->nics[i].network == network;
	return n;
}

/* An L2 network gives no addresses. */
static bool gives_addresses(const struct sim_object *network)
{
	return !streq(mk_json_str(network->row, "type", "Isolated"), "L2");
}

struct sim_nic *sim_vm_add_nic(struct sim *sim, struct sim_vm *vm, struct sim_object *network,
			       const char *mac, const char *ip)
{
	unsigned n = count_nics(sim, network) + 1;
	struct sim_nic *nic;

	vm->nics = sim_checked(reallocarray(vm->nics, vm->n_nics + 1, sizeof(*vm->nics)));
	nic = &vm->nics[vm->n_nics];
	*nic = (struct sim_nic){ .network = network, .device_id = (int)vm->n_nics };
	vm->n_nics++;

	if (mk_uuid_random(nic->id) < 0)
		abort();
	if (mac)
		snprintf(nic->mac, sizeof(nic->mac), "%s", mac);
	else
		snprintf(nic->mac, sizeof(nic->mac), "02:02:00:%02x:%02x:%02x",
			 (unsigned)network->number & 0xff, n >> 8 & 0xff, n & 0xff);
	if (gives_addresses(network) && ip)
		snprintf(nic->ip, sizeof(nic->ip), "%s", ip);
	else if (gives_addresses(network))
		snprintf(nic->ip, sizeof(nic->ip), "10.1.1.%u", 1 + n % 254);
	return nic;
}

/* ---- disks ----------------------------------------------------------------------------------- */

const char *sim_vm_hypervisor(struct sim *sim, const struct sim_vm *vm)
{
	return vm->hypervisor ? vm->hypervisor : sim_get_text(sim, "hypervisor");
}

/* How many volumes, VM snapshots or backups it has. */
int64_t sim_vm_count(struct sim *sim, enum sim_kind kind, const struct sim_vm *vm)
{
	struct sim_object *o;
	int64_t n = 0;

	SIM_FOREACH(sim, kind, o) {
		if (o->removed)
			continue;
		if (kind == K_VOLUME)
			n += ((struct sim_volume *)o)->vm == vm;
		else
			n += streq(mk_json_str(o->row, "virtualmachineid", ""), vm->o.id);
	}

	return n;
}

/* From CloudStack's table hypervisor_capabilities. */
unsigned sim_vm_max_disks(struct sim *sim, const struct sim_vm *vm)
{
	static const struct {
		const char *hypervisor;
		unsigned n;
	} table[] = { { "KVM", 32 }, { "VMware", 59 }, { "XenServer", 13 }, { "Simulator", 6 } };
	int64_t set = sim_get(sim, "max-data-disks");

	if (set > 0)
		return (unsigned)set;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (streq(table[i].hypervisor, sim_vm_hypervisor(sim, vm)))
			return table[i].n;
	return 6;
}

struct sim_volume *sim_vm_volume_at(struct sim *sim, const struct sim_vm *vm, int device_id)
{
	struct sim_volume *v;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (!v->o.removed && v->vm == vm && v->device_id == device_id)
			return v;
	return NULL;
}

struct sim_volume *sim_vm_root(struct sim *sim, const struct sim_vm *vm)
{
	struct sim_volume *v;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (!v->o.removed && v->vm == vm && v->root)
			return v;
	return NULL;
}

int sim_vm_free_device(struct sim *sim, const struct sim_vm *vm)
{
	int last = (int)sim_vm_max_disks(sim, vm) + 1;

	for (int i = 1; i <= last; i++)
		if (i != 3 && !sim_vm_volume_at(sim, vm, i)) /* 3 is the CD drive */
			return i;
	return -1;
}
