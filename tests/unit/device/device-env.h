/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A machine with fake disks (a umockdev testbed), and the daemon's device table (src/device) that watches them, in one
 * process. The programs link umockdev's preload library ahead of libc. So they need no umockdev-wrapper, and sanitized
 * builds need no certain order of preloaded libraries.
 */

#include "device/device.h"

#define SERIAL_A "f2a7c1d0e3b94a5f8c11"
#define SERIAL_B "0b9c2f6e5a114d0e9f7d"
#define GIB      (UINT64_C(1) << 30)

struct dev_env {
	void *bed;  /* UMockdevTestbed */
	char *root; /* its directory, with sys and dev */
	sd_event *event;
	struct mk_devices *devices; /* NULL until de_watch() */
	unsigned n_changes;         /* how often the table called on_change */
	char *proc;                 /* the table's /proc; NULL: the real one; freed by de_stop() */
};

enum de_kind { DE_VIRTIO, DE_SCSI };

/* A disk to be plugged. Texts that are NULL, and numbers that are 0, are left out unless said otherwise. */
struct de_disk {
	enum de_kind kind;
	const char *name;
	unsigned minor;     /* major: 252 for virtio, 8 for SCSI */
	const char *serial; /* virtio: attribute serial; SCSI: VPD page 0x80 */
	const char *links;  /* DEVLINKS and links in /dev, separated by blanks */
	const char *more;   /* further lines in umockdev's format */
	const char *page;   /* SCSI: the page in hexadecimal, in place of one made from serial */
	const char *vendor; /* SCSI */
	unsigned seq;       /* property DISKSEQ and attribute diskseq */
	uint64_t size;      /* bytes; 0: 1 GiB */
};

/* Makes and frees the machine. A failed assertion in this header's functions fails the running test. */
void de_start(struct dev_env *e);
void de_stop(struct dev_env *e);
/* Makes the table, which watches from now on. */
void de_watch(struct dev_env *e);

/* Adds a disk and its parent device, with their "add" events. */
void de_plug(struct dev_env *e, const struct de_disk *d);
/* Adds any device, given in umockdev's format. */
void de_plug_text(struct dev_env *e, const char *text);
/* Removes a disk with its "remove" event. */
void de_unplug(struct dev_env *e, const struct de_disk *d);
/* Removes a disk without an event. */
void de_vanish(struct dev_env *e, const struct de_disk *d);
/* The disk's path in /sys; the caller frees. */
char *de_syspath(const struct de_disk *d);
/* Set an attribute in sysfs, or a property of udev; no event is sent. */
void de_attribute(struct dev_env *e, const struct de_disk *d, const char *name, const char *value);
void de_property(struct dev_env *e, const struct de_disk *d, const char *name, const char *value);
/* Sends an event for the disk, such as "change". */
void de_event(struct dev_env *e, const struct de_disk *d, const char *action);
/* Makes the symbolic link (a path as "/dev/…") on the machine, in place of an old one. target NULL: only removes it. */
void de_link(struct dev_env *e, const char *link, const char *target);
/* Makes a file on the machine, or a directory if text is NULL. Parents are made as needed. */
void de_file(struct dev_env *e, const char *path, const char *text);

/* Runs the loop until exactly n disks of the table have this serial. Fails the test, and ends it, after 10 s. */
void de_until(struct dev_env *e, const char *serial, size_t n);
/* Runs the loop until the table has processed all events sent before. Plugs and unplugs a disk for that. */
void de_sync(struct dev_env *e);
/* The table's only disk with this serial; NULL if it has none or several. */
const struct mk_disk *de_disk(struct dev_env *e, const char *serial);

/* How many disks the table has. */
size_t de_count(struct dev_env *e);
/* Makes a machine and its table, then plugs one disk, and waits until the table has it under this serial. */
void de_start_with(struct dev_env *e, const struct de_disk *d, const char *serial);

/*
 * Makes the next n calls of recvmsg(), by which the table receives events, fail with this errno. lose: each of them
 * also loses an event. de_stop() fails the test if not all n were used up.
 */
void de_fail_receive(unsigned n, int error, bool lose);
