/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves how the daemon finds out whether this machine is the configured VM. It compares the machine's DMI UUID, which
 * comes as a systemd credential, or else from the test's mocked /sys. In the world of tests/world.h.
 */

#include "oma-env.h"

#include "testsim.h"

#include <sys/stat.h>

#define DIFFERENT "this machine is VM " W_VM " by its DMI UUID"
#define UNVERIFIED                                                                                 \
	"serving; it is not verified that this is the configured VM: no DMI UUID can be read"

static struct world w;

static void write_uuid(const char *directory, const char *name, const char *uuid)
{
	_cleanup_free_ char *path = mk_strdup_printf("%s/%s", directory, name);
	_cleanup_fclose_ FILE *f = fopen(path, "we");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(uuid, f);
}

static void write_sys(const char *uuid)
{
	static const char *const levels[] = { "/sys/class/dmi", "/sys/class/dmi/id" };
	_cleanup_free_ char *directory = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		free(directory);
		directory = mk_strdup_printf("%s%s", th_umockdev(w.sim), levels[i]);
		CU_ASSERT_EQUAL_FATAL(mkdir(directory, 0755), 0);
	}
	write_uuid(directory, "product_uuid", uuid);
}

/* credential, sys: what is in them; NULL: there is none. hypervisor: as CloudStack says. */
static void begin(const char *credential, const char *sys, const char *hypervisor,
		  const char *check_dmi)
{
	const char *const sim_args[] = {
		"--hypervisor=umockdev", "--set", "job-ms=5", "--set", hypervisor, NULL
	};
	_cleanup_free_ char *config =
		mk_strdup_printf("[plugins]\nload = test-vm, oma, failover\n[appliance]\n"
				 "check-dmi = %s\n",
				 check_dmi);
	_cleanup_free_ char *directory = NULL;
	const char *env[] = { NULL, NULL };

	w_prepare(&w, sim_args, config);
	directory = mk_strdup_printf("CREDENTIALS_DIRECTORY=%s/credentials", w.dir);
	CU_ASSERT_EQUAL_FATAL(mkdir(strchr(directory, '/'), 0700), 0);
	if (credential) {
		write_uuid(strchr(directory, '/'), "dmi-uuid", credential);
		env[0] = directory;
	}
	if (sys)
		write_sys(sys);
	w_daemon_start(&w, env);
}

static bool healthy(void)
{
	_cleanup_json_ json_object *value = w_property(&w, W_PATH, W_NAME, "Healthy");

	return json_object_get_boolean(value);
}

/* The comparison of store and cloud comes after a check that found nothing wrong: Status is final then. */
static void expect_good(const char *status)
{
	_cleanup_json_ json_object *value = NULL;

	o_await_finished(&w, 1);
	value = w_property(&w, W_PATH, W_NAME, "Status");
	CU_ASSERT_STRING_EQUAL(json_object_get_string(value), status);
	CU_ASSERT(healthy());
	w_stop(&w);
}

static void expect_different(void)
{
	CU_ASSERT(w_await_status(&w, DIFFERENT));
	CU_ASSERT_FALSE(healthy());
	w_stop(&w);
}

static void test_same(void)
{
	begin("11111111-1111-4111-8111-111111111111\n", NULL, "hypervisor=KVM", "yes");
	expect_good("serving");
	begin(NULL, "11111111-1111-4111-8111-111111111111\n", "hypervisor=KVM", "yes");
	expect_good("serving");
}

static void test_upper_case(void)
{
	begin("AAAAAAAA-1111-4111-8111-111111111111\n", NULL, "hypervisor=KVM", "yes");
	CU_ASSERT(w_await_status(&w, "this machine is VM aaaaaaaa-1111-4111-8111-111111111111"));
	w_stop(&w);
}

static void test_different(void)
{
	begin(W_VM "\n", NULL, "hypervisor=KVM", "yes");
	expect_different();
	begin(NULL, W_VM "\n", "hypervisor=KVM", "yes");
	expect_different();
}

/* What systemd hands down wins, unless it had nothing to hand down. */
static void test_both(void)
{
	begin(W_VM "\n", W_OMA "\n", "hypervisor=KVM", "yes");
	expect_different();
	begin("unknown", W_VM "\n", "hypervisor=KVM", "yes");
	expect_different();
}

/* Nothing to compare with: said, and no illness. */
static void test_missing(void)
{
	begin(NULL, NULL, "hypervisor=KVM", "yes");
	expect_good(UNVERIFIED);
	begin("unknown", NULL, "hypervisor=KVM", "yes");
	expect_good(UNVERIFIED);
	begin("", NULL, "hypervisor=KVM", "yes");
	expect_good(UNVERIFIED);
}

static void test_not_asked_for(void)
{
	begin(W_VM "\n", NULL, "hypervisor=KVM", "no");
	expect_good("serving");
	begin(NULL, NULL, "hypervisor=KVM", "no");
	expect_good("serving");
	begin(W_VM "\n", NULL, "hypervisor=VMware", "yes");
	expect_good("serving");
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "same", test_same },
		{ "upper-case", test_upper_case },
		{ "different", test_different },
		{ "both", test_both },
		{ "missing", test_missing },
		{ "not-asked-for", test_not_asked_for },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "appliance", NULL, NULL, tests);
}
