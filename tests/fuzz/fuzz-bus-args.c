/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fuzzes what a caller may send, against the tables of the daemon's own interfaces. There are three kinds of input:
 *
 *   <method name>\n<bytes>   the bytes are the body of a call with that method's signature
 *   json\n<text>             a JSON value, to be written with every signature of the tables; and an error's text
 *   anything else            a whole message
 *
 * Arguments must be read, or refused with a reason. What was read must be within the limits, and what is written from
 * it, options apart, must read back the same. Each class that has the method also prepares an operation of it, with
 * the engine's real functions for plugins. The operation must be refused with a reason, or name its VM and volumes by
 * UUIDs.
 */

#include "bus/bus-internal.h"
#include "engine/engine-internal.h"
#include "service/service-internal.h"

#include <limits.h>

#define HEADER_LENGTH_AT 4 /* of a message: the body's length, little endian here */
#define TARGETS_MAX      96
#define NAME_MAX_SIZE    64
#define OMA              "11111111-1111-4111-8111-111111111111"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The descriptor's symbol, renamed for each class: see local.mk. */
extern const struct mk_plugin *const fuzz_failover, *const fuzz_oma, *const fuzz_test_vm;

#define N_PLUGINS 3
static struct mk_plugin_slot slots[N_PLUGINS];
static struct mk_plugins plugins = { .slots = slots, .n = N_PLUGINS };
static const struct mk_bus_method *targets[TARGETS_MAX];
static size_t n_targets;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void add_targets(const struct mk_bus_interface *interface)
{
	for (const struct mk_bus_method *m = interface->methods; m && m->name; m++) {
		must(n_targets < TARGETS_MAX);
		targets[n_targets++] = m;
	}
}

/* The service makes the classes' methods from the plugins' tables, options included. */
static void set_up(void)
{
	const struct mk_plugin *const all[N_PLUGINS] = { fuzz_failover, fuzz_oma, fuzz_test_vm };
	static struct mk_service *service; /* never freed: the targets are its tables */
	struct mk_service_config config = { .plugins = &plugins, .oma = OMA };

	if (service)
		return;

	for (size_t i = 0; i < N_PLUGINS; i++) {
		slots[i].name = (char *)(uintptr_t)all[i]->name;
		slots[i].plugin = all[i];
		must(all[i]->init(mk_engine_host()) == 0);
	}
	must(mk_service_new(&config, &service) == 0);
	add_targets(&service->manager_interface);
	add_targets(&mk_operation_interface);
	for (size_t i = 0; i < N_PLUGINS; i++)
		add_targets(&service->classes[i].interface);
	add_targets(&mk_bus_properties);
}

/* ---- what the classes make of it --------------------------------------------------------------------------- */

static void claimed(const char *volume, void *data)
{
	must(mk_uuid_valid(volume));
}

/* Nothing but the arguments is looked at, so an engine that only knows the appliance will do. */
static struct mk_engine engine = {
	.config = { .oma = OMA },
	.watcher = { .claimed = claimed },
};

static void prepare(const struct mk_method *m, json_object *args)
{
	struct mk_op *op = mk_op_new(&engine);
	size_t n = json_object_array_length(args);

	must(op != NULL);
	mk_op_record_init(&op->r);
	json_object_put(op->r.args);
	op->r.args = json_object_get(args);
	if (strchr(m->in, 'v')) {
		json_object_put(op->r.options);
		op->r.options = json_object_get(json_object_array_get_idx(args, n - 1));
	}

	if (m->prepare(op, args) == MK_DONE) {
		must(!mk_error_is_set(&op->error));
		must(!*op->r.vm || mk_uuid_valid(op->r.vm));
		for (size_t i = 0; i < json_object_array_length(op->r.volumes); i++)
			must(mk_uuid_valid(json_object_get_string(
				json_object_array_get_idx(op->r.volumes, i))));
	} else {
		must(mk_error_is_set(&op->error));
		must(dbus_validate_utf8(op->error.text, NULL));
	}
	mk_op_free(op);
	must(engine.claims == NULL);
}

/* A batch: with each element in place of the list. */
static void prepare_each(const struct mk_method *m, json_object *args)
{
	json_object *list = json_object_array_get_idx(args, 0);

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		_cleanup_json_ json_object *one = NULL;

		must(json_object_deep_copy(args, &one, NULL) == 0);
		json_object_array_put_idx(one, 0,
					  json_object_get(json_object_array_get_idx(list, i)));
		prepare(m, one);
	}
}

static void prepare_in(const struct mk_method *table, const struct mk_bus_method *method,
		       json_object *args)
{
	for (const struct mk_method *m = table; m && m->name; m++) {
		if (!streq(m->name, method->name) || !streq(m->in, method->in))
			continue;
		if (m->kind == MK_METHOD_BATCH)
			prepare_each(m, args);
		else
			prepare(m, args);
	}
}

/* ---- arguments ----------------------------------------------------------------------------------------------- */

static DBusMessage *new_call(const char *member)
{
	DBusMessage *m = dbus_message_new_method_call(NULL, "/o", "org.example.I", member);

	must(m != NULL);
	dbus_message_set_serial(m, 1);
	return m;
}

