/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves what the daemon does while a command's outcome is unknown, because CloudStack may still be working or
 * could not be asked: nothing is destroyed or forgotten, and the truth is found out later. In the world of
 * failover-env.h.
 */

#include "integration/failover/failover-env.h"

#define HELD      "\"action\":\"job-hold\""
#define NOT_NOW   "\"action\":\"job-error\",\"errorcode\":431,\"errortext\":\"not now\""
#define LOST      "\"action\":\"job-lost-before\""
#define DEADLINE  "[operations]\ndeadline=2s\n"
#define OPERATION W_PATH "/operation/"

static const char *destroy_vm(struct world *w)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	static char path[256];
	const char *s;

	if (w_call(w, W_TESTVM, "DestroyVM", &reply, "sa{sv}", F_VM, 0) < 0 ||
	    sd_bus_message_read(reply, "o", &s) <= 0)
		return NULL;
	snprintf(path, sizeof(path), "%s", s);
	return path;
}

static void expect_busy(struct world *w, const char *holder)
{
	CU_ASSERT_PTR_NULL(destroy_vm(w));
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "Busy");
	CU_ASSERT_PTR_NOT_NULL(strstr(w_error_text, holder));
}

static void expect_protected(struct world *w, const char *words)
{
	o_fail(w, destroy_vm(w), "failed", "Protected", words);
	CU_ASSERT_EQUAL(w_executed(w, "destroyVirtualMachine"), 0);
}

/* ---- who holds the VM --------------------------------------------------------------------------------------------- */

/* L01: the VM is held for as long as a volume of ours may come to it, also over a restart. */
static void test_destroy_while_attaching(void)
{
	struct world w = { 0 };
	const char *path;
	struct f_set set;

	f_start(&w, "[operations]\nrollback-deadline=300ms\n", 1, &set);
	o_fault(&w, "attachVolume", HELD);
	path = f_assign(&w, &set, "a");
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, "command=attachVolume&count=1&what=received");
	CU_ASSERT(w_call_object(&w, path, W_OPERATION, "Cancel", NULL, "") >= 0);
	expect_busy(&w, "operation a");
	w_daemon_kill(&w);
	w_daemon_start(&w, NULL);
	expect_busy(&w, "operation a");

	f_release_until_end(&w, path);
	json_object_put(o_succeed(&w, destroy_vm(&w)));
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* The same when the operation has ended and a part of it, on its way back to the VM, has not. */
static void test_destroy_while_going_back(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, "[operations]\nrollback-deadline=1s\n", 1, &set);
	json_object_put(o_succeed(&w, f_assign(&w, &set, "a")));
	w_sim_post(&w, "clear-log", "{}");
	o_fault(&w, "attachVolume", "\"nth\":1," NOT_NOW);
	o_fault(&w, "attachVolume", "\"nth\":2," HELD);
	(void)f_return(&w, &set, "r");
	w_sim_wait(&w, "command=attachVolume&count=2&what=received");
	o_fault(&w, "listVolumes", "\"nth\":1,\"count\":9999,\"action\":\"html\",\"status\":502");
	w_sim_post(&w, "release", "{}");
	o_fail(&w, OPERATION "r", "failed", "Refused", "gave up after");
	expect_busy(&w, "operation r_b0");
	w_daemon_kill(&w);
	w_daemon_start(&w, NULL);
	expect_busy(&w, "operation r_b0");

	w_sim_post(&w, "clear-log", "{}");
	(void)w_wait(&w, OPERATION "r_b0");
	json_object_put(o_succeed(&w, f_return(&w, &set, "again")));
	json_object_put(o_succeed(&w, destroy_vm(&w)));
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* ---- unknown outcomes ---------------------------------------------------------------------------------------------- */

