/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The end of a turn of the loop: commits once for all requests since the last time, then releases.
 * turn.h has the rules. */

#include "turn.h"

#define TURN_MAX_REQUESTS 64
#define TURN_MAX_DELAY    (2 * USEC_PER_MSEC)
#define PRIORITY_LAST     10
#define PRIORITY_FIRST    (-10)

struct mk_turn {
	struct mk_turn_hooks hooks;
	sd_event_source *source;
	unsigned n_requests; /* since the last run */
	uint64_t since;      /* of the first of them */
	bool failed;         /* fatal has run: nothing is released any more */
};

void mk_turn_run(struct mk_turn *turn)
{
	turn->n_requests = 0;
	if (turn->failed)
		return;

	if (turn->hooks.commit(turn->hooks.data) < 0) {
		turn->failed = true;
		turn->hooks.fatal(turn->hooks.data);
		return;
	}

	turn->hooks.release(turn->hooks.data);
}

static int on_turn(sd_event_source *source, void *data)
{
	struct mk_turn *turn = data;

	(void)sd_event_source_set_priority(source, PRIORITY_LAST);
	mk_turn_run(turn);
	return 0;
}

int mk_turn_new(sd_event *event, const struct mk_turn_hooks *hooks, struct mk_turn **ret)
{
	struct mk_turn *turn;
	int r;

	turn = calloc(1, sizeof(*turn));
	if (!turn)
		return -ENOMEM;
	turn->hooks = *hooks;

	r = sd_event_add_defer(event, &turn->source, on_turn, turn);
	if (r >= 0)
		r = sd_event_source_set_enabled(turn->source, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_priority(turn->source, PRIORITY_LAST);
	if (r < 0) {
		mk_turn_free(turn);
		return r;
	}

	*ret = turn;
	return 0;
}

struct mk_turn *mk_turn_free(struct mk_turn *turn)
{
	if (turn) {
		sd_event_source_disable_unref(turn->source);
		free(turn);
	}
	return NULL;
}

void mk_turn_request(struct mk_turn *turn)
{
	uint64_t now = mk_now_monotonic();

	if (turn->n_requests++ == 0) {
		turn->since = now;
		(void)sd_event_source_set_enabled(turn->source, SD_EVENT_ONESHOT);
	} else if (turn->n_requests > TURN_MAX_REQUESTS || now - turn->since > TURN_MAX_DELAY) {
		(void)sd_event_source_set_priority(turn->source, PRIORITY_FIRST);
	}
}
