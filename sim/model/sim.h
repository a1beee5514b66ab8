/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The simulator of CloudStack (README.md) has two sides. The HTTP side (http, log, hypervisor, api, main) decodes and
 * verifies requests and injects faults. The model side (model, jobs, commands) knows the zones, VMs, volumes, snapshots
 * and jobs. It answers one command at a time, and at once: only jobs take time, by timers on the event loop. This header
 * and commands.h are the border between them.
 */

#include "base/base.h"

struct sim;         /* the model */
struct sim_account; /* who calls */

/* What goes wrong with the job that a command starts. */
enum sim_job_fault {
	SIM_JOB_OK,
	SIM_JOB_ERROR,       /* it fails with fault_code and fault_text, and does nothing */
	SIM_JOB_ERROR_DONE,  /* it does its work, and fails all the same */
	SIM_JOB_HOLD,        /* it stays pending until sim_release(), then goes on */
	SIM_JOB_LATE,        /* it takes fault_ms longer */
	SIM_JOB_LOST,        /* it does its work; its id is unknown as soon as it has ended */
	SIM_JOB_LOST_BEFORE, /* it does nothing, and its id is unknown at once */
	SIM_JOB_NO_RESULT,   /* it does its work, and fails (530) without a jobresult */
	SIM_JOB_AGENT_DIES, /* the agent does its work and dies: pending until sim_release(), then it fails */
};

#define SIM_SERVERS 2

/* One verified request. */
struct sim_call {
	const char *command;
	json_object *params; /* decoded texts by lower-case names; without signature, apikey, … */
	unsigned server;     /* the management server that got it */
	struct sim_account *caller; /* NULL: the account of the default world */
	enum sim_job_fault fault;
	int fault_code;
	const char *fault_text;
	unsigned fault_ms;
};

/* The answer to a request. */
struct sim_answer {
	int status;        /* the HTTP status: 200, or CloudStack's error code */
	json_object *body; /* the whole JSON body, {"…response":{…}}; owned */
	char *description; /* header X-Description of an error; NULL: none; owned */
	char *job;         /* id of the job that was started; NULL: none; owned */
	unsigned delay_ms; /* to wait before it is sent: deleteVolume works in the request */
};

/* Ids of the VMs and volumes that are there from the start. */
#define SIM_ZONE             "00000000-0000-4000-8000-000000000001"
#define SIM_OMA              "11111111-1111-4111-8111-111111111111"
#define SIM_TEST_VM          "22222222-2222-4222-8222-222222222222"
#define SIM_TEST_ROOT        "33333333-3333-4333-8333-333333333333"
#define SIM_FAILOVER_VM      "44444444-4444-4444-8444-444444444444"
#define SIM_FAILOVER_ROOT    "55555555-5555-4555-8555-555555555555"
#define SIM_OMA_ROOT         "66666666-6666-4666-8666-666666666666"
/* Ids of the other objects: disk offerings of any size and of 5 GiB, and what a VM is deployed with. */
#define SIM_CUSTOM_OFFERING  "00000000-0000-4000-8000-000000000002"
#define SIM_FIXED_OFFERING   "00000000-0000-4000-8000-000000000003"
#define SIM_SERVICE_OFFERING "00000000-0000-4000-8000-000000000004"
#define SIM_TEMPLATE         "00000000-0000-4000-8000-000000000005"
#define SIM_NETWORK          "00000000-0000-4000-8000-000000000006"

/*
 * Changes a setting. Values are texts. README.md describes each; settings.c has their types and defaults. Those of the
 * HTTP side are only kept here.
 *
 * Returns 0, or -EINVAL for an unknown key or a bad value.
 */
int sim_set(struct sim *sim, const char *key, const char *value);
/* A number, or 0 or 1 for a boolean. sim_get_text() returns any setting as it was set. Unknown keys: 0 and "". */
int64_t sim_get(struct sim *sim, const char *key);
const char *sim_get_text(struct sim *sim, const char *key);

/* The account with this key, which has the secret; NULL: nobody has it, or may not call. */
struct sim_account *sim_caller(struct sim *sim, const char *api_key, const char **ret_secret);
/* The keys of the default world's account. */
void sim_set_keys(struct sim *sim, const char *api_key, const char *secret);

/* What the requests of the same names below /admin do (README.md). */

/* Return 0, or a negative errno and what is wrong in *ret_why, which the caller frees. */
int sim_seed(struct sim *sim, json_object *seed, char **ret_why);
int sim_poke(struct sim *sim, json_object *fields, char **ret_why);
/*
 * POST /admin/guest: {"vm":ID,"state":…}. A paused guest does nothing. A deaf one hears neither of hot-plug on virtio
 * nor of its shutdown. When it is running again it gets what it has missed, or with "rescan":false it does not.
 */
int sim_guest(struct sim *sim, json_object *fields, char **ret_why);

enum sim_guest_state {
	SIM_GUEST_RUNS,
	SIM_GUEST_PAUSED,
	SIM_GUEST_DEAF,
};

/* A disk as it is plugged into a VM. */
struct sim_disk {
	const char *volume, *vm; /* ids */
	const char *serial;      /* what the guest sees */
	uint64_t size;           /* in bytes */
	int device;              /* the device id; on scsi 7 of them are a controller's units */
	bool scsi;               /* else virtio */
	bool boot;               /* the guest finds it when it starts, in this order */
	unsigned delay_ms;       /* the guest shows it that much later */
};

/*
 * The hypervisor. The model tells it what is put into a VM's machine and taken out of it, before the job ends. How the
 * guest follows is for the hypervisor to play: a guest that does not run sees it later. volume and vm are ids. A
 * function may be NULL.
 */
struct sim_hypervisor {
	void (*plug)(const struct sim_disk *disk, void *data);
	/*
	 * On virtio the guest lets go of it, or its machine is gone; on scsi it sees that delay_ms later. False: a
	 * real guest has not let go within limit_ms, and may do so at any time.
	 */
	bool (*unplug)(const char *volume, const char *vm, unsigned delay_ms, unsigned limit_ms,
		       void *data);
	/* The guest is to let go of a disk on virtio, and does not run: unplug() follows. */
	void (*eject)(const char *volume, const char *vm, void *data);
	void (*resize)(const char *volume, const char *vm, uint64_t size, void *data);
	/* -ENOTSUP: it cannot be had in this state. */
	int (*guest)(const char *vm, enum sim_guest_state state, bool rescan, void *data);
	void *data;
};
/* Plugs in anew what a Running VM has, as when it starts: for a hypervisor that begins. */
void sim_guest_boot(struct sim *sim, const char *vm);
/* Copies the struct; data must stay valid as long as the simulator. */
void sim_set_hypervisor(struct sim *sim, const struct sim_hypervisor *hypervisor);

/* cserrorcode of errors, as in CloudStack's CSExceptionErrorCode. */
#define CS_INVALID    4350 /* InvalidParameterValueException */
#define CS_PERMISSION 4365
#define CS_ALLOCATION 4370
#define CS_RUNTIME    4250
#define CS_PLAIN      9999 /* ServerApiException */
