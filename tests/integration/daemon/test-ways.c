/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves the ways to reach the real daemon without CloudStack: the private socket as systemd passes it, with the usual
 * D-Bus clients, and with no bus at all, a late one, or no way in.
 */

#include "ways-env.h"

#include <sys/wait.h>
#include <sysexits.h>

#define PEER    "--address=unix:path=$DIR/sock "
#define MANAGER A_NAME " " A_PATH " " A_NAME " "
#define GET     "get-property " MANAGER "Version"
#define STATUS  "get-property " MANAGER "Status"

static struct ways a;

/* The socket's mode keeps nobody out here: what does is the daemon. */
static void start_with_socket(const char *args)
{
	a_spawn(&a, A_SOCKET, args);
	CU_ASSERT_FATAL(a_wait_log(&a, "Listening on"));
	A_OK(&a, "", "chmod 666 $DIR/sock");
}

static void start(void)
{
	a_start(&a);
	start_with_socket("--no-bus");
}

/* ---- clients ------------------------------------------------------------------------------------------- */

/* The call that starts the daemon is answered. */
static void test_busctl(void)
{
	start();
	A_OK(&a, "s \"" PACKAGE_VERSION "\"", "busctl " PEER GET);
	A_OK(&a, "\"Class\" s \"test-vm\"", "busctl " PEER "call " MANAGER "ListClasses 'a{sv}' 0");
	A_OK(&a, ".DeleteVolume", "busctl " PEER "introspect " A_NAME " " A_PATH);
	A_OK(&a, A_PATH, "busctl " PEER "tree " A_NAME);
	A_OK(&a, A_PATH, "busctl " PEER "tree");
	A_OK(&a, ":1.0", "busctl " PEER "list");
	A_OK(&a, "PID=", "busctl " PEER "status " A_NAME);
	A_FAILS(&a, "has no method", "busctl " PEER "call " MANAGER "Nonsense");
	A_FAILS(&a, "no volume id", "busctl " PEER "call " MANAGER "GetVolume s 17");
	a_stop(&a);
}

static void test_other_tools(void)
{
	start();
	A_OK(&a, "variant       string \"" PACKAGE_VERSION "\"",
	     "dbus-send --peer=unix:path=$DIR/sock --print-reply " A_PATH
	     " org.freedesktop.DBus.Properties.Get string:" A_NAME " string:Version");
	A_OK(&a, "sender=:1.0 -> destination=:1.",
	     "dbus-send --bus=unix:path=$DIR/sock --print-reply --dest=" A_NAME " " A_PATH
	     " org.freedesktop.DBus.Properties.GetAll string:" A_NAME);
	A_OK(&a, "interface " A_NAME " {",
	     "gdbus introspect --address unix:path=$DIR/sock -d " A_NAME " -o " A_PATH);
	A_OK(&a, "'Available': <true>",
	     "gdbus call --address unix:path=$DIR/sock -d " A_NAME " -o " A_PATH " -m " A_NAME
	     ".ListClasses {}");
	a_stop(&a);
}

/* Both kinds of dbus-python's connections; a signal for each, asked for with and without a name. */
static void test_python(void)
{
	start();
	A_OK(&a, "done 2",
	     "cat >$DIR/client.py <<'end'\n"
	     "import os, dbus, dbus.bus, dbus.connection, dbus.mainloop.glib\n"
	     "from gi.repository import GLib\n"
	     "dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)\n"
	     "address = 'unix:path=' + os.environ['DIR'] + '/sock'\n"
	     "name, path = '" A_NAME "', '" A_PATH "'\n"
	     "loop = GLib.MainLoop()\n"
	     "done = 0\n"
	     "def on_added(which, interfaces):\n"
	     "    assert name + '.Operation' in interfaces\n"
	     "    loop.quit()\n"
	     "for c in (dbus.connection.Connection, dbus.bus.BusConnection):\n"
	     "    c = c(address)\n"
	     "    manager = dbus.Interface(c.get_object(name, path), name)\n"
	     "    c.add_signal_receiver(on_added, 'InterfacesAdded', path=path)\n"
	     "    operation = manager.Reconcile({'token': 'python%%d' %% done})\n"
	     "    assert operation == path + '/operation/python%%d' %% done\n"
	     "    GLib.timeout_add_seconds(60, loop.quit)\n"
	     "    loop.run()\n"
	     "    done += 1\n"
	     "print('done', done)\n"
	     "end\n"
	     "/usr/bin/python3 $DIR/client.py");
	a_stop(&a);
}

