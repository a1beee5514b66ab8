/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reconcile: compares what our store, CloudStack and the disks of this machine say of each volume of ours.
 * CloudStack is right about where a volume is, its tags about whose it is, the disk about which device it is. With
 * option `repair` the store and our tags are corrected; nothing is attached, detached or deleted. In any case a
 * volume that CloudStack says is elsewhere has no device any more.
 *
 * CloudStack's list may be out of date when it is looked at, so it only tells which volumes to ask for one by one.
 * Such an answer counts only if no operation holds the volume, and none has changed it since the question.
 *
 * Notes: "differences", the rows of the result; "rest", ids to ask for: those that differ in CloudStack's list, and
 * those that are in the store but not in the list; "revision", the store's revision of the volume that is being
 * asked for; "untagged", ids that lack our tags.
 */

#include "oma-internal.h"

#include <stdio.h>
#include <stdlib.h>

static json_object *list(struct mk_op *op, const char *key)
{
	json_object *scratch = host->scratch(op), *o = json_object_object_get(scratch, key);

	if (!o) {
		o = json_object_new_array();
		json_object_object_add(scratch, key, o);
	}
	return o;
}

static bool repairs(struct mk_op *op)
{
	return host->option_bool(op, "repair", false);
}

/* One difference: what each of the three says, and whether it was mended. */
static void differ(struct mk_op *op, const char *kind, const char *volume, const char *store,
		   const char *cloud, bool repaired)
{
	json_object *row = json_object_new_object();

	set_str(row, "Kind", kind);
	set_str(row, "Volume", volume);
	set_str(row, "Store", store);
	set_str(row, "CloudStack", cloud);
	set_str(row, "Device", host->device_seen(op, volume));
	set_bool(row, "Repaired", repaired);
	json_object_array_add(list(op, "differences"), row);
	host->log(op, "difference: %s, volume %s: store says %s; CloudStack says %s; device %s%s",
		  kind, volume, store, cloud, get_str(row, "Device"), repaired ? "; mended" : "");
}

static void describe(char *buf, size_t size, const char *vm, uint64_t bytes, const char *class)
{
	snprintf(buf, size, "%s%s, %" PRIu64 " bytes, class %s", *vm ? "on VM " : "detached", vm,
		 bytes, *class ? class : "none");
}

#define DESCRIPTION 160

/* ---- one volume, by a fresh answer ------------------------------------------------------------------------------- */

/* Ours by its tags, and the store does not know it. */
static void unknown(struct mk_op *op, const struct mk_volume_info *v)
{
	char *name = plain_name(v);
	char cloud[DESCRIPTION];

	describe(cloud, sizeof(cloud), v->vm, v->size, v->class);
	if (repairs(op))
		host->manage(op, v, *v->class ? v->class : CLASS, name);
	differ(op, "unknown", v->id, "nothing", cloud, repairs(op));
	free(name);
}

/* Mended or not, no disk here is handed out for a volume that CloudStack has elsewhere (L06). */
static void check_place(struct mk_op *op, const struct mk_managed_info *m,
			const struct mk_volume_info *v)
{
	if (!streq(m->vm, host->oma_id(op)))
		return;

	if (!streq(v->vm, host->oma_id(op)))
		host->set_volume_state(op, v->id, MK_VOLUME_LOST);
	else if (m->state == MK_VOLUME_LOST) /* and back again */
		host->set_volume_state(op, v->id, MK_VOLUME_ATTACHED);
}

static bool same(const struct mk_managed_info *m, const struct mk_volume_info *v)
{
	bool detached = m->state == MK_VOLUME_DETACHED;

	return m->size == v->size && streq(m->vm, v->vm) && m->device_id == v->device_id &&
	       detached == !*v->vm;
}

/* An operation that attached or detached it ended with an unknown outcome. */
static bool is_unsettled(const struct mk_managed_info *m)
{
	return m->state == MK_VOLUME_ATTACHING || m->state == MK_VOLUME_DETACHING || *m->target;
}

