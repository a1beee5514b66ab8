# SPDX-License-Identifier: LGPL-2.1-or-later

TEMPLATES_MADE = \
	data/migratekit-volume-plugin.pc \
	data/migratekit-volumed.service \
	data/volumed.conf \
	$(NULL)
EXTRA_DIST += $(TEMPLATES_MADE:=.in)
CLEANFILES += $(TEMPLATES_MADE)
noinst_DATA += data/volumed.conf

PLUGIN_ABI = sed -n 's/^\#define MK_PLUGIN_ABI //p' '$(srcdir)/include/migratekit/volume-plugin.h'

# directories are make's to expand, not configure's
SUBSTITUTE = $(AM_V_GEN)$(MKDIR_P) data && \
	sed -e 's|@pluginsdir[@]|$(pluginsdir)|' -e 's|@statedir[@]|$(statedir)|' \
		-e 's|@sbindir[@]|$(sbindir)|' -e 's|@service_type[@]|$(SERVICE_TYPE)|' \
		-e 's|@exec_reload[@]|$(EXEC_RELOAD)|' -e 's|@prefix[@]|$(prefix)|' \
		-e 's|@includedir[@]|$(includedir)|' -e 's|@version[@]|$(PACKAGE_VERSION)|' \
		-e "s|@abi[@]|$$($(PLUGIN_ABI))|" \
		'$(srcdir)/$@.in' > $@.tmp && mv $@.tmp $@
data/volumed.conf: data/volumed.conf.in Makefile
	$(SUBSTITUTE)
data/migratekit-volumed.service: data/migratekit-volumed.service.in Makefile
	$(SUBSTITUTE)
data/migratekit-volume-plugin.pc: data/migratekit-volume-plugin.pc.in Makefile
	$(SUBSTITUTE)

pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = data/migratekit-volume-plugin.pc
systemdsystemunit_DATA = data/migratekit-volumed.service
dist_systemdsystemunit_DATA = data/migratekit-volumed.socket
dist_sysusers_DATA = data/sysusers.d/migratekit-volumed.conf
dist_tmpfiles_DATA = data/tmpfiles.d/migratekit-volumed.conf

# The administrator's file is kept; one that was never changed is removed.
install-conf: data/volumed.conf
	$(MKDIR_P) '$(DESTDIR)$(confdir)/volumed.conf.d'
	test -e '$(DESTDIR)$(confdir)/volumed.conf' || \
		$(INSTALL_DATA) data/volumed.conf '$(DESTDIR)$(confdir)/volumed.conf'
uninstall-conf: data/volumed.conf
	! cmp -s data/volumed.conf '$(DESTDIR)$(confdir)/volumed.conf' || \
		rm -f '$(DESTDIR)$(confdir)/volumed.conf'
	-rmdir '$(DESTDIR)$(confdir)/volumed.conf.d' '$(DESTDIR)$(confdir)' 2>/dev/null
.PHONY: install-conf uninstall-conf
