/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves that each guard of class failover refuses with its own error and words, and that nothing is changed then,
 * in the world of failover-env.h.
 */

#include "failover-env.h"

#define OTHER_ZONE "00000000-0000-4000-8000-000000000077"
#define OTHER_OMA  "22222222-2222-4222-8222-000000000077"

#define OURS                                                                                       \
	"\"tags\":[{\"key\":\"migratekit:owner\",\"value\":\"" W_OMA "\"},"                        \
	"{\"key\":\"migratekit:class\",\"value\":\"oma\"}]"
#define THEIRS "\"tags\":[{\"key\":\"migratekit:owner\",\"value\":\"" OTHER_OMA "\"}]"

static void poke(struct world *w, const char *volume, const char *fields)
{
	_cleanup_free_ char *json = mk_strdup_printf("{\"volume\":\"%s\",%s}", volume, fields);

	w_sim_post(w, "poke", json);
}

/* One volume of the set is not as it is to be, and then is again. */
static const struct guard {
	const char *method;
	size_t volume;
	const char *fields, *back;
	const char *error, *words;
} guards[] = {
	{ "Assign", 1, "\"type\":\"ROOT\",\"deviceid\":0", "\"type\":\"DATADISK\",\"deviceid\":2",
	  "Protected", "the appliance's own root disk: it is never moved" },
	{ "Assign", 1, THEIRS, OURS, "Protected", "belongs to another appliance, " OTHER_OMA },
	{ "Assign", 1, "\"zoneid\":\"" OTHER_ZONE "\"", "\"zoneid\":\"" F_ZONE "\"", "WrongState",
	  "a set moves within one zone" },
	{ "Assign", 1, "\"virtualmachineid\":\"" W_VM "\",\"deviceid\":5",
	  "\"virtualmachineid\":\"" W_OMA "\",\"deviceid\":2", "WrongState",
	  "is attached to VM " W_VM ": Return it from there first" },
	{ "Assign", 0, "\"virtualmachineid\":\"" F_VM "\",\"deviceid\":1",
	  "\"virtualmachineid\":\"" W_OMA "\",\"deviceid\":1", "WrongState",
	  "as device 1, not as its root disk" },
	{ "Return", 1, THEIRS, OURS, "Protected", "belongs to another appliance, " OTHER_OMA },
	{ "Return", 1, "\"zoneid\":\"" OTHER_ZONE "\"", "\"zoneid\":\"" F_ZONE "\"", "WrongState",
	  "a set moves within one zone" },
	{ "Return", 1, "\"virtualmachineid\":\"" W_VM "\",\"deviceid\":5",
	  "\"virtualmachineid\":\"" F_VM "\",\"deviceid\":1", "WrongState",
	  "the volumes are on two VMs" },
	{ "Revert", 1, "\"virtualmachineid\":\"" W_VM "\",\"deviceid\":5",
	  "\"virtualmachineid\":\"" F_VM "\",\"deviceid\":1", "WrongState",
	  "the volumes are on two VMs" },
};

static const char *call(struct world *w, const struct f_set *set, const char *method)
{
	struct f_options root = { .root = set->ids[0] };
	bool assign = streq(method, "Assign");

	return f_call(w, method, set, assign ? F_VM : NULL, assign ? &root : NULL);
}

static void test_guards(void)
{
	struct world w = { 0 };
	struct f_set set;
	bool away = false;

	f_start(&w, NULL, 2, &set);
	w_sim_post(&w, "seed", "{\"zones\":[{\"id\":\"" OTHER_ZONE "\",\"name\":\"elsewhere\"}]}");
	for (size_t i = 0; i < ARRAY_SIZE(guards); i++) {
		const struct guard *g = &guards[i];

		if (!away && !streq(g->method, "Assign")) {
			json_object_put(o_succeed(&w, f_assign(&w, &set, "there")));
			away = true;
		}
		w_sim_post(&w, "clear-log", "{}");
		poke(&w, set.ids[g->volume], g->fields);
		o_fail(&w, call(&w, &set, g->method), "failed", g->error, g->words);
		CU_ASSERT_EQUAL(f_changes(&w), 0);
		poke(&w, set.ids[g->volume], g->back);
		CU_ASSERT(away ? f_assigned(&w, &set) : f_home(&w, &set));
	}
	w_stop(&w);
}

/* The appliance has taken other disks meanwhile. */
static void test_no_room_at_home(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, "[volumes]\nmax-data-disks=3\n", 2, &set);
	json_object_put(o_succeed(&w, f_assign(&w, &set, "there")));
	w_sim_post(&w, "seed",
		   "{\"volumes\":[{\"id\":\"88888888-8888-4888-8888-888888888888\",\"name\":\"a\","
		   "\"virtualmachineid\":\"" W_OMA "\"},"
		   "{\"id\":\"88888888-8888-4888-8888-888888888889\",\"name\":\"b\","
		   "\"virtualmachineid\":\"" W_OMA "\"}]}");
	w_sim_post(&w, "clear-log", "{}");
	o_fail(&w, f_return(&w, &set, "r"), "failed", "WrongState",
	       "has 2 data disks and can have 3");
	CU_ASSERT_EQUAL(f_changes(&w), 0);
	CU_ASSERT(f_assigned(&w, &set));
	w_sim_post(&w, "poke",
		   "{\"volume\":\"88888888-8888-4888-8888-888888888889\",\"guest\":\"\","
		   "\"removed\":true}");
	json_object_put(o_succeed(&w, f_return(&w, &set, "r2")));
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* ---- which snapshot ------------------------------------------------------------------------------------------------ */

static void snapshot_of(struct world *w, const struct f_set *set, const char *token, int created)
{
	struct f_options options = { .token = token };
	_cleanup_json_ json_object *made = o_succeed(w, f_call(w, "Snapshot", set, NULL, &options));
	_cleanup_free_ char *json =
		mk_strdup_printf("{\"snapshot\":\"%s\",\"created\":%d}",
				 mk_json_str(mk_json_get(made, "Snapshots"), set->ids[0], ""),
				 created);

	w_sim_post(w, "poke", json);
}

/* The newest, whichever is listed first; and none where CloudStack's clock cannot tell. */
static void test_newest_snapshot(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 1, &set);
	snapshot_of(&w, &set, "early", 1700000100);
	f_write(&w, set.ids[0], 200);
	snapshot_of(&w, &set, "newest", 1700000300);
	f_write(&w, set.ids[0], 300);
	snapshot_of(&w, &set, "middle", 1700000200);
	json_object_put(o_succeed(&w, f_call(&w, "Revert", &set, NULL, NULL)));
	CU_ASSERT_EQUAL(f_generation(&w, set.ids[0]), 200);

	f_write(&w, set.ids[0], 400);
	snapshot_of(&w, &set, "twin", 1700000300);
	w_sim_post(&w, "clear-log", "{}");
	o_fail(&w, f_call(&w, "Revert", &set, NULL, NULL), "failed", "Ambiguous",
	       "has two newest snapshots of ours");
	CU_ASSERT_EQUAL(f_changes(&w), 0);
	CU_ASSERT_EQUAL(f_generation(&w, set.ids[0]), 400);
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "guards", test_guards },
		{ "no-room-at-home", test_no_room_at_home },
		{ "newest-snapshot", test_newest_snapshot },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "failover-guards", NULL, NULL, tests);
}
