/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Measures the real daemon against baselines of the same run. Writes one line of JSON for each figure to the file
 * named by MK_BENCH_OUT: {"series", "variant", "unit", "samples": […]}. bench/report makes the table and the plots
 * from it. This is not a test: no figure has a bound.
 */

#include "bench-internal.h"
#include "child.h"
#include "cloudstack/wire.h"
#include "integration/failover/failover-env.h"
#include "testbus.h"

#include <curl/curl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#define CALLS      1000
#define IN_FLIGHT  64
#define N_DELETES  1000
#define LATENCY_MS 50
#define WINDOW     32 /* the daemon's default limit of requests at a time */

/* ---- figures --------------------------------------------------------------------------------------------------- */

void put(const char *series, const char *variant, const char *unit, json_object *samples)
{
	FILE *f = fopen(getenv("MK_BENCH_OUT"), "ae");
	json_object *o = json_object_new_object();

	mk_json_set_str(o, "series", series);
	mk_json_set_str(o, "variant", variant);
	mk_json_set_str(o, "unit", unit);
	json_object_object_add(o, "samples", samples);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fprintf(f, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	(void)fclose(f);
	json_object_put(o);
}

void add(json_object *samples, double v)
{
	json_object_array_add(samples, json_object_new_double(v));
}

static void put_one(const char *series, const char *variant, const char *unit, double v)
{
	json_object *samples = json_object_new_array();

	add(samples, v);
	put(series, variant, unit, samples);
}

static double since(uint64_t start)
{
	return (double)(mk_now_monotonic() - start);
}

/* ---- round trips ------------------------------------------------------------------------------------------------ */

struct target {
	const char *variant, *service, *path, *interface, *member;
	char argument[MK_UUID_SIZE];
	json_object *latency, *rate;
};

static sd_bus_message *new_call(struct world *w, const struct target *t)
{
	sd_bus_message *m = NULL;

	CU_ASSERT_FATAL(sd_bus_message_new_method_call(w->client, &m, t->service, t->path,
						       t->interface, t->member) >= 0);
	CU_ASSERT(sd_bus_message_append(m, "s", t->argument) >= 0);
	return m;
}

static void one_by_one(struct world *w, const struct target *t)
{
	for (unsigned i = 0; i < CALLS; i++) {
		_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = new_call(w, t), *reply = NULL;
		uint64_t start = mk_now_monotonic();

		CU_ASSERT(sd_bus_call(w->client, m, 0, NULL, &reply) >= 0);
		add(t->latency, since(start));
	}
}

static int on_reply(sd_bus_message *m, void *data, sd_bus_error *error)
{
	(*(unsigned *)data)++;
	return 0;
}

static void pipelined(struct world *w, const struct target *t)
{
	unsigned sent = 0, done = 0;
	uint64_t start = mk_now_monotonic();

	while (done < CALLS) { /* NOLINT(bugprone-infinite-loop): on_reply() counts */
		while (sent < CALLS && sent - done < IN_FLIGHT) {
			_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = new_call(w, t);

			CU_ASSERT(sd_bus_call_async(w->client, NULL, m, on_reply, &done, 0) >= 0);
			sent++;
		}
		if (sd_bus_process(w->client, NULL) == 0)
			(void)sd_bus_wait(w->client, USEC_INFINITY);
	}
	add(t->rate, CALLS / since(start) * USEC_PER_SEC);
}

/* Rounds of all targets in turn, so that what disturbs the machine disturbs all alike. */
static void round_trips(struct world *w, struct target *targets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		targets[i].latency = json_object_new_array();
		targets[i].rate = json_object_new_array();
	}
	for (unsigned round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < n; i++) {
			one_by_one(w, &targets[i]);
			pipelined(w, &targets[i]);
		}
	for (size_t i = 0; i < n; i++) {
		put("round trip", targets[i].variant, "us", targets[i].latency);
		put("calls per second, 64 in flight", targets[i].variant, "1/s", targets[i].rate);
	}
}

