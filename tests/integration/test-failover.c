/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Class failover end to end: sets of volumes between the appliance and a failover VM. */

#include "failover-env.h"

/* ---- there and back -------------------------------------------------------------------------------------------- */

/* L05: one system disk and five data disks; no device is invented for what is elsewhere. */
static void test_there_and_back(void)
{
	_cleanup_json_ json_object *there = NULL, *back = NULL;
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 6, &set);
	there = o_succeed(&w, f_assign(&w, &set, "there"));
	CU_ASSERT(f_assigned(&w, &set));
	CU_ASSERT_STRING_EQUAL(mk_json_str(there, "VM", ""), F_VM);
	CU_ASSERT_STRING_EQUAL(mk_json_str(there, "Root", ""), set.ids[0]);
	CU_ASSERT_EQUAL(json_object_array_length(mk_json_get(there, "Volumes")), 6);
	CU_ASSERT_EQUAL(mk_json_int(mk_json_get(there, "DeviceIds"), set.ids[3], -1), 4);
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 6);
	CU_ASSERT_EQUAL(w_executed(&w, "attachVolume"), 6);

	back = o_succeed(&w, f_return(&w, &set, "back"));
	CU_ASSERT(f_home(&w, &set));
	CU_ASSERT(
		starts_with(mk_json_str(mk_json_get(back, "Devices"), set.ids[5], ""), "/dev/vd"));
	for (size_t i = 0; i < set.n; i++) {
		CU_ASSERT_STRING_EQUAL(f_type(&w, set.ids[i]), "DATADISK");
		CU_ASSERT_EQUAL(f_generation(&w, set.ids[i]), 100 + (int64_t)i);
	}
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 12);
	CU_ASSERT_EQUAL(w_executed(&w, "attachVolume"), 12);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 0);
	w_stop(&w);
}

/* What is in place already is a success at once. */
static void test_idempotent(void)
{
	_cleanup_json_ json_object *first = NULL, *again = NULL;
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 3, &set);
	json_object_put(o_succeed(&w, f_return(&w, &set, "r0")));
	CU_ASSERT_EQUAL(f_changes(&w), 0);
	first = o_succeed(&w, f_assign(&w, &set, "a1"));
	CU_ASSERT_EQUAL(f_changes(&w), 6);
	again = o_succeed(&w, f_assign(&w, &set, "a2"));
	CU_ASSERT(json_object_equal(first, again));
	CU_ASSERT_EQUAL(f_changes(&w), 6);
	CU_ASSERT_STRING_EQUAL(f_assign(&w, &set, "a1"), W_PATH "/operation/a1");
	w_stop(&w);
}

/* Without a root the VM may run, and keeps its own root disk. */
static void test_running_vm(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 2, &set);
	w_sim_post(&w, "poke",
		   "{\"volume\":\"" W_ROOT "\",\"virtualmachineid\":\"" F_VM "\",\"deviceid\":0}");
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"state\":\"Running\"}");
	json_object_put(o_succeed(&w, f_call(&w, "Assign", &set, F_VM, NULL)));
	CU_ASSERT(f_is_on(&w, set.ids[0], F_VM) && f_device_id(&w, set.ids[0]) == 1);
	CU_ASSERT(f_is_on(&w, set.ids[1], F_VM) && f_device_id(&w, set.ids[1]) == 2);

	o_fail(&w, f_return(&w, &set, "r"), "failed", "WrongState", "it must be Stopped");
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"state\":\"Stopped\"}");
	json_object_put(o_succeed(&w, f_return(&w, &set, "r2")));
	CU_ASSERT(f_home(&w, &set));
	CU_ASSERT(f_is_on(&w, W_ROOT, F_VM));
	w_stop(&w);
}

