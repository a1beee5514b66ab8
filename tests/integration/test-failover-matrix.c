/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The failure matrix of class failover and of DestroyVM. A set's steps run side by side, so the places where
 * something can go wrong are not listed here: each scenario runs once without a fault, and then once more for each
 * request that it sent to CloudStack, with that request meeting a fault. After each case: the whole set is where it
 * was or where it was to be, each command was run as often as it had to be, store, CloudStack and devices agree, no
 * operation is unfinished, and the end was told once. Step tables with a row that this file does not know fail it.
 */

#include "failover-env.h"

#include <dlfcn.h>
#include <migratekit/volume-plugin.h>
#include <signal.h>
#include <sys/wait.h>

#define N_VOLUMES 2

static struct world w;
static struct f_set set;

/* ---- scenarios --------------------------------------------------------------------------------------------------- */

struct scenario {
	const char *name;
	void (*base)(void); /* from wherever the last case ended */
	const char *(*call)(const char *token);
	bool (*done)(void);
	bool (*before)(void);
	const char *state;      /* how it ends without a further fault */
	const char *fault[2];   /* command and fault that it always meets; NULL: none */
	const char *changes[4]; /* on success each runs `times` times */
	unsigned times;
};

static bool is_home(void)
{
	return f_home(&w, &set);
}

static bool is_assigned(void)
{
	return f_assigned(&w, &set);
}

static unsigned n_snapshots(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < set.n; i++)
		n += f_snapshots(&w, set.ids[i]);
	return n;
}

static bool has_generation(int64_t generation)
{
	for (size_t i = 0; i < set.n; i++)
		if (f_generation(&w, set.ids[i]) != generation)
			return false;
	return true;
}

static void write_all(int64_t generation)
{
	for (size_t i = 0; i < set.n; i++)
		f_write(&w, set.ids[i], generation);
}

static void base_home(void)
{
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"removed\":false,\"state\":\"Stopped\"}");
	json_object_put(o_succeed(&w, f_return(&w, &set, NULL)));
	if (n_snapshots() > 0)
		json_object_put(o_succeed(&w, f_call(&w, "DropSnapshots", &set, NULL, NULL)));
	write_all(1);
}

static void base_away(void)
{
	base_home();
	json_object_put(o_succeed(&w, f_assign(&w, &set, NULL)));
}

static void base_snapshots(void)
{
	base_home();
	json_object_put(o_succeed(&w, f_call(&w, "Snapshot", &set, NULL, NULL)));
	write_all(2);
}

static void base_away_snapshots(void)
{
	base_snapshots();
	json_object_put(o_succeed(&w, f_assign(&w, &set, NULL)));
}

/* The last volume of the set, managed in class failover and detached. */
static const char *single(void)
{
	return set.ids[set.n - 1];
}

static void base_single(void)
{
	base_home();
	json_object_put(
		o_succeed(&w, o_call(&w, "AdoptVolume", "ssa{sv}", "failover", single(), 0)));
	json_object_put(o_succeed(&w, o_call(&w, "DetachVolume", "sa{sv}", single(), 0)));
}

static void base_single_attached(void)
{
	base_single();
	json_object_put(o_succeed(&w, o_call(&w, "AttachVolume", "sssa{sv}", "failover", single(),
					     F_VM, 0)));
}

static const char *call_assign(const char *token)
{
	return f_assign(&w, &set, token);
}

static const char *call_return(const char *token)
{
	return f_return(&w, &set, token);
}

static const char *call_snapshot(const char *token)
{
	struct f_options options = { .token = token };

	return f_call(&w, "Snapshot", &set, NULL, &options);
}

static const char *call_revert(const char *token)
{
	struct f_options options = { .token = token, .drop = true };

	return f_call(&w, "Revert", &set, NULL, &options);
}

static const char *call_drop(const char *token)
{
	struct f_options options = { .token = token };

	return f_call(&w, "DropSnapshots", &set, NULL, &options);
}

static const char *call_attach(const char *token)
{
	return o_call(&w, "AttachVolume", "sssa{sv}", "failover", single(), F_VM, 1, "token", "s",
		      token);
}

static const char *call_detach(const char *token)
{
	return o_call(&w, "DetachVolume", "sa{sv}", single(), 1, "token", "s", token);
}

