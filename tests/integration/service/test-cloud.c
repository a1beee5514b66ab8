/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves which volumes DeleteRootVolume never deletes, and how it copes with states, rights and failures of
 * CloudStack, including one that cannot be reached. In the world of tests/world.h.
 */

#include "child.h"
#include "tap.h"
#include "world.h"

#include <sqlite3.h>

#define DBUS_ERROR  "org.freedesktop.DBus.Error."
#define UNKNOWN_VM  "99999999-9999-4999-8999-999999999999"
#define REPLICA     "77777777-7777-4777-8777-777777777777"
#define SECOND_DISK "88888888-8888-4888-8888-888888888888"

static struct world w;

static void begin(const char *config)
{
	static const char *const sim_args[] = { "--set", "job-ms=5", NULL };

	w_start(&w, sim_args, config);
	/* the daemon's look at the appliance's own VM is over */
	w_sim_wait(&w, "command=listVirtualMachines&count=1&what=received");
}

static void expect_error(const char *name, const char *text)
{
	bool ok = streq(w_error_name, name) && strstr(w_error_text, text);

	if (!ok)
		tap_note("expected %s '%s', got %s '%.300s'", name, text, w_error_name,
			 w_error_text);
	CU_ASSERT(ok);
}

/* DeleteRootVolume to its end: "" and the error, or the state. */
static const char *delete_root(const char *vm, const char *token, bool stop)
{
	const char *path = w_delete_root(&w, vm, token, stop);

	return path ? w_wait(&w, path) : "";
}

static void expect_untouched(const char *volume, const char *vm)
{
	_cleanup_json_ json_object *v = w_volume(&w, volume);

	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	CU_ASSERT_FALSE(mk_json_bool(v, "removed", true));
	CU_ASSERT_STRING_EQUAL(mk_json_str(v, "virtualmachineid", ""), vm);
}

static void expect_nothing_ran(void)
{
	static const char *const commands[] = { "stopVirtualMachine", "detachVolume",
						"destroyVolume", "deleteVolume", "attachVolume" };

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		CU_ASSERT_EQUAL(w_received(&w, commands[i]), 0);
}

static void add_volume(const char *id, const char *type, const char *vm, int device)
{
	_cleanup_free_ char *json = mk_strdup_printf(
		"{\"volumes\":[{\"id\":\"%s\",\"name\":\"added\",\"type\":\"%s\",\"size\":"
		"1073741824,"
		"\"state\":\"Ready\",\"virtualmachineid\":\"%s\",\"deviceid\":%d}]}",
		id, type, vm, device);

	w_sim_post(&w, "seed", json);
}

/* A row in the daemon's own store, while it is not running. */
static void make_managed(const char *id)
{
	_cleanup_free_ char *path = mk_strdup_printf("%s/state/volumed.db", w.dir);
	_cleanup_free_ char *sql = mk_strdup_printf(
		"INSERT INTO volumes (id, name, class, vm, device_id, size, state, device, "
		"created) "
		"VALUES ('%s', 'replica', 'oma', '', -1, 1073741824, 'detached', '', 1)",
		id);
	sqlite3 *db = NULL;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* ---- never the wrong disk ------------------------------------------------------------------------------- */

static void test_appliance(void)
{
	begin(NULL);
	CU_ASSERT_PTR_NULL(w_delete_root(&w, W_OMA, "oma", true));
	expect_error(W_ERROR "Protected", "is the appliance itself");
	expect_nothing_ran();
	w_stop(&w);
}

/* The root is deleted, the replica takes its place, and the request comes again. */
static void test_second_run(void)
{
	begin(NULL);
	add_volume(REPLICA, "DATADISK", W_OMA, 1);
	w_cloud(&w, "createTags", "resourceids", REPLICA, "resourcetype", "Volume", "tags[0].key",
		"migratekit:owner", "tags[0].value", "appliance-1");
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "first", true), "succeeded");
	w_sim_post(&w, "poke", "{\"volume\":\"" REPLICA "\",\"virtualmachineid\":\"\"}");
	w_sim_post(&w, "poke",
		   "{\"volume\":\"" REPLICA "\",\"virtualmachineid\":\"" W_VM
		   "\",\"deviceid\":0,\"type\":\"ROOT\"}");

	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "second", true), "");
	expect_error(W_ERROR "Protected", "owner appliance-1");
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, W_PATH "/operation/second", "State"), "failed");
	expect_untouched(REPLICA, W_VM);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 1);
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 1);
	w_stop(&w);
}

