/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line: options, --check-config, --describe-plugin. daemon.c is the daemon itself. */

#include "base/base.h"
#include "base/log.h"
#include "daemon.h"
#include "plugin/plugin.h"

#include <getopt.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sysexits.h>

static void usage(FILE *f)
{
	fputs("Usage: migratekit-volumed [OPTION]...\n"
	      "The volume daemon of a MigrateKit appliance: org.migratekit.Volume1 on D-Bus.\n"
	      "\n"
	      "  -c, --config=FILE           read FILE and FILE.d/*.conf\n"
	      "                              (default " CONF_DIR "/volumed.conf)\n"
	      "      --bus-address=ADDRESS   use this bus, not the system bus\n"
	      "      --no-bus                serve the socket that systemd passes, and no bus\n"
	      "      --check-config          print the configuration in effect, or what is wrong "
	      "with it\n"
	      "      --describe-plugin=NAME  print a plugin's methods and step tables\n"
	      "  -v, --verbose               log debug messages\n"
	      "  -h, --help                  this text\n"
	      "      --version               print the version\n",
	      f);
}

static int load_or_complain(const char *path, struct mk_config **ret)
{
	struct mk_config_problems problems = { 0 };
	int r;

	r = mk_config_inspect(path, ret, &problems);
	if (geteuid() == 0 && !getpwnam(MK_DAEMON_USER))
		fputs("migratekit-volumed: there is no user " MK_DAEMON_USER
		      "; this is what root sees\n",
		      stderr);
	for (size_t i = 0; i < problems.n; i++)
		fprintf(stderr, "%s\n", problems.items[i]);
	mk_config_problems_done(&problems);
	return r;
}

static int check_config(const char *path)
{
	_cleanup_(mk_config_freep) struct mk_config *config = NULL;

	if (load_or_complain(path, &config) < 0)
		return EXIT_FAILURE;

	mk_config_dump(config, stdout);
	return EXIT_SUCCESS;
}

static int describe_plugin(const char *path, const char *name)
{
	_cleanup_(mk_config_freep) struct mk_config *config = NULL;
	_cleanup_(mk_plugins_freep) struct mk_plugins *plugins = NULL;
	_cleanup_free_ char *copy = strdup(name);
	char *names[] = { copy, NULL };

	if (load_or_complain(path, &config) < 0)
		return EXIT_FAILURE;

	if (!copy || mk_plugins_load(config->plugins.directory, names, NULL, &plugins) < 0 ||
	    plugins->n == 0)
		return EXIT_FAILURE;

	if (!plugins->slots[0].plugin) {
		fprintf(stderr, "%s\n", str_or_empty(plugins->slots[0].problem));
		return EXIT_FAILURE;
	}

	mk_plugin_describe(plugins->slots[0].plugin, stdout);
	return EXIT_SUCCESS;
}

/* The secret key is in memory: no core dump, no ptrace by others. LeakSanitizer needs ptrace. */
static void protect_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
}

int main(int argc, char **argv)
{
	enum { OPT_BUS = 256, OPT_NO_BUS, OPT_CHECK, OPT_DESCRIBE, OPT_VERSION };
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "bus-address", required_argument, NULL, OPT_BUS },
		{ "no-bus", no_argument, NULL, OPT_NO_BUS },
		{ "check-config", no_argument, NULL, OPT_CHECK },
		{ "describe-plugin", required_argument, NULL, OPT_DESCRIBE },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ 0 },
	};
	struct mk_daemon_options daemon_options = { 0 };
	const char *plugin = NULL;
	bool check = false, verbose = false;
	int c;

	while ((c = getopt_long(argc, argv, "c:vh", options, NULL)) >= 0) {
		switch (c) {
		case 'c':
			daemon_options.config_path = optarg;
			break;
		case OPT_BUS:
			daemon_options.bus_address = optarg;
			break;
		case OPT_NO_BUS:
			daemon_options.no_bus = true;
			break;
		case OPT_CHECK:
			check = true;
			break;
		case OPT_DESCRIBE:
			plugin = optarg;
			break;
		case 'v':
			verbose = true;
			break;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		case OPT_VERSION:
			puts(PACKAGE_STRING);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return EX_CONFIG;
		}
	}

	if (optind < argc) {
		fprintf(stderr, "migratekit-volumed: '%s' is no option\n", argv[optind]);
		usage(stderr);
		return EX_CONFIG;
	}

	protect_memory();
	if (check)
		return check_config(daemon_options.config_path);
	if (plugin)
		return describe_plugin(daemon_options.config_path, plugin);

	mk_log_open(verbose);
	return mk_daemon_run(&daemon_options);
}
