/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the benchmark share. */

#include "base/base.h"

#define ROUNDS 7
#define MANY   5000
#define PART   500 /* volumes in one request of a seed: it has at most 1 MiB */

/* Writes one figure. Takes the samples' reference. */
void put(const char *series, const char *variant, const char *unit, json_object *samples);
void add(json_object *samples, double v);
/* A seed of detached volumes of the appliance: those with the numbers from, and up to but not including to. */
json_object *many_volumes(unsigned from, unsigned to);
/* A function for CURLOPT_WRITEFUNCTION. */
size_t ignore(char *data, size_t size, size_t n, void *user);

/* How many lists the simulator can answer. */
void bench_sim(void);
