# SPDX-License-Identifier: LGPL-2.1-or-later
# What others get of us: an installation, packages, manuals, examples.

check_PROGRAMS += tests/integration/install.tap
tests_integration_install_tap_SOURCES = tests/integration/test-install.c
tests_integration_install_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_install_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_install_tap_LDADD = $(WORLD_LDADD)

check_PROGRAMS += tests/integration/examples.tap
tests_integration_examples_tap_SOURCES = tests/integration/test-examples.c
tests_integration_examples_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_examples_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_examples_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

EXTRA_DIST += \
	debian/changelog \
	debian/control \
	debian/copyright \
	debian/migratekit-volume-dev.install \
	debian/migratekit-volumed.install \
	debian/migratekit-volumed.postrm \
	debian/migratekit-volumed.prerm \
	debian/rules \
	debian/source/format \
	tests/package \
	tests/system/appliance.py \
	tests/system/build-guest \
	tests/system/guest-agent \
	tests/system/guest.py \
	tests/system/run \
	tests/system/test-appliance.py \
	$(NULL)

dist_check_SCRIPTS += tests/integration/manuals.tap tests/integration/package.tap
EXTRA_DIST += tests/integration/test-manuals.py
TESTS += tests/integration/manuals.tap

# builds by itself: once is enough
if !SANITIZERS
TESTS += tests/integration/package.tap
endif
