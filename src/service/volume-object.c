/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Managed volumes as objects, /org/migratekit/Volume1/volume/<id>, and the manager's methods about volumes. */

#include "service-internal.h"

#include "base/log.h"

#define LIST_MAX 100000

struct volume_object {
	struct mk_service *service; /* borrowed */
	struct mk_volume *volume;   /* borrowed; outlives the object */
	struct mk_bus_object *bus;  /* NULL before the manager is published */
	json_object *told;          /* the properties as callers last saw them */
};

/* ---- reading -------------------------------------------------------------------------------------------- */

static char *volume_path(const char *id)
{
	char *path = mk_strdup_printf(MK_BUS_ROOT "/volume/%s", id);

	for (char *c = path; c && *c; c++)
		if (*c == '-')
			*c = '_';
	return path;
}

static const char *operation_of(const struct mk_service *service, const struct mk_volume *v)
{
	struct mk_op *op = mk_engine_holder(service->engine, v->id);

	return op ? mk_op_record(op)->id : "";
}

static json_object *volume_to_json(const struct mk_service *service, const struct mk_volume *v)
{
	json_object *o = json_object_new_object();

	mk_json_set_str(o, "Id", v->id);
	mk_json_set_str(o, "Name", v->name);
	mk_json_set_str(o, "Class", v->class);
	mk_json_set_str(o, "VM", v->vm);
	mk_json_set_int(o, "DeviceId", v->device_id);
	mk_json_set_int(o, "Size", (int64_t)v->size);
	mk_json_set_str(o, "State", mk_volume_state_to_string(v->state));
	mk_json_set_str(o, "Device", v->node);
	mk_json_set_str(o, "DeviceLink", v->link);
	mk_json_set_str(o, "Serial", v->serial);
	mk_json_set_str(o, "Operation", operation_of(service, v));
	return o;
}

/* The managed volume, or NULL after an error reply. */
static struct mk_volume *find_volume(struct mk_call *call, struct mk_service *service)
{
	const char *id = mk_call_arg_str(call, 0);
	struct mk_volume *v;

	if (!mk_uuid_valid(id)) {
		mk_call_error(call, MK_ERROR_INVALID_ARGS,
			      "'%s' is no volume id: it must be a UUID in its canonical form, "
			      "8-4-4-4-12 lower-case hexadecimal digits",
			      id);
		return NULL;
	}

	v = mk_volumes_find(service->volumes, id);
	if (!v)
		mk_call_error(call, MK_ERROR_NOT_MANAGED,
			      "volume %s is not managed here; AdoptVolume takes it over", id);
	return v;
}

static void reply_path(struct mk_call *call, const struct mk_volume *v)
{
	_cleanup_free_ char *path = volume_path(v->id);

	mk_call_reply(call, mk_one_arg(json_object_new_string(str_or_empty(path))));
}

static void get_volume(struct mk_call *call, void *data)
{
	const struct mk_volume *v = find_volume(call, data);

	if (v)
		reply_path(call, v);
}

static void get_volume_by_device(struct mk_call *call, void *data)
{
	const char *device = mk_call_arg_str(call, 0);
	struct mk_service *service = data;
	struct mk_devices *devices = mk_volumes_devices(service->volumes);
	const struct mk_volume *v;
	const struct mk_disk *disk;
	int r;

	r = devices ? mk_devices_find(devices, device, &disk) : -ENOENT;
	if (r == -ENOTSUP) {
		mk_call_error(call, MK_ERROR_INVALID_ARGS, "'%s' is a partition: name the disk",
			      device);
	} else if (r == -EINVAL) {
		mk_call_error(call, MK_ERROR_INVALID_ARGS,
			      "'%s' is no device: give a node or a link below /dev, or MAJOR:MINOR",
			      device);
	} else if (r < 0) {
		mk_call_error(call, MK_ERROR_NOT_FOUND, "there is no disk '%s'", device);
	} else {
		v = mk_volumes_by_disk(service->volumes, disk);
		if (v && mk_volume_has_device(v))
			reply_path(call, v);
		else
			mk_call_error(call, MK_ERROR_NOT_MANAGED,
				      "disk %s is not proven to be a volume of ours", disk->node);
	}
}

