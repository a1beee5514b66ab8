/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements bus-env.h: the tables and handlers of the service, the event loop, and the client. */

#include "bus-env.h"

#include "child.h"
#include "daemon/turn.h"
#include "testbus.h"
#include "world.h"

#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>

#define LOOP_MAX (60 * USEC_PER_SEC)

/* ---- the service's tables ---------------------------------------------------------------------------- */

static void echo(struct mk_call *call, void *object)
{
	mk_call_reply(call, json_object_get(mk_call_args(call)));
}

static void drop(struct mk_call *call, void *object)
{
}

static void twice(struct mk_call *call, void *object)
{
	json_object *args = json_object_new_array();

	json_object_array_add(args, json_object_new_string("first"));
	mk_call_reply(call, json_object_get(args));
	mk_call_reply(call, args);
	mk_call_error(call, MK_ERROR_INTERNAL, "third");
}

static void hold(struct mk_call *call, void *object)
{
	struct b_object *o = object;

	if (mk_call_hold(call))
		o->held[o->n_held++] = call;
}

static void caller(struct mk_call *call, void *object)
{
	json_object *args = json_object_new_array();

	json_object_array_add(args, json_object_new_int64(mk_call_uid(call)));
	json_object_array_add(args, json_object_new_string(mk_call_sender(call)));
	mk_call_reply(call, args);
}

/* Everything that a handler may get wrong: bad UTF-8, bad path, wrong types, too few. */
static void bad_values(struct mk_call *call, void *object)
{
	json_object *args = json_object_new_array();

	json_object_array_add(args, json_object_new_string("a\xff\xfe\x01z"));
	json_object_array_add(args, json_object_new_string("no path"));
	json_object_array_add(args, json_object_new_string("no number"));
	json_object_array_add(args, json_object_new_int(7));
	mk_call_reply(call, args);
}

static void bad_error(struct mk_call *call, void *object)
{
	mk_call_error(call, MK_ERROR_REFUSED, "cloud says \xc3\x28 \x1b[31m %s", "\xed\xa0\x80");
}

/* The reply is built from what the caller named: a JSON text. */
static void make(struct mk_call *call, void *object)
{
	json_object *args = json_object_new_array();

	json_object_array_add(args, json_tokener_parse(mk_call_arg_str(call, 0)));
	mk_call_reply(call, args);
}

static void big(struct mk_call *call, void *object)
{
	json_object *args = json_object_new_array();
	_cleanup_free_ char *text = malloc(64 * 1024 + 1);

	memset(text, 'x', 64 * 1024);
	text[64 * 1024] = '\0';
	json_object_array_add(args, json_object_new_string(text));
	mk_call_reply(call, args);
}

/* Changes twice, tells, signals, and only then replies: the order on the wire must be another one. */
static void change(struct mk_call *call, void *object)
{
	struct b_object *o = object;
	json_object *args = json_object_new_array();

	mk_bus_object_signal(o->bus, B_TEST, "Poked", json_tokener_parse("[\"one\", {\"n\": 1}]"));
	o->count++;
	mk_bus_object_changed(o->bus, B_TEST, "Count");
	o->count++;
	mk_bus_object_changed(o->bus, B_TEST, "Count");
	(void)mk_str_set(&o->name, mk_call_arg_str(call, 0));
	mk_bus_object_changed(o->bus, B_TEST, "Name");
	mk_bus_object_signal(o->bus, B_TEST, "Poked", json_tokener_parse("[\"two\", {}]"));
	json_object_array_add(args, json_object_new_uint64(o->count));
	mk_call_reply(call, args);
}

static const struct mk_option options[] = {
	{ "text", "s" },  { "flag", "b" },  { "number", "t" },
	{ "small", "u" }, { "list", "as" }, { 0 },
};

