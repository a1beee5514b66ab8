/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parameters and signature of one API request; no I/O. */

#include "base/base.h"

struct request_param {
	char *name, *value; /* decoded, valid UTF-8; a value may hold NULs */
	size_t size;        /* of the value */
};

struct request {
	struct request_param *params;
	size_t n;
};

#define REQUEST_PARAMS_MAX 5000

/*
 * Adds the parameters of a query string or a form. keep_last: of two with the same name (case matters)
 * the last one stays, else the first. -EINVAL: bad percent code, not UTF-8; -E2BIG: too many.
 */
int request_add(struct request *q, const char *text, bool keep_last);
void request_done(struct request *q);
/* NULL if missing. any_case: of the name. */
const char *request_get(const struct request *q, const char *name, bool any_case);

/*
 * The string the server signs, from the decoded parameters as ApiServer.verifyRequest() builds it. The
 * caller frees.
 */
char *request_string_to_sign(const struct request *q);
bool request_signature_ok(const struct request *q, const char *secret);

/*
 * signatureversion=3's expires: ISO date-time with an offset. -EINVAL, or 0 with the seconds since the
 * epoch.
 */
int request_parse_expires(const char *text, int64_t *ret_time);

/* The first parameter that CloudStack refuses for its text: true with the 431's text. The caller frees it. */
bool request_bad_text(const struct request *q, char **ret_why);

/*
 * In the order in which the server goes through them, without those of the transport (signature, apikey, …). lower: the
 * names in lower case; the model wants them as they were sent. NULL without memory.
 */
json_object *request_to_json(const struct request *q, bool lower);
