/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client's core: the queue of requests, retries of reads, what the end of a try means for its
 * request, whether CloudStack is reachable, and the delivery of answers from the loop. */

#include "cloudstack-internal.h"

#include <sys/random.h>

#define TRIES_401    3
#define TRIES_5XX    5
#define SLOW_FACTOR  4 /* a 401's first back-off, in first back-offs of other failures */
#define EXPONENT_MAX 16
#define WRITE_WAIT   USEC_PER_SEC /* in the queue: the look that asked for it grows old */

/* ---- answers to the caller ------------------------------------------------------------------- */

void mk_cs_deliver(struct mk_cs *cs, struct mk_cs_delivery *d)
{
	TAILQ_INSERT_TAIL(&cs->deliveries, d, link);
	sd_event_source_set_enabled(cs->deliver, SD_EVENT_ON);
}

void mk_cs_undeliver(struct mk_cs *cs, struct mk_cs_delivery *d)
{
	TAILQ_REMOVE(&cs->deliveries, d, link);
}

/* One a turn: whatever it calls may free the client, so nothing is touched after it. */
int mk_cs_on_deliver(sd_event_source *s, void *data)
{
	struct mk_cs_delivery *d;
	struct mk_cs *cs = data;

	if (cs->status_changed) {
		cs->status_changed = false;
		if (cs->on_change)
			cs->on_change(cs->on_change_data);
		return 0;
	}

	d = TAILQ_FIRST(&cs->deliveries);
	if (!d) {
		sd_event_source_set_enabled(s, SD_EVENT_OFF);
		return 0;
	}

	TAILQ_REMOVE(&cs->deliveries, d, link);
	d->deliver(d);
	return 0;
}

void mk_cs_request_free(struct mk_cs_request *q)
{
	free(q->command);
	json_object_put(q->params);
	free(q->list_key);
	json_object_put(q->rows);
	json_object_put(q->ids);
	free(q->text);
	json_object_put(q->answer);
	free(q);
}

static struct mk_cs_request *request_of(struct mk_cs_delivery *d)
{
	return (void *)((char *)d - offsetof(struct mk_cs_request, delivery));
}

static void forget_reply(struct mk_cs_delivery *d)
{
	mk_cs_request_free(request_of(d));
}

static void deliver_reply(struct mk_cs_delivery *d)
{
	struct mk_cs_request *q = request_of(d);
	struct mk_cs_reply reply = {
		.outcome = q->outcome,
		.code = q->code,
		.cs_code = q->cs_code,
		.text = str_or_empty(q->text),
		.body = q->answer,
	};

	q->state = MK_CS_REQUEST_DELIVERING;
	q->cb(&reply, q->data);
	mk_cs_request_free(q);
}

/* ---- lists of requests ----------------------------------------------------------------------- */

/* Takes it out of the list of its state. */
static void leave(struct mk_cs_request *q)
{
	struct mk_cs *cs = q->cs;

	switch (q->state) {
	case MK_CS_REQUEST_QUEUED:
		TAILQ_REMOVE(&cs->queued, q, link);
		break;
	case MK_CS_REQUEST_RUNNING:
		TAILQ_REMOVE(&cs->running, q, link);
		cs->n_running--;
		break;
	case MK_CS_REQUEST_WAITING:
		TAILQ_REMOVE(&cs->waiting, q, link);
		break;
	case MK_CS_REQUEST_DONE:
		mk_cs_undeliver(cs, &q->delivery);
		break;
	case MK_CS_REQUEST_DELIVERING:
		break;
	}
}

static void enqueue(struct mk_cs_request *q, bool first)
{
	q->state = MK_CS_REQUEST_QUEUED;
	if (first)
		TAILQ_INSERT_HEAD(&q->cs->queued, q, link);
	else
		TAILQ_INSERT_TAIL(&q->cs->queued, q, link);
}

