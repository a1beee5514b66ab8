/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The poller: follows all asynchronous jobs to their ends.
 *
 *   one job      queryAsyncJobResult at each poll
 *   many jobs    listAsyncJobs at each poll, which lists pending jobs only, and then a query for each job that
 *                is no longer in the list
 *
 * A job is polled first poll_min after its watch began, later at growing intervals up to poll_max.
 * A list that is polled for one job counts as a poll of all that were watched when it was sent. A
 * poll that fails says nothing about the job: only CloudStack's own "no such job" (431) ends a
 * watch without a result.
 */

#include "cloudstack-internal.h"

/* not the default one, whose fall-throughs clang warns of; without memory it must not exit() */
#define HASH_FUNCTION     HASH_FNV
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define JOB_ID_MAX 64
#define PENDING    INT64_C(0)
#define SUCCEEDED  INT64_C(1)
#define FAILED     INT64_C(2)

/* One job, however many watch it. */
struct job {
	UT_hash_handle hh;
	char *id; /* the hash's key */
	struct mk_cs_poller *poller;
	TAILQ_HEAD(mk_cs_watches, mk_cs_watch) watches;
	uint64_t due, interval;      /* monotonic µs; µs */
	bool listed_for;             /* the list under way was asked after this job was known */
	struct mk_cs_request *query; /* under way; NULL: none */
};

struct mk_cs_watch {
	struct mk_cs *cs;
	struct job *job;               /* NULL once it has ended */
	TAILQ_ENTRY(mk_cs_watch) link; /* in the job's watches */
	struct mk_cs_delivery delivery;
	bool delivering;

	enum mk_cs_job_status status;
	int code;
	char *text;
	json_object *result;
	mk_cs_job_fn cb;
	void *data;
};

struct mk_cs_poller {
	struct mk_cs *cs;
	sd_event_source *timer;
	struct job *jobs;
	struct mk_cs_request *list; /* under way; NULL: none */
	bool no_list;               /* our role or the server lacks listAsyncJobs */
};

/* ---- the end of a watch ---------------------------------------------------------------------- */

static struct mk_cs_watch *watch_of(struct mk_cs_delivery *d)
{
	return (void *)((char *)d - offsetof(struct mk_cs_watch, delivery));
}

static void watch_free(struct mk_cs_watch *w)
{
	free(w->text);
	json_object_put(w->result);
	free(w);
}

static void forget_watch(struct mk_cs_delivery *d)
{
	watch_free(watch_of(d));
}

static void deliver_watch(struct mk_cs_delivery *d)
{
	struct mk_cs_watch *w = watch_of(d);
	struct mk_cs_job job = {
		.status = w->status,
		.code = w->code,
		.text = w->text ? w->text : "The job failed without a reason",
		.result = w->result,
	};

	w->delivering = true;
	w->cb(&job, w->data);
	watch_free(w);
}

static void end_watch(struct mk_cs_watch *w, const struct mk_cs_job *end)
{
	w->job = NULL;
	w->status = end->status;
	w->code = end->code;
	w->text = mk_cs_clean(w->cs, end->text);
	w->result = json_object_get(end->result);
	mk_cs_deliver(w->cs, &w->delivery);
}

static void job_free(struct job *job)
{
	HASH_DEL(job->poller->jobs, job);
	free(job->id);
	free(job);
}

/* All that watch it are told; it is gone after this. */
static void end_job(struct job *job, const struct mk_cs_job *end)
{
	struct mk_cs_watch *w;

	while ((w = TAILQ_FIRST(&job->watches))) {
		TAILQ_REMOVE(&job->watches, w, link);
		end_watch(w, end);
	}

	job_free(job);
}

/* ---- when to look ---------------------------------------------------------------------------- */

static void set_timer(struct mk_cs_poller *p)
{
	uint64_t next = USEC_INFINITY;
	struct job *job, *tmp;

	HASH_ITER(hh, p->jobs, job, tmp) {
		if (!job->query && job->due < next)
			next = job->due;
	}

	if (p->list || next == USEC_INFINITY) {
		sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
		return;
	}

	sd_event_source_set_time(p->timer, next);
	sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
}

static void look_later(struct job *job)
{
	const struct mk_cs_settings *s = &job->poller->cs->settings;

	job->interval += job->interval / 2;
	if (job->interval > s->poll_max)
		job->interval = s->poll_max;
	job->due = mk_now_monotonic() + job->interval;
}

/* ---- one job --------------------------------------------------------------------------------- */

