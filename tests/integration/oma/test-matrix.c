/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The failure matrix of class oma, on the real daemon, the simulator and mocked disks: each row of each step table
 * meets each kind of fault. The rows are read from the plugin; one that this file does not know fails the test.
 * Each case checks the states of CloudStack and of the operation, how often each command was run, the signals, and
 * that store, CloudStack and devices agree.
 */

#include "oma-env.h"
#include "testsim.h"

#include <dlfcn.h>
#include <migratekit/volume-plugin.h>
#include <signal.h>
#include <sys/wait.h>

#define ADOPTED "77777777-7777-4777-8777-777777777777"

/* What CloudStack must look like at the end of a case. */
enum cloud { BEFORE, DONE, ANY };

struct expectation {
	const char *state, *error;
	enum cloud cloud;
};

static const struct expectation success = { "succeeded", "", DONE };

/* A row of a step table, and where it can be hit: its command, or the n-th of a read since the call. */
struct row {
	const char *step, *command;
	unsigned nth;
	bool change;
	struct expectation refused, cancelled, lost;
};

struct scenario {
	const char *method;
	bool attached, created; /* what there is before */
	bool differs;           /* before it, store and CloudStack do not agree */
	const char *(*call)(struct world *w, const char *volume);
	/* Whether CloudStack has it as before, or as wanted. */
	bool (*is)(struct world *w, const char *volume, enum cloud cloud);
	const char *changes[3]; /* commands that run once on success */
	struct row rows[6];
};

/* ---- the methods ------------------------------------------------------------------------------------------------- */

static const char *call_create(struct world *w, const char *volume)
{
	return o_create(w, "matrix", O_GIB, "matrix");
}

static const char *call_attach(struct world *w, const char *volume)
{
	return o_attach(w, volume, "matrix");
}

static const char *call_detach(struct world *w, const char *volume)
{
	return o_detach(w, volume, false, "matrix");
}

static const char *call_delete(struct world *w, const char *volume)
{
	return o_call(w, "DeleteVolume", "sa{sv}", volume, 1, "token", "s", "matrix");
}

static const char *call_adopt(struct world *w, const char *volume)
{
	return o_call(w, "AdoptVolume", "ssa{sv}", "oma", ADOPTED, 1, "token", "s", "matrix");
}

static const char *call_forget(struct world *w, const char *volume)
{
	return o_call(w, "ForgetVolume", "sa{sv}", volume, 1, "token", "s", "matrix");
}

static const char *call_reconcile(struct world *w, const char *volume)
{
	return o_call(w, "Reconcile", "a{sv}", 2, "repair", "b", 1, "token", "s", "matrix");
}

static bool is_attached(struct world *w, const char *volume)
{
	_cleanup_json_ json_object *v = w_volume(w, volume);

	return streq(mk_json_str(v, "virtualmachineid", ""), W_OMA);
}

static bool is_removed(struct world *w, const char *volume)
{
	_cleanup_json_ json_object *v = w_volume(w, volume);

	return mk_json_bool(v, "removed", false);
}

static bool has_tags(struct world *w, const char *volume)
{
	_cleanup_json_ json_object *v = w_volume(w, volume);

	return v && strstr(json_object_to_json_string(v), "migratekit:owner");
}

/* Volumes that are there and carry the operation's id in their names. */
static unsigned count_made(struct world *w)
{
	_cleanup_json_ json_object *state = w_sim_get(w, "state?kinds=volumes");
	json_object *volumes = mk_json_get(state, "volumes");
	unsigned n = 0;

	json_object_object_foreach(volumes, id, v) {
		(void)id;
		n += streq(mk_json_str(v, "name", ""), "matrix (matrix)") &&
		     !mk_json_bool(v, "removed", false);
	}
	return n;
}

static bool create_is(struct world *w, const char *volume, enum cloud cloud)
{
	return count_made(w) == (cloud == DONE);
}

static bool attach_is(struct world *w, const char *volume, enum cloud cloud)
{
	return is_attached(w, volume) == (cloud == DONE) &&
	       streq(o_volume(w, volume, "State"), cloud == DONE ? "attached" : "detached") &&
	       (*o_device(w, volume, "Device") != '\0') == (cloud == DONE);
}

