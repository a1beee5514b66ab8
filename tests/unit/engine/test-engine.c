/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves how the engine runs operations: steps, errors, cancels, rollback, limits and restarts. On the bench of
 * engine-env.h: the real plugin test-vm, a real database and a fake CloudStack client.
 */

#include "engine-env.h"

/* ---- tests -------------------------------------------------------------------------------------------------- */

static void test_success(void)
{
	struct bench b;
	const struct mk_op_record *r;

	bench_start(&b);
	r = bench_run_one(&b, false);
	bench_expect(r, MK_OP_SUCCEEDED, MK_ERROR_NONE);
	CU_ASSERT_STRING_EQUAL(mk_json_str(r->result, "Volume", ""), ROOT);
	CU_ASSERT_STRING_EQUAL(mk_json_str(r->result, "VM", ""), VM);
	CU_ASSERT_EQUAL(b.cs.n_stop, 0);
	CU_ASSERT_EQUAL(b.cs.n_detach, 1);
	CU_ASSERT_EQUAL(b.cs.n_destroy, 1);
	CU_ASSERT_EQUAL(b.n_added, 1);
	CU_ASSERT_EQUAL(b.n_finished, 1);
	CU_ASSERT_EQUAL(mk_engine_n_unfinished(b.engine), 0);
	CU_ASSERT(r->created && r->started >= r->created && r->finished >= r->started);
	bench_stop(&b);
}

static void test_stop_option(void)
{
	struct bench b;

	bench_start(&b);
	b.cs.vm_state = "Running";
	bench_expect(bench_run_one(&b, false), MK_OP_FAILED, MK_ERROR_WRONG_STATE);
	bench_stop(&b);

	bench_start(&b);
	b.cs.vm_state = "Running";
	bench_expect(bench_run_one(&b, true), MK_OP_SUCCEEDED, MK_ERROR_NONE);
	CU_ASSERT_EQUAL(b.cs.n_stop, 1);
	bench_stop(&b);
}

/* The sentence from the incident, only when CloudStack itself says so. */
static void test_no_root(void)
{
	const struct mk_op_record *r;
	struct bench b;

	bench_start(&b);
	b.cs.volumes[0].type = "DATADISK";
	r = bench_run_one(&b, false);
	bench_expect(r, MK_OP_FAILED, MK_ERROR_NO_ROOT_VOLUME);
	CU_ASSERT_STRING_EQUAL(r->message, "no root volume found for test VM " VM);
	CU_ASSERT_EQUAL(b.cs.n_writes, 0);
	bench_stop(&b);

	bench_start(&b);
	b.cs.vm = NULL;
	bench_expect(bench_run_one(&b, false), MK_OP_FAILED, MK_ERROR_NOT_FOUND);
	bench_stop(&b);
}

static void test_ambiguous(void)
{
	struct bench b;

	bench_start(&b);
	b.cs.volumes[1] = (struct fake_volume){ DATA, "ROOT", "Ready", "", VM, 1 };
	b.cs.n_volumes = 2;
	bench_expect(bench_run_one(&b, false), MK_OP_FAILED, MK_ERROR_AMBIGUOUS);
	CU_ASSERT_EQUAL(b.cs.n_writes, 0);
	bench_stop(&b);
}

/* L01, L02: nothing is deleted from a VM that has a volume of ours, least of all that volume. */
static void test_protected(void)
{
	struct bench b;

	bench_start(&b);
	b.cs.volumes[0].owner = OMA;
	bench_expect(bench_run_one(&b, false), MK_OP_FAILED, MK_ERROR_PROTECTED);
	CU_ASSERT_EQUAL(b.cs.n_writes, 0);
	bench_stop(&b);

	bench_start(&b);
	b.cs.volumes[1] = (struct fake_volume){ DATA, "DATADISK", "Ready", OMA, VM, 1 };
	b.cs.n_volumes = 2;
	bench_expect(bench_run_one(&b, false), MK_OP_FAILED, MK_ERROR_PROTECTED);
	CU_ASSERT_EQUAL(b.cs.n_writes, 0);
	bench_stop(&b);
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

	bench_start(&b);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_error_ struct mk_error error = { 0 };

		CU_ASSERT_PTR_NULL(bench_submit(&b, cases[i].vm, cases[i].token, false, &error));
		CU_ASSERT_EQUAL(error.code, cases[i].code);
		CU_ASSERT_PTR_NOT_NULL(error.text);
	}
	CU_ASSERT_EQUAL(b.n_added, 0);
	CU_ASSERT_EQUAL(b.cs.n_reads, 0);
	bench_stop(&b);
}

