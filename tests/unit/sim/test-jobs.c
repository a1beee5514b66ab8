/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves how jobs behave in the model of the simulator: queues of VMs, ids, ends, restarts of the server, injected
 * faults.
 */

#include "sim-env.h"
#include "tap.h"

#define JOB1 "aaaaaaaa-1111-4111-8111-000000000001"
#define JOB2 "aaaaaaaa-1111-4111-8111-000000000002"

static int64_t count(json_object *o)
{
	int64_t n = mk_json_int(o, "count", 0);

	json_object_put(o);
	return n;
}

static int64_t status(const char *job)
{
	_cleanup_json_ json_object *o = env_query(job);

	return mk_json_int(o, "jobstatus", -1);
}

static const char *hold(const char *command, const char *id, const char *vm)
{
	env_fault(SIM_JOB_HOLD, 0, NULL, 0);
	return vm ? env_start_job(command, "id", id, "virtualmachineid", vm)
		  : env_start_job(command, "id", id);
}

static void unknown_job(const char *job)
{
	env_refused(
		431, 9999,
		"Unable to execute API command queryasyncjobresult due to invalid value. Invalid "
		"parameter jobid*",
		"queryAsyncJobResult", "jobid", job);
	CU_ASSERT(!env_job_known(job));
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void test_rows(void)
{
	_cleanup_json_ json_object *pending = NULL, *done = NULL;
	const char *id, *job;

	env_start();
	id = env_new_volume(NULL);
	job = hold("attachVolume", id, SIM_OMA);
	pending = env_query(job);
	CU_ASSERT_EQUAL(mk_json_int(pending, "jobstatus", -1), 0);
	CU_ASSERT_EQUAL(mk_json_int(pending, "jobresultcode", -1), 0);
	CU_ASSERT_STRING_EQUAL(
		mk_json_str(pending, "cmd", ""),
		"org.apache.cloudstack.api.command.admin.volume.AttachVolumeCmdByAdmin");
	CU_ASSERT_STRING_EQUAL(mk_json_str(pending, "jobinstancetype", ""), "Volume");
	CU_ASSERT_STRING_EQUAL(mk_json_str(pending, "jobinstanceid", ""), id);
	CU_ASSERT_STRING_EQUAL(mk_json_str(pending, "managementservername", ""), "ms1");
	CU_ASSERT_PTR_NULL(mk_json_get(pending, "jobresult"));
	CU_ASSERT_PTR_NULL(mk_json_get(pending, "completed"));
	sim_release(sim);
	done = env_wait(job);
	CU_ASSERT_PTR_NULL(mk_json_get(done, "managementservername"));
	CU_ASSERT_STRING_NOT_EQUAL(mk_json_str(done, "completed", ""), "");
	CU_ASSERT_STRING_EQUAL(mk_json_str(done, "jobresulttype", ""), "object");
	env_stop();
}

/* Only pending ones, oldest first. */
static void test_list(void)
{
	_cleanup_json_ json_object *o = NULL;
	const char *a, *b, *job_a, *job_b;
	json_object *list;

	env_start();
	a = env_new_volume(NULL);
	b = env_new_volume(NULL);
	CU_ASSERT_EQUAL(count(env_ok("listAsyncJobs")), 0);
	job_a = hold("attachVolume", a, SIM_OMA);
	job_b = hold("attachVolume", b, SIM_TEST_VM);
	o = env_ok("listAsyncJobs");
	list = mk_json_get(o, "asyncjobs");
	CU_ASSERT_EQUAL_FATAL(json_object_array_length(list), 2);
	CU_ASSERT_STRING_EQUAL(mk_json_str(json_object_array_get_idx(list, 0), "jobid", ""), job_a);
	CU_ASSERT_STRING_EQUAL(mk_json_str(json_object_array_get_idx(list, 1), "jobid", ""), job_b);
	CU_ASSERT_EQUAL(count(env_ok("listAsyncJobs", "keyword", "Attach")), 2);
	CU_ASSERT_EQUAL(count(env_ok("listAsyncJobs", "keyword", "Detach")), 0);
	CU_ASSERT_EQUAL(count(env_ok("listAsyncJobs", "startdate", "2999-01-01")), 0);
	CU_ASSERT_EQUAL(count(env_ok("listAsyncJobs", "startdate", "2001-01-01T00:00:00+0100")), 2);
	sim_release(sim);
	json_object_put(env_wait(job_a));
	json_object_put(env_wait(job_b));
	CU_ASSERT_EQUAL(count(env_ok("listAsyncJobs")), 0);
	env_stop();
}

/* ---- queues ---------------------------------------------------------------------------------- */

/* One at a time on a VM; VMs do not wait for each other. */
static void test_queue(void)
{
	const char *a, *b, *c, *first, *second, *other;

	env_start();
	a = env_new_volume(NULL);
	b = env_new_volume(NULL);
	c = env_new_volume(NULL);
	first = hold("attachVolume", a, SIM_OMA);
	second = env_start_job("attachVolume", "id", b, "virtualmachineid", SIM_OMA);
	other = env_start_job("attachVolume", "id", c, "virtualmachineid", SIM_TEST_VM);
	json_object_put(env_wait(other));
	CU_ASSERT_EQUAL(status(first), 0);
	CU_ASSERT_EQUAL(status(second), 0);
	CU_ASSERT_STRING_EQUAL(env_volume_str(b, "state"), "Allocated");
	sim_release(sim);
	json_object_put(env_wait(second));
	CU_ASSERT_EQUAL(status(first), 1);
	/* the device id is chosen when the work is done */
	CU_ASSERT_EQUAL(env_volume_int(a, "deviceid"), 1);
	CU_ASSERT_EQUAL(env_volume_int(b, "deviceid"), 2);
	env_stop();
}

/* What was true at the check may not be when the VM's queue comes to it. */
static void test_two_attaches(void)
{
	_cleanup_json_ json_object *lost = NULL;
	const char *id, *other, *blocker, *late;

	env_start();
	id = env_new_volume(NULL);
	other = env_new_volume(NULL);
	blocker = hold("attachVolume", other, SIM_OMA);
	late = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_OMA);
	env_attach(id, SIM_TEST_VM);
	sim_release(sim);
	json_object_put(env_wait(blocker));
	lost = env_wait(late);
	CU_ASSERT_EQUAL(mk_json_int(lost, "jobresultcode", 0), 530);
	CU_ASSERT_STRING_EQUAL(mk_json_str(mk_json_get(lost, "jobresult"), "errortext", ""),
			       "This volume is already attached to a VM.");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_TEST_VM);
	env_stop();
}

