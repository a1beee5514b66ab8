/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The bench for tests of the engine: src/engine with the real plugin test-vm, a real database in a scratch directory,
 * and the fake client of fake-cs.h in CloudStack's place. All is in one process on one event loop.
 */

#include "daemon/turn.h"
#include "engine/engine.h"
#include "fake-cs.h"
#include "plugin/plugin.h"
#include "tap.h"

#define VM   "22222222-2222-4222-8222-222222222222"
#define OMA  "11111111-1111-4111-8111-111111111111"
#define ROOT "33333333-3333-4333-8333-333333333333"
#define DATA "44444444-4444-4444-8444-444444444444"

extern const struct mk_plugin *bench_plugin;

struct bench {
	sd_event *event;
	struct mk_cs cs;
	struct mk_store *store;
	struct mk_volumes *volumes;
	struct mk_turn *turn;
	struct mk_engine *engine;
	struct mk_engine_config config;
	unsigned n_added, n_finished, n_removed; /* calls of the engine's watcher */
	unsigned n_changed;                      /* those that told of changed properties */
	bool no_plugin;                          /* the engine finds no plugin */
	const struct mk_method *method;          /* if not NULL, found in place of the plugin's */
	char *path;                              /* of the database */
};

/* Start and stop everything, the first with an empty database. */
void bench_start(struct bench *b);
void bench_stop(struct bench *b);
/*
 * Open and close the database and what works on it: volumes, turn and engine. Closing and opening them is a restart of
 * the daemon: what was not committed is lost. The fake CloudStack stays.
 */
void bench_open(struct bench *b);
void bench_close(struct bench *b);
/* The commit at the end of a turn (struct mk_turn_hooks); 0 or a negative errno. */
int bench_commit(void *bench);

/* Submits a DeleteRootVolume of the VM. token may be NULL. Returns NULL and the error if the engine refuses. */
struct mk_op *bench_submit(struct bench *b, const char *vm, const char *token, bool with_stop,
			   struct mk_error *error);
/* Runs the loop until the operation has ended, for 60 s at most. The second submits one for VM with the token "t". */
const struct mk_op_record *bench_run(struct bench *b, struct mk_op *op);
const struct mk_op_record *bench_run_one(struct bench *b, bool with_stop);
/* The operation must have this state and this error. */
void bench_expect(const struct mk_op_record *r, enum mk_op_state state, enum mk_error_code error);
/* Runs so many iterations of the loop, without waiting. */
void bench_spin(struct bench *b, unsigned turns);

/* Set-up and clean-up for tap_main(): load the plugin, make and remove the scratch directory. 0 on success. */
int bench_load_plugin(void);
int bench_clean_up(void);