static const struct mk_bus_method test_methods[] = {
	{ "EchoS", "s", "value", "s", "value", echo },
	{ "EchoO", "o", "value", "o", "value", echo },
	{ "EchoT", "t", "value", "t", "value", echo },
	{ "EchoX", "x", "value", "x", "value", echo },
	{ "EchoU", "u", "value", "u", "value", echo },
	{ "EchoI", "i", "value", "i", "value", echo },
	{ "EchoB", "b", "value", "b", "value", echo },
	{ "EchoD", "d", "value", "d", "value", echo },
	{ "EchoAS", "as", "value", "as", "value", echo },
	{ "EchoAO", "ao", "value", "ao", "value", echo },
	{ "EchoMany", "sutb", "one,two,three,four", "sutb", "one,two,three,four", echo },
	{ "Options", "sa{sv}", "name,options", "sa{sv}", "name,options", echo, .options = options },
	{ "NoOptions", "a{sv}", "options", "a{sv}", "options", echo },
	{ "Nothing", "", "", "", "", echo },
	{ "Drop", "", "", "s", "never", drop },
	{ "Twice", "", "", "s", "which", twice },
	{ "Hold", "", "", "", "", hold },
	{ "Caller", "", "", "us", "uid,sender", caller, MK_BUS_CALLER },
	{ "HoldCaller", "", "", "", "", hold, MK_BUS_CALLER },
	{ "HoldTexts", "as", "texts", "", "", hold, MK_BUS_CALLER },
	{ "BadValues", "", "", "sotsas", "a,b,c,d,e", bad_values },
	{ "BadError", "", "", "s", "never", bad_error },
	{ "MakeDict", "s", "json", "a{sv}", "value", make },
	{ "MakeDicts", "s", "json", "aa{sv}", "value", make },
	{ "MakeVariant", "s", "json", "v", "value", make },
	{ "Big", "", "", "s", "value", big },
	{ "Change", "s", "name", "t", "count", change },
	{ 0 },
};

static json_object *get_name(void *object)
{
	return json_object_new_string(((struct b_object *)object)->name);
}

static json_object *get_count(void *object)
{
	return json_object_new_uint64(((struct b_object *)object)->count);
}

static json_object *get_names(void *object)
{
	json_object *list = json_object_new_array();

	json_object_array_add(list, get_name(object));
	return list;
}

static json_object *get_dict(void *object)
{
	json_object *o = json_object_new_object();

	mk_json_set_str(o, "name", ((struct b_object *)object)->name);
	return o;
}

static const struct mk_bus_property test_properties[] = {
	{ "Name", "s", get_name, 0 },
	{ "Count", "t", get_count, 0 },
	{ "Names", "as", get_names, 0 },
	{ "Dict", "a{sv}", get_dict, 0 },
	{ "Fixed", "s", get_name, MK_BUS_CONST },
	{ 0 },
};

static const struct mk_bus_signal test_signals[] = {
	{ "Poked", "sa{sv}", "name,details" },
	{ 0 },
};

const struct mk_bus_interface b_test_interface = {
	.name = B_TEST,
	.methods = test_methods,
	.properties = test_properties,
	.signals = test_signals,
};

static const struct mk_bus_method more_methods[] = {
	{ "Only", "", "", "s", "where", twice },
	{ 0 },
};

static const struct mk_bus_property more_properties[] = {
	{ "Other", "t", get_count, 0 },
	{ 0 },
};

const struct mk_bus_interface b_more_interface = {
	.name = B_MORE,
	.methods = more_methods,
	.properties = more_properties,
};

/* ---- the loop ------------------------------------------------------------------------------------------- */

/* The end of a turn is the daemon's, without a journal. */
static int commit(void *data)
{
	return 0;
}

static void release(void *data)
{
	struct bus_env *e = data;

	if (e->bus)
		mk_bus_flush(e->bus);
}

static void on_want_flush(void *data)
{
	struct bus_env *e = data;

	e->wanted++;
	if (!e->hold_flush)
		mk_turn_request(e->turn);
}

static void on_disconnected(void *data)
{
	((struct bus_env *)data)->disconnected++;
}

