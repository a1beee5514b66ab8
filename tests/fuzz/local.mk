# SPDX-License-Identifier: LGPL-2.1-or-later
# libFuzzer targets: ../configure CC=clang --enable-fuzzers --enable-sanitizers, make check, then
# tests/fuzz/NAME -max_total_time=60 CORPUS ../tests/fuzz/seeds/NAME

FUZZ_CFLAGS = $(AM_CFLAGS) $(VOLUMED_DEPS_CFLAGS)
FUZZ_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer

EXTRA_DIST += tests/fuzz/seeds

if FUZZERS
noinst_PROGRAMS += tests/fuzz/config
tests_fuzz_config_SOURCES = tests/fuzz/fuzz-config.c
tests_fuzz_config_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_fuzz_config_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_config_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_config_LDADD = libvolumed.la
endif
