/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loading: reads volumed.conf and its drop-ins into struct mk_config, checks keys that depend on each other, and
 * finds the two secrets. The checks of single values are in key.c. */

#include "base/base.h"
#include "ini-internal.h"
#include "key-internal.h"
#include "parse-internal.h"
#include "secret-internal.h"

#include <dirent.h>
#include <stdarg.h>

#define DEFAULT_PATH   CONF_DIR "/volumed.conf"
#define CREDSTORE      "/etc/credstore/migratekit." /* where the unit's credentials come from */
#define N_PROBLEMS_MAX 100u                         /* beyond it, a file is not a configuration */

/* Where a key was set last. */
struct place {
	const char *file; /* borrowed from struct loader; NULL: default */
	unsigned line;
};

/* A secret that was found before the files were read. */
struct credential {
	char *value;  /* NULL: it is no good, which has been reported */
	char *source; /* NULL: there is none */
};

struct loader {
	struct mk_config *config;
	struct mk_config_problems *problems;
	struct place places[MK_N_KEYS];
	struct credential api_key, secret_key;
	bool inspect;
	char **files;     /* NULL-terminated, in the order of reading */
	const char *file; /* the one being read, and its inode */
	struct stat st;
	bool exposed; /* this one has been reported as readable by others */
	bool no_memory;
};

void mk_config_problems_done(struct mk_config_problems *problems)
{
	for (size_t i = 0; i < problems->n; i++)
		free(problems->items[i]);
	free(problems->items);
	*problems = (struct mk_config_problems){ 0 };
}

static void add_problem(struct loader *l, char *text)
{
	struct mk_config_problems *p = l->problems;
	char **items;

	if (text && p->n >= N_PROBLEMS_MAX) {
		free(text);
		return;
	}

	items = text ? reallocarray(p->items, p->n + 1, sizeof(*items)) : NULL;
	if (!items) {
		free(text);
		l->no_memory = true;
		return;
	}

	p->items = items;
	p->items[p->n++] = text;
}

static void _printf_(2, 3) problem(struct loader *l, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	/* A quoted value is cut at a number of bytes, perhaps within a character. */
	add_problem(l, text ? mk_utf8_clean(text) : NULL);
}

static struct place *place_of(struct loader *l, const struct mk_key *key)
{
	return &l->places[key - mk_keys];
}

/* The file that sets the key, or NULL. */
static const char *set_in(struct loader *l, const char *group, const char *name)
{
	const struct mk_key *key = mk_key_find(group, name);

	return key ? place_of(l, key)->file : NULL;
}

/* ---- one file ------------------------------------------------------------------------------------ */

static void report_unknown_group(struct loader *l, const struct mk_ini_item *item)
{
	const char *meant = mk_key_suggest_group(item->group);

	problem(l, "%s:%u: [%.100s]: unknown group%s%s%s", l->file, item->line, item->group,
		meant ? "; did you mean [" : "", str_or_empty(meant), meant ? "]?" : "");
}

static void report_unknown_key(struct loader *l, const struct mk_ini_item *item)
{
	const struct mk_key *meant = mk_key_suggest(item->group, item->key);

	if (meant)
		problem(l, "%s:%u: [%s] %.100s: unknown key; did you mean [%s] %s?", l->file,
			item->line, item->group, item->key, meant->group, meant->name);
	else
		problem(l, "%s:%u: [%s] %.100s: unknown key", l->file, item->line, item->group,
			item->key);
}

/* Once for each file: the first secret in it is enough. */
static void check_exposed(struct loader *l, const struct mk_ini_item *item)
{
	_cleanup_free_ char *why = NULL;

	if (l->exposed || mk_file_check_private(l->file, &l->st, &why) == 0)
		return;

	l->exposed = true;
	problem(l, "%s:%u: [%s] %s: %s", l->file, item->line, item->group, item->key,
		why ? why : "the file is not private");
}

static void take_assignment(struct loader *l, const struct mk_ini_item *item)
{
	_cleanup_free_ char *why = NULL;
	const struct mk_key *key;
	struct place *place;
	int r;

	key = mk_key_find(item->group, item->key);
	if (!key) {
		report_unknown_key(l, item);
		return;
	}

	place = place_of(l, key);
	if (place->file == l->file) {
		problem(l, "%s:%u: [%s] %s: set before, in line %u; keep one of the two", l->file,
			item->line, key->group, key->name, place->line);
		return;
	}

	*place = (struct place){ l->file, item->line };
	if (key->type == MK_KEY_SECRET && *item->value)
		check_exposed(l, item);
	r = mk_key_set(key, item->value, l->config, &why);
	if (r == -ENOMEM || (r < 0 && !why))
		l->no_memory = true;
	else if (r < 0)
		problem(l, "%s:%u: [%s] %s: %s", l->file, item->line, key->group, key->name, why);
}

