/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine-internal.h"

#include "base/log.h"

#include <syslog.h>

#define PRUNE_INTERVAL (UINT64_C(3600) * USEC_PER_SEC)
#define PRUNE_EVERY    1000 /* finished operations */

/* ---- one operation ------------------------------------------------------------------------------------ */

const struct mk_op_record *mk_op_record(const struct mk_op *op)
{
	return &op->r;
}

enum mk_privilege mk_op_privilege(const struct mk_op *op)
{
	return op->method ? op->method->privilege : MK_PRIVILEGE_DELETE;
}

void mk_op_set_data(struct mk_op *op, void *data)
{
	op->data = data;
}

void *mk_op_data(const struct mk_op *op)
{
	return op->data;
}

void mk_op_log(const struct mk_op *op, int priority, const char *fmt, ...)
{
	struct mk_log_fields fields = {
		.operation = op->r.id,
		.vm = *op->r.vm ? op->r.vm : NULL,
		.step = *op->r.step ? op->r.step : NULL,
		.plugin = op->r.class,
		.cloudstack_job = *op->r.command_job ? op->r.command_job : NULL,
	};
	size_t n = json_object_array_length(op->r.volumes);
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int r;

	if (n > 0)
		fields.volume =
			json_object_get_string(json_object_array_get_idx(op->r.volumes, n - 1));

	va_start(ap, fmt);
	r = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (r < 0) {
		text = NULL;
		return;
	}

	mk_log(priority, &fields, "%s", text);
}

void mk_op_touch(struct mk_op *op, unsigned changed)
{
	if (op->transient)
		return;

	op->changed |= changed;
	if (op->dirty)
		return;

	op->dirty = true;
	TAILQ_INSERT_TAIL(&op->engine->dirty, op, dirty_entry);
	op->engine->want_turn(op->engine->want_turn_data);
}

/* The one place that assigns an operation's state. */
void mk_op_set_state(struct mk_op *op, enum mk_op_state state)
{
	if (op->r.state == state)
		return;

	mk_op_log(op, mk_op_state_final(state) && !op->transient ? LOG_INFO : LOG_DEBUG,
		  "%s: %s -> %s%s%s", op->r.kind, mk_op_state_to_string(op->r.state),
		  mk_op_state_to_string(state), *op->r.message ? ": " : "", op->r.message);
	op->r.state = state;
	if (!op->transient)
		(void)mk_store_add_event(op->engine->store, op->r.id, mk_op_state_to_string(state),
					 op->r.message);
	mk_op_touch(op, MK_OP_CHANGED_STATE);
}

void mk_op_kick(struct mk_op *op, enum mk_op_phase phase)
{
	op->phase = phase;
	if (op->queued)
		return;

	op->queued = true;
	TAILQ_INSERT_TAIL(&op->engine->run, op, run_entry);
	(void)sd_event_source_set_enabled(op->engine->run_source, SD_EVENT_ONESHOT);
}

void mk_op_stop_io(struct mk_op *op)
{
	mk_cs_request_cancel(op->request);
	op->request = NULL;
	mk_cs_watch_cancel(op->watch);
	op->watch = NULL;
	op->pause = sd_event_source_disable_unref(op->pause);
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
struct mk_op *mk_op_new(struct mk_engine *engine)
{
	struct mk_op *op = calloc(1, sizeof(*op));

	if (op)
		op->engine = engine;
	return op;
}

/* ---- claims -------------------------------------------------------------------------------------------- */

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

/* ---- the set -------------------------------------------------------------------------------------------- */

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

size_t mk_engine_n_unfinished(struct mk_engine *engine)
{
	return engine->n_unfinished;
}

static void wake(struct mk_op *op)
{
	if (op->phase != PHASE_PAUSE || op->after_pause != PHASE_ASK)
		return;

	op->pause = sd_event_source_disable_unref(op->pause);
	mk_op_kick(op, PHASE_ASK);
}

bool mk_engine_is_unfinished(struct mk_engine *engine, const char *kind)
{
	for (const struct mk_op *op = engine->ops; op; op = op->hh.next)
		if (!mk_op_state_final(op->r.state) && streq(op->r.kind, kind))
			return true;

	return false;
}

void mk_engine_devices_changed(struct mk_engine *engine)
{
	for (struct mk_op *op = engine->ops; op; op = op->hh.next)
		if (op->wants_device)
			wake(op);
}

/* Forgets the oldest finished operations beyond the number that is kept. */
static void trim_ended(struct mk_engine *engine)
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

static struct mk_op *running_parent(const struct mk_op *op)
{
	struct mk_op *parent;

	HASH_FIND_STR(op->engine->ops, op->r.parent, parent);
	return parent && !mk_op_state_final(parent->r.state) ? parent : NULL;
}

/* What its parent has not seen yet is kept whatever the limits say. */
static void keep_ended(struct mk_op *op)
{
	op->ended = true;
	if (op->listed_ended || running_parent(op))
		return;

	op->listed_ended = true;
	TAILQ_INSERT_TAIL(&op->engine->ended, op, ended_entry);
	op->engine->n_ended++;
}

/* A parent that waits for its children looks at once. */
static void tell_parent(const struct mk_op *op)
{
	struct mk_op *parent = running_parent(op);

	if (parent)
		wake(parent);
}

static void release_children(struct mk_op *op)
{
	struct mk_op *child;

	for (size_t i = 0; mk_op_nth_child(op, i, &child); i++)
		if (child && child->ended)
			keep_ended(child);
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
			keep_ended(op);
			engine->watcher.finished(op, engine->watcher.data);
			tell_parent(op);
			if (++engine->n_finished_ever % PRUNE_EVERY == 0)
				(void)prune(engine);
		}
	}

	trim_ended(engine);
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

/* Calls an operation up from the store; NULL if it is not there. */
static struct mk_op *load(struct mk_engine *engine, const char *id)
{
	_cleanup_(mk_op_freep) struct mk_op *op = mk_op_new(engine);
	struct mk_op *loaded;

	if (!op || mk_store_get_op(engine->store, id, &op->r) < 0)
		return NULL;

	op->method = engine->watcher.method(op->r.class, op->r.kind, engine->watcher.data);
	loaded = take_ptr(op);
	HASH_ADD_KEYPTR(hh, engine->ops, loaded->r.id, strlen(loaded->r.id), loaded);
	if (mk_op_state_final(loaded->r.state)) {
		keep_ended(loaded);
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

	op = load(engine, id);
	if (op)
		engine->want_turn(engine->want_turn_data); /* trims what is too much */
	return op;
}

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
		(void)load(engine, json_object_get_string(json_object_array_get_idx(finished, i)));

	for (size_t i = 0; i < json_object_array_length(unfinished); i++) {
		struct mk_op *op =
			load(engine,
			     json_object_get_string(json_object_array_get_idx(unfinished, i)));

		if (!op)
			return -EUCLEAN;
		mk_op_resume(op);
	}

	return prune(engine);
}
