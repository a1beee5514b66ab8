/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The texts that stand for states in the database, and making and freeing struct mk_op_record. */

#include "store.h"

/* ---- names ---------------------------------------------------------------------------------------- */

static const char *const op_states[MK_OP_N_STATES] = {
	[MK_OP_PENDING] = "pending",     [MK_OP_RUNNING] = "running",
	[MK_OP_SETTLING] = "settling",   [MK_OP_ROLLING_BACK] = "rolling-back",
	[MK_OP_SUCCEEDED] = "succeeded", [MK_OP_FAILED] = "failed",
	[MK_OP_CANCELLED] = "cancelled", [MK_OP_ROLLED_BACK] = "rolled-back",
};

static const char *const command_states[MK_COMMAND_N_STATES] = {
	[MK_COMMAND_NONE] = "none",         [MK_COMMAND_JOURNALLED] = "journalled",
	[MK_COMMAND_ACCEPTED] = "accepted", [MK_COMMAND_SUCCEEDED] = "succeeded",
	[MK_COMMAND_REFUSED] = "refused",   [MK_COMMAND_LOST] = "lost",
};

static int from_string(const char *const *names, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (streq(names[i], s))
			return (int)i;

	return -EINVAL;
}

const char *mk_op_state_to_string(enum mk_op_state s)
{
	return op_states[s];
}

int mk_op_state_from_string(const char *s)
{
	return from_string(op_states, MK_OP_N_STATES, s);
}

const char *mk_command_state_to_string(enum mk_command_state s)
{
	return command_states[s];
}

int mk_command_state_from_string(const char *s)
{
	return from_string(command_states, MK_COMMAND_N_STATES, s);
}

/* ---- records ---------------------------------------------------------------------------------------- */

void mk_op_record_init(struct mk_op_record *r)
{
	*r = (struct mk_op_record){
		.id = strdup(""),
		.kind = strdup(""),
		.class = strdup(""),
		.args = json_object_new_array(),
		.options = json_object_new_object(),
		.volumes = json_object_new_array(),
		.vm = strdup(""),
		.step = strdup(""),
		.message = strdup(""),
		.details = json_object_new_object(),
		.result = json_object_new_object(),
		.scratch = json_object_new_object(),
		.command = strdup(""),
		.command_params = json_object_new_object(),
		.command_job = strdup(""),
		.command_text = strdup(""),
		.parent = strdup(""),
		.caller = -1,
	};
}

bool mk_op_record_complete(const struct mk_op_record *r)
{
	return r->id && r->kind && r->class && r->args && r->options && r->volumes && r->vm &&
	       r->step && r->message && r->details && r->result && r->scratch && r->command &&
	       r->command_params && r->command_job && r->command_text && r->parent;
}

void mk_op_record_done(struct mk_op_record *r)
{
	char *texts[] = { r->id,      r->kind,    r->class,       r->vm,           r->step,
			  r->message, r->command, r->command_job, r->command_text, r->parent };
	json_object *objects[] = { r->args,   r->options, r->volumes,       r->details,
				   r->result, r->scratch, r->command_params };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		json_object_put(objects[i]);

	*r = (struct mk_op_record){ 0 };
}
