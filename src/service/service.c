/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The manager object: its own methods and properties, its Status, and making and freeing the service. */

#include "service-internal.h"

#define LIST_DEFAULT 100
#define LIST_MAX     1000

/* ---- manager: methods ---------------------------------------------------------------------------------------- */

static void get_operation(struct mk_call *call, void *data)
{
	struct mk_service *service = data;
	const char *id = mk_call_arg_str(call, 0);
	struct mk_op *op = mk_engine_find(service->engine, id);

	if (op)
		mk_call_reply(call, mk_one_arg(mk_service_path_of(op)));
	else
		mk_call_error(call, MK_ERROR_NOT_FOUND, "there is no operation '%.64s'", id);
}

static void add_record(const struct mk_op_record *r, void *data)
{
	json_object_array_add(data, mk_operation_to_json(r));
}

static void list_operations(struct mk_call *call, void *data)
{
	struct mk_service *service = data;
	json_object *options = json_object_array_get_idx(mk_call_args(call), 0), *rows;
	struct mk_op_filter filter = {
		.class = mk_json_str(options, "class", ""),
		.kind = mk_json_str(options, "kind", ""),
		.state = mk_json_str(options, "state", ""),
		.vm = mk_json_str(options, "vm", ""),
		.volume = mk_json_str(options, "volume", ""),
		.offset = (uint64_t)mk_json_int(options, "offset", 0),
		.limit = (uint64_t)mk_json_int(options, "limit", LIST_DEFAULT),
	};

	if (filter.limit < 1 || filter.limit > LIST_MAX) {
		mk_call_error(call, MK_ERROR_INVALID_ARGS, "option 'limit' must be 1 to %d",
			      LIST_MAX);
		return;
	}
	if (*filter.state && mk_op_state_from_string(filter.state) < 0) {
		mk_call_error(call, MK_ERROR_INVALID_ARGS, "there is no operation state '%.64s'",
			      filter.state);
		return;
	}

	rows = json_object_new_array();
	if (mk_store_list_ops(service->store, &filter, add_record, rows) < 0) {
		json_object_put(rows);
		mk_call_error(call, MK_ERROR_INTERNAL, "the journal cannot be read: %s",
			      mk_store_failed(service->store));
		return;
	}
	mk_call_reply(call, mk_one_arg(rows));
}

static void list_classes(struct mk_call *call, void *data)
{
	struct mk_service *service = data;
	json_object *rows = json_object_new_array();

	for (size_t i = 0; i < service->plugins->n; i++) {
		const struct mk_plugin_slot *slot = &service->plugins->slots[i];
		json_object *o = json_object_new_object();

		mk_json_set_str(o, "Class", slot->name);
		mk_json_set_bool(o, "Available", slot->plugin != NULL);
		mk_json_set_str(o, "Path", slot->path);
		mk_json_set_str(o, "Summary", slot->plugin ? slot->plugin->summary : "");
		mk_json_set_str(o, "Interface", slot->plugin ? slot->plugin->interface : "");
		mk_json_set_str(o, "Problem", str_or_empty(slot->problem));
		json_object_array_add(rows, o);
	}

	mk_call_reply(call, mk_one_arg(rows));
}

static const struct mk_option list_options[] = {
	{ "class", "s" },  { "kind", "s" },   { "state", "s" }, { "vm", "s" },
	{ "volume", "s" }, { "offset", "u" }, { "limit", "u" }, { 0 },
};

#define N_MANAGER_METHODS 3

static const struct mk_bus_method manager_methods[N_MANAGER_METHODS] = {
	{ "GetOperation", "s", "id", "o", "operation", get_operation },
	{ "ListOperations", "a{sv}", "filter", "aa{sv}", "operations", list_operations,
	  .options = list_options },
	{ "ListClasses", "a{sv}", "filter", "aa{sv}", "classes", list_classes },
};

static const struct mk_bus_signal manager_signals[] = {
	{ "OperationFinished", "osss", "operation,id,state,error" },
	{ 0 },
};

/* ---- manager: properties -------------------------------------------------------------------------------------- */

static json_object *get_version(void *data)
{
	return json_object_new_string(PACKAGE_VERSION);
}

static json_object *get_healthy(void *data)
{
	return json_object_new_boolean(((struct mk_service *)data)->healthy);
}

