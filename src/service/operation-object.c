/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Operations as objects, /org/migratekit/Volume1/operation/<id>: their properties, Wait and Cancel. */

#include "service-internal.h"

struct op_object;

/* A caller in Wait(). */
struct waiter {
	struct op_object *object; /* borrowed */
	struct mk_call *call;     /* counted */
	sd_event_source *timer;   /* NULL: no time-out */
	TAILQ_ENTRY(waiter) entry;
};

struct op_object {
	struct mk_service *service; /* borrowed */
	struct mk_op *op;           /* borrowed; outlives the object */
	struct mk_bus_object *bus;
	TAILQ_HEAD(waiters, waiter) waiters;
};

/* ---- properties ------------------------------------------------------------------------------------------ */

static const struct mk_op_record *record(void *object)
{
	return mk_op_record(((struct op_object *)object)->op);
}

static const char *error_name(const struct mk_op_record *r)
{
	return r->error == MK_ERROR_NONE ? "" : mk_error_dbus_name(r->error);
}

#define GET(name, expr)                                                                            \
	static json_object *get_##name(void *object)                                               \
	{                                                                                          \
		const struct mk_op_record *r = record(object);                                     \
                                                                                                   \
		return expr;                                                                       \
	}

GET(id, json_object_new_string(r->id))
GET(kind, json_object_new_string(r->kind))
GET(class, json_object_new_string(r->class))
GET(volumes, json_object_get(r->volumes))
GET(vm, json_object_new_string(r->vm))
GET(state, json_object_new_string(mk_op_state_to_string(r->state)))
GET(step, json_object_new_string(r->step))
GET(step_index, json_object_new_int64(r->step_index))
GET(step_count, json_object_new_int64(r->step_count))
GET(error, json_object_new_string(error_name(r)))
GET(message, json_object_new_string(r->message))
GET(details, json_object_get(r->details))
GET(result, json_object_get(r->result))
GET(created, json_object_new_int64((int64_t)r->created))
GET(started, json_object_new_int64((int64_t)r->started))
GET(finished, json_object_new_int64((int64_t)r->finished))
GET(caller, json_object_new_int64(r->caller < 0 ? UINT32_MAX : r->caller))

static const struct mk_bus_property properties[] = {
	{ "Id", "s", get_id, MK_BUS_CONST },
	{ "Kind", "s", get_kind, MK_BUS_CONST },
	{ "Class", "s", get_class, MK_BUS_CONST },
	{ "Volumes", "as", get_volumes, 0 },
	{ "VM", "s", get_vm, 0 },
	{ "State", "s", get_state, 0 },
	{ "Step", "s", get_step, 0 },
	{ "StepIndex", "u", get_step_index, 0 },
	{ "StepCount", "u", get_step_count, MK_BUS_CONST },
	{ "Error", "s", get_error, 0 },
	{ "Message", "s", get_message, 0 },
	{ "Details", "a{sv}", get_details, 0 },
	{ "Result", "a{sv}", get_result, 0 },
	{ "Created", "t", get_created, MK_BUS_CONST },
	{ "Started", "t", get_started, 0 },
	{ "Finished", "t", get_finished, 0 },
	{ "Caller", "u", get_caller, MK_BUS_CONST },
	{ 0 },
};

json_object *mk_operation_to_json(const struct mk_op_record *r)
{
	json_object *o = json_object_new_object();

	if (!o)
		return NULL;

	mk_json_set_str(o, "Id", r->id);
	mk_json_set_str(o, "Kind", r->kind);
	mk_json_set_str(o, "Class", r->class);
	json_object_object_add(o, "Volumes", json_object_get(r->volumes));
	mk_json_set_str(o, "VM", r->vm);
	mk_json_set_str(o, "State", mk_op_state_to_string(r->state));
	mk_json_set_str(o, "Step", r->step);
	mk_json_set_int(o, "StepIndex", r->step_index);
	mk_json_set_int(o, "StepCount", r->step_count);
	mk_json_set_str(o, "Error", error_name(r));
	mk_json_set_str(o, "Message", r->message);
	json_object_object_add(o, "Details", json_object_get(r->details));
	json_object_object_add(o, "Result", json_object_get(r->result));
	mk_json_set_int(o, "Created", (int64_t)r->created);
	mk_json_set_int(o, "Started", (int64_t)r->started);
	mk_json_set_int(o, "Finished", (int64_t)r->finished);
	mk_json_set_int(o, "Caller", r->caller < 0 ? UINT32_MAX : r->caller);
	return o;
}

/* ---- Wait, Cancel ------------------------------------------------------------------------------------------ */

static void waiter_free(struct waiter *w)
{
	TAILQ_REMOVE(&w->object->waiters, w, entry);
	sd_event_source_disable_unref(w->timer);
	mk_call_on_gone(w->call, NULL, NULL);
	mk_call_unref(w->call);
	free(w);
}

/* The state so far, or how it ended: failures as the operation's own error. */
static void reply_state(struct mk_call *call, const struct mk_op_record *r)
{
	json_object *args;

	if (mk_op_state_final(r->state) && r->state != MK_OP_SUCCEEDED) {
		mk_call_error(call, r->error, "%s", r->message);
		return;
	}

	args = json_object_new_array();
	json_object_array_add(args, json_object_new_string(mk_op_state_to_string(r->state)));
	json_object_array_add(args, json_object_get(r->result));
	mk_call_reply(call, args);
}

