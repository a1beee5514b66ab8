/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One try of a request: makes its curl handle and signed body, and decides what the end of the
 * transfer means. */

#include "cloudstack-internal.h"

#include "wire.h"

#include <strings.h>
#include <time.h>

#define EXPIRES_S   (10 * 60) /* CloudStack takes at most 15 minutes when it enforces */
#define IDLE_MAX_S  25L       /* Jetty closes idle connections after 30 s */
#define CONNECT_MAX (10 * USEC_PER_SEC)
#define WRITE_CONNECT_MAX                                                                          \
	(5 * USEC_PER_SEC) /* a command leaves while the look that asked for it is fresh */
#define LISTALL "listall"

/* ---- the body -------------------------------------------------------------------------------- */

static void set_expires(json_object *params)
{
	time_t t = (time_t)(mk_now_realtime() / USEC_PER_SEC) + EXPIRES_S;
	struct tm tm;
	char text[32];

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S+0000", &tm);
	mk_json_set_str(params, "expires", text);
}

static void set_page(json_object *params, const struct mk_cs_request *q)
{
	mk_json_set_int(params, "page", q->page);
	mk_json_set_int(params, "pagesize", q->cs->page_size);
}

static char *make_body(const struct mk_cs_request *q)
{
	_cleanup_json_ json_object *params = json_object_new_object();

	if (!params)
		return NULL;

	if (q->params) {
		json_object_object_foreach(q->params, name, value) {
			json_object_object_add(params, name, json_object_get(value));
		}
	}

	mk_json_set_str(params, "command", q->command);
	mk_json_set_str(params, "response", "json");
	mk_json_set_str(params, "apikey", q->cs->settings.api_key);
	mk_json_set_str(params, "signatureversion", "3");
	set_expires(params);
	if (q->list_key)
		set_page(params, q);
	if (!q->write && mk_cs_list_takes_listall(q->command) && !mk_json_get(params, LISTALL))
		mk_json_set_str(params, LISTALL, "true");

	return mk_cs_signed_body(params, q->cs->settings.secret_key);
}

/* ---- curl's callbacks ------------------------------------------------------------------------ */

static size_t on_send(char *buffer, size_t size, size_t n, void *data)
{
	struct mk_cs_try *t = data;
	size_t left = t->body_size - t->body_pos, take = size * n < left ? size * n : left;

	memcpy(buffer, t->body + t->body_pos, take);
	t->body_pos += take;
	return take;
}

/*
 * curl asks for the body's start again when a connection that it reused turns out dead after the
 * body was sent. For a write that is refused: CloudStack may have run it.
 */
static int on_rewind(void *data, curl_off_t offset, int origin)
{
	struct mk_cs_request *q = data;

	if (q->write && q->try.body_pos > 0)
		return CURL_SEEKFUNC_FAIL;
	if (origin != SEEK_SET || offset != 0)
		return CURL_SEEKFUNC_FAIL;

	q->try.body_pos = 0;
	return CURL_SEEKFUNC_OK;
}

static size_t on_receive(char *data, size_t size, size_t n, void *userdata)
{
	struct mk_cs_try *t = userdata;
	size_t more = size * n;

	if (more > MK_CS_REPLY_MAX - t->size) {
		t->too_large = true;
		return 0;
	}

	if (t->size + more > t->capacity) {
		size_t capacity = t->capacity ? t->capacity * 2 : 4096;
		char *p;

		while (capacity < t->size + more)
			capacity *= 2;
		p = realloc(t->data, capacity);
		if (!p)
			return 0;
		t->data = p;
		t->capacity = capacity;
	}

	memcpy(t->data + t->size, data, more);
	t->size += more;
	return more;
}

/* ---- a try's life ---------------------------------------------------------------------------- */

static void set_tls(CURL *easy, const struct mk_cs_settings *s)
{
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, s->insecure ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, s->insecure ? 0L : 2L);
	if (s->ca_file) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, s->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* that authority and no other */
	}
}

