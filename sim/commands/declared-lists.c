/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parameters of the commands that list, and of those that only look. */

#include "declared-internal.h"

/* BaseListCmd */
#define LIST                                                                                       \
	{ .name = "keyword", .type = P_TEXT, .like = true },                                       \
		{ .name = "page", .type = P_INTEGER }, { .name = "pagesize", .type = P_INTEGER },  \
	{                                                                                          \
		.name = NULL                                                                       \
	}

/* BaseListDomainResourcesCmd */
#define LIST_DOMAIN                                                                                \
	{ .name = "listall", .type = P_BOOL }, { .name = "domainid", P_DOMAIN },                   \
		{ .name = "isrecursive", .type = P_BOOL }, LIST

/* BaseListAccountResourcesCmd */
#define LIST_ACCOUNT { .name = "account", .type = P_TEXT, .field = "accountName" }, LIST_DOMAIN

/* BaseListProjectAndAccountResourcesCmd */
#define LIST_PROJECT { .name = "projectid", P_PROJECT }, LIST_ACCOUNT

/* BaseListTaggedResourcesCmd */
#define LIST_TAGGED { .name = "tags", .type = P_MAP }, LIST_PROJECT

/* BaseListRetrieveOnlyResourceCountCmd */
#define LIST_COUNTED { .name = "retrieveonlyresourcecount", .type = P_BOOL }, LIST_TAGGED

const struct sim_param sim_params_list_volumes[] = {
	{ .name = "hostid", P_PLACE_HOST },
	{ .name = "id", .type = P_ID, .kind = K_VOLUME },
	{ .name = "ids", .type = P_IDS, .kind = K_VOLUME, .since = "4.9" },
	{ .name = "name", .type = P_TEXT, .field = "volumeName" },
	{ .name = "podid", P_PLACE_POD },
	{ .name = "clusterid", P_PLACE_CLUSTER, .admin = true },
	{ .name = "type", .type = P_TEXT, .like = true },
	{ .name = "virtualmachineid", .type = P_ID, .kind = K_VM },
	{ .name = "zoneid", .type = P_ID, .kind = K_ZONE },
	{ .name = "storageid", .type = P_ID, .kind = K_POOL, .since = "4.3", .admin = true },
	{ .name = "serviceofferingid",
	  .type = P_ID,
	  .kind = K_SERVICE_OFFERING,
	  .since = "4.19.1" },
	{ .name = "diskofferingid", .type = P_ID, .kind = K_DISK_OFFERING, .since = "4.4" },
	{ .name = "displayvolume", .type = P_BOOL, .since = "4.4", .admin = true },
	{ .name = "listsystemvms", .type = P_BOOL, .since = "4.18", .admin = true },
	{ .name = "state", .type = P_TEXT },
	{ .name = "isencrypted", .type = P_BOOL, .since = "4.19.1", .admin = true },
	LIST_COUNTED,
};

const struct sim_param sim_params_list_vms[] = {
	{ .name = "groupid", .type = P_ID, .kind = K_NONE },
	{ .name = "id", .type = P_ID, .kind = K_VM },
	{ .name = "ids", .type = P_IDS, .kind = K_VM, .since = "4.9" },
	{ .name = "name", .type = P_TEXT },
	{ .name = "state", .type = P_TEXT },
	{ .name = "zoneid", .type = P_ID, .kind = K_ZONE },
	{ .name = "forvirtualnetwork", .type = P_BOOL },
	{ .name = "networkid", .type = P_ID, .kind = K_NETWORK },
	{ .name = "hypervisor", .type = P_TEXT },
	{ .name = "details", .type = P_TEXTS },
	{ .name = "templateid", .type = P_ID, .kind = K_TEMPLATE },
	{ .name = "isoid", .type = P_ID, .kind = K_NONE },
	{ .name = "vpcid", .type = P_ID, .kind = K_NONE },
	{ .name = "affinitygroupid", .type = P_ID, .kind = K_NONE },
	{ .name = "keypair", .type = P_TEXT },
	{ .name = "serviceofferingid",
	  .type = P_ID,
	  .kind = K_SERVICE_OFFERING,
	  .since = "4.19.1" },
	{ .name = "backupofferingid", .type = P_ID, .kind = K_NONE, .since = "4.17" },
	{ .name = "displayvm", .type = P_BOOL, .since = "4.4", .admin = true },
	{ .name = "userid", .type = P_ID, .kind = K_NONE, .only = SIM_USER },
	{ .name = "securitygroupid", .type = P_ID, .kind = K_NONE, .since = "4.15" },
	{ .name = "haenable", .type = P_BOOL, .since = "4.15" },
	{ .name = "autoscalevmgroupid", .type = P_ID, .kind = K_NONE, .since = "4.18.0" },
	{ .name = "showicon", .type = P_BOOL, .since = "4.16.0.0" },
	{ .name = "accumulate", .type = P_BOOL, .since = "4.17.0" },
	{ .name = "userdata", .type = P_BOOL, .since = "4.18.0.0" },
	{ .name = "userdataid", .type = P_ID, .kind = K_NONE, .since = "4.18" },
	{ .name = "isvnf", .type = P_BOOL, .since = "4.19.0" },
	LIST_COUNTED,
};

