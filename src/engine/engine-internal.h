/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The engine's inside.
 *
 *   engine.c       the engine's life; each turn: whose phase runs, what is written, what is sent
 *   walk.c         one operation's walk through its step table
 *   host.c         what plugins may ask: about the operation,
 *   host-device.c  about managed volumes and disks,
 *   host-child.c   about operations of their own
 *   accept.c       requests become operations
 *   end.c          success, failure, the way back, deadline, cancel
 *   ask.c          what a row asks CloudStack
 *   command.c      what a row changes: journalled, sent once, its job followed
 *   operations.c   the operations by id, children, claims
 *   op.c           one operation: its state, its timers
 *
 * Each calls those below it, and none calls back: mk_op_kick() says which phase is next, and walk.c runs it.
 */

#include "cloudstack/wire.h"
#include "engine.h"

#include <uthash.h>

/* Looks at a job or a resource before a command without an answer is sent again. */
#define UNKNOWN_LOOKS 3

/* How often a command that CloudStack could not run (530) is tried in all. */
#define COMMAND_TRIES 3

/* The key of the scratch that holds the id of what the step's command made. */
#define MK_OP_CREATED  "created-id"
/* The key of the scratch that holds the ids of the operation's children, by suffix. */
#define MK_OP_CHILDREN "children"
/* And the one that says that its parent was rolling back when it was made. */
#define MK_OP_BACK     "way-back"

enum mk_op_phase {
	PHASE_IDLE,    /* not started, ended, or waiting for a plugin that is not loaded */
	PHASE_STEP,    /* enter the row at step_index */
	PHASE_ASK,     /* reading what the row wants to know */
	PHASE_LOOK,    /* let the plugin look at it */
	PHASE_JOURNAL, /* a command waits for the commit */
	PHASE_SENT,    /* and for CloudStack's answer */
	PHASE_FOLLOW,  /* and for its job's end */
	PHASE_PAUSE,   /* until its timer, or until this is known to be the appliance */
	PHASE_FAIL,    /* fail the row, with op->error */
};

/* One claimed object; key: "volume UUID" or "vm UUID". */
struct mk_claim {
	char key[8 + MK_UUID_SIZE];
	struct mk_op *op;      /* borrowed */
	struct mk_claim *next; /* of the same operation */
	UT_hash_handle hh;
};

struct mk_op {
	struct mk_op_record r;
	struct mk_engine *engine;       /* borrowed */
	const struct mk_method *method; /* NULL: its class is not loaded */
	const struct mk_step *step;     /* the running row; NULL before the first */
	enum mk_op_phase phase;
	enum mk_op_phase after_pause;
	bool limit_passed;       /* the row's time is over */
	struct mk_claim *claims; /* owned */
	unsigned looks;          /* at an unknown outcome, so far */
	unsigned put_off;        /* how often in a row the command could not leave */
	bool maybe_run;          /* an earlier try of it had no answer, and may still arrive */
	uint64_t limit_left;     /* µs of the row's time, while it stands still; 0: it runs */

	/* At most one of these three is under way. */
	struct mk_cs_request *request;
	struct mk_cs_watch *watch;
	sd_event_source *pause;

	sd_event_source *limit, *deadline;

	/* The answers to the row's `ask`. */
	struct mk_cs_vms vms;
	struct mk_cs_volumes volumes;
	json_object *rows;     /* NULL: none */
	unsigned n_asked;      /* questions of the row that are answered */
	unsigned n_unanswered; /* refused and unusable answers since the last good one */

	bool wants_device; /* looked at again when a disk comes, goes or changes */
	bool has_children; /* the row looked at children: they have limits, it has none */
	bool forward_ran; /* while rolling back: when last looked at, one made before it had not ended */
	bool unsettled; /* the plugin says that a refused command may still be run */
	struct mk_managed_info managed; /* mk_host.managed's last answer */
	char *users;                    /* mk_host.device_users' last answer */

	/* What the plugin said in its last call. */
	struct mk_error error;
	char *waiting_for;
	char *want_command; /* NULL: none */
	json_object *want_params;
	bool want_sync;
	json_object *scratch_before; /* the last look; NULL: without memory, or taken back */

	/* MK_METHOD_QUERY only */
	bool transient;
	mk_query_fn done;
	void *done_data;

	unsigned changed;                               /* MK_OP_CHANGED_* since the last write */
	bool dirty, queued, listed_ended, listed_query; /* in the list of that name */
	bool ended;                                     /* its end has been told */
	void *data;                                     /* the watcher's */
	TAILQ_ENTRY(mk_op) dirty_entry, run_entry, ended_entry, query_entry, journal_entry;
	UT_hash_handle hh;
};

TAILQ_HEAD(mk_op_list, mk_op);

struct mk_engine {
	sd_event *event;
	struct mk_cs *cs;               /* borrowed */
	struct mk_store *store;         /* borrowed */
	struct mk_volumes *volumes;     /* borrowed */
	struct mk_engine_config config; /* its texts are owned */
	bool in_doubt;       /* whether this is the appliance: nothing is asked or changed */
	char *not_appliance; /* why it is not; NULL: not known to be so */
	struct mk_engine_watcher watcher;
	void (*want_turn)(void *data);
	void *want_turn_data;

	struct mk_op *ops; /* by id; without queries */
	struct mk_claim *claims;
	size_t n_unfinished, n_ended;
	uint64_t n_finished_ever;
	struct mk_op_list dirty, run, ended, queries;
	struct mk_op_list journal; /* commands that wait for the commit */
	sd_event_source *run_source, *prune_timer;
};

