/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves who may call what, with the service of bus-env.h and a mock polkit on its bus. The mock grants, refuses,
 * demands authentication, fails, answers nonsense, hangs, or is missing. Needs root.
 */

#include "bus-env.h"
#include "bus/access.h"
#include "world.h"

#include <grp.h>

#define POLKIT   "org.freedesktop.PolicyKit1"
#define PATH     "/org/freedesktop/PolicyKit1/Authority"
#define ACTION   "org.migratekit.volume1."
#define B_ACCESS "org.example.Access"
#define OBJECT   B_ROOT "/access"
#define NOBODY   65534
#define OTHER    2       /* bin: the bus takes only users that it finds */
#define GROUP    "games" /* any group that every Debian has, and root and nobody are not in */
#define MISTRUST (60 * USEC_PER_SEC)

enum answer { GRANT, REFUSE, CHALLENGE, FAIL, NONSENSE, HANG };

static struct bus_env e;
static struct mk_access *access_control;
static struct mk_bus_object *object;
static unsigned n_ran; /* handlers */
static gid_t group;

static struct {
	sd_bus *bus; /* NULL: there is no polkit */
	enum answer answer;
	const char *refused;   /* this action, whatever the answer is */
	unsigned n, n_cancels; /* questions, cancellations */
	char actions[256];     /* all asked for, last parts only */
	char subject[64], action[64], method[64], id[64], cancelled[64];
	uint32_t flags;
	sd_bus_message *waiting; /* the newest that hangs */
} polkit;

/* ---- the service --------------------------------------------------------------------------------------- */

static void ran(struct mk_call *call, void *data)
{
	n_ran++;
	mk_call_reply(call, NULL);
}

static unsigned needs_force(const struct mk_call *call, void *data)
{
	json_object *options = json_object_array_get_idx(mk_call_args(call), 0);

	return mk_json_bool(options, "force", false) ? MK_NEEDS(MK_PRIVILEGE_FORCE) : 0;
}

static const struct mk_option options[] = { { "force", "b" }, { 0 } };

static const struct mk_bus_method methods[] = {
	{ "Read", "", "", "", "", ran },
	{ "Create", "", "", "", "", ran, .privilege = MK_PRIVILEGE_CREATE },
	{ "Attach", "", "", "", "", ran, .privilege = MK_PRIVILEGE_ATTACH },
	{ "Detach", "a{sv}", "options", "", "", ran, .options = options,
	  .privilege = MK_PRIVILEGE_DETACH, .also = needs_force },
	{ "Delete", "", "", "", "", ran, .privilege = MK_PRIVILEGE_DELETE },
	{ 0 },
};

static const struct mk_bus_interface interface = { .name = B_ACCESS, .methods = methods };
static const struct mk_bus_interface *const interfaces[] = { &interface };

static void on_authorize(struct mk_call *call, void *data)
{
	mk_access_authorize(access_control, call);
}

/* ---- polkit -------------------------------------------------------------------------------------------- */

static int reply_to(sd_bus_message *m, bool authorized, bool challenge)
{
	return sd_bus_reply_method_return(m, "(bba{ss})", authorized, challenge, 0);
}

static int answer_question(sd_bus_message *m)
{
	bool refused = polkit.refused && strstr(polkit.action, polkit.refused);

	switch (refused ? REFUSE : polkit.answer) {
	case GRANT:
		return reply_to(m, true, false);
	case REFUSE:
		return reply_to(m, false, false);
	case CHALLENGE:
		return reply_to(m, false, true);
	case FAIL:
		return sd_bus_reply_method_errorf(m, POLKIT ".Error.Failed", "no such subject");
	case NONSENSE:
		return sd_bus_reply_method_return(m, "(sba{ss})", "yes", true, 0);
	case HANG:
		sd_bus_message_unref(polkit.waiting);
		polkit.waiting = sd_bus_message_ref(m);
		return 0;
	}
	return 0;
}

