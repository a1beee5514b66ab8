/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of disks: its indexes, the udev monitor that keeps it up to date, and the lookups. */

#include "device-internal.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

#define RECEIVE_BUFFER  (16 << 20)
#define MESSAGES_A_TURN 64
#define RETRY_INTERVAL  USEC_PER_SEC
#define RETRY_ACCURACY  USEC_PER_MSEC /* 0 would mean 250 ms */
#define DEV             "/dev/"

/* The disks with one serial: more than one if somebody plugged the same volume twice. */
struct mk_serial_group {
	TAILQ_HEAD(mk_disk_rows, mk_disk_row) rows;
	UT_hash_handle hh;
	char serial[];
};

struct mk_devices {
	sd_event *event;
	void (*on_change)(void *data);
	void *data;
	char *proc;

	struct udev *udev;
	struct udev_monitor *monitor;
	sd_event_source *io, *notify, *retry;
	bool lost;   /* events were: look again once the queue is empty */
	bool broken; /* the monitor gives nothing but errors: replace it */

	struct mk_disk_row *by_path, *by_num;
	struct mk_serial_group *by_serial;
	uint64_t generation;
};

void mk_serial_of_volume(const char *uuid, char ret_serial[MK_SERIAL_SIZE])
{
	size_t n = 0;

	for (; *uuid && n < MK_SERIAL_DIGITS; uuid++)
		if (*uuid != '-')
			ret_serial[n++] = *uuid;
	ret_serial[n] = '\0';
}

const char *mk_devices_proc(const struct mk_devices *devices)
{
	return devices->proc;
}

static void changed(struct mk_devices *devices)
{
	if (devices->notify)
		(void)sd_event_source_set_enabled(devices->notify, SD_EVENT_ONESHOT);
}

static void retry_later(struct mk_devices *devices)
{
	(void)sd_event_source_set_time_relative(devices->retry, RETRY_INTERVAL);
	(void)sd_event_source_set_enabled(devices->retry, SD_EVENT_ONESHOT);
}

/* ---- the three indexes ------------------------------------------------------------------------------------- */

static struct mk_disk_row *row_by_path(struct mk_devices *devices, const char *syspath)
{
	struct mk_disk_row *row;

	HASH_FIND(by_path, devices->by_path, syspath, strlen(syspath), row);
	return row;
}

static struct mk_disk_row *row_by_num(struct mk_devices *devices, dev_t devnum)
{
	struct mk_disk_row *row;

	HASH_FIND(by_num, devices->by_num, &devnum, sizeof(devnum), row);
	return row;
}

static struct mk_serial_group *group_by_serial(struct mk_devices *devices, const char *serial)
{
	struct mk_serial_group *group;

	HASH_FIND_STR(devices->by_serial, serial, group);
	return group;
}

static int group_add(struct mk_devices *devices, struct mk_disk_row *row)
{
	struct mk_serial_group *group = group_by_serial(devices, row->serial);
	size_t n = strlen(row->serial);

	if (!group) {
		group = calloc(1, sizeof(*group) + n + 1);
		if (!group)
			return -ENOMEM;
		memcpy(group->serial, row->serial, n + 1);
		TAILQ_INIT(&group->rows);
		HASH_ADD_KEYPTR(hh, devices->by_serial, group->serial, n, group);
		if (!group->hh.tbl) {
			free(group);
			return -ENOMEM;
		}
	}

	TAILQ_INSERT_TAIL(&group->rows, row, peers);
	row->group = group;
	return 0;
}

static void group_remove(struct mk_devices *devices, struct mk_disk_row *row)
{
	struct mk_serial_group *group = row->group;

	if (!group)
		return;

	TAILQ_REMOVE(&group->rows, row, peers);
	row->group = NULL;
	if (TAILQ_EMPTY(&group->rows)) {
		HASH_DELETE(hh, devices->by_serial, group);
		free(group);
	}
}

static void drop(struct mk_devices *devices, struct mk_disk_row *row)
{
	if (row->by_path.tbl)
		HASH_DELETE(by_path, devices->by_path, row);
	if (row->by_num.tbl)
		HASH_DELETE(by_num, devices->by_num, row);
	group_remove(devices, row);
	mk_disk_row_free(row);
	changed(devices);
}

