/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Plugs real disks into the appliance when it is the guest of a QEMU, through QEMU's monitor, as libvirt does it for
 * CloudStack's agent. The protocol is docs/interop/qmp-spec.rst of QEMU. Each change makes a new connection, so that
 * QEMU can be restarted in between. Whoever starts QEMU then adds the disks that are plugged, under the same names;
 * /admin/disk with the action "list" tells them. A change blocks the simulator until QEMU has made it, which is a part
 * of a second, or until detach-wait-ms is over, if the guest does not let go. A guest that was paused is another matter: QEMU keeps what is asked of it until the guest runs again.
 */

#include "hypervisor-internal.h"

#include <sys/queue.h>

#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define QMP_LIMIT_USEC (30 * USEC_PER_SEC) /* of a whole change */
#define LINE_MAX_SIZE  65536
#define SCSI_LUNS      64
#define SERIAL_SIZE    21 /* VIRTIO_BLK_ID_BYTES and a NUL */

struct qmp_disk {
	TAILQ_ENTRY(qmp_disk) entry;
	char volume[MK_UUID_SIZE], serial[SERIAL_SIZE];
	char id[4 + SERIAL_SIZE]; /* QEMU's name; with a suffix its nodes', 31 characters at most */
	char *file;
	uint64_t size;
	unsigned lun; /* scsi only */
	bool scsi;
};

struct qmp_hypervisor {
	struct hypervisor base;
	struct sim_log *log; /* borrowed */
	char *socket, *directory;
	TAILQ_HEAD(qmp_disks, qmp_disk) disks;
};

/* --- the monitor --- */

struct qmp {
	int fd;
	uint64_t deadline;
	size_t used;
	char line[LINE_MAX_SIZE];
	char *deleted; /* device of the last DEVICE_DELETED */
};

static void qmp_close(struct qmp *q)
{
	if (q->fd >= 0)
		close(q->fd);
	free(q->deleted);
	free(q);
}
DEFINE_CLEANUP(struct qmp *, qmp_close)

