/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connects libdbus to sd-event: watches, timeouts, and the dispatch of messages with back-pressure. loop-internal.h
 * has the rules. */

#include "loop-internal.h"

#include "base/base.h"

#include <sys/epoll.h>

#define WATCHES_MAX    4    /* libdbus uses two */
#define TIMER_ACCURACY 1000 /* µs; 0 would mean 250 ms */

/* One descriptor with its watches. Counted: a watch's handler may remove the watch. */
struct fd_source {
	unsigned n_ref;
	int fd;
	DBusWatch *watches[WATCHES_MAX];
	sd_event_source *io;
	struct mk_loop_dbus *loop; /* borrowed; NULL once unlinked */
	struct fd_source *next;
};

struct timer {
	DBusTimeout *timeout; /* borrowed */
	sd_event_source *source;
	struct mk_loop_dbus *loop; /* borrowed */
};

struct mk_loop_dbus {
	sd_event *event;
	DBusConnection *connection; /* one of these two */
	DBusServer *server;
	struct fd_source *fds;
	sd_event_source *dispatch; /* of a connection */
};

/* ---- watches -------------------------------------------------------------------------------------------- */

static void fd_source_unref(struct fd_source *s)
{
	if (--s->n_ref == 0)
		free(s);
}

static bool has_watch(const struct fd_source *s, const DBusWatch *watch)
{
	for (size_t i = 0; i < WATCHES_MAX; i++)
		if (s->watches[i] == watch)
			return true;
	return false;
}

static void update_mask(struct fd_source *s)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < WATCHES_MAX; i++) {
		unsigned flags;

		if (!s->watches[i] || !dbus_watch_get_enabled(s->watches[i]))
			continue;
		flags = dbus_watch_get_flags(s->watches[i]);
		mask |= (flags & DBUS_WATCH_READABLE ? EPOLLIN : 0) |
			(flags & DBUS_WATCH_WRITABLE ? EPOLLOUT : 0);
	}

	if (mask)
		(void)sd_event_source_set_io_events(s->io, mask);
	(void)sd_event_source_set_enabled(s->io, mask ? SD_EVENT_ON : SD_EVENT_OFF);
}

static bool congested(DBusConnection *connection)
{
	return dbus_connection_get_is_connected(connection) &&
	       dbus_connection_get_outgoing_size(connection) >= MK_DBUS_OUTGOING_MAX;
}

/* Switches dispatching on if there is something to dispatch and room for the answers. */
static void update_dispatch(struct mk_loop_dbus *loop)
{
	bool on = dbus_connection_get_dispatch_status(loop->connection) != DBUS_DISPATCH_COMPLETE &&
		  !congested(loop->connection);

	(void)sd_event_source_set_enabled(loop->dispatch, on ? SD_EVENT_ON : SD_EVENT_OFF);
}

static unsigned to_dbus_flags(uint32_t revents)
{
	return (revents & EPOLLIN ? DBUS_WATCH_READABLE : 0u) |
	       (revents & EPOLLOUT ? DBUS_WATCH_WRITABLE : 0u) |
	       (revents & EPOLLERR ? DBUS_WATCH_ERROR : 0u) |
	       (revents & EPOLLHUP ? DBUS_WATCH_HANGUP : 0u);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct fd_source *s = data;
	DBusWatch *watches[WATCHES_MAX];

	s->n_ref++;
	memcpy(watches, s->watches, sizeof(watches));
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		unsigned flags = to_dbus_flags(revents);

		/* A handler before this one may have toggled or removed the watch. */
		if (!watches[i] || !has_watch(s, watches[i]) || !dbus_watch_get_enabled(watches[i]))
			continue;
		flags &= dbus_watch_get_flags(watches[i]) | DBUS_WATCH_ERROR | DBUS_WATCH_HANGUP;
		if (flags)
			(void)dbus_watch_handle(watches[i], flags);
	}

	if (s->loop && s->loop->connection)
		update_dispatch(s->loop); /* else see remove_watch() */
	fd_source_unref(s);
	return 0;
}

