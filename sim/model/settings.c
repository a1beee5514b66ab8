/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The settings of sim_set(): their types, defaults and values. */

#include "model.h"

enum setting_type {
	S_NUMBER,
	S_BOOL,
	S_TEXT,
	S_CHOICE, /* one word of the list, words separated by '|' */
};

static const struct setting {
	const char *key;
	enum setting_type type;
	const char *initial;
	const char *choice;
} settings[] = {
	{ "queue-ms", S_NUMBER, "2000" },
	{ "beat-order", S_CHOICE, "oldest", "oldest|newest" },
	{ "job-ms", S_NUMBER, "30" },
	{ "report-ms", S_NUMBER, "10" },
	{ "create-job-ms", S_NUMBER, "10" },
	{ "delete-ms", S_NUMBER, "10" },
	{ "stats-ms", S_NUMBER, "60000" }, /* vm.stats.interval */
	{ "job-expire-ms", S_NUMBER, "86400000" },
	{ "max-data-disks", S_NUMBER, "0" }, /* 0: what the hypervisor has */
	{ "max-volumes", S_NUMBER, "0" },    /* of an account; 0: no limit */
	{ "page-size", S_NUMBER, "500" },
	{ "hypervisor", S_TEXT, "KVM" },
	{ "role", S_CHOICE, "admin", "admin|user" },
	{ "expunge", S_BOOL, "true" },        /* allow.user.expunge.recover.volume */
	{ "expunge-vm", S_BOOL, "false" },    /* allow.user.expunge.recover.vm */
	{ "force-stop", S_BOOL, "true" },     /* allow.user.force.stop.vm */
	{ "backup-attach", S_BOOL, "false" }, /* backup.enable.attach.detach.of.volumes */
	{ "maintenance", S_CHOICE, "false", "false|true|ms1|ms2" },
	{ "denied", S_TEXT, "" },
	{ "allowed", S_TEXT, "" },
	{ "unknown", S_TEXT, "" },
	{ "detach-wait-ms", S_NUMBER,
	  "15900" }, /* the agent waits for a guest to let go of a disk */
	{ "stop-wait-ms", S_NUMBER, "126000" }, /* and to shut down */
	{ "hv-bus", S_CHOICE, "virtio", "virtio|scsi" },
	{ "hv-delay-ms", S_NUMBER, "0" }, /* the guest shows that much later what comes and goes */
	{ "no-secondary-storage", S_BOOL, "false" }, /* for snapshots */
	{ "host-away", S_BOOL, "false" },            /* no agent answers: see sim_set() */
	{ "hosts-offline", S_BOOL, "false" },        /* the server has not connected to them yet */
	{ "fail", S_TEXT, "" }, /* comma list of what the hypervisor refuses to do: see sim_set() */
	{ "fail-text", S_TEXT, "Simulated failure" },
	{ "pool-gib", S_NUMBER, "0" }, /* what the storage can hold; 0: what the hypervisor has */
	{ "hosts-full", S_BOOL, "false" },   /* no host has room for another VM */
	{ "storage-full", S_BOOL, "false" }, /* nothing can be made or made larger */
	/* of the HTTP side */
	{ "latency-ms", S_NUMBER, "0" },
	{ "servers", S_CHOICE, "1", "1|2" },
	{ "balance", S_CHOICE, "request", "request|connection|ms1|ms2" },
	{ "lag-ms", S_NUMBER, "0" }, /* what ms2 lists is that old */
	{ "db-list-ms", S_NUMBER,
	  "60000" }, /* how long requests wait for a database that is away */
	{ "db-change-ms", S_NUMBER, "30000" },
	{ "enforce-post", S_BOOL, "false" },
	{ "encode-response", S_BOOL, "false" }, /* encode.api.response */
	{ "api-limit", S_NUMBER, "0" },
	{ "interval-ms", S_NUMBER, "1000" },
};

struct sim_setting_value {
	char *text;
	int64_t number;
};

static int find(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (streq(settings[i].key, key))
			return (int)i;
	return -EINVAL;
}

static bool has_word(const char *words, const char *word, char separator)
{
	size_t n = strlen(word);

	while (words) {
		if (strncmp(words, word, n) == 0 && (!words[n] || words[n] == separator))
			return n > 0;
		words = strchr(words, separator);
		words = words ? words + 1 : NULL;
	}

	return false;
}

static int parse(const struct setting *s, const char *value, int64_t *ret)
{
	char *end;

	switch (s->type) {
	case S_NUMBER:
		if (!*value || strspn(value, "0123456789") != strlen(value))
			return -EINVAL;
		errno = 0;
		*ret = strtoll(value, &end, 10);
		return errno ? -EINVAL : 0;
	case S_BOOL:
		*ret = streq(value, "true");
		return *ret || streq(value, "false") ? 0 : -EINVAL;
	case S_CHOICE:
		*ret = 0;
		return has_word(s->choice, value, '|') ? 0 : -EINVAL;
	case S_TEXT:
		*ret = 0;
		return 0;
	}

	return -EINVAL;
}

int sim_setting_set(struct sim *sim, const char *key, const char *value)
{
	int i = find(key), r;
	int64_t number;

	if (i < 0)
		return i;
	r = parse(&settings[i], value, &number);
	if (r < 0)
		return r;

	sim_set_text(&sim->settings[i].text, value);
	sim->settings[i].number = number;
	return 0;
}

int64_t sim_get(struct sim *sim, const char *key)
{
	int i = find(key);

	return i < 0 ? 0 : sim->settings[i].number;
}

const char *sim_get_text(struct sim *sim, const char *key)
{
	int i = find(key);

	return i < 0 ? "" : sim->settings[i].text;
}

bool sim_flag(struct sim *sim, const char *key)
{
	return sim_get(sim, key) != 0;
}

bool sim_listed(struct sim *sim, const char *key, const char *word)
{
	return has_word(sim_get_text(sim, key), word, ',');
}

void sim_settings_init(struct sim *sim)
{
	sim->settings = sim_alloc(ARRAY_SIZE(settings) * sizeof(*sim->settings));
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (sim_setting_set(sim, settings[i].key, settings[i].initial) < 0)
			abort();
}

void sim_settings_done(struct sim *sim)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		free(sim->settings[i].text);
	free(sim->settings);
}
