/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The end of a turn of the loop: what was changed is written and committed once, and only then
 * replies, signals and commands are released.
 *
 * It runs when no other event is pending, so that one commit serves everything that came in
 * meanwhile. A flood of events cannot delay it for long: after 64 requests or 2 ms it runs before
 * other events.
 */

#include "base/base.h"

#include <systemd/sd-event.h>

struct mk_turn;

struct mk_turn_hooks {
	/* Writes and commits. Negative: nothing is released, now or later, and fatal runs. */
	int (*commit)(void *data);
	void (*release)(void *data); /* sends replies, signals and commands */
	void (*fatal)(void *data);
	void *data;
};

/* Returns 0 or a negative errno. */
int mk_turn_new(sd_event *event, const struct mk_turn_hooks *hooks, struct mk_turn **ret);
struct mk_turn *mk_turn_free(struct mk_turn *turn); /* NULL is allowed; returns NULL */

/* Asks for the end of a turn: something changed, or waits to be sent. */
void mk_turn_request(struct mk_turn *turn);

/* Does it at once; only at start and at the end, outside the loop's callbacks. */
void mk_turn_run(struct mk_turn *turn);
