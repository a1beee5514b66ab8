/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves the list commands and the resource tags of the simulator's model. */

#include "sim-env.h"
#include "tap.h"

static int64_t count(json_object *o)
{
	int64_t n = mk_json_int(o, "count", 0);

	json_object_put(o);
	return n;
}

/* ---- tags ------------------------------------------------------------------------------------ */

static void test_tags(void)
{
	_cleanup_free_ char *both = NULL, *existing = NULL;
	const char *a, *b;

	env_start();
	a = env_new_volume(NULL);
	b = env_new_volume(NULL);
	both = mk_strdup_printf("%s,%s", a, b);
	json_object_put(env_job("createTags", "resourceids", a, "resourcetype", "Volume",
				"tags[0].key", "owner", "tags[0].value", "me"));
	env_job_refused(431, "Value for the key k is either null or empty", "createTags",
			"resourceids", a, "resourcetype", "Volume", "tags[0].key", "k",
			"tags[0].value", "");
	existing = mk_strdup_printf("tag owner already on Volume with id %s", a);
	env_job_refused(530, existing, "createTags", "resourceids", both, "resourcetype", "Volume",
			"tags[0].key", "other", "tags[0].value", "x", "tags[1].key", "owner",
			"tags[1].value", "you");
	CU_ASSERT_EQUAL(count(env_ok("listTags", "resourcetype", "Volume")), 1);
	env_job_refused(431, "Unable to find resource by uuid " SIM_OMA " and type Volume",
			"createTags", "resourceids", SIM_OMA, "resourcetype", "Volume",
			"tags[0].key", "k", "tags[0].value", "v");

	json_object_put(env_job("createTags", "resourceids", SIM_OMA, "resourcetype", "UserVm",
				"tags[0].key", "owner", "tags[0].value", "me"));
	CU_ASSERT_EQUAL(count(env_ok("listTags", "key", "owner")), 2);
	CU_ASSERT_EQUAL(count(env_ok("listTags", "key", "owner", "resourceid", b)), 0);
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "tags[0].key", "owner", "tags[0].value",
				     "you")),
			0);
	/* several are OR-ed */
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "tags[0].key", "owner", "tags[0].value", "you",
				     "tags[1].key", "owner", "tags[1].value", "me")),
			1);
	/* a row counts once for each of its tags; VMs do not */
	json_object_put(env_job("createTags", "resourceids", a, "resourcetype", "Volume",
				"tags[0].key", "class", "tags[0].value", "oma"));
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "tags[0].key", "OWNER", "tags[0].value", "me ",
				     "tags[1].key", "class", "tags[1].value", "oma")),
			2);
	env_refused(431, 4350, "No value is passed in for key owner", "listVolumes", "tags[0].key",
		    "owner");
	env_refused(430, 9999,
		    "Unable to decode parameter tags[0]; if specifying an object array, please use "
		    "parameter[index].field=XXX, e.g. userGroupList[0].group=httpGroup",
		    "listVolumes", "tags[0]", "owner");
	env_refused(431, 9999,
		    "Unable to execute API command listvolumes due to invalid value x for "
		    "parameter tags",
		    "listVolumes", "tags", "x");
	json_object_put(env_job("deleteTags", "resourceids", both, "resourcetype", "Volume"));
	CU_ASSERT_EQUAL(count(env_ok("listTags")), 1);
	env_stop();
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void add_volumes(int n)
{
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *json =
			mk_strdup_printf("{\"volumes\":[{\"id\":\"bbbbbbbb-0000-4000-8000-%012d\","
					 "\"name\":\"n%d\"}]}",
					 i, i % 2);

		env_seed(json);
	}
}

static size_t rows(json_object *o)
{
	json_object *list = mk_json_get(o, "volume");
	size_t n = list ? json_object_array_length(list) : 0;

	json_object_put(o);
	return n;
}

