/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* curl's multi interface on sd-event: transfers run while the loop runs. */

#include "base/base.h"

#include <curl/curl.h>
#include <systemd/sd-event.h>

struct mk_curl;

/* A transfer has ended. Its handle has been taken out of curl already and belongs to the caller
 * again. The function may add and remove transfers; it must not call mk_curl_free(). */
typedef void (*mk_curl_done_fn)(CURL *easy, CURLcode result, void *data);

/* max_connects: how many idle connections are kept. Returns 0 or a negative errno. */
int mk_curl_new(sd_event *event, unsigned max_connects, struct mk_curl **ret);
void mk_curl_set_max_connects(struct mk_curl *c, unsigned max_connects);

/* All transfers must have been removed. NULL is allowed; always returns NULL. */
struct mk_curl *mk_curl_free(struct mk_curl *c);
DEFINE_CLEANUP(struct mk_curl *, mk_curl_free)

/*
 * Starts a transfer; no callback runs before the loop runs again. The handle is borrowed until
 * `done` runs for it or it is removed. data becomes its CURLOPT_PRIVATE and is given to `done`.
 * Returns 0 or a negative errno.
 */
int mk_curl_add(struct mk_curl *c, CURL *easy, void *data);

/* Stops a transfer; `done` does not run for it. Not allowed from within one of its own curl
 * callbacks. */
void mk_curl_remove(struct mk_curl *c, CURL *easy);

/* Sets the function that is called at the end of each transfer; before the first transfer. */
void mk_curl_on_done(struct mk_curl *c, mk_curl_done_fn done);
