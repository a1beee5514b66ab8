/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves how the CloudStack client queues, sends, cancels and frees requests, against the scripted server of
 * cloudstack-env.h. What the client makes of answers is in test-answers.c.
 */

#include "cloudstack-env.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#define LIST_EMPTY "{\"listvolumesresponse\":{}}"

/* fake-http checks what is the same for all requests; env_close() looks at its count. */
static void form(void)
{
	static const struct talk talk[] = {
		SAY("listVolumes", LIST_EMPTY),
		SAY("listCapabilities", CAPABLE),
		SAY("attachVolume", STARTED),
		SILENCE,
	};
	_cleanup_json_ json_object *params = json_object_new_object();
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	mk_json_set_str(params, "id", VOLUME);
	mk_json_set_str(params, "name", "é + & = ~*[0].key");
	env_open(&e, talk);
	CU_ASSERT(mk_cs_reachable(e.cs));
	CU_ASSERT_STRING_EQUAL(mk_cs_status(e.cs), "");

	mk_cs_read(e.cs, "listVolumes", params, "volume", on_answer, &a);
	CU_ASSERT_EQUAL(a.n, 0);
	env_until(&e, &a.n, 1);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_OK);
	CU_ASSERT_STRING_EQUAL(a.text, "");
	CU_ASSERT_STRING_EQUAL(env_param(&e, 0, "name"), "é + & = ~*[0].key");
	CU_ASSERT_STRING_EQUAL(env_param(&e, 0, "listall"), "true");

	mk_cs_read(e.cs, "listCapabilities", NULL, NULL, on_answer, &a);
	env_until(&e, &a.n, 2);
	CU_ASSERT_PTR_NOT_NULL(mk_json_get(a.body, "capability"));
	CU_ASSERT_STRING_EQUAL(env_param(&e, 1, "listall"), "");
	CU_ASSERT_STRING_EQUAL(env_param(&e, 1, "page"), "");

	mk_cs_write(e.cs, "attachVolume", params, false, on_answer, &a);
	env_until(&e, &a.n, 3);
	CU_ASSERT_STRING_EQUAL(mk_json_str(a.body, "jobid", ""), JOB_A);
	CU_ASSERT_EQUAL(mk_cs_requests_sent(e.cs), 3);
	CU_ASSERT_EQUAL(fake_http_connections(e.http), 1); /* kept */
	CU_ASSERT_EQUAL(e.n_changes, 0);
	CU_ASSERT_EQUAL(json_object_object_length(params), 2);
	env_close(&e);
}

static void gzip(void)
{
	static const char reply[] =
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 67\r\n\r\n"
		"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\xca\xc9\x2c\x2e\x49\x4e\x2c\x48"
		"\x4c\xca\xcc\xc9\x2c\xc9\x4c\x2d\x2e\x4a\x2d\x2e\xc8\xcf\x2b\x4e\x55\xb2\xaa\x56"
		"\x82\x8b\x57\x82\x78\x55\x99\x05\x4a\x56\x4a\x95\xa9\xc5\x4a\xb5\xb5\xb5\x00\xa5"
		"\x33\x87\x1e\x39\x00\x00\x00";
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_open(&e, NULL);
	mk_cs_read(e.cs, "listCapabilities", NULL, NULL, on_answer, &a);
	env_until(&e, &e.n_held, 1);
	fake_send(e.held[0], reply, sizeof(reply) - 1);
	env_until(&e, &a.n, 1);
	CU_ASSERT_STRING_EQUAL(mk_json_str(mk_json_get(a.body, "capability"), "zip", ""), "yes");
	env_close(&e);
}

