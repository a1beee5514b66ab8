/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The commands for snapshots of volumes, as CloudStack's SnapshotManagerImpl has them. Also the lists of VM snapshots
 * and of backups, which only a test can make (poke).
 */

#include "commands-internal.h"
#include "declared-internal.h"

static json_object *result(struct sim_job *job)
{
	json_object *o = sim_json_object();

	json_object_object_add(o, "snapshot", sim_snapshot_row(job->sim, job->snapshot));
	return o;
}

static bool snapshot_prepare(struct sim_request *q, struct sim_job *job)
{
	job->snapshot =
		(struct sim_snapshot *)sim_arg_ref(q->sim, q->params, "id", K_SNAPSHOT).object;
	return true;
}

static bool check_there(struct sim_job *job)
{
	if (job->snapshot && !job->snapshot->o.removed)
		return true;
	return sim_job_refuse(job, 431, "unable to find a snapshot with id %" PRId64,
			      sim_arg_ref(job->sim, job->params, "id", K_SNAPSHOT).number);
}

/* ---- createSnapshot -------------------------------------------------------------------------- */

static bool create_prepare(struct sim_request *q, struct sim_job *job)
{
	struct sim_ref ref = sim_arg_ref(q->sim, q->params, "volumeid", K_VOLUME);
	struct sim_volume *v = (struct sim_volume *)ref.object;
	_cleanup_free_ char *text = NULL, *name = NULL;

	if (!v || v->o.removed)
		return sim_refuse(q, 431, CS_INVALID,
				  "Creating snapshot failed due to volume:%" PRId64
				  " doesn't exist",
				  ref.number);
	text = sim_volume_text(v);
	if (!streq(v->state, "Ready"))
		return sim_refuse(q, 431, CS_INVALID,
				  "Volume: %s is not in Ready state but %s. Cannot take snapshot.",
				  text, v->state);
	if (!v->stored)
		return sim_refuse(q, 431, CS_INVALID,
				  "Volume: %s please attach this volume to a VM before create "
				  "snapshot for it",
				  text);

	name = mk_strdup_printf("%s_%s", v->vm ? v->vm->o.name : "detached", v->o.name);
	job->snapshot = (struct sim_snapshot *)sim_add(q->sim, K_SNAPSHOT, NULL,
						       sim_arg(q->params, "name")
							       ? sim_arg(q->params, "name")
							       : name);
	job->snapshot->o.owner = v->o.owner;
	job->snapshot->state = "Allocated";
	job->snapshot->volume = v;
	sim_tags_take(q->params, job->snapshot->o.tags);
	job->volume = v;
	return true;
}

static bool create_check(struct sim_job *job)
{
	job->queue = job->volume->vm;
	return true;
}

static bool create_begin(struct sim_job *job)
{
	if (!streq(job->volume->state, "Ready")) {
		job->snapshot->state = "Error";
		return sim_job_refuse(job, 530,
				      "Failed to create snapshot due to an internal error creating "
				      "snapshot for volume %s",
				      job->volume->o.id);
	}

	/* the row stays as it is: state Allocated */
	if (sim_flag(job->sim, "no-secondary-storage"))
		return sim_job_refuse(job, 530,
				      "Failed to create snapshot due to an internal error creating "
				      "snapshot for volume %s",
				      job->volume->o.id);

	job->state_before = job->volume->state;
	job->volume->state = "Snapshotting";
	job->snapshot->state = "BackingUp";
	return true;
}

static bool create_finish(struct sim_job *job)
{
	job->volume->state = job->state_before;
	job->snapshot->state = "BackedUp";
	job->snapshot->generation = job->volume->generation;
	return true;
}

static void create_abort(struct sim_job *job)
{
	job->volume->state = job->state_before;
	job->snapshot->state = "Error";
}

/* ---- listSnapshots, listVMSnapshot ----------------------------------------------------------- */

static bool list_run(struct sim_request *q)
{
	const struct sim_object *v = sim_arg_object(q->sim, q->params, "volumeid", K_VOLUME);
	struct sim_scope scope;
	struct sim_list list;
	struct sim_snapshot *s;

	if ((v && !sim_check_access(q, v)) ||
	    !sim_scope_begin(q, sim_arg(q->params, "id") != NULL, &scope) ||
	    !sim_list_begin(q, "snapshot", &list))
		return false;

	SIM_FOREACH(q->sim, K_SNAPSHOT, s) {
		if (s->o.removed || !sim_scope_has(&scope, &s->o) ||
		    !sim_match_ids(q->sim, q->params, &s->o) ||
		    !sim_match_text(q->params, "name", s->o.name) ||
		    !sim_match_ref(q->sim, q->params, "volumeid", K_VOLUME, &s->volume->o) ||
		    !sim_match_ref(q->sim, q->params, "zoneid", K_ZONE, s->volume->zone) ||
		    !sim_match_tags(q->params, &s->o))
			continue;
		if (sim_list_wants(&list))
			sim_list_add(&list, sim_snapshot_row(q->sim, s));
	}
	return sim_list_end(&list);
}

