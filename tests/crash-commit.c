/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A library that is preloaded into the daemon. It kills the daemon by SIGKILL right before or right after the n-th
 * COMMIT of its database, so that nothing more is written. MK_CRASH_COMMIT=n, counted from 1; MK_CRASH_WHEN=before or
 * after.
 */

#include <dlfcn.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

__attribute__((visibility("default"))) int sqlite3_step(sqlite3_stmt *stmt)
{
	static int (*real)(sqlite3_stmt *);
	static long n;
	const char *at = getenv("MK_CRASH_COMMIT"), *when = getenv("MK_CRASH_WHEN");
	const char *sql = sqlite3_sql(stmt);
	int hit, r;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "sqlite3_step");

	hit = at && when && sql && strcmp(sql, "COMMIT") == 0 && ++n == strtol(at, NULL, 10);
	if (hit && strcmp(when, "before") == 0)
		raise(SIGKILL);
	r = real(stmt);
	if (hit)
		raise(SIGKILL);
	return r;
}
