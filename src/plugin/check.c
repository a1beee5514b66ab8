/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks a plugin's descriptor completely, before anything in it is used. Each check says in half a sentence what
 * is wrong. */

#include "method.h"
#include "plugin.h"

#include <dbus/dbus.h>
#include <stdarg.h>

#define STEP_LIMIT_MAX 86400u
#define DEADLINE_MAX   (7u * 86400u)
#define N_MAX          64u /* methods, steps of a table, options: beyond it a table has lost its end */
#define OPTIONS        "a{sv}"

/* Says what is wrong and returns -EINVAL; *ret stays NULL without memory. */
static int _printf_(2, 3) bad(char **ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(ret, fmt, ap) < 0)
		*ret = NULL;
	va_end(ap);
	return *ret ? -EINVAL : -ENOMEM;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && streq(s + n - m, end);
}

/* "" is valid and has none. */
static unsigned count_types(const char *signature)
{
	DBusSignatureIter it;
	unsigned n = 1;

	if (!*signature)
		return 0;

	dbus_signature_iter_init(&it, signature);
	while (dbus_signature_iter_next(&it))
		n++;
	return n;
}

/* lower_case words, separated by single commas. Returns their number, or -EINVAL. */
static int count_names(const char *names)
{
	int n = 1;

	if (!*names)
		return 0;

	for (const char *p = names; *p; p++) {
		bool first = p == names || p[-1] == ',';

		if (*p == ',' && !first && p[1])
			n++;
		else if (!(*p >= 'a' && *p <= 'z') &&
			 (first || !(*p == '_' || (*p >= '0' && *p <= '9'))))
			return -EINVAL;
	}

	return n;
}

static int check_arguments(const struct mk_method *m, const char *which, const char *signature,
			   const char *names, char **ret)
{
	int n;

	if (!signature || !names)
		return bad(ret, "method %s: `%s` or `%s_names` is NULL; \"\" means none", m->name,
			   which, which);
	if (!dbus_signature_validate(signature, NULL))
		return bad(ret, "method %s: `%s` \"%s\" is not a D-Bus signature", m->name, which,
			   signature);

	n = count_names(names);
	if (n < 0)
		return bad(ret,
			   "method %s: `%s_names` \"%s\" is not a list of lower_case names "
			   "separated by commas",
			   m->name, which, names);
	if ((unsigned)n != count_types(signature))
		return bad(ret, "method %s: `%s_names` has %d names, `%s` \"%s\" has %u arguments",
			   m->name, which, n, which, signature, count_types(signature));

	return 0;
}

static int check_kind(const struct mk_method *m, char **ret)
{
	switch (m->kind) {
	case MK_METHOD_OPERATION:
		if (!ends_with(m->in, OPTIONS) || !streq(m->out, "o"))
			return bad(
				ret,
				"method %s makes an operation and must be \"…a{sv}\" → \"o\", not "
				"\"%s\" → \"%s\"",
				m->name, m->in, m->out);
		return 0;
	case MK_METHOD_BATCH:
		if (!starts_with(m->in, "as") || !ends_with(m->in, OPTIONS) || !streq(m->out, "ao"))
			return bad(ret,
				   "method %s makes a batch and must be \"as…a{sv}\" → \"ao\", not "
				   "\"%s\" → \"%s\"",
				   m->name, m->in, m->out);
		return 0;
	case MK_METHOD_QUERY:
		if (count_types(m->out) != 1)
			return bad(ret,
				   "method %s is a query and must return one value, not \"%s\"",
				   m->name, m->out);
		if (!m->result || !*m->result)
			return bad(ret, "method %s is a query and names no `result`", m->name);
		return 0;
	}

	return bad(ret, "method %s: kind %d is unknown", m->name, (int)m->kind);
}

static bool is_basic_type(const char *type)
{
	return strlen(type) == 1 && strchr("bsut", *type);
}

static int check_options(const struct mk_method *m, char **ret)
{
	const struct mk_option *options = m->options;

	if (options && options->name && !ends_with(m->in, OPTIONS))
		return bad(ret, "method %s has options and no last argument a{sv}", m->name);

	for (size_t i = 0; options && options[i].name; i++) {
		const struct mk_option *o = &options[i];

		if (i >= N_MAX)
			return bad(ret, "method %s: the options have no end", m->name);
		if (!mk_name_valid(o->name) || streq(o->name, "token") || streq(o->name, "batch"))
			return bad(ret, "method %s: \"%s\" cannot be an option's name", m->name,
				   o->name);
		if (!o->type || !is_basic_type(o->type))
			return bad(ret, "method %s: option %s has type \"%s\"; allowed: b s u t",
				   m->name, o->name, str_or_empty(o->type));
		for (size_t j = 0; j < i; j++)
			if (streq(options[j].name, o->name))
				return bad(ret, "method %s: option %s is there twice", m->name,
					   o->name);
	}

	return 0;
}

