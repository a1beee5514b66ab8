/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The objects on the bus, the queues of replies and signals, and mk_bus_flush(), which sends them at the end of a
 * turn. */

#include "bus-internal.h"

/* ---- queues ---------------------------------------------------------------------------------------------- */

void mk_bus_want_flush(struct mk_bus *bus)
{
	bus->callbacks.want_flush(bus->callbacks.data);
}

void mk_bus_queue(struct mk_bus *bus, struct mk_bus_out_list *list, DBusConnection *to,
		  DBusMessage *message)
{
	struct mk_bus_out *out = message ? calloc(1, sizeof(*out)) : NULL;

	if (!out) {
		if (message)
			dbus_message_unref(message);
		return;
	}

	out->message = message;
	out->to = to ? dbus_connection_ref(to) : NULL;
	STAILQ_INSERT_TAIL(list, out, entry);
	mk_bus_want_flush(bus);
}

/* Signals: to the bus, which knows who wants them, and to the peers. Not before we have the name, by which
 * clients know us and the bus's policy knows who may listen. */
static void broadcast(struct mk_bus *bus, DBusMessage *message)
{
	mk_bus_tell_peers(bus, message);
	if (bus->named)
		(void)dbus_connection_send(bus->connection, message, NULL);
}

static void send_out(struct mk_bus *bus, const struct mk_bus_out *out)
{
	if (!out->to)
		broadcast(bus, out->message);
	else if (dbus_connection_get_is_connected(out->to))
		(void)dbus_connection_send(out->to, out->message, NULL);
}

/* Sends what is queued, or only forgets it when nothing may become known any more. */
static void drain(struct mk_bus *bus, struct mk_bus_out_list *list)
{
	struct mk_bus_out *out;

	while ((out = STAILQ_FIRST(list))) {
		STAILQ_REMOVE_HEAD(list, entry);
		if (!bus->discarding)
			send_out(bus, out);
		if (out->to)
			dbus_connection_unref(out->to);
		dbus_message_unref(out->message);
		free(out);
	}
}

/* ---- objects ---------------------------------------------------------------------------------------------- */

struct mk_bus_object *mk_bus_find(struct mk_bus *bus, const char *path)
{
	struct mk_bus_object *object;

	HASH_FIND_STR(bus->objects, path, object);
	return object;
}

bool mk_bus_below_root(const struct mk_bus *bus, const char *path)
{
	return starts_with(path, bus->root) && path[strlen(bus->root)] == '/';
}

static size_t count_properties(const struct mk_bus_interface *interface)
{
	size_t n = 0;

	while (interface->properties && interface->properties[n].name)
		n++;
	return n;
}

static void object_free(struct mk_bus_object *object)
{
	for (size_t i = 0; object->changed && i < object->n; i++)
		free(object->changed[i]);
	free(object->changed);
	free(object->interfaces);
	free(object->path);
	free(object);
}
DEFINE_CLEANUP(struct mk_bus_object *, object_free)

static void mark_dirty(struct mk_bus_object *object)
{
	if (object->dirty)
		return;

	object->dirty = true;
	TAILQ_INSERT_TAIL(&object->bus->dirty, object, dirty_entry);
	mk_bus_want_flush(object->bus);
}

static int fill_object(struct mk_bus_object *o, const char *path,
		       const struct mk_bus_interface *const *interfaces, size_t n)
{
	o->path = strdup(path);
	o->interfaces = calloc(n + 1, sizeof(*o->interfaces));
	o->changed = calloc(n + 1, sizeof(*o->changed));
	if (!o->path || !o->interfaces || !o->changed)
		return -ENOMEM;

	for (o->n = 0; o->n < n; o->n++) {
		o->interfaces[o->n] = interfaces[o->n];
		o->changed[o->n] = calloc(count_properties(interfaces[o->n]) + 1, sizeof(bool));
		if (!o->changed[o->n])
			return -ENOMEM;
	}

	return 0;
}

int mk_bus_object_add(struct mk_bus *bus, const char *path,
		      const struct mk_bus_interface *const *interfaces, size_t n, void *object,
		      struct mk_bus_object **ret)
{
	_cleanup_(object_freep) struct mk_bus_object *o = NULL;
	int r;

