/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The CloudStack client's inside.
 *
 *   cloudstack.c  queue and window, retries, reachability, delivery of answers
 *   life.c        what the client is made of; new settings
 *   settings.c    the configuration's copy
 *   try.c         one try of a request: curl handle, body, and what its end means
 *   list.c        pages of a list
 *   jobs.c        the poller
 *
 * A request:
 *
 *   mk_cs_read() ──▶ QUEUED ──▶ RUNNING ──▶ DONE ──▶ its callback, from the loop
 *   mk_cs_write()      ▲           │
 *                      └─ WAITING ◀┘ back-off, of reads only
 */

#include "cloudstack.h"
#include "curl-internal.h"
#include "wire.h"

#include <sys/queue.h>

/* Something that waits for its turn to be told to the caller; embedded in requests and watches. */
struct mk_cs_delivery {
	TAILQ_ENTRY(mk_cs_delivery) link;
	void (*deliver)(struct mk_cs_delivery *d); /* may free the client */
	void (*forget)(struct mk_cs_delivery *d);  /* frees it without a callback */
};

enum mk_cs_request_state {
	MK_CS_REQUEST_QUEUED,
	MK_CS_REQUEST_RUNNING,
	MK_CS_REQUEST_WAITING,    /* until not_before */
	MK_CS_REQUEST_DONE,       /* in the deliveries */
	MK_CS_REQUEST_DELIVERING, /* its callback runs; in no list */
};

/* One try: what curl works on. All zero while there is none. */
struct mk_cs_try {
	CURL *easy;
	char *body;                 /* what is sent; wiped */
	size_t body_size, body_pos; /* body_pos 0: CloudStack has seen nothing of it */
	char *data;                 /* what has come back */
	size_t size, capacity;
	bool too_large;
	char error[CURL_ERROR_SIZE];
};

struct mk_cs_request {
	struct mk_cs *cs;
	enum mk_cs_request_state state;
	TAILQ_ENTRY(mk_cs_request) link; /* in the queue of its state */
	struct mk_cs_delivery delivery;

	char *command;
	json_object *params;
	bool write, sync;

	char *list_key; /* NULL: not a list */
	unsigned page;
	json_object *rows, *ids; /* collected rows; their ids as keys */

	struct mk_cs_try try;
	unsigned failures; /* in a row; the back-off's exponent */
	unsigned n_401, n_5xx;
	bool wait_for_server; /* WAITING because there was no usable answer at all */
	uint64_t not_before;  /* WAITING: monotonic µs */
	uint64_t asked;       /* a write: when, monotonic µs */

	enum mk_cs_outcome outcome;
	int code, cs_code;
	char *text;
	json_object *answer;

	/* Looks at the object below the root before it counts as an answer; NULL: anything does.
	 * Returns 0, or a negative errno and a sentence. */
	int (*check)(struct mk_cs_request *q, json_object *object, char **ret_why);
	mk_cs_reply_fn cb;
	void *data;
};

TAILQ_HEAD(mk_cs_queue, mk_cs_request);

/* What a try's end means. */
enum mk_cs_verdict_kind {
	MK_CS_ANSWER,
	MK_CS_ERROR,       /* final: see outcome */
	MK_CS_CREDENTIALS, /* 401 for a command that exists */
	MK_CS_LIMITED,     /* 429 */
	MK_CS_NOT_NOW,     /* 503 from CloudStack itself */
	MK_CS_TROUBLE,     /* 530 and its like: for reads, worth another look */
	MK_CS_GARBLED,     /* sent, and no usable answer */
	MK_CS_NOT_SENT,    /* certainly not run */
};

