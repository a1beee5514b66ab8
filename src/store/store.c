/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The SQLite database: opening, checking and migrating it; one transaction at a time; writing, reading and dropping
 * operations, events and volumes. The schema is in schema-internal.h. */

#include "store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>

#include "schema-internal.h"

enum {
	STMT_BEGIN,
	STMT_COMMIT,
	STMT_PUT_OP,
	STMT_GET_OP,
	STMT_UNFINISHED,
	STMT_NEWEST_FINISHED,
	STMT_LIST_OPS,
	STMT_HAS_BATCH,
	STMT_ADD_EVENT,
	STMT_PRUNE_AGE,
	STMT_PRUNE_COUNT,
	STMT_PUT_VOLUME,
	STMT_DELETE_VOLUME,
	STMT_EACH_VOLUME,
	N_STMTS,
};

#define OP_COLUMNS                                                                                 \
	"id, kind, class, args, volumes, vm, vm_claimed, state, step, step_index, step_count, "    \
	"undoing, undone, undo_failed, cancel, error, message, details, result, scratch, "         \
	"command, command_params, command_job, command_state, command_sync, command_code, "        \
	"command_tries, command_text, caller, created, started, finished, deadline, parent"

#define FINISHED "state IN ('succeeded', 'failed', 'cancelled', 'rolled-back')"
/* Nobody waits for it: the operation that made it has ended. */
#define UNNEEDED                                                                                   \
	"NOT EXISTS (SELECT 1 FROM operations AS p WHERE p.id = operations.parent AND NOT "        \
	"p." FINISHED ")"

static const char *const sql[N_STMTS] = {
	[STMT_BEGIN] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_PUT_OP] =
		"INSERT OR REPLACE INTO operations (" OP_COLUMNS ") VALUES (?1, ?2, ?3, ?4, "
		"?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, "
		"?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34)",
	[STMT_GET_OP] = "SELECT " OP_COLUMNS " FROM operations WHERE id = ?1",
	/* Whatever the clock did: what a child works on is its parent's first. */
	[STMT_UNFINISHED] = "SELECT id FROM operations WHERE NOT " FINISHED
			    " ORDER BY parent <> '', created, id",
	[STMT_NEWEST_FINISHED] =
		"SELECT id FROM (SELECT id, finished FROM operations WHERE " FINISHED
		" ORDER BY finished DESC LIMIT ?1) ORDER BY finished",
	[STMT_LIST_OPS] = "SELECT " OP_COLUMNS
			  " FROM operations WHERE (?1 = '' OR class = ?1) AND (?2 = '' OR "
			  "kind = ?2) AND (?3 = '' OR state = ?3) AND (?4 = '' OR vm = ?4) AND (?5 "
			  "= '' OR EXISTS "
			  "(SELECT 1 FROM json_each(volumes) WHERE value = ?5)) ORDER BY created "
			  "DESC, id LIMIT "
			  "?6 OFFSET ?7",
	/* '0' to '9' are what is before ':' */
	[STMT_HAS_BATCH] =
		"SELECT EXISTS (SELECT 1 FROM operations "
		"WHERE id >= ?1 || '_0' AND id < ?1 || '_:' "
		"AND substr(json_extract(args, '$[#-1].batch'), 1, length(?1) + 1) = ?1 || ':')",
	[STMT_ADD_EVENT] = "INSERT INTO events (at, operation, what, text) VALUES (?1, ?2, ?3, ?4)",
	[STMT_PRUNE_AGE] =
		"DELETE FROM operations WHERE " FINISHED " AND finished < ?1 AND " UNNEEDED,
	[STMT_PRUNE_COUNT] =
		"DELETE FROM operations WHERE " FINISHED " AND id NOT IN (SELECT id FROM "
		"operations WHERE " FINISHED " ORDER BY finished DESC LIMIT ?1) AND " UNNEEDED,
	[STMT_PUT_VOLUME] = "INSERT OR REPLACE INTO volumes (id, name, class, vm, device_id, size, "
			    "state, device, created, target) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, "
			    "?8, ?9, ?10)",
	[STMT_DELETE_VOLUME] = "DELETE FROM volumes WHERE id = ?1",
	[STMT_EACH_VOLUME] =
		"SELECT id, name, class, vm, device_id, size, state, device, created, target FROM "
		"volumes ORDER BY created, id",
};

