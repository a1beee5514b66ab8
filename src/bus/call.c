/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Method calls: finds the method, checks arguments and caller, runs the handler, and makes sure that each call gets
 * exactly one reply. */

#include "bus-internal.h"

DEFINE_CLEANUP(char *, dbus_free)

/* ---- calls ------------------------------------------------------------------------------------------------ */

struct mk_call *mk_call_ref(struct mk_call *call)
{
	call->n_ref++;
	return call;
}

struct mk_call *mk_call_unref(struct mk_call *call)
{
	if (!call || --call->n_ref > 0)
		return NULL;

	if (!call->replied && call->bus) {
		call->n_ref++; /* the reply must not come back here */
		mk_call_error(call, MK_ERROR_INTERNAL, "the call was left without an answer");
		call->n_ref--;
	}
	if (call->bus)
		TAILQ_REMOVE(&call->bus->calls, call, entry);
	dbus_message_unref(call->message);
	json_object_put(call->args);
	free(call);
	return NULL;
}

json_object *mk_call_args(const struct mk_call *call)
{
	return call->args;
}

const char *mk_call_arg_str(const struct mk_call *call, size_t i)
{
	return json_object_get_string(json_object_array_get_idx(call->args, i));
}

uint64_t mk_call_arg_u64(const struct mk_call *call, size_t i)
{
	return json_object_get_uint64(json_object_array_get_idx(call->args, i));
}

const struct mk_bus_method *mk_call_method(const struct mk_call *call)
{
	return call->method;
}

const char *mk_call_sender(const struct mk_call *call)
{
	return str_or_empty(dbus_message_get_sender(call->message));
}

uid_t mk_call_uid(const struct mk_call *call)
{
	return call->uid;
}

void mk_call_on_gone(struct mk_call *call, void (*fn)(struct mk_call *call, void *data), void *data)
{
	call->gone = fn;
	call->gone_data = data;
}

void mk_call_reply_message(struct mk_call *call, DBusMessage *reply)
{
	if (call->replied || !call->bus) {
		if (reply)
			dbus_message_unref(reply);
		return;
	}

	if (!reply)
		reply = dbus_message_new_error(call->message, DBUS_ERROR_NO_MEMORY,
					       "out of memory");
	call->replied = true;
	call->wait = MK_CALL_WAITS_NOT;
	if (reply && dbus_message_get_no_reply(call->message)) {
		dbus_message_unref(reply);
		return;
	}

	/* A bus fills in the sender; a peer must get it from us. */
	if (reply && call->peer &&
	    !dbus_message_set_sender(reply,
				     call->driver ? DBUS_SERVICE_DBUS : MK_BUS_PEER_SERVICE)) {
		dbus_message_unref(reply);
		return;
	}
	mk_bus_queue(call->bus, &call->bus->replies,
		     call->peer ? call->peer->connection : call->bus->connection, reply);
}

void mk_call_reply(struct mk_call *call, json_object *args)
{
	_cleanup_json_ json_object *keep = args;
	DBusMessage *reply;
	DBusMessageIter it;

	if (call->replied)
		return;

	reply = dbus_message_new_method_return(call->message);
	if (reply) {
		dbus_message_iter_init_append(reply, &it);
		if (!mk_bus_append_all(&it, call->method->out, args)) {
			dbus_message_unref(reply);
			reply = NULL;
		}
	}
	mk_call_reply_message(call, reply);
}

void mk_call_fail(struct mk_call *call, const struct mk_error *error)
{
	mk_call_error(call, error->code, "%s", str_or_empty(error->text));
}

void mk_call_error(struct mk_call *call, enum mk_error_code code, const char *fmt, ...)
{
	_cleanup_error_ struct mk_error error = { 0 };
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	mk_error_vset(&error, code, fmt, ap);
	va_end(ap);
	text = mk_bus_text(str_or_empty(error.text));
	mk_call_reply_message(call, dbus_message_new_error(call->message, mk_error_dbus_name(code),
							   str_or_empty(text)));
}

/* Nobody waits for it any more; whoever holds it may still drop it. */
static void detach(struct mk_call *call)
{
	TAILQ_REMOVE(&call->bus->calls, call, entry);
	call->bus = NULL;
	call->peer = NULL;
}

static void forget_uid(struct mk_bus *bus, struct mk_bus_uid *entry)
{
	HASH_DEL(bus->uids, entry);
	free(entry->name);
	free(entry);
}

void mk_bus_drop_calls(struct mk_bus *bus)
{
	struct mk_call *call;

	while ((call = TAILQ_FIRST(&bus->calls))) {
		mk_call_error(call, MK_ERROR_UNAVAILABLE, "the daemon is stopping");
		detach(call);
	}
}