/* Takes the row over, also on failure. */
static int insert(struct mk_devices *devices, struct mk_disk_row *row)
{
	int r = 0;

	HASH_ADD_KEYPTR(by_path, devices->by_path, row->syspath, strlen(row->syspath), row);
	if (row->by_path.tbl)
		HASH_ADD(by_num, devices->by_num, disk.devnum, sizeof(dev_t), row);
	if (!row->by_num.tbl)
		r = -ENOMEM;
	else if (*row->serial)
		r = group_add(devices, row);

	if (r < 0)
		drop(devices, row);
	else
		changed(devices);
	return r;
}

/* ---- what udev tells -------------------------------------------------------------------------------------- */

static bool same_links(const struct mk_disk_row *a, const struct mk_disk_row *b)
{
	if (a->n_links != b->n_links)
		return false;
	for (size_t i = 0; i < a->n_links; i++)
		if (!streq(a->links[i], b->links[i]))
			return false;
	return true;
}

static bool same_content(const struct mk_disk_row *a, const struct mk_disk_row *b)
{
	return a->disk.devnum == b->disk.devnum && a->disk.diskseq == b->disk.diskseq &&
	       a->disk.size == b->disk.size && a->disk.settled == b->disk.settled &&
	       a->disk.stale_link == b->disk.stale_link && streq(a->disk.link, b->disk.link) &&
	       streq(a->serial, b->serial) && streq(a->node, b->node) && streq(a->bus, b->bus) &&
	       same_links(a, b);
}

/* True if the event is about a disk that came before the one we know at its place. */
static bool outdated(uint64_t diskseq, const struct mk_disk_row *known)
{
	return known && diskseq != 0 && diskseq < known->disk.diskseq;
}

/* Takes the row over. */
static int put(struct mk_devices *devices, struct mk_disk_row *row)
{
	struct mk_disk_row *old = row_by_path(devices, row->syspath);
	struct mk_disk_row *squatter = row_by_num(devices, row->disk.devnum);

	row->generation = devices->generation;
	if (outdated(row->disk.diskseq, old) || outdated(row->disk.diskseq, squatter)) {
		mk_disk_row_free(row);
		return 0;
	}

	(void)mk_disk_check_links(row);
	if (old && same_content(row, old)) {
		old->generation = devices->generation;
		mk_disk_row_free(row);
		return 0;
	}

	if (squatter && squatter != old)
		drop(devices, squatter);
	if (old)
		drop(devices, old);
	return insert(devices, row);
}

static void forget(struct mk_devices *devices, struct udev_device *device)
{
	const char *syspath = udev_device_get_syspath(device);
	struct mk_disk_row *row = syspath ? row_by_path(devices, syspath) : NULL;
	uint64_t diskseq = 0;

	(void)mk_decimal_parse(udev_device_get_property_value(device, "DISKSEQ"), &diskseq);
	if (row && !outdated(diskseq, row))
		drop(devices, row);
}

static int look_at(struct mk_devices *devices, struct udev_device *device, bool settled)
{
	const char *syspath = udev_device_get_syspath(device);
	struct mk_disk_row *row = NULL;
	int r;

	r = mk_disk_read(device, settled, syspath ? row_by_path(devices, syspath) : NULL, &row);
	if (r > 0)
		return put(devices, row);
	if (r == -ESTALE) {
		forget(devices, device);
		return 0;
	}

	return r;
}

int mk_devices_rescan(struct mk_devices *devices)
{
	struct udev_enumerate *enumerate = udev_enumerate_new(devices->udev);
	struct udev_list_entry *e;
	struct mk_disk_row *row = NULL, *next = NULL;
	int r, failed = 0;

	if (!enumerate)
		return -ENOMEM;

	r = udev_enumerate_add_match_subsystem(enumerate, "block");
	if (r >= 0)
		r = udev_enumerate_scan_devices(enumerate);
	if (r < 0) {
		udev_enumerate_unref(enumerate);
		return r;
	}

	devices->generation++;
	udev_list_entry_foreach(e, udev_enumerate_get_list_entry(enumerate))
	{
		const char *syspath = udev_list_entry_get_name(e);
		_cleanup_(udev_device_unrefp) struct udev_device *device =
			udev_device_new_from_syspath(devices->udev, syspath);

		if (!device) /* vanished while we looked */
			continue;
		r = look_at(devices, device, udev_device_get_is_initialized(device) > 0);
		if (r < 0)
			failed = r;
	}
	udev_enumerate_unref(enumerate);
	if (failed < 0)
		return failed; /* a disk that could not be looked at is not a disk that is gone */

	HASH_ITER(by_path, devices->by_path, row, next) {
		if (row->generation != devices->generation)
			drop(devices, row);
	}

	devices->lost = false;
	return 0;
}

