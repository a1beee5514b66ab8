/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves what volumes go through in the simulator's model: storages that fail, sizes, tags. What is refused for other
 * reasons is in test-model.c.
 */

#include "model/model.h"
#include "sim-env.h"
#include "tap.h"

/* ---- storages -------------------------------------------------------------------------------- */

static void refuse_attach(const char *text, const char *id)
{
	env_job_refused(530, text, "attachVolume", "id", id, "virtualmachineid", SIM_OMA);
}

/* A volume whose creation failed is of no use any more: its row keeps the storage. */
static void test_attach_create_fails(void)
{
	const char *id, *other;

	env_start();
	id = env_new_volume(NULL);
	env_set("fail", "create");
	env_set("fail-text", "no inodes");
	refuse_attach("Failed to create volume [{\"name\":\"v\",\"uuid\":*}] due to [no inodes].",
		      id);
	env_set("fail", "");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Allocated");
	refuse_attach("Unable to find suitable primary storage when creating volume [{*}].", id);
	json_object_put(env_ok("deleteVolume", "id", id));

	other = env_new_volume(NULL);
	env_set("fail", "attach");
	refuse_attach("Failed to attach volume v to VM oma; no inodes", other);
	CU_ASSERT_STRING_EQUAL(env_volume_str(other, "state"), "Ready");
	env_set("fail", "detach");
	env_attach(other, SIM_OMA);
	env_job_refused(530, "Failed to detach volume v from VM oma; no inodes", "detachVolume",
			"id", other);
	CU_ASSERT_STRING_EQUAL(env_volume_str(other, "virtualmachineid"), SIM_OMA);
	env_stop();
}

/* A new volume is made where the VM ran last, or beside a disk that it has. */
static void test_attach_makes(void)
{
	static const char never[] = "aaaaaaaa-0000-4000-8000-00000000000a";
	const char *a, *b, *c, *d;

	env_start();
	env_poke_vm(SIM_TEST_VM, "\"state\":\"Stopped\"");
	env_poke_volume(SIM_TEST_ROOT, "\"virtualmachineid\":\"\"");
	a = env_new_volume(SIM_TEST_VM);
	CU_ASSERT_STRING_EQUAL(env_volume_str(a, "state"), "Ready");

	env_seed("{\"vms\":[{\"id\":\"aaaaaaaa-0000-4000-8000-00000000000a\"}]}");
	b = env_new_volume(never);
	CU_ASSERT_STRING_EQUAL(env_volume_str(b, "state"), "Allocated");
	c = env_new_volume(NULL);
	env_poke_volume(c, "\"state\":\"Ready\"");
	env_attach(c, never);
	d = env_new_volume(never);
	CU_ASSERT_STRING_EQUAL(env_volume_str(d, "state"), "Ready");
	CU_ASSERT_STRING_EQUAL(env_volume_str(b, "state"), "Allocated");
	env_stop();
}

