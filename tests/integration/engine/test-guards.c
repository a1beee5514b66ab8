/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves what must not be touched during a roll-back, and which old knowledge must not be trusted, in the world of
 * failover-env.h.
 */

#include "integration/failover/failover-env.h"

#define REFUSE     "\"action\":\"job-error\",\"errorcode\":431,\"errortext\":\"not today\""
#define FOREIGN    "77777777-7777-4777-8777-777777777777"
#define V8         "88888888-8888-4888-8888-888888888888"
#define PROJECT    "99999999-9999-4999-8999-999999999999"
#define HOLD(node) "{\"action\":\"hold\",\"node\":\"" node "\",\"holder\":\"dm-0\"}"

static void await_received(struct world *w, const char *command, unsigned n)
{
	_cleanup_free_ char *query =
		mk_strdup_printf("command=%s&count=%u&what=received", command, n);

	w_sim_wait(w, query);
}

static void poke(struct world *w, const char *volume, const char *fields)
{
	_cleanup_free_ char *json = mk_strdup_printf("{\"volume\":\"%s\",%s}", volume, fields);

	w_sim_post(w, "poke", json);
}

/* A second disk with the volume's serial, and the daemon has seen it. */
static void add_twin(struct world *w, const char *volume)
{
	_cleanup_free_ char *json =
		mk_strdup_printf("{\"action\":\"add\",\"serial\":\"%.8s%.4s%.4s%.4s\",\"size\":"
				 "%" PRIu64 "}",
				 volume, volume + 9, volume + 14, volume + 19,
				 (uint64_t)(10 * O_GIB));
	const char *path = NULL;
	_cleanup_json_ json_object *args = NULL;

	w_sim_post(w, "disk", json);
	CU_ASSERT_EQUAL_FATAL(w_call_object(w, W_PATH, W_NAME ".OMA", "Rescan", &args, "a{sv}", 0),
			      0);
	path = json_object_get_string(json_object_array_get_idx(args, 0));
	json_object_put(o_succeed(w, path));
}

static bool is_there(struct world *w, const char *volume)
{
	_cleanup_json_ json_object *v = w_volume(w, volume);

	return v && !mk_json_bool(v, "removed", false) &&
	       !streq(mk_json_str(v, "state", ""), "Destroy");
}

static bool has_text(struct world *w, const char *volume, const char *text)
{
	_cleanup_json_ json_object *v = w_volume(w, volume);

	return v && strstr(json_object_to_json_string(v), text);
}

/* ---- disks in use, and disks that cannot be told ---------------------------------------------------------------- */

/* The proof fails because something sits on the disk: the way back does not pull it out from below. */
static void test_undo_in_use(void)
{
	struct world w = { 0 };
	const char *v, *path;

	o_start(&w, NULL, NULL);
	v = o_new_volume(&w, "used");
	o_set(&w, "hv-link", "stale"); /* not proven before it is held */
	path = o_attach(&w, v, "a");
	w_sim_wait(&w, "command=attachVolume&count=1&what=executed");
	w_sim_post(&w, "disk", HOLD("vdb"));
	o_fail(&w, path, "failed", "DeviceMismatch", "stays attached: its disk /dev/vdb is in use");
	CU_ASSERT_EQUAL(w_received(&w, "detachVolume"), 0);
	CU_ASSERT(f_is_on(&w, v, W_OMA));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "State"), "lost");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "VM"), W_OMA);
	CU_ASSERT_STRING_EQUAL(o_device(&w, v, "Device"), "");
	w_stop(&w);
}

/* Either of two disks with the serial may be the volume. */
static void test_users_of_twin(void)
{
	struct world w = { 0 };
	const char *v;

	o_start(&w, NULL, NULL);
	v = o_attached(&w, "twin");
	w_sim_post(&w, "clear-log", "{}");
	add_twin(&w, v);
	CU_ASSERT(o_await(&w, v, "lost"));
	w_sim_post(&w, "disk", HOLD("vdc"));
	o_fail(&w, o_detach(&w, v, false, "d"), "failed", "InUse", "dm-0");
	CU_ASSERT_EQUAL(w_received(&w, "detachVolume"), 0);
	w_stop(&w);
}

