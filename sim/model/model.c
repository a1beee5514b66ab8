/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects of the model: how they are made and found, and what attaching, plugging and deleting do to volumes. */

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

/* ---- objects --------------------------------------------------------------------------------- */

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

void sim_object_free(struct sim_object *o)
{
	if (o->kind == K_VM)
		vm_done((struct sim_vm *)o);
	if (o->kind == K_ACCOUNT)
		sim_account_done((struct sim_account *)o);
	if (o->kind == K_PROJECT)
		sim_project_done((struct sim_project *)o);
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

/* ---- VMs ------------------------------------------------------------------------------------- */

const char *sim_vm_hypervisor(struct sim *sim, const struct sim_vm *vm)
{
	return vm->hypervisor ? vm->hypervisor : sim_get_text(sim, "hypervisor");
}

const char *sim_volume_hypervisor(struct sim *sim, const struct sim_volume *v)
{
	return v->hypervisor ? v->hypervisor : sim_get_text(sim, "hypervisor");
}

/* How many volumes, VM snapshots or backups it has. */
int64_t sim_vm_count(struct sim *sim, enum sim_kind kind, const struct sim_vm *vm)
{
	struct sim_object *o;
	int64_t n = 0;

	SIM_FOREACH(sim, kind, o) {
		if (o->removed)
			continue;
		if (kind == K_VOLUME)
			n += ((struct sim_volume *)o)->vm == vm;
		else
			n += streq(mk_json_str(o->row, "virtualmachineid", ""), vm->o.id);
	}

	return n;
}

/* From CloudStack's table hypervisor_capabilities. */
unsigned sim_vm_max_disks(struct sim *sim, const struct sim_vm *vm)
{
	static const struct {
		const char *hypervisor;
		unsigned n;
	} table[] = { { "KVM", 32 }, { "VMware", 59 }, { "XenServer", 13 }, { "Simulator", 6 } };
	int64_t set = sim_get(sim, "max-data-disks");

	if (set > 0)
		return (unsigned)set;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (streq(table[i].hypervisor, sim_vm_hypervisor(sim, vm)))
			return table[i].n;
	return 6;
}

struct sim_volume *sim_vm_volume_at(struct sim *sim, const struct sim_vm *vm, int device_id)
{
	struct sim_volume *v;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (!v->o.removed && v->vm == vm && v->device_id == device_id)
			return v;
	return NULL;
}

struct sim_volume *sim_vm_root(struct sim *sim, const struct sim_vm *vm)
{
	struct sim_volume *v;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (!v->o.removed && v->vm == vm && v->root)
			return v;
	return NULL;
}

int sim_vm_free_device(struct sim *sim, const struct sim_vm *vm)
{
	int last = (int)sim_vm_max_disks(sim, vm) + 1;

	for (int i = 1; i <= last; i++)
		if (i != 3 && !sim_vm_volume_at(sim, vm, i)) /* 3 is the CD drive */
			return i;
	return -1;
}

/* ---- volumes --------------------------------------------------------------------------------- */

struct sim_volume *sim_volume_new(struct sim *sim, const char *id, const char *name,
				  struct sim_object *zone, uint64_t size)
{
	struct sim_volume *v = (struct sim_volume *)sim_add(sim, K_VOLUME, id, name);

	v->state = "Allocated";
	v->device_id = -1;
	v->zone = zone;
	v->pool = sim->objects[K_POOL];
	v->size = size;
	if (mk_uuid_random(v->path) < 0)
		abort();
	return v;
}

void sim_volume_set_state(struct sim_volume *v, const char *state)
{
	v->state = sim_state_name(sim_volume_states, state);
	v->stored =
		!streq(state, "Allocated") && !streq(state, "Creating") && !strstr(state, "Upload");
}

/* As VolumeDaoImpl.attachVolume: device 0 makes it a root disk. */
void sim_volume_attach(struct sim_volume *v, struct sim_vm *vm, int device_id)
{
	v->vm = vm;
	v->device_id = device_id;
	v->root = device_id == 0;
	v->attached = mk_now_realtime();
}

/* As VolumeDaoImpl.detachVolume: a former root disk becomes a data disk. */
void sim_volume_detach(struct sim_volume *v)
{
	v->vm = NULL;
	v->device_id = -1;
	v->root = false;
	v->attached = 0;
}

/* The row of a volume that was never made keeps the state that the deletion begins with. */
void sim_volume_expunge(struct sim_volume *v)
{
	if (v->o.removed)
		return;
	v->state = v->stored ? "Expunged" : "Destroy";
	v->stored = false;
	v->o.removed = true;
	json_object_put(v->o.tags);
	v->o.tags = sim_json_array();
}

/* A text as a JSON string, as ReflectionToStringBuilderUtils writes it. */
static char *quoted(const char *text)
{
	_cleanup_json_ json_object *o = json_object_new_string(text);

	return sim_strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE));
}

