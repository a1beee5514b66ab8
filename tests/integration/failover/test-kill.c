/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The second half of the failure matrix of class failover and DestroyVM: lost jobs, cancels, and a kill of the
 * daemon at each commit.
 */

#include "failover-scenario.h"
#include "testsim.h"

#include <signal.h>
#include <sys/wait.h>

static void test_job_lost(void)
{
	static const char *const faults[] = {
		"\"action\":\"job-lost\"",
		"\"action\":\"job-error-done\",\"errorcode\":530,\"errortext\":\"late\"",
		"\"action\":\"no-jobresult\"", "\"action\":\"job-lost-before\"", NULL
	};

	fs_each_place(faults, CHANGES | MAY_FAIL, "[operations]\ndeadline=2s\n");
}

/* A cancel while the request, or its job, is under way. */
static void cancel_at(const struct fs_scenario *s, const struct fs_place *p)
{
	_cleanup_free_ char *label =
		mk_strdup_printf("%s, cancel at %s %u", s->name, p->command, p->nth);
	_cleanup_free_ char *query =
		mk_strdup_printf("command=%s&count=%u&what=received", p->command, p->nth);
	_cleanup_free_ char *rest = mk_strdup_printf("\"nth\":%u,\"action\":\"%s\"", p->nth,
						     p->change ? "job-hold" : "hang");
	const char *path;
	int r;

	fs_begin(s);
	o_fault(&fs_w, p->command, rest);
	path = s->call(fs_token());
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	(void)w_sim_await(&fs_w, query, 3000); /* it may come to its end without that many */
	r = w_call_object(&fs_w, path, W_OPERATION, "Cancel", NULL, "");
	f_release_until_end(&fs_w, path);
	fs_end(s, path, NULL, label);
	fs_told_once(path, label);
	if (r < 0)
		fs_check(!streq(w_op_str(&fs_w, path, "State"), "cancelled"), label,
			 "cancelled anyway");
	else
		fs_check(!streq(w_op_str(&fs_w, path, "State"), "failed"), label, "failed");
}

static void cancel_everywhere(const void *data)
{
	const struct fs_scenario *s = data;
	struct fs_places places;

	fs_start("[cloudstack]\nrequest-timeout=20s\n");
	fs_find_places(s, &places);
	for (size_t i = 0; i < places.n; i++)
		if (!fs_is_poll(&places.items[i]) && fs_takes(s, i))
			cancel_at(s, &places.items[i]);
	w_stop(&fs_w);
}

static void test_cancel(void)
{
	fs_next_kind();
	FOREACH(s)
	tap_fork(cancel_everywhere, s);
}

/* Starts the daemon again; the n-th commit of its new life kills it. */
static void start_to_crash(unsigned n, const char *when)
{
	_cleanup_free_ char *e1 = mk_strdup_printf("MK_CRASH_COMMIT=%u", n);
	_cleanup_free_ char *e2 = mk_strdup_printf("MK_CRASH_WHEN=%s", when);
	const char *const env[] = { e1, e2, NULL };

	w_daemon_stop(&fs_w);
	w_daemon_start(&fs_w, env);
}

enum crash { CRASH_NOT, CRASH_BEFORE_CALL, CRASH_AFTER_CALL };

/* Kills the daemon at its n-th commit from its start on, or from the call on. */
static enum crash kill_at(const struct fs_scenario *s, unsigned n, const char *when,
			  bool from_start)
{
	_cleanup_free_ char *label = mk_strdup_printf("%s, kill -9 %s commit %u of the %s", s->name,
						      when, n, from_start ? "start" : "call");
	const char *token = fs_token(), *path;
	enum crash crash = CRASH_NOT;

	fs_begin(s);
	if (from_start)
		start_to_crash(n, when);
	else
		w_crash_at(&fs_w, n, when);
	path = s->call(token);
	if (path)
		(void)w_wait(&fs_w, path);
	if (!path || !*w_op_str(&fs_w, path, "Finished") ||
	    streq(w_op_str(&fs_w, path, "Finished"), "0")) {
		int status = w_daemon_wait(&fs_w);

		CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		crash = path ? CRASH_AFTER_CALL : CRASH_BEFORE_CALL;
		w_daemon_start(&fs_w, NULL);
		path = s->call(token); /* the same operation */
		if (!path)
			tap_note("%s: %s", label, w_error_text);
	}
	if (crash == CRASH_NOT)
		w_crash_at(&fs_w, 0,
			   "never"); /* it would be hit by the commits of what is asked next */
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);

	/* a fault may have met a command that was sent again */
	fs_end(s, path, s->fault[0] ? NULL : s->state, label);
	return crash;
}

static void kill_everywhere(const void *data)
{
	const struct fs_scenario *s = data;
	unsigned n_start = 1, n = 1;

	(void)setenv("MK_CRASH_COMMIT", "0", 1);
	fs_start(NULL);
	while (kill_at(s, n_start, n_start % 2 ? "before" : "after", true) == CRASH_BEFORE_CALL &&
	       n_start < 20)
		n_start++;
	while (kill_at(s, n, n % 2 ? "before" : "after", false) && n < 120) {
		if (fs_is_full())
			(void)kill_at(s, n, n % 2 ? "after" : "before", false);
		n++;
	}
	tap_note("%s: killed at %u commits of the start and %u of the call", s->name, n_start,
		 n - 1);
	CU_ASSERT(n > 3); /* one at least for the acceptance, the step, the end */
	w_stop(&fs_w);
}

/* L10: killed at every commit, also on the way back, the operation ends as if nothing had happened. */
static void test_kill(void)
{
	FOREACH(s)
	tap_fork(kill_everywhere, s);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "job-lost", test_job_lost },
		{ "cancel", test_cancel },
		{ "L10-kill", test_kill },
		{ NULL, NULL },
	};

	th_queue_ms = TH_SCALED_BEAT;
	return tap_main(argc, argv, "failover-kill", NULL, NULL, tests);
}
