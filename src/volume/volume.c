/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The managed volumes: their list in memory, their states, and following CloudStack's word. Each change is written
 * to the store's open transaction. */

#include "volume-internal.h"

#include "base/log.h"

#include <sys/sysmacros.h>

/* ---- names ------------------------------------------------------------------------------------------------ */

static const char *const states[MK_VOLUME_N_STATES] = {
	[MK_VOLUME_DETACHED] = "detached", [MK_VOLUME_ATTACHING] = "attaching",
	[MK_VOLUME_ATTACHED] = "attached", [MK_VOLUME_DETACHING] = "detaching",
	[MK_VOLUME_LOST] = "lost",
};

const char *mk_volume_state_to_string(enum mk_volume_state s)
{
	return states[s];
}

int mk_volume_state_from_string(const char *s)
{
	for (int i = 0; i < MK_VOLUME_N_STATES; i++)
		if (streq(states[i], s))
			return i;

	return -EINVAL;
}

/* ---- one volume --------------------------------------------------------------------------------------------- */

static struct mk_volume *volume_free(struct mk_volume *v)
{
	free(v->id);
	free(v->name);
	free(v->class);
	free(v->vm);
	free(v->target);
	free(v->node);
	free(v->link);
	free(v->serial);
	free(v);
	return NULL;
}
DEFINE_CLEANUP(struct mk_volume *, volume_free)

static struct mk_volume *volume_new(struct mk_volumes *volumes, const char *id)
{
	_cleanup_(volume_freep) struct mk_volume *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;

	v->volumes = volumes;
	v->revision = mk_now_realtime(); /* no one of an earlier start comes again */
	v->device_id = -1;
	v->id = strdup(id);
	v->name = strdup("");
	v->class = strdup("");
	v->vm = strdup("");
	v->target = strdup("");
	v->node = strdup("");
	v->link = strdup("");
	v->serial = strdup("");
	if (!v->id || !v->name || !v->class || !v->vm || !v->target || !v->node || !v->link ||
	    !v->serial)
		return NULL;
	return take_ptr(v);
}

int mk_volume_put(struct mk_volume *v)
{
	struct mk_volume_record r = {
		.id = v->id,
		.name = v->name,
		.class = v->class,
		.vm = v->vm,
		.target = v->target,
		.state = mk_volume_state_to_string(v->state),
		.device = v->node,
		.device_id = v->device_id,
		.size = v->size,
		.created = v->created,
	};

	v->revision++;
	v->volumes->watcher.changed(v, v->volumes->watcher.data);
	return mk_store_put_volume(v->volumes->store, &r);
}

void mk_volume_unbind(struct mk_volume *v)
{
	(void)mk_str_set(&v->node, "");
	(void)mk_str_set(&v->link, "");
	(void)mk_str_set(&v->serial, "");
	v->major = v->minor = 0;
	v->diskseq = v->since = 0;
}

int mk_volume_take_device(struct mk_volume *v, const struct mk_device_info *device)
{
	if (mk_str_set(&v->node, device->node) < 0 || mk_str_set(&v->link, device->link) < 0 ||
	    mk_str_set(&v->serial, device->serial) < 0)
		return -ENOMEM;

	v->major = device->major;
	v->minor = device->minor;
	v->diskseq = device->diskseq;
	v->since = mk_now_realtime();
	return 0;
}

void mk_volume_change_state(struct mk_volume *v, enum mk_volume_state state, const char *why)
{
	struct mk_log_fields fields = { .volume = v->id, .vm = *v->vm ? v->vm : NULL };

	if (v->state == state)
		return;

	mk_log(state == MK_VOLUME_LOST ? LOG_WARNING : LOG_DEBUG, &fields,
	       "volume %s: %s -> %s%s%s", v->id, mk_volume_state_to_string(v->state),
	       mk_volume_state_to_string(state), *why ? ": " : "", why);
	v->state = state;
}

int mk_volume_set_attaching(struct mk_volume *v, const char *vm)
{
	if (v->state == MK_VOLUME_ATTACHING && streq(v->target, vm))
		return 0;
	if (mk_str_set(&v->target, vm) < 0)
		return -ENOMEM;

	mk_volume_change_state(v, MK_VOLUME_ATTACHING, "");
	return mk_volume_put(v);
}

int mk_volume_bind(struct mk_volume *v, int64_t device_id, const struct mk_device_info *device)
{
	int r;

	r = mk_volume_take_device(v, device);
	if (r >= 0)
		r = mk_str_set(&v->vm, v->volumes->oma);
	if (r < 0)
		return r;

	v->device_id = device_id;
	v->elsewhere = false;
	mk_volume_change_state(v, MK_VOLUME_ATTACHED, device->node);
	return mk_volume_put(v);
}

/* ---- the set ------------------------------------------------------------------------------------------------ */

struct mk_volume *mk_volumes_find(struct mk_volumes *volumes, const char *id)
{
	struct mk_volume *v;

	HASH_FIND_STR(volumes->all, id, v);
	return v;
}

size_t mk_volumes_count(struct mk_volumes *volumes)
{
	return HASH_COUNT(volumes->all);
}

struct mk_volume *mk_volumes_first(struct mk_volumes *volumes)
{
	return volumes->all;
}

bool mk_volume_has_disk(const struct mk_volume *v, const struct mk_disk *disk)
{
	return *v->node && makedev(v->major, v->minor) == disk->devnum &&
	       streq(v->serial, disk->serial) &&
	       (v->diskseq == disk->diskseq || v->diskseq == 0 || disk->diskseq == 0);
}

