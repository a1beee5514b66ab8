# SPDX-License-Identifier: LGPL-2.1-or-later
# The simulator: a library and a small main(). The unit tests of its model link the library.

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
