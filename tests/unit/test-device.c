/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "device-env.h"
#include "device-internal.h"
#include "tap.h"

#include <sys/sysmacros.h>

#define BY_ID "/dev/disk/by-id/"

static const struct de_disk vdb = {
	.name = "vdb",
	.minor = 16,
	.serial = SERIAL_A,
	.links = BY_ID "virtio-" SERIAL_A,
	.seq = 7,
};

/* Plugs one disk into a machine that is watched already. */
static void start_with(struct dev_env *e, const struct de_disk *d, const char *serial)
{
	de_start(e);
	de_watch(e);
	de_plug(e, d);
	de_until(e, serial, 1);
}

/* ---- identity ------------------------------------------------------------------------------------------------ */

static void test_virtio(void)
{
	struct dev_env e;
	const struct mk_disk *disk;
	uint64_t before = mk_now_realtime();

	start_with(&e, &vdb, SERIAL_A);
	disk = de_disk(&e, SERIAL_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(disk);
	CU_ASSERT_STRING_EQUAL(disk->node, "/dev/vdb");
	CU_ASSERT_STRING_EQUAL(disk->link, BY_ID "virtio-" SERIAL_A);
	CU_ASSERT_STRING_EQUAL(disk->serial, SERIAL_A);
	CU_ASSERT_STRING_EQUAL(disk->bus, "virtio");
	CU_ASSERT_STRING_EQUAL(disk->syspath,
			       "/sys/devices/pci0000:00/0000:00:05.0/virtio16/block/vdb");
	CU_ASSERT(!disk->stale_link);
	CU_ASSERT(disk->settled);
	CU_ASSERT_EQUAL(disk->devnum, makedev(252, 16));
	CU_ASSERT_EQUAL(disk->diskseq, 7);
	CU_ASSERT_EQUAL(disk->size, GIB);
	CU_ASSERT(disk->since >= before && disk->since <= mk_now_realtime());
	CU_ASSERT_EQUAL(e.n_changes, 1);
	de_stop(&e);
}

static void test_virtio_property(void)
{
	static const struct de_disk d = { .name = "vdb",
					  .minor = 16,
					  .more = "E: ID_SERIAL=" SERIAL_A "\n" };
	struct dev_env e;

	start_with(&e, &d, SERIAL_A);
	CU_ASSERT_PTR_NOT_NULL(de_disk(&e, SERIAL_A));
	CU_ASSERT_EQUAL(de_disk(&e, SERIAL_A)->diskseq, 0);
	de_stop(&e);
}

static void test_scsi_page(void)
{
	static const struct de_disk d = {
		.kind = DE_SCSI,
		.name = "sdb",
		.minor = 16,
		.serial = SERIAL_A,
		.links = BY_ID "scsi-SQEMU_QEMU_HARDDISK_" SERIAL_A " " BY_ID
			       "scsi-0QEMU_QEMU_HARDDISK_" SERIAL_A,
		/* with a WWN only this key still holds the serial */
		.more = "E: ID_BUS=scsi\nE: ID_SERIAL=35000c500a1b2c3d4\n"
			"E: ID_SERIAL_SHORT=5000c500a1b2c3d4\n",
	};
	struct dev_env e;
	const struct mk_disk *disk;

	start_with(&e, &d, SERIAL_A);
	disk = de_disk(&e, SERIAL_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(disk);
	CU_ASSERT_STRING_EQUAL(disk->bus, "scsi");
	CU_ASSERT_STRING_EQUAL(disk->link, BY_ID "scsi-0QEMU_QEMU_HARDDISK_" SERIAL_A);
	de_stop(&e);
}

static void test_scsi_property(void)
{
	static const struct de_disk d = {
		.kind = DE_SCSI,
		.name = "sdb",
		.minor = 16,
		.more = "E: ID_BUS=scsi\nE: ID_SERIAL=35000c500a1b2c3d4\n"
			"E: ID_SERIAL_SHORT=" SERIAL_B "\nE: ID_SCSI_SERIAL=" SERIAL_A "\n",
	};
	struct dev_env e;

	start_with(&e, &d, SERIAL_A);
	CU_ASSERT_PTR_NULL(de_disk(&e, SERIAL_B));
	de_stop(&e);
}

/* QEMU then shows the drive's name where other disks show a number. */
static void test_scsi_without(void)
{
	static const struct de_disk d = {
		.kind = DE_SCSI,
		.name = "sdb",
		.minor = 16,
		.more = "E: ID_BUS=scsi\nE: ID_SERIAL=0QEMU_QEMU_HARDDISK_drive-scsi0-0-0-1\n"
			"E: ID_SERIAL_SHORT=drive-scsi0-0-0-1\n",
	};
	const struct mk_disk *disk = NULL;
	struct dev_env e;

	de_start(&e);
	de_plug(&e, &d);
	de_watch(&e);
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, "drive-scsi0-0-0-1", NULL, 0), 0);
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, "", NULL, 0), 0);
	CU_ASSERT_EQUAL_FATAL(mk_devices_find(e.devices, "8:16", &disk), 0);
	CU_ASSERT_STRING_EQUAL(disk->serial, "");
	CU_ASSERT_STRING_EQUAL(disk->link, "");
	CU_ASSERT(!disk->stale_link);
	de_stop(&e);
}

