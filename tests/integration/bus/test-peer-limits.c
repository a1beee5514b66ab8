/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves who may connect to the private socket, and that no client of it can harm the service or other clients. With
 * the service of peer-env.h.
 */

#include "peer-env.h"

#include "child.h"

#include <fcntl.h>
#include <sys/socket.h>

#define SILENT 200
#define OTHER  60062 /* users of nobody in particular, as P_NOBODY */
#define THIRD  60063
#define MANY   5 /* connections, all of them full of calls */

/* ---- slow ones ----------------------------------------------------------------------------------------- */

#define POKE_SIZE (60 * 1024)

/* A peer that does not read its signals is let go of; those that do miss nothing. */
static void test_flood_of_signals(void)
{
	_cleanup_free_ char *text = malloc(POKE_SIZE + 1);
	struct p_listener reader;
	unsigned n = 0;
	sd_bus *deaf;

	p_start();
	p_listen(&reader, false);
	deaf = p_connect(false);
	p_expect_alive(deaf);                      /* it has talked: it gets signals */
	CU_ASSERT(sd_bus_detach_event(deaf) >= 0); /* from here on it reads nothing */
	memset(text, 'x', POKE_SIZE);
	text[POKE_SIZE] = '\0';
	while (p_count() == 2 && n < 1000) {
		n++;
		p_poke(text);
		p_expect_alive(reader.bus);
	}
	tap_note("let go of after %u signals of %d bytes", n, POKE_SIZE);
	CU_ASSERT(n > MK_BUS_PEER_UNREAD_MAX / POKE_SIZE && n < 100);
	p_poke("end");
	CU_ASSERT(b_run_until(&p_env, &reader.no_more));
	CU_ASSERT_EQUAL(reader.n, n + 1);
	sd_bus_close_unref(deaf);
	sd_bus_close_unref(reader.bus);
	p_stop();
}

/* Signals of a peer that reads, however many, are not held against it. */
static void test_many_signals(void)
{
	_cleanup_free_ char *text = malloc(POKE_SIZE + 1);
	struct p_listener reader;

	p_start();
	p_listen(&reader, false);
	memset(text, 'x', POKE_SIZE);
	text[POKE_SIZE] = '\0';
	for (unsigned i = 0; i < 5 * MK_BUS_PEER_UNREAD_MAX / POKE_SIZE; i++) {
		p_poke(text);
		if (i % 10 == 0)
			p_expect_alive(reader.bus);
	}
	p_expect_alive(reader.bus);
	CU_ASSERT_EQUAL(p_count(), 1);
	sd_bus_close_unref(reader.bus);
	p_stop();
}

/* A peer that asks and does not read makes itself wait, and nothing grow here; later it gets all answers. */
static void test_never_reads(void)
{
	const unsigned n = 200;
	struct mk_bus_peer *slow;
	unsigned replies = 0;
	sd_bus *peer, *other;

	p_start();
	peer = p_connect(true);
	p_expect_alive(peer);
	slow = TAILQ_FIRST(&p_env.bus->peers);
	other = p_connect(true);
	CU_ASSERT(sd_bus_detach_event(peer) >= 0);
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT(sd_bus_call_method_async(peer, NULL, B_NAME, B_ROOT, B_TEST, "Big",
						   p_on_reply, &replies, NULL) >= 0);
	CU_ASSERT(sd_bus_flush(peer) >= 0);
	while (b_turn(&p_env))
		;
	CU_ASSERT(dbus_connection_get_outgoing_size(slow->connection) >= MK_DBUS_OUTGOING_MAX);
	CU_ASSERT(dbus_connection_get_outgoing_size(slow->connection) <
		  MK_DBUS_OUTGOING_MAX + 70L * 64 * 1024);
	p_expect_alive(other);
	p_expect_alive(p_env.client);

	CU_ASSERT(sd_bus_attach_event(peer, p_env.event, 0) >= 0);
	B_WAIT(&p_env, replies == n);
	sd_bus_close_unref(peer);
	sd_bus_close_unref(other);
	p_stop();
}

