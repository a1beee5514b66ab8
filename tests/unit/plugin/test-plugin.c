/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves that the plugin loader accepts a good plugin and refuses each mistake with its reason. Mistakes in a plugin's
 * tables are made in copies of a good descriptor; mistakes that need a file are in the plugins of tests/plugins.
 */

#include "plugin/plugin.h"
#include "tap.h"

#include <sys/stat.h>

/* ---- the tables: one mistake at a time in a copy of a good descriptor ----------------------------- */

static int prepare(struct mk_op *op, json_object *args)
{
	return MK_DONE;
}

static int then(struct mk_op *op)
{
	return MK_DONE;
}

static const struct mk_step good_steps[] = {
	{ .name = "look", .ask = MK_ASK_VM_VOLUMES, .then = then, .limit_s = 60 },
	{ .name = "detach",
	  .ask = MK_ASK_VOLUME,
	  .then = then,
	  .undo_ask = MK_ASK_VM,
	  .undo = then,
	  .limit_s = 600,
	  .flags = MK_STEP_NO_RETURN },
	{ .name = "note", .then = then, .undo = then, .limit_s = 86400 },
	{ 0 },
};

static const struct mk_option good_options[] = { { "stop", "b" }, { "reason", "s" }, { 0 } };

static const struct mk_method good_methods[] = {
	{ .name = "Remove",
	  .in = "sa{sv}",
	  .in_names = "vm,options",
	  .out = "o",
	  .out_names = "operation",
	  .kind = MK_METHOD_OPERATION,
	  .privilege = MK_PRIVILEGE_DELETE,
	  .deadline_s = 3600,
	  .prepare = prepare },
	{ .name = "RemoveMany",
	  .in = "asa{sv}",
	  .in_names = "vms,options",
	  .out = "ao",
	  .out_names = "operations",
	  .kind = MK_METHOD_BATCH,
	  .privilege = MK_PRIVILEGE_DELETE,
	  .operation = "RemoveOne",
	  .deadline_s = 3600,
	  .prepare = prepare },
	{ .name = "List",
	  .in = "s",
	  .in_names = "vm",
	  .out = "aa{sv}",
	  .out_names = "volumes",
	  .kind = MK_METHOD_QUERY,
	  .privilege = MK_PRIVILEGE_READ,
	  .deadline_s = 60,
	  .prepare = prepare,
	  .result = "volumes" },
	{ 0 },
};

static struct mk_step steps[ARRAY_SIZE(good_steps)];
static struct mk_option options[ARRAY_SIZE(good_options)];
static struct mk_method methods[ARRAY_SIZE(good_methods)];
static struct mk_plugin plugin;

static void reset(void)
{
	memcpy(steps, good_steps, sizeof(steps));
	memcpy(options, good_options, sizeof(options));
	memcpy(methods, good_methods, sizeof(methods));
	for (size_t i = 0; methods[i].name; i++)
		methods[i].steps = steps;
	methods[0].options = options;
	plugin = (struct mk_plugin){ MK_PLUGIN_STAMP, .name = "good",
				     .summary = "a plugin for tests",
				     .interface = "org.migratekit.Volume1.Good",
				     .methods = methods };
}

/* The descriptor is refused with these words; it is a good one again afterwards. */
static bool refused(const char *words)
{
	_cleanup_free_ char *why = NULL;
	int r = mk_plugin_check(&plugin, "good", &why);

	reset();
	if (r == -EINVAL && strstr(why, words))
		return true;

	tap_note("expected: %s; got %d: %s", words, r, why ? why : "(nothing)");
	return false;
}

/* An assignment to the good descriptor, and the words that it must be refused with. */
#define REFUSED(assignment, words)                                                                 \
	do {                                                                                       \
		assignment;                                                                        \
		CU_ASSERT(refused(words));                                                         \
	} while (0)

static void test_good(void)
{
	_cleanup_free_ char *why = NULL;

	CU_ASSERT_EQUAL(mk_plugin_check(&plugin, "good", &why), 0);
	CU_ASSERT_PTR_NULL(why);
	CU_ASSERT_EQUAL(mk_plugin_check(NULL, "good", &why), -EINVAL);
	CU_ASSERT_STRING_EQUAL(why, "its descriptor is NULL");
}

