/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a row asks CloudStack before its function runs: no, one or two lists, read one after the other, checked, and
 * kept until the row asks again. An answer that cannot be used fails the row, unless it must be asked again
 * (asked_again()).
 */

#include "engine-internal.h"

#define PAUSE_MAX (30 * USEC_PER_SEC)
#define LOOK_FOR  "look-for" /* the key of the scratch: { "key": …, "value": … } */

enum question {
	Q_END,
	Q_VM,
	Q_VOLUME,
	Q_VM_VOLUMES,
	Q_LOOKED_FOR,
	Q_TAGGED,
	Q_OMA_VOLUMES,
	Q_ZONES,
	Q_OFFERINGS,
	Q_SNAPSHOTS,
	Q_VM_SNAPSHOTS,
	Q_VM_BACKUPS,
	Q_OMA,
	Q_OMA_SNAPSHOTS,
	Q_OMA_BACKUPS,
	Q_SET,
	N_QUESTIONS,
};

#define QUESTIONS_MAX 3

static const enum question plans[MK_ASK_N][QUESTIONS_MAX] = {
	[MK_ASK_VM] = { Q_VM },
	[MK_ASK_VOLUME] = { Q_VOLUME },
	[MK_ASK_VM_VOLUMES] = { Q_VM, Q_VM_VOLUMES },
	[MK_ASK_VM_VOLUME] = { Q_VM, Q_VOLUME },
	[MK_ASK_LOOKED_FOR] = { Q_LOOKED_FOR },
	[MK_ASK_OURS] = { Q_TAGGED, Q_OMA_VOLUMES },
	[MK_ASK_ZONES] = { Q_ZONES },
	[MK_ASK_OFFERINGS] = { Q_OFFERINGS },
	[MK_ASK_SNAPSHOTS] = { Q_SNAPSHOTS },
	[MK_ASK_VM_SNAPSHOTS] = { Q_VM_SNAPSHOTS },
	[MK_ASK_VM_BACKUPS] = { Q_VM_BACKUPS },
	[MK_ASK_OMA_SNAPSHOTS] = { Q_OMA_SNAPSHOTS },
	[MK_ASK_OMA_BACKUPS] = { Q_OMA_BACKUPS },
	[MK_ASK_OMA] = { Q_OMA, Q_OMA_VOLUMES },
	[MK_ASK_SET] = { Q_SET },
	[MK_ASK_VM_SET] = { Q_VM, Q_SET },
};

/* ---- parameters ------------------------------------------------------------------------------------------- */

static const char *subject(const struct mk_op *op);

static void vm_params(struct mk_op *op, json_object *params)
{
	mk_json_set_str(params, "id", subject(op));
	mk_json_set_str(params, "details", "min");
}

static void volume_params(struct mk_op *op, json_object *params)
{
	mk_json_set_str(params, "id", mk_op_volume_id(op));
}

static void of_vm_params(struct mk_op *op, json_object *params)
{
	mk_json_set_str(params, "virtualmachineid", subject(op));
}

static void of_volume_params(struct mk_op *op, json_object *params)
{
	mk_json_set_str(params, "volumeid", subject(op));
}

/* An id that CloudStack never had would spoil the whole answer: the plugin has seen them all before. */
static void set_params(struct mk_op *op, json_object *params)
{
	_cleanup_free_ char *ids = strdup("");

	for (size_t i = 0; ids && i < json_object_array_length(op->r.volumes); i++) {
		const char *id =
			json_object_get_string(json_object_array_get_idx(op->r.volumes, i));
		char *longer = mk_strdup_printf("%s%s%s", ids, *ids ? "," : "", id);

		free(ids);
		ids = longer;
	}
	mk_json_set_str(params, "ids", ids);
}

static const char *look_for(const struct mk_op *op, const char *what)
{
	return mk_json_str(mk_json_get(op->r.scratch, LOOK_FOR), what, "");
}

void mk_op_look_for(struct mk_op *op, const char *key, const char *value)
{
	json_object *o = json_object_new_object();

	mk_json_set_str(o, "key", key);
	mk_json_set_str(o, "value", value);
	json_object_object_add(op->r.scratch, LOOK_FOR, o);
}

static void looked_for_params(struct mk_op *op, json_object *params)
{
	mk_json_set_str(params, look_for(op, "key"), look_for(op, "value"));
}

static void tagged_params(struct mk_op *op, json_object *params)
{
	mk_json_set_str(params, "tags[0].key", MK_TAG_OWNER);
	mk_json_set_str(params, "tags[0].value", op->engine->config.oma);
}

