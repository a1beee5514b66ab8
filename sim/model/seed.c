/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a test may add to the model or change in it by a seed. Also the objects that are there from the start. */

#include "seed-internal.h"

/* The world that every simulator starts with. */
/* clang-format off */
const char sim_default_seed[] = "{"
	"\"zones\":["
	  "{\"id\":\"" SIM_ZONE "\",\"name\":\"z1\",\"networktype\":\"Advanced\","
	   "\"allocationstate\":\"Enabled\",\"localstorageenabled\":false,\"type\":\"Core\"}],"
	"\"diskofferings\":["
	  "{\"id\":\"" SIM_CUSTOM_OFFERING "\",\"name\":\"Custom\",\"displaytext\":\"Custom Disk\","
	   "\"disksize\":0,\"iscustomized\":true,\"storagetype\":\"shared\","
	   "\"provisioningtype\":\"thin\",\"state\":\"Active\",\"encrypt\":false,"
	   "\"disksizestrictness\":false},"
	  "{\"id\":\"" SIM_FIXED_OFFERING "\",\"name\":\"Small\",\"displaytext\":\"Small Disk, 5 GB\","
	   "\"disksize\":5,\"iscustomized\":false,\"storagetype\":\"shared\","
	   "\"provisioningtype\":\"thin\",\"state\":\"Active\",\"encrypt\":false,"
	   "\"disksizestrictness\":false}],"
	"\"serviceofferings\":["
	  "{\"id\":\"" SIM_SERVICE_OFFERING "\",\"name\":\"Small Instance\","
	   "\"displaytext\":\"Small Instance\",\"cpunumber\":1,\"cpuspeed\":1000,\"memory\":1024,"
	   "\"iscustomized\":false}],"
	"\"templates\":["
	  "{\"id\":\"" SIM_TEMPLATE "\",\"name\":\"debian\",\"displaytext\":\"debian\",\"isready\":true,"
	   "\"format\":\"QCOW2\",\"hypervisor\":\"KVM\","
	   "\"ostypeid\":\"" SIM_OS_TYPE "\",\"ostypename\":\"Debian GNU/Linux 12\","
	   "\"size\":4294967296,\"zoneid\":\"" SIM_ZONE "\",\"zonename\":\"z1\"}],"
	"\"networks\":["
	  "{\"id\":\"" SIM_NETWORK "\",\"name\":\"net1\",\"displaytext\":\"net1\",\"type\":\"Isolated\","
	   "\"state\":\"Implemented\",\"zoneid\":\"" SIM_ZONE "\",\"zonename\":\"z1\","
	   "\"canusefordeploy\":true}],"
	"\"storagepools\":["
	  "{\"id\":\"" SIM_POOL "\",\"name\":\"PS0\"},"
	  "{\"id\":\"" SIM_POOL_2 "\",\"name\":\"PS1\"}],"
	"\"vms\":["
	  "{\"id\":\"" SIM_OMA "\",\"name\":\"oma\",\"state\":\"Running\"},"
	  "{\"id\":\"" SIM_TEST_VM "\",\"name\":\"test-vm\",\"state\":\"Stopped\"},"
	  "{\"id\":\"" SIM_FAILOVER_VM "\",\"name\":\"failover-vm\",\"state\":\"Stopped\"}],"
	"\"volumes\":["
	  "{\"id\":\"" SIM_OMA_ROOT "\",\"name\":\"ROOT-1\",\"type\":\"ROOT\",\"size\":10737418240,"
	   "\"virtualmachineid\":\"" SIM_OMA "\",\"deviceid\":0},"
	  "{\"id\":\"" SIM_TEST_ROOT "\",\"name\":\"ROOT-2\",\"type\":\"ROOT\",\"size\":10737418240,"
	   "\"virtualmachineid\":\"" SIM_TEST_VM "\",\"deviceid\":0},"
	  "{\"id\":\"" SIM_FAILOVER_ROOT "\",\"name\":\"ROOT-3\",\"type\":\"ROOT\",\"size\":10737418240,"
	   "\"virtualmachineid\":\"" SIM_FAILOVER_VM "\",\"deviceid\":0}]"
"}";
/* clang-format on */

/* ---- seed ------------------------------------------------------------------------------------ */

static struct sim_object *first(struct sim *sim, enum sim_kind kind)
{
	return sim->objects[kind];
}

static struct sim_object *new_vm(struct sim *sim, const char *id)
{
	struct sim_vm *vm = (struct sim_vm *)sim_add(sim, K_VM, id, id);

	vm->state = "Stopped";
	vm->updated = mk_now_realtime();
	vm->type = sim_strdup("User");
	vm->zone = first(sim, K_ZONE);
	vm->template = first(sim, K_TEMPLATE);
	vm->offering = first(sim, K_SERVICE_OFFERING);
	if (first(sim, K_NETWORK))
		sim_vm_add_nic(sim, vm, first(sim, K_NETWORK), NULL, NULL);
	return &vm->o;
}

static struct sim_object *new_volume(struct sim *sim, const char *id)
{
	struct sim_volume *v = sim_volume_new(sim, id, id, first(sim, K_ZONE), GIB);

	sim_volume_set_state(v, "Ready");
	return &v->o;
}

/* What a row left out, and what follows from it. */
static void complete_vm(struct sim *sim, struct sim_object *o)
{
	struct sim_vm *vm = (struct sim_vm *)o;

	if (!vm->display_name)
		vm->display_name = sim_strdup(o->name);
	if (!vm->details && streq(vm->state, "Stopped"))
		sim_vm_set_detail(vm, SIM_DETAIL_STOPPED, "false");
}

