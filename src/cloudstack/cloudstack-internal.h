/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files of the client share.
 *
 *   cloudstack.c  queue, retries, reachability, delivery of answers
 *   life.c        making and freeing the client; new settings
 *   settings.c    the client's copy of the configuration
 *   try.c         one try of a request: curl handle, body, and what its end means
 *   list.c        pages of a list
 *   jobs.c        the poller of jobs
 *
 * Beside them, without the client's structures: sign.c and json.c (wire.h), curl.c (curl-internal.h).
 *
 * The states of a request:
 *
 *   mk_cs_read() ──▶ QUEUED ──▶ RUNNING ──▶ DONE ──▶ DELIVERING: its callback, from the loop
 *   mk_cs_write()      ▲           │
 *                      └─ WAITING ◀┘ back-off, of reads only
 */

#include "cloudstack.h"
#include "curl-internal.h"
#include "wire.h"

#include <sys/queue.h>

/* Something whose callback has to run from the loop; embedded in requests and watches. */
struct mk_cs_delivery {
	TAILQ_ENTRY(mk_cs_delivery) link;
	void (*deliver)(struct mk_cs_delivery *d); /* may free the client */
	void (*forget)(struct mk_cs_delivery *d);  /* frees the owner without its callback */
};

enum mk_cs_request_state {
	MK_CS_REQUEST_QUEUED,
	MK_CS_REQUEST_RUNNING,
	MK_CS_REQUEST_WAITING,    /* until not_before */
	MK_CS_REQUEST_DONE,       /* in mk_cs.deliveries */
	MK_CS_REQUEST_DELIVERING, /* its callback runs; in no list */
};

/* One try of a request: what curl works on. All zero while no try is running. */
struct mk_cs_try {
	CURL *easy;
	char *body; /* what is sent; wiped when it is freed */
	/* body_pos: bytes given to curl; 0: CloudStack has seen nothing of it */
	size_t body_size, body_pos;
	char *data; /* what was received */
	size_t size, capacity;
	bool too_large;
	char error[CURL_ERROR_SIZE];
};

struct mk_cs_request {
	struct mk_cs *cs;
	enum mk_cs_request_state state;
	TAILQ_ENTRY(mk_cs_request) link; /* in the list of its state */
	struct mk_cs_delivery delivery;

	char *command;
	json_object *params;
	bool write, sync;

	char *list_key; /* NULL: not a list */
	unsigned page;
	json_object *rows, *ids; /* collected rows; their ids as keys */

	struct mk_cs_try try;
	unsigned failures; /* since the last answer; the exponent of the back-off */
	unsigned n_401, n_5xx;
	bool wait_for_server; /* WAITING, and because there was no usable answer at all */
	uint64_t not_before;  /* WAITING: monotonic µs */
	uint64_t asked;       /* a write: when it was queued, monotonic µs */

	enum mk_cs_outcome outcome;
	int code, cs_code;
	char *text;
	json_object *answer;

	/* Checks the object below the root key before it counts as an answer. NULL: no check. Returns 0, or a
	 * negative errno with a sentence. */
	int (*check)(struct mk_cs_request *q, json_object *object, char **ret_why);
	mk_cs_reply_fn cb;
	void *data;
};

TAILQ_HEAD(mk_cs_queue, mk_cs_request);

/* What the end of a try means. */
enum mk_cs_verdict_kind {
	MK_CS_ANSWER,
	MK_CS_ERROR,       /* a final error: see outcome */
	MK_CS_CREDENTIALS, /* 401 for a command that exists */
	MK_CS_LIMITED,     /* 429 */
	MK_CS_NOT_NOW,     /* 503 from CloudStack itself */
	MK_CS_TROUBLE,     /* 530, 533, 534 or 536 for a read: worth some more tries */
	MK_CS_GARBLED,     /* sent, but there was no usable answer */
	MK_CS_NOT_SENT,    /* nothing of it was sent: certainly not run */
};

struct mk_cs_verdict {
	enum mk_cs_verdict_kind kind;
	enum mk_cs_outcome outcome; /* MK_CS_ERROR: MK_CS_REFUSED or MK_CS_NO_COMMAND */
	struct mk_cs_body body;
	char *why; /* a sentence, for MK_CS_GARBLED and MK_CS_NOT_SENT */
};

struct mk_cs_settings {
	char *url, *api_key, *secret_key, *ca_file; /* the keys are wiped */
	bool insecure;
	unsigned max_requests;
	uint64_t read_timeout, sync_timeout, poll_min, poll_max, retry_min, retry_max;
};

#define MK_CS_PAGE_SIZE 500

struct mk_cs_poller;