static void test_ata(void)
{
	static const struct de_disk by_page = {
		.kind = DE_SCSI,
		.name = "sdb",
		.minor = 16,
		.serial = SERIAL_A,
		.vendor = "ATA     ",
	};
	static const struct de_disk by_property = {
		.kind = DE_SCSI,
		.name = "sdc",
		.minor = 32,
		.links = BY_ID "ata-QEMU_HARDDISK_" SERIAL_B,
		.more = "E: ID_BUS=ata\nE: ID_SERIAL=QEMU_HARDDISK_" SERIAL_B
			"\nE: ID_SERIAL_SHORT=" SERIAL_B "\n",
	};
	struct dev_env e;

	start_with(&e, &by_page, SERIAL_A);
	CU_ASSERT_STRING_EQUAL(de_disk(&e, SERIAL_A)->bus, "ata");
	de_plug(&e, &by_property);
	de_until(&e, SERIAL_B, 1);
	CU_ASSERT_STRING_EQUAL(de_disk(&e, SERIAL_B)->bus, "ata");
	CU_ASSERT_STRING_EQUAL(de_disk(&e, SERIAL_B)->link, BY_ID "ata-QEMU_HARDDISK_" SERIAL_B);
	de_stop(&e);
}

static void test_sysfs_first(void)
{
	static const struct de_disk virtio = { .name = "vdb",
					       .minor = 16,
					       .serial = SERIAL_A,
					       .more = "E: ID_SERIAL=" SERIAL_B "\n" };
	static const struct de_disk scsi = { .kind = DE_SCSI,
					     .name = "sdb",
					     .minor = 16,
					     .serial = SERIAL_A,
					     .more = "E: ID_SCSI_SERIAL=" SERIAL_B "\n" };
	struct dev_env e;

	start_with(&e, &virtio, SERIAL_A);
	de_plug(&e, &scsi);
	de_until(&e, SERIAL_A, 2);
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, SERIAL_B, NULL, 0), 0);
	de_stop(&e);
}

static void check_choice(const struct mk_serial_facts *facts, const char *expected)
{
	char serial[MK_SERIAL_TEXT_SIZE] = "untouched";

	mk_serial_choose(facts, serial);
	if (!streq(serial, expected))
		tap_note("'%s' where '%s' was expected", serial, expected);
	CU_ASSERT_STRING_EQUAL(serial, expected);
}

#define PAGE(bytes) .page = (const uint8_t *)(bytes), .page_size = sizeof(bytes) - 1