/* After a detach that failed, the device is proven again. */
static void test_undo_proves(void)
{
	struct world w = { 0 };
	const char *v, *path;

	o_start(&w, NULL, NULL);
	v = o_attached(&w, "twin");
	w_sim_post(&w, "clear-log", "{}");
	o_fault(&w, "detachVolume", "\"nth\":1,\"action\":\"job-hold\"");
	o_fault(&w, "detachVolume", "\"nth\":2,\"count\":5," REFUSE);
	path = o_detach(&w, v, false, "d");
	await_received(&w, "detachVolume", 1);
	add_twin(&w, v);
	w_sim_post(&w, "restart", "{}");
	o_fail(&w, path, "failed", "Refused", "not today");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "State"), "lost");
	CU_ASSERT_STRING_EQUAL(o_device(&w, v, "Device"), "");

	w_sim_post(&w, "disk", "{\"action\":\"remove\",\"node\":\"vdc\"}");
	CU_ASSERT(o_await(&w, v, "attached"));
	CU_ASSERT_STRING_EQUAL(o_device(&w, v, "Device"), "/dev/vdb");
	w_stop(&w);
}

/* Never a second detach while one is pending (cloudstack-api.md, 3.6). */
static void test_second_detach(void)
{
	struct world w = { 0 };
	const char *v;

	o_start(&w, "[operations]\ndeadline=3s\n", NULL);
	v = o_attached(&w, "twice");
	w_sim_post(&w, "clear-log", "{}");
	o_fault(&w, "detachVolume", "\"action\":\"job-hold\"");
	o_fail(&w, o_detach(&w, v, false, "d"), "failed", "OutcomeUnknown", "");
	o_fail(&w, o_detach(&w, v, false, "d2"), "failed", "Timeout",
	       "which CloudStack is working on");
	CU_ASSERT_EQUAL(w_received(&w, "detachVolume"), 1);
	w_stop(&w);
}

/* Whatever its type says, device 0 is the root disk. */
static void test_root_by_number(void)
{
	struct world w = { 0 };

	o_start(&w, NULL, NULL);
	w_sim_post(&w, "seed",
		   "{\"volumes\":[{\"id\":\"" V8 "\",\"name\":\"d\",\"virtualmachineid\":\"" W_OMA
		   "\",\"deviceid\":0,\"type\":\"DATADISK\"}]}");
	o_fail(&w, o_call(&w, "AdoptVolume", "ssa{sv}", "oma", V8, 0), "failed", "Protected", V8);
	o_fail(&w, o_call(&w, "AdoptVolume", "ssa{sv}", "failover", V8, 0), "failed", "Protected",
	       V8);
	o_fail(&w, o_call(&w, "DetachVolume", "sa{sv}", V8, 1, "class", "s", "oma"), "failed",
	       "Protected", V8);
	CU_ASSERT_EQUAL(w_received(&w, "detachVolume"), 0);
	w_stop(&w);
}

/* ---- volumes that are somebody's ---------------------------------------------------------------------------------- */

/* A failed adoption leaves the tags that were there before: they keep TestVM from deleting the volume. */
static void test_adopt_restores(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 0, &set);
	w_sim_post(&w, "seed",
		   "{\"volumes\":[{\"id\":\"" V8 "\",\"name\":\"d\",\"virtualmachineid\":\"" F_VM
		   "\",\"deviceid\":0,\"type\":\"ROOT\",\"tags\":[{\"key\":\"migratekit:owner\","
		   "\"value\":\"" W_OMA "\"},{\"key\":\"migratekit:class\",\"value\":\"oma\"}]}]}");
	o_fault(&w, "createTags", REFUSE);
	o_fail(&w, o_call(&w, "AdoptVolume", "ssa{sv}", "failover", V8, 0), "rolled-back",
	       "Refused", "not today");
	CU_ASSERT(has_text(&w, V8, "migratekit:owner"));
	CU_ASSERT(has_text(&w, V8, "\"oma\""));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, V8, "State"), "");

	o_fail(&w, w_delete_root(&w, F_VM, "root", false), "failed", "Protected", V8);
	CU_ASSERT(is_there(&w, V8));
	w_stop(&w);
}

/* One that was managed keeps its class and its name. */
static void test_adopt_restores_class(void)
{
	struct world w = { 0 };
	const char *v;

	o_start(&w, NULL, NULL);
	v = o_new_volume(&w, "mine");
	o_fault(&w, "createTags", REFUSE);
	o_fail(&w,
	       o_call(&w, "AdoptVolume", "ssa{sv}", "failover", v, 1, "name", "s", "other name"),
	       "rolled-back", "Refused", "not today");
	CU_ASSERT(has_text(&w, v, "\"oma\""));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "Class"), "oma");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "Name"), "mine");
	w_stop(&w);
}

