/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The engine with the real test-vm plugin, a real database and a fake CloudStack, on one loop. */

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
	unsigned n_added, n_finished, n_removed;
	unsigned n_changed;             /* changes of properties that were told */
	bool no_plugin;                 /* from the next bench_open() on */
	const struct mk_method *method; /* not NULL: found instead of the plugin's */
	char *path;
};

void bench_start(struct bench *b);
void bench_stop(struct bench *b);
/* The engine alone, as at a restart; what is not committed is lost. */
void bench_open(struct bench *b);
void bench_close(struct bench *b);
int bench_commit(void *bench);

/* DeleteRootVolume; NULL with the error. */
struct mk_op *bench_submit(struct bench *b, const char *vm, const char *token, bool with_stop,
			   struct mk_error *error);
/* To its end; of VM, with the token "t". */
const struct mk_op_record *bench_run(struct bench *b, struct mk_op *op);
const struct mk_op_record *bench_run_one(struct bench *b, bool with_stop);
void bench_expect(const struct mk_op_record *r, enum mk_op_state state, enum mk_error_code error);
void bench_spin(struct bench *b, unsigned turns);

/* For tap_main(). */
int bench_load_plugin(void);
int bench_clean_up(void);
