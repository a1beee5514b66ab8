/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The simulator as a child process, and requests to it that keep the whole answer: status, headers and body. For the
 * simulator's own tests; the tests of the daemon use testsim.h.
 */

#include "base/base.h"

#include <curl/curl.h>
#include <sys/types.h>

#define SC_API_KEY "mK7-demoKey_0123456789abcdefABCDEF"
#define SC_SECRET  "s3cr3t-DEMO_key-0123456789-abcdefghijklmnop"

struct sc {
	pid_t pid;
	unsigned port;
	unsigned door;      /* the second one of --door; 0: none */
	char umockdev[128]; /* directory of the mocked /sys and /dev; "": none */
	CURL *curl;
	long timeout_ms; /* of the next requests; 0: as long as a test may take */
	/* the last answer */
	CURLcode code;
	long status;
	char *headers, *body;
	size_t headers_size, body_size;
	json_object *json; /* the parsed body; NULL if it is not JSON */
};

/*
 * Starts the simulator, with umockdev's library preloaded if one of args names umockdev. args: its options, NULL-terminated, may
 * be NULL. Fails the test, and ends it, if the simulator does not start.
 */
void sc_start(struct sc *c, const char *const *args);
/* Ends it by SIGTERM, and frees what c has. Fails the test unless the exit status is 0. */
void sc_stop(struct sc *c);
/* Runs a simulator that is to end by itself. Returns its exit status; -1 if a signal ended it. */
int sc_run(const char *const *args);

/*
 * Sends a request on a new connection. path begins with "/". body NULL: none. type: the Content-Type; NULL: that of a
 * form, if there is a body. Returns the status; 0 if there was no answer, and c->code says why.
 */
long sc_request(struct sc *c, const char *method, const char *path, const char *body,
		const char *type);
/* Sends a signed API request: the command, then names and values of its parameters. method: "GET" or "POST". */
#define sc_call(c, method, ...) sc_call_list(c, method, (const char *const[]){ __VA_ARGS__, NULL })
long sc_call_list(struct sc *c, const char *method, const char *const *texts);
/*
 * The same with the parameters as an object, whose reference is taken, and signed by the given secret key. apikey and
 * response are added.
 */
long sc_call_json(struct sc *c, const char *method, const char *secret, json_object *params);
/* POST /admin/WHAT. Fails the test, and ends it, unless the status is 200. */
void sc_admin(struct sc *c, const char *what, const char *body);
/* GET /admin/WHAT, with the same check. Returns the answer's JSON, which the caller puts. */
json_object *sc_admin_get(struct sc *c, const char *what);

/*
 * An answer of the API is an object with one root key. Returns the value below it, which belongs to c, and the key.
 * NULL and "" if the answer is no object. ret_key may be NULL.
 */
json_object *sc_root(struct sc *c, const char **ret_key);
/* Values below the root key. sc_error(): errortext. Without the key: "", and -1 for a number. */
const char *sc_error(struct sc *c);
int64_t sc_int(struct sc *c, const char *key);
const char *sc_str(struct sc *c, const char *key);
/* A header's value; NULL if the answer does not have it. Static storage. */
const char *sc_header(struct sc *c, const char *name);
