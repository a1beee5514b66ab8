/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves which mocked disks the simulator plugs into the appliance with --hypervisor umockdev, when they come and go,
 * and what is seen of them. The simulator is started as a process.
 */

#include "child.h"
#include "sim-client.h"
#include "model/sim.h"
#include "tap.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define EVENT_MS   60000 /* for what comes at once on an idle machine */
#define VOLUME_1   "abcdef01-2345-4789-8bcd-ef0123456701"
#define VOLUME_2   "abcdef01-2345-4789-8bcd-ef0123456702"
#define VOLUME_3   "0f0f0f0f-1111-4222-8333-444455556666"
#define SERIAL_3   "0f0f0f0f111142228333"
#define OMA_SERIAL "66666666666646668666"

static struct sc sim;
static int monitor = -1;

/* --- the guest's side --- */

/* What libudev's monitor is under umockdev: a socket in the testbed. */
static void listen_for_events(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%.80s/event77", sim.umockdev);
	monitor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(monitor >= 0);
	CU_ASSERT_EQUAL_FATAL(bind(monitor, (struct sockaddr *)&sa, sizeof(sa)), 0);
}

/*
 * The next event of a block device, as "add sdb DISKSEQ=2 ID_SERIAL=…" with the keys asked for; "" when none
 * comes in time. Static storage.
 */
static const char *next_event(int timeout_ms)
{
	static char text[4096];
	const char *const keys[] = { "ACTION", "DEVNAME", "DEVTYPE", "DISKSEQ", "ID_SERIAL" };
	char message[8192];

	for (;;) {
		struct pollfd p = { .fd = monitor, .events = POLLIN };
		ssize_t n;
		size_t used = 0;

		if (poll(&p, 1, timeout_ms) != 1)
			return "";
		n = recv(monitor, message, sizeof(message) - 1, 0);
		CU_ASSERT_FATAL(n > 40);
		message[n] = '\0';
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			for (const char *s = message + 40; s < message + n; s += strlen(s) + 1)
				if (starts_with(s, keys[k]) && s[strlen(keys[k])] == '=')
					used += (size_t)snprintf(text + used, sizeof(text) - used,
								 "%s%s", used ? " " : "", s);
		if (strstr(text, "DEVNAME"))
			return text;
	}
}

static void check_event(const char *want)
{
	const char *got = next_event(EVENT_MS);

	if (!streq(got, want))
		tap_note("event '%s', expected '%s'", got, want);
	CU_ASSERT_STRING_EQUAL(got, want);
}

/* The event of this disk comes, perhaps after others. */
static void check_event_of(const char *node)
{
	_cleanup_free_ char *want = mk_strdup_printf(" DEVNAME=%s ", node);
	const char *got;

	do
		got = next_event(EVENT_MS);
	while (*got && !strstr(got, want));
	CU_ASSERT_STRING_NOT_EQUAL(got, "");
}

/* A file of the testbed; NULL if it is not there. Static storage. */
static const char *contents(const char *path)
{
	static char text[4096];
	_cleanup_free_ char *full = mk_strdup_printf("%s/%s", sim.umockdev, path);
	_cleanup_fclose_ FILE *f = fopen(full, "re");

	if (!f)
		return NULL;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	return text;
}

static void check_contents(const char *path, const char *want)
{
	const char *got = str_or_empty(contents(path));

	if (!streq(got, want))
		tap_note("%s is '%s', expected '%s'", path, got, want);
	CU_ASSERT_STRING_EQUAL(got, want);
}

static void check_property(const char *path, const char *line)
{
	_cleanup_free_ char *wanted = mk_strdup_printf("\n%s\n", line);
	const char *got = str_or_empty(contents(path));

	if (!strstr(got, wanted))
		tap_note("%s has no %s: %s", path, line, got);
	CU_ASSERT_PTR_NOT_NULL(strstr(got, wanted));
}

