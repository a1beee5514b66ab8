/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Makes the JSON rows of answers, with the keys of CloudStack's response classes.
 */

#include "commands-internal.h"

void sim_row_add_owner(json_object *row, const struct sim_account *owner)
{
	if (owner->project) {
		mk_json_set_str(row, "projectid", owner->project->o.id);
		mk_json_set_str(row, "project", owner->project->o.name);
	} else {
		mk_json_set_str(row, "account", owner->o.name);
	}
	mk_json_set_str(row, "domainid", owner->domain->o.id);
	mk_json_set_str(row, "domain", owner->domain->o.name);
	mk_json_set_str(row, "domainpath", owner->domain->path);
}

void sim_row_add_named(json_object *row, const char *prefix, const struct sim_object *o)
{
	_cleanup_free_ char *id = mk_strdup_printf("%sid", prefix);
	_cleanup_free_ char *name = mk_strdup_printf("%sname", prefix);

	if (!o)
		return;
	mk_json_set_str(row, id, o->id);
	mk_json_set_str(row, name, o->name);
}

void sim_row_add_job(struct sim *sim, json_object *row, const char *instance, const char *id)
{
	struct sim_job *job = sim_job_of(sim, instance, id);

	if (!job)
		return;
	mk_json_set_str(row, "jobid", job->o.id);
	mk_json_set_int(row, "jobstatus", 0);
}

static const char *tag_type(enum sim_kind kind)
{
	return kind == K_VM ? "UserVm" : kind == K_VOLUME ? "Volume" : "Snapshot";
}

json_object *sim_tag_row(const struct sim_object *o, json_object *tag)
{
	json_object *row = sim_json_object();

	mk_json_set_str(row, "key", mk_json_str(tag, "key", NULL));
	mk_json_set_str(row, "value", mk_json_str(tag, "value", ""));
	mk_json_set_str(row, "resourcetype", tag_type(o->kind));
	mk_json_set_str(row, "resourceid", o->id);
	sim_row_add_owner(row, o->owner);
	mk_json_set_str(row, "customer", mk_json_str(tag, "customer", NULL));
	return row;
}

/* The tags inside of another row do not say the domain's path, and have a project's account as it is. */
void sim_row_add_tags(json_object *row, const struct sim_object *o)
{
	json_object *tags = sim_json_array();

	for (size_t i = 0; i < json_object_array_length(o->tags); i++) {
		json_object *tag = sim_tag_row(o, json_object_array_get_idx(o->tags, i));

		json_object_object_del(tag, "domainpath");
		json_object_object_del(tag, "projectid");
		json_object_object_del(tag, "project");
		mk_json_set_str(tag, "account", o->owner->o.name);
		json_object_array_add(tags, tag);
	}
	json_object_object_add(row, "tags", tags);
}

/* BaseAsyncCmd.getApiResourceId(): a job on nothing that was named has no type, and one on what is unknown no id. */
static void add_instance(json_object *row, const struct sim_job *job)
{
	if (!*job->instance_id && !sim_arg(job->params, "id"))
		return;
	mk_json_set_str(row, "jobinstancetype", job->command->instance);
	if (*job->instance_id)
		mk_json_set_str(row, "jobinstanceid", job->instance_id);
}

json_object *sim_job_row(struct sim_job *job)
{
	bool by_admin = sim_is_admin(job->o.owner) && !job->command->for_all;
	_cleanup_free_ char *class =
		mk_strdup_printf("org.apache.cloudstack.api.command.%s.%sCmd%s",
				 by_admin ? "admin" : "user", job->command->class,
				 by_admin ? "ByAdmin" : "");
	json_object *row = sim_json_object();

	sim_row_add_owner(row, job->o.owner);
	json_object_object_del(row, "domain"); /* the only row without it */
	mk_json_set_str(row, "accountid", job->o.owner->o.id);
	mk_json_set_str(row, "userid", job->o.owner->user_id);
	mk_json_set_str(row, "cmd", class);
	mk_json_set_int(row, "jobprocstatus", 0);
	mk_json_set_int(row, "jobresultcode", job->status ? job->code : 0);
	add_instance(row, job);
	/* completeAsyncJob() takes the server out of the row; the clean-up of a start does not */
	if (job->status == 0 || job->interrupted) {
		mk_json_set_str(row, "managementserverid", job->server_id);
		mk_json_set_str(row, "managementservername", job->server->name);
	}
	if (job->status)
		sim_row_add_time(row, "completed", job->completed);
	if (job->status && job->result) {
		mk_json_set_str(row, "jobresulttype", "object");
		json_object_object_add(row, "jobresult", json_object_get(job->result));
	}
	sim_row_add_time(row, "created", job->o.created);
	mk_json_set_str(row, "jobid", job->o.id);
	mk_json_set_int(row, "jobstatus", job->status);
	return row;
}
