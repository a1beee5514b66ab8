/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The OMA's disks in a umockdev testbed, as a KVM guest sees them: virtio-blk or virtio-scsi, named
 * like a kernel names them, with the properties that udev's rules give them.
 *
 * umockdev 0.17: adding emits "add" by itself, after everything is in its place; removing does not emit and
 * leaves /sys/block/NAME, at which the next disk of that name would abort us; so does a listener whose
 * queue of 10 is full.
 */

#include "http-internal.h"

#include <ctype.h>
#include <glob.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <umockdev.h>

#define SERIAL_MAX        64
#define VIRTIO_SERIAL_MAX 20  /* VIRTIO_BLK_ID_BYTES */
#define DISKS_MAX         200 /* of one bus: what the PCI slots below are good for */
#define SECTOR            512
#define LISTENER_MS       1000
#define WRONG_SERIAL      "0badc0de0badc0de0bad"
#define SCSI_HOST         "/devices/pci0000:00/0000:00:04.0/virtio0/host0/target0:0:0"

enum serial_mode { SERIAL_OK, SERIAL_NONE, SERIAL_WRONG, SERIAL_DUPLICATE };
enum link_mode { LINK_OK, LINK_MISSING, LINK_STALE };

struct disk {
	TAILQ_ENTRY(disk) entry;
	struct hypervisor *hv;
	sd_event_source *timer; /* to its coming or its going */
	char volume[MK_UUID_SIZE];
	char serial[SERIAL_MAX];
	uint64_t size;
	bool scsi, partition, present;
	enum link_mode link_mode;
	unsigned index, diskseq;
	char node[16];    /* "vdb" */
	char parent[128]; /* sysfs path without /sys: the virtio or scsi device */
	char path[160];   /* of the disk */
	char link[256];   /* "disk/by-id/virtio-…", "" without a serial */
	char holders[64]; /* the dm device that holds it, "" for none */
};

struct hypervisor {
	sd_event *event;
	UMockdevTestbed *testbed;
	char *root;
	unsigned diskseq;
	TAILQ_HEAD(, disk) disks;
	/* settings */
	bool scsi, never_unplugs;
	enum serial_mode serial_mode; /* of the next disk */
	enum link_mode link_mode;
	int64_t more_size;
	unsigned delay_ms;
};

/* --- the listener --- */

/* Whether the socket takes one more event without blocking. */
static bool can_send(const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return true; /* nobody there: umockdev passes over it */
	return poll(&p, 1, LISTENER_MS) == 1;
}

/*
 * The event sockets of monitors that do not read. They are renamed for the next event, which is lost
 * on them, as it is when a netlink socket's buffer is full.
 */
static void rename_listeners(struct hypervisor *hv, bool deaf)
{
	_cleanup_free_ char *pattern =
		mk_strdup_printf("%s/%s[0-9]*", hv->root, deaf ? "event" : "deaf");
	glob_t found = { 0 };

	if (!pattern || glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
		return;

	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		_cleanup_free_ char *other =
			mk_strdup_printf("%s/%s%s", hv->root, deaf ? "deaf" : "event",
					 path + strlen(hv->root) +
						 strlen(deaf ? "/event" : "/deaf"));

		if (other && (!deaf || !can_send(path)))
			(void)rename(path, other);
	}
	globfree(&found);
}

static void add(struct hypervisor *hv, const char *record)
{
	GError *error = NULL;

	rename_listeners(hv, true);
	if (!umockdev_testbed_add_from_string(hv->testbed, record, &error)) {
		fprintf(stderr, "umockdev: %s\n%s", error->message, record);
		g_clear_error(&error);
	}
	rename_listeners(hv, false);
}