/* From nowhere to a VM, and from there to the appliance. */
static void test_detached(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 2, &set);
	json_object_put(o_succeed(&w, o_detach(&w, set.ids[1], false, "d")));
	json_object_put(o_succeed(&w, f_assign(&w, &set, "a")));
	CU_ASSERT(f_assigned(&w, &set));
	json_object_put(o_succeed(&w, f_return(&w, &set, "r")));
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* All detaches are under way before the first attach has ended: CloudStack's queues are never idle. */
static void test_pipelined(void)
{
	struct world w = { 0 };
	struct f_set set;
	const char *path;

	f_start(&w, NULL, 5, &set);
	o_fault(&w, "attachVolume", "\"action\":\"job-hold\"");
	path = f_assign(&w, &set, "a");
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, "command=detachVolume&count=5&what=executed&timeout-ms=20000");
	w_sim_wait(&w, "command=attachVolume&count=5&what=received&timeout-ms=20000");
	CU_ASSERT_EQUAL(w_executed(&w, "attachVolume"), 0);
	w_sim_post(&w, "release", "{}");
	json_object_put(o_succeed(&w, path));
	CU_ASSERT(f_assigned(&w, &set));
	w_stop(&w);
}

/* ---- guards: everything is looked at before anything is touched ------------------------------------------------------- */

struct guard {
	const char *poke; /* done before; NULL: nothing */
	const char *error, *words;
};

static void check_guard(const struct guard *g, const char *method)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 2, &set);
	if (streq(method, "Return"))
		json_object_put(o_succeed(&w, f_assign(&w, &set, "there")));
	w_sim_post(&w, "clear-log", "{}");
	w_sim_post(&w, "poke", g->poke);
	o_fail(&w, streq(method, "Return") ? f_return(&w, &set, "g") : f_assign(&w, &set, "g"),
	       "failed", g->error, g->words);
	CU_ASSERT_EQUAL(f_changes(&w), 0);
	CU_ASSERT(streq(method, "Return") ? f_assigned(&w, &set) : f_home(&w, &set));
	w_stop(&w);
}

