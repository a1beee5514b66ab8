/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Serves CloudStack's API, /client/api: one request from its parameters to its answer. The checks come in the order of
 * ApiServlet.processRequest() and ApiServer.verifyRequest() in CloudStack.
 */

#include "api-internal.h"
#include "jobs/jobs.h"
#include "model/model.h"

#include <ctype.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <time.h>

#define EXPIRES_MOST (15 * 60) /* with enforce-post */
#define LAGGING      1         /* the management server with lag-ms */
#define NO_CONNECTION                                                                              \
	"com.cloud.utils.exception.CloudRuntimeException: Unable to find by id on DB, due to: "    \
	"cloud - Connection is not available, request timed out after 30000ms (total=5, "          \
	"active=5, idle=0, waiting=14)"

/* One request on its way. */
struct api {
	struct server *server;
	struct http_request *http; /* NULL: nobody waits for the answer */
	unsigned node;             /* which management server has it */
	struct request params;
	const char *command;
	struct sim_account *caller;
	const char *secret;   /* the caller's */
	json_object *decoded; /* the parameters, once the caller is known */
	json_object *entry;   /* of the log; NULL when that is full */
	bool parked;          /* it waits */
	bool late;            /* it has been held up on its way */
	struct sim_answer answer;
};

/* --- checks: each returns true, or false with the answer made --- */

/* ^(get|list|query|find)(\w+)+$, without case */
static bool only_reads(const char *command)
{
	static const char *const beginnings[] = { "get", "list", "query", "find" };

	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++) {
		size_t n = strlen(beginnings[i]);

		if (strncasecmp(command, beginnings[i], n) == 0 && command[n])
			return true;
	}
	return false;
}

/* Comes before everything else: the command may be one that there is not. */
static bool check_post(struct api *a, const char *command)
{
	_cleanup_free_ char *text = NULL;

	if (!sim_get(a->server->sim, "enforce-post") || streq(http_method(a->http), "POST") ||
	    only_reads(command))
		return true;

	text = mk_strdup_printf("State changing command %s needs to be sent using POST request",
				command);
	api_error(&a->answer, a->command, 400, CS_PLAIN, str_or_empty(text));
	return false;
}

static bool check_expires(struct api *a)
{
	const char *version = request_get(&a->params, "signatureversion", true);
	const char *expires = request_get(&a->params, "expires", true);
	bool enforced = sim_get(a->server->sim, "enforce-post");
	int64_t now = (int64_t)time(NULL) + a->server->clock_offset, then;

	if (!version || !streq(version, "3"))
		return !enforced;

	return expires && request_parse_expires(expires, &then) == 0 && then >= now &&
	       (!enforced || then <= now + EXPIRES_MOST);
}

static bool check_api_key(struct api *a)
{
	const char *key = request_get(&a->params, "apikey", true);

	if (!key || !request_get(&a->params, "signature", true))
		return false;
	a->caller = sim_caller(a->server->sim, key, &a->secret);
	return a->caller != NULL;
}

/* The api-limit plugin: a window that starts with its first call; refused calls count. */
static bool check_rate(struct api *a)
{
	struct sim *sim = a->server->sim;
	struct sim_account *caller = a->caller;
	int64_t most = sim_get(sim, "api-limit");
	uint64_t now = mk_now_monotonic();

	if (most == 0 || sim_is_admin(caller))
		return true;

	if (now >= caller->rate[a->node].end) {
		caller->rate[a->node].end =
			now + (uint64_t)sim_get(sim, "interval-ms") * USEC_PER_MSEC;
		caller->rate[a->node].used = 0;
	}
	if (++caller->rate[a->node].used <= most)
		return true;

	api_rate_limited(&a->answer, a->command, (caller->rate[a->node].end - now) / USEC_PER_MSEC);
	return false;
}

static bool check_role(struct api *a)
{
	struct sim_call call = { .command = a->command, .caller = a->caller };

	json_object_put(a->decoded);
	call.params = a->decoded = request_to_json(&a->params, false);
	return sim_authorize(a->server->sim, &call, &a->answer);
}

