/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The whole state, as GET /admin/state shows it. */

#include "commands-internal.h"

/* Whose machine has the disk, and under which name; whether its guest was asked to let go. */
static void add_guest(json_object *row, const struct sim_volume *v)
{
	_cleanup_free_ char *target =
		v->guest ? sim_guest_target(v->guest_scsi, v->guest_device) : NULL;

	mk_json_set_str(row, "guest", v->guest ? v->guest->o.id : NULL);
	mk_json_set_str(row, "target", target);
	mk_json_set_bool(row, "ejecting", v->ejecting);
}

static json_object *state_volumes(struct sim *sim)
{
	json_object *rows = sim_json_object();
	struct sim_volume *v;

	SIM_FOREACH(sim, K_VOLUME, v) {
		json_object *row = sim_volume_row(sim, v, true);

		mk_json_set_int(row, "number", v->o.number);
		mk_json_set_bool(row, "removed", v->o.removed);
		mk_json_set_int(row, "generation", v->generation);
		add_guest(row, v);
		json_object_object_add(rows, v->o.id, row);
	}
	return rows;
}

static json_object *state_vms(struct sim *sim)
{
	json_object *rows = sim_json_object();
	struct sim_vm *vm;

	SIM_FOREACH(sim, K_VM, vm) {
		json_object *row = sim_vm_row(sim, vm, true, SIM_VM_ALL);

		mk_json_set_int(row, "number", vm->o.number);
		mk_json_set_bool(row, "removed", vm->o.removed);
		mk_json_set_str(row, "guest", sim_guest_state_name(vm));
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
		[JOB_QUEUED] = "queued", [JOB_STARTED] = "working",     [JOB_WORKING] = "working",
		[JOB_HELD] = "held",     [JOB_REPORTING] = "reporting", [JOB_ENDED] = "ended",
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
