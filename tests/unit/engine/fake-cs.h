/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A fake of the CloudStack client, linked in place of src/cloudstack. It defines the same functions, but sends nothing:
 * its cloud is one VM and its volumes in memory. Answers come from the event loop. A test says which command is to meet
 * which fault.
 */

#include "cloudstack/cloudstack.h"

enum fake_fault {
	FAKE_NONE,
	FAKE_REFUSE,         /* refused in the request, with fault_code and "said no" */
	FAKE_NO_COMMAND,     /* the account has no such command */
	FAKE_JOB_FAIL,       /* accepted; the job fails with fault_code */
	FAKE_NO_ANSWER_DONE, /* run, but the answer is lost */
	FAKE_NO_ANSWER_LOST, /* the request is lost */
	FAKE_NOT_RUN,        /* certainly not run, with fault_code */
	FAKE_NOT_LEFT,       /* not sent until fake_release() */
	FAKE_JOB_HOLD,       /* pending until fake_release(); then fails if fault_code is not 0 */
	FAKE_JOB_VANISHED,   /* accepted, not run; the job's id is unknown */
	FAKE_JOB_VANISHED_DONE, /* accepted and run; the job's id is unknown */
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
	/* the next n_faults requests of fault_command meet this fault */
	const char *fault_command;
	enum fake_fault fault;
	int fault_code;
	unsigned n_faults;
	/* what happened: commands that were run, requests that were made */
	unsigned n_stop, n_detach, n_attach, n_destroy, n_delete, n_reads, n_writes;
	unsigned n_met; /* requests that met a fault */
	struct mk_cs_request *requests;
	struct mk_cs_watch *watches;
	struct fake_job *jobs;
};

/* Makes a cloud with the VM 2222…, which is Stopped, and its root volume 3333…. */
void fake_init(struct mk_cs *cs, sd_event *event);
/* Lets all that waits go on: held jobs, hanging reads, and requests that have not left. */
void fake_release(struct mk_cs *cs);
void fake_done(struct mk_cs *cs);