static bool detach_is(struct world *w, const char *volume, enum cloud cloud)
{
	return attach_is(w, volume, cloud == DONE ? BEFORE : DONE);
}

static bool delete_is(struct world *w, const char *volume, enum cloud cloud)
{
	return is_removed(w, volume) == (cloud == DONE);
}

static bool adopt_is(struct world *w, const char *volume, enum cloud cloud)
{
	return has_tags(w, ADOPTED) == (cloud == DONE) &&
	       (*o_volume(w, ADOPTED, "State") != '\0') == (cloud == DONE);
}

static bool forget_is(struct world *w, const char *volume, enum cloud cloud)
{
	return has_tags(w, volume) == (cloud == BEFORE) &&
	       (*o_volume(w, volume, "State") != '\0') == (cloud == BEFORE);
}

static bool reconcile_is(struct world *w, const char *volume, enum cloud cloud)
{
	return has_tags(w, volume) == (cloud == DONE) && *o_volume(w, volume, "State") != '\0';
}

#define REFUSED                                                                                    \
	{                                                                                          \
		"failed", "Refused", BEFORE                                                        \
	}
#define ROLLED_BACK                                                                                \
	{                                                                                          \
		"rolled-back", "Refused", BEFORE                                                   \
	}
#define CANCELLED                                                                                  \
	{                                                                                          \
		"cancelled", "Cancelled", BEFORE                                                   \
	}
#define TOO_LATE                                                                                   \
	{                                                                                          \
		"succeeded", "", DONE                                                              \
	}
#define UNKNOWN(cloud)                                                                             \
	{                                                                                          \
		"failed", "OutcomeUnknown", cloud                                                  \
	}

static const struct scenario scenarios[] = {
	{ "CreateVolume",
	  false,
	  false,
	  false,
	  call_create,
	  create_is,
	  { "createVolume", "createTags" },
	  { { "zone", "listZones", 1, false, REFUSED, CANCELLED },
	    { "offering", "listDiskOfferings", 1, false, REFUSED, CANCELLED },
	    { "create", "createVolume", 1, true, REFUSED, CANCELLED, TOO_LATE },
	    { "own", "createTags", 1, true, ROLLED_BACK, CANCELLED, UNKNOWN(DONE) } } },
	{ "AttachVolume",
	  false,
	  true,
	  false,
	  call_attach,
	  attach_is,
	  { "attachVolume" },
	  { { "check", "listVirtualMachines", 1, false, REFUSED, CANCELLED },
	    { "attach", "attachVolume", 1, true, REFUSED, CANCELLED, UNKNOWN(ANY) },
	    { "prove", "listVirtualMachines", 2, false, ROLLED_BACK, CANCELLED } } },
	{ "DetachVolume",
	  true,
	  true,
	  false,
	  call_detach,
	  detach_is,
	  { "detachVolume" },
	  { { "check", "listVolumes", 1, false, REFUSED, CANCELLED },
	    { "detach", "detachVolume", 1, true, REFUSED, TOO_LATE, UNKNOWN(ANY) },
	    { "prove", "listVolumes", 4, false, { "failed", "Refused", DONE }, TOO_LATE } } },
	{ "DeleteVolume",
	  false,
	  true,
	  false,
	  call_delete,
	  delete_is,
	  { "destroyVolume" },
	  { { "check", "listVolumes", 1, false, REFUSED, CANCELLED },
	    { "delete", "destroyVolume", 1, true, REFUSED, TOO_LATE, UNKNOWN(BEFORE) },
	    { "prove", "listVolumes", 4, false, { "failed", "Refused", DONE }, TOO_LATE } } },
	{ "AdoptVolume",
	  false,
	  false,
	  false,
	  call_adopt,
	  adopt_is,
	  { "createTags" },
	  { { "check", "listVirtualMachines", 1, false, REFUSED, CANCELLED },
	    { "own", "createTags", 1, true, REFUSED, CANCELLED, UNKNOWN(BEFORE) },
	    { "prove", "listVirtualMachines", 2, false, ROLLED_BACK, CANCELLED } } },
	{ "ForgetVolume",
	  false,
	  true,
	  false,
	  call_forget,
	  forget_is,
	  { "deleteTags" },
	  { { "check", "listVolumes", 1, false, REFUSED, CANCELLED },
	    { "drop", NULL, 0, false, REFUSED, CANCELLED }, /* test-failover.c */
	    { "untag",
	      "deleteTags",
	      1,
	      true,
	      REFUSED,
	      { "cancelled", "Cancelled", ANY },
	      UNKNOWN(BEFORE) },
	    { "forget", NULL, 0, false, REFUSED, CANCELLED } } },
	/* a volume of ours that has lost its tags */
	{ "Reconcile",
	  false,
	  true,
	  true,
	  call_reconcile,
	  reconcile_is,
	  { "createTags" },
	  { { "cloud", "listVolumes", 1, false, REFUSED, CANCELLED },
	    { "rest", "listVolumes", 3, false, REFUSED, CANCELLED },
	    { "tags",
	      "createTags",
	      1,
	      true,
	      REFUSED,
	      { "cancelled", "Cancelled", ANY },
	      UNKNOWN(BEFORE) },
	    { "devices", NULL, 0, false, REFUSED, CANCELLED } } },
};

