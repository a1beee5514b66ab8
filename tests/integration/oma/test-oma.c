/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves the class oma end to end: volumes are created, attached, proven, detached and deleted. In the world of
 * oma-env.h: the real daemon, the simulator, and mocked disks that the simulator plugs.
 */

#include "oma-env.h"

#include <unistd.h>

/* ---- the whole life ------------------------------------------------------------------------------------------- */

static void check_tags(struct world *w, const char *volume)
{
	_cleanup_json_ json_object *v = w_volume(w, volume);
	const char *text = v ? json_object_to_json_string(v) : "";

	CU_ASSERT_PTR_NOT_NULL(strstr(text, "migratekit:owner"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, W_OMA));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "migratekit:operation"));
}

static void test_life(void)
{
	_cleanup_json_ json_object *created = NULL, *attached = NULL, *detached = NULL, *v = NULL,
				   *deleted = NULL;
	struct world w = { 0 };
	char volume[MK_UUID_SIZE];

	o_start(&w, NULL, NULL);
	/* L30: rounded up to whole GiB */
	created = o_succeed(&w, o_create(&w, "web01 disk 0", 10 * O_GIB + 1, "life"));
	snprintf(volume, sizeof(volume), "%s", mk_json_str(created, "Volume", ""));
	CU_ASSERT_STRING_EQUAL(mk_json_str(created, "Name", ""), "web01 disk 0");
	CU_ASSERT_EQUAL(mk_json_int(created, "Size", 0), (int64_t)(11 * O_GIB));
	check_tags(&w, volume);
	v = w_volume(&w, volume);
	CU_ASSERT_STRING_EQUAL(mk_json_str(v, "name", ""), "web01 disk 0 (life)");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), "detached");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "Name"), "web01 disk 0");
	CU_ASSERT_STRING_EQUAL(o_device(&w, volume, "Device"), "");
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "DeviceNotFound");

	attached = o_succeed(&w, o_attach(&w, volume, "a1"));
	CU_ASSERT_STRING_EQUAL(mk_json_str(attached, "Device", ""), "/dev/vdb");
	CU_ASSERT_STRING_EQUAL(mk_json_str(attached, "VM", ""), W_OMA);
	CU_ASSERT_EQUAL(mk_json_int(attached, "DeviceId", -1), 1); /* L34 */
	CU_ASSERT_EQUAL(strlen(mk_json_str(attached, "Serial", "")), 20);
	CU_ASSERT(mk_json_int(attached, "DiskSeq", 0) > 0);
	CU_ASSERT_STRING_EQUAL(o_device(&w, volume, "Device"), "/dev/vdb");
	CU_ASSERT_STRING_EQUAL(o_device(&w, volume, "DeviceLink"),
			       mk_json_str(attached, "DeviceLink", ""));
	CU_ASSERT(starts_with(o_device(&w, volume, "DeviceLink"), "/dev/disk/by-id/virtio-"));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), "attached");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "Operation"), "");

	detached = o_succeed(&w, o_detach(&w, volume, false, "d1"));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), "detached");
	CU_ASSERT_STRING_EQUAL(o_device(&w, volume, "Device"), "");

	deleted = o_succeed(&w, o_delete(&w, volume));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), ""); /* the object has gone */
	CU_ASSERT_EQUAL(w_executed(&w, "attachVolume"), 1);
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 1);
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 1);
	w_stop(&w);
}

static void test_by_device(void)
{
	_cleanup_json_ json_object *args = NULL;
	static const char *const bad[][2] = {
		{ "/dev/vda", W_ERROR "NotManaged" },
		{ "/dev/vdz", W_ERROR "NotFound" },
		{ "vdb", "org.freedesktop.DBus.Error.InvalidArgs" },
		{ "", "org.freedesktop.DBus.Error.InvalidArgs" },
	};
	struct world w = { 0 };
	const char *volume, *link;
	_cleanup_free_ char *number = NULL;

	o_start(&w, NULL, NULL);
	volume = o_attached(&w, "one");
	link = o_device(&w, volume, "DeviceLink");
	number = mk_strdup_printf("%s:%s", o_device(&w, volume, "Major"),
				  o_device(&w, volume, "Minor"));
	{
		const char *const good[] = { "/dev/vdb", link, number };

		for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
			_cleanup_json_ json_object *reply = NULL;

			if (w_call_object(&w, W_PATH, O_MANAGER, "GetVolumeByDevice", &reply, "s",
					  good[i]) < 0)
				tap_note("%s: %s", good[i], w_error_text);
			CU_ASSERT_PTR_NOT_NULL(reply);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CU_ASSERT(w_call_object(&w, W_PATH, O_MANAGER, "GetVolumeByDevice", NULL, "s",
					bad[i][0]) < 0);
		CU_ASSERT_STRING_EQUAL(w_error_name, bad[i][1]);
	}
	w_stop(&w);
}

