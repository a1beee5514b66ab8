/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All operations: finding them by id, in memory or in the store; their children; their claims; and which finished
 * ones are kept in memory. */

#include "engine-internal.h"

struct mk_op *mk_op_new(struct mk_engine *engine)
{
	struct mk_op *op = calloc(1, sizeof(*op));

	if (op)
		op->engine = engine;
	return op;
}

void mk_op_free(struct mk_op *op)
{
	struct mk_engine *engine = op->engine;

	mk_op_stop_io(op);
	mk_op_release_claims(op);
	sd_event_source_disable_unref(op->limit);
	sd_event_source_disable_unref(op->deadline);
	if (op->listed_query)
		TAILQ_REMOVE(&engine->queries, op, query_entry);
	if (op->dirty)
		TAILQ_REMOVE(&engine->dirty, op, dirty_entry);
	if (op->queued)
		TAILQ_REMOVE(&engine->run, op, run_entry);
	if (op->phase == PHASE_JOURNAL)
		TAILQ_REMOVE(&engine->journal, op, journal_entry);
	mk_op_forget_answers(op);
	mk_error_done(&op->error);
	free(op->users);
	free(op->waiting_for);
	free(op->want_command);
	json_object_put(op->want_params);
	json_object_put(op->scratch_before);
	mk_op_record_done(&op->r);
	free(op);
}

/* ---- children ------------------------------------------------------------------------------------------- */

bool mk_op_nth_child(struct mk_op *op, size_t i, struct mk_op **ret)
{
	json_object *o = mk_json_get(op->r.scratch, MK_OP_CHILDREN);
	size_t k = 0;

	if (!o)
		return false;

	json_object_object_foreach(o, suffix, id) {
		(void)suffix;
		if (k++ < i)
			continue;
		HASH_FIND_STR(op->engine->ops, json_object_get_string(id), *ret);
		return true;
	}
	return false;
}

bool mk_op_forward_runs(const struct mk_op *op)
{
	json_object *o = mk_json_get(op->r.scratch, MK_OP_CHILDREN);
	struct mk_op *child;

	if (!o)
		return false;

	json_object_object_foreach(o, suffix, id) {
		(void)suffix;
		HASH_FIND_STR(op->engine->ops, json_object_get_string(id), child);
		if (child && !mk_op_state_final(child->r.state) &&
		    !mk_json_bool(child->r.scratch, MK_OP_BACK, false))
			return true;
	}
	return false;
}

/* ---- claims --------------------------------------------------------------------------------------------- */

#define VOLUME_KEY "volume "

static void tell_claimed(const struct mk_claim *claim)
{
	struct mk_engine *engine = claim->op->engine;

	if (starts_with(claim->key, VOLUME_KEY))
		engine->watcher.claimed(claim->key + strlen(VOLUME_KEY), engine->watcher.data);
}

bool mk_op_claim(struct mk_op *op, const char *what, const char *id, struct mk_op **ret_holder)
{
	struct mk_claim *claim;
	char key[sizeof(claim->key)];

	*ret_holder = NULL;
	if (op->transient)
		return true;

	snprintf(key, sizeof(key), "%s %s", what, id);
	HASH_FIND_STR(op->engine->claims, key, claim);
	if (claim) {
		*ret_holder = claim->op;
		return claim->op == op || streq(claim->op->r.id, op->r.parent);
	}

	claim = calloc(1, sizeof(*claim));
	if (!claim)
		return false;
	memcpy(claim->key, key, sizeof(key));
	claim->op = op;
	claim->next = op->claims;
	op->claims = claim;
	HASH_ADD_STR(op->engine->claims, key, claim);
	tell_claimed(claim);
	return true;
}

/* Claims what it names, as after a restart; what a sibling holds it gets when that one ends. */
static void reclaim(struct mk_op *op)
{
	struct mk_op *holder;

	for (size_t i = 0; i < json_object_array_length(op->r.volumes); i++)
		(void)mk_op_claim(op, "volume",
				  json_object_get_string(
					  json_object_array_get_idx(op->r.volumes, i)),
				  &holder);
	if (op->r.vm_claimed)
		(void)mk_op_claim(op, "vm", op->r.vm, &holder);
}