static int on_check(sd_bus_message *m)
{
	const char *kind = "", *key = "", *name = "", *action = "", *id = "", *method = "";

	CU_ASSERT(sd_bus_message_has_signature(m, "(sa{sv})sa{ss}us"));
	CU_ASSERT(sd_bus_message_read(m, "(sa{sv})sa{ss}us", &kind, 1, &key, "s", &name, &action, 1,
				      &key, &method, &polkit.flags, &id) > 0);
	CU_ASSERT_STRING_EQUAL(kind, "system-bus-name");
	CU_ASSERT_STRING_EQUAL(key, "method");
	polkit.n++;
	snprintf(polkit.subject, sizeof(polkit.subject), "%s", name);
	snprintf(polkit.action, sizeof(polkit.action), "%s", action);
	snprintf(polkit.method, sizeof(polkit.method), "%s", method);
	snprintf(polkit.id, sizeof(polkit.id), "%s", id);
	CU_ASSERT(starts_with(action, ACTION));
	strncat(polkit.actions, " ", sizeof(polkit.actions) - strlen(polkit.actions) - 1);
	strncat(polkit.actions, action + strlen(ACTION),
		sizeof(polkit.actions) - strlen(polkit.actions) - 1);
	return answer_question(m);
}

static int on_polkit(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const char *id = "";

	if (sd_bus_message_is_method_call(m, POLKIT ".Authority", "CheckAuthorization")) {
		CU_ASSERT(on_check(m) >= 0);
		return 1;
	}
	if (sd_bus_message_is_method_call(m, POLKIT ".Authority", "CancelCheckAuthorization")) {
		CU_ASSERT(sd_bus_message_read(m, "s", &id) > 0);
		polkit.n_cancels++;
		snprintf(polkit.cancelled, sizeof(polkit.cancelled), "%s", id);
		return sd_bus_reply_method_return(m, "");
	}
	return 0;
}

static void start_polkit(enum answer answer)
{
	polkit.bus = b_connect(&e);
	polkit.answer = answer;
	CU_ASSERT(sd_bus_add_object(polkit.bus, NULL, PATH, on_polkit, NULL) >= 0);
	CU_ASSERT(sd_bus_request_name(polkit.bus, POLKIT, 0) >= 0);
}

static void stop_polkit(void)
{
	polkit.waiting = sd_bus_message_unref(polkit.waiting);
	polkit.bus = sd_bus_close_unref(polkit.bus);
}

/* ---- the callers ------------------------------------------------------------------------------------------ */

static sd_bus *connect_as(uid_t uid, gid_t gid)
{
	return b_connect_as(&e, uid, gid);
}

static sd_bus_message *message(sd_bus *from, const char *member)
{
	sd_bus_message *m = NULL;

	CU_ASSERT_FATAL(
		sd_bus_message_new_method_call(from, &m, B_NAME, OBJECT, B_ACCESS, member) >= 0);
	return m;
}

static sd_bus_message *call(sd_bus *from, const char *member)
{
	return b_send(&e, from, message(from, member));
}

static sd_bus_message *call_interactive(sd_bus *from, const char *member)
{
	sd_bus_message *m = message(from, member);

	CU_ASSERT(sd_bus_message_set_allow_interactive_authorization(m, true) >= 0);
	return b_send(&e, from, m);
}

static sd_bus_message *detach(sd_bus *from, bool force)
{
	sd_bus_message *m = message(from, "Detach");

	CU_ASSERT(sd_bus_message_append(m, "a{sv}", 1, "force", "b", force) >= 0);
	return b_send(&e, from, m);
}

static void expect_ok(sd_bus_message *reply)
{
	b_expect_json(reply, "[]");
}

static void expect_denied(sd_bus_message *reply, const char *text)
{
	b_expect_error(reply, B_ERR "AccessDenied", text);
}

struct later {
	sd_bus_message *reply;
	bool done;
};

static int on_later(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct later *l = data;

	CU_ASSERT(!l->done);
	l->reply = sd_bus_message_ref(m);
	l->done = true;
	return 0;
}

