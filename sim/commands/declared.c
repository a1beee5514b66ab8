/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parameters of the commands that change something. */

#include "declared-internal.h"

/* BaseAsyncCmd */
#define ASYNC                                                                                      \
	{ .name = "customjobid", .type = P_TEXT, .field = "injectedJobId" },                       \
	{                                                                                          \
		.name = NULL                                                                       \
	}

/* BaseAsyncCreateCustomIdCmd, BaseAsyncCustomIdCmd */
#define ASYNC_CUSTOM_ID                                                                            \
	{ .name = "customid", .type = P_TEXT, .field = "customId", .since = "4.4" }, ASYNC

/* ---- volumes --------------------------------------------------------------------------------- */

const struct sim_param sim_params_attach_volume[] = {
	{ .name = "deviceid", .type = P_NUMBER },
	{ .name = "id", .type = P_ID, .kind = K_VOLUME, .required = true, .access = true },
	{ .name = "virtualmachineid",
	  .type = P_ID,
	  .kind = K_VM,
	  .required = true,
	  .access = true },
	ASYNC,
};

const struct sim_param sim_params_detach_volume[] = {
	{ .name = "id", .type = P_ID, .kind = K_VOLUME },
	{ .name = "deviceid", .type = P_NUMBER },
	{ .name = "virtualmachineid", .type = P_ID, .kind = K_VM },
	ASYNC,
};

const struct sim_param sim_params_create_volume[] = {
	{ .name = "account", .type = P_TEXT, .field = "accountName" },
	{ .name = "projectid", P_PROJECT },
	{ .name = "domainid", P_DOMAIN },
	{ .name = "diskofferingid", .type = P_ID, .kind = K_DISK_OFFERING },
	{ .name = "name", .type = P_TEXT, .field = "volumeName" },
	{ .name = "size", .type = P_NUMBER },
	{ .name = "miniops", .type = P_NUMBER },
	{ .name = "maxiops", .type = P_NUMBER },
	{ .name = "snapshotid", .type = P_ID, .kind = K_SNAPSHOT },
	{ .name = "zoneid", .type = P_ID, .kind = K_ZONE },
	{ .name = "displayvolume", .type = P_BOOL, .admin = true },
	{ .name = "virtualmachineid", .type = P_ID, .kind = K_VM },
	ASYNC_CUSTOM_ID,
};

const struct sim_param sim_params_id_volume[] = {
	{ .name = "id", .type = P_ID, .kind = K_VOLUME, .required = true, .access = true },
	{ .name = NULL },
};

const struct sim_param sim_params_destroy_volume[] = {
	{ .name = "id", .type = P_ID, .kind = K_VOLUME, .required = true, .access = true },
	{ .name = "expunge", .type = P_BOOL, .since = "4.6" },
	ASYNC,
};

const struct sim_param sim_params_resize_volume[] = {
	{ .name = "id", .type = P_ID, .kind = K_VOLUME, .required = true, .access = true },
	{ .name = "miniops", .type = P_NUMBER },
	{ .name = "maxiops", .type = P_NUMBER },
	{ .name = "size", .type = P_NUMBER },
	{ .name = "shrinkok", .type = P_BOOL },
	{ .name = "diskofferingid", .type = P_ID, .kind = K_DISK_OFFERING },
	ASYNC,
};

const struct sim_param sim_params_migrate_volume[] = {
	{ .name = "volumeid", .type = P_ID, .kind = K_VOLUME, .required = true },
	{ .name = "storageid", .type = P_ID, .kind = K_POOL, .required = true },
	{ .name = "livemigrate", .type = P_BOOL },
	{ .name = "newdiskofferingid", .type = P_ID, .kind = K_DISK_OFFERING },
	ASYNC,
};

const struct sim_param sim_params_update_volume[] = {
	{ .name = "id", .type = P_ID, .kind = K_VOLUME, .access = true },
	{ .name = "path", .type = P_TEXT, .since = "4.3", .admin = true },
	{ .name = "chaininfo",
	  .type = P_TEXT,
	  .field = "chainInfo",
	  .since = "4.4",
	  .admin = true },
	{ .name = "storageid", .type = P_ID, .kind = K_POOL, .since = "4.3" },
	{ .name = "state", .type = P_TEXT, .since = "4.19" },
	{ .name = "displayvolume", .type = P_BOOL, .field = "displayVolume" },
	{ .name = "deleteprotection", .type = P_BOOL, .since = "4.20.0" },
	{ .name = "name", .type = P_TEXT, .since = "4.20" },
	ASYNC_CUSTOM_ID,
};

