/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What callers see: the manager object with org.migratekit.Volume1 and the plugins' interfaces, and one
 * object for each operation and each managed volume. Translates calls into requests to the engine and changes into signals.
 */

#include "bus/bus.h"
#include "engine/engine.h"
#include "plugin/plugin.h"

#define MK_BUS_NAME "org.migratekit.Volume1"
#define MK_BUS_ROOT "/org/migratekit/Volume1"

struct mk_service;

struct mk_service_config {
	sd_event *event;
	const struct mk_plugins *plugins; /* borrowed */
	struct mk_store *store;           /* borrowed */
	struct mk_cs *cs;                 /* borrowed */
	const char *oma;                  /* UUID; copied */
};

int mk_service_new(const struct mk_service_config *config, struct mk_service **ret);
/* Answers waiting callers with an error. NULL is allowed; returns NULL. */
struct mk_service *mk_service_free(struct mk_service *service);
DEFINE_CLEANUP(struct mk_service *, mk_service_free)

/* The engine's watcher; the engine is given later, and must be freed first. */
struct mk_engine_watcher mk_service_watcher(struct mk_service *service);
void mk_service_set_engine(struct mk_service *service, struct mk_engine *engine);

/* Likewise the watcher of the volumes, which are given later and freed after the engine. */
struct mk_volumes_watcher mk_service_volumes_watcher(struct mk_service *service);
void mk_service_set_volumes(struct mk_service *service, struct mk_volumes *volumes);

/* Asks for the comparison of store, CloudStack and devices, as the start does; without a class that has
 * Reconcile nothing happens. */
void mk_service_reconcile(struct mk_service *service);

/* Publishes the manager object. Operations are published as the engine adds them. */
int mk_service_publish(struct mk_service *service, struct mk_bus *bus);

/* Status, Healthy, CloudStackReachable, PendingOperations, ManagedVolumes may have changed: tells
 * callers of those that did. True if Status changed. */
bool mk_service_refresh(struct mk_service *service);

/* What others find out for Status, most urgent first. */
enum mk_condition {
	MK_CONDITION_OMA,      /* the appliance's own VM is not what it should be */
	MK_CONDITION_BUS,      /* it could not be joined */
	MK_CONDITION_CONFIG,   /* the configuration on disk has mistakes */
	MK_CONDITION_INSECURE, /* TLS is not verified */
	MK_CONDITION_UNVERIFIED, /* this machine could not be compared with it; does not make unhealthy */
};
#define MK_N_CONDITIONS (MK_CONDITION_UNVERIFIED + 1)

/* text: for Status at the next refresh, "" while all is well. True if it is another than before. */
bool mk_service_set_condition(struct mk_service *service, enum mk_condition condition,
			      const char *text);

/* One sentence; valid until the next refresh. */
const char *mk_service_status(struct mk_service *service);
