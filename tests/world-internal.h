/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by world.c (processes) and world-client.c (what is said on the bus and to the simulator). */

#include "world.h"

/* Connects the client and the monitor. */
void w_connect(struct world *w);
/* Disconnects them and forgets the signals. */
void w_disconnect(struct world *w);
/* Handles what the client has received. */
void w_process(struct world *w);
/* The daemon has ended: waits until the bus says so too. */
void w_forget_owner(struct world *w);
/* Looks through all that went over the bus so far for secrets. */
void w_check_traffic(struct world *w);
/* Fails the test if a key is in the text. */
void w_check_text(const char *text, size_t size, const char *where);
