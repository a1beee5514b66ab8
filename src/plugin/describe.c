/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --describe-plugin: prints the methods and step tables of a plugin, from the same tables that the
 * engine walks. */

#include "plugin.h"

static const char *ask_name(enum mk_ask ask)
{
	static const char *const names[MK_ASK_N] = {
		[MK_ASK_NOTHING] = "-",
		[MK_ASK_VM] = "vm",
		[MK_ASK_VOLUME] = "volume",
		[MK_ASK_VM_VOLUMES] = "vm+volumes",
		[MK_ASK_VM_VOLUME] = "vm+volume",
		[MK_ASK_LOOKED_FOR] = "looked-for",
		[MK_ASK_OURS] = "ours",
		[MK_ASK_ZONES] = "zones",
		[MK_ASK_OFFERINGS] = "offerings",
		[MK_ASK_SNAPSHOTS] = "snapshots",
		[MK_ASK_VM_SNAPSHOTS] = "vm-snapshots",
		[MK_ASK_VM_BACKUPS] = "vm-backups",
		[MK_ASK_OMA_SNAPSHOTS] = "oma-snapshots",
		[MK_ASK_OMA_BACKUPS] = "oma-backups",
		[MK_ASK_OMA] = "oma+volumes",
		[MK_ASK_SET] = "set",
		[MK_ASK_VM_SET] = "vm+set",
	};

	return names[ask];
}

static const char *kind_name(enum mk_method_kind kind)
{
	switch (kind) {
	case MK_METHOD_OPERATION:
		return "operation";
	case MK_METHOD_BATCH:
		return "batch";
	case MK_METHOD_QUERY:
		return "query";
	}

	return "?";
}

static const char *privilege_name(enum mk_privilege privilege)
{
	switch (privilege) {
	case MK_PRIVILEGE_READ:
		return "read";
	case MK_PRIVILEGE_CREATE:
		return "create";
	case MK_PRIVILEGE_ATTACH:
		return "attach";
	case MK_PRIVILEGE_DETACH:
		return "detach";
	case MK_PRIVILEGE_DELETE:
		return "delete";
	case MK_PRIVILEGE_FORCE:
		return "force";
	}

	return "?";
}

/* Length of the first complete type of a valid signature. */
static size_t type_length(const char *s)
{
	size_t n = 0;
	int depth = 0;

	do {
		while (s[n] == 'a')
			n++;
		if (s[n] == '{' || s[n] == '(')
			depth++;
		if (s[n] == '}' || s[n] == ')')
			depth--;
		n++;
	} while (depth > 0);

	return n;
}

/* "as vms, a{sv} options" */
static void put_arguments(const char *signature, const char *names, FILE *f)
{
	while (*signature) {
		size_t type = type_length(signature), name = strcspn(names, ",");

		fprintf(f, "%.*s %.*s", (int)type, signature, (int)name, names);
		signature += type;
		names += name;
		if (*names)
			names++;
		if (*signature)
			fputs(", ", f);
	}
}

static void put_options(const struct mk_option *options, FILE *f)
{
	if (!options || !options->name)
		return;

	fputs("  options ", f);
	for (const struct mk_option *o = options; o->name; o++)
		fprintf(f, "%s%s (%s)", o == options ? "" : ", ", o->name, o->type);
	fputc('\n', f);
}

static void put_steps(const struct mk_step *steps, FILE *f)
{
	fprintf(f, "  %2s  %-24s %-13s %-13s %8s  %s\n", "", "STEP", "ASK", "UNDO ASK", "LIMIT",
		"FLAGS");
	for (const struct mk_step *s = steps; s->name; s++) {
		const char *undo = s->undo ? ask_name(s->undo_ask) : "no undo";

		if (s->undo && s->undo_ask == MK_ASK_NOTHING)
			undo = "undo";
		fprintf(f, "  %2td  %-24s %-13s %-13s %7us", s - steps + 1, s->name,
			ask_name(s->ask), undo, s->limit_s);
		fputs(s->flags & MK_STEP_NO_RETURN ? "  no-return\n" : "\n", f);
	}
}

static void put_method(const struct mk_method *m, FILE *f)
{
	fprintf(f, "\n%s(", m->name);
	put_arguments(m->in, m->in_names, f);
	fputs(") -> ", f);
	put_arguments(m->out, m->out_names, f);
	fprintf(f, "\n  %s, privilege %s, deadline %us", kind_name(m->kind),
		privilege_name(m->privilege), m->deadline_s);
	if (m->kind != MK_METHOD_QUERY)
		fprintf(f, ", kind %s", mk_method_operation(m));
	else
		fprintf(f, ", replies with %s", m->result);
	fputc('\n', f);
	put_options(m->options, f);
	put_steps(m->steps, f);
}

void mk_plugin_describe(const struct mk_plugin *plugin, FILE *f)
{
	fprintf(f, "name       %s\nsummary    %s\nABI        %u\ninterface  %s\n", plugin->name,
		plugin->summary, plugin->abi, plugin->interface);
	for (const struct mk_method *m = plugin->methods; m->name; m++)
		put_method(m, f);
	for (const struct mk_method *m = plugin->volume_methods; m && m->name; m++)
		put_method(m, f);
	for (const struct mk_method *m = plugin->inner_methods; m && m->name; m++)
		put_method(m, f);
}
