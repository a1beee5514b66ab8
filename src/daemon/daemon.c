/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon.h"

#include "bus/access.h"
#include "volume/appliance.h"
#include "base/log.h"
#include "service/service.h"
#include "turn.h"

#include <signal.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#define PRIORITY_SIGNALS (-20)

#define BUS_RETRY (2 * USEC_PER_SEC)

#define NOT_TAKEN  "the configuration on disk was not taken"
#define INSECURE   "TLS certificates are not verified (insecure = yes)"
#define UNVERIFIED "it is not verified that this is the configured VM: no DMI UUID can be read"

struct daemon {
	const struct mk_daemon_options *options;
	sd_event *event;
	struct mk_config *config;
	struct mk_store *store;
	struct mk_cs *cs;
	struct mk_plugins *plugins;
	struct mk_devices *devices;
	struct mk_volumes *volumes;
	struct mk_service *service;
	struct mk_turn *turn;
	struct mk_engine *engine;
	struct mk_access *access;
	struct mk_bus *bus;
	bool has_socket;            /* systemd passed the private socket */
	sd_event_source *bus_retry; /* armed while the bus is missing */
	struct mk_appliance_check *oma_check;
	sd_event_source *oma_timer; /* asks again */
	char *oma_problem;          /* as found last; NULL or "": none */
	int failed;                 /* exit status of a start that fails */
	bool reconciled;            /* the comparison of the start was asked for */
	bool stopping;              /* nothing new is sent any more */
};

/* ---- configuration -------------------------------------------------------------------------------------- */

static int load_config(const char *path, struct mk_config **ret)
{
	struct mk_config_problems problems = { 0 };
	int r;

	r = mk_config_load(path, ret, &problems);
	for (size_t i = 0; i < problems.n; i++)
		mk_log_error(NULL, "%s", problems.items[i]);
	mk_config_problems_done(&problems);
	return r;
}

static struct mk_engine_config engine_config(const struct mk_config *c)
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

/* ---- the appliance's own VM -------------------------------------------------------------------------------- */

static void refresh(struct daemon *d)
{
	if (mk_service_refresh(d->service))
		(void)sd_notifyf(0, "STATUS=%s", mk_service_status(d->service));
}

static void check_oma(struct daemon *d);

static int on_oma_timer(sd_event_source *source, uint64_t usec, void *data)
{
	check_oma(data);
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
	refresh(d);
}

static void set_insecure(struct daemon *d)
{
	(void)mk_service_set_condition(d->service, MK_CONDITION_INSECURE,
				       d->config->cloudstack.insecure ? INSECURE : "");
}

static void check_oma(struct daemon *d)
{
	if (!d->oma_check)
		d->oma_check =
			mk_appliance_check(d->cs, d->config->appliance.vm,
					   d->config->appliance.check_dmi, on_oma_checked, d);
}

static void on_reachable(void *data)
{
	struct daemon *d = data;

	if (mk_cs_reachable(d->cs))
		mk_log_notice(NULL, "CloudStack answers");
	else
		mk_log_warning(NULL, "CloudStack cannot be used: %s", mk_cs_status(d->cs));
	refresh(d);
}

/* ---- the turn ---------------------------------------------------------------------------------------------- */

static int turn_commit(void *data)
{
	struct daemon *d = data;

	if (mk_engine_write(d->engine) < 0)
		return -EIO;

	refresh(d);
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

static void on_disconnected(void *data)
{
	struct daemon *d = data;

	mk_log_error(NULL,
		     "lost the connection to the bus; ending, operations go on after the next "
		     "start");
	(void)sd_event_exit(d->event, EXIT_FAILURE);
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

static void on_fixed_key(const char *group, const char *key)
{
	mk_log_warning(NULL, "[%s] %s changed; it takes effect at the next start", group, key);
}

static void apply_config(struct daemon *d, struct mk_config *config)
{
	struct mk_cs_config cs_config = mk_config_cloudstack(config);
	struct mk_engine_config e_config;
	int r;

	r = mk_cs_reconfigure(d->cs, &cs_config);
	if (r < 0)
		mk_log_error(NULL, "cannot apply the new CloudStack settings: %s", strerror(-r));
	e_config = engine_config(config);
	mk_engine_reconfigure(d->engine, &e_config);
	mk_config_free(d->config);
	d->config = config;
	set_insecure(d);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *si, void *data)
{
	_cleanup_(mk_config_freep) struct mk_config *config = NULL;
	struct daemon *d = data;
	bool taken;

	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, mk_now_monotonic());
	taken = load_config(d->options->config_path, &config) == 0 &&
		mk_config_keep_fixed(config, d->config, on_fixed_key) == 0;
	if (taken) {
		apply_config(d, take_ptr(config));
		mk_log_info(NULL, "configuration read again");
		check_oma(d);
	} else {
		mk_log_error(NULL, NOT_TAKEN "; going on with the old one");
	}

	(void)mk_service_set_condition(d->service, MK_CONDITION_CONFIG, taken ? "" : NOT_TAKEN);
	refresh(d);
	(void)sd_notify(0, "READY=1");
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
		r = add_signal(d, signals[i], signals[i] == SIGHUP ? on_reload : on_stop);
		if (r < 0)
			return r;
	}

	return 0;
}

