# SPDX-License-Identifier: LGPL-2.1-or-later
# libFuzzer targets: ../configure CC=clang --enable-fuzzers --enable-sanitizers; then for instance
#	tests/fuzz/fuzz-cloudstack-json -max_total_time=60 corpus ../tests/fuzz/seeds/cloudstack-json

EXTRA_DIST += tests/fuzz/seeds

if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-cloudstack-json
endif
tests_fuzz_fuzz_cloudstack_json_SOURCES = tests/fuzz/fuzz-cloudstack-json.c
tests_fuzz_fuzz_cloudstack_json_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fuzz_fuzz_cloudstack_json_CFLAGS = $(TEST_CFLAGS)
tests_fuzz_fuzz_cloudstack_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_cloudstack_json_LDADD = libvolumed.la
