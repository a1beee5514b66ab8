/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands that create and update volumes, as CloudStack's VolumeApiServiceImpl has them. */

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

static bool check_place(struct sim_request *q, struct sim_object *zone,
			const struct sim_object *offering, int64_t bytes)
{
	_cleanup_free_ char *over = sim_over_volume_limit(q->sim, q->owner, bytes);

	if (over)
		return sim_refuse(q, 535, CS_ALLOCATION, "%s", over);
	if (!zone)
		return sim_refuse(q, 431, CS_INVALID, "Unable to find zone by id %s",
				  sim_arg(q->params, "zoneid") ? sim_arg(q->params, "zoneid")
							       : "null");
	if (streq(mk_json_str(zone->row, "allocationstate", "Enabled"), "Disabled") &&
	    !sim_is_admin(q->caller))
		return sim_refuse(q, 531, CS_PERMISSION,
				  "Cannot perform this operation, Zone: %s is currently disabled",
				  zone->name);
	if (offering && streq(mk_json_str(offering->row, "storagetype", ""), "local") &&
	    !mk_json_bool(zone->row, "localstorageenabled", false))
		return sim_refuse(q, 431, CS_INVALID,
				  "Zone is not configured to use local storage but volume's disk "
				  "offering %s uses it",
				  offering->name);
	if (sim_arg_given(q->params, "customid") && !sim_is_admin(q->caller))
		return sim_refuse(q, 531, CS_PERMISSION,
				  "Please check your permissions, you are not allowed to "
				  "create/update custom id");
	return true;
}

static bool check_custom_id(struct sim_request *q)
{
	const char *id = mk_json_str(q->params, "customid", NULL);

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
	job->volume->o.owner = q->owner;
	job->volume->hidden = !sim_arg_bool(q->params, "displayvolume", true);
}

/* Only a root disk's snapshot says nothing of a disk offering. *ret_gib: 0 if the size is the snapshot's. */
static bool check_snapshot_offering(struct sim_request *q, const struct sim_snapshot *s,
				    int64_t *ret_gib)
{
	struct sim_object *offering =
		sim_arg_object(q->sim, q->params, "diskofferingid", K_DISK_OFFERING);

	*ret_gib = 0;
	if (!sim_arg(q->params, "diskofferingid"))
		return true;
	if (!s->volume->root)
		return sim_refuse(q, 431, CS_INVALID,
				  "Disk Offering ID cannot be passed whilst creating volume from "
				  "snapshot other than ROOT disk snapshots");
	return offering ? check_size(q, offering, ret_gib)
			: sim_refuse(q, 431, CS_INVALID, "Please specify a valid disk offering.");
}

