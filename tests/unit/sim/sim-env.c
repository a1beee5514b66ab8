/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements sim-env.h: calls of the simulator's model, and checks of its answers. */

#include "sim-env.h"

#include "tap.h"

#include <inttypes.h>

#define WAIT_USEC (10 * USEC_PER_SEC)

struct sim *sim;
sd_event *event;
char env_guest_log[4096];

static struct sim_call next;
static struct sim_account *caller;
static json_object *executed;

static void on_executed(const char *command, void *data)
{
	mk_json_set_int(executed, command, mk_json_int(executed, command, 0) + 1);
}

static void log_guest(char *line)
{
	size_t n = strlen(env_guest_log);

	snprintf(env_guest_log + n, sizeof(env_guest_log) - n, "%s\n", line);
	free(line);
}

static void on_plug(const struct sim_disk *disk, void *data)
{
	log_guest(mk_strdup_printf("plug %s %" PRIu64 " %s %s", disk->volume, disk->size,
				   disk->serial, disk->vm));
}

static bool on_unplug(const char *volume, const char *vm, unsigned delay_ms, unsigned limit_ms,
		      void *data)
{
	log_guest(mk_strdup_printf("unplug %s %s", volume, vm));
	return true;
}

static void on_eject(const char *volume, const char *vm, void *data)
{
	log_guest(mk_strdup_printf("eject %s %s", volume, vm));
}

static void on_resize(const char *volume, const char *vm, uint64_t size, void *data)
{
	log_guest(mk_strdup_printf("resize %s %" PRIu64 " %s", volume, size, vm));
}

void env_start(void)
{
	static const struct sim_hypervisor hypervisor = {
		.plug = on_plug,
		.unplug = on_unplug,
		.eject = on_eject,
		.resize = on_resize,
	};

	executed = json_object_new_object();
	caller = NULL;
	*env_guest_log = '\0';
	CU_ASSERT_FATAL(sd_event_new(&event) >= 0);
	CU_ASSERT_EQUAL_FATAL(sim_new(event, on_executed, NULL, &sim), 0);
	sim_set_hypervisor(sim, &hypervisor);
	env_set("queue-ms", "0");
	env_set("job-ms", "1");
	env_set("report-ms", "1");
	env_set("create-job-ms", "1");
	env_set("delete-ms", "0");
}

void env_stop(void)
{
	sim = sim_free(sim);
	event = sd_event_unref(event);
	json_object_put(executed);
}