/* CreateVolume takes back what it made, and not what else has the name. */
static void test_create_undo(void)
{
	struct world w = { 0 };
	const char *path;

	o_start(&w, NULL, NULL);
	o_fault(&w, "createTags", "\"nth\":1,\"action\":\"job-hold\"");
	o_fault(&w, "createTags", "\"nth\":2,\"count\":5," REFUSE);
	path = o_create(&w, "disk", O_GIB, "tok");
	await_received(&w, "createTags", 1);
	w_sim_post(&w, "seed",
		   "{\"volumes\":[{\"id\":\"" FOREIGN "\",\"name\":\"disk (tok)\","
		   "\"type\":\"DATADISK\",\"state\":\"Ready\",\"tags\":[{\"key\":"
		   "\"migratekit:owner\",\"value\":\"" W_VM "\"}]}]}");
	w_sim_post(&w, "restart", "{}");
	o_fail(&w, path, "rolled-back", "Refused", "not today");
	CU_ASSERT(is_there(&w, FOREIGN));
	CU_ASSERT_EQUAL(w_executed(&w, "createVolume"), 1);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 1);
	w_stop(&w);
}

/* L30: CloudStack made it smaller than what is to be written to it. */
static void test_too_small(void)
{
	struct world w = { 0 };
	const char *path;
	char id[MK_UUID_SIZE];

	o_start(&w, NULL, NULL);
	w_sim_post(&w, "clear-log", "{}");
	o_fault(&w, "listVolumes", "\"nth\":2,\"action\":\"hang\"");
	path = o_create(&w, "small", 2 * O_GIB, "tok");
	await_received(&w, "listVolumes", 2);
	{
		_cleanup_json_ json_object *state = w_sim_get(&w, "state?kinds=volumes");

		json_object_object_foreach(mk_json_get(state, "volumes"), key, volume)
			if (streq(mk_json_str(volume, "name", ""), "small (tok)"))
				snprintf(id, sizeof(id), "%s", key);
	}
	poke(&w, id, "\"size\":1073741824");
	w_sim_post(&w, "release", "{}");
	o_fail(&w, path, "rolled-back", "WrongState", "1073741824 bytes where 2147483648");
	CU_ASSERT_FALSE(is_there(&w, id));
	w_stop(&w);
}

/* The first word of a snapshot's name does not make it ours. */
static void test_by_prefix(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 1, &set);
	w_cloud(&w, "createSnapshot", "volumeid", set.ids[0], "name", "migratekit before upgrade");
	json_object_put(o_succeed(&w, f_call(&w, "DropSnapshots", &set, NULL, NULL)));
	CU_ASSERT_EQUAL(w_received(&w, "deleteSnapshot"), 0);
	o_fail(&w, f_call(&w, "Revert", &set, NULL, NULL), "failed", "NotFound", "no snapshot");
	w_stop(&w);
}

/* Another appliance has taken the volume over, with its snapshots. */
static void test_forget_foreign(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 1, &set);
	json_object_put(o_succeed(&w, f_call(&w, "Snapshot", &set, NULL, NULL)));
	poke(&w, set.ids[0], "\"tags\":[{\"key\":\"migratekit:owner\",\"value\":\"" W_VM "\"}]");
	o_fail(&w, o_call(&w, "ForgetVolume", "sa{sv}", set.ids[0], 1, "drop-snapshots", "b", 1),
	       "failed", "Protected", "another appliance");
	CU_ASSERT_EQUAL(w_received(&w, "deleteSnapshot"), 0);

	json_object_put(o_succeed(&w, o_call(&w, "ForgetVolume", "sa{sv}", set.ids[0], 0)));
	CU_ASSERT(has_text(&w, set.ids[0], "migratekit:owner"));
	w_stop(&w);
}

/* ---- Reconcile ------------------------------------------------------------------------------------------------------ */

/* What was read before an attach that has ended since mends nothing. */
static void test_stale_list(void)
{
	_cleanup_json_ json_object *result = NULL;
	struct world w = { 0 };
	const char *v, *path;

	o_start(&w, NULL, NULL);
	v = o_new_volume(&w, "stale");
	w_sim_post(&w, "clear-log", "{}");
	o_fault(&w, "listVolumes", "\"nth\":2,\"action\":\"hang\"");
	path = o_call(&w, "Reconcile", "a{sv}", 1, "repair", "b", 1);
	await_received(&w, "listVolumes", 2);
	json_object_put(o_succeed(&w, o_attach(&w, v, "a")));
	w_sim_post(&w, "release", "{}");
	result = o_succeed(&w, path);
	CU_ASSERT_EQUAL(mk_json_int(result, "Count", -1), 0);
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "State"), "attached");
	CU_ASSERT_STRING_EQUAL(o_device(&w, v, "Device"), "/dev/vdb");
	w_stop(&w);
}