static void remove_device(struct hypervisor *hv, const char *path, bool silent)
{
	_cleanup_free_ char *sys = mk_strdup_printf("/sys%s", path);
	_cleanup_free_ char *link =
		mk_strdup_printf("%s/sys/block/%s", hv->root, strrchr(path, '/') + 1);

	if (!sys || !link)
		return;

	if (!silent) {
		rename_listeners(hv, true);
		umockdev_testbed_uevent(hv->testbed, sys, "remove");
		rename_listeners(hv, false);
	}
	umockdev_testbed_remove_device(hv->testbed, sys);
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

static bool is_taken(const struct hypervisor *hv, bool scsi, unsigned index)
{
	const struct disk *d;

	TAILQ_FOREACH(d, &hv->disks, entry)
		if (d->present && d->scsi == scsi && d->index == index)
			return true;
	return false;
}

static void name_disk(struct disk *d)
{
	unsigned slot, function;

	d->index = 0;
	while (is_taken(d->hv, d->scsi, d->index))
		d->index++;
	d->diskseq = ++d->hv->diskseq;
	make_node(d->node, sizeof(d->node), d->scsi, d->index);

	if (d->scsi) {
		snprintf(d->parent, sizeof(d->parent), SCSI_HOST "/0:0:0:%u", d->index);
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
			"E: ID_SERIAL=0QEMU_QEMU_HARDDISK_drive-scsi0-0-0-%u\n"
			"E: ID_SERIAL_SHORT=drive-scsi0-0-0-%u\n",
			d->index, d->index);
}

static void print_links(FILE *f, const struct disk *d, const char *suffix)
{
	bool by_id = d->link[0] && d->link_mode != LINK_MISSING;

	fprintf(f, "E: DEVLINKS=/dev/disk/by-diskseq/%u%s", d->diskseq, suffix);
	if (by_id)
		fprintf(f, " /dev/%s%s", d->link, suffix);
	fprintf(f, "\nS: disk/by-diskseq/%u%s\n", d->diskseq, suffix);
	if (by_id && d->link_mode == LINK_OK)
		fprintf(f, "S: %s%s\n", d->link, suffix);
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
		add(d->hv, record);
}

/* --- one disk --- */

/* The link exists, but leads to another disk: udev's database is ahead of /dev, or behind it. */
static void make_stale_link(const struct disk *d)
{
	_cleanup_free_ char *link = mk_strdup_printf("%s/dev/%s", d->hv->root, d->link);
	_cleanup_free_ char *other =
		mk_strdup_printf("%s/dev/%s", d->hv->root, d->scsi ? "sda" : "vda");
	_cleanup_free_ char *dir = link ? strdup(link) : NULL;

	if (!link || !other || !dir)
		return;
	(void)g_mkdir_with_parents(dirname(dir), 0755);
	(void)unlink(link);
	if (symlink(other, link) < 0)
		fprintf(stderr, "%s: %s\n", link, strerror(errno));
}

static void disk_appear(struct disk *d)
{
	name_disk(d);
	d->present = true;
	if (d->link[0] && d->link_mode == LINK_STALE)
		make_stale_link(d);
	add_printed(d, print_parent);
	add_printed(d, print_disk);
	if (d->partition)
		add_printed(d, print_partition);
}

static void unlink_dev(const struct disk *d, const char *name, const char *suffix)
{
	_cleanup_free_ char *link = mk_strdup_printf("%s/dev/%s%s", d->hv->root, name, suffix);

	if (link && *name)
		(void)unlink(link);
}

static void disk_vanish(struct disk *d)
{
	char by_seq[64], partition[192];

	snprintf(by_seq, sizeof(by_seq), "disk/by-diskseq/%u", d->diskseq);
	snprintf(partition, sizeof(partition), "%s/%s1", d->path, d->node);
	unlink_dev(d, d->link, "");
	unlink_dev(d, by_seq, "");
	if (d->partition) {
		unlink_dev(d, d->link, "-part1");
		unlink_dev(d, by_seq, "-part1");
		remove_device(d->hv, partition, false);
	}
	remove_device(d->hv, d->path, false);
	remove_device(d->hv, d->parent, true);
	d->present = false;
}

static void disk_free(struct disk *d)
{
	if (d->present)
		disk_vanish(d);
	TAILQ_REMOVE(&d->hv->disks, d, entry);
	sd_event_source_disable_unref(d->timer);
	free(d);
}

static struct disk *disk_new(struct hypervisor *hv, const char *serial, uint64_t size, bool scsi)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;

	d->hv = hv;
	d->size = size;
	d->scsi = scsi;
	d->link_mode = hv->link_mode;
	snprintf(d->serial, scsi ? sizeof(d->serial) : VIRTIO_SERIAL_MAX + 1, "%s", serial);
	TAILQ_INSERT_TAIL(&hv->disks, d, entry);
	return d;
}