/* L32: another bus, the same identity. */
static void test_scsi(void)
{
	static const char *const settings[] = { "hv-bus=scsi", NULL };
	struct world w = { 0 };
	const char *volume;

	o_start(&w, NULL, settings);
	volume = o_attached(&w, "scsi");
	CU_ASSERT(starts_with(o_device(&w, volume, "Device"), "/dev/sd"));
	CU_ASSERT_EQUAL(strlen(o_device(&w, volume, "Serial")), 20);
	json_object_put(o_succeed(&w, o_detach(&w, volume, false, "d")));
	w_stop(&w);
}

/* ---- what is not proven is not handed out ------------------------------------------------------------------------ */

/* The attach with one thing wrong about the disk: it fails, and the volume is off the appliance again. */
static void refuse_disk(const char *key, const char *value, const char *error, const char *words)
{
	struct world w = { 0 };
	const char *volume;

	o_start(&w, "[operations]\nstep-limit=500ms\n", NULL);
	volume = o_new_volume(&w, "bad");
	o_set(&w, key, value);
	o_fail(&w, o_attach(&w, volume, "bad"), "rolled-back", error, words);
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), "detached");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "Device"), "");
	{
		_cleanup_json_ json_object *v = w_volume(&w, volume);

		CU_ASSERT_STRING_EQUAL(mk_json_str(v, "virtualmachineid", ""), "");
	}
	w_stop(&w);
}

static void test_unproven(void)
{
	refuse_disk("hv-serial", "none", "DeviceNotFound",
		    "waited in vain for a disk with the serial");
	refuse_disk("hv-serial", "wrong", "DeviceNotFound", "waited in vain for a disk");
	refuse_disk("hv-size", "+512", "DeviceMismatch", "bytes where CloudStack says");
	refuse_disk("hv-link", "stale", "DeviceMismatch", "points to another disk");
	refuse_disk("hv-serial", "duplicate", "Ambiguous", "2 disks carry the serial");
}

static void test_missing_link(void)
{
	struct world w = { 0 };
	const char *volume;

	o_start(&w, NULL, NULL);
	o_set(&w, "hv-link", "missing");
	volume = o_attached(&w, "nolink");
	CU_ASSERT_STRING_EQUAL(o_device(&w, volume, "Device"), "/dev/vdb");
	CU_ASSERT_STRING_EQUAL(o_device(&w, volume, "DeviceLink"), "");
	w_stop(&w);
}

static void test_hypervisors(void)
{
	static const char *const names[] = { "XenServer", "VMware" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *poke =
			mk_strdup_printf("{\"vm\":\"" W_OMA "\",\"hypervisor\":\"%s\"}", names[i]);
		struct world w = { 0 };
		const char *volume;

		o_start(&w, NULL, NULL);
		volume = o_new_volume(&w, "xen");
		w_sim_post(&w, "poke", poke);
		o_fail(&w, o_attach(&w, volume, "x"), "failed", "NotSupported", names[i]);
		CU_ASSERT_EQUAL(w_executed(&w, "attachVolume"), 0);
		w_stop(&w);
	}
}

static void add_disk(struct world *w, const char *volume, const char *rest)
{
	char serial[32] = "";
	size_t n = 0;
	_cleanup_free_ char *json = NULL;

	for (const char *c = volume; *c && n < 20; c++)
		if (*c != '-')
			serial[n++] = *c;
	json = mk_strdup_printf("{\"action\":\"add\",\"serial\":\"%s\",\"size\":%" PRIu64 "%s}",
				serial, (uint64_t)(10 * O_GIB), rest);
	w_sim_post(w, "disk", json);
}