const struct sim_param sim_params_list_snapshots[] = {
	{ .name = "id", .type = P_ID, .kind = K_SNAPSHOT },
	{ .name = "ids", .type = P_IDS, .kind = K_SNAPSHOT, .since = "4.9" },
	{ .name = "intervaltype", .type = P_TEXT, .field = "intervalType" },
	{ .name = "name", .type = P_TEXT, .field = "snapshotName" },
	{ .name = "snapshottype", .type = P_TEXT, .field = "snapshotType" },
	{ .name = "volumeid", .type = P_ID, .kind = K_VOLUME },
	{ .name = "zoneid", .type = P_ID, .kind = K_ZONE },
	{ .name = "showunique", .type = P_BOOL, .since = "4.19.0" },
	{ .name = "locationtype", .type = P_TEXT, .field = "locationType", .since = "4.19.0" },
	LIST_TAGGED,
};

const struct sim_param sim_params_list_tags[] = {
	{ .name = "resourcetype", .type = P_TEXT, .field = "resourceType" },
	{ .name = "resourceid", .type = P_TEXT, .field = "resourceId" },
	{ .name = "key", .type = P_TEXT },
	{ .name = "value", .type = P_TEXT },
	{ .name = "customer", .type = P_TEXT },
	LIST_PROJECT,
};

const struct sim_param sim_params_list_vm_snapshots[] = {
	{ .name = "vmsnapshotid", .type = P_ID, .kind = K_VM_SNAPSHOT },
	{ .name = "vmsnapshotids", .type = P_IDS, .kind = K_VM_SNAPSHOT, .since = "4.9" },
	{ .name = "state", .type = P_TEXT },
	{ .name = "virtualmachineid", .type = P_ID, .kind = K_VM },
	{ .name = "name", .type = P_TEXT, .field = "vmSnapshotName" },
	LIST_TAGGED,
};

const struct sim_param sim_params_list_backups[] = {
	{ .name = "id", .type = P_ID, .kind = K_BACKUP },
	{ .name = "virtualmachineid", .type = P_ID, .kind = K_VM },
	{ .name = "zoneid", .type = P_ID, .kind = K_ZONE },
	{ .name = "name", .type = P_TEXT, .since = "4.20" },
	{ .name = "backupofferingid", .type = P_ID, .kind = K_NONE, .since = "4.17" },
	LIST_PROJECT,
};

const struct sim_param sim_params_list_zones[] = {
	{ .name = "id", .type = P_ID, .kind = K_ZONE },
	{ .name = "ids", .type = P_IDS, .kind = K_ZONE, .since = "4.9" },
	{ .name = "available", .type = P_BOOL },
	{ .name = "domainid", P_DOMAIN },
	{ .name = "name", .type = P_TEXT },
	{ .name = "networktype", .type = P_TEXT, .field = "networkType" },
	{ .name = "showcapacities", .type = P_BOOL },
	{ .name = "tags", .type = P_MAP, .since = "4.3" },
	{ .name = "showicon", .type = P_BOOL },
	LIST,
};

const struct sim_param sim_params_list_disk_offerings[] = {
	{ .name = "id", .type = P_ID, .kind = K_DISK_OFFERING },
	{ .name = "name", .type = P_TEXT, .field = "diskOfferingName" },
	{ .name = "zoneid", .type = P_ID, .kind = K_ZONE, .since = "4.13" },
	{ .name = "volumeid", .type = P_ID, .kind = K_VOLUME, .since = "4.17" },
	{ .name = "storageid", .type = P_ID, .kind = K_POOL, .since = "4.3" },
	{ .name = "encrypt", .type = P_BOOL, .since = "4.17" },
	{ .name = "storagetype", .type = P_TEXT, .field = "storageType", .since = "4.19" },
	{ .name = "state", .type = P_TEXT, .since = "4.19" },
	{ .name = "virtualmachineid", .type = P_ID, .kind = K_VM, .since = "4.20" },
	LIST_PROJECT,
};

