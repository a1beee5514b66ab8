/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves the device table on the real machine: its disks, and who uses a loop device. The table leaves out loop
 * devices, which cannot be volumes, so the test describes this one by hand. umockdev stays out of this program: its
 * open() loses the kernel's errno.
 */

#include "device/device-internal.h"
#include "tap.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

static struct mk_devices *watch(sd_event *event, const char *proc)
{
	struct mk_devices_config config = { .event = event, .proc = proc };
	struct mk_devices *devices = NULL;

	CU_ASSERT_EQUAL_FATAL(mk_devices_new(&config, &devices), 0);
	return devices;
}

static void check_real(const struct mk_disk *disk, void *data)
{
	_cleanup_free_ char *path = mk_strdup_printf("%s/dev", disk->syspath);
	char text[32] = "";
	dev_t devnum = 0;
	size_t *n = data;

	CU_ASSERT_EQUAL(mk_attr_line(path, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL(mk_devnum_parse(text, &devnum), 0);
	CU_ASSERT_EQUAL(disk->devnum, devnum);
	CU_ASSERT(starts_with(disk->node, "/dev/"));
	tap_note("%s: bus %s, serial '%s', link '%s', diskseq %llu, %llu bytes", disk->node,
		 disk->bus, disk->serial, disk->link, (unsigned long long)disk->diskseq,
		 (unsigned long long)disk->size);
	(*n)++;
}

static void test_real(void)
{
	struct mk_devices *devices;
	sd_event *event = NULL;
	size_t n = 0;

	if (sd_event_new(&event) < 0 || access("/sys/dev/block", F_OK) < 0) {
		tap_skip("no sysfs here");
		return;
	}

	devices = watch(event, NULL);
	mk_devices_foreach(devices, check_real, &n);
	mk_devices_free(devices);
	sd_event_unref(event);
	if (n == 0)
		tap_skip("this machine has no disk with hardware behind it");
}

/* ---- a loop device -------------------------------------------------------------------------------------------- */

struct loop {
	sd_event *event;
	struct mk_devices *devices;
	char node[64], syspath[64];
	struct mk_disk disk;
	int control, file, fd;
	bool bound;
};

#define LOOP_SIZE (4 << 20)

/* Returns false, and skips the test, if this machine has none for us. */
static bool loop_start(struct loop *l, const char *proc)
{
	struct stat st;
	int n;

	*l = (struct loop){ .control = -1, .file = -1, .fd = -1 };
	l->control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	n = l->control < 0 ? -1 : ioctl(l->control, LOOP_CTL_GET_FREE);
	if (n < 0) {
		tap_skip("no right to make loop devices, or no such thing");
		return false;
	}

	snprintf(l->node, sizeof(l->node), "/dev/loop%i", n);
	snprintf(l->syspath, sizeof(l->syspath), "/sys/devices/virtual/block/loop%i", n);
	l->file = memfd_create("loop", MFD_CLOEXEC);
	l->fd = open(l->node, O_RDWR | O_CLOEXEC);
	if (l->fd < 0 || fstat(l->fd, &st) < 0 || ftruncate(l->file, LOOP_SIZE) < 0 ||
	    ioctl(l->fd, LOOP_SET_FD, l->file) < 0) {
		tap_skip("the loop device cannot be set up");
		return false;
	}
	l->bound = true;

	l->disk = (struct mk_disk){ .node = l->node, .syspath = l->syspath, .devnum = st.st_rdev };
	CU_ASSERT_FATAL(sd_event_new(&l->event) >= 0);
	l->devices = watch(l->event, proc);
	return true;
}

static void loop_stop(struct loop *l)
{
	if (l->bound)
		(void)ioctl(l->fd, LOOP_CLR_FD);
	close(l->fd);
	close(l->file);
	close(l->control);
	mk_devices_free(l->devices);
	sd_event_unref(l->event);
}

static void check_loop(struct loop *l, int n, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	int r = mk_devices_users(l->devices, &l->disk, &text);

	if (r != n || !streq(str_or_empty(text), expected))
		tap_note("%i: '%s'", r, str_or_empty(text));
	CU_ASSERT_EQUAL(r, n);
	CU_ASSERT_STRING_EQUAL(str_or_empty(text), expected);
}

static void test_exclusive(void)
{
	_cleanup_free_ char *expected = NULL;
	char comm[64] = "";
	struct loop l;
	FILE *f;
	int fd;

	if (loop_start(&l, NULL)) {
		check_loop(&l, 0, ""); /* open, but not exclusively */

		f = fopen("/proc/self/comm", "re");
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		CU_ASSERT_PTR_NOT_NULL(fgets(comm, sizeof(comm), f));
		fclose(f);
		comm[strcspn(comm, "\n")] = '\0';
		expected =
			mk_strdup_printf("opened exclusively by process %i (%s)", getpid(), comm);
		fd = open(l.node, O_RDONLY | O_EXCL | O_CLOEXEC);
		CU_ASSERT_FATAL(fd >= 0);
		check_loop(&l, 1, expected);
		close(fd);
		check_loop(&l, 0, "");
	}
	loop_stop(&l);
}

/* A process that we may not look into. */
static void test_exclusive_by_unknown(void)
{
	char proc[] = "/tmp/device-users-XXXXXX";
	_cleanup_free_ char *self = NULL, *mountinfo = NULL;
	struct loop l;
	int fd;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(proc));
	self = mk_strdup_printf("%s/self", proc);
	mountinfo = mk_strdup_printf("%s/mountinfo", self);
	CU_ASSERT_EQUAL(mkdir(self, 0700), 0);
	CU_ASSERT_EQUAL(symlink("/dev/null", mountinfo), 0);

	if (loop_start(&l, proc)) {
		fd = open(l.node, O_RDONLY | O_EXCL | O_CLOEXEC);
		CU_ASSERT_FATAL(fd >= 0);
		check_loop(&l, 1, "opened exclusively by another process");
		close(fd);
	}
	loop_stop(&l);
	(void)unlink(mountinfo);
	(void)rmdir(self);
	(void)rmdir(proc);
}

/* In a mount namespace of our own. */
static void test_mounted(void)
{
	char dir[] = "/tmp/device users-XXXXXX";
	_cleanup_free_ char *expected = NULL, *command = NULL;
	struct loop l;

	if (!loop_start(&l, NULL)) {
		loop_stop(&l);
		return;
	}

	command =
		mk_strdup_printf("PATH=$PATH:/usr/sbin:/sbin mke2fs -q -F %s 2>/dev/null", l.node);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	if (system(command) != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(l.node, dir, "ext4", MS_RDONLY, NULL) < 0) {
		tap_skip("no mke2fs, no ext4, or no right to mount");
	} else {
		expected = mk_strdup_printf("mounted on %s (%s)", dir, l.node + strlen("/dev/"));
		check_loop(&l, 1, expected);
		CU_ASSERT_EQUAL(umount(dir), 0);
		check_loop(&l, 0, "");
	}
	(void)rmdir(dir);
	loop_stop(&l);
}

static const struct tap_test tests[] = {
	{ "the disks of this machine", test_real },
	{ "L07 opened exclusively", test_exclusive },
	{ "L07 opened exclusively by one we cannot see", test_exclusive_by_unknown },
	{ "L07 really mounted", test_mounted },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return tap_main(argc, argv, "device-real", NULL, NULL, tests);
}