static void test_assign_guards(void)
{
	static const struct guard guards[] = {
		{ "{\"vm\":\"" F_VM "\",\"state\":\"Running\"}", "WrongState", "must be Stopped" },
		{ "{\"vm\":\"" F_VM "\",\"state\":\"Error\"}", "WrongState", "is in state Error" },
		{ "{\"vm\":\"" F_VM "\",\"vmsnapshots\":1}", "WrongState", "1 VM snapshots" },
		{ "{\"vm\":\"" F_VM "\",\"backups\":2}", "WrongState", "2 backups" },
		{ "{\"vm\":\"" W_OMA "\",\"vmsnapshots\":1}", "WrongState", "1 VM snapshots" },
		{ "{\"vm\":\"" W_OMA "\",\"backups\":1}", "WrongState", "1 backups" },
		{ "{\"volume\":\"" W_ROOT "\",\"virtualmachineid\":\"" F_VM "\",\"deviceid\":0}",
		  "WrongState", "TestVM.DeleteRootVolume" },
		{ "{\"vm\":\"" F_VM "\",\"removed\":true}", "NotFound", "does not know VM" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(guards); i++)
		check_guard(&guards[i], "Assign");
}

static void test_return_guards(void)
{
	static const struct guard guards[] = {
		{ "{\"vm\":\"" F_VM "\",\"state\":\"Running\"}", "WrongState", "must be Stopped" },
		{ "{\"vm\":\"" F_VM "\",\"vmsnapshots\":1}", "WrongState", "1 VM snapshots" },
		{ "{\"vm\":\"" F_VM "\",\"backups\":1}", "WrongState", "1 backups" },
		{ "{\"vm\":\"" W_OMA "\",\"vmsnapshots\":3}", "WrongState", "3 VM snapshots" },
		{ "{\"vm\":\"" W_OMA "\",\"backups\":1}", "WrongState", "1 backups" },
		{ "{\"vm\":\"" W_OMA "\",\"hypervisor\":\"XenServer\"}", "NotSupported",
		  "XenServer" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(guards); i++)
		check_guard(&guards[i], "Return");
}

#define OTHER_ZONE "00000000-0000-4000-8000-000000000077"

/* Another zone, no room, somebody else's tags, in use: one world for all. */
static void test_more_guards(void)
{
	struct world w = { 0 };
	struct f_set set, two;
	char *poke;

	f_start(&w, "[volumes]\nmax-data-disks=2\n", 2, &set);
	two = set;

	w_sim_post(&w, "seed",
		   "{\"zones\":[{\"id\":\"" OTHER_ZONE "\",\"name\":\"z2\"}],"
		   "\"vms\":[{\"id\":\"66666666-6666-4666-8666-666666666666\",\"name\":\"far\","
		   "\"zoneid\":\"" OTHER_ZONE "\"}],"
		   "\"volumes\":[{\"id\":\"88888888-8888-4888-8888-888888888888\",\"name\":\"d\","
		   "\"virtualmachineid\":\"" F_VM "\",\"deviceid\":1}]}");
	o_fail(&w, f_call(&w, "Assign", &set, "66666666-6666-4666-8666-666666666666", NULL),
	       "failed", "WrongState", "in zone " OTHER_ZONE);
	o_fail(&w, f_call(&w, "Assign", &set, F_VM, NULL), "failed", "WrongState", "no room for");

	/* of a VM that is not the appliance, and not managed */
	memcpy(two.ids[1], "88888888-8888-4888-8888-888888888888", MK_UUID_SIZE);
	o_fail(&w, f_assign(&w, &two, "n"), "failed", "NotManaged", "AdoptVolume");
	memcpy(two.ids[1], "99999999-9999-4999-8999-999999999999", MK_UUID_SIZE);
	o_fail(&w, f_assign(&w, &two, "u"), "failed", "NotFound", "CloudStack does not list");

	poke = mk_strdup_printf("{\"volume\":\"%s\",\"state\":\"UploadError\"}", set.ids[1]);
	w_sim_post(&w, "poke", poke);
	free(poke);
	o_fail(&w, f_assign(&w, &set, "s"), "failed", "WrongState", "must be Ready or Allocated");
	CU_ASSERT_EQUAL(f_changes(&w), 0);
	w_stop(&w);
}

/* Refused before an operation is made, and CloudStack is not asked. */
static void test_bad_calls(void)
{
	static const struct f_options bad_root = { .root = W_ROOT };
	struct f_set set, none = { 0 }, twice, bad;
	struct world w = { 0 };

	f_start(&w, NULL, 2, &set);
	twice = bad = set;
	memcpy(twice.ids[1], set.ids[0], MK_UUID_SIZE);
	snprintf(bad.ids[1], MK_UUID_SIZE, "17");

	CU_ASSERT_PTR_NULL(f_call(&w, "Assign", &none, F_VM, NULL));
	CU_ASSERT_PTR_NOT_NULL(strstr(w_error_name, "InvalidArgs"));
	CU_ASSERT_PTR_NULL(f_call(&w, "Assign", &twice, F_VM, NULL));
	CU_ASSERT_PTR_NOT_NULL(strstr(w_error_text, "named twice"));
	CU_ASSERT_PTR_NULL(f_call(&w, "Assign", &bad, F_VM, NULL));
	CU_ASSERT_PTR_NOT_NULL(strstr(w_error_name, "InvalidArgs"));
	CU_ASSERT_PTR_NULL(f_call(&w, "Assign", &set, "4", NULL));
	CU_ASSERT_PTR_NOT_NULL(strstr(w_error_name, "InvalidArgs"));
	CU_ASSERT_PTR_NULL(f_call(&w, "Assign", &set, W_OMA, NULL));
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "Protected");
	CU_ASSERT_PTR_NULL(f_call(&w, "Assign", &set, F_VM, &bad_root));
	CU_ASSERT_PTR_NOT_NULL(strstr(w_error_text, "not one of the set"));
	CU_ASSERT_PTR_NULL(f_call(&w, "Return", &none, NULL, NULL));
	CU_ASSERT_PTR_NULL(f_call(&w, "Revert", &twice, NULL, NULL));
	CU_ASSERT_PTR_NULL(f_call(&w, "DropSnapshots", &bad, NULL, NULL));
	CU_ASSERT_EQUAL(f_changes(&w), 0);
	w_stop(&w);
}

/* One change per volume and VM: others are told by whom. */
static void test_busy(void)
{
	struct world w = { 0 };
	struct f_set set;
	const char *path;

	f_start(&w, NULL, 2, &set);
	o_fault(&w, "detachVolume", "\"action\":\"job-hold\"");
	path = f_assign(&w, &set, "first");
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, "command=detachVolume&count=1&what=received&timeout-ms=20000");
	CU_ASSERT_PTR_NULL(f_return(&w, &set, "second"));
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "Busy");
	CU_ASSERT_PTR_NOT_NULL(strstr(w_error_text, "operation first"));
	CU_ASSERT_PTR_NULL(o_detach(&w, set.ids[1], true, "third"));
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "Busy");
	CU_ASSERT_PTR_NULL(w_delete_root(&w, F_VM, "fourth", true));
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "Busy");

	/* a part of an operation is not cancelled by itself */
	CU_ASSERT(w_call_object(&w, W_PATH "/operation/first_m0", W_OPERATION, "Cancel", NULL, "") <
		  0);
	CU_ASSERT_PTR_NOT_NULL(strstr(w_error_text, "cancel that"));
	w_sim_post(&w, "release", "{}");
	json_object_put(o_succeed(&w, path));
	w_stop(&w);
}

