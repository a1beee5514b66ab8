/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves how src/config reads volumed.conf, its drop-ins and the key files: values, defaults, ranges, and what is said
 * of each mistake. The files are in a scratch directory.
 */

#include "config/config.h"
#include "config/parse-internal.h"
#include "config/secret-internal.h"
#include "tap.h"

#include <sys/stat.h>

#define VM "0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b42"
#define MINIMAL                                                                                    \
	"[cloudstack]\nurl = https://cloud.example/client/api\napi-key = KEY\n"                    \
	"secret-key = SECRET-VALUE\n[appliance]\nvm = " VM "\n"
#define DIR_TEMPLATE "/tmp/test-config-XXXXXX"

static char dir[] = DIR_TEMPLATE;
static char main_file[sizeof(dir) + 16], drop_ins[sizeof(dir) + 20];

static struct mk_config *config;
static struct mk_config_problems problems;

static int shell(const char *command)
{
	_cleanup_free_ char *line = mk_strdup_printf("cd %s && %s", dir, command);

	return system(line);
}

static void run(const char *command)
{
	CU_ASSERT_EQUAL_FATAL(shell(command), 0);
}

static void write_bytes(const char *name, const char *text, size_t size, mode_t mode)
{
	_cleanup_free_ char *path = mk_strdup_printf("%s/%s", dir, name);
	_cleanup_fclose_ FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fwrite(text, 1, size, f), size);
	CU_ASSERT_EQUAL(fchmod(fileno(f), mode), 0);
}

static void write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text), 0600);
}

static int load(void)
{
	config = mk_config_free(config);
	mk_config_problems_done(&problems);
	return mk_config_load(main_file, &config, &problems);
}

/* The only problem is there, and says this. */
static bool only_problem(const char *words)
{
	if (problems.n == 1 && strstr(problems.items[0], words))
		return true;

	tap_note("expected one problem: %s", words);
	for (size_t i = 0; i < problems.n; i++)
		tap_note("got: %s", problems.items[i]);
	return false;
}

/* MINIMAL and more lines are refused for one reason. */
static bool refused(const char *more, const char *words)
{
	_cleanup_free_ char *text = mk_strdup_printf(MINIMAL "%s", more);

	write_file("volumed.conf", text);
	return load() == -EINVAL && only_problem(words);
}

static bool accepted(const char *more)
{
	_cleanup_free_ char *text = mk_strdup_printf(MINIMAL "%s", more);

	write_file("volumed.conf", text);
	if (load() == 0)
		return true;

	for (size_t i = 0; i < problems.n; i++)
		tap_note("got: %s", problems.items[i]);
	return false;
}

static int set_up(void)
{
	unsetenv("CREDENTIALS_DIRECTORY");
	unsetenv("STATE_DIRECTORY");
	if (!mkdtemp(dir))
		return -1;
	snprintf(main_file, sizeof(main_file), "%s/volumed.conf", dir);
	snprintf(drop_ins, sizeof(drop_ins), "%s/volumed.conf.d", dir);
	return mkdir(drop_ins, 0755);
}

static int tear_down(void)
{
	config = mk_config_free(config);
	mk_config_problems_done(&problems);
	return shell("rm -rf ./*") || rmdir(dir);
}