/* ---- one case ---------------------------------------------------------------------------------------------------- */

static void begin(struct world *w, const struct scenario *s, const char *config,
		  char ret_volume[MK_UUID_SIZE])
{
	static const char seed[] =
		"{\"volumes\":[{\"id\":\"" ADOPTED "\",\"name\":\"old disk\","
		"\"size\":1073741824,\"type\":\"DATADISK\",\"state\":\"Ready\"}]}";
	const char *volume = ADOPTED;

	o_start(w, config, NULL);
	w_sim_post(w, "seed", seed);
	if (s->attached)
		volume = o_attached(w, "disk");
	else if (s->created)
		volume = o_new_volume(w, "disk");
	snprintf(ret_volume, MK_UUID_SIZE, "%s", volume);
	if (s->differs) {
		_cleanup_free_ char *poke =
			mk_strdup_printf("{\"volume\":\"%s\",\"tags\":[]}", volume);

		w_sim_post(w, "poke", poke);
	}
	w_sim_post(w, "clear-log", "{}");
}

static void check_end(struct world *w, const char *path, const struct expectation *e,
		      const char *label)
{
	const char *name, *state;
	bool ok;

	(void)w_wait(w, path);
	state = w_op_str(w, path, "State");
	name = w_op_str(w, path, "Error");
	ok = streq(state, e->state) && streq(*name ? strrchr(name, '.') + 1 : "", e->error);
	if (!ok)
		tap_note("%s: %s %s (%s), expected %s %s", label, state, name,
			 w_op_str(w, path, "Message"), e->state, e->error);
	CU_ASSERT(ok);

	w_drain(w);
	if (w_count_finished(w, "matrix") != 1)
		tap_note("%s: %zu OperationFinished signals", label, w_count_finished(w, "matrix"));
	CU_ASSERT_EQUAL(w_count_finished(w, "matrix"), 1);
}

/* Store, CloudStack and devices agree, unless the end is not known. */
static void check_agreement(struct world *w, const struct scenario *s, const struct expectation *e,
			    const char *label)
{
	_cleanup_json_ json_object *result = NULL;

	if (e->cloud == ANY || (s->differs && e->cloud == BEFORE) ||
	    streq(e->error, "OutcomeUnknown") || (streq(e->state, "failed") && e->cloud == DONE))
		return;

	result = o_succeed(w, o_call(w, "Reconcile", "a{sv}", 0));
	if (mk_json_int(result, "Count", -1) != 0)
		tap_note("%s: %s", label, json_object_to_json_string(result));
	CU_ASSERT_EQUAL(mk_json_int(result, "Count", -1), 0);
}

static void check_all(struct world *w, const struct scenario *s, const char *path,
		      const char *volume, const struct expectation *e, const char *label)
{
	check_end(w, path, e, label);
	if (e->cloud != ANY) {
		bool ok = s->is(w, volume, e->cloud);

		if (!ok)
			tap_note("%s: CloudStack or the volume is not as it should be", label);
		CU_ASSERT(ok);
	}
	for (size_t i = 0; i < ARRAY_SIZE(s->changes) && s->changes[i]; i++) {
		int64_t n = w_executed(w, s->changes[i]);
		bool ok = streq(e->state, "succeeded") ? n == 1 : n <= 1;

		if (!ok)
			tap_note("%s: %s ran %d times", label, s->changes[i], (int)n);
		CU_ASSERT(ok);
	}
	check_agreement(w, s, e, label);
}

