/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves the rights of real users on a bus with the shipped policy, and with a real polkitd with the shipped actions
 * and rules. The real daemon runs as an unprivileged user. Only the annotation org.freedesktop.policykit.owner of the
 * shipped actions lets it ask polkit about other users. Needs root.
 */

#include "ways-env.h"

#include <signal.h>

#define ON_BUS  "busctl --address=$BUS --allow-interactive-authorization=no "
#define MANAGER A_NAME " " A_PATH " " A_NAME " "
#define GET     ON_BUS "get-property " MANAGER "Version"
#define VOLUME  "99999999-9999-4999-8999-999999999999 "

/* Each of these is refused for what it asks, not for who asks it: the caller has passed. */
#define LIST   ON_BUS "call " MANAGER "ListVolumes 'a{sv}' 0"
#define DETACH ON_BUS "call " MANAGER "DetachVolume 'sa{sv}' " VOLUME "0"
#define FORCE  ON_BUS "call " MANAGER "DetachVolume 'sa{sv}' " VOLUME "1 force b true"
#define DELETE ON_BUS "call " MANAGER "DeleteVolume 'sa{sv}' " VOLUME "0"
#define ATTACH ON_BUS "call " MANAGER "AttachVolume 'sssa{sv}' oma 17 '' 0"
#define CREATE ON_BUS "call " MANAGER "CreateVolume 'ssta{sv}' oma '' 1 0"

#define STANDARD(path)   ON_BUS "call " A_NAME " " path " org.freedesktop.DBus."
#define PING(path)       STANDARD(path) "Peer Ping"
#define INTROSPECT(path) STANDARD(path) "Introspectable Introspect"

static struct ways a;

static bool start(bool with_polkit)
{
	if (geteuid() != 0) {
		tap_skip("only root can be others");
		return false;
	}

	a_start(&a);
	a_start_bus(&a);
	if (with_polkit && !a_start_polkit(&a)) {
		a_stop(&a);
		return false;
	}

	a_spawn(&a, "", "--bus-address=$BUS");
	CU_ASSERT_FATAL(a_wait_log(&a, "serving " A_NAME));
	return true;
}

static void expect_everything(const char *as)
{
	A_OK(&a, "s \"" PACKAGE_VERSION "\"", "%s" GET, as);
	A_OK(&a, "aa{sv} 0", "%s" LIST, as);
	A_FAILS(&a, "no volume id", "%s" ON_BUS "call " MANAGER "GetVolume s 17", as);
	A_FAILS(&a, "is not managed here", "%s" DETACH, as);
	A_FAILS(&a, "is not managed here", "%s" FORCE, as);
	A_FAILS(&a, "is not managed here", "%s" DELETE, as);
	A_FAILS(&a, "'17'", "%s" ATTACH, as);
	A_FAILS(&a, "name", "%s" CREATE, as);
}

static void test_root(void)
{
	if (!start(true))
		return;
	expect_everything("");
	a_stop(&a);
}

/* The shipped rule: members are not asked for a password. */
static void test_member(void)
{
	if (!start(true))
		return;
	expect_everything(A_MEMBER);
	a_stop(&a);
}

/* An operation's id is the token of whoever asked for it, a volume's is its UUID: what the pages above them list. */
static void expect_no_ids(void)
{
	static const char *const open[] = { "/", "/org", "/org/migratekit", A_PATH };
	static const char *const closed[] = { "/operation", "/operation/customer_acme",
					      "/operation/guess", "/volume", "/volume/guess" };

	A_OK(&a, "customer_acme",
	     ON_BUS "call " MANAGER "Reconcile 'a{sv}' 1 token s customer_acme");
	A_OK(&a, "customer_acme", ON_BUS "tree " A_NAME);
	A_OK(&a, "customer_acme", A_MEMBER ON_BUS "tree " A_NAME);
	A_OK(&a, A_PATH,
	     A_STRANGER ON_BUS "tree " A_NAME
			       " >$DIR/tree 2>&1; cat $DIR/tree; ! grep acme $DIR/tree");
	for (size_t i = 0; i < ARRAY_SIZE(open); i++)
		A_OK(&a, "<node>", A_STRANGER INTROSPECT("%s"), open[i]);
	for (size_t i = 0; i < ARRAY_SIZE(closed); i++)
		A_FAILS(&a, "Access denied", A_STRANGER INTROSPECT(A_PATH "%s"), closed[i]);
	/* libdbus answers for all paths alike, whether there is something or not */
	A_OK(&a, "", A_STRANGER PING(A_PATH "/operation/customer_acme"));
	A_OK(&a, "", A_STRANGER PING(A_PATH "/operation/guess"));
}

static void test_stranger(void)
{
	static const char *const calls[] = { GET, LIST, DETACH, FORCE, DELETE, ATTACH, CREATE };

	if (!start(true))
		return;
	A_OK(&a, "DeleteVolume", A_STRANGER ON_BUS "introspect --xml-interface " A_NAME " " A_PATH);
	A_OK(&a, "", A_STRANGER PING(A_PATH));
	expect_no_ids();
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		A_FAILS(&a, "Access denied", A_STRANGER "%s", calls[i]);
	A_FAILS(&a, "Access denied", A_STRANGER STANDARD(A_PATH) "ObjectManager GetManagedObjects");
	/* it was the bus that refused: nothing of it came to us */
	(void)kill(a.daemon, SIGTERM);
	CU_ASSERT_EQUAL(a_wait_end(&a), 0);
	CU_ASSERT_PTR_NULL(strstr(a.log, "refused"));
	a_stop(&a);
}

