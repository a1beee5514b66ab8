/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The interface between migratekit-volumed and its volume plugins. A plugin includes this header and nothing else
 * of the daemon.
 *
 * A plugin is a shared object for one volume class. It describes its D-Bus methods and gives each method a step
 * table: the steps of an operation, in order, as data. The daemon walks the table, row by row. The plugin's
 * functions are short and never wait. Each looks at what CloudStack answered, and then says that the step is done,
 * or names the one command that is still missing.
 *
 *   descriptor ── init(host) ── [ prepare(op, args) ── step ── step ── … ── end ]* ── process exit
 *                                                      │
 *                    ┌─────────────────────────────────┘
 *                    ▼
 *        ask CloudStack (row's `ask`) ──▶ then(op) ──▶ MK_DONE: next row
 *                    ▲                      │ │ └────▶ MK_AGAIN: ask again a little later
 *                    │                      │ └──────▶ mk_host.fail, MK_FAILED: roll back, newest step first
 *                    └── command has ended ◀┘ MK_COMMAND: journal it, send it, follow its job
 *
 * A step is done only when `then` has seen that what it wants is true. After each command, whatever came of it, the
 * daemon asks CloudStack again and calls `then` again. So a lost answer, a late job and a restart of the daemon
 * need no special code in a plugin.
 *
 * Rules for a plugin: never block; never use D-Bus, files, threads or the network; never keep a pointer to an
 * operation or its data after a function has returned. What must survive a restart goes to the operation's scratch
 * (mk_host.scratch). The daemon has one thread.
 *
 * Words: the appliance (OMA) is the VM that the daemon runs on. An operation claims the volumes, and perhaps the
 * VM, that it works on: nobody else may change them until it ends. A managed volume is one that the daemon's own
 * store knows.
 *
 * The ABI is private to one release: number and size must match exactly, or the plugin is not loaded.
 */

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MK_PLUGIN_ABI 3

/* The only symbol that a plugin exports: a pointer to its descriptor (MK_PLUGIN). */
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
	const char *vm;       /* UUID of the VM that it is attached to, "" if detached */
	const char *vm_state; /* state of that VM: "Running", "Stopped", …; "" if detached */
	const char *zone;     /* UUID */
	const char *owner;    /* value of the tag migratekit:owner, "" without one */
	const char *class;    /* value of the tag migratekit:class, "" without one */
	/* value of the tag migratekit:operation, the id of the operation that made or adopted it; "" without one */
	const char *operation;
	int64_t device_id; /* -1 if detached; says nothing about the guest's device */
	uint64_t size;     /* bytes */
	bool busy;         /* a job is pending on it */
	bool managed;      /* the daemon's store knows it */
};

/* The state of a managed volume in the daemon's store. */
enum mk_volume_state {
	MK_VOLUME_DETACHED,
	MK_VOLUME_ATTACHING,
	MK_VOLUME_ATTACHED, /* to `vm`; if that is the appliance, it has a device */
	MK_VOLUME_DETACHING,
	MK_VOLUME_LOST, /* attached to the appliance, but no disk here is proven to be it */
};
#define MK_VOLUME_N_STATES (MK_VOLUME_LOST + 1)

/* What the daemon's store knows of a managed volume. */
struct mk_managed_info {
	const char *id, *name, *class;
	const char *vm; /* "" if detached */
	/* The VM that CloudStack was told to attach it to, "" for none. Kept until it is seen what came of that,
	 * even when the operation has ended with an unknown outcome. */
	const char *target;
	enum mk_volume_state state;
	int64_t device_id; /* -1 if detached */
	uint64_t size;     /* bytes */
	/* node of its proven device; "" if it has none, or the disk is not here now */
	const char *node;
	uint64_t revision; /* a new number after each change, never 0 */
};