/* Calls, and comes back when polkit is thinking about it. */
static void call_later(sd_bus *from, const char *member, struct later *l)
{
	sd_bus_message *m = message(from, member);
	unsigned n = polkit.n;

	memset(l, 0, sizeof(*l));
	CU_ASSERT_FATAL(sd_bus_call_async(from, NULL, m, on_later, l, MISTRUST) >= 0);
	sd_bus_message_unref(m);
	B_WAIT(&e, polkit.n > n);
}

static sd_bus_message *wait_later(struct later *l)
{
	CU_ASSERT_FATAL(b_run_until(&e, &l->done));
	return l->reply;
}

static void wait_for_cancel(void)
{
	B_WAIT(&e, polkit.n_cancels > 0);
	CU_ASSERT_EQUAL(polkit.n_cancels, 1);
	CU_ASSERT_STRING_EQUAL(polkit.cancelled, polkit.id);
}

/* ---- life --------------------------------------------------------------------------------------------------- */

static void start_with(uint64_t limit)
{
	struct mk_access_config config = { .group = GROUP, .limit = limit };

	memset(&polkit, 0, sizeof(polkit));
	n_ran = 0;
	b_start(&e);
	config.event = e.event;
	CU_ASSERT_EQUAL_FATAL(mk_access_new(&config, &access_control), 0);
	e.bus->callbacks.authorize = on_authorize;
	mk_access_start(access_control, e.bus);
	CU_ASSERT_EQUAL_FATAL(mk_bus_object_add(e.bus, OBJECT, interfaces, 1, NULL, &object), 0);
	group = mk_access_group(access_control);
	CU_ASSERT_NOT_EQUAL(group, (gid_t)-1);
}

static void start(void)
{
	start_with(MISTRUST);
}

static void stop(void)
{
	access_control = mk_access_free(access_control);
	stop_polkit();
	b_stop(&e);
}

/* ---- answers -------------------------------------------------------------------------------------------------- */

static void test_root(void)
{
	start();
	start_polkit(REFUSE);
	expect_ok(call(e.client, "Delete"));
	expect_ok(detach(e.client, true));
	CU_ASSERT_EQUAL(polkit.n, 0);
	CU_ASSERT_EQUAL(n_ran, 2);
	stop();
}

static void test_granted(void)
{
	const char *name = NULL;
	sd_bus *c;

	start();
	start_polkit(GRANT);
	c = connect_as(NOBODY, NOBODY);
	expect_ok(call(c, "Delete"));
	CU_ASSERT_EQUAL(n_ran, 1);
	CU_ASSERT(sd_bus_get_unique_name(c, &name) >= 0);
	CU_ASSERT_STRING_EQUAL(polkit.subject, str_or_empty(name));
	CU_ASSERT_STRING_EQUAL(polkit.action, ACTION "delete");
	CU_ASSERT_STRING_EQUAL(polkit.method, "Delete");
	CU_ASSERT_EQUAL(polkit.flags, 0);
	CU_ASSERT(*polkit.id != '\0');
	/* nothing is remembered */
	polkit.answer = REFUSE;
	expect_denied(call(c, "Delete"), "polkit says no");
	CU_ASSERT_EQUAL(polkit.n, 2);
	sd_bus_close_unref(c);
	stop();
}

static void test_actions(void)
{
	sd_bus *c;

	start();
	start_polkit(GRANT);
	c = connect_as(NOBODY, NOBODY);
	expect_ok(call(c, "Read"));
	expect_ok(call(c, "Create"));
	expect_ok(call(c, "Attach"));
	expect_ok(detach(c, false));
	expect_ok(call(c, "Delete"));
	CU_ASSERT_STRING_EQUAL(polkit.actions, " read create attach detach delete");
	*polkit.actions = '\0';
	expect_ok(detach(c, true));
	CU_ASSERT_STRING_EQUAL(polkit.actions, " detach force");
	CU_ASSERT_EQUAL(n_ran, 6);
	sd_bus_close_unref(c);
	stop();
}

