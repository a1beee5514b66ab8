/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves what the simulator does when a management server or the database is not there: two servers behind a balancer,
 * one in maintenance, one that lags, one that dies, and requests that wait.
 */

#include "cloudstack/wire.h"
#include "model/sim.h"
#include "sim-client.h"
#include "tap.h"

#define JOB     "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
#define VOLUME  "77777777-7777-4777-8777-777777777777"
#define LONG_MS "600000"

static struct sc sim;

static void begin(const char *setting)
{
	const char *const args[] = { "--door",
				     "--set=job-ms=0",
				     "--set",
				     "report-ms=0",
				     "--set=create-job-ms=0",
				     "--set=servers=2",
				     setting ? setting : "--set=delete-ms=0",
				     NULL };

	sc_start(&sim, args);
	sc_admin(&sim, "seed",
		 "{\"volumes\":[{\"id\":\"" VOLUME "\",\"name\":\"v\",\"size\":1073741824,"
		 "\"state\":\"Ready\"}]}");
}

static long list_volume(void)
{
	return sc_call(&sim, "POST", "listVolumes", "id", VOLUME, "listall", "true");
}

/* A value of the volume's row in the last answer. */
static const char *row_str(const char *key)
{
	json_object *rows = mk_json_get(sc_root(&sim, NULL), "volume");

	return rows ? mk_json_str(json_object_array_get_idx(rows, 0), key, "") : "";
}

static long attach(const char *job)
{
	return sc_call(&sim, "POST", "attachVolume", "id", VOLUME, "virtualmachineid", SIM_OMA,
		       "customjobid", job);
}

static int64_t query(const char *job)
{
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "queryAsyncJobResult", "jobid", job), 200);
	return sc_int(&sim, "jobstatus");
}

static int64_t follow(const char *job)
{
	while (query(job) == 0)
		;
	return sc_int(&sim, "jobstatus");
}

/* errortext of the job in the last answer */
static const char *job_error(void)
{
	return mk_json_str(mk_json_get(sc_root(&sim, NULL), "jobresult"), "errortext", "");
}

static void wait_for(const char *query)
{
	_cleanup_free_ char *path = mk_strdup_printf("/admin/wait?%s", query);

	CU_ASSERT_EQUAL_FATAL(sc_request(&sim, "GET", path, NULL, NULL), 200);
}

/* Which server got the last request. */
static char *server(void)
{
	_cleanup_json_ json_object *log = sc_admin_get(&sim, "log");
	json_object *entries = mk_json_get(log, "entries");
	size_t n = json_object_array_length(entries);

	CU_ASSERT_FATAL(n > 0);
	return strdup(mk_json_str(json_object_array_get_idx(entries, n - 1), "server", ""));
}

static void on(const char *want)
{
	_cleanup_free_ char *got = server();

	CU_ASSERT_STRING_EQUAL(got, want);
}

/* --- two servers --- */

/* What comes on a kept connection goes to one server. */
static void two_on_one_connection(void)
{
	_cleanup_free_ char *url = mk_strdup_printf("http://127.0.0.1:%u/client/api", sim.port);
	_cleanup_json_ json_object *log = NULL;
	CURL *c = curl_easy_init();
	json_object *entries;
	size_t n;

	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	for (int i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(curl_easy_perform(c), CURLE_OK);
	curl_easy_cleanup(c);
	log = sc_admin_get(&sim, "log");
	entries = mk_json_get(log, "entries");
	n = json_object_array_length(entries);
	for (size_t i = n - 2; i < n; i++)
		CU_ASSERT_STRING_EQUAL(mk_json_str(json_object_array_get_idx(entries, i), "server",
						   ""),
				       "ms1");
}

static void test_balance(void)
{
	static const char *const want[] = { "ms1", "ms2", "ms1", "ms2" };

	begin("--set=balance=request");
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		CU_ASSERT_EQUAL(list_volume(), 200);
		on(want[i]);
	}
	sc_admin(&sim, "set", "{\"balance\":\"connection\"}");
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) { /* each is a connection of its own */
		CU_ASSERT_EQUAL(list_volume(), 200);
		on(want[i]);
	}
	two_on_one_connection();
	sc_admin(&sim, "set", "{\"balance\":\"ms2\"}");
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(list_volume(), 200);
		on("ms2");
	}
	sc_stop(&sim);
}

