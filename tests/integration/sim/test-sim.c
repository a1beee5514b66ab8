/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves the API of the simulator, started as a process: whose requests are accepted, in which form, and what a
 * refusal looks like.
 */

#include "cloudstack/wire.h"
#include "sim-client.h"
#include "model/sim.h"
#include "tap.h"

#include <inttypes.h>
#include <time.h>

#define UNAUTHORIZED "unable to verify user credentials and/or request signature"
#define NO_UUID      "deadbeef-0000-4000-8000-000000000000"

static struct sc sim;

static void begin(void)
{
	static const char *const args[] = { "--set", "job-ms=5", NULL };

	sc_start(&sim, args);
}

static void check_error(long status, const char *root, int64_t cs_code, const char *text)
{
	json_object *o;
	const char *key;

	if (sim.status != status || !streq(sc_error(&sim), text))
		tap_note("got %ld '%s', expected %ld '%s'", sim.status, str_or_empty(sim.body),
			 status, text);
	CU_ASSERT_EQUAL(sim.status, status);
	CU_ASSERT_STRING_EQUAL(sc_error(&sim), text);
	o = sc_root(&sim, &key);
	CU_ASSERT_STRING_EQUAL(key, root);
	CU_ASSERT_EQUAL(mk_json_int(o, "errorcode", 0), status);
	CU_ASSERT_EQUAL(mk_json_int(o, "cserrorcode", 0), cs_code);
	CU_ASSERT(json_object_is_type(mk_json_get(o, "uuidList"), json_type_array));
	CU_ASSERT_STRING_EQUAL(str_or_empty(sc_header(&sim, "X-Description")),
			       status == 400 || status == 401 ? "" : text);
	CU_ASSERT_STRING_EQUAL(str_or_empty(sc_header(&sim, "Content-Type")),
			       "application/json;charset=utf-8");
}

static void check_unauthorized(const char *root)
{
	check_error(401, root, 0, UNAUTHORIZED);
}

/* --- signatures --- */

/* The vectors V1 to V8, computed with Python's hmac and Java's URLEncoder. */
static const struct vector {
	const char *form; /* as a client could send it */
	const char *signature;
} vectors[] = {
	{ "command=listZones", "vRiyB2zDCObwyL82W08WkY/M0rg=" },
	{ "command=createVolume&name=Web+01%20disk%2Bdata+A&size=20"
	  "&diskofferingid=1F5D3A40-9B0E-4C7E-8C1B-0A2D4E6F8091"
	  "&zoneid=7dbc4787-ec2f-498d-95f0-848c8c81e5da",
	  "GhuSuYAIUfJZRy0SCm+W5+Jxz2k=" },
	{ "command=listVolumes&name=a*b~c-d_e.f!g'h(i)j,k;l:m@n/o?p%23q%25r%3ds%26t%22u%5cv",
	  "EOXuJyhJGdp81ipRHOm+z2ui2W0=" },
	{ "command=updateVolume&id=0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b42"
	  "&name=Z%C3%9CRICH%20%C3%89t%C3%A9%20%E7%A3%81%E7%9B%98%20%F0%9F%98%80",
	  "PIFWaoJ5sTVMACGmNx33p+Y1yWA=" },
	{ "command=createTags&resourceids=0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b42,"
	  "11112222-3333-4444-5555-666677778888&resourcetype=Volume"
	  "&tags%5B0%5D.key=migratekit:Owner&tags%5B0%5D.value=%5Bjob%207%5D"
	  "&tags%5B1%5D.key=empty-ish&tags%5B1%5D.value=+",
	  "MEfGmG9hcFoyEnI+ZaDkOcOcxAE=" },
	{ "command=attachVolume&signatureversion=3&expires=2026-01-15T10:20:30%2B0000"
	  "&id=0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b42"
	  "&virtualmachineid=5d3ab9f1-6c2e-4a0b-8d47-90e1f2a3b4c5"
	  "&customjobid=3f2504e0-4f89-41d3-9a0c-0305e82c3301",
	  "WI1aNNbI1H7wIZh++8FVtyAotnA=" },
	{ "command=listVolumes&keyword=&listall=true", "N8t1edBAVLbwz4pGg4oPheKRtSY=" },
	{ "command=updateVolume&signatureVersion=3&expires=2026-01-15T10:20:30Z&customId=x"
	  "&customid2=y&cZ=z",
	  "bPbSDp/4S41RCp3Eb5K+5c9t1yI=" },
};

