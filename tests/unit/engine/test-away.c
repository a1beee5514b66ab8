/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves what the engine does with operations while CloudStack cannot be reached, or while their plugin or the row of
 * its step table is missing. On the bench of engine-env.h, with a fake CloudStack client.
 */

#include "engine-env.h"

#define OTHER_VM "55555555-5555-4555-8555-555555555555"

/* DeleteRootVolume of VM, with this fault at this command, for ever. */
static struct mk_op *begin(struct bench *b, const char *command, enum fake_fault fault, int code)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_op *op;

	b->cs.fault_command = command;
	b->cs.fault = fault;
	b->cs.fault_code = code;
	b->cs.n_faults = UINT32_MAX;
	op = bench_submit(b, VM, "t", false, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(op);
	return op;
}

static void run_until(struct bench *b, const unsigned *n, unsigned least)
{
	uint64_t end = mk_now_monotonic() + 20 * USEC_PER_SEC;

	while (*n < least && mk_now_monotonic() < end)
		sd_event_run(b->event, 100 * USEC_PER_MSEC);
	CU_ASSERT_FATAL(*n >= least);
}

static void run_for(struct bench *b, uint64_t usec)
{
	uint64_t end = mk_now_monotonic() + usec;

	while (mk_now_monotonic() < end)
		sd_event_run(b->event, USEC_PER_MSEC);
}

/* ---- a command that does not leave ---------------------------------------------------------------------------- */

/* Sent again with the same id, and each time after a look of its own. */
static void test_look_again(void)
{
	_cleanup_free_ char *job = NULL;
	const struct mk_op_record *r;
	unsigned reads;
	struct bench b;

	bench_start(&b);
	r = mk_op_record(begin(&b, "detachVolume", FAKE_NOT_RUN, 503));
	run_until(&b, &b.cs.n_met, 1);
	job = strdup(r->command_job);
	CU_ASSERT(mk_uuid_valid(job));
	for (unsigned i = 2; i < 5; i++) {
		reads = b.cs.n_reads;
		run_until(&b, &b.cs.n_met, i);
		CU_ASSERT_EQUAL(b.cs.n_reads, reads + 1);
		CU_ASSERT_STRING_EQUAL(r->command_job, job);
	}
	CU_ASSERT_EQUAL(r->state, MK_OP_RUNNING);

	b.cs.n_faults = 0;
	bench_expect(bench_run(&b, mk_engine_find(b.engine, "t")), MK_OP_SUCCEEDED, MK_ERROR_NONE);
	CU_ASSERT_EQUAL(b.cs.n_detach, 1);
	CU_ASSERT_EQUAL(b.cs.n_destroy, 1);
	bench_stop(&b);
}

/* Meanwhile somebody attaches the volume elsewhere, or only takes it off: it is theirs now. */
static void test_changed_meanwhile(void)
{
	static const char *const now_at[] = { OTHER_VM, "" };

	for (size_t i = 0; i < ARRAY_SIZE(now_at); i++) {
		struct mk_op *op;
		struct bench b;

		bench_start(&b);
		op = begin(&b, "detachVolume", FAKE_NOT_RUN, 0);
		run_until(&b, &b.cs.n_met, 1);
		b.cs.volumes[0].vm = now_at[i];
		b.cs.volumes[0].type = "DATADISK";
		b.cs.n_faults = 0;
		bench_expect(bench_run(&b, op), MK_OP_FAILED, MK_ERROR_WRONG_STATE);
		CU_ASSERT_EQUAL(b.cs.n_writes, 1);
		CU_ASSERT_STRING_EQUAL(b.cs.volumes[0].vm, now_at[i]);
		bench_stop(&b);
	}
}

/* The synchronous command, which has no job, too. */
static void test_synchronous(void)
{
	struct mk_op *op;
	struct bench b;

	bench_start(&b);
	b.cs.no_destroy = true;
	op = begin(&b, "deleteVolume", FAKE_NOT_RUN, 0);
	run_until(&b, &b.cs.n_met, 2);
	b.cs.volumes[0].vm = OTHER_VM;
	b.cs.n_faults = 0;
	bench_expect(bench_run(&b, op), MK_OP_FAILED, MK_ERROR_WRONG_STATE);
	CU_ASSERT_EQUAL(b.cs.n_delete, 0);
	bench_stop(&b);
}

