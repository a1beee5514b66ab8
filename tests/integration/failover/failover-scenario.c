/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements failover-scenario.h: the table of scenarios, one case with a fault, and the checks after it. */

#include "failover-scenario.h"

struct world fs_w;
struct f_set fs_set;

const char *fs_token(void)
{
	static char token[32];
	static unsigned n;

	snprintf(token, sizeof(token), "case%u", n++);
	return token;
}

/* ---- scenarios --------------------------------------------------------------------------------------------------- */

static bool is_home(void)
{
	return f_home(&fs_w, &fs_set);
}

static bool is_assigned(void)
{
	return f_assigned(&fs_w, &fs_set);
}

static unsigned n_snapshots(void)
{
	return f_snapshots(&fs_w, &fs_set);
}

static bool has_generation(int64_t generation)
{
	return f_has_generations(&fs_w, &fs_set, generation, 0);
}

static void write_all(int64_t generation)
{
	for (size_t i = 0; i < fs_set.n; i++)
		f_write(&fs_w, fs_set.ids[i], generation);
}

/* The last volume of the set. */
static const char *single(void)
{
	return fs_set.ids[fs_set.n - 1];
}

static bool is_managed(const char *volume)
{
	return *o_volume(&fs_w, volume, "State");
}

static void adopt(const char *volume)
{
	json_object_put(
		o_succeed(&fs_w, o_call(&fs_w, "AdoptVolume", "ssa{sv}", "failover", volume, 0)));
}

static void stop_vm(void)
{
	w_sim_post(&fs_w, "poke", "{\"vm\":\"" F_VM "\",\"removed\":false,\"state\":\"Stopped\"}");
}

static void base_home(void)
{
	if (!is_managed(single()))
		adopt(single());
	stop_vm();
	if (!f_is_at(&fs_w, &fs_set, true))
		json_object_put(o_succeed(&fs_w, f_return(&fs_w, &fs_set, NULL)));
	if (n_snapshots() > 0)
		json_object_put(
			o_succeed(&fs_w, f_call(&fs_w, "DropSnapshots", &fs_set, NULL, NULL)));
	write_all(1);
}

static void base_away(void)
{
	if (n_snapshots() == 0 && f_is_at(&fs_w, &fs_set, false)) {
		stop_vm();
		write_all(1);
		return;
	}
	base_home();
	json_object_put(o_succeed(&fs_w, f_assign(&fs_w, &fs_set, NULL)));
}

static void base_snapshots(void)
{
	base_home();
	json_object_put(o_succeed(&fs_w, f_call(&fs_w, "Snapshot", &fs_set, NULL, NULL)));
	write_all(2);
}

static void base_away_snapshots(void)
{
	base_snapshots();
	json_object_put(o_succeed(&fs_w, f_assign(&fs_w, &fs_set, NULL)));
}

/* The last volume of the set, managed in class failover and detached. */
static void base_single(void)
{
	base_home();
	adopt(single());
	json_object_put(o_succeed(&fs_w, o_call(&fs_w, "DetachVolume", "sa{sv}", single(), 0)));
}

static void base_single_attached(void)
{
	base_single();
	json_object_put(o_succeed(&fs_w, o_call(&fs_w, "AttachVolume", "sssa{sv}", "failover",
						single(), F_VM, 0)));
}

static void base_forget(void)
{
	base_snapshots();
	adopt(single());
}

static void base_adopt(void)
{
	base_home();
	json_object_put(o_succeed(&fs_w, o_call(&fs_w, "ForgetVolume", "sa{sv}", single(), 0)));
}

static char victim[MK_UUID_SIZE]; /* of class failover, detached */

static void base_delete(void)
{
	base_home();
	if (!*victim || !is_managed(victim)) {
		snprintf(victim, sizeof(victim), "%s", o_new_volume(&fs_w, fs_token()));
		adopt(victim);
	}
}

static const char *call_assign(const char *token)
{
	return f_assign(&fs_w, &fs_set, token);
}

static const char *call_return(const char *token)
{
	return f_return(&fs_w, &fs_set, token);
}

static const char *call_snapshot(const char *token)
{
	struct f_options options = { .token = token };

	return f_call(&fs_w, "Snapshot", &fs_set, NULL, &options);
}

static const char *call_revert(const char *token)
{
	struct f_options options = { .token = token, .drop = true };

	return f_call(&fs_w, "Revert", &fs_set, NULL, &options);
}

