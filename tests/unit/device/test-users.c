/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves how src/device/users.c finds out who uses a disk, on the fake machine of device-env.h with a fake /proc:
 * mounts, swap, and devices on top of the disk.
 */

#include "device-env.h"
#include "tap.h"

#include <sys/sysmacros.h>

#define DEVPATH    "/devices/pci0000:00/0000:00:05.0/virtio16/block/vdb"
#define SYSPATH    "/sys" DEVPATH
#define OTHER_ROOT "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"

static const struct de_disk vdb = { .name = "vdb", .minor = 16, .serial = SERIAL_A };

static void plug_partition(struct dev_env *e, unsigned n)
{
	_cleanup_free_ char *text =
		mk_strdup_printf("P: " DEVPATH
				 "/vdb%u\nN: vdb%u\nE: DEVNAME=/dev/vdb%u\nE: DEVTYPE=partition\n"
				 "E: SUBSYSTEM=block\nE: MAJOR=252\nE: MINOR=%u\nA: dev=252:%u\n"
				 "A: partition=%u\\n\nA: size=2048\\n\n",
				 n, n, n, 16 + n, 16 + n, n);

	de_plug_text(e, text);
}

/* vdb with two partitions, and a /proc below the testbed's root. */
static void start(struct dev_env *e)
{
	de_start(e);
	e->proc = mk_strdup_printf("%s/fakeproc", e->root);
	de_file(e, "/fakeproc/self/mountinfo", OTHER_ROOT);
	de_file(e, "/fakeproc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	de_plug(e, &vdb);
	plug_partition(e, 1);
	plug_partition(e, 2);
	de_watch(e);
}

static void check_users(struct dev_env *e, int n, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	int r = mk_devices_users(e->devices, de_disk(e, SERIAL_A), &text);

	if (r != n || !streq(str_or_empty(text), expected))
		tap_note("%i: '%s'", r, str_or_empty(text));
	CU_ASSERT_EQUAL(r, n);
	CU_ASSERT_STRING_EQUAL(str_or_empty(text), expected);
}

static void set_mounts(struct dev_env *e, const char *lines)
{
	_cleanup_free_ char *text = mk_strdup_printf(OTHER_ROOT "%s", lines);

	de_file(e, "/fakeproc/self/mountinfo", text);
}

/* ---- the fake machine ------------------------------------------------------------------------------------------- */

static void test_nobody(void)
{
	_cleanup_free_ char *holder = NULL;
	struct dev_env e;

	start(&e);
	check_users(&e, 0, "");
	CU_ASSERT(!mk_devices_held(e.devices, de_disk(&e, SERIAL_A), &holder));
	CU_ASSERT_PTR_NULL(holder);
	de_stop(&e);
}

static void test_mounts(void)
{
	struct dev_env e;

	start(&e);
	set_mounts(&e, "36 22 252:16 / /mnt rw,noatime - ext3 /dev/root rw\n");
	check_users(&e, 1, "mounted on /mnt (vdb)");

	/* with and without optional fields; a bind mount of a directory */
	set_mounts(&e, "36 22 252:17 / /mnt rw shared:3 master:1 - ext4 /dev/vdb1 rw\n"
		       "37 22 252:17 /sub /srv/x rw - ext4 /dev/vdb1 rw\n"
		       "38 22 252:170 / /other rw - ext4 /dev/vdk rw\n");
	check_users(&e, 2, "mounted on /mnt (vdb1), mounted on /srv/x (vdb1)");

	/* a number of its own: told by its source */
	set_mounts(&e, "36 22 0:51 /@ /data rw - btrfs /dev/vdb2 rw,subvol=/@\n"
		       "37 22 0:52 / /none rw - tmpfs tmpfs rw\n");
	check_users(&e, 1, "mounted on /data (vdb2)");
	de_stop(&e);
}

static void test_escapes(void)
{
	struct dev_env e;

	start(&e);
	set_mounts(&e, "36 22 252:16 / /mnt/a\\040b\\134c\\011d rw - ext4 /dev/vdb rw\n");
	check_users(&e, 1, "mounted on /mnt/a b\\c?d (vdb)");
	set_mounts(&e, "36 22 252:16 / /mnt/\\012\\377\\9\\0x\\4 rw - ext4 /dev/vdb rw\n");
	check_users(&e, 1, "mounted on /mnt/?\uFFFD\\9\\0x\\4 (vdb)");
	set_mounts(&e, "36 22 0:51 / /mnt/\303\244 rw - btrfs /dev/by\\040name rw\n");
	de_link(&e, "/dev/by name", "vdb1");
	check_users(&e, 1, "mounted on /mnt/\303\244 (vdb1)");
	de_stop(&e);
}

static void test_swap(void)
{
#define HEADLINE "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
	struct dev_env e;

	start(&e);
	de_file(&e, "/fakeproc/swaps",
		HEADLINE "/dev/vdb2                               partition\t1048572\t0\t-2\n"
			 "/swapfile                               file\t1048572\t0\t-3\n");
	check_users(&e, 1, "swap (vdb2)");
	de_file(&e, "/fakeproc/swaps",
		HEADLINE "/dev/vdb1\\040(deleted) partition\t1048572\t0\t-2\n"
			 "/dev/vdb22\\040(deleted) partition\t1048572\t0\t-2\n");
	de_link(&e, "/dev/vdb1", NULL);
	check_users(&e, 1, "swap (vdb1)");
	de_stop(&e);
}

static void test_holders(void)
{
	_cleanup_free_ char *holder = NULL;
	struct dev_env e;

	start(&e);
	de_file(&e, SYSPATH "/holders/dm-0/dm/name", "vg-root\n");
	check_users(&e, 1, "held by dm-0 (vg-root)");
	CU_ASSERT(mk_devices_held(e.devices, de_disk(&e, SERIAL_A), &holder));
	CU_ASSERT_STRING_EQUAL(str_or_empty(holder), "dm-0 (vg-root)");
	de_stop(&e);
}

static void test_holders_of_partition(void)
{
	_cleanup_free_ char *holder = NULL;
	struct dev_env e;

	start(&e);
	de_file(&e, SYSPATH "/vdb2/holders/md127", "");
	check_users(&e, 1, "held by md127 on vdb2");
	CU_ASSERT(mk_devices_held(e.devices, de_disk(&e, SERIAL_A), &holder));
	CU_ASSERT_STRING_EQUAL(str_or_empty(holder), "md127");
	de_stop(&e);
}

static void test_many_users(void)
{
	_cleanup_free_ char *text = NULL, *before = strdup("volume x"), *lines = NULL;
	struct dev_env e;
	size_t size;
	FILE *f;

	start(&e);
	set_mounts(&e, "36 22 252:17 / /mnt rw - ext4 /dev/vdb1 rw\n");
	de_file(&e, SYSPATH "/vdb2/holders/md127", "");
	CU_ASSERT_EQUAL(mk_devices_users(e.devices, de_disk(&e, SERIAL_A), &before), 2);
	CU_ASSERT_STRING_EQUAL(before, "volume x, mounted on /mnt (vdb1), held by md127 on vdb2");

	f = open_memstream(&lines, &size);
	for (unsigned i = 0; i < 40; i++)
		fprintf(f, "%u 22 252:17 / /mnt%u rw - ext4 /dev/vdb1 rw\n", 36 + i, i);
	fclose(f);
	set_mounts(&e, lines);
	CU_ASSERT_EQUAL(mk_devices_users(e.devices, de_disk(&e, SERIAL_A), &text), 41);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "mounted on /mnt15 (vdb1), and 25 more"));
	CU_ASSERT_PTR_NULL(strstr(text, "/mnt16 "));
	de_stop(&e);
}