/* Nothing marks a fresh volume before it is made: both succeed, and the one that ends last has it. */
static void test_two_fresh_attaches(void)
{
	_cleanup_json_ json_object *o = NULL, *p = NULL;
	const char *id, *first, *second;

	env_start();
	env_set("queue-ms", "5");
	id = env_new_volume(NULL);
	first = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_OMA);
	second = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_TEST_VM);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Allocated");
	o = env_wait(first);
	CU_ASSERT_EQUAL(mk_json_int(o, "jobstatus", 0), 1);
	p = env_wait(second);
	CU_ASSERT_EQUAL(mk_json_int(p, "jobstatus", 0), 1);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_TEST_VM);
	CU_ASSERT_EQUAL(env_executed("attachVolume"), 2);
	env_stop();
}

/* Of a volume that has been made, the first to begin has it. */
static void test_two_made_attaches(void)
{
	_cleanup_json_ json_object *o = NULL, *p = NULL;
	const char *id, *first, *second, *text;

	env_start();
	id = env_new_volume(NULL);
	env_attach(id, SIM_OMA);
	env_detach(id);
	env_set("queue-ms", "5");
	first = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_OMA);
	second = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_TEST_VM);
	o = env_wait(first);
	CU_ASSERT_EQUAL(mk_json_int(o, "jobstatus", 0), 1);
	p = env_wait(second);
	CU_ASSERT_EQUAL(mk_json_int(p, "jobresultcode", 0), 530);
	text = mk_json_str(mk_json_get(p, "jobresult"), "errortext", "");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text, "is in Attaching. It should be in Ready or Allocated state"));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_OMA);
	env_stop();
}

/* SD-A1: until the beat comes, everything is as it was, but for the job; then the checks are made again. */
static void test_beat(void)
{
	_cleanup_json_ json_object *o = NULL, *p = NULL;
	const char *id, *attach, *again;

	env_start();
	id = env_new_volume(NULL);
	env_set("queue-ms", "20");
	attach = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_OMA);
	again = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_OMA);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Allocated");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "jobid"), attach);
	o = env_wait(attach);
	CU_ASSERT_EQUAL(mk_json_int(o, "jobstatus", 0), 1);
	p = env_wait(again);
	CU_ASSERT_STRING_EQUAL(mk_json_str(mk_json_get(p, "jobresult"), "errortext", ""),
			       "This volume is already attached to a VM.");
	env_stop();
}