static struct mk_call *first_of(struct mk_bus *bus, const struct mk_bus_peer *peer,
				const char *name)
{
	struct mk_call *call;

	TAILQ_FOREACH(call, &bus->calls, entry)
		if (call->peer == peer && streq(mk_call_sender(call), name))
			return call;
	return NULL;
}

void mk_bus_caller_gone(struct mk_bus *bus, const struct mk_bus_peer *peer, const char *name)
{
	struct mk_bus_uid *entry = NULL;
	struct mk_call *call;

	while ((call = first_of(bus, peer, name))) {
		mk_call_ref(call);
		detach(call);
		if (call->gone)
			call->gone(call, call->gone_data);
		mk_call_unref(call);
	}

	if (!peer)
		HASH_FIND_STR(bus->uids, name, entry);
	if (entry)
		forget_uid(bus, entry);
}

/* ---- held calls ------------------------------------------------------------------------------------------- */

static bool refuse_to_hold(struct mk_call *call, unsigned limit, const char *whose)
{
	mk_call_error(call, MK_ERROR_LIMITS_EXCEEDED,
		      "%u calls of %s wait for an answer already, the most that may: let one of "
		      "them end first, or watch the operations' signals instead of calling Wait",
		      limit, whose);
	return false;
}

/* A few users must not use up what is there for all, and nobody what is there for root. */
static bool may_hold(struct mk_call *call, enum mk_call_wait wait)
{
	unsigned n_caller = 0, n_user = 0, n_all = 0;
	const struct mk_call *other;

	TAILQ_FOREACH(other, &call->bus->calls, entry) {
		if (other->wait != wait)
			continue;
		n_caller += other->peer == call->peer &&
			    streq(mk_call_sender(other), mk_call_sender(call));
		n_user += other->uid == call->uid;
		n_all += other->uid != 0;
	}

	if (n_caller >= MK_BUS_HELD_PER_CALLER_MAX)
		return refuse_to_hold(call, MK_BUS_HELD_PER_CALLER_MAX, "this connection");
	if (wait == MK_CALL_WAITS_CALLER)
		return true; /* whose it is is not known yet; the bus answers soon */
	if (n_user >= MK_BUS_HELD_PER_USER_MAX)
		return refuse_to_hold(call, MK_BUS_HELD_PER_USER_MAX, "this user");
	if (call->uid != 0 && n_all >= MK_BUS_HELD_MAX)
		return refuse_to_hold(call, MK_BUS_HELD_MAX, "all users");
	return true;
}

/*
 * Keeps of the message what the reply needs: libdbus reads nothing more from a connection, that of the bus
 * included, while the messages of it that somebody still has come to a limit.
 */
static void drop_body(struct mk_call *call)
{
	DBusMessage *m = call->message;
	DBusMessage *head = dbus_message_new_method_call(NULL, dbus_message_get_path(m),
							 dbus_message_get_interface(m),
							 dbus_message_get_member(m));

	if (!head || !dbus_message_set_sender(head, dbus_message_get_sender(m))) {
		if (head)
			dbus_message_unref(head);
		return;
	}

	dbus_message_set_serial(head, dbus_message_get_serial(m));
	dbus_message_set_no_reply(head, dbus_message_get_no_reply(m));
	dbus_message_set_allow_interactive_authorization(
		head, dbus_message_get_allow_interactive_authorization(m));
	dbus_message_unref(m);
	call->message = head;
}

struct mk_call *mk_call_hold_for(struct mk_call *call, enum mk_call_wait wait)
{
	if (!may_hold(call, wait))
		return NULL;

	if (call->wait == MK_CALL_WAITS_NOT)
		drop_body(call);
	call->wait = wait;
	return mk_call_ref(call);
}

struct mk_call *mk_call_hold(struct mk_call *call)
{
	return mk_call_hold_for(call, MK_CALL_WAITS_ANSWER);
}

/* ---- finding the method ------------------------------------------------------------------------------------- */

static const struct mk_bus_method *find_in(const struct mk_bus_interface *interface,
					   const char *name)
{
	for (const struct mk_bus_method *m = interface->methods; m && m->name; m++)
		if (streq(m->name, name))
			return m;
	return NULL;
}

/* The interfaces of a path: the object's own, then the standard ones. NULL at the end. */
static const struct mk_bus_interface *nth_interface(const struct mk_bus *bus,
						    const struct mk_bus_object *object,
						    const char *path, size_t i)
{
	const struct mk_bus_interface *standard[] = {
		&mk_bus_introspectable,
		object ? &mk_bus_properties : NULL,
		object && streq(path, bus->root) ? &mk_bus_object_manager : NULL,
		NULL,
	};
	size_t n = object ? object->n : 0;

	if (i < n)
		return object->interfaces[i];
	return i - n < ARRAY_SIZE(standard) ? standard[i - n] : NULL;
}

