/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Implements the second half of world.h: calls to the daemon, its signals, the bus monitor, and requests to the
 * simulator.
 */

#include "world-internal.h"

#include "child.h"
#include "cloudstack/wire.h"
#include "tap.h"
#include "testbus.h"
#include "testsim.h"

#include <poll.h>

#define CALL_TIMEOUT (CHILD_TIMEOUT_MS * USEC_PER_MSEC)
#define WAIT_ONCE    (10 * USEC_PER_SEC) /* below the 25 s after which clients give up by default */
#define WAIT_MAX     (600 * USEC_PER_SEC)
#define AWAIT_MAX    CALL_TIMEOUT
#define STEP_MS      1000
#define FENCE        "WorldFence"

char w_error_name[256], w_error_text[4096];

/* ---- messages to JSON --------------------------------------------------------------------------------- */

static void read_all(sd_bus_message *m, json_object *array);

static json_object *read_dict(sd_bus_message *m)
{
	json_object *o = json_object_new_object();

	while (sd_bus_message_at_end(m, false) == 0) {
		_cleanup_json_ json_object *pair = json_object_new_array();

		CU_ASSERT(sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, NULL) > 0);
		read_all(m, pair);
		CU_ASSERT(sd_bus_message_exit_container(m) >= 0);
		json_object_object_add(o,
				       json_object_get_string(json_object_array_get_idx(pair, 0)),
				       json_object_get(json_object_array_get_idx(pair, 1)));
	}
	return o;
}

static json_object *read_container(sd_bus_message *m, char type, const char *contents)
{
	_cleanup_json_ json_object *list = NULL;
	json_object *o;

	CU_ASSERT(sd_bus_message_enter_container(m, type, contents) > 0);
	if (type == SD_BUS_TYPE_ARRAY && *contents == '{') {
		o = read_dict(m);
	} else {
		list = json_object_new_array();
		read_all(m, list);
		o = json_object_get(type == SD_BUS_TYPE_VARIANT ? json_object_array_get_idx(list, 0)
								: list);
	}
	CU_ASSERT(sd_bus_message_exit_container(m) >= 0);
	return o;
}

static json_object *read_basic(sd_bus_message *m, char type)
{
	union {
		const char *s;
		int b;
		uint8_t y;
		int16_t n;
		uint16_t q;
		int32_t i;
		uint32_t u;
		int64_t x;
		uint64_t t;
		double d;
	} v = { 0 };

	CU_ASSERT(sd_bus_message_read_basic(m, type, &v) > 0);
	switch (type) {
	case SD_BUS_TYPE_BOOLEAN:
		return json_object_new_boolean(v.b);
	case SD_BUS_TYPE_BYTE:
		return json_object_new_int(v.y);
	case SD_BUS_TYPE_INT16:
		return json_object_new_int(v.n);
	case SD_BUS_TYPE_UINT16:
		return json_object_new_int(v.q);
	case SD_BUS_TYPE_INT32:
		return json_object_new_int(v.i);
	case SD_BUS_TYPE_UINT32:
		return json_object_new_int64(v.u);
	case SD_BUS_TYPE_INT64:
		return json_object_new_int64(v.x);
	case SD_BUS_TYPE_UINT64:
		return json_object_new_uint64(v.t);
	case SD_BUS_TYPE_DOUBLE:
		return json_object_new_double(v.d);
	default:
		return json_object_new_string(v.s);
	}
}

static void read_all(sd_bus_message *m, json_object *array)
{
	const char *contents;
	char type;

	while (sd_bus_message_peek_type(m, &type, &contents) > 0) {
		json_object *o = contents ? read_container(m, type, contents) : read_basic(m, type);

		json_object_array_add(array, o);
	}
}

json_object *w_message_json(sd_bus_message *m)
{
	json_object *array = json_object_new_array();

	CU_ASSERT(sd_bus_message_rewind(m, true) >= 0);
	read_all(m, array);
	return array;
}

/* ---- connections ---------------------------------------------------------------------------------------- */

