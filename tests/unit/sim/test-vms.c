/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what the rows of VMs and snapshots show at which moment, and what a deployment makes of its networks. */

#include "sim-env.h"
#include "tap.h"

static int64_t count(json_object *o)
{
	int64_t n = mk_json_int(o, "count", 0);

	json_object_put(o);
	return n;
}

/* The first row of a list; the caller puts it. */
static json_object *first_row(json_object *list, const char *key)
{
	json_object *row = json_object_array_get_idx(mk_json_get(list, key), 0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	row = json_object_get(row);
	json_object_put(list);
	return row;
}

static json_object *vm_row(const char *id, const char *details)
{
	return first_row(details ? env_ok("listVirtualMachines", "id", id, "details", details)
				 : env_ok("listVirtualMachines", "id", id),
			 "virtualmachine");
}

static const char *deploy(const char *name, const char *networks)
{
	static char id[MK_UUID_SIZE];
	_cleanup_json_ json_object *o =
		env_job("deployVirtualMachine", "zoneid", SIM_ZONE, "serviceofferingid",
			SIM_SERVICE_OFFERING, "templateid", SIM_TEMPLATE, "name", name,
			"networkids", networks, "startvm", "false");

	snprintf(id, sizeof(id), "%s", mk_json_str(mk_json_get(o, "virtualmachine"), "id", ""));
	return id;
}

/* ---- rows of VMs ----------------------------------------------------------------------------- */

static void expect_details(const char *vm, const char *want)
{
	_cleanup_json_ json_object *row = vm_row(vm, "min");

	CU_ASSERT_STRING_EQUAL(json_object_to_json_string_ext(mk_json_get(row, "details"),
							      JSON_C_TO_STRING_PLAIN),
			       want);
}

/* CloudStack's own details come and go; a user does not see each. */
static void test_details(void)
{
	_cleanup_json_ json_object *first = NULL, *second = NULL;
	const char *vm;

	env_start();
	vm = deploy("new", SIM_NETWORK);
	expect_details(vm, "{\"deployvm\":\"true\"}");
	json_object_put(env_job("startVirtualMachine", "id", vm));
	expect_details(vm, "{}");
	first = vm_row(vm, NULL);
	CU_ASSERT_STRING_EQUAL(mk_json_str(first, "boottype", ""), "Bios");
	CU_ASSERT_STRING_EQUAL(mk_json_str(first, "hostcontrolstate", ""), "Enabled");
	json_object_put(env_job("stopVirtualMachine", "id", vm));
	expect_details(vm, "{\"Message.ReservedCapacityFreed.Flag\":\"false\"}");
	json_object_put(env_job("startVirtualMachine", "id", vm));
	second = vm_row(vm, NULL);
	CU_ASSERT_PTR_NULL(mk_json_get(second, "boottype"));
	env_set("role", "user");
	expect_details(vm, "{}");
	env_stop();
}

/* The oldest disk is the one that a row calls root. */
static void test_root_of_row(void)
{
	_cleanup_json_ json_object *alone = NULL, *both = NULL, *short_row = NULL;
	const char *old, *vm;

	env_start();
	old = env_new_volume(NULL);
	vm = deploy("new", SIM_NETWORK);
	alone = vm_row(vm, "min");
	CU_ASSERT_PTR_NULL(mk_json_get(alone, "rootdeviceid"));
	CU_ASSERT_EQUAL(json_object_array_length(mk_json_get(alone, "nic")), 0);
	CU_ASSERT_PTR_NULL(mk_json_get(alone, "diskofferingid"));

	env_attach(old, vm);
	both = vm_row(vm, NULL);
	CU_ASSERT_STRING_EQUAL(mk_json_str(both, "rootdevicetype", ""), "DATADISK");
	CU_ASSERT_EQUAL(mk_json_int(both, "rootdeviceid", -1), 1);
	CU_ASSERT_STRING_EQUAL(mk_json_str(both, "diskofferingid", ""), SIM_CUSTOM_OFFERING);
	/* a second row of the view brings the NICs along, asked for or not */
	short_row = vm_row(vm, "min");
	CU_ASSERT_EQUAL(json_object_array_length(mk_json_get(short_row, "nic")), 1);
	env_stop();
}

static void test_bad_filters(void)
{
	env_start();
	env_refused(431, 4350, "The details parameter contains a non permitted value. *",
		    "listVirtualMachines", "details", "MIN");
	env_refused(431, 4350, "Invalid HypervisorType nonsense", "listVirtualMachines",
		    "hypervisor", "nonsense");
	CU_ASSERT_EQUAL(count(env_ok("listVirtualMachines", "hypervisor", "kvm")), 3);
	CU_ASSERT_EQUAL(count(env_ok("listVirtualMachines", "networkid", SIM_NETWORK)), 3);
	CU_ASSERT_EQUAL(count(env_ok("listVirtualMachines", "haenable", "true")), 0);
	env_stop();
}

/* They come with a round of the collector, and stay after the stop. */
static void test_figures(void)
{
	_cleanup_json_ json_object *before = NULL, *after = NULL;

	env_start();
	before = vm_row(SIM_OMA, NULL);
	CU_ASSERT_PTR_NULL(mk_json_get(before, "cpuused"));
	env_set("stats-ms", "1");
	json_object_put(env_job("startVirtualMachine", "id", SIM_TEST_VM));
	json_object_put(env_job("stopVirtualMachine", "id", SIM_TEST_VM));
	env_set("stats-ms", "60000");
	after = vm_row(SIM_TEST_VM, "stats");
	CU_ASSERT_STRING_EQUAL(mk_json_str(after, "cpuused", ""), "10%");
	env_stop();
}

/* ---- networks -------------------------------------------------------------------------------- */

#define L2 "cccccccc-0000-4000-8000-0000000000b1"

static json_object *nic(const char *vm, size_t i)
{
	_cleanup_json_ json_object *row = vm_row(vm, "nics");

	return json_object_get(json_object_array_get_idx(mk_json_get(row, "nic"), i));
}

static void test_networks(void)
{
	_cleanup_json_ json_object *first = NULL, *second = NULL, *running = NULL;
	const char *vm;

	env_start();
	env_seed("{\"networks\":[{\"id\":\"" L2
		 "\",\"name\":\"l2\",\"type\":\"L2\",\"zoneid\":\"" SIM_ZONE "\"}]}");
	vm = deploy("two", L2 "," SIM_NETWORK);
	first = nic(vm, 0);
	second = nic(vm, 1);
	CU_ASSERT_STRING_EQUAL(mk_json_str(first, "networkname", ""), "l2");
	CU_ASSERT(mk_json_bool(first, "isdefault", false));
	CU_ASSERT_PTR_NULL(mk_json_get(first, "ipaddress"));
	CU_ASSERT_PTR_NULL(mk_json_get(first, "broadcasturi"));
	CU_ASSERT_STRING_EQUAL(mk_json_str(second, "deviceid", ""), "1");
	CU_ASSERT_PTR_NOT_NULL(mk_json_get(second, "ipaddress"));
	CU_ASSERT_PTR_NOT_NULL(mk_json_get(second, "broadcasturi")); /* the OMA runs in it */
	json_object_put(env_job("startVirtualMachine", "id", vm));
	running = nic(vm, 0);
	CU_ASSERT_PTR_NOT_NULL(mk_json_get(running, "broadcasturi"));

	/* a name is taken per network, with case */
	deploy("TWO", L2);
	env_refused(431, 4350, "The vm with hostName two already exists *", "deployVirtualMachine",
		    "zoneid", SIM_ZONE, "serviceofferingid", SIM_SERVICE_OFFERING, "templateid",
		    SIM_TEMPLATE, "name", "two", "networkids", L2);
	env_refused(431, 4350, "ipToNetworkMap can't be specified along with networkIds *",
		    "deployVirtualMachine", "zoneid", SIM_ZONE, "serviceofferingid",
		    SIM_SERVICE_OFFERING, "templateid", SIM_TEMPLATE, "networkids", L2,
		    "iptonetworklist[0].networkid", L2);
	env_refused(431, 4350, "Mac address is not valid: zz", "deployVirtualMachine", "zoneid",
		    SIM_ZONE, "serviceofferingid", SIM_SERVICE_OFFERING, "templateid", SIM_TEMPLATE,
		    "iptonetworklist[0].networkid", L2, "iptonetworklist[0].mac", "zz");
	env_stop();
}

static void test_deploy_refused(void)
{
	env_start();
	env_refused(431, 4350, "Hypervisor passed to the deployVm call, *", "deployVirtualMachine",
		    "zoneid", SIM_ZONE, "serviceofferingid", SIM_SERVICE_OFFERING, "templateid",
		    SIM_TEMPLATE, "hypervisor", "VMware");
	env_refused(431, 4350, "Unsupported: rootdisksize override (1 GB) is smaller than *",
		    "deployVirtualMachine", "zoneid", SIM_ZONE, "serviceofferingid",
		    SIM_SERVICE_OFFERING, "templateid", SIM_TEMPLATE, "rootdisksize", "1");
	env_refused(431, 4350, "This disk offering requires a custom size specified",
		    "deployVirtualMachine", "zoneid", SIM_ZONE, "serviceofferingid",
		    SIM_SERVICE_OFFERING, "templateid", SIM_TEMPLATE, "diskofferingid",
		    SIM_CUSTOM_OFFERING);
	env_refused(431, 4350, "Deployment of virtual machine is supported only for Zone-wide *",
		    "deployVirtualMachine", "zoneid", SIM_ZONE, "serviceofferingid",
		    SIM_SERVICE_OFFERING, "volumeid", SIM_TEST_ROOT);
	env_set("role", "user");
	env_refused(531, 4365, "Please check your permissions, *", "deployVirtualMachine", "zoneid",
		    SIM_ZONE, "serviceofferingid", SIM_SERVICE_OFFERING, "templateid", SIM_TEMPLATE,
		    "customid", "cccccccc-0000-4000-8000-0000000000c1");
	env_stop();
}

/* ---- snapshots ------------------------------------------------------------------------------- */

static const char *snapshot_state(const char *id)
{
	static char text[32];
	_cleanup_json_ json_object *row = env_state("snapshots", id);

	snprintf(text, sizeof(text), "%s", mk_json_str(row, "state", ""));
	return text;
}

static const char *snapshot_of(const char *job)
{
	static char id[MK_UUID_SIZE];
	_cleanup_json_ json_object *row = env_query(job);

	snprintf(id, sizeof(id), "%s", mk_json_str(row, "jobinstanceid", ""));
	return id;
}

/* The volume is free as soon as the snapshot is taken; that is its moment, whatever the copying takes. */
static void test_states(void)
{
	_cleanup_json_ json_object *ended = NULL;
	const char *v, *job, *s;

	env_start();
	v = env_new_volume(SIM_TEST_VM);
	env_detach(v); /* else the others would wait for its turn in the VM's queue */
	env_fault(SIM_JOB_HOLD, 0, NULL, 0);
	job = env_start_job("createSnapshot", "volumeid", v);
	s = snapshot_of(job);
	CU_ASSERT_STRING_EQUAL(snapshot_state(s), "Creating");
	CU_ASSERT_STRING_EQUAL(env_volume_str(v, "state"), "Snapshotting");
	while (streq(snapshot_state(s), "Creating"))
		CU_ASSERT_FATAL(sd_event_run(event, USEC_PER_SEC) > 0);
	CU_ASSERT_STRING_EQUAL(snapshot_state(s), "BackingUp");
	CU_ASSERT_STRING_EQUAL(env_volume_str(v, "state"), "Ready");
	json_object_put(env_job("resizeVolume", "id", v, "size", "3"));
	env_refused(431, 4350, "There are snapshot operations in progress on the volume, *",
		    "deleteVolume", "id", v);
	sim_release(sim);
	ended = env_wait(job);
	CU_ASSERT_STRING_EQUAL(snapshot_state(s), "BackedUp");

	json_object_put(env_job("createVolume", "snapshotid", s, "name", "copy"));
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "name", "copy")), 1);
	json_object_put(env_job("revertSnapshot", "id", s));
	CU_ASSERT_EQUAL(env_volume_int(v, "size"), INT64_C(1) << 30);
	env_stop();
}