static bool exists(const char *path)
{
	_cleanup_free_ char *full = mk_strdup_printf("%s/%s", sim.umockdev, path);

	return access(full, F_OK) == 0;
}

/* The name of the node that a link below /dev leads to; "" if there is no link. Static storage. */
static const char *link_target(const char *link)
{
	static char target[512];
	_cleanup_free_ char *full = mk_strdup_printf("%s/dev/%s", sim.umockdev, link);
	ssize_t n = readlink(full, target, sizeof(target) - 1);
	char *slash;

	target[n > 0 ? n : 0] = '\0';
	slash = strrchr(target, '/');
	return slash ? slash + 1 : target;
}

/* --- the cloud's side --- */

static void seed(void)
{
	sc_admin(&sim, "seed",
		 "{\"volumes\":["
		 "{\"id\":\"" VOLUME_1 "\",\"name\":\"one\",\"size\":1073741824},"
		 "{\"id\":\"" VOLUME_2 "\",\"name\":\"two\",\"size\":1073741824},"
		 "{\"id\":\"" VOLUME_3 "\",\"name\":\"three\",\"size\":2147483648}]}");
}

static void begin(const char *const *more)
{
	const char *args[16] = { "--hypervisor", "umockdev", "--set=job-ms=5" };
	size_t n = 3;

	while (more && *more)
		args[n++] = *more++;
	args[n] = NULL;
	sc_start(&sim, args);
	seed();
	listen_for_events();
}

static void end(void)
{
	_cleanup_free_ char *root = strdup(sim.umockdev);

	sc_stop(&sim);
	close(monitor);
	CU_ASSERT_NOT_EQUAL(access(root, F_OK), 0); /* nothing is left behind */
}

static void follow(void)
{
	_cleanup_free_ char *job = strdup(sc_str(&sim, "jobid"));

	CU_ASSERT_EQUAL_FATAL(sim.status, 200);
	do {
		CU_ASSERT_EQUAL_FATAL(sc_call(&sim, "POST", "queryAsyncJobResult", "jobid", job),
				      200);
	} while (sc_int(&sim, "jobstatus") == 0);
	CU_ASSERT_EQUAL(sc_int(&sim, "jobstatus"), 1);
}

static void attach(const char *volume, const char *vm)
{
	sc_call(&sim, "POST", "attachVolume", "id", volume, "virtualmachineid", vm);
	follow();
}

static void detach(const char *volume)
{
	sc_call(&sim, "POST", "detachVolume", "id", volume);
	follow();
}

static void disk(const char *json)
{
	sc_admin(&sim, "disk", json);
}

/* --- tests --- */

static void test_virtio(void)
{
	begin(NULL);
	check_contents("sys/block/vda/serial", OMA_SERIAL);
	attach(VOLUME_3, SIM_OMA);
	/* the event was there before the job had ended */
	CU_ASSERT_STRING_EQUAL(next_event(0),
			       "ACTION=add DEVNAME=vdb DEVTYPE=disk DISKSEQ=2 ID_SERIAL=" SERIAL_3);
	check_contents("sys/block/vdb/serial", SERIAL_3);
	check_contents("sys/block/vdb/size", "4194304\n");
	check_contents("sys/block/vdb/dev", "252:16");
	check_contents("sys/block/vdb/diskseq", "2\n");
	CU_ASSERT(exists("sys/block/vdb/device/block/vdb"));
	CU_ASSERT(exists("dev/vdb"));
	CU_ASSERT_STRING_EQUAL(link_target("disk/by-id/virtio-" SERIAL_3), "vdb");
	check_property("sys/block/vdb/uevent",
		       "DEVLINKS=/dev/disk/by-diskseq/2 /dev/disk/by-id/virtio-" SERIAL_3);

	detach(VOLUME_3);
	CU_ASSERT_STRING_EQUAL(
		next_event(0),
		"ACTION=remove DEVNAME=vdb DEVTYPE=disk DISKSEQ=2 ID_SERIAL=" SERIAL_3);
	CU_ASSERT_FALSE(exists("sys/block/vdb"));
	CU_ASSERT_FALSE(exists("sys/dev/block/252:16"));
	CU_ASSERT_FALSE(exists("dev/vdb"));
	CU_ASSERT_STRING_EQUAL(link_target("disk/by-id/virtio-" SERIAL_3), "");

	/* the name is used again, the sequence number is not */
	attach(VOLUME_1, SIM_OMA);
	check_event("ACTION=add DEVNAME=vdb DEVTYPE=disk DISKSEQ=3 "
		    "ID_SERIAL=abcdef01234547898bcd");
	/* a disk of another VM is not ours to see */
	attach(VOLUME_3, SIM_TEST_VM);
	CU_ASSERT_STRING_EQUAL(next_event(20), "");
	end();
}

