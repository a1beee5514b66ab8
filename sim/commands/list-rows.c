/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands that list what no other command changes: zones, disk and service offerings, templates and networks. */

#include "commands-internal.h"
#include "declared-internal.h"

/* Whether a row of the kind passes the filters that are only this kind's; NULL: there are none. */
typedef bool (*match_fn)(struct sim_request *q, const struct sim_object *o);

/* Those of all: a parameter is compared with the row's text of the same name. */
static bool match_row(struct sim_request *q, const struct sim_object *o)
{
	static const char *const texts[] = { "zoneid", "state", "networktype", "hypervisor" };

	if (o->removed || !sim_match_ids(q->sim, q->params, o))
		return false;
	if (!sim_match_text(q->params, "name", o->name) ||
	    !sim_match_like(q->params, "keyword", o->name))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *text = mk_json_str(o->row, texts[i], NULL);

		/* an offering without a zone is in all of them */
		if (text && !sim_match_text(q->params, texts[i], text))
			return false;
	}
	return true;
}

static bool list_rows(struct sim_request *q, const char *key, enum sim_kind kind, match_fn match)
{
	struct sim_list list;
	struct sim_object *o;

	if (!sim_list_begin(q, key, &list))
		return false;

	SIM_FOREACH(q->sim, kind, o)
		if (match_row(q, o) && (!match || match(q, o)) && sim_list_wants(&list))
			sim_list_add(&list, json_object_get(o->row));
	return sim_list_end(&list);
}

/* ---- zones, offerings ------------------------------------------------------------------------ */

static bool match_zone(struct sim_request *q, const struct sim_object *o)
{
	return !sim_arg_bool(q->params, "available", false) ||
	       streq(mk_json_str(o->row, "allocationstate", "Enabled"), "Enabled");
}

/* What only a root admin sees of a zone. */
static json_object *full_zone_row(const struct sim_object *o)
{
	static const char *const full[][2] = { { "dns1", "127.0.0.53" },
					       { "internaldns1", "127.0.0.53" },
					       { "guestcidraddress", "10.1.1.0/24" } };
	json_object *row = NULL;

	if (json_object_deep_copy(o->row, &row, NULL) < 0)
		abort();
	for (size_t i = 0; i < ARRAY_SIZE(full); i++)
		if (!mk_json_get(row, full[i][0]))
			mk_json_set_str(row, full[i][0], full[i][1]);
	return row;
}

static bool zones_run(struct sim_request *q)
{
	struct sim_list list;
	struct sim_object *o;

	if (!sim_list_begin(q, "zone", &list))
		return false;

	SIM_FOREACH(q->sim, K_ZONE, o)
		if (match_row(q, o) && match_zone(q, o) && sim_list_wants(&list))
			sim_list_add(&list, sim_is_admin(q->caller) ? full_zone_row(o)
								    : json_object_get(o->row));
	return sim_list_end(&list);
}

static bool disk_offerings_run(struct sim_request *q)
{
	const char *zone = sim_arg(q->params, "zoneid");

	/* the zone of that number is not looked for */
	if (zone && streq(zone, "-1"))
		return sim_refuse_unforeseen(q, "Cannot invoke \"com.cloud.dc.DataCenter.getId()\" "
						"because \"zone\" is null");
	return list_rows(q, "diskoffering", K_DISK_OFFERING, NULL);
}

static bool has_at_least(const struct sim_object *a, const struct sim_object *b, const char *key)
{
	return mk_json_int(a->row, key, 0) >= mk_json_int(b->row, key, 0);
}

/* With a VM: what it can be changed to; while it runs, nothing smaller. */
static bool match_service(struct sim_request *q, const struct sim_object *o)
{
	const struct sim_vm *vm = sim_arg_vm(q->sim, q->params, "virtualmachineid");

	if (!vm || !vm->offering)
		return true;
	if (o == vm->offering)
		return false;
	return !streq(vm->state, "Running") || (has_at_least(o, vm->offering, "cpunumber") &&
						has_at_least(o, vm->offering, "cpuspeed") &&
						has_at_least(o, vm->offering, "memory"));
}

