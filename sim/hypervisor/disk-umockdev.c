/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Implements disk-umockdev.h. It works around three habits of umockdev 0.17. Adding a device sends its event "add" by
 * itself, when everything is in place; removing one sends no event. Removing also leaves /sys/block/NAME, and umockdev
 * aborts the process when the next disk gets that name. It aborts too when a listener's queue of ten events is full.
 */

#include "disk-umockdev-internal.h"

#include <glob.h>
#include <inttypes.h>
#include <libgen.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define SECTOR      512
#define LISTENER_MS 1000
#define BY_SEQ      "disk/by-diskseq/%u"
#define BY_SEQ_SIZE 64
#define SCSI_UNITS  7
#define BY_HAND     (100 * SCSI_UNITS) /* the first unit of disks that CloudStack does not know */

/* --- the listener --- */

/* Whether the socket takes one more event without blocking. */
static bool can_send(const char *path, int timeout_ms)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return true; /* nobody there: umockdev passes over it */
	return poll(&p, 1, timeout_ms) == 1;
}

/* Renames the testbed's sockets with this prefix, if pick (NULL: all) says so. */
static void rename_sockets(struct disks *disks, const char *from, const char *to,
			   bool (*pick)(struct disks *disks, const char *path))
{
	_cleanup_free_ char *pattern = mk_strdup_printf("%s/%s[0-9]*", disks->root, from);
	glob_t found = { 0 };

	if (!pattern || glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
		return;

	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		const char *number = path + strlen(disks->root) + 1 + strlen(from);
		_cleanup_free_ char *other = mk_strdup_printf("%s/%s%s", disks->root, to, number);

		if (other && (!pick || pick(disks, path)))
			(void)rename(path, other);
	}
	globfree(&found);
}

static bool is_deaf(struct disks *disks, const char *path)
{
	disks->deaf = !can_send(path, disks->deaf ? 0 : LISTENER_MS);
	return disks->deaf;
}

/* One event. It is lost on a monitor that does not read, as when a netlink socket's buffer is full. */
static void hide_deaf_listeners(struct disks *disks)
{
	rename_sockets(disks, "event", "deaf", is_deaf);
}

static void show_listeners(struct disks *disks)
{
	rename_sockets(disks, "deaf", "event", NULL);
}

static void add(struct disks *disks, const char *record)
{
	GError *error = NULL;

	hide_deaf_listeners(disks);
	if (!umockdev_testbed_add_from_string(disks->testbed, record, &error)) {
		fprintf(stderr, "umockdev: %s\n%s", error->message, record);
		g_clear_error(&error);
	}
	show_listeners(disks);
}

static void remove_device(struct disks *disks, const char *path, bool silent)
{
	_cleanup_free_ char *sys = mk_strdup_printf("/sys%s", path);
	_cleanup_free_ char *link =
		mk_strdup_printf("%s/sys/block/%s", disks->root, strrchr(path, '/') + 1);

	if (!sys || !link)
		return;

	if (!silent) {
		hide_deaf_listeners(disks);
		umockdev_testbed_uevent(disks->testbed, sys, "remove");
		show_listeners(disks);
	}
	umockdev_testbed_remove_device(disks->testbed, sys);
	(void)unlink(link);
}

/* --- names and numbers --- */

static void make_node(char *ret, size_t size, bool scsi, unsigned index)
{
	char letters[8];
	size_t i = sizeof(letters);

	letters[--i] = '\0';
	do {
		letters[--i] = (char)('a' + index % 26);
		index = index / 26;
	} while (index-- > 0);
	snprintf(ret, size, "%s%s", scsi ? "sd" : "vd", letters + i);
}

/* As sd_major() and virtblk_major with 16 minors a disk. */
static void get_devnum(const struct disk *d, unsigned *ret_major, unsigned *ret_minor)
{
	if (!d->scsi) {
		*ret_major = 252;
		*ret_minor = d->index * 16;
	} else {
		*ret_major = d->index < 16 ? 8 : 64 + d->index / 16;
		*ret_minor = d->index % 16 * 16;
	}
}

static bool is_taken(const struct disks *disks, bool scsi, unsigned index)
{
	const struct disk *d;

	TAILQ_FOREACH(d, &disks->list, entry)
		if (d->present && d->scsi == scsi && d->index == index)
			return true;
	return false;
}

static bool has_unit(const struct disks *disks, unsigned unit)
{
	const struct disk *d;

	TAILQ_FOREACH(d, &disks->list, entry)
		if (d->present && d->scsi && d->unit == unit)
			return true;
	return false;
}