static json_object *get_status(void *data)
{
	return json_object_new_string(mk_service_status(data));
}

static json_object *get_reachable(void *data)
{
	return json_object_new_boolean(((struct mk_service *)data)->reachable);
}

static json_object *get_pending(void *data)
{
	return json_object_new_int64((int64_t)((struct mk_service *)data)->pending);
}

static json_object *get_managed(void *data)
{
	return json_object_new_int64((int64_t)((struct mk_service *)data)->managed);
}

static json_object *get_oma(void *data)
{
	return json_object_new_string(((struct mk_service *)data)->oma);
}

static const struct mk_bus_property manager_properties[] = {
	{ "Version", "s", get_version, MK_BUS_CONST },
	{ "Healthy", "b", get_healthy, 0 },
	{ "Status", "s", get_status, 0 },
	{ "CloudStackReachable", "b", get_reachable, 0 },
	{ "PendingOperations", "t", get_pending, 0 },
	{ "ManagedVolumes", "t", get_managed, 0 },
	{ "OMA", "s", get_oma, MK_BUS_CONST },
	{ 0 },
};

/* The manager's interface: its own methods, the reading ones about volumes, and those that a class does. */
static int build_manager(struct mk_service *service)
{
	size_t n = 0;

	service->manager_methods =
		calloc(N_MANAGER_METHODS + MK_N_VOLUME_READS + MK_N_VOLUME_METHODS + 1,
		       sizeof(*service->manager_methods));
	if (!service->manager_methods)
		return -ENOMEM;

	for (size_t i = 0; i < N_MANAGER_METHODS; i++)
		service->manager_methods[n++] = manager_methods[i];
	for (size_t i = 0; i < MK_N_VOLUME_READS; i++)
		service->manager_methods[n++] = mk_service_volume_reads[i];
	for (const struct mk_volume_method *m = mk_volume_methods; m->name; m++)
		service->manager_methods[n++] = (struct mk_bus_method){
			.name = m->name,
			.in = m->in,
			.in_names = m->in_names,
			.out = "o",
			.out_names = "operation",
			.handler = mk_service_on_volume_method,
			.flags = MK_BUS_CALLER,
			.options = m->options,
			.data = m,
			.privilege = m->privilege,
			.also = mk_service_needs_force,
		};

	service->manager_interface = (struct mk_bus_interface){
		.name = MK_MANAGER_INTERFACE,
		.methods = service->manager_methods,
		.properties = manager_properties,
		.signals = manager_signals,
	};
	return 0;
}

/* ---- status ---------------------------------------------------------------------------------------------------- */

static const char *plugin_problem(const struct mk_service *service)
{
	for (size_t i = 0; i < service->plugins->n; i++) {
		const struct mk_plugin_slot *slot = &service->plugins->slots[i];

		if (!slot->plugin && !slot->unsupported)
			return str_or_empty(slot->problem);
	}

	return "";
}

/* Takes the text over; NULL without memory. */
static char *add_sentence(char *text, const char *sentence)
{
	_cleanup_free_ char *before = text;

	if (!text || !*sentence)
		return take_ptr(before);
	return mk_strdup_printf("%s%s%s", before, *before ? "; " : "", sentence);
}

static const char *text_of(const struct mk_service *service, enum mk_condition condition)
{
	return str_or_empty(service->conditions[condition]);
}

/* The sentences that apply, most urgent first; without any that makes unhealthy, "serving" is the first. */
static char *compose_status(const struct mk_service *service, bool *ret_healthy)
{
	const char *parts[] = {
		service->reachable ? "" : mk_cs_status(service->cs),
		text_of(service, MK_CONDITION_OMA),
		plugin_problem(service),
		text_of(service, MK_CONDITION_BUS),
		text_of(service, MK_CONDITION_CONFIG),
		text_of(service, MK_CONDITION_INSECURE),
	};
	const char *unverified = text_of(service, MK_CONDITION_UNVERIFIED);
	char *status = strdup("");

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		status = add_sentence(status, parts[i]);

	*ret_healthy = status && !*status;
	if (*ret_healthy)
		status = add_sentence(status, "serving");
	return add_sentence(status, unverified);
}

