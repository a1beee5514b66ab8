/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Room cloudstack: an asynchronous client of CloudStack's API. It signs requests, queues and sends them, classifies
 * the answers, and follows jobs.
 *
 * - Every request is a POST with signature version 3 and an expiry time. No secret is ever in a URL, a log or an
 *   error.
 * - A bounded number of requests is sent at a time; the others wait in our own queue.
 * - A read is repeated until it is answered or cancelled. A write is tried once: whoever wants it tried again must
 *   first look what is true by then.
 * - Callbacks run from the loop, never inside the call that asked for them. After a cancel they do not run.
 *
 * What is said about CloudStack's behaviour was found in its source, and most of it seen on a server of version 4.22.
 */

#include "base/base.h"

#include <systemd/sd-event.h>

struct mk_cs;         /* the client */
struct mk_cs_request; /* a request under way; ends with its callback or its cancel */
struct mk_cs_watch;   /* a job that is followed; ends in the same ways */

struct mk_cs_config {
	const char *url; /* http(s)://host[:port]/client/api */
	const char *api_key;
	const char *secret_key;
	const char *ca_file; /* NULL: the system's CA certificates */
	/* do not verify TLS certificates; only if the administrator has set it */
	bool insecure;
	unsigned max_requests; /* sent at a time; 1 to 128, default 32 */
	/* µs for one try of a read or of an asynchronous command; default 30 s */
	uint64_t read_timeout;
	/* µs for a synchronous command (deleteVolume), which does its work inside the request; default 300 s */
	uint64_t sync_timeout;
	/* µs between two polls of a job: the first interval, and the longest; default 1 s and 5 s */
	uint64_t poll_min, poll_max;
	/* µs, shortest and longest delay of the exponential back-off; default 500 ms and 30 s */
	uint64_t retry_min, retry_max;
};

enum mk_cs_outcome {
	MK_CS_OK, /* reply.body is the answer */
	/* CloudStack answered with an error; an asynchronous command was not run */
	MK_CS_REFUSED,
	MK_CS_NO_COMMAND, /* the same, because the server or our role does not have the command */
	/* writes only: certainly not run; may be tried again after a new look */
	MK_CS_NOT_RUN,
	MK_CS_UNKNOWN, /* writes only: sent, but no usable answer; it may have been run */
};

struct mk_cs_reply {
	enum mk_cs_outcome outcome;
	int code;    /* CloudStack's errorcode (401, 431, 530, …), 0 if none */
	int cs_code; /* CloudStack's cserrorcode, 0 if none */
	/* CloudStack's errortext, or our sentence on what went wrong; valid UTF-8, never NULL */
	const char *text;
	json_object *body; /* the object below the root key; NULL unless MK_CS_OK */
};

/* The reply is valid until the callback returns. */
typedef void (*mk_cs_reply_fn)(const struct mk_cs_reply *reply, void *data);

/*
 * Makes the client. Copies the configuration; 0 in a number stands for its default. Returns 0; -EINVAL if URL or
 * keys are missing, a value is out of range (times: 1 ms to 24 h), or the URL contains anything secret; or another
 * negative errno.
 *
 * mk_cs_free() cancels everything without running callbacks, and wipes the keys. NULL is allowed; always returns
 * NULL.
 */
int mk_cs_new(sd_event *event, const struct mk_cs_config *config, struct mk_cs **ret);
struct mk_cs *mk_cs_free(struct mk_cs *cs);
DEFINE_CLEANUP(struct mk_cs *, mk_cs_free)

/* New keys, URL, limits. Requests that have been sent keep the old ones; reads that wait for a retry are tried at
 * once. Returns the same as mk_cs_new(); on an error the old settings stay. */
int mk_cs_reconfigure(struct mk_cs *cs, const struct mk_cs_config *config);

/*
 * mk_cs_reachable() tells whether CloudStack answered when we last sent something; true before the first request.
 * If it refuses our credentials for good, that counts as no answer. mk_cs_status() is a sentence on why it is not
 * reachable, "" if it is. on_change runs from the loop when one of the two changes. While CloudStack is unreachable
 * and no other request is being tried, a listCapabilities is sent now and then.
 */
bool mk_cs_reachable(struct mk_cs *cs);
const char *mk_cs_status(struct mk_cs *cs);
void mk_cs_on_reachable(struct mk_cs *cs, void (*on_change)(void *data), void *data);

/*
 * Sends a read: list*, query*. params: an object of texts, copied; NULL for none. `listall=true` is added for
 * commands that take it. list_key: for a list command, the key of the array, e.g. "volume"; it is then read page by
 * page, and the body is an array of all rows, collected by id, in the server's order. NULL: not a list.
 *
 * It is repeated with back-off and jitter on connection errors, 429, 503 and answers that cannot be used, and a few
 * times on 401 and on 530, 533, 534, 536. Any other answer is final: MK_CS_OK, MK_CS_REFUSED or MK_CS_NO_COMMAND.
 * Returns NULL without memory.
 */
struct mk_cs_request *mk_cs_read(struct mk_cs *cs, const char *command, json_object *params,
				 const char *list_key, mk_cs_reply_fn cb, void *data);

/*
 * Sends a write: it is tried once, and before reads that are queued. params: as for a read. sync: the command does
 * its work inside the request (deleteVolume): long timeout, fresh connection.
 *
 * MK_CS_NOT_RUN: no connection, 401, 429, 503 in JSON, no memory, or more than a second in our queue; `code` is
 * CloudStack's, 0 if it did not answer. MK_CS_UNKNOWN also if the answer has no jobid (not sync), or a `success`
 * other than true (sync). Returns NULL without memory.
 */
struct mk_cs_request *mk_cs_write(struct mk_cs *cs, const char *command, json_object *params,
				  bool sync, mk_cs_reply_fn cb, void *data);

/* For a write: false while it is certain that CloudStack has seen nothing of it. */
bool mk_cs_request_left(const struct mk_cs_request *request);

/* Cancels the request. NULL is allowed. A request is freed when its callback returns; inside the callback a cancel
 * does nothing. */
void mk_cs_request_cancel(struct mk_cs_request *request);

/* ---- jobs ------------------------------------------------------------------------------------ */

enum mk_cs_job_status {
	MK_CS_JOB_SUCCEEDED,
	MK_CS_JOB_FAILED,  /* code and text say why; text is not empty */
	MK_CS_JOB_UNKNOWN, /* CloudStack does not know this job (any more) */
};

struct mk_cs_job {
	enum mk_cs_job_status status;
	int code; /* jobresultcode, or if that is 0 the errorcode in jobresult */
	const char *text;
	json_object *result; /* jobresult, NULL if there is none */
};

typedef void (*mk_cs_job_fn)(const struct mk_cs_job *job, void *data);

/*
 * Follows a job to its end, which cb is told. CloudStack's jobstatus: 0 pending, 1 success, 2 failure; any other
 * value counts as a failure, and the text names it. One poller serves all jobs (jobs.c). Returns NULL without
 * memory.
 */
struct mk_cs_watch *mk_cs_watch_job(struct mk_cs *cs, const char *job_id, mk_cs_job_fn cb,
				    void *data);
void mk_cs_watch_cancel(struct mk_cs_watch *watch); /* NULL is allowed */

/* How many tries of requests have been sent since the start; for tests and benchmarks. */
uint64_t mk_cs_requests_sent(struct mk_cs *cs);
