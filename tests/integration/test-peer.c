/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The private socket: the same objects as on the bus, for whoever may connect, without harm from the rest. */

#include "bus-env.h"

#include "child.h"
#include "world.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define NOBODY     65534
#define GROUP      60061 /* of nobody in particular */
#define AUTH_LIMIT (300 * USEC_PER_MSEC)
#define SILENT     200

static struct bus_env e;
static char *address;
static unsigned n_refused;
static const char *last_reason;

static void on_refused(const struct mk_bus_refusal *refusal, void *data)
{
	n_refused++;
	last_reason = refusal->reason;
}

static void start(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	_cleanup_free_ char *path = NULL;
	struct mk_bus_listen config = {
		.name = B_NAME,
		.group = GROUP,
		.auth_limit = AUTH_LIMIT,
		.refused = on_refused,
	};

	b_start(&e);
	n_refused = 0;
	last_reason = "";
	path = mk_strdup_printf("%s/peer", e.dir);
	address = mk_strdup_printf("unix:path=%s", path);
	config.address = address;
	CU_ASSERT_EQUAL_FATAL(mk_bus_listen(e.bus, &config, &error), 0);
	CU_ASSERT_EQUAL(chmod(path, 0666), 0);
	CU_ASSERT_EQUAL(chmod(e.dir, 0755), 0);
}

static void stop(void)
{
	free(address);
	b_stop(&e);
}

static unsigned n_peers(void)
{
	const struct mk_bus_peer *peer;
	unsigned n = 0;

	TAILQ_FOREACH(peer, &e.bus->peers, entry)
		n++;
	return n;
}

static void wait_for_peers(unsigned n)
{
	while (n_peers() != n)
		(void)sd_event_run(e.event, USEC_PER_SEC);
}

/* hello: as to a bus. */
static sd_bus *connect_peer(bool hello)
{
	sd_bus *bus = NULL;

	CU_ASSERT_FATAL(sd_bus_new(&bus) >= 0);
	CU_ASSERT(sd_bus_set_address(bus, address) >= 0);
	CU_ASSERT(sd_bus_set_bus_client(bus, hello) >= 0);
	CU_ASSERT_FATAL(sd_bus_start(bus) >= 0);
	CU_ASSERT(sd_bus_attach_event(bus, e.event, 0) >= 0);
	return bus;
}

static int connect_raw(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(fd >= 0);
	strncpy(sa.sun_path, address + strlen("unix:path="), sizeof(sa.sun_path) - 1);
	CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	CU_ASSERT(fcntl(fd, F_SETFL, O_NONBLOCK) >= 0);
	return fd;
}

/* With that user's and group's credentials: the kernel notes the effective ones. */
static int connect_raw_as(uid_t uid, gid_t gid)
{
	int fd;

	CU_ASSERT_EQUAL_FATAL(setegid(gid), 0);
	CU_ASSERT_EQUAL_FATAL(seteuid(uid), 0);
	fd = connect_raw();
	CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
	CU_ASSERT_EQUAL_FATAL(setegid(0), 0);
	return fd;
}

static bool at_end(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK) == 0 || (errno != EAGAIN && errno != EINTR);
}

static void wait_for_end(int fd)
{
	while (!at_end(fd))
		(void)sd_event_run(e.event, USEC_PER_SEC / 10);
	close(fd);
}

static sd_bus_message *peer_call(sd_bus *peer, const char *destination, const char *path,
				 const char *interface, const char *member, const char *types, ...)
{
	sd_bus_message *m = NULL;
	va_list ap;

	CU_ASSERT_FATAL(sd_bus_message_new_method_call(peer, &m, destination, path, interface,
						       member) >= 0);
	va_start(ap, types);
	if (*types)
		CU_ASSERT_FATAL(sd_bus_message_appendv(m, types, ap) >= 0);
	va_end(ap);
	return b_send(&e, peer, m);
}

