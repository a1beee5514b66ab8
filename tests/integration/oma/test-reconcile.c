/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves who owns a managed volume, and what becomes of that: Reconcile, adopting and forgetting, a lost or damaged
 * database, restarts, and calls at the same time. In the world of oma-env.h.
 */

#include "oma-env.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

/* ---- Reconcile --------------------------------------------------------------------------------------------------- */

static json_object *reconcile(struct world *w, bool repair)
{
	return o_succeed(w, o_call(w, "Reconcile", "a{sv}", 1, "repair", "b", (int)repair));
}

/* The difference about a volume, NULL if there is none; borrowed. */
static json_object *difference(json_object *result, const char *volume)
{
	json_object *rows = mk_json_get(result, "Differences");

	for (size_t i = 0; rows && i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);

		if (streq(mk_json_str(row, "Volume", ""), volume))
			return row;
	}
	return NULL;
}

static void expect(json_object *result, const char *volume, const char *kind, bool repaired)
{
	json_object *row = difference(result, volume);

	if (!row || !streq(mk_json_str(row, "Kind", ""), kind) ||
	    mk_json_bool(row, "Repaired", !repaired) != repaired)
		tap_note("expected %s of %s: %s", kind, volume, json_object_to_json_string(result));
	CU_ASSERT_STRING_EQUAL(mk_json_str(row, "Kind", ""), kind);
	CU_ASSERT_EQUAL(mk_json_bool(row, "Repaired", !repaired), repaired);
}

static void expect_none(json_object *result)
{
	if (mk_json_int(result, "Count", -1) != 0)
		tap_note("%s", json_object_to_json_string(result));
	CU_ASSERT_EQUAL(mk_json_int(result, "Count", -1), 0);
}

/* How many of CloudStack's commands have changed something. */
static int executed_of_all(struct world *w)
{
	_cleanup_json_ json_object *log = w_sim_get(w, "log");

	return json_object_object_length(mk_json_get(log, "executed"));
}

/* L04: on a healthy system it finds nothing, and does nothing. */
static void test_healthy(void)
{
	_cleanup_json_ json_object *result = NULL;
	struct world w = { 0 };

	o_start(&w, NULL, NULL);
	(void)o_attached(&w, "a");
	(void)o_new_volume(&w, "b");
	w_sim_post(&w, "clear-log", "{}");
	result = reconcile(&w, true);
	expect_none(result);
	CU_ASSERT_EQUAL(executed_of_all(&w), 0);
	w_stop(&w);
}

static void poke(struct world *w, const char *volume, const char *fields)
{
	_cleanup_free_ char *json = mk_strdup_printf("{\"volume\":\"%s\",%s}", volume, fields);

	w_sim_post(w, "poke", json);
}

/* CloudStack moved on without us. */
static void test_differences(void)
{
	_cleanup_json_ json_object *dry = NULL, *repaired = NULL, *after = NULL;
	struct world w = { 0 };
	const char *moved, *gone, *stays;

	o_start(&w, NULL, NULL);
	moved = o_new_volume(&w, "moved");
	gone = o_new_volume(&w, "gone");
	stays = o_attached(&w, "stays");
	poke(&w, moved, "\"virtualmachineid\":\"" W_VM "\",\"deviceid\":1");
	poke(&w, gone, "\"removed\":true");

	dry = reconcile(&w, false);
	expect(dry, moved, "changed", false);
	expect(dry, gone, "missing", false);
	CU_ASSERT_PTR_NULL(difference(dry, stays));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, moved, "VM"), "");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, gone, "State"), "detached");

	repaired = reconcile(&w, true);
	expect(repaired, moved, "changed", true);
	expect(repaired, gone, "missing", true);
	CU_ASSERT_STRING_EQUAL(o_volume(&w, moved, "VM"), W_VM);
	CU_ASSERT_STRING_EQUAL(o_volume(&w, moved, "Device"), "");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, gone, "State"), "");

	after = reconcile(&w, false);
	expect_none(after);
	w_stop(&w);
}