static void set_limits(CURL *easy, const struct mk_cs_request *q)
{
	const struct mk_cs_settings *s = &q->cs->settings;
	uint64_t limit = q->sync ? s->sync_timeout : s->read_timeout;
	uint64_t connect = q->write ? WRITE_CONNECT_MAX : CONNECT_MAX;

	if (connect > s->read_timeout)
		connect = s->read_timeout;

	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(limit / USEC_PER_MSEC));
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect / USEC_PER_MSEC));
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, q->sync ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* else a cancel waits for the resolver's thread, and the loop with it */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
}

static void set_request(CURL *easy, struct mk_cs_request *q)
{
	struct mk_cs *cs = q->cs;

	curl_easy_setopt(easy, CURLOPT_URL, cs->settings.url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* nothing from the environment */
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, cs->headers);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->try.body_size);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
	curl_easy_setopt(easy, CURLOPT_READDATA, &q->try);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_rewind);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, q);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_receive);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &q->try);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, q->try.error);
}

/* The handle has been taken out of curl's hands already. */
static void forget(struct mk_cs_try *t)
{
	curl_easy_cleanup(t->easy);
	if (t->body)
		explicit_bzero(t->body, t->body_size);
	free(t->body);
	free(t->data);
	*t = (struct mk_cs_try){};
}

int mk_cs_try_start(struct mk_cs_request *q)
{
	struct mk_cs_try *t = &q->try;

	t->easy = curl_easy_init();
	t->body = make_body(q);
	if (!t->easy || !t->body) {
		forget(t);
		return -ENOMEM;
	}

	t->body_size = strlen(t->body);
	set_request(t->easy, q);
	set_limits(t->easy, q);
	set_tls(t->easy, &q->cs->settings);

	if (mk_curl_add(q->cs->curl, t->easy, q) < 0) {
		forget(t);
		return -ENOMEM;
	}

	return 0;
}

void mk_cs_try_stop(struct mk_cs_request *q)
{
	if (!q->try.easy)
		return;

	mk_curl_remove(q->cs->curl, q->try.easy);
	forget(&q->try);
}

/* ---- what the end means ---------------------------------------------------------------------- */

static bool is_tls_problem(CURLcode result)
{
	return result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE ||
	       result == CURLE_SSL_CONNECT_ERROR || result == CURLE_SSL_CERTPROBLEM ||
	       result == CURLE_SSL_ISSUER_ERROR || result == CURLE_SSL_INVALIDCERTSTATUS;
}

static char *why_failed(const struct mk_cs_request *q, CURLcode result)
{
	const struct mk_cs_try *t = &q->try;
	const char *url = q->cs->settings.url;
	const char *detail = *t->error ? t->error : curl_easy_strerror(result);

	if (result == CURLE_SEND_FAIL_REWIND)
		detail = "it was closed before an answer came"; /* on_rewind */

	if (t->too_large)
		return mk_strdup_printf("CloudStack's reply to %s is larger than %u MiB",
					q->command, MK_CS_REPLY_MAX >> 20);
	if (is_tls_problem(result))
		return mk_strdup_printf(
			"No trusted TLS connection to CloudStack at %s: %s; check the "
			"server's certificate and the key ca-file",
			url, detail);
	if (t->body_pos == 0)
		return mk_strdup_printf("No connection to CloudStack at %s: %s", url, detail);
	if (result == CURLE_OPERATION_TIMEDOUT)
		return mk_strdup_printf("CloudStack at %s did not answer %s in time: %s", url,
					q->command, detail);

	return mk_strdup_printf("The connection to CloudStack at %s broke during %s: %s", url,
				q->command, detail);
}

static char *why_garbled(const struct mk_cs_request *q, long status, const char *what)
{
	return mk_strdup_printf("What answered %s at %s does not look like CloudStack: HTTP status "
				"%ld, and %s",
				q->command, q->cs->settings.url, status, what);
}

