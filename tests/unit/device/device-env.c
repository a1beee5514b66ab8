/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements device-env.h on umockdev. Its own recvmsg() lets a test lose events. */

#include "device-env.h"

#include "tap.h"

#include <dlfcn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <umockdev.h>

#define PATIENCE     (10 * USEC_PER_SEC)
#define SECTOR_SIZE  512
#define MAJOR_VIRTIO 252
#define MAJOR_SCSI   8
#define SENTINEL     "5e5e5e5e5e5e5e5e5e5e"

/* ---- losing events ----------------------------------------------------------------------------------------- */

static struct {
	unsigned n;
	int error;
	bool lose;
} receive_fails;

void de_fail_receive(unsigned n, int error, bool lose)
{
	receive_fails.n = n;
	receive_fails.error = error;
	receive_fails.lose = lose;
}

/* libudev's calls come here, as the program is looked at before any library. */
__attribute__((visibility("default"))) ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	static ssize_t (*next)(int fd, struct msghdr *message, int flags);
	ssize_t n = 0;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "recvmsg");
	if (receive_fails.n == 0)
		return next(fd, message, flags);

	if (receive_fails.lose)
		n = next(fd, message, flags);
	if (n < 0)
		return n;
	receive_fails.n--;
	errno = receive_fails.error;
	return -1;
}

/* ---- life --------------------------------------------------------------------------------------------------- */

static void on_change(void *data)
{
	struct dev_env *e = data;

	e->n_changes++;
}

void de_start(struct dev_env *e)
{
	*e = (struct dev_env){ 0 };
	/* umockdev's way to write a file makes a real disk work: 20 times slower */
	if (access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 0);
	e->bed = umockdev_testbed_new();
	CU_ASSERT_PTR_NOT_NULL_FATAL(e->bed);
	e->root = umockdev_testbed_get_root_dir(e->bed);
	CU_ASSERT_FATAL(sd_event_new(&e->event) >= 0);
}

void de_stop(struct dev_env *e)
{
	e->devices = mk_devices_free(e->devices);
	e->event = sd_event_unref(e->event);
	if (e->bed)
		g_object_unref(e->bed);
	free(e->root);
	free(e->proc);
	CU_ASSERT_EQUAL(receive_fails.n, 0);
	*e = (struct dev_env){ 0 };
}

void de_watch(struct dev_env *e)
{
	struct mk_devices_config config = {
		.event = e->event,
		.on_change = on_change,
		.data = e,
		.proc = e->proc,
	};

	CU_ASSERT_EQUAL_FATAL(mk_devices_new(&config, &e->devices), 0);
}

/* ---- disks ---------------------------------------------------------------------------------------------------- */

static unsigned major_of(const struct de_disk *d)
{
	return d->kind == DE_VIRTIO ? MAJOR_VIRTIO : MAJOR_SCSI;
}

/* Without /sys; the caller frees. */
static char *parent_path(const struct de_disk *d)
{
	if (d->kind == DE_VIRTIO)
		return mk_strdup_printf("/devices/pci0000:00/0000:00:05.0/virtio%u", d->minor);
	return mk_strdup_printf(
		"/devices/pci0000:00/0000:00:06.0/virtio0/host2/target2:0:0/2:0:0:%u", d->minor);
}

char *de_syspath(const struct de_disk *d)
{
	_cleanup_free_ char *parent = parent_path(d);

	return mk_strdup_printf("/sys%s/block/%s", parent, d->name);
}

void de_plug_text(struct dev_env *e, const char *text)
{
	GError *error = NULL;

	if (!umockdev_testbed_add_from_string(e->bed, text, &error)) {
		tap_note("umockdev: %s", error->message);
		CU_FAIL_FATAL("device was not added");
	}
}

static void print_page(FILE *f, const struct de_disk *d)
{
	if (d->page) {
		fprintf(f, "H: vpd_pg80=%s\n", d->page);
	} else if (d->serial) {
		fprintf(f, "H: vpd_pg80=0080%04zX", strlen(d->serial));
		for (const char *s = d->serial; *s; s++)
			fprintf(f, "%02X", (unsigned char)*s);
		fputc('\n', f);
	}
}

/* The parent first: the disk's event must not come before it. */
static void plug_parent(struct dev_env *e, const struct de_disk *d)
{
	_cleanup_free_ char *path = parent_path(d), *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fprintf(f, "P: %s\nE: SUBSYSTEM=%s\n", path, d->kind == DE_VIRTIO ? "virtio" : "scsi");
	if (d->kind == DE_SCSI)
		print_page(f, d);
	if (d->vendor)
		fprintf(f, "A: vendor=%s\\n\n", d->vendor);
	fclose(f);
	de_plug_text(e, text);
}

static void print_links(FILE *f, const char *links)
{
	_cleanup_free_ char *copy = strdup(links);
	char *rest = copy, *link;

	fprintf(f, "E: DEVLINKS=%s\n", links);
	while ((link = strsep(&rest, " ")))
		fprintf(f, "S: %s\n", link + strlen("/dev/"));
}

