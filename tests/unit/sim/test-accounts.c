/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves accounts, domains and projects of the simulator's model: who sees what, who may do what, whose things are. */

#include "sim-env.h"
#include "tap.h"

#define TENANT  "aaaa0000-0000-4000-8000-000000000001"
#define BELOW   "aaaa0000-0000-4000-8000-000000000002"
#define MK      "bbbb0000-0000-4000-8000-000000000001"
#define OTHER   "bbbb0000-0000-4000-8000-000000000002"
#define DOMADM  "bbbb0000-0000-4000-8000-000000000003"
#define DEEP    "bbbb0000-0000-4000-8000-000000000004"
#define PROJECT "cccc0000-0000-4000-8000-000000000001"
#define PVM     "dddd0000-0000-4000-8000-000000000001"
#define MKVM    "dddd0000-0000-4000-8000-000000000002"
#define PVOL    "eeee0000-0000-4000-8000-000000000001"
#define MKVOL   "eeee0000-0000-4000-8000-000000000002"
static const char both_volumes[] = PVOL "," MKVOL;
#define OTHVOL  "eeee0000-0000-4000-8000-000000000003"
#define DEEPVOL "eeee0000-0000-4000-8000-000000000004"
#define HIDDEN  "eeee0000-0000-4000-8000-000000000005"
#define UNKNOWN "99999999-9999-4999-8999-999999999999"

#define NO_ACCESS "Caller does not have permission to operate with provided resource."
#define TAGS      ",\"tags\":[{\"key\":\"k\",\"value\":\"v\"}]"

/* ROOT: the account admin. ROOT/tenant: mk, other, and the project of mk. ROOT/tenant/below: deep. */
static void start(void)
{
	env_start();
	env_seed("{\"domains\":[{\"id\":\"" TENANT "\",\"name\":\"tenant\"},"
		 "{\"id\":\"" BELOW "\",\"name\":\"below\",\"parentdomainid\":\"" TENANT "\"}],"
		 "\"accounts\":["
		 "{\"id\":\"" MK "\",\"name\":\"mk\",\"domainid\":\"" TENANT
		 "\",\"apikey\":\"mk\"},"
		 "{\"id\":\"" OTHER "\",\"name\":\"other\",\"domainid\":\"" TENANT
		 "\",\"apikey\":\"other\"},"
		 "{\"id\":\"" DOMADM "\",\"name\":\"domadmin\",\"domainid\":\"" TENANT
		 "\",\"type\":\"domain-admin\",\"apikey\":\"domadmin\"},"
		 "{\"id\":\"" DEEP "\",\"name\":\"deep\",\"domainid\":\"" BELOW
		 "\",\"apikey\":\"deep\"}],"
		 "\"projects\":[{\"id\":\"" PROJECT "\",\"name\":\"p\",\"domainid\":\"" TENANT
		 "\",\"members\":[\"" MK "\"]}]}");
	env_seed("{\"vms\":[{\"id\":\"" PVM "\",\"name\":\"pvm\",\"project\":\"" PROJECT "\"},"
		 "{\"id\":\"" MKVM "\",\"name\":\"mkvm\",\"account\":\"" MK "\"}],"
		 "\"volumes\":["
		 "{\"id\":\"" PVOL "\",\"name\":\"pvol\",\"virtualmachineid\":\"" PVM "\"" TAGS "},"
		 "{\"id\":\"" MKVOL "\",\"name\":\"mkvol\",\"account\":\"" MK "\"" TAGS "},"
		 "{\"id\":\"" OTHVOL "\",\"name\":\"othvol\",\"account\":\"" OTHER "\"" TAGS "},"
		 "{\"id\":\"" DEEPVOL "\",\"name\":\"deepvol\",\"account\":\"" DEEP "\"},"
		 "{\"id\":\"" HIDDEN "\",\"name\":\"hidden\",\"account\":\"" MK
		 "\",\"displayvolume\":false}]}");
}

/* ---- who sees what --------------------------------------------------------------------------- */

