/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The table of known keys: what each may hold, and how it gets into struct mk_config and out again. */

#include "config.h"

enum mk_key_type {
	MK_KEY_URL,
	MK_KEY_UUID,
	MK_KEY_PATH, /* absolute */
	MK_KEY_SECRET,
	MK_KEY_BOOL,
	MK_KEY_COUNT, /* unsigned */
	MK_KEY_SPAN,  /* uint64_t µs */
	MK_KEY_NAMES, /* char ** */
	MK_KEY_TEXT,
};

struct mk_key {
	const char *group, *name;
	enum mk_key_type type;
	size_t offset; /* in struct mk_config */
	const char
		*fallback; /* as the file would write it; "" if it may stay unset; NULL: required */
	uint64_t min, max; /* of MK_KEY_COUNT and MK_KEY_SPAN */
	bool zero;         /* 0 is allowed below min */
	bool restart; /* fixed until the next start; of a type that prints what it was set to */
};

#define MK_N_KEYS 33u
extern const struct mk_key mk_keys[MK_N_KEYS];

/* NULL if there is none. */
const struct mk_key *mk_key_find(const char *group, const char *name);
bool mk_key_group_known(const char *group);
/* The known key, or group, that was probably meant, or NULL. */
const struct mk_key *mk_key_suggest(const char *group, const char *name);
const char *mk_key_suggest_group(const char *group);

/*
 * Checks the value and puts it into config; "" unsets a key that may be unset. Returns 0, -ENOMEM, or
 * -EINVAL with a half sentence in *ret_problem (NULL without memory), never with a secret's value.
 */
int mk_key_set(const struct mk_key *key, const char *value, struct mk_config *config,
	       char **ret_problem);

/* Prints the value in the syntax of the file; (set) for a secret. */
void mk_key_print(const struct mk_key *key, const struct mk_config *config, FILE *f);

/* Frees what the key owns in config, wiping secrets. */
void mk_key_clear(const struct mk_key *key, struct mk_config *config);
