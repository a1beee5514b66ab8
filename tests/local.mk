# SPDX-License-Identifier: LGPL-2.1-or-later
# Every test is a CUnit program that prints TAP (tests/tap.h).

TEST_EXTENSIONS = .tap
TAP_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
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

# fake-cs stands in for the client: it comes before libvolumed
check_LTLIBRARIES += libengineenv.la
libengineenv_la_SOURCES = \
	tests/unit/engine-env.c \
	tests/unit/engine-env.h \
	tests/unit/fake-cs.c \
	tests/unit/fake-cs.h \
	$(NULL)
libengineenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libengineenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/unit/engine.tap
tests_unit_engine_tap_SOURCES = tests/unit/test-engine.c
tests_unit_engine_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_engine_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_engine_tap_LDADD = libengineenv.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/engine-away.tap
tests_unit_engine_away_tap_SOURCES = tests/unit/test-engine-away.c
tests_unit_engine_away_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_engine_away_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_engine_away_tap_LDADD = libengineenv.la libvolumed.la libtap.la

# brings its own table of disks
check_PROGRAMS += tests/unit/volume.tap
tests_unit_volume_tap_SOURCES = tests/unit/test-volume.c
tests_unit_volume_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_volume_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_volume_tap_LDADD = libvolumed.la libtap.la

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

check_PROGRAMS += tests/unit/cloudstack-sign.tap
tests_unit_cloudstack_sign_tap_SOURCES = tests/unit/test-cloudstack-sign.c
tests_unit_cloudstack_sign_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_cloudstack_sign_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_cloudstack_sign_tap_LDADD = libvolumed.la libtap.la

check_PROGRAMS += tests/unit/cloudstack-json.tap
tests_unit_cloudstack_json_tap_SOURCES = tests/unit/test-cloudstack-json.c
tests_unit_cloudstack_json_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_cloudstack_json_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_cloudstack_json_tap_LDADD = libvolumed.la libtap.la

# these talk to an HTTP server of their own on 127.0.0.1
check_LTLIBRARIES += libcloudstackenv.la
libcloudstackenv_la_SOURCES = \
	tests/unit/cloudstack-env.c \
	tests/unit/cloudstack-env.h \
	tests/unit/fake-http.c \
	tests/unit/fake-http.h \
	$(NULL)
libcloudstackenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libcloudstackenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/unit/cloudstack.tap
tests_unit_cloudstack_tap_SOURCES = tests/unit/test-cloudstack.c
tests_unit_cloudstack_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_cloudstack_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_cloudstack_tap_LDADD = libcloudstackenv.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/cloudstack-answers.tap
tests_unit_cloudstack_answers_tap_SOURCES = tests/unit/test-cloudstack-answers.c
tests_unit_cloudstack_answers_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_cloudstack_answers_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_cloudstack_answers_tap_LDADD = libcloudstackenv.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/cloudstack-jobs.tap
tests_unit_cloudstack_jobs_tap_SOURCES = tests/unit/test-cloudstack-jobs.c
tests_unit_cloudstack_jobs_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_cloudstack_jobs_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_cloudstack_jobs_tap_LDADD = libcloudstackenv.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/cloudstack-tls.tap
tests_unit_cloudstack_tls_tap_SOURCES = tests/unit/test-cloudstack-tls.c
tests_unit_cloudstack_tls_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_cloudstack_tls_tap_CFLAGS = $(TEST_CFLAGS) $(MICROHTTPD_CFLAGS)
tests_unit_cloudstack_tls_tap_LDADD = libcloudstackenv.la libvolumed.la libtap.la $(MICROHTTPD_LIBS)

# integration tests: the real daemon on a private bus, with the simulator as its CloudStack
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

