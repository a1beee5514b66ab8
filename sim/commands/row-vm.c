/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes the rows of VMs, with the keys of CloudStack's UserVmResponse. */

#include "commands-internal.h"

#include <inttypes.h>

static void add_nics(json_object *row, const struct sim_vm *vm)
{
	json_object *nics = sim_json_array();

	if (vm->network) {
		json_object *nic = sim_json_object();

		sim_row_add_named(nic, "network", vm->network);
		mk_json_set_bool(nic, "isdefault", true);
		json_object_array_add(nics, nic);
	}
	json_object_object_add(row, "nic", nics);
}

static void add_vm_admin(json_object *row, const struct sim_vm *vm)
{
	_cleanup_free_ char *instance = mk_strdup_printf("i-2-%" PRId64 "-VM", vm->o.number);

	mk_json_set_str(row, "instancename", instance);
	if (streq(vm->state, "Running")) {
		mk_json_set_str(row, "hostid", SIM_HOST);
		mk_json_set_str(row, "hostname", SIM_HOST_NAME);
	}
}

static void add_vm_offering(json_object *row, const struct sim_vm *vm)
{
	if (!vm->offering)
		return;
	sim_row_add_named(row, "serviceoffering", vm->offering);
	mk_json_set_int(row, "cpunumber", mk_json_int(vm->offering->row, "cpunumber", 1));
	mk_json_set_int(row, "cpuspeed", mk_json_int(vm->offering->row, "cpuspeed", 1000));
	mk_json_set_int(row, "memory", mk_json_int(vm->offering->row, "memory", 512));
}

json_object *sim_vm_row(struct sim *sim, struct sim_vm *vm, bool admin, bool nics)
{
	json_object *row = sim_json_object();
	struct sim_volume *root = sim_vm_root(sim, vm);

	mk_json_set_str(row, "id", vm->o.id);
	mk_json_set_str(row, "name", vm->o.name);
	mk_json_set_str(row, "displayname", vm->display_name);
	sim_row_add_account(row);
	sim_row_add_time(row, "created", vm->o.created);
	mk_json_set_str(row, "state", vm->state);
	mk_json_set_bool(row, "haenable", false);
	sim_row_add_named(row, "zone", vm->zone);
	sim_row_add_named(row, "template", vm->template);
	add_vm_offering(row, vm);
	mk_json_set_str(row, "hypervisor", sim_vm_hypervisor(sim, vm));
	mk_json_set_str(row, "ostypeid", SIM_OS_TYPE);
	if (admin)
		add_vm_admin(row, vm);
	if (root) {
		mk_json_set_int(row, "rootdeviceid", root->device_id);
		mk_json_set_str(row, "rootdevicetype", "ROOT");
	}
	if (vm->details)
		json_object_object_add(row, "details", json_object_get(vm->details));
	if (nics)
		add_nics(row, vm);
	mk_json_set_bool(row, "deleteprotection", vm->delete_protection);
	sim_row_add_job(sim, row, "VirtualMachine", vm->o.id);
	sim_row_add_tags(row, &vm->o);
	return row;
}
