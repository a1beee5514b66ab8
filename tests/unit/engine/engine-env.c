/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements engine-env.h: the bench for tests of the engine. */

#include "engine-env.h"

#include <dlfcn.h>

const struct mk_plugin *bench_plugin;
static char dir[] = "/tmp/mk-test-engine.XXXXXX";

static void added(struct mk_op *op, void *data)
{
	((struct bench *)data)->n_added++;
}

static void changed(struct mk_op *op, unsigned what, void *data)
{
	((struct bench *)data)->n_changed += what != 0;
}

static void finished(struct mk_op *op, void *data)
{
	CU_ASSERT(mk_op_state_final(mk_op_record(op)->state));
	((struct bench *)data)->n_finished++;
}

static void removed(struct mk_op *op, void *data)
{
	((struct bench *)data)->n_removed++;
}

static void claimed(const char *volume, void *data)
{
}

static void volume_event(struct mk_volume *v, void *data)
{
}

static const struct mk_method *find_method(const char *class, const char *kind, void *data)
{
	const struct bench *b = data;

	if (b && b->no_plugin)
		return NULL;
	if (b && b->method)
		return b->method;
	for (const struct mk_method *m = bench_plugin->methods; m->name; m++)
		if (streq(class, "test-vm") && streq(mk_method_operation(m), kind))
			return m;
	return NULL;
}

int bench_commit(void *data)
{
	struct bench *b = data;

	return mk_engine_write(b->engine) < 0 ? -EIO : mk_store_commit(b->store);
}

static void release(void *data)
{
	mk_engine_release(((struct bench *)data)->engine);
}

static void fatal(void *data)
{
	CU_FAIL("the store failed");
}

static void want_turn(void *data)
{
	mk_turn_request(((struct bench *)data)->turn);
}

void bench_open(struct bench *b)
{
	struct mk_turn_hooks hooks = { bench_commit, release, fatal, b };
	struct mk_engine_watcher watcher = { added,   changed,     finished, claimed,
					     removed, find_method, b };
	struct mk_volumes_watcher v_watcher = { volume_event, volume_event, volume_event, b };
	_cleanup_error_ struct mk_error error = { 0 };

	CU_ASSERT_EQUAL_FATAL(mk_store_open(b->path, &b->store, &error), 0);
	CU_ASSERT_EQUAL_FATAL(mk_volumes_new(b->store, NULL, OMA, &v_watcher, &b->volumes), 0);
	CU_ASSERT_EQUAL_FATAL(mk_turn_new(b->event, &hooks, &b->turn), 0);
	CU_ASSERT_EQUAL_FATAL(mk_engine_new(b->event, &b->cs, b->store, b->volumes, &b->config,
					    &watcher, want_turn, b, &b->engine),
			      0);
	CU_ASSERT_EQUAL(mk_engine_restore(b->engine), 0);
}

void bench_close(struct bench *b)
{
	b->engine = mk_engine_free(b->engine);
	b->volumes = mk_volumes_free(b->volumes);
	b->turn = mk_turn_free(b->turn);
	b->store = mk_store_close(b->store);
}

void bench_start(struct bench *b)
{
	static unsigned n;

	*b = (struct bench){
		.config = { .oma = OMA,
			    .max_pending = 100,
			    .max_per_caller = 50,
			    .poll_interval = 1000,
			    .settle_interval = 1000,
			    .rollback_deadline = 5 * USEC_PER_SEC,
			    .history_age = USEC_INFINITY,
			    .history_count = 1000,
			    .export_finished = 100 },
		.path = mk_strdup_printf("%s/%u.db", dir, n++),
	};
	CU_ASSERT_EQUAL_FATAL(sd_event_new(&b->event), 0);
	fake_init(&b->cs, b->event);
	bench_open(b);
}

void bench_stop(struct bench *b)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };

	bench_close(b);
	fake_done(&b->cs);
	sd_event_unref(b->event);
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_free_ char *name = mk_strdup_printf("%s%s", b->path, suffixes[i]);

		(void)unlink(name);
	}
	free(b->path);
}

struct mk_op *bench_submit(struct bench *b, const char *vm, const char *token, bool with_stop,
			   struct mk_error *error)
{
	_cleanup_json_ json_object *args = json_object_new_array();
	json_object *options = json_object_new_object();
	struct mk_op_request request = {
		.method = find_method("test-vm", "DeleteRootVolume", NULL),
		.class = "test-vm",
		.args = args,
		.token = token,
		.caller = 1000,
	};
	struct mk_op *op = NULL;

	json_object_array_add(args, json_object_new_string(vm));
	if (token)
		mk_json_set_str(options, "token", token);
	if (with_stop)
		mk_json_set_bool(options, "stop", true);
	json_object_array_add(args, options);
	return mk_engine_submit(b->engine, &request, &op, error) == 0 ? op : NULL;
}

const struct mk_op_record *bench_run(struct bench *b, struct mk_op *op)
{
	uint64_t end = mk_now_monotonic() + 60 * USEC_PER_SEC;

	while (!mk_op_state_final(mk_op_record(op)->state) && mk_now_monotonic() < end)
		sd_event_run(b->event, USEC_PER_SEC);
	for (unsigned i = 0; i < 10; i++)
		sd_event_run(b->event, 0); /* the last commit */
	return mk_op_record(op);
}

const struct mk_op_record *bench_run_one(struct bench *b, bool with_stop)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_op *op = bench_submit(b, VM, "t", with_stop, &error);

	CU_ASSERT_PTR_NOT_NULL_FATAL(op);
	return bench_run(b, op);
}

void bench_expect(const struct mk_op_record *r, enum mk_op_state state, enum mk_error_code error)
{
	if (r->state != state || r->error != error)
		tap_note("%s, %s: %s", mk_op_state_to_string(r->state),
			 mk_error_to_string(r->error), r->message);
	CU_ASSERT_EQUAL(r->state, state);
	CU_ASSERT_EQUAL(r->error, error);
}

void bench_spin(struct bench *b, unsigned turns)
{
	for (unsigned i = 0; i < turns; i++)
		sd_event_run(b->event, 0);
}

/* ---- set-up --------------------------------------------------------------------------------------------------- */

int bench_load_plugin(void)
{
	_cleanup_free_ char *so =
		mk_strdup_printf("%s/plugins/.libs/test-vm.so", getenv("top_builddir"));
	const struct mk_plugin *const *symbol;
	void *handle = dlopen(so, RTLD_NOW | RTLD_LOCAL);

	symbol = handle ? dlsym(handle, MK_PLUGIN_SYMBOL) : NULL;
	if (!symbol || !mkdtemp(dir))
		return -1;

	bench_plugin = *symbol;
	return bench_plugin->init(mk_engine_host());
}

int bench_clean_up(void)
{
	return rmdir(dir);
}
