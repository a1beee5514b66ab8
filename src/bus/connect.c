/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection to the bus. At start it is made by blocking calls; later, from the loop, without blocking. */

#include "bus-internal.h"

#define RECEIVED_MAX (1024 * 1024) /* bytes read ahead of what is handled */
#define SYSTEM_BUS   "unix:path=/run/dbus/system_bus_socket"

/* Joining from the loop: the connection is there, and the bus has been asked something. */
struct mk_bus_join {
	char *name;
	mk_bus_joined *done;
	void *data;
	DBusPendingCall *pending;
	struct mk_error error; /* why it failed */
};

static struct mk_bus_join *join_new(const char *name, mk_bus_joined *done, void *data)
{
	struct mk_bus_join *join = calloc(1, sizeof(*join));

	if (!join)
		return NULL;

	join->name = strdup(name);
	join->done = done;
	join->data = data;
	if (join->name)
		return join;

	free(join);
	return NULL;
}

static void join_free(struct mk_bus_join *join)
{
	if (join->pending) {
		dbus_pending_call_cancel(join->pending);
		dbus_pending_call_unref(join->pending);
	}
	mk_error_done(&join->error);
	free(join->name);
	free(join);
}

static void join_end(struct mk_bus *bus, const struct mk_error *error)
{
	struct mk_bus_join *join = bus->join;

	bus->join = NULL;
	join->done(error, join->data);
	join_free(join);
}

/* ---- what comes ------------------------------------------------------------------------------------------ */

/* A unique name whose new owner is nobody has left the bus. */
static void on_owner_changed(struct mk_bus *bus, DBusMessage *message)
{
	const char *name, *before, *after;

	if (dbus_message_has_sender(message, DBUS_SERVICE_DBUS) &&
	    dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
				  DBUS_TYPE_STRING, &after, DBUS_TYPE_INVALID) &&
	    *name == ':' && !*after)
		mk_bus_caller_gone(bus, NULL, name);
}

/* Outside of the dispatch, which uses the connection. */
static void end_soon(struct mk_bus *bus)
{
	(void)sd_event_source_set_enabled(bus->disconnected, SD_EVENT_ONESHOT);
}

static DBusHandlerResult filter(DBusConnection *connection, DBusMessage *message, void *data)
{
	struct mk_bus *bus = data;

	if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected")) {
		end_soon(bus);
		return DBUS_HANDLER_RESULT_HANDLED;
	}

	if (bus->join) /* nobody is served before all is ready */
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;

	if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_METHOD_CALL)
		return mk_bus_dispatch_call(bus, NULL, message);

	if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged"))
		on_owner_changed(bus, message);

	return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

/* ---- the connection -------------------------------------------------------------------------------------- */

static void drop(struct mk_bus *bus, bool flush)
{
	if (flush)
		dbus_connection_flush(bus->connection);
	dbus_connection_remove_filter(bus->connection, filter, bus);
	bus->loop = mk_loop_dbus_detach(bus->loop);
	dbus_connection_close(bus->connection);
	dbus_connection_unref(bus->connection);
	bus->connection = NULL;
	bus->disconnected = sd_event_source_disable_unref(bus->disconnected);
}

/* While it joins there is nothing to be flushed, and the bus may not even read. */
void mk_bus_disconnect(struct mk_bus *bus)
{
	if (bus->connection)
		drop(bus, !bus->join);
	if (bus->join)
		join_free(bus->join);
	bus->join = NULL;
}

static int on_end(sd_event_source *source, void *data)
{
	struct mk_bus *bus = data;

	if (!bus->join) {
		bus->callbacks.disconnected(bus->callbacks.data);
		return 0;
	}

	mk_error_set(&bus->join->error, MK_ERROR_UNAVAILABLE, "the bus closed the connection");
	drop(bus, false);
	join_end(bus, &bus->join->error);
	return 0;
}

static int attach(struct mk_bus *bus)
{
	int r;

	dbus_connection_set_exit_on_disconnect(bus->connection, FALSE);
	/* How big a message may be is the bus's to say: to libdbus a bigger one would be the end of the connection,
	 * which is everybody's. */
	dbus_connection_set_max_received_size(bus->connection, RECEIVED_MAX);
	if (!dbus_connection_add_filter(bus->connection, filter, bus, NULL))
		return -ENOMEM;

	r = sd_event_add_defer(bus->event, &bus->disconnected, on_end, bus);
	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(bus->disconnected, SD_EVENT_OFF);

	return mk_loop_dbus_attach(bus->event, bus->connection, &bus->loop);
}

/* Whoever leaves the bus; without waiting for the answer. */
static void watch_callers(struct mk_bus *bus)
{
	dbus_bus_add_match(bus->connection,
			   "type='signal',sender='" DBUS_SERVICE_DBUS
			   "',interface='" DBUS_INTERFACE_DBUS
			   "',member='NameOwnerChanged',arg2=''",
			   NULL);
}

static int cannot_connect(DBusError *e, struct mk_error *error)
{
	mk_error_set(error, MK_ERROR_UNAVAILABLE, "cannot connect to the bus: %s",
		     str_or_empty(e->message));
	dbus_error_free(e);
	return -ECONNREFUSED;
}

static DBusConnection *open_connection(const char *address, DBusError *e)
{
	if (!address)
		address = getenv("DBUS_STARTER_ADDRESS");
	if (!address)
		address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
	return dbus_connection_open_private(address ? address : SYSTEM_BUS, e);
}