/* ---- events --------------------------------------------------------------------------------------------------- */

static void handle(struct mk_devices *devices, struct udev_device *device)
{
	const char *action = udev_device_get_action(device);

	if (action && streq(action, "remove"))
		forget(devices, device);
	else if (look_at(devices, device, true) < 0)
		devices->lost = true;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct mk_devices *devices = data;
	size_t n, n_errors = 0;

	for (n = 0; n < MESSAGES_A_TURN; n++) {
		_cleanup_(udev_device_unrefp) struct udev_device *device = NULL;

		errno = 0;
		device = udev_monitor_receive_device(devices->monitor);
		if (device)
			handle(devices, device);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			n_errors++;
	}

	/* ENOBUFS: events were lost, but those before them are still in the queue; others: one message
	 * was no event. Either way: read on, then look for ourselves. */
	devices->lost = devices->lost || n_errors > 0;
	if (n == MESSAGES_A_TURN) {
		devices->broken = n_errors == MESSAGES_A_TURN;
		if (devices->broken)
			(void)sd_event_source_set_enabled(devices->io, SD_EVENT_OFF);
		if (devices->lost) /* there may be no further message that would make us look */
			retry_later(devices);
	} else if (devices->lost && mk_devices_rescan(devices) < 0) {
		retry_later(devices);
	}
	return 0;
}

static int monitor_open(struct mk_devices *devices)
{
	struct udev_monitor *m = udev_monitor_new_from_netlink(devices->udev, "udev");
	int size = RECEIVE_BUFFER;
	int r;

	if (!m)
		return errno > 0 ? -errno : -ENOMEM;

	devices->monitor = m;
	r = udev_monitor_filter_add_match_subsystem_devtype(m, "block", NULL);
	if (r < 0)
		return r;
	/* Without the right to, the kernel's limit is the best that we get. */
	if (udev_monitor_set_receive_buffer_size(m, size) < 0)
		(void)setsockopt(udev_monitor_get_fd(m), SOL_SOCKET, SO_RCVBUF, &size,
				 sizeof(size));
	r = udev_monitor_enable_receiving(m);
	if (r < 0)
		return r;

	return sd_event_add_io(devices->event, &devices->io, udev_monitor_get_fd(m), EPOLLIN, on_io,
			       devices);
}

static void monitor_close(struct mk_devices *devices)
{
	devices->io = sd_event_source_disable_unref(devices->io);
	devices->monitor = udev_monitor_unref(devices->monitor);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *data)
{
	struct mk_devices *devices = data;
	int r = 0;

	if (devices->broken) {
		monitor_close(devices);
		r = monitor_open(devices);
		devices->broken = r < 0;
	}
	if (r >= 0)
		r = mk_devices_rescan(devices);
	if (r < 0)
		retry_later(devices);
	return 0;
}

static int on_notify(sd_event_source *source, void *data)
{
	struct mk_devices *devices = data;

	if (devices->on_change)
		devices->on_change(devices->data);
	return 0;
}

/* ---- life ---------------------------------------------------------------------------------------------------- */

static int devices_start(struct mk_devices *devices)
{
	int r;

	devices->udev = udev_new();
	if (!devices->udev)
		return -ENOMEM;

	r = monitor_open(devices);
	if (r >= 0)
		r = sd_event_add_time_relative(devices->event, &devices->retry, CLOCK_MONOTONIC,
					       RETRY_INTERVAL, RETRY_ACCURACY, on_retry, devices);
	if (r >= 0)
		r = sd_event_source_set_enabled(devices->retry, SD_EVENT_OFF);
	if (r >= 0)
		r = mk_devices_rescan(devices);
	if (r < 0)
		return r;

	/* Last: what was found first is no change. */
	r = sd_event_add_defer(devices->event, &devices->notify, on_notify, devices);
	return r < 0 ? r : sd_event_source_set_enabled(devices->notify, SD_EVENT_OFF);
}

