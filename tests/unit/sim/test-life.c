/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves what commands do to volumes, VMs and snapshots in the model of the simulator. Also proves what a test may do
 * to the model directly: settings, pokes and seeds.
 */

#include "sim-env.h"
#include "tap.h"

#include <inttypes.h>

static int64_t count(json_object *o)
{
	int64_t n = mk_json_int(o, "count", 0);

	json_object_put(o);
	return n;
}

/* ---- volumes --------------------------------------------------------------------------------- */

static void test_create(void)
{
	_cleanup_json_ json_object *o = NULL, *listed = NULL;
	json_object *v;

	env_start();
	o = env_job("createVolume", "name", "mk-job7", "diskofferingid", SIM_CUSTOM_OFFERING,
		    "size", "20", "zoneid", SIM_ZONE);
	v = mk_json_get(o, "volume");
	CU_ASSERT_STRING_EQUAL(mk_json_str(v, "name", ""), "mk-job7");
	CU_ASSERT_STRING_EQUAL(mk_json_str(v, "state", ""), "Allocated");
	CU_ASSERT_STRING_EQUAL(mk_json_str(v, "type", ""), "DATADISK");
	CU_ASSERT_PTR_NULL(mk_json_get(v, "storage"));
	CU_ASSERT_STRING_EQUAL(mk_json_str(v, "diskofferingid", ""), SIM_CUSTOM_OFFERING);
	CU_ASSERT_EQUAL(mk_json_int(v, "size", 0), INT64_C(21474836480));
	CU_ASSERT_PTR_NULL(mk_json_get(v, "path"));
	CU_ASSERT_PTR_NULL(mk_json_get(v, "storageid"));
	CU_ASSERT_PTR_NULL(mk_json_get(v, "virtualmachineid"));
	CU_ASSERT_PTR_NULL(mk_json_get(v, "deviceid"));

	/* what the job returned was seen before the job had ended */
	CU_ASSERT_STRING_NOT_EQUAL(mk_json_str(v, "jobid", ""), "");
	CU_ASSERT_EQUAL(mk_json_int(v, "jobstatus", -1), 0);
	listed = env_ok("listVolumes", "name", "mk-job7");
	v = json_object_array_get_idx(mk_json_get(listed, "volume"), 0);
	CU_ASSERT_PTR_NULL(mk_json_get(v, "jobid"));
	CU_ASSERT_EQUAL(env_executed("createVolume"), 1);
	env_stop();
}

static void test_life_on_running(void)
{
	_cleanup_free_ char *plug = NULL, *both = NULL;
	_cleanup_json_ json_object *o = NULL, *d = NULL;
	char serial[21] = "";
	const char *id;
	json_object *v;

	env_start();
	id = env_new_volume(NULL);
	o = env_job("attachVolume", "id", id, "virtualmachineid", SIM_OMA);
	v = mk_json_get(o, "volume");
	CU_ASSERT_STRING_EQUAL(mk_json_str(v, "state", ""), "Ready");
	CU_ASSERT_STRING_EQUAL(mk_json_str(v, "virtualmachineid", ""), SIM_OMA);
	CU_ASSERT_STRING_EQUAL(mk_json_str(v, "vmstate", ""), "Running");
	CU_ASSERT_EQUAL(mk_json_int(v, "deviceid", -1), 1);
	CU_ASSERT_STRING_NOT_EQUAL(mk_json_str(v, "attached", ""), "");
	CU_ASSERT_STRING_NOT_EQUAL(mk_json_str(v, "path", ""), "");

	for (size_t i = 0, n = 0; n < sizeof(serial) - 1; i++)
		if (id[i] != '-')
			serial[n++] = id[i];
	plug = mk_strdup_printf("plug %s 1073741824 %s " SIM_OMA "\n", id, serial);
	CU_ASSERT_STRING_EQUAL(env_guest_log, plug);

	d = env_job("detachVolume", "id", id);
	v = mk_json_get(d, "volume");
	CU_ASSERT_PTR_NULL(mk_json_get(v, "virtualmachineid"));
	CU_ASSERT_PTR_NULL(mk_json_get(v, "deviceid"));
	CU_ASSERT_PTR_NULL(mk_json_get(v, "vmstate"));
	CU_ASSERT_PTR_NULL(mk_json_get(v, "attached"));
	both = mk_strdup_printf("%sunplug %s " SIM_OMA "\n", plug, id);
	CU_ASSERT_STRING_EQUAL(env_guest_log, both);
	json_object_put(env_ok("deleteVolume", "id", id));
	CU_ASSERT_EQUAL(env_executed("attachVolume"), 1);
	CU_ASSERT_EQUAL(env_executed("detachVolume"), 1);
	env_stop();
}

