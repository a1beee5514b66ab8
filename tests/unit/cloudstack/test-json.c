/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves which bodies of CloudStack's answers src/cloudstack/json.c accepts, what it reads from them, and which it
 * refuses. Nothing is sent.
 */

#include "cloudstack/wire.h"
#include "tap.h"

#define VOLUME "0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b42"
#define VM     "5d3ab9f1-6c2e-4a0b-8d47-90e1f2a3b4c5"
#define ZONE   "7dbc4787-ec2f-498d-95f0-848c8c81e5da"

static void good_body(void)
{
	static const char text[] = "{ \"listvolumesresponse\" : {\"count\":\"2\",\"x\":null} }\n";
	_cleanup_(mk_cs_body_done) struct mk_cs_body body = {};
	_cleanup_free_ char *why = NULL;
	int64_t n = 0;

	CU_ASSERT_EQUAL_FATAL(mk_cs_body_parse(text, sizeof(text) - 1, &body, &why), 0);
	CU_ASSERT_STRING_EQUAL(body.root, "listvolumesresponse");
	CU_ASSERT_EQUAL(body.code, 0);
	CU_ASSERT_PTR_NULL(body.text);
	CU_ASSERT_EQUAL(mk_cs_get_int(body.object, "count", &n), 0);
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_EQUAL(mk_cs_get_int(body.object, "x", &n), -ENOENT);
	CU_ASSERT_EQUAL(mk_cs_get_int(body.object, "y", &n), -ENOENT);
}

static void error_body(void)
{
	static const char text[] =
		"{\"deletevolumeresponse\":{\"uuidList\":[],\"errorcode\":\"431\","
		"\"cserrorcode\":4350,\"errortext\":\"bad\x01 volume\"}}";
	static const char no_text[] = "{\"errorresponse\":{\"uuidList\":[],\"errorcode\":530}}";
	_cleanup_(mk_cs_body_done) struct mk_cs_body a = {}, b = {};
	_cleanup_free_ char *why = NULL;

	CU_ASSERT_EQUAL_FATAL(mk_cs_body_parse(text, sizeof(text) - 1, &a, &why), 0);
	CU_ASSERT_EQUAL(a.code, 431);
	CU_ASSERT_EQUAL(a.cs_code, 4350);
	CU_ASSERT_STRING_EQUAL(a.text, "bad\uFFFD volume");

	CU_ASSERT_EQUAL_FATAL(mk_cs_body_parse(no_text, sizeof(no_text) - 1, &b, &why), 0);
	CU_ASSERT_EQUAL(b.code, 530);
	CU_ASSERT_STRING_EQUAL(b.root, "errorresponse");
	CU_ASSERT_PTR_NULL(b.text);
}

static void bad_bodies(void)
{
	static const struct {
		const char *text, *why;
		size_t size; /* 0: strlen */
	} rows[] = {
		{ "", "empty", 0 },
		{ " \r\n", "empty", 0 },
		{ "null", "no object", 0 },
		{ "<html><body>502 Bad Gateway</body></html>", "HTML", 0 },
		{ "\n <?xml version='1.0'?>", "HTML", 0 },
		{ "{\"listvolumesresponse\":{\"count\":1,\"vol", "cut off", 0 },
		{ "{\"listvolumesresponse\":", "cut off", 0 },
		{ "Service Unavailable", "not JSON", 0 },
		{ "[1]", "no object", 0 },
		{ "\"text\"", "no object", 0 },
		{ "{}", "one root key", 0 },
		{ "{\"a\":{},\"b\":{}}", "one root key", 0 },
		{ "{\"a\":[]}", "below the reply's root", 0 },
		{ "{\"a\":null}", "below the reply's root", 0 },
		{ "{\"a\":{}}x", "follows", 0 },
		{ "{\"a\":{\"t\":\"\xff\"}}", "UTF-8", 0 },
		{ "{\"a\":{\"t\":\"\xc0\x80\"}}", "UTF-8", 0 },
		{ "{\"a\":{\"t\":\"\xed\xa0\x80\"}}", "UTF-8", 0 },
		{ "{\"a\":{}}\0", "UTF-8", 9 },
		{ "{\"a\":{\"errorcode\":[]}}", "errorcode", 0 },
		{ "{\"a\":{\"errorcode\":0}}", "errorcode", 0 },
		{ "{\"a\":{\"errorcode\":\"x\"}}", "errorcode", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mk_cs_body body = {};
		_cleanup_free_ char *why = NULL;
		size_t size = rows[i].size ? rows[i].size : strlen(rows[i].text);

		CU_ASSERT_EQUAL(mk_cs_body_parse(rows[i].text, size, &body, &why), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL_FATAL(why);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, rows[i].why));
		if (!strstr(why, rows[i].why))
			tap_note("%zu: %s", i, why);
	}
}

