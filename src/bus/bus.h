/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Room bus: the D-Bus service side, on libdbus-1. Callers define interfaces as tables and get objects on the bus.
 *
 * An interface is a table of methods, properties and signals. The same rows drive dispatch, the check of arguments
 * and options, introspection and replies. In this header values are JSON (json-c); the D-Bus signature in the table
 * says what they are in the message:
 *
 *   s o u t x i b d   text, text, integers, boolean, double
 *   as ao             array of texts
 *   a{sv}             object; each value's type follows its JSON type: text s, boolean b, integer t
 *                     (x if negative), double d, array of texts as, array of objects aa{sv},
 *                     empty array as, object a{sv}
 *   aa{sv}            array of objects
 *   v                 one value, typed in the same way
 *
 * Nothing is sent at once: replies and signals are queued until mk_bus_flush(), so that the caller can commit its
 * journal first. Every call gets exactly one reply, whatever the handler does.
 *
 * There are two ways in: the bus, and a private socket whose clients ("peers") need no bus.
 */

#include "base/base.h"

#include <systemd/sd-event.h>

struct mk_bus;
struct mk_bus_object;
struct mk_call;

/* Limits on what one caller can make us hold. */
#define MK_BUS_TEXT_MAX       4096u  /* bytes of one text argument */
#define MK_BUS_ARRAY_MAX      1024u  /* elements of one array argument */
#define MK_BUS_ARRAY_TEXT_MAX 65536u /* bytes of all texts of one array */

/*
 * Limits on calls that wait for an answer (mk_call_hold()); a call beyond them gets LimitsExceeded. Calls that are
 * answered at once do not count and are never refused for this. Calls that wait for authorisation and calls that
 * wait for their handler are counted separately: whoever has many of one sort can still make the other.
 */
#define MK_BUS_HELD_MAX            512u /* of all users but root, whom they cannot keep out */
#define MK_BUS_HELD_PER_USER_MAX   256u /* of one user */
#define MK_BUS_HELD_PER_CALLER_MAX 128u /* of one connection */

/* What a call needs, as a set of bits: one for its method's privilege, and those that `also` returns. */
#define MK_NEEDS(privilege) (1u << (privilege))

struct mk_bus_method {
	const char *name;          /* NULL ends the table */
	const char *in, *in_names; /* signature; argument names separated by commas ("" for none) */
	const char *out, *out_names;
	/*
	 * Runs when the arguments are checked, the caller's uid is known (MK_BUS_CALLER) and the caller is
	 * authorised. object is what was given to mk_bus_object_add(). The handler replies by mk_call_reply() or
	 * mk_call_error(), at once, or later with a reference from mk_call_hold(). If the last reference is dropped
	 * without a reply, the bus sends the error Internal.
	 */
	void (*handler)(struct mk_call *call, void *object);
	unsigned flags;
	/* keys that a last argument a{sv} may have; NULL: none */
	const struct mk_option *options;
	const void *data;            /* for the handler: mk_call_method(call)->data */
	enum mk_privilege privilege; /* what the caller needs, unless MK_BUS_OPEN */
	/* Returns the MK_NEEDS() bits that this call needs besides `privilege`; NULL: none. */
	unsigned (*also)(const struct mk_call *call, void *object);
};
#define MK_BUS_CALLER (1u << 0) /* the handler needs mk_call_uid(): it is looked up before */
/* No authorisation is needed, except on objects below the root: their names are only for those who may read. */
#define MK_BUS_OPEN   (1u << 1)

struct mk_bus_property {
	const char *name; /* NULL ends the table */
	const char *signature;
	/* Returns the current value, from memory, as a new reference; NULL only without memory. */
	json_object *(*get)(void *object);
	unsigned flags;
};
#define MK_BUS_CONST (1u << 0) /* EmitsChangedSignal=const; else true */

struct mk_bus_signal {
	const char *name; /* NULL ends the table */
	const char *signature, *names;
};

/* Tables may be NULL if there are no such members. They must outlive the objects that use them. */
struct mk_bus_interface {
	const char *name;
	const struct mk_bus_method *methods;
	const struct mk_bus_property *properties;
	const struct mk_bus_signal *signals;
};

