/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The two faces of the simulator: CloudStack's API, and the requests of tests below /admin. What main() makes and
 * frees is in struct server.
 */

#include "hypervisor/hypervisor.h"
#include "http/http.h"
#include "log/log.h"
#include "model/sim.h"

#include <sys/queue.h>

struct fault;
TAILQ_HEAD(faults, fault);
struct parked;
TAILQ_HEAD(all_parked, parked);
struct past;

/* A management server, sim_server of the same number. */
struct node {
	struct server *server;
	bool down, other_id;
	unsigned offline_ms;
	sd_event_source *start; /* when it is up again */
};

struct server {
	sd_event *event;
	struct sim *sim;
	struct http *http;
	struct http *door; /* the API alone; NULL without --door */
	struct sim_log *log;
	struct hypervisor *hv; /* NULL without */
	struct faults faults;
	struct node nodes[SIM_SERVERS];
	unsigned turn;           /* of the balancer */
	bool unreachable;        /* the door is closed because no management server is up */
	sd_event_source *online; /* the hosts are connected then */
	struct all_parked parked;
	struct past *past;    /* what the lagging server shows */
	int64_t clock_offset; /* of the server, in seconds */
};

void api_handle(struct server *s, struct http_request *r);

void admin_handle(struct server *s, struct http_request *r);
/* Any setting. -EINVAL: unknown key or bad value. */
int server_set(struct server *s, const char *key, const char *value);
void faults_clear(struct faults *faults);
/* Before and after the loop. */
int nodes_begin(struct server *s);
void nodes_end(struct server *s);
