/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Making, reconfiguring and freeing the client. */

#include "cloudstack-internal.h"

static int on_timer(sd_event_source *s, uint64_t usec, void *data)
{
	mk_cs_update(data);
	return 0;
}

static int add_sources(struct mk_cs *cs)
{
	int r;

	r = sd_event_add_time(cs->event, &cs->timer, CLOCK_MONOTONIC, 0, 1, on_timer, cs);
	if (r < 0)
		return r;
	sd_event_source_set_enabled(cs->timer, SD_EVENT_OFF);

	r = sd_event_add_defer(cs->event, &cs->deliver, mk_cs_on_deliver, cs);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(cs->deliver, SD_EVENT_OFF);
}

static int set_headers(struct mk_cs *cs)
{
	/* curl would otherwise wait a second for "100 Continue" in front of large bodies */
	cs->headers = curl_slist_append(NULL, "Expect:");
	return cs->headers ? 0 : -ENOMEM;
}

int mk_cs_new(sd_event *event, const struct mk_cs_config *config, struct mk_cs **ret)
{
	_cleanup_(mk_cs_freep) struct mk_cs *cs = NULL;
	int r;

	cs = calloc(1, sizeof(*cs));
	if (!cs)
		return -ENOMEM;

	TAILQ_INIT(&cs->queued);
	TAILQ_INIT(&cs->running);
	TAILQ_INIT(&cs->waiting);
	TAILQ_INIT(&cs->deliveries);
	cs->event = sd_event_ref(event);
	cs->reachable = true;
	cs->page_size = MK_CS_PAGE_SIZE;
	cs->status = strdup("");
	if (!cs->status)
		return -ENOMEM;

	r = mk_cs_settings_copy(&cs->settings, config);
	if (r == 0)
		r = set_headers(cs);
	if (r == 0)
		r = add_sources(cs);
	if (r >= 0)
		r = mk_curl_new(event, cs->settings.max_requests, &cs->curl);
	if (r >= 0)
		r = mk_cs_poller_new(cs, &cs->poller);
	if (r < 0)
		return r;

	mk_curl_on_done(cs->curl, mk_cs_on_try_done);
	*ret = take_ptr(cs);
	return 0;
}

static void free_queue(struct mk_cs_queue *queue)
{
	struct mk_cs_request *q;

	while ((q = TAILQ_FIRST(queue))) {
		TAILQ_REMOVE(queue, q, link);
		mk_cs_try_stop(q);
		mk_cs_request_free(q);
	}
}

static void free_deliveries(struct mk_cs *cs)
{
	struct mk_cs_delivery *d;

	while ((d = TAILQ_FIRST(&cs->deliveries))) {
		TAILQ_REMOVE(&cs->deliveries, d, link);
		d->forget(d);
	}
}

struct mk_cs *mk_cs_free(struct mk_cs *cs)
{
	if (!cs)
		return NULL;

	free_deliveries(cs);
	free_queue(&cs->queued);
	free_queue(&cs->running);
	free_queue(&cs->waiting);
	mk_cs_poller_free(cs->poller);
	mk_curl_free(cs->curl);
	curl_slist_free_all(cs->headers);
	sd_event_source_disable_unref(cs->timer);
	sd_event_source_disable_unref(cs->deliver);
	sd_event_unref(cs->event);
	mk_cs_settings_done(&cs->settings);
	free(cs->status);
	free(cs);
	return NULL;
}

int mk_cs_reconfigure(struct mk_cs *cs, const struct mk_cs_config *config)
{
	struct mk_cs_settings settings = {};
	struct mk_cs_request *q;
	int r;

	r = mk_cs_settings_copy(&settings, config);
	if (r < 0)
		return r;

	mk_cs_settings_done(&cs->settings);
	cs->settings = settings;
	cs->page_size = MK_CS_PAGE_SIZE;
	cs->paused_until = 0;
	mk_curl_set_max_connects(cs->curl, cs->settings.max_requests);
	mk_cs_poller_reconfigured(cs->poller);
	TAILQ_FOREACH(q, &cs->waiting, link)
		q->n_401 = 0;
	mk_cs_wake(cs, true);
	mk_cs_update(cs);
	return 0;
}
