/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory and JSON; without memory the simulator aborts. */

#include "model.h"

#include <time.h>

void *sim_checked(void *p)
{
	if (!p)
		abort();
	return p;
}

void *sim_alloc(size_t size)
{
	return sim_checked(calloc(1, size));
}

char *sim_strdup(const char *s)
{
	return s ? sim_checked(strdup(s)) : NULL;
}

void sim_set_text(char **dst, const char *src)
{
	if (mk_str_set(dst, src) < 0)
		abort();
}

json_object *sim_json_object(void)
{
	return sim_checked(json_object_new_object());
}

json_object *sim_json_array(void)
{
	return sim_checked(json_object_new_array());
}

/* A numeric offset without a colon. */
void sim_row_add_time(json_object *row, const char *key, uint64_t usec)
{
	time_t t = (time_t)(usec / USEC_PER_SEC);
	struct tm tm;
	char text[64];

	if (!gmtime_r(&t, &tm))
		return;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S+0000", &tm);
	mk_json_set_str(row, key, text);
}