struct mk_cs_verdict {
	enum mk_cs_verdict_kind kind;
	enum mk_cs_outcome outcome; /* MK_CS_ERROR: MK_CS_REFUSED or MK_CS_NO_COMMAND */
	struct mk_cs_body body;
	char *why; /* a sentence: GARBLED and NOT_SENT */
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
	unsigned n_running, n_alive; /* n_alive: all that are not done yet */
	unsigned page_size;
	sd_event_source *timer; /* end of the next back-off or pause */
	uint64_t paused_until;  /* 429: nothing is sent before */
	unsigned n_limited;     /* 429s in a row, one for each pause */
	uint64_t sent;

	TAILQ_HEAD(mk_cs_deliveries, mk_cs_delivery) deliveries;
	sd_event_source *deliver; /* on while there is something to tell */

	bool reachable, credentials_refused, status_changed;
	char *status;
	void (*on_change)(void *data);
	void *on_change_data;
	struct mk_cs_request *probe; /* while unreachable and nothing else is tried */
};

/* cloudstack.c */

/* mk_cs_read() with a check of the object. */
struct mk_cs_request *mk_cs_ask(struct mk_cs *cs, const char *command, json_object *params,
				const char *list_key,
				int (*check)(struct mk_cs_request *, json_object *, char **),
				mk_cs_reply_fn cb, void *data);

void mk_cs_request_free(struct mk_cs_request *q); /* in no list any more */

/* Requests that only wait for the server to come back, or all, need not wait any longer. */
void mk_cs_wake(struct mk_cs *cs, bool all);

/* Handlers: one answer is told; a try has ended. */
int mk_cs_on_deliver(sd_event_source *s, void *data);
void mk_cs_on_try_done(CURL *easy, CURLcode result, void *data);

/* Tells it from the loop, in order. */
void mk_cs_deliver(struct mk_cs *cs, struct mk_cs_delivery *d);
void mk_cs_undeliver(struct mk_cs *cs, struct mk_cs_delivery *d);

/* Queue, timer and probe after anything changed. */
void mk_cs_update(struct mk_cs *cs);

/* settings.c */

/* Checks and fills in defaults. Returns 0, -EINVAL or -ENOMEM. */
int mk_cs_settings_copy(struct mk_cs_settings *ret, const struct mk_cs_config *config);
void mk_cs_settings_done(struct mk_cs_settings *s);

/* A copy of a text from outside without our keys and valid for D-Bus; NULL without memory. */
char *mk_cs_clean(const struct mk_cs *cs, const char *text);

/* try.c */

/* The check of a write's answer. */
int mk_cs_check_write(struct mk_cs_request *q, json_object *object, char **ret_why);

/* Makes the handle and gives it to curl. Returns 0, or -ENOMEM and nothing was sent. */
int mk_cs_try_start(struct mk_cs_request *q);
/* Stops and forgets the try; wipes its body. */
void mk_cs_try_stop(struct mk_cs_request *q);
/* What the end of the running try means; takes the handle out and forgets it. */
void mk_cs_try_end(struct mk_cs_request *q, CURLcode result, struct mk_cs_verdict *ret);
void mk_cs_verdict_done(struct mk_cs_verdict *v);

/* list.c */

/* Takes a page's rows. Returns 1 if there may be more, 0 at the end, or a negative errno with a
 * sentence, and nothing was taken. */
int mk_cs_list_take(struct mk_cs_request *q, json_object *object, char **ret_why);
/* Starts again from the first page. */
int mk_cs_list_restart(struct mk_cs_request *q);
/* The page size that CloudStack allows, from its refusal of a larger one; 0 if it is another text. */
unsigned mk_cs_list_allowed_size(const char *text);
/* True if the command takes listall=true. */
bool mk_cs_list_takes_listall(const char *command);

/* jobs.c */
int mk_cs_poller_new(struct mk_cs *cs, struct mk_cs_poller **ret);
struct mk_cs_poller *mk_cs_poller_free(struct mk_cs_poller *p);
bool mk_cs_poller_busy(struct mk_cs_poller *p); /* jobs are being followed */
void mk_cs_poller_reconfigured(struct mk_cs_poller *p);
