/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command deployVirtualMachine: a VM with its volumes, from a template, a volume or a snapshot. */

#include "commands-internal.h"
#include "declared-internal.h"

#include <inttypes.h>

/* ---- refusals, in the order of UserVmManagerImpl.createVirtualMachine() ----------------------- */

static bool check_sources(struct sim_request *q)
{
	bool volume = sim_arg(q->params, "volumeid"), snapshot = sim_arg(q->params, "snapshotid");
	int n = (sim_arg(q->params, "templateid") != NULL) + volume + snapshot;

	if (n != 1)
		return sim_refuse_internal(q, "Please provide only one of the following parameters "
					      "- template ID, volume ID or snapshot ID");
	return true;
}

static bool check_objects(struct sim_request *q)
{
	static const struct {
		const char *name;
		enum sim_kind kind;
		const char *text;
	} needed[] = {
		{ "zoneid", K_ZONE, "Unable to find zone by id=" },
		{ "serviceofferingid", K_SERVICE_OFFERING, "Unable to find service offering: " },
		{ "templateid", K_TEMPLATE, "Unable to use template " },
		{ "volumeid", K_VOLUME, "Unable to find volume with ID: " },
		{ "snapshotid", K_SNAPSHOT, "unable to find a snapshot with id " },
		{ "diskofferingid", K_DISK_OFFERING, "Unable to find disk offering " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		struct sim_ref ref = sim_arg_ref(q->sim, q->params, needed[i].name, needed[i].kind);

		if (ref.given && (!ref.object || ref.object->removed))
			return sim_refuse(q, 431, CS_INVALID, "%s%" PRId64, needed[i].text,
					  ref.number);
	}
	return true;
}

static bool check_offering(struct sim_request *q)
{
	struct sim_object *o =
		sim_arg_object(q->sim, q->params, "serviceofferingid", K_SERVICE_OFFERING);

	return !o || streq(mk_json_str(o->row, "state", "Active"), "Active") ||
	       sim_refuse(q, 431, CS_INVALID, "Service offering is inactive: [%s].", o->id);
}

static bool check_template(struct sim_request *q)
{
	struct sim_object *t = sim_arg_object(q->sim, q->params, "templateid", K_TEMPLATE);

	return !t || mk_json_bool(t->row, "isready", true) ||
	       sim_refuse(q, 431, CS_INVALID, "The template %" PRId64 " is not available for use",
			  t->number);
}

/* Its pool must be one of the whole zone. The simulator's is the cluster's, unless the volume is managed. */
static bool check_volume(struct sim_request *q)
{
	struct sim_volume *v = sim_arg_volume(q->sim, q->params, "volumeid");

	return !v || v->managed ||
	       sim_refuse(q, 431, CS_INVALID,
			  "Deployment of virtual machine is supported only for Zone-wide storage "
			  "pools");
}

#define LARGEST_GIB 2000 /* storage.max.volume.size */

static bool check_root_size(struct sim_request *q)
{
	struct sim_object *t = sim_arg_object(q->sim, q->params, "templateid", K_TEMPLATE);
	int64_t gib = sim_arg_number(q->params, "rootdisksize", 1);
	int64_t least = t ? mk_json_int(t->row, "size", 0) : 0;

	if (!sim_arg(q->params, "rootdisksize"))
		return true;
	if (gib <= 0)
		return sim_refuse(q, 431, CS_INVALID,
				  "Root disk size should be a positive number.");
	if (gib > LARGEST_GIB)
		return sim_refuse(
			q, 431, CS_INVALID,
			"Requested volume size is %.4f TB, but the maximum size allowed is "
			"%d GB.",
			(double)gib / 1024, LARGEST_GIB);
	if (gib * (int64_t)GIB < least)
		return sim_refuse(q, 431, CS_INVALID,
				  "Unsupported: rootdisksize override (%" PRId64
				  " GB) is smaller than template size (%.2f GB) %" PRId64,
				  gib, (double)least / (double)GIB, least);
	return true;
}

static bool check_disk(struct sim_request *q)
{
	struct sim_object *offering =
		sim_arg_object(q->sim, q->params, "diskofferingid", K_DISK_OFFERING);
	int64_t gib = sim_arg_number(q->params, "size", 0);

	if (!offering || !mk_json_bool(offering->row, "iscustomized", false))
		return true;
	if (!sim_arg(q->params, "size"))
		return sim_refuse(q, 431, CS_INVALID,
				  "This disk offering requires a custom size specified");
	if (gib < 1 || gib > 1024)
		return sim_refuse(q, 431, CS_INVALID,
				  "VM Creation failed. Volume size: %" PRId64
				  "GB is out of allowed range. Max: 1024 Min:1",
				  gib);
	return true;
}

/* The disks that are made with it, and their bytes. */
static int64_t count_disks(struct sim_request *q, int64_t *ret_bytes)
{
	struct sim_object *t = sim_arg_object(q->sim, q->params, "templateid", K_TEMPLATE);
	struct sim_object *data =
		sim_arg_object(q->sim, q->params, "diskofferingid", K_DISK_OFFERING);
	struct sim_snapshot *s = sim_arg_snapshot(q->sim, q->params, "snapshotid");
	int64_t root = s ? (int64_t)s->size : t ? mk_json_int(t->row, "size", 0) : 0;
	int64_t asked = sim_arg_number(q->params, "rootdisksize", 0) * (int64_t)GIB, gib = 0;

	if (data)
		gib = mk_json_bool(data->row, "iscustomized", false)
			      ? sim_arg_number(q->params, "size", 0)
			      : mk_json_int(data->row, "disksize", 0);
	*ret_bytes = (asked > root ? asked : root) + gib * (int64_t)GIB;
	return (s || t) + (data != NULL);
}

static bool check_limits(struct sim_request *q)
{
	int64_t bytes, disks = count_disks(q, &bytes);
	_cleanup_free_ char *over = sim_over_limit(q->sim, q->owner, SIM_LIMIT_VM, 1);

	if (!over)
		over = sim_over_limit(q->sim, q->owner, SIM_LIMIT_VOLUME, disks);
	if (!over)
		over = sim_over_limit(q->sim, q->owner, SIM_LIMIT_PRIMARY_STORAGE, bytes);
	return !over || sim_refuse(q, 535, CS_PLAIN, "%s", over);
}

static bool check_hypervisor(struct sim_request *q)
{
	struct sim_object *t = sim_arg_object(q->sim, q->params, "templateid", K_TEMPLATE);
	const char *asked = sim_arg(q->params, "hypervisor");
	const char *own = t ? mk_json_str(t->row, "hypervisor", NULL) : NULL;

	/* a word that CloudStack does not know is "None" to it, which fits all */
	return !asked || !own || !sim_is_hypervisor(asked) || strcasecmp(asked, own) == 0 ||
	       sim_refuse(
		       q, 431, CS_INVALID,
		       "Hypervisor passed to the deployVm call, is different from the hypervisor "
		       "type of the template");
}

/* UUIDManagerImpl.generateUuid() */
static bool check_custom_id(struct sim_request *q)
{
	const char *id = sim_arg(q->params, "customid");

	if (!id)
		return true;
	if (!sim_is_admin(q->caller))
		return sim_refuse(q, 531, CS_PERMISSION,
				  "Please check your permissions, you are not allowed to "
				  "create/update custom id");
	if (!mk_uuid_valid(id))
		return sim_refuse(q, 431, CS_INVALID, "UUID: %s doesn't follow the UUID format",
				  id);
	return !sim_find(q->sim, K_VM, id) ||
	       sim_refuse(q, 431, CS_INVALID,
			  "UUID: %s already exists so can't create/update with custom id", id);
}

/* ---- the VM ---------------------------------------------------------------------------------- */

static void take_entry(json_object *entry, struct sim_vm *vm)
{
	json_object_object_foreach(entry, key, value) {
		if (!sim_is_denied_detail(key))
			sim_vm_set_detail(vm, key, json_object_get_string(value));
	}
}

/* details[0].KEY=VALUE; the keys that CloudStack keeps to itself are left out without a word. */
static void take_details(struct sim_request *q, struct sim_vm *vm)
{
	json_object *map = mk_json_get(q->params, "details");

	if (map) {
		json_object_object_foreach(map, index, entry) {
			(void)index;
			take_entry(entry, vm);
		}
	}
	sim_vm_set_detail(vm, SIM_DETAIL_DEPLOY, "true");
	if (sim_arg(q->params, "rootdisksize"))
		sim_vm_set_detail(vm, "rootdisksize", sim_arg(q->params, "rootdisksize"));
}

/* An instance group is made when it is new. */
static void join_group(struct sim_request *q, struct sim_vm *vm)
{
	const char *name = sim_arg(q->params, "group");
	struct sim_vm *other;

	if (!name)
		return;
	if (mk_uuid_random(vm->group_id) < 0)
		abort();
	SIM_FOREACH(q->sim, K_VM, other)
		if (other->group && streq(other->group, name))
			memcpy(vm->group_id, other->group_id, sizeof(vm->group_id));
	vm->group = sim_strdup(name);
}

/* Into a network that is implemented it goes at once, though the VM does not run. */
static void add_nic(struct sim *sim, struct sim_vm *vm, const struct sim_wanted_nic *wanted)
{
	struct sim_nic *nic = sim_vm_add_nic(sim, vm, wanted->network, wanted->mac, wanted->ip);

	nic->tied = sim_network_in_use(sim, wanted->network);
}

static struct sim_vm *add_vm(struct sim_request *q, const struct sim_nics *nics)
{
	const char *name = sim_arg(q->params, "name");
	const char *display = sim_arg(q->params, "displayname");
	struct sim_vm *vm =
		(struct sim_vm *)sim_add(q->sim, K_VM, sim_arg(q->params, "customid"), name);

	if (!name)
		vm->o.name = sim_checked(mk_strdup_printf("VM-%s", vm->o.id));
	vm->o.owner = q->owner;
	vm->user = q->owner->project ? q->caller : q->owner;
	vm->display_name = sim_strdup(display ? display : vm->o.name);
	vm->type = sim_strdup("User");
	vm->state = "Stopped";
	vm->zone = sim_arg_object(q->sim, q->params, "zoneid", K_ZONE);
	vm->template = sim_arg_object(q->sim, q->params, "templateid", K_TEMPLATE);
	vm->offering = sim_arg_object(q->sim, q->params, "serviceofferingid", K_SERVICE_OFFERING);
	for (size_t i = 0; i < nics->n; i++)
		add_nic(q->sim, vm, &nics->list[i]);
	take_details(q, vm);
	join_group(q, vm);
	return vm;
}

/* Its own volume, or a new one of the template or the snapshot: Allocated until the first start. */
static void add_root(struct sim_request *q, struct sim_vm *vm)
{
	_cleanup_free_ char *name = mk_strdup_printf("ROOT-%" PRId64, vm->o.number);
	struct sim_volume *v = sim_arg_volume(q->sim, q->params, "volumeid");
	struct sim_snapshot *s = sim_arg_snapshot(q->sim, q->params, "snapshotid");
	int64_t gib = sim_arg_number(q->params, "rootdisksize", 0);
	uint64_t size = vm->template ? (uint64_t)mk_json_int(vm->template->row, "size", 0) : 0;

	if (!v) {
		v = sim_volume_new(q->sim, NULL, name, vm->zone, s ? s->size : size);
		v->o.owner = vm->o.owner;
		v->template = vm->template;
		v->offering = vm->offering;
	}
	if (s) {
		v->snapshot = &s->o;
		v->generation = s->generation;
	}
	if (gib > 0 && (uint64_t)gib * GIB > v->size)
		v->size = (uint64_t)gib * GIB;
	sim_volume_attach(v, vm, 0);
	v->attached = 0; /* made with the VM, never attached */
}

static void add_data_disk(struct sim_request *q, struct sim_vm *vm)
{
	struct sim_object *offering =
		sim_arg_object(q->sim, q->params, "diskofferingid", K_DISK_OFFERING);
	_cleanup_free_ char *name = mk_strdup_printf("DATA-%" PRId64, vm->o.number);
	int64_t gib = sim_arg_number(q->params, "size", 0);
	struct sim_volume *v;

	if (!offering)
		return;
	if (!mk_json_bool(offering->row, "iscustomized", false))
		gib = mk_json_int(offering->row, "disksize", 0);
	v = sim_volume_new(q->sim, NULL, name, vm->zone, (uint64_t)gib * GIB);
	v->o.owner = vm->o.owner;
	v->offering = offering;
	sim_volume_attach(v, vm, 1);
	v->attached = 0;
}

/* ---- the command ----------------------------------------------------------------------------- */

static bool check_request(struct sim_request *q, struct sim_nics *nics)
{
	const char *name = sim_arg(q->params, "name");
	struct sim_object *zone;

	if (!check_sources(q) || !check_objects(q) || !check_offering(q) || !check_template(q) ||
	    !check_volume(q))
		return false;
	zone = sim_arg_object(q->sim, q->params, "zoneid", K_ZONE);
	return sim_nics_take(q, q->owner, zone, nics) && check_root_size(q) && check_disk(q) &&
	       check_limits(q) && check_hypervisor(q) && sim_nics_check_zone(q, zone, nics) &&
	       check_custom_id(q) && (!name || sim_nics_check_name(q, name, nics));
}

static bool prepare(struct sim_request *q, struct sim_job *job)
{
	_cleanup_(sim_nics_done) struct sim_nics nics = { 0 };

	if (!check_request(q, &nics))
		return false;
	job->vm = add_vm(q, &nics);
	add_root(q, job->vm);
	add_data_disk(q, job->vm);
	return true;
}

static bool wants_start(struct sim_job *job)
{
	return sim_arg_bool(job->params, "startvm", true);
}

/* A VM whose first start fails is lost: its root disk goes, and its name stays taken. */
static void set_error(struct sim_job *job)
{
	struct sim_volume *root = sim_vm_root(job->sim, job->vm);

	if (root && root->stored) {
		sim_volume_set_state(root, "Destroy");
		root->vm = NULL;
	} else if (root) {
		sim_volume_expunge(root);
	}
	sim_vm_set_state(job->sim, job->vm, "Error");
}

static bool check(struct sim_job *job)
{
	if (!wants_start(job))
		return true;
	if (sim_vm_start_check(job))
		return true;
	set_error(job);
	return false;
}

static bool begin(struct sim_job *job)
{
	job->state_before = job->vm->state;
	return !wants_start(job) || sim_vm_start_begin(job);
}

static bool midway(struct sim_job *job)
{
	return !wants_start(job) || sim_vm_start_midway(job);
}

static bool finish(struct sim_job *job)
{
	return !wants_start(job) || sim_vm_start_finish(job);
}

static void undo(struct sim_job *job)
{
	if (wants_start(job))
		set_error(job);
}

static void interrupt(struct sim_job *job)
{
	if (wants_start(job))
		sim_vm_start_interrupt(job);
}

const struct sim_command sim_deploy_commands[] = {
	{
		.name = "deployVirtualMachine",
		.mode = SIM_ASYNC,
		.class = "vm.DeployVM",
		.instance = "VirtualMachine",
		.create = true,
		.owned = true,
		.params = sim_params_deploy_vm,
		.prepare = prepare,
		.check = check,
		.begin = begin,
		.midway = midway,
		.finish = finish,
		.abort = undo,
		.interrupt = interrupt,
		.result = sim_result_vm,
	},
	{ .name = NULL },
};
