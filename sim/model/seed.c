/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a test may do to the model directly: seed (add or change objects) and poke (change fields of one). Also the
 * objects that are there from the start. model.h describes the fields.
 */

#include "model.h"

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

/* ---- fields ---------------------------------------------------------------------------------- */

/* apply false: only looks whether the value can be taken. Returns 0 or -EINVAL. */
struct field {
	const char *name;
	int (*set)(struct sim *sim, void *object, json_object *value, bool apply);
};

static int take_text(json_object *value, char **dst, bool apply)
{
	if (!json_object_is_type(value, json_type_string))
		return -EINVAL;
	if (apply)
		sim_set_text(dst, json_object_get_string(value));
	return 0;
}

static int take_bool(json_object *value, bool *dst, bool apply)
{
	if (!json_object_is_type(value, json_type_boolean))
		return -EINVAL;
	if (apply)
		*dst = json_object_get_boolean(value);
	return 0;
}

/* Not negative; *ret is always written on success. */
static int get_number(json_object *value, int64_t max, int64_t *ret)
{
	if (!json_object_is_type(value, json_type_int))
		return -EINVAL;
	*ret = json_object_get_int64(value);
	return *ret < 0 || *ret > max ? -EINVAL : 0;
}

/* "" stands for NULL. */
static int get_object(struct sim *sim, json_object *value, enum sim_kind kind,
		      struct sim_object **ret)
{
	const char *id = json_object_get_string(value);

	*ret = NULL;
	if (!json_object_is_type(value, json_type_string))
		return -EINVAL;
	if (!*id)
		return 0;

	*ret = sim_find(sim, kind, id);
	return *ret ? 0 : -EINVAL;
}

static int set_name(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_object *o = object;

	return take_text(value, &o->name, apply);
}

static int set_removed(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_object *o = object;

	return take_bool(value, &o->removed, apply);
}

/* The id of an account. */
static int set_account(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_object *account;

	if (get_object(sim, value, K_ACCOUNT, &account) < 0 || !account)
		return -EINVAL;
	if (apply)
		((struct sim_object *)object)->owner = (struct sim_account *)account;
	return 0;
}

/* The id of a project. */
static int set_project(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_object *project;

	if (get_object(sim, value, K_PROJECT, &project) < 0 || !project)
		return -EINVAL;
	if (apply)
		((struct sim_object *)object)->owner = ((struct sim_project *)project)->account;
	return 0;
}

/* [{"key":…,"value":…},…]: all of them. */
static int set_tags(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_object *o = object;

	if (!json_object_is_type(value, json_type_array))
		return -EINVAL;
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		json_object *tag = json_object_array_get_idx(value, i);

		if (!*mk_json_str(tag, "key", "") || !*mk_json_str(tag, "value", ""))
			return -EINVAL;
	}
	if (apply) {
		json_object_put(o->tags);
		o->tags = json_object_get(value);
	}
	return 0;
}

static int take_state(json_object *value, const char *const *states, const char **ret)
{
	const char *s = json_object_get_string(value);

	if (!json_object_is_type(value, json_type_string))
		return -EINVAL;
	*ret = sim_state_name(states, s);
	return *ret ? 0 : -EINVAL;
}

/* ---- VMs ------------------------------------------------------------------------------------- */

static int vm_set_state(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_vm *vm = object;
	const char *state;

	if (take_state(value, sim_vm_states, &state) < 0)
		return -EINVAL;
	if (apply)
		sim_vm_set_state(sim, vm, state);
	return 0;
}

static int vm_set_display_name(struct sim *sim, void *object, json_object *value, bool apply)
{
	return take_text(value, &((struct sim_vm *)object)->display_name, apply);
}

static int vm_set_type(struct sim *sim, void *object, json_object *value, bool apply)
{
	return take_text(value, &((struct sim_vm *)object)->type, apply);
}

static int vm_set_hypervisor(struct sim *sim, void *object, json_object *value, bool apply)
{
	return take_text(value, &((struct sim_vm *)object)->hypervisor, apply);
}

static int vm_set_zone(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_object *zone;

	if (get_object(sim, value, K_ZONE, &zone) < 0 || !zone)
		return -EINVAL;
	if (apply)
		((struct sim_vm *)object)->zone = zone;
	return 0;
}

static int vm_set_template(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_object *template;

	if (get_object(sim, value, K_TEMPLATE, &template) < 0)
		return -EINVAL;
	if (apply)
		((struct sim_vm *)object)->template = template;
	return 0;
}

