/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands queryAsyncJobResult and listAsyncJobs. */

#include "commands-internal.h"
#include "declared-internal.h"

/* A user sees his own jobs only, a domain admin those of his domain. */
static bool check_caller(struct sim_request *q, const struct sim_object *job)
{
	_cleanup_free_ char *text = NULL;

	if (q->caller->type != SIM_ACCOUNT_USER || q->caller == job->owner)
		return sim_check_access(q, job);
	text = sim_account_text(q->caller);
	return sim_refuse(q, 531, CS_PERMISSION,
			  "Account %s is not authorized to see job id=%" PRId64, text, job->number);
}

static bool query_run(struct sim_request *q)
{
	struct sim_object *job = sim_arg_ref(q->sim, q->params, "jobid", K_JOB).object;

	/* only a bare number gets here without a job */
	if (!job)
		return sim_refuse(q, 431, CS_INVALID, "Unable to find a job by id %s",
				  sim_arg(q->params, "jobid"));
	return check_caller(q, job) && sim_reply(q, sim_job_row((struct sim_job *)job));
}

static bool list_run(struct sim_request *q)
{
	const char *start = sim_arg(q->params, "startdate"), *word;
	struct sim_scope scope;
	struct sim_list list;
	struct sim_job *job;
	uint64_t since = 0;

	if (start)
		(void)sim_parse_date(start, &since);
	if (!sim_scope_begin(q, false, &scope) || !sim_list_begin(q, "asyncjobs", &list))
		return false;

	word = sim_arg(q->params, "keyword");
	TAILQ_FOREACH(job, &q->sim->pending, listed) {
		if (job->forgotten || job->o.created < since || !sim_scope_has(&scope, &job->o))
			continue;
		if (word && !strstr(job->command->class, word))
			continue;
		if (!sim_match_text(q->params, "managementserverid", job->server_id))
			continue;
		if (sim_list_wants(&list))
			sim_list_add(&list, sim_job_row(job));
	}
	return sim_list_end(&list);
}

const struct sim_command sim_job_commands[] = {
	{ .name = "queryAsyncJobResult", .params = sim_params_query_job, .run = query_run },
	{ .name = "listAsyncJobs", .params = sim_params_list_jobs, .run = list_run },
	{ .name = NULL },
};