#define DRIVER(peer, member, ...)                                                                  \
	peer_call(peer, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",   \
		  member, __VA_ARGS__)
#define ROOT(peer, member, ...) peer_call(peer, B_NAME, B_ROOT, B_TEST, member, __VA_ARGS__)

/* Also a sign that everything before it has been handled. */
static void expect_alive(sd_bus *peer)
{
	b_expect_json(ROOT(peer, "EchoS", "s", "x"), "[\"x\"]");
}

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

	start();
	for (size_t k = 0; k < 2; k++)
		peers[k] = connect_peer(k == 0);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		_cleanup_free_ char *bus =
			text_of(b_call(&e, calls[i].path, calls[i].interface, calls[i].member,
				       calls[i].types, calls[i].a, calls[i].b));

		for (size_t k = 0; k < 2; k++) {
			_cleanup_free_ char *peer =
				text_of(peer_call(peers[k], k == 0 ? B_NAME : NULL, calls[i].path,
						  calls[i].interface, calls[i].member,
						  calls[i].types, calls[i].a, calls[i].b));

			CU_ASSERT_STRING_EQUAL(peer, bus);
		}
	}
	for (size_t k = 0; k < 2; k++)
		sd_bus_close_unref(peers[k]);
	stop();
}

/* ---- the driver ---------------------------------------------------------------------------------------- */

static void test_driver(void)
{
	sd_bus *peer, *second;

	start();
	peer = connect_peer(true);
	second = connect_peer(true);
	expect_alive(peer);
	expect_alive(second);
	b_expect_error(DRIVER(peer, "Hello", ""), B_ERR "Failed", "before");
	b_expect_json(DRIVER(peer, "GetNameOwner", "s", B_NAME), "[\":1.0\"]");
	b_expect_json(DRIVER(peer, "GetNameOwner", "s", ":1.0"), "[\":1.0\"]");
	b_expect_json(DRIVER(peer, "GetNameOwner", "s", ":1.1"), "[\":1.1\"]");
	/* other peers are none of its business */
	b_expect_error(DRIVER(peer, "GetNameOwner", "s", ":1.2"), B_ERR "NameHasNoOwner", NULL);
	b_expect_json(DRIVER(second, "GetNameOwner", "s", ":1.2"), "[\":1.2\"]");
	b_expect_json(DRIVER(peer, "NameHasOwner", "s", B_NAME), "[true]");
	b_expect_json(DRIVER(peer, "NameHasOwner", "s", "org.example.Missing"), "[false]");
	b_expect_json(DRIVER(peer, "StartServiceByName", "su", B_NAME, 0), "[2]");
	b_expect_error(DRIVER(peer, "StartServiceByName", "su", "org.example.Missing", 0),
		       B_ERR "ServiceUnknown", NULL);
	b_expect_json(DRIVER(peer, "ListNames", ""), "[[\":1.0\",\"" B_NAME "\"]]");
	b_expect_json(DRIVER(peer, "ListActivatableNames", ""), "[[]]");
	b_expect_error(DRIVER(peer, "RequestName", "su", "org.example.Mine", 0),
		       B_ERR "UnknownMethod", NULL);
	b_expect_error(DRIVER(peer, "RemoveMatch", "s", "type='signal'"), B_ERR "MatchRuleNotFound",
		       NULL);
	sd_bus_close_unref(peer);
	sd_bus_close_unref(second);
	stop();
}

static void test_driver_credentials(void)
{
	static const char *const names[] = { ":1.0", ":1.1", B_NAME };
	char want[64];
	sd_bus *peer;

	start();
	peer = connect_peer(true);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		/* both ends are this process */
		snprintf(want, sizeof(want), "[%u]", getuid());
		b_expect_json(DRIVER(peer, "GetConnectionUnixUser", "s", names[i]), want);
		snprintf(want, sizeof(want), "[%d]", getpid());
		b_expect_json(DRIVER(peer, "GetConnectionUnixProcessID", "s", names[i]), want);
		snprintf(want, sizeof(want), "[{\"UnixUserID\":%u,\"ProcessID\":%d}]", getuid(),
			 getpid());
		b_expect_json(DRIVER(peer, "GetConnectionCredentials", "s", names[i]), want);
	}
	b_expect_error(DRIVER(peer, "GetConnectionCredentials", "s", ":1.77"),
		       B_ERR "NameHasNoOwner", NULL);
	sd_bus_close_unref(peer);
	stop();
}

/* ---- callers ------------------------------------------------------------------------------------------- */