/* ---- snapshots ------------------------------------------------------------------------------- */

const struct sim_param sim_params_create_snapshot[] = {
	{ .name = "account", .type = P_TEXT, .field = "accountName" },
	{ .name = "domainid", P_DOMAIN },
	{ .name = "volumeid", .type = P_ID, .kind = K_VOLUME, .required = true, .access = true },
	{ .name = "policyid", .type = P_ID, .kind = K_NONE },
	{ .name = "quiescevm", .type = P_BOOL },
	{ .name = "locationtype", .type = P_TEXT, .field = "locationType" },
	{ .name = "name", .type = P_TEXT, .field = "snapshotName" },
	{ .name = "asyncbackup", .type = P_BOOL },
	{ .name = "tags", .type = P_MAP },
	{ .name = "zoneids", .type = P_IDS, .kind = K_ZONE, .since = "4.19.0" },
	ASYNC,
};

const struct sim_param sim_params_delete_snapshot[] = {
	{ .name = "id", .type = P_ID, .kind = K_SNAPSHOT, .required = true, .access = true },
	{ .name = "zoneid", .type = P_ID, .kind = K_ZONE, .since = "4.13" },
	ASYNC,
};

const struct sim_param sim_params_id_snapshot[] = {
	{ .name = "id", .type = P_ID, .kind = K_SNAPSHOT, .required = true, .access = true },
	ASYNC,
};

/* ---- tags ------------------------------------------------------------------------------------ */

const struct sim_param sim_params_create_tags[] = {
	{ .name = "tags", .type = P_MAP, .required = true },
	{ .name = "resourcetype", .type = P_TEXT, .field = "resourceType", .required = true },
	{ .name = "resourceids", .type = P_TEXTS, .required = true },
	{ .name = "customer", .type = P_TEXT },
	ASYNC,
};

const struct sim_param sim_params_delete_tags[] = {
	{ .name = "tags", .type = P_MAP },
	{ .name = "resourcetype", .type = P_TEXT, .field = "resourceType", .required = true },
	{ .name = "resourceids", .type = P_TEXTS, .required = true },
	ASYNC,
};

/* ---- VMs ------------------------------------------------------------------------------------- */

const struct sim_param sim_params_start_vm[] = {
	{ .name = "id", .type = P_ID, .kind = K_VM, .required = true, .access = true },
	{ .name = "podid", P_PLACE_POD },
	{ .name = "clusterid", P_PLACE_CLUSTER },
	{ .name = "hostid", P_PLACE_HOST, .since = "4.2" },
	{ .name = "considerlasthost", .type = P_BOOL, .since = "4.18.0" },
	{ .name = "deploymentplanner",
	  .type = P_TEXT,
	  .field = "deploymentPlanner",
	  .since = "4.4",
	  .admin = true },
	{ .name = "bootintosetup", .type = P_BOOL, .since = "4.15.0.0" },
	ASYNC,
};

const struct sim_param sim_params_stop_vm[] = {
	{ .name = "id", .type = P_ID, .kind = K_VM, .required = true, .access = true },
	{ .name = "forced", .type = P_BOOL },
	ASYNC,
};

const struct sim_param sim_params_destroy_vm[] = {
	{ .name = "id", .type = P_ID, .kind = K_VM, .required = true, .access = true },
	{ .name = "expunge", .type = P_BOOL, .since = "4.6" },
	{ .name = "volumeids", .type = P_IDS, .kind = K_VOLUME, .since = "4.12.0" },
	ASYNC,
};

const struct sim_param sim_params_id_vm[] = {
	{ .name = "id", .type = P_ID, .kind = K_VM, .required = true },
	ASYNC,
};

