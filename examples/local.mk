# SPDX-License-Identifier: LGPL-2.1-or-later
exampledir = $(docdir)/examples
examplepluginsdir = $(exampledir)/plugin
dist_exampleplugins_DATA = examples/plugin/Makefile examples/plugin/example.c
