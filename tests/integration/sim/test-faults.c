/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves the admin API of the simulator, started as a process: each fault does what sim/README.md says and nothing
 * else, and the request log is true.
 */

#include "cloudstack/wire.h"
#include "sim-client.h"
#include "model/sim.h"
#include "tap.h"

#include <inttypes.h>

#define CUSTOM_JOB "3f2504e0-4f89-41d3-9a0c-0305e82c3301"

static struct sc sim;

static void begin(void)
{
	static const char *const args[] = { "--set", "job-ms=5", "--set=delete-ms=0", NULL };

	sc_start(&sim, args);
}

/* The next listZones, or command, meets the fault. */
static void fault(const char *command, const char *rest)
{
	_cleanup_free_ char *json = mk_strdup_printf("{\"command\":\"%s\",%s}", command, rest);

	sc_admin(&sim, "fault", json);
}

static int64_t counted(const char *what, const char *command)
{
	_cleanup_json_ json_object *log = sc_admin_get(&sim, "log");

	return mk_json_int(mk_json_get(log, what), command, 0);
}

/* Detaches the test VM's root, which the command changes, or not. */
static long detach(void)
{
	return sc_call(&sim, "POST", "detachVolume", "id", SIM_TEST_ROOT, "customjobid",
		       CUSTOM_JOB);
}

static void wait_for(const char *query)
{
	_cleanup_free_ char *path = mk_strdup_printf("/admin/wait?%s", query);

	CU_ASSERT_EQUAL_FATAL(sc_request(&sim, "GET", path, NULL, NULL), 200);
}

static void wait_executed(const char *command)
{
	_cleanup_free_ char *query = mk_strdup_printf("command=%s&count=1&what=executed", command);

	wait_for(query);
}

/* --- answers --- */

/* The n-th, and no other; each fault counts for itself. */
static void test_nth_and_count(void)
{
	static const long want[] = { 200, 530, 530, 200, 533, 200 };

	begin();
	fault("listZones",
	      "\"nth\":2,\"count\":2,\"action\":\"error\",\"errorcode\":530,\"errortext\":\"a\"");
	fault("listZones", "\"nth\":5,\"action\":\"error\",\"errorcode\":533,\"errortext\":\"b\"");
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listVolumes"), 200);
		CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listZones"), want[i]);
	}

	/* a refused sender does not use it up */
	fault("listZones", "\"action\":\"error\",\"errorcode\":530,\"errortext\":\"a\"");
	sc_request(&sim, "GET", "/client/api?command=listZones&response=json", NULL, NULL);
	CU_ASSERT_EQUAL(sim.status, 401);
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listZones"), 530);
	sc_stop(&sim);
}

static void test_error(void)
{
	begin();
	fault("detachVolume",
	      "\"action\":\"error\",\"errorcode\":531,\"errortext\":\"d\xc3\xa9j\xc3\xa0\"");
	CU_ASSERT_EQUAL(detach(), 531);
	CU_ASSERT_EQUAL(sc_int(&sim, "errorcode"), 531);
	CU_ASSERT_EQUAL(sc_int(&sim, "cserrorcode"), 4365);
	CU_ASSERT_STRING_EQUAL(sc_error(&sim), "d\xc3\xa9j\xc3\xa0");
	CU_ASSERT_STRING_EQUAL(str_or_empty(sc_header(&sim, "X-Description")), "d??j??");

	fault("detachVolume", "\"action\":\"error\",\"errorcode\":431,\"errortext\":\"no\","
			      "\"cserrorcode\":9999");
	CU_ASSERT_EQUAL(detach(), 431);
	CU_ASSERT_EQUAL(sc_int(&sim, "cserrorcode"), 9999);
	CU_ASSERT_EQUAL(counted("received", "detachVolume"), 2);
	CU_ASSERT_EQUAL(counted("executed", "detachVolume"), 0);
	sc_stop(&sim);
}

