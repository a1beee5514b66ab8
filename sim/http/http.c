/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The HTTP server: libmicrohttpd (MHD) without threads; the event loop watches MHD's epoll descriptor. A request that
 * is not answered at once is suspended. MHD does not notice then that the client hangs up, so this file watches the
 * socket.
 */

#include "http.h"
#include "jetty.h"

#include <sys/queue.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define IDLE_SECONDS 30U      /* Jetty's, as CloudStack sets it */
#define HEADERS_MAX  8192U    /* request line and headers */
#define FORM_MAX     1048576U /* request.content.size */
#define FORM_ERROR   "org.eclipse.jetty.http.BadMessageException: 400: Unable to parse form content"
#define CONN_MEMORY  (4 * HEADERS_MAX) /* MHD's own limit must not come first */
#define TIMER_SLACK  100               /* µs */

enum stage {
	STAGE_READING,
	STAGE_WAITING, /* handed over; no answer yet, or one that is to be sent later */
	STAGE_READY,
};

/* Of a connection. */
struct numbered {
	bool known;
	unsigned number;
};

struct http {
	sd_event *event;
	sd_event_source *io, *timer;
	struct MHD_Daemon *daemon;
	http_handler_fn handler;
	void *data;
	bool kicked; /* the timer is set for now */
	bool away;
	unsigned connections; /* that have a number */
	LIST_HEAD(http_requests, http_request) requests;
};

struct http_request {
	LIST_ENTRY(http_request) link;
	struct http *http;
	struct MHD_Connection *connection; /* NULL until the headers are there */
	char *path, *query, *method, *body;
	size_t size;
	bool needs_host, too_large, suspended, answered, drip_now;
	enum stage stage;
	struct http_answer answer;
	enum http_delivery delivery;
	unsigned ms;
	size_t dripped;
	unsigned mark;
	sd_event_source *timer, *hangup;
	void (*gone)(void *data);
	void *gone_data;
};

static void answer_done(struct http_answer *a)
{
	free(a->body);
	free(a->description);
	free(a->location);
	*a = (struct http_answer){ 0 };
}

/* MHD is to look at its connections again. */
static void kick(struct http *http)
{
	http->kicked = true;
	(void)sd_event_source_set_time(http->timer, 0);
	(void)sd_event_source_set_enabled(http->timer, SD_EVENT_ONESHOT);
}

static void run(struct http *http)
{
	unsigned MHD_LONG_LONG ms;

	(void)sd_event_source_set_enabled(http->timer, SD_EVENT_OFF);
	http->kicked = false;
	(void)MHD_run(http->daemon);
	if (http->kicked || MHD_get_timeout(http->daemon, &ms) != MHD_YES)
		return;

	(void)sd_event_source_set_time(http->timer, mk_now_monotonic() + ms * USEC_PER_MSEC);
	(void)sd_event_source_set_enabled(http->timer, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *data)
{
	run(data);
	return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *data)
{
	run(data);
	return 0;
}

static void resume(struct http_request *r)
{
	r->hangup = sd_event_source_disable_unref(r->hangup);
	if (!r->suspended)
		return;

	r->suspended = false;
	MHD_resume_connection(r->connection);
	kick(r->http);
}

static int on_hangup(sd_event_source *s, int fd, uint32_t revents, void *data)
{
	struct http_request *r = data;

	r->timer = sd_event_source_disable_unref(r->timer);
	r->delivery = HTTP_DROP;
	r->stage = STAGE_READY;
	resume(r);
	return 0;
}

static void suspend(struct http_request *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	r->suspended = true;
	MHD_suspend_connection(r->connection);
	if (info)
		(void)sd_event_add_io(r->http->event, &r->hangup, info->connect_fd,
				      EPOLLRDHUP | EPOLLHUP | EPOLLERR, on_hangup, r);
}

/* --- sending --- */

static int on_ready(sd_event_source *s, uint64_t usec, void *data)
{
	struct http_request *r = data;

	r->timer = sd_event_source_disable_unref(r->timer);
	r->stage = STAGE_READY;
	r->drip_now = true;
	resume(r);
	return 0;
}

static int ready_in(struct http_request *r, unsigned ms)
{
	return sd_event_add_time(r->http->event, &r->timer, CLOCK_MONOTONIC,
				 mk_now_monotonic() + ms * USEC_PER_MSEC, TIMER_SLACK, on_ready, r);
}

static ssize_t on_drip(void *data, uint64_t pos, char *buf, size_t max)
{
	struct http_request *r = data;

	if (r->delivery == HTTP_DROP)
		return MHD_CONTENT_READER_END_WITH_ERROR; /* nobody reads it any more */
	if (r->dripped >= r->answer.size)
		return MHD_CONTENT_READER_END_OF_STREAM;

	if (!r->drip_now) {
		if (ready_in(r, r->ms) < 0)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		suspend(r);
		return 0;
	}

	r->drip_now = false;
	*buf = r->answer.body[r->dripped++];
	return 1;
}

/* A header's text: what is not printable ASCII would end or spoil it. */
static void clean_header(char *s)
{
	for (; *s; s++)
		if (!isprint((unsigned char)*s))
			*s = '?';
}

static void add_header(struct MHD_Response *response, const char *name, char *value)
{
	if (!value)
		return;
	clean_header(value);
	(void)MHD_add_response_header(response, name, value);
}

static void add_headers(struct MHD_Response *response, struct http_answer *a, bool last)
{
	/* as HttpUtils.addSecurityHeaders() has them */
	static const char *const security[][2] = {
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-XSS-Protection", "1;mode=block" },
		{ "content-security-policy", "1" },
		{ "content-security-policy", "default-src=none" },
		{ "content-security-policy", "script-src=self" },
		{ "content-security-policy", "connect-src=self" },
		{ "content-security-policy", "img-src=self" },
		{ "content-security-policy", "style-src=self" },
	};

	for (size_t i = 0; a->of_api && i < ARRAY_SIZE(security); i++)
		(void)MHD_add_response_header(response, security[i][0], security[i][1]);
	if (a->status == MHD_HTTP_OK)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_VARY,
					      "Accept-Encoding, User-Agent");
	if (a->type)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
	if (last)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	add_header(response, "X-Description", a->description);
	add_header(response, MHD_HTTP_HEADER_LOCATION, a->location);
}

