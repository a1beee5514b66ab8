/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements failover-env.h: calls of class failover, and what the simulator says of a set of volumes. */

#include "failover-env.h"

void f_start(struct world *w, const char *config, size_t n, struct f_set *ret)
{
	*ret = (struct f_set){ .n = n };
	o_start(w, config, NULL);
	json_object_put(o_succeed(w, w_delete_root(w, F_VM, "no_root", false)));

	for (size_t i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "disk%zu", i);
		memcpy(ret->ids[i], o_attached(w, name), MK_UUID_SIZE);
		f_write(w, ret->ids[i], 100 + (int64_t)i);
	}
	w_drain(w);
	w_sim_post(w, "clear-log", "{}");
}

static void append_option(sd_bus_message *m, const char *name, const char *text)
{
	if (text)
		CU_ASSERT(sd_bus_message_append(m, "{sv}", name, "s", text) >= 0);
}

static void append_flag(sd_bus_message *m, const char *name, bool value)
{
	if (value)
		CU_ASSERT(sd_bus_message_append(m, "{sv}", name, "b", 1) >= 0);
}

static void append_set(sd_bus_message *m, const struct f_set *set)
{
	CU_ASSERT(sd_bus_message_open_container(m, 'a', "s") >= 0);
	for (size_t i = 0; i < set->n; i++)
		CU_ASSERT(sd_bus_message_append(m, "s", set->ids[i]) >= 0);
	CU_ASSERT(sd_bus_message_close_container(m) >= 0);
}

const char *f_call(struct world *w, const char *method, const struct f_set *set, const char *vm,
		   const struct f_options *options)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
	static const struct f_options none = { 0 };
	const struct f_options *o = options ? options : &none;
	sd_bus_error e = SD_BUS_ERROR_NULL;
	static char paths[8][256];
	static unsigned n_paths;
	char *path = paths[n_paths++ % ARRAY_SIZE(paths)];
	const char *s;
	int r;

	CU_ASSERT_FATAL(sd_bus_message_new_method_call(w->client, &m, W_NAME, W_PATH, F_FAILOVER,
						       method) >= 0);
	append_set(m, set);
	if (vm)
		CU_ASSERT(sd_bus_message_append(m, "s", vm) >= 0);
	CU_ASSERT(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
	append_option(m, "token", o->token);
	append_option(m, "root", o->root);
	append_option(m, "operation", o->operation);
	append_flag(m, "force", o->force);
	append_flag(m, "drop", o->drop);
	CU_ASSERT(sd_bus_message_close_container(m) >= 0);

	r = sd_bus_call(w->client, m, 0, &e, &reply);
	snprintf(w_error_name, sizeof(w_error_name), "%s", r < 0 ? str_or_empty(e.name) : "");
	snprintf(w_error_text, sizeof(w_error_text), "%s", r < 0 ? str_or_empty(e.message) : "");
	sd_bus_error_free(&e);
	if (r < 0 || sd_bus_message_read(reply, "o", &s) <= 0)
		return NULL;
	snprintf(path, sizeof(paths[0]), "%s", s);
	return path;
}

const char *f_assign(struct world *w, const struct f_set *set, const char *token)
{
	struct f_options options = { .token = token, .root = set->ids[0] };

	return f_call(w, "Assign", set, F_VM, &options);
}

const char *f_return(struct world *w, const struct f_set *set, const char *token)
{
	struct f_options options = { .token = token };

	return f_call(w, "Return", set, NULL, &options);
}

/* ---- what is true --------------------------------------------------------------------------------------- */

static bool is_on(json_object *v, const char *vm)
{
	return v && !mk_json_bool(v, "removed", false) &&
	       streq(mk_json_str(v, "virtualmachineid", ""), vm);
}

bool f_is_on(struct world *w, const char *volume, const char *vm)
{
	_cleanup_json_ json_object *v = w_volume(w, volume);

	return is_on(v, vm);
}

int64_t f_device_id(struct world *w, const char *volume)
{
	_cleanup_json_ json_object *v = w_volume(w, volume);

	return mk_json_int(v, "deviceid", -1);
}

const char *f_type(struct world *w, const char *volume)
{
	_cleanup_json_ json_object *v = w_volume(w, volume);
	static char type[16];

	snprintf(type, sizeof(type), "%s", mk_json_str(v, "type", ""));
	return type;
}

int64_t f_generation(struct world *w, const char *volume)
{
	_cleanup_json_ json_object *v = w_volume(w, volume);

	return mk_json_int(v, "generation", -1);
}

void f_write(struct world *w, const char *volume, int64_t generation)
{
	_cleanup_free_ char *json =
		mk_strdup_printf("{\"volume\":\"%s\",\"generation\":%" PRIi64 "}", volume,
				 generation);

	w_sim_post(w, "poke", json);
}

