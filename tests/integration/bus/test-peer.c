/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves that clients of the private socket get the same objects, answers and signals as those on the bus. With the
 * service of peer-env.h.
 */

#include "peer-env.h"

#include <sys/socket.h>

/* ---- the same service ---------------------------------------------------------------------------------- */

static char *text_of(sd_bus_message *reply)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = reply;
	const sd_bus_error *error = sd_bus_message_get_error(m);
	_cleanup_json_ json_object *args = error ? NULL : w_message_json(m);

	if (error)
		return mk_strdup_printf("%s: %s", error->name, str_or_empty(error->message));
	return strdup(json_object_to_json_string(args));
}

static void test_same_answers(void)
{
	static const struct {
		const char *path, *interface, *member, *types, *a, *b;
	} calls[] = {
		{ B_ROOT, B_TEST, "EchoS", "s", "text", NULL },
		{ B_ROOT, B_TEST, "Nothing", "", NULL, NULL },
		{ B_ROOT, B_TEST, "Nothing", "s", "too many", NULL },
		{ B_ROOT, B_TEST, "Missing", "", NULL, NULL },
		{ B_ROOT, "org.example.Missing", "Missing", "", NULL, NULL },
		{ "/missing", B_TEST, "EchoS", "s", "x", NULL },
		{ B_ROOT, B_TEST, "Drop", "", NULL, NULL },
		{ B_ROOT, B_TEST, "BadValues", "", NULL, NULL },
		{ B_ROOT, DBUS_INTERFACE_PROPERTIES, "Get", "ss", B_TEST, "Name" },
		{ B_ROOT, DBUS_INTERFACE_PROPERTIES, "GetAll", "s", B_TEST, NULL },
		{ B_ROOT, OBJECT_MANAGER_INTERFACE, "GetManagedObjects", "", NULL, NULL },
		{ B_ROOT, DBUS_INTERFACE_INTROSPECTABLE, "Introspect", "", NULL, NULL },
		{ "/", DBUS_INTERFACE_INTROSPECTABLE, "Introspect", "", NULL, NULL },
		{ "/org/example", DBUS_INTERFACE_INTROSPECTABLE, "Introspect", "", NULL, NULL },
	};
	sd_bus *peers[2];

	p_start();
	for (size_t k = 0; k < 2; k++)
		peers[k] = p_connect(k == 0);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		_cleanup_free_ char *bus =
			text_of(b_call(&p_env, calls[i].path, calls[i].interface, calls[i].member,
				       calls[i].types, calls[i].a, calls[i].b));

		for (size_t k = 0; k < 2; k++) {
			_cleanup_free_ char *peer =
				text_of(p_call(peers[k], k == 0 ? B_NAME : NULL, calls[i].path,
					       calls[i].interface, calls[i].member, calls[i].types,
					       calls[i].a, calls[i].b));

			CU_ASSERT_STRING_EQUAL(peer, bus);
		}
	}
	for (size_t k = 0; k < 2; k++)
		sd_bus_close_unref(peers[k]);
	p_stop();
}

/* ---- the driver ---------------------------------------------------------------------------------------- */

static void test_driver(void)
{
	sd_bus *peer, *second;

	p_start();
	peer = p_connect(true);
	second = p_connect(true);
	p_expect_alive(peer);
	p_expect_alive(second);
	b_expect_error(P_DRIVER(peer, "Hello", ""), B_ERR "Failed", "before");
	b_expect_json(P_DRIVER(peer, "GetNameOwner", "s", B_NAME), "[\":1.0\"]");
	b_expect_json(P_DRIVER(peer, "GetNameOwner", "s", ":1.0"), "[\":1.0\"]");
	b_expect_json(P_DRIVER(peer, "GetNameOwner", "s", ":1.1"), "[\":1.1\"]");
	/* other peers are none of its business */
	b_expect_error(P_DRIVER(peer, "GetNameOwner", "s", ":1.2"), B_ERR "NameHasNoOwner", NULL);
	b_expect_json(P_DRIVER(second, "GetNameOwner", "s", ":1.2"), "[\":1.2\"]");
	b_expect_json(P_DRIVER(peer, "NameHasOwner", "s", B_NAME), "[true]");
	b_expect_json(P_DRIVER(peer, "NameHasOwner", "s", "org.example.Missing"), "[false]");
	b_expect_json(P_DRIVER(peer, "StartServiceByName", "su", B_NAME, 0), "[2]");
	b_expect_error(P_DRIVER(peer, "StartServiceByName", "su", "org.example.Missing", 0),
		       B_ERR "ServiceUnknown", NULL);
	b_expect_json(P_DRIVER(peer, "ListNames", ""), "[[\":1.0\",\"" B_NAME "\"]]");
	b_expect_json(P_DRIVER(peer, "ListActivatableNames", ""), "[[]]");
	b_expect_error(P_DRIVER(peer, "RequestName", "su", "org.example.Mine", 0),
		       B_ERR "UnknownMethod", NULL);
	b_expect_error(P_DRIVER(peer, "RemoveMatch", "s", "type='signal'"),
		       B_ERR "MatchRuleNotFound", NULL);
	sd_bus_close_unref(peer);
	sd_bus_close_unref(second);
	p_stop();
}

