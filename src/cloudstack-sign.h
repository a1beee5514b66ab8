/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* CloudStack's request signature; no I/O. */

#include "util.h"

/*
 * The string CloudStack signs, from decoded parameters (an object of texts): sorted by raw name, values
 * form-encoded with %20 for a space, joined by '&', lower-cased after encoding. NULL without memory.
 */
char *mk_cs_string_to_sign(json_object *params);

/* Base64 of HMAC-SHA1(secret, string to sign), not yet encoded for the wire. NULL on error. */
char *mk_cs_signature(json_object *params, const char *secret_key);

/* The form body of a POST: every parameter and its signature, percent-encoded. The caller wipes and
 * frees it: it holds no secret, but what it holds is as good as a password until it expires. */
char *mk_cs_signed_body(json_object *params, const char *secret_key);