/* A disk of this machine that is proven to be a volume. */
struct mk_device_info {
	const char *node;   /* /dev/vdb */
	const char *link;   /* stable link below /dev/disk/by-id; "" if none points to the disk */
	const char *serial; /* complete, as sysfs or udev has it */
	unsigned major, minor;
	uint64_t diskseq; /* the kernel's number of this disk; 0 on kernels older than 5.15 */
	uint64_t size;    /* bytes */
};

/* ---- operations ------------------------------------------------------------------------------ */

struct mk_op; /* one operation; opaque */

/* What a step function (`then`, `undo`) returns. */
enum mk_step_result {
	MK_DONE = 0, /* what the step wants is true: go on with the next row */
	/* not yet: ask again a little later. mk_host.waiting_for says for what */
	MK_AGAIN = 1,
	/* a command was named (mk_host.command, command_sync): send it, then ask again */
	MK_COMMAND = 2,
	MK_FAILED = 3,   /* mk_host.fail was called */
	MK_FINISHED = 4, /* the whole operation is done: skip the rows that are left */
	MK_NEXT = 5,     /* mk_host.look_for was called: ask again at once */
};

/*
 * What is asked of CloudStack before the step function runs, and where the function finds the answer. "The VM" and
 * "the volume" are those that the operation has named by mk_host.set_vm and mk_host.set_volume; of several volumes,
 * the last one named.
 */
enum mk_ask {
	MK_ASK_NOTHING,
	MK_ASK_VM,         /* mk_host.vm: NULL if CloudStack does not know it */
	MK_ASK_VOLUME,     /* mk_host.volume: NULL if CloudStack does not know it */
	MK_ASK_VM_VOLUMES, /* mk_host.vm, and mk_host.volumes: all volumes attached to it */
	MK_ASK_VM_VOLUME,  /* mk_host.vm and mk_host.volume */
	MK_ASK_LOOKED_FOR, /* mk_host.volumes: those that mk_host.look_for has named */
	/* mk_host.volumes: those tagged as this appliance's, and those attached to it */
	MK_ASK_OURS,
	MK_ASK_ZONES,     /* mk_host.rows: all zones that can be used */
	MK_ASK_OFFERINGS, /* mk_host.rows: all disk offerings */
	/* mk_host.rows: the snapshots of the volume that look_for("volumeid", …) has named; NULL if it named none */
	MK_ASK_SNAPSHOTS,
	/* What prevents a move. If the server or our role does not have the command, the answer is "no rows". */
	MK_ASK_VM_SNAPSHOTS,  /* mk_host.rows: the VM's VM snapshots */
	MK_ASK_VM_BACKUPS,    /* mk_host.rows: the VM's backups */
	MK_ASK_OMA_SNAPSHOTS, /* mk_host.rows: the appliance's VM snapshots */
	MK_ASK_OMA_BACKUPS,   /* mk_host.rows: the appliance's backups */
	MK_ASK_OMA, /* mk_host.vm: the appliance; mk_host.volumes: all volumes attached to it */
	/* mk_host.volumes: of all volumes that the operation has named, those that CloudStack knows */
	MK_ASK_SET,
	MK_ASK_VM_SET, /* mk_host.vm, and mk_host.volumes as for MK_ASK_SET */
};
#define MK_ASK_N (MK_ASK_VM_SET + 1)

/* A flag of a row: once its command may have left, or it has a child, a cancel is refused, also in all later rows. */
#define MK_STEP_NO_RETURN (1u << 0)

/* One row of a step table, with one step. At most 64 rows; their names must differ. The name goes into the journal:
 * never use one again with another meaning. */
