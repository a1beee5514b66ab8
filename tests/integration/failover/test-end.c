/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves snapshots, reverts, the end of a failover, single volumes of class failover, and TestVM.DestroyVM, in the
 * world of failover-env.h.
 */

#include "failover-env.h"

#define NOT_TODAY "\"action\":\"job-error\",\"errorcode\":431,\"errortext\":\"not today\""

/* ---- snapshots ------------------------------------------------------------------------------------------------------------- */

static const char *snapshot(struct world *w, const struct f_set *set, const char *token)
{
	struct f_options options = { .token = token };

	return f_call(w, "Snapshot", set, NULL, &options);
}

static const char *revert(struct world *w, const struct f_set *set, const char *operation,
			  bool drop)
{
	struct f_options options = { .operation = operation, .drop = drop };

	return f_call(w, "Revert", set, NULL, &options);
}

static void write_all(struct world *w, const struct f_set *set, int64_t first)
{
	for (size_t i = 0; i < set->n; i++)
		f_write(w, set->ids[i], first + (int64_t)i);
}

/* The ids need no memory of ours and no attachment: made on the appliance, used after the test failover. */
static void test_snapshot_and_revert(void)
{
	_cleanup_json_ json_object *made = NULL, *reverted = NULL;
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 3, &set);
	made = o_succeed(&w, snapshot(&w, &set, "snap"));
	CU_ASSERT_EQUAL(f_snapshots(&w, &set), 3);
	CU_ASSERT(mk_uuid_valid(mk_json_str(mk_json_get(made, "Snapshots"), set.ids[2], "")));

	json_object_put(o_succeed(&w, f_assign(&w, &set, "a")));
	write_all(&w, &set, 500);
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"state\":\"Running\"}");
	o_fail(&w, revert(&w, &set, NULL, false), "failed", "WrongState", "must be Stopped");
	CU_ASSERT(f_has_generations(&w, &set, 500, 1));
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"state\":\"Stopped\"}");

	reverted = o_succeed(&w, revert(&w, &set, NULL, false));
	CU_ASSERT(json_object_equal(mk_json_get(made, "Snapshots"),
				    mk_json_get(reverted, "Snapshots")));
	CU_ASSERT(f_has_generations(&w, &set, 100, 1));
	CU_ASSERT_EQUAL(f_snapshots(&w, &set), 3);
	CU_ASSERT(f_assigned(&w, &set));
	w_stop(&w);
}

/* The appliance runs: its volumes are taken off it meanwhile, and are themselves again afterwards. */
static void test_revert_at_home(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 3, &set);
	json_object_put(o_succeed(&w, o_detach(&w, set.ids[2], false, "d")));
	json_object_put(o_succeed(&w, snapshot(&w, &set, "snap")));
	write_all(&w, &set, 500);
	json_object_put(o_succeed(&w, revert(&w, &set, "snap", true)));
	CU_ASSERT(f_has_generations(&w, &set, 100, 1));
	CU_ASSERT_EQUAL(f_snapshots(&w, &set), 0);
	set.n = 2;
	CU_ASSERT(f_home(&w, &set));
	CU_ASSERT(f_is_on(&w, set.ids[2], ""));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, set.ids[2], "State"), "detached");
	w_stop(&w);
}

/* L08: a set is all or nothing. */
static void test_snapshot_all_or_none(void)
{
	static const char *const faults[] = { NOT_TODAY, "\"action\":\"error\",\"errorcode\":431,"
							 "\"errortext\":\"not today\"" };

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		_cleanup_free_ char *rest = mk_strdup_printf("\"nth\":2,%s", faults[i]);
		struct world w = { 0 };
		struct f_set set;

		f_start(&w, NULL, 3, &set);
		json_object_put(o_succeed(&w, snapshot(&w, &set, "kept")));
		o_fault(&w, "createSnapshot", rest);
		o_fail(&w, snapshot(&w, &set, "snap"), "rolled-back", "Refused", "not today");
		CU_ASSERT_EQUAL(f_snapshots(&w, &set), 3);
		json_object_put(o_succeed(&w, revert(&w, &set, "kept", false)));
		w_stop(&w);
	}
}

/* Named before "not reverted". */
static bool is_told_reverted(const char *message, const char *volume)
{
	const char *good = strstr(message, "failed: reverted: "), *bad = strstr(message, "; not ");
	const char *at = good ? strstr(good, volume) : NULL;

	CU_ASSERT(at && bad);
	return at < bad;
}

