# SPDX-License-Identifier: LGPL-2.1-or-later
# What all tests share. A test is a program or script that prints TAP; most are CUnit programs with tap_main()
# (tests/tap.h).

TEST_EXTENSIONS = .tap
TAP_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TAP_LOG_COMPILER = $(top_srcdir)/tests/run-tap
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	$(NULL)

TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
# Tests do not check what malloc() gives them.
TEST_CFLAGS = $(AM_CFLAGS) -Wno-null-dereference $(VOLUMED_DEPS_CFLAGS) $(CUNIT_CFLAGS)

check_LTLIBRARIES += libtap.la
libtap_la_SOURCES = tests/tap.c tests/tap.h
libtap_la_CPPFLAGS = $(TEST_CPPFLAGS)
libtap_la_CFLAGS = $(TEST_CFLAGS)
libtap_la_LIBADD = $(CUNIT_LIBS)

# the world of the integration tests
check_LTLIBRARIES += libworld.la
libworld_la_SOURCES = \
	tests/canary.h \
	tests/child.c \
	tests/child.h \
	tests/testbus.c \
	tests/testbus.h \
	tests/testsim.c \
	tests/testsim.h \
	tests/world-client.c \
	tests/world-internal.h \
	tests/world.c \
	tests/world.h \
	$(NULL)
libworld_la_CPPFLAGS = $(TEST_CPPFLAGS)
libworld_la_CFLAGS = $(TEST_CFLAGS)
WORLD_LDADD = libworld.la libvolumed.la libtap.la

# preloaded into the daemon, so a shared object; -rpath makes it one
check_LTLIBRARIES += tests/crash-commit.la
tests_crash_commit_la_SOURCES = tests/crash-commit.c
tests_crash_commit_la_CPPFLAGS = $(TEST_CPPFLAGS)
tests_crash_commit_la_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
tests_crash_commit_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere

check_LTLIBRARIES += tests/udev-database.la
tests_udev_database_la_SOURCES = tests/udev-database.c
tests_udev_database_la_CPPFLAGS = $(TEST_CPPFLAGS)
tests_udev_database_la_CFLAGS = $(AM_CFLAGS) $(UDEV_CFLAGS)
tests_udev_database_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
tests_udev_database_la_LIBADD = $(UDEV_LIBS)

# These fake a machine within the test's process: umockdev's preload library is linked, ahead of libc.
UMOCKDEV_PRELOAD = -Wl,--push-state,--no-as-needed,-l:libumockdev-preload.so.0,--pop-state

EXTRA_DIST += tests/demo tests/run-tap

include tests/unit/local.mk
include tests/integration/local.mk
include tests/plugins/local.mk
include tests/fuzz/local.mk
