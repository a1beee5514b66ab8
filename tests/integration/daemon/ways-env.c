/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements ways-env.h: the scratch directory, the processes, and the shell commands. */

#include "ways-env.h"

#include "canary.h"
#include "child.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>

#define A_AS "setpriv --clear-groups --regid=" A_USER " --reuid="

int a_status;
static struct ways *live; /* to be cleaned up after a fatal assertion */

/* ---- commands ------------------------------------------------------------------------------------------ */

static void run(struct ways *a, const char *const *argv, int fd, pid_t *ret)
{
	_cleanup_free_ char *dir = mk_strdup_printf("DIR=%s", a->dir);
	_cleanup_free_ char *bus = mk_strdup_printf("BUS=unix:path=%s/bus", a->dir);
	_cleanup_free_ char *system =
		mk_strdup_printf("DBUS_SYSTEM_BUS_ADDRESS=unix:path=%s/bus", a->dir);
	const char *const env[] = { dir,
				    bus,
				    system,
				    "JOURNAL_STREAM",
				    "NOTIFY_SOCKET",
				    "WATCHDOG_USEC",
				    "CREDENTIALS_DIRECTORY",
				    "STATE_DIRECTORY",
				    "LISTEN_FDS",
				    NULL };

	CU_ASSERT_EQUAL_FATAL(child_start(argv, env, fd, fd, ret), 0);
}

const char *a_sh(struct ways *a, const char *fmt, ...)
{
	_cleanup_free_ char *command = NULL, *path = mk_strdup_printf("%s/output", a->dir);
	const char *argv[] = { "sh", "-c", NULL, NULL };
	static char *output;
	va_list ap;
	pid_t pid;
	int fd;

	va_start(ap, fmt);
	CU_ASSERT_FATAL(vasprintf(&command, fmt, ap) >= 0);
	va_end(ap);
	argv[2] = command;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	run(a, argv, fd, &pid);
	close(fd);
	if (child_wait(pid, CHILD_TIMEOUT_MS, &a_status) < 0) {
		(void)child_stop(pid, SIGKILL);
		a_status = -1;
	}
	free(output);
	output = child_slurp(path, NULL);
	return output;
}

void a_check(const char *output, bool success, const char *text)
{
	bool ok = (a_status == 0) == success && strstr(output, text);

	if (!ok)
		tap_note("status 0x%x, expected %s and '%s': %.2000s", (unsigned)a_status,
			 success ? "success" : "failure", text, output);
	CU_ASSERT(ok);
}

static void spawn(struct ways *a, const char *command, int fd, pid_t *ret)
{
	const char *const argv[] = { "sh", "-c", command, NULL };

	run(a, argv, fd, ret);
}

/* ---- the daemon ------------------------------------------------------------------------------------------ */

void a_spawn(struct ways *a, const char *prefix, const char *args)
{
	_cleanup_free_ char *command =
		mk_strdup_printf("exec %s %s $DIR/daemon --config=$DIR/volumed.conf --verbose %s",
				 prefix, geteuid() == 0 ? A_AS A_USER : "", args);
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	spawn(a, command, fds[1], &a->daemon);
	close(fds[1]);
	a->log_fd = fds[0];
	free(a->log);
	a->log = strdup("");
}

/* False at the end of the log, or after a time that is too long. */
static bool read_log(struct ways *a)
{
	struct pollfd p = { .fd = a->log_fd, .events = POLLIN };
	char chunk[4096], *longer;
	ssize_t n = -1;

	if (poll(&p, 1, CHILD_TIMEOUT_MS) > 0)
		n = read(a->log_fd, chunk, sizeof(chunk) - 1);
	if (n <= 0)
		return false;

	chunk[n] = '\0';
	longer = mk_strdup_printf("%s%s", a->log, chunk);
	free(a->log);
	a->log = longer;
	return true;
}

bool a_wait_log(struct ways *a, const char *text)
{
	while (!strstr(a->log, text))
		if (!read_log(a))
			break;
	if (!strstr(a->log, text))
		tap_note("'%s' is not in the log: %.3000s", text, a->log);
	return strstr(a->log, text);
}

int a_wait_end(struct ways *a)
{
	int status = -1;

	while (read_log(a))
		;
	if (child_wait(a->daemon, CHILD_TIMEOUT_MS, &status) < 0)
		(void)child_stop(a->daemon, SIGKILL);
	a->daemon = 0;
	close(a->log_fd);
	return status;
}

/* ---- bus and polkit ---------------------------------------------------------------------------------------- */

