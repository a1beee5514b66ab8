/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands that make, delete and revert to snapshots of volumes, as CloudStack's SnapshotManagerImpl has them. */

#include "commands-internal.h"
#include "declared-internal.h"

#include <inttypes.h>
#include <time.h>

static bool is_in(const struct sim_snapshot *s, const char *state)
{
	return streq(s->state, state);
}

static void set_state(struct sim_snapshot *s, const char *state)
{
	s->state = sim_state_name(sim_snapshot_states, state);
}

/* What never came to be goes with its volume. */
void sim_snapshots_settle(struct sim *sim)
{
	struct sim_snapshot *s;

	SIM_FOREACH(sim, K_SNAPSHOT, s)
		if (s->volume->o.removed && (is_in(s, "Error") || is_in(s, "Allocated")))
			set_state(s, "Destroyed");
}

char *sim_snapshot_text(const struct sim_snapshot *s)
{
	return sim_checked(mk_strdup_printf("Snapshot {\"id\":%" PRId64
					    ",\"name\":\"%s\",\"state\":\"%s\",\"uuid\":\"%s\","
					    "\"version\":\"2.2\",\"volumeId\":%" PRId64 "}",
					    s->o.number, s->o.name, s->state, s->o.id,
					    s->volume->o.number));
}

static bool snapshot_prepare(struct sim_request *q, struct sim_job *job)
{
	job->snapshot =
		(struct sim_snapshot *)sim_arg_ref(q->sim, q->params, "id", K_SNAPSHOT).object;
	return sim_check_uuid(q, "id", K_SNAPSHOT);
}

/* ---- createSnapshot -------------------------------------------------------------------------- */

static json_object *create_result(struct sim_job *job)
{
	json_object *o = sim_json_object();
	json_object *row = sim_snapshot_result_row(job->sim, job->snapshot);

	/* Of a detached volume CloudStack shows what it had read before the work began. */
	if (!job->vm)
		mk_json_set_str(row, "state", "Allocated");
	json_object_object_add(o, "snapshot", row);
	return o;
}

/* CreateSnapshotCmd.getLocationType() and VolumeApiServiceImpl.allocSnapshot() */
static bool check_location(struct sim_request *q, const struct sim_volume *v)
{
	const char *type = sim_arg(q->params, "locationtype");
	_cleanup_free_ char *text = NULL;

	if (!type)
		return true;
	if (strcasecmp(type, "PRIMARY") != 0 && strcasecmp(type, "SECONDARY") != 0) {
		text = mk_strdup_printf("Invalid locationType %sSpecified for volume %" PRId64
					" Valid values are: primary,secondary ",
					type, v->o.number);
		return sim_refuse_internal(q, str_or_empty(text));
	}
	return v->managed || sim_refuse(q, 431, CS_INVALID,
					"VolumeId: %" PRId64
					" LocationType is supported only for managed storage",
					v->o.number);
}

/* SnapshotManagerImpl.supportedByHypervisor() */
static bool check_vm(struct sim_request *q, const struct sim_volume *v)
{
	_cleanup_free_ char *text = NULL, *name = NULL;

	if (!v->vm || (!streq(v->vm->state, "Destroyed") && !streq(v->vm->state, "Expunging")))
		return true;
	name = sim_vm_instance_name(v->vm);
	text = mk_strdup_printf("Creating snapshot failed due to volume:%" PRId64
				" is associated with vm:%s is in %s state",
				v->o.number, name, v->vm->state);
	return sim_refuse_internal(q, str_or_empty(text));
}

static bool check_volume(struct sim_request *q, const struct sim_volume *v)
{
	_cleanup_free_ char *text = sim_volume_text(v);

	if (!streq(v->state, "Ready"))
		return sim_refuse(q, 431, CS_INVALID,
				  "Volume: %s is not in Ready state but %s. Cannot take snapshot.",
				  text, v->state);
	return v->stored || sim_refuse(q, 431, CS_INVALID,
				       "Volume: %s please attach this volume to a VM before create "
				       "snapshot for it",
				       text);
}

/* VM_VOLUME_time, in UTC */
static char *default_name(const struct sim_volume *v)
{
	time_t now = time(NULL);
	char stamp[32] = "";
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(stamp, sizeof(stamp), "%Y%m%d%H%M%S", &tm);
	return sim_checked(
		mk_strdup_printf("%s_%s_%s", v->vm ? v->vm->o.name : "detached", v->o.name, stamp));
}