static void get_device(struct mk_call *call, void *data)
{
	const struct mk_volume *v = find_volume(call, data);
	json_object *o;

	if (!v)
		return;

	if (v->state != MK_VOLUME_ATTACHED || !mk_volume_has_device(v)) {
		mk_call_error(call, MK_ERROR_DEVICE_NOT_FOUND,
			      "volume %s (%s) has no device on this machine%s%s", v->id,
			      mk_volume_state_to_string(v->state),
			      *v->vm ? "; it is attached to VM " : "", v->vm);
		return;
	}

	o = json_object_new_object();
	mk_json_set_str(o, "Device", v->node);
	mk_json_set_str(o, "DeviceLink", v->link);
	mk_json_set_int(o, "Major", v->major);
	mk_json_set_int(o, "Minor", v->minor);
	mk_json_set_int(o, "DiskSeq", (int64_t)v->diskseq);
	mk_json_set_str(o, "Serial", v->serial);
	mk_json_set_int(o, "Size", (int64_t)v->size);
	mk_json_set_int(o, "Since", (int64_t)v->since);
	mk_call_reply(call, mk_one_arg(o));
}

static bool matches(const struct mk_volume *v, json_object *filter)
{
	const char *class = mk_json_str(filter, "class", NULL),
		   *vm = mk_json_str(filter, "vm", NULL);
	const char *state = mk_json_str(filter, "state", NULL);

	return (!class || streq(class, v->class)) && (!vm || streq(vm, v->vm)) &&
	       (!state || streq(state, mk_volume_state_to_string(v->state)));
}

static json_object *row_of_volume(const struct mk_service *service, const struct mk_volume *v)
{
	json_object *o = volume_to_json(service, v);

	if (!mk_volume_has_device(v)) {
		mk_json_set_str(o, "Device", "");
		mk_json_set_str(o, "DeviceLink", "");
		mk_json_set_str(o, "Serial", "");
	}
	return o;
}

static void list_volumes(struct mk_call *call, void *data)
{
	json_object *filter = json_object_array_get_idx(mk_call_args(call), 0), *rows;
	const char *state = mk_json_str(filter, "state", NULL);
	int64_t offset = mk_json_int(filter, "offset", 0);
	int64_t limit = mk_json_int(filter, "limit", LIST_MAX);
	struct mk_service *service = data;

	if (state && mk_volume_state_from_string(state) < 0) {
		mk_call_error(call, MK_ERROR_INVALID_ARGS, "there is no volume state '%s'", state);
		return;
	}
	if (limit < 1 || limit > LIST_MAX) {
		mk_call_error(call, MK_ERROR_INVALID_ARGS, "option 'limit' must be 1 to %d",
			      LIST_MAX);
		return;
	}

	rows = json_object_new_array();
	for (const struct mk_volume *v = mk_volumes_first(service->volumes); v && limit > 0;
	     v = v->hh.next) {
		if (!matches(v, filter) || offset-- > 0)
			continue;
		json_object_array_add(rows, row_of_volume(service, v));
		limit--;
	}
	mk_call_reply(call, mk_one_arg(rows));
}

/* ---- changing: the class's plugin does it ------------------------------------------------------------------ */

static const struct mk_method *row_of(const struct mk_plugin *plugin, const char *name)
{
	for (const struct mk_method *m = plugin ? plugin->volume_methods : NULL; m && m->name; m++)
		if (streq(m->name, name))
			return m;
	return NULL;
}

/* The first class that has the method. */
static const char *any_class(const struct mk_service *service, const char *method)
{
	for (size_t i = 0; i < service->plugins->n; i++)
		if (row_of(service->plugins->slots[i].plugin, method))
			return service->plugins->slots[i].name;
	return NULL;
}

