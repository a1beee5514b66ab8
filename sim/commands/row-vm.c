/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Makes the rows of VMs, as CloudStack's UserVmJoinDaoImpl: from user_vm_view, which has a row for each disk with each
 * NIC and each tag. The first row makes the answer, with what "details" asks for; the others add to it.
 */

#include "commands-internal.h"

#include <inttypes.h>

/* Details that only root admins see and change (user.vm.denied.details, user.vm.readonly.details). */
static const char *const denied_details[] = {
	"rootdisksize", "cpuOvercommitRatio", "memoryOvercommitRatio", SIM_DETAIL_STOPPED, NULL,
};
#define READ_ONLY_DETAILS "dataDiskController, rootDiskController"

bool sim_is_denied_detail(const char *key)
{
	return sim_state_name(denied_details, key) != NULL;
}

/* ---- its disks ------------------------------------------------------------------------------- */

/* The disk of the VM that has the lowest number above one, or NULL. */
static struct sim_volume *next_volume(struct sim *sim, const struct sim_vm *vm, int64_t above)
{
	struct sim_volume *v, *next = NULL;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (!v->o.removed && v->vm == vm && v->o.number > above &&
		    (!next || v->o.number < next->o.number))
			next = v;
	return next;
}

/* Of the first row that has one. Without "diskoff" the first row of all does not count. */
static void add_disk_offering(struct sim *sim, json_object *row, const struct sim_vm *vm,
			      unsigned details)
{
	size_t n_tags = json_object_array_length(vm->o.tags);
	bool repeated = vm->n_nics > 1 || n_tags > 1;
	struct sim_volume *v = next_volume(sim, vm, 0);

	if (v && !(details & (SIM_VM_ALL | SIM_VM_DISKOFF)) && !repeated)
		v = next_volume(sim, vm, v->o.number);
	for (; v; v = next_volume(sim, vm, v->o.number)) {
		if (!v->offering || v->offering->kind != K_DISK_OFFERING)
			continue;
		sim_row_add_named(row, "diskoffering", v->offering);
		return;
	}
}

/* Of the first row: a data disk that was made before the root disk comes first. */
static void add_first_disk(struct sim *sim, json_object *row, const struct sim_vm *vm,
			   unsigned details)
{
	const struct sim_volume *v = next_volume(sim, vm, 0);

	if (!v)
		return;
	if (details & (SIM_VM_ALL | SIM_VM_VOLUME)) {
		mk_json_set_int(row, "rootdeviceid", v->device_id);
		mk_json_set_str(row, "rootdevicetype", v->root ? "ROOT" : "DATADISK");
	}
	if (v->stored)
		mk_json_set_str(row, "pooltype", SIM_POOL_TYPE);
}

/* ---- its network cards ----------------------------------------------------------------------- */

static void add_address(json_object *row, const struct sim_nic *nic)
{
	json_object *network = nic->network->row;

	if (!*nic->ip)
		return;
	mk_json_set_str(row, "netmask", mk_json_str(network, "netmask", "255.255.255.0"));
	mk_json_set_str(row, "gateway", mk_json_str(network, "gateway", "10.1.1.1"));
	mk_json_set_str(row, "ipaddress", nic->ip);
}

static json_object *nic_row(const struct sim_nic *nic)
{
	_cleanup_free_ char *vlan = mk_strdup_printf("vlan://%" PRId64, 100 + nic->network->number);
	_cleanup_free_ char *device = mk_strdup_printf("%d", nic->device_id);
	json_object *row = sim_json_object();

	mk_json_set_str(row, "id", nic->id);
	sim_row_add_named(row, "network", nic->network);
	add_address(row, nic);
	if (nic->tied) {
		mk_json_set_str(row, "isolationuri", vlan);
		mk_json_set_str(row, "broadcasturi", vlan);
	}
	mk_json_set_str(row, "traffictype", "Guest");
	mk_json_set_str(row, "type", mk_json_str(nic->network->row, "type", "Isolated"));
	mk_json_set_bool(row, "isdefault", nic->device_id == 0);
	mk_json_set_str(row, "macaddress", nic->mac);
	json_object_object_add(row, "secondaryip", sim_json_array());
	json_object_object_add(row, "extradhcpoption", sim_json_array());
	mk_json_set_str(row, "deviceid", device);
	return row;
}

