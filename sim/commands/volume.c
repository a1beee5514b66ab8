/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The commands that create, delete, destroy, recover and update volumes, as CloudStack's VolumeApiServiceImpl
 * has them. Attaching is in commands-attach.c, resizing in commands-resize.c.
 */

#include "commands-internal.h"
#include "declared-internal.h"

#define CUSTOM_SIZE_MAX 1024 /* GiB, custom.diskoffering.size.max */
#define VOLUME_SIZE_MAX 2000 /* GiB, storage.max.volume.size */

json_object *sim_result_volume(struct sim_job *job)
{
	json_object *o = sim_json_object();

	json_object_object_add(o, "volume",
			       sim_volume_row(job->sim, job->volume, sim_is_admin(job->o.owner)));
	return o;
}

/* ---- createVolume ---------------------------------------------------------------------------- */

static bool check_size(struct sim_request *q, struct sim_object *offering, int64_t *ret_gib)
{
	bool custom = mk_json_bool(offering->row, "iscustomized", false);
	bool given = sim_arg(q->params, "size") != NULL;
	int64_t gib = sim_arg_number(q->params, "size", 0);

	if (custom && !given)
		return sim_refuse(q, 431, CS_INVALID,
				  "This disk offering requires a custom size specified");
	if (!custom && given)
		return sim_refuse(q, 431, CS_INVALID,
				  "This disk offering does not allow custom size");
	if (custom && gib > CUSTOM_SIZE_MAX)
		return sim_refuse(q, 431, CS_INVALID,
				  "Volume size: %" PRId64
				  " GB is out of allowed range. Min: 1. Max: %d",
				  gib, CUSTOM_SIZE_MAX);

	*ret_gib = custom ? gib : mk_json_int(offering->row, "disksize", 0);
	if (*ret_gib > VOLUME_SIZE_MAX)
		return sim_refuse(q, 431, CS_INVALID,
				  "Requested volume size is %" PRId64
				  " GB, but the maximum size allowed is %d GB.",
				  *ret_gib, VOLUME_SIZE_MAX);
	return true;
}

static int64_t count_volumes(struct sim *sim)
{
	struct sim_object *o;
	int64_t n = 0;

	SIM_FOREACH(sim, K_VOLUME, o)
		n += !o->removed;
	return n;
}

static bool check_place(struct sim_request *q, struct sim_object *zone,
			const struct sim_object *offering)
{
	int64_t max = sim_get(q->sim, "max-volumes");

	if (!zone)
		return sim_refuse(q, 431, CS_INVALID, "Unable to find zone by id %s",
				  str_or_empty(sim_arg(q->params, "zoneid")));
	if (offering && streq(mk_json_str(offering->row, "storagetype", ""), "local") &&
	    !mk_json_bool(zone->row, "localstorageenabled", false))
		return sim_refuse(q, 431, CS_INVALID,
				  "Zone is not configured to use local storage but volume's disk "
				  "offering %s uses it",
				  offering->name);
	if (streq(mk_json_str(zone->row, "allocationstate", "Enabled"), "Disabled"))
		return sim_refuse(q, 531, CS_PERMISSION,
				  "Cannot perform this operation, Zone: %s is currently disabled",
				  zone->name);
	if (max > 0 && count_volumes(q->sim) >= max)
		return sim_refuse(q, 535, CS_ALLOCATION,
				  "Maximum amount of resources of Type = 'volume' for Account Name "
				  "= admin in Domain Id = 1 is exceeded");
	if (sim_arg(q->params, "customid") && !sim_is_admin(q->caller))
		return sim_refuse(q, 531, CS_PERMISSION,
				  "Please check your permissions, you are not allowed to "
				  "create/update custom id");
	return true;
}

static bool check_custom_id(struct sim_request *q)
{
	const char *id = sim_arg(q->params, "customid");

	if (!id)
		return true;
	if (!mk_uuid_valid(id))
		return sim_refuse(q, 431, CS_INVALID, "UUID: %s doesn't follow the UUID format",
				  id);
	if (sim_find(q->sim, K_VOLUME, id))
		return sim_refuse(q, 431, CS_INVALID,
				  "UUID: %s already exists so can't create/update with custom id",
				  id);
	return true;
}

