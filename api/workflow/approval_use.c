/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approval_use.c - is an approval worth anything at the moment of its use?
 *
 * What was decided before a wait, a restart or a change of the operator's mind
 * is not taken over: what is there now is hashed again, the supervisor is asked
 * for its policy, everybody who voted is looked up, and today's settings say
 * how many it takes.
 */
#include <string.h>

#include "api/jobs/host.h"
#include "api/workflow/approval.h"
#include "api/workflow/approval_assess.h"
#include "api/workflow/digest.h"
#include "supervisor/base/clock.h"

/* ---- who ------------------------------------------------------------- */

bool
approval_may_decide(const struct api_config *config, const char *user_id,
		    enum user_role role, const char *owner_id)
{
	/* Four eyes: an owner's role does not help him. */
	if (strcmp(user_id, owner_id) == 0)
		return config->approval_allow_self;
	return role == USER_ROLE_APPROVER || role == USER_ROLE_ADMIN;
}

int
approval_may_still_decide(const struct api *api,
			  const struct workflow_state *state,
			  const char *user_id, struct err *e)
{
	struct store_user user;

	if (store_user_get_by_id(api->store, user_id, &user, e) < 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	return !user.is_disabled &&
	       approval_may_decide(&api->config, user.user_id, user.role,
				   state->meta.user_id);
}

/* Has the same person an earlier vote here that counts? */
static bool
is_repeated(const json_t *votes, size_t i)
{
	const char *user_id = json_text(json_array_get(votes, i), "user_id");

	for (size_t k = 0; k < i; k++) {
		const json_t *vote = json_array_get(votes, k);

		if (json_object_get(vote, "void") == NULL &&
		    strcmp(json_text(vote, "user_id"), user_id) == 0)
			return true;
	}
	return false;
}

int
approval_count_votes(const struct api *api, const struct workflow_state *state,
		     const json_t *approval, size_t *ret, struct err *e)
{
	const json_t *votes = json_object_get(approval, "votes");
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(votes); i++) {
		const json_t *vote = json_array_get(votes, i);
		int may;

		if (json_object_get(vote, "void") != NULL ||
		    strcmp(json_text(vote, "decision"), "approved") != 0 ||
		    is_repeated(votes, i))
			continue;
		may = approval_may_still_decide(api, state,
						json_text(vote, "user_id"), e);
		if (may < 0)
			return -1;
		count += may > 0;
	}
	*ret = count;
	return 0;
}

size_t
approval_required(const struct api *api, const json_t *approval)
{
	const json_t *options = json_object_get(approval, "options");
	enum approval_risk risk =
		approval_risk_by_name(json_text(approval, "risk_level"));
	size_t shown = (size_t)json_number(options, "required_approvers");
	size_t wanted = api->config.approval_required[risk];

	if (shown < 1)
		shown = 1;
	return shown > wanted ? shown : wanted;
}

/* ---- what ------------------------------------------------------------ */

static int
check_content(const struct workflow_state *state, const json_t *approval,
	      struct err *e)
{
	char digest[DIGEST_HEX_SIZE];

	digest_workflow(state, digest);
	if (strcmp(json_text(approval, "digest"), digest) == 0)
		return 0;
	return err_set(e, ERR_DENIED, 0,
		       "Approval void: code, tests, results, analysis or "
		       "policy changed after it was asked for");
}

/*
 * A supervisor that does not answer is no reason to lose a decision: nothing is
 * released without it, and then it looks by itself.
 */
static int
check_policy(struct job_host *host, const json_t *approval, struct err *e)
{
	const json_t *policy = json_object_get(approval, "policy");
	struct err why = ERR_INIT;

	if (host == NULL || !json_is_object(policy) ||
	    job_host_check_policy(host, json_text(policy, "name"),
				  json_text(policy, "sha256"), &why) == 0 ||
	    why.kind != ERR_CONFLICT)
		return 0;
	return err_set(e, ERR_DENIED, 0,
		       "Approval void: %s after it was asked for; start the "
		       "workflow again",
		       why.text);
}