static void test_defaults(void)
{
	write_file("volumed.conf", MINIMAL);
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	CU_ASSERT_STRING_EQUAL(config->cloudstack.url, "https://cloud.example/client/api");
	CU_ASSERT_STRING_EQUAL(config->cloudstack.secret_key, "SECRET-VALUE");
	CU_ASSERT_STRING_EQUAL(config->appliance.vm, VM);
	CU_ASSERT_PTR_NULL(config->cloudstack.ca_file);
	CU_ASSERT_FALSE(config->cloudstack.insecure);
	CU_ASSERT_EQUAL(config->operations.max_pending, 4096);
	CU_ASSERT_EQUAL(config->operations.max_per_caller, 2048);
	CU_ASSERT_EQUAL(config->operations.deadline, 0);
	CU_ASSERT_EQUAL(config->operations.history_age, 30 * 86400 * USEC_PER_SEC);
	CU_ASSERT_STRING_EQUAL(config->plugins.load[0], "test-vm");
	CU_ASSERT_STRING_EQUAL(config->plugins.load[1], "oma");
	CU_ASSERT_STRING_EQUAL(config->plugins.load[2], "failover");
	CU_ASSERT_PTR_NULL(config->plugins.load[3]);
	CU_ASSERT_EQUAL(*config->daemon.state_directory, '/');
	CU_ASSERT_EQUAL(config->cloudstack.max_requests, 32);
	CU_ASSERT_EQUAL(config->cloudstack.retry_min, 500 * USEC_PER_MSEC);
	CU_ASSERT_EQUAL(config->cloudstack.request_timeout, 30 * USEC_PER_SEC);
}

static void test_drop_ins(void)
{
	write_file("volumed.conf", MINIMAL "[operations]\npoll-interval = 2s\ndeadline = 1h\n");
	write_file("volumed.conf.d/20-b.conf", "[operations]\npoll-interval = 4s\n");
	write_file("volumed.conf.d/10-a.conf", "[operations]\npoll-interval = 3s\n");
	write_file("volumed.conf.d/README", "no configuration\n");
	write_file("volumed.conf.d/.hidden.conf", "no configuration\n");
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	CU_ASSERT_EQUAL(config->operations.poll_interval, 4 * USEC_PER_SEC);
	CU_ASSERT_EQUAL(config->operations.deadline, 3600 * USEC_PER_SEC);

	write_file("volumed.conf.d/30-c.conf", "[operations]\n\npoll-interval = 0\n");
	CU_ASSERT_EQUAL(load(), -EINVAL);
	CU_ASSERT(only_problem("/30-c.conf:3: [operations] poll-interval: \"0\" is not a time "
			       "span from 1ms to 1min; units are"));
	run("rm -f volumed.conf.d/* volumed.conf.d/.h*");
}

static void test_syntax(void)
{
	CU_ASSERT(refused("garbage\n", "conf:7: neither [group], nor key = value"));
	CU_ASSERT(refused("[operations\n", "does not end with ]"));
	CU_ASSERT(refused("[operations] x\n", "does not end with ]"));
	CU_ASSERT(refused("[]\n", "group's name is empty"));
	CU_ASSERT(refused("= 5\n", "key's name is empty"));
	CU_ASSERT(refused("[operations]\n deadline = 5\n", "begins with a blank"));
	CU_ASSERT(refused("[plugins]\nload = \"a\"\n", "begins with a quote"));
	CU_ASSERT(refused("[plugins]\nload = a \\\n", "ends with a backslash"));
	CU_ASSERT(refused("[plugins]\nload = a # b\n", "comment after the value"));
	CU_ASSERT(refused("[plugins]\nload = a\x01\n", "control characters"));
	CU_ASSERT(refused("[plugins]\nload = \xff\n", "not UTF-8"));
	CU_ASSERT(refused("[operations]\ndeadline = 1h\ndeadline = 2h\n",
			  "conf:9: [operations] deadline: set before, in line 8"));
	CU_ASSERT(refused("[operations]\ndeadline = 1h\n[plugins]\n[operations]\ndeadline = 2h\n",
			  "conf:11: [operations] deadline: set before, in line 8"));
	CU_ASSERT(refused("[operations]\ndeadline =\n", "is empty"));
	CU_ASSERT(accepted("  # comment\n\t; comment\r\n\r\n[ operations ]\r\ndeadline=1h\r\n"));
	CU_ASSERT(accepted("[cloudstack]\nca-file ="));
}

