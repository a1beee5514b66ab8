/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The command listSnapshots, as CloudStack's SnapshotManagerImpl has it. Also the lists of VM snapshots and of backups,
 * which only a test can make (poke).
 */

#include "commands-internal.h"
#include "declared-internal.h"

/* ---- listSnapshots --------------------------------------------------------------------------- */

enum type_filter {
	TYPE_ANY,
	TYPE_MANUAL, /* which all snapshots here are */
	TYPE_OTHER,
};

/* Snapshot.Type, in any case; false: none of it. */
static bool read_type(const char *text, enum type_filter *ret)
{
	static const char *const others[] = { "RECURRING", "TEMPLATE", "HOURLY", "DAILY",
					      "WEEKLY",    "MONTHLY",  "GROUP",  "FROM_GROUP" };

	*ret = TYPE_MANUAL;
	if (strcasecmp(text, "MANUAL") == 0)
		return true;
	*ret = TYPE_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcasecmp(text, others[i]) == 0)
			return true;
	return false;
}

/* intervaltype counts together with volumeid only. */
static bool get_type(struct sim_request *q, enum type_filter *ret)
{
	const char *type = sim_arg(q->params, "snapshottype");
	const char *interval = sim_arg(q->params, "intervaltype");

	*ret = TYPE_ANY;
	if (type)
		return read_type(type, ret) ||
		       sim_refuse(q, 431, CS_INVALID, "Unsupported snapshot type %s", type);
	if (interval && sim_arg(q->params, "volumeid"))
		return read_type(interval, ret) ||
		       sim_refuse(q, 431, CS_INVALID, "Unsupported snapstho interval type %s",
				  interval);
	return true;
}

static bool match(struct sim_request *q, const struct sim_snapshot *s)
{
	bool placed = !streq(s->state, "Allocated") && !streq(s->state, "Error");

	if (s->o.removed || streq(s->state, "Destroyed"))
		return false;
	return sim_match_ids(q->sim, q->params, &s->o) &&
	       sim_match_text(q->params, "name", s->o.name) &&
	       sim_match_like(q->params, "keyword", s->o.name) &&
	       sim_match_ref(q->sim, q->params, "volumeid", K_VOLUME, &s->volume->o) &&
	       sim_match_ref(q->sim, q->params, "zoneid", K_ZONE,
			     placed ? s->volume->zone : NULL) &&
	       sim_match_tags(q->params, &s->o);
}

static bool list_run(struct sim_request *q)
{
	const struct sim_object *v = sim_arg_object(q->sim, q->params, "volumeid", K_VOLUME);
	enum type_filter type;
	struct sim_scope scope;
	struct sim_list list;
	struct sim_snapshot *s;

	if (v && !sim_check_access(q, v))
		return false;
	if (sim_arg(q->params, "id") && sim_arg(q->params, "ids"))
		return sim_refuse(q, 431, CS_INVALID,
				  "Specify either id or ids but not both parameters");
	if (!get_type(q, &type) || !sim_scope_begin(q, sim_arg(q->params, "id") != NULL, &scope) ||
	    !sim_list_begin(q, "snapshot", &list))
		return false;

	sim_snapshots_settle(q->sim);
	SIM_FOREACH(q->sim, K_SNAPSHOT, s)
		if (type != TYPE_OTHER && sim_scope_has(&scope, &s->o) && match(q, s) &&
		    sim_list_wants(&list))
			sim_list_add(&list, sim_snapshot_row(q->sim, s));
	return sim_list_end(&list);
}

/* VM snapshots and backups: rows that know their VM. */
static bool list_copies(struct sim_request *q, const char *key, enum sim_kind kind)
{
	struct sim_scope scope;
	struct sim_list list;
	struct sim_object *o;

	if (!sim_scope_begin(q, sim_arg(q->params, "id") != NULL, &scope) ||
	    !sim_list_begin(q, key, &list))
		return false;

	SIM_FOREACH(q->sim, kind, o) {
		struct sim_object *vm =
			sim_find(q->sim, K_VM, mk_json_str(o->row, "virtualmachineid", ""));

		if (o->removed || !sim_scope_has(&scope, o) ||
		    !sim_match_ref(q->sim, q->params, "virtualmachineid", K_VM, vm))
			continue;
		if (!sim_list_wants(&list))
			continue;
		sim_row_add_owner(o->row, o->owner);
		sim_list_add(&list, json_object_get(o->row));
	}
	return sim_list_end(&list);
}

static bool list_vm_snapshots_run(struct sim_request *q)
{
	return list_copies(q, "vmSnapshot", K_VM_SNAPSHOT);
}

static bool list_backups_run(struct sim_request *q)
{
	return list_copies(q, "backup", K_BACKUP);
}

/* ---- tables ---------------------------------------------------------------------------------- */

const struct sim_command sim_snapshot_list_commands[] = {
	{ .name = "listSnapshots", .params = sim_params_list_snapshots, .run = list_run },
	{ .name = "listVMSnapshot",
	  .params = sim_params_list_vm_snapshots,
	  .run = list_vm_snapshots_run },
	{ .name = "listBackups", .params = sim_params_list_backups, .run = list_backups_run },
	{ .name = NULL },
};
