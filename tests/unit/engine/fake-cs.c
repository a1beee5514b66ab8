/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements fake-cs.h: the functions of src/cloudstack/cloudstack.h on a cloud in memory, with faults. */

#include "fake-cs.h"

#include <sys/queue.h>

struct mk_cs_request {
	struct mk_cs *cs;
	char *command;
	json_object *params;
	bool write, sync, hanging;
	mk_cs_reply_fn cb;
	void *data;
	sd_event_source *source;
	struct mk_cs_request *next;
};

struct mk_cs_watch {
	struct mk_cs *cs;
	char *job;
	mk_cs_job_fn cb;
	void *data;
	sd_event_source *source;
	struct mk_cs_watch *next;
};

struct fake_job {
	char *id;
	bool held, failed, vanished;
	int code;
	char *command;
	json_object *params;
	struct fake_job *next;
};

#define REMOVE(list, item)                                                                         \
	do {                                                                                       \
		__typeof__(list) *p_ = &(list);                                                    \
		while (*p_ && *p_ != (item))                                                       \
			p_ = &(*p_)->next;                                                         \
		if (*p_)                                                                           \
			*p_ = (item)->next;                                                        \
	} while (0)

void fake_init(struct mk_cs *cs, sd_event *event)
{
	*cs = (struct mk_cs){
		.event = event,
		.vm = "22222222-2222-4222-8222-222222222222",
		.vm_state = "Stopped",
		.n_volumes = 1,
		.volumes = { { "33333333-3333-4333-8333-333333333333", "ROOT", "Ready", "",
			       "22222222-2222-4222-8222-222222222222", 0 } },
		.reachable = true,
	};
}

/* ---- the cloud ------------------------------------------------------------------------------------------ */

static struct fake_volume *find(struct mk_cs *cs, const char *id)
{
	for (size_t i = 0; i < cs->n_volumes; i++)
		if (streq(cs->volumes[i].id, id))
			return &cs->volumes[i];
	return NULL;
}

static void execute(struct mk_cs *cs, const char *command, json_object *params)
{
	struct fake_volume *v = find(cs, mk_json_str(params, "id", ""));

	if (streq(command, "stopVirtualMachine")) {
		cs->n_stop++;
		cs->vm_state = "Stopped";
	} else if (streq(command, "detachVolume")) {
		cs->n_detach++;
		v->vm = "";
		v->type = "DATADISK";
	} else if (streq(command, "attachVolume")) {
		cs->n_attach++;
		v->vm = cs->vm;
		v->type = "ROOT";
	} else {
		if (streq(command, "deleteVolume"))
			cs->n_delete++;
		else
			cs->n_destroy++;
		*v = cs->volumes[--cs->n_volumes];
	}
}

static json_object *volume_row(const struct fake_volume *v)
{
	json_object *o = json_object_new_object(), *tags = json_object_new_array();

	mk_json_set_str(o, "id", v->id);
	mk_json_set_str(o, "name", "disk");
	mk_json_set_str(o, "type", v->type);
	mk_json_set_str(o, "state", v->state);
	mk_json_set_int(o, "size", 1 << 30);
	if (*v->vm) {
		mk_json_set_str(o, "virtualmachineid", v->vm);
		mk_json_set_int(o, "deviceid", v->device_id);
	}
	if (*v->owner) {
		json_object *tag = json_object_new_object();

		mk_json_set_str(tag, "key", "migratekit:owner");
		mk_json_set_str(tag, "value", v->owner);
		json_object_array_add(tags, tag);
	}
	json_object_object_add(o, "tags", tags);
	return o;
}

static json_object *list(struct mk_cs *cs, const char *command, json_object *params)
{
	json_object *rows = json_object_new_array();
	const char *id = mk_json_str(params, "id", NULL);
	const char *vm = mk_json_str(params, "virtualmachineid", NULL);

	if (streq(command, "listVirtualMachines")) {
		json_object *o = json_object_new_object();

		mk_json_set_str(o, "id", str_or_empty(cs->vm));
		mk_json_set_str(o, "name", "vm");
		mk_json_set_str(o, "state", cs->vm_state);
		if (cs->vm)
			json_object_array_add(rows, o);
		else
			json_object_put(o);
		return rows;
	}

	for (size_t i = 0; i < cs->n_volumes; i++)
		if ((id && streq(id, cs->volumes[i].id)) || (vm && streq(vm, cs->volumes[i].vm)))
			json_object_array_add(rows, volume_row(&cs->volumes[i]));
	return rows;
}