static bool check_sender(struct api *a)
{
	if (!check_expires(a) || !check_api_key(a)) {
		api_unauthorized(&a->answer, a->command);
		return false;
	}
	if (!check_role(a) || !check_rate(a))
		return false;
	if (!request_signature_ok(&a->params, a->secret)) {
		api_unauthorized(&a->answer, a->command);
		return false;
	}
	return true;
}

static bool check_texts(struct api *a)
{
	_cleanup_free_ char *why = NULL;

	if (!request_bad_text(&a->params, &why))
		return true;

	api_error(&a->answer, a->command, 431, CS_PLAIN, str_or_empty(why));
	return false;
}

static bool check_maintenance(struct api *a)
{
	const char *where = sim_get_text(a->server->sim, "maintenance");

	if (!streq(where, "true") && !streq(where, nodes_name(a->server, a->node)))
		return true;
	if (!sim_is_async(a->server->sim, a->command))
		return true;

	api_in_maintenance(&a->answer, a->command);
	return false;
}

/* --- answering --- */

static bool wants_json(const struct request *q)
{
	const char *response = request_get(q, "response", false);

	return response && strcasecmp(response, "json") == 0;
}

static void make_http_answer(struct api *a, struct http_answer *ret)
{
	bool json = wants_json(&a->params);

	*ret = (struct http_answer){ .status = (unsigned)a->answer.status,
				     .type = json ? HTTP_JSON : HTTP_XML,
				     .of_api = true };
	ret->description = take_ptr(a->answer.description);
	ret->body = json ? api_to_json(a->answer.body, sim_get(a->server->sim, "encode-response"))
			 : api_to_xml(a->answer.body);
	ret->size = ret->body ? strlen(ret->body) : 0;
}

static void log_end(struct api *a, int64_t status, const struct fault *f)
{
	if (!a->entry)
		return;

	mk_json_set_int(a->entry, "status", status);
	mk_json_set_str(a->entry, "job", a->answer.job);
	mk_json_set_str(a->entry, "fault", f ? f->action : NULL);
}

static void send_answer(struct api *a, struct http_answer *answer, enum http_delivery delivery,
			unsigned ms)
{
	if (a->http) {
		http_reply(a->http, answer, delivery, ms);
		return;
	}
	free(answer->body);
	free(answer->description);
}

static void reply(struct api *a, const struct fault *f)
{
	unsigned ms = (unsigned)sim_get(a->server->sim, "latency-ms") + a->answer.delay_ms;
	enum http_delivery delivery = HTTP_SEND;
	struct http_answer answer;

	make_http_answer(a, &answer);
	if (f && f->effect == FAULT_AWAY)
		http_go_away(a->server->door);
	if (f)
		delivery = fault_apply(f, &answer, &ms);
	log_end(a,
		delivery == HTTP_DROP || delivery == HTTP_HOLD || !a->http ? 0
									   : (int64_t)answer.status,
		f);
	send_answer(a, &answer, delivery, ms);
}

static void drop(struct api *a, const struct fault *f)
{
	struct http_answer none = { 0 };

	log_end(a, 0, f);
	send_answer(a, &none, HTTP_DROP, 0);
}

/* The fault comes instead of the command. */
static void reply_fault(struct api *a, const struct fault *f)
{
	if (f->effect == FAULT_DROP_BEFORE) {
		drop(a, f);
	} else if (f->effect == FAULT_HTML) {
		log_end(a, f->status, f);
		if (a->http)
			http_reply_html(a->http, (unsigned)f->status, "Proxy Error");
	} else if (f->effect == FAULT_MAINTENANCE_NOW) {
		api_in_maintenance_now(&a->answer, a->command,
				       sim_is_create(a->server->sim, a->command),
				       sim_is_admin(a->caller));
		reply(a, f);
	} else {
		fault_answer(f, a->command, &a->answer);
		reply(a, f);
	}
}