/* ---- start and stop --------------------------------------------------------------------------------------------- */

static int fail(const char *doing, int r, const struct mk_error *error)
{
	mk_log_error(NULL, "%s: %s", doing,
		     error && mk_error_is_set(error) ? str_or_empty(error->text) : strerror(-r));
	return r;
}

/* Only an administrator can mend it: systemd is not to try again by itself. */
static int give_up(struct daemon *d, int r)
{
	d->failed = EX_CONFIG;
	return r;
}

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
		give_up(d, r);
	return r < 0 ? fail("cannot open the journal", r, &error) : 0;
}

static int load_plugins(struct daemon *d)
{
	int r;

	r = mk_plugins_load(d->config->plugins.directory, d->config->plugins.load, mk_engine_host(),
			    &d->plugins);
	if (r < 0)
		return fail("cannot load plugins", r, NULL);

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
	return r < 0 ? fail("cannot watch block devices", r, NULL) : 0;
}

static int make_engine(struct daemon *d)
{
	struct mk_turn_hooks hooks = { turn_commit, turn_release, turn_fatal, d };
	struct mk_engine_config e_config = engine_config(d->config);
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
		return fail("cannot make the service", r, NULL);
	set_insecure(d);

	v_watcher = mk_service_volumes_watcher(d->service);
	r = mk_volumes_new(d->store, d->devices, d->config->appliance.vm, &v_watcher, &d->volumes);
	if (r < 0)
		return fail("cannot read the managed volumes", r, NULL);
	mk_service_set_volumes(d->service, d->volumes);

	r = mk_turn_new(d->event, &hooks, &d->turn);
	if (r < 0)
		return fail("cannot use the event loop", r, NULL);

	watcher = mk_service_watcher(d->service);
	r = mk_engine_new(d->event, d->cs, d->store, d->volumes, &e_config, &watcher, want_turn, d,
			  &d->engine);
	if (r < 0)
		return fail("cannot make the engine", r, NULL);

	mk_service_set_engine(d->service, d->engine);
	return 0;
}

/* ---- ways in ------------------------------------------------------------------------------------------------- */

/* True if systemd passed the private socket; negative if it passed anything else. */
static int socket_passed(void)
{
	int n = sd_listen_fds(false);

	if (n <= 0)
		return n;
	if (n == 1 && sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) > 0)
		return true;

	mk_log_error(NULL,
		     "%d descriptors were passed; one listening AF_UNIX stream socket was "
		     "expected: see migratekit-volumed.socket",
		     n);
	return -EINVAL;
}

static void on_authorize(struct mk_call *call, void *data)
{
	mk_access_authorize(((struct daemon *)data)->access, call);
}

static int listen_for_peers(struct daemon *d)
{
	const struct mk_bus_listen config = {
		.address = "systemd:",
		.name = MK_BUS_NAME,
		.group = mk_access_group(d->access),
		.auth_limit = MK_BUS_PEER_AUTH_LIMIT,
		.refused = mk_access_log_refusal,
	};
	_cleanup_error_ struct mk_error error = { 0 };
	int r;

	r = mk_bus_listen(d->bus, &config, &error);
	return r < 0 ? fail("cannot serve the private socket", r, &error) : 0;
}

static int make_access(struct daemon *d)
{
	const struct mk_access_config config = {
		.event = d->event,
		.group = d->config->daemon.group,
		.limit = MK_ACCESS_LIMIT,
	};
	int r;

	r = mk_access_new(&config, &d->access);
	return r < 0 ? fail("cannot make the access control", r, NULL) : 0;
}

/* Says so once, and tries again. */
static void without_bus(struct daemon *d, const struct mk_error *error)
{
	_cleanup_free_ char *text =
		mk_strdup_printf("serving the private socket alone: %s", str_or_empty(error->text));

	if (mk_service_set_condition(d->service, MK_CONDITION_BUS, str_or_empty(text)))
		mk_log_warning(NULL, "%s", str_or_empty(text));
	(void)sd_event_source_set_time_relative(d->bus_retry, BUS_RETRY);
	(void)sd_event_source_set_enabled(d->bus_retry, SD_EVENT_ONESHOT);
}