/* Who has the group without being in it reaches us, and polkit wants a password from him. */
static void test_challenge(void)
{
	static const char *const calls[] = { GET, LIST, DETACH, FORCE, DELETE, ATTACH, CREATE };

	if (!start(true))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		A_FAILS(&a, "polkit would have to ask the user, which the call does not allow",
			A_SUPPLEMENT "%s", calls[i]);
	A_OK(&a, "<node>", A_SUPPLEMENT INTROSPECT(A_PATH));
	A_OK(&a, "operation/mine", ON_BUS "call " MANAGER "Reconcile 'a{sv}' 1 token s mine");
	A_FAILS(&a, "polkit would have to ask", A_SUPPLEMENT INTROSPECT(A_PATH "/operation"));
	A_FAILS(&a, "InteractiveAuthorizationRequired",
		A_SUPPLEMENT "dbus-send --bus=$BUS --print-reply --dest=" A_NAME " " A_PATH
			     " org.freedesktop.DBus.Properties.GetAll string:" A_NAME);
	A_FAILS(&a, "Access denied",
		A_SUPPLEMENT "busctl --address=$BUS call " MANAGER "ListVolumes 'a{sv}' 0");
	CU_ASSERT(
		a_wait_log(&a, "volume1.read: polkit would have to ask the user and has no agent"));
	a_stop(&a);
}

/* The administrator's rule comes first, action by action. */
static void test_own_rule(void)
{
	if (!start(true))
		return;
	A_OK(&a, "",
	     "cat >$DIR/new <<'end' && mv $DIR/new $DIR/rules/50-site.rules\n"
	     "polkit.addRule(function(action, subject) {\n"
	     "    if (action.id == 'org.migratekit.volume1.force' ||\n"
	     "        action.lookup('method') == 'CreateVolume')\n"
	     "        return polkit.Result.NO;\n"
	     "});\n"
	     "end\n");
	/* polkit would notice by itself, some time */
	a_stop_polkit(&a);
	if (!a_start_polkit(&a))
		return;
	A_FAILS(&a, "Access denied", A_MEMBER FORCE);
	CU_ASSERT(a_wait_log(&a, "refused DetachVolume to user 5"));
	CU_ASSERT(a_wait_log(&a, "volume1.force: polkit says no"));
	A_FAILS(&a, "Access denied", A_MEMBER CREATE);
	CU_ASSERT(a_wait_log(&a, "volume1.create: polkit says no"));
	A_FAILS(&a, "is not managed here", A_MEMBER DETACH);
	A_FAILS(&a, "is not managed here", FORCE); /* root is not asked for */
	a_stop(&a);
}

static void test_missing(void)
{
	if (!start(false))
		return;
	CU_ASSERT(a_wait_log(&a, "polkit is not installed"));
	expect_everything("");
	expect_everything(A_MEMBER);
	expect_everything(A_SUPPLEMENT); /* by what the process is */
	A_FAILS(&a, "Access denied", A_STRANGER LIST);
	a_stop(&a);
}

/* ---- the bus's policy ------------------------------------------------------------------------------------ */

static void test_name(void)
{
	static const char *const others[] = { "", A_MEMBER, A_STRANGER };

	if (geteuid() != 0) {
		tap_skip("only root can be others");
		return;
	}

	a_start(&a);
	a_start_bus(&a);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		A_FAILS(&a, "Access denied",
			"%s" ON_BUS "call org.freedesktop.DBus /org/freedesktop/DBus"
			" org.freedesktop.DBus RequestName su " A_NAME " 0",
			others[i]);
	a_stop(&a);
}

/* Waits for root's signal and says which of the daemon's it saw before. */
static const char listener[] =
	"import os, sys, dbus, dbus.bus, dbus.mainloop.glib\n"
	"from gi.repository import GLib\n"
	"dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)\n"
	"bus = dbus.bus.BusConnection(os.environ['BUS'])\n"
	"loop = GLib.MainLoop()\n"
	"seen = set()\n"
	"bus.add_signal_receiver(lambda *a, member: seen.add(str(member)),\n"
	"                        member_keyword='member', path='" A_PATH "')\n"
	"bus.add_signal_receiver(loop.quit, 'Done', 'org.example.Test')\n"
	"print('ready', flush=True)\n"
	"GLib.timeout_add_seconds(60, loop.quit)\n"
	"loop.run()\n"
	"print('saw', *sorted(seen))\n";

/* A signal goes to whoever is on the bus, unless the policy forbids it. */
static void expect_signals(const char *as, const char *text)
{
	A_OK(&a, text,
	     "rm -f $DIR/fifo; mkfifo $DIR/fifo; %s /usr/bin/python3 $DIR/listener.py >$DIR/fifo & "
	     "exec "
	     "3<$DIR/fifo\n"
	     "read -r word <&3; test \"$word\" = ready || exit 1\n" ON_BUS "call " MANAGER
	     "Reconcile 'a{sv}' 0 >/dev/null || exit 1\n" GET " >/dev/null || exit 1\n"
	     "dbus-send --bus=$BUS /test org.example.Test.Done\n"
	     "cat <&3",
	     as);
}

static void test_signals(void)
{
	if (!start(false))
		return;
	A_OK(&a, "", "cat >$DIR/listener.py <<'end'\n%send\n", listener);
	expect_signals("", "saw InterfacesAdded PropertiesChanged\n");
	expect_signals(A_MEMBER, "saw InterfacesAdded PropertiesChanged\n");
	expect_signals(A_STRANGER, "saw\n");
	a_stop(&a);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "root", test_root },
		{ "member", test_member },
		{ "L40-stranger", test_stranger },
		{ "challenge", test_challenge },
		{ "own-rule", test_own_rule },
		{ "missing", test_missing },
		{ "name", test_name },
		{ "signals", test_signals },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "polkit", NULL, NULL, tests);
}