static const char *call_destroy(const char *token)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	static char path[256];
	const char *s;

	if (w_call(&w, W_TESTVM, "DestroyVM", &reply, "sa{sv}", F_VM, 2, "token", "s", token,
		   "stop", "b", 1) < 0 ||
	    sd_bus_message_read(reply, "o", &s) <= 0)
		return NULL;
	snprintf(path, sizeof(path), "%s", s);
	return path;
}

static bool has_snapshots(void)
{
	return is_home() && n_snapshots() == set.n && has_generation(1);
}

static bool has_none(void)
{
	return is_home() && n_snapshots() == 0;
}

/* L03: as long as not every revert has succeeded, every snapshot is there. */
static bool keeps_snapshots(void)
{
	return n_snapshots() == set.n || has_generation(1);
}

static bool keeps_snapshots_home(void)
{
	return is_home() && keeps_snapshots();
}

static bool keeps_snapshots_away(void)
{
	return is_assigned() && keeps_snapshots();
}

static bool is_reverted_home(void)
{
	return has_none() && has_generation(1);
}

static bool is_reverted_away(void)
{
	return is_assigned() && n_snapshots() == 0 && has_generation(1);
}

static bool is_anything(void)
{
	return is_home();
}

static bool is_single_on(const char *vm)
{
	return f_is_on(&w, single(), vm) &&
	       streq(o_volume(&w, single(), "State"), *vm ? "attached" : "detached");
}

static bool single_attached(void)
{
	return is_single_on(F_VM);
}

static bool single_detached(void)
{
	return is_single_on("");
}

/* Once its command was run there is no way back: it may be known by CloudStack only. */
static bool single_anywhere(void)
{
	return f_is_on(&w, single(), F_VM) ? single_attached() : single_detached();
}

static bool vm_is(const char *state)
{
	return streq(w_vm_state(&w, F_VM), state);
}

static void base_vm(void)
{
	base_home();
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"removed\":false,\"state\":\"Running\"}");
}

static bool vm_gone(void)
{
	return is_home() && !vm_is("Running") && !vm_is("Stopped");
}

#define NOT_TODAY "\"errorcode\":431,\"errortext\":\"not today\""
#define SECOND    "\"nth\":2,\"action\":\"job-error\"," NOT_TODAY

static const struct scenario scenarios[] = {
	{ "Assign", base_home, call_assign, is_assigned, is_home, "succeeded",
	  .changes = { "detachVolume", "attachVolume" }, .times = N_VOLUMES },
	{ "Return", base_away, call_return, is_home, is_assigned, "succeeded",
	  .changes = { "detachVolume", "attachVolume" }, .times = N_VOLUMES },
	/* its second attach is refused for good: the faults also meet the way back */
	{ "AssignBack", base_home, call_assign, is_assigned, is_home, "rolled-back",
	  .fault = { "attachVolume", SECOND } },
	{ "ReturnBack", base_away, call_return, is_home, is_assigned, "rolled-back",
	  .fault = { "attachVolume", SECOND } },
	{ "Snapshot", base_home, call_snapshot, has_snapshots, has_none, "succeeded",
	  .changes = { NULL } },
	{ "SnapshotBack", base_home, call_snapshot, has_snapshots, has_none, "rolled-back",
	  .fault = { "createSnapshot", SECOND } },
	{ "Revert", base_snapshots, call_revert, is_reverted_home, keeps_snapshots_home,
	  "succeeded",
	  .changes = { "detachVolume", "attachVolume", "revertSnapshot", "deleteSnapshot" },
	  .times = N_VOLUMES },
	{ "RevertAway", base_away_snapshots, call_revert, is_reverted_away, keeps_snapshots_away,
	  "succeeded", .changes = { "revertSnapshot", "deleteSnapshot" }, .times = N_VOLUMES },
	{ "DropSnapshots", base_snapshots, call_drop, has_none, is_anything, "succeeded",
	  .changes = { "deleteSnapshot" }, .times = N_VOLUMES },
	{ "AttachVolume", base_single, call_attach, single_attached, single_detached, "succeeded",
	  .changes = { "attachVolume" }, .times = 1 },
	{ "DetachVolume", base_single_attached, call_detach, single_detached, single_anywhere,
	  "succeeded", .changes = { "detachVolume" }, .times = 1 },
	{ "DestroyVM", base_vm, call_destroy, vm_gone, is_home, "succeeded",
	  .changes = { "stopVirtualMachine", "destroyVirtualMachine" }, .times = 1 },
};

