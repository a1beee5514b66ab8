# SPDX-License-Identifier: LGPL-2.1-or-later
# Unit tests: they link the code that they test, and start neither the daemon nor the simulator. There is a folder for
# each room of src/ that they test, one for the simulator, and one for the rooms themselves.

# the tests' own tools
check_PROGRAMS += tests/unit/kit/tap.tap
tests_unit_kit_tap_tap_SOURCES = tests/unit/kit/test-tap.c
tests_unit_kit_tap_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_kit_tap_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_kit_tap_tap_LDADD = $(WORLD_LDADD)

check_PROGRAMS += tests/unit/base/util.tap
tests_unit_base_util_tap_SOURCES = tests/unit/base/test-util.c
tests_unit_base_util_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_base_util_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_base_util_tap_LDADD = libvolumed.la libtap.la

check_PROGRAMS += tests/unit/store/store.tap
tests_unit_store_store_tap_SOURCES = tests/unit/store/test-store.c
tests_unit_store_store_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_store_store_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_store_store_tap_LDADD = libvolumed.la libtap.la

# fake-cs stands in for the client: it comes before libvolumed
check_LTLIBRARIES += libengineenv.la
libengineenv_la_SOURCES = \
	tests/unit/engine/engine-env.c \
	tests/unit/engine/engine-env.h \
	tests/unit/engine/fake-cs.c \
	tests/unit/engine/fake-cs.h \
	$(NULL)
libengineenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libengineenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/unit/engine/engine.tap
tests_unit_engine_engine_tap_SOURCES = tests/unit/engine/test-engine.c
tests_unit_engine_engine_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_engine_engine_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_engine_engine_tap_LDADD = libengineenv.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/engine/away.tap
tests_unit_engine_away_tap_SOURCES = tests/unit/engine/test-away.c
tests_unit_engine_away_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_engine_away_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_engine_away_tap_LDADD = libengineenv.la libvolumed.la libtap.la

# brings its own table of disks
check_PROGRAMS += tests/unit/volume/volume.tap
tests_unit_volume_volume_tap_SOURCES = tests/unit/volume/test-volume.c
tests_unit_volume_volume_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_volume_volume_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_volume_volume_tap_LDADD = libvolumed.la libtap.la

check_PROGRAMS += tests/unit/base/log.tap
tests_unit_base_log_tap_SOURCES = tests/unit/base/test-log.c
tests_unit_base_log_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_base_log_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_base_log_tap_LDADD = libvolumed.la libtap.la

check_PROGRAMS += tests/unit/config/config.tap
tests_unit_config_config_tap_SOURCES = tests/unit/config/test-config.c
tests_unit_config_config_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_config_config_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_config_config_tap_LDADD = libvolumed.la libtap.la

check_PROGRAMS += tests/unit/plugin/plugin.tap
tests_unit_plugin_plugin_tap_SOURCES = tests/unit/plugin/test-plugin.c
tests_unit_plugin_plugin_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_plugin_plugin_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_plugin_plugin_tap_LDADD = libvolumed.la libtap.la

check_PROGRAMS += tests/unit/cloudstack/sign.tap
tests_unit_cloudstack_sign_tap_SOURCES = tests/unit/cloudstack/test-sign.c
tests_unit_cloudstack_sign_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_cloudstack_sign_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_cloudstack_sign_tap_LDADD = libvolumed.la libtap.la

check_PROGRAMS += tests/unit/cloudstack/json.tap
tests_unit_cloudstack_json_tap_SOURCES = tests/unit/cloudstack/test-json.c
tests_unit_cloudstack_json_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_cloudstack_json_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_cloudstack_json_tap_LDADD = libvolumed.la libtap.la

# these talk to an HTTP server of their own on 127.0.0.1
check_LTLIBRARIES += libcloudstackenv.la
libcloudstackenv_la_SOURCES = \
	tests/unit/cloudstack/cloudstack-env.c \
	tests/unit/cloudstack/cloudstack-env.h \
	tests/unit/cloudstack/fake-http.c \
	tests/unit/cloudstack/fake-http.h \
	$(NULL)
libcloudstackenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libcloudstackenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/unit/cloudstack/cloudstack.tap
tests_unit_cloudstack_cloudstack_tap_SOURCES = tests/unit/cloudstack/test-cloudstack.c
tests_unit_cloudstack_cloudstack_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_cloudstack_cloudstack_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_cloudstack_cloudstack_tap_LDADD = libcloudstackenv.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/cloudstack/answers.tap
tests_unit_cloudstack_answers_tap_SOURCES = tests/unit/cloudstack/test-answers.c
tests_unit_cloudstack_answers_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_cloudstack_answers_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_cloudstack_answers_tap_LDADD = libcloudstackenv.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/cloudstack/jobs.tap
tests_unit_cloudstack_jobs_tap_SOURCES = tests/unit/cloudstack/test-jobs.c
tests_unit_cloudstack_jobs_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_cloudstack_jobs_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_cloudstack_jobs_tap_LDADD = libcloudstackenv.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/cloudstack/tls.tap
tests_unit_cloudstack_tls_tap_SOURCES = tests/unit/cloudstack/test-tls.c
tests_unit_cloudstack_tls_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_cloudstack_tls_tap_CFLAGS = $(TEST_CFLAGS) $(MICROHTTPD_CFLAGS)
tests_unit_cloudstack_tls_tap_LDADD = libcloudstackenv.la libvolumed.la libtap.la $(MICROHTTPD_LIBS)

