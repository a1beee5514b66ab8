# SPDX-License-Identifier: LGPL-2.1-or-later
# Every test is a CUnit program that prints TAP (tests/tap.h).

TEST_EXTENSIONS = .tap
TAP_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	$(NULL)

TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
TEST_CFLAGS = $(AM_CFLAGS) $(VOLUMED_DEPS_CFLAGS) $(CUNIT_CFLAGS)

check_LTLIBRARIES += libtap.la
libtap_la_SOURCES = tests/tap.c tests/tap.h
libtap_la_CPPFLAGS = $(TEST_CPPFLAGS)
libtap_la_CFLAGS = $(TEST_CFLAGS)
libtap_la_LIBADD = $(CUNIT_LIBS)

# unit tests: no processes
check_PROGRAMS += tests/unit/util.tap
tests_unit_util_tap_SOURCES = tests/unit/test-util.c
tests_unit_util_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_util_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_util_tap_LDADD = libvolumed.la libtap.la


check_PROGRAMS += tests/unit/store.tap
tests_unit_store_tap_SOURCES = tests/unit/test-store.c
tests_unit_store_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_store_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_store_tap_LDADD = libvolumed.la libtap.la

check_PROGRAMS += tests/unit/engine.tap
tests_unit_engine_tap_SOURCES = tests/unit/test-engine.c tests/unit/fake-cs.c tests/unit/fake-cs.h
tests_unit_engine_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_engine_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_engine_tap_LDADD = libvolumed.la libtap.la
check_PROGRAMS += tests/unit/log.tap
tests_unit_log_tap_SOURCES = tests/unit/test-log.c
tests_unit_log_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_log_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_log_tap_LDADD = libvolumed.la libtap.la

check_PROGRAMS += tests/unit/config.tap
tests_unit_config_tap_SOURCES = tests/unit/test-config.c
tests_unit_config_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_config_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_config_tap_LDADD = libvolumed.la libtap.la

check_PROGRAMS += tests/unit/plugin.tap
tests_unit_plugin_tap_SOURCES = tests/unit/test-plugin.c
tests_unit_plugin_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_plugin_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_plugin_tap_LDADD = libvolumed.la libtap.la


include tests/plugins/local.mk
include tests/fuzz/local.mk