/* The disk is in the guest before the job has ended; and the volume is Attaching until then. */
static void test_attaching(void)
{
	_cleanup_json_ json_object *row = NULL, *o = NULL;
	const char *id, *job;

	env_start();
	id = env_new_volume(NULL);
	env_attach(id, SIM_OMA);
	env_detach(id);
	*env_guest_log = '\0';
	env_fault(SIM_JOB_HOLD, 0, NULL, 0);
	job = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_OMA);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Attaching");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), "");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "jobid"), job);
	CU_ASSERT_STRING_EQUAL(env_guest_log, "");
	sim_release(sim);
	o = env_query(job);
	CU_ASSERT_EQUAL(mk_json_int(o, "jobstatus", -1), 0);
	row = env_wait(job);
	CU_ASSERT_EQUAL(mk_json_int(row, "jobstatus", -1), 1);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Ready");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "jobid"), "");
	env_stop();
}

static const char *deploy(bool start)
{
	static char id[MK_UUID_SIZE];
	_cleanup_json_ json_object *o =
		env_job("deployVirtualMachine", "zoneid", SIM_ZONE, "serviceofferingid",
			SIM_SERVICE_OFFERING, "templateid", SIM_TEMPLATE, "name", "app1", "startvm",
			start ? "true" : "false");

	snprintf(id, sizeof(id), "%s", mk_json_str(mk_json_get(o, "virtualmachine"), "id", ""));
	return id;
}

static const char *root_of(const char *vm)
{
	static char id[MK_UUID_SIZE];
	_cleanup_json_ json_object *o =
		env_ok("listVolumes", "virtualmachineid", vm, "type", "ROOT");

	snprintf(id, sizeof(id), "%s",
		 mk_json_str(json_object_array_get_idx(mk_json_get(o, "volume"), 0), "id", ""));
	return id;
}

/* On a VM that has never run there is no storage: a volume stays Allocated until the start. */
static void test_never_started(void)
{
	const char *vm, *root, *id;

	env_start();
	vm = deploy(false);
	root = root_of(vm);
	CU_ASSERT_STRING_EQUAL(env_volume_str(root, "state"), "Allocated");
	CU_ASSERT_EQUAL(env_volume_int(root, "size"), INT64_C(4294967296));
	id = env_new_volume(vm);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Allocated");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), vm);
	CU_ASSERT_STRING_EQUAL(env_guest_log, "");
	json_object_put(env_job("startVirtualMachine", "id", vm));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Ready");
	CU_ASSERT_STRING_EQUAL(env_volume_str(root, "state"), "Ready");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), vm);
	env_stop();
}

