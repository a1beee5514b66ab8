/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loads plugins: checks owner and mode of the file and its directory, opens it, checks its descriptor, and calls
 * its init. */

#include "plugin.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/stat.h>

#if defined(__SANITIZE_ADDRESS__)
#define KEEP_LOADED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEP_LOADED true
#endif
#endif
#ifndef KEEP_LOADED
#define KEEP_LOADED false
#endif

/* Disables the slot. Returns 0, since that is no failure of the loader, or -ENOMEM. */
static int _printf_(2, 3) disable(struct mk_plugin_slot *slot, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&slot->problem, fmt, ap) < 0)
		slot->problem = NULL;
	va_end(ap);
	return slot->problem ? 0 : -ENOMEM;
}

/* What anybody but root and ourselves may change must not be run. Returns half a sentence, or NULL. */
static const char *trust_problem(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs neither to root nor to the daemon's user";
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return "can be written by its group or others; run chmod go-w on it";

	return NULL;
}

static int check_directory(struct mk_plugin_slot *slot, const char *directory)
{
	const char *why;
	struct stat st;

	if (*directory != '/')
		return disable(slot, "%s: the directory of plugins %s is not an absolute path",
			       slot->path, directory);
	if (stat(directory, &st) < 0)
		return disable(slot, "%s: the directory of plugins %s cannot be read: %s",
			       slot->path, directory, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return disable(slot, "%s: %s is not a directory", slot->path, directory);

	why = trust_problem(&st);
	if (why)
		return disable(slot, "%s: the directory of plugins %s %s", slot->path, directory,
			       why);

	return 0;
}

/* A link within the directory is allowed: the file it leads to is the one that is checked. */
static int check_inside(struct mk_plugin_slot *slot, const char *directory)
{
	_cleanup_free_ char *real_directory = realpath(directory, NULL);
	_cleanup_free_ char *real_path = realpath(slot->path, NULL);
	size_t n;

	if (!real_path || !real_directory)
		return disable(slot, "%s: cannot be found: %s", slot->path, strerror(errno));

	n = strlen(real_directory);
	if (strncmp(real_path, real_directory, n) != 0 || real_path[n] != '/')
		return disable(slot, "%s: leads out of its directory, to %s", slot->path,
			       real_path);

	return 0;
}

static int check_file(struct mk_plugin_slot *slot)
{
	_cleanup_close_ int fd = open(slot->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *why;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return disable(slot, "%s: cannot be opened: %s", slot->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return disable(slot, "%s: is not a regular file", slot->path);

	why = trust_problem(&st);
	if (why)
		return disable(slot, "%s: %s", slot->path, why);

	return 0;
}

static int check_path(struct mk_plugin_slot *slot, const char *directory)
{
	int r;

	r = check_directory(slot, directory);
	if (r < 0 || slot->problem)
		return r;
	r = check_inside(slot, directory);
	if (r < 0 || slot->problem)
		return r;

	return check_file(slot);
}

static int open_plugin(struct mk_plugin_slot *slot, const struct mk_plugin **ret)
{
	_cleanup_free_ char *why = NULL;
	const struct mk_plugin *const *symbol;
	int r;

	slot->handle = dlopen(slot->path, RTLD_NOW | RTLD_LOCAL);
	if (!slot->handle)
		return disable(slot, "%s: cannot be loaded: %s", slot->path, dlerror());

	symbol = dlsym(slot->handle, MK_PLUGIN_SYMBOL);
	if (!symbol)
		return disable(slot, "%s: is no volume plugin: it has no symbol " MK_PLUGIN_SYMBOL,
			       slot->path);

	r = mk_plugin_check(*symbol, slot->name, &why);
	if (r == -EINVAL)
		return disable(slot, "%s: %s", slot->path, why);
	if (r < 0)
		return r;

	*ret = *symbol;
	return 0;
}

/* Against the plugins that were loaded before this one. */
static int check_unique(const struct mk_plugins *plugins, struct mk_plugin_slot *slot,
			const struct mk_plugin *plugin)
{
	for (const struct mk_plugin_slot *other = plugins->slots; other < slot; other++)
		if (other->plugin && streq(other->plugin->interface, plugin->interface))
			return disable(slot, "%s: interface %s is taken by %s", slot->path,
				       plugin->interface, other->path);

	return 0;
}

static int init_plugin(struct mk_plugin_slot *slot, const struct mk_plugin *plugin,
		       const struct mk_host *host)
{
	int r = 0;

	if (host && plugin->init)
		r = plugin->init(host);

	if (r == -ENOTSUP) {
		slot->unsupported = true;
		return disable(slot, "%s: not on this system", slot->path);
	}
	if (r < 0)
		return disable(slot, "%s: init failed: %s", slot->path, strerror(-r));

	slot->plugin = plugin;
	return 0;
}

static int load_slot(const struct mk_plugins *plugins, struct mk_plugin_slot *slot,
		     const char *directory, const struct mk_host *host)
{
	const struct mk_plugin *plugin = NULL;
	int r;

	if (!mk_name_valid(slot->name))
		return disable(slot, "\"%s\" is not a plugin's name: a-z, then a-z, 0-9 and -",
			       slot->name);
	if (mk_plugins_slot(plugins, slot->name) != slot)
		return disable(slot, "%s: class %s is asked for twice", slot->path, slot->name);

	r = check_path(slot, directory);
	if (r < 0 || slot->problem)
		return r;
	r = open_plugin(slot, &plugin);
	if (r < 0 || slot->problem)
		return r;
	r = check_unique(plugins, slot, plugin);
	if (r < 0 || slot->problem)
		return r;

	return init_plugin(slot, plugin, host);
}

int mk_plugins_load(const char *directory, char **names, const struct mk_host *host,
		    struct mk_plugins **ret)
{
	_cleanup_(mk_plugins_freep) struct mk_plugins *plugins = NULL;
	size_t n = 0;
	int r;

	while (names[n])
		n++;

	plugins = calloc(1, sizeof(*plugins));
	if (!plugins)
		return -ENOMEM;
	plugins->slots = calloc(n + 1, sizeof(*plugins->slots));
	if (!plugins->slots)
		return -ENOMEM;

	for (; plugins->n < n; plugins->n++) {
		struct mk_plugin_slot *slot = &plugins->slots[plugins->n];

		slot->name = strdup(names[plugins->n]);
		slot->path = mk_strdup_printf("%s/%s.so", directory, names[plugins->n]);
		if (!slot->name || !slot->path) {
			free(slot->name);
			free(slot->path);
			return -ENOMEM;
		}
	}

	for (size_t i = 0; i < n; i++) {
		r = load_slot(plugins, &plugins->slots[i], directory, host);
		if (r < 0)
			return r;
	}

	*ret = take_ptr(plugins);
	return 0;
}

struct mk_plugins *mk_plugins_free(struct mk_plugins *plugins)
{
	if (!plugins)
		return NULL;

	for (size_t i = plugins->n; i > 0; i--) {
		struct mk_plugin_slot *slot = &plugins->slots[i - 1];

		if (slot->handle && !KEEP_LOADED)
			dlclose(slot->handle);
		free(slot->name);
		free(slot->path);
		free(slot->problem);
	}
	free(plugins->slots);
	free(plugins);
	return NULL;
}

const struct mk_plugin_slot *mk_plugins_slot(const struct mk_plugins *plugins, const char *name)
{
	for (size_t i = 0; i < plugins->n; i++)
		if (streq(plugins->slots[i].name, name))
			return &plugins->slots[i];

	return NULL;
}

const struct mk_plugin *mk_plugins_find(const struct mk_plugins *plugins, const char *name)
{
	const struct mk_plugin_slot *slot = mk_plugins_slot(plugins, name);

	return slot ? slot->plugin : NULL;
}