/* In front of the reads: the look that asked for it is still fresh. */
static void enqueue_write(struct mk_cs_request *q)
{
	struct mk_cs_request *read;

	TAILQ_FOREACH(read, &q->cs->queued, link)
		if (!read->write)
			break;

	q->state = MK_CS_REQUEST_QUEUED;
	q->asked = mk_now_monotonic();
	if (read)
		TAILQ_INSERT_BEFORE(read, q, link);
	else
		TAILQ_INSERT_TAIL(&q->cs->queued, q, link);
}

/* Exponential, with jitter between half and all of it. */
static uint64_t backoff(const struct mk_cs *cs, unsigned exponent, unsigned factor)
{
	const struct mk_cs_settings *s = &cs->settings;
	unsigned shift = exponent < EXPONENT_MAX ? exponent : EXPONENT_MAX;
	uint64_t delay = (s->retry_min * factor) << shift;
	uint32_t random = 0;

	if (delay > s->retry_max)
		delay = s->retry_max;
	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	return delay / 2 + delay / 2 * (random >> 16) / UINT16_MAX;
}

static void wait_for(struct mk_cs_request *q, uint64_t delay, bool for_server)
{
	q->state = MK_CS_REQUEST_WAITING;
	q->not_before = mk_now_monotonic() + delay;
	q->wait_for_server = for_server;
	TAILQ_INSERT_TAIL(&q->cs->waiting, q, link);
}

static void retry(struct mk_cs_request *q, bool for_server)
{
	wait_for(q, backoff(q->cs, q->failures++, 1), for_server);
}

static void finish(struct mk_cs_request *q, enum mk_cs_outcome outcome, const char *text)
{
	q->outcome = outcome;
	q->text = text ? mk_cs_clean(q->cs, text) : NULL;
	q->state = MK_CS_REQUEST_DONE;
	q->cs->n_alive--;
	mk_cs_deliver(q->cs, &q->delivery);
}

/* ---- reachability ---------------------------------------------------------------------------- */

void mk_cs_wake(struct mk_cs *cs, bool all)
{
	struct mk_cs_request *q;

	TAILQ_FOREACH(q, &cs->waiting, link)
		if (all || q->wait_for_server)
			q->not_before = 0;
}

static void set_reachable(struct mk_cs *cs, bool reachable, const char *why)
{
	_cleanup_free_ char *status = mk_cs_clean(cs, str_or_empty(why));

	if (reachable && !cs->reachable)
		mk_cs_wake(cs, false);
	if (reachable != cs->reachable || !streq(str_or_empty(status), cs->status)) {
		cs->status_changed = true;
		sd_event_source_set_enabled(cs->deliver, SD_EVENT_ON);
	}

	cs->reachable = reachable;
	cs->credentials_refused = false;
	if (status) {
		free(cs->status);
		cs->status = take_ptr(status);
	}
}

static void on_probe(const struct mk_cs_reply *reply, void *data)
{
	struct mk_cs *cs = data;

	cs->probe = NULL;
	mk_cs_update(cs);
}

static struct mk_cs_request *request_new(struct mk_cs *cs, const char *command, json_object *params,
					 const char *list_key, mk_cs_reply_fn cb, void *data);

/* A read that is repeated until it is answered is all a probe has to be. */
static void update_probe(struct mk_cs *cs)
{
	bool others = cs->n_alive > (cs->probe && cs->probe->state != MK_CS_REQUEST_DONE);
	bool want = !cs->reachable && !others && !mk_cs_poller_busy(cs->poller);

	if (want && !cs->probe) {
		cs->probe = request_new(cs, "listCapabilities", NULL, NULL, on_probe, cs);
		if (cs->probe)
			wait_for(cs->probe,
				 cs->credentials_refused ? cs->settings.retry_max
							 : backoff(cs, 0, 1),
				 false);
	} else if (!want && cs->probe && cs->probe->state == MK_CS_REQUEST_WAITING) {
		struct mk_cs_request *probe = take_ptr(cs->probe);

		leave(probe);
		cs->n_alive--;
		mk_cs_request_free(probe);
	}
}

/* ---- the queue ------------------------------------------------------------------------------- */

