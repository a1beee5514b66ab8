/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A simulated CloudStack without HTTP, for tests of its model. Jobs take a millisecond. */

#include "sim.h"

extern struct sim *sim;
extern sd_event *event;

void env_start(void);
void env_stop(void);

/*
 * Calls: command, name, value, …
 *
 * env_ok: the object below the root key of an answer with status 200; fails the test on any other.
 * env_refused: it is refused, in the request. text: all of errortext, or its beginning if it ends
 * with '*'.
 * env_start_job: the id of the job it starts, until the next 64 calls.
 * env_job: the job ends well; its jobresult.
 * env_job_refused: the job fails.
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

/* Runs the loop until the job has ended. Its row. */
json_object *env_wait(const char *job);
/* A row of queryAsyncJobResult. */
json_object *env_query(const char *job);
/* Whether the server knows the job. */
bool env_job_known(const char *job);

/* The next call's job meets this. */
void env_fault(enum sim_job_fault fault, int code, const char *text, unsigned ms);

/* What sim_state() says; NULL: no such object. */
json_object *env_state(const char *list, const char *id);
/* A text of a volume ("" if it has none), until the next 64 calls. */
const char *env_volume_str(const char *id, const char *key);
int64_t env_volume_int(const char *id, const char *key);
const char *env_vm_state(const char *id);
/* How often a command has changed something. */
unsigned env_executed(const char *command);

void env_set(const char *key, const char *value);
void env_poke(const char *json);
void env_seed(const char *json);

/* A new volume of 1 GiB; its id, until the next 64 calls. With vm: attached to it. */
const char *env_new_volume(const char *vm);
void env_attach(const char *volume, const char *vm);

/* What the hypervisor was told: "plug VOLUME SIZE SERIAL VM\n" or "unplug VOLUME VM\n", all of it. */
extern char env_guest_log[4096];
