/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The model side's face: a simulator, the commands that it answers, and what a test can see of it. */

#include "model/sim.h"

#include <systemd/sd-event.h>

/*
 * Makes a simulator with the objects above. executed is called each time a command has changed something, so that a
 * test can prove that a command was run at most once. A job's command counts when the job has done its work. A command
 * that creates an object counts earlier: in the request, when the object's row is made. Returns 0 or a negative errno.
 */
int sim_new(sd_event *event, void (*executed)(const char *command, void *data), void *data,
	    struct sim **ret);
struct sim *sim_free(struct sim *sim); /* NULL is allowed; returns NULL */
DEFINE_CLEANUP(struct sim *, sim_free)

/* Whether the server has the command. One that it does not have is answered with 401. */
bool sim_knows(struct sim *sim, const char *command);
/* Whether it is one that CloudStack has for root admins, and the simulator has not. */
bool sim_only_admins_know(const char *command);
/* Whether the command starts a job. */
bool sim_is_async(struct sim *sim, const char *command);
/* Whether an agent may do its work to the end without the server. */
bool sim_is_agents(struct sim *sim, const char *command);
/* Whether the command makes an object, whose row is there before its job. */
bool sim_is_create(struct sim *sim, const char *command);
/* Whether it changes nothing. */
bool sim_is_read(struct sim *sim, const char *command);

/*
 * Whether the caller's role has the command, also in the project that is named. False: the answer is made. CloudStack
 * looks at this before it verifies the signature; sim_call() does not look again.
 */
bool sim_authorize(struct sim *sim, const struct sim_call *call, struct sim_answer *ret);

/*
 * Runs a command that the server has. Parameters, state changes and refusals are CloudStack's. It cannot fail: a
 * refusal is an answer too. The caller frees the answer by sim_answer_done().
 */
void sim_call(struct sim *sim, const struct sim_call *call, struct sim_answer *ret);

/*
 * Makes an error answer in CloudStack's form, in place of what *ret had. root: the root key, such as
 * "listvolumesresponse"; NULL: "errorresponse". cs_code: the cserrorcode; 0: none. Errors 400 and 401 get no
 * description.
 */
void sim_error(struct sim_answer *ret, const char *root, int code, int cs_code, const char *fmt,
	       ...) _printf_(5, 6);

/* Frees what the answer owns, and empties it. */
void sim_answer_done(struct sim_answer *answer);

/* All objects, by kind and id. kinds: only those, as in "vms,volumes"; NULL: all. The caller puts it. */
json_object *sim_state(struct sim *sim, const char *kinds);
