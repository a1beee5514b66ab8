/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Chooses one of the two hypervisors by the option --hypervisor, and passes calls on to it. */

#include "hypervisor-internal.h"

int hypervisor_new(const char *name, sd_event *event, struct sim_log *log, struct hypervisor **ret)
{
	if (streq(name, "umockdev"))
		return hypervisor_umockdev_new(event, log, ret);
	if (starts_with(name, "qmp:"))
		return hypervisor_qmp_new(log, name + strlen("qmp:"), ret);
	return -EINVAL;
}

struct hypervisor *hypervisor_free(struct hypervisor *hv)
{
	if (hv)
		hv->ops->free(hv);
	return NULL;
}

const char *hypervisor_announce(const struct hypervisor *hv)
{
	return hv->announce;
}

void hypervisor_boot(struct hypervisor *hv, struct sim *sim)
{
	struct sim_hypervisor hooks = hv->ops->hooks;

	hooks.data = hv;
	sim_set_hypervisor(sim, &hooks);
	if (hv->ops->boots)
		sim_guest_boot(sim, SIM_OMA);
}

int hypervisor_set(struct hypervisor *hv, const char *key, const char *value)
{
	return hv->ops->set(hv, key, value);
}

int hypervisor_disk(struct hypervisor *hv, json_object *request, json_object *answer,
		    char **ret_why)
{
	return hv->ops->disk(hv, request, answer, ret_why);
}