static bool tells_job_end(const struct api *a)
{
	return streq(a->command, "queryAsyncJobResult") &&
	       mk_json_int(mk_json_get(a->answer.body, "queryasyncjobresultresponse"), "jobstatus",
			   0) != 0;
}

/* A lagging server shows in its lists what was. */
static void call_model(struct api *a, const struct sim_call *call)
{
	if (a->node == LAGGING && starts_with(a->command, "list") &&
	    past_call(a->server->past, call, request_get(&a->params, "apikey", true), &a->answer) >=
		    0)
		return;
	sim_call(a->server->sim, call, &a->answer);
}

/* A verified request of a command that the server has. */
static void run(struct api *a, const struct fault *f)
{
	struct sim_call call = {
		.command = a->command, .params = a->decoded, .caller = a->caller, .server = a->node
	};

	if (!check_texts(a) || !check_maintenance(a)) {
		reply(a, f);
		return;
	}

	if (f && f->effect == FAULT_JOB) {
		call.fault = f->job;
		call.fault_code = f->code;
		call.fault_text = f->text;
		call.fault_ms = f->ms;
	}
	call_model(a, &call);
	if (tells_job_end(a))
		log_happened(a->server->log, "job-done");
	reply(a, f);
}

/* --- waiting --- */

/* What is left of the request is freed by who says that it waits no more. */
static void api_free(struct api *a)
{
	request_done(&a->params);
	sim_answer_done(&a->answer);
	json_object_put(a->decoded);
	json_object_put(a->entry);
	free(a);
}

/*
 * The database did not come back in time. A list has failed in its check of the sender, and so has the making of the
 * 401; a change has failed behind it, and the servlet lets the exception through.
 */
static void reply_no_database(struct api *a)
{
	struct http_answer answer;

	if (sim_is_read(a->server->sim, a->command)) {
		answer = (struct http_answer){ .status = 401, .type = HTTP_JSON, .of_api = true };
		answer.body = strdup("null");
		answer.size = strlen(str_or_empty(answer.body));
	} else {
		jetty_error(&answer, 404, "Not Found", "/client/api", NO_CONNECTION, NULL);
	}
	log_end(a, a->http ? (int64_t)answer.status : 0, NULL);
	send_answer(a, &answer, HTTP_SEND, 0);
}

static void wait_for(struct api *a, enum parked_for what, int64_t ms, parked_fn fn)
{
	a->parked = true;
	if (park(a->server, a->http, a->node, what, (unsigned)ms, fn, a) < 0)
		abort();
}

static void verify(struct api *a);

static void on_database(struct http_request *http, enum parked_end end, void *data)
{
	struct api *a = data;

	a->http = http;
	a->parked = false;
	if (end == END_DATABASE)
		verify(a);
	else if (end == END_TIME)
		reply_no_database(a);
	else
		drop(a, NULL);
	if (!a->parked)
		api_free(a);
}

/* Returns whether it waits. */
static bool wait_for_database(struct api *a)
{
	struct sim *sim = a->server->sim;

	if (!sim_database_is_away(sim))
		return false;
	wait_for(a, FOR_DATABASE,
		 sim_get(sim, sim_is_read(sim, a->command) ? "db-list-ms" : "db-change-ms"),
		 on_database);
	return true;
}

static void on_arrival(struct http_request *http, enum parked_end end, void *data)
{
	struct api *a = data;

	a->http = http;
	a->parked = false;
	a->late = true;
	if (end == END_SERVER)
		drop(a, NULL);
	else if (!wait_for_database(a))
		verify(a);
	if (!a->parked)
		api_free(a);
}

/* --- all of it --- */

static void meet(struct api *a)
{
	const struct fault *f = a->late ? NULL : faults_meet(&a->server->faults, a->command);

	if (f && f->effect == FAULT_LATE)
		wait_for(a, FOR_ARRIVAL, f->ms, on_arrival);
	else if (f && fault_prevents(f))
		reply_fault(a, f);
	else
		run(a, f);
}

