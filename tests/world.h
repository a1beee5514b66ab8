/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The world: what most integration tests run in. It is the real daemon on a private bus, the simulator as its
 * CloudStack, a scratch directory for their files, and an sd-bus client that keeps every signal of the daemon.
 *
 * A failed assertion here fails the running test. What a fatal one leaves behind is removed at the start of the next
 * world, or at the end of the program. Waits are limited to 60 s unless another limit is given.
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
	char *dir;          /* the scratch directory; removed by w_stop() */
	struct th_sim *sim; /* NULL: not running */
	unsigned sim_port;  /* kept for the next start */
	char **sim_args;    /* likewise */
	struct tb_bus *bus;
	pid_t daemon; /* 0: not running */
	sd_bus *client;
	sd_bus *monitor; /* sees every message on the bus */
	char owner[64];  /* unique name of the connection that owns W_NAME; "": none */
	char *url;       /* of CloudStack, for the daemon */
	char *config;    /* the drop-in of w_set_config() */
	unsigned failed; /* assertions that had failed before this world */
	struct w_signal *signals;
	size_t n_signals, n_before_owner; /* the latter: when W_NAME's owner last changed */
};

/*
 * Starts the bus, the simulator and the daemon. sim_args: options of the simulator, NULL-terminated, may be NULL.
 * config: lines for a drop-in of volumed.conf, may be NULL.
 */
void w_start(struct world *w, const char *const *sim_args, const char *config);
/* The same, but does not start the daemon. */
void w_prepare(struct world *w, const char *const *sim_args, const char *config);
/*
 * Ends everything and removes the scratch directory. Fails the test if a process that still runs does not end with
 * status 0. Also fails it if one of the keys of canary.h is in the daemon's log or state directory, in a message on
 * the bus, or in what the simulator has logged.
 */
void w_stop(struct world *w);
/* Replaces the drop-in of volumed.conf. Does not tell the daemon to reload. config may be NULL. */
void w_set_config(struct world *w, const char *config);
/* Writes another secret key to the daemon's key file. The simulator keeps its own. Does not tell the daemon. */
void w_set_secret(struct world *w, const char *secret);
extern const char w_secret[], w_api_key[]; /* keys of the simulator's account */

/* Kills the bus: everybody loses the connection to it. Frees the signals received so far. */
void w_bus_lose(struct world *w);
/* Starts a new bus at the same address, and connects client and monitor to it. */
void w_bus_again(struct world *w);

/*
 * Start and stop the simulator alone. It keeps its port; what it knew of VMs and volumes is lost when it stops.
 * Stopping does nothing if it does not run, and fails the test as w_stop() does.
 */
void w_sim_start(struct world *w);
void w_sim_stop(struct world *w);

/*
 * Starts the daemon alone, and returns when it owns its bus name. env: changes of its environment as in child_start();
 * may be NULL. If env or the test's own environment sets MK_CRASH_COMMIT, crash-commit is preloaded
 * (tests/crash-commit.c); if it is not 0, the daemon may have ended before it owns its name.
 */
void w_daemon_start(struct world *w, const char *const *env);
/* With crash-commit preloaded: the n-th commit from now on kills the daemon; when: "before" or "after". n 0: none does. */
void w_crash_at(struct world *w, unsigned n, const char *when);
/* The same, but returns at once: for tests of the daemon's start. */
void w_daemon_spawn(struct world *w, const char *const *env);
/* Waits until the daemon owns its name. False: it has ended, or the time is over. */
bool w_daemon_ready(struct world *w);
void w_daemon_stop(struct world *w); /* SIGTERM; fails the test unless it ends with 0 */
void w_daemon_kill(struct world *w); /* SIGKILL */
/* Waits for the daemon's end. Returns its wait status; if it does not end, kills it and returns -1. */
int w_daemon_wait(struct world *w);
/* Everything that the daemons of this world have written to standard output and error. The caller frees it. */
char *w_daemon_log(struct world *w);
/*
 * Whether --check-config and --describe-plugin can be used on this world. Started by root, they work as the service's
 * user, who may not read the files of this world. So this is false, and the test is marked as skipped, if root runs it
 * on a system that has this user.
 */
bool w_can_inspect(void);

/* Requests to the simulator's admin API (sim/README.md). */

