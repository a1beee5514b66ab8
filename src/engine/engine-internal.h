/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files of the engine share.
 *
 *   engine.c       the engine's life; each turn: which phase runs, what is written, what is sent
 *   walk.c         one operation's walk through its step table
 *   host.c         what plugins can call: about the operation,
 *   host-device.c  about managed volumes and disks,
 *   host-child.c   about child operations
 *   accept.c       requests become operations
 *   end.c          failure, roll-back, deadline, cancel
 *   ask.c          what a row asks CloudStack
 *   command.c      what a row changes: journalled, sent, its job followed
 *   operations.c   the operations by id, children, claims
 *   op.c           one operation: its state, its timers
 *
 * Each file calls those below it, and none calls back: mk_op_kick() sets the next phase, and walk.c runs it.
 *
 * Words: a row of a step table describes a step. A row asks CloudStack, and then its function looks at the answer.
 * A command changes something in CloudStack. The outcome of a command is unknown while CloudStack may still be
 * working on it, or may still get to see it.
 */

#include "cloudstack/wire.h"
#include "engine.h"

#include <uthash.h>

/* How often a job or a resource is looked at before a command without an answer is sent again. */
#define UNKNOWN_LOOKS 3

/* How many times a command is tried in all while CloudStack says that it could not run it (530). */
#define COMMAND_TRIES 3

/*
 * Keys that the engine itself uses in the operation's scratch.
 *
 *   MK_OP_CREATED   id of the object that the step's command made
 *   MK_OP_CHILDREN  ids of the children, by suffix
 *   MK_OP_BACK      of a child: its parent was rolling back when it was made
 */
#define MK_OP_CREATED  "created-id"
#define MK_OP_CHILDREN "children"
#define MK_OP_BACK     "way-back"

enum mk_op_phase {
	PHASE_IDLE,    /* not started, ended, or waiting for a plugin that is not loaded */
	PHASE_STEP,    /* enter the row at step_index */
	PHASE_ASK,     /* waiting for CloudStack's answers to what the row asks */
	PHASE_LOOK,    /* call the row's function */
	PHASE_JOURNAL, /* a command waits for the commit */
	PHASE_SENT,    /* the command was sent and waits for CloudStack's answer */
	PHASE_FOLLOW,  /* the command's job is followed to its end */
	/* waiting for the timer `pause`; without one, until this is known to be the appliance */
	PHASE_PAUSE,
	PHASE_FAIL, /* the row fails, with op->error */
};

/* One claimed object; key: "volume UUID" or "vm UUID". */
struct mk_claim {
	char key[8 + MK_UUID_SIZE];
	struct mk_op *op;      /* borrowed */
	struct mk_claim *next; /* the next claim of the same operation */
	UT_hash_handle hh;
};

struct mk_op {
	struct mk_op_record r;
	struct mk_engine *engine;       /* borrowed */
	const struct mk_method *method; /* NULL: its class is not loaded */
	const struct mk_step *step;     /* the running row; NULL before the first */
	enum mk_op_phase phase;
	enum mk_op_phase after_pause;
	bool limit_passed;       /* the row's time is over (mk_step.limit_s) */
	struct mk_claim *claims; /* owned */
	unsigned looks;          /* how often the unknown outcome has been looked at */
	/* how many times in succession the command was certainly not run */
	unsigned put_off;
	/* an earlier try of the command had no answer, and may still arrive; not kept over a restart */
	bool maybe_run;
	/* µs that are left of the row's time while its timer is stopped; 0: it is not stopped */
	uint64_t limit_left;

	/* What the operation waits for: at most one of these three. */
	struct mk_cs_request *request;
	struct mk_cs_watch *watch;
	sd_event_source *pause;

	sd_event_source *limit, *deadline;

	/* The answers to the row's `ask`. */
	struct mk_cs_vms vms;
	struct mk_cs_volumes volumes;
	json_object *rows;     /* NULL: none */
	unsigned n_asked;      /* how many of the row's questions are answered */
	unsigned n_unanswered; /* refused or unusable answers since the last good one */

	/* the last look was at a disk: look again when a disk comes, goes or changes */
	bool wants_device;
	bool answered; /* the last question was: vms and volumes are what CloudStack said */
	/* the last look was at children: they have limits, so the row has none */
	bool has_children;
	/* while rolling back: at the last look, a child that was made before the roll-back had not ended */
	bool forward_ran;
	/* the plugin said in the last look that CloudStack may still run a refused command */
	bool unsettled;
	struct mk_managed_info managed; /* what mk_host.managed returned last */
	char *users;                    /* what mk_host.device_users returned last */