/* Who calls is what the connection says, whatever the message does. */
static void test_forged_sender(void)
{
	sd_bus_message *m = NULL;
	char want[64];
	sd_bus *peer;

	start();
	peer = connect_peer(false);
	CU_ASSERT_FATAL(sd_bus_message_new_method_call(peer, &m, NULL, B_ROOT, B_TEST, "Caller") >=
			0);
	CU_ASSERT(sd_bus_message_set_sender(m, ":1.77") >= 0);
	snprintf(want, sizeof(want), "[%u,\":1.1\"]", getuid());
	b_expect_json(b_send(&e, peer, m), want);
	sd_bus_close_unref(peer);
	stop();
}

static int on_held_reply(sd_bus_message *m, void *data, sd_bus_error *error)
{
	++*(unsigned *)data;
	return 0;
}

static void hold(sd_bus *from, unsigned n, unsigned *replies)
{
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT_FATAL(sd_bus_call_method_async(from, NULL, B_NAME, B_ROOT, B_TEST, "Hold",
							 on_held_reply, replies, NULL) >= 0);
}

static void wait_for_held(size_t n)
{
	while (e.root.n_held < n)
		(void)sd_event_run(e.event, USEC_PER_SEC);
}

static void drop_held(void)
{
	while (e.root.n_held > 0)
		mk_call_unref(e.root.held[--e.root.n_held]);
}

/* Each connection is a caller of its own: one at its limit leaves the others theirs. */
static void test_held_per_peer(void)
{
	unsigned replies[2] = { 0 };
	sd_bus *peers[2];

	start();
	for (size_t i = 0; i < 2; i++)
		peers[i] = connect_peer(true);
	hold(peers[0], MK_BUS_HELD_PER_CALLER_MAX, &replies[0]);
	wait_for_held(MK_BUS_HELD_PER_CALLER_MAX);
	b_expect_error(ROOT(peers[0], "EchoS", "s", "x"), B_ERR "LimitsExceeded", NULL);
	expect_alive(peers[1]);
	expect_alive(e.client);
	hold(peers[1], 1, &replies[1]);
	wait_for_held(MK_BUS_HELD_PER_CALLER_MAX + 1);

	drop_held(); /* which answers */
	while (replies[0] < MK_BUS_HELD_PER_CALLER_MAX || replies[1] < 1)
		(void)sd_event_run(e.event, USEC_PER_SEC);
	expect_alive(peers[0]);
	CU_ASSERT_EQUAL(e.bus->n_calls, 0);
	for (size_t i = 0; i < 2; i++)
		sd_bus_close_unref(peers[i]);
	stop();
}

static void on_gone(struct mk_call *call, void *data)
{
	++*(unsigned *)data;
}

/* What a caller left behind counts no more, and who holds it is told; on both ways in. */
static void test_caller_gone(void)
{
	start();
	for (int on_bus = 0; on_bus < 2; on_bus++) {
		sd_bus *c = on_bus ? b_connect(&e) : connect_peer(true);
		unsigned gone = 0, replies = 0;

		hold(c, 5, &replies);
		wait_for_held(5);
		CU_ASSERT_EQUAL(e.bus->n_calls, 5);
		for (size_t i = 0; i < 4; i++)
			mk_call_on_gone(e.root.held[i], on_gone, &gone);
		mk_call_on_gone(e.root.held[3], NULL, NULL);
		mk_call_reply(e.root.held[0], NULL); /* too late for that one */
		sd_bus_close_unref(c);
		while (e.bus->n_calls > 0)
			(void)sd_event_run(e.event, USEC_PER_SEC);
		CU_ASSERT_EQUAL(gone, 3);
		mk_call_reply(e.root.held[1], NULL);
		mk_call_error(e.root.held[2], MK_ERROR_INTERNAL, "to nobody");
		drop_held();
		expect_alive(e.client);
	}
	CU_ASSERT_EQUAL(n_peers(), 0);
	stop();
}

/* ---- signals ------------------------------------------------------------------------------------------- */

struct listener {
	sd_bus *bus;
	unsigned n, n_bad;
	bool no_more; /* got the one that says so */
};

static int on_signal(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct listener *l = data;
	const char *name = "";

	if (!sd_bus_message_is_signal(m, B_TEST, "Poked"))
		return 0;
	l->n++;
	l->n_bad += !streq(str_or_empty(sd_bus_message_get_sender(m)), ":1.0");
	CU_ASSERT(sd_bus_message_read(m, "s", &name) > 0);
	l->no_more = l->no_more || streq(name, "end");
	return 0;
}