/* RC-F9: somebody deletes the volume while its attach waits in the VM's queue. Nothing stays under way. */
static void test_gone_in_queue(void)
{
	static const char *const settings[] = { "queue-ms=300", NULL };
	struct world w = { 0 };
	const char *v, *path;

	o_start(&w, NULL, settings);
	v = o_new_volume(&w, "gone");
	path = o_attach(&w, v, "a");
	await_received(&w, "attachVolume", 1);
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "State"), "attaching");
	poke(&w, v, "\"removed\":true");
	(void)w_wait(&w, path);
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, path, "State"), "failed");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "State"), "detached");
	w_stop(&w);
}

/* RC-K4: the guest never shows the disk, nor lets it go. CloudStack says attached: so does the volume, without a disk. */
static void test_deaf_attach(void)
{
	static const char *const settings[] = { "detach-wait-ms=10", NULL };
	struct world w = { 0 };
	const char *v, *path;

	o_start(&w, "[operations]\ndeadline=500ms\nrollback-deadline=500ms\n", settings);
	v = o_new_volume(&w, "deaf");
	w_sim_post(&w, "guest", "{\"state\":\"deaf\"}");
	path = o_attach(&w, v, "a");
	(void)w_wait(&w, path);
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, path, "State"), "failed");
	CU_ASSERT(w_received(&w, "detachVolume") > 0);
	CU_ASSERT(f_is_on(&w, v, W_OMA));
	CU_ASSERT_STRING_NOT_EQUAL(o_volume(&w, v, "State"), "detached");
	CU_ASSERT_STRING_NOT_EQUAL(o_volume(&w, v, "State"), "attaching");
	w_stop(&w);
}

/* Nor does an answer about the one volume. */
static void test_stale_answer(void)
{
	struct world w = { 0 };
	const char *v, *path;

	o_start(&w, NULL, NULL);
	v = o_new_volume(&w, "stale");
	poke(&w, v, "\"size\":21474836480");
	w_sim_post(&w, "clear-log", "{}");
	o_fault(&w, "listVolumes", "\"nth\":3,\"action\":\"hang\"");
	path = o_call(&w, "Reconcile", "a{sv}", 1, "repair", "b", 1);
	await_received(&w, "listVolumes", 3);
	poke(&w, v, "\"size\":10737418240");
	json_object_put(o_succeed(&w, o_attach(&w, v, "a")));
	w_sim_post(&w, "release", "{}");
	json_object_put(o_succeed(&w, path));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "State"), "attached");
	CU_ASSERT_STRING_EQUAL(o_device(&w, v, "Device"), "/dev/vdb");
	w_stop(&w);
}

static void compare(struct world *w)
{
	json_object_put(o_succeed(w, o_call(w, "Reconcile", "a{sv}", 0)));
}

/* A device that CloudStack says is another VM's is not handed out any more, also if nothing is mended. */
static void test_known_elsewhere(void)
{
	struct world w = { 0 };
	const char *v;

	o_start(&w, NULL, NULL);
	v = o_attached(&w, "elsewhere");
	poke(&w, v, "\"virtualmachineid\":\"" W_VM "\",\"deviceid\":1");
	compare(&w);
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "State"), "lost");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "VM"), W_OMA); /* not mended */
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "Device"), "");
	CU_ASSERT_STRING_EQUAL(o_device(&w, v, "Device"), "");

	w_daemon_stop(&w);
	w_daemon_start(&w, NULL);
	compare(&w);
	CU_ASSERT_STRING_EQUAL(o_device(&w, v, "Device"), "");

	poke(&w, v, "\"virtualmachineid\":\"" W_OMA "\",\"deviceid\":1");
	compare(&w);
	CU_ASSERT_STRING_EQUAL(o_volume(&w, v, "State"), "attached");
	CU_ASSERT_STRING_EQUAL(o_device(&w, v, "Device"), "/dev/vdb");
	w_stop(&w);
}

/* ---- a VM that is to be destroyed, left or reverted ------------------------------------------------------------ */

static const char *destroy_vm(struct world *w)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	static char path[256];
	const char *s;

	if (w_call(w, W_TESTVM, "DestroyVM", &reply, "sa{sv}", F_VM, 0) < 0 ||
	    sd_bus_message_read(reply, "o", &s) <= 0)
		return NULL;
	snprintf(path, sizeof(path), "%s", s);
	return path;
}

