/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands that delete, destroy and recover volumes, as CloudStack's VolumeApiServiceImpl has them. */

#include "commands-internal.h"
#include "declared-internal.h"

/* ---- what does not let a volume go ----------------------------------------------------------- */

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

/* Which of the states cannot take the event DestroyRequested; Creating can. */
static bool check_transition(const struct sim_volume *v, struct refusal *ret)
{
	static const char *const transitional[] = { "Attaching",    "Migrating",
						    "Snapshotting", "RevertSnapshotting",
						    "Resizing",     "Copying",
						    "Restoring",    NULL };
	_cleanup_free_ char *text = NULL;

	if (!is_any(v->state, transitional))
		return true;

	text = sim_volume_name_text(v);
	return refuse(ret, 530, CS_RUNTIME,
		      mk_strdup_printf("Failed to transit volume %s to [DestroyRequested] due to "
				       "[Unable to transition to a new state from %s via "
				       "DestroyRequested].",
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

/* ---- deleteVolume, destroyVolume, recoverVolume ---------------------------------------------- */

/* What the storage says against it; NULL: it is gone. A volume that it keeps can be recovered. */
static char *expunge(struct sim *sim, struct sim_volume *v)
{
	const char *why = v->stored ? sim_failure(sim, "delete") : NULL;
	_cleanup_free_ char *text = NULL;

	if (!why) {
		sim_volume_expunge(v);
		return NULL;
	}

	v->state = "Destroy";
	text = sim_volume_text(v);
	return mk_strdup_printf("Failed to expunge the volume %s in Primary data store : %s", text,
				why);
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

	if (!sim_check_uuid(q, "id", K_VOLUME))
		return false;
	if (!check_delete(q->sim, q->caller, ref, true, &r))
		return r.code == 530 ? sim_refuse_internal(q, r.text)
				     : sim_refuse(q, r.code, r.cs_code, "%s", r.text);

	q->answer->delay_ms = (unsigned)sim_get(q->sim, "delete-ms");
	if (q->answer->delay_ms > 0 && !sim_failure(q->sim, "delete"))
		expunge_later(q, v, q->answer->delay_ms);
	else
		text = expunge(q->sim, v);
	if (text)
		return sim_refuse_internal(q, text);

	o = sim_json_object();
	mk_json_set_bool(o, "success", true);
	return sim_reply(q, o);
}

static bool wants_expunge(struct sim_job *job)
{
	return sim_arg_bool(job->params, "expunge", false);
}

/* The row of the command's event takes no negative number, and is written before the volume is looked for. */
static bool check_number(struct sim_request *q)
{
	struct sim_ref ref = sim_arg_ref(q->sim, q->params, "id", K_VOLUME);

	return ref.object || ref.number >= 0 ||
	       sim_refuse_internal(q, "Unable to persist on DB, due to: Data truncation: Out of "
				      "range value for column 'resource_id' at row 1");
}

static bool destroy_prepare(struct sim_request *q, struct sim_job *job)
{
	job->volume = (struct sim_volume *)sim_arg_ref(q->sim, q->params, "id", K_VOLUME).object;
	return check_number(q);
}

/* A PermissionDeniedException is an internal error in a job. */
static bool refuse_job(struct sim_job *job, const struct refusal *r)
{
	return sim_job_refuse(job, r->code == 531 ? 530 : r->code, "%s", r->text);
}

bool sim_job_destroy_volume(struct sim_job *job, struct sim_ref ref, bool with_expunge)
{
	_cleanup_(refusal_done) struct refusal r = {};
	struct sim_volume *v = (struct sim_volume *)ref.object;
	_cleanup_free_ char *text = NULL;

	if (!check_delete(job->sim, job->o.owner, ref, with_expunge, &r))
		return refuse_job(job, &r);

	v->state = "Destroy";
	text = with_expunge ? expunge(job->sim, v) : NULL;
	return !text || sim_job_refuse(job, 530, "%s", text);
}

static bool destroy_check(struct sim_job *job)
{
	struct sim_ref ref = sim_arg_ref(job->sim, job->params, "id", K_VOLUME);
	_cleanup_(refusal_done) struct refusal r = {};

	return check_delete(job->sim, job->o.owner, ref, wants_expunge(job), &r) ||
	       refuse_job(job, &r);
}

static bool destroy_begin(struct sim_job *job)
{
	job->state_before = job->volume->state;
	job->volume->state = wants_expunge(job) && job->volume->stored ? "Expunging" : "Destroy";
	return true;
}

static bool destroy_finish(struct sim_job *job)
{
	_cleanup_free_ char *text = wants_expunge(job) ? expunge(job->sim, job->volume) : NULL;

	return !text || sim_job_refuse(job, 530, "%s", text);
}

/* Only an injected failure takes it back. */
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

/* RecoverVolumeCmd makes its response for the eyes of admins, whoever has called it. */
static bool recover_run(struct sim_request *q)
{
	struct sim_ref ref = sim_arg_ref(q->sim, q->params, "id", K_VOLUME);
	struct sim_volume *v = (struct sim_volume *)ref.object;
	json_object *o, *row;

	if (!check_number(q))
		return false;
	if (!v || v->o.removed)
		return sim_refuse(q, 431, CS_INVALID, "Unable to find a volume with id %" PRId64,
				  ref.number);
	if (!sim_is_admin(q->caller) && !sim_flag(q->sim, "expunge"))
		return sim_refuse(q, 531, CS_PERMISSION,
				  "Recovering a volume can only be done by an Admin. Or when the "
				  "allow.user.expunge.recover.volume key is set.");
	if (!streq(v->state, "Destroy"))
		return sim_refuse(q, 431, CS_INVALID, "Please specify a volume in Destroy state.");

	sim_volume_set_state(v, "Ready");
	row = sim_volume_row(q->sim, v, true);
	if (!sim_is_admin(q->caller))
		json_object_object_del(row, "displayvolume");
	o = sim_json_object();
	json_object_object_add(o, "volume", row);
	return sim_reply(q, o);
}

/* ---- tables ---------------------------------------------------------------------------------- */

const struct sim_command sim_delete_commands[] = {
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
		.prepare = destroy_prepare,
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
	{ .name = NULL },
};
