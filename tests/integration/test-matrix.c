/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The failure matrix: each row of the step table × each kind of fault, on the real daemon and the
 * simulator. The rows come from the plugin itself: one that this file does not know fails the test.
 * After each case: CloudStack's state, the operation's state and error, how often each command was run,
 * and the signals.
 */

#include "tap.h"
#include "world.h"

#include <dlfcn.h>
#include <migratekit/volume-plugin.h>
#include <signal.h>
#include <sys/wait.h>

static const char *const commands[] = { "stopVirtualMachine", "detachVolume", "destroyVolume",
					"attachVolume" };

/* Where a row can be hit: its command, or the n-th of a read. */
struct target {
	const char *step, *command;
	unsigned nth;
	bool change; /* a command that changes something */
};

static const struct target targets[] = {
	{ "check-vm", "listVirtualMachines", 1, false }, { "find-root", "listVolumes", 1, false },
	{ "stop", "stopVirtualMachine", 1, true },       { "detach", "detachVolume", 1, true },
	{ "delete", "destroyVolume", 1, true },          { "prove-gone", "listVolumes", 6, false },
};

/* What CloudStack must look like at the end. */
enum cloud { UNTOUCHED, STOPPED, DETACHED, DELETED, RESTORED };

static void check_cloud(struct world *w, enum cloud want, const char *label)
{
	_cleanup_json_ json_object *v = w_volume(w, W_ROOT);
	bool removed = mk_json_bool(v, "removed", false);
	const char *vm = mk_json_str(v, "virtualmachineid", "");
	const char *type = mk_json_str(v, "type", "");
	bool ok = v != NULL;

	switch (want) {
	case UNTOUCHED:
		ok = ok && !removed && streq(vm, W_VM) && streq(type, "ROOT") &&
		     streq(w_vm_state(w, W_VM), "Running");
		break;
	case STOPPED:
	case RESTORED:
		ok = ok && !removed && streq(vm, W_VM) && streq(type, "ROOT") &&
		     mk_json_int(v, "deviceid", -1) == 0 && streq(w_vm_state(w, W_VM), "Stopped");
		break;
	case DETACHED:
		ok = ok && !removed && !*vm;
		break;
	case DELETED:
		ok = ok && removed;
		break;
	}

	if (!ok)
		tap_note("%s: CloudStack has %s, VM %s", label,
			 v ? json_object_to_json_string(v) : "nothing", w_vm_state(w, W_VM));
	CU_ASSERT(ok);
}

/* stop, detach, destroy, attach: how often each was run. */
static void check_counts(struct world *w, const int want[4], const char *label)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		int64_t n = w_executed(w, commands[i]);

		if (n != want[i])
			tap_note("%s: %s ran %d times, expected %d", label, commands[i], (int)n,
				 want[i]);
		CU_ASSERT_EQUAL(n, want[i]);
	}
}

static void check_end(struct world *w, const char *path, const char *state, const char *error,
		      const char *label)
{
	const char *id = strrchr(path, '/') + 1, *name;
	bool ok = true;

	(void)w_wait(w, path);
	if (!streq(w_op_str(w, path, "State"), state)) {
		tap_note("%s: ended %s, expected %s", label, w_op_str(w, path, "State"), state);
		ok = false;
	}
	name = w_op_str(w, path, "Error");
	if (!streq(*name ? strrchr(name, '.') + 1 : "", error)) {
		tap_note("%s: error '%s', expected '%s'", label, name, error);
		ok = false;
	}
	if (!ok)
		tap_note("%s: message: %s", label, w_op_str(w, path, "Message"));
	CU_ASSERT(ok);

	w_drain(w);
	if (w_count_finished(w, id) != 1)
		tap_note("%s: %zu OperationFinished signals", label, w_count_finished(w, id));
	CU_ASSERT_EQUAL(w_count_finished(w, id), 1);
}

static void fault(struct world *w, const struct target *t, const char *rest)
{
	_cleanup_free_ char *json =
		mk_strdup_printf("{\"command\":\"%s\",\"nth\":%u,%s}", t->command, t->nth, rest);

	w_sim_post(w, "fault", json);
}

