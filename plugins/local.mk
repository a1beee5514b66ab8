# SPDX-License-Identifier: LGPL-2.1-or-later
# One loadable module for each volume class. They see include/migratekit/ and json-c, nothing else.

plugins_LTLIBRARIES = plugins/test-vm.la
PLUGIN_CPPFLAGS = -include config.h -I$(top_srcdir)/include
PLUGIN_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared $(PLUGIN_NO_UNDEFINED)

plugins_test_vm_la_SOURCES = plugins/test-vm.c
plugins_test_vm_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
plugins_test_vm_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
plugins_test_vm_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_test_vm_la_LIBADD = $(JSON_LIBS)

migratekitincludedir = $(includedir)/migratekit
migratekitinclude_HEADERS = include/migratekit/volume-plugin.h
