/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves that a test program fails when a case that it forked fails, and when it hangs: the program runs itself, with
 * the cases named below, and looks at what comes of it.
 */

#include "child.h"
#include "tap.h"

#include <signal.h>
#include <sys/wait.h>

#define SELF "MK_TAP_SELF" /* set: this is the run that is looked at */

/* ---- what is run -------------------------------------------------------------------------------------------- */

static void pass(const void *data)
{
	CU_ASSERT(data != NULL);
}

static void fail(const void *data)
{
	CU_ASSERT(data == NULL);
}

static void fail_fatally(const void *data)
{
	CU_ASSERT_FATAL(data == NULL);
	tap_note("it went on");
}

static void be_killed(const void *data)
{
	(void)raise(SIGKILL);
}

static void hang(const void *data)
{
	for (;;)
		(void)pause();
}

static void show_logs(void)
{
	tap_note("the logs");
}

/* One of many cases does what is asked for; the others pass. */
static void fork_many(void (*one)(const void *data))
{
	tap_on_hang(show_logs);
	for (unsigned i = 0; i < 20; i++)
		tap_fork(i == 3 ? one : pass, "");
}

static void case_pass(void)
{
	fork_many(pass);
}

static void case_fail(void)
{
	fork_many(fail);
}

static void case_fatal(void)
{
	fork_many(fail_fatally);
}

static void case_killed(void)
{
	fork_many(be_killed);
}

static void case_hang(void)
{
	fork_many(hang);
}

static void case_hang_here(void)
{
	tap_on_hang(show_logs);
	hang(NULL);
}

/* ---- what comes of it --------------------------------------------------------------------------------------- */

static void check(const char *name, bool passes, const char *word)
{
	const char *const argv[] = { "/proc/self/exe", name, NULL };
	const char *const env[] = { SELF "=1", "MK_TEST_LIMIT=1", NULL };
	_cleanup_free_ char *output = NULL;
	int status = child_run(argv, env, &output);
	bool ok = WIFEXITED(status) && (WEXITSTATUS(status) == 0) == passes && strstr(output, word);

	if (!ok)
		tap_note("%s: status 0x%x: %s", name, (unsigned)status, output);
	CU_ASSERT(ok);
	CU_ASSERT_PTR_NULL(strstr(output, "it went on"));
}

static void test_pass(void)
{
	check("case-pass", true, "ok 1 - self: case-pass");
}

static void test_fail(void)
{
	check("case-fail", false, "not ok 1 - self: case-fail");
	check("case-fail", false, "test-tap.c:");
}

static void test_fatal(void)
{
	check("case-fatal", false, "not ok 1 - self: case-fatal");
}

static void test_killed(void)
{
	check("case-killed", false, "a case was killed by signal 9");
	check("case-killed", false, "not ok 1 - self: case-killed");
}

static void test_hang(void)
{
	check("case-hang", false, "Bail out! case-hang has not ended within 1 s");
	check("case-hang", false, "# the logs");
	check("case-here", false, "Bail out! case-here has not ended within 1 s");
	check("case-here", false, "# the logs");
}

int main(int argc, char **argv)
{
	static const struct tap_test cases[] = {
		{ "case-pass", case_pass },
		{ "case-fail", case_fail },
		{ "case-fatal", case_fatal },
		{ "case-killed", case_killed },
		{ "case-hang", case_hang },
		{ "case-here", case_hang_here },
		{ NULL, NULL },
	};
	static const struct tap_test tests[] = {
		{ "pass", test_pass },     { "fail", test_fail }, { "fatal", test_fatal },
		{ "killed", test_killed }, { "hang", test_hang }, { NULL, NULL },
	};

	if (getenv(SELF))
		return tap_main(argc, argv, "self", NULL, NULL, cases);
	return tap_main(argc, argv, "tap", NULL, NULL, tests);
}
