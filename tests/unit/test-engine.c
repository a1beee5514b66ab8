/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The engine with the real test-vm plugin, a real database and a fake CloudStack; no processes. */

#include "engine.h"
#include "fake-cs.h"
#include "plugin.h"
#include "tap.h"
#include "turn.h"

#include <dlfcn.h>

#define VM   "22222222-2222-4222-8222-222222222222"
#define OMA  "11111111-1111-4111-8111-111111111111"
#define ROOT "33333333-3333-4333-8333-333333333333"
#define DATA "44444444-4444-4444-8444-444444444444"

static const struct mk_plugin *plugin;
static char dir[] = "/tmp/mk-test-engine.XXXXXX";

struct bench {
	sd_event *event;
	struct mk_cs cs;
	struct mk_store *store;
	struct mk_volumes *volumes;
	struct mk_turn *turn;
	struct mk_engine *engine;
	struct mk_engine_config config;
	unsigned n_added, n_finished, n_removed;
	char *path;
};

static void added(struct mk_op *op, void *data)
{
	((struct bench *)data)->n_added++;
}

static void changed(struct mk_op *op, unsigned what, void *data)
{
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
	for (const struct mk_method *m = plugin->methods; m->name; m++)
		if (streq(class, "test-vm") && streq(mk_method_operation(m), kind))
			return m;
	return NULL;
}

static int commit(void *data)
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

static void open_engine(struct bench *b)
{
	struct mk_turn_hooks hooks = { commit, release, fatal, b };
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

static void close_engine(struct bench *b)
{
	b->engine = mk_engine_free(b->engine);
	b->volumes = mk_volumes_free(b->volumes);
	b->turn = mk_turn_free(b->turn);
	b->store = mk_store_close(b->store);
}

static void start(struct bench *b)
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
	open_engine(b);
}

static void stop(struct bench *b)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };

	close_engine(b);
	fake_done(&b->cs);
	sd_event_unref(b->event);
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_free_ char *name = mk_strdup_printf("%s%s", b->path, suffixes[i]);

		(void)unlink(name);
	}
	free(b->path);
}

static struct mk_op *submit(struct bench *b, const char *vm, const char *token, bool with_stop,
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

static const struct mk_op_record *run(struct bench *b, struct mk_op *op)
{
	for (unsigned i = 0; i < 100000 && !mk_op_state_final(mk_op_record(op)->state); i++)
		sd_event_run(b->event, 1000 * USEC_PER_MSEC);
	for (unsigned i = 0; i < 10; i++)
		sd_event_run(b->event, 0); /* the last commit */
	return mk_op_record(op);
}

static const struct mk_op_record *run_one(struct bench *b, bool with_stop)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_op *op = submit(b, VM, "t", with_stop, &error);

	CU_ASSERT_PTR_NOT_NULL_FATAL(op);
	return run(b, op);
}

static void expect(const struct mk_op_record *r, enum mk_op_state state, enum mk_error_code error)
{
	if (r->state != state || r->error != error)
		tap_note("%s, %s: %s", mk_op_state_to_string(r->state),
			 mk_error_to_string(r->error), r->message);
	CU_ASSERT_EQUAL(r->state, state);
	CU_ASSERT_EQUAL(r->error, error);
}

/* ---- tests -------------------------------------------------------------------------------------------------- */

static void test_success(void)
{
	struct bench b;
	const struct mk_op_record *r;

	start(&b);
	r = run_one(&b, false);
	expect(r, MK_OP_SUCCEEDED, MK_ERROR_NONE);
	CU_ASSERT_STRING_EQUAL(mk_json_str(r->result, "Volume", ""), ROOT);
	CU_ASSERT_STRING_EQUAL(mk_json_str(r->result, "VM", ""), VM);
	CU_ASSERT_EQUAL(b.cs.n_stop, 0);
	CU_ASSERT_EQUAL(b.cs.n_detach, 1);
	CU_ASSERT_EQUAL(b.cs.n_destroy, 1);
	CU_ASSERT_EQUAL(b.n_added, 1);
	CU_ASSERT_EQUAL(b.n_finished, 1);
	CU_ASSERT_EQUAL(mk_engine_n_unfinished(b.engine), 0);
	CU_ASSERT(r->created && r->started >= r->created && r->finished >= r->started);
	stop(&b);
}

