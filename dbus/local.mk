# SPDX-License-Identifier: LGPL-2.1-or-later
dist_dbusinterfaces_DATA = \
	dbus/org.migratekit.Volume1.Failover.xml \
	dbus/org.migratekit.Volume1.OMA.xml \
	dbus/org.migratekit.Volume1.Operation.xml \
	dbus/org.migratekit.Volume1.TestVM.xml \
	dbus/org.migratekit.Volume1.Volume.xml \
	dbus/org.migratekit.Volume1.xml \
	$(NULL)
dist_dbuspolicy_DATA = dbus/org.migratekit.Volume1.conf
dist_dbussystemservices_DATA = dbus/org.migratekit.Volume1.service
dist_polkitactions_DATA = dbus/org.migratekit.volume1.policy
dist_polkitrules_DATA = dbus/60-org.migratekit.volume1.rules
