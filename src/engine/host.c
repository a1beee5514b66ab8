/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What plugins can call, struct mk_host, except for volumes, devices and children; and the call of a row's
 * function. */

#include "engine-internal.h"

#include "base/log.h"

static void host_fail(struct mk_op *op, enum mk_error_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	mk_error_vset(&op->error, code, fmt, ap);
	va_end(ap);
}

/* Claims an object; false after a failure that names the operation in the way. */
static bool claim(struct mk_op *op, const char *what, const char *id)
{
	struct mk_op *holder;

	if (mk_op_claim(op, what, id, &holder))
		return true;

	if (holder)
		host_fail(op, MK_ERROR_BUSY,
			  "%s %s is being changed by operation %s (%s): wait for it", what, id,
			  holder->r.id, holder->r.kind);
	else
		host_fail(op, MK_ERROR_INTERNAL, "out of memory");
	return false;
}

static bool check_uuid(struct mk_op *op, const char *what, const char *id)
{
	if (mk_uuid_valid(id))
		return true;

	host_fail(op, MK_ERROR_INVALID_ARGS,
		  "'%.64s' is no %s id: it must be a UUID in its canonical form, 8-4-4-4-12 "
		  "lower-case "
		  "hexadecimal digits",
		  str_or_empty(id), what);
	return false;
}

static bool host_set_vm(struct mk_op *op, const char *id, bool claim_it)
{
	if (!check_uuid(op, "VM", id) || (claim_it && !claim(op, "vm", id)))
		return false;

	op->r.vm_claimed = claim_it;
	if (mk_str_set(&op->r.vm, id) < 0) {
		host_fail(op, MK_ERROR_INTERNAL, "out of memory");
		return false;
	}
	return true;
}

static const char *host_vm_id(struct mk_op *op)
{
	return op->r.vm;
}

static const char *host_volume_id(struct mk_op *op)
{
	return mk_op_volume_id(op);
}

static bool host_set_volume(struct mk_op *op, const char *id)
{
	json_object *text;

	if (!check_uuid(op, "volume", id) || !claim(op, "volume", id))
		return false;
	if (streq(host_volume_id(op), id))
		return true;

	text = json_object_new_string(id);
	if (!text || json_object_array_add(op->r.volumes, text) < 0) {
		json_object_put(text);
		host_fail(op, MK_ERROR_INTERNAL, "out of memory");
		return false;
	}
	return true;
}

static const struct mk_vm_info *host_vm(struct mk_op *op)
{
	return op->vms.n ? &op->vms.items[0] : NULL;
}

static const struct mk_volume_info *host_volume(struct mk_op *op)
{
	return op->volumes.n ? &op->volumes.items[0] : NULL;
}

static const struct mk_volume_info *host_volumes(struct mk_op *op, size_t *ret_n)
{
	*ret_n = op->volumes.n;
	return op->volumes.items;
}

static const char *host_oma_id(struct mk_op *op)
{
	return op->engine->config.oma;
}

static json_object *host_rows(struct mk_op *op)
{
	return op->rows;
}

static const char *host_setting(struct mk_op *op, const char *name)
{
	if (streq(name, "disk-offering"))
		return op->engine->config.disk_offering;
	if (streq(name, "zone"))
		return op->engine->config.zone;
	return "";
}

static unsigned host_max_data_disks(struct mk_op *op)
{
	return op->engine->config.max_data_disks;
}

static bool host_option_bool(struct mk_op *op, const char *name, bool fallback)
{
	return mk_json_bool(op->r.options, name, fallback);
}

static const char *host_option_str(struct mk_op *op, const char *name, const char *fallback)
{
	return mk_json_str(op->r.options, name, fallback);
}

static int64_t host_option_int(struct mk_op *op, const char *name, int64_t fallback)
{
	return mk_json_int(op->r.options, name, fallback);
}

static json_object *host_args(struct mk_op *op)
{
	return op->r.args;
}

static const char *host_id(struct mk_op *op)
{
	return op->r.id;
}

static json_object *host_scratch(struct mk_op *op)
{
	return op->r.scratch;
}

static json_object *host_details(struct mk_op *op)
{
	return op->r.details;
}

static json_object *host_result(struct mk_op *op)
{
	return op->r.result;
}

static void want(struct mk_op *op, bool sync, const char *command, va_list ap)
{
	const char *name;

	free(op->want_command);
	json_object_put(op->want_params);
	op->want_command = strdup(command);
	op->want_params = json_object_new_object();
	op->want_sync = sync;

	while ((name = va_arg(ap, const char *)))
		mk_json_set_str(op->want_params, name, va_arg(ap, const char *));
}

static void host_command(struct mk_op *op, const char *command, ...)
{
	va_list ap;

	va_start(ap, command);
	want(op, false, command, ap);
	va_end(ap);
}