static void listen_to(struct listener *l, bool hello)
{
	memset(l, 0, sizeof(*l));
	l->bus = connect_peer(hello);
	CU_ASSERT(sd_bus_add_filter(l->bus, NULL, on_signal, l) >= 0);
	expect_alive(l->bus);
}

static void poke(const char *name)
{
	json_object *args = json_object_new_array();

	json_object_array_add(args, json_object_new_string(name));
	json_object_array_add(args, json_object_new_object());
	mk_bus_object_signal(e.root.bus, B_TEST, "Poked", args);
	mk_bus_flush(e.bus);
}

/* Who talks as to a bus gets signals once it asked for any; who does not gets all. */
static void test_signals(void)
{
	enum { BUS, MATCHED, DIRECT, N };
	struct listener l[N];

	start();
	for (size_t i = 0; i < N; i++)
		listen_to(&l[i], i != DIRECT);
	b_expect_json(DRIVER(l[MATCHED].bus, "AddMatch", "s", "type='signal'"), "[]");
	poke("one");
	for (size_t i = 0; i < N; i++)
		expect_alive(l[i].bus);
	CU_ASSERT_EQUAL(l[BUS].n, 0);
	CU_ASSERT_EQUAL(l[MATCHED].n, 1);
	CU_ASSERT_EQUAL(l[DIRECT].n, 1);

	b_expect_json(DRIVER(l[MATCHED].bus, "RemoveMatch", "s", "type='signal'"), "[]");
	poke("two");
	for (size_t i = 0; i < N; i++)
		expect_alive(l[i].bus);
	CU_ASSERT_EQUAL(l[MATCHED].n, 1);
	CU_ASSERT_EQUAL(l[DIRECT].n, 2);
	for (size_t i = 0; i < N; i++) {
		CU_ASSERT_EQUAL(l[i].n_bad, 0);
		sd_bus_close_unref(l[i].bus);
	}
	b_settle(&e);
	CU_ASSERT_EQUAL(e.n_signals, 2); /* the bus's client got them too */
	stop();
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

	start();
	peer = connect_peer(false);
	CU_ASSERT(sd_bus_add_filter(peer, NULL, on_any, &seen) >= 0);
	b_expect_json(ROOT(peer, "Change", "s", "new"), "[2]");
	expect_alive(peer);
	b_settle(&e);
	for (size_t i = 0; i < e.n_signals; i++) {
		char *longer = mk_strdup_printf("%s %s", want, e.signals[i].member);

		free(want);
		want = longer;
	}
	CU_ASSERT_STRING_EQUAL(want, " PropertiesChanged Poked Poked");
	CU_ASSERT_STRING_EQUAL(seen, want);
	sd_bus_close_unref(peer);
	stop();
}

/* ---- slow ones ----------------------------------------------------------------------------------------- */

#define POKE_SIZE (60 * 1024)

/* A peer that does not read its signals is let go of; those that do miss nothing. */
static void test_flood_of_signals(void)
{
	_cleanup_free_ char *text = malloc(POKE_SIZE + 1);
	struct listener reader;
	unsigned n = 0;
	sd_bus *deaf;

	start();
	listen_to(&reader, false);
	deaf = connect_peer(false);
	expect_alive(deaf);
	CU_ASSERT(sd_bus_detach_event(deaf) >= 0); /* from here on it reads nothing */
	memset(text, 'x', POKE_SIZE);
	text[POKE_SIZE] = '\0';
	while (n_peers() == 2 && n < 1000) {
		n++;
		poke(text);
		expect_alive(reader.bus);
	}
	tap_note("let go of after %u signals of %d bytes", n, POKE_SIZE);
	CU_ASSERT(n > MK_BUS_PEER_UNREAD_MAX / POKE_SIZE && n < 100);
	poke("end");
	CU_ASSERT(b_run_until(&e, &reader.no_more));
	CU_ASSERT_EQUAL(reader.n, n + 1);
	sd_bus_close_unref(deaf);
	sd_bus_close_unref(reader.bus);
	stop();
}

