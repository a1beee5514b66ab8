/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The failure matrix of class failover and of DestroyVM. The volumes of a set are worked on at the same time, so
 * the places of faults cannot be listed. Each scenario first runs without a fault. Then it runs once for each
 * request that it sent, and that request meets a fault. By default only a part of these places is tried
 * (MK_MATRIX_FULL). A step table with a row that this file does not know fails the test.
 */

#include "failover-scenario.h"
#include "testsim.h"

#include <dlfcn.h>
#include <migratekit/volume-plugin.h>

/* ---- the kinds of fault ------------------------------------------------------------------------------------------------ */

static const struct {
	const char *plugin, *method, *steps;
} tables[] = {
	{ "failover", "Assign",
	  "volumes vm vm-snapshots vm-backups oma-snapshots oma-backups move prove" },
	{ "failover", "Return",
	  "volumes vm vm-snapshots vm-backups oma oma-snapshots oma-backups move prove" },
	{ "failover", "Snapshot", "volumes unused snapshot" },
	{ "failover", "Revert",
	  "volumes vm vm-snapshots oma-snapshots oma-backups snapshots revert drop" },
	{ "failover", "DropSnapshots", "volumes drop" },
	{ "failover", "AttachVolume", "check attach prove" },
	{ "failover", "DetachVolume", "check vm detach prove" },
	{ "failover", "DeleteVolume", "check delete prove" }, /* as in class oma */
	{ "failover", "AdoptVolume", "check own prove" },
	{ "failover", "ForgetVolume", "check drop untag forget" },
	{ "failover", "Move", "check detach gone attach prove" },
	{ "failover", "SnapshotOne", "snapshot" },
	{ "failover", "RevertOne", "check detach gone revert attach prove" },
	{ "failover", "DropOne", "drop" },
	{ "test-vm", "DestroyVM", "check stop destroy prove" },
};

static const char *known_steps(const char *plugin, const char *method)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (streq(tables[i].plugin, plugin) && streq(tables[i].method, method))
			return tables[i].steps;
	return "";
}

static void check_table(const char *plugin, const struct mk_method *methods)
{
	for (const struct mk_method *m = methods; m && m->name; m++) {
		char steps[256] = "";

		for (const struct mk_step *s = m->steps; s->name; s++) {
			strncat(steps, *steps ? " " : "", sizeof(steps) - strlen(steps) - 1);
			strncat(steps, s->name, sizeof(steps) - strlen(steps) - 1);
		}
		CU_ASSERT_STRING_EQUAL(steps, known_steps(plugin, m->name));
	}
}

static const struct mk_plugin *load(const char *name)
{
	_cleanup_free_ char *so =
		mk_strdup_printf("%s/plugins/.libs/%s.so", getenv("top_builddir"), name);
	void *handle = dlopen(so, RTLD_NOW | RTLD_LOCAL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(handle);
	return *(const struct mk_plugin *const *)dlsym(handle, MK_PLUGIN_SYMBOL);
}

static void test_known_steps(void)
{
	const struct mk_plugin *plugin = load("failover");
	const struct mk_method *m;

	check_table("failover", plugin->methods);
	check_table("failover", plugin->volume_methods);
	check_table("failover", plugin->inner_methods);
	for (m = load("test-vm")->methods; !streq(m->name, "DestroyVM"); m++)
		;
	check_table("test-vm", (const struct mk_method[]){ *m, { 0 } });
}

static void test_no_fault(void)
{
	fs_start(NULL);
	FOREACH(s)
	{
		struct fs_places places;

		fs_find_places(s, &places);
		tap_note("%s: %zu places", s->name, places.n);
	}
	w_stop(&fs_w);
}

/* CloudStack says no, for good: all or none. */
static void test_refused(void)
{
	static const char *const any[] = { "\"action\":\"error\"," FS_NOT_TODAY, NULL };
	static const char *const job[] = { "\"action\":\"job-error\"," FS_NOT_TODAY, NULL };

	fs_each_place(any, READS | CHANGES | MAY_FAIL, NULL);
	fs_each_place(job, CHANGES | MAY_FAIL, NULL);
}

static void test_passing_error(void)
{
	static const char *const any[] = {
		"\"action\":\"error\",\"errorcode\":530,\"errortext\":\"hiccup\"", NULL
	};
	static const char *const job[] = {
		"\"action\":\"job-error\",\"errorcode\":530,\"errortext\":\"hiccup\"", NULL
	};

	fs_each_place(any, READS | CHANGES, NULL);
	fs_each_place(job, CHANGES, NULL);
}

/* L15, L16: none of it is a failure. */
static void test_lost_reply(void)
{
	static const char *const reads[] = { "\"action\":\"drop-after\"", "\"action\":\"garbage\"",
					     "\"action\":\"html\",\"status\":502", NULL };
	static const char *const changes[] = { "\"action\":\"drop-before\"",
					       "\"action\":\"drop-after\"",
					       "\"action\":\"hang\"",
					       "\"action\":\"empty\"",
					       "\"action\":\"truncate\"",
					       "\"action\":\"rate-limit\",\"ms\":30",
					       NULL };

	fs_each_place(reads, READS, NULL);
	fs_each_place(changes, CHANGES, NULL);
}

/* Our API keys are changed in the middle, and for a while CloudStack takes no others: whatever Assign had moved
 * comes home. */
static void test_keys(void)
{
	static const char *const faults[] = { "\"count\":6,\"action\":\"unauthorized\"", NULL };

	fs_each_place(faults, READS | CHANGES | MAY_FAIL | ASSIGN_ONLY, NULL);
}

static void test_job_late(void)
{
	static const char *const faults[] = { "\"action\":\"job-late\",\"ms\":2500", NULL };

	/* no row needs two seconds for anything else, however loaded the machine is */
	fs_each_place(faults, CHANGES, "[operations]\nstep-limit=2s\n");
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "known-steps", test_known_steps },
		{ "no-fault", test_no_fault },
		{ "L08-L19-refused", test_refused },
		{ "passing-error", test_passing_error },
		{ "L15-L16-lost-reply", test_lost_reply },
		{ "L19-keys", test_keys },
		{ "job-late", test_job_late },
		{ NULL, NULL },
	};

	th_queue_ms = TH_SCALED_BEAT;
	return tap_main(argc, argv, "failover-matrix", NULL, NULL, tests);
}