/* The same, attached by CloudStack's own command, which turns its type into ROOT. */
static void test_second_run_attached(void)
{
	begin(NULL);
	add_volume(REPLICA, "DATADISK", W_OMA, 1);
	w_sim_post(&w, "poke", "{\"volume\":\"" REPLICA "\",\"virtualmachineid\":\"\"}");
	w_cloud(&w, "createTags", "resourceids", REPLICA, "resourcetype", "Volume", "tags[0].key",
		"migratekit:owner", "tags[0].value", "appliance-1");
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "first", true), "succeeded");
	w_cloud(&w, "attachVolume", "id", REPLICA, "virtualmachineid", W_VM, "deviceid", "0");
	w_sim_wait(&w, "command=attachVolume&count=1&what=executed");
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "second", true), "");
	expect_error(W_ERROR "Protected", REPLICA);
	expect_untouched(REPLICA, W_VM);
	w_stop(&w);
}

/* In our store, without a tag: ours all the same. */
static void test_managed(void)
{
	begin(NULL);
	w_daemon_stop(&w);
	make_managed(W_ROOT);
	w_daemon_start(&w, NULL);
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "managed", true), "");
	expect_error(W_ERROR "Protected", W_ROOT);
	expect_untouched(W_ROOT, W_VM);
	expect_nothing_ran();
	w_stop(&w);
}

/* One of ours as a data disk keeps the whole VM from being touched. */
static void test_data_disk_is_ours(void)
{
	begin(NULL);
	add_volume(SECOND_DISK, "DATADISK", W_VM, 1);
	w_cloud(&w, "createTags", "resourceids", SECOND_DISK, "resourcetype", "Volume",
		"tags[0].key", "migratekit:owner", "tags[0].value", "appliance-2");
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "ours", true), "");
	expect_error(W_ERROR "Protected", SECOND_DISK);
	expect_untouched(W_ROOT, W_VM);
	expect_untouched(SECOND_DISK, W_VM);
	expect_nothing_ran();
	w_stop(&w);
}

/* Somebody else's data disk is no reason, and is not touched. */
static void test_data_disk_of_others(void)
{
	begin(NULL);
	add_volume(SECOND_DISK, "DATADISK", W_VM, 1);
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "others", true), "succeeded");
	expect_untouched(SECOND_DISK, W_VM);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 1);
	w_stop(&w);
}

static void test_ambiguous(void)
{
	begin(NULL);
	add_volume(SECOND_DISK, "ROOT", W_VM, 1);
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "two", true), "");
	expect_error(W_ERROR "Ambiguous", "more than one root volume");
	CU_ASSERT_PTR_NOT_NULL(strstr(w_error_text, W_ROOT));
	CU_ASSERT_PTR_NOT_NULL(strstr(w_error_text, SECOND_DISK));
	expect_untouched(W_ROOT, W_VM);
	expect_nothing_ran();
	w_stop(&w);
}

/* Detached, and before the deletion somebody attaches it to another VM. */
static void test_attached_elsewhere(void)
{
	const char *path;

	begin(NULL);
	w_sim_post(&w, "fault",
		   "{\"command\":\"destroyVolume\",\"action\":\"job-error\",\"errorcode\":530,"
		   "\"errortext\":\"hiccup\",\"count\":2}");
	w_sim_post(&w, "fault",
		   "{\"command\":\"destroyVolume\",\"action\":\"job-hold\",\"nth\":3}");
	path = w_delete_root(&w, W_VM, "moved", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, "command=detachVolume&count=1&what=executed");
	w_sim_post(&w, "poke",
		   "{\"volume\":\"" W_ROOT "\",\"virtualmachineid\":\"" W_OMA "\",\"deviceid\":5}");
	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "");
	CU_ASSERT(streq(w_error_name, W_ERROR "WrongState") ||
		  streq(w_error_name, W_ERROR "Refused"));
	expect_untouched(W_ROOT, W_OMA);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 0);
	w_stop(&w);
}