/* The root disk becomes a data disk; a volume at device 0 becomes the root disk. */
static void test_root_exchange(void)
{
	_cleanup_json_ json_object *o = NULL;
	const char *id, *second;

	env_start();
	id = env_new_volume(SIM_OMA);
	json_object_put(env_job("detachVolume", "id", id));
	o = env_job("detachVolume", "id", SIM_FAILOVER_ROOT);
	CU_ASSERT_STRING_EQUAL(mk_json_str(mk_json_get(o, "volume"), "type", ""), "DATADISK");
	env_job_refused(530, "Unable to create deployment, no usable volumes found for the VM: *",
			"startVirtualMachine", "id", SIM_FAILOVER_VM);
	json_object_put(env_job("attachVolume", "id", id, "virtualmachineid", SIM_FAILOVER_VM,
				"deviceid", "0"));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "type"), "ROOT");
	CU_ASSERT_EQUAL(env_volume_int(id, "deviceid"), 0);
	second = env_new_volume(SIM_FAILOVER_VM);
	CU_ASSERT_STRING_EQUAL(env_volume_str(second, "type"), "DATADISK");
	CU_ASSERT_STRING_EQUAL(env_volume_str(second, "state"), "Ready");
	json_object_put(env_job("startVirtualMachine", "id", SIM_FAILOVER_VM));
	CU_ASSERT_STRING_EQUAL(env_vm_state(SIM_FAILOVER_VM), "Running");
	env_stop();
}

/* 1, 2, 4, 5…: 3 is the CD drive; the lowest free one is taken; the limit counts data disks. */
static void test_device_ids(void)
{
	static const int want[] = { 1, 2, 4, 5 };
	const char *ids[ARRAY_SIZE(want)], *more;

	env_start();
	env_set("max-data-disks", "4");
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		ids[i] = env_new_volume(SIM_OMA);
		CU_ASSERT_EQUAL(env_volume_int(ids[i], "deviceid"), want[i]);
	}
	more = env_new_volume(NULL);
	env_job_refused(
		431,
		"The specified VM already has the maximum number of data disks (4) attached. "
		"Please specify another VM.",
		"attachVolume", "id", more, "virtualmachineid", SIM_OMA);
	json_object_put(env_job("detachVolume", "id", ids[1]));
	env_attach(more, SIM_OMA);
	CU_ASSERT_EQUAL(env_volume_int(more, "deviceid"), 2);
	json_object_put(env_job("detachVolume", "id", ids[3]));
	json_object_put(env_job("attachVolume", "id", ids[1], "virtualmachineid", SIM_OMA,
				"deviceid", "5"));
	CU_ASSERT_EQUAL(env_volume_int(ids[1], "deviceid"), 5);
	env_stop();
}

/* The limit is the hypervisor's unless it is set. */
static void test_limit_by_hypervisor(void)
{
	const char *id;

	env_start();
	id = env_new_volume(NULL);
	env_poke("{\"vm\":\"" SIM_OMA "\",\"hypervisor\":\"Simulator\"}");
	env_job_refused(530, "deviceId should be 0,1,2,4-7", "attachVolume", "id", id,
			"virtualmachineid", SIM_OMA, "deviceid", "8");
	env_stop();
}

/* ---- VMs ------------------------------------------------------------------------------------- */

static void test_start_stop(void)
{
	_cleanup_free_ char *want = NULL;
	const char *id, *job;

	env_start();
	id = env_new_volume(SIM_TEST_VM);
	env_fault(SIM_JOB_HOLD, 0, NULL, 0);
	job = env_start_job("startVirtualMachine", "id", SIM_TEST_VM);
	CU_ASSERT_STRING_EQUAL(env_vm_state(SIM_TEST_VM), "Starting");
	sim_release(sim);
	json_object_put(env_wait(job));
	want = mk_strdup_printf("plug " SIM_TEST_ROOT
				" 10737418240 33333333333343338333 " SIM_TEST_VM
				"\nplug %s 1073741824 %.8s%.4s%.4s%.4s " SIM_TEST_VM "\n",
				id, id, id + 9, id + 14, id + 19);
	CU_ASSERT_STRING_EQUAL(env_guest_log, want);
	env_job_refused(431, "The virtual machine " SIM_TEST_VM " (test-vm) is already running",
			"startVirtualMachine", "id", SIM_TEST_VM);

	env_fault(SIM_JOB_HOLD, 0, NULL, 0);
	job = env_start_job("stopVirtualMachine", "id", SIM_TEST_VM);
	CU_ASSERT_STRING_EQUAL(env_vm_state(SIM_TEST_VM), "Stopping");
	sim_release(sim);
	json_object_put(env_wait(job));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), "");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_TEST_VM);
	/* once more is success, and changes nothing */
	json_object_put(env_job("stopVirtualMachine", "id", SIM_TEST_VM));
	CU_ASSERT_EQUAL(env_executed("stopVirtualMachine"), 1);
	CU_ASSERT_EQUAL(env_executed("startVirtualMachine"), 1);
	env_stop();
}

