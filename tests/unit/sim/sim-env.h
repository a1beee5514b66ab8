/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The model of the simulator without its HTTP side, for tests of the model. Commands are called as functions, in the
 * test's process. Jobs work for 1 ms, deleteVolume for none; jobs in a VM's queue end 1 ms after that.
 */

#include "commands/commands.h"
#include "jobs/jobs.h"

extern struct sim *sim;
extern sd_event *event;

/* Make and free both. A failed assertion in this header's functions fails the running test. */
void env_start(void);
void env_stop(void);

/*
 * Call a command: its name, then names and values of its parameters. Each function fails the test unless the command
 * ends as it says.
 *
 * env_ok(): status 200. Returns the object below the answer's root key, which the caller puts.
 * env_refused(): refused in the request, with this code and cserrorcode. text: the whole errortext, in which '*'
 *	stands for anything.
 * env_start_job(): starts a job. Returns its id.
 * env_job(): starts a job, and the job succeeds. Returns its jobresult, which the caller puts.
 * env_job_refused(): starts a job, and the job fails with this code and text.
 *
 * Texts that functions of this header return are in static storage that they share: the last 64 stay valid.
 */
#define ENV_CALL(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define env_ok(...)   env_ok_call(ENV_CALL(__VA_ARGS__))
#define env_refused(code, cs_code, text, ...)                                                      \
	env_refused_call(code, cs_code, text, ENV_CALL(__VA_ARGS__))
#define env_start_job(...)               env_start_job_call(ENV_CALL(__VA_ARGS__))
#define env_job(...)                     env_job_call(ENV_CALL(__VA_ARGS__))
#define env_job_refused(code, text, ...) env_job_refused_call(code, text, ENV_CALL(__VA_ARGS__))
json_object *env_ok_call(const char *const *call);
void env_refused_call(int code, int cs_code, const char *text, const char *const *call);
const char *env_start_job_call(const char *const *call);
json_object *env_job_call(const char *const *call);
void env_job_refused_call(int code, const char *text, const char *const *call);

/* Who calls from now on: the account with the key; NULL: that of the default world. */
void env_caller(const char *key);

/* Runs the loop until the job has ended, for 10 s at most. Returns its row as env_query() does. */
json_object *env_wait(const char *job);
/* The job's row in queryAsyncJobResult; the caller puts it. */
json_object *env_query(const char *job);
/* Whether the simulator still knows the job's id. */
bool env_job_known(const char *job);

/* The job of the next call of a command meets this fault. Arguments as in struct sim_call. */
void env_fault(enum sim_job_fault fault, int code, const char *text, unsigned ms);

/* An object in a list of sim_state(); the caller puts it. NULL: there is none. */
json_object *env_state(const char *list, const char *id);
/* A value in a volume's or a VM's state. Without the key: "", and -1 for a number. */
const char *env_volume_str(const char *id, const char *key);
int64_t env_volume_int(const char *id, const char *key);
const char *env_vm_state(const char *id);
/* How often the command has changed something. */
unsigned env_executed(const char *command);

/* sim_set(), sim_poke() and sim_seed(); each must succeed. */
void env_set(const char *key, const char *value);
void env_poke(const char *json);
/* Of one object. fields: the JSON members to change. */
void env_poke_volume(const char *id, const char *fields);
void env_poke_vm(const char *id, const char *fields);
void env_vm_becomes(const char *id, const char *state);
void env_seed(const char *json);

/* Creates a volume of 1 GiB and, unless vm is NULL, attaches it to the VM. Returns its id. */
const char *env_new_volume(const char *vm);
void env_attach(const char *volume, const char *vm);
void env_detach(const char *volume);

/* All that the hypervisor was told since env_start(): lines "plug VOLUME SIZE SERIAL VM" or "unplug VOLUME VM". */
extern char env_guest_log[4096];
