/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves the device table (src/device/device.c) on the fake machine of device-env.h: disks that come, go and change,
 * events that are lost, and lookups.
 */

#include "device-env.h"
#include "tap.h"

#define BY_ID "/dev/disk/by-id/"

static const struct de_disk vdb = {
	.name = "vdb",
	.minor = 16,
	.serial = SERIAL_A,
	.links = BY_ID "virtio-" SERIAL_A,
	.seq = 7,
};

/* ---- coming and going ---------------------------------------------------------------------------------------- */

static void test_coldplug(void)
{
	struct dev_env e;

	de_start(&e);
	de_plug(&e, &vdb);
	de_watch(&e);
	CU_ASSERT_PTR_NOT_NULL(de_disk(&e, SERIAL_A));
	de_until(&e, SERIAL_A, 1);
	CU_ASSERT_EQUAL(e.n_changes, 0); /* what was there first is no change */
	de_stop(&e);
}

static void test_replug(void)
{
	static const struct de_disk next = { .name = "vdb",
					     .minor = 16,
					     .serial = SERIAL_B,
					     .links = BY_ID "virtio-" SERIAL_B,
					     .seq = 8 };
	const struct mk_disk *disk;
	uint64_t since;
	struct dev_env e;

	de_start_with(&e, &vdb, SERIAL_A);
	since = de_disk(&e, SERIAL_A)->since;
	de_unplug(&e, &vdb);
	de_plug(&e, &next);
	de_until(&e, SERIAL_B, 1);
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, SERIAL_A, NULL, 0), 0);
	disk = de_disk(&e, SERIAL_B);
	CU_ASSERT_STRING_EQUAL(disk->node, "/dev/vdb");
	CU_ASSERT_EQUAL(disk->diskseq, 8);
	CU_ASSERT(disk->since > since);
	CU_ASSERT_EQUAL(de_count(&e), 1);

	de_unplug(&e, &next);
	de_until(&e, SERIAL_B, 0);
	CU_ASSERT_EQUAL(de_count(&e), 0);
	CU_ASSERT_EQUAL(mk_devices_find(e.devices, "252:16", &disk), -ENOENT);
	de_stop(&e);
}

/* The removal was lost; the new disk is elsewhere in sysfs. */
static void test_number_taken(void)
{
	const struct mk_disk *disk = NULL;
	struct dev_env e;

	de_start_with(&e, &vdb, SERIAL_A);
	de_vanish(&e, &vdb);
	de_plug_text(&e, "P: /devices/pci0000:00/0000:00:05.0/virtio99\nE: SUBSYSTEM=virtio\n\n"
			 "P: /devices/pci0000:00/0000:00:05.0/virtio99/block/vdc\nN: vdc\n"
			 "E: DEVNAME=/dev/vdc\nE: DEVTYPE=disk\nE: SUBSYSTEM=block\nE: MAJOR=252\n"
			 "E: MINOR=16\nE: DISKSEQ=8\nA: dev=252:16\nA: size=8\\n\n"
			 "A: serial=" SERIAL_B "\n");
	de_until(&e, SERIAL_B, 1);
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, SERIAL_A, NULL, 0), 0);
	CU_ASSERT_EQUAL(mk_devices_find(e.devices, "252:16", &disk), 0);
	CU_ASSERT_STRING_EQUAL(disk->serial, SERIAL_B);
	de_stop(&e);
}

