/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads one disk from udev and sysfs: its serial, size and diskseq, and where its by-id links point. */

#include "device-internal.h"

#include <ctype.h>
#include <fcntl.h>
#include <linux/major.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define SECTOR_SIZE     512 /* the unit of sysfs' size, whatever the disk's own is */
#define BUS_MAX         32
#define VPD_PAGE_SERIAL 0x80
#define VPD_HEADER      4
#define VPD_PAGE_MAX    1024
#define BY_ID           "/dev/disk/by-id/"

/* ---- small readers ---------------------------------------------------------------------------------------- */

ssize_t mk_attr_read(const char *path, void *buf, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t got = 0;

	if (fd < 0)
		return -errno;

	while (got < size) {
		ssize_t n = read(fd, (char *)buf + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}

	return (ssize_t)got;
}

int mk_attr_line(const char *path, char *buf, size_t size)
{
	ssize_t n = mk_attr_read(path, buf, size);

	if (n < 0)
		return (int)n;
	if ((size_t)n == size)
		return -E2BIG;

	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

int mk_decimal_parse(const char *s, uint64_t *ret)
{
	uint64_t v = 0;

	if (!s || !*s)
		return -EINVAL;

	for (; *s; s++) {
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -EINVAL;
	}

	*ret = v;
	return 0;
}

int mk_devnum_parse(const char *s, dev_t *ret)
{
	char text[2 * sizeof("4294967295")];
	uint64_t maj, min;
	char *colon;

	if (strlen(s) >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, strlen(s) + 1);

	colon = strchr(text, ':');
	if (!colon)
		return -EINVAL;
	*colon = '\0';
	if (mk_decimal_parse(text, &maj) < 0 || mk_decimal_parse(colon + 1, &min) < 0 ||
	    maj > UINT32_MAX || min > UINT32_MAX)
		return -EINVAL;

	*ret = makedev((unsigned)maj, (unsigned)min);
	return 0;
}

int mk_node_devnum(const char *path, dev_t *ret)
{
	_cleanup_free_ char *node = realpath(path, NULL);
	struct stat st;

	if (!node || stat(node, &st) < 0)
		return -errno;
	if (!S_ISBLK(st.st_mode))
		return -ENOTBLK;

	*ret = st.st_rdev;
	return 0;
}

/* ---- serial -------------------------------------------------------------------------------------------------- */

/* Takes the text if it is one. */
static bool take_serial(const char *s, size_t n, char ret[MK_SERIAL_TEXT_SIZE])
{
	while (n > 0 && isspace((unsigned char)*s)) {
		s++;
		n--;
	}
	while (n > 0 && (isspace((unsigned char)s[n - 1]) || !s[n - 1]))
		n--;
	if (n == 0 || n >= MK_SERIAL_TEXT_SIZE || memchr(s, '\0', n))
		return false;

	memcpy(ret, s, n);
	ret[n] = '\0';
	if (mk_text_valid(ret, MK_SERIAL_TEXT_SIZE - 1))
		return true;

	ret[0] = '\0';
	return false;
}

/* SPC-5, "Unit Serial Number VPD page": page code in byte 1, length in bytes 2 and 3, then ASCII. */
static bool take_page(const uint8_t *page, size_t size, char ret[MK_SERIAL_TEXT_SIZE])
{
	size_t n;

	if (!page || size < VPD_HEADER || page[1] != VPD_PAGE_SERIAL)
		return false;

	n = (size_t)page[2] << 8 | page[3];
	return n <= size - VPD_HEADER && take_serial((const char *)page + VPD_HEADER, n, ret);
}

static bool take_text(const char *s, char ret[MK_SERIAL_TEXT_SIZE])
{
	return s && take_serial(s, strlen(s), ret);
}

void mk_serial_choose(const struct mk_serial_facts *facts, char ret[MK_SERIAL_TEXT_SIZE])
{
	const char *property = facts->id_serial_short;

	/* udev's rules for virtio-blk set no short form; for SCSI the other keys may hold the WWN or,
	 * without a serial, QEMU's name of the drive. */
	if (streq(facts->bus, "virtio"))
		property = facts->id_serial;
	else if (streq(facts->bus, "scsi"))
		property = facts->id_scsi_serial;

	ret[0] = '\0';
	if (!take_text(facts->attribute, ret) && !take_page(facts->page, facts->page_size, ret))
		(void)take_text(property, ret);
}

/* ---- links --------------------------------------------------------------------------------------------------- */

bool mk_link_names_serial(const char *link, const char *serial)
{
	size_t n = strlen(link), m = strlen(serial);

	return m > 0 && starts_with(link, BY_ID) && n > strlen(BY_ID) + m &&
	       streq(link + n - m, serial) && (link[n - m - 1] == '-' || link[n - m - 1] == '_');
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_link(struct mk_disk_row *row, const char *link)
{
	if (row->n_links == MK_DISK_LINKS_MAX || !mk_text_valid(link, PATH_MAX) ||
	    !mk_link_names_serial(link, row->serial))
		return 0;
	for (size_t i = 0; i < row->n_links; i++)
		if (streq(row->links[i], link))
			return 0;

	row->links[row->n_links] = strdup(link);
	if (!row->links[row->n_links])
		return -ENOMEM;
	row->n_links++;
	return 0;
}

/* udev's links; and the one that its rules make on this bus, which udev may have failed to record. */
static int read_links(struct mk_disk_row *row, struct udev_device *device)
{
	static const struct {
		const char *bus, *prefix;
	} usual[] = {
		{ "virtio", BY_ID "virtio-" },
		{ "scsi", BY_ID "scsi-0QEMU_QEMU_HARDDISK_" },
		{ "ata", BY_ID "ata-QEMU_HARDDISK_" },
	};
	struct udev_list_entry *e;
	int r = 0;

	if (!*row->serial)
		return 0;

	udev_list_entry_foreach(e, udev_device_get_devlinks_list_entry(device))
	{
		r = add_link(row, udev_list_entry_get_name(e));
		if (r < 0)
			return r;
	}

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		char link[sizeof(BY_ID) + 64 + MK_SERIAL_TEXT_SIZE];

		if (!streq(usual[i].bus, row->bus))
			continue;
		snprintf(link, sizeof(link), "%s%s", usual[i].prefix, row->serial);
		r = add_link(row, link);
		if (r < 0)
			return r;
	}

	qsort(row->links, row->n_links, sizeof(*row->links), compare_texts);
	return 0;
}

bool mk_disk_check_links(struct mk_disk_row *row)
{
	const char *link = "", *before = row->disk.link;
	bool stale = false, was_stale = row->disk.stale_link;

	for (size_t i = 0; i < row->n_links; i++) {
		dev_t devnum = 0;
		int r = mk_node_devnum(row->links[i], &devnum);

		/* A link to a node that is gone, or not there yet, misleads nobody. */
		if (r == -ENOENT)
			continue;
		if (r < 0 || devnum != row->disk.devnum)
			stale = true;
		else if (!*link)
			link = row->links[i];
	}

	row->disk.link = link;
	row->disk.stale_link = stale;
	return stale != was_stale || !streq(link, before);
}

/* ---- the disk ------------------------------------------------------------------------------------------------ */

/*
 * Whole disks with hardware behind them. What the kernel makes by itself (loop, ram, zram, dm, md, nbd)
 * lives in /sys/devices/virtual; CD drives and floppies are told by their number.
 */
static bool is_candidate(struct udev_device *device)
{
	const char *devtype = udev_device_get_devtype(device);
	const char *subsystem = udev_device_get_subsystem(device);
	const char *syspath = udev_device_get_syspath(device);
	const char *node = udev_device_get_devnode(device);
	dev_t devnum = udev_device_get_devnum(device);

	return devtype && streq(devtype, "disk") && subsystem && streq(subsystem, "block") &&
	       syspath && mk_text_valid(syspath, PATH_MAX) && node &&
	       mk_text_valid(node, PATH_MAX) && starts_with(node, "/dev/") &&
	       !strstr(syspath, "/devices/virtual/") && devnum != 0 &&
	       major(devnum) != SCSI_CDROM_MAJOR && major(devnum) != FLOPPY_MAJOR;
}

static const char *bus_of(struct udev_device *device)
{
	struct udev_device *parent = udev_device_get_parent(device);
	const char *id_bus = udev_device_get_property_value(device, "ID_BUS");
	const char *name = str_or_empty(udev_device_get_sysname(device));
	const char *s;

	if (starts_with(name, "vd")) /* as udev's own rules tell */
		return "virtio";
	if (id_bus && *id_bus && mk_text_valid(id_bus, BUS_MAX))
		return id_bus;

	/* libata's disks are SCSI ones to the kernel. */
	s = udev_device_get_sysattr_value(device, "device/vendor");
	if (s && starts_with(s, "ATA"))
		return "ata";
	s = parent ? udev_device_get_subsystem(parent) : NULL;
	if (s && mk_text_valid(s, BUS_MAX) && !streq(s, "pci"))
		return s;
	return starts_with(name, "sd") ? "scsi" : "";
}

static void read_serial(struct mk_disk_row *row, struct udev_device *device)
{
	uint8_t page[VPD_PAGE_MAX] = { 0 };
	char path[PATH_MAX];
	struct mk_serial_facts facts = {
		.bus = row->bus,
		.attribute = udev_device_get_sysattr_value(device, "serial"),
		.id_serial = udev_device_get_property_value(device, "ID_SERIAL"),
		.id_serial_short = udev_device_get_property_value(device, "ID_SERIAL_SHORT"),
		.id_scsi_serial = udev_device_get_property_value(device, "ID_SCSI_SERIAL"),
	};
	ssize_t n = -1;

	/* Not through libudev: it gives texts, and the page begins with a NUL. */
	if (snprintf(path, sizeof(path), "%s/device/vpd_pg80", row->syspath) < (int)sizeof(path))
		n = mk_attr_read(path, page, sizeof(page));
	if (n > 0) {
		facts.page = page;
		facts.page_size = (size_t)n;
	}

	mk_serial_choose(&facts, row->serial);
}

/*
 * The disk's number in the order of appearance. An event may be about a disk whose place (name, number, path)
 * another one has taken since: then what sysfs has said is the other's. Call it after everything
 * else was read. Returns 0 or -ESTALE.
 */
static int read_diskseq(struct mk_disk_row *row, struct udev_device *device)
{
	const char *now = udev_device_get_sysattr_value(device, "diskseq");
	const char *then = udev_device_get_property_value(device, "DISKSEQ");
	uint64_t seq;

	if (access(row->syspath, F_OK) < 0 && errno == ENOENT)
		return -ESTALE;
	if (mk_decimal_parse(then, &seq) == 0)
		row->disk.diskseq = seq;
	if (mk_decimal_parse(now, &seq) < 0)
		return 0;
	if (row->disk.diskseq != 0 && row->disk.diskseq != seq)
		return -ESTALE;

	row->disk.diskseq = seq;
	return 0;
}

static void read_size(struct mk_disk_row *row, struct udev_device *device)
{
	uint64_t sectors;

	if (mk_decimal_parse(udev_device_get_sysattr_value(device, "size"), &sectors) < 0 ||
	    __builtin_mul_overflow(sectors, SECTOR_SIZE, &row->disk.size))
		row->disk.size = 0;
}

static void inherit(struct mk_disk_row *row, const struct mk_disk_row *known)
{
	if (row->disk.devnum != known->disk.devnum || row->disk.diskseq != known->disk.diskseq)
		return;

	row->disk.since = known->disk.since;
	row->disk.settled = row->disk.settled || known->disk.settled;
	/* Some change events carry only part of the properties. The number proves that it is the disk. */
	if (!*row->serial && row->disk.diskseq != 0)
		memcpy(row->serial, known->serial, sizeof(row->serial));
}

int mk_disk_read(struct udev_device *device, bool settled, const struct mk_disk_row *known,
		 struct mk_disk_row **ret)
{
	_cleanup_(mk_disk_row_freep) struct mk_disk_row *row = NULL;
	int r;

	if (!is_candidate(device))
		return 0;

	row = calloc(1, sizeof(*row));
	if (!row)
		return -ENOMEM;
	row->node = strdup(udev_device_get_devnode(device));
	row->syspath = strdup(udev_device_get_syspath(device));
	row->bus = strdup(bus_of(device));
	if (!row->node || !row->syspath || !row->bus)
		return -ENOMEM;

	row->disk = (struct mk_disk){
		.node = row->node,
		.link = "",
		.serial = row->serial,
		.bus = row->bus,
		.syspath = row->syspath,
		.settled = settled,
		.devnum = udev_device_get_devnum(device),
		.since = mk_now_realtime(),
	};
	read_serial(row, device);
	read_size(row, device);
	r = read_diskseq(row, device);
	if (r < 0)
		return r;
	if (known)
		inherit(row, known);
	r = read_links(row, device);
	if (r < 0)
		return r;

	*ret = take_ptr(row);
	return 1;
}

struct mk_disk_row *mk_disk_row_free(struct mk_disk_row *row)
{
	if (!row)
		return NULL;

	for (size_t i = 0; i < row->n_links; i++)
		free(row->links[i]);
	free(row->node);
	free(row->syspath);
	free(row->bus);
	free(row);
	return NULL;
}
