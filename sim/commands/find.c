/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds a command in the tables of the others. */

#include "commands-internal.h"

void sim_each_command(struct sim *sim, void (*fn)(const struct sim_command *command, void *data),
		      void *data)
{
	for (const struct sim_command *const *table = sim->commands; *table; table++)
		for (const struct sim_command *c = *table; c->name; c++)
			fn(c, data);
}

const struct sim_command *sim_find_command(struct sim *sim, const char *name)
{
	for (const struct sim_command *const *table = sim->commands; *table; table++)
		for (const struct sim_command *c = *table; c->name; c++)
			if (streq(c->name, name))
				return c;
	return NULL;
}

bool sim_knows(struct sim *sim, const char *command)
{
	return sim_find_command(sim, command) && !sim_listed(sim, "unknown", command);
}

bool sim_is_async(struct sim *sim, const char *command)
{
	const struct sim_command *c = sim_find_command(sim, command);

	return c && c->mode == SIM_ASYNC;
}

bool sim_is_agents(struct sim *sim, const char *command)
{
	const struct sim_command *c = sim_find_command(sim, command);

	return c && c->linger;
}

bool sim_is_create(struct sim *sim, const char *command)
{
	const struct sim_command *c = sim_find_command(sim, command);

	return c && c->create;
}

bool sim_is_read(struct sim *sim, const char *command)
{
	const struct sim_command *c = sim_find_command(sim, command);

	return c && c->mode == SIM_READ;
}
