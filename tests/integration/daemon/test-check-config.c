/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves that `migratekit-volumed --check-config`, started by root, judges the configuration as the service will see
 * it: as the service's user, and with the credentials of its unit. With the real daemon; needs root and a mount
 * namespace.
 */

#include "ways-env.h"

/*
 * A system with the service's user, and without the one that stands in for it elsewhere: in /etc of our own.
 * LeakSanitizer cannot look at a process that has given up root.
 */
#define HERE                                                                                       \
	"ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 unshare -m sh -c 'mount --make-rprivate / &&"   \
	" mount --bind $DIR/etc /etc && exec \"$@\"' sh "
#define CHECK   "$DIR/daemon -c $DIR/volumed.conf --check-config"
#define SERVICE "setpriv --reuid=migratekit --regid=migratekit --clear-groups "
#define UNIT    "\"$top_builddir/data/migratekit-volumed.service\""

static struct ways a;

static bool start(void)
{
	if (geteuid() != 0) {
		tap_skip("only root can be others");
		return false;
	}

	a_start(&a);
	(void)a_sh(&a, "unshare -m mount --make-rprivate /");
	if (a_status != 0) {
		tap_skip("no right to a mount namespace");
		a_stop(&a);
		return false;
	}

	A_OK(&a, "User=migratekit",
	     "set -e; umask 022; mkdir $DIR/etc; cp /etc/nsswitch.conf $DIR/etc\n"
	     "user=$(sed -n 's/^User=//p' " UNIT ")\n"
	     "for f in passwd group; do\n"
	     "	grep -v \"^\\(" A_USER "\\|$user\\):\" /etc/$f >$DIR/etc/$f\n"
	     "done\n"
	     "echo \"$user:x:$(id -u " A_USER "):$(id -g " A_USER
	     ")::/:/bin/sh\" >>$DIR/etc/passwd\n"
	     "echo \"$user:x:$(id -g " A_USER "):\" >>$DIR/etc/group\n"
	     "echo User=$user");
	return true;
}

/* Root does as it is told, once, and then root and the service are content. */
static void expect_advice(const char *change, const char *complaint)
{
	A_OK(&a, "", HERE "sh -c 'cd $DIR && %s'", change);
	A_FAILS(&a, complaint, HERE CHECK);
	A_OK(&a, "chown migratekit ",
	     HERE CHECK " 2>&1 | sed -n 's/.*; run: //p' >$DIR/advice; cat $DIR/advice\n"
			"test $(wc -l <$DIR/advice) = 2 && " HERE "sh -e $DIR/advice");
	A_OK(&a, "secret-key = (set)", HERE CHECK);
	A_OK(&a, "secret-key = (set)", HERE SERVICE CHECK);
}

static void test_key_files(void)
{
	if (!start())
		return;
	A_OK(&a, "secret-key = (set)", HERE CHECK);
	A_OK(&a, "test-vm", HERE "$DIR/daemon -c $DIR/volumed.conf --describe-plugin=test-vm");
	expect_advice("chown root *-key", "api-key cannot be read by the user migratekit");
	expect_advice("chown 65534 *-key", "api-key cannot be read by the user migratekit");
	expect_advice("chmod 644 *-key", "mode 0644");
	/* the group's members are the callers: they are not to read the keys */
	expect_advice("chown root:migratekit *-key && chmod 640 *-key", "mode 0640");
	A_FAILS(&a, "volumed.conf: cannot be read: Permission denied to the user migratekit",
		"chmod 600 $DIR/volumed.conf; " HERE CHECK);
	a_stop(&a);
}

/* Under the names that the unit loads, which only root can see. */
static void test_credentials(void)
{
	if (!start())
		return;
	A_OK(&a, "cloudstack-secret-key",
	     "sed -i '/key-file/d' $DIR/volumed.conf; mkdir -m 700 $DIR/etc/credstore; umask 077\n"
	     "for f in $(sed -n 's/^LoadCredential=cloudstack-.*://p' " UNIT "); do\n"
	     "	echo canary >$DIR/etc/credstore/$f; echo $f\n"
	     "done");
	A_OK(&a, "# from /etc/credstore/migratekit.cloudstack-secret-key\nsecret-key = (set)",
	     HERE CHECK);
	CU_ASSERT_PTR_NULL(strstr(a_sh(&a, HERE CHECK), "canary"));
	A_FAILS(&a, "api-key: is missing", HERE SERVICE CHECK);
	A_FAILS(&a, "run: chown root /etc/credstore/migratekit.cloudstack-api-key && chmod go= ",
		"chmod 644 $DIR/etc/credstore/*; " HERE CHECK);
	A_FAILS(&a, "does not hold one line",
		"chmod 600 $DIR/etc/credstore/*; echo two words "
		">$DIR/etc/credstore/migratekit.cloudstack-api-key; " HERE CHECK);
	a_stop(&a);
}

static void test_no_user(void)
{
	if (!start())
		return;
	A_OK(&a, "", "sed -i /migratekit/d $DIR/etc/passwd; chown root $DIR/*-key");
	A_OK(&a, "there is no user migratekit", HERE CHECK);
	A_OK(&a, "secret-key = (set)", HERE CHECK);
	a_stop(&a);
}

/* Root that may not become others does not pretend. */
static void test_no_right(void)
{
	if (!start())
		return;
	A_FAILS(&a, "cannot become the user migratekit",
		HERE "setpriv --bounding-set=-setgid,-setuid --inh-caps=-setgid,-setuid " CHECK);
	a_stop(&a);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "key-files", test_key_files },
		{ "credentials", test_credentials },
		{ "no-user", test_no_user },
		{ "no-right", test_no_right },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "check-config", NULL, NULL, tests);
}
