/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by the files of this room: answers, parameters, lists, rows, and the commands' tables. */

#include "commands.h"
#include "jobs/jobs.h"
#include "model/model.h"

/* Tables, ended by a row without a name. */
extern const struct sim_command sim_volume_commands[], sim_delete_commands[], sim_attach_commands[],
	sim_resize_commands[], sim_migrate_commands[], sim_vm_commands[], sim_vm_list_commands[],
	sim_vm_destroy_commands[], sim_deploy_commands[], sim_snapshot_commands[],
	sim_snapshot_list_commands[], sim_tag_commands[], sim_tag_change_commands[],
	sim_job_commands[], sim_misc_commands[], sim_row_commands[];

/* Commands with a file of their own, for the table of their subject. */
bool sim_list_volumes(struct sim_request *q);

/* Starts the request's job, prepare() included, and answers. */
void sim_job_start(struct sim_request *q);

/* Refusals; they return false. cs_code as in cloudstack's CSExceptionErrorCode, 0 for none. */
bool sim_refuse(struct sim_request *q, int code, int cs_code, const char *fmt, ...) _printf_(4, 5);

/*
 * 530 with this text for a root admin, and with one that says nothing for others: of a CloudRuntimeException, and of one
 * that is none of CloudStack's (NullPointerException and its like). They return false.
 */
bool sim_refuse_internal(struct sim_request *q, const char *text);
bool sim_refuse_unforeseen(struct sim_request *q, const char *text);

/* The answer {"…response": object}; takes the object. Returns true. */
bool sim_reply(struct sim_request *q, json_object *object);
/* The root key of the command's answers. The caller frees. */
char *sim_root_key(const char *command);

/* Makes the parameters as they were sent into what sim_arg…() read; false: refused. */
bool sim_unpack_params(struct sim_request *q);
/* Checks the request's parameters as the command declares them; false: refused. */
bool sim_check_params(struct sim_request *q);

/* A parameter's text, NULL if it is absent or empty. */
const char *sim_arg(json_object *params, const char *name);
bool sim_arg_bool(json_object *params, const char *name, bool fallback);
/* Whether it is there, be it empty. */
bool sim_arg_given(json_object *params, const char *name);
/* As Java reads a long: false if it is none. */
bool sim_parse_long(const char *s, int64_t *ret);
/* As CloudStack reads a DATE; µs since the epoch. False if it is none. */
bool sim_parse_date(const char *text, uint64_t *ret);
int64_t sim_arg_number(json_object *params, const char *name, int64_t fallback);

/*
 * What an id parameter means. given: it is there; object: NULL when there is no such row, which only
 * a bare number can bring about (CloudStack takes it for a row's number without a look). Removed
 * objects are found.
 */
struct sim_ref {
	bool given;
	struct sim_object *object;
	int64_t number;
};
/* Of the text itself. */
struct sim_ref sim_resolve(struct sim *sim, const char *s, enum sim_kind kind);
struct sim_ref sim_arg_ref(struct sim *sim, json_object *params, const char *name,
			   enum sim_kind kind);
/* The object of a reference, or NULL if it is absent, unknown or removed. */
struct sim_object *sim_arg_object(struct sim *sim, json_object *params, const char *name,
				  enum sim_kind kind);
#define sim_arg_volume(sim, params, name)                                                          \
	((struct sim_volume *)sim_arg_object(sim, params, name, K_VOLUME))
#define sim_arg_vm(sim, params, name) ((struct sim_vm *)sim_arg_object(sim, params, name, K_VM))
#define sim_arg_snapshot(sim, params, name)                                                        \
	((struct sim_snapshot *)sim_arg_object(sim, params, name, K_SNAPSHOT))

/*
 * Refuses a parameter that names a removed object, or a number that none has. UUIDManagerImpl.getUuid() does, when the
 * command's event is described. Absent: true.
 */
bool sim_check_uuid(struct sim_request *q, const char *param, enum sim_kind kind);

/* Calls fn for each token of a comma list until it returns true; whether one did. */
bool sim_any_token(const char *list, bool (*fn)(const char *token, void *data), void *data);

const struct sim_command *sim_find_command(struct sim *sim, const char *name);
void sim_each_command(struct sim *sim, void (*fn)(const struct sim_command *command, void *data),
		      void *data);

