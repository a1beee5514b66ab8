/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The self-check: is this machine the VM that the configuration says it is, and does CloudStack know it? */

#include "cloudstack/cloudstack.h"

struct mk_appliance_check;

/* problem: a sentence, "" if there is none. unverified: the DMI UUID was to be compared and cannot be read. */
typedef void mk_appliance_done(const char *problem, bool unverified, void *data);

/*
 * Starts it. done runs once, from the loop, when CloudStack has answered (which it may do late). dmi: also
 * compare this machine's DMI UUID, which KVM sets to the VM's UUID: that of the credential dmi-uuid, else
 * the kernel's. Returns NULL without memory.
 */
struct mk_appliance_check *mk_appliance_check(struct mk_cs *cs, const char *vm, bool dmi,
					      mk_appliance_done *done, void *data);
/* Ends it without a callback; NULL is allowed; not after done has run. Returns NULL. */
struct mk_appliance_check *mk_appliance_check_cancel(struct mk_appliance_check *check);
