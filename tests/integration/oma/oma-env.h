/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The world of the oma class: the simulator plugs mocked disks, the daemon watches them. */

#include "tap.h"
#include "world.h"

#define O_MANAGER W_NAME
#define O_VOLUME  W_NAME ".Volume"
#define O_GIB     (UINT64_C(1) << 30)

/* config: more lines for volumed.conf; settings: of the simulator, "KEY=VALUE", NULL-terminated, may be NULL. */
void o_start(struct world *w, const char *config, const char *const *settings);

/* Waits until so many operations have ended since the world began; the first one is the start's. */
void o_await_finished(struct world *w, size_t n);

/* A setting of the simulator. */
void o_set(struct world *w, const char *key, const char *value);
void o_fault(struct world *w, const char *command, const char *rest);

/* Calls that make operations: the path, or NULL with w_error_name and w_error_text. Static storage. */
const char *o_create(struct world *w, const char *name, uint64_t size, const char *token);
const char *o_attach(struct world *w, const char *volume, const char *token);
const char *o_detach(struct world *w, const char *volume, bool force, const char *token);
const char *o_delete(struct world *w, const char *volume);
const char *o_call(struct world *w, const char *member, const char *types, ...);

/* The same without waiting for the answer, for many at once; o_gather() waits for all, and adds the paths, and
 * the errors' names. Arrays of strings. */
struct o_calls {
	json_object *paths, *refusals;
	size_t n_open;
};
void o_send(struct world *w, struct o_calls *calls, const char *member, const char *types, ...);
void o_gather(struct world *w, struct o_calls *calls);

/* Waits for its end; the test fails unless it succeeded. The result; the caller puts it. */
json_object *o_succeed(struct world *w, const char *path);
/* Waits for its end; the test fails unless it ended in that state, with that error and those words in its
 * message. */
void o_fail(struct world *w, const char *path, const char *state, const char *error,
	    const char *words);

/* A volume that is created, and attached. The UUID; static storage, eight of them. */
const char *o_new_volume(struct world *w, const char *name);
const char *o_attached(struct world *w, const char *name);

/* GetDevice's key, "" with w_error_name if it fails. Static storage. */
const char *o_device(struct world *w, const char *volume, const char *key);
/* A volume's object path. Static storage. */
const char *o_path(const char *volume);
/* A text property of a volume's object; "" if there is no such object. Static storage. */
const char *o_volume(struct world *w, const char *volume, const char *property);
/* Lets signals come in until the volume's State is that one; false after 20 s. */
bool o_await(struct world *w, const char *volume, const char *state);
