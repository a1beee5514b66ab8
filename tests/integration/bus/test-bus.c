/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves method calls of src/bus with the service of bus-env.h: values of every type in both directions, options,
 * limits, and exactly one reply on every path.
 */

#include "bus-env.h"

#include "testbus.h"

#include <fcntl.h>
#include <math.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct bus_env e;

static char *text_of(size_t n)
{
	char *s = malloc(n + 1);

	memset(s, 'a', n);
	s[n] = '\0';
	return s;
}

#define TEST_CALL(member, ...) b_call(&e, B_ROOT, B_TEST, member, __VA_ARGS__)

/* ---- values -------------------------------------------------------------------------------------------- */

static void test_types(void)
{
	b_start(&e);
	b_expect_json(TEST_CALL("EchoS", "s", "\xc3\xbc \xf0\x9f\x92\xbe \xe7\xa3\x81"),
		      "[\"\xc3\xbc \xf0\x9f\x92\xbe \xe7\xa3\x81\"]");
	b_expect_json(TEST_CALL("EchoS", "s", ""), "[\"\"]");
	b_expect_json(TEST_CALL("EchoO", "o", "/a/b_1"), "[\"/a/b_1\"]");
	b_expect_json(TEST_CALL("EchoT", "t", UINT64_MAX), "[18446744073709551615]");
	b_expect_json(TEST_CALL("EchoX", "x", INT64_MIN), "[-9223372036854775808]");
	b_expect_json(TEST_CALL("EchoU", "u", UINT32_MAX), "[4294967295]");
	b_expect_json(TEST_CALL("EchoI", "i", INT32_MIN), "[-2147483648]");
	b_expect_json(TEST_CALL("EchoB", "b", 1), "[true]");
	b_expect_json(TEST_CALL("EchoB", "b", 0), "[false]");
	b_expect_json(TEST_CALL("EchoD", "d", -0.5), "[-0.5]");
	b_expect_json(TEST_CALL("EchoAS", "as", 0), "[[]]");
	b_expect_json(TEST_CALL("EchoAS", "as", 2, "x", "y"), "[[\"x\",\"y\"]]");
	b_expect_json(TEST_CALL("EchoAO", "ao", 2, "/", "/x"), "[[\"/\",\"/x\"]]");
	b_expect_json(TEST_CALL("EchoMany", "sutb", "one", 2, (uint64_t)3, 1),
		      "[\"one\",2,3,true]");
	b_expect_json(TEST_CALL("Nothing", ""), "[]");
	b_stop(&e);
}

/* No JSON for these: they must come back as they are, and not as text. */
static void test_odd_doubles(void)
{
	static const double values[] = { HUGE_VAL, -HUGE_VAL, 5e-324 };

	b_start(&e);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		sd_bus_message *m = TEST_CALL("EchoD", "d", values[i]);
		double d = 0;

		CU_ASSERT(sd_bus_message_read(m, "d", &d) > 0);
		CU_ASSERT(d == values[i]);
		sd_bus_message_unref(m);
	}
	b_stop(&e);
}

static void expect_signature(const char *member, const char *json, const char *signature)
{
	sd_bus_message *m = TEST_CALL(member, "s", json);
	_cleanup_free_ char *whole = mk_strdup_printf("[%s]", json);

	CU_ASSERT_STRING_EQUAL(str_or_empty(sd_bus_message_get_signature(m, true)), signature);
	b_expect_json(m, whole);
}

static void expect_variant(const char *json, const char *type)
{
	sd_bus_message *m = TEST_CALL("MakeVariant", "s", json);
	_cleanup_free_ char *whole = mk_strdup_printf("[%s]", json);
	const char *contents = NULL;
	char t = 0;

	CU_ASSERT(sd_bus_message_peek_type(m, &t, &contents) > 0);
	CU_ASSERT_EQUAL(t, 'v');
	CU_ASSERT_STRING_EQUAL(str_or_empty(contents), type);
	b_expect_json(m, whole);
}