/* facts.md, section 3 and W2 to W5, W30. names: those of the rows, in their order; NULL: refused with the code. */
static const struct row {
	const char *caller; /* his key; NULL: the root admin */
	const char *command;
	const char *args[9];
	const char *names;
	int code;
} rows[] = {
#define V  "listVolumes"
#define VM "listVirtualMachines"
#define S  "listSnapshots"
#define T  "listTags"
	/* the owner of the project, a user */
	{ "mk", V, { NULL }, "mkvol", 0 },
	{ "mk", V, { "listall", "true" }, "mkvol", 0 },
	{ "mk", V, { "id", PVOL }, "", 0 },
	{ "mk", V, { "ids", PVOL }, "", 0 },
	{ "mk", V, { "ids", both_volumes, "listall", "true" }, "mkvol", 0 },
	{ "mk", V, { "virtualmachineid", PVM }, "", 0 },
	{ "mk", V, { "virtualmachineid", PVM, "listall", "true" }, "", 0 },
	{ "mk", V, { "projectid", PROJECT }, "pvol", 0 },
	{ "mk", V, { "projectid", PROJECT, "id", PVOL }, "pvol", 0 },
	{ "mk", V, { "projectid", PROJECT, "ids", PVOL }, "pvol", 0 },
	{ "mk",
	  V,
	  { "projectid", PROJECT, "virtualmachineid", PVM, "listall", "true" },
	  "pvol",
	  0 },
	{ "mk", V, { "projectid", "-1" }, "pvol", 0 },
	{ "mk", V, { "projectid", "-1", "ids", PVOL, "listall", "true" }, "pvol", 0 },
	{ "mk", V, { "projectid", "-1", "listall", "true" }, "pvol,mkvol", 0 },
	{ "mk", VM, { NULL }, "mkvm", 0 },
	{ "mk", VM, { "id", PVM }, "", 0 },
	{ "mk", VM, { "projectid", PROJECT }, "pvm", 0 },
	{ "mk", VM, { "projectid", "-1" }, "pvm", 0 },
	{ "mk", VM, { "projectid", "-1", "listall", "true" }, "pvm,mkvm", 0 },
	{ "mk", S, { "volumeid", PVOL }, "", 0 },
	{ "mk", S, { "volumeid", PVOL, "listall", "true" }, "", 0 },
	{ "mk", S, { "volumeid", PVOL, "projectid", PROJECT }, "psnap", 0 },
	{ "mk", S, { "volumeid", PVOL, "projectid", "-1", "listall", "true" }, "psnap", 0 },
	{ "mk", S, { NULL }, "mksnap", 0 },
	{ "mk", T, { "resourceid", PVOL }, "", 0 },
	{ "mk", T, { "resourceid", PVOL, "listall", "true" }, "", 0 },
	{ "mk", T, { "resourceid", PVOL, "projectid", PROJECT }, "k", 0 },
	{ "mk", T, { "resourceid", PVOL, "projectid", "-1" }, "k", 0 },
	/* another user: neither the project's nor mk's */
	{ "other", V, { NULL }, "othvol", 0 },
	{ "other", V, { "listall", "true" }, "othvol", 0 },
	{ "other", V, { "id", MKVOL }, "", 0 },
	{ "other", V, { "id", PVOL }, "", 0 },
	{ "other", V, { "ids", MKVOL "," OTHVOL }, "othvol", 0 },
	{ "other", V, { "virtualmachineid", MKVM }, "", 0 },
	{ "other", V, { "projectid", "-1" }, "", 0 },
	{ "other", V, { "projectid", "-1", "listall", "true" }, "othvol", 0 },
	{ "other", V, { "projectid", PROJECT }, NULL, 432 },
	{ "other", V, { "account", "mk", "domainid", TENANT }, NULL, 531 },
	{ "other", V, { "account", "mk" }, NULL, 531 },
	{ "other", V, { "account", "nobody" }, NULL, 431 },
	{ "other", V, { "domainid", TENANT }, "othvol", 0 },
	{ "other", V, { "domainid", BELOW }, NULL, 531 },
	{ "other", V, { "account", "other", "projectid", PROJECT }, NULL, 432 },
	{ "other", S, { "volumeid", MKVOL }, NULL, 531 },
	{ "other", T, { "resourceid", MKVOL, "listall", "true" }, "", 0 },
	/* the admin of the domain */
	{ "domadmin", V, { NULL }, "", 0 },
	{ "domadmin", V, { "listall", "true" }, "mkvol,othvol,deepvol", 0 },
	{ "domadmin", V, { "id", PVOL }, "pvol", 0 },
	{ "domadmin", V, { "id", MKVOL }, "mkvol", 0 },
	{ "domadmin", V, { "id", SIM_OMA_ROOT }, "", 0 },
	{ "domadmin", V, { "ids", both_volumes }, "", 0 },
	{ "domadmin", V, { "ids", both_volumes, "listall", "true" }, "mkvol", 0 },
	{ "domadmin", V, { "virtualmachineid", PVM, "listall", "true" }, "", 0 },
	{ "domadmin", V, { "projectid", PROJECT }, "pvol", 0 },
	{ "domadmin", V, { "projectid", "-1" }, "", 0 },
	{ "domadmin", V, { "projectid", "-1", "listall", "true" }, "", 0 },
	{ "domadmin", V, { "account", "mk", "domainid", TENANT }, "mkvol", 0 },
	{ "domadmin", V, { "account", "deep", "domainid", BELOW }, "deepvol", 0 },
	{ "domadmin", V, { "domainid", TENANT }, "mkvol,othvol", 0 },
	{ "domadmin", V, { "domainid", TENANT, "isrecursive", "true" }, "mkvol,othvol,deepvol", 0 },
	{ "domadmin", V, { "domainid", SIM_DOMAIN }, NULL, 531 },
	{ "domadmin", VM, { "id", PVM }, "pvm", 0 },
	{ "domadmin", VM, { "listall", "true" }, "mkvm", 0 },
	/* the root admin */
	{ NULL, VM, { NULL }, "oma,test-vm,failover-vm", 0 },
	{ NULL, VM, { "listall", "true" }, "oma,test-vm,failover-vm,mkvm", 0 },
	{ NULL, VM, { "id", PVM }, "pvm", 0 },
	{ NULL, V, { "ids", both_volumes }, "", 0 },
	{ NULL, V, { "ids", both_volumes, "listall", "true" }, "mkvol", 0 },
	{ NULL, V, { "virtualmachineid", PVM, "listall", "true" }, "", 0 },
	{ NULL, V, { "projectid", PROJECT }, "pvol", 0 },
	{ NULL, V, { "projectid", "-1" }, "pvol", 0 },
	{ NULL, V, { "projectid", "-1", "ids", both_volumes, "listall", "true" }, "pvol,mkvol", 0 },
	{ NULL, V, { "account", "mk", "domainid", TENANT }, "mkvol", 0 },
	{ NULL, V, { "account", "mk" }, NULL, 431 },
	{ NULL, V, { "domainid", TENANT }, "mkvol,othvol", 0 },
	{ NULL, S, { "volumeid", PVOL, "listall", "true" }, "", 0 },
	{ NULL, S, { "volumeid", PVOL, "projectid", PROJECT }, "psnap", 0 },
	{ NULL, T, { "resourceid", PVOL, "listall", "true" }, "", 0 },
	{ NULL, T, { "resourceid", PVOL, "projectid", PROJECT }, "k", 0 },
	/* displayvolume: nobody sees it but who asks, and only a root admin can */
	{ "mk", V, { "id", HIDDEN }, "", 0 },
	{ "mk", V, { "displayvolume", "false" }, "mkvol", 0 },
	{ NULL, V, { "id", HIDDEN }, "", 0 },
	{ NULL, V, { "id", HIDDEN, "displayvolume", "false" }, "hidden", 0 },
#undef V
#undef VM
#undef S
#undef T
};

