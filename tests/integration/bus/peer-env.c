/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements peer-env.h: the private socket of the service, and clients of it. */

#include "peer-env.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define AUTH_LIMIT (300 * USEC_PER_MSEC)

struct bus_env p_env;
unsigned p_refused;
const char *p_reason;
static char *address;

static void on_refused(const struct mk_bus_refusal *refusal, void *data)
{
	p_refused++;
	p_reason = refusal->reason;
}

void p_start(void)
{
	_cleanup_error_ struct mk_error error = { 0 };
	_cleanup_free_ char *path = NULL;
	struct mk_bus_listen config = {
		.name = B_NAME,
		.group = P_GROUP,
		.auth_limit = AUTH_LIMIT,
		.refused = on_refused,
	};

	b_start(&p_env);
	p_refused = 0;
	p_reason = "";
	path = mk_strdup_printf("%s/peer", p_env.dir);
	address = mk_strdup_printf("unix:path=%s", path);
	config.address = address;
	CU_ASSERT_EQUAL_FATAL(mk_bus_listen(p_env.bus, &config, &error), 0);
	CU_ASSERT_EQUAL(chmod(path, 0666), 0);
}

void p_stop(void)
{
	free(address);
	b_stop(&p_env);
}

const char *p_socket(void)
{
	return address;
}

unsigned p_count(void)
{
	const struct mk_bus_peer *peer;
	unsigned n = 0;

	TAILQ_FOREACH(peer, &p_env.bus->peers, entry)
		n++;
	return n;
}

void p_wait(unsigned n)
{
	B_WAIT(&p_env, p_count() == n);
}

sd_bus *p_connect(bool hello)
{
	sd_bus *bus = NULL;

	CU_ASSERT_FATAL(sd_bus_new(&bus) >= 0);
	CU_ASSERT(sd_bus_set_address(bus, address) >= 0);
	CU_ASSERT(sd_bus_set_bus_client(bus, hello) >= 0);
	CU_ASSERT_FATAL(sd_bus_start(bus) >= 0);
	CU_ASSERT(sd_bus_attach_event(bus, p_env.event, 0) >= 0);
	return bus;
}

sd_bus *p_connect_as(uid_t uid, gid_t gid)
{
	sd_bus *bus;

	b_become(uid, gid);
	bus = p_connect(true);
	b_become(0, 0);
	return bus;
}

int p_raw(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(fd >= 0);
	strncpy(sa.sun_path, address + strlen("unix:path="), sizeof(sa.sun_path) - 1);
	CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	CU_ASSERT(fcntl(fd, F_SETFL, O_NONBLOCK) >= 0);
	return fd;
}

int p_raw_as(uid_t uid, gid_t gid)
{
	int fd;

	b_become(uid, gid);
	fd = p_raw();
	b_become(0, 0);
	return fd;
}

bool p_at_end(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, MSG_PEEK);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

void p_wait_for_end(int fd)
{
	B_WAIT(&p_env, p_at_end(fd));
	close(fd);
}

sd_bus_message *p_call(sd_bus *peer, const char *destination, const char *path,
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
	return b_send(&p_env, peer, m);
}

void p_hold(sd_bus *peer, unsigned n, unsigned *replies)
{
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT_FATAL(sd_bus_call_method_async(peer, NULL, B_NAME, B_ROOT, B_TEST, "Hold",
							 p_on_reply, replies, NULL) >= 0);
}

void p_wait_held(size_t n)
{
	B_WAIT(&p_env, p_env.root.n_held >= n);
}

void p_drop_held(void)
{
	while (p_env.root.n_held > 0)
		mk_call_unref(p_env.root.held[--p_env.root.n_held]);
}

void p_expect_alive(sd_bus *peer)
{
	b_expect_json(P_ROOT(peer, "EchoS", "s", "x"), "[\"x\"]");
}

int p_on_reply(sd_bus_message *m, void *data, sd_bus_error *error)
{
	++*(unsigned *)data;
	return 0;
}

static int on_signal(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct p_listener *l = data;
	const char *name = "";

	if (!sd_bus_message_is_signal(m, B_TEST, "Poked"))
		return 0;
	l->n++;
	l->n_bad += !streq(str_or_empty(sd_bus_message_get_sender(m)), ":1.0");
	CU_ASSERT(sd_bus_message_read(m, "s", &name) > 0);
	l->no_more = l->no_more || streq(name, "end");
	return 0;
}

void p_listen(struct p_listener *l, bool hello)
{
	memset(l, 0, sizeof(*l));
	l->bus = p_connect(hello);
	CU_ASSERT(sd_bus_add_filter(l->bus, NULL, on_signal, l) >= 0);
	p_expect_alive(l->bus);
}

void p_poke(const char *name)
{
	json_object *args = json_object_new_array();

	json_object_array_add(args, json_object_new_string(name));
	json_object_array_add(args, json_object_new_object());
	mk_bus_object_signal(p_env.root.bus, B_TEST, "Poked", args);
	mk_bus_flush(p_env.bus);
}