static pid_t start_echo(struct world *w)
{
	_cleanup_free_ char *program = mk_strdup_printf("%s/bench/echo", getenv("top_builddir"));
	const char *const argv[] = { program, tb_address(w->bus), NULL };
	uint64_t start = mk_now_monotonic();
	bool owned = false;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(child_start(argv, NULL, -1, -1, &pid), 0);
	while (!owned) {
		_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
		int has = 0;

		CU_ASSERT(sd_bus_call_method(w->client, "org.freedesktop.DBus",
					     "/org/freedesktop/DBus", "org.freedesktop.DBus",
					     "NameHasOwner", NULL, &reply, "s",
					     "org.migratekit.Echo") >= 0);
		CU_ASSERT(sd_bus_message_read(reply, "b", &has) >= 0);
		owned = has;
	}
	put_one("start to name owned", "empty libdbus service", "ms", since(start) / 1000);
	return pid;
}

/* ---- many volumes ---------------------------------------------------------------------------------------------------- */

json_object *many_volumes(unsigned from, unsigned to)
{
	json_object *seed = json_object_new_object(), *volumes = json_object_new_array();

	for (unsigned i = from; i < to; i++) {
		_cleanup_free_ char *id = mk_strdup_printf("aaaaaaaa-%04x-4000-8000-%012x", i, i);
		json_object *v = json_object_new_object(), *tags = json_object_new_array();
		json_object *tag = json_object_new_object();

		mk_json_set_str(v, "id", id);
		mk_json_set_str(v, "name", "many");
		mk_json_set_str(v, "type", "DATADISK");
		mk_json_set_str(v, "state", "Ready");
		mk_json_set_int(v, "size", (int64_t)O_GIB);
		mk_json_set_str(tag, "key", "migratekit:owner");
		mk_json_set_str(tag, "value", W_OMA);
		json_object_array_add(tags, tag);
		json_object_object_add(v, "tags", tags);
		json_object_array_add(volumes, v);
	}
	json_object_object_add(seed, "volumes", volumes);
	return seed;
}

static void seed_many(struct world *w)
{
	for (unsigned i = 0; i < MANY; i += PART) {
		_cleanup_json_ json_object *seed = many_volumes(i, i + PART);

		w_sim_post(w, "seed", json_object_to_json_string(seed));
	}
}

static void put_memory(struct world *w, const char *variant)
{
	_cleanup_free_ char *path = mk_strdup_printf("/proc/%d/smaps_rollup", (int)w->daemon);
	_cleanup_free_ char *text = child_slurp(path, NULL);
	static const char *const keys[] = { "\nRss:", "\nPrivate_Dirty:" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *line = strstr(text, keys[i]);

		if (line)
			put_one(i ? "memory, Private_Dirty" : "memory, RSS", variant, "MiB",
				strtod(line + strlen(keys[i]), NULL) / 1024);
	}
}

static void restart(struct world *w, const char *variant)
{
	json_object *samples = json_object_new_array();

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t start;

		w_daemon_stop(w);
		start = mk_now_monotonic();
		w_daemon_start(w, NULL);
		add(samples, since(start) / 1000);
	}
	put("start to name owned", variant, "ms", samples);
}

static void list_all(struct world *w)
{
	json_object *samples = json_object_new_array();

	for (unsigned i = 0; i < ROUNDS; i++) {
		_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
		uint64_t start = mk_now_monotonic();

		CU_ASSERT(w_call(w, O_MANAGER, "ListVolumes", &reply, "a{sv}", 0) >= 0);
		add(samples, since(start) / 1000);
	}
	put("ListVolumes", "5000 volumes", "ms", samples);
}

static size_t n_finished(const struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_signals; i++)
		n += streq(w->signals[i].member, "OperationFinished");
	return n;
}

/* How long it takes, and for how long it holds up the loop: the slowest answer to somebody who only reads. */
static void reconcile_agreeing(struct world *w, const struct target *get_device)
{
	json_object *whole = json_object_new_array(), *held = json_object_new_array();

	for (unsigned i = 0; i < ROUNDS; i++) {
		size_t before = n_finished(w);
		uint64_t start = mk_now_monotonic();
		const char *path = o_call(w, "Reconcile", "a{sv}", 1, "repair", "b", 0);
		_cleanup_json_ json_object *result = NULL;
		double slowest = 0;

		while (n_finished(w) == before) {
			_cleanup_(sd_bus_message_unrefp) sd_bus_message *m =
				new_call(w, get_device);
			_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
			uint64_t sent = mk_now_monotonic();

			CU_ASSERT_FATAL(sd_bus_call(w->client, m, 0, NULL, &reply) >= 0);
			slowest = since(sent) > slowest ? since(sent) : slowest;
			while (sd_bus_process(w->client, NULL) > 0)
				;
		}
		add(whole, since(start) / 1000);
		add(held, slowest / 1000);
		result = o_succeed(w, path);
		CU_ASSERT_EQUAL(mk_json_int(result, "Count", -1), 0);
	}
	put("Reconcile with 5,000 volumes that agree", "until its end", "ms", whole);
	put("Reconcile with 5,000 volumes that agree", "slowest GetDevice meanwhile", "ms", held);
}