static void begin(struct world *w, const char *config)
{
	static const char *const sim_args[] = { "--set", "job-ms=5", NULL };

	w_start(w, sim_args, config);
	/* the daemon's look at the appliance's own VM is over, and takes no fault away */
	w_sim_wait(w, "command=listVirtualMachines&count=1&what=received");
	w_sim_post(w, "poke", "{\"vm\":\"" W_VM "\",\"state\":\"Running\"}");
}

/* One fault at each row, and what must come of it. */
struct expectation {
	const char *state, *error;
	enum cloud cloud;
	int ran[4];
};

static void run_case(const struct target *t, const char *name, const char *fault_json,
		     const char *config, const struct expectation *e)
{
	_cleanup_free_ char *label = mk_strdup_printf("%s at %s", name, t->step);
	struct world w = { 0 };
	const char *path;

	begin(&w, config);
	fault(&w, t, fault_json);
	path = w_delete_root(&w, W_VM, "matrix", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	check_end(&w, path, e->state, e->error, label);
	check_cloud(&w, e->cloud, label);
	check_counts(&w, e->ran, label);
	w_stop(&w);
}

static const struct expectation success = { "succeeded", "", DELETED, { 1, 1, 1, 0 } };

static void test_known_steps(void)
{
	_cleanup_free_ char *so =
		mk_strdup_printf("%s/plugins/.libs/test-vm.so", getenv("top_builddir"));
	void *handle = dlopen(so, RTLD_NOW | RTLD_LOCAL);
	const struct mk_plugin *const *plugin;
	const struct mk_step *steps = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(handle);
	plugin = dlsym(handle, MK_PLUGIN_SYMBOL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plugin);
	for (const struct mk_method *m = (*plugin)->methods; m->name; m++)
		if (streq(m->name, "DeleteRootVolume"))
			steps = m->steps;
	CU_ASSERT_PTR_NOT_NULL_FATAL(steps);

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(steps[i].name);
		CU_ASSERT_STRING_EQUAL(steps[i].name, targets[i].step);
	}
	CU_ASSERT_PTR_NULL(steps[ARRAY_SIZE(targets)].name);
}

static void test_no_fault(void)
{
	struct world w = { 0 };
	const char *path;

	begin(&w, NULL);
	path = w_delete_root(&w, W_VM, "plain", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	CU_ASSERT_STRING_EQUAL(path, W_PATH "/operation/plain");
	check_end(&w, path, "succeeded", "", "no fault");
	check_cloud(&w, DELETED, "no fault");
	check_counts(&w, success.ran, "no fault");
	w_stop(&w);
}

/* CloudStack says no, for good. */
static void test_error(void)
{
	static const struct expectation e[ARRAY_SIZE(targets)] = {
		{ "failed", "Refused", UNTOUCHED, { 0, 0, 0, 0 } },
		{ "failed", "Refused", UNTOUCHED, { 0, 0, 0, 0 } },
		{ "failed", "Refused", UNTOUCHED, { 0, 0, 0, 0 } },
		{ "failed", "Refused", STOPPED, { 1, 0, 0, 0 } },
		{ "rolled-back", "Refused", RESTORED, { 1, 1, 0, 1 } },
		{ "failed", "Refused", DELETED, { 1, 1, 1, 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		run_case(&targets[i], "refused",
			 "\"action\":\"error\",\"errorcode\":431,\"errortext\":\"not today\"", NULL,
			 &e[i]);
		if (targets[i].change)
			run_case(&targets[i], "job refused",
				 "\"action\":\"job-error\",\"errorcode\":431,"
				 "\"errortext\":\"not today\"",
				 NULL, &e[i]);
	}
}

/* An internal error that passes is tried again. */
static void test_passing_error(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		run_case(&targets[i], "passing 530",
			 "\"action\":\"error\",\"errorcode\":530,\"errortext\":\"hiccup\"", NULL,
			 &success);
		if (targets[i].change)
			run_case(&targets[i], "passing 530 in the job",
				 "\"action\":\"job-error\",\"errorcode\":530,"
				 "\"errortext\":\"hiccup\"",
				 NULL, &success);
	}
}

/* L39: refused keys, for longer than the client's own tries: the operation is not given up half-way. */
static void test_credentials(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		run_case(&targets[i], "credentials", "\"action\":\"unauthorized\",\"count\":6",
			 NULL, &success);
}

/* The answer never comes, is cut off, is nonsense. L15, L16: none of it is a failure. */
static void test_lost_reply(void)
{
	static const char *const actions[] = { "drop-before", "drop-after", "hang", "garbage",
					       "empty",       "truncate",   "null" };

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(actions); k++) {
			_cleanup_free_ char *json =
				mk_strdup_printf("\"action\":\"%s\"", actions[k]);

			run_case(&targets[i], actions[k], json, NULL, &success);
		}
		run_case(&targets[i], "html", "\"action\":\"html\",\"status\":502", NULL, &success);
		run_case(&targets[i], "rate-limit", "\"action\":\"rate-limit\",\"ms\":30", NULL,
			 &success);
	}
}