static void test_paging(void)
{
	_cleanup_json_ json_object *past = NULL, *none = NULL, *only = NULL;

	env_start();
	add_volumes(507);
	CU_ASSERT_EQUAL(count(env_ok("listVolumes")), 510);
	CU_ASSERT_EQUAL(rows(env_ok("listVolumes")), 500); /* cut without a word */
	CU_ASSERT_EQUAL(rows(env_ok("listVolumes", "page", "2", "pagesize", "500")), 10);
	CU_ASSERT_EQUAL(rows(env_ok("listVolumes", "pagesize", "-1")), 510);
	past = env_ok("listVolumes", "page", "3", "pagesize", "500");
	CU_ASSERT_STRING_EQUAL(json_object_to_json_string(past), "{ \"count\": 510 }");
	none = env_ok("listVolumes", "name", "nobody");
	CU_ASSERT_STRING_EQUAL(json_object_to_json_string(none), "{ }");
	only = env_ok("listVolumes", "name", "n1", "retrieveonlyresourcecount", "true");
	CU_ASSERT_STRING_EQUAL(json_object_to_json_string(only), "{ \"count\": 253 }");

	env_refused(431, 9999, "\"page\" parameter is required when \"pagesize\" is specified",
		    "listVolumes", "pagesize", "5");
	env_refused(431, 9999, "\"pagesize\" parameter is required when \"page\" is specified",
		    "listVolumes", "page", "1");
	env_refused(431, 4350, "Page size can't exceed max allowed page size value: 500",
		    "listVolumes", "page", "1", "pagesize", "501");
	env_refused(431, 4350, "Can't specify page parameter when pagesize is -1 (Unlimited)",
		    "listVolumes", "page", "1", "pagesize", "-1");
	env_set("page-size", "2");
	CU_ASSERT_EQUAL(rows(env_ok("listVolumes")), 2);
	env_refused(431, 4350, "Page size can't exceed max allowed page size value: 2",
		    "listVolumes", "page", "1", "pagesize", "3");
	env_stop();
}

static void test_filters(void)
{
	env_start();
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "name", "ROOT")), 0); /* exact */
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "keyword", "root-1")), 1);
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "type", "root")), 3);
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "state", "Ready")), 3);
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "virtualmachineid", SIM_OMA)), 1);
	CU_ASSERT_EQUAL(count(env_ok("listVolumes", "zoneid", SIM_ZONE)), 3);
	CU_ASSERT_EQUAL(count(env_ok("listVirtualMachines", "state", "Stopped")), 2);
	env_vm_becomes(SIM_TEST_VM, "Destroyed");
	CU_ASSERT_EQUAL(count(env_ok("listVirtualMachines", "state", "Present")), 2);
	CU_ASSERT_EQUAL(count(env_ok("listVirtualMachines")), 3);
	env_set("role", "user");
	CU_ASSERT_EQUAL(count(env_ok("listVirtualMachines")), 2);
	env_stop();
}

static void name_volume(const char *name)
{
	static unsigned n;
	_cleanup_json_ json_object *seed = json_object_new_object(),
				   *row = json_object_new_object();
	_cleanup_free_ char *id = mk_strdup_printf("cccccccc-0000-4000-8000-%012u", n++);
	json_object *rows = json_object_new_array();

	mk_json_set_str(row, "id", id);
	mk_json_set_str(row, "name", name);
	json_object_array_add(rows, json_object_get(row));
	json_object_object_add(seed, "volumes", rows);
	env_seed(json_object_to_json_string(seed));
}

