/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves the daemon as a process, in the world of tests/world.h: command line, start and end, reload, log, messages to
 * the service manager, and what it does about a missing, damaged or full state directory.
 */

#include "canary.h"
#include "child.h"
#include "tap.h"
#include "world.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>

#define DBUS_ERROR     "org.freedesktop.DBus.Error."
#define NOTE_SIZE      4096
#define JOURNAL_DIR    "/run/systemd/journal"
#define JOURNAL_SOCKET JOURNAL_DIR "/socket"

static struct world w;
static const char *const sim_args[] = { "--set", "job-ms=5", NULL };

static void begin(void)
{
	w_start(&w, sim_args, NULL);
	w_sim_wait(&w, "command=listVirtualMachines&count=1&what=received");
}

static void expect_log(const char *text)
{
	_cleanup_free_ char *log = w_daemon_log(&w);
	bool found = strstr(log, text) != NULL;

	if (!found)
		tap_note("no '%s' in the log", text);
	CU_ASSERT(found);
}

/* The daemon must not start: it says why, and that it is of no use to try again. */
static void expect_no_start(const char *text)
{
	int status;

	w_daemon_spawn(&w, NULL);
	CU_ASSERT_FALSE(w_daemon_ready(&w));
	status = w_daemon_wait(&w);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG);
	expect_log(text);
}

/* ---- command line ----------------------------------------------------------------------------------------- */

static int run(char **ret_output, const char *option, const char *second)
{
	_cleanup_free_ char *program =
		mk_strdup_printf("%s/migratekit-volumed", getenv("top_builddir"));
	_cleanup_free_ char *config = mk_strdup_printf("--config=%s/volumed.conf", w.dir);
	const char *const argv[] = { program, config, option, second, NULL };
	int status = child_run(argv, NULL, ret_output);

	CU_ASSERT(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void expect_run(const char *option, const char *second, int status, const char *text)
{
	_cleanup_free_ char *output = NULL;
	bool found;

	CU_ASSERT_EQUAL(run(&output, option, second), status);
	found = strstr(output, text) != NULL;
	if (!found)
		tap_note("%s: no '%s' in: %s", option, text, output);
	CU_ASSERT(found);
	CU_ASSERT_PTR_NULL(strstr(output, CANARY_SECRET));
}

static void test_command_line(void)
{
	if (!w_can_inspect())
		return;

	w_prepare(&w, NULL, NULL);
	expect_run("--version", NULL, 0, "migratekit-volumed 0.");
	expect_run("--help", NULL, 0, "--check-config");
	expect_run("--nonsense", NULL, EX_CONFIG, "nonsense");
	expect_run("word", NULL, EX_CONFIG, "'word' is no option");
	expect_run("--describe-plugin=test-vm", NULL, 0, "prove-gone");
	expect_run("--describe-plugin=none", NULL, 1, "none.so");
	w_stop(&w);
}

static void test_check_config(void)
{
	if (!w_can_inspect())
		return;

	w_prepare(&w, NULL, NULL);
	expect_run("--check-config", NULL, 0, "secret-key = (set)");
	expect_run("--check-config", NULL, 0, "vm = " W_OMA);
	expect_run("--check-config", NULL, 0, "settle-interval = 20ms");
	w_set_config(&w, "[operations]\nsettle-intervall=20ms\nstep-limit=soon\n[nothing]\nx=y\n");
	expect_run("--check-config", NULL, 1, "settle-interval"); /* what was probably meant */
	expect_run("--check-config", NULL, 1, "test.conf:3");
	expect_run("--check-config", NULL, 1, "soon");
	expect_run("--check-config", NULL, 1, "[nothing]");
	expect_no_start("test.conf:2"); /* and the daemon says the same */
	w_stop(&w);
}

static void test_no_config(void)
{
	_cleanup_free_ char *path = NULL;

	w_prepare(&w, sim_args, NULL);
	path = mk_strdup_printf("%s/volumed.conf", w.dir);
	CU_ASSERT_EQUAL(unlink(path), 0);
	expect_no_start("volumed.conf: cannot be read");
	w_stop(&w);
}

/* One line a message, with its level; nothing that a terminal would obey. */
static void test_stderr(void)
{
	_cleanup_free_ char *log = NULL;
	unsigned n = 0;
	char *save;

	begin();
	w_sim_post(&w, "fault",
		   "{\"command\":\"listVolumes\",\"action\":\"error\",\"errorcode\":431,"
		   "\"errortext\":\"first\\nsecond \\u001b[31mred\"}");
	CU_ASSERT_PTR_NOT_NULL_FATAL(w_delete_root(&w, W_VM, "odd", true));
	CU_ASSERT_STRING_EQUAL(w_wait(&w, W_PATH "/operation/odd"), "");
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "Refused");
	log = w_daemon_log(&w);
	CU_ASSERT_PTR_NOT_NULL(strstr(log, "first\\nsecond"));
	CU_ASSERT_PTR_NULL(strchr(log, '\x1b'));
	for (char *line = strtok_r(log, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		CU_ASSERT(starts_with(line, "info: ") || starts_with(line, "debug: ") ||
			  starts_with(line, "notice: ") || starts_with(line, "warning: ") ||
			  starts_with(line, "error: "));
		n++;
	}
	CU_ASSERT(n >= 4);
	w_stop(&w);
}

/* ---- notifications ------------------------------------------------------------------------------------------- */

static int notify_open(char env[NOTE_SIZE])
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/notify", w.dir);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	snprintf(env, NOTE_SIZE, "NOTIFY_SOCKET=%s", a.sun_path);
	return fd;
}

/* Reads until a notification has this line; true with the whole notification. */
static bool notify_wait(int fd, const char *line, char ret[NOTE_SIZE])
{
	uint64_t end = mk_now_monotonic() + CHILD_TIMEOUT_MS * USEC_PER_MSEC;

	while (mk_now_monotonic() < end) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, CHILD_TIMEOUT_MS) != 1)
			break;
		n = recv(fd, ret, NOTE_SIZE - 1, 0);
		ret[n > 0 ? n : 0] = '\0';
		if (strstr(ret, line))
			return true;
	}

	tap_note("no notification with %s", line);
	return false;
}

