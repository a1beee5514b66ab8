/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Room store: the daemon's journal, an SQLite database (WAL, synchronous=FULL) with all operations and all managed
 * volumes. doc/storage.md documents the schema.
 *
 * The first write after a commit begins a transaction; mk_store_commit() makes all its writes durable at once. When
 * a read, a write or a commit fails, the store is failed for good (mk_store_failed()): writes and commits return
 * -EIO from then on. Nothing that depends on the failed transaction may leave the process, so the daemon ends and
 * starts again from what is durable.
 *
 * Unless it is said otherwise, functions that return int return 0 or a negative errno, which is -EIO if the
 * database fails.
 */

#include "base/base.h"

/* How far the command of the running step has come. Stored as text. */
enum mk_command_state {
	/* none is under way; an earlier try that had no answer may still arrive */
	MK_COMMAND_NONE,
	/* written to the store; it may have been sent, and there is no answer */
	MK_COMMAND_JOURNALLED,
	MK_COMMAND_ACCEPTED,  /* CloudStack has accepted it as a job */
	MK_COMMAND_SUCCEEDED, /* CloudStack said that it was done */
	MK_COMMAND_REFUSED,   /* CloudStack said no: see command_code and command_text */
	MK_COMMAND_LOST,      /* accepted, and later CloudStack did not know the job any more */
};
#define MK_COMMAND_N_STATES (MK_COMMAND_LOST + 1)

enum mk_op_state {
	MK_OP_PENDING,
	MK_OP_RUNNING,
	MK_OP_SETTLING, /* a command's outcome is unknown and is being found out */
	MK_OP_ROLLING_BACK,
	MK_OP_SUCCEEDED,
	MK_OP_FAILED,
	MK_OP_CANCELLED,
	MK_OP_ROLLED_BACK,
};
#define MK_OP_N_STATES (MK_OP_ROLLED_BACK + 1)

const char *mk_op_state_to_string(enum mk_op_state s);
int mk_op_state_from_string(const char *s); /* the state, or -EINVAL */
static inline bool mk_op_state_final(enum mk_op_state s)
{
	return s >= MK_OP_SUCCEEDED;
}
const char *mk_command_state_to_string(enum mk_command_state s);
int mk_command_state_from_string(const char *s);

/* An operation as the table `operations` keeps it. Texts and JSON are owned and never NULL. Times are µs since the
 * epoch, 0: not yet. */
struct mk_op_record {
	char *id; /* the caller's token, or generated */
	char *kind, *class;
	/* the call's arguments without the token; compared for TokenMismatch */
	json_object *args;
	json_object *options; /* the last of args if it is an object, else empty */
	json_object *volumes; /* array of UUIDs */
	char *vm;
	bool vm_claimed;
	enum mk_op_state state;
	char *step;                     /* the running row's name; "" before the first */
	int64_t step_index, step_count; /* step_index counts from 0 */
	bool undoing;                   /* rolling back: `step` is being undone */
	int64_t undone, undo_failed;    /* numbers of steps whose undo did something, or failed */
	bool cancel;                    /* a cancel was accepted */
	enum mk_error_code error;       /* the first error */
	char *message;
	json_object *details, *result, *scratch;
	char *command; /* the step's last command */
	json_object *command_params;
	/* the customjobid that we sent, or the job id that CloudStack named instead */
	char *command_job;
	enum mk_command_state command_state;
	bool command_sync;
	int64_t command_code, command_tries;
	char *command_text;
	char *parent;   /* id of the operation that made it, "" for none */
	int64_t caller; /* uid, -1 if not known */
	uint64_t created, started, finished, deadline;
};

/* Makes an empty record. Without memory some fields stay NULL: see the next function. */
void mk_op_record_init(struct mk_op_record *r);
bool mk_op_record_complete(const struct mk_op_record *r); /* True if no owned field is NULL. */
void mk_op_record_done(struct mk_op_record *r);

struct mk_store;

/*
 * Opens or creates the database and locks it. Returns 0; -ENOMEM; or another negative errno with the error set:
 * -EUCLEAN for a file that is damaged or no database, -ENOTSUP for one that a newer version wrote, -EBUSY if
 * another daemon has it open.
 */
int mk_store_open(const char *path, struct mk_store **ret, struct mk_error *error);
/* Uncommitted writes are dropped. NULL is allowed; returns NULL. */
struct mk_store *mk_store_close(struct mk_store *store);
DEFINE_CLEANUP(struct mk_store *, mk_store_close)

/* Makes the open transaction durable. Does nothing if there is none. */
int mk_store_commit(struct mk_store *store);
/* "" while the store works; else a sentence about its first failure. */
const char *mk_store_failed(struct mk_store *store);

/* Inserts the operation, or replaces the one with this id. */
int mk_store_put_op(struct mk_store *store, const struct mk_op_record *r);
/* Reads an operation; ret is freed by mk_op_record_done(). -ENOENT: there is none; -EUCLEAN: its row is damaged. */
int mk_store_get_op(struct mk_store *store, const char *id, struct mk_op_record *ret);

/* Returns 1 if there is an operation of a batch with this token, 0 if there is none, or a negative errno. */
int mk_store_has_batch(struct mk_store *store, const char *token);

/* Calls cb with the id of each unfinished operation: first those without a parent, then the children, each oldest
 * first. cb must not write to the store. */
typedef void (*mk_store_id_fn)(const char *id, void *data);
int mk_store_unfinished(struct mk_store *store, mk_store_id_fn cb, void *data);
/* Calls cb with the ids of the `limit` operations that finished last, oldest first. cb must not write to the store. */
int mk_store_newest_finished(struct mk_store *store, uint64_t limit, mk_store_id_fn cb, void *data);

/* A filter for operations; NULL and "" match all. offset and limit count operations. */
struct mk_op_filter {
	const char *class, *kind, *state, *vm, *volume;
	uint64_t offset, limit;
};
typedef void (*mk_store_op_fn)(const struct mk_op_record *r, void *data);
/* Calls cb for each operation that matches, newest first. A damaged row is left out. cb must not write to the
 * store. */
int mk_store_list_ops(struct mk_store *store, const struct mk_op_filter *filter, mk_store_op_fn cb,
		      void *data);

/* Adds an entry to the audit trail of an operation. what: a short word; text: details or "". */
int mk_store_add_event(struct mk_store *store, const char *op, const char *what, const char *text);

/* Drops finished operations, with their events, that ended before `before` (µs since the epoch) or are not among
 * the newest `count`. A child is kept while its parent has not ended. */
int mk_store_prune(struct mk_store *store, uint64_t before, uint64_t count);

/* A managed volume as the table `volumes` keeps it. Texts are borrowed and never NULL. */
struct mk_volume_record {
	const char *id, *name, *class;
	const char *vm;     /* "" if detached */
	const char *target; /* the VM that it may be on its way to; "" for none */
	const char *state;
	/* the node of its proven device, only for people who read the database; "" for none */
	const char *device;
	int64_t device_id; /* -1 if detached */
	uint64_t size;     /* bytes */
	uint64_t created;  /* µs since the epoch */
};

/* Inserts the volume, or replaces the one with this id. */
int mk_store_put_volume(struct mk_store *store, const struct mk_volume_record *r);
int mk_store_delete_volume(struct mk_store *store, const char *id);
/* Calls cb for each volume, oldest first. If cb returns another value than 0, the walk ends and returns that value.
 * cb must not write to the store. */
typedef int (*mk_store_volume_fn)(const struct mk_volume_record *r, void *data);
int mk_store_each_volume(struct mk_store *store, mk_store_volume_fn cb, void *data);