/* What a child or a sibling still works on, under claims that were the operation's, does not become free. */
static void hand_on(struct mk_op *op)
{
	struct mk_op *child;

	if (!*op->r.parent && !mk_op_nth_child(op, 0, &child))
		return;

	for (struct mk_op *o = op->engine->ops; o; o = o->hh.next)
		if (!mk_op_state_final(o->r.state) && *o->r.parent &&
		    (streq(o->r.parent, op->r.id) || streq(o->r.parent, op->r.parent)))
			reclaim(o);
}

void mk_op_release_claims(struct mk_op *op)
{
	bool claimed = op->claims != NULL;

	while (op->claims) {
		struct mk_claim *claim = op->claims;

		op->claims = claim->next;
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): uthash */
		HASH_DEL(op->engine->claims, claim);
		tell_claimed(claim);
		free(claim);
	}

	if (claimed && mk_op_state_final(op->r.state))
		hand_on(op);
}

struct mk_op *mk_engine_holder(struct mk_engine *engine, const char *volume)
{
	char key[sizeof(engine->claims->key)];
	struct mk_claim *claim;

	snprintf(key, sizeof(key), VOLUME_KEY "%s", volume);
	HASH_FIND_STR(engine->claims, key, claim);
	return claim ? claim->op : NULL;
}

/* ---- the ended ------------------------------------------------------------------------------------------ */

/* Forgets the oldest finished operations beyond the number that is kept. */
void mk_engine_trim_ended(struct mk_engine *engine)
{
	while (engine->n_ended > engine->config.export_finished) {
		struct mk_op *op = TAILQ_FIRST(&engine->ended);

		TAILQ_REMOVE(&engine->ended, op, ended_entry);
		op->listed_ended = false;
		engine->n_ended--;
		engine->watcher.removed(op, engine->watcher.data);
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): uthash */
		HASH_DEL(engine->ops, op);
		mk_op_free(op);
	}
}

struct mk_op *mk_op_running_parent(const struct mk_op *op)
{
	struct mk_op *parent;

	HASH_FIND_STR(op->engine->ops, op->r.parent, parent);
	return parent && !mk_op_state_final(parent->r.state) ? parent : NULL;
}

/* What its parent has not seen yet is kept whatever the limits say. */
void mk_op_keep_ended(struct mk_op *op)
{
	op->ended = true;
	if (op->listed_ended || mk_op_running_parent(op))
		return;

	op->listed_ended = true;
	TAILQ_INSERT_TAIL(&op->engine->ended, op, ended_entry);
	op->engine->n_ended++;
}

/* ---- finding -------------------------------------------------------------------------------------------- */

size_t mk_engine_n_unfinished(struct mk_engine *engine)
{
	return engine->n_unfinished;
}

bool mk_engine_is_unfinished(struct mk_engine *engine, const char *kind)
{
	for (const struct mk_op *op = engine->ops; op; op = op->hh.next)
		if (!mk_op_state_final(op->r.state) && streq(op->r.kind, kind))
			return true;

	return false;
}

/* Calls an operation up from the store; NULL if it is not there. */
struct mk_op *mk_engine_load(struct mk_engine *engine, const char *id)
{
	_cleanup_(mk_op_freep) struct mk_op *op = mk_op_new(engine);
	struct mk_op *loaded;

	if (!op || mk_store_get_op(engine->store, id, &op->r) < 0)
		return NULL;

	op->method = engine->watcher.method(op->r.class, op->r.kind, engine->watcher.data);
	loaded = take_ptr(op);
	HASH_ADD_KEYPTR(hh, engine->ops, loaded->r.id, strlen(loaded->r.id), loaded);
	if (mk_op_state_final(loaded->r.state)) {
		mk_op_keep_ended(loaded);
	} else {
		engine->n_unfinished++;
		reclaim(loaded);
	}

	engine->watcher.added(loaded, engine->watcher.data);
	return loaded;
}

struct mk_op *mk_engine_find(struct mk_engine *engine, const char *id)
{
	struct mk_op *op;

	HASH_FIND_STR(engine->ops, id, op);
	if (op)
		return op;

	op = mk_engine_load(engine, id);
	if (op)
		engine->want_turn(engine->want_turn_data); /* trims what is too much */
	return op;
}
