/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The commands that list what no other command changes: zones, disk and service offerings, templates and networks.
 * Also listCapabilities and listApis.
 */

#include "commands-internal.h"
#include "declared-internal.h"

/* Filters that compare a parameter with the row's text of the same name. */
static bool match_row(struct sim_request *q, const struct sim_object *o)
{
	static const char *const texts[] = { "name",  "zoneid",          "type",
					     "state", "allocationstate", "hypervisor" };
	const char *word = sim_arg(q->params, "keyword");

	if (o->removed || !sim_match_ids(q->sim, q->params, o))
		return false;
	if (word && !strcasestr(o->name, word))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *text = mk_json_str(o->row, texts[i], NULL);

		/* an offering without a zone is in all of them */
		if ((text || streq(texts[i], "name")) && !sim_match_text(q->params, texts[i], text))
			return false;
	}
	if (o->kind == K_ZONE && sim_arg_bool(q->params, "available", false) &&
	    !streq(mk_json_str(o->row, "allocationstate", "Enabled"), "Enabled"))
		return false;
	return true;
}

/* scope: NULL for what has no owners. */
static bool list_rows(struct sim_request *q, const char *key, enum sim_kind kind,
		      const struct sim_scope *scope)
{
	struct sim_list list;
	struct sim_object *o;

	if (!sim_list_begin(q, key, &list))
		return false;

	SIM_FOREACH(q->sim, kind, o)
		if ((!scope || sim_scope_has(scope, o)) && match_row(q, o) && sim_list_wants(&list))
			sim_list_add(&list, json_object_get(o->row));
	return sim_list_end(&list);
}

static bool zones_run(struct sim_request *q)
{
	return list_rows(q, "zone", K_ZONE, NULL);
}

static bool disk_offerings_run(struct sim_request *q)
{
	return list_rows(q, "diskoffering", K_DISK_OFFERING, NULL);
}

static bool service_offerings_run(struct sim_request *q)
{
	return list_rows(q, "serviceoffering", K_SERVICE_OFFERING, NULL);
}

static bool templates_run(struct sim_request *q)
{
	static const char *const filters[] = {
		"featured", "self", "selfexecutable", "sharedexecutable", "executable", "community",
		"all",      NULL
	};
	const char *filter = sim_arg(q->params, "templatefilter");

	if (!sim_state_name(filters, filter))
		return sim_refuse(q, 431, CS_INVALID, "Please specify a valid template filter: %s",
				  filter);
	if (streq(filter, "all") && !sim_is_admin(q->caller))
		return sim_refuse(q, 431, CS_INVALID, "Filter all can be specified by admin only");
	return list_rows(q, "template", K_TEMPLATE, NULL);
}

static bool networks_run(struct sim_request *q)
{
	struct sim_scope scope;

	return sim_scope_begin(q, sim_arg(q->params, "id") != NULL, &scope) &&
	       list_rows(q, "network", K_NETWORK, &scope);
}

static bool capabilities_run(struct sim_request *q)
{
	json_object *o = sim_json_object(), *c = sim_json_object();

	mk_json_set_bool(c, "securitygroupsenabled", false);
	mk_json_set_bool(c, "dynamicrolesenabled", true);
	mk_json_set_str(c, "cloudstackversion", "4.22.0.0");
	mk_json_set_bool(c, "userpublictemplateenabled", true);
	mk_json_set_int(c, "customdiskofferingminsize", 1);
	mk_json_set_int(c, "customdiskofferingmaxsize", 1024);
	mk_json_set_bool(c, "kvmsnapshotenabled", true);
	mk_json_set_bool(c, "allowuserviewdestroyedvm", false);
	mk_json_set_bool(c, "allowuserexpungerecovervm", sim_flag(q->sim, "expunge-vm"));
	mk_json_set_bool(c, "allowuserexpungerecovervolume", sim_flag(q->sim, "expunge"));
	mk_json_set_int(c, "defaultuipagesize", 20);
	if (sim_get(q->sim, "api-limit") > 0) {
		mk_json_set_int(c, "apilimitinterval", sim_get(q->sim, "interval-ms") / 1000);
		mk_json_set_int(c, "apilimitmax", sim_get(q->sim, "api-limit"));
	}
	json_object_object_add(o, "capability", c);
	return sim_reply(q, o);
}

/* ---- listApis -------------------------------------------------------------------------------- */

static const char *type_name(enum sim_param_type type)
{
	switch (type) {
	case P_TEXT:
		return "string";
	case P_BOOL:
		return "boolean";
	case P_NUMBER:
		return "long";
	case P_INTEGER:
		return "integer";
	case P_DATE:
		return "date";
	case P_ID:
		return "uuid";
	case P_IDS:
	case P_TEXTS:
		return "list";
	case P_MAP:
		return "map";
	}
	return "string";
}

static json_object *param_rows(const struct sim_command *c)
{
	json_object *rows = sim_json_array();

	for (const struct sim_param *p = c->params; p && p->name; p++) {
		json_object *row = sim_json_object();

		mk_json_set_str(row, "name", p->name);
		mk_json_set_str(row, "type", type_name(p->type));
		mk_json_set_int(row, "length", 255);
		mk_json_set_bool(row, "required", p->required);
		json_object_array_add(rows, row);
	}
	return rows;
}

static void add_api(const struct sim_command *c, void *data)
{
	struct sim_list *list = data;
	json_object *row;

	if (!sim_match_text(list->q->params, "name", c->name) ||
	    !sim_knows(list->q->sim, c->name) ||
	    !sim_role_has(list->q->sim, list->q->caller, c->name) || !sim_list_wants(list))
		return;

	row = sim_json_object();
	mk_json_set_str(row, "name", c->name);
	mk_json_set_str(row, "description", c->name);
	mk_json_set_bool(row, "isasync", c->mode == SIM_ASYNC);
	json_object_object_add(row, "params", param_rows(c));
	json_object_object_add(row, "response", sim_json_array());
	sim_list_add(list, row);
}

static bool apis_run(struct sim_request *q)
{
	struct sim_list list = { .q = q, .key = "api", .end = INT64_MAX, .rows = sim_json_array() };

	sim_each_command(q->sim, add_api, &list);
	if (list.count > 0)
		return sim_list_end(&list);

	json_object_put(list.rows);
	return sim_refuse(q, 530, CS_PLAIN,
			  "Api Discovery plugin was unable to find an api by that name or process "
			  "any apis");
}

/* ---- tables ---------------------------------------------------------------------------------- */

const struct sim_command sim_misc_commands[] = {
	{ .name = "listZones", .params = sim_params_list_zones, .run = zones_run },
	{ .name = "listDiskOfferings",
	  .params = sim_params_list_disk_offerings,
	  .run = disk_offerings_run },
	{ .name = "listServiceOfferings",
	  .params = sim_params_list_service_offerings,
	  .run = service_offerings_run },
	{ .name = "listTemplates", .params = sim_params_list_templates, .run = templates_run },
	{ .name = "listNetworks", .params = sim_params_list_networks, .run = networks_run },
	{ .name = "listCapabilities", .run = capabilities_run },
	{ .name = "listApis", .params = sim_params_list_apis, .run = apis_run },
	{ .name = NULL },
};