/* Answers that take the place of the command. */
static void test_prevented(void)
{
	begin();
	fault("detachVolume", "\"action\":\"drop-before\"");
	CU_ASSERT_EQUAL(detach(), 0);
	CU_ASSERT(sim.code == CURLE_GOT_NOTHING || sim.code == CURLE_RECV_ERROR);
	fault("detachVolume", "\"action\":\"html\"");
	CU_ASSERT_EQUAL(detach(), 502);
	CU_ASSERT_PTR_NULL(sim.json);
	CU_ASSERT(starts_with(str_or_empty(sc_header(&sim, "Content-Type")), "text/html"));
	fault("detachVolume", "\"action\":\"html\",\"status\":504");
	CU_ASSERT_EQUAL(detach(), 504);
	fault("detachVolume", "\"action\":\"rate-limit\",\"ms\":123");
	CU_ASSERT_EQUAL(detach(), 429);
	CU_ASSERT_STRING_EQUAL(sc_error(&sim), "The given user has reached his/her account api "
					       "limit, please retry after [123] ms.");
	fault("detachVolume", "\"action\":\"unauthorized\"");
	CU_ASSERT_EQUAL(detach(), 401);
	fault("detachVolume", "\"action\":\"maintenance\"");
	CU_ASSERT_EQUAL(detach(), 503);

	CU_ASSERT_EQUAL(counted("executed", "detachVolume"), 0);
	CU_ASSERT_EQUAL(detach(), 200);
	wait_executed("detachVolume");
	sc_stop(&sim);
}

/* The command is run, and its answer is lost or spoilt. */
static void test_spoilt(void)
{
	static const struct {
		const char *rest, *body;
		CURLcode code;
	} cases[] = {
		{ "\"action\":\"drop-after\"", NULL, CURLE_GOT_NOTHING },
		{ "\"action\":\"garbage\"", "\xff\xfe{\"not\": JSON <\x01>", CURLE_OK },
		{ "\"action\":\"empty\"", NULL, CURLE_OK },
		{ "\"action\":\"null\"", "null", CURLE_OK },
		{ "\"action\":\"truncate\"", "{\"detachvolumeresponse\":{\"jobid\":\"3f",
		  CURLE_OK },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		fault("detachVolume", cases[i].rest);
		CU_ASSERT_EQUAL(detach(), cases[i].code == CURLE_OK ? 200 : 0);
		CU_ASSERT_EQUAL(sim.code, cases[i].code);
		CU_ASSERT_PTR_NULL(sim.json);
		CU_ASSERT_STRING_EQUAL(str_or_empty(sim.body), str_or_empty(cases[i].body));
		if (strstr(cases[i].rest, "empty"))
			CU_ASSERT_STRING_EQUAL(str_or_empty(sc_header(&sim, "Content-Type")),
					       "text/xml;charset=utf-8");
		wait_executed("detachVolume");
		sc_stop(&sim);
	}
}

static void test_retype(void)
{
	json_object *volume;

	begin();
	fault("listVolumes", "\"action\":\"retype\"");
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listVolumes", "id", SIM_TEST_ROOT), 200);
	CU_ASSERT_STRING_EQUAL(sc_str(&sim, "count"), "1");
	volume = json_object_array_get_idx(mk_json_get(sc_root(&sim, NULL), "volume"), 0);
	CU_ASSERT_STRING_EQUAL(mk_json_str(volume, "id", ""), SIM_TEST_ROOT);
	CU_ASSERT_STRING_EQUAL(mk_json_str(volume, "deviceid", ""), "0");
	CU_ASSERT(strtoll(mk_json_str(volume, "size", ""), NULL, 10) > 0);
	CU_ASSERT_STRING_EQUAL(mk_json_str(volume, "destroyed", ""), "false");
	sc_stop(&sim);
}

/* --- time --- */

static int64_t took_ms(void)
{
	double seconds = 0;

	curl_easy_getinfo(sim.curl, CURLINFO_TOTAL_TIME, &seconds);
	return (int64_t)(seconds * 1000);
}

