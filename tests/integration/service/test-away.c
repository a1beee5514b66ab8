/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves what an operation does when the connection to CloudStack breaks after it has looked at a volume and before it
 * sends its command, while others may change the volume. In the world of tests/world.h.
 */

#include "tap.h"
#include "world.h"

static struct world w;

/* The n-th read of this kind is answered, and nobody can connect after it. */
static void begin(const char *config, const char *command, unsigned nth)
{
	static const char *const sim_args[] = { "--door", "--set", "job-ms=5", NULL };
	_cleanup_free_ char *fault =
		mk_strdup_printf("{\"command\":\"%s\",\"nth\":%u,\"action\":\"away\"}", command,
				 nth);

	w_start(&w, sim_args, config);
	/* the daemon's look at the appliance's own VM is over */
	w_sim_wait(&w, "command=listVirtualMachines&count=1&what=received");
	w_sim_post(&w, "fault", fault);
}

/* Up to the detachment, whose look is the second one at volumes. */
static const char *begin_delete(const char *config)
{
	const char *path;

	begin(config, "listVolumes", 2);
	path = w_delete_root(&w, W_VM, "away", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	CU_ASSERT(w_await_manager(&w, "CloudStackReachable", false));
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, path, "Step"), "detach");
	return path;
}

static void open_door(void)
{
	w_sim_post(&w, "door", "{\"open\":true}");
}

static void attach_elsewhere(void)
{
	w_sim_post(&w, "poke",
		   "{\"volume\":\"" W_ROOT "\",\"virtualmachineid\":\"" W_OMA
		   "\",\"deviceid\":5,\"type\":\"DATADISK\"}");
}

static void expect_theirs(void)
{
	_cleanup_json_ json_object *v = w_volume(&w, W_ROOT);

	CU_ASSERT_FALSE(mk_json_bool(v, "removed", true));
	CU_ASSERT_STRING_EQUAL(mk_json_str(v, "virtualmachineid", ""), W_OMA);
	CU_ASSERT_EQUAL(w_received(&w, "detachVolume"), 0);
	CU_ASSERT_EQUAL(w_received(&w, "attachVolume"), 0);
	CU_ASSERT_EQUAL(w_received(&w, "destroyVolume"), 0);
}

/* The same volume is another VM's data disk when the path is back. */
static void test_taken(void)
{
	const char *path = begin_delete(NULL);

	attach_elsewhere();
	open_door();
	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "");
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "WrongState");
	expect_theirs();
	w_stop(&w);
}

/* Nothing has changed: it goes on, and each command is run once. */
static void test_goes_on(void)
{
	const char *path = begin_delete(NULL);

	open_door();
	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "succeeded");
	CU_ASSERT_EQUAL(w_received(&w, "detachVolume"), 1);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 1);
	w_stop(&w);
}

static void test_cancel(void)
{
	const char *path = begin_delete(NULL);

	CU_ASSERT(w_call_object(&w, path, W_OPERATION, "Cancel", NULL, "") >= 0);
	CU_ASSERT(w_await_state(&w, path, "rolling-back"));
	attach_elsewhere();
	open_door();
	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "");
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, path, "State"), "cancelled");
	expect_theirs();
	w_stop(&w);
}

static void test_deadline(void)
{
	const char *path = begin_delete("[operations]\ndeadline=1s\nrollback-deadline=1s\n");

	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "");
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "Unavailable");
	CU_ASSERT_PTR_NULL(strstr(w_error_text, "was given"));
	CU_ASSERT_EQUAL(w_received(&w, "detachVolume"), 0);
	w_stop(&w);
}

/* An outage of more than the row's limit; the VM's state, which passes, is still the same after it. */
static void test_longer_than_limit(void)
{
	static const char path[] = W_PATH "/operation/limit";

	begin("[operations]\nstep-limit=400ms\n", "listVirtualMachines", 1);
	w_sim_post(&w, "poke", "{\"vm\":\"" W_VM "\",\"state\":\"Stopping\"}");
	CU_ASSERT_PTR_NOT_NULL_FATAL(w_delete_root(&w, W_VM, "limit", false));
	CU_ASSERT(w_await_manager(&w, "CloudStackReachable", false));
	CU_ASSERT(w_call_object(&w, path, W_OPERATION, "Wait", NULL, "t", UINT64_C(900000)) >= 0);
	open_door();
	w_sim_wait(&w, "command=listVirtualMachines&count=4&what=received");
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, path, "State"), "running");
	w_sim_post(&w, "poke", "{\"vm\":\"" W_VM "\",\"state\":\"Stopped\"}");
	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "succeeded");
	w_stop(&w);
}

/* L13: what was unfinished goes on only when it is known again that this is the appliance. */
static void test_restart_in_doubt(void)
{
	static const char *const sim_args[] = { "--set", "job-ms=5", NULL };
	const char *path;

	w_start(&w, sim_args, NULL);
	w_sim_wait(&w, "command=listVirtualMachines&count=1&what=received");
	w_sim_post(&w, "fault", "{\"command\":\"detachVolume\",\"action\":\"job-hold\"}");
	path = w_delete_root(&w, W_VM, "doubt", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, "command=detachVolume&count=1&what=received");
	w_daemon_kill(&w);
	w_sim_post(&w, "release", "{}");
	w_sim_post(&w, "set", "{\"denied\":\"listVirtualMachines\"}");
	w_daemon_start(&w, NULL);
	CU_ASSERT(w_await_status(&w, "could not be looked up"));
	CU_ASSERT(w_call_object(&w, path, W_OPERATION, "Wait", NULL, "t", UINT64_C(300000)) >= 0);
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, path, "Finished"), "0");
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 0);

	w_sim_post(&w, "set", "{\"denied\":\"\"}");
	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "succeeded");
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 1);
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "taken", test_taken },
		{ "goes-on", test_goes_on },
		{ "cancel", test_cancel },
		{ "deadline", test_deadline },
		{ "longer-than-limit", test_longer_than_limit },
		{ "L13-restart-in-doubt", test_restart_in_doubt },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "service-away", NULL, NULL, tests);
}
