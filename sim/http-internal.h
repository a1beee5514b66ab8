/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Shared by the files of the simulator's HTTP side. The lower ones are http (the HTTP server), request (parameters and
 * signature), faults, log (what was received) and hypervisor. On top of them api serves CloudStack's API, and admin
 * the requests of tests.
 */

#include "sim.h"

#include <sys/queue.h>

/* --- http.c: one server on 127.0.0.1 --- */

#define HTTP_JSON "application/json; charset=UTF-8"
#define HTTP_HTML "text/html; charset=iso-8859-1"

struct http;
struct http_request;

/* body (may hold any bytes) and description (X-Description, NULL for none) are owned. */
struct http_answer {
	unsigned status;
	const char *type; /* static */
	char *body;
	size_t size;
	char *description;
};

enum http_delivery {
	HTTP_SEND, /* after ms */
	HTTP_DROP, /* after ms the connection is closed without an answer */
	HTTP_HOLD, /* sent at http_release(), unless the client gives up first */
	HTTP_DRIP, /* one byte every ms */
};

/* Called with a whole request. http_reply() must be called for it, now or later. */
typedef void (*http_handler_fn)(struct http_request *r, void *data);

int http_new(sd_event *event, uint16_t port, http_handler_fn handler, void *data,
	     struct http **ret);
struct http *http_free(struct http *http);
DEFINE_CLEANUP(struct http *, http_free)
uint16_t http_port(const struct http *http);
/* From now on nobody can connect; what has been received is answered, and its connection closed. */
void http_go_away(struct http *http);
/* The same server on the same port again. Not from its own handler. */
int http_come_back(struct http **http);
/* Held answers are sent. */
void http_release(struct http *http);
/* Unanswered requests of the API lose their connection, held ones included. */
void http_drop_pending(struct http *http);

const char *http_method(const struct http_request *r);
const char *http_path(const struct http_request *r);  /* as sent, up to the '?' */
const char *http_query(const struct http_request *r); /* as sent, after the '?'; NULL for none */
/* The body, NUL-terminated; "" for none. *ret_size may be NULL. */
const char *http_body(const struct http_request *r, size_t *ret_size);
bool http_body_is_form(const struct http_request *r);

/* Answers; answer is emptied. Once a request. */
void http_reply(struct http_request *r, struct http_answer *answer, enum http_delivery delivery,
		unsigned ms);
/* A small page, as Jetty makes one. */
void http_reply_html(struct http_request *r, unsigned status, const char *text);
/* Takes the body's reference. */
void http_reply_json(struct http_request *r, unsigned status, json_object *body);
/* gone is called when the request is about to be freed: sent, dropped, or given up by the client. */
void http_on_gone(struct http_request *r, void (*gone)(void *data), void *data);

/* --- request.c: parameters and signature of one API request; no I/O --- */

struct request_param {
	char *name, *value; /* decoded, valid UTF-8; a value may hold NULs */
	size_t size;        /* of the value */
};

struct request {
	struct request_param *params;
	size_t n;
};

#define REQUEST_PARAMS_MAX 5000

/*
 * Adds the parameters of a query string or a form. keep_last: of two with the same name (case matters)
 * the last one stays, else the first. -EINVAL: bad percent code, not UTF-8; -E2BIG: too many.
 */
int request_add(struct request *q, const char *text, bool keep_last);
void request_done(struct request *q);
/* NULL if missing. any_case: of the name. */
const char *request_get(const struct request *q, const char *name, bool any_case);

/*
 * The string the server signs, from the decoded parameters as ApiServer.verifyRequest() builds it. The
 * caller frees.
 */
char *request_string_to_sign(const struct request *q);
bool request_signature_ok(const struct request *q, const char *secret);

/*
 * signatureversion=3's expires: ISO date-time with an offset. -EINVAL, or 0 with the seconds since the
 * epoch.
 */
int request_parse_expires(const char *text, int64_t *ret_time);

/* The first parameter that CloudStack refuses for its text: true with the 431's text. The caller frees it. */
bool request_bad_text(const struct request *q, char **ret_why);