/* FC-A7: who asks and commands in turn meets the same server with each command. */
static void test_maintenance(void)
{
	begin("--set=maintenance=ms2");
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(list_volume(), 200);
		on("ms1");
		CU_ASSERT_EQUAL(attach(JOB), 503);
		CU_ASSERT_EQUAL(sc_int(&sim, "errorcode"), 503);
		CU_ASSERT_STRING_EQUAL(sc_error(&sim),
				       "Maintenance or Shutdown has been initiated on this "
				       "management server. Can not accept new jobs");
		on("ms2");
	}
	CU_ASSERT_EQUAL(attach(JOB), 200);
	on("ms1");
	CU_ASSERT_EQUAL(follow(JOB), 1);
	/* it began in the middle */
	sc_admin(&sim, "fault", "{\"command\":\"attachVolume\",\"action\":\"maintenance-now\"}");
	CU_ASSERT_EQUAL(attach(JOB), 530);
	CU_ASSERT_STRING_EQUAL(sc_error(&sim), "Maintenance or Shutdown has been initiated on this "
					       "management server. Can not accept new async jobs");
	sc_admin(&sim, "fault", "{\"command\":\"createVolume\",\"action\":\"maintenance-now\"}");
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "createVolume"), 530);
	CU_ASSERT_STRING_EQUAL(sc_error(&sim), "Maintenance or Shutdown has been initiated on this "
					       "management server. Can not accept new async "
					       "creation jobs");
	/* it goes on answering lists */
	sc_admin(&sim, "set", "{\"balance\":\"ms2\"}");
	CU_ASSERT_EQUAL(list_volume(), 200);
	sc_stop(&sim);
}

static void test_server_of_job(void)
{
	_cleanup_free_ char *first = NULL;

	begin("--set=balance=ms1");
	sc_admin(&sim, "set", "{\"job-ms\":" LONG_MS "}");
	CU_ASSERT_EQUAL(attach(JOB), 200);
	CU_ASSERT_EQUAL(query(JOB), 0);
	CU_ASSERT_STRING_EQUAL(sc_str(&sim, "managementservername"), "ms1");
	first = strdup(sc_str(&sim, "managementserverid"));
	sc_admin(&sim, "set", "{\"balance\":\"ms2\"}");
	CU_ASSERT_EQUAL(query(JOB), 0); /* the other one knows it, too */
	CU_ASSERT_STRING_EQUAL(sc_str(&sim, "managementserverid"), first);
	sc_call(&sim, "POST", "startVirtualMachine", "id", SIM_TEST_VM, "customjobid", VOLUME);
	CU_ASSERT_EQUAL(query(VOLUME), 0);
	CU_ASSERT_STRING_EQUAL(sc_str(&sim, "managementservername"), "ms2");
	CU_ASSERT_STRING_NOT_EQUAL(sc_str(&sim, "managementserverid"), first);
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listAsyncJobs", "managementserverid", first), 200);
	CU_ASSERT_EQUAL(sc_int(&sim, "count"), 1);
	sc_stop(&sim);
}

