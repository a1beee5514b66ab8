/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The interfaces that every D-Bus service has: Introspectable, Properties, ObjectManager. libdbus itself answers
 * Peer. */

#include "bus-internal.h"

/* ---- introspection ------------------------------------------------------------------------------------------ */

static void print_args(FILE *f, const char *signature, const char *names, const char *direction)
{
	DBusSignatureIter it;

	if (!*signature)
		return;

	dbus_signature_iter_init(&it, signature);
	do {
		char *type = dbus_signature_iter_get_signature(&it);
		size_t n = strcspn(names, ",");

		fprintf(f, "   <arg name=\"%.*s\" type=\"%s\"%s%s%s/>\n", (int)n, names,
			str_or_empty(type), direction ? " direction=\"" : "",
			str_or_empty(direction), direction ? "\"" : "");
		dbus_free(type);
		names += n + (names[n] == ',');
	} while (dbus_signature_iter_next(&it));
}

static void print_interface(FILE *f, const struct mk_bus_interface *i)
{
	fprintf(f, " <interface name=\"%s\">\n", i->name);
	for (const struct mk_bus_method *m = i->methods; m && m->name; m++) {
		fprintf(f, "  <method name=\"%s\">\n", m->name);
		print_args(f, m->in, m->in_names, "in");
		print_args(f, m->out, m->out_names, "out");
		fputs("  </method>\n", f);
	}
	for (const struct mk_bus_signal *s = i->signals; s && s->name; s++) {
		fprintf(f, "  <signal name=\"%s\">\n", s->name);
		print_args(f, s->signature, s->names, NULL);
		fputs("  </signal>\n", f);
	}
	for (const struct mk_bus_property *p = i->properties; p && p->name; p++)
		fprintf(f,
			"  <property name=\"%s\" type=\"%s\" access=\"read\">\n"
			"   <annotation name=\"org.freedesktop.DBus.Property.EmitsChangedSignal\" "
			"value=\"%s\"/>\n"
			"  </property>\n",
			p->name, p->signature, p->flags & MK_BUS_CONST ? "const" : "true");
	fputs(" </interface>\n", f);
}

/* The part of `path` after `parent` and a slash, up to the next slash; NULL if it is not below. */
static const char *child_name(const char *parent, const char *path, size_t *ret_length)
{
	size_t n = strlen(parent);

	if (streq(parent, "/"))
		n = 0;
	if (strncmp(path, parent, n) != 0 || path[n] != '/' || !path[n + 1])
		return NULL;

	*ret_length = strcspn(path + n + 1, "/");
	return path + n + 1;
}

bool mk_bus_path_exists(struct mk_bus *bus, const char *path)
{
	size_t n;

	if (mk_bus_find(bus, path))
		return true;
	for (struct mk_bus_object *o = bus->objects; o; o = o->hh.next)
		if (child_name(path, o->path, &n))
			return true;
	return false;
}

static void print_children(FILE *f, struct mk_bus *bus, const char *path)
{
	_cleanup_json_ json_object *seen = json_object_new_object();

	for (struct mk_bus_object *o = bus->objects; seen && o; o = o->hh.next) {
		_cleanup_free_ char *name = NULL;
		size_t n = 0;
		const char *child = child_name(path, o->path, &n);

		name = child ? strndup(child, n) : NULL;
		if (!name || mk_json_get(seen, name))
			continue;
		mk_json_set_bool(seen, name, true);
		fprintf(f, " <node name=\"%s\"/>\n", name);
	}
}

static char *introspect_xml(struct mk_bus *bus, const char *path)
{
	struct mk_bus_object *object = mk_bus_find(bus, path);
	char *xml = NULL;
	size_t size;
	FILE *f;

	f = open_memstream(&xml, &size);
	if (!f)
		return NULL;

	fputs(DBUS_INTROSPECT_1_0_XML_DOCTYPE_DECL_NODE "<node>\n", f);
	print_interface(f, &mk_bus_introspectable);
	fputs(" <interface name=\"" DBUS_INTERFACE_PEER "\">\n"
	      "  <method name=\"Ping\"/>\n"
	      "  <method name=\"GetMachineId\">\n"
	      "   <arg name=\"machine_uuid\" type=\"s\" direction=\"out\"/>\n"
	      "  </method>\n"
	      " </interface>\n",
	      f);
	if (object)
		print_interface(f, &mk_bus_properties);
	if (object && streq(path, bus->root))
		print_interface(f, &mk_bus_object_manager);
	for (size_t i = 0; object && i < object->n; i++)
		print_interface(f, object->interfaces[i]);
	print_children(f, bus, path);
	fputs("</node>\n", f);
	if (fclose(f) != 0) {
		free(xml);
		return NULL;
	}
	return xml;
}

