/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading small files without stdio, checking that nobody else can read them, and wiping secrets. */

#include "secret-internal.h"

#include "base/base.h"

#include <fcntl.h>

static int read_all(int fd, char *data, size_t max, size_t *ret_size)
{
	size_t size = 0;

	while (size < max) {
		ssize_t n = read(fd, data + size, max - size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
	}

	*ret_size = size;
	return 0;
}

int mk_file_read(const char *path, size_t max, struct mk_file *ret)
{
	/* a FIFO or a terminal must not hold us up */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_(mk_file_done) struct mk_file file = { 0 };
	int r;

	if (fd < 0 || fstat(fd, &file.st) < 0)
		return errno > 0 ? -errno : -EIO;
	if (!S_ISREG(file.st.st_mode))
		return -EBADFD;

	file.data = malloc(max + 2);
	if (!file.data)
		return -ENOMEM;

	file.size = max + 1;
	r = read_all(fd, file.data, max + 1, &file.size);
	if (r < 0)
		return r;
	if (file.size > max)
		return -EFBIG;

	file.data[file.size] = '\0';
	*ret = file;
	file.data = NULL;
	return 0;
}

void mk_file_done(struct mk_file *file)
{
	if (file->data)
		explicit_bzero(file->data, file->size);
	free(file->data);
	*file = (struct mk_file){ 0 };
}

char *mk_secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
	return NULL;
}

bool mk_secret_valid(const char *secret)
{
	size_t n = strnlen(secret, MK_SECRET_MAX + 1);

	for (size_t i = 0; i < n; i++)
		if (secret[i] <= ' ' || secret[i] > '~')
			return false;

	return n > 0 && n <= MK_SECRET_MAX;
}

int mk_file_check_private(const char *path, const struct stat *st, char **ret_problem)
{
	const char *user;

	*ret_problem = NULL;
	if (st->st_uid == geteuid() && !(st->st_mode & 077))
		return 0;

	user = mk_user_name();
	*ret_problem =
		mk_strdup_printf("%s holds a secret and must belong to %s, without access "
				 "for its group or others (it belongs to uid %u, mode "
				 "%04o); run: chown %s %s && chmod go= %s",
				 path, user, st->st_uid, st->st_mode & 07777, user, path, path);
	return -EPERM;
}

/* A sentence; NULL without memory. */
static char *read_problem(const char *path, int error)
{
	if (error == EFBIG)
		return mk_strdup_printf("%s is too large for a key", path);
	if (error == EBADFD)
		return mk_strdup_printf("%s is not a regular file", path);
	/* the file itself, not a directory above it */
	if (error == EACCES && access(path, F_OK) == 0)
		return mk_strdup_printf("%s cannot be read by the user %s; run: chown %s %s", path,
					mk_user_name(), mk_user_name(), path);

	return mk_strdup_printf("%s cannot be read: %s", path, mk_user_strerror(error));
}

/* Drops the newlines at the end and checks what is left, in place. */
static bool trim_secret(struct mk_file *file)
{
	size_t n = file->size;

	if (!file->data)
		return false;

	while (n > 0 && (file->data[n - 1] == '\n' || file->data[n - 1] == '\r'))
		n--;
	file->data[n] = '\0';
	return strlen(file->data) == n && mk_secret_valid(file->data);
}

int mk_secret_read(const char *path, bool from_manager, char **ret_secret, char **ret_problem)
{
	_cleanup_(mk_file_done) struct mk_file file = { 0 };
	int r;

	*ret_problem = NULL;
	r = mk_file_read(path, MK_SECRET_MAX + 2, &file);
	if (r == -ENOENT || r == -ENOMEM)
		return r;
	if (r < 0) {
		*ret_problem = read_problem(path, -r);
		return r;
	}

	if (!from_manager) {
		r = mk_file_check_private(path, &file.st, ret_problem);
		if (r < 0)
			return r;
	}

	if (!trim_secret(&file)) {
		*ret_problem = mk_strdup_printf("%s does not hold one line of 1 to %u printable "
						"characters without blanks",
						path, MK_SECRET_MAX);
		return -EINVAL;
	}

	*ret_secret = strdup(file.data);
	return *ret_secret ? 0 : -ENOMEM;
}
