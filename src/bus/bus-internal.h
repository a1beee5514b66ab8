/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files of the room share. doc/access.md tells who may call.
 *
 *   bus.c       the objects, and what is sent at the end of a turn
 *   connect.c   the connection to the bus
 *   peer.c      the private socket: clients without a bus
 *   driver.c    the org.freedesktop.DBus that these clients find in place of a bus
 *   call.c      from a message to its handler, and one reply for each
 *   standard.c  Introspectable, Properties, ObjectManager
 *   value.c     D-Bus values to JSON and back
 *   loop.c      libdbus on the event loop
 *   access.c    who may call: polkit asked over the bus
 */

#include "loop-internal.h"
#include "value-internal.h"

#include <sys/queue.h>
#include <uthash.h>

#define OBJECT_MANAGER_INTERFACE "org.freedesktop.DBus.ObjectManager"
#define MK_BUS_UID_CACHE         256

/* Our unique name on the connections of peers. Theirs are :1.1, :1.2, … */
#define MK_BUS_PEER_SERVICE ":1.0"

/* What we know of a caller on the bus, by its unique name. Unique names are never used again, so an entry cannot
 * become wrong. */
struct mk_bus_uid {
	char *name;
	uid_t uid;
	bool member; /* of mk_bus.group */
	UT_hash_handle hh;
};

/* One client of the private socket. */
struct mk_bus_peer {
	struct mk_bus *bus; /* borrowed */
	DBusConnection *connection;
	struct mk_loop_dbus *loop;
	sd_event_source *auth; /* ends a connection that does not authenticate */
	char name[24];         /* ":1.N" */
	uid_t uid;
	pid_t pid;
	bool hello;         /* it called Hello: it talks as to a bus */
	bool direct;        /* it called a method of ours without Hello */
	unsigned n_matches; /* match rules that it has added */
	long unread;        /* bytes of signals queued since the queue was last empty */
	TAILQ_ENTRY(mk_bus_peer) entry;
};

struct mk_bus_server; /* peer.c */

/* What a held call waits for. The caller has no influence on how long MK_CALL_WAITS_CALLER takes. */
enum mk_call_wait {
	MK_CALL_WAITS_NOT,
	MK_CALL_WAITS_CALLER,    /* the bus to tell the caller's uid */
	MK_CALL_WAITS_AUTHORITY, /* the decision of mk_bus_callbacks.authorize */
	MK_CALL_WAITS_ANSWER,    /* the handler's reply */
};

struct mk_call {
	unsigned n_ref;
	struct mk_bus *bus;       /* NULL once the bus is closed or the caller gone */
	struct mk_bus_peer *peer; /* borrowed; NULL: the call came over the bus */
	DBusMessage *message;
	const struct mk_bus_method *method;
	void *object;
	json_object *args;
	uid_t uid;
	bool member; /* of mk_bus.group; only for calls over the bus */
	bool driver; /* it is for the driver; the reply carries the driver's name */
	bool replied;
	enum mk_call_wait wait;
	void (*gone)(struct mk_call *call, void *data);
	void *gone_data;
	TAILQ_ENTRY(mk_call) entry;
};

/* A message that waits for mk_bus_flush(). */
struct mk_bus_out {
	DBusMessage *message;
	DBusConnection *to; /* NULL: everybody */
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
	/* InterfacesAdded was sent, or is not needed because it is not below the root */
	bool announced;
	bool dirty; /* it is in mk_bus.dirty */
	TAILQ_ENTRY(mk_bus_object) dirty_entry;
	UT_hash_handle hh;
};

struct mk_bus {
	sd_event *event;
	struct mk_bus_callbacks callbacks;
	DBusConnection *connection; /* to the bus; NULL: there is none */
	bool named;                 /* the bus has given us our name */
	struct mk_bus_join *join;   /* while mk_bus_join() is under way; else NULL */
	struct mk_loop_dbus *loop;
	gid_t group; /* the group that mk_bus_uid.member is about; (gid_t)-1: none */
	struct mk_bus_server *server; /* NULL: no private socket */
	TAILQ_HEAD(mk_bus_peers, mk_bus_peer) peers;
	char *root;
	struct mk_bus_object *objects;                 /* by path */
	TAILQ_HEAD(mk_bus_dirty, mk_bus_object) dirty; /* objects that are new or changed */
	struct mk_bus_out_list replies, signals, removals;
	TAILQ_HEAD(mk_bus_calls, mk_call) calls; /* all that have no reply yet */
	struct mk_bus_uid *uids;
	/* enabled when the connection is lost or could not be made */
	sd_event_source *disconnected;
	bool discarding; /* mk_bus_discard() was called */
};

/* bus.c */
/* Asks the owner of the bus to call mk_bus_flush() soon. */
void mk_bus_want_flush(struct mk_bus *bus);
/* Queues a message, which is taken over. to NULL: a signal to everybody. message NULL (no memory): does nothing. */
void mk_bus_queue(struct mk_bus *bus, struct mk_bus_out_list *list, DBusConnection *to,
		  DBusMessage *message);
struct mk_bus_object *mk_bus_find(struct mk_bus *bus, const char *path);
/* True if the path is strictly below the root. */
bool mk_bus_below_root(const struct mk_bus *bus, const char *path);

/* connect.c */
void mk_bus_disconnect(struct mk_bus *bus);

/* call.c */
DBusHandlerResult mk_bus_dispatch_call(struct mk_bus *bus, struct mk_bus_peer *peer,
				       DBusMessage *message);
/* The caller with that unique name has disconnected: forgets its calls, and runs their `gone`. peer NULL: it was on
 * the bus. */
void mk_bus_caller_gone(struct mk_bus *bus, const struct mk_bus_peer *peer, const char *name);
/* Answers all calls that have no reply yet with an error. */
void mk_bus_drop_calls(struct mk_bus *bus);
/* Like mk_call_hold(), for a call that waits for something else than its handler. */
struct mk_call *mk_call_hold_for(struct mk_call *call, enum mk_call_wait wait);
/* Queues a reply that was built elsewhere; it is taken over. NULL: the caller is told "out of memory". */
void mk_call_reply_message(struct mk_call *call, DBusMessage *reply);

/* peer.c */
/* Sends a signal, at once, to the peers that want signals. */
void mk_bus_tell_peers(struct mk_bus *bus, DBusMessage *signal);
void mk_bus_stop_listening(struct mk_bus *bus);
const char *mk_bus_peer_service_name(const struct mk_bus *bus);

/* driver.c: org.freedesktop.DBus for peers. Its methods get the call's peer as their object. */
extern const struct mk_bus_interface mk_bus_driver;
bool mk_bus_is_for_driver(DBusMessage *message);

/* standard.c: Introspectable, Properties, ObjectManager. */
extern const struct mk_bus_interface mk_bus_introspectable, mk_bus_properties,
	mk_bus_object_manager;
/* Appends a{sv} of the properties of an interface. only: a flag for each property, false leaves it out; NULL: all. */
bool mk_bus_append_properties(DBusMessageIter *it, const struct mk_bus_object *object,
			      const struct mk_bus_interface *interface, const bool *only);
/* Appends a{sa{sv}}: all interfaces with all their properties. */
bool mk_bus_append_interfaces(DBusMessageIter *it, const struct mk_bus_object *object);
/* True if there is an object at the path or below it. */
bool mk_bus_path_exists(struct mk_bus *bus, const char *path);
