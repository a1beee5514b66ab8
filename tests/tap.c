/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements tap.h: runs a CUnit suite and prints its results as TAP. */

#include "tap.h"

#include <CUnit/TestRun.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Seconds after which a test, or a forked case of it, hangs: far beyond what any takes on a loaded machine.
 * MK_TEST_LIMIT in the environment sets another limit. */
#define LIMIT 900

/* Cases wait more than they work. */
#define FORKS_PER_CPU 4
#define FORKS_MAX     64

/*
 * Of AddressSanitizer, for the test program only: the freed memory that it keeps is copied with every fork(), and the
 * 256 MiB that it keeps by default make a fork as dear as the start of a daemon.
 */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void) /* NOLINT(bugprone-reserved-identifier): its name */
{
	return "quarantine_size_mb=4";
}

static unsigned n_done, n_bad;
static const char *skip_reason;
static int suite_broken;
static const struct tap_test *all_tests;
static void (*hang_hook)(void);
static struct pollfd forks[FORKS_MAX]; /* pidfds of the running ones */
static pid_t fork_pids[FORKS_MAX];
static nfds_t n_forks;

/*
 * Of LeakSanitizer: a forked case ends without a search for leaks. It has what the test had, and the search takes longer
 * than many a case.
 */
static bool is_fork;
__attribute__((visibility("default"))) int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) /* NOLINT(bugprone-reserved-identifier): its name */
{
	return is_fork;
}

/* ---- hanging ------------------------------------------------------------------------------------------------ */

static unsigned limit = LIMIT;

/* What is called here is not safe in a signal handler; a second alarm ends it if it comes to that. */
/* NOLINTBEGIN(bugprone-signal-handler,cert-sig30-c): see above */
static void on_alarm(int signo)
{
	CU_pTest test = CU_get_current_test();

	(void)signal(SIGALRM, SIG_DFL);
	(void)alarm(10);
	printf("Bail out! %s has not ended within %u s\n", test ? test->pName : "?", limit);
	fflush(stdout);
	if (hang_hook)
		hang_hook();
	_exit(EXIT_FAILURE);
}
/* NOLINTEND(bugprone-signal-handler,cert-sig30-c) */

void tap_on_hang(void (*hook)(void))
{
	hang_hook = hook;
}

/* ---- forked cases ------------------------------------------------------------------------------------------- */

static void print_failures(CU_pFailureRecord failure)
{
	for (; failure; failure = failure->pNext)
		printf("# %s:%u: %s\n", failure->strFileName ? failure->strFileName : "?",
		       failure->uiLineNumber, failure->strCondition ? failure->strCondition : "?");
	fflush(stdout);
}

_Noreturn static void run_fork(void (*run)(const void *data), const void *data)
{
	unsigned before = CU_get_number_of_failures();
	CU_pFailureRecord failure;
	jmp_buf jump;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	n_forks = 0;
	is_fork = true;
	(void)alarm(limit);
	CU_get_current_test()->pJumpBuf = &jump; /* a fatal assertion ends the case */
	if (setjmp(jump) == 0)
		run(data);

	failure = CU_get_failure_list();
	for (unsigned i = 0; failure && i < before; i++)
		failure = failure->pNext;
	print_failures(failure);
	exit(failure ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* Waits for one fork's end. */
static void join_one(void)
{
	int status = -1;
	nfds_t i = 0;

	(void)alarm(limit + 20); /* its own alarm comes first */
	while (poll(forks, n_forks, -1) < 0)
		;
	while (i + 1 < n_forks && !(forks[i].revents & POLLIN))
		i++;
	(void)waitpid(fork_pids[i], &status, 0);
	close(forks[i].fd);
	n_forks--;
	forks[i] = forks[n_forks];
	fork_pids[i] = fork_pids[n_forks];
	if (WIFSIGNALED(status))
		tap_note("a case was killed by signal %d", WTERMSIG(status));
	CU_ASSERT_EQUAL(status, 0);
}

void tap_fork(void (*run)(const void *data), const void *data)
{
	long max = FORKS_PER_CPU * sysconf(_SC_NPROCESSORS_ONLN);
	pid_t pid;

	while (n_forks > 0 && (n_forks >= FORKS_MAX || (long)n_forks >= max))
		join_one();

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		run_fork(run, data);
	CU_ASSERT_FATAL(pid > 0);
	fork_pids[n_forks] = pid;
	forks[n_forks] = (struct pollfd){ .fd = pidfd_open(pid, 0), .events = POLLIN };
	CU_ASSERT_FATAL(forks[n_forks].fd >= 0);
	n_forks++;
}

void tap_join(void)
{
	while (n_forks > 0)
		join_one();
}

/* ---- tests -------------------------------------------------------------------------------------------------- */

/* What CUnit runs as every test. */
static void run_test(void)
{
	const char *name = CU_get_current_test()->pName;
	const struct tap_test *test = all_tests;

	while (strcmp(test->name, name) != 0)
		test++;
	(void)alarm(limit);
	test->run();
	tap_join();
	(void)alarm(0);
}

static void on_start(const CU_pTest test, const CU_pSuite suite)
{
	skip_reason = NULL;
}

static void on_complete(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failure)
{
	n_done++;
	if (failure)
		n_bad++;

	printf("%s %u - %s: %s%s%s\n", failure ? "not ok" : "ok", n_done, suite->pName, test->pName,
	       skip_reason ? " # SKIP " : "", skip_reason ? skip_reason : "");
	print_failures(failure);
}

static void on_init_failure(const CU_pSuite suite)
{
	suite_broken = 1;
	printf("Bail out! set-up of %s failed\n", suite->pName);
}

void tap_skip(const char *reason)
{
	skip_reason = reason;
}

void tap_note(const char *fmt, ...)
{
	va_list ap;

	fputs("# ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fputc('\n', stdout);
	fflush(stdout);
}

int tap_main(int argc, char **argv, const char *suite, CU_InitializeFunc init,
	     CU_CleanupFunc cleanup, const struct tap_test *tests)
{
	unsigned n = 0;
	CU_ErrorCode r;
	CU_pSuite s;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return EXIT_FAILURE;

	all_tests = tests;
	if (getenv("MK_TEST_LIMIT"))
		limit = (unsigned)strtoul(getenv("MK_TEST_LIMIT"), NULL, 10);
	(void)signal(SIGALRM, on_alarm);
	s = CU_add_suite(suite, init, cleanup);
	for (; s && tests->name; tests++) {
		if (argc > 1 && !strstr(tests->name, argv[1]))
			continue;
		if (!CU_add_test(s, tests->name, run_test))
			return EXIT_FAILURE;
		n++;
	}

	printf("1..%u\n", n);
	fflush(stdout);
	CU_set_test_start_handler(on_start);
	CU_set_test_complete_handler(on_complete);
	CU_set_suite_init_failure_handler(on_init_failure);
	r = CU_run_all_tests();
	if (CU_get_number_of_suites_failed() || (r != CUE_SUCCESS && !n_bad))
		suite_broken = 1;
	CU_cleanup_registry();

	return suite_broken || n_bad || !n_done || n_done != n ? EXIT_FAILURE : EXIT_SUCCESS;
}
