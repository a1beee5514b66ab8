/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves the limits on calls that wait, what is known of callers, ownership of the bus name, and what happens when the
 * bus ends. With the service of bus-env.h.
 */

#include "bus-env.h"

#include "testbus.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CALLERS (MK_BUS_HELD_MAX / MK_BUS_HELD_PER_CALLER_MAX)
#define USERS   (MK_BUS_HELD_MAX / MK_BUS_HELD_PER_USER_MAX)
#define BIG     20 /* calls as big as they may be: more than libdbus reads ahead */
#define USER    1  /* of Debian, as the next: the bus takes only those that it finds */

static struct bus_env e;

/* ---- limits ---------------------------------------------------------------------------------------------- */

struct tally {
	unsigned replies, limits, others;
	bool done;
	unsigned want;
};

static int on_tally(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct tally *t = data;

	if (!sd_bus_message_is_method_error(m, NULL))
		t->replies++;
	else if (sd_bus_message_is_method_error(m, B_ERR "LimitsExceeded"))
		t->limits++;
	else
		t->others++;
	t->done = t->replies + t->limits + t->others >= t->want;
	return 0;
}

static void call_many(sd_bus *from, const char *member, unsigned n, struct tally *t)
{
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT_FATAL(sd_bus_call_method_async(from, NULL, B_NAME, B_ROOT, B_TEST, member,
							 on_tally, t, NULL) >= 0);
}

static void run_tally(struct tally *t, unsigned want)
{
	t->want = want;
	t->done = t->replies + t->limits + t->others >= want;
	CU_ASSERT(b_run_until(&e, &t->done));
}

static void release_held(void)
{
	while (e.root.n_held > 0) {
		struct mk_call *call = e.root.held[--e.root.n_held];

		mk_call_reply(call, NULL);
		mk_call_unref(call);
	}
}

static void test_held_per_caller(void)
{
	struct tally t = { 0 };

	b_start(&e);
	call_many(e.client, "Hold", MK_BUS_HELD_PER_CALLER_MAX + 5, &t);
	run_tally(&t, 5);
	CU_ASSERT_EQUAL(t.limits, 5);
	CU_ASSERT_EQUAL(e.root.n_held, MK_BUS_HELD_PER_CALLER_MAX);
	CU_ASSERT_EQUAL(b_n_calls(&e), MK_BUS_HELD_PER_CALLER_MAX);
	/* what is answered at once always is */
	b_expect_json(b_call(&e, B_ROOT, B_TEST, "EchoS", "s", "x"), "[\"x\"]");

	release_held();
	run_tally(&t, MK_BUS_HELD_PER_CALLER_MAX + 5);
	CU_ASSERT_EQUAL(t.replies, MK_BUS_HELD_PER_CALLER_MAX);
	b_expect_json(b_call(&e, B_ROOT, B_TEST, "EchoS", "s", "x"), "[\"x\"]");
	CU_ASSERT_EQUAL(b_n_calls(&e), 0);
	b_stop(&e);
}

/* Users on the bus at their limits: others are still served, up to the limit of all, and root beyond it. */
static void test_held_in_all(void)
{
	struct tally all = { 0 }, late = { 0 }, root = { 0 };
	sd_bus *callers[CALLERS], *other;

	if (geteuid() != 0) {
		tap_skip("only root can be others");
		return;
	}

	b_start(&e);
	for (unsigned i = 0; i < CALLERS; i++) {
		callers[i] = b_connect_as(&e, USER + i % USERS, USER);
		call_many(callers[i], "HoldCaller", MK_BUS_HELD_PER_CALLER_MAX, &all);
	}
	B_WAIT(&e, e.root.n_held == MK_BUS_HELD_MAX);
	other = b_connect_as(&e, USER, USER);
	call_many(other, "HoldCaller", 1, &late);
	run_tally(&late, 1);
	CU_ASSERT_EQUAL(late.limits, 1);
	call_many(other, "Caller", 1, &late);
	run_tally(&late, 2);
	CU_ASSERT_EQUAL(late.replies, 1);
	call_many(e.client, "HoldCaller", 1, &root);
	B_WAIT(&e, e.root.n_held == MK_BUS_HELD_MAX + 1);

	release_held();
	run_tally(&all, MK_BUS_HELD_MAX);
	CU_ASSERT_EQUAL(all.replies, MK_BUS_HELD_MAX);
	run_tally(&root, 1);
	for (unsigned i = 0; i < CALLERS; i++)
		sd_bus_close_unref(callers[i]);
	sd_bus_close_unref(other);
	b_stop(&e);
}

