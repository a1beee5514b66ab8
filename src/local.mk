# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon is a convenience library and a small main(), so that tests and fuzzers link the real code.

noinst_LTLIBRARIES += libvolumed.la

libvolumed_la_SOURCES = \
	include/migratekit/volume-plugin.h \
	src/base/base.h \
	src/base/error.c \
	src/base/log.c \
	src/base/log.h \
	src/base/user.c \
	src/base/util.c \
	src/bus/access.c \
	src/bus/access.h \
	src/bus/bus-internal.h \
	src/bus/bus.c \
	src/bus/bus.h \
	src/bus/call.c \
	src/bus/connect.c \
	src/bus/driver.c \
	src/bus/loop-internal.h \
	src/bus/loop.c \
	src/bus/peer.c \
	src/bus/standard.c \
	src/bus/value-internal.h \
	src/bus/value.c \
	src/cloudstack/cloudstack-internal.h \
	src/cloudstack/cloudstack.c \
	src/cloudstack/cloudstack.h \
	src/cloudstack/curl-internal.h \
	src/cloudstack/curl.c \
	src/cloudstack/jobs.c \
	src/cloudstack/json.c \
	src/cloudstack/life.c \
	src/cloudstack/list.c \
	src/cloudstack/settings.c \
	src/cloudstack/sign.c \
	src/cloudstack/try.c \
	src/cloudstack/wire.h \
	src/config/config.c \
	src/config/config.h \
	src/config/ini-internal.h \
	src/config/ini.c \
	src/config/key-internal.h \
	src/config/key.c \
	src/config/parse-internal.h \
	src/config/parse.c \
	src/config/secret-internal.h \
	src/config/secret.c \
	src/daemon/configure.c \
	src/daemon/daemon-internal.h \
	src/daemon/daemon.c \
	src/daemon/daemon.h \
	src/daemon/health.c \
	src/daemon/turn.c \
	src/daemon/turn.h \
	src/daemon/ways-in.c \
	src/device/device-internal.h \
	src/device/device.c \
	src/device/device.h \
	src/device/disk.c \
	src/device/users.c \
	src/engine/accept.c \
	src/engine/ask.c \
	src/engine/command.c \
	src/engine/end.c \
	src/engine/engine-internal.h \
	src/engine/engine.c \
	src/engine/engine.h \
	src/engine/host-child.c \
	src/engine/host-device.c \
	src/engine/host.c \
	src/engine/op.c \
	src/engine/operations.c \
	src/engine/walk.c \
	src/plugin/check.c \
	src/plugin/describe.c \
	src/plugin/method.c \
	src/plugin/method.h \
	src/plugin/plugin.c \
	src/plugin/plugin.h \
	src/service/batch.c \
	src/service/class.c \
	src/service/operation-object.c \
	src/service/request.c \
	src/service/service-internal.h \
	src/service/service.c \
	src/service/service.h \
	src/service/volume-object.c \
	src/store/record.c \
	src/store/schema-internal.h \
	src/store/store.c \
	src/store/store.h \
	src/volume/appliance.c \
	src/volume/appliance.h \
	src/volume/correlate.c \
	src/volume/proof.c \
	src/volume/volume-internal.h \
	src/volume/volume.c \
	src/volume/volume.h \
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
migratekit_volumed_SOURCES = src/daemon/main.c
migratekit_volumed_CPPFLAGS = $(libvolumed_la_CPPFLAGS)
migratekit_volumed_CFLAGS = $(libvolumed_la_CFLAGS)
migratekit_volumed_LDADD = libvolumed.la