/* One fault at one row, in a world of its own. */
struct one_case {
	const struct scenario *s;
	const struct row *row;
	const char *name, *fault, *config;
	const struct expectation *e;
};

static void run_one(const void *data)
{
	const struct one_case *c = data;
	const struct scenario *s = c->s;
	_cleanup_free_ char *label =
		mk_strdup_printf("%s, %s at %s", s->method, c->name, c->row->step);
	_cleanup_free_ char *rest = mk_strdup_printf("\"nth\":%u,%s", c->row->nth, c->fault);
	struct world w = { 0 };
	char volume[MK_UUID_SIZE];
	const char *path;

	begin(&w, s, c->config, volume);
	o_fault(&w, c->row->command, rest);
	path = s->call(&w, volume);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	check_all(&w, s, path, volume, c->e, label);
	w_stop(&w);
}

static void run_case(const struct scenario *s, const struct row *row, const char *name,
		     const char *fault, const char *config, const struct expectation *e)
{
	struct one_case c = { s, row, name, fault, config, e };

	tap_fork(run_one, &c);
}

#define FOREACH_ROW(s, row)                                                                        \
	for (const struct scenario *s = scenarios; s < scenarios + ARRAY_SIZE(scenarios); s++)     \
		for (const struct row *row = s->rows; row->step; row++)                            \
			if (row->command)

/* ---- the kinds of fault --------------------------------------------------------------------------------------------- */

static void check_steps(const struct mk_method *m, const struct scenario *s)
{
	size_t i;

	for (i = 0; s->rows[i].step; i++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(m->steps[i].name);
		CU_ASSERT_STRING_EQUAL(m->steps[i].name, s->rows[i].step);
	}
	CU_ASSERT_PTR_NULL(m->steps[i].name);
}

static void test_known_steps(void)
{
	_cleanup_free_ char *so =
		mk_strdup_printf("%s/plugins/.libs/oma.so", getenv("top_builddir"));
	void *handle = dlopen(so, RTLD_NOW | RTLD_LOCAL);
	const struct mk_plugin *const *plugin;
	size_t n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(handle);
	plugin = dlsym(handle, MK_PLUGIN_SYMBOL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plugin);
	for (const struct mk_method *m = (*plugin)->volume_methods; m->name; m++) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
			if (!streq(scenarios[i].method, m->name))
				continue;
			known = true;
			n++;
			check_steps(m, &scenarios[i]);
		}
		if (!known)
			tap_note("%s has no scenario", m->name);
		CU_ASSERT(known);
	}
	CU_ASSERT_EQUAL(n, ARRAY_SIZE(scenarios));
}

static void test_no_fault(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		struct world w = { 0 };
		char volume[MK_UUID_SIZE];
		const char *path;

		begin(&w, &scenarios[i], NULL, volume);
		path = scenarios[i].call(&w, volume);
		CU_ASSERT_PTR_NOT_NULL_FATAL(path);
		check_all(&w, &scenarios[i], path, volume, &success, scenarios[i].method);
		w_stop(&w);
	}
}

static void test_refused(void)
{
	static const char what[] = "\"errorcode\":431,\"errortext\":\"not today\"";
	_cleanup_free_ char *now = mk_strdup_printf("\"action\":\"error\",%s", what);
	_cleanup_free_ char *job = mk_strdup_printf("\"action\":\"job-error\",%s", what);

	FOREACH_ROW(s, row)
	{
		run_case(s, row, "refused", now, NULL, &row->refused);
		if (row->change && !streq(row->command, "createVolume"))
			run_case(s, row, "job refused", job, NULL, &row->refused);
	}
}

static void test_passing_error(void)
{
	static const char what[] = "\"errorcode\":530,\"errortext\":\"hiccup\"";
	_cleanup_free_ char *now = mk_strdup_printf("\"action\":\"error\",%s", what);
	_cleanup_free_ char *job = mk_strdup_printf("\"action\":\"job-error\",%s", what);

	FOREACH_ROW(s, row)
	{
		run_case(s, row, "passing 530", now, NULL, &success);
		if (row->change && !streq(row->command, "createVolume"))
			run_case(s, row, "passing 530 in the job", job, NULL, &success);
	}
}