static void test_json_out(void)
{
	b_start(&e);
	expect_variant("\"text\"", "s");
	expect_variant("true", "b");
	expect_variant("0", "t");
	expect_variant("18446744073709551615", "t");
	expect_variant("-1", "x");
	expect_variant("1.5", "d");
	expect_variant("[]", "as");
	expect_variant("[\"a\",\"b\"]", "as");
	expect_variant("[{\"a\":1}]", "aa{sv}");
	expect_variant("{\"a\":{\"b\":[\"c\"]}}", "a{sv}");
	expect_signature("MakeDict", "{}", "a{sv}");
	expect_signature("MakeDict",
			 "{\"s\":\"x\",\"t\":7,\"x\":-7,\"b\":false,\"d\":0.25,"
			 "\"l\":[\"q\"],\"o\":{\"deep\":{\"er\":[{\"n\":1}]}}}",
			 "a{sv}");
	expect_signature("MakeDicts", "[{\"a\":\"b\"},{},{\"c\":[]}]", "aa{sv}");
	b_stop(&e);
}

/* libdbus aborts the process on text that is not UTF-8: what a handler gets wrong is mended. */
static void test_bad_values(void)
{
	b_start(&e);
	b_expect_json(TEST_CALL("BadValues", ""),
		      "[\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\",\"/\",0,\"\",[]]");
	b_expect_error(TEST_CALL("BadError", ""), B_OURS "Refused", "cloud says \xef\xbf\xbd");
	b_expect_json(TEST_CALL("MakeDict", "s", "null"), "[{}]");
	b_expect_json(TEST_CALL("MakeDict", "s", "[1]"), "[{}]");
	b_expect_json(TEST_CALL("MakeDicts", "s", "{}"), "[[]]");
	b_expect_json(TEST_CALL("MakeVariant", "s", "null"), "[\"\"]");
	/* sd-bus cannot read noncharacters */
	b_expect_json(TEST_CALL("MakeDict", "s", "{\"a\":\"\\ufdd0b\\uffff\\udbff\\udffec\"}"),
		      "[{\"a\":\"\\ufffdb\\ufffd\\ufffdc\"}]");
	b_expect_json(TEST_CALL("EchoS", "s", "still there"), "[\"still there\"]");
	b_stop(&e);
}

/* ---- what is refused ------------------------------------------------------------------------------------- */

static void test_signature(void)
{
	b_start(&e);
	b_expect_error(TEST_CALL("EchoS", ""), B_ERR "InvalidArgs", "'s', not ''");
	b_expect_error(TEST_CALL("EchoS", "t", (uint64_t)1), B_ERR "InvalidArgs", "not 't'");
	b_expect_error(TEST_CALL("EchoS", "ss", "a", "b"), B_ERR "InvalidArgs", "not 'ss'");
	b_expect_error(TEST_CALL("Nothing", "v", "s", "x"), B_ERR "InvalidArgs", "not 'v'");
	b_expect_error(TEST_CALL("EchoAS", "a{sv}", 0), B_ERR "InvalidArgs", "not 'a{sv}'");
	b_expect_error(TEST_CALL("EchoS", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaas", 0),
		       B_ERR "InvalidArgs", "takes arguments");
	b_stop(&e);
}

static void test_texts(void)
{
	static const char *const bad[] = { "a\nb", "\t", "\x01", "\x7f", "\x1b[2J" };
	/* odd, but text: bidirectional marks, C1 controls, the last plane, combining marks */
	static const char *const good[] = { "\xe2\x80\xaex\xe2\x80\xac", "\xc2\x85",
					    "\xf4\x8f\xbf\xbd", "e\xcc\x81\xcc\x81\xcc\x81" };

	b_start(&e);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		b_expect_error(TEST_CALL("EchoS", "s", bad[i]), B_ERR "InvalidArgs", "control");
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		sd_bus_message *m = TEST_CALL("EchoS", "s", good[i]);
		const char *s = "";

		CU_ASSERT(sd_bus_message_read(m, "s", &s) > 0);
		CU_ASSERT_STRING_EQUAL(s, good[i]);
		sd_bus_message_unref(m);
	}
	b_stop(&e);
}

static sd_bus_message *send_array(const char *text, size_t n)
{
	sd_bus_message *m = b_message(&e, B_ROOT, B_TEST, "EchoAS");

	CU_ASSERT(sd_bus_message_open_container(m, 'a', "s") >= 0);
	for (size_t i = 0; i < n; i++)
		CU_ASSERT(sd_bus_message_append(m, "s", text) >= 0);
	CU_ASSERT(sd_bus_message_close_container(m) >= 0);
	return b_send(&e, e.client, m);
}