/* At most four at a time, in the order of asking, on at most four connections. */
static void window(void)
{
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_config(&e, NULL);
	e.config.max_requests = 4;
	env_start(&e);
	for (int i = 0; i < 20; i++) {
		_cleanup_json_ json_object *params = json_object_new_object();

		mk_json_set_int(params, "i", i);
		mk_cs_read(e.cs, "listCapabilities", params, NULL, on_answer, &a);
	}

	for (unsigned i = 0; i < 20; i++) {
		env_until(&e, &e.n_held, i + 4 < 20 ? i + 4 : 20);
		env_idle(&e, USEC_PER_MSEC);
		CU_ASSERT_EQUAL(e.n_held, i + 4 < 20 ? i + 4 : 20);
		fake_reply(e.held[i], 200, CAPABLE);
		env_until(&e, &a.n, i + 1);
	}

	for (unsigned i = 4; i < 20; i++) { /* the first four race for their connections */
		_cleanup_free_ char *n = mk_strdup_printf("%u", i);

		CU_ASSERT_STRING_EQUAL(env_param(&e, i, "i"), n);
	}
	CU_ASSERT_EQUAL(fake_http_connections(e.http), 4);
	env_close(&e);
}

/* A write overtakes reads; one that had to wait too long for its turn does not leave at all. */
static void writes_do_not_wait(void)
{
	static const struct talk talk[] = {
		DO("listZones", TALK_HOLD),
		SAY("attachVolume", STARTED),
		DO("listNetworks", TALK_HOLD),
		SAY("listCapabilities", CAPABLE),
		SILENCE,
	};
	_cleanup_(answer_done) struct answer read = {}, write = {}, late = {};
	struct mk_cs_request *q;
	struct env e;

	env_config(&e, talk);
	e.config.max_requests = 1;
	env_start(&e);
	mk_cs_read(e.cs, "listZones", NULL, NULL, on_answer, &read);
	env_until(&e, &e.n_held, 1);
	mk_cs_read(e.cs, "listNetworks", NULL, NULL, on_answer, &read);
	q = mk_cs_write(e.cs, "attachVolume", NULL, false, on_answer, &write);
	CU_ASSERT(!mk_cs_request_left(q));
	fake_reply(e.held[0], 200, "{\"listzonesresponse\":{}}");
	env_until(&e, &write.n, 1);
	CU_ASSERT_EQUAL(write.outcome, MK_CS_OK);

	env_until(&e, &e.n_held, 2);
	q = mk_cs_write(e.cs, "attachVolume", NULL, false, on_answer, &late);
	mk_cs_read(e.cs, "listCapabilities", NULL, NULL, on_answer, &read);
	env_idle(&e, 1100 * USEC_PER_MSEC);
	CU_ASSERT(!mk_cs_request_left(q));
	fake_reply(e.held[1], 200, "{\"listnetworksresponse\":{}}");
	env_until(&e, &late.n, 1);
	CU_ASSERT_EQUAL(late.outcome, MK_CS_NOT_RUN);
	CU_ASSERT_EQUAL(late.code, 0);
	env_until(&e, &read.n, 3);
	env_close(&e);
}

/* Whether anything of a write has left is known at any time. */
static void left(void)
{
	static const struct talk talk[] = { DO("attachVolume", TALK_HOLD), SILENCE };
	_cleanup_(answer_done) struct answer a = {};
	struct mk_cs_request *q;
	struct env e;

	env_open(&e, talk);
	q = mk_cs_write(e.cs, "attachVolume", NULL, false, on_answer, &a);
	CU_ASSERT(!mk_cs_request_left(q)); /* connecting */
	env_until(&e, &e.n_held, 1);
	CU_ASSERT(mk_cs_request_left(q));
	mk_cs_request_cancel(q);
	env_close(&e);
}

