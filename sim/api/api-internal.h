/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Shared by the files of this room: errors in CloudStack's words, faults that a test has asked for, requests that wait,
 * and the management servers.
 */

#include "api.h"
#include "commands/commands.h"
#include "http/jetty.h"
#include "http/request.h"

/* --- serialize.c: the caller frees; NULL without memory --- */

char *api_to_xml(json_object *body);
/* encoded: encode.api.response is set. */
char *api_to_json(json_object *body, bool encoded);

/* --- errors.c --- */

#define API_UNAUTHORIZED "unable to verify user credentials and/or request signature"

/* Errors with CloudStack's words; command NULL: its root key is "errorresponse". */
void api_error(struct sim_answer *ret, const char *command, int code, int cs_code,
	       const char *text);
void api_unauthorized(struct sim_answer *ret, const char *command);
void api_rate_limited(struct sim_answer *ret, const char *command, uint64_t ms);
void api_in_maintenance(struct sim_answer *ret, const char *command);
/* It began while the request was at work: creates says how far that was; a user does not see the text. */
void api_in_maintenance_now(struct sim_answer *ret, const char *command, bool creates, bool admin);

/* --- faults.c --- */

enum fault_effect {
	FAULT_NONE,
	FAULT_ERROR,
	FAULT_DROP_BEFORE,
	FAULT_DROP_AFTER,
	FAULT_HANG,
	FAULT_DELAY,
	FAULT_LATE,
	FAULT_GARBAGE,
	FAULT_EMPTY,
	FAULT_TRUNCATE,
	FAULT_NULL,
	FAULT_HTML,
	FAULT_RATE_LIMIT,
	FAULT_UNAUTHORIZED,
	FAULT_MAINTENANCE,
	FAULT_MAINTENANCE_NOW,
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

/* --- parked.c --- */

enum parked_for {
	FOR_DATABASE,
	FOR_ARRIVAL, /* it is still on its way */
};

enum parked_end {
	END_TIME,
	END_DATABASE,
	END_SERVER, /* it died */
};

/* http NULL: the client has given up, which the server does not know. */
typedef void (*parked_fn)(struct http_request *http, enum parked_end end, void *data);

/* fn is called once: in ms, or by one of the other functions. */
int park(struct server *s, struct http_request *http, unsigned node, enum parked_for what,
	 unsigned ms, parked_fn fn, void *data);
/* The database is back: its requests go on in the order in which they came. */
void parked_go_on(struct server *s);
void parked_die(struct server *s, unsigned node);

/* --- past.c --- */

/* Answers a list as it was lag-ms ago; api_key: the caller's. A negative errno: nothing was done. */
int past_call(struct past *past, const struct sim_call *call, const char *api_key,
	      struct sim_answer *ret);
int past_new(sd_event *event, struct sim *sim, struct past **ret);
struct past *past_free(struct past *past);

/* --- nodes.c --- */

#define NODE_NONE SIM_SERVERS

/* Which management server the balancer gives the request to; NODE_NONE: none is up. */
unsigned nodes_choose(struct server *s, const struct http_request *r);
/* The answer where none is up: nobody is there, or there is only the balancer. */
void nodes_refuse(struct server *s, struct http_request *r);
/* By name; NODE_NONE: there is none. */
unsigned nodes_find(struct server *s, const char *name);
const char *nodes_name(const struct server *s, unsigned node);

struct node_death {
	bool disk_stays, other_id;
	bool starts; /* again, after down_ms */
	unsigned down_ms, offline_ms;
};

/* Those from the first, up to but not including the end. */
void nodes_kill(struct server *s, unsigned first, unsigned end, const struct node_death *how);
