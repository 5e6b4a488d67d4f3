/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approval.c - a decision, from a person who has signed in, put into the
 * document.  The first terminal decision wins; what comes twice is harmless;
 * what comes before the step asks is kept for it.
 */
#include "api/workflow/approval.h"

#include <stdio.h>
#include <string.h>

#include "api/workflow/digest.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"

struct deciding {
	const struct api *api;
	struct job_host *host;
	struct workflow_state *state;
	const struct approval_decision *decision;
	struct approval_answer *ret;
	json_t *approval;
	uint64_t now_us;
};

static const char *
word(bool is_approved)
{
	return is_approved ? "approved" : "rejected";
}

static uint64_t
ttl_us(const struct api *api)
{
	return (uint64_t)api->config.state_ttl_hours * 3600000000u;
}

/* ---- ends ------------------------------------------------------------ */

static void
tell_decided(struct deciding *d)
{
	struct err e = ERR_INIT;

	if (approval_tell(d->api, d->state, d->approval, APPROVAL_NEWS_DECIDED,
			  &e) < 0)
		log_error("event=approval_tell workflow=%s error=\"%s\"",
			  d->state->meta.workflow_id, e.text);
}

/* It is rejected, and with it the workflow has failed. */
static int
end_rejected(struct deciding *d, const char *by, const char *comment,
	     const char *error)
{
	approval_close(d->approval, "rejected", by, comment, d->now_us);
	workflow_state_event(d->state, "approval_rejected", NULL, error);
	tell_decided(d);
	d->ret->is_changed = true;
	return workflow_state_finish(d->state, WORKFLOW_FAILED, error,
				     ttl_us(d->api));
}

static int
end_expired(struct deciding *d, struct err *e)
{
	end_rejected(d, "timeout", "nobody decided in time",
		     "Approval rejected: nobody decided in time");
	return err_set(e, ERR_CONFLICT, 0,
		       "the approval expired and counts as rejected");
}

static int
end_void(struct deciding *d, const struct err *why, struct err *e)
{
	end_rejected(d, "system", why->text, why->text);
	return err_set(e, ERR_CONFLICT, 0, "%s", why->text);
}

static void
end_approved(struct deciding *d)
{
	approval_close(d->approval, "approved", d->decision->user_id,
		       d->decision->comment, d->now_us);
	json_object_set_new(d->approval, "response_by_username",
			    json_string(d->decision->username));
	workflow_state_event(d->state, "approval_approved", NULL, NULL);
	tell_decided(d);
	workflow_state_set_status(d->state, WORKFLOW_RUNNING, NULL);
	d->state->meta.due_us = d->now_us;
}

/* ---- a decision on what was asked ------------------------------------ */

/* 1: the same once more; 0: new; -1. */
static int
check_own_vote(const struct deciding *d, struct err *e)
{
	const json_t *vote =
		approval_vote_of(d->approval, d->decision->user_id);
	const char *had = json_text(vote, "decision");

	if (vote == NULL)
		return 0;
	if (strcmp(had, word(d->decision->is_approved)) == 0)
		return 1;
	return err_set(e, ERR_CONFLICT, 0, "you have already decided: %s", had);
}

static int
check_digest(const struct deciding *d, struct err *e)
{
	const char *shown = json_text(d->approval, "digest");

	if (d->decision->digest == NULL ||
	    strcmp(d->decision->digest, shown) == 0)
		return 0;
	return err_set(e, ERR_CONFLICT, 0,
		       "digest is not that of what is to be approved, which "
		       "is %s",
		       shown);
}

/* 1: take it; 0: nothing to do; -1. */
static int
check_open(struct deciding *d, struct err *e)
{
	int own = check_own_vote(d, e);

	if (own != 0)
		return own < 0 ? -1 : 0;
	if (!approval_has_status(d->approval, "pending"))
		return err_set(e, ERR_CONFLICT, 0,
			       "the approval was already decided: %s",
			       json_text(d->approval, "status"));
	if (approval_is_expired(d->approval, d->now_us))
		return end_expired(d, e);
	if (check_digest(d, e) < 0)
		return -1;
	if (json_array_size(json_object_get(d->approval, "votes")) >=
	    APPROVAL_VOTES_MAX)
		return err_set(e, ERR_CONFLICT, 0,
			       "the approval has too many votes");
	return 1;
}