/* Reconcile says of the volume that its outcome was unknown, and whether it is settled. */
static void expect_settled(struct world *w, const char *volume, bool settled)
{
	_cleanup_json_ json_object *result = o_succeed(w, o_call(w, "Reconcile", "a{sv}", 0));
	json_object *rows = mk_json_get(result, "Differences"),
		    *row = rows ? json_object_array_get_idx(rows, 0) : NULL;

	if (mk_json_int(result, "Count", -1) != 1)
		tap_note("%s", json_object_to_json_string(result));
	CU_ASSERT_EQUAL(mk_json_int(result, "Count", -1), 1);
	CU_ASSERT_STRING_EQUAL(mk_json_str(row, "Kind", ""), "unsettled");
	CU_ASSERT_STRING_EQUAL(mk_json_str(row, "Volume", ""), volume);
	CU_ASSERT_EQUAL(mk_json_bool(row, "Repaired", !settled), settled);
}

static void expect_no_difference(struct world *w)
{
	_cleanup_json_ json_object *result = o_succeed(w, o_call(w, "Reconcile", "a{sv}", 0));

	if (mk_json_int(result, "Count", -1) != 0)
		tap_note("%s", json_object_to_json_string(result));
	CU_ASSERT_EQUAL(mk_json_int(result, "Count", -1), 0);
}

/* L01: nothing holds the VM any more, and the attachment is still to come. */
static void test_destroy_unknown(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, DEADLINE, 1, &set);
	o_fault(&w, "attachVolume", HELD);
	o_fail(&w, f_assign(&w, &set, "a"), "failed", "OutcomeUnknown", "could not be found out");
	expect_protected(&w, "may be on its way");
	expect_settled(&w, set.ids[0], false);
	expect_protected(&w, "Reconcile");
	w_daemon_kill(&w);
	w_daemon_start(&w, NULL);
	o_fail(&w, w_delete_root(&w, F_VM, "root", false), "failed", "Protected",
	       "may be on its way");
	expect_protected(&w, "may be on its way");

	w_sim_post(&w, "release", "{}");
	w_sim_wait(&w, "command=attachVolume&count=1&what=executed");
	expect_protected(&w, "managed by MigrateKit");
	expect_settled(&w, set.ids[0], true);
	CU_ASSERT_STRING_EQUAL(o_volume(&w, set.ids[0], "State"), "attached");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, set.ids[0], "VM"), F_VM);
	json_object_put(o_succeed(&w, f_return(&w, &set, "r")));
	json_object_put(o_succeed(&w, destroy_vm(&w)));
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* What never happened does not stand in the way for ever. */
static void test_destroy_settled(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, DEADLINE, 1, &set);
	o_fault(&w, "attachVolume", LOST);
	o_fail(&w, f_assign(&w, &set, "a"), "failed", "OutcomeUnknown", "could not be found out");
	expect_protected(&w, "may be on its way");
	expect_settled(&w, set.ids[0], true);
	CU_ASSERT_STRING_EQUAL(o_volume(&w, set.ids[0], "State"), "detached");
	json_object_put(o_succeed(&w, destroy_vm(&w)));
	expect_no_difference(&w);
	CU_ASSERT(f_is_on(&w, set.ids[0], ""));
	w_stop(&w);
}

/* A refused attachment is known not to come: nothing remains of it. */
static void test_refused_is_settled(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 2, &set);
	o_fault(&w, "attachVolume",
		"\"nth\":2,\"action\":\"job-error\",\"errorcode\":431,\"errortext\":\"not today\"");
	o_fail(&w, f_assign(&w, &set, "a"), "rolled-back", "Refused", "not today");
	CU_ASSERT(f_home(&w, &set));
	json_object_put(o_succeed(&w, destroy_vm(&w)));
	w_stop(&w);
}

