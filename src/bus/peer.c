/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Peers: clients of the private socket. Each has a connection of its own, without a bus in between. The file
 * decides who may connect, serves the peers, and sends them signals. */

#include "bus-internal.h"

#include <inttypes.h>
#include <sys/socket.h>

#define MESSAGE_MAX (1024 * 1024)
#define GROUPS_MAX  65536 /* NGROUPS_MAX of the kernel */

struct mk_bus_server {
	DBusServer *server;
	struct mk_loop_dbus *loop;
	struct mk_bus_listen config; /* address is not kept */
	char *name;
	uint64_t last_peer; /* number of the newest name */
};

/* ---- who may connect ------------------------------------------------------------------------------------- */

static bool in_groups(int fd, gid_t group)
{
	socklen_t size = 64 * sizeof(gid_t);
	_cleanup_free_ gid_t *groups = NULL;
	int r;

	do {
		gid_t *more = realloc(groups, size);

		if (!more)
			return false;
		groups = more;
		r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups,
			       &size); /* ERANGE: size says how much */
	} while (r < 0 && errno == ERANGE && size <= GROUPS_MAX * sizeof(gid_t));

	for (size_t i = 0; r == 0 && i < size / sizeof(gid_t); i++)
		if (groups[i] == group)
			return true;
	return false;
}

/* By what the peer's process was when it connected. NULL: it may; otherwise why not. */
static const char *refuse(struct mk_bus *bus, int fd, const struct ucred *who)
{
	const gid_t group = bus->server->config.group;
	const struct mk_bus_peer *peer;
	unsigned n = 0, n_same = 0;

	if (who->uid != 0 && who->uid != geteuid() &&
	    !(group != (gid_t)-1 && (who->gid == group || in_groups(fd, group))))
		return "it is neither root nor in the daemon's group";

	TAILQ_FOREACH(peer, &bus->peers, entry) {
		n += peer->uid != 0;
		n_same += peer->uid == who->uid;
	}
	if (n_same >= MK_BUS_PEERS_PER_UID_MAX)
		return "its user has too many connections";
	if (who->uid != 0 && n >= MK_BUS_PEERS_MAX)
		return "there are too many connections";
	return NULL;
}

/* ---- one peer --------------------------------------------------------------------------------------------- */

static void peer_free(struct mk_bus_peer *peer)
{
	TAILQ_REMOVE(&peer->bus->peers, peer, entry);
	mk_bus_caller_gone(peer->bus, peer, peer->name);
	sd_event_source_disable_unref(peer->auth);
	mk_loop_dbus_detach(peer->loop);
	dbus_connection_close(peer->connection);
	dbus_connection_unref(peer->connection);
	free(peer);
}

static DBusHandlerResult filter(DBusConnection *connection, DBusMessage *message, void *data)
{
	struct mk_bus_peer *peer = data;

	if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected")) {
		dbus_connection_remove_filter(connection, filter, peer);
		peer_free(peer);
		return DBUS_HANDLER_RESULT_HANDLED;
	}

	if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_METHOD_CALL)
		return DBUS_HANDLER_RESULT_HANDLED; /* we ask peers nothing */

	peer->direct = peer->direct || !(peer->hello || mk_bus_is_for_driver(message));
	/* A bus would see to it that nobody uses another's name. */
	if (!dbus_message_set_sender(message, peer->name))
		return DBUS_HANDLER_RESULT_NEED_MEMORY;
	return mk_bus_dispatch_call(peer->bus, peer, message);
}

static int on_auth_limit(sd_event_source *source, uint64_t usec, void *data)
{
	struct mk_bus_peer *peer = data;

	peer->auth = sd_event_source_disable_unref(peer->auth);
	if (!dbus_connection_get_is_authenticated(peer->connection))
		dbus_connection_close(peer->connection); /* Disconnected comes next */
	return 0;
}

/* libdbus has seen to it that the uid is the one the kernel names; whether it may was decided before. */
static dbus_bool_t allow_user(DBusConnection *connection, unsigned long uid, void *data)
{
	const struct mk_bus_peer *peer = data;

	return uid == peer->uid;
}

static int peer_set_up(struct mk_bus_peer *peer)
{
	struct mk_bus *bus = peer->bus;
	int r;

	dbus_connection_set_max_message_size(peer->connection, MESSAGE_MAX);
	dbus_connection_set_max_received_size(peer->connection, MESSAGE_MAX);
	dbus_connection_set_max_message_unix_fds(peer->connection, 0);
	dbus_connection_set_unix_user_function(peer->connection, allow_user, peer, NULL);
	if (!dbus_connection_add_filter(peer->connection, filter, peer, NULL))
		return -ENOMEM;

	r = sd_event_add_time_relative(bus->event, &peer->auth, CLOCK_MONOTONIC,
				       bus->server->config.auth_limit, USEC_PER_MSEC, on_auth_limit,
				       peer);
	if (r < 0)
		return r;
	return mk_loop_dbus_attach(bus->event, peer->connection, &peer->loop);
}

