/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A libdbus connection on an sd-event loop: watches, timeouts, dispatch, back-pressure.
 *
 * libdbus makes two watches for one descriptor, and sd-event allows one source per descriptor. So there is one
 * source per descriptor; its event mask is the union of the enabled watches. Each turn of the loop dispatches at
 * most one message per connection. While MK_DBUS_OUTGOING_MAX bytes or more wait to be sent, nothing is dispatched:
 * a client that sends and never reads has to wait, and our memory does not grow.
 */

#include <dbus/dbus.h>
#include <systemd/sd-event.h>

#define MK_DBUS_OUTGOING_MAX (256 * 1024)

struct mk_loop_dbus;

/* Puts the connection on the loop and takes a reference to it. Returns 0 or a negative errno. */
int mk_loop_dbus_attach(sd_event *event, DBusConnection *connection, struct mk_loop_dbus **ret);
/* The same for a server, which then accepts connections from the loop. */
int mk_loop_dbus_attach_server(sd_event *event, DBusServer *server, struct mk_loop_dbus **ret);
/* Takes it off the loop again. May be called from within a dispatch. NULL is allowed; returns NULL. */
struct mk_loop_dbus *mk_loop_dbus_detach(struct mk_loop_dbus *loop);