static void test_slow(void)
{
	begin();
	fault("listZones", "\"action\":\"delay\",\"ms\":60");
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listZones"), 200);
	CU_ASSERT(took_ms() >= 60);

	fault("detachVolume", "\"action\":\"slow\",\"ms\":1");
	CU_ASSERT_EQUAL(detach(), 200);
	CU_ASSERT_STRING_EQUAL(sc_str(&sim, "jobid"), CUSTOM_JOB);
	CU_ASSERT(took_ms() >= (int64_t)strlen(sim.body) - 1);

	sc_admin(&sim, "set", "{\"latency-ms\":40}");
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listZones"), 200);
	CU_ASSERT(took_ms() >= 40);
	sc_stop(&sim);
}

/* A second request, while sim's own goes on. */
struct other {
	CURLM *multi;
	struct sc c;
	char *url;
};

static size_t ignore(const char *data, size_t size, size_t n, void *to)
{
	return n;
}

static void other_start(struct other *o, const char *path)
{
	*o = (struct other){ .multi = curl_multi_init() };
	o->c.curl = curl_easy_init();
	o->url = mk_strdup_printf("http://127.0.0.1:%u%s", sim.port, path);
	curl_easy_setopt(o->c.curl, CURLOPT_URL, o->url);
	curl_easy_setopt(o->c.curl, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(o->c.curl, CURLOPT_PROXY, "");
	curl_easy_setopt(o->c.curl, CURLOPT_TIMEOUT_MS, 20000L);
	curl_multi_add_handle(o->multi, o->c.curl);
}

/* Lets it run until it has ended, or for some ms. True if it has ended. */
static bool other_run(struct other *o, int ms)
{
	int running = 1, left;
	uint64_t end = mk_now_monotonic() + (uint64_t)ms * USEC_PER_MSEC;
	CURLMsg *m;

	while (running && mk_now_monotonic() < end) {
		curl_multi_perform(o->multi, &running);
		if (running)
			curl_multi_poll(o->multi, NULL, 0, 5, NULL);
	}
	while ((m = curl_multi_info_read(o->multi, &left)))
		if (m->msg == CURLMSG_DONE)
			o->c.code = m->data.result;
	curl_easy_getinfo(o->c.curl, CURLINFO_RESPONSE_CODE, &o->c.status);
	return !running;
}

static void other_end(struct other *o)
{
	curl_multi_remove_handle(o->multi, o->c.curl);
	curl_easy_cleanup(o->c.curl);
	curl_multi_cleanup(o->multi);
	free(o->url);
}

static char *signed_path(const char *command)
{
	_cleanup_json_ json_object *o = json_object_new_object();
	_cleanup_free_ char *form = NULL;

	mk_json_set_str(o, "apikey", SC_API_KEY);
	mk_json_set_str(o, "response", "json");
	mk_json_set_str(o, "command", command);
	form = mk_cs_signed_body(o, SC_SECRET);
	return mk_strdup_printf("/client/api?%s", form);
}

/* Runs it until the server has the request. */
static void other_hangs(struct other *o, int64_t received)
{
	while (counted("received", "listZones") < received)
		CU_ASSERT_FALSE_FATAL(other_run(o, 1));
}

static void test_hang(void)
{
	_cleanup_free_ char *path = signed_path("listZones");
	struct other o;

	begin();
	fault("listZones", "\"action\":\"hang\",\"count\":3");
	other_start(&o, path);
	other_hangs(&o, 1);
	CU_ASSERT_FALSE(other_run(&o, 50));
	sc_admin(&sim, "release", "{}");
	CU_ASSERT(other_run(&o, 20000));
	CU_ASSERT_EQUAL(o.c.status, 200);
	other_end(&o);

	/* the client gives up */
	other_start(&o, path);
	other_hangs(&o, 2);
	other_end(&o);
	sc_admin(&sim, "release", "{}");

	/* the server's end finds one hanging */
	other_start(&o, path);
	other_hangs(&o, 3);
	sc_stop(&sim);
	CU_ASSERT(other_run(&o, 20000));
	CU_ASSERT(o.c.code == CURLE_GOT_NOTHING || o.c.code == CURLE_RECV_ERROR);
	other_end(&o);
}

static void test_restart_drops(void)
{
	_cleanup_free_ char *path = signed_path("listZones");
	struct other o;

	begin();
	fault("listZones", "\"action\":\"hang\"");
	other_start(&o, path);
	other_hangs(&o, 1);
	sc_admin(&sim, "restart", "{}");
	CU_ASSERT(other_run(&o, 20000));
	CU_ASSERT(o.c.code == CURLE_GOT_NOTHING || o.c.code == CURLE_RECV_ERROR);
	other_end(&o);
	sc_stop(&sim);
}

/* --- jobs --- */

static long query_job(void)
{
	return sc_call(&sim, "POST", "queryAsyncJobResult", "jobid", CUSTOM_JOB);
}

/* Until the job has ended. */
static void follow_job(void)
{
	do {
		CU_ASSERT_EQUAL_FATAL(query_job(), 200);
	} while (sc_int(&sim, "jobstatus") == 0);
}

static void test_job_errors(void)
{
	begin();
	fault("detachVolume", "\"action\":\"job-error\",\"errorcode\":533,\"errortext\":\"full\"");
	CU_ASSERT_EQUAL(detach(), 200);
	follow_job();
	CU_ASSERT_EQUAL(sc_int(&sim, "jobstatus"), 2);
	CU_ASSERT_EQUAL(sc_int(&sim, "jobresultcode"), 533);
	CU_ASSERT_STRING_EQUAL(mk_json_str(mk_json_get(sc_root(&sim, NULL), "jobresult"),
					   "errortext", ""),
			       "full");
	CU_ASSERT_EQUAL(counted("executed", "detachVolume"), 0);
	sc_stop(&sim);

	begin();
	fault("detachVolume",
	      "\"action\":\"job-error-done\",\"errorcode\":530,\"errortext\":\"x\"");
	CU_ASSERT_EQUAL(detach(), 200);
	follow_job();
	CU_ASSERT_EQUAL(sc_int(&sim, "jobstatus"), 2);
	CU_ASSERT_EQUAL(counted("executed", "detachVolume"), 1);
	sc_stop(&sim);

	begin();
	fault("detachVolume", "\"action\":\"no-jobresult\"");
	CU_ASSERT_EQUAL(detach(), 200);
	follow_job();
	CU_ASSERT_EQUAL(sc_int(&sim, "jobstatus"), 2);
	CU_ASSERT_PTR_NULL(mk_json_get(sc_root(&sim, NULL), "jobresult"));
	CU_ASSERT_EQUAL(counted("executed", "detachVolume"), 1);
	sc_stop(&sim);
}

static void test_job_lost(void)
{
	begin();
	fault("detachVolume", "\"action\":\"job-lost\"");
	CU_ASSERT_EQUAL(detach(), 200);
	wait_executed("detachVolume");
	while (query_job() == 200)
		;
	CU_ASSERT_EQUAL(sim.status, 431);
	sc_stop(&sim);

	begin();
	fault("detachVolume", "\"action\":\"job-lost-before\"");
	CU_ASSERT_EQUAL(detach(), 200);
	CU_ASSERT_EQUAL(query_job(), 431);
	CU_ASSERT_EQUAL(counted("executed", "detachVolume"), 0);
	sc_stop(&sim);
}

static void test_job_held_and_late(void)
{
	uint64_t start;

	begin();
	fault("detachVolume", "\"action\":\"job-hold\"");
	CU_ASSERT_EQUAL(detach(), 200);
	CU_ASSERT_EQUAL(query_job(), 200);
	CU_ASSERT_EQUAL(sc_int(&sim, "jobstatus"), 0);
	CU_ASSERT_EQUAL(counted("executed", "detachVolume"), 0);
	sc_admin(&sim, "release", "{}");
	follow_job();
	CU_ASSERT_EQUAL(sc_int(&sim, "jobstatus"), 1);
	sc_stop(&sim);

	begin();
	fault("detachVolume", "\"action\":\"job-late\",\"ms\":60");
	start = mk_now_monotonic();
	CU_ASSERT_EQUAL(detach(), 200);
	follow_job();
	CU_ASSERT(mk_now_monotonic() - start >= 60 * USEC_PER_MSEC);
	CU_ASSERT_EQUAL(sc_int(&sim, "jobstatus"), 1);
	sc_stop(&sim);
}

/* --- log and waiting --- */

static void check_entry(json_object *log, size_t i, const char *command, int64_t status)
{
	json_object *entry = json_object_array_get_idx(mk_json_get(log, "entries"), i);

	CU_ASSERT_STRING_EQUAL(mk_json_str(entry, "command", "?"), command);
	CU_ASSERT_EQUAL(mk_json_int(entry, "status", -1), status);
}

static void test_log(void)
{
	_cleanup_json_ json_object *log = NULL, *cleared = NULL;
	json_object *entry;
	const char *text;

	begin();
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listVolumes", "Name", "x y"), 200);
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "noSuchCommand"), 401);
	fault("detachVolume", "\"action\":\"drop-after\"");
	CU_ASSERT_EQUAL(detach(), 0);
	wait_executed("detachVolume");

	log = sc_admin_get(&sim, "log");
	CU_ASSERT_EQUAL(mk_json_int(mk_json_get(log, "received"), "noSuchCommand", 0), 1);
	CU_ASSERT_EQUAL(json_object_array_length(mk_json_get(log, "entries")), 3);
	check_entry(log, 0, "listVolumes", 200);
	check_entry(log, 1, "noSuchCommand", 401);
	check_entry(log, 2, "detachVolume", 0);
	entry = json_object_array_get_idx(mk_json_get(log, "entries"), 0);
	CU_ASSERT_STRING_EQUAL(json_object_to_json_string_ext(mk_json_get(entry, "params"),
							      JSON_C_TO_STRING_PLAIN),
			       "{\"name\":\"x y\"}");
	entry = json_object_array_get_idx(mk_json_get(log, "entries"), 2);
	CU_ASSERT_STRING_EQUAL(mk_json_str(entry, "job", ""), CUSTOM_JOB);
	CU_ASSERT_STRING_EQUAL(mk_json_str(entry, "fault", ""), "drop-after");
	text = json_object_to_json_string(log);
	CU_ASSERT_PTR_NULL(strcasestr(text, "signature"));
	CU_ASSERT_PTR_NULL(strstr(text, SC_API_KEY));
	CU_ASSERT_PTR_NULL(strstr(text, SC_SECRET));

	/* log, counters and pending faults */
	fault("listZones", "\"action\":\"drop-before\"");
	sc_admin(&sim, "clear-log", "{}");
	cleared = sc_admin_get(&sim, "log");
	CU_ASSERT_STRING_EQUAL(json_object_to_json_string_ext(cleared, JSON_C_TO_STRING_PLAIN),
			       "{\"ok\":true,\"received\":{},\"executed\":{},\"entries\":[],"
			       "\"happened\":{}}");
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listZones"), 200);
	sc_stop(&sim);
}

