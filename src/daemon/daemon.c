/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts all rooms in order, runs the loop, and stops them in the reverse order. Also the end of a turn (what is
 * committed and released), changes of disks, and signals. */

#include "daemon-internal.h"

#include "base/log.h"

#include <signal.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#define PRIORITY_SIGNALS (-20)

/* ---- the turn ---------------------------------------------------------------------------------------------- */

static int turn_commit(void *data)
{
	struct daemon *d = data;

	if (mk_engine_write(d->engine) < 0)
		return -EIO;

	mk_daemon_refresh(d);
	return mk_store_commit(d->store);
}

static void turn_release(void *data)
{
	struct daemon *d = data;

	if (d->bus)
		mk_bus_flush(d->bus);
	if (!d->stopping)
		mk_engine_release(d->engine);
}

static void turn_fatal(void *data)
{
	struct daemon *d = data;

	mk_log_error(NULL, "the journal failed: %s; ending, what was not stored was not sent",
		     mk_store_failed(d->store));
	if (d->bus)
		mk_bus_discard(d->bus);
	(void)sd_event_exit(d->event, EXIT_FAILURE);
}

static void want_turn(void *data)
{
	struct daemon *d = data;

	if (d->turn) /* not while everything is being freed */
		mk_turn_request(d->turn);
}

/* ---- devices ----------------------------------------------------------------------------------------------- */

static void on_devices(void *data)
{
	struct daemon *d = data;

	if (!d->engine)
		return;

	mk_volumes_recheck(d->volumes);
	mk_engine_devices_changed(d->engine);
	want_turn(d);
}

/* ---- signals ------------------------------------------------------------------------------------------------- */

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *si, void *data)
{
	struct daemon *d = data;

	mk_log_info(NULL, "ending on signal %u", si->ssi_signo);
	(void)sd_event_exit(d->event, EXIT_SUCCESS);
	return 0;
}

static int add_signal(struct daemon *d, int signo, sd_event_signal_handler_t handler)
{
	sd_event_source *source;
	int r;

	r = sd_event_add_signal(d->event, &source, signo, handler, d);
	if (r < 0)
		return r;

	(void)sd_event_source_set_priority(source, PRIORITY_SIGNALS);
	(void)sd_event_source_set_floating(source, true);
	sd_event_source_unref(source);
	return 0;
}

static int watch_signals(struct daemon *d)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	sigset_t set;
	int r;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		r = add_signal(d, signals[i], signals[i] == SIGHUP ? mk_daemon_on_reload : on_stop);
		if (r < 0)
			return r;
	}

	return 0;
}

/* ---- start and stop --------------------------------------------------------------------------------------------- */

static bool store_needs_help(int r)
{
	static const int errors[] = { EUCLEAN, ENOTSUP, ENOENT, ENOTDIR, EACCES };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (r == -errors[i])
			return true;
	return false;
}

static int open_store(struct daemon *d)
{
	_cleanup_free_ char *path =
		mk_strdup_printf("%s/volumed.db", d->config->daemon.state_directory);
	_cleanup_error_ struct mk_error error = { 0 };
	int r = -ENOMEM;

	if (path)
		r = mk_store_open(path, &d->store, &error);
	if (store_needs_help(r))
		mk_daemon_give_up(d, r);
	return r < 0 ? mk_daemon_fail("cannot open the journal", r, &error) : 0;
}

static int load_plugins(struct daemon *d)
{
	int r;

	r = mk_plugins_load(d->config->plugins.directory, d->config->plugins.load, mk_engine_host(),
			    &d->plugins);
	if (r < 0)
		return mk_daemon_fail("cannot load plugins", r, NULL);

	for (size_t i = 0; i < d->plugins->n; i++) {
		const struct mk_plugin_slot *slot = &d->plugins->slots[i];
		struct mk_log_fields fields = { .plugin = slot->name };

		if (slot->plugin)
			mk_log_info(&fields, "class %s: %s", slot->name, slot->plugin->summary);
		else
			mk_log_error(&fields, "class %s is disabled: %s", slot->name,
				     str_or_empty(slot->problem));
	}

	return 0;
}

static int watch_devices(struct daemon *d)
{
	struct mk_devices_config config = { .event = d->event, .on_change = on_devices, .data = d };
	int r;

	r = mk_devices_new(&config, &d->devices);
	return r < 0 ? mk_daemon_fail("cannot watch block devices", r, NULL) : 0;
}

