/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Implements the first half of world.h: scratch directory, bus, simulator and daemon, and the search for keys in
 * what they wrote.
 */

#include "world-internal.h"

#include "base/base.h"
#include "canary.h"
#include "child.h"
#include "tap.h"
#include "testbus.h"
#include "testsim.h"

#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SIM_ARGS_MAX 24
#define LOG_LINES    60 /* of each log, shown for a failed test */

const char w_secret[] = CANARY_SECRET;
const char w_api_key[] = CANARY_API_KEY;

/* What a fatal assertion (a longjmp) left behind: the struct world was on its stack. */
static struct {
	char *dir;
	pid_t pids[3]; /* bus, simulator, daemon */
} live;

static char *in_dir(const struct world *w, const char *name)
{
	return mk_strdup_printf("%s/%s", w->dir, name);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* ---- cleaning up ------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void remove_dir(const char *dir)
{
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void show_log(const char *dir, const char *who)
{
	_cleanup_free_ char *path = mk_strdup_printf("%s/%s.log", dir, who);
	_cleanup_free_ char *text = child_slurp(path, NULL);
	char *line = text + strlen(text), *save;

	for (unsigned n = 0; line > text && n <= LOG_LINES; line--)
		n += line[-1] == '\n';
	for (line = strtok_r(line, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		tap_note("%s: %s", who, line);
}

static void show_logs(const char *dir)
{
	show_log(dir, "sim");
	show_log(dir, "daemon");
}

static void on_hang(void)
{
	if (live.dir)
		show_logs(live.dir);
}

static void clean_leftovers(void)
{
	if (!live.dir)
		return;

	for (size_t i = 0; i < ARRAY_SIZE(live.pids); i++)
		if (live.pids[i] > 0)
			(void)child_stop(live.pids[i], SIGKILL);
	show_logs(live.dir);
	remove_dir(live.dir);
	free(live.dir);
	memset(&live, 0, sizeof(live));
}

static void register_cleaner(void)
{
	static bool done;

	if (!done)
		(void)atexit(clean_leftovers);
	tap_on_hang(on_hang);
	done = true;
}

/* ---- scratch directory ---------------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
	size_t size;
	_cleanup_free_ char *data = child_slurp(from, &size);
	_cleanup_close_ int fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	CU_ASSERT_FATAL(fd >= 0 && size > 0);
	CU_ASSERT_EQUAL(write(fd, data, size), (ssize_t)size);
	CU_ASSERT_EQUAL(fchmod(fd, 0644), 0);
}

/* The loader refuses what a group may write, which depends on the umask of who built it. */
static void copy_plugins(struct world *w)
{
	_cleanup_free_ char *pattern =
		mk_strdup_printf("%s/plugins/.libs/*.so", getenv("top_builddir"));
	_cleanup_free_ char *to = in_dir(w, "plugins");
	glob_t found;

	CU_ASSERT_EQUAL_FATAL(mkdir(to, 0755), 0);
	CU_ASSERT_EQUAL_FATAL(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		_cleanup_free_ char *target =
			mk_strdup_printf("%s%s", to, strrchr(found.gl_pathv[i], '/'));

		copy_file(found.gl_pathv[i], target);
	}
	globfree(&found);
}

static void write_config(struct world *w)
{
	_cleanup_free_ char *path = in_dir(w, "volumed.conf");
	_cleanup_free_ char *text = mk_strdup_printf("[cloudstack]\n"
						     "url=%s\n"
						     "api-key-file=%s/api-key\n"
						     "secret-key-file=%s/secret-key\n"
						     "poll-min=5ms\n"
						     "poll-max=20ms\n"
						     "retry-min=5ms\n"
						     "retry-max=50ms\n"
						     "request-timeout=1s\n"
						     "sync-timeout=3s\n"
						     "[appliance]\n"
						     "vm=" W_OMA "\n"
						     "check-dmi=no\n"
						     "[operations]\n"
						     "poll-interval=10ms\n"
						     "settle-interval=20ms\n"
						     "rollback-deadline=30s\n"
						     "[plugins]\n"
						     "load=test-vm\n"
						     "directory=%s/plugins\n"
						     "[daemon]\n"
						     "state-directory=%s/state\n",
						     w->url, w->dir, w->dir, w->dir, w->dir);

	write_file(path, text, 0600);
}

void w_set_config(struct world *w, const char *config)
{
	_cleanup_free_ char *path = in_dir(w, "volumed.conf.d/test.conf");

	CU_ASSERT(mk_str_set(&w->config, str_or_empty(config)) == 0);
	write_file(path, w->config, 0600);
}

void w_set_secret(struct world *w, const char *secret)
{
	_cleanup_free_ char *path = in_dir(w, "secret-key");

	write_file(path, secret, 0600);
}

static void make_dir(struct world *w)
{
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *state = NULL, *conf = NULL, *key = NULL;

	w->dir = mk_strdup_printf("%s/mk-world-XXXXXX", tmp ? tmp : "/tmp");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(w->dir));
	live.dir = strdup(w->dir);

	state = in_dir(w, "state");
	conf = in_dir(w, "volumed.conf.d");
	key = in_dir(w, "api-key");
	CU_ASSERT_EQUAL(mkdir(state, 0700), 0);
	CU_ASSERT_EQUAL(mkdir(conf, 0700), 0);
	write_file(key, w_api_key, 0600);
	w_set_secret(w, w_secret);
	copy_plugins(w);
}

static int open_log(struct world *w, const char *name)
{
	_cleanup_free_ char *path = in_dir(w, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	CU_ASSERT_FATAL(fd >= 0);
	return fd;
}

/* ---- bus ------------------------------------------------------------------------------------------------------ */

static void start_bus(struct world *w)
{
	w->bus = tb_start(w->dir);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->bus);
	live.pids[0] = tb_pid(w->bus);
	w_connect(w);
}

void w_bus_lose(struct world *w)
{
	w_check_traffic(w);
	w->bus = tb_stop(w->bus);
	live.pids[0] = 0;
	w_disconnect(w);
	*w->owner = '\0';
}

void w_bus_again(struct world *w)
{
	start_bus(w);
}

/* ---- simulator ---------------------------------------------------------------------------------------------- */

static void keep_sim_args(struct world *w, const char *const *args)
{
	size_t n = 0;

	w->sim_args = calloc(SIM_ARGS_MAX, sizeof(*w->sim_args));
	w->sim_args[n++] = mk_strdup_printf("--api-key=%s", w_api_key);
	w->sim_args[n++] = mk_strdup_printf("--secret-key-file=%s/sim-key", w->dir);
	w->sim_args[n++] = NULL; /* the port, once it is known */
	for (; args && *args && n < SIM_ARGS_MAX - 1; args++)
		w->sim_args[n++] = strdup(*args);
}

void w_sim_start(struct world *w)
{
	_cleanup_close_ int fd = open_log(w, "sim.log");
	char **port = &w->sim_args[2];

	free(*port);
	*port = mk_strdup_printf("--port=%u", w->sim_port);
	w->sim = th_start((const char *const *)w->sim_args, fd);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->sim);
	w->sim_port = th_port(w->sim);
	live.pids[1] = th_pid(w->sim);
	if (!w->url)
		w->url = strdup(th_door(w->sim));
}

/* ---- secrets ------------------------------------------------------------------------------------------------- */

void w_check_text(const char *text, size_t size, const char *where)
{
	static const char *const canaries[] = { CANARIES };
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(canaries); i++)
		found |= memmem(text, size, canaries[i], strlen(canaries[i])) != NULL;
	if (found)
		tap_note("a key of CloudStack is in %s", where);
	CU_ASSERT_FALSE(found);
}

static void check_file(const char *path)
{
	size_t size;
	_cleanup_free_ char *text = child_slurp(path, &size);

	w_check_text(text, size, path);
}

static void check_sim_log(struct world *w)
{
	_cleanup_json_ json_object *log = th_admin(w->sim, "log", NULL);
	const char *text = log ? json_object_to_json_string(log) : "";

	w_check_text(text, strlen(text), "the simulator's request log");
}

void w_sim_stop(struct world *w)
{
	if (!w->sim)
		return;

	check_sim_log(w);
	CU_ASSERT(th_stop(w->sim));
	w->sim = NULL;
	live.pids[1] = 0;
}

static void check_secrets(struct world *w)
{
	_cleanup_free_ char *log = in_dir(w, "daemon.log");
	_cleanup_free_ char *sim = in_dir(w, "sim.log");
	_cleanup_free_ char *state = in_dir(w, "state/*");
	glob_t found;

	check_file(log);
	check_file(sim);
	if (glob(state, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			check_file(found.gl_pathv[i]);
		globfree(&found);
	}
}

/* ---- daemon ---------------------------------------------------------------------------------------------------- */

/* Which commit is to kill it, for crash-commit; NULL: it is not preloaded. */
static const char *crash_commit(const char *const *env)
{
	static const char name[] = "MK_CRASH_COMMIT=";

	for (; env && *env; env++)
		if (starts_with(*env, name))
			return *env + strlen(name);
	return getenv("MK_CRASH_COMMIT");
}

void w_daemon_spawn(struct world *w, const char *const *env)
{
	_cleanup_free_ char *program =
		mk_strdup_printf("%s/migratekit-volumed", getenv("top_builddir"));
	_cleanup_free_ char *config = mk_strdup_printf("--config=%s/volumed.conf", w->dir);
	_cleanup_free_ char *bus = mk_strdup_printf("--bus-address=%s", tb_address(w->bus));
	bool crash = crash_commit(env), umockdev = w->sim && *th_umockdev(w->sim);
	const char *top = getenv("top_builddir");
	_cleanup_free_ char *libraries =
		mk_strdup_printf("%s%s%s%s%s", crash ? top : "",
				 crash ? "/tests/.libs/crash-commit.so " : "", umockdev ? top : "",
				 umockdev ? "/tests/.libs/udev-database.so " : "",
				 umockdev ? "libumockdev-preload.so.0" : "");
	_cleanup_free_ char *preload = child_preload(libraries);
	_cleanup_free_ char *mock =
		mk_strdup_printf("UMOCKDEV_DIR=%s", umockdev ? th_umockdev(w->sim) : "");
	const char *const argv[] = { program, config, bus, "--verbose", NULL };
	const char *all[16] = { "JOURNAL_STREAM", "NOTIFY_SOCKET", "WATCHDOG_USEC",
				"CREDENTIALS_DIRECTORY", NULL };
	_cleanup_close_ int fd = open_log(w, "daemon.log");
	size_t n = 4;

	if (crash || umockdev)
		all[n++] = preload;
	if (umockdev)
		all[n++] = mock;
	for (; env && *env && n < ARRAY_SIZE(all) - 1; env++)
		all[n++] = *env;
	CU_ASSERT_EQUAL_FATAL(w->daemon, 0);
	CU_ASSERT_EQUAL_FATAL(child_start(argv, all, fd, fd, &w->daemon), 0);
	live.pids[2] = w->daemon;
}

bool w_daemon_ready(struct world *w)
{
	uint64_t end = mk_now_monotonic() + CHILD_TIMEOUT_MS * USEC_PER_MSEC;
	_cleanup_close_ int pidfd = pidfd_open(w->daemon, 0);

	for (;;) {
		struct pollfd fds[] = { { .fd = sd_bus_get_fd(w->client), .events = POLLIN },
					{ .fd = pidfd, .events = POLLIN } };

		w_process(w);
		if (*w->owner)
			return true;
		if (child_ended(w->daemon) || mk_now_monotonic() > end)
			return false;
		(void)poll(fds, ARRAY_SIZE(fds), 1000);
	}
}

void w_daemon_start(struct world *w, const char *const *env)
{
	bool ready;

	w_daemon_spawn(w, env);
	ready = w_daemon_ready(w);
	if (streq(crash_commit(env) ? crash_commit(env) : "0", "0"))
		CU_ASSERT_FATAL(ready);
}

void w_crash_at(struct world *w, unsigned n, const char *when)
{
	union sigval value = { .sival_int = streq(when, "after") ? -(int)n : (int)n };

	CU_ASSERT_EQUAL_FATAL(sigqueue(w->daemon, SIGRTMIN, value), 0);
}

int w_daemon_wait(struct world *w)
{
	int status = -1;

	CU_ASSERT_FATAL(w->daemon > 0);
	if (child_wait(w->daemon, CHILD_TIMEOUT_MS, &status) < 0) {
		tap_note("the daemon does not end");
		(void)child_stop(w->daemon, SIGKILL);
		status = -1;
	}
	w->daemon = 0;
	live.pids[2] = 0;
	w_forget_owner(w);
	return status;
}

void w_daemon_stop(struct world *w)
{
	int status;

	CU_ASSERT_FATAL(w->daemon > 0);
	(void)kill(w->daemon, SIGTERM);
	status = w_daemon_wait(w);
	if (status != 0)
		tap_note("the daemon ended with status 0x%x", (unsigned)status);
	CU_ASSERT_EQUAL(status, 0);
}

void w_daemon_kill(struct world *w)
{
	(void)kill(w->daemon, SIGKILL);
	(void)w_daemon_wait(w);
}

char *w_daemon_log(struct world *w)
{
	_cleanup_free_ char *path = in_dir(w, "daemon.log");

	return child_slurp(path, NULL);
}

bool w_can_inspect(void)
{
	bool can = geteuid() != 0 || !getpwnam(MK_DAEMON_USER);

	if (!can)
		tap_skip("root would look as the user " MK_DAEMON_USER);
	return can;
}

/* ---- start and stop ------------------------------------------------------------------------------------------------ */

void w_prepare(struct world *w, const char *const *sim_args, const char *config)
{
	_cleanup_free_ char *key = NULL;

	register_cleaner();
	clean_leftovers();
	memset(w, 0, sizeof(*w));
	w->failed = CU_get_number_of_failures();

	make_dir(w);
	key = in_dir(w, "sim-key");
	write_file(key, w_secret, 0600);
	start_bus(w);

	keep_sim_args(w, sim_args);
	w_sim_start(w);
	write_config(w);
	w_set_config(w, config);
}

void w_start(struct world *w, const char *const *sim_args, const char *config)
{
	w_prepare(w, sim_args, config);
	w_daemon_start(w, NULL);
}

static void free_all(struct world *w)
{
	for (size_t i = 0; i < SIM_ARGS_MAX; i++)
		free(w->sim_args[i]);
	free(w->sim_args);
	free(w->url);
	free(w->config);
	free(w->dir);
	memset(w, 0, sizeof(*w));
}

void w_stop(struct world *w)
{
	if (w->daemon > 0)
		w_daemon_stop(w);
	w_check_traffic(w);
	w_sim_stop(w);
	check_secrets(w);

	w_disconnect(w);
	w->bus = tb_stop(w->bus);
	if (CU_get_number_of_failures() != w->failed)
		show_logs(w->dir);
	remove_dir(w->dir);
	live.dir = (free(live.dir), NULL);
	memset(live.pids, 0, sizeof(live.pids));
	free_all(w);
}