/* A reply without a job status, or about another job, is no answer: it is asked again. */
static int check_query(struct mk_cs_request *q, json_object *object, char **ret_why)
{
	const char *asked = mk_json_str(q->params, "jobid", "");
	const char *got = mk_json_str(object, "jobid", ""); /* a number is an internal id */
	int64_t status;

	if (mk_uuid_valid(got) && !streq(got, asked)) {
		*ret_why = mk_strdup_printf("the reply is about the job %s", got);
		return -EBADMSG;
	}
	if (mk_cs_get_int(object, "jobstatus", &status) < 0) {
		*ret_why = strdup("the reply has no jobstatus");
		return -EBADMSG;
	}

	return 0;
}

static int get_code(json_object *o, const char *key)
{
	int64_t code = 0;

	return mk_cs_get_int(o, key, &code) == 0 && code > 0 && code <= INT32_MAX ? (int)code : 0;
}

/* jobresult may be missing, and jobresultcode 0, although the job has failed. */
static void fail_job(struct job *job, json_object *object, json_object *result, int64_t status)
{
	struct mk_cs_job end = { .status = MK_CS_JOB_FAILED, .result = result };
	_cleanup_free_ char *text = NULL;

	end.code = get_code(object, "jobresultcode");
	if (end.code == 0)
		end.code = get_code(result, "errorcode");

	if (status != FAILED)
		text = mk_strdup_printf("CloudStack gave the job the unknown status %lld",
					(long long)status);
	else if (!*mk_json_str(result, "errortext", ""))
		text = mk_strdup_printf(
			"The job failed with code %d and without a text; CloudStack "
			"may have been restarted, or the job was blocked too long",
			end.code);
	end.text = text ? text : mk_json_str(result, "errortext", "The job failed");
	end_job(job, &end);
}

/* The volume inside a result has a jobstatus of its own (0): only the top level counts. */
static void take_status(struct job *job, json_object *object)
{
	json_object *result = mk_json_get(object, "jobresult");
	int64_t status = -1;

	if (!json_object_is_type(result, json_type_object))
		result = NULL;

	(void)mk_cs_get_int(object, "jobstatus", &status); /* check_query saw it */
	if (status == PENDING)
		look_later(job);
	else if (status == SUCCEEDED)
		end_job(job, &(struct mk_cs_job){
				     .status = MK_CS_JOB_SUCCEEDED, .text = "", .result = result });
	else
		fail_job(job, object, result, status);
}

static void on_query(const struct mk_cs_reply *reply, void *data)
{
	struct job *job = data;
	struct mk_cs_poller *p = job->poller;

	job->query = NULL;
	if (reply->outcome == MK_CS_OK)
		take_status(job, reply->body);
	else if (reply->outcome == MK_CS_REFUSED && reply->code == 431)
		end_job(job, &(struct mk_cs_job){ .status = MK_CS_JOB_UNKNOWN,
						  .code = reply->code,
						  .text = reply->text });
	else
		look_later(job);

	set_timer(p);
	mk_cs_update(p->cs); /* the probe, when the last job has gone */
}

static void query(struct job *job)
{
	_cleanup_json_ json_object *params = json_object_new_object();

	if (params) {
		mk_json_set_str(params, "jobid", job->id);
		job->query = mk_cs_ask(job->poller->cs, "queryAsyncJobResult", params, NULL,
				       check_query, on_query, job);
	}
	if (!job->query)
		look_later(job);
}

/* ---- many jobs ------------------------------------------------------------------------------- */

static bool is_pending_in(json_object *rows, const char *id)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);
		json_object *v = mk_json_get(row, "jobid");
		int64_t status = PENDING;

		if (v && streq(json_object_get_string(v), id))
			return mk_cs_get_int(row, "jobstatus", &status) == -ENOENT ||
			       status == PENDING;
	}

	return false;
}

static void on_list(const struct mk_cs_reply *reply, void *data)
{
	struct mk_cs_poller *p = data;
	struct job *job, *tmp;

	p->list = NULL;
	p->no_list = reply->outcome == MK_CS_NO_COMMAND;

	HASH_ITER(hh, p->jobs, job, tmp) {
		if (!job->listed_for || job->query)
			continue;
		job->listed_for = false;
		if (reply->outcome == MK_CS_OK && is_pending_in(reply->body, job->id))
			look_later(job);
		else
			query(job);
	}

	set_timer(p);
	mk_cs_update(p->cs);
}

