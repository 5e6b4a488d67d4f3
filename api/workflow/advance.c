/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advance.c - one workflow, step by step, until it ends or waits.  Every change
 * goes to the store before the next thing is done.
 */
#include <stdio.h>
#include <string.h>

#include "api/workflow/announce.h"
#include "api/workflow/clock.h"
#include "api/workflow/engine_private.h"
#include "api/workflow/guard.h"
#include "api/workflow/mend.h"
#include "supervisor/base/log.h"

/* A wait that ends this much early was cut short by a clock that was set. */
#define EARLY_US 1000000

/* ---- what a step may ask of its worker ------------------------------- */

static uint64_t
run_lease(void *arg)
{
	struct worker *w = arg;
	uint64_t token;

	pthread_mutex_lock(&w->engine->lock);
	token = w->run.lease_token;
	pthread_mutex_unlock(&w->engine->lock);
	return token;
}

static enum step_cut
run_why_cut(void *arg)
{
	struct worker *w = arg;
	enum step_cut cut;

	pthread_mutex_lock(&w->engine->lock);
	cut = w->run.cut;
	pthread_mutex_unlock(&w->engine->lock);
	return cut;
}

/* ---- ends ------------------------------------------------------------ */

static enum step_result
finish(struct step_context *c, enum workflow_status status, const char *error)
{
	const struct worker *w = c->arg;

	if (workflow_state_finish(c->state, status, error, w->engine->ttl_us) <
	    0)
		return STEP_STOP;
	workflow_announce(c->api, c->state);
	if (step_save(c) == STEP_DONE)
		log_info("event=workflow_%s workflow=%s",
			 workflow_status_name(status),
			 c->state->meta.workflow_id);
	return STEP_STOP;
}

static enum step_result
fail_step(struct step_context *c, const struct err *e)
{
	workflow_state_set_step(c->state, c->step, "failed", e->text);
	return finish(c, WORKFLOW_FAILED, e->text);
}

static enum step_result
complete_if_last(struct step_context *c)
{
	if (workflow_state_next_step(c->state) < workflow_state_steps(c->state))
		return STEP_DONE;
	return finish(c, WORKFLOW_COMPLETED, NULL);
}

/*
 * The last step and the workflow end in one write: a cancel in between would
 * leave a cancelled workflow whose artifacts are released.
 */
static enum step_result
end_step(struct step_context *c, const char *status)
{
	enum step_result result;

	workflow_state_set_step(c->state, c->step, status, NULL);
	json_object_del(c->step, "waiting_for");
	json_object_del(c->step, "wait_until_us");
	result = complete_if_last(c);
	return result == STEP_DONE ? step_save(c) : result;
}

/* ---- time ------------------------------------------------------------ */

static bool
is_past(const json_t *object, uint64_t now_us)
{
	uint64_t deadline_us = (uint64_t)json_number(object, "deadline_us");

	return deadline_us != 0 && now_us >= deadline_us;
}

/* A release that has begun may be on record: it is brought to its end. */
static bool
has_deadline(const struct step_context *c, const struct step_type *type)
{
	return !type->waits_for_people &&
	       workflow_state_part(c->state, "release") == NULL;
}

static int
check_deadlines(const struct step_context *c, const struct step_type *type,
		struct err *e)
{
	uint64_t now_us = workflow_clock_us();
	double minutes = json_number_value(
		json_object_get(c->state->doc, "timeout_minutes"));

	if (!has_deadline(c, type))
		return 0;
	if (is_past(c->state->doc, now_us))
		return err_set(e, ERR_LIMIT, 0, "timed out after %g minutes",
			       minutes);
	if (is_past(c->step, now_us))
		return err_set(e, ERR_LIMIT, 0,
			       "the step timed out after %u seconds",
			       type->timeout_s);
	return 0;
}

/* Look again at due_us, but not after the deadlines. */
static enum step_result
wait_until(struct step_context *c, const struct step_type *type,
	   uint64_t due_us)
{
	uint64_t limit_us = workflow_clock_us() + step_ms_left(c) * 1000;

	if (type->waits_for_people) {
		c->state->meta.due_us = due_us; /* people see this clock */
	} else {
		if (due_us > limit_us && has_deadline(c, type))
			due_us = limit_us;
		json_object_set_new(c->step, "wait_until_us",
				    json_integer((json_int_t)due_us));
		c->state->meta.due_us = workflow_clock_to_wall_us(due_us);
	}
	step_save(c);
	return STEP_STOP;
}

/* Woken too early, by a clock that was set forward? */
static bool
is_early(const struct step_context *c)
{
	uint64_t until_us = (uint64_t)json_number(c->step, "wait_until_us");

	return until_us > workflow_clock_us() + EARLY_US;
}

/* ---- one step -------------------------------------------------------- */

