/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Random operations of all classes, several at a time, with random faults of CloudStack, restarts of it and kills of
 * the daemon. Nothing is foretold; what must hold at every rest, and at the end, is checked: store, CloudStack and
 * devices agree, no volume is lost, none is deleted that nobody asked to delete, no operation is unfinished.
 *
 * MK_SOAK_SEED repeats a run; MK_SOAK_ROUNDS makes it longer.
 */

#include "error.h"
#include "failover-env.h"

#include <unistd.h>

#define VOLUMES_MAX    7
#define BURST_MAX      5
#define DEFAULT_ROUNDS 120

static const char config[] = "[operations]\ndeadline=3s\n[cloudstack]\nretry-max=20ms\n";

static struct world w;
static uint64_t random_state;
static unsigned n_accepted, n_refused, n_ended[MK_ERROR_NOT_SUPPORTED + 1];

/* A volume that was made here. */
static struct {
	char id[MK_UUID_SIZE];
	bool may_go; /* its deletion was asked for */
} volumes[VOLUMES_MAX * 20];
static size_t n_volumes;

static char running[BURST_MAX][256];
static size_t n_running;

/* ---- chance ----------------------------------------------------------------------------------------------------- */

/* n is not 0. */
static unsigned below(unsigned n)
{
	/* xorshift64*: the same everywhere */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	/* NOLINTNEXTLINE(clang-analyzer-core.DivideZero) */
	return (unsigned)((random_state * UINT64_C(2685821657736338717)) >> 33) % n;
}

static bool chance(unsigned percent)
{
	return below(100) < percent;
}

static uint64_t from_environment(const char *name, uint64_t fallback)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 0) : fallback;
}

/* ---- what there is ------------------------------------------------------------------------------------------------- */

static void remember(const char *id)
{
	CU_ASSERT_FATAL(n_volumes < ARRAY_SIZE(volumes));
	snprintf(volumes[n_volumes].id, MK_UUID_SIZE, "%s", id);
	volumes[n_volumes++].may_go = false;
}

static size_t n_there(void)
{
	size_t n = 0;

	for (size_t i = 0; i < n_volumes; i++)
		n += !volumes[i].may_go;
	return n;
}

/* One of those that are to stay. */
static const char *any_volume(void)
{
	size_t left = below((unsigned)n_there());

	for (size_t i = 0; i < n_volumes; i++)
		if (!volumes[i].may_go && left-- == 0)
			return volumes[i].id;
	return "";
}

static struct f_set any_set(void)
{
	struct f_set set = { 0 };
	size_t want = 1 + below(4);

	for (size_t i = 0; i < n_volumes && set.n < want; i++)
		if (!volumes[i].may_go && chance(60))
			memcpy(set.ids[set.n++], volumes[i].id, MK_UUID_SIZE);
	if (set.n == 0)
		memcpy(set.ids[set.n++], any_volume(), MK_UUID_SIZE);
	return set;
}

/* ---- operations ------------------------------------------------------------------------------------------------------ */

static void started(const char *path)
{
	if (!path) {
		n_refused++; /* Busy, as likely as not */
		return;
	}
	n_accepted++;
	snprintf(running[n_running++], sizeof(running[0]), "%s", path);
}

static void start_create(void)
{
	_cleanup_free_ char *token = NULL;
	static unsigned n;

	if (n_there() >= VOLUMES_MAX)
		return;
	token = mk_strdup_printf("create%u", n++);
	started(o_create(&w, token, O_GIB, token));
}

static void start_attach(void)
{
	started(o_call(&w, "AttachVolume", "sssa{sv}", "oma", any_volume(), "", 0));
}

static void start_attach_elsewhere(void)
{
	started(o_call(&w, "AttachVolume", "sssa{sv}", "failover", any_volume(), F_VM, 0));
}

static void start_detach(void)
{
	started(o_call(&w, "DetachVolume", "sa{sv}", any_volume(), 0));
}

static void start_delete(void)
{
	const char *id;

	if (n_there() < 3)
		return;
	id = any_volume();
	for (size_t i = 0; i < n_volumes; i++)
		if (streq(volumes[i].id, id))
			volumes[i].may_go = true;
	started(o_delete(&w, id));
}

static void start_adopt(void)
{
	started(o_call(&w, "AdoptVolume", "ssa{sv}", chance(50) ? "oma" : "failover", any_volume(),
		       0));
}

static void start_assign(void)
{
	struct f_set set = any_set();
	struct f_options options = { .root = chance(60) ? set.ids[below((unsigned)set.n)] : NULL };

	started(f_call(&w, "Assign", &set, F_VM, &options));
}

static void start_return(void)
{
	struct f_set set = any_set();

	started(f_call(&w, "Return", &set, NULL, NULL));
}