static void test_outdated_remove(void)
{
	struct dev_env e;

	de_start_with(&e, &vdb, SERIAL_A);
	de_property(&e, &vdb, "DISKSEQ", "6");
	de_event(&e, &vdb, "remove");
	de_event(&e, &vdb, "change"); /* sysfs says 7: the event is not about this disk */
	de_sync(&e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(de_disk(&e, SERIAL_A));
	CU_ASSERT_EQUAL(de_disk(&e, SERIAL_A)->diskseq, 7);

	de_property(&e, &vdb, "DISKSEQ", "7");
	de_event(&e, &vdb, "remove");
	de_until(&e, SERIAL_A, 0);
	de_stop(&e);
}

/* The event of a disk whose place another one has by now: what sysfs says is the other's. */
static void test_replaced_behind(void)
{
	struct dev_env e;

	de_start_with(&e, &vdb, SERIAL_A);
	de_attribute(&e, &vdb, "diskseq", "8\n");
	de_attribute(&e, &vdb, "serial", SERIAL_B);
	de_event(&e, &vdb, "change");
	de_until(&e, SERIAL_A, 0);
	CU_ASSERT_EQUAL(de_count(&e), 0);

	de_property(&e, &vdb, "DISKSEQ", "8");
	de_event(&e, &vdb, "add");
	de_until(&e, SERIAL_B, 1);
	CU_ASSERT_EQUAL(de_disk(&e, SERIAL_B)->diskseq, 8);
	de_stop(&e);
}

static void test_gone_before_event(void)
{
	struct dev_env e;

	de_start(&e);
	de_watch(&e);
	de_plug(&e, &vdb);
	de_vanish(&e, &vdb); /* and its remove event is lost */
	de_sync(&e);
	CU_ASSERT_EQUAL(de_count(&e), 0);
	de_stop(&e);
}

static void test_resize(void)
{
	uint64_t since;
	struct dev_env e;

	de_start_with(&e, &vdb, SERIAL_A);
	since = de_disk(&e, SERIAL_A)->since;
	e.n_changes = 0;
	de_event(&e, &vdb, "change"); /* nothing new */
	while (sd_event_run(e.event, 0) > 0)
		;
	CU_ASSERT_EQUAL(e.n_changes, 0);

	de_attribute(&e, &vdb, "size", "4194304\n");
	de_event(&e, &vdb, "change");
	while (e.n_changes == 0)
		CU_ASSERT_FATAL(sd_event_run(e.event, 10 * USEC_PER_SEC) > 0);
	CU_ASSERT_EQUAL(de_disk(&e, SERIAL_A)->size, 2 * GIB);
	CU_ASSERT_EQUAL(de_disk(&e, SERIAL_A)->since, since);

	/* 2^64 / 512 and one */
	de_attribute(&e, &vdb, "size", "36028797018963969\n");
	de_event(&e, &vdb, "change");
	de_sync(&e);
	CU_ASSERT_EQUAL(de_disk(&e, SERIAL_A)->size, 0);
	de_stop(&e);
}

static void test_partial_change(void)
{
	static const struct de_disk d = { .kind = DE_SCSI,
					  .name = "sdb",
					  .minor = 16,
					  .links = BY_ID "scsi-SX_" SERIAL_A,
					  .more = "E: ID_SCSI_SERIAL=" SERIAL_A "\n",
					  .seq = 7 };
	struct dev_env e;

	de_start_with(&e, &d, SERIAL_A);
	de_property(&e, &d, "ID_SCSI_SERIAL", "");
	de_event(&e, &d, "change");
	de_sync(&e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(de_disk(&e, SERIAL_A));
	CU_ASSERT_STRING_EQUAL(de_disk(&e, SERIAL_A)->link, d.links);
	de_stop(&e);
}

/* Without a number nothing proves that it is the same disk. */
static void test_partial_change_without_number(void)
{
	static const struct de_disk d = { .kind = DE_SCSI,
					  .name = "sdb",
					  .minor = 16,
					  .more = "E: ID_SCSI_SERIAL=" SERIAL_A "\n" };
	struct dev_env e;

	de_start_with(&e, &d, SERIAL_A);
	de_property(&e, &d, "ID_SCSI_SERIAL", "");
	de_event(&e, &d, "change");
	de_until(&e, SERIAL_A, 0);
	de_stop(&e);
}

/* The next disk at the same place, whose predecessor's removal was lost, has nothing of it. */
static void test_successor_without_serial(void)
{
	static const struct de_disk first = { .kind = DE_SCSI,
					      .name = "sdb",
					      .minor = 16,
					      .more = "E: ID_SCSI_SERIAL=" SERIAL_A "\n",
					      .seq = 7 };
	static const struct de_disk second = {
		.kind = DE_SCSI, .name = "sdb", .minor = 16, .seq = 8
	};
	const struct mk_disk *disk = NULL;
	struct dev_env e;
	uint64_t since;

	de_start_with(&e, &first, SERIAL_A);
	since = de_disk(&e, SERIAL_A)->since;
	de_vanish(&e, &first);
	de_plug(&e, &second);
	de_until(&e, SERIAL_A, 0);
	CU_ASSERT_EQUAL_FATAL(mk_devices_find(e.devices, "/dev/sdb", &disk), 0);
	CU_ASSERT_STRING_EQUAL(disk->serial, "");
	CU_ASSERT_EQUAL(disk->diskseq, 8);
	CU_ASSERT(disk->since > since);
	de_stop(&e);
}

static void plug_many(struct dev_env *e, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		char name[16], serial[MK_SERIAL_SIZE];
		struct de_disk d = {
			.name = name, .minor = i * 16, .serial = serial, .seq = i + 1
		};

		snprintf(name, sizeof(name), "vd%c%c%c", 'a', 'a' + (int)i / 26, 'a' + (int)i % 26);
		snprintf(serial, sizeof(serial), "%020u", i);
		de_plug(e, &d);
	}
}

/* umockdev's sockets hold ten events (net.unix.max_dgram_qlen), so they come in portions. */
static void test_many(void)
{
	char serial[MK_SERIAL_SIZE];
	struct dev_env e;

	de_start(&e);
	plug_many(&e, 0, 100);
	de_watch(&e);
	CU_ASSERT_EQUAL(de_count(&e), 100);

	for (unsigned i = 100; i < 200; i += 4) {
		e.n_changes = 0;
		plug_many(&e, i, i + 4);
		snprintf(serial, sizeof(serial), "%020u", i + 3);
		de_until(&e, serial, 1);
		CU_ASSERT_EQUAL(e.n_changes, 1); /* one for all of a turn */
	}
	CU_ASSERT_EQUAL(de_count(&e), 200);
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, "00000000000000000123", NULL, 0), 1);
	de_stop(&e);
}