unsigned f_snapshots(struct world *w, const struct f_set *set)
{
	_cleanup_json_ json_object *state = w_sim_get(w, "state?kinds=snapshots");
	unsigned n = 0;

	json_object_object_foreach(mk_json_get(state, "snapshots"), id, s) {
		(void)id;
		for (size_t i = 0; i < set->n; i++)
			n += streq(mk_json_str(s, "volumeid", ""), set->ids[i]) &&
			     starts_with(mk_json_str(s, "name", ""), "migratekit ") &&
			     streq(mk_json_str(s, "state", ""), "BackedUp") &&
			     !mk_json_bool(s, "removed", false);
	}
	return n;
}

bool f_has_generations(struct world *w, const struct f_set *set, int64_t first, int64_t step)
{
	_cleanup_json_ json_object *state = w_sim_get(w, "state?kinds=volumes");

	for (size_t i = 0; i < set->n; i++) {
		json_object *v = mk_json_get(mk_json_get(state, "volumes"), set->ids[i]);

		if (mk_json_int(v, "generation", -1) != first + (int64_t)i * step)
			return false;
	}
	return true;
}

void f_release_until_end(struct world *w, const char *path)
{
	_cleanup_free_ char *finished = NULL;

	do {
		w_sim_post(w, "release", "{}");
		(void)w_call_object(w, path, W_OPERATION, "Wait", NULL, "t",
				    UINT64_C(100) * USEC_PER_MSEC);
		free(finished);
		finished = strdup(w_op_str(w, path, "Finished"));
	} while (streq(finished, "0"));
}

/* One answer of the simulator for the whole set. what: for the note about a volume that is not; NULL: no note. */
static bool check_each(struct world *w, const struct f_set *set, const char *what,
		       bool (*is)(struct world *w, json_object *v, const char *id, size_t i))
{
	_cleanup_json_ json_object *state = w_sim_get(w, "state?kinds=volumes");
	bool ok = true;

	for (size_t i = 0; i < set->n; i++) {
		const char *id = set->ids[i];
		json_object *v = mk_json_get(mk_json_get(state, "volumes"), id);

		if (is(w, v, id, i))
			continue;
		if (!what)
			return false;
		tap_note("disk%zu is not %s: %s on VM '%s', device %" PRIi64
			 "; the daemon: %s, device '%s'",
			 i, what, mk_json_str(v, "type", "?"),
			 mk_json_str(v, "virtualmachineid", ""), mk_json_int(v, "deviceid", -1),
			 o_volume(w, id, "State"), o_device(w, id, "Device"));
		ok = false;
	}
	return ok;
}

static bool is_assigned(struct world *w, json_object *v, const char *id, size_t i)
{
	static const int device_ids[F_MAX] = { 0, 1, 2, 4, 5, 6, 7, 8 };

	return is_on(v, F_VM) && mk_json_int(v, "deviceid", -1) == device_ids[i] &&
	       streq(mk_json_str(v, "type", ""), i ? "DATADISK" : "ROOT") &&
	       streq(o_volume(w, id, "State"), "attached") && streq(o_volume(w, id, "VM"), F_VM) &&
	       !*o_device(w, id, "Device");
}

bool f_assigned(struct world *w, const struct f_set *set)
{
	return check_each(w, set, "on the failover VM", is_assigned);
}

static bool is_home(struct world *w, json_object *v, const char *id, size_t i)
{
	return is_on(v, W_OMA) && streq(o_volume(w, id, "State"), "attached") &&
	       *o_device(w, id, "Device");
}

bool f_home(struct world *w, const struct f_set *set)
{
	return check_each(w, set, "at home", is_home);
}

bool f_is_at(struct world *w, const struct f_set *set, bool home)
{
	return check_each(w, set, NULL, home ? is_home : is_assigned);
}

bool f_tells_reverted(const char *message, const char *volume)
{
	static const char words[] = "; not reverted: ";
	const char *not_reverted = strstr(message, words), *at;

	if (not_reverted) {
		not_reverted += strlen(words);
		at = strstr(not_reverted, volume);
		if (at && at < not_reverted + strcspn(not_reverted, ";:"))
			return false;
	}
	return strstr(message, volume);
}

int64_t f_changes(struct world *w)
{
	static const char *const commands[] = { "attachVolume",   "detachVolume",
						"createSnapshot", "deleteSnapshot",
						"revertSnapshot", "destroyVolume",
						"deleteVolume",   "destroyVirtualMachine" };
	int64_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		n += w_executed(w, commands[i]);
	return n;
}