static void verify(struct api *a)
{
	if (check_sender(a))
		meet(a);
	else
		reply(a, NULL);
}

static bool is_method(const struct http_request *r, const char *name)
{
	return streq(http_method(r), name);
}

/* The only command of the authenticators that is looked at. */
static bool is_login_by_get(const struct api *a, const char *command)
{
	return streq(command, "login") && !is_method(a->http, "POST");
}

static void reply_login(struct api *a)
{
	struct http_answer answer = { .status = 405,
				      .type = wants_json(&a->params) ? HTTP_JSON : HTTP_XML,
				      .of_api = true };

	answer.body = strdup("Please use HTTP POST to authenticate using this API");
	answer.size = strlen(str_or_empty(answer.body));
	log_end(a, answer.status, NULL);
	send_answer(a, &answer, HTTP_SEND, 0);
}

static void serve(struct api *a)
{
	const char *command = request_get(&a->params, "command", false);

	a->entry = json_object_get(log_received(a->server->log, str_or_empty(command), &a->params));
	if (a->entry) /* the log may be full */
		mk_json_set_str(a->entry, "server", nodes_name(a->server, a->node));
	if (command && is_login_by_get(a, command)) {
		reply_login(a);
		return;
	}

	if (command && (sim_knows(a->server->sim, command) || sim_only_admins_know(command)))
		a->command = command;
	if (!command)
		sim_error(&a->answer, "null", 401, 0, API_UNAUTHORIZED);
	else if (check_post(a, command) && !a->command)
		api_unauthorized(&a->answer, NULL);
	if (a->answer.body) {
		reply(a, NULL);
		return;
	}

	if (!wait_for_database(a))
		verify(a);
}

static void reply_unreadable(struct api *a, const char *cause, const char *inner)
{
	struct http_answer answer;

	jetty_error(&answer, 404, "Not Found", http_path(a->http), cause, inner);
	http_reply(a->http, &answer, HTTP_SEND, 0);
}

/* Query and form; of two with one name a GET keeps the last, a POST the first. False: the answer is sent. */
static bool read_params(struct api *a)
{
	bool get = !is_method(a->http, "POST");
	int r = request_add(&a->params, str_or_empty(http_query(a->http)), get);

	if (r < 0) {
		reply_unreadable(a,
				 "org.eclipse.jetty.http.BadMessageException: 400: Unable to "
				 "parse URI query",
				 NULL);
		return false;
	}
	if (get || !http_body_is_form(a->http))
		return true;

	r = request_add(&a->params, http_body(a->http, NULL), false);
	if (r < 0)
		reply_unreadable(
			a,
			"org.eclipse.jetty.http.BadMessageException: 400: Unable to parse form "
			"content",
			r == -E2BIG ? "java.lang.IllegalStateException: Form with too many keys"
				    : NULL);
	return r >= 0;
}

/* What the servlet has no method for. 0: it has one. */
static unsigned refuse_method(const struct http_request *r)
{
	static const struct {
		const char *method;
		unsigned status;
	} others[] = { { "OPTIONS", 200 }, { "TRACE", 403 }, { "PUT", 405 }, { "DELETE", 405 } };

	if (is_method(r, "GET") || is_method(r, "POST") || is_method(r, "HEAD"))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (is_method(r, others[i].method))
			return others[i].status;
	return 501;
}

/* A request that got to a management server. */
static void accept_request(struct server *s, struct http_request *r, unsigned node)
{
	struct api *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	a->server = s;
	a->http = r;
	a->node = node;
	http_set_mark(r, node);
	if (read_params(a))
		serve(a);
	if (!a->parked)
		api_free(a);
}

void api_handle(struct server *s, struct http_request *r)
{
	unsigned node = nodes_choose(s, r);
	struct http_answer answer = { .status = refuse_method(r) };

	if (node == NODE_NONE)
		nodes_refuse(s, r);
	else if (answer.status)
		http_reply(r, &answer, HTTP_SEND, 0);
	else
		accept_request(s, r, node);
}
