/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves what the CloudStack client makes of answers, against the scripted server of cloudstack-env.h: outcomes of
 * requests, retries, and pages of lists. Also proves that no key appears in a text that the client hands out.
 */

#include "cloudstack-env.h"

#define CAPS   "listCapabilities"
#define ATTACH "attachVolume"
#define PAGE   500

/* Everything that is no answer, although something was answered. */
static const struct talk no_answers[] = {
	SAY_ERROR("", 502, "<html><h1>502 Bad Gateway</h1></html>"),
	SAY_ERROR("", 503, "<html>starting</html>"),
	SAY_ERROR("", 504, "<html>gateway timeout</html>"),
	SAY_ERROR("", 404, "<html>no such page</html>"),
	SAY_ERROR("", 302, STARTED),
	SAY_ERROR("", 302, CAPABLE),
	SAY_ERROR("", 500, STARTED), /* no CloudStack: it names no error */
	SAY_ERROR("", 500, CAPABLE),
	/* well-formed, and not from CloudStack, or about another command */
	SAY_ERROR("", 200, "{\"status\":{\"service\":\"gateway\",\"healthy\":true}}"),
	SAY_ERROR("", 200, "{\"response\":{\"jobid\":\"" JOB_A "\"}}"),
	SAY_ERROR("", 200, "{\"errorresponse\":{\"jobid\":\"" JOB_A "\"}}"),
	SAY_ERROR("", 200, "{\"detachvolumeresponse\":{\"jobid\":\"" JOB_A "\"}}"),
	SAY_ERROR("", 431, "{\"error\":{\"errorcode\":431,\"errortext\":\"no such path\"}}"),
	SAY_ERROR("", 503, "{\"fault\":{\"errorcode\":503,\"errortext\":\"gateway\"}}"),
	SAY_ERROR("", 200, ""),
	SAY_ERROR("", 200, "null"),
	SAY_ERROR("", 200, "{\"listcapabilitiesresponse\":{\"capability\":{\"cl"),
	SAY_ERROR("", 200, "[1,2]"),
	SAY_ERROR("", 200, "{\"x\":7}"),
	SAY_ERROR("", 200, "{\"x\":{\"t\":\"\xff\"}}"),
	SAY_ERROR("", 400, "{\"x\":{\"errorcode\":\"many\"}}"),
	DO("", TALK_CLOSE),
	DO("", TALK_CUT),
	DO("", TALK_HUGE),
};

static void reads_go_on(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(no_answers); i++) {
		struct talk talk[] = { no_answers[i], no_answers[i], SAY(CAPS, CAPABLE), SILENCE };
		_cleanup_(answer_done) struct answer a = {};
		struct env e;

		talk[0].command = talk[1].command = CAPS;
		env_open(&e, talk);
		mk_cs_read(e.cs, CAPS, NULL, NULL, on_answer, &a);
		env_until(&e, &e.n_changes, 1);
		CU_ASSERT(!mk_cs_reachable(e.cs));
		CU_ASSERT_PTR_NOT_NULL(strstr(mk_cs_status(e.cs), "CloudStack"));
		env_until(&e, &a.n, 1);
		CU_ASSERT_EQUAL(a.outcome, MK_CS_OK);
		CU_ASSERT(mk_cs_reachable(e.cs));
		env_close(&e);
	}
}

static void writes_are_unknown(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(no_answers); i++) {
		struct talk talk[] = { no_answers[i], SAY(CAPS, CAPABLE), SILENCE };
		_cleanup_(answer_done) struct answer a = {};
		struct env e;

		talk[0].command = ATTACH;
		env_open(&e, talk);
		mk_cs_write(e.cs, ATTACH, NULL, false, on_answer, &a);
		env_until(&e, &a.n, 1);
		CU_ASSERT_EQUAL(a.outcome, MK_CS_UNKNOWN);
		CU_ASSERT_PTR_NOT_NULL(strstr(a.text, "CloudStack"));
		CU_ASSERT_PTR_NOT_NULL(strstr(a.text, ATTACH));
		tap_note("%s", a.text);
		CU_ASSERT(!mk_cs_reachable(e.cs));
		env_until(&e, &e.n, 2); /* the probe, and not the write again */
		env_close(&e);
	}
}

