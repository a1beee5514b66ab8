/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements testsim.h: starts the simulator, and sends requests to it by libcurl. */

#include "testsim.h"

#include "child.h"
#include "tap.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#define ARGS_MAX  32
#define LINE_SIZE 512
#define READY     "ready "
#define UMOCKDEV  "umockdev "
#define DOOR      "door "

struct th_sim {
	pid_t pid;
	CURL *curl;
	char url[LINE_SIZE], base[LINE_SIZE], umockdev[LINE_SIZE], door[LINE_SIZE];
	unsigned port;
};

unsigned th_queue_ms;

/* True if it is to be preloaded with umockdev's library. */
static bool build_argv(const char *program, const char *queue, const char *const *args,
		       const char *argv[ARGS_MAX])
{
	bool umockdev = false;
	size_t n = 0;

	argv[n++] = program;
	argv[n++] = queue;
	for (; args && *args && n < ARGS_MAX - 1; args++) {
		umockdev = umockdev || strstr(*args, "umockdev");
		argv[n++] = *args;
	}
	argv[n] = NULL;
	return umockdev;
}

/* "http://127.0.0.1:PORT/client/api": what comes before the path. */
static bool take_url(struct th_sim *sim, const char *url)
{
	const char *port = strrchr(url, ':');

	snprintf(sim->url, sizeof(sim->url), "%s", url);
	sim->port = port ? (unsigned)strtoul(port + 1, NULL, 10) : 0;
	return sim->port != 0 &&
	       snprintf(sim->base, sizeof(sim->base), "http://127.0.0.1:%u/admin/", sim->port) > 0;
}

static bool read_ready(struct th_sim *sim, int fd)
{
	char line[LINE_SIZE];

	while (child_read_line(fd, line, sizeof(line)) == 0) {
		if (starts_with(line, UMOCKDEV))
			snprintf(sim->umockdev, sizeof(sim->umockdev), "%s",
				 line + strlen(UMOCKDEV));
		if (starts_with(line, DOOR))
			snprintf(sim->door, sizeof(sim->door), "%s", line + strlen(DOOR));
		if (starts_with(line, READY))
			return take_url(sim, line + strlen(READY));
	}
	return false;
}

struct th_sim *th_start(const char *const *args, int fd_log)
{
	const char *other = getenv("MK_SIMULATOR");
	_cleanup_free_ char *program =
		other ? strdup(other)
		      : mk_strdup_printf("%s/sim/cloudstack-sim", getenv("top_builddir"));
	_cleanup_free_ char *preload = other ? strdup("LD_PRELOAD=libumockdev-preload.so.0")
					     : child_preload("libumockdev-preload.so.0");
	_cleanup_free_ char *queue = mk_strdup_printf("--set=queue-ms=%u", th_queue_ms);
	const char *const env[] = { preload, NULL };
	struct th_sim *sim = calloc(1, sizeof(*sim));
	const char *argv[ARGS_MAX];
	bool ready = false, umockdev;
	int fds[2];

	if (!sim || pipe2(fds, O_CLOEXEC) < 0) {
		free(sim);
		return NULL;
	}

	umockdev = build_argv(program, queue, args, argv);
	if (child_start(argv, umockdev ? env : NULL, fds[1], fd_log, &sim->pid) == 0) {
		close(fds[1]);
		ready = read_ready(sim, fds[0]);
	} else {
		close(fds[1]);
	}
	close(fds[0]);
	sim->curl = ready ? curl_easy_init() : NULL;
	if (!sim->curl) {
		tap_note("the simulator does not start");
		(void)th_stop(sim);
		return NULL;
	}

	return sim;
}

bool th_stop(struct th_sim *sim)
{
	int status = 0;

	if (!sim)
		return true;

	if (sim->pid > 0)
		status = child_stop(sim->pid, SIGTERM);
	curl_easy_cleanup(sim->curl);
	free(sim);
	if (status != 0)
		tap_note("the simulator ended with status 0x%x", (unsigned)status);
	return status == 0;
}

const char *th_url(const struct th_sim *sim)
{
	return sim->url;
}

const char *th_door(const struct th_sim *sim)
{
	return *sim->door ? sim->door : sim->url;
}

unsigned th_port(const struct th_sim *sim)
{
	return sim->port;
}

pid_t th_pid(const struct th_sim *sim)
{
	return sim->pid;
}

const char *th_umockdev(const struct th_sim *sim)
{
	return sim->umockdev;
}

struct body {
	char *text;
	size_t n, size;
};

static size_t on_body(const char *data, size_t size, size_t n, void *to)
{
	struct body *body = to;

	if (body->n + n >= body->size) {
		char *longer;

		body->size = 2 * (body->n + n + 1);
		longer = realloc(body->text, body->size);
		if (!longer)
			abort();
		body->text = longer;
	}
	memcpy(body->text + body->n, data, n);
	body->n += n;
	body->text[body->n] = '\0';
	return n;
}

static long perform(CURL *curl, const char *url, const char *type, const char *post,
		    struct body *body)
{
	struct curl_slist *headers = curl_slist_append(NULL, type);
	long status = 0;

	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)CHILD_TIMEOUT_MS);
	if (post)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, post);
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	return status;
}

json_object *th_admin(struct th_sim *sim, const char *what, const char *body)
{
	_cleanup_free_ char *url = mk_strdup_printf("%s%s", sim->base, what);
	struct body answer = { 0 };
	json_object *o = NULL;
	long status;

	status = perform(sim->curl, url, "Content-Type: application/json", body, &answer);
	if (status == 200)
		o = json_tokener_parse(answer.text ? answer.text : "");
	if (!o)
		tap_note("admin %s %s: %ld %s", what, str_or_empty(body), status,
			 str_or_empty(answer.text));
	free(answer.text);
	return o;
}

json_object *th_api(struct th_sim *sim, const char *signed_body)
{
	struct body answer = { 0 };
	json_object *o;

	(void)perform(sim->curl, sim->url, "Content-Type: application/x-www-form-urlencoded",
		      signed_body, &answer);
	o = json_tokener_parse(answer.text ? answer.text : "");
	free(answer.text);
	return o;
}
