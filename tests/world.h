/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A small world for integration tests: the real daemon on a private bus, with the simulator as its
 * CloudStack and a scratch directory; and an sd-bus client that remembers every signal.
 */

#include "base/base.h"

#include <systemd/sd-bus.h>

#define W_OMA       "11111111-1111-4111-8111-111111111111"
#define W_VM        "22222222-2222-4222-8222-222222222222"
#define W_ROOT      "33333333-3333-4333-8333-333333333333"
#define W_NAME      "org.migratekit.Volume1"
#define W_PATH      "/org/migratekit/Volume1"
#define W_TESTVM    "org.migratekit.Volume1.TestVM"
#define W_OPERATION "org.migratekit.Volume1.Operation"
#define W_ERROR     "org.migratekit.Volume1.Error."

struct w_signal {
	char *path, *interface, *member;
	json_object *args;
};

struct world {
	char *dir;          /* scratch; removed by w_stop() */
	struct th_sim *sim; /* NULL: not running */
	unsigned sim_port;
	char **sim_args;
	struct tb_bus *bus;
	pid_t daemon; /* 0: not running */
	sd_bus *client;
	sd_bus *monitor; /* sees all that goes over the bus */
	char owner[64];  /* unique name of who owns W_NAME; "": nobody */
	char *url;       /* of CloudStack, for the daemon */
	char *config;    /* lines added to the configuration */
	unsigned failed; /* assertions that had failed before */
	struct w_signal *signals;
	size_t n_signals, n_before_owner; /* those that came before the name had its owner */
};

/* Starts bus, simulator (sim_args: NULL-terminated, may be NULL), daemon; config: more lines for volumed.conf. */
void w_start(struct world *w, const char *const *sim_args, const char *config);
/* The same without the daemon. */
void w_prepare(struct world *w, const char *const *sim_args, const char *config);
/*
 * Ends it all. Fails the test if the daemon, when it is running, does not end with 0, and if a secret
 * key can be found in its log, in what went over the bus, in its state directory or in the simulator's log.
 */
void w_stop(struct world *w);
/* Writes other lines to the configuration; the daemon is not told. */
void w_set_config(struct world *w, const char *config);
/* Another secret key in the key file; the simulator is not told. */
void w_set_secret(struct world *w, const char *secret);
extern const char w_secret[], w_api_key[]; /* the account of the simulator */

/* Kills the bus; what was connected to it is not any more. */
void w_bus_lose(struct world *w);
/* A new one at the same address, with the client connected to it. */
void w_bus_again(struct world *w);

/* The simulator alone; always on the same port. Stopping it loses its model. */
void w_sim_start(struct world *w);
void w_sim_stop(struct world *w);

/*
 * The daemon alone. env: NAME=VALUE for it, NULL-terminated, may be NULL; with MK_CRASH_COMMIT it is preloaded with
 * crash-commit and may have ended. Otherwise it owns its name when this returns.
 */
void w_daemon_start(struct world *w, const char *const *env);
/* Only starts it: for tests of the start. */
void w_daemon_spawn(struct world *w, const char *const *env);
/* True once it owns its name, false once it has ended. */
bool w_daemon_ready(struct world *w);
void w_daemon_stop(struct world *w); /* SIGTERM; must end with 0 */
void w_daemon_kill(struct world *w); /* SIGKILL */
/* Waits for its end; the wait status, -1 if it does not end. It is not running afterwards. */
int w_daemon_wait(struct world *w);
/* Everything it has written to standard error so far. The caller frees. */
char *w_daemon_log(struct world *w);
/* --check-config and --describe-plugin can look at this world. False, with the test marked as skipped: they would
 * do so as the service's user, who is here, and whose files these are not. */
bool w_can_inspect(void);

/* Simulator. */
json_object *w_sim_get(struct world *w, const char *what);
void w_sim_post(struct world *w, const char *what, const char *json);
/* Waits until the simulator has so many requests; query: "command=detachVolume&count=1&what=received" (or executed). */
void w_sim_wait(struct world *w, const char *query);
/* The same for so long at most; false when that many have not come. */
bool w_sim_await(struct world *w, const char *query, unsigned timeout_ms);
int64_t w_executed(struct world *w, const char *command);
int64_t w_received(struct world *w, const char *command);
/* All requests that it got since the last clear-log. */
int64_t w_requests(struct world *w);
/*
 * Somebody else's command to CloudStack, with our keys: names and values. Fails the test if it is refused.
 * What it does is done when this returns.
 */
#define w_cloud(w, command, ...) w_cloudv(w, command, (const char *const[]){ __VA_ARGS__, NULL })
void w_cloudv(struct world *w, const char *command, const char *const *names);
/* A volume as the simulator has it (removed ones included), NULL if unknown; keys as in the API, "removed". */
json_object *w_volume(struct world *w, const char *id);
const char *w_vm_state(struct world *w, const char *id); /* static storage */

/* A message's arguments as a JSON array: dictionaries as objects, variants as what is in them. */
json_object *w_message_json(sd_bus_message *m);

/*
 * Calls a method of the manager object. Returns 0 with the reply (may be NULL to ignore it), or a negative errno with the
 * error's D-Bus name and message in w_error_name, w_error_text.
 */
int w_call(struct world *w, const char *interface, const char *member, sd_bus_message **ret,
	   const char *types, ...);
extern char w_error_name[256], w_error_text[4096];
/* The same of any object; the reply's arguments. */
int w_call_object(struct world *w, const char *path, const char *interface, const char *member,
		  json_object **ret, const char *types, ...);
/* A property of any object; NULL with the error as above. The caller puts it. */
json_object *w_property(struct world *w, const char *path, const char *interface, const char *name);

/* DeleteRootVolume: the operation's path, or NULL with the error as above. Static storage. */
const char *w_delete_root(struct world *w, const char *vm, const char *token, bool stop);
/* Wait() until the end: the state, "" on a failed wait; a failed operation's error as above. */
const char *w_wait(struct world *w, const char *path);
/* A text property of an operation. Static storage. */
const char *w_op_str(struct world *w, const char *path, const char *property);
/* Lets the client's queue run until a signal told of this state (State in InterfacesAdded or PropertiesChanged,
 * the state argument of OperationFinished). False if it does not come. */
bool w_await_state(struct world *w, const char *path, const char *state);
/* The same until the manager has told of a property's value. */
bool w_await_manager(struct world *w, const char *property, bool value);
/* Waits until the manager's Status has this text in it. False if it does not come. */
bool w_await_status(struct world *w, const char *text);
/* The State that was told last as a property; "" if none was. Valid until the world's end. */
const char *w_told_state(struct world *w, const char *path);
/* Takes in all signals that have been sent so far. */
void w_drain(struct world *w);
size_t w_count_finished(struct world *w, const char *id);