static int on_signal(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct world *w = data;
	struct w_signal *s;

	w->signals = reallocarray(w->signals, w->n_signals + 1, sizeof(*w->signals));
	if (!w->signals)
		abort();
	s = &w->signals[w->n_signals++];
	s->path = strdup(sd_bus_message_get_path(m));
	s->interface = strdup(sd_bus_message_get_interface(m));
	s->member = strdup(sd_bus_message_get_member(m));
	s->args = w_message_json(m);
	return 0;
}

static int on_owner(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const char *name, *before, *now;
	struct world *w = data;

	if (sd_bus_message_read(m, "sss", &name, &before, &now) > 0)
		snprintf(w->owner, sizeof(w->owner), "%s", now);
	w->n_before_owner = w->n_signals;
	return 0;
}

static sd_bus *connect_bus(struct world *w, bool monitor)
{
	sd_bus *bus = NULL;

	CU_ASSERT_FATAL(sd_bus_new(&bus) >= 0);
	CU_ASSERT(sd_bus_set_address(bus, tb_address(w->bus)) >= 0);
	CU_ASSERT(sd_bus_set_bus_client(bus, true) >= 0);
	CU_ASSERT(sd_bus_set_monitor(bus, monitor) >= 0);
	CU_ASSERT(sd_bus_set_method_call_timeout(bus, CALL_TIMEOUT) >= 0);
	CU_ASSERT_FATAL(sd_bus_start(bus) >= 0);
	return bus;
}

void w_connect(struct world *w)
{
	int r;

	w->monitor = connect_bus(w, true);
	r = sd_bus_call_method(w->monitor, "org.freedesktop.DBus", "/org/freedesktop/DBus",
			       "org.freedesktop.DBus.Monitoring", "BecomeMonitor", NULL, NULL,
			       "asu", 0, 0);
	CU_ASSERT(r >= 0);

	w->client = connect_bus(w, false);
	r = sd_bus_add_match(w->client, NULL, "type='signal',path_namespace='" W_PATH "'",
			     on_signal, w);
	CU_ASSERT(r >= 0);
	r = sd_bus_add_match(w->client, NULL,
			     "type='signal',sender='org.freedesktop.DBus',"
			     "member='NameOwnerChanged',arg0='" W_NAME "'",
			     on_owner, w);
	CU_ASSERT(r >= 0);
}

void w_disconnect(struct world *w)
{
	for (size_t i = 0; i < w->n_signals; i++) {
		free(w->signals[i].path);
		free(w->signals[i].interface);
		free(w->signals[i].member);
		json_object_put(w->signals[i].args);
	}
	free(w->signals);
	w->signals = NULL;
	w->n_signals = 0;
	w->client = sd_bus_flush_close_unref(w->client);
	w->monitor = sd_bus_close_unref(w->monitor);
}

void w_process(struct world *w)
{
	int r = 1;

	while (w->client && r > 0)
		r = sd_bus_process(w->client, NULL);
}

static void wait_for_more(struct world *w)
{
	struct pollfd fd = { .fd = sd_bus_get_fd(w->client), .events = POLLIN };

	(void)poll(&fd, 1, STEP_MS);
}

void w_forget_owner(struct world *w)
{
	uint64_t end = mk_now_monotonic() + AWAIT_MAX;

	w_process(w);
	while (*w->owner && mk_now_monotonic() < end && w->client &&
	       sd_bus_is_open(w->client) > 0) {
		wait_for_more(w);
		w_process(w);
	}
	*w->owner = '\0';
}

/* ---- calls ---------------------------------------------------------------------------------------------- */

static int keep_error(int r, sd_bus_error *e)
{
	snprintf(w_error_name, sizeof(w_error_name), "%s", str_or_empty(r < 0 ? e->name : NULL));
	snprintf(w_error_text, sizeof(w_error_text), "%s", str_or_empty(r < 0 ? e->message : NULL));
	sd_bus_error_free(e);
	return r;
}

