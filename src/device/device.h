/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Room device: the block devices of this machine, as udev and the kernel know them. Which disks there are, which
 * serial each has, and who uses them. Nothing here knows of CloudStack or of volumes.
 *
 * The daemon subscribes to udev's events before it reads the disks for the first time, so no disk is missed. Each
 * processed event updates the table; after a lost event (ENOBUFS) everything is read again. The table has whole
 * disks with hardware behind them. It has no partitions (they carry their parent's serial), no loop, dm, md or
 * other devices that the kernel makes by itself, and no CD drives.
 *
 * Lookups read memory only, with one exception: the by-id links of a disk are followed each time the disk is handed
 * out, because a link can move without an event. mk_devices_only() does not follow them.
 */

#include "base/base.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

/* How many hex digits of a volume's UUID CloudStack's KVM agent takes as the serial of its disk (diskUuidToSerial). */
#define MK_SERIAL_DIGITS 20
#define MK_SERIAL_SIZE   (MK_SERIAL_DIGITS + 1)

/* One whole disk. Texts are valid UTF-8 and never NULL ("" if there is none). The structure and its texts are valid
 * until the next event or rescan. */
struct mk_disk {
	const char *node; /* /dev/vdb */
	/* the link below /dev/disk/by-id that ends in the serial and points to this disk */
	const char *link;
	const char *serial; /* from sysfs, else from udev; complete */
	const char *bus;    /* "virtio", "scsi", "ata", … */
	const char *syspath;
	bool stale_link; /* a by-id link with this serial exists and points to another disk */
	bool settled;    /* udev has processed it; at start its database says so */
	dev_t devnum;
	uint64_t diskseq; /* 0: kernel older than 5.15 */
	uint64_t size;    /* bytes */
	uint64_t since;   /* µs since the epoch: when it was first seen */
};

struct mk_devices;

/* on_change runs from the loop after one or more disks came, went or changed, never inside a call. */
struct mk_devices_config {
	sd_event *event;
	void (*on_change)(void *data);
	void *data;
	/* directory to read self/mountinfo, swaps and processes from; NULL for "/proc" */
	const char *proc;
};

/* Subscribes to udev and reads all disks. Returns 0 or a negative errno. */
int mk_devices_new(const struct mk_devices_config *config, struct mk_devices **ret);
struct mk_devices *mk_devices_free(struct mk_devices *devices); /* NULL is allowed; returns NULL */
DEFINE_CLEANUP(struct mk_devices *, mk_devices_free)

/* Reads all disks again, as after a lost event. If something differs, on_change runs later. Returns 0 or a negative
 * errno. */
int mk_devices_rescan(struct mk_devices *devices);

/* Finds the disks with this serial (of a volume: 20 lower-case hex digits). ret has room for max of them. Returns
 * how many there are, which may be more than max. The time does not depend on the number of disks. */
size_t mk_devices_by_serial(struct mk_devices *devices, const char *serial,
			    const struct mk_disk **ret, size_t max);

/* The disk with this serial; NULL if there is none or more than one. Reads memory only, and does not follow links. */
const struct mk_disk *mk_devices_only(struct mk_devices *devices, const char *serial);

/*
 * Finds a disk by its node or a link to it, both below /dev, or by "major:minor". Returns 0; -ENOTSUP for a
 * partition; -ENOENT if there is no such disk; -EINVAL for a text that names no block device; or another negative
 * errno of realpath(3).
 */
int mk_devices_find(struct mk_devices *devices, const char *device, const struct mk_disk **ret);

/* Calls fn for each disk, in no order. fn must not call functions of this room. */
void mk_devices_foreach(struct mk_devices *devices,
			void (*fn)(const struct mk_disk *disk, void *data), void *data);

/*
 * Who uses a disk or one of its partitions now: mounts, swap, holders (dm, md, bcache); if there are none of these,
 * exclusive openers of the disk. The kernel is asked on each call.
 *
 * Appends a phrase for each user to *ret, separated by ", ": "mounted on /mnt (vdb1)", "swap (vdb2)", "held by dm-0
 * (vg-root) on vdb1", "opened exclusively by process 123 (qemu-nbd)" or "... by another process"; from the 17th on
 * they are only counted. *ret is NULL or an owned text, and is freed by the caller.
 *
 * Returns the number of users, which is 0 for a disk that is gone and neither mounted nor used as swap; or a
 * negative errno if it cannot be found out, which must count as used: -ESTALE if the node belongs to another disk
 * by now. Exclusive openers are not seen if we may not open the node.
 */
int mk_devices_users(struct mk_devices *devices, const struct mk_disk *disk, char **ret);

/*
 * True if dm, md or the like sits on the disk or a partition, so that the disk is not the caller's to use; or if
 * that cannot be found out. Then *ret_holder says what it is ("dm-0 (vg-root)"), to be freed; NULL without memory.
 */
bool mk_devices_held(struct mk_devices *devices, const struct mk_disk *disk, char **ret_holder);

/* The serial that CloudStack gives a volume's disk on KVM: the first 20 hex digits of its canonical UUID. */
void mk_serial_of_volume(const char *uuid, char ret_serial[MK_SERIAL_SIZE]);