static void test_driver_credentials(void)
{
	static const char *const names[] = { ":1.0", ":1.1", B_NAME };
	char want[64];
	sd_bus *peer;

	p_start();
	peer = p_connect(true);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		/* both ends are this process */
		snprintf(want, sizeof(want), "[%u]", getuid());
		b_expect_json(P_DRIVER(peer, "GetConnectionUnixUser", "s", names[i]), want);
		snprintf(want, sizeof(want), "[%d]", getpid());
		b_expect_json(P_DRIVER(peer, "GetConnectionUnixProcessID", "s", names[i]), want);
		snprintf(want, sizeof(want), "[{\"UnixUserID\":%u,\"ProcessID\":%d}]", getuid(),
			 getpid());
		b_expect_json(P_DRIVER(peer, "GetConnectionCredentials", "s", names[i]), want);
	}
	b_expect_error(P_DRIVER(peer, "GetConnectionCredentials", "s", ":1.77"),
		       B_ERR "NameHasNoOwner", NULL);
	sd_bus_close_unref(peer);
	p_stop();
}

/* ---- callers ------------------------------------------------------------------------------------------- */

/* Who calls is what the connection says, whatever the message does. */
static void test_forged_sender(void)
{
	sd_bus_message *m = NULL;
	char want[64];
	sd_bus *peer;

	p_start();
	peer = p_connect(false);
	CU_ASSERT_FATAL(sd_bus_message_new_method_call(peer, &m, NULL, B_ROOT, B_TEST, "Caller") >=
			0);
	CU_ASSERT(sd_bus_message_set_sender(m, ":1.77") >= 0);
	snprintf(want, sizeof(want), "[%u,\":1.1\"]", getuid());
	b_expect_json(b_send(&p_env, peer, m), want);
	sd_bus_close_unref(peer);
	p_stop();
}

/* Each connection is a caller of its own: one at its limit leaves the others theirs, and can still ask. */
static void test_held_per_peer(void)
{
	unsigned replies[2] = { 0 };
	sd_bus *peers[2];

	p_start();
	for (size_t i = 0; i < 2; i++)
		peers[i] = p_connect(true);
	p_hold(peers[0], MK_BUS_HELD_PER_CALLER_MAX, &replies[0]);
	p_wait_held(MK_BUS_HELD_PER_CALLER_MAX);
	b_expect_error(P_ROOT(peers[0], "Hold", ""), B_ERR "LimitsExceeded", "of this connection");
	p_expect_alive(peers[0]); /* what is answered at once always is */
	p_expect_alive(peers[1]);
	p_expect_alive(p_env.client);
	p_hold(peers[1], 1, &replies[1]);
	p_wait_held(MK_BUS_HELD_PER_CALLER_MAX + 1);

	p_drop_held(); /* which answers */
	B_WAIT(&p_env, replies[0] == MK_BUS_HELD_PER_CALLER_MAX && replies[1] == 1);
	p_expect_alive(peers[0]);
	CU_ASSERT_EQUAL(b_n_calls(&p_env), 0);
	for (size_t i = 0; i < 2; i++)
		sd_bus_close_unref(peers[i]);
	p_stop();
}

static void on_gone(struct mk_call *call, void *data)
{
	++*(unsigned *)data;
}

/* What a caller left behind counts no more, and who holds it is told; on both ways in. */
static void test_caller_gone(void)
{
	p_start();
	for (int on_bus = 0; on_bus < 2; on_bus++) {
		sd_bus *c = on_bus ? b_connect(&p_env) : p_connect(true);
		unsigned gone = 0, replies = 0;

		p_hold(c, 5, &replies);
		p_wait_held(5);
		CU_ASSERT_EQUAL(b_n_calls(&p_env), 5);
		for (size_t i = 0; i < 4; i++)
			mk_call_on_gone(p_env.root.held[i], on_gone, &gone);
		mk_call_on_gone(p_env.root.held[3], NULL, NULL);
		mk_call_reply(p_env.root.held[0], NULL); /* too late for that one */
		sd_bus_close_unref(c);
		B_WAIT(&p_env, b_n_calls(&p_env) == 0);
		CU_ASSERT_EQUAL(gone, 3);
		mk_call_reply(p_env.root.held[1], NULL);
		mk_call_error(p_env.root.held[2], MK_ERROR_INTERNAL, "to nobody");
		p_drop_held();
		p_expect_alive(p_env.client);
	}
	CU_ASSERT_EQUAL(p_count(), 0);
	p_stop();
}

/* Who waits when all ends is answered. */
static int on_late_reply(sd_bus_message *m, void *data, sd_bus_error *error)
{
	CU_ASSERT(sd_bus_message_is_method_error(m, B_OURS "Unavailable"));
	++*(unsigned *)data;
	return 0;
}