int mk_devices_new(const struct mk_devices_config *config, struct mk_devices **ret)
{
	_cleanup_(mk_devices_freep) struct mk_devices *devices = calloc(1, sizeof(*devices));
	int r;

	if (!devices)
		return -ENOMEM;

	devices->event = sd_event_ref(config->event);
	devices->on_change = config->on_change;
	devices->data = config->data;
	devices->proc = strdup(config->proc ? config->proc : "/proc");
	if (!devices->proc)
		return -ENOMEM;

	r = devices_start(devices);
	if (r < 0)
		return r;

	*ret = take_ptr(devices);
	return 0;
}

struct mk_devices *mk_devices_free(struct mk_devices *devices)
{
	struct mk_disk_row *row = NULL, *next = NULL;

	if (!devices)
		return NULL;

	devices->notify = sd_event_source_disable_unref(devices->notify);
	sd_event_source_disable_unref(devices->retry);
	monitor_close(devices);
	HASH_ITER(by_path, devices->by_path, row, next) {
		drop(devices, row);
	}
	udev_unref(devices->udev);
	sd_event_unref(devices->event);
	free(devices->proc);
	free(devices);
	return NULL;
}

/* ---- lookups ------------------------------------------------------------------------------------------------- */

/*
 * A link can move without an event for this disk, as when another one with its serial comes or goes: it
 * is looked at whenever the disk is handed out.
 */
static const struct mk_disk *hand_out(struct mk_devices *devices, struct mk_disk_row *row)
{
	if (mk_disk_check_links(row))
		changed(devices);
	return &row->disk;
}

size_t mk_devices_by_serial(struct mk_devices *devices, const char *serial,
			    const struct mk_disk **ret, size_t max)
{
	struct mk_serial_group *group = group_by_serial(devices, serial);
	struct mk_disk_row *row = NULL;
	size_t n = 0;

	if (!group)
		return 0;

	TAILQ_FOREACH(row, &group->rows, peers) {
		if (n < max)
			ret[n] = hand_out(devices, row);
		n++;
	}
	return n;
}

const struct mk_disk *mk_devices_only(struct mk_devices *devices, const char *serial)
{
	struct mk_serial_group *group = group_by_serial(devices, serial);
	struct mk_disk_row *row = group ? TAILQ_FIRST(&group->rows) : NULL;

	return row && !TAILQ_NEXT(row, peers) ? &row->disk : NULL;
}

static bool is_partition(dev_t devnum)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", major(devnum),
		 minor(devnum));
	return access(path, F_OK) == 0;
}

/* Below /dev only: asking the kernel for any path that a caller names could block us (a dead NFS server). */
static bool is_dev_path(const char *s)
{
	size_t n = strnlen(s, PATH_MAX);

	return starts_with(s, DEV) && n < PATH_MAX && !strstr(s, "/../") &&
	       !(n >= 3 && streq(s + n - 3, "/.."));
}

int mk_devices_find(struct mk_devices *devices, const char *device, const struct mk_disk **ret)
{
	struct mk_disk_row *row;
	dev_t devnum;
	int r;

	r = mk_devnum_parse(device, &devnum);
	if (r < 0) {
		if (!is_dev_path(device))
			return -EINVAL;
		r = mk_node_devnum(device, &devnum);
		if (r == -ENOTBLK)
			return -EINVAL;
		if (r < 0)
			return r == -ENOTDIR ? -ENOENT : r;
	}

	row = row_by_num(devices, devnum);
	if (!row)
		return is_partition(devnum) ? -ENOTSUP : -ENOENT;

	*ret = hand_out(devices, row);
	return 0;
}

void mk_devices_foreach(struct mk_devices *devices,
			void (*fn)(const struct mk_disk *disk, void *data), void *data)
{
	struct mk_disk_row *row = NULL, *next = NULL;

	HASH_ITER(by_path, devices->by_path, row, next) {
		fn(hand_out(devices, row), data);
	}
}