/* The disk is still here, or has come: it is proven again, at once or at the next start. */
static void settle_detach(bool restart)
{
	struct world w = { 0 };
	const char *v;

	o_start(&w, DEADLINE, NULL);
	v = o_attached(&w, "a");
	o_fault(&w, "detachVolume", LOST);
	o_fail(&w, o_detach(&w, v, false, "d"), "failed", "OutcomeUnknown", "could not be found");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "State"), "detaching");
	if (restart) {
		w_daemon_kill(&w);
		w_daemon_start(&w, NULL);
		CU_ASSERT(o_await(&w, v, "attached"));
	} else {
		expect_settled(&w, v, true);
	}
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "State"), "attached");
	CU_ASSERT_STRING_EQUAL(o_device(&w, v, "Device"), "/dev/vdb");
	expect_no_difference(&w);
	json_object_put(o_succeed(&w, o_detach(&w, v, false, "again")));
	w_stop(&w);
}

static void test_settle_detach(void)
{
	settle_detach(false);
	settle_detach(true);
}

static void test_settle_attach(void)
{
	struct world w = { 0 };
	const char *v;

	o_start(&w, DEADLINE, NULL);
	v = o_new_volume(&w, "a");
	o_fault(&w, "attachVolume", HELD);
	o_fail(&w, o_attach(&w, v, "a"), "failed", "OutcomeUnknown", "could not be found out");
	expect_settled(&w, v, false);
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "State"), "attaching");
	w_sim_post(&w, "release", "{}");
	w_sim_wait(&w, "command=attachVolume&count=1&what=executed");
	expect_settled(&w, v, true);
	CU_ASSERT(o_await(&w, v, "attached"));
	CU_ASSERT_STRING_EQUAL(o_device(&w, v, "Device"), "/dev/vdb");
	expect_no_difference(&w);
	w_stop(&w);
}

/* ---- the way back insists ------------------------------------------------------------------------------------------ */

/* The children take longer than the row's limit; then CloudStack does not say what is true, for a while. */
static void go_back(const char *fault)
{
	struct world w = { 0 };
	struct f_set set;
	const char *path;

	f_start(&w, "[operations]\nstep-limit=1s\n", 3, &set);
	o_fault(&w, "attachVolume", "\"nth\":1,\"count\":2,\"action\":\"job-late\",\"ms\":2500");
	path = f_assign(&w, &set, "a");
	w_sim_wait(&w, "command=attachVolume&count=1&what=received");
	CU_ASSERT(w_call_object(&w, path, W_OPERATION, "Cancel", NULL, "") >= 0);
	/* its answer is known: the row's limit has passed */
	(void)w_call_object(&w, path, W_OPERATION, "Wait", NULL, "t",
			    UINT64_C(1500) * USEC_PER_MSEC);
	o_fault(&w, "listVolumes", fault);
	o_fail(&w, path, "cancelled", "Cancelled", "");
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* The same for a row whose own limit has passed while its command was under way. */
static void undo_late(void)
{
	struct world w = { 0 };
	const char *v, *path;

	o_start(&w, "[operations]\nstep-limit=200ms\n", NULL);
	v = o_new_volume(&w, "a");
	o_set(&w, "hv-serial", "wrong");
	o_fault(&w, "detachVolume", "\"action\":\"job-late\",\"ms\":600");
	path = o_attach(&w, v, "a");
	w_sim_wait(&w, "command=detachVolume&count=1&what=received");
	o_fault(&w, "listVolumes",
		"\"count\":3,\"action\":\"error\",\"errorcode\":431,\"errortext\":\"not now\"");
	o_fail(&w, path, "rolled-back", "DeviceNotFound", "waited in vain");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "State"), "detached");
	w_stop(&w);
}

static void test_look_refused(void)
{
	undo_late();
	go_back("\"count\":5,\"action\":\"error\",\"errorcode\":431,\"errortext\":\"not now\"");
	go_back("\"count\":5,\"action\":\"garbage\"");
}