/* Calls that wait, of a caller that the bus must be asked about first, as big as they may be: libdbus would read
 * nothing more of the bus if they were kept whole, not even the bus's word on who it is. */
static void test_held_and_big(void)
{
	char *texts[MK_BUS_ARRAY_TEXT_MAX / MK_BUS_TEXT_MAX + 1];
	_cleanup_free_ char *text = malloc(MK_BUS_TEXT_MAX + 1);
	struct tally t = { 0 };

	memset(text, 'x', MK_BUS_TEXT_MAX);
	text[MK_BUS_TEXT_MAX] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		texts[i] = i + 1 < ARRAY_SIZE(texts) ? text : NULL;
	b_start(&e);
	for (unsigned i = 0; i < BIG; i++) {
		sd_bus_message *m = b_message(&e, B_ROOT, B_TEST, "HoldTexts");

		CU_ASSERT(sd_bus_message_append_strv(m, texts) >= 0);
		CU_ASSERT(sd_bus_call_async(e.client, NULL, m, on_tally, &t, 0) >= 0);
		sd_bus_message_unref(m);
	}
	B_WAIT(&e, e.root.n_held == BIG);
	b_expect_json(b_call(&e, B_ROOT, B_TEST, "EchoS", "s", "x"), "[\"x\"]");
	release_held();
	run_tally(&t, BIG);
	CU_ASSERT_EQUAL(t.replies, BIG);
	b_stop(&e);
}

/* A message that is too big is refused, and is not the end of our connection, which is everybody's. */
static void test_too_big(void)
{
	const size_t size = 2 * 1024 * 1024;
	_cleanup_free_ char *text = malloc(size + 1);

	memset(text, 'x', size);
	text[size] = '\0';
	b_start(&e);
	b_expect_error(b_call(&e, B_ROOT, B_TEST, "EchoS", "s", text), B_ERR "InvalidArgs", NULL);
	b_expect_json(b_call(&e, B_ROOT, B_TEST, "EchoS", "s", "x"), "[\"x\"]");
	CU_ASSERT_EQUAL(e.disconnected, 0);
	b_stop(&e);
}

/* ---- callers ----------------------------------------------------------------------------------------------- */

static void expect_caller(sd_bus *from)
{
	sd_bus_message *m = NULL;
	const char *sender = "", *unique = NULL;
	uint32_t uid = 0;

	CU_ASSERT_FATAL(
		sd_bus_message_new_method_call(from, &m, B_NAME, B_ROOT, B_TEST, "Caller") >= 0);
	m = b_send(&e, from, m);
	CU_ASSERT(sd_bus_message_read(m, "us", &uid, &sender) > 0);
	CU_ASSERT_EQUAL(uid, getuid());
	CU_ASSERT(sd_bus_get_unique_name(from, &unique) >= 0);
	CU_ASSERT_STRING_EQUAL(sender, str_or_empty(unique));
	sd_bus_message_unref(m);
}

/* Who they are is remembered for as long as they are there. */
static void test_caller(void)
{
	b_start(&e);
	expect_caller(e.client);
	for (unsigned i = 0; i < 20; i++) {
		sd_bus *c = b_connect(&e);

		expect_caller(c);
		CU_ASSERT(HASH_COUNT(e.bus->uids) >= 2);
		sd_bus_flush_close_unref(c);
	}
	while (HASH_COUNT(e.bus->uids) > 1)
		(void)sd_event_run(e.event, USEC_PER_SEC);
	expect_caller(e.client);
	CU_ASSERT_EQUAL(HASH_COUNT(e.bus->uids), 1);
	b_stop(&e);
}