/* The HTTP status says nothing: an error in the body is an error. */
static void errors(void)
{
	static const struct {
		struct talk talk;
		enum mk_cs_outcome outcome;
		int code, cs_code;
		const char *text;
		bool read, write;
	} rows[] = {
		{ SAY_ERROR(CAPS, 431, ERROR(431, "wrong id")), MK_CS_REFUSED, 431, 9999,
		  "wrong id", true, true },
		{ SAY_ERROR(CAPS, 200, ERROR(431, "wrong id")), MK_CS_REFUSED, 431, 9999,
		  "wrong id", true, true },
		{ SAY_ERROR(CAPS, 502, ERROR(531, "not yours")), MK_CS_REFUSED, 531, 9999,
		  "not yours", true, true },
		{ SAY_ERROR(CAPS, 535, ERROR(535, "limit")), MK_CS_REFUSED, 535, 9999, "limit",
		  true, true },
		{ SAY_ERROR(CAPS, 530, ERROR(530, "storage")), MK_CS_REFUSED, 530, 9999, "storage",
		  false, true },
		{ SAY_ERROR(CAPS, 533, ERROR(533, "full")), MK_CS_REFUSED, 533, 9999, "full", false,
		  true },
		{ SAY_ERROR(CAPS, 530,
			    "{\"listcapabilitiesresponse\":{\"uuidList\":[],\"errorcode\":530}}"),
		  MK_CS_REFUSED, 530, 0, "no text", false, true },
		{ SAY_ERROR(CAPS, 401, NO_COMMAND(401)), MK_CS_NO_COMMAND, 401, 0, "no", true,
		  true },
		{ SAY_ERROR(CAPS, 432, NO_COMMAND(432)), MK_CS_NO_COMMAND, 432, 0, "no", true,
		  true },
		{ SAY_ERROR(CAPS, 432, ERROR(432, "not for you")), MK_CS_NO_COMMAND, 432, 9999,
		  "not for you", true, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows) * 2; i++) {
		const struct talk talk[] = { rows[i / 2].talk, SILENCE };
		_cleanup_(answer_done) struct answer a = {};
		struct env e;

		if (!(i % 2 ? rows[i / 2].write : rows[i / 2].read))
			continue;
		env_open(&e, talk);
		if (i % 2)
			mk_cs_write(e.cs, CAPS, NULL, false, on_answer, &a);
		else
			mk_cs_read(e.cs, CAPS, NULL, NULL, on_answer, &a);
		env_until(&e, &a.n, 1);
		CU_ASSERT_EQUAL(a.outcome, rows[i / 2].outcome);
		CU_ASSERT_EQUAL(a.code, rows[i / 2].code);
		CU_ASSERT_EQUAL(a.cs_code, rows[i / 2].cs_code);
		CU_ASSERT_PTR_NOT_NULL(strstr(a.text, rows[i / 2].text));
		CU_ASSERT_PTR_NULL(a.body);
		CU_ASSERT(mk_cs_reachable(e.cs)); /* it did answer */
		CU_ASSERT_EQUAL(e.n, 1);
		env_close(&e);
	}
}

static void writes_that_say_nothing(void)
{
	static const struct {
		const char *body;
		bool sync;
	} rows[] = {
		{ "{\"attachvolumeresponse\":{}}", false },
		{ "{\"attachvolumeresponse\":{\"jobid\":\"\"}}", false },
		{ "{\"attachvolumeresponse\":{\"jobid\":[1]}}", false },
		{ "{\"attachvolumeresponse\":{\"jobid\":null}}", false },
		{ "{\"attachvolumeresponse\":{\"success\":false,\"displaytext\":\"busy\"}}", true },
		{ "{\"attachvolumeresponse\":{\"success\":{}}}", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct talk talk[] = { SAY(ATTACH, rows[i].body), SILENCE };
		_cleanup_(answer_done) struct answer a = {};
		struct env e;

		env_open(&e, talk);
		mk_cs_write(e.cs, ATTACH, NULL, rows[i].sync, on_answer, &a);
		env_until(&e, &a.n, 1);
		CU_ASSERT_EQUAL(a.outcome, MK_CS_UNKNOWN);
		CU_ASSERT(starts_with(a.text, "CloudStack's answer to attachVolume"));
		CU_ASSERT(mk_cs_reachable(e.cs)); /* it did answer */
		env_close(&e);
	}
}

static void job_id_as_number(void)
{
	static const struct talk talk[] = {
		SAY(ATTACH, "{\"attachvolumeresponse\":{\"jobid\":1234}}"), SILENCE
	};
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_open(&e, talk);
	mk_cs_write(e.cs, ATTACH, NULL, false, on_answer, &a);
	env_until(&e, &a.n, 1);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_OK);
	env_close(&e);
}