	if (!dbus_validate_path(path, NULL))
		return -EINVAL;
	if (mk_bus_find(bus, path))
		return -EEXIST;

	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	r = fill_object(o, path, interfaces, n);
	if (r < 0)
		return r;

	o->bus = bus;
	o->object = object;
	o->announced = !mk_bus_below_root(bus, path);
	*ret = take_ptr(o);
	HASH_ADD_KEYPTR(hh, bus->objects, (*ret)->path, strlen((*ret)->path), *ret);
	if (!(*ret)->announced)
		mark_dirty(*ret);
	return 0;
}

const char *mk_bus_object_path(const struct mk_bus_object *object)
{
	return object->path;
}

static void queue_removed(struct mk_bus_object *object)
{
	DBusMessage *m = dbus_message_new_signal(object->bus->root, OBJECT_MANAGER_INTERFACE,
						 "InterfacesRemoved");
	_cleanup_json_ json_object *names = json_object_new_array();
	_cleanup_json_ json_object *path = json_object_new_string(object->path);
	DBusMessageIter it;

	if (!m)
		return;

	for (size_t i = 0; i < object->n; i++)
		json_object_array_add(names, json_object_new_string(object->interfaces[i]->name));
	dbus_message_iter_init_append(m, &it);
	if (mk_bus_append(&it, "o", path) && mk_bus_append(&it, "as", names))
		mk_bus_queue(object->bus, &object->bus->removals, NULL, m);
	else
		dbus_message_unref(m);
}

void mk_bus_object_remove(struct mk_bus_object *object)
{
	struct mk_bus *bus;

	if (!object)
		return;

	bus = object->bus;
	if (object->announced && mk_bus_below_root(bus, object->path))
		queue_removed(object);
	if (object->dirty)
		TAILQ_REMOVE(&bus->dirty, object, dirty_entry);
	HASH_DEL(bus->objects, object);
	object_free(object);
}

void mk_bus_object_changed(struct mk_bus_object *object, const char *interface, const char *name)
{
	for (size_t i = 0; i < object->n; i++) {
		const struct mk_bus_property *p = object->interfaces[i]->properties;

		if (!p || !streq(object->interfaces[i]->name, interface))
			continue;
		for (size_t k = 0; p[k].name; k++) {
			if (streq(p[k].name, name)) {
				object->changed[i][k] = true;
				mark_dirty(object);
			}
		}
	}
}

static const struct mk_bus_signal *find_signal(const struct mk_bus_object *object,
					       const char *interface, const char *name)
{
	for (size_t i = 0; i < object->n; i++) {
		const struct mk_bus_signal *s = object->interfaces[i]->signals;

		if (!streq(object->interfaces[i]->name, interface))
			continue;
		for (; s && s->name; s++)
			if (streq(s->name, name))
				return s;
	}

	return NULL;
}

void mk_bus_object_signal(struct mk_bus_object *object, const char *interface, const char *name,
			  json_object *args)
{
	_cleanup_json_ json_object *keep = args;
	const struct mk_bus_signal *s = find_signal(object, interface, name);
	DBusMessage *m = s ? dbus_message_new_signal(object->path, interface, name) : NULL;
	DBusMessageIter it;

	if (!m)
		return;

	dbus_message_iter_init_append(m, &it);
	if (mk_bus_append_all(&it, s->signature, args))
		mk_bus_queue(object->bus, &object->bus->signals, NULL, m);
	else
		dbus_message_unref(m);
}

/* ---- flush --------------------------------------------------------------------------------------------------- */

static void send_and_unref(struct mk_bus *bus, DBusMessage *m, bool ok)
{
	if (ok)
		broadcast(bus, m);
	dbus_message_unref(m);
}

static void announce(struct mk_bus_object *object)
{
	struct mk_bus *bus = object->bus;
	DBusMessage *m =
		dbus_message_new_signal(bus->root, OBJECT_MANAGER_INTERFACE, "InterfacesAdded");
	_cleanup_json_ json_object *path = json_object_new_string(object->path);
	DBusMessageIter it;

	if (!m)
		return;

	dbus_message_iter_init_append(m, &it);
	send_and_unref(bus, m,
		       mk_bus_append(&it, "o", path) && mk_bus_append_interfaces(&it, object));
	object->announced = true;
}

static bool any(const bool *flags, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (flags[i])
			return true;
	return false;
}