static void bench_reads(void)
{
	struct target targets[] = {
		{ .variant = "empty libdbus service",
		  .service = "org.migratekit.Echo",
		  .path = "/",
		  .interface = "org.migratekit.Echo",
		  .member = "Echo" },
		{ .variant = "GetDevice",
		  .service = W_NAME,
		  .path = W_PATH,
		  .interface = O_MANAGER,
		  .member = "GetDevice" },
	};
	struct world w = { 0 };
	const char *volume;
	pid_t echo;

	o_start(&w, NULL, NULL);
	volume = o_attached(&w, "bench");
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		snprintf(targets[i].argument, MK_UUID_SIZE, "%s", volume);
	echo = start_echo(&w);
	restart(&w, "1 volume");
	put_memory(&w, "1 volume");
	round_trips(&w, targets, ARRAY_SIZE(targets));

	seed_many(&w);
	{
		uint64_t start = mk_now_monotonic();
		const char *path = o_call(&w, "Reconcile", "a{sv}", 1, "repair", "b", 1);

		json_object_put(o_succeed(&w, path));
		put_one("Reconcile, store rebuilt", "5000 volumes", "ms", since(start) / 1000);
	}
	targets[0].variant = "empty libdbus service, again";
	targets[1].variant = "GetDevice, 5000 volumes";
	round_trips(&w, targets, ARRAY_SIZE(targets));
	reconcile_agreeing(&w, &targets[1]);
	list_all(&w);
	restart(&w, "5000 volumes");
	put_memory(&w, "5000 volumes");
	(void)child_stop(echo, SIGTERM);
	w_stop(&w);
}

/* ---- operations ------------------------------------------------------------------------------------------------------- */

static int64_t received(struct world *w, const char *command)
{
	_cleanup_json_ json_object *log = w_sim_get(w, "log");
	json_object *counters = mk_json_get(log, "received");
	int64_t n = 0;

	if (command)
		return mk_json_int(counters, command, 0);
	json_object_object_foreach(counters, key, value) {
		(void)key;
		n += json_object_get_int64(value);
	}
	return n;
}

static void put_requests(struct world *w, const char *method, const char *path)
{
	json_object_put(o_succeed(w, path));
	put_one("CloudStack requests per operation", method, "", (double)received(w, NULL));
	w_sim_post(w, "clear-log", "{}");
}

static void bench_requests(void)
{
	struct world w = { 0 };
	const char *volume;

	o_start(&w, "[cloudstack]\npoll-min=20ms\n", NULL);
	w_sim_post(&w, "clear-log", "{}");
	put_requests(&w, "CreateVolume", o_create(&w, "n", O_GIB, "n"));
	volume = o_new_volume(&w, "requests");
	w_sim_post(&w, "clear-log", "{}");
	put_requests(&w, "AttachVolume", o_attach(&w, volume, "a"));
	put_requests(&w, "DetachVolume", o_detach(&w, volume, false, "d"));
	put_requests(&w, "DeleteVolume", o_delete(&w, volume));
	put_requests(&w, "DeleteRootVolume", w_delete_root(&w, W_VM, "r", true));
	w_stop(&w);
}

/* When the simulator last did something, monotonic µs: "plug" or "job-done". */
static uint64_t happened(struct world *w, const char *what)
{
	_cleanup_json_ json_object *log = w_sim_get(w, "log");

	return (uint64_t)mk_json_int(mk_json_get(log, "happened"), what, 0);
}

