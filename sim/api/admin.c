/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Serves the requests of tests, /admin/…: unsigned, JSON in and out. README.md describes them. */

#include "api-internal.h"
#include "jobs/jobs.h"

#include <limits.h>

#define WAIT_MS 10000 /* without timeout-ms */

/* Answers, or returns a negative errno with what is wrong. */
typedef int (*admin_fn)(struct server *s, struct http_request *r, json_object *in, json_object *out,
			char **ret_why);

/* --- settings --- */

static int set_clock(struct server *s, const char *value)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(value, &end, 10);
	if (errno || !*value || *end || n < -INT_MAX || n > INT_MAX)
		return -EINVAL;

	s->clock_offset = n;
	return 0;
}

int server_set(struct server *s, const char *key, const char *value)
{
	if (s->hv && starts_with(key, "hv-") && hypervisor_set(s->hv, key, value) >= 0)
		return 0;
	if (streq(key, "clock-offset"))
		return set_clock(s, value);
	return sim_set(s->sim, key, value);
}

static int do_set(struct server *s, struct http_request *r, json_object *in, json_object *out,
		  char **ret_why)
{
	json_object_object_foreach(in, key, value) {
		const char *text = json_object_get_string(value);
		int e = text ? server_set(s, key, text) : -EINVAL;

		if (e < 0) {
			*ret_why = mk_strdup_printf("no setting '%s', or it cannot be '%s'", key,
						    str_or_empty(text));
			return e;
		}
	}
	return 0;
}

/* Takes the members over. */
static void add_all(json_object *out, json_object *members)
{
	json_object_object_foreach(members, key, value) {
		json_object_object_add(out, key, json_object_get(value));
	}
	json_object_put(members);
}

/* --- the model --- */

static int do_state(struct server *s, struct http_request *r, json_object *in, json_object *out,
		    char **ret_why)
{
	struct request q = { 0 };
	int e = request_add(&q, str_or_empty(http_query(r)), true);

	if (e >= 0)
		add_all(out, sim_state(s->sim, request_get(&q, "kinds", false)));
	request_done(&q);
	return e;
}

static int do_seed(struct server *s, struct http_request *r, json_object *in, json_object *out,
		   char **ret_why)
{
	return sim_seed(s->sim, in, ret_why);
}

static int do_poke(struct server *s, struct http_request *r, json_object *in, json_object *out,
		   char **ret_why)
{
	return sim_poke(s->sim, in, ret_why);
}

static int do_guest(struct server *s, struct http_request *r, json_object *in, json_object *out,
		    char **ret_why)
{
	return sim_guest(s->sim, in, ret_why);
}

static int do_release(struct server *s, struct http_request *r, json_object *in, json_object *out,
		      char **ret_why)
{
	sim_release(s->sim);
	http_release(s->http);
	return 0;
}

/* --- management servers and database --- */

static int kill_nodes(struct server *s, json_object *in, struct node_death how, char **ret_why)
{
	const char *name = mk_json_str(in, "server", NULL);
	unsigned node = name ? nodes_find(s, name) : 0;

	if (node == NODE_NONE) {
		*ret_why = mk_strdup_printf("no management server '%s'", name);
		return -EINVAL;
	}

	how.disk_stays = mk_json_bool(in, "disk-stays", false);
	nodes_kill(s, node, name ? node + 1 : SIM_SERVERS, &how);
	return 0;
}

static int do_restart(struct server *s, struct http_request *r, json_object *in, json_object *out,
		      char **ret_why)
{
	struct node_death how = { .starts = true };
	int64_t down = mk_json_int(in, "down-ms", 0), offline = mk_json_int(in, "offline-ms", 0);

	if (down < 0 || down > INT_MAX || offline < 0 || offline > INT_MAX)
		return -EINVAL;
	how.down_ms = (unsigned)down;
	how.offline_ms = (unsigned)offline;
	how.other_id = mk_json_bool(in, "other-id", false);
	return kill_nodes(s, in, how, ret_why);
}

static int do_kill(struct server *s, struct http_request *r, json_object *in, json_object *out,
		   char **ret_why)
{
	return kill_nodes(s, in, (struct node_death){ 0 }, ret_why);
}

static int do_database(struct server *s, struct http_request *r, json_object *in, json_object *out,
		       char **ret_why)
{
	static const char *const ends[] = { [SIM_DATABASE_WAIT] = "wait",
					    [SIM_DATABASE_FAIL] = "fail",
					    [SIM_DATABASE_NEVER] = "never",
					    [SIM_DATABASE_NEVER_DONE] = "never-done" };
	const char *jobs = mk_json_str(in, "jobs", "wait");
	size_t i = 0;

	if (mk_json_bool(in, "away", true)) {
		sim_database_away(s->sim);
		return 0;
	}
	while (i < ARRAY_SIZE(ends) && !streq(ends[i], jobs))
		i++;
	if (i == ARRAY_SIZE(ends)) {
		*ret_why = mk_strdup_printf("jobs cannot be '%s'", jobs);
		return -EINVAL;
	}
	sim_database_back(s->sim, (enum sim_database_end)i);
	parked_go_on(s);
	return 0;
}

