/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Random operations of all classes, several at a time, with random faults of CloudStack, restarts of it and kills of
 * the daemon. Nothing is foretold; but what an operation ends in must be true (soak-check.h), store, CloudStack and
 * devices must agree, no volume may be lost, none be deleted that nobody asked to delete, no operation be unfinished.
 *
 * MK_SOAK_SEED repeats a run, MK_SOAK_ROUNDS makes it longer. Every WORLD_ROUNDS begin in a new world, a forked case: the
 * simulator forgets nothing, and so gets slower.
 */

#include "soak-check.h"
#include "testsim.h"

#include <sys/mman.h>
#include <unistd.h>

#define DEFAULT_ROUNDS 500
#define WORLD_ROUNDS   125

static const char config[] = "[operations]\ndeadline=3s\n[cloudstack]\nretry-max=20ms\n";

static struct world w;
static uint64_t random_state;
static unsigned n_accepted, n_refused;

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

static const char *any_volume(void)
{
	size_t left = below((unsigned)sk_n_there());

	for (size_t i = 0; i < sk_n_volumes; i++)
		if (!sk_volumes[i].gone && left-- == 0)
			return sk_volumes[i].id;
	return "";
}

static struct f_set set_of(const char *id)
{
	struct f_set set = { .n = 1 };

	snprintf(set.ids[0], MK_UUID_SIZE, "%s", id);
	return set;
}

static struct f_set any_set(void)
{
	struct f_set set = { 0 };
	size_t want = 1 + below(4);

	for (size_t i = 0; i < sk_n_volumes && set.n < want; i++)
		if (!sk_volumes[i].gone && chance(60))
			memcpy(set.ids[set.n++], sk_volumes[i].id, MK_UUID_SIZE);
	return set.n ? set : set_of(any_volume());
}

/* ---- operations ------------------------------------------------------------------------------------------------------ */

static void started(const struct sk_op *op, const char *path)
{
	if (!path) {
		n_refused++; /* Busy, as likely as not */
		return;
	}
	n_accepted++;
	sk_started(&w, op, path);
}

static void start_create(void)
{
	_cleanup_free_ char *token = NULL;
	static unsigned n;

	if (sk_n_there() >= SK_VOLUMES_MAX)
		return;
	token = mk_strdup_printf("create%u", n++);
	started(&(struct sk_op){ .kind = "CreateVolume" }, o_create(&w, token, O_GIB, token));
}

static void start_attach(void)
{
	struct sk_op op = { .kind = "AttachVolume", .set = set_of(any_volume()), .vm = W_OMA };

	started(&op, o_call(&w, "AttachVolume", "sssa{sv}", "oma", op.set.ids[0], "", 0));
}

static void start_attach_elsewhere(void)
{
	struct sk_op op = { .kind = "AttachVolume", .set = set_of(any_volume()), .vm = F_VM };

	started(&op, o_call(&w, "AttachVolume", "sssa{sv}", "failover", op.set.ids[0], F_VM, 0));
}

static void start_detach(void)
{
	struct sk_op op = { .kind = "DetachVolume", .set = set_of(any_volume()) };

	started(&op, o_call(&w, "DetachVolume", "sa{sv}", op.set.ids[0], 0));
}

static void start_delete(void)
{
	struct sk_op op = { .kind = "DeleteVolume" };

	if (sk_n_there() < 4)
		return;
	op.set = set_of(any_volume());
	started(&op, o_delete(&w, op.set.ids[0]));
}

static void start_adopt(void)
{
	struct sk_op op = { .kind = "AdoptVolume", .set = set_of(any_volume()) };

	started(&op, o_call(&w, "AdoptVolume", "ssa{sv}", chance(50) ? "oma" : "failover",
			    op.set.ids[0], 0));
}

/* In the middle of a set, so that there is something to undo. */
static void refuse(const char *command)
{
	_cleanup_free_ char *rest = mk_strdup_printf(
		"\"nth\":%u,\"count\":%u,\"action\":\"job-error\",\"errorcode\":431,"
		"\"errortext\":\"soak\"",
		1 + below(3), 1 + below(2));

	o_fault(&w, command, rest);
}