static bool service_offerings_run(struct sim_request *q)
{
	return list_rows(q, "serviceoffering", K_SERVICE_OFFERING, match_service);
}

/* ---- networks -------------------------------------------------------------------------------- */

static bool match_network(struct sim_request *q, const struct sim_object *o)
{
	const char *type = sim_arg(q->params, "type");

	return !type || strcasecmp(type, "all") == 0 ||
	       strcasecmp(type, mk_json_str(o->row, "type", "")) == 0;
}

/* A network is implemented by its first VM that starts, and taken down after its last one. */
static json_object *network_row(struct sim *sim, const struct sim_object *o)
{
	json_object *row = NULL;

	if (!streq(mk_json_str(o->row, "state", ""), "Allocated") || !sim_network_in_use(sim, o))
		return json_object_get(o->row);
	if (json_object_deep_copy(o->row, &row, NULL) < 0)
		abort();
	mk_json_set_str(row, "state", "Implemented");
	return row;
}

static bool networks_run(struct sim_request *q)
{
	static const char *const types[] = { "all", "isolated", "l2", "shared" };
	const char *type = sim_arg(q->params, "type");
	struct sim_scope scope;
	struct sim_list list;
	struct sim_object *o;
	size_t i = 0;

	while (type && i < ARRAY_SIZE(types) && strcasecmp(types[i], type) != 0)
		i++;
	if (i == ARRAY_SIZE(types))
		return sim_refuse(q, 431, CS_INVALID, "Unexpected Guest type : %s", type);
	if (!sim_scope_begin(q, sim_arg(q->params, "id") != NULL, &scope) ||
	    !sim_list_begin(q, "network", &list))
		return false;

	SIM_FOREACH(q->sim, K_NETWORK, o)
		if (sim_scope_has(&scope, o) && match_row(q, o) && match_network(q, o) &&
		    sim_list_wants(&list))
			sim_list_add(&list, network_row(q->sim, o));
	return sim_list_end(&list);
}

/* ---- templates ------------------------------------------------------------------------------- */

static bool is_own(struct sim_request *q, const struct sim_object *o)
{
	return streq(mk_json_str(o->row, "account", ""), q->caller->o.name) &&
	       streq(mk_json_str(o->row, "domainid", ""), q->caller->domain->o.id);
}

/* A template that is asked for by its id is shown whatever the filter is. */
static bool match_filter(struct sim_request *q, const struct sim_object *o)
{
	const char *filter = sim_arg(q->params, "templatefilter");
	bool public = mk_json_bool(o->row, "ispublic", true);
	bool featured = mk_json_bool(o->row, "isfeatured", true);

	if (sim_arg(q->params, "id") || streq(filter, "all"))
		return true;
	if (streq(filter, "featured"))
		return public && featured;
	if (streq(filter, "community"))
		return public && !featured;
	if (streq(filter, "executable"))
		return public || is_own(q, o);
	if (streq(filter, "sharedexecutable") || streq(filter, "shared"))
		return false; /* nobody has granted anything */
	return is_own(q, o);
}

/* Each zone's secondary storage has the template: nfs://server/export/<zone>/… */
static json_object *details_in(const struct sim_object *o, const struct sim_object *zone)
{
	json_object *all = mk_json_get(o->row, "downloaddetails"), *details = sim_json_array(),
		    *row;
	_cleanup_free_ char *own =
		sim_checked(mk_strdup_printf("/%s/", mk_json_str(o->row, "zonename", "")));

	for (size_t i = 0; i < json_object_array_length(all); i++) {
		json_object *detail = json_object_array_get_idx(all, i);
		const char *store = mk_json_str(detail, "datastore", ""),
			   *part = strstr(store, own);
		_cleanup_free_ char *other = NULL;

		if (!part)
			continue; /* a primary storage of the other zone */
		other = sim_checked(mk_strdup_printf("%.*s/%s/%s", (int)(part - store), store,
						     zone->name, part + strlen(own)));
		row = NULL;
		if (json_object_deep_copy(detail, &row, NULL) < 0)
			abort();
		mk_json_set_str(row, "datastore", other);
		json_object_array_add(details, row);
	}
	return details;
}

