/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Room engine: operations. It accepts requests, writes them to the journal, walks the step tables of their methods,
 * rolls back what failed, and resumes after a restart. doc/operations.md tells how.
 *
 * Nothing here leaves the process at once: mk_engine_write() puts what changed into the store's open transaction,
 * and mk_engine_release(), after the commit, sends the commands that were journalled.
 */

#include "cloudstack/cloudstack.h"
#include "store/store.h"
#include "volume/volume.h"

#include <sys/queue.h>

struct mk_engine;
struct mk_op;

struct mk_engine_config {
	const char *oma;                      /* UUID of the appliance's own VM */
	const char *disk_offering, *zone;     /* for a CreateVolume that names none; NULL: none */
	unsigned max_data_disks;              /* of one VM */
	uint64_t max_pending, max_per_caller; /* unfinished operations: in all, and of one user */
	uint64_t deadline;                    /* µs for an operation; 0: each method's own */
	uint64_t step_limit;                  /* µs for a row; 0: each row's own */
	/* µs between two looks when a step function returns MK_AGAIN */
	uint64_t poll_interval;
	/* µs between two looks while an outcome is unknown */
	uint64_t settle_interval;
	uint64_t rollback_deadline; /* µs for a roll-back */
	/* µs; finished operations are dropped from the store when they are older */
	uint64_t history_age;
	uint64_t history_count; /* how many of the newest finished operations the store keeps */
	/* how many finished operations are kept in memory, and as D-Bus objects */
	uint64_t export_finished;
};

/* Bits for mk_engine_watcher.changed: what may have changed of an operation, in names of its D-Bus properties. */
#define MK_OP_CHANGED_STATE   (1u << 0) /* State, Error, Message, Started, Finished */
#define MK_OP_CHANGED_STEP    (1u << 1)
#define MK_OP_CHANGED_SUBJECT (1u << 2) /* Volumes, VM */
#define MK_OP_CHANGED_DETAILS (1u << 3) /* Details, Result */

/* Who is told of changes, and finds methods. The functions run inside engine calls and from the loop; `changed` and
 * `finished` only in mk_engine_write(). None may call back into the operation. */
struct mk_engine_watcher {
	/* It is in memory now: accepted, restored, or loaded from history. */
	void (*added)(struct mk_op *op, void *data);
	void (*changed)(struct mk_op *op, unsigned what, void *data);
	/* It is in its final state. Once for each operation, not when it is loaded from history. */
	void (*finished)(struct mk_op *op, void *data);
	/* A claim on the volume was taken or released. */
	void (*claimed)(const char *volume, void *data);
	/* It is about to be dropped from memory; it stays in the store. Also for each one in mk_engine_free(). */
	void (*removed)(struct mk_op *op, void *data);
	/* Finds the method of a class whose operations are of this kind; NULL if there is none. */
	const struct mk_method *(*method)(const char *class, const char *kind, void *data);
	void *data;
};

/* Makes an engine. cs, store and volumes are borrowed, config is copied. want_turn is called when mk_engine_write()
 * or mk_engine_release() has something to do. Returns 0 or a negative errno. */
int mk_engine_new(sd_event *event, struct mk_cs *cs, struct mk_store *store,
		  struct mk_volumes *volumes, const struct mk_engine_config *config,
		  const struct mk_engine_watcher *watcher, void (*want_turn)(void *data),
		  void *want_turn_data, struct mk_engine **ret);
/* Stops all work at once. Unfinished operations stay in the store; queries end with MK_ERROR_UNAVAILABLE. NULL is
 * allowed; returns NULL. */
struct mk_engine *mk_engine_free(struct mk_engine *engine);
/* Takes a new configuration; deadlines that are set already stay. Without memory the old configuration stays. */
void mk_engine_reconfigure(struct mk_engine *engine, const struct mk_engine_config *config);

/*
 * Tells whether this machine is the appliance that the configuration names.
 *
 *   problem NULL     it is; a new engine takes this for granted
 *   ""               not known yet: operations wait before they ask or change anything
 *   a sentence       it is not: operations wait, and new ones are refused with this sentence
 *
 * Queries go on in all cases. Returns 0, or -ENOMEM, which counts as "not known yet".
 */
