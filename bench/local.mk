# SPDX-License-Identifier: LGPL-2.1-or-later
# Benchmarks. They are no tests: `make check` does not run them, ./quickstart bench does.

EXTRA_PROGRAMS = bench/bench bench/echo
EXTRA_DIST += bench/report

bench_bench_SOURCES = bench/bench.c bench/bench-internal.h bench/sim.c
bench_bench_CPPFLAGS = $(TEST_CPPFLAGS)
bench_bench_CFLAGS = $(TEST_CFLAGS)
bench_bench_LDADD = libfailoverenv.la libomaenv.la $(WORLD_LDADD) $(CURL_LIBS)

bench_echo_SOURCES = bench/echo.c
bench_echo_CFLAGS = $(AM_CFLAGS) $(DBUS_CFLAGS) $(JSON_CFLAGS)
bench_echo_LDADD = $(DBUS_LIBS)
