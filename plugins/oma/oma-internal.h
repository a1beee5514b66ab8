/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Room oma: the class oma, for the appliance's own volumes. The tables are in oma.c; what their rows do is in
 * create.c, reconcile.c, steps/managed.c and steps/move.c. */

#include "steps/steps.h"

#define CLASS "oma"

/* create.c */
int create_prepare(struct mk_op *op, json_object *args);
int create_zone(struct mk_op *op);
int create_offering(struct mk_op *op);
int create(struct mk_op *op);
int create_undo(struct mk_op *op);
int create_own(struct mk_op *op);

/* reconcile.c */
int reconcile_cloud(struct mk_op *op);
int reconcile_rest(struct mk_op *op);
int reconcile_tags(struct mk_op *op);
int reconcile_devices(struct mk_op *op);
