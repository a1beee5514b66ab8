/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves src/store on real SQLite databases in a scratch directory: what is stored and found again, what an
 * uncommitted change leaves, how long ended operations are kept, and what happens to a damaged, newer or locked
 * database.
 */

#include "store/store.h"
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char dir[] = "/tmp/mk-test-store.XXXXXX";
static char path[sizeof(dir) + 16];

static int set_up(void)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/t.db", dir);
	return 0;
}

static void remove_db(void)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_free_ char *name = mk_strdup_printf("%s%s", path, suffixes[i]);

		(void)unlink(name);
	}
}

static int tear_down(void)
{
	remove_db();
	return rmdir(dir);
}

static struct mk_store *open_store(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_store *store = NULL;

	CU_ASSERT_EQUAL_FATAL(mk_store_open(path, &store, &error), 0);
	return store;
}

static void fill(struct mk_op_record *r, const char *id)
{
	mk_op_record_init(r);
	mk_str_set(&r->id, id);
	mk_str_set(&r->kind, "DeleteRootVolume");
	mk_str_set(&r->class, "test-vm");
	mk_str_set(&r->vm, "22222222-2222-4222-8222-222222222222");
	mk_str_set(&r->step, "detach");
	mk_str_set(&r->message, "Zürich 磁盘");
	mk_str_set(&r->command, "detachVolume");
	mk_str_set(&r->command_job, "3f2504e0-4f89-41d3-9a0c-0305e82c3301");
	json_object_array_add(r->volumes,
			      json_object_new_string("33333333-3333-4333-8333-333333333333"));
	mk_json_set_bool(r->scratch, "detach-sent", true);
	r->state = MK_OP_RUNNING;
	r->step_index = 3;
	r->step_count = 6;
	r->vm_claimed = true;
	r->error = MK_ERROR_REFUSED;
	r->command_state = MK_COMMAND_ACCEPTED;
	r->command_code = 530;
	r->caller = 0;
	r->created = 1767225600000000;
	r->deadline = 1767229200000000;
}

static void test_round_trip(void)
{
	_cleanup_(mk_store_closep) struct mk_store *store = open_store();
	struct mk_op_record a, b;

	fill(&a, "op_1");
	CU_ASSERT_EQUAL(mk_store_put_op(store, &a), 0);
	CU_ASSERT_EQUAL(mk_store_commit(store), 0);
	store = mk_store_close(store);

	store = open_store();
	CU_ASSERT_EQUAL_FATAL(mk_store_get_op(store, "op_1", &b), 0);
	CU_ASSERT_STRING_EQUAL(b.kind, a.kind);
	CU_ASSERT_STRING_EQUAL(b.class, a.class);
	CU_ASSERT_STRING_EQUAL(b.vm, a.vm);
	CU_ASSERT_STRING_EQUAL(b.step, a.step);
	CU_ASSERT_STRING_EQUAL(b.message, a.message);
	CU_ASSERT_STRING_EQUAL(b.command, a.command);
	CU_ASSERT_STRING_EQUAL(b.command_job, a.command_job);
	CU_ASSERT(json_object_equal(b.volumes, a.volumes));
	CU_ASSERT(json_object_equal(b.scratch, a.scratch));
	CU_ASSERT_EQUAL(b.state, MK_OP_RUNNING);
	CU_ASSERT_EQUAL(b.error, MK_ERROR_REFUSED);
	CU_ASSERT_EQUAL(b.command_state, MK_COMMAND_ACCEPTED);
	CU_ASSERT_EQUAL(b.command_code, 530);
	CU_ASSERT_EQUAL(b.step_index, 3);
	CU_ASSERT(b.vm_claimed);
	CU_ASSERT_EQUAL(b.created, a.created);
	CU_ASSERT_EQUAL(b.deadline, a.deadline);
	mk_op_record_done(&a);
	mk_op_record_done(&b);
	CU_ASSERT_EQUAL(mk_store_get_op(store, "op_2", &b), -ENOENT);
}

/* What was not committed is not there after the next start. */
static void test_uncommitted_is_lost(void)
{
	_cleanup_(mk_store_closep) struct mk_store *store = open_store();
	struct mk_op_record a, b;

	fill(&a, "op_lost");
	CU_ASSERT_EQUAL(mk_store_put_op(store, &a), 0);
	mk_op_record_done(&a);
	store = mk_store_close(store);
	store = open_store();
	CU_ASSERT_EQUAL(mk_store_get_op(store, "op_lost", &b), -ENOENT);
}

static void count(const char *id, void *data)
{
	(*(unsigned *)data)++;
}

static void count_record(const struct mk_op_record *r, void *data)
{
	(*(unsigned *)data)++;
}