static bool find_driver_method(struct mk_call *call)
{
	const char *member = str_or_empty(dbus_message_get_member(call->message));

	call->method = find_in(&mk_bus_driver, member);
	call->object = call->peer;
	if (!call->method)
		mk_call_error(call, MK_ERROR_UNKNOWN_METHOD,
			      "there is no bus here, and what stands in for it has no %s", member);
	return call->method != NULL;
}

/* Sets the call's method and object, or answers with what is unknown. */
static bool find_method(struct mk_call *call)
{
	const char *path = str_or_empty(dbus_message_get_path(call->message));
	const char *interface = dbus_message_get_interface(call->message);
	const char *member = str_or_empty(dbus_message_get_member(call->message));
	struct mk_bus_object *object = mk_bus_find(call->bus, path);
	const struct mk_bus_interface *i;
	bool known = !interface;

	if (call->driver)
		return find_driver_method(call);

	if (!mk_bus_path_exists(call->bus, path)) {
		mk_call_error(call, MK_ERROR_UNKNOWN_OBJECT, "there is no object %.255s", path);
		return false;
	}

	for (size_t n = 0; (i = nth_interface(call->bus, object, path, n)); n++) {
		if (interface && !streq(interface, i->name))
			continue;
		known = true;
		call->method = find_in(i, member);
		if (call->method) {
			bool own = object && n < object->n;

			call->object = own ? object->object : call->bus;
			return true;
		}
	}

	if (known)
		mk_call_error(call, MK_ERROR_UNKNOWN_METHOD, "%s has no method %s%s%s", path,
			      str_or_empty(interface), interface ? "." : "", member);
	else
		mk_call_error(call, MK_ERROR_UNKNOWN_INTERFACE, "%s has no interface %s", path,
			      interface);
	return false;
}

/* ---- may it run ------------------------------------------------------------------------------------------------- */

static void run_handler(struct mk_call *call)
{
	call->method->handler(call, call->object);
}

unsigned mk_call_needs(const struct mk_call *call)
{
	const struct mk_bus_method *m = call->method;

	return MK_NEEDS(m->privilege) | (m->also ? m->also(call, call->object) : 0);
}

/* Time has passed since the method was found: what was authorised must be what runs. */
static bool find_again(struct mk_call *call)
{
	const struct mk_bus_method *method = call->method;
	const void *object = call->object;

	if (!call->bus || !find_method(call))
		return false;
	if (call->method == method && call->object == object)
		return true;

	mk_call_error(call, MK_ERROR_UNKNOWN_OBJECT, "%s was replaced meanwhile",
		      dbus_message_get_path(call->message));
	return false;
}

void mk_call_authorized(struct mk_call *call)
{
	if (find_again(call))
		run_handler(call);
}

/* What the objects below the root are called says something of them. */
static bool is_open(const struct mk_call *call)
{
	return (call->method->flags & MK_BUS_OPEN) &&
	       !mk_bus_below_root(call->bus, dbus_message_get_path(call->message));
}

static bool needs_authority(const struct mk_call *call)
{
	return call->bus->callbacks.authorize && !call->peer && !is_open(call);
}

static void authorize(struct mk_call *call)
{
	if (needs_authority(call))
		call->bus->callbacks.authorize(call, call->bus->callbacks.data);
	else
		run_handler(call);
}

/* ---- the caller ------------------------------------------------------------------------------------------------ */

static void remember_uid(struct mk_call *call)
{
	struct mk_bus *bus = call->bus;
	struct mk_bus_uid *entry;

	HASH_FIND_STR(bus->uids, mk_call_sender(call), entry);
	if (entry)
		return; /* two calls have asked */
	if (HASH_COUNT(bus->uids) >= MK_BUS_UID_CACHE)
		forget_uid(bus, bus->uids); /* the oldest */

	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return;
	entry->name = strdup(mk_call_sender(call));
	entry->uid = call->uid;
	entry->member = call->member;
	if (entry->name)
		HASH_ADD_KEYPTR(hh, bus->uids, entry->name, strlen(entry->name), entry);
	else
		free(entry);
}

static bool read_groups(DBusMessageIter *array, gid_t group)
{
	DBusMessageIter it;

	for (dbus_message_iter_recurse(array, &it);
	     dbus_message_iter_get_arg_type(&it) == DBUS_TYPE_UINT32; dbus_message_iter_next(&it)) {
		dbus_uint32_t gid;

		dbus_message_iter_get_basic(&it, &gid);
		if (gid == group)
			return true;
	}
	return false;
}

/*
 * The reply of GetConnectionCredentials: the uid, and whether the caller's process was in the group when it
 * connected. UnixGroupIDs is there on Linux since dbus 1.13.18; where it is missing nobody is a member.
 */