static long send_vector(const struct vector *v, const char *signature, const char *method)
{
	_cleanup_free_ char *encoded = curl_easy_escape(NULL, signature, 0);
	/* V8 has this name in mixed case */
	const char *key = strstr(v->form, "customId") ? "apiKey" : "apikey";
	_cleanup_free_ char *form = mk_strdup_printf("%s&response=json&%s=%s&signature=%s", v->form,
						     key, SC_API_KEY, encoded);
	_cleanup_free_ char *path = mk_strdup_printf("/client/api?%s", form);

	if (streq(method, "POST"))
		return sc_request(&sim, method, "/client/api", form, NULL);
	return sc_request(&sim, method, path, NULL, NULL);
}

/* V6 and V8 are good until 2026-01-15T10:20:30Z. */
static void set_clock_before(int64_t seconds)
{
	const int64_t expires = 1768472430;
	_cleanup_free_ char *set = mk_strdup_printf("{\"clock-offset\":%" PRId64 "}",
						    expires - seconds - (int64_t)time(NULL));

	sc_admin(&sim, "set", set);
}

static void test_vectors(void)
{
	static const char *const methods[] = { "GET", "POST" };

	begin();
	set_clock_before(300);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_free_ char *wrong = strdup(vectors[i].signature);

		wrong[3] = wrong[3] == 'A' ? 'B' : 'A';
		for (size_t m = 0; m < ARRAY_SIZE(methods); m++) {
			(void)send_vector(&vectors[i], vectors[i].signature, methods[m]);
			if (sim.status == 401)
				tap_note("V%zu by %s is refused", i + 1, methods[m]);
			CU_ASSERT_NOT_EQUAL(sim.status, 401);
			CU_ASSERT_NOT_EQUAL(sim.status, 0);
			CU_ASSERT_EQUAL(send_vector(&vectors[i], wrong, methods[m]), 401);
		}
	}

	/* V8 signed over sorted lower-case names */
	CU_ASSERT_EQUAL(send_vector(&vectors[7], "Aic1FqHXMahXjJGPkkUBL/LAhKs=", "GET"), 401);
	sc_stop(&sim);
}

static void test_expires(void)
{
	static const struct {
		const char *expires;
		bool good;
	} cases[] = {
		{ "2026-01-15T10:20:30Z", true },
		{ "2026-01-15T10:20:30+00:00", true },
		{ "2026-01-15T10:20:30+0000", true },
		{ "2026-01-15T10:20:30.123Z", true },
		{ "2026-01-15T12:20:30+02:00", true },
		{ "2026-01-15T12:20:30+0200", true },
		{ "2026-01-15T08:20:30-0200", true },
		{ "2026-01-15T12:20:30+0300", false },
		{ "2026-01-15T10:10:00Z", false },
		{ "2026-01-15T10:20:30", false },
		{ "2026-01-15T10:20:30+00:00:00", true },
		{ "2026-01-15T10:20Z", true },
		{ "2026-01-15T12:20:30+02", true },
		{ "2026-02-30T10:20:30Z", false },
		{ "2026-01-15", false },
		{ "soon", false },
		{ "", false },
	};

	begin();
	set_clock_before(300);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		sc_call(&sim, "GET", "listZones", "signatureversion", "3", "expires",
			cases[i].expires);
		if (sim.status != (cases[i].good ? 200 : 401))
			tap_note("expires=%s: %ld", cases[i].expires, sim.status);
		CU_ASSERT_EQUAL(sim.status, cases[i].good ? 200 : 401);
	}

	sc_call(&sim, "GET", "listZones", "signatureversion", "3");
	check_unauthorized("listzonesresponse");
	/* a clock that is ahead of ours */
	set_clock_before(-5);
	sc_call(&sim, "GET", "listZones", "signatureversion", "3", "expires",
		"2026-01-15T10:20:30Z");
	check_unauthorized("listzonesresponse");
	sc_stop(&sim);
}