static void cancel(void)
{
	static const struct talk
		talk
			[] = {
				DO("listZones", TALK_HOLD),
				DO("listApis", TALK_CLOSE), /* goes into back-off */
				SAY("listCapabilities", CAPABLE),
				SAY("listCapabilities", CAPABLE),
				SILENCE,
			};
	_cleanup_(answer_done) struct answer a = {}, b = {};
	struct mk_cs_request *running, *queued, *waiting, *done;
	struct env e;

	env_config(&e, talk);
	e.config.max_requests = 1;
	e.config.retry_min = e.config.retry_max = 200 * USEC_PER_SEC;
	env_start(&e);
	mk_cs_request_cancel(NULL);
	running = mk_cs_read(e.cs, "listZones", NULL, NULL, on_answer, &a);
	queued = mk_cs_read(e.cs, "listNetworks", NULL, NULL, on_answer, &a);
	waiting = mk_cs_read(e.cs, "listApis", NULL, NULL, on_answer, &a);
	env_until(&e, &e.n, 1);
	mk_cs_request_cancel(queued);
	mk_cs_request_cancel(running); /* makes room for the third */
	env_until(&e, &e.n_changes, 1);
	mk_cs_request_cancel(waiting);

	/* answered, but not told yet: the callback is held up behind another's */
	done = mk_cs_read(e.cs, "listCapabilities", NULL, NULL, on_answer, &a);
	while (mk_cs_reachable(e.cs) == false)
		sd_event_run(e.event, 100 * USEC_PER_MSEC);
	CU_ASSERT_EQUAL(a.n, 0);
	mk_cs_request_cancel(done);

	mk_cs_read(e.cs, "listCapabilities", NULL, NULL, on_answer, &b);
	env_until(&e, &b.n, 1);
	env_idle(&e, 20 * USEC_PER_MSEC);
	CU_ASSERT_EQUAL(a.n, 0);
	CU_ASSERT_EQUAL(e.n, 4);
	env_close(&e);
}

/* A body that comes byte by byte ends with the try, although something arrives all the time. */
static void drip(void)
{
	static const struct talk talk[] = {
		DO("listCapabilities", TALK_DRIP),
		SAY("listCapabilities", CAPABLE),
		DO("attachVolume", TALK_DRIP),
		DO("listCapabilities", TALK_HOLD), /* the probe */
		SILENCE,
	};
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_config(&e, talk);
	e.config.read_timeout = 200 * USEC_PER_MSEC;
	env_start(&e);
	mk_cs_read(e.cs, "listCapabilities", NULL, NULL, on_answer, &a);
	env_until(&e, &a.n, 1);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_OK);
	CU_ASSERT(e.times[1] - e.times[0] >= 150 * USEC_PER_MSEC);

	mk_cs_write(e.cs, "attachVolume", NULL, false, on_answer, &a);
	env_until(&e, &a.n, 2);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_UNKNOWN);
	CU_ASSERT_PTR_NOT_NULL(strstr(a.text, "did not answer attachVolume in time"));
	env_until(&e, &e.n, 4);
	env_close(&e);
}

/* One call of curl can end many transfers: all of them are seen. */
static void many_end_at_once(void)
{
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_config(&e, NULL);
	e.config.read_timeout = 200 * USEC_PER_MSEC;
	e.config.retry_min = e.config.retry_max = 200 * USEC_PER_SEC;
	env_start(&e);
	for (int i = 0; i < 8; i++)
		mk_cs_write(e.cs, "attachVolume", NULL, false, on_answer, &a);
	env_until(&e, &e.n_held, 8);
	while (mk_now_monotonic() < e.times[0] + 250 * USEC_PER_MSEC)
		; /* the loop stands still, so that all are late together */
	env_until(&e, &a.n, 8);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_UNKNOWN);
	env_close(&e);
}

/* deleteVolume: a fresh connection, and more time than the others. */
static void synchronous(void)
{
	static const struct talk talk[] = {
		SAY("listCapabilities", CAPABLE),
		DO("deleteVolume", TALK_HOLD),
		DO("deleteVolume", TALK_HOLD),
		SILENCE,
	};
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_config(&e, talk);
	e.config.read_timeout = 100 * USEC_PER_MSEC;
	env_start(&e);
	mk_cs_read(e.cs, "listCapabilities", NULL, NULL, on_answer, &a);
	env_until(&e, &a.n, 1);
	mk_cs_write(e.cs, "deleteVolume", NULL, true, on_answer, &a);
	env_until(&e, &e.n_held, 1);
	env_idle(&e, 200 * USEC_PER_MSEC);
	CU_ASSERT_EQUAL(a.n, 1);
	fake_reply(e.held[0], 200, "{\"deletevolumeresponse\":{\"success\":\"true\"}}");
	env_until(&e, &a.n, 2);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_OK);
	CU_ASSERT_EQUAL(fake_conn_number(e.conns[0]), 1);
	CU_ASSERT_EQUAL(fake_conn_number(e.conns[1]), 2);

	e.config.sync_timeout = 150 * USEC_PER_MSEC;
	CU_ASSERT_EQUAL(mk_cs_reconfigure(e.cs, &e.config), 0);
	mk_cs_write(e.cs, "deleteVolume", NULL, true, on_answer, &a);
	env_until(&e, &a.n, 3);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_UNKNOWN);
	env_close(&e);
}