static void test_vm_refused(void)
{
	env_start();
	env_refused(431, 4350, "Unable to find UUID for id [99] of type [VirtualMachine]",
		    "stopVirtualMachine", "id", "99");
	env_vm_becomes(SIM_OMA, "Migrating");
	env_job_refused(530, "We cannot stop VM " SIM_OMA " when it is in state Migrating",
			"stopVirtualMachine", "id", SIM_OMA);
	env_job_refused(530, "Unable to orchestrate the start of VM instance *",
			"startVirtualMachine", "id", SIM_OMA);
	env_vm_becomes(SIM_OMA, "Stopping");
	env_job_refused(530, "VM " SIM_OMA " is being operated on.", "stopVirtualMachine", "id",
			SIM_OMA);
	env_vm_becomes(SIM_OMA, "Running");
	env_set("host-away", "true");
	env_job_refused(530, "Unable to stop VM instance *", "stopVirtualMachine", "id", SIM_OMA);
	CU_ASSERT_STRING_EQUAL(env_vm_state(SIM_OMA), "Running");
	env_job_refused(530, "Unable to start a VM [" SIM_TEST_VM "] due to [Unable to create *",
			"startVirtualMachine", "id", SIM_TEST_VM);
	CU_ASSERT_STRING_EQUAL(env_vm_state(SIM_TEST_VM), "Stopped");
	env_job_refused(530, "Unable to stop VM instance *", "destroyVirtualMachine", "id",
			SIM_OMA);
	env_set("hosts-full", "true");
	env_job_refused(533, "No destination found for a deployment for VM instance *",
			"startVirtualMachine", "id", SIM_TEST_VM);
	env_set("hosts-full", "false");
	/* forced: Stopped, and nobody knows what the guest does */
	json_object_put(env_job("stopVirtualMachine", "id", SIM_OMA, "forced", "true"));
	CU_ASSERT_STRING_EQUAL(env_vm_state(SIM_OMA), "Stopped");
	CU_ASSERT_STRING_EQUAL(env_volume_str(SIM_OMA_ROOT, "guest"), SIM_OMA);
	env_set("host-away", "false");
	json_object_put(env_job("startVirtualMachine", "id", SIM_OMA));
	CU_ASSERT_STRING_EQUAL(env_guest_log, ""); /* its disk was never out */
	env_set("role", "user");
	env_set("force-stop", "false");
	env_job_refused(530, "Account does not have the permission to force stop the vm.",
			"stopVirtualMachine", "id", SIM_OMA, "forced", "true");
	env_stop();
}

/* All data disks are detached, only the named ones destroyed; the root disk goes with the VM. */
static void test_destroy_vm(void)
{
	const char *kept, *deleted;

	env_start();
	kept = env_new_volume(SIM_TEST_VM);
	deleted = env_new_volume(SIM_TEST_VM);
	env_job_refused(431,
			"The following supplied volumes are not DATADISK attached to the "
			"VM: Volume *",
			"destroyVirtualMachine", "id", SIM_TEST_VM, "volumeids", SIM_TEST_ROOT);
	json_object_put(env_job("startVirtualMachine", "id", SIM_TEST_VM));
	json_object_put(env_job("destroyVirtualMachine", "id", SIM_TEST_VM, "volumeids", deleted));
	CU_ASSERT_STRING_EQUAL(env_vm_state(SIM_TEST_VM), "Destroyed");
	CU_ASSERT_STRING_EQUAL(env_volume_str(kept, "virtualmachineid"), "");
	CU_ASSERT_STRING_EQUAL(env_volume_str(kept, "state"), "Ready");
	CU_ASSERT_STRING_EQUAL(env_volume_str(kept, "guest"), "");
	CU_ASSERT_STRING_EQUAL(env_volume_str(deleted, "state"), "Destroy");
	CU_ASSERT_STRING_EQUAL(env_volume_str(SIM_TEST_ROOT, "state"), "Ready");
	json_object_put(env_job("destroyVirtualMachine", "id", SIM_TEST_VM));
	CU_ASSERT_EQUAL(env_executed("destroyVirtualMachine"), 1);

	json_object_put(env_job("destroyVirtualMachine", "id", SIM_TEST_VM, "expunge", "true"));
	CU_ASSERT_STRING_EQUAL(env_volume_str(SIM_TEST_ROOT, "state"), "Expunged");
	CU_ASSERT_EQUAL(count(env_ok("listVirtualMachines", "id", SIM_TEST_VM)), 0);
	env_refused(431, 4350, "Unable to find UUID for id [2] of type [VirtualMachine]",
		    "destroyVirtualMachine", "id", SIM_TEST_VM);
	env_stop();
}