/* From the later of {the answer that says that the job is done, the disk's event} to OperationFinished. */
static void bench_attach(void)
{
	static const char *const delays[] = { "0", "200" };
	static const char *const variants[] = { "the job ends last", "the disk comes last" };

	for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
		json_object *samples = json_object_new_array();
		struct world w = { 0 };
		char volume[MK_UUID_SIZE];

		o_start(&w, NULL, NULL);
		snprintf(volume, sizeof(volume), "%s", o_new_volume(&w, "attach"));
		o_set(&w, "hv-delay-ms", delays[i]);
		for (unsigned k = 0; k < 20; k++) {
			_cleanup_free_ char *a = mk_strdup_printf("a%u", k);
			_cleanup_free_ char *d = mk_strdup_printf("d%u", k);
			const char *path = o_attach(&w, volume, a);
			uint64_t end, job, plug;

			CU_ASSERT(w_await_state(&w, path, "succeeded"));
			end = mk_now_monotonic();
			job = happened(&w, "job-done");
			plug = happened(&w, "plug");
			add(samples, (double)(end - (job > plug ? job : plug)) / 1000);
			json_object_put(o_succeed(&w, o_detach(&w, volume, false, d)));
		}
		put("attach: last event to OperationFinished", variants[i], "ms", samples);
		w_stop(&w);
	}
}

/* ---- sets ----------------------------------------------------------------------------------------------------------------- */

#define JOB_MS 200

/*
 * A set there and back, in units of one job of CloudStack: its queue per VM sets the floor of n + 1, since one
 * volume is detached while another is attached; one after the other it would be 2 n.
 */
static void bench_set(void)
{
	static const size_t sizes[] = { 2, 4, 8 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_free_ char *there = mk_strdup_printf("%zu volumes, Assign", sizes[i]);
		_cleanup_free_ char *back = mk_strdup_printf("%zu volumes, Return", sizes[i]);
		_cleanup_free_ char *floor =
			mk_strdup_printf("%zu volumes, floor (n + 1)", sizes[i]);
		_cleanup_free_ char *serial =
			mk_strdup_printf("%zu volumes, one after the other (2 n)", sizes[i]);
		struct world w = { 0 };
		struct f_set set;
		uint64_t start;

		f_start(&w, NULL, sizes[i], &set);
		o_set(&w, "job-ms", "200");
		put_one("jobs' time that a set takes", floor, "jobs", (double)sizes[i] + 1);
		put_one("jobs' time that a set takes", serial, "jobs", 2 * (double)sizes[i]);
		start = mk_now_monotonic();
		json_object_put(o_succeed(&w, f_assign(&w, &set, "there")));
		put_one("jobs' time that a set takes", there, "jobs", since(start) / 1000 / JOB_MS);
		start = mk_now_monotonic();
		json_object_put(o_succeed(&w, f_return(&w, &set, "back")));
		put_one("jobs' time that a set takes", back, "jobs", since(start) / 1000 / JOB_MS);
		w_stop(&w);
	}
}

/* ---- a thousand deletions ------------------------------------------------------------------------------------------------ */

static void seed_vms(struct world *w)
{
	json_object *seed = json_object_new_object(), *vms = json_object_new_array();
	json_object *volumes = json_object_new_array();

	for (unsigned i = 0; i < N_DELETES; i++) {
		_cleanup_free_ char *vm =
			mk_strdup_printf("bbbbbbbb-%04x-4000-8000-000000000000", i);
		_cleanup_free_ char *root =
			mk_strdup_printf("cccccccc-%04x-4000-8000-000000000000", i);
		json_object *m = json_object_new_object(), *v = json_object_new_object();

		mk_json_set_str(m, "id", vm);
		mk_json_set_str(m, "name", "vm");
		mk_json_set_str(m, "state", "Stopped");
		json_object_array_add(vms, m);
		mk_json_set_str(v, "id", root);
		mk_json_set_str(v, "name", "root");
		mk_json_set_str(v, "type", "ROOT");
		mk_json_set_str(v, "state", "Ready");
		mk_json_set_str(v, "virtualmachineid", vm);
		mk_json_set_int(v, "deviceid", 0);
		mk_json_set_int(v, "size", (int64_t)O_GIB);
		json_object_array_add(volumes, v);
	}
	json_object_object_add(seed, "vms", vms);
	json_object_object_add(seed, "volumes", volumes);
	w_sim_post(w, "seed", json_object_to_json_string(seed));
	json_object_put(seed);
}

