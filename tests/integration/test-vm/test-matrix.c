/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The failure matrix of DeleteRootVolume, on the real daemon and the simulator: each row of the step table, and
 * its undo, meets each kind of fault. A table, row or undo of the plugin that this file does not know fails the
 * test. Each case checks CloudStack's state, the operation's state and error, how often each command was run, and
 * the signals. DestroyVM is in failover/test-matrix.c and failover/test-kill.c.
 */

#include "tap.h"
#include "world.h"
#include "testsim.h"

#include <dlfcn.h>
#include <migratekit/volume-plugin.h>
#include <signal.h>
#include <sys/wait.h>

#define NOT_TODAY  "\"errorcode\":431,\"errortext\":\"not today\""
/* A row's time that nothing else of it needs, however loaded the machine is; and a job that takes longer. */
#define STEP_LIMIT "[operations]\nstep-limit=2s\n"
#define JOB_LATE   "\"action\":\"job-late\",\"ms\":3000"

#define HICCUP "\"errorcode\":530,\"errortext\":\"hiccup\""

static const char *const commands[] = { "stopVirtualMachine", "detachVolume", "destroyVolume",
					"attachVolume" };

/* Where a row can be hit: its command, or the n-th of a read. */
struct target {
	const char *step, *command;
	unsigned nth;
	bool change; /* a command that changes something */
	bool undo;   /* on the way back: deleting is refused */
};

static const struct target targets[] = {
	{ "check-vm", "listVirtualMachines", 1, false }, { "find-root", "listVolumes", 1, false },
	{ "stop", "stopVirtualMachine", 1, true },       { "detach", "detachVolume", 1, true },
	{ "delete", "destroyVolume", 1, true },          { "prove-gone", "listVolumes", 6, false },
};

/* The undo column. */
static const struct target undo = { "detach", "attachVolume", 1, true, true };

/* What CloudStack must look like at the end. */
enum cloud { UNTOUCHED, STOPPING, STOPPED, DETACHED, DELETED, RESTORED };

static void check_cloud(struct world *w, enum cloud want, const char *label)
{
	_cleanup_json_ json_object *v = w_volume(w, W_ROOT);
	bool removed = mk_json_bool(v, "removed", false);
	const char *vm = mk_json_str(v, "virtualmachineid", "");
	const char *type = mk_json_str(v, "type", "");
	bool ok = v != NULL;

	switch (want) {
	case UNTOUCHED:
	case STOPPING:
		ok = ok && !removed && streq(vm, W_VM) && streq(type, "ROOT") &&
		     streq(w_vm_state(w, W_VM), want == STOPPING ? "Stopping" : "Running");
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

/* How often OperationFinished told of this end; of another one: never. */
static size_t count_finished(struct world *w, const char *path, const char *state)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_signals; i++) {
		const struct w_signal *s = &w->signals[i];

		if (!streq(s->member, "OperationFinished") ||
		    !streq(json_object_get_string(json_object_array_get_idx(s->args, 0)), path))
			continue;
		CU_ASSERT_STRING_EQUAL(json_object_get_string(
					       json_object_array_get_idx(s->args, 2)),
				       state);
		n++;
	}
	return n;
}

/*
 * The end was told once, and the State that was told last as a property is that of the end. may_be_untold: the daemon
 * was killed when the end was committed, and perhaps not told; it comes back ended.
 */
static void check_signals(struct world *w, const char *path, const char *state, bool may_be_untold,
			  const char *label)
{
	const char *told;
	size_t n;

	w_drain(w);
	told = w_told_state(w, path);
	n = count_finished(w, path, state);
	if (n == 0 && may_be_untold)
		return;
	if (n != 1 || !streq(told, state))
		tap_note("%s: %zu OperationFinished signals; told last: %s", label, n, told);
	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_STRING_EQUAL(told, state);
}