static void zone_params(struct mk_op *op, json_object *params)
{
	mk_json_set_str(params, "available", "true");
}

/* ---- checks: a filter that got lost would show somebody else's object -------------------------------------- */

static bool is_volume(const struct mk_op *op, const struct mk_volume_info *v)
{
	return streq(v->id, mk_op_volume_id(op));
}

static bool is_of_vm(const struct mk_op *op, const struct mk_volume_info *v)
{
	return streq(v->vm, subject(op));
}

static bool is_of_set(const struct mk_op *op, const struct mk_volume_info *v)
{
	for (size_t i = 0; i < json_object_array_length(op->r.volumes); i++)
		if (streq(json_object_get_string(json_object_array_get_idx(op->r.volumes, i)),
			  v->id))
			return true;
	return false;
}

static bool is_looked_for(const struct mk_op *op, const struct mk_volume_info *v)
{
	return streq(streq(look_for(op, "key"), "name") ? v->name : v->id, look_for(op, "value"));
}

static bool is_tagged(const struct mk_op *op, const struct mk_volume_info *v)
{
	return streq(v->owner, op->engine->config.oma);
}

/* ---- subjects: what a question is about; it is not asked for "" -------------------------------------------- */

static const char *the_vm(const struct mk_op *op)
{
	return op->r.vm;
}

static const char *the_oma(const struct mk_op *op)
{
	return op->engine->config.oma;
}

static const char *looked_for(const struct mk_op *op)
{
	return look_for(op, "value");
}

static const char *with_snapshots(const struct mk_op *op)
{
	return streq(look_for(op, "key"), "volumeid") ? look_for(op, "value") : "";
}

#define ROWS_OF_VM .params = of_vm_params, .row_key = "virtualmachineid", .optional = true

static const struct {
	const char *command, *list;
	void (*params)(struct mk_op *op, json_object *params);
	const char *(*subject)(const struct mk_op *op); /* NULL: nothing certain */
	bool (*volume)(const struct mk_op *op,
		       const struct mk_volume_info *v); /* NULL: no volumes */
	const char *row_key; /* of rows that belong to the subject: the key that says so */
	bool optional;       /* a server or a role without the command: there are none */
	bool of_known; /* asked about a VM that was just seen: "no such VM" is no empty list */
} questions[N_QUESTIONS] = {
	[Q_VM] = { "listVirtualMachines", "virtualmachine", vm_params, the_vm },
	[Q_VOLUME] = { "listVolumes", "volume", volume_params, mk_op_volume_id, is_volume },
	[Q_VM_VOLUMES] = { "listVolumes", "volume", of_vm_params, the_vm, is_of_vm,
			   .of_known = true },
	[Q_LOOKED_FOR] = { "listVolumes", "volume", looked_for_params, looked_for, is_looked_for },
	[Q_TAGGED] = { "listVolumes", "volume", tagged_params, NULL, is_tagged },
	[Q_OMA_VOLUMES] = { "listVolumes", "volume", of_vm_params, the_oma, is_of_vm,
			    .of_known = true },
	[Q_ZONES] = { "listZones", "zone", zone_params },
	[Q_OFFERINGS] = { "listDiskOfferings", "diskoffering", NULL },
	[Q_SNAPSHOTS] = { "listSnapshots", "snapshot", of_volume_params, with_snapshots,
			  .row_key = "volumeid" },
	[Q_VM_SNAPSHOTS] = { "listVMSnapshot", "vmSnapshot", .subject = the_vm, ROWS_OF_VM },
	[Q_VM_BACKUPS] = { "listBackups", "backup", .subject = the_vm, ROWS_OF_VM },
	[Q_OMA] = { "listVirtualMachines", "virtualmachine", vm_params, the_oma },
	[Q_OMA_SNAPSHOTS] = { "listVMSnapshot", "vmSnapshot", .subject = the_oma, ROWS_OF_VM },
	[Q_OMA_BACKUPS] = { "listBackups", "backup", .subject = the_oma, ROWS_OF_VM },
	[Q_SET] = { "listVolumes", "volume", set_params, mk_op_volume_id, is_of_set },
};

/* ---- answers ------------------------------------------------------------------------------------------------ */

static enum mk_ask wanted(const struct mk_op *op)
{
	return op->r.undoing ? mk_op_row(op)->undo_ask : mk_op_row(op)->ask;
}

static enum question question(const struct mk_op *op)
{
	return plans[wanted(op)][op->n_asked];
}

static const char *subject(const struct mk_op *op)
{
	return questions[question(op)].subject(op);
}

