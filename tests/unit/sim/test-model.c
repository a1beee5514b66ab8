/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves what the model of the simulator refuses as CloudStack does: with which code and text, in which order of
 * checks, and whether in the request or in the job.
 */

#include "sim-env.h"
#include "tap.h"

#define UNKNOWN "99999999-9999-4999-8999-999999999999"

/* What a request says about an id that it cannot use. */
#define BAD_ID(command, param, value)                                                              \
	"Unable to execute API command " command " due to invalid value. Invalid parameter " param \
	" value=" value " due to incorrect long value format, or entity does not exist or due to " \
	"incorrect parameter annotation for the field in api cmd class."

/* ---- ids ------------------------------------------------------------------------------------- */

static void test_ids(void)
{
	env_start();
	env_refused(401, 0, "unable to verify user credentials and/or request signature",
		    "listvolumes");
	env_refused(431, 9999, BAD_ID("listvolumes", "id", UNKNOWN), "listVolumes", "id", UNKNOWN);
	env_refused(431, 9999, BAD_ID("listvolumes", "id", "rubbish"), "listVolumes", "id",
		    "rubbish");
	env_refused(431, 9999, BAD_ID("listvolumes", "ids", UNKNOWN), "listVolumes", "ids",
		    SIM_OMA_ROOT "," UNKNOWN);
	env_refused(431, 9999,
		    "Unable to execute API command deletevolume due to missing parameter id",
		    "deleteVolume");
	env_refused(431, 4350, "Invalid value provided for API arg: id", "deleteVolume", "id", "");
	env_refused(431, 9999, BAD_ID("listvolumes", "id", ""), "listVolumes", "id", "");
	env_refused(431, 9999,
		    "Unable to execute API command listvolumes due to invalid value. Invalid value "
		    "provided for API arg: id",
		    "listVolumes", "id", "0");
	env_refused(431, 9999, BAD_ID("listvolumes", "ids", " " SIM_OMA_ROOT), "listVolumes", "ids",
		    SIM_OMA_ROOT ", " SIM_OMA_ROOT);
	env_refused(431, 9999,
		    "Unable to execute API command createvolume due to invalid value 1.5 for "
		    "parameter size",
		    "createVolume", "diskofferingid", SIM_CUSTOM_OFFERING, "size", "1.5");
	env_refused(431, 9999,
		    "Unable to execute API command createvolume due to invalid value  for "
		    "parameter size",
		    "createVolume", "diskofferingid", SIM_CUSTOM_OFFERING, "size", "");
	env_refused(431, 4350, "Specify either id or ids but not both parameters", "listVolumes",
		    "id", SIM_OMA_ROOT, "ids", SIM_OMA_ROOT);
	env_stop();
}

static int64_t count(json_object *o)
{
	int64_t n = mk_json_int(o, "count", 0);

	json_object_put(o);
	return n;
}

/* What a careless client falls into. */
static void test_traps(void)
{
	_cleanup_json_ json_object *o = NULL, *row = NULL;

	env_start();
	/* garbage in a parameter with a "since": the filter is lost; in a list of ids it names no row */
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "diskofferingid", "rubbish")), 3);
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "ids", "rubbish")), 0);
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "ids", "")), 3);
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "ids", "rubbish," SIM_OMA_ROOT)), 1);
	/* a bare number is an internal id: this is the failover VM's root disk */
	o = env_ok("listVolumes", "id", "3");
	row = json_object_get(json_object_array_get_idx(mk_json_get(o, "volume"), 0));
	CU_ASSERT_STRING_EQUAL(mk_json_str(row, "id", ""), SIM_FAILOVER_ROOT);
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "id", "77")), 0);
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "id", "-1")), 0);
	env_refused(431, 4350, "Unable to find UUID for id [77] of type [Volume]", "deleteVolume",
		    "id", "77");
	/* the database compares without case */
	env_seed("{\"vms\":[{\"id\":\"abcdef00-0000-4000-8000-000000000001\"}]}");
	CU_ASSERT_EQUAL(count(env_ok("listVirtualMachines", "id",
				     "ABCDEF00-0000-4000-8000-000000000001")),
			1);
	env_stop();
}