static void test_choose(void)
{
	char long_text[MK_SERIAL_TEXT_SIZE + 1];

	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';

#define CHECK(expected, ...) check_choice(&(struct mk_serial_facts){ __VA_ARGS__ }, expected)
	CHECK("", .bus = "");
	CHECK("x", .bus = "virtio", .attribute = "  x \n", .id_serial = "y");
	CHECK("a b", .bus = "virtio", .attribute = " a b ");
	CHECK("y", .bus = "virtio", .attribute = "", .id_serial = "y");
	CHECK("y", .bus = "virtio", .attribute = "   ", .id_serial = "y", .id_serial_short = "z");
	CHECK("", .bus = "virtio", .id_serial_short = "z", .id_scsi_serial = "z");
	CHECK("", .bus = "scsi", .id_serial = "z", .id_serial_short = "z");
	CHECK("z", .bus = "usb", .id_serial = "y", .id_serial_short = "z", .id_scsi_serial = "x");
	/* bad texts are none */
	CHECK("", .bus = "virtio", .attribute = "a\tb");
	CHECK("", .bus = "virtio", .attribute = "\xff" SERIAL_A);
	CHECK("y", .bus = "virtio", .attribute = "\xc3", .id_serial = "y");
	CHECK("", .bus = "virtio", .attribute = long_text);
	CHECK(long_text + 1, .bus = "virtio", .attribute = long_text + 1);
	/* pages */
	CHECK("abc", .bus = "scsi", PAGE("\0\x80\0\3abc"), .id_scsi_serial = "y");
	CHECK("abc", .bus = "scsi", PAGE("\0\x80\0\5 abc xx")); /* what follows is not the page's */
	CHECK("abc", .bus = "scsi", PAGE("\0\x80\0\6abc\0\0\0"));
	CHECK("y", .bus = "scsi", PAGE("\0\x80\0\4abc"), .id_scsi_serial = "y");  /* cut off */
	CHECK("y", .bus = "scsi", PAGE("\0\x83\0\3abc"), .id_scsi_serial = "y");  /* other page */
	CHECK("y", .bus = "scsi", PAGE("\0\x80\0\3a\0c"), .id_scsi_serial = "y"); /* a NUL */
	CHECK("y", .bus = "scsi",
	      PAGE("\0\x80\xff\xff"
		   "abc"),
	      .id_scsi_serial = "y");
	CHECK("y", .bus = "scsi", PAGE("\0\x80\0"), .id_scsi_serial = "y");
	CHECK("", .bus = "scsi", PAGE("\0\x80\0\0"));
	CHECK("", .bus = "scsi", PAGE(""));
#undef CHECK
}

static void test_bad_serials(void)
{
	static const struct de_disk d = { .name = "vdb",
					  .minor = 16,
					  .more = "H: serial=FF41\nE: ID_SERIAL=" SERIAL_A "\n" };
	static const struct de_disk blank = { .name = "vdc", .minor = 32, .serial = "\\n" };
	static const struct de_disk padded = {
		.kind = DE_SCSI, .name = "sdb", .minor = 16, .serial = "  " SERIAL_B "    "
	};
	const struct mk_disk *disk = NULL;
	struct dev_env e;

	start_with(&e, &d, SERIAL_A);
	de_plug(&e, &blank);
	de_plug(&e, &padded);
	de_until(&e, SERIAL_B, 1);
	CU_ASSERT_EQUAL_FATAL(mk_devices_find(e.devices, "252:32", &disk), 0);
	CU_ASSERT_STRING_EQUAL(disk->serial, "");
	de_stop(&e);
}

static void test_volume_serial(void)
{
	char serial[MK_SERIAL_SIZE];

	mk_serial_of_volume("b3bb9310-1b59-4f62-97e8-cefffdfe3804", serial);
	CU_ASSERT_STRING_EQUAL(serial, "b3bb93101b594f6297e8");
	mk_serial_of_volume("b3", serial);
	CU_ASSERT_STRING_EQUAL(serial, "b3");
}

/* ---- candidates ------------------------------------------------------------------------------------------------ */

static void test_partition(void)
{
	static const char partition[] =
		"P: /devices/pci0000:00/0000:00:05.0/virtio16/block/vdb/vdb1\nN: vdb1\n"
		"E: DEVNAME=/dev/vdb1\nE: DEVTYPE=partition\nE: SUBSYSTEM=block\nE: MAJOR=252\n"
		"E: MINOR=17\nE: ID_SERIAL=" SERIAL_A "\nE: DISKSEQ=7\nA: dev=252:17\n"
		"A: partition=1\\n\nA: size=2048\\n\n";
	const struct mk_disk *disk = NULL;
	struct dev_env e;

	start_with(&e, &vdb, SERIAL_A);
	de_plug_text(&e, partition);
	de_sync(&e);
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, SERIAL_A, &disk, 1), 1);
	CU_ASSERT_STRING_EQUAL(disk->node, "/dev/vdb");

	/* nor when they are found at a scan */
	CU_ASSERT_EQUAL(mk_devices_rescan(e.devices), 0);
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, SERIAL_A, &disk, 1), 1);
	CU_ASSERT_EQUAL(mk_devices_find(e.devices, "/dev/vdb1", &disk), -ENOTSUP);
	CU_ASSERT_EQUAL(mk_devices_find(e.devices, "252:17", &disk), -ENOTSUP);
	de_stop(&e);
}

