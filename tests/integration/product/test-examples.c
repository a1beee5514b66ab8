/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves that examples/volume.py, examples/go/volume.go and the busctl lines of README.md work as they are written. In
 * the world of failover-env.h.
 */

#include "child.h"
#include "integration/failover/failover-env.h"
#include "testbus.h"

#include <sys/wait.h>
#include <unistd.h>

#define GODBUS  "/usr/share/gocode/src/github.com/godbus/dbus"
#define RUNNING "66666666-6666-4666-8666-666666666666"

static struct world w;

/* What it wrote, "" after a failed assertion. The caller frees. */
static char *run(const char *const *argv, int exit_code)
{
	_cleanup_free_ char *bus =
		mk_strdup_printf("DBUS_SYSTEM_BUS_ADDRESS=%s", tb_address(w.bus));
	const char *const env[] = { bus, NULL };
	char *output = NULL;
	int status = child_run(argv, env, &output);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != exit_code)
		tap_note("%s: status 0x%x: %.2000s", argv[0], (unsigned)status,
			 str_or_empty(output));
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == exit_code);
	return output ? output : strdup("");
}

/* program: its words, without the arguments, NULL-terminated. */
static void check_program(const char *const *program)
{
	const char *argv[8] = { program[0], program[1] };
	const char **rest = program[1] ? argv + 2 : argv + 1;
	_cleanup_free_ char *made = NULL, *again = NULL, *dropped = NULL, *failed = NULL;
	char volume[64] = "", device[64] = "";

	memcpy(rest, ((const char *[]){ "new", "web01-disk0", "2", NULL }), 4 * sizeof(*rest));
	made = run(argv, 0);
	CU_ASSERT_EQUAL(sscanf(made, "%63s %63s", volume, device), 2);
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), "attached");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "Device"), device);

	again = run(argv, 0);
	CU_ASSERT_STRING_EQUAL(made, again);
	CU_ASSERT_EQUAL(w_executed(&w, "createVolume"), 1);

	memcpy(rest, ((const char *[]){ "drop", volume, NULL }), 3 * sizeof(*rest));
	dropped = run(argv, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(dropped, "dropped"));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), "");

	failed = run(argv, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(failed, W_ERROR "NotManaged"));
}

static void test_python(void)
{
	_cleanup_free_ char *script =
		mk_strdup_printf("%s/examples/volume.py", getenv("top_srcdir"));

	o_start(&w, NULL, NULL);
	check_program((const char *const[]){ "/usr/bin/python3", script, NULL });
	w_stop(&w);
}

/*
 * $1: source tree, $2: scratch directory. As the program's comment and the README say it; without network, with
 * Debian's copy of the library where go would download it.
 */
static const char build[] =
	"command='go mod tidy && go build'\n"
	"grep -q \"^//\t$command\\$\" \"$1/examples/go/volume.go\"\n"
	"grep -q \"\\`$command\\`\" \"$1/README.md\"\n"
	"name=github.com/godbus/dbus/v5@v5.1.0; proxy=$2/proxy/github.com/godbus/dbus/v5/@v\n"
	"mkdir -p \"$proxy\" \"$2/zip/${name%/*}\"; cp -rL " GODBUS " \"$2/zip/$name\"\n"
	"cp " GODBUS "/go.mod \"$proxy/v5.1.0.mod\"; echo v5.1.0 >\"$proxy/list\"\n"
	"echo '{\"Version\":\"v5.1.0\"}' >\"$proxy/v5.1.0.info\"\n"
	"/usr/bin/python3 -c 'import shutil, sys; shutil.make_archive(*sys.argv[1:])'"
	" \"$proxy/v5.1.0\" zip \"$2/zip\" $name\n"
	"export HOME=\"$2\" GOPATH=\"$2/path\" GOCACHE=\"$2/cache\" GOTOOLCHAIN=local\n"
	"export GOPROXY=\"file://$2/proxy\" GOSUMDB=off GOFLAGS='-p=2 -modcacherw'\n"
	"cp -r \"$1/examples/go\" \"$2/go\"; chmod -R u+w \"$2/go\"; cd \"$2/go\"\n"
	"eval \"$command\"\n";

static void test_go(void)
{
	_cleanup_free_ char *program = NULL, *output = NULL;

	if (access(GODBUS, F_OK) < 0 || access("/usr/bin/go", X_OK) < 0) {
		tap_skip("golang-go or golang-dbus-dev is not installed");
		return;
	}

	o_start(&w, NULL, NULL);
	program = mk_strdup_printf("%s/go/volume", w.dir);
	output = run((const char *const[]){ "sh", "-ec", build, "sh", getenv("top_srcdir"), w.dir,
					    NULL },
		     0);
	check_program((const char *const[]){ program, NULL });
	w_stop(&w);
}

/*
 * README's lines, one after the other: those that busctl or v= begins, with what follows a backslash. Each must
 * succeed, and so must the operation that it makes. $1: README; then the values of its variables.
 */
static const char readme[] =
	"lines=$(awk '/^ +(busctl|v=)/ { on = 1 } on { print; on = /\\\\$/ }' \"$1\")\n"
	"VM=$2 RUNNING_VM=$3 FAILOVER_VM=$4 DISK0=$5 DISK1=$6 DISK2=$7 n=0\n"
	"busctl() {\n"
	"	output=$(command busctl \"$@\"); echo \"$output\"; n=$((n + 1))\n"
	"	path=$(echo \"$output\" | sed -n 's/^o \"\\(.*\\)\"$/\\1/p')\n"
	"	test -z \"$path\" || await_end\n"
	"}\n"
	"await_end() {\n"
	"	OPERATION=$path\n"
	"	output=$(command busctl call " W_NAME " $path " W_OPERATION " Wait t 20000000)\n"
	"	echo \"$output\" | grep -q '^sa{sv} \"succeeded\"'\n"
	"	VOLUME=$(echo \"$output\" | sed -n 's/.*\"Volume\" s \"\\([^\"]*\\)\".*/\\1/p')\n"
	"}\n"
	"eval \"$lines\"\n"
	"test $n -ge 10 && test $n = $(echo \"$lines\" | grep -c busctl)\n";

static void test_readme(void)
{
	_cleanup_free_ char *path = mk_strdup_printf("%s/README.md", getenv("top_srcdir"));
	_cleanup_free_ char *output = NULL;
	struct f_set set;

	f_start(&w, NULL, 3, &set);
	w_sim_post(&w, "seed",
		   "{\"vms\":[{\"id\":\"" RUNNING "\",\"name\":\"run\",\"state\":\"Running\"}],"
		   "\"volumes\":[{\"id\":\"77777777-7777-4777-8777-777777777777\",\"name\":\"r\","
		   "\"type\":\"ROOT\",\"virtualmachineid\":\"" RUNNING "\",\"deviceid\":0}]}");
	output = run((const char *const[]){ "sh", "-ec", readme, "sh", path, W_VM, RUNNING, F_VM,
					    set.ids[0], set.ids[1], set.ids[2], NULL },
		     0);
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "s \"serving\""));
	CU_ASSERT(f_home(&w, &set));
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "python", test_python },
		{ "go", test_go },
		{ "readme", test_readme },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "examples", NULL, NULL, tests);
}
