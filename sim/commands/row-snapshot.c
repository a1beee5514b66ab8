/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes the rows of snapshots: those of lists as SnapshotJoinDaoImpl, those of jobs as ApiResponseHelper. */

#include "commands-internal.h"

/* SnapshotObject.isRevertable(): only of a QCOW2 file, which the disks of KVM are. */
bool sim_snapshot_is_revertable(struct sim *sim, const struct sim_snapshot *s)
{
	return !s->unrevertable && streq(sim_volume_hypervisor(sim, s->volume), "KVM");
}

/* It has a place on a storage, and with it a zone, from the moment at which it is taken. */
static bool is_placed(const struct sim_snapshot *s)
{
	return !streq(s->state, "Allocated") && !streq(s->state, "Error");
}

/* On the primary storage it has the volume's size. CloudStack's simulator hypervisor copies nothing. */
static int64_t physical_size(struct sim *sim, const struct sim_snapshot *s)
{
	bool copied = streq(s->state, "Creating");

	copied |= streq(s->state, "BackedUp") &&
		  !streq(sim_volume_hypervisor(sim, s->volume), "Simulator");

	return copied ? (int64_t)s->size : 0;
}

/* A system is named if the disk was made of a template, or made a root disk. */
static const char *system_of(const struct sim_volume *v, const char *key)
{
	const struct sim_object *t = v->template        ? v->template
				     : v->root && v->vm ? v->vm->template
							: NULL;

	return t ? mk_json_str(t->row, key, NULL) : NULL;
}

json_object *sim_snapshot_row(struct sim *sim, struct sim_snapshot *s)
{
	json_object *row = sim_json_object();
	struct sim_volume *v = s->volume;

	mk_json_set_str(row, "id", s->o.id);
	sim_row_add_owner(row, s->o.owner);
	mk_json_set_str(row, "volumeid", v->o.id);
	mk_json_set_str(row, "volumename", v->o.name);
	mk_json_set_str(row, "volumetype", v->root ? "ROOT" : "DATADISK");
	mk_json_set_str(row, "volumestate", v->state);
	sim_row_add_time(row, "created", s->o.created);
	mk_json_set_str(row, "name", s->o.name);
	mk_json_set_str(row, "intervaltype", "MANUAL");
	mk_json_set_str(row, "state", s->state);
	mk_json_set_int(row, "physicalsize", physical_size(sim, s));
	if (is_placed(s))
		sim_row_add_named(row, "zone", v->zone);
	mk_json_set_bool(row, "revertable", sim_snapshot_is_revertable(sim, s));
	mk_json_set_str(row, "ostypeid", system_of(v, "ostypeid"));
	mk_json_set_int(row, "virtualsize", (int64_t)v->size);
	mk_json_set_bool(row, "hasannotations", false);
	sim_row_add_job(sim, row, "Snapshot", s->o.id);
	sim_row_add_tags(row, &s->o);
	return row;
}

/* The tags as they are kept: ApiResponseHelper says no more of them. */
static void set_short_tags(json_object *row, const struct sim_snapshot *s)
{
	json_object *tags = sim_json_array();

	for (size_t i = 0; i < json_object_array_length(s->o.tags); i++) {
		json_object *tag = json_object_array_get_idx(s->o.tags, i);
		json_object *short_row = sim_json_object();

		mk_json_set_str(short_row, "key", mk_json_str(tag, "key", NULL));
		mk_json_set_str(short_row, "value", mk_json_str(tag, "value", ""));
		json_object_array_add(tags, short_row);
	}
	json_object_object_add(row, "tags", tags);
}

json_object *sim_snapshot_result_row(struct sim *sim, struct sim_snapshot *s)
{
	json_object *row = sim_snapshot_row(sim, s);

	mk_json_set_str(row, "snapshottype", "MANUAL");
	mk_json_set_str(row, "osdisplayname", system_of(s->volume, "ostypename"));
	set_short_tags(row, s);
	json_object_object_del(row, "jobid");
	json_object_object_del(row, "jobstatus");
	return row;
}