/* DeployVMCmd, then BaseDeployVMCmd. */
const struct sim_param sim_params_deploy_vm[] = {
	{ .name = "serviceofferingid", .type = P_ID, .kind = K_SERVICE_OFFERING, .required = true },
	{ .name = "templateid", .type = P_ID, .kind = K_TEMPLATE },
	{ .name = "overridediskofferingid",
	  .type = P_ID,
	  .kind = K_DISK_OFFERING,
	  .since = "4.17" },
	{ .name = "volumeid", .type = P_ID, .kind = K_VOLUME, .since = "4.17" },
	{ .name = "snapshotid", .type = P_ID, .kind = K_SNAPSHOT, .since = "4.21" },
	{ .name = "zoneid", .type = P_ID, .kind = K_ZONE, .required = true },
	{ .name = "name", .type = P_TEXT, .host = true },
	{ .name = "displayname", .type = P_TEXT, .field = "displayName" },
	{ .name = "password", .type = P_TEXT, .since = "4.19.0.0" },
	{ .name = "account", .type = P_TEXT, .field = "accountName" },
	{ .name = "domainid", P_DOMAIN },
	{ .name = "networkids", .type = P_IDS, .kind = K_NETWORK },
	{ .name = "boottype", .type = P_TEXT, .field = "bootType", .since = "4.14.0.0" },
	{ .name = "bootmode", .type = P_TEXT, .field = "bootMode", .since = "4.14.0.0" },
	{ .name = "bootintosetup", .type = P_BOOL, .since = "4.15.0.0" },
	{ .name = "diskofferingid", .type = P_ID, .kind = K_DISK_OFFERING },
	{ .name = "size", .type = P_NUMBER },
	{ .name = "rootdisksize", .type = P_NUMBER, .since = "4.4" },
	{ .name = "datadisksdetails", .type = P_MAP, .since = "4.21.0" },
	{ .name = "group", .type = P_TEXT },
	{ .name = "hypervisor", .type = P_TEXT },
	{ .name = "userdata", .type = P_TEXT, .field = "userData", .length = 1048576 },
	{ .name = "userdataid", .type = P_ID, .kind = K_NONE, .since = "4.18" },
	{ .name = "userdatadetails", .type = P_MAP, .since = "4.18" },
	{ .name = "keypair", .type = P_TEXT, .field = "sshKeyPairName" },
	{ .name = "keypairs", .type = P_TEXTS, .since = "4.17" },
	{ .name = "hostid", P_PLACE_HOST },
	{ .name = "securitygroupids", .type = P_IDS, .kind = K_NONE },
	{ .name = "securitygroupnames", .type = P_TEXTS },
	{ .name = "iptonetworklist", .type = P_MAP },
	{ .name = "ipaddress", .type = P_TEXT, .field = "ipAddress" },
	{ .name = "ip6address", .type = P_TEXT, .field = "ip6Address" },
	{ .name = "macaddress", .type = P_TEXT, .field = "macAddress" },
	{ .name = "keyboard", .type = P_TEXT },
	{ .name = "projectid", P_PROJECT },
	{ .name = "startvm", .type = P_BOOL },
	{ .name = "affinitygroupids", .type = P_IDS, .kind = K_NONE },
	{ .name = "affinitygroupnames", .type = P_TEXTS },
	{ .name = "displayvm", .type = P_BOOL, .since = "4.4", .admin = true },
	{ .name = "details", .type = P_MAP, .since = "4.3" },
	{ .name = "deploymentplanner",
	  .type = P_TEXT,
	  .field = "deploymentPlanner",
	  .since = "4.4",
	  .admin = true },
	{ .name = "dhcpoptionsnetworklist", .type = P_MAP },
	{ .name = "datadiskofferinglist", .type = P_MAP, .since = "4.11" },
	{ .name = "extraconfig",
	  .type = P_TEXT,
	  .field = "extraConfig",
	  .length = 5120,
	  .since = "4.12" },
	{ .name = "copyimagetags", .type = P_BOOL, .since = "4.13" },
	{ .name = "properties", .type = P_MAP, .since = "4.15" },
	{ .name = "nicnetworklist", .type = P_MAP, .since = "4.15" },
	{ .name = "dynamicscalingenabled", .type = P_BOOL, .since = "4.16" },
	{ .name = "iothreadsenabled", .type = P_BOOL, .since = "4.16" },
	{ .name = "iodriverpolicy", .type = P_TEXT, .field = "ioDriverPolicy", .since = "4.16" },
	{ .name = "nicmultiqueuenumber", .type = P_INTEGER, .since = "4.18" },
	{ .name = "nicpackedvirtqueuesenabled", .type = P_BOOL, .since = "4.18" },
	{ .name = "leaseduration", .type = P_INTEGER, .since = "4.21.0" },
	{ .name = "leaseexpiryaction",
	  .type = P_TEXT,
	  .field = "leaseExpiryAction",
	  .since = "4.21.0" },
	ASYNC_CUSTOM_ID,
};