/* B1: its lists are as old as the setting says; jobs are not. */
static void test_lag(void)
{
	uint64_t done;

	begin("--set=lag-ms=400");
	sc_admin(&sim, "set", "{\"balance\":\"ms2\"}");
	while (list_volume() == 431)
		; /* it was seeded a moment ago */
	CU_ASSERT_STRING_EQUAL(row_str("virtualmachineid"), "");
	CU_ASSERT_EQUAL(attach(JOB), 200);
	CU_ASSERT_EQUAL(follow(JOB), 1);
	done = mk_now_monotonic();
	CU_ASSERT_EQUAL(list_volume(), 200);
	CU_ASSERT_STRING_EQUAL(row_str("virtualmachineid"), "");
	sc_admin(&sim, "set", "{\"balance\":\"ms1\"}");
	CU_ASSERT_EQUAL(list_volume(), 200);
	CU_ASSERT_STRING_EQUAL(row_str("virtualmachineid"), SIM_OMA);

	/* it catches up, not before its time */
	sc_admin(&sim, "set", "{\"balance\":\"ms2\"}");
	do {
		CU_ASSERT_EQUAL_FATAL(list_volume(), 200);
	} while (!*row_str("virtualmachineid"));
	CU_ASSERT(mk_now_monotonic() - done >= 350 * USEC_PER_MSEC);

	/* texts of errors come from there, too */
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listVolumes", "id", JOB), 431);
	CU_ASSERT_STRING_EQUAL(str_or_empty(sc_header(&sim, "X-Description")), sc_error(&sim));
	sc_admin(&sim, "set", "{\"lag-ms\":0}");
	CU_ASSERT_EQUAL(list_volume(), 200);
	sc_stop(&sim);
}

/* K13: the jobs of a dead server stay pending, until it starts as what it was. */
static void test_kill_one(void)
{
	begin("--set=balance=ms1");
	sc_admin(&sim, "set", "{\"job-ms\":" LONG_MS "}");
	CU_ASSERT_EQUAL(attach(JOB), 200);
	sc_admin(&sim, "set", "{\"job-ms\":0,\"balance\":\"request\"}");
	sc_admin(&sim, "kill", "{\"server\":\"ms1\"}");
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(query(JOB), 0);
		CU_ASSERT_STRING_EQUAL(sc_str(&sim, "managementservername"), "ms1");
		on("ms2");
	}
	CU_ASSERT_EQUAL(list_volume(), 200);
	CU_ASSERT_STRING_EQUAL(row_str("state"), "Attaching");
	CU_ASSERT_STRING_EQUAL(row_str("jobid"), JOB);

	/* only the balancer is there for who is sent to it */
	sc_admin(&sim, "set", "{\"balance\":\"ms1\"}");
	CU_ASSERT_EQUAL(list_volume(), 503);
	CU_ASSERT_PTR_NULL(sim.json);
	sc_admin(&sim, "set", "{\"balance\":\"request\"}");

	/* another msid: nothing changes */
	sc_admin(&sim, "restart", "{\"server\":\"ms1\",\"other-id\":true}");
	CU_ASSERT_EQUAL(query(JOB), 0);
	sc_stop(&sim);
}

static void test_start_again(void)
{
	begin("--set=balance=ms1");
	sc_admin(&sim, "set", "{\"job-ms\":" LONG_MS "}");
	CU_ASSERT_EQUAL(attach(JOB), 200);
	sc_admin(&sim, "set", "{\"job-ms\":0,\"balance\":\"request\"}");
	sc_admin(&sim, "kill", "{\"server\":\"ms1\",\"disk-stays\":true}");
	sc_admin(&sim, "restart", "{\"server\":\"ms1\"}");
	CU_ASSERT_EQUAL(query(JOB), 2);
	CU_ASSERT_EQUAL(sc_int(&sim, "jobresultcode"), 530);
	CU_ASSERT_PTR_NULL(mk_json_get(sc_root(&sim, NULL), "jobresult"));
	CU_ASSERT_STRING_EQUAL(sc_str(&sim, "managementservername"), "ms1");
	CU_ASSERT_NOT_EQUAL(*sc_str(&sim, "completed"), '\0');
	CU_ASSERT_EQUAL(list_volume(), 200);
	CU_ASSERT_STRING_EQUAL(row_str("state"), "Ready");
	CU_ASSERT_STRING_EQUAL(row_str("virtualmachineid"), "");
	sc_stop(&sim);
}

/* --- one server --- */

