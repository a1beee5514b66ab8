/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Room service: what callers see on D-Bus. The manager object with org.migratekit.Volume1 and the interfaces of the
 * plugins, and one object for each operation and each managed volume. Calls become requests to the engine; changes
 * become signals.
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
	const char *oma;                  /* UUID of the appliance's VM; copied */
};

/* Makes the service. Returns 0 or a negative errno. */
int mk_service_new(const struct mk_service_config *config, struct mk_service **ret);
/* Removes the manager object and frees the service. Engine and volumes must be freed before: that removes their
 * objects, and answers callers that wait. NULL is allowed; returns NULL. */
struct mk_service *mk_service_free(struct mk_service *service);
DEFINE_CLEANUP(struct mk_service *, mk_service_free)

/* The watcher that the engine is made with. The engine itself is given afterwards, and must be freed before the
 * service. */
struct mk_engine_watcher mk_service_watcher(struct mk_service *service);
void mk_service_set_engine(struct mk_service *service, struct mk_engine *engine);

/* The same for the volumes, which must be freed after the engine and before the service. */
struct mk_volumes_watcher mk_service_volumes_watcher(struct mk_service *service);
void mk_service_set_volumes(struct mk_service *service, struct mk_volumes *volumes);

/* Starts the operation Reconcile, which compares store, CloudStack and devices. Does nothing if no class has it, or
 * if one is unfinished. */
void mk_service_reconcile(struct mk_service *service);

/* Publishes the manager object and the volumes; to be called once. From then on operations and volumes are
 * published as they are added. Returns 0 or a negative errno. */
int mk_service_publish(struct mk_service *service, struct mk_bus *bus);

/* Computes Status, Healthy, CloudStackReachable, PendingOperations and ManagedVolumes anew, and tells callers which
 * changed. True if Status changed. */
bool mk_service_refresh(struct mk_service *service);

/* Conditions of Status that others find out, most urgent first. */
enum mk_condition {
	MK_CONDITION_OMA,      /* this is not known to be the configured VM */
	MK_CONDITION_BUS,      /* the bus could not be joined */
	MK_CONDITION_CONFIG,   /* the configuration on disk has mistakes */
	MK_CONDITION_INSECURE, /* TLS is not verified */
	/* the DMI UUID could not be compared; does not make it unhealthy */
	MK_CONDITION_UNVERIFIED,
};
#define MK_N_CONDITIONS (MK_CONDITION_UNVERIFIED + 1)

/* Sets the sentence that Status shows for the condition from the next refresh on; "" if all is well. True if it is
 * another one than before. */
bool mk_service_set_condition(struct mk_service *service, enum mk_condition condition,
			      const char *text);

/* Status: sentences separated by "; ". Valid until the next refresh. */
const char *mk_service_status(struct mk_service *service);
