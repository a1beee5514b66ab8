/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The format of CloudStack's API: replies become structures, requests are signed. No I/O and no state; fuzzed.
 *
 * Replies are read strictly where a value is used (ids must be canonical UUIDs, sizes in range), and leniently
 * elsewhere (numbers and booleans as texts, unknown keys).
 */

#include "base/base.h"

#include <migratekit/volume-plugin.h>

#define MK_TAG_OWNER     "migratekit:owner"
#define MK_TAG_CLASS     "migratekit:class"
#define MK_TAG_OPERATION "migratekit:operation"

/* Bytes; a larger reply is refused while it arrives. */
#define MK_CS_REPLY_MAX (8u * 1024 * 1024)

/* The contents of one HTTP body. */
struct mk_cs_body {
	json_object *object; /* the value of the single root key; owned */
	char *root;          /* the root key, e.g. "listvolumesresponse" */
	int code;            /* errorcode, 0 if the body is no error */
	int cs_code;
	char *text; /* errortext, made valid UTF-8; NULL if there is none */
};

/*
 * Parses a body; the caller frees *ret by mk_cs_body_done(). Returns 0; -ENOMEM; or -EBADMSG with *ret_why set to a
 * sentence (to be freed): the body is HTML, empty, truncated, too large, not valid UTF-8, no JSON object, or has
 * not exactly one root key.
 */
int mk_cs_body_parse(const char *data, size_t size, struct mk_cs_body *ret, char **ret_why);
void mk_cs_body_done(struct mk_cs_body *body);

/* Reads a number that may be a JSON integer or a decimal text. Returns 0, -ENOENT if it is absent or null, or
 * -EBADMSG. */
int mk_cs_get_int(json_object *o, const char *key, int64_t *ret);

/* A list of volumes or of VMs. keep owns the texts that the items point to. */
struct mk_cs_volumes {
	struct mk_volume_info *items;
	size_t n;
	json_object *keep;
};
struct mk_cs_vms {
	struct mk_vm_info *items;
	size_t n;
	json_object *keep;
};

/* rows: the array of a list reply; a reference is kept. Returns 0; -ENOMEM; or -EBADMSG with *ret_why, a sentence
 * (to be freed) that names the row and the key. mk_volume_info.managed is left false: the store knows that. */
int mk_cs_volumes_parse(json_object *rows, struct mk_cs_volumes *ret, char **ret_why);
int mk_cs_vms_parse(json_object *rows, struct mk_cs_vms *ret, char **ret_why);
void mk_cs_volumes_done(struct mk_cs_volumes *v);
void mk_cs_vms_done(struct mk_cs_vms *v);

/* ---- requests: the signature -------------------------------------------------------------- */

/*
 * The string that CloudStack signs, made of decoded parameters (an object of texts): sorted by name as it is, names
 * in lower case, values form-encoded with %20 for a space and then in lower case, joined by '&'. To be freed; NULL
 * without memory.
 */
char *mk_cs_string_to_sign(json_object *params);

/* Base64 of HMAC-SHA1(secret key, string to sign), not yet percent-encoded. To be freed; NULL on error. */
char *mk_cs_signature(json_object *params, const char *secret_key);

/* The form body of a POST: all parameters and the signature, percent-encoded; NULL on error. The caller wipes and
 * frees it: until it expires it is as good as a password, though the secret key is not in it. */
char *mk_cs_signed_body(json_object *params, const char *secret_key);
