/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * CloudStack's API, asynchronously: signs, queues, sends, classifies answers, follows jobs.
 *
 * Facts are in the API's source; the rules that matter here:
 * - every request is a POST with signature version 3 and an expiry; no secret is ever in a URL, a log
 *   or an error;
 * - our own queue stands in front of curl (a bounded number of requests at a time);
 * - reads are repeated until they are answered or cancelled; a write is tried once, at once: whoever
 *   wants it to be tried again looks first at what is true by then;
 * - callbacks run from the loop, never inside the call that asked for them; after a cancel they do
 *   not run.
 */

#include "base/base.h"

#include <systemd/sd-event.h>

struct mk_cs;         /* the client */
struct mk_cs_request; /* a request under way; ends with its callback or its cancel */
struct mk_cs_watch;   /* a job being followed; likewise */

struct mk_cs_config {
	const char *url; /* http(s)://host[:port]/client/api */
	const char *api_key;
	const char *secret_key;
	const char *ca_file;   /* NULL: the system's */
	bool insecure;         /* do not verify TLS; must have been spelled out */
	unsigned max_requests; /* at a time; 1..128, default 32 */
	uint64_t
		read_timeout; /* µs for one try of a read or an asynchronous command; default 30 s */
	uint64_t
		sync_timeout; /* µs for deleteVolume, which works inside the request; default 300 s */
	uint64_t poll_min,
		poll_max; /* µs between two looks at a job: at first, and later; 1 s, 5 s */
	uint64_t retry_min, retry_max; /* µs, bounds of the exponential back-off; 500 ms, 30 s */
};

enum mk_cs_outcome {
	MK_CS_OK,         /* body is the answer */
	MK_CS_REFUSED,    /* CloudStack answered with an error; the command was not run */
	MK_CS_NO_COMMAND, /* the same, and because the server or our role lacks the command */
	MK_CS_NOT_RUN,    /* writes only: certainly not run, worth another try after a new look */
	MK_CS_UNKNOWN,    /* writes only: sent, and no usable answer; it may have been run */
};

struct mk_cs_reply {
	enum mk_cs_outcome outcome;
	int code;          /* CloudStack's errorcode (401, 431, 530, …), 0 if none */
	int cs_code;       /* its cserrorcode, 0 if none */
	const char *text;  /* its errortext or what went wrong; valid UTF-8, never NULL */
	json_object *body; /* the object below the root key; NULL unless MK_CS_OK */
};

/* The reply is valid until the callback returns. */
typedef void (*mk_cs_reply_fn)(const struct mk_cs_reply *reply, void *data);

/*
 * Copies the configuration; 0 in a number stands for its default. Returns 0, -EINVAL for a value
 * out of range or a URL with anything secret in it, or another negative errno. mk_cs_free()
 * cancels everything without running callbacks and wipes the keys; NULL is allowed; always
 * returns NULL.
 */
int mk_cs_new(sd_event *event, const struct mk_cs_config *config, struct mk_cs **ret);
struct mk_cs *mk_cs_free(struct mk_cs *cs);
DEFINE_CLEANUP(struct mk_cs *, mk_cs_free)

/* New keys, URL, limits; requests under way keep the old ones; waiting retries are tried at once. */
int mk_cs_reconfigure(struct mk_cs *cs, const struct mk_cs_config *config);

/*
 * Whether CloudStack answered last time anything was sent, and a sentence why not ("" if it did).
 * An answer that refuses our credentials for good counts as none: nothing can be done with it.
 * on_change runs from the loop when the answer or the sentence changes. Until the first request:
 * reachable. While it is unreachable and nothing else is being retried, a listCapabilities is
 * tried now and then.
 */
bool mk_cs_reachable(struct mk_cs *cs);
const char *mk_cs_status(struct mk_cs *cs);
void mk_cs_on_reachable(struct mk_cs *cs, void (*on_change)(void *data), void *data);

/*
 * Reads: list*, query*. params is an object of texts (not taken; NULL for none). `listall=true`
 * is added where the command takes it. Repeated with back-off and jitter on connection errors,
 * 429, 503, bodies that do not parse, and a few times on 401 and on 530, 533, 534, 536; otherwise
 * the answer is final (never MK_CS_UNKNOWN). A list command (list_key, e.g. "volume", not NULL)
 * is read page by page and the body is then an array of all rows, collected by id, in the
 * server's order. Returns NULL without memory.
 */
struct mk_cs_request *mk_cs_read(struct mk_cs *cs, const char *command, json_object *params,
				 const char *list_key, mk_cs_reply_fn cb, void *data);

/*
 * Writes: tried once. MK_CS_NOT_RUN: no connection, 401, 429, 503 in JSON, or it would have had to wait
 * in our queue for longer than a moment; code is that of CloudStack's answer, 0 without one. Writes
 * overtake reads in the queue. sync: the command does its work inside the request (deleteVolume): long
 * time limit, fresh connection. Not sync: an answer without a jobid is MK_CS_UNKNOWN. Sync: one with
 * a `success` other than true is.
 */
struct mk_cs_request *mk_cs_write(struct mk_cs *cs, const char *command, json_object *params,
				  bool sync, mk_cs_reply_fn cb, void *data);

/* Of a write: false while it is certain that CloudStack has seen nothing of it. */
bool mk_cs_request_left(const struct mk_cs_request *request);

/* NULL is allowed. The request is gone once its callback returns; within it, cancel does nothing. */
void mk_cs_request_cancel(struct mk_cs_request *request);

/* ---- jobs ------------------------------------------------------------------------------------ */

enum mk_cs_job_status {
	MK_CS_JOB_SUCCEEDED,
	MK_CS_JOB_FAILED,  /* code and text say why; text is never empty */
	MK_CS_JOB_UNKNOWN, /* CloudStack does not know this job (any more) */
};

struct mk_cs_job {
	enum mk_cs_job_status status;
	int code; /* jobresultcode, or the errorcode in jobresult if that is 0 */
	const char *text;
	json_object *result; /* jobresult, NULL if there is none */
};

typedef void (*mk_cs_job_fn)(const struct mk_cs_job *job, void *data);

/*
 * Follows a job to its end. jobstatus: 0 pending, 1 success, 2 failure; anything else fails with the
 * value named. One poller serves all jobs: a single one is queried; of many, those that have left
 * listAsyncJobs are.
 */
struct mk_cs_watch *mk_cs_watch_job(struct mk_cs *cs, const char *job_id, mk_cs_job_fn cb,
				    void *data);
void mk_cs_watch_cancel(struct mk_cs_watch *watch); /* NULL is allowed */

/* Counters since start, for tests and benchmarks. */
uint64_t mk_cs_requests_sent(struct mk_cs *cs);