check_LTLIBRARIES += libomaenv.la
libomaenv_la_SOURCES = tests/integration/oma-env.c tests/integration/oma-env.h
libomaenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libomaenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/integration/oma.tap
tests_integration_oma_tap_SOURCES = tests/integration/test-oma.c
tests_integration_oma_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_oma_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_oma_tap_LDADD = libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/appliance.tap
tests_integration_appliance_tap_SOURCES = tests/integration/test-appliance.c
tests_integration_appliance_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_appliance_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_appliance_tap_LDADD = libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/reconcile.tap
tests_integration_reconcile_tap_SOURCES = tests/integration/test-reconcile.c
tests_integration_reconcile_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_reconcile_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_reconcile_tap_LDADD = libomaenv.la $(WORLD_LDADD)

check_LTLIBRARIES += libfailoverenv.la
libfailoverenv_la_SOURCES = tests/integration/failover-env.c tests/integration/failover-env.h
libfailoverenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libfailoverenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/integration/failover.tap
tests_integration_failover_tap_SOURCES = tests/integration/test-failover.c
tests_integration_failover_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_failover_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_failover_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/failover-back.tap
tests_integration_failover_back_tap_SOURCES = tests/integration/test-failover-back.c
tests_integration_failover_back_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_failover_back_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_failover_back_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/failover-end.tap
tests_integration_failover_end_tap_SOURCES = tests/integration/test-failover-end.c
tests_integration_failover_end_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_failover_end_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_failover_end_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/guards.tap
tests_integration_guards_tap_SOURCES = tests/integration/test-guards.c
tests_integration_guards_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_guards_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_guards_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/unknown.tap
tests_integration_unknown_tap_SOURCES = tests/integration/test-unknown.c
tests_integration_unknown_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_unknown_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_unknown_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/failover-guards.tap
tests_integration_failover_guards_tap_SOURCES = tests/integration/test-failover-guards.c
tests_integration_failover_guards_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_failover_guards_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_failover_guards_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_LTLIBRARIES += libfailoverscenario.la
libfailoverscenario_la_SOURCES = \
	tests/integration/failover-scenario.c \
	tests/integration/failover-scenario.h \
	$(NULL)
libfailoverscenario_la_CPPFLAGS = $(TEST_CPPFLAGS)
libfailoverscenario_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/integration/failover-matrix.tap
tests_integration_failover_matrix_tap_SOURCES = tests/integration/test-failover-matrix.c
tests_integration_failover_matrix_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_failover_matrix_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_failover_matrix_tap_LDADD = libfailoverscenario.la libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/failover-kill.tap
tests_integration_failover_kill_tap_SOURCES = tests/integration/test-failover-kill.c
tests_integration_failover_kill_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_failover_kill_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_failover_kill_tap_LDADD = libfailoverscenario.la libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/soak.tap
tests_integration_soak_tap_SOURCES = \
	tests/integration/soak-check.c \
	tests/integration/soak-check.h \
	tests/integration/test-soak.c \
	$(NULL)
tests_integration_soak_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_soak_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_soak_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/example.tap
tests_integration_example_tap_SOURCES = tests/integration/test-example.c
tests_integration_example_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_example_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_example_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/oma-matrix.tap
tests_integration_oma_matrix_tap_SOURCES = tests/integration/test-oma-matrix.c
tests_integration_oma_matrix_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_oma_matrix_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_oma_matrix_tap_LDADD = libomaenv.la $(WORLD_LDADD)

check_LTLIBRARIES += libbusenv.la
libbusenv_la_SOURCES = tests/integration/bus-env.c tests/integration/bus-env.h
libbusenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libbusenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/integration/bus.tap
tests_integration_bus_tap_SOURCES = tests/integration/test-bus.c
tests_integration_bus_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_bus_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_bus_tap_LDADD = libbusenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/bus-objects.tap
tests_integration_bus_objects_tap_SOURCES = tests/integration/test-bus-objects.c
tests_integration_bus_objects_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_bus_objects_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_bus_objects_tap_LDADD = libbusenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/bus-life.tap
tests_integration_bus_life_tap_SOURCES = tests/integration/test-bus-life.c
tests_integration_bus_life_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_bus_life_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_bus_life_tap_LDADD = libbusenv.la $(WORLD_LDADD)

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

