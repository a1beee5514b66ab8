/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the device table share. Nobody else includes this. */

#include "device.h"

#include <dirent.h>
#include <libudev.h>
#include <sys/queue.h>

/* not the default one, whose fall-throughs clang warns of; without memory it must not exit() */
#define HASH_FUNCTION     HASH_FNV
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define MK_SERIAL_TEXT_SIZE 256 /* a VPD page 0x80 of a disk holds at most 252 bytes */
#define MK_DISK_LINKS_MAX   16

DEFINE_CLEANUP(DIR *, closedir)
DEFINE_CLEANUP(struct udev_device *, udev_device_unref)
#define _cleanup_closedir_ _cleanup_(closedirp)

struct mk_serial_group;

/* One row of the table. The texts of the disk are the row's. */
struct mk_disk_row {
	struct mk_disk disk;
	char *node, *syspath, *bus;
	char serial[MK_SERIAL_TEXT_SIZE];
	char *links[MK_DISK_LINKS_MAX]; /* by-id links that name the serial; sorted */
	size_t n_links;
	uint64_t generation; /* the scan that saw it last */

	struct mk_serial_group *group; /* all with this serial; NULL without a serial */
	TAILQ_ENTRY(mk_disk_row) peers;
	UT_hash_handle by_path, by_num;
};

/* What sysfs and udev say about a disk's serial; NULL where they say nothing. */
struct mk_serial_facts {
	const char *bus;
	const char *attribute; /* sysfs: the disk's "serial" (virtio-blk) */
	const uint8_t *page;   /* sysfs: the disk's "device/vpd_pg80" (SCSI, ATA behind libata) */
	size_t page_size;
	const char *id_serial, *id_serial_short, *id_scsi_serial;
};

/*
 * The serial, from the first of these that gives a text: sysfs, then the udev property that holds
 * it on this bus. "" if none does. Blanks at both ends are no part of it.
 */
void mk_serial_choose(const struct mk_serial_facts *facts, char ret[MK_SERIAL_TEXT_SIZE]);

/* True for a link below /dev/disk/by-id/ that ends in the serial, after a '-' or '_'. */
bool mk_link_names_serial(const char *link, const char *serial);

/*
 * Reads a disk from udev and sysfs. settled: whether udev has processed it; known: what its place held
 * so far, may be NULL: if it is the same disk, it keeps what it cannot have lost. Returns 1; 0 if the
 * device is no candidate (a partition, loop, dm, ...); -ESTALE if the disk that udev speaks of is gone
 * or another one has its place; or a negative errno.
 */
int mk_disk_read(struct udev_device *device, bool settled, const struct mk_disk_row *known,
		 struct mk_disk_row **ret);
struct mk_disk_row *mk_disk_row_free(struct mk_disk_row *row);
DEFINE_CLEANUP(struct mk_disk_row *, mk_disk_row_free)

/* Looks where the links point now. Returns true if disk.link or disk.stale_link changed. */
bool mk_disk_check_links(struct mk_disk_row *row);

/* The device number of the block device at the end of a path's links: 0 or a negative errno, -ENOTBLK. */
int mk_node_devnum(const char *path, dev_t *ret);

/* "252:16", digits only. Returns 0 or -EINVAL. */
int mk_devnum_parse(const char *s, dev_t *ret);

/* An unsigned decimal number and nothing else. Returns 0 or -EINVAL. */
int mk_decimal_parse(const char *s, uint64_t *ret);

/* The first size bytes of an attribute of sysfs or proc. Returns how many there were, or a negative errno. */
ssize_t mk_attr_read(const char *path, void *buf, size_t size);

/* A text of one line; the newline is cut off. Returns 0 or a negative errno, -E2BIG if it is longer. */
int mk_attr_line(const char *path, char *buf, size_t size);

/* config.proc, or "/proc". */
const char *mk_devices_proc(const struct mk_devices *devices);