static void test_wait(void)
{
	struct other o;

	begin();
	other_start(&o, "/admin/wait?command=listZones&count=2&what=received");
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listZones"), 200);
	CU_ASSERT_FALSE(other_run(&o, 50));
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listZones"), 200);
	CU_ASSERT(other_run(&o, 20000));
	CU_ASSERT_EQUAL(o.c.status, 200);
	other_end(&o);

	/* reached already; never reached */
	wait_for("command=listZones&count=2&what=received");
	sc_request(&sim, "GET", "/admin/wait?command=listZones&count=1&what=executed&timeout-ms=20",
		   NULL, NULL);
	CU_ASSERT_EQUAL(sim.status, 400);
	CU_ASSERT(took_ms() >= 20);

	/* gives up; and one at the server's end */
	other_start(&o, "/admin/wait?command=x&count=1&what=received&timeout-ms=50");
	(void)other_run(&o, 20);
	other_end(&o);
	other_start(&o, "/admin/wait?command=x&count=1&what=received");
	(void)other_run(&o, 50);
	sc_stop(&sim);
	CU_ASSERT(other_run(&o, 20000));
	other_end(&o);
}

/* --- mistakes of a test --- */

static void test_admin_errors(void)
{
	static const struct {
		const char *what, *body;
	} bad[] = {
		{ "fault", "{\"command\":\"listZones\"}" },
		{ "fault", "{\"command\":\"listZones\",\"action\":\"explode\"}" },
		{ "fault", "{\"command\":\"listZonez\",\"action\":\"hang\"}" },
		{ "fault", "{\"command\":\"listZones\",\"action\":\"job-hold\"}" },
		{ "fault", "{\"command\":\"listZones\",\"action\":\"error\"}" },
		{ "fault", "{\"command\":\"listZones\",\"action\":\"delay\"}" },
		{ "fault", "{\"command\":\"listZones\",\"action\":\"hang\",\"nht\":2}" },
		{ "fault", "{\"command\":\"listZones\",\"action\":\"hang\",\"nth\":0}" },
		{ "fault", "{\"command\":\"listZones\",\"action\":\"html\",\"status\":9}" },
		{ "set", "{\"no-such-setting\":1}" },
		{ "set", "{\"job-ms\":\"soon\"}" },
		{ "set", "{\"clock-offset\":\"1h\"}" },
		{ "set", "[]" },
		{ "set", "{" },
		{ "seed", "{\"volumes\":1}" },
		{ "poke", "{\"volume\":\"nonsense\"}" },
		{ "disk", "{\"action\":\"list\"}" }, /* without a hypervisor */
		{ "door", "{}" },                    /* without one */
		{ "fault", "{\"command\":\"listZones\",\"action\":\"away\"}" },
		{ "nothing", "{}" },
		{ "log", "{}" },
	};

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_free_ char *path = mk_strdup_printf("/admin/%s", bad[i].what);

		sc_request(&sim, "POST", path, bad[i].body, "application/json");
		if (sim.status != 400)
			tap_note("%s %s: %ld", bad[i].what, bad[i].body, sim.status);
		CU_ASSERT_EQUAL(sim.status, 400);
		CU_ASSERT_PTR_NOT_NULL(mk_json_str(sim.json, "error", NULL));
	}
	CU_ASSERT_EQUAL(sc_request(&sim, "GET", "/admin/wait?count=1", NULL, NULL), 400);
	CU_ASSERT_EQUAL(sc_request(&sim, "GET", "/admin/wait?command=x&count=-1", NULL, NULL), 400);
	CU_ASSERT_EQUAL(sc_request(&sim, "GET", "/admin/wait?command=x&what=y", NULL, NULL), 400);
	CU_ASSERT_EQUAL(sc_request(&sim, "GET", "/admin/set", NULL, NULL), 400);
	sc_stop(&sim);
}

