/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Implements soak-check.h: judges each operation of the soak by the simulator's state before and after it. */

#include "soak-check.h"

#define SNAPSHOTS_MAX 8

struct sk_volume sk_volumes[400];
size_t sk_n_volumes;
struct sk_op sk_ops[SK_BURST_MAX];
size_t sk_n_ops;
unsigned sk_n_ended, sk_n_succeeded, sk_n_unknown, sk_n_back, sk_n_reverts;

static json_object *begun,
	*now; /* the simulator's state: at the burst's begin, before the newest call */
static struct sk_snapshots snapshots[SNAPSHOTS_MAX];
static unsigned n_snapshots;

/* ---- volumes ------------------------------------------------------------------------------------------------------- */

void sk_forget(void)
{
	json_object_put(begun);
	json_object_put(now);
	begun = now = NULL;
	sk_n_volumes = n_snapshots = 0;
}

void sk_add_volume(const char *id)
{
	CU_ASSERT_FATAL(sk_n_volumes < ARRAY_SIZE(sk_volumes));
	sk_volumes[sk_n_volumes] = (struct sk_volume){ .touched = true };
	snprintf(sk_volumes[sk_n_volumes++].id, MK_UUID_SIZE, "%s", id);
}

size_t sk_n_there(void)
{
	size_t n = 0;

	for (size_t i = 0; i < sk_n_volumes; i++)
		n += !sk_volumes[i].gone;
	return n;
}

static struct sk_volume *find(const char *id)
{
	for (size_t i = 0; i < sk_n_volumes; i++)
		if (streq(sk_volumes[i].id, id))
			return &sk_volumes[i];
	return NULL;
}

static json_object *volume_in(json_object *state, const char *id)
{
	return mk_json_get(mk_json_get(state, "volumes"), id);
}

static bool is_there(json_object *v)
{
	return v && !mk_json_bool(v, "removed", false);
}

static const char *vm_of(json_object *v)
{
	return mk_json_str(v, "virtualmachineid", "");
}

static bool is_on(json_object *v, const char *vm)
{
	return is_there(v) && streq(vm_of(v), vm);
}

/* On the appliance the device id does not matter: the device is found by its serial. */
static bool same_place(json_object *a, json_object *b)
{
	return is_there(a) == is_there(b) && streq(vm_of(a), vm_of(b)) &&
	       (streq(vm_of(a), W_OMA) ||
		mk_json_int(a, "deviceid", -1) == mk_json_int(b, "deviceid", -1));
}

static int64_t generation(json_object *o)
{
	return mk_json_int(o, "generation", -1);
}

/* ---- snapshots ------------------------------------------------------------------------------------------------------- */

static bool is_good(json_object *s)
{
	return s && streq(mk_json_str(s, "state", ""), "BackedUp") &&
	       !mk_json_bool(s, "removed", false) &&
	       starts_with(mk_json_str(s, "name", ""), "migratekit ");
}

/* Our good snapshots of the volume; operation NULL: of all operations. The last one. */
static unsigned count_snapshots(json_object *state, const char *volume, const char *operation,
				json_object **ret_last)
{
	unsigned n = 0;

	json_object_object_foreach(mk_json_get(state, "snapshots"), id, s) {
		(void)id;
		if (!is_good(s) || !streq(mk_json_str(s, "volumeid", ""), volume) ||
		    (operation &&
		     !streq(mk_json_str(s, "name", "") + strlen("migratekit "), operation)))
			continue;
		*ret_last = s;
		n++;
	}
	return n;
}

const struct sk_snapshots *sk_snapshots(unsigned n)
{
	unsigned have = n_snapshots < SNAPSHOTS_MAX ? n_snapshots : SNAPSHOTS_MAX;

	return have ? &snapshots[n % have] : NULL;
}

/* ---- what an operation says ---------------------------------------------------------------------------------------------- */

/* An operation that has ended, and what the simulator says of it. */
struct verdict {
	const struct sk_op *op;
	const char *id;
	char state[32], error[64], message[8192];
	json_object *result, *after;
};

static bool is_state(const struct verdict *v, const char *state)
{
	return streq(v->state, state);
}

/* All that it may have done is undone. */
static bool is_undone(const struct verdict *v)
{
	return is_state(v, "rolled-back") || is_state(v, "cancelled");
}

static bool is_kind(const struct verdict *v, const char *kind)
{
	return streq(v->op->kind, kind);
}

static bool tells(const struct verdict *v, const char *words)
{
	return strstr(v->message, words);
}

static bool is_unknown(const struct verdict *v)
{
	return streq(v->error, "OutcomeUnknown") || tells(v, "could not be found out");
}

