/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves that the XML files in dbus/ describe what the running daemon offers: members, signatures, argument names and
 * annotations. In the world of tests/world.h.
 */

#include "child.h"
#include "tap.h"
#include "world.h"

#include <glob.h>

#define INTROSPECTABLE "org.freedesktop.DBus.Introspectable"
#define NAME_SIZE      256

/* "org.x.I method M arg 0 in vm s", one for each thing that can be said of an interface; sorted. */
struct facts {
	char **items;
	size_t n;
};

struct parser {
	const char *at;
	struct facts *facts;
	char interface[NAME_SIZE], member[2 * NAME_SIZE];
	unsigned n_args[2]; /* in and out; of a signal: in */
	bool commented;     /* the tag follows a comment */
	struct facts *undocumented;
};

static void facts_add(struct facts *f, char *item)
{
	f->items = reallocarray(f->items, f->n + 1, sizeof(*f->items));
	f->items[f->n++] = item;
}

static void facts_done(struct facts *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->items[i]);
	free(f->items);
}

static bool facts_have(const struct facts *f, const char *item)
{
	for (size_t i = 0; i < f->n; i++)
		if (streq(f->items[i], item))
			return true;
	return false;
}

/* The value of name="…" in a tag that ends at `end`; "" if it is not there. */
static void get_attribute(const char *tag, const char *end, const char *name, char ret[NAME_SIZE])
{
	_cleanup_free_ char *key = mk_strdup_printf(" %s=\"", name);
	const char *p = memmem(tag, (size_t)(end - tag), key, strlen(key));
	size_t n;

	*ret = '\0';
	if (!p)
		return;
	p += strlen(key);
	n = strcspn(p, "\"");
	CU_ASSERT_FATAL(n < NAME_SIZE);
	memcpy(ret, p, n);
	ret[n] = '\0';
}

static void on_arg(struct parser *p, const char *end)
{
	char name[NAME_SIZE], type[NAME_SIZE], direction[NAME_SIZE];
	unsigned *n;

	get_attribute(p->at, end, "name", name);
	get_attribute(p->at, end, "type", type);
	get_attribute(p->at, end, "direction", direction);
	n = &p->n_args[streq(direction, "out")];
	facts_add(p->facts, mk_strdup_printf("%s %s arg %u '%s' %s %s", p->interface, p->member,
					     (*n)++, direction, name, type));
}

static void on_member(struct parser *p, const char *kind, const char *end)
{
	char name[NAME_SIZE], type[NAME_SIZE], access[NAME_SIZE];

	get_attribute(p->at, end, "name", name);
	get_attribute(p->at, end, "type", type);
	get_attribute(p->at, end, "access", access);
	snprintf(p->member, sizeof(p->member), "%s %s", kind, name);
	memset(p->n_args, 0, sizeof(p->n_args));
	facts_add(p->facts, mk_strdup_printf("%s %s %s %s", p->interface, p->member, type, access));
	if (!p->commented && !streq(kind, "property"))
		facts_add(p->undocumented, mk_strdup_printf("%s %s", p->interface, p->member));
}

static void on_tag(struct parser *p, const char *end)
{
	char kind[NAME_SIZE], name[NAME_SIZE], value[NAME_SIZE];

	if (sscanf(p->at, "<%63[a-z]", kind) != 1)
		return;

	if (streq(kind, "interface")) {
		get_attribute(p->at, end, "name", p->interface);
		facts_add(p->facts, mk_strdup_printf("%s", p->interface));
	} else if (streq(kind, "arg")) {
		on_arg(p, end);
	} else if (streq(kind, "annotation")) {
		get_attribute(p->at, end, "name", name);
		get_attribute(p->at, end, "value", value);
		facts_add(p->facts, mk_strdup_printf("%s %s annotation %s=%s", p->interface,
						     p->member, name, value));
	} else if (streq(kind, "method") || streq(kind, "signal") || streq(kind, "property")) {
		on_member(p, kind, end);
	}
}