/* ---- all or none -------------------------------------------------------------------------------------------------------- */

#define NOT_TODAY "\"action\":\"job-error\",\"errorcode\":431,\"errortext\":\"not today\""

/* L19: if one move fails, all volumes are back on the appliance, and their devices are proven again. */
static void test_assign_compensates(void)
{
	static const struct {
		const char *command;
		unsigned nth;
	} faults[] = { { "attachVolume", 1 },
		       { "attachVolume", 3 },
		       { "attachVolume", 4 },
		       { "detachVolume", 1 },
		       { "detachVolume", 3 } };

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		_cleanup_free_ char *rest =
			mk_strdup_printf("\"nth\":%u," NOT_TODAY, faults[i].nth);
		struct world w = { 0 };
		struct f_set set;

		f_start(&w, NULL, 4, &set);
		o_fault(&w, faults[i].command, rest);
		o_fail(&w, f_assign(&w, &set, "a"), "rolled-back", "Refused", "not today");
		CU_ASSERT(f_home(&w, &set));
		CU_ASSERT_EQUAL(w_executed(&w, "attachVolume"), w_executed(&w, "detachVolume"));
		json_object_put(o_succeed(&w, f_assign(&w, &set, "again")));
		CU_ASSERT(f_assigned(&w, &set));
		w_stop(&w);
	}
}

static void test_return_compensates(void)
{
	static const struct {
		const char *command;
		unsigned nth;
	} faults[] = { { "attachVolume", 1 }, { "attachVolume", 4 }, { "detachVolume", 2 } };

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		_cleanup_free_ char *rest =
			mk_strdup_printf("\"nth\":%u," NOT_TODAY, faults[i].nth);
		struct world w = { 0 };
		struct f_set set;

		f_start(&w, NULL, 4, &set);
		json_object_put(o_succeed(&w, f_assign(&w, &set, "a")));
		o_fault(&w, faults[i].command, rest);
		o_fail(&w, f_return(&w, &set, "r"), "rolled-back", "Refused", "not today");
		CU_ASSERT(f_assigned(&w, &set));
		w_stop(&w);
	}
}

/* The disk of one does not come back as itself: none stays. */
static void test_return_unproven(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, "[operations]\nstep-limit=1s\n", 3, &set);
	json_object_put(o_succeed(&w, f_assign(&w, &set, "a")));
	o_set(&w, "hv-serial", "wrong");
	o_fail(&w, f_return(&w, &set, "r"), "rolled-back", "DeviceNotFound", "waited in vain");
	CU_ASSERT(f_assigned(&w, &set));
	w_stop(&w);
}

