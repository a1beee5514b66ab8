/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proves the signature of API requests against test vectors. V1 to V8 were computed with Python's hmac; V3, V4 and V8
 * also with Java's URLEncoder.
 */

#include "cloudstack/wire.h"
#include "tap.h"

#define API_KEY    "mK7-demoKey_0123456789abcdefABCDEF"
#define SECRET     "s3cr3t-DEMO_key-0123456789-abcdefghijklmnop"
#define KEY_SIGNED "apikey=mk7-demokey_0123456789abcdefabcdef&"

struct vector {
	const char *params[20]; /* name, value, …; apikey and response=json are added */
	const char *text, *signature;
	bool raw; /* nothing is added */
};

static void check(const struct vector *v)
{
	_cleanup_json_ json_object *o = json_object_new_object();
	_cleanup_free_ char *text = NULL, *signature = NULL;

	for (size_t i = 0; v->params[i]; i += 2)
		mk_json_set_str(o, v->params[i], v->params[i + 1]);
	if (!v->raw) {
		mk_json_set_str(o, "response", "json");
		mk_json_set_str(o, "apikey", API_KEY);
	}

	text = mk_cs_string_to_sign(o);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_STRING_EQUAL(text, v->text);
	signature = mk_cs_signature(o, SECRET);
	CU_ASSERT_PTR_NOT_NULL_FATAL(signature);
	CU_ASSERT_STRING_EQUAL(signature, v->signature);
}

static void v1_plain(void)
{
	check(&(struct vector){
		.params = { "command", "listZones" },
		.text = KEY_SIGNED "command=listzones&response=json",
		.signature = "vRiyB2zDCObwyL82W08WkY/M0rg=",
	});
}

static void v2_spaces(void)
{
	check(&(struct vector){
		.params = { "command", "createVolume", "name", "Web 01 disk+data A", "size", "20",
			    "diskofferingid", "1F5D3A40-9B0E-4C7E-8C1B-0A2D4E6F8091", "zoneid",
			    "7dbc4787-ec2f-498d-95f0-848c8c81e5da" },
		.text = KEY_SIGNED "command=createvolume&diskofferingid="
				   "1f5d3a40-9b0e-4c7e-8c1b-0a2d4e6f8091&"
				   "name=web%2001%20disk%2bdata%20a&response=json&size=20&"
				   "zoneid=7dbc4787-ec2f-498d-95f0-848c8c81e5da",
		.signature = "GhuSuYAIUfJZRy0SCm+W5+Jxz2k=",
	});
}

static void v3_punctuation(void)
{
	check(&(struct vector){
		.params = { "command", "listVolumes", "name",
			    "a*b~c-d_e.f!g'h(i)j,k;l:m@n/o?p#q%r=s&t\"u\\v" },
		.text = KEY_SIGNED "command=listvolumes&name=a*b%7ec-d_e.f%21g%27h%28i%29j%2ck%3bl"
				   "%3am%40n%2fo%3fp%23q%25r%3ds%26t%22u%5cv&response=json",
		.signature = "EOXuJyhJGdp81ipRHOm+z2ui2W0=",
	});
}

static void v4_not_ascii(void)
{
	check(&(struct vector){
		.params = { "command", "updateVolume", "id", "0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b42",
			    "name", "ZÜRICH Été 磁盘 😀" },
		.text = KEY_SIGNED "command=updatevolume&id=0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b42&"
				   "name=z%c3%9crich%20%c3%89t%c3%a9%20%e7%a3%81%e7%9b%98%20"
				   "%f0%9f%98%80&response=json",
		.signature = "PIFWaoJ5sTVMACGmNx33p+Y1yWA=",
	});
}

