/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes the rows of volumes, with the keys of CloudStack's VolumeResponse. */

#include "commands-internal.h"

#include <inttypes.h>

/* A root disk's compute-only offering shows as a number in a text. */
static void add_offering(json_object *row, const struct sim_volume *v)
{
	_cleanup_free_ char *number = NULL;

	if (!v->offering)
		return;
	if (v->offering->kind == K_DISK_OFFERING) {
		sim_row_add_named(row, "diskoffering", v->offering);
		mk_json_set_str(row, "diskofferingdisplaytext",
				mk_json_str(v->offering->row, "displaytext", v->offering->name));
		return;
	}

	number = mk_strdup_printf("%" PRId64, v->offering->number);
	mk_json_set_str(row, "serviceofferingid", number);
	mk_json_set_str(row, "serviceofferingname", v->offering->name);
}

static void add_volume_vm(json_object *row, const struct sim_volume *v)
{
	if (!v->vm || streq(v->state, "Destroy"))
		return;

	mk_json_set_int(row, "deviceid", v->device_id);
	mk_json_set_str(row, "virtualmachineid", v->vm->o.id);
	mk_json_set_str(row, "vmname", v->vm->o.name);
	mk_json_set_str(row, "vmdisplayname", v->vm->display_name);
	mk_json_set_str(row, "vmstate", v->vm->state);
	mk_json_set_str(row, "vmtype", v->vm->type);
	sim_row_add_time(row, "attached", v->attached);
}

static void add_volume_admin(struct sim *sim, json_object *row, const struct sim_volume *v)
{
	mk_json_set_str(row, "hypervisor", v->stored ? sim_volume_hypervisor(sim, v) : "None");
	mk_json_set_bool(row, "displayvolume", true);
	mk_json_set_str(row, "storagetype", "shared");
	mk_json_set_str(row, "storage", v->stored ? "PS0" : "none");
	if (!v->stored)
		return;

	mk_json_set_str(row, "path", v->path);
	mk_json_set_str(row, "storageid", SIM_POOL);
	mk_json_set_str(row, "clusterid", SIM_CLUSTER);
	mk_json_set_str(row, "clustername", "C0");
	mk_json_set_str(row, "podid", SIM_POD);
	mk_json_set_str(row, "podname", "POD0");
}

json_object *sim_volume_row(struct sim *sim, struct sim_volume *v, bool admin)
{
	json_object *row = sim_json_object();

	mk_json_set_str(row, "id", v->o.id);
	mk_json_set_str(row, "name", v->o.name);
	sim_row_add_named(row, "zone", v->zone);
	mk_json_set_str(row, "type", v->root ? "ROOT" : "DATADISK");
	add_volume_vm(row, v);
	mk_json_set_str(row, "provisioningtype", "thin");
	mk_json_set_int(row, "size", (int64_t)v->size);
	sim_row_add_time(row, "created", v->o.created);
	mk_json_set_str(row, "state", v->state);
	sim_row_add_account(row);
	add_offering(row, v);
	sim_row_add_named(row, "template", v->template);
	if (v->snapshot)
		mk_json_set_str(row, "snapshotid", v->snapshot->id);
	if (admin)
		add_volume_admin(sim, row, v);
	mk_json_set_bool(row, "destroyed", streq(v->state, "Destroy"));
	mk_json_set_bool(row, "isextractable", true);
	mk_json_set_bool(row, "quiescevm", false);
	mk_json_set_bool(row, "supportsstoragesnapshot", false);
	mk_json_set_bool(row, "deleteprotection", v->delete_protection);
	mk_json_set_bool(row, "hasannotations", false);
	sim_row_add_job(sim, row, "Volume", v->o.id);
	sim_row_add_tags(row, &v->o);
	return row;
}
