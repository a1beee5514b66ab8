/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The table of known keys: which values each key may have, and how a value is written to struct mk_config and
 * printed. */

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
	/* the default, as the file would write it; "": the key may stay unset; NULL: it is required */
	const char *fallback;
	uint64_t min, max; /* of MK_KEY_COUNT and MK_KEY_SPAN */
	bool zero;         /* 0 is allowed too, although it is below min */
	/* fixed until the next start; only for types that print the whole value (no secret) */
	bool restart;
};

#define MK_N_KEYS 33u
extern const struct mk_key mk_keys[MK_N_KEYS];

/* NULL if there is no such key. */
const struct mk_key *mk_key_find(const char *group, const char *name);
bool mk_key_group_known(const char *group);
/* The known key, or group, that is spelled most like the given one, for "did you mean"; NULL if none is close. */
const struct mk_key *mk_key_suggest(const char *group, const char *name);
const char *mk_key_suggest_group(const char *group);

/*
 * Checks the value and stores it in config. "" unsets a key that may stay unset. Returns 0; -ENOMEM; or -EINVAL
 * with half a sentence in *ret_problem (NULL without memory), to be freed by the caller, which never contains a
 * secret.
 */
int mk_key_set(const struct mk_key *key, const char *value, struct mk_config *config,
	       char **ret_problem);

/* Prints the value in the syntax of the file; "(set)" for a secret that is set. */
void mk_key_print(const struct mk_key *key, const struct mk_config *config, FILE *f);

/* Frees what the key owns in config, wiping secrets. */
void mk_key_clear(const struct mk_key *key, struct mk_config *config);
