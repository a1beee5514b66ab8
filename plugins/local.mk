# SPDX-License-Identifier: LGPL-2.1-or-later
# One loadable module for each volume class. They see include/migratekit/ and json-c, nothing else.

plugins_LTLIBRARIES = plugins/failover.la plugins/oma.la plugins/test-vm.la
PLUGIN_CPPFLAGS = -include config.h -I$(top_srcdir)/include
PLUGIN_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared $(PLUGIN_NO_UNDEFINED)

noinst_LTLIBRARIES += libsteps.la
libsteps_la_SOURCES = \
	plugins/life.c \
	plugins/move.c \
	plugins/snapshot.c \
	plugins/steps.c \
	plugins/steps.h \
	$(NULL)
libsteps_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
libsteps_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)

plugins_failover_la_SOURCES = \
	plugins/failover-back.c \
	plugins/failover-move.c \
	plugins/failover-set.c \
	plugins/failover-snapshot.c \
	plugins/failover.c \
	plugins/failover.h \
	$(NULL)
plugins_failover_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_failover_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
plugins_failover_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_failover_la_LIBADD = libsteps.la $(JSON_LIBS)

plugins_oma_la_SOURCES = plugins/oma.c plugins/oma.h plugins/oma-create.c plugins/oma-reconcile.c
plugins_oma_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_oma_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
plugins_oma_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_oma_la_LIBADD = libsteps.la $(JSON_LIBS)

plugins_test_vm_la_SOURCES = plugins/test-vm.c
plugins_test_vm_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_test_vm_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
plugins_test_vm_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_test_vm_la_LIBADD = libsteps.la $(JSON_LIBS)

migratekitincludedir = $(includedir)/migratekit
migratekitinclude_HEADERS = include/migratekit/volume-plugin.h