static struct fd_source *fd_source_new(struct mk_loop_dbus *loop, int fd)
{
	struct fd_source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;

	if (sd_event_add_io(loop->event, &s->io, fd, EPOLLIN, on_io, s) < 0) {
		free(s);
		return NULL;
	}

	(void)sd_event_source_set_enabled(s->io, SD_EVENT_OFF);
	s->n_ref = 1;
	s->fd = fd;
	s->loop = loop;
	s->next = loop->fds;
	loop->fds = s;
	return s;
}

static dbus_bool_t add_watch(DBusWatch *watch, void *data)
{
	struct mk_loop_dbus *loop = data;
	int fd = dbus_watch_get_unix_fd(watch);
	struct fd_source *s = loop->fds;

	while (s && s->fd != fd)
		s = s->next;
	if (!s)
		s = fd_source_new(loop, fd);
	if (!s)
		return FALSE;

	for (size_t i = 0; i < WATCHES_MAX; i++) {
		if (!s->watches[i]) {
			s->watches[i] = watch;
			dbus_watch_set_data(watch, s, NULL);
			update_mask(s);
			return TRUE;
		}
	}

	return FALSE;
}

static void remove_watch(DBusWatch *watch, void *data)
{
	struct mk_loop_dbus *loop = data;
	struct fd_source *s = dbus_watch_get_data(watch);
	bool empty = true;

	if (!s)
		return;

	dbus_watch_set_data(watch, NULL, NULL);
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		if (s->watches[i] == watch)
			s->watches[i] = NULL;
		else if (s->watches[i])
			empty = false;
	}

	if (!empty) {
		update_mask(s);
		return;
	}

	/* At once: libdbus closes the descriptor next. */
	s->io = sd_event_source_disable_unref(s->io);
	for (struct fd_source **p = &loop->fds; *p; p = &(*p)->next) {
		if (*p == s) {
			*p = s->next;
			break;
		}
	}
	s->loop = NULL;
	fd_source_unref(s);

	/* The connection is at its end. If nothing was dispatched for congestion libdbus sees no change of
	 * the status to tell us of, and its last message would never come. */
	if (loop->dispatch)
		(void)sd_event_source_set_enabled(loop->dispatch, SD_EVENT_ON);
}

static void toggle_watch(DBusWatch *watch, void *data)
{
	struct fd_source *s = dbus_watch_get_data(watch);

	if (s)
		update_mask(s);
}

/* ---- time-outs ---------------------------------------------------------------------------------------------- */