/* CloudStack answers 431 with this for an id it never had, and an empty list for one that is gone. */
static bool says_not_found(const struct mk_cs_reply *reply)
{
	return reply->code == 431 && strstr(reply->text, "entity does not exist");
}

/* Keys can be changed while an operation is half done: like a CloudStack that is away, until the deadline. */
static bool credentials_refused(const struct mk_op *op, const struct mk_cs_reply *reply)
{
	return reply->code == 401 && reply->outcome == MK_CS_REFUSED && !op->transient;
}

/* The step has changed something, or may have: what it did is not known before CloudStack says so. */
static bool has_acted(const struct mk_op *op)
{
	return op->r.command_state == MK_COMMAND_SUCCEEDED || mk_op_outcome_unknown(op);
}

/* CloudStack does not say what is true. Neither a way back nor a step that has sent its command ends with that: it is
 * asked again, ever more seldom, until the operation's time is over. */
static bool asked_again(struct mk_op *op, const char *why)
{
	uint64_t wait = op->engine->config.poll_interval;

	if (!op->r.undoing && !has_acted(op))
		return false;

	for (unsigned i = 0; i < op->n_unanswered && wait < PAUSE_MAX; i++)
		wait *= 2;
	op->n_unanswered++;
	free(op->waiting_for);
	op->waiting_for = mk_strdup_printf("CloudStack to tell what is true (%s)", why);
	mk_op_pause(op, wait < PAUSE_MAX ? wait : PAUSE_MAX, PHASE_ASK);
	return true;
}

static void refused(struct mk_op *op, const struct mk_cs_reply *reply)
{
	_cleanup_free_ char *why = mk_strdup_printf("%d %s", reply->code, reply->text);

	if (asked_again(op, str_or_empty(why)))
		return;

	if (credentials_refused(op, reply)) {
		mk_op_pause(op, op->engine->config.settle_interval, PHASE_ASK);
		return;
	}

	mk_error_done(&op->error);
	mk_op_set_error(op, MK_ERROR_REFUSED,
			"CloudStack refused to tell what is true in step %s: %s", op->r.step,
			str_or_empty(why));
	mk_op_kick(op, PHASE_FAIL);
}

/* The rows of a reply: borrowed, or an empty array for what does not exist; NULL: there are none to look at. */
static json_object *rows_of(struct mk_op *op, const struct mk_cs_reply *reply, json_object **keep)
{
	if (reply->outcome == MK_CS_OK)
		return reply->body;
	if ((says_not_found(reply) && !questions[question(op)].of_known) ||
	    (reply->outcome == MK_CS_NO_COMMAND && questions[question(op)].optional))
		return *keep = json_object_new_array();

	refused(op, reply);
	return NULL;
}

static void bad_answer(struct mk_op *op, const char *why)
{
	why = why ? why : "out of memory";
	if (asked_again(op, why))
		return;

	mk_error_done(&op->error);
	mk_op_set_error(op, MK_ERROR_INTERNAL, "CloudStack's answer cannot be used: %s", why);
	mk_op_kick(op, PHASE_FAIL);
}

static int take_vms(struct mk_op *op, json_object *rows, char **ret_why)
{
	int r;

	r = mk_cs_vms_parse(rows, &op->vms, ret_why);
	if (r < 0)
		return r;

	if (op->vms.n > 1 || (op->vms.n == 1 && !streq(op->vms.items[0].id, subject(op)))) {
		*ret_why = strdup("it lists a VM that was not asked for");
		return -EBADMSG;
	}
	return 0;
}

static bool has_volume(const struct mk_cs_volumes *volumes, const char *id)
{
	for (size_t i = 0; i < volumes->n; i++)
		if (streq(volumes->items[i].id, id))
			return true;
	return false;
}

/* MySQL finds "Disk" where "disk" is looked for: its default collation knows no case. */
static bool is_only_similar(const struct mk_op *op, const struct mk_volume_info *v)
{
	return question(op) == Q_LOOKED_FOR && streq(look_for(op, "key"), "name") &&
	       !is_looked_for(op, v);
}

/* The volumes of this answer, after those that only an earlier one had: the newer row is right. */
static int add_volumes(struct mk_op *op, const struct mk_cs_volumes *more, char **ret_why)
{
	_cleanup_json_ json_object *rows = json_object_new_array();
	struct mk_cs_volumes all = { 0 };
	int r;

	for (size_t i = 0; i < op->volumes.n; i++)
		if (!has_volume(more, op->volumes.items[i].id))
			json_object_array_add(rows, json_object_get(json_object_array_get_idx(
							    op->volumes.keep, i)));
	for (size_t i = 0; i < more->n; i++)
		if (!is_only_similar(op, &more->items[i]))
			json_object_array_add(rows,
					      json_object_get(
						      json_object_array_get_idx(more->keep, i)));

	r = mk_cs_volumes_parse(rows, &all, ret_why);
	if (r < 0)
		return r;

	mk_cs_volumes_done(&op->volumes);
	op->volumes = all;
	return 0;
}

