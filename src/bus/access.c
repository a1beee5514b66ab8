/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who may make a call that came over the bus. polkit (org.freedesktop.PolicyKit1.Authority) is asked by
 * asynchronous D-Bus calls, without GLib; a call is held until the answer is there or its time is over. */

#include "access.h"

#include "base/log.h"
#include "bus-internal.h"

#include <grp.h>
#include <inttypes.h>
#include <strings.h>

#define POLKIT_NAME        "org.freedesktop.PolicyKit1"
#define POLKIT_PATH        "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE   "org.freedesktop.PolicyKit1.Authority"
#define POLKIT_INTERACTIVE 1u            /* AllowUserInteraction */
#define GROUP_MAX          (1024 * 1024) /* bytes of a group's entry: it may have many members */
#define CHECK_ID_SIZE      32

/* One call that waits for polkit. */
struct check {
	struct mk_access *access;
	struct mk_call *call;     /* counted */
	unsigned left;            /* MK_NEEDS() that are not granted yet */
	DBusPendingCall *pending; /* about the lowest of them */
	sd_event_source *limit;
	char id[CHECK_ID_SIZE]; /* by which polkit's work can be cancelled */
	TAILQ_ENTRY(check) entry;
};

struct mk_access {
	sd_event *event;
	struct mk_bus *bus; /* borrowed; NULL before the start */
	char *group_name;
	gid_t group; /* (gid_t)-1: there is none */
	uint64_t limit;
	uint64_t last_id;
	TAILQ_HEAD(mk_questions, check) checks;
	DBusPendingCall *probe;
};

static const char *const actions[] = {
	[MK_PRIVILEGE_READ] = "org.migratekit.volume1.read",
	[MK_PRIVILEGE_CREATE] = "org.migratekit.volume1.create",
	[MK_PRIVILEGE_ATTACH] = "org.migratekit.volume1.attach",
	[MK_PRIVILEGE_DETACH] = "org.migratekit.volume1.detach",
	[MK_PRIVILEGE_DELETE] = "org.migratekit.volume1.delete",
	[MK_PRIVILEGE_FORCE] = "org.migratekit.volume1.force",
};

/* ---- decisions -------------------------------------------------------------------------------------------- */

static void check_free(struct check *c)
{
	mk_call_on_gone(c->call, NULL, NULL);
	if (c->pending) {
		dbus_pending_call_cancel(c->pending);
		dbus_pending_call_unref(c->pending);
	}
	TAILQ_REMOVE(&c->access->checks, c, entry);
	sd_event_source_disable_unref(c->limit);
	mk_call_unref(c->call);
	free(c);
}

static const char *action_of(const struct check *c)
{
	return actions[ffs((int)c->left) - 1];
}

static void grant(struct check *c)
{
	_cleanup_(mk_call_unrefp) struct mk_call *call = mk_call_ref(c->call);

	check_free(c);
	mk_call_authorized(call);
}

static void deny(struct check *c, enum mk_error_code code, const char *why)
{
	struct mk_call *call = c->call;

	mk_log_notice(NULL, "refused %s to user %d (%s): %s: %s", mk_call_method(call)->name,
		      (int)mk_call_uid(call), mk_call_sender(call), action_of(c), why);
	mk_call_error(call, code, "%s: %s", action_of(c), why);
	check_free(c);
}

/* ---- the question ----------------------------------------------------------------------------------------- */

static bool interactive(const struct check *c)
{
	return dbus_message_get_allow_interactive_authorization(c->call->message);
}

static DBusMessage *new_call(const char *method)
{
	return dbus_message_new_method_call(POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE, method);
}

static bool append_pair(DBusMessageIter *array, const char *key, const char *value, bool variant)
{
	DBusMessageIter entry, v;

	return dbus_message_iter_open_container(array, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
	       dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key) &&
	       (!variant || dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "s", &v)) &&
	       dbus_message_iter_append_basic(variant ? &v : &entry, DBUS_TYPE_STRING, &value) &&
	       (!variant || dbus_message_iter_close_container(&entry, &v)) &&
	       dbus_message_iter_close_container(array, &entry);
}

/* (sa{sv}): the connection that sent this very message. A process id could be another's by now. */
static bool append_subject(DBusMessageIter *it, const char *sender)
{
	const char *kind = "system-bus-name";
	DBusMessageIter subject, array;

	return dbus_message_iter_open_container(it, DBUS_TYPE_STRUCT, NULL, &subject) &&
	       dbus_message_iter_append_basic(&subject, DBUS_TYPE_STRING, &kind) &&
	       dbus_message_iter_open_container(&subject, DBUS_TYPE_ARRAY, "{sv}", &array) &&
	       append_pair(&array, "name", sender, true) &&
	       dbus_message_iter_close_container(&subject, &array) &&
	       dbus_message_iter_close_container(it, &subject);
}

