/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One HTTP server on 127.0.0.1, by libmicrohttpd on the event loop. */

#include "base/base.h"

#include <systemd/sd-event.h>

#define HTTP_JSON "application/json;charset=utf-8"
#define HTTP_XML  "text/xml;charset=utf-8"
#define HTTP_HTML "text/html;charset=iso-8859-1"

struct http;
struct http_request;

/* body (may hold any bytes), description (X-Description) and location are owned; NULL for none. */
struct http_answer {
	unsigned status;
	const char *type; /* static; NULL for none */
	char *body;
	size_t size;
	char *description, *location;
	bool of_api; /* it gets the API's security headers */
	bool close;  /* the connection ends with it */
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
/* Unanswered requests of the API with this mark lose their connection, held ones included. */
void http_drop_pending(struct http *http, unsigned mark);

/* The caller's own, for http_drop_pending(); 0 at first. */
void http_set_mark(struct http_request *r, unsigned mark);
/* The number of its connection, which gets one when it is asked for: 0, 1, … */
unsigned http_connection(const struct http_request *r);
const char *http_method(const struct http_request *r);
const char *http_path(const struct http_request *r);  /* as sent, up to the '?' */
const char *http_query(const struct http_request *r); /* as sent, after the '?'; NULL for none */
/* The body, NUL-terminated; "" for none. *ret_size may be NULL. */
const char *http_body(const struct http_request *r, size_t *ret_size);
bool http_body_is_form(const struct http_request *r);
const char *http_host(const struct http_request *r); /* the header; NULL for none */

/* Answers; answer is emptied. Once a request. */
void http_reply(struct http_request *r, struct http_answer *answer, enum http_delivery delivery,
		unsigned ms);
/* A proxy's page. */
void http_reply_html(struct http_request *r, unsigned status, const char *text);
/* Takes the body's reference. */
void http_reply_json(struct http_request *r, unsigned status, json_object *body);
/* gone is called when the request is about to be freed: sent, dropped, or given up by the client. */
void http_on_gone(struct http_request *r, void (*gone)(void *data), void *data);