#define FOREACH(s)                                                                                 \
	for (const struct scenario *s = scenarios; s < scenarios + ARRAY_SIZE(scenarios); s++)

/* ---- one case ------------------------------------------------------------------------------------------------------ */

static void check(bool ok, const char *label, const char *what)
{
	if (!ok)
		tap_note("%s: %s", label, what);
	CU_ASSERT(ok);
}

static void begin(const struct scenario *s)
{
	w_sim_post(&w, "clear-log", "{}"); /* and the faults that the last case did not meet */
	s->base();
	w_drain(&w);
	w_sim_post(&w, "clear-log", "{}");
	if (s->fault[0])
		o_fault(&w, s->fault[0], s->fault[1]);
}

static void check_told_once(const char *path, const char *label)
{
	w_drain(&w);
	check(w_count_finished(&w, strrchr(path, '/') + 1) == 1, label,
	      "not one OperationFinished signal");
}

static void check_pending(const char *label)
{
	_cleanup_json_ json_object *pending = w_property(&w, W_PATH, W_NAME, "PendingOperations");

	check(json_object_get_int64(pending) == 0, label, "operations are unfinished");
}

static void check_agreement(const char *label)
{
	_cleanup_json_ json_object *result = NULL;

	w_sim_post(&w, "clear-log", "{}"); /* a fault that was not met */
	result = o_succeed(&w, o_call(&w, "Reconcile", "a{sv}", 0));
	check(mk_json_int(result, "Count", -1) == 0, label, json_object_to_json_string(result));
	check_pending(label);
}

static void check_changes(const struct scenario *s, bool succeeded, const char *label)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->changes) && s->changes[i]; i++) {
		int64_t n = w_executed(&w, s->changes[i]);
		/* going back undoes each command once */
		int64_t most = s->times * (succeeded ? 1 : 2);

		bool ok = succeeded ? n == most : n <= most;

		/* its effect cannot be seen: it is repeated when it is said to have failed */
		if (streq(s->changes[i], "revertSnapshot"))
			ok = !succeeded || n >= most;
		if (!ok)
			tap_note("%s: %s ran %" PRIi64 " times", label, s->changes[i], n);
		CU_ASSERT(ok);
	}
}

/* state NULL: any; but what it says must be true. */
static void check_end(const struct scenario *s, const char *path, const char *state,
		      const char *label)
{
	const char *got;
	bool succeeded;

	(void)w_wait(&w, path);
	got = w_op_str(&w, path, "State");
	succeeded = streq(got, "succeeded");
	if (state && !streq(got, state))
		tap_note("%s: %s (%s), expected %s", label, got, w_op_str(&w, path, "Message"),
			 state);
	CU_ASSERT(!state || streq(got, state));

	if (strstr(w_op_str(&w, path, "Message"), "could not be found out")) {
		check(keeps_snapshots() || !starts_with(s->name, "Revert"), label, "L03");
		check_pending(label);
		return; /* what CloudStack may still do to a volume is left to it */
	}
	check(succeeded ? s->done() : s->before(), label, got);
	check_changes(s, succeeded, label);
	check_agreement(label);
}

static const char *new_token(void)
{
	static char token[32];
	static unsigned n;

	snprintf(token, sizeof(token), "case%u", n++);
	return token;
}

/* A request that a scenario sends: the nth of its command. */
struct place {
	char command[48];
	unsigned nth;
	bool change;
};

struct places {
	struct place items[200];
	size_t n;
};

static bool is_change(const char *command)
{
	return !starts_with(command, "list") && !starts_with(command, "query");
}

/* Polls only where they come first: there are as many as the machine is slow. */
static unsigned places_of(const char *command, int64_t n)
{
	bool poll = starts_with(command, "query") || streq(command, "listAsyncJobs");

	return poll && n > 2 ? 2 : (unsigned)n;
}