/* ---- states of the VM ---------------------------------------------------------------------------------------- */

static void test_not_found(void)
{
	begin(NULL);
	CU_ASSERT_STRING_EQUAL(delete_root(UNKNOWN_VM, "unknown", true), "");
	expect_error(W_ERROR "NotFound", UNKNOWN_VM);
	CU_ASSERT(w_call(&w, W_TESTVM, "GetVM", NULL, "s", UNKNOWN_VM) < 0);
	expect_error(W_ERROR "NotFound", UNKNOWN_VM);
	CU_ASSERT(w_call(&w, W_TESTVM, "ListVolumes", NULL, "s", UNKNOWN_VM) < 0);
	expect_error(W_ERROR "NotFound", UNKNOWN_VM);
	expect_nothing_ran();
	w_stop(&w);
}

static void test_no_root(void)
{
	begin(NULL);
	w_sim_post(&w, "poke", "{\"volume\":\"" W_ROOT "\",\"virtualmachineid\":\"\"}");
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "none", true), "");
	expect_error(W_ERROR "NoRootVolume", "no root volume found for test VM " W_VM);
	expect_nothing_ran();
	w_stop(&w);
}

static void test_running(void)
{
	begin(NULL);
	w_sim_post(&w, "poke", "{\"vm\":\"" W_VM "\",\"state\":\"Running\"}");
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "running", false), "");
	expect_error(W_ERROR "WrongState", "stop=true");
	expect_nothing_ran();
	CU_ASSERT_STRING_EQUAL(w_vm_state(&w, W_VM), "Running");

	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "stopping", true), "succeeded");
	CU_ASSERT_STRING_EQUAL(w_vm_state(&w, W_VM), "Stopped");
	CU_ASSERT_EQUAL(w_executed(&w, "stopVirtualMachine"), 1);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 1);
	w_stop(&w);
}

/* Signals of an object that tell what an earlier one has told already. */
static unsigned count_repeated(const char *path)
{
	unsigned n_told = 0, n = 0;

	w_drain(&w);
	for (size_t i = 0; i < w.n_signals; i++) {
		const struct w_signal *s = &w.signals[i];

		if (!streq(s->member, "PropertiesChanged") || !streq(s->path, path))
			continue;
		n_told++;
		for (size_t k = 0; k < i; k++)
			n += streq(w.signals[k].member, "PropertiesChanged") &&
			     streq(w.signals[k].path, path) &&
			     json_object_equal(w.signals[k].args, s->args);
	}
	CU_ASSERT(n_told > 0);
	return n;
}

/* A state that passes is waited for, quietly; one that does not is an error. */
static void test_other_states(void)
{
	const char *path;

	begin(NULL);
	w_sim_post(&w, "poke", "{\"vm\":\"" W_VM "\",\"state\":\"Error\"}");
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "error", true), "");
	expect_error(W_ERROR "WrongState", "in state Error");

	w_sim_post(&w, "poke", "{\"vm\":\"" W_VM "\",\"state\":\"Stopping\"}");
	w_sim_post(&w, "clear-log", "{}");
	path = w_delete_root(&w, W_VM, "passing", false);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, "command=listVirtualMachines&count=4&what=received");
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, path, "State"), "running");
	w_sim_post(&w, "poke", "{\"vm\":\"" W_VM "\",\"state\":\"Stopped\"}");
	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "succeeded");
	CU_ASSERT_EQUAL(count_repeated(path), 0);
	w_stop(&w);
}

static void test_passing_state_stays(void)
{
	begin("[operations]\nstep-limit=300ms\n");
	w_sim_post(&w, "poke", "{\"vm\":\"" W_VM "\",\"state\":\"Migrating\"}");
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "stays", false), "");
	expect_error(DBUS_ERROR "Timeout", "Migrating");
	expect_nothing_ran();
	w_stop(&w);
}