static int vm_set_offering(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_object *offering;

	if (get_object(sim, value, K_SERVICE_OFFERING, &offering) < 0)
		return -EINVAL;
	if (apply)
		((struct sim_vm *)object)->offering = offering;
	return 0;
}

/* Instead of the NICs that it has. */
static int vm_set_network(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_vm *vm = object;
	struct sim_object *network;

	if (get_object(sim, value, K_NETWORK, &network) < 0)
		return -EINVAL;
	if (!apply)
		return 0;

	vm->n_nics = 0;
	if (network)
		sim_vm_add_nic(sim, vm, network, NULL, NULL);
	return 0;
}

static int vm_set_protection(struct sim *sim, void *object, json_object *value, bool apply)
{
	return take_bool(value, &((struct sim_vm *)object)->delete_protection, apply);
}

static int vm_set_details(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_vm *vm = object;

	if (!json_object_is_type(value, json_type_object))
		return -EINVAL;
	if (apply) {
		json_object_put(vm->details);
		vm->details = json_object_get(value);
	}
	return 0;
}

static void add_copy(struct sim *sim, enum sim_kind kind, const struct sim_vm *vm)
{
	struct sim_object *o = sim_add(sim, kind, NULL, NULL);

	o->row = sim_json_object();
	o->owner = vm->o.owner;
	mk_json_set_str(o->row, "id", o->id);
	mk_json_set_str(o->row, "name", kind == K_BACKUP ? "backup" : "vm-snapshot");
	mk_json_set_str(o->row, "virtualmachineid", vm->o.id);
	mk_json_set_str(o->row, kind == K_BACKUP ? "status" : "state",
			kind == K_BACKUP ? "BackedUp" : "Ready");
}

/* As many VM snapshots or backups as the number says. */
static int set_copies(struct sim *sim, const struct sim_vm *vm, enum sim_kind kind,
		      json_object *value, bool apply)
{
	struct sim_object *o;
	int64_t n;

	if (get_number(value, 100, &n) < 0)
		return -EINVAL;
	if (!apply)
		return 0;

	SIM_FOREACH(sim, kind, o)
		if (streq(mk_json_str(o->row, "virtualmachineid", ""), vm->o.id))
			o->removed = true;
	while (n-- > 0)
		add_copy(sim, kind, vm);
	return 0;
}

static int vm_set_snapshots(struct sim *sim, void *object, json_object *value, bool apply)
{
	return set_copies(sim, object, K_VM_SNAPSHOT, value, apply);
}

static int vm_set_backups(struct sim *sim, void *object, json_object *value, bool apply)
{
	return set_copies(sim, object, K_BACKUP, value, apply);
}

/* Applied in this order. */
static const struct field vm_fields[] = {
	{ "name", set_name },
	{ "account", set_account },
	{ "project", set_project },
	{ "displayname", vm_set_display_name },
	{ "networkid", vm_set_network },
	{ "state", vm_set_state },
	{ "type", vm_set_type },
	{ "hypervisor", vm_set_hypervisor },
	{ "zoneid", vm_set_zone },
	{ "templateid", vm_set_template },
	{ "serviceofferingid", vm_set_offering },
	{ "deleteprotection", vm_set_protection },
	{ "details", vm_set_details },
	{ "vmsnapshots", vm_set_snapshots },
	{ "backups", vm_set_backups },
	{ "tags", set_tags },
	{ "removed", set_removed },
	{ NULL, NULL },
};

/* ---- volumes --------------------------------------------------------------------------------- */

static int volume_set_state(struct sim *sim, void *object, json_object *value, bool apply)
{
	const char *state;

	if (take_state(value, sim_volume_states, &state) < 0)
		return -EINVAL;
	if (apply)
		sim_volume_set_state(object, state);
	return 0;
}

static int volume_set_type(struct sim *sim, void *object, json_object *value, bool apply)
{
	const char *s = json_object_get_string(value);
	bool root = json_object_is_type(value, json_type_string) && streq(s, "ROOT");

	if (!root && (!json_object_is_type(value, json_type_string) || !streq(s, "DATADISK")))
		return -EINVAL;
	if (apply)
		((struct sim_volume *)object)->root = root;
	return 0;
}

static int volume_set_size(struct sim *sim, void *object, json_object *value, bool apply)
{
	int64_t size;

	if (get_number(value, INT64_MAX, &size) < 0)
		return -EINVAL;
	if (apply)
		((struct sim_volume *)object)->size = (uint64_t)size;
	return 0;
}