static void count(const struct mk_disk *disk, void *data)
{
	size_t *n = data;

	(*n)++;
}

static size_t count_disks(struct dev_env *e)
{
	size_t n = 0;

	mk_devices_foreach(e->devices, count, &n);
	return n;
}

static void test_not_candidates(void)
{
#define VIRTUAL(name, minor)                                                                       \
	"P: /devices/virtual/block/" name "\nN: " name "\nE: DEVNAME=/dev/" name                   \
	"\nE: DEVTYPE=disk\nE: SUBSYSTEM=block\nE: MAJOR=7\nE: MINOR=" minor                       \
	"\nE: ID_SERIAL=" SERIAL_A "\nA: dev=7:" minor "\nA: serial=" SERIAL_A                     \
	"\nA: size=8\\n\n\n"
	static const char virtual[] = VIRTUAL("loop0", "0") VIRTUAL("dm-0", "1") VIRTUAL("md0", "2")
		VIRTUAL("zram0", "3") VIRTUAL("ram0", "4") VIRTUAL("nbd0", "5");
	static const char cd[] = "P: /devices/pci0000:00/0000:00:07.0/ata1/host0/block/sr0\n"
				 "N: sr0\nE: DEVNAME=/dev/sr0\nE: DEVTYPE=disk\n"
				 "E: SUBSYSTEM=block\nE: MAJOR=11\nE: MINOR=0\n"
				 "E: ID_SERIAL_SHORT=" SERIAL_A "\nA: dev=11:0\nA: size=8\\n\n";
	static const char floppy[] = "P: /devices/platform/floppy.0/block/fd0\n"
				     "N: fd0\nE: DEVNAME=/dev/fd0\nE: DEVTYPE=disk\n"
				     "E: SUBSYSTEM=block\nE: MAJOR=2\nE: MINOR=0\n"
				     "E: ID_SERIAL_SHORT=" SERIAL_A "\nA: dev=2:0\nA: size=8\\n\n";
	const struct mk_disk *disk;
	struct dev_env e;

	de_start(&e);
	de_watch(&e);
	de_plug_text(&e, virtual);
	de_plug_text(&e, cd);
	de_plug_text(&e, floppy);
	de_sync(&e);
	CU_ASSERT_EQUAL(count_disks(&e), 0);
	CU_ASSERT_EQUAL(mk_devices_rescan(e.devices), 0);
	CU_ASSERT_EQUAL(count_disks(&e), 0);
	CU_ASSERT_EQUAL(mk_devices_find(e.devices, "/dev/loop0", &disk), -ENOENT);
	de_stop(&e);
}

/* ---- links ------------------------------------------------------------------------------------------------------ */

static void test_link_names(void)
{
	CU_ASSERT(mk_link_names_serial(BY_ID "virtio-" SERIAL_A, SERIAL_A));
	CU_ASSERT(mk_link_names_serial(BY_ID "ata-QEMU_HARDDISK_" SERIAL_A, SERIAL_A));
	CU_ASSERT(!mk_link_names_serial(BY_ID "virtio-" SERIAL_A "-part1", SERIAL_A));
	CU_ASSERT(!mk_link_names_serial(BY_ID "virtio-a" SERIAL_A, SERIAL_A));
	CU_ASSERT(!mk_link_names_serial(BY_ID SERIAL_A, SERIAL_A));
	CU_ASSERT(!mk_link_names_serial("/dev/disk/by-path/x-" SERIAL_A, SERIAL_A));
	CU_ASSERT(!mk_link_names_serial(BY_ID "virtio-", ""));
}