/* A disk with the serial is here before CloudStack was asked to attach: nothing is attached. */
static void test_present_before(void)
{
	struct world w = { 0 };
	const char *volume;

	o_start(&w, "[operations]\nstep-limit=300ms\n", NULL);
	volume = o_new_volume(&w, "early");
	add_disk(&w, volume, "");
	o_fail(&w, o_attach(&w, volume, "e"), "failed", "DeviceMismatch", "is still here");
	CU_ASSERT_EQUAL(w_executed(&w, "attachVolume"), 0);
	o_fail(&w, o_delete(&w, volume), "failed", "WrongState", "is still here");
	CU_ASSERT_EQUAL(w_executed(&w, "destroyVolume"), 0);
	w_stop(&w);
}

static void test_elsewhere(void)
{
	struct world w = { 0 };
	_cleanup_free_ char *poke = NULL;
	const char *volume;

	o_start(&w, NULL, NULL);
	volume = o_new_volume(&w, "else");
	poke = mk_strdup_printf("{\"volume\":\"%s\",\"virtualmachineid\":\"" W_VM
				"\",\"deviceid\":1}",
				volume);
	w_sim_post(&w, "poke", poke);
	o_fail(&w, o_attach(&w, volume, "x"), "failed", "WrongState", "is attached to VM " W_VM);
	o_fail(&w, o_detach(&w, volume, false, "y"), "failed", "WrongState",
	       "not to the appliance");
	o_fail(&w, o_delete(&w, volume), "failed", "WrongState", "detach it first");
	w_stop(&w);
}

/* ---- order of events --------------------------------------------------------------------------------------------- */

static void test_late_disk(void)
{
	struct world w = { 0 };
	const char *volume, *path;

	/* L11: the disk comes long after the job; nothing polls quickly enough to see it otherwise */
	o_start(&w, "[operations]\npoll-interval=50s\nstep-limit=60s\n", NULL);
	volume = o_new_volume(&w, "late");
	o_set(&w, "hv-delay-ms", "400");
	path = o_attach(&w, volume, "late");
	json_object_put(o_succeed(&w, path));
	CU_ASSERT_STRING_EQUAL(o_device(&w, volume, "Device"), "/dev/vdb");
	w_stop(&w);
}

static void test_device_before_job(void)
{
	struct world w = { 0 };
	const char *volume, *path;

	o_start(&w, NULL, NULL);
	volume = o_new_volume(&w, "early");
	o_fault(&w, "attachVolume", "\"action\":\"job-late\",\"ms\":400");
	path = o_attach(&w, volume, "early");
	json_object_put(o_succeed(&w, path));
	CU_ASSERT_STRING_EQUAL(o_device(&w, volume, "Device"), "/dev/vdb");
	w_stop(&w);
}

static void test_lost_and_found(void)
{
	struct world w = { 0 };
	const char *volume;

	o_start(&w, NULL, NULL);
	volume = o_attached(&w, "lost");
	w_sim_post(&w, "disk", "{\"action\":\"remove\",\"node\":\"vdb\"}");
	CU_ASSERT(o_await(&w, volume, "lost"));
	CU_ASSERT_STRING_EQUAL(o_device(&w, volume, "Device"), "");
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "DeviceNotFound");

	add_disk(&w, volume, "");
	CU_ASSERT(o_await(&w, volume, "attached"));
	CU_ASSERT_STRING_EQUAL(o_device(&w, volume, "Device"), "/dev/vdb");
	w_stop(&w);
}

/* ---- detaching ------------------------------------------------------------------------------------------------------ */

/* L07: users are named before CloudStack is asked. */
static void test_in_use(void)
{
	struct world w = { 0 };
	const char *volume;

	o_start(&w, NULL, NULL);
	volume = o_attached(&w, "used");
	w_sim_post(&w, "disk", "{\"action\":\"hold\",\"node\":\"vdb\",\"holder\":\"dm-0\"}");
	o_fail(&w, o_detach(&w, volume, false, "d1"), "failed", "InUse", "dm-0");
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 0);

	/* what its user put on it takes it from nobody when another disk comes, or at a restart */
	(void)o_attached(&w, "another");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), "attached");
	CU_ASSERT_STRING_EQUAL(o_device(&w, volume, "Device"), "/dev/vdb");
	w_daemon_stop(&w);
	w_daemon_start(&w, NULL);
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), "attached");
	CU_ASSERT_STRING_EQUAL(o_device(&w, volume, "Device"), "/dev/vdb");

	json_object_put(o_succeed(&w, o_detach(&w, volume, true, "d2")));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), "detached");
	w_stop(&w);
}

