/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reporting what is wrong: a start that fails, CloudStack that does not answer, a machine that is not the
 * configured VM. */

#include "daemon-internal.h"

#include "base/log.h"

#include <sysexits.h>
#include <systemd/sd-daemon.h>

#define UNVERIFIED "it is not verified that this is the configured VM: no DMI UUID can be read"

int mk_daemon_fail(const char *doing, int r, const struct mk_error *error)
{
	mk_log_error(NULL, "%s: %s", doing,
		     error && mk_error_is_set(error) ? str_or_empty(error->text) : strerror(-r));
	return r;
}

/* Only an administrator can mend it: systemd is not to try again by itself. */
int mk_daemon_give_up(struct daemon *d, int r)
{
	d->failed = EX_CONFIG;
	return r;
}

/* ---- the appliance's own VM ------------------------------------------------------------------------------- */

void mk_daemon_refresh(struct daemon *d)
{
	if (mk_service_refresh(d->service))
		(void)sd_notifyf(0, "STATUS=%s", mk_service_status(d->service));
}

static int on_oma_timer(sd_event_source *source, uint64_t usec, void *data)
{
	mk_daemon_check_appliance(data);
	return 0;
}

/* What is wrong may be mended in CloudStack, without a reload. */
static void check_oma_later(struct daemon *d)
{
	d->oma_timer = sd_event_source_disable_unref(d->oma_timer);
	(void)sd_event_add_time_relative(d->event, &d->oma_timer, CLOCK_MONOTONIC,
					 d->config->operations.settle_interval, 0, on_oma_timer, d);
}

static void on_oma_checked(const char *problem, bool unverified, void *data)
{
	struct daemon *d = data;

	d->oma_check = NULL;
	if (*problem && !streq(problem, str_or_empty(d->oma_problem)))
		mk_log_error(NULL, "%s; nothing is changed until that is mended", problem);
	else if (!*problem)
		mk_log_info(NULL, "CloudStack knows the appliance's VM %s%s%s",
			    d->config->appliance.vm, unverified ? "; " : "",
			    unverified ? UNVERIFIED : "");
	if (*problem)
		check_oma_later(d);
	(void)mk_str_set(&d->oma_problem, problem);
	(void)mk_engine_set_appliance(d->engine, *problem ? problem : NULL);
	(void)mk_service_set_condition(d->service, MK_CONDITION_OMA, problem);
	(void)mk_service_set_condition(d->service, MK_CONDITION_UNVERIFIED,
				       unverified ? UNVERIFIED : "");
	if (!*problem && !d->reconciled) {
		d->reconciled = true;
		mk_service_reconcile(d->service);
	}
	mk_daemon_refresh(d);
}

void mk_daemon_check_appliance(struct daemon *d)
{
	if (!d->oma_check)
		d->oma_check =
			mk_appliance_check(d->cs, d->config->appliance.vm,
					   d->config->appliance.check_dmi, on_oma_checked, d);
}

void mk_daemon_on_reachable(void *data)
{
	struct daemon *d = data;

	if (mk_cs_reachable(d->cs))
		mk_log_notice(NULL, "CloudStack answers");
	else
		mk_log_warning(NULL, "CloudStack cannot be used: %s", mk_cs_status(d->cs));
	mk_daemon_refresh(d);
}
