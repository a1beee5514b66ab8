/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves the helpers of src/base/base.h: UUIDs, UTF-8, owned texts, and JSON access. */

#include "base/base.h"
#include "tap.h"

static void test_uuid(void)
{
	char uuid[MK_UUID_SIZE];

	CU_ASSERT(mk_uuid_valid("0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b42"));
	CU_ASSERT(!mk_uuid_valid(NULL));
	CU_ASSERT(!mk_uuid_valid(""));
	CU_ASSERT(!mk_uuid_valid("12"));
	CU_ASSERT(!mk_uuid_valid("0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b4"));
	CU_ASSERT(!mk_uuid_valid("0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b421"));
	CU_ASSERT(!mk_uuid_valid("0B9C2F6E-5a11-4d0e-9f7d-3c8d5e1a7b42"));
	CU_ASSERT(!mk_uuid_valid("0b9c2f6e 5a11 4d0e 9f7d 3c8d5e1a7b42"));

	CU_ASSERT_EQUAL(mk_uuid_random(uuid), 0);
	CU_ASSERT(mk_uuid_valid(uuid));
	CU_ASSERT_EQUAL(uuid[14], '4');
}

static void test_utf8(void)
{
	_cleanup_free_ char *a = mk_utf8_clean("ok é 磁\tline\n");
	_cleanup_free_ char *b = mk_utf8_clean("a\xff"
					       "b\xc0\x80 \xed\xa0\x80\x01");

	CU_ASSERT_STRING_EQUAL(a, "ok é 磁\tline\n");
	CU_ASSERT_STRING_EQUAL(b, "a\uFFFDb\uFFFD\uFFFD \uFFFD\uFFFD\uFFFD\uFFFD");
	CU_ASSERT(mk_utf8_valid("a\0\x01"
				"é磁😀",
				12));
	CU_ASSERT(!mk_utf8_valid("a\0\x01"
				 "é磁😀",
				 11)); /* cut off */
	CU_ASSERT(!mk_utf8_valid("\xed\xa0\x80", 3));
	CU_ASSERT(mk_utf8_valid("", 0));
	CU_ASSERT(mk_text_valid("Zürich 😀", 64));
	CU_ASSERT(!mk_text_valid("tab\there", 64));
	CU_ASSERT(!mk_text_valid("\xf5\x80\x80\x80", 64));
	CU_ASSERT(mk_text_valid("1234", 4));
	CU_ASSERT(!mk_text_valid("12345", 4));
}

static void test_str_set(void)
{
	_cleanup_free_ char *s = NULL;

	CU_ASSERT_EQUAL(mk_str_set(&s, "one"), 0);
	CU_ASSERT_STRING_EQUAL(s, "one");
	CU_ASSERT_EQUAL(mk_str_set(&s, NULL), 0);
	CU_ASSERT_PTR_NULL(s);
}

static void test_json(void)
{
	_cleanup_json_ json_object *o = json_tokener_parse("{\"s\":\"x\",\"i\":7,\"b\":true}");

	CU_ASSERT_STRING_EQUAL(mk_json_str(o, "s", "no"), "x");
	CU_ASSERT_STRING_EQUAL(mk_json_str(o, "i", "no"), "no");
	CU_ASSERT_EQUAL(mk_json_int(o, "i", -1), 7);
	CU_ASSERT_EQUAL(mk_json_int(o, "s", -1), -1);
	CU_ASSERT(mk_json_bool(o, "b", false));
	CU_ASSERT_PTR_NULL(mk_json_get(NULL, "x"));
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "uuid", test_uuid }, { "utf8", test_utf8 }, { "str-set", test_str_set },
		{ "json", test_json }, { NULL, NULL },
	};

	return tap_main(argc, argv, "util", NULL, NULL, tests);
}