/* Both are needed. */
static void test_force(void)
{
	sd_bus *c;

	start();
	start_polkit(GRANT);
	c = connect_as(NOBODY, NOBODY);
	polkit.refused = "force";
	expect_denied(detach(c, true), ACTION "force");
	expect_ok(detach(c, false));
	polkit.refused = "detach";
	expect_denied(detach(c, true), ACTION "detach");
	CU_ASSERT_EQUAL(n_ran, 1);
	sd_bus_close_unref(c);
	stop();
}

static sd_bus_message *introspect(sd_bus *from, const char *path)
{
	sd_bus_message *m = NULL;

	CU_ASSERT_FATAL(sd_bus_message_new_method_call(from, &m, B_NAME, path,
						       DBUS_INTERFACE_INTROSPECTABLE,
						       "Introspect") >= 0);
	return b_send(&e, from, m);
}

/* The standard interfaces: what they tell of the objects is read; what the interfaces are is open. */
static void test_standard(void)
{
	static const char *const open[] = { "/", "/org", "/org/example", B_ROOT };
	sd_bus_message *m = NULL;
	sd_bus *c;

	start();
	start_polkit(REFUSE);
	c = connect_as(NOBODY, NOBODY);
	for (size_t i = 0; i < ARRAY_SIZE(open); i++) {
		m = introspect(c, open[i]);
		CU_ASSERT(!sd_bus_message_is_method_error(m, NULL));
		sd_bus_message_unref(m);
	}
	CU_ASSERT_EQUAL(polkit.n, 0);
	/* below the root names are ids */
	expect_denied(introspect(c, B_ROOT "/child"), ACTION "read");
	expect_denied(introspect(c, OBJECT), ACTION "read");

	m = NULL;
	CU_ASSERT(sd_bus_message_new_method_call(c, &m, B_NAME, B_ROOT, DBUS_INTERFACE_PROPERTIES,
						 "GetAll") >= 0);
	CU_ASSERT(sd_bus_message_append(m, "s", B_TEST) >= 0);
	expect_denied(b_send(&e, c, m), ACTION "read");
	m = NULL;
	CU_ASSERT(sd_bus_message_new_method_call(c, &m, B_NAME, B_ROOT, OBJECT_MANAGER_INTERFACE,
						 "GetManagedObjects") >= 0);
	expect_denied(b_send(&e, c, m), ACTION "read");
	sd_bus_close_unref(c);
	stop();
}

static void test_refused(void)
{
	static const struct {
		enum answer answer;
		const char *text;
	} cases[] = {
		{ REFUSE, "polkit says no" },
		{ FAIL, POLKIT ".Error.Failed" },
		{ NONSENSE, "not understood" },
	};
	sd_bus *c;

	start();
	start_polkit(REFUSE);
	/* a member of the group is asked for like anybody else */
	c = connect_as(NOBODY, group);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		polkit.answer = cases[i].answer;
		expect_denied(call(c, "Create"), cases[i].text);
		expect_denied(call_interactive(c, "Create"), cases[i].text);
	}
	CU_ASSERT_EQUAL(n_ran, 0);
	CU_ASSERT_EQUAL(polkit.n, 2 * ARRAY_SIZE(cases));
	sd_bus_close_unref(c);
	stop();
}

static void test_challenge(void)
{
	sd_bus *c;

	start();
	start_polkit(CHALLENGE);
	c = connect_as(NOBODY, NOBODY);
	b_expect_error(call(c, "Delete"), B_ERR "InteractiveAuthorizationRequired",
		       ACTION "delete");
	CU_ASSERT_EQUAL(polkit.flags, 0);
	expect_denied(call_interactive(c, "Delete"), "no agent");
	CU_ASSERT_EQUAL(polkit.flags, 1);
	CU_ASSERT_EQUAL(n_ran, 0);
	polkit.answer = GRANT; /* the user has typed the password */
	expect_ok(call_interactive(c, "Delete"));
	CU_ASSERT_EQUAL(n_ran, 1);
	sd_bus_close_unref(c);
	stop();
}

