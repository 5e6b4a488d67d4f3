/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step_plan.c - the step that has the goal broken down by the model.  What
 * comes of it are texts for whoever writes the program, kept in this step's
 * entry as `sub_goals`: they add no step to the plan and take none away, so
 * that tests, analysis, approval and release come whatever the model says.
 *
 * Without a usable answer the goal is taken as it is, and `note` says why: the
 * plan is then the rules' alone.
 */
#include <stdio.h>
#include <string.h>

#include "api/workflow/classify.h"
#include "api/workflow/step.h"

const json_t *
step_plan_of(const struct workflow_state *state)
{
	for (size_t i = 0; i < workflow_state_steps(state); i++) {
		const json_t *step = workflow_state_step(state, i);

		if (strcmp(json_text(step, "type"), "plan") == 0)
			return json_object_get(step, "sub_goals");
	}
	return NULL;
}

/* By rules alone, and why. */
static enum step_result
plan_by_rules(struct step_context *c, const struct err *e)
{
	json_object_set_new(c->step, "planned_by", json_string("rules"));
	json_object_set_new(
		c->step, "note",
		json_sprintf("the goal is taken as it is: %s", e->text));
	return STEP_DONE;
}

static void
keep_plan(struct step_context *c, const json_t *steps)
{
	json_t *sub_goals = json_array();

	for (size_t i = 0; i < json_array_size(steps); i++) {
		const char *text = json_string_value(json_array_get(steps, i));

		json_array_append_new(
			sub_goals, json_pack("{s:I, s:s, s:s, s:s}", "number",
					     (json_int_t)i + 1, "description",
					     text, "kind", classify_type(text),
					     "agent", classify_agent(text)));
	}
	json_object_set_new(c->step, "planned_by", json_string("model"));
	json_object_set_new(c->step, "sub_goals", sub_goals);
}

static enum step_result
take_failure(struct step_context *c, const struct author_work *work,
	     struct err *e)
{
	enum step_result result;

	step_attempt_end(c, "error", e->text);
	step_call_end(c, work->is_unanswered);
	result = step_retry(c, e);
	if (result == STEP_WAIT)
		step_wait_at_least(c, work->retry_after_s);
	return result == STEP_FAILED ? plan_by_rules(c, e) : result;
}

static enum step_result
call_planner(struct step_context *c, struct err *e)
{
	const struct workflow_state *state = c->state;
	const json_t *context = workflow_state_part(state, "context");
	struct step_keeper keeper = {.c = c};
	struct author_work work = {0};
	enum step_result result = STEP_DONE;
	struct author_task task = {
		.goal = json_text(state->doc, "goal"),
		.language = json_text(context, "language"),
		.context = context,
		.workflow_id = state->meta.workflow_id,
		.user_id = state->meta.user_id,
		.step = (uint32_t)json_number(c->step, "step_id"),
		.attempt = (uint32_t)json_number(c->step, "attempt"),
		.call = (uint32_t)json_number(c->step, "call"),
		.wall_ms_max = step_ms_left(c),
		.cancel_fd = c->cancel_fd,
	};
	int rc;

	step_call_keep(&keeper, &task);
	rc = c->author->plan(c->author->arg, &task, &work, e);
	if (keeper.is_lost || (rc < 0 && c->cut(c->arg) != STEP_CUT_NONE)) {
		json_decref(work.program);
		return STEP_STOP;
	}
	step_call_cost(c->state, work.cost_micros);
	if (rc < 0) {
		result = take_failure(c, &work, e);
	} else {
		keep_plan(c, work.program);
		step_attempt_end(c, "answered", NULL);
		step_call_end(c, false);
	}
	json_decref(work.program);
	return result;
}

enum step_result
step_plan_run(struct step_context *c, struct err *e)
{
	enum step_result result;

	if (c->author == NULL || c->author->plan == NULL) {
		err_set(e, ERR_NOT_FOUND, 0, "there is no model any more");
		return plan_by_rules(c, e);
	}
	result = step_call_begin(c, e);
	if (result == STEP_FAILED) {
		step_attempt_end(c, "error", e->text);
		step_call_end(c, false);
		return plan_by_rules(c, e);
	}
	return result == STEP_DONE ? call_planner(c, e) : result;
}