static int
reject(struct deciding *d)
{
	approval_add_vote(d->approval, d->decision, NULL, d->now_us);
	json_object_set_new(d->approval, "response_by_username",
			    json_string(d->decision->username));
	return end_rejected(d, d->decision->user_id, d->decision->comment,
			    "Approval rejected");
}

static int
approve(struct deciding *d, struct err *e)
{
	size_t votes = 0, required = approval_required(d->api, d->approval);
	struct err why = ERR_INIT;
	char message[80];

	if (approval_check_shown(d->host, d->state, d->approval, &why) < 0)
		return end_void(d, &why, e);
	approval_add_vote(d->approval, d->decision, NULL, d->now_us);
	if (approval_count_votes(d->api, d->state, d->approval, &votes, e) < 0)
		return -1;
	json_object_set_new(d->approval, "approvals_given",
			    json_integer((json_int_t)votes));
	d->ret->is_changed = true;
	snprintf(message, sizeof(message), "%zu of %zu people approved", votes,
		 required);
	workflow_state_event(d->state, "approval_vote", NULL, message);
	if (votes >= required)
		end_approved(d);
	return 0;
}

static int
decide_asked(struct deciding *d, struct err *e)
{
	int open;

	d->ret->approval = d->approval;
	open = check_open(d, e);
	if (open <= 0)
		return open;
	return d->decision->is_approved ? approve(d, e) : reject(d);
}

/* ---- a decision that comes early ------------------------------------- */

/* Is it the id that a step of the plan will ask with next? */
static bool
is_to_come(const struct workflow_state *state, const char *approval_id)
{
	for (size_t i = 0; i < workflow_state_steps(state); i++) {
		const json_t *step = workflow_state_step(state, i);
		int64_t step_id = json_number(step, "step_id");
		const json_t *last = approval_of_step(state, step_id);
		char id[40];

		if (strcmp(json_text(step, "type"), "approval") != 0)
			continue;
		digest_approval_id(state->meta.workflow_id, (uint32_t)step_id,
				   (uint32_t)json_number(last, "round") + 1,
				   id);
		if (strcmp(id, approval_id) == 0)
			return true;
	}
	return false;
}

static json_t *
early_of(struct workflow_state *state)
{
	json_t *early = workflow_state_part(state, "early_decisions");

	if (early == NULL) {
		early = json_object();
		json_object_set_new(state->doc, "early_decisions", early);
	}
	return early;
}

/*
 * Kept as an approval that has nothing but votes; the step takes them over when
 * it asks.
 */
static int
decide_early(struct deciding *d, struct err *e)
{
	json_t *early = early_of(d->state);
	const char *id = d->decision->approval_id;
	json_t *kept = json_object_get(early, id);
	int own;

	d->ret->is_early = true;
	if (kept == NULL) {
		kept = json_object();
		json_object_set_new(early, id, kept);
	}
	d->approval = kept;
	own = check_own_vote(d, e);
	if (own != 0)
		return own < 0 ? -1 : 0;
	if (json_array_size(json_object_get(kept, "votes")) >=
	    APPROVAL_EARLY_MAX)
		return err_set(e, ERR_CONFLICT, 0,
			       "too many decisions came before it was asked");
	approval_add_vote(kept, d->decision, NULL, d->now_us);
	workflow_state_event(d->state, "approval_early", NULL, NULL);
	d->ret->is_changed = true;
	return 0;
}

int
approval_decide(const struct api *api, struct job_host *host,
		struct workflow_state *state,
		const struct approval_decision *decision,
		struct approval_answer *ret, struct err *e)
{
	struct deciding d = {
		.api = api,
		.host = host,
		.state = state,
		.decision = decision,
		.ret = ret,
		.approval = approval_by_id(state, decision->approval_id),
		.now_us = clock_wall_us(),
	};

	*ret = (struct approval_answer){0};
	if (d.approval != NULL)
		return decide_asked(&d, e);
	if (!workflow_status_is_terminal(workflow_state_status(state)) &&
	    is_to_come(state, decision->approval_id))
		return decide_early(&d, e);
	return err_set(e, ERR_NOT_FOUND, 0, "Approval request not found");
}
