/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * D-Bus service side on libdbus-1: tables in, objects out.
 *
 * An interface is a table of methods, properties and signals. The same rows drive dispatch, the check
 * of arguments and options, introspection and replies. Values cross this border as JSON (json-c); the
 * D-Bus signature in the table says what they are on the wire:
 *
 *   s o u t x i b d   text, text, integers, boolean, double
 *   as ao             array of texts
 *   a{sv}             object; each value's type follows its JSON type: text s, boolean b, integer t
 *                     (x if negative), double d, array of texts as, array of objects aa{sv},
 *                     empty array as, object a{sv}
 *   aa{sv}            array of objects
 *   v                 one value, typed likewise
 *
 * Nothing leaves at once: replies and signals are queued until mk_bus_flush(), so that the caller can
 * commit its journal in between. Every call gets exactly one reply, whatever the handler does.
 */

#include "base/base.h"

#include <systemd/sd-event.h>

struct mk_bus;
struct mk_bus_object;
struct mk_call;

/* Limits on what one caller can make us hold. */
#define MK_BUS_TEXT_MAX       4096u  /* bytes of one text argument */
#define MK_BUS_ARRAY_MAX      1024u  /* elements of one array argument */
#define MK_BUS_ARRAY_TEXT_MAX 65536u /* bytes of all its texts */

/*
 * Calls that are held, mk_call_hold(); beyond them: LimitsExceeded. Calls that are answered at once do not count
 * and always pass. Those that wait for the caller to be authorised count by themselves: whoever has many of one
 * kind can still make the other.
 */
#define MK_BUS_HELD_MAX            512u /* of all users but root, who is not to be kept out by them */
#define MK_BUS_HELD_PER_USER_MAX   256u
#define MK_BUS_HELD_PER_CALLER_MAX 128u /* of one connection */

/* What a call needs in all: bits of its method's privilege and of what `also` says. */
#define MK_NEEDS(privilege) (1u << (privilege))

struct mk_bus_method {
	const char *name;          /* NULL ends the table */
	const char *in, *in_names; /* signature; argument names separated by commas ("" for none) */
	const char *out, *out_names;
	/*
	 * Runs once the arguments are checked, the caller's uid is known and the caller is authorised.
	 * object is what was given to mk_bus_object_add(). Replies with mk_call_reply() or
	 * mk_call_error(), now or, with a reference from mk_call_hold(), later. Whoever drops the
	 * last reference without a reply makes the bus send Internal.
	 */
	void (*handler)(struct mk_call *call, void *object);
	unsigned flags;
	const struct mk_option *options; /* allowed keys of a last argument a{sv}; NULL: none */
	const void *data;                /* for the handler: mk_call_method(call)->data */
	enum mk_privilege privilege;     /* what the caller needs, unless MK_BUS_OPEN */
	/* MK_NEEDS() of what this very call needs besides; NULL: nothing. */
	unsigned (*also)(const struct mk_call *call, void *object);
};
#define MK_BUS_CALLER (1u << 0) /* look up the caller's uid first: mk_call_uid() */
/* Whoever can send it may call it, but on the objects below the root: their names are told to readers only. */
#define MK_BUS_OPEN   (1u << 1)

struct mk_bus_property {
	const char *name; /* NULL ends the table */
	const char *signature;
	json_object *(*get)(
		void *object); /* from memory; a new reference; NULL only without memory */
	unsigned flags;
};
#define MK_BUS_CONST (1u << 0) /* EmitsChangedSignal=const; else true */

struct mk_bus_signal {
	const char *name; /* NULL ends the table */
	const char *signature, *names;
};

/* Members may be NULL for "none". The tables must outlive the objects that use them. */
struct mk_bus_interface {
	const char *name;
	const struct mk_bus_method *methods;
	const struct mk_bus_property *properties;
	const struct mk_bus_signal *signals;
};

struct mk_bus_callbacks {
	/* Something was queued: call mk_bus_flush() soon (once per turn of the loop). */
	void (*want_flush)(void *data);
	/* The connection to the bus, once made, is gone. Runs once, from the loop. */
	void (*disconnected)(void *data);
	void *data;
	/*
	 * Decides on a call over the bus to a method that is not open (MK_BUS_OPEN): ends it with
	 * mk_call_authorized() or mk_call_error(), at once or, holding it, later. The caller is known
	 * (MK_BUS_CALLER). NULL: every call runs. Peers are not asked for here: they were when they
	 * connected.
	 */
	void (*authorize)(struct mk_call *call, void *data);
};

/* Without a connection; mk_bus_connect() and mk_bus_listen() make them. Returns 0 or a negative errno. */
int mk_bus_new(sd_event *event, const char *root, const struct mk_bus_callbacks *callbacks,
	       struct mk_bus **ret);

/*
 * Connects to the bus at address (NULL: DBUS_STARTER_ADDRESS if set, else the system bus), registers, and puts the
 * connection on the loop. Blocks, so only at start. Returns 0 or a negative errno with the error set
 * (MK_ERROR_UNAVAILABLE).
 */
int mk_bus_connect(struct mk_bus *bus, const char *address, struct mk_error *error);
bool mk_bus_connected(const struct mk_bus *bus);

/* Both in one. root is where org.freedesktop.DBus.ObjectManager lives. */
int mk_bus_open(sd_event *event, const char *address, const char *root,
		const struct mk_bus_callbacks *callbacks, struct mk_bus **ret,
		struct mk_error *error);
/*
 * The same later: joins and takes the name without blocking. done runs once, from the loop: with the name ours, or
 * with the error and no connection again. Fails at once, without done, if there is nobody at the address: -ECONNREFUSED with
 * the error set; else -ENOMEM, …. Not while it is connected or joins.
 */
