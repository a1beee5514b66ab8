/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts cloudstack-sim: command line, set-up, and the event loop. See README.md. */

#include "api/api.h"
#include "commands/commands.h"
#include "http/jetty.h"

#include <assert.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>

/* Those of the test vectors; README.md tells them. */
#define DEMO_API_KEY "mK7-demoKey_0123456789abcdefABCDEF"
#define DEMO_SECRET  "s3cr3t-DEMO_key-0123456789-abcdefghijklmnop"
#define SECRET_MAX   1024
#define SEED_MAX     (16 * 1024 * 1024)

struct options {
	uint16_t port;
	bool door;
	const char *api_key, *secret_file, *seed;
	const char **set; /* KEY=VALUE, NULL-terminated */
	size_t n_set;
	const char *hypervisor;
};

static const char usage[] =
	"cloudstack-sim [OPTION...]\n"
	"A CloudStack for tests, on 127.0.0.1.\n"
	"\n"
	"  --port N                listen there (default: any free port)\n"
	"  --door                  serve the API on a second port, which can be closed\n"
	"  --api-key KEY           the account's (default: a fixed demo key)\n"
	"  --secret-key-file FILE  the account's secret key (default: a fixed demo key)\n"
	"  --set KEY=VALUE         a setting; may be repeated\n"
	"  --seed FILE             JSON: zones, offerings, VMs and volumes to begin with\n"
	"  --hypervisor umockdev   plug disks into a mocked /sys and /dev (run under "
	"umockdev-wrapper)\n"
	"  --hypervisor qmp:SOCKET plug disks into the guest of a QEMU\n"
	"  --help\n";

static _printf_(1, 2) int complain(const char *fmt, ...)
{
	va_list ap;

	fputs("cloudstack-sim: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -EINVAL;
}

/* --- command line --- */

static int parse_port(const char *s, uint16_t *ret)
{
	unsigned long n;

	if (!*s || strspn(s, "0123456789") != strlen(s) || strlen(s) > 5)
		return complain("bad port '%s'", s);
	n = strtoul(s, NULL, 10);
	if (n > UINT16_MAX)
		return complain("bad port '%s'", s);

	*ret = (uint16_t)n;
	return 0;
}

static int add_set(struct options *o, const char *s)
{
	const char **more = reallocarray(o->set, o->n_set + 1, sizeof(*more));

	assert(s); /* required_argument */
	if (!more)
		return -ENOMEM;

	o->set = more;
	o->set[o->n_set++] = s;
	return 0;
}

static int parse_option(struct options *o, int c, const char *value)
{
	switch (c) {
	case 'p':
		return parse_port(value, &o->port);
	case 'o':
		o->door = true;
		return 0;
	case 'k':
		o->api_key = value;
		return 0;
	case 'f':
		o->secret_file = value;
		return 0;
	case 's':
		return add_set(o, value);
	case 'd':
		o->seed = value;
		return 0;
	case 'v':
		o->hypervisor = value;
		return 0;
	default:
		return -EINVAL; /* getopt_long() has complained */
	}
}

/* 0, 1 after --help, or a negative errno. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "door", no_argument, NULL, 'o' },
		{ "api-key", required_argument, NULL, 'k' },
		{ "secret-key-file", required_argument, NULL, 'f' },
		{ "set", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'd' },
		{ "hypervisor", required_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	/* one thread, at start */
	while ((c = getopt_long(argc, argv, "", known, NULL)) >=
	       0) { // NOLINT(concurrency-mt-unsafe)
		int r;

		if (c == 'h') {
			fputs(usage, stdout);
			return 1;
		}
		r = parse_option(o, c, optarg);
		if (r < 0)
			return r;
	}

	return optind == argc ? 0 : complain("unexpected argument '%s'", argv[optind]);
}

/* --- start --- */

static char *read_file(const char *path, size_t max)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *text = NULL;
	size_t n;

	if (!f)
		return NULL;
	text = malloc(max + 1);
	if (!text)
		return NULL;

	n = fread(text, 1, max, f);
	if (ferror(f) || !feof(f))
		return NULL;
	text[n] = '\0';
	return take_ptr(text);
}

static int read_keys(struct server *s, const struct options *o)
{
	_cleanup_free_ char *secret =
		o->secret_file ? read_file(o->secret_file, SECRET_MAX) : strdup(DEMO_SECRET);

	if (!secret)
		return complain("cannot read the secret key");

	secret[strcspn(secret, "\r\n")] = '\0';
	sim_set_keys(s->sim, o->api_key ? o->api_key : DEMO_API_KEY, secret);
	return 0;
}

static int apply_settings(struct server *s, const struct options *o)
{
	for (size_t i = 0; i < o->n_set; i++) {
		const char *equals = strchr(o->set[i], '=');
		_cleanup_free_ char *key = NULL;

		if (!equals)
			return complain("--set needs KEY=VALUE, not '%s'", o->set[i]);
		key = strndup(o->set[i], (size_t)(equals - o->set[i]));
		if (!key || server_set(s, key, equals + 1) < 0)
			return complain("no setting '%s', or a bad value", o->set[i]);
	}
	return 0;
}