static void test_token(void)
{
	_cleanup_error_ struct mk_error error = { 0 }, busy = { 0 };
	struct mk_op *op;
	struct bench b;

	bench_start(&b);
	op = bench_submit(&b, VM, "tok", false, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(op);
	CU_ASSERT_PTR_EQUAL(bench_submit(&b, VM, "tok", false, &error), op);
	CU_ASSERT_PTR_NULL(bench_submit(&b, VM, "tok", true, &error));
	CU_ASSERT_EQUAL(error.code, MK_ERROR_TOKEN_MISMATCH);
	CU_ASSERT_PTR_NULL(bench_submit(&b, VM, "other", false, &busy));
	CU_ASSERT_EQUAL(busy.code, MK_ERROR_BUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(busy.text, "tok"));
	bench_expect(bench_run(&b, op), MK_OP_SUCCEEDED, MK_ERROR_NONE);

	/* also after a restart */
	bench_close(&b);
	bench_open(&b);
	mk_error_done(&error);
	op = bench_submit(&b, VM, "tok", false, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(op);
	bench_expect(mk_op_record(op), MK_OP_SUCCEEDED, MK_ERROR_NONE);
	CU_ASSERT_EQUAL(b.cs.n_destroy, 1);
	bench_stop(&b);
}

static void test_limits(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct bench b;

	bench_start(&b);
	b.config.max_per_caller = 1;
	mk_engine_reconfigure(b.engine, &b.config);
	CU_ASSERT_PTR_NOT_NULL(bench_submit(&b, VM, "one", false, &error));
	CU_ASSERT_PTR_NULL(bench_submit(&b, DATA, "two", false, &error));
	CU_ASSERT_EQUAL(error.code, MK_ERROR_LIMITS_EXCEEDED);
	CU_ASSERT_PTR_NOT_NULL(
		bench_submit(&b, VM, "one", false, &error)); /* a repetition is no new one */
	bench_stop(&b);
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

		bench_start(&b);
		b.cs.fault_command = c->command;
		b.cs.fault = c->fault;
		b.cs.fault_code = c->code;
		b.cs.n_faults = c->n;
		tap_note("%s: fault %d, code %d, %u times", c->command, c->fault, c->code, c->n);
		bench_expect(bench_run_one(&b, false), c->state, c->error);
		CU_ASSERT_EQUAL(b.cs.n_detach, c->detach);
		CU_ASSERT_EQUAL(b.cs.n_attach, c->attach);
		CU_ASSERT_EQUAL(b.cs.n_destroy, c->destroy);
		CU_ASSERT_EQUAL(b.n_finished, 1);
		bench_stop(&b);
	}
}

/* Deleting without destroyVolume; L15: a lost answer is settled by asking. */
static void test_delete_volume(void)
{
	struct bench b;

	bench_start(&b);
	b.cs.fault_command = "destroyVolume";
	b.cs.fault = FAKE_NO_COMMAND;
	b.cs.n_faults = 9;
	bench_expect(bench_run_one(&b, false), MK_OP_SUCCEEDED, MK_ERROR_NONE);
	CU_ASSERT_EQUAL(b.cs.n_delete, 1);
	CU_ASSERT_EQUAL(b.cs.n_destroy, 0);
	bench_stop(&b);
}

/* Accepted and then gone, and nothing happened: never a second command, never a roll-back. */
static void test_outcome_unknown(void)
{
	struct bench b;
	const struct mk_op_record *r;

	bench_start(&b);
	b.config.deadline = 50 * USEC_PER_MSEC;
	mk_engine_reconfigure(b.engine, &b.config);
	b.cs.fault_command = "destroyVolume";
	b.cs.fault = FAKE_JOB_VANISHED;
	b.cs.n_faults = 1;
	r = bench_run_one(&b, false);
	bench_expect(r, MK_OP_FAILED, MK_ERROR_OUTCOME_UNKNOWN);
	CU_ASSERT_EQUAL(b.cs.n_writes, 2); /* detach, destroy */
	CU_ASSERT_PTR_NOT_NULL(strstr(r->message, "destroyVolume"));
	bench_stop(&b);
}

static void test_unreachable(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct bench b;

	bench_start(&b);
	b.cs.reads_hang = true;
	b.cs.reachable = false;
	b.config.deadline = 30 * USEC_PER_MSEC;
	mk_engine_reconfigure(b.engine, &b.config);
	bench_expect(bench_run(&b, bench_submit(&b, VM, "u", false, &error)), MK_OP_FAILED,
		     MK_ERROR_UNAVAILABLE);
	CU_ASSERT_EQUAL(b.cs.n_writes, 0);
	bench_stop(&b);
}

static void cancel_case(const char *command, enum mk_op_state state, unsigned attach)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_op *op;
	struct bench b;

	bench_start(&b);
	b.cs.fault_command = command;
	b.cs.fault = FAKE_JOB_HOLD;
	b.cs.n_faults = 1;
	op = bench_submit(&b, VM, "c", false, &error);
	bench_spin(&b, 300);
	CU_ASSERT_EQUAL(mk_op_record(op)->command_state, MK_COMMAND_ACCEPTED);
	CU_ASSERT_EQUAL(mk_op_cancel(op, &error), state == MK_OP_CANCELLED ? 0 : -EINVAL);
	fake_release(&b.cs);
	bench_expect(bench_run(&b, op), state,
		     state == MK_OP_CANCELLED ? MK_ERROR_CANCELLED : MK_ERROR_NONE);
	CU_ASSERT_EQUAL(b.cs.n_attach, attach);
	CU_ASSERT_EQUAL(mk_op_cancel(op, &error), -EINVAL);
	bench_stop(&b);
}