static int callv(struct world *w, const char *path, const char *interface, const char *member,
		 sd_bus_message **ret, const char *types, va_list ap)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	sd_bus_error e = SD_BUS_ERROR_NULL;
	int r;

	r = sd_bus_message_new_method_call(w->client, &m, W_NAME, path, interface, member);
	if (r >= 0 && types && *types)
		r = sd_bus_message_appendv(m, types, ap);
	CU_ASSERT_FATAL(r >= 0);
	r = sd_bus_call(w->client, m, CALL_TIMEOUT, &e, ret);
	return keep_error(r < 0 ? r : 0, &e);
}

int w_call(struct world *w, const char *interface, const char *member, sd_bus_message **ret,
	   const char *types, ...)
{
	va_list ap;
	int r;

	va_start(ap, types);
	r = callv(w, W_PATH, interface, member, ret, types, ap);
	va_end(ap);
	return r;
}

int w_call_object(struct world *w, const char *path, const char *interface, const char *member,
		  json_object **ret, const char *types, ...)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	va_list ap;
	int r;

	va_start(ap, types);
	r = callv(w, path, interface, member, &reply, types, ap);
	va_end(ap);
	if (ret)
		*ret = r >= 0 ? w_message_json(reply) : NULL;
	return r;
}

json_object *w_property(struct world *w, const char *path, const char *interface, const char *name)
{
	_cleanup_json_ json_object *args = NULL;

	if (w_call_object(w, path, "org.freedesktop.DBus.Properties", "Get", &args, "ss", interface,
			  name) < 0)
		return NULL;
	return json_object_get(json_object_array_get_idx(args, 0));
}

/* ---- operations ------------------------------------------------------------------------------------------- */

const char *w_delete_root(struct world *w, const char *vm, const char *token, bool stop)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	static char path[512];
	const char *s;
	int r;

	if (token)
		r = w_call(w, W_TESTVM, "DeleteRootVolume", &reply, "sa{sv}", vm, 2, "token", "s",
			   token, "stop", "b", (int)stop);
	else
		r = w_call(w, W_TESTVM, "DeleteRootVolume", &reply, "sa{sv}", vm, 1, "stop", "b",
			   (int)stop);
	if (r < 0 || sd_bus_message_read(reply, "o", &s) <= 0)
		return NULL;

	snprintf(path, sizeof(path), "%s", s);
	return path;
}

static bool is_final(const char *state)
{
	return streq(state, "succeeded") || streq(state, "failed") || streq(state, "cancelled") ||
	       streq(state, "rolled-back");
}

const char *w_wait(struct world *w, const char *path)
{
	uint64_t end = mk_now_monotonic() + WAIT_MAX;
	static char state[64];

	do {
		_cleanup_json_ json_object *args = NULL;

		*state = '\0';
		if (w_call_object(w, path, W_OPERATION, "Wait", &args, "t", (uint64_t)WAIT_ONCE) <
		    0)
			break;
		snprintf(state, sizeof(state), "%s",
			 json_object_get_string(json_object_array_get_idx(args, 0)));
	} while (!is_final(state) && mk_now_monotonic() < end);

	return state;
}

const char *w_op_str(struct world *w, const char *path, const char *property)
{
	_cleanup_json_ json_object *value = w_property(w, path, W_OPERATION, property);
	static char texts[8][4096];
	static unsigned n;
	char *text = texts[n++ % ARRAY_SIZE(texts)];

	snprintf(text, sizeof(texts[0]), "%s", value ? json_object_get_string(value) : "");
	return text;
}

/* ---- signals ------------------------------------------------------------------------------------------------ */

static const char *nth(json_object *args, size_t i)
{
	return str_or_empty(json_object_get_string(json_object_array_get_idx(args, i)));
}

/* "": it does not tell the operation's State. */
static const char *state_told(const struct w_signal *s, const char *path)
{
	json_object *properties = json_object_array_get_idx(s->args, 1);

	if (streq(s->member, "InterfacesAdded") && streq(nth(s->args, 0), path))
		return mk_json_str(mk_json_get(properties, W_OPERATION), "State", "");
	if (streq(s->member, "PropertiesChanged") && streq(s->path, path))
		return mk_json_str(properties, "State", "");
	return "";
}