static void test_tags(void)
{
	_cleanup_json_ json_object *result = NULL, *after = NULL, *v = NULL;
	struct world w = { 0 };
	const char *untagged, *foreign;

	o_start(&w, NULL, NULL);
	untagged = o_new_volume(&w, "untagged");
	foreign = o_attached(&w, "foreign");
	poke(&w, untagged, "\"tags\":[]");
	poke(&w, foreign, "\"tags\":[{\"key\":\"migratekit:owner\",\"value\":\"" W_VM "\"}]");

	result = reconcile(&w, true);
	expect(result, untagged, "untagged", true);
	expect(result, foreign, "foreign", false);
	v = w_volume(&w, untagged);
	CU_ASSERT_PTR_NOT_NULL(strstr(json_object_to_json_string(v), "migratekit:owner"));

	/* another appliance's: nothing is done to it any more */
	o_fail(&w, o_detach(&w, foreign, false, "f"), "failed", "Protected", "another appliance");
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 0);
	w_stop(&w);
}

static void remove_database(struct world *w)
{
	_cleanup_free_ char *state = mk_strdup_printf("%s/state", w->dir);
	DIR *d = opendir(state);
	struct dirent *e;

	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	while ((e = readdir(d)))
		if (starts_with(e->d_name, "volumed.db"))
			CU_ASSERT_EQUAL(unlinkat(dirfd(d), e->d_name, 0), 0);
	closedir(d);
}

/* With the database gone, tags and disks bring everything back. */
static void test_rebuild(void)
{
	_cleanup_json_ json_object *dry = NULL, *result = NULL, *after = NULL;
	struct world w = { 0 };
	const char *attached, *detached;

	o_start(&w, NULL, NULL);
	attached = o_attached(&w, "attached");
	detached = o_new_volume(&w, "detached");
	w_daemon_stop(&w);
	remove_database(&w);
	w_daemon_start(&w, NULL);
	CU_ASSERT_STRING_EQUAL(o_volume(&w, attached, "State"), "");

	dry = reconcile(&w, false);
	expect(dry, attached, "unknown", false);
	/* tagged as ours: it is not deleted as an unmanaged one */
	o_fail(&w, o_call(&w, "DeleteVolume", "sa{sv}", detached, 1, "unmanaged", "b", 1), "failed",
	       "NotManaged", "Reconcile");

	result = reconcile(&w, true);
	expect(result, attached, "unknown", true);
	expect(result, detached, "unknown", true);
	CU_ASSERT_STRING_EQUAL(o_volume(&w, attached, "State"), "attached");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, attached, "Name"), "attached");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, attached, "Class"), "oma");
	CU_ASSERT_STRING_EQUAL(o_device(&w, attached, "Device"), "/dev/vdb");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, detached, "State"), "detached");
	after = reconcile(&w, false);
	expect_none(after);
	w_stop(&w);
}

static void test_damaged(void)
{
	struct world w = { 0 };
	_cleanup_free_ char *path = NULL, *log = NULL;
	char before[64], after[64];
	int fd;

	o_start(&w, NULL, NULL);
	w_daemon_stop(&w);
	path = mk_strdup_printf("%s/state/volumed.db", w.dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	CU_ASSERT_FATAL(fd >= 0);
	memset(before, 'x', sizeof(before));
	CU_ASSERT_EQUAL(pwrite(fd, before, sizeof(before), 0), (ssize_t)sizeof(before));

	w_daemon_spawn(&w, NULL);
	CU_ASSERT_FALSE(w_daemon_ready(&w));
	CU_ASSERT_NOT_EQUAL(w_daemon_wait(&w), 0);
	log = w_daemon_log(&w);
	CU_ASSERT_PTR_NOT_NULL(strstr(log, "is damaged"));
	CU_ASSERT_PTR_NOT_NULL(strstr(log, "Move it away"));
	CU_ASSERT_PTR_NOT_NULL(strstr(log, "Reconcile"));
	CU_ASSERT_EQUAL(pread(fd, after, sizeof(after), 0), (ssize_t)sizeof(after));
	CU_ASSERT_EQUAL(memcmp(before, after, sizeof(before)), 0);
	close(fd);
	w_stop(&w);
}

/* The comparison of the start: listed and logged, nothing is changed. */
static void test_at_start(void)
{
	_cleanup_free_ char *log = NULL;
	struct world w = { 0 };
	const char *volume;

	o_start(&w, NULL, NULL);
	volume = o_new_volume(&w, "gone");
	w_daemon_stop(&w);
	poke(&w, volume, "\"removed\":true");
	w_daemon_start(&w, NULL);
	o_await_finished(&w, 3); /* two starts and the creation */
	{
		_cleanup_json_ json_object *rows = NULL;
		json_object *row;

		CU_ASSERT_EQUAL_FATAL(w_call_object(&w, W_PATH, O_MANAGER, "ListOperations", &rows,
						    "a{sv}", 1, "kind", "s", "Reconcile"),
				      0);
		row = json_object_array_get_idx(json_object_array_get_idx(rows, 0), 0);
		if (row) {
			_cleanup_free_ char *path = mk_strdup_printf(W_PATH "/operation/%s",
								     mk_json_str(row, "Id", ""));
			_cleanup_json_ json_object *result = o_succeed(&w, path);

			expect(result, volume, "missing", false);
		}
		CU_ASSERT_PTR_NOT_NULL(row);
	}
	log = w_daemon_log(&w);
	CU_ASSERT_PTR_NOT_NULL(strstr(log, "difference: missing"));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), "detached");
	w_stop(&w);
}