/* A database that is away looks like wrong keys: a few slow tries, then the verdict. */
static void credentials(void)
{
	static const struct talk bad = SAY_ERROR(CAPS, 401, ERROR(401, "unable to verify"));
	const struct talk talk[] = {
		bad, bad, SAY(CAPS, CAPABLE), bad, bad, bad, bad, SAY(CAPS, CAPABLE), bad, SILENCE,
	};
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_open(&e, talk);
	mk_cs_read(e.cs, CAPS, NULL, NULL, on_answer, &a);
	env_until(&e, &a.n, 1);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_OK);
	CU_ASSERT(mk_cs_reachable(e.cs));

	mk_cs_read(e.cs, CAPS, NULL, NULL, on_answer, &a);
	env_until(&e, &a.n, 2);
	CU_ASSERT_EQUAL(e.n, 7);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_REFUSED);
	CU_ASSERT_EQUAL(a.code, 401);
	CU_ASSERT(!mk_cs_reachable(e.cs));
	CU_ASSERT_PTR_NOT_NULL(strstr(mk_cs_status(e.cs), "refuses our credentials"));
	CU_ASSERT(e.times[6] - e.times[3] >= (4 + 8 + 16) * e.config.retry_min / 2);

	/* the keys may become right at the other end: the probe sees it */
	env_until(&e, &e.n, 8);
	while (!mk_cs_reachable(e.cs))
		sd_event_run(e.event, 100 * USEC_PER_MSEC);
	CU_ASSERT(e.times[7] - e.times[6] >= e.config.retry_max);

	/* a command is not tried again without another look */
	mk_cs_write(e.cs, CAPS, NULL, true, on_answer, &a);
	env_until(&e, &a.n, 3);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_NOT_RUN);
	CU_ASSERT_EQUAL(a.code, 401);
	CU_ASSERT(mk_cs_reachable(e.cs));
	CU_ASSERT_EQUAL(e.n, 9);
	env_close(&e);
}

/* 429 stops the whole queue for the time it names. */
static void rate_limit(void)
{
	static const struct talk talk[] = {
		SAY_ERROR(ATTACH, 429,
			  ERROR_OF("attachvolume", 429, "limit, please retry after [120] ms.")),
		SAY(CAPS, CAPABLE),
		SAY_ERROR(CAPS, 429, ERROR(429, "please retry after [0] ms.")),
		SAY_ERROR(CAPS, 429, ERROR(429, "no time named")),
		SAY_ERROR(CAPS, 429, ERROR(429, "please retry after [99999999999999999999999] ms")),
		SAY(CAPS, CAPABLE),
		SILENCE,
	};
	_cleanup_(answer_done) struct answer a = {}, b = {};
	struct env e;

	env_config(&e, talk);
	e.config.max_requests = 1;
	env_start(&e);
	mk_cs_write(e.cs, ATTACH, NULL, false, on_answer, &a);
	mk_cs_read(e.cs, CAPS, NULL, NULL, on_answer, &b);
	env_until(&e, &b.n, 1);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_NOT_RUN);
	CU_ASSERT_EQUAL(a.code, 429);
	CU_ASSERT_EQUAL(b.outcome, MK_CS_OK);
	CU_ASSERT(e.times[1] - e.times[0] >= 119 * USEC_PER_MSEC);
	CU_ASSERT(mk_cs_reachable(e.cs));

	mk_cs_read(e.cs, CAPS, NULL, NULL, on_answer, &b);
	env_until(&e, &b.n, 2);
	CU_ASSERT_EQUAL(b.outcome, MK_CS_OK);
	CU_ASSERT(e.times[5] - e.times[4] >= 199 * USEC_PER_MSEC); /* retry_max bounds it */
	env_close(&e);
}