static bool create_prepare(struct sim_request *q, struct sim_job *job)
{
	struct sim_ref ref = sim_arg_ref(q->sim, q->params, "volumeid", K_VOLUME);
	struct sim_volume *v = (struct sim_volume *)ref.object;
	_cleanup_free_ char *name = NULL, *over = NULL;

	if (!v || v->o.removed)
		return sim_refuse(q, 431, CS_INVALID, "Unable to find volume by id=%" PRId64,
				  ref.number);
	if (sim_arg(q->params, "policyid")) /* no policy is looked for here */
		return sim_refuse_unforeseen(q,
					     "Cannot invoke \"com.cloud.storage.SnapshotPolicyVO."
					     "getVolumeId()\" because \"policy\" is null");
	if (!check_volume(q, v) || !check_location(q, v) || !check_vm(q, v))
		return false;

	over = sim_over_limit(q->sim, v->o.owner, SIM_LIMIT_SNAPSHOT, 1);
	if (over)
		return sim_refuse(q, 535, CS_ALLOCATION, "%s", over);

	name = default_name(v);
	job->snapshot = (struct sim_snapshot *)sim_add(q->sim, K_SNAPSHOT, NULL,
						       mk_json_str(q->params, "name", name));
	job->snapshot->o.owner = v->o.owner;
	job->snapshot->state = "Allocated";
	job->snapshot->volume = v;
	job->snapshot->size = v->size;
	sim_tags_take(q->params, job->snapshot->o.tags);
	job->volume = v;
	return true;
}

static bool create_check(struct sim_job *job)
{
	job->vm = job->queue = job->volume->vm;
	return true;
}

static bool refuse_create(struct sim_job *job)
{
	return sim_job_refuse(job, 530,
			      "Failed to create snapshot due to an internal error creating "
			      "snapshot for volume %s",
			      job->volume->o.id);
}

/* No storage here can hold the VM's file systems still (quiescevm). */
static bool create_begin(struct sim_job *job)
{
	if (!streq(job->volume->state, "Ready") || !is_in(job->snapshot, "Allocated") ||
	    sim_arg_bool(job->params, "quiescevm", false))
		return refuse_create(job);

	/* the row stays as it is: state Allocated */
	if (sim_flag(job->sim, "no-secondary-storage"))
		return refuse_create(job);

	job->state_before = job->volume->state;
	job->volume->state = "Snapshotting";
	set_state(job->snapshot, "Creating");
	return true;
}

/* It is taken, on the primary storage: this is its moment. The volume is free again; the copying begins. */
static bool create_midway(struct sim_job *job)
{
	struct sim_snapshot *s = job->snapshot;

	if (sim_failure(job->sim, "create"))
		return refuse_create(job);
	if (streq(job->volume->state, "Snapshotting"))
		job->volume->state = job->state_before;
	s->size = job->volume->size;
	s->generation = job->volume->generation;
	if (is_in(s, "Creating"))
		set_state(s, "BackingUp");
	return true;
}

static int on_backup(sd_event_source *source, uint64_t usec, void *data)
{
	struct sim_snapshot *s = data;

	s->backup = sd_event_source_disable_unref(s->backup);
	if (is_in(s, "BackingUp"))
		set_state(s, "BackedUp");
	return 0;
}

/* Its job does not wait for the copying. */
static void back_up_later(struct sim_job *job)
{
	uint64_t ms = (uint64_t)sim_get(job->sim, "job-ms");

	job->snapshot->backup_by = job->server;
	if (sd_event_add_time(job->sim->event, &job->snapshot->backup, CLOCK_MONOTONIC,
			      mk_now_monotonic() + ms * USEC_PER_MSEC, 1, on_backup,
			      job->snapshot) < 0)
		abort();
}

static bool create_finish(struct sim_job *job)
{
	if (!is_in(job->snapshot, "BackingUp")) /* somebody deleted it meanwhile */
		return true;
	if (sim_failure(job->sim, "copy"))
		return refuse_create(job);
	if (sim_arg_bool(job->params, "asyncbackup", false))
		back_up_later(job);
	else
		set_state(job->snapshot, "BackedUp");
	return true;
}

/* One that was not taken stays, in Error; one that was not copied is no more. */
static void create_abort(struct sim_job *job)
{
	if (streq(job->volume->state, "Snapshotting"))
		job->volume->state = job->state_before;
	if (is_in(job->snapshot, "BackingUp"))
		job->snapshot->o.removed = true;
	else if (is_in(job->snapshot, "Creating"))
		set_state(job->snapshot, "Error");
}

