/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A libdbus connection on an sd-event loop: watches, time-outs, dispatch, back-pressure.
 *
 * libdbus hands out two watches for one descriptor and sd-event takes one source for it, so there is one
 * source per descriptor whose mask is the union of the enabled watches. One message is dispatched a
 * turn. While more than MK_DBUS_OUTGOING_MAX bytes wait to be sent, nothing is dispatched: a client that
 * sends and never reads makes itself wait, not us grow.
 */

#include <dbus/dbus.h>
#include <systemd/sd-event.h>

#define MK_DBUS_OUTGOING_MAX (256 * 1024)

struct mk_loop_dbus;

/* Takes a reference to the connection. Returns 0 or a negative errno. */
int mk_loop_dbus_attach(sd_event *event, DBusConnection *connection, struct mk_loop_dbus **ret);
/* The same for a server: it accepts connections from the loop. */
int mk_loop_dbus_attach_server(sd_event *event, DBusServer *server, struct mk_loop_dbus **ret);
/* Off the loop again; may be called from within a dispatch. NULL is allowed; returns NULL. */
struct mk_loop_dbus *mk_loop_dbus_detach(struct mk_loop_dbus *loop);
