/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The world of tests/world.h for tests of managed volumes: all three classes are loaded, the simulator plugs mocked
 * disks (umockdev) into the appliance, and the daemon watches these disks. The OMA is the appliance's own VM;
 * "oma" is the class of the volumes attached to it.
 */

#include "tap.h"
#include "world.h"

#define O_MANAGER W_NAME
#define O_VOLUME  W_NAME ".Volume"
#define O_GIB     (UINT64_C(1) << 30)

/*
 * Starts the world, and waits until the comparison that the daemon makes at its start has ended. config: lines for a
 * drop-in of volumed.conf, may be NULL. settings: of the simulator, "KEY=VALUE", NULL-terminated, may be NULL.
 */
void o_start(struct world *w, const char *config, const char *const *settings);

/*
 * Waits until n operations have ended since the world began. The comparison at the start is the first one. Fails the
 * test, and ends it, after 20 s.
 */
void o_await_finished(struct world *w, size_t n);

/* Changes a setting of the simulator. */
void o_set(struct world *w, const char *key, const char *value);
/*
 * Plans a fault of the simulator for a command. rest: further keys of POST /admin/fault as JSON, such as
 * "\"action\":\"hang\"".
 */
void o_fault(struct world *w, const char *command, const char *rest);

/*
 * Calls of the manager that make operations; o_call() is the general one. They return the operation's path, or NULL
 * with the error in w_error_name and w_error_text. All texts that functions of this header return are in static
 * storage that they share: the last 16 stay valid.
 */
const char *o_create(struct world *w, const char *name, uint64_t size, const char *token);
const char *o_attach(struct world *w, const char *volume, const char *token);
const char *o_detach(struct world *w, const char *volume, bool force, const char *token);
const char *o_delete(struct world *w, const char *volume);
const char *o_call(struct world *w, const char *member, const char *types, ...);

/*
 * The same without waiting for the answers, for many calls at once. o_gather() waits for the answers of all, and adds
 * them to two arrays of strings, which the test makes and puts: paths of operations, and names of errors.
 */
struct o_calls {
	json_object *paths, *refusals;
	size_t n_open;
};
void o_send(struct world *w, struct o_calls *calls, const char *member, const char *types, ...);
void o_gather(struct world *w, struct o_calls *calls);

/*
 * Waits for the operation's end. Fails the test unless it has succeeded. Returns its result, which the caller puts.
 * path NULL, from a call that was refused, fails the test too.
 */
json_object *o_succeed(struct world *w, const char *path);
/*
 * Waits for the operation's end. Fails the test unless it has ended in this state, with this error (the last part of
 * its name) and with these words in its message.
 */
void o_fail(struct world *w, const char *path, const char *state, const char *error,
	    const char *words);

/* Creates a volume of 10 GiB; the second also attaches it to the appliance. Returns its UUID. */
const char *o_new_volume(struct world *w, const char *name);
const char *o_attached(struct world *w, const char *name);

/* The value of a key in GetDevice's answer; "" if it has no such key, or if the call fails (w_error_name). */
const char *o_device(struct world *w, const char *volume, const char *key);
/* A volume's object path. */
const char *o_path(const char *volume);
/* A property of a volume's object as a text; "" if there is no such object. */
const char *o_volume(struct world *w, const char *volume, const char *property);
/* Waits until the volume's State is this one. False after 20 s. */
bool o_await(struct world *w, const char *volume, const char *state);