static void tell_changed(struct mk_bus_object *object, size_t i)
{
	const struct mk_bus_interface *interface = object->interfaces[i];
	_cleanup_json_ json_object *name = json_object_new_string(interface->name);
	DBusMessage *m = dbus_message_new_signal(object->path, DBUS_INTERFACE_PROPERTIES,
						 "PropertiesChanged");
	DBusMessageIter it;

	if (!m)
		return;

	dbus_message_iter_init_append(m, &it);
	send_and_unref(object->bus, m,
		       mk_bus_append(&it, "s", name) &&
			       mk_bus_append_properties(&it, object, interface,
							object->changed[i]) &&
			       mk_bus_append(&it, "as", NULL));
}

static void flush_object(struct mk_bus_object *object, bool was_announced)
{
	for (size_t i = 0; i < object->n; i++) {
		size_t n = count_properties(object->interfaces[i]);

		if (was_announced && any(object->changed[i], n))
			tell_changed(object, i);
		memset(object->changed[i], 0, n * sizeof(bool));
	}
}

void mk_bus_flush(struct mk_bus *bus)
{
	struct mk_bus_object *object, *next;

	if (bus->discarding) {
		mk_bus_discard(bus);
		return;
	}

	drain(bus, &bus->replies);

	TAILQ_FOREACH(object, &bus->dirty, dirty_entry) {
		if (!object->announced) {
			announce(object);
			flush_object(object, false); /* the announcement said it all */
		}
	}

	for (object = TAILQ_FIRST(&bus->dirty); object; object = next) {
		next = TAILQ_NEXT(object, dirty_entry);
		TAILQ_REMOVE(&bus->dirty, object, dirty_entry);
		object->dirty = false;
		flush_object(object, true);
	}

	drain(bus, &bus->signals);
	drain(bus, &bus->removals);
}

void mk_bus_discard(struct mk_bus *bus)
{
	bus->discarding = true;
	drain(bus, &bus->replies);
	drain(bus, &bus->signals);
	drain(bus, &bus->removals);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

int mk_bus_new(sd_event *event, const char *root, const struct mk_bus_callbacks *callbacks,
	       struct mk_bus **ret)
{
	_cleanup_(mk_bus_closep) struct mk_bus *bus = calloc(1, sizeof(*bus));

	if (!bus)
		return -ENOMEM;

	bus->event = sd_event_ref(event);
	bus->callbacks = *callbacks;
	bus->group = (gid_t)-1;
	TAILQ_INIT(&bus->dirty);
	TAILQ_INIT(&bus->calls);
	TAILQ_INIT(&bus->peers);
	STAILQ_INIT(&bus->replies);
	STAILQ_INIT(&bus->signals);
	STAILQ_INIT(&bus->removals);
	bus->root = strdup(root);
	if (!bus->root)
		return -ENOMEM;

	*ret = take_ptr(bus);
	return 0;
}

int mk_bus_open(sd_event *event, const char *address, const char *root,
		const struct mk_bus_callbacks *callbacks, struct mk_bus **ret,
		struct mk_error *error)
{
	_cleanup_(mk_bus_closep) struct mk_bus *bus = NULL;
	int r;

	r = mk_bus_new(event, root, callbacks, &bus);
	if (r >= 0)
		r = mk_bus_connect(bus, address, error);
	if (r < 0)
		return r;

	*ret = take_ptr(bus);
	return 0;
}

static void no_flush(void *data)
{
}

struct mk_bus *mk_bus_close(struct mk_bus *bus)
{
	struct mk_bus_object *object, *next;
	struct mk_bus_uid *uid, *next_uid;

	if (!bus)
		return NULL;

	bus->callbacks.want_flush = no_flush; /* all is sent below */
	mk_bus_drop_calls(bus);
	HASH_ITER(hh, bus->objects, object, next) {
		HASH_DEL(bus->objects, object);
		object_free(object);
	}
	TAILQ_INIT(&bus->dirty);

	drain(bus, &bus->replies);
	drain(bus, &bus->signals);
	drain(bus, &bus->removals);
	mk_bus_stop_listening(bus);
	mk_bus_disconnect(bus);
	HASH_ITER(hh, bus->uids, uid, next_uid) {
		HASH_DEL(bus->uids, uid);
		free(uid->name);
		free(uid);
	}

	sd_event_unref(bus->event);
	free(bus->root);
	free(bus);
	return NULL;
}
