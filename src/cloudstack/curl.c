/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drives curl's multi interface from sd-event: one event source for each socket, one timer, and the
 * ends of transfers. */

#include "curl-internal.h"

#include <sys/epoll.h>

struct mk_curl {
	sd_event *event;
	sd_event_source *timer; /* the only one: curl's own */
	CURLM *multi;
	mk_curl_done_fn done;
};

/* Every socket_action can end transfers, also others than the one it was called for. */
static void drain(struct mk_curl *c)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(c->multi, &left))) {
		CURL *easy = msg->easy_handle;
		CURLcode result = msg->data.result;
		char *data = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;

		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &data);
		curl_multi_remove_handle(c->multi, easy); /* frees msg */
		c->done(easy, result, data);
	}
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *data)
{
	struct mk_curl *c = data;
	int mask = 0, running;

	if (revents & (EPOLLIN | EPOLLHUP))
		mask |= CURL_CSELECT_IN;
	if (revents & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (revents & EPOLLERR)
		mask |= CURL_CSELECT_ERR;

	curl_multi_socket_action(c->multi, fd, mask, &running);
	drain(c);
	return 0;
}

static int on_time(sd_event_source *s, uint64_t usec, void *data)
{
	struct mk_curl *c = data;
	int running;

	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	drain(c);
	return 0;
}

/* From inside curl: only notes the time, never acts. */
static int on_curl_timer(CURLM *multi, long timeout_ms, void *data)
{
	struct mk_curl *c = data;

	if (timeout_ms < 0) {
		sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
		return 0;
	}

	sd_event_source_set_time(c->timer,
				 mk_now_monotonic() + (uint64_t)timeout_ms * USEC_PER_MSEC);
	sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
	return 0;
}

static uint32_t epoll_mask(int what)
{
	switch (what) {
	case CURL_POLL_IN:
		return EPOLLIN;
	case CURL_POLL_OUT:
		return EPOLLOUT;
	case CURL_POLL_INOUT:
		return EPOLLIN | EPOLLOUT;
	default:
		return 0;
	}
}

/*
 * Never returns -1: curl would then take the whole multi handle for dead. A socket that could not be
 * watched (no memory) ends with its transfer's time limit.
 */
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
	sd_event_source *s = socket_data;
	struct mk_curl *c = data;

	if (what == CURL_POLL_REMOVE) {
		/* allowed inside the source's own handler: sd-event holds a reference there */
		sd_event_source_disable_unref(s);
		if (s)
			curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}

	if (s) {
		sd_event_source_set_io_events(s, epoll_mask(what));
		return 0;
	}

	if (sd_event_add_io(c->event, &s, fd, epoll_mask(what), on_io, c) >= 0)
		curl_multi_assign(c->multi, fd, s);
	return 0;
}

int mk_curl_new(sd_event *event, unsigned max_connects, struct mk_curl **ret)
{
	_cleanup_(mk_curl_freep) struct mk_curl *c = NULL;
	int r;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;

	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;

	c->event = sd_event_ref(event);
	c->multi = curl_multi_init();
	if (!c->multi)
		return -ENOMEM;

	/* accuracy 0 would mean 250 ms of slack */
	r = sd_event_add_time(event, &c->timer, CLOCK_MONOTONIC, 0, 1, on_time, c);
	if (r < 0)
		return r;

	sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	mk_curl_set_max_connects(c, max_connects);

	*ret = take_ptr(c);
	return 0;
}

void mk_curl_set_max_connects(struct mk_curl *c, unsigned max_connects)
{
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)max_connects);
}

struct mk_curl *mk_curl_free(struct mk_curl *c)
{
	if (!c)
		return NULL;

	if (c->multi)
		curl_multi_cleanup(c->multi);
	sd_event_source_disable_unref(c->timer);
	sd_event_unref(c->event);
	free(c);
	return NULL;
}

int mk_curl_add(struct mk_curl *c, CURL *easy, void *data)
{
	if (curl_easy_setopt(easy, CURLOPT_PRIVATE, data) != CURLE_OK)
		return -ENOMEM;

	return curl_multi_add_handle(c->multi, easy) == CURLM_OK ? 0 : -ENOMEM;
}

void mk_curl_remove(struct mk_curl *c, CURL *easy)
{
	curl_multi_remove_handle(c->multi, easy);
}

void mk_curl_on_done(struct mk_curl *c, mk_curl_done_fn done)
{
	c->done = done;
}
