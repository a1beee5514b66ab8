# SPDX-License-Identifier: LGPL-2.1-or-later
dist_doc_DATA = \
	HACKING.md \
	README.md \
	doc/ARCHITECTURE.md \
	doc/access.md \
	doc/correlation.md \
	doc/operations.md \
	doc/rooms \
	doc/rooms.svg \
	doc/sets.md \
	doc/storage.md \
	$(NULL)

# The manual: mdoc(7), `mandoc -T lint` in make lint and the suite.
MANUALS = \
	doc/man/migratekit-volume-plugin.3 \
	doc/man/migratekit-volumed.8 \
	doc/man/org.migratekit.Volume1.5 \
	doc/man/volumed.conf.5 \
	$(NULL)
man_MANS = $(MANUALS)
EXTRA_DIST += $(MANUALS:=.in) doc/man/interfaces
CLEANFILES += $(MANUALS)

MANUAL_PATHS = \
	-e 's|@confdir[@]|$(confdir)|g' -e 's|@statedir[@]|$(statedir)|g' \
	-e 's|@pluginsdir[@]|$(pluginsdir)|g' -e 's|@docdir[@]|$(docdir)|g' \
	$(NULL)
MANUAL = $(AM_V_GEN)$(MKDIR_P) doc/man && sed $(MANUAL_PATHS)
doc/man/migratekit-volume-plugin.3: doc/man/migratekit-volume-plugin.3.in Makefile
	$(MANUAL) '$(srcdir)/$@.in' >$@.tmp && mv $@.tmp $@
doc/man/migratekit-volumed.8: doc/man/migratekit-volumed.8.in Makefile
	$(MANUAL) '$(srcdir)/$@.in' >$@.tmp && mv $@.tmp $@
doc/man/volumed.conf.5: doc/man/volumed.conf.5.in Makefile
	$(MANUAL) '$(srcdir)/$@.in' >$@.tmp && mv $@.tmp $@

# The members of the interfaces come from the XML, the manager's first.
MANUAL_XML = \
	dbus/org.migratekit.Volume1.xml \
	dbus/org.migratekit.Volume1.Operation.xml \
	dbus/org.migratekit.Volume1.Volume.xml \
	dbus/org.migratekit.Volume1.OMA.xml \
	dbus/org.migratekit.Volume1.Failover.xml \
	dbus/org.migratekit.Volume1.TestVM.xml \
	$(NULL)
doc/man/org.migratekit.Volume1.5: doc/man/org.migratekit.Volume1.5.in doc/man/interfaces $(MANUAL_XML) Makefile
	$(AM_V_GEN)$(MKDIR_P) doc/man && ( cd '$(srcdir)' && \
		$(PYTHON) doc/man/interfaces doc/man/org.migratekit.Volume1.5.in $(MANUAL_XML) ) >$@.xml && \
		sed $(MANUAL_PATHS) $@.xml >$@.tmp && rm $@.xml && mv $@.tmp $@