static int wait_readable(const struct qmp *q)
{
	uint64_t now = mk_now_monotonic();
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	int r;

	if (now >= q->deadline)
		return -ETIMEDOUT;
	r = poll(&p, 1, (int)((q->deadline - now) / USEC_PER_MSEC) + 1);
	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

/* The next message: one line. */
static int qmp_read(struct qmp *q, json_object **ret)
{
	for (;;) {
		char *end = memchr(q->line, '\n', q->used);
		ssize_t n;
		int r;

		if (end) {
			*end = '\0';
			*ret = json_tokener_parse(q->line);
			q->used -= (size_t)(end + 1 - q->line);
			memmove(q->line, end + 1, q->used);
			return *ret ? 0 : -EBADMSG;
		}
		if (q->used == sizeof(q->line))
			return -EMSGSIZE;

		r = wait_readable(q);
		if (r < 0)
			return r;
		n = recv(q->fd, q->line + q->used, sizeof(q->line) - q->used, MSG_DONTWAIT);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		q->used += n > 0 ? (size_t)n : 0;
	}
}

static void qmp_event(struct qmp *q, json_object *message)
{
	json_object *data = mk_json_get(message, "data");

	if (streq(mk_json_str(message, "event", ""), "DEVICE_DELETED"))
		(void)mk_str_set(&q->deleted, mk_json_str(data, "device", ""));
}

/* Takes arguments. -EREMOTEIO: QEMU refuses; its words go to stderr. -ENOENT: it has no such device. */
static int qmp_command(struct qmp *q, const char *name, json_object *arguments)
{
	_cleanup_json_ json_object *command = json_object_new_object();
	_cleanup_free_ char *text = NULL;

	mk_json_set_str(command, "execute", name);
	json_object_object_add(command, "arguments", arguments);
	text = mk_strdup_printf("%s\n",
				json_object_to_json_string_ext(command, JSON_C_TO_STRING_PLAIN));
	if (!text)
		return -ENOMEM;
	if (send(q->fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		return -EIO;

	for (;;) {
		_cleanup_json_ json_object *answer = NULL;
		json_object *error;
		int r = qmp_read(q, &answer);

		if (r < 0)
			return r;
		if (mk_json_get(answer, "return"))
			return 0;
		error = mk_json_get(answer, "error");
		if (error && streq(mk_json_str(error, "class", ""), "DeviceNotFound"))
			return -ENOENT;
		if (error) {
			fprintf(stderr, "qmp: %s: %s\n", name, mk_json_str(error, "desc", "?"));
			return -EREMOTEIO;
		}
		qmp_event(q, answer);
	}
}

static int qmp_wait_deleted(struct qmp *q, const char *device)
{
	while (!q->deleted || !streq(q->deleted, device)) {
		_cleanup_json_ json_object *message = NULL;
		int r = qmp_read(q, &message);

		if (r < 0)
			return r;
		qmp_event(q, message);
	}
	return 0;
}

/* The path has been found short enough. */
static int qmp_connect(struct qmp *q, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, path, strlen(path));
	q->deadline = mk_now_monotonic() + QMP_LIMIT_USEC;
	q->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (q->fd < 0 || connect(q->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

static int qmp_open(const char *path, struct qmp **ret)
{
	_cleanup_(qmp_closep) struct qmp *q = calloc(1, sizeof(*q));
	_cleanup_json_ json_object *greeting = NULL;
	int r;

	if (!q)
		return -ENOMEM;
	r = qmp_connect(q, path);
	if (r >= 0)
		r = qmp_read(q, &greeting);
	if (r >= 0)
		r = qmp_command(q, "qmp_capabilities", json_object_new_object());
	if (r >= 0)
		*ret = take_ptr(q);
	return r;
}

/* --- one disk --- */

static void disk_free(struct qmp_hypervisor *hv, struct qmp_disk *d)
{
	TAILQ_REMOVE(&hv->disks, d, entry);
	free(d->file);
	free(d);
}

static struct qmp_disk *disk_find(struct qmp_hypervisor *hv, const char *volume)
{
	struct qmp_disk *d;

	TAILQ_FOREACH(d, &hv->disks, entry)
		if (streq(d->volume, volume))
			return d;
	return NULL;
}

static unsigned lowest_lun(struct qmp_hypervisor *hv)
{
	uint64_t used = 1; /* libvirt leaves 0 to a CD drive's likes */
	struct qmp_disk *d;

	TAILQ_FOREACH(d, &hv->disks, entry)
		if (d->scsi)
			used |= UINT64_C(1) << d->lun;
	for (unsigned lun = 1; lun < SCSI_LUNS; lun++)
		if (!(used & UINT64_C(1) << lun))
			return lun;
	return SCSI_LUNS;
}

/* A volume's content stays in its file; it never shrinks. */
static int make_file(const char *path, uint64_t size)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size < size && ftruncate(fd, (off_t)size) < 0)
		return -errno;
	return 0;
}

static struct qmp_disk *disk_new(struct qmp_hypervisor *hv, const struct sim_disk *disk)
{
	struct qmp_disk *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;

	snprintf(d->volume, sizeof(d->volume), "%s", disk->volume);
	snprintf(d->serial, sizeof(d->serial), "%s", disk->serial);
	snprintf(d->id, sizeof(d->id), "vol-%.20s", disk->serial);
	d->size = disk->size;
	d->scsi = disk->scsi;
	d->lun = d->scsi ? lowest_lun(hv) : 0;
	d->file = mk_strdup_printf("%s/%s.raw", hv->directory, disk->volume);
	TAILQ_INSERT_TAIL(&hv->disks, d, entry);
	return d;
}

static json_object *node_name(const struct qmp_disk *d, const char *suffix)
{
	json_object *o = json_object_new_object();
	_cleanup_free_ char *name = mk_strdup_printf("%s-%s", d->id, suffix);

	mk_json_set_str(o, "node-name", name);
	return o;
}

static int add_nodes(struct qmp *q, const struct qmp_disk *d)
{
	json_object *storage = node_name(d, "file"), *format = node_name(d, "raw");
	int r;

	mk_json_set_str(storage, "driver", "file");
	mk_json_set_str(storage, "filename", d->file);
	mk_json_set_str(format, "driver", "raw");
	json_object_object_add(format, "file", json_object_get(mk_json_get(storage, "node-name")));
	r = qmp_command(q, "blockdev-add", storage);
	if (r < 0) {
		json_object_put(format);
		return r;
	}
	return qmp_command(q, "blockdev-add", format);
}

static int remove_nodes(struct qmp *q, const struct qmp_disk *d)
{
	int r = qmp_command(q, "blockdev-del", node_name(d, "raw"));

	return r < 0 ? r : qmp_command(q, "blockdev-del", node_name(d, "file"));
}

/* As libvirt words them for CloudStack's <disk>: the serial is scsi-hd's device_id too. */
static json_object *device_arguments(const struct qmp_disk *d)
{
	json_object *o = json_object_new_object();
	_cleanup_free_ char *drive = mk_strdup_printf("%s-raw", d->id);

	mk_json_set_str(o, "driver", d->scsi ? "scsi-hd" : "virtio-blk-pci");
	mk_json_set_str(o, "bus", d->scsi ? "scsi0.0" : "pci.0");
	mk_json_set_str(o, "id", d->id);
	mk_json_set_str(o, "drive", drive);
	mk_json_set_str(o, "serial", d->serial);
	mk_json_set_str(o, "write-cache", "on");
	if (d->scsi) {
		mk_json_set_str(o, "device_id", d->serial);
		mk_json_set_int(o, "channel", 0);
		mk_json_set_int(o, "scsi-id", 0);
		mk_json_set_int(o, "lun", (int64_t)d->lun);
	}
	return o;
}

static int disk_plug(struct qmp_hypervisor *hv, struct qmp_disk *d)
{
	_cleanup_(qmp_closep) struct qmp *q = NULL;
	int r = d->file && d->lun < SCSI_LUNS ? make_file(d->file, d->size) : -ENOSPC;

	if (r >= 0)
		r = qmp_open(hv->socket, &q);
	if (r >= 0)
		r = add_nodes(q, d);
	if (r < 0)
		return r;

	r = qmp_command(q, "device_add", device_arguments(d));
	if (r < 0)
		(void)remove_nodes(q, d);
	return r;
}

static int send_eject(struct qmp *q, const struct qmp_disk *d)
{
	json_object *device = json_object_new_object();

	mk_json_set_str(device, "id", d->id);
	return qmp_command(q, "device_del", device);
}

/* Over when the guest has let go; it may have done so before, when nobody listened. */
static int disk_unplug(struct qmp_hypervisor *hv, struct qmp_disk *d, unsigned limit_ms)
{
	_cleanup_(qmp_closep) struct qmp *q = NULL;
	int r = qmp_open(hv->socket, &q);

	if (r < 0)
		return r;
	r = send_eject(q, d);
	q->deadline = mk_now_monotonic() + limit_ms * USEC_PER_MSEC;
	if (r >= 0)
		r = qmp_wait_deleted(q, d->id);
	q->deadline = mk_now_monotonic() + QMP_LIMIT_USEC;
	return r < 0 && r != -ENOENT ? r : remove_nodes(q, d);
}

/* --- hooks --- */

static void complain(const char *what, const char *volume, int r)
{
	fprintf(stderr, "qmp: cannot %s volume %s: %s\n", what, volume, strerror(-r));
}

static void on_plug(const struct sim_disk *disk, void *data)
{
	struct qmp_hypervisor *hv = data;
	struct qmp_disk *d;
	int r;

	if (!streq(disk->vm, SIM_OMA) || disk_find(hv, disk->volume))
		return;
	d = disk_new(hv, disk);
	r = d ? disk_plug(hv, d) : -ENOMEM;
	if (r < 0) {
		complain("plug", disk->volume, r);
		if (d)
			disk_free(hv, d);
		return;
	}
	log_happened(hv->log, "plug");
}

static bool on_unplug(const char *volume, const char *vm, unsigned delay_ms, unsigned limit_ms,
		      void *data)
{
	struct qmp_hypervisor *hv = data;
	struct qmp_disk *d = disk_find(hv, volume);
	int r;

	if (!streq(vm, SIM_OMA) || !d)
		return true;
	r = disk_unplug(hv, d, limit_ms);
	if (r < 0)
		complain("unplug", volume, r);
	else
		disk_free(hv, d);
	return r != -ETIMEDOUT;
}

/* QEMU keeps it in mind. */
static void on_eject(const char *volume, const char *vm, void *data)
{
	struct qmp_hypervisor *hv = data;
	struct qmp_disk *d = disk_find(hv, volume);
	_cleanup_(qmp_closep) struct qmp *q = NULL;
	int r;

	if (!streq(vm, SIM_OMA) || !d)
		return;
	r = qmp_open(hv->socket, &q);
	if (r >= 0)
		r = send_eject(q, d);
	if (r < 0)
		complain("eject", volume, r);
}

static void on_resize(const char *volume, const char *vm, uint64_t size, void *data)
{
	struct qmp_hypervisor *hv = data;
	struct qmp_disk *d = disk_find(hv, volume);
	_cleanup_(qmp_closep) struct qmp *q = NULL;
	json_object *arguments;
	int r;

	if (!streq(vm, SIM_OMA) || !d)
		return;
	r = qmp_open(hv->socket, &q);
	if (r >= 0) {
		arguments = node_name(d, "raw");
		mk_json_set_int(arguments, "size", (int64_t)size);
		r = qmp_command(q, "block_resize", arguments);
	}
	if (r < 0)
		complain("resize", volume, r);
	else
		d->size = size;
}

/* Whether the guest hears is not for QEMU to say. */
static int on_guest(const char *vm, enum sim_guest_state state, bool rescan, void *data)
{
	struct qmp_hypervisor *hv = data;
	_cleanup_(qmp_closep) struct qmp *q = NULL;
	int r;

	if (!streq(vm, SIM_OMA))
		return 0;
	if (state == SIM_GUEST_DEAF || !rescan)
		return -ENOTSUP;
	r = qmp_open(hv->socket, &q);
	if (r >= 0)
		r = qmp_command(q, state == SIM_GUEST_PAUSED ? "stop" : "cont",
				json_object_new_object());
	return r;
}

static int set(struct hypervisor *base, const char *key, const char *value)
{
	return -EINVAL;
}

/* Only "list": with what a QEMU needs to be started with the same disks. */
static int disk(struct hypervisor *base, json_object *request, json_object *answer, char **ret_why)
{
	struct qmp_hypervisor *hv = (struct qmp_hypervisor *)base;
	json_object *rows;
	struct qmp_disk *d;

	if (!streq(mk_json_str(request, "action", ""), "list")) {
		*ret_why = strdup("action is list");
		return -EINVAL;
	}

	rows = json_object_new_array();
	TAILQ_FOREACH(d, &hv->disks, entry) {
		json_object *row = device_arguments(d);

		mk_json_set_str(row, "volume", d->volume);
		mk_json_set_str(row, "file", d->file);
		mk_json_set_int(row, "size", (int64_t)d->size);
		json_object_array_add(rows, row);
	}
	json_object_object_add(answer, "disks", rows);
	return 0;
}

/* --- life --- */

static void qmp_hypervisor_free(struct hypervisor *base)
{
	struct qmp_hypervisor *hv = (struct qmp_hypervisor *)base;
	struct qmp_disk *d;

	while ((d = TAILQ_FIRST(&hv->disks)))
		disk_free(hv, d);
	free(hv->socket);
	free(hv->directory);
	free(hv);
}

static const struct hypervisor_ops ops = {
	.hooks = {
		.plug = on_plug,
		.unplug = on_unplug,
		.eject = on_eject,
		.resize = on_resize,
		.guest = on_guest,
	},
	.set = set,
	.disk = disk,
	.free = qmp_hypervisor_free,
};

int hypervisor_qmp_new(struct sim_log *log, const char *path, struct hypervisor **ret)
{
	struct qmp_hypervisor *hv;
	_cleanup_free_ char *copy = NULL;

	if (path[0] != '/' || strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return -EINVAL;
	hv = calloc(1, sizeof(*hv));
	if (!hv)
		return -ENOMEM;

	hv->base.ops = &ops;
	hv->log = log;
	TAILQ_INIT(&hv->disks);
	hv->socket = strdup(path);
	copy = strdup(path);
	hv->directory = copy ? strdup(dirname(copy)) : NULL;
	if (!hv->socket || !hv->directory) {
		qmp_hypervisor_free(&hv->base);
		return -ENOMEM;
	}
	*ret = &hv->base;
	return 0;
}