/* The volume of a queued attach can be deleted. */
static void test_queue_delete(void)
{
	_cleanup_json_ json_object *o = NULL;
	const char *id, *attach;

	env_start();
	id = env_new_volume(NULL);
	env_set("queue-ms", "20");
	attach = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_OMA);
	json_object_put(env_ok("deleteVolume", "id", id));
	o = env_wait(attach);
	CU_ASSERT_EQUAL(mk_json_int(o, "jobresultcode", 0), 530);
	CU_ASSERT_STRING_EQUAL(env_guest_log, "");
	env_stop();
}

/* A VM that is destroyed meanwhile gets the disk all the same; one that is stopped is not started by a queued start. */
static void test_queue_vm(void)
{
	_cleanup_json_ json_object *o = NULL, *p = NULL;
	const char *id, *stop, *start;

	env_start();
	env_set("queue-ms", "20");
	stop = env_start_job("stopVirtualMachine", "id", SIM_OMA);
	start = env_start_job("startVirtualMachine", "id", SIM_OMA);
	o = env_wait(start);
	CU_ASSERT_EQUAL(mk_json_int(o, "jobresultcode", 0), 431);
	p = env_wait(stop);
	CU_ASSERT_EQUAL(mk_json_int(p, "jobstatus", 0), 1);
	CU_ASSERT_STRING_EQUAL(env_vm_state(SIM_OMA), "Stopped");
	json_object_put(o);
	json_object_put(p);

	id = env_new_volume(NULL);
	stop = env_start_job("destroyVirtualMachine", "id", SIM_TEST_VM);
	start = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_TEST_VM);
	o = env_wait(stop);
	p = env_wait(start);
	CU_ASSERT_EQUAL(mk_json_int(p, "jobstatus", 0), 1);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_TEST_VM);
	CU_ASSERT_STRING_EQUAL(env_vm_state(SIM_TEST_VM), "Destroyed");
	env_stop();
}

/* Issue apache/cloudstack #14214: a detach that waited clears a newer attachment, the disk stays. */
static void test_stale_detach(void)
{
	_cleanup_free_ char *want = NULL;
	const char *id, *first, *stale;

	env_start();
	json_object_put(env_job("startVirtualMachine", "id", SIM_TEST_VM));
	id = env_new_volume(SIM_OMA);
	*env_guest_log = '\0';
	first = env_start_job("detachVolume", "id", id);
	stale = hold("detachVolume", id, NULL);
	json_object_put(env_wait(first));
	CU_ASSERT_EQUAL(status(stale), 0);
	env_attach(id, SIM_TEST_VM);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_TEST_VM);
	sim_release(sim);
	json_object_put(env_wait(stale));
	CU_ASSERT_EQUAL(status(stale), 1);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), "");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), SIM_TEST_VM);
	want = mk_strdup_printf("unplug %s " SIM_OMA
				"\nplug %s 1073741824 %.8s%.4s%.4s%.4s " SIM_TEST_VM "\n",
				id, id, id, id + 9, id + 14, id + 19);
	CU_ASSERT_STRING_EQUAL(env_guest_log, want);

	/* the disk's image is locked by the guest that nobody knows of */
	env_job_refused(530, "Failed to attach volume v to VM oma; org.libvirt.*", "attachVolume",
			"id", id, "virtualmachineid", SIM_OMA);
	env_attach(id, SIM_FAILOVER_VM);
	env_job_refused(530, "Unable to start a VM [*", "startVirtualMachine", "id",
			SIM_FAILOVER_VM);
	env_stop();
}

/* ---- customjobid ----------------------------------------------------------------------------- */