static int make_engine(struct daemon *d)
{
	struct mk_turn_hooks hooks = { turn_commit, turn_release, turn_fatal, d };
	struct mk_engine_config e_config = mk_daemon_engine_config(d->config);
	struct mk_engine_watcher watcher;
	struct mk_volumes_watcher v_watcher;
	struct mk_service_config s_config = {
		.event = d->event,
		.plugins = d->plugins,
		.store = d->store,
		.cs = d->cs,
		.oma = d->config->appliance.vm,
	};
	int r;

	r = mk_service_new(&s_config, &d->service);
	if (r < 0)
		return mk_daemon_fail("cannot make the service", r, NULL);
	mk_daemon_tell_insecure(d);

	v_watcher = mk_service_volumes_watcher(d->service);
	r = mk_volumes_new(d->store, d->devices, d->config->appliance.vm, &v_watcher, &d->volumes);
	if (r < 0)
		return mk_daemon_fail("cannot read the managed volumes", r, NULL);
	mk_volumes_recheck(d->volumes);
	mk_service_set_volumes(d->service, d->volumes);

	r = mk_turn_new(d->event, &hooks, &d->turn);
	if (r < 0)
		return mk_daemon_fail("cannot use the event loop", r, NULL);

	watcher = mk_service_watcher(d->service);
	r = mk_engine_new(d->event, d->cs, d->store, d->volumes, &e_config, &watcher, want_turn, d,
			  &d->engine);
	if (r < 0)
		return mk_daemon_fail("cannot make the engine", r, NULL);

	mk_service_set_engine(d->service, d->engine);
	return 0;
}

/* Everything that can be asked for is there before the name is. */
static int start(struct daemon *d)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_cs_config cs_config;
	int r;

	r = mk_daemon_load_config(d->options->config_path, &d->config);
	if (r < 0)
		return r == -EINVAL ? mk_daemon_give_up(d, r) : r;

	r = sd_event_new(&d->event);
	if (r >= 0)
		r = watch_signals(d);
	if (r >= 0)
		r = sd_event_set_watchdog(d->event, true);
	if (r < 0)
		return mk_daemon_fail("cannot use the event loop", r, NULL);

	r = open_store(d);
	if (r < 0)
		return r;

	cs_config = mk_daemon_cs_config(d->config);
	r = mk_cs_new(d->event, &cs_config, &d->cs);
	if (r < 0)
		return mk_daemon_fail("cannot make the CloudStack client", r, NULL);
	mk_cs_on_reachable(d->cs, mk_daemon_on_reachable, d);

	r = load_plugins(d);
	if (r >= 0)
		r = watch_devices(d);
	if (r >= 0)
		r = make_engine(d);
	if (r >= 0)
		r = mk_daemon_make_access(d);
	if (r >= 0)
		r = mk_daemon_open_bus(d, want_turn);
	if (r < 0)
		return r;

	(void)mk_engine_set_appliance(d->engine,
				      ""); /* until mk_daemon_check_appliance() has its answer */
	r = mk_engine_restore(d->engine);
	if (r < 0)
		return mk_daemon_fail("cannot read the journal", r, NULL);

	mk_daemon_check_appliance(d);
	mk_turn_run(d->turn);

	r = mk_daemon_let_in(d);
	if (r < 0)
		return r;

	mk_log_info(NULL, "serving " MK_BUS_NAME ", version %s", PACKAGE_VERSION);
	(void)sd_notify(0, "READY=1");
	return 0;
}

/* The reverse. Unfinished operations stay in the journal and go on after the next start. */
static void stop(struct daemon *d)
{
	(void)sd_notify(0, "STOPPING=1");
	d->stopping = true;
	if (d->engine)
		mk_turn_run(d->turn);
	mk_appliance_check_cancel(d->oma_check);
	sd_event_source_disable_unref(d->oma_timer);
	free(d->oma_problem);
	mk_engine_free(d->engine);
	mk_volumes_free(d->volumes);
	mk_devices_free(d->devices);
	mk_service_free(d->service);
	mk_access_free(d->access);
	sd_event_source_disable_unref(d->bus_retry);
	d->turn = mk_turn_free(d->turn); /* all of these may ask for one */
	mk_bus_close(d->bus);
	mk_cs_free(d->cs);
	mk_plugins_free(d->plugins);
	mk_store_close(d->store);
	mk_config_free(d->config);
	sd_event_unref(d->event);
}

int mk_daemon_run(const struct mk_daemon_options *options)
{
	struct daemon d = { .options = options, .failed = EXIT_FAILURE };
	int r;

	r = start(&d);
	if (r >= 0)
		r = sd_event_loop(d.event);

	stop(&d);
	return r < 0 ? d.failed : r;
}