static json_object *row_in(const struct sim_object *o, const struct sim_object *zone)
{
	json_object *row = NULL;

	if (json_object_deep_copy(o->row, &row, NULL) < 0)
		abort();
	mk_json_set_str(row, "zoneid", zone->id);
	mk_json_set_str(row, "zonename", zone->name);
	if (json_object_is_type(mk_json_get(row, "downloaddetails"), json_type_array))
		json_object_object_add(row, "downloaddetails", details_in(o, zone));
	return row;
}

/* A template of all zones has a row for each. */
static void add_template(struct sim_request *q, struct sim_list *list, const struct sim_object *o)
{
	struct sim_want wanted = sim_want_ref(q, "zoneid", K_ZONE);
	const char *own = mk_json_str(o->row, "zoneid", "");
	bool all = mk_json_bool(o->row, "crossZones", false);
	struct sim_object *zone;

	SIM_FOREACH(q->sim, K_ZONE, zone) {
		bool here = streq(zone->id, own);

		if (zone->removed || !(here || all) || !sim_wants_object(&wanted, zone) ||
		    !sim_list_wants(list))
			continue;
		sim_list_add(list, here ? json_object_get(o->row) : row_in(o, zone));
	}
}

static bool match_template(struct sim_request *q, const struct sim_object *o)
{
	const char *hypervisor = mk_json_str(o->row, "hypervisor", NULL);

	return !o->removed && sim_match_ids(q->sim, q->params, o) &&
	       sim_match_text(q->params, "name", o->name) &&
	       sim_match_like(q->params, "keyword", o->name) &&
	       (!hypervisor || sim_match_text(q->params, "hypervisor", hypervisor)) &&
	       match_filter(q, o);
}

static bool check_templates(struct sim_request *q)
{
	static const char *const filters[] = { "featured",
					       "self",
					       "selfexecutable",
					       "sharedexecutable",
					       "executable",
					       "community",
					       "all",
					       "shared",
					       NULL };
	const char *filter = sim_arg(q->params, "templatefilter");

	if (!sim_state_name(filters, filter))
		return sim_refuse(q, 431, CS_PLAIN,
				  "No enum constant com.cloud.template.VirtualMachineTemplate."
				  "TemplateFilter.%s",
				  filter);
	if (streq(filter, "all") && !sim_is_admin(q->caller))
		return sim_refuse(q, 431, CS_INVALID, "Filter all can be specified by admin only");
	if (sim_arg(q->params, "id") && !sim_arg_object(q->sim, q->params, "id", K_TEMPLATE))
		return sim_refuse(q, 431, CS_INVALID, "Please specify a valid template ID.");
	return true;
}

static bool templates_run(struct sim_request *q)
{
	struct sim_list list;
	struct sim_object *o;

	if (!check_templates(q) || !sim_list_begin(q, "template", &list))
		return false;

	SIM_FOREACH(q->sim, K_TEMPLATE, o)
		if (match_template(q, o))
			add_template(q, &list, o);
	return sim_list_end(&list);
}

/* ---- table ----------------------------------------------------------------------------------- */

const struct sim_command sim_row_commands[] = {
	{ .name = "listZones", .params = sim_params_list_zones, .run = zones_run },
	{ .name = "listDiskOfferings",
	  .params = sim_params_list_disk_offerings,
	  .run = disk_offerings_run },
	{ .name = "listServiceOfferings",
	  .params = sim_params_list_service_offerings,
	  .run = service_offerings_run },
	{ .name = "listTemplates", .params = sim_params_list_templates, .run = templates_run },
	{ .name = "listNetworks", .params = sim_params_list_networks, .run = networks_run },
	{ .name = NULL },
};
