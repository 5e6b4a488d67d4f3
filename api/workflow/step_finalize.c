/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step_finalize.c - the last step: releases what was approved, with its
 * evidence.
 *
 * The intent is written first (release.attempt, release.released_us), so that
 * every try makes the same bytes and the supervisor can tell a second one.
 * Approvals are looked at again in each try: who may no longer approve, what
 * is no longer what was shown, and a policy that was changed keep the release
 * from being published.
 */
#include <errno.h>
#include <string.h>

#include "api/release/release.h"
#include "api/workflow/approval.h"
#include "api/workflow/clock.h"
#include "api/workflow/digest.h"
#include "api/workflow/program.h"
#include "api/workflow/step.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

/* ---- evidence -------------------------------------------------------- */

static json_t *
job_ids(const struct workflow_state *state)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < workflow_state_steps(state); i++) {
		const json_t *attempts = json_object_get(
			workflow_state_step(state, i), "attempts");

		for (size_t k = 0; k < json_array_size(attempts); k++) {
			json_t *id = json_object_get(
				json_array_get(attempts, k), "job_id");

			if (json_is_string(id))
				json_array_append(ids, id);
		}
	}
	return ids;
}

static void
set_sha256(json_t *evidence, const char *name, const json_t *text)
{
	char hex[DIGEST_HEX_SIZE];

	if (!json_is_string(text))
		return;
	digest_bytes(json_string_value(text), json_string_length(text), hex);
	json_object_set_new(evidence, name, json_string(hex));
}

static json_t *
evidence_new(const struct workflow_state *state, uint64_t released_us)
{
	const json_t *artifacts = workflow_state_part(state, "artifacts");
	const json_t *program = workflow_state_part(state, "program");
	const json_t *results = json_object_get(artifacts, "test_results");
	json_t *evidence = json_pack(
		"{s:o, s:O*, s:O*, s:o}", "job_ids", job_ids(state), "policy",
		json_object_get(results, "policy"), "outcome",
		json_object_get(results, "outcome"), "approvals",
		json_deep_copy(workflow_state_part(state, "approvals")));
	char digest[DIGEST_HEX_SIZE];

	if (evidence == NULL)
		return NULL;
	set_sha256(evidence, "code_sha256",
		   json_object_get(artifacts, "generated_code"));
	set_sha256(evidence, "tests_sha256", json_object_get(program, "tests"));
	digest_workflow(state, digest);
	json_object_set_new(evidence, "digest", json_string(digest));
	json_set_time(evidence, "released_at", released_us);
	return evidence;
}

static enum step_result
keep_evidence(struct step_context *c, json_t *evidence, struct err *e)
{
	json_t *artifacts = workflow_state_part(c->state, "artifacts");

	if (json_object_set_new(artifacts, "evidence", evidence) == 0)
		return STEP_DONE;
	err_set(e, ERR_IO, ENOMEM, "keep evidence");
	return STEP_FAILED;
}

/* ---- approvals ------------------------------------------------------- */

static json_t *
step_of(const struct workflow_state *state, const json_t *approval)
{
	for (size_t i = 0; i < workflow_state_steps(state); i++) {
		json_t *step = workflow_state_step(state, i);

		if (json_number(step, "step_id") ==
		    json_number(approval, "step_id"))
			return step;
	}
	return NULL;
}

/* Back to the step that asks; not once the release may be on record. */
static enum step_result
ask_again(struct step_context *c, json_t *approval, const struct err *why)
{
	json_t *step = step_of(c->state, approval);

	if (workflow_state_part(c->state, "release") != NULL || step == NULL)
		return STEP_FAILED;
	approval_supersede(c->state, approval, why->text);
	if (workflow_state_set_step(c->state, c->step, "pending", why->text) <
		    0 ||
	    workflow_state_set_step(c->state, step, "pending", why->text) < 0)
		return STEP_FAILED;
	c->due_us = workflow_clock_us();
	return STEP_WAIT;
}

