/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The scenarios of the failure matrix of class failover and of DestroyVM, and the checks after each case: the
 * whole set is where it was or where it was to be, no command was run too often, store, CloudStack and devices
 * agree, and no operation is unfinished. If an operation ends with "could not be found out", only its snapshots
 * and unfinished operations are checked.
 */

#include "failover-env.h"

#define FS_VOLUMES     2
#define FS_N_SCENARIOS 16
#define FS_NOT_TODAY   "\"errorcode\":431,\"errortext\":\"not today\""

extern struct world fs_w;
extern struct f_set fs_set;

struct fs_scenario {
	const char *name;
	void (*base)(void); /* from wherever the last case ended */
	const char *(*call)(const char *token);
	bool (*done)(void);
	bool (*before)(void);   /* NULL: nothing is undone, and the call is to be repeated */
	const char *state;      /* how it ends without a further fault */
	const char *fault[2];   /* command and fault that it always meets; NULL: none */
	const char *changes[4]; /* on success each runs `times` times */
	unsigned times;
};

extern const struct fs_scenario fs_scenarios[FS_N_SCENARIOS];

#define FOREACH(s)                                                                                 \
	for (const struct fs_scenario *s = fs_scenarios; s < fs_scenarios + FS_N_SCENARIOS; s++)

void fs_start(const char *config);
/* Makes what the scenario begins with, and the fault that it always meets. */
void fs_begin(const struct fs_scenario *s);
const char *fs_token(void); /* a new one. Static storage */
/* Waits for its end, and checks everything. state NULL: any, but what it says must be true. */
void fs_end(const struct fs_scenario *s, const char *path, const char *state, const char *label);
void fs_told_once(const char *path, const char *label);
void fs_check(bool ok, const char *label, const char *what);

/* A request that a scenario sends: the nth of its command. */
struct fs_place {
	char command[48];
	unsigned nth;
	bool change;
};

struct fs_places {
	struct fs_place items[200];
	size_t n;
};

/* Runs the scenario without a further fault, and lists all that it sends. */
void fs_find_places(const struct fs_scenario *s, struct fs_places *ret);
bool fs_is_poll(const struct fs_place *p);
/* With MK_MATRIX_FULL in the environment everything is tried. */
bool fs_is_full(void);
/* Whether the i-th place is tried. Scenarios that always meet a fault try every second place, and the others with the
 * next kind of fault: other scenarios have tried their way forward. */
bool fs_takes(const struct fs_scenario *s, size_t i);
/* From here on another kind of fault is tried. */
void fs_next_kind(void);

enum fs_faults {
	READS = 1 << 0,
	CHANGES = 1 << 1,
	MAY_FAIL = 1 << 2, /* the operation may end in another state than without the fault */
	ASSIGN_ONLY = 1 << 3,
};

/* Runs each scenario once for each place that is tried, each scenario as a forked case. The places meet the faults in
 * turn; with MK_MATRIX_FULL each place meets all of them. */
void fs_each_place(const char *const *faults, unsigned flags, const char *config);
