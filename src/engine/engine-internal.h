/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by engine.c (the set of operations), engine-accept.c (how they are made), op-run.c (one operation's walk), op-ask.c and op-command.c
 * (what a step reads and sends), op-host.c, op-device.c and op-child.c (what a plugin may ask of it). */

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

/* engine.c */
struct mk_op *mk_op_new(struct mk_engine *engine); /* NULL without memory */
void mk_op_free(struct mk_op *op);
DEFINE_CLEANUP(struct mk_op *, mk_op_free)
void mk_op_touch(struct mk_op *op, unsigned changed);
void mk_op_kick(struct mk_op *op, enum mk_op_phase phase);
bool mk_op_claim(struct mk_op *op, const char *what, const char *id, struct mk_op **ret_holder);
void mk_op_release_claims(struct mk_op *op);
void mk_op_stop_io(struct mk_op *op);
void mk_op_set_state(struct mk_op *op, enum mk_op_state state);
void mk_op_log(const struct mk_op *op, int priority, const char *fmt, ...) _printf_(3, 4);

/* engine-accept.c */
/* Accepts a child: no limits, its token is its whole id. Returns 0, or -EINVAL with the error set. */
int mk_engine_spawn(struct mk_engine *engine, const struct mk_op *parent,
		    const struct mk_op_request *request, struct mk_error *error);
/* A child's time ends before its parent's. */
void mk_op_bound_deadline(struct mk_op *op, const struct mk_op *parent);
/* An id that no operation has. Returns 0 or a negative errno. */
int mk_engine_fresh_id(struct mk_engine *engine, char **ret);

/* op-host.c */
const char *mk_op_volume_id(const struct mk_op *op); /* the newest; "" if none */
/* The row's function looks; what it changed is marked for the journal. Returns its enum mk_step_result. */
int mk_op_call_plugin(struct mk_op *op);

/* op-device.c */
void mk_host_add_devices(struct mk_host *host);

/* op-child.c */
void mk_host_add_children(struct mk_host *host);
/* The i-th child, if it is in memory; false beyond the last. *ret is NULL if it is not. */
bool mk_op_nth_child(struct mk_op *op, size_t i, struct mk_op **ret);

/* True while a child that was made before the roll-back has not ended. */
bool mk_op_forward_runs(const struct mk_op *op);

/* op-ask.c */
void mk_op_ask(struct mk_op *op); /* and then PHASE_LOOK */
void mk_op_forget_answers(struct mk_op *op);
void mk_op_look_for(struct mk_op *op, const char *key, const char *value);

/* op-command.c */
void mk_op_want_command(struct mk_op *op); /* the plugin named one */
void mk_op_send(struct mk_op *op);         /* the journalled command, after the commit */
void mk_op_follow(struct mk_op *op);       /* its job */
/* The command is about to be sent, and CloudStack has certainly seen nothing of it. */
bool mk_op_is_unsent(const struct mk_op *op);
/* mk_op_stop_io(), and a command that is unsent was never wanted. */
void mk_op_stop(struct mk_op *op);

/* op-run.c */
const struct mk_step *mk_op_row(const struct mk_op *op);
void mk_op_set_error(struct mk_op *op, enum mk_error_code code, const char *fmt, ...)
	_printf_(3, 4);
void mk_op_fail(struct mk_op *op); /* with op->error */
void mk_op_pause(struct mk_op *op, uint64_t usec, enum mk_op_phase then);
/* True while CloudStack may be doing something that we do not know the end of. */
bool mk_op_outcome_unknown(const struct mk_op *op);
/* Fails the operation if it is to be cancelled and can be: nothing unknown is ever rolled back. */
bool mk_op_cancelled(struct mk_op *op);
/* mk_op_cancel() by the operation that made it. */
int mk_op_cancel_child(struct mk_op *op, struct mk_error *error);
void mk_op_run(struct mk_op *op);    /* one phase; from the loop */
void mk_op_resume(struct mk_op *op); /* after a restart */
/* The row's time stands still while its question waits for an answer: CloudStack may be away. */
void mk_op_hold_limit(struct mk_op *op);
void mk_op_go_on_limit(struct mk_op *op);
int mk_op_arm_deadline(struct mk_op *op);
void mk_op_arm_limit(struct mk_op *op); /* the row's time begins */