static bool tells_state(const struct w_signal *s, const char *path, const char *state)
{
	if (streq(s->member, "OperationFinished"))
		return streq(nth(s->args, 0), path) && streq(nth(s->args, 2), state);
	return streq(state_told(s, path), state);
}

const char *w_told_state(struct world *w, const char *path)
{
	for (size_t i = w->n_signals; i > 0; i--)
		if (*state_told(&w->signals[i - 1], path))
			return state_told(&w->signals[i - 1], path);
	return "";
}

bool w_await_state(struct world *w, const char *path, const char *state)
{
	uint64_t end = mk_now_monotonic() + AWAIT_MAX;
	size_t seen = 0;

	for (;;) {
		w_process(w);
		for (; seen < w->n_signals; seen++)
			if (tells_state(&w->signals[seen], path, state))
				return true;
		if (mk_now_monotonic() > end || sd_bus_is_open(w->client) <= 0)
			return false;
		wait_for_more(w);
	}
}

bool w_await_status(struct world *w, const char *text)
{
	uint64_t end = mk_now_monotonic() + AWAIT_MAX;

	for (;;) {
		_cleanup_json_ json_object *status = w_property(w, W_PATH, W_NAME, "Status");
		const char *now = status ? json_object_get_string(status) : "";

		if (strstr(now, text))
			return true;
		if (mk_now_monotonic() > end) {
			tap_note("no '%s' in Status: %s", text, now);
			return false;
		}
		(void)sd_bus_wait(w->client, STEP_MS * USEC_PER_MSEC);
		w_process(w);
	}
}

/*
 * The first reply leaves with the end of a turn, in front of that turn's signals; libdbus's own answer to
 * Ping comes behind them.
 */
void w_drain(struct world *w)
{
	if (*w->owner) {
		(void)w_call_object(w, W_PATH, W_NAME, "ListClasses", NULL, "a{sv}", 0);
		(void)w_call_object(w, W_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL, "");
	}
	w_process(w);
}

bool w_await_manager(struct world *w, const char *property, bool value)
{
	uint64_t end = mk_now_monotonic() + CHILD_TIMEOUT_MS * USEC_PER_MSEC;
	size_t seen = 0;

	for (;;) {
		w_drain(w);
		for (; seen < w->n_signals; seen++) {
			json_object *args = w->signals[seen].args, *changed;

			if (!streq(w->signals[seen].member, "PropertiesChanged") ||
			    !streq(w->signals[seen].path, W_PATH))
				continue;
			changed = mk_json_get(json_object_array_get_idx(args, 1), property);
			if (changed && json_object_get_boolean(changed) == value)
				return true;
		}
		if (mk_now_monotonic() > end)
			return false;
		(void)sd_bus_wait(w->client, USEC_PER_SEC);
	}
}

size_t w_count_finished(struct world *w, const char *id)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_signals; i++)
		n += streq(w->signals[i].member, "OperationFinished") &&
		     streq(nth(w->signals[i].args, 1), id);
	return n;
}

/* ---- what went over the bus ------------------------------------------------------------------------------------ */

static void check_message(sd_bus_message *m)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	CU_ASSERT(sd_bus_message_dump(m, f, SD_BUS_MESSAGE_DUMP_WITH_HEADER) >= 0);
	(void)fclose(f);
	w_check_text(text, size, "what went over the bus");
}

void w_check_traffic(struct world *w)
{
	bool fence = false;
	int r;

	if (!w->client || sd_bus_is_open(w->client) <= 0)
		return; /* the test took the bus away */

	(void)sd_bus_call_method(w->client, "org.freedesktop.DBus", "/org/freedesktop/DBus",
				 "org.freedesktop.DBus", FENCE, NULL, NULL, NULL);
	while (!fence) {
		_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

		r = sd_bus_process(w->monitor, &m);
		if (r == 0)
			r = sd_bus_wait(w->monitor, CALL_TIMEOUT);
		if (r <= 0)
			break;
		if (m) {
			fence = streq(str_or_empty(sd_bus_message_get_member(m)), FENCE);
			check_message(m);
		}
	}
	CU_ASSERT(fence);
}

