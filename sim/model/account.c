/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who there is: domains, accounts with their keys, projects with their members. */

#include "model.h"

#define ROOT_NAME  "ROOT"
#define ADMIN_NAME "admin"

static const char *const limit_names[SIM_LIMIT_N] = {
	[SIM_LIMIT_VM] = "user_vm",
	[SIM_LIMIT_VOLUME] = "volume",
	[SIM_LIMIT_SNAPSHOT] = "snapshot",
	[SIM_LIMIT_PRIMARY_STORAGE] = "primary_storage",
};

const char *sim_limit_name(enum sim_limit limit)
{
	return limit_names[limit];
}

/* ---- domains --------------------------------------------------------------------------------- */

bool sim_domain_is_in(const struct sim_domain *domain, const struct sim_domain *in)
{
	for (; domain; domain = domain->parent)
		if (domain == in)
			return true;
	return false;
}

/* A domain comes after its parent in the list. */
static void set_paths(struct sim *sim)
{
	struct sim_domain *d;

	SIM_FOREACH(sim, K_DOMAIN, d) {
		free(d->path);
		d->path = sim_checked(
			d->parent ? mk_strdup_printf("%s/%s", d->parent->path, d->o.name)
				  : strdup(d->o.name));
	}
}

/* As the column path has it: ROOT is "/", one below it "/tenant/"; JSON writes \/ for /. */
static char *stored_path(const struct sim_domain *domain)
{
	_cleanup_free_ char *above = domain->parent ? stored_path(domain->parent) : NULL;

	return sim_checked(above ? mk_strdup_printf("%s%s\\/", above, domain->o.name)
				 : strdup("\\/"));
}

char *sim_domain_text(const struct sim_domain *domain)
{
	_cleanup_free_ char *path = stored_path(domain);

	return sim_checked(mk_strdup_printf("Domain {\"id\":%" PRId64
					    ",\"name\":\"%s\",\"path\":\"%s\",\"uuid\":\"%s\"}",
					    domain->o.number, domain->o.name, path, domain->o.id));
}

/* ---- accounts -------------------------------------------------------------------------------- */

static struct sim_account *account_new(struct sim *sim, const char *id, const char *name,
				       enum sim_account_type type, struct sim_domain *domain)
{
	struct sim_account *a = (struct sim_account *)sim_add(sim, K_ACCOUNT, id, name);

	a->type = type;
	a->domain = domain;
	a->user_name = sim_strdup(name);
	if (mk_uuid_random(a->user_id) < 0)
		abort();
	for (int i = 0; i < SIM_LIMIT_N; i++)
		a->limits[i] = -1;
	return a;
}

void sim_accounts_init(struct sim *sim)
{
	struct sim_domain *root =
		(struct sim_domain *)sim_add(sim, K_DOMAIN, SIM_DOMAIN, ROOT_NAME);

	set_paths(sim);
	sim->last_number[K_ACCOUNT] = 1; /* the account system */
	sim->admin = account_new(sim, SIM_ACCOUNT, ADMIN_NAME, SIM_ACCOUNT_ROOT_ADMIN, root);
	snprintf(sim->admin->user_id, sizeof(sim->admin->user_id), "%s", SIM_USER);
}

static void set_role(struct sim *sim, const char *role)
{
	if (sim->admin)
		sim->admin->type = streq(role, "admin") ? SIM_ACCOUNT_ROOT_ADMIN : SIM_ACCOUNT_USER;
}

int sim_set(struct sim *sim, const char *key, const char *value)
{
	int r = sim_setting_set(sim, key, value);

	if (r == 0 && streq(key, "role"))
		set_role(sim, value);
	return r;
}

bool sim_is_admin(const struct sim_account *account)
{
	return account->type == SIM_ACCOUNT_ROOT_ADMIN;
}

struct sim_account *sim_account_find(struct sim *sim, const char *name,
				     const struct sim_domain *domain)
{
	struct sim_account *a;

	SIM_FOREACH(sim, K_ACCOUNT, a)
		if (a->domain == domain && strcasecmp(a->o.name, name) == 0)
			return a;
	return NULL;
}

