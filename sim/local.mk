# SPDX-License-Identifier: LGPL-2.1-or-later
# The simulator is a library and a small main(), so that the model's tests link the real code.

noinst_LTLIBRARIES += libsim.la
libsim_la_SOURCES = \
	sim/admin.c \
	sim/api.c \
	sim/commands-attach.c \
	sim/commands-deploy.c \
	sim/commands-job.c \
	sim/commands-misc.c \
	sim/commands-resize.c \
	sim/commands-snapshot.c \
	sim/commands-tag.c \
	sim/commands-vm.c \
	sim/commands-volume.c \
	sim/disk-umockdev.c \
	sim/disk-umockdev.h \
	sim/faults.c \
	sim/http-internal.h \
	sim/http.c \
	sim/hypervisor-qmp.c \
	sim/hypervisor-umockdev.c \
	sim/hypervisor.c \
	sim/hypervisor.h \
	sim/jobs.c \
	sim/log.c \
	sim/model-call.c \
	sim/model-row.c \
	sim/model-seed.c \
	sim/model-settings.c \
	sim/model.c \
	sim/model.h \
	sim/request.c \
	sim/sim.h \
	$(NULL)
libsim_la_CPPFLAGS = $(AM_CPPFLAGS)
libsim_la_CFLAGS = $(AM_CFLAGS) $(SIM_DEPS_CFLAGS)
libsim_la_LIBADD = $(SIM_DEPS_LIBS)

SIM_DEPS_CFLAGS = $(SYSTEMD_CFLAGS) $(JSON_CFLAGS) $(CRYPTO_CFLAGS) $(MICROHTTPD_CFLAGS) \
	$(UMOCKDEV_CFLAGS)
SIM_DEPS_LIBS = $(SYSTEMD_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) $(MICROHTTPD_LIBS) $(UMOCKDEV_LIBS)

noinst_PROGRAMS += sim/cloudstack-sim
sim_cloudstack_sim_SOURCES = sim/main.c
sim_cloudstack_sim_CPPFLAGS = $(libsim_la_CPPFLAGS)
sim_cloudstack_sim_CFLAGS = $(libsim_la_CFLAGS)
sim_cloudstack_sim_LDADD = libsim.la libvolumed.la

EXTRA_DIST += sim/README.md

# What the simulator's own tests need.
check_LTLIBRARIES += libsimenv.la
libsimenv_la_SOURCES = tests/unit/sim-env.c tests/unit/sim-env.h
libsimenv_la_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
libsimenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/unit/sim-model.tap
tests_unit_sim_model_tap_SOURCES = tests/unit/test-sim-model.c
tests_unit_sim_model_tap_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
tests_unit_sim_model_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_sim_model_tap_LDADD = libsimenv.la libsim.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/sim-life.tap
tests_unit_sim_life_tap_SOURCES = tests/unit/test-sim-life.c
tests_unit_sim_life_tap_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
tests_unit_sim_life_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_sim_life_tap_LDADD = libsimenv.la libsim.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/sim-lists.tap
tests_unit_sim_lists_tap_SOURCES = tests/unit/test-sim-lists.c
tests_unit_sim_lists_tap_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
tests_unit_sim_lists_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_sim_lists_tap_LDADD = libsimenv.la libsim.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/sim-jobs.tap
tests_unit_sim_jobs_tap_SOURCES = tests/unit/test-sim-jobs.c
tests_unit_sim_jobs_tap_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
tests_unit_sim_jobs_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_sim_jobs_tap_LDADD = libsimenv.la libsim.la libvolumed.la libtap.la

SIM_TEST_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
check_LTLIBRARIES += libsimclient.la
libsimclient_la_SOURCES = tests/integration/sim-client.c tests/integration/sim-client.h
libsimclient_la_CPPFLAGS = $(SIM_TEST_CPPFLAGS)
libsimclient_la_CFLAGS = $(TEST_CFLAGS)
libsimclient_la_LIBADD = libvolumed.la libtap.la

check_PROGRAMS += tests/integration/sim.tap
tests_integration_sim_tap_SOURCES = tests/integration/test-sim.c
tests_integration_sim_tap_CPPFLAGS = $(SIM_TEST_CPPFLAGS)
tests_integration_sim_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_sim_tap_LDADD = libsimclient.la

check_PROGRAMS += tests/integration/sim-faults.tap
tests_integration_sim_faults_tap_SOURCES = tests/integration/test-sim-faults.c
tests_integration_sim_faults_tap_CPPFLAGS = $(SIM_TEST_CPPFLAGS)
tests_integration_sim_faults_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_sim_faults_tap_LDADD = libsimclient.la

# A client that nobody here wrote.
dist_check_SCRIPTS += tests/integration/libcloud.tap
EXTRA_DIST += tests/integration/test-libcloud.py
TESTS += tests/integration/libcloud.tap

check_PROGRAMS += tests/integration/sim-hypervisor.tap
tests_integration_sim_hypervisor_tap_SOURCES = tests/integration/test-sim-hypervisor.c
tests_integration_sim_hypervisor_tap_CPPFLAGS = $(SIM_TEST_CPPFLAGS)
tests_integration_sim_hypervisor_tap_CFLAGS = $(TEST_CFLAGS)
tests_integration_sim_hypervisor_tap_LDADD = libsimclient.la