/* The caller is gone before the bus could be asked who it was: nothing is done for it. */
static void test_caller_gone(void)
{
	sd_bus_message *m = NULL;
	sd_bus *c;

	b_start(&e);
	c = b_connect(&e);
	CU_ASSERT_FATAL(
		sd_bus_message_new_method_call(c, &m, B_NAME, B_ROOT, B_TEST, "HoldCaller") >= 0);
	CU_ASSERT(sd_bus_send(c, m, NULL) >= 0);
	CU_ASSERT(sd_bus_flush(c) >= 0);
	sd_bus_message_unref(m);
	sd_bus_flush_close_unref(c);
	/* the bus handles our question behind the caller's end: it has read that first */
	CU_ASSERT(sd_bus_call_method(e.client, "org.freedesktop.DBus", "/org/freedesktop/DBus",
				     "org.freedesktop.DBus", "GetId", NULL, NULL, "") >= 0);
	b_settle(&e);
	b_settle(&e);
	CU_ASSERT_EQUAL(e.root.n_held, 0);
	CU_ASSERT_EQUAL(b_n_calls(&e), 0);
	b_stop(&e);
}

/* A reply to a caller that has left is thrown away by the bus, not by us, and hurts nobody. */
static void test_reply_to_nobody(void)
{
	sd_bus_message *m = NULL;
	sd_bus *c;

	b_start(&e);
	c = b_connect(&e);
	CU_ASSERT_FATAL(sd_bus_message_new_method_call(c, &m, B_NAME, B_ROOT, B_TEST, "Hold") >= 0);
	CU_ASSERT(sd_bus_send(c, m, NULL) >= 0);
	sd_bus_message_unref(m);
	while (e.root.n_held == 0)
		(void)sd_event_run(e.event, USEC_PER_SEC);
	sd_bus_flush_close_unref(c);
	release_held();
	b_expect_json(b_call(&e, B_ROOT, B_TEST, "EchoS", "s", "x"), "[\"x\"]");
	CU_ASSERT_EQUAL(b_n_calls(&e), 0);
	b_stop(&e);
}

/* The object goes while the bus is being asked who calls. */
static void test_object_gone(void)
{
	sd_bus_message *m;
	struct tally t = { 0 };

	b_start(&e);
	m = NULL;
	CU_ASSERT_FATAL(sd_bus_message_new_method_call(e.client, &m, B_NAME, B_ROOT "/child/one",
						       B_TEST, "HoldCaller") >= 0);
	CU_ASSERT(sd_bus_call_async(e.client, NULL, m, on_tally, &t, 0) >= 0);
	sd_bus_message_unref(m);
	while (b_n_calls(&e) == 0)
		(void)sd_event_run(e.event, USEC_PER_SEC);
	mk_bus_object_remove(e.child.bus);
	run_tally(&t, 1);
	CU_ASSERT_EQUAL(t.others, 1);
	CU_ASSERT_EQUAL(e.child.n_held, 0);
	b_stop(&e);
}

/* ---- names --------------------------------------------------------------------------------------------------- */

static void nothing(void *data)
{
}

static void test_name_owned(void)
{
	struct mk_bus_callbacks callbacks = { nothing, nothing, NULL };
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_bus *second = NULL;

	b_start(&e);
	CU_ASSERT_EQUAL_FATAL(mk_bus_open(e.event, tb_address(e.daemon), B_ROOT, &callbacks,
					  &second, &error),
			      0);
	CU_ASSERT_EQUAL(mk_bus_request_name(second, B_NAME, &error), -EEXIST);
	CU_ASSERT_EQUAL(error.code, MK_ERROR_UNAVAILABLE);
	CU_ASSERT_PTR_NOT_NULL(strstr(str_or_empty(error.text), "owned already"));
	mk_bus_close(second);
	/* we did not queue for it */
	CU_ASSERT_EQUAL(mk_bus_request_name(e.bus, B_NAME, &error), 0);
	b_stop(&e);
}