/* ---- losing events -------------------------------------------------------------------------------------------- */

static void test_enobufs(void)
{
	char serial[MK_SERIAL_SIZE];
	struct dev_env e;

	de_start_with(&e, &vdb, SERIAL_A);
	de_fail_receive(3, ENOBUFS, true);
	de_unplug(&e, &vdb);
	plug_many(&e, 30, 34);
	for (unsigned i = 30; i < 34; i++) {
		snprintf(serial, sizeof(serial), "%020u", i);
		de_until(&e, serial, 1);
	}
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, SERIAL_A, NULL, 0), 0);
	CU_ASSERT_EQUAL(de_count(&e), 4);
	de_stop(&e);
}

static void test_broken_socket(void)
{
	static const struct de_disk vdc = { .name = "vdc", .minor = 32, .serial = SERIAL_B };
	struct dev_env e;

	de_start(&e);
	de_watch(&e);
	de_fail_receive(64, EIO, false); /* all of a turn */
	de_plug(&e, &vdb);
	de_until(&e, SERIAL_A, 1); /* by looking, a second later */
	CU_ASSERT(!de_disk(&e, SERIAL_A)->settled);

	de_plug(&e, &vdc);
	de_until(&e, SERIAL_B, 1);
	CU_ASSERT(de_disk(&e, SERIAL_B)->settled); /* by event */
	de_stop(&e);
}

/* The queue ends with the last message of a turn, so that no further turn comes by itself. */
static void test_lost_in_full_turn(void)
{
	static const struct de_disk vdc = { .name = "vdc", .minor = 32, .serial = SERIAL_B };
	struct dev_env e;

	de_start_with(&e, &vdb, SERIAL_A);
	de_vanish(&e, &vdb); /* this event is lost */
	de_fail_receive(63, ENOBUFS, false);
	de_plug(&e, &vdc);
	de_until(&e, SERIAL_B, 1);
	CU_ASSERT(de_disk(&e, SERIAL_B)->settled); /* by event: the 64th */
	de_until(&e, SERIAL_A, 0);
	de_stop(&e);
}