/* curl would send a POST again when a reused connection dies; for a write it must not. */
static void at_most_once(void)
{
	static const struct talk talk[] = {
		SAY("listCapabilities", CAPABLE), DO("createVolume", TALK_CLOSE),
		SAY("listCapabilities", CAPABLE), DO("listCapabilities", TALK_CLOSE),
		SAY("listCapabilities", CAPABLE), SILENCE,
	};
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_config(&e, talk);
	e.config.retry_min = e.config.retry_max = 200 * USEC_PER_SEC;
	env_start(&e);
	mk_cs_read(e.cs, "listCapabilities", NULL, NULL, on_answer, &a);
	env_until(&e, &a.n, 1);
	mk_cs_write(e.cs, "createVolume", NULL, false, on_answer, &a);
	env_until(&e, &a.n, 2);
	CU_ASSERT_EQUAL(fake_conn_number(e.conns[1]), 1); /* it was the reused one */
	CU_ASSERT_EQUAL(a.outcome, MK_CS_UNKNOWN);
	CU_ASSERT_PTR_NOT_NULL(strstr(a.text, "createVolume"));
	tap_note("%s", a.text);

	/* a read is sent again by curl itself, without our back-off */
	mk_cs_read(e.cs, "listCapabilities", NULL, NULL, on_answer, &a);
	env_until(&e, &a.n, 3);
	mk_cs_read(e.cs, "listCapabilities", NULL, NULL, on_answer, &a);
	env_until(&e, &a.n, 4);
	CU_ASSERT_EQUAL(mk_cs_requests_sent(e.cs), 4);
	CU_ASSERT_EQUAL(e.n, 5);
	env_close(&e);
}

static void on_env_request(struct fake_conn *conn, const char *command, json_object *params,
			   void *data)
{
	struct env *e = data;

	e->n++;
	fake_reply(conn, 200, streq(command, "attachVolume") ? STARTED : CAPABLE);
}

/* Nobody listens: a read goes on, a write ends at once, as certainly not run; and it shows. */
static void refused_connection(void)
{
	_cleanup_(answer_done) struct answer a = {}, b = {};
	unsigned port;
	struct env e;

	env_config(&e, NULL);
	port = fake_http_port(e.http);
	e.http = fake_http_free(e.http);
	env_start(&e);
	mk_cs_write(e.cs, "attachVolume", NULL, false, on_answer, &b);
	mk_cs_read(e.cs, "listCapabilities", NULL, NULL, on_answer, &a);
	env_until(&e, &b.n, 1);
	CU_ASSERT_EQUAL(b.outcome, MK_CS_NOT_RUN);
	CU_ASSERT_EQUAL(b.code, 0);
	CU_ASSERT(starts_with(b.text, "No connection to CloudStack at http://"));
	CU_ASSERT(!mk_cs_reachable(e.cs));
	CU_ASSERT(starts_with(mk_cs_status(e.cs), "No connection to CloudStack at http://"));
	while (mk_cs_requests_sent(e.cs) < 8)
		sd_event_run(e.event, 100 * USEC_PER_MSEC);
	CU_ASSERT_EQUAL(a.n, 0);

	e.http = fake_http_new(e.event, port, on_env_request, &e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e.http);
	fake_http_set_secret(e.http, SECRET);
	env_until(&e, &a.n, 1);
	CU_ASSERT_EQUAL(e.n, 1); /* the read alone */
	CU_ASSERT_EQUAL(b.n, 1);
	CU_ASSERT(mk_cs_reachable(e.cs));
	CU_ASSERT_STRING_EQUAL(mk_cs_status(e.cs), "");
	env_close(&e);
}

