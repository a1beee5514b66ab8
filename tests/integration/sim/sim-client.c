/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements sim-client.h: the simulator as a process, requests to it, and access to their answers. */

#include "sim-client.h"

#include "child.h"
#include "cloudstack/wire.h"
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#define ARGS_MAX   32
#define TIMEOUT_MS ((long)CHILD_TIMEOUT_MS)
#define READY      "ready http://127.0.0.1:"
#define DOOR       "door http://127.0.0.1:"

/* --- the process --- */

static bool has_umockdev(const char *const *args)
{
	for (; args && *args; args++)
		if (strstr(*args, "umockdev"))
			return true;
	return false;
}

static pid_t start(const char *const *args, int fd_out)
{
	_cleanup_free_ char *program =
		mk_strdup_printf("%s/sim/cloudstack-sim", getenv("top_builddir"));
	_cleanup_free_ char *preload = child_preload("libumockdev-preload.so.0");
	const char *const env[] = { preload, NULL };
	const char *argv[ARGS_MAX] = { program,
				       "--set=queue-ms=0" }; /* unless args say otherwise */
	pid_t pid = -1;

	for (size_t i = 0; args && args[i]; i++)
		argv[i + 2] = args[i];
	(void)child_start(argv, has_umockdev(args) ? env : NULL, fd_out, -1, &pid);
	return pid;
}

void sc_start(struct sc *c, const char *const *args)
{
	_cleanup_fclose_ FILE *out = NULL;
	char line[256];
	int fds[2];

	*c = (struct sc){ 0 };
	CU_ASSERT_FATAL(pipe2(fds, O_CLOEXEC) == 0);
	c->pid = start(args, fds[1]);
	close(fds[1]);
	out = fdopen(fds[0], "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	while (c->port == 0 && fgets(line, sizeof(line), out)) {
		(void)sscanf(line, "umockdev %127s", c->umockdev);
		if (starts_with(line, DOOR))
			c->door = (unsigned)strtoul(line + strlen(DOOR), NULL, 10);
		if (starts_with(line, READY))
			c->port = (unsigned)strtoul(line + strlen(READY), NULL, 10);
	}
	CU_ASSERT_FATAL(c->port != 0);
	c->curl = curl_easy_init();
	CU_ASSERT_PTR_NOT_NULL_FATAL(c->curl);
}

void sc_stop(struct sc *c)
{
	int status = -1;

	(void)kill(c->pid, SIGTERM);
	CU_ASSERT_EQUAL(waitpid(c->pid, &status, 0), c->pid);
	CU_ASSERT_EQUAL(status, 0);
	curl_easy_cleanup(c->curl);
	json_object_put(c->json);
	free(c->headers);
	free(c->body);
	*c = (struct sc){ 0 };
}

int sc_run(const char *const *args)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC), status = -1;
	pid_t pid = start(args, fd);

	close(fd);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- requests --- */

static size_t append(char **buffer, size_t *size, const char *data, size_t n)
{
	char *more = realloc(*buffer, *size + n + 1);

	if (!more)
		return 0;
	memcpy(more + *size, data, n);
	*buffer = more;
	*size += n;
	more[*size] = '\0';
	return n;
}

static size_t on_body(const char *data, size_t size, size_t n, void *to)
{
	struct sc *c = to;

	return append(&c->body, &c->body_size, data, n);
}

static size_t on_header(const char *data, size_t size, size_t n, void *to)
{
	struct sc *c = to;

	return append(&c->headers, &c->headers_size, data, n);
}

static void forget(struct sc *c)
{
	json_object_put(c->json);
	free(c->headers);
	free(c->body);
	c->json = NULL;
	c->headers = NULL;
	c->body = NULL;
	c->headers_size = 0;
	c->body_size = 0;
	c->status = 0;
}

long sc_request(struct sc *c, const char *method, const char *path, const char *body,
		const char *type)
{
	_cleanup_free_ char *url = mk_strdup_printf("http://127.0.0.1:%u%s", c->port, path);
	_cleanup_free_ char *header = type ? mk_strdup_printf("Content-Type: %s", type) : NULL;
	struct curl_slist *headers = header ? curl_slist_append(NULL, header) : NULL;

	forget(c);
	curl_easy_reset(c->curl);
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_PATH_AS_IS, 1L);
	/* libcurl sends a request again by itself when a kept connection is closed on it */
	curl_easy_setopt(c->curl, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, c->timeout_ms ? c->timeout_ms : TIMEOUT_MS);
	if (body)
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
	c->code = curl_easy_perform(c->curl);
	if (c->code == CURLE_OK)
		curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &c->status);
	curl_slist_free_all(headers);
	c->json = c->body ? json_tokener_parse(c->body) : NULL;
	return c->status;
}

long sc_call_json(struct sc *c, const char *method, const char *secret, json_object *params)
{
	_cleanup_free_ char *form = NULL, *path = NULL;

	mk_json_set_str(params, "apikey", SC_API_KEY);
	mk_json_set_str(params, "response", "json");
	form = mk_cs_signed_body(params, secret);
	json_object_put(params);
	CU_ASSERT_PTR_NOT_NULL_FATAL(form);
	if (streq(method, "POST"))
		return sc_request(c, method, "/client/api", form, NULL);

	path = mk_strdup_printf("/client/api?%s", form);
	return sc_request(c, method, path, NULL, NULL);
}

long sc_call_list(struct sc *c, const char *method, const char *const *texts)
{
	json_object *params = json_object_new_object();

	mk_json_set_str(params, "command", texts[0]);
	for (texts++; *texts; texts += 2)
		mk_json_set_str(params, texts[0], texts[1]);
	return sc_call_json(c, method, SC_SECRET, params);
}

void sc_admin(struct sc *c, const char *what, const char *body)
{
	_cleanup_free_ char *path = mk_strdup_printf("/admin/%s", what);

	if (sc_request(c, "POST", path, body, "application/json") != 200)
		tap_note("admin %s %s: %ld %s", what, body, c->status, str_or_empty(c->body));
	CU_ASSERT_EQUAL_FATAL(c->status, 200);
}

json_object *sc_admin_get(struct sc *c, const char *what)
{
	_cleanup_free_ char *path = mk_strdup_printf("/admin/%s", what);

	CU_ASSERT_EQUAL_FATAL(sc_request(c, "GET", path, NULL, NULL), 200);
	return json_object_get(c->json);
}

/* --- the answer --- */

json_object *sc_root(struct sc *c, const char **ret_key)
{
	json_object *root = NULL;

	if (ret_key)
		*ret_key = "";
	if (!json_object_is_type(c->json, json_type_object))
		return NULL;

	json_object_object_foreach(c->json, key, value) {
		root = value;
		if (ret_key)
			*ret_key = key;
	}
	return root;
}

const char *sc_error(struct sc *c)
{
	return mk_json_str(sc_root(c, NULL), "errortext", "");
}

int64_t sc_int(struct sc *c, const char *key)
{
	return mk_json_int(sc_root(c, NULL), key, -1);
}

const char *sc_str(struct sc *c, const char *key)
{
	return mk_json_str(sc_root(c, NULL), key, "");
}

const char *sc_header(struct sc *c, const char *name)
{
	static char value[512];
	size_t n = strlen(name);

	for (const char *s = c->headers; s && *s; s = strstr(s, "\r\n") + 2) {
		if (strncasecmp(s, name, n) != 0 || s[n] != ':')
			continue;
		s += n + 1;
		s += strspn(s, " ");
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(s, "\r"), s);
		return value;
	}
	return NULL;
}