static void judge_error(const struct mk_cs_request *q, struct mk_cs_verdict *v)
{
	v->kind = MK_CS_ERROR;
	v->outcome = MK_CS_REFUSED;

	switch (v->body.code) {
	case 401:
		/* an unknown command has the root key of no command */
		if (streq(v->body.root, "errorresponse"))
			v->outcome = MK_CS_NO_COMMAND;
		else
			v->kind = MK_CS_CREDENTIALS;
		break;
	case 429:
		v->kind = MK_CS_LIMITED;
		break;
	case 432:
		/* from the sync path: our role, or a project that we are no member of; resize's refusals, the other
		 * 432, come in jobs */
		v->outcome = MK_CS_NO_COMMAND;
		break;
	case 503:
		v->kind = MK_CS_NOT_NOW;
		break;
	case 530:
	case 533:
	case 534:
	case 536:
		if (!q->write)
			v->kind = MK_CS_TROUBLE;
		break;
	default:
		break;
	}
}

/* An asynchronous command's answer names the job; a synchronous one's says if it worked. */
int mk_cs_check_write(struct mk_cs_request *q, json_object *object, char **ret_why)
{
	json_object *v = mk_json_get(object, q->sync ? "success" : "jobid");
	const char *text = v ? json_object_get_string(v) : NULL;

	if (q->sync && (!v || streq(text, "true")))
		return 0;
	if (!q->sync && v && *text &&
	    (json_object_is_type(v, json_type_string) || json_object_is_type(v, json_type_int)))
		return 0;

	*ret_why = q->sync ? mk_strdup_printf("the reply does not say success: %s",
					      mk_json_str(object, "displaytext", "no text"))
			   : strdup("the reply names no job");
	return -EBADMSG;
}

/* "listvolumesresponse", or "errorresponse" of an error; whoever else answers has another one. */
static bool is_root_of(const struct mk_cs_body *body, const char *command)
{
	size_t n = strlen(command);

	if (body->code > 0 && streq(body->root, "errorresponse"))
		return true;
	return strncasecmp(body->root, command, n) == 0 && streq(body->root + n, "response");
}

/* The body decides; the status is only asked where the body names no error. */
static void judge_body(struct mk_cs_request *q, long status, struct mk_cs_verdict *v)
{
	_cleanup_free_ char *what = NULL;
	int r;

	v->kind = MK_CS_GARBLED;
	r = mk_cs_body_parse(str_or_empty(q->try.data), q->try.size, &v->body, &what);
	if (r == 0 && !is_root_of(&v->body, q->command)) {
		what = strdup("the reply's root key is not this command's");
		r = -EBADMSG;
	}
	if (r == 0 && v->body.code > 0) {
		judge_error(q, v);
		return;
	}

	if (r < 0 || status < 200 || status > 299) {
		v->why = why_garbled(q, status, what ? what : "the reply names no error");
		mk_cs_body_done(&v->body);
		return;
	}

	r = q->check ? q->check(q, v->body.object, &what) : 0;
	if (r == 0)
		v->kind = MK_CS_ANSWER;
	else
		v->why = mk_strdup_printf("CloudStack's answer to %s cannot be used: %s",
					  q->command, str_or_empty(what));
}

void mk_cs_try_end(struct mk_cs_request *q, CURLcode result, struct mk_cs_verdict *ret)
{
	long status = 0;

	*ret = (struct mk_cs_verdict){};
	curl_easy_getinfo(q->try.easy, CURLINFO_RESPONSE_CODE, &status);

	if (result == CURLE_OK) {
		judge_body(q, status, ret);
	} else {
		/* the keys are in the body: without it there is nothing to run */
		ret->kind = q->try.body_pos == 0 ? MK_CS_NOT_SENT : MK_CS_GARBLED;
		ret->why = why_failed(q, result);
	}

	forget(&q->try);
}

void mk_cs_verdict_done(struct mk_cs_verdict *v)
{
	mk_cs_body_done(&v->body);
	free(v->why);
}
