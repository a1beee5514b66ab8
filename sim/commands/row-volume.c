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
	mk_json_set_str(row, "serviceofferingdisplaytext",
			mk_json_str(v->offering->row, "displaytext", v->offering->name));
}

static void add_template(json_object *row, const struct sim_volume *v)
{
	if (!v->template)
		return;
	sim_row_add_named(row, "template", v->template);
	mk_json_set_str(row, "templatedisplaytext",
			mk_json_str(v->template->row, "displaytext", v->template->name));
}

/* Only a root disk that was made of a template depends on it. */
static bool is_extractable(const struct sim_volume *v)
{
	return !v->root || !v->template || mk_json_bool(v->template->row, "isextractable", false);
}

/* VmDiskStatisticsVO: there is a row since an attach, or since the VM's start. */
static void add_counters(json_object *row, const struct sim_volume *v)
{
	static const char *const counters[] = { "diskkbsread", "diskkbswrite", "diskioread",
						"diskiowrite" };

	for (size_t i = 0; (v->attached || v->vm->has_run) && i < ARRAY_SIZE(counters); i++)
		mk_json_set_int(row, counters[i], 0);
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
	if (v->attached)
		sim_row_add_time(row, "attached", v->attached);
	add_counters(row, v);
}

/* CloudStack's simulator hypervisor names the file of a new volume as the volume. */
static const char *path_of(struct sim *sim, const struct sim_volume *v)
{
	bool copied = v->template || v->snapshot;

	return !copied && streq(sim_volume_hypervisor(sim, v), "Simulator") ? v->o.name : v->path;
}

static void add_volume_admin(struct sim *sim, json_object *row, const struct sim_volume *v)
{
	mk_json_set_str(row, "hypervisor", v->stored ? sim_volume_hypervisor(sim, v) : "None");
	mk_json_set_bool(row, "displayvolume", !v->hidden);
	mk_json_set_str(row, "storagetype", "shared");
	if (!v->stored)
		return;

	mk_json_set_str(row, "storage", v->pool->name);
	mk_json_set_str(row, "path", path_of(sim, v));
	mk_json_set_str(row, "storageid", v->pool->id);
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
	sim_row_add_owner(row, v->o.owner);
	add_offering(row, v);
	add_template(row, v);
	if (admin)
		add_volume_admin(sim, row, v);
	mk_json_set_bool(row, "destroyed", streq(v->state, "Destroy"));
	mk_json_set_bool(row, "isextractable", is_extractable(v));
	mk_json_set_bool(row, "quiescevm", false);
	mk_json_set_bool(row, "supportsstoragesnapshot", false);
	mk_json_set_bool(row, "deleteprotection", v->delete_protection);
	mk_json_set_bool(row, "hasannotations", false);
	sim_row_add_job(sim, row, "Volume", v->o.id);
	sim_row_add_tags(row, &v->o);
	return row;
}
