# SPDX-License-Identifier: LGPL-2.1-or-later
# The simulator: a library and a small main(). The unit tests of its model link the library.

noinst_LTLIBRARIES += libsim.la
libsim_la_SOURCES = \
	sim/api/admin.c \
	sim/api/api-internal.h \
	sim/api/api.c \
	sim/api/api.h \
	sim/api/errors.c \
	sim/api/faults.c \
	sim/api/nodes.c \
	sim/api/parked.c \
	sim/api/past.c \
	sim/api/serialize.c \
	sim/commands/access.c \
	sim/commands/answer.c \
	sim/commands/attach.c \
	sim/commands/call.c \
	sim/commands/commands-internal.h \
	sim/commands/commands.h \
	sim/commands/declared-internal.h \
	sim/commands/declared-lists.c \
	sim/commands/declared.c \
	sim/commands/deploy-network.c \
	sim/commands/deploy.c \
	sim/commands/find.c \
	sim/commands/job.c \
	sim/commands/known.c \
	sim/commands/limit.c \
	sim/commands/list-rows.c \
	sim/commands/list-volumes.c \
	sim/commands/list.c \
	sim/commands/migrate.c \
	sim/commands/misc.c \
	sim/commands/param.c \
	sim/commands/resize.c \
	sim/commands/row-snapshot.c \
	sim/commands/row-vm.c \
	sim/commands/row-volume.c \
	sim/commands/row.c \
	sim/commands/sim.c \
	sim/commands/snapshot-list.c \
	sim/commands/snapshot.c \
	sim/commands/start.c \
	sim/commands/state.c \
	sim/commands/tag-change.c \
	sim/commands/tag.c \
	sim/commands/unpack.c \
	sim/commands/vm-destroy.c \
	sim/commands/vm-list.c \
	sim/commands/vm.c \
	sim/commands/volume-delete.c \
	sim/commands/volume.c \
	sim/http/http.c \
	sim/http/http.h \
	sim/http/jetty.c \
	sim/http/jetty.h \
	sim/http/request.c \
	sim/http/request.h \
	sim/hypervisor/disk-umockdev-internal.h \
	sim/hypervisor/disk-umockdev.c \
	sim/hypervisor/hypervisor-internal.h \
	sim/hypervisor/hypervisor.c \
	sim/hypervisor/hypervisor.h \
	sim/hypervisor/qmp.c \
	sim/hypervisor/umockdev.c \
	sim/jobs/jobs-internal.h \
	sim/jobs/jobs.c \
	sim/jobs/jobs.h \
	sim/jobs/outage.c \
	sim/log/log.c \
	sim/log/log.h \
	sim/model/account.c \
	sim/model/guest.c \
	sim/model/java.c \
	sim/model/memory.c \
	sim/model/object.c \
	sim/model/model.h \
	sim/model/mysql.c \
	sim/model/poke.c \
	sim/model/seed-internal.h \
	sim/model/seed.c \
	sim/model/settings.c \
	sim/model/sim.h \
	sim/model/vm.c \
	sim/model/volume.c \
	$(NULL)
libsim_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/sim
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