/* The class of the volume in the first argument, or NULL after an error reply. */
static const char *class_of_volume(struct mk_call *call, const struct mk_service *service,
				   json_object *options)
{
	const char *id = mk_call_arg_str(call, 0), *class = mk_json_str(options, "class", NULL);
	const struct mk_volume *v = mk_volumes_find(service->volumes, id);

	if (v)
		return v->class;
	if (class)
		return class;
	if (mk_uuid_valid(id) && !mk_json_bool(options, "unmanaged", false)) {
		mk_call_error(call, MK_ERROR_NOT_MANAGED,
			      "volume %s is not managed here: adopt it first, or see the method's "
			      "options "
			      "for unmanaged volumes",
			      id);
		return NULL;
	}

	return any_class(service, mk_call_method(call)->name); /* its prepare refuses a bad id */
}

/* The class that a call is for, or NULL after an error reply. */
static const char *class_of(struct mk_call *call, const struct mk_service *service,
			    const struct mk_volume_method *method, const char *token)
{
	json_object *args = mk_call_args(call);
	json_object *options = json_object_array_get_idx(args, json_object_array_length(args) - 1);
	struct mk_op *op = token ? mk_engine_find(service->engine, token) : NULL;

	switch (method->source) {
	case MK_CLASS_ARGUMENT:
		return mk_call_arg_str(call, 0);
	case MK_CLASS_OF_VOLUME:
		if (op && streq(mk_op_record(op)->kind, method->name))
			return mk_op_record(op)
				->class; /* asked again: the volume may be gone by now */
		return class_of_volume(call, service, options);
	case MK_CLASS_ANY:
		return str_or_empty(any_class(service, method->name));
	}
	return NULL;
}

void mk_service_on_volume_method(struct mk_call *call, void *data)
{
	const struct mk_volume_method *method = mk_call_method(call)->data;
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_service *service = data;
	struct mk_op_request request = {
		.args = mk_call_args(call),
		.token = mk_service_token_of(mk_call_args(call)),
		.caller = mk_call_uid(call),
	};
	struct mk_op *op;

	request.class = class_of(call, service, method, request.token);
	if (!request.class)
		return;

	request.method = row_of(mk_plugins_find(service->plugins, request.class), method->name);
	if (!request.method)
		mk_call_error(call, MK_ERROR_INVALID_ARGS,
			      "class '%s' is not available here or has no %s: see ListClasses",
			      request.class, method->name);
	else if (mk_engine_submit(service->engine, &request, &op, &error) < 0)
		mk_call_fail(call, &error);
	else
		mk_call_reply(call, mk_one_arg(mk_service_path_of(op)));
}

void mk_service_reconcile(struct mk_service *service)
{
	const char *class = any_class(service, "Reconcile");
	_cleanup_error_ struct mk_error error = { 0 };
	_cleanup_json_ json_object *args = mk_one_arg(json_object_new_object());
	struct mk_op_request request = { .class = class, .args = args, .caller = getuid() };
	struct mk_op *op;

	/* One that an earlier start asked for goes on. */
	if (!class || mk_engine_is_unfinished(service->engine, "Reconcile"))
		return;

	request.method = row_of(mk_plugins_find(service->plugins, class), "Reconcile");
	if (mk_engine_submit(service->engine, &request, &op, &error) < 0)
		mk_log_warning(NULL, "cannot compare store and CloudStack: %s", error.text);
}

static const struct mk_option list_options[] = {
	{ "class", "s" },  { "vm", "s" },    { "state", "s" },
	{ "offset", "u" }, { "limit", "u" }, { 0 },
};

const struct mk_bus_method mk_service_volume_reads[MK_N_VOLUME_READS] = {
	{ "GetVolume", "s", "volume", "o", "path", get_volume },
	{ "GetVolumeByDevice", "s", "device", "o", "path", get_volume_by_device },
	{ "GetDevice", "s", "volume", "a{sv}", "device", get_device },
	{ "ListVolumes", "a{sv}", "filter", "aa{sv}", "volumes", list_volumes,
	  .options = list_options },
};