static int volume_set_zone(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_object *zone;

	if (get_object(sim, value, K_ZONE, &zone) < 0 || !zone)
		return -EINVAL;
	if (apply)
		((struct sim_volume *)object)->zone = zone;
	return 0;
}

static int volume_set_offering(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_object *offering;

	if (get_object(sim, value, K_DISK_OFFERING, &offering) < 0)
		return -EINVAL;
	if (apply)
		((struct sim_volume *)object)->offering = offering;
	return 0;
}

static int volume_set_vm(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_volume *v = object;
	struct sim_object *vm;
	bool root = v->root;

	if (get_object(sim, value, K_VM, &vm) < 0)
		return -EINVAL;
	if (!apply)
		return 0;

	if (!vm) {
		sim_volume_detach(v);
		return 0;
	}
	sim_volume_attach(v, (struct sim_vm *)vm,
			  root ? 0 : sim_vm_free_device(sim, (struct sim_vm *)vm));
	return 0;
}

static int volume_set_device(struct sim *sim, void *object, json_object *value, bool apply)
{
	int64_t id;

	if (get_number(value, 1024, &id) < 0)
		return -EINVAL;
	if (apply)
		((struct sim_volume *)object)->device_id = (int)id;
	return 0;
}

static int volume_set_hypervisor(struct sim *sim, void *object, json_object *value, bool apply)
{
	return take_text(value, &((struct sim_volume *)object)->hypervisor, apply);
}

static int volume_set_managed(struct sim *sim, void *object, json_object *value, bool apply)
{
	return take_bool(value, &((struct sim_volume *)object)->managed, apply);
}

static int volume_set_protection(struct sim *sim, void *object, json_object *value, bool apply)
{
	return take_bool(value, &((struct sim_volume *)object)->delete_protection, apply);
}

static int volume_set_display(struct sim *sim, void *object, json_object *value, bool apply)
{
	bool shown = false;

	if (take_bool(value, &shown, true) < 0)
		return -EINVAL;
	if (apply)
		((struct sim_volume *)object)->hidden = !shown;
	return 0;
}

static int volume_set_generation(struct sim *sim, void *object, json_object *value, bool apply)
{
	int64_t generation;

	if (get_number(value, INT64_MAX, &generation) < 0)
		return -EINVAL;
	if (apply)
		((struct sim_volume *)object)->generation = generation;
	return 0;
}

static int volume_set_guest(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_volume *v = object;
	struct sim_object *vm;

	if (get_object(sim, value, K_VM, &vm) < 0)
		return -EINVAL;
	if (!apply)
		return 0;

	sim_unplug(sim, v);
	if (vm)
		sim_plug(sim, v, (struct sim_vm *)vm,
			 v->device_id >= 0 ? v->device_id
					   : sim_vm_free_device(sim, (struct sim_vm *)vm));
	return 0;
}

/* Applied in this order. */
static const struct field volume_fields[] = {
	{ "name", set_name },
	{ "account", set_account },
	{ "project", set_project },
	{ "state", volume_set_state },
	{ "type", volume_set_type },
	{ "size", volume_set_size },
	{ "zoneid", volume_set_zone },
	{ "diskofferingid", volume_set_offering },
	{ "virtualmachineid", volume_set_vm },
	{ "deviceid", volume_set_device },
	{ "hypervisor", volume_set_hypervisor },
	{ "managed", volume_set_managed },
	{ "deleteprotection", volume_set_protection },
	{ "displayvolume", volume_set_display },
	{ "generation", volume_set_generation },
	{ "guest", volume_set_guest },
	{ "tags", set_tags },
	{ "removed", set_removed },
	{ NULL, NULL },
};

/* ---- accounts -------------------------------------------------------------------------------- */

static int account_set_limits(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_account scratch = *(struct sim_account *)object;

	if (!json_object_is_type(value, json_type_object))
		return -EINVAL;
	return sim_account_limit(apply ? object : &scratch, value);
}

static const struct field account_fields[] = {
	{ "limits", account_set_limits },
	{ NULL, NULL },
};

/* ---- snapshots ------------------------------------------------------------------------------- */

static int snapshot_set_state(struct sim *sim, void *object, json_object *value, bool apply)
{
	const char *state;

	if (take_state(value, sim_snapshot_states, &state) < 0)
		return -EINVAL;
	if (apply)
		((struct sim_snapshot *)object)->state = state;
	return 0;
}

