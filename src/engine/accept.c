/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Turns requests into operations: finds the operation that has the token already, lets the plugin check the
 * arguments, checks the limits, and takes the claims. */

#include "engine-internal.h"

#include "plugin/plugin.h"

#include <ctype.h>
#include <syslog.h>

#define TOKEN_MAX 64

static bool token_valid(const char *token)
{
	size_t n = strlen(token);

	for (const char *c = token; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			return false;

	return n >= 1 && n <= TOKEN_MAX;
}

int mk_engine_fresh_id(struct mk_engine *engine, char **ret)
{
	char uuid[MK_UUID_SIZE], id[MK_UUID_SIZE];
	int r;

	r = mk_uuid_random(uuid);
	if (r < 0)
		return r;

	/* 8 + 4 + 4 digits: unique enough for a journal, short enough to type */
	snprintf(id, sizeof(id), "op_%.8s%.4s%.4s", uuid, uuid + 9, uuid + 19);
	return mk_engine_find(engine, id) ? -EEXIST : mk_str_set(ret, id);
}

/* The arguments as the journal keeps them: without the token. */
static json_object *args_without_token(json_object *args)
{
	json_object *copy = NULL, *last;
	size_t n;

	if (json_object_deep_copy(args, &copy, NULL) < 0)
		return NULL;

	n = json_object_array_length(copy);
	last = n ? json_object_array_get_idx(copy, n - 1) : NULL;
	if (last && json_object_is_type(last, json_type_object))
		json_object_object_del(last, "token");
	return copy;
}

/* n: how many operations would be new. */
static int check_limits(struct mk_engine *engine, const struct mk_op_request *request, size_t n,
			struct mk_error *error)
{
	size_t mine = 0;

	if (n == 0)
		return 0;

	if (engine->not_appliance) {
		mk_error_set(error, MK_ERROR_WRONG_STATE, "nothing is done here: %s",
			     engine->not_appliance);
		return -EINVAL;
	}

	for (struct mk_op *op = engine->ops; op; op = op->hh.next)
		if (!mk_op_state_final(op->r.state) && op->r.caller == request->caller)
			mine++;

	if (engine->n_unfinished + n > engine->config.max_pending)
		mk_error_set(error, MK_ERROR_LIMITS_EXCEEDED,
			     "%zu operations are unfinished and %" PRIu64
			     " are allowed: wait for some to end",
			     engine->n_unfinished, engine->config.max_pending);
	else if (mine + n > engine->config.max_per_caller)
		mk_error_set(error, MK_ERROR_LIMITS_EXCEEDED,
			     "user %" PRIi64 " has %zu unfinished operations and %" PRIu64
			     " are allowed: wait for some to end",
			     request->caller, mine, engine->config.max_per_caller);

	return mk_error_is_set(error) ? -EINVAL : 0;
}

/* Finds the operation that has this token. Returns 1 if it is the same request, 0 if there is none. */
static int find_token(struct mk_engine *engine, const struct mk_op_request *request,
		      json_object *args, struct mk_op **ret, struct mk_error *error)
{
	const char *given = request->batch ? request->batch : request->token;
	struct mk_op *op;

	if (!request->token)
		return 0;

	if (!token_valid(given)) {
		mk_error_set(error, MK_ERROR_INVALID_ARGS,
			     "option 'token' must be 1 to %d characters of A-Z a-z 0-9 _",
			     TOKEN_MAX);
		return -EINVAL;
	}

	op = mk_engine_find(engine, request->token);
	if (!op)
		return 0;

	if (!streq(op->r.class, request->class) ||
	    !streq(op->r.kind, mk_method_operation(request->method)) ||
	    !json_object_equal(op->r.args, args)) {
		mk_error_set(error, MK_ERROR_TOKEN_MISMATCH,
			     "token %s belongs to another request (%s, made by user %" PRIi64
			     "): use a new token",
			     request->token, op->r.kind, op->r.caller);
		return -EINVAL;
	}

	*ret = op;
	return 1;
}

static int fill_record(struct mk_op *op, const struct mk_op_request *request, json_object *args)
{
	struct mk_op_record *r = &op->r;
	const struct mk_method *m = request->method;
	size_t n = json_object_array_length(args);
	json_object *last = n ? json_object_array_get_idx(args, n - 1) : NULL;

	mk_op_record_init(r);
	if (!mk_op_record_complete(r) || mk_str_set(&r->kind, mk_method_operation(m)) < 0 ||
	    mk_str_set(&r->class, request->class) < 0 ||
	    mk_str_set(&r->parent, str_or_empty(request->parent)) < 0)
		return -ENOMEM;

	if (request->token ? mk_str_set(&r->id, request->token) < 0
			   : mk_engine_fresh_id(op->engine, &r->id) < 0)
		return -ENOMEM;

	json_object_put(r->args);
	r->args = json_object_get(args);
	if (last && json_object_is_type(last, json_type_object)) {
		json_object_put(r->options);
		r->options = json_object_get(last);
	}

	for (const struct mk_step *s = m->steps; s->name; s++)
		r->step_count++;
	r->caller = request->caller;
	r->created = mk_now_realtime();
	r->deadline = mk_op_own_deadline(op);
	return 0;
}

/* Makes an operation that is not yet in the set; claims are taken. */
static int make_op(struct mk_engine *engine, const struct mk_op_request *request, json_object *args,
		   bool transient, struct mk_op **ret, struct mk_error *error)
{
	_cleanup_(mk_op_freep) struct mk_op *op = mk_op_new(engine);

	if (!op)
		return -ENOMEM;
	op->transient = transient;
	op->method = request->method;

	if (fill_record(op, request, args) < 0)
		return -ENOMEM;

	if (request->method->prepare(op, args) != MK_DONE) {
		*error = op->error;
		op->error = (struct mk_error){ 0 };
		mk_error_set(error, MK_ERROR_INTERNAL, "plugin %s refused without a reason",
			     request->class);
		return -EINVAL;
	}

	*ret = take_ptr(op);
	return 0;
}

static int make_or_find(struct mk_engine *engine, const struct mk_op_request *request,
			struct mk_op **ret, bool *ret_new, struct mk_error *error)
{
	_cleanup_json_ json_object *args = args_without_token(request->args);
	int r;

	*ret_new = false;
	if (!args)
		return -ENOMEM;

	r = find_token(engine, request, args, ret, error);
	if (r != 0)
		return r < 0 ? r : 0;

	*ret_new = true;
	return make_op(engine, request, args, false, ret, error);
}

static void accept_op(struct mk_op *op)
{
	struct mk_engine *engine = op->engine;

	HASH_ADD_KEYPTR(hh, engine->ops, op->r.id, strlen(op->r.id), op);
	engine->n_unfinished++;
	mk_op_log(op, LOG_INFO, "%s accepted from user %" PRIi64, op->r.kind, op->r.caller);
	(void)mk_store_add_event(engine->store, op->r.id, "accepted", op->r.kind);
	engine->watcher.added(op, engine->watcher.data);
	mk_op_touch(op, MK_OP_CHANGED_STATE);
	(void)mk_op_arm_deadline(op);
	mk_op_kick(op, PHASE_STEP);
}

int mk_engine_spawn(struct mk_engine *engine, const struct mk_op *parent,
		    const struct mk_op_request *request, struct mk_error *error)
{
	struct mk_op *op;
	int r;

	if (mk_engine_find(engine, request->token)) {
		mk_error_set(error, MK_ERROR_TOKEN_MISMATCH, "operation %s is there already",
			     request->token);
		return -EINVAL;
	}

	r = make_op(engine, request, request->args, false, &op, error);
	if (r < 0) {
		mk_error_set(error, MK_ERROR_INTERNAL, "cannot make the operation: %s",
			     strerror(-r));
		return -EINVAL;
	}

	mk_op_bound_deadline(op, parent);
	if (parent->r.undoing)
		mk_json_set_bool(op->r.scratch, MK_OP_BACK, true);
	accept_op(op);
	return 0;
}

/*
 * A batch that is neither new nor all there: history has dropped some of its operations, or the list is another one
 * and history has dropped what would have shown it. What is missing must not be done a second time.
 */
static int check_batch(struct mk_engine *engine, const char *token, size_t n, size_t n_new,
		       struct mk_error *error)
{
	int r;

	if (!token || n_new == 0)
		return 0;

	r = n_new < n ? 1 : mk_store_has_batch(engine->store, token);
	if (r <= 0)
		return r;

	mk_error_set(
		error, MK_ERROR_TOKEN_MISMATCH,
		"token %s belongs to a batch of which history has dropped a part: look at what "
		"was done, and use a new token",
		token);
	return -EINVAL;
}

int mk_engine_submit_all(struct mk_engine *engine, const struct mk_op_request *requests, size_t n,
			 struct mk_op **ret, struct mk_error *error)
{
	_cleanup_free_ bool *new = calloc(n ? n : 1, sizeof(*new));
	size_t done = 0, n_new = 0;
	int r = new ? 0 : -ENOMEM;

	while (r == 0 && done < n) {
		r = make_or_find(engine, &requests[done], &ret[done], &new[done], error);
		if (r == 0)
			n_new += new[done++];
	}

	if (r == 0)
		r = check_batch(engine, requests[0].batch, n, n_new, error);
	if (r == 0)
		r = check_limits(engine, requests, n_new, error);

	for (size_t i = 0; i < done; i++)
		if (new[i] && r == 0)
			accept_op(ret[i]);
		else if (new[i])
			mk_op_free(ret[i]);

	if (r < 0)
		mk_error_set(error, MK_ERROR_INTERNAL, "cannot make the operation: %s",
			     strerror(-r));
	return r < 0 ? -EINVAL : 0;
}

int mk_engine_submit(struct mk_engine *engine, const struct mk_op_request *request,
		     struct mk_op **ret, struct mk_error *error)
{
	return mk_engine_submit_all(engine, request, 1, ret, error);
}

int mk_engine_query(struct mk_engine *engine, const struct mk_op_request *request, mk_query_fn done,
		    void *data, struct mk_error *error)
{
	struct mk_op *op;
	int r;

	r = make_op(engine, request, request->args, true, &op, error);
	if (r < 0) {
		mk_error_set(error, MK_ERROR_INTERNAL, "cannot make the query: %s", strerror(-r));
		return -EINVAL;
	}

	op->done = done;
	op->done_data = data;
	op->listed_query = true;
	TAILQ_INSERT_TAIL(&engine->queries, op, query_entry);
	(void)mk_op_arm_deadline(op);
	mk_op_kick(op, PHASE_STEP);
	return 0;
}