/* "a,b" of the rows' names, or of the tags' keys. */
static char *names_of(json_object *reply)
{
	json_object *list = NULL;
	char *names = strdup("");

	json_object_object_foreach(reply, key, value) {
		if (!streq(key, "count"))
			list = value;
	}
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		json_object *row = json_object_array_get_idx(list, i);
		char *more =
			mk_strdup_printf("%s%s%s", names, i > 0 ? "," : "",
					 mk_json_str(row, "name", mk_json_str(row, "key", "?")));

		free(names);
		names = more;
	}
	return names;
}

static void check_row(const struct row *row)
{
	const char *call[11] = { row->command };
	_cleanup_json_ json_object *reply = NULL;
	_cleanup_free_ char *names = NULL;
	unsigned failures = CU_get_number_of_failures();

	for (size_t i = 0; row->args[i]; i++)
		call[i + 1] = row->args[i];
	env_caller(row->caller);
	if (row->names) {
		reply = env_ok_call(call);
		names = names_of(reply);
		CU_ASSERT_STRING_EQUAL(names, row->names);
	} else {
		env_refused_call(row->code,
				 row->code == 432   ? 9999
				 : row->code == 531 ? 4365
						    : 4350,
				 "*", call);
	}
	if (CU_get_number_of_failures() != failures)
		tap_note("row %d: %s %s: %s, expected %s", (int)(row - rows),
			 row->caller ? row->caller : "admin", row->command, names, row->names);
}