static void on_joined(const struct mk_error *error, void *data)
{
	struct daemon *d = data;

	if (error) {
		without_bus(d, error);
	} else {
		mk_log_notice(NULL, "the bus is there: serving it too");
		(void)mk_service_set_condition(d->service, MK_CONDITION_BUS, "");
		mk_access_start(d->access, d->bus);
	}
	refresh(d);
}

static int on_bus_retry(sd_event_source *source, uint64_t usec, void *data)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct daemon *d = data;

	if (mk_bus_join(d->bus, d->options->bus_address, MK_BUS_NAME, on_joined, d, &error) < 0)
		on_joined(&error, d);
	return 0;
}

/* Where there is a private socket the bus may be missing, and come later. */
static int connect_bus(struct daemon *d)
{
	_cleanup_error_ struct mk_error error = { 0 };
	int r;

	if (d->options->no_bus)
		return 0;

	r = mk_bus_connect(d->bus, d->options->bus_address, &error);
	if (r == -ECONNREFUSED && d->has_socket) {
		r = sd_event_add_time_relative(d->event, &d->bus_retry, CLOCK_MONOTONIC, BUS_RETRY,
					       0, on_bus_retry, d);
		if (r < 0)
			return fail("cannot use the event loop", r, NULL);
		without_bus(d, &error);
		return 0;
	}
	if (r < 0)
		return fail("cannot connect to the bus", r, &error);

	mk_access_start(d->access, d->bus);
	return 0;
}

static int open_bus(struct daemon *d)
{
	const struct mk_bus_callbacks callbacks = {
		.want_flush = want_turn,
		.disconnected = on_disconnected,
		.authorize = on_authorize,
		.data = d,
	};
	int r;

	r = socket_passed();
	if (r < 0)
		return give_up(d, r);
	d->has_socket = r > 0;
	if (d->options->no_bus && !d->has_socket) {
		mk_log_error(NULL, "--no-bus, and systemd passed no socket: nobody could call");
		return give_up(d, -EINVAL);
	}

	r = mk_bus_new(d->event, MK_BUS_ROOT, &callbacks, &d->bus);
	if (r < 0)
		return fail("cannot make the D-Bus objects", r, NULL);
	r = connect_bus(d);
	if (r < 0)
		return r;

	r = mk_service_publish(d->service, d->bus);
	return r < 0 ? fail("cannot publish the manager object", r, NULL) : 0;
}

/* Last: from here on callers come. */
static int let_in(struct daemon *d)
{
	_cleanup_error_ struct mk_error error = { 0 };
	int r;

	if (mk_bus_connected(d->bus)) {
		r = mk_bus_request_name(d->bus, MK_BUS_NAME, &error);
		if (r < 0)
			return fail("cannot own the name " MK_BUS_NAME, r, &error);
	}

	return d->has_socket ? listen_for_peers(d) : 0;
}

/* Everything that can be asked for is there before the name is. */
static int start(struct daemon *d)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_cs_config cs_config;
	int r;

	r = load_config(d->options->config_path, &d->config);
	if (r < 0)
		return r == -EINVAL ? give_up(d, r) : r;

	r = sd_event_new(&d->event);
	if (r >= 0)
		r = watch_signals(d);
	if (r >= 0)
		r = sd_event_set_watchdog(d->event, true);
	if (r < 0)
		return fail("cannot use the event loop", r, NULL);

	r = open_store(d);
	if (r < 0)
		return r;

	cs_config = mk_config_cloudstack(d->config);
	r = mk_cs_new(d->event, &cs_config, &d->cs);
	if (r < 0)
		return fail("cannot make the CloudStack client", r, NULL);
	mk_cs_on_reachable(d->cs, on_reachable, d);

	r = load_plugins(d);
	if (r >= 0)
		r = watch_devices(d);
	if (r >= 0)
		r = make_engine(d);
	if (r >= 0)
		r = make_access(d);
	if (r >= 0)
		r = open_bus(d);
	if (r < 0)
		return r;

	(void)mk_engine_set_appliance(d->engine, ""); /* until check_oma() has its answer */
	r = mk_engine_restore(d->engine);
	if (r < 0)
		return fail("cannot read the journal", r, NULL);

	check_oma(d);
	mk_turn_run(d->turn);

	r = let_in(d);
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
