# SPDX-License-Identifier: LGPL-2.1-or-later
# The examples are installed with the documentation, as they are.
exampledir = $(docdir)/examples
examplegodir = $(exampledir)/go
dist_example_SCRIPTS = examples/test-failover.sh
dist_example_DATA = examples/volume.py
dist_examplego_DATA = examples/go/go.mod examples/go/volume.go
examplepluginsdir = $(exampledir)/plugin
dist_exampleplugins_DATA = examples/plugin/Makefile examples/plugin/example.c