static void test_removed(void)
{
	static const char gone[] = "Unable to find UUID for id [4] of type [Volume]";
	const char *id;

	env_start();
	id = env_new_volume(NULL);
	json_object_put(env_ok("deleteVolume", "id", id));
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "id", id)), 0);
	env_refused(431, 4350, gone, "deleteVolume", "id", id);
	env_refused(431, 4350, gone, "detachVolume", "id", id);
	env_refused(431, 4350, gone, "attachVolume", "id", id, "virtualmachineid", SIM_OMA);
	env_refused(431, 4350, gone, "updateVolume", "id", id, "name", "x");
	env_refused(431, 4350, "Unable to find volume by id=4", "resizeVolume", "id", id, "size",
		    "2");
	env_refused(431, 4350, "Unable to find a volume with id 4", "recoverVolume", "id", id);
	env_job_refused(431, "Unable to find volume with ID: 4", "destroyVolume", "id", id,
			"expunge", "true");
	/* a number that never was one */
	env_set("role", "user");
	env_refused(531, 4365, "Caller does not have permission to operate with provided resource.",
		    "attachVolume", "id", "99", "virtualmachineid", SIM_OMA);
	env_refused(530, 4250, SIM_GENERIC_ERROR, "destroyVolume", "id", "-1");
	env_stop();
}

/* ---- createVolume ---------------------------------------------------------------------------- */

static void test_create_refused(void)
{
	env_start();
	env_seed("{\"diskofferings\":[{\"id\":\"aaaaaaaa-0000-4000-8000-000000000001\",\"name\":"
		 "\"L\","
		 "\"disksize\":1,\"iscustomized\":false,\"storagetype\":\"local\"},"
		 "{\"id\":\"aaaaaaaa-0000-4000-8000-000000000002\",\"name\":\"Huge\","
		 "\"disksize\":3000,\"iscustomized\":false}],"
		 "\"zones\":[{\"id\":\"aaaaaaaa-0000-4000-8000-000000000003\",\"name\":\"off\","
		 "\"allocationstate\":\"Disabled\"}]}");
	env_refused(
		431, 4350,
		"At least one of disk Offering ID or snapshot ID must be passed whilst creating "
		"volume",
		"createVolume", "size", "0");
	env_refused(431, 4350, "Disk size must be larger than 0", "createVolume", "diskofferingid",
		    SIM_FIXED_OFFERING, "size", "0");
	env_refused(431, 4350, "Please specify a valid disk offering.", "createVolume",
		    "diskofferingid", "99");
	env_refused(431, 4350, "This disk offering requires a custom size specified",
		    "createVolume", "diskofferingid", SIM_CUSTOM_OFFERING);
	env_refused(431, 4350, "This disk offering does not allow custom size", "createVolume",
		    "diskofferingid", SIM_FIXED_OFFERING, "size", "5");
	env_refused(431, 4350, "Volume size: 1025 GB is out of allowed range. Min: 1. Max: 1024",
		    "createVolume", "diskofferingid", SIM_CUSTOM_OFFERING, "size", "1025");
	env_refused(431, 4350,
		    "Requested volume size is 3000 GB, but the maximum size allowed is 2000 GB.",
		    "createVolume", "diskofferingid", "aaaaaaaa-0000-4000-8000-000000000002");
	env_refused(431, 4350, "Unable to find zone by id null", "createVolume", "diskofferingid",
		    SIM_FIXED_OFFERING);
	env_refused(
		431, 4350,
		"Zone is not configured to use local storage but volume's disk offering L uses it",
		"createVolume", "diskofferingid", "aaaaaaaa-0000-4000-8000-000000000001", "zoneid",
		SIM_ZONE);
	/* a root admin may use a disabled zone, and has no limit */
	json_object_put(env_job("createVolume", "diskofferingid", SIM_FIXED_OFFERING, "zoneid",
				"aaaaaaaa-0000-4000-8000-000000000003"));
	env_set("role", "user");
	env_refused(531, 4365, "Cannot perform this operation, Zone: off is currently disabled",
		    "createVolume", "diskofferingid", SIM_FIXED_OFFERING, "zoneid",
		    "aaaaaaaa-0000-4000-8000-000000000003");
	env_set("max-volumes", "3");
	env_refused(535, 4370, "Maximum amount of resources of Type = 'volume'*", "createVolume",
		    "diskofferingid", SIM_FIXED_OFFERING, "zoneid", SIM_ZONE);
	env_set("max-volumes", "0");
	env_refused(531, 4365,
		    "Please check your permissions, you are not allowed to create/update custom id",
		    "createVolume", "diskofferingid", SIM_FIXED_OFFERING, "zoneid", SIM_ZONE,
		    "customid", UNKNOWN);
	CU_ASSERT_EQUAL(env_executed("createVolume"), 1);
	env_stop();
}