static int do_disk(struct server *s, struct http_request *r, json_object *in, json_object *out,
		   char **ret_why)
{
	if (!s->hv) {
		*ret_why = strdup("started without --hypervisor");
		return -ENOTSUP;
	}
	return hypervisor_disk(s->hv, in, out, ret_why);
}

/* --- faults and log --- */

static int need_door(const struct server *s, char **ret_why)
{
	if (s->door)
		return 0;

	*ret_why = strdup("started without --door");
	return -ENOTSUP;
}

static int do_door(struct server *s, struct http_request *r, json_object *in, json_object *out,
		   char **ret_why)
{
	int e = need_door(s, ret_why);

	if (e < 0)
		return e;
	if (mk_json_bool(in, "open", true))
		return http_come_back(&s->door);
	http_go_away(s->door);
	return 0;
}

static int do_fault(struct server *s, struct http_request *r, json_object *in, json_object *out,
		    char **ret_why)
{
	if (streq(mk_json_str(in, "action", ""), "away") && need_door(s, ret_why) < 0)
		return -ENOTSUP;
	return faults_add(&s->faults, s->sim, in, ret_why);
}

static int do_log(struct server *s, struct http_request *r, json_object *in, json_object *out,
		  char **ret_why)
{
	add_all(out, log_to_json(s->log, true));
	return 0;
}

static int do_counts(struct server *s, struct http_request *r, json_object *in, json_object *out,
		     char **ret_why)
{
	add_all(out, log_to_json(s->log, false));
	return 0;
}

static int do_clear_log(struct server *s, struct http_request *r, json_object *in, json_object *out,
			char **ret_why)
{
	log_clear(s->log);
	faults_clear(&s->faults);
	return 0;
}

/* A number of the query; fallback when it is missing, -1 when it is none. */
static int64_t query_number(const struct request *q, const char *name, int64_t fallback)
{
	const char *value = request_get(q, name, false);

	if (!value)
		return fallback;
	return *value && strspn(value, "0123456789") == strlen(value) && strlen(value) < 10
		       ? strtoll(value, NULL, 10)
		       : -1;
}

static int start_wait(struct server *s, struct http_request *r, const struct request *q)
{
	const char *command = request_get(q, "command", false);
	const char *what = request_get(q, "what", false);
	int64_t n = query_number(q, "count", 1), ms = query_number(q, "timeout-ms", WAIT_MS);
	bool executed = what && streq(what, "executed");

	if (!command || n < 0 || ms < 0 || (what && !executed && !streq(what, "received")))
		return -EINVAL;
	return log_wait(s->log, r, command, n, executed, (unsigned)ms);
}

static int do_wait(struct server *s, struct http_request *r, json_object *in, json_object *out,
		   char **ret_why)
{
	struct request q = { 0 };
	int e = request_add(&q, str_or_empty(http_query(r)), true);

	if (e >= 0)
		e = start_wait(s, r, &q);
	if (e < 0)
		*ret_why = strdup("expected command=C&count=N&what=received|executed&timeout-ms=T");
	request_done(&q);
	return e;
}

/* --- dispatch --- */

static const struct admin_call {
	const char *method, *path;
	admin_fn run;
	bool replies; /* by itself, later */
} calls[] = {
	{ "GET", "/admin/counts", do_counts, false },
	{ "GET", "/admin/log", do_log, false },
	{ "GET", "/admin/state", do_state, false },
	{ "GET", "/admin/wait", do_wait, true },
	{ "POST", "/admin/clear-log", do_clear_log, false },
	{ "POST", "/admin/database", do_database, false },
	{ "POST", "/admin/disk", do_disk, false },
	{ "POST", "/admin/door", do_door, false },
	{ "POST", "/admin/fault", do_fault, false },
	{ "POST", "/admin/guest", do_guest, false },
	{ "POST", "/admin/kill", do_kill, false },
	{ "POST", "/admin/poke", do_poke, false },
	{ "POST", "/admin/release", do_release, false },
	{ "POST", "/admin/restart", do_restart, false },
	{ "POST", "/admin/seed", do_seed, false },
	{ "POST", "/admin/set", do_set, false },
};

static const struct admin_call *find_call(const struct http_request *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (streq(calls[i].method, http_method(r)) && streq(calls[i].path, http_path(r)))
			return &calls[i];
	return NULL;
}

static void reply_error(struct http_request *r, const char *why)
{
	json_object *o = json_object_new_object();

	mk_json_set_str(o, "error", why);
	http_reply_json(r, 400, o);
}

/* An empty body is an empty object. NULL if it is not an object. */
static json_object *parse_body(struct http_request *r)
{
	size_t size;
	const char *body = http_body(r, &size);
	json_object *o = size > 0 ? json_tokener_parse(body) : json_object_new_object();

	if (!json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

void admin_handle(struct server *s, struct http_request *r)
{
	const struct admin_call *call = find_call(r);
	_cleanup_json_ json_object *in = parse_body(r), *out = json_object_new_object();
	_cleanup_free_ char *why = NULL;
	int e;

	if (!call || !in) {
		reply_error(r, call ? "the body is not a JSON object" : "no such admin request");
		return;
	}

	mk_json_set_bool(out, "ok", true);
	e = call->run(s, r, in, out, &why);
	if (e < 0)
		reply_error(r, why ? why : strerror(-e));
	else if (!call->replies)
		http_reply_json(r, 200, take_ptr(out));
}