static int on_time(sd_event_source *s, uint64_t usec, void *data)
{
	struct disk *d = data;

	d->timer = sd_event_source_disable_unref(d->timer);
	if (d->present)
		disk_free(d);
	else
		disk_appear(d);
	return 0;
}

/* Now, or as much later as is set. */
static void disk_schedule(struct disk *d)
{
	d->timer = sd_event_source_disable_unref(d->timer);
	if (d->hv->delay_ms == 0 ||
	    sd_event_add_time(d->hv->event, &d->timer, CLOCK_MONOTONIC,
			      mk_now_monotonic() + d->hv->delay_ms * USEC_PER_MSEC, 0, on_time,
			      d) < 0)
		(void)on_time(NULL, 0, d);
}

/* --- hooks --- */

static void plug_one(struct hypervisor *hv, const char *volume, uint64_t size, const char *serial)
{
	struct disk *d = disk_new(hv, serial, size, hv->scsi);

	if (!d)
		return;
	snprintf(d->volume, sizeof(d->volume), "%s", volume);
	disk_schedule(d);
}

static void on_plug(const char *volume, uint64_t size, const char *serial, const char *vm,
		    void *data)
{
	struct hypervisor *hv = data;
	enum serial_mode mode = hv->serial_mode;
	struct disk *d;
	unsigned n = 0;

	TAILQ_FOREACH(d, &hv->disks, entry)
		n++;
	if (!streq(vm, SIM_OMA) || n >= DISKS_MAX)
		return;

	hv->serial_mode = SERIAL_OK;
	if (mode == SERIAL_NONE)
		serial = "";
	else if (mode == SERIAL_WRONG)
		serial = WRONG_SERIAL;
	size += (uint64_t)hv->more_size;
	plug_one(hv, volume, size, serial);
	if (mode == SERIAL_DUPLICATE)
		plug_one(hv, volume, size, serial);
}

static void on_unplug(const char *volume, const char *vm, void *data)
{
	struct hypervisor *hv = data;
	struct disk *d, *next;

	if (!streq(vm, SIM_OMA) || hv->never_unplugs)
		return;

	for (d = TAILQ_FIRST(&hv->disks); d; d = next) {
		next = TAILQ_NEXT(d, entry);
		if (!streq(d->volume, volume))
			continue;
		if (d->present)
			disk_schedule(d);
		else
			disk_free(d); /* it had not come yet */
	}
}

void hypervisor_hooks(struct hypervisor *hv, struct sim_hypervisor *ret)
{
	*ret = (struct sim_hypervisor){ .plug = on_plug, .unplug = on_unplug, .data = hv };
}

static void boot_one(struct hypervisor *hv, const char *volume, json_object *row)
{
	char serial[VIRTIO_SERIAL_MAX + 1];
	struct disk *d;
	size_t n = 0;

	for (const char *s = volume; *s && n < VIRTIO_SERIAL_MAX; s++)
		if (*s != '-')
			serial[n++] = *s;
	serial[n] = '\0';

	d = disk_new(hv, serial, (uint64_t)mk_json_int(row, "size", 0), hv->scsi);
	if (!d)
		return;
	d->link_mode = LINK_OK;
	snprintf(d->volume, sizeof(d->volume), "%s", volume);
	disk_appear(d);
}

/* In the order of device ids: the root disk gets the letter a. */
void hypervisor_boot(struct hypervisor *hv, struct sim *sim)
{
	_cleanup_json_ json_object *state = sim_state(sim);
	json_object *volumes = mk_json_get(state, "volumes");

	for (int device = 0; volumes && device < DISKS_MAX; device++) {
		json_object_object_foreach(volumes, id, v)
			if (streq(mk_json_str(v, "virtualmachineid", ""), SIM_OMA) &&
			    mk_json_int(v, "deviceid", -1) == device)
				boot_one(hv, id, v);
	}
}

