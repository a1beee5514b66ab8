/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Room volume: the volumes that this appliance manages, and the proof of which disk each of them is.
 *
 * The volumes are kept in memory; each change is also written to the store's open transaction. A volume that is
 * attached to the appliance is bound to a block device, whose identity is proven again whenever a disk comes, goes
 * or changes.
 */

#include "device/device.h"
#include "store/store.h"

#include <uthash.h>

/* A managed volume. Other rooms only read it. Texts are owned and never NULL. */
struct mk_volume {
	char *id;
	char *name; /* the name that its caller chose, else CloudStack's */
	char *class;
	char *vm; /* "" if detached */
	/* the VM that it may be on its way to, "" for none; kept after an operation whose outcome is unknown */
	char *target;
	enum mk_volume_state state;
	/* CloudStack's device id, -1 if detached; says nothing about the guest's device */
	int64_t device_id;
	uint64_t size;     /* bytes */
	uint64_t created;  /* µs since the epoch: when we began to manage it */
	uint64_t revision; /* a new number after each change */
	/* CloudStack says that it is not on the appliance: no disk here is taken for it */
	bool elsewhere;
	/* The proven device; node "" if there is none. */
	char *node, *link, *serial;
	unsigned major, minor;
	uint64_t diskseq, since; /* since: when the proof was made, µs since the epoch */

	struct mk_volumes *volumes; /* borrowed */
	void *data;                 /* for the watcher */
	UT_hash_handle hh;
};

struct mk_volumes;

/* Who is told of changes. Each function runs inside the call that makes the change, and must not change a volume. */
struct mk_volumes_watcher {
	void (*added)(struct mk_volume *v, void *data);
	void (*changed)(struct mk_volume *v, void *data);
	void (*removed)(struct mk_volume *v, void *data);
	void *data;
};

/* Reads all volumes from the store. None has a device before mk_volumes_recheck(). store and devices are borrowed;
 * devices NULL: no device is ever proven. oma: the UUID of the appliance's VM. Returns 0 or a negative errno. */
int mk_volumes_new(struct mk_store *store, struct mk_devices *devices, const char *oma,
		   const struct mk_volumes_watcher *watcher, struct mk_volumes **ret);
struct mk_volumes *mk_volumes_free(struct mk_volumes *volumes); /* NULL is allowed; returns NULL */
DEFINE_CLEANUP(struct mk_volumes *, mk_volumes_free)

struct mk_volume *mk_volumes_find(struct mk_volumes *volumes,
				  const char *id); /* NULL: not managed */
size_t mk_volumes_count(struct mk_volumes *volumes);
/* the first volume; v->hh.next is the next one */
struct mk_volume *mk_volumes_first(struct mk_volumes *volumes);
/* True if its proven device is this very disk. A device number and a node name are reused as soon as a disk is
 * gone, while the volume that had them may still be being detached; so serial and diskseq are compared too. */
bool mk_volume_has_disk(const struct mk_volume *v, const struct mk_disk *disk);
/* True if it has a proven device, and that disk is still here, and no other disk has its serial. Reads memory only.
 * It can be false before mk_volumes_recheck() has followed a change of the disks. */
bool mk_volume_has_device(const struct mk_volume *v);
/* True if this disk was its proven device before: what sits on the disk since then belongs to its user. After a
 * restart it is only known that the volume had a device; until the next proof any disk counts. */
bool mk_volume_was_given(const struct mk_volume *v, const struct mk_disk *disk);
/* The volume whose proven device is this disk, or NULL. */
struct mk_volume *mk_volumes_by_disk(struct mk_volumes *volumes, const struct mk_disk *disk);

const char *mk_volume_state_to_string(enum mk_volume_state s);
int mk_volume_state_from_string(const char *s); /* the state, or -EINVAL */

/*
 * Begins to manage a volume, or brings a managed one up to date, from CloudStack's word v.
 *
 * name NULL: keeps its name, at first v's. class NULL: keeps its class; a volume that is not managed is then left
 * alone. held: an operation holds the volume and will end what it began. Not held: attaching or detaching counts as
 * over. A volume that is on the appliance and has to be proven is "lost" until the next mk_volumes_recheck(). One
 * that is not on the appliance loses its device. Returns 0 or a negative errno.
 */
int mk_volumes_manage(struct mk_volumes *volumes, const struct mk_volume_info *v, const char *class,
		      const char *name, bool held);
/* Stops managing a volume: drops it from memory and store. Returns 0, also if it is not managed, or a negative
 * errno. */
int mk_volumes_forget(struct mk_volumes *volumes, const char *id);
/*
 * Sets its state. MK_VOLUME_ATTACHED, for a volume on the appliance: its device is proven anew; if that fails it is
 * lost. MK_VOLUME_LOST: it has no device, whatever disks are here, until another state is set, or
 * mk_volumes_manage() or mk_volume_bind() is called. MK_VOLUME_DETACHED: also clears its VM and device. Returns 0
 * or a negative errno.
 */
int mk_volume_set_state(struct mk_volume *v, enum mk_volume_state state);
/* CloudStack is about to be told to attach it to that VM: notes state and target. Returns 0 or a negative errno. */
int mk_volume_set_attaching(struct mk_volume *v, const char *vm);
/* It is attached to the appliance, and this is its proven device. Returns 0 or a negative errno. */
int mk_volume_bind(struct mk_volume *v, int64_t device_id, const struct mk_device_info *device);

/* Proves the devices of all volumes on the appliance again: each is attached with a device, or lost. A volume that
 * is being attached or detached keeps its state, and loses its device when the disk is gone. */
void mk_volumes_recheck(struct mk_volumes *volumes);

/* ---- identity ------------------------------------------------------------------------------------ */

/* Checks that on this hypervisor it can be proven which disk a volume is (the table of rules in correlate.c, which
 * names its sources). Returns 0, or -EINVAL with the error set (MK_ERROR_NOT_SUPPORTED). */
int mk_correlate_check(const char *hypervisor, struct mk_error *error);

/*
 * Proves which disk the volume is. id, size: of the volume, in bytes. volumes: the others, which might claim the
 * same disk. Returns 0 with *ret, valid until the next event; -EAGAIN if the disk is not here yet, and error says
 * what is waited for; -EINVAL if something contradicts, and error names it and the candidates.
 */
int mk_correlate(struct mk_volumes *volumes, const char *id, uint64_t size,
		 const struct mk_disk **ret, struct mk_error *error);
/* Copies the disk's description; the texts in *ret are borrowed from the disk. */
void mk_correlate_fill(const struct mk_disk *disk, struct mk_device_info *ret);

/* The devices given to mk_volumes_new(); may be NULL. */
struct mk_devices *mk_volumes_devices(struct mk_volumes *volumes);
