/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Shared by the two halves of world.h: world.c starts and stops the processes, world-client.c talks to the bus and to
 * the simulator.
 */

#include "world.h"

/* Connects world.client and world.monitor to the bus. */
void w_connect(struct world *w);
/* Disconnects both, and frees the signals received so far. */
void w_disconnect(struct world *w);
/* Handles what the client has received so far; does not wait. */
void w_process(struct world *w);
/* For a daemon that has ended: waits up to 60 s until the bus has told that its name has no owner. */
void w_forget_owner(struct world *w);
/* Fails the test if one of the keys of canary.h is in what the monitor has seen so far. */
void w_check_traffic(struct world *w);
/* Fails the test if one of those keys is in the text. where: what the TAP note calls the text. */
void w_check_text(const char *text, size_t size, const char *where);