static void add_row(struct sim_request *q, struct sim_job *job, struct sim_object *zone,
		    uint64_t size)
{
	const char *name = sim_arg(q->params, "name");
	char random_name[MK_UUID_SIZE];

	if (mk_uuid_random(random_name) < 0)
		abort();
	job->volume = sim_volume_new(q->sim, sim_arg(q->params, "customid"),
				     name ? name : random_name, zone, size);
}

static bool create_from_snapshot(struct sim_request *q, struct sim_job *job)
{
	struct sim_snapshot *s = sim_arg_snapshot(q->sim, q->params, "snapshotid");
	struct sim_object *zone;

	if (!s)
		return sim_refuse(q, 431, CS_INVALID, "unable to find a snapshot with id %" PRId64,
				  sim_arg_ref(q->sim, q->params, "snapshotid", K_SNAPSHOT).number);
	if (!streq(s->state, "BackedUp"))
		return sim_refuse(q, 431, CS_INVALID,
				  "Snapshot id=%" PRId64 " is not in BackedUp state yet and can't "
				  "be used for volume creation",
				  s->o.number);

	zone = sim_arg(q->params, "zoneid") ? sim_arg_object(q->sim, q->params, "zoneid", K_ZONE)
					    : s->volume->zone;
	if (!check_place(q, zone, NULL) || !check_custom_id(q))
		return false;

	add_row(q, job, zone, s->volume->size);
	job->snapshot = s;
	job->volume->snapshot = &s->o;
	job->volume->offering = s->volume->offering;
	return true;
}

static bool create_prepare(struct sim_request *q, struct sim_job *job)
{
	struct sim_object *offering, *zone;
	int64_t gib = 0;

	if (sim_arg(q->params, "snapshotid"))
		return create_from_snapshot(q, job);
	if (!sim_arg(q->params, "diskofferingid"))
		return sim_refuse(q, 431, CS_INVALID,
				  "At least one of disk Offering ID or snapshot ID must be passed "
				  "whilst creating volume");
	if (sim_arg_number(q->params, "size", 1) <= 0)
		return sim_refuse(q, 431, CS_INVALID, "Disk size must be larger than 0");

	offering = sim_arg_object(q->sim, q->params, "diskofferingid", K_DISK_OFFERING);
	if (!offering)
		return sim_refuse(q, 431, CS_INVALID, "Please specify a valid disk offering.");
	zone = sim_arg_object(q->sim, q->params, "zoneid", K_ZONE);
	if (!check_size(q, offering, &gib) || !check_place(q, zone, offering) ||
	    !check_custom_id(q))
		return false;

	add_row(q, job, zone, (uint64_t)gib * GIB);
	job->volume->offering = offering;
	return true;
}

/* Without a snapshot the job does nothing but to return the row. */
static bool create_begin(struct sim_job *job)
{
	if (job->snapshot)
		sim_volume_set_state(job->volume, "Creating");
	return true;
}

static bool create_finish(struct sim_job *job)
{
	struct sim_vm *vm = sim_arg_vm(job->sim, job->params, "virtualmachineid");
	struct sim_volume *v = job->volume;

	if (!job->snapshot)
		return true;
	if (sim_flag(job->sim, "storage-full"))
		return sim_job_refuse(job, 530, "Failed to create volume %s from snapshot %s",
				      v->o.id, job->snapshot->o.id);

	sim_volume_set_state(v, "Ready");
	v->generation = job->snapshot->generation;
	if (vm) {
		sim_volume_attach(v, vm, sim_vm_free_device(job->sim, vm));
		if (streq(vm->state, "Running"))
			sim_plug(job->sim, v, vm, v->device_id);
	}
	return true;
}

static void create_abort(struct sim_job *job)
{
	sim_volume_set_state(job->volume, "Allocated");
}

/* ---- deleteVolume, destroyVolume, recoverVolume ---------------------------------------------- */

struct refusal {
	int code, cs_code;
	char *text;
};

static void refusal_done(struct refusal *r)
{
	free(r->text);
}

static bool refuse(struct refusal *ret, int code, int cs_code, char *text)
{
	*ret = (struct refusal){ code, cs_code, text };
	return false;
}

