/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves what a KVM host and its guests do behind the commands: a guest that does not follow, machines that are full,
 * disks that stay where the database does not know them. Texts are those of a recorded server.
 */

#include "sim-env.h"
#include "tap.h"
#include "model/model.h"

#define TIMED_OUT                                                                                  \
	"Failed to detach volume v from VM oma; com.cloud.exception.InternalErrorException: "      \
	"Could not detach volume after sending the command and waiting for [10000] milliseconds. " \
	"Probably the VM does not support the sent detach command or the device is busy at the "   \
	"moment. Try again in a couple of minutes."

static void guest(const char *state)
{
	_cleanup_free_ char *json = mk_strdup_printf("{\"state\":\"%s\"}", state), *why = NULL;
	_cleanup_json_ json_object *o = json_tokener_parse(json);

	CU_ASSERT_EQUAL(sim_guest(sim, o, &why), 0);
}

static void run_until(bool (*done)(const char *id), const char *id)
{
	uint64_t end = mk_now_monotonic() + 10 * USEC_PER_SEC;

	while (!done(id) && mk_now_monotonic() < end)
		CU_ASSERT_FATAL(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
	CU_ASSERT(done(id));
}

static bool is_out(const char *id)
{
	return !*env_volume_str(id, "guest");
}

static bool is_asked(const char *id)
{
	_cleanup_json_ json_object *o = env_state("volumes", id);

	return mk_json_bool(o, "ejecting", false);
}

static int status(const char *job)
{
	_cleanup_json_ json_object *o = env_query(job);

	return (int)mk_json_int(o, "jobstatus", -1);
}

/* ---- detaching ------------------------------------------------------------------------------- */

/* K1: the request stays in QEMU; the database says attached until it is asked to look again. */
static void test_deaf_virtio(void)
{
	static const char *const states[] = { "paused", "deaf" };

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		const char *id;

		env_start();
		env_set("detach-wait-ms", "20");
		id = env_new_volume(SIM_OMA);
		guest(states[i]);
		env_job_refused(530, TIMED_OUT, "detachVolume", "id", id);
		env_job_refused(530, TIMED_OUT, "detachVolume", "id", id);
		CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Ready");
		CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), SIM_OMA);

		guest("running");
		CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), "");
		CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_OMA);
		CU_ASSERT_EQUAL(env_volume_int(id, "deviceid"), 1);
		json_object_put(env_job("detachVolume", "id", id));
		CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), "");
		CU_ASSERT_EQUAL(env_executed("detachVolume"), 1);
		env_stop();
	}
}

/* The eject was lost on it: another one is heard. */
static void test_missed_eject(void)
{
	_cleanup_json_ json_object *back =
		json_tokener_parse("{\"state\":\"running\",\"rescan\":false}");
	const char *id;
	char *why;

	env_start();
	env_set("detach-wait-ms", "20");
	id = env_new_volume(SIM_OMA);
	guest("deaf");
	env_job_refused(530, TIMED_OUT, "detachVolume", "id", id);
	CU_ASSERT_EQUAL(sim_guest(sim, back, &why), 0);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), SIM_OMA);
	json_object_put(env_job("detachVolume", "id", id));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), "");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), "");
	env_stop();
}

/* While the agent still waits it is in time. */
static void test_follows_in_time(void)
{
	const char *id, *job;

	env_start();
	env_set("detach-wait-ms", "600000");
	id = env_new_volume(SIM_OMA);
	guest("paused");
	job = env_start_job("detachVolume", "id", id);
	run_until(is_asked, id);
	CU_ASSERT_EQUAL(status(job), 0);
	guest("running");
	json_object_put(env_wait(job));
	CU_ASSERT_EQUAL(status(job), 1);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), "");
	env_stop();
}

