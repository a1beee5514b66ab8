/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* cloudstack-sim as a child, and its admin API (sim/README.md). */

#include "base/base.h"

#include <sys/types.h>

struct th_sim;

/*
 * args: more of its options, NULL-terminated, may be NULL. Its standard error goes to fd_log (-1: the
 * test's). NULL, with a note, when it cannot be started.
 */
struct th_sim *th_start(const char *const *args, int fd_log);
/* SIGTERM; true if it ended with 0. NULL is allowed. */
bool th_stop(struct th_sim *sim);

/* http://127.0.0.1:PORT/client/api */
const char *th_url(const struct th_sim *sim);
/* The API's URL that can be away (--door); without it th_url(). */
const char *th_door(const struct th_sim *sim);
unsigned th_port(const struct th_sim *sim);
pid_t th_pid(const struct th_sim *sim);
/* The mocked /sys and /dev of --hypervisor umockdev; "" without it. */
const char *th_umockdev(const struct th_sim *sim);

/*
 * GET (body NULL) or POST of /admin/<what>. Returns the answer's JSON, or NULL with a note when it
 * is not 200. The caller puts it.
 */
json_object *th_admin(struct th_sim *sim, const char *what, const char *body);

/* A signed request of the API itself, as an account's own client would make it. The body's JSON, or NULL. */
json_object *th_api(struct th_sim *sim, const char *signed_body);