static void test_nul_and_long(void)
{
	static const char nul[] = MINIMAL "[operations]\ndeadline = 1\0h\n";
	char *line = malloc(5000);

	write_bytes("volumed.conf", nul, sizeof(nul) - 1, 0600);
	CU_ASSERT_EQUAL(load(), -EINVAL);
	CU_ASSERT(only_problem("conf:8: there is a NUL byte"));

	memset(line, 'x', 4999);
	line[4999] = '\0';
	CU_ASSERT(refused(line, "conf:7: the line is longer than 4096 bytes"));
	free(line);
}

/* A quoted value is cut at 100 bytes, and stays text. */
static void test_cut_character(void)
{
	char value[103], line[192];

	memset(value, '8', 99);
	memcpy(value + 99, "\xc3\xa9", 3); /* é */
	snprintf(line, sizeof(line), "[operations]\nmax-pending = %s\n", value);
	CU_ASSERT(refused(line, "is not a number"));
	CU_ASSERT(mk_text_valid(problems.items[0], 8192));
}

static void test_unknown(void)
{
	CU_ASSERT(refused("[operatoins]\nx = 1\ny = 2\n",
			  "conf:7: [operatoins]: unknown group; did you mean [operations]?"));
	CU_ASSERT(refused("[nothing-like-it]\n", "conf:7: [nothing-like-it]: unknown group"));
	CU_ASSERT(refused("ulr = x\n", "conf:7: [appliance] ulr: unknown key"));
	CU_ASSERT(
		refused("[operations]\ndeadlin = 5\n",
			"[operations] deadlin: unknown key; did you mean [operations] deadline?"));
	CU_ASSERT(refused("insecure = yes\n", "did you mean [cloudstack] insecure?"));
	CU_ASSERT(refused("wholly-different = 1\n", "wholly-different: unknown key"));
}

static void test_values(void)
{
	CU_ASSERT(refused("[operations]\nmax-pending = 0\n", "number from 1 to 100000"));
	CU_ASSERT(refused("[operations]\nmax-pending = 99999999999999999999\n", "number from 1"));
	CU_ASSERT(refused("[operations]\nmax-pending = 5x\n", "\"5x\" is not a number"));
	CU_ASSERT(refused("[operations]\nmax-pending = 10\nmax-per-caller = 11\n",
			  "max-per-caller: is more than max-pending"));
	CU_ASSERT(refused("[operations]\ndeadline = 8d\n", "from 1ms to 7d, or 0"));
	CU_ASSERT(refused("[plugins]\nload = a a\n", "one is there twice"));
	CU_ASSERT(refused("[plugins]\nload = ../x\n", "list of names"));
	CU_ASSERT(refused("[plugins]\nload = ,\n", "list of names"));
	CU_ASSERT(refused("[plugins]\ndirectory = lib\n", "\"lib\" is not an absolute path"));
	CU_ASSERT(refused("[cloudstack]\ninsecure = maybe\n", "\"maybe\" is not yes or no"));
	CU_ASSERT(refused("[cloudstack]\npoll-min = 6s\n", "poll-min: is more than poll-max"));
	CU_ASSERT(refused("[cloudstack]\nretry-min = 31s\n", "retry-min: is more than retry-max"));
	CU_ASSERT(refused("[cloudstack]\nca-file = /nonexistent/ca\n", "cannot be read"));

	CU_ASSERT_FATAL(
		accepted("[operations]\nmax-pending = 10\n[plugins]\nload = oma,test-vm b\n"));
	CU_ASSERT_EQUAL(config->operations.max_per_caller, 10);
	CU_ASSERT_STRING_EQUAL(config->plugins.load[2], "b");
}