/* The uuid in this text is another one in each answer of CloudStack. */
char *sim_account_text(const struct sim_account *account)
{
	char id[MK_UUID_SIZE];

	if (mk_uuid_random(id) < 0)
		abort();
	return sim_checked(mk_strdup_printf("Account [{\"accountName\":\"%s\",\"id\":%" PRId64
					    ",\"uuid\":\"%s\"}]",
					    account->o.name, account->o.number, id));
}

/* MySQL compares the key without case. */
struct sim_account *sim_caller(struct sim *sim, const char *api_key, const char **ret_secret)
{
	struct sim_account *a;

	SIM_FOREACH(sim, K_ACCOUNT, a) {
		if (!a->api_key || strcasecmp(a->api_key, api_key) != 0)
			continue;
		if (a->disabled)
			return NULL;
		*ret_secret = str_or_empty(a->secret);
		return a;
	}
	return NULL;
}

void sim_set_keys(struct sim *sim, const char *api_key, const char *secret)
{
	sim_set_text(&sim->admin->api_key, api_key);
	sim_set_text(&sim->admin->secret, secret);
}

/* ---- projects -------------------------------------------------------------------------------- */

bool sim_project_has(const struct sim_project *project, const struct sim_account *member)
{
	for (size_t i = 0; i < project->n_members; i++)
		if (project->members[i] == member)
			return true;
	return false;
}

static void project_add(struct sim_project *project, struct sim_account *member)
{
	if (sim_project_has(project, member))
		return;
	project->members = sim_checked(
		reallocarray(project->members, project->n_members + 1, sizeof(*project->members)));
	project->members[project->n_members++] = member;
}

/* ---- seed ------------------------------------------------------------------------------------ */

static int wrong(char **ret_why, const char *what, json_object *row)
{
	*ret_why = mk_strdup_printf("%s: %s", what, json_object_to_json_string(row));
	return -EINVAL;
}

/* The domain that the row names by the key; ROOT if it names none. NULL: there is no such one. */
static struct sim_domain *row_domain(struct sim *sim, json_object *row, const char *key)
{
	return (struct sim_domain *)sim_find(sim, K_DOMAIN, mk_json_str(row, key, SIM_DOMAIN));
}

int sim_seed_domain(struct sim *sim, json_object *row, char **ret_why)
{
	const char *id = mk_json_str(row, "id", ""), *name = mk_json_str(row, "name", NULL);
	struct sim_domain *parent = row_domain(sim, row, "parentdomainid");
	struct sim_domain *d = (struct sim_domain *)sim_find(sim, K_DOMAIN, id);

	if (!parent)
		return wrong(ret_why, "no such parentdomainid", row);
	if (!d) {
		d = (struct sim_domain *)sim_add(sim, K_DOMAIN, id, name ? name : id);
		d->parent = parent;
	}
	if (name)
		sim_set_text(&d->o.name, name);
	set_paths(sim);
	return 0;
}

static int take_type(struct sim_account *a, const char *type)
{
	static const struct {
		const char *name;
		enum sim_account_type type;
	} types[] = { { "user", SIM_ACCOUNT_USER },
		      { "domain-admin", SIM_ACCOUNT_DOMAIN_ADMIN },
		      { "admin", SIM_ACCOUNT_ROOT_ADMIN } };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (streq(types[i].name, type)) {
			a->type = types[i].type;
			return 0;
		}
	}
	return -EINVAL;
}

/* {"volume":20,…}; -1: no limit. */
int sim_account_limit(struct sim_account *a, json_object *limits)
{
	json_object_object_foreach(limits, key, value) {
		int i = 0;

		while (i < SIM_LIMIT_N && !streq(limit_names[i], key))
			i++;
		if (i == SIM_LIMIT_N || !json_object_is_type(value, json_type_int))
			return -EINVAL;
		a->limits[i] = json_object_get_int64(value);
	}
	return 0;
}

