/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The plugin loader: finds, checks and keeps the shared objects, one for each volume class.
 *
 * A plugin is checked completely before its init runs: file, ABI, descriptor, methods and step tables.
 * What is wrong disables its class only, with a sentence that names the file and the cause. Plugins
 * stay loaded until mk_plugins_free(), which comes after everything that may call into them.
 */

#include "base/base.h"

#include <migratekit/volume-plugin.h>

struct mk_plugin_slot {
	char *name;                     /* the volume class; a copy that outlives the plugin */
	char *path;                     /* of the file */
	const struct mk_plugin *plugin; /* NULL if disabled; then problem says why */
	char *problem;
	bool unsupported; /* init said -ENOTSUP: not on this system, which is no error */
	void *handle;     /* of dlopen(), NULL if it came to nothing */
};

struct mk_plugins {
	struct mk_plugin_slot *slots; /* in the order of the names given */
	size_t n;
};

/*
 * Loads DIRECTORY/NAME.so for each of the names (NULL-terminated). host must stay valid until
 * mk_plugins_free(); NULL: check only, init is not called (--describe-plugin). Returns 0 also when
 * plugins are broken, see the slots; -ENOMEM.
 */
int mk_plugins_load(const char *directory, char **names, const struct mk_host *host,
		    struct mk_plugins **ret);

/* Unloads, except under sanitizers, whose reports need the names. NULL is allowed; returns NULL. */
struct mk_plugins *mk_plugins_free(struct mk_plugins *plugins);
DEFINE_CLEANUP(struct mk_plugins *, mk_plugins_free)

/* The plugin of a class, or NULL if there is none or it is disabled. */
const struct mk_plugin *mk_plugins_find(const struct mk_plugins *plugins, const char *name);
/* The slot of a class, or NULL if it was not asked for. */
const struct mk_plugin_slot *mk_plugins_slot(const struct mk_plugins *plugins, const char *name);

/* The operation kind of a method: its own name for it, or the method's name. */
static inline const char *mk_method_operation(const struct mk_method *m)
{
	return m->operation ? m->operation : m->name;
}

/* Checks a descriptor, as far as it can be without its file; *ret_problem is a half sentence, owned by
 * the caller. Returns 0, -EINVAL with a problem, or -ENOMEM. */
int mk_plugin_check(const struct mk_plugin *plugin, const char *name, char **ret_problem);

/* Name, ABI, interface, and each method with arguments, options, deadline and step table. */
void mk_plugin_describe(const struct mk_plugin *plugin, FILE *f);
