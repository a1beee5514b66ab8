/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * CUnit with TAP output, and an exit code that can be trusted.
 *
 * CU_basic_run_tests() returns success when assertions fail, and a suite whose set-up fails counts
 * neither as a run nor as a failed test. tap_main() registers one suite, runs it, prints one TAP line
 * a test with each failed assertion below it as a comment, and fails for all of these as well as
 * when no test ran. A test that hangs ends the program with a word of which it was.
 */

#include <CUnit/CUnit.h>

struct tap_test {
	const char *
		name; /* unique within the program; starts with a lesson's id where it proves one */
	CU_TestFunc run;
};

/*
 * Runs the tests (NULL name ends the table). argv[1], if given, is a substring: only tests whose
 * name contains it are run. Returns the exit code for main(): 0, or 1 on any failure.
 */
int tap_main(int argc, char **argv, const char *suite, CU_InitializeFunc init,
	     CU_CleanupFunc cleanup, const struct tap_test *tests);

/*
 * Runs a case of the running test in a process of its own, a few at a time; what fails in it fails the test. The test
 * must have no other child processes meanwhile. data must be valid until this returns. A case cannot be skipped.
 */
void tap_fork(void (*run)(const void *data), const void *data);
/* Waits for all cases; so does the end of the test. */
void tap_join(void);

/* Called before the program is ended because a test hangs: to show its logs. */
void tap_on_hang(void (*hook)(void));

/* Marks the running test as skipped, for this reason. It does not end the test: return after it. */
void tap_skip(const char *reason);

/* Prints a TAP comment, formatted as by printf(), on a line of its own. */
void tap_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
