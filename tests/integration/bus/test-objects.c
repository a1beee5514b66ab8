/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves the standard interfaces of objects with the service of bus-env.h: introspection, properties and object
 * manager. Also proves which signals tell of changes, and in which order.
 */

#include "bus-env.h"

#define INTROSPECTABLE "org.freedesktop.DBus.Introspectable"
#define PROPERTIES     "org.freedesktop.DBus.Properties"
#define MANAGER        "org.freedesktop.DBus.ObjectManager"
#define CHILD          B_ROOT "/child/one"

static struct bus_env e;

static void introspect(const char *path, const char *const *has, const char *const *has_not)
{
	sd_bus_message *m = b_call(&e, path, INTROSPECTABLE, "Introspect", "");
	const char *xml = "";

	CU_ASSERT(sd_bus_message_read(m, "s", &xml) > 0);
	CU_ASSERT(starts_with(xml, "<!DOCTYPE node"));
	for (; *has; has++) {
		if (!strstr(xml, *has))
			tap_note("%s: no %s in %s", path, *has, xml);
		CU_ASSERT_PTR_NOT_NULL(strstr(xml, *has));
	}
	for (; *has_not; has_not++)
		CU_ASSERT_PTR_NULL(strstr(xml, *has_not));
	sd_bus_message_unref(m);
}

static void test_introspect(void)
{
	static const struct {
		const char *path;
		const char *has[6], *has_not[4];
	} cases[] = {
		{ "/", { "<node name=\"org\"/>", INTROSPECTABLE, "DBus.Peer" }, { PROPERTIES } },
		{ "/org", { "<node name=\"example\"/>" }, { B_TEST } },
		{ "/org/example", { "<node name=\"Root\"/>" }, { "child" } },
		{ B_ROOT,
		  { B_TEST, B_MORE, MANAGER, PROPERTIES, "<node name=\"child\"/>" },
		  { "<node name=\"one\"" } },
		{ B_ROOT "/child", { "<node name=\"one\"/>" }, { B_TEST, MANAGER } },
		{ CHILD, { B_TEST, PROPERTIES, "EchoMany" }, { MANAGER, B_MORE, "<node name" } },
	};

	b_start(&e);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		introspect(cases[i].path, cases[i].has, cases[i].has_not);
	b_expect_error(b_call(&e, "/or", INTROSPECTABLE, "Introspect", ""), B_ERR "UnknownObject",
		       NULL);
	b_expect_error(b_call(&e, CHILD "/x", INTROSPECTABLE, "Introspect", ""),
		       B_ERR "UnknownObject", NULL);
	b_stop(&e);
}

/* Two children of one parent are listed once each; one that is a prefix of another's name does not hide it. */
static void test_children(void)
{
	static const char *const has[] = { "<node name=\"one\"/>", "<node name=\"on\"/>",
					   "<node name=\"one_more\"/>", NULL };
	static const char *const paths[] = { B_ROOT "/child/on", B_ROOT "/child/one_more",
					     B_ROOT "/child/one/deep/er" };
	const struct mk_bus_interface *const interfaces[] = { &b_test_interface };
	struct mk_bus_object *o[ARRAY_SIZE(paths)], *again;
	const char *xml = "", *first;
	sd_bus_message *m;

	b_start(&e);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		CU_ASSERT_EQUAL(mk_bus_object_add(e.bus, paths[i], interfaces, 1, &e.child, &o[i]),
				0);
	CU_ASSERT_EQUAL(mk_bus_object_add(e.bus, paths[0], interfaces, 1, &e.child, &again),
			-EEXIST);
	CU_ASSERT_EQUAL(mk_bus_object_add(e.bus, "no/path", interfaces, 1, &e.child, &again),
			-EINVAL);
	introspect(B_ROOT "/child", has, (const char *const[]){ NULL });

	m = b_call(&e, B_ROOT "/child", INTROSPECTABLE, "Introspect", "");
	CU_ASSERT(sd_bus_message_read(m, "s", &xml) > 0);
	first = strstr(xml, "<node name=\"one\"/>");
	CU_ASSERT_FATAL(first != NULL);
	CU_ASSERT_PTR_NULL(strstr(first + 1, "<node name=\"one\"/>"));
	sd_bus_message_unref(m);

	mk_bus_object_remove(o[2]);
	b_expect_error(b_call(&e, paths[2], B_TEST, "Nothing", ""), B_ERR "UnknownObject", NULL);
	b_expect_error(b_call(&e, CHILD "/deep", INTROSPECTABLE, "Introspect", ""),
		       B_ERR "UnknownObject", NULL);
	b_stop(&e);
}