static void test_stop_option(void)
{
	struct bench b;

	start(&b);
	b.cs.vm_state = "Running";
	expect(run_one(&b, false), MK_OP_FAILED, MK_ERROR_WRONG_STATE);
	stop(&b);

	start(&b);
	b.cs.vm_state = "Running";
	expect(run_one(&b, true), MK_OP_SUCCEEDED, MK_ERROR_NONE);
	CU_ASSERT_EQUAL(b.cs.n_stop, 1);
	stop(&b);
}

/* The sentence from the incident, only when CloudStack itself says so. */
static void test_no_root(void)
{
	const struct mk_op_record *r;
	struct bench b;

	start(&b);
	b.cs.volumes[0].type = "DATADISK";
	r = run_one(&b, false);
	expect(r, MK_OP_FAILED, MK_ERROR_NO_ROOT_VOLUME);
	CU_ASSERT_STRING_EQUAL(r->message, "no root volume found for test VM " VM);
	CU_ASSERT_EQUAL(b.cs.n_writes, 0);
	stop(&b);

	start(&b);
	b.cs.vm = NULL;
	expect(run_one(&b, false), MK_OP_FAILED, MK_ERROR_NOT_FOUND);
	stop(&b);
}

static void test_ambiguous(void)
{
	struct bench b;

	start(&b);
	b.cs.volumes[1] = (struct fake_volume){ DATA, "ROOT", "Ready", "", VM, 1 };
	b.cs.n_volumes = 2;
	expect(run_one(&b, false), MK_OP_FAILED, MK_ERROR_AMBIGUOUS);
	CU_ASSERT_EQUAL(b.cs.n_writes, 0);
	stop(&b);
}

/* L01, L02: nothing is deleted from a VM that has a volume of ours, least of all that volume. */
static void test_protected(void)
{
	struct bench b;

	start(&b);
	b.cs.volumes[0].owner = OMA;
	expect(run_one(&b, false), MK_OP_FAILED, MK_ERROR_PROTECTED);
	CU_ASSERT_EQUAL(b.cs.n_writes, 0);
	stop(&b);

	start(&b);
	b.cs.volumes[1] = (struct fake_volume){ DATA, "DATADISK", "Ready", OMA, VM, 1 };
	b.cs.n_volumes = 2;
	expect(run_one(&b, false), MK_OP_FAILED, MK_ERROR_PROTECTED);
	CU_ASSERT_EQUAL(b.cs.n_writes, 0);
	stop(&b);
}

static void test_call_errors(void)
{
	static const struct {
		const char *vm, *token;
		enum mk_error_code code;
	} cases[] = {
		{ OMA, NULL, MK_ERROR_PROTECTED },
		{ "12", NULL, MK_ERROR_INVALID_ARGS },
		{ "", NULL, MK_ERROR_INVALID_ARGS },
		{ "22222222-2222-4222-8222-22222222222G", NULL, MK_ERROR_INVALID_ARGS },
		{ VM, "", MK_ERROR_INVALID_ARGS },
		{ VM, "has space", MK_ERROR_INVALID_ARGS },
		{ VM, "0123456789012345678901234567890123456789012345678901234567890123x",
		  MK_ERROR_INVALID_ARGS },
	};
	struct bench b;

	start(&b);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_error_ struct mk_error error = { 0 };

		CU_ASSERT_PTR_NULL(submit(&b, cases[i].vm, cases[i].token, false, &error));
		CU_ASSERT_EQUAL(error.code, cases[i].code);
		CU_ASSERT_PTR_NOT_NULL(error.text);
	}
	CU_ASSERT_EQUAL(b.n_added, 0);
	CU_ASSERT_EQUAL(b.cs.n_reads, 0);
	stop(&b);
}