/* One that takes its time is waited for; one that takes more than the agent has lets go after the job's failure. */
static void test_slow_guest(void)
{
	const char *id;

	env_start();
	id = env_new_volume(SIM_OMA);
	env_set("hv-delay-ms", "20");
	json_object_put(env_job("detachVolume", "id", id));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), "");

	env_set("hv-delay-ms", "0");
	env_attach(id, SIM_OMA);
	env_set("hv-delay-ms", "200");
	env_set("detach-wait-ms", "1");
	env_job_refused(530, TIMED_OUT, "detachVolume", "id", id);
	run_until(is_out, id);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_OMA);
	env_stop();
}

/* K10: a scsi disk leaves the machine although its guest stands still, and another one takes its place. */
static void test_scsi_needs_no_guest(void)
{
	const char *id, *other;

	env_start();
	env_set("hv-bus", "scsi");
	id = env_new_volume(SIM_OMA);
	other = env_new_volume(NULL);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "target"), "sdb");
	guest("paused");
	json_object_put(env_job("detachVolume", "id", id));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), "");
	env_attach(other, SIM_OMA);
	CU_ASSERT_STRING_EQUAL(env_volume_str(other, "target"), "sdb");
	env_stop();
}

/* K4: its job ends without the guest. */
static void test_attach_to_paused(void)
{
	const char *id;

	env_start();
	guest("paused");
	id = env_new_volume(SIM_OMA);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_OMA);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), SIM_OMA);
	env_stop();
}

/* ---- stop and resize ------------------------------------------------------------------------- */

static uint64_t stop_takes(const char *forced)
{
	uint64_t start = mk_now_monotonic();

	json_object_put(env_job("stopVirtualMachine", "id", SIM_OMA, "forced", forced));
	CU_ASSERT_STRING_EQUAL(env_vm_state(SIM_OMA), "Stopped");
	return mk_now_monotonic() - start;
}

/* The agent destroys the machine after two minutes: success all the same. What was pending in it is over. */
static void test_stop_of_deaf(void)
{
	const char *id;

	env_start();
	env_set("stop-wait-ms", "100");
	env_set("detach-wait-ms", "1");
	id = env_new_volume(SIM_OMA);
	guest("deaf");
	env_job_refused(530, TIMED_OUT, "detachVolume", "id", id);
	CU_ASSERT(stop_takes("false") >= 100 * USEC_PER_MSEC);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), "");
	json_object_put(env_job("startVirtualMachine", "id", SIM_OMA));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), SIM_OMA);
	CU_ASSERT_FALSE(is_asked(id));

	env_set("stop-wait-ms", "600000");
	guest("deaf");
	(void)stop_takes("true");
	env_stop();
}

/* K3: the guest is told before the API says so. */
static void test_resize_is_seen_early(void)
{
	_cleanup_free_ char *want = NULL;
	const char *id, *job;

	env_start();
	id = env_new_volume(SIM_OMA);
	want = mk_strdup_printf("resize %s 3221225472 " SIM_OMA "\n", id);
	env_fault(SIM_JOB_HOLD, 0, NULL, 0);
	job = env_start_job("resizeVolume", "id", id, "size", "3");
	while (!strstr(env_guest_log, "resize"))
		CU_ASSERT_FATAL(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(env_guest_log, want));
	CU_ASSERT_EQUAL(env_volume_int(id, "size"), 1073741824);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Resizing");
	sim_release(sim);
	json_object_put(env_wait(job));
	CU_ASSERT_EQUAL(env_volume_int(id, "size"), INT64_C(3221225472));
	env_stop();
}

/* ---- disks that CloudStack does not know ----------------------------------------------------- */