static void test_many_clients(void)
{
	start();
	A_OK(&a, "done 30",
	     "for i in $(seq 30); do\n"
	     "	busctl " PEER GET " >$DIR/out$i 2>&1 &\n"
	     "done; wait\n"
	     "echo done $(cat $DIR/out* | grep -c '^s \"" PACKAGE_VERSION "\"')");
	a_stop(&a);
}

/* ---- users ---------------------------------------------------------------------------------------------- */

static void test_users(void)
{
	if (geteuid() != 0) {
		tap_skip("only root can be others");
		return;
	}

	start();
	A_OK(&a, "s \"", A_MEMBER "busctl " PEER GET);
	A_OK(&a, "s \"", A_SUPPLEMENT "busctl " PEER GET);
	A_OK(&a, "s \"", "busctl " PEER GET);
	A_FAILS(&a, "", A_STRANGER "busctl " PEER GET);
	CU_ASSERT(a_wait_log(&a, "refused a connection of user 65534"));
	/* whoever may connect may do everything, in its own name */
	A_OK(&a, "operation/mine",
	     A_SUPPLEMENT "busctl " PEER "call " MANAGER "Reconcile 'a{sv}' 1 token s mine");
	A_OK(&a, "u 65534",
	     "busctl " PEER "get-property " A_NAME " " A_PATH "/operation/mine " A_NAME
	     ".Operation Caller");
	a_stop(&a);
}

/* The daemon's own user needs no group. */
static void test_own_user(void)
{
	if (geteuid() != 0) {
		tap_skip("only root can be others");
		return;
	}

	start();
	A_OK(&a, "s \"",
	     "setpriv --reuid=" A_USER " --regid=65534 --clear-groups busctl " PEER GET);
	A_OK(&a, "s \"", "busctl " PEER GET);
	A_FAILS(&a, "", A_STRANGER "busctl " PEER GET);
	a_stop(&a);
}

/* 200 connections that say nothing, and clients that come and go in between. */
static void test_silent(void)
{
	if (geteuid() != 0) {
		tap_skip("only root can be others");
		return;
	}

	start();
	A_OK(&a, "served 2",
	     "cat >$DIR/silent.py <<'end'\n"
	     "import os, socket, subprocess\n"
	     "path = os.environ['DIR'] + '/sock'\n"
	     "silent = []\n"
	     "for i in range(200):\n"
	     "    s = socket.socket(socket.AF_UNIX)\n"
	     "    s.connect(path)\n"
	     "    silent.append(s)\n"
	     "n = 0\n"
	     "for who in ('" A_MEMBER "', '" A_SUPPLEMENT "'):\n"
	     "    command = who + 'busctl --address=unix:path=' + path + ' " GET "'\n"
	     "    n += subprocess.run(command.split(), stdout=subprocess.DEVNULL).returncode == 0\n"
	     "print('served', n)\n"
	     "end\n"
	     "/usr/bin/python3 $DIR/silent.py");
	CU_ASSERT(a_wait_log(&a, "its user has too many connections"));
	a_stop(&a);
}

