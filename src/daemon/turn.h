/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The end of a loop turn: what was changed is written, committed once, and only then let out.
 *
 * Runs when nothing else is pending, so a batch is what came in meanwhile; a flood cannot starve it
 * (it moves to the front after TURN_MAX_REQUESTS requests or TURN_MAX_DELAY).
 */

#include "base/base.h"

#include <systemd/sd-event.h>

struct mk_turn;

struct mk_turn_hooks {
	int (*commit)(void *data); /* write and commit; negative: nothing is released, fatal runs */
	void (*release)(void *data); /* send replies, signals, requests */
	void (*fatal)(void *data);
	void *data;
};

int mk_turn_new(sd_event *event, const struct mk_turn_hooks *hooks, struct mk_turn **ret);
struct mk_turn *mk_turn_free(struct mk_turn *turn); /* NULL is allowed; returns NULL */

/* Something changed, or waits to be sent. */
void mk_turn_request(struct mk_turn *turn);

/* Does it now: only at start and at the end, outside the loop's callbacks. */
void mk_turn_run(struct mk_turn *turn);
