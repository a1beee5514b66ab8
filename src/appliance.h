/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The self-check: is this machine the VM that the configuration says it is, and does CloudStack know it? */

#include "cloudstack.h"

struct mk_appliance_check;

/*
 * Starts it. done runs once, from the loop, when CloudStack has answered (which it may do late):
 * problem is a sentence, "" if all is well. dmi: also compare this machine's DMI UUID, which KVM sets to
 * the VM's UUID; one that cannot be read says nothing. Returns NULL without memory.
 */
struct mk_appliance_check *mk_appliance_check(struct mk_cs *cs, const char *vm, bool dmi,
					      void (*done)(const char *problem, void *data),
					      void *data);
/* Ends it without a callback; NULL is allowed; not after done has run. Returns NULL. */
struct mk_appliance_check *mk_appliance_check_cancel(struct mk_appliance_check *check);
