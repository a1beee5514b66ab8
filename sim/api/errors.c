/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Errors of the API's border, in CloudStack's words. */

#include "api-internal.h"

#include <ctype.h>
#include <inttypes.h>

/* "listvolumesresponse" */
static char *root_of(const char *command)
{
	char *root = mk_strdup_printf("%sresponse", command);

	for (char *c = root; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return root;
}

void api_error(struct sim_answer *ret, const char *command, int code, int cs_code, const char *text)
{
	_cleanup_free_ char *root = command ? root_of(command) : NULL;

	sim_error(ret, root, code, cs_code, "%s", text);
}

void api_unauthorized(struct sim_answer *ret, const char *command)
{
	api_error(ret, command, 401, 0, API_UNAUTHORIZED);
}

void api_rate_limited(struct sim_answer *ret, const char *command, uint64_t ms)
{
	_cleanup_free_ char *text = mk_strdup_printf(
		"The given user has reached his/her account api limit, please retry after "
		"[%" PRIu64 "] ms.",
		ms);

	api_error(ret, command, 429, CS_PLAIN, str_or_empty(text));
}

void api_in_maintenance(struct sim_answer *ret, const char *command)
{
	api_error(ret, command, 503, CS_PLAIN,
		  "Maintenance or Shutdown has been initiated on this management server. Can not "
		  "accept new jobs");
}