/* What cannot be found out must not look like "nobody". */
static void test_unknown(void)
{
	struct dev_env e;

	start(&e);
	set_mounts(&e, "36 22 252:16 /\n");
	check_users(&e, -EBADMSG, "");
	set_mounts(&e, "36 22 252:x / /mnt rw - ext4 /dev/vdb rw\n");
	check_users(&e, -EBADMSG, "");
	set_mounts(&e, "");
	check_users(&e, 0, "");

	de_attribute(&e, &vdb, "vdb1/dev", "nonsense\n");
	check_users(&e, -EINVAL, "");
	de_attribute(&e, &vdb, "vdb1/dev", "252:17\n");

	de_link(&e, "/fakeproc/self/mountinfo", NULL);
	check_users(&e, -ENOENT, "");
	de_stop(&e);
}

static void test_gone(void)
{
	struct dev_env e;

	start(&e);
	de_link(&e, "/dev/vdb", NULL); /* the node */
	check_users(&e, 0, "");
	de_vanish(&e, &vdb); /* sysfs too; the event is still on its way */
	check_users(&e, 0, "");
	set_mounts(&e, "36 22 252:16 / /mnt rw - ext4 /dev/vdb rw\n");
	check_users(&e, 1, "mounted on /mnt (vdb)");
	de_stop(&e);
}

/* The table is behind: the node is another disk's, whose users are not the question. */
static void test_node_taken(void)
{
	struct mk_disk disk;
	_cleanup_free_ char *text = NULL;
	struct dev_env e;

	start(&e);
	disk = *de_disk(&e, SERIAL_A);
	disk.devnum = makedev(252, 160);
	CU_ASSERT_EQUAL(mk_devices_users(e.devices, &disk, &text), -ESTALE);
	CU_ASSERT_PTR_NULL(text);
	de_stop(&e);
}

static const struct tap_test tests[] = {
	{ "nobody", test_nobody },
	{ "L07 mounts, of the disk, of a partition, by source", test_mounts },
	{ "L07 escapes in mount points", test_escapes },
	{ "L07 swap", test_swap },
	{ "L07 held by dm", test_holders },
	{ "L07 a partition held by md", test_holders_of_partition },
	{ "L07 many users", test_many_users },
	{ "what cannot be found out is an error", test_unknown },
	{ "a disk that is gone", test_gone },
	{ "the node is another disk's", test_node_taken },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return tap_main(argc, argv, "device-users", NULL, NULL, tests);
}
