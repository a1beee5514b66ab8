/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements cloudstack-env.h: plays a script to the CloudStack client. */

#include "cloudstack-env.h"

#include "cloudstack/wire.h"

#define PATIENCE (20 * USEC_PER_SEC)

static void send_huge(struct fake_conn *conn)
{
	size_t size = MK_CS_REPLY_MAX + 4096;
	_cleanup_free_ char *body = malloc(size + 1);

	memset(body, ' ', size);
	body[size] = '\0';
	fake_reply(conn, 200, body);
}

static void play(struct env *e, const struct talk *t, struct fake_conn *conn)
{
	static const char cut[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":{";

	switch (t->kind) {
	case TALK_REPLY:
		fake_reply(conn, t->status, t->body);
		break;
	case TALK_HOLD:
		e->held[e->n_held++] = conn;
		break;
	case TALK_CLOSE:
		fake_close(conn);
		break;
	case TALK_CUT:
		fake_send(conn, cut, sizeof(cut) - 1);
		fake_close(conn);
		break;
	case TALK_DRIP:
		fake_drip(conn);
		break;
	case TALK_HUGE:
		send_huge(conn);
		break;
	}
}

static void on_request(struct fake_conn *conn, const char *command, json_object *params, void *data)
{
	static const struct talk silence = SILENCE;
	struct env *e = data;
	const struct talk *t = e->talk && e->talk->command ? e->talk++ : &silence;

	if (e->n >= ARRAY_SIZE(e->conns))
		abort();
	json_object_array_add(e->requests, json_object_get(params));
	e->times[e->n] = mk_now_monotonic();
	e->conns[e->n++] = conn;
	if (t->command && !streq(t->command, command)) {
		tap_note("request %u: %s instead of %s", e->n, command, t->command);
		e->n_unexpected++;
	}

	play(e, t, conn);
}

static void on_change(void *data)
{
	struct env *e = data;

	e->n_changes++;
}

void env_config(struct env *e, const struct talk *talk)
{
	*e = (struct env){ .talk = talk };
	CU_ASSERT_FATAL(sd_event_new(&e->event) >= 0);
	e->requests = json_object_new_array();
	e->http = fake_http_new(e->event, 0, on_request, e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e->http);
	fake_http_set_secret(e->http, SECRET);
	snprintf(e->url, sizeof(e->url), "http://127.0.0.1:%u/client/api", fake_http_port(e->http));
	e->config = (struct mk_cs_config){
		.url = e->url,
		.api_key = FAKE_API_KEY,
		.secret_key = SECRET,
		.max_requests = 8,
		.read_timeout = 10 * USEC_PER_SEC,
		.sync_timeout = 10 * USEC_PER_SEC,
		.poll_min = 4 * USEC_PER_MSEC,
		.poll_max = 20 * USEC_PER_MSEC,
		.retry_min = 2 * USEC_PER_MSEC,
		.retry_max = 200 * USEC_PER_MSEC,
	};
}

void env_start(struct env *e)
{
	CU_ASSERT_EQUAL_FATAL(mk_cs_new(e->event, &e->config, &e->cs), 0);
	mk_cs_on_reachable(e->cs, on_change, e);
}

void env_open(struct env *e, const struct talk *talk)
{
	env_config(e, talk);
	env_start(e);
}

void env_close(struct env *e)
{
	CU_ASSERT_EQUAL(e->n_unexpected, 0);
	if (e->http)
		CU_ASSERT_EQUAL(fake_http_bad(e->http), 0);
	CU_ASSERT(!e->talk || !e->talk->command); /* all was said */
	mk_cs_free(e->cs);
	fake_http_free(e->http);
	json_object_put(e->requests);
	sd_event_unref(e->event);
}

const char *env_command(struct env *e, unsigned i)
{
	return env_param(e, i, "command");
}

const char *env_param(struct env *e, unsigned i, const char *name)
{
	return mk_json_str(json_object_array_get_idx(e->requests, i), name, "");
}

void env_until(struct env *e, const unsigned *n, unsigned least)
{
	uint64_t end = mk_now_monotonic() + PATIENCE;

	while (*n < least && mk_now_monotonic() < end)
		sd_event_run(e->event, 100 * USEC_PER_MSEC);
	CU_ASSERT_FATAL(*n >= least);
}

void env_idle(struct env *e, uint64_t usec)
{
	uint64_t end = mk_now_monotonic() + usec, now;

	while ((now = mk_now_monotonic()) < end)
		sd_event_run(e->event, end - now);
}

static void take(struct answer *a, const char *text, json_object *body)
{
	a->n++;
	(void)mk_str_set(&a->text, text);
	json_object_put(a->body);
	a->body = json_object_get(body);
}

void on_answer(const struct mk_cs_reply *reply, void *data)
{
	struct answer *a = data;

	a->outcome = reply->outcome;
	a->code = reply->code;
	a->cs_code = reply->cs_code;
	take(a, reply->text, reply->body);
}

void on_job(const struct mk_cs_job *job, void *data)
{
	struct answer *a = data;

	a->status = job->status;
	a->code = job->code;
	take(a, job->text, job->result);
}

void answer_done(struct answer *a)
{
	free(a->text);
	json_object_put(a->body);
}
