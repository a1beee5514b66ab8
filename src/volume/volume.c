/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "volume.h"

#include "base/log.h"

#include <sys/sysmacros.h>

struct mk_volumes {
	struct mk_store *store; /* borrowed, as are devices */
	struct mk_devices *devices;
	char *oma;
	struct mk_volumes_watcher watcher;
	struct mk_volume *all; /* by id */
};

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

static int put(struct mk_volume *v)
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

static void unbind(struct mk_volume *v)
{
	(void)mk_str_set(&v->node, "");
	(void)mk_str_set(&v->link, "");
	(void)mk_str_set(&v->serial, "");
	v->major = v->minor = 0;
	v->diskseq = v->since = 0;
}

static bool bound_to(const struct mk_volume *v, const struct mk_device_info *device)
{
	return streq(v->node, device->node) && streq(v->link, device->link) &&
	       streq(v->serial, device->serial) && v->major == device->major &&
	       v->minor == device->minor && v->diskseq == device->diskseq;
}

static int take_device(struct mk_volume *v, const struct mk_device_info *device)
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

/* The one place that assigns a volume's state. */
static void change_state(struct mk_volume *v, enum mk_volume_state state, const char *why)
{
	struct mk_log_fields fields = { .volume = v->id, .vm = *v->vm ? v->vm : NULL };

	if (v->state == state)
		return;

	mk_log(state == MK_VOLUME_LOST ? LOG_WARNING : LOG_DEBUG, &fields,
	       "volume %s: %s -> %s%s%s", v->id, mk_volume_state_to_string(v->state),
	       mk_volume_state_to_string(state), *why ? ": " : "", why);
	v->state = state;
}

static void prove(struct mk_volume *v);

int mk_volume_set_state(struct mk_volume *v, enum mk_volume_state state)
{
	bool here = streq(v->vm, v->volumes->oma);

	v->elsewhere = state == MK_VOLUME_LOST;
	if (here && (state == MK_VOLUME_ATTACHED || state == MK_VOLUME_LOST)) {
		prove(v); /* what was proven before may have changed since */
		return 0;
	}

	change_state(v, state, "");
	if (state == MK_VOLUME_DETACHED) {
		unbind(v);
		v->device_id = -1;
		(void)mk_str_set(&v->vm, "");
	}
	return put(v);
}

int mk_volume_set_attaching(struct mk_volume *v, const char *vm)
{
	if (v->state == MK_VOLUME_ATTACHING && streq(v->target, vm))
		return 0;
	if (mk_str_set(&v->target, vm) < 0)
		return -ENOMEM;

	change_state(v, MK_VOLUME_ATTACHING, "");
	return put(v);
}

int mk_volume_bind(struct mk_volume *v, int64_t device_id, const struct mk_device_info *device)
{
	int r;

	r = take_device(v, device);
	if (r >= 0)
		r = mk_str_set(&v->vm, v->volumes->oma);
	if (r < 0)
		return r;

	v->device_id = device_id;
	v->elsewhere = false;
	change_state(v, MK_VOLUME_ATTACHED, device->node);
	return put(v);
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
		unbind(v);
	if (!*info->vm)
		change_state(v, MK_VOLUME_DETACHED, "");
	else if (!here)
		change_state(v, MK_VOLUME_ATTACHED, "");
	else if (needs_proof(v, same, held))
		change_state(v, MK_VOLUME_LOST, "its disk is not proven yet");
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
	return put(v);
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

/* ---- devices ------------------------------------------------------------------------------------------------ */

static void found(struct mk_volume *v, const struct mk_disk *disk)
{
	struct mk_device_info device;

	mk_correlate_fill(disk, &device);
	if (v->state == MK_VOLUME_ATTACHED && bound_to(v, &device))
		return;

	if (take_device(v, &device) < 0)
		return;
	change_state(v, MK_VOLUME_ATTACHED, disk->node);
	(void)put(v);
}

static void lost(struct mk_volume *v, const char *why)
{
	if (v->state == MK_VOLUME_LOST && !*v->node)
		return;

	unbind(v);
	change_state(v, MK_VOLUME_LOST, why);
	(void)put(v);
}

/* Proven or lost. */
static void prove(struct mk_volume *v)
{
	_cleanup_error_ struct mk_error error = { 0 };
	const struct mk_disk *disk;

	if (v->elsewhere)
		lost(v, "CloudStack says that it is not on the appliance");
	else if (mk_correlate(v->volumes, v->id, v->size, &disk, &error) == 0)
		found(v, disk);
	else
		lost(v, str_or_empty(error.text));
}

bool mk_volume_has_device(const struct mk_volume *v)
{
	const struct mk_disk *disk;

	if (!*v->node)
		return false;

	disk = mk_devices_only(v->volumes->devices, v->serial);
	return disk && mk_volume_has_disk(v, disk);
}

/* After a restart the store says that it had a device, and not which. */
bool mk_volume_was_given(const struct mk_volume *v, const struct mk_disk *disk)
{
	return v->state == MK_VOLUME_ATTACHED && streq(v->vm, v->volumes->oma) &&
	       (!*v->node || mk_volume_has_disk(v, disk));
}

/* While an operation attaches or detaches it, its state is the operation's; its device ends with the disk. */
static void check_passing(struct mk_volume *v)
{
	if (!*v->node || mk_volume_has_device(v))
		return;

	unbind(v);
	(void)put(v);
}

void mk_volumes_recheck(struct mk_volumes *volumes)
{
	for (struct mk_volume *v = volumes->all; v; v = v->hh.next) {
		if (v->state != MK_VOLUME_ATTACHED && v->state != MK_VOLUME_LOST) {
			check_passing(v);
			continue;
		}
		if (streq(v->vm, volumes->oma))
			prove(v);
	}
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

	mk_volumes_recheck(volumes);
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