static void maintenance(void)
{
	static const struct talk busy = SAY_ERROR(CAPS, 503, ERROR(503, "Maintenance"));
	const struct talk talk[] = {
		SAY_ERROR(ATTACH, 503, ERROR_OF("attachvolume", 503, "Maintenance")),
		busy,
		busy,
		SAY(CAPS, CAPABLE),
		SILENCE,
	};
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_open(&e, talk);
	mk_cs_write(e.cs, ATTACH, NULL, false, on_answer, &a);
	env_until(&e, &a.n, 1);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_NOT_RUN);
	CU_ASSERT_EQUAL(a.code, 503);
	CU_ASSERT_STRING_EQUAL(a.text, "Maintenance");
	CU_ASSERT(mk_cs_reachable(e.cs));

	mk_cs_read(e.cs, CAPS, NULL, NULL, on_answer, &a);
	env_until(&e, &a.n, 2);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_OK);
	env_close(&e);
}

static void internal_errors(void)
{
	static const struct talk bad = SAY_ERROR(CAPS, 530, ERROR(530, "Internal"));
	const struct talk talk[] = {
		bad, bad, bad, bad, bad, bad, bad, SAY(CAPS, CAPABLE), SILENCE
	};
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_open(&e, talk);
	mk_cs_read(e.cs, CAPS, NULL, NULL, on_answer, &a);
	env_until(&e, &a.n, 1);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_REFUSED);
	CU_ASSERT_EQUAL(a.code, 530);
	CU_ASSERT_EQUAL(e.n, 6);
	mk_cs_read(e.cs, CAPS, NULL, NULL, on_answer, &a);
	env_until(&e, &a.n, 2);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_OK);
	env_close(&e);
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* Rows first … first + n - 1; their ids count up. */
static char *page(unsigned first, unsigned n)
{
	_cleanup_json_ json_object *root = json_object_new_object();
	json_object *list = json_object_new_object(), *rows = json_object_new_array();

	for (unsigned i = first; i < first + n; i++) {
		_cleanup_free_ char *id = mk_strdup_printf("id-%u", i);
		json_object *row = json_object_new_object();

		mk_json_set_str(row, "id", id);
		json_object_array_add(rows, row);
	}

	mk_json_set_int(list, "count", 7);
	json_object_object_add(list, "volume", rows);
	json_object_object_add(root, "listvolumesresponse", list);
	return strdup(json_object_to_json_string(root));
}

static size_t read_list(const struct talk *talk, unsigned n_requests)
{
	_cleanup_(answer_done) struct answer a = {};
	size_t n;
	struct env e;

	env_open(&e, talk);
	mk_cs_read(e.cs, "listVolumes", NULL, "volume", on_answer, &a);
	env_until(&e, &a.n, 1);
	CU_ASSERT_EQUAL(a.outcome, MK_CS_OK);
	CU_ASSERT_EQUAL(e.n, n_requests);
	CU_ASSERT_FATAL(json_object_is_type(a.body, json_type_array));
	n = json_object_array_length(a.body);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *id = mk_strdup_printf("id-%zu", i);
		json_object *row = json_object_array_get_idx(a.body, i);

		CU_ASSERT_STRING_EQUAL(mk_json_str(row, "id", ""), id);
	}

	env_close(&e);
	return n;
}

static void pages(void)
{
	_cleanup_free_ char *p1 = page(0, PAGE), *p2 = page(PAGE - 3, PAGE), *p3 = page(994, 9);
	const struct talk overlap[] = {
		SAY("listVolumes", p1), DO("listVolumes", TALK_CLOSE), /* a page is repeated, the list goes on */
		SAY("listVolumes", p2), SAY("listVolumes", p3),        SILENCE,
	};
	const struct talk empty_page[] = {
		SAY("listVolumes", p1),
		SAY("listVolumes", "{\"listvolumesresponse\":{\"count\":500}}"),
		SILENCE,
	};
	const struct talk ignores_page[] = { SAY("listVolumes", p1), SAY("listVolumes", p1),
					     SILENCE };
	static const struct talk nothing[] = { SAY("listVolumes", "{\"listvolumesresponse\":{}}"),
					       SILENCE };

	CU_ASSERT_EQUAL(read_list(overlap, 4), 1003);
	CU_ASSERT_EQUAL(read_list(empty_page, 2), PAGE);
	CU_ASSERT_EQUAL(read_list(ignores_page, 2), PAGE);
	CU_ASSERT_EQUAL(read_list(nothing, 1), 0);
}

