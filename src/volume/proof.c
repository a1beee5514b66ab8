/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves again, whenever a disk comes, goes or changes, which disk each attached volume is. A volume whose proof
 * fails becomes "lost" and has no device. */

#include "volume-internal.h"

static bool bound_to(const struct mk_volume *v, const struct mk_device_info *device)
{
	return streq(v->node, device->node) && streq(v->link, device->link) &&
	       streq(v->serial, device->serial) && v->major == device->major &&
	       v->minor == device->minor && v->diskseq == device->diskseq;
}

static void found(struct mk_volume *v, const struct mk_disk *disk)
{
	struct mk_device_info device;

	mk_correlate_fill(disk, &device);
	if (v->state == MK_VOLUME_ATTACHED && bound_to(v, &device))
		return;

	if (mk_volume_take_device(v, &device) < 0)
		return;
	mk_volume_change_state(v, MK_VOLUME_ATTACHED, disk->node);
	(void)mk_volume_put(v);
}

static void lost(struct mk_volume *v, const char *why)
{
	if (v->state == MK_VOLUME_LOST && !*v->node)
		return;

	mk_volume_unbind(v);
	mk_volume_change_state(v, MK_VOLUME_LOST, why);
	(void)mk_volume_put(v);
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

/* While an operation attaches or detaches it, its state is the operation's; its device ends with the disk. */
static void check_passing(struct mk_volume *v)
{
	if (!*v->node || mk_volume_has_device(v))
		return;

	mk_volume_unbind(v);
	(void)mk_volume_put(v);
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

int mk_volume_set_state(struct mk_volume *v, enum mk_volume_state state)
{
	bool here = streq(v->vm, v->volumes->oma);

	v->elsewhere = state == MK_VOLUME_LOST;
	if (here && (state == MK_VOLUME_ATTACHED || state == MK_VOLUME_LOST)) {
		prove(v); /* what was proven before may have changed since */
		return 0;
	}

	mk_volume_change_state(v, state, "");
	if (state == MK_VOLUME_DETACHED) {
		mk_volume_unbind(v);
		v->device_id = -1;
		(void)mk_str_set(&v->vm, "");
	}
	return mk_volume_put(v);
}
