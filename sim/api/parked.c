/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Requests that wait before they are run: for the database, or because they are still on their way. A server does not
 * notice that a client gives up: such a request is run all the same.
 */

#include "api-internal.h"

struct parked {
	TAILQ_ENTRY(parked) link;
	struct server *server;
	struct http_request *http; /* NULL: the client has given up */
	unsigned node;
	enum parked_for what;
	parked_fn fn;
	void *data;
	sd_event_source *timer;
};

static void on_gone(void *data)
{
	struct parked *p = data;

	p->http = NULL;
}

static void end(struct parked *p, enum parked_end how)
{
	struct http_request *http = p->http;
	parked_fn fn = p->fn;
	void *data = p->data;

	TAILQ_REMOVE(&p->server->parked, p, link);
	sd_event_source_disable_unref(p->timer);
	if (http)
		http_on_gone(http, NULL, NULL);
	free(p);
	fn(http, how, data);
}

static int on_time(sd_event_source *s, uint64_t usec, void *data)
{
	end(data, END_TIME);
	return 0;
}

int park(struct server *s, struct http_request *http, unsigned node, enum parked_for what,
	 unsigned ms, parked_fn fn, void *data)
{
	struct parked *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;

	*p = (struct parked){
		.server = s, .http = http, .node = node, .what = what, .fn = fn, .data = data
	};
	r = sd_event_add_time(s->event, &p->timer, CLOCK_MONOTONIC,
			      mk_now_monotonic() + ms * USEC_PER_MSEC, 1, on_time, p);
	if (r < 0) {
		free(p);
		return r;
	}

	TAILQ_INSERT_TAIL(&s->parked, p, link);
	http_on_gone(http, on_gone, p);
	return 0;
}

/* Ends those of a kind. */
static void end_all(struct server *s, enum parked_end how,
		    bool (*is)(const struct parked *p, unsigned n), unsigned n)
{
	struct parked *p, *next;

	for (p = TAILQ_FIRST(&s->parked); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (is(p, n))
			end(p, how);
	}
}

static bool waits_for_database(const struct parked *p, unsigned n)
{
	return p->what == FOR_DATABASE;
}

static bool is_on_node(const struct parked *p, unsigned n)
{
	return p->node == n;
}

void parked_go_on(struct server *s)
{
	end_all(s, END_DATABASE, waits_for_database, 0);
}

void parked_die(struct server *s, unsigned node)
{
	end_all(s, END_SERVER, is_on_node, node);
}