static void start_assign(void)
{
	struct sk_op op = { .kind = "Assign", .set = any_set(), .vm = F_VM };
	struct f_options options = { 0 };

	if (chance(60)) {
		options.root = op.root;
		snprintf(op.root, sizeof(op.root), "%s", op.set.ids[below((unsigned)op.set.n)]);
	}
	if (chance(25))
		refuse(chance(70) ? "attachVolume" : "detachVolume");
	started(&op, f_call(&w, "Assign", &op.set, F_VM, &options));
}

static void start_return(void)
{
	struct sk_op op = { .kind = "Return", .set = any_set() };

	if (chance(25))
		refuse(chance(70) ? "attachVolume" : "detachVolume");
	started(&op, f_call(&w, "Return", &op.set, NULL, NULL));
}

static void start_snapshot(void)
{
	struct sk_op op = { .kind = "Snapshot", .set = any_set() };

	if (chance(20))
		refuse("createSnapshot");
	started(&op, f_call(&w, "Snapshot", &op.set, NULL, NULL));
}

/* Mostly to what a Snapshot made: of two snapshots within a second none is the newest. */
static void start_revert(void)
{
	const struct sk_snapshots *s = chance(85) ? sk_snapshots(below(1000)) : NULL;
	struct sk_op op = { .kind = "Revert", .set = s ? s->set : any_set(), .drop = chance(50) };
	struct f_options options = { .drop = op.drop, .operation = s ? s->operation : NULL };

	if (chance(30))
		refuse("revertSnapshot");
	started(&op, f_call(&w, "Revert", &op.set, NULL, &options));
}

static void start_drop(void)
{
	struct sk_op op = { .kind = "DropSnapshots", .set = any_set() };

	started(&op, f_call(&w, "DropSnapshots", &op.set, NULL, NULL));
}

/* Of a VM that may have one of ours as its root by now. */
static void start_delete_root(void)
{
	started(&(struct sk_op){ .kind = "DeleteRootVolume" },
		w_delete_root(&w, chance(50) ? F_VM : W_VM, NULL, chance(50)));
}

static void start_destroy(void)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const char *path = NULL;

	if (w_call(&w, W_TESTVM, "DestroyVM", &reply, "sa{sv}", F_VM, 0) >= 0)
		CU_ASSERT(sd_bus_message_read(reply, "o", &path) > 0);
	started(&(struct sk_op){ .kind = "DestroyVM" }, path);
}

static void start_reconcile(void)
{
	started(&(struct sk_op){ .kind = "Reconcile" },
		o_call(&w, "Reconcile", "a{sv}", 1, "repair", "b", (int)chance(50)));
}

static void cancel_one(void)
{
	if (sk_n_ops)
		(void)w_call_object(&w, sk_ops[below((unsigned)sk_n_ops)].path, W_OPERATION,
				    "Cancel", NULL, "");
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

/* ---- rounds ----------------------------------------------------------------------------------------------------------------- */

/* CloudStack's own part: the failover VM is there again, and the test VM has a root volume. */
static void renew_vms(void)
{
	_cleanup_json_ json_object *state = w_sim_get(&w, "state?kinds=volumes");
	_cleanup_free_ char *seed = NULL;
	static unsigned n;

	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"removed\":false,\"state\":\"Stopped\"}");
	w_sim_post(&w, "poke", "{\"vm\":\"" W_VM "\",\"state\":\"Stopped\"}");
	json_object_object_foreach(mk_json_get(state, "volumes"), id, v) {
		(void)id;
		if (streq(mk_json_str(v, "virtualmachineid", ""), W_VM) &&
		    streq(mk_json_str(v, "type", ""), "ROOT") && !mk_json_bool(v, "removed", false))
			return;
	}
	seed = mk_strdup_printf("{\"volumes\":[{\"id\":\"99999999-9999-4999-8999-%012u\","
				"\"name\":\"root\",\"type\":\"ROOT\",\"deviceid\":0,"
				"\"virtualmachineid\":\"" W_VM "\"}]}",
				n++);
	w_sim_post(&w, "seed", seed);
}