char *sim_volume_text(const struct sim_volume *v)
{
	_cleanup_free_ char *name = quoted(v->o.name);
	_cleanup_free_ char *vm = v->vm ? mk_strdup_printf("%" PRId64, v->vm->o.number) : NULL;
	char *s = mk_strdup_printf("Volume {\"id\":%" PRId64
				   ",\"instanceId\":%s,\"name\":%s,\"uuid\":\"%s\","
				   "\"volumeType\":\"%s\"}",
				   v->o.number, vm ? vm : "null", name, v->o.id,
				   v->root ? "ROOT" : "DATADISK");

	return sim_checked(s);
}

char *sim_volume_name_text(const struct sim_volume *v)
{
	_cleanup_free_ char *name = quoted(v->o.name);

	return sim_checked(mk_strdup_printf("{\"name\":%s,\"uuid\":\"%s\"}", name, v->o.id));
}

char *sim_volume_object_text(const struct sim_volume *v)
{
	_cleanup_free_ char *text = sim_volume_text(v), *volume = quoted(text);
	_cleanup_free_ char *text_of_pool =
		sim_checked(mk_strdup_printf("StoragePool {\"id\":%" PRId64 ",\"name\":\"%s\","
					     "\"poolType\":\"" SIM_POOL_TYPE "\",\"uuid\":\"%s\"}",
					     v->pool->number, v->pool->name, v->pool->id));
	_cleanup_free_ char *pool = quoted(text_of_pool);

	return sim_checked(mk_strdup_printf("VolumeObject {\"dataStore\":%s,\"volumeVO\":%s}",
					    v->stored || v->misplaced ? pool : "null", volume));
}

char *sim_vm_text(const struct sim_vm *vm)
{
	_cleanup_free_ char *name = sim_vm_instance_name(vm);

	return sim_checked(mk_strdup_printf("VM instance {\"id\":%" PRId64
					    ",\"instanceName\":\"%s\",\"state\":\"%s\","
					    "\"type\":\"%s\",\"uuid\":\"%s\"}",
					    vm->o.number, name, vm->state, vm->type, vm->o.id));
}

/* ---- the storage ----------------------------------------------------------------------------- */

const char *sim_failure(struct sim *sim, const char *what)
{
	return sim_listed(sim, "fail", what) ? sim_get_text(sim, "fail-text") : NULL;
}

/*
 * In GiB. A storage of CloudStack's simulator hypervisor is 1 TiB large, doubled by storage.overprovisioning.factor, and
 * 9/10 of that may be used (pool.storage.allocated.capacity.disablethreshold).
 */
static uint64_t pool_size(struct sim *sim)
{
	int64_t set = sim_get(sim, "pool-gib");

	if (set > 0)
		return (uint64_t)set;
	return streq(sim_get_text(sim, "hypervisor"), "Simulator") ? 2048 * 9 / 10 : 0;
}

bool sim_storage_has_room(struct sim *sim, uint64_t more)
{
	uint64_t size = pool_size(sim), used = 0;
	struct sim_volume *v;

	if (sim_flag(sim, "storage-full"))
		return false;
	SIM_FOREACH(sim, K_VOLUME, v)
		if (v->stored)
			used += v->size;
	return size == 0 || used + more <= size * GIB;
}

bool sim_volume_in_snapshot(struct sim *sim, const struct sim_volume *v)
{
	static const char *const busy[] = { "Creating", "CreatedOnPrimary", "BackingUp", NULL };
	struct sim_snapshot *s;

	SIM_FOREACH(sim, K_SNAPSHOT, s)
		if (!s->o.removed && s->volume == v && sim_state_name(busy, s->state))
			return true;
	return false;
}
