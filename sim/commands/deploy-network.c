/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The networks of a VM to be deployed, as UserVmManagerImpl.createAdvancedVirtualMachine() finds them. */

#include "commands-internal.h"

#include <ctype.h>
#include <inttypes.h>

#define ISOLATED_OFFERING 10 /* numbers of a fresh installation's network offerings */
#define L2_OFFERING       16

/* ---- texts ----------------------------------------------------------------------------------- */

/* NetworkVO.toString() */
static char *network_text(const struct sim_object *n)
{
	bool l2 = streq(mk_json_str(n->row, "type", "Isolated"), "L2");

	return sim_checked(mk_strdup_printf("Network {\"id\": %" PRId64
					    ", \"name\": \"%s\", \"uuid\": \"%s\", "
					    "\"networkofferingid\": %d}",
					    n->number, n->name, n->id,
					    l2 ? L2_OFFERING : ISOLATED_OFFERING));
}

/* DataCenterVO.toString() */
static char *zone_text(const struct sim_object *z)
{
	return sim_checked(mk_strdup_printf("Zone {\"id\": \"%" PRId64
					    "\", \"name\": \"%s\", \"uuid\": \"%s\"}",
					    z->number, z->name, z->id));
}

/* ---- what was asked for ---------------------------------------------------------------------- */

static void want(struct sim_nics *nics, struct sim_object *network, const char *mac, const char *ip)
{
	nics->list = sim_checked(reallocarray(nics->list, nics->n + 1, sizeof(*nics->list)));
	nics->list[nics->n++] = (struct sim_wanted_nic){ network, mac, ip };
}

struct taking {
	struct sim_request *q;
	struct sim_nics *nics;
};

static bool take_network(const char *token, void *data)
{
	struct taking *t = data;
	struct sim_ref ref = sim_resolve(t->q->sim, token, K_NETWORK);

	if (!ref.object || ref.object->removed) {
		sim_refuse(t->q, 431, CS_INVALID, "Unable to find network by id %" PRId64,
			   ref.number);
		return true;
	}
	want(t->nics, ref.object, NULL, NULL);
	return false;
}

/* NetUtils.isValidMac() */
static bool good_mac(const char *s)
{
	size_t i;

	for (i = 0; s[i]; i++)
		if (i % 3 == 2 ? s[i] != ':' : !isxdigit((unsigned char)s[i]))
			return false;
	return i == 17;
}

/* One entry of iptonetworklist; BaseDeployVMCmd.getIpToNetworkMap() */
static bool take_entry(struct sim_request *q, struct sim_nics *nics, const char *id,
		       const char *mac, const char *ip)
{
	struct sim_ref ref = id ? sim_resolve(q->sim, id, K_NETWORK) : (struct sim_ref){};

	if (!ref.object || ref.object->removed)
		return sim_refuse(q, 431, CS_INVALID,
				  "Unable to translate and find entity with networkId: %s",
				  id ? id : "null");
	if (mac && !good_mac(mac))
		return sim_refuse(q, 431, CS_INVALID, "Mac address is not valid: %s", mac);
	want(nics, ref.object, mac, ip);
	return true;
}

static bool take_map(struct sim_request *q, struct sim_nics *nics)
{
	json_object *map = mk_json_get(q->params, "iptonetworklist");

	if (!map)
		return true;
	if (sim_arg(q->params, "networkids") || sim_arg(q->params, "ipaddress"))
		return sim_refuse(q, 431, CS_INVALID,
				  "ipToNetworkMap can't be specified along with networkIds or "
				  "ipAddress");
	json_object_object_foreach(map, index, entry) {
		(void)index;
		if (!take_entry(q, nics, sim_arg(entry, "networkid"), sim_arg(entry, "mac"),
				sim_arg(entry, "ip")))
			return false;
	}
	return true;
}

/* ---- the account's own network --------------------------------------------------------------- */

static bool is_default(const struct sim_object *n, const struct sim_account *owner,
		       const struct sim_object *zone)
{
	return !n->removed && (!n->owner || n->owner == owner) &&
	       streq(mk_json_str(n->row, "type", "Isolated"), "Isolated") &&
	       streq(mk_json_str(n->row, "zoneid", zone->id), zone->id);
}

