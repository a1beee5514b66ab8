/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Small files and the secrets in them. Nothing here goes through stdio, whose buffers cannot be wiped.
 *
 * Symbolic links are followed: what counts is the file they lead to, and that one is checked through
 * its open descriptor. A link that somebody else could change lies in a directory the administrator
 * named; it cannot make us take a file that others can read or own.
 */

#include "base/base.h"

#include <sys/stat.h>

#define MK_FILE_MAX   (256u * 1024u)
#define MK_SECRET_MAX 1024u

struct mk_file {
	char *data; /* size bytes and a NUL; wiped by mk_file_done() */
	size_t size;
	struct stat st;
};

/* Returns 0 or a negative errno: -EFBIG beyond max bytes, -EBADFD unless it is a regular file. */
int mk_file_read(const char *path, size_t max, struct mk_file *ret);
void mk_file_done(struct mk_file *file);

/* Wipes and frees. NULL is allowed; always returns NULL. */
char *mk_secret_free(char *secret);

/* True for 1 to MK_SECRET_MAX printable ASCII characters without blanks. */
bool mk_secret_valid(const char *secret);

/*
 * Returns 0 if the file is ours and nobody but root can read it besides; else -EPERM, and in *ret_problem a
 * sentence with the command that mends it (NULL without memory). No group is trusted, the daemon's least of
 * all: its members are the callers, who are not to know the account's keys.
 */
int mk_file_check_private(const char *path, const struct stat *st, char **ret_problem);

/*
 * Reads a file whose one line is a secret; newlines at the end are dropped. from_manager: the file is
 * a credential of systemd, which answers for its mode (an ACL for our user shows as group bits).
 * Returns 0; -ENOMEM; -ENOENT if there is no such file; else negative with a sentence in *ret_problem
 * (NULL without memory).
 */
int mk_secret_read(const char *path, bool from_manager, char **ret_secret, char **ret_problem);