static void test_custom_id(void)
{
	const char *a, *b;

	env_start();
	a = env_new_volume(NULL);
	b = env_new_volume(NULL);
	env_refused(431, 4350, "UUID: 12 doesn't follow the UUID format", "attachVolume", "id", a,
		    "virtualmachineid", SIM_OMA, "customjobid", "12");
	env_fault(SIM_JOB_HOLD, 0, NULL, 0);
	CU_ASSERT_STRING_EQUAL(env_start_job("attachVolume", "id", a, "virtualmachineid", SIM_OMA,
					     "customjobid", JOB1),
			       JOB1);
	env_refused(431, 4350,
		    "UUID: " JOB1 " already exists so can't create/update with custom id",
		    "attachVolume", "id", b, "virtualmachineid", SIM_TEST_VM, "customjobid", JOB1);
	sim_release(sim);
	json_object_put(env_wait(JOB1));
	env_refused(530, 9999, "Entity already exists ", "attachVolume", "id", b,
		    "virtualmachineid", SIM_TEST_VM, "customjobid", JOB1);
	env_set("role", "user");
	env_refused(530, 9999,
		    "Internal error executing command, please contact your system administrator",
		    "attachVolume", "id", b, "virtualmachineid", SIM_TEST_VM, "customjobid", JOB1);
	CU_ASSERT_STRING_EQUAL(env_volume_str(b, "virtualmachineid"), "");
	CU_ASSERT_EQUAL(env_executed("attachVolume"), 1);
	env_stop();
}

/* L18: the row is made before the id is looked at, so a repeated create leaves a second volume. */
static void test_custom_id_of_create(void)
{
	env_start();
	json_object_put(env_job("createVolume", "name", "twice", "diskofferingid",
				SIM_FIXED_OFFERING, "zoneid", SIM_ZONE, "customjobid", JOB1));
	env_refused(530, 9999, "Entity already exists ", "createVolume", "name", "twice",
		    "diskofferingid", SIM_FIXED_OFFERING, "zoneid", SIM_ZONE, "customjobid", JOB1);
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "name", "twice", "state", "Allocated")), 2);
	CU_ASSERT_EQUAL(env_executed("createVolume"), 2);
	env_stop();
}

/* Refused parameters come first: the id is still free. */
static void test_custom_id_of_refused(void)
{
	env_start();
	env_refused(431, 9999,
		    "Unable to execute API command attachvolume due to missing parameter*",
		    "attachVolume", "id", SIM_OMA_ROOT, "customjobid", JOB1);
	unknown_job(JOB1);
	/* in the job it is used up */
	env_job_refused(431, "The specified volume is not attached to a VM.", "detachVolume", "id",
			env_new_volume(NULL), "customjobid", JOB1);
	env_refused(530, 9999, "Entity already exists ", "detachVolume", "id", SIM_TEST_ROOT,
		    "customjobid", JOB1);
	env_stop();
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void test_expiry(void)
{
	const char *id, *job;

	env_start();
	id = env_new_volume(NULL);
	json_object_put(env_job("attachVolume", "id", id, "virtualmachineid", SIM_OMA,
				"customjobid", JOB1));
	job = hold("detachVolume", id, NULL);
	CU_ASSERT(env_job_known(JOB1));
	env_set("job-expire-ms", "0");
	unknown_job(JOB1);
	unknown_job(job); /* a pending one too, when it is old; but it goes on */
	CU_ASSERT_EQUAL(count(env_ok("listAsyncJobs")), 0);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "jobid"), "");
	env_set("job-expire-ms", "86400000");
	sim_release(sim);
	while (env_executed("detachVolume") == 0)
		CU_ASSERT_FATAL(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), "");
	/* the id is free again */
	CU_ASSERT_STRING_EQUAL(env_start_job("detachVolume", "id", id, "customjobid", JOB1), JOB1);
	env_stop();
}

static void no_result(const char *job)
{
	_cleanup_json_ json_object *o = env_query(job);

	CU_ASSERT_EQUAL(mk_json_int(o, "jobstatus", -1), 2);
	CU_ASSERT_EQUAL(mk_json_int(o, "jobresultcode", -1), 530);
	CU_ASSERT_PTR_NULL(mk_json_get(o, "jobresult"));
	CU_ASSERT_PTR_NULL(mk_json_get(o, "jobresulttype"));
}

static void restart_in_attach(bool disk_stays)
{
	const char *id, *job, *queued;

	env_start();
	id = env_new_volume(NULL);
	job = hold("attachVolume", id, SIM_OMA);
	queued = env_start_job("attachVolume", "id", env_new_volume(NULL), "virtualmachineid",
			       SIM_OMA);
	sim_restart(sim, disk_stays);
	no_result(job);
	no_result(queued);
	CU_ASSERT_EQUAL(env_executed("attachVolume"), 0);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Ready");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), "");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), disk_stays ? SIM_OMA : "");
	if (disk_stays) {
		/* until the VM is stopped and started */
		env_job_refused(530, "Failed to attach volume v to VM oma; org.libvirt.*",
				"attachVolume", "id", id, "virtualmachineid", SIM_OMA);
		json_object_put(env_job("stopVirtualMachine", "id", SIM_OMA));
		json_object_put(env_job("startVirtualMachine", "id", SIM_OMA));
	}
	env_attach(id, SIM_OMA);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_OMA);
	env_stop();
}

