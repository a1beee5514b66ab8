/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which disk is a given volume: a proof or an error, never a guess. The proof starts from the disk's serial. Names,
 * drive letters, device ids, the order of arrival and the size prove nothing by themselves. */

#include "volume.h"

#include <sys/sysmacros.h>

#define CANDIDATES_MAX 8

/*
 * One row for each hypervisor, as CloudStack reports it for the VM. KVM: the agent gives each disk,
 * on every bus, a serial of the first 20 hex digits of the volume's UUID (LibvirtComputingResource,
 * diskUuidToSerial). The others give the guest nothing that it could prove an identity with.
 */
static const struct {
	const char *hypervisor;
	const char *why_not; /* NULL: by serial */
} rules[] = {
	{ "KVM", NULL },
	{ "XenServer",
	  "its disks have no serial, and the device number that CloudStack stores is the "
	  "one it asked for, not the one it got" },
	{ "VMware",
	  "its disks show an identity only with disk.EnableUUID, which CloudStack never sets" },
};

int mk_correlate_check(const char *hypervisor, struct mk_error *error)
{
	const char *why = "nothing is known about its disks' identity";

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (!streq(rules[i].hypervisor, hypervisor))
			continue;
		if (!rules[i].why_not)
			return 0;
		why = rules[i].why_not;
	}

	mk_error_set(
		error, MK_ERROR_NOT_SUPPORTED,
		"the appliance runs on %s, where a volume's disk cannot be proven: %s. Nothing was "
		"attached",
		*hypervisor ? hypervisor : "an unknown hypervisor", why);
	return -EINVAL;
}

/* ---- conditions ------------------------------------------------------------------------------------------ */

static int ambiguous(const struct mk_disk *const *disks, size_t n, const char *id,
		     const char *serial, struct mk_error *error)
{
	_cleanup_free_ char *list = strdup("");

	for (size_t i = 0; list && i < n && i < CANDIDATES_MAX; i++) {
		char *longer = mk_strdup_printf("%s%s%s", list, i ? ", " : "", disks[i]->node);

		free(list);
		list = longer;
	}

	mk_error_set(
		error, MK_ERROR_AMBIGUOUS,
		"%zu disks carry the serial %s of volume %s: %s. Which of them it is cannot be "
		"proven",
		n, serial, id, str_or_empty(list));
	return -EINVAL;
}

/* Another volume of ours with the same digits, or bound to this disk. */
static const struct mk_volume *claimant(struct mk_volumes *volumes, const char *id,
					const struct mk_disk *disk)
{
	for (const struct mk_volume *v = mk_volumes_first(volumes); v; v = v->hh.next) {
		char serial[MK_SERIAL_SIZE];

		if (streq(v->id, id))
			continue;
		mk_serial_of_volume(v->id, serial);
		if (streq(serial, disk->serial))
			return v;
		if (mk_volume_has_disk(v, disk))
			return v;
	}

	return NULL;
}

static int check_disk(struct mk_volumes *volumes, const char *id, uint64_t size,
		      const struct mk_disk *disk, struct mk_error *error)
{
	_cleanup_free_ char *holder = NULL;
	const struct mk_volume *other = claimant(volumes, id, disk);
	const struct mk_volume *self = mk_volumes_find(volumes, id);
	bool given = self && mk_volume_was_given(self, disk);

	if (other)
		mk_error_set(error, MK_ERROR_AMBIGUOUS,
			     "disk %s (serial %s) is claimed by two managed volumes, %s and %s",
			     disk->node, disk->serial, id, other->id);
	else if (disk->size != size || size == 0) /* 0: CloudStack left it out */
		mk_error_set(error, MK_ERROR_DEVICE_MISMATCH,
			     "disk %s carries the serial of volume %s, but has %" PRIu64
			     " bytes where CloudStack says %" PRIu64,
			     disk->node, id, disk->size, size);
	else if (!given && mk_devices_held(mk_volumes_devices(volumes), disk, &holder))
		mk_error_set(
			error, MK_ERROR_DEVICE_MISMATCH,
			"disk %s of volume %s is held by %s: a device sits on it that is not ours",
			disk->node, id, str_or_empty(holder));

	return mk_error_is_set(error) ? -EINVAL : 0;
}

/* Until udev has, links and properties are missing. A disk that is bound already has been seen complete. */
static int check_settled(struct mk_volumes *volumes, const char *id, const struct mk_disk *disk,
			 struct mk_error *error)
{
	const struct mk_volume *self = mk_volumes_find(volumes, id);

	if (disk->settled || (self && mk_volume_has_disk(self, disk)))
		return 0;

	mk_error_set(error, MK_ERROR_DEVICE_NOT_FOUND,
		     "udev to process disk %s, whose serial %s is volume %s's", disk->node,
		     disk->serial, id);
	return -EAGAIN;
}

int mk_correlate(struct mk_volumes *volumes, const char *id, uint64_t size,
		 const struct mk_disk **ret, struct mk_error *error)
{
	struct mk_devices *devices = mk_volumes_devices(volumes);
	const struct mk_disk *disks[CANDIDATES_MAX];
	char serial[MK_SERIAL_SIZE];
	size_t n;
	int r;

	mk_serial_of_volume(id, serial);
	n = devices ? mk_devices_by_serial(devices, serial, disks, ARRAY_SIZE(disks)) : 0;
	if (n == 0) {
		mk_error_set(error, MK_ERROR_DEVICE_NOT_FOUND,
			     "a disk with the serial %s of volume %s", serial, id);
		return -EAGAIN;
	}
	if (n > 1)
		return ambiguous(disks, n, id, serial, error);

	r = check_settled(volumes, id, disks[0], error);
	if (r == 0)
		r = check_disk(volumes, id, size, disks[0], error);
	if (r < 0)
		return r;

	if (disks[0]->stale_link) {
		mk_error_set(
			error, MK_ERROR_DEVICE_MISMATCH,
			"the link to disk %s, whose serial %s is volume %s's: it points to another "
			"disk",
			disks[0]->node, serial, id);
		return -EAGAIN;
	}

	*ret = disks[0];
	return 0;
}

void mk_correlate_fill(const struct mk_disk *disk, struct mk_device_info *ret)
{
	*ret = (struct mk_device_info){
		.node = disk->node,
		.link = disk->link,
		.serial = disk->serial,
		.major = major(disk->devnum),
		.minor = minor(disk->devnum),
		.diskseq = disk->diskseq,
		.size = disk->size,
	};
}