/* What is wrong with a call is said before anybody is asked. */
static void test_bad_call(void)
{
	sd_bus_message *m;
	sd_bus *c;

	start();
	start_polkit(GRANT);
	c = connect_as(NOBODY, NOBODY);
	m = message(c, "Delete");
	CU_ASSERT(sd_bus_message_append(m, "s", "x") >= 0);
	b_expect_error(b_send(&e, c, m), B_ERR "InvalidArgs", NULL);
	b_expect_error(call(c, "Missing"), B_ERR "UnknownMethod", NULL);
	CU_ASSERT_EQUAL(polkit.n, 0);
	sd_bus_close_unref(c);
	stop();
}

/* ---- no answer --------------------------------------------------------------------------------------------------- */

static void test_hangs(void)
{
	struct later l;
	sd_bus *c;

	start_with(200 * USEC_PER_MSEC);
	start_polkit(HANG);
	c = connect_as(NOBODY, NOBODY);
	call_later(c, "Create", &l);
	expect_ok(call(e.client, "Create")); /* nobody else waits */
	expect_denied(wait_later(&l), "in time");
	wait_for_cancel();
	CU_ASSERT_EQUAL(reply_to(polkit.waiting, true, false) >= 0, true); /* too late */
	polkit.answer = GRANT;
	expect_ok(call(c, "Create"));
	CU_ASSERT_EQUAL(n_ran, 2);
	CU_ASSERT_EQUAL(b_n_calls(&e), 0);
	sd_bus_close_unref(c);
	stop();
}

/* CVE-2021-3560: a caller that leaves while polkit decides has no rights at all. */
static void test_caller_leaves(void)
{
	struct later l;
	sd_bus *c;

	start();
	start_polkit(HANG);
	c = connect_as(NOBODY, NOBODY);
	call_later(c, "Delete", &l);
	CU_ASSERT_EQUAL(b_n_calls(&e), 1);
	sd_bus_close_unref(c);
	sd_bus_message_unref(l.reply);
	wait_for_cancel();
	CU_ASSERT_EQUAL(b_n_calls(&e), 0);
	CU_ASSERT(reply_to(polkit.waiting, true, false) >= 0);
	b_settle(&e);
	b_settle(&e);
	CU_ASSERT_EQUAL(n_ran, 0);
	stop();
}

static void test_polkit_leaves(void)
{
	struct later l;
	sd_bus *c;

	start();
	start_polkit(HANG);
	c = connect_as(NOBODY, group);
	call_later(c, "Create", &l);
	stop_polkit();
	expect_denied(wait_later(&l), "NoReply");
	CU_ASSERT_EQUAL(n_ran, 0);
	sd_bus_close_unref(c);
	stop();
}

/* The object goes while polkit decides: another one may have its path by now. */
static void test_object_leaves(void)
{
	struct later l;
	sd_bus *c;

	start();
	start_polkit(HANG);
	c = connect_as(NOBODY, NOBODY);
	call_later(c, "Create", &l);
	mk_bus_object_remove(object);
	CU_ASSERT(reply_to(polkit.waiting, true, false) >= 0);
	b_expect_error(wait_later(&l), B_ERR "UnknownObject", "no object");

	CU_ASSERT_EQUAL(mk_bus_object_add(e.bus, OBJECT, interfaces, 1, NULL, &object), 0);
	call_later(c, "Create", &l);
	mk_bus_object_remove(object);
	CU_ASSERT_EQUAL(mk_bus_object_add(e.bus, OBJECT, interfaces, 1, &e, &object), 0);
	CU_ASSERT(reply_to(polkit.waiting, true, false) >= 0);
	b_expect_error(wait_later(&l), B_ERR "UnknownObject", "replaced");
	CU_ASSERT_EQUAL(n_ran, 0);
	sd_bus_close_unref(c);
	stop();
}

