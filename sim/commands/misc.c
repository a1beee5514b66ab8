/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands listCapabilities, listApis and getApiLimit. */

#include "commands-internal.h"
#include "declared-internal.h"

static bool capabilities_run(struct sim_request *q)
{
	json_object *o = sim_json_object(), *c = sim_json_object();
	bool admin = sim_is_admin(q->caller);

	mk_json_set_bool(c, "securitygroupsenabled", false);
	mk_json_set_bool(c, "dynamicrolesenabled", true);
	mk_json_set_str(c, "cloudstackversion", "4.22.0.0-SNAPSHOT");
	mk_json_set_bool(c, "userpublictemplateenabled", true);
	mk_json_set_str(c, "supportELB", "false");
	mk_json_set_bool(c, "projectinviterequired", false);
	mk_json_set_bool(c, "allowusercreateprojects", true);
	mk_json_set_int(c, "customdiskofferingminsize", 1);
	mk_json_set_int(c, "customdiskofferingmaxsize", 1024);
	mk_json_set_bool(c, "regionsecondaryenabled", false);
	mk_json_set_bool(c, "kvmsnapshotenabled", true);
	mk_json_set_bool(c, "allowuserviewdestroyedvm", admin);
	mk_json_set_bool(c, "allowuserexpungerecovervm", admin || sim_flag(q->sim, "expunge-vm"));
	mk_json_set_bool(c, "allowuserexpungerecovervolume", admin || sim_flag(q->sim, "expunge"));
	mk_json_set_bool(c, "allowuserviewalldomainaccounts", false);
	mk_json_set_bool(c, "allowuserforcestopvm", sim_flag(q->sim, "force-stop"));
	mk_json_set_bool(c, "kubernetesserviceenabled", false);
	mk_json_set_bool(c, "kubernetesclusterexperimentalfeaturesenabled", false);
	mk_json_set_str(c, "customhypervisordisplayname", "Custom");
	mk_json_set_int(c, "defaultuipagesize", 20);
	mk_json_set_int(c, "instancesstatsretentiontime", 720);
	mk_json_set_bool(c, "instancesstatsuseronly", false);
	mk_json_set_bool(c, "instancesdisksstatsretentionenabled", false);
	mk_json_set_int(c, "instancesdisksstatsretentiontime", 720);
	mk_json_set_int(c, "sharedfsvmmincpucount", 2);
	mk_json_set_int(c, "sharedfsvmminramsize", 1024);
	mk_json_set_bool(c, "instanceleaseenabled", false);
	mk_json_set_bool(c, "dynamicscalingenabled", false);
	mk_json_set_bool(c, "additionalconfigenabled", false);
	if (sim_get(q->sim, "api-limit") > 0) {
		mk_json_set_int(c, "apilimitinterval", sim_get(q->sim, "interval-ms") / 1000);
		mk_json_set_int(c, "apilimitmax", sim_get(q->sim, "api-limit"));
	}
	json_object_object_add(o, "capability", c);
	return sim_reply(q, o);
}

/* Root admins have no limit, and are told one all the same; the time is theirs in seconds. */
static bool limit_run(struct sim_request *q)
{
	int64_t most = sim_get(q->sim, "api-limit"), ms = sim_get(q->sim, "interval-ms");
	bool admin = sim_is_admin(q->caller);
	int64_t used = admin ? 0 : q->caller->rate[q->call->server].used;
	uint64_t end = q->caller->rate[q->call->server].end, now = mk_now_monotonic();
	json_object *o, *limit;

	if (most == 0) {
		sim_error(q->answer, NULL, 432, CS_PLAIN,
			  "This api is only available when api.throttling.enabled = true.");
		return false;
	}

	o = sim_json_object();
	limit = sim_json_object();
	mk_json_set_str(limit, "accountid", q->caller->o.id);
	mk_json_set_str(limit, "account", q->caller->o.name);
	mk_json_set_int(limit, "apiIssued", used);
	mk_json_set_int(limit, "apiAllowed", most - used);
	mk_json_set_int(limit, "expireAfter",
			admin       ? ms / 1000
			: end > now ? (int64_t)((end - now) / USEC_PER_MSEC)
				    : 0);
	json_object_object_add(o, "apilimit", limit);
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

/* Those of BaseAsyncCmd are left out, and what the caller's role cannot use. */
static json_object *param_rows(struct sim_request *q, const struct sim_command *c)
{
	json_object *rows = sim_json_array();

	for (const struct sim_param *p = c->params; p && p->name; p++) {
		json_object *row;

		if (streq(p->name, "customjobid") || (p->admin && !sim_is_admin(q->caller)))
			continue;
		row = sim_json_object();
		mk_json_set_str(row, "name", p->name);
		mk_json_set_str(row, "type", type_name(p->type));
		mk_json_set_int(row, "length", 255);
		mk_json_set_bool(row, "required", p->required);
		mk_json_set_str(row, "since", p->since);
		json_object_array_add(rows, row);
	}
	return rows;
}

static void add_api(const struct sim_command *c, void *data)
{
	struct sim_list *list = data;
	const char *name = mk_json_str(list->q->params, "name", NULL);
	json_object *row;

	if ((name && !streq(name, c->name)) || !sim_knows(list->q->sim, c->name) ||
	    !sim_role_has(list->q->sim, list->q->caller, c->name) || !sim_list_wants(list))
		return;

	row = sim_json_object();
	mk_json_set_str(row, "name", c->name);
	mk_json_set_str(row, "description", c->name);
	mk_json_set_bool(row, "isasync", c->mode == SIM_ASYNC);
	json_object_object_add(row, "params", param_rows(list->q, c));
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
	{ .name = "listCapabilities", .run = capabilities_run },
	{ .name = "getApiLimit", .run = limit_run },
	{ .name = "listApis", .params = sim_params_list_apis, .run = apis_run },
	{ .name = NULL },
};