static void deep_body(void)
{
	char text[4096] = "{\"a\":{\"b\":";
	struct mk_cs_body body = {};
	_cleanup_free_ char *why = NULL;

	memset(text + strlen(text), '[', 2000);
	CU_ASSERT_EQUAL(mk_cs_body_parse(text, strlen(text), &body, &why), -EBADMSG);
}

static void numbers(void)
{
	_cleanup_json_ json_object *o = json_tokener_parse(
		"{\"i\":7,\"s\":\"-12\",\"bad\":\"12x\",\"plus\":\"+1\",\"empty\":\"\",\"minus\":"
		"\"-\","
		"\"d\":1.5,\"b\":true,\"big\":\"99999999999999999999\",\"space\":\" 1\"}");
	static const char *const bad[] = {
		"bad", "plus", "empty", "minus", "d", "b", "big", "space"
	};
	int64_t v = 0;

	CU_ASSERT_EQUAL(mk_cs_get_int(o, "i", &v), 0);
	CU_ASSERT_EQUAL(v, 7);
	CU_ASSERT_EQUAL(mk_cs_get_int(o, "s", &v), 0);
	CU_ASSERT_EQUAL(v, -12);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(mk_cs_get_int(o, bad[i], &v), -EBADMSG);
	CU_ASSERT_EQUAL(v, -12); /* written on success only */
}

static void volumes(void)
{
	_cleanup_json_ json_object *rows = json_tokener_parse(
		"[{\"id\":\"" VOLUME
		"\",\"name\":\"disk\",\"type\":\"DATADISK\",\"state\":\"Ready\","
		"\"size\":10737418240,\"deviceid\":1,\"virtualmachineid\":\"" VM
		"\",\"zoneid\":\"" ZONE "\",\"serviceofferingid\":12,"
		"\"jobid\":\"x\",\"jobstatus\":0,\"tags\":[{\"key\":\"a\",\"value\":\"b\"},"
		"{\"key\":\"" MK_TAG_OWNER "\",\"value\":\"me\"}]},"
		"{\"id\":\"" VM "\",\"name\":12,\"size\":\"1073741824\",\"tags\":[],"
		"\"virtualmachineid\":null,\"jobid\":5,\"jobstatus\":\"1\",\"destroyed\":\"x\"}]");
	_cleanup_(mk_cs_volumes_done) struct mk_cs_volumes v = {};
	_cleanup_free_ char *why = NULL;

	CU_ASSERT_EQUAL_FATAL(mk_cs_volumes_parse(rows, &v, &why), 0);
	CU_ASSERT_EQUAL_FATAL(v.n, 2);
	CU_ASSERT_STRING_EQUAL(v.items[0].id, VOLUME);
	CU_ASSERT_STRING_EQUAL(v.items[0].name, "disk");
	CU_ASSERT_STRING_EQUAL(v.items[0].type, "DATADISK");
	CU_ASSERT_STRING_EQUAL(v.items[0].state, "Ready");
	CU_ASSERT_STRING_EQUAL(v.items[0].vm, VM);
	CU_ASSERT_STRING_EQUAL(v.items[0].zone, ZONE);
	CU_ASSERT_STRING_EQUAL(v.items[0].owner, "me");
	CU_ASSERT_EQUAL(v.items[0].device_id, 1);
	CU_ASSERT_EQUAL(v.items[0].size, UINT64_C(10737418240));
	CU_ASSERT(v.items[0].busy);
	CU_ASSERT(!v.items[0].managed);

	CU_ASSERT_STRING_EQUAL(v.items[1].name, "12");
	CU_ASSERT_EQUAL(v.items[1].size, UINT64_C(1073741824));
	CU_ASSERT_EQUAL(v.items[1].device_id, -1);
	CU_ASSERT_STRING_EQUAL(v.items[1].vm, "");
	CU_ASSERT_STRING_EQUAL(v.items[1].owner, "");
	CU_ASSERT(!v.items[1].busy);
}

