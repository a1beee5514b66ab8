/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An HTTP server in the test's process that stands in for CloudStack. It runs on the test's event loop, so that the
 * test decides when each byte is sent. It checks each request as CloudStack would (method, headers, form, expiry,
 * signature), counts the bad ones, and leaves every answer to the test's handler.
 */

#include "base/base.h"
#include "canary.h"

#include <systemd/sd-event.h>

#define FAKE_API_KEY CANARY_API_KEY

struct fake_http;
struct fake_conn; /* a connection; valid until the server is freed, even when it is closed */

/* Called for each complete request. params is borrowed. */
typedef void (*fake_handler)(struct fake_conn *conn, const char *command, json_object *params,
			     void *data);

/* Listens on 127.0.0.1. port 0: any free port. Returns NULL on error. */
struct fake_http *fake_http_new(sd_event *event, unsigned port, fake_handler handler, void *data);
struct fake_http *fake_http_free(struct fake_http *h);
DEFINE_CLEANUP(struct fake_http *, fake_http_free)

unsigned fake_http_port(struct fake_http *h);
/* The key that signatures are checked with. */
void fake_http_set_secret(struct fake_http *h, const char *secret);
unsigned fake_http_connections(struct fake_http *h); /* accepted so far */
unsigned fake_http_bad(struct fake_http *h);         /* requests that CloudStack would not accept */

unsigned fake_conn_number(struct fake_conn *c); /* 1, 2, … in the order of accepting */

/* Sends an answer with this status and body. Nothing is sent on a closed connection, here and below. */
void fake_reply(struct fake_conn *c, int status, const char *body);
/* Sends bytes as they are. */
void fake_send(struct fake_conn *c, const void *data, size_t size);
/* Closes the connection as soon as everything has been sent. */
void fake_close(struct fake_conn *c);
/* Sends the headers of a long answer, and then one blank every 5 ms until the connection is closed. */
void fake_drip(struct fake_conn *c);