/* A VM whose root disk was never made has never run. */
static void set_never_started(struct sim_vm *vm)
{
	json_object_object_del(vm->details, SIM_DETAIL_STOPPED);
	sim_vm_set_detail(vm, SIM_DETAIL_DEPLOY, "true");
	vm->updated = 0;
}

static void complete_volume(struct sim *sim, struct sim_object *o)
{
	struct sim_volume *v = (struct sim_volume *)o;

	if (!v->offering)
		v->offering = first(sim, v->root ? K_SERVICE_OFFERING : K_DISK_OFFERING);
	if (v->root && !v->template)
		v->template = first(sim, K_TEMPLATE);
	if (v->root)
		v->attached = 0; /* it came with the VM */
	if (v->root && v->vm && v->stored)
		v->vm->has_run = true;
	if (v->vm && v->root && !v->stored && streq(v->vm->state, "Stopped"))
		set_never_started(v->vm);
	if (v->vm && streq(v->vm->state, "Running"))
		sim_plug(sim, v, v->vm, v->device_id);
}

static const struct seed_kind {
	const char *key;
	enum sim_kind kind;
	const struct sim_field *fields; /* NULL: the object is its row */
	struct sim_object *(*new)(struct sim *sim, const char *id);
	void (*complete)(struct sim *sim, struct sim_object *o);
	int (*row)(struct sim *sim, json_object *row, char **ret_why); /* in place of all these */
} seed_kinds[] = {
	{ "domains", K_DOMAIN, .row = sim_seed_domain },
	{ "accounts", K_ACCOUNT, .row = sim_seed_account },
	{ "projects", K_PROJECT, .row = sim_seed_project },
	{ "zones", K_ZONE, NULL, NULL, NULL },
	{ "diskofferings", K_DISK_OFFERING, NULL, NULL, NULL },
	{ "serviceofferings", K_SERVICE_OFFERING, NULL, NULL, NULL },
	{ "templates", K_TEMPLATE, NULL, NULL, NULL },
	{ "networks", K_NETWORK, NULL, NULL, NULL },
	{ "storagepools", K_POOL, NULL, NULL, NULL },
	{ "vms", K_VM, sim_vm_fields, new_vm, complete_vm },
	{ "volumes", K_VOLUME, sim_volume_fields, new_volume, complete_volume },
};

/* The account that a row names with its domain, as it is shown; NULL: none. */
static struct sim_account *row_owner(struct sim *sim, json_object *row)
{
	const struct sim_domain *domain =
		(const struct sim_domain *)sim_find(sim, K_DOMAIN,
						    mk_json_str(row, "domainid", ""));
	const struct sim_project *project =
		(const struct sim_project *)sim_find(sim, K_PROJECT,
						     mk_json_str(row, "projectid", ""));

	if (project)
		return project->account;
	return domain ? sim_account_find(sim, mk_json_str(row, "account", ""), domain) : NULL;
}

/* The row's keys replace those of the object that has the id. */
static void seed_plain(struct sim *sim, enum sim_kind kind, const char *id, json_object *row)
{
	struct sim_object *o = sim_find(sim, kind, id);

	if (!o) {
		o = sim_add(sim, kind, id, NULL);
		o->row = sim_json_object();
		if (kind != K_ZONE)
			sim_row_add_time(o->row, "created", o->created);
	}
	json_object_object_foreach(row, key, value) {
		json_object_object_add(o->row, key, json_object_get(value));
	}
	sim_set_text(&o->name, mk_json_str(o->row, "name", id));
	o->owner = row_owner(sim, o->row);
}

/* A new volume that does not say belongs to its VM's owner. */
static void complete_owner(struct sim_object *o, json_object *row)
{
	struct sim_volume *v = (struct sim_volume *)o;

	if (o->kind == K_VOLUME && v->vm && !mk_json_get(row, "account") &&
	    !mk_json_get(row, "project"))
		o->owner = v->vm->o.owner;
}

static int seed_row(struct sim *sim, const struct seed_kind *k, json_object *row, char **ret_why)
{
	const char *id = mk_json_str(row, "id", "");
	struct sim_object *o;
	bool added;
	int r;

	if (!mk_uuid_valid(id))
		return sim_wrong(ret_why,
				 mk_strdup_printf("a row of %s has no id that is a UUID", k->key));
	if (k->row)
		return k->row(sim, row, ret_why);
	if (!k->fields) {
		seed_plain(sim, k->kind, id, row);
		return 0;
	}

	o = sim_find(sim, k->kind, id);
	added = !o;
	if (added)
		o = k->new (sim, id);
	r = sim_set_fields(sim, o, k->fields, row, "id", ret_why);
	k->complete(sim, o);
	if (added)
		complete_owner(o, row);
	return r;
}

int sim_seed(struct sim *sim, json_object *seed, char **ret_why)
{
	int r;

	if (!json_object_is_type(seed, json_type_object))
		return sim_wrong(ret_why, sim_strdup("a seed is an object"));

	for (size_t i = 0; i < ARRAY_SIZE(seed_kinds); i++) {
		json_object *rows = mk_json_get(seed, seed_kinds[i].key);

		if (!rows)
			continue;
		if (!json_object_is_type(rows, json_type_array))
			return sim_wrong(ret_why,
					 mk_strdup_printf("%s is no list", seed_kinds[i].key));
		for (size_t n = 0; n < json_object_array_length(rows); n++) {
			r = seed_row(sim, &seed_kinds[i], json_object_array_get_idx(rows, n),
				     ret_why);
			if (r < 0)
				return r;
		}
	}

	return 0;
}
