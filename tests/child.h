/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Child processes of tests. A child is killed when the test ends. Every wait here has a time limit. */

#include "base/base.h"

#include <sys/types.h>

/* For what takes no time on an idle machine: sanitized builds, sixteen at work on two processors. */
#define CHILD_TIMEOUT_MS 240000

/*
 * Starts a child. argv is NULL-terminated, and $PATH is searched for argv[0].
 *
 * env changes the child's copy of the test's environment: "NAME=VALUE" sets a variable, "NAME" removes one. It is
 * NULL-terminated, and may be NULL. fd_err becomes the child's standard error, and fd_out its standard output. -1 as
 * fd_err: the test's standard error. -1 as fd_out: the same as the child's standard error. The child gets no other
 * descriptor of the test.
 *
 * Returns 0 or the negative errno of fork(). If the program cannot be executed, the child ends with status 127.
 */
int child_start(const char *const *argv, const char *const *env, int fd_out, int fd_err,
		pid_t *ret);

/* Waits for the child's end and reaps it. Returns 0 with the wait status, -ETIMEDOUT, or another negative errno. */
int child_wait(pid_t pid, int timeout_ms, int *ret_status);

/*
 * Sends the signal and waits for the child's end. Sends SIGKILL if it has not ended after CHILD_TIMEOUT_MS. Returns
 * the wait status.
 */
int child_stop(pid_t pid, int signo);

/* Whether the child has ended. Does not reap it, so that child_wait() still works. */
bool child_ended(pid_t pid);

/*
 * Reads one line, without its newline. What does not fit into size bytes is lost. Returns 0; -ETIMEDOUT if no byte
 * comes for CHILD_TIMEOUT_MS; -ENODATA at the end of the file or on a read error.
 */
int child_read_line(int fd, char *ret, size_t size);

/*
 * Makes "LD_PRELOAD=…" for the env of child_start(). libraries are separated by blanks. In sanitized builds the
 * sanitizer's runtime comes first: it must see the fclose() of each file that it has seen opened, and umockdev's
 * library calls libc past it. The caller frees the text.
 */
char *child_preload(const char *libraries);

/*
 * Runs a program to its end and returns its wait status. *ret_output gets all of its standard output and standard
 * error; the caller frees it. The program is killed after two times CHILD_TIMEOUT_MS. If it cannot be started, -1 is
 * returned and *ret_output is NULL.
 */
int child_run(const char *const *argv, const char *const *env, char **ret_output);

/*
 * Returns a file's whole content, followed by a NUL; an empty text if the file cannot be read. *ret_size gets its
 * size in bytes; ret_size may be NULL. The caller frees the text.
 */
char *child_slurp(const char *path, size_t *ret_size);