static void bad_rows(void)
{
	_cleanup_free_ char *good = page(0, 2);
	const struct talk talk[] = {
		SAY("listVolumes", "{\"listvolumesresponse\":{\"volume\":[{\"id\":\"id-9\"},{"
				   "\"name\":\"no id\"}]}}"),
		SAY("listVolumes", "{\"listvolumesresponse\":{\"volume\":[{\"id\":\"\"}]}}"),
		SAY("listVolumes", "{\"listvolumesresponse\":{\"volume\":[7]}}"),
		SAY("listVolumes", "{\"listvolumesresponse\":{\"volume\":{\"id\":\"x\"}}}"),
		SAY("listVolumes", good),
		SILENCE,
	};

	CU_ASSERT_EQUAL(read_list(talk, 5), 2); /* nothing of the bad page was kept */
}

/* default.page.size can be below 500. */
static void smaller_pages(void)
{
	_cleanup_free_ char *p1 = page(0, 100), *p2 = page(100, 1);
	const struct talk talk[] = {
		SAY_ERROR("listVolumes", 431,
			  ERROR_OF("listvolumes", 431,
				   "Page size can't exceed max allowed page size value: 100")),
		SAY("listVolumes", p1),
		SAY("listVolumes", p2),
		SILENCE,
	};

	CU_ASSERT_EQUAL(read_list(talk, 3), 101);
}

static void page_numbers(void)
{
	_cleanup_free_ char *p1 = page(0, PAGE);
	const struct talk talk[] = {
		SAY("listVolumes", p1),
		SAY("listVolumes", "{\"listvolumesresponse\":{}}"),
		SAY("listTags",
		    "{\"listtagsresponse\":{\"tag\":[{\"key\":\"a\",\"resourceid\":\"1\"},"
		    "{\"key\":\"b\",\"resourceid\":\"1\"}]}}"),
		SILENCE,
	};
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_open(&e, talk);
	mk_cs_read(e.cs, "listVolumes", NULL, "volume", on_answer, &a);
	env_until(&e, &a.n, 1);
	CU_ASSERT_STRING_EQUAL(env_param(&e, 0, "page"), "1");
	CU_ASSERT_STRING_EQUAL(env_param(&e, 0, "pagesize"), "500");
	CU_ASSERT_STRING_EQUAL(env_param(&e, 1, "page"), "2");
	mk_cs_read(e.cs, "listTags", NULL, "tag", on_answer, &a); /* tags have no id */
	env_until(&e, &a.n, 2);
	CU_ASSERT_EQUAL(json_object_array_length(a.body), 2);
	env_close(&e);
}

/* ---- secrets --------------------------------------------------------------------------------- */

static void check_silent(const char *text)
{
	CU_ASSERT_PTR_NULL(strstr(text, SECRET));
	CU_ASSERT_PTR_NULL(strstr(text, FAKE_API_KEY));
}

/* A server or proxy that sends our keys back in whatever it says. */
static void canary(void)
{
#define ECHO "keys " FAKE_API_KEY " " SECRET " " SECRET
	static const struct talk talk[] = {
		SAY_ERROR(CAPS, 431, ERROR(431, ECHO)),
		SAY_ERROR(ATTACH, 200, "<html>" ECHO "</html>"),
		SAY_ERROR(CAPS, 401, ERROR(401, ECHO)),
		SAY_ERROR(CAPS, 401, ERROR(401, ECHO)),
		SAY_ERROR(CAPS, 401, ERROR(401, ECHO)),
		SAY_ERROR(CAPS, 401, ERROR(401, ECHO)),
		SAY("queryAsyncJobResult", "{\"queryasyncjobresultresponse\":{\"jobstatus\":2,"
					   "\"jobresult\":{\"errorcode\":430,"
					   "\"errortext\":\"" ECHO "\"}}}"),
		SILENCE,
	};
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	env_open(&e, talk);
	mk_cs_read(e.cs, CAPS, NULL, NULL, on_answer, &a);
	env_until(&e, &a.n, 1);
	CU_ASSERT(starts_with(a.text, "keys *"));
	check_silent(a.text);
	mk_cs_write(e.cs, ATTACH, NULL, false, on_answer, &a);
	env_until(&e, &a.n, 2);
	check_silent(a.text);
	check_silent(mk_cs_status(e.cs));
	mk_cs_read(e.cs, CAPS, NULL, NULL, on_answer, &a);
	env_until(&e, &a.n, 3);
	check_silent(a.text);
	check_silent(mk_cs_status(e.cs));
	mk_cs_watch_job(e.cs, JOB_A, on_job, &a);
	env_until(&e, &a.n, 4);
	check_silent(a.text);
	CU_ASSERT_EQUAL(a.code, 430);
	env_close(&e);
}