struct mk_step {
	const char *name; /* NULL ends the table */
	enum mk_ask ask;
	int (*then)(struct mk_op *op); /* the step function; returns enum mk_step_result */
	enum mk_ask undo_ask;
	/* For a roll-back: like `then`, for taking the step back; must return MK_DONE if there is nothing to take
	 * back. NULL: there never is. */
	int (*undo)(struct mk_op *op);
	/*
	 * The row's time, 1 to 86400 s, unless the configuration sets one for all rows. After it MK_AGAIN fails the
	 * row with Timeout. Only while a command's outcome is unknown the operation goes on, as `settling`, until
	 * its deadline. The time stands still while a question waits for its answer, and does not pass while
	 * CloudStack is away.
	 */
	unsigned limit_s;
	unsigned flags; /* MK_STEP_* */
};

/* The errors of a call or operation: org.migratekit.Volume1.Error.*, and at the end standard D-Bus errors. The
 * D-Bus name ends in the same words: MK_ERROR_NOT_FOUND is …Error.NotFound. */
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
	/* org.freedesktop.DBus.Error.* */
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

/* A child operation, as its parent sees it. Pointers are valid until the function returns. */
struct mk_child_info {
	const char *id;
	bool ended, succeeded;
	enum mk_error_code error; /* MK_ERROR_NONE unless it ended without success */
	const char *message;
	json_object *result;
};

/* ---- methods ----------------------------------------------------------------------------------- */

/*
 * A key that a method's last argument, a{sv}, may have. Other keys and other types are refused before the plugin is
 * called. Two names are the daemon's and must not be listed: `token` (s), which each method that makes operations
 * has, and `batch`.
 */
struct mk_option {
	const char *name; /* NULL ends the table */
	const char *type; /* "b", "s", "u" or "t" */
};

enum mk_method_kind {
	/* "… a{sv}" → "o": makes one durable operation, and replies at once with its path */
	MK_METHOD_OPERATION,
	/* "as … a{sv}" → "ao": makes one operation for each element of the array, all or none; `prepare` gets that
	 * element in place of the array */
	MK_METHOD_BATCH,
	/* replies when its step table has ended, with the operation's result under the key `result`; nothing is
	 * stored or claimed */
	MK_METHOD_QUERY,
};

/* What a caller must be allowed to do; over the bus polkit decides. */
enum mk_privilege {
	MK_PRIVILEGE_READ,
	MK_PRIVILEGE_CREATE,
	MK_PRIVILEGE_ATTACH,
	MK_PRIVILEGE_DETACH,
	MK_PRIVILEGE_DELETE,
	/* needed in addition to the method's own when its option `force` is true */
	MK_PRIVILEGE_FORCE,
};

/* One D-Bus method. At most 64 in a table. */
struct mk_method {
	const char *name;     /* NULL ends the table */
	const char *in;       /* D-Bus signature */
	const char *in_names; /* argument names, separated by commas */
	const char *out;
	const char *out_names;
	enum mk_method_kind kind;
	enum mk_privilege privilege;
	const struct mk_option *options; /* NULL: none but `token` */
	/* The kind of its operations: their property Kind, and how the journal finds the step table again. NULL:
	 * the method's name. Two methods may have the same kind if they have the same steps. */
	const char *operation;
	const struct mk_step *steps;
	/* The operation's time in all, without the roll-back: 1 to 604800 s, unless the configuration sets one for
	 * all. */
	unsigned deadline_s;
	/*
	 * Checks the arguments and names the VM and volumes that the operation is about, by set_vm and set_volume.
	 * args: a JSON array in the order of `in`; types and options are checked already. Decides by the arguments
	 * and the configuration alone. Returns MK_DONE; or MK_FAILED after fail(): the caller gets that error, and
	 * no operation is made.
	 */
	int (*prepare)(struct mk_op *op, json_object *args);
	const char *result; /* MK_METHOD_QUERY: the key of the result whose value is the reply */
};

/* ---- host ---------------------------------------------------------------------------------------- */

/*
 * What the daemon does for plugins; init gets it. All functions may be called from prepare, then and undo, for the
 * operation that these were called for. vm, volume, volumes and rows return only what the row asked for. Texts and
 * structures that are returned are borrowed and valid until the function of the plugin returns.
 */