/* A disk that was never made can only be expunged: the VM is destroyed all the same. */
static void test_destroy_vm_unmade(void)
{
	_cleanup_json_ json_object *o = NULL;
	const char *vm, *disk;

	env_start();
	vm = deploy(false);
	o = env_job("createVolume", "name", "d", "diskofferingid", SIM_CUSTOM_OFFERING, "size", "1",
		    "zoneid", SIM_ZONE);
	disk = mk_json_str(mk_json_get(o, "volume"), "id", "");
	json_object_put(env_job("attachVolume", "id", disk, "virtualmachineid", vm));
	env_job_refused(431,
			"The volume in Allocated/Uploaded state can only be expunged not "
			"destroyed/recovered",
			"destroyVirtualMachine", "id", vm, "volumeids", disk);
	CU_ASSERT_STRING_EQUAL(env_vm_state(vm), "Destroyed");
	CU_ASSERT_STRING_EQUAL(env_volume_str(disk, "state"), "Allocated");
	CU_ASSERT_STRING_EQUAL(env_volume_str(disk, "virtualmachineid"), "");
	env_stop();
}

/* What the storage keeps is no reason for CloudStack to keep the VM. */
static void test_destroy_vm_storage(void)
{
	env_start();
	env_set("fail", "delete");
	json_object_put(env_job("destroyVirtualMachine", "id", SIM_TEST_VM, "expunge", "true"));
	CU_ASSERT_EQUAL(count(env_ok("listVirtualMachines", "id", SIM_TEST_VM)), 0);
	CU_ASSERT_STRING_EQUAL(env_volume_str(SIM_TEST_ROOT, "state"), "Destroy");
	CU_ASSERT_STRING_EQUAL(env_volume_str(SIM_TEST_ROOT, "virtualmachineid"), "");
	env_stop();
}

static void test_recover_vm(void)
{
	env_start();
	env_refused(431, 4350, "Vm with id " SIM_TEST_VM " is not in the right state",
		    "recoverVirtualMachine", "id", SIM_TEST_VM);
	json_object_put(env_job("destroyVirtualMachine", "id", SIM_TEST_VM));
	env_set("role", "user");
	env_refused(531, 4365, "Recovering a vm can only be done by an Admin. *",
		    "recoverVirtualMachine", "id", SIM_TEST_VM);
	env_job_refused(530, "Expunging a vm can only be done by an Admin. *",
			"expungeVirtualMachine", "id", SIM_TEST_VM);
	env_set("expunge-vm", "true");
	json_object_put(env_ok("recoverVirtualMachine", "id", SIM_TEST_VM));
	CU_ASSERT_STRING_EQUAL(env_vm_state(SIM_TEST_VM), "Stopped");
	CU_ASSERT_STRING_EQUAL(env_volume_str(SIM_TEST_ROOT, "virtualmachineid"), SIM_TEST_VM);
	env_job_refused(530, "Please destroy vm with specified vmId before expunge",
			"expungeVirtualMachine", "id", SIM_TEST_VM);
	json_object_put(env_job("destroyVirtualMachine", "id", SIM_TEST_VM));
	json_object_put(env_job("expungeVirtualMachine", "id", SIM_TEST_VM));
	CU_ASSERT_STRING_EQUAL(env_volume_str(SIM_TEST_ROOT, "state"), "Expunged");
	env_stop();
}

