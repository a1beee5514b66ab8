/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Stands in for src/cloudstack/cloudstack.c (linked instead of it): one VM and its volumes in memory, answers from the
 * loop, and a script of what goes wrong.
 */

#include "cloudstack/cloudstack.h"

enum fake_fault {
	FAKE_NONE,
	FAKE_REFUSE, /* synchronous refusal: code, "said no" */
	FAKE_NO_COMMAND,
	FAKE_JOB_FAIL,       /* accepted, the job fails: code */
	FAKE_NO_ANSWER_DONE, /* no answer, but it was run */
	FAKE_NO_ANSWER_LOST, /* no answer, and it never arrived */
	FAKE_NOT_RUN,        /* the client could not send it: code */
	FAKE_NOT_LEFT,       /* nothing of it has left the client until fake_release() */
	FAKE_JOB_HOLD, /* the job is pending until fake_release(), and fails if there is a code */
	FAKE_JOB_VANISHED, /* accepted, not run, and then not known */
	FAKE_JOB_VANISHED_DONE,
};

struct fake_volume {
	const char *id, *type, *state, *owner;
	const char *vm; /* "" if detached */
	int device_id;
};

struct mk_cs {
	sd_event *event;
	const char *vm, *vm_state; /* vm NULL: unknown to CloudStack */
	struct fake_volume volumes[8];
	size_t n_volumes;
	bool reachable, reads_hang, no_destroy; /* no_destroy: the role lacks destroyVolume */
	/* the next call of this command meets this fault, n_faults times */
	const char *fault_command;
	enum fake_fault fault;
	int fault_code;
	unsigned n_faults;
	/* what happened */
	unsigned n_stop, n_detach, n_attach, n_destroy, n_delete, n_reads, n_writes;
	unsigned n_met; /* faults */
	struct mk_cs_request *requests;
	struct mk_cs_watch *watches;
	struct fake_job *jobs;
};

void fake_init(struct mk_cs *cs, sd_event *event); /* VM 2222… Stopped with ROOT 3333… */
void fake_release(struct mk_cs *cs);               /* lets held jobs and hanging reads go on */
void fake_done(struct mk_cs *cs);
