/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Volumes of the model: what attaching and deleting does to them, the texts that name them, and their storage. */

#include "model.h"

const char *sim_volume_hypervisor(struct sim *sim, const struct sim_volume *v)
{
	return v->hypervisor ? v->hypervisor : sim_get_text(sim, "hypervisor");
}

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