/* Keys of an unknown group are not reported one by one. */
static int take_item(const struct mk_ini_item *item, void *data)
{
	struct loader *l = data;

	if (item->problem)
		problem(l, "%s:%u: %s", l->file, item->line, item->problem);
	else if (!item->key && !mk_key_group_known(item->group))
		report_unknown_group(l, item);
	else if (item->key && mk_key_group_known(item->group))
		take_assignment(l, item);

	return l->problems->n < N_PROBLEMS_MAX ? 0 : -E2BIG;
}

/* Returns false if there was nothing to read. */
static bool read_file(struct loader *l, const char *path)
{
	_cleanup_(mk_file_done) struct mk_file file = { 0 };
	int r;

	r = mk_file_read(path, MK_FILE_MAX, &file);
	if (r == -EBADFD) {
		problem(l, "%s: is not a regular file", path);
		return false;
	}
	if (r < 0) {
		problem(l, "%s: cannot be read: %s", path, mk_user_strerror(-r));
		return false;
	}

	l->file = path;
	l->st = file.st;
	l->exposed = false;
	(void)mk_ini_parse(file.data, file.size, take_item, l);
	return true;
}

/* ---- which files --------------------------------------------------------------------------------- */

static int is_drop_in(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && n > 5 && streq(e->d_name + n - 5, ".conf");
}