/* A client that asks and never reads holds up nobody, nor the daemon's end. */
static void test_end_with_slow_client(void)
{
	start();
	A_OK(&a, "s \"",
	     "cat >$DIR/slow.py <<'end'\n"
	     "import os, socket\n"
	     "s = socket.socket(socket.AF_UNIX)\n"
	     "s.connect(os.environ['DIR'] + '/sock')\n"
	     "s.sendall(b'\\0AUTH EXTERNAL\\r\\nDATA\\r\\nBEGIN\\r\\n')\n"
	     "path, interface = b'/', b'org.freedesktop.DBus.Introspectable'\n"
	     "def field(code, kind, value):\n"
	     "    f = bytes([code, 1]) + kind + b'\\0' + len(value).to_bytes(4, 'little') + value "
	     "+ b'\\0'\n"
	     "    return f + bytes(-len(f) %% 8)\n"
	     "fields = field(1, b'o', b'" A_PATH
	     "') + field(2, b's', interface) + field(3, b's', b'Introspect')\n"
	     "body = fields.rstrip(b'\\0') + b'\\0'\n"
	     "call = b'l\\1\\0\\1' + bytes(4) + (1).to_bytes(4, 'little') + len(body).to_bytes(4, "
	     "'little') + body\n"
	     "call += bytes(-len(call) %% 8)\n"
	     "s.setblocking(False)\n"
	     "try:\n"
	     "    while True:\n"
	     "        s.send(call * 100)\n"
	     "except BlockingIOError:\n"
	     "    print('full', flush=True)\n"
	     "    os.kill(os.getpid(), 19)\n"
	     "end\n"
	     "mkfifo $DIR/slow; /usr/bin/python3 $DIR/slow.py >$DIR/slow &\n"
	     "read -r word <$DIR/slow && test $word = full && busctl " PEER GET);
	a_stop(&a);
}

/* What callers that have gone were waiting for is not held for them: more of it than is held for all. */
static void test_waits_of_the_gone(void)
{
	start();
	A_OK(&a, "running",
	     "cat >$DIR/waits.py <<'end'\n"
	     "import os, dbus, dbus.connection, dbus.lowlevel\n"
	     "address = 'unix:path=' + os.environ['DIR'] + '/sock'\n"
	     "name, path = '" A_NAME "', '" A_PATH "'\n"
	     "for i in range(8):\n"
	     "    c = dbus.connection.Connection(address)\n"
	     "    manager = dbus.Interface(c.get_object(name, path, introspect=False), name)\n"
	     "    operation = manager.Reconcile(dbus.Dictionary({'token': 'stuck'}, 'sv'))\n"
	     "    for k in range(100):\n"
	     "        m = dbus.lowlevel.MethodCallMessage(name, operation, name + '.Operation', "
	     "'Wait')\n"
	     "        m.append(600000000, signature='t')\n"
	     "        c.send_message(m)\n"
	     "    manager.ListClasses(dbus.Dictionary({}, 'sv'))\n"
	     "    c.close()\n"
	     "end\n"
	     "/usr/bin/python3 $DIR/waits.py &&\n"
	     "busctl " PEER "call " A_NAME " " A_PATH "/operation/stuck " A_NAME
	     ".Operation Wait t 0");
	a_stop(&a);
}

/* ---- one who takes all -------------------------------------------------------------------------------------- */

#define ON_OPERATION A_NAME " " A_PATH "/operation/stuck " A_NAME ".Operation "
#define WAIT         "call " ON_OPERATION "Wait t "

/* More calls that wait, on more connections, than are held for a user, until a line comes. */
static const char taker[] =
	"import sys, dbus, dbus.bus, dbus.lowlevel\n"
	"name, path = '" A_NAME "', '" A_PATH "'\n"
	"kept = []\n"
	"for i in range(5):\n"
	"    c = dbus.bus.BusConnection(sys.argv[1])\n"
	"    kept.append(c)\n"
	"    for k in range(127):\n"
	"        m = dbus.lowlevel.MethodCallMessage(name, path + '/operation/stuck', name + "
	"'.Operation', 'Wait')\n"
	"        m.append(600000000, signature='t')\n"
	"        c.send_message(m)\n"
	"    manager = dbus.Interface(c.get_object(name, path, introspect=False), name)\n"
	"    manager.ListClasses(dbus.Dictionary({}, 'sv'))\n"
	"print('full', flush=True)\n"
	"sys.stdin.readline()\n";