static void read_credentials(DBusMessage *reply, struct mk_call *call)
{
	DBusMessageIter it, array, entry, value;
	dbus_uint32_t uid;
	const char *key;

	if (!dbus_message_has_signature(reply, "a{sv}"))
		return;

	dbus_message_iter_init(reply, &it);
	for (dbus_message_iter_recurse(&it, &array);
	     dbus_message_iter_get_arg_type(&array) == DBUS_TYPE_DICT_ENTRY;
	     dbus_message_iter_next(&array)) {
		_cleanup_(dbus_freep) char *type = NULL;

		dbus_message_iter_recurse(&array, &entry);
		dbus_message_iter_get_basic(&entry, &key);
		dbus_message_iter_next(&entry);
		dbus_message_iter_recurse(&entry, &value);
		type = dbus_message_iter_get_signature(&value);
		if (streq(key, "UnixUserID") && type && streq(type, "u")) {
			dbus_message_iter_get_basic(&value, &uid);
			call->uid = (uid_t)uid;
		} else if (streq(key, "UnixGroupIDs") && type && streq(type, "au")) {
			call->member = read_groups(&value, call->bus->group);
		}
	}
}

static void on_credentials(DBusPendingCall *pending, void *data)
{
	struct mk_call *call = data;
	DBusMessage *reply = dbus_pending_call_steal_reply(pending);

	if (reply && call->bus && dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_METHOD_RETURN)
		read_credentials(reply, call);
	if (reply)
		dbus_message_unref(reply);

	if (call->uid == (uid_t)-1) {
		mk_call_error(call, MK_ERROR_ACCESS_DENIED, "the caller cannot be identified");
	} else {
		remember_uid(call);
		if (find_again(call))
			authorize(call);
	}
}

static void free_call(void *data)
{
	mk_call_unref(data);
}

/* Takes over a reference to the call, if it returns true. */
static bool ask_who(struct mk_call *call)
{
	DBusMessage *m =
		dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
					     "GetConnectionCredentials");
	DBusPendingCall *pending = NULL;
	const char *sender = mk_call_sender(call);
	bool ok;

	ok = m && dbus_message_append_args(m, DBUS_TYPE_STRING, &sender, DBUS_TYPE_INVALID) &&
	     dbus_connection_send_with_reply(call->bus->connection, m, &pending,
					     DBUS_TIMEOUT_USE_DEFAULT) &&
	     pending;
	if (m)
		dbus_message_unref(m);
	if (!ok)
		return false;

	ok = dbus_pending_call_set_notify(pending, on_credentials, call, free_call);
	dbus_pending_call_unref(pending);
	return ok;
}

static bool must_know_caller(const struct mk_call *call)
{
	return !call->peer && ((call->method->flags & MK_BUS_CALLER) || needs_authority(call));
}

static void identify(struct mk_call *call)
{
	struct mk_bus_uid *entry = NULL;

	HASH_FIND_STR(call->bus->uids, mk_call_sender(call), entry);
	if (entry) {
		call->uid = entry->uid;
		call->member = entry->member;
		authorize(call);
	} else if (mk_call_hold_for(call, MK_CALL_WAITS_CALLER) && !ask_who(call)) {
		mk_call_error(call, MK_ERROR_ACCESS_DENIED, "the caller cannot be identified");
		mk_call_unref(call);
	}
}

/* ---- dispatch ------------------------------------------------------------------------------------------------- */

static struct mk_call *call_new(struct mk_bus *bus, struct mk_bus_peer *peer, DBusMessage *message)
{
	struct mk_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;

	call->n_ref = 1;
	call->bus = bus;
	call->message = dbus_message_ref(message);
	call->peer = peer;
	call->driver = peer && mk_bus_is_for_driver(message);
	call->uid = peer ? peer->uid : (uid_t)-1;
	TAILQ_INSERT_TAIL(&bus->calls, call, entry);
	return call;
}

DBusHandlerResult mk_bus_dispatch_call(struct mk_bus *bus, struct mk_bus_peer *peer,
				       DBusMessage *message)
{
	_cleanup_(mk_call_unrefp) struct mk_call *call = call_new(bus, peer, message);
	_cleanup_error_ struct mk_error error = { 0 };

	if (!call)
		return DBUS_HANDLER_RESULT_NEED_MEMORY;

	if (!find_method(call))
		return DBUS_HANDLER_RESULT_HANDLED;

	if (mk_bus_read_args(message, call->method, &call->args, &error) < 0)
		mk_call_fail(call, &error);
	else if (must_know_caller(call))
		identify(call);
	else
		authorize(call);

	return DBUS_HANDLER_RESULT_HANDLED;
}