/* ---- attachVolume ---------------------------------------------------------------------------- */

static void refuse_attach(int code, const char *text, const char *volume, const char *vm,
			  const char *device)
{
	if (device)
		env_job_refused(code, text, "attachVolume", "id", volume, "virtualmachineid", vm,
				"deviceid", device);
	else
		env_job_refused(code, text, "attachVolume", "id", volume, "virtualmachineid", vm);
}

static void test_attach_volume_refused(void)
{
	static const char *const busy[] = { "Attaching", "Migrating", "Snapshotting", "Expunging" };
	const char *id;

	env_start();
	refuse_attach(431, "Please specify a volume that is not attached to any VM.", SIM_OMA_ROOT,
		      SIM_TEST_VM, NULL);
	id = env_new_volume(NULL);
	env_poke_volume(id, "\"state\":\"Destroy\"");
	refuse_attach(431, "Please specify a volume that is not destroyed.", id, SIM_OMA, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(busy); i++) {
		_cleanup_free_ char *state = mk_strdup_printf("\"state\":\"%s\"", busy[i]);

		env_poke_volume(id, state);
		refuse_attach(431, "Volume state must be in Allocated, Ready or in Uploaded state",
			      id, SIM_OMA, NULL);
	}
	CU_ASSERT_EQUAL(env_executed("attachVolume"), 0);
	env_stop();
}

static void test_attach_vm_refused(void)
{
	const char *id;

	env_start();
	id = env_new_volume(NULL);
	env_refused(431, 4350, "Unable to find UUID for id [99] of type [VirtualMachine]",
		    "attachVolume", "id", id, "virtualmachineid", "99");
	env_poke_vm(SIM_OMA, "\"type\":\"ConsoleProxy\"");
	refuse_attach(431, "Please specify a valid User VM.", id, SIM_OMA, NULL);
	env_poke_vm(SIM_OMA, "\"type\":\"sharedfsvm\",\"state\":\"Migrating\"");
	refuse_attach(431, "Please specify a VM that is either running or stopped.", id, SIM_OMA,
		      NULL);
	env_poke_vm(SIM_OMA, "\"state\":\"Running\"");
	env_seed("{\"zones\":[{\"id\":\"aaaaaaaa-0000-4000-8000-000000000003\",\"name\":\"z2\"}]}");
	env_poke_volume(id, "\"zoneid\":\"aaaaaaaa-0000-4000-8000-000000000003\"");
	refuse_attach(431, "Please specify a VM that is in the same zone as the volume.", id,
		      SIM_OMA, NULL);
	env_poke_volume(id, "\"zoneid\":\"" SIM_ZONE "\"");
	refuse_attach(431, "Can't attach a volume to a Shared FileSystem Instance", id, SIM_OMA,
		      NULL);
	env_stop();
}

static void test_attach_root_refused(void)
{
	const char *id;

	env_start();
	id = env_new_volume(NULL);
	env_poke_vm(SIM_OMA, "\"hypervisor\":\"LXC\"");
	refuse_attach(431, "Root volume detach is not supported for hypervisor type LXC", id,
		      SIM_OMA, "0");
	env_poke_vm(SIM_OMA, "\"hypervisor\":\"KVM\"");
	refuse_attach(
		431,
		"Root volume detach can happen only when vm is in states: Stopped or Destroyed", id,
		SIM_OMA, "0");
	env_poke_volume(id, "\"managed\":true");
	refuse_attach(431, "Root volume detach is not supported for Managed DataStores", id,
		      SIM_TEST_VM, "0");
	env_poke_volume(id, "\"managed\":false");
	refuse_attach(431, "Vm already has root volume attached to it", id, SIM_TEST_VM, "0");
	env_stop();
}