static void test_token(void)
{
	_cleanup_error_ struct mk_error error = { 0 }, busy = { 0 };
	struct mk_op *op;
	struct bench b;

	start(&b);
	op = submit(&b, VM, "tok", false, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(op);
	CU_ASSERT_PTR_EQUAL(submit(&b, VM, "tok", false, &error), op);
	CU_ASSERT_PTR_NULL(submit(&b, VM, "tok", true, &error));
	CU_ASSERT_EQUAL(error.code, MK_ERROR_TOKEN_MISMATCH);
	CU_ASSERT_PTR_NULL(submit(&b, VM, "other", false, &busy));
	CU_ASSERT_EQUAL(busy.code, MK_ERROR_BUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(busy.text, "tok"));
	expect(run(&b, op), MK_OP_SUCCEEDED, MK_ERROR_NONE);

	/* also after a restart */
	close_engine(&b);
	open_engine(&b);
	mk_error_done(&error);
	op = submit(&b, VM, "tok", false, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(op);
	expect(mk_op_record(op), MK_OP_SUCCEEDED, MK_ERROR_NONE);
	CU_ASSERT_EQUAL(b.cs.n_destroy, 1);
	stop(&b);
}

static void test_limits(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct bench b;

	start(&b);
	b.config.max_per_caller = 1;
	mk_engine_reconfigure(b.engine, &b.config);
	CU_ASSERT_PTR_NOT_NULL(submit(&b, VM, "one", false, &error));
	CU_ASSERT_PTR_NULL(submit(&b, DATA, "two", false, &error));
	CU_ASSERT_EQUAL(error.code, MK_ERROR_LIMITS_EXCEEDED);
	CU_ASSERT_PTR_NOT_NULL(
		submit(&b, VM, "one", false, &error)); /* a repetition is no new one */
	stop(&b);
}

struct fault_case {
	const char *command;
	enum fake_fault fault;
	int code;
	unsigned n;
	enum mk_op_state state;
	enum mk_error_code error;
	unsigned detach, attach, destroy;
};

static void test_faults(void)
{
	static const struct fault_case cases[] = {
		{ "detachVolume", FAKE_REFUSE, 431, 9, MK_OP_FAILED, MK_ERROR_REFUSED, 0, 0, 0 },
		{ "destroyVolume", FAKE_REFUSE, 431, 9, MK_OP_ROLLED_BACK, MK_ERROR_REFUSED, 1, 1,
		  0 },
		{ "destroyVolume", FAKE_JOB_FAIL, 431, 9, MK_OP_ROLLED_BACK, MK_ERROR_REFUSED, 1, 1,
		  0 },
		{ "destroyVolume", FAKE_JOB_FAIL, 530, 2, MK_OP_SUCCEEDED, MK_ERROR_NONE, 1, 0, 1 },
		{ "destroyVolume", FAKE_JOB_FAIL, 530, 3, MK_OP_ROLLED_BACK, MK_ERROR_REFUSED, 1, 1,
		  0 },
		{ "detachVolume", FAKE_NO_ANSWER_DONE, 0, 1, MK_OP_SUCCEEDED, MK_ERROR_NONE, 1, 0,
		  1 },
		{ "detachVolume", FAKE_NO_ANSWER_LOST, 0, 1, MK_OP_SUCCEEDED, MK_ERROR_NONE, 1, 0,
		  1 },
		{ "detachVolume", FAKE_JOB_VANISHED_DONE, 0, 1, MK_OP_SUCCEEDED, MK_ERROR_NONE, 1,
		  0, 1 },
		{ "destroyVolume", FAKE_NO_ANSWER_DONE, 0, 1, MK_OP_SUCCEEDED, MK_ERROR_NONE, 1, 0,
		  1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct fault_case *c = &cases[i];
		struct bench b;

		start(&b);
		b.cs.fault_command = c->command;
		b.cs.fault = c->fault;
		b.cs.fault_code = c->code;
		b.cs.n_faults = c->n;
		tap_note("%s: fault %d, code %d, %u times", c->command, c->fault, c->code, c->n);
		expect(run_one(&b, false), c->state, c->error);
		CU_ASSERT_EQUAL(b.cs.n_detach, c->detach);
		CU_ASSERT_EQUAL(b.cs.n_attach, c->attach);
		CU_ASSERT_EQUAL(b.cs.n_destroy, c->destroy);
		CU_ASSERT_EQUAL(b.n_finished, 1);
		stop(&b);
	}
}

/* Deleting without destroyVolume; L15: a lost answer is settled by asking. */
static void test_delete_volume(void)
{
	struct bench b;

	start(&b);
	b.cs.fault_command = "destroyVolume";
	b.cs.fault = FAKE_NO_COMMAND;
	b.cs.n_faults = 9;
	expect(run_one(&b, false), MK_OP_SUCCEEDED, MK_ERROR_NONE);
	CU_ASSERT_EQUAL(b.cs.n_delete, 1);
	CU_ASSERT_EQUAL(b.cs.n_destroy, 0);
	stop(&b);
}

/* Accepted and then gone, and nothing happened: never a second command, never a roll-back. */
static void test_outcome_unknown(void)
{
	struct bench b;
	const struct mk_op_record *r;

	start(&b);
	b.config.deadline = 50 * USEC_PER_MSEC;
	mk_engine_reconfigure(b.engine, &b.config);
	b.cs.fault_command = "destroyVolume";
	b.cs.fault = FAKE_JOB_VANISHED;
	b.cs.n_faults = 1;
	r = run_one(&b, false);
	expect(r, MK_OP_FAILED, MK_ERROR_OUTCOME_UNKNOWN);
	CU_ASSERT_EQUAL(b.cs.n_writes, 2); /* detach, destroy */
	CU_ASSERT_PTR_NOT_NULL(strstr(r->message, "destroyVolume"));
	stop(&b);
}

static void test_unreachable(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct bench b;

	start(&b);
	b.cs.reads_hang = true;
	b.cs.reachable = false;
	b.config.deadline = 30 * USEC_PER_MSEC;
	mk_engine_reconfigure(b.engine, &b.config);
	expect(run(&b, submit(&b, VM, "u", false, &error)), MK_OP_FAILED, MK_ERROR_UNAVAILABLE);
	CU_ASSERT_EQUAL(b.cs.n_writes, 0);
	stop(&b);
}

static void spin(struct bench *b, unsigned turns)
{
	for (unsigned i = 0; i < turns; i++)
		sd_event_run(b->event, 0);
}

static void cancel_case(const char *command, enum mk_op_state state, unsigned attach)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_op *op;
	struct bench b;

	start(&b);
	b.cs.fault_command = command;
	b.cs.fault = FAKE_JOB_HOLD;
	b.cs.n_faults = 1;
	op = submit(&b, VM, "c", false, &error);
	spin(&b, 300);
	CU_ASSERT_EQUAL(mk_op_record(op)->command_state, MK_COMMAND_ACCEPTED);
	CU_ASSERT_EQUAL(mk_op_cancel(op, &error), state == MK_OP_CANCELLED ? 0 : -EINVAL);
	fake_release(&b.cs);
	expect(run(&b, op), state, state == MK_OP_CANCELLED ? MK_ERROR_CANCELLED : MK_ERROR_NONE);
	CU_ASSERT_EQUAL(b.cs.n_attach, attach);
	CU_ASSERT_EQUAL(mk_op_cancel(op, &error), -EINVAL);
	stop(&b);
}

static void test_cancel(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_op *op;
	struct bench b;

	cancel_case("detachVolume", MK_OP_CANCELLED, 1);
	cancel_case("destroyVolume", MK_OP_SUCCEEDED, 0); /* no way back */

	start(&b);
	b.cs.reads_hang = true;
	op = submit(&b, VM, "c", false, &error);
	spin(&b, 50);
	CU_ASSERT_EQUAL(mk_op_cancel(op, &error), 0);
	expect(run(&b, op), MK_OP_CANCELLED, MK_ERROR_CANCELLED);
	stop(&b);
}

/* L10: what was journalled goes on after a restart, at any point of the walk. */
static void test_restart(void)
{
	for (unsigned turns = 1; turns < 120; turns++) {
		_cleanup_error_ struct mk_error error = { 0 };
		struct mk_op *op;
		struct bench b;

		start(&b);
		(void)submit(&b, VM, "r", false, &error);
		spin(&b, turns);
		close_engine(&b);
		open_engine(&b);
		op = submit(&b, VM, "r", false, &error); /* not durable yet: made anew */
		CU_ASSERT_PTR_NOT_NULL_FATAL(op);
		expect(run(&b, op), MK_OP_SUCCEEDED, MK_ERROR_NONE);
		CU_ASSERT_EQUAL(b.cs.n_detach, 1);
		CU_ASSERT_EQUAL(b.cs.n_destroy, 1);
		stop(&b);
	}
}

/* Durable at any point of the way back, too: also between the failure and the first undo. */
static void test_restart_in_rollback(void)
{
	for (unsigned turns = 1; turns < 120; turns++) {
		_cleanup_error_ struct mk_error error = { 0 };
		struct mk_op *op;
		struct bench b;

		start(&b);
		b.cs.fault_command = "destroyVolume";
		b.cs.fault = FAKE_REFUSE;
		b.cs.fault_code = 431;
		b.cs.n_faults = 9;
		(void)submit(&b, VM, "r", false, &error);
		spin(&b, turns);
		CU_ASSERT_EQUAL(commit(&b), 0);
		close_engine(&b);
		open_engine(&b);
		op = submit(&b, VM, "r", false, &error);
		CU_ASSERT_PTR_NOT_NULL_FATAL(op);
		expect(run(&b, op), MK_OP_ROLLED_BACK, MK_ERROR_REFUSED);
		CU_ASSERT_EQUAL(b.cs.n_detach, 1);
		CU_ASSERT_EQUAL(b.cs.n_attach, 1);
		CU_ASSERT_EQUAL(b.cs.n_destroy, 0);
		stop(&b);
	}
}

static void test_export_limit(void)
{
	struct bench b;

	start(&b);
	b.cs.vm = NULL;
	b.config.export_finished = 3;
	mk_engine_reconfigure(b.engine, &b.config);
	for (unsigned i = 0; i < 10; i++) {
		_cleanup_error_ struct mk_error error = { 0 };
		struct mk_op *op = submit(&b, VM, NULL, false, &error);

		CU_ASSERT_PTR_NOT_NULL_FATAL(op);
		for (unsigned k = 0; k < 100 && b.n_finished <= i; k++)
			sd_event_run(b.event, 100 * USEC_PER_MSEC);
	}
	CU_ASSERT_EQUAL(b.n_finished, 10);
	CU_ASSERT_EQUAL(b.n_removed, 7);
	stop(&b);
}

static void on_query(json_object *value, const struct mk_error *error, void *data)
{
	json_object **ret = data;

	*ret = error ? json_object_new_string(mk_error_to_string(error->code))
		     : json_object_get(value);
}

static json_object *query(struct bench *b, const char *name)
{
	_cleanup_json_ json_object *args = json_object_new_array();
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_op_request request = { .class = "test-vm", .args = args, .caller = -1 };
	json_object *value = NULL;

	for (const struct mk_method *m = plugin->methods; m->name; m++)
		if (streq(m->name, name))
			request.method = m;
	json_object_array_add(args, json_object_new_string(VM));
	CU_ASSERT_EQUAL(mk_engine_query(b->engine, &request, on_query, &value, &error), 0);
	for (unsigned i = 0; i < 1000 && !value; i++)
		sd_event_run(b->event, 10 * USEC_PER_MSEC);
	spin(b, 10);
	return value;
}

static void test_query(void)
{
	json_object *value;
	struct bench b;

	start(&b);
	value = query(&b, "ListVolumes");
	CU_ASSERT_EQUAL(json_object_array_length(value), 1);
	CU_ASSERT_STRING_EQUAL(mk_json_str(json_object_array_get_idx(value, 0), "Id", ""), ROOT);
	json_object_put(value);
	value = query(&b, "GetVM");
	CU_ASSERT_STRING_EQUAL(mk_json_str(value, "State", ""), "Stopped");
	json_object_put(value);
	b.cs.vm = NULL;
	value = query(&b, "GetVM");
	CU_ASSERT_STRING_EQUAL(json_object_get_string(value), "NotFound");
	json_object_put(value);
	CU_ASSERT_EQUAL(b.n_added, 0);
	stop(&b);
}

/* ---- set-up --------------------------------------------------------------------------------------------------- */

static int load_plugin(void)
{
	_cleanup_free_ char *so =
		mk_strdup_printf("%s/plugins/.libs/test-vm.so", getenv("top_builddir"));
	const struct mk_plugin *const *symbol;
	void *handle = dlopen(so, RTLD_NOW | RTLD_LOCAL);

	symbol = handle ? dlsym(handle, MK_PLUGIN_SYMBOL) : NULL;
	if (!symbol || !mkdtemp(dir))
		return -1;

	plugin = *symbol;
	return plugin->init(mk_engine_host());
}

static int clean_up(void)
{
	return rmdir(dir);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "success", test_success },
		{ "stop-option", test_stop_option },
		{ "no-root", test_no_root },
		{ "ambiguous", test_ambiguous },
		{ "L01-L02-protected", test_protected },
		{ "call-errors", test_call_errors },
		{ "token", test_token },
		{ "limits", test_limits },
		{ "faults", test_faults },
		{ "L15-delete-volume", test_delete_volume },
		{ "outcome-unknown", test_outcome_unknown },
		{ "unreachable", test_unreachable },
		{ "cancel", test_cancel },
		{ "L10-restart", test_restart },
		{ "L10-restart-in-rollback", test_restart_in_rollback },
		{ "export-limit", test_export_limit },
		{ "query", test_query },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "engine", load_plugin, clean_up, tests);
}