static bool ask_valid(enum mk_ask ask)
{
	return (unsigned)ask < MK_ASK_N;
}

static int check_step(const struct mk_method *m, size_t i, char **ret)
{
	const struct mk_step *s = &m->steps[i];

	if (!mk_name_valid(s->name))
		return bad(ret, "method %s: \"%s\" cannot be a step's name", m->name, s->name);
	if (!s->then)
		return bad(ret, "method %s, step %s: `then` is NULL", m->name, s->name);
	if (s->limit_s < 1 || s->limit_s > STEP_LIMIT_MAX)
		return bad(ret, "method %s, step %s: limit_s is %u; allowed: 1 to %u", m->name,
			   s->name, s->limit_s, STEP_LIMIT_MAX);
	if (!ask_valid(s->ask) || !ask_valid(s->undo_ask))
		return bad(ret, "method %s, step %s: `ask` or `undo_ask` is unknown", m->name,
			   s->name);
	if (s->undo_ask != MK_ASK_NOTHING && !s->undo)
		return bad(ret, "method %s, step %s: there is an `undo_ask` and no `undo`", m->name,
			   s->name);
	if (s->flags & ~MK_STEP_NO_RETURN)
		return bad(ret, "method %s, step %s: flags 0x%x are unknown", m->name, s->name,
			   s->flags);
	for (size_t j = 0; j < i; j++)
		if (streq(m->steps[j].name, s->name))
			return bad(ret, "method %s: step %s is there twice", m->name, s->name);

	return 0;
}

static int check_steps(const struct mk_method *m, char **ret)
{
	size_t i;
	int r;

	if (!m->steps || !m->steps[0].name)
		return bad(ret, "method %s has no steps", m->name);

	for (i = 0; m->steps[i].name; i++) {
		if (i >= N_MAX)
			return bad(ret, "method %s: the step table has no end", m->name);
		r = check_step(m, i, ret);
		if (r < 0)
			return r;
	}

	return 0;
}

static bool privilege_valid(enum mk_privilege privilege)
{
	switch (privilege) {
	case MK_PRIVILEGE_READ:
	case MK_PRIVILEGE_CREATE:
	case MK_PRIVILEGE_ATTACH:
	case MK_PRIVILEGE_DETACH:
	case MK_PRIVILEGE_DELETE:
	case MK_PRIVILEGE_FORCE:
		return true;
	}

	return false;
}

static int check_method(const struct mk_method *m, char **ret)
{
	int r;

	if (!dbus_validate_member(m->name, NULL))
		return bad(ret, "\"%s\" cannot be a method's name", m->name);

	r = check_arguments(m, "in", m->in, m->in_names, ret);
	if (r < 0)
		return r;
	r = check_arguments(m, "out", m->out, m->out_names, ret);
	if (r < 0)
		return r;
	r = check_kind(m, ret);
	if (r < 0)
		return r;
	r = check_options(m, ret);
	if (r < 0)
		return r;

	if (m->operation && !dbus_validate_member(m->operation, NULL))
		return bad(ret, "method %s: \"%s\" cannot be an operation's name", m->name,
			   m->operation);
	if (!privilege_valid(m->privilege))
		return bad(ret, "method %s: privilege %d is unknown", m->name, (int)m->privilege);
	if (!m->prepare)
		return bad(ret, "method %s: `prepare` is NULL", m->name);
	if (m->deadline_s < 1 || m->deadline_s > DEADLINE_MAX)
		return bad(ret, "method %s: deadline_s is %u; allowed: 1 to %u", m->name,
			   m->deadline_s, DEADLINE_MAX);

	return check_steps(m, ret);
}

/* The journal finds the step table by the operation's kind. */
static int check_kinds(const struct mk_method *a, const struct mk_method *b, char **ret)
{
	if (a == b || !streq(mk_method_operation(a), mk_method_operation(b)) ||
	    a->steps == b->steps)
		return 0;

	return bad(ret, "operation %s belongs to two methods, %s and %s", mk_method_operation(a),
		   b->name, a->name);
}