struct mk_store {
	sqlite3 *db;
	sqlite3_stmt *stmt[N_STMTS];
	int lock; /* held for as long as the database is ours */
	bool in_transaction;
	char *failed; /* NULL while all is well */
};

/* ---- opening ---------------------------------------------------------------------------------------- */

static int poison(struct mk_store *store, const char *doing)
{
	if (!store->failed)
		store->failed = mk_strdup_printf("%s: %s", doing, sqlite3_errmsg(store->db));
	return -EIO;
}

/* A lock beside the database: SQLite's own lock is free between two transactions. */
static int take_lock(struct mk_store *store, const char *path, struct mk_error *error)
{
	_cleanup_free_ char *lock_path = mk_strdup_printf("%s.lock", path);
	int r;

	if (!lock_path)
		return -ENOMEM;

	store->lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->lock < 0) {
		r = -errno;
		mk_error_set(error, MK_ERROR_INTERNAL, "cannot open %s: %s", lock_path,
			     strerror(-r));
		return r;
	}

	if (flock(store->lock, LOCK_EX | LOCK_NB) < 0) {
		mk_error_set(error, MK_ERROR_BUSY, "%s is in use by another daemon", path);
		return -EBUSY;
	}

	return 0;
}

static int damaged(const char *path, const char *why, struct mk_error *error)
{
	mk_error_set(error, MK_ERROR_INTERNAL,
		     "the database %s is damaged (%s); it was left as it is. Move it away together "
		     "with its -wal and -shm files (or restore a backup), start again, and call "
		     "Reconcile with "
		     "repair=true: managed volumes are found by their tags in CloudStack",
		     path, why);
	return -EUCLEAN;
}

/* What the database says when it is at the disk, the memory or another process, and not at the file. */
static int unusable(struct mk_store *store, const char *path, struct mk_error *error)
{
	const char *why = sqlite3_errmsg(store->db);

	switch (sqlite3_errcode(store->db) & 0xff) {
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_NOMEM:
	case SQLITE_BUSY:
	case SQLITE_CANTOPEN:
		mk_error_set(error, MK_ERROR_INTERNAL, "cannot use the database %s: %s", path, why);
		return -EIO;
	default:
		return damaged(path, why, error);
	}
}

static int check_integrity(struct mk_store *store, const char *path, struct mk_error *error)
{
	sqlite3_stmt *s;
	int r;

	r = sqlite3_prepare_v2(store->db, "PRAGMA quick_check(1)", -1, &s, NULL);
	if (r != SQLITE_OK)
		return unusable(store, path, error);

	r = sqlite3_step(s);
	if (r != SQLITE_ROW)
		r = unusable(store, path, error);
	else if (!streq((const char *)sqlite3_column_text(s, 0), "ok"))
		r = damaged(path, (const char *)sqlite3_column_text(s, 0), error);
	else
		r = 0;
	sqlite3_finalize(s);
	return r;
}

static int user_version(sqlite3 *db)
{
	sqlite3_stmt *s;
	int v = -1;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(s) == SQLITE_ROW)
		v = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return v;
}

