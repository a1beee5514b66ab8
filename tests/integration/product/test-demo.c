/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves that tests/demo, which newcomers run, ends well and prints no key. It runs the real daemon and the simulator.
 */

#include "canary.h"
#include "child.h"
#include "tap.h"

static void test_demo(void)
{
	static const char *const canaries[] = { CANARIES };
	_cleanup_free_ char *script = mk_strdup_printf("%s/tests/demo", getenv("top_srcdir"));
	const char *const argv[] = { script, getenv("top_builddir"), NULL };
	_cleanup_free_ char *output = NULL;
	int status;

	status = child_run(argv, NULL, &output);
	if (status != 0)
		tap_note("status 0x%x: %s", (unsigned)status, str_or_empty(output));
	CU_ASSERT_EQUAL(status, 0);
	for (size_t i = 0; i < ARRAY_SIZE(canaries); i++)
		CU_ASSERT_PTR_NULL(strstr(str_or_empty(output), canaries[i]));
	CU_ASSERT_PTR_NOT_NULL(strstr(str_or_empty(output), "demo done"));
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "demo", test_demo },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "demo", NULL, NULL, tests);
}
