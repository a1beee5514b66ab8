/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A library that is preloaded into the daemon. It kills the daemon by SIGKILL right before or right after the n-th
 * COMMIT of its database, so that nothing more is written. n is counted from 1, and comes from the environment
 * (MK_CRASH_COMMIT=n, 0: none; MK_CRASH_WHEN=before or after), or later by the signal SIGRTMIN: the value that
 * is queued with it is n, negative for "after", 0 for no kill; the count begins anew.
 */

#include <dlfcn.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t left; /* commits until the kill; 0: none is to come */
static volatile sig_atomic_t after;

static void on_signal(int signo, siginfo_t *info, void *context)
{
	after = info->si_value.sival_int < 0;
	left = abs(info->si_value.sival_int);
}

__attribute__((constructor)) static void set_up(void)
{
	const char *at = getenv("MK_CRASH_COMMIT"), *when = getenv("MK_CRASH_WHEN");
	struct sigaction action = { .sa_sigaction = on_signal,
				    .sa_flags = SA_SIGINFO | SA_RESTART };

	(void)sigaction(SIGRTMIN, &action, NULL);
	left = at ? (sig_atomic_t)strtol(at, NULL, 10) : 0;
	after = when && strcmp(when, "after") == 0;
}

__attribute__((visibility("default"))) int sqlite3_step(sqlite3_stmt *stmt)
{
	static int (*real)(sqlite3_stmt *);
	const char *sql = sqlite3_sql(stmt);
	int hit, r;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "sqlite3_step");

	hit = left > 0 && sql && strcmp(sql, "COMMIT") == 0 && --left == 0;
	if (hit && !after)
		raise(SIGKILL);
	r = real(stmt);
	if (hit)
		raise(SIGKILL);
	return r;
}
