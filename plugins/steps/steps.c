/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What all classes share: JSON and notes, checks of volumes and VMs, replies of queries, deleting a volume, and the
 * tags that say whose a volume is. */

#include "steps.h"

const struct mk_host *host;

int steps_init(const struct mk_host *h)
{
	host = h;
	return 0;
}

/* ---- JSON and notes ---------------------------------------------------------------------------------------- */

void set_str(json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

void set_int(json_object *o, const char *key, int64_t value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

void set_bool(json_object *o, const char *key, bool value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

const char *get_str(json_object *o, const char *key)
{
	json_object *v = json_object_object_get(o, key);

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

const char *arg(json_object *args, size_t i)
{
	return json_object_get_string(json_object_array_get_idx(args, i));
}

bool flag(struct mk_op *op, const char *key)
{
	return json_object_get_boolean(json_object_object_get(host->scratch(op), key));
}

void set_flag(struct mk_op *op, const char *key, bool value)
{
	set_bool(host->scratch(op), key, value);
}

const char *note(struct mk_op *op, const char *key)
{
	return get_str(host->scratch(op), key);
}

void set_note(struct mk_op *op, const char *key, const char *value)
{
	set_str(host->scratch(op), key, value);
}

/* ---- guards ------------------------------------------------------------------------------------------------ */

int fail_no_vm(struct mk_op *op)
{
	host->fail(op, MK_ERROR_NOT_FOUND,
		   "CloudStack does not know VM %s, or our account may not see it",
		   host->vm_id(op));
	return MK_FAILED;
}

int fail_no_volume(struct mk_op *op)
{
	host->fail(op, MK_ERROR_NOT_FOUND,
		   "CloudStack does not know volume %s, or our account may not see it",
		   host->volume_id(op));
	return MK_FAILED;
}

bool is_foreign(struct mk_op *op, const struct mk_volume_info *v)
{
	return *v->owner && !streq(v->owner, host->oma_id(op));
}

bool is_root(const struct mk_volume_info *v)
{
	return *v->vm &&
	       (streq(v->type, "ROOT") || v->device_id == 0 || (!*v->type && v->device_id < 0));
}

static bool is_going(const struct mk_volume_info *v)
{
	return streq(v->state, "Destroy") || streq(v->state, "Expunging") ||
	       streq(v->state, "Expunged") || streq(v->state, "Destroying");
}

static int fail_not_managed(struct mk_op *op, const struct mk_volume_info *v)
{
	host->fail(op, MK_ERROR_NOT_MANAGED,
		   "volume %s (%s) is not managed here: AdoptVolume takes it over", v->id, v->name);
	return MK_FAILED;
}

static int check_class(struct mk_op *op, const struct mk_volume_info *v, const char *class)
{
	const struct mk_managed_info *managed = host->managed(op, v->id);

	if (!managed)
		return fail_not_managed(op, v);
	if (!streq(managed->class, class)) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s (%s) is of class %s, not %s: AdoptVolume changes its class",
			   v->id, v->name, managed->class, class);
		return MK_FAILED;
	}
	return MK_DONE;
}

int check_volume(struct mk_op *op, const struct mk_volume_info *v, const char *class)
{
	if (!v)
		return fail_no_volume(op);

	if (is_foreign(op, v)) {
		host->fail(
			op, MK_ERROR_PROTECTED,
			"volume %s (%s) belongs to another appliance, %s: it is not touched here",
			v->id, v->name, v->owner);
		return MK_FAILED;
	}
	if (is_going(v)) {
		host->fail(op, MK_ERROR_WRONG_STATE, "volume %s (%s) is being deleted: it is %s",
			   v->id, v->name, v->state);
		return MK_FAILED;
	}

	return class ? check_class(op, v, class) : MK_DONE;
}

int check_managed(struct mk_op *op, const struct mk_volume_info *v)
{
	int r = check_volume(op, v, NULL);

	return r == MK_DONE && !host->managed(op, v->id) ? fail_not_managed(op, v) : r;
}

int check_vm_state(struct mk_op *op, const struct mk_vm_info *vm, const char *state)
{
	static const char *const passing[] = { "Starting", "Stopping", "Migrating", "Restoring" };

	if (!vm)
		return fail_no_vm(op);
	if (streq(vm->state, state))
		return MK_DONE;

	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		if (!streq(vm->state, passing[i]))
			continue;
		host->waiting_for(op, "VM %s, which is %s", vm->id, vm->state);
		return MK_AGAIN;
	}

	host->fail(op, MK_ERROR_WRONG_STATE, "VM %s (%s) is in state %s; it must be %s", vm->id,
		   vm->name, vm->state, state);
	return MK_FAILED;
}

/* ---- queries ------------------------------------------------------------------------------------------------- */

json_object *volume_to_json(const struct mk_volume_info *v)
{
	json_object *o = json_object_new_object();

	set_str(o, "Id", v->id);
	set_str(o, "Name", v->name);
	set_str(o, "Type", v->type);
	set_str(o, "State", v->state);
	set_str(o, "VM", v->vm);
	set_str(o, "Owner", v->owner);
	set_int(o, "Size", (int64_t)v->size);
	set_bool(o, "Managed", v->managed);
	if (v->device_id >= 0)
		set_int(o, "DeviceId", v->device_id);
	return o;
}

int query_vm(struct mk_op *op)
{
	const struct mk_vm_info *vm = host->vm(op);
	json_object *o;

	if (!vm)
		return fail_no_vm(op);

	o = json_object_new_object();
	set_str(o, "Id", vm->id);
	set_str(o, "Name", vm->name);
	set_str(o, "State", vm->state);
	set_str(o, "Zone", vm->zone);
	set_str(o, "Hypervisor", vm->hypervisor);
	set_bool(o, "Busy", vm->busy);
	set_bool(o, "OMA", streq(vm->id, host->oma_id(op)));
	json_object_object_add(host->result(op), "VM", o);
	return MK_DONE;
}

/* ---- deleting ------------------------------------------------------------------------------------------------ */

/* destroyVolume is a job whose outcome can be asked for; not every server and role has it. */
static bool destroy_not_allowed(struct mk_op *op)
{
	return streq(host->last_command(op), "destroyVolume") &&
	       (host->refusal(op) == MK_NO_COMMAND ||
		strstr(host->refusal_text(op), "Expunging a volume can only be done by an Admin"));
}

int delete_volume(struct mk_op *op, const struct mk_volume_info *v)
{
	if (!v || streq(v->state, "Expunged"))
		return MK_DONE;

	if (*v->vm) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s was attached to VM %s by somebody else: it was not deleted",
			   v->id, v->vm);
		return MK_FAILED;
	}

	/* Without a job it has got stuck there (a storage failure, a restart): deleting again goes on. */
	if (v->busy && (streq(v->state, "Expunging") || streq(v->state, "Destroying"))) {
		host->waiting_for(op, "volume %s, which is %s", v->id, v->state);
		return MK_AGAIN;
	}

	if (destroy_not_allowed(op))
		set_flag(op, "use-delete", true);
	if (flag(op, "use-delete"))
		host->command_sync(op, "deleteVolume", "id", v->id, NULL);
	else
		host->command(op, "destroyVolume", "id", v->id, "expunge", "true", NULL);
	return MK_COMMAND;
}