/* That is settled when it is at its target, or no job is pending on it. To have seen what is true needs no
 * repair. */
static void settle(struct mk_op *op, const struct mk_volume_info *v, bool arrived,
		   const char *store, const char *cloud)
{
	bool settled = arrived || !v->busy;

	if (settled)
		host->manage(op, v, NULL, NULL);
	differ(op, "unsettled", v->id, store, cloud, settled);
}

static void compare(struct mk_op *op, const struct mk_volume_info *v)
{
	const struct mk_managed_info *m = host->managed(op, v->id);
	char store[DESCRIPTION], cloud[DESCRIPTION];

	describe(store, sizeof(store), m->vm, m->size, m->class);
	describe(cloud, sizeof(cloud), v->vm, v->size, v->class);

	check_place(op, m, v);
	if (is_foreign(op, v)) {
		differ(op, "foreign", v->id, store, v->owner, false);
		return;
	}
	if (!*v->owner) {
		json_object_array_add(list(op, "untagged"), json_object_new_string(v->id));
		differ(op, "untagged", v->id, store, cloud, repairs(op));
	}
	if (is_unsettled(m)) {
		settle(op, v, *m->target && streq(m->target, v->vm), store, cloud);
	} else if (!same(m, v)) {
		if (repairs(op))
			host->manage(op, v, NULL, NULL);
		differ(op, "changed", v->id, store, cloud, repairs(op));
	}
}

static void missing(struct mk_op *op, const char *id)
{
	const struct mk_managed_info *m = host->managed(op, id);
	char store[DESCRIPTION];

	if (!m)
		return;

	describe(store, sizeof(store), m->vm, m->size, m->class);
	differ(op, "missing", id, store, "nothing", repairs(op));
	if (repairs(op))
		host->forget(op, id);
}

/* v: NULL if CloudStack does not know it. */
static void judge(struct mk_op *op, const char *id, const struct mk_volume_info *v)
{
	if (!v)
		missing(op, id);
	else if (v->managed)
		compare(op, v);
	else if (streq(v->owner, host->oma_id(op)))
		unknown(op, v);
}

/* ---- CloudStack's list ------------------------------------------------------------------------------------------- */

static bool is_suspect(struct mk_op *op, const struct mk_volume_info *v)
{
	const struct mk_managed_info *m = host->managed(op, v->id);
	bool owned = streq(v->owner, host->oma_id(op));

	return m ? !owned || !same(m, v) || is_unsettled(m) || m->state == MK_VOLUME_LOST : owned;
}

static void ask_for(struct mk_op *op, const char *id)
{
	if (!host->is_busy(op, id)) /* the operation that holds it knows better */
		json_object_array_add(list(op, "rest"), json_object_new_string(id));
}

/* What is in the store and in none of CloudStack's answers so far. */
struct rest {
	struct mk_op *op;
	const char **listed; /* ids, sorted: with thousands of volumes the loop would be held up */
	size_t n;
};

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_rest(const struct mk_managed_info *m, void *data)
{
	struct rest *rest = data;

	if (bsearch(&m->id, rest->listed, rest->n, sizeof(*rest->listed), compare_ids))
		return;

	ask_for(rest->op, m->id);
}

static const char *first(struct mk_op *op, const char *key)
{
	json_object *ids = list(op, key);

	return json_object_array_length(ids) > 0
		       ? json_object_get_string(json_object_array_get_idx(ids, 0))
		       : "";
}

static int64_t revision(struct mk_op *op, const char *id)
{
	const struct mk_managed_info *m = host->managed(op, id);

	return m ? (int64_t)m->revision : 0;
}

/* Looks for the next id of a list; false if there is none left. */
static bool look_for_next(struct mk_op *op, const char *key)
{
	const char *id = first(op, key);

	set_int(host->scratch(op), "revision", revision(op, id));
	host->look_for(op, "id", id);
	return *id;
}