static bool is_any(const char *s, const char *const *list)
{
	return sim_state_name(list, s) != NULL;
}

static bool check_unused(struct sim *sim, const struct sim_volume *v, struct refusal *ret)
{
	static const char *const waiting[] = { "NotUploaded", "UploadInProgress", NULL };

	if (sim_volume_in_snapshot(sim, v))
		return refuse(ret, 431, CS_INVALID,
			      sim_strdup("There are snapshot operations in progress on the volume, "
					 "unable to delete it"));
	if (v->vm)
		return refuse(ret, 431, CS_INVALID,
			      sim_strdup(
				      "Please specify a volume that is not attached to any VM."));
	if (streq(v->state, "UploadOp"))
		return refuse(ret, 431, CS_INVALID,
			      sim_strdup("Please specify a volume that is not uploading"));
	if (is_any(v->state, waiting))
		return refuse(ret, 431, CS_INVALID,
			      sim_strdup("The volume is either getting uploaded or it may be "
					 "initiated shortly, please wait for it to be completed"));
	if (v->delete_protection)
		return refuse(ret, 431, CS_INVALID,
			      mk_strdup_printf("Volume [id = %s, name = %s] has delete protection "
					       "enabled and cannot be deleted.",
					       v->o.id, v->o.name));
	return true;
}

/* Which of the states cannot take the event DestroyRequested. */
static bool check_transition(const struct sim_volume *v, struct refusal *ret)
{
	static const char *const transitional[] = {
		"Creating",     "Attaching",          "Migrating",
		"Snapshotting", "RevertSnapshotting", "Resizing",
		"Copying",      "Restoring",          NULL
	};
	_cleanup_free_ char *text = NULL;

	if (!is_any(v->state, transitional))
		return true;

	text = sim_volume_text(v);
	return refuse(ret, 530, CS_RUNTIME,
		      mk_strdup_printf("Failed to transit volume %s to [DestroyRequested] due to "
				       "[Unable to transition to a new state from %s via "
				       "DestroyRequested]",
				       text, v->state));
}

static bool check_delete(struct sim *sim, const struct sim_account *caller, struct sim_ref ref,
			 bool expunge, struct refusal *ret)
{
	static const char *const unmade[] = { "Allocated", "Uploaded", NULL };
	const struct sim_volume *v = (const struct sim_volume *)ref.object;

	if (!v || v->o.removed)
		return refuse(ret, 431, CS_INVALID,
			      mk_strdup_printf("Unable to find volume with ID: %" PRId64,
					       ref.number));
	if (!check_unused(sim, v, ret))
		return false;
	if (expunge && !sim_is_admin(caller) && !sim_flag(sim, "expunge"))
		return refuse(ret, 531, CS_PERMISSION,
			      sim_strdup("Expunging a volume can only be done by an Admin. Or when "
					 "the allow.user.expunge.recover.volume key is set."));
	if (!expunge && is_any(v->state, unmade))
		return refuse(ret, 431, CS_INVALID,
			      sim_strdup("The volume in Allocated/Uploaded state can only be "
					 "expunged not destroyed/recovered"));
	return check_transition(v, ret);
}

/* False: the storage failed, and the volume stays as it is, to be deleted again. */
static bool expunge(struct sim *sim, struct sim_volume *v)
{
	if (v->stored && sim_flag(sim, "storage-error")) {
		v->state = "Expunging";
		return false;
	}

	sim_volume_expunge(v);
	return true;
}

static char *storage_text(const struct sim_volume *v)
{
	_cleanup_free_ char *text = sim_volume_text(v);

	return mk_strdup_printf("Failed to expunge the volume %s in Primary data store : PS0",
				text);
}

bool sim_job_destroy_volume(struct sim_job *job, struct sim_ref ref, bool with_expunge)
{
	struct sim_volume *v = (struct sim_volume *)ref.object;
	_cleanup_(refusal_done) struct refusal r = {};
	_cleanup_free_ char *text = NULL;

	if (!check_delete(job->sim, job->o.owner, ref, with_expunge, &r))
		return sim_job_refuse(job, r.code == 531 ? 530 : r.code, "%s", r.text);
	if (!with_expunge) {
		sim_volume_set_state(v, "Destroy");
		return true;
	}
	if (expunge(job->sim, v))
		return true;
	text = storage_text(v);
	return sim_job_refuse(job, 530, "%s", text);
}

