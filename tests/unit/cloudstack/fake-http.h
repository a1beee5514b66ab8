/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A CloudStack-shaped HTTP server inside the test: on the test's own loop, so that a test can see and
 * order every byte. It checks each request (method, form, expiry, signature) and leaves the answer to
 * the test's handler.
 */

#include "base/base.h"
#include "canary.h"

#include <systemd/sd-event.h>

#define FAKE_API_KEY CANARY_API_KEY

struct fake_http;
struct fake_conn; /* valid until the server is freed, also after it was closed */

/* One request has arrived whole. */
typedef void (*fake_handler)(struct fake_conn *conn, const char *command, json_object *params,
			     void *data);

/* port 0: any. Returns NULL on error. */
struct fake_http *fake_http_new(sd_event *event, unsigned port, fake_handler handler, void *data);
struct fake_http *fake_http_free(struct fake_http *h);
DEFINE_CLEANUP(struct fake_http *, fake_http_free)

unsigned fake_http_port(struct fake_http *h);
void fake_http_set_secret(struct fake_http *h, const char *secret);
unsigned fake_http_connections(struct fake_http *h); /* accepted so far */
unsigned fake_http_bad(struct fake_http *h);         /* requests that CloudStack would not take */

unsigned fake_conn_number(struct fake_conn *c); /* 1, 2, … in the order of accepting */

/* An answer with this status line's number and this body. */
void fake_reply(struct fake_conn *c, int status, const char *body);
/* Bytes as they are. */
void fake_send(struct fake_conn *c, const void *data, size_t size);
/* Closes once everything has been sent. */
void fake_close(struct fake_conn *c);
/* The headers, then a space every 5 ms, for ever. */
void fake_drip(struct fake_conn *c);