/* It goes while it is made to wait, and everything ends while one waits. */
static void test_gone_while_waiting(void)
{
	sd_bus *peers[2];

	p_start();
	for (size_t i = 0; i < 2; i++) {
		unsigned replies = 0;

		peers[i] = p_connect(true);
		p_expect_alive(peers[i]);
		CU_ASSERT(sd_bus_detach_event(peers[i]) >= 0);
		for (unsigned k = 0; k < 100; k++)
			CU_ASSERT(sd_bus_call_method_async(peers[i], NULL, B_NAME, B_ROOT, B_TEST,
							   "Big", p_on_reply, &replies, NULL) >= 0);
		CU_ASSERT(sd_bus_flush(peers[i]) >= 0);
		while (b_turn(&p_env))
			;
	}
	CU_ASSERT_EQUAL(p_count(), 2);
	sd_bus_close_unref(peers[0]);
	p_wait(1);
	p_expect_alive(p_env.client);
	p_env.bus = mk_bus_close(p_env.bus); /* must not wait for the other one */
	sd_bus_close_unref(peers[1]);
	p_stop();
}

/* ---- those that are not let in ---------------------------------------------------------------------------- */

static void test_silent(void)
{
	int fds[SILENT];
	unsigned n_open = 0;
	sd_bus *peer;

	p_start();
	peer = p_connect(true);
	p_expect_alive(peer);
	for (size_t i = 0; i < SILENT; i++)
		fds[i] = p_raw();
	B_WAIT(&p_env, p_count() + p_refused > SILENT);
	CU_ASSERT_EQUAL(p_count(), MK_BUS_PEERS_PER_UID_MAX);
	CU_ASSERT_EQUAL(p_refused, SILENT + 1 - MK_BUS_PEERS_PER_UID_MAX);
	CU_ASSERT_STRING_EQUAL(p_reason, "its user has too many connections");
	p_expect_alive(peer);
	for (size_t i = 0; i < SILENT; i++)
		n_open += !p_at_end(fds[i]);
	CU_ASSERT_EQUAL(n_open, MK_BUS_PEERS_PER_UID_MAX - 1);

	/* the rest goes when its time to authenticate is over; who has done so stays */
	for (size_t i = 0; i < SILENT; i++)
		p_wait_for_end(fds[i]);
	p_wait(1);
	p_expect_alive(peer);
	sd_bus_close_unref(peer);
	p_stop();
}

static void test_who_may_connect(void)
{
	static const struct {
		uid_t uid;
		gid_t gid;
		bool in;
	} who[] = {
		{ 0, P_NOBODY, true },
		{ P_NOBODY, P_GROUP, true },
		{ P_NOBODY, P_NOBODY, false },
		{ P_NOBODY, 0, false }, /* root's group is not root */
	};

	if (geteuid() != 0) {
		tap_skip("only root can be others");
		return;
	}

	p_start();
	for (size_t i = 0; i < ARRAY_SIZE(who); i++) {
		unsigned refused = p_refused;
		int fd = p_raw_as(who[i].uid, who[i].gid);

		B_WAIT(&p_env, p_count() > 0 || p_refused > refused);
		CU_ASSERT_EQUAL(p_count(), who[i].in);
		CU_ASSERT_EQUAL(p_refused - refused, !who[i].in);
		if (who[i].in) {
			CU_ASSERT_EQUAL(TAILQ_FIRST(&p_env.bus->peers)->uid, who[i].uid);
			close(fd);
			p_wait(0);
		} else {
			CU_ASSERT_PTR_NOT_NULL(strstr(p_reason, "neither root nor"));
			p_wait_for_end(fd);
		}
	}
	p_stop();
}

/* Users' connections, silent or not, leave room for each other's up to the limit of all, and for root's. */
static void test_too_many(void)
{
	const unsigned n_users = MK_BUS_PEERS_MAX / MK_BUS_PEERS_PER_UID_MAX;
	int fds[MK_BUS_PEERS_MAX + 2];
	sd_bus *root;

	if (geteuid() != 0) {
		tap_skip("only root can be others");
		return;
	}

	p_start();
	CU_ASSERT_EQUAL_FATAL(n_users, 2);
	for (unsigned i = 0; i < MK_BUS_PEERS_MAX; i++) {
		fds[i] = p_raw_as(i % n_users ? P_NOBODY : OTHER, P_GROUP);
		B_WAIT(&p_env, p_count() + p_refused > i);
	}
	CU_ASSERT_EQUAL(p_refused, 0);
	fds[MK_BUS_PEERS_MAX] = p_raw_as(THIRD, P_GROUP);
	B_WAIT(&p_env, p_refused == 1);
	CU_ASSERT_STRING_EQUAL(p_reason, "there are too many connections");
	fds[MK_BUS_PEERS_MAX + 1] = p_raw_as(OTHER, P_GROUP);
	B_WAIT(&p_env, p_refused == 2);
	CU_ASSERT_STRING_EQUAL(p_reason, "its user has too many connections");
	root = p_connect(true);
	p_expect_alive(root);
	sd_bus_close_unref(root);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	p_wait(0);
	p_stop();
}

