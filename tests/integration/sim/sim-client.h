/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* cloudstack-sim as a child, and requests to it with everything of the answer kept. For its own tests. */

#include "base/base.h"

#include <curl/curl.h>
#include <sys/types.h>

#define SC_API_KEY "mK7-demoKey_0123456789abcdefABCDEF"
#define SC_SECRET  "s3cr3t-DEMO_key-0123456789-abcdefghijklmnop"

struct sc {
	pid_t pid;
	unsigned port;
	char umockdev[128]; /* "" without */
	CURL *curl;
	/* of the last answer */
	CURLcode code;
	long status;
	char *headers, *body;
	size_t headers_size, body_size;
	json_object *json; /* the body, NULL if it is none */
};

/* Fails the test when it does not start. args: NULL-terminated, may be NULL. */
void sc_start(struct sc *c, const char *const *args);
/* Fails the test when it does not end with 0. */
void sc_stop(struct sc *c);
/* Runs it to its end: the exit status; -1 when a signal ended it. */
int sc_run(const char *const *args);

/* A request as it is: path from "/", body NULL for none, type NULL for a form. The status, 0 for no answer. */
long sc_request(struct sc *c, const char *method, const char *path, const char *body,
		const char *type);
/* A signed request of the API: its command, then names and values. method "GET" or "POST". */
#define sc_call(c, method, ...) sc_call_list(c, method, (const char *const[]){ __VA_ARGS__, NULL })
long sc_call_list(struct sc *c, const char *method, const char *const *texts);
/* The same with the parameters as an object, to which apikey and response are added; taken. */
long sc_call_json(struct sc *c, const char *method, const char *secret, json_object *params);
/* POST /admin/WHAT; fails the test if the answer is not 200. */
void sc_admin(struct sc *c, const char *what, const char *body);
/* GET /admin/WHAT. The caller puts it. */
json_object *sc_admin_get(struct sc *c, const char *what);

/* The object below the answer's one root key, and that key ("" for none). Borrowed. */
json_object *sc_root(struct sc *c, const char **ret_key);
/* errortext, "" for none. */
const char *sc_error(struct sc *c);
int64_t sc_int(struct sc *c, const char *key);
const char *sc_str(struct sc *c, const char *key);
/* A header's value, NULL for none. Static storage. */
const char *sc_header(struct sc *c, const char *name);