	/* What the plugin said in its last call: an error, what it waits for, the command it wants. */
	struct mk_error error;
	char *waiting_for;
	char *want_command; /* NULL: none */
	json_object *want_params;
	bool want_sync;
	/* the scratch before the last look; NULL: no memory, or taken back */
	json_object *scratch_before;

	/* MK_METHOD_QUERY only */
	bool transient;
	mk_query_fn done;
	void *done_data;

	unsigned changed;                               /* MK_OP_CHANGED_* since the last write */
	bool dirty, queued, listed_ended, listed_query; /* it is in the list of that name */
	/* its end has been told, or it was loaded from history */
	bool ended;
	void *data; /* the watcher's */
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
	/* it is not known that this is the appliance: operations ask and change nothing */
	bool in_doubt;
	char *not_appliance; /* why this is not the appliance; NULL: not known to be so */
	struct mk_engine_watcher watcher;
	void (*want_turn)(void *data);
	void *want_turn_data;

	struct mk_op *ops; /* by id; queries are not in it */
	struct mk_claim *claims;
	size_t n_unfinished, n_ended;
	uint64_t n_finished_ever;
	struct mk_op_list dirty, run, ended, queries;
	struct mk_op_list journal; /* commands that wait for the commit */
	sd_event_source *run_source, *prune_timer;
};

/* walk.c */
/* Runs the operation's current phase; called from the loop. */
void mk_op_run(struct mk_op *op);
void mk_op_resume(struct mk_op *op); /* Goes on with an operation that a restart interrupted. */

/* host.c */
/* Calls the row's function, and marks what it changed to be written. Returns its enum mk_step_result. */
int mk_op_call_plugin(struct mk_op *op);

/* host-device.c, host-child.c */
void mk_host_add_devices(struct mk_host *host);
void mk_host_add_children(struct mk_host *host);

/* accept.c */
/* Makes a child. request->token is its whole id; the limits on operations do not count. Returns 0, or -EINVAL with
 * the error set. */
int mk_engine_spawn(struct mk_engine *engine, const struct mk_op *parent,
		    const struct mk_op_request *request, struct mk_error *error);
/* Generates an id that no operation has. Returns 0 or a negative errno. */
int mk_engine_fresh_id(struct mk_engine *engine, char **ret);

/* end.c */
/* Ends the operation in this final state; releases its claims. */
void mk_op_end(struct mk_op *op, enum mk_op_state state);
/* Fails the running step with op->error: notes the first error and begins to roll back; while rolling back, goes on
 * with the next older row. Only for walk.c and end.c: others kick PHASE_FAIL. */
void mk_op_fail(struct mk_op *op);
/* Goes on to the next row that has an undo function, from step_index towards older ones; ends the roll-back if
 * there is none. */
void mk_op_undo_from_here(struct mk_op *op);
/* Ends a roll-back as cancelled, rolled-back or failed. */
void mk_op_end_rollback(struct mk_op *op);
/* Ends the operation with op->error, when its step table cannot be used. Nothing is rolled back. */
void mk_op_end_unwalked(struct mk_op *op);
/* Adds a sentence to the operation's Message. */
void mk_op_append_message(struct mk_op *op, const char *text);
/* Arms the timer for r.deadline. Returns 0 or a negative errno. */
int mk_op_arm_deadline(struct mk_op *op);
/* While rolling back: starts the time to roll back anew as long as children that were made before it have not
 * ended, and once more when they have. True if it did. */
bool mk_op_hold_deadline(struct mk_op *op);
/* Sets a child's deadline: a sixteenth of its time before its parent's. */
void mk_op_bound_deadline(struct mk_op *op, const struct mk_op *parent);
/* Fails the operation if a cancel was asked for and is possible now: nothing with an unknown outcome is rolled
 * back. True if it did. */
bool mk_op_cancelled(struct mk_op *op);
/* mk_op_cancel() for the operation's own parent. */
int mk_op_cancel_child(struct mk_op *op, struct mk_error *error);

/* ask.c */
void mk_op_ask(struct mk_op *op); /* Asks what the row asks; PHASE_LOOK comes next. */
/* Implements mk_host.look_for. */
void mk_op_look_for(struct mk_op *op, const char *key, const char *value);