static int snapshot_set_created(struct sim *sim, void *object, json_object *value, bool apply)
{
	int64_t seconds;

	if (get_number(value, INT32_MAX, &seconds) < 0)
		return -EINVAL;
	if (apply)
		((struct sim_object *)object)->created = (uint64_t)seconds * USEC_PER_SEC;
	return 0;
}

static int snapshot_set_revertable(struct sim *sim, void *object, json_object *value, bool apply)
{
	struct sim_snapshot *s = object;
	bool revertable = !s->unrevertable;

	if (take_bool(value, &revertable, true) < 0)
		return -EINVAL;
	if (apply)
		s->unrevertable = !revertable;
	return 0;
}

static const struct field snapshot_fields[] = {
	{ "name", set_name },
	{ "account", set_account },
	{ "project", set_project },
	{ "created", snapshot_set_created },
	{ "state", snapshot_set_state },
	{ "revertable", snapshot_set_revertable },
	{ "tags", set_tags },
	{ NULL, NULL },
};

/* ---- poke ------------------------------------------------------------------------------------ */

static const struct poke_kind {
	const char *key;
	enum sim_kind kind;
	const struct field *fields;
} poke_kinds[] = {
	{ "vm", K_VM, vm_fields },
	{ "volume", K_VOLUME, volume_fields },
	{ "snapshot", K_SNAPSHOT, snapshot_fields },
	{ "account", K_ACCOUNT, account_fields }, /* last: it is a field of the others */
};

static int wrong(char **ret_why, char *why)
{
	*ret_why = why;
	return -EINVAL;
}

static const struct field *find_field(const struct field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (streq(fields->name, name))
			return fields;
	return NULL;
}

/* id_key: the key of the object's own id, which is no field. */
static int set_fields(struct sim *sim, struct sim_object *o, const struct field *fields,
		      json_object *values, const char *id_key, char **ret_why)
{
	json_object_object_foreach(values, key, value) {
		const struct field *f = find_field(fields, key);

		if (streq(key, id_key))
			continue;
		if (!f)
			return wrong(ret_why, mk_strdup_printf("no such field: %s", key));
		if (f->set(sim, o, value, false) < 0)
			return wrong(ret_why, mk_strdup_printf("bad value for %s: %s", key,
							       json_object_to_json_string(value)));
	}

	for (const struct field *f = fields; f->name; f++) {
		json_object *v = mk_json_get(values, f->name);

		if (v)
			f->set(sim, o, v, true);
	}
	return 0;
}

int sim_poke(struct sim *sim, json_object *fields, char **ret_why)
{
	for (size_t i = 0; i < ARRAY_SIZE(poke_kinds); i++) {
		const struct poke_kind *k = &poke_kinds[i];
		const char *id = mk_json_str(fields, k->key, NULL);
		struct sim_object *o = id ? sim_find(sim, k->kind, id) : NULL;

		if (o)
			return set_fields(sim, o, k->fields, fields, k->key, ret_why);
		if (id)
			return wrong(ret_why, mk_strdup_printf("no %s has the id %s", k->key, id));
	}

	return wrong(ret_why, sim_strdup("none of vm, volume, snapshot and account is given"));
}

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
	const struct field *fields; /* NULL: the object is its row */
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
	{ "vms", K_VM, vm_fields, new_vm, complete_vm },
	{ "volumes", K_VOLUME, volume_fields, new_volume, complete_volume },
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
		return wrong(ret_why,
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
	r = set_fields(sim, o, k->fields, row, "id", ret_why);
	k->complete(sim, o);
	if (added)
		complete_owner(o, row);
	return r;
}

int sim_seed(struct sim *sim, json_object *seed, char **ret_why)
{
	int r;

	if (!json_object_is_type(seed, json_type_object))
		return wrong(ret_why, sim_strdup("a seed is an object"));

	for (size_t i = 0; i < ARRAY_SIZE(seed_kinds); i++) {
		json_object *rows = mk_json_get(seed, seed_kinds[i].key);

		if (!rows)
			continue;
		if (!json_object_is_type(rows, json_type_array))
			return wrong(ret_why, mk_strdup_printf("%s is no list", seed_kinds[i].key));
		for (size_t n = 0; n < json_object_array_length(rows); n++) {
			r = seed_row(sim, &seed_kinds[i], json_object_array_get_idx(rows, n),
				     ret_why);
			if (r < 0)
				return r;
		}
	}

	return 0;
}