struct mk_cs {
	sd_event *event;
	struct mk_curl *curl;
	struct curl_slist *headers;
	struct mk_cs_settings settings;
	struct mk_cs_poller *poller;

	struct mk_cs_queue queued, running, waiting;
	unsigned n_running, n_alive; /* n_alive: requests that are not DONE yet */
	unsigned page_size;
	sd_event_source *timer; /* fires at the end of the next back-off or pause */
	uint64_t paused_until;  /* after a 429: nothing is sent before, monotonic µs */
	unsigned n_limited;     /* 429s in a row, one for each pause */
	uint64_t sent;

	TAILQ_HEAD(mk_cs_deliveries, mk_cs_delivery) deliveries;
	sd_event_source *deliver; /* enabled while there is something to deliver */

	bool reachable, credentials_refused, status_changed;
	char *status;
	void (*on_change)(void *data);
	void *on_change_data;
	/* the listCapabilities that is sent while CloudStack is unreachable */
	struct mk_cs_request *probe;
};

/* cloudstack.c */

/* mk_cs_read() with a check of the answer (mk_cs_request.check). */
struct mk_cs_request *mk_cs_ask(struct mk_cs *cs, const char *command, json_object *params,
				const char *list_key,
				int (*check)(struct mk_cs_request *, json_object *, char **),
				mk_cs_reply_fn cb, void *data);

void mk_cs_request_free(struct mk_cs_request *q); /* The request must be in no list any more. */

/* Ends the back-off of requests that got no usable answer at all; of all requests, if `all`. */
void mk_cs_wake(struct mk_cs *cs, bool all);

/* Event handlers: deliver one answer; a try has ended. */
int mk_cs_on_deliver(sd_event_source *s, void *data);
void mk_cs_on_try_done(CURL *easy, CURLcode result, void *data);

/* Queues d, to be delivered from the loop in order; and takes it out of the queue again. */
void mk_cs_deliver(struct mk_cs *cs, struct mk_cs_delivery *d);
void mk_cs_undeliver(struct mk_cs *cs, struct mk_cs_delivery *d);

/* Brings queue, timer and probe up to date; to be called after any change. */
void mk_cs_update(struct mk_cs *cs);

/* settings.c */

/* Checks the configuration, fills in defaults and copies it. Returns 0, -EINVAL or -ENOMEM. */
int mk_cs_settings_copy(struct mk_cs_settings *ret, const struct mk_cs_config *config);
void mk_cs_settings_done(struct mk_cs_settings *s);

/* A copy of a text from outside, made valid UTF-8 and with our keys blotted out. To be freed; NULL without memory. */
char *mk_cs_clean(const struct mk_cs *cs, const char *text);

/* try.c */

/* The mk_cs_request.check of writes: the answer names a job; or, if sync, does not deny success. */
int mk_cs_check_write(struct mk_cs_request *q, json_object *object, char **ret_why);

/* Starts a try of the request. Returns 0; or -ENOMEM, and nothing was sent. */
int mk_cs_try_start(struct mk_cs_request *q);
/* Stops the try, if one is running, and wipes its body. */
void mk_cs_try_stop(struct mk_cs_request *q);
/* Decides what the end of the running try means, and frees the try. The caller frees *ret by mk_cs_verdict_done(). */
void mk_cs_try_end(struct mk_cs_request *q, CURLcode result, struct mk_cs_verdict *ret);
void mk_cs_verdict_done(struct mk_cs_verdict *v);

/* list.c */

/* Takes the rows of one page. Returns 1 if there may be more pages, 0 if this was the last, -ENOMEM, or -EBADMSG
 * with a sentence: the page is malformed, and none of its rows was taken, or there are too many pages. */
int mk_cs_list_take(struct mk_cs_request *q, json_object *object, char **ret_why);
/* Makes the request start again from the first page. Returns 0 or -ENOMEM. */
int mk_cs_list_restart(struct mk_cs_request *q);
/* The page size that CloudStack allows, read from its refusal of a larger one; 0 if the text says something else. */
unsigned mk_cs_list_allowed_size(const char *text);
/* True if the command takes the parameter listall=true. */
bool mk_cs_list_takes_listall(const char *command);

/* jobs.c */
int mk_cs_poller_new(struct mk_cs *cs, struct mk_cs_poller **ret);
struct mk_cs_poller *mk_cs_poller_free(struct mk_cs_poller *p);
bool mk_cs_poller_busy(struct mk_cs_poller *p); /* True while jobs are followed. */
/* The settings are new: listAsyncJobs may be allowed now. */
void mk_cs_poller_reconfigured(struct mk_cs_poller *p);
