/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The inside of what callers see.
 *
 *   service.c           the manager object, Status
 *   volume-object.c     volumes as objects, the manager's methods about them
 *   class.c             the interfaces of the classes
 *   batch.c             many operations in one call
 *   operation-object.c  operations as objects
 *   request.c           what every handler does with a call
 *
 * Each calls those below it.
 */

#include "plugin/method.h"
#include "service.h"

#define MK_MANAGER_INTERFACE   "org.migratekit.Volume1"
#define MK_OPERATION_INTERFACE "org.migratekit.Volume1.Operation"
#define MK_VOLUME_INTERFACE    "org.migratekit.Volume1.Volume"

/* One method of one plugin, as its bus method points to it. */
struct mk_class_method {
	const char *class;              /* borrowed */
	const struct mk_method *method; /* borrowed */
};

/* The bus interface made from one plugin's table. */
struct mk_class_interface {
	struct mk_bus_interface interface;
	struct mk_bus_method *methods;
	struct mk_class_method *refs;
	struct mk_option **options; /* one table a method, with `token` where it is understood */
	size_t n;
};

struct mk_service {
	sd_event *event;
	const struct mk_plugins *plugins; /* borrowed, as are the next four */
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
	char *conditions[MK_N_CONDITIONS]; /* NULL or "": all is well */
	/* as last told to callers */
	bool healthy, reachable;
	uint64_t pending, managed;
};

/* volume-object.c */
#define MK_N_VOLUME_READS 4
extern const struct mk_bus_method mk_service_volume_reads[MK_N_VOLUME_READS];
void mk_service_on_volume_method(struct mk_call *call, void *data);
void mk_service_publish_volumes(struct mk_service *service);
void mk_service_volume_claimed(const char *volume, void *data);

/* class.c */
/* Returns 0 or -ENOMEM; to be ended by mk_service_class_done() in any case. */
int mk_service_build_class(struct mk_class_interface *ci, const struct mk_plugin *plugin);
void mk_service_class_done(struct mk_class_interface *ci);
/* For mk_engine_watcher.method. */
const struct mk_method *mk_service_find_method(const char *class, const char *kind, void *data);

/* batch.c */
void mk_service_on_batch(struct mk_call *call, void *data);

/* operation-object.c */
extern const struct mk_bus_interface mk_operation_interface;
/* The record as a{sv}, with the same keys as the object's properties. */
json_object *mk_operation_to_json(const struct mk_op_record *r);
void mk_service_op_added(struct mk_op *op, void *data);
void mk_service_op_changed(struct mk_op *op, unsigned what, void *data);
void mk_service_op_finished(struct mk_op *op, void *data);
void mk_service_op_removed(struct mk_op *op, void *data);

/* request.c */
char *mk_operation_path(const char *id);
/* mk_bus_method.also: what option `force` needs. */
unsigned mk_service_needs_force(const struct mk_call *call, void *object);
json_object *mk_one_arg(json_object *value); /* an array of it; takes it over */
json_object *mk_service_path_of(struct mk_op *op);
const char *mk_service_token_of(json_object *args); /* NULL: none */
