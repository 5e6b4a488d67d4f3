/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step_call.c - what steps that ask the author have in common.  A call may cost
 * money: it is on record as begun before it is made, what was heard is on the
 * disk before it is used, and after a crash it is made again under the same
 * identity (workflow, step, call) or not at all.
 */
#include <errno.h>

#include "api/workflow/clock.h"
#include "api/workflow/step.h"
#include "supervisor/base/log.h"

/* So often one attempt is begun anew after a crash. */
#define CALL_TRIES_MAX 3

static int
keep_reply(void *arg, json_t *reply, struct err *e)
{
	struct step_keeper *keeper = arg;
	struct step_context *c = keeper->c;
	json_t *kept = json_pack(
		"{s:O, s:O, s:O}", "step", json_object_get(c->step, "step_id"),
		"attempt", json_object_get(c->step, "attempt"), "reply", reply);

	if (kept == NULL ||
	    json_object_set_new(c->state->doc, "reply", kept) < 0)
		return err_set(e, ERR_IO, ENOMEM, "keep the author's answer");
	if (step_save(c) == STEP_DONE)
		return 0;
	keeper->is_lost = true;
	return err_set(e, ERR_CONFLICT, 0, "the workflow was taken over");
}

/* Of this very attempt, from before a crash; NULL: nothing. */
static const json_t *
kept_reply(const struct step_context *c)
{
	const json_t *kept = workflow_state_part(c->state, "reply");

	if (json_number(kept, "step") != json_number(c->step, "step_id") ||
	    json_number(kept, "attempt") != json_number(c->step, "attempt"))
		return NULL;
	return json_object_get(kept, "reply");
}

void
step_call_keep(struct step_keeper *keeper, struct author_task *task)
{
	task->keep = keep_reply;
	task->keep_arg = keeper;
	task->kept = kept_reply(keeper->c);
}

void
step_call_end(struct step_context *c, bool is_unanswered)
{
	json_object_del(c->state->doc, "reply");
	json_object_del(c->step, "call_tries");
	if (!is_unanswered)
		json_object_del(c->step, "call");
}

void
step_call_cost(struct workflow_state *state, uint64_t micros)
{
	json_t *metrics = workflow_state_part(state, "metrics");
	double cost = json_number_value(json_object_get(metrics, "total_cost"));

	json_object_set_new(metrics, "total_cost",
			    json_real(cost + (double)micros / 1e6));
}

void
step_wait_at_least(struct step_context *c, uint32_t seconds)
{
	uint64_t due_us = workflow_clock_us() + (uint64_t)seconds * 1000000u;

	if (c->due_us < due_us)
		c->due_us = due_us;
}

enum step_result
step_call_begin(struct step_context *c, struct err *e)
{
	int64_t tries = json_number(c->step, "call_tries");

	if (!step_attempt_is_open(c)) {
		/* As the question that is still open, or as a new one. */
		if (json_number(c->step, "call") == 0)
			json_object_set_new(
				c->step, "call",
				json_integer(json_number(c->step, "attempt") +
					     1));
		return step_attempt_begin(c, false, NULL);
	}
	if (tries >= CALL_TRIES_MAX) {
		err_set(e, ERR_PEER, 0, "cut off %d times by a crash",
			CALL_TRIES_MAX);
		return STEP_FAILED;
	}
	log_info("event=step_resume workflow=%s step=%s attempt=%lld",
		 c->state->meta.workflow_id, json_text(c->step, "type"),
		 (long long)json_number(c->step, "attempt"));
	json_object_set_new(c->step, "call_tries", json_integer(tries + 1));
	return step_save(c);
}