static bool owns_name(void)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int owned = 0;

	CU_ASSERT(sd_bus_call_method(w.client, "org.freedesktop.DBus", "/org/freedesktop/DBus",
				     "org.freedesktop.DBus", "NameHasOwner", NULL, &m, "s",
				     W_NAME) >= 0);
	CU_ASSERT(sd_bus_message_read(m, "b", &owned) > 0);
	return owned;
}

static void test_notify(void)
{
	char socket_env[NOTE_SIZE], note[NOTE_SIZE];
	const char *const env[] = { socket_env, "WATCHDOG_USEC=200000", NULL };
	int fd;

	w_prepare(&w, sim_args, NULL);
	fd = notify_open(socket_env);
	w_daemon_spawn(&w, env);
	CU_ASSERT(notify_wait(fd, "STATUS=serving", note));
	CU_ASSERT(notify_wait(fd, "READY=1", note));
	CU_ASSERT(owns_name());
	CU_ASSERT(notify_wait(fd, "WATCHDOG=1", note));

	w_sim_stop(&w);
	CU_ASSERT_EQUAL(kill(w.daemon, SIGHUP), 0); /* which asks CloudStack */
	CU_ASSERT(notify_wait(fd, "RELOADING=1", note));
	CU_ASSERT_PTR_NOT_NULL(strstr(note, "MONOTONIC_USEC="));
	CU_ASSERT(notify_wait(fd, "READY=1", note));
	CU_ASSERT(notify_wait(fd, "STATUS=No connection to CloudStack", note));
	w_sim_start(&w);
	CU_ASSERT(notify_wait(fd, "STATUS=serving", note));

	CU_ASSERT(w_daemon_ready(&w));
	CU_ASSERT_EQUAL(kill(w.daemon, SIGTERM), 0);
	CU_ASSERT(notify_wait(fd, "STOPPING=1", note));
	CU_ASSERT_EQUAL(w_daemon_wait(&w), 0);
	close(fd);
	w_stop(&w);
}

/* ---- reload -------------------------------------------------------------------------------------------------- */