static void test_job_late(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		if (targets[i].change)
			run_case(&targets[i], "late job", "\"action\":\"job-late\",\"ms\":800",
				 "[operations]\nstep-limit=200ms\n", &success);
}

static void test_job_lost(void)
{
	static const struct expectation lost[ARRAY_SIZE(targets)] = {
		[2] = { "failed", "OutcomeUnknown", UNTOUCHED, { 0, 0, 0, 0 } },
		[3] = { "failed", "OutcomeUnknown", STOPPED, { 1, 0, 0, 0 } },
		[4] = { "failed", "OutcomeUnknown", DETACHED, { 1, 1, 0, 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		if (!targets[i].change)
			continue;
		run_case(&targets[i], "job lost, done", "\"action\":\"job-lost\"", NULL, &success);
		run_case(&targets[i], "job lost, not done", "\"action\":\"job-lost-before\"",
			 "[operations]\ndeadline=2s\n", &lost[i]);
		run_case(&targets[i], "job failed, done",
			 "\"action\":\"job-error-done\",\"errorcode\":530,\"errortext\":\"late\"",
			 NULL, &success);
		run_case(&targets[i], "no jobresult", "\"action\":\"no-jobresult\"", NULL,
			 &success);
	}
}

/* A cancel while the row's command or read is under way. */
static void cancel_at(const struct target *t, const struct expectation *e)
{
	_cleanup_free_ char *label = mk_strdup_printf("cancel at %s", t->step);
	_cleanup_free_ char *query =
		mk_strdup_printf("command=%s&count=%u&what=received&timeout-ms=10000", t->command,
				 t->nth);
	struct world w = { 0 };
	const char *path;
	int r;

	begin(&w, "[cloudstack]\nrequest-timeout=20s\n");
	w_sim_post(&w, "clear-log", "{}");
	fault(&w, t, t->change ? "\"action\":\"job-hold\"" : "\"action\":\"hang\"");
	path = w_delete_root(&w, W_VM, "cancelled", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, query);
	r = sd_bus_call_method(w.client, W_NAME, path, W_OPERATION, "Cancel", NULL, NULL, "");
	w_sim_post(&w, "release", "{}");

	CU_ASSERT_EQUAL(r < 0, streq(e->state, "succeeded"));
	check_end(&w, path, e->state, e->error, label);
	check_cloud(&w, e->cloud, label);
	check_counts(&w, e->ran, label);
	w_stop(&w);
}

static void test_cancel(void)
{
	static const struct expectation e[ARRAY_SIZE(targets)] = {
		{ "cancelled", "Cancelled", UNTOUCHED, { 0, 0, 0, 0 } },
		{ "cancelled", "Cancelled", UNTOUCHED, { 0, 0, 0, 0 } },
		{ "cancelled", "Cancelled", STOPPED, { 1, 0, 0, 0 } },
		{ "cancelled", "Cancelled", RESTORED, { 1, 1, 0, 1 } },
		{ "succeeded", "", DELETED, { 1, 1, 1, 0 } }, /* no way back from a delete */
		{ "succeeded", "", DELETED, { 1, 1, 1, 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		cancel_at(&targets[i], &e[i]);
}

/* Kills the daemon at its n-th commit; false when it got through without reaching it. */
static bool kill_at(unsigned n, const char *when)
{
	_cleanup_free_ char *label = mk_strdup_printf("kill -9 %s commit %u", when, n);
	_cleanup_free_ char *e1 = mk_strdup_printf("MK_CRASH_COMMIT=%u", n);
	_cleanup_free_ char *e2 = mk_strdup_printf("MK_CRASH_WHEN=%s", when);
	const char *const env[] = { e1, e2, NULL };
	struct world w = { 0 };
	const char *path;
	bool crashed;
	int status;

	begin(&w, NULL);
	w_daemon_stop(&w);
	w_daemon_start(&w, env);
	path = w_delete_root(&w, W_VM, "crash", true);
	if (path)
		(void)w_wait(&w, path);

	crashed = kill(w.daemon, 0) == 0 && waitpid(w.daemon, &status, WNOHANG) == w.daemon;
	if (!crashed && (!path || !streq(w_op_str(&w, path, "State"), "succeeded"))) {
		status = w_daemon_wait(&w);
		crashed = true;
	}
	if (crashed) {
		CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		w.daemon = 0;
		w_daemon_start(&w, NULL);
		path = w_delete_root(&w, W_VM, "crash",
				     true); /* the same token: the same operation */
	}

	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	(void)w_wait(&w, path);
	if (!streq(w_op_str(&w, path, "State"), "succeeded"))
		tap_note("%s: %s: %s", label, w_op_str(&w, path, "State"),
			 w_op_str(&w, path, "Message"));
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, path, "State"), "succeeded");
	check_cloud(&w, DELETED, label);
	check_counts(&w, success.ran, label);
	w_stop(&w);
	return crashed;
}

/* L10: killed at every commit, before and after it, the operation ends as if nothing had happened. */
static void test_kill(void)
{
	unsigned n = 1;

	while (kill_at(n, "before") && n < 100)
		n++;
	tap_note("killed before %u commits", n - 1);
	CU_ASSERT(n > 9); /* three commands, three commits each */

	n = 1;
	while (kill_at(n, "after") && n < 100)
		n++;
	tap_note("killed after %u commits", n - 1);
	CU_ASSERT(n > 9); /* three commands, three commits each */
}

/* The management server restarts in the middle of each job. */
static void test_server_restart(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		_cleanup_free_ char *label =
			mk_strdup_printf("management server restart at %s", targets[i].step);
		_cleanup_free_ char *query =
			mk_strdup_printf("command=%s&count=1&what=received&timeout-ms=10000",
					 targets[i].command);
		struct world w = { 0 };
		const char *path;

		if (!targets[i].change)
			continue;
		begin(&w, NULL);
		fault(&w, &targets[i], "\"action\":\"job-hold\"");
		path = w_delete_root(&w, W_VM, "restart", true);
		CU_ASSERT_PTR_NOT_NULL_FATAL(path);
		w_sim_wait(&w, query);
		w_sim_post(&w, "restart", "{}");
		check_end(&w, path, "succeeded", "", label);
		check_cloud(&w, DELETED, label);
		check_counts(&w, success.ran, label);
		w_stop(&w);
	}
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "known-steps", test_known_steps },
		{ "no-fault", test_no_fault },
		{ "error", test_error },
		{ "passing-error", test_passing_error },
		{ "L39-credentials", test_credentials },
		{ "L15-L16-lost-reply", test_lost_reply },
		{ "job-late", test_job_late },
		{ "job-lost", test_job_lost },
		{ "cancel", test_cancel },
		{ "server-restart", test_server_restart },
		{ "L10-kill", test_kill },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "matrix", NULL, NULL, tests);
}