bool mk_bus_connected(const struct mk_bus *bus)
{
	return bus->connection != NULL && !bus->join;
}

/* ---- at start: each answer is waited for ----------------------------------------------------------------- */

int mk_bus_connect(struct mk_bus *bus, const char *address, struct mk_error *error)
{
	DBusError e = DBUS_ERROR_INIT;
	DBusConnection *c = open_connection(address, &e);
	int r;

	if (c && !dbus_bus_register(c, &e)) {
		dbus_connection_close(c);
		dbus_connection_unref(c);
		c = NULL;
	}
	if (!c)
		return cannot_connect(&e, error);

	bus->connection = c;
	r = attach(bus);
	if (r >= 0)
		watch_callers(bus);
	return r;
}

/* The bus's answer to the request for a name. */
static int check_owner(dbus_uint32_t answer, const char *name, struct mk_error *error)
{
	if (answer == DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER ||
	    answer == DBUS_REQUEST_NAME_REPLY_ALREADY_OWNER)
		return 0;

	mk_error_set(error, MK_ERROR_UNAVAILABLE,
		     "the name %s is owned already: is another daemon running?", name);
	return -EEXIST;
}

int mk_bus_request_name(struct mk_bus *bus, const char *name, struct mk_error *error)
{
	DBusError e = DBUS_ERROR_INIT;
	int r;

	r = dbus_bus_request_name(bus->connection, name, DBUS_NAME_FLAG_DO_NOT_QUEUE, &e);
	if (r >= 0) {
		r = check_owner((dbus_uint32_t)r, name, error);
		bus->named = r == 0;
		return r;
	}

	r = dbus_error_has_name(&e, DBUS_ERROR_ACCESS_DENIED) ? -EACCES : -EIO;
	mk_error_set(error, MK_ERROR_UNAVAILABLE, "the bus does not give us the name %s: %s", name,
		     str_or_empty(e.message));
	dbus_error_free(&e);
	return r;
}

/* ---- later: none is ------------------------------------------------------------------------------------- */

/* False: it has failed and will end. */
static bool ask(struct mk_bus *bus, DBusMessage *call, DBusPendingCallNotifyFunction on_reply)
{
	struct mk_bus_join *join = bus->join;
	bool ok;

	ok = call &&
	     dbus_connection_send_with_reply(bus->connection, call, &join->pending,
					     DBUS_TIMEOUT_USE_DEFAULT) &&
	     join->pending && dbus_pending_call_set_notify(join->pending, on_reply, bus, NULL);
	if (call)
		dbus_message_unref(call);
	if (!ok)
		end_soon(bus);
	return ok;
}

/* The reply to what was asked; NULL: an error, and it will end. */
static DBusMessage *take_reply(struct mk_bus *bus)
{
	struct mk_bus_join *join = bus->join;
	DBusMessage *reply = dbus_pending_call_steal_reply(join->pending);
	DBusError e = DBUS_ERROR_INIT;

	dbus_pending_call_unref(join->pending);
	join->pending = NULL;
	if (reply && !dbus_set_error_from_message(&e, reply))
		return reply;

	mk_error_set(&join->error, MK_ERROR_UNAVAILABLE, "the bus does not let us in: %s",
		     e.message ? e.message : "no answer");
	dbus_error_free(&e);
	if (reply)
		dbus_message_unref(reply);
	end_soon(bus);
	return NULL;
}

static DBusMessage *call_bus(const char *method)
{
	return dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
					    method);
}

static void on_named(DBusPendingCall *pending, void *data)
{
	struct mk_bus *bus = data;
	DBusMessage *reply = take_reply(bus);
	dbus_uint32_t answer = 0;

	if (!reply)
		return;

	(void)dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &answer, DBUS_TYPE_INVALID);
	dbus_message_unref(reply);
	bus->named = check_owner(answer, bus->join->name, &bus->join->error) == 0;
	if (bus->named)
		join_end(bus, NULL);
	else
		end_soon(bus);
}

static void on_registered(DBusPendingCall *pending, void *data)
{
	struct mk_bus *bus = data;
	DBusMessage *reply = take_reply(bus), *m;
	dbus_uint32_t flags = DBUS_NAME_FLAG_DO_NOT_QUEUE;
	const char *unique = NULL;

	if (!reply)
		return;

	if (dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &unique, DBUS_TYPE_INVALID))
		(void)dbus_bus_set_unique_name(bus->connection, unique);
	dbus_message_unref(reply);

	watch_callers(bus);
	m = call_bus("RequestName");
	if (m && !dbus_message_append_args(m, DBUS_TYPE_STRING, &bus->join->name, DBUS_TYPE_UINT32,
					   &flags, DBUS_TYPE_INVALID)) {
		dbus_message_unref(m);
		m = NULL;
	}
	(void)ask(bus, m, on_named);
}

int mk_bus_join(struct mk_bus *bus, const char *address, const char *name, mk_bus_joined *done,
		void *data, struct mk_error *error)
{
	DBusError e = DBUS_ERROR_INIT;
	int r;

	bus->join = join_new(name, done, data);
	if (!bus->join)
		return -ENOMEM;

	bus->connection = open_connection(address, &e);
	r = bus->connection ? attach(bus) : cannot_connect(&e, error);
	if (r >= 0 && !ask(bus, call_bus("Hello"), on_registered))
		r = -ENOMEM;
	if (r < 0)
		mk_bus_disconnect(bus);
	return r;
}