bool b_turn(struct bus_env *e)
{
	return sd_event_run(e->event, 0) > 0;
}

bool b_run_until(struct bus_env *e, const bool *flag)
{
	uint64_t end = mk_now_monotonic() + LOOP_MAX;

	while (!*flag && mk_now_monotonic() < end)
		(void)sd_event_run(e->event, USEC_PER_SEC);
	return *flag;
}

/* ---- the client -------------------------------------------------------------------------------------------- */

static int on_message(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct bus_env *e = data;
	struct b_signal *s;

	if (!sd_bus_message_is_signal(m, NULL, NULL) ||
	    !starts_with(sd_bus_message_get_path(m), "/org/example"))
		return 0;

	e->signals = reallocarray(e->signals, e->n_signals + 1, sizeof(*e->signals));
	s = &e->signals[e->n_signals++];
	s->path = strdup(sd_bus_message_get_path(m));
	s->interface = strdup(sd_bus_message_get_interface(m));
	s->member = strdup(sd_bus_message_get_member(m));
	s->args = w_message_json(m);
	CU_ASSERT(sd_bus_message_rewind(m, true) >= 0);
	return 0;
}

sd_bus *b_connect(struct bus_env *e)
{
	sd_bus *bus = NULL;

	CU_ASSERT_FATAL(sd_bus_new(&bus) >= 0);
	CU_ASSERT(sd_bus_set_address(bus, tb_address(e->daemon)) >= 0);
	CU_ASSERT(sd_bus_set_bus_client(bus, true) >= 0);
	CU_ASSERT(sd_bus_set_method_call_timeout(bus, LOOP_MAX) >= 0);
	CU_ASSERT_FATAL(sd_bus_start(bus) >= 0);
	CU_ASSERT(sd_bus_attach_event(bus, e->event, 0) >= 0);
	return bus;
}

void b_become(uid_t uid, gid_t gid)
{
	CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
	CU_ASSERT_EQUAL_FATAL(setegid(gid), 0);
	CU_ASSERT_EQUAL_FATAL(seteuid(uid), 0);
}

sd_bus *b_connect_as(struct bus_env *e, uid_t uid, gid_t gid)
{
	sd_bus *bus;

	b_become(uid, gid);
	bus = b_connect(e);
	b_become(0, 0);
	return bus;
}

size_t b_n_calls(const struct bus_env *e)
{
	const struct mk_call *call;
	size_t n = 0;

	TAILQ_FOREACH(call, &e->bus->calls, entry)
		n++;
	return n;
}

struct pending {
	sd_bus_message *reply;
	bool done;
};

static int on_reply(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct pending *p = data;

	p->reply = sd_bus_message_ref(m);
	p->done = true;
	return 0;
}

sd_bus_message *b_send(struct bus_env *e, sd_bus *from, sd_bus_message *m)
{
	_cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
	struct pending p = { 0 };

	CU_ASSERT_FATAL(sd_bus_call_async(from, &slot, m, on_reply, &p, LOOP_MAX) >= 0);
	sd_bus_message_unref(m);
	CU_ASSERT_FATAL(b_run_until(e, &p.done));
	return p.reply;
}

sd_bus_message *b_message(struct bus_env *e, const char *path, const char *interface,
			  const char *member)
{
	sd_bus_message *m = NULL;

	CU_ASSERT_FATAL(sd_bus_message_new_method_call(e->client, &m, B_NAME, path, interface,
						       member) >= 0);
	return m;
}

sd_bus_message *b_call(struct bus_env *e, const char *path, const char *interface,
		       const char *member, const char *types, ...)
{
	sd_bus_message *m = b_message(e, path, interface, member);
	va_list ap;

	va_start(ap, types);
	if (*types)
		CU_ASSERT_FATAL(sd_bus_message_appendv(m, types, ap) >= 0);
	va_end(ap);
	return b_send(e, e->client, m);
}

