/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a server that lags behind shows: the world as it was lag-ms ago. Whenever something may have changed, the
 * process forks; the child keeps the world of that moment, and answers lists from it until it is too old. So a moment
 * needs no code that knows what a world is made of. There are about STEPS moments at a time, and none without lag-ms.
 */

#include "api-internal.h"
#include "model/model.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define STEPS       16 /* moments within lag-ms */
#define STEP_MIN_US (5 * USEC_PER_MSEC)
#define CHILD_FD    3
#define SIZE_MOST   (64U * 1024 * 1024)

struct moment {
	TAILQ_ENTRY(moment) link;
	uint64_t at;
	pid_t pid;
	int fd;
};

struct past {
	sd_event *event;
	struct sim *sim;
	sd_event_source *post, *timer;
	TAILQ_HEAD(moments, moment) moments; /* oldest first */
};

/* --- messages: a JSON text after its size --- */

static int write_all(int fd, const void *data, size_t size)
{
	for (const char *p = data; size > 0;) {
		ssize_t n = send(fd, p, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

static int read_all(int fd, void *data, size_t size)
{
	for (char *p = data; size > 0;) {
		ssize_t n = recv(fd, p, size, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

static int tell(int fd, json_object *o)
{
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	uint32_t size = (uint32_t)strlen(text);
	int r = write_all(fd, &size, sizeof(size));

	return r < 0 ? r : write_all(fd, text, size);
}

static json_object *hear(int fd)
{
	_cleanup_free_ char *text = NULL;
	uint32_t size;

	if (read_all(fd, &size, sizeof(size)) < 0 || size > SIZE_MOST)
		return NULL;
	text = calloc(1, (size_t)size + 1);
	if (!text || read_all(fd, text, size) < 0)
		return NULL;
	return json_tokener_parse(text);
}

/* --- the child --- */

static json_object *answer(struct sim *sim, json_object *question)
{
	struct sim_call call = { .command = mk_json_str(question, "command", ""),
				 .params = mk_json_get(question, "params") };
	json_object *o = json_object_new_object();
	struct sim_answer a;
	const char *secret;

	call.caller = sim_caller(sim, mk_json_str(question, "apikey", ""), &secret);
	sim_call(sim, &call, &a);
	mk_json_set_int(o, "status", a.status);
	mk_json_set_str(o, "description", a.description);
	json_object_object_add(o, "body", json_object_get(a.body));
	sim_answer_done(&a);
	return o;
}

/* It must not keep the parent's connections open. */
static _Noreturn void remember(struct past *p, int fd)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd != CHILD_FD && dup2(fd, CHILD_FD) < 0)
		_exit(EXIT_FAILURE);
	(void)close_range(0, 1, 0);
	(void)close_range(CHILD_FD + 1, ~0U, 0);

	for (;;) {
		_cleanup_json_ json_object *question = hear(CHILD_FD), *o = NULL;

		if (!question)
			_exit(EXIT_SUCCESS);
		o = answer(p->sim, question);
		if (tell(CHILD_FD, o) < 0)
			_exit(EXIT_FAILURE);
	}
}

/* --- moments --- */

static void forget(struct past *p, struct moment *m)
{
	TAILQ_REMOVE(&p->moments, m, link);
	close(m->fd);
	(void)kill(m->pid, SIGKILL);
	(void)waitpid(m->pid, NULL, 0);
	free(m);
}

static int add_moment(struct past *p)
{
	struct moment *m = calloc(1, sizeof(*m));
	int fds[2];

	if (!m)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		free(m);
		return -errno;
	}

	m->at = mk_now_monotonic();
	m->fd = fds[0];
	m->pid = fork();
	if (m->pid == 0)
		remember(p, fds[1]);
	close(fds[1]);
	if (m->pid < 0) {
		close(m->fd);
		free(m);
		return -EAGAIN;
	}
	TAILQ_INSERT_TAIL(&p->moments, m, link);
	return 0;
}

/* The newest that is old enough, or the oldest. */
static struct moment *find(struct past *p, uint64_t at)
{
	struct moment *m, *found = TAILQ_FIRST(&p->moments);

	TAILQ_FOREACH(m, &p->moments, link)
		if (m->at <= at)
			found = m;
	return found;
}

static uint64_t lag(struct past *p)
{
	if (!streq(sim_get_text(p->sim, "servers"), "2"))
		return 0;
	return (uint64_t)sim_get(p->sim, "lag-ms") * USEC_PER_MSEC;
}

static void forget_old(struct past *p, uint64_t us)
{
	struct moment *keep = us > 0 ? find(p, mk_now_monotonic() - us) : NULL, *m;

	while ((m = TAILQ_FIRST(&p->moments)) && m != keep)
		forget(p, m);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *data)
{
	struct past *p = data;

	p->timer = sd_event_source_disable_unref(p->timer);
	return 0; /* on_turn() comes next */
}

/* The end of a turn of the loop, in which anything may have changed. */
static int on_turn(sd_event_source *s, void *data)
{
	struct past *p = data;
	uint64_t us = lag(p), step = us / STEPS > STEP_MIN_US ? us / STEPS : STEP_MIN_US;
	struct moment *last = TAILQ_LAST(&p->moments, moments);

	forget_old(p, us);
	if (us == 0)
		return 0;
	if (last && mk_now_monotonic() < last->at + step) {
		if (!p->timer)
			(void)sd_event_add_time(p->event, &p->timer, CLOCK_MONOTONIC,
						last->at + step, 1, on_timer, p);
		return 0;
	}
	(void)add_moment(p);
	return 0;
}

/* --- its face --- */

static int ask(struct moment *m, const struct sim_call *call, const char *api_key,
	       struct sim_answer *ret)
{
	_cleanup_json_ json_object *question = json_object_new_object(), *o = NULL;

	mk_json_set_str(question, "command", call->command);
	mk_json_set_str(question, "apikey", api_key);
	json_object_object_add(question, "params", json_object_get(call->params));
	if (tell(m->fd, question) < 0)
		return -EIO;
	o = hear(m->fd);
	if (!o)
		return -EIO;

	*ret = (struct sim_answer){ .status = (int)mk_json_int(o, "status", 0),
				    .body = json_object_get(mk_json_get(o, "body")) };
	if (mk_json_str(o, "description", NULL))
		ret->description = strdup(mk_json_str(o, "description", ""));
	return 0;
}

int past_call(struct past *p, const struct sim_call *call, const char *api_key,
	      struct sim_answer *ret)
{
	uint64_t us = lag(p);
	struct moment *m = us > 0 ? find(p, mk_now_monotonic() - us) : NULL;
	int r = m ? ask(m, call, api_key, ret) : -ENOENT;

	if (m && r < 0)
		forget(p, m);
	return r;
}

int past_new(sd_event *event, struct sim *sim, struct past **ret)
{
	struct past *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;

	p->event = sd_event_ref(event);
	p->sim = sim;
	TAILQ_INIT(&p->moments);
	r = sd_event_add_post(event, &p->post, on_turn, p);
	if (r < 0) {
		past_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct past *past_free(struct past *p)
{
	if (!p)
		return NULL;

	forget_old(p, 0);
	sd_event_source_disable_unref(p->post);
	sd_event_source_disable_unref(p->timer);
	sd_event_unref(p->event);
	free(p);
	return NULL;
}
