/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Errors of the API's border, in CloudStack's words. */

#include "api-internal.h"
#include "model/model.h"

#include <ctype.h>
#include <inttypes.h>

#define IN_MAINTENANCE                                                                             \
	"Maintenance or Shutdown has been initiated on this management server. Can not "

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
	api_error(ret, command, 503, CS_PLAIN, IN_MAINTENANCE "accept new jobs");
}

/* ApiDispatcher.dispatchCreateCmd() and AsyncJobManagerImpl.submitAsyncJob(): CloudRuntimeExceptions. */
void api_in_maintenance_now(struct sim_answer *ret, const char *command, bool creates, bool admin)
{
	const char *text = creates ? IN_MAINTENANCE "accept new async creation jobs"
				   : IN_MAINTENANCE "accept new async jobs";

	api_error(ret, command, 530, CS_RUNTIME, admin ? text : SIM_GENERIC_ERROR);
}