/* Signals of a peer that reads, however many, are not held against it. */
static void test_many_signals(void)
{
	_cleanup_free_ char *text = malloc(POKE_SIZE + 1);
	struct listener reader;

	start();
	listen_to(&reader, false);
	memset(text, 'x', POKE_SIZE);
	text[POKE_SIZE] = '\0';
	for (unsigned i = 0; i < 5 * MK_BUS_PEER_UNREAD_MAX / POKE_SIZE; i++) {
		poke(text);
		if (i % 10 == 0)
			expect_alive(reader.bus);
	}
	expect_alive(reader.bus);
	CU_ASSERT_EQUAL(n_peers(), 1);
	sd_bus_close_unref(reader.bus);
	stop();
}

/* A peer that asks and does not read makes itself wait, and nothing grow here; later it gets all answers. */
static void test_never_reads(void)
{
	const unsigned n = 200;
	struct mk_bus_peer *slow;
	unsigned replies = 0;
	sd_bus *peer, *other;

	start();
	peer = connect_peer(true);
	expect_alive(peer);
	slow = TAILQ_FIRST(&e.bus->peers);
	other = connect_peer(true);
	CU_ASSERT(sd_bus_detach_event(peer) >= 0);
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT(sd_bus_call_method_async(peer, NULL, B_NAME, B_ROOT, B_TEST, "Big",
						   on_held_reply, &replies, NULL) >= 0);
	CU_ASSERT(sd_bus_flush(peer) >= 0);
	while (b_turn(&e))
		;
	CU_ASSERT(dbus_connection_get_outgoing_size(slow->connection) >= MK_DBUS_OUTGOING_MAX);
	CU_ASSERT(dbus_connection_get_outgoing_size(slow->connection) <
		  MK_DBUS_OUTGOING_MAX + 70L * 64 * 1024);
	expect_alive(other);
	expect_alive(e.client);

	CU_ASSERT(sd_bus_attach_event(peer, e.event, 0) >= 0);
	while (replies < n)
		(void)sd_event_run(e.event, USEC_PER_SEC);
	sd_bus_close_unref(peer);
	sd_bus_close_unref(other);
	stop();
}

/* It goes while it is made to wait, and everything ends while one waits. */
static void test_gone_while_waiting(void)
{
	sd_bus *peers[2];

	start();
	for (size_t i = 0; i < 2; i++) {
		unsigned replies = 0;

		peers[i] = connect_peer(true);
		expect_alive(peers[i]);
		CU_ASSERT(sd_bus_detach_event(peers[i]) >= 0);
		for (unsigned k = 0; k < 100; k++)
			CU_ASSERT(sd_bus_call_method_async(peers[i], NULL, B_NAME, B_ROOT, B_TEST,
							   "Big", on_held_reply, &replies,
							   NULL) >= 0);
		CU_ASSERT(sd_bus_flush(peers[i]) >= 0);
		while (b_turn(&e))
			;
	}
	CU_ASSERT_EQUAL(n_peers(), 2);
	sd_bus_close_unref(peers[0]);
	wait_for_peers(1);
	expect_alive(e.client);
	e.bus = mk_bus_close(e.bus); /* must not wait for the other one */
	sd_bus_close_unref(peers[1]);
	stop();
}

/* ---- those that are not let in ---------------------------------------------------------------------------- */

static void test_silent(void)
{
	int fds[SILENT];
	unsigned n_open = 0;
	sd_bus *peer;

	start();
	peer = connect_peer(true);
	expect_alive(peer);
	for (size_t i = 0; i < SILENT; i++)
		fds[i] = connect_raw();
	while (n_peers() + n_refused < SILENT + 1)
		(void)sd_event_run(e.event, USEC_PER_SEC);
	CU_ASSERT_EQUAL(n_peers(), MK_BUS_PEERS_PER_UID_MAX);
	CU_ASSERT_EQUAL(n_refused, SILENT + 1 - MK_BUS_PEERS_PER_UID_MAX);
	CU_ASSERT_STRING_EQUAL(last_reason, "its user has too many connections");
	expect_alive(peer);
	for (size_t i = 0; i < SILENT; i++)
		n_open += !at_end(fds[i]);
	CU_ASSERT_EQUAL(n_open, MK_BUS_PEERS_PER_UID_MAX - 1);

	/* the rest goes when its time to authenticate is over; who has done so stays */
	for (size_t i = 0; i < SILENT; i++)
		wait_for_end(fds[i]);
	wait_for_peers(1);
	expect_alive(peer);
	sd_bus_close_unref(peer);
	stop();
}

