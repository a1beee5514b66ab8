/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The example that callers copy from does what it says. */

#include "child.h"
#include "failover-env.h"
#include "testbus.h"

#include <sys/stat.h>

static struct world w;
static struct f_set set;

/* A program of the operator's, to start, stop and look at the VM: its argument is the VM's id. */
static char *program(const char *name, const char *poke)
{
	_cleanup_free_ char *admin = strdup(w.url);
	char *path = mk_strdup_printf("%s/%s", w.dir, name);
	_cleanup_fclose_ FILE *f = fopen(path, "we");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	*strstr(admin, "/client/api") = '\0';
	fprintf(f, "#!/bin/sh\nexec curl -sS --fail -o /dev/null -d '%s' %s/admin/poke\n", poke,
		admin);
	CU_ASSERT_EQUAL(fchmod(fileno(f), 0755), 0);
	return path;
}

static int run(const char *what, const char *try, char **ret_output)
{
	_cleanup_free_ char *script =
		mk_strdup_printf("%s/examples/test-failover.sh", getenv("top_srcdir"));
	_cleanup_free_ char *start =
		program("start-vm", "{\"vm\":\"" W_VM "\",\"state\":\"Running\"}");
	_cleanup_free_ char *stop =
		program("stop-vm", "{\"vm\":\"" W_VM "\",\"state\":\"Stopped\"}");
	_cleanup_free_ char *poke =
		mk_strdup_printf("{\"volume\":\"%s\",\"generation\":777}", set.ids[1]);
	_cleanup_free_ char *check = program("check-vm", poke);
	char *env[] = {
		mk_strdup_printf("VOLUMES=%s %s %s", set.ids[0], set.ids[1], set.ids[2]),
		strdup("VM=" W_VM),
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

static void check_as_before(void)
{
	CU_ASSERT(f_home(&w, &set));
	CU_ASSERT(f_has_generations(&w, &set, 100, 1));
	CU_ASSERT_EQUAL(f_snapshots(&w, &set), 0);
	CU_ASSERT_STRING_NOT_EQUAL(w_vm_state(&w, W_VM), "Running");
	CU_ASSERT_STRING_NOT_EQUAL(w_vm_state(&w, W_VM), "Stopped");
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
	check_as_before();
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
	check_as_before();
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "test-failover", test_failover },
		{ "failure", test_failure },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "example", NULL, NULL, tests);
}