/* "… waiting for [10000] milliseconds" is no failure: the guest lets go later. */
static void test_guest_is_slow(void)
{
	struct world w = { 0 };
	const char *volume, *path;

	o_start(&w, NULL, NULL);
	volume = o_attached(&w, "slow");
	o_set(&w, "detach-wait-ms", "50");
	w_sim_post(&w, "guest", "{\"state\":\"deaf\"}");
	path = o_detach(&w, volume, false, "slow");
	CU_ASSERT(w_await_state(&w, path, "settling"));
	w_sim_post(&w, "guest", "{\"state\":\"running\"}");
	json_object_put(o_succeed(&w, path));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), "detached");
	w_stop(&w);
}

/* L33: a detach ends when udev has removed the node. */
static void test_node_stays(void)
{
	struct world w = { 0 };
	const char *volume, *path;

	o_start(&w, NULL, NULL);
	volume = o_attached(&w, "stays");
	o_set(&w, "hv-unplug", "never");
	path = o_detach(&w, volume, false, "stays");
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	w_sim_wait(&w, "command=detachVolume&count=1&what=executed");
	CU_ASSERT_STRING_EQUAL(w_op_str(&w, path, "State"), "running");
	CU_ASSERT_PTR_NULL(o_attach(&w, volume, "again"));
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "Busy");
	CU_ASSERT_PTR_NOT_NULL(strstr(w_error_text, "operation stays"));
	w_sim_post(&w, "disk", "{\"action\":\"remove\",\"node\":\"vdb\"}");
	json_object_put(o_succeed(&w, path));
	w_stop(&w);
}

/* ---- asked twice ------------------------------------------------------------------------------------------------------ */

static void test_idempotent(void)
{
	_cleanup_json_ json_object *first = NULL, *again = NULL;
	struct world w = { 0 };
	const char *volume;

	o_start(&w, NULL, NULL);
	first = o_succeed(&w, o_create(&w, "twice", O_GIB, "twice"));
	again = o_succeed(&w, o_create(&w, "twice", O_GIB, "twice"));
	CU_ASSERT(json_object_equal(first, again));
	CU_ASSERT_EQUAL(w_executed(&w, "createVolume"), 1);
	CU_ASSERT_PTR_NULL(o_create(&w, "other", O_GIB, "twice"));
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "TokenMismatch");

	volume = mk_json_str(first, "Volume", "");
	json_object_put(o_succeed(&w, o_attach(&w, volume, "a1")));
	json_object_put(o_succeed(&w, o_attach(&w, volume, "a2")));
	CU_ASSERT_EQUAL(w_executed(&w, "attachVolume"), 1);
	json_object_put(o_succeed(&w, o_detach(&w, volume, false, "d1")));
	json_object_put(o_succeed(&w, o_detach(&w, volume, false, "d2")));
	CU_ASSERT_EQUAL(w_executed(&w, "detachVolume"), 1);

	json_object_put(o_succeed(&w, o_call(&w, "DeleteVolume", "sa{sv}", volume, 1, "token", "s",
					     "del")));
	json_object_put(o_succeed(&w, o_call(&w, "DeleteVolume", "sa{sv}", volume, 1, "token", "s",
					     "del")));
	w_stop(&w);
}

/* A token from before the history's or the database's end: another's data is never handed out as a new volume. */
static void test_token_used_before(void)
{
	_cleanup_json_ json_object *v = NULL;
	struct world w = { 0 };

	o_start(&w, NULL, NULL);
	w_sim_post(&w, "seed",
		   "{\"volumes\":[{\"id\":\"77777777-7777-4777-8777-777777777777\","
		   "\"name\":\"disk (again)\",\"type\":\"DATADISK\",\"state\":\"Ready\"}]}");
	o_fail(&w, o_create(&w, "disk", O_GIB, "again"), "failed", "WrongState",
	       "use another token");
	CU_ASSERT_EQUAL(w_executed(&w, "createVolume"), 0);
	v = w_volume(&w, "77777777-7777-4777-8777-777777777777");
	CU_ASSERT_FALSE(mk_json_bool(v, "removed", true));
	w_stop(&w);
}