/* Details are for rules and prompts; polkit takes them from root and the action's owner only. */
static bool append_details(DBusMessageIter *it, const struct check *c)
{
	DBusMessageIter array;

	return dbus_message_iter_open_container(it, DBUS_TYPE_ARRAY, "{ss}", &array) &&
	       append_pair(&array, "method", mk_call_method(c->call)->name, false) &&
	       dbus_message_iter_close_container(it, &array);
}

static DBusMessage *question(const struct check *c)
{
	DBusMessage *m = new_call("CheckAuthorization");
	const char *action = action_of(c), *id = c->id;
	dbus_uint32_t flags = interactive(c) ? POLKIT_INTERACTIVE : 0;
	DBusMessageIter it;

	if (!m)
		return NULL;

	dbus_message_iter_init_append(m, &it);
	if (append_subject(&it, mk_call_sender(c->call)) &&
	    dbus_message_iter_append_basic(&it, DBUS_TYPE_STRING, &action) &&
	    append_details(&it, c) &&
	    dbus_message_iter_append_basic(&it, DBUS_TYPE_UINT32, &flags) &&
	    dbus_message_iter_append_basic(&it, DBUS_TYPE_STRING, &id))
		return m;

	dbus_message_unref(m);
	return NULL;
}

/* Takes the prompt from the user's screen again. */
static void cancel(const struct check *c)
{
	DBusMessage *m = new_call("CancelCheckAuthorization");
	const char *id = c->id;

	if (m && dbus_message_append_args(m, DBUS_TYPE_STRING, &id, DBUS_TYPE_INVALID)) {
		dbus_message_set_no_reply(m, TRUE);
		(void)dbus_connection_send(c->access->bus->connection, m, NULL);
	}
	if (m)
		dbus_message_unref(m);
}

/* ---- the answer ------------------------------------------------------------------------------------------- */

static bool says_missing(DBusMessage *reply)
{
	return dbus_message_has_sender(reply, DBUS_SERVICE_DBUS) &&
	       (dbus_message_is_error(reply, DBUS_ERROR_SERVICE_UNKNOWN) ||
		dbus_message_is_error(reply, DBUS_ERROR_NAME_HAS_NO_OWNER));
}

/* Where nobody can be asked. */
static void decide_alone(struct check *c)
{
	if (c->call->member)
		grant(c);
	else
		deny(c, MK_ERROR_ACCESS_DENIED,
		     "polkit is not installed, and the caller is neither root nor in the daemon's "
		     "group");
}

static void ask(struct check *c);

/* (bba{ss}): authorised, could be by a prompt, details. */
static void take_answer(struct check *c, DBusMessage *reply)
{
	dbus_bool_t authorized, challenge;
	DBusMessageIter it, answer;

	dbus_message_iter_init(reply, &it);
	dbus_message_iter_recurse(&it, &answer);
	dbus_message_iter_get_basic(&answer, &authorized);
	dbus_message_iter_next(&answer);
	dbus_message_iter_get_basic(&answer, &challenge);

	if (authorized) {
		c->left &= c->left - 1;
		if (c->left)
			ask(c);
		else
			grant(c);
	} else if (challenge && !interactive(c)) {
		deny(c, MK_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
		     "polkit would have to ask the user, which the call does not allow");
	} else if (challenge) {
		deny(c, MK_ERROR_ACCESS_DENIED,
		     "polkit would have to ask the user and has no agent");
	} else {
		deny(c, MK_ERROR_ACCESS_DENIED, "polkit says no");
	}
}

static void on_answer(DBusPendingCall *pending, void *data)
{
	DBusMessage *reply = dbus_pending_call_steal_reply(pending);
	struct check *c = data;

	dbus_pending_call_unref(c->pending);
	c->pending = NULL;
	if (!reply)
		deny(c, MK_ERROR_ACCESS_DENIED, "polkit did not answer");
	else if (says_missing(reply))
		decide_alone(c);
	else if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_METHOD_RETURN)
		deny(c, MK_ERROR_ACCESS_DENIED, str_or_empty(dbus_message_get_error_name(reply)));
	else if (!dbus_message_has_signature(reply, "(bba{ss})"))
		deny(c, MK_ERROR_ACCESS_DENIED, "polkit's answer is not understood");
	else
		take_answer(c, reply);
	if (reply)
		dbus_message_unref(reply);
}

static void ask(struct check *c)
{
	DBusMessage *m;
	bool ok;

	(void)snprintf(c->id, sizeof(c->id), "volumed%" PRIu64, ++c->access->last_id);
	m = question(c);
	ok = m &&
	     dbus_connection_send_with_reply(c->access->bus->connection, m, &c->pending,
					     DBUS_TIMEOUT_INFINITE) &&
	     c->pending && dbus_pending_call_set_notify(c->pending, on_answer, c, NULL);
	if (m)
		dbus_message_unref(m);
	if (!ok)
		deny(c, MK_ERROR_ACCESS_DENIED, "polkit cannot be asked");
}