static void test_destroy_vm_refused(void)
{
	env_start();
	env_set("role", "user");
	env_job_refused(530, "Account does not have permission for expunging.",
			"destroyVirtualMachine", "id", SIM_TEST_VM, "expunge", "true");
	env_poke("{\"vm\":\"" SIM_TEST_VM "\",\"deleteprotection\":true}");
	env_job_refused(431,
			"Instance [id = " SIM_TEST_VM
			", name = i-2-2-VM] has delete protection enabled and cannot be deleted.",
			"destroyVirtualMachine", "id", SIM_TEST_VM);
	env_stop();
}

static void test_deploy(void)
{
	_cleanup_json_ json_object *o = NULL;
	const char *vm;

	env_start();
	env_refused(
		530, 4250,
		"Please provide only one of the following parameters - template ID, volume ID or "
		"snapshot ID",
		"deployVirtualMachine", "zoneid", SIM_ZONE, "serviceofferingid",
		SIM_SERVICE_OFFERING);
	env_refused(431, 9999,
		    "Unable to execute API command deployvirtualmachine due to invalid value. "
		    "Invalid value provided for API arg: name - *",
		    "deployVirtualMachine", "zoneid", SIM_ZONE, "serviceofferingid",
		    SIM_SERVICE_OFFERING, "templateid", SIM_TEMPLATE, "name", "1st");
	env_refused(431, 4350,
		    "The vm with hostName oma already exists in the network domain: null; "
		    "network=net1",
		    "deployVirtualMachine", "zoneid", SIM_ZONE, "serviceofferingid",
		    SIM_SERVICE_OFFERING, "templateid", SIM_TEMPLATE, "name", "oma");
	vm = deploy(true);
	CU_ASSERT_STRING_EQUAL(env_vm_state(vm), "Running");
	CU_ASSERT_STRING_EQUAL(env_volume_str(root_of(vm), "state"), "Ready");
	o = env_job("deployVirtualMachine", "zoneid", SIM_ZONE, "serviceofferingid",
		    SIM_SERVICE_OFFERING, "templateid", SIM_TEMPLATE, "diskofferingid",
		    SIM_CUSTOM_OFFERING, "size", "7", "rootdisksize", "9", "startvm", "false");
	vm = mk_json_str(mk_json_get(o, "virtualmachine"), "id", "");
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "virtualmachineid", vm)), 2);
	CU_ASSERT_EQUAL(env_volume_int(root_of(vm), "size"), INT64_C(9) << 30);
	CU_ASSERT_EQUAL(env_executed("deployVirtualMachine"), 2);
	env_stop();
}

/* The VM stays, in Error, and so does its name. */
static void test_deploy_fails(void)
{
	_cleanup_json_ json_object *o = NULL;

	env_start();
	env_set("hosts-full", "true");
	env_job_refused(533, "No destination found for a deployment for VM instance *",
			"deployVirtualMachine", "zoneid", SIM_ZONE, "serviceofferingid",
			SIM_SERVICE_OFFERING, "templateid", SIM_TEMPLATE, "name", "lost");
	o = env_ok("listVirtualMachines", "name", "lost", "state", "Error");
	CU_ASSERT_EQUAL(mk_json_int(o, "count", 0), 1);
	env_refused(431, 4350, "The vm with hostName lost already exists *", "deployVirtualMachine",
		    "zoneid", SIM_ZONE, "serviceofferingid", SIM_SERVICE_OFFERING, "templateid",
		    SIM_TEMPLATE, "name", "lost");
	env_stop();
}

/* ---- snapshots ------------------------------------------------------------------------------- */

static void generation(const char *volume, int n)
{
	_cleanup_free_ char *json =
		mk_strdup_printf("{\"volume\":\"%s\",\"generation\":%d}", volume, n);

	env_poke(json);
}