/* K11: CloudStack says detached, the machine has it; only its end takes it away. */
static void check_orphan(const char *id)
{
	_cleanup_free_ char *want = NULL;
	const char *path = env_volume_str(id, "path");

	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Ready");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), "");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), SIM_OMA);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "target"), "vdb");

	want = mk_strdup_printf("Failed to attach volume v to VM oma; "
				"org.libvirt.LibvirtException: XML error: target 'vdb' duplicated "
				"for disk sources '/mnt/00000000-0000-4000-8000-0000000000a8/%s' "
				"and '/mnt/00000000-0000-4000-8000-0000000000a8/%s'",
				path, path);
	env_job_refused(530, want, "attachVolume", "id", id, "virtualmachineid", SIM_OMA);
#define LOCKED(vm)                                                                                 \
	"Failed to attach volume v to VM " vm "; org.libvirt.LibvirtException: internal error: "   \
	"unable to execute QEMU command 'blockdev-add': Failed to get \"write\" lock"
	env_job_refused(530, LOCKED("oma"), "attachVolume", "id", id, "virtualmachineid", SIM_OMA,
			"deviceid", "20");
	json_object_put(env_job("startVirtualMachine", "id", SIM_TEST_VM));
	env_job_refused(530, LOCKED("test-vm"), "attachVolume", "id", id, "virtualmachineid",
			SIM_TEST_VM);
#undef LOCKED
	env_job_refused(431, "The specified volume is not attached to a VM.", "detachVolume", "id",
			id);

	json_object_put(env_job("stopVirtualMachine", "id", SIM_OMA));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), "");
	json_object_put(env_job("startVirtualMachine", "id", SIM_OMA));
	env_attach(id, SIM_OMA);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), SIM_OMA);
}

/* Its work begins when its VM's queue comes to it. */
static bool is_held(const char *job)
{
	_cleanup_json_ json_object *o = env_state("jobs", job);

	return streq(mk_json_str(o, "phase", ""), "held");
}

static void test_server_dies_in_attach(void)
{
	const char *id, *job;

	env_start();
	id = env_new_volume(NULL);
	env_fault(SIM_JOB_HOLD, 0, NULL, 0);
	job = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_OMA);
	run_until(is_held, job);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Attaching");
	sim_restart(sim, true);
	check_orphan(id);
	env_stop();
}

static void test_agent_dies_in_attach(void)
{
	_cleanup_json_ json_object *row = NULL;
	const char *id, *job, *text;

	env_start();
	id = env_new_volume(NULL);
	env_fault(SIM_JOB_AGENT_DIES, 0, NULL, 0);
	job = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_OMA);
	run_until(is_held, job);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Attaching");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), SIM_OMA);
	CU_ASSERT_EQUAL(status(job), 0);

	/* when a new agent connects */
	sim_release(sim);
	row = env_wait(job);
	CU_ASSERT_EQUAL(mk_json_int(row, "jobresultcode", 0), 530);
	text = mk_json_str(mk_json_get(row, "jobresult"), "errortext", "");
	CU_ASSERT(
		starts_with(text, "Failed to attach volume v to VM oma due to: Commands 5219953"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " to Host 1 timed out after 3600 secs"));
	check_orphan(id);
	env_stop();
}

/* The other way round: attached, says CloudStack, and a second detachVolume corrects it. */
static void test_agent_or_server_dies_in_detach(void)
{
	const char *id, *job;

	for (int agent = 0; agent < 2; agent++) {
		env_start();
		id = env_new_volume(SIM_OMA);
		env_fault(agent ? SIM_JOB_AGENT_DIES : SIM_JOB_HOLD, 0, NULL, 0);
		job = env_start_job("detachVolume", "id", id);
		run_until(is_held, job);
		if (agent)
			sim_release(sim);
		else
			sim_restart(sim, true);
		json_object_put(env_wait(job));
		CU_ASSERT_EQUAL(status(job), 2);
		CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), "");
		CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_OMA);
		json_object_put(env_job("detachVolume", "id", id));
		env_stop();
	}
}

/* ---- how many -------------------------------------------------------------------------------- */

