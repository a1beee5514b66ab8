# SPDX-License-Identifier: LGPL-2.1-or-later
dist_dbusinterfaces_DATA = \
	dbus/org.migratekit.Volume1.Failover.xml \
	dbus/org.migratekit.Volume1.OMA.xml \
	dbus/org.migratekit.Volume1.Operation.xml \
	dbus/org.migratekit.Volume1.TestVM.xml \
	dbus/org.migratekit.Volume1.Volume.xml \
	dbus/org.migratekit.Volume1.xml \
	$(NULL)