/* L01: another operation is about to make the VM's root volume ours. */
static void test_destroy_held(void)
{
	struct world w = { 0 };
	struct f_set set;
	const char *path;

	f_start(&w, NULL, 0, &set);
	w_sim_post(&w, "seed",
		   "{\"volumes\":[{\"id\":\"" V8 "\",\"name\":\"d\",\"virtualmachineid\":\"" F_VM
		   "\",\"deviceid\":0,\"type\":\"ROOT\"}]}");
	o_fault(&w, "createTags", "\"action\":\"job-hold\"");
	path = o_call(&w, "AdoptVolume", "ssa{sv}", "failover", V8, 0);
	await_received(&w, "createTags", 1);
	o_fail(&w, destroy_vm(&w), "failed", "Busy", V8);
	w_sim_post(&w, "release", "{}");
	json_object_put(o_succeed(&w, path));
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVirtualMachine"), 0);
	w_stop(&w);
}

/* L01: the keys see the VM by its id, and none of its volumes in a list: they are a project's. */
static void test_destroy_in_project(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, NULL, 2, &set);
	json_object_put(o_succeed(&w, f_assign(&w, &set, "a")));
	w_sim_post(&w, "seed",
		   "{\"projects\":[{\"id\":\"" PROJECT "\",\"name\":\"p\"}],"
		   "\"vms\":[{\"id\":\"" F_VM "\",\"project\":\"" PROJECT "\"}]}");
	for (size_t i = 0; i < set.n; i++)
		poke(&w, set.ids[i], "\"project\":\"" PROJECT "\"");
	o_fail(&w, destroy_vm(&w), "failed", "Protected", "does not show it");
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVirtualMachine"), 0);
	w_stop(&w);
}

/* L06: CloudStack says detached, the disk is here and in use. */
static void test_revert_under_disk(void)
{
	struct world w = { 0 };
	struct f_set set;

	f_start(&w, "[operations]\nstep-limit=1s\n", 1, &set);
	json_object_put(o_succeed(&w, f_call(&w, "Snapshot", &set, NULL, NULL)));
	f_write(&w, set.ids[0], 500);
	w_sim_post(&w, "disk", HOLD("vdb"));
	poke(&w, set.ids[0], "\"virtualmachineid\":\"\"");
	o_fail(&w, f_call(&w, "Revert", &set, NULL, NULL), "failed", "DeviceMismatch",
	       "still here");
	CU_ASSERT_EQUAL(f_generation(&w, set.ids[0]), 500);
	w_stop(&w);
}

/* The VM is started between Return's look at it and the detaches. */
static void test_return_started(void)
{
	struct world w = { 0 };
	struct f_set set;
	const char *path;

	f_start(&w, NULL, 2, &set);
	json_object_put(o_succeed(&w, f_assign(&w, &set, "a")));
	w_sim_post(&w, "clear-log", "{}");
	o_fault(&w, "listBackups", "\"action\":\"hang\"");
	path = f_return(&w, &set, "r");
	await_received(&w, "listBackups", 1);
	w_sim_post(&w, "poke", "{\"vm\":\"" F_VM "\",\"state\":\"Running\"}");
	w_sim_post(&w, "release", "{}");
	o_fail(&w, path, "failed", "WrongState", "stop it, and try again");
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 0);
	CU_ASSERT(f_is_on(&w, set.ids[0], F_VM));
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "L07-undo-in-use", test_undo_in_use },
		{ "L07-users-of-twin", test_users_of_twin },
		{ "L06-undo-proves", test_undo_proves },
		{ "second-detach", test_second_detach },
		{ "root-by-number", test_root_by_number },
		{ "L02-adopt-restores", test_adopt_restores },
		{ "adopt-restores-class", test_adopt_restores_class },
		{ "create-undo", test_create_undo },
		{ "L30-too-small", test_too_small },
		{ "by-prefix", test_by_prefix },
		{ "forget-foreign", test_forget_foreign },
		{ "L21-stale-list", test_stale_list },
		{ "L21-stale-answer", test_stale_answer },
		{ "RC-F9-gone-in-queue", test_gone_in_queue },
		{ "RC-K4-deaf-attach", test_deaf_attach },
		{ "L06-known-elsewhere", test_known_elsewhere },
		{ "L01-destroy-held", test_destroy_held },
		{ "L01-destroy-in-project", test_destroy_in_project },
		{ "L06-revert-under-disk", test_revert_under_disk },
		{ "return-started", test_return_started },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "guards", NULL, NULL, tests);
}