struct mk_host {
	uint32_t abi;
	size_t size;

	/*
	 * Name the VM, or one more volume, that the operation is about, by a canonical UUID. A volume is also
	 * claimed: until the operation ends, no other may change it. A VM is claimed only with `claim`. A child may
	 * also name what its parent has claimed; a query claims nothing. False: fail() was called, because the id
	 * is no UUID (MK_ERROR_INVALID_ARGS) or another operation has the claim (MK_ERROR_BUSY); return MK_FAILED
	 * then. Naming again the object that was named last is harmless.
	 */
	bool (*set_vm)(struct mk_op *op, const char *id, bool claim);
	bool (*set_volume)(struct mk_op *op, const char *id);
	const char *(*vm_id)(struct mk_op *op);     /* "" if not set */
	const char *(*volume_id)(struct mk_op *op); /* the one that was named last; "" if none */

	/* The answers to what the row asked. vm, volume: NULL if CloudStack does not know it. */
	const struct mk_vm_info *(*vm)(struct mk_op *op);
	const struct mk_volume_info *(*volume)(struct mk_op *op);
	const struct mk_volume_info *(*volumes)(struct mk_op *op, size_t *ret_n);
	/* rows as CloudStack sent them, valid UTF-8; NULL: not asked */
	json_object *(*rows)(struct mk_op *op);
	/* Names what MK_ASK_LOOKED_FOR asks for: key "id" or "name" (exact) and its value; or MK_ASK_SNAPSHOTS: key
	 * "volumeid". Kept with the operation; the last call counts. */
	void (*look_for)(struct mk_op *op, const char *key, const char *value);

	/* UUID of the appliance's own VM. */
	const char *(*oma_id)(struct mk_op *op);
	/* A setting of the configuration: "disk-offering" or "zone"; "" if not set. */
	const char *(*setting)(struct mk_op *op, const char *name);
	/* How many data disks CloudStack attaches to one VM, according to the configuration. */
	unsigned (*max_data_disks)(struct mk_op *op);

	/* ---- managed volumes: the daemon's store ---- */

	/* What the store knows of a volume; NULL if it is not managed. The next call overwrites it. */
	const struct mk_managed_info *(*managed)(struct mk_op *op, const char *volume);
	/* Calls fn for each managed volume. fn must not change the store. */
	void (*each_managed)(struct mk_op *op,
			     void (*fn)(const struct mk_managed_info *v, void *data), void *data);
	/*
	 * Begins to manage a volume, or brings a managed one up to date, from CloudStack's word v. name NULL: its
	 * name stays, at first CloudStack's. class NULL: its class stays; a volume that is not managed is then left
	 * alone.
	 */
	void (*manage)(struct mk_op *op, const struct mk_volume_info *v, const char *class,
		       const char *name);
	/* Stops managing the volume; harmless if it is not managed. */
	void (*forget)(struct mk_op *op, const char *volume);
	/*
	 * Sets the state of a managed volume. MK_VOLUME_ATTACHING: its target is the operation's VM.
	 * MK_VOLUME_ATTACHED, on the appliance: its device is proven anew, or it is lost. MK_VOLUME_LOST: no disk
	 * here is taken for it until another state is set, or manage or bind_device is called.
	 */
	void (*set_volume_state)(struct mk_op *op, const char *volume, enum mk_volume_state state);
	/* True if an unfinished operation other than this one has claimed the volume. */
	bool (*is_busy)(struct mk_op *op, const char *volume);

	/* ---- block devices of this machine ---- */