static void arm(struct timer *t)
{
	bool on = dbus_timeout_get_enabled(t->timeout);

	if (on)
		(void)sd_event_source_set_time_relative(
			t->source, (uint64_t)dbus_timeout_get_interval(t->timeout) * USEC_PER_MSEC);
	(void)sd_event_source_set_enabled(t->source, on ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct timer *t = data;

	arm(t); /* a DBusTimeout repeats until it is removed */
	(void)dbus_timeout_handle(t->timeout);
	return 0;
}

static void timer_free(void *data)
{
	struct timer *t = data;

	sd_event_source_disable_unref(t->source);
	free(t);
}

static dbus_bool_t add_timeout(DBusTimeout *timeout, void *data)
{
	struct mk_loop_dbus *loop = data;
	struct timer *t = calloc(1, sizeof(*t));

	if (!t)
		return FALSE;

	t->timeout = timeout;
	t->loop = loop;
	if (sd_event_add_time_relative(loop->event, &t->source, CLOCK_MONOTONIC, 0, TIMER_ACCURACY,
				       on_timer, t) < 0) {
		free(t);
		return FALSE;
	}

	arm(t);
	dbus_timeout_set_data(timeout, t, timer_free);
	return TRUE;
}

static void remove_timeout(DBusTimeout *timeout, void *data)
{
	dbus_timeout_set_data(timeout, NULL, NULL); /* frees the timer */
}

static void toggle_timeout(DBusTimeout *timeout, void *data)
{
	struct timer *t = dbus_timeout_get_data(timeout);

	if (t)
		arm(t);
}

/* ---- dispatch -------------------------------------------------------------------------------------------------- */

static int on_dispatch(sd_event_source *source, void *data)
{
	struct mk_loop_dbus *loop = data;
	DBusConnection *connection = loop->connection;

	if (congested(connection)) {
		(void)sd_event_source_set_enabled(source, SD_EVENT_OFF); /* on_io goes on */
		return 0;
	}

	dbus_connection_ref(connection);
	(void)dbus_connection_dispatch(connection);
	dbus_connection_unref(connection);
	return 0;
}

static void on_dispatch_status(DBusConnection *connection, DBusDispatchStatus status, void *data)
{
	struct mk_loop_dbus *loop = data;

	(void)sd_event_source_set_enabled(loop->dispatch, status == DBUS_DISPATCH_COMPLETE
								  ? SD_EVENT_OFF
								  : SD_EVENT_ON);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

int mk_loop_dbus_attach(sd_event *event, DBusConnection *connection, struct mk_loop_dbus **ret)
{
	struct mk_loop_dbus *loop = calloc(1, sizeof(*loop));
	int r;

	if (!loop)
		return -ENOMEM;

	loop->event = sd_event_ref(event);
	loop->connection = dbus_connection_ref(connection);
	r = sd_event_add_defer(event, &loop->dispatch, on_dispatch, loop);
	if (r < 0) {
		mk_loop_dbus_detach(loop);
		return r;
	}

	if (!dbus_connection_set_watch_functions(connection, add_watch, remove_watch, toggle_watch,
						 loop, NULL) ||
	    !dbus_connection_set_timeout_functions(connection, add_timeout, remove_timeout,
						   toggle_timeout, loop, NULL)) {
		mk_loop_dbus_detach(loop);
		return -ENOMEM;
	}

	dbus_connection_set_dispatch_status_function(connection, on_dispatch_status, loop, NULL);
	update_dispatch(loop); /* blocking calls before this may have queued messages */
	*ret = loop;
	return 0;
}

int mk_loop_dbus_attach_server(sd_event *event, DBusServer *server, struct mk_loop_dbus **ret)
{
	struct mk_loop_dbus *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;

	loop->event = sd_event_ref(event);
	loop->server = dbus_server_ref(server);
	if (!dbus_server_set_watch_functions(server, add_watch, remove_watch, toggle_watch, loop,
					     NULL) ||
	    !dbus_server_set_timeout_functions(server, add_timeout, remove_timeout, toggle_timeout,
					       loop, NULL)) {
		mk_loop_dbus_detach(loop);
		return -ENOMEM;
	}

	*ret = loop;
	return 0;
}

static void detach_connection(struct mk_loop_dbus *loop)
{
	dbus_connection_set_dispatch_status_function(loop->connection, NULL, NULL, NULL);
	(void)dbus_connection_set_timeout_functions(loop->connection, NULL, NULL, NULL, NULL, NULL);
	(void)dbus_connection_set_watch_functions(loop->connection, NULL, NULL, NULL, NULL, NULL);
	sd_event_source_disable_unref(loop->dispatch);
	dbus_connection_unref(loop->connection);
}

static void detach_server(struct mk_loop_dbus *loop)
{
	(void)dbus_server_set_timeout_functions(loop->server, NULL, NULL, NULL, NULL, NULL);
	(void)dbus_server_set_watch_functions(loop->server, NULL, NULL, NULL, NULL, NULL);
	dbus_server_unref(loop->server);
}

struct mk_loop_dbus *mk_loop_dbus_detach(struct mk_loop_dbus *loop)
{
	if (!loop)
		return NULL;

	if (loop->connection)
		detach_connection(loop);
	if (loop->server)
		detach_server(loop);
	sd_event_unref(loop->event);
	free(loop);
	return NULL;
}