static void test_lost_reply(void)
{
	static const char *const actions[] = { "drop-before", "drop-after", "hang", "garbage",
					       "empty",       "truncate",   "null" };

	FOREACH_ROW(s, row)
	{
		for (size_t k = 0; k < ARRAY_SIZE(actions); k++) {
			_cleanup_free_ char *rest =
				mk_strdup_printf("\"action\":\"%s\"", actions[k]);

			run_case(s, row, actions[k], rest, NULL, &success);
		}
		run_case(s, row, "html", "\"action\":\"html\",\"status\":502", NULL, &success);
		run_case(s, row, "rate-limit", "\"action\":\"rate-limit\",\"ms\":30", NULL,
			 &success);
	}
}

static void test_job_late(void)
{
	FOREACH_ROW(s, row)
	if (row->change)
		/* the row needs no two seconds for anything else, however loaded the machine is */
		run_case(s, row, "late job", "\"action\":\"job-late\",\"ms\":3000",
			 "[operations]\nstep-limit=2s\n", &success);
}

static void test_job_lost(void)
{
	FOREACH_ROW(s, row)
	{
		if (!row->change)
			continue;
		run_case(s, row, "job lost, done", "\"action\":\"job-lost\"", NULL, &success);
		run_case(s, row, "job lost, not done", "\"action\":\"job-lost-before\"",
			 "[operations]\ndeadline=6s\n", &row->lost);
		run_case(s, row, "job failed, done",
			 "\"action\":\"job-error-done\",\"errorcode\":530,\"errortext\":\"late\"",
			 NULL, &success);
		run_case(s, row, "no jobresult", "\"action\":\"no-jobresult\"", NULL, &success);
	}
}

static void cancel_at(const void *data)
{
	const struct one_case *c = data;
	const struct scenario *s = c->s;
	const struct row *row = c->row;
	_cleanup_free_ char *label = mk_strdup_printf("%s, cancel at %s", s->method, row->step);
	_cleanup_free_ char *query =
		mk_strdup_printf("command=%s&count=%u&what=received", row->command, row->nth);
	_cleanup_free_ char *rest = mk_strdup_printf("\"nth\":%u,\"action\":\"%s\"", row->nth,
						     row->change ? "job-hold" : "hang");
	struct world w = { 0 };
	char volume[MK_UUID_SIZE];
	const char *path;
	int r;

	begin(&w, s, "[cloudstack]\nrequest-timeout=20s\n", volume);
	o_fault(&w, row->command, rest);
	path = s->call(&w, volume);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, query);
	r = w_call_object(&w, path, W_OPERATION, "Cancel", NULL, "");
	w_sim_post(&w, "release", "{}");
	CU_ASSERT_EQUAL(r < 0, streq(row->cancelled.state, "succeeded"));
	check_all(&w, s, path, volume, &row->cancelled, label);
	w_stop(&w);
}

static void test_cancel(void)
{
	FOREACH_ROW(s, row)
	{
		struct one_case c = { .s = s, .row = row };

		tap_fork(cancel_at, &c);
	}
}

/* Starts the daemon again; the n-th commit of its new life kills it. */
static void start_to_crash(struct world *w, unsigned n, const char *when)
{
	_cleanup_free_ char *e1 = mk_strdup_printf("MK_CRASH_COMMIT=%u", n);
	_cleanup_free_ char *e2 = mk_strdup_printf("MK_CRASH_WHEN=%s", when);
	const char *const env[] = { e1, e2, NULL };

	w_daemon_stop(w);
	w_daemon_start(w, env);
}

enum crash { CRASH_NOT, CRASH_BEFORE_CALL, CRASH_AFTER_CALL };

/* Kills the daemon at its n-th commit from its start on, or from the call on. */
static enum crash kill_at(const struct scenario *s, unsigned n, const char *when, bool from_start)
{
	_cleanup_free_ char *label =
		mk_strdup_printf("%s, kill -9 %s commit %u of the %s", s->method, when, n,
				 from_start ? "start" : "call");
	struct world w = { 0 };
	char volume[MK_UUID_SIZE];
	enum crash crash = CRASH_NOT;
	const char *path;
	int status;

