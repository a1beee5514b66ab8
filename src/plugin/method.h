/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The methods of the manager (org.migratekit.Volume1) that a volume class carries out, for instance CreateVolume.
 * One table for the bus, for the check of plugins, and for choosing the class of a call. */

#include <migratekit/volume-plugin.h>

/* How the class of a call is found. */
enum mk_class_source {
	MK_CLASS_ARGUMENT, /* the first argument is its name */
	/* The class of the managed volume that the first argument names. If it is not managed: option `class`;
	 * else, with option `unmanaged`, the first class that has the method. */
	MK_CLASS_OF_VOLUME,
	MK_CLASS_ANY, /* the first class that has the method */
};

struct mk_volume_method {
	const char *name; /* NULL ends the table */
	const char *in, *in_names;
	enum mk_class_source source;
	enum mk_privilege privilege;
	const struct mk_option *options; /* `token` included */
};

/* The table; its last row is empty. All methods return the path of an operation ("o", "operation"). */
extern const struct mk_volume_method mk_volume_methods[];
#define MK_N_VOLUME_METHODS 7

/* NULL: there is no such method. */
const struct mk_volume_method *mk_volume_method_find(const char *name);