static void test_unauthorized(void)
{
	json_object *o = json_object_new_object();

	begin();
	mk_json_set_str(o, "command", "listVolumes");
	sc_call_json(&sim, "POST", "another secret", o);
	check_unauthorized("listvolumesresponse");

	sc_request(&sim, "GET", "/client/api?command=listVolumes&response=json", NULL, NULL);
	check_unauthorized("listvolumesresponse");
	sc_request(&sim, "GET", "/client/api?command=listVolumes&response=json&apikey=" SC_API_KEY,
		   NULL, NULL);
	check_unauthorized("listvolumesresponse");
	sc_request(&sim, "GET",
		   "/client/api?command=listVolumes&response=json&apikey=x&signature=y", NULL,
		   NULL);
	check_unauthorized("listvolumesresponse");

	sc_call(&sim, "POST", "listVolumez");
	check_unauthorized("errorresponse");
	sc_call(&sim, "POST", "listvolumes");
	check_unauthorized("errorresponse");
	sc_call_json(&sim, "POST", SC_SECRET, json_object_new_object());
	check_unauthorized("null");

	sc_admin(&sim, "set", "{\"unknown\":\"destroyVolume,listZones\"}");
	sc_call(&sim, "POST", "listZones");
	check_unauthorized("errorresponse");
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listVolumes"), 200);
	sc_stop(&sim);
}

/* --- parameters --- */

/* The signed form of listVolumes with this name. */
static char *signed_list(const char *name)
{
	_cleanup_json_ json_object *o = json_object_new_object();

	mk_json_set_str(o, "apikey", SC_API_KEY);
	mk_json_set_str(o, "response", "json");
	mk_json_set_str(o, "command", "listVolumes");
	mk_json_set_str(o, "name", name);
	return mk_cs_signed_body(o, SC_SECRET);
}

/* before + form + after, in the query or in the body. */
static long send_form(const char *method, const char *before, const char *form, const char *after)
{
	_cleanup_free_ char *text = mk_strdup_printf("%s%s%s", before, form, after);
	_cleanup_free_ char *path = mk_strdup_printf("/client/api?%s", text);

	if (streq(method, "POST"))
		return sc_request(&sim, method, "/client/api", text, NULL);
	return sc_request(&sim, method, path, NULL, NULL);
}

/* Of two with one name a GET keeps the last, a POST the first. */
static void test_duplicates(void)
{
	_cleanup_free_ char *form = signed_list("one"), *path = NULL;

	begin();
	CU_ASSERT_EQUAL(send_form("POST", "", form, "&name=two"), 200);
	CU_ASSERT_EQUAL(send_form("POST", "name=two&", form, ""), 401);
	CU_ASSERT_EQUAL(send_form("GET", "name=two&", form, ""), 200);
	CU_ASSERT_EQUAL(send_form("GET", "", form, "&name=two"), 401);

	/* a POST's query comes before its body; a GET has no body */
	CU_ASSERT_EQUAL(sc_request(&sim, "POST", "/client/api?name=two", form, NULL), 401);
	CU_ASSERT_EQUAL(sc_request(&sim, "POST", "/client/api?name=one", form, NULL), 200);
	path = mk_strdup_printf("/client/api?%s", form);
	CU_ASSERT_EQUAL(sc_request(&sim, "POST", path, "name=two", NULL), 200);
	CU_ASSERT_EQUAL(sc_request(&sim, "GET", path, "name=two", NULL), 200);
	sc_stop(&sim);
}

