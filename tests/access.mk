# SPDX-License-Identifier: LGPL-2.1-or-later
# Ways in: the private socket, polkit, the units; other users.

check_LTLIBRARIES += libpeerenv.la
libpeerenv_la_SOURCES = tests/integration/peer-env.c tests/integration/peer-env.h
libpeerenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libpeerenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/integration/peer.tap
tests_integration_peer_tap_SOURCES = tests/integration/test-peer.c
tests_integration_peer_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_peer_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_peer_tap_LDADD = libpeerenv.la libbusenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/peer-limits.tap
tests_integration_peer_limits_tap_SOURCES = tests/integration/test-peer-limits.c
tests_integration_peer_limits_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_peer_limits_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_peer_limits_tap_LDADD = libpeerenv.la libbusenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/access.tap
tests_integration_access_tap_SOURCES = tests/integration/test-access.c
tests_integration_access_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_access_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_access_tap_LDADD = libbusenv.la $(WORLD_LDADD)

check_LTLIBRARIES += libwaysenv.la
libwaysenv_la_SOURCES = tests/integration/ways-env.c tests/integration/ways-env.h
libwaysenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libwaysenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/integration/ways.tap
tests_integration_ways_tap_SOURCES = tests/integration/test-ways.c
tests_integration_ways_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_ways_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_ways_tap_LDADD = libwaysenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/polkit.tap
tests_integration_polkit_tap_SOURCES = tests/integration/test-polkit.c
tests_integration_polkit_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_polkit_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_polkit_tap_LDADD = libwaysenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/units.tap
tests_integration_units_tap_SOURCES = tests/integration/test-units.c
tests_integration_units_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_units_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_units_tap_LDADD = libwaysenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/check-config.tap
tests_integration_check_config_tap_SOURCES = tests/integration/test-check-config.c
tests_integration_check_config_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_check_config_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_check_config_tap_LDADD = libwaysenv.la $(WORLD_LDADD)