static int take_volumes(struct mk_op *op, json_object *rows, char **ret_why)
{
	_cleanup_(mk_cs_volumes_done) struct mk_cs_volumes volumes = { 0 };
	int r;

	r = mk_cs_volumes_parse(rows, &volumes, ret_why);
	if (r < 0)
		return r;

	for (size_t i = 0; i < volumes.n; i++) {
		if (!is_only_similar(op, &volumes.items[i]) &&
		    !questions[question(op)].volume(op, &volumes.items[i])) {
			*ret_why = strdup("it lists a volume that was not asked for");
			return -EBADMSG;
		}
	}

	r = add_volumes(op, &volumes, ret_why);
	if (r < 0)
		return r;

	for (size_t i = 0; i < op->volumes.n; i++)
		op->volumes.items[i].managed =
			mk_volumes_find(op->engine->volumes, op->volumes.items[i].id) != NULL;
	return 0;
}

static int take_rows(struct mk_op *op, json_object *rows, char **ret_why)
{
	const char *key = questions[question(op)].row_key;

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);

		if (!mk_uuid_valid(mk_json_str(row, "id", ""))) {
			*ret_why = mk_strdup_printf("row %zu has no id", i + 1);
			return -EBADMSG;
		}
		if (key && !streq(mk_json_str(row, key, ""), subject(op))) {
			*ret_why = mk_strdup_printf("row %zu was not asked for", i + 1);
			return -EBADMSG;
		}
	}

	json_object_put(op->rows);
	op->rows = json_object_get(rows);
	return 0;
}

static void ask_next(struct mk_op *op);

static void on_answer(const struct mk_cs_reply *reply, void *data)
{
	_cleanup_json_ json_object *keep = NULL;
	_cleanup_free_ char *why = NULL;
	struct mk_op *op = data;
	json_object *rows;
	int r;

	op->request = NULL;
	mk_op_go_on_limit(op);
	rows = rows_of(op, reply, &keep);
	if (!rows)
		return;

	if (question(op) == Q_VM || question(op) == Q_OMA)
		r = take_vms(op, rows, &why);
	else if (questions[question(op)].volume)
		r = take_volumes(op, rows, &why);
	else
		r = take_rows(op, rows, &why);
	if (r < 0) {
		bad_answer(op, why);
		return;
	}

	op->n_asked++;
	ask_next(op);
}

/* ---- asking ------------------------------------------------------------------------------------------------- */

/* The volumes of a VM that does not exist are not asked for: the filter would be an error. */
static bool is_idle(const struct mk_op *op)
{
	enum question q = question(op);

	return (q == Q_VM_VOLUMES && op->vms.n == 0) || (questions[q].subject && !*subject(op));
}

static void ask_next(struct mk_op *op)
{
	_cleanup_json_ json_object *params = NULL;
	enum question q;

	while (question(op) != Q_END && is_idle(op))
		op->n_asked++;
	q = question(op);
	if (q == Q_END) {
		if (op->n_unanswered > 0) /* that was not the row's own waiting */
			mk_op_arm_limit(op);
		op->n_unanswered = 0;
		mk_op_kick(op, PHASE_LOOK);
		return;
	}

	op->phase = PHASE_ASK;
	mk_op_hold_limit(op);
	params = json_object_new_object();
	if (params && questions[q].params)
		questions[q].params(op, params);
	if (params)
		op->request = mk_cs_read(op->engine->cs, questions[q].command, params,
					 questions[q].list, on_answer, op);
	if (!op->request)
		bad_answer(op, NULL);
}

/* Until this is known to be the appliance: "attached to the appliance" would be about another machine's disks. */
static void wait_for_appliance(struct mk_op *op)
{
	mk_op_hold_limit(op);
	free(op->waiting_for);
	op->waiting_for = mk_strdup_printf("the proof that this is the configured appliance%s%s",
					   op->engine->not_appliance ? ": " : "",
					   str_or_empty(op->engine->not_appliance));
	op->phase = PHASE_PAUSE;
	op->after_pause = PHASE_ASK;
}

void mk_op_ask(struct mk_op *op)
{
	mk_op_forget_answers(op);
	if (op->engine->in_doubt && !op->transient) {
		wait_for_appliance(op);
		return;
	}

	ask_next(op);
}