static void test_two_disks(void)
{
	static const struct de_disk twin = { .name = "vdc",
					     .minor = 32,
					     .serial = SERIAL_A,
					     .links = BY_ID "virtio-" SERIAL_A,
					     .seq = 8 };
	const struct mk_disk *disks[2] = { NULL };
	const struct mk_disk *one = NULL;
	struct dev_env e;

	start_with(&e, &vdb, SERIAL_A);
	de_link(&e, BY_ID "virtio-" SERIAL_A, NULL); /* umockdev does not replace links */
	de_plug(&e, &twin);
	de_until(&e, SERIAL_A, 2);
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, SERIAL_A, disks, 2), 2);
	CU_ASSERT(!streq(disks[0]->node, disks[1]->node));
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, SERIAL_A, &one, 1), 2);

	/* udev gave the link to the second: the first must not be handed out with it */
	CU_ASSERT_EQUAL(mk_devices_find(e.devices, "/dev/vdb", &one), 0);
	CU_ASSERT_STRING_EQUAL(one->link, "");
	CU_ASSERT(one->stale_link);
	CU_ASSERT_EQUAL(mk_devices_find(e.devices, "/dev/vdc", &one), 0);
	CU_ASSERT_STRING_EQUAL(one->link, BY_ID "virtio-" SERIAL_A);

	/* and when the second goes, udev gives it back, without an event for the first */
	de_link(&e, BY_ID "virtio-" SERIAL_A, "../../vdb");
	de_unplug(&e, &twin);
	de_until(&e, SERIAL_A, 1);
	one = de_disk(&e, SERIAL_A);
	CU_ASSERT_STRING_EQUAL(one->node, "/dev/vdb");
	CU_ASSERT_STRING_EQUAL(one->link, BY_ID "virtio-" SERIAL_A);
	CU_ASSERT(!one->stale_link);
	de_stop(&e);
}

static void test_stale_link(void)
{
	static const struct de_disk other = { .name = "vdc", .minor = 32, .serial = SERIAL_B };
	const struct mk_disk *disk;
	struct dev_env e;

	start_with(&e, &other, SERIAL_B);
	de_link(&e, BY_ID "virtio-" SERIAL_A, "../../vdc");
	de_plug(&e, &(struct de_disk){ .name = "vdb", .minor = 16, .serial = SERIAL_A });
	de_until(&e, SERIAL_A, 1);
	disk = de_disk(&e, SERIAL_A);
	CU_ASSERT(disk->stale_link);
	CU_ASSERT_STRING_EQUAL(disk->link, "");

	/* udev mends it; a lookup sees that at once and tells the others */
	e.n_changes = 0;
	de_link(&e, BY_ID "virtio-" SERIAL_A, "../../vdb");
	disk = de_disk(&e, SERIAL_A);
	CU_ASSERT(!disk->stale_link);
	CU_ASSERT_STRING_EQUAL(disk->link, BY_ID "virtio-" SERIAL_A);
	CU_ASSERT_EQUAL(e.n_changes, 0);
	de_until(&e, SERIAL_A, 1);
	CU_ASSERT_EQUAL(e.n_changes, 1);
	de_stop(&e);
}

static void test_missing_link(void)
{
	const struct mk_disk *disk;
	struct dev_env e;

	start_with(&e, &vdb, SERIAL_A);
	de_link(&e, BY_ID "virtio-" SERIAL_A, NULL);
	disk = de_disk(&e, SERIAL_A);
	CU_ASSERT_STRING_EQUAL(disk->link, "");
	CU_ASSERT(!disk->stale_link);

	de_link(&e, BY_ID "virtio-" SERIAL_A, "../../vdq"); /* dangling */
	disk = de_disk(&e, SERIAL_A);
	CU_ASSERT_STRING_EQUAL(disk->link, "");
	CU_ASSERT(!disk->stale_link);
	de_stop(&e);
}