static void v5_brackets(void)
{
	check(&(struct vector){
		.params = { "command", "createTags", "resourceids",
			    "0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b42," /* NOLINT: one text */
			    "11112222-3333-4444-5555-666677778888",
			    "resourcetype", "Volume", "tags[0].key", "migratekit:Owner",
			    "tags[0].value", "[job 7]", "tags[1].key", "empty-ish", "tags[1].value",
			    " " },
		.text = KEY_SIGNED
		"command=createtags&resourceids=0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b42%2c"
		"11112222-3333-4444-5555-666677778888&resourcetype=volume&response=json&"
		"tags[0].key=migratekit%3aowner&tags[0].value=%5bjob%207%5d&"
		"tags[1].key=empty-ish&tags[1].value=%20",
		.signature = "MEfGmG9hcFoyEnI+ZaDkOcOcxAE=",
	});
}

static void v6_version_3(void)
{
	check(&(struct vector){
		.params = { "command", "attachVolume", "signatureversion", "3", "expires",
			    "2026-01-15T10:20:30+0000", "id",
			    "0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b42", "virtualmachineid",
			    "5d3ab9f1-6c2e-4a0b-8d47-90e1f2a3b4c5", "customjobid",
			    "3f2504e0-4f89-41d3-9a0c-0305e82c3301" },
		.text = KEY_SIGNED
		"command=attachvolume&customjobid=3f2504e0-4f89-41d3-9a0c-0305e82c3301&"
		"expires=2026-01-15t10%3a20%3a30%2b0000&id=0b9c2f6e-5a11-4d0e-9f7d-3c8d5e1a7b42&"
		"response=json&signatureversion=3&"
		"virtualmachineid=5d3ab9f1-6c2e-4a0b-8d47-90e1f2a3b4c5",
		.signature = "WI1aNNbI1H7wIZh++8FVtyAotnA=",
	});
}

static void v7_empty_value(void)
{
	check(&(struct vector){
		.params = { "command", "listVolumes", "keyword", "", "listall", "true" },
		.text = KEY_SIGNED "command=listvolumes&keyword=&listall=true&response=json",
		.signature = "N8t1edBAVLbwz4pGg4oPheKRtSY=",
	});
}

static void v8_raw_name_order(void)
{
	check(&(struct vector){
		.params = { "command", "updateVolume", "response", "json", "apiKey", API_KEY,
			    "signatureVersion", "3", "expires", "2026-01-15T10:20:30Z", "customId",
			    "x", "customid2", "y", "cZ", "z" },
		.text = KEY_SIGNED "cz=z&command=updatevolume&customid=x&customid2=y&"
				   "expires=2026-01-15t10%3a20%3a30z&response=json&"
				   "signatureversion=3",
		.signature = "bPbSDp/4S41RCp3Eb5K+5c9t1yI=",
		.raw = true,
	});
}

static void body(void)
{
	_cleanup_json_ json_object *o = json_object_new_object();
	_cleanup_free_ char *text = NULL, *before = NULL, *after = NULL;

	mk_json_set_str(o, "tags[0].key", "a b+c~*é");
	mk_json_set_str(o, "command", "listZones");
	before = mk_cs_signature(o, SECRET);
	text = mk_cs_signed_body(o, SECRET);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT(starts_with(text,
			      "command=listZones&tags%5B0%5D.key=a%20b%2Bc%7E*%C3%A9&signature="));
	CU_ASSERT(text[strlen(text) - 3] == '%'); /* the padding is encoded */
	CU_ASSERT_PTR_NULL(strstr(text, SECRET));

	/* a signature that is there already is not signed and not sent twice */
	mk_json_set_str(o, "Signature", "old");
	after = mk_cs_signature(o, SECRET);
	CU_ASSERT_STRING_EQUAL(before, after);
}

int main(int argc, char **argv)
{
	static const struct tap_test tests[] = {
		{ "V1 plain", v1_plain },
		{ "V2 spaces, plus, upper case", v2_spaces },
		{ "V3 punctuation", v3_punctuation },
		{ "V4 not ASCII", v4_not_ascii },
		{ "V5 brackets", v5_brackets },
		{ "V6 version 3 with expires", v6_version_3 },
		{ "V7 empty value", v7_empty_value },
		{ "V8 order of raw names", v8_raw_name_order },
		{ "body", body },
		{ NULL, NULL },
	};

	return tap_main(argc, argv, "cloudstack-sign", NULL, NULL, tests);
}
