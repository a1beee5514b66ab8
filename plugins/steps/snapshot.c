/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Our snapshots of a volume. They are recognised by their name in CloudStack, so nothing about them is stored here. */

#include "steps.h"

#define OPERATION_ID_MAX        64
#define OPERATION_ID_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

static bool one_of(const char *state, const char *const *states)
{
	for (; *states; states++)
		if (streq(state, *states))
			return true;
	return false;
}

bool snapshot_is_gone(json_object *row)
{
	/* Hidden: deleted, and kept because later increments build on it */
	static const char *const states[] = { "Destroyed", "Hidden", NULL };

	return one_of(get_str(row, "state"), states);
}

bool snapshot_is_passing(json_object *row)
{
	static const char *const states[] = { "Allocated", "Creating", "CreatedOnPrimary",
					      "BackingUp", "Copying",  "Destroying",
					      NULL };

	return one_of(get_str(row, "state"), states);
}

/* As the daemon makes them and takes them as tokens. */
static bool is_operation_id(const char *s)
{
	size_t n = strlen(s);

	return n >= 1 && n <= OPERATION_ID_MAX && strspn(s, OPERATION_ID_CHARACTERS) == n;
}

bool snapshot_is_of(json_object *row, const char *operation)
{
	const char *name = get_str(row, "name");
	size_t n = strlen(SNAPSHOT_PREFIX);

	return strncmp(name, SNAPSHOT_PREFIX, n) == 0 && is_operation_id(name + n) &&
	       (!*operation || streq(name + n, operation));
}

int drop_snapshots(struct mk_op *op, const char *operation, const char *id)
{
	json_object *rows = host->rows(op);
	size_t n = rows ? json_object_array_length(rows) : 0;

	for (size_t i = 0; i < n; i++) {
		json_object *row = json_object_array_get_idx(rows, i);

		if (!snapshot_is_of(row, operation) || snapshot_is_gone(row) ||
		    (*id && !streq(get_str(row, "id"), id)))
			continue;
		if (snapshot_is_passing(row)) {
			host->waiting_for(op, "snapshot %s, which is %s", get_str(row, "id"),
					  get_str(row, "state"));
			return MK_AGAIN;
		}
		host->command(op, "deleteSnapshot", "id", get_str(row, "id"), NULL);
		return MK_COMMAND;
	}

	return MK_DONE;
}
