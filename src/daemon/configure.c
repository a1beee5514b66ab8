/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From volumed.conf to the configurations of the rooms, at start and when SIGHUP asks for a reload. */

#include "daemon-internal.h"

#include "base/log.h"

#include <systemd/sd-daemon.h>

#define NOT_TAKEN "the configuration on disk was not taken"
#define INSECURE  "TLS certificates are not verified (insecure = yes)"

int mk_daemon_load_config(const char *path, struct mk_config **ret)
{
	struct mk_config_problems problems = { 0 };
	int r;

	r = mk_config_load(path, ret, &problems);
	for (size_t i = 0; i < problems.n; i++)
		mk_log_error(NULL, "%s", problems.items[i]);
	mk_config_problems_done(&problems);
	return r;
}

struct mk_engine_config mk_daemon_engine_config(const struct mk_config *c)
{
	return (struct mk_engine_config){
		.oma = c->appliance.vm,
		.disk_offering = c->volumes.disk_offering,
		.max_data_disks = c->volumes.max_data_disks,
		.zone = c->volumes.zone,
		.max_pending = c->operations.max_pending,
		.max_per_caller = c->operations.max_per_caller,
		.deadline = c->operations.deadline,
		.step_limit = c->operations.step_limit,
		.poll_interval = c->operations.poll_interval,
		.settle_interval = c->operations.settle_interval,
		.rollback_deadline = c->operations.rollback_deadline,
		.history_age = c->operations.history_age,
		.history_count = c->operations.history_count,
		.export_finished = c->operations.export_finished,
	};
}

struct mk_cs_config mk_daemon_cs_config(const struct mk_config *c)
{
	return (struct mk_cs_config){
		.url = c->cloudstack.url,
		.api_key = c->cloudstack.api_key,
		.secret_key = c->cloudstack.secret_key,
		.ca_file = c->cloudstack.ca_file,
		.insecure = c->cloudstack.insecure,
		.max_requests = c->cloudstack.max_requests,
		.read_timeout = c->cloudstack.request_timeout,
		.sync_timeout = c->cloudstack.sync_timeout,
		.poll_min = c->cloudstack.poll_min,
		.poll_max = c->cloudstack.poll_max,
		.retry_min = c->cloudstack.retry_min,
		.retry_max = c->cloudstack.retry_max,
	};
}

void mk_daemon_tell_insecure(struct daemon *d)
{
	(void)mk_service_set_condition(d->service, MK_CONDITION_INSECURE,
				       d->config->cloudstack.insecure ? INSECURE : "");
}

static void on_fixed_key(const char *group, const char *key)
{
	mk_log_warning(NULL, "[%s] %s changed; it takes effect at the next start", group, key);
}

static void apply_config(struct daemon *d, struct mk_config *config)
{
	struct mk_cs_config cs_config = mk_daemon_cs_config(config);
	struct mk_engine_config e_config;
	int r;

	r = mk_cs_reconfigure(d->cs, &cs_config);
	if (r < 0)
		mk_log_error(NULL, "cannot apply the new CloudStack settings: %s", strerror(-r));
	e_config = mk_daemon_engine_config(config);
	mk_engine_reconfigure(d->engine, &e_config);
	mk_config_free(d->config);
	d->config = config;
	mk_daemon_tell_insecure(d);
}

int mk_daemon_on_reload(sd_event_source *source, const struct signalfd_siginfo *si, void *data)
{
	_cleanup_(mk_config_freep) struct mk_config *config = NULL;
	struct daemon *d = data;
	bool taken;

	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, mk_now_monotonic());
	taken = mk_daemon_load_config(d->options->config_path, &config) == 0 &&
		mk_config_keep_fixed(config, d->config, on_fixed_key) == 0;
	if (taken) {
		apply_config(d, take_ptr(config));
		mk_log_info(NULL, "configuration read again");
		mk_daemon_check_appliance(d);
	} else {
		mk_log_error(NULL, NOT_TAKEN "; going on with the old one");
	}

	(void)mk_service_set_condition(d->service, MK_CONDITION_CONFIG, taken ? "" : NOT_TAKEN);
	mk_daemon_refresh(d);
	(void)sd_notify(0, "READY=1");
	return 0;
}
