# SPDX-License-Identifier: LGPL-2.1-or-later
# Integration tests. Most start the real daemon on a private bus, with the simulator as its CloudStack. There is a
# folder for each room of src/, plugins/ and sim/ that they test; product/ tests what is shipped: installation,
# packages, manuals and examples.

check_LTLIBRARIES += libomaenv.la
libomaenv_la_SOURCES = tests/integration/oma/oma-env.c tests/integration/oma/oma-env.h
libomaenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libomaenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/integration/oma/oma.tap
tests_integration_oma_oma_tap_SOURCES = tests/integration/oma/test-oma.c
tests_integration_oma_oma_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_oma_oma_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_oma_oma_tap_LDADD = libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/oma/appliance.tap
tests_integration_oma_appliance_tap_SOURCES = tests/integration/oma/test-appliance.c
tests_integration_oma_appliance_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_oma_appliance_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_oma_appliance_tap_LDADD = libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/oma/reconcile.tap
tests_integration_oma_reconcile_tap_SOURCES = tests/integration/oma/test-reconcile.c
tests_integration_oma_reconcile_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_oma_reconcile_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_oma_reconcile_tap_LDADD = libomaenv.la $(WORLD_LDADD)

check_LTLIBRARIES += libfailoverenv.la
libfailoverenv_la_SOURCES = tests/integration/failover/failover-env.c tests/integration/failover/failover-env.h
libfailoverenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libfailoverenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/integration/failover/failover.tap
tests_integration_failover_failover_tap_SOURCES = tests/integration/failover/test-failover.c
tests_integration_failover_failover_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_failover_failover_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_failover_failover_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/failover/back.tap
tests_integration_failover_back_tap_SOURCES = tests/integration/failover/test-back.c
tests_integration_failover_back_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_failover_back_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_failover_back_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/failover/end.tap
tests_integration_failover_end_tap_SOURCES = tests/integration/failover/test-end.c
tests_integration_failover_end_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_failover_end_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_failover_end_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/engine/guards.tap
tests_integration_engine_guards_tap_SOURCES = tests/integration/engine/test-guards.c
tests_integration_engine_guards_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_engine_guards_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_engine_guards_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/engine/unknown.tap
tests_integration_engine_unknown_tap_SOURCES = tests/integration/engine/test-unknown.c
tests_integration_engine_unknown_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_engine_unknown_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_engine_unknown_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/failover/guards.tap
tests_integration_failover_guards_tap_SOURCES = tests/integration/failover/test-guards.c
tests_integration_failover_guards_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_failover_guards_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_failover_guards_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_LTLIBRARIES += libfailoverscenario.la
libfailoverscenario_la_SOURCES = \
	tests/integration/failover/failover-scenario.c \
	tests/integration/failover/failover-scenario.h \
	$(NULL)
libfailoverscenario_la_CPPFLAGS = $(TEST_CPPFLAGS)
libfailoverscenario_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/integration/failover/matrix.tap
tests_integration_failover_matrix_tap_SOURCES = tests/integration/failover/test-matrix.c
tests_integration_failover_matrix_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_failover_matrix_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_failover_matrix_tap_LDADD = libfailoverscenario.la libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/failover/kill.tap
tests_integration_failover_kill_tap_SOURCES = tests/integration/failover/test-kill.c
tests_integration_failover_kill_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_failover_kill_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_failover_kill_tap_LDADD = libfailoverscenario.la libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/engine/soak.tap
tests_integration_engine_soak_tap_SOURCES = \
	tests/integration/engine/soak-check.c \
	tests/integration/engine/soak-check.h \
	tests/integration/engine/test-soak.c \
	$(NULL)
tests_integration_engine_soak_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_engine_soak_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_engine_soak_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/product/example.tap
tests_integration_product_example_tap_SOURCES = tests/integration/product/test-example.c
tests_integration_product_example_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_product_example_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_product_example_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/oma/matrix.tap
tests_integration_oma_matrix_tap_SOURCES = tests/integration/oma/test-matrix.c
tests_integration_oma_matrix_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_oma_matrix_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_oma_matrix_tap_LDADD = libomaenv.la $(WORLD_LDADD)

check_LTLIBRARIES += libbusenv.la
libbusenv_la_SOURCES = tests/integration/bus/bus-env.c tests/integration/bus/bus-env.h
libbusenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libbusenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/integration/bus/bus.tap
tests_integration_bus_bus_tap_SOURCES = tests/integration/bus/test-bus.c
tests_integration_bus_bus_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_bus_bus_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_bus_bus_tap_LDADD = libbusenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/bus/objects.tap
tests_integration_bus_objects_tap_SOURCES = tests/integration/bus/test-objects.c
tests_integration_bus_objects_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_bus_objects_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_bus_objects_tap_LDADD = libbusenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/bus/life.tap
tests_integration_bus_life_tap_SOURCES = tests/integration/bus/test-life.c
tests_integration_bus_life_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_bus_life_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_bus_life_tap_LDADD = libbusenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/test-vm/matrix.tap
tests_integration_test_vm_matrix_tap_SOURCES = tests/integration/test-vm/test-matrix.c
tests_integration_test_vm_matrix_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_test_vm_matrix_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_test_vm_matrix_tap_LDADD = $(WORLD_LDADD)