static void test_cancel(void)
{
	struct world w = { 0 };
	struct f_set set;
	const char *path;

	f_start(&w, NULL, 4, &set);
	o_fault(&w, "attachVolume", "\"nth\":2,\"action\":\"job-hold\"");
	path = f_assign(&w, &set, "c");
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, "command=attachVolume&count=2&what=received&timeout-ms=20000");
	CU_ASSERT(w_call_object(&w, path, W_OPERATION, "Cancel", NULL, "") >= 0);
	w_sim_post(&w, "release", "{}");
	o_fail(&w, path, "cancelled", "Cancelled", "");
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* The way back fails too: what is where is said, and nothing is lost. */
static void test_compensation_fails(void)
{
	struct world w = { 0 };
	struct f_set set;
	const char *path;

	f_start(&w, NULL, 2, &set);
	o_fault(&w, "attachVolume", "\"nth\":2,\"count\":99," NOT_TODAY);
	path = f_assign(&w, &set, "a");
	o_fail(&w, path, "failed", "Refused", "rolling back step move failed: volume");
	CU_ASSERT_PTR_NOT_NULL(strstr(w_op_str(&w, path, "Details"), "Failures"));
	for (size_t i = 0; i < set.n; i++)
		CU_ASSERT(f_is_on(&w, set.ids[i], ""));

	w_sim_post(&w, "clear-log", "{}");
	json_object_put(o_succeed(&w, f_return(&w, &set, "r")));
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* Nothing is done to a volume while CloudStack may still do something to it. */
static void test_unknown(void)
{
	struct world w = { 0 };
	struct f_set set;
	const char *path;
	size_t n = 0;

	f_start(&w, "[operations]\ndeadline=2s\n", 3, &set);
	o_fault(&w, "attachVolume", "\"nth\":2,\"action\":\"job-lost-before\"");
	path = f_assign(&w, &set, "a");
	o_fail(&w, path, "failed", "OutcomeUnknown", "could not be found out");
	for (size_t i = 0; i < set.n; i++)
		n += f_is_on(&w, set.ids[i], W_OMA);
	CU_ASSERT_EQUAL(n, 2);
	json_object_put(o_succeed(&w, f_return(&w, &set, "r")));
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

/* L02: device 0 makes a volume's type ROOT; it is ours all the same. */
static void test_root_is_protected(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 2, &set);
	json_object_put(o_succeed(&w, f_assign(&w, &set, "a")));
	CU_ASSERT_STRING_EQUAL(f_type(&w, set.ids[0]), "ROOT");
	o_fail(&w, w_delete_root(&w, F_VM, "again", false), "failed", "Protected", set.ids[0]);
	CU_ASSERT(f_assigned(&w, &set));
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 0);
	w_stop(&w);
}

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

static unsigned count_snapshots(struct world *w, const struct f_set *set)
{
	unsigned n = 0;

	for (size_t i = 0; i < set->n; i++)
		n += f_snapshots(w, set->ids[i]);
	return n;
}

static bool has_generations(struct world *w, const struct f_set *set, int64_t first)
{
	for (size_t i = 0; i < set->n; i++)
		if (f_generation(w, set->ids[i]) != first + (int64_t)i)
			return false;
	return true;
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
	CU_ASSERT_EQUAL(count_snapshots(&w, &set), 3);
	CU_ASSERT(mk_uuid_valid(mk_json_str(mk_json_get(made, "Snapshots"), set.ids[2], "")));

	json_object_put(o_succeed(&w, f_assign(&w, &set, "a")));
	write_all(&w, &set, 500);
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"state\":\"Running\"}");
	o_fail(&w, revert(&w, &set, NULL, false), "failed", "WrongState", "must be Stopped");
	CU_ASSERT(has_generations(&w, &set, 500));
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"state\":\"Stopped\"}");

	reverted = o_succeed(&w, revert(&w, &set, NULL, false));
	CU_ASSERT(json_object_equal(mk_json_get(made, "Snapshots"),
				    mk_json_get(reverted, "Snapshots")));
	CU_ASSERT(has_generations(&w, &set, 100));
	CU_ASSERT_EQUAL(count_snapshots(&w, &set), 3);
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
	CU_ASSERT(has_generations(&w, &set, 100));
	CU_ASSERT_EQUAL(count_snapshots(&w, &set), 0);
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
		CU_ASSERT_EQUAL(count_snapshots(&w, &set), 3);
		json_object_put(o_succeed(&w, revert(&w, &set, "kept", false)));
		w_stop(&w);
	}
}

