/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who may do what: the roles that CloudStack has by default, the access of a caller to an object, and which objects a
 * list shows him.
 */

#include "commands-internal.h"

#define NO_ACCESS "Caller does not have permission to operate with provided resource."

/* ---- roles ----------------------------------------------------------------------------------- */

/* Not in create-default-role-api-mappings.sql for the roles User and Domain Admin. */
static const char *const for_admins[] = { "migrateVolume", "updateVolume", NULL };

bool sim_role_has(struct sim *sim, const struct sim_account *caller, const char *command)
{
	if (sim_listed(sim, "denied", command))
		return false;
	if (sim_is_admin(caller) || sim_listed(sim, "allowed", command))
		return true;
	return !sim_state_name(for_admins, command) && !sim_only_admins_know(command);
}

static bool refuse_role(const struct sim_call *call, struct sim_answer *ret)
{
	char user[MK_UUID_SIZE]; /* another one in each answer of CloudStack */

	if (mk_uuid_random(user) < 0)
		abort();
	sim_error(ret, NULL, 432, CS_PLAIN,
		  "The API [%s] does not exist or is not available for the account for user id "
		  "[%s].",
		  call->command, user);
	return false;
}

/* ProjectRoleBasedApiAccessChecker: a user calls in projects that he is a member of. */
static bool check_project(struct sim *sim, const struct sim_call *call,
			  const struct sim_account *caller, struct sim_answer *ret)
{
	const struct sim_project *project =
		(const struct sim_project *)sim_arg_object(sim, call->params, "projectid",
							   K_PROJECT);

	if (!project || caller->type != SIM_ACCOUNT_USER || sim_project_has(project, caller))
		return true;
	sim_error(ret, NULL, 432, CS_PLAIN,
		  "The API [%s] does not exist or is not available for this account/user in "
		  "project [%s].",
		  call->command, project->o.id);
	return false;
}

bool sim_authorize(struct sim *sim, const struct sim_call *call, struct sim_answer *ret)
{
	const struct sim_account *caller = call->caller ? call->caller : sim->admin;

	if (!sim_role_has(sim, caller, call->command))
		return refuse_role(call, ret);
	return check_project(sim, call, caller, ret);
}

/* ---- access ---------------------------------------------------------------------------------- */

/* DomainChecker.validateCallerHasAccessToEntityOwner. */
bool sim_may_access(const struct sim_account *caller, const struct sim_account *owner)
{
	if (sim_is_admin(caller) || caller == owner)
		return true;
	if (!owner)
		return false;
	if (caller->type == SIM_ACCOUNT_DOMAIN_ADMIN &&
	    sim_domain_is_in(owner->domain, caller->domain))
		return true;
	return owner->project && sim_project_has(owner->project, caller);
}

static bool refuse_access(struct sim_request *q)
{
	return sim_refuse(q, 531, CS_PERMISSION, NO_ACCESS);
}

bool sim_check_access(struct sim_request *q, const struct sim_object *o)
{
	return sim_may_access(q->caller, o->owner) || refuse_access(q);
}

bool sim_job_check_access(struct sim_job *job, const struct sim_object *o)
{
	/* a PermissionDeniedException is an internal error in a job */
	return sim_may_access(job->o.owner, o->owner) || sim_job_refuse(job, 530, NO_ACCESS);
}

static bool is_there(const struct sim_object *o)
{
	return o && !o->removed;
}

static struct sim_domain *arg_domain(struct sim_request *q)
{
	return (struct sim_domain *)sim_arg_object(q->sim, q->params, "domainid", K_DOMAIN);
}

/* AccountManagerImpl.finalyzeAccountId(): the account goes before the project. */
static bool find_owner(struct sim_request *q)
{
	const char *name = sim_arg(q->params, "account");
	struct sim_project *project;

	if (name && !sim_arg(q->params, "domainid"))
		return sim_refuse(q, 431, CS_INVALID,
				  "Account must be specified with domainId parameter");
	if (name) {
		q->owner = sim_account_find(q->sim, name, arg_domain(q));
		if (!q->owner)
			return sim_refuse(q, 431, CS_INVALID,
					  "Unable to find account by name %s in domain with "
					  "specified id",
					  name);
	} else if (sim_arg(q->params, "projectid")) {
		project = (struct sim_project *)sim_arg_object(q->sim, q->params, "projectid",
							       K_PROJECT);
		if (!project)
			return sim_refuse(q, 431, CS_INVALID, "Unable to find project by id");
		q->owner = project->account;
	}
	return sim_may_access(q->caller, q->owner) || refuse_access(q);
}

static bool may_use(struct sim_request *q, const struct sim_account *owner)
{
	return sim_may_access(q->caller, owner) || refuse_access(q);
}

static bool check_each(struct sim_request *q)
{
	for (const struct sim_param *p = q->command->params; p && p->name; p++) {
		const struct sim_object *o =
			p->access ? sim_arg_object(q->sim, q->params, p->name, p->kind) : NULL;

		if (o && !may_use(q, o->owner))
			return false;
	}
	return true;
}