static void take_texts(struct sim_account *a, json_object *row)
{
	const char *user_id = mk_json_str(row, "userid", NULL);
	struct {
		const char *key;
		char **text;
	} texts[] = { { "name", &a->o.name },
		      { "username", &a->user_name },
		      { "apikey", &a->api_key },
		      { "secretkey", &a->secret } };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *text = mk_json_str(row, texts[i].key, NULL);

		if (text)
			sim_set_text(texts[i].text, text);
	}
	if (user_id)
		snprintf(a->user_id, sizeof(a->user_id), "%s", user_id);
}

static int check_account(struct sim *sim, json_object *row, char **ret_why)
{
	struct sim_account scratch = {};
	const char *user_id = mk_json_str(row, "userid", NULL);
	json_object *limits = mk_json_get(row, "limits");

	if (!row_domain(sim, row, "domainid"))
		return wrong(ret_why, "no such domainid", row);
	if (user_id && !mk_uuid_valid(user_id))
		return wrong(ret_why, "userid is no UUID", row);
	if (mk_json_get(row, "type") && take_type(&scratch, mk_json_str(row, "type", "")) < 0)
		return wrong(ret_why, "type is user, domain-admin or admin", row);
	if (limits && sim_account_limit(&scratch, limits) < 0)
		return wrong(ret_why, "no such limit", row);
	return 0;
}

int sim_seed_account(struct sim *sim, json_object *row, char **ret_why)
{
	const char *id = mk_json_str(row, "id", "");
	struct sim_account *a = (struct sim_account *)sim_find(sim, K_ACCOUNT, id);
	struct sim_domain *domain = row_domain(sim, row, "domainid");
	int r = check_account(sim, row, ret_why);

	if (r < 0)
		return r;
	if (!a)
		a = account_new(sim, id, mk_json_str(row, "name", id), SIM_ACCOUNT_USER, domain);
	if (mk_json_get(row, "domainid"))
		a->domain = domain;
	if (mk_json_get(row, "type"))
		(void)take_type(a, mk_json_str(row, "type", ""));
	if (mk_json_get(row, "limits"))
		(void)sim_account_limit(a, mk_json_get(row, "limits"));

	take_texts(a, row);
	if (mk_json_get(row, "state"))
		a->disabled = !streq(mk_json_str(row, "state", ""), "enabled");
	return 0;
}

/* A project's account is named after both. */
static struct sim_project *project_new(struct sim *sim, const char *id, const char *name,
				       struct sim_domain *domain)
{
	struct sim_project *p = (struct sim_project *)sim_add(sim, K_PROJECT, id, name);
	_cleanup_free_ char *account =
		sim_checked(mk_strdup_printf("PrjAcct-%s-%" PRId64, name, domain->o.number));

	p->account = account_new(sim, NULL, account, SIM_ACCOUNT_PROJECT, domain);
	p->account->project = p;
	return p;
}

static struct sim_account *member_at(struct sim *sim, json_object *members, size_t i)
{
	const char *id = json_object_get_string(json_object_array_get_idx(members, i));

	return (struct sim_account *)sim_find(sim, K_ACCOUNT, str_or_empty(id));
}

static int check_project(struct sim *sim, json_object *row, char **ret_why)
{
	json_object *members = mk_json_get(row, "members");

	if (!row_domain(sim, row, "domainid"))
		return wrong(ret_why, "no such domainid", row);
	if (members && !json_object_is_type(members, json_type_array))
		return wrong(ret_why, "members is no list", row);
	for (size_t i = 0; members && i < json_object_array_length(members); i++)
		if (!member_at(sim, members, i))
			return wrong(ret_why, "no such member", row);
	return 0;
}

int sim_seed_project(struct sim *sim, json_object *row, char **ret_why)
{
	const char *id = mk_json_str(row, "id", ""), *name = mk_json_str(row, "name", id);
	json_object *members = mk_json_get(row, "members");
	struct sim_project *p = (struct sim_project *)sim_find(sim, K_PROJECT, id);
	int r = check_project(sim, row, ret_why);

	if (r < 0)
		return r;
	if (!p)
		p = project_new(sim, id, name, row_domain(sim, row, "domainid"));
	if (mk_json_get(row, "name"))
		sim_set_text(&p->o.name, name);
	for (size_t i = 0; members && i < json_object_array_length(members); i++)
		project_add(p, member_at(sim, members, i));
	return 0;
}