	/* Checks that on this VM's hypervisor it can be proven which disk a volume is. MK_DONE, or MK_FAILED after
	 * fail(). */
	int (*check_hypervisor)(struct mk_op *op, const struct mk_vm_info *vm);
	/*
	 * Proves which disk the volume is. v: the volume as CloudStack has it now, attached to the appliance; vm:
	 * the appliance. The proof: v's serial is on exactly one disk, of the right size, which no other managed
	 * volume claims and, the first time, on which nothing sits.
	 *
	 * MK_DONE: *ret is the device. MK_AGAIN: the disk is not here yet, and waiting_for was called; the
	 * operation looks again as soon as a disk comes, goes or changes. MK_FAILED: something contradicts, or the
	 * row's time is over; fail() was called.
	 */
	int (*prove_device)(struct mk_op *op, const struct mk_volume_info *v,
			    const struct mk_vm_info *vm, struct mk_device_info *ret);
	/* Stores what prove_device has proven: the volume is attached to the appliance and has this device. */
	void (*bind_device)(struct mk_op *op, const struct mk_volume_info *v,
			    const struct mk_device_info *device);
	/* The node of a disk with the volume's serial, "" if there is none. This is no proof: there may be several.
	 * The operation looks again when a disk comes, goes or changes. */
	const char *(*device_seen)(struct mk_op *op, const char *volume);
	/* Reads all disks again, as after a lost event, and proves the devices of all managed volumes again. */
	void (*rescan)(struct mk_op *op);
	/* Who uses the disks with the volume's serial: phrases for the error, "" if nobody. What cannot be found
	 * out counts as used. Valid until the next call. */
	const char *(*device_users)(struct mk_op *op, const char *volume);

	/* ---- what was asked ---- */

	/* The value of an option of the call, or the fallback if it was not given. */
	bool (*option_bool)(struct mk_op *op, const char *name, bool fallback);
	const char *(*option_str)(struct mk_op *op, const char *name, const char *fallback);
	int64_t (*option_int)(struct mk_op *op, const char *name, int64_t fallback);
	json_object *(*args)(struct mk_op *op); /* the call's arguments, in order */
	const char *(*id)(struct mk_op *op);    /* the operation's id */

	/* The operation's notes, which survive a restart: a JSON object that the plugin may change. Stored after
	 * the function. */
	json_object *(*scratch)(struct mk_op *op);
	/* What a caller sees: Details (while it runs) and Result (at the end). JSON objects that the plugin may
	 * change. On D-Bus, numbers become t (x if negative), booleans b, objects a{sv}, arrays of texts as. */
	json_object *(*details)(struct mk_op *op);
	json_object *(*result)(struct mk_op *op);

	/*
	 * Names the one command that the step needs, an asynchronous CloudStack command, with its parameters as
	 * name, value, …, NULL; then return MK_COMMAND. The daemon adds customjobid, and journals the command
	 * before it is sent. If the answer is lost, it is sent again only with the same customjobid, for
	 * which CloudStack never runs two jobs; but a create command that it refuses for that has made its row.
	 * One that CloudStack could not run (503, 530, 533, 534, 536) is sent again if the function still wants it.
	 */
	void (*command)(struct mk_op *op, const char *command, ...) __attribute__((sentinel));
	/* The same for a synchronous command that is harmless to repeat (deleteVolume). After a lost answer the
	 * function sees from CloudStack's state what came of it. */
	void (*command_sync)(struct mk_op *op, const char *command, ...) __attribute__((sentinel));
	/*
	 * CloudStack's error code (431, 530, …) if it refused the step's last command for good; else 0.
	 * MK_NO_COMMAND: the server or our role does not have the command. A function that simply wants the same
	 * command again need not look at this: the daemon then fails the step with MK_ERROR_REFUSED and
	 * CloudStack's words.
	 */
	int (*refusal)(struct mk_op *op);
	/* CloudStack's words when it last refused a command of this step, also if that is tried again; else "". */
	const char *(*refusal_text)(struct mk_op *op);
	/* The name of this step's last command, or "". */
	const char *(*last_command)(struct mk_op *op);
	/* The id of the object that the step's last command makes (createVolume), as CloudStack said when it
	 * accepted it; "" before. Survives a restart. */
	const char *(*created_id)(struct mk_op *op);