/* A container, or a udev whose rules failed: sysfs knows the serial, and the link has its usual name. */
static void test_no_database(void)
{
	static const struct de_disk d = {
		.kind = DE_SCSI, .name = "sdb", .minor = 16, .serial = SERIAL_A
	};
	const struct mk_disk *disk;
	struct dev_env e;

	de_start(&e);
	de_plug(&e, &d);
	de_link(&e, BY_ID "scsi-0QEMU_QEMU_HARDDISK_" SERIAL_A, "../../sdb");
	de_watch(&e);
	disk = de_disk(&e, SERIAL_A);
	CU_ASSERT_PTR_NOT_NULL_FATAL(disk);
	CU_ASSERT(!disk->settled);
	CU_ASSERT_STRING_EQUAL(disk->bus, "scsi");
	CU_ASSERT_STRING_EQUAL(disk->link, BY_ID "scsi-0QEMU_QEMU_HARDDISK_" SERIAL_A);

	/* its event says that it is processed; a scan does not take that back */
	de_event(&e, &d, "change");
	de_sync(&e);
	CU_ASSERT(de_disk(&e, SERIAL_A)->settled);
	CU_ASSERT_EQUAL(mk_devices_rescan(e.devices), 0);
	CU_ASSERT(de_disk(&e, SERIAL_A)->settled);
	de_stop(&e);
}

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

	start_with(&e, &vdb, SERIAL_A);
	since = de_disk(&e, SERIAL_A)->since;
	de_unplug(&e, &vdb);
	de_plug(&e, &next);
	de_until(&e, SERIAL_B, 1);
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, SERIAL_A, NULL, 0), 0);
	disk = de_disk(&e, SERIAL_B);
	CU_ASSERT_STRING_EQUAL(disk->node, "/dev/vdb");
	CU_ASSERT_EQUAL(disk->diskseq, 8);
	CU_ASSERT(disk->since > since);
	CU_ASSERT_EQUAL(count_disks(&e), 1);

	de_unplug(&e, &next);
	de_until(&e, SERIAL_B, 0);
	CU_ASSERT_EQUAL(count_disks(&e), 0);
	CU_ASSERT_EQUAL(mk_devices_find(e.devices, "252:16", &disk), -ENOENT);
	de_stop(&e);
}

/* Two removals and one number: the new disk's event comes while the old one's removal is still on its way. */
static void test_number_taken(void)
{
	static const struct de_disk next = {
		.name = "vdc", .minor = 16, .serial = SERIAL_B, .seq = 8
	};
	const struct mk_disk *disk = NULL;
	struct dev_env e;

	start_with(&e, &vdb, SERIAL_A);
	de_vanish(&e, &vdb);
	de_plug_text(&e, "P: /devices/pci0000:00/0000:00:05.0/virtio99\nE: SUBSYSTEM=virtio\n\n"
			 "P: /devices/pci0000:00/0000:00:05.0/virtio99/block/vdc\nN: vdc\n"
			 "E: DEVNAME=/dev/vdc\nE: DEVTYPE=disk\nE: SUBSYSTEM=block\nE: MAJOR=252\n"
			 "E: MINOR=16\nE: DISKSEQ=8\nA: dev=252:16\nA: size=8\\n\n"
			 "A: serial=" SERIAL_B "\n");
	de_until(&e, SERIAL_B, 1);
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, SERIAL_A, NULL, 0), 0);
	CU_ASSERT_EQUAL(mk_devices_find(e.devices, "252:16", &disk), 0);
	CU_ASSERT_STRING_EQUAL(disk->serial, next.serial);
	de_stop(&e);
}

static void test_outdated_remove(void)
{
	struct dev_env e;

	start_with(&e, &vdb, SERIAL_A);
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

	start_with(&e, &vdb, SERIAL_A);
	de_attribute(&e, &vdb, "diskseq", "8\n");
	de_attribute(&e, &vdb, "serial", SERIAL_B);
	de_event(&e, &vdb, "change");
	de_until(&e, SERIAL_A, 0);
	CU_ASSERT_EQUAL(count_disks(&e), 0);

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
	CU_ASSERT_EQUAL(count_disks(&e), 0);
	de_stop(&e);
}

