/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A baseline of the benchmarks: the smallest libdbus service. It owns org.migratekit.Echo and answers every method
 * call with the text of the call's first argument.
 */

#include "base/base.h"

#include <dbus/dbus.h>

static DBusHandlerResult on_message(DBusConnection *c, DBusMessage *m, void *data)
{
	DBusMessage *reply;
	const char *text = "";

	if (dbus_message_get_type(m) != DBUS_MESSAGE_TYPE_METHOD_CALL)
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;

	(void)dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
	reply = dbus_message_new_method_return(m);
	(void)dbus_message_append_args(reply, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
	(void)dbus_connection_send(c, reply, NULL);
	dbus_message_unref(reply);
	return DBUS_HANDLER_RESULT_HANDLED;
}

int main(int argc, char **argv)
{
	DBusConnection *c = argc == 2 ? dbus_connection_open_private(argv[1], NULL) : NULL;

	if (!c || !dbus_bus_register(c, NULL) ||
	    !dbus_connection_add_filter(c, on_message, NULL, NULL) ||
	    dbus_bus_request_name(c, "org.migratekit.Echo", 0, NULL) < 0)
		return EXIT_FAILURE;

	while (dbus_connection_read_write_dispatch(c, -1))
		;
	return EXIT_SUCCESS;
}
