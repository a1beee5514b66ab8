/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The checks of the soak test. For each operation they know what was asked, and what the simulator's state was
 * when it was accepted. When it has ended, the simulator must agree with the state that it reports. At the end of
 * a burst (operations started together) the daemon must agree with the simulator before anything is repaired.
 */

#include "integration/failover/failover-env.h"

#define SK_VOLUMES_MAX 7 /* at a time */
#define SK_BURST_MAX   5

struct sk_volume {
	char id[MK_UUID_SIZE];
	bool gone;   /* a DeleteVolume deleted it */
	bool unsure; /* what became of a command to it was not found out: until the next Reconcile */
	bool touched; /* by an operation of this burst */
};

extern struct sk_volume sk_volumes[];
extern size_t sk_n_volumes;

/* A new world. */
void sk_forget(void);
void sk_add_volume(const char *id);
size_t sk_n_there(void);

struct sk_op {
	const char *kind;
	struct f_set set; /* what it may touch */
	const char *vm;   /* where Assign and AttachVolume bring it */
	char root[MK_UUID_SIZE];
	bool drop;

	/* the rest is filled in here */
	char path[256];
	bool ended;
	bool shared
		[F_MAX]; /* another operation took the volume up before this one was judged, or had it */
	json_object *before; /* the simulator's state */
};

extern struct sk_op sk_ops[SK_BURST_MAX]; /* of this burst */
extern size_t sk_n_ops;

extern unsigned sk_n_ended, sk_n_succeeded, sk_n_unknown, sk_n_back, sk_n_reverts;

/* Sets that succeeded in Snapshot, the newest ones: what there is to go back to. */
struct sk_snapshots {
	struct f_set set;
	char operation[80];
};
const struct sk_snapshots *sk_snapshots(unsigned n); /* the n-th, round and round; NULL: none */

void sk_begin_burst(struct world *w);
/* Before a call: what has ended is judged, and it is seen where all volumes are. */
void sk_look(struct world *w);
/* The call was accepted. */
void sk_started(struct world *w, const struct sk_op *op, const char *path);
/* Waits for the end of all operations, and judges them. */
void sk_end_burst(struct world *w);
/* Runs Reconcile. Before a repair only volumes that are unsure may differ; after two repairs nothing may. */
void sk_reconcile(struct world *w);