/* Each migration is one transaction that also moves user_version on. */
static int migrate(struct mk_store *store, const char *path, struct mk_error *error)
{
	int version = user_version(store->db);

	if (version < 0)
		return unusable(store, path, error);

	if ((size_t)version > ARRAY_SIZE(migrations)) {
		mk_error_set(error, MK_ERROR_INTERNAL,
			     "the database %s was written by a newer version (schema %d, this one "
			     "knows %zu): install that version again",
			     path, version, ARRAY_SIZE(migrations));
		return -ENOTSUP;
	}

	for (size_t i = (size_t)version; i < ARRAY_SIZE(migrations); i++) {
		_cleanup_free_ char *script =
			mk_strdup_printf("BEGIN IMMEDIATE; %s PRAGMA user_version = %zu; COMMIT;",
					 migrations[i], i + 1);

		if (!script)
			return -ENOMEM;
		if (sqlite3_exec(store->db, script, NULL, NULL, NULL) != SQLITE_OK) {
			mk_error_set(error, MK_ERROR_INTERNAL,
				     "cannot bring the database %s to schema %zu: %s", path, i + 1,
				     sqlite3_errmsg(store->db));
			return -EIO;
		}
	}

	return 0;
}

static int prepare_all(struct mk_store *store, const char *path, struct mk_error *error)
{
	for (size_t i = 0; i < N_STMTS; i++)
		if (sqlite3_prepare_v3(store->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &store->stmt[i], NULL) != SQLITE_OK)
			return unusable(store, path, error);

	return 0;
}