/* An earlier try of it was sent and not answered: that this one did not leave proves nothing. */
static void test_earlier_try(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_op *op;
	struct bench b;

	bench_start(&b);
	b.config.deadline = 500 * USEC_PER_MSEC;
	mk_engine_reconfigure(b.engine, &b.config);
	b.cs.no_destroy = true;
	op = begin(&b, "deleteVolume", FAKE_NO_ANSWER_LOST, 0);
	run_until(&b, &b.cs.n_met, 1);
	b.cs.fault = FAKE_NOT_RUN;
	run_until(&b, &b.cs.n_met, 3);
	CU_ASSERT_EQUAL(mk_op_cancel(op, &error), -EINVAL);
	CU_ASSERT_EQUAL(error.code, MK_ERROR_WRONG_STATE);
	b.cs.fault = FAKE_NOT_LEFT;
	bench_expect(bench_run(&b, op), MK_OP_FAILED, MK_ERROR_OUTCOME_UNKNOWN);
	CU_ASSERT_EQUAL(b.cs.n_attach, 0);
	bench_stop(&b);
}

/* Also of a row without return: nothing has left. What was detached before is put back. */
static void test_cancel(void)
{
	static const struct {
		const char *command;
		enum fake_fault fault;
		unsigned n_attach;
	} rows[] = {
		{ "detachVolume", FAKE_NOT_RUN, 0 },
		{ "detachVolume", FAKE_NOT_LEFT, 0 },
		{ "destroyVolume", FAKE_NOT_RUN, 1 },
		{ "destroyVolume", FAKE_NOT_LEFT, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_error_ struct mk_error error = { 0 };
		struct mk_op *op;
		struct bench b;

		bench_start(&b);
		op = begin(&b, rows[i].command, rows[i].fault, 0);
		if (rows[i].fault == FAKE_NOT_RUN) {
			run_until(&b, &b.cs.n_met, 2);
		} else {
			run_until(&b, &b.cs.n_writes, 1 + rows[i].n_attach);
			bench_spin(&b, 20);
		}
		CU_ASSERT_EQUAL(mk_op_cancel(op, &error), 0);
		bench_expect(bench_run(&b, op), MK_OP_CANCELLED, MK_ERROR_CANCELLED);
		fake_release(&b.cs);
		bench_spin(&b, 20);
		CU_ASSERT_EQUAL(b.cs.n_attach, rows[i].n_attach);
		CU_ASSERT_EQUAL(b.cs.n_detach, rows[i].n_attach);
		CU_ASSERT_EQUAL(b.cs.n_destroy, 0);
		bench_stop(&b);
	}
}

/* The deadline says what is true: nothing was given to CloudStack. */
static void test_deadline(void)
{
	static const enum fake_fault faults[] = { FAKE_NOT_RUN, FAKE_NOT_LEFT };

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		const struct mk_op_record *r;
		struct bench b;

		bench_start(&b);
		b.config.deadline = 300 * USEC_PER_MSEC;
		mk_engine_reconfigure(b.engine, &b.config);
		b.cs.reachable = faults[i] == FAKE_NOT_RUN;
		r = bench_run(&b, begin(&b, "destroyVolume", faults[i], 0));
		bench_expect(r, MK_OP_ROLLED_BACK, MK_ERROR_UNAVAILABLE);
		CU_ASSERT_PTR_NOT_NULL(
			strstr(r->message, faults[i] == FAKE_NOT_RUN
						   ? "did not run destroyVolume: said no"
						   : "CloudStack is away"));
		CU_ASSERT_EQUAL(b.cs.n_attach, 1);
		CU_ASSERT_EQUAL(b.cs.n_destroy, 0);
		bench_stop(&b);
	}
}

