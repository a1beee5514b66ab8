/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Small helpers for handlers: a call's token, its option `force`, and the path of the operation that it made. */

#include "service-internal.h"

json_object *mk_one_arg(json_object *value)
{
	json_object *args = json_object_new_array();

	json_object_array_add(args, value);
	return args;
}

char *mk_operation_path(const char *id)
{
	return mk_strdup_printf(MK_BUS_ROOT "/operation/%s", id);
}

json_object *mk_service_path_of(struct mk_op *op)
{
	_cleanup_free_ char *path = mk_operation_path(mk_op_record(op)->id);

	return json_object_new_string(str_or_empty(path));
}

const char *mk_service_token_of(json_object *args)
{
	size_t n = json_object_array_length(args);

	return n ? mk_json_str(json_object_array_get_idx(args, n - 1), "token", NULL) : NULL;
}

unsigned mk_service_needs_force(const struct mk_call *call, void *object)
{
	json_object *args = mk_call_args(call);
	size_t n = json_object_array_length(args);

	return n && mk_json_bool(json_object_array_get_idx(args, n - 1), "force", false)
		       ? MK_NEEDS(MK_PRIVILEGE_FORCE)
		       : 0;
}