/* All that a user can: more calls that wait, on more connections, than are held for it. */
static void fill(sd_bus *peers[MANY], uid_t uid, unsigned *replies)
{
	unsigned before = *replies;

	for (size_t i = 0; i < MANY; i++) {
		peers[i] = p_connect_as(uid, P_GROUP);
		p_hold(peers[i], MK_BUS_HELD_PER_CALLER_MAX, replies);
	}
	B_WAIT(&p_env,
	       *replies - before == MANY * MK_BUS_HELD_PER_CALLER_MAX - MK_BUS_HELD_PER_USER_MAX);
	for (size_t i = 0; i < MANY; i++)
		p_expect_alive(peers[i]);
}

/* A user is given half of what is there for all, and what root is given is not a part of that. */
static void test_held_per_user(void)
{
	unsigned replies = 0, late = 0;
	sd_bus *peers[2][MANY], *third, *root;

	if (geteuid() != 0) {
		tap_skip("only root can be others");
		return;
	}

	p_start();
	root = p_connect(true);
	third = p_connect_as(THIRD, P_GROUP);
	fill(peers[0], P_NOBODY, &replies);
	CU_ASSERT_EQUAL(p_env.root.n_held, MK_BUS_HELD_PER_USER_MAX);
	p_hold(third, 1, &late);
	p_wait_held(MK_BUS_HELD_PER_USER_MAX + 1);
	mk_call_unref(p_env.root.held[--p_env.root.n_held]);
	B_WAIT(&p_env, late == 1);
	fill(peers[1], OTHER, &replies);
	CU_ASSERT_EQUAL(p_env.root.n_held, MK_BUS_HELD_MAX);

	b_expect_error(P_ROOT(third, "Hold", ""), B_ERR "LimitsExceeded", "512 calls of all users");
	p_expect_alive(third);
	p_expect_alive(root);
	p_hold(root, MK_BUS_HELD_PER_CALLER_MAX, &late);
	p_wait_held(MK_BUS_HELD_MAX + MK_BUS_HELD_PER_CALLER_MAX);

	p_drop_held();
	B_WAIT(&p_env, replies == 2 * MANY * MK_BUS_HELD_PER_CALLER_MAX &&
			       late == 1 + MK_BUS_HELD_PER_CALLER_MAX);
	p_hold(third, 1, &late);
	p_hold(peers[0][0], 1, &late);
	p_wait_held(2);
	p_drop_held();
	for (size_t i = 0; i < MANY; i++) {
		sd_bus_close_unref(peers[0][i]);
		sd_bus_close_unref(peers[1][i]);
	}
	sd_bus_close_unref(third);
	sd_bus_close_unref(root);
	p_stop();
}

/* A real client in a process of its own, with these credentials. Returns what it printed if all was well. */
static const char *run_busctl(const char *const *credentials)
{
	_cleanup_free_ char *option = mk_strdup_printf("--address=%s", p_socket());
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
	B_WAIT(&p_env, child_ended(pid));
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

	p_start();
	CU_ASSERT_STRING_EQUAL(run_busctl(member), "us 65534 \":1.1\"\n");
	CU_ASSERT_STRING_EQUAL(run_busctl(primary), "us 65534 \":1.2\"\n");
	CU_ASSERT_STRING_EQUAL(run_busctl(root), "us 0 \":1.3\"\n");
	CU_ASSERT_EQUAL(p_refused, 0);
	CU_ASSERT_STRING_EQUAL(run_busctl(stranger), "failed");
	CU_ASSERT_EQUAL(p_refused, 1);
	p_stop();
}