/* Enough of XML for introspection data: tags, attributes in double quotes, comments. */
static void parse(const char *xml, struct facts *facts, struct facts *undocumented)
{
	struct parser p = { .at = xml, .facts = facts, .undocumented = undocumented };

	while ((p.at = strchr(p.at, '<'))) {
		bool comment = starts_with(p.at, "<!--");
		const char *end = strstr(p.at, comment ? "-->" : ">");

		CU_ASSERT_PTR_NOT_NULL_FATAL(end);
		if (!comment && p.at[1] != '!' && p.at[1] != '?')
			on_tag(&p, end);
		p.commented = comment;
		p.at = end;
	}
}

static void read_files(struct facts *facts, struct facts *undocumented)
{
	_cleanup_free_ char *pattern = mk_strdup_printf("%s/dbus/*.xml", getenv("top_srcdir"));
	glob_t found;

	CU_ASSERT_EQUAL_FATAL(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		_cleanup_free_ char *xml = child_slurp(found.gl_pathv[i], NULL);

		parse(xml, facts, undocumented);
	}
	CU_ASSERT(found.gl_pathc >= 3);
	globfree(&found);
}

static void read_live(struct world *w, const char *path, struct facts *facts)
{
	_cleanup_json_ json_object *args = NULL;
	struct facts all = { 0 }, ignored = { 0 };

	CU_ASSERT_EQUAL_FATAL(w_call_object(w, path, INTROSPECTABLE, "Introspect", &args, ""), 0);
	parse(json_object_get_string(json_object_array_get_idx(args, 0)), &all, &ignored);
	for (size_t i = 0; i < all.n; i++)
		if (!starts_with(all.items[i], "org.freedesktop.DBus."))
			facts_add(facts, strdup(all.items[i]));
	facts_done(&all);
	facts_done(&ignored);
}

static void expect_all(const struct facts *of, const struct facts *in, const char *missing)
{
	for (size_t i = 0; i < of->n; i++) {
		bool found = facts_have(in, of->items[i]);

		if (!found)
			tap_note("%s: %s", missing, of->items[i]);
		CU_ASSERT(found);
	}
}

/* The path of a new volume's object. Static storage. */
static const char *make_volume(struct world *w)
{
	_cleanup_json_ json_object *result = NULL;
	static char path[128];

	CU_ASSERT_EQUAL_FATAL(w_call_object(w, W_PATH, W_NAME, "CreateVolume", NULL, "ssta{sv}",
					    "oma", "contract", UINT64_C(1), 1, "token", "s",
					    "volume"),
			      0);
	CU_ASSERT_STRING_EQUAL(w_wait(w, W_PATH "/operation/volume"), "succeeded");
	result = w_property(w, W_PATH "/operation/volume", W_OPERATION, "Result");
	snprintf(path, sizeof(path), W_PATH "/volume/%s", mk_json_str(result, "Volume", ""));
	for (char *c = path; *c; c++)
		if (*c == '-')
			*c = '_';
	return path;
}

static void test_xml_is_live(void)
{
	struct facts files = { 0 }, live = { 0 }, undocumented = { 0 };
	struct world w = { 0 };
	const char *path;

	w_start(&w, NULL,
		"[plugins]\nload=test-vm, oma, failover\n[volumes]\ndisk-offering=Custom\n");
	path = w_delete_root(&w, W_VM, "contract", false);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	read_live(&w, W_PATH, &live);
	read_live(&w, path, &live);
	read_live(&w, make_volume(&w), &live);
	read_files(&files, &undocumented);
	(void)w_wait(&w, path);

	CU_ASSERT(files.n > 50);
	expect_all(&files, &live, "documented, but not there");
	expect_all(&live, &files, "not in dbus/");
	w_stop(&w);
	facts_done(&files);
	facts_done(&live);
	facts_done(&undocumented);
}

static void test_documented(void)
{
	struct facts files = { 0 }, undocumented = { 0 };

	read_files(&files, &undocumented);
	for (size_t i = 0; i < undocumented.n; i++)
		tap_note("no comment: %s", undocumented.items[i]);
	CU_ASSERT_EQUAL(undocumented.n, 0);
	facts_done(&files);
	facts_done(&undocumented);
}

