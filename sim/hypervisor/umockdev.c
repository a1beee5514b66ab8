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
	/* settings */
	bool scsi, never_unplugs;
	enum serial_mode serial_mode; /* of the next disk */
	enum link_mode link_mode;
	int64_t more_size;
	unsigned delay_ms;
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

/* Now, or as much later as is set. */
static void disk_schedule(struct mock *hv, struct disk *d)
{
	uint64_t when = mk_now_monotonic() + hv->delay_ms * USEC_PER_MSEC;

	d->timer = sd_event_source_disable_unref(d->timer);
	if (hv->delay_ms == 0 ||
	    sd_event_add_time(hv->event, &d->timer, CLOCK_MONOTONIC, when, 0, on_time, d) < 0)
		(void)on_time(NULL, 0, d);
}

/* --- hooks --- */

static void plug_one(struct mock *hv, const char *volume, uint64_t size, const char *serial)
{
	struct disk *d = disk_new(hv, serial, size, hv->scsi);

	if (!d)
		return;
	snprintf(d->volume, sizeof(d->volume), "%s", volume);
	disk_schedule(hv, d);
}

static void on_plug(const char *volume, uint64_t size, const char *serial, const char *vm,
		    void *data)
{
	struct mock *hv = data;
	enum serial_mode mode = hv->serial_mode;
	struct disk *d;
	unsigned n = 0;

	if (!streq(vm, SIM_OMA))
		return;
	TAILQ_FOREACH(d, &hv->disks.list, entry)
		n++;
	if (n >= DISKS_MAX) {
		fprintf(stderr, "umockdev: no room for the disk of volume %s\n", volume);
		return;
	}

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
	struct mock *hv = data;
	struct disk *d, *next;

	if (!streq(vm, SIM_OMA) || hv->never_unplugs)
		return;

	for (d = TAILQ_FIRST(&hv->disks.list); d; d = next) {
		next = TAILQ_NEXT(d, entry);
		if (!streq(d->volume, volume))
			continue;
		if (d->present)
			disk_schedule(hv, d);
		else
			disk_free(d); /* it had not come yet */
	}
}

static void boot_one(struct mock *hv, const char *volume, json_object *row)
{
	char serial[DISK_VIRTIO_MAX + 1];
	struct disk *d;
	size_t n = 0;

	for (const char *s = volume; *s && n < DISK_VIRTIO_MAX; s++)
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
static void boot(struct hypervisor *base, struct sim *sim)
{
	struct mock *hv = (struct mock *)base;
	_cleanup_json_ json_object *state = sim_state(sim, "volumes");
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

static int parse_number(const char *value, int64_t min, int64_t *ret)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(value, &end, 10);
	if (errno || !*value || *end || n < min || n > INT64_MAX / 2)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int set(struct hypervisor *base, const char *key, const char *value)
{
	struct mock *hv = (struct mock *)base;
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
	else if (streq(key, "hv-size") && (i = parse_number(value, INT64_MIN / 2, &n)) >= 0)
		hv->more_size = n;
	else if (streq(key, "hv-delay-ms") && (i = parse_number(value, 0, &n)) >= 0)
		hv->delay_ms = (unsigned)n;
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
	.plug = on_plug,
	.unplug = on_unplug,
	.boot = boot,
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
