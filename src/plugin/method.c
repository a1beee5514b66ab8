/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of the manager's methods that volume classes carry out, with their signatures and
 * options. */

#include "method.h"

#include "base/base.h"

#define TOKEN                                                                                      \
	{                                                                                          \
		"token", "s"                                                                       \
	}

static const struct mk_option create_options[] = {
	TOKEN, { "disk-offering", "s" }, { "zone", "s" }, { 0 }
};
static const struct mk_option attach_options[] = { TOKEN, { "device-id", "u" }, { 0 } };
static const struct mk_option detach_options[] = {
	TOKEN, { "force", "b" }, { "class", "s" }, { 0 }
};
static const struct mk_option delete_options[] = {
	TOKEN, { "unmanaged", "b" }, { "class", "s" }, { 0 }
};
static const struct mk_option adopt_options[] = { TOKEN, { "name", "s" }, { 0 } };
static const struct mk_option forget_options[] = { TOKEN, { "drop-snapshots", "b" }, { 0 } };
static const struct mk_option reconcile_options[] = { TOKEN, { "repair", "b" }, { 0 } };

const struct mk_volume_method mk_volume_methods[MK_N_VOLUME_METHODS + 1] = {
	{ "CreateVolume", "ssta{sv}", "class,name,size,options", MK_CLASS_ARGUMENT,
	  MK_PRIVILEGE_CREATE, create_options },
	{ "AttachVolume", "sssa{sv}", "class,volume,vm,options", MK_CLASS_ARGUMENT,
	  MK_PRIVILEGE_ATTACH, attach_options },
	{ "DetachVolume", "sa{sv}", "volume,options", MK_CLASS_OF_VOLUME, MK_PRIVILEGE_DETACH,
	  detach_options },
	{ "DeleteVolume", "sa{sv}", "volume,options", MK_CLASS_OF_VOLUME, MK_PRIVILEGE_DELETE,
	  delete_options },
	{ "AdoptVolume", "ssa{sv}", "class,volume,options", MK_CLASS_ARGUMENT, MK_PRIVILEGE_CREATE,
	  adopt_options },
	{ "ForgetVolume", "sa{sv}", "volume,options", MK_CLASS_OF_VOLUME, MK_PRIVILEGE_DELETE,
	  forget_options },
	{ "Reconcile", "a{sv}", "options", MK_CLASS_ANY, MK_PRIVILEGE_CREATE, reconcile_options },
	{ 0 },
};

const struct mk_volume_method *mk_volume_method_find(const char *name)
{
	for (const struct mk_volume_method *m = mk_volume_methods; m->name; m++)
		if (streq(m->name, name))
			return m;

	return NULL;
}
