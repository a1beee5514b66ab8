/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A simulator's beginning and end. */

#include "commands-internal.h"

static const struct sim_command *const tables[] = {
	sim_volume_commands,
	sim_delete_commands,
	sim_attach_commands,
	sim_resize_commands,
	sim_migrate_commands,
	sim_vm_commands,
	sim_vm_list_commands,
	sim_vm_destroy_commands,
	sim_deploy_commands,
	sim_snapshot_commands,
	sim_snapshot_list_commands,
	sim_tag_commands,
	sim_tag_change_commands,
	sim_job_commands,
	sim_misc_commands,
	sim_row_commands,
	NULL,
};

int sim_new(sd_event *event, void (*executed)(const char *command, void *data), void *data,
	    struct sim **ret)
{
	struct sim *sim = sim_alloc(sizeof(*sim));
	_cleanup_free_ char *why = NULL;
	_cleanup_json_ json_object *seed = NULL;
	int r;

	sim->event = sd_event_ref(event);
	sim->commands = tables;
	sim->executed = executed;
	sim->data = data;
	sim->servers[0] = (struct sim_server){ SIM_SERVER, "ms1" };
	sim->servers[1] = (struct sim_server){ SIM_SERVER_2, "ms2" };
	TAILQ_INIT(&sim->pending);
	TAILQ_INIT(&sim->finished);
	sim_accounts_init(sim);
	sim_settings_init(sim);

	seed = json_tokener_parse(sim_default_seed);
	r = sim_seed(sim, seed, &why);
	if (r < 0) {
		sim_free(sim);
		return r;
	}

	*ret = sim;
	return 0;
}

struct sim *sim_free(struct sim *sim)
{
	struct sim_object *o, *next;
	struct sim_job *job, *next_job;

	if (!sim)
		return NULL;

	for (job = TAILQ_FIRST(&sim->pending); job; job = next_job) {
		next_job = TAILQ_NEXT(job, listed);
		if (job->forgotten)
			sim_job_free(job);
	}

	for (int kind = 0; kind < K_N; kind++) {
		HASH_ITER(hh, sim->objects[kind], o, next) {
			HASH_DEL(sim->objects[kind], o);
			if (kind == K_JOB)
				sim_job_free((struct sim_job *)(void *)o);
			else
				sim_object_free(o);
		}
	}

	sd_event_source_disable_unref(sim->beat);
	sim_settings_done(sim);
	sd_event_unref(sim->event);
	free(sim);
	return NULL;
}