static void place_on_scsi(struct disk *d)
{
	unsigned controller;

	d->unit = d->device >= 0 ? (unsigned)d->device : BY_HAND;
	if (has_unit(d->disks, d->unit)) /* one that should have gone */
		d->unit = BY_HAND;
	while (has_unit(d->disks, d->unit))
		d->unit++;

	controller = d->unit / SCSI_UNITS;
	snprintf(d->parent, sizeof(d->parent),
		 "/devices/pci0000:00/0000:00:04.0/virtio0/host%u/target%u:0:0/%u:0:0:%u",
		 controller, controller, controller, d->unit % SCSI_UNITS);
}

static void name_disk(struct disk *d)
{
	unsigned slot, function;

	d->index = 0;
	while (is_taken(d->disks, d->scsi, d->index))
		d->index++;
	d->diskseq = ++d->disks->diskseq;
	make_node(d->node, sizeof(d->node), d->scsi, d->index);

	if (d->scsi) {
		place_on_scsi(d);
	} else {
		slot = 5 + d->index % 26;
		function = d->index / 26;
		snprintf(d->parent, sizeof(d->parent),
			 "/devices/pci0000:00/0000:00:%02x.%u/virtio%u", slot, function,
			 d->index + 1);
	}
	snprintf(d->path, sizeof(d->path), "%s/block/%s", d->parent, d->node);

	d->link[0] = '\0';
	if (d->serial[0])
		snprintf(d->link, sizeof(d->link), "disk/by-id/%s%s",
			 d->scsi ? "scsi-0QEMU_QEMU_HARDDISK_" : "virtio-", d->serial);
}

/* --- umockdev's records --- */

static void print_parent(FILE *f, const struct disk *d)
{
	fprintf(f, "P: %s\n", d->parent);
	if (!d->scsi) {
		fputs("E: SUBSYSTEM=virtio\nE: DRIVER=virtio_blk\n"
		      "E: MODALIAS=virtio:d00000002v00001AF4\n\n",
		      f);
		return;
	}

	fputs("E: SUBSYSTEM=scsi\nE: DEVTYPE=scsi_device\nE: DRIVER=sd\n"
	      "A: vendor=QEMU    \\n\nA: model=QEMU HARDDISK   \\n\nA: type=0\\n\n",
	      f);
	if (d->serial[0]) {
		/* VPD page 0x80: type, page, length in two bytes, the serial */
		fprintf(f, "H: vpd_pg80=0080%04X", (unsigned)strlen(d->serial));
		for (const char *s = d->serial; *s; s++)
			fprintf(f, "%02X", (unsigned char)*s);
		fputc('\n', f);
	}
	fputc('\n', f);
}

static void print_serial(FILE *f, const struct disk *d)
{
	if (!d->scsi) {
		if (d->serial[0])
			fprintf(f, "E: ID_SERIAL=%s\n", d->serial);
		return;
	}

	fputs("E: ID_BUS=scsi\nE: ID_TYPE=disk\nE: ID_VENDOR=QEMU\nE: ID_MODEL=QEMU_HARDDISK\n"
	      "E: ID_SCSI=1\n",
	      f);
	if (d->serial[0])
		fprintf(f,
			"E: ID_SERIAL=0QEMU_QEMU_HARDDISK_%s\nE: ID_SERIAL_SHORT=%s\n"
			"E: ID_SCSI_SERIAL=%s\n",
			d->serial, d->serial, d->serial);
	else /* QEMU's alias of the drive */
		fprintf(f,
			"E: ID_SERIAL=0QEMU_QEMU_HARDDISK_drive-scsi%u-0-0-%u\n"
			"E: ID_SERIAL_SHORT=drive-scsi%u-0-0-%u\n",
			d->unit / SCSI_UNITS, d->unit % SCSI_UNITS, d->unit / SCSI_UNITS,
			d->unit % SCSI_UNITS);
}

static void print_links(FILE *f, const struct disk *d, const char *suffix)
{
	fprintf(f, "E: DEVLINKS=/dev/disk/by-diskseq/%u%s", d->diskseq, suffix);
	if (d->link[0] && d->link_mode != LINK_MISSING)
		fprintf(f, " /dev/%s%s", d->link, suffix);
	fputc('\n', f);
}