static void test_end_answers(void)
{
	unsigned replies = 0;
	sd_bus *peer;

	p_start();
	peer = p_connect(true);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_FATAL(sd_bus_call_method_async(peer, NULL, B_NAME, B_ROOT, B_TEST, "Hold",
							 on_late_reply, &replies, NULL) >= 0);
	p_wait_held(3);
	p_env.bus = mk_bus_close(p_env.bus);
	B_WAIT(&p_env, replies == 3);
	p_drop_held();
	sd_bus_close_unref(peer);
	p_stop();
}

/* ---- signals ------------------------------------------------------------------------------------------- */

/* Who talks as to a bus gets signals once it asked for any; who does not gets all. */
static void test_signals(void)
{
	enum { BUS, MATCHED, DIRECT, N };
	struct p_listener l[N];

	p_start();
	for (size_t i = 0; i < N; i++)
		p_listen(&l[i], i != DIRECT);
	b_expect_json(P_DRIVER(l[MATCHED].bus, "AddMatch", "s", "type='signal'"), "[]");
	p_poke("one");
	for (size_t i = 0; i < N; i++)
		p_expect_alive(l[i].bus);
	CU_ASSERT_EQUAL(l[BUS].n, 0);
	CU_ASSERT_EQUAL(l[MATCHED].n, 1);
	CU_ASSERT_EQUAL(l[DIRECT].n, 1);

	b_expect_json(P_DRIVER(l[MATCHED].bus, "RemoveMatch", "s", "type='signal'"), "[]");
	p_poke("two");
	for (size_t i = 0; i < N; i++)
		p_expect_alive(l[i].bus);
	CU_ASSERT_EQUAL(l[MATCHED].n, 1);
	CU_ASSERT_EQUAL(l[DIRECT].n, 2);
	for (size_t i = 0; i < N; i++) {
		CU_ASSERT_EQUAL(l[i].n_bad, 0);
		sd_bus_close_unref(l[i].bus);
	}
	b_settle(&p_env);
	CU_ASSERT_EQUAL(p_env.n_signals, 2); /* the bus's client got them too */
	p_stop();
}

/* sd-bus gives up when anything but the answer to its Hello comes first. */
static void test_no_signal_before_hello(void)
{
	static const char auth[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
	char reply[128];
	int fd;

	p_start();
	fd = p_raw();
	CU_ASSERT_EQUAL(send(fd, auth, sizeof(auth) - 1, 0), sizeof(auth) - 1);
	B_WAIT(&p_env, p_count() == 1 && dbus_connection_get_is_authenticated(
						 TAILQ_FIRST(&p_env.bus->peers)->connection));
	B_WAIT(&p_env, recv(fd, reply, sizeof(reply), 0) > 0);
	p_poke("early");
	p_expect_alive(p_env.client);
	CU_ASSERT_EQUAL(recv(fd, reply, sizeof(reply), 0), -1);
	CU_ASSERT_EQUAL(errno, EAGAIN);
	close(fd);
	p_stop();
}

/* All that happens in one call, as a peer sees it: the same signals as on the bus, in the same order. */
static int on_any(sd_bus_message *m, void *data, sd_bus_error *error)
{
	char **list = data, *longer;

	if (starts_with(str_or_empty(sd_bus_message_get_path(m)), "/org/example")) {
		longer = mk_strdup_printf("%s %s", *list, sd_bus_message_get_member(m));
		free(*list);
		*list = longer;
	}
	return 0;
}

static void test_signal_order(void)
{
	_cleanup_free_ char *seen = strdup(""), *want = strdup("");
	sd_bus *peer;

	p_start();
	peer = p_connect(false);
	CU_ASSERT(sd_bus_add_filter(peer, NULL, on_any, &seen) >= 0);
	b_expect_json(P_ROOT(peer, "Change", "s", "new"), "[2]");
	p_expect_alive(peer);
	b_settle(&p_env);
	for (size_t i = 0; i < p_env.n_signals; i++) {
		char *longer = mk_strdup_printf("%s %s", want, p_env.signals[i].member);

		free(want);
		want = longer;
	}
	CU_ASSERT_STRING_EQUAL(want, " PropertiesChanged Poked Poked");
	CU_ASSERT_STRING_EQUAL(seen, want);
	sd_bus_close_unref(peer);
	p_stop();
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "same-answers", test_same_answers },
		{ "driver", test_driver },
		{ "driver-credentials", test_driver_credentials },
		{ "forged-sender", test_forged_sender },
		{ "held-per-peer", test_held_per_peer },
		{ "caller-gone", test_caller_gone },
		{ "end-answers", test_end_answers },
		{ "signals", test_signals },
		{ "no-signal-before-hello", test_no_signal_before_hello },
		{ "signal-order", test_signal_order },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "peer", NULL, NULL, tests);
}