static void test_end_while_asking(void)
{
	struct later l;
	sd_bus *c;

	start();
	start_polkit(HANG);
	c = connect_as(NOBODY, NOBODY);
	call_later(c, "Create", &l);
	access_control = mk_access_free(access_control);
	e.bus = mk_bus_close(e.bus);
	b_expect_error(wait_later(&l), B_OURS "Unavailable", "stopping");
	wait_for_cancel();
	CU_ASSERT_EQUAL(n_ran, 0);
	sd_bus_close_unref(c);
	stop();
}

/* A user whose questions hang takes only its own share, on however many connections. */
static void test_many(void)
{
	struct later l[MK_BUS_HELD_PER_USER_MAX];
	sd_bus *callers[3], *other;

	start();
	start_polkit(HANG);
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		callers[i] = connect_as(NOBODY, NOBODY);
	other = connect_as(OTHER, group);
	for (size_t i = 0; i < ARRAY_SIZE(l); i++)
		call_later(callers[i / MK_BUS_HELD_PER_CALLER_MAX], "Create", &l[i]);
	b_expect_error(call(callers[0], "Create"), B_ERR "LimitsExceeded", "of this connection");
	b_expect_error(call(callers[2], "Create"), B_ERR "LimitsExceeded", "of this user");
	polkit.answer = GRANT;
	expect_ok(call(other, "Create"));
	expect_ok(call(e.client, "Create"));
	stop_polkit();
	for (size_t i = 0; i < ARRAY_SIZE(l); i++)
		expect_denied(wait_later(&l[i]), NULL);
	CU_ASSERT_EQUAL(n_ran, 2);
	CU_ASSERT_EQUAL(b_n_calls(&e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		sd_bus_close_unref(callers[i]);
	sd_bus_close_unref(other);
	stop();
}

/* ---- no polkit ------------------------------------------------------------------------------------------------------ */

static void test_missing(void)
{
	sd_bus *stranger, *member;

	start();
	stranger = connect_as(NOBODY, NOBODY);
	member = connect_as(NOBODY, group);
	expect_ok(call(e.client, "Delete"));
	expect_ok(call(member, "Delete"));
	expect_ok(detach(member, true));
	CU_ASSERT_EQUAL(n_ran, 3);
	expect_denied(call(stranger, "Read"), "polkit is not installed");
	expect_denied(call_interactive(stranger, "Delete"), "polkit is not installed");
	CU_ASSERT_EQUAL(n_ran, 3);

	start_polkit(REFUSE); /* installed meanwhile: now it decides */
	expect_denied(call(member, "Delete"), "polkit says no");
	sd_bus_close_unref(stranger);
	sd_bus_close_unref(member);
	stop();
}

static void test_no_group(void)
{
	struct mk_access_config config = { .group = "no-such-group-here", .limit = MISTRUST };
	sd_bus *c;

	start();
	access_control = mk_access_free(access_control);
	config.event = e.event;
	CU_ASSERT_EQUAL_FATAL(mk_access_new(&config, &access_control), 0);
	CU_ASSERT_EQUAL(mk_access_group(access_control), (gid_t)-1);
	mk_access_start(access_control, e.bus);
	c = connect_as(NOBODY, group);
	expect_denied(call(c, "Read"), "polkit is not installed");
	expect_ok(call(e.client, "Read"));
	sd_bus_close_unref(c);
	stop();
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "root", test_root },
		{ "granted", test_granted },
		{ "actions", test_actions },
		{ "force", test_force },
		{ "standard", test_standard },
		{ "refused", test_refused },
		{ "challenge", test_challenge },
		{ "bad-call", test_bad_call },
		{ "hangs", test_hangs },
		{ "caller-leaves", test_caller_leaves },
		{ "polkit-leaves", test_polkit_leaves },
		{ "object-leaves", test_object_leaves },
		{ "end-while-asking", test_end_while_asking },
		{ "many", test_many },
		{ "missing", test_missing },
		{ "no-group", test_no_group },
		{ NULL, NULL },
	};

	if (geteuid() != 0) {
		puts("1..0 # SKIP only root can be others");
		return 0;
	}
	return tap_main(argc, argv, "access", NULL, NULL, tests);
}