static void test_who_may_connect(void)
{
	static const struct {
		uid_t uid;
		gid_t gid;
		bool in;
	} who[] = {
		{ 0, NOBODY, true },
		{ NOBODY, GROUP, true },
		{ NOBODY, NOBODY, false },
		{ NOBODY, 0, false }, /* root's group is not root */
	};

	if (geteuid() != 0) {
		tap_skip("only root can be others");
		return;
	}

	start();
	for (size_t i = 0; i < ARRAY_SIZE(who); i++) {
		unsigned refused = n_refused;
		int fd = connect_raw_as(who[i].uid, who[i].gid);

		while (n_peers() == 0 && n_refused == refused)
			(void)sd_event_run(e.event, USEC_PER_SEC);
		CU_ASSERT_EQUAL(n_peers(), who[i].in);
		CU_ASSERT_EQUAL(n_refused - refused, !who[i].in);
		if (who[i].in) {
			CU_ASSERT_EQUAL(TAILQ_FIRST(&e.bus->peers)->uid, who[i].uid);
			close(fd);
			wait_for_peers(0);
		} else {
			CU_ASSERT_PTR_NOT_NULL(strstr(last_reason, "neither root nor"));
			wait_for_end(fd);
		}
	}
	stop();
}

/* One user's connections, silent or not, leave room for another's, up to the limit of all. */
static void test_too_many(void)
{
	int fds[MK_BUS_PEERS_MAX + 1];

	if (geteuid() != 0) {
		tap_skip("only root can be others");
		return;
	}

	start();
	for (unsigned i = 0; i <= MK_BUS_PEERS_MAX; i++) {
		fds[i] = i < MK_BUS_PEERS_PER_UID_MAX ? connect_raw()
						      : connect_raw_as(NOBODY, GROUP);
		while (n_peers() + n_refused <= i)
			(void)sd_event_run(e.event, USEC_PER_SEC);
		CU_ASSERT_EQUAL(n_refused, i == MK_BUS_PEERS_MAX);
	}
	CU_ASSERT_STRING_EQUAL(last_reason, "there are too many connections");
	for (unsigned i = 0; i <= MK_BUS_PEERS_MAX; i++)
		close(fds[i]);
	wait_for_peers(0);
	stop();
}

/* A real client in a process of its own, with these credentials. Returns what it printed if all was well. */
static const char *run_busctl(const char *const *credentials)
{
	_cleanup_free_ char *option = mk_strdup_printf("--address=%s", address);
	const char *argv[16] = { "setpriv" };
	static char text[1024];
	size_t n = 1;
	ssize_t size;
	int fds[2], status;
	pid_t pid;

	while (*credentials)
		argv[n++] = *credentials++;
	argv[n++] = "busctl";
	argv[n++] = option;
	argv[n++] = "call";
	argv[n++] = B_NAME;
	argv[n++] = B_ROOT;
	argv[n++] = B_TEST;
	argv[n++] = "Caller";
	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	CU_ASSERT_EQUAL_FATAL(child_start(argv, NULL, fds[1], fds[1], &pid), 0);
	close(fds[1]);
	while (!child_ended(pid))
		(void)sd_event_run(e.event, USEC_PER_SEC / 20);
	status = child_stop(pid, 0);
	size = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	text[size > 0 ? size : 0] = '\0';
	return status == 0 ? text : "failed";
}

static void test_real_users(void)
{
	static const char *const stranger[] = { "--reuid=65534", "--regid=65534", "--clear-groups",
						NULL };
	static const char *const member[] = { "--reuid=65534", "--regid=65534",
					      "--groups=27,60061,44", NULL };
	static const char *const primary[] = { "--reuid=65534", "--regid=60061", "--clear-groups",
					       NULL };
	static const char *const root[] = { "--reuid=0", NULL };

	if (geteuid() != 0) {
		tap_skip("only root can be others");
		return;
	}

	start();
	CU_ASSERT_STRING_EQUAL(run_busctl(member), "us 65534 \":1.1\"\n");
	CU_ASSERT_STRING_EQUAL(run_busctl(primary), "us 65534 \":1.2\"\n");
	CU_ASSERT_STRING_EQUAL(run_busctl(root), "us 0 \":1.3\"\n");
	CU_ASSERT_EQUAL(n_refused, 0);
	CU_ASSERT_STRING_EQUAL(run_busctl(stranger), "failed");
	CU_ASSERT_EQUAL(n_refused, 1);
	stop();
}