static int on_expunged(sd_event_source *s, uint64_t usec, void *data)
{
	struct sim_volume *v = data;

	v->expunging = sd_event_source_disable_unref(v->expunging);
	sim_volume_expunge(v);
	return 0;
}

/* Works at it until the answer is sent, unless the server dies before. */
static void expunge_later(struct sim_request *q, struct sim_volume *v, unsigned ms)
{
	uint64_t at = mk_now_monotonic() + ms * USEC_PER_MSEC;

	v->state = "Expunging";
	v->expunged_by = &q->sim->servers[q->call->server];
	if (!v->expunging && sd_event_add_time(q->sim->event, &v->expunging, CLOCK_MONOTONIC, at, 1,
					       on_expunged, v) < 0)
		abort();
}

/* Deletes on the storage before it answers. */
static bool delete_run(struct sim_request *q)
{
	struct sim_ref ref = sim_arg_ref(q->sim, q->params, "id", K_VOLUME);
	struct sim_volume *v = (struct sim_volume *)ref.object;
	_cleanup_(refusal_done) struct refusal r = {};
	_cleanup_free_ char *text = NULL;
	json_object *o;

	if (!check_delete(q->sim, q->caller, ref, true, &r))
		return sim_refuse(q, r.code, r.cs_code, "%s", r.text);

	q->answer->delay_ms = (unsigned)sim_get(q->sim, "delete-ms");
	if (q->answer->delay_ms > 0 && !sim_flag(q->sim, "storage-error")) {
		expunge_later(q, v, q->answer->delay_ms);
	} else if (!expunge(q->sim, v)) {
		text = storage_text(v);
		return sim_refuse(q, 530, CS_RUNTIME, "%s", text);
	}

	o = sim_json_object();
	mk_json_set_bool(o, "success", true);
	return sim_reply(q, o);
}

static bool volume_prepare(struct sim_request *q, struct sim_job *job)
{
	job->volume = (struct sim_volume *)sim_arg_ref(q->sim, q->params, "id", K_VOLUME).object;
	return true;
}

static bool wants_expunge(struct sim_job *job)
{
	return sim_arg_bool(job->params, "expunge", false);
}

static bool destroy_check(struct sim_job *job)
{
	struct sim_ref ref = sim_arg_ref(job->sim, job->params, "id", K_VOLUME);
	_cleanup_(refusal_done) struct refusal r = {};

	if (check_delete(job->sim, job->o.owner, ref, wants_expunge(job), &r))
		return true;
	/* a PermissionDeniedException is an internal error in a job */
	return sim_job_refuse(job, r.code == 531 ? 530 : r.code, "%s", r.text);
}

static bool destroy_begin(struct sim_job *job)
{
	job->state_before = job->volume->state;
	job->volume->state = wants_expunge(job) ? "Expunging" : "Destroy";
	return true;
}

static bool destroy_finish(struct sim_job *job)
{
	_cleanup_free_ char *text = NULL;

	if (!wants_expunge(job) || expunge(job->sim, job->volume))
		return true;
	text = storage_text(job->volume);
	return sim_job_refuse(job, 530, "%s", text);
}

/* Only an injected failure takes it back: a volume that was to be expunged stays in that state. */
static void destroy_abort(struct sim_job *job)
{
	if (job->fault == SIM_JOB_ERROR && !job->volume->o.removed)
		job->volume->state = job->state_before;
}

/* The clean-up of a start ends no expunge: it takes the job's volume back (cleanupVolume()). */
static void destroy_interrupt(struct sim_job *job)
{
	job->volume->state = "Destroy";
}

static bool recover_run(struct sim_request *q)
{
	struct sim_volume *v = sim_arg_volume(q->sim, q->params, "id");
	json_object *o;

	if (!v)
		return sim_refuse(q, 431, CS_INVALID, "Unable to find volume with ID: %" PRId64,
				  sim_arg_ref(q->sim, q->params, "id", K_VOLUME).number);
	if (!sim_is_admin(q->caller) && !sim_flag(q->sim, "expunge"))
		return sim_refuse(q, 531, CS_PERMISSION,
				  "Recovering a volume can only be done by an Admin. Or when the "
				  "allow.user.expunge.recover.volume key is set.");
	if (!streq(v->state, "Destroy"))
		return sim_refuse(q, 431, CS_INVALID, "Please specify a volume in Destroy state.");

	sim_volume_set_state(v, "Ready");
	o = sim_json_object();
	json_object_object_add(o, "volume", sim_volume_row(q->sim, v, sim_is_admin(q->caller)));
	return sim_reply(q, o);
}