/* After a restart nobody knows any more whether it left: its job is asked for. */
static void test_restart(void)
{
	struct bench b;

	bench_start(&b);
	(void)begin(&b, "detachVolume", FAKE_NOT_LEFT, 0);
	run_until(&b, &b.cs.n_writes, 1);
	bench_close(&b);
	bench_open(&b);
	bench_spin(&b, 1);
	CU_ASSERT_EQUAL(mk_op_record(mk_engine_find(b.engine, "t"))->command_state,
			MK_COMMAND_JOURNALLED);
	CU_ASSERT_PTR_NOT_NULL(b.cs.watches);
	b.cs.n_faults = 0;
	bench_expect(bench_run(&b, mk_engine_find(b.engine, "t")), MK_OP_SUCCEEDED, MK_ERROR_NONE);
	CU_ASSERT_EQUAL(b.cs.n_detach, 1);
	bench_stop(&b);
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

#define LIMIT (150 * USEC_PER_MSEC)

static void start_limited(struct bench *b)
{
	bench_start(b);
	b->config.step_limit = LIMIT;
	mk_engine_reconfigure(b->engine, &b->config);
}

/* An outage longer than the row's limit, while its question waits. */
static void test_limit_of_a_look(void)
{
	struct mk_op *op;
	struct bench b;

	start_limited(&b);
	b.cs.vm_state = "Stopping";
	b.cs.reads_hang = true;
	b.cs.reachable = false;
	op = begin(&b, "", FAKE_NONE, 0);
	run_for(&b, 2 * LIMIT);
	b.cs.reachable = true;
	fake_release(&b.cs);
	run_until(&b, &b.cs.n_reads, 3); /* it was answered, and asks again */
	CU_ASSERT_EQUAL(mk_op_record(op)->state, MK_OP_RUNNING);
	b.cs.vm_state = "Stopped";
	bench_expect(bench_run(&b, op), MK_OP_SUCCEEDED, MK_ERROR_NONE);
	bench_stop(&b);

	/* it does run while CloudStack answers */
	start_limited(&b);
	b.cs.vm_state = "Stopping";
	bench_expect(bench_run(&b, begin(&b, "", FAKE_NONE, 0)), MK_OP_FAILED, MK_ERROR_TIMEOUT);
	bench_stop(&b);
}

/* The same while a job is followed, which then fails with what is worth another try. */
static void test_limit_of_a_job(void)
{
	struct mk_op *op;
	struct bench b;

	start_limited(&b);
	op = begin(&b, "detachVolume", FAKE_JOB_HOLD, 534);
	run_until(&b, &b.cs.n_writes, 1);
	b.cs.reachable = false;
	run_for(&b, 2 * LIMIT);
	b.cs.reachable = true;
	b.cs.n_faults = 0;
	fake_release(&b.cs);
	bench_expect(bench_run(&b, op), MK_OP_SUCCEEDED, MK_ERROR_NONE);
	CU_ASSERT_EQUAL(b.cs.n_detach, 1);
	bench_stop(&b);
}

/* ---- a wait is quiet ------------------------------------------------------------------------------------------------ */

static void test_quiet(void)
{
	unsigned told;
	struct bench b;

	bench_start(&b);
	b.cs.vm_state = "Stopping";
	(void)begin(&b, "", FAKE_NONE, 0);
	run_until(&b, &b.cs.n_reads, 3);
	told = b.n_changed;
	CU_ASSERT(told > 0);
	run_until(&b, &b.cs.n_reads, 10);
	CU_ASSERT_EQUAL(b.n_changed, told);
	bench_stop(&b);
}

/* ---- without the plugin ---------------------------------------------------------------------------------------------- */

static struct mk_op *without_plugin(struct bench *b)
{
	bench_close(b);
	b->no_plugin = true;
	bench_open(b);
	return mk_engine_find(b->engine, "t");
}

/* What it held is free again. */
static void expect_free(struct bench *b)
{
	_cleanup_error_ struct mk_error error = { 0 };

	b->no_plugin = false;
	CU_ASSERT_PTR_NOT_NULL(bench_submit(b, VM, "next", false, &error));
}

/* Its command's end is not known: it waits to its deadline, however often the daemon starts. */
static void test_plugin_gone(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_op *op;
	struct bench b;

	bench_start(&b);
	b.config.deadline = USEC_PER_SEC;
	mk_engine_reconfigure(b.engine, &b.config);
	(void)begin(&b, "detachVolume", FAKE_JOB_HOLD, 0);
	run_until(&b, &b.cs.n_writes, 1);
	bench_spin(&b, 20);
	(void)without_plugin(&b);
	bench_spin(&b, 3);
	(void)without_plugin(&b);
	op = without_plugin(&b);
	CU_ASSERT_STRING_EQUAL(mk_op_record(op)->message, "waiting: its plugin is not loaded");
	CU_ASSERT_EQUAL(mk_op_cancel(op, &error), -EINVAL);
	CU_ASSERT_EQUAL(error.code, MK_ERROR_WRONG_STATE);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "detachVolume"));

	bench_expect(bench_run(&b, op), MK_OP_FAILED, MK_ERROR_OUTCOME_UNKNOWN);
	CU_ASSERT_PTR_NOT_NULL(strstr(mk_op_record(op)->message,
				      "its plugin is not loaded: nothing was rolled back"));
	CU_ASSERT_PTR_NOT_NULL(strstr(mk_op_record(op)->message, "was given detachVolume"));
	CU_ASSERT_EQUAL(b.n_finished, 1);
	expect_free(&b);
	bench_stop(&b);
}