/* ---- the deletion --------------------------------------------------------------------------------------------- */

/* Without destroyVolume, by an unknown command or by our role, deleteVolume does it. */
static void test_no_destroy(void)
{
	static const char *const settings[] = { "{\"denied\":\"destroyVolume\"}",
						"{\"unknown\":\"destroyVolume\"}" };

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		_cleanup_json_ json_object *v = NULL;

		begin(NULL);
		w_sim_post(&w, "set", settings[i]);
		CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "delete", true), "succeeded");
		v = w_volume(&w, W_ROOT);
		CU_ASSERT(mk_json_bool(v, "removed", false));
		CU_ASSERT_EQUAL(w_executed(&w, "deleteVolume"), 1);
		CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 0);
		w_stop(&w);
	}
}

/* Our account may not expunge at all: nothing is half-deleted, the VM gets its disk back. */
static void test_no_expunge(void)
{
	begin(NULL);
	w_sim_post(&w, "set", "{\"role\":\"user\",\"expunge\":\"false\"}");
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "role", true), "");
	expect_error(W_ERROR "Refused", "Expunging a volume can only be done by an Admin");
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, W_PATH "/operation/role", "State"), "rolled-back");
	expect_untouched(W_ROOT, W_VM);
	w_stop(&w);
}

/* deleteVolume answers late or never: what became of it is asked, not guessed. */
static void test_delete_times_out(void)
{
	static const char *const faults[] = {
		"{\"command\":\"deleteVolume\",\"action\":\"hang\"}",
		"{\"command\":\"deleteVolume\",\"action\":\"drop-after\"}",
		"{\"command\":\"deleteVolume\",\"action\":\"drop-before\"}",
		"{\"command\":\"deleteVolume\",\"action\":\"delay\",\"ms\":1500}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		_cleanup_json_ json_object *v = NULL;
		const char *state;

		begin(NULL);
		w_sim_post(&w, "set", "{\"denied\":\"destroyVolume\"}");
		w_sim_post(&w, "fault", faults[i]);
		state = delete_root(W_VM, "slow", true);
		if (!streq(state, "succeeded"))
			tap_note("%s: %s %s", faults[i], w_error_name, w_error_text);
		CU_ASSERT_STRING_EQUAL(state, "succeeded");
		v = w_volume(&w, W_ROOT);
		CU_ASSERT(mk_json_bool(v, "removed", false));
		CU_ASSERT_EQUAL(w_executed(&w, "deleteVolume"), 1);
		w_stop(&w);
	}
}

static void test_delete_protection(void)
{
	begin(NULL);
	w_sim_post(&w, "poke", "{\"volume\":\"" W_ROOT "\",\"deleteprotection\":true}");
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "protected", true), "");
	expect_error(W_ERROR "Refused", "delete protection");
	expect_untouched(W_ROOT, W_VM);
	w_stop(&w);
}

/* ---- many callers --------------------------------------------------------------------------------------------- */

static void test_busy(void)
{
	begin(NULL);
	w_sim_post(&w, "fault", "{\"command\":\"detachVolume\",\"action\":\"job-hold\"}");
	CU_ASSERT_PTR_NOT_NULL_FATAL(w_delete_root(&w, W_VM, "holder", true));
	w_sim_wait(&w, "command=detachVolume&count=1&what=received");
	CU_ASSERT_PTR_NULL(w_delete_root(&w, W_VM, "second", true));
	expect_error(W_ERROR "Busy", "holder");
	/* looking is always allowed */
	CU_ASSERT(w_call(&w, W_TESTVM, "GetVM", NULL, "s", W_VM) >= 0);
	w_sim_post(&w, "release", "{}");
	CU_ASSERT_STRING_EQUAL(w_wait(&w, W_PATH "/operation/holder"), "succeeded");
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "second", true), "");
	expect_error(W_ERROR "NoRootVolume", W_VM);
	w_stop(&w);
}

#define N_VMS   10
#define N_CALLS 100

struct tally {
	unsigned accepted, busy, others;
};

