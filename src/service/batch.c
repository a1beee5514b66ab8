/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Methods of kind MK_METHOD_BATCH: one operation for each element of the call's first argument, all or none.
 *
 * A batch has no record of its own. If it has a token, its operations are called token_0, token_1, …, and each has
 * a digest of the whole list among its arguments: so a repeated call is compared by the whole list.
 */

#include "service-internal.h"

#include <openssl/sha.h>

struct batch {
	struct mk_op_request *requests;
	json_object **args;
	char **tokens;
	struct mk_op **ops;
	size_t n;
	char *mark; /* NULL: no token */
};

static void batch_done(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->args)
			json_object_put(b->args[i]);
		if (b->tokens)
			free(b->tokens[i]);
	}
	free(b->requests);
	free(b->args);
	free(b->tokens);
	free(b->ops);
	free(b->mark);
}

/* token:SHA-256 of the list in hexadecimal: the list itself, a thousand times, would fill the journal. */
static char *mark_of(const char *token, json_object *list)
{
	const char *text = json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN);
	char hex[2 * SHA256_DIGEST_LENGTH + 1];
	unsigned char digest[SHA256_DIGEST_LENGTH];

	if (!text || !SHA256((const unsigned char *)text, strlen(text), digest))
		return NULL;

	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return mk_strdup_printf("%s:%s", token, hex);
}

/* The call's arguments with one element in place of the list, and the batch's mark among the options. */
static json_object *args_of(json_object *args, json_object *element, const char *mark)
{
	_cleanup_json_ json_object *one = NULL, *copy = NULL;
	size_t n = json_object_array_length(args);

	one = mk_one_arg(json_object_get(element));
	if (!one || json_object_deep_copy(args, &copy, NULL) < 0)
		return NULL;

	if (mark)
		mk_json_set_str(json_object_array_get_idx(copy, n - 1), MK_OP_BATCH, mark);
	for (size_t k = 1; k < n; k++)
		json_object_array_add(one, json_object_get(json_object_array_get_idx(copy, k)));
	return take_ptr(one);
}

static int batch_fill(struct batch *b, struct mk_call *call)
{
	const struct mk_class_method *ref = mk_call_method(call)->data;
	json_object *args = mk_call_args(call), *list = json_object_array_get_idx(args, 0);
	const char *token = mk_service_token_of(args);

	b->n = json_object_array_length(list);
	b->requests = calloc(b->n + 1, sizeof(*b->requests));
	b->args = calloc(b->n + 1, sizeof(*b->args));
	b->tokens = calloc(b->n + 1, sizeof(*b->tokens));
	b->ops = calloc(b->n + 1, sizeof(*b->ops));
	b->mark = token ? mark_of(token, list) : NULL;
	if (!b->requests || !b->args || !b->tokens || !b->ops || (token && !b->mark))
		return -ENOMEM;

	for (size_t i = 0; i < b->n; i++) {
		b->args[i] = args_of(args, json_object_array_get_idx(list, i), b->mark);
		if (token)
			b->tokens[i] = mk_strdup_printf("%s_%zu", token, i);
		if (!b->args[i] || (token && !b->tokens[i]))
			return -ENOMEM;

		b->requests[i] = (struct mk_op_request){
			.method = ref->method,
			.class = ref->class,
			.args = b->args[i],
			.token = b->tokens[i],
			.batch = token,
			.caller = mk_call_uid(call),
		};
	}

	return 0;
}

/* The first element that is in the list twice; NULL if there is none. */
static const char *find_duplicate(json_object *list)
{
	_cleanup_json_ json_object *seen = json_object_new_object();

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *s = json_object_get_string(json_object_array_get_idx(list, i));

		if (mk_json_get(seen, s))
			return s;
		mk_json_set_bool(seen, s, true);
	}

	return NULL;
}

void mk_service_on_batch(struct mk_call *call, void *data)
{
	json_object *list = json_object_array_get_idx(mk_call_args(call), 0), *paths;
	const char *twice = find_duplicate(list);
	_cleanup_error_ struct mk_error error = { 0 };
	_cleanup_(batch_done) struct batch batch = { 0 };
	struct mk_service *service = data;

	if (json_object_array_length(list) == 0) {
		mk_call_error(call, MK_ERROR_INVALID_ARGS, "the list is empty");
		return;
	}
	if (twice) {
		mk_call_error(call, MK_ERROR_INVALID_ARGS, "the list has '%.64s' twice", twice);
		return;
	}

	if (batch_fill(&batch, call) < 0)
		return; /* the dispatcher answers */

	if (mk_engine_submit_all(service->engine, batch.requests, batch.n, batch.ops, &error) < 0) {
		mk_call_fail(call, &error);
		return;
	}

	paths = json_object_new_array();
	for (size_t i = 0; i < batch.n; i++)
		json_object_array_add(paths, mk_service_path_of(batch.ops[i]));
	mk_call_reply(call, mk_one_arg(paths));
}
