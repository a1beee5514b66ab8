/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Class oma: the tables are in oma.c; what the rows do in oma-life.c, oma-reconcile.c and move.c. */

#include "steps.h"

#define CLASS "oma"

/* oma-life.c: creating, deleting, adopting, forgetting */
int create_prepare(struct mk_op *op, json_object *args);
int create_zone(struct mk_op *op);
int create_offering(struct mk_op *op);
int create(struct mk_op *op);
int create_undo(struct mk_op *op);
int create_own(struct mk_op *op);
int delete_check(struct mk_op *op);
int delete (struct mk_op *op);
int delete_prove(struct mk_op *op);
int adopt_check(struct mk_op *op);
int adopt_own(struct mk_op *op);
int adopt_undo(struct mk_op *op);
int forget_untag(struct mk_op *op);
int forget(struct mk_op *op);

/* CloudStack's name of a volume: the caller's name, and the operation that made it. The result must be
 * freed; NULL without memory. */
char *cloud_name(const char *name, const char *operation);
/* And back: the caller's name; the same text if it was made by somebody else. Must be freed. */
char *plain_name(const char *cloud);

/* oma-reconcile.c */
int reconcile_cloud(struct mk_op *op);
int reconcile_rest(struct mk_op *op);
int reconcile_tags(struct mk_op *op);
int reconcile_devices(struct mk_op *op);
