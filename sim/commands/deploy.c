/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command deployVirtualMachine: a VM with its volumes, from a template, a volume or a snapshot. */

#include "commands-internal.h"
#include "declared-internal.h"

#include <ctype.h>

/* NetUtils.verifyDomainNameLabel for host names. */
static bool good_name(const char *s)
{
	size_t n = strlen(s);

	if (n < 1 || n > 63 || s[0] == '-' || s[n - 1] == '-' || isdigit((unsigned char)s[0]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-')
			return false;
	return true;
}

static bool check_sources(struct sim_request *q)
{
	bool volume = sim_arg(q->params, "volumeid"), snapshot = sim_arg(q->params, "snapshotid");
	int n = (sim_arg(q->params, "templateid") != NULL) + volume + snapshot;

	if (n != 1)
		return sim_refuse(q, 530, CS_RUNTIME,
				  "Please provide only one of the following parameters - template "
				  "ID, volume ID or snapshot ID");
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

static bool check_volume(struct sim_request *q)
{
	struct sim_volume *v = sim_arg_volume(q->sim, q->params, "volumeid");

	if (v && (v->vm || !streq(v->state, "Ready")))
		return sim_refuse(q, 431, CS_INVALID,
				  "The volume: %s is attached to a VM or not in Ready state",
				  v->o.id);
	return true;
}

static bool check_disk(struct sim_request *q)
{
	struct sim_object *offering =
		sim_arg_object(q->sim, q->params, "diskofferingid", K_DISK_OFFERING);

	if (offering && mk_json_bool(offering->row, "iscustomized", false) &&
	    sim_arg_number(q->params, "size", 0) <= 0)
		return sim_refuse(q, 431, CS_INVALID,
				  "VM Creation failed. Volume size: %" PRId64
				  "GB is out of allowed range. Min: 1. Max: 1024",
				  sim_arg_number(q->params, "size", 0));
	return true;
}

static struct sim_vm *add_vm(struct sim_request *q)
{
	const char *name = sim_arg(q->params, "name");
	const char *display = sim_arg(q->params, "displayname");
	struct sim_vm *vm =
		(struct sim_vm *)sim_add(q->sim, K_VM, sim_arg(q->params, "customid"), name);

	if (!name) {
		vm->o.name = mk_strdup_printf("VM-%s", vm->o.id);
		if (!vm->o.name)
			abort();
	}
	vm->display_name = sim_strdup(display ? display : vm->o.name);
	vm->type = sim_strdup("User");
	vm->state = "Stopped";
	vm->zone = sim_arg_object(q->sim, q->params, "zoneid", K_ZONE);
	vm->template = sim_arg_object(q->sim, q->params, "templateid", K_TEMPLATE);
	vm->offering = sim_arg_object(q->sim, q->params, "serviceofferingid", K_SERVICE_OFFERING);
	vm->network = q->sim->objects[K_NETWORK];
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
		v = sim_volume_new(q->sim, NULL, name, vm->zone, s ? s->volume->size : size);
		v->template = vm->template;
		v->offering = vm->offering;
	}
	if (s) {
		v->snapshot = &s->o;
		v->generation = s->generation;
	}
	if (gib > 0 && gib < 1 << 20 && (uint64_t)gib * GIB > v->size)
		v->size = (uint64_t)gib * GIB;
	sim_volume_attach(v, vm, 0);
	v->attached = 0; /* only attachVolume says when */
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
	v->offering = offering;
	sim_volume_attach(v, vm, 1);
	v->attached = 0;
}

static bool prepare(struct sim_request *q, struct sim_job *job)
{
	const char *name = sim_arg(q->params, "name"), *id = sim_arg(q->params, "customid");

	if (!check_sources(q) || !check_objects(q) || !check_volume(q) || !check_disk(q))
		return false;
	if (name && !good_name(name))
		return sim_refuse(
			q, 431, CS_INVALID,
			"Invalid name. Vm name can contain ASCII letters 'a' through 'z', the "
			"digits "
			"'0' through '9', and the hyphen ('-'), must be between 1 and 63 "
			"characters "
			"long, and can't start or end with \"-\" and can't start with digit");
	if (id && (!mk_uuid_valid(id) || sim_find(q->sim, K_VM, id)))
		return sim_refuse(q, 431, CS_INVALID,
				  "UUID: %s already exists so can't create/update with custom id",
				  id);

	job->vm = add_vm(q);
	add_root(q, job->vm);
	add_data_disk(q, job->vm);
	return true;
}

static bool wants_start(struct sim_job *job)
{
	return sim_arg_bool(job->params, "startvm", true);
}

static bool check(struct sim_job *job)
{
	if (wants_start(job))
		job->queue = job->vm;
	return true;
}

static bool begin(struct sim_job *job)
{
	job->state_before = job->vm->state;
	return !wants_start(job) || sim_vm_start_begin(job);
}

static bool finish(struct sim_job *job)
{
	return !wants_start(job) || sim_vm_start_finish(job);
}

static void undo(struct sim_job *job)
{
	job->vm->state = job->state_before;
}

const struct sim_command sim_deploy_commands[] = {
	{
		.name = "deployVirtualMachine",
		.mode = SIM_ASYNC,
		.class = "vm.DeployVM",
		.instance = "VirtualMachine",
		.create = true,
		.params = sim_params_deploy_vm,
		.prepare = prepare,
		.check = check,
		.begin = begin,
		.finish = finish,
		.abort = undo,
		.result = sim_result_vm,
	},
	{ .name = NULL },
};