static void no_such_host(void)
{
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_config(&e, NULL);
	e.config.url = "http://no-such-host.invalid/client/api";
	e.config.read_timeout = 300 * USEC_PER_MSEC;
	env_start(&e);
	mk_cs_write(e.cs, "attachVolume", NULL, false, on_answer, &a);
	env_until(&e, &e.n_changes, 1);
	env_until(&e, &a.n, 1);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_NOT_RUN);
	CU_ASSERT(starts_with(mk_cs_status(e.cs), "No connection to CloudStack at http://no-such"));
	tap_note("%s", mk_cs_status(e.cs));
	env_close(&e);
}

/* While nothing else is tried, listCapabilities finds out when CloudStack is back. */
static void probe(void)
{
	static const struct talk talk[] = {
		DO("attachVolume", TALK_CLOSE),
		DO("listCapabilities", TALK_CLOSE),
		DO("listCapabilities", TALK_CLOSE),
		SAY("listCapabilities", CAPABLE),
		DO("attachVolume", TALK_CLOSE),
		DO("listCapabilities", TALK_CLOSE),
		SAY("listZones",
		    "{\"listzonesresponse\":{}}"), /* a request of the caller's takes the probe's place */
		SILENCE,
	};
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_open(&e, talk);
	mk_cs_write(e.cs, "attachVolume", NULL, false, on_answer, &a);
	env_until(&e, &a.n, 1);
	CU_ASSERT(!mk_cs_reachable(e.cs));
	env_until(&e, &e.n, 4);
	while (!mk_cs_reachable(e.cs))
		sd_event_run(e.event, 100 * USEC_PER_MSEC);
	env_idle(&e, 20 * USEC_PER_MSEC);
	CU_ASSERT_EQUAL(e.n, 4);

	e.config.retry_min = e.config.retry_max = 200 * USEC_PER_SEC;
	mk_cs_write(e.cs, "attachVolume", NULL, false, on_answer, &a);
	env_until(&e, &a.n, 2);
	env_until(&e, &e.n, 6);
	CU_ASSERT_EQUAL(mk_cs_reconfigure(e.cs, &e.config), 0);
	mk_cs_read(e.cs, "listZones", NULL, NULL, on_answer, &a);
	env_until(&e, &a.n, 3);
	env_close(&e);
}

static void new_secret(void)
{
	static const struct talk talk[] = {
		SAY("listCapabilities", CAPABLE),
		SAY_ERROR("listCapabilities", 401, ERROR(401, "unable to verify")),
		SAY("listCapabilities", CAPABLE),
		SILENCE,
	};
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_config(&e, talk);
	env_start(&e);
	mk_cs_read(e.cs, "listCapabilities", NULL, NULL, on_answer, &a);
	env_until(&e, &a.n, 1);

	/* long waits: what is waiting is tried at once with the new secret */
	e.config.retry_min = e.config.retry_max = 200 * USEC_PER_SEC;
	CU_ASSERT_EQUAL(mk_cs_reconfigure(e.cs, &e.config), 0);
	mk_cs_read(e.cs, "listCapabilities", NULL, NULL, on_answer, &a);
	env_until(&e, &e.n, 2);
	env_idle(&e, 20 * USEC_PER_MSEC);
	fake_http_set_secret(e.http, "another-secret");
	e.config.secret_key = "another-secret";
	CU_ASSERT_EQUAL(mk_cs_reconfigure(e.cs, &e.config), 0);
	env_until(&e, &a.n, 2);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_OK);
	CU_ASSERT_EQUAL(fake_http_connections(e.http), 1);

	e.config.url = "ftp://x/"; /* refused: the old one stays */
	CU_ASSERT_EQUAL(mk_cs_reconfigure(e.cs, &e.config), -EINVAL);
	CU_ASSERT(mk_cs_reachable(e.cs));
	env_close(&e);
}