static void test_attach_other_refused(void)
{
	const char *id;

	env_start();
	id = env_new_volume(NULL);
	env_poke_vm(SIM_OMA, "\"hypervisor\":\"External\"");
	refuse_attach(431, "Volume operations are not allowed for External hypervisor type", id,
		      SIM_OMA, NULL);
	env_poke_vm(SIM_OMA, "\"hypervisor\":\"KVM\",\"vmsnapshots\":2,\"backups\":1");
	env_seed("{\"diskofferings\":[{\"id\":\"" SIM_CUSTOM_OFFERING
		 "\",\"storagetype\":\"local\"}]}");
	refuse_attach(
		431,
		"Zone is not configured to use local storage but volume's disk offering Custom "
		"uses it",
		id, SIM_OMA, NULL);
	env_seed("{\"diskofferings\":[{\"id\":\"" SIM_CUSTOM_OFFERING
		 "\",\"storagetype\":\"shared\",\"encrypt\":true}]}");
	refuse_attach(431,
		      "Unable to attach volume to VM oma/" SIM_OMA
		      ", please specify a VM that does not have VM snapshots",
		      id, SIM_OMA, NULL);
	env_poke_vm(SIM_OMA, "\"vmsnapshots\":0,\"hypervisor\":\"XenServer\"");
	refuse_attach(
		431,
		"Unable to attach volume, please specify a VM that does not have any backups or "
		"set the global configuration 'backup.enable.attach.detach.of.volumes' to true.",
		id, SIM_OMA, NULL);
	env_set("backup-attach", "true");
	env_poke_volume(id, "\"state\":\"Ready\"");
	refuse_attach(431, "Can't attach a volume created by: KVM to a XenServer vm", id, SIM_OMA,
		      NULL);
	env_poke_volume(id, "\"hypervisor\":\"XenServer\"");
	refuse_attach(431,
		      "Volume's disk offering has encryption enabled, but volume encryption is not "
		      "supported for hypervisor type XenServer",
		      id, SIM_OMA, NULL);
	CU_ASSERT_EQUAL(env_executed("attachVolume"), 0);
	env_stop();
}

/* In the VM's queue: internal errors. */
static void test_attach_work_refused(void)
{
	const char *id, *other;

	env_start();
	id = env_new_volume(NULL);
	env_set("storage-full", "true");
	refuse_attach(530,
		      "Unable to find suitable primary storage when creating volume [{\"name\":*",
		      id, SIM_OMA, NULL);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Allocated");
	env_set("storage-full", "false");
	refuse_attach(530, "deviceId should be 0,1,2,4-33", id, SIM_OMA, "3");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Ready");
	refuse_attach(530, "deviceId should be 0,1,2,4-33", id, SIM_OMA, "34");
	refuse_attach(530, "deviceId should be 0,1,2,4-33", id, SIM_OMA, "-1");
	other = env_new_volume(SIM_OMA);
	CU_ASSERT_EQUAL(env_volume_int(other, "deviceid"), 1);
	refuse_attach(530, "deviceId 1 is used by vol Volume {\"id\":5,\"instanceId\":1,*", id,
		      SIM_OMA, "1");
	env_set("host-away", "true");
	refuse_attach(
		530,
		"Failed to attach volume v to VM oma. Please contact your system administrator.",
		id, SIM_OMA, NULL);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Ready");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), "");
	env_set("host-away", "false");

	/* a disk that CloudStack does not know of has the name that it chooses */
	env_poke_volume(id, "\"guest\":\"" SIM_OMA "\"");
	refuse_attach(
		530,
		"Failed to attach volume v to VM oma; org.libvirt.LibvirtException: XML error: "
		"target 'vdc' duplicated for disk sources*",
		id, SIM_OMA, NULL);
	CU_ASSERT_EQUAL(env_executed("attachVolume"), 1);
	env_stop();
}

/* ---- detachVolume ---------------------------------------------------------------------------- */

static void refuse_detach(int code, const char *text, const char *volume)
{
	env_job_refused(code, text, "detachVolume", "id", volume);
}

static void test_detach_form(void)
{
	static const char form[] =
		"Please provide either a volume id, or a tuple(device id, instance id)";

	env_start();
	env_job_refused(431, form, "detachVolume");
	env_job_refused(431, form, "detachVolume", "virtualmachineid", SIM_OMA);
	env_job_refused(431, form, "detachVolume", "id", SIM_OMA_ROOT, "virtualmachineid", SIM_OMA);
	env_job_refused(431, form, "detachVolume", "id", SIM_OMA_ROOT, "deviceid", "0");
	env_job_refused(530, "Index 0 out of bounds for length 0", "detachVolume",
			"virtualmachineid", SIM_OMA, "deviceid", "1");
	env_new_volume(SIM_OMA);
	env_job_refused(530,
			"Cannot invoke \"java.lang.Long.longValue()\" because \"volumeId\" is null",
			"detachVolume", "virtualmachineid", SIM_OMA, "deviceid", "1");
	env_stop();
}