/* Each property has the type that introspection says, alone and among all. */
static void check_types(struct world *w, const char *path, const char *interface,
			const struct facts *facts)
{
	_cleanup_free_ char *prefix = mk_strdup_printf("%s property ", interface);
	unsigned n = 0;

	for (size_t i = 0; i < facts->n; i++) {
		_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
		char name[NAME_SIZE], type[NAME_SIZE];
		const char *contents = NULL;
		char t = 0;

		if (!starts_with(facts->items[i], prefix) || strstr(facts->items[i], "annotation"))
			continue;
		CU_ASSERT_EQUAL_FATAL(sscanf(facts->items[i] + strlen(prefix), "%255s %255s", name,
					     type),
				      2);
		CU_ASSERT(sd_bus_call_method(w->client, W_NAME, path,
					     "org.freedesktop.DBus.Properties", "Get", NULL, &m,
					     "ss", interface, name) >= 0);
		CU_ASSERT(sd_bus_message_peek_type(m, &t, &contents) > 0);
		CU_ASSERT_STRING_EQUAL(str_or_empty(contents), type);
		n++;
	}
	CU_ASSERT(n >= 7);
}

static size_t count_all(struct world *w, const char *path, const char *interface)
{
	_cleanup_json_ json_object *args = NULL;

	CU_ASSERT_EQUAL_FATAL(w_call_object(w, path, "org.freedesktop.DBus.Properties", "GetAll",
					    &args, "s", interface),
			      0);
	return (size_t)json_object_object_length(json_object_array_get_idx(args, 0));
}

static void test_property_types(void)
{
	struct facts live = { 0 };
	struct world w = { 0 };
	const char *path;

	w_start(&w, NULL, NULL);
	path = w_delete_root(&w, W_VM, "types", false);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	(void)w_wait(&w, path);
	read_live(&w, W_PATH, &live);
	read_live(&w, path, &live);
	check_types(&w, W_PATH, W_NAME, &live);
	check_types(&w, path, W_OPERATION, &live);
	CU_ASSERT_EQUAL(count_all(&w, W_PATH, W_NAME), 7);
	CU_ASSERT_EQUAL(count_all(&w, path, W_OPERATION), 17);
	w_stop(&w);
	facts_done(&live);
}

/* GetOperation's object, ListOperations' rows and GetManagedObjects say the same of an operation. */
static void test_same_everywhere(void)
{
	_cleanup_json_ json_object *properties = NULL, *rows = NULL, *managed = NULL;
	json_object *row, *object;
	struct world w = { 0 };
	const char *path;

	w_start(&w, NULL, NULL);
	path = w_delete_root(&w, W_VM, "same", true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	CU_ASSERT_STRING_EQUAL(w_wait(&w, path), "succeeded");
	CU_ASSERT_EQUAL(w_call_object(&w, path, "org.freedesktop.DBus.Properties", "GetAll",
				      &properties, "s", W_OPERATION),
			0);
	CU_ASSERT_EQUAL(w_call_object(&w, W_PATH, W_NAME, "ListOperations", &rows, "a{sv}", 0), 0);
	CU_ASSERT_EQUAL(w_call_object(&w, W_PATH, "org.freedesktop.DBus.ObjectManager",
				      "GetManagedObjects", &managed, ""),
			0);

	row = json_object_array_get_idx(json_object_array_get_idx(rows, 0), 0);
	object = mk_json_get(mk_json_get(json_object_array_get_idx(managed, 0), path), W_OPERATION);
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_PTR_NOT_NULL_FATAL(object);
	CU_ASSERT(json_object_equal(row, json_object_array_get_idx(properties, 0)));
	CU_ASSERT(json_object_equal(object, json_object_array_get_idx(properties, 0)));
	w_stop(&w);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "xml-is-live", test_xml_is_live },
		{ "documented", test_documented },
		{ "property-types", test_property_types },
		{ "same-everywhere", test_same_everywhere },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "contract", NULL, NULL, tests);
}
