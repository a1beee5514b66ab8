/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The org.freedesktop.DBus that peers find in place of a bus: only what busctl, GDBus, godbus and dbus-python need
 * to talk to one service. That service has the unique name :1.0 and our well-known name; each peer has a unique
 * name too. There are no other names, and none can be owned or started.
 */

#include "bus-internal.h"

bool mk_bus_is_for_driver(DBusMessage *message)
{
	const char *interface = dbus_message_get_interface(message);

	/* Tools put anything into the destination of a direct connection. */
	return interface ? streq(interface, DBUS_INTERFACE_DBUS)
			 : dbus_message_has_destination(message, DBUS_SERVICE_DBUS);
}

static void reply_str(struct mk_call *call, const char *text)
{
	json_object *args = json_object_new_array();

	json_object_array_add(args, json_object_new_string(text));
	mk_call_reply(call, args);
}

static void reply_error(struct mk_call *call, const char *name, const char *text)
{
	mk_call_reply_message(call, dbus_message_new_error(call->message, name, text));
}

/* ---- names ------------------------------------------------------------------------------------------------ */

/* The owner of a name, or NULL if nobody has it. */
static const char *owner_of(const struct mk_bus_peer *peer, const char *name)
{
	if (streq(name, DBUS_SERVICE_DBUS))
		return DBUS_SERVICE_DBUS;
	if (streq(name, peer->name))
		return peer->name;
	if (streq(name, MK_BUS_PEER_SERVICE) || streq(name, mk_bus_peer_service_name(peer->bus)))
		return MK_BUS_PEER_SERVICE;
	return NULL;
}

static const char *owner_or_error(struct mk_call *call)
{
	const char *owner = owner_of(call->peer, mk_call_arg_str(call, 0));

	if (!owner)
		reply_error(call, DBUS_ERROR_NAME_HAS_NO_OWNER,
			    "nobody on this connection has that name");
	return owner;
}

static void hello(struct mk_call *call, void *data)
{
	struct mk_bus_peer *peer = data;

	if (peer->hello) {
		reply_error(call, DBUS_ERROR_FAILED, "Hello was called before");
		return;
	}

	peer->hello = true;
	peer->direct = false;
	reply_str(call, peer->name);
}

static void get_name_owner(struct mk_call *call, void *data)
{
	const char *owner = owner_or_error(call);

	if (owner)
		reply_str(call, owner);
}

static void name_has_owner(struct mk_call *call, void *data)
{
	json_object *args = json_object_new_array();

	json_object_array_add(args, json_object_new_boolean(
					    owner_of(data, mk_call_arg_str(call, 0)) != NULL));
	mk_call_reply(call, args);
}

static void start_service(struct mk_call *call, void *data)
{
	json_object *args;

	if (!owner_of(data, mk_call_arg_str(call, 0))) {
		reply_error(call, DBUS_ERROR_SERVICE_UNKNOWN,
			    "nothing can be started over this connection");
		return;
	}

	args = json_object_new_array();
	json_object_array_add(args, json_object_new_int(DBUS_START_REPLY_ALREADY_RUNNING));
	mk_call_reply(call, args);
}

static void reply_names(struct mk_call *call, const char *const *names)
{
	json_object *args = json_object_new_array(), *list = json_object_new_array();

	for (; *names; names++)
		json_object_array_add(list, json_object_new_string(*names));
	json_object_array_add(args, list);
	mk_call_reply(call, args);
}

/* Without the driver and the peer itself: tools look into each of them. */
static void list_names(struct mk_call *call, void *data)
{
	const struct mk_bus_peer *peer = data;
	const char *const names[] = { MK_BUS_PEER_SERVICE, mk_bus_peer_service_name(peer->bus),
				      NULL };

	reply_names(call, names);
}

static void list_activatable_names(struct mk_call *call, void *data)
{
	static const char *const none[] = { NULL };

	reply_names(call, none);
}

/* ---- signals ---------------------------------------------------------------------------------------------- */

