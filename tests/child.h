/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Child processes of tests: they die with the test, and no wait is without a limit. */

#include "base/base.h"

#include <sys/types.h>

/* For what takes no time on an idle machine: sanitized builds, sixteen at work on two processors. */
#define CHILD_TIMEOUT_MS 240000

/*
 * Starts argv with the test's environment, changed by env (NAME=VALUE sets, NAME removes; NULL-terminated,
 * may be NULL). fd_out and fd_err become its standard output and error; -1: the test's own error
 * output. All other descriptors are closed. It is killed when the test ends. Returns 0 or a negative errno.
 */
int child_start(const char *const *argv, const char *const *env, int fd_out, int fd_err,
		pid_t *ret);

/* Waits for its end. Returns 0 with the wait status, or -ETIMEDOUT. */
int child_wait(pid_t pid, int timeout_ms, int *ret_status);

/* Sends the signal and waits; after CHILD_TIMEOUT_MS SIGKILL. Returns the wait status. */
int child_stop(pid_t pid, int signo);

/* True once it has ended; it is not reaped. */
bool child_ended(pid_t pid);

/* Reads up to the next newline, which is cut off. Returns 0, -ETIMEDOUT, -ENODATA (end of file). */
int child_read_line(int fd, char *ret, size_t size);

/*
 * "LD_PRELOAD=…" for child_start(). In sanitized builds the sanitizer's runtime comes first: it must see every
 * fclose() of a file that it has seen opened, and umockdev's library passes it by. The caller frees.
 */
char *child_preload(const char *libraries);

/* Runs a program to its end. Returns its wait status; all of its output (caller frees) in *ret_output. */
int child_run(const char *const *argv, const char *const *env, char **ret_output);

/* The file's whole content, with a NUL behind it; an empty one if it cannot be read. The caller frees. */
char *child_slurp(const char *path, size_t *ret_size);