static int start_notified(char socket_env[NOTE_SIZE])
{
	const char *const env[] = { socket_env, NULL };
	char note[NOTE_SIZE];
	int fd = notify_open(socket_env);

	w_daemon_start(&w, env);
	CU_ASSERT(notify_wait(fd, "READY=1", note));
	return fd;
}

static void reload(int fd)
{
	char note[NOTE_SIZE];

	CU_ASSERT_EQUAL(kill(w.daemon, SIGHUP), 0);
	CU_ASSERT(notify_wait(fd, "RELOADING=1", note));
	CU_ASSERT(notify_wait(fd, "READY=1", note));
}

/* Refused keys are no end: the operation goes on when the right ones are there. */
static void test_reload_key(void)
{
	char socket_env[NOTE_SIZE], note[NOTE_SIZE];
	const char *path;
	int fd;

	w_prepare(&w, sim_args, NULL);
	w_set_secret(&w, CANARY_WRONG_SECRET);
	fd = start_notified(socket_env);
	path = w_delete_root(&w, W_VM, "keys", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	CU_ASSERT(notify_wait(fd, "refuses our credentials", note));
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, path, "State"), "running");

	w_set_secret(&w, w_secret);
	reload(fd);
	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "succeeded");
	CU_ASSERT(notify_wait(fd, "STATUS=serving", note));
	close(fd);
	w_stop(&w);
}

/* A file with a mistake changes nothing. */
static void test_reload_bad_file(void)
{
	char socket_env[NOTE_SIZE];
	int fd;

	w_prepare(&w, sim_args, NULL);
	fd = start_notified(socket_env);
	w_set_config(&w, "[cloudstack]\nurl=ftp://nowhere\n[operations]\nmax-per-caller=none\n");
	w_set_secret(&w, CANARY_WRONG_SECRET);
	reload(fd);
	expect_log("test.conf:2");
	expect_log("going on with the old one");
	CU_ASSERT(w_await_status(&w, "the configuration on disk was not taken"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(w_delete_root(&w, W_VM, "old", true));
	CU_ASSERT_STRING_EQUAL(w_wait(&w, W_PATH "/operation/old"), "succeeded");
	w_set_config(&w, NULL);
	w_set_secret(&w, w_secret);
	reload(fd);
	CU_ASSERT(w_await_status(&w, "serving"));
	close(fd);
	w_stop(&w);
}

/* What a reload cannot change is named and stays; the same in other words is no change. */
static void test_reload_fixed_keys(void)
{
	static const char *const fixed[] = { "[appliance] vm", "[plugins] load",
					     "[plugins] directory", "[daemon] state-directory",
					     "[daemon] group" };
	_cleanup_free_ char *log = NULL;
	char socket_env[NOTE_SIZE];
	unsigned n = 0;
	int fd;

	w_prepare(&w, sim_args, "[plugins]\nload = test-vm, oma\n");
	fd = start_notified(socket_env);
	w_set_config(&w, "[plugins]\nload = test-vm oma\n[operations]\nstep-limit = 1min\n");
	reload(fd);
	log = w_daemon_log(&w);
	CU_ASSERT_PTR_NULL(strstr(log, "at the next start"));

	w_set_config(&w, "[appliance]\nvm = " W_VM "\n[plugins]\nload = oma\ndirectory = /d\n"
			 "[daemon]\nstate-directory = /s\ngroup = root\n");
	reload(fd);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		_cleanup_free_ char *line =
			mk_strdup_printf("warning: %s changed; it takes effect at the next start\n",
					 fixed[i]);

		expect_log(line);
	}
	free(log);
	log = w_daemon_log(&w);
	for (const char *at = log; (at = strstr(at, "at the next start")); at++)
		n++;
	CU_ASSERT_EQUAL(n, ARRAY_SIZE(fixed));
	CU_ASSERT_PTR_NOT_NULL_FATAL(w_delete_root(&w, W_VM, "fixed", true));
	CU_ASSERT_STRING_EQUAL(w_wait(&w, W_PATH "/operation/fixed"), "succeeded");
	close(fd);
	w_stop(&w);
}

static void test_reload_limits(void)
{
	char socket_env[NOTE_SIZE];
	int fd;

	w_prepare(&w, sim_args, NULL);
	fd = start_notified(socket_env);
	w_set_config(&w, "[operations]\nmax-per-caller=1\n");
	reload(fd);
	w_sim_post(&w, "fault", "{\"command\":\"detachVolume\",\"action\":\"job-hold\"}");
	CU_ASSERT_PTR_NOT_NULL_FATAL(w_delete_root(&w, W_VM, "one", true));
	w_sim_wait(&w, "command=detachVolume&count=1&what=received");
	CU_ASSERT_PTR_NULL(w_delete_root(&w, "99999999-9999-4999-8999-999999999999", "two", true));
	CU_ASSERT_STRING_EQUAL(w_error_name, DBUS_ERROR "LimitsExceeded");
	w_sim_post(&w, "release", "{}");
	CU_ASSERT_STRING_EQUAL(w_wait(&w, W_PATH "/operation/one"), "succeeded");
	close(fd);
	w_stop(&w);
}

/* ---- end, and start again ------------------------------------------------------------------------------------- */

static int on_wait_reply(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const sd_bus_error *e = sd_bus_message_get_error(m);

	snprintf(data, 256, "%s", e ? e->name : "");
	return 0;
}

/* Leaves an operation whose detach job is held, and somebody who waits for it. */
static void hold_operation(char waiter[256])
{
	w_sim_post(&w, "fault", "{\"command\":\"detachVolume\",\"action\":\"job-hold\"}");
	CU_ASSERT_PTR_NOT_NULL_FATAL(w_delete_root(&w, W_VM, "held", true));
	w_sim_wait(&w, "command=detachVolume&count=1&what=received");
	CU_ASSERT(sd_bus_call_method_async(w.client, NULL, W_NAME, W_PATH "/operation/held",
					   W_OPERATION, "Wait", on_wait_reply, waiter, "t",
					   UINT64_MAX) >= 0);
	w_drain(&w);
}

static void expect_resumed(void)
{
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, W_PATH "/operation/held", "Id"), "held");
	w_sim_post(&w, "release", "{}");
	CU_ASSERT_STRING_EQUAL(w_wait(&w, W_PATH "/operation/held"), "succeeded");
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 1);
	CU_ASSERT_EQUAL(w_received(&w, "detachVolume"), 1);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 1);
}

