/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Implements fake-http.h: sockets, HTTP parsing, and the checks of each request. Signatures are computed by the
 * daemon's own code; test-sign.c compares that code with known signatures.
 */

#include "fake-http.h"

#include "cloudstack/wire.h"

#include <ctype.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define DRIP_USEC     5000
#define EXPIRES_LEAST (9 * 60)
#define EXPIRES_MOST  (11 * 60)

struct fake_http {
	sd_event *event;
	sd_event_source *io;
	int fd;
	unsigned port, n_connections, n_bad;
	char *secret;
	fake_handler handler;
	void *data;
	struct fake_conn *conns;
};

struct fake_conn {
	struct fake_conn *next;
	struct fake_http *http;
	int fd; /* -1: closed */
	unsigned number;
	sd_event_source *io, *drip;
	char *in, *out;
	size_t in_size, out_size;
	bool closing;
};

static void hang_up(struct fake_conn *c)
{
	c->io = sd_event_source_disable_unref(c->io);
	c->drip = sd_event_source_disable_unref(c->drip);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void *append(char **buffer, size_t *size, const void *data, size_t more)
{
	char *p = realloc(*buffer, *size + more + 1);

	if (!p)
		abort();
	memcpy(p + *size, data, more);
	*buffer = p;
	*size += more;
	p[*size] = '\0';
	return p;
}

static void flush(struct fake_conn *c)
{
	while (c->out_size > 0) {
		ssize_t n = send(c->fd, c->out, c->out_size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			hang_up(c);
			return;
		}
		memmove(c->out, c->out + n, c->out_size - (size_t)n);
		c->out_size -= (size_t)n;
	}

	if (c->out_size == 0 && c->closing)
		hang_up(c);
	else
		sd_event_source_set_io_events(c->io, EPOLLIN | (c->out_size > 0 ? EPOLLOUT : 0));
}

void fake_send(struct fake_conn *c, const void *data, size_t size)
{
	if (c->fd < 0)
		return;
	append(&c->out, &c->out_size, data, size);
	flush(c);
}

void fake_close(struct fake_conn *c)
{
	if (c->fd < 0)
		return;
	c->closing = true;
	flush(c);
}

void fake_reply(struct fake_conn *c, int status, const char *body)
{
	_cleanup_free_ char *text =
		mk_strdup_printf("HTTP/1.1 %d Whatever\r\nContent-Type: application/json\r\n"
				 "Set-Cookie: JSESSIONID=x\r\nContent-Length: %zu\r\n\r\n%s",
				 status, strlen(body), body);

	fake_send(c, text, strlen(text));
}

static int on_drip(sd_event_source *s, uint64_t usec, void *data)
{
	struct fake_conn *c = data;

	sd_event_source_set_time(s, mk_now_monotonic() + DRIP_USEC);
	sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
	fake_send(c, " ", 1);
	return 0;
}

void fake_drip(struct fake_conn *c)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";

	fake_send(c, head, sizeof(head) - 1);
	sd_event_add_time(c->http->event, &c->drip, CLOCK_MONOTONIC, 0, 1, on_drip, c);
}

/* ---- requests -------------------------------------------------------------------------------- */

static char *decode(const char *s, size_t size)
{
	char *out = malloc(size + 1), *p = out;

	for (size_t i = 0; out && i < size; i++) {
		if (s[i] == '%' && i + 2 < size) {
			char hex[3] = { s[i + 1], s[i + 2] };

			*p++ = (char)strtoul(hex, NULL, 16);
			i += 2;
		} else {
			*p++ = (char)(s[i] == '+' ? ' ' : s[i]);
		}
	}

	if (out)
		*p = '\0';
	return out;
}

static json_object *decode_form(const char *body)
{
	json_object *o = json_object_new_object();

	while (*body) {
		size_t size = strcspn(body, "&"), name_size = strcspn(body, "=");
		_cleanup_free_ char *name = decode(body, name_size);
		_cleanup_free_ char *value =
			decode(body + name_size + 1, size > name_size ? size - name_size - 1 : 0);

		mk_json_set_str(o, name, value);
		body += size + (body[size] == '&');
	}

	return o;
}

static bool expires_soon(const char *text)
{
	struct tm tm = {};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	time_t left = timegm(&tm) - time(NULL);

	return rest && streq(rest, "+0000") && left >= EXPIRES_LEAST && left <= EXPIRES_MOST;
}

static bool lower_case_names(json_object *params)
{
	json_object_object_foreach(params, name, value) {
		for (const char *p = name; *p; p++)
			if (isupper((unsigned char)*p))
				return false;
	}

	return true;
}

