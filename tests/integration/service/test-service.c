/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves the manager object and operations as callers see them: bad requests, tokens, batches, lists, Wait and Cancel,
 * and different D-Bus clients. In the world of tests/world.h.
 */

#include "child.h"
#include "tap.h"
#include "testbus.h"
#include "world.h"

#include <sys/wait.h>

#define DBUS_ERROR "org.freedesktop.DBus.Error."
#define UNKNOWN_VM "99999999-9999-4999-8999-999999999999"

static struct world w;

static void begin(const char *config)
{
	static const char *const sim_args[] = { "--set", "job-ms=5", NULL };

	w_start(&w, sim_args, config);
	/* the daemon's look at the appliance's own VM is over */
	w_sim_wait(&w, "command=listVirtualMachines&count=1&what=received");
	w_sim_post(&w, "clear-log", "{}");
}

static void expect_error(int r, const char *name, const char *text)
{
	bool ok = r < 0 && streq(w_error_name, name) && strstr(w_error_text, text);

	if (!ok)
		tap_note("expected %s '%s', got %d %s '%.300s'", name, text, r, w_error_name,
			 w_error_text);
	CU_ASSERT(ok);
}

static json_object *call_list(const char *member, const char *types, ...)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
	_cleanup_json_ json_object *args = NULL;
	sd_bus_error error = SD_BUS_ERROR_NULL;
	va_list ap;

	CU_ASSERT(sd_bus_message_new_method_call(w.client, &m, W_NAME, W_PATH, W_NAME, member) >=
		  0);
	va_start(ap, types);
	CU_ASSERT(sd_bus_message_appendv(m, types, ap) >= 0);
	va_end(ap);
	CU_ASSERT_FATAL(sd_bus_call(w.client, m, 0, &error, &reply) >= 0);
	args = w_message_json(reply);
	return json_object_get(json_object_array_get_idx(args, 0));
}

static size_t count_operations(void)
{
	_cleanup_json_ json_object *rows = call_list("ListOperations", "a{sv}", 0);

	return json_object_array_length(rows);
}

static const char *nth_id(json_object *rows, size_t i)
{
	return mk_json_str(json_object_array_get_idx(rows, i), "Id", "");
}

/* ---- refused before CloudStack is asked ------------------------------------------------------------------ */

/* L42: a bare number is one of CloudStack's internal ids. */
static void test_bad_ids(void)
{
	static const char *const bad[] = {
		"",
		"1",
		"42",
		"-1",
		"test-vm",
		"22222222-2222-4222-8222-22222222222",
		"22222222-2222-4222-8222-2222222222222",
		"22222222222242228222222222222222",
		"{22222222-2222-4222-8222-222222222222}",
		"AAAAAAAA-2222-4222-8222-222222222222",
		"g2222222-2222-4222-8222-222222222222",
		" 22222222-2222-4222-8222-222222222222",
		"22222222-2222-4222-8222-222222222222 ",
		"22222222-2222-4222-8222-222222222222&id=1",
		"../../etc/passwd",
		"'; DROP TABLE volumes; --",
		"\xd9\xa2\xd9\xa2",
	};

	begin(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		expect_error(w_call(&w, W_TESTVM, "DeleteRootVolume", NULL, "sa{sv}", bad[i], 0),
			     DBUS_ERROR "InvalidArgs", "UUID");
		expect_error(w_call(&w, W_TESTVM, "DeleteRootVolumes", NULL, "asa{sv}", 1, bad[i],
				    0),
			     DBUS_ERROR "InvalidArgs", "UUID");
		expect_error(w_call(&w, W_TESTVM, "ListVolumes", NULL, "s", bad[i]),
			     DBUS_ERROR "InvalidArgs", "UUID");
		expect_error(w_call(&w, W_TESTVM, "GetVM", NULL, "s", bad[i]),
			     DBUS_ERROR "InvalidArgs", "UUID");
	}
	CU_ASSERT_EQUAL(count_operations(), 0);
	CU_ASSERT_EQUAL(w_requests(&w), 0);
	w_stop(&w);
}