check_LTLIBRARIES += libdeviceenv.la
libdeviceenv_la_SOURCES = tests/unit/device/device-env.c tests/unit/device/device-env.h
libdeviceenv_la_CPPFLAGS = $(TEST_CPPFLAGS)
libdeviceenv_la_CFLAGS = $(TEST_CFLAGS) $(UMOCKDEV_CFLAGS)
libdeviceenv_la_LIBADD = $(UMOCKDEV_LIBS)

check_PROGRAMS += tests/unit/device/device.tap
tests_unit_device_device_tap_SOURCES = tests/unit/device/test-device.c
tests_unit_device_device_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_device_device_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_device_device_tap_LDFLAGS = $(AM_LDFLAGS) $(UMOCKDEV_PRELOAD)
tests_unit_device_device_tap_LDADD = libdeviceenv.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/device/disk.tap
tests_unit_device_disk_tap_SOURCES = tests/unit/device/test-disk.c
tests_unit_device_disk_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_device_disk_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_device_disk_tap_LDFLAGS = $(AM_LDFLAGS) $(UMOCKDEV_PRELOAD)
tests_unit_device_disk_tap_LDADD = libdeviceenv.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/device/users.tap
tests_unit_device_users_tap_SOURCES = tests/unit/device/test-users.c
tests_unit_device_users_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_device_users_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_device_users_tap_LDFLAGS = $(AM_LDFLAGS) $(UMOCKDEV_PRELOAD)
tests_unit_device_users_tap_LDADD = libdeviceenv.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/device/real.tap
tests_unit_device_real_tap_SOURCES = tests/unit/device/test-real.c
tests_unit_device_real_tap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_device_real_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_device_real_tap_LDADD = libvolumed.la libtap.la

# What the simulator's own tests need.
check_LTLIBRARIES += libsimenv.la
libsimenv_la_SOURCES = tests/unit/sim/sim-env.c tests/unit/sim/sim-env.h
libsimenv_la_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
libsimenv_la_CFLAGS = $(TEST_CFLAGS)

check_PROGRAMS += tests/unit/sim/model.tap
tests_unit_sim_model_tap_SOURCES = tests/unit/sim/test-model.c
tests_unit_sim_model_tap_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
tests_unit_sim_model_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_sim_model_tap_LDADD = libsimenv.la libsim.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/sim/volumes.tap
tests_unit_sim_volumes_tap_SOURCES = tests/unit/sim/test-volumes.c
tests_unit_sim_volumes_tap_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
tests_unit_sim_volumes_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_sim_volumes_tap_LDADD = libsimenv.la libsim.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/sim/accounts.tap
tests_unit_sim_accounts_tap_SOURCES = tests/unit/sim/test-accounts.c
tests_unit_sim_accounts_tap_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
tests_unit_sim_accounts_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_sim_accounts_tap_LDADD = libsimenv.la libsim.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/sim/life.tap
tests_unit_sim_life_tap_SOURCES = tests/unit/sim/test-life.c
tests_unit_sim_life_tap_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
tests_unit_sim_life_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_sim_life_tap_LDADD = libsimenv.la libsim.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/sim/vms.tap
tests_unit_sim_vms_tap_SOURCES = tests/unit/sim/test-vms.c
tests_unit_sim_vms_tap_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
tests_unit_sim_vms_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_sim_vms_tap_LDADD = libsimenv.la libsim.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/sim/kvm.tap
tests_unit_sim_kvm_tap_SOURCES = tests/unit/sim/test-kvm.c
tests_unit_sim_kvm_tap_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
tests_unit_sim_kvm_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_sim_kvm_tap_LDADD = libsimenv.la libsim.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/sim/lists.tap
tests_unit_sim_lists_tap_SOURCES = tests/unit/sim/test-lists.c
tests_unit_sim_lists_tap_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
tests_unit_sim_lists_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_sim_lists_tap_LDADD = libsimenv.la libsim.la libvolumed.la libtap.la

check_PROGRAMS += tests/unit/sim/jobs.tap
tests_unit_sim_jobs_tap_SOURCES = tests/unit/sim/test-jobs.c
tests_unit_sim_jobs_tap_CPPFLAGS = $(TEST_CPPFLAGS) -I$(top_srcdir)/sim
tests_unit_sim_jobs_tap_CFLAGS = $(TEST_CFLAGS)
tests_unit_sim_jobs_tap_LDADD = libsimenv.la libsim.la libvolumed.la libtap.la

# the tree itself: who may include and call whom
dist_check_SCRIPTS += tests/unit/rooms/rooms.tap
EXTRA_DIST += tests/unit/rooms/test-rooms.py
TESTS += tests/unit/rooms/rooms.tap