static const char *snapshot(const char *volume)
{
	static char id[MK_UUID_SIZE];
	_cleanup_json_ json_object *o = env_job("createSnapshot", "volumeid", volume);

	snprintf(id, sizeof(id), "%s", mk_json_str(mk_json_get(o, "snapshot"), "id", ""));
	CU_ASSERT_STRING_EQUAL(mk_json_str(mk_json_get(o, "snapshot"), "state", ""), "BackedUp");
	return id;
}

/* L03: a revert brings the content back, and can be proven. */
static void test_snapshot(void)
{
	const char *id, *s;

	env_start();
	id = env_new_volume(NULL);
	env_refused(431, 4350, "Volume: Volume {*", "createSnapshot", "volumeid", id);
	env_attach(id, SIM_TEST_VM);
	generation(id, 7);
	s = snapshot(id);
	generation(id, 8);
	json_object_put(env_job("startVirtualMachine", "id", SIM_TEST_VM));
	env_job_refused(431,
			"The VM the specified disk is attached to is not in the shutdown state.",
			"revertSnapshot", "id", s);
	json_object_put(env_job("stopVirtualMachine", "id", SIM_TEST_VM));
	env_poke("{\"vm\":\"" SIM_TEST_VM "\",\"vmsnapshots\":1}");
	CU_ASSERT_EQUAL(count(env_ok("listVMSnapshot", "virtualmachineid", SIM_TEST_VM)), 1);
	env_job_refused(431, "Unable to revert snapshot for VM, *", "revertSnapshot", "id", s);
	env_poke("{\"vm\":\"" SIM_TEST_VM "\",\"vmsnapshots\":0}");
	CU_ASSERT_EQUAL(count(env_ok("listVMSnapshot")), 0);
	CU_ASSERT_EQUAL(env_volume_int(id, "generation"), 8);
	json_object_put(env_job("revertSnapshot", "id", s));
	CU_ASSERT_EQUAL(env_volume_int(id, "generation"), 7);
	CU_ASSERT_EQUAL(count(env_ok("listSnapshots", "volumeid", id)), 1);
	json_object_put(env_job("deleteSnapshot", "id", s));
	CU_ASSERT_EQUAL(count(env_ok("listSnapshots", "volumeid", id)), 0);
	env_job_refused(431, "Snapshot [Snapshot {*", "deleteSnapshot", "id", s);
	env_job_refused(530, "snapshot test-vm_v_*", "revertSnapshot", "id", s);
	env_stop();
}

static void test_volume_from_snapshot(void)
{
	_cleanup_json_ json_object *o = NULL, *made = NULL;
	const char *id, *s;

	env_start();
	id = env_new_volume(SIM_TEST_VM);
	generation(id, 3);
	s = snapshot(id);
	made = env_job("createVolume", "snapshotid", s, "name", "copy");
	o = env_ok("listVolumes", "name", "copy", "state", "Ready");
	CU_ASSERT_EQUAL(mk_json_int(o, "count", 0), 1);
	CU_ASSERT_EQUAL(env_volume_int(mk_json_str(mk_json_get(made, "volume"), "id", ""),
				       "generation"),
			3);
	env_stop();
}

/* ---- the test world's side ------------------------------------------------------------------- */

static void bad_poke(const char *json, const char *why_part)
{
	_cleanup_json_ json_object *o = json_tokener_parse(json);
	_cleanup_free_ char *why = NULL;

	CU_ASSERT_EQUAL(sim_poke(sim, o, &why), -EINVAL);
	CU_ASSERT(why && strstr(why, why_part));
}

