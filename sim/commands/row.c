/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Makes the JSON rows of answers, with the keys of CloudStack's response classes.
 */

#include "commands-internal.h"

#include <inttypes.h>

void sim_row_add_account(json_object *row)
{
	mk_json_set_str(row, "account", "admin");
	mk_json_set_str(row, "domainid", SIM_DOMAIN);
	mk_json_set_str(row, "domain", "ROOT");
	mk_json_set_str(row, "domainpath", "ROOT");
}

static void add_named(json_object *row, const char *prefix, const struct sim_object *o)
{
	_cleanup_free_ char *id = mk_strdup_printf("%sid", prefix);
	_cleanup_free_ char *name = mk_strdup_printf("%sname", prefix);

	if (!o)
		return;
	mk_json_set_str(row, id, o->id);
	mk_json_set_str(row, name, o->name);
}

static void add_job(struct sim *sim, json_object *row, const char *instance, const char *id)
{
	struct sim_job *job = sim_job_of(sim, instance, id);

	if (!job)
		return;
	mk_json_set_str(row, "jobid", job->o.id);
	mk_json_set_int(row, "jobstatus", 0);
}

static const char *tag_type(enum sim_kind kind)
{
	return kind == K_VM ? "UserVm" : kind == K_VOLUME ? "Volume" : "Snapshot";
}

json_object *sim_tag_row(const struct sim_object *o, json_object *tag)
{
	json_object *row = sim_json_object();

	mk_json_set_str(row, "key", mk_json_str(tag, "key", ""));
	mk_json_set_str(row, "value", mk_json_str(tag, "value", ""));
	mk_json_set_str(row, "resourcetype", tag_type(o->kind));
	mk_json_set_str(row, "resourceid", o->id);
	sim_row_add_account(row);
	return row;
}

static void add_tags(json_object *row, const struct sim_object *o)
{
	json_object *tags = sim_json_array();

	for (size_t i = 0; i < json_object_array_length(o->tags); i++)
		json_object_array_add(tags, sim_tag_row(o, json_object_array_get_idx(o->tags, i)));
	json_object_object_add(row, "tags", tags);
}

/* ---- volumes --------------------------------------------------------------------------------- */

/* A root disk's compute-only offering shows as a number in a text. */
static void add_offering(json_object *row, const struct sim_volume *v)
{
	_cleanup_free_ char *number = NULL;

	if (!v->offering)
		return;
	if (v->offering->kind == K_DISK_OFFERING) {
		add_named(row, "diskoffering", v->offering);
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
	add_named(row, "zone", v->zone);
	mk_json_set_str(row, "type", v->root ? "ROOT" : "DATADISK");
	add_volume_vm(row, v);
	mk_json_set_str(row, "provisioningtype", "thin");
	mk_json_set_int(row, "size", (int64_t)v->size);
	sim_row_add_time(row, "created", v->o.created);
	mk_json_set_str(row, "state", v->state);
	sim_row_add_account(row);
	add_offering(row, v);
	add_named(row, "template", v->template);
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
	add_job(sim, row, "Volume", v->o.id);
	add_tags(row, &v->o);
	return row;
}

/* ---- VMs ------------------------------------------------------------------------------------- */

static void add_nics(json_object *row, const struct sim_vm *vm)
{
	json_object *nics = sim_json_array();

	if (vm->network) {
		json_object *nic = sim_json_object();

		add_named(nic, "network", vm->network);
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
	add_named(row, "serviceoffering", vm->offering);
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
	add_named(row, "zone", vm->zone);
	add_named(row, "template", vm->template);
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
	add_job(sim, row, "VirtualMachine", vm->o.id);
	add_tags(row, &vm->o);
	return row;
}

/* ---- snapshots ------------------------------------------------------------------------------- */

json_object *sim_snapshot_row(struct sim *sim, struct sim_snapshot *s)
{
	json_object *row = sim_json_object();
	struct sim_volume *v = s->volume;

	mk_json_set_str(row, "id", s->o.id);
	mk_json_set_str(row, "name", s->o.name);
	sim_row_add_account(row);
	sim_row_add_time(row, "created", s->o.created);
	mk_json_set_str(row, "state", s->state);
	mk_json_set_str(row, "snapshottype", "MANUAL");
	mk_json_set_str(row, "intervaltype", "MANUAL");
	mk_json_set_str(row, "volumeid", v->o.id);
	mk_json_set_str(row, "volumename", v->o.name);
	mk_json_set_str(row, "volumetype", v->root ? "ROOT" : "DATADISK");
	mk_json_set_str(row, "volumestate", v->state);
	mk_json_set_int(row, "physicalsize", (int64_t)v->size);
	mk_json_set_int(row, "virtualsize", (int64_t)v->size);
	mk_json_set_bool(row, "revertable", true);
	mk_json_set_str(row, "locationtype", "SECONDARY");
	if (v->zone)
		mk_json_set_str(row, "zoneid", v->zone->id);
	add_job(sim, row, "Snapshot", s->o.id);
	add_tags(row, &s->o);
	return row;
}

/* ---- rows ------------------------------------------------------------------------------------ */

json_object *sim_job_row(struct sim_job *job)
{
	_cleanup_free_ char *class =
		mk_strdup_printf("org.apache.cloudstack.api.command.%s.%sCmd%s",
				 sim_is_admin(job->sim) ? "admin" : "user", job->command->class,
				 sim_is_admin(job->sim) ? "ByAdmin" : "");
	json_object *row = sim_json_object();

	sim_row_add_account(row);
	mk_json_set_str(row, "accountid", SIM_ACCOUNT);
	mk_json_set_str(row, "userid", SIM_USER);
	mk_json_set_str(row, "cmd", class);
	mk_json_set_int(row, "jobprocstatus", 0);
	mk_json_set_int(row, "jobresultcode", job->status ? job->code : 0);
	mk_json_set_str(row, "jobinstancetype", job->command->instance);
	if (*job->instance_id)
		mk_json_set_str(row, "jobinstanceid", job->instance_id);
	if (job->status == 0) {
		mk_json_set_str(row, "managementserverid", SIM_SERVER);
		mk_json_set_str(row, "managementservername", "ms1");
	} else {
		sim_row_add_time(row, "completed", job->completed);
	}
	if (job->status && job->result) {
		mk_json_set_str(row, "jobresulttype", "object");
		json_object_object_add(row, "jobresult", json_object_get(job->result));
	}
	sim_row_add_time(row, "created", job->o.created);
	mk_json_set_str(row, "jobid", job->o.id);
	mk_json_set_int(row, "jobstatus", job->status);
	return row;
}
