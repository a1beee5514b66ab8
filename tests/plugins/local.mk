# SPDX-License-Identifier: LGPL-2.1-or-later
# Plugins for the test of the loader: good ones, and others with one mistake each. One of them needs an undefined
# symbol, which is its mistake. They are never installed; libtool makes a shared library only with -rpath.

FAULT_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere

check_LTLIBRARIES += tests/plugins/good.la
tests_plugins_good_la_SOURCES = tests/plugins/fault.c
tests_plugins_good_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_NAME=\"good\"
tests_plugins_good_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_plugins_good_la_LDFLAGS = $(FAULT_LDFLAGS)

check_LTLIBRARIES += tests/plugins/twin.la
tests_plugins_twin_la_SOURCES = tests/plugins/fault.c
tests_plugins_twin_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_NAME=\"twin\"
tests_plugins_twin_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_plugins_twin_la_LDFLAGS = $(FAULT_LDFLAGS)

check_LTLIBRARIES += tests/plugins/undefined.la
tests_plugins_undefined_la_SOURCES = tests/plugins/fault.c
tests_plugins_undefined_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_NAME=\"undefined\" -DFAULT_UNDEFINED -DFAULT_INTERFACE=\"org.migratekit.Volume1.FaultUndefined\"
tests_plugins_undefined_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_plugins_undefined_la_LDFLAGS = $(FAULT_LDFLAGS)

check_LTLIBRARIES += tests/plugins/symbol.la
tests_plugins_symbol_la_SOURCES = tests/plugins/fault.c
tests_plugins_symbol_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_NAME=\"symbol\" -DFAULT_SYMBOL -DFAULT_INTERFACE=\"org.migratekit.Volume1.FaultSymbol\"
tests_plugins_symbol_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_plugins_symbol_la_LDFLAGS = $(FAULT_LDFLAGS)

check_LTLIBRARIES += tests/plugins/null.la
tests_plugins_null_la_SOURCES = tests/plugins/fault.c
tests_plugins_null_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_NAME=\"null\" -DFAULT_NULL -DFAULT_INTERFACE=\"org.migratekit.Volume1.FaultNull\"
tests_plugins_null_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_plugins_null_la_LDFLAGS = $(FAULT_LDFLAGS)

check_LTLIBRARIES += tests/plugins/abi.la
tests_plugins_abi_la_SOURCES = tests/plugins/fault.c
tests_plugins_abi_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_NAME=\"abi\" -DFAULT_ABI -DFAULT_INTERFACE=\"org.migratekit.Volume1.FaultAbi\"
tests_plugins_abi_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_plugins_abi_la_LDFLAGS = $(FAULT_LDFLAGS)

check_LTLIBRARIES += tests/plugins/size.la
tests_plugins_size_la_SOURCES = tests/plugins/fault.c
tests_plugins_size_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_NAME=\"size\" -DFAULT_SIZE -DFAULT_INTERFACE=\"org.migratekit.Volume1.FaultSize\"
tests_plugins_size_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_plugins_size_la_LDFLAGS = $(FAULT_LDFLAGS)

check_LTLIBRARIES += tests/plugins/misnamed.la
tests_plugins_misnamed_la_SOURCES = tests/plugins/fault.c
tests_plugins_misnamed_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_NAME=\"other\" -DFAULT_INTERFACE=\"org.migratekit.Volume1.FaultMisnamed\"
tests_plugins_misnamed_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_plugins_misnamed_la_LDFLAGS = $(FAULT_LDFLAGS)

check_LTLIBRARIES += tests/plugins/init.la
tests_plugins_init_la_SOURCES = tests/plugins/fault.c
tests_plugins_init_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_NAME=\"init\" -DFAULT_INIT -DFAULT_INTERFACE=\"org.migratekit.Volume1.FaultInit\"
tests_plugins_init_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_plugins_init_la_LDFLAGS = $(FAULT_LDFLAGS)

check_LTLIBRARIES += tests/plugins/unsupported.la
tests_plugins_unsupported_la_SOURCES = tests/plugins/fault.c
tests_plugins_unsupported_la_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT_NAME=\"unsupported\" -DFAULT_UNSUPPORTED -DFAULT_INTERFACE=\"org.migratekit.Volume1.FaultUnsupported\"
tests_plugins_unsupported_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_plugins_unsupported_la_LDFLAGS = $(FAULT_LDFLAGS)