	begin(&w, s, NULL, volume);
	if (from_start)
		start_to_crash(&w, n, when);
	else
		w_crash_at(&w, n, when);
	path = s->call(&w, volume);
	if (path)
		(void)w_wait(&w, path);
	if (!path || !streq(w_op_str(&w, path, "State"), "succeeded")) {
		status = w_daemon_wait(&w);
		CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		crash = path ? CRASH_AFTER_CALL : CRASH_BEFORE_CALL;
		w_daemon_start(&w, NULL);
		path = s->call(&w, volume); /* the same token: the same operation */
		if (!path)
			tap_note("%s: %s", label, w_error_text);
	} else {
		w_crash_at(&w, 0, "never"); /* what follows must not meet the crash */
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);

	(void)w_wait(&w, path);
	if (!streq(w_op_str(&w, path, "State"), "succeeded"))
		tap_note("%s: %s: %s", label, w_op_str(&w, path, "State"),
			 w_op_str(&w, path, "Message"));
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, path, "State"), "succeeded");
	if (!s->is(&w, volume, DONE))
		tap_note("%s: not done", label);
	CU_ASSERT(s->is(&w, volume, DONE));
	for (size_t i = 0; i < ARRAY_SIZE(s->changes) && s->changes[i]; i++)
		CU_ASSERT_EQUAL(w_executed(&w, s->changes[i]), 1);
	check_agreement(&w, s, &success, label);
	w_stop(&w);
	return crash;
}

static void kill_everywhere(const void *data)
{
	const struct one_case *c = data;
	unsigned n_start = 1, n = 1;

	(void)setenv("MK_CRASH_COMMIT", "0", 1);
	while (kill_at(c->s, n_start, c->name, true) == CRASH_BEFORE_CALL && n_start < 20)
		n_start++;
	while (kill_at(c->s, n, c->name, false) && n < 60)
		n++;
	tap_note("%s: killed %s %u commits of the start and %u of the call", c->s->method, c->name,
		 n_start, n - 1);
	CU_ASSERT(n > 3); /* one at least for the acceptance, the step, the end */
}

/* L10, L12: killed at every commit, before and after it, the operation ends as if nothing had happened. */
static void test_kill(void)
{
	static const char *const whens[] = { "before", "after" };

	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(whens); k++) {
			struct one_case c = { .s = &scenarios[i], .name = whens[k] };

			tap_fork(kill_everywhere, &c);
		}
	}
}

static void restart_at(const void *data)
{
	const struct one_case *c = data;
	_cleanup_free_ char *label =
		mk_strdup_printf("%s, management server restart at %s", c->s->method, c->row->step);
	_cleanup_free_ char *query =
		mk_strdup_printf("command=%s&count=1&what=received", c->row->command);
	struct world w = { 0 };
	char volume[MK_UUID_SIZE];
	const char *path;

	begin(&w, c->s, NULL, volume);
	o_fault(&w, c->row->command, "\"action\":\"job-hold\"");
	path = c->s->call(&w, volume);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, query);
	w_sim_post(&w, "restart", "{}");
	check_all(&w, c->s, path, volume, &success, label);
	w_stop(&w);
}

static void test_server_restart(void)
{
	FOREACH_ROW(s, row)
	{
		struct one_case c = { .s = s, .row = row };

		if (row->change && !streq(row->command, "createVolume"))
			tap_fork(restart_at, &c);
	}
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "known-steps", test_known_steps },
		{ "no-fault", test_no_fault },
		{ "refused", test_refused },
		{ "passing-error", test_passing_error },
		{ "L15-L16-lost-reply", test_lost_reply },
		{ "job-late", test_job_late },
		{ "job-lost", test_job_lost },
		{ "cancel", test_cancel },
		{ "server-restart", test_server_restart },
		{ "L10-L12-kill", test_kill },
		{ NULL, NULL },
	};

	th_queue_ms = TH_SCALED_BEAT;
	return tap_main(argc, argv, "oma-matrix", NULL, NULL, tests);
}
