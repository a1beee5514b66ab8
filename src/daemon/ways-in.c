/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How callers reach the daemon: the bus, which may appear later than the daemon, and the private socket that
 * systemd passes; and the access control of both. */

#include "daemon-internal.h"

#include "base/log.h"

#include <systemd/sd-daemon.h>

#define BUS_RETRY (2 * USEC_PER_SEC)

/* True if systemd passed the private socket; negative if it passed anything else. */
static int socket_passed(void)
{
	int n = sd_listen_fds(false);

	if (n <= 0)
		return n;
	if (n == 1 && sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) > 0)
		return true;

	mk_log_error(NULL,
		     "%d descriptors were passed; one listening AF_UNIX stream socket was "
		     "expected: see migratekit-volumed.socket",
		     n);
	return -EINVAL;
}

static void on_authorize(struct mk_call *call, void *data)
{
	mk_access_authorize(((struct daemon *)data)->access, call);
}

static int listen_for_peers(struct daemon *d)
{
	const struct mk_bus_listen config = {
		.address = "systemd:",
		.name = MK_BUS_NAME,
		.group = mk_access_group(d->access),
		.auth_limit = MK_BUS_PEER_AUTH_LIMIT,
		.refused = mk_access_log_refusal,
	};
	_cleanup_error_ struct mk_error error = { 0 };
	int r;

	r = mk_bus_listen(d->bus, &config, &error);
	return r < 0 ? mk_daemon_fail("cannot serve the private socket", r, &error) : 0;
}

int mk_daemon_make_access(struct daemon *d)
{
	const struct mk_access_config config = {
		.event = d->event,
		.group = d->config->daemon.group,
		.limit = MK_ACCESS_LIMIT,
	};
	int r;

	r = mk_access_new(&config, &d->access);
	return r < 0 ? mk_daemon_fail("cannot make the access control", r, NULL) : 0;
}

/* Says so once, and tries again. */
static void without_bus(struct daemon *d, const struct mk_error *error)
{
	_cleanup_free_ char *text =
		mk_strdup_printf("serving the private socket alone: %s", str_or_empty(error->text));

	if (mk_service_set_condition(d->service, MK_CONDITION_BUS, str_or_empty(text)))
		mk_log_warning(NULL, "%s", str_or_empty(text));
	(void)sd_event_source_set_time_relative(d->bus_retry, BUS_RETRY);
	(void)sd_event_source_set_enabled(d->bus_retry, SD_EVENT_ONESHOT);
}

static void on_joined(const struct mk_error *error, void *data)
{
	struct daemon *d = data;

	if (error) {
		without_bus(d, error);
	} else {
		mk_log_notice(NULL, "the bus is there: serving it too");
		(void)mk_service_set_condition(d->service, MK_CONDITION_BUS, "");
		mk_access_start(d->access, d->bus);
	}
	mk_daemon_refresh(d);
}

static int on_bus_retry(sd_event_source *source, uint64_t usec, void *data)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct daemon *d = data;

	if (mk_bus_join(d->bus, d->options->bus_address, MK_BUS_NAME, on_joined, d, &error) < 0)
		on_joined(&error, d);
	return 0;
}

/* Where there is a private socket the bus may be missing, and come later. */
static int connect_bus(struct daemon *d)
{
	_cleanup_error_ struct mk_error error = { 0 };
	int r;

	if (d->options->no_bus)
		return 0;

	r = mk_bus_connect(d->bus, d->options->bus_address, &error);
	if (r == -ECONNREFUSED && d->has_socket) {
		r = sd_event_add_time_relative(d->event, &d->bus_retry, CLOCK_MONOTONIC, BUS_RETRY,
					       0, on_bus_retry, d);
		if (r < 0)
			return mk_daemon_fail("cannot use the event loop", r, NULL);
		without_bus(d, &error);
		return 0;
	}
	if (r < 0)
		return mk_daemon_fail("cannot connect to the bus", r, &error);

	mk_access_start(d->access, d->bus);
	return 0;
}

static void on_disconnected(void *data)
{
	struct daemon *d = data;

	mk_log_error(NULL,
		     "lost the connection to the bus; ending, operations go on after the next "
		     "start");
	(void)sd_event_exit(d->event, EXIT_FAILURE);
}

int mk_daemon_open_bus(struct daemon *d, void (*want_flush)(void *data))
{
	const struct mk_bus_callbacks callbacks = {
		.want_flush = want_flush,
		.disconnected = on_disconnected,
		.authorize = on_authorize,
		.data = d,
	};
	int r;

	r = socket_passed();
	if (r < 0)
		return mk_daemon_give_up(d, r);
	d->has_socket = r > 0;
	if (d->options->no_bus && !d->has_socket) {
		mk_log_error(NULL, "--no-bus, and systemd passed no socket: nobody could call");
		return mk_daemon_give_up(d, -EINVAL);
	}

	r = mk_bus_new(d->event, MK_BUS_ROOT, &callbacks, &d->bus);
	if (r < 0)
		return mk_daemon_fail("cannot make the D-Bus objects", r, NULL);
	r = connect_bus(d);
	if (r < 0)
		return r;

	r = mk_service_publish(d->service, d->bus);
	return r < 0 ? mk_daemon_fail("cannot publish the manager object", r, NULL) : 0;
}

/* Last: from here on callers come. */
int mk_daemon_let_in(struct daemon *d)
{
	_cleanup_error_ struct mk_error error = { 0 };
	int r;

	if (mk_bus_connected(d->bus)) {
		r = mk_bus_request_name(d->bus, MK_BUS_NAME, &error);
		if (r < 0)
			return mk_daemon_fail("cannot own the name " MK_BUS_NAME, r, &error);
	}

	return d->has_socket ? listen_for_peers(d) : 0;
}