/* MySQL finds it too, when the name is looked for: it is not the one. */
static void test_similar_name(void)
{
	struct world w = { 0 };

	o_start(&w, NULL, NULL);
	w_sim_post(&w, "seed",
		   "{\"volumes\":[{\"id\":\"77777777-7777-4777-8777-777777777777\","
		   "\"name\":\"DISK (Case)\",\"type\":\"DATADISK\",\"state\":\"Ready\"}]}");
	json_object_put(o_succeed(&w, o_create(&w, "disk", O_GIB, "case")));
	CU_ASSERT_EQUAL(w_executed(&w, "createVolume"), 1);
	w_stop(&w);
}

/* L18: the connection is cut after CloudStack has made the volume. */
static void test_lost_create(void)
{
	static const char *const actions[] = { "drop-after", "drop-before", "hang", "garbage" };

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		_cleanup_free_ char *rest = mk_strdup_printf("\"action\":\"%s\"", actions[i]);
		struct world w = { 0 };

		o_start(&w, NULL, NULL);
		o_fault(&w, "createVolume", rest);
		json_object_put(o_succeed(&w, o_create(&w, "once", O_GIB, "once")));
		CU_ASSERT_EQUAL(w_executed(&w, "createVolume"), 1);
		w_stop(&w);
	}
}

/* ---- reading ------------------------------------------------------------------------------------------------------------ */

/* The names that ListVolumes gives with one filter, joined; "!" and the error's last word if it is refused. */
static char *list(struct world *w, const char *filter, bool number, const char *value)
{
	_cleanup_json_ json_object *args = NULL;
	json_object *rows;
	char *names;
	int r;

	r = number ? w_call_object(w, W_PATH, O_MANAGER, "ListVolumes", &args, "a{sv}", 1, filter,
				   "u", (unsigned)strtoul(value, NULL, 10))
		   : w_call_object(w, W_PATH, O_MANAGER, "ListVolumes", &args, "a{sv}", 1, filter,
				   "s", value);
	if (r < 0)
		return mk_strdup_printf("!%s", strrchr(w_error_name, '.') + 1);

	rows = json_object_array_get_idx(args, 0);
	names = strdup("");
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		char *longer = mk_strdup_printf("%s%s", names,
						mk_json_str(json_object_array_get_idx(rows, i),
							    "Name", "?"));

		free(names);
		names = longer;
	}
	return names;
}

static void test_list_volumes(void)
{
	static const struct {
		const char *filter, *value, *names;
		bool number;
	} rows[] = {
		{ "class", "oma", "abcde", false },
		{ "class", "failover", "", false },
		{ "vm", W_OMA, "de", false },
		{ "vm", "", "abc", false },
		{ "vm", W_VM, "", false },
		{ "state", "attached", "de", false },
		{ "state", "detached", "abc", false },
		{ "state", "lost", "", false },
		{ "state", "gone", "!InvalidArgs", false },
		{ "name", "a", "!InvalidArgs", false },
		{ "limit", "a", "!InvalidArgs", false },
		{ "offset", "0", "abcde", true },
		{ "offset", "3", "de", true },
		{ "offset", "5", "", true },
		{ "offset", "4294967295", "", true },
		{ "limit", "1", "a", true },
		{ "limit", "4", "abcd", true },
		{ "limit", "100000", "abcde", true },
		{ "limit", "0", "!InvalidArgs", true },
		{ "limit", "100001", "!InvalidArgs", true },
		{ "limit", "4294967295", "!InvalidArgs", true },
	};
	struct world w = { 0 };

	o_start(&w, NULL, NULL);
	(void)o_new_volume(&w, "a");
	(void)o_new_volume(&w, "b");
	(void)o_new_volume(&w, "c");
	(void)o_attached(&w, "d");
	(void)o_attached(&w, "e");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *names =
			list(&w, rows[i].filter, rows[i].number, rows[i].value);

		if (!streq(names, rows[i].names))
			tap_note("%s=%s: %s", rows[i].filter, rows[i].value, names);
		CU_ASSERT_STRING_EQUAL(names, rows[i].names);
	}
	{
		_cleanup_json_ json_object *args = NULL;
		json_object *page;

		CU_ASSERT_EQUAL_FATAL(w_call_object(&w, W_PATH, O_MANAGER, "ListVolumes", &args,
						    "a{sv}", 3, "state", "s", "detached", "offset",
						    "u", 1, "limit", "u", 1),
				      0);
		page = json_object_array_get_idx(args, 0); /* of those that match */
		CU_ASSERT_EQUAL(json_object_array_length(page), 1);
		CU_ASSERT_STRING_EQUAL(mk_json_str(json_object_array_get_idx(page, 0), "Name", ""),
				       "b");
	}
	w_stop(&w);
}