/* L03, L08: a revert that fails drops nothing, neither its own snapshot nor the others'; and says what it did. */
static void test_revert_fails(void)
{
	struct world w = { 0 };
	struct f_set set;
	const char *path, *message;

	f_start(&w, NULL, 3, &set);
	json_object_put(o_succeed(&w, snapshot(&w, &set, "snap")));
	write_all(&w, &set, 500);
	o_fault(&w, "revertSnapshot", "\"nth\":2," NOT_TODAY);
	path = revert(&w, &set, NULL, true);
	o_fail(&w, path, "failed", "Refused", "not today");
	message = w_op_str(&w, path, "Message");
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "failed: reverted: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(message, ": repeat Revert"));
	for (size_t i = 0; i < set.n; i++)
		CU_ASSERT_EQUAL(is_told_reverted(message, set.ids[i]),
				f_generation(&w, set.ids[i]) < 500);
	CU_ASSERT_EQUAL(f_snapshots(&w, &set), 3);
	CU_ASSERT_EQUAL(w_executed(&w, "deleteSnapshot"), 0);
	CU_ASSERT(f_home(&w, &set));

	json_object_put(o_succeed(&w, revert(&w, &set, NULL, true)));
	CU_ASSERT(f_has_generations(&w, &set, 100, 1));
	CU_ASSERT_EQUAL(f_snapshots(&w, &set), 0);
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* Everything is looked at for the whole set before anything is reverted. */
static void test_revert_guards(void)
{
	struct world w = { 0 };
	struct f_set set, one;

	f_start(&w, NULL, 3, &set);
	one = set;
	one.n = 2;
	json_object_put(o_succeed(&w, snapshot(&w, &one, "part")));
	w_sim_post(&w, "clear-log", "{}");
	o_fail(&w, revert(&w, &set, NULL, false), "failed", "NotFound", "has no snapshot of ours");
	o_fail(&w, revert(&w, &one, "other", false), "failed", "NotFound", "of operation other");
	w_sim_post(&w, "poke", "{\"vm\":\"" W_OMA "\",\"backups\":1}");
	o_fail(&w, revert(&w, &one, NULL, false), "failed", "WrongState", "1 backups");
	w_sim_post(&w, "poke", "{\"vm\":\"" W_OMA "\",\"backups\":0,\"vmsnapshots\":1}");
	o_fail(&w, revert(&w, &one, NULL, false), "failed", "WrongState", "1 VM snapshots");
	CU_ASSERT_EQUAL(f_changes(&w), 0);
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* The one that is named. L03: with drop, no other goes. */
static void test_which_snapshot(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 1, &set);
	json_object_put(o_succeed(&w, snapshot(&w, &set, "first")));
	f_write(&w, set.ids[0], 200);
	json_object_put(o_succeed(&w, snapshot(&w, &set, "second")));
	f_write(&w, set.ids[0], 300);
	json_object_put(o_succeed(&w, revert(&w, &set, "first", false)));
	CU_ASSERT_EQUAL(f_generation(&w, set.ids[0]), 100);
	json_object_put(o_succeed(&w, revert(&w, &set, "second", false)));
	CU_ASSERT_EQUAL(f_generation(&w, set.ids[0]), 200);
	json_object_put(o_succeed(&w, revert(&w, &set, "first", true)));
	CU_ASSERT_EQUAL(f_generation(&w, set.ids[0]), 100);
	CU_ASSERT_EQUAL(f_snapshots(&w, &set), 1);
	json_object_put(o_succeed(&w, revert(&w, &set, "second", true)));
	CU_ASSERT_EQUAL(f_generation(&w, set.ids[0]), 200);
	CU_ASSERT_EQUAL(f_snapshots(&w, &set), 0);
	w_stop(&w);
}

/* A token from before the history's or the database's end: what it made then is not taken for a new one. */
static void test_token_used_before(void)
{
	_cleanup_json_ json_object *made = NULL;
	_cleanup_free_ char *poke = NULL;
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 2, &set);
	made = o_succeed(&w, snapshot(&w, &set, "now"));
	poke = mk_strdup_printf("{\"snapshot\":\"%s\",\"name\":\"migratekit then\"}",
				mk_json_str(mk_json_get(made, "Snapshots"), set.ids[1], ""));
	w_sim_post(&w, "poke", poke);
	w_sim_post(&w, "clear-log", "{}");
	o_fail(&w, snapshot(&w, &set, "then"), "failed", "WrongState", "use another token");
	CU_ASSERT_EQUAL(f_changes(&w), 0);
	CU_ASSERT_EQUAL(f_snapshots(&w, &set), 2);
	w_stop(&w);
}