check_PROGRAMS += tests/integration/service/contract.tap
tests_integration_service_contract_tap_SOURCES = tests/integration/service/test-contract.c
tests_integration_service_contract_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_service_contract_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_service_contract_tap_LDADD = libomaenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/service/service.tap
tests_integration_service_service_tap_SOURCES = tests/integration/service/test-service.c
tests_integration_service_service_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_service_service_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_service_service_tap_LDADD = $(WORLD_LDADD)

check_PROGRAMS += tests/integration/daemon/daemon.tap
tests_integration_daemon_daemon_tap_SOURCES = tests/integration/daemon/test-daemon.c
tests_integration_daemon_daemon_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_daemon_daemon_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_daemon_daemon_tap_LDADD = $(WORLD_LDADD)

check_PROGRAMS += tests/integration/service/cloud.tap
tests_integration_service_cloud_tap_SOURCES = tests/integration/service/test-cloud.c
tests_integration_service_cloud_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_service_cloud_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_service_cloud_tap_LDADD = $(WORLD_LDADD)

check_PROGRAMS += tests/integration/service/away.tap
tests_integration_service_away_tap_SOURCES = tests/integration/service/test-away.c
tests_integration_service_away_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_service_away_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_service_away_tap_LDADD = $(WORLD_LDADD)

check_PROGRAMS += tests/integration/product/demo.tap
tests_integration_product_demo_tap_SOURCES = tests/integration/product/test-demo.c
tests_integration_product_demo_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_product_demo_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_product_demo_tap_LDADD = $(WORLD_LDADD)

check_LTLIBRARIES += libpeerenv.la
libpeerenv_la_SOURCES = tests/integration/bus/peer-env.c tests/integration/bus/peer-env.h
libpeerenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libpeerenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/integration/bus/peer.tap
tests_integration_bus_peer_tap_SOURCES = tests/integration/bus/test-peer.c
tests_integration_bus_peer_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_bus_peer_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_bus_peer_tap_LDADD = libpeerenv.la libbusenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/bus/peer-limits.tap
tests_integration_bus_peer_limits_tap_SOURCES = tests/integration/bus/test-peer-limits.c
tests_integration_bus_peer_limits_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_bus_peer_limits_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_bus_peer_limits_tap_LDADD = libpeerenv.la libbusenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/bus/access.tap
tests_integration_bus_access_tap_SOURCES = tests/integration/bus/test-access.c
tests_integration_bus_access_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_bus_access_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_bus_access_tap_LDADD = libbusenv.la $(WORLD_LDADD)

check_LTLIBRARIES += libwaysenv.la
libwaysenv_la_SOURCES = tests/integration/daemon/ways-env.c tests/integration/daemon/ways-env.h
libwaysenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libwaysenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/integration/daemon/ways.tap
tests_integration_daemon_ways_tap_SOURCES = tests/integration/daemon/test-ways.c
tests_integration_daemon_ways_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_daemon_ways_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_daemon_ways_tap_LDADD = libwaysenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/daemon/polkit.tap
tests_integration_daemon_polkit_tap_SOURCES = tests/integration/daemon/test-polkit.c
tests_integration_daemon_polkit_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_daemon_polkit_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_daemon_polkit_tap_LDADD = libwaysenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/daemon/units.tap
tests_integration_daemon_units_tap_SOURCES = tests/integration/daemon/test-units.c
tests_integration_daemon_units_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_daemon_units_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_daemon_units_tap_LDADD = libwaysenv.la $(WORLD_LDADD)

check_PROGRAMS += tests/integration/daemon/check-config.tap
tests_integration_daemon_check_config_tap_SOURCES = tests/integration/daemon/test-check-config.c
tests_integration_daemon_check_config_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_daemon_check_config_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_daemon_check_config_tap_LDADD = libwaysenv.la $(WORLD_LDADD)

# what others get of us: an installation, packages, manuals, examples
check_PROGRAMS += tests/integration/product/install.tap
tests_integration_product_install_tap_SOURCES = tests/integration/product/test-install.c
tests_integration_product_install_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_product_install_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_product_install_tap_LDADD = $(WORLD_LDADD)