static void seed_fresh(void)
{
	sc_admin(&sim, "seed",
		 "{\"volumes\":[{\"id\":\"" VOLUME "\",\"name\":\"v\",\"size\":1073741824,"
		 "\"state\":\"Allocated\"}]}");
}

/* Nobody can connect; after that no storage is found for fresh volumes, until the hosts are connected. */
static void test_slow_start(void)
{
	const char *const args[] = { "--door", "--set=job-ms=0", NULL };

	sc_start(&sim, args);
	seed_fresh();
	sc_admin(&sim, "restart", "{\"down-ms\":300,\"offline-ms\":" LONG_MS "}");
	CU_ASSERT_EQUAL(list_volume(), 0);
	sim.port = sim.door;
	CU_ASSERT_EQUAL(list_volume(), 0);
	CU_ASSERT_EQUAL(sim.code, CURLE_COULDNT_CONNECT);
	while (list_volume() == 0)
		;
	CU_ASSERT_EQUAL(sim.status, 200);
	CU_ASSERT_EQUAL(attach(JOB), 200);
	CU_ASSERT_EQUAL(follow(JOB), 2);
	CU_ASSERT_STRING_EQUAL(job_error(),
			       "Unable to find suitable primary storage when creating volume "
			       "[{\"name\":\"v\",\"uuid\":\"" VOLUME "\"}].");
	sc_stop(&sim);
}

static void test_hosts_connect(void)
{
	begin(NULL);
	seed_fresh();
	sc_admin(&sim, "restart", "{\"offline-ms\":100}");
	for (int64_t status = 2; status != 1;) {
		char job[MK_UUID_SIZE];

		CU_ASSERT_FATAL(mk_uuid_random(job) >= 0);
		CU_ASSERT_EQUAL(attach(job), 200);
		status = follow(job);
	}
	CU_ASSERT_EQUAL(list_volume(), 200);
	CU_ASSERT_STRING_EQUAL(row_str("virtualmachineid"), SIM_OMA);
	sc_stop(&sim);
}

/* deleteVolume works in the request: its connection just ends. */
static void test_cut_off_delete(void)
{
	begin("--set=delete-ms=" LONG_MS);
	sim.timeout_ms = 200;
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "deleteVolume", "id", VOLUME), 0);
	sim.timeout_ms = 0;
	CU_ASSERT_EQUAL(list_volume(), 200);
	CU_ASSERT_STRING_EQUAL(row_str("state"), "Expunging");
	sc_admin(&sim, "restart", "{}");
	CU_ASSERT_EQUAL(list_volume(), 200);
	CU_ASSERT_STRING_EQUAL(row_str("state"), "Expunging");
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "recoverVolume", "id", VOLUME), 431);
	sc_admin(&sim, "set", "{\"delete-ms\":0}");
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "deleteVolume", "id", VOLUME), 200);
	sc_stop(&sim);
}

/* --- the database --- */

static void test_no_database(void)
{
	begin("--set=db-list-ms=60");
	sc_admin(&sim, "set", "{\"db-change-ms\":30}");
	sc_admin(&sim, "database", "{}");
	CU_ASSERT_EQUAL(list_volume(), 401);
	CU_ASSERT_STRING_EQUAL(str_or_empty(sim.body), "null");
	CU_ASSERT(starts_with(str_or_empty(sc_header(&sim, "Content-Type")), "application/json"));
	CU_ASSERT_EQUAL(attach(JOB), 404);
	CU_ASSERT(starts_with(str_or_empty(sc_header(&sim, "Content-Type")), "text/html"));
	CU_ASSERT_STRING_EQUAL(str_or_empty(sc_header(&sim, "Connection")), "close");
	CU_ASSERT_PTR_NOT_NULL(strstr(str_or_empty(sim.body), "request timed out after 30000ms"));

	sc_admin(&sim, "database", "{\"away\":false}");
	CU_ASSERT_EQUAL(list_volume(), 200);
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "queryAsyncJobResult", "jobid", JOB), 431);
	sc_stop(&sim);
}

