/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by the files of this room: errors in CloudStack's words, and faults that a test has asked for. */

#include "api.h"
#include "commands/commands.h"
#include "http/request.h"

/* --- errors.c --- */

/* Errors with CloudStack's words; command NULL: its root key is "errorresponse". */
void api_error(struct sim_answer *ret, const char *command, int code, int cs_code,
	       const char *text);
void api_unauthorized(struct sim_answer *ret, const char *command);
void api_rate_limited(struct sim_answer *ret, const char *command, uint64_t ms);
void api_in_maintenance(struct sim_answer *ret, const char *command);

/* --- faults.c --- */

enum fault_effect {
	FAULT_NONE,
	FAULT_ERROR,
	FAULT_DROP_BEFORE,
	FAULT_DROP_AFTER,
	FAULT_HANG,
	FAULT_DELAY,
	FAULT_GARBAGE,
	FAULT_EMPTY,
	FAULT_TRUNCATE,
	FAULT_NULL,
	FAULT_HTML,
	FAULT_RATE_LIMIT,
	FAULT_UNAUTHORIZED,
	FAULT_MAINTENANCE,
	FAULT_SLOW,
	FAULT_RETYPE,
	FAULT_AWAY,
	FAULT_JOB, /* see job */
};

struct fault {
	TAILQ_ENTRY(fault) link;
	char *command;
	const char *action; /* its name; static */
	enum fault_effect effect;
	enum sim_job_fault job;
	unsigned nth, count, seen;
	int code, cs_code, status;
	unsigned ms;
	char *text;
};

/* From the JSON of /admin/fault. -EINVAL with what is wrong; the caller frees it. */
int faults_add(struct faults *faults, struct sim *sim, json_object *spec, char **ret_why);
/* The fault that this request meets, NULL for none. Counts the request; valid until faults_clear(). */
const struct fault *faults_meet(struct faults *faults, const char *command);
/* Whether the command is not to be run. */
bool fault_prevents(const struct fault *f);
/* The answer of a fault that prevents the command; none for FAULT_DROP_BEFORE and FAULT_HTML. */
void fault_answer(const struct fault *f, const char *command, struct sim_answer *ret);
/* Damages the answer of a command that was run; how it is to be sent. */
enum http_delivery fault_apply(const struct fault *f, struct http_answer *answer, unsigned *ms);