/* ---- wiping ---------------------------------------------------------------------------------- */

#if !defined(__SANITIZE_ADDRESS__)
static unsigned count_in(const char *start, const char *end, const char *text, size_t size)
{
	unsigned n = 0;

	for (const char *p = start; (p = memmem(p, (size_t)(end - p), text, size)); p++)
		n++;
	return n;
}

/* How often a text is in the heap, found without making a copy there. */
static unsigned count_in_heap(const char *text, size_t size)
{
	static char buffer[65536]; /* not on the heap */
	_cleanup_fclose_ FILE *f = fopen("/proc/self/maps", "re");
	unsigned n = 0;
	char line[512];

	if (f)
		setvbuf(f, buffer, _IOFBF, sizeof(buffer));
	while (f && fgets(line, sizeof(line), f)) {
		char *rest;
		uintptr_t start = strtoul(line, &rest, 16), end = strtoul(rest + 1, NULL, 16);

		if (strstr(line, "[heap]"))
			n += count_in((const char *)start, (const char *)end, text, size);
	}

	return n;
}
#endif

/* The copy of the secret, and the signed bodies: gone from memory once they are not needed. */
static void wiped(void)
{
#if defined(__SANITIZE_ADDRESS__)
	tap_skip("with AddressSanitizer the heap is elsewhere");
#else
	static const struct talk talk[] = { SAY(CAPS, CAPABLE), SILENCE };
	static char secret[] = "canary-c4f1-not-a-literal-copy-0";
	const char *tail = secret + 16; /* free() itself writes over what is before */
	static char mark[32] = "zone%20mark%20";
	_cleanup_json_ json_object *params = json_object_new_object();
	_cleanup_(answer_done) struct answer a = {};
	struct env e;

	strncat(mark, "11223344",
		sizeof(mark) - strlen(mark) -
			1); /* "zone mark" is in our params; only a body has it encoded */
	mk_json_set_str(params, "keyword", "zone mark 11223344");
	secret[sizeof(secret) - 2] = '7';
	env_config(&e, talk);
	e.config.secret_key = secret;
	fake_http_free(e.http); /* its copies must not be there: nobody listens */
	e.http = NULL;
	e.talk = NULL;
	env_start(&e);
	if (count_in_heap(tail, strlen(tail)) == 0) { /* valgrind */
		tap_skip("the heap is not where the kernel says");
		env_close(&e);
		return;
	}

	mk_cs_read(e.cs, CAPS, params, NULL, on_answer, &a);
	CU_ASSERT(count_in_heap(mark, strlen(mark)) >= 1);
	env_until(&e, &e.n_changes, 1);
	mk_cs_free(take_ptr(e.cs));
	CU_ASSERT_EQUAL(count_in_heap(tail, strlen(tail)), 0);
	CU_ASSERT_EQUAL(count_in_heap(mark, strlen(mark)), 0);
	env_close(&e);
#endif
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "reads go on", reads_go_on },
		{ "L15 writes end unknown", writes_are_unknown },
		{ "errors", errors },
		{ "writes whose answer says nothing", writes_that_say_nothing },
		{ "L36 job id as a number", job_id_as_number },
		{ "credentials", credentials },
		{ "rate limit", rate_limit },
		{ "maintenance", maintenance },
		{ "internal errors", internal_errors },
		{ "pages", pages },
		{ "bad rows", bad_rows },
		{ "smaller pages", smaller_pages },
		{ "page numbers and tags", page_numbers },
		{ "L41 no key in a text", canary },
		{ "L41 keys and bodies are wiped", wiped },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "cloudstack-answers", NULL, NULL, tests);
}