/* ---- requests --------------------------------------------------------------------------------------------- */

static void request_free(struct mk_cs_request *r)
{
	REMOVE(r->cs->requests, r);
	sd_event_source_disable_unref(r->source);
	json_object_put(r->params);
	free(r->command);
	free(r);
}

static struct fake_job *new_job(struct mk_cs *cs, struct mk_cs_request *r)
{
	struct fake_job *job = calloc(1, sizeof(*job));

	job->id = strdup(mk_json_str(r->params, "customjobid", ""));
	job->command = strdup(r->command);
	job->params = json_object_get(r->params);
	job->next = cs->jobs;
	cs->jobs = job;
	return job;
}

static void answer_write(struct mk_cs_request *r, struct mk_cs_reply *reply)
{
	struct mk_cs *cs = r->cs;
	enum fake_fault fault = FAKE_NONE;
	struct fake_job *job = NULL;

	if (cs->n_faults && streq(cs->fault_command, r->command)) {
		cs->n_faults--;
		cs->n_met++;
		fault = cs->fault;
	} else if (cs->no_destroy && streq(r->command, "destroyVolume")) {
		fault = FAKE_NO_COMMAND;
	}

	reply->code = cs->fault_code;
	reply->text = "said no";
	if (!r->sync && fault != FAKE_REFUSE && fault != FAKE_NO_COMMAND && fault != FAKE_NOT_RUN &&
	    fault != FAKE_NO_ANSWER_LOST)
		job = new_job(cs, r);

	switch (fault) {
	case FAKE_REFUSE:
		reply->outcome = MK_CS_REFUSED;
		return;
	case FAKE_NO_COMMAND:
		reply->outcome = MK_CS_NO_COMMAND;
		return;
	case FAKE_NOT_RUN:
		reply->outcome = MK_CS_NOT_RUN;
		return;
	case FAKE_JOB_FAIL:
		job->failed = true;
		job->code = cs->fault_code;
		break;
	case FAKE_NO_ANSWER_LOST:
		reply->outcome = MK_CS_UNKNOWN;
		return;
	case FAKE_NO_ANSWER_DONE:
		reply->outcome = MK_CS_UNKNOWN;
		execute(cs, r->command, r->params);
		return;
	case FAKE_JOB_HOLD:
		job->held = true;
		job->failed = cs->fault_code != 0;
		job->code = cs->fault_code;
		break;
	case FAKE_JOB_VANISHED:
		job->vanished = true;
		break;
	case FAKE_JOB_VANISHED_DONE:
		job->vanished = true;
		execute(cs, r->command, r->params);
		break;
	case FAKE_NOT_LEFT: /* it was released */
	case FAKE_NONE:
		execute(cs, r->command, r->params);
		break;
	}

	reply->body = json_object_new_object();
	if (job)
		mk_json_set_str(reply->body, "jobid", job->id);
}

static bool hangs(const struct mk_cs_request *r)
{
	if (!r->write)
		return r->cs->reads_hang;
	return r->cs->n_faults && r->cs->fault == FAKE_NOT_LEFT && !r->hanging &&
	       streq(r->cs->fault_command, r->command);
}

static int on_request(sd_event_source *source, void *data)
{
	struct mk_cs_request *r = data;
	struct mk_cs_reply reply = { .text = "" };
	mk_cs_reply_fn cb = r->cb;
	void *cb_data = r->data;

	if (hangs(r)) {
		r->hanging = true;
		return 0;
	}

	if (r->write)
		answer_write(r, &reply);
	else
		reply.body = list(r->cs, r->command, r->params);
	request_free(r);
	cb(&reply, cb_data);
	json_object_put(reply.body);
	return 0;
}