static enum step_result
check_approvals(struct step_context *c, struct err *e)
{
	json_t *approval = NULL;

	switch (approval_check_use(c->api, c->host, c->state, &approval, e)) {
	case APPROVAL_USE_OK:
		return STEP_DONE;
	case APPROVAL_USE_ASK:
		return ask_again(c, approval, e);
	case APPROVAL_USE_VOID:
		return STEP_FAILED;
	case APPROVAL_USE_FAILED:
		break;
	}
	return step_store_failed(c, e);
}

/* ---- releasing ------------------------------------------------------- */

static enum step_result
begin_attempt(struct step_context *c, uint32_t *ret_attempt,
	      uint64_t *ret_released_us)
{
	json_t *release = workflow_state_part(c->state, "release");

	if (release == NULL) {
		release = json_pack("{s:I}", "released_us",
				    (json_int_t)clock_wall_us());
		json_object_set_new(c->state->doc, "release", release);
	}
	*ret_attempt = (uint32_t)json_number(release, "attempt") + 1;
	*ret_released_us = (uint64_t)json_number(release, "released_us");
	json_object_set_new(release, "attempt", json_integer(*ret_attempt));
	return step_save(c);
}

static json_t *
release_told(const struct step_context *c, const struct release_outcome *o)
{
	const char *dir = c->api->config.release_dir;

	return json_pack("{s:s++, s:s, s:I}", "directory", dir, "/",
			 c->state->meta.workflow_id, "manifest_sha256",
			 o->manifest_sha256, "audit_record",
			 (json_int_t)o->record);
}

static enum step_result
released(struct step_context *c, json_t *evidence,
	 const struct release_outcome *outcome, struct err *e)
{
	log_info("event=released workflow=%s manifest=%s record=%llu",
		 c->state->meta.workflow_id, outcome->manifest_sha256,
		 (unsigned long long)outcome->record);
	json_object_del(c->step, "waiting_for");
	json_object_set_new(evidence, "release", release_told(c, outcome));
	return keep_evidence(c, evidence, e);
}

static enum step_result
release(struct step_context *c, struct err *e)
{
	struct release_outcome outcome;
	uint64_t released_us;
	uint32_t attempt;
	json_t *evidence;

	if (begin_attempt(c, &attempt, &released_us) != STEP_DONE)
		return STEP_STOP;
	evidence = evidence_new(c->state, released_us);
	if (evidence == NULL) {
		err_set(e, ERR_IO, ENOMEM, "collect evidence");
		return STEP_FAILED;
	}
	if (c->publisher->publish(c->publisher->arg, c->state, evidence,
				  attempt, &outcome, e) == 0)
		return released(c, evidence, &outcome, e);
	json_decref(evidence);
	if (e->kind == ERR_PEER || e->kind == ERR_BUSY)
		return step_wait(c, e->text);
	if (e->kind == ERR_CONFLICT) {
		err_wrap(e, "Approval void");
		return STEP_FAILED;
	}
	return step_retry(c, e);
}

/* One that has begun may be on record, and is brought to its end. */
static enum step_result
check_room(struct step_context *c, struct err *e)
{
	if (workflow_state_part(c->state, "release") != NULL ||
	    c->publisher->check_room(c->publisher->arg, e) == 0)
		return STEP_DONE;
	log_warning("event=release_no_room workflow=%s error=\"%s\"",
		    c->state->meta.workflow_id, e->text);
	return step_retry(c, e);
}

enum step_result
step_finalize_run(struct step_context *c, struct err *e)
{
	enum step_result approved = check_approvals(c, e), room;

	if (approved != STEP_DONE)
		return approved;
	if (program_is_trial(workflow_state_part(
		    c->state, "context"))) { /* it releases nothing */
		json_t *evidence = evidence_new(c->state, clock_wall_us());

		return keep_evidence(c, evidence, e);
	}
	if (approval_check_enforced(c->api, c->state, e) < 0)
		return STEP_FAILED;
	/* Nothing is released without the supervisor: no intent before it. */
	if (c->runner->check_ready(c->runner->arg, e) < 0)
		return step_wait(c, e->text);
	room = check_room(c, e);
	return room == STEP_DONE ? release(c, e) : room;
}