/* L36: both forms of numbers are taken, but nothing that is used is guessed. */
static void bad_volumes(void)
{
	static const char *const rows[] = {
		"{}",
		"7",
		"null",
		"{\"id\":12}",
		"{\"id\":\"12\"}",
		"{\"id\":\"0B9C2F6E-5A11-4D0E-9F7D-3C8D5E1A7B42\"}",
		"{\"id\":\"" VOLUME "\",\"size\":-1}",
		"{\"id\":\"" VOLUME "\",\"size\":1e30}",
		"{\"id\":\"" VOLUME "\",\"size\":99999999999999999999999}",
		"{\"id\":\"" VOLUME "\",\"size\":\"ten\"}",
		"{\"id\":\"" VOLUME "\",\"virtualmachineid\":\"7\"}",
		"{\"id\":\"" VOLUME "\",\"virtualmachineid\":\"\"}",
		"{\"id\":\"" VOLUME "\",\"zoneid\":7}",
		"{\"id\":\"" VOLUME "\",\"deviceid\":\"one\"}",
		"{\"id\":\"" VOLUME "\",\"deviceid\":4294967296}",
		"{\"id\":\"" VOLUME "\",\"name\":{}}",
		"{\"id\":\"" VOLUME "\",\"tags\":\"x\"}",
		"{\"id\":\"" VOLUME "\",\"tags\":[7]}",
		"{\"id\":\"" VOLUME "\",\"tags\":[{\"key\":[]}]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *text = mk_strdup_printf("[{\"id\":\"" VM "\"},%s]", rows[i]);
		_cleanup_json_ json_object *o = json_tokener_parse(text);
		_cleanup_free_ char *why = NULL;
		struct mk_cs_volumes v = {};

		CU_ASSERT_EQUAL(mk_cs_volumes_parse(o, &v, &why), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL_FATAL(why);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, "row 2"));
	}
}

static void vms(void)
{
	_cleanup_json_ json_object *good = json_tokener_parse(
		"[{\"id\":\"" VM "\",\"name\":\"app1\",\"state\":\"Stopped\",\"zoneid\":\"" ZONE
		"\",\"hypervisor\":\"KVM\",\"jobid\":\"x\"}]");
	_cleanup_json_ json_object *bad = json_tokener_parse("[{\"name\":\"app1\"}]");
	_cleanup_json_ json_object *none = json_object_new_array();
	_cleanup_(mk_cs_vms_done) struct mk_cs_vms v = {}, w = {};
	_cleanup_free_ char *why = NULL, *why_not = NULL;

	CU_ASSERT_EQUAL_FATAL(mk_cs_vms_parse(good, &v, &why), 0);
	CU_ASSERT_EQUAL_FATAL(v.n, 1);
	CU_ASSERT_STRING_EQUAL(v.items[0].id, VM);
	CU_ASSERT_STRING_EQUAL(v.items[0].state, "Stopped");
	CU_ASSERT_STRING_EQUAL(v.items[0].hypervisor, "KVM");
	CU_ASSERT(v.items[0].busy);

	CU_ASSERT_EQUAL(mk_cs_vms_parse(none, &w, &why), 0);
	CU_ASSERT_EQUAL(w.n, 0);
	mk_cs_vms_done(&w);
	CU_ASSERT_EQUAL(mk_cs_vms_parse(NULL, &w, &why), -EBADMSG);
	CU_ASSERT_EQUAL(mk_cs_vms_parse(bad, &w, &why_not), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(str_or_empty(why_not), "id"));
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "body", good_body },
		{ "error body", error_body },
		{ "bodies that are no answer", bad_bodies },
		{ "nesting is limited", deep_body },
		{ "numbers", numbers },
		{ "L36 volumes", volumes },
		{ "L36 volumes that are refused", bad_volumes },
		{ "virtual machines", vms },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "cloudstack-json", NULL, NULL, tests);
}