static int on_accepted(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct tally *t = data;

	if (!sd_bus_message_is_method_error(m, NULL))
		t->accepted++;
	else if (sd_bus_message_is_method_error(m, W_ERROR "Busy"))
		t->busy++;
	else
		t->others++;
	return 0;
}

static void seed_vms(void)
{
	for (int i = 0; i < N_VMS; i++) {
		_cleanup_free_ char *json = mk_strdup_printf(
			"{\"vms\":[{\"id\":\"aaaaaaaa-0000-4000-8000-%012d\",\"name\":\"vm%d\","
			"\"state\":\"Stopped\"}],\"volumes\":[{\"id\":\"bbbbbbbb-0000-4000-8000-%"
			"012d\","
			"\"name\":\"root%d\",\"type\":\"ROOT\",\"state\":\"Ready\",\"size\":"
			"1073741824,"
			"\"virtualmachineid\":\"aaaaaaaa-0000-4000-8000-%012d\",\"deviceid\":0}]}",
			i, i, i, i, i);

		w_sim_post(&w, "seed", json);
	}
}

/* Each call is accepted or Busy, and each volume is deleted once. */
static void test_many_calls(void)
{
	struct tally t = { 0 };

	begin(NULL);
	seed_vms();
	for (int i = 0; i < N_CALLS; i++) {
		char vm[64];

		snprintf(vm, sizeof(vm), "aaaaaaaa-0000-4000-8000-%012d", i % N_VMS);
		CU_ASSERT(sd_bus_call_method_async(w.client, NULL, W_NAME, W_PATH, W_TESTVM,
						   "DeleteRootVolume", on_accepted, &t, "sa{sv}",
						   vm, 0) >= 0);
	}
	while (t.accepted + t.busy + t.others < N_CALLS) {
		while (sd_bus_process(w.client, NULL) > 0)
			;
		if (sd_bus_wait(w.client, CHILD_TIMEOUT_MS * USEC_PER_MSEC) <= 0)
			break;
	}
	tap_note("%u accepted, %u busy", t.accepted, t.busy);
	CU_ASSERT_EQUAL(t.others, 0);
	CU_ASSERT(t.accepted >= N_VMS);
	CU_ASSERT_EQUAL(t.accepted + t.busy, N_CALLS);

	for (int i = 0; i < N_VMS; i++) {
		_cleanup_free_ char *query =
			mk_strdup_printf("command=destroyVolume&count=%d&what=executed", N_VMS);

		w_sim_wait(&w, query);
	}
	for (int i = 0; i < N_VMS; i++) {
		_cleanup_json_ json_object *v = NULL;
		char id[64];

		snprintf(id, sizeof(id), "bbbbbbbb-0000-4000-8000-%012d", i);
		v = w_volume(&w, id);
		CU_ASSERT(v && mk_json_bool(v, "removed", false));
	}
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), N_VMS);
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), N_VMS);
	w_stop(&w);
}

/* ---- CloudStack is away ----------------------------------------------------------------------------------------- */

static bool status_is(const char *text)
{
	_cleanup_json_ json_object *status = w_property(&w, W_PATH, W_NAME, "Status");

	return status && strstr(json_object_get_string(status), text);
}

static void test_unreachable_at_start(void)
{
	static const char *const sim_args[] = { "--set", "job-ms=5", NULL };
	_cleanup_json_ json_object *healthy = NULL;
	const char *path;

	w_prepare(&w, sim_args, NULL);
	w_sim_stop(&w);
	w_daemon_start(&w, NULL);
	CU_ASSERT(w_await_manager(&w, "CloudStackReachable", false));
	CU_ASSERT_FALSE(status_is("serving"));
	healthy = w_property(&w, W_PATH, W_NAME, "Healthy");
	CU_ASSERT_FALSE(json_object_get_boolean(healthy));

	path = w_delete_root(&w, W_VM, "patient", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	CU_ASSERT(w_await_state(&w, path, "running"));
	w_sim_start(&w);
	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "succeeded");
	CU_ASSERT(w_await_manager(&w, "CloudStackReachable", true));
	CU_ASSERT(w_await_manager(&w, "Healthy", true));
	CU_ASSERT(status_is("serving"));
	w_stop(&w);
}