static void test_descriptor(void)
{
	REFUSED(plugin.abi++, "it is built for plugin ABI 4, this daemon has 3");
	REFUSED(plugin.size++, "its descriptor has");
	REFUSED(plugin.name = "bad", "it calls itself \"bad\"");
	REFUSED(plugin.name = NULL, "it calls itself \"\"");
	REFUSED(plugin.summary = NULL, "no `summary`");
	REFUSED(plugin.summary = "two\nlines", "no `summary`");
	REFUSED(plugin.interface = NULL, "not the name of a D-Bus interface");
	REFUSED(plugin.interface = "nodots", "not the name of a D-Bus interface");
	REFUSED(plugin.interface = "org.migratekit.Volume1", "belongs to the daemon");
	REFUSED(plugin.interface = "org.freedesktop.DBus.Peer", "belongs to the daemon");
	REFUSED(plugin.methods = NULL, "it has no methods");
	REFUSED(methods[0].name = NULL, "it has no methods");
}

static void test_methods(void)
{
	REFUSED(methods[0].name = "has space", "cannot be a method's name");
	REFUSED(methods[0].in = NULL, "`in` or `in_names` is NULL");
	REFUSED(methods[0].out_names = NULL, "`out` or `out_names` is NULL");
	REFUSED(methods[0].in = "a{sv", "is not a D-Bus signature");
	REFUSED(methods[0].in_names = "vm", "has 1 names, `in` \"sa{sv}\" has 2 arguments");
	REFUSED(methods[0].in_names = "vm,", "lower_case names");
	REFUSED(methods[0].in_names = ",vm", "lower_case names");
	REFUSED(methods[0].in_names = "VM,options", "lower_case names");
	REFUSED(methods[0].out = "s", "must be \"…a{sv}\" → \"o\"");
	REFUSED((methods[0].in = "s", methods[0].in_names = "vm"), "must be \"…a{sv}\"");
	REFUSED(methods[1].out = "o", "must be \"as…a{sv}\" → \"ao\"");
	REFUSED((methods[1].in = "sa{sv}"), "must be \"as…a{sv}\"");
	REFUSED((methods[2].out = "", methods[2].out_names = ""), "must return one value");
	REFUSED(methods[2].result = NULL, "names no `result`");
	REFUSED(methods[0].kind = (enum mk_method_kind)9, "kind 9 is unknown");
	REFUSED(methods[0].privilege = (enum mk_privilege)9, "privilege 9 is unknown");
	REFUSED(methods[0].prepare = NULL, "`prepare` is NULL");
	REFUSED(methods[0].deadline_s = 0, "deadline_s is 0");
	REFUSED(methods[0].deadline_s = 604801, "deadline_s is 604801");
	REFUSED(methods[0].operation = "a b", "cannot be an operation's name");
	REFUSED(methods[1].name = "Remove", "method Remove is there twice");
	REFUSED((methods[1].operation = "Remove", methods[1].steps = good_steps),
		"operation Remove belongs to two methods");
	REFUSED((methods[0].operation = "List", methods[0].steps = good_steps),
		"operation List belongs to two methods");
}

/* A batch makes the operations of the single method: the same kind, the same steps. */
static void test_shared_operation(void)
{
	_cleanup_free_ char *why = NULL;

	methods[1].operation = "Remove";
	CU_ASSERT_EQUAL(mk_plugin_check(&plugin, "good", &why), 0);
	CU_ASSERT_PTR_NULL(why);
	reset();
}

/* One of the manager's methods, and an operation for other operations. */
static struct mk_method volume_methods[2], inner_methods[2];

static void set_more(const char *volume_method, const char *in, const char *in_names,
		     const char *inner)
{
	volume_methods[0] = inner_methods[0] = good_methods[0];
	volume_methods[0].steps = good_steps;
	volume_methods[0].name = volume_method;
	volume_methods[0].in = in;
	volume_methods[0].in_names = in_names;
	inner_methods[0].steps = good_steps;
	inner_methods[0].name = inner;
	plugin.volume_methods = volume_methods;
	plugin.inner_methods = inner_methods;
}