void b_settle(struct bus_env *e)
{
	/* its reply leaves with a flush, and libdbus's own answer to Ping behind that */
	sd_bus_message_unref(b_call(e, B_ROOT, B_TEST, "Nothing", ""));
	sd_bus_message_unref(b_call(e, B_ROOT, "org.freedesktop.DBus.Peer", "Ping", ""));
}

void b_expect_error(sd_bus_message *reply, const char *name, const char *text)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = reply;
	const sd_bus_error *error = sd_bus_message_get_error(m);
	bool ok = error && (!name || streq(error->name, name)) &&
		  (!text || strstr(str_or_empty(error->message), text));

	if (!ok)
		tap_note("expected %s '%s', got %s '%.500s'", str_or_empty(name),
			 str_or_empty(text), error ? error->name : "a reply",
			 error ? str_or_empty(error->message) : "");
	CU_ASSERT(ok);
}

void b_expect_json(sd_bus_message *reply, const char *json)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = reply;
	const sd_bus_error *error = sd_bus_message_get_error(m);
	_cleanup_json_ json_object *is = error ? NULL : w_message_json(m);
	_cleanup_json_ json_object *want = json_tokener_parse(json);
	bool ok = is && want && json_object_equal(is, want);

	if (!ok)
		tap_note("expected %s, got %s %s", json, error ? error->name : "",
			 is ? json_object_to_json_string(is) : str_or_empty(error->message));
	CU_ASSERT(ok);
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void publish(struct bus_env *e)
{
	static const struct mk_bus_interface *const interfaces[] = { &b_test_interface,
								     &b_more_interface };

	e->root.name = strdup("root");
	e->child.name = strdup("child");
	CU_ASSERT_EQUAL_FATAL(mk_bus_object_add(e->bus, B_ROOT, interfaces, 2, &e->root,
						&e->root.bus),
			      0);
	CU_ASSERT_EQUAL_FATAL(mk_bus_object_add(e->bus, B_ROOT "/child/one", interfaces, 1,
						&e->child, &e->child.bus),
			      0);
}

void b_start(struct bus_env *e)
{
	struct mk_bus_callbacks callbacks = { on_want_flush, on_disconnected, e };
	struct mk_turn_hooks hooks = { commit, release, NULL, e };
	_cleanup_error_ struct mk_error error = { 0 };

	memset(e, 0, sizeof(*e));
	e->dir = strdup("/tmp/mk-bus-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(e->dir));
	CU_ASSERT_EQUAL(chmod(e->dir, 0755), 0); /* others may connect */
	e->daemon = tb_start(e->dir);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e->daemon);

	CU_ASSERT_FATAL(sd_event_new(&e->event) >= 0);
	CU_ASSERT_FATAL(mk_turn_new(e->event, &hooks, &e->turn) >= 0);
	CU_ASSERT_EQUAL_FATAL(mk_bus_open(e->event, tb_address(e->daemon), B_ROOT, &callbacks,
					  &e->bus, &error),
			      0);
	publish(e);
	mk_bus_flush(e->bus);
	CU_ASSERT_EQUAL_FATAL(mk_bus_request_name(e->bus, B_NAME, &error), 0);

	e->client = b_connect(e);
	CU_ASSERT(sd_bus_add_filter(e->client, NULL, on_message, e) >= 0);
	CU_ASSERT(sd_bus_add_match(e->client, NULL, "type='signal',path_namespace='/org/example'",
				   NULL, NULL) >= 0);
}

void b_stop(struct bus_env *e)
{
	for (size_t i = 0; i < e->n_signals; i++) {
		free(e->signals[i].path);
		free(e->signals[i].interface);
		free(e->signals[i].member);
		json_object_put(e->signals[i].args);
	}
	free(e->signals);
	e->bus = mk_bus_close(e->bus);
	e->client = sd_bus_close_unref(e->client);
	e->turn = mk_turn_free(e->turn);
	sd_event_unref(e->event);
	e->daemon = tb_stop(e->daemon);
	free(e->root.name);
	free(e->child.name);
	(void)nftw(e->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(e->dir);
}
