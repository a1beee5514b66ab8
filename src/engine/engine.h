/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The operation engine: accepts requests, journals them, walks their step tables, rolls back, resumes.
 *
 * Nothing here leaves the process by itself: mk_engine_write() puts what changed into the store's open
 * transaction, and mk_engine_release(), after the commit, sends the commands that were journalled.
 */

#include "cloudstack/cloudstack.h"
#include "store/store.h"
#include "volume/volume.h"

#include <sys/queue.h>

struct mk_engine;
struct mk_op;

struct mk_engine_config {
	const char *oma;                  /* the appliance's own VM */
	const char *disk_offering, *zone; /* what CreateVolume takes unless told; NULL: nothing */
	unsigned max_data_disks;          /* of one VM */
	uint64_t max_pending, max_per_caller; /* unfinished operations */
	uint64_t deadline;                    /* µs; 0: each method's own */
	uint64_t step_limit;                  /* µs; 0: each row's own */
	uint64_t poll_interval;               /* µs between two looks when a step says MK_AGAIN */
	uint64_t settle_interval;             /* µs between two looks at an unknown outcome */
	uint64_t rollback_deadline;           /* µs */
	uint64_t history_age;     /* µs; finished operations older than this are dropped */
	uint64_t history_count;   /* and all but this many */
	uint64_t export_finished; /* finished operations kept as objects */
};

/* What of an operation may have changed, for its watcher. */
#define MK_OP_CHANGED_STATE   (1u << 0) /* State, Error, Message, Started, Finished */
#define MK_OP_CHANGED_STEP    (1u << 1)
#define MK_OP_CHANGED_SUBJECT (1u << 2) /* Volumes, VM */
#define MK_OP_CHANGED_DETAILS (1u << 3) /* Details, Result */

/* Who is told. All run from the loop, none may call back into the operation. */
struct mk_engine_watcher {
	void (*added)(struct mk_op *op,
		      void *data); /* accepted, restored, or called up from history */
	void (*changed)(struct mk_op *op, unsigned what, void *data);
	void (*finished)(struct mk_op *op,
			 void *data); /* in its final state; once, not for history */
	/* The volume is held by an operation now, or no longer. */
	void (*claimed)(const char *volume, void *data);
	void (*removed)(struct mk_op *op,
			void *data); /* about to be forgotten (it stays in the store) */
	/* Finds a method of a class; NULL if there is none. */
	const struct mk_method *(*method)(const char *class, const char *kind, void *data);
	void *data;
};

/* want_turn is called when mk_engine_write() has something to do. */
int mk_engine_new(sd_event *event, struct mk_cs *cs, struct mk_store *store,
		  struct mk_volumes *volumes, const struct mk_engine_config *config,
		  const struct mk_engine_watcher *watcher, void (*want_turn)(void *data),
		  void *want_turn_data, struct mk_engine **ret);
/* Stops all work at once; unfinished operations stay in the store. NULL is allowed; returns NULL. */
struct mk_engine *mk_engine_free(struct mk_engine *engine);
void mk_engine_reconfigure(struct mk_engine *engine, const struct mk_engine_config *config);

/*
 * Whether this machine is the appliance that the configuration names. problem NULL: it is, as a new engine takes for
 * granted; "": that is being found out, and operations wait before they ask or change anything; else a sentence: it
 * is not, they wait, and new ones are refused with it. Queries go on. Returns 0 or -ENOMEM (which counts as a doubt).
 */
int mk_engine_set_appliance(struct mk_engine *engine, const char *problem);

/* The table that plugins get. */
const struct mk_host *mk_engine_host(void);

/* Reads the journal: unfinished operations go on, the newest finished ones are called up. Once. */
int mk_engine_restore(struct mk_engine *engine);

/* Puts every change into the store's transaction and tells the watcher. Negative: the store failed. */
int mk_engine_write(struct mk_engine *engine);
/* After the commit: sends what was journalled. */
void mk_engine_release(struct mk_engine *engine);

size_t mk_engine_n_unfinished(struct mk_engine *engine);

/* Disks came, went or changed: operations that wait for that look again. */
void mk_engine_devices_changed(struct mk_engine *engine);
/* Whether an operation of that kind has not ended. */
bool mk_engine_is_unfinished(struct mk_engine *engine, const char *kind);
/* The unfinished operation that holds a volume; NULL if none does. */
struct mk_op *mk_engine_holder(struct mk_engine *engine, const char *volume);

/* The option of a batch's operations that tells the list: "<the batch's token>:<digest>". No method's own. */
#define MK_OP_BATCH "batch"

/* ---- making operations ------------------------------------------------------------------------------ */

struct mk_op_request {
	const struct mk_method *method;
	const char *class;
	json_object *args;  /* of the call; borrowed */
	const char *token;  /* NULL: the id is made up */
	const char *batch;  /* the token of the batch that it is one of; NULL: none */
	int64_t caller;     /* uid */
	const char *parent; /* id of the operation that makes it; NULL for none */
};

/*
 * Checks and accepts a request. *ret is a borrowed operation: a new one, or the one that has this
 * token and the same arguments. Returns 0, or -EINVAL with the error set; nothing was made then.
 */
int mk_engine_submit(struct mk_engine *engine, const struct mk_op_request *request,
		     struct mk_op **ret, struct mk_error *error);

/*
 * The same for several requests, all or none; those of a batch: all new, or all there. ret has room for n.
 */
int mk_engine_submit_all(struct mk_engine *engine, const struct mk_op_request *requests, size_t n,
			 struct mk_op **ret, struct mk_error *error);

/*
 * Runs a method that only asks (MK_METHOD_QUERY): nothing is stored or told to the watcher. done runs
 * once, from the loop: with the result's value, or with the error. When the engine is freed it runs
 * with MK_ERROR_UNAVAILABLE.
 */
typedef void (*mk_query_fn)(json_object *value, const struct mk_error *error, void *data);
int mk_engine_query(struct mk_engine *engine, const struct mk_op_request *request, mk_query_fn done,
		    void *data, struct mk_error *error);

/* By id, also from history; NULL if there is none. */
struct mk_op *mk_engine_find(struct mk_engine *engine, const char *id);

/* What its method needs; of a class that is not loaded: MK_PRIVILEGE_DELETE. */
enum mk_privilege mk_op_privilege(const struct mk_op *op);

/* Returns 0, or -EINVAL with the error set (it has ended; it is too late). */
int mk_op_cancel(struct mk_op *op, struct mk_error *error);

/* What it is; valid until the next call into the engine. */
const struct mk_op_record *mk_op_record(const struct mk_op *op);

/* A slot for the watcher's own pointer. */
void mk_op_set_data(struct mk_op *op, void *data);
void *mk_op_data(const struct mk_op *op);