static struct mk_cs_request *request(struct mk_cs *cs, const char *command, json_object *params,
				     bool write, bool sync, mk_cs_reply_fn cb, void *data)
{
	struct mk_cs_request *r = calloc(1, sizeof(*r));

	r->cs = cs;
	r->command = strdup(command);
	json_object_deep_copy(params, &r->params, NULL);
	r->write = write;
	r->sync = sync;
	r->cb = cb;
	r->data = data;
	r->next = cs->requests;
	cs->requests = r;
	sd_event_add_defer(cs->event, &r->source, on_request, r);
	return r;
}

struct mk_cs_request *mk_cs_read(struct mk_cs *cs, const char *command, json_object *params,
				 const char *list_key, mk_cs_reply_fn cb, void *data)
{
	cs->n_reads++;
	return request(cs, command, params, false, false, cb, data);
}

struct mk_cs_request *mk_cs_write(struct mk_cs *cs, const char *command, json_object *params,
				  bool sync, mk_cs_reply_fn cb, void *data)
{
	cs->n_writes++;
	return request(cs, command, params, true, sync, cb, data);
}

void mk_cs_request_cancel(struct mk_cs_request *r)
{
	if (r)
		request_free(r);
}

bool mk_cs_request_left(const struct mk_cs_request *r)
{
	return !r->hanging;
}

/* ---- jobs -------------------------------------------------------------------------------------------------- */

static int on_watch(sd_event_source *source, void *data)
{
	struct mk_cs_watch *w = data;
	struct mk_cs_job reply = { .status = MK_CS_JOB_UNKNOWN, .text = "" };
	struct fake_job *job = w->cs->jobs;
	mk_cs_job_fn cb = w->cb;
	void *cb_data = w->data;

	while (job && !streq(job->id, w->job))
		job = job->next;
	if (job && job->held)
		return 0;
	if (job && !job->vanished) {
		reply.status = job->failed ? MK_CS_JOB_FAILED : MK_CS_JOB_SUCCEEDED;
		reply.code = job->code;
		reply.text = job->failed ? "said no" : "";
	}

	mk_cs_watch_cancel(w);
	cb(&reply, cb_data);
	return 0;
}

struct mk_cs_watch *mk_cs_watch_job(struct mk_cs *cs, const char *job_id, mk_cs_job_fn cb,
				    void *data)
{
	struct mk_cs_watch *w = calloc(1, sizeof(*w));

	w->cs = cs;
	w->job = strdup(job_id);
	w->cb = cb;
	w->data = data;
	w->next = cs->watches;
	cs->watches = w;
	sd_event_add_defer(cs->event, &w->source, on_watch, w);
	return w;
}

void mk_cs_watch_cancel(struct mk_cs_watch *w)
{
	if (!w)
		return;
	REMOVE(w->cs->watches, w);
	sd_event_source_disable_unref(w->source);
	free(w->job);
	free(w);
}

bool mk_cs_reachable(struct mk_cs *cs)
{
	return cs->reachable;
}

const char *mk_cs_status(struct mk_cs *cs)
{
	return cs->reachable ? "" : "CloudStack is away";
}

void fake_release(struct mk_cs *cs)
{
	cs->reads_hang = false;
	for (struct fake_job *job = cs->jobs; job; job = job->next) {
		if (job->held && !job->failed)
			execute(cs, job->command, job->params);
		job->held = false;
	}
	for (struct mk_cs_request *r = cs->requests; r; r = r->next)
		if (r->hanging)
			sd_event_source_set_enabled(r->source, SD_EVENT_ONESHOT);
	for (struct mk_cs_watch *w = cs->watches; w; w = w->next)
		sd_event_source_set_enabled(w->source, SD_EVENT_ONESHOT);
}

void fake_done(struct mk_cs *cs)
{
	while (cs->requests)
		request_free(cs->requests);
	while (cs->watches)
		mk_cs_watch_cancel(cs->watches);
	while (cs->jobs) {
		struct fake_job *job = cs->jobs;

		cs->jobs = job->next;
		free(job->id);
		free(job->command);
		json_object_put(job->params);
		free(job);
	}
}