static void expect_room_for_others(const char *way)
{
	A_OK(&a, "operation/stuck",
	     A_MEMBER "busctl %s call " MANAGER "Reconcile 'a{sv}' 1 token s stuck", way);
	A_OK(&a, "full",
	     "rm -f $DIR/go $DIR/full; mkfifo $DIR/go $DIR/full; exec 3<>$DIR/go\n" A_MEMBER
	     "/usr/bin/python3 $DIR/taker.py $(echo %s | cut -d= -f2-) <&3 >$DIR/full 2>&1 &\n"
	     "read -r line <$DIR/full; echo $line",
	     way);
	A_OK(&a, "s \"", "busctl %s " GET, way);
	A_OK(&a, "running", "busctl %s " WAIT "1000", way);
	A_OK(&a, "running", A_SUPPLEMENT "busctl %s " WAIT "1000", way);

	A_FAILS(&a, "256 calls of this user wait for an answer already",
		A_MEMBER "busctl %s " WAIT "1000", way);
	A_OK(&a, "running", A_MEMBER "busctl %s " WAIT "0", way);
	A_OK(&a, "s \"", A_MEMBER "busctl %s " GET, way);
	A_OK(&a, "", A_MEMBER "busctl %s call " ON_OPERATION "Cancel", way);
	A_FAILS(&a, "", "busctl %s " WAIT "60000000", way);
}

static void expect_room_again(const char *way)
{
	A_OK(&a, "operation/again",
	     A_MEMBER "busctl %s call " MANAGER "Reconcile 'a{sv}' 1 token s again", way);
	A_OK(&a, "running",
	     A_MEMBER "busctl %s call " A_NAME " " A_PATH "/operation/again " A_NAME
		      ".Operation Wait t 1000",
	     way);
	A_OK(&a, "", "echo >$DIR/go");
}

static void test_waits_of_one_user(void)
{
	static const char *const ways[] = { "--address=unix:path=$DIR/sock", "--address=$BUS" };

	if (geteuid() != 0) {
		tap_skip("only root can be others");
		return;
	}

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		a_start(&a);
		a_start_bus(&a);
		start_with_socket("--bus-address=$BUS");
		A_OK(&a, "s \"", "busctl " PEER GET);
		CU_ASSERT(a_wait_log(&a, "serving " A_NAME));
		A_OK(&a, "", "cat >$DIR/taker.py <<'end'\n%send\n", taker);
		expect_room_for_others(ways[i]);
		expect_room_again(ways[i]);
		a_stop(&a);
	}
}

/* ---- starts ------------------------------------------------------------------------------------------------ */

static void expect_end(int code)
{
	int status = a_wait_end(&a);

	CU_ASSERT(WIFEXITED(status));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), code);
	a_stop(&a);
}

static void test_bus_is_missing(void)
{
	a_start(&a);
	start_with_socket("--bus-address=unix:path=/nonexistent/bus");
	A_OK(&a, "serving the private socket alone: cannot connect to the bus",
	     "busctl " PEER STATUS);
	CU_ASSERT(a_wait_log(&a, "serving the private socket alone"));
	a_stop(&a);
}