/* K5: ROOT and 24 data disks on virtio, 32 data disks on scsi. */
static void test_full_machine(void)
{
	const char *id, *more, *job;

	env_start();
	for (int i = 0; i < 24; i++)
		id = env_new_volume(SIM_OMA);
	CU_ASSERT_EQUAL(env_volume_int(id, "deviceid"), 25); /* there is no 3 */
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "target"), "vdz");
	more = env_new_volume(NULL);
	env_job_refused(530,
			"Failed to attach volume v to VM oma; org.libvirt.LibvirtException: "
			"internal error: No more available PCI slots",
			"attachVolume", "id", more, "virtualmachineid", SIM_OMA);
	CU_ASSERT_STRING_EQUAL(env_volume_str(more, "state"), "Ready");
	CU_ASSERT_STRING_EQUAL(env_volume_str(more, "virtualmachineid"), "");

	/* the bus is chosen at the start of the VM */
	(void)stop_takes("true");
	env_poke("{\"vm\":\"" SIM_OMA "\",\"details\":{\"rootDiskController\":\"scsi\"}}");
	json_object_put(env_job("startVirtualMachine", "id", SIM_OMA));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "target"), "sdz");
	env_attach(more, SIM_OMA);
	for (int i = 0; i < 7; i++)
		id = env_new_volume(SIM_OMA);
	CU_ASSERT_EQUAL(env_volume_int(id, "deviceid"), 33);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "target"), "sdah");
	env_job_refused(431,
			"The specified VM already has the maximum number of data disks (32) "
			"attached. Please specify another VM.",
			"attachVolume", "id", env_new_volume(NULL), "virtualmachineid", SIM_OMA);

	/* and they do not fit on virtio any more */
	(void)stop_takes("true");
	env_poke("{\"vm\":\"" SIM_OMA "\",\"details\":{\"rootDiskController\":\"virtio\"}}");
	job = env_start_job("startVirtualMachine", "id", SIM_OMA);
	json_object_put(env_wait(job));
	CU_ASSERT_EQUAL(status(job), 2);
	CU_ASSERT_STRING_EQUAL(env_vm_state(SIM_OMA), "Stopped");
	env_stop();
}

/* ---- snapshots ------------------------------------------------------------------------------- */

static void test_no_secondary_storage(void)
{
	_cleanup_json_ json_object *row = NULL, *list = NULL;
	_cleanup_free_ char *want = NULL;
	const char *id;

	env_start();
	id = env_new_volume(SIM_OMA);
	want = mk_strdup_printf("Failed to create snapshot due to an internal error creating "
				"snapshot for volume %s",
				id);
	env_set("no-secondary-storage", "true");
	env_job_refused(530, want, "createSnapshot", "volumeid", id);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Ready");
	list = env_ok("listSnapshots", "volumeid", id);
	row = json_object_get(json_object_array_get_idx(mk_json_get(list, "snapshot"), 0));
	CU_ASSERT_STRING_EQUAL(mk_json_str(row, "state", ""), "Allocated");
	env_stop();
}

/* ---- storage and serials --------------------------------------------------------------------- */

/* Id and serial stay, the name of the disk file does not. */
static void test_migrate(void)
{
	_cleanup_free_ char *before = NULL, *serial = NULL;
	const char *id;

	env_start();
	id = env_new_volume(SIM_OMA);
	before = strdup(env_volume_str(id, "path"));
	env_job_refused(431,
			"KVM does not support volume live migration due to the limited possibility "
			"to refresh VM XML domain. Therefore, to live migrate a volume between "
			"storage pools, one must migrate the VM to a different host as well to "
			"force the VM XML domain update. Use 'migrateVirtualMachineWithVolumes' "
			"instead.",
			"migrateVolume", "volumeid", id, "storageid", SIM_POOL_2, "livemigrate",
			"true");
	json_object_put(env_job("detachVolume", "id", id));
	json_object_put(env_job("migrateVolume", "volumeid", id, "storageid", SIM_POOL_2));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "storageid"), SIM_POOL_2);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Ready");
	CU_ASSERT_STRING_NOT_EQUAL(env_volume_str(id, "path"), before);

	*env_guest_log = '\0';
	env_attach(id, SIM_OMA);
	serial = mk_strdup_printf(" %.8s%.4s%.4s%.4s ", id, id + 9, id + 14, id + 19);
	CU_ASSERT_PTR_NOT_NULL(strstr(env_guest_log, serial));
	env_stop();
}

