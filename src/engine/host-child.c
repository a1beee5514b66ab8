/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The part of struct mk_host that is about child operations. */

#include "engine-internal.h"

/* The ids of the children, by suffix. */
static json_object *children(struct mk_op *op)
{
	json_object *o = mk_json_get(op->r.scratch, MK_OP_CHILDREN);

	if (!o) {
		o = json_object_new_object();
		json_object_object_add(op->r.scratch, MK_OP_CHILDREN, o);
	}
	return o;
}

static struct mk_op *find_child(struct mk_op *op, const char *suffix)
{
	const char *id = mk_json_str(children(op), suffix, NULL);

	return id ? mk_engine_find(op->engine, id) : NULL;
}

/* A caller's token may have taken the name. */
static char *new_child_id(struct mk_op *op, const char *suffix)
{
	char *id = mk_strdup_printf("%s_%s", op->r.id, suffix);

	if (id && mk_engine_find(op->engine, id) && mk_engine_fresh_id(op->engine, &id) < 0) {
		free(id);
		return NULL;
	}
	return id;
}

static bool host_spawn(struct mk_op *op, const char *suffix, const char *kind, json_object *args)
{
	_cleanup_error_ struct mk_error error = { 0 };
	_cleanup_free_ char *id = NULL;
	struct mk_op_request request = {
		.method = op->engine->watcher.method(op->r.class, kind, op->engine->watcher.data),
		.class = op->r.class,
		.args = args,
		.caller = op->r.caller,
		.parent = op->r.id,
	};

	if (find_child(op, suffix))
		return true;

	request.token = id = new_child_id(op, suffix);
	if (!id || !request.method)
		mk_error_set(&error, MK_ERROR_INTERNAL, "there is no inner operation %s", kind);
	else if (mk_engine_spawn(op->engine, op, &request, &error) == 0) {
		mk_json_set_str(children(op), suffix, id);
		op->r.undone += op->r.undoing;
		return true;
	}

	mk_error_done(&op->error);
	op->error = error;
	error = (struct mk_error){ 0 };
	return false;
}

static bool host_child(struct mk_op *op, const char *suffix, struct mk_child_info *ret)
{
	const struct mk_op *child = find_child(op, suffix);

	if (!child)
		return false;

	op->has_children = true;
	*ret = (struct mk_child_info){
		.id = child->r.id,
		.ended = mk_op_state_final(child->r.state),
		.succeeded = child->r.state == MK_OP_SUCCEEDED,
		.error = child->r.error,
		.message = child->r.message,
		.result = child->r.result,
	};
	return true;
}

static void host_cancel_child(struct mk_op *op, const char *suffix)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_op *child = find_child(op, suffix);

	if (child)
		(void)mk_op_cancel_child(child, &error); /* too late: its end is waited for */
}

void mk_host_add_children(struct mk_host *host)
{
	host->spawn = host_spawn;
	host->child = host_child;
	host->cancel_child = host_cancel_child;
}