int mk_store_open(const char *path, struct mk_store **ret, struct mk_error *error)
{
	static const char pragmas[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
				      "PRAGMA foreign_keys = ON; PRAGMA cache_size = -2048;"
				      "PRAGMA trusted_schema = OFF;";
	_cleanup_(mk_store_closep) struct mk_store *store = NULL;
	int r;

	store = calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	store->lock = -1;

	r = take_lock(store, path, error);
	if (r < 0)
		return r;

	r = sqlite3_open_v2(path, &store->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (r != SQLITE_OK) {
		mk_error_set(error, MK_ERROR_INTERNAL, "cannot open the database %s: %s", path,
			     store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(r));
		return -EIO;
	}

	if (sqlite3_exec(store->db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
		return unusable(store, path, error);

	r = check_integrity(store, path, error);
	if (r < 0)
		return r;

	r = migrate(store, path, error);
	if (r < 0)
		return r;

	r = prepare_all(store, path, error);
	if (r < 0)
		return r;

	*ret = take_ptr(store);
	return 0;
}

struct mk_store *mk_store_close(struct mk_store *store)
{
	if (!store)
		return NULL;

	for (size_t i = 0; i < N_STMTS; i++)
		sqlite3_finalize(store->stmt[i]);
	sqlite3_close(store->db);
	if (store->lock >= 0)
		close(store->lock);
	free(store->failed);
	free(store);
	return NULL;
}

const char *mk_store_failed(struct mk_store *store)
{
	return str_or_empty(store->failed);
}

/* ---- statements ------------------------------------------------------------------------------------- */

static int run(struct mk_store *store, int stmt, const char *doing)
{
	sqlite3_stmt *s = store->stmt[stmt];
	int r = sqlite3_step(s);

	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return r == SQLITE_DONE ? 0 : poison(store, doing);
}

static int begin(struct mk_store *store)
{
	int r;

	if (store->failed)
		return -EIO;
	if (store->in_transaction)
		return 0;

	r = run(store, STMT_BEGIN, "cannot begin a transaction");
	if (r == 0)
		store->in_transaction = true;
	return r;
}

int mk_store_commit(struct mk_store *store)
{
	if (store->failed)
		return -EIO;
	if (!store->in_transaction)
		return 0;

	store->in_transaction = false;
	return run(store, STMT_COMMIT, "cannot commit");
}

static void bind_text(sqlite3_stmt *s, int i, const char *v)
{
	sqlite3_bind_text(s, i, v, -1, SQLITE_TRANSIENT);
}

static void bind_json(sqlite3_stmt *s, int i, json_object *v)
{
	bind_text(s, i, json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN));
}

static void bind_time(sqlite3_stmt *s, int i, uint64_t v)
{
	sqlite3_bind_int64(s, i, (sqlite3_int64)v);
}

int mk_store_put_op(struct mk_store *store, const struct mk_op_record *r)
{
	sqlite3_stmt *s = store->stmt[STMT_PUT_OP];
	int i = 1, k;

	k = begin(store);
	if (k < 0)
		return k;

	bind_text(s, i++, r->id);
	bind_text(s, i++, r->kind);
	bind_text(s, i++, r->class);
	bind_json(s, i++, r->args);
	bind_json(s, i++, r->volumes);
	bind_text(s, i++, r->vm);
	sqlite3_bind_int(s, i++, r->vm_claimed);
	bind_text(s, i++, mk_op_state_to_string(r->state));
	bind_text(s, i++, r->step);
	sqlite3_bind_int64(s, i++, r->step_index);
	sqlite3_bind_int64(s, i++, r->step_count);
	sqlite3_bind_int(s, i++, r->undoing);
	sqlite3_bind_int64(s, i++, r->undone);
	sqlite3_bind_int64(s, i++, r->undo_failed);
	sqlite3_bind_int(s, i++, r->cancel);
	bind_text(s, i++, mk_error_to_string(r->error));
	bind_text(s, i++, r->message);
	bind_json(s, i++, r->details);
	bind_json(s, i++, r->result);
	bind_json(s, i++, r->scratch);
	bind_text(s, i++, r->command);
	bind_json(s, i++, r->command_params);
	bind_text(s, i++, r->command_job);
	bind_text(s, i++, mk_command_state_to_string(r->command_state));
	sqlite3_bind_int(s, i++, r->command_sync);
	sqlite3_bind_int64(s, i++, r->command_code);
	sqlite3_bind_int64(s, i++, r->command_tries);
	bind_text(s, i++, r->command_text);
	sqlite3_bind_int64(s, i++, r->caller);
	bind_time(s, i++, r->created);
	bind_time(s, i++, r->started);
	bind_time(s, i++, r->finished);
	bind_time(s, i++, r->deadline);
	bind_text(s, i++, r->parent);
	return run(store, STMT_PUT_OP, "cannot store an operation");
}

/* ---- reading ------------------------------------------------------------------------------------------ */

static char *column_text(sqlite3_stmt *s, int i)
{
	const unsigned char *v = sqlite3_column_text(s, i);

	return strdup(v ? (const char *)v : "");
}

/* NULL if the text is no JSON of that type. */
static json_object *column_json(sqlite3_stmt *s, int i, json_type type)
{
	const unsigned char *v = sqlite3_column_text(s, i);
	json_object *o = v ? json_tokener_parse((const char *)v) : NULL;

	if (o && !json_object_is_type(o, type)) {
		json_object_put(o);
		o = NULL;
	}
	return o;
}

static uint64_t column_time(sqlite3_stmt *s, int i)
{
	return (uint64_t)sqlite3_column_int64(s, i);
}

/* The options are the last argument where that is an object. */
static json_object *options_of(json_object *args)
{
	size_t n = args ? json_object_array_length(args) : 0;
	json_object *last = n ? json_object_array_get_idx(args, n - 1) : NULL;

	return last && json_object_is_type(last, json_type_object) ? json_object_get(last)
								   : json_object_new_object();
}

/* Returns 0, or -EUCLEAN for a row that this program did not write. */
static int read_op(sqlite3_stmt *s, struct mk_op_record *r)
{
	_cleanup_free_ char *state = NULL, *error = NULL, *command_state = NULL;
	int i = 0, e, st, cs;

	*r = (struct mk_op_record){ 0 };
	r->id = column_text(s, i++);
	r->kind = column_text(s, i++);
	r->class = column_text(s, i++);
	r->args = column_json(s, i++, json_type_array);
	r->options = options_of(r->args);
	r->volumes = column_json(s, i++, json_type_array);
	r->vm = column_text(s, i++);
	r->vm_claimed = sqlite3_column_int(s, i++);
	state = column_text(s, i++);
	r->step = column_text(s, i++);
	r->step_index = sqlite3_column_int64(s, i++);
	r->step_count = sqlite3_column_int64(s, i++);
	r->undoing = sqlite3_column_int(s, i++);
	r->undone = sqlite3_column_int64(s, i++);
	r->undo_failed = sqlite3_column_int64(s, i++);
	r->cancel = sqlite3_column_int(s, i++);
	error = column_text(s, i++);
	r->message = column_text(s, i++);
	r->details = column_json(s, i++, json_type_object);
	r->result = column_json(s, i++, json_type_object);
	r->scratch = column_json(s, i++, json_type_object);
	r->command = column_text(s, i++);
	r->command_params = column_json(s, i++, json_type_object);
	r->command_job = column_text(s, i++);
	command_state = column_text(s, i++);
	r->command_sync = sqlite3_column_int(s, i++);
	r->command_code = sqlite3_column_int64(s, i++);
	r->command_tries = sqlite3_column_int64(s, i++);
	r->command_text = column_text(s, i++);
	r->caller = sqlite3_column_int64(s, i++);
	r->created = column_time(s, i++);
	r->started = column_time(s, i++);
	r->finished = column_time(s, i++);
	r->deadline = column_time(s, i++);
	r->parent = column_text(s, i++);

	e = error ? mk_error_from_string(error) : -EINVAL;
	st = state ? mk_op_state_from_string(state) : -EINVAL;
	cs = command_state ? mk_command_state_from_string(command_state) : -EINVAL;
	if (e < 0 || st < 0 || cs < 0 || !mk_op_record_complete(r)) {
		mk_op_record_done(r);
		return -EUCLEAN;
	}

	r->error = (enum mk_error_code)e;
	r->state = (enum mk_op_state)st;
	r->command_state = (enum mk_command_state)cs;
	return 0;
}

int mk_store_get_op(struct mk_store *store, const char *id, struct mk_op_record *ret)
{
	sqlite3_stmt *s = store->stmt[STMT_GET_OP];
	int r, k;

	bind_text(s, 1, id);
	r = sqlite3_step(s);
	if (r == SQLITE_ROW)
		k = read_op(s, ret);
	else
		k = r == SQLITE_DONE ? -ENOENT : poison(store, "cannot read an operation");
	sqlite3_reset(s);
	return k;
}

int mk_store_has_batch(struct mk_store *store, const char *token)
{
	sqlite3_stmt *s = store->stmt[STMT_HAS_BATCH];
	int r, k;

	bind_text(s, 1, token);
	r = sqlite3_step(s);
	k = r == SQLITE_ROW ? sqlite3_column_int(s, 0) : poison(store, "cannot look for a batch");
	sqlite3_reset(s);
	return k;
}

static int each_id(struct mk_store *store, int stmt, mk_store_id_fn cb, void *data)
{
	sqlite3_stmt *s = store->stmt[stmt];
	int r;

	while ((r = sqlite3_step(s)) == SQLITE_ROW)
		cb((const char *)sqlite3_column_text(s, 0), data);

	sqlite3_reset(s);
	return r == SQLITE_DONE ? 0 : poison(store, "cannot read the operations");
}

int mk_store_unfinished(struct mk_store *store, mk_store_id_fn cb, void *data)
{
	return each_id(store, STMT_UNFINISHED, cb, data);
}

int mk_store_newest_finished(struct mk_store *store, uint64_t limit, mk_store_id_fn cb, void *data)
{
	bind_time(store->stmt[STMT_NEWEST_FINISHED], 1, limit);
	return each_id(store, STMT_NEWEST_FINISHED, cb, data);
}

int mk_store_list_ops(struct mk_store *store, const struct mk_op_filter *filter, mk_store_op_fn cb,
		      void *data)
{
	sqlite3_stmt *s = store->stmt[STMT_LIST_OPS];
	int r;

	bind_text(s, 1, str_or_empty(filter->class));
	bind_text(s, 2, str_or_empty(filter->kind));
	bind_text(s, 3, str_or_empty(filter->state));
	bind_text(s, 4, str_or_empty(filter->vm));
	bind_text(s, 5, str_or_empty(filter->volume));
	bind_time(s, 6, filter->limit);
	bind_time(s, 7, filter->offset);

	while ((r = sqlite3_step(s)) == SQLITE_ROW) {
		struct mk_op_record record;

		if (read_op(s, &record) == 0) {
			cb(&record, data);
			mk_op_record_done(&record);
		}
	}

	sqlite3_reset(s);
	return r == SQLITE_DONE ? 0 : poison(store, "cannot read the operations");
}

/* ---- events, retention, volumes ------------------------------------------------------------------------- */

int mk_store_add_event(struct mk_store *store, const char *op, const char *what, const char *text)
{
	sqlite3_stmt *s = store->stmt[STMT_ADD_EVENT];
	int r;

	r = begin(store);
	if (r < 0)
		return r;

	bind_time(s, 1, mk_now_realtime());
	bind_text(s, 2, op);
	bind_text(s, 3, what);
	bind_text(s, 4, text);
	return run(store, STMT_ADD_EVENT, "cannot store an event");
}

int mk_store_prune(struct mk_store *store, uint64_t before, uint64_t count)
{
	int r;

	r = begin(store);
	if (r < 0)
		return r;

	bind_time(store->stmt[STMT_PRUNE_AGE], 1, before);
	r = run(store, STMT_PRUNE_AGE, "cannot drop old operations");
	if (r < 0)
		return r;

	bind_time(store->stmt[STMT_PRUNE_COUNT], 1, count);
	return run(store, STMT_PRUNE_COUNT, "cannot drop old operations");
}

int mk_store_put_volume(struct mk_store *store, const struct mk_volume_record *r)
{
	sqlite3_stmt *s = store->stmt[STMT_PUT_VOLUME];
	int k;

	k = begin(store);
	if (k < 0)
		return k;

	bind_text(s, 1, r->id);
	bind_text(s, 2, r->name);
	bind_text(s, 3, r->class);
	bind_text(s, 4, r->vm);
	sqlite3_bind_int64(s, 5, r->device_id);
	bind_time(s, 6, r->size);
	bind_text(s, 7, r->state);
	bind_text(s, 8, r->device);
	bind_time(s, 9, r->created);
	bind_text(s, 10, r->target);
	return run(store, STMT_PUT_VOLUME, "cannot store a volume");
}

int mk_store_delete_volume(struct mk_store *store, const char *id)
{
	int r;

	r = begin(store);
	if (r < 0)
		return r;

	bind_text(store->stmt[STMT_DELETE_VOLUME], 1, id);
	return run(store, STMT_DELETE_VOLUME, "cannot drop a volume");
}

static const char *text_at(sqlite3_stmt *s, int i)
{
	return str_or_empty((const char *)sqlite3_column_text(s, i));
}

int mk_store_each_volume(struct mk_store *store, mk_store_volume_fn cb, void *data)
{
	sqlite3_stmt *s = store->stmt[STMT_EACH_VOLUME];
	int r, k = 0;

	while (k == 0 && (r = sqlite3_step(s)) == SQLITE_ROW) {
		struct mk_volume_record record = {
			.id = text_at(s, 0),
			.name = text_at(s, 1),
			.class = text_at(s, 2),
			.vm = text_at(s, 3),
			.device_id = sqlite3_column_int64(s, 4),
			.size = column_time(s, 5),
			.state = text_at(s, 6),
			.device = text_at(s, 7),
			.created = column_time(s, 8),
			.target = text_at(s, 9),
		};

		k = cb(&record, data);
	}

	if (k == 0 && r != SQLITE_DONE)
		k = poison(store, "cannot read the volumes");
	sqlite3_reset(s);
	return k;
}
