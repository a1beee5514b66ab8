/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The README's programs do what they say, each with its own D-Bus library. */

#include "child.h"
#include "oma-env.h"
#include "testbus.h"

#include <sys/wait.h>
#include <unistd.h>

#define GODBUS "/usr/share/gocode/src/github.com/godbus/dbus"

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

/* Without network: Debian's copy of the library stands in for the one that go would fetch. */
static const char build[] =
	"cp -r \"$1/examples/go\" \"$2/go\"; chmod -R u+w \"$2/go\"; cd \"$2/go\"\n"
	"export HOME=\"$2\" GOPATH=\"$2/path\" GOCACHE=\"$2/cache\"\n"
	"export GOPROXY=off GOSUMDB=off GOTOOLCHAIN=local GOFLAGS=-mod=mod\n"
	"go mod edit -replace github.com/godbus/dbus/v5=" GODBUS "\n"
	"exec go build -p 2 -o \"$2/volume\"\n";

static void test_go(void)
{
	_cleanup_free_ char *program = NULL, *output = NULL;

	if (access(GODBUS, F_OK) < 0 || access("/usr/bin/go", X_OK) < 0) {
		tap_skip("golang-go or golang-dbus-dev is not installed");
		return;
	}

	o_start(&w, NULL, NULL);
	program = mk_strdup_printf("%s/volume", w.dir);
	output = run((const char *const[]){ "sh", "-ec", build, "sh", getenv("top_srcdir"), w.dir,
					    NULL },
		     0);
	check_program((const char *const[]){ program, NULL });
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "python", test_python },
		{ "go", test_go },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "examples", NULL, NULL, tests);
}