/* GET /admin/WHAT: the answer, which the caller puts; NULL unless its status is 200. */
json_object *w_sim_get(struct world *w, const char *what);
/* POST /admin/WHAT. Fails the test unless the answer has the status 200. */
void w_sim_post(struct world *w, const char *what, const char *json);
/* Waits until the simulator has got so many requests. query: "command=detachVolume&count=1&what=received", or what=executed:
 * those that changed something. Fails the test if they do not come. */
void w_sim_wait(struct world *w, const char *query);
/* The same, for at most so long. False: they have not come. */
bool w_sim_await(struct world *w, const char *query, unsigned timeout_ms);
/*
 * How often the simulator has executed or received a command since it started or its log was cleared. Only a command
 * that has changed something counts as executed. -1 if the simulator does not answer.
 */
int64_t w_executed(struct world *w, const char *command);
int64_t w_received(struct world *w, const char *command);
/* How many API requests of all commands it has received, counted in the same way. */
int64_t w_requests(struct world *w);
/*
 * Sends a command to CloudStack as another client with the same keys would. The names and values of its parameters
 * follow the command. Fails the test if CloudStack refuses. Returns when the command has been executed.
 */
#define w_cloud(w, command, ...) w_cloudv(w, command, (const char *const[]){ __VA_ARGS__, NULL })
void w_cloudv(struct world *w, const char *command, const char *const *names);
/*
 * A volume in the simulator's state: the keys of the API's listVolumes, and "removed" for a deleted one. NULL if there
 * is none. The caller puts it.
 */
json_object *w_volume(struct world *w, const char *id);
/* A VM's state there; "" if there is no such VM. Static storage. */
const char *w_vm_state(struct world *w, const char *id);

/*
 * A message's arguments as a JSON array. Dictionaries become objects, and variants become their values. The caller puts
 * it.
 */
json_object *w_message_json(sd_bus_message *m);

/*
 * Calls a method of the daemon's manager object. types and what follows are as for sd_bus_message_append(). Returns 0
 * and the reply, which the caller unrefs; ret may be NULL. Or returns a negative errno; then w_error_name and
 * w_error_text have the error's D-Bus name and message. They are empty after a success.
 */
int w_call(struct world *w, const char *interface, const char *member, sd_bus_message **ret,
	   const char *types, ...);
extern char w_error_name[256], w_error_text[4096];
/*
 * The same for any object of the daemon. *ret gets the reply's arguments as w_message_json() makes them, NULL on error;
 * the caller puts them. ret may be NULL.
 */
int w_call_object(struct world *w, const char *path, const char *interface, const char *member,
		  json_object **ret, const char *types, ...);
/* Reads a property of any object of the daemon. The caller puts it. NULL on error, as for w_call(). */
json_object *w_property(struct world *w, const char *path, const char *interface, const char *name);

/*
 * Calls TestVM.DeleteRootVolume; token may be NULL. Returns the operation's path in static storage, or NULL on error,
 * as for w_call().
 */
const char *w_delete_root(struct world *w, const char *vm, const char *token, bool stop);
/*
 * Calls the operation's Wait() until it has ended, for 120 s at most. Returns its last known state in static storage.
 * If Wait() returns an error, returns "" and sets the error as w_call() does. The error is that of the operation if it
 * has ended but not succeeded.
 */
const char *w_wait(struct world *w, const char *path);
/* A text property of an operation, "" if it cannot be read. Static storage: the last eight stay valid. */
const char *w_op_str(struct world *w, const char *path, const char *property);
/*
 * Waits for a signal that tells of this state of the operation: State in InterfacesAdded or PropertiesChanged, or the
 * argument of OperationFinished. Signals that have come before count too. False: none has come in time.
 */
bool w_await_state(struct world *w, const char *path, const char *state);
/* The same for a boolean property of the manager, as PropertiesChanged tells it. */
bool w_await_manager(struct world *w, const char *property, bool value);
/* Waits until the manager's property Status contains this text. False at the time-out. */
bool w_await_status(struct world *w, const char *text);
/*
 * The operation's State in the newest InterfacesAdded or PropertiesChanged that has it; "" if there is none. Valid
 * until the signals are freed.
 */
const char *w_told_state(struct world *w, const char *path);
/* Receives all signals that the daemon has sent so far. */
void w_drain(struct world *w);
/* How many signals OperationFinished have come for the operation with this id. */
size_t w_count_finished(struct world *w, const char *id);