struct mk_bus_callbacks {
	/* Something was queued: mk_bus_flush() must be called soon (once per turn of the loop). */
	void (*want_flush)(void *data);
	/* The connection to the bus was lost after it had been made. Runs once, from the loop. */
	void (*disconnected)(void *data);
	void *data;
	/*
	 * Decides on a call that came over the bus, to a method that is not open (MK_BUS_OPEN). Ends it by
	 * mk_call_authorized() or mk_call_error(), at once, or later if it holds the call. The caller's uid is
	 * known. NULL: every call runs. Not called for peers, which are checked when they connect.
	 */
	void (*authorize)(struct mk_call *call, void *data);
};

/* Makes a bus that has no connection yet: mk_bus_connect() and mk_bus_listen() add the ways in. root is the path of
 * the object with org.freedesktop.DBus.ObjectManager. Returns 0 or a negative errno. */
int mk_bus_new(sd_event *event, const char *root, const struct mk_bus_callbacks *callbacks,
	       struct mk_bus **ret);

/*
 * Connects to the bus at address (NULL: DBUS_STARTER_ADDRESS if set, else the system bus), registers, and adds the
 * connection to the loop. Blocks, so only at start. Returns 0; -ECONNREFUSED with the error set
 * (MK_ERROR_UNAVAILABLE); or another negative errno without it.
 */
int mk_bus_connect(struct mk_bus *bus, const char *address, struct mk_error *error);
bool mk_bus_connected(const struct mk_bus *bus);

/* mk_bus_new() and mk_bus_connect() in one. */
int mk_bus_open(sd_event *event, const char *address, const char *root,
		const struct mk_bus_callbacks *callbacks, struct mk_bus **ret,
		struct mk_error *error);
/*
 * Connects and takes the name, without blocking, at any later time. done runs once, from the loop: with error NULL
 * when we own the name; or with the error, and then there is no connection again. Returns 0; -ECONNREFUSED with the
 * error set if nobody listens at the address; or another negative errno: then done does not run. Not allowed while
 * connected or joining.
 */
typedef void mk_bus_joined(const struct mk_error *error, void *data);
int mk_bus_join(struct mk_bus *bus, const char *address, const char *name, mk_bus_joined *done,
		void *data, struct mk_error *error);
/* Takes the name on the bus. Blocks, so only at start, as the last step. Returns 0; or with the error set: -EEXIST
 * if somebody else owns it (we do not queue for it), -EACCES, or another negative errno. */
int mk_bus_request_name(struct mk_bus *bus, const char *name, struct mk_error *error);

/* ---- peers: a private socket ---------------------------------------------------------------------- */

#define MK_BUS_PEERS_MAX         96u /* of all users but root */
#define MK_BUS_PEERS_PER_UID_MAX 48u
#define MK_BUS_PEER_AUTH_LIMIT   (10 * USEC_PER_SEC)
/* bytes of signals that wait for one peer; beyond, it is disconnected */
#define MK_BUS_PEER_UNREAD_MAX   (1024 * 1024)

/* Somebody who was refused at the private socket. reason: half a sentence. */
struct mk_bus_refusal {
	uid_t uid;
	pid_t pid;
	const char *reason;
};

struct mk_bus_listen {
	/* in libdbus' form; "systemd:" takes the one socket that systemd passed */
	const char *address;
	const char *name; /* the well-known name that peers find us under */
	/* its members may connect, besides root and our own user; (gid_t)-1: nobody besides these */
	gid_t group;
	uint64_t auth_limit; /* µs from the connection to the end of its authentication */
	void (*refused)(const struct mk_bus_refusal *refusal,
			void *data); /* Somebody was refused; may be NULL. */
	void *data;
};

/*
 * Serves the same objects to peers, each on a connection of its own without a bus in between. Signals go to each
 * peer that asked for some by AddMatch, and to each that called a method without having called Hello on the driver.
 * A peer that does not read is disconnected (MK_BUS_PEER_UNREAD_MAX). To be called once. Returns 0; -EADDRNOTAVAIL
 * with the error set; or another negative errno without it.
 */
