/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fuzzes the body of a CloudStack answer. What is accepted must be safe to send over D-Bus. */

#include "cloudstack/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_text(const char *s)
{
	must(s && mk_utf8_valid(s, strlen(s)));
}

static void check_volumes(json_object *rows)
{
	_cleanup_(mk_cs_volumes_done) struct mk_cs_volumes v = {};
	_cleanup_free_ char *why = NULL;

	if (mk_cs_volumes_parse(rows, &v, &why) < 0) {
		check_text(why);
		return;
	}

	for (size_t i = 0; i < v.n; i++) {
		const struct mk_volume_info *info = &v.items[i];

		must(mk_uuid_valid(info->id) && info->size <= UINT64_C(1) << 60);
		must(info->device_id >= -1 && (!*info->vm || mk_uuid_valid(info->vm)));
		check_text(info->name);
		check_text(info->type);
		check_text(info->state);
		check_text(info->zone);
		check_text(info->owner);
	}
}

static void check_vms(json_object *rows)
{
	_cleanup_(mk_cs_vms_done) struct mk_cs_vms v = {};
	_cleanup_free_ char *why = NULL;

	if (mk_cs_vms_parse(rows, &v, &why) < 0) {
		check_text(why);
		return;
	}

	for (size_t i = 0; i < v.n; i++) {
		must(mk_uuid_valid(v.items[i].id));
		check_text(v.items[i].name);
		check_text(v.items[i].state);
		check_text(v.items[i].hypervisor);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(mk_cs_body_done) struct mk_cs_body body = {};
	_cleanup_free_ char *why = NULL;
	int64_t v;

	if (mk_cs_body_parse((const char *)data, size, &body, &why) < 0) {
		check_text(why);
		return 0;
	}

	must(body.root && json_object_is_type(body.object, json_type_object));
	must(body.code >= 0 && body.code <= 999);
	check_text(body.root);
	if (body.text)
		check_text(body.text);

	json_object_object_foreach(body.object, key, value) {
		mk_cs_get_int(body.object, key, &v);
		if (json_object_is_type(value, json_type_array)) {
			check_volumes(value);
			check_vms(value);
		}
	}

	return 0;
}