static void test_names(void)
{
	json_object *o = json_object_new_object();

	begin();
	sc_call(&sim, "GET", "listVolumes", "virtualMachineID", SIM_TEST_VM);
	CU_ASSERT_EQUAL(sc_int(&sim, "count"), 1);

	mk_json_set_str(o, "Command", "listVolumes");
	sc_call_json(&sim, "GET", SC_SECRET, o);
	check_unauthorized("null");

	/* "Response" is not "response": XML */
	o = json_object_new_object();
	mk_json_set_str(o, "command", "listVolumes");
	mk_json_set_str(o, "apiKey", SC_API_KEY);
	mk_json_set_str(o, "Response", "json");
	{
		_cleanup_free_ char *form = mk_cs_signed_body(o, SC_SECRET);

		CU_ASSERT_EQUAL(send_form("POST", "", form, ""), 200);
		CU_ASSERT_STRING_EQUAL(str_or_empty(sc_header(&sim, "Content-Type")),
				       "text/xml;charset=utf-8");
		CU_ASSERT(starts_with(str_or_empty(sim.body), "<?xml version=\"1.0\""));
		CU_ASSERT_PTR_NOT_NULL(strstr(str_or_empty(sim.body), "<id>" SIM_TEST_ROOT "<"));
	}
	json_object_put(o);
	sc_stop(&sim);
}

static void call_with_name(const char *name, size_t size)
{
	json_object *o = json_object_new_object();

	mk_json_set_str(o, "command", "listVolumes");
	json_object_object_add(o, "name", json_object_new_string_len(name, (int)size));
	sc_call_json(&sim, "POST", SC_SECRET, o);
}

static void repeat(char *out, const char *text, size_t n)
{
	for (; n > 0; n--)
		out = stpcpy(out, text);
}

static void test_texts(void)
{
	static const char control[] = "Received value containing illegal ASCII non-printable "
				      "characters for parameter name";
	static const char bad[] = "\t\v\f\x01\x1f\x7f\0";
	char name[1024];

	begin();
	for (size_t i = 0; i < sizeof(bad) - 1; i++) {
		char text[3] = { 'a', bad[i], 'b' };

		call_with_name(text, sizeof(text));
		check_error(431, "listvolumesresponse", 9999, control);
	}
	call_with_name("a\r\nb", 4);
	CU_ASSERT_EQUAL(sim.status, 200);

	/* 255 as Java counts */
	repeat(name, "\xc3\xa9", 255);
	call_with_name(name, strlen(name));
	CU_ASSERT_EQUAL(sim.status, 200);
	repeat(name, "\xc3\xa9", 256);
	call_with_name(name, strlen(name));
	check_error(431, "listvolumesresponse", 9999,
		    "Unable to execute API command listvolumes due to invalid value. Value greater "
		    "than max allowed length 255 for param: volumeName");
	repeat(name, "\xf0\x9f\x98\x80", 127);
	call_with_name(name, strlen(name));
	CU_ASSERT_EQUAL(sim.status, 200);
	repeat(name, "\xf0\x9f\x98\x80", 128);
	call_with_name(name, strlen(name));
	CU_ASSERT_EQUAL(sim.status, 431);
	sc_stop(&sim);
}

static void test_bad_query(void)
{
	static const char *const tails[] = {
		"&a=%", "&a=%4", "&a=%zz", "&a=%ff", "&a=%c3", "&%00="
	};
	_cleanup_free_ char *form = signed_list("one"), *many = NULL;
	size_t size;
	FILE *f = open_memstream(&many, &size);

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		CU_ASSERT_EQUAL(send_form("POST", "", form, tails[i]), 404);
		CU_ASSERT_EQUAL(send_form("GET", "", form, tails[i]), 404);
		CU_ASSERT(starts_with(str_or_empty(sc_header(&sim, "Content-Type")), "text/html"));
	}
	CU_ASSERT_EQUAL(send_form("GET", "&&", form, "&"), 200);
	CU_ASSERT_EQUAL(send_form("GET", "", form, "&flag"), 401); /* it counts as flag= */
	CU_ASSERT_EQUAL(send_form("GET", "", form, "#flag"), 200);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	for (unsigned i = 0; i < 5001; i++)
		fprintf(f, "&p%u=", i);
	(void)fclose(f);
	CU_ASSERT_EQUAL(send_form("POST", "", form, many), 404);
	sc_stop(&sim);
}

