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

static void run(struct sim_request *q)
{
	if (!sim_unpack_params(q) || !sim_check_params(q))
		return;
	if (q->command->mode == SIM_ASYNC)
		sim_job_start(q);
	else if (q->command->run(q) && q->command->mode == SIM_SYNC)
		sim_executed(q->sim, q->command->name);
}

void sim_call(struct sim *sim, const struct sim_call *call, struct sim_answer *ret)
{
	struct sim_request q = {
		.sim = sim, .call = call, .params = copy_params(call->params), .answer = ret
	};

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
