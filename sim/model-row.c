/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Makes the JSON rows of answers, with the keys of CloudStack's response classes, and the state that /admin/state
 * shows.
 */

#include "model.h"

#include <inttypes.h>
#include <time.h>

void sim_row_add_account(json_object *row)
{
	mk_json_set_str(row, "account", "admin");
	mk_json_set_str(row, "domainid", SIM_DOMAIN);
	mk_json_set_str(row, "domain", "ROOT");
	mk_json_set_str(row, "domainpath", "ROOT");
}

/* A numeric offset without a colon. */
void sim_row_add_time(json_object *row, const char *key, uint64_t usec)
{
	time_t t = (time_t)(usec / USEC_PER_SEC);
	struct tm tm;
	char text[64];

	if (!gmtime_r(&t, &tm))
		return;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S+0000", &tm);
	mk_json_set_str(row, key, text);
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

/* ---- the admin's view ------------------------------------------------------------------------ */

static json_object *state_volumes(struct sim *sim)
{
	json_object *rows = sim_json_object();
	struct sim_volume *v;

	SIM_FOREACH(sim, K_VOLUME, v) {
		json_object *row = sim_volume_row(sim, v, true);

		mk_json_set_int(row, "number", v->o.number);
		mk_json_set_bool(row, "removed", v->o.removed);
		mk_json_set_int(row, "generation", v->generation);
		mk_json_set_str(row, "guest", v->guest ? v->guest->o.id : NULL);
		json_object_object_add(rows, v->o.id, row);
	}
	return rows;
}

static json_object *state_vms(struct sim *sim)
{
	json_object *rows = sim_json_object();
	struct sim_vm *vm;

	SIM_FOREACH(sim, K_VM, vm) {
		json_object *row = sim_vm_row(sim, vm, true, true);

		mk_json_set_int(row, "number", vm->o.number);
		mk_json_set_bool(row, "removed", vm->o.removed);
		json_object_object_add(rows, vm->o.id, row);
	}
	return rows;
}

static json_object *state_snapshots(struct sim *sim)
{
	json_object *rows = sim_json_object();
	struct sim_snapshot *s;

	SIM_FOREACH(sim, K_SNAPSHOT, s) {
		json_object *row = sim_snapshot_row(sim, s);

		mk_json_set_int(row, "number", s->o.number);
		mk_json_set_bool(row, "removed", s->o.removed);
		mk_json_set_int(row, "generation", s->generation);
		json_object_object_add(rows, s->o.id, row);
	}
	return rows;
}

static json_object *state_jobs(struct sim *sim)
{
	static const char *const phases[] = {
		[JOB_QUEUED] = "queued",       [JOB_WORKING] = "working", [JOB_HELD] = "held",
		[JOB_REPORTING] = "reporting", [JOB_ENDED] = "ended",
	};
	json_object *rows = sim_json_object();
	struct sim_job *job;

	SIM_FOREACH(sim, K_JOB, job) {
		json_object *row = sim_job_row(job);

		mk_json_set_str(row, "command", job->command->name);
		mk_json_set_str(row, "phase", phases[job->phase]);
		json_object_object_add(rows, job->o.id, row);
	}
	return rows;
}

static void add_tag_rows(json_object *rows, const struct sim_object *o)
{
	for (size_t i = 0; i < json_object_array_length(o->tags); i++)
		json_object_array_add(rows, sim_tag_row(o, json_object_array_get_idx(o->tags, i)));
}

static json_object *state_tags(struct sim *sim)
{
	static const enum sim_kind kinds[] = { K_VOLUME, K_VM, K_SNAPSHOT };
	json_object *rows = sim_json_array();
	struct sim_object *o;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		SIM_FOREACH(sim, kinds[i], o)
			add_tag_rows(rows, o);
	return rows;
}

json_object *sim_state(struct sim *sim, const char *kinds)
{
	static const struct {
		const char *kind;
		json_object *(*rows)(struct sim *sim);
	} parts[] = {
		{ "vms", state_vms },
		{ "volumes", state_volumes },
		{ "snapshots", state_snapshots },
		{ "jobs", state_jobs },
		{ "tags", state_tags },
	};
	json_object *state = sim_json_object();

	sim_jobs_expire(sim);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!kinds || strstr(kinds, parts[i].kind)) /* none is a part of another */
			json_object_object_add(state, parts[i].kind, parts[i].rows(sim));
	return state;
}