static void test_single_reads(void)
{
	_cleanup_json_ json_object *path = NULL, *vm = NULL, *properties = NULL;
	static const char interface[] = W_NAME ".OMA";
	struct world w = { 0 };
	const char *volume;

	o_start(&w, NULL, NULL);
	volume = o_attached(&w, "read");
	CU_ASSERT_EQUAL_FATAL(w_call_object(&w, W_PATH, O_MANAGER, "GetVolume", &path, "s", volume),
			      0);
	CU_ASSERT_STRING_EQUAL(json_object_get_string(json_object_array_get_idx(path, 0)),
			       o_path(volume));

	CU_ASSERT_EQUAL_FATAL(w_call_object(&w, W_PATH, interface, "GetVM", &vm, ""), 0);
	properties = json_object_get(json_object_array_get_idx(vm, 0));
	CU_ASSERT_STRING_EQUAL(mk_json_str(properties, "Id", ""), W_OMA);
	CU_ASSERT_STRING_EQUAL(mk_json_str(properties, "State", ""), "Running");
	CU_ASSERT_STRING_EQUAL(mk_json_str(properties, "Hypervisor", ""), "KVM");
	CU_ASSERT(mk_json_bool(properties, "OMA", false));
	w_stop(&w);
}

/* A disk that went without an event is found out by looking. */
static void test_rescan(void)
{
	_cleanup_json_ json_object *reply = NULL;
	struct world w = { 0 };
	const char *volume;

	o_start(&w, NULL, NULL);
	volume = o_attached(&w, "rescan");
	w_sim_post(&w, "disk", "{\"action\":\"remove\",\"node\":\"vdb\",\"silent\":true}");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), "attached");
	CU_ASSERT_EQUAL_FATAL(w_call_object(&w, W_PATH, W_NAME ".OMA", "Rescan", &reply, "a{sv}",
					    0),
			      0);
	json_object_put(o_succeed(&w, json_object_get_string(json_object_array_get_idx(reply, 0))));
	CU_ASSERT_STRING_EQUAL(o_volume(&w, volume, "State"), "lost");
	w_stop(&w);
}

/* L34: the number that was asked for, or an error. */
static void test_device_id(void)
{
	_cleanup_json_ json_object *result = NULL;
	_cleanup_free_ char *poke = NULL;
	struct world w = { 0 };
	const char *volume, *other, *path;

	o_start(&w, NULL, NULL);
	volume = o_new_volume(&w, "five");
	other = o_new_volume(&w, "seven");
#define ATTACH(id, n)                                                                              \
	o_call(&w, "AttachVolume", "sssa{sv}", "oma", id, "", 1, "device-id", "u", (unsigned)(n))
	result = o_succeed(&w, ATTACH(volume, 5));
	CU_ASSERT_EQUAL(mk_json_int(result, "DeviceId", -1), 5);
	o_fail(&w, ATTACH(volume, 6), "failed", "WrongState", "as device 5, not 6");

	/* CloudStack gives another one than it was asked for */
	o_set(&w, "hv-delay-ms", "1500");
	w_sim_post(&w, "clear-log", "{}");
	path = ATTACH(other, 6);
#undef ATTACH
	w_sim_wait(&w, "command=attachVolume&count=1&what=executed");
	poke = mk_strdup_printf("{\"volume\":\"%s\",\"virtualmachineid\":\"" W_OMA
				"\",\"deviceid\":7}",
				other);
	w_sim_post(&w, "poke", poke);
	o_set(&w, "hv-delay-ms", "0");
	o_fail(&w, path, "rolled-back", "WrongState", "as device 7, not 6");
	CU_ASSERT_STRING_EQUAL(o_volume(&w, other, "State"), "detached");
	w_stop(&w);
}

/* ---- bad requests ----------------------------------------------------------------------------------------------------- */