static void test_limits(void)
{
	_cleanup_free_ char *longest = text_of(MK_BUS_TEXT_MAX);
	_cleanup_free_ char *longer = text_of(MK_BUS_TEXT_MAX + 1);
	sd_bus_message *m;

	b_start(&e);
	m = TEST_CALL("EchoS", "s", longest);
	CU_ASSERT_FALSE(sd_bus_message_is_method_error(m, NULL));
	sd_bus_message_unref(m);
	b_expect_error(TEST_CALL("EchoS", "s", longer), B_ERR "InvalidArgs", "4096");
	b_expect_error(TEST_CALL("EchoAS", "as", 2, "x", longer), B_ERR "InvalidArgs", "4096");

	m = send_array("x", MK_BUS_ARRAY_MAX);
	CU_ASSERT_FALSE(sd_bus_message_is_method_error(m, NULL));
	sd_bus_message_unref(m);
	b_expect_error(send_array("x", MK_BUS_ARRAY_MAX + 1), B_ERR "LimitsExceeded", "1024");
	m = send_array(longest, MK_BUS_ARRAY_TEXT_MAX / MK_BUS_TEXT_MAX);
	CU_ASSERT_FALSE(sd_bus_message_is_method_error(m, NULL));
	sd_bus_message_unref(m);
	b_expect_error(send_array(longest, MK_BUS_ARRAY_TEXT_MAX / MK_BUS_TEXT_MAX + 1),
		       B_ERR "LimitsExceeded", "65536");
	b_stop(&e);
}

static void test_options(void)
{
	b_start(&e);
	b_expect_json(TEST_CALL("Options", "sa{sv}", "x", 0), "[\"x\",{}]");
	b_expect_json(TEST_CALL("Options", "sa{sv}", "x", 5, "text", "s", "t", "flag", "b", 1,
				"number", "t", UINT64_MAX, "small", "u", 7, "list", "as", 1, "l"),
		      "[\"x\",{\"text\":\"t\",\"flag\":true,\"number\":18446744073709551615,"
		      "\"small\":7,\"list\":[\"l\"]}]");
	b_expect_error(TEST_CALL("Options", "sa{sv}", "x", 1, "txet", "s", "t"),
		       B_ERR "InvalidArgs", "no option 'txet'");
	b_expect_error(TEST_CALL("Options", "sa{sv}", "x", 1, "", "s", "t"), B_ERR "InvalidArgs",
		       "no option ''");
	b_expect_error(TEST_CALL("Options", "sa{sv}", "x", 1, "text", "t", (uint64_t)1),
		       B_ERR "InvalidArgs", "'text' must be of type s, not t");
	b_expect_error(TEST_CALL("Options", "sa{sv}", "x", 1, "flag", "s", "true"),
		       B_ERR "InvalidArgs", "'flag' must be of type b, not s");
	b_expect_error(TEST_CALL("Options", "sa{sv}", "x", 1, "number", "u", 1),
		       B_ERR "InvalidArgs", "'number' must be of type t, not u");
	b_expect_error(TEST_CALL("Options", "sa{sv}", "x", 1, "text", "v", "s", "t"),
		       B_ERR "InvalidArgs", "of type s, not v");
	b_expect_error(TEST_CALL("Options", "sa{sv}", "x", 2, "flag", "b", 1, "flag", "b", 0),
		       B_ERR "InvalidArgs", "twice");
	b_expect_error(TEST_CALL("Options", "sa{sv}", "x", 1, "text", "s", "a\nb"),
		       B_ERR "InvalidArgs", "control");
	b_expect_error(TEST_CALL("NoOptions", "a{sv}", 1, "text", "s", "t"), B_ERR "InvalidArgs",
		       "no option 'text'");
	b_expect_json(TEST_CALL("NoOptions", "a{sv}", 0), "[{}]");
	b_stop(&e);
}

/* A name of many kilobytes must not come back in the error, nor cut in the middle of a character. */
static void test_long_names(void)
{
	_cleanup_free_ char *option = text_of(20000);
	_cleanup_free_ char *path = text_of(20000);
	_cleanup_free_ char *wide = strdup(
		"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
		"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
		"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
		"\xc3\xbcx\xc3\xbc\xc3\xbc");
	sd_bus_message *m;

	b_start(&e);
	m = TEST_CALL("Options", "sa{sv}", "x", 1, option, "s", "t");
	CU_ASSERT(strlen(sd_bus_message_get_error(m)->message) < 1000);
	b_expect_error(m, B_ERR "InvalidArgs", "no option 'aaa");
	b_expect_error(TEST_CALL("Options", "sa{sv}", "x", 1, wide, "s", "t"), B_ERR "InvalidArgs",
		       "no option '\xc3\xbc");

	path[0] = '/';
	m = b_call(&e, path, B_TEST, "Nothing", "");
	CU_ASSERT(strlen(sd_bus_message_get_error(m)->message) < 1000);
	b_expect_error(m, B_ERR "UnknownObject", "/aaa");
	b_stop(&e);
}

