/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements testbus.h: writes the configuration of a private dbus-daemon and starts it. */

#include "testbus.h"

#include "child.h"
#include "tap.h"

#include <fcntl.h>
#include <signal.h>

struct tb_bus {
	pid_t pid;
	char address[512];
};

/*
 * A bus of type system would start services only through its setuid helper. The receive rule is needed even
 * for the reply to Hello. The one limit that tests reach is that of calls without a reply.
 */
static const char config[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig>\n"
	" <type>session</type>\n"
	" <listen>unix:path=%s/bus</listen>\n"
	" <auth>EXTERNAL</auth>\n"
	" <policy context=\"default\">\n"
	"  <allow send_destination=\"*\" eavesdrop=\"true\"/>\n"
	"  <allow eavesdrop=\"true\"/>\n"
	"  <allow own=\"*\"/>\n"
	"  <allow user=\"*\"/>\n"
	" </policy>\n"
	" <limit name=\"max_replies_per_connection\">100000</limit>\n"
	"</busconfig>\n";

static bool write_config(const char *path, const char *dir)
{
	_cleanup_fclose_ FILE *f = fopen(path, "we");

	if (!f)
		return false;
	fprintf(f, config, dir);
	return true;
}

struct tb_bus *tb_start(const char *dir)
{
	_cleanup_free_ char *path = mk_strdup_printf("%s/bus.conf", dir);
	_cleanup_free_ char *option = mk_strdup_printf("--config-file=%s", path);
	_cleanup_free_ char *log = mk_strdup_printf("%s/bus.log", dir);
	/* It complains that it cannot raise its limit of descriptors: not in the test's output. */
	_cleanup_close_ int fd_log = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	const char *const argv[] = { "dbus-daemon", option, "--nofork", "--print-address", NULL };
	struct tb_bus *bus = calloc(1, sizeof(*bus));
	int fds[2], r = -EIO;

	if (!bus || !write_config(path, dir) || pipe2(fds, O_CLOEXEC) < 0) {
		free(bus);
		return NULL;
	}

	if (child_start(argv, NULL, fds[1], fd_log, &bus->pid) == 0) {
		close(fds[1]);
		r = child_read_line(fds[0], bus->address, sizeof(bus->address));
	} else {
		close(fds[1]);
	}
	close(fds[0]);
	if (r < 0) {
		tap_note("dbus-daemon does not start: %s", strerror(-r));
		return tb_stop(bus);
	}

	return bus;
}

struct tb_bus *tb_stop(struct tb_bus *bus)
{
	if (bus && bus->pid > 0)
		(void)child_stop(bus->pid, SIGKILL);
	free(bus);
	return NULL;
}

const char *tb_address(const struct tb_bus *bus)
{
	return bus->address;
}

pid_t tb_pid(const struct tb_bus *bus)
{
	return bus->pid;
}