/* VM snapshots and backups: rows that know their VM. */
static bool list_copies(struct sim_request *q, const char *key, enum sim_kind kind)
{
	struct sim_scope scope;
	struct sim_list list;
	struct sim_object *o;

	if (!sim_scope_begin(q, sim_arg(q->params, "id") != NULL, &scope) ||
	    !sim_list_begin(q, key, &list))
		return false;

	SIM_FOREACH(q->sim, kind, o) {
		struct sim_object *vm =
			sim_find(q->sim, K_VM, mk_json_str(o->row, "virtualmachineid", ""));

		if (o->removed || !sim_scope_has(&scope, o) ||
		    !sim_match_ref(q->sim, q->params, "virtualmachineid", K_VM, vm))
			continue;
		if (!sim_list_wants(&list))
			continue;
		sim_row_add_owner(o->row, o->owner);
		sim_list_add(&list, json_object_get(o->row));
	}
	return sim_list_end(&list);
}

static bool list_vm_snapshots_run(struct sim_request *q)
{
	return list_copies(q, "vmSnapshot", K_VM_SNAPSHOT);
}

static bool list_backups_run(struct sim_request *q)
{
	return list_copies(q, "backup", K_BACKUP);
}

/* ---- deleteSnapshot -------------------------------------------------------------------------- */

static bool delete_begin(struct sim_job *job)
{
	job->state_before = job->snapshot->state;
	job->snapshot->state = "Destroying";
	return true;
}

static bool delete_finish(struct sim_job *job)
{
	if (sim_failure(job->sim, "delete"))
		return sim_job_refuse(job, 530, "Failed to delete snapshot:%s",
				      job->snapshot->o.id);
	job->snapshot->state = "Destroyed";
	job->snapshot->o.removed = true;
	return true;
}

static void snapshot_abort(struct sim_job *job)
{
	job->snapshot->state = job->state_before;
}

/* ---- revertSnapshot -------------------------------------------------------------------------- */

static bool revert_check(struct sim_job *job)
{
	struct sim_volume *v;
	struct sim_vm *vm;

	if (!job->snapshot || job->snapshot->o.removed)
		return sim_job_refuse(job, 431, "No such snapshot");

	v = job->volume = job->snapshot->volume;
	vm = v->vm;
	if (!streq(v->state, "Ready"))
		return sim_job_refuse(job, 431, "The volume is not in Ready state.");
	if (vm && !streq(vm->state, "Stopped") && !streq(vm->state, "Shutdown"))
		return sim_job_refuse(job, 431,
				      "The VM the specified disk is attached to is not in the "
				      "shutdown state.");
	if (vm && sim_vm_count(job->sim, K_VM_SNAPSHOT, vm) > 0)
		return sim_job_refuse(
			job, 431,
			"Unable to revert snapshot for VM, please remove VM snapshots "
			"before reverting VM from snapshot");
	if (!streq(sim_volume_hypervisor(job->sim, v), "KVM"))
		return sim_job_refuse(
			job, 530,
			"Revert snapshot command failed for snapshot %s, because this "
			"command is supported only for KVM hypervisor",
			job->snapshot->o.name);
	job->queue = vm;
	return true;
}

static bool revert_begin(struct sim_job *job)
{
	job->state_before = job->volume->state;
	job->volume->state = "RevertSnapshotting";
	return true;
}

static bool revert_finish(struct sim_job *job)
{
	job->volume->state = job->state_before;
	job->volume->generation = job->snapshot->generation;
	return true;
}

static void revert_abort(struct sim_job *job)
{
	job->volume->state = job->state_before;
}

/* ---- tables ---------------------------------------------------------------------------------- */

const struct sim_command sim_snapshot_commands[] = {
	{
		.name = "createSnapshot",
		.mode = SIM_ASYNC,
		.class = "snapshot.CreateSnapshot",
		.instance = "Snapshot",
		.create = true,
		.params = sim_params_create_snapshot,
		.prepare = create_prepare,
		.check = create_check,
		.begin = create_begin,
		.finish = create_finish,
		.abort = create_abort,
		.result = result,
	},
	{ .name = "listSnapshots", .params = sim_params_list_snapshots, .run = list_run },
	{ .name = "listVMSnapshot",
	  .params = sim_params_list_vm_snapshots,
	  .run = list_vm_snapshots_run },
	{ .name = "listBackups", .params = sim_params_list_backups, .run = list_backups_run },
	{
		.name = "deleteSnapshot",
		.mode = SIM_ASYNC,
		.class = "snapshot.DeleteSnapshot",
		.for_all = true,
		.instance = "Snapshot",
		.params = sim_params_delete_snapshot,
		.prepare = snapshot_prepare,
		.check = check_there,
		.begin = delete_begin,
		.finish = delete_finish,
		.abort = snapshot_abort,
	},
	{
		.name = "revertSnapshot",
		.mode = SIM_ASYNC,
		.class = "snapshot.RevertSnapshot",
		.instance = "Snapshot",
		.params = sim_params_id_snapshot,
		.prepare = snapshot_prepare,
		.check = revert_check,
		.begin = revert_begin,
		.finish = revert_finish,
		.abort = revert_abort,
		.result = result,
	},
	{ .name = NULL },
};