static void test_scsi(void)
{
	static const char *const args[] = { "--set=hv-bus=scsi", NULL };
	_cleanup_free_ char *path = NULL;
	unsigned char page[64] = "";
	FILE *f;

	begin(args);
	CU_ASSERT(exists("sys/block/sda"));
	attach(VOLUME_3, SIM_OMA);
	check_event("ACTION=add DEVNAME=sdb DEVTYPE=disk DISKSEQ=2 "
		    "ID_SERIAL=0QEMU_QEMU_HARDDISK_" SERIAL_3);
	check_contents("sys/block/sdb/dev", "8:16");
	CU_ASSERT_PTR_NULL(contents("sys/block/sdb/serial"));
	check_property("sys/block/sdb/uevent", "ID_SERIAL_SHORT=" SERIAL_3);
	check_property("sys/block/sdb/uevent", "ID_SCSI_SERIAL=" SERIAL_3);
	CU_ASSERT_STRING_EQUAL(link_target("disk/by-id/scsi-0QEMU_QEMU_HARDDISK_" SERIAL_3), "sdb");

	path = mk_strdup_printf("%s/sys/block/sdb/device/vpd_pg80", sim.umockdev);
	f = fopen(path, "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fread(page, 1, sizeof(page), f), 24);
	(void)fclose(f);
	CU_ASSERT_EQUAL(memcmp(page, "\0\x80\0\x14" SERIAL_3, 24), 0);

	/* without a serial QEMU names the drive by its alias */
	sc_admin(&sim, "set", "{\"hv-serial\":\"none\"}");
	attach(VOLUME_1, SIM_OMA);
	check_event("ACTION=add DEVNAME=sdc DEVTYPE=disk DISKSEQ=3 "
		    "ID_SERIAL=0QEMU_QEMU_HARDDISK_drive-scsi0-0-0-2");
	CU_ASSERT_FALSE(exists("sys/block/sdc/device/vpd_pg80"));

	/* an attach that lands on another bus */
	sc_admin(&sim, "set", "{\"hv-bus\":\"virtio\"}");
	attach(VOLUME_2, SIM_OMA);
	check_event("ACTION=add DEVNAME=vda DEVTYPE=disk DISKSEQ=4 "
		    "ID_SERIAL=abcdef01234547898bcd");
	end();
}

static void test_serial_faults(void)
{
	begin(NULL);
	sc_admin(&sim, "set", "{\"hv-serial\":\"none\"}");
	attach(VOLUME_1, SIM_OMA);
	check_event("ACTION=add DEVNAME=vdb DEVTYPE=disk DISKSEQ=2");
	check_contents("sys/block/vdb/serial", "");
	sc_admin(&sim, "set", "{\"hv-serial\":\"wrong\"}");
	attach(VOLUME_3, SIM_OMA);
	check_event("ACTION=add DEVNAME=vdc DEVTYPE=disk DISKSEQ=3 "
		    "ID_SERIAL=0badc0de0badc0de0bad");
	detach(VOLUME_3);
	check_event("ACTION=remove DEVNAME=vdc DEVTYPE=disk DISKSEQ=3 "
		    "ID_SERIAL=0badc0de0badc0de0bad");

	/* two disks, one serial; the next one is good again */
	sc_admin(&sim, "set", "{\"hv-serial\":\"duplicate\"}");
	attach(VOLUME_3, SIM_OMA);
	check_event("ACTION=add DEVNAME=vdc DEVTYPE=disk DISKSEQ=4 ID_SERIAL=" SERIAL_3);
	check_event("ACTION=add DEVNAME=vdd DEVTYPE=disk DISKSEQ=5 ID_SERIAL=" SERIAL_3);
	attach(VOLUME_2, SIM_OMA);
	check_event("ACTION=add DEVNAME=vde DEVTYPE=disk DISKSEQ=6 "
		    "ID_SERIAL=abcdef01234547898bcd");
	detach(VOLUME_3);
	CU_ASSERT_FALSE(exists("sys/block/vdc"));
	CU_ASSERT_FALSE(exists("sys/block/vdd"));
	end();
}

static void test_size_and_links(void)
{
	begin(NULL);
	sc_admin(&sim, "set", "{\"hv-size\":\"+512\",\"hv-link\":\"missing\"}");
	attach(VOLUME_3, SIM_OMA);
	check_contents("sys/block/vdb/size", "4194305\n");
	CU_ASSERT_STRING_EQUAL(link_target("disk/by-id/virtio-" SERIAL_3), "");
	check_property("sys/block/vdb/uevent", "DEVLINKS=/dev/disk/by-diskseq/2");

	sc_admin(&sim, "set", "{\"hv-size\":\"0\",\"hv-link\":\"stale\"}");
	attach(VOLUME_1, SIM_OMA);
	CU_ASSERT_STRING_EQUAL(link_target("disk/by-id/virtio-abcdef01234547898bcd"), "vda");
	check_property("sys/block/vdc/uevent", "DEVLINKS=/dev/disk/by-diskseq/3 "
					       "/dev/disk/by-id/virtio-abcdef01234547898bcd");
	end();
}

static void test_late_and_never(void)
{
	uint64_t start;

	begin(NULL);
	sc_admin(&sim, "set", "{\"hv-delay-ms\":100}");
	start = mk_now_monotonic();
	attach(VOLUME_3, SIM_OMA);
	check_event("ACTION=add DEVNAME=vdb DEVTYPE=disk DISKSEQ=2 ID_SERIAL=" SERIAL_3);
	CU_ASSERT(mk_now_monotonic() - start >= 100 * USEC_PER_MSEC);
	start = mk_now_monotonic();
	detach(VOLUME_3);
	check_event("ACTION=remove DEVNAME=vdb DEVTYPE=disk DISKSEQ=2 ID_SERIAL=" SERIAL_3);
	CU_ASSERT(mk_now_monotonic() - start >= 100 * USEC_PER_MSEC);

	/* detached before it has come: it never does */
	sc_admin(&sim, "set", "{\"hv-delay-ms\":600000}");
	attach(VOLUME_3, SIM_OMA);
	disk("{\"action\":\"list\"}");
	CU_ASSERT_EQUAL(json_object_array_length(mk_json_get(sim.json, "disks")), 2);
	sc_admin(&sim, "set", "{\"hv-delay-ms\":0}");
	detach(VOLUME_3);
	disk("{\"action\":\"list\"}");
	CU_ASSERT_EQUAL(json_object_array_length(mk_json_get(sim.json, "disks")), 1);
	CU_ASSERT_STRING_EQUAL(next_event(0), "");

	sc_admin(&sim, "set", "{\"hv-unplug\":\"never\"}");
	attach(VOLUME_3, SIM_OMA);
	check_event("ACTION=add DEVNAME=vdb DEVTYPE=disk DISKSEQ=3 ID_SERIAL=" SERIAL_3);
	detach(VOLUME_3);
	CU_ASSERT_STRING_EQUAL(next_event(20), "");
	CU_ASSERT(exists("sys/block/vdb"));
	disk("{\"action\":\"remove\",\"node\":\"vdb\"}");
	check_event("ACTION=remove DEVNAME=vdb DEVTYPE=disk DISKSEQ=3 ID_SERIAL=" SERIAL_3);
	end();
}

static void guest(const char *state)
{
	_cleanup_free_ char *json = mk_strdup_printf("{\"state\":\"%s\"}", state);

	sc_admin(&sim, "guest", json);
}

/* It fails, and says so in these words. */
static void detach_in_vain(const char *volume)
{
	_cleanup_free_ char *job = NULL;

	sc_call(&sim, "POST", "detachVolume", "id", volume);
	job = strdup(sc_str(&sim, "jobid"));
	do {
		CU_ASSERT_EQUAL_FATAL(sc_call(&sim, "POST", "queryAsyncJobResult", "jobid", job),
				      200);
	} while (sc_int(&sim, "jobstatus") == 0);
	CU_ASSERT_EQUAL(sc_int(&sim, "jobresultcode"), 530);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(json_object_to_json_string(sim.json),
		       "InternalErrorException: Could not detach volume after sending the command "
		       "and waiting for [10000] milliseconds."));
}