/* L46: the operations table does not grow without end. */
static void test_retention(void)
{
	_cleanup_(mk_store_closep) struct mk_store *store = NULL;
	struct mk_op_filter all = { .limit = 1000 }, failed = { .state = "failed", .limit = 1000 };
	unsigned n = 0;

	remove_db();
	store = open_store();
	for (unsigned i = 0; i < 20; i++) {
		char id[16];
		struct mk_op_record r;

		snprintf(id, sizeof(id), "op_%u", i);
		fill(&r, id);
		r.state = i == 0 ? MK_OP_RUNNING : MK_OP_SUCCEEDED;
		r.finished = i * 1000;
		CU_ASSERT_EQUAL(mk_store_put_op(store, &r), 0);
		CU_ASSERT_EQUAL(mk_store_add_event(store, id, "accepted", ""), 0);
		mk_op_record_done(&r);
	}
	CU_ASSERT_EQUAL(mk_store_commit(store), 0);

	CU_ASSERT_EQUAL(mk_store_prune(store, 5000, 1000),
			0); /* 5 … 19 stay, and the running one */
	CU_ASSERT_EQUAL(mk_store_list_ops(store, &all, count_record, &n), 0);
	CU_ASSERT_EQUAL(n, 16);

	CU_ASSERT_EQUAL(mk_store_prune(store, 0, 4), 0);
	n = 0;
	CU_ASSERT_EQUAL(mk_store_list_ops(store, &all, count_record, &n), 0);
	CU_ASSERT_EQUAL(n, 5);
	n = 0;
	CU_ASSERT_EQUAL(mk_store_unfinished(store, count, &n), 0);
	CU_ASSERT_EQUAL(n, 1);
	n = 0;
	CU_ASSERT_EQUAL(mk_store_newest_finished(store, 3, count, &n), 0);
	CU_ASSERT_EQUAL(n, 3);
	n = 0;
	CU_ASSERT_EQUAL(mk_store_list_ops(store, &failed, count_record, &n), 0);
	CU_ASSERT_EQUAL(n, 0);
}

static void put_child(struct mk_store *store, const char *id, const char *parent,
		      enum mk_op_state state)
{
	struct mk_op_record r;

	fill(&r, id);
	r.state = state;
	r.finished = mk_op_state_final(state) ? 1 : 0;
	CU_ASSERT_EQUAL(mk_str_set(&r.parent, parent), 0);
	CU_ASSERT_EQUAL(mk_store_put_op(store, &r), 0);
	mk_op_record_done(&r);
}

/* What an unfinished operation waits for is kept. */
static void test_retention_of_children(void)
{
	_cleanup_(mk_store_closep) struct mk_store *store = NULL;
	struct mk_op_filter all = { .limit = 10 };
	struct mk_op_record r;
	unsigned n = 0;

	remove_db();
	store = open_store();
	put_child(store, "running", "", MK_OP_RUNNING);
	put_child(store, "running_m0", "running", MK_OP_SUCCEEDED);
	put_child(store, "ended", "", MK_OP_SUCCEEDED);
	put_child(store, "ended_m0", "ended", MK_OP_SUCCEEDED);
	put_child(store, "orphan", "nobody", MK_OP_SUCCEEDED);
	CU_ASSERT_EQUAL(mk_store_prune(store, 1000, 0), 0);
	CU_ASSERT_EQUAL(mk_store_list_ops(store, &all, count_record, &n), 0);
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_EQUAL(mk_store_get_op(store, "running_m0", &r), 0);
	mk_op_record_done(&r);
}

static void note_order(const char *id, void *data)
{
	json_object_array_add(data, json_object_new_string(id));
}

/* A clock that was set back made the child older than its parent: the parent claims first all the same. */
static void test_parents_first(void)
{
	_cleanup_(mk_store_closep) struct mk_store *store = NULL;
	_cleanup_json_ json_object *order = json_object_new_array();
	struct mk_op_record r;

	remove_db();
	store = open_store();
	put_child(store, "late_m0", "late", MK_OP_RUNNING);
	fill(&r, "late");
	r.created += 3600 * USEC_PER_SEC;
	CU_ASSERT_EQUAL(mk_store_put_op(store, &r), 0);
	mk_op_record_done(&r);
	put_child(store, "early", "", MK_OP_RUNNING);
	CU_ASSERT_EQUAL(mk_store_unfinished(store, note_order, order), 0);
	CU_ASSERT_STRING_EQUAL(json_object_to_json_string_ext(order, JSON_C_TO_STRING_PLAIN),
			       "[\"early\",\"late\",\"late_m0\"]");
}

static void test_filter(void)
{
	_cleanup_(mk_store_closep) struct mk_store *store = NULL;
	struct mk_op_filter by_volume = { .volume = "33333333-3333-4333-8333-333333333333",
					  .limit = 10 };
	struct mk_op_filter other = { .volume = "33333333", .limit = 10 };
	struct mk_op_record r;
	unsigned n = 0;

	remove_db();
	store = open_store();
	fill(&r, "op_f");
	CU_ASSERT_EQUAL(mk_store_put_op(store, &r), 0);
	mk_op_record_done(&r);
	CU_ASSERT_EQUAL(mk_store_list_ops(store, &by_volume, count_record, &n), 0);
	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_EQUAL(mk_store_list_ops(store, &other, count_record, &n), 0);
	CU_ASSERT_EQUAL(n, 1);
}