static void test_drop_snapshots(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 2, &set);
	json_object_put(o_succeed(&w, f_call(&w, "DropSnapshots", &set, NULL, NULL)));
	json_object_put(o_succeed(&w, snapshot(&w, &set, "one")));
	json_object_put(o_succeed(&w, snapshot(&w, &set, "two")));
	CU_ASSERT_EQUAL(f_snapshots(&w, &set), 4);
	json_object_put(o_succeed(&w, f_call(&w, "DropSnapshots", &set, NULL, NULL)));
	CU_ASSERT_EQUAL(f_snapshots(&w, &set), 0);
	CU_ASSERT_EQUAL(w_executed(&w, "deleteSnapshot"), 4);
	w_stop(&w);
}

/* ---- the end of a failover ---------------------------------------------------------------------------------------------------- */

static const char *destroy_vm(struct world *w, const char *vm, bool stop)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	static char path[256];
	const char *s;

	if (w_call(w, W_TESTVM, "DestroyVM", &reply, "sa{sv}", vm, 1, "stop", "b", (int)stop) < 0 ||
	    sd_bus_message_read(reply, "o", &s) <= 0)
		return NULL;
	snprintf(path, sizeof(path), "%s", s);
	return path;
}

/* L01: the volumes of a VM are asked of CloudStack, at that moment and again right before. */
static void test_destroy_vm(void)
{
	_cleanup_json_ json_object *gone = NULL;
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 2, &set);
	json_object_put(o_succeed(&w, f_assign(&w, &set, "a")));
	o_fail(&w, destroy_vm(&w, F_VM, true), "failed", "Protected", set.ids[0]);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVirtualMachine"), 0);
	CU_ASSERT_PTR_NULL(destroy_vm(&w, W_OMA, true));
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "Protected");

	json_object_put(o_succeed(&w, f_return(&w, &set, "r")));
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"state\":\"Running\"}");
	o_fail(&w, destroy_vm(&w, F_VM, false), "failed", "WrongState", "stop=true");
	gone = o_succeed(&w, destroy_vm(&w, F_VM, true));
	CU_ASSERT(mk_json_bool(gone, "Expunged", false));
	CU_ASSERT_EQUAL(w_executed(&w, "stopVirtualMachine"), 1);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVirtualMachine"), 1);
	CU_ASSERT(f_home(&w, &set));
	o_fail(&w, destroy_vm(&w, F_VM, true), "failed", "NotFound", "does not know VM");
	w_stop(&w);
}

/* One of ours comes to the VM while it is being stopped. */
static void test_destroy_looks_again(void)
{
	_cleanup_free_ char *poke = NULL;
	struct world w = { 0 };
	struct f_set set;
	const char *path;

	f_start(&w, NULL, 1, &set);
	json_object_put(o_succeed(&w, o_detach(&w, set.ids[0], false, "d")));
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"state\":\"Running\"}");
	o_fault(&w, "stopVirtualMachine", "\"action\":\"job-hold\"");
	path = destroy_vm(&w, F_VM, true);
	w_sim_wait(&w, "command=stopVirtualMachine&count=1&what=received");
	poke = mk_strdup_printf("{\"volume\":\"%s\",\"virtualmachineid\":\"" F_VM "\"}",
				set.ids[0]);
	w_sim_post(&w, "poke", poke);
	w_sim_post(&w, "release", "{}");
	o_fail(&w, path, "failed", "Protected", set.ids[0]);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVirtualMachine"), 0);
	w_stop(&w);
}

/* One whose deployment failed. */
static void test_destroy_broken(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 0, &set);
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"state\":\"Error\"}");
	json_object_put(o_succeed(&w, destroy_vm(&w, F_VM, false)));
	CU_ASSERT_EQUAL(w_executed(&w, "stopVirtualMachine"), 0);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVirtualMachine"), 1);
	w_stop(&w);
}

/* Without the right to expunge the VM is destroyed, and expunged by CloudStack later. */
static void test_destroy_without_right(void)
{
	_cleanup_json_ json_object *gone = NULL;
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 0, &set);
	o_set(&w, "role", "user");
	o_set(&w, "expunge", "false");
	gone = o_succeed(&w, destroy_vm(&w, F_VM, false));
	CU_ASSERT_FALSE(mk_json_bool(gone, "Expunged", true));
	CU_ASSERT_STRING_EQUAL(w_vm_state(&w, F_VM), "Destroyed");
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVirtualMachine"), 1);
	w_stop(&w);
}