/* Whether the object passes the filters "id" and "ids", of which a list command has one or both. */
bool sim_match_ids(struct sim *sim, json_object *params, const struct sim_object *o);
/* Whether an id filter, if given, names this object (NULL: none is set). */
bool sim_match_ref(struct sim *sim, json_object *params, const char *name, enum sim_kind kind,
		   const struct sim_object *o);
/* Whether a text filter, if given, equals the text for MySQL (NULL: none is set). */
bool sim_match_text(json_object *params, const char *name, const char *text);

/* The same with LIKE: whether the filter's text, with % and _ as wildcards, is a part. */
bool sim_match_like(json_object *params, const char *name, const char *text);

/* Whether the object has one of the tags asked for, if any are. */
bool sim_match_tags(json_object *params, const struct sim_object *o);

/* The i-th of a map parameter, "tags[0].key=…", in ascending order; false at the end. */
bool sim_arg_map(json_object *params, const char *name, unsigned *i, const char **ret_key,
		 const char **ret_value);

/*
 * Filters that are read once for all rows of a list. Of an id: which object; of "id" and "ids": which ones (begin is
 * false when the request is refused); of tags: how many of the object's are asked for, 1 without the parameter.
 */
struct sim_want {
	bool given;
	const struct sim_object *object;
};
struct sim_want sim_want_ref(struct sim_request *q, const char *param, enum sim_kind kind);
bool sim_wants_object(const struct sim_want *w, const void *object);

struct sim_ids {
	struct sim *sim;
	enum sim_kind kind;
	bool given;
	size_t n;
	const struct sim_object **objects; /* sorted */
};
bool sim_ids_begin(struct sim_request *q, enum sim_kind kind, struct sim_ids *ret);
bool sim_wants_id(const struct sim_ids *ids, const struct sim_object *o);
void sim_ids_done(struct sim_ids *ids);

struct sim_tags {
	size_t n;
	struct {
		const char *key, *value; /* of the request */
	} * tags;
};
bool sim_tags_begin(struct sim_request *q, struct sim_tags *ret);
unsigned sim_count_tags(const struct sim_tags *tags, const struct sim_object *o);
void sim_tags_done(struct sim_tags *tags);

/* Checks "page" and "pagesize" as the border does; false: refused. */
bool sim_check_paging(struct sim_request *q);

/* ---- access ---- */

/* Whether the caller's role has the command. */
bool sim_role_has(struct sim *sim, const struct sim_account *caller, const char *command);
/* Whether the caller may use what the account owns; NULL: the account system. */
bool sim_may_access(const struct sim_account *caller, const struct sim_account *owner);
/* The same, with CloudStack's refusal: 531 in a request, 530 in a job. */
bool sim_check_access(struct sim_request *q, const struct sim_object *o);
bool sim_job_check_access(struct sim_job *job, const struct sim_object *o);
/* Checks the owner of what is to be made, and the objects of the parameters that are marked so. */
bool sim_check_objects(struct sim_request *q);

/* How much the account may have: NULL, or CloudStack's text. The caller frees. */
char *sim_over_limit(struct sim *sim, const struct sim_account *owner, enum sim_limit limit,
		     int64_t wanted);
/* The same of one more volume of that size. */
char *sim_over_volume_limit(struct sim *sim, const struct sim_account *owner, int64_t bytes);

/* Which owners' objects a list shows: AccountManagerImpl.buildACLSearchParameters. */
struct sim_scope {
	const struct sim_account *account, *member; /* it, or the projects of that one */
	const struct sim_domain *domain;            /* without both: all in it */
	bool recursive;
	enum { SIM_PROJECTS_TOO, SIM_PROJECTS_NOT, SIM_PROJECTS_ONLY } projects;
};
/* by_id: one object is asked for by the parameter "id". False: refused. */
bool sim_scope_begin(struct sim_request *q, bool by_id, struct sim_scope *ret);
bool sim_scope_has(const struct sim_scope *scope, const struct sim_object *o);

/* A list answer: begin (false: refused), for each match wants(), add() if it is true, end. */
struct sim_list {
	struct sim_request *q;
	const char *key;
	int64_t first, end, found, count; /* the rows [first, end) of those found are shown */
	json_object *rows;
};
bool sim_list_begin(struct sim_request *q, const char *key, struct sim_list *ret);
bool sim_list_wants(struct sim_list *list);
/* CloudStack counts a row once for each of its tags that were asked for. */
bool sim_list_wants_times(struct sim_list *list, unsigned times);
void sim_list_add(struct sim_list *list, json_object *row);
bool sim_list_end(struct sim_list *list);

