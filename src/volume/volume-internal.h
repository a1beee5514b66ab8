/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files about managed volumes share. doc/correlation.md tells what a proof is made of.
 *
 *   proof.c      whether each volume's disk is still here and still its own
 *   correlate.c  which disk is the volume
 *   volume.c     the volumes, in memory and in the store
 *
 * Each calls those below it. appliance.c, the self-check, stands alone.
 */

#include "volume.h"

struct mk_volumes {
	struct mk_store *store; /* borrowed; so is devices */
	struct mk_devices *devices;
	char *oma;
	struct mk_volumes_watcher watcher;
	struct mk_volume *all; /* by id */
};

/* Changes a volume's state and logs it; after the start no other function does. why: for the log,
 * "" for no reason. */
void mk_volume_change_state(struct mk_volume *v, enum mk_volume_state state, const char *why);
/* Notes this device as the volume's proven device. Returns 0 or -ENOMEM. */
int mk_volume_take_device(struct mk_volume *v, const struct mk_device_info *device);
/* Clears the volume's proven device. */
void mk_volume_unbind(struct mk_volume *v);
/* To be called after each change: gives it a new revision, tells the watcher, writes it to the
 * store. Returns 0 or a negative errno. */
int mk_volume_put(struct mk_volume *v);
