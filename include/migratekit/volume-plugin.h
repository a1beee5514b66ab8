/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a volume plugin sees of migratekit-volumed: this header and nothing else.
 *
 * A plugin is a shared object for one volume class. It describes its D-Bus methods and, for each
 * method, a step table: the order of the operation, as data. The daemon walks the table; the plugin's
 * functions are short and never wait. They look at what CloudStack said and either declare the step
 * done, or name the one command that is missing.
 *
 *   descriptor ── init(host) ── [ prepare(op, args) ── step ── step ── … ── end ]* ── process exit
 *                                                      │
 *                    ┌─────────────────────────────────┘
 *                    ▼
 *        ask CloudStack (row's `ask`) ──▶ then(op) ──▶ MK_DONE: next row
 *                    ▲                      │ │ └────▶ MK_AGAIN: ask again a little later
 *                    │                      │ └──────▶ mk_fail(): roll back, newest step first
 *                    └── command has ended ◀┘ MK_COMMAND: journal it, send it, follow its job
 *
 * A step ends only when `then` has seen that what it wants is true. After each command, whatever came
 * of it, CloudStack is asked again and `then` is called again; a lost answer, a late job and a restart
 * of the daemon are therefore no special cases for a plugin.
 *
 * Rules: never block, never touch D-Bus, files, threads or the network; never keep a pointer to an
 * operation or its data after a function returned; what must survive a restart goes to the
 * operation's scratch (mk_host.scratch). The daemon is one thread.
 *
 * The ABI is private to one release: number and size must match exactly, or the plugin is not loaded.
 */

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MK_PLUGIN_ABI 3

/* Name of the only symbol a plugin exports. */
#define MK_PLUGIN_SYMBOL "migratekit_volume_plugin"

/* ---- what CloudStack said ------------------------------------------------------------------- */

/* A virtual machine. Texts are valid UTF-8 and never NULL ("" when CloudStack left them out). */
struct mk_vm_info {
	const char *id; /* canonical UUID */
	const char *name;
	const char *state;      /* "Running", "Stopped", … as CloudStack spells it */
	const char *zone;       /* UUID */
	const char *hypervisor; /* "KVM", … */
	bool busy;              /* a job is pending on it */
};

/* A volume. */
struct mk_volume_info {
	const char *id; /* canonical UUID */
	const char *name;
	const char *type;     /* "ROOT" or "DATADISK" */
	const char *state;    /* "Ready", "Allocated", "Destroy", … as CloudStack spells it */
	const char *vm;       /* UUID of the VM it is attached to, "" if detached */
	const char *vm_state; /* of that VM, "Running", "Stopped", …; "" if detached */
	const char *zone;     /* UUID */
	const char *owner;    /* value of the tag migratekit:owner, "" without one */
	const char *class;    /* value of the tag migratekit:class, "" without one */
	/* value of the tag migratekit:operation: what made or adopted it; "" without one */
	const char *operation;
	int64_t device_id; /* -1 if detached; names no guest device */
	uint64_t size;     /* bytes */
	bool busy;         /* a job is pending on it */
	bool managed;      /* in the daemon's own store */
};

/* What the daemon's own store knows of a volume that it manages. */
enum mk_volume_state {
	MK_VOLUME_DETACHED,
	MK_VOLUME_ATTACHING,
	MK_VOLUME_ATTACHED, /* to `vm`; has a device if that is the appliance */
	MK_VOLUME_DETACHING,
	MK_VOLUME_LOST, /* attached to the appliance, and its device is not here */
};
#define MK_VOLUME_N_STATES (MK_VOLUME_LOST + 1)

struct mk_managed_info {
	const char *id, *name, *class;
	const char *vm; /* "" if detached */
	/* The VM that CloudStack was told to attach it to, until it is seen what came of that; also after the
	 * operation, when its outcome was unknown; "" for none. */
	const char *target;
	enum mk_volume_state state;
	int64_t device_id; /* -1 if detached */
	uint64_t size;     /* bytes */
	const char *node;  /* its proven device, "" if it has none or the disk is not here now */
	uint64_t revision; /* another one after each change, never 0 */
};

/* A disk of this machine that is proven to be a volume. */
struct mk_device_info {
	const char *node;   /* /dev/vdb */
	const char *link;   /* stable link below /dev/disk/by-id, "" if udev made none */
	const char *serial; /* as read from the disk */
	unsigned major, minor;
	uint64_t diskseq; /* 0 on kernels older than 5.15 */
	uint64_t size;    /* bytes */
};

/* ---- operations ------------------------------------------------------------------------------ */

struct mk_op; /* opaque */

/* What a step function returns. */
enum mk_step_result {
	MK_DONE = 0,     /* what this step wants is true: go on with the next row */
	MK_AGAIN = 1,    /* not yet: ask again a little later (mk_host.waiting_for says for what) */
	MK_COMMAND = 2,  /* mk_host.command was called: send it, then ask again */
	MK_FAILED = 3,   /* mk_host.fail was called */
	MK_FINISHED = 4, /* the whole operation is done: skip the rows that are left */
	MK_NEXT = 5,     /* look_for was called: ask again at once */
};

/* What is read from CloudStack before the step function runs. The objects are those that the
 * operation names: mk_host.set_vm and mk_host.set_volume. */
enum mk_ask {
	MK_ASK_NOTHING,
	MK_ASK_VM,         /* mk_host.vm: NULL if CloudStack does not know it */
	MK_ASK_VOLUME,     /* mk_host.volume: NULL if CloudStack does not know it */
	MK_ASK_VM_VOLUMES, /* mk_host.vm and mk_host.volumes: all volumes attached to the VM */
	MK_ASK_VM_VOLUME,  /* mk_host.vm and mk_host.volume */
	MK_ASK_LOOKED_FOR, /* mk_host.volumes: those that mk_host.look_for named */
	MK_ASK_OURS,       /* mk_host.volumes: tagged as this appliance's, or attached to it */
	MK_ASK_ZONES,      /* mk_host.rows: all zones that can be used */
	MK_ASK_OFFERINGS,  /* mk_host.rows: all disk offerings */
	MK_ASK_SNAPSHOTS, /* mk_host.rows: the snapshots of the volume that look_for("volumeid", …)
			      * named; NULL if it named none */
	/* What stands in the way of a move; a server or role without the command has none. */
	MK_ASK_VM_SNAPSHOTS,  /* mk_host.rows: the VM's VM snapshots */
	MK_ASK_VM_BACKUPS,    /* mk_host.rows: the VM's backups */
	MK_ASK_OMA_SNAPSHOTS, /* mk_host.rows: the appliance's VM snapshots */
	MK_ASK_OMA_BACKUPS,   /* mk_host.rows: the appliance's backups */
	MK_ASK_OMA, /* mk_host.vm and mk_host.volumes: the appliance, and all volumes attached to it */
	MK_ASK_SET,    /* mk_host.volumes: those of the operation's volumes that CloudStack knows */
	MK_ASK_VM_SET, /* mk_host.vm, and the same */
};
#define MK_ASK_N (MK_ASK_VM_SET + 1)

#define MK_STEP_NO_RETURN                                                                          \
	(1u << 0) /* once its command was sent or a child made, a cancel comes too late */

/* One row of a step table. The name goes into the journal: never reuse one for another meaning. */
struct mk_step {
	const char *name; /* NULL ends the table */
	enum mk_ask ask;
	int (*then)(struct mk_op *op); /* an mk_step_result */
	enum mk_ask undo_ask;
	int (*undo)(
		struct mk_op *op); /* like then; harmless when there is nothing to undo; or NULL */
	unsigned limit_s; /* seconds until an unanswered command counts as of unknown outcome */
	unsigned flags;   /* MK_STEP_* */
};

/* The errors of org.migratekit.Volume1.Error.*; the name is the D-Bus name's last part. */
enum mk_error_code {
	MK_ERROR_NONE = 0,
	MK_ERROR_NOT_FOUND,
	MK_ERROR_NOT_MANAGED,
	MK_ERROR_NO_ROOT_VOLUME,
	MK_ERROR_AMBIGUOUS,
	MK_ERROR_BUSY,
	MK_ERROR_IN_USE,
	MK_ERROR_WRONG_STATE,
	MK_ERROR_PROTECTED,
	MK_ERROR_TOKEN_MISMATCH,
	MK_ERROR_REFUSED,
	MK_ERROR_UNAVAILABLE,
	MK_ERROR_OUTCOME_UNKNOWN,
	MK_ERROR_DEVICE_NOT_FOUND,
	MK_ERROR_DEVICE_MISMATCH,
	MK_ERROR_CANCELLED,
	MK_ERROR_INTERNAL,
	/* standard D-Bus errors, org.freedesktop.DBus.Error.* */
	MK_ERROR_INVALID_ARGS,
	MK_ERROR_ACCESS_DENIED,
	MK_ERROR_LIMITS_EXCEEDED,
	MK_ERROR_UNKNOWN_OBJECT,
	MK_ERROR_UNKNOWN_INTERFACE,
	MK_ERROR_UNKNOWN_METHOD,
	MK_ERROR_UNKNOWN_PROPERTY,
	MK_ERROR_PROPERTY_READ_ONLY,
	MK_ERROR_TIMEOUT,
	MK_ERROR_NOT_SUPPORTED,
	MK_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
};

/* A child operation, as its parent sees it. */
struct mk_child_info {
	const char *id;
	bool ended, succeeded;
	enum mk_error_code error; /* MK_ERROR_NONE unless it ended without success */
	const char *message;
	json_object *result;
};

/* ---- methods ----------------------------------------------------------------------------------- */

/* A key of a method's last argument, a{sv}. `token` (s) is understood for every method that makes
 * operations and is not listed; `batch` is the daemon's own. Other keys and other types are refused before the plugin is called. */
struct mk_option {
	const char *name; /* NULL ends the table */
	const char *type; /* a D-Bus signature of a basic type: "b", "s", "u", "t" */
};

enum mk_method_kind {
	MK_METHOD_OPERATION, /* "… a{sv}" → "o": makes one durable operation and answers at once */
	MK_METHOD_BATCH, /* "as … a{sv}" → "ao": one operation for each element, prepared with
			  * that element in place of the array */
	MK_METHOD_QUERY, /* answers when its step table has ended; nothing is stored. The reply is
			  * the operation's result under the key `result` */
};

enum mk_privilege {
	MK_PRIVILEGE_READ,
	MK_PRIVILEGE_CREATE,
	MK_PRIVILEGE_ATTACH,
	MK_PRIVILEGE_DETACH,
	MK_PRIVILEGE_DELETE,
	MK_PRIVILEGE_FORCE, /* needed besides the method's own when its option `force` is true */
};

struct mk_method {
	const char *name;     /* NULL ends the table */
	const char *in;       /* D-Bus signature */
	const char *in_names; /* argument names, separated by commas */
	const char *out;
	const char *out_names;
	enum mk_method_kind kind;
	enum mk_privilege privilege;
	const struct mk_option *options; /* NULL: none but token */
	const char *operation; /* the operation's Kind; also its key in the journal: two methods may
				* share one if they share the steps; NULL for the method's name */
	const struct mk_step *steps;
	unsigned deadline_s; /* the operation's time in all, roll-back not included */
	/*
	 * Checks the arguments (args: a JSON array in the order of `in`; types and options already
	 * checked) and names what the operation is about with set_vm and set_volume. Returns MK_DONE,
	 * or MK_FAILED after fail(): the caller gets that error and no operation is made. Must not
	 * look at anything but the arguments.
	 */
	int (*prepare)(struct mk_op *op, json_object *args);
	const char *result; /* MK_METHOD_QUERY: the result's key that is the reply */
};

/* ---- host ---------------------------------------------------------------------------------------- */

/*
 * The daemon's services, given to init. All functions may be called from prepare, then and undo
 * with the operation these were called for; vm, volume and volumes only see what the row asked for.
 */
struct mk_host {
	uint32_t abi;
	size_t size;

	/* Names what the operation is about: canonical UUIDs. A volume is also claimed: until the
	 * operation's end no other may change it; a VM only with `claim`. False: the id is no UUID
	 * (MK_ERROR_INVALID_ARGS) or claimed already (MK_ERROR_BUSY); fail() has been called, return
	 * MK_FAILED. Naming the same object again is harmless. */
	bool (*set_vm)(struct mk_op *op, const char *id, bool claim);
	bool (*set_volume)(struct mk_op *op, const char *id);
	const char *(*vm_id)(struct mk_op *op);     /* "" if not set */
	const char *(*volume_id)(struct mk_op *op); /* the newest; "" if none */

	/* The answers to the row's `ask`; valid until the function returns. */
	const struct mk_vm_info *(*vm)(struct mk_op *op);
	const struct mk_volume_info *(*volume)(struct mk_op *op);
	const struct mk_volume_info *(*volumes)(struct mk_op *op, size_t *ret_n);
	json_object *(*rows)(
		struct mk_op *op); /* as CloudStack sent them; valid UTF-8; NULL: not asked */
	/* For MK_ASK_LOOKED_FOR: "id" or "name" (exact) and its value; for MK_ASK_SNAPSHOTS "volumeid".
	 * Kept with the operation. */
	void (*look_for)(struct mk_op *op, const char *key, const char *value);

	/* The appliance's own VM. */
	const char *(*oma_id)(struct mk_op *op);
	/* Of the configuration, "" if not set: "disk-offering", "zone". */
	const char *(*setting)(struct mk_op *op, const char *name);
	/* How many data disks CloudStack attaches to one VM, by the configuration. */
	unsigned (*max_data_disks)(struct mk_op *op);

	/* ---- managed volumes: the daemon's store ---- */

	/* NULL if it is not managed; valid until the function returns. */
	const struct mk_managed_info *(*managed)(struct mk_op *op, const char *volume);
	/* Each of them; fn must not change the store. */
	void (*each_managed)(struct mk_op *op,
			     void (*fn)(const struct mk_managed_info *v, void *data), void *data);
	/* Takes a volume into the store, as CloudStack has it now, or brings the store up to date. name
	 * NULL: as it was, at first CloudStack's. class NULL: as it was; nothing is done for a volume that
	 * is not managed. */
	void (*manage)(struct mk_op *op, const struct mk_volume_info *v, const char *class,
		       const char *name);
	void (*forget)(struct mk_op *op, const char *volume);
	/* MK_VOLUME_ATTACHING: to the operation's VM.
	 * MK_VOLUME_ATTACHED, on the appliance: its device is proven anew, or it is lost. MK_VOLUME_LOST: no disk
	 * here is taken for it until another state is set or manage is called. */
	void (*set_volume_state)(struct mk_op *op, const char *volume, enum mk_volume_state state);
	/* True if an unfinished operation other than this one holds the volume. */
	bool (*is_busy)(struct mk_op *op, const char *volume);

	/* ---- block devices of this machine ---- */

	/* Whether a volume's disk can be told on this VM's hypervisor at all: MK_DONE, or MK_FAILED. */
	int (*check_hypervisor)(struct mk_op *op, const struct mk_vm_info *vm);
	/*
	 * Proves which disk the volume is (`v` as CloudStack has it now, `vm` the VM that it is attached
	 * to): its serial is on exactly one disk, of the right size, that no other managed volume claims
	 * and nothing sits on. MK_DONE: *ret; MK_AGAIN: it is not there yet, waiting_for was called;
	 * MK_FAILED: something contradicts, fail() was called. The operation is looked at again as soon
	 * as a disk comes, goes or changes.
	 */
	int (*prove_device)(struct mk_op *op, const struct mk_volume_info *v,
			    const struct mk_vm_info *vm, struct mk_device_info *ret);
	/* What prove_device proved is durable: the volume has this device, and is attached. */
	void (*bind_device)(struct mk_op *op, const struct mk_volume_info *v,
			    const struct mk_device_info *device);
	/* The node of a disk that carries the volume's serial, "" if there is none: its identity is
	 * not proven. Waits for changes as above. */
	const char *(*device_seen)(struct mk_op *op, const char *volume);
	/* Looks at all disks again, as after lost events. */
	void (*rescan)(struct mk_op *op);
	/* Who uses that disk, or another with the serial: "" if nobody; otherwise half sentences for the error.
	 * Valid until the next call. What cannot be found out counts as used. */
	const char *(*device_users)(struct mk_op *op, const char *volume);

	/* ---- what was asked ---- */

	/* An option of the call, or the fallback. */
	bool (*option_bool)(struct mk_op *op, const char *name, bool fallback);
	const char *(*option_str)(struct mk_op *op, const char *name, const char *fallback);
	int64_t (*option_int)(struct mk_op *op, const char *name, int64_t fallback);
	json_object *(*args)(struct mk_op *op); /* the call's arguments, in order */
	const char *(*id)(struct mk_op *op);    /* the operation's id */

	/* The operation's durable notes: a JSON object that the plugin may change; stored with the step. */
	json_object *(*scratch)(struct mk_op *op);
	/* What a caller sees: Details (while it runs) and Result (at the end). JSON objects; numbers
	 * appear as t or x, booleans as b, objects as a{sv}, arrays of texts as as. */
	json_object *(*details)(struct mk_op *op);
	json_object *(*result)(struct mk_op *op);

	/*
	 * Names the one command this step needs, an asynchronous CloudStack command with its
	 * parameters as name, value, …, NULL; then return MK_COMMAND. customjobid is added, journalled
	 * before sending; the command is sent at most once.
	 */
	void (*command)(struct mk_op *op, const char *command, ...) __attribute__((sentinel));
	/*
	 * The same for a synchronous command that is harmless to repeat (deleteVolume): after a lost
	 * answer CloudStack's state decides.
	 */
	void (*command_sync)(struct mk_op *op, const char *command, ...) __attribute__((sentinel));
	/*
	 * What became of this step's last command, if CloudStack refused it: its error code (431, 530,
	 * …), or 0. A step function that wants the same thing again after a refusal need not look: the
	 * daemon then ends the step with MK_ERROR_REFUSED and CloudStack's words. MK_NO_COMMAND: the
	 * server or our role does not have the command.
	 */
	int (*refusal)(struct mk_op *op);
	/* CloudStack's words in this step's last refusal, also of one that may be tried again; or "". */
	const char *(*refusal_text)(struct mk_op *op);
	/* The name of this step's last command, or "". */
	const char *(*last_command)(struct mk_op *op);
	/* The id of the object that this step's last command made (createVolume), as CloudStack said
	 * when it accepted it; "" before. Durable. */
	const char *(*created_id)(struct mk_op *op);

	/* True if CloudStack said that this step's last command was done. For what cannot be seen. */
	bool (*succeeded)(struct mk_op *op);

	/* ---- child operations ---- */

	/*
	 * Makes an operation of the plugin's inner table, with these arguments (borrowed); its id is
	 * <this one's id>_<suffix> unless somebody has taken that. It may use what this operation claimed, and
	 * keeps a claim of its own if this one ends first; its time ends a little before this one's. One that
	 * is there already is left as it is. False: fail() was called. Only this operation cancels it.
	 */
	bool (*spawn)(struct mk_op *op, const char *suffix, const char *kind, json_object *args);
	/* False if there is no such child. The operation is looked at again when a child ends; a row that
	 * looks at one has no limit of its own. A roll-back's time begins when those that were made before it
	 * have ended, each within its own. */
	bool (*child)(struct mk_op *op, const char *suffix, struct mk_child_info *ret);
	void (*cancel_child)(struct mk_op *op, const char *suffix);

	/* Fails the step; then return MK_FAILED. The text says what is wrong and what to do. */
	void (*fail)(struct mk_op *op, enum mk_error_code code, const char *fmt, ...)
		__attribute__((format(printf, 3, 4)));
	/* CloudStack refused the step's last command, and may do it all the same (detachVolume that waited
	 * for the guest in vain): until the next command its outcome counts as unknown. With MK_AGAIN. */
	void (*unsettled)(struct mk_op *op);
	/* The row's limit has passed. */
	bool (*is_late)(struct mk_op *op);
	/* A line for the log, with the operation's fields. */
	void (*log)(struct mk_op *op, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
	/* With MK_AGAIN: what is waited for, as a half sentence: "volume … to be expunged". */
	void (*waiting_for)(struct mk_op *op, const char *fmt, ...)
		__attribute__((format(printf, 2, 3)));
};

#define MK_NO_COMMAND 432

/* ---- descriptor ------------------------------------------------------------------------------------ */

struct mk_plugin {
	uint32_t abi; /* MK_PLUGIN_STAMP fills these two */
	size_t size;
	const char *name;      /* the file's name without .so, and the volume class */
	const char *summary;   /* one line */
	const char *interface; /* D-Bus interface of its methods */
	const struct mk_method *methods;
	/*
	 * What the class does for the manager's own methods (CreateVolume, AttachVolume, …): rows with
	 * those names and signatures. NULL, or no row: the class does not have the method. Kinds must
	 * be unique over both tables.
	 */
	const struct mk_method *volume_methods;
	/*
	 * Operations that only other operations of this plugin make (mk_host.spawn): for work that runs side
	 * by side, as each volume of a set. Their signature describes the arguments as for a method. NULL:
	 * none. Kinds must be unique over all tables.
	 */
	const struct mk_method *inner_methods;
	/* Once, before anything else; host stays valid. Negative errno: the class is disabled;
	 * -ENOTSUP: not on this system, which is no error. */
	int (*init)(const struct mk_host *host);
};

#define MK_PLUGIN_STAMP .abi = MK_PLUGIN_ABI, .size = sizeof(struct mk_plugin)

#define MK_PLUGIN(descriptor)                                                                      \
	__attribute__((visibility(                                                                 \
		"default"))) extern const struct mk_plugin *const migratekit_volume_plugin;        \
	const struct mk_plugin *const migratekit_volume_plugin = &(descriptor)