static void test_bad_texts(void)
{
	char *longer = malloc(4098);

	begin(NULL);
	memset(longer, '2', 4097);
	longer[4097] = '\0';
	expect_error(w_call(&w, W_TESTVM, "GetVM", NULL, "s", longer), DBUS_ERROR "InvalidArgs",
		     "4096");
	longer[4096] = '\0';
	expect_error(w_call(&w, W_TESTVM, "GetVM", NULL, "s", longer), DBUS_ERROR "InvalidArgs",
		     "UUID");
	CU_ASSERT(strlen(w_error_text) < 300); /* it does not all come back */
	expect_error(w_call(&w, W_TESTVM, "GetVM", NULL, "s", W_VM "\n"), DBUS_ERROR "InvalidArgs",
		     "control");
	expect_error(w_call(&w, W_TESTVM, "GetVM", NULL, "t", (uint64_t)42),
		     DBUS_ERROR "InvalidArgs", "'s', not 't'");
	expect_error(w_call(&w, W_TESTVM, "DeleteRootVolume", NULL, "s", W_VM),
		     DBUS_ERROR "InvalidArgs", "'sa{sv}', not 's'");
	expect_error(w_call(&w, W_NAME, "GetOperation", NULL, "s", longer), W_ERROR "NotFound",
		     "no operation");
	CU_ASSERT_EQUAL(w_requests(&w), 0);
	w_stop(&w);
	free(longer);
}

static void test_bad_options(void)
{
	begin(NULL);
#define DELETE(...) w_call(&w, W_TESTVM, "DeleteRootVolume", NULL, "sa{sv}", W_VM, 1, __VA_ARGS__)
	expect_error(DELETE("stop", "s", "true"), DBUS_ERROR "InvalidArgs", "of type b, not s");
	expect_error(DELETE("stop", "u", 1), DBUS_ERROR "InvalidArgs", "of type b, not u");
	expect_error(DELETE("token", "b", 1), DBUS_ERROR "InvalidArgs", "of type s, not b");
	expect_error(DELETE("force", "b", 1), DBUS_ERROR "InvalidArgs", "no option 'force'");
	expect_error(DELETE("Stop", "b", 1), DBUS_ERROR "InvalidArgs", "no option 'Stop'");
	expect_error(DELETE("token", "s", ""), DBUS_ERROR "InvalidArgs", "A-Z a-z 0-9 _");
	expect_error(DELETE("token", "s", "a-b"), DBUS_ERROR "InvalidArgs", "A-Z a-z 0-9 _");
	expect_error(DELETE("token", "s", "a/b"), DBUS_ERROR "InvalidArgs", "A-Z a-z 0-9 _");
	expect_error(DELETE("token", "s", "\xc3\xbc"), DBUS_ERROR "InvalidArgs", "A-Z a-z 0-9 _");
	expect_error(DELETE("token", "s",
			    "a2345678901234567890123456789012345678901234567890123456789012345"),
		     DBUS_ERROR "InvalidArgs", "1 to 64");
#undef DELETE
	expect_error(w_call(&w, W_NAME, "ListOperations", NULL, "a{sv}", 1, "limit", "u", 0),
		     DBUS_ERROR "InvalidArgs", "1 to 1000");
	expect_error(w_call(&w, W_NAME, "ListOperations", NULL, "a{sv}", 1, "limit", "u", 1001),
		     DBUS_ERROR "InvalidArgs", "1 to 1000");
	expect_error(w_call(&w, W_NAME, "ListOperations", NULL, "a{sv}", 1, "state", "s", "done"),
		     DBUS_ERROR "InvalidArgs", "no operation state 'done'");
	expect_error(w_call(&w, W_NAME, "ListOperations", NULL, "a{sv}", 1, "nonsense", "s", ""),
		     DBUS_ERROR "InvalidArgs", "nonsense");
	expect_error(w_call(&w, W_NAME, "ListClasses", NULL, "a{sv}", 1, "class", "s", ""),
		     DBUS_ERROR "InvalidArgs", "class");
	CU_ASSERT_EQUAL(count_operations(), 0);
	CU_ASSERT_EQUAL(w_requests(&w), 0);
	w_stop(&w);
}