/* Nothing is in flight: it can be cancelled, and its deadline names the reason. */
static void test_plugin_gone_idle(void)
{
	static const struct {
		unsigned turns; /* 0: not begun */
		bool cancel;
		enum mk_op_state state;
		enum mk_error_code error;
	} rows[] = {
		{ 0, true, MK_OP_CANCELLED, MK_ERROR_CANCELLED },
		{ 20, true, MK_OP_FAILED, MK_ERROR_CANCELLED },
		{ 20, false, MK_OP_FAILED, MK_ERROR_UNAVAILABLE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_error_ struct mk_error error = { 0 };
		struct mk_op *op;
		struct bench b;

		bench_start(&b);
		b.config.deadline = USEC_PER_SEC;
		mk_engine_reconfigure(b.engine, &b.config);
		b.cs.reads_hang = true;
		(void)begin(&b, "", FAKE_NONE, 0);
		bench_spin(&b, rows[i].turns);
		CU_ASSERT_EQUAL(bench_commit(&b), 0);
		op = without_plugin(&b);
		if (rows[i].cancel)
			CU_ASSERT_EQUAL(mk_op_cancel(op, &error), 0);
		bench_expect(bench_run(&b, op), rows[i].state, rows[i].error);
		CU_ASSERT_PTR_NOT_NULL(
			strstr(mk_op_record(op)->message, "its plugin is not loaded"));
		expect_free(&b);
		bench_stop(&b);
	}
}

/* It comes back: the operation goes on, and says no longer that it waits. */
static void test_plugin_back(void)
{
	const struct mk_op_record *r;
	struct bench b;

	bench_start(&b);
	(void)begin(&b, "detachVolume", FAKE_JOB_HOLD, 0);
	run_until(&b, &b.cs.n_writes, 1);
	bench_spin(&b, 20);
	(void)without_plugin(&b);
	bench_spin(&b, 3);
	b.no_plugin = false;
	bench_close(&b);
	bench_open(&b);
	b.cs.n_faults = 0;
	fake_release(&b.cs);
	r = bench_run(&b, mk_engine_find(b.engine, "t"));
	bench_expect(r, MK_OP_SUCCEEDED, MK_ERROR_NONE);
	CU_ASSERT_STRING_EQUAL(r->message, "");
	bench_stop(&b);
}

/* ---- another step table ------------------------------------------------------------------------------------------------ */

static int never(struct mk_op *op)
{
	CU_FAIL("a row of the new table was called");
	return MK_DONE;
}

/* An upgrade has taken the row away: its place in the new table means nothing. */
static void test_step_gone(void)
{
	static const struct mk_step steps[] = {
		{ "other", MK_ASK_NOTHING, never, MK_ASK_NOTHING, never, 10, 0 },
		{ 0 },
	};
	static const char *const held[] = { "detachVolume", "attachVolume" };

	for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
		bool undoing = i == 1;
		struct mk_method method = bench_plugin->methods[0];
		_cleanup_error_ struct mk_error error = { 0 };
		const struct mk_op_record *r;
		struct bench b;

		method.steps = steps;
		bench_start(&b);
		(void)begin(&b, held[i], FAKE_JOB_HOLD, 0);
		if (undoing) {
			run_until(&b, &b.cs.n_detach, 1);
			CU_ASSERT_EQUAL(mk_op_cancel(mk_engine_find(b.engine, "t"), &error), 0);
		}
		run_until(&b, &b.cs.n_writes, undoing ? 2 : 1);
		bench_spin(&b, 20);
		bench_close(&b);
		b.method = &method;
		bench_open(&b);
		r = bench_run(&b, mk_engine_find(b.engine, "t"));
		bench_expect(r, MK_OP_FAILED,
			     undoing ? MK_ERROR_CANCELLED : MK_ERROR_OUTCOME_UNKNOWN);
		CU_ASSERT_PTR_NOT_NULL(strstr(r->message, "this version has no step detach"));
		CU_ASSERT_PTR_NOT_NULL(strstr(r->message, held[i]));
		bench_stop(&b);
	}
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "look-again", test_look_again },
		{ "changed-meanwhile", test_changed_meanwhile },
		{ "synchronous", test_synchronous },
		{ "earlier-try", test_earlier_try },
		{ "cancel", test_cancel },
		{ "deadline", test_deadline },
		{ "L10-restart", test_restart },
		{ "limit-of-a-look", test_limit_of_a_look },
		{ "limit-of-a-job", test_limit_of_a_job },
		{ "quiet", test_quiet },
		{ "plugin-gone", test_plugin_gone },
		{ "plugin-gone-idle", test_plugin_gone_idle },
		{ "plugin-back", test_plugin_back },
		{ "step-gone", test_step_gone },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "engine-away", bench_load_plugin, bench_clean_up, tests);
}