int mk_bus_listen(struct mk_bus *bus, const struct mk_bus_listen *config, struct mk_error *error);

/* Answers held calls with an error, sends what is queued (unless mk_bus_discard() was called), and closes all
 * connections. NULL is allowed; returns NULL. */
struct mk_bus *mk_bus_close(struct mk_bus *bus);
DEFINE_CLEANUP(struct mk_bus *, mk_bus_close)

/* Sends what is queued, in this order: replies; InterfacesAdded; PropertiesChanged (one per object and interface,
 * each property once, with its value as of now); other signals in their order; InterfacesRemoved. */
void mk_bus_flush(struct mk_bus *bus);

/* Drops what is queued and all that is queued later: for when it must not become known. Waiting callers learn that
 * there will be no reply when the connection is closed. */
void mk_bus_discard(struct mk_bus *bus);

/*
 * Publishes an object. interfaces: an array of n pointers, which is copied. An object below root appears in
 * GetManagedObjects, and the next flush announces it by InterfacesAdded with all its properties; root itself is not
 * announced. Introspectable, Peer and Properties are added to every object, and every path above an object answers
 * Introspect. Returns 0, -ENOMEM, -EEXIST, or -EINVAL for a bad path.
 */
int mk_bus_object_add(struct mk_bus *bus, const char *path,
		      const struct mk_bus_interface *const *interfaces, size_t n, void *object,
		      struct mk_bus_object **ret);
void mk_bus_object_remove(struct mk_bus_object *object); /* NULL is allowed */
const char *mk_bus_object_path(const struct mk_bus_object *object);

/* The property's value may have changed: the next flush sends it. interface and name must be in the object's
 * tables. */
void mk_bus_object_changed(struct mk_bus_object *object, const char *interface, const char *name);

/* Queues a signal. args: a JSON array, one element for each argument; the reference is taken over. */
void mk_bus_object_signal(struct mk_bus_object *object, const char *interface, const char *name,
			  json_object *args);

/* ---- calls -------------------------------------------------------------------------------------- */

struct mk_call *mk_call_ref(struct mk_call *call);
struct mk_call *mk_call_unref(struct mk_call *call); /* NULL is allowed; returns NULL */
DEFINE_CLEANUP(struct mk_call *, mk_call_unref)

/* Takes a reference for a handler that answers later. NULL: too many calls are waiting; the caller has been sent an
 * error already, and the handler must just return. */
struct mk_call *mk_call_hold(struct mk_call *call);

/* The arguments: a JSON array in the order of the method's `in`; borrowed. */
json_object *mk_call_args(const struct mk_call *call);
/* One argument as text or number; the method's signature must say that it is one. */
const char *mk_call_arg_str(const struct mk_call *call, size_t i);
uint64_t mk_call_arg_u64(const struct mk_call *call, size_t i);

const struct mk_bus_method *mk_call_method(const struct mk_call *call);
const char *mk_call_sender(const struct mk_call *call); /* unique name */
uid_t mk_call_uid(const struct mk_call *call);          /* (uid_t)-1: not looked up */

/* fn runs if the caller disconnects before the call is answered, because nobody waits for the answer any more. fn
 * may drop references to the call. NULL: nothing runs. */
void mk_call_on_gone(struct mk_call *call, void (*fn)(struct mk_call *call, void *data),
		     void *data);

/* For mk_bus_callbacks.authorize. mk_call_needs() returns what the call needs (MK_NEEDS() bits).
 * mk_call_authorized() runs its handler, or answers with an error if its object is no longer there. */
unsigned mk_call_needs(const struct mk_call *call);
void mk_call_authorized(struct mk_call *call);

/* Each sends a reply; a second reply to the same call is ignored. args: a JSON array, one element for each output
 * argument; the reference is taken over; NULL for none. */
void mk_call_reply(struct mk_call *call, json_object *args);
void mk_call_error(struct mk_call *call, enum mk_error_code code, const char *fmt, ...)
	_printf_(3, 4);
void mk_call_fail(struct mk_call *call, const struct mk_error *error);
