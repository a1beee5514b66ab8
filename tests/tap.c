/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tap.h"

#include <CUnit/TestRun.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned n_done, n_bad;
static const char *skip_reason;
static int suite_broken;

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
	for (CU_pFailureRecord f = failure; f; f = f->pNext)
		printf("# %s:%u: %s\n", f->strFileName ? f->strFileName : "?", f->uiLineNumber,
		       f->strCondition ? f->strCondition : "?");
	fflush(stdout);
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

	s = CU_add_suite(suite, init, cleanup);
	for (; s && tests->name; tests++) {
		if (argc > 1 && !strstr(tests->name, argv[1]))
			continue;
		if (!CU_add_test(s, tests->name, tests->run))
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