/* After a storage failure the volume is in Destroy: another call tries again, or it can be recovered. */
static void test_delete_storage_error(void)
{
	static const char text[] =
		"Failed to expunge the volume Volume {*} in Primary data store : Simulated failure";
	const char *id, *other;

	env_start();
	id = env_new_volume(NULL);
	env_poke_volume(id, "\"state\":\"Ready\"");
	other = env_new_volume(NULL);
	env_set("fail", "delete");
	env_refused(530, 4250, text, "deleteVolume", "id", id);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Destroy");
	json_object_put(env_ok("recoverVolume", "id", id));
	env_job_refused(530, text, "destroyVolume", "id", id, "expunge", "true");
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Destroy");
	/* there is nothing of an Allocated one on a storage */
	json_object_put(env_ok("deleteVolume", "id", other));

	env_set("fail", "");
	json_object_put(env_ok("deleteVolume", "id", id));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Expunged");
	CU_ASSERT_EQUAL(env_executed("deleteVolume"), 2);
	env_stop();
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static void refuse_resize(int code, const char *text, const char *id, const char *size)
{
	env_job_refused(code, text, "resizeVolume", "id", id, "size", size);
}

static void test_resize_refused(void)
{
	const char *id;

	env_start();
	id = env_new_volume(SIM_OMA);
	env_poke_volume(id, "\"state\":\"Migrating\"");
	refuse_resize(432,
		      "Volume should be in ready or allocated state before attempting a resize.*",
		      id, "2");
	env_poke_volume(id, "\"state\":\"Ready\"");
	env_seed("{\"diskofferings\":[{\"id\":\"" SIM_FIXED_OFFERING
		 "\",\"disksizestrictness\":true}]}");
	env_poke_volume(id, "\"diskofferingid\":\"" SIM_FIXED_OFFERING "\"");
	refuse_resize(432, "Resize of volume *", id, "2");
	env_seed("{\"diskofferings\":[{\"id\":\"" SIM_FIXED_OFFERING
		 "\",\"disksizestrictness\":false}]}");
	refuse_resize(432, "Please specify a size of at least 1 GB.", id, "-5");
	refuse_resize(432, "Requested volume size is 2001 GB, but the maximum size allowed is*", id,
		      "2001");
	env_poke_volume(id,
			"\"diskofferingid\":\"" SIM_CUSTOM_OFFERING "\",\"hypervisor\":\"LXC\"");
	refuse_resize(432, "Hypervisor LXC does not support volume resize", id, "2");
	env_poke_volume(id, "\"hypervisor\":\"KVM\"");
	env_poke_vm(SIM_OMA, "\"vmsnapshots\":1");
	refuse_resize(432,
		      "The volume is attached to a VM with memory&disk VM snapshots; therefore, it "
		      "cannot be resized.",
		      id, "2");
	env_poke_vm(SIM_OMA, "\"vmsnapshots\":0");
	refuse_resize(432, "Volume size: 0 GB is out of allowed range. Min: 1. Max: 1024", id, "0");
	env_job_refused(432, "The new disk offering requires that a size be specified.",
			"resizeVolume", "id", id, "diskofferingid", SIM_CUSTOM_OFFERING);
	env_job_refused(
		432,
		"The current disk offering does not support customization of the 'Min IOPS' "
		"parameter.",
		"resizeVolume", "id", id, "miniops", "1");
	env_set("storage-full", "true");
	refuse_resize(530, "Failed to resize volume * since the storage pool does not have enough*",
		      id, "2");
	env_set("storage-full", "false");
	env_set("fail", "resize");
	refuse_resize(530,
		      "Failed to resize volume operation of volume UUID: [*] due to - Simulated "
		      "failure",
		      id, "2");
	env_set("fail", "");
	json_object_put(env_job("resizeVolume", "id", id, "size", "2"));
	refuse_resize(432, "Unable to shrink volumes of type QCOW2", id, "1");
	CU_ASSERT_EQUAL(env_volume_int(id, "size"), INT64_C(2) << 30);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Ready");
	CU_ASSERT_EQUAL(env_executed("resizeVolume"), 1);
	env_stop();
}

/* A made volume gets another offering's size, and keeps its own offering, but for one of the same size. */
static void test_resize_offering(void)
{
	const char *id;

	env_start();
	id = env_new_volume(SIM_OMA);
	json_object_put(env_job("resizeVolume", "id", id));
	CU_ASSERT_EQUAL(env_volume_int(id, "size"), INT64_C(1) << 30);
	json_object_put(env_job("resizeVolume", "id", id, "diskofferingid", SIM_FIXED_OFFERING));
	CU_ASSERT_EQUAL(env_volume_int(id, "size"), INT64_C(5) << 30);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "diskofferingid"), SIM_CUSTOM_OFFERING);
	json_object_put(env_job("resizeVolume", "id", id, "diskofferingid", SIM_FIXED_OFFERING));
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "diskofferingid"), SIM_FIXED_OFFERING);
	json_object_put(env_job("resizeVolume", "id", id, "size", "6"));
	CU_ASSERT_EQUAL(env_volume_int(id, "size"), INT64_C(6) << 30);

	env_job_refused(432, "Cannot resize ROOT volume [*] when VM is not on Stopped State. VM *",
			"resizeVolume", "id", SIM_OMA_ROOT, "diskofferingid", SIM_FIXED_OFFERING);
	env_set("pool-gib", "30");
	refuse_resize(530, "Failed to resize volume * since the storage pool*", id, "31");
	env_stop();
}