/* K1, K4: what the guest misses it sees when it runs again, in the order in which it came. */
static void test_paused_and_deaf(void)
{
	static const char *const args[] = { "--set=detach-wait-ms=10", NULL };
	static const char *const states[] = { "paused", "deaf" };

	begin(args);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		attach(VOLUME_1, SIM_OMA);
		check_event_of("vdb");
		guest(states[i]);
		attach(VOLUME_3, SIM_OMA);
		detach_in_vain(VOLUME_1);
		CU_ASSERT_STRING_EQUAL(next_event(20), "");
		CU_ASSERT(exists("sys/block/vdb"));
		CU_ASSERT_FALSE(exists("sys/block/vdc"));

		guest("running");
		check_event_of("vdc");
		check_event_of("vdb");
		CU_ASSERT_FALSE(exists("sys/block/vdb"));
		check_contents("sys/block/vdc/serial", SERIAL_3);
		detach(VOLUME_1); /* corrects the database */
		detach(VOLUME_3);
		check_event_of("vdc");
	}

	/* a deaf guest has missed what came; with "rescan" it looks again */
	guest("deaf");
	attach(VOLUME_1, SIM_OMA);
	sc_admin(&sim, "guest", "{\"state\":\"running\",\"rescan\":false}");
	CU_ASSERT_STRING_EQUAL(next_event(20), "");
	guest("running");
	check_event_of("vdb");
	end();
}

