/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects of the model: how they are made, found and freed. */

#include "model.h"

#include <ctype.h>

const char *const sim_volume_states[] = {
	"Allocated",
	"Creating",
	"Ready",
	"Attaching",
	"Migrating",
	"Snapshotting",
	"RevertSnapshotting",
	"Resizing",
	"Copying",
	"Restoring",
	"Expunging",
	"Expunged",
	"Destroy",
	"Destroying",
	"UploadOp",
	"Uploaded",
	"NotUploaded",
	"UploadInProgress",
	"UploadError",
	"UploadAbandoned",
	NULL,
};

const char *const sim_vm_states[] = {
	"Starting",  "Running", "Stopping", "Stopped",  "Destroyed", "Expunging",
	"Migrating", "Error",   "Unknown",  "Shutdown", "Restoring", NULL,
};

const char *const sim_snapshot_states[] = {
	"Allocated",  "Creating",  "CreatedOnPrimary", "BackingUp", "BackedUp", "Copying",
	"Destroying", "Destroyed", "Hidden",           "Error",     NULL,
};

const char *sim_state_name(const char *const *states, const char *name)
{
	for (; *states; states++)
		if (streq(*states, name))
			return *states;
	return NULL;
}

struct sim_object *sim_find(struct sim *sim, enum sim_kind kind, const char *id)
{
	char lower[MK_UUID_SIZE]; /* the database compares without case */
	struct sim_object *o;
	size_t n = strlen(id);

	if (n != MK_UUID_SIZE - 1)
		return NULL;
	for (size_t i = 0; i <= n; i++)
		lower[i] = (char)tolower((unsigned char)id[i]);

	HASH_FIND_STR(sim->objects[kind], lower, o);
	return o;
}

struct sim_object *sim_add(struct sim *sim, enum sim_kind kind, const char *id, const char *name)
{
	static const size_t sizes[K_N] = {
		[K_DOMAIN] = sizeof(struct sim_domain),
		[K_ACCOUNT] = sizeof(struct sim_account),
		[K_PROJECT] = sizeof(struct sim_project),
		[K_VM] = sizeof(struct sim_vm),
		[K_VOLUME] = sizeof(struct sim_volume),
		[K_SNAPSHOT] = sizeof(struct sim_snapshot),
		[K_JOB] = sizeof(struct sim_job),
	};
	struct sim_object *o = sim_alloc(sizes[kind] ? sizes[kind] : sizeof(struct sim_object));

	o->kind = kind;
	o->number = ++sim->last_number[kind];
	o->name = sim_strdup(name);
	o->created = mk_now_realtime();
	o->tags = sim_json_array();
	if (id)
		snprintf(o->id, sizeof(o->id), "%s", id);
	else if (mk_uuid_random(o->id) < 0)
		abort();

	if (kind == K_VM || kind == K_VOLUME || kind == K_SNAPSHOT || kind == K_JOB)
		o->owner = sim->admin;
	if (kind == K_VM)
		((struct sim_vm *)o)->user = sim->admin;
	if (kind == K_VM)
		TAILQ_INIT(&((struct sim_vm *)o)->queue);
	if (kind != K_JOB) /* a job is found by its id once it was accepted */
		HASH_ADD_STR(sim->objects[kind], id, o);
	return o;
}

static void vm_done(struct sim_vm *vm)
{
	free(vm->display_name);
	free(vm->type);
	free(vm->hypervisor);
	free(vm->group);
	free(vm->nics);
	json_object_put(vm->details);
}

static void volume_done(struct sim_volume *v)
{
	sd_event_source_disable_unref(v->letting_go);
	sd_event_source_disable_unref(v->expunging);
	free(v->hypervisor);
}

static void account_done(struct sim_account *a)
{
	free(a->user_name);
	free(a->api_key);
	free(a->secret);
}

static void project_done(struct sim_project *project)
{
	free(project->members);
}

void sim_object_free(struct sim_object *o)
{
	if (o->kind == K_VM)
		vm_done((struct sim_vm *)o);
	if (o->kind == K_DOMAIN)
		free(((struct sim_domain *)o)->path);
	if (o->kind == K_ACCOUNT)
		account_done((struct sim_account *)o);
	if (o->kind == K_PROJECT)
		project_done((struct sim_project *)o);
	if (o->kind == K_VOLUME)
		volume_done((struct sim_volume *)o);
	if (o->kind == K_SNAPSHOT)
		sd_event_source_disable_unref(((struct sim_snapshot *)o)->backup);

	free(o->name);
	json_object_put(o->tags);
	json_object_put(o->row);
	free(o);
}

void sim_executed(struct sim *sim, const char *command)
{
	if (sim->executed)
		sim->executed(command, sim->data);
}
