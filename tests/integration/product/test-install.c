/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves that what `make install` installs is enough to build a plugin outside of the tree. The example plugin is
 * built with it, and run in the real daemon against the simulator.
 */

#include "child.h"
#include "tap.h"
#include "world.h"

static char *stage; /* DESTDIR */

/*
 * $1: build tree, $2: source tree, $3: an empty directory. Prints the plugin directory.
 * With a sysroot, pkg-config puts DESTDIR in front of what our .pc file says.
 */
static const char script[] =
	"umask 022; dest=$3/dest\n"
	"make -s -C \"$1\" install DESTDIR=\"$dest\" >\"$3/install.log\" 2>&1 || { cat "
	"\"$3/install.log\"; exit 1; }\n"
	"cp -r \"$2/examples/plugin\" \"$3/plugin\"; chmod -R u+w \"$3/plugin\"; cd \"$3/plugin\"\n"
	"pc=$(find \"$dest\" -name migratekit-volume-plugin.pc)\n"
	"export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$dest\n"
	"make -s CFLAGS='-Wall -Wextra -Werror -Wno-unused-parameter'\n"
	"dir=$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --variable=plugindir "
	"migratekit-volume-plugin)\n"
	"install -m 644 example.so \"$dest$dir\"; echo \"$dest$dir\"\n";

static char *plugins; /* the staged directory of plugins, with the example in it */

static bool run_script(void)
{
	const char *const argv[] = {
		"sh", "-ec", script, "sh", getenv("top_builddir"), getenv("top_srcdir"), stage, NULL
	};
	/* this is no part of the make that runs the tests */
	const char *const env[] = { "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "DESTDIR", NULL };
	int status = child_run(argv, env, &plugins);

	if (status != 0) {
		tap_note("status 0x%x: %.2000s", (unsigned)status, str_or_empty(plugins));
		return false;
	}

	plugins[strcspn(plugins, "\n")] = '\0';
	return true;
}

static int make_stage(void)
{
	const char *tmp = getenv("TMPDIR");

	stage = mk_strdup_printf("%s/mk-stage-XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(stage) && run_script() ? 0 : -1;
}

static int remove_stage(void)
{
	const char *const argv[] = { "rm", "-rf", stage, NULL };
	_cleanup_free_ char *output = NULL;
	int status = child_run(argv, NULL, &output);

	free(stage);
	free(plugins);
	return status;
}

static struct world w;

/* The VM runs; job_ms: how long CloudStack works on a command. */
static void begin(const char *job_ms)
{
	_cleanup_free_ char *set = mk_strdup_printf("job-ms=%s", job_ms);
	const char *const sim_args[] = { "--set", set, NULL };
	_cleanup_free_ char *config =
		mk_strdup_printf("[plugins]\nload=example\ndirectory=%s\n", plugins);

	w_start(&w, sim_args, config);
	w_sim_post(&w, "poke", "{\"vm\":\"" W_VM "\",\"state\":\"Running\"}");
}

/* StopVM: the operation's path, or NULL with the error in w_error_name. The caller frees. */
static char *stop_vm(const char *vm)
{
	_cleanup_json_ json_object *reply = NULL;

	if (w_call_object(&w, W_PATH, "org.migratekit.Volume1.Example", "StopVM", &reply, "sa{sv}",
			  vm, 0) < 0)
		return NULL;

	return strdup(json_object_get_string(json_object_array_get_idx(reply, 0)));
}

static void test_describe(void)
{
	_cleanup_free_ char *daemon =
		mk_strdup_printf("%s/migratekit-volumed", getenv("top_builddir"));
	_cleanup_free_ char *config = NULL, *output = NULL;
	const char *argv[] = { daemon, "-c", NULL, "--describe-plugin=example", NULL };

	if (!w_can_inspect())
		return;

	begin("5");
	config = mk_strdup_printf("%s/volumed.conf", w.dir);
	argv[2] = config;
	CU_ASSERT_EQUAL(child_run(argv, NULL, &output), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "org.migratekit.Volume1.Example"));
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "StopVM(s vm, a{sv} options) -> o operation"));
	w_stop(&w);
}

static void test_stop(void)
{
	_cleanup_free_ char *path = NULL;

	begin("5");
	path = stop_vm(W_VM);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "succeeded");
	CU_ASSERT_STRING_EQUAL(w_vm_state(&w, W_VM), "Stopped");
	CU_ASSERT_EQUAL(w_executed(&w, "stopVirtualMachine"), 1);
	w_stop(&w);
}

/* Cancelled while CloudStack stops the VM: it runs again afterwards. */
static void test_cancel(void)
{
	_cleanup_free_ char *path = NULL;

	begin("300");
	path = stop_vm(W_VM);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, "command=stopVirtualMachine&count=1&what=received");
	CU_ASSERT_EQUAL(w_call_object(&w, path, W_OPERATION, "Cancel", NULL, ""), 0);
	CU_ASSERT(w_await_state(&w, path, "cancelled"));
	CU_ASSERT_STRING_EQUAL(w_vm_state(&w, W_VM), "Running");
	CU_ASSERT_EQUAL(w_executed(&w, "startVirtualMachine"), 1);
	w_stop(&w);
}

static void test_refused(void)
{
	begin("5");
	CU_ASSERT_PTR_NULL(stop_vm(W_OMA));
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "Protected");
	CU_ASSERT_EQUAL(w_received(&w, "stopVirtualMachine"), 0);
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "describe", test_describe }, { "stop", test_stop }, { "cancel", test_cancel },
		{ "refused", test_refused },   { NULL, NULL },
	};

	return tap_main(argc, argv, "install", make_stage, remove_stage, tests);
}