static void test_restart(void)
{
	restart_in_attach(false);
	restart_in_attach(true);
}

/* The guest has the disk, and the database says so, before the job has noticed; then it never does. */
static void test_restart_before_report(void)
{
	const char *id, *job, *next;

	env_start();
	env_set("report-ms", "600000");
	id = env_new_volume(NULL);
	job = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_OMA);
	while (!*env_guest_log)
		CU_ASSERT_FATAL(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
	CU_ASSERT_EQUAL(status(job), 0);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "jobid"), job);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_OMA);

	/* the queue is free */
	next = env_start_job("detachVolume", "id", id);
	while (env_executed("detachVolume") == 0)
		CU_ASSERT_FATAL(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
	sim_restart(sim, true);
	no_result(job);
	no_result(next);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), "");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Ready");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "guest"), "");
	env_stop();
}

static void test_restart_of_others(void)
{
	const char *id, *start, *expunge;

	env_start();
	id = env_new_volume(SIM_OMA);
	json_object_put(env_job("detachVolume", "id", id));
	start = hold("startVirtualMachine", SIM_TEST_VM, NULL);
	env_fault(SIM_JOB_HOLD, 0, NULL, 0);
	expunge = env_start_job("destroyVolume", "id", id, "expunge", "true");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Expunging");
	sim_restart(sim, false);
	no_result(start);
	no_result(expunge);
	CU_ASSERT_STRING_EQUAL(env_vm_state(SIM_TEST_VM), "Stopped");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Destroy");
	/* it can be recovered, or deleted again */
	json_object_put(env_ok("recoverVolume", "id", id));
	json_object_put(env_ok("deleteVolume", "id", id));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Expunged");
	env_stop();
}

/* A disk that was being made when the server died is never made any more. */
static void test_W27_restart_in_start(void)
{
	_cleanup_json_ json_object *deployed = NULL, *roots = NULL;
	const char *vm, *root, *other, *job;

	env_start();
	other = env_new_volume(NULL);
	deployed = env_job("deployVirtualMachine", "zoneid", SIM_ZONE, "serviceofferingid",
			   SIM_SERVICE_OFFERING, "templateid", SIM_TEMPLATE, "startvm", "false");
	vm = mk_json_str(mk_json_get(deployed, "virtualmachine"), "id", "");
	roots = env_ok("listVolumes", "virtualmachineid", vm);
	root = mk_json_str(json_object_array_get_idx(mk_json_get(roots, "volume"), 0), "id", "");
	env_set("job-ms", "600000");
	job = env_start_job("startVirtualMachine", "id", vm);
	CU_ASSERT_STRING_EQUAL(env_volume_str(root, "state"), "Creating");
	sim_restart(sim, false);
	no_result(job);
	CU_ASSERT_STRING_EQUAL(env_vm_state(vm), "Stopped");
	CU_ASSERT_STRING_EQUAL(env_volume_str(root, "state"), "Creating");

	env_set("job-ms", "1");
	env_job_refused(533, "No destination found for a deployment for VM instance *",
			"startVirtualMachine", "id", vm);
	json_object_put(env_job("detachVolume", "id", root));
	CU_ASSERT_STRING_EQUAL(env_volume_str(root, "state"), "Creating");
	json_object_put(env_ok("deleteVolume", "id", root));
	json_object_put(
		env_job("attachVolume", "id", other, "virtualmachineid", vm, "deviceid", "0"));
	json_object_put(env_job("startVirtualMachine", "id", vm));
	env_stop();
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void test_fault_error(void)
{
	const char *id;

	env_start();
	id = env_new_volume(NULL);
	env_fault(SIM_JOB_ERROR, 533, "not today", 0);
	env_job_refused(533, "not today", "attachVolume", "id", id, "virtualmachineid", SIM_OMA);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Ready");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), "");
	CU_ASSERT_STRING_EQUAL(env_guest_log, "");
	CU_ASSERT_EQUAL(env_executed("attachVolume"), 0);

	env_fault(SIM_JOB_ERROR, 0, NULL, 0);
	env_job_refused(530, "Command failed due to Internal Server Error", "destroyVolume", "id",
			id, "expunge", "true");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Ready");

	env_fault(SIM_JOB_ERROR_DONE, 530, "late", 0);
	env_job_refused(530, "late", "attachVolume", "id", id, "virtualmachineid", SIM_OMA);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_OMA);
	CU_ASSERT_EQUAL(env_executed("attachVolume"), 1);
	env_stop();
}