/* What the raw peer is told until there is a whole line; "" at the end of the connection. */
static const char *talk(int fd, const char *text, size_t size)
{
	static char line[512];
	ssize_t n;

	CU_ASSERT_EQUAL(send(fd, text, size, MSG_NOSIGNAL), (ssize_t)size);
	do {
		(void)sd_event_run(e.event, USEC_PER_SEC / 100);
		n = recv(fd, line, sizeof(line) - 1, 0);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	line[n > 0 ? n : 0] = '\0';
	return line;
}

#define TALK(fd, text) talk(fd, text, sizeof(text) - 1)

static void test_authentication(void)
{
	int fd;

	start();
	fd = connect_raw();
	CU_ASSERT_STRING_EQUAL(TALK(fd, "\0AUTH ANONYMOUS\r\n"), "REJECTED EXTERNAL\r\n");
	/* 12345 is not who the kernel says it is */
	CU_ASSERT_STRING_EQUAL(TALK(fd, "AUTH EXTERNAL 3132333435\r\n"), "REJECTED EXTERNAL\r\n");
	CU_ASSERT(starts_with(TALK(fd, "NONSENSE\r\n"), "ERROR"));
	close(fd);

	fd = connect_raw();
	CU_ASSERT(starts_with(TALK(fd, "\0AUTH EXTERNAL\r\nDATA\r\n"), "DATA"));
	CU_ASSERT_STRING_EQUAL(TALK(fd, "BEGIN\r\nthis is not a message of D-Bus at all"), "");
	wait_for_end(fd);
	fd = connect_raw();
	CU_ASSERT_STRING_EQUAL(TALK(fd, "GET / HTTP/1.1\r\n\r\n"), "");
	wait_for_end(fd);

	wait_for_peers(0);
	expect_alive(e.client);
	stop();
}

/* ---- messages that are too much --------------------------------------------------------------------------- */

static void expect_dropped(sd_bus *peer)
{
	CU_ASSERT(sd_bus_flush(peer) >= 0 || true); /* the other end may be closed by now */
	wait_for_peers(0);
	sd_bus_close_unref(peer);
	expect_alive(e.client);
}

static void test_too_big(void)
{
	const size_t size = 2 * 1024 * 1024;
	_cleanup_free_ char *text = malloc(size + 1);
	sd_bus_message *m = NULL;
	sd_bus *peer;

	start();
	peer = connect_peer(true);
	expect_alive(peer);
	memset(text, 'x', size);
	text[size] = '\0';
	CU_ASSERT_FATAL(sd_bus_message_new_method_call(peer, &m, B_NAME, B_ROOT, B_TEST, "EchoS") >=
			0);
	CU_ASSERT(sd_bus_message_append(m, "s", text) >= 0);
	CU_ASSERT(sd_bus_send(peer, m, NULL) >= 0);
	sd_bus_message_unref(m);
	expect_dropped(peer);
	stop();
}

static void test_descriptors(void)
{
	sd_bus_message *m = NULL;
	sd_bus *peer;

	start();
	peer = connect_peer(true);
	expect_alive(peer);
	CU_ASSERT_FATAL(sd_bus_message_new_method_call(peer, &m, B_NAME, B_ROOT, B_TEST, "EchoS") >=
			0);
	CU_ASSERT(sd_bus_message_append(m, "h", STDERR_FILENO) >= 0);
	CU_ASSERT(sd_bus_send(peer, m, NULL) >= 0);
	sd_bus_message_unref(m);
	expect_dropped(peer);
	stop();
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
		{ "signals", test_signals },
		{ "signal-order", test_signal_order },
		{ "flood-of-signals", test_flood_of_signals },
		{ "many-signals", test_many_signals },
		{ "never-reads", test_never_reads },
		{ "gone-while-waiting", test_gone_while_waiting },
		{ "silent", test_silent },
		{ "who-may-connect", test_who_may_connect },
		{ "too-many", test_too_many },
		{ "real-users", test_real_users },
		{ "authentication", test_authentication },
		{ "too-big", test_too_big },
		{ "descriptors", test_descriptors },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "peer", NULL, NULL, tests);
}