/* First there is something that never answers: who uses the socket does not notice. Then a bus. */
static void test_bus_comes_late(void)
{
	if (geteuid() != 0) {
		tap_skip("the bus gives the name to another user only");
		return;
	}

	a_start(&a);
	start_with_socket("--bus-address=$BUS");
	A_OK(&a, "private socket alone", "busctl " PEER STATUS);
	A_OK(&a, "asked",
	     "cat >$DIR/silent.py <<'end'\n"
	     "import os, socket\n"
	     "s = socket.socket(socket.AF_UNIX)\n"
	     "s.bind(os.environ['DIR'] + '/bus')\n"
	     "os.chmod(os.environ['DIR'] + '/bus', 0o666)\n"
	     "s.listen()\n"
	     "c = s.accept()\n"
	     "print('asked', flush=True)\n"
	     "os.kill(os.getpid(), 19)\n"
	     "end\n"
	     "mkfifo $DIR/word; /usr/bin/python3 $DIR/silent.py >$DIR/word & pid=$!\n"
	     "read -r word <$DIR/word && busctl --timeout=10 " PEER STATUS " && echo $word\n"
	     "kill -9 $pid; rm $DIR/bus");
	a_start_bus(&a);
	CU_ASSERT_FATAL(a_wait_log(&a, "the bus is there: serving it too"));
	A_OK(&a, "s \"" PACKAGE_VERSION "\"", "busctl --address=$BUS " GET);
	A_OK(&a, "operation/late",
	     "busctl --address=$BUS call " MANAGER "Reconcile 'a{sv}' 1 token s late");
	A_FAILS(&a, "denied", A_STRANGER "busctl --address=$BUS " GET);
	A_OK(&a, "status", "busctl " PEER STATUS " | grep -v alone && echo status");

	/* and it is missed as one that was there from the start */
	a_stop_bus(&a);
	CU_ASSERT(a_wait_log(&a, "lost the connection to the bus"));
	expect_end(EXIT_FAILURE);
}

static void expect_no_start(const char *args, const char *text, int code)
{
	a_start(&a);
	a_spawn(&a, "", args);
	CU_ASSERT(a_wait_log(&a, text));
	expect_end(code);
}

static void test_no_way_in(void)
{
	expect_no_start("--no-bus", "nobody could call", EX_CONFIG);
	/* a bus may come */
	expect_no_start("--bus-address=unix:path=/nonexistent/bus", "cannot connect to the bus",
			EXIT_FAILURE);
}

/* Anything else than one listening stream socket is a mistake in a unit. */
static void test_wrong_descriptors(void)
{
	a_start(&a);
	a_spawn(&a, A_SOCKET "-l $DIR/second ", "--no-bus");
	CU_ASSERT_FATAL(a_wait_log(&a, "Listening on"));
	CU_ASSERT_FATAL(a_wait_log(&a, "second"));
	(void)a_sh(&a, "busctl " PEER GET);
	CU_ASSERT(a_wait_log(&a, "2 descriptors were passed"));
	expect_end(EX_CONFIG);

	a_start(&a);
	a_spawn(&a, "systemd-socket-activate --seqpacket -l $DIR/sock ", "--no-bus");
	CU_ASSERT_FATAL(a_wait_log(&a, "Listening on"));
	(void)a_sh(&a, "/usr/bin/python3 -c \"import os, socket;"
		       " s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET);"
		       " s.connect(os.environ['DIR'] + '/sock')\"");
	CU_ASSERT(a_wait_log(&a, "1 descriptors were passed"));
	expect_end(EX_CONFIG);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "busctl", test_busctl },
		{ "other-tools", test_other_tools },
		{ "python", test_python },
		{ "many-clients", test_many_clients },
		{ "users", test_users },
		{ "own-user", test_own_user },
		{ "silent", test_silent },
		{ "waits-of-the-gone", test_waits_of_the_gone },
		{ "waits-of-one-user", test_waits_of_one_user },
		{ "end-with-slow-client", test_end_with_slow_client },
		{ "bus-is-missing", test_bus_is_missing },
		{ "bus-comes-late", test_bus_comes_late },
		{ "no-way-in", test_no_way_in },
		{ "wrong-descriptors", test_wrong_descriptors },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "ways", NULL, NULL, tests);
}
