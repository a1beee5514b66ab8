/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* curl's multi interface on sd-event: transfers run while the loop does. */

#include "base/base.h"

#include <curl/curl.h>
#include <systemd/sd-event.h>

struct mk_curl;

/*
 * A transfer has ended. Its handle has been taken out already and belongs to the caller again. May
 * add and remove transfers; must not call mk_curl_free().
 */
typedef void (*mk_curl_done_fn)(CURL *easy, CURLcode result, void *data);

/* max_connects: idle connections that are kept. Returns 0 or a negative errno. */
int mk_curl_new(sd_event *event, unsigned max_connects, struct mk_curl **ret);
void mk_curl_set_max_connects(struct mk_curl *c, unsigned max_connects);

/* All transfers must have been removed. NULL is allowed; always returns NULL. */
struct mk_curl *mk_curl_free(struct mk_curl *c);
DEFINE_CLEANUP(struct mk_curl *, mk_curl_free)

/*
 * Starts a transfer: nothing is called back before the loop runs again. The handle is borrowed until
 * done runs or it is removed; its CURLOPT_PRIVATE is data. Returns 0 or a negative errno.
 */
int mk_curl_add(struct mk_curl *c, CURL *easy, void *data);

/* Stops a transfer; done does not run for it. Not from within one of its own curl callbacks. */
void mk_curl_remove(struct mk_curl *c, CURL *easy);

void mk_curl_on_done(struct mk_curl *c, mk_curl_done_fn done);
