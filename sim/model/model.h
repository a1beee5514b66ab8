/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The model: what the simulated CloudStack knows, and the form in which its commands are written. Private to the model
 * side; the HTTP side sees sim.h only.
 *
 * An object of a kind other than a job is freed only with the simulator. A removed one can still be found, as in
 * CloudStack's tables, so pointers between objects stay valid. If there is no memory, the simulator aborts.
 *
 * Seed (sim_seed(), POST /admin/seed): an object of lists. Each row needs an "id" that is a UUID. If there is an object
 * with this id, it is changed, not replaced. Rows of the first five lists appear in answers as they are written here.
 *   "zones"            name, allocationstate (Enabled|Disabled), localstorageenabled, …
 *   "diskofferings"    name, iscustomized, disksize (GiB), storagetype (shared|local), encrypt,
 *                      disksizestrictness, …
 *   "serviceofferings" name, cpunumber, cpuspeed, memory, …
 *   "templates"        name, size (bytes), …
 *   "networks"         name, type, …
 *   "storagepools"     name; new volumes are made in the first
 *   "domains"          name, parentdomainid (ROOT's by default)
 *   "accounts"         name, domainid (ROOT's by default), type (user|domain-admin|admin), apikey, secretkey, userid,
 *                      username, state (enabled, or it may not call), limits
 *   "projects"         name, domainid, members (list of accounts' ids)
 *   "vms", "volumes"   the fields of a poke
 *
 * Poke (sim_poke(), POST /admin/poke): {"vm":ID, field:value…}, {"volume":ID, …}, {"snapshot":ID, …} or
 * {"account":ID, "limits":{"volume":2, "snapshot":0, "primary_storage":BYTES, "user_vm":-1}}. All fields are checked
 * before any is changed. A poke changes only these fields: it plugs a volume into a guest only by the field "guest". A
 * seed also plugs in a volume of a Running VM.
 * account and project (ids) of the first three: whose it is; at first the account admin's, in a seed a volume's its
 * VM's owner. limits: -1 for none.
 *   vm        name, displayname, state, hypervisor, type (User|…), zoneid, templateid, serviceofferingid,
 *             networkid (of its only NIC), deleteprotection, details (object), vmsnapshots and backups (how
 *             many it has), removed
 *   volume    name, state, type (ROOT|DATADISK), size (bytes), zoneid, diskofferingid,
 *             virtualmachineid ("" detaches; without deviceid the lowest free one), deviceid,
 *             hypervisor, managed, deleteprotection, displayvolume, generation, guest (VM ID: the disk is plugged
 *             into it; "": unplugged), removed
 *   snapshot  name, state, created (seconds since the epoch), revertable
 * "generation" stands for a volume's content: a snapshot keeps it, a revert brings it back, and a poke of it stands for
 * a write.
 */

#include "sim.h"

#include <systemd/sd-event.h>

#include <inttypes.h>
#include <sys/queue.h>
#include <uthash.h>

enum sim_kind {
	K_DOMAIN,
	K_ACCOUNT,
	K_PROJECT,
	K_ZONE,
	K_DISK_OFFERING,
	K_SERVICE_OFFERING,
	K_TEMPLATE,
	K_NETWORK,
	K_POOL,
	K_VM,
	K_VOLUME,
	K_SNAPSHOT,
	K_VM_SNAPSHOT,
	K_BACKUP,
	K_JOB,
	K_N,
};

/* The beginning of everything that has an id. */
struct sim_object {
	enum sim_kind kind;
	char id[MK_UUID_SIZE];
	int64_t number; /* of the row in CloudStack's table: its texts leak it, its parameters take it */
	bool removed;
	char *name;
	uint64_t created;  /* µs since the epoch */
	json_object *tags; /* array of {"key","value"}: VMs, volumes, snapshots */
	json_object *row;  /* the whole object, of kinds without a struct of their own */
	/* whose it is, of a job who asked for it; NULL: nobody's, all see it */
	struct sim_account *owner;
	UT_hash_handle hh;
};

struct sim_job;
struct sim_request;
TAILQ_HEAD(sim_job_list, sim_job);

/* A network card of a VM. The one with device id 0 is the default one. */
struct sim_nic {
	char id[MK_UUID_SIZE];
	struct sim_object *network;
	int device_id;
	char mac[18], ip[16]; /* ip "": of a network without addresses */
	bool tied;            /* it has the network's VLAN: from the start to the stop */
};

struct sim_domain {
	struct sim_object o;
	struct sim_domain *parent; /* NULL: ROOT */
	char *path;                /* "ROOT/tenant": in each row of a list */
};

enum sim_account_type {
	SIM_ACCOUNT_USER,
	SIM_ACCOUNT_ROOT_ADMIN,
	SIM_ACCOUNT_DOMAIN_ADMIN,
	SIM_ACCOUNT_PROJECT, /* what a project owns belongs to it; it has no user */
};

/* What an account may have, as Resource.ResourceType names it. */
enum sim_limit {
	SIM_LIMIT_VM,
	SIM_LIMIT_VOLUME,
	SIM_LIMIT_SNAPSHOT,
	SIM_LIMIT_PRIMARY_STORAGE,
	SIM_LIMIT_N,
};

/* An account with its one user and that user's one pair of keys. */
struct sim_account {
	struct sim_object o;
	enum sim_account_type type;
	struct sim_domain *domain;
	struct sim_project *project; /* of SIM_ACCOUNT_PROJECT */
	bool disabled;
	char user_id[MK_UUID_SIZE];
	char *user_name, *api_key, *secret; /* keys: NULL if it has none */
	int64_t limits[SIM_LIMIT_N];        /* -1: none of its own */
	struct {                            /* its window of the api-limit plugin */
		uint64_t end;               /* monotonic µs */
		int64_t used;
	} rate[SIM_SERVERS]; /* each management server counts for itself */
};

struct sim_project {
	struct sim_object o;
	struct sim_account *account; /* that owns what is in it */
	struct sim_account **members;
	size_t n_members;
};

struct sim_vm {
	struct sim_object o;
	const char *state; /* one of sim_vm_states */
	uint64_t running;  /* since when it runs, monotonic µs; 0: it does not */
	bool has_figures;  /* the collector has seen it run */
	uint64_t updated;  /* when that changed, µs since the epoch; 0: it has never run */
	char *display_name, *type;
	char *group, group_id[MK_UUID_SIZE]; /* instance group; NULL: none */
	char *hypervisor;                    /* NULL: what the setting says */
	struct sim_object *zone, *template, *offering;
	struct sim_nic *nics;
	size_t n_nics;
	bool delete_protection;
	bool kept_host;             /* its row has a host although it does not run */
	bool has_run;               /* it has a last host, whose cluster has storage */
	json_object *details;       /* all of them: a user does not see each */
	enum sim_guest_state guest; /* while it is Running */
	struct sim_account *user;   /* whose user deployed it */
	struct sim_job_list
		queue; /* work jobs; the first one is at work, or begins at the next beat */
};

struct sim_volume {
	struct sim_object o;
	const char *state; /* one of sim_volume_states */
	bool root;         /* type ROOT, else DATADISK */
	bool stored;       /* it exists on a storage */
	bool misplaced; /* it was to be made on a storage that failed, and its row keeps that storage */
	uint64_t size;
	struct sim_vm *vm; /* as the database has it */
	int device_id;     /* -1 while detached */
	uint64_t attached;
	struct sim_object *zone;
	struct sim_object *offering; /* of disks, or a service offering; NULL: none */
	struct sim_object *template, *snapshot;
	char path[MK_UUID_SIZE];
	const struct sim_object *pool; /* its storage, once it is made */
	char *hypervisor;              /* of its image; NULL: what the setting says */
	bool managed, delete_protection;
	bool hidden; /* displayvolume is false */
	int64_t generation;
	struct sim_vm *guest; /* whose machine has the disk, whatever the database says */
	int guest_device;
	bool guest_scsi;             /* else virtio */
	bool ejecting;               /* the guest has been asked to let go, and has not yet */
	sd_event_source *letting_go; /* it does when this is due */
	sd_event_source *expunging;  /* deleteVolume is at work until then */
	const struct sim_server *expunged_by;
	struct sim *sim; /* for it */
};

struct sim_snapshot {
	struct sim_object o;
	const char *state; /* one of sim_snapshot_states */
	struct sim_volume *volume;
	uint64_t size; /* of the volume when it was taken */
	int64_t generation;
	bool unrevertable;    /* a test says so: its storage's strategy cannot revert */
	int64_t stuck_volume; /* number of one that was deleted while it was made of it; 0: none */
	sd_event_source *backup; /* the copying that its job does not wait for (asyncbackup) */
	const struct sim_server *backup_by;
};

extern const char *const sim_volume_states[], *const sim_vm_states[], *const sim_snapshot_states[];

/* A management server. */
struct sim_server {
	char id[MK_UUID_SIZE]; /* changes with its msid */
	const char *name;
};

struct sim {
	sd_event *event;
	struct sim_server servers[SIM_SERVERS]; /* they share everything else */
	bool database_away;
	const struct sim_command *const *commands; /* their tables; ends with NULL */
	sd_event_source *beat; /* of the work queue; armed while a VM's queue waits */
	void (*executed)(const char *command, void *data);
	void *data;
	struct sim_object *objects[K_N]; /* by id */
	struct sim_account *admin;       /* the account of the default world */
	int64_t last_number[K_N];
	struct sim_job_list pending;  /* oldest first */
	struct sim_job_list finished; /* first ended first */
	struct sim_setting_value *settings;
	struct sim_hypervisor hypervisor;
};

/* ---- commands -------------------------------------------------------------------------------- */

enum sim_param_type {
	P_TEXT,
	P_BOOL,
	P_NUMBER,  /* LONG */
	P_INTEGER, /* blanks are taken as absent */
	P_DATE,
	P_ID,    /* of an object of the kind */
	P_IDS,   /* a comma list of them */
	P_TEXTS, /* a comma list of texts */
	P_MAP,   /* name[0].key=… */
};

#define K_NONE K_N /* of entities that the simulator has no objects of */

/* A parameter as CloudStack's command class declares it (annotation @Parameter). */
struct sim_param {
	const char *name;
	enum sim_param_type type;
	enum sim_kind kind;
	const char *only;  /* K_NONE: the id of the one row that there is */
	const char *field; /* of the class, if it has another name: a refusal of a text has it */
	const char
		*since; /* added after 3.0: garbage in it is taken as absent, numbers are garbage */
	unsigned length; /* of a text, at most; 0: 255 */
	bool required;
	bool admin;   /* authorized for root admins only: for others it is not there */
	bool natural; /* validated: a positive number */
	bool access;  /* the caller needs access to the object: an annotation @ACL */
	bool host;    /* validated: a name that the DNS takes */
	bool like;    /* of a list: compared by LIKE, which fails for characters beyond the BMP */
};

enum sim_mode {
	SIM_READ,
	SIM_SYNC,
	SIM_ASYNC,
};

/*
 * A command. Reading and synchronous ones have run(). Of the others, in the order of time:
 *   prepare()   what CloudStack does in the request: refusals, and the row of create-type commands
 *   check()     the refusals of the API job, at once; it may set job->queue
 *   begin()     the first thing the work job does, when the VM's queue has come to it: refusals again, for the world
 *               may be another one by now, and the state that says so
 *   proceed()   what is seen from then on; it comes after the begin() of all jobs of this beat
 *   midway()    what has changed when half of the work's time is over
 *   finish()    the work
 *   conclude()  a second piece of work, for which the job waits in the VM's queue again
 *   result()    as seen at the end of the work; NULL: {"success":true}
 * abort() takes begin() back; interrupt() does what the server's next start does after it died at work, if that is
 * something else; linger() is what the hypervisor brings to its end although the server is restarted. Each
 * may be NULL. Those that return bool return false after they have refused.
 */
struct sim_command {
	const char *name;
	enum sim_mode mode;
	const char *class;    /* in org.apache.cloudstack.api.command.user, without "Cmd" */
	bool for_all;         /* root admins have no class of their own, …ByAdmin, for it */
	const char *instance; /* the job's jobinstancetype; NULL: none */
	const char *duration; /* the setting that says how long the job works; NULL: job-ms */
	bool create;          /* the answer has an id; executed counts the row, not the job */
	bool owned;           /* the request says whose that is to be */
	const struct sim_param *params;
	bool (*run)(struct sim_request *q);
	bool (*prepare)(struct sim_request *q, struct sim_job *job);
	bool (*check)(struct sim_job *job);
	bool (*begin)(struct sim_job *job);
	void (*proceed)(struct sim_job *job);
	bool (*midway)(struct sim_job *job);
	bool (*finish)(struct sim_job *job);
	bool (*conclude)(struct sim_job *job);
	void (*abort)(struct sim_job *job);
	void (*interrupt)(struct sim_job *job);
	void (*linger)(struct sim_job *job);
	json_object *(*result)(struct sim_job *job);
};

/* A request being answered. */
struct sim_request {
	struct sim *sim;
	const struct sim_command *command;
	const struct sim_call *call;
	json_object *params;
	struct sim_answer *answer;
	struct sim_account *caller;
	struct sim_account *owner; /* to be, of what the command makes */
};

enum sim_job_phase {
	JOB_QUEUED,    /* in its VM's queue: for the next beat, or other work comes first */
	JOB_STARTED,   /* its timer runs; midway() is to come */
	JOB_WORKING,   /* its timer runs */
	JOB_HELD,      /* until sim_release() */
	JOB_REPORTING, /* its work is done, and it is about to notice */
	JOB_ENDED,
};

struct sim_job {
	struct sim_object o;
	struct sim *sim;
	const struct sim_command *command;
	json_object *params;
	enum sim_job_phase phase;
	enum sim_job_fault fault;
	int fault_code;
	char *fault_text;
	unsigned fault_ms;
	int status; /* 0 pending, 1 success, 2 failure */
	int code;
	json_object *result; /* NULL: the key jobresult is missing */
	char instance_id[MK_UUID_SIZE];
	uint64_t completed;   /* µs since the epoch */
	uint64_t born, ended; /* monotonic */
	bool forgotten;       /* its id is unknown; freed when it ends */
	bool failed;
	bool nothing_done; /* it succeeds, but there was nothing to do */
	sd_event_source *timer;
	struct sim_vm *queue;        /* set by check(): the VM whose queue it waits in */
	TAILQ_ENTRY(sim_job) queued; /* in that queue */
	TAILQ_ENTRY(sim_job) listed; /* in sim->pending or sim->finished */
	/* for the command's own functions */
	struct sim_volume *volume;
	struct sim_vm *vm;
	struct sim_snapshot *snapshot;
	const char *state_before;
	int device_id;
	const struct sim_server *server;
	char server_id[MK_UUID_SIZE]; /* as it was */
	bool begun;
	bool stuck;       /* nobody works at it; pending until its server starts */
	bool due;         /* its time came while the database was away */
	bool interrupted; /* failed at the start of its server */
	bool beginning;   /* it began at this beat */
	bool concluding;  /* its work is done, and it waits in the queue for conclude() */
	unsigned wait_ms; /* set by begin(): it waits for the guest, and works that much longer */
};

/* ---- objects --------------------------------------------------------------------------------- */

/* The objects of a kind, removed ones included, oldest first. */
#define SIM_FOREACH(sim, k, p)                                                                     \
	for (p = (__typeof__(p))(void *)(sim)->objects[k]; p;                                      \
	     p = (__typeof__(p))((struct sim_object *)p)->hh.next)

struct sim_object *sim_find(struct sim *sim, enum sim_kind kind, const char *id);
/* id NULL: a random one. name NULL: none. The object has its final size: that of its kind's struct. */
struct sim_object *sim_add(struct sim *sim, enum sim_kind kind, const char *id, const char *name);
void sim_object_free(struct sim_object *o);
void sim_executed(struct sim *sim, const char *command);

/* A state's name from the list, or NULL. */
const char *sim_state_name(const char *const *states, const char *name);

/* Whether CloudStack knows a hypervisor of this name, in any case. */
bool sim_is_hypervisor(const char *name);
const char *sim_vm_hypervisor(struct sim *sim, const struct sim_vm *vm);
const char *sim_volume_hypervisor(struct sim *sim, const struct sim_volume *v);
int64_t sim_vm_count(struct sim *sim, enum sim_kind kind, const struct sim_vm *vm);
/* Its name on the host. The caller frees. */
char *sim_vm_instance_name(const struct sim_vm *vm);
/* It runs, or is on its way there or from there: it has a host. */
bool sim_vm_has_host(const struct sim_vm *vm);
/* As VirtualMachineManagerImpl.stateTransitTo(): the time of the change, and what Stopped does to the details. */
void sim_vm_set_state(struct sim *sim, struct sim_vm *vm, const char *state);
/* Whether the collector of figures has come by while it ran (StatsCollector, setting stats-ms). */
bool sim_vm_has_figures(struct sim *sim, struct sim_vm *vm);
/* Adds a detail, or changes it. */
void sim_vm_set_detail(struct sim_vm *vm, const char *key, const char *value);
/* The next NIC; mac and ip NULL: the network's next ones. */
struct sim_nic *sim_vm_add_nic(struct sim *sim, struct sim_vm *vm, struct sim_object *network,
			       const char *mac, const char *ip);
/* Whether the network has a VLAN: a VM in it has a host. */
bool sim_network_in_use(struct sim *sim, const struct sim_object *network);
bool sim_vm_in_network(const struct sim_vm *vm, const struct sim_object *network);
unsigned sim_vm_max_disks(struct sim *sim, const struct sim_vm *vm);
struct sim_volume *sim_vm_volume_at(struct sim *sim, const struct sim_vm *vm, int device_id);
struct sim_volume *sim_vm_root(struct sim *sim, const struct sim_vm *vm);
/* The lowest free one of 1, 2, 4, 5…; -1 if all are taken. */
int sim_vm_free_device(struct sim *sim, const struct sim_vm *vm);

struct sim_volume *sim_volume_new(struct sim *sim, const char *id, const char *name,
				  struct sim_object *zone, uint64_t size);
void sim_volume_attach(struct sim_volume *v, struct sim_vm *vm, int device_id);
void sim_volume_detach(struct sim_volume *v);
void sim_volume_set_state(struct sim_volume *v, const char *state);
void sim_volume_expunge(struct sim_volume *v);

/* ---- the guest's side ------------------------------------------------------------------------ */

/* Plugging in what is there, or out what is not, does nothing. False: the guest does not let go. */
void sim_plug(struct sim *sim, struct sim_volume *v, struct sim_vm *vm, int device);
bool sim_unplug(struct sim *sim, struct sim_volume *v);
/* A VM's disks at its start and stop. */
void sim_plug_all(struct sim *sim, struct sim_vm *vm);
void sim_unplug_all(struct sim *sim, struct sim_vm *vm);

/* libvirt's name of the disk with this device id: "vdb"; of one that is still to come. The caller frees. */
char *sim_guest_target(bool scsi, int device);
char *sim_guest_next_target(struct sim *sim, const struct sim_vm *vm, int device);
/* The disk in the machine that has this device id, whatever the database says. */
struct sim_volume *sim_guest_disk_at(struct sim *sim, const struct sim_vm *vm, int device);
/* Whether the machine takes one disk more; whether one can be made with all that the VM has. */
bool sim_guest_has_slot(struct sim *sim, const struct sim_vm *vm);
bool sim_guest_can_start(struct sim *sim, const struct sim_vm *vm);

/*
 * Asks the guest to let go of a disk. Returns for how many ms the agent waits for that: 0 if the disk can be unplugged
 * at once. As long as the guest has not followed, v->ejecting is set.
 */
unsigned sim_guest_eject(struct sim *sim, struct sim_volume *v);
/* For how many ms the agent waits until it ends the machine of a guest that does not shut down. */
unsigned sim_guest_shutdown(struct sim *sim, const struct sim_vm *vm);
/* The guest sees it at once, and long before CloudStack says so. */
void sim_guest_resize(struct sim *sim, struct sim_volume *v, uint64_t size);
const char *sim_guest_state_name(const struct sim_vm *vm);

/* ---- of volumes ------------------------------------------------------------------------------ */

/* Why the hypervisor does not do this (create, attach, detach, …: setting fail); NULL: it does. */
const char *sim_failure(struct sim *sim, const char *what);
/* Whether the storage has room for this many bytes more. */
bool sim_storage_has_room(struct sim *sim, uint64_t more);

/* Whether a snapshot of it is being taken. */
bool sim_volume_in_snapshot(struct sim *sim, const struct sim_volume *v);

/* What CloudStack's toString() makes of them in its texts. The caller frees. */
char *sim_volume_text(const struct sim_volume *v);
char *sim_volume_name_text(const struct sim_volume *v);   /* {"name":…,"uuid":…} */
char *sim_volume_object_text(const struct sim_volume *v); /* with its storage: a VolumeObject */
char *sim_vm_text(const struct sim_vm *vm);

#define SIM_ACCOUNT   "00000000-0000-4000-8000-0000000000a1"
#define SIM_USER      "00000000-0000-4000-8000-0000000000a2"
#define SIM_DOMAIN    "00000000-0000-4000-8000-0000000000a3"
#define SIM_SERVER    "00000000-0000-4000-8000-0000000000a4"
#define SIM_SERVER_2  "00000000-0000-4000-8000-0000000000b4"
#define SIM_POD       "00000000-0000-4000-8000-0000000000a5"
#define SIM_CLUSTER   "00000000-0000-4000-8000-0000000000a6"
#define SIM_HOST      "00000000-0000-4000-8000-0000000000a7"
#define SIM_POOL      "00000000-0000-4000-8000-0000000000a8" /* where new volumes are made */
#define SIM_POOL_2    "00000000-0000-4000-8000-0000000000b8"
#define SIM_OS_TYPE   "00000000-0000-4000-8000-0000000000a9"
#define SIM_HOST_NAME "kvm1"
#define SIM_POOL_TYPE "NetworkFilesystem"
#define SIM_SHARED_FS "sharedfsvm" /* a VM's type */
#define SIM_GENERIC_ERROR                                                                          \
	"Internal error executing command, please contact your system administrator"

/* Details that CloudStack keeps: of a VM that was not started since its deployment; of one that was stopped. */
#define SIM_DETAIL_DEPLOY  "deployvm"
#define SIM_DETAIL_STOPPED "Message.ReservedCapacityFreed.Flag"

/* ---- accounts -------------------------------------------------------------------------------- */

/* The domain ROOT and the account admin in it. */
void sim_accounts_init(struct sim *sim);
/* The role of the account of the default world, "admin" or "user". */

/* Whether it is a root admin. */
bool sim_is_admin(const struct sim_account *account);
/* Whether the domain is this one or below it. */
bool sim_domain_is_in(const struct sim_domain *domain, const struct sim_domain *in);
bool sim_project_has(const struct sim_project *project, const struct sim_account *member);
/* In the domain; name and domain as CloudStack compares them. NULL: none. */
struct sim_account *sim_account_find(struct sim *sim, const char *name,
				     const struct sim_domain *domain);
/* CloudStack's texts of both. The caller frees. */
char *sim_domain_text(const struct sim_domain *domain);
char *sim_account_text(const struct sim_account *account);

const char *sim_limit_name(enum sim_limit limit);
/* Takes limits from {"volume":20,…}; -1 for none. -EINVAL: a key or value is wrong. */
int sim_account_limit(struct sim_account *account, json_object *limits);

/* Rows of a seed. Return 0, or -EINVAL with what is wrong. */
int sim_seed_domain(struct sim *sim, json_object *row, char **ret_why);
int sim_seed_account(struct sim *sim, json_object *row, char **ret_why);
int sim_seed_project(struct sim *sim, json_object *row, char **ret_why);

/* ---- memory ---------------------------------------------------------------------------------- */

/* They abort without memory. */
void *sim_alloc(size_t size);
void *sim_checked(void *p);      /* p, which must not be NULL */
char *sim_strdup(const char *s); /* NULL for NULL */
void sim_set_text(char **dst, const char *src);
json_object *sim_json_object(void);
json_object *sim_json_array(void);
/* A date as CloudStack writes it; usec: since the epoch. */
void sim_row_add_time(json_object *row, const char *key, uint64_t usec);

/* ---- texts ----------------------------------------------------------------------------------- */

/* The next character of UTF-8; a byte that is none counts as one. Moves *s on. */
uint32_t sim_utf8_next(const char **s);
uint32_t sim_upper(uint32_t c);

/* As Java's String has them: equalsIgnoreCase(), hashCode(), the length in UTF-16 and substring(0, n). */
bool sim_java_equal(const char *a, const char *b);
uint32_t sim_java_hash(const char *s);
size_t sim_java_length(const char *s);
char *sim_java_cut(const char *s, size_t n);
/* Where a HashMap with so many entries has the key (NULL: null): the places are its order. */
uint32_t sim_java_place(const char *key, size_t entries);

/* ---- texts as MySQL compares them ------------------------------------------------------------- */

/* Without case, accents and blanks at the end; all characters beyond the BMP are equal. */
bool sim_mysql_equal(const char *a, const char *b);
/* text LIKE '%part%' */
bool sim_mysql_contains(const char *text, const char *part);
/* The weight of the next character: equal weights are equal characters. Moves *s on. */
uint32_t sim_mysql_weight(const char **s);
/* Whether it has characters beyond the BMP, which most of CloudStack's tables cannot store. */
bool sim_mysql_astral(const char *s);

/* ---- settings -------------------------------------------------------------------------------- */

void sim_settings_init(struct sim *sim);
/* sim_set() without what follows from it. */
int sim_setting_set(struct sim *sim, const char *key, const char *value);
void sim_settings_done(struct sim *sim);
bool sim_flag(struct sim *sim, const char *key);
/* Whether a comma list has the word. */
bool sim_listed(struct sim *sim, const char *key, const char *word);

extern const char sim_default_seed[];

#define GIB (UINT64_C(1) << 30)