static void check(const struct verdict *v, bool ok, const char *volume, const char *what)
{
	if (!ok)
		tap_note("%s %s, %s (%s: %s): volume %s: %s\n was %s\n is %s", v->op->kind, v->id,
			 v->state, v->error, v->message, volume, what,
			 json_object_to_json_string(volume_in(v->op->before, volume)),
			 json_object_to_json_string(volume_in(v->after, volume)));
	CU_ASSERT(ok);
}

/* ---- one volume of an operation ------------------------------------------------------------------------------------------- */

static bool is_reached(const struct verdict *v, const char *volume)
{
	json_object *a = volume_in(v->after, volume);

	if (is_kind(v, "Assign"))
		return is_on(a, F_VM) &&
		       (!streq(volume, v->op->root) || mk_json_int(a, "deviceid", -1) == 0);
	if (is_kind(v, "AttachVolume"))
		return is_on(a, v->op->vm);
	if (is_kind(v, "Return"))
		return is_on(a, W_OMA);
	if (is_kind(v, "DetachVolume"))
		return is_on(a, "");
	if (is_kind(v, "DeleteVolume"))
		return !is_there(a);
	return same_place(a, volume_in(v->op->before, volume));
}

/* It need not name its volume, and may be refused to be told that it has reached what it wanted. */
static bool is_single(const struct verdict *v)
{
	return is_kind(v, "AttachVolume") || is_kind(v, "DetachVolume") ||
	       is_kind(v, "DeleteVolume");
}

static void check_place(const struct verdict *v, const char *volume)
{
	bool stays = same_place(volume_in(v->after, volume), volume_in(v->op->before, volume));

	if (is_state(v, "succeeded"))
		check(v, is_reached(v, volume), volume, "not where it was to be");
	else if (is_undone(v))
		check(v, stays, volume, "not where it was");
	else
		check(v,
		      stays || tells(v, volume) || tells(v, "was started") ||
			      (is_single(v) && is_reached(v, volume)),
		      volume, "moved, and it is not told");
}

static void check_content(const struct verdict *v, const char *volume)
{
	int64_t is = generation(volume_in(v->after, volume));
	bool stays = is == generation(volume_in(v->op->before, volume));
	const char *snapshot = mk_json_str(mk_json_get(v->result, "Snapshots"), volume, "");

	if (!is_kind(v, "Revert"))
		check(v, stays, volume, "overwritten");
	else if (is_state(v, "succeeded"))
		check(v,
		      is == generation(
				    mk_json_get(mk_json_get(v->op->before, "snapshots"), snapshot)),
		      volume, "not reverted");
	else
		check(v, stays || (is_state(v, "failed") && f_tells_reverted(v->message, volume)),
		      volume, "reverted, and it is not told");
}

/* L03: gone by a Revert only if this volume was reverted to it, and the others also. */
static bool may_be_gone(const struct verdict *v, const char *volume, const char *id,
			json_object *snapshot)
{
	if (is_kind(v, "DropSnapshots") || is_kind(v, "DeleteVolume"))
		return !is_undone(v);
	if (!is_kind(v, "Revert") || !v->op->drop || is_undone(v))
		return false;
	if (is_state(v, "succeeded"))
		return streq(id, mk_json_str(mk_json_get(v->result, "Snapshots"), volume, ""));
	return generation(snapshot) == generation(volume_in(v->after, volume)) &&
	       !tells(v, "not reverted");
}

static void check_snapshots(const struct verdict *v, const char *volume)
{
	json_object *last = NULL, *all = mk_json_get(v->after, "snapshots");
	unsigned n = count_snapshots(v->after, volume, v->id, &last);

	json_object_object_foreach(mk_json_get(v->op->before, "snapshots"), id, s) {
		if (!is_good(s) || !streq(mk_json_str(s, "volumeid", ""), volume) ||
		    is_good(mk_json_get(all, id)))
			continue;
		check(v, may_be_gone(v, volume, id, s), volume, id);
	}

	if (is_kind(v, "Snapshot") && is_state(v, "succeeded"))
		check(v, n == 1 && generation(last) == generation(volume_in(v->op->before, volume)),
		      volume, "has no such snapshot");
	else if (is_kind(v, "Snapshot"))
		check(v, n == 0 || (is_state(v, "failed") && tells(v, volume)), volume,
		      "has a snapshot of it");
	if (is_kind(v, "DropSnapshots") && is_state(v, "succeeded"))
		check(v, count_snapshots(v->after, volume, NULL, &last) == 0, volume,
		      "still has snapshots");
}

/* It may fail after the deletion, when CloudStack does not tell of it: then the store may still have the volume. */
static void check_deleted(const struct verdict *v, const char *volume)
{
	struct sk_volume *known = find(volume);

	known->gone = !is_there(volume_in(v->after, volume));
	known->unsure = known->unsure || (known->gone && !is_state(v, "succeeded"));
	check(v, !known->gone || !is_undone(v), volume, "deleted, and it is not told");
}