static void test_more_methods(void)
{
	_cleanup_free_ char *why = NULL;

	set_more("DetachVolume", "sa{sv}", "volume,options", "Move");
	CU_ASSERT_EQUAL(mk_plugin_check(&plugin, "good", &why), 0);
	reset();
	REFUSED(set_more("Explode", "sa{sv}", "volume,options", "Move"),
		"the manager has no method Explode");
	REFUSED(set_more("DetachVolume", "ssa{sv}", "volume,x,options", "Move"),
		"method DetachVolume must be an operation with arguments \"sa{sv}\"");
	REFUSED((set_more("DetachVolume", "sa{sv}", "volume,options", "Move"),
		 volume_methods[0].options = options),
		"the options are the manager's");
	REFUSED((set_more("DetachVolume", "sa{sv}", "volume,options", "Move"),
		 volume_methods[0].operation = "Remove"),
		"operation Remove belongs to two methods");
	REFUSED((set_more("DetachVolume", "sa{sv}", "volume,options", "DetachVolume"),
		 inner_methods[0].steps = steps),
		"operation DetachVolume belongs to two methods");
	REFUSED((set_more("DetachVolume", "sa{sv}", "volume,options", "Move"),
		 inner_methods[0].steps = NULL),
		"has no steps");
}

static void test_options(void)
{
	REFUSED(options[0].name = "token", "\"token\" cannot be an option's name");
	REFUSED(options[0].name = "batch", "\"batch\" cannot be an option's name");
	REFUSED(options[0].name = "Stop", "\"Stop\" cannot be an option's name");
	REFUSED(options[0].type = "as", "option stop has type \"as\"");
	REFUSED(options[0].type = NULL, "option stop has type \"\"");
	REFUSED(options[0].type = "", "option stop has type \"\"");
	REFUSED(options[1].name = "stop", "option stop is there twice");
	REFUSED(methods[2].options = options, "has options and no last argument a{sv}");
}

static void test_steps(void)
{
	REFUSED(methods[0].steps = NULL, "method Remove has no steps");
	REFUSED(steps[0].name = NULL, "method Remove has no steps");
	REFUSED(steps[0].name = "Look Up", "cannot be a step's name");
	REFUSED(steps[0].then = NULL, "step look: `then` is NULL");
	REFUSED(steps[0].limit_s = 0, "limit_s is 0; allowed: 1 to 86400");
	REFUSED(steps[0].limit_s = 86401, "limit_s is 86401");
	REFUSED(steps[0].ask = (enum mk_ask)99, "`ask` or `undo_ask` is unknown");
	REFUSED(steps[0].undo_ask = MK_ASK_VM, "there is an `undo_ask` and no `undo`");
	REFUSED(steps[0].flags = 0x80, "flags 0x80 are unknown");
	REFUSED(steps[2].name = "look", "step look is there twice");
}

static void test_describe(void)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	mk_plugin_describe(&plugin, f);
	fclose(f);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "name       good\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "ABI        3\n"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text, "\nRemoveMany(as vms, a{sv} options) -> ao operations\n"
			     "  batch, privilege delete, deadline 3600s, kind RemoveOne\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nList(s vm) -> aa{sv} volumes\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "  options stop (b), reason (s)\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "   2  detach                   volume        vm       "
					    "         600s  no-return\n"));
	if (!strstr(text, "no-return"))
		tap_note("%s", text);
}

/* Each question has a name there. */
static void test_describe_asks(void)
{
	for (unsigned ask = 0; ask < MK_ASK_N; ask++) {
		_cleanup_free_ char *text = NULL;
		size_t size;
		FILE *f = open_memstream(&text, &size);

		reset();
		steps[0].ask = (enum mk_ask)ask;
		mk_plugin_describe(&plugin, f);
		fclose(f);
		CU_ASSERT_PTR_NULL(strstr(text, "(null)"));
	}
	reset();
}

/* ---- the files: a directory of our own, since the build's may be writable by a group --------------- */

#define NOBODY 65534

static char dir[] = "/tmp/test-plugin-XXXXXX";
static struct mk_plugins *plugins;
static const struct mk_host host = { .abi = MK_PLUGIN_ABI, .size = sizeof(struct mk_host) };

