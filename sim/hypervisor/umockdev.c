/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Plugs mocked disks into the appliance: virtio-blk or virtio-scsi, as a guest of KVM sees them, and with the names
 * that a kernel would give them. The settings "hv-…" are here: what goes wrong between CloudStack and the guest.
 */

#include "disk-umockdev-internal.h"
#include "hypervisor-internal.h"

#include "commands/commands.h"

#include <ctype.h>
#include <limits.h>

#define WRONG_SERIAL "0badc0de0badc0de0bad"

enum serial_mode { SERIAL_OK, SERIAL_NONE, SERIAL_WRONG, SERIAL_DUPLICATE };

struct mock {
	struct hypervisor base;
	char *announce;
	sd_event *event;
	struct sim_log *log; /* borrowed */
	struct disks disks;
	enum sim_guest_state state;
	unsigned missed; /* by the guest, so far */
	bool scsi;       /* the last disk of a volume was on it */
	/* settings */
	bool never_unplugs;
	enum serial_mode serial_mode; /* of the next disk */
	enum link_mode link_mode;
	int64_t more_size;
};

static void disk_free(struct disk *d)
{
	if (d->present)
		disk_vanish(d);
	TAILQ_REMOVE(&d->disks->list, d, entry);
	sd_event_source_disable_unref(d->timer);
	free(d);
}

static struct disk *disk_new(struct mock *hv, const char *serial, uint64_t size, bool scsi)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;

	d->disks = &hv->disks;
	d->device = -1;
	d->size = size;
	d->scsi = scsi;
	d->link_mode = hv->link_mode;
	snprintf(d->serial, scsi ? sizeof(d->serial) : DISK_VIRTIO_MAX + 1, "%s", serial);
	TAILQ_INSERT_TAIL(&hv->disks.list, d, entry);
	return d;
}

static void appear(struct disk *d)
{
	struct mock *hv = (struct mock *)((char *)d->disks - offsetof(struct mock, disks));

	disk_appear(d);
	log_happened(hv->log, "plug");
}

static int on_time(sd_event_source *s, uint64_t usec, void *data)
{
	struct disk *d = data;

	d->timer = sd_event_source_disable_unref(d->timer);
	if (d->present)
		disk_free(d);
	else
		appear(d);
	return 0;
}

/* The guest sees it come or go: now, later, or when it runs again. */
static void disk_schedule(struct mock *hv, struct disk *d, unsigned delay_ms)
{
	uint64_t when = mk_now_monotonic() + delay_ms * USEC_PER_MSEC;

	d->timer = sd_event_source_disable_unref(d->timer);
	if (hv->state == SIM_GUEST_PAUSED || (hv->state == SIM_GUEST_DEAF && !d->scsi))
		d->missed = ++hv->missed;
	else if (delay_ms == 0 ||
		 sd_event_add_time(hv->event, &d->timer, CLOCK_MONOTONIC, when, 0, on_time, d) < 0)
		(void)on_time(NULL, 0, d);
}

/* --- hooks --- */

static void plug_one(struct mock *hv, const struct sim_disk *disk, const char *serial)
{
	uint64_t more = disk->boot ? 0 : (uint64_t)hv->more_size;
	struct disk *d = disk_new(hv, serial, disk->size + more, disk->scsi);

	if (!d)
		return;
	if (disk->boot)
		d->link_mode = LINK_OK;
	d->device = disk->device;
	snprintf(d->volume, sizeof(d->volume), "%s", disk->volume);
	disk_schedule(hv, d, disk->boot ? 0 : disk->delay_ms);
}

static void on_plug(const struct sim_disk *disk, void *data)
{
	struct mock *hv = data;
	enum serial_mode mode = disk->boot ? SERIAL_OK : hv->serial_mode;
	const char *serial = mode == SERIAL_NONE    ? ""
			     : mode == SERIAL_WRONG ? WRONG_SERIAL
						    : disk->serial;
	struct disk *d;
	unsigned n = 0;

	if (!streq(disk->vm, SIM_OMA))
		return;
	TAILQ_FOREACH(d, &hv->disks.list, entry)
		n++;
	if (n >= DISKS_MAX) {
		fprintf(stderr, "umockdev: no room for the disk of volume %s\n", disk->volume);
		return;
	}

	hv->scsi = disk->scsi;
	if (!disk->boot)
		hv->serial_mode = SERIAL_OK;
	plug_one(hv, disk, serial);
	if (mode == SERIAL_DUPLICATE)
		plug_one(hv, disk, serial);
}

static bool on_unplug(const char *volume, const char *vm, unsigned delay_ms, unsigned limit_ms,
		      void *data)
{
	struct mock *hv = data;
	struct disk *d, *next;

	if (!streq(vm, SIM_OMA) || hv->never_unplugs)
		return true;

	for (d = TAILQ_FIRST(&hv->disks.list); d; d = next) {
		next = TAILQ_NEXT(d, entry);
		if (!streq(d->volume, volume))
			continue;
		if (d->present)
			disk_schedule(hv, d, delay_ms);
		else
			disk_free(d); /* it had not come yet */
	}
	return true;
}

