/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves the roll-back of a set when steps of the roll-back fail too, in the world of failover-env.h. */

#include "failover-env.h"

#define NOT_TODAY "\"action\":\"job-error\",\"errorcode\":431,\"errortext\":\"not today\""

static void cancel(struct world *w, const char *path)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	CU_ASSERT(w_call_object(w, path, W_OPERATION, "Cancel", NULL, "") >= 0);
}

static bool is_state(struct world *w, const char *path, const char *state)
{
	return streq(w_op_str(w, path, "State"), state);
}

static size_t n_on(struct world *w, const struct f_set *set, const char *vm)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		n += f_is_on(w, set->ids[i], vm);
	return n;
}

/* L19: while it is not known what became of one, the others go home, and no time runs out for that one. */
static void test_one_is_stuck(void)
{
	struct world w = { 0 };
	struct f_set set;
	const char *path;

	f_start(&w, "[operations]\nrollback-deadline=300ms\ndeadline=6s\n", 3, &set);
	o_fault(&w, "attachVolume", "\"nth\":3,\"action\":\"job-lost-before\"");
	path = f_assign(&w, &set, "a");
	w_sim_wait(&w, "command=attachVolume&count=2&what=executed");
	w_sim_wait(&w, "command=attachVolume&count=3&what=received");
	cancel(&w, path);
	w_sim_wait(&w, "command=attachVolume&count=4&what=executed");
	CU_ASSERT(is_state(&w, path, "rolling-back"));
	CU_ASSERT_EQUAL(n_on(&w, &set, W_OMA), 2);

	o_fail(&w, path, "failed", "Cancelled", "could not be found out");
	CU_ASSERT_EQUAL(n_on(&w, &set, W_OMA), 2);
	CU_ASSERT_EQUAL(n_on(&w, &set, ""), 1);
	json_object_put(o_succeed(&w, f_return(&w, &set, "r")));
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* L19: one ends long after the time to roll back, also over a restart: it is brought home all the same. */
static void test_one_is_late(void)
{
	struct world w = { 0 };
	struct f_set set;
	const char *path;

	f_start(&w, "[operations]\nrollback-deadline=300ms\n", 2, &set);
	o_fault(&w, "detachVolume", "\"nth\":2,\"action\":\"job-hold\"");
	path = f_assign(&w, &set, "a");
	w_sim_wait(&w, "command=detachVolume&count=1&what=executed");
	w_sim_wait(&w, "command=detachVolume&count=2&what=received");
	cancel(&w, path);
	(void)w_call_object(&w, path, W_OPERATION, "Wait", NULL, "t",
			    UINT64_C(900) * USEC_PER_MSEC);
	CU_ASSERT(is_state(&w, path, "rolling-back"));
	CU_ASSERT_PTR_NULL(f_return(&w, &set, "r"));
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "Busy");
	w_daemon_kill(&w);
	w_daemon_start(&w, NULL);
	CU_ASSERT_PTR_NULL(f_return(&w, &set, "r"));
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "Busy");
	CU_ASSERT(is_state(&w, path, "rolling-back"));

	f_release_until_end(&w, path);
	o_fail(&w, path, "cancelled", "Cancelled", "");
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* The time to go back is over while CloudStack is away: what a part still works on does not become free. */
static void test_claims_are_kept(void)
{
	struct world w = { 0 };
	struct f_set set;
	const char *path;

	f_start(&w, "[operations]\nrollback-deadline=1s\n", 1, &set);
	o_fault(&w, "attachVolume", "\"nth\":1," NOT_TODAY);
	o_fault(&w, "attachVolume", "\"nth\":2,\"action\":\"job-hold\"");
	path = f_assign(&w, &set, "a");
	w_sim_wait(&w, "command=attachVolume&count=2&what=received");
	o_fault(&w, "listVolumes", "\"nth\":1,\"count\":9999,\"action\":\"html\",\"status\":502");
	w_sim_post(&w, "release", "{}");
	o_fail(&w, path, "failed", "Refused", "gave up after");
	CU_ASSERT_PTR_NULL(f_return(&w, &set, "r"));
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "Busy");
	CU_ASSERT_PTR_NOT_NULL(strstr(w_error_text, "operation a_b0"));
	w_daemon_kill(&w);
	w_daemon_start(&w, NULL);
	CU_ASSERT_PTR_NULL(f_return(&w, &set, "r"));
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "Busy");

	w_sim_post(&w, "clear-log", "{}");
	(void)w_wait(&w, W_PATH "/operation/a_b0");
	json_object_put(o_succeed(&w, f_return(&w, &set, "r")));
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* CloudStack says no many times, and then does it. */
static void test_refused_for_a_while(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 2, &set);
	o_fault(&w, "attachVolume", "\"nth\":2,\"count\":19," NOT_TODAY);
	o_fail(&w, f_assign(&w, &set, "a"), "rolled-back", "Refused", "not today");
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* And for ever: CloudStack is not asked without a pause, what is where is said, and nothing is lost. */
static void test_refused_for_good(void)
{
	struct world w = { 0 };
	struct f_set set;
	const char *path;

	f_start(&w, "[operations]\nrollback-deadline=3s\npoll-interval=100ms\n", 2, &set);
	o_fault(&w, "attachVolume", "\"nth\":2,\"count\":999," NOT_TODAY);
	path = f_assign(&w, &set, "a");
	o_fail(&w, path, "failed", "Refused", "to go back: CloudStack refused attachVolume");
	CU_ASSERT(w_received(&w, "attachVolume") < 20);
	CU_ASSERT_PTR_NOT_NULL(strstr(w_op_str(&w, path, "Details"), "Failures"));
	for (size_t i = 0; i < set.n; i++) {
		CU_ASSERT(f_is_on(&w, set.ids[i], ""));
		CU_ASSERT_PTR_NOT_NULL(strstr(w_op_str(&w, path, "Message"), set.ids[i]));
	}

	w_sim_post(&w, "clear-log", "{}");
	json_object_put(o_succeed(&w, f_return(&w, &set, "r")));
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* CloudStack does not list one for a moment: it is not taken for gone. */
static void test_not_listed(void)
{
	_cleanup_free_ char *gone = NULL, *there = NULL, *looks = NULL;
	struct world w = { 0 };
	struct f_set set;
	const char *path;
	size_t first;

	f_start(&w, NULL, 2, &set);
	o_fault(&w, "attachVolume", "\"nth\":2,\"action\":\"job-hold\"");
	path = f_assign(&w, &set, "a");
	w_sim_wait(&w, "command=attachVolume&count=1&what=executed");
	w_sim_wait(&w, "command=attachVolume&count=2&what=received");
	first = f_is_on(&w, set.ids[0], F_VM) ? 0 : 1;
	gone = mk_strdup_printf("{\"volume\":\"%s\",\"removed\":true}", set.ids[first]);
	there = mk_strdup_printf("{\"volume\":\"%s\",\"removed\":false}", set.ids[first]);
	cancel(&w, path); /* before it is gone: nothing is to fail by that */
	w_sim_post(&w, "poke", gone);
	w_sim_post(&w, "release", "{}");

	/* the other is home, and this one is looked for again and again */
	w_sim_wait(&w, "command=attachVolume&count=3&what=executed");
	(void)w_wait(&w, first ? W_PATH "/operation/a_b0" : W_PATH "/operation/a_b1");
	looks = mk_strdup_printf("command=listVolumes&count=%" PRIi64 "&what=received",
				 w_received(&w, "listVolumes") + 3);
	w_sim_wait(&w, looks);
	CU_ASSERT(is_state(&w, path, "rolling-back"));
	w_sim_post(&w, "poke", there);
	o_fail(&w, path, "cancelled", "Cancelled", "");
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* Somebody moves one to a third VM, which runs: it is not taken off that. */
static void test_moved_by_hand(void)
{
	_cleanup_free_ char *poke = NULL;
	struct world w = { 0 };
	struct f_set set;
	const char *path;

	f_start(&w, "[cloudstack]\nrequest-timeout=20s\n", 2, &set);
	w_sim_post(&w, "poke", "{\"vm\":\"" W_VM "\",\"state\":\"Running\"}");
	o_fault(&w, "listBackups", "\"nth\":2,\"action\":\"hang\"");
	path = f_assign(&w, &set, "a");
	w_sim_wait(&w, "command=listBackups&count=2&what=received");
	poke = mk_strdup_printf("{\"volume\":\"%s\",\"virtualmachineid\":\"" W_VM "\","
				"\"deviceid\":1,\"guest\":\"" W_VM "\"}",
				set.ids[1]);
	w_sim_post(&w, "poke", poke);
	w_sim_post(&w, "release", "{}");
	o_fail(&w, path, "failed", "WrongState", "is on VM " W_VM ": somebody else moved it");
	CU_ASSERT(f_is_on(&w, set.ids[1], W_VM));
	set.n = 1;
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* Somebody starts the VM when the root disk is there: no disk is unplugged from the guest. */
static void test_started(void)
{
	struct world w = { 0 };
	struct f_set set;
	const char *path;

	f_start(&w, NULL, 3, &set);
	o_fault(&w, "attachVolume", "\"nth\":3,\"action\":\"job-hold\"");
	path = f_assign(&w, &set, "a");
	w_sim_wait(&w, "command=attachVolume&count=2&what=executed");
	w_sim_wait(&w, "command=attachVolume&count=3&what=received");
	if (!f_is_on(&w, set.ids[0], F_VM)) /* the root disk's is the one that is held */
		w_sim_post(&w, "release", "{}");
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"state\":\"Running\"}");
	cancel(&w, path);
	f_release_until_end(&w, path);
	o_fail(&w, path, "failed", "Cancelled", "VM " F_VM " was started: stop it, then Return");
	CU_ASSERT_EQUAL(n_on(&w, &set, F_VM), 3);
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 3);

	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"state\":\"Stopped\"}");
	json_object_put(o_succeed(&w, f_return(&w, &set, "r")));
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "L19-one-is-stuck", test_one_is_stuck },
		{ "L19-one-is-late", test_one_is_late },
		{ "claims-are-kept", test_claims_are_kept },
		{ "L19-refused-for-a-while", test_refused_for_a_while },
		{ "L19-refused-for-good", test_refused_for_good },
		{ "L19-not-listed", test_not_listed },
		{ "moved-by-hand", test_moved_by_hand },
		{ "started", test_started },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "failover-back", NULL, NULL, tests);
}