/* One of the manager's methods: the signature is the manager's. */
static int check_volume_method(const struct mk_method *m, char **ret)
{
	const struct mk_volume_method *known = mk_volume_method_find(m->name);

	if (!known)
		return bad(ret, "the manager has no method %s", m->name);
	if (!streq(m->in, known->in) || m->kind != MK_METHOD_OPERATION)
		return bad(ret, "method %s must be an operation with arguments \"%s\"", m->name,
			   known->in);
	if (m->options)
		return bad(ret, "method %s: the options are the manager's", m->name);
	return 0;
}

/* A further table: good rows, and no kind that an earlier table has. */
static int check_table(const struct mk_method *methods, const struct mk_method *const *earlier,
		       size_t n_earlier, char **ret)
{
	int r;

	for (size_t i = 0; methods && methods[i].name; i++) {
		if (i >= N_MAX)
			return bad(ret, "the method table has no end");
		r = check_method(&methods[i], ret);
		for (size_t k = 0; r >= 0 && k < n_earlier; k++)
			for (const struct mk_method *m = earlier[k]; r >= 0 && m && m->name; m++)
				r = check_kinds(&methods[i], m, ret);
		if (r < 0)
			return r;
		for (size_t j = 0; j < i; j++)
			if (streq(methods[j].name, methods[i].name))
				return bad(ret, "method %s is there twice", methods[i].name);
	}

	return 0;
}

static int check_more_methods(const struct mk_plugin *plugin, char **ret)
{
	const struct mk_method *const earlier[] = { plugin->methods, plugin->volume_methods };
	int r;

	r = check_table(plugin->volume_methods, earlier, 1, ret);
	for (const struct mk_method *m = plugin->volume_methods; r >= 0 && m && m->name; m++)
		r = check_volume_method(m, ret);
	return r < 0 ? r : check_table(plugin->inner_methods, earlier, 2, ret);
}

static int check_methods(const struct mk_method *methods, char **ret)
{
	int r;

	if (!methods || !methods[0].name)
		return bad(ret, "it has no methods");

	for (size_t i = 0; methods[i].name; i++) {
		if (i >= N_MAX)
			return bad(ret, "the method table has no end");
		r = check_method(&methods[i], ret);
		if (r < 0)
			return r;
		for (size_t j = 0; j < i; j++) {
			if (streq(methods[j].name, methods[i].name))
				return bad(ret, "method %s is there twice", methods[i].name);
			r = check_kinds(&methods[i], &methods[j], ret);
			if (r < 0)
				return r;
		}
	}

	return 0;
}

/* The daemon's own interfaces, and D-Bus's. */
static bool interface_reserved(const char *name)
{
	return streq(name, "org.migratekit.Volume1") ||
	       streq(name, "org.migratekit.Volume1.Operation") ||
	       streq(name, "org.migratekit.Volume1.Volume") ||
	       starts_with(name, "org.freedesktop.DBus");
}

int mk_plugin_check(const struct mk_plugin *plugin, const char *name, char **ret_problem)
{
	int r;

	*ret_problem = NULL;
	if (!plugin)
		return bad(ret_problem, "its descriptor is NULL");
	if (plugin->abi != MK_PLUGIN_ABI)
		return bad(ret_problem, "it is built for plugin ABI %u, this daemon has %d",
			   plugin->abi, MK_PLUGIN_ABI);
	if (plugin->size != sizeof(*plugin))
		return bad(ret_problem, "its descriptor has %zu bytes, this daemon expects %zu",
			   plugin->size, sizeof(*plugin));
	if (!plugin->name || !streq(plugin->name, name))
		return bad(ret_problem, "it calls itself \"%s\"; name and file name must be equal",
			   str_or_empty(plugin->name));
	if (!plugin->summary || !*plugin->summary || !mk_text_valid(plugin->summary, 200))
		return bad(ret_problem, "it has no `summary` of one line");
	if (!plugin->interface || !dbus_validate_interface(plugin->interface, NULL))
		return bad(ret_problem, "\"%s\" is not the name of a D-Bus interface",
			   str_or_empty(plugin->interface));
	if (interface_reserved(plugin->interface))
		return bad(ret_problem, "interface %s belongs to the daemon", plugin->interface);

	r = check_methods(plugin->methods, ret_problem);
	return r < 0 ? r : check_more_methods(plugin, ret_problem);
}