static void test_no_bus(void)
{
	static const char *const bad[] = { "unix:path=/nonexistent/bus", "nonsense", "" };
	struct mk_bus_callbacks callbacks = { nothing, nothing, NULL };

	CU_ASSERT(sd_event_new(&e.event) >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_error_ struct mk_error error = { 0 };
		struct mk_bus *bus = NULL;

		CU_ASSERT(mk_bus_open(e.event, bad[i], B_ROOT, &callbacks, &bus, &error) < 0);
		CU_ASSERT_EQUAL(error.code, MK_ERROR_UNAVAILABLE);
		CU_ASSERT_PTR_NULL(bus);
	}
	e.event = sd_event_unref(e.event);
}

/* ---- joining from the loop ------------------------------------------------------------------------------------- */

struct joined {
	unsigned n;
	char error[256]; /* "": it has the name */
};

static void on_joined(const struct mk_error *error, void *data)
{
	struct joined *j = data;

	j->n++;
	snprintf(j->error, sizeof(j->error), "%s", error ? error->text : "");
}

static struct mk_bus *new_bus(void)
{
	struct mk_bus_callbacks callbacks = { nothing, nothing, NULL };
	struct mk_bus *bus = NULL;

	CU_ASSERT_EQUAL_FATAL(mk_bus_new(e.event, B_ROOT, &callbacks, &bus), 0);
	return bus;
}

static bool owned(const char *name)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int there = false;

	CU_ASSERT(sd_bus_call_method(e.client, "org.freedesktop.DBus", "/org/freedesktop/DBus",
				     "org.freedesktop.DBus", "NameHasOwner", NULL, &m, "s",
				     name) >= 0);
	CU_ASSERT(sd_bus_message_read(m, "b", &there) > 0);
	return there;
}

/* The name is another's; then it is another name. */
static void test_join(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct joined joined = { 0 };
	struct mk_bus *bus;

	b_start(&e);
	bus = new_bus();
	CU_ASSERT_EQUAL_FATAL(mk_bus_join(bus, tb_address(e.daemon), B_NAME, on_joined, &joined,
					  &error),
			      0);
	CU_ASSERT_FALSE(mk_bus_connected(bus));
	CU_ASSERT_EQUAL(joined.n, 0);
	B_WAIT(&e, joined.n == 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(joined.error, "owned already"));
	CU_ASSERT_FALSE(mk_bus_connected(bus));

	CU_ASSERT_EQUAL_FATAL(mk_bus_join(bus, tb_address(e.daemon), "org.example.Late", on_joined,
					  &joined, &error),
			      0);
	B_WAIT(&e, joined.n == 2);
	CU_ASSERT_STRING_EQUAL(joined.error, "");
	CU_ASSERT(mk_bus_connected(bus));
	CU_ASSERT(owned("org.example.Late"));
	mk_bus_close(bus);
	B_WAIT(&e, !owned("org.example.Late"));
	b_stop(&e);
}

static void test_join_nobody(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct joined joined = { 0 };
	struct mk_bus *bus;

	CU_ASSERT(sd_event_new(&e.event) >= 0);
	bus = new_bus();
	CU_ASSERT_EQUAL(mk_bus_join(bus, "unix:path=/nonexistent/bus", B_NAME, on_joined, &joined,
				    &error),
			-ECONNREFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(str_or_empty(error.text), "cannot connect to the bus"));
	mk_bus_close(bus);
	CU_ASSERT_EQUAL(joined.n, 0);
	e.event = sd_event_unref(e.event);
}