/* Nothing goes wrong while it is looked whether all is well. */
static void rest(void)
{
	w_sim_post(&w, "clear-log", "{}");
	sk_reconcile(&w);
	renew_vms();
}

/* New content, so that each revert can be seen. */
static void write_some(void)
{
	static int64_t generation = 1000;

	for (size_t i = 0; i < sk_n_volumes; i++)
		if (!sk_volumes[i].gone && chance(40))
			f_write(&w, sk_volumes[i].id, generation++);
}

static void round_of(unsigned n)
{
	write_some();
	sk_begin_burst(&w);
	for (unsigned i = 0; i < n; i++) {
		if (chance(30))
			any_event();
		sk_look(&w);
		start_one();
	}
	sk_end_burst(&w);
}

/* Of all worlds; shared by their processes. */
static struct figures {
	unsigned n_back, n_reverts;
} * all;

struct soak {
	uint64_t seed, rounds;
};

static void check_figures(const struct soak *soak)
{
	tap_note("%u operations, %u refused at once, %u succeeded, %u of unknown outcome, %u sets "
		 "undone, %u reverted",
		 n_accepted, n_refused, sk_n_succeeded, sk_n_unknown, sk_n_back, sk_n_reverts);
	CU_ASSERT(n_accepted > soak->rounds);
	CU_ASSERT_EQUAL(sk_n_ended, n_accepted);
	CU_ASSERT(sk_n_succeeded * 5 > n_accepted);
	__atomic_add_fetch(&all->n_back, sk_n_back, __ATOMIC_RELAXED);
	__atomic_add_fetch(&all->n_reverts, sk_n_reverts, __ATOMIC_RELAXED);
}

static void run_world(const void *data)
{
	const struct soak *soak = data;
	uint64_t rounds = soak->rounds;
	struct f_set set;

	random_state = soak->seed ? soak->seed : 1;
	w = (struct world){ 0 };
	f_start(&w, config, 4, &set);
	sk_forget();
	for (size_t i = 0; i < set.n; i++)
		sk_add_volume(set.ids[i]);

	for (uint64_t i = 0; i < rounds && CU_get_number_of_failures() == 0; i++) {
		round_of(1 + below(SK_BURST_MAX));
		if (i % 5 == 4)
			rest();
	}
	rest();
	sk_forget();
	w_stop(&w);
	check_figures(soak);
	if (CU_get_number_of_failures() > 0)
		tap_note("this world again: MK_SOAK_SEED=%" PRIu64 " MK_SOAK_ROUNDS=%" PRIu64,
			 soak->seed, soak->rounds);
}

static void test_soak(void)
{
	uint64_t seed = from_environment("MK_SOAK_SEED", mk_now_realtime() ^ (uint64_t)getpid());
	uint64_t rounds = from_environment("MK_SOAK_ROUNDS", DEFAULT_ROUNDS);

	all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_FATAL(all != MAP_FAILED);
	tap_note("MK_SOAK_SEED=%" PRIu64 " MK_SOAK_ROUNDS=%" PRIu64, seed, rounds);
	for (uint64_t i = 0; i < rounds && CU_get_number_of_failures() == 0; i += WORLD_ROUNDS) {
		uint64_t left = rounds - i;
		/* far apart, so that no two worlds are alike; the first one is the seed */
		struct soak soak = { seed + i * UINT64_C(2654435761),
				     left < WORLD_ROUNDS ? left : WORLD_ROUNDS };

		tap_fork(run_world, &soak);
	}
	tap_join();
	if (rounds >= DEFAULT_ROUNDS)
		CU_ASSERT(all->n_back > 0 && all->n_reverts > 0);
	(void)munmap(all, sizeof(*all));
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "soak", test_soak },
		{ NULL, NULL },
	};

	th_queue_ms = TH_SCALED_BEAT;
	return tap_main(argc, argv, "soak", NULL, NULL, tests);
}