/* --- HTTP --- */

static void test_methods_and_paths(void)
{
	static const struct {
		const char *method, *path;
		int status;
	} cases[] = {
		{ "PUT", "/client/api", 405 },
		{ "DELETE", "/client/api", 405 },
		{ "PATCH", "/client/api", 501 },
		{ "OPTIONS", "/client/api", 200 },
		{ "TRACE", "/client/api", 403 },
		{ "GET", "/client/api", 401 },
		{ "GET", "/client/api/", 401 },
		{ "GET", "/client/api/what", 401 },
		{ "GET", "/", 301 },
		{ "GET", "/admin", 301 },
		{ "GET", "//client/api", 301 },
		{ "GET", "/client", 302 },
		{ "GET", "/client/", 200 },
		{ "GET", "/client/apis", 404 },
		{ "GET", "/client//api", 404 },
		{ "GET", "/client/API", 404 },
	};

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		long status = sc_request(&sim, cases[i].method, cases[i].path, NULL, NULL);

		CU_ASSERT_EQUAL(status, cases[i].status);
		if (status != cases[i].status)
			printf("# %s %s: %ld\n", cases[i].method, cases[i].path, status);
	}

	/* a URL without "/api" meets the UI's page; the way there takes the signature along */
	sc_request(&sim, "GET", "/client/", NULL, NULL);
	CU_ASSERT(starts_with(str_or_empty(sc_header(&sim, "Content-Type")), "text/html"));
	sc_request(&sim, "GET", "/client?a=b", NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(str_or_empty(sc_header(&sim, "Location")), "/client/?a=b"));
	sc_stop(&sim);
}

static void test_headers(void)
{
	begin();
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listZones"), 200);
	CU_ASSERT_STRING_EQUAL(str_or_empty(sc_header(&sim, "Content-Type")),
			       "application/json;charset=utf-8");
	CU_ASSERT_STRING_EQUAL(str_or_empty(sc_header(&sim, "X-Content-Type-Options")), "nosniff");
	CU_ASSERT_PTR_NULL(sc_header(&sim, "Date"));
	CU_ASSERT_PTR_NULL(sc_header(&sim, "Server"));
	CU_ASSERT_PTR_NULL(sc_header(&sim, "Set-Cookie"));
	CU_ASSERT_PTR_NULL(sc_header(&sim, "X-Description"));

	sc_call(&sim, "POST", "deleteVolume");
	check_error(431, "deletevolumeresponse", 9999,
		    "Unable to execute API command deletevolume due to missing parameter id");
	sc_stop(&sim);
}

static char *padded_form(size_t size)
{
	_cleanup_json_ json_object *o = json_object_new_object();
	_cleanup_free_ char *pad = malloc(size + 1);

	memset(pad, 'x', size);
	pad[size] = '\0';
	mk_json_set_str(o, "apikey", SC_API_KEY);
	mk_json_set_str(o, "response", "json");
	mk_json_set_str(o, "command", "listZones");
	mk_json_set_str(o, "pad", pad);
	return mk_cs_signed_body(o, SC_SECRET);
}