static void print_disk(FILE *f, const struct disk *d)
{
	unsigned major, minor;

	get_devnum(d, &major, &minor);
	fprintf(f, "P: %s\nN: %s\nL: device=../../../%s\n", d->path, d->node,
		strrchr(d->parent, '/') + 1);
	fprintf(f, "E: SUBSYSTEM=block\nE: DEVTYPE=disk\nE: DEVNAME=/dev/%s\n", d->node);
	fprintf(f, "E: MAJOR=%u\nE: MINOR=%u\nE: DISKSEQ=%u\n", major, minor, d->diskseq);
	fputs("E: USEC_INITIALIZED=1000000\nE: TAGS=:systemd:\nE: CURRENT_TAGS=:systemd:\n", f);
	print_serial(f, d);
	print_links(f, d, "");
	/* no newline: umockdev makes the name of a link of it */
	fprintf(f, "A: dev=%u:%u\n", major, minor);
	fprintf(f, "A: size=%" PRIu64 "\\n\nA: ro=0\\n\nA: removable=0\\n\nA: diskseq=%u\\n\n",
		d->size / SECTOR, d->diskseq);
	if (!d->scsi)
		fprintf(f, "A: serial=%s\n", d->serial);
	fputc('\n', f);
}

static void print_partition(FILE *f, const struct disk *d)
{
	unsigned major, minor;

	get_devnum(d, &major, &minor);
	fprintf(f, "P: %s/%s1\nN: %s1\n", d->path, d->node, d->node);
	fprintf(f, "E: SUBSYSTEM=block\nE: DEVTYPE=partition\nE: DEVNAME=/dev/%s1\nE: PARTN=1\n",
		d->node);
	fprintf(f, "E: MAJOR=%u\nE: MINOR=%u\nE: DISKSEQ=%u\n", major, minor + 1, d->diskseq);
	print_serial(f, d);
	print_links(f, d, "-part1");
	fprintf(f, "A: dev=%u:%u\nA: partition=1\\n\nA: start=2048\\n\nA: size=%" PRIu64 "\\n\n\n",
		major, minor + 1, d->size / SECTOR > 2048 ? d->size / SECTOR - 2048 : 0);
}

static void add_printed(struct disk *d, void (*print)(FILE *f, const struct disk *d))
{
	_cleanup_free_ char *record = NULL;
	size_t size;
	FILE *f = open_memstream(&record, &size);

	if (!f)
		return;
	print(f, d);
	if (fclose(f) == 0)
		add(d->disks, record);
}

/* --- holders --- */

/* The target of the link holders/dm-N is the dm device's own directory. */
static int link_holder(struct disk *d, const char *holder)
{
	_cleanup_free_ char *dir = mk_strdup_printf("%s/sys%s/holders", d->disks->root, d->path);
	_cleanup_free_ char *link = mk_strdup_printf("%s/%s", str_or_empty(dir), holder);
	_cleanup_free_ char *target =
		mk_strdup_printf("%s/sys/devices/virtual/block/%s", d->disks->root, holder);

	if (!dir || !link || !target)
		return -ENOMEM;
	if ((mkdir(dir, 0755) < 0 && errno != EEXIST) || symlink(target, link) < 0)
		return -errno;
	return 0;
}

int disk_hold(struct disk *d, const char *holder)
{
	_cleanup_free_ char *record = NULL, *place = NULL;
	const char *number = holder + strlen("dm-");

	if (!starts_with(holder, "dm-") || !*number || strlen(number) > 3 ||
	    strspn(number, "0123456789") != strlen(number))
		return -EINVAL;

	place = mk_strdup_printf("%s/sys/devices/virtual/block/%s", d->disks->root, holder);
	record =
		mk_strdup_printf("P: /devices/virtual/block/%s\nN: %s\nE: SUBSYSTEM=block\n"
				 "E: DEVTYPE=disk\nE: DEVNAME=/dev/%s\nE: MAJOR=253\nE: MINOR=%s\n"
				 "A: dev=253:%s\nA: size=%" PRIu64 "\\n\nA: dm/name=held-%s\\n\n\n",
				 holder, holder, holder, number, number, d->size / SECTOR, d->node);
	if (!record || !place)
		return -ENOMEM;
	if (d->holder[0] || access(place, F_OK) == 0)
		return -EEXIST;

	snprintf(d->holder, sizeof(d->holder), "%s", holder);
	add(d->disks, record);
	return link_holder(d, holder);
}

void disk_unhold(struct disk *d)
{
	_cleanup_free_ char *link =
		mk_strdup_printf("%s/sys%s/holders/%s", d->disks->root, d->path, d->holder);
	char path[128];

	if (!d->holder[0] || !link)
		return;
	(void)unlink(link);
	snprintf(path, sizeof(path), "/devices/virtual/block/%s", d->holder);
	remove_device(d->disks, path, false);
	d->holder[0] = '\0';
}