/* L03, L08: a revert that fails drops nothing, neither its own snapshot nor the others'. */
static void test_revert_fails(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 3, &set);
	json_object_put(o_succeed(&w, snapshot(&w, &set, "snap")));
	write_all(&w, &set, 500);
	o_fault(&w, "revertSnapshot", "\"nth\":2," NOT_TODAY);
	o_fail(&w, revert(&w, &set, NULL, true), "rolled-back", "Refused", "not today");
	CU_ASSERT_EQUAL(count_snapshots(&w, &set), 3);
	CU_ASSERT_EQUAL(w_executed(&w, "deleteSnapshot"), 0);
	CU_ASSERT(f_home(&w, &set));

	json_object_put(o_succeed(&w, revert(&w, &set, NULL, true)));
	CU_ASSERT(has_generations(&w, &set, 100));
	CU_ASSERT_EQUAL(count_snapshots(&w, &set), 0);
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

/* The newest, as far as CloudStack tells; where its clock does not, the caller must. */
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
	CU_ASSERT_EQUAL(count_snapshots(&w, &set), 4);
	json_object_put(o_succeed(&w, f_call(&w, "DropSnapshots", &set, NULL, NULL)));
	CU_ASSERT_EQUAL(count_snapshots(&w, &set), 0);
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
	w_sim_wait(&w, "command=stopVirtualMachine&count=1&what=received&timeout-ms=20000");
	poke = mk_strdup_printf("{\"volume\":\"%s\",\"virtualmachineid\":\"" F_VM "\"}",
				set.ids[0]);
	w_sim_post(&w, "poke", poke);
	w_sim_post(&w, "release", "{}");
	o_fail(&w, path, "failed", "Protected", set.ids[0]);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVirtualMachine"), 0);
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
	CU_ASSERT_EQUAL(f_snapshots(&w, set.ids[0]), 0);
	CU_ASSERT_EQUAL(f_snapshots(&w, set.ids[1]), 1);
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
		{ "L05-there-and-back", test_there_and_back },
		{ "idempotent", test_idempotent },
		{ "running-vm", test_running_vm },
		{ "detached", test_detached },
		{ "pipelined", test_pipelined },
		{ "assign-guards", test_assign_guards },
		{ "return-guards", test_return_guards },
		{ "more-guards", test_more_guards },
		{ "bad-calls", test_bad_calls },
		{ "busy", test_busy },
		{ "L19-assign-compensates", test_assign_compensates },
		{ "L19-return-compensates", test_return_compensates },
		{ "L19-return-unproven", test_return_unproven },
		{ "L19-cancel", test_cancel },
		{ "L19-compensation-fails", test_compensation_fails },
		{ "L19-unknown", test_unknown },
		{ "L02-root-is-protected", test_root_is_protected },
		{ "snapshot-and-revert", test_snapshot_and_revert },
		{ "revert-at-home", test_revert_at_home },
		{ "L08-snapshot-all-or-none", test_snapshot_all_or_none },
		{ "L03-L08-revert-fails", test_revert_fails },
		{ "revert-guards", test_revert_guards },
		{ "which-snapshot", test_which_snapshot },
		{ "drop-snapshots", test_drop_snapshots },
		{ "L01-destroy-vm", test_destroy_vm },
		{ "L01-destroy-looks-again", test_destroy_looks_again },
		{ "destroy-without-right", test_destroy_without_right },
		{ "forget", test_forget },
		{ "single-volume", test_single_volume },
		{ "adopt-elsewhere", test_adopt_elsewhere },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "failover", NULL, NULL, tests);
}