static void test_sizes(void)
{
	_cleanup_free_ char *small = padded_form(7800), *large = padded_form(8200);
	_cleanup_free_ char *body = padded_form(1048576 - 300), *huge = padded_form(1048577);
	_cleanup_free_ char *type = mk_strdup_printf("text/plain; a=%s", large);

	begin();
	CU_ASSERT_EQUAL(send_form("GET", "", small, ""), 200);
	CU_ASSERT_EQUAL(send_form("GET", "", large, ""), 414);
	CU_ASSERT_EQUAL(sc_request(&sim, "POST", "/client/api", small, type), 431);
	CU_ASSERT(starts_with(str_or_empty(sc_header(&sim, "Content-Type")), "text/html"));
	CU_ASSERT_EQUAL(send_form("POST", "", body, ""), 200);
	CU_ASSERT_EQUAL(send_form("POST", "", huge, ""), 404);

	/* only a form is read */
	sc_request(&sim, "POST", "/client/api", small, "application/json");
	CU_ASSERT_EQUAL(sim.status, 401);
	sc_request(&sim, "POST", "/client/api", small,
		   "application/x-www-form-urlencoded; charset=UTF-8");
	CU_ASSERT_EQUAL(sim.status, 200);
	sc_stop(&sim);
}

/* --- modes of the server --- */

static void test_enforce_post(void)
{
	begin();
	sc_admin(&sim, "set", "{\"enforce-post\":\"true\"}");
	set_clock_before(300);
	sc_call(&sim, "GET", "deleteVolume", "id", NO_UUID);
	check_error(400, "deletevolumeresponse", 9999,
		    "State changing command deleteVolume needs to be sent using POST request");
	sc_call(&sim, "POST", "deleteVolume", "id", NO_UUID, "signatureversion", "3", "expires",
		"2026-01-15T10:20:30Z");
	CU_ASSERT_EQUAL(sim.status, 431);
	sc_call(&sim, "GET", "listZones", "signatureversion", "3", "expires",
		"2026-01-15T10:20:30Z");
	CU_ASSERT_EQUAL(sim.status, 200);

	/* version 3 is a must, and at most 15 minutes ahead */
	sc_call(&sim, "GET", "listZones");
	check_unauthorized("listzonesresponse");
	set_clock_before(16 * 60);
	sc_call(&sim, "GET", "listZones", "signatureversion", "3", "expires",
		"2026-01-15T10:20:30Z");
	check_unauthorized("listzonesresponse");
	sc_stop(&sim);
}

static void test_maintenance(void)
{
	begin();
	sc_admin(&sim, "set", "{\"maintenance\":true}");
	sc_call(&sim, "POST", "attachVolume", "id", NO_UUID, "virtualmachineid", NO_UUID);
	check_error(503, "attachvolumeresponse", 9999,
		    "Maintenance or Shutdown has been initiated on this management server. Can not "
		    "accept new jobs");
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listVolumes"), 200);
	sc_stop(&sim);
}

static void test_role(void)
{
	begin();
	sc_admin(&sim, "set", "{\"denied\":\"destroyVolume,attachVolume\"}");
	sc_call(&sim, "POST", "attachVolume");
	CU_ASSERT(starts_with(sc_error(&sim),
			      "The API [attachVolume] does not exist or is not available for the "
			      "account for user id ["));
	check_error(432, "errorresponse", 9999, sc_error(&sim));
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "detachVolume", "id", SIM_TEST_ROOT), 200);
	sc_stop(&sim);
}

static unsigned long retry_after(void)
{
	static const char text[] = "The given user has reached his/her account api limit, please "
				   "retry after [";
	const char *error = sc_error(&sim);
	char *rest;
	unsigned long ms;

	CU_ASSERT_FATAL(starts_with(error, text));
	ms = strtoul(error + strlen(text), &rest, 10);
	CU_ASSERT_STRING_EQUAL(rest, "] ms.");
	return ms;
}

