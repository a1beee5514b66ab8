# SPDX-License-Identifier: LGPL-2.1-or-later
# One loadable module for each volume class, from the folder of its name. They see include/migratekit/, json-c and
# steps/, what the classes share; nothing else.

plugins_LTLIBRARIES = plugins/failover.la plugins/oma.la plugins/test-vm.la
PLUGIN_CPPFLAGS = -include config.h -I$(top_srcdir)/include -I$(top_srcdir)/plugins
PLUGIN_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared $(PLUGIN_NO_UNDEFINED)

noinst_LTLIBRARIES += libsteps.la
libsteps_la_SOURCES = \
	plugins/steps/managed.c \
	plugins/steps/move.c \
	plugins/steps/snapshot.c \
	plugins/steps/steps.c \
	plugins/steps/steps.h \
	$(NULL)
libsteps_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
libsteps_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)

plugins_failover_la_SOURCES = \
	plugins/failover/failover.c \
	plugins/failover/failover-internal.h \
	plugins/failover/set-back.c \
	plugins/failover/set-move.c \
	plugins/failover/set-snapshot.c \
	plugins/failover/set.c \
	$(NULL)
plugins_failover_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_failover_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
plugins_failover_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_failover_la_LIBADD = libsteps.la $(JSON_LIBS)

plugins_oma_la_SOURCES = plugins/oma/create.c plugins/oma/oma.c plugins/oma/oma-internal.h plugins/oma/reconcile.c
plugins_oma_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_oma_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
plugins_oma_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_oma_la_LIBADD = libsteps.la $(JSON_LIBS)

plugins_test_vm_la_SOURCES = plugins/test-vm/test-vm.c
plugins_test_vm_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_test_vm_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
plugins_test_vm_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_test_vm_la_LIBADD = libsteps.la $(JSON_LIBS)

migratekitincludedir = $(includedir)/migratekit
migratekitinclude_HEADERS = include/migratekit/volume-plugin.h
