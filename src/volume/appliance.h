/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The self-check: is this machine the VM that the configuration names, and does CloudStack know that VM? */

#include "cloudstack/cloudstack.h"

struct mk_appliance_check;

/* problem: a sentence, "" if there is none. unverified: the DMI UUID should be compared, but cannot be read. */
typedef void mk_appliance_done(const char *problem, bool unverified, void *data);

/*
 * Starts the check. done runs once, from the loop, when CloudStack has answered, however late that is; then the
 * check is freed. dmi: also compare this machine's DMI UUID, which on KVM is the VM's UUID; it is read from the
 * credential dmi-uuid, else from the kernel. Returns NULL without memory.
 */
struct mk_appliance_check *mk_appliance_check(struct mk_cs *cs, const char *vm, bool dmi,
					      mk_appliance_done *done, void *data);
/* Cancels the check; done does not run. Must not be called once done has run. NULL is allowed; returns NULL. */
struct mk_appliance_check *mk_appliance_check_cancel(struct mk_appliance_check *check);
