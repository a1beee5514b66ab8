/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A machine with fake disks (umockdev) and the device table that watches it, in one process. The program
 * has the preload library linked in, before libc: it needs no wrapper, and no order of preloads when it
 * is sanitized.
 */

#include "device/device.h"

#define SERIAL_A "f2a7c1d0e3b94a5f8c11"
#define SERIAL_B "0b9c2f6e5a114d0e9f7d"
#define GIB      (UINT64_C(1) << 30)

struct dev_env {
	void *bed; /* UMockdevTestbed; NULL: the real machine */
	char *root;
	sd_event *event;
	struct mk_devices *devices; /* NULL until de_watch() */
	unsigned n_changes;
	char *proc; /* for mk_devices_config, NULL: the real one */
};

enum de_kind { DE_VIRTIO, DE_SCSI };

/* A disk to plug. NULL texts and zeros are left out. */
struct de_disk {
	enum de_kind kind;
	const char *name;
	unsigned minor;     /* major: 252 for virtio, 8 for SCSI */
	const char *serial; /* sysfs: attribute or VPD page */
	const char *links;  /* DEVLINKS and links in /dev, separated by blanks */
	const char *more;   /* more lines of umockdev's format */
	const char *page;   /* SCSI: hexadecimal, instead of the one made from serial */
	const char *vendor; /* SCSI */
	unsigned seq;       /* DISKSEQ and diskseq */
	uint64_t size;      /* bytes; 0: 1 GiB */
};

void de_start(struct dev_env *e);
void de_stop(struct dev_env *e);
void de_watch(struct dev_env *e); /* makes the table */

void de_plug(struct dev_env *e, const struct de_disk *d);
void de_plug_text(struct dev_env *e, const char *text);     /* a device in umockdev's format */
void de_unplug(struct dev_env *e, const struct de_disk *d); /* with its event */
void de_vanish(struct dev_env *e, const struct de_disk *d); /* without */
char *de_syspath(const struct de_disk *d);                  /* the caller frees */
void de_attribute(struct dev_env *e, const struct de_disk *d, const char *name, const char *value);
void de_property(struct dev_env *e, const struct de_disk *d, const char *name, const char *value);
void de_event(struct dev_env *e, const struct de_disk *d, const char *action);
/* A link below the fake /dev; replaces one that is there. target NULL: only removes it. */
void de_link(struct dev_env *e, const char *link, const char *target);
/* A file or directory (text NULL) below the fake root. */
void de_file(struct dev_env *e, const char *path, const char *text);

/* Runs the loop until so many disks have this serial; fails the test after 10 s. */
void de_until(struct dev_env *e, const char *serial, size_t n);
/* Runs the loop until everything sent before was processed. */
void de_sync(struct dev_env *e);
/* The only disk with this serial, or NULL. */
const struct mk_disk *de_disk(struct dev_env *e, const char *serial);

/* How many disks the table has. */
size_t de_count(struct dev_env *e);
/* Plugs one disk into a machine that is watched already, and waits for it. */
void de_start_with(struct dev_env *e, const struct de_disk *d, const char *serial);

/* The next n receptions of an event fail with this errno; with lose, each takes an event with it. */
void de_fail_receive(unsigned n, int error, bool lose);