static void find_places(const struct scenario *s, struct places *ret)
{
	_cleanup_json_ json_object *log = NULL;
	const char *path;

	*ret = (struct places){ 0 };
	begin(s);
	path = s->call(new_token());
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	(void)w_wait(&w, path);
	log = w_sim_get(&w, "log"); /* before the checks ask for more */
	check_end(s, path, s->state, s->name);
	check_told_once(path, s->name);

	json_object_object_foreach(mk_json_get(log, "received"), command, n) {
		for (unsigned i = 1; i <= places_of(command, json_object_get_int64(n)); i++) {
			struct place *p = &ret->items[ret->n++];

			CU_ASSERT_FATAL(ret->n < ARRAY_SIZE(ret->items));
			snprintf(p->command, sizeof(p->command), "%s", command);
			p->nth = i;
			p->change = is_change(command);
		}
	}
	CU_ASSERT(ret->n > 3);
}

static void run_case(const struct scenario *s, const struct place *p, const char *fault,
		     const char *state)
{
	_cleanup_free_ char *label =
		mk_strdup_printf("%s, %s %u: %s", s->name, p->command, p->nth, fault);
	_cleanup_free_ char *rest = mk_strdup_printf("\"nth\":%u,%s", p->nth, fault);
	const char *path;

	begin(s);
	o_fault(&w, p->command, rest);
	path = s->call(new_token());
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	check_end(s, path, state, label);
	check_told_once(path, label);
}

static void start_world(const char *config)
{
	w = (struct world){ 0 };
	f_start(&w, config, N_VOLUMES, &set);
}

static bool is_poll(const struct place *p)
{
	return starts_with(p->command, "query") || streq(p->command, "listAsyncJobs");
}

enum faults {
	READS = 1 << 0,
	CHANGES = 1 << 1,
	MAY_FAIL = 1 << 2, /* the operation may end in another state than without the fault */
};

/* Every place meets one of the faults, the next place the next one; or all, with MK_MATRIX_FULL in the environment. */
static void each_place(const char *const *faults, unsigned flags, const char *config)
{
	size_t n_faults = 0, turn = 0;

	while (faults[n_faults])
		n_faults++;

	FOREACH(s)
	{
		struct places places;

		start_world(config); /* the simulator's state grows with every job */
		find_places(s, &places);
		for (size_t i = 0; i < places.n; i++) {
			const struct place *p = &places.items[i];
			size_t n = getenv("MK_MATRIX_FULL") ? n_faults : 1;

			if (!(flags & (p->change ? CHANGES : READS)))
				continue;
			if (is_poll(p) && (flags & MAY_FAIL))
				continue; /* "no such job" is no refusal: see job-lost */
			for (size_t k = 0; k < n; k++)
				run_case(s, p, faults[turn++ % n_faults],
					 flags & MAY_FAIL ? NULL : s->state);
		}
		w_stop(&w);
	}
}

/* ---- the kinds of fault ------------------------------------------------------------------------------------------------ */

static const struct {
	const char *plugin, *method, *steps;
} tables[] = {
	{ "failover", "Assign",
	  "volumes vm vm-snapshots vm-backups oma-snapshots oma-backups move prove" },
	{ "failover", "Return",
	  "volumes vm vm-snapshots vm-backups oma oma-snapshots oma-backups move prove" },
	{ "failover", "Snapshot", "volumes snapshot" },
	{ "failover", "Revert",
	  "volumes vm vm-snapshots oma-snapshots oma-backups snapshots revert drop" },
	{ "failover", "DropSnapshots", "volumes drop" },
	{ "failover", "AttachVolume", "check attach prove" },
	{ "failover", "DetachVolume", "check vm detach prove" },
	{ "failover", "DeleteVolume", "check delete prove" }, /* as in class oma */
	{ "failover", "AdoptVolume", "check own prove" },
	{ "failover", "ForgetVolume", "drop untag forget" },
	{ "failover", "Move", "check detach gone attach prove" },
	{ "failover", "SnapshotOne", "snapshot" },
	{ "failover", "RevertOne", "check detach gone revert attach prove" },
	{ "failover", "DropOne", "drop" },
	{ "test-vm", "DestroyVM", "check stop destroy prove" },
};

static const char *known_steps(const char *plugin, const char *method)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (streq(tables[i].plugin, plugin) && streq(tables[i].method, method))
			return tables[i].steps;
	return "";
}