static void introspect(struct mk_call *call, void *data)
{
	_cleanup_free_ char *xml = introspect_xml(data, dbus_message_get_path(call->message));
	json_object *args = json_object_new_array();

	if (xml)
		json_object_array_add(args, json_object_new_string(xml));
	mk_call_reply(call, args);
}

/* ---- properties ----------------------------------------------------------------------------------------------- */

static bool append_property(DBusMessageIter *it, const struct mk_bus_object *object,
			    const struct mk_bus_property *p)
{
	_cleanup_json_ json_object *value = p->get(object->object);
	DBusMessageIter variant;

	return dbus_message_iter_open_container(it, DBUS_TYPE_VARIANT, p->signature, &variant) &&
	       mk_bus_append(&variant, p->signature, value) &&
	       dbus_message_iter_close_container(it, &variant);
}

static bool append_entries(DBusMessageIter *array, const struct mk_bus_object *object,
			   const struct mk_bus_interface *interface, const bool *only)
{
	const struct mk_bus_property *p = interface->properties;
	DBusMessageIter entry;
	bool ok = true;

	for (size_t i = 0; ok && p && p[i].name; i++) {
		if (only && !only[i])
			continue;
		ok = dbus_message_iter_open_container(array, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
		     dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &p[i].name) &&
		     append_property(&entry, object, &p[i]) &&
		     dbus_message_iter_close_container(array, &entry);
	}

	return ok;
}

bool mk_bus_append_properties(DBusMessageIter *it, const struct mk_bus_object *object,
			      const struct mk_bus_interface *interface, const bool *only)
{
	DBusMessageIter array;

	return dbus_message_iter_open_container(it, DBUS_TYPE_ARRAY, "{sv}", &array) &&
	       append_entries(&array, object, interface, only) &&
	       dbus_message_iter_close_container(it, &array);
}

/* Of the interface with that index; of all, if it is negative. */
static bool append_some(DBusMessageIter *it, const struct mk_bus_object *object, int index)
{
	DBusMessageIter array;
	bool ok;

	ok = dbus_message_iter_open_container(it, DBUS_TYPE_ARRAY, "{sv}", &array);
	for (int i = 0; ok && i < (int)object->n; i++)
		if (index < 0 || index == i)
			ok = append_entries(&array, object, object->interfaces[i], NULL);

	return ok && dbus_message_iter_close_container(it, &array);
}

bool mk_bus_append_interfaces(DBusMessageIter *it, const struct mk_bus_object *object)
{
	DBusMessageIter array, entry;
	bool ok;

	ok = dbus_message_iter_open_container(it, DBUS_TYPE_ARRAY, "{sa{sv}}", &array);
	for (size_t i = 0; ok && i < object->n; i++)
		ok = dbus_message_iter_open_container(&array, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
		     dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING,
						    &object->interfaces[i]->name) &&
		     mk_bus_append_properties(&entry, object, object->interfaces[i], NULL) &&
		     dbus_message_iter_close_container(&array, &entry);

	return ok && dbus_message_iter_close_container(it, &array);
}

static struct mk_bus_object *object_of(struct mk_call *call)
{
	return mk_bus_find(call->bus, dbus_message_get_path(call->message));
}

/* The interface's index, or -1 after an error reply. "" is not an interface here. */
static int interface_index(struct mk_call *call, const struct mk_bus_object *object,
			   const char *name)
{
	for (size_t i = 0; i < object->n; i++)
		if (streq(object->interfaces[i]->name, name))
			return (int)i;

	mk_call_error(call, MK_ERROR_UNKNOWN_INTERFACE, "%s has no interface '%s' of its own",
		      object->path, name);
	return -1;
}

/* An empty interface name means any (D-Bus specification, org.freedesktop.DBus.Properties). */
static const struct mk_bus_property *find_property(struct mk_call *call,
						   const struct mk_bus_object *object)
{
	const char *interface = mk_call_arg_str(call, 0), *name = mk_call_arg_str(call, 1);

	if (*interface && interface_index(call, object, interface) < 0)
		return NULL;

	for (size_t i = 0; i < object->n; i++) {
		const struct mk_bus_property *p = object->interfaces[i]->properties;

		if (*interface && !streq(object->interfaces[i]->name, interface))
			continue;
		for (; p && p->name; p++)
			if (streq(p->name, name))
				return p;
	}

	mk_call_error(call, MK_ERROR_UNKNOWN_PROPERTY, "%s has no property %s", object->path, name);
	return NULL;
}

