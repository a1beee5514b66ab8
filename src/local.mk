# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon is a convenience library and a small main(), so that tests and fuzzers link the real code.

noinst_LTLIBRARIES += libvolumed.la

libvolumed_la_SOURCES = \
	include/migratekit/volume-plugin.h \
	src/access.c \
	src/access.h \
	src/appliance.c \
	src/appliance.h \
	src/bus-call.c \
	src/bus-connect.c \
	src/bus-driver.c \
	src/bus-internal.h \
	src/bus-peer.c \
	src/bus-standard.c \
	src/bus-value.c \
	src/bus-value.h \
	src/bus.c \
	src/bus.h \
	src/cloudstack-config.c \
	src/cloudstack-internal.h \
	src/cloudstack-jobs.c \
	src/cloudstack-json.c \
	src/cloudstack-json.h \
	src/cloudstack-life.c \
	src/cloudstack-list.c \
	src/cloudstack-sign.c \
	src/cloudstack-sign.h \
	src/cloudstack-try.c \
	src/cloudstack.c \
	src/cloudstack.h \
	src/config-key.c \
	src/config-key.h \
	src/config-value.c \
	src/config-value.h \
	src/config.c \
	src/config.h \
	src/correlate.c \
	src/daemon.c \
	src/daemon.h \
	src/device-disk.c \
	src/device-internal.h \
	src/device-users.c \
	src/device.c \
	src/device.h \
	src/engine-accept.c \
	src/engine-internal.h \
	src/engine.c \
	src/engine.h \
	src/error.c \
	src/error.h \
	src/ini.c \
	src/ini.h \
	src/log.c \
	src/log.h \
	src/loop-curl.c \
	src/loop-curl.h \
	src/loop-dbus.c \
	src/loop-dbus.h \
	src/op-ask.c \
	src/op-child.c \
	src/op-command.c \
	src/op-device.c \
	src/op-host.c \
	src/op-run.c \
	src/plugin-check.c \
	src/plugin-describe.c \
	src/plugin.c \
	src/plugin.h \
	src/secret.c \
	src/secret.h \
	src/service-batch.c \
	src/service-internal.h \
	src/service-op.c \
	src/service-volume.c \
	src/service.c \
	src/service.h \
	src/store-record.c \
	src/store-schema.h \
	src/store.c \
	src/store.h \
	src/turn.c \
	src/turn.h \
	src/user.c \
	src/user.h \
	src/util.c \
	src/util.h \
	src/volume-method.c \
	src/volume-method.h \
	src/volume.c \
	src/volume.h \
	$(NULL)
libvolumed_la_CPPFLAGS = $(AM_CPPFLAGS) $(VOLUMED_CPPFLAGS)
libvolumed_la_CFLAGS = $(AM_CFLAGS) $(VOLUMED_DEPS_CFLAGS)
libvolumed_la_LIBADD = $(VOLUMED_DEPS_LIBS)

VOLUMED_CPPFLAGS = \
	-DPLUGINS_DIR=\"$(pluginsdir)\" \
	-DSTATE_DIR=\"$(statedir)\" \
	-DCONF_DIR=\"$(confdir)\" \
	$(NULL)
VOLUMED_DEPS_CFLAGS = $(DBUS_CFLAGS) $(SYSTEMD_CFLAGS) $(UDEV_CFLAGS) $(CURL_CFLAGS) \
	$(JSON_CFLAGS) $(SQLITE_CFLAGS) $(CRYPTO_CFLAGS)
VOLUMED_DEPS_LIBS = $(DBUS_LIBS) $(SYSTEMD_LIBS) $(UDEV_LIBS) $(CURL_LIBS) \
	$(JSON_LIBS) $(SQLITE_LIBS) $(CRYPTO_LIBS)

sbin_PROGRAMS += migratekit-volumed
migratekit_volumed_SOURCES = src/main.c
migratekit_volumed_CPPFLAGS = $(libvolumed_la_CPPFLAGS)
migratekit_volumed_CFLAGS = $(libvolumed_la_CFLAGS)
migratekit_volumed_LDADD = libvolumed.la