/* ---- adopting and forgetting ----------------------------------------------------------------------------------------- */

static void test_adopt(void)
{
	_cleanup_json_ json_object *adopted = NULL, *forgotten = NULL, *v = NULL, *again = NULL;
	static const char seed[] =
		"{\"volumes\":[{\"id\":\"77777777-7777-4777-8777-777777777777\","
		"\"name\":\"old "
		"disk\",\"size\":1073741824,\"type\":\"DATADISK\",\"state\":\"Ready\"}]}";
	const char *volume = "77777777-7777-4777-8777-777777777777";
	struct world w = { 0 };

	o_start(&w, NULL, NULL);
	w_sim_post(&w, "seed", seed);
	o_fail(&w, o_call(&w, "AdoptVolume", "ssa{sv}", "oma", W_ROOT, 0), "failed", "Protected",
	       "root disk of VM " W_VM);
	adopted = o_succeed(&w, o_call(&w, "AdoptVolume", "ssa{sv}", "oma", volume, 0));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "Name"), "old disk");
	json_object_put(o_succeed(&w, o_attach(&w, volume, "a")));
	CU_ASSERT_STRING_EQUAL(o_device(&w, volume, "Device"), "/dev/vdb");

	forgotten = o_succeed(&w, o_call(&w, "ForgetVolume", "sa{sv}", volume, 0));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), "");
	v = w_volume(&w, volume);
	CU_ASSERT_PTR_NULL(strstr(json_object_to_json_string(v), "migratekit:"));
	CU_ASSERT_STRING_EQUAL(mk_json_str(v, "virtualmachineid", ""), W_OMA); /* left as it is */

	/* adopted while it is attached: its device is proven */
	again = o_succeed(&w, o_call(&w, "AdoptVolume", "ssa{sv}", "oma", volume, 1, "name", "s",
				     "new name"));
	CU_ASSERT_STRING_EQUAL(mk_json_str(again, "Device", ""), "/dev/vdb");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "Name"), "new name");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), "attached");
	w_stop(&w);
}

static const char adoptee[] = "77777777-7777-4777-8777-777777777777";

static void seed(struct world *w, const char *name, const char *tags)
{
	_cleanup_free_ char *json =
		mk_strdup_printf("{\"volumes\":[{\"id\":\"%s\",\"name\":\"%s\",\"size\":1073741824,"
				 "\"type\":\"DATADISK\",\"state\":\"Ready\",\"tags\":[%s]}]}",
				 adoptee, name, tags);

	w_sim_post(w, "seed", json);
}

#define TAG(key, value) "{\"key\":\"migratekit:" key "\",\"value\":\"" value "\"}"

/* Only what one of our operations appended is taken off a name. */
static void test_adopted_names(void)
{
	static const char ours[] =
		TAG("owner", W_OMA) "," TAG("class", "oma") "," TAG("operation", "op1");
	static const struct {
		const char *cloud, *tags, *name;
	} rows[] = {
		{ "data (backup)", "", "data (backup)" },
		{ "data (op1)", "", "data (op1)" },
		{ "data (op1)", ours, "data" },
		{ "data (backup)", ours, "data (backup)" },
		{ "data (a) (op1)", ours, "data (a)" },
		{ "data(op1)", ours, "data(op1)" },
		{ "(op1)", ours, "(op1)" },
		{ " (op1)", ours, " (op1)" },
	};
	struct world w = { 0 };

	o_start(&w, NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		seed(&w, rows[i].cloud, rows[i].tags);
		json_object_put(
			o_succeed(&w, o_call(&w, "AdoptVolume", "ssa{sv}", "oma", adoptee, 0)));
		CU_ASSERT_STRING_EQUAL(o_volume(&w, adoptee, "Name"), rows[i].name);
		json_object_put(o_succeed(&w, o_call(&w, "ForgetVolume", "sa{sv}", adoptee, 0)));
	}
	w_stop(&w);
}