static bool list(struct mk_cs_poller *p)
{
	struct job *job, *tmp;

	p->list = mk_cs_ask(p->cs, "listAsyncJobs", NULL, "asyncjobs", NULL, on_list, p);
	if (!p->list)
		return false;

	/* a job that joins from now on is not judged by this list */
	HASH_ITER(hh, p->jobs, job, tmp) {
		job->listed_for = true;
	}
	return true;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *data)
{
	struct mk_cs_poller *p = data;
	struct job *job, *tmp;

	if (p->no_list || HASH_COUNT(p->jobs) < 2 || !list(p)) {
		uint64_t now = mk_now_monotonic();

		HASH_ITER(hh, p->jobs, job, tmp) {
			if (!job->query && job->due <= now)
				query(job);
		}
	}

	set_timer(p);
	return 0;
}

/* ---- the caller's side ----------------------------------------------------------------------- */

/* A UUID, or the number that old servers give. */
static bool job_id_valid(const char *id)
{
	size_t n = id ? strspn(id, "0123456789abcdefABCDEF-") : 0;

	return n > 0 && n <= JOB_ID_MAX && !id[n];
}

static struct job *job_get(struct mk_cs_poller *p, const char *id)
{
	struct job *job;

	HASH_FIND_STR(p->jobs, id, job);
	if (job)
		return job;

	job = calloc(1, sizeof(*job));
	if (job)
		job->id = strdup(id);
	if (!job || !job->id) {
		free(job);
		return NULL;
	}

	job->poller = p;
	job->interval = p->cs->settings.poll_min;
	job->due = mk_now_monotonic() + job->interval;
	TAILQ_INIT(&job->watches);
	HASH_ADD_KEYPTR(hh, p->jobs, job->id, strlen(job->id), job);
	if (!job->hh.tbl) { /* no memory */
		free(job->id);
		free(job);
		return NULL;
	}

	return job;
}

struct mk_cs_watch *mk_cs_watch_job(struct mk_cs *cs, const char *job_id, mk_cs_job_fn cb,
				    void *data)
{
	struct mk_cs_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;

	w->cs = cs;
	w->cb = cb;
	w->data = data;
	w->delivery.deliver = deliver_watch;
	w->delivery.forget = forget_watch;

	if (!job_id_valid(job_id)) {
		end_watch(w, &(struct mk_cs_job){ .status = MK_CS_JOB_UNKNOWN,
						  .text = "There is no job with such an id" });
		return w;
	}

	w->job = job_get(cs->poller, job_id);
	if (!w->job) {
		watch_free(w);
		return NULL;
	}

	TAILQ_INSERT_TAIL(&w->job->watches, w, link);
	set_timer(cs->poller);
	mk_cs_update(cs);
	return w;
}

/* Nobody watches it any more. */
static void drop_job(struct job *job)
{
	struct mk_cs_poller *p = job->poller;

	mk_cs_request_cancel(job->query);
	job_free(job);
	if (!p->jobs) {
		mk_cs_request_cancel(p->list);
		p->list = NULL;
	}

	set_timer(p);
}

void mk_cs_watch_cancel(struct mk_cs_watch *w)
{
	struct mk_cs *cs;

	if (!w || w->delivering)
		return;

	cs = w->cs;
	if (w->job) {
		TAILQ_REMOVE(&w->job->watches, w, link);
		if (TAILQ_EMPTY(&w->job->watches))
			drop_job(w->job);
	} else {
		mk_cs_undeliver(cs, &w->delivery);
	}

	watch_free(w);
	mk_cs_update(cs);
}

int mk_cs_poller_new(struct mk_cs *cs, struct mk_cs_poller **ret)
{
	struct mk_cs_poller *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;

	r = sd_event_add_time(cs->event, &p->timer, CLOCK_MONOTONIC, 0, 1, on_timer, p);
	if (r < 0) {
		free(p);
		return r;
	}

	sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
	p->cs = cs;
	*ret = p;
	return 0;
}

/* The requests have been freed already. */
struct mk_cs_poller *mk_cs_poller_free(struct mk_cs_poller *p)
{
	struct job *job, *tmp;

	if (!p)
		return NULL;

	HASH_ITER(hh, p->jobs, job, tmp) {
		struct mk_cs_watch *w;

		while ((w = TAILQ_FIRST(&job->watches))) {
			TAILQ_REMOVE(&job->watches, w, link);
			watch_free(w);
		}
		job_free(job);
	}

	sd_event_source_disable_unref(p->timer);
	free(p);
	return NULL;
}

bool mk_cs_poller_busy(struct mk_cs_poller *p)
{
	return p->jobs;
}

void mk_cs_poller_reconfigured(struct mk_cs_poller *p)
{
	p->no_list = false; /* another account may have the command */
}