static void test_cancel(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_op *op;
	struct bench b;

	cancel_case("detachVolume", MK_OP_CANCELLED, 1);
	cancel_case("destroyVolume", MK_OP_SUCCEEDED, 0); /* no way back */

	bench_start(&b);
	b.cs.reads_hang = true;
	op = bench_submit(&b, VM, "c", false, &error);
	bench_spin(&b, 50);
	CU_ASSERT_EQUAL(mk_op_cancel(op, &error), 0);
	bench_expect(bench_run(&b, op), MK_OP_CANCELLED, MK_ERROR_CANCELLED);
	bench_stop(&b);
}

/* L10: what was journalled goes on after a restart, at any point of the walk. */
static void test_restart(void)
{
	for (unsigned turns = 1; turns < 120; turns++) {
		_cleanup_error_ struct mk_error error = { 0 };
		struct mk_op *op;
		struct bench b;

		bench_start(&b);
		(void)bench_submit(&b, VM, "r", false, &error);
		bench_spin(&b, turns);
		bench_close(&b);
		bench_open(&b);
		op = bench_submit(&b, VM, "r", false, &error); /* not durable yet: made anew */
		CU_ASSERT_PTR_NOT_NULL_FATAL(op);
		bench_expect(bench_run(&b, op), MK_OP_SUCCEEDED, MK_ERROR_NONE);
		CU_ASSERT_EQUAL(b.cs.n_detach, 1);
		CU_ASSERT_EQUAL(b.cs.n_destroy, 1);
		bench_stop(&b);
	}
}

/* Durable at any point of the way back, too: also between the failure and the first undo. */
static void test_restart_in_rollback(void)
{
	for (unsigned turns = 1; turns < 120; turns++) {
		_cleanup_error_ struct mk_error error = { 0 };
		struct mk_op *op;
		struct bench b;

		bench_start(&b);
		b.cs.fault_command = "destroyVolume";
		b.cs.fault = FAKE_REFUSE;
		b.cs.fault_code = 431;
		b.cs.n_faults = 9;
		(void)bench_submit(&b, VM, "r", false, &error);
		bench_spin(&b, turns);
		CU_ASSERT_EQUAL(bench_commit(&b), 0);
		bench_close(&b);
		bench_open(&b);
		op = bench_submit(&b, VM, "r", false, &error);
		CU_ASSERT_PTR_NOT_NULL_FATAL(op);
		bench_expect(bench_run(&b, op), MK_OP_ROLLED_BACK, MK_ERROR_REFUSED);
		CU_ASSERT_EQUAL(b.cs.n_detach, 1);
		CU_ASSERT_EQUAL(b.cs.n_attach, 1);
		CU_ASSERT_EQUAL(b.cs.n_destroy, 0);
		bench_stop(&b);
	}
}

static void test_export_limit(void)
{
	struct bench b;

	bench_start(&b);
	b.cs.vm = NULL;
	b.config.export_finished = 3;
	mk_engine_reconfigure(b.engine, &b.config);
	for (unsigned i = 0; i < 10; i++) {
		_cleanup_error_ struct mk_error error = { 0 };
		struct mk_op *op = bench_submit(&b, VM, NULL, false, &error);

		CU_ASSERT_PTR_NOT_NULL_FATAL(op);
		for (unsigned k = 0; k < 100 && b.n_finished <= i; k++)
			sd_event_run(b.event, 100 * USEC_PER_MSEC);
	}
	CU_ASSERT_EQUAL(b.n_finished, 10);
	CU_ASSERT_EQUAL(b.n_removed, 7);
	bench_stop(&b);
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

	for (const struct mk_method *m = bench_plugin->methods; m->name; m++)
		if (streq(m->name, name))
			request.method = m;
	json_object_array_add(args, json_object_new_string(VM));
	CU_ASSERT_EQUAL(mk_engine_query(b->engine, &request, on_query, &value, &error), 0);
	for (unsigned i = 0; i < 1000 && !value; i++)
		sd_event_run(b->event, 10 * USEC_PER_MSEC);
	bench_spin(b, 10);
	return value;
}

static void test_query(void)
{
	json_object *value;
	struct bench b;

	bench_start(&b);
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
	bench_stop(&b);
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

	return tap_main(argc, argv, "engine", bench_load_plugin, bench_clean_up, tests);
}