	/* True if CloudStack said that the step's last command was done. For effects that cannot be seen (a
	 * revert). */
	bool (*succeeded)(struct mk_op *op);

	/* ---- child operations ---- */

	/*
	 * Makes a child: an operation of a method in the plugin's inner_methods, with these arguments (borrowed).
	 * Its id is <id of this one>_<suffix>, or another if somebody has taken that. If there is a child with this
	 * suffix already, nothing is done. False: fail() was called.
	 *
	 * A child may use what this operation has claimed, and keeps the claims for itself if this operation ends
	 * first. Its time ends a little before this operation's. Nobody else can cancel it while this operation is
	 * unfinished.
	 */
	bool (*spawn)(struct mk_op *op, const char *suffix, const char *kind, json_object *args);
	/*
	 * Looks at a child; false if there is none with this suffix. The operation looks again when a child ends. A
	 * row that looks at a child has no limit of its own. The time to roll back begins when all children that
	 * were made before it have ended, each within its own time.
	 */
	bool (*child)(struct mk_op *op, const char *suffix, struct mk_child_info *ret);
	/* Asks for a cancel of the child; harmless if it is too late. */
	void (*cancel_child)(struct mk_op *op, const char *suffix);

	/* Fails the step; then return MK_FAILED. The text says what is wrong and what to do. The first call counts. */
	void (*fail)(struct mk_op *op, enum mk_error_code code, const char *fmt, ...)
		__attribute__((format(printf, 3, 4)));
	/*
	 * Says that CloudStack may still run the step's last command although it refused it (a detachVolume that
	 * waited in vain for the guest). The outcome then counts as unknown until the step function runs again. To
	 * be used with MK_AGAIN.
	 */
	void (*unsettled)(struct mk_op *op);
	/* True if the row's time (limit_s) is over. */
	bool (*is_late)(struct mk_op *op);
	/* Writes a line to the log, with the operation's fields. */
	void (*log)(struct mk_op *op, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
	/* With MK_AGAIN: what the step waits for, as half a sentence: "volume … to be expunged". */
	void (*waiting_for)(struct mk_op *op, const char *fmt, ...)
		__attribute__((format(printf, 2, 3)));
};

/* What mk_host.refusal returns if the server or our role does not have the command. */
#define MK_NO_COMMAND 432

/* ---- descriptor ------------------------------------------------------------------------------------ */

/* The descriptor of a plugin. */
struct mk_plugin {
	uint32_t abi; /* MK_PLUGIN_STAMP sets abi and size */
	size_t size;
	const char *name;      /* the file's name without .so, and the volume class */
	const char *summary;   /* one line */
	const char *interface; /* D-Bus interface of its methods */
	const struct mk_method *methods;
	/*
	 * What the class does for the manager's own methods (CreateVolume, AttachVolume, …): rows with those names
	 * and arguments, and without options, which are the manager's. NULL, or no row: the class does not have the
	 * method. A kind must not be used for different steps in any of the three tables.
	 */
	const struct mk_method *volume_methods;
	/* Methods whose operations only other operations of this plugin make (mk_host.spawn): for work that runs
	 * side by side, such as each volume of a set. Not on D-Bus, but described in the same way. NULL: none. */
	const struct mk_method *inner_methods;
	/* Called once, before anything else; host stays valid. Returns 0; -ENOTSUP if the plugin is not for this
	 * system, which is no error; another negative errno disables the class. NULL: nothing to do. */
	int (*init)(const struct mk_host *host);
};

#define MK_PLUGIN_STAMP .abi = MK_PLUGIN_ABI, .size = sizeof(struct mk_plugin)

#define MK_PLUGIN(descriptor)                                                                      \
	__attribute__((visibility(                                                                 \
		"default"))) extern const struct mk_plugin *const migratekit_volume_plugin;        \
	const struct mk_plugin *const migratekit_volume_plugin = &(descriptor)
