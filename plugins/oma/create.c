/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* CreateVolume: chooses zone and disk offering, creates the volume, and takes it into management. */

#include "oma-internal.h"

#include <stdio.h>
#include <stdlib.h>

#define GIB            (UINT64_C(1) << 30)
#define SIZE_MAX_BYTES (UINT64_C(1) << 50) /* 1 PiB: beyond it, a size is a mistake */
#define NAME_MAX_BYTES                                                                             \
	160 /* of the caller's; with the operation's id it must fit CloudStack's 255 */

/* ---- names -------------------------------------------------------------------------------------------------- */

static bool name_valid(const char *name)
{
	size_t n = strlen(name);

	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;

	return n >= 1 && n <= NAME_MAX_BYTES;
}

/* ---- CreateVolume --------------------------------------------------------------------------------------------- */

int create_prepare(struct mk_op *op, json_object *args)
{
	uint64_t size = json_object_get_uint64(json_object_array_get_idx(args, 2));

	if (!name_valid(arg(args, 1))) {
		host->fail(op, MK_ERROR_INVALID_ARGS,
			   "a volume's name must be 1 to %d bytes of printable text",
			   NAME_MAX_BYTES);
		return MK_FAILED;
	}
	if (size < 1 || size > SIZE_MAX_BYTES) {
		host->fail(op, MK_ERROR_INVALID_ARGS,
			   "a size of %" PRIu64 " bytes is out of range: 1 to %" PRIu64, size,
			   SIZE_MAX_BYTES);
		return MK_FAILED;
	}

	return host->set_vm(op, host->oma_id(op), false) ? MK_DONE : MK_FAILED;
}

/* The row with that id or name; NULL after fail(). Names need not be unique. */
static json_object *choose(struct mk_op *op, const char *what, const char *wanted)
{
	json_object *rows = host->rows(op), *found = NULL;
	size_t n = json_object_array_length(rows);

	for (size_t i = 0; i < n; i++) {
		json_object *row = json_object_array_get_idx(rows, i);

		if (streq(get_str(row, "id"), wanted))
			return row;
		if (!streq(get_str(row, "name"), wanted))
			continue;
		if (found) {
			host->fail(op, MK_ERROR_AMBIGUOUS,
				   "CloudStack has more than one %s named '%s' (%s and %s): give "
				   "the id",
				   what, wanted, get_str(found, "id"), get_str(row, "id"));
			return NULL;
		}
		found = row;
	}

	if (!found)
		host->fail(op, MK_ERROR_NOT_FOUND, "CloudStack has no %s '%s' that we may use",
			   what, wanted);
	return found;
}

/* What the caller says, else what the configuration says, else "". */
static const char *wish(struct mk_op *op, const char *name)
{
	const char *said = host->option_str(op, name, "");

	return *said ? said : host->setting(op, name);
}

int create_zone(struct mk_op *op)
{
	const char *wanted = wish(op, "zone");
	json_object *rows = host->rows(op), *zone = NULL;

	if (*wanted) {
		zone = choose(op, "zone", wanted);
	} else if (json_object_array_length(rows) == 1) {
		zone = json_object_array_get_idx(rows, 0);
	} else {
		host->fail(op, MK_ERROR_INVALID_ARGS,
			   "CloudStack has %zu zones: say which with the option zone, or in the "
			   "configuration ([volumes] zone)",
			   json_object_array_length(rows));
	}
	if (!zone)
		return MK_FAILED;

	set_note(op, "zone", get_str(zone, "id"));
	return MK_DONE;
}

/* Rounded up: a volume is never smaller than what is to be written to it (L30). */
static uint64_t gib(struct mk_op *op)
{
	uint64_t size = json_object_get_uint64(json_object_array_get_idx(host->args(op), 2));

	return (size + GIB - 1) / GIB;
}

int create_offering(struct mk_op *op)
{
	const char *wanted = wish(op, "disk-offering");
	json_object *offering;
	uint64_t fixed;
	char *name;

	if (!*wanted) {
		host->fail(op, MK_ERROR_INVALID_ARGS,
			   "no disk offering is named: use the option disk-offering, or the "
			   "configuration ([volumes] disk-offering)");
		return MK_FAILED;
	}

	offering = choose(op, "disk offering", wanted);
	if (!offering)
		return MK_FAILED;

	fixed = json_object_get_boolean(json_object_object_get(offering, "iscustomized"))
			? 0
			: json_object_get_uint64(json_object_object_get(offering, "disksize"));
	if (fixed && fixed != gib(op)) {
		host->fail(op, MK_ERROR_INVALID_ARGS,
			   "disk offering '%s' makes volumes of %" PRIu64 " GiB, and %" PRIu64
			   " GiB are wanted: choose one with a custom size",
			   wanted, fixed, gib(op));
		return MK_FAILED;
	}

	set_flag(op, "fixed", fixed != 0);
	set_note(op, "offering", get_str(offering, "id"));
	name = cloud_name(arg(host->args(op), 1), host->id(op));
	host->look_for(op, "name", name ? name : "");
	free(name);
	return MK_DONE;
}