static void test_sigterm(void)
{
	char waiter[256] = "nothing";

	begin();
	hold_operation(waiter);
	w_daemon_stop(&w);
	CU_ASSERT_STRING_EQUAL(waiter, W_ERROR "Unavailable");
	CU_ASSERT_FALSE(owns_name());
	w_daemon_start(&w, NULL);
	expect_resumed();
	w_stop(&w);
}

static void test_bus_loss(void)
{
	char waiter[256] = "nothing";
	int status;

	begin();
	hold_operation(waiter);
	w_bus_lose(&w);
	status = w_daemon_wait(&w);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
	expect_log("lost the connection to the bus");
	w_bus_again(&w);
	w_daemon_start(&w, NULL);
	expect_resumed();
	w_stop(&w);
}

/* Whoever sees the name sees everything behind it: nothing is published afterwards. */
static void test_name_last(void)
{
	_cleanup_json_ json_object *managed = NULL, *xml = NULL;
	char waiter[256] = "";

	begin();
	hold_operation(waiter);
	w_daemon_stop(&w);
	w_daemon_start(&w, NULL);
	CU_ASSERT_EQUAL(w_call_object(&w, W_PATH, "org.freedesktop.DBus.ObjectManager",
				      "GetManagedObjects", &managed, ""),
			0);
	CU_ASSERT_PTR_NOT_NULL(
		mk_json_get(json_object_array_get_idx(managed, 0), W_PATH "/operation/held"));
	CU_ASSERT_EQUAL(w_call_object(&w, W_PATH, "org.freedesktop.DBus.Introspectable",
				      "Introspect", &xml, ""),
			0);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(json_object_get_string(json_object_array_get_idx(xml, 0)), W_TESTVM));
	expect_resumed();
	w_drain(&w);
	CU_ASSERT(w.n_signals > w.n_before_owner);
	for (size_t i = w.n_before_owner; i < w.n_signals; i++)
		CU_ASSERT_STRING_NOT_EQUAL(w.signals[i].member, "InterfacesAdded");
	w_stop(&w);
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

