/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Method calls: from the message to the handler, and exactly one reply for each. */

#include "bus-internal.h"

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
	if (call->bus) {
		TAILQ_REMOVE(&call->bus->calls, call, entry);
		call->bus->n_calls--;
	}
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
	if (reply && dbus_message_get_no_reply(call->message)) {
		dbus_message_unref(reply);
		return;
	}
	mk_bus_queue(call->bus, &call->bus->replies, reply);
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

void mk_bus_drop_calls(struct mk_bus *bus)
{
	struct mk_call *call;

	while ((call = TAILQ_FIRST(&bus->calls))) {
		mk_call_error(call, MK_ERROR_UNAVAILABLE, "the daemon is stopping");
		TAILQ_REMOVE(&bus->calls, call, entry);
		bus->n_calls--;
		call->bus = NULL; /* whoever holds it may still drop it */
	}
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

/* Sets the call's method and object, or answers with what is unknown. */
static bool find_method(struct mk_call *call)
{
	const char *path = str_or_empty(dbus_message_get_path(call->message));
	const char *interface = dbus_message_get_interface(call->message);
	const char *member = str_or_empty(dbus_message_get_member(call->message));
	struct mk_bus_object *object = mk_bus_find(call->bus, path);
	const struct mk_bus_interface *i;
	bool known = !interface;

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

/* ---- the caller ------------------------------------------------------------------------------------------------ */

static void run_handler(struct mk_call *call)
{
	call->method->handler(call, call->object);
}

static void remember_uid(struct mk_bus *bus, const char *name, uid_t uid)
{
	struct mk_bus_uid *entry;

	if (HASH_COUNT(bus->uids) >= MK_BUS_UID_CACHE) {
		entry = bus->uids; /* the oldest */
		HASH_DEL(bus->uids, entry);
		free(entry->name);
		free(entry);
	}

	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return;
	entry->name = strdup(name);
	entry->uid = uid;
	if (entry->name)
		HASH_ADD_KEYPTR(hh, bus->uids, entry->name, strlen(entry->name), entry);
	else
		free(entry);
}

static void on_uid(DBusPendingCall *pending, void *data)
{
	struct mk_call *call = data;
	DBusMessage *reply = dbus_pending_call_steal_reply(pending);
	dbus_uint32_t uid;

	if (reply && call->bus &&
	    dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &uid, DBUS_TYPE_INVALID)) {
		remember_uid(call->bus, mk_call_sender(call), (uid_t)uid);
		call->uid = (uid_t)uid;
		/* The object may have gone in between. */
		if (find_method(call))
			run_handler(call);
	} else {
		mk_call_error(call, MK_ERROR_ACCESS_DENIED, "the caller cannot be identified");
	}
	if (reply)
		dbus_message_unref(reply);
}

static void free_call(void *data)
{
	mk_call_unref(data);
}

static bool ask_uid(struct mk_call *call)
{
	DBusMessage *m = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
						      DBUS_INTERFACE_DBUS, "GetConnectionUnixUser");
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

	ok = dbus_pending_call_set_notify(pending, on_uid, mk_call_ref(call), free_call);
	if (!ok)
		mk_call_unref(call);
	dbus_pending_call_unref(pending);
	return ok;
}

static void run_with_uid(struct mk_call *call)
{
	struct mk_bus_uid *entry;

	HASH_FIND_STR(call->bus->uids, mk_call_sender(call), entry);
	if (entry) {
		call->uid = entry->uid;
		run_handler(call);
	} else if (!ask_uid(call)) {
		mk_call_error(call, MK_ERROR_ACCESS_DENIED, "the caller cannot be identified");
	}
}

/* ---- dispatch ------------------------------------------------------------------------------------------------- */

static size_t held_by(const struct mk_bus *bus, const char *sender)
{
	const struct mk_call *call;
	size_t n = 0;

	TAILQ_FOREACH(call, &bus->calls, entry)
		n += streq(mk_call_sender(call), sender);
	return n;
}

static bool within_limits(struct mk_call *call)
{
	if (call->bus->n_calls <= MK_BUS_HELD_MAX &&
	    held_by(call->bus, mk_call_sender(call)) <= MK_BUS_HELD_PER_CALLER_MAX)
		return true;

	mk_call_error(
		call, MK_ERROR_LIMITS_EXCEEDED,
		"too many calls are waiting for an answer: %u are allowed for one caller, %u in "
		"all",
		MK_BUS_HELD_PER_CALLER_MAX, MK_BUS_HELD_MAX);
	return false;
}

static struct mk_call *call_new(struct mk_bus *bus, DBusMessage *message)
{
	struct mk_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;

	call->n_ref = 1;
	call->bus = bus;
	call->message = dbus_message_ref(message);
	call->uid = (uid_t)-1;
	TAILQ_INSERT_TAIL(&bus->calls, call, entry);
	bus->n_calls++;
	return call;
}

DBusHandlerResult mk_bus_dispatch_call(struct mk_bus *bus, DBusMessage *message)
{
	_cleanup_(mk_call_unrefp) struct mk_call *call = call_new(bus, message);
	_cleanup_error_ struct mk_error error = { 0 };

	if (!call)
		return DBUS_HANDLER_RESULT_NEED_MEMORY;

	if (!within_limits(call) || !find_method(call))
		return DBUS_HANDLER_RESULT_HANDLED;

	if (mk_bus_read_args(message, call->method, &call->args, &error) < 0)
		mk_call_fail(call, &error);
	else if (call->method->flags & MK_BUS_CALLER)
		run_with_uid(call);
	else
		run_handler(call);

	return DBUS_HANDLER_RESULT_HANDLED;
}