static void check_table(const char *plugin, const struct mk_method *methods)
{
	for (const struct mk_method *m = methods; m && m->name; m++) {
		char steps[256] = "";

		for (const struct mk_step *s = m->steps; s->name; s++) {
			strncat(steps, *steps ? " " : "", sizeof(steps) - strlen(steps) - 1);
			strncat(steps, s->name, sizeof(steps) - strlen(steps) - 1);
		}
		CU_ASSERT_STRING_EQUAL(steps, known_steps(plugin, m->name));
	}
}

static const struct mk_plugin *load(const char *name)
{
	_cleanup_free_ char *so =
		mk_strdup_printf("%s/plugins/.libs/%s.so", getenv("top_builddir"), name);
	void *handle = dlopen(so, RTLD_NOW | RTLD_LOCAL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(handle);
	return *(const struct mk_plugin *const *)dlsym(handle, MK_PLUGIN_SYMBOL);
}

static void test_known_steps(void)
{
	const struct mk_plugin *plugin = load("failover");
	const struct mk_method *m;

	check_table("failover", plugin->methods);
	check_table("failover", plugin->volume_methods);
	check_table("failover", plugin->inner_methods);
	for (m = load("test-vm")->methods; !streq(m->name, "DestroyVM"); m++)
		;
	check_table("test-vm", (const struct mk_method[]){ *m, { 0 } });
}

static void test_no_fault(void)
{
	start_world(NULL);
	FOREACH(s)
	{
		struct places places;

		find_places(s, &places);
		tap_note("%s: %zu places", s->name, places.n);
	}
	w_stop(&w);
}

/* CloudStack says no, for good: all or none. */
static void test_refused(void)
{
	static const char *const any[] = { "\"action\":\"error\"," NOT_TODAY, NULL };
	static const char *const job[] = { "\"action\":\"job-error\"," NOT_TODAY, NULL };

	each_place(any, READS | CHANGES | MAY_FAIL, NULL);
	each_place(job, CHANGES | MAY_FAIL, NULL);
}

static void test_passing_error(void)
{
	static const char *const any[] = {
		"\"action\":\"error\",\"errorcode\":530,\"errortext\":\"hiccup\"", NULL
	};
	static const char *const job[] = {
		"\"action\":\"job-error\",\"errorcode\":530,\"errortext\":\"hiccup\"", NULL
	};

	each_place(any, READS | CHANGES, NULL);
	each_place(job, CHANGES, NULL);
}

/* L15, L16: none of it is a failure. */
static void test_lost_reply(void)
{
	static const char *const reads[] = { "\"action\":\"drop-after\"", "\"action\":\"garbage\"",
					     "\"action\":\"html\",\"status\":502", NULL };
	static const char *const changes[] = { "\"action\":\"drop-before\"",
					       "\"action\":\"drop-after\"",
					       "\"action\":\"hang\"",
					       "\"action\":\"empty\"",
					       "\"action\":\"truncate\"",
					       "\"action\":\"rate-limit\",\"ms\":30",
					       NULL };

	each_place(reads, READS, NULL);
	each_place(changes, CHANGES, NULL);
}

static void test_job_late(void)
{
	static const char *const faults[] = { "\"action\":\"job-late\",\"ms\":400", NULL };

	each_place(faults, CHANGES, "[operations]\nstep-limit=200ms\n");
}

static void test_job_lost(void)
{
	static const char *const faults[] = {
		"\"action\":\"job-lost\"",
		"\"action\":\"job-error-done\",\"errorcode\":530,\"errortext\":\"late\"",
		"\"action\":\"no-jobresult\"", "\"action\":\"job-lost-before\"", NULL
	};

	each_place(faults, CHANGES | MAY_FAIL, "[operations]\ndeadline=2s\n");
}

/* A held job may only come to be held when those before it in its VM's queue have ended. */
static void release_until_end(const char *path)
{
	_cleanup_free_ char *finished = NULL;

	do {
		w_sim_post(&w, "release", "{}");
		(void)w_call_object(&w, path, W_OPERATION, "Wait", NULL, "t",
				    UINT64_C(100) * USEC_PER_MSEC);
		free(finished);
		finished = strdup(w_op_str(&w, path, "Finished"));
	} while (streq(finished, "0"));
}

/* A cancel while the request, or its job, is under way. */
static void cancel_at(const struct scenario *s, const struct place *p)
{
	_cleanup_free_ char *label =
		mk_strdup_printf("%s, cancel at %s %u", s->name, p->command, p->nth);
	_cleanup_free_ char *query =
		mk_strdup_printf("wait?command=%s&count=%u&what=received&timeout-ms=3000",
				 p->command, p->nth);
	_cleanup_free_ char *rest = mk_strdup_printf("\"nth\":%u,\"action\":\"%s\"", p->nth,
						     p->change ? "job-hold" : "hang");
	const char *path;
	int r;

	begin(s);
	o_fault(&w, p->command, rest);
	path = s->call(new_token());
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	json_object_put(w_sim_get(&w, query)); /* it may come to its end without that many */
	r = w_call_object(&w, path, W_OPERATION, "Cancel", NULL, "");
	release_until_end(path);
	check_end(s, path, NULL, label);
	check_told_once(path, label);
	if (r < 0)
		check(!streq(w_op_str(&w, path, "State"), "cancelled"), label, "cancelled anyway");
	else
		check(!streq(w_op_str(&w, path, "State"), "failed"), label, "failed");
}

static void test_cancel(void)
{
	FOREACH(s)
	{
		struct places places;

		start_world("[cloudstack]\nrequest-timeout=20s\n");
		find_places(s, &places);
		for (size_t i = 0; i < places.n; i++)
			if (!is_poll(&places.items[i]))
				cancel_at(s, &places.items[i]);
		w_stop(&w);
	}
}

/* Kills the daemon at the n-th commit of its second life; false when it got through without. */
static bool kill_at(const struct scenario *s, unsigned n, const char *when)
{
	_cleanup_free_ char *label = mk_strdup_printf("%s, kill -9 %s commit %u", s->name, when, n);
	_cleanup_free_ char *e1 = mk_strdup_printf("MK_CRASH_COMMIT=%u", n);
	_cleanup_free_ char *e2 = mk_strdup_printf("MK_CRASH_WHEN=%s", when);
	const char *const env[] = { e1, e2, NULL };
	const char *token = new_token(), *path;
	bool crashed = false;

	begin(s);
	w_daemon_stop(&w);
	w_daemon_start(&w, env);
	path = s->call(token);
	if (path)
		(void)w_wait(&w, path);
	if (!path || !*w_op_str(&w, path, "Finished") ||
	    streq(w_op_str(&w, path, "Finished"), "0")) {
		int status = w_daemon_wait(&w);

		CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		crashed = true;
		w_daemon_start(&w, NULL);
		path = s->call(token); /* the same operation */
		if (!path)
			tap_note("%s: %s", label, w_error_text);
	}
	if (!crashed) { /* it would be hit by the commits of what is asked next */
		w_daemon_kill(&w);
		w_daemon_start(&w, NULL);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);

	/* a fault may have met a command that was sent again */
	check_end(s, path, s->fault[0] ? NULL : s->state, label);
	return crashed;
}

/* L10: killed at every commit, also on the way back, the operation ends as if nothing had happened. */
static void test_kill(void)
{
	FOREACH(s)
	{
		bool full = getenv("MK_MATRIX_FULL") != NULL;
		unsigned n = 1;

		start_world(NULL);
		while (kill_at(s, n, n % 2 ? "before" : "after") && n < 120) {
			if (full)
				(void)kill_at(s, n, n % 2 ? "after" : "before");
			n++;
		}
		tap_note("%s: killed at %u commits", s->name, n - 1);
		CU_ASSERT(n > 3); /* one at least for the acceptance, the step, the end */
		w_stop(&w);
	}
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "known-steps", test_known_steps },
		{ "no-fault", test_no_fault },
		{ "L08-L19-refused", test_refused },
		{ "passing-error", test_passing_error },
		{ "L15-L16-lost-reply", test_lost_reply },
		{ "job-late", test_job_late },
		{ "job-lost", test_job_lost },
		{ "cancel", test_cancel },
		{ "L10-kill", test_kill },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "failover-matrix", NULL, NULL, tests);
}
