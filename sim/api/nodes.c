/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The management servers, and the balancer before them. A server alone is reached directly: while it is down nobody can
 * connect to it. Of two the balancer takes the one that is up; if that is none, or not the one that the test wants, it
 * answers by itself.
 */

#include "api-internal.h"
#include "jobs/jobs.h"
#include "model/model.h"

static unsigned n_nodes(const struct server *s)
{
	return streq(sim_get_text(s->sim, "servers"), "2") ? 2 : 1;
}

const char *nodes_name(const struct server *s, unsigned node)
{
	return s->sim->servers[node].name;
}

unsigned nodes_find(struct server *s, const char *name)
{
	for (unsigned i = 0; i < n_nodes(s); i++)
		if (streq(nodes_name(s, i), name))
			return i;
	return NODE_NONE;
}

unsigned nodes_choose(struct server *s, const struct http_request *r)
{
	const char *balance = sim_get_text(s->sim, "balance");
	unsigned n = n_nodes(s), pinned = n > 1 ? nodes_find(s, balance) : NODE_NONE, node;

	if (pinned != NODE_NONE)
		return s->nodes[pinned].down ? NODE_NONE : pinned;

	node = (streq(balance, "connection") ? http_connection(r) : s->turn++) % n;
	for (unsigned i = 0; i < n; i++, node = (node + 1) % n)
		if (!s->nodes[node].down)
			return node;
	return NODE_NONE;
}

void nodes_refuse(struct server *s, struct http_request *r)
{
	struct http_answer none = { 0 };

	if (n_nodes(s) > 1)
		http_reply_html(r, 503, "Service Unavailable");
	else
		http_reply(r, &none, HTTP_DROP, 0);
}

/* --- death and start --- */

static int on_online(sd_event_source *source, uint64_t usec, void *data)
{
	struct server *s = data;

	s->online = sd_event_source_disable_unref(s->online);
	(void)sim_set(s->sim, "hosts-offline", "false");
	return 0;
}

/* A started server has no connection to its hosts yet. */
static void lose_hosts(struct server *s, unsigned ms)
{
	s->online = sd_event_source_disable_unref(s->online);
	if (ms == 0)
		return;

	(void)sim_set(s->sim, "hosts-offline", "true");
	(void)sd_event_add_time(s->event, &s->online, CLOCK_MONOTONIC,
				mk_now_monotonic() + ms * USEC_PER_MSEC, 1, on_online, s);
}

static void start(struct server *s, unsigned node)
{
	struct node *n = &s->nodes[node];

	n->start = sd_event_source_disable_unref(n->start);
	n->down = false;
	sim_server_starts(s->sim, node, n->other_id);
	lose_hosts(s, n->offline_ms);
	if (s->unreachable)
		(void)http_come_back(&s->door);
	s->unreachable = false;
}

static int on_start(sd_event_source *source, uint64_t usec, void *data)
{
	struct node *n = data;

	start(n->server, (unsigned)(n - n->server->nodes));
	return 0;
}

static void kill_one(struct server *s, unsigned node, const struct node_death *how)
{
	struct node *n = &s->nodes[node];

	n->start = sd_event_source_disable_unref(n->start);
	n->down = true;
	n->other_id = how->other_id;
	n->offline_ms = how->offline_ms;
	sim_server_dies(s->sim, node, how->disk_stays);
	parked_die(s, node);
	http_drop_pending(s->http, node);
	if (s->door)
		http_drop_pending(s->door, node);
}

static void start_in(struct server *s, unsigned node, unsigned ms)
{
	struct node *n = &s->nodes[node];

	if (ms == 0)
		start(s, node);
	else if (sd_event_add_time(s->event, &n->start, CLOCK_MONOTONIC,
				   mk_now_monotonic() + ms * USEC_PER_MSEC, 1, on_start, n) < 0)
		abort();
}

void nodes_kill(struct server *s, unsigned first, unsigned end, const struct node_death *how)
{
	for (unsigned i = first; i < end; i++)
		kill_one(s, i, how);
	if (s->door && n_nodes(s) == 1 && (!how->starts || how->down_ms > 0)) {
		s->unreachable = true;
		http_go_away(s->door);
	}
	for (unsigned i = first; how->starts && i < end; i++)
		start_in(s, i, how->down_ms);
}

int nodes_begin(struct server *s)
{
	TAILQ_INIT(&s->parked);
	for (unsigned i = 0; i < SIM_SERVERS; i++)
		s->nodes[i].server = s;
	return past_new(s->event, s->sim, &s->past);
}

void nodes_end(struct server *s)
{
	for (unsigned i = 0; i < SIM_SERVERS; i++) {
		sd_event_source_disable_unref(s->nodes[i].start);
		parked_die(s, i);
	}
	sd_event_source_disable_unref(s->online);
	past_free(s->past);
}