static void check_end(struct world *w, const char *path, const char *state, const char *error,
		      const char *label)
{
	const char *name;
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
	check_signals(w, path, state, false, label);
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

static void refuse_delete(struct world *w)
{
	w_sim_post(w, "fault",
		   "{\"command\":\"destroyVolume\",\"count\":1000,\"action\":\"error\"," NOT_TODAY
		   "}");
}

/* One fault at each row, and what must come of it. */
struct expectation {
	const char *state, *error;
	enum cloud cloud;
	int ran[4];
};

/* One fault at one row, in a world of its own. */
struct one_case {
	const struct target *t;
	const char *name, *fault, *config;
	const struct expectation *e;
};

static void run_one(const void *data)
{
	const struct one_case *c = data;
	const struct expectation *e = c->e;
	_cleanup_free_ char *label = mk_strdup_printf("%s at %s%s", c->name,
						      c->t->undo ? "the undo of " : "", c->t->step);
	struct world w = { 0 };
	const char *path;

	begin(&w, c->config);
	fault(&w, c->t, c->fault);
	if (c->t->undo)
		refuse_delete(&w);
	path = w_delete_root(&w, W_VM, "matrix", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	check_end(&w, path, e->state, e->error, label);
	check_cloud(&w, e->cloud, label);
	check_counts(&w, e->ran, label);
	w_stop(&w);
}

static void run_case(const struct target *t, const char *name, const char *fault_json,
		     const char *config, const struct expectation *e)
{
	struct one_case c = { t, name, fault_json, config, e };

	tap_fork(run_one, &c);
}

static const struct expectation success = { "succeeded", "", DELETED, { 1, 1, 1, 0 } };

static const struct expectation way_back = { "rolled-back", "Refused", RESTORED, { 1, 1, 0, 1 } };
static const struct expectation left_detached = { "failed", "Refused", DETACHED, { 1, 1, 0, 0 } };

static void check_rows(const struct mk_step *steps)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(steps[i].name);
		CU_ASSERT_STRING_EQUAL(steps[i].name, targets[i].step);
		CU_ASSERT_EQUAL(steps[i].undo != NULL, streq(steps[i].name, undo.step));
	}
	CU_ASSERT_PTR_NULL(steps[ARRAY_SIZE(targets)].name);
}

/* The tables of the operations, whatever method makes them. */
static void check_tables(const struct mk_method *methods)
{
	for (const struct mk_method *m = methods; m && m->name; m++) {
		const char *kind = m->operation ? m->operation : m->name;

		if (m->kind == MK_METHOD_QUERY || streq(kind, "DestroyVM"))
			continue;
		CU_ASSERT_STRING_EQUAL_FATAL(kind, "DeleteRootVolume");
		check_rows(m->steps);
	}
}

static void test_known_steps(void)
{
	_cleanup_free_ char *so =
		mk_strdup_printf("%s/plugins/.libs/test-vm.so", getenv("top_builddir"));
	void *handle = dlopen(so, RTLD_NOW | RTLD_LOCAL);
	const struct mk_plugin *const *plugin;

	CU_ASSERT_PTR_NOT_NULL_FATAL(handle);
	plugin = dlsym(handle, MK_PLUGIN_SYMBOL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plugin);
	CU_ASSERT_PTR_NOT_NULL_FATAL((*plugin)->methods);
	check_tables((*plugin)->methods);
	check_tables((*plugin)->volume_methods);
	check_tables((*plugin)->inner_methods);
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
		run_case(&targets[i], "refused", "\"action\":\"error\"," NOT_TODAY, NULL, &e[i]);
		if (targets[i].change)
			run_case(&targets[i], "job refused", "\"action\":\"job-error\"," NOT_TODAY,
				 NULL, &e[i]);
	}
}

/* An internal error that passes is tried again. */
static void test_passing_error(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		run_case(&targets[i], "passing 530", "\"action\":\"error\"," HICCUP, NULL,
			 &success);
		if (targets[i].change)
			run_case(&targets[i], "passing 530 in the job",
				 "\"action\":\"job-error\"," HICCUP, NULL, &success);
	}
}

/* L39: refused keys, for longer than the client's own tries: the operation is not given up half-way. */
static void test_credentials(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		run_case(&targets[i], "credentials", "\"action\":\"unauthorized\",\"count\":6",
			 NULL, &success);
}

/* The answer never comes, is cut off, is nonsense. */
static void lose_reply(const struct target *t, const struct expectation *e)
{
	static const char *const actions[] = { "drop-before", "drop-after", "hang", "garbage",
					       "empty",       "truncate",   "null" };

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		_cleanup_free_ char *json = mk_strdup_printf("\"action\":\"%s\"", actions[i]);

		run_case(t, actions[i], json, NULL, e);
	}
	run_case(t, "html", "\"action\":\"html\",\"status\":502", NULL, e);
	run_case(t, "rate-limit", "\"action\":\"rate-limit\",\"ms\":30", NULL, e);
}

/* L15, L16: none of it is a failure. */
static void test_lost_reply(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		lose_reply(&targets[i], &success);
}

static void test_job_late(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		if (targets[i].change)
			run_case(&targets[i], "late job", JOB_LATE, STEP_LIMIT, &success);
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
			 "[operations]\ndeadline=6s\n", &lost[i]);
		run_case(&targets[i], "job failed, done", "\"action\":\"job-error-done\"," HICCUP,
			 NULL, &success);
		run_case(&targets[i], "no jobresult", "\"action\":\"no-jobresult\"", NULL,
			 &success);
	}
}

