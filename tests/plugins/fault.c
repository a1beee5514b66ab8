/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A small good plugin for the test of the loader. Built with one of the FAULT_* macros it has one mistake that needs a
 * real file. Mistakes within the tables need none: see tests/unit/plugin/test-plugin.c.
 */

#include <migratekit/volume-plugin.h>

#include <errno.h>

#ifndef FAULT_INTERFACE
#define FAULT_INTERFACE "org.migratekit.Volume1.Good"
#endif

#ifdef FAULT_UNDEFINED
int fault_nobody_has_this(struct mk_op *op);
#define fault_then fault_nobody_has_this
#else
static int fault_then(struct mk_op *op)
{
	return MK_DONE;
}
#endif

static int fault_prepare(struct mk_op *op, json_object *args)
{
	return MK_DONE;
}

static int fault_init(const struct mk_host *host)
{
#if defined(FAULT_INIT)
	return -EIO;
#elif defined(FAULT_UNSUPPORTED)
	return -ENOTSUP;
#else
	return host->abi == MK_PLUGIN_ABI ? 0 : -EINVAL;
#endif
}

static const struct mk_step fault_steps[] = {
	{ .name = "look", .ask = MK_ASK_VM, .then = fault_then, .limit_s = 60 },
	{ 0 },
};

static const struct mk_method fault_methods[] = {
	{ .name = "Remove",
	  .in = "sa{sv}",
	  .in_names = "vm,options",
	  .out = "o",
	  .out_names = "operation",
	  .kind = MK_METHOD_OPERATION,
	  .privilege = MK_PRIVILEGE_DELETE,
	  .steps = fault_steps,
	  .deadline_s = 3600,
	  .prepare = fault_prepare },
	{ 0 },
};

static const struct mk_plugin fault_plugin = {
#if defined(FAULT_ABI)
	.abi = MK_PLUGIN_ABI + 1,
	.size = sizeof(struct mk_plugin),
#elif defined(FAULT_SIZE)
	.abi = MK_PLUGIN_ABI,
	.size = sizeof(struct mk_plugin) + 8,
#else
	MK_PLUGIN_STAMP,
#endif
	.name = FAULT_NAME,
	.summary = "a plugin for tests",
	.interface = FAULT_INTERFACE,
	.methods = fault_methods,
	.init = fault_init,
};

/* Without the symbol the descriptor is still used, so that nothing is left out of the object. */
#if defined(FAULT_SYMBOL)
__attribute__((visibility("default"))) extern const struct mk_plugin *const another_symbol;
const struct mk_plugin *const another_symbol = &fault_plugin;
#elif defined(FAULT_NULL)
__attribute__((visibility("default"))) extern const struct mk_plugin *const another_symbol;
const struct mk_plugin *const another_symbol = &fault_plugin;
__attribute__((
	visibility("default"))) extern const struct mk_plugin *const migratekit_volume_plugin;
const struct mk_plugin *const migratekit_volume_plugin = NULL;
#else
MK_PLUGIN(fault_plugin);
#endif
