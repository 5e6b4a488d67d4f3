/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step_common.c - what all steps share: saving, waiting, retrying, and the
 * record of attempts.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "api/jobs/text.h"
#include "api/notify/notify.h"
#include "api/workflow/clock.h"
#include "api/workflow/digest.h"
#include "api/workflow/step.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"

/* The newest that a step keeps; a supervisor may be busy for long. */
#define ATTEMPTS_MAX 50

#define ASK_AGAIN_MS 200

/* ---- saving ---------------------------------------------------------- */

enum step_result
step_store_failed(struct step_context *context, const struct err *e)
{
	log_error("event=workflow_store workflow=%s error=\"%s\"",
		  context->state->meta.workflow_id, e->text);
	context->is_store_broken = true;
	return STEP_STOP;
}

bool
step_may_ask_again(const struct step_context *context)
{
	struct pollfd p = {.fd = context->cancel_fd, .events = POLLIN};

	return poll(&p, 1, ASK_AGAIN_MS) == 0;
}

enum step_result
step_save(struct step_context *context)
{
	struct store *store = context->api->store;
	bool has_news = context->state->out_len > 0;
	struct err e;

	for (;;) {
		uint64_t lease = context->lease(context->arg);

		if (workflow_state_save(store, context->state, lease, &e) ==
		    0) {
			if (has_news)
				notify_kick(context->api->notifier);
			return STEP_DONE;
		}
		if (e.kind == ERR_NOT_FOUND)
			return STEP_STOP;
		/* Was it claimed anew by this process, for us? */
		if (e.kind == ERR_CONFLICT &&
		    context->lease(context->arg) == lease)
			return STEP_STOP;
		if (e.kind != ERR_CONFLICT && !step_may_ask_again(context))
			return step_store_failed(context, &e);
	}
}

/* ---- waiting --------------------------------------------------------- */

uint64_t
step_backoff_us(uint64_t now_us, uint32_t round, uint32_t base_ms,
		uint32_t max_ms)
{
	uint64_t wait_us = (uint64_t)base_ms * 1000
			   << (round < 16 ? round : 16);
	uint32_t random = 0;

	if (wait_us > (uint64_t)max_ms * 1000)
		wait_us = (uint64_t)max_ms * 1000;
	/* Without it all that failed together would come back together. */
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = 0;
	return now_us + wait_us * 3 / 4 + wait_us / 2 * (random >> 16) / 65536;
}

static const struct step_type *
type_of(const struct step_context *c)
{
	return step_type_find(json_text(c->step, "type"));
}

/* Waits stop being told apart after the first of the same cause. */
static enum step_result
wait_round(struct step_context *c, const char *counter, const char *cause)
{
	const struct step_retry *retry = &type_of(c)->retry;
	uint32_t base_ms = c->api->config.retry_base_ms;
	int64_t round = json_number(c->step, counter);
	bool is_new = strcmp(json_text(c->step, "waiting_for"), cause) != 0;

	if (base_ms == 0)
		base_ms = retry->base_ms;
	json_object_set_new(c->step, counter, json_integer(round + 1));
	json_object_set_new(c->step, "waiting_for",
			    text_to_json(cause, strlen(cause)));
	if (is_new)
		workflow_state_event(c->state, "step_waiting", c->step, cause);
	c->due_us = step_backoff_us(workflow_clock_us(), (uint32_t)round,
				    base_ms, retry->max_ms);
	return STEP_WAIT;
}

enum step_result
step_wait(struct step_context *c, const char *cause)
{
	return wait_round(c, "waits", cause);
}

enum step_result
step_retry(struct step_context *c, struct err *e)
{
	const struct step_retry *retry = &type_of(c)->retry;
	int64_t retries = json_number(c->step, "retries");
	int64_t limit = retry->attempts != 0
				? retry->attempts
				: c->api->config.max_execution_retries;

	if ((retry->kinds & (UINT32_C(1) << e->kind)) == 0)
		return STEP_FAILED;
	if (e->kind == ERR_BUSY)
		return step_wait(c, e->text);
	if (retries < limit)
		return wait_round(c, "retries", e->text);
	err_wrap(e, "gave up after %lld attempts",
		 (long long)json_number(c->step, "attempt"));
	return STEP_FAILED;
}

/* The earlier of both ends; 0: none is set. */
static uint64_t
deadline_us(const struct step_context *c)
{
	uint64_t step = (uint64_t)json_number(c->step, "deadline_us");
	uint64_t all = (uint64_t)json_number(c->state->doc, "deadline_us");

	return step != 0 && step < all ? step : all;
}

uint64_t
step_ms_left(const struct step_context *c)
{
	uint64_t end_us = deadline_us(c), now_us = workflow_clock_us();

	return end_us > now_us + 1000 ? (end_us - now_us) / 1000 : 1;
}

/* ---- attempts -------------------------------------------------------- */

bool
step_attempt_is_open(const struct step_context *c)
{
	return json_object_get(c->step, "attempt_at") != NULL;
}

enum step_result
step_attempt_begin(struct step_context *c, bool has_job, char ret_job_id[40])
{
	uint32_t step = (uint32_t)json_number(c->step, "step_id");
	uint32_t attempt = (uint32_t)json_number(c->step, "attempt") + 1;
	char message[64];

	json_object_set_new(c->step, "attempt", json_integer(attempt));
	json_set_time(c->step, "attempt_at", clock_wall_us());
	json_object_del(c->step, "waiting_for");
	snprintf(message, sizeof(message), "attempt %u", attempt);
	if (has_job) {
		digest_job_id(c->state->meta.workflow_id, step, attempt,
			      ret_job_id);
		json_object_set_new(c->step, "job_id", json_string(ret_job_id));
		snprintf(message, sizeof(message), "attempt %u: job %s",
			 attempt, ret_job_id);
	}
	workflow_state_event(c->state, "attempt_started", c->step, message);
	return step_save(c);
}

void
step_attempt_end(struct step_context *c, const char *outcome,
		 const char *reason)
{
	json_t *attempts = json_object_get(c->step, "attempts");
	json_t *entry =
		json_pack("{s:O*, s:O*, s:O*, s:s, s:s?}", "attempt",
			  json_object_get(c->step, "attempt"), "job_id",
			  json_object_get(c->step, "job_id"), "started_at",
			  json_object_get(c->step, "attempt_at"), "outcome",
			  outcome, "reason", reason);
	char message[ERR_TEXT_MAX + 64];

	if (attempts == NULL) {
		attempts = json_array();
		json_object_set_new(c->step, "attempts", attempts);
	}
	if (entry != NULL) {
		json_set_time(entry, "ended_at", clock_wall_us());
		json_array_append_new(attempts, entry);
	}
	while (json_array_size(attempts) > ATTEMPTS_MAX)
		json_array_remove(attempts, 0);
	json_object_del(c->step, "job_id");
	json_object_del(c->step, "attempt_at");
	snprintf(message, sizeof(message), "attempt %lld: %s%s%s",
		 (long long)json_number(c->step, "attempt"), outcome,
		 reason != NULL ? ": " : "", reason != NULL ? reason : "");
	workflow_state_event(c->state, "attempt_ended", c->step, message);
}
