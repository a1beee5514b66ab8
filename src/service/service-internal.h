/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files of the service share.
 *
 *   service.c           the manager object, Status
 *   volume-object.c     volumes as objects, the manager's methods about them
 *   class.c             the interfaces of the classes
 *   batch.c             many operations in one call
 *   operation-object.c  operations as objects
 *   request.c           helpers for handlers
 *
 * Each calls those below it.
 */

#include "plugin/method.h"
#include "service.h"

#define MK_MANAGER_INTERFACE   "org.migratekit.Volume1"
#define MK_OPERATION_INTERFACE "org.migratekit.Volume1.Operation"
#define MK_VOLUME_INTERFACE    "org.migratekit.Volume1.Volume"

/* One method of one plugin; mk_bus_method.data points to it. */
struct mk_class_method {
	const char *class;              /* borrowed */
	const struct mk_method *method; /* borrowed */
};

/* The bus interface that is made from one plugin's table. */
struct mk_class_interface {
	struct mk_bus_interface interface;
	struct mk_bus_method *methods;
	struct mk_class_method *refs;
	/* a table for each method, with `token` added unless it is a query */
	struct mk_option **options;
	size_t n;
};

struct mk_service {
	sd_event *event;
	/* borrowed, as are store, cs, engine, volumes and bus */
	const struct mk_plugins *plugins;
	struct mk_store *store;
	struct mk_cs *cs;
	struct mk_engine *engine;
	struct mk_volumes *volumes;
	struct mk_bus *bus;
	struct mk_bus_object *manager;
	struct mk_bus_method *manager_methods;
	struct mk_bus_interface manager_interface;
	struct mk_class_interface *classes; /* one for each loaded plugin */
	size_t n_classes;
	char *oma, *status;
	char *conditions[MK_N_CONDITIONS]; /* sentences; NULL or "": all is well */
	/* what callers were last told */
	bool healthy, reachable;
	uint64_t pending, managed;
};

/* volume-object.c */
#define MK_N_VOLUME_READS 4
extern const struct mk_bus_method mk_service_volume_reads[MK_N_VOLUME_READS];
/* Handler of the manager's methods that a class carries out (method.h). */
void mk_service_on_volume_method(struct mk_call *call, void *data);
/* Publishes the objects of all volumes that are there already. */
void mk_service_publish_volumes(struct mk_service *service);
/* For mk_engine_watcher.claimed. */
void mk_service_volume_claimed(const char *volume, void *data);

/* class.c */
/* Makes the interface of a plugin. Returns 0 or -ENOMEM; mk_service_class_done() frees it in any
 * case. */
int mk_service_build_class(struct mk_class_interface *ci, const struct mk_plugin *plugin);
void mk_service_class_done(struct mk_class_interface *ci);
/* For mk_engine_watcher.method. */
const struct mk_method *mk_service_find_method(const char *class, const char *kind, void *data);

/* batch.c */
/* Handler of MK_METHOD_BATCH. */
void mk_service_on_batch(struct mk_call *call, void *data);

/* operation-object.c */
extern const struct mk_bus_interface mk_operation_interface;
/* The record as JSON for a{sv}, with the names of the object's properties as keys. */
json_object *mk_operation_to_json(const struct mk_op_record *r);
/* For mk_engine_watcher. */
void mk_service_op_added(struct mk_op *op, void *data);
void mk_service_op_changed(struct mk_op *op, unsigned what, void *data);
void mk_service_op_finished(struct mk_op *op, void *data);
void mk_service_op_removed(struct mk_op *op, void *data);

/* request.c */
/* The path of an operation's object; to be freed. */
char *mk_operation_path(const char *id);
/* For mk_bus_method.also: the right to force, if option `force` is true. */
unsigned mk_service_needs_force(const struct mk_call *call, void *object);
/* an array with this element, whose reference is taken over */
json_object *mk_one_arg(json_object *value);
json_object *mk_service_path_of(struct mk_op *op);
const char *mk_service_token_of(json_object *args); /* the option `token`; NULL: none */
