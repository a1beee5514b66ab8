/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements child.h: starts child processes, waits for them, and reads what they write. */

#include "child.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define OUTPUT_CHUNK 4096

char *child_preload(const char *libraries)
{
	void *asan = dlsym(RTLD_DEFAULT, "__asan_init");
	Dl_info info = { 0 };

	if (!asan || !dladdr(asan, &info) || !info.dli_fname)
		return mk_strdup_printf("LD_PRELOAD=%s", libraries);
	return mk_strdup_printf("LD_PRELOAD=%s %s", info.dli_fname, libraries);
}

static void apply_env(const char *const *env)
{
	for (; env && *env; env++) {
		const char *eq = strchr(*env, '=');
		char name[128];

		if (!eq) {
			unsetenv(*env);
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)(eq - *env), *env);
		setenv(name, eq + 1, 1);
	}
}

/* In the child. */
_Noreturn static void run(const char *const *argv, const char *const *env, int fd_out, int fd_err,
			  pid_t parent)
{
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126); /* it died before the line above */

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (fd_err >= 0)
		(void)dup2(fd_err, STDERR_FILENO);
	(void)dup2(fd_out >= 0 ? fd_out : STDERR_FILENO, STDOUT_FILENO);
	(void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	apply_env(env);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int child_start(const char *const *argv, const char *const *env, int fd_out, int fd_err, pid_t *ret)
{
	pid_t parent = getpid(), pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		run(argv, env, fd_out, fd_err, parent);

	*ret = pid;
	return 0;
}

/* Returns 1 when the descriptor is ready, 0 at the time-out. */
static int wait_fd(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r;

	do
		r = poll(&p, 1, timeout_ms);
	while (r < 0 && errno == EINTR);
	return r;
}

int child_wait(pid_t pid, int timeout_ms, int *ret_status)
{
	_cleanup_close_ int fd = pidfd_open(pid, 0);

	if (fd < 0)
		return -errno;
	if (wait_fd(fd, timeout_ms) != 1)
		return -ETIMEDOUT;

	return waitpid(pid, ret_status, 0) == pid ? 0 : -errno;
}

int child_stop(pid_t pid, int signo)
{
	int status = 0;

	(void)kill(pid, signo);
	if (child_wait(pid, CHILD_TIMEOUT_MS, &status) == -ETIMEDOUT) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
	}
	return status;
}

bool child_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid == pid;
}

int child_read_line(int fd, char *ret, size_t size)
{
	size_t n = 0;
	char c;

	for (;;) {
		ssize_t r;

		if (wait_fd(fd, CHILD_TIMEOUT_MS) != 1)
			return -ETIMEDOUT;
		r = read(fd, &c, 1);
		if (r <= 0)
			return -ENODATA;
		if (c == '\n')
			break;
		if (n + 1 < size)
			ret[n++] = c;
	}

	ret[n] = '\0';
	return 0;
}

int child_run(const char *const *argv, const char *const *env, char **ret_output)
{
	_cleanup_close_ int fd = memfd_create("output", MFD_CLOEXEC);
	_cleanup_free_ char *path = NULL;
	int status = -1;
	pid_t pid = -1;

	*ret_output = NULL;
	if (fd < 0 || child_start(argv, env, fd, fd, &pid) < 0)
		return -1;

	if (child_wait(pid, 2 * CHILD_TIMEOUT_MS, &status) < 0)
		status = child_stop(pid, SIGKILL);
	path = mk_strdup_printf("/proc/self/fd/%d", fd);
	*ret_output = child_slurp(path, NULL);
	return status;
}

char *child_slurp(const char *path, size_t *ret_size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = OUTPUT_CHUNK, n = 0;
	char *text = NULL, *longer;
	ssize_t r = 1;

	while (r > 0) {
		longer = realloc(text, size);
		if (!longer)
			abort();
		text = longer;
		do {
			r = fd >= 0 ? read(fd, text + n, size - n - 1) : 0;
			n += r > 0 ? (size_t)r : 0;
		} while (r > 0 && n + 1 < size);
		size *= 2;
	}

	text[n] = '\0';
	if (ret_size)
		*ret_size = n;
	return text;
}
