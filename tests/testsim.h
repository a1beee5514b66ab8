/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The simulator of CloudStack as a child process, and requests to its admin API, which sim/README.md describes. */

#include "base/base.h"

#include <sys/types.h>

struct th_sim;

/*
 * How long accepted work waits in a VM's queue, in ms, in the simulators that are started from now on (setting queue-ms;
 * CloudStack's is 2,000). 0, unless a test sets it: work begins at once. With TH_SCALED_BEAT it waits 20 times as long
 * as a job of 5 ms works, so that a race has CloudStack's proportions.
 */
extern unsigned th_queue_ms;
#define TH_SCALED_BEAT 100

/*
 * Starts the simulator, and returns when it serves. args are its options, NULL-terminated; may be NULL. If one of them
 * names umockdev, umockdev's library is preloaded. MK_SIMULATOR in the environment is another simulator's program, not
 * sanitized, than the one of this build. The simulator's standard error goes to fd_log; -1: to the test's.
 * Returns NULL if it cannot be started.
 */
struct th_sim *th_start(const char *const *args, int fd_log);
/* Ends the simulator by SIGTERM, and frees sim, which may be NULL. True if it ended with exit status 0. */
bool th_stop(struct th_sim *sim);

/* The URL of the API: http://127.0.0.1:PORT/client/api */
const char *th_url(const struct th_sim *sim);
/*
 * The API's URL on a second port that the test can close and open again (option --door). Without that option it is
 * th_url().
 */
const char *th_door(const struct th_sim *sim);
unsigned th_port(const struct th_sim *sim);
pid_t th_pid(const struct th_sim *sim);
/* The directory with the mocked /sys and /dev of --hypervisor umockdev; "" without that option. */
const char *th_umockdev(const struct th_sim *sim);

/*
 * Sends a request to /admin/WHAT: a GET if body is NULL, else a POST. Returns the answer's JSON, which the caller puts.
 * If the status is not 200, prints a TAP note and returns NULL.
 */
json_object *th_admin(struct th_sim *sim, const char *what, const char *body);

/*
 * POSTs a signed form to the API itself, as any client of the account would. Returns the JSON of the answer's body,
 * which the caller puts; NULL if there is none.
 */
json_object *th_api(struct th_sim *sim, const char *signed_body);