static void judge_volumes(const struct verdict *v)
{
	for (size_t i = 0; i < v->op->set.n; i++) {
		const char *volume = v->op->set.ids[i];

		if (is_kind(v, "DeleteVolume"))
			check_deleted(v, volume);
		if (v->op->shared[i])
			continue;
		check_place(v, volume);
		check_content(v, volume);
		check_snapshots(v, volume);
	}
}

/* ---- operations -------------------------------------------------------------------------------------------------------------- */

static void note_end(const struct verdict *v)
{
	sk_n_ended++;
	sk_n_succeeded += is_state(v, "succeeded");
	sk_n_unknown += is_unknown(v);
	sk_n_back += is_state(v, "rolled-back") &&
		     (is_kind(v, "Assign") || is_kind(v, "Return") || is_kind(v, "Snapshot"));
	sk_n_reverts += is_kind(v, "Revert") && is_state(v, "succeeded");

	for (size_t i = 0; is_unknown(v) && i < v->op->set.n; i++)
		if (v->op->set.n == 1 || tells(v, v->op->set.ids[i]))
			find(v->op->set.ids[i])->unsure = true;

	if (is_kind(v, "CreateVolume") && is_state(v, "succeeded"))
		sk_add_volume(mk_json_str(v->result, "Volume", ""));
	if (is_kind(v, "Snapshot") && is_state(v, "succeeded")) {
		struct sk_snapshots *s = &snapshots[n_snapshots++ % SNAPSHOTS_MAX];

		s->set = v->op->set;
		snprintf(s->operation, sizeof(s->operation), "%s", v->id);
	}
}

static bool has_ended(struct world *w, struct sk_op *op)
{
	if (!op->ended) {
		const char *finished = w_op_str(w, op->path, "Finished");

		op->ended = *finished && !streq(finished, "0");
	}
	return op->ended;
}

static void judge(struct world *w, struct sk_op *op, json_object *after)
{
	_cleanup_json_ json_object *result = w_property(w, op->path, W_OPERATION, "Result");
	struct verdict v = {
		.op = op, .id = strrchr(op->path, '/') + 1, .result = result, .after = after
	};
	const char *error = w_op_str(w, op->path, "Error");

	error = strrchr(error, '.') ? strrchr(error, '.') + 1 : error;
	snprintf(v.error, sizeof(v.error), "%s", error);
	snprintf(v.state, sizeof(v.state), "%s", w_op_str(w, op->path, "State"));
	snprintf(v.message, sizeof(v.message), "%s", w_op_str(w, op->path, "Message"));

	note_end(&v);
	judge_volumes(&v);
	json_object_put(op->before);
	op->before = NULL;
}

/* The state is asked for after their end is known. */
static void judge_ended(struct world *w)
{
	for (size_t i = 0; i < sk_n_ops; i++)
		(void)has_ended(w, &sk_ops[i]);
	json_object_put(now);
	now = w_sim_get(w, "state?kinds=vms,volumes,snapshots");
	for (size_t i = 0; i < sk_n_ops; i++)
		if (sk_ops[i].ended && sk_ops[i].before)
			judge(w, &sk_ops[i], now);
}

void sk_look(struct world *w)
{
	judge_ended(w);
}

/* A volume that was another's when we looked: between the two nobody knows where it was. */
static void share(struct sk_op *op)
{
	for (size_t i = 0; i < op->set.n; i++) {
		find(op->set.ids[i])->touched = true;
		for (struct sk_op *o = sk_ops; o < op; o++)
			for (size_t k = 0; o->before && k < o->set.n; k++)
				if (streq(op->set.ids[i], o->set.ids[k]))
					op->shared[i] = o->shared[k] = true;
	}
}

void sk_started(struct world *w, const struct sk_op *op, const char *path)
{
	struct sk_op *own = &sk_ops[sk_n_ops++];

	*own = *op;
	own->ended = false;
	own->before = json_object_get(now);
	snprintf(own->path, sizeof(own->path), "%s", path);
	share(own);
}

/* ---- a burst ------------------------------------------------------------------------------------------------------------------- */

void sk_begin_burst(struct world *w)
{
	sk_n_ops = 0;
	for (size_t i = 0; i < sk_n_volumes; i++)
		sk_volumes[i].touched = false;
	json_object_put(begun);
	begun = w_sim_get(w, "state?kinds=vms,volumes,snapshots");
}

/* Nothing happens to what nobody asked anything of. */
static void judge_untouched(void)
{
	struct sk_op nobody = { .kind = "nothing", .before = begun };
	struct verdict v = { .op = &nobody, .id = "", .state = "cancelled", .after = now };

	for (size_t i = 0; i < sk_n_volumes; i++) {
		if (sk_volumes[i].touched || sk_volumes[i].gone)
			continue;
		memcpy(nobody.set.ids[0], sk_volumes[i].id, MK_UUID_SIZE);
		nobody.set.n = 1;
		judge_volumes(&v);
	}
}