static enum MHD_Result send_answer(struct http_request *r)
{
	struct http_answer *a = &r->answer;
	struct MHD_Response *response;
	enum MHD_Result result;

	if (r->delivery == HTTP_DROP)
		return MHD_NO; /* closes the connection */

	if (r->delivery == HTTP_DRIP)
		response = MHD_create_response_from_callback(a->size, 1, on_drip, r, NULL);
	else
		response = MHD_create_response_from_buffer(a->size, a->body, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;

	add_headers(response, a, r->http->away || a->close);
	result = MHD_queue_response(r->connection, a->status, response);
	MHD_destroy_response(response);
	return result;
}

void http_reply(struct http_request *r, struct http_answer *answer, enum http_delivery delivery,
		unsigned ms)
{
	if (r->answered) {
		answer_done(answer); /* the client or a time-out came first */
		return;
	}

	r->answered = true;
	r->answer = *answer;
	*answer = (struct http_answer){ 0 };
	r->delivery = delivery;
	r->ms = ms;
	r->drip_now = true;
	if (delivery == HTTP_HOLD || r->stage == STAGE_READY)
		return;
	if (delivery != HTTP_DRIP && ms > 0 && ready_in(r, ms) >= 0)
		return;

	r->stage = STAGE_READY;
	resume(r);
}

void http_reply_html(struct http_request *r, unsigned status, const char *text)
{
	struct http_answer a = { .status = status, .type = HTTP_HTML };

	a.body = mk_strdup_printf("<html><head><title>Error %u %s</title></head>\n"
				  "<body><h2>HTTP ERROR %u %s</h2></body></html>\n",
				  status, text, status, text);
	a.size = a.body ? strlen(a.body) : 0;
	http_reply(r, &a, HTTP_SEND, 0);
}

void http_reply_json(struct http_request *r, unsigned status, json_object *body)
{
	struct http_answer a = { .status = status, .type = HTTP_JSON };

	a.body = strdup(json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN));
	a.size = a.body ? strlen(a.body) : 0;
	json_object_put(body);
	http_reply(r, &a, HTTP_SEND, 0);
}

void http_release(struct http *http)
{
	struct http_request *r = NULL;

	LIST_FOREACH(r, &http->requests, link) {
		if (!r->answered || r->delivery != HTTP_HOLD || r->stage != STAGE_WAITING)
			continue;
		r->delivery = HTTP_SEND;
		r->stage = STAGE_READY;
		resume(r);
	}
}