static void test_detach_refused(void)
{
	const char *id;

	env_start();
	id = env_new_volume(NULL);
	refuse_detach(431, "The specified volume is not attached to a VM.", id);
	env_attach(id, SIM_OMA);
	env_poke_vm(SIM_OMA, "\"type\":\"sharedfsvm\",\"state\":\"Stopping\"");
	refuse_detach(431, "Can't detach a volume from a Shared FileSystem Instance", id);
	env_poke_vm(SIM_OMA, "\"type\":\"User\"");
	refuse_detach(431, "Please specify a VM that is either running or stopped.", id);
	env_poke_vm(SIM_OMA, "\"state\":\"Running\",\"vmsnapshots\":1,\"backups\":1");
	refuse_detach(
		431,
		"Root volume detach can happen only when vm is in states: Stopped or Destroyed",
		SIM_OMA_ROOT);
	refuse_detach(
		431, "Unable to detach volume, please specify a VM that does not have VM snapshots",
		id);
	env_poke_vm(SIM_OMA, "\"vmsnapshots\":0");
	refuse_detach(
		431,
		"Unable to detach volume, cannot detach volume from a VM that has backups. First "
		"remove the VM from the backup offering or set the global configuration "
		"'backup.enable.attach.detach.of.volumes' to true.",
		id);
	env_poke_vm(SIM_OMA, "\"backups\":0");
	env_set("host-away", "true");
	refuse_detach(530,
		      "Failed to detach volume v from VM oma. Please contact your system "
		      "administrator.",
		      id);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_OMA);
	CU_ASSERT_EQUAL(env_executed("detachVolume"), 0);
	env_stop();
}

/* Destroyed is named in the text, but only Stopped passes. */
static void test_detach_root_of_destroyed(void)
{
	env_start();
	env_poke_vm(SIM_TEST_VM, "\"state\":\"Destroyed\"");
	refuse_detach(
		431,
		"Root volume detach can happen only when vm is in states: Stopped or Destroyed",
		SIM_TEST_ROOT);
	env_stop();
}

/* ---- deleteVolume, destroyVolume, recoverVolume ---------------------------------------------- */

/* Both refuse the same things in the same order, one in the request and one in the job. */
static void refuse_delete(int code, int cs_code, const char *text, const char *id)
{
	env_refused(code, cs_code, text, "deleteVolume", "id", id);
	env_job_refused(code == 531 ? 530 : code, text, "destroyVolume", "id", id, "expunge",
			"true");
}

static void test_delete_refused(void)
{
	_cleanup_json_ json_object *snapshot = NULL;
	const char *id, *sid;

	env_start();
	id = env_new_volume(SIM_OMA);
	snapshot = env_job("createSnapshot", "volumeid", id);
	sid = mk_json_str(mk_json_get(snapshot, "snapshot"), "id", "");
	for (int i = 0; i < 2; i++) {
		_cleanup_free_ char *json =
			mk_strdup_printf("{\"snapshot\":\"%s\",\"state\":\"%s\"}", sid,
					 i ? "BackedUp" : "BackingUp");

		env_poke(json);
		refuse_delete(
			431, 4350,
			i ? "Please specify a volume that is not attached to any VM."
			  : "There are snapshot operations in progress on the volume, unable to "
			    "delete it",
			id);
	}
	env_poke_volume(
		id, "\"virtualmachineid\":\"\",\"state\":\"UploadOp\",\"deleteprotection\":true");
	refuse_delete(431, 4350, "Please specify a volume that is not uploading", id);
	env_poke_volume(id, "\"state\":\"NotUploaded\"");
	refuse_delete(431, 4350, "The volume is either getting uploaded or it may be initiated*",
		      id);
	env_poke_volume(id, "\"state\":\"Attaching\"");
	refuse_delete(431, 4350, "Volume [id = *", id);
	env_poke_volume(id, "\"deleteprotection\":false");
	env_set("role", "user");
	env_set("expunge", "false");
	refuse_delete(531, 4365,
		      "Expunging a volume can only be done by an Admin. Or when the "
		      "allow.user.expunge.recover.volume key is set.",
		      id);
	env_set("expunge", "true");
	/* only root admins see what it is that deleteVolume cannot do */
	env_refused(530, 4250, SIM_GENERIC_ERROR, "deleteVolume", "id", id);
	env_set("role", "admin");
	refuse_delete(
		530, 4250,
		"Failed to transit volume {\"name\":\"v\",\"uuid\":*\"} to [DestroyRequested] "
		"due to [Unable to transition to a new state from Attaching via "
		"DestroyRequested].",
		id);
	CU_ASSERT_EQUAL(env_executed("deleteVolume"), 0);
	CU_ASSERT_EQUAL(env_executed("destroyVolume"), 0);
	env_stop();
}

