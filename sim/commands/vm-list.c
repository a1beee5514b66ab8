/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command listVirtualMachines, as CloudStack's QueryManagerImpl.searchForUserVMs() has it. */

#include "commands-internal.h"
#include "declared-internal.h"

/* ---- details --------------------------------------------------------------------------------- */

/* ApiConstants.VMDetails, in its order; 0: nothing here depends on it. */
static const struct {
	const char *name;
	unsigned bit;
} all_details[] = {
	{ "all", SIM_VM_ALL },
	{ "group", SIM_VM_GROUP },
	{ "nics", SIM_VM_NICS },
	{ "stats", SIM_VM_STATS },
	{ "secgrp", 0 },
	{ "tmpl", SIM_VM_TMPL },
	{ "servoff", SIM_VM_SERVOFF },
	{ "diskoff", SIM_VM_DISKOFF },
	{ "backoff", 0 },
	{ "iso", 0 },
	{ "volume", SIM_VM_VOLUME },
	{ "min", 0 },
	{ "affgrp", 0 },
	{ "vnfnics", 0 },
};

static bool is_unknown_detail(const char *token, void *data)
{
	unsigned *details = data;

	for (size_t i = 0; i < ARRAY_SIZE(all_details); i++) {
		if (!streq(token, all_details[i].name))
			continue;
		*details |= all_details[i].bit;
		return false;
	}
	return true;
}

static bool get_details(struct sim_request *q, unsigned *ret)
{
	const char *list = sim_arg(q->params, "details");

	*ret = list ? 0 : SIM_VM_ALL;
	if (!list || !sim_any_token(list, is_unknown_detail, ret))
		return true;
	return sim_refuse(q, 431, CS_INVALID,
			  "The details parameter contains a non permitted value. The allowed "
			  "values are [all, group, nics, stats, secgrp, tmpl, servoff, diskoff, "
			  "backoff, iso, volume, min, affgrp, vnfnics]");
}

/* ---- filters --------------------------------------------------------------------------------- */

static bool check_hypervisor(struct sim_request *q)
{
	const char *s = sim_arg(q->params, "hypervisor");

	return !s || sim_is_hypervisor(s) ||
	       sim_refuse(q, 431, CS_INVALID, "Invalid HypervisorType %s", s);
}

static bool is_gone(const struct sim_vm *vm)
{
	return streq(vm->state, "Destroyed") || streq(vm->state, "Expunging");
}

static bool match_state(json_object *params, const struct sim_vm *vm)
{
	const char *state = sim_arg(params, "state");

	if (state && strcasecmp(state, "Present") == 0)
		return !is_gone(vm);
	return sim_match_text(params, "state", vm->state);
}

static bool match_network(struct sim_request *q, const struct sim_vm *vm)
{
	struct sim_ref ref = sim_arg_ref(q->sim, q->params, "networkid", K_NETWORK);

	return !ref.given || (ref.object && sim_vm_in_network(vm, ref.object));
}

static bool match_keyword(json_object *params, const struct sim_vm *vm)
{
	if (sim_match_like(params, "keyword", vm->o.name) ||
	    sim_match_like(params, "keyword", vm->display_name) ||
	    sim_match_text(params, "keyword", vm->state))
		return true;
	for (size_t i = 0; i < vm->n_nics; i++)
		if (*vm->nics[i].ip && sim_match_like(params, "keyword", vm->nics[i].ip))
			return true;
	return false;
}

/* No VM here is under high availability, none is hidden. */
static bool match_flags(json_object *params)
{
	return !sim_arg_bool(params, "haenable", false) && sim_arg_bool(params, "displayvm", true);
}

static bool match(struct sim_request *q, const struct sim_vm *vm)
{
	if (vm->o.removed || !sim_match_ids(q->sim, q->params, &vm->o))
		return false;
	if (is_gone(vm) && q->caller->type == SIM_ACCOUNT_USER)
		return false;
	return match_flags(q->params) && match_keyword(q->params, vm) &&
	       sim_match_text(q->params, "name", vm->o.name) && match_state(q->params, vm) &&
	       sim_match_ref(q->sim, q->params, "zoneid", K_ZONE, vm->zone) &&
	       sim_match_ref(q->sim, q->params, "templateid", K_TEMPLATE, vm->template) &&
	       sim_match_ref(q->sim, q->params, "serviceofferingid", K_SERVICE_OFFERING,
			     vm->offering) &&
	       match_network(q, vm) &&
	       sim_match_text(q->params, "groupid", vm->group ? vm->group_id : NULL) &&
	       sim_match_text(q->params, "hypervisor", sim_vm_hypervisor(q->sim, vm)) &&
	       sim_match_tags(q->params, &vm->o);
}

static bool list_run(struct sim_request *q)
{
	struct sim_scope scope;
	struct sim_list list;
	struct sim_vm *vm;
	unsigned details;

	if (sim_arg(q->params, "id") && sim_arg(q->params, "ids"))
		return sim_refuse(q, 431, CS_INVALID,
				  "Specify either id or ids but not both parameters");
	if (!get_details(q, &details) || !check_hypervisor(q) ||
	    !sim_scope_begin(q, sim_arg(q->params, "id") != NULL, &scope) ||
	    !sim_list_begin(q, "virtualmachine", &list))
		return false;

	SIM_FOREACH(q->sim, K_VM, vm)
		if (sim_scope_has(&scope, &vm->o) && match(q, vm) && sim_list_wants(&list))
			sim_list_add(&list,
				     sim_vm_row(q->sim, vm, sim_is_admin(q->caller), details));
	return sim_list_end(&list);
}

const struct sim_command sim_vm_list_commands[] = {
	{ .name = "listVirtualMachines", .params = sim_params_list_vms, .run = list_run },
	{ .name = NULL },
};
