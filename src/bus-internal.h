/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by bus.c (connection, objects, flush), bus-call.c (dispatch, calls) and bus-standard.c (the
 * standard interfaces). */

#include "bus-value.h"
#include "loop-dbus.h"

#include <sys/queue.h>
#include <uthash.h>

#define OBJECT_MANAGER_INTERFACE "org.freedesktop.DBus.ObjectManager"
#define MK_BUS_UID_CACHE         256

/* What is known of a caller. Unique names are never used again, so an entry cannot become wrong. */
struct mk_bus_uid {
	char *name;
	uid_t uid;
	UT_hash_handle hh;
};

struct mk_call {
	unsigned n_ref;
	struct mk_bus *bus; /* NULL once the bus is closed */
	DBusMessage *message;
	const struct mk_bus_method *method;
	void *object;
	json_object *args;
	uid_t uid;
	bool replied;
	TAILQ_ENTRY(mk_call) entry;
};

/* A message that waits for the flush. */
struct mk_bus_out {
	DBusMessage *message;
	STAILQ_ENTRY(mk_bus_out) entry;
};
STAILQ_HEAD(mk_bus_out_list, mk_bus_out);

struct mk_bus_object {
	struct mk_bus *bus; /* borrowed */
	char *path;
	const struct mk_bus_interface **interfaces;
	size_t n;
	bool **changed; /* [interface][property] since the last flush */
	void *object;
	bool announced; /* InterfacesAdded was sent, or it is not below the root */
	bool dirty;     /* in the list of that name */
	TAILQ_ENTRY(mk_bus_object) dirty_entry;
	UT_hash_handle hh;
};

struct mk_bus {
	sd_event *event;
	struct mk_bus_callbacks callbacks;
	DBusConnection *connection;
	struct mk_loop_dbus *loop;
	char *root;
	struct mk_bus_object *objects;     /* by path */
	TAILQ_HEAD(, mk_bus_object) dirty; /* new or changed */
	struct mk_bus_out_list replies, signals, removals;
	TAILQ_HEAD(, mk_call) calls; /* all that have no reply yet */
	size_t n_calls;
	struct mk_bus_uid *uids;
	sd_event_source *disconnected; /* armed when the connection is lost */
	bool discarding;               /* nothing is sent any more */
};

/* bus.c */
void mk_bus_want_flush(struct mk_bus *bus);
void mk_bus_queue(struct mk_bus *bus, struct mk_bus_out_list *list, DBusMessage *message);
struct mk_bus_object *mk_bus_find(struct mk_bus *bus, const char *path);
bool mk_bus_below_root(const struct mk_bus *bus, const char *path);

/* bus-call.c */
DBusHandlerResult mk_bus_dispatch_call(struct mk_bus *bus, DBusMessage *message);
void mk_bus_drop_calls(struct mk_bus *bus);
/* Queues a reply built elsewhere (taken over); NULL: out of memory. */
void mk_call_reply_message(struct mk_call *call, DBusMessage *reply);

/* bus-standard.c: Introspectable, Properties, ObjectManager. */
extern const struct mk_bus_interface mk_bus_introspectable, mk_bus_properties,
	mk_bus_object_manager;
/* {sv} of every property of an interface; those whose flag in `only` is false are left out (NULL: none). */
bool mk_bus_append_properties(DBusMessageIter *it, const struct mk_bus_object *object,
			      const struct mk_bus_interface *interface, const bool *only);
/* a{sa{sv}}: all interfaces with all properties. */
bool mk_bus_append_interfaces(DBusMessageIter *it, const struct mk_bus_object *object);
/* True for a path that is an object or lies above one. */
bool mk_bus_path_exists(struct mk_bus *bus, const char *path);