int mk_engine_set_appliance(struct mk_engine *engine, const char *problem);

/* The functions that plugins can call. */
const struct mk_host *mk_engine_host(void);

/* Reads the journal: resumes unfinished operations, and loads the newest finished ones. To be called once. Returns
 * 0 or a negative errno. */
int mk_engine_restore(struct mk_engine *engine);

/* Puts all changes into the store's open transaction and tells the watcher. Returns 0; negative: the store has
 * failed. */
int mk_engine_write(struct mk_engine *engine);
/* To be called after the commit: sends the commands that were journalled. */
void mk_engine_release(struct mk_engine *engine);

size_t mk_engine_n_unfinished(struct mk_engine *engine);

/* Disks came, went or changed: operations whose last look was at a disk look again. */
void mk_engine_devices_changed(struct mk_engine *engine);
/* True if an operation of that kind is unfinished. */
bool mk_engine_is_unfinished(struct mk_engine *engine, const char *kind);
/* The unfinished operation that holds a volume; NULL if none does. */
struct mk_op *mk_engine_holder(struct mk_engine *engine, const char *volume);

/* An option that the daemon adds to the arguments of a batch's operations, to compare the whole list: "<the batch's
 * token>:<digest of the list>". No method may have an option of this name. */
#define MK_OP_BATCH "batch"

/* ---- making operations ------------------------------------------------------------------------------ */

struct mk_op_request {
	const struct mk_method *method;
	const char *class;
	json_object *args;  /* the call's arguments; borrowed */
	const char *token;  /* becomes the operation's id; NULL: one is generated */
	const char *batch;  /* the token of the batch that it belongs to; NULL: none */
	int64_t caller;     /* uid */
	const char *parent; /* id of the operation that makes it as its child; NULL: none */
};

/* Checks and accepts a request. *ret is borrowed: a new operation, or the one that already has this token, if
 * class, kind and arguments are the same. Returns 0, or -EINVAL with the error set, and nothing was made. */
int mk_engine_submit(struct mk_engine *engine, const struct mk_op_request *request,
		     struct mk_op **ret, struct mk_error *error);

/* The same for one or more requests, all or none. The requests of a batch must be all new or all there already. ret
 * has room for n operations. */
int mk_engine_submit_all(struct mk_engine *engine, const struct mk_op_request *requests, size_t n,
			 struct mk_op **ret, struct mk_error *error);

/*
 * Runs a query (MK_METHOD_QUERY): nothing is stored, claimed, or told to the watcher. done runs once, with the
 * value that is the reply or with the error: from the loop, or from mk_engine_free() with MK_ERROR_UNAVAILABLE.
 * Returns 0; or -EINVAL with the error set, and done does not run.
 */
typedef void (*mk_query_fn)(json_object *value, const struct mk_error *error, void *data);
int mk_engine_query(struct mk_engine *engine, const struct mk_op_request *request, mk_query_fn done,
		    void *data, struct mk_error *error);

/* Finds an operation by its id, and loads it if it is only in the store; NULL if there is none. Borrowed. */
struct mk_op *mk_engine_find(struct mk_engine *engine, const char *id);

/* The privilege that its method needs; MK_PRIVILEGE_DELETE if its class is not loaded. */
enum mk_privilege mk_op_privilege(const struct mk_op *op);

/*
 * Asks for a cancel; the operation is cancelled when nothing of it is unknown any more. Returns 0, also if that was
 * asked before or it is rolling back; or -EINVAL with the error set: it has ended, it is too late
 * (MK_STEP_NO_RETURN), it is a child of an unfinished operation, or its plugin is not loaded and a command's
 * outcome is unknown.
 */
int mk_op_cancel(struct mk_op *op, struct mk_error *error);

/* The operation's record; valid until the next call into the engine. */
const struct mk_op_record *mk_op_record(const struct mk_op *op);

/* A pointer that the watcher may keep with the operation. */
void mk_op_set_data(struct mk_op *op, void *data);
void *mk_op_data(const struct mk_op *op);
