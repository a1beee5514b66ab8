/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The request log: counts what was received and executed, keeps the first 20000 requests, and answers /admin/wait
 * when a counter is reached.
 */

#include "log.h"

#include <sys/queue.h>

#define ENTRIES_MAX 20000 /* then only the counters go on */

struct waiter {
	LIST_ENTRY(waiter) link;
	struct http_request *request;
	sd_event_source *timer;
	char *command;
	int64_t count;
	bool executed;
};

struct sim_log {
	sd_event *event;
	json_object *received, *executed, *entries, *happened;
	LIST_HEAD(waiters, waiter) waiters;
};

void log_clear(struct sim_log *log)
{
	json_object_put(log->received);
	json_object_put(log->executed);
	json_object_put(log->entries);
	json_object_put(log->happened);
	log->happened = json_object_new_object();
	log->received = json_object_new_object();
	log->executed = json_object_new_object();
	log->entries = json_object_new_array();
}

int log_new(sd_event *event, struct sim_log **ret)
{
	struct sim_log *log = calloc(1, sizeof(*log));

	if (!log)
		return -ENOMEM;

	log->event = sd_event_ref(event);
	LIST_INIT(&log->waiters);
	log_clear(log);
	*ret = log;
	return 0;
}

struct sim_log *log_free(struct sim_log *log)
{
	if (!log)
		return NULL;

	json_object_put(log->received);
	json_object_put(log->executed);
	json_object_put(log->entries);
	json_object_put(log->happened);
	sd_event_unref(log->event);
	free(log);
	return NULL;
}

static json_object *counter_of(const struct sim_log *log, const struct waiter *w)
{
	return w->executed ? log->executed : log->received;
}

static void waiter_reply(struct waiter *w, bool reached)
{
	json_object *o = json_object_new_object();

	w->timer = sd_event_source_disable_unref(w->timer);
	if (reached)
		mk_json_set_bool(o, "ok", true);
	else
		mk_json_set_str(o, "error", "the time is over");
	http_reply_json(w->request, reached ? 200 : 400, o);
}

static void notify(struct sim_log *log, const char *command)
{
	struct waiter *w;

	LIST_FOREACH(w, &log->waiters, link)
		if (w->timer && streq(w->command, command) &&
		    mk_json_int(counter_of(log, w), command, 0) >= w->count)
			waiter_reply(w, true);
}

static void count(struct sim_log *log, json_object *counter, const char *command)
{
	mk_json_set_int(counter, command, mk_json_int(counter, command, 0) + 1);
	notify(log, command);
}

json_object *log_received(struct sim_log *log, const char *command, const struct request *q)
{
	json_object *entry = NULL;

	if (json_object_array_length(log->entries) < ENTRIES_MAX) {
		entry = json_object_new_object();
		mk_json_set_str(entry, "command", command);
		json_object_object_add(entry, "params", request_to_json(q, true));
		json_object_array_add(log->entries, entry);
	}

	count(log, log->received, command);
	return entry;
}

void log_executed(const char *command, void *data)
{
	struct sim_log *log = data;

	count(log, log->executed, command);
}

void log_happened(struct sim_log *log, const char *what)
{
	mk_json_set_int(log->happened, what, (int64_t)mk_now_monotonic());
}

json_object *log_to_json(struct sim_log *log, bool entries)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "received", json_object_get(log->received));
	json_object_object_add(o, "executed", json_object_get(log->executed));
	if (entries)
		json_object_object_add(o, "entries", json_object_get(log->entries));
	json_object_object_add(o, "happened", json_object_get(log->happened));
	return o;
}

static int on_time(sd_event_source *s, uint64_t usec, void *data)
{
	waiter_reply(data, false);
	return 0;
}

static void on_gone(void *data)
{
	struct waiter *w = data;

	LIST_REMOVE(w, link);
	sd_event_source_disable_unref(w->timer);
	free(w->command);
	free(w);
}

int log_wait(struct sim_log *log, struct http_request *r, const char *command, int64_t n,
	     bool executed, unsigned timeout_ms)
{
	struct waiter *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;

	w->request = r;
	w->command = strdup(command);
	w->count = n;
	w->executed = executed;
	LIST_INSERT_HEAD(&log->waiters, w, link);
	http_on_gone(r, on_gone, w);
	if (!w->command ||
	    sd_event_add_time(log->event, &w->timer, CLOCK_MONOTONIC,
			      mk_now_monotonic() + timeout_ms * USEC_PER_MSEC, 0, on_time, w) < 0)
		return -ENOMEM;

	notify(log, command);
	return 0;
}