/* The row's own time passes while its job runs: that is told, and is no failure. */
static void hold_beyond_limit(const void *data)
{
	const struct target *t = data;
	const struct expectation *e = &success;
	_cleanup_free_ char *label = mk_strdup_printf("limit at %s", t->step);
	struct world w = { 0 };
	const char *path;

	begin(&w, STEP_LIMIT);
	fault(&w, t, "\"action\":\"job-hold\"");
	path = w_delete_root(&w, W_VM, "limit", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	CU_ASSERT(w_await_state(&w, path, "settling"));
	w_sim_post(&w, "release", "{}");
	check_end(&w, path, e->state, e->error, label);
	check_cloud(&w, e->cloud, label);
	check_counts(&w, e->ran, label);
	w_stop(&w);
}

/* What a row waits for does not come within its time. */
static void never_ready(const void *data)
{
	struct world w = { 0 };
	const char *path;

	begin(&w, "[operations]\nstep-limit=200ms\n");
	w_sim_post(&w, "poke", "{\"vm\":\"" W_VM "\",\"state\":\"Starting\"}");
	path = w_delete_root(&w, W_VM, "limit", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	check_end(&w, path, "failed", "Timeout", "a VM that goes on starting");
	CU_ASSERT_PTR_NOT_NULL(strstr(w_op_str(&w, path, "Message"), "step check-vm"));
	check_counts(&w, (const int[4]){ 0 }, "a VM that goes on starting");
	w_stop(&w);
}

static void test_limit(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		if (targets[i].change)
			tap_fork(hold_beyond_limit, &targets[i]);
		else
			run_case(&targets[i], "slow answer", "\"action\":\"delay\",\"ms\":3000",
				 STEP_LIMIT "[cloudstack]\nrequest-timeout=20s\n", &success);
	tap_fork(never_ready, NULL);
}

/* The operation's time passes while CloudStack says nothing, or does not come to an end. */
static void test_deadline(void)
{
	static const struct expectation e[ARRAY_SIZE(targets)] = {
		{ "failed", "Unavailable", UNTOUCHED, { 0, 0, 0, 0 } },
		{ "failed", "Unavailable", UNTOUCHED, { 0, 0, 0, 0 } },
		{ "failed", "OutcomeUnknown", STOPPING, { 0, 0, 0, 0 } },
		{ "failed", "OutcomeUnknown", STOPPED, { 1, 0, 0, 0 } },
		{ "failed", "OutcomeUnknown", DETACHED, { 1, 1, 0, 0 } },
		{ "failed", "Unavailable", DELETED, { 1, 1, 1, 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		run_case(&targets[i], "deadline",
			 targets[i].change ? "\"action\":\"job-hold\""
					   : "\"action\":\"hang\",\"count\":1000",
			 "[operations]\ndeadline=6s\nrollback-deadline=500ms\n", &e[i]);
}

/* The way back meets what the way forth does. */
static void test_undo(void)
{
	static const struct {
		const char *name, *fault, *config;
		const struct expectation *e;
	} cases[] = {
		{ "refused", "\"action\":\"error\"," NOT_TODAY, NULL, &left_detached },
		{ "job refused", "\"action\":\"job-error\"," NOT_TODAY, NULL, &left_detached },
		{ "passing 530", "\"action\":\"error\"," HICCUP, NULL, &way_back },
		{ "passing 530 in the job", "\"action\":\"job-error\"," HICCUP, NULL, &way_back },
		{ "credentials", "\"action\":\"unauthorized\",\"count\":6", NULL, &way_back },
		{ "late job", JOB_LATE, STEP_LIMIT, &way_back },
		{ "job lost, done", "\"action\":\"job-lost\"", NULL, &way_back },
		{ "job failed, done", "\"action\":\"job-error-done\"," HICCUP, NULL, &way_back },
		{ "no jobresult", "\"action\":\"no-jobresult\"", NULL, &way_back },
		{ "job lost, not done", "\"action\":\"job-lost-before\"",
		  "[operations]\nrollback-deadline=1s\n", &left_detached },
		{ "deadline", "\"action\":\"job-hold\"", "[operations]\nrollback-deadline=1s\n",
		  &left_detached },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		run_case(&undo, cases[i].name, cases[i].fault, cases[i].config, cases[i].e);
	lose_reply(&undo, &way_back);
}

/* A cancel while the row's command or read is under way. */
static void cancel_at(const void *data)
{
	const struct one_case *c = data;
	const struct target *t = c->t;
	const struct expectation *e = c->e;
	_cleanup_free_ char *label = mk_strdup_printf("cancel at %s", t->step);
	_cleanup_free_ char *query =
		mk_strdup_printf("command=%s&count=%u&what=received", t->command, t->nth);
	struct world w = { 0 };
	const char *path;
	int r;

	begin(&w, "[cloudstack]\nrequest-timeout=20s\n");
	w_sim_post(&w, "clear-log", "{}");
	fault(&w, t, t->change ? "\"action\":\"job-hold\"" : "\"action\":\"hang\"");
	if (t->undo)
		refuse_delete(&w);
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
		tap_fork(cancel_at, &(struct one_case){ .t = &targets[i], .e = &e[i] });
	/* it is going back already */
	tap_fork(cancel_at, &(struct one_case){ .t = &undo, .e = &way_back });
}

/* Whether what the daemon has logged beyond `before` bytes says that it did anything for an operation. */
static bool worked_since(struct world *w, size_t before)
{
	_cleanup_free_ char *log = w_daemon_log(w);

	return strstr(log + before, "DeleteRootVolume accepted") ||
	       strstr(log + before, "DeleteRootVolume resumed");
}

static size_t log_size(struct world *w)
{
	_cleanup_free_ char *log = w_daemon_log(w);

	return strlen(log);
}

/* Kills the daemon at its n-th commit from the call on; false when it got through without reaching it. */
static bool kill_at(unsigned n, const char *when, const struct expectation *e)
{
	_cleanup_free_ char *label = mk_strdup_printf("kill -9 %s commit %u", when, n);
	struct world w = { 0 };
	size_t before = 0;
	const char *path;
	bool crashed;
	int status;

	begin(&w, NULL);
	if (e == &way_back)
		refuse_delete(&w);
	w_crash_at(&w, n, when);
	path = w_delete_root(&w, W_VM, "crash", true);
	if (path)
		(void)w_wait(&w, path);

	crashed = kill(w.daemon, 0) == 0 && waitpid(w.daemon, &status, WNOHANG) == w.daemon;
	if (!crashed && (!path || !streq(w_op_str(&w, path, "State"), e->state))) {
		status = w_daemon_wait(&w);
		crashed = true;
	}
	if (crashed) {
		CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		w.daemon = 0;
		before = log_size(&w);
		w_daemon_start(&w, NULL);
		path = w_delete_root(&w, W_VM, "crash",
				     true); /* the same token: the same operation */
	}

	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	(void)w_wait(&w, path);
	if (!streq(w_op_str(&w, path, "State"), e->state))
		tap_note("%s: %s: %s", label, w_op_str(&w, path, "State"),
			 w_op_str(&w, path, "Message"));
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, path, "State"), e->state);
	check_signals(&w, path, e->state, crashed && !worked_since(&w, before), label);
	check_cloud(&w, e->cloud, label);
	check_counts(&w, e->ran, label);
	w_stop(&w);
	return crashed;
}

static void kill_everywhere(const void *data)
{
	const struct one_case *c = data;
	unsigned n = 1;

	(void)setenv("MK_CRASH_COMMIT", "0", 1);
	while (kill_at(n, c->name, c->e) && n < 100)
		n++;
	tap_note("%s: killed %s %u commits", c->e->state, c->name, n - 1);
	CU_ASSERT(n > 9); /* three commands, three commits each */
}

/* L10: killed at every commit, before and after it, the operation ends as if nothing had happened. */
static void test_kill(void)
{
	tap_fork(kill_everywhere, &(struct one_case){ .name = "before", .e = &success });
	tap_fork(kill_everywhere, &(struct one_case){ .name = "after", .e = &success });
}

static void test_kill_way_back(void)
{
	tap_fork(kill_everywhere, &(struct one_case){ .name = "before", .e = &way_back });
	tap_fork(kill_everywhere, &(struct one_case){ .name = "after", .e = &way_back });
}

/* The management server restarts in the middle of each job. */
static void restart_at(const void *data)
{
	const struct target *t = data;
	_cleanup_free_ char *label = mk_strdup_printf("management server restart at %s", t->step);
	_cleanup_free_ char *query =
		mk_strdup_printf("command=%s&count=1&what=received", t->command);
	struct world w = { 0 };
	const char *path;

	begin(&w, NULL);
	fault(&w, t, "\"action\":\"job-hold\"");
	path = w_delete_root(&w, W_VM, "restart", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, query);
	w_sim_post(&w, "restart", "{}");
	check_end(&w, path, "succeeded", "", label);
	check_cloud(&w, DELETED, label);
	check_counts(&w, success.ran, label);
	w_stop(&w);
}

static void test_server_restart(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		if (targets[i].change)
			tap_fork(restart_at, &targets[i]);
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
		{ "limit", test_limit },
		{ "deadline", test_deadline },
		{ "undo", test_undo },
		{ "cancel", test_cancel },
		{ "server-restart", test_server_restart },
		{ "L10-kill", test_kill },
		{ "L10-kill-way-back", test_kill_way_back },
		{ NULL, NULL },
	};

	th_queue_ms = TH_SCALED_BEAT;
	return tap_main(argc, argv, "matrix", NULL, NULL, tests);
}
