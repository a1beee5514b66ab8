/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Answers and refusals in CloudStack's form. */

#include "commands-internal.h"

#include <ctype.h>
#include <stdarg.h>

char *sim_root_key(const char *command)
{
	char *root = mk_strdup_printf("%sresponse", command);

	if (!root)
		abort();
	for (char *p = root; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return root;
}

static json_object *wrap(const char *root, json_object *answer)
{
	json_object *whole = sim_json_object();

	json_object_object_add(whole, root, answer);
	return whole;
}

static void set_error(struct sim_answer *ret, const char *root, int code, int cs_code, char *text)
{
	json_object *o = sim_json_object();

	json_object_object_add(o, "uuidList", sim_json_array());
	mk_json_set_int(o, "errorcode", code);
	if (cs_code)
		mk_json_set_int(o, "cserrorcode", cs_code);
	mk_json_set_str(o, "errortext", text);

	sim_answer_done(ret);
	ret->status = code;
	ret->body = wrap(root ? root : "errorresponse", o);
	if (code == 400 || code == 401)
		free(text);
	else
		ret->description = text;
}

static char *text_from(const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	return text;
}

void sim_error(struct sim_answer *ret, const char *root, int code, int cs_code, const char *fmt,
	       ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = text_from(fmt, ap);
	va_end(ap);
	set_error(ret, root, code, cs_code, text);
}

bool sim_refuse(struct sim_request *q, int code, int cs_code, const char *fmt, ...)
{
	_cleanup_free_ char *root = sim_root_key(q->command->name);
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = text_from(fmt, ap);
	va_end(ap);
	set_error(q->answer, root, code, cs_code, text);
	return false;
}

static bool refuse_hidden(struct sim_request *q, int cs_code, const char *text)
{
	return sim_refuse(q, 530, cs_code, "%s",
			  sim_is_admin(q->caller) ? text : SIM_GENERIC_ERROR);
}

/* ApiServer hides what a CloudRuntimeException says from all but root admins. */
bool sim_refuse_internal(struct sim_request *q, const char *text)
{
	return refuse_hidden(q, CS_RUNTIME, text);
}

bool sim_refuse_unforeseen(struct sim_request *q, const char *text)
{
	return refuse_hidden(q, CS_PLAIN, text);
}

bool sim_reply(struct sim_request *q, json_object *object)
{
	_cleanup_free_ char *root = sim_root_key(q->command->name);

	q->answer->status = 200;
	q->answer->body = wrap(root, object);
	return true;
}

void sim_answer_done(struct sim_answer *answer)
{
	json_object_put(answer->body);
	free(answer->description);
	free(answer->job);
	*answer = (struct sim_answer){};
}