/* What the raw peer is told until there is a whole line; "" at the end of the connection. */
static const char *talk(int fd, const char *text, size_t size)
{
	const uint64_t end = mk_now_monotonic() + 60 * USEC_PER_SEC;
	static char line[512];
	ssize_t n;

	CU_ASSERT_EQUAL(send(fd, text, size, MSG_NOSIGNAL), (ssize_t)size);
	do {
		(void)sd_event_run(p_env.event, USEC_PER_SEC / 100);
		n = recv(fd, line, sizeof(line) - 1, 0);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR) && mk_now_monotonic() < end);
	line[n > 0 ? n : 0] = '\0';
	return line;
}

#define TALK(fd, text) talk(fd, text, sizeof(text) - 1)

static void test_authentication(void)
{
	int fd;

	p_start();
	fd = p_raw();
	CU_ASSERT_STRING_EQUAL(TALK(fd, "\0AUTH ANONYMOUS\r\n"), "REJECTED EXTERNAL\r\n");
	/* 12345 is not who the kernel says it is */
	CU_ASSERT_STRING_EQUAL(TALK(fd, "AUTH EXTERNAL 3132333435\r\n"), "REJECTED EXTERNAL\r\n");
	CU_ASSERT(starts_with(TALK(fd, "NONSENSE\r\n"), "ERROR"));
	close(fd);

	fd = p_raw();
	CU_ASSERT(starts_with(TALK(fd, "\0AUTH EXTERNAL\r\nDATA\r\n"), "DATA"));
	CU_ASSERT_STRING_EQUAL(TALK(fd, "BEGIN\r\nthis is not a message of D-Bus at all"), "");
	p_wait_for_end(fd);
	fd = p_raw();
	CU_ASSERT_STRING_EQUAL(TALK(fd, "GET / HTTP/1.1\r\n\r\n"), "");
	p_wait_for_end(fd);

	p_wait(0);
	p_expect_alive(p_env.client);
	p_stop();
}

/* ---- messages that are too much --------------------------------------------------------------------------- */

static void expect_dropped(sd_bus *peer)
{
	CU_ASSERT(sd_bus_flush(peer) >= 0 || true); /* the other end may be closed by now */
	p_wait(0);
	sd_bus_close_unref(peer);
	p_expect_alive(p_env.client);
}

static void test_too_big(void)
{
	const size_t size = 2 * 1024 * 1024;
	_cleanup_free_ char *text = malloc(size + 1);
	sd_bus_message *m = NULL;
	sd_bus *peer;

	p_start();
	peer = p_connect(true);
	p_expect_alive(peer);
	memset(text, 'x', size);
	text[size] = '\0';
	CU_ASSERT_FATAL(sd_bus_message_new_method_call(peer, &m, B_NAME, B_ROOT, B_TEST, "EchoS") >=
			0);
	CU_ASSERT(sd_bus_message_append(m, "s", text) >= 0);
	CU_ASSERT(sd_bus_send(peer, m, NULL) >= 0);
	sd_bus_message_unref(m);
	expect_dropped(peer);
	p_stop();
}

static void test_descriptors(void)
{
	sd_bus_message *m = NULL;
	sd_bus *peer;

	p_start();
	peer = p_connect(true);
	p_expect_alive(peer);
	CU_ASSERT_FATAL(sd_bus_message_new_method_call(peer, &m, B_NAME, B_ROOT, B_TEST, "EchoS") >=
			0);
	CU_ASSERT(sd_bus_message_append(m, "h", STDERR_FILENO) >= 0);
	CU_ASSERT(sd_bus_send(peer, m, NULL) >= 0);
	sd_bus_message_unref(m);
	expect_dropped(peer);
	p_stop();
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "flood-of-signals", test_flood_of_signals },
		{ "many-signals", test_many_signals },
		{ "never-reads", test_never_reads },
		{ "gone-while-waiting", test_gone_while_waiting },
		{ "silent", test_silent },
		{ "who-may-connect", test_who_may_connect },
		{ "too-many", test_too_many },
		{ "held-per-user", test_held_per_user },
		{ "real-users", test_real_users },
		{ "authentication", test_authentication },
		{ "too-big", test_too_big },
		{ "descriptors", test_descriptors },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "peer-limits", NULL, NULL, tests);
}