static void test_resize_allocated(void)
{
	const char *id;

	env_start();
	id = env_new_volume(NULL);
	json_object_put(env_job("resizeVolume", "id", id, "size", "3"));
	refuse_resize(432, "Going from existing size of 3221225472 to size of 1073741824 would*",
		      id, "1");
	json_object_put(env_job("resizeVolume", "id", id, "size", "1", "shrinkok", "true"));
	json_object_put(env_job("resizeVolume", "id", id, "diskofferingid", SIM_FIXED_OFFERING));
	CU_ASSERT_EQUAL(env_volume_int(id, "size"), INT64_C(5) << 30);
	CU_ASSERT_STRING_EQUAL(env_volume_str(id, "state"), "Allocated");
	env_stop();
}

/* ---- tags ------------------------------------------------------------------------------------ */

static void tag(const char *id, const char *key, const char *value)
{
	json_object_put(env_job("createTags", "resourceids", id, "resourcetype", "Volume",
				"tags[0].key", key, "tags[0].value", value));
}

static void refuse_tag(const char *text, const char *id, const char *key, const char *value)
{
	env_job_refused(530, text, "createTags", "resourceids", id, "resourcetype", "Volume",
			"tags[0].key", key, "tags[0].value", value);
}

static int64_t count_tags(const char *id)
{
	_cleanup_json_ json_object *o = env_ok("listTags", "resourceid", id);

	return mk_json_int(o, "count", 0);
}

/* The column's collation says which keys are one. */
static void test_tag_keys(void)
{
	_cleanup_free_ char *twice = NULL;
	const char *id;

	env_start();
	id = env_new_volume(NULL);
	tag(id, "k", "v");
	refuse_tag("tag K already on Volume with id *", id, "K", "other");
	refuse_tag("tag k  already on Volume with id *", id, "k ", "other");
	tag(id, "\u00e9", "v");
	refuse_tag("tag e already on Volume with id *", id, "e", "other");
	CU_ASSERT_EQUAL(count_tags(id), 2);

	refuse_tag(
		"Unable to persist on DB, due to: Data truncation: Incorrect string value: "
		"'\\xF0\\x9F\\x98\\x80 b...' for column `cloud`.`resource_tags`.`value` at row 1",
		id, "smile", "a \U0001F600 by");
	env_job_refused(530, "Duplicate key d (attempted merging values 1 and 2)", "createTags",
			"resourceids", id, "resourcetype", "Volume", "tags[0].key", "d",
			"tags[0].value", "1", "tags[1].key", "d", "tags[1].value", "2");
	env_job_refused(530, "Command failed due to Internal Server Error", "createTags",
			"resourceids", id, "resourcetype", "Volume", "tags[0].key", "d");
	twice = mk_strdup_printf("%s,%s", id, id);
	refuse_tag("tag twice already on Volume with id *", twice, "twice", "v");
	CU_ASSERT_EQUAL(count_tags(id), 2);
	env_stop();
}

/* Java compares here: without case, but accents and blanks count. Nothing deleted is a failure. */
static void test_untag(void)
{
	static const char nothing[] = "Failed to delete tags";
	const char *id;

	env_start();
	id = env_new_volume(NULL);
	tag(id, "a", "X");
	tag(id, "\u00e9", "v");
	env_job_refused(530, nothing, "deleteTags", "resourceids", id, "resourcetype", "Volume",
			"tags[0].key", "a", "tags[0].value", "wrong");
	env_job_refused(530, nothing, "deleteTags", "resourceids", id, "resourcetype", "Volume",
			"tags[0].key", "a ", "tags[0].value", "X");
	env_job_refused(530, nothing, "deleteTags", "resourceids", id, "resourcetype", "Volume",
			"tags[0].key", "e");
	env_job_refused(530, nothing, "deleteTags", "resourceids", id, "resourcetype", "Volume",
			"tags[0].key", "a", "tags[0].value", "");
	env_job_refused(530, nothing, "deleteTags", "resourceids", "nonsense", "resourcetype",
			"Volume");
	env_job_refused(530, nothing, "deleteTags", "resourceids", id, "resourcetype", "UserVm");
	CU_ASSERT_EQUAL(count_tags(id), 2);
	json_object_put(env_job("deleteTags", "resourceids", id, "resourcetype", "Volume",
				"tags[0].key", "A", "tags[0].value", "x", "tags[1].key", "nosuch"));
	CU_ASSERT_EQUAL(count_tags(id), 1);
	json_object_put(env_job("deleteTags", "resourceids", id, "resourcetype", "volume"));
	env_job_refused(530, nothing, "deleteTags", "resourceids", id, "resourcetype", "Volume");
	env_stop();
}