/* After a restart the store says that it had a device, and not which. */
bool mk_volume_was_given(const struct mk_volume *v, const struct mk_disk *disk)
{
	return v->state == MK_VOLUME_ATTACHED && streq(v->vm, v->volumes->oma) &&
	       (!*v->node || mk_volume_has_disk(v, disk));
}

struct mk_volume *mk_volumes_by_disk(struct mk_volumes *volumes, const struct mk_disk *disk)
{
	for (struct mk_volume *v = volumes->all; v; v = v->hh.next)
		if (mk_volume_has_disk(v, disk))
			return v;

	return NULL;
}

struct mk_devices *mk_volumes_devices(struct mk_volumes *volumes)
{
	return volumes->devices;
}

static void add(struct mk_volume *v)
{
	struct mk_volumes *volumes = v->volumes;

	HASH_ADD_KEYPTR(hh, volumes->all, v->id, strlen(v->id), v);
	volumes->watcher.added(v, volumes->watcher.data);
}

/* Of a volume on the appliance. What is passing from state to state is so for the operation that holds it. */
static bool needs_proof(const struct mk_volume *v, bool same, bool held)
{
	if (held && v->state == MK_VOLUME_ATTACHING)
		return false;
	if (held && v->state == MK_VOLUME_DETACHING)
		return !same;

	return !same || v->state != MK_VOLUME_ATTACHED;
}

/* Attached or not, and to what, as CloudStack says. */
static int follow_cloudstack(struct mk_volume *v, const struct mk_volume_info *info, bool held)
{
	bool here = streq(info->vm, v->volumes->oma), same = streq(info->vm, v->vm);

	if (mk_str_set(&v->vm, info->vm) < 0)
		return -ENOMEM;
	/* A job that is pending may still bring it there. */
	if ((!info->busy || streq(info->vm, v->target)) && mk_str_set(&v->target, "") < 0)
		return -ENOMEM;

	v->size = info->size;
	v->device_id = info->device_id;
	v->elsewhere = false;
	if (!here)
		mk_volume_unbind(v);
	if (!*info->vm)
		mk_volume_change_state(v, MK_VOLUME_DETACHED, "");
	else if (!here)
		mk_volume_change_state(v, MK_VOLUME_ATTACHED, "");
	else if (needs_proof(v, same, held))
		mk_volume_change_state(v, MK_VOLUME_LOST, "its disk is not proven yet");
	return 0;
}

int mk_volumes_manage(struct mk_volumes *volumes, const struct mk_volume_info *info,
		      const char *class, const char *name, bool held)
{
	struct mk_volume *v = mk_volumes_find(volumes, info->id);
	bool new = !v;

	if (new && !class)
		return 0;
	if (new)
		v = volume_new(volumes, info->id);
	if (!v)
		return -ENOMEM;

	if (new)
		v->created = mk_now_realtime();
	if ((class && mk_str_set(&v->class, class) < 0) ||
	    (new &&mk_str_set(&v->name, info->name) < 0) ||
	    (name && mk_str_set(&v->name, name) < 0) || follow_cloudstack(v, info, held) < 0) {
		if (new)
			volume_free(v);
		return -ENOMEM;
	}

	if (new)
		add(v);
	return mk_volume_put(v);
}

int mk_volumes_forget(struct mk_volumes *volumes, const char *id)
{
	struct mk_volume *v = mk_volumes_find(volumes, id);
	int r;

	if (!v)
		return 0;

	r = mk_store_delete_volume(volumes->store, id);
	volumes->watcher.removed(v, volumes->watcher.data);
	HASH_DEL(volumes->all, v);
	volume_free(v);
	return r;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

static int restore(const struct mk_volume_record *r, void *data)
{
	struct mk_volumes *volumes = data;
	_cleanup_(volume_freep) struct mk_volume *v = volume_new(volumes, r->id);
	int state = mk_volume_state_from_string(r->state);

	if (!v)
		return -ENOMEM;
	if (state < 0 || !mk_uuid_valid(r->id))
		return -EUCLEAN;
	if (mk_str_set(&v->name, r->name) < 0 || mk_str_set(&v->class, r->class) < 0 ||
	    mk_str_set(&v->vm, r->vm) < 0 || mk_str_set(&v->target, r->target) < 0)
		return -ENOMEM;

	v->state = (enum mk_volume_state)state;
	v->device_id = r->device_id;
	v->size = r->size;
	v->created = r->created;
	/* which disk it is now is for mk_volumes_recheck() to find out */
	add(v);
	(void)take_ptr(v);
	return 0;
}

int mk_volumes_new(struct mk_store *store, struct mk_devices *devices, const char *oma,
		   const struct mk_volumes_watcher *watcher, struct mk_volumes **ret)
{
	_cleanup_(mk_volumes_freep) struct mk_volumes *volumes = calloc(1, sizeof(*volumes));
	int r;

	if (!volumes)
		return -ENOMEM;

	volumes->store = store;
	volumes->devices = devices;
	volumes->watcher = *watcher;
	volumes->oma = strdup(oma);
	if (!volumes->oma)
		return -ENOMEM;

	r = mk_store_each_volume(store, restore, volumes);
	if (r < 0)
		return r;

	*ret = take_ptr(volumes);
	return 0;
}

struct mk_volumes *mk_volumes_free(struct mk_volumes *volumes)
{
	struct mk_volume *v, *next;

	if (!volumes)
		return NULL;

	HASH_ITER(hh, volumes->all, v, next) {
		volumes->watcher.removed(v, volumes->watcher.data);
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): uthash */
		HASH_DEL(volumes->all, v);
		volume_free(v);
	}
	free(volumes->oma);
	free(volumes);
	return NULL;
}