static void test_bad_requests(void)
{
	static const char invalid[] = "org.freedesktop.DBus.Error.InvalidArgs";
	_cleanup_free_ char *long_name = calloc(1, 200);
	struct world w = { 0 };

	memset(long_name, 'x', 161);
	o_start(&w, NULL, NULL);
	w_sim_post(&w, "clear-log", "{}");
#define REFUSED(call, error)                                                                       \
	do {                                                                                       \
		CU_ASSERT_PTR_NULL(call);                                                          \
		CU_ASSERT_STRING_EQUAL(w_error_name, error);                                       \
	} while (0)
	REFUSED(o_create(&w, "", O_GIB, "t1"), invalid);
	REFUSED(o_create(&w, "a\nb", O_GIB, "t1"), invalid);
	REFUSED(o_create(&w, long_name, O_GIB, "t1"), invalid);
	REFUSED(o_create(&w, "n", 0, "t1"), invalid);
	REFUSED(o_create(&w, "n", UINT64_MAX, "t1"), invalid);
	REFUSED(o_create(&w, "n", O_GIB, "bad token"), invalid);
	REFUSED(o_attach(&w, "12", "t1"), invalid);
	REFUSED(o_detach(&w, "12", false, "t1"), invalid);
	REFUSED(o_detach(&w, W_ROOT, false, "t1"), W_ERROR "NotManaged");
	REFUSED(o_delete(&w, W_ROOT), W_ERROR "NotManaged");
	REFUSED(o_call(&w, "AttachVolume", "sssa{sv}", "nope", W_ROOT, "", 0), invalid);
	REFUSED(o_call(&w, "AttachVolume", "sssa{sv}", "oma", W_ROOT, W_VM, 0), invalid);
	REFUSED(o_call(&w, "AttachVolume", "sssa{sv}", "oma", W_ROOT, "", 1, "device-id", "u", 0),
		invalid);
	REFUSED(o_call(&w, "CreateVolume", "ssta{sv}", "oma", "n", (uint64_t)1, 1, "readonly", "b",
		       1),
		invalid);
#undef REFUSED
	CU_ASSERT(w_call_object(&w, W_PATH, O_MANAGER, "GetDevice", NULL, "s", "zz") < 0);
	CU_ASSERT_STRING_EQUAL(w_error_name, invalid);
	CU_ASSERT(w_call_object(&w, W_PATH, O_MANAGER, "GetVolume", NULL, "s", W_ROOT) < 0);
	CU_ASSERT_STRING_EQUAL(w_error_name, W_ERROR "NotManaged");
	w_stop(&w);
}

static void test_not_found(void)
{
	struct world w = { 0 };

	o_start(&w, NULL, NULL);
	o_fail(&w, o_attach(&w, "99999999-9999-4999-8999-999999999999", "t1"), "failed", "NotFound",
	       "does not know volume");
	o_fail(&w, o_attach(&w, W_ROOT, "t2"), "failed", "NotManaged", "AdoptVolume");
	o_fail(&w,
	       o_call(&w, "CreateVolume", "ssta{sv}", "oma", "n", O_GIB, 1, "disk-offering", "s",
		      "nope"),
	       "failed", "NotFound", "no disk offering 'nope'");
	o_fail(&w,
	       o_call(&w, "CreateVolume", "ssta{sv}", "oma", "n", O_GIB, 1, "zone", "s", "nope"),
	       "failed", "NotFound", "no zone 'nope'");
	CU_ASSERT_EQUAL(w_executed(&w, "createVolume"), 0);
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "L30-L34-life", test_life },
		{ "by-device", test_by_device },
		{ "L32-scsi", test_scsi },
		{ "L06-L31-unproven", test_unproven },
		{ "missing-link", test_missing_link },
		{ "hypervisors", test_hypervisors },
		{ "present-before", test_present_before },
		{ "elsewhere", test_elsewhere },
		{ "L11-late-disk", test_late_disk },
		{ "device-before-job", test_device_before_job },
		{ "lost-and-found", test_lost_and_found },
		{ "L07-in-use", test_in_use },
		{ "guest-is-slow", test_guest_is_slow },
		{ "L33-node-stays", test_node_stays },
		{ "idempotent", test_idempotent },
		{ "L18-lost-create", test_lost_create },
		{ "token-used-before", test_token_used_before },
		{ "similar-name", test_similar_name },
		{ "list-volumes", test_list_volumes },
		{ "single-reads", test_single_reads },
		{ "rescan", test_rescan },
		{ "L34-device-id", test_device_id },
		{ "bad-requests", test_bad_requests },
		{ "not-found", test_not_found },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "oma", NULL, NULL, tests);
}