static void start(struct mk_cs_request *q)
{
	struct mk_cs *cs = q->cs;

	leave(q);
	if (q->write && mk_now_monotonic() - q->asked > WRITE_WAIT) {
		finish(q, MK_CS_NOT_RUN, "It had to wait too long for its turn");
		return;
	}
	if (mk_cs_try_start(q) < 0) {
		if (q->write)
			finish(q, MK_CS_NOT_RUN, "There is no memory to send it");
		else
			retry(q, false);
		return;
	}

	q->state = MK_CS_REQUEST_RUNNING;
	TAILQ_INSERT_TAIL(&cs->running, q, link);
	cs->n_running++;
	cs->sent++;
}

static void end_waits(struct mk_cs *cs, uint64_t now)
{
	struct mk_cs_request *q, *next;

	for (q = TAILQ_FIRST(&cs->waiting); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->not_before <= now) {
			leave(q);
			enqueue(q, false);
		}
	}
}

static void set_timer(struct mk_cs *cs)
{
	uint64_t next = USEC_INFINITY;
	struct mk_cs_request *q;

	TAILQ_FOREACH(q, &cs->waiting, link)
		if (q->not_before < next)
			next = q->not_before;
	if (!TAILQ_EMPTY(&cs->queued) && cs->n_running < cs->settings.max_requests &&
	    cs->paused_until < next)
		next = cs->paused_until;

	if (next == USEC_INFINITY) {
		sd_event_source_set_enabled(cs->timer, SD_EVENT_OFF);
		return;
	}

	sd_event_source_set_time(cs->timer, next);
	sd_event_source_set_enabled(cs->timer, SD_EVENT_ONESHOT);
}

void mk_cs_update(struct mk_cs *cs)
{
	uint64_t now = mk_now_monotonic();

	update_probe(cs);
	end_waits(cs, now);
	while (now >= cs->paused_until && cs->n_running < cs->settings.max_requests &&
	       !TAILQ_EMPTY(&cs->queued))
		start(TAILQ_FIRST(&cs->queued));
	set_timer(cs);
}

/* ---- what a try's end does ------------------------------------------------------------------- */

static void finish_with_body(struct mk_cs_request *q, const struct mk_cs_verdict *v,
			     enum mk_cs_outcome outcome)
{
	_cleanup_free_ char *text = NULL;

	q->code = v->body.code;
	q->cs_code = v->body.cs_code;
	if (!v->body.text)
		text = mk_strdup_printf("CloudStack refused %s with error %d and no text",
					q->command, q->code);
	finish(q, outcome, v->body.text ? v->body.text : text);
}

/* Certainly not run. A read is repeated; what a write is to change may be another by then. */
static void not_run(struct mk_cs_request *q, const struct mk_cs_verdict *v)
{
	if (!q->write)
		retry(q, v->kind == MK_CS_NOT_SENT);
	else if (v->kind == MK_CS_NOT_SENT)
		finish(q, MK_CS_NOT_RUN, v->why);
	else
		finish_with_body(q, v, MK_CS_NOT_RUN);
}

/* answered: CloudStack did answer, only not what it should have. */
static void garbled(struct mk_cs_request *q, const char *why, bool answered)
{
	if (q->write && answered)
		set_reachable(q->cs, true, "");
	else
		set_reachable(q->cs, false, why); /* a read goes on: let it be seen why */
	if (q->write)
		finish(q, MK_CS_UNKNOWN, why);
	else
		retry(q, true);
}

static void take_answer(struct mk_cs_request *q, const struct mk_cs_verdict *v)
{
	_cleanup_free_ char *why = NULL;
	int more;

	q->failures = q->n_401 = q->n_5xx = 0;
	if (!q->list_key) {
		q->answer = json_object_get(v->body.object);
		finish(q, MK_CS_OK, NULL);
		return;
	}

	more = mk_cs_list_take(q, v->body.object, &why);
	if (more > 0) {
		enqueue(q, true);
		return;
	}
	if (more < 0) {
		_cleanup_free_ char *text =
			mk_strdup_printf("CloudStack's answer to %s cannot be used: %s", q->command,
					 why ? why : "there is no memory to read it");

		garbled(q, text, true);
		return;
	}

	q->answer = json_object_get(q->rows);
	finish(q, MK_CS_OK, NULL);
}