static void test_poke(void)
{
	env_start();
	bad_poke("{\"vm\":\"nobody\"}", "no vm has the id nobody");
	bad_poke("{\"state\":\"Ready\"}", "none of vm, volume, snapshot and account");
	bad_poke("{\"vm\":\"" SIM_OMA "\",\"name\":\"x\",\"state\":\"Sleeping\"}", "state");
	bad_poke("{\"vm\":\"" SIM_OMA "\",\"name\":\"x\",\"colour\":1}", "colour");
	CU_ASSERT_EQUAL(count(env_ok("listVirtualMachines", "name", "oma")), 1);
	env_poke("{\"volume\":\"" SIM_TEST_ROOT "\",\"virtualmachineid\":\"" SIM_OMA
		 "\",\"type\":\"DATADISK\"}");
	CU_ASSERT_EQUAL(env_volume_int(SIM_TEST_ROOT, "deviceid"), 1);
	CU_ASSERT_STRING_EQUAL(env_guest_log, "");
	env_poke("{\"volume\":\"" SIM_TEST_ROOT "\",\"guest\":\"" SIM_OMA "\"}");
	CU_ASSERT_STRING_NOT_EQUAL(env_guest_log, "");
	env_poke("{\"volume\":\"" SIM_TEST_ROOT "\",\"virtualmachineid\":\"\"}");
	CU_ASSERT_EQUAL(env_volume_int(SIM_TEST_ROOT, "deviceid"), -1);
	CU_ASSERT_EQUAL(sim_set(sim, "job-ms", "soon"), -EINVAL);
	CU_ASSERT_EQUAL(sim_set(sim, "role", "adm"), -EINVAL);
	CU_ASSERT_EQUAL(sim_set(sim, "expunge", "yes"), -EINVAL);
	CU_ASSERT_EQUAL(sim_set(sim, "colour", "1"), -EINVAL);
	env_stop();
}

static void test_seed(void)
{
	env_start();
	env_seed("{\"vms\":[{\"id\":\"cccccccc-0000-4000-8000-000000000001\",\"name\":\"new\","
		 "\"state\":\"Running\"}],\"volumes\":[{\"id\":"
		 "\"cccccccc-0000-4000-8000-000000000002\",\"size\":5,\"virtualmachineid\":"
		 "\"cccccccc-0000-4000-8000-000000000001\"}]}");
	CU_ASSERT_STRING_EQUAL(env_guest_log,
			       "plug cccccccc-0000-4000-8000-000000000002 5 cccccccc000040008000 "
			       "cccccccc-0000-4000-8000-000000000001\n");
	/* the same once more changes nothing */
	env_seed("{\"vms\":[{\"id\":\"cccccccc-0000-4000-8000-000000000001\"}]}");
	CU_ASSERT_EQUAL(count(env_ok("listVirtualMachines", "name", "new")), 1);
	CU_ASSERT_STRING_EQUAL(env_vm_state("cccccccc-0000-4000-8000-000000000001"), "Running");
	env_stop();
}

static const struct tap_test tests[] = {
	{ "createVolume makes a row", test_create },
	{ "a volume's life on a Running VM", test_life_on_running },
	{ "Attaching until the job has ended", test_attaching },
	{ "a VM that has never run has no storage", test_never_started },
	{ "L02 ROOT and DATADISK are what the device id makes them", test_root_exchange },
	{ "device ids are 1, 2, 4, 5", test_device_ids },
	{ "the number of disks is the hypervisor's", test_limit_by_hypervisor },
	{ "start and stop", test_start_stop },
	{ "start and stop refuse", test_vm_refused },
	{ "destroyVirtualMachine", test_destroy_vm },
	{ "destroyVirtualMachine with a disk that was never made", test_destroy_vm_unmade },
	{ "destroyVirtualMachine whose storage refuses", test_destroy_vm_storage },
	{ "recoverVirtualMachine and expungeVirtualMachine", test_recover_vm },
	{ "destroyVirtualMachine refuses", test_destroy_vm_refused },
	{ "deployVirtualMachine", test_deploy },
	{ "deployVirtualMachine that fails", test_deploy_fails },
	{ "L03 snapshots", test_snapshot },
	{ "a volume from a snapshot", test_volume_from_snapshot },
	{ "poke and settings", test_poke },
	{ "seed", test_seed },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return tap_main(argc, argv, "sim-life", NULL, NULL, tests);
}