/* ---- objects ------------------------------------------------------------------------------------------------ */

#define GET(name, expr)                                                                            \
	static json_object *get_##name(void *object)                                               \
	{                                                                                          \
		const struct volume_object *o = object;                                            \
		const struct mk_volume *v = o->volume;                                             \
                                                                                                   \
		return expr;                                                                       \
	}

GET(id, json_object_new_string(v->id))
GET(name, json_object_new_string(v->name))
GET(class, json_object_new_string(v->class))
GET(vm, json_object_new_string(v->vm))
GET(device_id, json_object_new_int64(v->device_id))
GET(size, json_object_new_int64((int64_t)v->size))
GET(state, json_object_new_string(mk_volume_state_to_string(v->state)))
/* That the disk has gone may still have to be followed. */
GET(node, json_object_new_string(mk_volume_has_device(v) ? v->node : ""))
GET(link, json_object_new_string(mk_volume_has_device(v) ? v->link : ""))
GET(serial, json_object_new_string(mk_volume_has_device(v) ? v->serial : ""))
GET(operation, json_object_new_string(operation_of(o->service, v)))

static const struct mk_bus_property properties[] = {
	{ "Id", "s", get_id, MK_BUS_CONST },    { "Name", "s", get_name, 0 },
	{ "Class", "s", get_class, 0 },         { "VM", "s", get_vm, 0 },
	{ "DeviceId", "x", get_device_id, 0 },  { "Size", "t", get_size, 0 },
	{ "State", "s", get_state, 0 },         { "Device", "s", get_node, 0 },
	{ "DeviceLink", "s", get_link, 0 },     { "Serial", "s", get_serial, 0 },
	{ "Operation", "s", get_operation, 0 }, { 0 },
};

static const struct mk_bus_interface volume_interface = {
	.name = MK_VOLUME_INTERFACE,
	.properties = properties,
};

static void publish(struct volume_object *object)
{
	static const struct mk_bus_interface *const interfaces[] = { &volume_interface };
	_cleanup_free_ char *path = volume_path(object->volume->id);

	if (path)
		(void)mk_bus_object_add(object->service->bus, path, interfaces, 1, object,
					&object->bus);
	object->told = volume_to_json(object->service, object->volume);
}

void mk_service_publish_volumes(struct mk_service *service)
{
	for (struct mk_volume *v = mk_volumes_first(service->volumes); v; v = v->hh.next)
		if (v->data)
			publish(v->data);
}

static void volume_added(struct mk_volume *v, void *data)
{
	struct volume_object *object = calloc(1, sizeof(*object));

	if (!object)
		return;

	object->service = data;
	object->volume = v;
	v->data = object;
	if (object->service->bus)
		publish(object);
}

/* Tells callers of the properties that are not as they last saw them. */
static void volume_changed(struct mk_volume *v, void *data)
{
	struct volume_object *object = v->data;
	json_object *now;

	if (!object || !object->bus)
		return;

	now = volume_to_json(object->service, v);
	json_object_object_foreach(now, key, value)
		if (!json_object_equal(value, mk_json_get(object->told, key)))
			mk_bus_object_changed(object->bus, MK_VOLUME_INTERFACE, key);
	json_object_put(object->told);
	object->told = now;
}

static void volume_removed(struct mk_volume *v, void *data)
{
	struct volume_object *object = v->data;

	if (!object)
		return;

	v->data = NULL;
	mk_bus_object_remove(object->bus);
	json_object_put(object->told);
	free(object);
}

void mk_service_volume_claimed(const char *volume, void *data)
{
	struct mk_service *service = data;
	struct mk_volume *v = mk_volumes_find(service->volumes, volume);

	if (v)
		volume_changed(v, data);
}

struct mk_volumes_watcher mk_service_volumes_watcher(struct mk_service *service)
{
	return (struct mk_volumes_watcher){
		.added = volume_added,
		.changed = volume_changed,
		.removed = volume_removed,
		.data = service,
	};
}