/* K10: another disk is at the same unit of the controller before the guest has seen the first one go. */
static void test_scsi_swap(void)
{
	static const char *const args[] = { "--set=hv-bus=scsi", NULL };

	begin(args);
	attach(VOLUME_1, SIM_OMA);
	check_event_of("sdb");
	guest("paused");
	detach(VOLUME_1);
	attach(VOLUME_3, SIM_OMA);
	CU_ASSERT_STRING_EQUAL(next_event(20), "");
	check_property("sys/block/sdb/uevent", "ID_SERIAL_SHORT=abcdef01234547898bcd");
	guest("running");
	check_event("ACTION=remove DEVNAME=sdb DEVTYPE=disk DISKSEQ=2 "
		    "ID_SERIAL=0QEMU_QEMU_HARDDISK_abcdef01234547898bcd");
	check_event("ACTION=add DEVNAME=sdb DEVTYPE=disk DISKSEQ=3 "
		    "ID_SERIAL=0QEMU_QEMU_HARDDISK_" SERIAL_3);
	check_property("sys/block/sdb/uevent", "ID_SERIAL_SHORT=" SERIAL_3);

	/* a deaf guest hears of disks on scsi */
	guest("deaf");
	detach(VOLUME_3);
	check_event_of("sdb");
	end();
}