static json_object *create_snapshot(const char *volume, const char *key, const char *value)
{
	_cleanup_json_ json_object *o = env_job("createSnapshot", "volumeid", volume, key, value);

	return json_object_get(mk_json_get(o, "snapshot"));
}

static void test_results(void)
{
	_cleanup_json_ json_object *detached = NULL, *later = NULL, *row = NULL;
	const char *v;

	env_start();
	v = env_new_volume(SIM_TEST_VM);
	later = create_snapshot(v, "asyncbackup", "true");
	CU_ASSERT_STRING_EQUAL(mk_json_str(later, "state", ""), "BackingUp");
	while (!streq(snapshot_state(mk_json_str(later, "id", "")), "BackedUp"))
		CU_ASSERT_FATAL(sd_event_run(event, USEC_PER_SEC) > 0);

	env_detach(v);
	detached = create_snapshot(v, "name", "");
	CU_ASSERT_STRING_EQUAL(mk_json_str(detached, "state", ""), "Allocated");
	CU_ASSERT_STRING_EQUAL(mk_json_str(detached, "snapshottype", ""), "MANUAL");
	CU_ASSERT_STRING_EQUAL(mk_json_str(detached, "name", "?"), "");
	CU_ASSERT_PTR_NULL(mk_json_get(detached, "jobid"));
	row = first_row(env_ok("listSnapshots", "id", mk_json_str(detached, "id", "")), "snapshot");
	CU_ASSERT_STRING_EQUAL(mk_json_str(row, "state", ""), "BackedUp");
	CU_ASSERT(mk_json_bool(row, "revertable", false));
	CU_ASSERT_PTR_NULL(mk_json_get(row, "snapshottype"));
	CU_ASSERT_EQUAL(mk_json_int(row, "physicalsize", 0), INT64_C(1) << 30);
	env_stop();
}

