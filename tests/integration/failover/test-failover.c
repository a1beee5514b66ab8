/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves class failover end to end: sets of volumes move from the appliance to a failover VM and back, in the
 * world of failover-env.h.
 */

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
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"state\":\"Running\"}");
	json_object_put(o_succeed(&w, f_assign(&w, &set, "a3")));
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
	w_sim_wait(&w, "command=detachVolume&count=5&what=executed");
	w_sim_wait(&w, "command=attachVolume&count=5&what=received");
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

/* L07: users are found before anything is detached; the caller may know better. */
static void test_in_use(void)
{
	struct f_options force = { .force = true };
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 2, &set);
	w_sim_post(&w, "disk", "{\"action\":\"hold\",\"node\":\"vdc\",\"holder\":\"dm-0\"}");
	o_fail(&w, f_call(&w, "Assign", &set, F_VM, NULL), "failed", "InUse", "dm-0");
	CU_ASSERT_EQUAL(f_changes(&w), 0);
	json_object_put(o_succeed(&w, f_call(&w, "Assign", &set, F_VM, &force)));
	CU_ASSERT(f_is_on(&w, set.ids[1], F_VM));
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
	w_sim_wait(&w, "command=detachVolume&count=1&what=received");
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
	w_sim_wait(&w, "command=attachVolume&count=2&what=received");
	CU_ASSERT(w_call_object(&w, path, W_OPERATION, "Cancel", NULL, "") >= 0);
	f_release_until_end(&w, path);
	o_fail(&w, path, "cancelled", "Cancelled", "");
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

/* A volume of the set is where our configuration would never put one: it stays. */
static void test_high_device_id(void)
{
	_cleanup_json_ json_object *result = NULL;
	_cleanup_free_ char *poke = NULL;
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, "[volumes]\nmax-data-disks=2\n", 2, &set);
	poke = mk_strdup_printf("{\"volume\":\"%s\",\"virtualmachineid\":\"" F_VM
				"\",\"deviceid\":1000}",
				set.ids[1]);
	w_sim_post(&w, "poke", poke);
	result = o_succeed(&w, f_assign(&w, &set, "a"));
	CU_ASSERT_EQUAL(mk_json_int(mk_json_get(result, "DeviceIds"), set.ids[1], -1), 1000);
	CU_ASSERT_EQUAL(f_device_id(&w, set.ids[0]), 0);
	w_stop(&w);
}

/* ---- children ------------------------------------------------------------------------------------------------------------ */

/* A caller's token has the name that a part of the operation would have. */
static void test_name_taken(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 2, &set);
	json_object_put(o_succeed(&w, o_attach(&w, set.ids[0], "a_m1")));
	json_object_put(o_succeed(&w, f_assign(&w, &set, "a")));
	CU_ASSERT(f_assigned(&w, &set));
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, W_PATH "/operation/a_m1", "Kind"), "AttachVolume");
	w_stop(&w);
}

/* However little history is kept, what an operation waits for is. */
static void test_no_history(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, "[operations]\nexport-finished=1\nhistory-count=0\n", 4, &set);
	o_fault(&w, "attachVolume", "\"nth\":4,\"action\":\"job-late\",\"ms\":300");
	json_object_put(o_succeed(&w, f_assign(&w, &set, "a")));
	CU_ASSERT(f_assigned(&w, &set));
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 4);
	CU_ASSERT_EQUAL(w_executed(&w, "attachVolume"), 4);
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
		{ "L07-in-use", test_in_use },
		{ "bad-calls", test_bad_calls },
		{ "busy", test_busy },
		{ "L19-assign-compensates", test_assign_compensates },
		{ "L19-return-compensates", test_return_compensates },
		{ "L19-return-unproven", test_return_unproven },
		{ "L19-cancel", test_cancel },
		{ "L19-unknown", test_unknown },
		{ "L02-root-is-protected", test_root_is_protected },
		{ "high-device-id", test_high_device_id },
		{ "name-taken", test_name_taken },
		{ "no-history", test_no_history },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "failover", NULL, NULL, tests);
}