static void test_unreachable_for_good(void)
{
	begin("[operations]\ndeadline=700ms\n");
	w_sim_stop(&w);
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "gone", true), "");
	expect_error(W_ERROR "Unavailable", "gave up");
	CU_ASSERT(w_call(&w, W_TESTVM, "GetVM", NULL, "s", W_VM) < 0);
	expect_error(W_ERROR "Unavailable", "gave up");
	CU_ASSERT(w_await_manager(&w, "CloudStackReachable", false));
	w_sim_start(&w);
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "back", true), "succeeded");
	w_stop(&w);
}

/* No new jobs, while everything else works; meanwhile somebody gives the volume to another VM. */
static void test_maintenance(void)
{
	const char *path;

	begin(NULL);
	w_sim_post(&w, "set", "{\"maintenance\":true}");
	path = w_delete_root(&w, W_VM, "waits", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, "command=detachVolume&count=2&what=received");
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, path, "State"), "running");
	w_sim_post(&w, "poke",
		   "{\"volume\":\"" W_ROOT "\",\"virtualmachineid\":\"" W_OMA
		   "\",\"deviceid\":5,\"type\":\"DATADISK\"}");
	w_sim_post(&w, "set", "{\"maintenance\":false}");
	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "");
	expect_error(W_ERROR "WrongState", "somebody else changed it");
	expect_untouched(W_ROOT, W_OMA);
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 0);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 0);
	w_stop(&w);
}

/* It ends, and is cancelled at once, before anything was run. */
static void test_maintenance_cancel(void)
{
	const char *path;

	begin("[operations]\ndeadline=20s\n");
	w_sim_post(&w, "set", "{\"maintenance\":true}");
	path = w_delete_root(&w, W_VM, "waits", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, "command=detachVolume&count=2&what=received");
	CU_ASSERT(w_call_object(&w, path, W_OPERATION, "Cancel", NULL, "") >= 0);
	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "");
	expect_error(W_ERROR "Cancelled", "on request");
	w_sim_post(&w, "set", "{\"maintenance\":false}");
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "again", true), "succeeded");
	w_stop(&w);
}

/* A VM that was started while its deletion waited is not destroyed without the option. */
static void test_started_meanwhile(void)
{
	_cleanup_json_ json_object *reply = NULL;
	const char *path = W_PATH "/operation/destroy";

	begin(NULL);
	w_sim_post(&w, "set", "{\"maintenance\":true}");
	CU_ASSERT(w_call_object(&w, W_PATH, W_TESTVM, "DestroyVM", &reply, "sa{sv}", W_VM, 1,
				"token", "s", "destroy") >= 0);
	w_sim_wait(&w, "command=destroyVirtualMachine&count=1&what=received");
	w_sim_post(&w, "poke", "{\"vm\":\"" W_VM "\",\"state\":\"Running\"}");
	w_sim_post(&w, "set", "{\"maintenance\":false}");
	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "");
	expect_error(W_ERROR "WrongState", "stop=true");
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVirtualMachine"), 0);
	CU_ASSERT_STRING_EQUAL(w_vm_state(&w, W_VM), "Running");
	w_stop(&w);
}

/* The appliance's own VM is not there: said, and everything else goes on. */
/* L13: what is attached to "the appliance" would be another machine's. */
static void test_unknown_appliance(void)
{
	static const char *const sim_args[] = { "--set", "job-ms=5", NULL };

	w_prepare(&w, sim_args, "[appliance]\nvm=" UNKNOWN_VM "\n");
	w_daemon_start(&w, NULL);
	CU_ASSERT(w_await_manager(&w, "Healthy", false));
	CU_ASSERT(status_is(UNKNOWN_VM));
	CU_ASSERT_PTR_NULL(w_delete_root(&w, W_VM, "no", true));
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "WrongState");
	CU_ASSERT_PTR_NOT_NULL(strstr(w_error_text, UNKNOWN_VM));
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 0);

	/* known from now on */
	w_sim_post(&w, "seed", "{\"vms\":[{\"id\":\"" UNKNOWN_VM "\",\"name\":\"oma\"}]}");
	CU_ASSERT(w_await_manager(&w, "Healthy", true));
	CU_ASSERT_STRING_EQUAL(delete_root(W_VM, "yes", true), "succeeded");
	w_stop(&w);
}