/* Who gives up is not noticed: the command is run when the database is back. */
static void test_given_up(void)
{
	begin("--set=db-change-ms=" LONG_MS);
	sc_admin(&sim, "database", "{}");
	sim.timeout_ms = 100;
	CU_ASSERT_EQUAL(attach(JOB), 0);
	CU_ASSERT_EQUAL(sim.code, CURLE_OPERATION_TIMEDOUT);
	sim.timeout_ms = 0;
	sc_admin(&sim, "database", "{\"away\":false}");
	CU_ASSERT_EQUAL(follow(JOB), 1);
	sc_stop(&sim);
}

/* F22, W28: the first one of a repeated command comes last, is refused, and leaves a volume. */
static void test_late(void)
{
	begin(NULL);
	sc_admin(&sim, "fault", "{\"command\":\"createVolume\",\"action\":\"late\",\"ms\":150}");
	sim.timeout_ms = 20;
	for (int i = 0; i < 2; i++) {
		long status = sc_call(&sim, "POST", "createVolume", "name", "twin", "size", "1",
				      "zoneid", SIM_ZONE, "diskofferingid", SIM_CUSTOM_OFFERING,
				      "customjobid", JOB);

		CU_ASSERT_EQUAL(status, i == 0 ? 0 : 200);
		sim.timeout_ms = 0;
	}
	wait_for("command=createVolume&count=2&what=executed");
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listVolumes", "name", "twin"), 200);
	CU_ASSERT_EQUAL(sc_int(&sim, "count"), 2);
	sc_stop(&sim);
}

/* A job whose time comes while the database is away. */
static void lose_database(const char *how, int64_t status, const char *vm)
{
	_cleanup_free_ char *back = mk_strdup_printf("{\"away\":false,\"jobs\":\"%s\"}", how);
	_cleanup_json_ json_object *state = NULL;
	json_object *volume;

	begin("--set=db-list-ms=100");
	sc_admin(&sim, "set", "{\"job-ms\":50}");
	CU_ASSERT_EQUAL(attach(JOB), 200);
	sc_admin(&sim, "database", "{\"away\":true}");
	CU_ASSERT_EQUAL(list_volume(), 401);
	sc_admin(&sim, "database", back);
	CU_ASSERT_EQUAL(status == 0 ? query(JOB) : follow(JOB), status);
	if (status == 2)
		CU_ASSERT_STRING_EQUAL(job_error(),
				       "Unable to find by id on DB, due to: Communications link "
				       "failure");
	state = sc_admin_get(&sim, "state?kinds=volumes");
	volume = mk_json_get(mk_json_get(state, "volumes"), VOLUME);
	CU_ASSERT_STRING_EQUAL(mk_json_str(volume, "state", ""), "Ready");
	CU_ASSERT_STRING_EQUAL(mk_json_str(volume, "virtualmachineid", ""), vm);
	if (status == 0) { /* until the server is started again */
		sc_admin(&sim, "restart", "{}");
		CU_ASSERT_EQUAL(query(JOB), 2);
	}
	sc_stop(&sim);
}

static void test_jobs_without_database(void)
{
	lose_database("wait", 1, SIM_OMA);
	lose_database("fail", 2, "");
	lose_database("never", 0, "");
	lose_database("never-done", 0, SIM_OMA);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "balance", test_balance },
		{ "FC-A7 maintenance of one", test_maintenance },
		{ "the server of a job", test_server_of_job },
		{ "FC-B1 lists that lag", test_lag },
		{ "K13 one dies", test_kill_one },
		{ "one starts again", test_start_again },
		{ "F17 a slow start", test_slow_start },
		{ "F17 hosts connect later", test_hosts_connect },
		{ "a cut off deletion", test_cut_off_delete },
		{ "no database", test_no_database },
		{ "the client gives up", test_given_up },
		{ "F22 a late request", test_late },
		{ "F20 jobs without a database", test_jobs_without_database },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "sim-servers", NULL, NULL, tests);
}
