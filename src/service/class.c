/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The D-Bus interfaces of the classes, made from the tables of their plugins. A method makes an operation or a
 * batch, or runs a query. */

#include "service-internal.h"

static void on_operation(struct mk_call *call, void *data)
{
	const struct mk_class_method *ref = mk_call_method(call)->data;
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_service *service = data;
	struct mk_op_request request = {
		.method = ref->method,
		.class = ref->class,
		.args = mk_call_args(call),
		.token = mk_service_token_of(mk_call_args(call)),
		.caller = mk_call_uid(call),
	};
	struct mk_op *op;

	if (mk_engine_submit(service->engine, &request, &op, &error) < 0)
		mk_call_fail(call, &error);
	else
		mk_call_reply(call, mk_one_arg(mk_service_path_of(op)));
}

static void on_query_done(json_object *value, const struct mk_error *error, void *data)
{
	_cleanup_(mk_call_unrefp) struct mk_call *call = data;

	if (error)
		mk_call_fail(call, error);
	else
		mk_call_reply(call, mk_one_arg(json_object_get(value)));
}

static void on_query(struct mk_call *call, void *data)
{
	const struct mk_class_method *ref = mk_call_method(call)->data;
	_cleanup_error_ struct mk_error error = { 0 };
	struct mk_service *service = data;
	struct mk_op_request request = {
		.method = ref->method,
		.class = ref->class,
		.args = mk_call_args(call),
		.caller = -1,
	};

	if (!mk_call_hold(call))
		return;

	if (mk_engine_query(service->engine, &request, on_query_done, call, &error) < 0) {
		mk_call_fail(call, &error);
		mk_call_unref(call);
	}
}

/* ---- interfaces from plugins -------------------------------------------------------------------------------- */

/* The method's options, with `token` in front where operations are made. */
static struct mk_option *options_of(const struct mk_method *m)
{
	struct mk_option *all;
	size_t n = 0, k = 0;

	while (m->options && m->options[n].name)
		n++;

	all = calloc(n + 2, sizeof(*all));
	if (!all)
		return NULL;
	if (m->kind != MK_METHOD_QUERY)
		all[k++] = (struct mk_option){ "token", "s" };
	for (size_t i = 0; i < n; i++)
		all[k++] = m->options[i];
	return all;
}

static void (*handler_of(enum mk_method_kind kind))(struct mk_call *call, void *object)
{
	switch (kind) {
	case MK_METHOD_OPERATION:
		return on_operation;
	case MK_METHOD_BATCH:
		return mk_service_on_batch;
	case MK_METHOD_QUERY:
		return on_query;
	}
	return NULL;
}

int mk_service_build_class(struct mk_class_interface *ci, const struct mk_plugin *plugin)
{
	while (plugin->methods[ci->n].name)
		ci->n++;

	ci->methods = calloc(ci->n + 1, sizeof(*ci->methods));
	ci->refs = calloc(ci->n + 1, sizeof(*ci->refs));
	ci->options = calloc(ci->n + 1, sizeof(*ci->options));
	if (!ci->methods || !ci->refs || !ci->options)
		return -ENOMEM;

	for (size_t i = 0; i < ci->n; i++) {
		const struct mk_method *m = &plugin->methods[i];

		ci->options[i] = options_of(m);
		if (!ci->options[i])
			return -ENOMEM;
		ci->refs[i] = (struct mk_class_method){ plugin->name, m };
		ci->methods[i] = (struct mk_bus_method){
			.name = m->name,
			.in = m->in,
			.in_names = m->in_names,
			.out = m->out,
			.out_names = m->out_names,
			.handler = handler_of(m->kind),
			.flags = m->kind == MK_METHOD_QUERY ? 0 : MK_BUS_CALLER,
			.options = ci->options[i],
			.data = &ci->refs[i],
			.privilege = m->privilege,
			.also = mk_service_needs_force,
		};
	}

	ci->interface = (struct mk_bus_interface){
		.name = plugin->interface,
		.methods = ci->methods,
	};
	return 0;
}

void mk_service_class_done(struct mk_class_interface *ci)
{
	for (size_t i = 0; ci->options && i < ci->n; i++)
		free(ci->options[i]);
	free(ci->options);
	free(ci->methods);
	free(ci->refs);
}

const struct mk_method *mk_service_find_method(const char *class, const char *kind, void *data)
{
	struct mk_service *service = data;
	const struct mk_plugin *plugin = mk_plugins_find(service->plugins, class);
	const struct mk_method *tables[] = {
		plugin ? plugin->methods : NULL,
		plugin ? plugin->volume_methods : NULL,
		plugin ? plugin->inner_methods : NULL,
	};

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct mk_method *m = tables[i]; m && m->name; m++)
			if (m->kind != MK_METHOD_QUERY && streq(mk_method_operation(m), kind))
				return m;

	return NULL;
}