/* A paused guest sees it later, but its device has the size already: so does the mocked one. */
static void on_resize(const char *volume, const char *vm, uint64_t size, void *data)
{
	struct mock *hv = data;
	struct disk *d;

	if (!streq(vm, SIM_OMA))
		return;
	TAILQ_FOREACH(d, &hv->disks.list, entry)
		if (streq(d->volume, volume))
			disk_resize(d, size + (uint64_t)hv->more_size);
}

static struct disk *next_missed(struct mock *hv)
{
	struct disk *d, *first = NULL;

	TAILQ_FOREACH(d, &hv->disks.list, entry)
		if (d->missed && (!first || d->missed < first->missed))
			first = d;
	return first;
}

static int on_guest(const char *vm, enum sim_guest_state state, bool rescan, void *data)
{
	struct mock *hv = data;
	struct disk *d;

	if (!streq(vm, SIM_OMA))
		return 0;

	hv->state = state;
	while (state == SIM_GUEST_RUNS && rescan && (d = next_missed(hv))) {
		d->missed = 0;
		(void)on_time(NULL, 0, d);
	}
	return 0;
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
	if (errno || !*value || *end || n < INT64_MIN / 2 || n > INT64_MAX / 2)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int set(struct hypervisor *base, const char *key, const char *value)
{
	struct mock *hv = (struct mock *)base;
	static const char *const serials[] = { "ok", "none", "wrong", "duplicate", NULL };
	static const char *const unplugs[] = { "ok", "never", NULL };
	static const char *const links[] = { "ok", "missing", "stale", NULL };
	int64_t n;
	int i = -EINVAL;

	if (streq(key, "hv-serial") && (i = choose(value, serials)) >= 0)
		hv->serial_mode = (enum serial_mode)i;
	else if (streq(key, "hv-unplug") && (i = choose(value, unplugs)) >= 0)
		hv->never_unplugs = i == 1;
	else if (streq(key, "hv-link") && (i = choose(value, links)) >= 0)
		hv->link_mode = (enum link_mode)i;
	else if (streq(key, "hv-size") && (i = parse_number(value, &n)) >= 0)
		hv->more_size = n;
	return i < 0 ? i : 0;
}

/* --- /admin/disk --- */

static struct disk *find_node(struct mock *hv, const char *node)
{
	struct disk *d;

	if (starts_with(node, "/dev/"))
		node += strlen("/dev/");
	TAILQ_FOREACH(d, &hv->disks.list, entry)
		if (d->present && streq(d->node, node))
			return d;
	return NULL;
}

static int admin_add(struct mock *hv, json_object *in, json_object *out, char **ret_why)
{
	const char *serial = mk_json_str(in, "serial", "");
	const char *bus = mk_json_str(in, "bus", hv->scsi ? "scsi" : "virtio");
	int64_t size = mk_json_int(in, "size", 0);
	struct disk *d;

	for (const char *s = serial; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("_.:-", *s))
			size = -1;
	if (size <= 0 || strlen(serial) >= DISK_SERIAL_MAX ||
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

static void admin_list(struct mock *hv, json_object *out)
{
	json_object *rows = json_object_new_array();
	struct disk *d = NULL;

	TAILQ_FOREACH(d, &hv->disks.list, entry) {
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

static int disk(struct hypervisor *base, json_object *in, json_object *out, char **ret_why)
{
	struct mock *hv = (struct mock *)base;
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
		return disk_hold(d, mk_json_str(in, "holder", ""));
	if (streq(action, "release")) {
		disk_unhold(d);
		return 0;
	}
	if (streq(action, "remove")) {
		d->silent = mk_json_bool(in, "silent", false);
		disk_free(d);
		return 0;
	}

	*ret_why = strdup("action is add, list, remove, hold or release");
	return -EINVAL;
}

/* --- life --- */

static void mock_free(struct hypervisor *base)
{
	struct mock *hv = (struct mock *)base;
	struct disk *d;

	while ((d = TAILQ_FIRST(&hv->disks.list))) {
		d->present = false; /* no event: they go with the testbed */
		disk_free(d);
	}
	disks_close(&hv->disks);
	sd_event_unref(hv->event);
	free(hv->announce);
	free(hv);
}

static const struct hypervisor_ops ops = {
	.hooks = {
		.plug = on_plug,
		.unplug = on_unplug,
		.resize = on_resize,
		.guest = on_guest,
	},
	.boots = true,
	.set = set,
	.disk = disk,
	.free = mock_free,
};

int hypervisor_umockdev_new(sd_event *event, struct sim_log *log, struct hypervisor **ret)
{
	struct mock *hv = calloc(1, sizeof(*hv));
	int r;

	if (!hv)
		return -ENOMEM;

	hv->base.ops = &ops;
	hv->event = sd_event_ref(event);
	hv->log = log;
	r = disks_open(&hv->disks);
	if (r >= 0) {
		hv->announce = mk_strdup_printf("umockdev %s", hv->disks.root);
		hv->base.announce = hv->announce;
		r = hv->announce ? 0 : -ENOMEM;
	}
	if (r < 0) {
		mock_free(&hv->base);
		return r;
	}

	*ret = &hv->base;
	return 0;
}