static void
begin_step(struct step_context *c, const struct step_type *type)
{
	uint64_t timeout_us = (uint64_t)type->timeout_s * 1000000;

	if (workflow_state_status(c->state) == WORKFLOW_CREATED)
		workflow_state_set_status(c->state, WORKFLOW_RUNNING, NULL);
	if (strcmp(json_text(c->step, "status"), "running") == 0)
		return;
	workflow_state_set_step(c->state, c->step, "running", NULL);
	if (timeout_us == 0)
		return;
	timeout_us += workflow_clock_us();
	json_object_set_new(c->step, "deadline_us",
			    json_integer((json_int_t)timeout_us));
}

static enum step_result
run_step(struct step_context *c, const struct step_type *type, struct err *e)
{
	enum step_result result;
	struct guard guard;
	struct err bug;

	if (guard_init(&guard, c->state, c->index, type->may_change, e) < 0)
		return STEP_FAILED;
	result = type->run(c, e);
	if (guard_check(&guard, c->state, c->index, type->may_change, &bug) <
		    0 &&
	    result != STEP_STOP) {
		*e = bug;
		log_error("event=step_bug workflow=%s step=%s error=\"%s\"",
			  c->state->meta.workflow_id, type->type, bug.text);
		return STEP_FAILED;
	}
	return result == STEP_MEND ? mend_run(c, e) : result;
}

static enum step_result
after_step(struct step_context *c, const struct step_type *type,
	   enum step_result result, const struct err *e)
{
	switch (result) {
	case STEP_DONE:
		return end_step(c, "completed");
	case STEP_FAILED:
		return fail_step(c, e);
	case STEP_WAIT:
		return wait_until(c, type, c->due_us);
	case STEP_MEND: /* its steps are open again */
		return STEP_DONE;
	case STEP_STOP:
		break;
	}
	return STEP_STOP;
}

/* One step; STEP_DONE: there may be another. */
static enum step_result
advance_step(struct step_context *c)
{
	const struct step_type *type;
	struct err e = ERR_INIT;

	c->index = workflow_state_next_step(c->state);
	c->step = workflow_state_step(c->state, c->index);
	if (c->step == NULL)
		return finish(c, WORKFLOW_COMPLETED, NULL);
	type = step_type_find(json_text(c->step, "type"));
	if (type == NULL)
		return finish(c, WORKFLOW_FAILED,
			      "the plan has a step of an unknown type");
	if (check_deadlines(c, type, &e) < 0)
		return fail_step(c, &e);
	if (is_early(c))
		return wait_until(
			c, type,
			(uint64_t)json_number(c->step, "wait_until_us"));
	if (type->is_needed != NULL && !type->is_needed(c->state, c->step))
		return end_step(c, "skipped");
	begin_step(c, type);
	return after_step(c, type, run_step(c, type, &e), &e);
}

static void
context_init(struct worker *w, struct workflow_state *state,
	     struct step_context *ret)
{
	struct workflow_engine *engine = w->engine;

	*ret = (struct step_context){
		.api = engine->api,
		.runner = &engine->runner,
		.author = engine->has_author ? &engine->author : NULL,
		.analyst = engine->has_analyst ? &engine->analyst : NULL,
		.publisher = &engine->publisher,
		.host = engine->host,
		.state = state,
		.cancel_fd = w->run.cancel_fd,
		.lease = run_lease,
		.cut = run_why_cut,
		.arg = w,
	};
}

/* What can never be read would be claimed again and again. */
static bool
set_aside(struct worker *w)
{
	struct workflow_state state;
	struct step_context c;
	struct err e;

	if (workflow_state_stand_in(w->engine->api->store, w->run.workflow_id,
				    &state, &e) < 0) {
		log_error("event=workflow_load workflow=%s error=\"%s\"",
			  w->run.workflow_id, e.text);
		workflow_state_done(&state);
		return false;
	}
	context_init(w, &state, &c);
	finish(&c, WORKFLOW_FAILED,
	       "the workflow's document in the store cannot be read; it was "
	       "set aside");
	workflow_state_done(&state);
	return !c.is_store_broken;
}

bool
workflow_advance(struct worker *w)
{
	struct workflow_engine *engine = w->engine;
	struct workflow_state state;
	struct step_context c;
	struct err e;

	if (workflow_state_load(engine->api->store, w->run.workflow_id, &state,
				&e) < 0) {
		log_error("event=workflow_load workflow=%s error=\"%s\"",
			  w->run.workflow_id, e.text);
		return state.is_damaged && set_aside(w);
	}
	context_init(w, &state, &c);
	while (!workflow_status_is_terminal(workflow_state_status(&state)) &&
	       run_why_cut(w) == STEP_CUT_NONE && advance_step(&c) == STEP_DONE)
		;
	workflow_state_done(&state);
	return !c.is_store_broken;
}
