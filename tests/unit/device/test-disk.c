/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves what the device table says of a single disk, on the fake machine of device-env.h: its serial, its link, and
 * whether it can be a volume at all (a candidate).
 */

#include "device-env.h"
#include "device/device-internal.h"
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

/* ---- identity ------------------------------------------------------------------------------------------------ */

static void test_virtio(void)
{
	struct dev_env e;
	const struct mk_disk *disk;
	uint64_t before = mk_now_realtime();

	de_start_with(&e, &vdb, SERIAL_A);
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

	de_start_with(&e, &d, SERIAL_A);
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

	de_start_with(&e, &d, SERIAL_A);
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

	de_start_with(&e, &d, SERIAL_A);
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

	de_start_with(&e, &by_page, SERIAL_A);
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

	de_start_with(&e, &virtio, SERIAL_A);
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

	de_start_with(&e, &d, SERIAL_A);
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

	de_start_with(&e, &vdb, SERIAL_A);
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
	CU_ASSERT_EQUAL(de_count(&e), 0);
	CU_ASSERT_EQUAL(mk_devices_rescan(e.devices), 0);
	CU_ASSERT_EQUAL(de_count(&e), 0);
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

/* Always the same one, whatever the order in which udev names them. */
static void test_several_links(void)
{
	static const struct de_disk d = { .kind = DE_SCSI,
					  .name = "sdb",
					  .minor = 16,
					  .serial = SERIAL_A,
					  .links = BY_ID "scsi-SQEMU_QEMU_HARDDISK_" SERIAL_A };
	struct dev_env e;

	de_start_with(&e, &d, SERIAL_A);
	CU_ASSERT_STRING_EQUAL(de_disk(&e, SERIAL_A)->link, d.links);
	de_link(&e, BY_ID "scsi-0QEMU_QEMU_HARDDISK_" SERIAL_A, "../../sdb");
	CU_ASSERT_STRING_EQUAL(de_disk(&e, SERIAL_A)->link,
			       BY_ID "scsi-0QEMU_QEMU_HARDDISK_" SERIAL_A);
	de_stop(&e);
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

	de_start_with(&e, &vdb, SERIAL_A);
	de_link(&e, BY_ID "virtio-" SERIAL_A, NULL); /* umockdev does not replace links */
	de_plug(&e, &twin);
	de_until(&e, SERIAL_A, 2);
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, SERIAL_A, disks, 2), 2);
	CU_ASSERT(!streq(disks[0]->node, disks[1]->node));
	CU_ASSERT_EQUAL(mk_devices_by_serial(e.devices, SERIAL_A, &one, 1), 2);
	CU_ASSERT_PTR_NULL(mk_devices_only(e.devices, SERIAL_A));
	CU_ASSERT_PTR_NULL(mk_devices_only(e.devices, SERIAL_B));

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

	de_start_with(&e, &other, SERIAL_B);
	de_link(&e, BY_ID "virtio-" SERIAL_A, "../../vdc");
	de_plug(&e, &(struct de_disk){ .name = "vdb", .minor = 16, .serial = SERIAL_A });
	de_until(&e, SERIAL_A, 1);
	disk = de_disk(&e, SERIAL_A);
	CU_ASSERT(disk->stale_link);
	CU_ASSERT_STRING_EQUAL(disk->link, "");

	/* udev mends it; a lookup that looks at the links sees that at once and tells the others */
	e.n_changes = 0;
	de_link(&e, BY_ID "virtio-" SERIAL_A, "../../vdb");
	CU_ASSERT_PTR_EQUAL(mk_devices_only(e.devices, SERIAL_A), disk);
	CU_ASSERT(disk->stale_link);
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

	de_start_with(&e, &vdb, SERIAL_A);
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
	{ "several links", test_several_links },
	{ "L31 two disks with one serial", test_two_disks },
	{ "stale link", test_stale_link },
	{ "missing and dangling link", test_missing_link },
	{ "no udev database", test_no_database },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return tap_main(argc, argv, "device-disk", NULL, NULL, tests);
}
