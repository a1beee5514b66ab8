/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A simulated CloudStack without HTTP, for tests of its model. Jobs take a millisecond. */

#include "sim.h"

extern struct sim *sim;
extern sd_event *event;

void env_start(void);
void env_stop(void);

/* Parameters of all that follow: name, value, …, NULL. */
#define _sentinel_ __attribute__((sentinel))

/* The object below the root key of an answer with status 200; fails the test on any other. */
json_object *env_ok(const char *command, ...) _sentinel_;
/* The call is refused, in the request. text: all of errortext, or its beginning if it ends with '*'. */
void env_refused(int code, int cs_code, const char *text, const char *command, ...) _sentinel_;
/* Starts a job; its id, until the next 64 calls. */
const char *env_start_job(const char *command, ...) _sentinel_;
/* Runs the loop until the job has ended. Its row. */
json_object *env_wait(const char *job);
/* The job is accepted and ends well: its jobresult. */
json_object *env_job(const char *command, ...) _sentinel_;
/* The job is accepted and fails. */
void env_job_refused(int code, const char *text, const char *command, ...) _sentinel_;
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