/* Another appliance's, first unknown to our store, then in it: nothing is done to it. */
static void test_foreign(void)
{
	static const char theirs[] = TAG("owner", W_VM) "," TAG("class", "oma");
	static const char words[] = "another appliance, " W_VM;
	_cleanup_json_ json_object *v = NULL;
	struct world w = { 0 };

	o_start(&w, NULL, NULL);
	seed(&w, "theirs", theirs);
	CU_ASSERT_PTR_NULL(o_call(&w, "ForgetVolume", "sa{sv}", adoptee, 0));
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "NotManaged");
	for (unsigned i = 0; i < 2; i++) {
		w_sim_post(&w, "clear-log", "{}");
		o_fail(&w, o_call(&w, "DeleteVolume", "sa{sv}", adoptee, 1, "unmanaged", "b", 1),
		       "failed", "Protected", words);
		o_fail(&w, o_call(&w, "AdoptVolume", "ssa{sv}", "oma", adoptee, 0), "failed",
		       "Protected", words);
		o_fail(&w, o_call(&w, "AttachVolume", "sssa{sv}", "oma", adoptee, "", 0), "failed",
		       "Protected", words);
		CU_ASSERT_EQUAL(executed_of_all(&w), 0);
		if (i > 0)
			break;
		seed(&w, "ours at first", "");
		json_object_put(
			o_succeed(&w, o_call(&w, "AdoptVolume", "ssa{sv}", "oma", adoptee, 0)));
		seed(&w, "theirs", theirs);
	}

	/* it can be taken off our store; its tags are not ours */
	json_object_put(o_succeed(&w, o_call(&w, "ForgetVolume", "sa{sv}", adoptee, 0)));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, adoptee, "State"), "");
	CU_ASSERT_EQUAL(executed_of_all(&w), 0);
	v = w_volume(&w, adoptee);
	CU_ASSERT_PTR_NOT_NULL(strstr(json_object_to_json_string(v), W_VM));
	w_stop(&w);
}

/* ---- many at once ------------------------------------------------------------------------------------------------------- */

#define N_VOLUMES 10
#define N_CALLS   100
#define N_ROUNDS  4

static void send_one(struct world *w, struct o_calls *calls, unsigned kind, const char *volume)
{
	switch (kind % 8) {
	case 0:
	case 3:
	case 5:
		o_send(w, calls, "AttachVolume", "sssa{sv}", "oma", volume, "", 0);
		break;
	case 1:
	case 4:
		o_send(w, calls, "DetachVolume", "sa{sv}", volume, 0);
		break;
	case 2:
		o_send(w, calls, "ForgetVolume", "sa{sv}", volume, 0);
		break;
	case 6:
		o_send(w, calls, "AdoptVolume", "ssa{sv}", "oma", volume, 0);
		break;
	default:
		o_send(w, calls, "DeleteVolume", "sa{sv}", volume, 0);
	}
}

/* Errors that only say that another call came first. */
static bool is_fair(const char *error)
{
	static const char *const fair[] = { "Busy", "NotManaged", "NotFound", "WrongState" };

	for (size_t i = 0; i < ARRAY_SIZE(fair); i++)
		if (starts_with(error, W_ERROR) && streq(error + strlen(W_ERROR), fair[i]))
			return true;
	tap_note("error %s", error);
	return false;
}

