/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What was received and what was executed, for tests to read and to wait for. */

#include "http/http.h"
#include "http/request.h"

struct sim_log;

int log_new(sd_event *event, struct sim_log **ret);
struct sim_log *log_free(struct sim_log *log);
DEFINE_CLEANUP(struct sim_log *, log_free)
void log_clear(struct sim_log *log);
/* A request; its entry gets status and job later. Borrowed, valid until log_clear(). */
json_object *log_received(struct sim_log *log, const char *command, const struct request *q);
void log_executed(const char *command, void *log);
/* When it happened last, for measurements: "job-done" (a client was told), "plug". */
void log_happened(struct sim_log *log, const char *what);
json_object *log_to_json(struct sim_log *log, bool entries);
/* Answers r when the counter has reached count, with 400 at the time-out. */
int log_wait(struct sim_log *log, struct http_request *r, const char *command, int64_t count,
	     bool executed, unsigned timeout_ms);