void http_drop_pending(struct http *http, unsigned mark)
{
	struct http_request *r = NULL;

	LIST_FOREACH(r, &http->requests, link)
		if (r->answered && r->stage == STAGE_WAITING && r->mark == mark &&
		    starts_with(r->path, "/client/"))
			(void)on_hangup(NULL, -1, 0, r);
}

/* --- receiving --- */

static void request_free(struct http_request *r)
{
	if (r->gone)
		r->gone(r->gone_data);
	LIST_REMOVE(r, link);
	sd_event_source_disable_unref(r->timer);
	sd_event_source_disable_unref(r->hangup);
	answer_done(&r->answer);
	free(r->path);
	free(r->query);
	free(r->method);
	free(r->body);
	free(r);
}

/* The first that is known of a request; MHD's own parsing of the query is not ours. Jetty cuts a fragment off. */
static void *on_uri(void *data, const char *uri, struct MHD_Connection *connection)
{
	_cleanup_free_ char *whole = strndup(uri, strcspn(uri, "#"));
	struct http *http = data;
	struct http_request *r = calloc(1, sizeof(*r));
	const char *mark = strchr(str_or_empty(whole), '?');

	if (!r)
		return NULL;

	r->http = http;
	LIST_INSERT_HEAD(&http->requests, r, link);
	r->path = mark ? strndup(whole, (size_t)(mark - whole)) : take_ptr(whole);
	r->query = mark ? strdup(mark + 1) : NULL;
	return r;
}

static void on_completed(void *data, struct MHD_Connection *connection, void **context,
			 enum MHD_RequestTerminationCode code)
{
	if (*context)
		request_free(*context);
	*context = NULL;
}

static enum MHD_Result count_header(void *data, enum MHD_ValueKind kind, const char *name,
				    const char *value)
{
	*(size_t *)data += strlen(name) + strlen(str_or_empty(value)) + strlen(": \r\n");
	return MHD_YES;
}

/* Returns the status that refuses the request for its size, or 0. */
static unsigned check_size(struct http_request *r)
{
	size_t line = strlen(r->method) + strlen(r->path) + strlen(str_or_empty(r->query)) +
		      strlen(" ? HTTP/1.1\r\n\r\n"),
	       headers = 0;

	if (line > HEADERS_MAX)
		return MHD_HTTP_URI_TOO_LONG;

	(void)MHD_get_connection_values(r->connection, MHD_HEADER_KIND, count_header, &headers);
	return line + headers > HEADERS_MAX ? MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE : 0;
}

static void append_body(struct http_request *r, const char *data, size_t size)
{
	char *body;

	if (r->too_large || r->size + size > FORM_MAX) {
		r->too_large = true;
		return;
	}

	body = realloc(r->body, r->size + size + 1);
	if (!body) {
		r->too_large = true;
		return;
	}

	memcpy(body + r->size, data, size);
	r->body = body;
	r->size += size;
	r->body[r->size] = '\0';
}

/* What Jetty does not hand over to a servlet; false: nothing is wrong. */
static bool refuse(struct http_request *r, struct http_answer *ret)
{
	unsigned status = check_size(r);

	if (status)
		jetty_bad(ret, status,
			  status == MHD_HTTP_URI_TOO_LONG ? "URI Too Long"
							  : "Request Header Fields Too Large");
	else if (r->needs_host && !http_host(r))
		jetty_bad(ret, MHD_HTTP_BAD_REQUEST, "No Host");
	else if (r->too_large)
		jetty_error(ret, MHD_HTTP_NOT_FOUND, "Not Found", r->path, FORM_ERROR,
			    "java.lang.IllegalStateException: Form is larger than max length "
			    "1048576");
	return ret->status != 0;
}

static void handle(struct http_request *r)
{
	struct http_answer answer = { 0 };

	r->stage = STAGE_WAITING;
	if (r->http->away)
		http_reply(r, &answer, HTTP_DROP, 0);
	else if (refuse(r, &answer))
		http_reply(r, &answer, HTTP_SEND, 0);
	else
		r->http->handler(r, r->http->data);
}

