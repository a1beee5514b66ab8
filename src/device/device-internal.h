/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files of the room share: the row of one disk, choosing its serial, and readers of sysfs and proc.
 *
 *   device.c  the table of disks, and udev's events
 *   disk.c    one disk, read from udev and sysfs
 *   users.c   who uses a disk
 */

#include "device.h"

#include <dirent.h>
#include <libudev.h>
#include <sys/queue.h>

/* Not the default hash function: clang warns of its fall-throughs. And uthash must not exit() when memory is short. */
#define HASH_FUNCTION     HASH_FNV
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define MK_SERIAL_TEXT_SIZE 256 /* a VPD page 0x80 of a disk holds at most 252 bytes */
#define MK_DISK_LINKS_MAX   16

DEFINE_CLEANUP(DIR *, closedir)
DEFINE_CLEANUP(struct udev_device *, udev_device_unref)
#define _cleanup_closedir_ _cleanup_(closedirp)

struct mk_serial_group;

/* One disk in the table. The texts that `disk` points to are owned by the row. */
struct mk_disk_row {
	struct mk_disk disk;
	char *node, *syspath, *bus;
	char serial[MK_SERIAL_TEXT_SIZE];
	char *links[MK_DISK_LINKS_MAX]; /* links below by-id that end in the serial; sorted */
	size_t n_links;
	uint64_t generation; /* number of the rescan that saw it last */

	struct mk_serial_group *group; /* the rows with the same serial; NULL if it has none */
	TAILQ_ENTRY(mk_disk_row) peers;
	UT_hash_handle by_path, by_num;
};

/* What sysfs and udev say about a disk's serial. Members are NULL where they say nothing, except bus. */
struct mk_serial_facts {
	const char *bus;
	const char *attribute; /* sysfs: the disk's "serial" (virtio-blk) */
	const uint8_t *page;   /* sysfs: the disk's "device/vpd_pg80" (SCSI, ATA behind libata) */
	size_t page_size;
	const char *id_serial, *id_serial_short, *id_scsi_serial;
};

/* Chooses the serial: from sysfs if it has one there, else from the udev property that holds it on this bus; "" if
 * neither has one. Blanks at both ends are cut off. */
void mk_serial_choose(const struct mk_serial_facts *facts, char ret[MK_SERIAL_TEXT_SIZE]);

/* True for a link below /dev/disk/by-id/ that ends in the serial, after a '-' or '_'. */
bool mk_link_names_serial(const char *link, const char *serial);

/*
 * Reads a disk from udev and sysfs. settled: udev has processed it. known: the row that its place (syspath) had so
 * far, or NULL; if that is the same disk, the new row inherits what an event may leave out. Returns 1 with the row;
 * 0 if the device is no candidate (a partition, loop, dm, …); -ESTALE if the disk that udev means is gone or
 * another one has its place; or another negative errno.
 */
int mk_disk_read(struct udev_device *device, bool settled, const struct mk_disk_row *known,
		 struct mk_disk_row **ret);
struct mk_disk_row *mk_disk_row_free(struct mk_disk_row *row);
DEFINE_CLEANUP(struct mk_disk_row *, mk_disk_row_free)

/* Follows the links again. Returns true if disk.link or disk.stale_link changed. */
bool mk_disk_check_links(struct mk_disk_row *row);

/* The device number of the block device that a path leads to, through any links. Returns 0; -ENOTBLK if it is none;
 * or another negative errno. */
int mk_node_devnum(const char *path, dev_t *ret);

/* Parses a device number like "252:16". Returns 0 or -EINVAL. */
int mk_devnum_parse(const char *s, dev_t *ret);

/* An unsigned decimal number and nothing else. Returns 0 or -EINVAL. */
int mk_decimal_parse(const char *s, uint64_t *ret);

/* Reads up to size bytes of a file in sysfs or proc. Returns how many were read, or a negative errno. */
ssize_t mk_attr_read(const char *path, void *buf, size_t size);

/* Reads the first line of a file in sysfs or proc, without its newline. Returns 0; -E2BIG if the file does not fit;
 * or another negative errno. */
int mk_attr_line(const char *path, char *buf, size_t size);

/* The directory that stands for /proc: mk_devices_config.proc, or "/proc". */
const char *mk_devices_proc(const struct mk_devices *devices);
