/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the disks of the OMA appear: in a mocked /sys and /dev, or in the guest of a QEMU. */

#include "log/log.h"
#include "model/sim.h"

struct hypervisor;

/*
 * "umockdev": mocked disks, -ENOTSUP unless under umockdev-wrapper; "qmp:SOCKET": those of a QEMU. -EINVAL: neither.
 */
int hypervisor_new(const char *name, sd_event *event, struct sim_log *log, struct hypervisor **ret);
struct hypervisor *hypervisor_free(struct hypervisor *hv);
DEFINE_CLEANUP(struct hypervisor *, hypervisor_free)
/* A line for whoever started us, NULL for none. */
const char *hypervisor_announce(const struct hypervisor *hv);
/* Connects it. It plugs the disks that the OMA has already; a QEMU has been started with its own. */
void hypervisor_boot(struct hypervisor *hv, struct sim *sim);
/* Settings "hv-…". -EINVAL: unknown key or bad value. */
int hypervisor_set(struct hypervisor *hv, const char *key, const char *value);
/* POST /admin/disk. -EINVAL with what is wrong; the caller frees it. */
int hypervisor_disk(struct hypervisor *hv, json_object *request, json_object *answer,
		    char **ret_why);
