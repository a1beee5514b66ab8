# SPDX-License-Identifier: LGPL-2.1-or-later

EXTRA_DIST += data/volumed.conf.in
CLEANFILES += data/volumed.conf
noinst_DATA += data/volumed.conf

# directories are make's to expand, not configure's
data/volumed.conf: data/volumed.conf.in Makefile
	$(AM_V_GEN)$(MKDIR_P) data && \
	sed -e 's|@pluginsdir[@]|$(pluginsdir)|' -e 's|@statedir[@]|$(statedir)|' \
		'$(srcdir)/data/volumed.conf.in' > $@.tmp && mv $@.tmp $@

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