static void test_model(void)
{
	_cleanup_json_ json_object *before = NULL, *after = NULL;

	begin();
	before = sc_admin_get(&sim, "state");
	CU_ASSERT_STRING_EQUAL(mk_json_str(mk_json_get(mk_json_get(before, "vms"), SIM_TEST_VM),
					   "state", ""),
			       "Stopped");
	sc_admin(&sim, "poke", "{\"vm\":\"" SIM_TEST_VM "\",\"state\":\"Running\"}");
	sc_admin(&sim, "seed",
		 "{\"volumes\":[{\"id\":\"77777777-7777-4777-8777-777777777777\",\"name\":\"v\","
		 "\"size\":1073741824}]}");
	after = sc_admin_get(&sim, "state");
	CU_ASSERT_STRING_EQUAL(mk_json_str(mk_json_get(mk_json_get(after, "vms"), SIM_TEST_VM),
					   "state", ""),
			       "Running");
	CU_ASSERT_PTR_NOT_NULL(
		mk_json_get(mk_json_get(after, "volumes"), "77777777-7777-4777-8777-777777777777"));
	sc_stop(&sim);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "nth-and-count", test_nth_and_count },
		{ "error", test_error },
		{ "prevented", test_prevented },
		{ "spoilt", test_spoilt },
		{ "retype", test_retype },
		{ "slow", test_slow },
		{ "hang", test_hang },
		{ "restart-drops", test_restart_drops },
		{ "job-errors", test_job_errors },
		{ "job-lost", test_job_lost },
		{ "job-held-and-late", test_job_held_and_late },
		{ "log", test_log },
		{ "wait", test_wait },
		{ "admin-errors", test_admin_errors },
		{ "model", test_model },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "sim-faults", NULL, NULL, tests);
}
