/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Room config: the configuration of the daemon, read from volumed.conf and volumed.conf.d/<name>.conf, completely
 * checked, with defaults filled in.
 *
 * The file is read first, then the drop-ins in lexical order; for each key the last value counts. Each of the two
 * secrets comes from $CREDENTIALS_DIRECTORY/cloudstack-{api,secret}-key, else from the file that its *-key-file
 * names, else from the key itself. All mistakes (at most 100) are reported at once, with file and line; nothing is
 * guessed or ignored. Keys that are missing are reported only if all files could be read.
 *
 * The build's own config.h (autoconf) is another file: the compiler's command line includes it.
 */

#include "base/base.h"

#include <stdio.h>

/* The settings in effect. Time spans are in µs. Texts are owned, and NULL only where it is said. */
struct mk_config {
	struct {
		char *url;     /* http(s)://host[:port]/path */
		char *api_key; /* wiped by mk_config_free(), as is secret_key */
		char *secret_key;
		char *api_key_file, *secret_key_file;     /* as configured, may be NULL */
		char *api_key_source, *secret_key_source; /* the file that the key was found in */
		char *ca_file;                            /* NULL: the system's CA certificates */
		bool insecure;
		unsigned max_requests;
		uint64_t request_timeout, sync_timeout;
		uint64_t poll_min, poll_max;
		uint64_t retry_min, retry_max;
	} cloudstack;
	struct {
		char *vm;       /* canonical UUID of the appliance's (OMA's) VM */
		bool check_dmi; /* compare it with this machine's DMI UUID */
	} appliance;
	struct {
		/* id or name; NULL: each CreateVolume must name one */
		char *disk_offering, *zone;
		unsigned max_data_disks; /* how many CloudStack attaches to one VM */
	} volumes;
	struct {
		unsigned max_pending, max_per_caller;
		uint64_t deadline;   /* of an operation; 0: the method's own */
		uint64_t step_limit; /* of a row; 0: the row's own */
		/* between two looks when a step function returns MK_AGAIN */
		uint64_t poll_interval;
		uint64_t rollback_deadline;
		uint64_t settle_interval;
		uint64_t history_age;
		unsigned history_count;
		unsigned export_finished; /* finished operations kept as D-Bus objects */
	} operations;
	struct {
		char **load;     /* NULL-terminated; each valid and named once */
		char *directory; /* absolute */
	} plugins;
	struct {
		char *state_directory; /* absolute */
		char *group;           /* its members may call: see src/bus/access.h */
	} daemon;
};

/* Sentences for the operator: "FILE:LINE: [group] key: …". They never contain a secret. */
struct mk_config_problems {
	char **items;
	size_t n;
};

void mk_config_problems_done(struct mk_config_problems *problems);

/*
 * Reads path (NULL: volumed.conf in the configured directory), then path.d/<name>.conf. Returns 0; -EINVAL with at
 * least one problem; or -ENOMEM. `problems` must be zeroed before; the caller frees it by mk_config_problems_done()
 * in any case.
 */
int mk_config_load(const char *path, struct mk_config **ret, struct mk_config_problems *problems);

/*
 * Like mk_config_load(), but shows what the service would see, for --check-config and --describe-plugin. If run by
 * root it reads the credentials where the unit takes them from, and then becomes the service's user, for good; if
 * there is no such user it stays root.
 */
int mk_config_inspect(const char *path, struct mk_config **ret,
		      struct mk_config_problems *problems);

/* Wipes the secrets and frees everything. NULL is allowed; always returns NULL. */
struct mk_config *mk_config_free(struct mk_config *config);
DEFINE_CLEANUP(struct mk_config *, mk_config_free)

/* For a reload. Some keys are fixed until the next start: sets them in config as they are in `running`. Calls
 * changed for each of these whose value differed. Returns 0 or -ENOMEM. */
int mk_config_keep_fixed(struct mk_config *config, const struct mk_config *running,
			 void (*changed)(const char *group, const char *key));

/* Prints all settings in effect by group and key, in the syntax of the file. A secret that is set is printed as
 * "(set)", with the place where it was found in a comment. */
void mk_config_dump(const struct mk_config *config, FILE *f);

/* For tests of the shipped file: calls fn for each known key, with its default as the file would write it ("" if it
 * has none). */
void mk_config_foreach_key(void (*fn)(const char *group, const char *key, const char *fallback,
				      void *data),
			   void *data);
