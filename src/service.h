/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What callers see: the manager object with org.migratekit.Volume1 and the plugins' interfaces, and one
 * object for each operation and each managed volume. Translates calls into requests to the engine and changes into signals.
 */

#include "bus.h"
#include "engine.h"
#include "plugin.h"

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

/* A sentence about the appliance's own VM that makes the daemon unhealthy; "" if all is well. */
int mk_service_set_oma_problem(struct mk_service *service, const char *problem);
/* TLS is not verified: Status says so. */
void mk_service_set_insecure(struct mk_service *service, bool insecure);

/* One sentence; valid until the next refresh. */
const char *mk_service_status(struct mk_service *service);
