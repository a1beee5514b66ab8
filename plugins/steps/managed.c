/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Step functions for managed volumes of every class: deleting, adopting, forgetting; and the names that volumes
 * have in CloudStack. */

#include "steps.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- names -------------------------------------------------------------------------------------------------- */

char *cloud_name(const char *name, const char *operation)
{
	char *s;

	return asprintf(&s, "%s (%s)", name, operation) < 0 ? NULL : s;
}

char *plain_name(const struct mk_volume_info *v)
{
	char *suffix = cloud_name("", v->operation);
	size_t n = strlen(v->name), m;

	if (!suffix)
		return NULL;

	/* anything else in parentheses is its owner's */
	m = strlen(suffix);
	if (*v->operation && n > m && streq(v->name + n - m, suffix))
		n -= m;
	free(suffix);
	return strndup(v->name, n);
}

/* ---- DeleteVolume --------------------------------------------------------------------------------------------- */

static int check_ours(struct mk_op *op, const struct mk_volume_info *v)
{
	if (is_foreign(op, v)) {
		host->fail(op, MK_ERROR_PROTECTED,
			   "volume %s (%s) belongs to another appliance, %s", v->id, v->name,
			   v->owner);
		return MK_FAILED;
	}
	if (v->managed)
		return MK_DONE;

	if (*v->owner)
		host->fail(
			op, MK_ERROR_NOT_MANAGED,
			"volume %s (%s) carries our tags, and is not in our store: Reconcile with "
			"repair=true, or adopt it, before it is deleted",
			v->id, v->name);
	else if (!host->option_bool(op, "unmanaged", false))
		host->fail(op, MK_ERROR_NOT_MANAGED,
			   "volume %s (%s) is not managed here: pass the option unmanaged=true to "
			   "delete "
			   "it all the same",
			   v->id, v->name);
	else
		return MK_DONE;
	return MK_FAILED;
}

static int check_deletable(struct mk_op *op, const struct mk_volume_info *v)
{
	int r = check_ours(op, v);

	if (r != MK_DONE)
		return r;

	if (*v->vm) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "volume %s (%s) is attached to VM %s: detach it first", v->id, v->name,
			   v->vm);
	} else if (*host->device_seen(op, v->id)) {
		host->fail(op, MK_ERROR_WRONG_STATE,
			   "CloudStack says that volume %s (%s) is detached, and disk %s with its "
			   "serial "
			   "is still here: it was not deleted",
			   v->id, v->name, host->device_seen(op, v->id));
	} else {
		return MK_DONE;
	}
	return MK_FAILED;
}

int delete_check(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);

	if (!v && !host->managed(op, host->volume_id(op)))
		return fail_no_volume(op);

	return v ? check_deletable(op, v) : MK_DONE; /* gone already: it is forgotten then */
}

int delete (struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);
	int r;

	/* Somebody else may have attached or adopted it since. */
	r = v ? check_deletable(op, v) : MK_DONE;
	return r == MK_DONE ? delete_volume(op, v) : r;
}

int delete_prove(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);

	if (v && !streq(v->state, "Expunged")) {
		host->waiting_for(op, "volume %s to be expunged; it is %s", v->id, v->state);
		return MK_AGAIN;
	}

	host->forget(op, host->volume_id(op));
	set_str(host->result(op), "Volume", host->volume_id(op));
	return MK_DONE;
}

/* ---- AdoptVolume, ForgetVolume ----------------------------------------------------------------------------------- */

void adopt_note(struct mk_op *op, const struct mk_volume_info *v)
{
	const struct mk_managed_info *m = host->managed(op, v->id);

	set_flag(op, "was-managed", m != NULL);
	set_note(op, "was-class", m ? m->class : "");
	set_note(op, "was-name", m ? m->name : "");
	set_flag(op, "was-untagged", !*v->owner);
	set_note(op, "was-tagged", v->class);
}

int adopt_own(struct mk_op *op, const char *class)
{
	const struct mk_volume_info *v = host->volume(op);
	const char *name = host->option_str(op, "name", "");
	char *plain = v && !*name ? plain_name(v) : NULL;
	int r;

	r = own_volume(op, v, class, *name ? name : plain);
	free(plain);
	return r;
}

/* As they were: tags that say that it is ours keep it from being deleted by others. */
static int restore_tags(struct mk_op *op, const struct mk_volume_info *v)
{
	if (!v || !*v->owner || is_foreign(op, v))
		return MK_DONE;
	if (flag(op, "was-untagged"))
		return disown_volume(op, v);

	return class_volume(op, v, note(op, "was-tagged"));
}

int adopt_undo(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);
	int r = restore_tags(op, v);

	if (r != MK_DONE)
		return r;

	if (!flag(op, "was-managed"))
		host->forget(op, host->volume_id(op));
	else if (v)
		host->manage(op, v, note(op, "was-class"), note(op, "was-name"));
	return MK_DONE;
}

int adopt_prove(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);

	if (!v)
		return fail_no_volume(op);
	if (streq(v->vm, host->oma_id(op)))
		return attach_prove(op);

	set_str(host->result(op), "Volume", v->id);
	return MK_DONE;
}

/* One that another appliance has taken over may be forgotten, with all that it has. */
int forget_check(struct mk_op *op)
{
	const struct mk_volume_info *v = host->volume(op);

	if (!v || !is_foreign(op, v) || !host->option_bool(op, "drop-snapshots", false))
		return MK_DONE;

	host->fail(op, MK_ERROR_PROTECTED,
		   "volume %s (%s) belongs to another appliance, %s: its snapshots are not dropped "
		   "here; forget it without the option drop-snapshots",
		   v->id, v->name, v->owner);
	return MK_FAILED;
}

int forget_drop(struct mk_op *op)
{
	return host->option_bool(op, "drop-snapshots", false) ? drop_snapshots(op, "", "")
							      : MK_DONE;
}

int forget_untag(struct mk_op *op)
{
	return disown_volume(op, host->volume(op));
}

int forget(struct mk_op *op)
{
	host->forget(op, host->volume_id(op));
	set_str(host->result(op), "Volume", host->volume_id(op));
	return MK_DONE;
}