static void test_unknown(void)
{
	b_start(&e);
	b_expect_error(b_call(&e, "/org/example/Roo", B_TEST, "Nothing", ""), B_ERR "UnknownObject",
		       "/org/example/Roo");
	b_expect_error(b_call(&e, B_ROOT "/child/two", B_TEST, "Nothing", ""),
		       B_ERR "UnknownObject", "child/two");
	b_expect_error(b_call(&e, B_ROOT "/child/one/x", B_TEST, "Nothing", ""),
		       B_ERR "UnknownObject", NULL);
	b_expect_error(b_call(&e, B_ROOT, "org.example.Tes", "Nothing", ""),
		       B_ERR "UnknownInterface", "org.example.Tes");
	b_expect_error(b_call(&e, B_ROOT "/child/one", B_MORE, "Only", ""),
		       B_ERR "UnknownInterface", B_MORE);
	b_expect_error(b_call(&e, B_ROOT "/child", B_TEST, "Nothing", ""), B_ERR "UnknownInterface",
		       B_TEST);
	b_expect_error(TEST_CALL("nothing", ""), B_ERR "UnknownMethod", "nothing");
	b_expect_error(TEST_CALL("Only", ""), B_ERR "UnknownMethod", "Only");
	/* the interface may be left out */
	b_expect_json(b_call(&e, B_ROOT, NULL, "EchoS", "s", "x"), "[\"x\"]");
	b_expect_json(b_call(&e, B_ROOT, NULL, "Only", ""), "[\"first\"]");
	b_expect_error(b_call(&e, B_ROOT, NULL, "Nowhere", ""), B_ERR "UnknownMethod", "Nowhere");
	b_expect_error(b_call(&e, "/", B_TEST, "Nothing", ""), B_ERR "UnknownInterface", NULL);
	b_stop(&e);
}

/* ---- exactly one reply ---------------------------------------------------------------------------------------- */

static int on_any(sd_bus_message *m, void *data, sd_bus_error *error)
{
	uint8_t type = 0;

	CU_ASSERT(sd_bus_message_get_type(m, &type) >= 0);
	if (type == SD_BUS_MESSAGE_METHOD_RETURN || type == SD_BUS_MESSAGE_METHOD_ERROR)
		++*(unsigned *)data;
	return 0;
}

static void test_one_reply(void)
{
	unsigned n = 0;

	b_start(&e);
	CU_ASSERT(sd_bus_add_filter(e.client, NULL, on_any, &n) >= 0);
	b_settle(&e);
	n = 0;

	b_expect_error(TEST_CALL("Drop", ""), B_OURS "Internal", "without an answer");
	b_expect_json(TEST_CALL("Twice", ""), "[\"first\"]");
	b_expect_error(TEST_CALL("EchoS", ""), NULL, NULL);
	b_settle(&e);
	CU_ASSERT_EQUAL(n, 5);
	b_stop(&e);
}

/* Who asks for no reply gets none, whatever comes of the call. */
static void test_no_reply_expected(void)
{
	static const char *const members[] = { "Twice", "Drop", "EchoS", "Unknown", "BadError" };
	unsigned n = 0;

	b_start(&e);
	CU_ASSERT(sd_bus_add_filter(e.client, NULL, on_any, &n) >= 0);
	b_settle(&e);
	n = 0;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		sd_bus_message *m = b_message(&e, B_ROOT, B_TEST, members[i]);

		CU_ASSERT(sd_bus_message_set_expect_reply(m, false) >= 0);
		CU_ASSERT(sd_bus_send(e.client, m, NULL) >= 0);
		sd_bus_message_unref(m);
	}
	b_settle(&e);
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_EQUAL(b_n_calls(&e), 0);
	b_stop(&e);
}

/* ---- a client that breaks the protocol ---------------------------------------------------------------------------- */

