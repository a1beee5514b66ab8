/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The client and a scripted CloudStack on one loop. */

#include "cloudstack/cloudstack.h"
#include "fake-http.h"
#include "tap.h"

#define SECRET CANARY_SECRET
#define JOB_A  "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
#define JOB_B  "3f2504e0-4f89-41d3-9a0c-0305e82c3302"
#define JOB_C  "3f2504e0-4f89-41d3-9a0c-0305e82c3303"
#define VOLUME "0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b42"

/* Of a command, with its root key in lower case. */
#define ERROR_OF(root, code, text)                                                                 \
	"{\"" root "response\":{\"uuidList\":[],\"errorcode\":" #code ",\"cserrorcode\":9999,"     \
	"\"errortext\":\"" text "\"}}"
#define ERROR(code, text) ERROR_OF("listcapabilities", code, text)
#define NO_COMMAND(code)                                                                           \
	"{\"errorresponse\":{\"uuidList\":[],\"errorcode\":" #code ",\"errortext\":\"no\"}}"
#define STARTED "{\"attachvolumeresponse\":{\"jobid\":\"" JOB_A "\"}}"
#define CAPABLE "{\"listcapabilitiesresponse\":{\"capability\":{\"cloudstackversion\":\"4.22\"}}}"

enum talk_kind {
	TALK_REPLY,
	TALK_HOLD,  /* keeps the connection in env.held */
	TALK_CLOSE, /* without an answer */
	TALK_CUT,   /* in the middle of the answer */
	TALK_DRIP,
	TALK_HUGE, /* more than the client takes */
};

/* One row of a conversation: what is expected, and what becomes of it. */
struct talk {
	const char *command; /* NULL ends it; further requests are held */
	enum talk_kind kind;
	int status;
	const char *body;
};

#define SAY(command, body)                                                                         \
	{                                                                                          \
		command, TALK_REPLY, 200, body                                                     \
	}
#define SAY_ERROR(command, status, body)                                                           \
	{                                                                                          \
		command, TALK_REPLY, status, body                                                  \
	}
#define DO(command, kind)                                                                          \
	{                                                                                          \
		command, kind, 0, NULL                                                             \
	}
#define SILENCE                                                                                    \
	{                                                                                          \
		NULL, TALK_HOLD, 0, NULL                                                           \
	}

struct env {
	sd_event *event;
	struct fake_http *http;
	struct mk_cs *cs;
	struct mk_cs_config config;
	char url[64];

	const struct talk *talk;      /* the next row */
	unsigned n_unexpected;        /* a command other than the row's */
	unsigned n;                   /* requests so far */
	json_object *requests;        /* their parameters, in order */
	struct fake_conn *conns[256]; /* where they came from */
	uint64_t times[256];          /* when, monotonic µs */
	struct fake_conn *held[256];
	unsigned n_held;
	unsigned n_changes; /* of reachability */
};

/* What came back. */
struct answer {
	unsigned n; /* calls of the callback */
	enum mk_cs_outcome outcome;
	enum mk_cs_job_status status;
	int code, cs_code;
	char *text;
	json_object *body;
};

void env_open(struct env *e, const struct talk *talk);
/* The same, with a configuration that was changed after env_config(). */
void env_config(struct env *e, const struct talk *talk);
void env_start(struct env *e);
void env_close(struct env *e); /* also checks that nothing unexpected came */

const char *env_command(struct env *e, unsigned i);
const char *env_param(struct env *e, unsigned i, const char *name);

/* Runs the loop until *n >= least; a failed assertion if that takes 20 s. */
void env_until(struct env *e, const unsigned *n, unsigned least);
/* Runs the loop for a while, to see that nothing happens. */
void env_idle(struct env *e, uint64_t usec);

void on_answer(const struct mk_cs_reply *reply, void *data);
void on_job(const struct mk_cs_job *job, void *data);
void answer_done(struct answer *a);