/* ---- simulator --------------------------------------------------------------------------------------------------- */

json_object *w_sim_get(struct world *w, const char *what)
{
	json_object *o = th_admin(w->sim, what, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	return o;
}

void w_sim_post(struct world *w, const char *what, const char *json)
{
	_cleanup_json_ json_object *o = th_admin(w->sim, what, json);

	CU_ASSERT_PTR_NOT_NULL(o);
}

bool w_sim_await(struct world *w, const char *query, unsigned timeout_ms)
{
	_cleanup_free_ char *what = mk_strdup_printf("wait?%s&timeout-ms=%u", query, timeout_ms);
	_cleanup_json_ json_object *o = th_admin(w->sim, what, NULL);

	return o;
}

void w_sim_wait(struct world *w, const char *query)
{
	CU_ASSERT(w_sim_await(w, query, CHILD_TIMEOUT_MS / 2));
}

static int64_t count_of(struct world *w, const char *what, const char *command)
{
	_cleanup_json_ json_object *log = w_sim_get(w, "counts");
	json_object *counts = log ? mk_json_get(log, what) : NULL;

	return counts ? mk_json_int(counts, command, 0) : -1;
}

int64_t w_executed(struct world *w, const char *command)
{
	return count_of(w, "executed", command);
}

int64_t w_received(struct world *w, const char *command)
{
	return count_of(w, "received", command);
}

int64_t w_requests(struct world *w)
{
	_cleanup_json_ json_object *log = w_sim_get(w, "counts");
	json_object *received = log ? mk_json_get(log, "received") : NULL;
	int64_t n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(received);
	json_object_object_foreach(received, key, value) {
		(void)key;
		n += json_object_get_int64(value);
	}
	return n;
}

void w_cloudv(struct world *w, const char *command, const char *const *names)
{
	_cleanup_json_ json_object *params = json_object_new_object(), *answer = NULL;
	_cleanup_free_ char *body = NULL;
	int64_t before = w_executed(w, command);
	const char *text;

	mk_json_set_str(params, "command", command);
	mk_json_set_str(params, "response", "json");
	mk_json_set_str(params, "apikey", w_api_key);
	for (; *names; names += 2)
		mk_json_set_str(params, names[0], names[1]);

	body = mk_cs_signed_body(params, w_secret);
	CU_ASSERT_PTR_NOT_NULL_FATAL(body);
	answer = th_api(w->sim, body);
	text = answer ? json_object_to_json_string(answer) : "nothing";
	if (!answer || strstr(text, "errortext"))
		tap_note("%s: %s", command, text);
	CU_ASSERT_FATAL(answer && !strstr(text, "errortext"));
	if (strstr(text, "jobid")) {
		_cleanup_free_ char *query = mk_strdup_printf("command=%s&count=%lld&what=executed",
							      command, (long long)before + 1);

		w_sim_wait(w, query);
	}
}

static json_object *state_of(struct world *w, const char *kind, const char *id)
{
	_cleanup_free_ char *what = mk_strdup_printf("state?kinds=%s", kind);
	_cleanup_json_ json_object *state = w_sim_get(w, what);
	json_object *all = state ? mk_json_get(state, kind) : NULL;

	return all ? json_object_get(mk_json_get(all, id)) : NULL;
}

json_object *w_volume(struct world *w, const char *id)
{
	return state_of(w, "volumes", id);
}

const char *w_vm_state(struct world *w, const char *id)
{
	_cleanup_json_ json_object *vm = state_of(w, "vms", id);
	static char state[32];

	snprintf(state, sizeof(state), "%s", vm ? mk_json_str(vm, "state", "") : "");
	return state;
}
