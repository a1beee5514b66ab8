/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files of the daemon share.
 *
 *   main.c       the command line
 *   daemon.c     start and stop, the end of a turn, signals
 *   ways-in.c    bus and private socket, and who may use them
 *   configure.c  the configuration, read at start and at a reload
 *   health.c     what is wrong, and who is told
 *   turn.c       write, commit once, then release
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
	sd_event_source *bus_retry; /* tries again to join the bus while that is missing */
	struct mk_appliance_check *oma_check;
	/* starts the next self-check after one that found a problem */
	sd_event_source *oma_timer;
	char *oma_problem; /* what the last self-check found; NULL or "": no problem */
	int failed;        /* exit status if the start or the loop fails */
	bool reconciled;   /* Reconcile was started, once after the start */
	bool stopping;     /* no new command is sent */
};

/* ways-in.c */
/* Makes the access control. Returns 0 or a negative errno. */
int mk_daemon_make_access(struct daemon *d);
/* Makes the bus, connects it, and publishes the objects. want_flush is called when something waits
 * to be sent. Returns 0 or a negative errno. */
int mk_daemon_open_bus(struct daemon *d, void (*want_flush)(void *data));
/* The last step of the start: takes the name on the bus, and listens on the private socket. Callers
 * come from now on. */
int mk_daemon_let_in(struct daemon *d);

/* configure.c */
/* Loads the configuration and logs its problems. Returns 0 or a negative errno. */
int mk_daemon_load_config(const char *path, struct mk_config **ret);
/* The parts of the configuration for CloudStack client and engine; their texts are borrowed from c. */
struct mk_cs_config mk_daemon_cs_config(const struct mk_config *c);
struct mk_engine_config mk_daemon_engine_config(const struct mk_config *c);
/* Sets or clears the condition that TLS is not verified. */
void mk_daemon_tell_insecure(struct daemon *d);
/* Handler of SIGHUP. */
int mk_daemon_on_reload(sd_event_source *source, const struct signalfd_siginfo *si, void *data);

/* health.c */
/* Logs why the start fails; returns r. doing: what could not be done. error: may be NULL. */
int mk_daemon_fail(const char *doing, int r, const struct mk_error *error);
/* Makes the exit status EX_CONFIG, so that systemd does not start us again: only an administrator can help. Returns
 * r. */
int mk_daemon_give_up(struct daemon *d, int r);
/* Recomputes Status and the manager's other properties, and tells callers and systemd. */
void mk_daemon_refresh(struct daemon *d);
/* Starts the self-check (volume/appliance.h), unless one is under way. */
void mk_daemon_check_appliance(struct daemon *d);
/* For mk_cs_on_reachable(): logs it, and refreshes Status. */
void mk_daemon_on_reachable(void *data);