/* Texts that outlive a few calls. */
static const char *keep(const char *s)
{
	static char ring[64][512];
	static unsigned i;

	i = (i + 1) % ARRAY_SIZE(ring);
	snprintf(ring[i], sizeof(ring[i]), "%s", s);
	return ring[i];
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void run(const char *const *call, struct sim_answer *ret)
{
	_cleanup_json_ json_object *params = json_object_new_object();

	for (size_t i = 1; call[i]; i += 2)
		mk_json_set_str(params, call[i], call[i + 1]);
	next.command = call[0];
	next.params = params;
	next.caller = caller;
	if (sim_authorize(sim, &next, ret))
		sim_call(sim, &next, ret);
	next = (struct sim_call){ 0 };
}

static json_object *below_root(const struct sim_answer *a)
{
	json_object_object_foreach(a->body, key, value) {
		CU_ASSERT(*key != '\0');
		return json_object_get(value);
	}
	return NULL;
}

static json_object *take_ok(const char *command, struct sim_answer *a)
{
	json_object *o = below_root(a);

	if (a->status != 200)
		tap_note("%s: %s", command, json_object_to_json_string(a->body));
	CU_ASSERT_EQUAL_FATAL(a->status, 200);
	CU_ASSERT_PTR_NULL(a->description);
	sim_answer_done(a);
	return o;
}

json_object *env_ok_call(const char *const *call)
{
	struct sim_answer a = { 0 };

	run(call, &a);
	return take_ok(call[0], &a);
}

/* "*" in the pattern stands for anything. */
static bool fits(const char *text, const char *pattern)
{
	while (*pattern && *pattern != '*')
		if (*text++ != *pattern++)
			return false;
	if (!*pattern)
		return !*text;
	do {
		if (fits(text, pattern + 1))
			return true;
	} while (*text++);
	return false;
}

static void check_error(const char *command, json_object *o, int code, const char *pattern)
{
	const char *got = mk_json_str(o, "errortext", "(none)");
	bool ok = mk_json_int(o, "errorcode", 0) == code && fits(got, pattern);

	if (!ok)
		tap_note("%s: expected %d '%s', got %d '%s'", command, code, pattern,
			 (int)mk_json_int(o, "errorcode", 0), got);
	CU_ASSERT(ok);
}

void env_refused_call(int code, int cs_code, const char *text, const char *const *call)
{
	_cleanup_json_ json_object *o = NULL;
	struct sim_answer a = { 0 };

	run(call, &a);
	o = below_root(&a);
	check_error(call[0], o, code, text);
	CU_ASSERT_EQUAL(a.status, code);
	CU_ASSERT_EQUAL(mk_json_int(o, "cserrorcode", 0), cs_code);
	CU_ASSERT(json_object_is_type(mk_json_get(o, "uuidList"), json_type_array));
	if (code != 401)
		CU_ASSERT_STRING_EQUAL(str_or_empty(a.description),
				       mk_json_str(o, "errortext", ""));
	CU_ASSERT_PTR_NULL(a.job);
	sim_answer_done(&a);
}

void env_caller(const char *key)
{
	const char *secret;

	caller = key ? sim_caller(sim, key, &secret) : NULL;
	CU_ASSERT_FATAL(!key || caller);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

const char *env_start_job_call(const char *const *call)
{
	_cleanup_json_ json_object *o = NULL;
	struct sim_answer a = { 0 };
	const char *job;

	run(call, &a);
	job = keep(str_or_empty(a.job));
	o = take_ok(call[0], &a);
	CU_ASSERT_STRING_EQUAL(mk_json_str(o, "jobid", ""), job);
	return job;
}

json_object *env_query(const char *job)
{
	return env_ok("queryAsyncJobResult", "jobid", job);
}

bool env_job_known(const char *job)
{
	_cleanup_json_ json_object *jobs = env_state("jobs", job);

	return jobs != NULL;
}

json_object *env_wait(const char *job)
{
	uint64_t end = mk_now_monotonic() + WAIT_USEC;

	for (;;) {
		json_object *row = env_query(job);

		if (mk_json_int(row, "jobstatus", -1) != 0 || mk_now_monotonic() > end) {
			CU_ASSERT_NOT_EQUAL_FATAL(mk_json_int(row, "jobstatus", -1), 0);
			return row;
		}
		json_object_put(row);
		sd_event_run(event, WAIT_USEC);
	}
}

json_object *env_job_call(const char *const *call)
{
	_cleanup_json_ json_object *row = env_wait(env_start_job_call(call));

	if (mk_json_int(row, "jobstatus", -1) != 1)
		tap_note("%s: %s", call[0], json_object_to_json_string(row));
	CU_ASSERT_EQUAL_FATAL(mk_json_int(row, "jobstatus", -1), 1);
	CU_ASSERT_EQUAL(mk_json_int(row, "jobresultcode", -1), 0);
	return json_object_get(mk_json_get(row, "jobresult"));
}

void env_job_refused_call(int code, const char *text, const char *const *call)
{
	_cleanup_json_ json_object *row = env_wait(env_start_job_call(call));

	CU_ASSERT_EQUAL(mk_json_int(row, "jobstatus", -1), 2);
	CU_ASSERT_EQUAL(mk_json_int(row, "jobresultcode", -1), code);
	CU_ASSERT_STRING_EQUAL(mk_json_str(row, "jobresulttype", ""), "object");
	check_error(call[0], mk_json_get(row, "jobresult"), code, text);
}

void env_fault(enum sim_job_fault fault, int code, const char *text, unsigned ms)
{
	next.fault = fault;
	next.fault_code = code;
	next.fault_text = text;
	next.fault_ms = ms;
}

/* ---- state ----------------------------------------------------------------------------------- */

json_object *env_state(const char *list, const char *id)
{
	_cleanup_json_ json_object *state = sim_state(sim, NULL);

	return json_object_get(mk_json_get(mk_json_get(state, list), id));
}

const char *env_volume_str(const char *id, const char *key)
{
	_cleanup_json_ json_object *o = env_state("volumes", id);

	return keep(mk_json_str(o, key, ""));
}

int64_t env_volume_int(const char *id, const char *key)
{
	_cleanup_json_ json_object *o = env_state("volumes", id);

	return mk_json_int(o, key, -1);
}

const char *env_vm_state(const char *id)
{
	_cleanup_json_ json_object *o = env_state("vms", id);

	return keep(mk_json_str(o, "state", ""));
}

unsigned env_executed(const char *command)
{
	return (unsigned)mk_json_int(executed, command, 0);
}

void env_set(const char *key, const char *value)
{
	CU_ASSERT_EQUAL(sim_set(sim, key, value), 0);
}

static void apply(int (*fn)(struct sim *s, json_object *o, char **ret_why), const char *json)
{
	_cleanup_json_ json_object *o = json_tokener_parse(json);
	_cleanup_free_ char *why = NULL;
	int r = fn(sim, o, &why);

	if (r < 0)
		tap_note("%s: %s", json, why);
	CU_ASSERT_EQUAL_FATAL(r, 0);
}

void env_poke(const char *json)
{
	apply(sim_poke, json);
}

static void poke_object(const char *kind, const char *id, const char *fields)
{
	_cleanup_free_ char *json = mk_strdup_printf("{\"%s\":\"%s\",%s}", kind, id, fields);

	env_poke(json);
}

void env_poke_volume(const char *id, const char *fields)
{
	poke_object("volume", id, fields);
}

void env_poke_vm(const char *id, const char *fields)
{
	poke_object("vm", id, fields);
}

void env_vm_becomes(const char *id, const char *state)
{
	_cleanup_free_ char *fields = mk_strdup_printf("\"state\":\"%s\"", state);

	env_poke_vm(id, fields);
}

void env_seed(const char *json)
{
	apply(sim_seed, json);
}

void env_attach(const char *volume, const char *vm)
{
	json_object_put(env_job("attachVolume", "id", volume, "virtualmachineid", vm));
}

void env_detach(const char *volume)
{
	json_object_put(env_job("detachVolume", "id", volume));
}

const char *env_new_volume(const char *vm)
{
	_cleanup_json_ json_object *o =
		env_job("createVolume", "name", "v", "diskofferingid", SIM_CUSTOM_OFFERING, "size",
			"1", "zoneid", SIM_ZONE);
	const char *id = keep(mk_json_str(mk_json_get(o, "volume"), "id", ""));

	if (vm)
		env_attach(id, vm);
	return id;
}