static int on_wait_over(sd_event_source *source, uint64_t usec, void *data)
{
	struct waiter *w = data;

	reply_state(w->call, record(w->object));
	waiter_free(w);
	return 0;
}

static void on_waiter_gone(struct mk_call *call, void *data)
{
	waiter_free(data);
}

static void op_wait(struct mk_call *call, void *data)
{
	struct op_object *object = data;
	uint64_t timeout = mk_call_arg_u64(call, 0);
	struct waiter *w;

	if (timeout == 0 || mk_op_state_final(record(object)->state)) {
		reply_state(call, record(object));
		return;
	}

	w = calloc(1, sizeof(*w));
	if (!w)
		return; /* the dispatcher answers */

	w->object = object;
	w->call = mk_call_hold(call);
	if (!w->call) {
		free(w);
		return;
	}

	mk_call_on_gone(call, on_waiter_gone, w);
	TAILQ_INSERT_TAIL(&object->waiters, w, entry);
	if (timeout < USEC_INFINITY / 4 &&
	    sd_event_add_time_relative(object->service->event, &w->timer, CLOCK_MONOTONIC, timeout,
				       1000, on_wait_over, w) < 0)
		waiter_free(w);
}

static void op_cancel(struct mk_call *call, void *data)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct op_object *object = data;

	if (mk_op_cancel(object->op, &error) < 0)
		mk_call_fail(call, &error);
	else
		mk_call_reply(call, NULL);
}

/* To end an operation takes what starting one of its kind takes. */
static unsigned needs_of_method(const struct mk_call *call, void *data)
{
	const struct op_object *object = data;

	return MK_NEEDS(mk_op_privilege(object->op));
}

static const struct mk_bus_method methods[] = {
	{ "Wait", "t", "timeout_usec", "sa{sv}", "state,result", op_wait },
	{ "Cancel", "", "", "", "", op_cancel, .also = needs_of_method },
	{ 0 },
};

const struct mk_bus_interface mk_operation_interface = {
	.name = MK_OPERATION_INTERFACE,
	.methods = methods,
	.properties = properties,
};

/* ---- what the engine tells ---------------------------------------------------------------------------------- */

static void publish(struct op_object *object)
{
	static const struct mk_bus_interface *const interfaces[] = { &mk_operation_interface };
	_cleanup_free_ char *path = mk_operation_path(record(object)->id);

	if (path && object->service->bus)
		(void)mk_bus_object_add(object->service->bus, path, interfaces, 1, object,
					&object->bus);
}

void mk_service_op_added(struct mk_op *op, void *data)
{
	struct op_object *object = calloc(1, sizeof(*object));

	if (!object)
		return;

	object->service = data;
	object->op = op;
	TAILQ_INIT(&object->waiters);
	mk_op_set_data(op, object);
	publish(object);
}

void mk_service_op_changed(struct mk_op *op, unsigned what, void *data)
{
	static const struct {
		unsigned what;
		const char *property;
	} map[] = {
		{ MK_OP_CHANGED_STATE, "State" },    { MK_OP_CHANGED_STATE, "Error" },
		{ MK_OP_CHANGED_STATE, "Message" },  { MK_OP_CHANGED_STATE, "Started" },
		{ MK_OP_CHANGED_STATE, "Finished" }, { MK_OP_CHANGED_STEP, "Step" },
		{ MK_OP_CHANGED_STEP, "StepIndex" }, { MK_OP_CHANGED_SUBJECT, "Volumes" },
		{ MK_OP_CHANGED_SUBJECT, "VM" },     { MK_OP_CHANGED_DETAILS, "Details" },
		{ MK_OP_CHANGED_DETAILS, "Result" },
	};
	struct op_object *object = mk_op_data(op);

	if (!object || !object->bus)
		return;

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (what & map[i].what)
			mk_bus_object_changed(object->bus, MK_OPERATION_INTERFACE, map[i].property);
}

static void emit_finished(struct mk_service *service, const struct mk_op_record *r)
{
	_cleanup_free_ char *path = mk_operation_path(r->id);
	json_object *args = json_object_new_array();

	json_object_array_add(args, json_object_new_string(str_or_empty(path)));
	json_object_array_add(args, json_object_new_string(r->id));
	json_object_array_add(args, json_object_new_string(mk_op_state_to_string(r->state)));
	json_object_array_add(args, json_object_new_string(error_name(r)));
	mk_bus_object_signal(service->manager, MK_MANAGER_INTERFACE, "OperationFinished", args);
}

void mk_service_op_finished(struct mk_op *op, void *data)
{
	struct op_object *object = mk_op_data(op);
	struct mk_service *service = data;
	struct waiter *w;

	while (object && (w = TAILQ_FIRST(&object->waiters))) {
		reply_state(w->call, mk_op_record(op));
		waiter_free(w);
	}
	if (service->manager)
		emit_finished(service, mk_op_record(op));
}

void mk_service_op_removed(struct mk_op *op, void *data)
{
	struct op_object *object = mk_op_data(op);
	struct waiter *w;

	if (!object)
		return;

	while ((w = TAILQ_FIRST(&object->waiters))) {
		mk_call_error(w->call, MK_ERROR_UNAVAILABLE,
			      "the daemon is stopping; the operation goes on when it is back");
		waiter_free(w);
	}
	mk_bus_object_remove(object->bus);
	mk_op_set_data(op, NULL);
	free(object);
}