/* The answer may be from before the change. */
static bool changed_since(struct mk_op *op, const char *id)
{
	json_object *noted = json_object_object_get(host->scratch(op), "revision");

	return json_object_get_int64(noted) != revision(op, id);
}

int reconcile_cloud(struct mk_op *op)
{
	static const char *const notes[] = { "differences", "rest", "untagged" };
	const struct mk_volume_info *volumes;
	struct rest rest = { .op = op };

	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
		json_object_object_del(host->scratch(op), notes[i]);

	volumes = host->volumes(op, &rest.n);
	rest.listed = calloc(rest.n + 1, sizeof(*rest.listed));
	if (!rest.listed) {
		host->fail(op, MK_ERROR_INTERNAL, "out of memory");
		return MK_FAILED;
	}

	for (size_t i = 0; i < rest.n; i++)
		rest.listed[i] = volumes[i].id;
	qsort(rest.listed, rest.n, sizeof(*rest.listed), compare_ids);
	host->each_managed(op, add_rest, &rest);
	free(rest.listed);
	for (size_t i = 0; i < rest.n; i++)
		if (is_suspect(op, &volumes[i]))
			ask_for(op, volumes[i].id);

	(void)look_for_next(op, "rest");
	return MK_DONE;
}

/* ---- the rest, one by one: an id that CloudStack never had would spoil a common answer ---------------------------- */

int reconcile_rest(struct mk_op *op)
{
	const struct mk_volume_info *volumes;
	const char *id = first(op, "rest");
	bool busy = host->is_busy(op, id), stale = changed_since(op, id);
	size_t n;

	if (*id) {
		volumes = host->volumes(op, &n);
		if (!busy && !stale)
			judge(op, id, n > 0 ? &volumes[0] : NULL);
		if (busy || !stale)
			json_object_array_del_idx(list(op, "rest"), 0, 1);
		if (look_for_next(op, "rest"))
			return MK_NEXT;
	}

	(void)look_for_next(op, "untagged");
	return MK_DONE;
}

/* ---- our tags ------------------------------------------------------------------------------------------------------ */

int reconcile_tags(struct mk_op *op)
{
	json_object *untagged = list(op, "untagged");
	const struct mk_managed_info *m;
	const struct mk_volume_info *volumes;
	size_t n;
	int r;

	if (!repairs(op) || json_object_array_length(untagged) == 0)
		return MK_DONE;
	if (changed_since(op, first(op, "untagged")))
		return look_for_next(op, "untagged") ? MK_NEXT : MK_DONE;

	volumes = host->volumes(op, &n);
	m = n > 0 ? host->managed(op, volumes[0].id) : NULL;
	if (m && !is_foreign(op, &volumes[0]) && !host->is_busy(op, m->id) &&
	    host->set_volume(op, m->id)) {
		r = own_volume(op, &volumes[0], m->class, NULL);
		if (r != MK_DONE)
			return r;
	}

	json_object_array_del_idx(untagged, 0, 1);
	return look_for_next(op, "untagged") ? MK_NEXT : MK_DONE;
}

/* ---- devices -------------------------------------------------------------------------------------------------------- */

static void check_device(const struct mk_managed_info *m, void *data)
{
	struct mk_op *op = data;
	bool here = streq(m->vm, host->oma_id(op));
	char store[DESCRIPTION];

	if (host->is_busy(op, m->id))
		return;

	describe(store, sizeof(store), m->vm, m->size, m->class);
	if (here && !*m->node)
		differ(op, "no-device", m->id, store, "not asked", false);
	else if (!here && *host->device_seen(op, m->id))
		differ(op, "stray-device", m->id, store, "not asked", false);
}

int reconcile_devices(struct mk_op *op)
{
	json_object *differences = list(op, "differences"), *result = host->result(op);

	host->rescan(op);
	host->each_managed(op, check_device, op);
	set_int(result, "Count", (int64_t)json_object_array_length(differences));
	json_object_object_add(result, "Differences", json_object_get(differences));
	return MK_DONE;
}