/* Of a deleted snapshot, too: it is not BackedUp. */
static bool create_from_snapshot(struct sim_request *q, struct sim_job *job)
{
	struct sim_ref ref = sim_arg_ref(q->sim, q->params, "snapshotid", K_SNAPSHOT);
	struct sim_snapshot *s = (struct sim_snapshot *)ref.object;
	struct sim_object *offering =
		sim_arg_object(q->sim, q->params, "diskofferingid", K_DISK_OFFERING);
	_cleanup_free_ char *text = NULL;
	struct sim_object *zone;
	uint64_t size;
	int64_t gib;

	if (!s || s->o.removed)
		return sim_refuse(q, 431, CS_INVALID, "unable to find a snapshot with id %" PRId64,
				  ref.number);
	text = sim_snapshot_text(s);
	if (!streq(s->state, "BackedUp"))
		return sim_refuse(q, 431, CS_INVALID,
				  "Snapshot %s is not in BackedUp state yet and can't be used for "
				  "volume creation",
				  text);
	if (!check_snapshot_offering(q, s, &gib) || !sim_check_access(q, &s->o))
		return false;

	zone = sim_arg(q->params, "zoneid") ? sim_arg_object(q->sim, q->params, "zoneid", K_ZONE)
					    : s->volume->zone;
	size = gib > 0 ? (uint64_t)gib * GIB : s->size;
	if (!check_place(q, zone, NULL, (int64_t)size) || !check_custom_id(q))
		return false;

	if (!offering && s->volume->offering && s->volume->offering->kind == K_DISK_OFFERING)
		offering = s->volume->offering;
	add_row(q, job, zone, size);
	job->snapshot = s;
	job->volume->snapshot = &s->o;
	job->volume->offering = offering;
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
	if (!check_size(q, offering, &gib) || !check_place(q, zone, offering, gib << 30) ||
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

/* Whose row stays, to be deleted; and if that was done before its time, the snapshot can never be deleted. */
static bool refuse_copy(struct sim_job *job)
{
	struct sim_volume *v = job->volume;
	_cleanup_free_ char *text = sim_volume_text(v);

	if (v->o.removed)
		job->snapshot->stuck_volume = v->o.number;
	else
		sim_volume_set_state(v, "Destroy");
	return sim_job_refuse(job, 530, "Failed to create volume: %s", text);
}

static bool create_finish(struct sim_job *job)
{
	struct sim_vm *vm = sim_arg_vm(job->sim, job->params, "virtualmachineid");
	struct sim_volume *v = job->volume;

	if (!job->snapshot)
		return true;
	if (v->o.removed || sim_flag(job->sim, "storage-full") ||
	    sim_flag(job->sim, "hosts-offline") || sim_failure(job->sim, "create") ||
	    sim_failure(job->sim, "copy"))
		return refuse_copy(job);

	sim_volume_set_state(v, "Ready");
	v->generation = job->snapshot->generation;
	if (vm) {
		sim_volume_attach(v, vm, sim_vm_free_device(job->sim, vm));
		if (streq(vm->state, "Running"))
			sim_plug(job->sim, v, vm, v->device_id);
	}
	return true;
}

/* The server was killed meanwhile, or a test lets the job fail. */
static void create_abort(struct sim_job *job)
{
	if (streq(job->volume->state, "Creating"))
		sim_volume_set_state(job->volume, "Allocated");
}

/* No list shows the snapshot that a volume was made of; the job does. */
static json_object *create_result(struct sim_job *job)
{
	json_object *o = sim_result_volume(job);

	if (job->snapshot)
		mk_json_set_str(mk_json_get(o, "volume"), "snapshotid", job->snapshot->o.id);
	return o;
}

/* ---- updateVolume ---------------------------------------------------------------------------- */

static bool update_prepare(struct sim_request *q, struct sim_job *job)
{
	job->volume = (struct sim_volume *)sim_arg_ref(q->sim, q->params, "id", K_VOLUME).object;
	if (!job->volume)
		return sim_refuse(q, 431, CS_INVALID, "Invalid volume id was provided");
	return sim_check_uuid(q, "id", K_VOLUME);
}

static bool update_check(struct sim_job *job)
{
	static const char *const for_root[] = { "path",      "state",         "storageid",
						"chaininfo", "displayvolume", "customid" };
	const char *state = sim_arg(job->params, "state");
	const char *id = mk_json_str(job->params, "customid", NULL);

	for (size_t i = 0; !sim_is_admin(job->o.owner) && i < ARRAY_SIZE(for_root); i++)
		if (sim_arg(job->params, for_root[i]))
			return sim_job_refuse(job, 431,
					      "The domain admin and normal user are not allowed to "
					      "update volume except volume name & delete "
					      "protection");
	if (job->volume->o.removed)
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
	const char *name = mk_json_str(job->params, "name", NULL),
		   *state = sim_arg(job->params, "state");
	const char *id = sim_arg(job->params, "customid");
	struct sim_volume *v = job->volume;
	struct sim_object *o = &v->o;

	if (name)
		sim_set_text(&o->name, name);
	if (state)
		sim_volume_set_state(v, state);
	v->delete_protection = sim_arg_bool(job->params, "deleteprotection", v->delete_protection);
	v->hidden = !sim_arg_bool(job->params, "displayvolume", !v->hidden);
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
		.owned = true,
		.params = sim_params_create_volume,
		.prepare = create_prepare,
		.begin = create_begin,
		.finish = create_finish,
		.abort = create_abort,
		.result = create_result,
	},
	{
		.name = "updateVolume",
		.mode = SIM_ASYNC,
		.class = "volume.UpdateVolume",
		.instance = "Volume",
		.duration = "create-job-ms",
		.params = sim_params_update_volume,
		.prepare = update_prepare,
		.check = update_check,
		.finish = update_finish,
		.result = sim_result_volume,
	},
	{ .name = NULL },
};