static int run(const char *command)
{
	_cleanup_free_ char *line = mk_strdup_printf("cd %s && %s", dir, command);

	return system(line);
}

static int set_up(void)
{
	const char *build = getenv("top_builddir");
	_cleanup_free_ char *copy =
		mk_strdup_printf("install -m 0644 %s/tests/plugins/.libs/*.so .",
				 build ? build : ".");

	reset();
	return mkdtemp(dir) ? run(copy) : -1;
}

static int tear_down(void)
{
	plugins = mk_plugins_free(plugins);
	return run("rm -rf ./*") || rmdir(dir);
}

static const struct mk_plugin_slot *load_in(const char *directory, const char *name)
{
	char *names[] = { NULL, NULL };
	_cleanup_free_ char *copy = strdup(name);

	names[0] = copy;
	plugins = mk_plugins_free(plugins);
	CU_ASSERT_EQUAL_FATAL(mk_plugins_load(directory, names, &host, &plugins), 0);
	return &plugins->slots[0];
}

/* The file is not loaded, with these words and its path. */
static bool disabled(const char *name, const char *words)
{
	const struct mk_plugin_slot *slot = load_in(dir, name);

	if (!slot->plugin && slot->problem && strstr(slot->problem, words) &&
	    strstr(slot->problem, name) && !mk_plugins_find(plugins, name))
		return true;

	tap_note("expected: %s; got: %s", words, slot->problem ? slot->problem : "(nothing)");
	return false;
}

static void test_load(void)
{
	const struct mk_plugin_slot *slot = load_in(dir, "good");

	if (slot->problem)
		tap_note("%s", slot->problem);
	CU_ASSERT_PTR_NOT_NULL_FATAL(slot->plugin);
	CU_ASSERT_PTR_NULL(slot->problem);
	CU_ASSERT_PTR_EQUAL(mk_plugins_find(plugins, "good"), slot->plugin);
	CU_ASSERT_PTR_NULL(mk_plugins_find(plugins, "oma"));
	CU_ASSERT_STRING_EQUAL(slot->plugin->interface, "org.migratekit.Volume1.Good");
}

static void test_broken_files(void)
{
	CU_ASSERT(disabled("missing", "cannot be found: No such file or directory"));
	CU_ASSERT(disabled("../good", "is not a plugin's name"));
	CU_ASSERT(disabled("Good", "is not a plugin's name"));
	CU_ASSERT(disabled("undefined", "undefined symbol: fault_nobody_has_this"));
	CU_ASSERT(disabled("symbol", "has no symbol migratekit_volume_plugin"));
	CU_ASSERT(disabled("null", "its descriptor is NULL"));
	CU_ASSERT(disabled("abi", "it is built for plugin ABI 4"));
	CU_ASSERT(disabled("size", "its descriptor has"));
	CU_ASSERT(disabled("misnamed", "it calls itself \"other\""));
	CU_ASSERT(disabled("init", "init failed: Input/output error"));
	CU_ASSERT_FALSE(plugins->slots[0].unsupported);
	CU_ASSERT(disabled("unsupported", "not on this system"));
	CU_ASSERT_TRUE(plugins->slots[0].unsupported);

	CU_ASSERT_EQUAL(run("echo text > text.so"), 0);
	CU_ASSERT(disabled("text", "cannot be loaded: "));
}

static void test_file_checks(void)
{
	CU_ASSERT_EQUAL(run("cp good.so writable.so; chmod g+w writable.so; mkdir folder.so;"
			    "mkdir ../${PWD##*/}.out; cp good.so ../${PWD##*/}.out/out.so;"
			    "ln -s $PWD.out/out.so out.so; ln -s nowhere.so dangling.so"),
			0);
	CU_ASSERT(disabled("writable", "can be written by its group or others"));
	CU_ASSERT(disabled("folder", "is not a regular file"));
	CU_ASSERT(disabled("out", "leads out of its directory"));
	CU_ASSERT(disabled("dangling", "cannot be found"));
	CU_ASSERT_EQUAL(run("rm -r $PWD.out"), 0);

	if (geteuid() == 0) {
		CU_ASSERT_EQUAL(run("cp good.so foreign.so; chown 65534 foreign.so"), 0);
		CU_ASSERT(disabled("foreign", "belongs neither to root nor to the daemon's user"));
	}

	/* a link that stays inside is allowed; the name must still be the plugin's own */
	CU_ASSERT_EQUAL(run("mv good.so real.so; ln -s real.so good.so"), 0);
	CU_ASSERT_PTR_NOT_NULL(load_in(dir, "good")->plugin);
	CU_ASSERT_EQUAL(run("mv real.so good.so"), 0);
}

