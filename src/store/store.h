/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The journal: SQLite, WAL, synchronous=FULL. The schema is documented in doc/storage.md.
 *
 * The first write after a commit opens a transaction; mk_store_commit() makes all of it durable at
 * once. A write or commit that fails poisons the store (mk_store_failed): nothing that depends on it may
 * leave the process, so the daemon ends and starts again from what is durable.
 */

#include "base/base.h"

/* How far the running step's command has come. Stored as text. */
enum mk_command_state {
	MK_COMMAND_NONE,       /* nothing to be sent, or its outcome is settled */
	MK_COMMAND_JOURNALLED, /* may have been sent; CloudStack's answer is not known */
	MK_COMMAND_ACCEPTED,   /* CloudStack runs it as a job */
	MK_COMMAND_SUCCEEDED,  /* it said so */
	MK_COMMAND_REFUSED,    /* it said no: command_code, command_text */
	MK_COMMAND_LOST,       /* accepted, and then the job was gone */
};
#define MK_COMMAND_N_STATES (MK_COMMAND_LOST + 1)

enum mk_op_state {
	MK_OP_PENDING,
	MK_OP_RUNNING,
	MK_OP_SETTLING, /* an outcome is unknown and being found out */
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

/* One row of `operations`. Texts and JSON are owned and never NULL; times are µs since the epoch, 0 =
 * not yet. */
struct mk_op_record {
	char *id; /* the caller's token, or made up */
	char *kind, *class;
	json_object *args;    /* as called, without the token: what TokenMismatch compares */
	json_object *options; /* the call's last argument; a part of args */
	json_object *volumes; /* array of UUIDs */
	char *vm;
	bool vm_claimed;
	enum mk_op_state state;
	char *step;                     /* the running row's name; "" before the first */
	int64_t step_index, step_count; /* from 0 */
	bool undoing;                   /* `step` is being undone */
	int64_t undone, undo_failed;    /* steps whose undo did something, or could not */
	bool cancel;                    /* a cancel was accepted */
	enum mk_error_code error;       /* the first error */
	char *message;
	json_object *details, *result, *scratch;
	char *command; /* the step's last command */
	json_object *command_params;
	char *command_job; /* the customjobid, or what CloudStack calls it */
	enum mk_command_state command_state;
	bool command_sync;
	int64_t command_code, command_tries;
	char *command_text;
	char *parent;   /* id of the operation that made it, "" for none */
	int64_t caller; /* uid, -1 if not known */
	uint64_t created, started, finished, deadline;
};

void mk_op_record_init(struct mk_op_record *r); /* aborts nothing: missing memory leaves NULLs */
bool mk_op_record_complete(const struct mk_op_record *r); /* all owned fields are there */
void mk_op_record_done(struct mk_op_record *r);

struct mk_store;

/*
 * Opens or creates the database. Returns 0, or a negative errno with the error set: -EUCLEAN for a
 * file that is damaged or no database, -ENOTSUP for one written by a newer version, -EBUSY if
 * another daemon has it open.
 */
int mk_store_open(const char *path, struct mk_store **ret, struct mk_error *error);
struct mk_store *mk_store_close(struct mk_store *store); /* uncommitted writes are dropped */
DEFINE_CLEANUP(struct mk_store *, mk_store_close)

int mk_store_commit(struct mk_store *store);
/* "" while the store works; else what went wrong first. */
const char *mk_store_failed(struct mk_store *store);

int mk_store_put_op(struct mk_store *store, const struct mk_op_record *r);
int mk_store_get_op(struct mk_store *store, const char *id, struct mk_op_record *ret); /* -ENOENT */

/* 1 if an operation of the batch with this token is there, 0 if none is. */
int mk_store_has_batch(struct mk_store *store, const char *token);

/* Ids, oldest first, of the unfinished the children after all others; the callback must not write. */
typedef void (*mk_store_id_fn)(const char *id, void *data);
int mk_store_unfinished(struct mk_store *store, mk_store_id_fn cb, void *data);
int mk_store_newest_finished(struct mk_store *store, uint64_t limit, mk_store_id_fn cb, void *data);

/* Filter for history, newest first; NULL and "" match all. */
struct mk_op_filter {
	const char *class, *kind, *state, *vm, *volume;
	uint64_t offset, limit;
};
typedef void (*mk_store_op_fn)(const struct mk_op_record *r, void *data);
int mk_store_list_ops(struct mk_store *store, const struct mk_op_filter *filter, mk_store_op_fn cb,
		      void *data);

/* Audit: what happened to an operation. */
int mk_store_add_event(struct mk_store *store, const char *op, const char *what, const char *text);

/* Drops finished operations (and their events) older than `before`, and all but the newest `count`. */
int mk_store_prune(struct mk_store *store, uint64_t before, uint64_t count);

/* One row of `volumes`: what is remembered of a managed volume. Borrowed texts, never NULL. */
struct mk_volume_record {
	const char *id, *name, *class;
	const char *vm;     /* "" if detached */
	const char *target; /* the VM that it is or may be on its way to, "" for none */
	const char *state;
	const char *device; /* the node that was proven last, for the reader; "" for none */
	int64_t device_id;  /* -1 if detached */
	uint64_t size;      /* bytes */
	uint64_t created;   /* µs since the epoch */
};

int mk_store_put_volume(struct mk_store *store, const struct mk_volume_record *r);
int mk_store_delete_volume(struct mk_store *store, const char *id);
/* Oldest first; the callback must not write, and ends the walk with a negative errno. */
typedef int (*mk_store_volume_fn)(const struct mk_volume_record *r, void *data);
int mk_store_each_volume(struct mk_store *store, mk_store_volume_fn cb, void *data);