/* ---- deleteSnapshot -------------------------------------------------------------------------- */

static bool is_being_copied(struct sim *sim, const struct sim_snapshot *s)
{
	struct sim_volume *v;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (!v->o.removed && v->snapshot == &s->o && streq(v->state, "Creating"))
			return true;
	return false;
}

static bool delete_check(struct sim_job *job)
{
	struct sim_snapshot *s = job->snapshot;
	_cleanup_free_ char *text = NULL;

	sim_snapshots_settle(job->sim);
	text = sim_snapshot_text(s);
	if (is_in(s, "Destroyed"))
		return sim_job_refuse(job, 431, "Snapshot [%s] is already destroyed", text);
	if (is_being_copied(job->sim, s))
		return sim_job_refuse(job, 530, "Failed to delete snapshot");
	if (s->stuck_volume)
		return sim_job_refuse(
			job, 530,
			"Unable to delete snapshot [{\"id\":%" PRId64
			",\"name\":\"%s\",\"uuid\":\"%s\"}] because it is being used by "
			"the following volumes: [{\"resourceId\":%" PRId64 "}].",
			s->o.number, s->o.name, s->o.id, s->stuck_volume);
	return true;
}

static bool delete_begin(struct sim_job *job)
{
	job->state_before = job->snapshot->state;
	set_state(job->snapshot, "Destroying");
	return true;
}

static bool delete_finish(struct sim_job *job)
{
	if (sim_failure(job->sim, "delete"))
		return sim_job_refuse(job, 530, "Failed to delete snapshot");
	set_state(job->snapshot, "Destroyed");
	return true;
}

static void delete_abort(struct sim_job *job)
{
	set_state(job->snapshot, job->state_before);
}

/* ---- revertSnapshot -------------------------------------------------------------------------- */

static bool check_revert_vm(struct sim_job *job, const struct sim_vm *vm)
{
	if (!streq(vm->state, "Stopped") && !streq(vm->state, "Shutdown"))
		return sim_job_refuse(job, 431,
				      "The VM the specified disk is attached to is not in the "
				      "shutdown state.");
	if (sim_vm_count(job->sim, K_VM_SNAPSHOT, vm) > 0)
		return sim_job_refuse(job, 431,
				      "Unable to revert snapshot for VM, please remove VM "
				      "snapshots before reverting VM from snapshot");
	return true;
}

/* A deleted snapshot is not looked for before the end, a deleted volume never. */
static bool revert_check(struct sim_job *job)
{
	struct sim_volume *v = job->volume = job->snapshot->volume;
	_cleanup_free_ char *text = sim_snapshot_text(job->snapshot);

	if (v->o.removed)
		return sim_job_refuse(job, 530,
				      "Cannot invoke \"com.cloud.storage.VolumeVO.getState()\" "
				      "because \"volume\" is null");
	if (!streq(v->state, "Ready"))
		return sim_job_refuse(job, 431, "The volume is not in Ready state.");
	if (v->vm && !check_revert_vm(job, v->vm))
		return false;
	if (!sim_snapshot_is_revertable(job->sim, job->snapshot))
		return sim_job_refuse(
			job, 530,
			"Revert snapshot command failed for snapshot %s, because this "
			"command is supported only for KVM hypervisor",
			text);
	if (!is_in(job->snapshot, "BackedUp"))
		return sim_job_refuse(job, 530, "snapshot %s [%s] does not exists in data store",
				      job->snapshot->o.name, job->snapshot->o.id);
	job->queue = v->vm;
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
	job->volume->size = job->snapshot->size;
	job->volume->generation = job->snapshot->generation;
	return true;
}

static void revert_abort(struct sim_job *job)
{
	job->volume->state = job->state_before;
}

static json_object *revert_result(struct sim_job *job)
{
	json_object *o = sim_json_object();

	json_object_object_add(o, "snapshot", sim_snapshot_result_row(job->sim, job->snapshot));
	return o;
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
		.midway = create_midway,
		.finish = create_finish,
		.abort = create_abort,
		.result = create_result,
	},
	{
		.name = "deleteSnapshot",
		.mode = SIM_ASYNC,
		.class = "snapshot.DeleteSnapshot",
		.for_all = true,
		.instance = "Snapshot",
		.params = sim_params_delete_snapshot,
		.prepare = snapshot_prepare,
		.check = delete_check,
		.begin = delete_begin,
		.finish = delete_finish,
		.abort = delete_abort,
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
		.result = revert_result,
	},
	{ .name = NULL },
};