/* The commit after a live failover: no longer ours, and left where they are. */
static void test_forget(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 2, &set);
	json_object_put(o_succeed(&w, snapshot(&w, &set, "snap")));
	json_object_put(o_succeed(&w, f_assign(&w, &set, "a")));
	w_sim_post(&w, "clear-log", "{}");
	json_object_put(o_succeed(&w, o_call(&w, "ForgetVolume", "sa{sv}", set.ids[0], 1,
					     "drop-snapshots", "b", 1)));
	json_object_put(o_succeed(&w, o_call(&w, "ForgetVolume", "sa{sv}", set.ids[1], 0)));
	CU_ASSERT_EQUAL(f_snapshots(&w, &set), 1); /* of the other */
	for (size_t i = 0; i < set.n; i++) {
		_cleanup_json_ json_object *v = w_volume(&w, set.ids[i]);

		CU_ASSERT_PTR_NULL(strstr(json_object_to_json_string(v), "migratekit:owner"));
		CU_ASSERT(f_is_on(&w, set.ids[i], F_VM));
		CU_ASSERT_STRING_EQUAL(o_volume(&w, set.ids[i], "State"), "");
	}
	CU_ASSERT_EQUAL(f_changes(&w), 1); /* the snapshot */
	w_stop(&w);
}

/* ---- single volumes ------------------------------------------------------------------------------------------------------------ */

static void test_single_volume(void)
{
	_cleanup_json_ json_object *attached = NULL;
	struct world w = { 0 };
	struct f_set set;
	const char *v;

	f_start(&w, NULL, 1, &set);
	v = set.ids[0];
	/* class oma knows no other VM */
	json_object_put(o_succeed(&w, o_detach(&w, v, false, "d0")));
	o_fail(&w, o_call(&w, "AttachVolume", "sssa{sv}", "failover", v, F_VM, 0), "failed",
	       "WrongState", "is of class oma");
	json_object_put(o_succeed(&w, o_call(&w, "AdoptVolume", "ssa{sv}", "failover", v, 0)));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "Class"), "failover");

	attached = o_succeed(&w, o_call(&w, "AttachVolume", "sssa{sv}", "failover", v, F_VM, 1,
					"device-id", "u", 0));
	CU_ASSERT_EQUAL(mk_json_int(attached, "DeviceId", -1), 0);
	CU_ASSERT_STRING_EQUAL(f_type(&w, v), "ROOT");
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"state\":\"Running\"}");
	o_fail(&w, o_call(&w, "DetachVolume", "sa{sv}", v, 0), "failed", "WrongState",
	       "must be Stopped");
	o_fail(&w, o_delete(&w, v), "failed", "WrongState", "detach it first");
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"state\":\"Stopped\"}");
	json_object_put(o_succeed(&w, o_call(&w, "DetachVolume", "sa{sv}", v, 0)));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "State"), "detached");

	/* the appliance is a VM like others, with devices */
	json_object_put(
		o_succeed(&w, o_call(&w, "AttachVolume", "sssa{sv}", "failover", v, W_OMA, 0)));
	CU_ASSERT(f_home(&w, &set));
	json_object_put(o_succeed(&w, o_call(&w, "DetachVolume", "sa{sv}", v, 0)));
	json_object_put(o_succeed(&w, o_delete(&w, v)));
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 1);
	w_stop(&w);
}

/* A lost database: volumes on failover VMs are taken over where they are. */
static void test_adopt_elsewhere(void)
{
	struct world w = { 0 };
	struct f_set set;
	const char *v = "88888888-8888-4888-8888-888888888888";

	f_start(&w, NULL, 0, &set);
	w_sim_post(&w, "seed",
		   "{\"volumes\":[{\"id\":\"88888888-8888-4888-8888-888888888888\",\"name\":\"d\","
		   "\"virtualmachineid\":\"" F_VM "\",\"deviceid\":0,\"type\":\"ROOT\"}]}");
	o_fail(&w, o_call(&w, "AdoptVolume", "ssa{sv}", "oma", v, 0), "failed", "Protected", v);
	json_object_put(o_succeed(&w, o_call(&w, "AdoptVolume", "ssa{sv}", "failover", v, 0)));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "VM"), F_VM);
	memcpy(set.ids[0], v, MK_UUID_SIZE);
	set.n = 1;
	json_object_put(o_succeed(&w, f_return(&w, &set, "r")));
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "snapshot-and-revert", test_snapshot_and_revert },
		{ "revert-at-home", test_revert_at_home },
		{ "L08-snapshot-all-or-none", test_snapshot_all_or_none },
		{ "L03-L08-revert-fails", test_revert_fails },
		{ "revert-guards", test_revert_guards },
		{ "which-snapshot", test_which_snapshot },
		{ "token-used-before", test_token_used_before },
		{ "drop-snapshots", test_drop_snapshots },
		{ "L01-destroy-vm", test_destroy_vm },
		{ "L01-destroy-looks-again", test_destroy_looks_again },
		{ "destroy-broken", test_destroy_broken },
		{ "destroy-without-right", test_destroy_without_right },
		{ "forget", test_forget },
		{ "single-volume", test_single_volume },
		{ "adopt-elsewhere", test_adopt_elsewhere },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "failover-end", NULL, NULL, tests);
}