static void test_destroy_and_recover(void)
{
	_cleanup_json_ json_object *o = NULL, *v = NULL;
	const char *id;

	env_start();
	id = env_new_volume(NULL);
	env_job_refused(431,
			"The volume in Allocated/Uploaded state can only be expunged not "
			"destroyed/recovered",
			"destroyVolume", "id", id);
	env_poke_volume(id, "\"state\":\"Ready\"");
	env_refused(431, 4350, "Please specify a volume in Destroy state.", "recoverVolume", "id",
		    id);
	o = env_job("destroyVolume", "id", id);
	v = mk_json_get(o, "volume");
	CU_ASSERT_STRING_EQUAL(mk_json_str(v, "state", ""), "Destroy");
	CU_ASSERT(mk_json_bool(v, "destroyed", false));
	v = NULL;
	json_object_put(env_ok("recoverVolume", "id", id));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Ready");
	json_object_put(env_job("destroyVolume", "id", id, "expunge", "true"));
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "id", id)), 0);
	CU_ASSERT_EQUAL(env_executed("destroyVolume"), 2);
	CU_ASSERT_EQUAL(env_executed("recoverVolume"), 1);
	env_stop();
}

/* ---- updateVolume ---------------------------------------------------------------------------- */

static void test_update(void)
{
	const char *id;

	env_start();
	id = env_new_volume(NULL);
	json_object_put(
		env_job("updateVolume", "id", id, "name", "new name", "deleteprotection", "true"));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "name"), "new name");
	env_refused(431, 4350, "Volume [id = *", "deleteVolume", "id", id);
	env_job_refused(431, "Invalid volume state specified", "updateVolume", "id", id, "state",
			"Sleeping");
	json_object_put(env_job("updateVolume", "id", id, "customid", UNKNOWN));
	CU_ASSERT_STRING_EQUAL(env_volume_str(UNKNOWN, "name"), "new name");
	env_set("role", "user");
	env_refused(432, 9999,
		    "The API [updateVolume] does not exist or is not available for the "
		    "account for user id [*",
		    "updateVolume", "id", UNKNOWN, "name", "x");
	env_set("allowed", "updateVolume");
	env_job_refused(431,
			"The domain admin and normal user are not allowed to update volume except "
			"volume name & delete protection",
			"updateVolume", "id", UNKNOWN, "state", "Ready");
	env_stop();
}

static const struct tap_test tests[] = {
	{ "ids are looked up, or refused", test_ids },
	{ "garbage and numbers in ids", test_traps },
	{ "removed volumes are known by their number", test_removed },
	{ "createVolume refuses", test_create_refused },
	{ "attachVolume refuses volumes", test_attach_volume_refused },
	{ "attachVolume refuses VMs", test_attach_vm_refused },
	{ "attachVolume refuses root disks", test_attach_root_refused },
	{ "attachVolume refuses other things, in order", test_attach_other_refused },
	{ "attachVolume fails in the VM's queue", test_attach_work_refused },
	{ "detachVolume wants an id alone", test_detach_form },
	{ "detachVolume refuses, in order", test_detach_refused },
	{ "detachVolume wants a Stopped VM for a root disk", test_detach_root_of_destroyed },
	{ "deleteVolume and destroyVolume refuse, in order", test_delete_refused },
	{ "destroyVolume and recoverVolume", test_destroy_and_recover },
	{ "updateVolume", test_update },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return tap_main(argc, argv, "sim-model", NULL, NULL, tests);
}