static const char *call_drop(const char *token)
{
	struct f_options options = { .token = token };

	return f_call(&fs_w, "DropSnapshots", &fs_set, NULL, &options);
}

static const char *call_attach(const char *token)
{
	return o_call(&fs_w, "AttachVolume", "sssa{sv}", "failover", single(), F_VM, 1, "token",
		      "s", token);
}

static const char *call_detach(const char *token)
{
	return o_call(&fs_w, "DetachVolume", "sa{sv}", single(), 1, "token", "s", token);
}

static const char *call_destroy(const char *token)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	static char path[256];
	const char *s;

	if (w_call(&fs_w, W_TESTVM, "DestroyVM", &reply, "sa{sv}", F_VM, 2, "token", "s", token,
		   "stop", "b", 1) < 0 ||
	    sd_bus_message_read(reply, "o", &s) <= 0)
		return NULL;
	snprintf(path, sizeof(path), "%s", s);
	return path;
}

static const char *call_forget(const char *token)
{
	return o_call(&fs_w, "ForgetVolume", "sa{sv}", single(), 2, "token", "s", token,
		      "drop-snapshots", "b", 1);
}

static const char *call_adopt(const char *token)
{
	return o_call(&fs_w, "AdoptVolume", "ssa{sv}", "failover", single(), 1, "token", "s",
		      token);
}

static const char *call_delete(const char *token)
{
	return o_call(&fs_w, "DeleteVolume", "sa{sv}", victim, 1, "token", "s", token);
}

static bool has_snapshots(void)
{
	return is_home() && n_snapshots() == fs_set.n && has_generation(1);
}

static bool has_none(void)
{
	return is_home() && n_snapshots() == 0;
}

/* L03: as long as not every revert has succeeded, every snapshot is there. */
static bool keeps_snapshots(void)
{
	return n_snapshots() == fs_set.n || has_generation(1);
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
	return f_is_on(&fs_w, single(), vm) &&
	       streq(o_volume(&fs_w, single(), "State"), *vm ? "attached" : "detached");
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
	return f_is_on(&fs_w, single(), F_VM) ? single_attached() : single_detached();
}

static bool has_tags(const char *volume)
{
	_cleanup_json_ json_object *v = w_volume(&fs_w, volume);

	return v && strstr(json_object_to_json_string(v), "migratekit:owner");
}

/* Not ours any more, and still where it was. */
static bool is_forgotten(void)
{
	return !is_managed(single()) && !has_tags(single()) && f_is_on(&fs_w, single(), W_OMA);
}

static bool is_forgotten_clean(void)
{
	return is_forgotten() && n_snapshots() == fs_set.n - 1;
}

static bool is_adopted(void)
{
	return is_home() && has_tags(single()) &&
	       streq(o_volume(&fs_w, single(), "Class"), "failover");
}

static bool is_victim_gone(void)
{
	_cleanup_json_ json_object *v = w_volume(&fs_w, victim);

	return is_home() && mk_json_bool(v, "removed", false) && !is_managed(victim);
}

static bool vm_is(const char *state)
{
	return streq(w_vm_state(&fs_w, F_VM), state);
}

static void base_vm(void)
{
	base_home();
	w_sim_post(&fs_w, "poke", "{\"vm\":\"" F_VM "\",\"removed\":false,\"state\":\"Running\"}");
}

static bool vm_gone(void)
{
	return is_home() && !vm_is("Running") && !vm_is("Stopped");
}

#define SECOND "\"nth\":2,\"action\":\"job-error\"," FS_NOT_TODAY

