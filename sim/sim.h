/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * cloudstack-sim: the border between the HTTP side (main, http, request, faults, admin) and the model side
 * (model, jobs, commands). The HTTP side decodes, verifies and injects faults; the model side knows what
 * CloudStack knows and answers one command at a time, at once. Time passes for jobs only, on the loop.
 */

#include "base/base.h"

#include <systemd/sd-event.h>

struct sim;

/* What is to go wrong with the job that a command starts. */
enum sim_job_fault {
	SIM_JOB_OK,
	SIM_JOB_ERROR,       /* it fails with code and text; nothing is done */
	SIM_JOB_ERROR_DONE,  /* it does its work and then says that it failed */
	SIM_JOB_HOLD,        /* it stays pending until sim_release(), then goes on */
	SIM_JOB_LATE,        /* it takes `ms` longer */
	SIM_JOB_LOST,        /* it does its work; its id is unknown as soon as it has ended */
	SIM_JOB_LOST_BEFORE, /* it does nothing, and its id is unknown at once */
	SIM_JOB_NO_RESULT,   /* it does its work and ends as failed (530) without a jobresult */
};

/* One verified request. */
struct sim_call {
	const char *command;
	json_object *params; /* decoded texts, names in lower case; without signature, apikey, … */
	enum sim_job_fault fault;
	int fault_code;
	const char *fault_text;
	unsigned fault_ms;
};

/* Its answer. */
struct sim_answer {
	int status;        /* 200, or CloudStack's error code, which is also the HTTP status */
	json_object *body; /* the whole JSON body, {"…response":{…}}; owned */
	char *description; /* X-Description of an error; NULL for none; owned */
	char *job;         /* id of the job it started, NULL for none; owned */
	unsigned delay_ms; /* to be waited before it is sent (deleteVolume works in the request) */
};
void sim_answer_done(struct sim_answer *answer);

/* Fixed ids of the default seed. */
#define SIM_ZONE             "00000000-0000-4000-8000-000000000001"
#define SIM_OMA              "11111111-1111-4111-8111-111111111111"
#define SIM_TEST_VM          "22222222-2222-4222-8222-222222222222"
#define SIM_TEST_ROOT        "33333333-3333-4333-8333-333333333333"
#define SIM_FAILOVER_VM      "44444444-4444-4444-8444-444444444444"
#define SIM_FAILOVER_ROOT    "55555555-5555-4555-8555-555555555555"
#define SIM_OMA_ROOT         "66666666-6666-4666-8666-666666666666"
/* Others of it: the disk offerings of any size and of 5 GiB, what VMs are made of. */
#define SIM_CUSTOM_OFFERING  "00000000-0000-4000-8000-000000000002"
#define SIM_FIXED_OFFERING   "00000000-0000-4000-8000-000000000003"
#define SIM_SERVICE_OFFERING "00000000-0000-4000-8000-000000000004"
#define SIM_TEMPLATE         "00000000-0000-4000-8000-000000000005"
#define SIM_NETWORK          "00000000-0000-4000-8000-000000000006"

/* executed runs when a command has changed something (its job has done its work): proof of at-most-once. */
int sim_new(sd_event *event, void (*executed)(const char *command, void *data), void *data,
	    struct sim **ret);
struct sim *sim_free(struct sim *sim); /* NULL is allowed; returns NULL */
DEFINE_CLEANUP(struct sim *, sim_free)

/* Whether the server has the command (else: 401), whether it starts a job, whether it only reads. */
bool sim_knows(struct sim *sim, const char *command);
bool sim_is_async(struct sim *sim, const char *command);
bool sim_is_read(const char *command);

/* Runs a command: parameters, state, refusals as CloudStack has them. Never fails: errors are answers. */
void sim_call(struct sim *sim, const struct sim_call *call, struct sim_answer *ret);

/*
 * An error answer with CloudStack's shape. root: the root key, "listvolumesresponse"; NULL:
 * "errorresponse". cs_code 0: without the key. 400 and 401 have no description.
 */
void sim_error(struct sim_answer *ret, const char *root, int code, int cs_code, const char *fmt,
	       ...) _printf_(5, 6);

/*
 * Settings, texts.
 * Numbers: job-ms (the work of a job), report-ms (from work in a VM's queue to the job's end),
 * create-job-ms (instead of both, of what needs no storage), delete-ms, job-expire-ms, page-size,
 * max-data-disks (0: the hypervisor's), max-volumes (0: no limit).
 * Texts: hypervisor; role (admin|user); denied (comma list of commands that the role lacks: 432),
 * unknown (commands that the server lacks: 401).
 * true or false: expunge, expunge-vm, force-stop (what users may), backup-attach, maintenance,
 * detach-timeout (detach jobs fail with the 10000 ms text, and the guest lets go later), host-away
 * (no agent answers: attach, detach, start and stop fail), storage-full, storage-error (deletions
 * fail).
 * Those of the HTTP side (latency-ms, enforce-post, api-limit, interval-ms) are kept here too, for
 * sim_get(). -EINVAL: unknown key or bad value.
 */
int sim_set(struct sim *sim, const char *key, const char *value);
int64_t sim_get(struct sim *sim, const char *key); /* numbers; booleans as 0 and 1 */
const char *sim_get_text(struct sim *sim, const char *key);

/* Admin: documented in sim/README.md. Negative: what is wrong is in *ret_why (caller frees). */
/* kinds: which members, "vms,volumes"; NULL: all. The caller puts it. */
json_object *sim_state(struct sim *sim, const char *kinds);
int sim_seed(struct sim *sim, json_object *seed, char **ret_why);
int sim_poke(struct sim *sim, json_object *fields, char **ret_why);
void sim_release(struct sim *sim);                  /* held jobs go on */
void sim_restart(struct sim *sim, bool disk_stays); /* of the management server */

/*
 * The hypervisor: told when a disk is plugged into or unplugged from a running guest, before the job
 * ends. Not owned.
 */
struct sim_hypervisor {
	void (*plug)(const char *volume, uint64_t size, const char *serial, const char *vm,
		     void *data);
	void (*unplug)(const char *volume, const char *vm, void *data);
	void *data;
};
void sim_set_hypervisor(struct sim *sim, const struct sim_hypervisor *hypervisor);