/* An operator may have set default.page.size below our page size: take what CloudStack allows. */
static bool smaller_pages(struct mk_cs_request *q, const struct mk_cs_verdict *v)
{
	unsigned size = 0;

	if (q->list_key && v->body.code == 431 && v->body.text)
		size = mk_cs_list_allowed_size(v->body.text);
	if (size == 0 || mk_cs_list_restart(q) < 0)
		return false;

	q->cs->page_size = size < q->cs->page_size ? size : q->cs->page_size;
	enqueue(q, true);
	return true;
}

static void credentials(struct mk_cs_request *q, const struct mk_cs_verdict *v)
{
	_cleanup_free_ char *why = NULL;

	if (q->write) { /* a read finds out if it is for good */
		not_run(q, v);
		return;
	}

	/* it may pass: a clock, a disabled user, a source address (a database that is away is a 401, too, but its body is
	 * the word null) */
	if (q->n_401 < TRIES_401) {
		wait_for(q, backoff(q->cs, q->n_401++, SLOW_FACTOR), false);
		return;
	}

	why = mk_strdup_printf(
		"CloudStack at %s refuses our credentials (error 401: %s); check the "
		"API key, the secret key and this machine's clock",
		q->cs->settings.url, v->body.text ? v->body.text : "no text");
	set_reachable(q->cs, false, why);
	q->cs->credentials_refused = true;
	q->code = v->body.code;
	finish(q, MK_CS_REFUSED, why);
}

/* "… please retry after [873] ms." */
static uint64_t wait_named_in(const char *text)
{
	const char *p = text ? strstr(text, "retry after [") : NULL;
	unsigned long long ms = p ? strtoull(p + strlen("retry after ["), NULL, 10) : 0;

	return ms < 3600 * 1000 ? ms * USEC_PER_MSEC : USEC_INFINITY;
}

/* The account's budget is spent, so everything in the queue waits, not only this request. */
static void limited(struct mk_cs_request *q, const struct mk_cs_verdict *v)
{
	uint64_t now = mk_now_monotonic(), delay = wait_named_in(v->body.text), least = 0;
	struct mk_cs *cs = q->cs;

	if (now >= cs->paused_until) { /* not one of a burst that was under way already */
		if (cs->n_limited > 0 || delay == 0)
			least = backoff(cs, cs->n_limited, 1);
		cs->n_limited++;
	}

	delay = delay > least ? delay : least;
	delay = delay < cs->settings.retry_max ? delay : cs->settings.retry_max;
	if (now + delay > cs->paused_until)
		cs->paused_until = now + delay;
	if (q->write)
		not_run(q, v);
	else
		enqueue(q, true);
}

static void act(struct mk_cs_request *q, const struct mk_cs_verdict *v)
{
	switch (v->kind) {
	case MK_CS_ANSWER:
		take_answer(q, v);
		break;
	case MK_CS_ERROR:
		if (!smaller_pages(q, v))
			finish_with_body(q, v, v->outcome);
		break;
	case MK_CS_CREDENTIALS:
		credentials(q, v);
		break;
	case MK_CS_LIMITED:
		limited(q, v);
		break;
	case MK_CS_NOT_NOW:
		not_run(q, v);
		break;
	case MK_CS_TROUBLE:
		if (q->n_5xx++ < TRIES_5XX)
			retry(q, false);
		else
			finish_with_body(q, v, MK_CS_REFUSED);
		break;
	case MK_CS_GARBLED:
		garbled(q, v->why, v->body.object);
		break;
	case MK_CS_NOT_SENT:
		set_reachable(q->cs, false, v->why);
		not_run(q, v);
		break;
	}
}

