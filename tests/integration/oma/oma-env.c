/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements oma-env.h: the world with mocked disks, and calls about volumes. */

#include "oma-env.h"

#include "child.h"

#include <poll.h>

#define AWAIT_MAX (CHILD_TIMEOUT_MS * USEC_PER_MSEC)

static const char *keep(const char *text)
{
	static char texts[16][512];
	static unsigned n;
	char *slot = texts[n++ % ARRAY_SIZE(texts)];

	snprintf(slot, sizeof(texts[0]), "%s", text);
	return slot;
}

void o_start(struct world *w, const char *config, const char *const *settings)
{
	_cleanup_free_ char *lines = mk_strdup_printf(
		"[plugins]\nload = oma, test-vm, failover\n[volumes]\ndisk-offering = Custom\n%s",
		str_or_empty(config));
	const char *args[24] = { "--hypervisor=umockdev", "--set", "job-ms=5" };
	size_t n = 3;

	for (; settings && *settings && n < ARRAY_SIZE(args) - 3; settings++) {
		args[n++] = "--set";
		args[n++] = *settings;
	}
	w_start(w, args, lines);
	o_await_finished(w, 1); /* the comparison of the start: no fault of a test is to hit it */
}

void o_await_finished(struct world *w, size_t n)
{
	uint64_t end = mk_now_monotonic() + AWAIT_MAX;
	size_t finished;

	do {
		struct pollfd fd = { .fd = sd_bus_get_fd(w->client), .events = POLLIN };

		while (sd_bus_process(w->client, NULL) > 0)
			;
		finished = 0;
		for (size_t i = 0; i < w->n_signals; i++)
			finished += streq(w->signals[i].member, "OperationFinished");
		if (finished < n)
			(void)poll(&fd, 1, 1000);
	} while (finished < n && mk_now_monotonic() < end);
	CU_ASSERT_FATAL(finished >= n);
}

void o_set(struct world *w, const char *key, const char *value)
{
	_cleanup_free_ char *json = mk_strdup_printf("{\"%s\":\"%s\"}", key, value);

	w_sim_post(w, "set", json);
}

void o_fault(struct world *w, const char *command, const char *rest)
{
	_cleanup_free_ char *json = mk_strdup_printf("{\"command\":\"%s\",%s}", command, rest);

	w_sim_post(w, "fault", json);
}

/* ---- operations ------------------------------------------------------------------------------------------- */

static const char *path_of(sd_bus_message *reply)
{
	const char *path = NULL;

	CU_ASSERT_FATAL(sd_bus_message_read(reply, "o", &path) > 0);
	return keep(path);
}

static sd_bus_message *new_call(struct world *w, const char *member, const char *types, va_list ap)
{
	sd_bus_message *m = NULL;

	CU_ASSERT_FATAL(sd_bus_message_new_method_call(w->client, &m, W_NAME, W_PATH, O_MANAGER,
						       member) >= 0);
	CU_ASSERT_FATAL(sd_bus_message_appendv(m, types, ap) >= 0);
	return m;
}

static int on_answer(sd_bus_message *reply, void *data, sd_bus_error *error)
{
	const sd_bus_error *e = sd_bus_message_get_error(reply);
	struct o_calls *calls = data;

	calls->n_open--;
	json_object_array_add(e ? calls->refusals : calls->paths,
			      json_object_new_string(e ? e->name : path_of(reply)));
	return 0;
}

void o_send(struct world *w, struct o_calls *calls, const char *member, const char *types, ...)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	va_list ap;

	va_start(ap, types);
	m = new_call(w, member, types, ap);
	va_end(ap);
	CU_ASSERT_FATAL(sd_bus_call_async(w->client, NULL, m, on_answer, calls, 0) >= 0);
	calls->n_open++;
}

void o_gather(struct world *w, struct o_calls *calls)
{
	while (calls->n_open > 0) { /* NOLINT(bugprone-infinite-loop): on_answer() counts */
		int r = sd_bus_process(w->client, NULL);

		CU_ASSERT_FATAL(r >= 0);
		if (r == 0)
			(void)sd_bus_wait(w->client, USEC_INFINITY);
	}
}

const char *o_call(struct world *w, const char *member, const char *types, ...)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
	sd_bus_error e = SD_BUS_ERROR_NULL;
	va_list ap;
	int r;

	va_start(ap, types);
	m = new_call(w, member, types, ap);
	va_end(ap);
	r = sd_bus_call(w->client, m, 0, &e, &reply);
	snprintf(w_error_name, sizeof(w_error_name), "%s", r < 0 ? str_or_empty(e.name) : "");
	snprintf(w_error_text, sizeof(w_error_text), "%s", r < 0 ? str_or_empty(e.message) : "");
	sd_bus_error_free(&e);
	return r < 0 ? NULL : path_of(reply);
}