static void test_second_daemon(void)
{
	_cleanup_(mk_store_closep) struct mk_store *store = open_store();
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_store *other = NULL;

	CU_ASSERT_EQUAL(mk_store_open(path, &other, &error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "in use by another daemon"));
}

static void write_file(const char *text)
{
	_cleanup_fclose_ FILE *f = fopen(path, "we");

	for (unsigned i = 0; i < 4096; i++)
		fputs(text, f);
}

/* Where nothing can be written nobody is told to move a good file away. */
static void test_disk_full(void)
{
	struct rlimit none, full;
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_store *store;
	int r;

	mk_store_close(open_store());
	signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit fails */
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &none), 0);
	full = (struct rlimit){ 1024, none.rlim_max };
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &full), 0);
	r = mk_store_open(path, &store, &error);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &none), 0);
	signal(SIGXFSZ, SIG_DFL);
	CU_ASSERT_EQUAL(r, -EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(str_or_empty(error.text), "cannot use the database"));

	mk_store_close(open_store());
}

/* A damaged file is refused with a clear message, and stays as it is. */
static void test_damaged(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_store *store = NULL;
	struct stat before, after;

	remove_db();
	write_file("this is no database\n");
	CU_ASSERT_EQUAL(stat(path, &before), 0);
	CU_ASSERT_EQUAL(mk_store_open(path, &store, &error), -EUCLEAN);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "is damaged"));
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, path));
	CU_ASSERT_EQUAL(stat(path, &after), 0);
	CU_ASSERT_EQUAL(before.st_size, after.st_size);
	remove_db();
}

static void test_newer_schema(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_store *store = NULL;
	sqlite3 *db;

	remove_db();
	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	CU_ASSERT_EQUAL(mk_store_open(path, &store, &error), -ENOTSUP);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "newer version"));
	remove_db();
}

static int take_target(const struct mk_volume_record *r, void *data)
{
	char *target = data;

	CU_ASSERT(strlen(r->target) < MK_UUID_SIZE);
	snprintf(target, MK_UUID_SIZE, "%s", r->target);
	return 0;
}

/* Of a volume on its way, schema 2 knows the target by the operation only. */
static void test_targets_of_schema_2(void)
{
	static const char rows[] = "INSERT INTO volumes VALUES "
				   "('33333333-3333-4333-8333-333333333333', 'n', 'failover',"
				   " '', -1, 1, 'attaching', '', 1);"
				   "PRAGMA user_version = 2;";
	char target[MK_UUID_SIZE] = "";
	struct mk_op_record r = { 0 };
	struct mk_store *store;
	sqlite3 *db;

	remove_db();
	store = open_store();
	fill(&r, "op_1");
	CU_ASSERT_EQUAL(mk_store_put_op(store, &r), 0);
	CU_ASSERT_EQUAL(mk_store_commit(store), 0);
	mk_store_close(store);
	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, "ALTER TABLE volumes DROP COLUMN target", NULL, NULL,
				     NULL),
			SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, rows, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);

	store = open_store();
	CU_ASSERT_EQUAL(mk_store_each_volume(store, take_target, target), 0);
	CU_ASSERT_STRING_EQUAL(target, r.vm);
	mk_store_close(store);
	mk_op_record_done(&r);
	remove_db();
}

static void test_no_directory(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_store *store = NULL;

	CU_ASSERT(mk_store_open("/nonexistent/x.db", &store, &error) < 0);
	CU_ASSERT(mk_error_is_set(&error));
}

/* Every word has its number and back; the database and the bus use the same ones. */
static void test_names(void)
{
	for (int i = 0; i < MK_OP_N_STATES; i++)
		CU_ASSERT_EQUAL(mk_op_state_from_string(mk_op_state_to_string((enum mk_op_state)i)),
				i);
	for (int i = 0; i < MK_COMMAND_N_STATES; i++)
		CU_ASSERT_EQUAL(mk_command_state_from_string(
					mk_command_state_to_string((enum mk_command_state)i)),
				i);
	for (int i = 0; i <= MK_ERROR_TIMEOUT; i++)
		CU_ASSERT_EQUAL(mk_error_from_string(mk_error_to_string((enum mk_error_code)i)), i);
	CU_ASSERT(mk_op_state_from_string("done") < 0);
	CU_ASSERT(mk_error_from_string("Nope") < 0);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "round-trip", test_round_trip },
		{ "uncommitted-is-lost", test_uncommitted_is_lost },
		{ "L46-retention", test_retention },
		{ "retention-of-children", test_retention_of_children },
		{ "parents-first", test_parents_first },
		{ "filter", test_filter },
		{ "second-daemon", test_second_daemon },
		{ "disk-full", test_disk_full },
		{ "damaged", test_damaged },
		{ "newer-schema", test_newer_schema },
		{ "targets-of-schema-2", test_targets_of_schema_2 },
		{ "no-directory", test_no_directory },
		{ "names", test_names },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "store", set_up, tear_down, tests);
}