/* As Debian's system.conf, without what needs an installed system. */
static const char bus_config[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig>\n"
	" <type>system</type>\n"
	" <listen>unix:path=%s/bus</listen>\n"
	" <auth>EXTERNAL</auth>\n"
	" <policy context=\"default\">\n"
	"  <allow user=\"*\"/>\n"
	"  <deny own=\"*\"/>\n"
	"  <deny send_type=\"method_call\"/>\n"
	"  <allow send_type=\"signal\"/>\n"
	"  <allow send_requested_reply=\"true\" send_type=\"method_return\"/>\n"
	"  <allow send_requested_reply=\"true\" send_type=\"error\"/>\n"
	"  <allow receive_type=\"method_call\"/>\n"
	"  <allow receive_type=\"method_return\"/>\n"
	"  <allow receive_type=\"error\"/>\n"
	"  <allow receive_type=\"signal\"/>\n"
	"  <allow send_destination=\"org.freedesktop.DBus\"\n"
	"         send_interface=\"org.freedesktop.DBus\"/>\n"
	" </policy>\n"
	" <include>/usr/share/dbus-1/system.d/org.freedesktop.PolicyKit1.conf</include>\n"
	" <include>%s/policy.conf</include>\n"
	"</busconfig>\n";

/* The shipped files name a user and a group that are not here. */
static void adapt(struct ways *a, const char *from, const char *to, const char *change)
{
	A_OK(a, "",
	     "sed '%s' \"$top_srcdir/%s\" >$DIR/%s && ! grep -q '\"migratekit\"\\|:migratekit' "
	     "$DIR/%s",
	     change, from, to, to);
}

void a_start_bus(struct ways *a)
{
	_cleanup_free_ char *path = mk_strdup_printf("%s/bus.conf", a->dir);
	FILE *f = fopen(path, "we");
	char line[512];
	int fds[2];

	adapt(a, "dbus/org.migratekit.Volume1.conf", "policy.conf",
	      "s/user=\"migratekit\"/user=\"" A_USER "\"/; s/group=\"migratekit\"/group=\"" A_GROUP
	      "\"/");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fprintf(f, bus_config, a->dir, a->dir);
	fclose(f);
	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	spawn(a,
	      "exec dbus-daemon --config-file=$DIR/bus.conf --nofork --print-address 2>/dev/null",
	      fds[1], &a->bus);
	close(fds[1]);
	CU_ASSERT_EQUAL_FATAL(child_read_line(fds[0], line, sizeof(line)), 0);
	close(fds[0]);
}

void a_stop_bus(struct ways *a)
{
	(void)child_stop(a->bus, SIGKILL);
	a->bus = 0;
}

bool a_start_polkit(struct ways *a)
{
	char line[512] = "";
	int fds[2], r = -1;

	(void)a_sh(a, "test -x /usr/lib/polkit-1/polkitd && unshare -m mount --make-rprivate /");
	if (a_status != 0) {
		tap_skip("no polkitd, or no right to a mount namespace");
		return false;
	}

	A_OK(a, "", "mkdir -p $DIR/actions $DIR/rules");
	adapt(a, "dbus/org.migratekit.volume1.policy", "actions/org.migratekit.volume1.policy",
	      "s/unix-user:migratekit/unix-user:" A_USER "/");
	adapt(a, "dbus/60-org.migratekit.volume1.rules", "rules/60-org.migratekit.volume1.rules",
	      "s/\"migratekit\"/\"" A_GROUP "\"/");
	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	spawn(a,
	      "exec unshare -m sh -c 'mount --make-rprivate / &&"
	      " mount --bind $DIR/actions /usr/share/polkit-1/actions &&"
	      " mount --bind $DIR/rules /usr/share/polkit-1/rules.d &&"
	      " mount --bind $DIR/rules /etc/polkit-1/rules.d &&"
	      " exec /usr/lib/polkit-1/polkitd'",
	      fds[1], &a->polkit);
	close(fds[1]);
	while (!strstr(line, "Acquired the name")) {
		r = child_read_line(fds[0], line, sizeof(line));
		if (r < 0)
			break;
	}
	CU_ASSERT_EQUAL_FATAL(r, 0);
	close(fds[0]);
	return true;
}

void a_stop_polkit(struct ways *a)
{
	(void)child_stop(a->polkit, SIGKILL);
	a->polkit = 0;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void clean_up(void)
{
	if (!live)
		return;

	if (live->daemon > 0)
		(void)child_stop(live->daemon, SIGKILL);
	if (live->polkit > 0)
		a_stop_polkit(live);
	if (live->bus > 0)
		a_stop_bus(live);
	(void)nftw(live->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	live = NULL;
}

static void show_log(void)
{
	if (live && live->log)
		tap_note("the daemon: %.3000s", live->log);
}

/* Everybody may enter, the daemon's user owns what the daemon writes. */
static const char set_up[] = "set -e; cd $DIR; chmod 755 .; umask 022\n"
			     "cp \"$top_builddir/migratekit-volumed\" daemon\n"
			     "mkdir plugins state; cp \"$top_builddir\"/plugins/.libs/*.so "
			     "plugins/; chmod 644 plugins/*\n"
			     "printf " CANARY_API_KEY " >api-key\n"
			     "printf " CANARY_SECRET " >secret-key\n"
			     "cat >volumed.conf <<-end\n"
			     "\t[cloudstack]\n"
			     "\turl=http://127.0.0.1:9/client/api\n"
			     "\tapi-key-file=$DIR/api-key\n"
			     "\tsecret-key-file=$DIR/secret-key\n"
			     "\t[appliance]\n"
			     "\tvm=11111111-1111-4111-8111-111111111111\n"
			     "\t[plugins]\n"
			     "\tdirectory=$DIR/plugins\n"
			     "\t[daemon]\n"
			     "\tstate-directory=$DIR/state\n"
			     "\tgroup=" A_GROUP "\n"
			     "end\n"
			     "chmod 600 api-key secret-key\n"
			     "chown -R %s state api-key secret-key\n";

/* In a place of its own: a fatal assertion leaves the test's stack. */
void a_start(struct ways *a)
{
	static bool registered;

	if (!registered) {
		(void)atexit(clean_up);
		tap_on_hang(show_log);
	}
	registered = true;
	clean_up();
	memset(a, 0, sizeof(*a));
	a->dir = strdup("/tmp/mk-ways-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(a->dir));
	live = a;
	A_OK(a, "", set_up, geteuid() == 0 ? A_USER : "\"$(id -un)\"");
}

void a_stop(struct ways *a)
{
	if (a->daemon > 0) {
		int status;

		(void)kill(a->daemon, SIGTERM);
		status = a_wait_end(a);
		if (status != 0)
			tap_note("the daemon ended with 0x%x: %.3000s", (unsigned)status, a->log);
		CU_ASSERT_EQUAL(status, 0);
	}
	clean_up();
	free(a->log);
	free(a->dir);
	memset(a, 0, sizeof(*a));
}
