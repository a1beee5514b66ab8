/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The fields of objects that a test may change, and the poke, which changes those of one. model.h describes them. */

#include "seed-internal.h"

/* ---- fields ---------------------------------------------------------------------------------- */

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
const struct sim_field sim_vm_fields[] = {
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
const struct sim_field sim_volume_fields[] = {
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

static const struct sim_field account_fields[] = {
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

static const struct sim_field snapshot_fields[] = {
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
	const struct sim_field *fields;
} poke_kinds[] = {
	{ "vm", K_VM, sim_vm_fields },
	{ "volume", K_VOLUME, sim_volume_fields },
	{ "snapshot", K_SNAPSHOT, snapshot_fields },
	{ "account", K_ACCOUNT, account_fields }, /* last: it is a field of the others */
};

int sim_wrong(char **ret_why, char *why)
{
	*ret_why = why;
	return -EINVAL;
}

static const struct sim_field *find_field(const struct sim_field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (streq(fields->name, name))
			return fields;
	return NULL;
}

int sim_set_fields(struct sim *sim, struct sim_object *o, const struct sim_field *fields,
		   json_object *values, const char *id_key, char **ret_why)
{
	json_object_object_foreach(values, key, value) {
		const struct sim_field *f = find_field(fields, key);

		if (streq(key, id_key))
			continue;
		if (!f)
			return sim_wrong(ret_why, mk_strdup_printf("no such field: %s", key));
		if (f->set(sim, o, value, false) < 0)
			return sim_wrong(ret_why,
					 mk_strdup_printf("bad value for %s: %s", key,
							  json_object_to_json_string(value)));
	}

	for (const struct sim_field *f = fields; f->name; f++) {
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
			return sim_set_fields(sim, o, k->fields, fields, k->key, ret_why);
		if (id)
			return sim_wrong(ret_why,
					 mk_strdup_printf("no %s has the id %s", k->key, id));
	}

	return sim_wrong(ret_why, sim_strdup("none of vm, volume, snapshot and account is given"));
}