/* A running one can be deleted: its job succeeds, and there is no snapshot. */
static void test_deleted_while_copied(void)
{
	_cleanup_json_ json_object *ended = NULL;
	const char *v, *job, *s;

	env_start();
	v = env_new_volume(SIM_TEST_VM);
	env_fault(SIM_JOB_HOLD, 0, NULL, 0);
	job = env_start_job("createSnapshot", "volumeid", v);
	s = snapshot_of(job);
	while (!streq(snapshot_state(s), "BackingUp"))
		CU_ASSERT_FATAL(sd_event_run(event, USEC_PER_SEC) > 0);
	json_object_put(env_job("deleteSnapshot", "id", s));
	sim_release(sim);
	ended = env_wait(job);
	CU_ASSERT_EQUAL(mk_json_int(ended, "jobstatus", 0), 1);
	CU_ASSERT_EQUAL(count(env_ok("listSnapshots", "id", s)), 0);
	env_stop();
}

/* Where it fails decides what stays. */
static void test_failed_snapshots(void)
{
	const char *text = "Failed to create snapshot due to an internal error creating *", *v;

	env_start();
	v = env_new_volume(SIM_TEST_VM);
	env_set("fail", "create");
	env_job_refused(530, text, "createSnapshot", "volumeid", v);
	CU_ASSERT_EQUAL(count(env_ok("listSnapshots", "volumeid", v)), 1);
	env_set("fail", "copy");
	env_job_refused(530, text, "createSnapshot", "volumeid", v);
	env_set("fail", "");
	CU_ASSERT_EQUAL(count(env_ok("listSnapshots", "volumeid", v)), 1);
	env_job_refused(530, text, "createSnapshot", "volumeid", v, "quiescevm", "true");
	CU_ASSERT_EQUAL(count(env_ok("listSnapshots", "volumeid", v)), 2);
	CU_ASSERT_STRING_EQUAL(env_volume_str(v, "state"), "Ready");
	/* what never was a snapshot goes with the volume */
	env_detach(v);
	json_object_put(env_ok("deleteVolume", "id", v));
	CU_ASSERT_EQUAL(count(env_ok("listSnapshots", "volumeid", v)), 0);
	env_stop();
}

