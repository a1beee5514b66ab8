/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "daemon.h"

#include "cloudstack-json.h"
#include "log.h"
#include "service.h"
#include "turn.h"

#include <signal.h>
#include <systemd/sd-daemon.h>

#define PRIORITY_SIGNALS (-20)

struct daemon {
	const struct mk_daemon_options *options;
	sd_event *event;
	struct mk_config *config;
	struct mk_store *store;
	struct mk_cs *cs;
	struct mk_plugins *plugins;
	struct mk_service *service;
	struct mk_turn *turn;
	struct mk_engine *engine;
	struct mk_bus *bus;
	struct mk_cs_request *oma_check;
	bool stopping; /* nothing new is sent any more */
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

static void on_oma_checked(const struct mk_cs_reply *reply, void *data)
{
	_cleanup_free_ char *problem = NULL;
	struct daemon *d = data;

	d->oma_check = NULL;
	if (reply->outcome != MK_CS_OK)
		problem = mk_strdup_printf("the appliance's VM %s ([appliance] vm) could not be "
					   "looked up: %d %s",
					   d->config->appliance.vm, reply->code, reply->text);
	else if (json_object_array_length(reply->body) == 0)
		problem = mk_strdup_printf("CloudStack does not know the appliance's VM %s "
					   "([appliance] vm)",
					   d->config->appliance.vm);

	if (problem)
		mk_log_error(NULL, "%s", problem);
	(void)mk_service_set_oma_problem(d->service, str_or_empty(problem));
	refresh(d);
}

static void check_oma(struct daemon *d)
{
	_cleanup_json_ json_object *params = json_object_new_object();

	if (d->oma_check)
		return;

	mk_json_set_str(params, "id", d->config->appliance.vm);
	mk_json_set_str(params, "details", "min");
	d->oma_check = mk_cs_read(d->cs, "listVirtualMachines", params, "virtualmachine",
				  on_oma_checked, d);
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
	mk_turn_request(((struct daemon *)data)->turn);
}

static void on_disconnected(void *data)
{
	struct daemon *d = data;

	mk_log_error(NULL,
		     "lost the connection to the bus; ending, operations go on after the next "
		     "start");
	(void)sd_event_exit(d->event, EXIT_FAILURE);
}

/* ---- signals ------------------------------------------------------------------------------------------------- */

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *si, void *data)
{
	struct daemon *d = data;

	mk_log_info(NULL, "ending on signal %u", si->ssi_signo);
	(void)sd_event_exit(d->event, EXIT_SUCCESS);
	return 0;
}

static void apply_config(struct daemon *d, struct mk_config *config)
{
	struct mk_cs_config cs_config = mk_config_cloudstack(config);
	struct mk_engine_config e_config;
	int r;

	if (!streq(config->appliance.vm, d->config->appliance.vm))
		mk_log_warning(NULL, "[appliance] vm changed; it takes effect at the next start");
	(void)mk_str_set(&config->appliance.vm, d->config->appliance.vm);

	r = mk_cs_reconfigure(d->cs, &cs_config);
	if (r < 0)
		mk_log_error(NULL, "cannot apply the new CloudStack settings: %s", strerror(-r));
	mk_service_set_insecure(d->service, config->cloudstack.insecure);
	e_config = engine_config(config);
	mk_engine_reconfigure(d->engine, &e_config);
	mk_config_free(d->config);
	d->config = config;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *si, void *data)
{
	struct mk_config *config = NULL;
	struct daemon *d = data;

	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, mk_now_monotonic());
	if (load_config(d->options->config_path, &config) < 0) {
		mk_log_error(NULL,
			     "the new configuration was not taken; going on with the old one");
	} else {
		apply_config(d, config);
		mk_log_info(NULL, "configuration read again");
		check_oma(d);
	}

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

static int open_store(struct daemon *d)
{
	_cleanup_free_ char *path =
		mk_strdup_printf("%s/volumed.db", d->config->daemon.state_directory);
	_cleanup_error_ struct mk_error error = { 0 };
	int r = -ENOMEM;

	if (path)
		r = mk_store_open(path, &d->store, &error);
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

static int make_engine(struct daemon *d)
{
	struct mk_turn_hooks hooks = { turn_commit, turn_release, turn_fatal, d };
	struct mk_engine_config e_config = engine_config(d->config);
	struct mk_engine_watcher watcher;
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
	mk_service_set_insecure(d->service, d->config->cloudstack.insecure);

	r = mk_turn_new(d->event, &hooks, &d->turn);
	if (r < 0)
		return fail("cannot use the event loop", r, NULL);

	watcher = mk_service_watcher(d->service);
	r = mk_engine_new(d->event, d->cs, d->store, &e_config, &watcher, want_turn, d, &d->engine);
	if (r < 0)
		return fail("cannot make the engine", r, NULL);

	mk_service_set_engine(d->service, d->engine);
	return 0;
}

static int open_bus(struct daemon *d)
{
	struct mk_bus_callbacks callbacks = { want_turn, on_disconnected, d };
	_cleanup_error_ struct mk_error error = { 0 };
	int r;

	r = mk_bus_open(d->event, d->options->bus_address, MK_BUS_ROOT, &callbacks, &d->bus,
			&error);
	if (r < 0)
		return fail("cannot connect to the bus", r, &error);

	r = mk_service_publish(d->service, d->bus);
	return r < 0 ? fail("cannot publish the manager object", r, NULL) : 0;
}

/* Everything that can be asked for is there before the name is. */
static int start(struct daemon *d)
{
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_cs_config cs_config;
	int r;

	r = load_config(d->options->config_path, &d->config);
	if (r < 0)
		return r;

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
		r = make_engine(d);
	if (r >= 0)
		r = open_bus(d);
	if (r < 0)
		return r;

	r = mk_engine_restore(d->engine);
	if (r < 0)
		return fail("cannot read the journal", r, NULL);

	check_oma(d);
	mk_turn_run(d->turn);

	r = mk_bus_request_name(d->bus, MK_BUS_NAME, &error);
	if (r < 0)
		return fail("cannot own the name " MK_BUS_NAME, r, &error);

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
	mk_cs_request_cancel(d->oma_check);
	mk_engine_free(d->engine);
	d->turn = mk_turn_free(d->turn);
	mk_service_free(d->service);
	mk_bus_close(d->bus);
	mk_cs_free(d->cs);
	mk_plugins_free(d->plugins);
	mk_store_close(d->store);
	mk_config_free(d->config);
	sd_event_unref(d->event);
}

int mk_daemon_run(const struct mk_daemon_options *options)
{
	struct daemon d = { .options = options };
	int r;

	r = start(&d);
	if (r >= 0)
		r = sd_event_loop(d.event);

	stop(&d);
	return r < 0 ? EXIT_FAILURE : r;
}