static bool acceptable(struct fake_http *h, const char *head, json_object *params)
{
	_cleanup_free_ char *signature = mk_cs_signature(params, h->secret);

	return starts_with(head, "POST /client/api HTTP/1.1\r\n") &&
	       strcasestr(head, "\r\nContent-Type: application/x-www-form-urlencoded\r\n") &&
	       strcasestr(head, "\r\nAccept-Encoding: gzip\r\n") &&
	       !strcasestr(head, "\r\nCookie:") && !strcasestr(head, "\r\nExpect:") &&
	       streq(mk_json_str(params, "response", ""), "json") &&
	       streq(mk_json_str(params, "signatureversion", ""), "3") &&
	       streq(mk_json_str(params, "apikey", ""), FAKE_API_KEY) &&
	       expires_soon(mk_json_str(params, "expires", "")) && lower_case_names(params) &&
	       signature && streq(mk_json_str(params, "signature", ""), signature);
}

/* True if a whole request was there and has been handled. */
static bool handle_one(struct fake_conn *c)
{
	_cleanup_free_ char *head = NULL, *body = NULL;
	_cleanup_json_ json_object *params = NULL;
	const char *end = c->in ? strstr(c->in, "\r\n\r\n") : NULL, *length;
	size_t head_size, body_size;

	if (!end)
		return false;
	head_size = (size_t)(end - c->in) + 4;
	length = strcasestr(c->in, "\r\nContent-Length: ");
	body_size = length && length < end ? strtoul(length + 18, NULL, 10) : 0;
	if (c->in_size < head_size + body_size)
		return false;

	head = strndup(c->in, head_size);
	body = strndup(c->in + head_size, body_size);
	c->in_size -= head_size + body_size;
	memmove(c->in, c->in + head_size + body_size, c->in_size + 1);

	params = decode_form(body);
	if (!acceptable(c->http, head, params))
		c->http->n_bad++;
	c->http->handler(c, mk_json_str(params, "command", ""), params, c->http->data);
	return true;
}

static int on_conn(sd_event_source *s, int fd, uint32_t revents, void *data)
{
	struct fake_conn *c = data;
	char buffer[4096];
	ssize_t n;

	if (revents & EPOLLOUT)
		flush(c);
	if (c->fd < 0 || !(revents & ~(uint32_t)EPOLLOUT))
		return 0;

	n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		hang_up(c);
		return 0;
	}

	append(&c->in, &c->in_size, buffer, (size_t)n);
	while (c->fd >= 0 && handle_one(c))
		;
	return 0;
}

static int on_accept(sd_event_source *s, int fd, uint32_t revents, void *data)
{
	struct fake_http *h = data;
	struct fake_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return 0;
	c->http = h;
	c->number = ++h->n_connections;
	/* cppcheck-suppress nullPointer ; accept(2) takes it */
	c->fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	c->next = h->conns;
	h->conns = c;
	if (c->fd >= 0)
		sd_event_add_io(h->event, &c->io, c->fd, EPOLLIN, on_conn, c);
	return 0;
}

/* ---- the server ------------------------------------------------------------------------------ */

struct fake_http *fake_http_new(sd_event *event, unsigned port, fake_handler handler, void *data)
{
	_cleanup_(fake_http_freep) struct fake_http *h = calloc(1, sizeof(*h));
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(sin);
	int on = 1;

	if (!h)
		return NULL;
	h->event = sd_event_ref(event);
	h->handler = handler;
	h->data = data;
	h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(h->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (h->fd < 0 || bind(h->fd, (struct sockaddr *)&sin, sizeof(sin)) < 0 ||
	    listen(h->fd, 128) < 0 || getsockname(h->fd, (struct sockaddr *)&sin, &size) < 0 ||
	    sd_event_add_io(event, &h->io, h->fd, EPOLLIN, on_accept, h) < 0)
		return NULL;

	h->port = ntohs(sin.sin_port);
	return take_ptr(h);
}

struct fake_http *fake_http_free(struct fake_http *h)
{
	struct fake_conn *c;

	if (!h)
		return NULL;
	while ((c = h->conns)) {
		h->conns = c->next;
		hang_up(c);
		free(c->in);
		free(c->out);
		free(c);
	}

	sd_event_source_disable_unref(h->io);
	sd_event_unref(h->event);
	if (h->fd >= 0)
		close(h->fd);
	free(h->secret);
	free(h);
	return NULL;
}

unsigned fake_http_port(struct fake_http *h)
{
	return h->port;
}

void fake_http_set_secret(struct fake_http *h, const char *secret)
{
	(void)mk_str_set(&h->secret, secret);
}

unsigned fake_http_connections(struct fake_http *h)
{
	return h->n_connections;
}

unsigned fake_http_bad(struct fake_http *h)
{
	return h->n_bad;
}

unsigned fake_conn_number(struct fake_conn *c)
{
	return c->number;
}
