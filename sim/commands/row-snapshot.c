/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes the rows of snapshots, with the keys of CloudStack's SnapshotResponse. */

#include "commands-internal.h"

json_object *sim_snapshot_row(struct sim *sim, struct sim_snapshot *s)
{
	json_object *row = sim_json_object();
	struct sim_volume *v = s->volume;

	mk_json_set_str(row, "id", s->o.id);
	mk_json_set_str(row, "name", s->o.name);
	sim_row_add_owner(row, s->o.owner);
	sim_row_add_time(row, "created", s->o.created);
	mk_json_set_str(row, "state", s->state);
	mk_json_set_str(row, "snapshottype", "MANUAL");
	mk_json_set_str(row, "intervaltype", "MANUAL");
	mk_json_set_str(row, "volumeid", v->o.id);
	mk_json_set_str(row, "volumename", v->o.name);
	mk_json_set_str(row, "volumetype", v->root ? "ROOT" : "DATADISK");
	mk_json_set_str(row, "volumestate", v->state);
	mk_json_set_int(row, "physicalsize", (int64_t)v->size);
	mk_json_set_int(row, "virtualsize", (int64_t)v->size);
	mk_json_set_bool(row, "revertable", true);
	mk_json_set_str(row, "locationtype", "SECONDARY");
	if (v->zone)
		mk_json_set_str(row, "zoneid", v->zone->id);
	sim_row_add_job(sim, row, "Snapshot", s->o.id);
	sim_row_add_tags(row, &s->o);
	return row;
}