check_PROGRAMS += tests/integration/product/examples.tap
tests_integration_product_examples_tap_SOURCES = tests/integration/product/test-examples.c
tests_integration_product_examples_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_integration_product_examples_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_product_examples_tap_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD)

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

dist_check_SCRIPTS += tests/integration/product/manuals.tap tests/integration/product/package.tap
EXTRA_DIST += tests/integration/product/test-manuals.py
TESTS += tests/integration/product/manuals.tap

# builds by itself: once is enough
if !SANITIZERS
TESTS += tests/integration/product/package.tap
endif

SIM_TEST_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
check_LTLIBRARIES += libsimclient.la
libsimclient_la_SOURCES = tests/integration/sim/sim-client.c tests/integration/sim/sim-client.h
libsimclient_la_CPPFLAGS = $(SIM_TEST_CPPFLAGS)
libsimclient_la_CFLAGS = $(TEST_CFLAGS)
libsimclient_la_LIBADD = $(WORLD_LDADD)

check_PROGRAMS += tests/integration/sim/sim.tap
tests_integration_sim_sim_tap_SOURCES = tests/integration/sim/test-sim.c
tests_integration_sim_sim_tap_CPPFLAGS = $(SIM_TEST_CPPFLAGS)
tests_integration_sim_sim_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_sim_sim_tap_LDADD = libsimclient.la

check_PROGRAMS += tests/integration/sim/faults.tap
tests_integration_sim_faults_tap_SOURCES = tests/integration/sim/test-faults.c
tests_integration_sim_faults_tap_CPPFLAGS = $(SIM_TEST_CPPFLAGS)
tests_integration_sim_faults_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_sim_faults_tap_LDADD = libsimclient.la

check_PROGRAMS += tests/integration/sim/servers.tap
tests_integration_sim_servers_tap_SOURCES = tests/integration/sim/test-servers.c
tests_integration_sim_servers_tap_CPPFLAGS = $(SIM_TEST_CPPFLAGS)
tests_integration_sim_servers_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_sim_servers_tap_LDADD = libsimclient.la

# A client that nobody here wrote.
dist_check_SCRIPTS += tests/integration/sim/libcloud.tap
EXTRA_DIST += tests/integration/sim/test-libcloud.py
TESTS += tests/integration/sim/libcloud.tap

# What a real CloudStack answered.
dist_check_SCRIPTS += tests/integration/sim/replay.tap
TESTS += tests/integration/sim/replay.tap
EXTRA_DIST += \
	tests/integration/sim/recordings/differences.jsonl.gz \
	tests/integration/sim/recordings/failures.jsonl.gz \
	tests/integration/sim/recordings/other-accounts.jsonl.gz \
	tests/integration/sim/recordings/races.jsonl.gz \
	tests/integration/sim/recordings/restart.jsonl.gz \
	tests/integration/sim/recordings/seed.json \
	tests/integration/sim/recordings/subjects/attach-detach.jsonl.gz \
	tests/integration/sim/recordings/subjects/auth-errors.jsonl.gz \
	tests/integration/sim/recordings/subjects/customjobid.jsonl.gz \
	tests/integration/sim/recordings/subjects/delete.jsonl.gz \
	tests/integration/sim/recordings/subjects/jobs.jsonl.gz \
	tests/integration/sim/recordings/subjects/lists-paging.jsonl.gz \
	tests/integration/sim/recordings/subjects/projects.jsonl.gz \
	tests/integration/sim/recordings/subjects/rate-limit.jsonl.gz \
	tests/integration/sim/recordings/subjects/refusals.jsonl.gz \
	tests/integration/sim/recordings/subjects/resize.jsonl.gz \
	tests/integration/sim/recordings/subjects/restart.jsonl.gz \
	tests/integration/sim/recordings/subjects/signature.jsonl.gz \
	tests/integration/sim/recordings/subjects/snapshots.jsonl.gz \
	tests/integration/sim/recordings/subjects/tags.jsonl.gz \
	tests/integration/sim/recordings/subjects/vms.jsonl.gz \
	tests/integration/sim/recordings/user.jsonl.gz \
	tests/integration/sim/replay-exceptions.json \
	tests/integration/sim/replay.py \
	tests/integration/sim/replay_check.py \
	tests/integration/sim/replay_scripts.py \
	tests/integration/sim/replay_stories.py \
	tests/integration/sim/replay_titles.py \
	tests/integration/sim/test-replay.py \
	$(NULL)

check_PROGRAMS += tests/integration/sim/hypervisor.tap
tests_integration_sim_hypervisor_tap_SOURCES = tests/integration/sim/test-hypervisor.c
tests_integration_sim_hypervisor_tap_CPPFLAGS = $(SIM_TEST_CPPFLAGS)
tests_integration_sim_hypervisor_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_sim_hypervisor_tap_LDADD = libsimclient.la