/* ---- updateVolume ---------------------------------------------------------------------------- */

static bool update_check(struct sim_job *job)
{
	static const char *const for_root[] = { "path",      "state",         "storageid",
						"chaininfo", "displayvolume", "customid" };
	const char *state = sim_arg(job->params, "state");
	const char *id = sim_arg(job->params, "customid");

	for (size_t i = 0; !sim_is_admin(job->o.owner) && i < ARRAY_SIZE(for_root); i++)
		if (sim_arg(job->params, for_root[i]))
			return sim_job_refuse(job, 431,
					      "The domain admin and normal user are not allowed to "
					      "update volume except volume name & delete "
					      "protection");
	if (!job->volume || job->volume->o.removed)
		return sim_job_refuse(job, 431, "The volume id doesn't exist");
	if (state && !sim_state_name(sim_volume_states, state))
		return sim_job_refuse(job, 431, "Invalid volume state specified");
	if (id && !mk_uuid_valid(id))
		return sim_job_refuse(job, 431, "UUID: %s doesn't follow the UUID format", id);
	if (id && sim_find(job->sim, K_VOLUME, id))
		return sim_job_refuse(
			job, 431, "UUID: %s already exists so can't create/update with custom id",
			id);
	return true;
}

static bool update_finish(struct sim_job *job)
{
	const char *name = sim_arg(job->params, "name"), *state = sim_arg(job->params, "state");
	const char *id = sim_arg(job->params, "customid");
	struct sim_volume *v = job->volume;
	struct sim_object *o = &v->o;

	if (name)
		sim_set_text(&o->name, name);
	if (state)
		sim_volume_set_state(v, state);
	v->delete_protection = sim_arg_bool(job->params, "deleteprotection", v->delete_protection);
	if (id) {
		HASH_DEL(job->sim->objects[K_VOLUME], o);
		snprintf(o->id, sizeof(o->id), "%s", id);
		HASH_ADD_STR(job->sim->objects[K_VOLUME], id, o);
	}
	return true;
}

/* ---- tables ---------------------------------------------------------------------------------- */

const struct sim_command sim_volume_commands[] = {
	{ .name = "listVolumes", .params = sim_params_list_volumes, .run = sim_list_volumes },
	{
		.name = "createVolume",
		.mode = SIM_ASYNC,
		.class = "volume.CreateVolume",
		.instance = "Volume",
		.duration = "create-job-ms",
		.create = true,
		.params = sim_params_create_volume,
		.prepare = create_prepare,
		.begin = create_begin,
		.finish = create_finish,
		.abort = create_abort,
		.result = sim_result_volume,
	},
	{ .name = "deleteVolume",
	  .mode = SIM_SYNC,
	  .params = sim_params_id_volume,
	  .run = delete_run },
	{
		.name = "destroyVolume",
		.mode = SIM_ASYNC,
		.class = "volume.DestroyVolume",
		.instance = "Volume",
		.params = sim_params_destroy_volume,
		.prepare = volume_prepare,
		.check = destroy_check,
		.begin = destroy_begin,
		.finish = destroy_finish,
		.abort = destroy_abort,
		.interrupt = destroy_interrupt,
		.result = sim_result_volume,
	},
	{ .name = "recoverVolume",
	  .mode = SIM_SYNC,
	  .params = sim_params_id_volume,
	  .run = recover_run },
	{
		.name = "updateVolume",
		.mode = SIM_ASYNC,
		.class = "volume.UpdateVolume",
		.instance = "Volume",
		.duration = "create-job-ms",
		.params = sim_params_update_volume,
		.prepare = volume_prepare,
		.check = update_check,
		.finish = update_finish,
		.result = sim_result_volume,
	},
	{ .name = NULL },
};