/* MHD calls it with the headers, with each piece of the body, at the end, and after each resume. */
static enum MHD_Result on_access(void *data, struct MHD_Connection *connection, const char *url,
				 const char *method, const char *version, const char *upload,
				 size_t *upload_size, void **context)
{
	struct http_request *r = *context;

	if (!r || !r->path)
		return MHD_NO;

	if (!r->connection) {
		r->connection = connection;
		r->method = strdup(method);
		r->needs_host = streq(version, MHD_HTTP_VERSION_1_1);
		return r->method ? MHD_YES : MHD_NO;
	}

	if (*upload_size > 0) {
		append_body(r, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}

	if (r->stage == STAGE_READING)
		handle(r);
	if (r->stage == STAGE_READY)
		return send_answer(r);

	suspend(r);
	return MHD_YES;
}

void http_set_mark(struct http_request *r, unsigned mark)
{
	r->mark = mark;
}

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = calloc(1, sizeof(struct numbered));
		return;
	}
	free(*context);
	*context = NULL;
}

unsigned http_connection(const struct http_request *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct numbered *c = info ? info->socket_context : NULL;

	if (!c)
		return 0;
	if (!c->known) {
		c->known = true;
		c->number = r->http->connections++;
	}
	return c->number;
}

const char *http_method(const struct http_request *r)
{
	return r->method;
}

const char *http_path(const struct http_request *r)
{
	return r->path;
}

const char *http_query(const struct http_request *r)
{
	return r->query;
}

const char *http_body(const struct http_request *r, size_t *ret_size)
{
	if (ret_size)
		*ret_size = r->size;
	return str_or_empty(r->body);
}

bool http_body_is_form(const struct http_request *r)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND,
						       MHD_HTTP_HEADER_CONTENT_TYPE);

	return type && strncasecmp(type, form, strlen(form)) == 0;
}

const char *http_host(const struct http_request *r)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
}

void http_on_gone(struct http_request *r, void (*gone)(void *data), void *data)
{
	r->gone = gone;
	r->gone_data = data;
}

/* --- life --- */

static int listen_on(struct http *http, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	http->daemon =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ITC | MHD_USE_SUPPRESS_DATE_NO_CLOCK |
					 MHD_ALLOW_SUSPEND_RESUME,
				 port, NULL, NULL, on_access, http, MHD_OPTION_SOCK_ADDR,
				 (struct sockaddr *)&sa, MHD_OPTION_CONNECTION_TIMEOUT,
				 IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				 (size_t)CONN_MEMORY, MHD_OPTION_URI_LOG_CALLBACK, on_uri, http,
				 MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
				 MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_END);
	return http->daemon ? 0 : -EADDRINUSE;
}

int http_new(sd_event *event, uint16_t port, http_handler_fn handler, void *data, struct http **ret)
{
	_cleanup_(http_freep) struct http *http = calloc(1, sizeof(*http));
	const union MHD_DaemonInfo *info;
	int r;

	if (!http)
		return -ENOMEM;

	http->event = sd_event_ref(event);
	http->handler = handler;
	http->data = data;
	LIST_INIT(&http->requests);
	r = listen_on(http, port);
	if (r < 0)
		return r;

	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -EIO;
	r = sd_event_add_io(event, &http->io, info->epoll_fd, EPOLLIN, on_io, http);
	if (r < 0)
		return r;
	r = sd_event_add_time(event, &http->timer, CLOCK_MONOTONIC, 0, TIMER_SLACK, on_timer, http);
	if (r < 0)
		return r;

	*ret = take_ptr(http);
	return 0;
}

struct http *http_free(struct http *http)
{
	struct http_request *r;

	if (!http)
		return NULL;

	/* MHD panics when it is stopped with suspended connections */
	LIST_FOREACH(r, &http->requests, link)
		if (r->suspended)
			(void)on_hangup(NULL, -1, 0, r);
	sd_event_source_disable_unref(http->io);
	sd_event_source_disable_unref(http->timer);
	http->timer = NULL;
	if (http->daemon)
		MHD_stop_daemon(http->daemon);
	sd_event_unref(http->event);
	free(http);
	return NULL;
}

void http_go_away(struct http *http)
{
	int fd;

	if (http->away)
		return;

	fd = (int)MHD_quiesce_daemon(http->daemon);
	if (fd >= 0)
		close(fd);
	http->away = true;
}

int http_come_back(struct http **http)
{
	struct http *back;
	int r;

	if (!(*http)->away)
		return 0;

	r = http_new((*http)->event, http_port(*http), (*http)->handler, (*http)->data, &back);
	if (r < 0)
		return r;

	http_free(*http);
	*http = back;
	return 0;
}

uint16_t http_port(const struct http *http)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info ? info->port : 0;
}
