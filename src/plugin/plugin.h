/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Room plugin: finds, loads and checks the plugins, which are shared objects, one for each volume class.
 *
 * A plugin is checked completely before its init runs: file, ABI, descriptor, methods and step tables. A mistake
 * disables only its class, with a sentence that names the file and the cause. Plugins stay loaded until
 * mk_plugins_free(), which must come after everything that may call into them.
 */

#include "base/base.h"

#include <migratekit/volume-plugin.h>

/* One plugin of the configuration, loaded or disabled. */
struct mk_plugin_slot {
	char *name;                     /* the volume class; our own copy */
	char *path;                     /* of the file */
	const struct mk_plugin *plugin; /* NULL if disabled; then problem says why */
	char *problem;
	bool unsupported; /* init returned -ENOTSUP: not for this system, which is no error */
	void *handle;     /* from dlopen(); NULL if that was not reached or failed */
};

struct mk_plugins {
	struct mk_plugin_slot *slots; /* in the order of the names given */
	size_t n;
};

/*
 * Loads DIRECTORY/NAME.so for each of the names (NULL-terminated). host must stay valid until mk_plugins_free();
 * NULL: init is not called (--describe-plugin). Returns 0, also if plugins are disabled, which their slots say; or
 * -ENOMEM.
 */
int mk_plugins_load(const char *directory, char **names, const struct mk_host *host,
		    struct mk_plugins **ret);

/* Unloads all plugins; with AddressSanitizer they stay loaded, because its reports need their symbols. NULL is
 * allowed; returns NULL. */
struct mk_plugins *mk_plugins_free(struct mk_plugins *plugins);
DEFINE_CLEANUP(struct mk_plugins *, mk_plugins_free)

/* The plugin of a class, or NULL if there is none or it is disabled. */
const struct mk_plugin *mk_plugins_find(const struct mk_plugins *plugins, const char *name);
/* The slot of a class, or NULL if it was not asked for. */
const struct mk_plugin_slot *mk_plugins_slot(const struct mk_plugins *plugins, const char *name);

/* The kind of the operations that a method makes: mk_method.operation, or the method's name. */
static inline const char *mk_method_operation(const struct mk_method *m)
{
	return m->operation ? m->operation : m->name;
}

/* Checks a descriptor, except for what concerns its file. name: what it must call itself. Returns 0; -EINVAL with
 * half a sentence in *ret_problem, to be freed; or -ENOMEM. */
int mk_plugin_check(const struct mk_plugin *plugin, const char *name, char **ret_problem);

/* Prints name, ABI, interface, and each method with its arguments, options, deadline and step table. */
void mk_plugin_describe(const struct mk_plugin *plugin, FILE *f);