/* Root reads everything, so it is somebody else who may not. */
static void test_unreadable(void)
{
	uid_t uid = geteuid();

	CU_ASSERT_EQUAL(chmod(dir, 0755), 0);
	CU_ASSERT_EQUAL(run("cp good.so secret.so; chmod 0000 secret.so"), 0);
	CU_ASSERT_EQUAL_FATAL(uid == 0 ? seteuid(NOBODY) : 0, 0);
	CU_ASSERT(disabled("secret", "cannot be opened: Permission denied"));
	CU_ASSERT_PTR_NOT_NULL(load_in(dir, "good")->plugin);
	CU_ASSERT_EQUAL_FATAL(seteuid(uid), 0);
	CU_ASSERT_EQUAL(chmod(dir, 0700), 0);
}

static void test_directory_checks(void)
{
	const struct mk_plugin_slot *slot;

	slot = load_in("relative", "good");
	CU_ASSERT_PTR_NOT_NULL(strstr(str_or_empty(slot->problem), "not an absolute path"));
	slot = load_in("/nonexistent", "good");
	CU_ASSERT_PTR_NOT_NULL(strstr(str_or_empty(slot->problem), "cannot be read"));
	slot = load_in("/dev/null", "good");
	CU_ASSERT_PTR_NOT_NULL(strstr(str_or_empty(slot->problem), "is not a directory"));
	CU_ASSERT_EQUAL(chmod(dir, 0777), 0);
	CU_ASSERT(disabled("good", "can be written by its group or others"));
	CU_ASSERT_EQUAL(chmod(dir, 0700), 0);
}

/* One bad plugin disables its class only, and the first of two equal ones wins. */
static void test_several(void)
{
	char abi[] = "abi", good[] = "good", twin[] = "twin", good2[] = "good";
	char *names[] = { abi, good, twin, good2, NULL };

	plugins = mk_plugins_free(plugins);
	CU_ASSERT_EQUAL_FATAL(mk_plugins_load(dir, names, &host, &plugins), 0);
	CU_ASSERT_EQUAL_FATAL(plugins->n, 4);
	CU_ASSERT_PTR_NULL(plugins->slots[0].plugin);
	CU_ASSERT_PTR_NOT_NULL(mk_plugins_find(plugins, "good"));
	CU_ASSERT_PTR_NULL(mk_plugins_find(plugins, "twin"));
	CU_ASSERT_PTR_NOT_NULL(strstr(str_or_empty(plugins->slots[2].problem), "is taken by"));
	CU_ASSERT_PTR_NOT_NULL(strstr(str_or_empty(plugins->slots[3].problem), "asked for twice"));
}

/* --describe-plugin: without a host, init does not run. */
static void test_without_host(void)
{
	char init[] = "init";
	char *names[] = { init, NULL };

	plugins = mk_plugins_free(plugins);
	CU_ASSERT_EQUAL_FATAL(mk_plugins_load(dir, names, NULL, &plugins), 0);
	CU_ASSERT_PTR_NOT_NULL(mk_plugins_find(plugins, "init"));
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "good", test_good },
		{ "descriptor", test_descriptor },
		{ "methods", test_methods },
		{ "shared-operation", test_shared_operation },
		{ "more-methods", test_more_methods },
		{ "options", test_options },
		{ "steps", test_steps },
		{ "describe", test_describe },
		{ "describe-asks", test_describe_asks },
		{ "load", test_load },
		{ "broken-files", test_broken_files },
		{ "file-checks", test_file_checks },
		{ "unreadable-file", test_unreadable },
		{ "directory-checks", test_directory_checks },
		{ "several", test_several },
		{ "without-host", test_without_host },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "plugin", set_up, tear_down, tests);
}
