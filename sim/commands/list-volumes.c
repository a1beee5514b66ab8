/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command listVolumes: QueryManagerImpl.searchForVolumeIdsAndCount(). */

#include "commands-internal.h"

/* What is asked for, read once for all rows. */
struct filter {
	bool admin, hidden;
	struct sim_scope scope;
	const char *name, *type, *state, *keyword;
	struct sim_ids ids;
	struct sim_want vm, zone, pool, offering, service;
	bool placed, nowhere; /* only what is on a storage; on one that there is not */
	struct sim_tags tags;
};

/* Where a volume is: all pools are in one cluster of one pod. A host is not looked at. */
static void read_place(struct sim_request *q, struct filter *f)
{
	static const struct {
		const char *param, *id;
	} places[] = { { "clusterid", SIM_CLUSTER }, { "podid", SIM_POD } };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const char *id = sim_arg(q->params, places[i].param);

		f->placed |= id != NULL;
		f->nowhere |= id && !sim_mysql_equal(id, places[i].id);
	}
}

static bool filter_begin(struct sim_request *q, struct filter *ret)
{
	*ret = (struct filter){
		.admin = sim_is_admin(q->caller),
		.hidden = !sim_arg_bool(q->params, "displayvolume", true),
		.name = mk_json_str(q->params, "name", NULL),
		.type = mk_json_str(q->params, "type", NULL),
		.state = mk_json_str(q->params, "state", NULL),
		.keyword = mk_json_str(q->params, "keyword", NULL),
		.vm = sim_want_ref(q, "virtualmachineid", K_VM),
		.zone = sim_want_ref(q, "zoneid", K_ZONE),
		.pool = sim_want_ref(q, "storageid", K_POOL),
		.offering = sim_want_ref(q, "diskofferingid", K_DISK_OFFERING),
	};
	if (!ret->offering.given)
		ret->service = sim_want_ref(q, "serviceofferingid", K_SERVICE_OFFERING);
	read_place(q, ret);
	return sim_ids_begin(q, K_VOLUME, &ret->ids) &&
	       sim_scope_begin(q, sim_arg(q->params, "id") != NULL, &ret->scope) &&
	       sim_tags_begin(q, &ret->tags);
}

static void filter_done(struct filter *f)
{
	sim_ids_done(&f->ids);
	sim_tags_done(&f->tags);
}

static const char *type_name(const struct sim_volume *v)
{
	return v->root ? "ROOT" : "DATADISK";
}

static bool match_keyword(const struct filter *f, const struct sim_volume *v)
{
	return !f->keyword || sim_mysql_contains(v->o.name, f->keyword) ||
	       sim_mysql_contains(type_name(v), f->keyword) ||
	       sim_mysql_contains(v->state, f->keyword);
}

/* The disk offering of a service offering is that of its VMs' root volumes. */
static bool match_service(const struct filter *f, const struct sim_volume *v)
{
	if (!f->service.given)
		return true;
	if (v->offering)
		return sim_wants_object(&f->service, v->offering);
	return v->root && v->vm && sim_wants_object(&f->service, v->vm->offering);
}

static bool match(const struct filter *f, const struct sim_volume *v)
{
	if (v->o.removed || !sim_scope_has(&f->scope, &v->o) || !sim_wants_id(&f->ids, &v->o))
		return false;
	if (!sim_wants_object(&f->vm, v->vm) || !sim_wants_object(&f->zone, v->zone) ||
	    !sim_wants_object(&f->offering, v->offering) || !match_service(f, v))
		return false;
	if (v->hidden != f->hidden) /* nobody sees it who does not ask for such ones */
		return false;
	if (f->pool.given && (!v->stored || !sim_wants_object(&f->pool, v->pool)))
		return false;
	if (f->placed && (f->nowhere || !v->stored))
		return false;
	return (!f->name || sim_mysql_equal(v->o.name, f->name)) &&
	       (!f->state || sim_mysql_equal(v->state, f->state)) &&
	       (!f->type || sim_mysql_contains(type_name(v), f->type)) && match_keyword(f, v);
}

bool sim_list_volumes(struct sim_request *q)
{
	_cleanup_(filter_done) struct filter f = {};
	struct sim_list list;
	struct sim_volume *v;

	if (!filter_begin(q, &f) || !sim_list_begin(q, "volume", &list))
		return false;

	SIM_FOREACH(q->sim, K_VOLUME, v) {
		unsigned times = match(&f, v) ? sim_count_tags(&f.tags, &v->o) : 0;

		if (times > 0 && sim_list_wants_times(&list, times))
			sim_list_add(&list, sim_volume_row(q->sim, v, f.admin));
	}
	return sim_list_end(&list);
}
