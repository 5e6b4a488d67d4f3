/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approval.c - see approval.h.  While it waits, an approval is only a row with
 * a due time: its expiry.  Who may decide is the route's question.
 */
#include "api/workflow/approval.h"

#include <errno.h>
#include <string.h>

#include "api/jobs/request.h"
#include "api/workflow/digest.h"
#include "api/workflow/step.h"
#include "supervisor/base/clock.h"

static json_t *
find_by(const struct workflow_state *state, const char *name,
	const json_t *value)
{
	json_t *approvals = workflow_state_part(state, "approvals");

	for (size_t i = 0; i < json_array_size(approvals); i++) {
		json_t *approval = json_array_get(approvals, i);

		if (json_equal(json_object_get(approval, name), value))
			return approval;
	}
	return NULL;
}

static bool
has_status(const json_t *approval, const char *status)
{
	return strcmp(json_text(approval, "status"), status) == 0;
}

/* ---- the step -------------------------------------------------------- */

/* By how far the policy opens the jail. */
static const char *
risk_level(const struct workflow_state *state)
{
	const json_t *program = workflow_state_part(state, "program");
	const char *level = json_text(program, "security_level");

	if (strcmp(level, "permissive") == 0)
		return "high";
	return strcmp(level, "strict") == 0 ? "low" : "medium";
}

static int
approval_request(struct step_context *c, uint64_t now_us, struct err *e)
{
	uint32_t minutes = c->api->config.approval_timeout_minutes;
	uint64_t expires_us = now_us + (uint64_t)minutes * 60000000u;
	char digest[DIGEST_HEX_SIZE], id[PROTO_ID_MAX];
	json_t *approval;

	digest_workflow(c->state, digest);
	job_id_new(id);
	approval = json_pack(
		"{s:s, s:O, s:O, s:s, s:s, s:s, s:s, s:I}", "approval_id", id,
		"step_id", json_object_get(c->step, "step_id"), "description",
		json_object_get(c->step, "description"), "approval_type",
		"code_deployment", "status", "pending", "risk_level",
		risk_level(c->state), "digest", digest, "expires_us",
		(json_int_t)expires_us);
	if (approval == NULL ||
	    json_array_append(workflow_state_part(c->state, "approvals"),
			      approval) < 0) {
		json_decref(approval);
		return err_set(e, ERR_IO, ENOMEM, "ask for approval");
	}
	json_object_set_new(approval, "requested_us",
			    json_integer((json_int_t)now_us));
	json_set_time(approval, "requested_at", now_us);
	json_set_time(approval, "expires_at", expires_us);
	json_decref(approval);
	workflow_state_set_status(c->state, WORKFLOW_WAITING_APPROVAL, NULL);
	c->due_us = expires_us;
	return 0;
}

/* Time that people took is not the workflow's. */
static void
extend_deadline(struct step_context *c, const json_t *approval, uint64_t now_us)
{
	int64_t waited =
		(int64_t)now_us - json_number(approval, "requested_us");
	int64_t deadline = json_number(c->state->doc, "deadline_us");

	if (waited > 0)
		json_object_set_new(c->state->doc, "deadline_us",
				    json_integer(deadline + waited));
}

static void
record_decision(json_t *approval, const char *status, const char *by,
		const char *comment, uint64_t now_us)
{
	json_object_set_new(approval, "status", json_string(status));
	json_object_set_new(approval, "response_by", json_string(by));
	json_object_set_new(approval, "comment",
			    comment != NULL ? json_string(comment)
					    : json_null());
	json_set_time(approval, "responded_at", now_us);
}

static bool
is_expired(const json_t *approval, uint64_t now_us)
{
	return now_us >= (uint64_t)json_number(approval, "expires_us");
}

