/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Disks in a umockdev testbed, which mocks /sys and /dev: their devices, udev's properties and links, and their
 * events.
 */

#include "model/sim.h"

#include <sys/queue.h>
#include <systemd/sd-event.h>
#include <umockdev.h>

#define DISK_SERIAL_MAX 64
#define DISK_VIRTIO_MAX 20  /* VIRTIO_BLK_ID_BYTES */
#define DISKS_MAX       200 /* of one bus: what the PCI slots are good for */

enum link_mode { LINK_OK, LINK_MISSING, LINK_STALE };

struct disk {
	TAILQ_ENTRY(disk) entry;
	struct disks *disks;
	int device;                   /* the device id that CloudStack gave it, -1: by hand */
	char serial[DISK_SERIAL_MAX]; /* "": none */
	uint64_t size;
	bool scsi, partition;
	bool silent; /* it goes without an event, as if that were lost */
	enum link_mode link_mode;
	/* since it appeared */
	bool present;
	unsigned index, diskseq;
	char node[16];    /* "vdb" */
	char parent[128]; /* sysfs path without /sys: the virtio or scsi device */
	char path[160];   /* of the disk */
	char link[256];   /* "disk/by-id/virtio-…", "" without a serial */
	char holder[64];  /* the dm device that holds it, "" for none */
	unsigned unit;    /* on scsi: 7 a controller */
	/* of the hypervisor */
	sd_event_source *timer; /* to its coming or its going */
	unsigned missed;        /* the guest has not seen it come or go: its place in that order */
	char volume[MK_UUID_SIZE];
};

struct disks {
	UMockdevTestbed *testbed;
	char *root;
	unsigned diskseq;
	bool deaf; /* a listener has not read for a second: no more waiting until it does */
	TAILQ_HEAD(disk_list, disk) list;
};

/* -ENOTSUP without umockdev's preloaded library. */
int disks_open(struct disks *disks);
/* Everything is taken away without events; the list must be empty. */
void disks_close(struct disks *disks);

/* With the lowest free letter. */
void disk_appear(struct disk *d);
void disk_vanish(struct disk *d);
/* With an event "change". */
void disk_resize(struct disk *d, uint64_t size);
/* A dm device above it, as LVM's or dm-crypt's would be. Holder: dm-N. -EINVAL, -EEXIST or another errno. */
int disk_hold(struct disk *d, const char *holder);
void disk_unhold(struct disk *d);