static char *database(void)
{
	return mk_strdup_printf("%s/state/volumed.db", w.dir);
}

static void overwrite(const char *path, off_t at, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(pwrite(fd, text, strlen(text), at), (ssize_t)strlen(text));
	close(fd);
}

/* Damaged: refused with words, and left as it is. */
static void test_damaged_database(void)
{
	static const off_t places[] = { 0, 4096 };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_free_ char *path = NULL, *before = NULL, *after = NULL;
		size_t n_before, n_after;

		begin();
		CU_ASSERT_PTR_NOT_NULL_FATAL(w_delete_root(&w, W_VM, "x", true));
		CU_ASSERT_STRING_EQUAL(w_wait(&w, W_PATH "/operation/x"), "succeeded");
		w_daemon_stop(&w);
		path = database();
		overwrite(path, places[i],
			  "this is no page of a database any more, and never will be one again");
		before = child_slurp(path, &n_before);
		expect_no_start("is damaged");
		expect_log("Move it away");
		after = child_slurp(path, &n_after);
		CU_ASSERT_EQUAL_FATAL(n_before, n_after);
		CU_ASSERT_EQUAL(memcmp(before, after, n_before), 0);
		w_stop(&w);
	}
}

static void test_newer_database(void)
{
	_cleanup_free_ char *path = NULL;
	sqlite3 *db = NULL;

	begin();
	w_daemon_stop(&w);
	path = database();
	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, "PRAGMA user_version = 9999", NULL, NULL, NULL),
			SQLITE_OK);
	sqlite3_close(db);
	expect_no_start("newer version");
	w_stop(&w);
}

static void test_no_state_directory(void)
{
	w_prepare(&w, sim_args, "[daemon]\nstate-directory=/nonexistent/state\n");
	expect_no_start("/nonexistent/state");
	w_stop(&w);
}

/* The first one is not disturbed. */
static void test_second_daemon(void)
{
	_cleanup_free_ char *other = NULL, *config = NULL;
	pid_t first;
	int status;

	begin();
	first = w.daemon;
	w.daemon = 0;
	w_daemon_spawn(&w, NULL);
	CU_ASSERT_EQUAL(child_wait(w.daemon, CHILD_TIMEOUT_MS, &status), 0);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
	expect_log("in use by another daemon");

	/* one with a state directory of its own finds the name taken */
	other = mk_strdup_printf("%s/other-state", w.dir);
	config = mk_strdup_printf("[daemon]\nstate-directory=%s\n", other);
	CU_ASSERT_EQUAL(mkdir(other, 0700), 0);
	w_set_config(&w, config);
	w.daemon = 0;
	w_daemon_spawn(&w, NULL);
	CU_ASSERT_EQUAL(child_wait(w.daemon, CHILD_TIMEOUT_MS, &status), 0);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
	expect_log("owned already");

	w.daemon = first;
	CU_ASSERT_PTR_NOT_NULL_FATAL(w_delete_root(&w, W_VM, "first", true));
	CU_ASSERT_STRING_EQUAL(w_wait(&w, W_PATH "/operation/first"), "succeeded");
	w_stop(&w);
}

/* What could not be stored was not promised, and not sent. */
static void test_disk_full(void)
{
	struct rlimit limit = { 8192, 8192 }, none = { RLIM_INFINITY, RLIM_INFINITY };
	int status;

	signal(SIGXFSZ, SIG_IGN); /* inherited: a write beyond the limit fails */
	begin();
	w_sim_post(&w, "clear-log", "{}");
	CU_ASSERT_EQUAL_FATAL(prlimit(w.daemon, RLIMIT_FSIZE, &limit, &none), 0);
	CU_ASSERT_PTR_NULL(w_delete_root(&w, W_VM, "lost", true));
	CU_ASSERT_STRING_EQUAL(w_error_name, DBUS_ERROR "NoReply");
	status = w_daemon_wait(&w);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
	expect_log("the journal failed");
	CU_ASSERT_EQUAL(w_received(&w, "stopVirtualMachine"), 0);
	CU_ASSERT_EQUAL(w_received(&w, "detachVolume"), 0);

	w_daemon_start(&w, NULL);
	CU_ASSERT(w_call(&w, W_NAME, "GetOperation", NULL, "s", "lost") < 0);
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "NotFound");
	CU_ASSERT_PTR_NOT_NULL_FATAL(w_delete_root(&w, W_VM, "lost", true));
	CU_ASSERT_STRING_EQUAL(w_wait(&w, W_PATH "/operation/lost"), "succeeded");
	w_stop(&w);
	signal(SIGXFSZ, SIG_DFL);
}

