/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What CloudStack may still be doing after its operation has ended, or could not be asked: nothing is destroyed,
 * nothing is forgotten, and what is true is found out. */

#include "failover-env.h"

#define HELD "\"action\":\"job-hold\""

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
	w_sim_wait(&w, "command=attachVolume&count=1&what=received&timeout-ms=20000");
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
	w_sim_wait(&w, "command=detachVolume&count=1&what=received&timeout-ms=20000");
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
	o_fault(&w, "attachVolume", HELD);
	path = f_assign(&w, &set, "a");
	w_sim_wait(&w, "command=attachVolume&count=1&what=received&timeout-ms=20000");
	o_fault(&w, "listVolumes",
		"\"count\":99,\"action\":\"error\",\"errorcode\":431,\"errortext\":\"not now\"");
	CU_ASSERT(w_call_object(&w, path, W_OPERATION, "Cancel", NULL, "") >= 0);
	o_fail(&w, path, "failed", "Cancelled", "to tell what is true (431 not now)");
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "L19-look-refused", test_look_refused },
		{ "L19-look-refused-for-ever", test_look_refused_for_ever },
		{ "L39-keys-changed", test_keys_changed },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "unknown", NULL, NULL, tests);
}