/* L39: keys are changed while it goes back. */
static void test_keys_changed(void)
{
	struct world w = { 0 };
	const char *v;

	go_back("\"count\":9,\"action\":\"unauthorized\"");

	o_start(&w, "[operations]\nstep-limit=200ms\n", NULL);
	v = o_new_volume(&w, "a");
	o_set(&w, "hv-serial", "wrong");
	o_fault(&w, "detachVolume", "\"count\":9,\"action\":\"unauthorized\"");
	o_fail(&w, o_attach(&w, v, "a"), "rolled-back", "DeviceNotFound", "waited in vain");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "State"), "detached");
	w_stop(&w);
}

/* It insists until its time is over, and then says for what. */
static void test_look_refused_for_ever(void)
{
	struct world w = { 0 };
	struct f_set set;
	const char *path;

	f_start(&w, "[operations]\nrollback-deadline=500ms\n", 1, &set);
	o_fault(&w, "attachVolume", "\"nth\":1," NOT_NOW);
	o_fault(&w, "attachVolume", "\"nth\":2," HELD);
	path = f_assign(&w, &set, "a");
	w_sim_wait(&w, "command=attachVolume&count=2&what=received");
	o_fault(&w, "listVolumes",
		"\"count\":99,\"action\":\"error\",\"errorcode\":431,\"errortext\":\"not now\"");
	o_fail(&w, path, "failed", "Refused", "to tell what is true (431 not now)");
	w_stop(&w);
}

/* ---- while an outcome is unknown nothing is undone -------------------------------------------------------------------- */

/* L16: a request without an answer may still arrive: it is cancelled only when its end is known. */
static void test_late_request(void)
{
	struct world w = { 0 };
	const char *v, *path;

	o_start(&w, NULL, NULL);
	v = o_new_volume(&w, "l");
	w_sim_post(&w, "clear-log", "{}");
	o_fault(&w, "attachVolume", "\"action\":\"drop-before\",\"count\":2");
	path = o_attach(&w, v, "a");
	w_sim_wait(&w, "command=attachVolume&count=1&what=received");
	CU_ASSERT(w_await_state(&w, path, "settling"));
	CU_ASSERT(w_call_object(&w, path, W_OPERATION, "Cancel", NULL, "") >= 0);
	o_fail(&w, path, "cancelled", "Cancelled", "");
	CU_ASSERT_EQUAL(w_executed(&w, "attachVolume"), 1);
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 1);
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "State"), "detached");
	w_stop(&w);
}

/* The detach's job has vanished, and CloudStack will not list for a moment: the device is not given back. */
static void test_unknown_undone(void)
{
	struct world w = { 0 };
	const char *v;

	o_start(&w, DEADLINE, NULL);
	v = o_attached(&w, "l");
	w_sim_post(&w, "clear-log", "{}");
	o_fault(&w, "detachVolume", LOST);
	o_fault(&w, "listVolumes",
		"\"nth\":4,\"action\":\"error\",\"errorcode\":531,\"errortext\":\"not for you\"");
	o_fail(&w, o_detach(&w, v, false, "d"), "failed", "OutcomeUnknown",
	       "could not be found out");
	CU_ASSERT_STRING_EQUAL(o_device(&w, v, "Device"), "");
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "L01-destroy-while-attaching", test_destroy_while_attaching },
		{ "L01-destroy-while-going-back", test_destroy_while_going_back },
		{ "L01-destroy-unknown", test_destroy_unknown },
		{ "L01-destroy-settled", test_destroy_settled },
		{ "refused-is-settled", test_refused_is_settled },
		{ "settle-detach", test_settle_detach },
		{ "settle-attach", test_settle_attach },
		{ "L19-look-refused", test_look_refused },
		{ "L19-look-refused-for-ever", test_look_refused_for_ever },
		{ "L39-keys-changed", test_keys_changed },
		{ "L16-late-request", test_late_request },
		{ "unknown-undone", test_unknown_undone },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "unknown", NULL, NULL, tests);
}