/* ---- the journal of systemd ---------------------------------------------------------------------------------------- */

/* A socket like its own, in a mount namespace of our own; -1 where that is not possible. */
static int fake_journal(void)
{
	struct sockaddr_un a = { AF_UNIX, JOURNAL_SOCKET };
	int fd;

	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0 || mkdir("/run/systemd", 0755) < 0 ||
	    mkdir(JOURNAL_DIR, 0755) < 0)
		return -1;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 ? fd : -1;
}

enum { JOURNAL_GOOD, JOURNAL_BAD, JOURNAL_SKIP };

/* The record of a command that was sent, with all its fields. */
static bool is_command_record(char *record)
{
	return strstr(record, "MESSAGE=step detach: sending detachVolume\n") &&
	       strstr(record, "PRIORITY=6\n") &&
	       strstr(record, "SYSLOG_IDENTIFIER=migratekit-volumed\n") &&
	       strstr(record, "OPERATION=journal\n") && strstr(record, "VM=" W_VM "\n") &&
	       strstr(record, "VOLUME=" W_ROOT "\n") && strstr(record, "STEP=detach\n") &&
	       strstr(record, "PLUGIN=test-vm\n") && strstr(record, "CLOUDSTACK_JOB=");
}

/* Runs in a child, in a namespace of its own. */
static int log_to_journal(void)
{
	_cleanup_free_ char *path = NULL;
	char stream[64], record[NOTE_SIZE];
	const char *const env[] = { stream, NULL };
	struct stat st;
	bool found = false;
	int fd = fake_journal();

	if (fd < 0)
		return JOURNAL_SKIP;

	w_prepare(&w, sim_args, NULL);
	path = mk_strdup_printf("%s/daemon.log", w.dir);
	overwrite(path, 0, "");
	if (stat(path, &st) < 0)
		return JOURNAL_BAD;
	snprintf(stream, sizeof(stream), "JOURNAL_STREAM=%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	w_daemon_start(&w, env);
	if (!w_delete_root(&w, W_VM, "journal", true))
		return JOURNAL_BAD;
	(void)w_wait(&w, W_PATH "/operation/journal");

	for (ssize_t n = 1; n > 0 && !found;) {
		n = recv(fd, record, sizeof(record) - 1, MSG_DONTWAIT);
		record[n > 0 ? n : 0] = '\0';
		found = is_command_record(record);
	}
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_size, 0); /* not there as well */
	w_stop(&w);
	return found && CU_get_number_of_failures() == 0 ? JOURNAL_GOOD : JOURNAL_BAD;
}

static void test_journal(void)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0)
		_exit(CU_get_number_of_failures() == 0 ? log_to_journal() : JOURNAL_BAD);

	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFEXITED(status));
	CU_ASSERT_NOT_EQUAL(WEXITSTATUS(status), JOURNAL_BAD);
	if (WEXITSTATUS(status) == JOURNAL_SKIP)
		tap_skip("no mount namespace for a fake journal");
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "journal", test_journal }, /* first: it counts failures */
		{ "command-line", test_command_line },
		{ "check-config", test_check_config },
		{ "no-config", test_no_config },
		{ "stderr", test_stderr },
		{ "notify", test_notify },
		{ "L39-reload-key", test_reload_key },
		{ "reload-bad-file", test_reload_bad_file },
		{ "reload-fixed-keys", test_reload_fixed_keys },
		{ "reload-limits", test_reload_limits },
		{ "L10-sigterm", test_sigterm },
		{ "L10-bus-loss", test_bus_loss },
		{ "name-last", test_name_last },
		{ "damaged-database", test_damaged_database },
		{ "newer-database", test_newer_database },
		{ "no-state-directory", test_no_state_directory },
		{ "second-daemon", test_second_daemon },
		{ "disk-full", test_disk_full },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "daemon", NULL, NULL, tests);
}