/* Volumes that CreateVolume made are added to ids. Returns how many succeeded. */
static unsigned wait_for_all(struct world *w, const struct o_calls *calls, json_object *ids)
{
	unsigned n = 0;

	for (size_t i = 0; i < json_object_array_length(calls->paths); i++) {
		const char *path =
			json_object_get_string(json_object_array_get_idx(calls->paths, i));

		(void)w_wait(w, path);
		if (!streq(w_op_str(w, path, "State"), "succeeded")) {
			CU_ASSERT(is_fair(w_op_str(w, path, "Error")));
			continue;
		}
		n++;
		if (streq(w_op_str(w, path, "Kind"), "CreateVolume")) {
			_cleanup_json_ json_object *result =
				w_property(w, path, W_OPERATION, "Result");

			json_object_array_add(ids, json_object_new_string(
							   mk_json_str(result, "Volume", "")));
		}
	}
	for (size_t i = 0; i < json_object_array_length(calls->refusals); i++)
		CU_ASSERT(is_fair(
			json_object_get_string(json_object_array_get_idx(calls->refusals, i))));
	return n;
}

/* All calls of a round are on their way before the first is answered. */
static unsigned one_round(struct world *w, unsigned round, json_object *ids)
{
	struct o_calls calls = { json_object_new_array(), json_object_new_array(), 0 };
	unsigned n;

	for (unsigned i = 0; i < N_CALLS; i++) {
		json_object *id = json_object_array_get_idx(ids, (size_t)i * 7 % N_VOLUMES);

		if (i % 10 == 3)
			o_send(w, &calls, "CreateVolume", "ssta{sv}", "oma", "new", O_GIB, 0);
		else
			send_one(w, &calls, i + 3 * round, json_object_get_string(id));
	}
	o_gather(w, &calls);
	n = wait_for_all(w, &calls, ids);
	tap_note("round %u: %zu accepted, %u succeeded", round,
		 json_object_array_length(calls.paths), n);
	CU_ASSERT(json_object_array_length(calls.paths) >= N_CALLS / 10);
	json_object_put(calls.paths);
	json_object_put(calls.refusals);
	return n;
}

static void compare_with_cloud(struct world *w, const char *volume)
{
	_cleanup_json_ json_object *v = w_volume(w, volume);
	bool removed = mk_json_bool(v, "removed", false);
	bool tagged = strstr(json_object_to_json_string(v), "migratekit:owner");
	const char *vm = mk_json_str(v, "virtualmachineid", "");

	CU_ASSERT_EQUAL(*o_volume(w, volume, "State") != '\0', tagged && !removed);
	if (removed || !tagged)
		return;
	CU_ASSERT_STRING_EQUAL(o_volume(w, volume, "VM"), vm);
	CU_ASSERT_EQUAL(*o_device(w, volume, "Device") != '\0', streq(vm, W_OMA));
}

/* L20: mixed calls on few volumes, all at once: each is done or refused; the end is CloudStack's. */
static void test_parallel(void)
{
	static const char *const commands[] = { "createVolume",  "attachVolume", "detachVolume",
						"destroyVolume", "createTags",   "deleteTags" };
	_cleanup_json_ json_object *ids = json_object_new_array(), *last = NULL;
	struct world w = { 0 };
	unsigned n = 0;

	o_start(&w, NULL, NULL);
	for (unsigned i = 0; i < N_VOLUMES; i++) {
		_cleanup_free_ char *name = mk_strdup_printf("v%u", i);

		json_object_array_add(ids, json_object_new_string(i % 2 ? o_attached(&w, name)
									: o_new_volume(&w, name)));
	}
	w_sim_post(&w, "clear-log", "{}");
	for (unsigned round = 0; round < N_ROUNDS; round++)
		n += one_round(&w, round, ids);
	CU_ASSERT(n >= N_ROUNDS * N_CALLS / 10);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		CU_ASSERT(w_executed(&w, commands[i]) > 0); /* it was a mixture */

	for (size_t i = 0; i < json_object_array_length(ids); i++)
		compare_with_cloud(&w, json_object_get_string(json_object_array_get_idx(ids, i)));
	last = reconcile(&w, false);
	expect_none(last);
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "L04-healthy", test_healthy },
		{ "L17-differences", test_differences },
		{ "tags", test_tags },
		{ "rebuild", test_rebuild },
		{ "damaged", test_damaged },
		{ "at-start", test_at_start },
		{ "adopt-forget", test_adopt },
		{ "adopted-names", test_adopted_names },
		{ "foreign", test_foreign },
		{ "L20-parallel", test_parallel },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "reconcile", NULL, NULL, tests);
}
