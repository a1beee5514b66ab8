/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The manager's methods that a volume class carries out: one table for the bus, the plugin loader and the
 * choice of the class. */

#include <migratekit/volume-plugin.h>

/* Which class a call is for. */
enum mk_class_source {
	MK_CLASS_ARGUMENT, /* the first argument names it */
	MK_CLASS_OF_VOLUME, /* the class of the managed volume in the first argument, or option `class` */
	MK_CLASS_ANY,       /* the first that has the method */
};

struct mk_volume_method {
	const char *name; /* NULL ends the table */
	const char *in, *in_names;
	enum mk_class_source source;
	enum mk_privilege privilege;
	const struct mk_option *options; /* `token` included */
};

/* All return the operation's path ("o", "operation"). */
extern const struct mk_volume_method mk_volume_methods[];
#define MK_N_VOLUME_METHODS 7

/* NULL: there is no such method. */
const struct mk_volume_method *mk_volume_method_find(const char *name);