static void peer_add(struct mk_bus *bus, DBusConnection *connection, const struct ucred *who)
{
	struct mk_bus_peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return; /* libdbus closes what nobody keeps */

	peer->bus = bus;
	peer->connection = dbus_connection_ref(connection);
	peer->uid = who->uid;
	peer->pid = who->pid;
	(void)snprintf(peer->name, sizeof(peer->name), ":1.%" PRIu64, ++bus->server->last_peer);
	TAILQ_INSERT_TAIL(&bus->peers, peer, entry);
	if (peer_set_up(peer) < 0) {
		dbus_connection_remove_filter(connection, filter, peer);
		peer_free(peer);
	}
}

static void on_new_connection(DBusServer *server, DBusConnection *connection, void *data)
{
	struct mk_bus *bus = data;
	const struct mk_bus_listen *config = &bus->server->config;
	struct mk_bus_refusal refusal = { .uid = (uid_t)-1 };
	struct ucred who;
	socklen_t size = sizeof(who);
	int fd;

	if (!dbus_connection_get_socket(connection, &fd) ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0) {
		refusal.reason = "the kernel does not say who it is";
	} else {
		refusal.uid = who.uid;
		refusal.pid = who.pid;
		refusal.reason = refuse(bus, fd, &who);
	}

	if (!refusal.reason)
		peer_add(bus, connection, &who);
	else if (config->refused)
		config->refused(&refusal, config->data);
}

/* ---- signals ---------------------------------------------------------------------------------------------- */

/* A client of a bus gets what it asked for; we leave the choice among the signals to it. Before the first call
 * we do not know: sd-bus takes nothing before the answer to its Hello. */
static bool wants_signals(const struct mk_bus_peer *peer)
{
	return dbus_connection_get_is_connected(peer->connection) &&
	       dbus_connection_get_is_authenticated(peer->connection) &&
	       (peer->n_matches > 0 || peer->direct);
}

static void tell(struct mk_bus_peer *peer, DBusMessage *signal)
{
	DBusConnection *c = peer->connection;
	long before = dbus_connection_get_outgoing_size(c);

	(void)dbus_connection_send(c, signal, NULL);
	if (before == 0)
		peer->unread = 0;
	peer->unread += dbus_connection_get_outgoing_size(c) - before;
	if (peer->unread > MK_BUS_PEER_UNREAD_MAX)
		dbus_connection_close(c); /* Disconnected comes next */
}

/* NULL without memory. A bus must not get one that names a sender. */
static DBusMessage *with_sender(DBusMessage *signal)
{
	DBusMessage *copy = dbus_message_copy(signal);

	if (copy && !dbus_message_set_sender(copy, MK_BUS_PEER_SERVICE)) {
		dbus_message_unref(copy);
		return NULL;
	}
	return copy;
}

void mk_bus_tell_peers(struct mk_bus *bus, DBusMessage *signal)
{
	DBusMessage *copy = NULL; /* one for all peers */
	struct mk_bus_peer *peer;

	TAILQ_FOREACH(peer, &bus->peers, entry) {
		if (!wants_signals(peer))
			continue;
		if (!copy)
			copy = with_sender(signal);
		if (copy)
			tell(peer, copy);
	}

	if (copy)
		dbus_message_unref(copy);
}

/* ---- the server ------------------------------------------------------------------------------------------- */

const char *mk_bus_peer_service_name(const struct mk_bus *bus)
{
	return bus->server->name;
}

static int server_set_up(struct mk_bus *bus)
{
	static const char *mechanisms[] = { "EXTERNAL", NULL };
	struct mk_bus_server *s = bus->server;

	if (!dbus_server_set_auth_mechanisms(s->server, mechanisms))
		return -ENOMEM;
	dbus_server_set_new_connection_function(s->server, on_new_connection, bus, NULL);
	return mk_loop_dbus_attach_server(bus->event, s->server, &s->loop);
}

int mk_bus_listen(struct mk_bus *bus, const struct mk_bus_listen *config, struct mk_error *error)
{
	struct mk_bus_server *s = calloc(1, sizeof(*s));
	DBusError e = DBUS_ERROR_INIT;

	if (!s)
		return -ENOMEM;

	bus->server = s;
	s->config = *config;
	s->config.address = NULL;
	s->name = strdup(config->name);
	s->config.name = s->name;
	if (!s->name)
		return -ENOMEM;

	s->server = dbus_server_listen(config->address, &e);
	if (s->server)
		return server_set_up(bus);

	mk_error_set(error, MK_ERROR_UNAVAILABLE, "cannot listen on the private socket: %s",
		     str_or_empty(e.message));
	dbus_error_free(&e);
	return -EADDRNOTAVAIL;
}

void mk_bus_stop_listening(struct mk_bus *bus)
{
	struct mk_bus_server *s = bus->server;
	struct mk_bus_peer *peer;

	if (!s)
		return;

	while ((peer = TAILQ_FIRST(&bus->peers))) {
		dbus_connection_remove_filter(peer->connection, filter, peer);
		peer_free(peer);
	}

	bus->server = NULL;
	mk_loop_dbus_detach(s->loop);
	if (s->server) {
		dbus_server_disconnect(s->server);
		dbus_server_unref(s->server);
	}
	free(s->name);
	free(s);
}