const char *o_create(struct world *w, const char *name, uint64_t size, const char *token)
{
	return o_call(w, "CreateVolume", "ssta{sv}", "oma", name, size, 1, "token", "s", token);
}

const char *o_attach(struct world *w, const char *volume, const char *token)
{
	return o_call(w, "AttachVolume", "sssa{sv}", "oma", volume, "", 1, "token", "s", token);
}

const char *o_detach(struct world *w, const char *volume, bool force, const char *token)
{
	return o_call(w, "DetachVolume", "sa{sv}", volume, 2, "force", "b", (int)force, "token",
		      "s", token);
}

const char *o_delete(struct world *w, const char *volume)
{
	return o_call(w, "DeleteVolume", "sa{sv}", volume, 0);
}

json_object *o_succeed(struct world *w, const char *path)
{
	CU_ASSERT_PTR_NOT_NULL(path);
	if (!path) {
		tap_note("refused: %s: %s", w_error_name, w_error_text);
		return json_object_new_object();
	}

	(void)w_wait(w, path);
	if (!streq(w_op_str(w, path, "State"), "succeeded"))
		tap_note("%s: %s, step %s: %s", path, w_op_str(w, path, "State"),
			 w_op_str(w, path, "Step"), w_op_str(w, path, "Message"));
	CU_ASSERT_STRING_EQUAL(w_op_str(w, path, "State"), "succeeded");
	return w_property(w, path, W_OPERATION, "Result");
}

void o_fail(struct world *w, const char *path, const char *state, const char *error,
	    const char *words)
{
	const char *name, *message;
	bool ok;

	CU_ASSERT_PTR_NOT_NULL(path);
	if (!path) {
		tap_note("refused: %s: %s", w_error_name, w_error_text);
		return;
	}

	(void)w_wait(w, path);
	name = w_op_str(w, path, "Error");
	message = w_op_str(w, path, "Message");
	ok = streq(w_op_str(w, path, "State"), state) &&
	     streq(*name ? strrchr(name, '.') + 1 : "", error) && strstr(message, words);
	if (!ok)
		tap_note("%s, %s: %s; expected %s, %s: %s", w_op_str(w, path, "State"), name,
			 message, state, error, words);
	CU_ASSERT(ok);
}

/* ---- volumes ------------------------------------------------------------------------------------------------ */

const char *o_new_volume(struct world *w, const char *name)
{
	_cleanup_json_ json_object *result = NULL;
	_cleanup_free_ char *token = mk_strdup_printf("create_%s", name);

	result = o_succeed(w, o_create(w, name, 10 * O_GIB, token));
	CU_ASSERT_FATAL(mk_uuid_valid(mk_json_str(result, "Volume", "")));
	return keep(mk_json_str(result, "Volume", ""));
}

const char *o_attached(struct world *w, const char *name)
{
	_cleanup_json_ json_object *result = NULL;
	_cleanup_free_ char *token = mk_strdup_printf("attach_%s", name);
	const char *volume = o_new_volume(w, name);

	result = o_succeed(w, o_attach(w, volume, token));
	return volume;
}

const char *o_device(struct world *w, const char *volume, const char *key)
{
	_cleanup_json_ json_object *args = NULL;
	json_object *value;

	if (w_call_object(w, W_PATH, O_MANAGER, "GetDevice", &args, "s", volume) < 0)
		return "";

	value = mk_json_get(json_object_array_get_idx(args, 0), key);
	return keep(value ? json_object_get_string(value) : "");
}

const char *o_path(const char *volume)
{
	_cleanup_free_ char *path = mk_strdup_printf(W_PATH "/volume/%s", volume);

	for (char *c = path; *c; c++)
		if (*c == '-')
			*c = '_';
	return keep(path);
}

const char *o_volume(struct world *w, const char *volume, const char *property)
{
	_cleanup_json_ json_object *value = w_property(w, o_path(volume), O_VOLUME, property);

	return keep(value ? json_object_get_string(value) : "");
}

static bool tells(const struct w_signal *s, const char *path, const char *state)
{
	return streq(s->member, "PropertiesChanged") && streq(s->path, path) &&
	       streq(mk_json_str(json_object_array_get_idx(s->args, 1), "State", ""), state);
}

bool o_await(struct world *w, const char *volume, const char *state)
{
	_cleanup_free_ char *path = strdup(o_path(volume));
	uint64_t end = mk_now_monotonic() + AWAIT_MAX;
	size_t seen = w->n_signals;

	if (streq(o_volume(w, volume, "State"), state))
		return true;

	while (mk_now_monotonic() < end) {
		struct pollfd fd = { .fd = sd_bus_get_fd(w->client), .events = POLLIN };

		while (sd_bus_process(w->client, NULL) > 0)
			;
		for (; seen < w->n_signals; seen++)
			if (tells(&w->signals[seen], path, state))
				return true;
		(void)poll(&fd, 1, 1000);
	}
	return false;
}
