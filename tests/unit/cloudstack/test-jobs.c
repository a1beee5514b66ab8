/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves how the CloudStack client follows asynchronous jobs to their end, against the scripted server of
 * cloudstack-env.h: results, lost polls, and polling of many jobs at once.
 */

#include "cloudstack-env.h"

#define QUERY              "queryAsyncJobResult"
#define LIST               "listAsyncJobs"
#define JOB(fields)        "{\"queryasyncjobresultresponse\":{" fields "}}"
#define JOB_PENDING        JOB("\"jobstatus\":0,\"jobresultcode\":0")
#define DONE               JOB("\"jobstatus\":1,\"jobresultcode\":0,\"jobresult\":{\"success\":true}")
#define QERROR(code, text) ERROR_OF("queryasyncjobresult", code, text)
#define UNKNOWN_JOB        QERROR(431, "entity does not exist")
#define LISTED(rows)       "{\"listasyncjobsresponse\":{\"count\":1,\"asyncjobs\":[" rows "]}}"
#define ROW(id)            "{\"jobid\":\"" id "\",\"jobstatus\":0}"

/* Watches one job over the conversation and returns its end. */
static struct answer follow(const struct talk *talk)
{
	struct answer a = {};
	struct env e;

	env_open(&e, talk);
	CU_ASSERT_PTR_NOT_NULL(mk_cs_watch_job(e.cs, JOB_A, on_job, &a));
	CU_ASSERT_EQUAL(a.n, 0);
	env_until(&e, &a.n, 1);
	for (unsigned i = 0; i < e.n; i++)
		CU_ASSERT_STRING_EQUAL(env_param(&e, i, "jobid"), JOB_A);
	env_idle(&e, 30 * USEC_PER_MSEC);
	CU_ASSERT_EQUAL(a.n, 1);
	env_close(&e);
	return a;
}

static void success(void)
{
	static const struct talk talk[] = {
		SAY(QUERY, JOB_PENDING),
		SAY(QUERY, JOB("\"jobid\":12,\"jobstatus\":\"0\"")), /* L36 */
		SAY(QUERY, JOB("\"jobid\":\"" JOB_A "\",\"jobstatus\":1,\"jobresult\":{\"volume\":"
			       "{\"id\":\"" VOLUME "\",\"jobid\":\"" JOB_B "\",\"jobstatus\":0}}")),
		SILENCE,
	};
	_cleanup_(answer_done) struct answer a = follow(talk);

	CU_ASSERT_EQUAL(a.status, MK_CS_JOB_SUCCEEDED);
	CU_ASSERT_STRING_EQUAL(mk_json_str(mk_json_get(a.body, "volume"), "id", ""), VOLUME);
}

static void success_without_result(void)
{
	static const struct talk talk[] = { SAY(QUERY, JOB("\"jobstatus\":1")), SILENCE };
	_cleanup_(answer_done) struct answer a = follow(talk);

	CU_ASSERT_EQUAL(a.status, MK_CS_JOB_SUCCEEDED);
	CU_ASSERT_PTR_NULL(a.body);
}