static void test_properties(void)
{
	b_start(&e);
	e.root.count = UINT64_MAX;
	b_expect_json(b_call(&e, B_ROOT, PROPERTIES, "Get", "ss", B_TEST, "Name"), "[\"root\"]");
	b_expect_json(b_call(&e, CHILD, PROPERTIES, "Get", "ss", B_TEST, "Name"), "[\"child\"]");
	b_expect_json(b_call(&e, B_ROOT, PROPERTIES, "Get", "ss", B_MORE, "Other"),
		      "[18446744073709551615]");
	b_expect_json(b_call(&e, B_ROOT, PROPERTIES, "Get", "ss", B_TEST, "Names"), "[[\"root\"]]");
	b_expect_json(b_call(&e, B_ROOT, PROPERTIES, "Get", "ss", B_TEST, "Dict"),
		      "[{\"name\":\"root\"}]");
	b_expect_json(b_call(&e, B_ROOT, PROPERTIES, "Get", "ss", "", "Other"),
		      "[18446744073709551615]");
	b_expect_json(b_call(&e, CHILD, PROPERTIES, "GetAll", "s", B_TEST),
		      "[{\"Name\":\"child\",\"Count\":0,\"Names\":[\"child\"],"
		      "\"Dict\":{\"name\":\"child\"},\"Fixed\":\"child\"}]");
	b_expect_json(b_call(&e, CHILD, PROPERTIES, "GetAll", "s", PROPERTIES), "[{}]");
	/* an empty name: of all interfaces */
	b_expect_json(b_call(&e, B_ROOT, PROPERTIES, "GetAll", "s", ""),
		      "[{\"Name\":\"root\",\"Count\":18446744073709551615,\"Names\":[\"root\"],"
		      "\"Dict\":{\"name\":\"root\"},\"Fixed\":\"root\","
		      "\"Other\":18446744073709551615}]");
	b_stop(&e);
}

static void test_property_errors(void)
{
	b_start(&e);
	b_expect_error(b_call(&e, B_ROOT, PROPERTIES, "Get", "ss", B_TEST, "Nam"),
		       B_ERR "UnknownProperty", "Nam");
	b_expect_error(b_call(&e, B_ROOT, PROPERTIES, "Get", "ss", B_TEST, "Other"),
		       B_ERR "UnknownProperty", "Other");
	b_expect_error(b_call(&e, B_ROOT, PROPERTIES, "Get", "ss", "", "None"),
		       B_ERR "UnknownProperty", "None");
	b_expect_error(b_call(&e, B_ROOT, PROPERTIES, "Get", "ss", "x.y", "Name"),
		       B_ERR "UnknownInterface", "x.y");
	b_expect_error(b_call(&e, B_ROOT, PROPERTIES, "Get", "ss", "not an interface", "Name"),
		       B_ERR "UnknownInterface", NULL);
	b_expect_error(b_call(&e, B_ROOT, PROPERTIES, "GetAll", "s", "x.y"),
		       B_ERR "UnknownInterface", "x.y");
	b_expect_error(b_call(&e, B_ROOT "/child", PROPERTIES, "GetAll", "s", B_TEST),
		       B_ERR "UnknownInterface", NULL);
	b_expect_error(b_call(&e, B_ROOT, PROPERTIES, "Get", "s", B_TEST), B_ERR "InvalidArgs",
		       "'ss', not 's'");
	b_expect_error(b_call(&e, B_ROOT, PROPERTIES, "Set", "ssv", B_TEST, "Name", "s", "x"),
		       B_ERR "PropertyReadOnly", "Name");
	b_expect_error(b_call(&e, B_ROOT, PROPERTIES, "Set", "ssv", B_TEST, "Name", "a{sv}", 1,
			      "deep", "v", "as", 0),
		       B_ERR "PropertyReadOnly", "Name");
	b_expect_error(b_call(&e, B_ROOT, PROPERTIES, "Set", "ssv", B_TEST, "None", "s", "x"),
		       B_ERR "UnknownProperty", "None");
	CU_ASSERT_STRING_EQUAL(e.root.name, "root");
	b_stop(&e);
}