/* A call of the method with this body. NULL: libdbus does not take it for a message. */
static DBusMessage *call_with_body(const struct mk_bus_method *method, const uint8_t *body,
				   size_t size)
{
	DBusMessage *m = new_call(method->name);
	_cleanup_free_ char *bytes = NULL;
	char *whole = NULL;
	uint32_t length;
	DBusMessageIter it;
	size_t header;
	int n;

	dbus_message_iter_init_append(m, &it);
	must(mk_bus_append_all(&it, method->in, NULL));
	must(dbus_message_marshal(m, &whole, &n));
	dbus_message_unref(m);

	memcpy(&length, whole + HEADER_LENGTH_AT, sizeof(length));
	header = (size_t)n - length;
	bytes = malloc(header + size + 1);
	must(bytes != NULL);
	memcpy(bytes, whole, header);
	if (size)
		memcpy(bytes + header, body, size);
	dbus_free(whole);
	length = (uint32_t)size;
	memcpy(bytes + HEADER_LENGTH_AT, &length, sizeof(length));
	return dbus_message_demarshal(bytes, (int)(header + size), NULL);
}

/* Every text and array that was let in. */
static void check_limits(json_object *value)
{
	if (json_object_is_type(value, json_type_string)) {
		must(mk_text_valid(json_object_get_string(value), MK_BUS_TEXT_MAX));
	} else if (json_object_is_type(value, json_type_array)) {
		must(json_object_array_length(value) <= MK_BUS_ARRAY_MAX);
		for (size_t i = 0; i < json_object_array_length(value); i++)
			check_limits(json_object_array_get_idx(value, i));
	} else if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, v) {
			must(mk_text_valid(key, MK_BUS_TEXT_MAX));
			check_limits(v);
		}
	}
}

/* A variant's type follows the value and not the table, so options need not read back. */
static void read_back(const struct mk_bus_method *method, json_object *args)
{
	_cleanup_error_ struct mk_error error = { 0 };
	_cleanup_json_ json_object *again = NULL;
	DBusMessage *m = new_call(method->name);
	DBusMessageIter it;

	dbus_message_iter_init_append(m, &it);
	must(mk_bus_append_all(&it, method->in, args));
	if (mk_bus_read_args(m, method, &again, &error) == 0)
		must(strchr(method->in, 'v') || json_object_equal(args, again));
	else
		must(strchr(method->in, 'v') != NULL);
	dbus_message_unref(m);
}

static void check_call(const struct mk_bus_method *method, DBusMessage *m)
{
	_cleanup_error_ struct mk_error error = { 0 };
	_cleanup_json_ json_object *args = NULL;

	if (mk_bus_read_args(m, method, &args, &error) < 0) {
		must(error.code == MK_ERROR_INVALID_ARGS || error.code == MK_ERROR_LIMITS_EXCEEDED);
		must(error.text && dbus_validate_utf8(error.text, NULL));
		must(args == NULL);
		return;
	}

	must(args && !mk_error_is_set(&error));
	check_limits(args);
	read_back(method, args);
	for (size_t i = 0; i < N_PLUGINS; i++) {
		prepare_in(slots[i].plugin->methods, method, args);
		prepare_in(slots[i].plugin->volume_methods, method, args);
	}
}

static void append_as(const char *signature, json_object *value)
{
	DBusMessage *m = new_call("M");
	DBusMessageIter it;

	dbus_message_iter_init_append(m, &it);
	must(mk_bus_append_all(&it, signature, value));
	must(streq(dbus_message_get_signature(m), signature));
	dbus_message_unref(m);
}

/* The text as JSON, else as a text of its own: alone, and as the first of several values. */
static void check_json(const char *text)
{
	_cleanup_json_ json_object *value = json_tokener_parse(text);
	_cleanup_json_ json_object *array = json_object_new_array();

	if (!value)
		value = json_object_new_string(text);
	json_object_array_add(array, json_object_get(value));
	for (size_t i = 0; i < n_targets; i++) {
		append_as(targets[i]->out, value);
		append_as(targets[i]->out, array);
		append_as(targets[i]->in, array);
	}
	append_as("aa{sv}", array);
	append_as("v", array);
}

static void check_error(const char *text)
{
	_cleanup_free_ char *clean = mk_bus_text(text);

	must(clean && dbus_validate_utf8(clean, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *eol = memchr(data, '\n', size < NAME_MAX_SIZE ? size : NAME_MAX_SIZE);
	size_t n = eol ? (size_t)(eol - data) : 0, left = size - n - 1;
	bool known = false;
	DBusMessage *m;

	set_up();
	if (eol && n == 4 && memcmp(data, "json", n) == 0) {
		_cleanup_free_ char *text = strndup((const char *)eol + 1, left);

		check_json(text);
		check_error(text);
		return 0;
	}

	/* several interfaces may have a method of that name */
	for (size_t i = 0; eol && i < n_targets; i++) {
		if (strlen(targets[i]->name) != n || memcmp(targets[i]->name, data, n) != 0)
			continue;
		m = call_with_body(targets[i], eol + 1, left);
		if (m) {
			check_call(targets[i], m);
			dbus_message_unref(m);
		}
		known = true;
	}
	if (known)
		return 0;

	m = size < INT_MAX ? dbus_message_demarshal((const char *)data, (int)size, NULL) : NULL;
	for (size_t i = 0; m && i < n_targets; i++)
		check_call(targets[i], m);
	if (m)
		dbus_message_unref(m);
	return 0;
}