static void failures(void)
{
	static const struct {
		const char *fields, *text;
		int code;
	} rows[] = {
		{ JOB("\"jobstatus\":2,\"jobresultcode\":530,\"jobresult\":{\"errorcode\":431,"
		      "\"errortext\":\"not attached\"}"),
		  "not attached", 530 },
		{ JOB("\"jobstatus\":2,\"jobresultcode\":0,\"jobresult\":{\"errorcode\":431,"
		      "\"errortext\":\"in use\"}"),
		  "in use", 431 },
		{ JOB("\"jobstatus\":\"2\",\"jobresultcode\":\"533\""), "without a text", 533 },
		{ JOB("\"jobstatus\":2,\"jobresultcode\":0"), "without a text", 0 },
		{ JOB("\"jobstatus\":2,\"jobresultcode\":530,\"jobresult\":\"gone\""),
		  "without a text", 530 },
		{ JOB("\"jobstatus\":3,\"jobresultcode\":0"), "unknown status 3", 0 },
		{ JOB("\"jobstatus\":-1"), "unknown status -1", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct talk talk[] = { SAY(QUERY, rows[i].fields), SILENCE };
		_cleanup_(answer_done) struct answer a = follow(talk);

		CU_ASSERT_EQUAL(a.status, MK_CS_JOB_FAILED);
		CU_ASSERT_EQUAL(a.code, rows[i].code);
		CU_ASSERT_PTR_NOT_NULL(strstr(a.text, rows[i].text));
	}
}

static void unknown(void)
{
	static const struct talk talk[] = { SAY_ERROR(QUERY, 431, UNKNOWN_JOB), SILENCE };
	_cleanup_(answer_done) struct answer a = follow(talk);

	CU_ASSERT_EQUAL(a.status, MK_CS_JOB_UNKNOWN);
	CU_ASSERT_EQUAL(a.code, 431);
	CU_ASSERT(*a.text);
}

static void lost_polls(void)
{
	static const struct talk talk[] = {
		DO(QUERY, TALK_CLOSE),
		SAY_ERROR(QUERY, 502, "<html>bad gateway</html>"),
		SAY_ERROR(QUERY, 200, ""),
		SAY(QUERY, JOB("\"jobresultcode\":0")), /* no status: no answer */
		SAY(QUERY, JOB("\"jobstatus\":[1]")),
		SAY(QUERY, JOB("\"jobid\":\"" JOB_B "\",\"jobstatus\":2")), /* another's */
		SAY_ERROR(QUERY, 531, QERROR(531, "not allowed")), /* says nothing about the job */
		SAY_ERROR(QUERY, 432, NO_COMMAND(432)),
		SAY_ERROR(QUERY, 530, QERROR(530, "database away")),
		SAY(QUERY, DONE),
		SILENCE,
	};
	_cleanup_(answer_done) struct answer a = follow(talk);

	CU_ASSERT_EQUAL(a.status, MK_CS_JOB_SUCCEEDED);
}

static void pace(void)
{
	static const struct talk talk[] = {
		SAY(QUERY, JOB_PENDING), SAY(QUERY, JOB_PENDING), SAY(QUERY, JOB_PENDING),
		SAY(QUERY, JOB_PENDING), SAY(QUERY, DONE),        SILENCE,
	};
	static const unsigned least[] = { 40, 60, 80, 80, 80 };
	_cleanup_(answer_done) struct answer a = {};
	uint64_t before;
	struct env e;

	env_config(&e, talk);
	e.config.poll_min = 40 * USEC_PER_MSEC;
	e.config.poll_max = 80 * USEC_PER_MSEC;
	env_start(&e);
	before = mk_now_monotonic();
	mk_cs_watch_job(e.cs, JOB_A, on_job, &a);
	env_until(&e, &a.n, 1);
	for (unsigned i = 0; i < 5; i++) {
		CU_ASSERT(e.times[i] - before >= least[i] * USEC_PER_MSEC);
		before = e.times[i];
	}

	env_close(&e);
}

/* Three jobs: one list a look, a query only for those that have left it. */
static void many(void)
{
	static const struct talk talk[] = {
		SAY(LIST, LISTED(ROW(JOB_A) "," ROW(JOB_B) "," ROW(JOB_C) "," ROW(VOLUME))),
		SAY(LIST, LISTED("{\"jobid\":\"" JOB_A "\"}," ROW(JOB_C))),
		SAY(QUERY, DONE), /* B */
		SAY(LIST, LISTED(ROW(JOB_A) ",{\"jobid\":\"" JOB_C "\",\"jobstatus\":1}")),
		SAY_ERROR(QUERY, 431, UNKNOWN_JOB), /* C */
		SAY(QUERY, JOB_PENDING),            /* A is alone */
		SAY(QUERY, JOB("\"jobstatus\":2,\"jobresultcode\":533")),
		SILENCE,
	};
	_cleanup_(answer_done) struct answer a = {}, b = {}, c = {};
	struct env e;

	env_config(&e, talk);
	e.config.poll_max = e.config.poll_min; /* one pace: the order is certain */
	env_start(&e);
	mk_cs_watch_job(e.cs, JOB_A, on_job, &a);
	mk_cs_watch_job(e.cs, JOB_B, on_job, &b);
	mk_cs_watch_job(e.cs, JOB_C, on_job, &c);
	env_until(&e, &b.n, 1);
	CU_ASSERT_STRING_EQUAL(env_param(&e, 2, "jobid"), JOB_B);
	CU_ASSERT_EQUAL(a.n + c.n, 0);
	env_until(&e, &c.n, 1);
	CU_ASSERT_STRING_EQUAL(env_param(&e, 4, "jobid"), JOB_C);
	env_until(&e, &a.n, 1);
	CU_ASSERT_STRING_EQUAL(env_param(&e, 6, "jobid"), JOB_A);
	CU_ASSERT_EQUAL(a.status, MK_CS_JOB_FAILED);
	CU_ASSERT_EQUAL(b.status, MK_CS_JOB_SUCCEEDED);
	CU_ASSERT_EQUAL(c.status, MK_CS_JOB_UNKNOWN);
	CU_ASSERT_STRING_EQUAL(env_param(&e, 0, "listall"), ""); /* our own account's jobs */
	env_close(&e);
}

/* A job that joined while the list was under way is not judged by it. */
static void joins_late(void)
{
	static const struct talk talk[] = {
		DO(LIST, TALK_HOLD),
		SAY(LIST, LISTED(ROW(JOB_A) "," ROW(JOB_B) "," ROW(JOB_C))),
		SILENCE,
	};
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_open(&e, talk);
	mk_cs_watch_job(e.cs, JOB_A, on_job, &a);
	mk_cs_watch_job(e.cs, JOB_B, on_job, &a);
	env_until(&e, &e.n_held, 1);
	mk_cs_watch_job(e.cs, JOB_C, on_job, &a);
	fake_reply(e.held[0], 200, LISTED(ROW(JOB_A) "," ROW(JOB_B)));
	env_until(&e, &e.n, 2);
	CU_ASSERT_STRING_EQUAL(env_command(&e, 1), LIST);
	env_close(&e);
}

/* Without listAsyncJobs each job is queried, and the list is not tried again. */
static void no_list(void)
{
	static const struct talk talk[] = {
		SAY_ERROR(LIST, 432, NO_COMMAND(432)),
		SAY(QUERY, JOB_PENDING),
		SAY(QUERY, JOB_PENDING),
		SAY(QUERY, DONE),
		SAY(QUERY, DONE),
		SILENCE,
	};
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_config(&e, talk);
	e.config.max_requests = 1;
	env_start(&e);
	mk_cs_watch_job(e.cs, JOB_A, on_job, &a);
	mk_cs_watch_job(e.cs, JOB_B, on_job, &a);
	env_until(&e, &a.n, 2);
	env_close(&e);
}

static void two_watches(void)
{
	static const struct talk talk[] = { DO(QUERY, TALK_HOLD), SILENCE };
	_cleanup_(answer_done) struct answer a = {}, b = {}, c = {};
	struct mk_cs_watch *w;
	struct env e;

	env_open(&e, talk);
	mk_cs_watch_job(e.cs, JOB_A, on_job, &a);
	mk_cs_watch_job(e.cs, JOB_A, on_job, &b);
	w = mk_cs_watch_job(e.cs, JOB_A, on_job, &c);
	env_until(&e, &e.n, 1);
	mk_cs_watch_cancel(w);
	fake_reply(e.held[0], 200, DONE);
	env_until(&e, &b.n, 1);
	env_idle(&e, 30 * USEC_PER_MSEC);
	CU_ASSERT_EQUAL(a.n, 1);
	CU_ASSERT_EQUAL(b.n, 1);
	CU_ASSERT_EQUAL(c.n, 0);
	CU_ASSERT_EQUAL(e.n, 1);
	env_close(&e);
}

static void cancel(void)
{
	static const struct talk talk[] = { DO(QUERY, TALK_HOLD), DO(LIST, TALK_HOLD), SILENCE };
	_cleanup_(answer_done) struct answer a = {};
	struct mk_cs_watch *w, *v;
	struct env e;

	env_open(&e, talk);
	mk_cs_watch_cancel(NULL);
	mk_cs_watch_cancel(mk_cs_watch_job(e.cs, JOB_A, on_job, &a)); /* before its first look */
	w = mk_cs_watch_job(e.cs, JOB_A, on_job, &a);
	env_until(&e, &e.n, 1);
	mk_cs_watch_cancel(w); /* during its query */
	w = mk_cs_watch_job(e.cs, JOB_A, on_job, &a);
	v = mk_cs_watch_job(e.cs, JOB_B, on_job, &a);
	env_until(&e, &e.n, 2);
	mk_cs_watch_cancel(w); /* during the list */
	mk_cs_watch_cancel(v);
	mk_cs_watch_cancel(mk_cs_watch_job(e.cs, "no id", on_job, &a)); /* before it is told */
	env_idle(&e, 60 * USEC_PER_MSEC);
	CU_ASSERT_EQUAL(a.n, 0);
	CU_ASSERT_EQUAL(e.n, 2);

	CU_ASSERT_PTR_NOT_NULL(mk_cs_watch_job(e.cs, "1&command=x", on_job, &a));
	CU_ASSERT_EQUAL(a.n, 0);
	env_until(&e, &a.n, 1);
	CU_ASSERT_EQUAL(a.status, MK_CS_JOB_UNKNOWN);
	CU_ASSERT_EQUAL(e.n, 2);
	mk_cs_watch_job(e.cs, JOB_A, on_job, &a); /* left to env_close */
	env_close(&e);
}

/* The server goes and comes back: the watch only sees the end. */
static void outage(void)
{
	static const struct talk talk[] = {
		DO(QUERY, TALK_CLOSE),
		DO(QUERY, TALK_CLOSE),
		DO(QUERY, TALK_CLOSE),
		SAY(QUERY, DONE),
		SILENCE,
	};
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_open(&e, talk);
	mk_cs_watch_job(e.cs, JOB_A, on_job, &a);
	env_until(&e, &e.n_changes, 1);
	CU_ASSERT(!mk_cs_reachable(e.cs));
	env_until(&e, &a.n, 1);
	CU_ASSERT(mk_cs_reachable(e.cs));
	CU_ASSERT_EQUAL(a.status, MK_CS_JOB_SUCCEEDED);
	env_close(&e);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "L36 pending, then success; the nested jobstatus is not ours", success },
		{ "success without a result", success_without_result },
		{ "L35 failures", failures },
		{ "unknown job", unknown },
		{ "L16 lost polls are repeated", lost_polls },
		{ "pace", pace },
		{ "L22 many jobs, one list", many },
		{ "a job that joins during a list", joins_late },
		{ "role without listAsyncJobs", no_list },
		{ "two watches of one job", two_watches },
		{ "cancel", cancel },
		{ "outage", outage },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "cloudstack-jobs", NULL, NULL, tests);
}