static void test_object_manager(void)
{
	b_start(&e);
	b_expect_json(b_call(&e, B_ROOT, MANAGER, "GetManagedObjects", ""),
		      "[{\"" CHILD "\":{\"" B_TEST
		      "\":{\"Name\":\"child\",\"Count\":0,\"Names\":[\"child\"],"
		      "\"Dict\":{\"name\":\"child\"},\"Fixed\":\"child\"}}}]");
	b_expect_error(b_call(&e, CHILD, MANAGER, "GetManagedObjects", ""),
		       B_ERR "UnknownInterface", NULL);
	mk_bus_object_remove(e.child.bus);
	b_expect_json(b_call(&e, B_ROOT, MANAGER, "GetManagedObjects", ""), "[{}]");
	b_stop(&e);
}

/* ---- signals --------------------------------------------------------------------------------------------- */

static void expect_signal(size_t i, const char *path, const char *member, const char *args)
{
	_cleanup_json_ json_object *want = json_tokener_parse(args);

	CU_ASSERT_FATAL(i < e.n_signals);
	CU_ASSERT_STRING_EQUAL(e.signals[i].path, path);
	CU_ASSERT_STRING_EQUAL(e.signals[i].member, member);
	if (!json_object_equal(e.signals[i].args, want))
		tap_note("expected %s, got %s", args,
			 json_object_to_json_string(e.signals[i].args));
	CU_ASSERT(json_object_equal(e.signals[i].args, want));
}

static void test_added_removed(void)
{
	const struct mk_bus_interface *const interfaces[] = { &b_test_interface,
							      &b_more_interface };
	struct b_object two = { .name = (char *)(uintptr_t) "two" };

	b_start(&e);
	b_settle(&e);
	e.n_signals = 0; /* the client may have come early enough to see the first ones */

	CU_ASSERT_EQUAL(mk_bus_object_add(e.bus, B_ROOT "/two", interfaces, 2, &two, &two.bus), 0);
	two.count = 5; /* the value is that of the moment of sending */
	mk_bus_object_changed(two.bus, B_TEST, "Count");
	b_settle(&e);
	CU_ASSERT_EQUAL(e.n_signals, 1); /* the announcement said it all */
	expect_signal(0, B_ROOT, "InterfacesAdded",
		      "[\"" B_ROOT "/two\",{\"" B_TEST
		      "\":{\"Name\":\"two\",\"Count\":5,\"Names\":[\"two\"],"
		      "\"Dict\":{\"name\":\"two\"},\"Fixed\":\"two\"},\"" B_MORE
		      "\":{\"Other\":5}}]");

	mk_bus_object_remove(two.bus);
	b_settle(&e);
	CU_ASSERT_EQUAL(e.n_signals, 2);
	expect_signal(1, B_ROOT, "InterfacesRemoved",
		      "[\"" B_ROOT "/two\",[\"" B_TEST "\",\"" B_MORE "\"]]");

	/* never announced, so never removed */
	CU_ASSERT_EQUAL(mk_bus_object_add(e.bus, B_ROOT "/two", interfaces, 2, &two, &two.bus), 0);
	mk_bus_object_remove(two.bus);
	b_settle(&e);
	CU_ASSERT_EQUAL(e.n_signals, 2);
	b_stop(&e);
}