static void test_rate_limit(void)
{
	json_object *o = json_object_new_object();

	begin();
	sc_admin(&sim, "set", "{\"api-limit\":3,\"interval-ms\":100000}");
	for (int i = 0; i < 5; i++) /* root admins are exempt */
		CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listZones"), 200);

	sc_admin(&sim, "set", "{\"role\":\"user\"}");
	/* a wrong signature is counted as well, and comes after the limit */
	mk_json_set_str(o, "command", "listZones");
	CU_ASSERT_EQUAL(sc_call_json(&sim, "POST", "wrong", json_object_get(o)), 401);
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listZones"), 200);
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listZones"), 200);
	CU_ASSERT_EQUAL(sc_call(&sim, "POST", "listZones"), 429);
	CU_ASSERT(retry_after() > 50000 && retry_after() <= 100000);
	check_error(429, "listzonesresponse", 9999, sc_error(&sim));
	CU_ASSERT_EQUAL(sc_call_json(&sim, "POST", "wrong", o), 429);

	/* the window ends by itself; refused calls have not prolonged it */
	sc_stop(&sim);
	begin();
	sc_admin(&sim, "set", "{\"api-limit\":1,\"interval-ms\":50,\"role\":\"user\"}");
	while (sc_call(&sim, "POST", "listZones") != 429)
		CU_ASSERT_EQUAL_FATAL(sim.status, 200);
	while (sc_call(&sim, "POST", "listZones") == 429)
		CU_ASSERT(retry_after() <= 50);
	CU_ASSERT_EQUAL(sim.status, 200);
	sc_stop(&sim);
}

/* --- the command line --- */

static void test_command_line(void)
{
	static const char *const good[] = { "--help", NULL };
	static const char *const bad[][3] = {
		{ "--port", "70000", NULL },
		{ "--port=x", NULL, NULL },
		{ "--set", "job-ms", NULL },
		{ "--set=job-ms=soon", NULL, NULL },
		{ "--set=no-such-setting=1", NULL, NULL },
		{ "--set=hv-serial=none", NULL, NULL }, /* without a hypervisor */
		{ "--seed", "/nonexistent", NULL },
		{ "--seed", "/dev/null", NULL },
		{ "--secret-key-file", "/nonexistent", NULL },
		{ "--hypervisor", "xen", NULL },
		{ "--hypervisor", "qmp:not/absolute", NULL },
		{ "argument", NULL, NULL },
		{ "--nonsense", NULL, NULL },
	};

	CU_ASSERT_EQUAL(sc_run(good), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int status = sc_run(bad[i]);

		if (status != 1)
			tap_note("%s: exit %d", bad[i][0], status);
		CU_ASSERT_EQUAL(status, 1);
	}
}

static void test_port_and_keys(void)
{
	char path[] = "/tmp/sim-secret-XXXXXX", port[16];
	const char *const args[] = { "--secret-key-file", path, "--api-key", "other key", NULL };
	const char *const same_port[] = { "--port", port, NULL };
	json_object *o = json_object_new_object();
	_cleanup_close_ int fd = mkstemp(path);

	CU_ASSERT_EQUAL(dprintf(fd, "other secret\n"), 13);
	sc_start(&sim, args);
	CU_ASSERT_EQUAL(sc_call(&sim, "GET", "listZones"), 401);
	mk_json_set_str(o, "apikey", "other key");
	mk_json_set_str(o, "response", "json");
	mk_json_set_str(o, "command", "listZones");
	{
		_cleanup_free_ char *form = mk_cs_signed_body(o, "other secret");

		CU_ASSERT_EQUAL(send_form("POST", "", form, ""), 200);
	}
	json_object_put(o);
	(void)unlink(path);

	snprintf(port, sizeof(port), "%u", sim.port);
	CU_ASSERT_EQUAL(sc_run(same_port), 1);
	sc_stop(&sim);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "vectors", test_vectors },
		{ "expires", test_expires },
		{ "unauthorized", test_unauthorized },
		{ "duplicates", test_duplicates },
		{ "names", test_names },
		{ "texts", test_texts },
		{ "bad-query", test_bad_query },
		{ "methods-and-paths", test_methods_and_paths },
		{ "headers", test_headers },
		{ "sizes", test_sizes },
		{ "enforce-post", test_enforce_post },
		{ "maintenance", test_maintenance },
		{ "role", test_role },
		{ "rate-limit", test_rate_limit },
		{ "command-line", test_command_line },
		{ "port-and-keys", test_port_and_keys },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "sim", NULL, NULL, tests);
}