/* L49: the role may not list VMs: said at start. */
static void test_missing_right(void)
{
	static const char *const sim_args[] = { "--set", "job-ms=5", "--set",
						"denied=listVirtualMachines", NULL };

	w_prepare(&w, sim_args, NULL);
	w_daemon_start(&w, NULL);
	CU_ASSERT(w_await_manager(&w, "Healthy", false));
	CU_ASSERT(status_is("could not be looked up"));
	w_stop(&w);
}

/* L24: what fails is one operation. */
static void test_one_fails(void)
{
	pid_t pid;

	begin(NULL);
	pid = w.daemon;
	w_sim_post(&w, "fault", "{\"command\":\"detachVolume\",\"action\":\"job-hold\"}");
	CU_ASSERT_PTR_NOT_NULL_FATAL(w_delete_root(&w, W_VM, "good", true));
	w_sim_wait(&w, "command=detachVolume&count=1&what=received");
	CU_ASSERT_STRING_EQUAL(delete_root(UNKNOWN_VM, "bad", false), "");
	expect_error(W_ERROR "NotFound", UNKNOWN_VM);
	w_sim_post(&w, "release", "{}");
	CU_ASSERT_STRING_EQUAL(w_wait(&w, W_PATH "/operation/good"), "succeeded");
	CU_ASSERT_EQUAL(w.daemon, pid);
	w_stop(&w);
}

/* L44: the numbers move. */
static void test_pending(void)
{
	_cleanup_json_ json_object *pending = NULL, *none = NULL;

	begin(NULL);
	w_sim_post(&w, "fault", "{\"command\":\"detachVolume\",\"action\":\"job-hold\"}");
	CU_ASSERT_PTR_NOT_NULL_FATAL(w_delete_root(&w, W_VM, "pending", true));
	w_sim_wait(&w, "command=detachVolume&count=1&what=received");
	pending = w_property(&w, W_PATH, W_NAME, "PendingOperations");
	CU_ASSERT_EQUAL(json_object_get_int64(pending), 1);
	w_sim_post(&w, "release", "{}");
	CU_ASSERT_STRING_EQUAL(w_wait(&w, W_PATH "/operation/pending"), "succeeded");
	w_drain(&w);
	none = w_property(&w, W_PATH, W_NAME, "PendingOperations");
	CU_ASSERT_EQUAL(json_object_get_int64(none), 0);
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "appliance", test_appliance },
		{ "L02-second-run", test_second_run },
		{ "L02-second-run-attached", test_second_run_attached },
		{ "L02-managed", test_managed },
		{ "L01-data-disk-is-ours", test_data_disk_is_ours },
		{ "data-disk-of-others", test_data_disk_of_others },
		{ "ambiguous", test_ambiguous },
		{ "attached-elsewhere", test_attached_elsewhere },
		{ "not-found", test_not_found },
		{ "no-root", test_no_root },
		{ "running", test_running },
		{ "other-states", test_other_states },
		{ "passing-state-stays", test_passing_state_stays },
		{ "no-destroy", test_no_destroy },
		{ "no-expunge", test_no_expunge },
		{ "L15-delete-times-out", test_delete_times_out },
		{ "delete-protection", test_delete_protection },
		{ "busy", test_busy },
		{ "L20-many-calls", test_many_calls },
		{ "unreachable-at-start", test_unreachable_at_start },
		{ "unreachable-for-good", test_unreachable_for_good },
		{ "maintenance", test_maintenance },
		{ "maintenance-cancel", test_maintenance_cancel },
		{ "started-meanwhile", test_started_meanwhile },
		{ "L49-unknown-appliance", test_unknown_appliance },
		{ "L49-missing-right", test_missing_right },
		{ "L24-one-fails", test_one_fails },
		{ "L44-pending", test_pending },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "service-cloud", NULL, NULL, tests);
}