const struct fs_scenario fs_scenarios[FS_N_SCENARIOS] = {
	{ "Assign", base_home, call_assign, is_assigned, is_home, "succeeded",
	  .changes = { "detachVolume", "attachVolume" }, .times = FS_VOLUMES },
	{ "Return", base_away, call_return, is_home, is_assigned, "succeeded",
	  .changes = { "detachVolume", "attachVolume" }, .times = FS_VOLUMES },
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
	  .times = FS_VOLUMES },
	{ "RevertAway", base_away_snapshots, call_revert, is_reverted_away, keeps_snapshots_away,
	  "succeeded", .changes = { "revertSnapshot", "deleteSnapshot" }, .times = FS_VOLUMES },
	{ "DropSnapshots", base_snapshots, call_drop, has_none, is_anything, "succeeded",
	  .changes = { "deleteSnapshot" }, .times = FS_VOLUMES },
	{ "AttachVolume", base_single, call_attach, single_attached, single_detached, "succeeded",
	  .changes = { "attachVolume" }, .times = 1 },
	{ "DetachVolume", base_single_attached, call_detach, single_detached, single_anywhere,
	  "succeeded", .changes = { "detachVolume" }, .times = 1 },
	/* its second revert is refused for good: what it did is told, and no snapshot is dropped */
	{ "RevertBack", base_snapshots, call_revert, is_reverted_home, keeps_snapshots_home,
	  "failed", .fault = { "revertSnapshot", SECOND } },
	{ "ForgetVolume", base_forget, call_forget, is_forgotten_clean, NULL, "succeeded",
	  .changes = { "deleteSnapshot", "deleteTags" }, .times = 1 },
	{ "AdoptVolume", base_adopt, call_adopt, is_adopted, is_forgotten, "succeeded",
	  .changes = { "createTags" }, .times = 1 },
	{ "DeleteVolume", base_delete, call_delete, is_victim_gone, NULL, "succeeded",
	  .changes = { "destroyVolume" }, .times = 1 },
	{ "DestroyVM", base_vm, call_destroy, vm_gone, is_home, "succeeded",
	  .changes = { "stopVirtualMachine", "destroyVirtualMachine" }, .times = 1 },
};

/* ---- one case ------------------------------------------------------------------------------------------------------ */

void fs_check(bool ok, const char *label, const char *what)
{
	if (!ok)
		tap_note("%s: %s", label, what);
	CU_ASSERT(ok);
}

void fs_begin(const struct fs_scenario *s)
{
	w_sim_post(&fs_w, "clear-log", "{}"); /* and the faults that the last case did not meet */
	s->base();
	w_drain(&fs_w);
	w_sim_post(&fs_w, "clear-log", "{}");
	if (s->fault[0])
		o_fault(&fs_w, s->fault[0], s->fault[1]);
}

void fs_told_once(const char *path, const char *label)
{
	w_drain(&fs_w);
	fs_check(w_count_finished(&fs_w, strrchr(path, '/') + 1) == 1, label,
		 "not one OperationFinished signal");
}

static void check_pending(const char *label)
{
	_cleanup_json_ json_object *pending =
		w_property(&fs_w, W_PATH, W_NAME, "PendingOperations");

	fs_check(json_object_get_int64(pending) == 0, label, "operations are unfinished");
}

static void check_agreement(const char *label)
{
	_cleanup_json_ json_object *result = NULL;

	w_sim_post(&fs_w, "clear-log", "{}"); /* a fault that was not met */
	result = o_succeed(&fs_w, o_call(&fs_w, "Reconcile", "a{sv}", 0));
	fs_check(mk_json_int(result, "Count", -1) == 0, label, json_object_to_json_string(result));
	check_pending(label);
}

