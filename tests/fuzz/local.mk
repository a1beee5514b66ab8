# SPDX-License-Identifier: LGPL-2.1-or-later
# Fuzz targets, built with libFuzzer. Configure with
#	../configure CC=clang --enable-fuzzers --enable-sanitizers
# and run all of them, or one:
#	../tests/fuzz/run . 60
#	tests/fuzz/fuzz-config -max_total_time=60 corpus ../tests/fuzz/seeds/config

FUZZ_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
FUZZ_CFLAGS = $(AM_CFLAGS) $(VOLUMED_DEPS_CFLAGS)
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer

EXTRA_DIST += tests/fuzz/run tests/fuzz/seeds

if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-bus-args tests/fuzz/fuzz-cloudstack-json tests/fuzz/fuzz-config \
	tests/fuzz/fuzz-mounts tests/fuzz/fuzz-udev
endif

# All classes are linked into one program, so the symbol of each gets another name.
FUZZ_PLUGIN_CPPFLAGS = $(PLUGIN_CPPFLAGS) -Dmigratekit_volume_plugin
EXTRA_LTLIBRARIES = \
	tests/fuzz/libfuzzfailover.la \
	tests/fuzz/libfuzzoma.la \
	tests/fuzz/libfuzztestvm.la \
	$(NULL)
tests_fuzz_libfuzzfailover_la_SOURCES = $(plugins_failover_la_SOURCES)
tests_fuzz_libfuzzfailover_la_CPPFLAGS = $(FUZZ_PLUGIN_CPPFLAGS)=fuzz_failover
tests_fuzz_libfuzzfailover_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_fuzz_libfuzzoma_la_SOURCES = $(plugins_oma_la_SOURCES)
tests_fuzz_libfuzzoma_la_CPPFLAGS = $(FUZZ_PLUGIN_CPPFLAGS)=fuzz_oma
tests_fuzz_libfuzzoma_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_fuzz_libfuzztestvm_la_SOURCES = $(plugins_test_vm_la_SOURCES)
tests_fuzz_libfuzztestvm_la_CPPFLAGS = $(FUZZ_PLUGIN_CPPFLAGS)=fuzz_test_vm
tests_fuzz_libfuzztestvm_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)

tests_fuzz_fuzz_bus_args_SOURCES = tests/fuzz/fuzz-bus-args.c
tests_fuzz_fuzz_bus_args_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_bus_args_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_bus_args_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_bus_args_LDADD = $(EXTRA_LTLIBRARIES) libsteps.la libvolumed.la

tests_fuzz_fuzz_cloudstack_json_SOURCES = tests/fuzz/fuzz-cloudstack-json.c
tests_fuzz_fuzz_cloudstack_json_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_cloudstack_json_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_cloudstack_json_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_cloudstack_json_LDADD = libvolumed.la

tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz-config.c
tests_fuzz_fuzz_config_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_config_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_config_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_config_LDADD = libvolumed.la

tests_fuzz_fuzz_mounts_SOURCES = tests/fuzz/fuzz-mounts.c
tests_fuzz_fuzz_mounts_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_mounts_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_mounts_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_mounts_LDADD = libvolumed.la

tests_fuzz_fuzz_udev_SOURCES = tests/fuzz/fuzz-udev.c
tests_fuzz_fuzz_udev_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_udev_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_udev_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_udev_LDADD = libvolumed.la