/* ---- rows ---- */

/* The fields of queryAsyncJobResult. */
json_object *sim_job_row(struct sim_job *job);
/* What jobs return: {"volume":{…}}, {"virtualmachine":{…}}. */
json_object *sim_result_volume(struct sim_job *job);
json_object *sim_result_vm(struct sim_job *job);

/* What the commands of VMs share. The second half of deployVirtualMachine is that of startVirtualMachine. */
bool sim_vm_prepare(struct sim_request *q, struct sim_job *job);
bool sim_vm_check_there(struct sim_job *job);
bool sim_vm_start_check(struct sim_job *job);
bool sim_vm_start_begin(struct sim_job *job);
bool sim_vm_start_midway(struct sim_job *job);
bool sim_vm_start_finish(struct sim_job *job);
void sim_vm_start_interrupt(struct sim_job *job);
void sim_vm_abort(struct sim_job *job);
/* Refuses because the host does not stop the VM, whose state is that of before again. */
bool sim_vm_refuse_stop(struct sim_job *job);
bool sim_vm_host_refuses_stop(struct sim *sim);

/* The NICs of a VM to be deployed. take() fills *nics, which the caller frees by done(). All but done() may refuse. */
struct sim_nics {
	struct sim_wanted_nic {
		struct sim_object *network;
		const char *mac, *ip; /* NULL: the network's choice */
	} * list;
	size_t n;
};
bool sim_nics_take(struct sim_request *q, struct sim_account *owner, const struct sim_object *zone,
		   struct sim_nics *nics);
bool sim_nics_check_zone(struct sim_request *q, const struct sim_object *zone,
			 const struct sim_nics *nics);
bool sim_nics_check_name(struct sim_request *q, const char *name, const struct sim_nics *nics);
void sim_nics_done(struct sim_nics *nics);

/* Whether a detail of this name is kept from users. */
bool sim_is_denied_detail(const char *key);

/* What destroyVolume does in its job, done at once. False: refused. */
bool sim_job_destroy_volume(struct sim_job *job, struct sim_ref ref, bool with_expunge);

/* What "resourcetype" is called, and its kind, which may be K_NONE; NULL: refused. */
const char *sim_tag_type(struct sim_job *job, enum sim_kind *ret);

/* Whether revertSnapshot takes it, as its row says. */
bool sim_snapshot_is_revertable(struct sim *sim, const struct sim_snapshot *s);
/* Lets those go that the loss of their volume has taken along. */
void sim_snapshots_settle(struct sim *sim);
/* CloudStack's toString(). The caller frees. */
char *sim_snapshot_text(const struct sim_snapshot *s);

/* Adds the tags of the parameters to an array. */
void sim_tags_take(json_object *params, json_object *tags);

/* The parameter "details" of listVirtualMachines: what a row has. */
enum {
	SIM_VM_ALL = 1,
	SIM_VM_GROUP = 1 << 1,
	SIM_VM_NICS = 1 << 2,
	SIM_VM_STATS = 1 << 3,
	SIM_VM_TMPL = 1 << 4,
	SIM_VM_SERVOFF = 1 << 5,
	SIM_VM_DISKOFF = 1 << 6,
	SIM_VM_VOLUME = 1 << 7,
};

/* Rows of answers. admin: the view of a root admin. */
json_object *sim_volume_row(struct sim *sim, struct sim_volume *v, bool admin);
json_object *sim_vm_row(struct sim *sim, struct sim_vm *vm, bool admin, unsigned details);
json_object *sim_snapshot_row(struct sim *sim, struct sim_snapshot *s);
json_object *sim_snapshot_result_row(struct sim *sim, struct sim_snapshot *s);
/* Parts of rows. The id and the name of an object, "zone" becoming "zoneid"; NULL adds nothing. */
void sim_row_add_named(json_object *row, const char *prefix, const struct sim_object *o);
/* Its account, or its project; and the domain. */
void sim_row_add_owner(json_object *row, const struct sim_account *owner);
/* The pending job that works on the object, if there is one. */
void sim_row_add_job(struct sim *sim, json_object *row, const char *instance, const char *id);
void sim_row_add_tags(json_object *row, const struct sim_object *o);

json_object *sim_tag_row(const struct sim_object *o, json_object *tag);