static int on_limit(sd_event_source *source, uint64_t usec, void *data)
{
	struct check *c = data;

	cancel(c);
	deny(c, MK_ERROR_ACCESS_DENIED, "polkit did not answer in time");
	return 0;
}

static void on_gone(struct mk_call *call, void *data)
{
	struct check *c = data;

	cancel(c);
	check_free(c);
}

void mk_access_authorize(struct mk_access *access, struct mk_call *call)
{
	struct check *c;

	if (mk_call_uid(call) == 0 || mk_call_uid(call) == geteuid()) {
		mk_call_authorized(call);
		return;
	}

	c = calloc(1, sizeof(*c));
	if (!c)
		return; /* the dispatcher answers */

	c->access = access;
	c->call = mk_call_hold_for(call, MK_CALL_WAITS_AUTHORITY);
	if (!c->call) {
		free(c);
		return;
	}

	c->left = mk_call_needs(call);
	TAILQ_INSERT_TAIL(&access->checks, c, entry);
	mk_call_on_gone(call, on_gone, c);
	if (sd_event_add_time_relative(access->event, &c->limit, CLOCK_MONOTONIC, access->limit,
				       USEC_PER_MSEC, on_limit, c) < 0)
		deny(c, MK_ERROR_ACCESS_DENIED, "polkit cannot be asked");
	else
		ask(c);
}

void mk_access_log_refusal(const struct mk_bus_refusal *refusal, void *data)
{
	mk_log_notice(NULL, "refused a connection of user %d, process %d to the private socket: %s",
		      (int)refusal->uid, (int)refusal->pid, refusal->reason);
}

/* ---- life ------------------------------------------------------------------------------------------------- */

static void on_probe(DBusPendingCall *pending, void *data)
{
	DBusMessage *reply = dbus_pending_call_steal_reply(pending);
	struct mk_access *access = data;

	dbus_pending_call_unref(access->probe);
	access->probe = NULL;
	if (reply && says_missing(reply))
		mk_log_notice(
			NULL,
			"polkit is not installed: on the bus root and the members of group '%s' "
			"may do everything, others nothing",
			access->group_name);
	else if (!reply || dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_ERROR)
		mk_log_warning(NULL, "polkit does not start (%s): on the bus only root may call",
			       reply ? dbus_message_get_error_name(reply) : "no answer");
	if (reply)
		dbus_message_unref(reply);
}

/* Starts polkit, which will be needed, to see whether it is there. */
void mk_access_start(struct mk_access *access, struct mk_bus *bus)
{
	DBusMessage *m = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
						      DBUS_INTERFACE_DBUS, "StartServiceByName");
	const char *name = POLKIT_NAME;
	dbus_uint32_t flags = 0;

	access->bus = bus;
	bus->group = access->group;
	if (m &&
	    dbus_message_append_args(m, DBUS_TYPE_STRING, &name, DBUS_TYPE_UINT32, &flags,
				     DBUS_TYPE_INVALID) &&
	    dbus_connection_send_with_reply(bus->connection, m, &access->probe,
					    DBUS_TIMEOUT_USE_DEFAULT) &&
	    access->probe)
		(void)dbus_pending_call_set_notify(access->probe, on_probe, access, NULL);
	if (m)
		dbus_message_unref(m);
}

static int find_group(struct mk_access *access)
{
	_cleanup_free_ char *buffer = malloc(GROUP_MAX);
	struct group group, *found = NULL;
	int r;

	if (!buffer)
		return -ENOMEM;

	r = getgrnam_r(access->group_name, &group, buffer, GROUP_MAX, &found);
	access->group = found ? found->gr_gid : (gid_t)-1;
	if (!found)
		mk_log_warning(NULL,
			       "group '%s' ([daemon] group) is not there%s%s: it has no members",
			       access->group_name, r ? ": " : "", r ? strerror(r) : "");
	return 0;
}

int mk_access_new(const struct mk_access_config *config, struct mk_access **ret)
{
	_cleanup_(mk_access_freep) struct mk_access *access = calloc(1, sizeof(*access));
	int r;

	if (!access)
		return -ENOMEM;

	TAILQ_INIT(&access->checks);
	access->event = sd_event_ref(config->event);
	access->limit = config->limit;
	access->group_name = strdup(config->group);
	r = access->group_name ? find_group(access) : -ENOMEM;
	if (r < 0)
		return r;

	*ret = take_ptr(access);
	return 0;
}

struct mk_access *mk_access_free(struct mk_access *access)
{
	struct check *c;

	if (!access)
		return NULL;

	while ((c = TAILQ_FIRST(&access->checks))) {
		mk_call_error(c->call, MK_ERROR_UNAVAILABLE, "the daemon is stopping");
		cancel(c);
		check_free(c);
	}
	if (access->probe) {
		dbus_pending_call_cancel(access->probe);
		dbus_pending_call_unref(access->probe);
	}
	sd_event_unref(access->event);
	free(access->group_name);
	free(access);
	return NULL;
}

gid_t mk_access_group(const struct mk_access *access)
{
	return access->group;
}
