/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Making, restoring and freeing the engine, and its part in each turn of the loop: which operations run, what is
 * written, what is sent. */

#include "engine-internal.h"

#define PRUNE_INTERVAL (UINT64_C(3600) * USEC_PER_SEC)
#define PRUNE_EVERY    1000 /* finished operations */

static int on_run(sd_event_source *source, void *data)
{
	struct mk_engine *engine = data;
	struct mk_op *last = TAILQ_LAST(&engine->run, mk_op_list), *op;

	/* What is queued while these run waits for the next turn, so that D-Bus and timers get theirs. */
	do {
		op = TAILQ_FIRST(&engine->run);
		if (!op)
			break;
		TAILQ_REMOVE(&engine->run, op, run_entry);
		op->queued = false;
		mk_op_run(op);
	} while (op != last);

	if (!TAILQ_EMPTY(&engine->run))
		(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static int prune(struct mk_engine *engine)
{
	uint64_t now = mk_now_realtime(), age = engine->config.history_age;
	int r;

	r = mk_store_prune(engine->store, age < now ? now - age : 0, engine->config.history_count);
	engine->want_turn(engine->want_turn_data);
	return r;
}

static int on_prune(sd_event_source *source, uint64_t usec, void *data)
{
	(void)prune(data);
	(void)sd_event_source_set_time_relative(source, PRUNE_INTERVAL);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static void config_done(struct mk_engine_config *config)
{
	const char *texts[] = { config->oma, config->disk_offering, config->zone };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free((char *)(uintptr_t)texts[i]);
}

static int copy_config(struct mk_engine *engine, const struct mk_engine_config *config)
{
	struct mk_engine_config copy = *config;

	copy.oma = strdup(config->oma);
	copy.disk_offering = strdup(str_or_empty(config->disk_offering));
	copy.zone = strdup(str_or_empty(config->zone));
	if (!copy.oma || !copy.disk_offering || !copy.zone) {
		config_done(&copy);
		return -ENOMEM;
	}

	config_done(&engine->config);
	engine->config = copy;
	return 0;
}

int mk_engine_new(sd_event *event, struct mk_cs *cs, struct mk_store *store,
		  struct mk_volumes *volumes, const struct mk_engine_config *config,
		  const struct mk_engine_watcher *watcher, void (*want_turn)(void *data),
		  void *want_turn_data, struct mk_engine **ret)
{
	struct mk_engine *engine;
	int r;

	engine = calloc(1, sizeof(*engine));
	if (!engine)
		return -ENOMEM;

	engine->event = sd_event_ref(event);
	engine->cs = cs;
	engine->store = store;
	engine->volumes = volumes;
	engine->watcher = *watcher;
	engine->want_turn = want_turn;
	engine->want_turn_data = want_turn_data;
	TAILQ_INIT(&engine->dirty);
	TAILQ_INIT(&engine->run);
	TAILQ_INIT(&engine->ended);
	TAILQ_INIT(&engine->queries);
	TAILQ_INIT(&engine->journal);

	r = copy_config(engine, config);
	if (r >= 0)
		r = sd_event_add_defer(event, &engine->run_source, on_run, engine);
	if (r >= 0)
		r = sd_event_source_set_enabled(engine->run_source, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &engine->prune_timer, CLOCK_MONOTONIC,
					       PRUNE_INTERVAL, USEC_PER_SEC, on_prune, engine);
	if (r < 0) {
		mk_engine_free(engine);
		return r;
	}

	*ret = engine;
	return 0;
}

void mk_engine_reconfigure(struct mk_engine *engine, const struct mk_engine_config *config)
{
	if (copy_config(engine, config) == 0)
		(void)prune(engine);
}

int mk_engine_set_appliance(struct mk_engine *engine, const char *problem)
{
	struct mk_op *op;

	engine->in_doubt = problem != NULL;
	free(engine->not_appliance);
	engine->not_appliance = problem && *problem ? strdup(problem) : NULL;
	if (problem)
		return !*problem || engine->not_appliance ? 0 : -ENOMEM;

	for (op = engine->ops; op; op = op->hh.next)
		if (op->phase == PHASE_PAUSE && !op->pause)
			mk_op_kick(op, op->after_pause);
	return 0;
}

struct mk_engine *mk_engine_free(struct mk_engine *engine)
{
	struct mk_op *op, *next;

	if (!engine)
		return NULL;

	while ((op = TAILQ_FIRST(&engine->queries))) {
		_cleanup_error_ struct mk_error error = { 0 };

		mk_error_set(&error, MK_ERROR_UNAVAILABLE, "the daemon is shutting down");
		if (op->done)
			op->done(NULL, &error, op->done_data);
		mk_op_free(op);
	}

	HASH_ITER(hh, engine->ops, op, next) {
		engine->watcher.removed(op, engine->watcher.data);
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): uthash */
		HASH_DEL(engine->ops, op);
		mk_op_free(op);
	}

	sd_event_source_disable_unref(engine->run_source);
	sd_event_source_disable_unref(engine->prune_timer);
	free(engine->not_appliance);
	config_done(&engine->config);
	sd_event_unref(engine->event);
	free(engine);
	return NULL;
}

static void wake(struct mk_op *op)
{
	if (op->phase != PHASE_PAUSE || op->after_pause != PHASE_ASK)
		return;

	op->pause = sd_event_source_disable_unref(op->pause);
	mk_op_kick(op, PHASE_ASK);
}

void mk_engine_devices_changed(struct mk_engine *engine)
{
	for (struct mk_op *op = engine->ops; op; op = op->hh.next)
		if (op->wants_device)
			wake(op);
}

/* A parent that waits for its children looks at once. */
static void tell_parent(const struct mk_op *op)
{
	struct mk_op *parent = mk_op_running_parent(op);

	if (parent)
		wake(parent);
}

static void release_children(struct mk_op *op)
{
	struct mk_op *child;

	for (size_t i = 0; mk_op_nth_child(op, i, &child); i++)
		if (child && child->ended)
			mk_op_keep_ended(child);
}

int mk_engine_write(struct mk_engine *engine)
{
	struct mk_op *op;
	int r;

	while ((op = TAILQ_FIRST(&engine->dirty))) {
		unsigned changed = op->changed;

		TAILQ_REMOVE(&engine->dirty, op, dirty_entry);
		op->dirty = false;
		op->changed = 0;

		r = mk_store_put_op(engine->store, &op->r);
		if (r < 0)
			return r;

		engine->watcher.changed(op, changed, engine->watcher.data);
		if (mk_op_state_final(op->r.state) && !op->ended) {
			engine->n_unfinished--;
			release_children(op); /* older than itself */
			mk_op_keep_ended(op);
			engine->watcher.finished(op, engine->watcher.data);
			tell_parent(op);
			if (++engine->n_finished_ever % PRUNE_EVERY == 0)
				(void)prune(engine);
		}
	}

	mk_engine_trim_ended(engine);
	return *mk_store_failed(engine->store) ? -EIO : 0;
}

void mk_engine_release(struct mk_engine *engine)
{
	struct mk_op *op;

	while ((op = TAILQ_FIRST(&engine->journal))) {
		TAILQ_REMOVE(&engine->journal, op, journal_entry);
		mk_op_send(op);
	}
}

/* ---- finding and restoring ------------------------------------------------------------------------------ */

/* The store's statement is being walked while ids are collected, so loading comes after. */
static void collect(const char *id, void *data)
{
	json_object_array_add(data, json_object_new_string(id));
}

int mk_engine_restore(struct mk_engine *engine)
{
	_cleanup_json_ json_object *finished = json_object_new_array();
	_cleanup_json_ json_object *unfinished = json_object_new_array();
	int r;

	if (!finished || !unfinished)
		return -ENOMEM;

	r = mk_store_newest_finished(engine->store, engine->config.export_finished, collect,
				     finished);
	if (r < 0)
		return r;
	r = mk_store_unfinished(engine->store, collect, unfinished);
	if (r < 0)
		return r;

	for (size_t i = 0; i < json_object_array_length(finished); i++)
		(void)mk_engine_load(engine, json_object_get_string(
						     json_object_array_get_idx(finished, i)));

	for (size_t i = 0; i < json_object_array_length(unfinished); i++) {
		struct mk_op *op =
			mk_engine_load(engine, json_object_get_string(
						       json_object_array_get_idx(unfinished, i)));

		if (!op)
			return -EUCLEAN;
		mk_op_resume(op);
	}

	return prune(engine);
}