static void test_texts(void)
{
	static const struct {
		const char *param, *value;
		int64_t count;
	} cases[] = {
		{ "name", "umlaut ", 1 }, { "name", " umlaut", 0 },   { "name", "\U0001F602", 1 },
		{ "name", "", 0 },        { "name", "100_", 0 },      { "keyword", "1_0%", 1 },
		{ "keyword", "a\\b", 0 }, { "keyword", "a\\\\b", 1 }, { "keyword", "uml%t", 1 },
		{ "keyword", "", 7 },     { "state", "", 0 },         { "type", "", 7 },
	};

	env_start();
	name_volume("\u00dcml\u00e4ut");
	name_volume("\U0001F600");
	name_volume("100%");
	name_volume("a\\b");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t n = count(env_ok("listVolumes", cases[i].param, cases[i].value));

		if (n != cases[i].count)
			tap_note("%s=%s: %" PRId64, cases[i].param, cases[i].value, n);
		CU_ASSERT_EQUAL(n, cases[i].count);
	}
	env_set("role", "user");
	env_refused(530, 4250,
		    "Internal error executing command, please contact your system "
		    "administrator",
		    "listVolumes", "keyword", "\U0001F600");
	env_stop();
}

/* Where a volume is, is for root admins; a root disk's offering is a number in a text. */
static void test_roles(void)
{
	_cleanup_json_ json_object *admin = NULL, *user = NULL;
	json_object *v;

	env_start();
	admin = env_ok("listVolumes", "id", SIM_OMA_ROOT);
	v = json_object_array_get_idx(mk_json_get(admin, "volume"), 0);
	CU_ASSERT_STRING_EQUAL(mk_json_str(v, "hypervisor", ""), "KVM");
	CU_ASSERT_STRING_EQUAL(mk_json_str(v, "serviceofferingid", ""), "1");
	CU_ASSERT_PTR_NULL(mk_json_get(v, "diskofferingid"));
	env_set("role", "user");
	user = env_ok("listVolumes", "id", SIM_OMA_ROOT);
	v = json_object_array_get_idx(mk_json_get(user, "volume"), 0);
	CU_ASSERT_PTR_NULL(mk_json_get(v, "hypervisor"));
	CU_ASSERT_PTR_NULL(mk_json_get(v, "path"));
	CU_ASSERT_PTR_NULL(mk_json_get(v, "displayvolume"));
	env_stop();
}

static void test_others(void)
{
	_cleanup_json_ json_object *c = NULL, *api = NULL;

	env_start();
	CU_ASSERT_EQUAL(count(env_ok("listZones", "available", "true")), 1);
	CU_ASSERT_EQUAL(count(env_ok("listDiskOfferings")), 2);
	CU_ASSERT_EQUAL(count(env_ok("listDiskOfferings", "name", "Custom")), 1);
	CU_ASSERT_EQUAL(count(env_ok("listServiceOfferings")), 1);
	CU_ASSERT_EQUAL(count(env_ok("listTemplates", "templatefilter", "executable")), 1);
	CU_ASSERT_EQUAL(count(env_ok("listNetworks", "zoneid", SIM_ZONE)), 1);
	env_refused(431, 9999,
		    "Unable to execute API command listtemplates due to missing parameter "
		    "templatefilter",
		    "listTemplates");
	c = env_ok("listCapabilities");
	CU_ASSERT_EQUAL(mk_json_int(mk_json_get(c, "capability"), "customdiskofferingmaxsize", 0),
			1024);
	CU_ASSERT_PTR_NULL(mk_json_get(mk_json_get(c, "capability"), "apilimitmax"));
	api = env_ok("listApis", "name", "attachVolume");
	CU_ASSERT(mk_json_bool(json_object_array_get_idx(mk_json_get(api, "api"), 0), "isasync",
			       false));
	env_set("unknown", "recoverVolume,attachVolume");
	env_refused(530, 9999, "Api Discovery plugin was unable to find an api*", "listApis",
		    "name", "attachVolume");
	env_refused(401, 0, "unable to verify user credentials and/or request signature",
		    "attachVolume", "id", SIM_OMA_ROOT);
	env_stop();
}

static const struct tap_test tests[] = {
	{ "tags", test_tags },
	{ "paging", test_paging },
	{ "filters", test_filters },
	{ "texts", test_texts },
	{ "what a user sees", test_roles },
	{ "offerings, capabilities, APIs", test_others },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return tap_main(argc, argv, "sim-lists", NULL, NULL, tests);
}