/* Asked for or not, they come with the second row. */
static void add_nics(struct sim *sim, json_object *row, const struct sim_vm *vm, unsigned details)
{
	size_t n_tags = json_object_array_length(vm->o.tags);
	bool more = sim_vm_count(sim, K_VOLUME, vm) > 1 || vm->n_nics > 1 || n_tags > 1;
	json_object *nics = sim_json_array();

	for (size_t i = 0; i < vm->n_nics; i++)
		if (more || details & (SIM_VM_ALL | SIM_VM_NICS))
			json_object_array_add(nics, nic_row(&vm->nics[i]));
	if (json_object_array_length(nics) > 0 && *vm->nics[0].ip)
		mk_json_set_str(row, "ipaddress", vm->nics[0].ip);
	json_object_object_add(row, "nic", nics);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void add_owner(json_object *row, const struct sim_vm *vm)
{
	sim_row_add_owner(row, vm->o.owner);
	mk_json_set_str(row, "userid", vm->user->user_id);
	mk_json_set_str(row, "username", vm->user->user_name);
}

static void add_host(struct sim *sim, json_object *row, const struct sim_vm *vm, bool admin)
{
	if (!sim_vm_has_host(vm) && !vm->kept_host)
		return;
	mk_json_set_str(row, "hostcontrolstate",
			sim_flag(sim, "hosts-offline") ? "Offline" : "Enabled");
	if (admin) {
		mk_json_set_str(row, "hostid", SIM_HOST);
		mk_json_set_str(row, "hostname", SIM_HOST_NAME);
	}
}

static void add_template(json_object *row, const struct sim_vm *vm)
{
	const struct sim_object *t = vm->template;

	if (!t)
		return;
	sim_row_add_named(row, "template", t);
	mk_json_set_str(row, "templatetype", mk_json_str(t->row, "templatetype", "USER"));
	mk_json_set_str(row, "templateformat", mk_json_str(t->row, "format", "QCOW2"));
	mk_json_set_str(row, "templatedisplaytext", mk_json_str(t->row, "displaytext", t->name));
	mk_json_set_bool(row, "passwordenabled", mk_json_bool(t->row, "passwordenabled", false));
}

static void add_offering(json_object *row, const struct sim_vm *vm, unsigned details)
{
	if (!vm->offering)
		return;
	if (details & (SIM_VM_ALL | SIM_VM_SERVOFF))
		sim_row_add_named(row, "serviceoffering", vm->offering);
	if (!(details & (SIM_VM_ALL | SIM_VM_SERVOFF | SIM_VM_STATS)))
		return;
	mk_json_set_int(row, "cpunumber", mk_json_int(vm->offering->row, "cpunumber", 1));
	mk_json_set_int(row, "cpuspeed", mk_json_int(vm->offering->row, "cpuspeed", 1000));
	mk_json_set_int(row, "memory", mk_json_int(vm->offering->row, "memory", 512));
}

/* Those of CloudStack's simulator hypervisor. */
static void add_figures(struct sim *sim, json_object *row, struct sim_vm *vm)
{
	static const char *const nothing[] = { "diskkbsread",    "diskkbswrite", "diskioread",
					       "diskiowrite",    "memorykbs",    "memoryintfreekbs",
					       "memorytargetkbs" };

	if (!sim_vm_has_figures(sim, vm))
		return;
	mk_json_set_str(row, "cpuused", "10%");
	mk_json_set_int(row, "networkkbsread", 32768);
	mk_json_set_int(row, "networkkbswrite", 16384);
	for (size_t i = 0; i < ARRAY_SIZE(nothing); i++)
		mk_json_set_int(row, nothing[i], 0);
}

/* The guest's system, which is the template's. */
static void add_system(json_object *row, const struct sim_vm *vm)
{
	json_object *t = vm->template ? vm->template->row : NULL;
	const char *id = mk_json_str(t, "ostypeid", SIM_OS_TYPE);

	mk_json_set_str(row, "guestosid", id);
	mk_json_set_str(row, "ostypeid", id);
	mk_json_set_str(row, "osdisplayname", mk_json_str(t, "ostypename", "Other Linux (64-bit)"));
}

static void add_details(json_object *row, const struct sim_vm *vm, bool admin)
{
	json_object *shown = sim_json_object();
	size_t n = 0;

	if (vm->details) {
		json_object_object_foreach(vm->details, key, value) {
			n++;
			if (admin || !sim_is_denied_detail(key))
				json_object_object_add(shown, key, json_object_get(value));
		}
	}
	json_object_object_add(row, "details", shown);
	if (!admin)
		mk_json_set_str(row, "readonlydetails", READ_ONLY_DETAILS);
	if (n == 0) { /* one without any detail boots in the old way; of others it is not said */
		mk_json_set_str(row, "bootmode", "legacy");
		mk_json_set_str(row, "boottype", "Bios");
	}
}

static void add_admin(json_object *row, const struct sim_vm *vm)
{
	_cleanup_free_ char *instance = sim_vm_instance_name(vm);
	json_object *t = vm->template ? vm->template->row : NULL;

	mk_json_set_str(row, "instancename", instance);
	mk_json_set_bool(row, "displayvm", true);
	mk_json_set_str(row, "arch", mk_json_str(t, "arch", "x86_64"));
}

static void add_constants(json_object *row)
{
	mk_json_set_bool(row, "haenable", false);
	json_object_object_add(row, "securitygroup", sim_json_array());
	json_object_object_add(row, "affinitygroup", sim_json_array());
	mk_json_set_bool(row, "isdynamicallyscalable", false);
	mk_json_set_int(row, "receivedbytes", 0);
	mk_json_set_int(row, "sentbytes", 0);
	mk_json_set_bool(row, "hasannotations", false);
}

json_object *sim_vm_row(struct sim *sim, struct sim_vm *vm, bool admin, unsigned details)
{
	json_object *row = sim_json_object();

	mk_json_set_str(row, "id", vm->o.id);
	mk_json_set_str(row, "name", vm->o.name);
	mk_json_set_str(row, "displayname", vm->display_name);
	add_owner(row, vm);
	sim_row_add_time(row, "created", vm->o.created);
	if (vm->updated)
		sim_row_add_time(row, "lastupdated", vm->updated);
	mk_json_set_str(row, "state", vm->state);
	if (vm->group && details & (SIM_VM_ALL | SIM_VM_GROUP)) {
		mk_json_set_str(row, "groupid", vm->group_id);
		mk_json_set_str(row, "group", vm->group);
	}
	sim_row_add_named(row, "zone", vm->zone);
	add_host(sim, row, vm, admin);
	if (details & (SIM_VM_ALL | SIM_VM_TMPL))
		add_template(row, vm);
	add_offering(row, vm, details);
	if (details & (SIM_VM_ALL | SIM_VM_STATS))
		add_figures(sim, row, vm);
	add_disk_offering(sim, row, vm, details);
	add_system(row, vm);
	add_first_disk(sim, row, vm, details);
	add_nics(sim, row, vm, details);
	mk_json_set_str(row, "hypervisor", sim_vm_hypervisor(sim, vm));
	add_details(row, vm, admin);
	if (admin)
		add_admin(row, vm);
	add_constants(row);
	mk_json_set_bool(row, "deleteprotection", vm->delete_protection);
	sim_row_add_job(sim, row, "VirtualMachine", vm->o.id);
	sim_row_add_tags(row, &vm->o);
	return row;
}