static int raw_connect(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char line[128], hex[64] = "";
	ssize_t n;
	char uid[16];

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/bus", e.dir);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	snprintf(uid, sizeof(uid), "%u", (unsigned)getuid());
	for (size_t i = 0; uid[i]; i++)
		snprintf(hex + 2 * i, sizeof(hex) - 2 * i, "%02x", (unsigned)uid[i]);
	snprintf(line, sizeof(line), "%cAUTH EXTERNAL %s\r\n", '\0', hex);
	CU_ASSERT(write(fd, line, strlen(line + 1) + 1) > 0);
	n = read(fd, line, sizeof(line) - 1);
	line[n > 0 ? n : 0] = '\0';
	CU_ASSERT(starts_with(line, "OK "));
	CU_ASSERT(write(fd, "BEGIN\r\n", 7) == 7);
	return fd;
}

static void raw_send(int fd, DBusMessage *m, const char *marker, char replacement)
{
	char *data = NULL, *at;
	int size = 0;
	static dbus_uint32_t serial;

	dbus_message_set_serial(m, ++serial);
	CU_ASSERT_FATAL(dbus_message_marshal(m, &data, &size));
	at = marker ? memmem(data, (size_t)size, marker, strlen(marker)) : NULL;
	if (at)
		*at = replacement;
	CU_ASSERT_EQUAL(write(fd, data, (size_t)size), size);
	dbus_free(data);
	dbus_message_unref(m);
}

/* The bus checks it before we see it, and throws the sender out. */
static void test_hostile_utf8(void)
{
	const char *text = "marker";
	DBusMessage *m;
	char buffer[256];
	int fd;

	b_start(&e);
	fd = raw_connect();
	raw_send(fd,
		 dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
					      DBUS_INTERFACE_DBUS, "Hello"),
		 NULL, 0);
	m = dbus_message_new_method_call(B_NAME, B_ROOT, B_TEST, "EchoS");
	CU_ASSERT(dbus_message_append_args(m, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID));
	raw_send(fd, m, text, '\xff');
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	close(fd);
	b_expect_json(TEST_CALL("EchoS", "s", "still there"), "[\"still there\"]");
	b_stop(&e);
}

/* ---- a libdbus client ------------------------------------------------------------------------------------------------ */

static void on_notify(DBusPendingCall *pending, void *data)
{
	*(bool *)data = true;
}

/* Another implementation, and other bytes on the wire. */
static void test_libdbus_client(void)
{
	const char *text = "from libdbus", *back = NULL;
	DBusPendingCall *pending = NULL;
	DBusConnection *c;
	DBusMessage *m, *reply;
	bool done = false;

	b_start(&e);
	c = dbus_connection_open_private(tb_address(e.daemon), NULL);
	CU_ASSERT_FATAL(c && dbus_bus_register(c, NULL));
	dbus_connection_set_exit_on_disconnect(c, FALSE);

	m = dbus_message_new_method_call(B_NAME, B_ROOT, B_TEST, "EchoS");
	CU_ASSERT(dbus_message_append_args(m, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID));
	CU_ASSERT(dbus_connection_send_with_reply(c, m, &pending, -1));
	dbus_pending_call_set_notify(pending, on_notify, &done, NULL);
	dbus_message_unref(m);
	while (!done) {
		dbus_connection_read_write_dispatch(c, 0);
		b_turn(&e);
	}
	reply = dbus_pending_call_steal_reply(pending);
	CU_ASSERT(dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &back, DBUS_TYPE_INVALID));
	CU_ASSERT_STRING_EQUAL(back, text);
	dbus_message_unref(reply);
	dbus_pending_call_unref(pending);

	dbus_connection_close(c);
	dbus_connection_unref(c);
	b_stop(&e);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "types", test_types },
		{ "odd-doubles", test_odd_doubles },
		{ "json-out", test_json_out },
		{ "bad-values", test_bad_values },
		{ "signature", test_signature },
		{ "texts", test_texts },
		{ "limits", test_limits },
		{ "options", test_options },
		{ "long-names", test_long_names },
		{ "unknown", test_unknown },
		{ "one-reply", test_one_reply },
		{ "no-reply-expected", test_no_reply_expected },
		{ "hostile-utf8", test_hostile_utf8 },
		{ "libdbus-client", test_libdbus_client },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "bus", NULL, NULL, tests);
}