static void start_snapshot(void)
{
	struct f_set set = any_set();

	started(f_call(&w, "Snapshot", &set, NULL, NULL));
}

static void start_revert(void)
{
	struct f_set set = any_set();
	struct f_options options = { .drop = chance(50) };

	started(f_call(&w, "Revert", &set, NULL, &options));
}

static void start_drop(void)
{
	struct f_set set = any_set();

	started(f_call(&w, "DropSnapshots", &set, NULL, NULL));
}

/* Of a VM that may have one of ours as its root by now. */
static void start_delete_root(void)
{
	started(w_delete_root(&w, chance(50) ? F_VM : W_VM, NULL, chance(50)));
}

static void start_destroy(void)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const char *path = NULL;

	if (w_call(&w, W_TESTVM, "DestroyVM", &reply, "sa{sv}", F_VM, 0) >= 0)
		CU_ASSERT(sd_bus_message_read(reply, "o", &path) > 0);
	started(path);
}

static void start_reconcile(void)
{
	started(o_call(&w, "Reconcile", "a{sv}", 1, "repair", "b", (int)chance(50)));
}

static void cancel_one(void)
{
	if (n_running)
		(void)w_call_object(&w, running[below((unsigned)n_running)], W_OPERATION, "Cancel",
				    NULL, "");
}

static const struct {
	void (*start)(void);
	unsigned weight;
} actions[] = {
	{ start_create, 8 },  { start_attach, 12 },   { start_attach_elsewhere, 4 },
	{ start_detach, 8 },  { start_delete, 2 },    { start_adopt, 6 },
	{ start_assign, 16 }, { start_return, 14 },   { start_snapshot, 8 },
	{ start_revert, 8 },  { start_drop, 3 },      { start_delete_root, 4 },
	{ start_destroy, 3 }, { start_reconcile, 3 }, { cancel_one, 5 },
};

static void start_one(void)
{
	unsigned sum = 0, pick;

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		sum += actions[i].weight;
	pick = below(sum);
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (pick < actions[i].weight) {
			actions[i].start();
			return;
		}
		pick -= actions[i].weight;
	}
}

/* ---- what goes wrong ---------------------------------------------------------------------------------------------------- */

static void any_fault(void)
{
	static const char *const reads[] = { "listVolumes", "listVirtualMachines", "listSnapshots",
					     "queryAsyncJobResult" };
	static const char *const changes[] = { "attachVolume",   "detachVolume",   "createSnapshot",
					       "revertSnapshot", "deleteSnapshot", "createTags",
					       "destroyVolume",  "createVolume" };
	static const char *const http[] = { "drop-before", "drop-after", "garbage", "empty",
					    "truncate",    "null",       "hang" };
	static const char *const jobs[] = { "job-lost", "job-lost-before", "no-jobresult",
					    "job-late" };
	bool change = chance(60);
	const char *command =
		change ? changes[below(ARRAY_SIZE(changes))] : reads[below(ARRAY_SIZE(reads))];
	_cleanup_free_ char *rest = NULL;
	unsigned nth = 1 + below(4);

	if (chance(45))
		rest = mk_strdup_printf("\"nth\":%u,\"action\":\"%s\"", nth,
					http[below(ARRAY_SIZE(http))]);
	else if (change && chance(40))
		rest = mk_strdup_printf("\"nth\":%u,\"action\":\"%s\",\"ms\":%u", nth,
					jobs[below(ARRAY_SIZE(jobs))], 50 + below(200));
	else
		rest = mk_strdup_printf(
			"\"nth\":%u,\"count\":%u,\"action\":\"%s\",\"errorcode\":%u,"
			"\"errortext\":\"soak\"",
			nth, 1 + below(4), change && chance(50) ? "job-error" : "error",
			chance(50) ? 431 : 530);
	o_fault(&w, command, rest);
}

static void any_event(void)
{
	if (chance(35)) {
		w_sim_post(&w, "poke",
			   chance(50) ? "{\"vm\":\"" F_VM "\",\"state\":\"Running\"}"
				      : "{\"vm\":\"" F_VM "\",\"state\":\"Stopped\"}");
	} else if (chance(30)) {
		w_sim_post(&w, "restart", "{}");
	} else if (chance(30)) {
		w_daemon_kill(&w);
		w_daemon_start(&w, NULL);
	} else {
		any_fault();
	}
}

/* ---- what must hold --------------------------------------------------------------------------------------------------------- */