static bool agrees(struct world *w, const char *id, json_object *v)
{
	const char *state = o_volume(w, id, "State"), *vm = vm_of(v);
	_cleanup_json_ json_object *device_id = w_property(w, o_path(id), O_VOLUME, "DeviceId");

	if (!streq(state, *vm ? "attached" : "detached") || !streq(o_volume(w, id, "VM"), vm) ||
	    json_object_get_int64(device_id) != (*vm ? mk_json_int(v, "deviceid", -1) : -1))
		return false;
	return !*o_device(w, id, "Device") == !streq(vm, W_OMA);
}

/* The end of what the daemon's log says of it. */
static void tell_history(struct world *w, const char *id)
{
	_cleanup_free_ char *log = w_daemon_log(w);
	const char *lines[30] = { 0 };
	char *rest = log;
	size_t n = 0;

	for (char *line; (line = strsep(&rest, "\n"));)
		if (strstr(line, id))
			lines[n++ % ARRAY_SIZE(lines)] = line;
	for (size_t i = n > ARRAY_SIZE(lines) ? n - ARRAY_SIZE(lines) : 0; i < n; i++)
		tap_note("%s", lines[i % ARRAY_SIZE(lines)]);
}

/* D-Bus, simulator and devices, before anything is repaired. */
static void check_agreement(struct world *w)
{
	for (size_t i = 0; i < sk_n_volumes; i++) {
		const char *id = sk_volumes[i].id;
		json_object *v = volume_in(now, id);
		bool ok = sk_volumes[i].gone ? !is_there(v) : is_there(v);

		if (ok && !sk_volumes[i].unsure)
			ok = sk_volumes[i].gone ? !*o_volume(w, id, "State") : agrees(w, id, v);
		if (!ok)
			tap_note("volume %s%s is %s on VM '%s', device %s '%s'; the simulator: %s",
				 id, sk_volumes[i].gone ? ", which was deleted," : "",
				 o_volume(w, id, "State"), o_volume(w, id, "VM"),
				 o_volume(w, id, "Device"), w_error_text,
				 json_object_to_json_string(v));
		if (!ok)
			tell_history(w, id);
		CU_ASSERT(ok);
	}
}

static void await_end(struct world *w, struct sk_op *op)
{
	while (!has_ended(w, op)) {
		w_sim_post(w, "release", "{}"); /* what hangs */
		(void)w_call_object(w, op->path, W_OPERATION, "Wait", NULL, "t",
				    UINT64_C(200) * USEC_PER_MSEC);
	}
}

void sk_end_burst(struct world *w)
{
	for (size_t i = 0; i < sk_n_ops; i++)
		await_end(w, &sk_ops[i]);
	judge_ended(w);
	judge_untouched();
	check_agreement(w);
}

/* ---- Reconcile ------------------------------------------------------------------------------------------------------------------- */

static json_object *reconcile(struct world *w, bool repair)
{
	json_object *result =
		o_succeed(w, o_call(w, "Reconcile", "a{sv}", 1, "repair", "b", (int)repair));

	CU_ASSERT_FATAL(result != NULL);
	return result;
}

/* Not known here: a CreateVolume of unknown outcome made it. */
static void check_unrepaired(json_object *result)
{
	json_object *differences = mk_json_get(result, "Differences");

	for (size_t i = 0; i < json_object_array_length(differences); i++) {
		json_object *row = json_object_array_get_idx(differences, i);
		const struct sk_volume *v = find(mk_json_str(row, "Volume", ""));

		if (v && !v->unsure)
			tap_note("before the repair: %s", json_object_to_json_string(row));
		CU_ASSERT(!v || v->unsure);
	}
}

void sk_reconcile(struct world *w)
{
	_cleanup_json_ json_object *found = NULL, *result = NULL, *pending = NULL;

	/* a daemon that a fault told nothing of its own VM when it started refuses until it has looked again */
	CU_ASSERT_FATAL(w_await_status(w, "serving"));
	found = reconcile(w, false);
	check_unrepaired(found);
	/* until a disk that was pulled out by a lost job has been seen by the daemon */
	json_object_put(reconcile(w, true));
	json_object_put(reconcile(w, true));
	result = reconcile(w, false);
	if (mk_json_int(result, "Count", -1) != 0)
		tap_note("%s", json_object_to_json_string(result));
	CU_ASSERT_EQUAL(mk_json_int(result, "Count", -1), 0);
	for (size_t i = 0; i < sk_n_volumes; i++)
		sk_volumes[i].unsure = false;

	pending = w_property(w, W_PATH, W_NAME, "PendingOperations");
	CU_ASSERT_EQUAL(json_object_get_int64(pending), 0);
}
