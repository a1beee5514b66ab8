/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the two hypervisors of the simulator have in common: a table of functions. The functions hypervisor_*() of
 * hypervisor.h call it.
 */

#include "hypervisor.h"

struct hypervisor_ops {
	struct sim_hypervisor hooks; /* their data is the struct hypervisor */
	bool boots; /* it is to be told of the disks that the OMA has when the simulator starts */
	int (*set)(struct hypervisor *hv, const char *key, const char *value);
	int (*disk)(struct hypervisor *hv, json_object *request, json_object *answer,
		    char **ret_why);
	void (*free)(struct hypervisor *hv);
};

/* The first member of each. */
struct hypervisor {
	const struct hypervisor_ops *ops;
	const char *announce; /* "umockdev ROOTDIR", NULL for none; of the hypervisor */
};

/* umockdev: must run under umockdev-wrapper, -ENOTSUP if not. */
int hypervisor_umockdev_new(sd_event *event, struct sim_log *log, struct hypervisor **ret);

/* The guest of a QEMU whose QMP monitor listens at the socket; connected to for each disk anew. */
int hypervisor_qmp_new(struct sim_log *log, const char *socket, struct hypervisor **ret);