/* Something that takes the connection and is no bus: it hangs up, or says nothing until we close. */
static void test_join_no_bus(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	_cleanup_error_ struct mk_error error = { 0 };
	_cleanup_free_ char *address = NULL;
	struct joined joined = { 0 };
	struct mk_bus *bus;
	int fd;

	b_start(&e);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/none", e.dir);
	address = mk_strdup_printf("unix:path=%s", a.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 8), 0);

	bus = new_bus();
	CU_ASSERT_EQUAL_FATAL(mk_bus_join(bus, address, B_NAME, on_joined, &joined, &error), 0);
	close(accept(fd, NULL, NULL));
	B_WAIT(&e, joined.n == 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(joined.error, "the bus "));
	CU_ASSERT_FALSE(mk_bus_connected(bus));

	CU_ASSERT_EQUAL_FATAL(mk_bus_join(bus, address, B_NAME, on_joined, &joined, &error), 0);
	while (b_turn(&e))
		;
	mk_bus_close(bus);
	CU_ASSERT_EQUAL(joined.n, 1);
	close(fd);
	b_stop(&e);
}

/* ---- the end of the bus ------------------------------------------------------------------------------------------ */

static void lose_bus(void)
{
	e.daemon = tb_stop(e.daemon);
	while (e.disconnected == 0)
		(void)sd_event_run(e.event, USEC_PER_SEC);
	while (b_turn(&e))
		;
	CU_ASSERT_EQUAL(e.disconnected, 1);
}

static void test_bus_loss(void)
{
	struct tally t = { 0 };

	b_start(&e);
	call_many(e.client, "Hold", 3, &t);
	while (e.root.n_held < 3)
		(void)sd_event_run(e.event, USEC_PER_SEC);
	lose_bus();

	/* all of these must be harmless now */
	mk_bus_object_changed(e.root.bus, B_TEST, "Count");
	mk_bus_object_signal(e.root.bus, B_TEST, "Poked", json_tokener_parse("[\"x\",{}]"));
	release_held();
	mk_bus_flush(e.bus);
	while (b_turn(&e))
		;
	CU_ASSERT_EQUAL(e.disconnected, 1);
	b_stop(&e);
}

/* Closing answers who is waiting; who still holds the call may drop it afterwards. */
static void test_close_answers(void)
{
	struct tally t = { 0 };

	b_start(&e);
	call_many(e.client, "Hold", 3, &t);
	while (e.root.n_held < 3)
		(void)sd_event_run(e.event, USEC_PER_SEC);
	e.bus = mk_bus_close(e.bus);
	run_tally(&t, 3);
	CU_ASSERT_EQUAL(t.others, 3);
	release_held();
	b_stop(&e);
}

/* What must not become known does not: neither what was queued nor what comes after. */
static void test_discard(void)
{
	struct tally t = { 0 };

	b_start(&e);
	e.hold_flush = true;
	call_many(e.client, "Twice", 1, &t);
	call_many(e.client, "Hold", 1, &t);
	while (e.root.n_held < 1)
		(void)sd_event_run(e.event, USEC_PER_SEC);
	mk_bus_object_signal(e.root.bus, B_TEST, "Poked", json_tokener_parse("[\"x\",{}]"));
	mk_bus_discard(e.bus);
	release_held();
	mk_bus_object_changed(e.root.bus, B_TEST, "Count");
	mk_bus_flush(e.bus);
	e.n_signals = 0;
	e.bus = mk_bus_close(e.bus);
	run_tally(&t, 2);
	CU_ASSERT_EQUAL(t.replies, 0);
	CU_ASSERT_EQUAL(t.others, 2); /* NoReply, from the bus */
	CU_ASSERT_EQUAL(e.n_signals, 0);
	b_stop(&e);
}

/* A call whose caller is being looked up, when all ends. */
static void test_close_while_asking(void)
{
	struct tally t = { 0 };

	b_start(&e);
	call_many(e.client, "HoldCaller", 1, &t);
	while (b_n_calls(&e) == 0)
		(void)sd_event_run(e.event, USEC_PER_SEC);
	e.bus = mk_bus_close(e.bus);
	run_tally(&t, 1);
	CU_ASSERT_EQUAL(t.others, 1);
	CU_ASSERT_EQUAL(e.root.n_held, 0);
	b_stop(&e);
}

/* ---- back-pressure --------------------------------------------------------------------------------------------------- */

