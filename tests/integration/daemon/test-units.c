/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves the files that are installed for systemd, D-Bus and polkit: that systemd's own tools accept them, and that
 * they agree with each other.
 */

#include "ways-env.h"

#include <sysexits.h>

#define EXPOSURE_MAX 2.0

static struct ways a;

static void test_hardening(void)
{
	static const char key[] = "Overall exposure level for migratekit-volumed.service: ";
	const char *output, *found;
	double exposure;

	a_start(&a);
	output = a_sh(&a, "systemd-analyze security --offline=yes --no-pager "
			  "\"$top_builddir/data/migratekit-volumed.service\"");
	found = strstr(output, key);
	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	exposure = strtod(found + strlen(key), NULL);
	tap_note("exposure %.1f", exposure);
	CU_ASSERT(exposure > 0 && exposure <= EXPOSURE_MAX);
	a_stop(&a);
}

/* A program and manual pages that are there, for the sake of the rest: not a word about it. */
static void test_units_are_valid(void)
{
	a_start(&a);
	A_OK(&a, "words 0\n",
	     "mkdir $DIR/units\n"
	     "sed 's|^ExecStart=.*|ExecStart=/bin/true|'"
	     " \"$top_builddir/data/migratekit-volumed.service\""
	     " >$DIR/units/migratekit-volumed.service\n"
	     "cp \"$top_srcdir/data/migratekit-volumed.socket\" $DIR/units\n"
	     "systemd-analyze verify --man=no $DIR/units/* >$DIR/words 2>&1; cat $DIR/words\n"
	     "echo words $(wc -w <$DIR/words)");
	a_stop(&a);
}

static void test_user_and_directory(void)
{
	a_start(&a);
	A_OK(&a, "root root 755\n",
	     "umask 022; mkdir $DIR/root $DIR/root/etc $DIR/root/run\n"
	     "systemd-sysusers --root=$DIR/root"
	     " \"$top_srcdir/data/sysusers.d/migratekit-volumed.conf\" &&\n"
	     "grep -q '^migratekit:.*:/var/lib/migratekit:.*nologin$' $DIR/root/etc/passwd &&\n"
	     "grep -q '^migratekit:' $DIR/root/etc/group &&\n"
	     "systemd-tmpfiles --root=$DIR/root --create"
	     " \"$top_srcdir/data/tmpfiles.d/migratekit-volumed.conf\" &&\n"
	     "stat -c '%%U %%G %%a' $DIR/root/run/migratekit");
	a_stop(&a);
}

/* What must be the same in several files. */
static void test_names(void)
{
	a_start(&a);
	A_OK(&a, "",
	     "cd \"$top_srcdir\"; unit=\"$top_builddir/data/migratekit-volumed.service\"\n"
	     "alias=$(sed -n 's/^SystemdService=//p' dbus/" A_NAME ".service)\n"
	     "grep -x \"Alias=$alias\" $unit && grep -x 'Name=" A_NAME "' dbus/" A_NAME
	     ".service &&\n"
	     "grep -x 'BusName=" A_NAME "' $unit && grep -x 'User=migratekit' $unit &&\n"
	     "grep 'policy user=\"migratekit\"' dbus/" A_NAME ".conf &&\n"
	     "grep -x 'SocketGroup=migratekit' data/migratekit-volumed.socket &&\n"
	     "grep -x 'PartOf=migratekit-volumed.socket' $unit &&\n"
	     "grep -x 'ListenStream=/run/migratekit/volumed.sock' data/migratekit-volumed.socket "
	     "&&\n"
	     "grep '^d /run/migratekit ' data/tmpfiles.d/migratekit-volumed.conf &&\n"
	     "grep -x '#group = migratekit' data/volumed.conf.in &&\n"
	     "sed -n 's/.*\\[MK_PRIVILEGE.*\"\\(.*\\)\".*/\\1/p' src/bus/access.c | sort "
	     ">$DIR/asked "
	     "&&\n"
	     "sed -n 's/.*action id=\"\\(.*\\)\".*/\\1/p' dbus/org.migratekit.volume1.policy |"
	     " sort >$DIR/shipped && test -s $DIR/asked && diff $DIR/asked $DIR/shipped");
	a_stop(&a);
}

/* What only an administrator can mend is tried once for each who asks, and by itself not again. */
static void test_no_restart_loop(void)
{
	_cleanup_free_ char *prevented = mk_strdup_printf("RestartPreventExitStatus=%d", EX_CONFIG);

	a_start(&a);
	A_OK(&a, "",
	     "unit=\"$top_builddir/data/migratekit-volumed.service\"\n"
	     "grep -x 'Restart=on-failure' $unit && grep -x '%s' $unit &&\n"
	     "cd \"$top_srcdir/data\" && grep -x 'FlushPending=yes' migratekit-volumed.socket &&\n"
	     "grep -x 'TriggerLimitIntervalSec=0' migratekit-volumed.socket",
	     prevented);
	a_stop(&a);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "hardening", test_hardening },
		{ "units-are-valid", test_units_are_valid },
		{ "user-and-directory", test_user_and_directory },
		{ "names", test_names },
		{ "no-restart-loop", test_no_restart_loop },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "units", NULL, NULL, tests);
}