static void test_visibility(void)
{
	start();
	env_caller("mk");
	json_object_put(env_job("createSnapshot", "volumeid", PVOL, "name", "psnap"));
	json_object_put(env_job("createSnapshot", "volumeid", MKVOL, "name", "mksnap"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
	env_stop();
}

static void test_rows(void)
{
	_cleanup_json_ json_object *list = NULL, *own = NULL;
	json_object *row;

	start();
	env_caller("mk");
	list = env_ok("listVolumes", "projectid", PROJECT);
	row = json_object_array_get_idx(mk_json_get(list, "volume"), 0);
	CU_ASSERT_STRING_EQUAL(mk_json_str(row, "projectid", ""), PROJECT);
	CU_ASSERT_STRING_EQUAL(mk_json_str(row, "project", ""), "p");
	CU_ASSERT_PTR_NULL(mk_json_get(row, "account"));
	CU_ASSERT_STRING_EQUAL(mk_json_str(row, "domainpath", ""), "ROOT/tenant");
	row = json_object_array_get_idx(mk_json_get(row, "tags"), 0);
	CU_ASSERT_STRING_EQUAL(mk_json_str(row, "account", ""), "PrjAcct-p-2");
	own = env_ok("listVolumes", "id", MKVOL);
	row = json_object_array_get_idx(mk_json_get(own, "volume"), 0);
	CU_ASSERT_STRING_EQUAL(mk_json_str(row, "account", ""), "mk");
	CU_ASSERT_STRING_EQUAL(mk_json_str(row, "domain", ""), "tenant");
	env_stop();
}

/* ---- who may do what ------------------------------------------------------------------------- */

/* Refused in the request; a domain admin and a member of the project get further. */
static void test_access(void)
{
	start();
	env_caller("other");
	env_refused(531, 4365, NO_ACCESS, "attachVolume", "id", MKVOL, "virtualmachineid", MKVM);
	env_refused(531, 4365, NO_ACCESS, "attachVolume", "id", OTHVOL, "virtualmachineid", MKVM);
	env_refused(531, 4365, NO_ACCESS, "attachVolume", "id", "999999", "virtualmachineid", MKVM);
	env_refused(531, 4365, NO_ACCESS, "deleteVolume", "id", MKVOL);
	env_refused(531, 4365, NO_ACCESS, "destroyVolume", "id", MKVOL);
	env_refused(531, 4365, NO_ACCESS, "recoverVolume", "id", MKVOL);
	env_refused(531, 4365, NO_ACCESS, "resizeVolume", "id", MKVOL, "size", "3");
	env_refused(531, 4365, NO_ACCESS, "createSnapshot", "volumeid", MKVOL);
	env_refused(531, 4365, NO_ACCESS, "startVirtualMachine", "id", MKVM);
	env_refused(531, 4365, NO_ACCESS, "stopVirtualMachine", "id", PVM);
	env_refused(531, 4365, NO_ACCESS, "destroyVirtualMachine", "id", MKVM);
	env_refused(432, 9999,
		    "The API [updateVolume] does not exist or is not available for the "
		    "account for user id [*",
		    "updateVolume", "id", OTHVOL, "name", "x");

	env_caller("domadmin");
	env_refused(531, 4365, NO_ACCESS, "deleteVolume", "id", SIM_TEST_ROOT);
	json_object_put(env_ok("deleteVolume", "id", OTHVOL));
	env_caller("mk");
	json_object_put(env_job("detachVolume", "id", PVOL));
	json_object_put(env_job("attachVolume", "id", PVOL, "virtualmachineid", PVM));
	env_stop();
}

/* Nothing of the request says no: the job does. */
static void test_access_in_job(void)
{
	start();
	env_caller("other");
	env_job_refused(530, NO_ACCESS, "detachVolume", "id", PVOL);
	env_job_refused(530, NO_ACCESS, "createTags", "resourceids", MKVOL, "resourcetype",
			"Volume", "tags[0].key", "x", "tags[0].value", "y");
	env_job_refused(530, NO_ACCESS, "deleteTags", "resourceids", MKVOL, "resourcetype",
			"Volume");
	env_job_refused(530, "Failed to delete tags", "deleteTags", "resourceids", DEEPVOL,
			"resourcetype", "Volume");
	env_stop();
}

static void test_owners_at_attach(void)
{
	static const char *const callers[] = { "mk", "domadmin", NULL };

	start();
	env_caller("mk");
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		env_caller(callers[i]);
		env_job_refused(530, "Entity VM instance {*", "attachVolume", "id", MKVOL,
				"virtualmachineid", PVM);
	}
	env_stop();
}

static void test_jobs(void)
{
	const char *job;

	start();
	env_set("create-job-ms", "60000");
	env_caller("mk");
	job = env_start_job("createTags", "resourceids", PVOL, "resourcetype", "Volume",
			    "tags[0].key", "x", "tags[0].value", "y");
	env_caller("domadmin");
	json_object_put(env_query(job));
	env_caller(NULL);
	json_object_put(env_query(job));
	env_caller("other");
	env_refused(531, 4365, "Account Account [{\"accountName\":\"other\",\"id\":4,\"uuid\":\"*",
		    "queryAsyncJobResult", "jobid", job);
	{
		_cleanup_json_ json_object *none = env_ok("listAsyncJobs", "listall", "true");

		CU_ASSERT_STRING_EQUAL(json_object_to_json_string(none), "{ }");
	}
	env_caller("domadmin");
	{
		_cleanup_json_ json_object *none = env_ok("listAsyncJobs");
		_cleanup_json_ json_object *one = env_ok("listAsyncJobs", "listall", "true");

		CU_ASSERT_STRING_EQUAL(json_object_to_json_string(none), "{ }");
		CU_ASSERT_EQUAL(mk_json_int(one, "count", 0), 1);
	}
	env_stop();
}

/* ---- whose things are ------------------------------------------------------------------------ */

#define CREATE "createVolume", "name", "v", "diskofferingid", SIM_FIXED_OFFERING, "zoneid", SIM_ZONE

static void check_made(json_object *result, const char *key, const char *value)
{
	CU_ASSERT_STRING_EQUAL(mk_json_str(mk_json_get(result, "volume"), key, ""), value);
	json_object_put(result);
}

static void test_new_owner(void)
{
	start();
	env_caller("mk");
	check_made(env_job(CREATE), "account", "mk");
	check_made(env_job(CREATE, "projectid", PROJECT), "project", "p");
	check_made(env_job(CREATE, "projectid", PROJECT, "account", "mk", "domainid", TENANT),
		   "account", "mk");
	env_refused(431, 4350, "Account must be specified with domainId parameter", CREATE,
		    "account", "mk");
	env_refused(431, 4350, "Unable to find project by id", CREATE, "projectid", "-1");
	env_caller("other");
	env_refused(531, 4365, NO_ACCESS, CREATE, "account", "mk", "domainid", TENANT);
	env_refused(432, 9999,
		    "The API [createVolume] does not exist or is not available for this "
		    "account/user in project [" PROJECT "].",
		    CREATE, "projectid", PROJECT);
	env_caller("domadmin");
	check_made(env_job(CREATE, "account", "deep", "domainid", BELOW), "account", "deep");
	env_refused(431, 4350, "Unable to find account by name x in domain with specified id",
		    CREATE, "account", "x", "domainid", TENANT);
	env_caller(NULL);
	check_made(env_job(CREATE, "projectid", PROJECT), "project", "p");
	env_stop();
}

static void test_limits(void)
{
	static const char over[] =
		"Maximum amount of resources of Type = 'volume', tag = 'null' for Account Name = "
		"other in Domain Id = 2 is exceeded: Account Resource Limit = 1, Current Account "
		"Resource Amount = 1, Current Account Resource Reservation = 0, Requested Resource "
		"Amount = 1.";

	start();
	env_poke("{\"account\":\"" OTHER "\",\"limits\":{\"volume\":1}}");
	env_caller("other");
	env_refused(535, 4370, over, CREATE);
	json_object_put(env_job("destroyVolume", "id", OTHVOL)); /* does not count any more */
	json_object_put(env_job(CREATE));
	env_refused(535, 4370, over, CREATE);
	env_poke("{\"account\":\"" OTHER "\",\"limits\":{\"volume\":-1,\"snapshot\":0,"
		 "\"primary_storage\":6442450944}}");
	env_refused(535, 4370,
		    "Maximum amount of resources of Type = 'primary_storage', tag = 'null' for "
		    "Account Name = other in Domain Id = 2 is exceeded: Account Resource Limit = "
		    "(6.00 GB) 6442450944, Current Account Resource Amount = (5.00 GB) "
		    "5368709120, Current Account Resource Reservation = (0 bytes) 0, Requested "
		    "Resource Amount = (5.00 GB) 5368709120.",
		    CREATE);
	json_object_put(env_ok("recoverVolume", "id", OTHVOL));
	env_refused(535, 4370, "Maximum amount of resources of Type = 'snapshot'*",
		    "createSnapshot", "volumeid", OTHVOL);
	env_job_refused(535, "Maximum amount of resources of Type = 'primary_storage'*",
			"resizeVolume", "id", OTHVOL, "size", "9");
	env_caller(NULL);
	env_set("max-volumes", "1"); /* of others: a root admin has no limits */
	json_object_put(env_job(CREATE));
	env_stop();
}

static void test_displayed(void)
{
	start();
	check_made(env_job(CREATE, "displayvolume", "false"), "name", "v");
	{
		_cleanup_json_ json_object *list = env_ok("listVolumes", "name", "v");

		CU_ASSERT_STRING_EQUAL(json_object_to_json_string(list), "{ }");
	}
	json_object_put(env_job("updateVolume", "id", HIDDEN, "displayvolume", "true"));
	env_caller("mk");
	{
		_cleanup_json_ json_object *list = env_ok("listVolumes", "id", HIDDEN);

		CU_ASSERT_EQUAL(mk_json_int(list, "count", 0), 1);
	}
	env_stop();
}

/* ---- keys and seeds -------------------------------------------------------------------------- */

static void test_keys(void)
{
	const char *secret = NULL;

	start();
	env_seed("{\"accounts\":[{\"id\":\"" MK "\",\"apikey\":\"Key\",\"secretkey\":\"s\"}]}");
	CU_ASSERT_PTR_NOT_NULL(sim_caller(sim, "kEY", &secret)); /* as MySQL compares */
	CU_ASSERT_STRING_EQUAL(str_or_empty(secret), "s");
	CU_ASSERT_PTR_NULL(sim_caller(sim, "mk", &secret));
	env_seed("{\"accounts\":[{\"id\":\"" MK "\",\"state\":\"disabled\"}]}");
	CU_ASSERT_PTR_NULL(sim_caller(sim, "Key", &secret));
	env_stop();
}

static void test_bad_seeds(void)
{
	static const char *const bad[] = {
		"{\"domains\":[{\"id\":\"" UNKNOWN "\",\"parentdomainid\":\"" MK "\"}]}",
		"{\"accounts\":[{\"id\":\"" UNKNOWN "\",\"domainid\":\"" MK "\"}]}",
		"{\"accounts\":[{\"id\":\"" UNKNOWN "\",\"type\":\"king\"}]}",
		"{\"accounts\":[{\"id\":\"" UNKNOWN "\",\"userid\":\"x\"}]}",
		"{\"accounts\":[{\"id\":\"" UNKNOWN "\",\"limits\":{\"wine\":1}}]}",
		"{\"projects\":[{\"id\":\"" UNKNOWN "\",\"members\":\"" MK "\"}]}",
		"{\"projects\":[{\"id\":\"" UNKNOWN "\",\"members\":[\"" UNKNOWN "\"]}]}",
		"{\"volumes\":[{\"id\":\"" UNKNOWN "\",\"account\":\"" UNKNOWN "\"}]}",
		"{\"volumes\":[{\"id\":\"" UNKNOWN "\",\"project\":\"" MK "\"}]}",
	};

	start();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_json_ json_object *o = json_tokener_parse(bad[i]);
		_cleanup_free_ char *why = NULL;

		CU_ASSERT_PTR_NOT_NULL_FATAL(o);
		CU_ASSERT_EQUAL(sim_seed(sim, o, &why), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(why);
	}
	env_stop();
}

static const struct tap_test tests[] = {
	{ "who sees what", test_visibility },
	{ "rows name their owner", test_rows },
	{ "other accounts' things are refused", test_access },
	{ "detachVolume and tags refuse in the job", test_access_in_job },
	{ "a volume and its VM have one owner", test_owners_at_attach },
	{ "who sees a job", test_jobs },
	{ "whose a new volume is", test_new_owner },
	{ "limits", test_limits },
	{ "displayvolume", test_displayed },
	{ "keys", test_keys },
	{ "bad seeds", test_bad_seeds },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return tap_main(argc, argv, "sim-accounts", NULL, NULL, tests);
}