static void count_end(const char *path)
{
	const char *name = w_op_str(&w, path, "Error");
	int code;

	name = strrchr(name, '.') ? strrchr(name, '.') + 1 : name;
	for (code = MK_ERROR_NONE + 1; code <= MK_ERROR_NOT_SUPPORTED; code++) {
		const char *known = strrchr(mk_error_dbus_name((enum mk_error_code)code), '.') + 1;

		if (streq(name, known))
			n_ended[code]++;
	}
	n_ended[MK_ERROR_NONE] += !*name;
}

/* A create that succeeded made a volume that must never be lost. */
static void take_created(const char *path)
{
	_cleanup_json_ json_object *result = NULL;

	if (!streq(w_op_str(&w, path, "Kind"), "CreateVolume") ||
	    !streq(w_op_str(&w, path, "State"), "succeeded"))
		return;
	result = w_property(&w, path, W_OPERATION, "Result");
	remember(mk_json_str(result, "Volume", ""));
}

static void wait_for_all(void)
{
	for (size_t i = 0; i < n_running; i++) {
		char finished[32] = "0";

		while (streq(finished, "0")) {
			w_sim_post(&w, "release", "{}"); /* what hangs */
			(void)w_call_object(&w, running[i], W_OPERATION, "Wait", NULL, "t",
					    UINT64_C(200) * USEC_PER_MSEC);
			snprintf(finished, sizeof(finished), "%s",
				 w_op_str(&w, running[i], "Finished"));
		}
		take_created(running[i]);
		count_end(running[i]);
	}
	n_running = 0;
}

static void check_volumes(void)
{
	_cleanup_json_ json_object *state = w_sim_get(&w, "state");
	json_object *all = mk_json_get(state, "volumes");

	for (size_t i = 0; i < n_volumes; i++) {
		json_object *v = mk_json_get(all, volumes[i].id);
		bool there = v && !mk_json_bool(v, "removed", false);

		if (!there && !volumes[i].may_go)
			tap_note("volume %s is gone, and nobody deleted it: %s", volumes[i].id,
				 v ? json_object_to_json_string(v) : "null");
		CU_ASSERT(there || volumes[i].may_go);
		if (there && !volumes[i].may_go)
			CU_ASSERT_STRING_NOT_EQUAL(o_volume(&w, volumes[i].id, "State"), "");
	}
}

/* Until a disk that was pulled out by a lost job has been seen by the daemon. */
static void check_agreement(void)
{
	_cleanup_json_ json_object *mended = NULL, *result = NULL, *pending = NULL;

	mended = o_succeed(&w, o_call(&w, "Reconcile", "a{sv}", 1, "repair", "b", 1));
	json_object_put(o_succeed(&w, o_call(&w, "Reconcile", "a{sv}", 1, "repair", "b", 1)));
	result = o_succeed(&w, o_call(&w, "Reconcile", "a{sv}", 0));
	if (mk_json_int(result, "Count", -1) != 0)
		tap_note("%s", json_object_to_json_string(result));
	CU_ASSERT_EQUAL(mk_json_int(result, "Count", -1), 0);

	pending = w_property(&w, W_PATH, W_NAME, "PendingOperations");
	CU_ASSERT_EQUAL(json_object_get_int64(pending), 0);
}

/* Nothing goes wrong while it is looked whether all is well. */
static void rest(void)
{
	wait_for_all();
	w_sim_post(&w, "clear-log", "{}");
	check_volumes();
	check_agreement();
	/* CloudStack's own part: the VM is there again, the test VM has a new root volume */
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"removed\":false,\"state\":\"Stopped\"}");
}

static void round_of(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (chance(30))
			any_event();
		start_one();
	}
	wait_for_all();
}

static void test_soak(void)
{
	uint64_t seed = from_environment("MK_SOAK_SEED", mk_now_realtime() ^ (uint64_t)getpid());
	uint64_t rounds = from_environment("MK_SOAK_ROUNDS", DEFAULT_ROUNDS);
	struct f_set set;

	tap_note("MK_SOAK_SEED=%" PRIu64 " MK_SOAK_ROUNDS=%" PRIu64, seed, rounds);
	random_state = seed ? seed : 1;
	f_start(&w, config, 4, &set);
	for (size_t i = 0; i < set.n; i++)
		remember(set.ids[i]);

	for (uint64_t i = 0; i < rounds && CU_get_number_of_failures() == 0; i++) {
		round_of(1 + below(BURST_MAX));
		if (i % 5 == 4)
			rest();
	}
	rest();

	tap_note("%u operations, %u refused at once, %u succeeded, %u of unknown outcome",
		 n_accepted, n_refused, n_ended[MK_ERROR_NONE], n_ended[MK_ERROR_OUTCOME_UNKNOWN]);
	CU_ASSERT(n_accepted > rounds);
	CU_ASSERT(n_ended[MK_ERROR_NONE] * 5 > n_accepted);
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "soak", test_soak },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "soak", NULL, NULL, tests);
}