enum step_result
step_approval_run(struct step_context *c, struct err *e)
{
	json_t *approval = find_by(c->state, "step_id",
				   json_object_get(c->step, "step_id"));
	uint64_t now_us = clock_wall_us();

	if (approval == NULL)
		return approval_request(c, now_us, e) < 0 ? STEP_FAILED
							  : STEP_WAIT;
	if (has_status(approval, "pending") && is_expired(approval, now_us)) {
		record_decision(approval, "rejected", "timeout",
				"nobody decided in time", now_us);
		err_set(e, ERR_DENIED, 0,
			"Approval rejected: nobody decided within %u minutes",
			c->api->config.approval_timeout_minutes);
		return STEP_FAILED;
	}
	if (has_status(approval, "pending")) {
		c->due_us = (uint64_t)json_number(approval, "expires_us");
		return STEP_WAIT;
	}
	if (!has_status(approval, "approved")) {
		err_set(e, ERR_DENIED, 0, "Approval rejected");
		return STEP_FAILED;
	}
	extend_deadline(c, approval, now_us);
	return approval_check_all(c->state, e) < 0 ? STEP_FAILED : STEP_DONE;
}

int
approval_check_all(const struct workflow_state *state, struct err *e)
{
	const json_t *approvals = workflow_state_part(state, "approvals");
	char digest[DIGEST_HEX_SIZE];

	digest_workflow(state, digest);
	for (size_t i = 0; i < json_array_size(approvals); i++) {
		const json_t *approval = json_array_get(approvals, i);

		if (!has_status(approval, "approved"))
			return err_set(e, ERR_DENIED, 0,
				       "an approval is not given");
		if (strcmp(json_text(approval, "digest"), digest) != 0)
			return err_set(e, ERR_DENIED, 0,
				       "Approval void: code, tests, results "
				       "or policy changed after it was asked "
				       "for");
	}
	return 0;
}

/* ---- decisions ------------------------------------------------------- */

static int
check_open(const json_t *approval, bool is_approved, uint64_t now_us,
	   bool *ret_is_repeated, struct err *e)
{
	const char *status = json_text(approval, "status");

	*ret_is_repeated = false;
	if (strcmp(status, "pending") != 0) {
		*ret_is_repeated = has_status(
			approval, is_approved ? "approved" : "rejected");
		if (*ret_is_repeated)
			return 0;
		return err_set(e, ERR_CONFLICT, 0,
			       "the approval was already decided: %s", status);
	}
	if (is_expired(approval, now_us))
		return err_set(e, ERR_CONFLICT, 0,
			       "the approval expired and counts as rejected");
	return 0;
}

int
approval_decide(struct workflow_state *state,
		const struct approval_decision *decision, uint64_t ttl_us,
		bool *ret_is_changed, struct err *e)
{
	json_t *id = json_string(decision->approval_id);
	json_t *approval = find_by(state, "approval_id", id);
	uint64_t now_us = clock_wall_us();
	bool is_repeated;

	json_decref(id);
	*ret_is_changed = false;
	if (approval == NULL)
		return err_set(e, ERR_NOT_FOUND, 0,
			       "Approval request not found");
	if (check_open(approval, decision->is_approved, now_us, &is_repeated,
		       e) < 0)
		return -1;
	if (is_repeated)
		return 0;
	record_decision(approval,
			decision->is_approved ? "approved" : "rejected",
			decision->user_id, decision->comment, now_us);
	json_object_set_new(approval, "response_by_username",
			    json_string(decision->username));
	*ret_is_changed = true;
	if (decision->is_approved) {
		workflow_state_set_status(state, WORKFLOW_RUNNING, NULL);
		state->meta.due_us = now_us;
	} else {
		workflow_state_finish(state, WORKFLOW_FAILED,
				      "Approval rejected", ttl_us);
	}
	return 0;
}

json_t *
approval_list_pending(const struct workflow_state *state)
{
	const json_t *approvals = workflow_state_part(state, "approvals");
	json_t *pending = json_array();

	for (size_t i = 0; i < json_array_size(approvals); i++) {
		json_t *approval = json_array_get(approvals, i);

		if (has_status(approval, "pending"))
			json_array_append(pending, approval);
	}
	return pending;
}
