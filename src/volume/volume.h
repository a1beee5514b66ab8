/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The volumes that this appliance manages: in memory, each change also in the store's open transaction.
 * Those attached to the appliance are bound to a block device, whose identity is proven again whenever a
 * disk comes, goes or changes.
 */

#include "device/device.h"
#include "store/store.h"

#include <uthash.h>

/* All members are read only to others. Texts are owned, never NULL. */
struct mk_volume {
	char *id;
	char *name; /* as its caller named it */
	char *class;
	char *vm; /* "" if detached */
	char *target; /* the VM that it is or may be on its way to, "" for none; outlives the operation */
	enum mk_volume_state state;
	int64_t device_id; /* CloudStack's number, -1 if detached; names no guest device */
	uint64_t size;     /* bytes */
	uint64_t created;  /* µs since the epoch: when it came under our management */
	uint64_t revision; /* another one after each change */
	bool elsewhere;    /* CloudStack was seen to say so: no disk here is taken for it */
	/* The proven device; node "" if there is none. */
	char *node, *link, *serial;
	unsigned major, minor;
	uint64_t diskseq, since; /* since: µs since the epoch, when the proof was made */

	struct mk_volumes *volumes; /* borrowed */
	void *data;                 /* the watcher's */
	UT_hash_handle hh;
};

struct mk_volumes;

/* All run within the change; none may change a volume. */
struct mk_volumes_watcher {
	void (*added)(struct mk_volume *v, void *data);
	void (*changed)(struct mk_volume *v, void *data);
	void (*removed)(struct mk_volume *v, void *data);
	void *data;
};

/*
 * Reads the store. No volume has a device before mk_volumes_recheck(). store and devices (NULL: no device is ever
 * proven) are borrowed; oma is the appliance's VM. Returns 0 or a negative errno.
 */
int mk_volumes_new(struct mk_store *store, struct mk_devices *devices, const char *oma,
		   const struct mk_volumes_watcher *watcher, struct mk_volumes **ret);
struct mk_volumes *mk_volumes_free(struct mk_volumes *volumes); /* NULL is allowed; returns NULL */
DEFINE_CLEANUP(struct mk_volumes *, mk_volumes_free)

struct mk_volume *mk_volumes_find(struct mk_volumes *volumes,
				  const char *id); /* NULL: not managed */
size_t mk_volumes_count(struct mk_volumes *volumes);
struct mk_volume *mk_volumes_first(struct mk_volumes *volumes); /* and on with v->hh.next */
/* Whether its proven device is this very disk: a number and a name are given to the next disk as soon as one has
 * gone, while the volume that had them is still being detached. */
bool mk_volume_has_disk(const struct mk_volume *v, const struct mk_disk *disk);
/* Whether it has a proven device, and that is still here, and no other disk looks like it: a change of the disks
 * may have been seen and not yet been followed. From memory. */
bool mk_volume_has_device(const struct mk_volume *v);
/* Whether this disk was handed out as its device already: what sits on it since then is its user's. */
bool mk_volume_was_given(const struct mk_volume *v, const struct mk_disk *disk);
/* The volume whose proven device this is, or NULL. */
struct mk_volume *mk_volumes_by_disk(struct mk_volumes *volumes, const struct mk_disk *disk);

const char *mk_volume_state_to_string(enum mk_volume_state s);
int mk_volume_state_from_string(const char *s); /* the state, or -EINVAL */

/*
 * Takes a volume into the store as CloudStack has it, or brings it up to date. name NULL: what it has, at
 * first v's. class NULL: what it has; one that is not managed is left alone then. held: an operation holds it,
 * which ends what it began; without one a volume that was being attached or detached is settled: on the
 * appliance its disk is to be proven again. A volume that is not on the appliance loses its device. Returns 0
 * or a negative errno.
 */
int mk_volumes_manage(struct mk_volumes *volumes, const struct mk_volume_info *v, const char *class,
		      const char *name, bool held);
int mk_volumes_forget(struct mk_volumes *volumes, const char *id);
/* MK_VOLUME_ATTACHED, to the appliance: its device is proven anew, or it is lost. MK_VOLUME_LOST: it has no
 * device, whatever disk is here, until another state is set or CloudStack's word is taken. */
int mk_volume_set_state(struct mk_volume *v, enum mk_volume_state state);
/* CloudStack will be told to attach it to that VM. */
int mk_volume_set_attaching(struct mk_volume *v, const char *vm);
/* It is attached to the appliance, and this is its device. */
int mk_volume_bind(struct mk_volume *v, int64_t device_id, const struct mk_device_info *device);

/* Looks at the devices of all attached volumes again: proven, or lost. */
void mk_volumes_recheck(struct mk_volumes *volumes);

/* ---- identity ------------------------------------------------------------------------------------ */

/*
 * Whether a volume's disk can be told on this hypervisor, and how: the table of match rules. Returns
 * 0, or -EINVAL with MK_ERROR_NOT_SUPPORTED. Facts: CloudStack's agents, see correlate.c.
 */
int mk_correlate_check(const char *hypervisor, struct mk_error *error);

/*
 * Which disk is this volume? 0: *ret, valid until the next event. -EAGAIN: it is not here yet; error
 * says what is waited for. -EINVAL: something contradicts; error names it and the candidates. volumes:
 * the other claimants; id, size: of the volume, in bytes.
 */
int mk_correlate(struct mk_volumes *volumes, const char *id, uint64_t size,
		 const struct mk_disk **ret, struct mk_error *error);
void mk_correlate_fill(const struct mk_disk *disk, struct mk_device_info *ret);

struct mk_devices *mk_volumes_devices(struct mk_volumes *volumes);