static void test_rescan(void)
{
	static const struct de_disk vdc = { .name = "vdc", .minor = 32, .serial = SERIAL_B };
	struct dev_env e;

	de_start_with(&e, &vdb, SERIAL_A);
	de_plug(&e, &vdc);
	de_vanish(&e, &vdb); /* no event */
	e.n_changes = 0;
	CU_ASSERT_EQUAL(mk_devices_rescan(e.devices), 0);
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, SERIAL_A, NULL, 0), 0);
	CU_ASSERT_PTR_NOT_NULL(de_disk(&e, SERIAL_B));
	CU_ASSERT_EQUAL(e.n_changes, 0); /* never within a call */
	de_until(&e, SERIAL_A, 0);
	CU_ASSERT(e.n_changes > 0);
	de_stop(&e);
}

/* ---- lookups ---------------------------------------------------------------------------------------------------- */

static void test_find(void)
{
	static const char *const junk[] = {
		"",
		"vdb",
		"/etc/passwd",
		"/dev",
		"/dev/../etc/passwd",
		"/dev/..",
		"252",
		"252:",
		":16",
		"252:16 ",
		"0xfc:16",
		"-1:16",
		"252:16:1",
		"4294967296:0",
		"99999999999999999999999:1",
		"./vdb",
		"/dev/../dev/vdb",
		"/dev/disk",
		"/dev/disk/..",
		"/sys/dev/block",
	};
	const struct mk_disk *disk = NULL;
	struct dev_env e;

	de_start_with(&e, &vdb, SERIAL_A);
	CU_ASSERT_EQUAL(mk_devices_find(e.devices, "/dev/vdb", &disk), 0);
	CU_ASSERT_PTR_EQUAL(disk, de_disk(&e, SERIAL_A));
	disk = NULL;
	CU_ASSERT_EQUAL(mk_devices_find(e.devices, "252:16", &disk), 0);
	CU_ASSERT_PTR_EQUAL(disk, de_disk(&e, SERIAL_A));
	disk = NULL;
	CU_ASSERT_EQUAL(mk_devices_find(e.devices, BY_ID "virtio-" SERIAL_A, &disk), 0);
	CU_ASSERT_PTR_EQUAL(disk, de_disk(&e, SERIAL_A));
	disk = NULL;
	CU_ASSERT_EQUAL(mk_devices_find(e.devices, "/dev/vdq", &disk), -ENOENT);
	CU_ASSERT_EQUAL(mk_devices_find(e.devices, "/dev/vdb/x", &disk), -ENOENT);
	CU_ASSERT_EQUAL(mk_devices_find(e.devices, "252:48", &disk), -ENOENT);
	for (size_t i = 0; i < ARRAY_SIZE(junk); i++) {
		int r = mk_devices_find(e.devices, junk[i], &disk);

		if (r != -EINVAL)
			tap_note("'%s': %i", junk[i], r);
		CU_ASSERT_EQUAL(r, -EINVAL);
	}
	CU_ASSERT_PTR_NULL(disk);
	de_stop(&e);
}

static const struct tap_test tests[] = {
	{ "L23 there before the start", test_coldplug },
	{ "L33 replugged under the same name with another serial", test_replug },
	{ "L33 another disk with the number of one that is gone", test_number_taken },
	{ "L33 outdated events of a disk that was there before", test_outdated_remove },
	{ "L33 replaced before its event was read", test_replaced_behind },
	{ "gone before its event was read", test_gone_before_event },
	{ "resize", test_resize },
	{ "a change event without the serial", test_partial_change },
	{ "a change event without serial and diskseq", test_partial_change_without_number },
	{ "L33 a successor without a serial", test_successor_without_serial },
	{ "200 disks", test_many },
	{ "L23 lost events", test_enobufs },
	{ "L23 a socket that gives errors only", test_broken_socket },
	{ "L23 lost events in a full turn", test_lost_in_full_turn },
	{ "rescan", test_rescan },
	{ "find by node, link and number", test_find },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return tap_main(argc, argv, "device", NULL, NULL, tests);
}