int
approval_check_shown(struct job_host *host, const struct workflow_state *state,
		     const json_t *approval, struct err *e)
{
	if (check_content(state, approval, e) < 0)
		return -1;
	return check_policy(host, approval, e);
}

/* ---- use ------------------------------------------------------------- */

/* A machine said yes: would it say so under today's settings? */
static bool
may_still_be_auto(const struct api *api, const struct workflow_state *state,
		  const json_t *approval)
{
	const char *max = api->config.approval_auto_max_risk;
	enum approval_risk risk =
		approval_risk_by_name(json_text(approval, "risk_level"));

	return strcmp(max, "none") != 0 && risk <= approval_risk_by_name(max) &&
	       approval_required(api, approval) == 1 &&
	       approval_is_clean(state, api->config.approval_auto_min_score);
}

static enum approval_use
check_one(const struct api *api, struct job_host *host,
	  const struct workflow_state *state, const json_t *approval,
	  struct err *e)
{
	size_t votes = 0, required = approval_required(api, approval);

	if (!approval_has_status(approval, "approved")) {
		err_set(e, ERR_DENIED, 0, "an approval is not given");
		return APPROVAL_USE_VOID;
	}
	if (approval_check_shown(host, state, approval, e) < 0)
		return APPROVAL_USE_VOID;
	if (json_is_true(json_object_get(approval, "is_automatic"))) {
		if (may_still_be_auto(api, state, approval))
			return APPROVAL_USE_OK;
		err_set(e, ERR_DENIED, 0,
			"Approval void: it was given automatically, which the "
			"settings do not allow any more");
		return APPROVAL_USE_ASK;
	}
	if (approval_count_votes(api, state, approval, &votes, e) < 0)
		return APPROVAL_USE_FAILED;
	if (votes >= required)
		return APPROVAL_USE_OK;
	err_set(e, ERR_DENIED, 0,
		"Approval void: %zu of %zu who must approve still may", votes,
		required);
	return APPROVAL_USE_ASK;
}

/* A step that is skipped because nothing asks for it. */
static bool
is_left_out(const json_t *step)
{
	return strcmp(json_text(step, "status"), "skipped") == 0 &&
	       !json_is_true(json_object_get(step, "is_required"));
}

enum approval_use
approval_check_use(const struct api *api, struct job_host *host,
		   const struct workflow_state *state, json_t **ret_approval,
		   struct err *e)
{
	for (size_t i = 0; i < workflow_state_steps(state); i++) {
		const json_t *step = workflow_state_step(state, i);
		enum approval_use use;

		if (strcmp(json_text(step, "type"), "approval") != 0 ||
		    is_left_out(step))
			continue;
		*ret_approval =
			approval_of_step(state, json_number(step, "step_id"));
		use = check_one(api, host, state, *ret_approval, e);
		if (use != APPROVAL_USE_OK)
			return use;
	}
	return APPROVAL_USE_OK;
}

bool
approval_is_enforced(const struct api_config *config, const char *goal)
{
	if (strcmp(config->approval_for_release, "enforce") == 0)
		return true;
	return strcmp(approval_type_of_goal(goal), "external_api") == 0 &&
	       strcmp(config->approval_for_external, "enforce") == 0;
}

int
approval_check_enforced(const struct api *api,
			const struct workflow_state *state, struct err *e)
{
	if (!approval_is_enforced(&api->config, json_text(state->doc, "goal")))
		return 0;
	for (size_t i = 0; i < workflow_state_steps(state); i++) {
		const json_t *step = workflow_state_step(state, i);

		if (strcmp(json_text(step, "type"), "approval") == 0 &&
		    strcmp(json_text(step, "status"), "completed") == 0)
			return 0;
	}
	return err_set(e, ERR_DENIED, 0,
		       "Approval required: REQUIRE_APPROVAL_FOR_... says "
		       "enforce since the workflow began, and nobody was "
		       "asked; start it again");
}

void
approval_supersede(struct workflow_state *state, json_t *approval,
		   const char *reason)
{
	approval_close(approval, "rejected", "system", reason, clock_wall_us());
	json_object_set_new(approval, "is_superseded", json_true());
	workflow_state_event(state, "approval_void", NULL, reason);
}
