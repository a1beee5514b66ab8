/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The daemon's inside.
 *
 *   main.c       the command line
 *   daemon.c     start and stop, the end of a turn, signals
 *   ways-in.c    bus and private socket, and who may use them
 *   configure.c  the configuration, read and read again
 *   health.c     what is wrong, and who is told
 *   turn.c       written, committed once, then let out
 *
 * Each calls those below it.
 */

#include "bus/access.h"
#include "bus/bus.h"
#include "cloudstack/cloudstack.h"
#include "daemon.h"
#include "device/device.h"
#include "engine/engine.h"
#include "plugin/plugin.h"
#include "service/service.h"
#include "store/store.h"
#include "turn.h"
#include "volume/appliance.h"
#include "volume/volume.h"

struct daemon {
	const struct mk_daemon_options *options;
	sd_event *event;
	struct mk_config *config;
	struct mk_store *store;
	struct mk_cs *cs;
	struct mk_plugins *plugins;
	struct mk_devices *devices;
	struct mk_volumes *volumes;
	struct mk_service *service;
	struct mk_turn *turn;
	struct mk_engine *engine;
	struct mk_access *access;
	struct mk_bus *bus;
	bool has_socket;            /* systemd passed the private socket */
	sd_event_source *bus_retry; /* armed while the bus is missing */
	struct mk_appliance_check *oma_check;
	sd_event_source *oma_timer; /* asks again */
	char *oma_problem;          /* as found last; NULL or "": none */
	int failed;                 /* exit status of a start that fails */
	bool reconciled;            /* the comparison of the start was asked for */
	bool stopping;              /* nothing new is sent any more */
};

/* ways-in.c */
int mk_daemon_make_access(struct daemon *d);
/* want_flush: something waits to be sent. */
int mk_daemon_open_bus(struct daemon *d, void (*want_flush)(void *data));
/* Last: from here on callers come. */
int mk_daemon_let_in(struct daemon *d);

/* configure.c */
int mk_daemon_load_config(const char *path, struct mk_config **ret);
/* The rooms' parts; they borrow everything. */
struct mk_cs_config mk_daemon_cs_config(const struct mk_config *c);
struct mk_engine_config mk_daemon_engine_config(const struct mk_config *c);
void mk_daemon_tell_insecure(struct daemon *d);
int mk_daemon_on_reload(sd_event_source *source, const struct signalfd_siginfo *si, void *data);

/* health.c */
/* Logs why the start fails; returns r. */
int mk_daemon_fail(const char *doing, int r, const struct mk_error *error);
/* Only an administrator can mend it: systemd is not to try again by itself. Returns r. */
int mk_daemon_give_up(struct daemon *d, int r);
/* Status and its like may have changed. */
void mk_daemon_refresh(struct daemon *d);
void mk_daemon_check_appliance(struct daemon *d);
void mk_daemon_on_reachable(void *data);