const struct sim_param sim_params_list_service_offerings[] = {
	{ .name = "id", .type = P_ID, .kind = K_SERVICE_OFFERING },
	{ .name = "name", .type = P_TEXT, .field = "serviceOfferingName" },
	{ .name = "virtualmachineid", .type = P_ID, .kind = K_VM },
	{ .name = "issystem", .type = P_BOOL },
	{ .name = "systemvmtype", .type = P_TEXT, .field = "systemVmType" },
	{ .name = "zoneid", .type = P_ID, .kind = K_ZONE, .since = "4.13" },
	{ .name = "cpunumber", .type = P_INTEGER, .since = "4.15" },
	{ .name = "memory", .type = P_INTEGER, .since = "4.15" },
	{ .name = "cpuspeed", .type = P_INTEGER, .since = "4.15" },
	{ .name = "encryptroot", .type = P_BOOL, .since = "4.17" },
	{ .name = "storagetype", .type = P_TEXT, .field = "storageType", .since = "4.19" },
	{ .name = "state", .type = P_TEXT, .since = "4.19" },
	{ .name = "templateid", .type = P_ID, .kind = K_TEMPLATE, .since = "4.20" },
	LIST_PROJECT,
};

const struct sim_param sim_params_list_templates[] = {
	{ .name = "hypervisor", .type = P_TEXT },
	{ .name = "id", .type = P_ID, .kind = K_TEMPLATE },
	{ .name = "ids", .type = P_IDS, .kind = K_TEMPLATE, .since = "4.9" },
	{ .name = "name", .type = P_TEXT, .field = "templateName" },
	{ .name = "templatefilter", .type = P_TEXT, .field = "templateFilter", .required = true },
	{ .name = "zoneid", .type = P_ID, .kind = K_ZONE },
	{ .name = "showremoved", .type = P_BOOL },
	{ .name = "showunique", .type = P_BOOL, .since = "4.19.0" },
	{ .name = "parenttemplateid", .type = P_ID, .kind = K_TEMPLATE, .since = "4.4" },
	LIST_TAGGED,
};

const struct sim_param sim_params_list_networks[] = {
	{ .name = "id", .type = P_ID, .kind = K_NETWORK },
	{ .name = "zoneid", .type = P_ID, .kind = K_ZONE },
	{ .name = "type", .type = P_TEXT, .field = "guestIpType" },
	{ .name = "issystem", .type = P_BOOL },
	{ .name = "acltype", .type = P_TEXT, .field = "aclType" },
	{ .name = "traffictype", .type = P_TEXT, .field = "trafficType" },
	{ .name = "physicalnetworkid", .type = P_ID, .kind = K_NONE },
	{ .name = "supportedservices", .type = P_TEXTS },
	{ .name = "restartrequired", .type = P_BOOL },
	{ .name = "specifyipranges", .type = P_BOOL },
	{ .name = "vpcid", .type = P_ID, .kind = K_NONE },
	{ .name = "canusefordeploy", .type = P_BOOL },
	{ .name = "forvpc", .type = P_BOOL },
	{ .name = "displaynetwork", .type = P_BOOL, .since = "4.4", .admin = true },
	{ .name = "networkofferingid", .type = P_ID, .kind = K_NONE },
	{ .name = "associatednetworkid", .type = P_ID, .kind = K_NETWORK, .since = "4.17.0" },
	{ .name = "showicon", .type = P_BOOL },
	{ .name = "networkfilter", .type = P_TEXT, .field = "networkFilter", .since = "4.17.0" },
	LIST_COUNTED,
};

const struct sim_param sim_params_list_jobs[] = {
	{ .name = "startdate", .type = P_DATE },
	{ .name = "managementserverid",
	  .type = P_ID,
	  .kind = K_NONE,
	  .only = SIM_SERVER,
	  .since = "4.19" },
	LIST_ACCOUNT,
};

const struct sim_param sim_params_query_job[] = {
	{ .name = "jobid", .type = P_ID, .kind = K_JOB, .required = true },
	{ .name = NULL },
};

const struct sim_param sim_params_list_apis[] = {
	{ .name = "name", .type = P_TEXT },
	{ .name = NULL },
};