static int send_create(struct mk_op *op)
{
	char *name = cloud_name(arg(host->args(op), 1), host->id(op));
	char size[24];

	snprintf(size, sizeof(size), "%" PRIu64, gib(op));
	if (!name) {
		host->fail(op, MK_ERROR_INTERNAL, "out of memory");
		return MK_FAILED;
	}

	if (flag(op, "fixed"))
		host->command(op, "createVolume", "name", name, "zoneid", note(op, "zone"),
			      "diskofferingid", note(op, "offering"), NULL);
	else
		host->command(op, "createVolume", "name", name, "zoneid", note(op, "zone"),
			      "diskofferingid", note(op, "offering"), "size", size, NULL);
	free(name);
	return MK_COMMAND;
}

/* The volume is known by its name, which holds the operation's id: a lost answer loses nothing (L18). */
int create(struct mk_op *op)
{
	const struct mk_volume_info *volumes;
	size_t n;

	volumes = host->volumes(op, &n);
	if (n == 0) {
		set_flag(op, "create-sent", true);
		return send_create(op);
	}

	/* A token that was used long ago, or under a database that was lost: never hand that one out. */
	if (!flag(op, "create-sent")) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "CloudStack has a volume named '%s' already, %s: use another token, or "
			   "adopt that one",
			   volumes[0].name, volumes[0].id);
		return MK_FAILED;
	}
	if (n > 1) {
		host->fail(op, MK_ERROR_AMBIGUOUS,
			   "CloudStack made %zu volumes named '%s' (%s and %s, …)", n,
			   volumes[0].name, volumes[0].id, volumes[1].id);
		return MK_FAILED;
	}
	if (*host->created_id(op) && !streq(host->created_id(op), volumes[0].id)) {
		host->fail(op, MK_ERROR_AMBIGUOUS,
			   "CloudStack made volume %s, and volume %s has its name",
			   host->created_id(op), volumes[0].id);
		return MK_FAILED;
	}

	return host->set_volume(op, volumes[0].id) ? MK_DONE : MK_FAILED;
}

/* The volume that CloudStack said it made; "" if its answer was lost, and the name was not found either. */
static const char *made(struct mk_op *op)
{
	return *host->volume_id(op) ? host->volume_id(op) : host->created_id(op);
}

/* Somebody's by now: the store has what this operation made only once nothing is left to be undone. */
static bool is_taken(struct mk_op *op, const struct mk_volume_info *v)
{
	return v->managed || is_foreign(op, v) || host->is_busy(op, v->id);
}

/* What was made: by its id; without one all that has the operation's name, one after the other. */
int create_undo(struct mk_op *op)
{
	const struct mk_volume_info *volumes, *taken = NULL;
	int r = MK_DONE;
	size_t n;

	if (!flag(op, "create-sent"))
		return MK_DONE;
	if (*made(op) && !flag(op, "by-id")) {
		set_flag(op, "by-id", true);
		host->look_for(op, "id", made(op));
		return MK_NEXT;
	}

	volumes = host->volumes(op, &n);
	for (size_t i = 0; r == MK_DONE && i < n; i++) {
		if (is_taken(op, &volumes[i]))
			taken = &volumes[i];
		else
			r = delete_volume(op, &volumes[i]);
	}
	if (r != MK_DONE || !taken)
		return r;

	host->fail(op, MK_ERROR_PROTECTED,
		   "volume %s (%s) has been taken over by %s: it was not deleted", taken->id,
		   taken->name, *taken->owner ? taken->owner : "another request");
	return MK_FAILED;
}

int create_own(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);
	json_object *result = host->result(op);
	int r;

	if (!v)
		return fail_no_volume(op);
	if (v->size < gib(op) * GIB) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "CloudStack made volume %s of %" PRIu64 " bytes where %" PRIu64
			   " were asked for",
			   v->id, v->size, gib(op) * GIB);
		return MK_FAILED;
	}

	r = own_volume(op, v, CLASS, arg(host->args(op), 1));
	if (r != MK_DONE)
		return r;

	set_str(result, "Volume", v->id);
	set_str(result, "Name", arg(host->args(op), 1));
	set_int(result, "Size", (int64_t)v->size);
	return MK_DONE;
}
