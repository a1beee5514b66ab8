/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The daemon's CloudStack client (src/cloudstack) and a scripted HTTP server in CloudStack's place, in one process on
 * one event loop. A script is a table of struct talk: one row for each request that is expected, with what the server
 * does.
 */

#include "cloudstack/cloudstack.h"
#include "fake-http.h"
#include "tap.h"

#define SECRET CANARY_SECRET
#define JOB_A  "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
#define JOB_B  "3f2504e0-4f89-41d3-9a0c-0305e82c3302"
#define JOB_C  "3f2504e0-4f89-41d3-9a0c-0305e82c3303"
#define VOLUME "0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b42"

/*
 * Bodies of answers. ERROR_OF(): the error of a command; root is the command in lower case. ERROR(): that of
 * listCapabilities. NO_COMMAND(): an error that names no command.
 */
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
	TALK_HOLD,  /* no answer; the connection is kept in env.held */
	TALK_CLOSE, /* closes the connection without an answer */
	TALK_CUT,   /* closes it in the middle of the answer */
	TALK_DRIP,  /* sends the answer very slowly: fake_drip() */
	TALK_HUGE,  /* a larger answer than the client accepts */
};

/* One row of a script: the command that is expected, and what the server does. */
struct talk {
	const char *command; /* NULL ends the script; further requests are held */
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

	const struct talk *talk;      /* the next row of the script; NULL: none */
	unsigned n_unexpected;        /* requests with another command than their row */
	unsigned n;                   /* requests so far */
	json_object *requests;        /* their parameters, in order */
	struct fake_conn *conns[256]; /* their connections */
	uint64_t times[256];          /* when they came, monotonic µs */
	struct fake_conn *held[256];
	unsigned n_held;
	unsigned n_changes; /* how often mk_cs_reachable() changed */
};

/* What the callback of a request or of a watched job got. */
struct answer {
	unsigned n; /* how often it was called */
	enum mk_cs_outcome outcome;
	enum mk_cs_job_status status;
	int code, cs_code;
	char *text;
	json_object *body;
};

/* Starts the server with this script, and the client. talk may be NULL: all requests are held. */
void env_open(struct env *e, const struct talk *talk);
/* The same in two steps: a test may change e->config between them. */
void env_config(struct env *e, const struct talk *talk);
void env_start(struct env *e);
/*
 * Frees everything. Fails the test if a request did not fit its row or would not be accepted by CloudStack, or if a row
 * of the script is left.
 */
void env_close(struct env *e);

/* The command and a parameter of the i-th request, from 0; "" if there is none. */
const char *env_command(struct env *e, unsigned i);
const char *env_param(struct env *e, unsigned i, const char *name);

/* Runs the loop until *n >= least. Fails the test, and ends it, after 20 s. */
void env_until(struct env *e, const unsigned *n, unsigned least);
/* Runs the loop for so many µs, for a test that nothing happens meanwhile. */
void env_idle(struct env *e, uint64_t usec);

/* Callbacks for mk_cs_read(), mk_cs_write() and mk_cs_watch_job(); data is a struct answer. */
void on_answer(const struct mk_cs_reply *reply, void *data);
void on_job(const struct mk_cs_job *job, void *data);
/* Frees what a has, not a itself. */
void answer_done(struct answer *a);
