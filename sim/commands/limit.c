/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How much an account may have: ResourceLimitManagerImpl.checkAccountResourceLimit(). */

#include "commands-internal.h"

/* ---- what it has ----------------------------------------------------------------------------- */

static bool counts(const struct sim_volume *v, const struct sim_account *owner)
{
	return v->o.owner == owner && !v->o.removed && !v->hidden && !streq(v->state, "Destroy") &&
	       !streq(v->state, "Expunging");
}

static int64_t used_volumes(struct sim *sim, const struct sim_account *owner, bool bytes)
{
	struct sim_volume *v;
	int64_t n = 0;

	SIM_FOREACH(sim, K_VOLUME, v)
		if (counts(v, owner))
			n += bytes ? (int64_t)v->size : 1;
	return n;
}

static int64_t used_vms(struct sim *sim, const struct sim_account *owner)
{
	static const char *const gone[] = { "Destroyed", "Expunging", "Error", NULL };
	struct sim_vm *vm;
	int64_t n = 0;

	SIM_FOREACH(sim, K_VM, vm)
		n += vm->o.owner == owner && !vm->o.removed && !sim_state_name(gone, vm->state);
	return n;
}

static int64_t used_snapshots(struct sim *sim, const struct sim_account *owner)
{
	struct sim_snapshot *s;
	int64_t n = 0;

	SIM_FOREACH(sim, K_SNAPSHOT, s)
		n += s->o.owner == owner && !s->o.removed && !streq(s->state, "Error");
	return n;
}

static int64_t used(struct sim *sim, const struct sim_account *owner, enum sim_limit limit)
{
	switch (limit) {
	case SIM_LIMIT_VM:
		return used_vms(sim, owner);
	case SIM_LIMIT_VOLUME:
		return used_volumes(sim, owner, false);
	case SIM_LIMIT_SNAPSHOT:
		return used_snapshots(sim, owner);
	case SIM_LIMIT_PRIMARY_STORAGE:
		return used_volumes(sim, owner, true);
	case SIM_LIMIT_N:
		break;
	}
	return 0;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* NumbersUtil.toReadableSize() */
static void readable(int64_t bytes, char *ret, size_t size)
{
	static const char *const units[] = { "KB", "MB", "GB" };
	double n = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(ret, size, "%" PRId64 " bytes", bytes);
		return;
	}
	while (n >= 1024 && i < ARRAY_SIZE(units)) {
		n /= 1024;
		i++;
	}
	snprintf(ret, size, i < ARRAY_SIZE(units) ? "%.2f %s" : "%.4f TB", n,
		 i < ARRAY_SIZE(units) ? units[i] : "");
}

/* Bytes are given twice. */
static char *amount(enum sim_limit limit, int64_t n)
{
	char size[32];

	if (limit != SIM_LIMIT_PRIMARY_STORAGE)
		return sim_checked(mk_strdup_printf("%" PRId64, n));
	readable(n, size, sizeof(size));
	return sim_checked(mk_strdup_printf("(%s) %" PRId64, size, n));
}

static char *text_of(const struct sim_account *owner, enum sim_limit limit, int64_t most,
		     int64_t has, int64_t wanted)
{
	_cleanup_free_ char *l = amount(limit, most), *h = amount(limit, has);
	_cleanup_free_ char *w = amount(limit, wanted), *none = amount(limit, 0);

	return sim_checked(mk_strdup_printf(
		"Maximum amount of resources of Type = '%s', tag = 'null' for %s Name = %s in "
		"Domain Id = %" PRId64 " is exceeded: Account Resource Limit = %s, Current Account "
		"Resource Amount = %s, Current Account Resource Reservation = %s, Requested "
		"Resource Amount = %s.",
		sim_limit_name(limit), owner->project ? "Project" : "Account",
		owner->project ? owner->project->o.name : owner->o.name, owner->domain->o.number, l,
		h, none, w));
}

/* ---- the check ------------------------------------------------------------------------------- */

static int64_t limit_of(struct sim *sim, const struct sim_account *owner, enum sim_limit limit)
{
	int64_t most = sim_get(sim, "max-volumes");

	if (sim_is_admin(owner))
		return -1;
	if (owner->limits[limit] < 0 && limit == SIM_LIMIT_VOLUME && most > 0)
		return most;
	return owner->limits[limit];
}

char *sim_over_limit(struct sim *sim, const struct sim_account *owner, enum sim_limit limit,
		     int64_t wanted)
{
	int64_t most = limit_of(sim, owner, limit), has;

	if (most < 0)
		return NULL;
	has = used(sim, owner, limit);
	return has + wanted > most ? text_of(owner, limit, most, has, wanted) : NULL;
}

char *sim_over_volume_limit(struct sim *sim, const struct sim_account *owner, int64_t bytes)
{
	char *text = sim_over_limit(sim, owner, SIM_LIMIT_VOLUME, 1);

	return text ? text : sim_over_limit(sim, owner, SIM_LIMIT_PRIMARY_STORAGE, bytes);
}