/* One PropertiesChanged an interface and flush, with the values of the flush. */
static void test_coalesced(void)
{
	b_start(&e);
	b_settle(&e);
	e.n_signals = 0;
	for (unsigned i = 0; i < 1000; i++) {
		e.root.count = i;
		mk_bus_object_changed(e.root.bus, B_TEST, "Count");
	}
	mk_bus_object_changed(e.root.bus, B_MORE, "Other");
	mk_bus_object_changed(e.root.bus, B_MORE, "Count"); /* not there: nothing */
	mk_bus_object_changed(e.root.bus, "x.y", "Count");
	CU_ASSERT_EQUAL(e.n_signals, 0);
	b_settle(&e);
	CU_ASSERT_EQUAL(e.n_signals, 2);
	expect_signal(0, B_ROOT, "PropertiesChanged", "[\"" B_TEST "\",{\"Count\":999},[]]");
	expect_signal(1, B_ROOT, "PropertiesChanged", "[\"" B_MORE "\",{\"Other\":999},[]]");
	b_settle(&e);
	CU_ASSERT_EQUAL(e.n_signals, 2);
	b_stop(&e);
}

/* Reply, then what changed, then the signals in their order: whatever order the handler used. */
static void test_order(void)
{
	sd_bus_message *m;

	b_start(&e);
	b_settle(&e);
	e.n_signals = 0;
	m = b_call(&e, B_ROOT, B_TEST, "Change", "s", "new");
	CU_ASSERT_EQUAL(e.n_signals, 0);
	b_expect_json(m, "[2]");
	b_settle(&e);
	CU_ASSERT_EQUAL(e.n_signals, 3);
	expect_signal(0, B_ROOT, "PropertiesChanged",
		      "[\"" B_TEST "\",{\"Name\":\"new\",\"Count\":2},[]]");
	expect_signal(1, B_ROOT, "Poked", "[\"one\",{\"n\":1}]");
	expect_signal(2, B_ROOT, "Poked", "[\"two\",{}]");
	b_stop(&e);
}

/* Signals with too few or wrong arguments are sent whole; unknown ones are not sent. */
static void test_signal_arguments(void)
{
	b_start(&e);
	b_settle(&e);
	e.n_signals = 0;
	mk_bus_object_signal(e.root.bus, B_TEST, "Poked", json_object_new_array());
	mk_bus_object_signal(e.root.bus, B_TEST, "Poked", json_tokener_parse("[7, \"x\", 8]"));
	mk_bus_object_signal(e.root.bus, B_TEST, "Unknown", json_object_new_array());
	mk_bus_object_signal(e.root.bus, B_MORE, "Poked", json_object_new_array());
	mk_bus_object_signal(e.root.bus, B_TEST, "Poked", NULL);
	b_settle(&e);
	CU_ASSERT_EQUAL(e.n_signals, 3);
	for (size_t i = 0; i < 3; i++)
		expect_signal(i, B_ROOT, "Poked", "[\"\",{}]");
	b_stop(&e);
}

/* Nothing leaves before the flush: that is what makes "durable before visible" possible. */
static void test_nothing_before_flush(void)
{
	sd_bus_message *m;
	unsigned wanted;

	b_start(&e);
	b_settle(&e);
	e.n_signals = 0;
	e.hold_flush = true;
	wanted = e.wanted;
	m = b_message(&e, B_ROOT, B_TEST, "Change");
	CU_ASSERT(sd_bus_message_append(m, "s", "x") >= 0);
	CU_ASSERT(sd_bus_send(e.client, m, NULL) >= 0);
	sd_bus_message_unref(m);
	while (e.wanted == wanted)
		(void)sd_event_run(e.event, USEC_PER_SEC);
	while (b_turn(&e))
		;
	CU_ASSERT_EQUAL(dbus_connection_get_outgoing_size(e.bus->connection), 0);
	/* libdbus answers Ping behind all that was sent */
	sd_bus_message_unref(b_call(&e, B_ROOT, "org.freedesktop.DBus.Peer", "Ping", ""));
	CU_ASSERT_EQUAL(e.n_signals, 0);

	e.hold_flush = false;
	mk_bus_flush(e.bus);
	b_settle(&e);
	CU_ASSERT_EQUAL(e.n_signals, 3);
	b_stop(&e);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "introspect", test_introspect },
		{ "children", test_children },
		{ "properties", test_properties },
		{ "property-errors", test_property_errors },
		{ "object-manager", test_object_manager },
		{ "added-removed", test_added_removed },
		{ "coalesced", test_coalesced },
		{ "order", test_order },
		{ "signal-arguments", test_signal_arguments },
		{ "nothing-before-flush", test_nothing_before_flush },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "bus-objects", NULL, NULL, tests);
}