/*
 * ParamProcessWorker.doAccessChecks(): if one of the objects is there, the owner of the first one is looked at before
 * all; an id that was never one is the account system's.
 */
bool sim_check_objects(struct sim_request *q)
{
	const struct sim_account *owner = NULL;
	bool any = false, first = true;

	q->owner = q->caller;
	if (q->command->owned && !find_owner(q))
		return false;
	for (const struct sim_param *p = q->command->params; p && p->name; p++) {
		const struct sim_object *o;

		if (!p->access || !sim_arg(q->params, p->name))
			continue;
		o = sim_arg_ref(q->sim, q->params, p->name, p->kind).object;
		if (first)
			owner = o ? o->owner : NULL;
		first = false;
		any |= is_there(o);
	}
	return !any || (may_use(q, owner) && check_each(q));
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* SecurityChecker.checkAccess of a domain. */
static bool check_domain(struct sim_request *q, const struct sim_domain *domain)
{
	const struct sim_account *caller = q->caller;
	_cleanup_free_ char *text = NULL;

	if (caller->type == SIM_ACCOUNT_USER ? caller->domain == domain
					     : sim_domain_is_in(domain, caller->domain))
		return true;

	text = sim_account_text(caller);
	return sim_refuse(q, 531, CS_PERMISSION,
			  "Account %s does not have permission to operate within domain id=%s",
			  text, domain->o.id);
}

/* The account that a list is asked to be of. */
static bool find_account(struct sim_request *q, const struct sim_domain *domain,
			 const struct sim_account **ret)
{
	const char *name = sim_arg(q->params, "account");
	_cleanup_free_ char *text = NULL;
	const struct sim_account *a;

	if (!domain)
		domain = q->caller->domain;
	a = sim_account_find(q->sim, name, domain);
	if (!a) {
		text = sim_domain_text(domain);
		return sim_refuse(q, 431, CS_INVALID, "could not find account %s in domain %s",
				  name, text);
	}
	if (!sim_may_access(q->caller, a))
		return refuse_access(q);

	*ret = a;
	return true;
}

/* projectid=-1: what all projects of the caller have. */
static void scope_all_projects(struct sim_request *q, bool all, struct sim_scope *s)
{
	struct sim_project *p;
	bool any = false;

	if (!all)
		s->projects = SIM_PROJECTS_ONLY;
	if (sim_is_admin(q->caller))
		return;

	SIM_FOREACH(q->sim, K_PROJECT, p)
		any |= sim_project_has(p, q->caller);
	s->member = q->caller;
	if (!any || all)
		s->account = q->caller;
}

static void scope_own(struct sim_request *q, bool by_id, bool all, struct sim_scope *s)
{
	const struct sim_account *caller = q->caller;

	if (!by_id)
		s->projects = SIM_PROJECTS_NOT;
	if (s->account)
		return;
	if (caller->type == SIM_ACCOUNT_USER || (!s->domain && !all && !by_id)) {
		s->account = caller;
	} else if (!s->domain && !sim_is_admin(caller)) {
		s->domain = caller->domain;
		s->recursive = true;
	}
}

bool sim_scope_begin(struct sim_request *q, bool by_id, struct sim_scope *ret)
{
	bool all = sim_arg_bool(q->params, "listall", false);
	const struct sim_project *project =
		(const struct sim_project *)sim_arg_object(q->sim, q->params, "projectid",
							   K_PROJECT);

	*ret = (struct sim_scope){ .domain = arg_domain(q),
				   .recursive = sim_arg_bool(q->params, "isrecursive", false) };
	if (ret->domain && !check_domain(q, ret->domain))
		return false;
	if (sim_arg(q->params, "account")) {
		if (sim_arg(q->params, "projectid"))
			return sim_refuse(q, 431, CS_INVALID,
					  "Account and projectId can't be specified together");
		if (!find_account(q, ret->domain, &ret->account))
			return false;
	}

	if (project)
		ret->account = project->account;
	else if (sim_arg(q->params, "projectid"))
		scope_all_projects(q, all, ret);
	else
		scope_own(q, by_id, all, ret);
	return true;
}

static bool is_of_accounts(const struct sim_scope *s, const struct sim_account *owner)
{
	return owner == s->account ||
	       (s->member && owner->project && sim_project_has(owner->project, s->member));
}

bool sim_scope_has(const struct sim_scope *s, const struct sim_object *o)
{
	const struct sim_account *owner = o->owner;

	if (!owner)
		return true;
	if ((s->projects == SIM_PROJECTS_NOT && owner->project) ||
	    (s->projects == SIM_PROJECTS_ONLY && !owner->project))
		return false;
	if (s->account || s->member)
		return is_of_accounts(s, owner);
	if (s->domain)
		return s->recursive ? sim_domain_is_in(owner->domain, s->domain)
				    : owner->domain == s->domain;
	return true;
}