void de_plug(struct dev_env *e, const struct de_disk *d)
{
	_cleanup_free_ char *path = de_syspath(d), *parent = parent_path(d), *text = NULL;
	unsigned long long sectors = (d->size ? d->size : GIB) / SECTOR_SIZE;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	plug_parent(e, d);
	fprintf(f, "P: %s\nN: %s\n", path + strlen("/sys"), d->name);
	if (d->links)
		print_links(f, d->links);
	fprintf(f, "E: DEVNAME=/dev/%s\nE: DEVTYPE=disk\nE: SUBSYSTEM=block\n", d->name);
	fprintf(f, "E: MAJOR=%u\nE: MINOR=%u\n", major_of(d), d->minor);
	if (d->seq)
		fprintf(f, "E: DISKSEQ=%u\nA: diskseq=%u\\n\n", d->seq, d->seq);
	fprintf(f, "A: dev=%u:%u\nA: size=%llu\\n\nL: device=../../../%s\n", major_of(d), d->minor,
		sectors, strrchr(parent, '/') + 1);
	if (d->kind == DE_VIRTIO && d->serial)
		fprintf(f, "A: serial=%s\n", d->serial);
	fputs(str_or_empty(d->more), f);
	fclose(f);
	de_plug_text(e, text);
}

void de_vanish(struct dev_env *e, const struct de_disk *d)
{
	_cleanup_free_ char *path = de_syspath(d), *parent = parent_path(d);
	_cleanup_free_ char *left = mk_strdup_printf("%s/sys/block/%s", e->root, d->name);
	_cleanup_free_ char *parent_syspath = mk_strdup_printf("/sys%s", parent);

	umockdev_testbed_remove_device(e->bed, path);
	umockdev_testbed_remove_device(e->bed, parent_syspath);
	(void)unlink(left); /* umockdev leaves it, and dies of it at the next device of that name */
}

void de_unplug(struct dev_env *e, const struct de_disk *d)
{
	de_event(e, d, "remove");
	de_vanish(e, d);
}

void de_event(struct dev_env *e, const struct de_disk *d, const char *action)
{
	_cleanup_free_ char *path = de_syspath(d);

	umockdev_testbed_uevent(e->bed, path, action);
}

void de_attribute(struct dev_env *e, const struct de_disk *d, const char *name, const char *value)
{
	_cleanup_free_ char *path = de_syspath(d);

	umockdev_testbed_set_attribute(e->bed, path, name, value);
}

void de_property(struct dev_env *e, const struct de_disk *d, const char *name, const char *value)
{
	_cleanup_free_ char *path = de_syspath(d);

	umockdev_testbed_set_property(e->bed, path, name, value);
}

static void make_parents(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);

	for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		(void)mkdir(copy, 0755);
		*p = '/';
	}
}

void de_link(struct dev_env *e, const char *link, const char *target)
{
	_cleanup_free_ char *path = mk_strdup_printf("%s%s", e->root, link);

	make_parents(path);
	(void)unlink(path);
	if (target)
		CU_ASSERT_EQUAL_FATAL(symlink(target, path), 0);
}

void de_file(struct dev_env *e, const char *path, const char *text)
{
	_cleanup_free_ char *full = mk_strdup_printf("%s%s", e->root, path);
	FILE *f;

	make_parents(full);
	if (!text) {
		CU_ASSERT_EQUAL_FATAL(mkdir(full, 0755), 0);
		return;
	}

	f = fopen(full, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	CU_ASSERT_EQUAL_FATAL(fclose(f), 0);
}

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

void de_until(struct dev_env *e, const char *serial, size_t n)
{
	uint64_t end = mk_now_monotonic() + PATIENCE;

	while (mk_devices_by_serial(e->devices, serial, NULL, 0) != n) {
		CU_ASSERT_FATAL(mk_now_monotonic() < end);
		CU_ASSERT_FATAL(sd_event_run(e->event, 100 * USEC_PER_MSEC) >= 0);
	}
	/* on_change of it */
	while (sd_event_run(e->event, 0) > 0)
		;
}

void de_sync(struct dev_env *e)
{
	static const struct de_disk sentinel = { .name = "vdz", .minor = 250, .serial = SENTINEL };

	de_plug(e, &sentinel);
	de_until(e, SENTINEL, 1);
	de_unplug(e, &sentinel);
	de_until(e, SENTINEL, 0);
}

const struct mk_disk *de_disk(struct dev_env *e, const char *serial)
{
	const struct mk_disk *disk;

	return mk_devices_by_serial(e->devices, serial, &disk, 1) == 1 ? disk : NULL;
}

static void count(const struct mk_disk *disk, void *data)
{
	size_t *n = data;

	(*n)++;
}

size_t de_count(struct dev_env *e)
{
	size_t n = 0;

	mk_devices_foreach(e->devices, count, &n);
	return n;
}

void de_start_with(struct dev_env *e, const struct de_disk *d, const char *serial)
{
	de_start(e);
	de_watch(e);
	de_plug(e, d);
	de_until(e, serial, 1);
}