static void add_match(struct mk_call *call, void *data)
{
	((struct mk_bus_peer *)data)->n_matches++;
	mk_call_reply(call, NULL);
}

static void remove_match(struct mk_call *call, void *data)
{
	struct mk_bus_peer *peer = data;

	if (peer->n_matches == 0) {
		reply_error(call, DBUS_ERROR_MATCH_RULE_NOT_FOUND, "there is no rule");
		return;
	}

	peer->n_matches--;
	mk_call_reply(call, NULL);
}

/* ---- who is who ------------------------------------------------------------------------------------------- */

struct identity {
	dbus_uint32_t uid, pid;
};

static bool identify(struct mk_call *call, struct identity *ret)
{
	const char *owner = owner_or_error(call);

	if (!owner)
		return false;

	if (streq(owner, call->peer->name))
		*ret = (struct identity){ call->peer->uid, (dbus_uint32_t)call->peer->pid };
	else
		*ret = (struct identity){ geteuid(), (dbus_uint32_t)getpid() };
	return true;
}

static void reply_number(struct mk_call *call, dbus_uint32_t number)
{
	json_object *args = json_object_new_array();

	json_object_array_add(args, json_object_new_int64(number));
	mk_call_reply(call, args);
}

static void get_unix_user(struct mk_call *call, void *data)
{
	struct identity i;

	if (identify(call, &i))
		reply_number(call, i.uid);
}

static void get_process_id(struct mk_call *call, void *data)
{
	struct identity i;

	if (identify(call, &i))
		reply_number(call, i.pid);
}

static bool append_u32(DBusMessageIter *array, const char *key, dbus_uint32_t value)
{
	DBusMessageIter entry, variant;

	return dbus_message_iter_open_container(array, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
	       dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key) &&
	       dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "u", &variant) &&
	       dbus_message_iter_append_basic(&variant, DBUS_TYPE_UINT32, &value) &&
	       dbus_message_iter_close_container(&entry, &variant) &&
	       dbus_message_iter_close_container(array, &entry);
}

/* By hand: the values are u, and our dictionaries know no such type. */
static void get_credentials(struct mk_call *call, void *data)
{
	DBusMessageIter it, array;
	struct identity i;
	DBusMessage *reply;

	if (!identify(call, &i))
		return;

	reply = dbus_message_new_method_return(call->message);
	if (reply) {
		dbus_message_iter_init_append(reply, &it);
		if (!dbus_message_iter_open_container(&it, DBUS_TYPE_ARRAY, "{sv}", &array) ||
		    !append_u32(&array, "UnixUserID", i.uid) ||
		    !append_u32(&array, "ProcessID", i.pid) ||
		    !dbus_message_iter_close_container(&it, &array)) {
			dbus_message_unref(reply);
			reply = NULL;
		}
	}
	mk_call_reply_message(call, reply);
}

static const struct mk_bus_method methods[] = {
	{ "Hello", "", "", "s", "name", hello },
	{ "AddMatch", "s", "rule", "", "", add_match },
	{ "RemoveMatch", "s", "rule", "", "", remove_match },
	{ "GetNameOwner", "s", "name", "s", "owner", get_name_owner },
	{ "NameHasOwner", "s", "name", "b", "has_owner", name_has_owner },
	{ "StartServiceByName", "su", "name,flags", "u", "result", start_service },
	{ "ListNames", "", "", "as", "names", list_names },
	{ "ListActivatableNames", "", "", "as", "names", list_activatable_names },
	{ "GetConnectionUnixUser", "s", "name", "u", "uid", get_unix_user },
	{ "GetConnectionUnixProcessID", "s", "name", "u", "pid", get_process_id },
	{ "GetConnectionCredentials", "s", "name", "a{sv}", "credentials", get_credentials },
	{ 0 },
};

const struct mk_bus_interface mk_bus_driver = {
	.name = DBUS_INTERFACE_DBUS,
	.methods = methods,
};