static void test_fault_no_result(void)
{
	const char *id, *job;

	env_start();
	id = env_new_volume(NULL);
	env_fault(SIM_JOB_NO_RESULT, 0, NULL, 0);
	job = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_OMA);
	json_object_put(env_wait(job));
	no_result(job);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_OMA);
	env_stop();
}

static void test_fault_lost(void)
{
	const char *id, *job;

	env_start();
	id = env_new_volume(NULL);
	env_fault(SIM_JOB_LOST_BEFORE, 0, NULL, 0);
	job = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_OMA, "customjobid",
			    JOB2);
	unknown_job(job);

	env_fault(SIM_JOB_LOST, 0, NULL, 0);
	job = env_start_job("attachVolume", "id", id, "virtualmachineid", SIM_OMA, "customjobid",
			    JOB2);
	CU_ASSERT_EQUAL(status(job), 0);
	while (env_job_known(job))
		CU_ASSERT_FATAL(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
	unknown_job(job);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "virtualmachineid"), SIM_OMA);
	CU_ASSERT_EQUAL(env_executed("attachVolume"), 1);
	env_stop();
}

static void test_fault_late(void)
{
	uint64_t before;
	const char *job;

	env_start();
	before = mk_now_monotonic();
	env_fault(SIM_JOB_LATE, 0, NULL, 50);
	job = env_start_job("stopVirtualMachine", "id", SIM_OMA);
	json_object_put(env_wait(job));
	CU_ASSERT(mk_now_monotonic() - before >= 50 * USEC_PER_MSEC);
	CU_ASSERT_STRING_EQUAL(env_vm_state(SIM_OMA), "Stopped");
	env_stop();
}

/* deleteVolume works in the request: the answer says how long it is to be kept back. */
static void test_delete_delay(void)
{
	_cleanup_json_ json_object *params = json_object_new_object();
	struct sim_call call = { .command = "deleteVolume", .params = params };
	struct sim_answer a;

	env_start();
	env_set("delete-ms", "1234");
	mk_json_set_str(params, "id", env_new_volume(NULL));
	sim_call(sim, &call, &a);
	CU_ASSERT_EQUAL(a.status, 200);
	CU_ASSERT_EQUAL(a.delay_ms, 1234);
	CU_ASSERT_STRING_EQUAL(json_object_to_json_string(a.body),
			       "{ \"deletevolumeresponse\": { \"success\": true } }");
	sim_answer_done(&a);
	CU_ASSERT(sim_is_async(sim, "destroyVolume") && !sim_is_async(sim, "deleteVolume"));
	CU_ASSERT(sim_is_read(sim, "listTags") && !sim_is_read(sim, "deleteVolume"));
	env_stop();
}

static const struct tap_test tests[] = {
	{ "L35 rows of pending and finished jobs", test_rows },
	{ "listAsyncJobs shows pending ones", test_list },
	{ "one work job at a time per VM", test_queue },
	{ "an attach that comes too late", test_two_attaches },
	{ "two attaches of a fresh volume", test_two_fresh_attaches },
	{ "two attaches of a made volume", test_two_made_attaches },
	{ "SD-A1 what waits in a queue has not begun", test_beat },
	{ "SD-A1 a volume is deleted while its attach waits", test_queue_delete },
	{ "SD-A1 a VM is stopped or destroyed while work waits", test_queue_vm },
	{ "L20 a stale detach clears a newer attachment", test_stale_detach },
	{ "customjobid", test_custom_id },
	{ "L18 customjobid of a create", test_custom_id_of_create },
	{ "customjobid of a refused command", test_custom_id_of_refused },
	{ "jobs expire", test_expiry },
	{ "a restart in the middle of an attach", test_restart },
	{ "a restart between the work and the job's end", test_restart_before_report },
	{ "a restart in the middle of other jobs", test_restart_of_others },
	{ "W27 a restart in the middle of a start", test_W27_restart_in_start },
	{ "fault: error", test_fault_error },
	{ "fault: no jobresult", test_fault_no_result },
	{ "fault: lost jobs", test_fault_lost },
	{ "fault: late", test_fault_late },
	{ "deleteVolume is synchronous", test_delete_delay },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return tap_main(argc, argv, "sim-jobs", NULL, NULL, tests);
}
