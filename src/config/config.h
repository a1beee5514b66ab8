/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The configuration: volumed.conf and volumed.conf.d/<name>.conf, checked completely, defaults filled in.
 *
 * Order, later wins key by key: the file, then the drop-ins in lexical order. The secrets come from
 * $CREDENTIALS_DIRECTORY/cloudstack-{api,secret}-key, else the *-key-file, else the key itself.
 * Whatever is wrong is reported, all of it at once, with file and line; nothing is guessed or ignored.
 *
 * config.h of autoconf is another file: it is included on the command line, from the build's folder.
 */

#include "base/base.h"

#include <stdio.h>

/* Time spans are in µs; texts are owned and NULL only where said. */
struct mk_config {
	struct {
		char *url;     /* http(s)://host[:port]/path */
		char *api_key; /* wiped by mk_config_free(), as is secret_key */
		char *secret_key;
		char *api_key_file, *secret_key_file;     /* as configured, may be NULL */
		char *api_key_source, *secret_key_source; /* where the key was found */
		char *ca_file;                            /* NULL: the system's */
		bool insecure;
		unsigned max_requests;
		uint64_t request_timeout, sync_timeout;
		uint64_t poll_min, poll_max;
		uint64_t retry_min, retry_max;
	} cloudstack;
	struct {
		char *vm;       /* canonical UUID: the OMA */
		bool check_dmi; /* compare it with this machine's DMI UUID */
	} appliance;
	struct {
		char *disk_offering, *zone; /* id or name; NULL: the caller must say */
		unsigned max_data_disks;    /* that CloudStack attaches to one VM */
	} volumes;
	struct {
		unsigned max_pending, max_per_caller;
		uint64_t deadline;      /* 0: the method's own */
		uint64_t step_limit;    /* 0: the step table's own */
		uint64_t poll_interval; /* between two looks when a step says "again" */
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
		char *group;           /* whose members may call */
	} daemon;
};

/* Sentences for the operator, "FILE:LINE: [group] key: …"; never with a secret's value. */
struct mk_config_problems {
	char **items;
	size_t n;
};

void mk_config_problems_done(struct mk_config_problems *problems);

/*
 * Reads path (NULL: volumed.conf in the configured directory), then path.d/<name>.conf. Returns 0, -EINVAL
 * with at least one problem, or -ENOMEM. `problems` must be zeroed, and done by the caller in any case.
 */
int mk_config_load(const char *path, struct mk_config **ret, struct mk_config_problems *problems);

/*
 * The same as the service will see it, for a look from outside. Root takes the credentials that the unit would be
 * given, and then becomes the service's user, for good; where there is no such user it stays root.
 */
int mk_config_inspect(const char *path, struct mk_config **ret,
		      struct mk_config_problems *problems);

/* Wipes the secrets. NULL is allowed; always returns NULL. */
struct mk_config *mk_config_free(struct mk_config *config);
DEFINE_CLEANUP(struct mk_config *, mk_config_free)

/*
 * Puts back what is fixed until the next start, as running has it; changed is told of each such key that differed.
 * Returns 0 or -ENOMEM.
 */
int mk_config_keep_fixed(struct mk_config *config, const struct mk_config *running,
			 void (*changed)(const char *group, const char *key));

/* Every effective value under its group and key, in the syntax of the file; secrets as (set). */
void mk_config_dump(const struct mk_config *config, FILE *f);

/* The known keys, for tests of the shipped file: calls fn for each, with its default as the file would
 * write it ("" if it has none). */
void mk_config_foreach_key(void (*fn)(const char *group, const char *key, const char *fallback,
				      void *data),
			   void *data);