static void check_changes(const struct fs_scenario *s, bool succeeded, const char *label)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->changes) && s->changes[i]; i++) {
		int64_t n = w_executed(&fs_w, s->changes[i]);
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

static void check_told(const char *message, const char *label)
{
	for (size_t i = 0; i < fs_set.n; i++)
		if (f_generation(&fs_w, fs_set.ids[i]) == 1)
			fs_check(f_tells_reverted(message, fs_set.ids[i]), label, message);
}

/* A part may be done, and is not undone: the same call again does the rest. */
static void repeat(const struct fs_scenario *s, const char *label)
{
	w_sim_post(&fs_w, "clear-log", "{}");
	json_object_put(o_succeed(&fs_w, s->call(fs_token())));
	fs_check(s->done(), label, "not even when it was repeated");
}

/* state NULL: any; but what it says must be true. */
void fs_end(const struct fs_scenario *s, const char *path, const char *state, const char *label)
{
	const char *got;
	bool succeeded;

	(void)w_wait(&fs_w, path);
	got = w_op_str(&fs_w, path, "State");
	succeeded = streq(got, "succeeded");
	if (state && !streq(got, state))
		tap_note("%s: %s (%s), expected %s", label, got, w_op_str(&fs_w, path, "Message"),
			 state);
	CU_ASSERT(!state || streq(got, state));

	if (strstr(w_op_str(&fs_w, path, "Message"), "could not be found out")) {
		fs_check(keeps_snapshots() || !starts_with(s->name, "Revert"), label, "L03");
		check_pending(label);
		return; /* what CloudStack may still do to a volume is left to it */
	}
	check_changes(s, succeeded, label);
	if (!succeeded && !s->before)
		repeat(s, label);
	else
		fs_check(succeeded ? s->done() : s->before(), label, got);
	if (starts_with(s->name, "Revert") && !succeeded)
		check_told(w_op_str(&fs_w, path, "Message"), label);
	check_agreement(label);
}

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

void fs_find_places(const struct fs_scenario *s, struct fs_places *ret)
{
	_cleanup_json_ json_object *log = NULL;
	const char *path;

	*ret = (struct fs_places){ 0 };
	fs_begin(s);
	path = s->call(fs_token());
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	(void)w_wait(&fs_w, path);
	log = w_sim_get(&fs_w, "counts"); /* before the checks ask for more */
	fs_end(s, path, s->state, s->name);
	fs_told_once(path, s->name);

	json_object_object_foreach(mk_json_get(log, "received"), command, n) {
		for (unsigned i = 1; i <= places_of(command, json_object_get_int64(n)); i++) {
			struct fs_place *p = &ret->items[ret->n++];

			CU_ASSERT_FATAL(ret->n < ARRAY_SIZE(ret->items));
			snprintf(p->command, sizeof(p->command), "%s", command);
			p->nth = i;
			p->change = is_change(command);
		}
	}
	CU_ASSERT(ret->n > 3);
}

static void run_case(const struct fs_scenario *s, const struct fs_place *p, const char *fault,
		     const char *state)
{
	_cleanup_free_ char *label =
		mk_strdup_printf("%s, %s %u: %s", s->name, p->command, p->nth, fault);
	_cleanup_free_ char *rest = mk_strdup_printf("\"nth\":%u,%s", p->nth, fault);
	const char *path;

	fs_begin(s);
	o_fault(&fs_w, p->command, rest);
	path = s->call(fs_token());
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	fs_end(s, path, state, label);
	fs_told_once(path, label);
}

static unsigned n_kinds; /* of fault, so far */

bool fs_is_full(void)
{
	return getenv("MK_MATRIX_FULL") != NULL;
}

bool fs_takes(const struct fs_scenario *s, size_t i)
{
	return fs_is_full() || !s->fault[0] || (i + n_kinds) % 2 == 0;
}

void fs_next_kind(void)
{
	n_kinds++;
}

void fs_start(const char *config)
{
	victim[0] = '\0';
	fs_w = (struct world){ 0 };
	f_start(&fs_w, config, FS_VOLUMES, &fs_set);
}

bool fs_is_poll(const struct fs_place *p)
{
	return starts_with(p->command, "query") || streq(p->command, "listAsyncJobs");
}

/* One scenario, again and again in one world, with a fault at each of its places. */
struct sweep {
	const struct fs_scenario *scenario;
	const char *const *faults;
	unsigned flags;
	const char *config;
	size_t turn; /* at which fault it begins */
};

static bool is_wanted(const struct sweep *sweep, const struct fs_place *p)
{
	if (!(sweep->flags & (p->change ? CHANGES : READS)))
		return false;
	/* "no such job" is no refusal: see job-lost */
	return !fs_is_poll(p) || !(sweep->flags & MAY_FAIL) || (sweep->flags & ASSIGN_ONLY);
}

static void run_sweep(const void *data)
{
	const struct sweep *sweep = data;
	const struct fs_scenario *s = sweep->scenario;
	const char *state = sweep->flags & MAY_FAIL ? NULL : s->state;
	size_t n_faults = 0, turn = sweep->turn;
	struct fs_places places;

	do
		n_faults++;
	while (sweep->faults[n_faults]);

	fs_start(sweep->config); /* a new world: the simulator's state grows with every job */
	fs_find_places(s, &places);
	for (size_t i = 0; i < places.n; i++) {
		const struct fs_place *p = &places.items[i];
		size_t n = fs_is_full() ? n_faults : 1;

		if (!is_wanted(sweep, p) || !fs_takes(s, i))
			continue;
		for (size_t k = 0; k < n; k++)
			/* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): the list is not empty */
			run_case(s, p, sweep->faults[turn++ % n_faults], state);
	}
	w_stop(&fs_w);
}

void fs_each_place(const char *const *faults, unsigned flags, const char *config)
{
	fs_next_kind();
	FOREACH(s)
	{
		struct sweep sweep = { s, faults, flags, config, (size_t)(s - fs_scenarios) };

		if (!(flags & ASSIGN_ONLY) || starts_with(s->name, "Assign"))
			tap_fork(run_sweep, &sweep);
	}
}