/* ---- tokens and batches ---------------------------------------------------------------------------------------- */

static void test_token(void)
{
	_cleanup_free_ char *first = NULL;
	const char *path;

	begin(NULL);
	path = w_delete_root(&w, W_VM, "again", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	first = strdup(path);
	for (int i = 0; i < 3; i++) {
		path = w_delete_root(&w, W_VM, "again", true);
		CU_ASSERT_PTR_NOT_NULL_FATAL(path);
		CU_ASSERT_STRING_EQUAL(path, first);
	}
	CU_ASSERT_STRING_EQUAL(w_wait(&w, first), "succeeded");
	path = w_delete_root(&w, W_VM, "again", true); /* after its end, too */
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	CU_ASSERT_STRING_EQUAL(path, first);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 1);
	CU_ASSERT_EQUAL(count_operations(), 1);

	CU_ASSERT_PTR_NULL(w_delete_root(&w, W_VM, "again", false));
	expect_error(-1, W_ERROR "TokenMismatch", "again");
	CU_ASSERT_PTR_NULL(w_delete_root(&w, UNKNOWN_VM, "again", true));
	expect_error(-1, W_ERROR "TokenMismatch", "again");
	w_stop(&w);
}

/* Without a token each request is its own; the id is ours. */
static void test_no_token(void)
{
	_cleanup_free_ char *first = NULL;
	const char *path;

	begin(NULL);
	path = w_delete_root(&w, W_VM, NULL, true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	CU_ASSERT(starts_with(path, W_PATH "/operation/op_"));
	first = strdup(path);
	CU_ASSERT_STRING_EQUAL(w_wait(&w, first), "succeeded");
	path = w_delete_root(&w, W_VM, NULL, true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	CU_ASSERT_STRING_NOT_EQUAL(path, first);
	(void)w_wait(&w, path);
	expect_error(-1, W_ERROR "NoRootVolume", "no root volume found for test VM " W_VM);
	w_stop(&w);
}

#define OTHER_VM "44444444-4444-4444-8444-444444444444"
#define THIRD_VM "99999999-9999-4999-8999-999999999991"

static int delete_two(const char *one, const char *two, json_object **ret)
{
	return w_call_object(&w, W_PATH, W_TESTVM, "DeleteRootVolumes", ret, "asa{sv}", 2, one, two,
			     1, "token", "s", "batch");
}

static void expect_mismatch(int r)
{
	expect_error(r, W_ERROR "TokenMismatch", "batch");
}

/* Every list but the first, and the operations alone. */
static void expect_other_lists_refused(void)
{
	size_t before = count_operations();

	expect_mismatch(w_call(&w, W_TESTVM, "DeleteRootVolumes", NULL, "asa{sv}", 1, W_VM, 1,
			       "token", "s", "batch"));
	expect_mismatch(w_call(&w, W_TESTVM, "DeleteRootVolumes", NULL, "asa{sv}", 1, THIRD_VM, 1,
			       "token", "s", "batch"));
	expect_mismatch(w_call(&w, W_TESTVM, "DeleteRootVolumes", NULL, "asa{sv}", 3, W_VM,
			       OTHER_VM, THIRD_VM, 1, "token", "s", "batch"));
	expect_mismatch(delete_two(OTHER_VM, W_VM, NULL));
	expect_mismatch(w_call(&w, W_TESTVM, "DeleteRootVolumes", NULL, "asa{sv}", 2, W_VM,
			       OTHER_VM, 2, "token", "s", "batch", "stop", "b", 1));
	CU_ASSERT_PTR_NULL(w_delete_root(&w, OTHER_VM, "batch_1", false));
	expect_mismatch(-1);
	CU_ASSERT_EQUAL(count_operations(), before);
}

/* All or none. */
static void test_batch(void)
{
	_cleanup_json_ json_object *args = NULL, *again = NULL;

	begin(NULL);
	expect_error(delete_two(W_VM, "42", NULL), DBUS_ERROR "InvalidArgs", "UUID");
	expect_error(delete_two(W_VM, W_OMA, NULL), W_ERROR "Protected", "appliance itself");
	expect_error(delete_two(W_VM, W_VM, NULL), DBUS_ERROR "InvalidArgs", W_VM "' twice");
	expect_error(w_call(&w, W_TESTVM, "DeleteRootVolumes", NULL, "asa{sv}", 0, 0),
		     DBUS_ERROR "InvalidArgs", "empty");
	CU_ASSERT_EQUAL(count_operations(), 0);
	CU_ASSERT_EQUAL(w_requests(&w), 0);

	CU_ASSERT_EQUAL_FATAL(delete_two(W_VM, OTHER_VM, &args), 0);
	CU_ASSERT_EQUAL_FATAL(delete_two(W_VM, OTHER_VM, &again), 0);
	CU_ASSERT(json_object_equal(args, again));
	CU_ASSERT_STRING_EQUAL(json_object_to_json_string_ext(args, JSON_C_TO_STRING_NOSLASHESCAPE |
									    JSON_C_TO_STRING_PLAIN),
			       "[[\"" W_PATH "/operation/batch_0\",\"" W_PATH
			       "/operation/batch_1\"]]");
	CU_ASSERT_STRING_EQUAL(w_wait(&w, W_PATH "/operation/batch_0"), "succeeded");
	CU_ASSERT_STRING_EQUAL(w_wait(&w, W_PATH "/operation/batch_1"), "succeeded");
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 2);
	w_stop(&w);
}

/* The token belongs to the whole list, before and after its end, and after a restart. */
static void test_batch_token(void)
{
	_cleanup_json_ json_object *args = NULL, *again = NULL;

	begin(NULL);
	CU_ASSERT_EQUAL_FATAL(delete_two(W_VM, OTHER_VM, &args), 0);
	expect_other_lists_refused();
	(void)w_wait(&w, W_PATH "/operation/batch_0");
	(void)w_wait(&w, W_PATH "/operation/batch_1");
	expect_other_lists_refused();
	w_daemon_stop(&w);
	w_daemon_start(&w, NULL);
	expect_other_lists_refused();
	CU_ASSERT_EQUAL_FATAL(delete_two(W_VM, OTHER_VM, &again), 0);
	CU_ASSERT(json_object_equal(args, again));
	CU_ASSERT_EQUAL(count_operations(), 2);

	/* a single operation's token may look like a batch's */
	CU_ASSERT_PTR_NOT_NULL(w_delete_root(&w, UNKNOWN_VM, "single_1", false));
	CU_ASSERT_EQUAL(w_call(&w, W_TESTVM, "DeleteRootVolumes", NULL, "asa{sv}", 1, THIRD_VM, 1,
			       "token", "s", "single"),
			0);
	w_stop(&w);
}

/* What history has dropped is not done a second time for a batch that is still known. */
static void test_batch_dropped(void)
{
	begin(NULL);
	w_sim_post(&w, "fault", "{\"command\":\"listVolumes\",\"action\":\"hang\"}");
	CU_ASSERT_EQUAL_FATAL(delete_two(UNKNOWN_VM, OTHER_VM, NULL), 0);
	(void)w_wait(&w, W_PATH "/operation/batch_0");
	(void)w_wait(&w, W_PATH "/operation/batch_1");
	w_set_config(&w, "[operations]\nhistory-count=1\nexport-finished=1\n");
	w_daemon_stop(&w);
	w_daemon_start(&w, NULL);
	CU_ASSERT_EQUAL(count_operations(), 1);
	expect_error(w_call(&w, W_NAME, "GetOperation", NULL, "s", "batch_0"), W_ERROR "NotFound",
		     "batch_0");

	expect_other_lists_refused();
	expect_error(delete_two(UNKNOWN_VM, OTHER_VM, NULL), W_ERROR "TokenMismatch", "history");
	CU_ASSERT_EQUAL(count_operations(), 1);
	w_stop(&w);
}

/* As long as any other token. */
static void test_batch_token_length(void)
{
	char token[66];

	begin(NULL);
	memset(token, 't', sizeof(token));
	token[65] = '\0';
	expect_error(w_call(&w, W_TESTVM, "DeleteRootVolumes", NULL, "asa{sv}", 1, UNKNOWN_VM, 1,
			    "token", "s", token),
		     DBUS_ERROR "InvalidArgs", "1 to 64");
	expect_error(w_call(&w, W_TESTVM, "DeleteRootVolumes", NULL, "asa{sv}", 1, UNKNOWN_VM, 1,
			    "token", "s", ""),
		     DBUS_ERROR "InvalidArgs", "1 to 64");
	CU_ASSERT_EQUAL(count_operations(), 0);
	token[64] = '\0';
	for (int i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(w_call(&w, W_TESTVM, "DeleteRootVolumes", NULL, "asa{sv}", 1,
				       UNKNOWN_VM, 1, "token", "s", token),
				0);
	CU_ASSERT_EQUAL(count_operations(), 1);
	w_stop(&w);
}

static void test_max_per_caller(void)
{
	begin("[operations]\nmax-per-caller=2\n");
	w_sim_post(&w, "set", "{\"latency-ms\":\"60000\"}");
	CU_ASSERT_PTR_NOT_NULL(w_delete_root(&w, W_VM, "one", false));
	CU_ASSERT_PTR_NOT_NULL(w_delete_root(&w, UNKNOWN_VM, "two", false));
	CU_ASSERT_PTR_NULL(
		w_delete_root(&w, "99999999-9999-4999-8999-999999999998", "three", false));
	expect_error(-1, DBUS_ERROR "LimitsExceeded", "2 are allowed");
	CU_ASSERT_PTR_NOT_NULL(w_delete_root(&w, W_VM, "one", false)); /* not a new one */
	CU_ASSERT_EQUAL(count_operations(), 2);
	w_sim_post(&w, "set", "{\"latency-ms\":\"0\"}");
	w_stop(&w);
}

/* ---- lists ----------------------------------------------------------------------------------------------------- */

static void test_list_operations(void)
{
	static const char *const tokens[] = { "one", "two", "three" };
	_cleanup_json_ json_object *all = NULL, *page = NULL, *failed = NULL, *vm = NULL;
	_cleanup_json_ json_object *volume = NULL, *none = NULL, *kind = NULL;

	begin(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		const char *path = w_delete_root(&w, i == 2 ? UNKNOWN_VM : W_VM, tokens[i], true);

		CU_ASSERT_PTR_NOT_NULL_FATAL(path);
		(void)w_wait(&w, path);
	}

	all = call_list("ListOperations", "a{sv}", 0);
	CU_ASSERT_EQUAL_FATAL(json_object_array_length(all), 3);
	CU_ASSERT_STRING_EQUAL(nth_id(all, 0), "three"); /* newest first */
	CU_ASSERT_STRING_EQUAL(nth_id(all, 2), "one");

	page = call_list("ListOperations", "a{sv}", 2, "offset", "u", 1, "limit", "u", 1);
	CU_ASSERT_EQUAL(json_object_array_length(page), 1);
	CU_ASSERT_STRING_EQUAL(nth_id(page, 0), "two");
	failed = call_list("ListOperations", "a{sv}", 1, "state", "s", "failed");
	CU_ASSERT_EQUAL(json_object_array_length(failed), 2);
	vm = call_list("ListOperations", "a{sv}", 2, "vm", "s", W_VM, "state", "s", "succeeded");
	CU_ASSERT_EQUAL(json_object_array_length(vm), 1);
	CU_ASSERT_STRING_EQUAL(nth_id(vm, 0), "one");
	volume = call_list("ListOperations", "a{sv}", 1, "volume", "s", W_ROOT);
	CU_ASSERT_EQUAL(json_object_array_length(volume), 1);
	kind = call_list("ListOperations", "a{sv}", 2, "kind", "s", "DeleteRootVolume", "class",
			 "s", "test-vm");
	CU_ASSERT_EQUAL(json_object_array_length(kind), 3);
	none = call_list("ListOperations", "a{sv}", 1, "class", "s", "' OR 1=1 --");
	CU_ASSERT_EQUAL(json_object_array_length(none), 0);
	w_stop(&w);
}

/* Operations that are no longer objects are in the list, and GetOperation makes them objects again. */
static void test_history(void)
{
	_cleanup_json_ json_object *rows = NULL, *args = NULL, *state = NULL;

	begin("[operations]\nexport-finished=1\n");
	for (int i = 0; i < 3; i++) {
		char token[16];
		const char *path;

		snprintf(token, sizeof(token), "t%d", i);
		path = w_delete_root(&w, UNKNOWN_VM, token, false);
		CU_ASSERT_PTR_NOT_NULL_FATAL(path);
		(void)w_wait(&w, path);
		expect_error(-1, W_ERROR "NotFound", UNKNOWN_VM);
	}
	w_drain(&w);

	state = w_property(&w, W_PATH "/operation/t0", W_OPERATION, "State");
	CU_ASSERT_PTR_NULL(state);
	expect_error(-1, DBUS_ERROR "UnknownObject", "t0");
	rows = call_list("ListOperations", "a{sv}", 0);
	CU_ASSERT_EQUAL(json_object_array_length(rows), 3);
	CU_ASSERT_EQUAL(w_call_object(&w, W_PATH, W_NAME, "GetOperation", &args, "s", "t0"), 0);
	CU_ASSERT_STRING_EQUAL(json_object_get_string(json_object_array_get_idx(args, 0)),
			       W_PATH "/operation/t0");
	expect_error(w_call(&w, W_NAME, "GetOperation", NULL, "s", "t3"), W_ERROR "NotFound", "t3");
	w_stop(&w);
}

static void test_list_classes(void)
{
	_cleanup_json_ json_object *rows = NULL, *status = NULL;
	json_object *one, *two;

	begin("[plugins]\nload=test-vm, nothing\n");
	rows = call_list("ListClasses", "a{sv}", 0);
	CU_ASSERT_EQUAL_FATAL(json_object_array_length(rows), 2);
	one = json_object_array_get_idx(rows, 0);
	two = json_object_array_get_idx(rows, 1);
	CU_ASSERT_STRING_EQUAL(mk_json_str(one, "Class", ""), "test-vm");
	CU_ASSERT_STRING_EQUAL(mk_json_str(one, "Interface", ""), W_TESTVM);
	CU_ASSERT_STRING_EQUAL(mk_json_str(one, "Problem", ""), "");
	CU_ASSERT(mk_json_bool(one, "Available", false));
	CU_ASSERT_STRING_EQUAL(mk_json_str(two, "Class", ""), "nothing");
	CU_ASSERT_FALSE(mk_json_bool(two, "Available", true));
	CU_ASSERT_PTR_NOT_NULL(strstr(mk_json_str(two, "Problem", ""), "nothing.so"));

	/* L44: what is wrong is said */
	status = w_property(&w, W_PATH, W_NAME, "Status");
	CU_ASSERT_PTR_NOT_NULL(strstr(json_object_get_string(status), "nothing.so"));
	w_stop(&w);
}

/* ---- Wait, Cancel ------------------------------------------------------------------------------------------------ */

static void expect_wait(const char *path, uint64_t usec, const char *state)
{
	_cleanup_json_ json_object *args = NULL;

	CU_ASSERT_EQUAL_FATAL(w_call_object(&w, path, W_OPERATION, "Wait", &args, "t", usec), 0);
	CU_ASSERT_STRING_EQUAL(json_object_get_string(json_object_array_get_idx(args, 0)), state);
}

/* L14: a time-out is not an error, and hurts nobody. */
static void test_wait(void)
{
	const char *path;

	begin(NULL);
	w_sim_post(&w, "fault", "{\"command\":\"detachVolume\",\"action\":\"job-hold\"}");
	path = w_delete_root(&w, W_VM, "wait", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, "command=detachVolume&count=1&what=received");
	expect_wait(path, 0, "running");
	expect_wait(path, 10000, "running");
	expect_wait(path, 1, "running");
	w_sim_post(&w, "release", "{}");
	expect_wait(path, UINT64_MAX, "succeeded");
	expect_wait(path, 0, "succeeded");
	w_stop(&w);
}

static int on_waited(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const char *state = "";

	if (sd_bus_message_read(m, "s", &state) > 0 && streq(state, "succeeded"))
		++*(unsigned *)data;
	return 0;
}

/* L45: many wait, nobody polls; one waits for something that fails. */
static void test_many_waiters(void)
{
	unsigned n = 0;
	const char *path;

	begin(NULL);
	w_sim_post(&w, "fault", "{\"command\":\"detachVolume\",\"action\":\"job-hold\"}");
	path = w_delete_root(&w, W_VM, "many", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	for (int i = 0; i < 50; i++)
		CU_ASSERT(sd_bus_call_method_async(w.client, NULL, W_NAME, path, W_OPERATION,
						   "Wait", on_waited, &n, "t", UINT64_MAX) >= 0);
	w_sim_wait(&w, "command=detachVolume&count=1&what=received");
	expect_wait(path, 0, "running");
	CU_ASSERT_EQUAL(n, 0);
	w_sim_post(&w, "release", "{}");
	expect_wait(path, UINT64_MAX, "succeeded");
	w_drain(&w);
	CU_ASSERT_EQUAL(n, 50);

	path = w_delete_root(&w, W_VM, "fails", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	expect_error(w_call_object(&w, path, W_OPERATION, "Wait", NULL, "t", UINT64_MAX),
		     W_ERROR "NoRootVolume", "no root volume found for test VM " W_VM);
	w_stop(&w);
}

static void test_cancel_ended(void)
{
	const char *path;

	begin(NULL);
	path = w_delete_root(&w, W_VM, "ended", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "succeeded");
	expect_error(w_call_object(&w, path, W_OPERATION, "Cancel", NULL, ""), W_ERROR "WrongState",
		     "has ended: it succeeded");
	expect_error(w_call_object(&w, W_PATH "/operation/none", W_OPERATION, "Cancel", NULL, ""),
		     DBUS_ERROR "UnknownObject", "none");
	w_stop(&w);
}

/* ---- clients ---------------------------------------------------------------------------------------------------- */

static void run_client(const char *const *argv, const char *const *expected)
{
	_cleanup_free_ char *output = NULL;
	int status = child_run(argv, NULL, &output);

	for (; *expected; expected++) {
		bool found = strstr(str_or_empty(output), *expected) != NULL;

		if (!found)
			tap_note("%s: no '%s' in: %s", argv[0], *expected, output);
		CU_ASSERT(found);
	}
	CU_ASSERT(WIFEXITED(status));
}

static void test_busctl(void)
{
	_cleanup_free_ char *address = NULL;
	const char *const wait[] = { "succeeded", W_ROOT, NULL };
	const char *const path[] = { "o \"" W_PATH "/operation/busctl\"", NULL };
	static const char op[] = W_PATH "/operation/busctl";
	const char *const tree[] = { op, NULL };

	begin(NULL);
	address = mk_strdup_printf("--address=%s", tb_address(w.bus));
#define BUSCTL(...) ((const char *const[]){ "busctl", address, __VA_ARGS__, NULL })
	run_client(BUSCTL("call", W_NAME, W_PATH, W_TESTVM, "DeleteRootVolume", "sa{sv}", W_VM, "2",
			  "token", "s", "busctl", "stop", "b", "true"),
		   path);
	run_client(BUSCTL("call", W_NAME, op, W_OPERATION, "Wait", "t", "20000000"), wait);
	run_client(BUSCTL("tree", W_NAME), tree);
	run_client(BUSCTL("introspect", W_NAME, op),
		   (const char *const[]){ ".Cancel", ".StepCount", "\"succeeded\"", NULL });
#undef BUSCTL
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 1);
	w_stop(&w);
}

static void test_dbus_send(void)
{
	_cleanup_free_ char *bus = NULL;

	begin(NULL);
	bus = mk_strdup_printf("--bus=%s", tb_address(w.bus));
#define SEND(path, ...)                                                                            \
	((const char *const[]){ "dbus-send", bus, "--print-reply", "--dest=" W_NAME, path,         \
				__VA_ARGS__, NULL })
	run_client(SEND(W_PATH, W_TESTVM ".DeleteRootVolume", "string:" W_VM,
			"dict:string:variant:token,string:dbussend"),
		   (const char *const[]){ "Unknown type \"variant\"", NULL });
	CU_ASSERT_EQUAL(w_requests(&w), 0); /* it cannot write a{sv}, so the request is another's */
	run_client(SEND(W_PATH, W_TESTVM ".ListVolumes", "string:" W_VM),
		   (const char *const[]){ W_ROOT, "\"ROOT\"", NULL });
	CU_ASSERT_PTR_NOT_NULL_FATAL(w_delete_root(&w, W_VM, "dbussend", true));
	run_client(SEND(W_PATH "/operation/dbussend", W_OPERATION ".Wait", "uint64:20000000"),
		   (const char *const[]){ "succeeded", W_ROOT, NULL });
#undef SEND
	w_stop(&w);
}

/* Debian's own interpreter: another one in PATH need not have the module. */
static void test_python(void)
{
	static const char script[] =
		"import dbus, dbus.bus, sys\n"
		"bus = dbus.bus.BusConnection(sys.argv[1])\n"
		"o = bus.get_object('" W_NAME "', '" W_PATH "')\n"
		"vm = dbus.Interface(o, '" W_TESTVM "')\n"
		"path = vm.DeleteRootVolume('" W_VM "', {'token': 'python', 'stop': True})\n"
		"print(path)\n"
		"op = bus.get_object('" W_NAME "', path)\n"
		"state, result = op.Wait(dbus.UInt64(20000000), dbus_interface='" W_OPERATION "')\n"
		"print(state, result['Volume'], result['Size'])\n"
		"try:\n"
		"    vm.DeleteRootVolume('42', {})\n"
		"except dbus.DBusException as e:\n"
		"    print(e.get_dbus_name())\n"
		"props = dbus.Interface(op, 'org.freedesktop.DBus.Properties')\n"
		"print(int(props.Get('" W_OPERATION
		"', 'StepCount')), len(props.GetAll('" W_OPERATION "')))\n";
	const char *argv[] = { "/usr/bin/python3", "-c", script, NULL, NULL };

	begin(NULL);
	argv[3] = tb_address(w.bus);
	run_client(argv, (const char *const[]){ W_PATH "/operation/python\n",
						"succeeded " W_ROOT " 10737418240\n",
						DBUS_ERROR "InvalidArgs\n", "6 17\n", NULL });
	w_stop(&w);
}

/* L37: UTC, whatever the daemon's time zone. */
static void test_times(void)
{
	_cleanup_json_ json_object *created = NULL, *finished = NULL;
	int64_t before = time(NULL), after;

	setenv("TZ", "Pacific/Kiritimati", 1);
	begin(NULL);
	unsetenv("TZ");
	CU_ASSERT_STRING_EQUAL(w_wait(&w, w_delete_root(&w, W_VM, "timed", true)), "succeeded");
	after = time(NULL);
	created = w_property(&w, W_PATH "/operation/timed", W_NAME ".Operation", "Created");
	finished = w_property(&w, W_PATH "/operation/timed", W_NAME ".Operation", "Finished");
	CU_ASSERT(json_object_get_int64(created) >= before * (int64_t)USEC_PER_SEC);
	CU_ASSERT(json_object_get_int64(finished) >= json_object_get_int64(created));
	CU_ASSERT(json_object_get_int64(finished) < (after + 1) * (int64_t)USEC_PER_SEC);
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "L42-bad-ids", test_bad_ids },
		{ "bad-texts", test_bad_texts },
		{ "bad-options", test_bad_options },
		{ "token", test_token },
		{ "no-token", test_no_token },
		{ "batch", test_batch },
		{ "batch-token", test_batch_token },
		{ "batch-dropped", test_batch_dropped },
		{ "batch-token-length", test_batch_token_length },
		{ "max-per-caller", test_max_per_caller },
		{ "list-operations", test_list_operations },
		{ "L46-history", test_history },
		{ "L44-list-classes", test_list_classes },
		{ "L14-wait", test_wait },
		{ "L45-many-waiters", test_many_waiters },
		{ "cancel-ended", test_cancel_ended },
		{ "busctl", test_busctl },
		{ "dbus-send", test_dbus_send },
		{ "python", test_python },
		{ "L37-times", test_times },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "service", NULL, NULL, tests);
}
