/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The inside of the managed volumes.
 *
 *   proof.c      whether each volume's disk is still here and still its own
 *   correlate.c  which disk is the volume
 *   volume.c     the volumes, in memory and in the store
 *
 * Each calls those below it.
 */

#include "volume.h"

struct mk_volumes {
	struct mk_store *store; /* borrowed, as are devices */
	struct mk_devices *devices;
	char *oma;
	struct mk_volumes_watcher watcher;
	struct mk_volume *all; /* by id */
};

/* The one place that assigns a volume's state. why: for the journal, "" for no reason. */
void mk_volume_change_state(struct mk_volume *v, enum mk_volume_state state, const char *why);
/* Its device is this one from now on. Returns 0 or -ENOMEM. */
int mk_volume_take_device(struct mk_volume *v, const struct mk_device_info *device);
/* It has no device any more. */
void mk_volume_unbind(struct mk_volume *v);
/* After each change: the watcher is told, the store has it. Returns 0 or a negative errno. */
int mk_volume_put(struct mk_volume *v);