typedef void mk_bus_joined(const struct mk_error *error, void *data);
int mk_bus_join(struct mk_bus *bus, const char *address, const char *name, mk_bus_joined *done,
		void *data, struct mk_error *error);
/* Blocks; only at start, last. Returns 0, or -EEXIST (somebody else owns it, we do not queue), -EACCES, … with the error set. */
int mk_bus_request_name(struct mk_bus *bus, const char *name, struct mk_error *error);

/* ---- peers: a private socket ---------------------------------------------------------------------- */

#define MK_BUS_PEERS_MAX         96u /* of all users but root */
#define MK_BUS_PEERS_PER_UID_MAX 48u
#define MK_BUS_PEER_AUTH_LIMIT   (10 * USEC_PER_SEC)
#define MK_BUS_PEER_UNREAD_MAX   (1024 * 1024) /* bytes of signals that wait for one peer */

/* Who was turned away at the socket, and why: half a sentence. */
struct mk_bus_refusal {
	uid_t uid;
	pid_t pid;
	const char *reason;
};

struct mk_bus_listen {
	const char *address; /* of libdbus; "systemd:" takes the one socket that systemd passed */
	const char *name;    /* the well-known name that peers find us under */
	gid_t group; /* its members may connect, as may root and our own user; (gid_t)-1: nobody else */
	uint64_t auth_limit; /* µs from the connection to the end of its authentication */
	void (*refused)(const struct mk_bus_refusal *refusal,
			void *data); /* NULL: nobody is told */
	void *data;
};

/*
 * Serves the same objects to peers, each on a connection of its own without a bus in between. Signals go to
 * every peer that asked for some (AddMatch), and to those that call methods without a Hello to the bus's driver.
 * What a peer does not read is bounded: it is disconnected then. Once; returns 0 or a negative errno with
 * the error set.
 */
int mk_bus_listen(struct mk_bus *bus, const struct mk_bus_listen *config, struct mk_error *error);

/* Flushes what is queued, answers held calls with an error, closes. NULL is allowed; returns NULL. */
struct mk_bus *mk_bus_close(struct mk_bus *bus);
DEFINE_CLEANUP(struct mk_bus *, mk_bus_close)

/*
 * Sends what is queued: first replies, then InterfacesAdded, PropertiesChanged (one per interface and
 * turn, each property once, its value as of now), other signals in their order, InterfacesRemoved.
 */
void mk_bus_flush(struct mk_bus *bus);

/* Throws away what is queued, and whatever is queued from now on: for when it must not become known. Callers that
 * wait learn from the bus that there will be no reply, once the connection is closed. */
void mk_bus_discard(struct mk_bus *bus);

/*
 * Publishes an object. interfaces: array of n pointers, copied. Objects below root appear in
 * GetManagedObjects and make InterfacesAdded (complete with all properties) on the next flush; root
 * itself does not. org.freedesktop.DBus.Introspectable, Peer and Properties are added to all, and
 * every parent path answers Introspect. Returns 0, -ENOMEM, -EEXIST, -EINVAL (bad path).
 */
int mk_bus_object_add(struct mk_bus *bus, const char *path,
		      const struct mk_bus_interface *const *interfaces, size_t n, void *object,
		      struct mk_bus_object **ret);
void mk_bus_object_remove(struct mk_bus_object *object); /* NULL is allowed */
const char *mk_bus_object_path(const struct mk_bus_object *object);

/* The property's value may have changed. interface and name must be in the object's tables. */
void mk_bus_object_changed(struct mk_bus_object *object, const char *interface, const char *name);

/* Queues a signal; args: JSON array, one element for each argument (a reference is taken over). */
void mk_bus_object_signal(struct mk_bus_object *object, const char *interface, const char *name,
			  json_object *args);

/* ---- calls -------------------------------------------------------------------------------------- */

struct mk_call *mk_call_ref(struct mk_call *call);
struct mk_call *mk_call_unref(struct mk_call *call); /* NULL is allowed; returns NULL */
DEFINE_CLEANUP(struct mk_call *, mk_call_unref)

/*
 * A reference for a handler that answers later. NULL: too many calls wait already, and the caller has been told
 * so; there is nothing left to do.
 */
struct mk_call *mk_call_hold(struct mk_call *call);

/* The arguments, a JSON array in the method's order; borrowed. */
json_object *mk_call_args(const struct mk_call *call);
/* Shorthands for its elements; the type must be the signature's. */
const char *mk_call_arg_str(const struct mk_call *call, size_t i);
uint64_t mk_call_arg_u64(const struct mk_call *call, size_t i);

const struct mk_bus_method *mk_call_method(const struct mk_call *call);
const char *mk_call_sender(const struct mk_call *call); /* unique name */
uid_t mk_call_uid(const struct mk_call *call);          /* (uid_t)-1: not looked up */

/*
 * fn runs if the caller goes away before the call is answered: nobody waits for the answer any more. It may
 * drop references to the call. NULL: none.
 */
void mk_call_on_gone(struct mk_call *call, void (*fn)(struct mk_call *call, void *data),
		     void *data);

/* For mk_bus_callbacks.authorize: what the call needs (MK_NEEDS); and lets it run, if its object is still there. */
unsigned mk_call_needs(const struct mk_call *call);
void mk_call_authorized(struct mk_call *call);

/* Reply once. args: JSON array, one element for each output argument (a reference is taken over), NULL for none. A
 * second reply is ignored. */
void mk_call_reply(struct mk_call *call, json_object *args);
void mk_call_error(struct mk_call *call, enum mk_error_code code, const char *fmt, ...)
	_printf_(3, 4);
void mk_call_fail(struct mk_call *call, const struct mk_error *error);