/* Fills our connection's input with calls whose answers are big, and stops the bus from reading those. */
static unsigned congest(struct tally *t)
{
	unsigned n = 0;

	call_many(e.client, "Big", 200, t);
	CU_ASSERT(sd_bus_flush(e.client) >= 0);
	/* one round trip through the bus: the calls are in our socket */
	CU_ASSERT(sd_bus_call_method(e.client, "org.freedesktop.DBus", "/org/freedesktop/DBus",
				     "org.freedesktop.DBus", "GetId", NULL, NULL, "") >= 0);
	CU_ASSERT_EQUAL(kill(tb_pid(e.daemon), SIGSTOP), 0);
	while (b_turn(&e))
		n++;
	return n;
}

static void test_back_pressure(void)
{
	struct tally t = { 0 };
	long size;

	b_start(&e);
	(void)congest(&t);
	size = dbus_connection_get_outgoing_size(e.bus->connection);
	tap_note("%ld bytes wait to be sent", size);
	CU_ASSERT(size >= MK_DBUS_OUTGOING_MAX);
	/* of the 200 asked for, at most what one turn takes in beyond that */
	CU_ASSERT(size < MK_DBUS_OUTGOING_MAX + 70L * 64 * 1024);
	CU_ASSERT(t.replies < 200);

	CU_ASSERT_EQUAL(kill(tb_pid(e.daemon), SIGCONT), 0);
	run_tally(&t, 200);
	CU_ASSERT_EQUAL(t.replies, 200);
	b_stop(&e);
}

/* The bus dies while nothing is dispatched: that must be dispatched all the same. */
static void test_loss_while_congested(void)
{
	struct tally t = { 0 };

	b_start(&e);
	(void)congest(&t);
	CU_ASSERT(dbus_connection_get_outgoing_size(e.bus->connection) >= MK_DBUS_OUTGOING_MAX);
	lose_bus();
	b_stop(&e);
}

/* A client that sends and never reads makes nobody else wait, and nothing grow here. */
static void test_client_never_reads(void)
{
	const unsigned n = 5000;
	DBusConnection *c;
	struct tally t = { 0 };

	b_start(&e);
	c = dbus_connection_open_private(tb_address(e.daemon), NULL);
	CU_ASSERT_FATAL(c && dbus_bus_register(c, NULL));
	dbus_connection_set_exit_on_disconnect(c, FALSE);
	for (unsigned i = 0; i < n; i++) {
		DBusMessage *m = dbus_message_new_method_call(B_NAME, B_ROOT, B_TEST, "Nothing");

		CU_ASSERT(dbus_connection_send(c, m, NULL));
		dbus_message_unref(m);
	}
	while (dbus_connection_has_messages_to_send(c)) {
		dbus_connection_flush(c);
		(void)b_turn(&e);
	}
	call_many(e.client, "Nothing", 10, &t);
	run_tally(&t, 10);
	CU_ASSERT_EQUAL(t.replies, 10);
	CU_ASSERT(dbus_connection_get_outgoing_size(e.bus->connection) < MK_DBUS_OUTGOING_MAX);
	CU_ASSERT_EQUAL(b_n_calls(&e), 0);
	dbus_connection_close(c);
	dbus_connection_unref(c);
	b_stop(&e);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "held-per-caller", test_held_per_caller },
		{ "held-in-all", test_held_in_all },
		{ "held-and-big", test_held_and_big },
		{ "too-big", test_too_big },
		{ "caller", test_caller },
		{ "caller-gone", test_caller_gone },
		{ "reply-to-nobody", test_reply_to_nobody },
		{ "object-gone", test_object_gone },
		{ "name-owned", test_name_owned },
		{ "no-bus", test_no_bus },
		{ "join", test_join },
		{ "join-nobody", test_join_nobody },
		{ "join-no-bus", test_join_no_bus },
		{ "bus-loss", test_bus_loss },
		{ "close-answers", test_close_answers },
		{ "discard", test_discard },
		{ "close-while-asking", test_close_while_asking },
		{ "back-pressure", test_back_pressure },
		{ "loss-while-congested", test_loss_while_congested },
		{ "client-never-reads", test_client_never_reads },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "bus-life", NULL, NULL, tests);
}