/* Not alphasort(), which follows the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The list is complete, or NULL without memory. */
static char **list_files(struct loader *l, const char *path)
{
	_cleanup_free_ char *directory = mk_strdup_printf("%s.d", path);
	struct dirent **entries = NULL;
	char **files = NULL;
	bool ok = true;
	int n;

	if (!directory)
		return NULL;

	n = scandir(directory, &entries, is_drop_in, by_name);
	if (n < 0 && errno != ENOENT && errno != ENAMETOOLONG)
		problem(l, "%s: cannot be listed: %s", directory, mk_user_strerror(errno));
	if (n < 0)
		n = 0;

	files = calloc((size_t)n + 2, sizeof(*files));
	if (files)
		ok = (files[0] = strdup(path));
	for (int i = 0; i < n; i++) {
		if (files && ok)
			ok = (files[i + 1] =
				      mk_strdup_printf("%s/%s", directory, entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
	if (ok)
		return files;

	mk_strv_free(files);
	return NULL;
}

/* ---- after the files ----------------------------------------------------------------------------- */

/* For a sentence about more than one line: where the operator should look. */
static const char *where(struct loader *l, const char *group, const char *name)
{
	const char *file = set_in(l, group, name);

	return file ? file : l->files[0];
}

static void check_order(struct loader *l, const char *group, const char *low, uint64_t low_value,
			const char *high, uint64_t high_value)
{
	if (low_value > high_value)
		problem(l, "%s: [%s] %s: is more than %s; it must not be", where(l, group, low),
			group, low, high);
}

static void check_together(struct loader *l)
{
	struct mk_config *c = l->config;

	check_order(l, "cloudstack", "poll-min", c->cloudstack.poll_min, "poll-max",
		    c->cloudstack.poll_max);
	check_order(l, "cloudstack", "retry-min", c->cloudstack.retry_min, "retry-max",
		    c->cloudstack.retry_max);

	/* a small max-pending alone shall not need a second line */
	if (!set_in(l, "operations", "max-per-caller") &&
	    c->operations.max_per_caller > c->operations.max_pending)
		c->operations.max_per_caller = c->operations.max_pending;
	check_order(l, "operations", "max-per-caller", c->operations.max_per_caller, "max-pending",
		    c->operations.max_pending);

	if (c->cloudstack.ca_file && access(c->cloudstack.ca_file, R_OK) < 0)
		problem(l, "%s: [cloudstack] ca-file: %s cannot be read: %s",
			where(l, "cloudstack", "ca-file"), c->cloudstack.ca_file,
			mk_user_strerror(errno));
}

/* A value that was wrong has been reported already. */
static void check_required(struct loader *l)
{
	for (size_t i = 0; i < MK_N_KEYS; i++)
		if (!mk_keys[i].fallback && !l->places[i].file)
			problem(l, "%s: [%s] %s: is missing", l->files[0], mk_keys[i].group,
				mk_keys[i].name);
}

struct secret_source {
	const char *name;      /* of the key, and with "cloudstack-" before it of the credential */
	const char *file_name; /* of the key that names the file */
	const char *file;      /* its value, or NULL */
	struct credential *credential;
	char **value; /* from the configuration itself, and the result */
	char **source;
};

/* Takes the secret from a file; at: where a complaint belongs. Returns false if there is no such file. */
static bool take_secret(struct loader *l, const char *at, const char *path, bool from_manager,
			char **value, char **source)
{
	_cleanup_free_ char *why = NULL;
	char *secret;
	int r;

	r = mk_secret_read(path, from_manager, &secret, &why);
	if (r == -ENOENT)
		return false;
	if (r == -ENOMEM) {
		l->no_memory = true;
	} else if (r < 0) {
		problem(l, "%s: %s", at, why ? why : path);
	} else {
		mk_secret_free(*value);
		*value = secret;
	}

	if (mk_str_set(source, path) < 0)
		l->no_memory = true;
	return true;
}

/* What systemd hands to the service. Root looks where the unit gets it from. */
static void read_credential(struct loader *l, const char *name, struct credential *c)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	bool as_root = !directory && l->inspect && geteuid() == 0;
	_cleanup_free_ char *path = NULL;

	if (!directory && !as_root)
		return;

	path = as_root ? mk_strdup_printf(CREDSTORE "%s", name)
		       : mk_strdup_printf("%s/%s", directory, name);
	if (!path)
		l->no_memory = true;
	else
		(void)take_secret(l, "systemd credential", path, !as_root, &c->value, &c->source);
}

static void take_secret_file(struct loader *l, const struct secret_source *s)
{
	_cleanup_free_ char *at =
		mk_strdup_printf("%s: [cloudstack] %s", where(l, "cloudstack", s->file_name),
				 s->file_name);

	if (!at)
		l->no_memory = true;
	else if (!take_secret(l, at, s->file, false, s->value, s->source))
		problem(l, "%s: %s cannot be read: %s", at, s->file, strerror(ENOENT));
}

static void resolve_secret(struct loader *l, const struct secret_source *s)
{
	if (s->credential->source) {
		mk_secret_free(*s->value);
		*s->value = take_ptr(s->credential->value);
		*s->source = take_ptr(s->credential->source);
	} else if (s->file) {
		take_secret_file(l, s);
	} else if (*s->value) {
		if (mk_str_set(s->source, where(l, "cloudstack", s->name)) < 0)
			l->no_memory = true;
	} else if (!set_in(l, "cloudstack", s->name)) {
		problem(l,
			"%s: [cloudstack] %s: is missing; give the systemd credential "
			"cloudstack-%s, or set %s, or %s itself",
			l->files[0], s->name, s->name, s->file_name, s->name);
	}
}

static void resolve_secrets(struct loader *l)
{
	struct mk_config *c = l->config;
	const struct secret_source api = {
		.name = "api-key",
		.file_name = "api-key-file",
		.file = c->cloudstack.api_key_file,
		.credential = &l->api_key,
		.value = &c->cloudstack.api_key,
		.source = &c->cloudstack.api_key_source,
	};
	const struct secret_source secret = {
		.name = "secret-key",
		.file_name = "secret-key-file",
		.file = c->cloudstack.secret_key_file,
		.credential = &l->secret_key,
		.value = &c->cloudstack.secret_key,
		.source = &c->cloudstack.secret_key_source,
	};

	resolve_secret(l, &api);
	resolve_secret(l, &secret);
}

/* systemd may name several directories, separated by colons; the unit has one. */
static void resolve_state_directory(struct loader *l)
{
	const char *from_systemd = getenv("STATE_DIRECTORY");
	_cleanup_free_ char *first = NULL, *why = NULL;
	int r;

	if (!from_systemd || set_in(l, "daemon", "state-directory"))
		return;

	first = strndup(from_systemd, strcspn(from_systemd, ":"));
	if (!first) {
		l->no_memory = true;
		return;
	}

	r = mk_key_set(mk_key_find("daemon", "state-directory"), first, l->config, &why);
	if (r == -ENOMEM || (r < 0 && !why))
		l->no_memory = true;
	else if (r < 0)
		problem(l, "$STATE_DIRECTORY: %s", why);
}

static void credential_done(struct credential *c)
{
	mk_secret_free(c->value);
	free(c->source);
}

/* ---- all of it ----------------------------------------------------------------------------------- */

static int set_defaults(struct mk_config *config)
{
	for (size_t i = 0; i < MK_N_KEYS; i++) {
		_cleanup_free_ char *why = NULL;
		int r;

		if (!mk_keys[i].fallback)
			continue;
		r = mk_key_set(&mk_keys[i], mk_keys[i].fallback, config, &why);
		if (r < 0)
			return r;
	}

	return 0;
}

static void load(struct loader *l, const char *path)
{
	bool complete = true;

	l->files = list_files(l, path);
	if (!l->files) {
		l->no_memory = true;
		return;
	}

	for (char **f = l->files; *f; f++)
		complete = read_file(l, *f) && complete;

	/* what is missing may stand in the file that could not be read */
	if (complete) {
		check_required(l);
		check_together(l);
		resolve_secrets(l);
		resolve_state_directory(l);
	}
	mk_strv_free(l->files);
}

/* From here on we see what the service sees. False: nothing may be read as who we are. */
static bool become_daemon(struct loader *l)
{
	int r = geteuid() == 0 ? mk_user_become() : 0;

	if (r == 0 || r == -ESRCH)
		return true;

	problem(l, "cannot become the user " MK_DAEMON_USER ": %s", strerror(-r));
	return false;
}

static int load_all(const char *path, bool inspect, struct mk_config **ret,
		    struct mk_config_problems *problems)
{
	_cleanup_(mk_config_freep) struct mk_config *config = NULL;
	struct loader l = { .problems = problems, .inspect = inspect };
	int r;

	config = calloc(1, sizeof(*config));
	if (!config)
		return -ENOMEM;

	r = set_defaults(config);
	if (r < 0)
		return r;

	l.config = config;
	read_credential(&l, "cloudstack-api-key", &l.api_key);
	read_credential(&l, "cloudstack-secret-key", &l.secret_key);
	if (!inspect || become_daemon(&l))
		load(&l, path ? path : DEFAULT_PATH);
	credential_done(&l.api_key);
	credential_done(&l.secret_key);
	if (l.no_memory)
		return -ENOMEM;
	if (problems->n > 0)
		return -EINVAL;

	*ret = take_ptr(config);
	return 0;
}

int mk_config_load(const char *path, struct mk_config **ret, struct mk_config_problems *problems)
{
	return load_all(path, false, ret, problems);
}

int mk_config_inspect(const char *path, struct mk_config **ret, struct mk_config_problems *problems)
{
	return load_all(path, true, ret, problems);
}

struct mk_config *mk_config_free(struct mk_config *config)
{
	if (!config)
		return NULL;

	for (size_t i = 0; i < MK_N_KEYS; i++)
		mk_key_clear(&mk_keys[i], config);
	free(config->cloudstack.api_key_source);
	free(config->cloudstack.secret_key_source);
	free(config);
	return NULL;
}

static char *print_key(const struct mk_key *key, const struct mk_config *config)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;

	mk_key_print(key, config, f);
	if (fclose(f) == 0)
		return text;

	free(text);
	return NULL;
}

int mk_config_keep_fixed(struct mk_config *config, const struct mk_config *running,
			 void (*changed)(const char *group, const char *key))
{
	for (size_t i = 0; i < MK_N_KEYS; i++) {
		const struct mk_key *key = &mk_keys[i];
		_cleanup_free_ char *now = NULL, *later = NULL, *why = NULL;

		if (!key->restart)
			continue;
		now = print_key(key, running);
		later = print_key(key, config);
		if (!now || !later)
			return -ENOMEM;
		if (streq(now, later))
			continue;

		changed(key->group, key->name);
		if (mk_key_set(key, now, config, &why) < 0)
			return -ENOMEM;
	}

	return 0;
}

void mk_config_dump(const struct mk_config *config, FILE *f)
{
	const char *group = NULL;

	for (size_t i = 0; i < MK_N_KEYS; i++) {
		const struct mk_key *key = &mk_keys[i];

		if (!group || !streq(group, key->group))
			fprintf(f, "%s[%s]\n", group ? "\n" : "", key->group);
		group = key->group;
		if (streq(key->name, "api-key") && config->cloudstack.api_key_source)
			fprintf(f, "# from %s\n", config->cloudstack.api_key_source);
		if (streq(key->name, "secret-key") && config->cloudstack.secret_key_source)
			fprintf(f, "# from %s\n", config->cloudstack.secret_key_source);
		fprintf(f, "%s = ", key->name);
		mk_key_print(key, config, f);
		fputc('\n', f);
	}
}

void mk_config_foreach_key(void (*fn)(const char *group, const char *key, const char *fallback,
				      void *data),
			   void *data)
{
	for (size_t i = 0; i < MK_N_KEYS; i++)
		fn(mk_keys[i].group, mk_keys[i].name, str_or_empty(mk_keys[i].fallback), data);
}