/* UserVmManagerImpl.createDefaultNetworkForAccount() */
static struct sim_object *make_default(struct sim *sim, struct sim_account *owner,
				       const struct sim_object *zone)
{
	_cleanup_free_ char *name = mk_strdup_printf("%s-network", owner->o.name);
	struct sim_object *n = sim_add(sim, K_NETWORK, NULL, name);

	n->owner = owner;
	n->row = sim_json_object();
	mk_json_set_str(n->row, "id", n->id);
	mk_json_set_str(n->row, "name", n->name);
	mk_json_set_str(n->row, "displaytext", n->name);
	mk_json_set_str(n->row, "type", "Isolated");
	mk_json_set_str(n->row, "state", "Allocated");
	mk_json_set_str(n->row, "zoneid", zone->id);
	mk_json_set_str(n->row, "zonename", zone->name);
	mk_json_set_bool(n->row, "canusefordeploy", true);
	sim_row_add_time(n->row, "created", n->created);
	return n;
}

static bool take_default(struct sim_request *q, struct sim_account *owner,
			 const struct sim_object *zone, struct sim_nics *nics)
{
	_cleanup_free_ char *account = sim_account_text(owner);
	struct sim_object *n, *found = NULL;

	SIM_FOREACH(q->sim, K_NETWORK, n) {
		if (!is_default(n, owner, zone))
			continue;
		if (found)
			return sim_refuse(q, 431, CS_INVALID,
					  "More than 1 default Isolated networks are found for "
					  "account %s; please specify networkIds",
					  account);
		found = n;
	}
	want(nics, found ? found : make_default(q->sim, owner, zone), NULL, NULL);
	return true;
}

/* NetworkModelImpl.checkNetworkPermissions(): a network is for its owner, one of a project for its members too. */
static bool check_owner(struct sim_request *q, const struct sim_account *owner,
			const struct sim_nics *nics)
{
	for (size_t i = 0; i < nics->n; i++) {
		const struct sim_object *n = nics->list[i].network;
		const struct sim_project *project = n->owner ? n->owner->project : NULL;

		if (!n->owner || n->owner == owner || (project && sim_project_has(project, owner)))
			continue;
		return sim_refuse(q, 531, CS_PERMISSION,
				  "Unable to use network with id= %s, permission denied", n->id);
	}
	return true;
}

/* ---- the door -------------------------------------------------------------------------------- */

bool sim_nics_take(struct sim_request *q, struct sim_account *owner, const struct sim_object *zone,
		   struct sim_nics *nics)
{
	const char *ids = sim_arg(q->params, "networkids");
	struct taking t = { q, nics };

	if (!take_map(q, nics) || (ids && sim_any_token(ids, take_network, &t)))
		return false;
	if (nics->n == 0)
		return take_default(q, owner, zone, nics);
	return check_owner(q, owner, nics);
}

bool sim_nics_check_zone(struct sim_request *q, const struct sim_object *zone,
			 const struct sim_nics *nics)
{
	for (size_t i = 0; i < nics->n; i++) {
		const struct sim_object *n = nics->list[i].network;
		_cleanup_free_ char *text = network_text(n), *where = zone_text(zone);

		if (!streq(mk_json_str(n->row, "zoneid", zone->id), zone->id))
			return sim_refuse(q, 431, CS_INVALID,
					  "Network %s doesn't belong to zone %s", text, where);
	}
	return true;
}

/* Per network, with case, and over all VMs that are not expunged: whether they can be seen or not. */
bool sim_nics_check_name(struct sim_request *q, const char *name, const struct sim_nics *nics)
{
	struct sim_vm *vm;

	SIM_FOREACH(q->sim, K_VM, vm) {
		if (vm->o.removed || !streq(vm->o.name, name))
			continue;
		for (size_t i = 0; i < nics->n; i++) {
			const struct sim_object *n = nics->list[i].network;

			if (sim_vm_in_network(vm, n))
				return sim_refuse(q, 431, CS_INVALID,
						  "The vm with hostName %s already exists in the "
						  "network domain: %s; network=%s",
						  name,
						  mk_json_str(n->row, "networkdomain", "null"),
						  n->name);
		}
	}
	return true;
}

void sim_nics_done(struct sim_nics *nics)
{
	free(nics->list);
}