static void test_unrevertable(void)
{
	_cleanup_json_ json_object *o = NULL;
	_cleanup_free_ char *poke = NULL;
	const char *v, *s;

	env_start();
	v = env_new_volume(SIM_TEST_VM);
	o = create_snapshot(v, "name", "s");
	s = mk_json_str(o, "id", "");
	poke = mk_strdup_printf("{\"snapshot\":\"%s\",\"revertable\":false}", s);
	env_poke(poke);
	env_job_refused(530, "Revert snapshot command failed for snapshot Snapshot *",
			"revertSnapshot", "id", s);
	env_stop();
}

static void test_snapshot_filters(void)
{
	const char *v;

	env_start();
	v = env_new_volume(SIM_TEST_VM);
	json_object_put(create_snapshot(v, "name", "one"));
	CU_ASSERT_EQUAL(count(env_ok("listSnapshots", "snapshottype", "manual")), 1);
	CU_ASSERT_EQUAL(count(env_ok("listSnapshots", "snapshottype", "RECURRING")), 0);
	CU_ASSERT_EQUAL(count(env_ok("listSnapshots", "intervaltype", "HOURLY")), 1);
	CU_ASSERT_EQUAL(count(env_ok("listSnapshots", "intervaltype", "HOURLY", "volumeid", v)), 0);
	CU_ASSERT_EQUAL(count(env_ok("listSnapshots", "keyword", "ON")), 1);
	env_refused(431, 4350, "Unsupported snapshot type nonsense", "listSnapshots",
		    "snapshottype", "nonsense");
	env_refused(431, 4350, "VolumeId: *", "createSnapshot", "volumeid", v, "locationtype",
		    "primary");
	env_stop();
}

static const struct tap_test tests[] = {
	{ "details come and go", test_details },
	{ "a row's root is its oldest disk", test_root_of_row },
	{ "filters of VMs", test_bad_filters },
	{ "S10 figures come with the collector, and stay", test_figures },
	{ "NICs and names in networks", test_networks },
	{ "deployVirtualMachine refuses", test_deploy_refused },
	{ "S7 a snapshot's states", test_states },
	{ "what createSnapshot returns", test_results },
	{ "S7 a snapshot deleted while it is copied", test_deleted_while_copied },
	{ "a snapshot that fails", test_failed_snapshots },
	{ "F5 a snapshot that cannot be reverted to", test_unrevertable },
	{ "filters of snapshots", test_snapshot_filters },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return tap_main(argc, argv, "sim-vms", NULL, NULL, tests);
}