/* walk.c */
void mk_op_run(struct mk_op *op);    /* one phase; from the loop */
void mk_op_resume(struct mk_op *op); /* after a restart */

/* host.c */
/* The row's function looks; what it changed is marked for the journal. Returns its enum mk_step_result. */
int mk_op_call_plugin(struct mk_op *op);

/* host-device.c, host-child.c */
void mk_host_add_devices(struct mk_host *host);
void mk_host_add_children(struct mk_host *host);

/* accept.c */
/* Accepts a child: no limits, its token is its whole id. Returns 0, or -EINVAL with the error set. */
int mk_engine_spawn(struct mk_engine *engine, const struct mk_op *parent,
		    const struct mk_op_request *request, struct mk_error *error);
/* An id that no operation has. Returns 0 or a negative errno. */
int mk_engine_fresh_id(struct mk_engine *engine, char **ret);

/* end.c */
void mk_op_end(struct mk_op *op, enum mk_op_state state);
/* The step failed with op->error: the first error is remembered, and it is rolled back. Only for walk.c and end.c:
 * others kick PHASE_FAIL. */
void mk_op_fail(struct mk_op *op);
/* Goes to the next older row that can be undone, from step_index on, or ends. */
void mk_op_undo_from_here(struct mk_op *op);
void mk_op_end_rollback(struct mk_op *op);
/* Ends it with op->error and without its step table: nothing is rolled back. */
void mk_op_end_unwalked(struct mk_op *op);
void mk_op_append_message(struct mk_op *op, const char *text);
int mk_op_arm_deadline(struct mk_op *op);
/* The time to roll back begins when what was begun before has ended. True if it began anew. */
bool mk_op_hold_deadline(struct mk_op *op);
/* A child's time ends before its parent's. */
void mk_op_bound_deadline(struct mk_op *op, const struct mk_op *parent);
/* Fails the operation if it is to be cancelled and can be: nothing unknown is ever rolled back. */
bool mk_op_cancelled(struct mk_op *op);
/* mk_op_cancel() by the operation that made it. */
int mk_op_cancel_child(struct mk_op *op, struct mk_error *error);

/* ask.c */
void mk_op_ask(struct mk_op *op); /* and then PHASE_LOOK */
void mk_op_look_for(struct mk_op *op, const char *key, const char *value);

/* command.c */
void mk_op_want_command(struct mk_op *op); /* the plugin named one */
void mk_op_send(struct mk_op *op);         /* the journalled command, after the commit */
void mk_op_follow(struct mk_op *op);       /* its job */
/* mk_op_stop_io(), and a command that is unsent was never wanted. */
void mk_op_stop(struct mk_op *op);

/* operations.c */
struct mk_op *mk_op_new(struct mk_engine *engine); /* NULL without memory */
void mk_op_free(struct mk_op *op);
DEFINE_CLEANUP(struct mk_op *, mk_op_free)
/* Calls an operation up from the store; NULL if it is not there. */
struct mk_op *mk_engine_load(struct mk_engine *engine, const char *id);
/* The i-th child, if it is in memory; false beyond the last. *ret is NULL if it is not. */
bool mk_op_nth_child(struct mk_op *op, size_t i, struct mk_op **ret);
/* True while a child that was made before the roll-back has not ended. */
bool mk_op_forward_runs(const struct mk_op *op);
/* The operation that made it, if it has not ended; else NULL. */
struct mk_op *mk_op_running_parent(const struct mk_op *op);
/* False if somebody else has it (*ret_holder), or without memory (*ret_holder is NULL). */
bool mk_op_claim(struct mk_op *op, const char *what, const char *id, struct mk_op **ret_holder);
void mk_op_release_claims(struct mk_op *op);
/* Its end has been told. What its parent has not seen yet is kept whatever the limits say. */
void mk_op_keep_ended(struct mk_op *op);
/* Forgets the oldest finished operations beyond the number that is kept. */
void mk_engine_trim_ended(struct mk_engine *engine);

/* op.c */
void mk_op_touch(struct mk_op *op, unsigned changed); /* it is to be written, and told */
void mk_op_set_state(struct mk_op *op, enum mk_op_state state);
void mk_op_log(const struct mk_op *op, int priority, const char *fmt, ...) _printf_(3, 4);
const struct mk_step *mk_op_row(const struct mk_op *op);
const char *mk_op_volume_id(const struct mk_op *op); /* the newest; "" if none */
void mk_op_set_error(struct mk_op *op, enum mk_error_code code, const char *fmt, ...)
	_printf_(3, 4);
/* The loop runs this phase next. */
void mk_op_kick(struct mk_op *op, enum mk_op_phase phase);
/* And this one after a time. */
void mk_op_pause(struct mk_op *op, uint64_t usec, enum mk_op_phase then);
void mk_op_stop_io(struct mk_op *op);
void mk_op_forget_answers(struct mk_op *op);
/* The command is about to be sent, and CloudStack has certainly seen nothing of it. */
bool mk_op_is_unsent(const struct mk_op *op);
/* True while CloudStack may be doing something that we do not know the end of. */
bool mk_op_outcome_unknown(const struct mk_op *op);
uint64_t mk_op_own_deadline(const struct mk_op *op); /* µs since the epoch */
int mk_op_arm(struct mk_op *op, sd_event_source **source, uint64_t usec,
	      sd_event_time_handler_t handler);
void mk_op_arm_limit(struct mk_op *op); /* the row's time begins */
/* The row's time stands still while its question waits for an answer: CloudStack may be away. */
void mk_op_hold_limit(struct mk_op *op);
void mk_op_go_on_limit(struct mk_op *op);
void mk_op_disarm_limit(struct mk_op *op); /* it has none */
