/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approval_doc.c - the entries of approvals[] in a workflow's document:
 * finding, closing, votes, and what lists show of them.  Nothing is decided
 * here.
 */
#include <string.h>

#include "api/workflow/approval.h"
#include "api/workflow/digest.h"
#include "supervisor/base/str.h"

/*
 * A clock that was set back says nothing about how long was waited.  Small
 * corrections are not meant.
 */
#define CLOCK_BACK_US (5 * 60000000ull)

static json_t *
find_last(const struct workflow_state *state, const char *name,
	  const json_t *value)
{
	json_t *approvals = workflow_state_part(state, "approvals");

	for (size_t i = json_array_size(approvals); i > 0; i--) {
		json_t *approval = json_array_get(approvals, i - 1);

		if (json_equal(json_object_get(approval, name), value))
			return approval;
	}
	return NULL;
}

json_t *
approval_of_step(const struct workflow_state *state, int64_t step_id)
{
	json_t *id = json_integer(step_id);
	json_t *approval = find_last(state, "step_id", id);

	json_decref(id);
	return approval;
}

json_t *
approval_by_id(const struct workflow_state *state, const char *approval_id)
{
	json_t *id = json_string(approval_id);
	json_t *approval = find_last(state, "approval_id", id);

	json_decref(id);
	return approval;
}

bool
approval_has_status(const json_t *approval, const char *status)
{
	return strcmp(json_text(approval, "status"), status) == 0;
}

bool
approval_is_expired(const json_t *approval, uint64_t now_us)
{
	uint64_t asked_us = (uint64_t)json_number(approval, "requested_us");

	return now_us >= (uint64_t)json_number(approval, "expires_us") ||
	       now_us + CLOCK_BACK_US < asked_us;
}

void
approval_close(json_t *approval, const char *status, const char *by,
	       const char *comment, uint64_t now_us)
{
	json_object_set_new(approval, "status", json_string(status));
	json_object_set_new(approval, "response_by", json_string(by));
	json_object_set_new(approval, "comment",
			    comment != NULL ? json_string(comment)
					    : json_null());
	json_object_set_new(approval, "responded_us",
			    json_integer((json_int_t)now_us));
	json_set_time(approval, "responded_at", now_us);
}

/* ---- votes ----------------------------------------------------------- */

void
approval_add_vote(json_t *approval, const struct approval_decision *decision,
		  const char *void_reason, uint64_t now_us)
{
	json_t *votes = json_object_get(approval, "votes");
	json_t *vote = json_pack(
		"{s:s, s:s, s:s, s:s?, s:s?}", "user_id", decision->user_id,
		"username", decision->username, "decision",
		decision->is_approved ? "approved" : "rejected", "comment",
		decision->comment, "digest", decision->digest);

	if (vote == NULL)
		return;
	json_set_time(vote, "at", now_us);
	if (void_reason != NULL)
		json_object_set_new(vote, "void", json_string(void_reason));
	if (votes == NULL) {
		votes = json_array();
		json_object_set_new(approval, "votes", votes);
	}
	json_array_append_new(votes, vote);
}

const json_t *
approval_vote_of(const json_t *approval, const char *user_id)
{
	const json_t *votes = json_object_get(approval, "votes");

	for (size_t i = json_array_size(votes); i > 0; i--) {
		const json_t *vote = json_array_get(votes, i - 1);

		if (json_object_get(vote, "void") == NULL &&
		    strcmp(json_text(vote, "user_id"), user_id) == 0)
			return vote;
	}
	return NULL;
}

/* ---- plans and lists ------------------------------------------------- */

void
approval_name_steps(struct workflow_state *state)
{
	for (size_t i = 0; i < workflow_state_steps(state); i++) {
		json_t *step = workflow_state_step(state, i);
		char id[40];

		if (strcmp(json_text(step, "type"), "approval") != 0)
			continue;
		digest_approval_id(state->meta.workflow_id,
				   (uint32_t)json_number(step, "step_id"), 1,
				   id);
		json_object_set_new(step, "approval_id", json_string(id));
	}
}

json_t *
approval_list_pending(const struct workflow_state *state)
{
	const json_t *approvals = workflow_state_part(state, "approvals");
	json_t *pending = json_array();

	for (size_t i = 0; i < json_array_size(approvals); i++) {
		json_t *approval = json_array_get(approvals, i);

		if (approval_has_status(approval, "pending"))
			json_array_append(pending, approval);
	}
	return pending;
}

/* Who has voted, so that a list can tell who still may. */
static json_t *
voters_of(const json_t *approval)
{
	const json_t *votes = json_object_get(approval, "votes");
	json_t *voters = json_array();

	for (size_t i = 0; i < json_array_size(votes); i++) {
		const json_t *vote = json_array_get(votes, i);

		if (json_object_get(vote, "void") == NULL)
			json_array_append(voters,
					  json_object_get(vote, "user_id"));
	}
	return voters;
}

json_t *
approval_brief(const json_t *approval)
{
	static const char *const names[] = {
		"approval_id",	 "step_id",    "round",	       "description",
		"approval_type", "status",     "risk_level",   "digest",
		"requested_at",	 "expires_at", "responded_at", "response_by",
		"is_automatic",
	};
	const json_t *options = json_object_get(approval, "options");
	json_t *brief = json_object();

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		json_t *value = json_object_get(approval, names[i]);

		if (value != NULL)
			json_object_set(brief, names[i], value);
	}
	json_object_set(brief, "required_approvers",
			json_object_get(options, "required_approvers"));
	json_object_set_new(brief, "voted_by", voters_of(approval));
	return brief;
}

json_t *
approval_briefs(const struct workflow_state *state)
{
	const json_t *approvals = workflow_state_part(state, "approvals");
	json_t *briefs = json_array();

	for (size_t i = 0; i < json_array_size(approvals); i++)
		json_array_append_new(
			briefs, approval_brief(json_array_get(approvals, i)));
	return briefs;
}