/* command.c */
/* The plugin returned MK_COMMAND: journals op->want_command, or waits if that must not be sent now. */
void mk_op_want_command(struct mk_op *op);
void mk_op_send(struct mk_op *op);   /* Sends the journalled command, after the commit. */
void mk_op_follow(struct mk_op *op); /* Follows the command's job. */
/* mk_op_stop_io(). If the command is unsent (mk_op_is_unsent()) it is taken back, with the plugin's notes about it. */
void mk_op_stop(struct mk_op *op);

/* operations.c */
struct mk_op *mk_op_new(struct mk_engine *engine); /* NULL without memory */
void mk_op_free(struct mk_op *op);
DEFINE_CLEANUP(struct mk_op *, mk_op_free)
/* Loads an operation from the store into memory; NULL if it is not there. */
struct mk_op *mk_engine_load(struct mk_engine *engine, const char *id);
/* Finds the i-th child. False if there is no such child; *ret is NULL if it is not in memory. */
bool mk_op_nth_child(struct mk_op *op, size_t i, struct mk_op **ret);
/* True while a child that was made before the roll-back began has not ended. */
bool mk_op_forward_runs(const struct mk_op *op);
/* The operation's parent, if it has one that has not ended; else NULL. */
struct mk_op *mk_op_running_parent(const struct mk_op *op);
/* Claims an object. what: "volume" or "vm". True if this operation or its parent has the claim. False if another
 * operation has it (*ret_holder), or without memory (*ret_holder is NULL). */
bool mk_op_claim(struct mk_op *op, const char *what, const char *id, struct mk_op **ret_holder);
/* Releases its claims. Unfinished children and siblings that work on the same objects get them. */
void mk_op_release_claims(struct mk_op *op);
/* Adds an ended operation to those that mk_engine_trim_ended() may drop, unless it has an unfinished parent: that
 * must still see it. */
void mk_op_keep_ended(struct mk_op *op);
/* Drops the oldest finished operations from memory, beyond the number that is kept. */
void mk_engine_trim_ended(struct mk_engine *engine);

/* op.c */
/* Marks it to be written, and `changed` (MK_OP_CHANGED_*) to be told. */
void mk_op_touch(struct mk_op *op, unsigned changed);
/* The only function that changes an operation's state: logs it, and adds it to the audit trail. */
void mk_op_set_state(struct mk_op *op, enum mk_op_state state);
void mk_op_log(const struct mk_op *op, int priority, const char *fmt, ...) _printf_(3, 4);
/* The row at step_index. */
const struct mk_step *mk_op_row(const struct mk_op *op);
const char *mk_op_volume_id(const struct mk_op *op); /* the one that was named last; "" if none */
/* Sets op->error, unless it is set. */
void mk_op_set_error(struct mk_op *op, enum mk_error_code code, const char *fmt, ...)
	_printf_(3, 4);
/* Sets the next phase, which the loop then runs. */
void mk_op_kick(struct mk_op *op, enum mk_op_phase phase);
/* Sets the next phase, which runs after the time. */
void mk_op_pause(struct mk_op *op, uint64_t usec, enum mk_op_phase then);
/* Stops what the operation waits for: request, watch or pause. */
void mk_op_stop_io(struct mk_op *op);
/* Frees the answers to the row's questions. */
void mk_op_forget_answers(struct mk_op *op);
/* True if the command is being sent, and CloudStack has certainly seen nothing of it. */
bool mk_op_is_unsent(const struct mk_op *op);
/* True while a command's outcome is unknown: CloudStack may be doing something whose end we do not know. */
bool mk_op_outcome_unknown(const struct mk_op *op);
/* by its method or the configuration; µs since the epoch */
uint64_t mk_op_own_deadline(const struct mk_op *op);
/* (Re)arms a timer of the operation, usec from now. */
int mk_op_arm(struct mk_op *op, sd_event_source **source, uint64_t usec,
	      sd_event_time_handler_t handler);
void mk_op_arm_limit(struct mk_op *op); /* starts the row's time anew */
/* Stops the row's time while its question waits for an answer, because CloudStack may be away; and goes on with it. */
void mk_op_hold_limit(struct mk_op *op);
void mk_op_go_on_limit(struct mk_op *op);
void mk_op_disarm_limit(struct mk_op *op); /* the row has no limit */
