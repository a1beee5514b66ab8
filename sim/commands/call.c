/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a command: finds it in the tables of the other files, and checks its parameters.
 */

#include "commands-internal.h"

static json_object *copy_params(json_object *params)
{
	json_object *copy = sim_json_object();

	if (!params)
		return copy;
	json_object_object_foreach(params, key, value) {
		json_object_object_add(copy, key, json_object_get(value));
	}
	return copy;
}

static const struct sim_param *find_param(const struct sim_request *q, const char *name)
{
	const struct sim_param *p = q->command->params;

	while (p && p->name && !streq(p->name, name))
		p++;
	return p && p->name ? p : NULL;
}

/* The checks of all lists: BaseListCmd's, and those that their queries fail by. */
static bool check_list(struct sim_request *q)
{
	struct sim_tags tags;
	bool ok;

	if (!find_param(q, "pagesize"))
		return true;
	ok = sim_check_paging(q) && sim_tags_begin(q, &tags);
	if (ok)
		sim_tags_done(&tags);
	for (const struct sim_param *p = q->command->params; ok && p->name; p++)
		if (p->like && sim_mysql_astral(str_or_empty(sim_arg(q->params, p->name))))
			return sim_refuse_internal(q, "DB Exception on: LIKE");
	return ok;
}

static void run(struct sim_request *q)
{
	if (!sim_unpack_params(q) || !sim_check_params(q) || !sim_check_objects(q) ||
	    !check_list(q))
		return;
	if (q->command->mode == SIM_ASYNC)
		sim_job_start(q);
	else if (q->command->run(q) && q->command->mode == SIM_SYNC)
		sim_executed(q->sim, q->command->name);
}

void sim_call(struct sim *sim, const struct sim_call *call, struct sim_answer *ret)
{
	struct sim_request q = { .sim = sim,
				 .call = call,
				 .params = copy_params(call->params),
				 .answer = ret,
				 .caller = call->caller ? call->caller : sim->admin };

	*ret = (struct sim_answer){};
	q.command = sim_knows(sim, call->command) ? sim_find_command(sim, call->command) : NULL;
	if (q.command) {
		sim_jobs_expire(sim);
		run(&q);
	} else {
		sim_error(ret, NULL, 401, 0,
			  "unable to verify user credentials and/or request signature");
	}
	json_object_put(q.params);
}