/* --- settings --- */

static int choose(const char *value, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (streq(words[i], value))
			return i;
	return -EINVAL;
}

static int parse_number(const char *value, int64_t *ret)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(value, &end, 10);
	if (errno || !*value || *end)
		return -EINVAL;
	*ret = n;
	return 0;
}

int hypervisor_set(struct hypervisor *hv, const char *key, const char *value)
{
	static const char *const buses[] = { "virtio", "scsi", NULL };
	static const char *const serials[] = { "ok", "none", "wrong", "duplicate", NULL };
	static const char *const unplugs[] = { "ok", "never", NULL };
	static const char *const links[] = { "ok", "missing", "stale", NULL };
	int64_t n;
	int i = -EINVAL;

	if (streq(key, "hv-bus") && (i = choose(value, buses)) >= 0)
		hv->scsi = i == 1;
	else if (streq(key, "hv-serial") && (i = choose(value, serials)) >= 0)
		hv->serial_mode = (enum serial_mode)i;
	else if (streq(key, "hv-unplug") && (i = choose(value, unplugs)) >= 0)
		hv->never_unplugs = i == 1;
	else if (streq(key, "hv-link") && (i = choose(value, links)) >= 0)
		hv->link_mode = (enum link_mode)i;
	else if (streq(key, "hv-size") && (i = parse_number(value, &n)) >= 0)
		hv->more_size = n;
	else if (streq(key, "hv-delay-ms") && (i = parse_number(value, &n)) >= 0)
		hv->delay_ms = (unsigned)n;
	return i < 0 ? i : 0;
}

/* --- /admin/disk --- */

static struct disk *find_node(struct hypervisor *hv, const char *node)
{
	struct disk *d;

	if (starts_with(node, "/dev/"))
		node += strlen("/dev/");
	TAILQ_FOREACH(d, &hv->disks, entry)
		if (d->present && streq(d->node, node))
			return d;
	return NULL;
}

static int admin_add(struct hypervisor *hv, json_object *in, json_object *out, char **ret_why)
{
	const char *serial = mk_json_str(in, "serial", "");
	const char *bus = mk_json_str(in, "bus", hv->scsi ? "scsi" : "virtio");
	int64_t size = mk_json_int(in, "size", 0);
	struct disk *d;

	for (const char *s = serial; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("_.:-", *s))
			size = -1;
	if (size <= 0 || strlen(serial) >= SERIAL_MAX ||
	    (!streq(bus, "virtio") && !streq(bus, "scsi"))) {
		*ret_why = strdup("a disk needs a size in bytes, a printable serial (or none), and "
				  "bus virtio or scsi");
		return -EINVAL;
	}

	d = disk_new(hv, serial, (uint64_t)size, streq(bus, "scsi"));
	if (!d)
		return -ENOMEM;
	d->partition = mk_json_bool(in, "partition", false);
	disk_appear(d);
	mk_json_set_str(out, "node", d->node);
	return 0;
}