static void delete_all(struct world *w)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
	_cleanup_json_ json_object *last = NULL;
	size_t n = 0, seen = 0;
	uint64_t start;

	CU_ASSERT_FATAL(sd_bus_message_new_method_call(w->client, &m, W_NAME, W_PATH, W_TESTVM,
						       "DeleteRootVolumes") >= 0);
	CU_ASSERT(sd_bus_message_open_container(m, 'a', "s") >= 0);
	for (unsigned i = 0; i < N_DELETES; i++) {
		_cleanup_free_ char *vm =
			mk_strdup_printf("bbbbbbbb-%04x-4000-8000-000000000000", i);

		CU_ASSERT(sd_bus_message_append(m, "s", vm) >= 0);
	}
	CU_ASSERT(sd_bus_message_close_container(m) >= 0);
	CU_ASSERT(sd_bus_message_append(m, "a{sv}", 0) >= 0);

	start = mk_now_monotonic();
	CU_ASSERT_FATAL(sd_bus_call(w->client, m, 60 * USEC_PER_SEC, NULL, &reply) >= 0);
	put_one("1000 root volumes deleted", "all accepted", "ms", since(start) / 1000);
	while (n < N_DELETES) {
		if (sd_bus_process(w->client, NULL) == 0)
			(void)sd_bus_wait(w->client, USEC_INFINITY);
		for (; seen < w->n_signals; seen++)
			n += streq(w->signals[seen].member, "OperationFinished");
	}
	put_one("1000 root volumes deleted", "all done", "ms", since(start) / 1000);
	CU_ASSERT_EQUAL(w_executed(w, "destroyVolume"), N_DELETES);
}

size_t ignore(char *data, size_t size, size_t n, void *user)
{
	return size * n;
}

/* Signed once: it may be sent again until it expires. */
static char *signed_body(void)
{
	_cleanup_json_ json_object *params = json_object_new_object();
	time_t expires = time(NULL) + 600;
	struct tm tm;
	char text[40];

	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&expires, &tm));
	mk_json_set_str(params, "command", "listCapabilities");
	mk_json_set_str(params, "response", "json");
	mk_json_set_str(params, "apikey", w_api_key);
	mk_json_set_str(params, "signatureversion", "3");
	mk_json_set_str(params, "expires", text);
	return mk_cs_signed_body(params, w_secret);
}

static CURL *request(const char *url, const char *body)
{
	CURL *c = curl_easy_init();

	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	return c;
}

/* The baseline: the same number of requests to the same simulator by curl alone. */
static void raw_curl(struct world *w, int64_t n)
{
	_cleanup_free_ char *body = signed_body();
	CURLM *multi = curl_multi_init();
	int64_t sent = 0, done = 0;
	uint64_t start = mk_now_monotonic();
	int running, left;

	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)WINDOW);
	while (done < n) {
		CURLMsg *msg;

		while (sent < n && sent - done < WINDOW) {
			curl_multi_add_handle(multi, request(w->url, body));
			sent++;
		}
		curl_multi_perform(multi, &running);
		curl_multi_poll(multi, NULL, 0, 1000, NULL);
		while ((msg = curl_multi_info_read(multi, &left))) {
			CURL *easy = msg->easy_handle;

			curl_multi_remove_handle(multi, easy);
			curl_easy_cleanup(easy);
			done++;
		}
	}
	put_one("1000 root volumes deleted", "as many requests by curl alone", "ms",
		since(start) / 1000);
	curl_multi_cleanup(multi);
}

static void bench_deletes(void)
{
	static const char *const settings[] = { "job-ms=50", "latency-ms=50", NULL };
	struct world w = { 0 };
	int64_t n;

	o_start(&w, "[cloudstack]\nrequest-timeout=30s\npoll-min=1s\npoll-max=5s\n", settings);
	seed_vms(&w);
	w_sim_post(&w, "clear-log", "{}");
	delete_all(&w);
	n = received(&w, NULL);
	put_one("1000 root volumes deleted", "requests", "", (double)n);
	put_one("1000 root volumes deleted", "ideal: requests * latency / window", "ms",
		(double)n * LATENCY_MS / WINDOW);
	raw_curl(&w, n);
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "reads", bench_reads },
		{ "attach", bench_attach },
		{ "requests", bench_requests },
		{ "set", bench_set },
		{ "deletes", bench_deletes },
		{ "sim", bench_sim },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "bench", NULL, NULL, tests);
}