static void test_all_problems_at_once(void)
{
	write_file("volumed.conf",
		   "[cloudstack]\nurl = ftp://x\nfoo = 1\n[operations]\ndeadline = x\n");
	CU_ASSERT_EQUAL(load(), -EINVAL);
	/* url, foo, deadline, no vm, no keys */
	CU_ASSERT_EQUAL(problems.n, 6);
	CU_ASSERT_PTR_NULL(config);

	run("rm volumed.conf");
	CU_ASSERT_EQUAL(load(), -EINVAL);
	CU_ASSERT(only_problem("cannot be read: No such file or directory"));
	run("mkfifo volumed.conf");
	CU_ASSERT_EQUAL(load(), -EINVAL);
	CU_ASSERT(only_problem("is not a regular file"));
	run("rm volumed.conf");
}

static void test_url(void)
{
	static const char *const good[] = { "http://10.0.0.1:8080/client/api",
					    "https://[fd00::1]:8443/client/api", "https://cloud" };
	static const char *const bad[] = { "",
					   "cloud/api",
					   "ftp://x",
					   "http://",
					   "http:///x",
					   "http://u:p@h/",
					   "http://u@h/",
					   "http://h/?a=b",
					   "http://h/#f",
					   "http://h:99999/",
					   "http://h h/",
					   "http://h\\x/" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CU_ASSERT_PTR_NULL(mk_url_problem(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CU_ASSERT_PTR_NOT_NULL(mk_url_problem(bad[i]));
		if (!mk_url_problem(bad[i]))
			tap_note("accepted: %s", bad[i]);
	}
}

static void test_spans(void)
{
	static const struct {
		const char *text;
		uint64_t usec;
		const char *printed;
	} good[] = {
		{ "0", 0, "0" },
		{ "5", 5000000, "5s" },
		{ "250us", 250, "250us" },
		{ "1500ms", 1500000, "1500ms" },
		{ "90min", 5400000000, "90min" },
		{ "24h", 86400000000, "1d" },
	};
	static const char *const bad[] = { "",   "s",    "-1s", "1 s",  "1.5s",
					   "1m", "1sec", "+1",  "0x10", "1S" };
	char printed[MK_SPAN_SIZE];
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		CU_ASSERT_EQUAL(mk_parse_span(good[i].text, &v), 0);
		CU_ASSERT_EQUAL(v, good[i].usec);
		mk_format_span(v, printed);
		CU_ASSERT_STRING_EQUAL(printed, good[i].printed);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(mk_parse_span(bad[i], &v), -EINVAL);
	CU_ASSERT_EQUAL(mk_parse_span("99999999999999999999", &v), -ERANGE);
	CU_ASSERT_EQUAL(mk_parse_span("18446744073709551615d", &v), -ERANGE);
}

/* L41: no problem and no dump ever shows a secret, also where it stands in the wrong place. */
static void test_L41_secret_is_not_shown(void)
{
	static const char *const texts[] = {
		"secret-key = two SECRET-VALUE words\n",
		"secret-kye = SECRET-VALUE\n",
		"[cloudstack]\nsecret-key SECRET-VALUE\n",
		"url = https://u:SECRET-VALUE@h/\n",
		"[SECRET-VALUE\n",
	};
	_cleanup_free_ char *dump = NULL;
	size_t size;
	FILE *f;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *text = mk_strdup_printf("[cloudstack]\n%s", texts[i]);

		write_file("volumed.conf", text);
		CU_ASSERT_EQUAL(load(), -EINVAL);
		for (size_t j = 0; j < problems.n; j++)
			CU_ASSERT_PTR_NULL(strstr(problems.items[j], "SECRET-VALUE"));
	}

	write_file("volumed.conf", MINIMAL);
	CU_ASSERT_EQUAL_FATAL(load(), 0);
	f = open_memstream(&dump, &size);
	mk_config_dump(config, f);
	fclose(f);
	CU_ASSERT_PTR_NULL(strstr(dump, "SECRET-VALUE"));
	CU_ASSERT_PTR_NOT_NULL(strstr(dump, "secret-key = (set)\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(dump, "max-requests = 32\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(dump, "[appliance]\nvm = " VM "\n"));
}

#define WITHOUT_SECRET                                                                             \
	"[appliance]\nvm = " VM "\n[cloudstack]\nurl = https://cloud.example/client/api\n"         \
	"api-key = KEY\n"

static bool secret_file_refused(const char *words)
{
	_cleanup_free_ char *text =
		mk_strdup_printf(WITHOUT_SECRET
				 "secret-key-file = %s/secret\nsecret-key = inline\n",
				 dir);

	write_file("volumed.conf", text);
	return load() == -EINVAL && only_problem(words);
}

static void test_secret_file(void)
{
	run("rm -f secret");
	CU_ASSERT(secret_file_refused("/secret cannot be read: No such file"));
	write_bytes("secret", "from-file\n", 10, 0640);
	CU_ASSERT(secret_file_refused("mode 0640); run: chown "));
	write_bytes("secret", "two words\n", 10, 0600);
	CU_ASSERT(secret_file_refused("does not hold one line"));
	write_bytes("secret", "two\nlines\n", 10, 0600);
	CU_ASSERT(secret_file_refused("does not hold one line"));
	write_bytes("secret", "a\0b", 3, 0600);
	CU_ASSERT(secret_file_refused("does not hold one line"));
	write_bytes("secret", "\n", 1, 0600);
	CU_ASSERT(secret_file_refused("does not hold one line"));
	run("head -c 2000 /dev/zero | tr '\\0' x > secret");
	CU_ASSERT(secret_file_refused("too large for a key"));
	run("rm secret && mkdir secret");
	CU_ASSERT(secret_file_refused("is not a regular file"));
	run("rmdir secret");

	if (geteuid() == 0) {
		write_bytes("secret", "x\n", 2, 0600);
		run("chown 65534 secret");
		CU_ASSERT(secret_file_refused("belongs to uid 65534"));
	}

	/* before the key in the file; through a link; the newline is dropped */
	write_bytes("secret.real", "from-file\r\n", 11, 0400);
	run("ln -sf secret.real secret");
	CU_ASSERT(!secret_file_refused("(nothing)"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	CU_ASSERT_STRING_EQUAL(config->cloudstack.secret_key, "from-file");
	CU_ASSERT_PTR_NOT_NULL(strstr(config->cloudstack.secret_key_source, "/secret"));
}

static void test_exposed_file(void)
{
	write_bytes("volumed.conf", MINIMAL, strlen(MINIMAL), 0644);
	CU_ASSERT_EQUAL(load(), -EINVAL);
	CU_ASSERT(only_problem("volumed.conf:3: [cloudstack] api-key: "));
	CU_ASSERT(only_problem("mode 0644); run: chown "));
}

/* A credential's mode is systemd's affair; it wins over everything else. */
static void test_credentials(void)
{
	run("mkdir -p volumed.conf.creds");
	write_bytes("volumed.conf.creds/cloudstack-secret-key", "from-systemd", 12, 0440);
	write_file("volumed.conf", MINIMAL);
	_cleanup_free_ char *path = mk_strdup_printf("%s/volumed.conf.creds", dir);
	setenv("CREDENTIALS_DIRECTORY", path, 1);
	CU_ASSERT_EQUAL(load(), 0);
	if (config) {
		CU_ASSERT_STRING_EQUAL(config->cloudstack.secret_key, "from-systemd");
		CU_ASSERT_STRING_EQUAL(config->cloudstack.api_key, "KEY");
	}
	write_bytes("volumed.conf.creds/cloudstack-secret-key", "", 0, 0440);
	CU_ASSERT_EQUAL(load(), -EINVAL);
	CU_ASSERT(only_problem("does not hold one line"));
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void test_state_directory(void)
{
	setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two", 1);
	CU_ASSERT_FATAL(accepted(""));
	CU_ASSERT_STRING_EQUAL(config->daemon.state_directory, "/var/lib/one");
	CU_ASSERT_FATAL(accepted("[daemon]\nstate-directory = /srv/x\n"));
	CU_ASSERT_STRING_EQUAL(config->daemon.state_directory, "/srv/x");
	setenv("STATE_DIRECTORY", "relative", 1);
	CU_ASSERT(refused("", "$STATE_DIRECTORY: \"relative\" is not an absolute path"));
	unsetenv("STATE_DIRECTORY");
}

static void test_file(void)
{
	struct mk_file file = { 0 };
	char *data;

	write_file("secret.wipe", "SECRET-VALUE");
	_cleanup_free_ char *path = mk_strdup_printf("%s/secret.wipe", dir);
	CU_ASSERT_EQUAL_FATAL(mk_file_read(path, 100, &file), 0);
	data = file.data;
	CU_ASSERT_STRING_EQUAL(data, "SECRET-VALUE");
	mk_file_done(&file);
	CU_ASSERT_PTR_NULL(file.data);
	CU_ASSERT_EQUAL(mk_file_read(path, 5, &file), -EFBIG);
}

/* Each key stands in the shipped file under its group, commented out, with its default. */
static void find_key(const char *group, const char *key, const char *fallback, void *data)
{
	_cleanup_free_ char *header = mk_strdup_printf("\n[%s]\n", group);
	_cleanup_free_ char *line =
		mk_strdup_printf("\n#%s =%s%s\n", key, *fallback ? " " : "", fallback);
	const char *start = strstr(data, header), *end, *found;

	CU_ASSERT_PTR_NOT_NULL_FATAL(start);
	end = strstr(start + 2, "\n[");
	found = strstr(start, line);
	CU_ASSERT(found && (!end || found < end));
	if (!found)
		tap_note("missing: [%s] %s", group, line + 1);
}

static void test_shipped_file(void)
{
	_cleanup_free_ char *path =
		mk_strdup_printf("%s/data/volumed.conf", getenv("top_builddir"));
	struct mk_file file = { 0 };

	if (!getenv("top_builddir")) {
		tap_skip("run by make check only");
		return;
	}

	CU_ASSERT_EQUAL_FATAL(mk_file_read(path, MK_FILE_MAX, &file), 0);
	mk_config_foreach_key(find_key, file.data);

	/* and every line "#key =" in it is a known key of its group: take the marks away and read it */
	for (char *p = file.data; p; p = strchr(p, '\n')) {
		char *mark = *p == '\n' ? ++p : p;

		if (*mark == '#' && mark[1] >= 'a' && mark[1] <= 'z')
			memmove(mark, mark + 1, strlen(mark));
	}
	write_file("volumed.conf", file.data);
	CU_ASSERT_EQUAL(load(), -EINVAL);
	CU_ASSERT_EQUAL(problems.n, 2); /* url and vm have no default */
	for (size_t i = 0; i < problems.n; i++) {
		tap_note("%s", problems.items[i]);
		CU_ASSERT_PTR_NOT_NULL(strstr(problems.items[i], "is empty"));
	}
	mk_file_done(&file);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "defaults", test_defaults },
		{ "drop-ins", test_drop_ins },
		{ "syntax", test_syntax },
		{ "nul-and-long-lines", test_nul_and_long },
		{ "cut-character", test_cut_character },
		{ "unknown", test_unknown },
		{ "values", test_values },
		{ "all-problems-at-once", test_all_problems_at_once },
		{ "url", test_url },
		{ "spans", test_spans },
		{ "L41-secret-is-not-shown", test_L41_secret_is_not_shown },
		{ "secret-file", test_secret_file },
		{ "exposed-file", test_exposed_file },
		{ "credentials", test_credentials },
		{ "state-directory", test_state_directory },
		{ "file", test_file },
		{ "shipped-file", test_shipped_file },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "config", set_up, tear_down, tests);
}