static void test_resize(void)
{
	uint64_t since;
	struct dev_env e;

	start_with(&e, &vdb, SERIAL_A);
	since = de_disk(&e, SERIAL_A)->since;
	e.n_changes = 0;
	de_event(&e, &vdb, "change"); /* nothing new */
	de_sync(&e);
	e.n_changes -= 2; /* the sentinel's */
	CU_ASSERT_EQUAL(e.n_changes, 0);

	de_attribute(&e, &vdb, "size", "4194304\n");
	de_event(&e, &vdb, "change");
	while (e.n_changes == 0)
		CU_ASSERT_FATAL(sd_event_run(e.event, 10 * USEC_PER_SEC) > 0);
	CU_ASSERT_EQUAL(de_disk(&e, SERIAL_A)->size, 2 * GIB);
	CU_ASSERT_EQUAL(de_disk(&e, SERIAL_A)->since, since);

	de_attribute(&e, &vdb, "size", "99999999999999999999\n");
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

	start_with(&e, &d, SERIAL_A);
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

	start_with(&e, &d, SERIAL_A);
	de_property(&e, &d, "ID_SCSI_SERIAL", "");
	de_event(&e, &d, "change");
	de_until(&e, SERIAL_A, 0);
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
	CU_ASSERT_EQUAL(count_disks(&e), 100);

	for (unsigned i = 100; i < 200; i += 4) {
		e.n_changes = 0;
		plug_many(&e, i, i + 4);
		snprintf(serial, sizeof(serial), "%020u", i + 3);
		de_until(&e, serial, 1);
		CU_ASSERT_EQUAL(e.n_changes, 1); /* one for all of a turn */
	}
	CU_ASSERT_EQUAL(count_disks(&e), 200);
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, "00000000000000000123", NULL, 0), 1);
	de_stop(&e);
}

/* ---- losing events -------------------------------------------------------------------------------------------- */

static void test_enobufs(void)
{
	char serial[MK_SERIAL_SIZE];
	struct dev_env e;

	start_with(&e, &vdb, SERIAL_A);
	de_fail_receive(3, ENOBUFS, true);
	de_unplug(&e, &vdb);
	plug_many(&e, 30, 34);
	for (unsigned i = 30; i < 34; i++) {
		snprintf(serial, sizeof(serial), "%020u", i);
		de_until(&e, serial, 1);
	}
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, SERIAL_A, NULL, 0), 0);
	CU_ASSERT_EQUAL(count_disks(&e), 4);
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

static void test_rescan(void)
{
	static const struct de_disk vdc = { .name = "vdc", .minor = 32, .serial = SERIAL_B };
	struct dev_env e;

	start_with(&e, &vdb, SERIAL_A);
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
		"/sys/dev/block",
	};
	const struct mk_disk *disk = NULL;
	struct dev_env e;

	start_with(&e, &vdb, SERIAL_A);
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
	{ "L32 virtio-blk", test_virtio },
	{ "virtio-blk, serial from udev", test_virtio_property },
	{ "L32 SCSI, VPD page 0x80", test_scsi_page },
	{ "SCSI, serial from udev, with a WWN", test_scsi_property },
	{ "L06 SCSI without a serial: the drive's name is none", test_scsi_without },
	{ "L32 ATA", test_ata },
	{ "L31 sysfs before udev", test_sysfs_first },
	{ "sources of the serial", test_choose },
	{ "bad serials", test_bad_serials },
	{ "the serial of a volume", test_volume_serial },
	{ "a partition is no candidate", test_partition },
	{ "loop, dm, md, zram, ram, nbd, CD and floppy are no candidates", test_not_candidates },
	{ "which links name a serial", test_link_names },
	{ "L31 two disks with one serial", test_two_disks },
	{ "stale link", test_stale_link },
	{ "missing and dangling link", test_missing_link },
	{ "no udev database", test_no_database },
	{ "L23 there before the start", test_coldplug },
	{ "L33 replugged under the same name with another serial", test_replug },
	{ "L33 another disk with the number of one that is gone", test_number_taken },
	{ "L33 outdated events of a disk that was there before", test_outdated_remove },
	{ "L33 replaced before its event was read", test_replaced_behind },
	{ "gone before its event was read", test_gone_before_event },
	{ "resize", test_resize },
	{ "a change event without the serial", test_partial_change },
	{ "a change event without serial and diskseq", test_partial_change_without_number },
	{ "200 disks", test_many },
	{ "L23 lost events", test_enobufs },
	{ "L23 a socket that gives errors only", test_broken_socket },
	{ "rescan", test_rescan },
	{ "find by node, link and number", test_find },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return tap_main(argc, argv, "device", NULL, NULL, tests);
}
