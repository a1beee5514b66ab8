/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that examples/test-failover.sh does what it says, also after a failure. In the world of failover-env.h. */

#include "child.h"
#include "integration/failover/failover-env.h"
#include "testbus.h"

#include <sys/stat.h>

#define DEPLOYED      "66666666-6666-4666-8666-666666666666"
#define DEPLOYED_ROOT "66666666-6666-4666-8666-666666666667"

static struct world w;
static struct f_set set;

/* A program of the operator's, to deploy, start, stop and look at the VM: its argument is the VM's id. prints: NULL
 * for nothing. */
static char *program(const char *name, const char *admin_request, const char *json,
		     const char *prints)
{
	_cleanup_free_ char *admin = strdup(w.url);
	char *path = mk_strdup_printf("%s/%s", w.dir, name);
	_cleanup_fclose_ FILE *f = fopen(path, "we");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	*strstr(admin, "/client/api") = '\0';
	fprintf(f, "#!/bin/sh\nset -e\ncurl -sS --fail -o /dev/null -d '%s' %s/admin/%s\n", json,
		admin, admin_request);
	if (prints)
		fprintf(f, "echo %s\n", prints);
	CU_ASSERT_EQUAL(fchmod(fileno(f), 0755), 0);
	return path;
}

/* vm: of the operator's, or NULL: deployed by a program of his. */
static int run_with(const char *vm, const char *what, const char *try, char **ret_output)
{
	_cleanup_free_ char *script =
		mk_strdup_printf("%s/examples/test-failover.sh", getenv("top_srcdir"));
	_cleanup_free_ char *start =
		program("start-vm", "poke", "{\"vm\":\"'\"$1\"'\",\"state\":\"Running\"}", NULL);
	_cleanup_free_ char *stop =
		program("stop-vm", "poke", "{\"vm\":\"'\"$1\"'\",\"state\":\"Stopped\"}", NULL);
	_cleanup_free_ char *deploy =
		program("deploy-vm", "seed",
			"{\"vms\":[{\"id\":\"" DEPLOYED
			"\",\"name\":\"drill\",\"state\":\"Stopped\"}],"
			"\"volumes\":[{\"id\":\"" DEPLOYED_ROOT
			"\",\"name\":\"ROOT-drill\",\"type\":\"ROOT\","
			"\"virtualmachineid\":\"" DEPLOYED "\",\"deviceid\":0}]}",
			DEPLOYED);
	_cleanup_free_ char *poke =
		mk_strdup_printf("{\"volume\":\"%s\",\"generation\":777}", set.ids[1]);
	_cleanup_free_ char *check = program("check-vm", "poke", poke, NULL);
	char *env[] = {
		mk_strdup_printf("VOLUMES=%s %s %s", set.ids[0], set.ids[1], set.ids[2]),
		mk_strdup_printf("VM=%s", str_or_empty(vm)),
		mk_strdup_printf("DEPLOY_VM=%s", deploy),
		mk_strdup_printf("START_VM=%s", start),
		mk_strdup_printf("STOP_VM=%s", stop),
		mk_strdup_printf("CHECK=%s", check),
		strdup("RUN=example"),
		mk_strdup_printf("TRY=%s", try),
		mk_strdup_printf("BUSCTL=busctl --address=%s", tb_address(w.bus)),
		NULL,
	};
	const char *const argv[] = { script, what, NULL };
	int status;

	status = child_run(argv, (const char *const *)env, ret_output);
	for (char **e = env; *e; e++)
		free(*e);
	return status;
}

static int run(const char *what, const char *try, char **ret_output)
{
	return run_with(W_VM, what, try, ret_output);
}

static void check_as_before(const char *vm)
{
	CU_ASSERT(f_home(&w, &set));
	CU_ASSERT(f_has_generations(&w, &set, 100, 1));
	CU_ASSERT_EQUAL(f_snapshots(&w, &set), 0);
	CU_ASSERT_STRING_NOT_EQUAL(w_vm_state(&w, vm), "Running");
	CU_ASSERT_STRING_NOT_EQUAL(w_vm_state(&w, vm), "Stopped");
}

static void test_failover(void)
{
	_cleanup_free_ char *output = NULL, *again = NULL;
	int status;

	w = (struct world){ 0 };
	f_start(&w, NULL, 3, &set);
	status = run(NULL, "", &output);
	if (status != 0)
		tap_note("%s", output);
	CU_ASSERT_EQUAL(status, 0);
	check_as_before(W_VM);
	CU_ASSERT_EQUAL(w_executed(&w, "revertSnapshot"), 3);

	/* the same run again: what has been done is not done twice */
	w_sim_post(&w, "clear-log", "{}");
	CU_ASSERT_EQUAL(run("up", "", &again), 0);
	CU_ASSERT_EQUAL(f_changes(&w), 0);
	w_stop(&w);
}

static void test_failure(void)
{
	_cleanup_free_ char *output = NULL, *failed = NULL, *down = NULL;

	w = (struct world){ 0 };
	f_start(&w, NULL, 3, &set);
	o_fault(&w, "attachVolume",
		"\"nth\":3,\"action\":\"job-error\",\"errorcode\":431,\"errortext\":\"not today\"");
	CU_ASSERT_NOT_EQUAL(run("up", "", &output), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "not today"));
	CU_ASSERT(f_home(&w, &set));

	o_fault(&w, "revertSnapshot",
		"\"nth\":2,\"action\":\"job-error\",\"errorcode\":431,\"errortext\":\"not now\"");
	CU_ASSERT_NOT_EQUAL(run("down", "", &failed), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(failed, "not now"));
	CU_ASSERT_EQUAL(run("down", "2", &down), 0);
	check_as_before(W_VM);
	w_stop(&w);
}

static void test_deploy(void)
{
	_cleanup_free_ char *output = NULL;
	int status;

	w = (struct world){ 0 };
	f_start(&w, NULL, 3, &set);
	status = run_with(NULL, NULL, "", &output);
	if (status != 0)
		tap_note("%s", output);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "deploy: VM=" DEPLOYED));
	check_as_before(DEPLOYED);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVirtualMachine"), 1);
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "test-failover", test_failover },
		{ "failure", test_failure },
		{ "deploy", test_deploy },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "example", NULL, NULL, tests);
}