/* K3: the size changes when the job begins, and CloudStack does not say so before its end. */
static void test_resize(void)
{
	begin(NULL);
	attach(VOLUME_3, SIM_OMA);
	check_event_of("vdb");
	sc_admin(&sim, "fault", "{\"command\":\"resizeVolume\",\"action\":\"job-hold\"}");
	sc_call(&sim, "POST", "resizeVolume", "id", VOLUME_3, "size", "3");
	CU_ASSERT_EQUAL(sim.status, 200);
	check_event("ACTION=change DEVNAME=vdb DEVTYPE=disk DISKSEQ=2 ID_SERIAL=" SERIAL_3);
	check_contents("sys/block/vdb/size", "6291456\n");
	sc_admin(&sim, "release", "{}");
	end();
}

/* A kernel comes to the disks of a controller in an order of its own: the first, then from the last down. */
static void test_letters_at_boot(void)
{
	static const char *const args[] = { "--set=hv-bus=scsi", NULL };
	static const int devices[] = { 1, 2, 4, 5, 6, 7, 8 };
	static const char *const nodes[] = { "sdf", "sde", "sdd", "sdc", "sdb", "sdg", "sdh" };

	begin(args);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		_cleanup_free_ char *json = mk_strdup_printf(
			"{\"volumes\":[{\"id\":\"%08x-0000-4000-8000-000000000000\","
			"\"name\":\"v\",\"size\":1073741824,\"virtualmachineid\":\"" SIM_OMA
			"\",\"deviceid\":%d}]}",
			(unsigned)devices[i], devices[i]);

		sc_admin(&sim, "seed", json);
	}
	while (*next_event(20))
		;
	sc_call(&sim, "POST", "stopVirtualMachine", "id", SIM_OMA);
	follow();
	sc_call(&sim, "POST", "startVirtualMachine", "id", SIM_OMA);
	follow();
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		_cleanup_free_ char *link =
			mk_strdup_printf("disk/by-id/scsi-0QEMU_QEMU_HARDDISK_%08x000040008000",
					 (unsigned)devices[i]);

		CU_ASSERT_STRING_EQUAL(link_target(link), nodes[i]);
	}
	end();
}

static void test_disks_by_hand(void)
{
	begin(NULL);
	disk("{\"action\":\"add\",\"serial\":\"stranger\",\"size\":4194304,\"partition\":true}");
	CU_ASSERT_STRING_EQUAL(mk_json_str(sim.json, "node", ""), "vdb");
	check_event("ACTION=add DEVNAME=vdb DEVTYPE=disk DISKSEQ=2 ID_SERIAL=stranger");
	check_event("ACTION=add DEVNAME=vdb1 DEVTYPE=partition DISKSEQ=2 ID_SERIAL=stranger");
	CU_ASSERT_STRING_EQUAL(link_target("disk/by-id/virtio-stranger-part1"), "vdb1");
	CU_ASSERT(exists("sys/class/block/vdb1"));
	CU_ASSERT_FALSE(exists("sys/block/vdb1"));
	disk("{\"action\":\"add\",\"size\":4194304,\"bus\":\"scsi\"}");
	CU_ASSERT_STRING_EQUAL(mk_json_str(sim.json, "node", ""), "sda");
	(void)next_event(20000);

	disk("{\"action\":\"hold\",\"node\":\"/dev/vdb\",\"holder\":\"dm-0\"}");
	check_contents("sys/block/vdb/holders/dm-0/dm/name", "held-vdb\n");
	check_event("ACTION=add DEVNAME=dm-0 DEVTYPE=disk");
	disk("{\"action\":\"release\",\"node\":\"vdb\"}");
	CU_ASSERT_FALSE(exists("sys/block/vdb/holders/dm-0"));
	check_event("ACTION=remove DEVNAME=dm-0 DEVTYPE=disk");
	disk("{\"action\":\"hold\",\"node\":\"vdb\",\"holder\":\"dm-0\"}");
	disk("{\"action\":\"remove\",\"node\":\"vdb\"}");
	CU_ASSERT_FALSE(exists("sys/block/vdb"));
	CU_ASSERT_FALSE(exists("sys/block/vdb1"));
	CU_ASSERT_FALSE(exists("sys/block/dm-0"));

	disk("{\"action\":\"list\"}");
	CU_ASSERT_EQUAL(json_object_array_length(mk_json_get(sim.json, "disks")), 2);
	end();
}