static void reply_built(struct mk_call *call, DBusMessage *reply, bool ok)
{
	if (reply && !ok) {
		dbus_message_unref(reply);
		reply = NULL;
	}
	mk_call_reply_message(call, reply);
}

static void properties_get(struct mk_call *call, void *data)
{
	const struct mk_bus_object *object = object_of(call);
	const struct mk_bus_property *p = find_property(call, object);
	DBusMessage *reply;
	DBusMessageIter it;

	if (!p)
		return;

	reply = dbus_message_new_method_return(call->message);
	if (reply)
		dbus_message_iter_init_append(reply, &it);
	reply_built(call, reply, reply && append_property(&it, object, p));
}

static void properties_get_all(struct mk_call *call, void *data)
{
	const struct mk_bus_object *object = object_of(call);
	const char *name = mk_call_arg_str(call, 0);
	DBusMessage *reply;
	DBusMessageIter it;
	int i = -1;

	/* The standard interfaces have no properties; clients ask for theirs all the same. */
	if (starts_with(name, "org.freedesktop.DBus.")) {
		i = (int)object->n;
	} else if (*name) {
		i = interface_index(call, object, name);
		if (i < 0)
			return;
	}

	reply = dbus_message_new_method_return(call->message);
	if (reply)
		dbus_message_iter_init_append(reply, &it);
	reply_built(call, reply, reply && append_some(&it, object, i));
}

static void properties_set(struct mk_call *call, void *data)
{
	if (find_property(call, object_of(call)))
		mk_call_error(call, MK_ERROR_PROPERTY_READ_ONLY, "property %s cannot be set",
			      mk_call_arg_str(call, 1));
}

/* ---- object manager ---------------------------------------------------------------------------------------------- */

static bool append_objects(DBusMessageIter *it, struct mk_bus *bus)
{
	DBusMessageIter array, entry;
	bool ok;

	ok = dbus_message_iter_open_container(it, DBUS_TYPE_ARRAY, "{oa{sa{sv}}}", &array);
	for (struct mk_bus_object *o = bus->objects; ok && o; o = o->hh.next) {
		const char *path = o->path;

		if (!mk_bus_below_root(bus, path))
			continue;
		ok = dbus_message_iter_open_container(&array, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
		     dbus_message_iter_append_basic(&entry, DBUS_TYPE_OBJECT_PATH, &path) &&
		     mk_bus_append_interfaces(&entry, o) &&
		     dbus_message_iter_close_container(&array, &entry);
	}

	return ok && dbus_message_iter_close_container(it, &array);
}

static void get_managed_objects(struct mk_call *call, void *data)
{
	DBusMessage *reply = dbus_message_new_method_return(call->message);
	DBusMessageIter it;

	if (reply)
		dbus_message_iter_init_append(reply, &it);
	reply_built(call, reply, reply && append_objects(&it, data));
}

/* ---- tables -------------------------------------------------------------------------------------------------------- */

static const struct mk_bus_method introspectable_methods[] = {
	{ "Introspect", "", "", "s", "xml_data", introspect, MK_BUS_OPEN },
	{ 0 },
};

static const struct mk_bus_method properties_methods[] = {
	{ "Get", "ss", "interface_name,property_name", "v", "value", properties_get },
	{ "GetAll", "s", "interface_name", "a{sv}", "properties", properties_get_all },
	{ "Set", "ssv", "interface_name,property_name,value", "", "", properties_set },
	{ 0 },
};

static const struct mk_bus_signal properties_signals[] = {
	{ "PropertiesChanged", "sa{sv}as",
	  "interface_name,changed_properties,invalidated_properties" },
	{ 0 },
};

static const struct mk_bus_method object_manager_methods[] = {
	{ "GetManagedObjects", "", "", "a{oa{sa{sv}}}", "objects", get_managed_objects },
	{ 0 },
};

static const struct mk_bus_signal object_manager_signals[] = {
	{ "InterfacesAdded", "oa{sa{sv}}", "object_path,interfaces_and_properties" },
	{ "InterfacesRemoved", "oas", "object_path,interfaces" },
	{ 0 },
};

const struct mk_bus_interface mk_bus_introspectable = {
	.name = DBUS_INTERFACE_INTROSPECTABLE,
	.methods = introspectable_methods,
};

const struct mk_bus_interface mk_bus_properties = {
	.name = DBUS_INTERFACE_PROPERTIES,
	.methods = properties_methods,
	.signals = properties_signals,
};

const struct mk_bus_interface mk_bus_object_manager = {
	.name = OBJECT_MANAGER_INTERFACE,
	.methods = object_manager_methods,
	.signals = object_manager_signals,
};
