/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The block devices of this machine, as udev and the kernel know them: which disks are there, which serial
 * each has, and who uses them. Knows nothing of CloudStack or of volumes.
 *
 * The table is filled by subscribing first and then looking, so nothing is missed; every processed udev
 * event updates it; a lost event (ENOBUFS) makes it look again. Whole disks with hardware behind them
 * only: partitions carry their parent's serial and are never candidates, nor are loop, dm, md and
 * other devices that the kernel makes by itself, nor CD drives. Lookups are from memory, but for
 * the links, which are followed each time a disk is handed out: they move without an event. Only
 * mk_devices_only() leaves them alone.
 */

#include "base/base.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

/* Hex digits of a volume's UUID that CloudStack's KVM agent makes a disk's serial of (diskUuidToSerial). */
#define MK_SERIAL_DIGITS 20
#define MK_SERIAL_SIZE   (MK_SERIAL_DIGITS + 1)

/* One whole disk. Texts are valid UTF-8, never NULL ("" if there is none). The disk and its texts are
 * valid until the next event or rescan. */
struct mk_disk {
	const char *node;   /* /dev/vdb */
	const char *link;   /* the by-id link that names the serial, if it points to this disk */
	const char *serial; /* as read from sysfs first, else from udev; not cut */
	const char *bus;    /* "virtio", "scsi", "ata", … */
	const char *syspath;
	bool stale_link; /* a by-id link with this serial exists and points to another disk */
	bool settled;    /* udev has processed it (events always; at start: its database says so) */
	dev_t devnum;
	uint64_t diskseq; /* 0: kernel older than 5.15 */
	uint64_t size;    /* bytes */
	uint64_t since;   /* µs since the epoch: when it was first seen */
};

struct mk_devices;

/* on_change runs from the loop after one or more disks came, went or changed; never within a call. */
struct mk_devices_config {
	sd_event *event;
	void (*on_change)(void *data);
	void *data;
	const char *proc; /* where mountinfo and swaps are read: NULL for "/proc" */
};

/* Returns 0, or a negative errno. */
int mk_devices_new(const struct mk_devices_config *config, struct mk_devices **ret);
struct mk_devices *mk_devices_free(struct mk_devices *devices); /* NULL is allowed; returns NULL */
DEFINE_CLEANUP(struct mk_devices *, mk_devices_free)

/* Looks at everything again, as after lost events. on_change runs if something differs. */
int mk_devices_rescan(struct mk_devices *devices);

/*
 * The disks that carry this serial (exactly 20 lower-case hex digits). ret has room for max; returns how
 * many there are, which may be more. Does not grow with the number of disks.
 */
size_t mk_devices_by_serial(struct mk_devices *devices, const char *serial,
			    const struct mk_disk **ret, size_t max);

/* The disk with this serial, NULL if there is none or more than one. Nothing but memory is looked at. */
const struct mk_disk *mk_devices_only(struct mk_devices *devices, const char *serial);

/*
 * A disk by node or by a link to it, both below /dev, or by "major:minor". Returns 0; -ENOTSUP for a
 * partition (name the disk); -ENOENT if there is no such disk; -EINVAL for a text that names no block
 * device; or another negative errno of realpath(3).
 */
int mk_devices_find(struct mk_devices *devices, const char *device, const struct mk_disk **ret);

/* All disks, in no order; for reconciliation. fn must not call back into the table. */
void mk_devices_foreach(struct mk_devices *devices,
			void (*fn)(const struct mk_disk *disk, void *data), void *data);

/*
 * Who uses a disk or one of its partitions now: mounts, swap, holders (dm, md, bcache), exclusive openers.
 * Fresh from the kernel on each call. Appends one sentence part for each user to *ret, separated by ", ":
 * "mounted on /mnt (vdb1)", "swap (vdb2)", "held by dm-0 (vg-root) on vdb1", "opened exclusively by
 * process 123 (qemu-nbd)" or "... by another process"; from the 17th on they are only counted. Returns
 * the number of users; 0 also for a disk that is gone; or a negative errno if it cannot be found out
 * (which must count as used): -ESTALE if the node is another disk's by now. Without the right to open
 * the node exclusive openers are not seen.
 */
int mk_devices_users(struct mk_devices *devices, const struct mk_disk *disk, char **ret);

/* Whether dm, md or the like sits on the disk or a partition: then the disk is not the caller's to use.
 * If so, or if it cannot be found out, *ret_holder says what ("dm-0 (vg-root)"); NULL without memory. */
bool mk_devices_held(struct mk_devices *devices, const struct mk_disk *disk, char **ret_holder);

/* The first 20 hex digits of a canonical UUID. */
void mk_serial_of_volume(const char *uuid, char ret_serial[MK_SERIAL_SIZE]);