bool mk_service_refresh(struct mk_service *service)
{
	bool healthy, new_status, reachable = mk_cs_reachable(service->cs);
	uint64_t pending = mk_engine_n_unfinished(service->engine);
	uint64_t managed = mk_volumes_count(service->volumes);
	_cleanup_free_ char *status = NULL;
	const struct {
		const char *name;
		bool changed;
	} changes[] = {
		{ "CloudStackReachable", service->reachable != reachable },
		{ "PendingOperations", service->pending != pending },
		{ "ManagedVolumes", service->managed != managed },
	};

	service->reachable = reachable;
	service->pending = pending;
	service->managed = managed;
	status = compose_status(service, &healthy);
	new_status = status && !streq(status, mk_service_status(service));

	if (service->manager) {
		for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
			if (changes[i].changed)
				mk_bus_object_changed(service->manager, MK_MANAGER_INTERFACE,
						      changes[i].name);
		if (healthy != service->healthy)
			mk_bus_object_changed(service->manager, MK_MANAGER_INTERFACE, "Healthy");
		if (new_status)
			mk_bus_object_changed(service->manager, MK_MANAGER_INTERFACE, "Status");
	}

	service->healthy = healthy;
	if (status) {
		free(service->status);
		service->status = take_ptr(status);
	}
	return new_status;
}

const char *mk_service_status(struct mk_service *service)
{
	return str_or_empty(service->status);
}

bool mk_service_set_condition(struct mk_service *service, enum mk_condition condition,
			      const char *text)
{
	if (streq(text_of(service, condition), text))
		return false;

	(void)mk_str_set(&service->conditions[condition], text);
	return true;
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

int mk_service_new(const struct mk_service_config *config, struct mk_service **ret)
{
	_cleanup_(mk_service_freep) struct mk_service *service = calloc(1, sizeof(*service));
	int r;

	if (!service)
		return -ENOMEM;

	service->event = config->event;
	service->plugins = config->plugins;
	service->store = config->store;
	service->cs = config->cs;
	service->oma = strdup(config->oma);
	service->status = strdup("starting");
	service->classes = calloc(config->plugins->n + 1, sizeof(*service->classes));
	if (!service->oma || !service->status || !service->classes)
		return -ENOMEM;

	r = build_manager(service);
	if (r < 0)
		return r;

	for (size_t i = 0; i < config->plugins->n; i++) {
		if (!config->plugins->slots[i].plugin)
			continue;
		r = mk_service_build_class(&service->classes[service->n_classes++],
					   config->plugins->slots[i].plugin);
		if (r < 0)
			return r;
	}

	*ret = take_ptr(service);
	return 0;
}

struct mk_service *mk_service_free(struct mk_service *service)
{
	if (!service)
		return NULL;

	mk_bus_object_remove(service->manager);
	for (size_t i = 0; i < service->n_classes; i++)
		mk_service_class_done(&service->classes[i]);
	free(service->classes);
	free(service->manager_methods);
	free(service->oma);
	for (size_t i = 0; i < MK_N_CONDITIONS; i++)
		free(service->conditions[i]);
	free(service->status);
	free(service);
	return NULL;
}

struct mk_engine_watcher mk_service_watcher(struct mk_service *service)
{
	return (struct mk_engine_watcher){
		.added = mk_service_op_added,
		.changed = mk_service_op_changed,
		.finished = mk_service_op_finished,
		.removed = mk_service_op_removed,
		.claimed = mk_service_volume_claimed,
		.method = mk_service_find_method,
		.data = service,
	};
}

void mk_service_set_engine(struct mk_service *service, struct mk_engine *engine)
{
	service->engine = engine;
}

void mk_service_set_volumes(struct mk_service *service, struct mk_volumes *volumes)
{
	service->volumes = volumes;
}

int mk_service_publish(struct mk_service *service, struct mk_bus *bus)
{
	_cleanup_free_ const struct mk_bus_interface **interfaces =
		calloc(service->n_classes + 1, sizeof(*interfaces));
	int r;

	if (!interfaces)
		return -ENOMEM;

	interfaces[0] = &service->manager_interface;
	for (size_t i = 0; i < service->n_classes; i++)
		interfaces[i + 1] = &service->classes[i].interface;

	service->bus = bus;
	r = mk_bus_object_add(bus, MK_BUS_ROOT, interfaces, service->n_classes + 1, service,
			      &service->manager);
	if (r == 0)
		mk_service_publish_volumes(service);
	return r;
}