check_PROGRAMS += tests/integration/matrix.tap
tests_integration_matrix_tap_SOURCES = tests/integration/test-matrix.c
tests_integration_matrix_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_matrix_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_matrix_tap_LDADD = $(WORLD_LDADD)

# These fake a machine within the test's process: umockdev's preload library is linked, ahead of libc.
UMOCKDEV_PRELOAD = -Wl,--push-state,--no-as-needed,-l:libumockdev-preload.so.0,--pop-state

check_LTLIBRARIES += libdeviceenv.la
libdeviceenv_la_SOURCES = tests/unit/device-env.c tests/unit/device-env.h
libdeviceenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libdeviceenv_la_CFLAGS = $(TEST_CFLAGS) $(UMOCKDEV_CFLAGS)
libdeviceenv_la_LIBADD = $(UMOCKDEV_LIBS)

check_PROGRAMS += tests/unit/device.tap
tests_unit_device_tap_SOURCES = tests/unit/test-device.c
tests_unit_device_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_device_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_device_tap_LDFLAGS = $(AM_LDFLAGS) $(UMOCKDEV_PRELOAD)
tests_unit_device_tap_LDADD = libdeviceenv.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/device-disk.tap
tests_unit_device_disk_tap_SOURCES = tests/unit/test-device-disk.c
tests_unit_device_disk_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_device_disk_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_device_disk_tap_LDFLAGS = $(AM_LDFLAGS) $(UMOCKDEV_PRELOAD)
tests_unit_device_disk_tap_LDADD = libdeviceenv.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/device-users.tap
tests_unit_device_users_tap_SOURCES = tests/unit/test-device-users.c
tests_unit_device_users_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_device_users_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_device_users_tap_LDFLAGS = $(AM_LDFLAGS) $(UMOCKDEV_PRELOAD)
tests_unit_device_users_tap_LDADD = libdeviceenv.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/device-real.tap
tests_unit_device_real_tap_SOURCES = tests/unit/test-device-real.c
tests_unit_device_real_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_device_real_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_device_real_tap_LDADD = libvolumed.la libtap.la

check_PROGRAMS += tests/integration/contract.tap
tests_integration_contract_tap_SOURCES = tests/integration/test-contract.c
tests_integration_contract_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_contract_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_contract_tap_LDADD = libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/service.tap
tests_integration_service_tap_SOURCES = tests/integration/test-service.c
tests_integration_service_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_service_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_service_tap_LDADD = $(WORLD_LDADD)

check_PROGRAMS += tests/integration/daemon.tap
tests_integration_daemon_tap_SOURCES = tests/integration/test-daemon.c
tests_integration_daemon_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_daemon_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_daemon_tap_LDADD = $(WORLD_LDADD)

check_PROGRAMS += tests/integration/service-cloud.tap
tests_integration_service_cloud_tap_SOURCES = tests/integration/test-service-cloud.c
tests_integration_service_cloud_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_service_cloud_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_service_cloud_tap_LDADD = $(WORLD_LDADD)

check_PROGRAMS += tests/integration/service-away.tap
tests_integration_service_away_tap_SOURCES = tests/integration/test-service-away.c
tests_integration_service_away_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_service_away_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_service_away_tap_LDADD = $(WORLD_LDADD)

check_PROGRAMS += tests/integration/demo.tap
tests_integration_demo_tap_SOURCES = tests/integration/test-demo.c
tests_integration_demo_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_demo_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_demo_tap_LDADD = $(WORLD_LDADD)

EXTRA_DIST += tests/demo

include tests/access.mk
include tests/package.mk
include tests/plugins/local.mk
include tests/fuzz/local.mk