void mk_cs_on_try_done(CURL *easy, CURLcode result, void *data)
{
	_cleanup_(mk_cs_verdict_done) struct mk_cs_verdict v = {};
	struct mk_cs_request *q = data;
	struct mk_cs *cs = q->cs;

	mk_cs_try_end(q, result, &v);
	leave(q);
	if (v.kind != MK_CS_LIMITED)
		cs->n_limited = 0;
	if (v.kind != MK_CS_GARBLED && v.kind != MK_CS_NOT_SENT && v.kind != MK_CS_CREDENTIALS)
		set_reachable(cs, true, "");
	act(q, &v);
	mk_cs_update(cs);
}

/* ---- the caller's side ----------------------------------------------------------------------- */

/* In no list yet. */
static struct mk_cs_request *request_new(struct mk_cs *cs, const char *command, json_object *params,
					 const char *list_key, mk_cs_reply_fn cb, void *data)
{
	struct mk_cs_request *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;

	q->cs = cs;
	q->delivery.deliver = deliver_reply;
	q->delivery.forget = forget_reply;
	q->cb = cb;
	q->data = data;
	q->command = strdup(command);
	if (!q->command ||
	    (list_key && (mk_str_set(&q->list_key, list_key) < 0 || mk_cs_list_restart(q) < 0)) ||
	    (params && json_object_deep_copy(params, &q->params, NULL) < 0)) {
		mk_cs_request_free(q);
		return NULL;
	}

	cs->n_alive++;
	return q;
}

struct mk_cs_request *mk_cs_ask(struct mk_cs *cs, const char *command, json_object *params,
				const char *list_key,
				int (*check)(struct mk_cs_request *, json_object *, char **),
				mk_cs_reply_fn cb, void *data)
{
	struct mk_cs_request *q = request_new(cs, command, params, list_key, cb, data);

	if (!q)
		return NULL;

	q->check = check;
	enqueue(q, false);
	mk_cs_update(cs);
	return q;
}

struct mk_cs_request *mk_cs_read(struct mk_cs *cs, const char *command, json_object *params,
				 const char *list_key, mk_cs_reply_fn cb, void *data)
{
	return mk_cs_ask(cs, command, params, list_key, NULL, cb, data);
}

struct mk_cs_request *mk_cs_write(struct mk_cs *cs, const char *command, json_object *params,
				  bool sync, mk_cs_reply_fn cb, void *data)
{
	struct mk_cs_request *q = request_new(cs, command, params, NULL, cb, data);

	if (!q)
		return NULL;

	q->write = true;
	q->sync = sync;
	q->check = mk_cs_check_write;
	enqueue_write(q);
	mk_cs_update(cs);
	return q;
}

bool mk_cs_request_left(const struct mk_cs_request *q)
{
	switch (q->state) {
	case MK_CS_REQUEST_QUEUED:
	case MK_CS_REQUEST_WAITING:
		return false;
	case MK_CS_REQUEST_RUNNING:
		return q->try.body_pos > 0;
	case MK_CS_REQUEST_DONE:
	case MK_CS_REQUEST_DELIVERING:
		return q->outcome != MK_CS_NOT_RUN;
	}
	return true;
}

void mk_cs_request_cancel(struct mk_cs_request *q)
{
	struct mk_cs *cs;

	if (!q || q->state == MK_CS_REQUEST_DELIVERING)
		return;

	cs = q->cs;
	if (q->state != MK_CS_REQUEST_DONE)
		cs->n_alive--;
	mk_cs_try_stop(q);
	leave(q);
	mk_cs_request_free(q);
	mk_cs_update(cs);
}

bool mk_cs_reachable(struct mk_cs *cs)
{
	return cs->reachable;
}

const char *mk_cs_status(struct mk_cs *cs)
{
	return cs->status;
}

void mk_cs_on_reachable(struct mk_cs *cs, void (*on_change)(void *data), void *data)
{
	cs->on_change = on_change;
	cs->on_change_data = data;
}

uint64_t mk_cs_requests_sent(struct mk_cs *cs)
{
	return cs->sent;
}