static void configuration(void)
{
	static const char *const urls[] = { "",
					    "nonsense with spaces",
					    "ftp://host/",
					    "file:///x",
					    "http://user:pw@host/",
					    "http://host/client/api?x=1",
					    "http://h/#x",
					    "http://host/\x01client" };
	struct mk_cs *cs = NULL;
	struct env e;

	env_config(&e, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		e.config.url = urls[i];
		CU_ASSERT_EQUAL(mk_cs_new(e.event, &e.config, &cs), -EINVAL);
	}

	e.config.url = e.url;
	e.config.max_requests = 129;
	CU_ASSERT_EQUAL(mk_cs_new(e.event, &e.config, &cs), -EINVAL);
	e.config.max_requests = 0;
	e.config.secret_key = "";
	CU_ASSERT_EQUAL(mk_cs_new(e.event, &e.config, &cs), -EINVAL);
	e.config.secret_key = SECRET;
	e.config.poll_min = 2 * e.config.poll_max;
	CU_ASSERT_EQUAL(mk_cs_new(e.event, &e.config, &cs), -EINVAL);
	CU_ASSERT_PTR_NULL(cs);
	CU_ASSERT_PTR_NULL(mk_cs_free(NULL));

	/* everything that may be left out */
	e.config = (struct mk_cs_config){ .url = e.url, .api_key = "a", .secret_key = "b" };
	CU_ASSERT_EQUAL(mk_cs_new(e.event, &e.config, &e.cs), 0);
	env_close(&e);
}

static void free_and_count(const struct mk_cs_reply *reply, void *data)
{
	struct env *e = data;

	e->n_changes++;
	e->cs = mk_cs_free(e->cs);
}

/* The client goes away inside a callback, with all kinds of things under way. */
static void free_in_callback(void)
{
	static const struct talk talk[] = { DO("listCapabilities", TALK_HOLD), SILENCE };
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_config(&e, talk);
	e.config.max_requests = 2;
	env_start(&e);
	mk_cs_read(e.cs, "listCapabilities", NULL, NULL, free_and_count, &e);
	env_until(&e, &e.n_held, 1);
	for (int i = 0; i < 4; i++)
		mk_cs_read(e.cs, "listZones", NULL, NULL, on_answer, &a);
	mk_cs_watch_job(e.cs, JOB_A, on_job, &a);
	mk_cs_watch_job(e.cs, "not a job", on_job, &a);
	mk_cs_watch_cancel(mk_cs_watch_job(e.cs, "not a job", on_job, &a));
	env_until(&e, &e.n_held, 2);
	fake_reply(e.held[0], 200, CAPABLE);
	env_until(&e, &e.n_changes, 1);
	env_idle(&e, 30 * USEC_PER_MSEC);
	CU_ASSERT(a.n <= 1); /* only the watch without a job may have been told before */
	CU_ASSERT_PTR_NULL(e.cs);
	env_close(&e);
}

static void ask_again(const struct mk_cs_reply *reply, void *data)
{
	struct env *e = data;

	if (++e->n_changes < 50)
		CU_ASSERT_PTR_NOT_NULL(
			mk_cs_read(e->cs, "listCapabilities", NULL, NULL, ask_again, e));
}

/* Callbacks may ask again; a chain of requests uses one connection. */
static void ask_in_callback(void)
{
	struct env e;

	env_config(&e, NULL);
	fake_http_free(e.http);
	e.http = fake_http_new(e.event, 0, on_env_request, &e);
	fake_http_set_secret(e.http, SECRET);
	snprintf(e.url, sizeof(e.url), "http://127.0.0.1:%u/client/api", fake_http_port(e.http));
	CU_ASSERT_EQUAL_FATAL(mk_cs_new(e.event, &e.config, &e.cs), 0);
	mk_cs_read(e.cs, "listCapabilities", NULL, NULL, ask_again, &e);
	env_until(&e, &e.n_changes, 50);
	CU_ASSERT_EQUAL(fake_http_connections(e.http), 1);
	env_close(&e);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "L41 form of requests", form },
		{ "gzip", gzip },
		{ "L22 window and order", window },
		{ "writes do not wait", writes_do_not_wait },
		{ "what has left", left },
		{ "cancel in every state", cancel },
		{ "slow drip", drip },
		{ "many end at once", many_end_at_once },
		{ "L15 synchronous commands", synchronous },
		{ "writes are sent at most once", at_most_once },
		{ "connection refused", refused_connection },
		{ "no such host", no_such_host },
		{ "probe", probe },
		{ "L39 new secret on the old connection", new_secret },
		{ "configuration", configuration },
		{ "free in a callback", free_in_callback },
		{ "ask in a callback", ask_in_callback },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "cloudstack", NULL, NULL, tests);
}