/* --- one disk --- */

/* One below /dev, in place of an older one. */
static void make_link(const struct disk *d, const char *name, const char *node, const char *suffix)
{
	_cleanup_free_ char *link = mk_strdup_printf("%s/dev/%s%s", d->disks->root, name, suffix);
	_cleanup_free_ char *target =
		mk_strdup_printf("%s/dev/%s%s", d->disks->root, node, *suffix ? "1" : "");
	_cleanup_free_ char *dir = link ? strdup(link) : NULL;

	if (!link || !target || !dir)
		return;
	(void)g_mkdir_with_parents(dirname(dir), 0755);
	(void)unlink(link);
	if (symlink(target, link) < 0)
		fprintf(stderr, "%s: %s\n", link, strerror(errno));
}

/* suffix: "" of the disk, "-part1" of its partition. */
static void make_links(const struct disk *d, const char *suffix)
{
	char by_seq[BY_SEQ_SIZE];

	snprintf(by_seq, sizeof(by_seq), BY_SEQ, d->diskseq);
	make_link(d, by_seq, d->node, suffix);
	if (!d->link[0] || d->link_mode == LINK_MISSING)
		return;
	/* stale: it leads to another disk, as udev's database is ahead of /dev or behind it */
	make_link(d, d->link, d->link_mode == LINK_STALE ? (d->scsi ? "sda" : "vda") : d->node,
		  suffix);
}

/* The by-id link goes over to another disk that claims it. */
static void drop_links(const struct disk *d, const char *suffix)
{
	_cleanup_free_ char *by_seq =
		mk_strdup_printf("%s/dev/" BY_SEQ "%s", d->disks->root, d->diskseq, suffix);
	_cleanup_free_ char *by_id =
		mk_strdup_printf("%s/dev/%s%s", d->disks->root, d->link, suffix);
	const struct disk *other;

	if (by_seq)
		(void)unlink(by_seq);
	if (!by_id || !d->link[0])
		return;
	(void)unlink(by_id);
	TAILQ_FOREACH(other, &d->disks->list, entry)
		if (other != d && other->present && streq(other->link, d->link))
			make_links(other, suffix);
}

/* umockdev puts everything of the subsystem there; the kernel puts no partitions. */
static void hide_from_sys_block(const struct disk *d)
{
	_cleanup_free_ char *link = mk_strdup_printf("%s/sys/block/%s1", d->disks->root, d->node);

	if (link)
		(void)unlink(link);
}

void disk_appear(struct disk *d)
{
	name_disk(d);
	d->present = true;
	make_links(d, "");
	add_printed(d, print_parent);
	add_printed(d, print_disk);
	if (d->partition) {
		make_links(d, "-part1");
		add_printed(d, print_partition);
		hide_from_sys_block(d);
	}
}

void disk_vanish(struct disk *d)
{
	char partition[192];

	disk_unhold(d);
	if (d->partition) {
		snprintf(partition, sizeof(partition), "%s/%s1", d->path, d->node);
		drop_links(d, "-part1");
		remove_device(d->disks, partition, d->silent);
	}
	drop_links(d, "");
	remove_device(d->disks, d->path, d->silent);
	remove_device(d->disks, d->parent, true);
	d->present = false;
}

void disk_resize(struct disk *d, uint64_t size)
{
	_cleanup_free_ char *sys = mk_strdup_printf("/sys%s", d->path);
	_cleanup_free_ char *sectors = mk_strdup_printf("%" PRIu64 "\n", size / SECTOR);

	d->size = size;
	if (!sys || !sectors || !d->present)
		return;
	umockdev_testbed_set_attribute(d->disks->testbed, sys, "size", sectors);
	hide_deaf_listeners(d->disks);
	umockdev_testbed_uevent(d->disks->testbed, sys, "change");
	show_listeners(d->disks);
}

/* --- the testbed --- */

int disks_open(struct disks *disks)
{
	/* first of all: umockdev_in_mock_environment() keeps its first answer for good */
	disks->testbed = umockdev_testbed_new();
	disks->root = umockdev_testbed_get_root_dir(disks->testbed);
	TAILQ_INIT(&disks->list);
	return umockdev_in_mock_environment() ? 0 : -ENOTSUP;
}

void disks_close(struct disks *disks)
{
	g_object_unref(disks->testbed);
	g_free(disks->root);
}