/* ---- ownership ------------------------------------------------------------------------------------------------ */

int own_volume(struct mk_op *op, const struct mk_volume_info *v, const char *class,
	       const char *name)
{
	int r = check_volume(op, v, NULL);

	if (r != MK_DONE)
		return r;

	if (*v->owner) {
		r = class_volume(op, v, class);
		if (r == MK_DONE)
			host->manage(op, v, class, name);
		return r;
	}

	host->command(op, "createTags", "resourceids", v->id, "resourcetype", "Volume",
		      "tags[0].key", TAG_OWNER, "tags[0].value", host->oma_id(op), "tags[1].key",
		      TAG_CLASS, "tags[1].value", class, "tags[2].key", TAG_OPERATION,
		      "tags[2].value", host->id(op), NULL);
	return MK_COMMAND;
}

int class_volume(struct mk_op *op, const struct mk_volume_info *v, const char *class)
{
	if (streq(v->class, class))
		return MK_DONE;

	if (*v->class) /* an existing tag is never overwritten */
		host->command(op, "deleteTags", "resourceids", v->id, "resourcetype", "Volume",
			      "tags[0].key", TAG_CLASS, NULL);
	else
		host->command(op, "createTags", "resourceids", v->id, "resourcetype", "Volume",
			      "tags[0].key", TAG_CLASS, "tags[0].value", class, NULL);
	return MK_COMMAND;
}

int disown_volume(struct mk_op *op, const struct mk_volume_info *v)
{
	if (!v || !*v->owner || is_foreign(op, v))
		return MK_DONE;

	host->command(op, "deleteTags", "resourceids", v->id, "resourcetype", "Volume",
		      "tags[0].key", TAG_OWNER, "tags[1].key", TAG_CLASS, "tags[2].key",
		      TAG_OPERATION, NULL);
	return MK_COMMAND;
}
