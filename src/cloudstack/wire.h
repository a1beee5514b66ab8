/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What goes over the wire: replies to structures, requests signed. Pure: no I/O; fuzzed.
 *
 * Replies are read strictly where something is used (ids are canonical UUIDs, sizes are in range), and leniently
 * elsewhere (numbers as texts, booleans as texts, unknown keys).
 */

#include "base/base.h"

#include <migratekit/volume-plugin.h>

#define MK_TAG_OWNER     "migratekit:owner"
#define MK_TAG_CLASS     "migratekit:class"
#define MK_TAG_OPERATION "migratekit:operation"

/* Replies larger than this are refused while they arrive. */
#define MK_CS_REPLY_MAX (8u * 1024 * 1024)

/* What one HTTP body says. */
struct mk_cs_body {
	json_object *object; /* below the single root key; owned */
	char *root;          /* the root key, e.g. "listvolumesresponse" */
	int code;            /* errorcode, 0 if the body is no error */
	int cs_code;
	char *text; /* errortext, cleaned UTF-8; NULL if none */
};

/*
 * Parses a body. Returns 0, -ENOMEM, or -EBADMSG with *ret_why set to a sentence (caller frees):
 * HTML, empty, truncated, null, no single root key, invalid UTF-8.
 */
int mk_cs_body_parse(const char *data, size_t size, struct mk_cs_body *ret, char **ret_why);
void mk_cs_body_done(struct mk_cs_body *body);

/* A number that may be a JSON integer or a decimal text. Returns 0, -ENOENT (absent), -EBADMSG. */
int mk_cs_get_int(json_object *o, const char *key, int64_t *ret);

/* A list of volumes or VMs with the texts its rows point to. */
struct mk_cs_volumes {
	struct mk_volume_info *items;
	size_t n;
	json_object *keep; /* owns the texts */
};
struct mk_cs_vms {
	struct mk_vm_info *items;
	size_t n;
	json_object *keep;
};

/*
 * rows: the array of a list reply (a reference is kept). Returns 0, -ENOMEM, or -EBADMSG with *ret_why
 * naming the row and the key. `managed` is left false.
 */
int mk_cs_volumes_parse(json_object *rows, struct mk_cs_volumes *ret, char **ret_why);
int mk_cs_vms_parse(json_object *rows, struct mk_cs_vms *ret, char **ret_why);
void mk_cs_volumes_done(struct mk_cs_volumes *v);
void mk_cs_vms_done(struct mk_cs_vms *v);

/* ---- requests: the signature -------------------------------------------------------------- */

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
