/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Small files, and the secrets in them. Nothing here uses stdio, whose buffers cannot be wiped.
 *
 * Symbolic links are followed. Owner and mode are checked on the open descriptor, so they are those of the file
 * that is read: whoever can change a link cannot make us take a file that others own or can read.
 */

#include "base/base.h"

#include <sys/stat.h>

#define MK_FILE_MAX   (256u * 1024u)
#define MK_SECRET_MAX 1024u

struct mk_file {
	char *data; /* size bytes and a NUL; mk_file_done() wipes and frees it */
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
 * Checks that the file is owned by our effective user and that its mode gives no access to group or others. Returns
 * 0; or -EPERM with a sentence in *ret_problem (NULL without memory) that names the command that mends it. No group
 * is trusted, not even the daemon's own: its members are callers, who must not know the account's keys.
 */
int mk_file_check_private(const char *path, const struct stat *st, char **ret_problem);

/*
 * Reads a file whose only line is a secret; newlines at the end are dropped. from_manager: the file is a credential
 * of systemd, so its mode is not checked (an ACL for our user shows as group bits). The caller frees the secret by
 * mk_secret_free(). Returns 0; -ENOMEM; -ENOENT if there is no such file; or another negative errno with a sentence
 * in *ret_problem (NULL without memory).
 */
int mk_secret_read(const char *path, bool from_manager, char **ret_secret, char **ret_problem);