/* K12: an admin's customid makes two volumes with one serial, and nobody minds. */
static void test_equal_serials(void)
{
	char id[MK_UUID_SIZE] = "aaaaaaaa-bbbb-4ccc-8ddd-000000000001";

	env_start();
	for (; id[35] < '3'; id[35]++) {
		json_object_put(env_job("createVolume", "name", "dup", "diskofferingid",
					SIM_CUSTOM_OFFERING, "size", "1", "zoneid", SIM_ZONE,
					"customid", id));
		env_attach(id, SIM_OMA);
		CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), SIM_OMA);
	}
	CU_ASSERT_STRING_EQUAL(env_guest_log,
			       "plug aaaaaaaa-bbbb-4ccc-8ddd-000000000001 1073741824 "
			       "aaaaaaaabbbb4ccc8ddd " SIM_OMA
			       "\nplug aaaaaaaa-bbbb-4ccc-8ddd-000000000002 1073741824 "
			       "aaaaaaaabbbb4ccc8ddd " SIM_OMA "\n");
	env_stop();
}

static void test_refused_on_running(void)
{
	_cleanup_json_ json_object *o = NULL;
	const char *id, *snapshot;

	env_start();
	id = env_new_volume(SIM_OMA);
	json_object_put(env_job("resizeVolume", "id", id, "size", "2"));
	env_job_refused(432, "Unable to shrink volumes of type QCOW2", "resizeVolume", "id", id,
			"size", "1", "shrinkok", "true");
	o = env_job("createSnapshot", "volumeid", id);
	snapshot = mk_json_str(mk_json_get(o, "snapshot"), "id", "");
	env_job_refused(431,
			"The VM the specified disk is attached to is not in the shutdown state.",
			"revertSnapshot", "id", snapshot);
	env_stop();
}

static void test_guest_mistakes(void)
{
	static const char *const bad[] = {
		"{}",
		"{\"state\":\"asleep\"}",
		"{\"vm\":\"" SIM_TEST_VM "\",\"state\":\"paused\"}", /* Stopped */
		"{\"vm\":\"x\",\"state\":\"paused\"}",
	};

	env_start();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_json_ json_object *o = json_tokener_parse(bad[i]);
		_cleanup_free_ char *why = NULL;

		CU_ASSERT_EQUAL(sim_guest(sim, o, &why), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(why);
	}
	env_stop();
}

static const struct tap_test tests[] = {
	{ "K1 a virtio detach that the guest does not follow", test_deaf_virtio },
	{ "K1 a repeated detach is a new eject", test_missed_eject },
	{ "a guest that follows in time", test_follows_in_time },
	{ "a slow guest", test_slow_guest },
	{ "K10 a scsi detach does not need the guest", test_scsi_needs_no_guest },
	{ "K4 an attach does not need the guest", test_attach_to_paused },
	{ "the stop of a deaf guest", test_stop_of_deaf },
	{ "K3 a resize is seen in the guest first", test_resize_is_seen_early },
	{ "K11 the server dies in an attach", test_server_dies_in_attach },
	{ "K11 the agent dies in an attach", test_agent_dies_in_attach },
	{ "server or agent dies in a detach", test_agent_or_server_dies_in_detach },
	{ "K5 machines that are full", test_full_machine },
	{ "snapshots without secondary storage", test_no_secondary_storage },
	{ "storage migration", test_migrate },
	{ "K12 two volumes with one serial", test_equal_serials },
	{ "revert and shrinking while attached", test_refused_on_running },
	{ "mistakes about guests", test_guest_mistakes },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return tap_main(argc, argv, "sim-kvm", NULL, NULL, tests);
}