/* A tag without a key can be made, and then no tag can be named. */
static void test_tag_without_key(void)
{
	const char *id;

	env_start();
	id = env_new_volume(NULL);
	json_object_put(env_job("createTags", "resourceids", id, "resourcetype", "Volume",
				"tags[0].value", "nokey", "customer", "me"));
	env_job_refused(
		530,
		"Cannot invoke \"String.equalsIgnoreCase(String)\" because the return value "
		"of \"com.cloud.server.ResourceTag.getKey()\" is null",
		"deleteTags", "resourceids", id, "resourcetype", "Volume", "tags[0].key", "x");
	CU_ASSERT_EQUAL(count_tags(id), 1);
	json_object_put(env_job("deleteTags", "resourceids", id, "resourcetype", "Volume"));
	CU_ASSERT_EQUAL(count_tags(id), 0);
	env_stop();
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void test_mysql(void)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
		{ "umlaut", "\u00dcML\u00c4UT ", true },
		{ "\u00df", "s", true },
		{ "\u00f8", "o", false },
		{ "\u00f8", "\u00d8", true },
		{ "\u0451", "\u0435", true },
		{ "\u0439", "\u0438", false },
		{ "\U0001F601", "\U0001F600", true },
		{ " a", "a", false },
		{ "", "  ", true },
		{ "\xff", "\xfe", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT_EQUAL(sim_mysql_equal(rows[i].a, rows[i].b), rows[i].equal);
	CU_ASSERT(sim_mysql_contains("100%", "1_0"));
	CU_ASSERT(!sim_mysql_contains("back\\slash", "back\\slash"));
}

static void test_java(void)
{
	_cleanup_free_ char *cut = sim_java_cut("ab\U0001F600", 3);
	_cleanup_free_ char *whole = sim_java_cut("ab\U0001F600", 4);

	CU_ASSERT(sim_java_equal("\u00e9A", "\u00c9a"));
	CU_ASSERT(!sim_java_equal("a", "a "));
	CU_ASSERT_EQUAL(sim_java_hash("a2"), 3057);
	CU_ASSERT_EQUAL(sim_java_hash("\U0001F600"), 1772899);
	CU_ASSERT_STRING_EQUAL(cut, "ab?");
	CU_ASSERT_STRING_EQUAL(whole, "ab\U0001F600");
	/* b2 before a2, and where 13 keys are, the table has 32 places */
	CU_ASSERT_EQUAL(sim_java_place("b2", 2), 0);
	CU_ASSERT_EQUAL(sim_java_place("a2", 2), 1);
	CU_ASSERT_EQUAL(sim_java_place("b2", 13), 16);
	CU_ASSERT_EQUAL(sim_java_place(NULL, 1), 0);
}

static const struct tap_test tests[] = {
	{ "what the storage or the host fails to do", test_attach_create_fails },
	{ "where a new volume is made by an attach", test_attach_makes },
	{ "a storage failure leaves a volume to be deleted again", test_delete_storage_error },
	{ "resizeVolume refuses with 432", test_resize_refused },
	{ "resizeVolume and offerings", test_resize_offering },
	{ "resizeVolume of an Allocated volume", test_resize_allocated },
	{ "keys of tags are unique as MySQL compares", test_tag_keys },
	{ "deleteTags fails where nothing matches", test_untag },
	{ "a tag without a key", test_tag_without_key },
	{ "texts as MySQL compares them", test_mysql },
	{ "texts as Java has them", test_java },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return tap_main(argc, argv, "sim-volumes", NULL, NULL, tests);
}