static void test_mistakes(void)
{
	static const char *const bad[] = {
		"{}",
		"{\"action\":\"explode\",\"node\":\"vda\"}",
		"{\"action\":\"remove\",\"node\":\"vdz\"}",
		"{\"action\":\"hold\",\"node\":\"vda\",\"holder\":\"../x\"}",
		"{\"action\":\"add\",\"serial\":\"x\"}",
		"{\"action\":\"add\",\"serial\":\"a\\nb\",\"size\":512}",
		"{\"action\":\"add\",\"size\":512,\"bus\":\"ide\"}",
	};
	static const char *const settings[] = {
		"{\"hv-bus\":\"ide\"}", "{\"hv-serial\":\"x\"}", "{\"hv-link\":\"x\"}",
		"{\"hv-size\":\"+x\"}", "{\"hv-unplug\":\"x\"}", "{\"hv-delay-ms\":-1}",
		"{\"hv-nothing\":1}",
	};

	begin(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(sc_request(&sim, "POST", "/admin/disk", bad[i], "application/json"),
				400);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		CU_ASSERT_EQUAL(sc_request(&sim, "POST", "/admin/set", settings[i],
					   "application/json"),
				400);
	end();
}

/* umockdev would abort at the 12th event that is not read. Also: many disks, two letters. */
static void test_deaf_listener(void)
{
	begin(NULL);
	for (unsigned i = 0; i < 40; i++) {
		disk("{\"action\":\"add\",\"size\":4194304,\"serial\":\"x\"}");
		if (i == 25)
			CU_ASSERT_STRING_EQUAL(mk_json_str(sim.json, "node", ""), "vdaa");
		if (i == 36) {
			/* what its queue held; from now on the listener reads, and loses nothing */
			CU_ASSERT_STRING_NOT_EQUAL(next_event(EVENT_MS), "");
			while (!streq(next_event(0), ""))
				;
		} else if (i > 36) {
			check_event_of(mk_json_str(sim.json, "node", "?"));
		}
	}
	check_contents("sys/block/vdaa/dev", "252:416");
	end();
}

/* umockdev would take its own files for devices, and abort. */
static void test_tmpdir(void)
{
	_cleanup_free_ char *program =
		mk_strdup_printf("%s/sim/cloudstack-sim", getenv("top_builddir"));
	_cleanup_free_ char *preload = child_preload("libumockdev-preload.so.0");
	static const char *const dirs[] = { "TMPDIR=/dev", "TMPDIR=/dev/shm" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		const char *const argv[] = { program, "--hypervisor=umockdev", NULL };
		const char *const env[] = { preload, dirs[i], NULL };
		_cleanup_free_ char *output = NULL;
		int status = child_run(argv, env, &output);

		CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) != 0);
		if (!strstr(output, "TMPDIR is /dev"))
			tap_note("%s: %s", dirs[i], output);
		CU_ASSERT_PTR_NOT_NULL(strstr(output, "TMPDIR is /dev"));
	}
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "virtio", test_virtio },
		{ "scsi", test_scsi },
		{ "serial-faults", test_serial_faults },
		{ "size-and-links", test_size_and_links },
		{ "late-and-never", test_late_and_never },
		{ "K1-K4-paused-and-deaf", test_paused_and_deaf },
		{ "K10-scsi-swap", test_scsi_swap },
		{ "K3-resize", test_resize },
		{ "letters-at-boot", test_letters_at_boot },
		{ "disks-by-hand", test_disks_by_hand },
		{ "mistakes", test_mistakes },
		{ "deaf-listener", test_deaf_listener },
		{ "tmpdir", test_tmpdir },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "sim-hypervisor", NULL, NULL, tests);
}
