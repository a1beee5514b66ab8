/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands queryAsyncJobResult and listAsyncJobs. */

#include "commands-internal.h"

#include <time.h>

static bool query_run(struct sim_request *q)
{
	struct sim_object *job = sim_arg_ref(q->sim, q->params, "jobid", K_JOB).object;

	/* only a bare number gets here without a job */
	if (!job)
		return sim_refuse(q, 431, CS_INVALID, "Unable to find a job by id %s",
				  sim_arg(q->params, "jobid"));
	return sim_reply(q, sim_job_row((struct sim_job *)job));
}

/* ISO 8601 with a zone, "yyyy-MM-dd HH:mm:ss" or "yyyy-MM-dd"; false if it is none of them. */
static bool parse_date(const char *text, uint64_t *ret)
{
	static const char *const formats[] = { "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S",
					       "%Y-%m-%d" };

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct tm tm = { .tm_mday = 1 };
		const char *end = strptime(text, formats[i], &tm);
		long offset = tm.tm_gmtoff;

		if (!end || *end)
			continue;
		*ret = (uint64_t)(timegm(&tm) - offset) * USEC_PER_SEC;
		return true;
	}

	return false;
}

static bool list_run(struct sim_request *q)
{
	const char *start = sim_arg(q->params, "startdate"), *word;
	struct sim_list list;
	struct sim_job *job;
	uint64_t since = 0;

	if (start && !parse_date(start, &since))
		return sim_refuse(q, 431, CS_PLAIN,
				  "Unable to parse date %s for command listasyncjobs, please pass "
				  "dates in the format yyyy-MM-dd",
				  start);
	if (!sim_list_begin(q, "asyncjobs", &list))
		return false;

	word = sim_arg(q->params, "keyword");
	TAILQ_FOREACH(job, &q->sim->pending, listed) {
		if (job->forgotten || job->o.created < since)
			continue;
		if (word && !strstr(job->command->class, word))
			continue;
		if (!sim_match_text(q->params, "managementserverid", SIM_SERVER))
			continue;
		if (sim_list_wants(&list))
			sim_list_add(&list, sim_job_row(job));
	}
	return sim_list_end(&list);
}

static const struct sim_param query_params[] = {
	{ .name = "jobid", .type = P_ID, .kind = K_JOB, .required = true },
	{ .name = NULL },
};

static const struct sim_param list_params[] = {
	{ .name = "startdate", .type = P_TEXT },
	{ .name = "keyword", .type = P_TEXT },
	{ .name = "managementserverid", .type = P_TEXT, .since = true },
	{ .name = NULL },
};

const struct sim_command sim_job_commands[] = {
	{ .name = "queryAsyncJobResult", .params = query_params, .run = query_run },
	{ .name = "listAsyncJobs", .params = list_params, .run = list_run },
	{ .name = NULL },
};