static int apply_seed(struct server *s, const char *path)
{
	_cleanup_free_ char *text = path ? read_file(path, SEED_MAX) : NULL, *why = NULL;
	_cleanup_json_ json_object *seed = text ? json_tokener_parse(text) : NULL;

	if (!path)
		return 0;
	if (!json_object_is_type(seed, json_type_object))
		return complain("cannot read a JSON object from %s", path);
	if (sim_seed(s->sim, seed, &why) < 0)
		return complain("%s: %s", path, str_or_empty(why));
	return 0;
}

static int start_hypervisor(struct server *s, const char *name)
{
	const char *tmp = getenv("TMPDIR");
	int r;

	if (tmp && (streq(tmp, "/dev") || starts_with(tmp, "/dev/")) && streq(name, "umockdev"))
		return complain("TMPDIR is %s: umockdev takes every file below /dev for a device; "
				"choose another",
				tmp);

	r = hypervisor_new(name, s->event, s->log, &s->hv);
	if (r == -ENOTSUP)
		return complain("--hypervisor umockdev needs umockdev-wrapper around this program");
	if (r == -EINVAL)
		return complain("no such hypervisor '%s'", name);
	if (r < 0)
		return complain("cannot make the hypervisor: %s", strerror(-r));
	return 0;
}

static void reply_elsewhere(struct http_request *r)
{
	struct http_answer answer;

	jetty_elsewhere(&answer, http_path(r), http_query(r), http_host(r));
	http_reply(r, &answer, HTTP_SEND, 0);
}

static void on_request(struct http_request *r, void *data)
{
	struct server *s = data;
	const char *path = http_path(r);

	if (streq(path, "/client/api") || starts_with(path, "/client/api/"))
		api_handle(s, r);
	else if (starts_with(path, "/admin/"))
		admin_handle(s, r);
	else
		reply_elsewhere(r);
}

/* Not for tests' own requests: it may be closed. */
static void on_door_request(struct http_request *r, void *data)
{
	if (starts_with(http_path(r), "/admin/"))
		reply_elsewhere(r);
	else
		on_request(r, data);
}

static int start(struct server *s, const struct options *o)
{
	int r = log_new(s->event, &s->log);

	if (r >= 0)
		r = sim_new(s->event, log_executed, s->log, &s->sim);
	if (r >= 0)
		r = read_keys(s, o);
	if (r >= 0 && o->hypervisor)
		r = start_hypervisor(s, o->hypervisor);
	if (r >= 0)
		r = apply_settings(s, o);
	if (r >= 0 && s->hv)
		hypervisor_boot(s->hv, s->sim);
	if (r >= 0)
		r = apply_seed(s, o->seed);
	if (r < 0)
		return r;

	r = nodes_begin(s);
	if (r < 0)
		return r;
	r = http_new(s->event, o->port, on_request, s, &s->http);
	if (r >= 0 && o->door)
		r = http_new(s->event, 0, on_door_request, s, &s->door);
	return r < 0 ? complain("cannot listen: %s", strerror(-r)) : 0;
}

static void stop(struct server *s)
{
	nodes_end(s);
	http_free(s->http);
	http_free(s->door);
	sim_free(s->sim);
	hypervisor_free(s->hv);
	faults_clear(&s->faults);
	log_free(s->log);
	sd_event_unref(s->event);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *data)
{
	struct server *s = data;

	return sd_event_exit(s->event, 0);
}

/* Before anything could start a thread: the mask is inherited. */
static int watch_signals(struct server *s)
{
	sigset_t mask;
	int r;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	r = sd_event_new(&s->event);
	if (r >= 0)
		r = sd_event_add_signal(s->event, NULL, SIGTERM, on_signal, s);
	if (r >= 0)
		r = sd_event_add_signal(s->event, NULL, SIGINT, on_signal, s);
	return r;
}

int main(int argc, char **argv)
{
	struct server s = { .faults = TAILQ_HEAD_INITIALIZER(s.faults) };
	struct options o = { 0 };
	int r = parse_options(argc, argv, &o);

	if (r != 0) {
		free(o.set);
		return r > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}

	r = watch_signals(&s);
	if (r >= 0)
		r = start(&s, &o);
	if (r >= 0) {
		if (s.hv && hypervisor_announce(s.hv))
			printf("%s\n", hypervisor_announce(s.hv));
		if (s.door)
			printf("door http://127.0.0.1:%u/client/api\n", http_port(s.door));
		printf("ready http://127.0.0.1:%u/client/api\n", http_port(s.http));
		(void)fflush(stdout);
		r = sd_event_loop(s.event);
	}

	stop(&s);
	free(o.set);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