/* For the model: names in lower case, without those of the transport (signature, apikey, …). NULL without memory. */
json_object *request_to_json(const struct request *q);

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

TAILQ_HEAD(faults, fault);

/* From the JSON of /admin/fault. -EINVAL with what is wrong; the caller frees it. */
int faults_add(struct faults *faults, struct sim *sim, json_object *spec, char **ret_why);
/* The fault that this request meets, NULL for none. Counts the request; valid until faults_clear(). */
const struct fault *faults_meet(struct faults *faults, const char *command);
void faults_clear(struct faults *faults);
/* Whether the command is not to be run. */
bool fault_prevents(const struct fault *f);
/* The answer of a fault that prevents the command; none for FAULT_DROP_BEFORE and FAULT_HTML. */
void fault_answer(const struct fault *f, const char *command, struct sim_answer *ret);
/* Damages the answer of a command that was run; how it is to be sent. */
enum http_delivery fault_apply(const struct fault *f, struct http_answer *answer, unsigned *ms);

/* --- log.c: what was received and what was executed --- */

struct sim_log;

int log_new(sd_event *event, struct sim_log **ret);
struct sim_log *log_free(struct sim_log *log);
DEFINE_CLEANUP(struct sim_log *, log_free)
void log_clear(struct sim_log *log);
/* A request; its entry gets status and job later. Borrowed, valid until log_clear(). */
json_object *log_received(struct sim_log *log, const char *command, const struct request *q);
void log_executed(const char *command, void *log);
/* When it happened last, for measurements: "job-done" (a client was told), "plug". */
void log_happened(struct sim_log *log, const char *what);
json_object *log_to_json(struct sim_log *log, bool entries);
/* Answers r when the counter has reached count, with 400 at the time-out. */
int log_wait(struct sim_log *log, struct http_request *r, const char *command, int64_t count,
	     bool executed, unsigned timeout_ms);

/* --- hypervisor.c --- */

struct hypervisor;

/*
 * "umockdev": mocked disks, -ENOTSUP unless under umockdev-wrapper; "qmp:SOCKET": those of a QEMU. -EINVAL: neither.
 */
int hypervisor_new(const char *name, sd_event *event, struct sim_log *log, struct hypervisor **ret);
struct hypervisor *hypervisor_free(struct hypervisor *hv);
DEFINE_CLEANUP(struct hypervisor *, hypervisor_free)
/* A line for whoever started us, NULL for none. */
const char *hypervisor_announce(const struct hypervisor *hv);
void hypervisor_hooks(struct hypervisor *hv, struct sim_hypervisor *ret);
/* Plugs the disks that the OMA has already, its root disk first; a QEMU has been started with its own. */
void hypervisor_boot(struct hypervisor *hv, struct sim *sim);
/* Settings "hv-…". -EINVAL: unknown key or bad value. */
int hypervisor_set(struct hypervisor *hv, const char *key, const char *value);
/* POST /admin/disk. -EINVAL with what is wrong; the caller frees it. */
int hypervisor_disk(struct hypervisor *hv, json_object *request, json_object *answer,
		    char **ret_why);

/* --- api.c, admin.c --- */

struct server {
	sd_event *event;
	struct sim *sim;
	struct http *http;
	struct http *door; /* the API alone; NULL without --door */
	struct sim_log *log;
	struct hypervisor *hv; /* NULL without */
	struct faults faults;
	char *api_key, *secret;
	int64_t clock_offset; /* of the server, in seconds */
	struct {
		uint64_t end; /* of the window, monotonic µs */
		int64_t used;
	} rate;
};

void api_handle(struct server *s, struct http_request *r);
/* Errors with CloudStack's words; command NULL: its root key is "errorresponse". */
void api_error(struct sim_answer *ret, const char *command, int code, int cs_code,
	       const char *text);
void api_unauthorized(struct sim_answer *ret, const char *command);
void api_rate_limited(struct sim_answer *ret, const char *command, uint64_t ms);
void api_in_maintenance(struct sim_answer *ret, const char *command);

void admin_handle(struct server *s, struct http_request *r);
/* Any setting. -EINVAL: unknown key or bad value. */
int server_set(struct server *s, const char *key, const char *value);
