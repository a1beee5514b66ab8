/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves src/base/log.c: what a message becomes on standard error and in the journal, and which messages --verbose
 * adds. Standard error is a pipe of the test; the journal is a socket of the test in a mount namespace of its own.
 */

#include "base/log.h"
#include "tap.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define BUFFER_SIZE    4096

static const struct mk_log_fields fields = { .operation = "op1", .step = "detach\nx", .vm = "" };

/* What one call of fn writes to standard error. */
static void capture(void (*fn)(void), char ret[BUFFER_SIZE])
{
	int fds[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	dup2(fds[1], STDERR_FILENO);
	fn();
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[1]);
	n = read(fds[0], ret, BUFFER_SIZE - 1);
	ret[n > 0 ? n : 0] = '\0';
	close(fds[0]);
}

static void say_fields(void)
{
	mk_log_error(&fields, "volume %d", 7);
}

static void say_dirty(void)
{
	mk_log_warning(NULL, "one\ntwo\x1b[31m \xc2\x9b \xff %s", "\x7f");
}

static void say_debug(void)
{
	mk_log_debug(NULL, "detail");
}

static void test_stderr(void)
{
	char line[BUFFER_SIZE];

	unsetenv("JOURNAL_STREAM");
	mk_log_open(false);
	capture(say_fields, line);
	CU_ASSERT_STRING_EQUAL(line, "error: volume 7 [OPERATION=op1 STEP=detach\\nx]\n");
	capture(say_dirty, line);
	CU_ASSERT_STRING_EQUAL(line, "warning: one\\ntwo\uFFFD[31m \\x9b \uFFFD \uFFFD\n");
}

static void test_verbose(void)
{
	char line[BUFFER_SIZE];

	mk_log_open(false);
	capture(say_debug, line);
	CU_ASSERT_STRING_EQUAL(line, "");
	mk_log_open(true);
	capture(say_debug, line);
	CU_ASSERT_STRING_EQUAL(line, "debug: detail\n");
}

static void fail_quietly(void)
{
	errno = EXDEV;
	mk_log_error(NULL, "%m");
	CU_ASSERT_EQUAL(errno, EXDEV);
}

static void test_errno(void)
{
	char line[BUFFER_SIZE];

	mk_log_open(false);
	capture(fail_quietly, line);
	CU_ASSERT_EQUAL(line[0], 'e');
}

/* Another stream than ours: no journal. */
static void test_other_stream(void)
{
	char line[BUFFER_SIZE];

	setenv("JOURNAL_STREAM", "1:1", 1);
	mk_log_open(false);
	capture(say_fields, line);
	CU_ASSERT(starts_with(line, "error: "));
	setenv("JOURNAL_STREAM", "nonsense", 1);
	mk_log_open(false);
	capture(say_fields, line);
	CU_ASSERT(starts_with(line, "error: "));
	unsetenv("JOURNAL_STREAM");
}

/* A journal's socket of our own, in a mount namespace of our own. Returns it, or -1. */
static int fake_journal(void)
{
	struct sockaddr_un address = { AF_UNIX, JOURNAL_SOCKET };
	int fd;

	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0 || mkdir("/run/systemd", 0755) < 0 ||
	    mkdir("/run/systemd/journal", 0755) < 0)
		return -1;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;

	return fd;
}

enum { JOURNAL_GOOD, JOURNAL_BAD, JOURNAL_SKIP };

/* Runs in a child. */
static int log_to_journal(void)
{
	char buffer[BUFFER_SIZE], stream[64];
	struct stat st;
	ssize_t n;
	int fd;

	fd = fake_journal();
	if (fd < 0 || fstat(STDERR_FILENO, &st) < 0)
		return JOURNAL_SKIP;

	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	mk_log_open(false);
	mk_log_error(&fields, "volume %d\xff", 7);
	n = recv(fd, buffer, sizeof(buffer) - 1, MSG_DONTWAIT);
	if (n <= 0)
		return JOURNAL_BAD;

	/* STEP has a newline: the journal's binary form, name, length, value */
	buffer[n] = '\0';
	if (!strstr(buffer, "MESSAGE=volume 7\uFFFD\n") || !strstr(buffer, "PRIORITY=3\n") ||
	    !strstr(buffer, "SYSLOG_IDENTIFIER=migratekit-volumed\n") ||
	    !strstr(buffer, "OPERATION=op1\n") || strstr(buffer, "VM=") ||
	    !memmem(buffer, (size_t)n, "STEP\n\x08\0\0\0\0\0\0\0detach\nx", 21))
		return JOURNAL_BAD;

	return JOURNAL_GOOD;
}

static void test_journal(void)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0)
		_exit(log_to_journal());

	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFEXITED(status));
	CU_ASSERT_NOT_EQUAL(WEXITSTATUS(status), JOURNAL_BAD);
	if (WEXITSTATUS(status) == JOURNAL_SKIP)
		tap_skip("no mount namespace for a fake journal");
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "stderr", test_stderr },   { "verbose", test_verbose },
		{ "errno", test_errno },     { "other-stream", test_other_stream },
		{ "journal", test_journal }, { NULL, NULL },
	};

	return tap_main(argc, argv, "log", NULL, NULL, tests);
}