/* A dm device above the disk, as LVM or dm-crypt would be. */
static int admin_hold(struct disk *d, const char *holder, char **ret_why)
{
	_cleanup_free_ char *record = NULL, *dir = NULL, *link = NULL, *target = NULL;
	unsigned number;
	int n = 0;

	if (sscanf(holder, "dm-%3u%n", &number, &n) != 1 || holder[n] || d->holders[0]) {
		*ret_why = strdup("holder is dm-N, one a disk");
		return -EINVAL;
	}

	record =
		mk_strdup_printf("P: /devices/virtual/block/%s\nN: %s\nE: SUBSYSTEM=block\n"
				 "E: DEVTYPE=disk\nE: DEVNAME=/dev/%s\nE: MAJOR=253\nE: MINOR=%u\n"
				 "A: dev=253:%u\nA: size=%" PRIu64 "\\n\nA: dm/name=held-%s\\n\n\n",
				 holder, holder, holder, number, number, d->size / SECTOR, d->node);
	dir = mk_strdup_printf("%s/sys%s/holders", d->hv->root, d->path);
	link = mk_strdup_printf("%s/sys%s/holders/%s", d->hv->root, d->path, holder);
	target = mk_strdup_printf("%s/sys/devices/virtual/block/%s", d->hv->root, holder);
	if (!record || !dir || !link || !target)
		return -ENOMEM;
	if (access(target, F_OK) == 0) {
		*ret_why = mk_strdup_printf("%s holds a disk already", holder);
		return -EEXIST;
	}

	snprintf(d->holders, sizeof(d->holders), "%s", holder);
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	add(d->hv, record);
	return symlink(target, link) < 0 ? -errno : 0;
}

static void admin_unhold(struct disk *d)
{
	_cleanup_free_ char *link =
		mk_strdup_printf("%s/sys%s/holders/%s", d->hv->root, d->path, d->holders);
	char path[128];

	if (!d->holders[0] || !link)
		return;
	(void)unlink(link);
	snprintf(path, sizeof(path), "/devices/virtual/block/%s", d->holders);
	remove_device(d->hv, path, false);
	d->holders[0] = '\0';
}

static void admin_list(struct hypervisor *hv, json_object *out)
{
	json_object *rows = json_object_new_array();
	struct disk *d;

	TAILQ_FOREACH(d, &hv->disks, entry) {
		json_object *row = json_object_new_object();

		if (d->present)
			mk_json_set_str(row, "node", d->node);
		mk_json_set_str(row, "serial", d->serial);
		mk_json_set_str(row, "volume", d->volume);
		mk_json_set_int(row, "size", (int64_t)d->size);
		json_object_array_add(rows, row);
	}
	json_object_object_add(out, "disks", rows);
}

int hypervisor_disk(struct hypervisor *hv, json_object *in, json_object *out, char **ret_why)
{
	const char *action = mk_json_str(in, "action", "");
	struct disk *d;

	if (streq(action, "add"))
		return admin_add(hv, in, out, ret_why);
	if (streq(action, "list")) {
		admin_list(hv, out);
		return 0;
	}

	d = find_node(hv, mk_json_str(in, "node", ""));
	if (!d) {
		*ret_why = strdup("no such disk");
		return -ENOENT;
	}
	if (streq(action, "hold"))
		return admin_hold(d, mk_json_str(in, "holder", ""), ret_why);
	if (streq(action, "release")) {
		admin_unhold(d);
		return 0;
	}
	if (streq(action, "remove")) {
		admin_unhold(d);
		disk_free(d);
		return 0;
	}

	*ret_why = strdup("action is add, list, remove, hold or release");
	return -EINVAL;
}

/* --- life --- */

int hypervisor_new(sd_event *event, struct hypervisor **ret)
{
	struct hypervisor *hv = calloc(1, sizeof(*hv));

	if (!hv)
		return -ENOMEM;

	/* the testbed comes first: umockdev_in_mock_environment() keeps its first answer for good */
	hv->event = sd_event_ref(event);
	hv->testbed = umockdev_testbed_new();
	hv->root = umockdev_testbed_get_root_dir(hv->testbed);
	TAILQ_INIT(&hv->disks);
	if (!umockdev_in_mock_environment()) {
		hypervisor_free(hv);
		return -ENOTSUP;
	}

	*ret = hv;
	return 0;
}

struct hypervisor *hypervisor_free(struct hypervisor *hv)
{
	struct disk *d;

	if (!hv)
		return NULL;

	/* the testbed takes everything away, without events */
	while ((d = TAILQ_FIRST(&hv->disks))) {
		d->present = false;
		disk_free(d);
	}
	g_object_unref(hv->testbed);
	g_free(hv->root);
	sd_event_unref(hv->event);
	free(hv);
	return NULL;
}

const char *hypervisor_root(const struct hypervisor *hv)
{
	return hv->root;
}
