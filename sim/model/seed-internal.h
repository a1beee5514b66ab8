/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The fields of objects, which a seed and a poke set. */

#include "model.h"

/* apply false: only looks whether the value can be taken. Returns 0 or -EINVAL. */
struct sim_field {
	const char *name;
	int (*set)(struct sim *sim, void *object, json_object *value, bool apply);
};

/* Ended by a row without a name. */
extern const struct sim_field sim_vm_fields[], sim_volume_fields[];

/*
 * Looks at all values before it changes any. id_key: the key of the object's own id, which is no field. Returns 0, or
 * -EINVAL and what is wrong in *ret_why, which the caller frees.
 */
int sim_set_fields(struct sim *sim, struct sim_object *o, const struct sim_field *fields,
		   json_object *values, const char *id_key, char **ret_why);
/* Takes the text. Returns -EINVAL. */
int sim_wrong(char **ret_why, char *why);