static void host_command_sync(struct mk_op *op, const char *command, ...)
{
	va_list ap;

	va_start(ap, command);
	want(op, true, command, ap);
	va_end(ap);
}

static int host_refusal(struct mk_op *op)
{
	return op->r.command_state == MK_COMMAND_REFUSED ? (int)op->r.command_code : 0;
}

static const char *host_refusal_text(struct mk_op *op)
{
	return op->r.command_code ? op->r.command_text : "";
}

static bool host_succeeded(struct mk_op *op)
{
	return op->r.command_state == MK_COMMAND_SUCCEEDED;
}

static const char *host_created_id(struct mk_op *op)
{
	return mk_json_str(op->r.scratch, MK_OP_CREATED, "");
}

static void host_unsettled(struct mk_op *op)
{
	op->unsettled = true;
	if (!op->r.undoing)
		mk_op_set_state(op, MK_OP_SETTLING);
}

static const char *host_last_command(struct mk_op *op)
{
	return op->r.command;
}

static void host_log(struct mk_op *op, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	mk_op_log(op, LOG_NOTICE, "%s", str_or_empty(text));
}

static void host_waiting_for(struct mk_op *op, const char *fmt, ...)
{
	va_list ap;

	free(op->waiting_for);
	va_start(ap, fmt);
	if (vasprintf(&op->waiting_for, fmt, ap) < 0)
		op->waiting_for = NULL;
	va_end(ap);
}

/* ---- calling a plugin ---------------------------------------------------------------------------------------- */

/* A copy of what a plugin may change; NULL without memory. */
struct notes {
	char *vm;
	json_object *volumes, *details, *result, *scratch;
};

static void notes_copy(const struct mk_op *op, struct notes *ret)
{
	*ret = (struct notes){ .vm = strdup(op->r.vm) };
	(void)json_object_deep_copy(op->r.volumes, &ret->volumes, NULL);
	(void)json_object_deep_copy(op->r.details, &ret->details, NULL);
	(void)json_object_deep_copy(op->r.result, &ret->result, NULL);
	(void)json_object_deep_copy(op->r.scratch, &ret->scratch, NULL);
}

static void notes_done(struct notes *n)
{
	free(n->vm);
	json_object_put(n->volumes);
	json_object_put(n->details);
	json_object_put(n->result);
	json_object_put(n->scratch);
}

/* A look that changed nothing is neither written nor told. */
static void touch_changes(struct mk_op *op, const struct notes *before)
{
	const struct mk_op_record *r = &op->r;
	unsigned what = 0;

	if (!before->vm || !streq(before->vm, r->vm) ||
	    !json_object_equal(before->volumes, r->volumes))
		what |= MK_OP_CHANGED_SUBJECT;
	if (!json_object_equal(before->details, r->details) ||
	    !json_object_equal(before->result, r->result))
		what |= MK_OP_CHANGED_DETAILS;
	if (what || !json_object_equal(before->scratch, r->scratch))
		mk_op_touch(op, what);
}

int mk_op_call_plugin(struct mk_op *op)
{
	const struct mk_step *row = mk_op_row(op);
	_cleanup_(notes_done) struct notes before;
	int r;

	notes_copy(op, &before);
	r = op->r.undoing ? row->undo(op) : row->then(op);
	touch_changes(op, &before);
	json_object_put(op->scratch_before);
	op->scratch_before = take_ptr(before.scratch);
	if (r != MK_COMMAND)
		op->put_off = 0;
	return r;
}

/* ---- the table ----------------------------------------------------------------------------------------------- */

const struct mk_host *mk_engine_host(void)
{
	static struct mk_host host = {
		.abi = MK_PLUGIN_ABI,
		.size = sizeof(host),
		.set_vm = host_set_vm,
		.set_volume = host_set_volume,
		.vm_id = host_vm_id,
		.volume_id = host_volume_id,
		.vm = host_vm,
		.volume = host_volume,
		.volumes = host_volumes,
		.oma_id = host_oma_id,
		.rows = host_rows,
		.look_for = mk_op_look_for,
		.setting = host_setting,
		.max_data_disks = host_max_data_disks,
		.option_bool = host_option_bool,
		.option_str = host_option_str,
		.option_int = host_option_int,
		.args = host_args,
		.id = host_id,
		.scratch = host_scratch,
		.details = host_details,
		.result = host_result,
		.command = host_command,
		.command_sync = host_command_sync,
		.refusal = host_refusal,
		.refusal_text = host_refusal_text,
		.last_command = host_last_command,
		.succeeded = host_succeeded,
		.created_id = host_created_id,
		.unsettled = host_unsettled,
		.fail = host_fail,
		.log = host_log,
		.waiting_for = host_waiting_for,
	};

	mk_host_add_devices(&host);
	mk_host_add_children(&host);
	return &host;
}
