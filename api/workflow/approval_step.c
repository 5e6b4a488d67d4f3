/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approval_step.c - the step that asks people.  While it waits, it is a row
 * with a due time: its next reminder, or its expiry, which is a rejection.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/workflow/approval.h"
#include "api/workflow/approval_assess.h"
#include "api/workflow/digest.h"
#include "api/workflow/step.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/wire/proto.h"

#define MINUTE_US 60000000ull

/* A request on its way to being asked. */
struct asking {
	struct step_context *c;
	struct approval_assessment found;
	const json_t *wish; /* options.approval of the client, or NULL */
	json_t *approval;
	uint64_t now_us;
};

/* ---- what is asked --------------------------------------------------- */

/* The client may shorten what the operator allows. */
static uint32_t
timeout_minutes(const struct asking *a)
{
	uint32_t most = a->c->api->config.approval_timeout_minutes;
	int64_t wish = json_number(a->wish, "timeout_minutes");

	return wish > 0 && wish < most ? (uint32_t)wish : most;
}

/* The client may raise what the operator wants. */
static json_int_t
required_approvers(const struct asking *a)
{
	json_int_t least = a->c->api->config.approval_required[a->found.risk];
	json_int_t wish = json_number(a->wish, "required_approvers");

	return wish > least ? wish : least;
}

static json_t *
options_of(const struct asking *a)
{
	json_t *channels = json_object_get(a->wish, "notification_channels");
	json_t *options = json_pack(
		"{s:i, s:I}", "timeout_minutes", (int)timeout_minutes(a),
		"required_approvers", required_approvers(a));
	json_t *threshold = json_object_get(a->wish, "auto_approve_threshold");

	if (json_is_array(channels))
		json_object_set(options, "notification_channels", channels);
	if (json_is_number(threshold))
		json_object_set(options, "auto_approve_threshold", threshold);
	return options;
}

static void
add_notice(const struct asking *a, json_t *notices, const char *kind,
	   uint32_t minutes)
{
	if (minutes == 0 || minutes >= timeout_minutes(a))
		return;
	json_array_append_new(
		notices,
		json_pack("{s:s, s:I}", "kind", kind, "due_us",
			  (json_int_t)(a->now_us + minutes * MINUTE_US)));
}

static json_t *
notices_of(const struct asking *a)
{
	const struct api_config *config = &a->c->api->config;
	json_t *notices = json_array();

	add_notice(a, notices, "reminder", config->approval_reminder_minutes);
	add_notice(a, notices, "escalated",
		   config->approval_escalation_minutes);
	return notices;
}

static void
set_times(const struct asking *a)
{
	uint64_t expires_us = a->now_us + timeout_minutes(a) * MINUTE_US;

	json_object_set_new(a->approval, "requested_us",
			    json_integer((json_int_t)a->now_us));
	json_object_set_new(a->approval, "expires_us",
			    json_integer((json_int_t)expires_us));
	json_set_time(a->approval, "requested_at", a->now_us);
	json_set_time(a->approval, "expires_at", expires_us);
}

static json_t *
approval_new(const struct asking *a, uint32_t round, const char *digest)
{
	struct workflow_state *state = a->c->state;
	const json_t *results = json_object_get(
		workflow_state_part(state, "artifacts"), "test_results");
	const char *risk = approval_risk_name(a->found.risk);
	json_t *description = json_object_get(a->c->step, "description");
	char id[40];

	digest_approval_id(state->meta.workflow_id,
			   (uint32_t)json_number(a->c->step, "step_id"), round,
			   id);
	return json_pack(
		"{s:s, s:s, s:O, s:i, s:O, s:O, s:s, s:s, s:s, s:s, s:O*, "
		"s:{s:O, s:s, s:O}, s:o, s:o, s:[], s:i}",
		"approval_id", id, "workflow_id", state->meta.workflow_id,
		"step_id", json_object_get(a->c->step, "step_id"), "round",
		(int)round, "description", description, "step_description",
		description, "approval_type", a->found.type, "status",
		"pending", "risk_level", risk, "digest", digest, "policy",
		json_object_get(results, "policy"), "context",
		"impact_assessment", a->found.impact, "risk_level", risk,
		"reasons", a->found.reasons, "options", options_of(a),
		"notices", notices_of(a), "votes", "approvals_given", 0);
}

/* ---- decisions that are there already -------------------------------- */

/* Why an early approval does not count; NULL: it does, if who gave it may. */
static const char *
approval_fault(const struct asking *a, const json_t *vote)
{
	const char *digest = json_text(vote, "digest");

	if (digest[0] == '\0')
		return "it came before there was anything to approve and "
		       "named no digest";
	if (strcmp(digest, json_text(a->approval, "digest")) != 0)
		return "it names the digest of something else";
	return NULL;
}

/* A rejection counts if who gave it still may; -1: the store failed. */
static int
early_fault(const struct asking *a, const json_t *vote, const char **ret,
	    struct err *e)
{
	int may;

	*ret = NULL;
	if (strcmp(json_text(vote, "decision"), "rejected") != 0) {
		*ret = approval_fault(a, vote);
		return 0;
	}
	may = approval_may_still_decide(a->c->api, a->c->state,
					json_text(vote, "user_id"), e);
	if (may == 0)
		*ret = "who gave it may no longer decide";
	return may < 0 ? -1 : 0;
}

static int
take_early_vote(const struct asking *a, const json_t *vote, struct err *e)
{
	const struct approval_decision decision = {
		.is_approved =
			strcmp(json_text(vote, "decision"), "approved") == 0,
		.user_id = json_text(vote, "user_id"),
		.username = json_text(vote, "username"),
		.comment = json_string_value(json_object_get(vote, "comment")),
		.digest = json_string_value(json_object_get(vote, "digest")),
	};
	const char *fault;

	if (early_fault(a, vote, &fault, e) < 0)
		return -1;
	approval_add_vote(a->approval, &decision, fault, a->now_us);
	if (!decision.is_approved && fault == NULL)
		approval_close(a->approval, "rejected", decision.user_id,
			       decision.comment, a->now_us);
	return 0;
}

static int
take_early(const struct asking *a, struct err *e)
{
	json_t *early = workflow_state_part(a->c->state, "early_decisions");
	const char *id = json_text(a->approval, "approval_id");
	const json_t *votes =
		json_object_get(json_object_get(early, id), "votes");

	for (size_t i = 0; i < json_array_size(votes); i++) {
		if (approval_has_status(a->approval, "pending") &&
		    take_early_vote(a, json_array_get(votes, i), e) < 0)
			return -1;
	}
	json_object_del(early, id);
	return 0;
}

/* What the client wished for, capped by what the operator allows. */
static bool
may_be_automatic(const struct asking *a)
{
	const struct api_config *config = &a->c->api->config;
	const json_t *wish = json_object_get(a->wish, "auto_approve_threshold");
	double score = json_number_value(wish);

	if (!json_is_number(wish) ||
	    strcmp(config->approval_auto_max_risk, "none") == 0 ||
	    a->found.risk >
		    approval_risk_by_name(config->approval_auto_max_risk) ||
	    strcmp(a->found.type, "security_override") == 0 ||
	    required_approvers(a) > 1)
		return false;
	if (score < config->approval_auto_min_score)
		score = config->approval_auto_min_score;
	return approval_is_clean(a->c->state, score);
}

static void
approve_automatically(const struct asking *a)
{
	json_object_set_new(a->approval, "is_automatic", json_true());
	approval_close(a->approval, "approved", "system",
		       "auto_approve_threshold was reached", a->now_us);
}

static int
approve_by_early_votes(const struct asking *a, struct err *e)
{
	size_t votes = 0;

	if (approval_count_votes(a->c->api, a->c->state, a->approval, &votes,
				 e) < 0)
		return -1;
	json_object_set_new(a->approval, "approvals_given",
			    json_integer((json_int_t)votes));
	if (votes >= approval_required(a->c->api, a->approval))
		approval_close(a->approval, "approved", "early decisions", NULL,
			       a->now_us);
	return 0;
}

/* ---- asking ---------------------------------------------------------- */

static enum step_result
tell(struct step_context *c, const json_t *approval, enum approval_news news,
     struct err *e)
{
	if (approval_tell(c->api, c->state, approval, news, e) == 0)
		return STEP_DONE;
	/* Without the means to tell there is no point in waiting. */
	return STEP_FAILED;
}

static enum step_result
rejected(struct step_context *c, const json_t *approval, const char *error,
	 struct err *e)
{
	workflow_state_event(c->state, "approval_rejected", c->step, error);
	if (tell(c, approval, APPROVAL_NEWS_DECIDED, e) == STEP_DONE)
		err_set(e, ERR_DENIED, 0, "%s", error);
	return STEP_FAILED;
}

static uint64_t
next_due_us(const json_t *approval)
{
	const json_t *notices = json_object_get(approval, "notices");
	int64_t due_us = json_number(approval, "expires_us");

	for (size_t i = 0; i < json_array_size(notices); i++) {
		const json_t *notice = json_array_get(notices, i);
		int64_t at_us = json_number(notice, "due_us");

		if (json_object_get(notice, "at") == NULL && at_us < due_us)
			due_us = at_us;
	}
	return (uint64_t)due_us;
}

static enum step_result
begin_wait(struct asking *a, struct err *e)
{
	struct step_context *c = a->c;

	if (approval_has_status(a->approval, "rejected"))
		return rejected(c, a->approval, "Approval rejected", e);
	if (approval_has_status(a->approval, "approved")) {
		workflow_state_event(c->state, "approval_approved", c->step,
				     json_text(a->approval, "comment"));
		return tell(c, a->approval, APPROVAL_NEWS_DECIDED, e);
	}
	if (tell(c, a->approval, APPROVAL_NEWS_REQUESTED, e) != STEP_DONE)
		return STEP_FAILED;
	workflow_state_set_status(c->state, WORKFLOW_WAITING_APPROVAL, NULL);
	c->due_us = next_due_us(a->approval);
	return STEP_WAIT;
}

static int
check_size(const struct workflow_state *state, char digest[DIGEST_HEX_SIZE],
	   struct err *e)
{
	size_t len;
	owned_mem char *text = digest_shown(state, &len);

	if (text == NULL)
		return err_set(e, ERR_IO, ENOMEM, "ask for approval");
	if (len > PROTO_SHOWN_MAX)
		return err_set(e, ERR_LIMIT, 0,
			       "code and results are %zu bytes; at most %u "
			       "can be approved",
			       len, PROTO_SHOWN_MAX);
	digest_bytes(text, len, digest);
	return 0;
}

static int
make_approval(struct asking *a, uint32_t round, struct err *e)
{
	json_t *all = workflow_state_part(a->c->state, "approvals");
	char digest[DIGEST_HEX_SIZE];

	if (check_size(a->c->state, digest, e) < 0)
		return -1;
	approval_assess(a->c->state, &a->found);
	a->approval = approval_new(a, round, digest);
	approval_assessment_done(&a->found);
	if (a->approval == NULL || json_array_append(all, a->approval) < 0) {
		json_decref(a->approval);
		return err_set(e, ERR_IO, ENOMEM, "ask for approval");
	}
	json_decref(a->approval); /* the document's now */
	set_times(a);
	return 0;
}

static enum step_result
ask(struct step_context *c, uint32_t round, struct err *e)
{
	struct asking a = {
		.c = c,
		.wish = json_object_get(
			workflow_state_part(c->state, "options"), "approval"),
		.now_us = clock_wall_us(),
	};

	if (round > DIGEST_APPROVAL_ROUNDS) {
		err_set(e, ERR_DENIED, 0,
			"Approval void: those who approved lost the right to, "
			"%d times",
			DIGEST_APPROVAL_ROUNDS);
		return STEP_FAILED;
	}
	if (make_approval(&a, round, e) < 0)
		return STEP_FAILED;
	if (take_early(&a, e) < 0)
		return step_store_failed(c, e);
	if (approval_has_status(a.approval, "pending") &&
	    approve_by_early_votes(&a, e) < 0)
		return step_store_failed(c, e);
	if (approval_has_status(a.approval, "pending") && may_be_automatic(&a))
		approve_automatically(&a);
	return begin_wait(&a, e);
}

/* ---- waiting, and what comes after ----------------------------------- */

static enum step_result
send_notices(struct step_context *c, json_t *approval, uint64_t now_us,
	     struct err *e)
{
	json_t *notices = json_object_get(approval, "notices");

	for (size_t i = 0; i < json_array_size(notices); i++) {
		json_t *notice = json_array_get(notices, i);
		bool is_reminder =
			strcmp(json_text(notice, "kind"), "reminder") == 0;

		if (json_object_get(notice, "at") != NULL ||
		    (uint64_t)json_number(notice, "due_us") > now_us)
			continue;
		json_set_time(notice, "at", now_us);
		if (tell(c, approval,
			 is_reminder ? APPROVAL_NEWS_REMINDER
				     : APPROVAL_NEWS_ESCALATED,
			 e) != STEP_DONE)
			return STEP_FAILED;
	}
	return STEP_DONE;
}

static enum step_result
wait_for_people(struct step_context *c, json_t *approval, struct err *e)
{
	uint64_t now_us = clock_wall_us();
	const json_t *options = json_object_get(approval, "options");
	char error[80];

	if (approval_is_expired(approval, now_us)) {
		approval_close(approval, "rejected", "timeout",
			       "nobody decided in time", now_us);
		snprintf(error, sizeof(error),
			 "Approval rejected: nobody decided within %lld "
			 "minutes",
			 (long long)json_number(options, "timeout_minutes"));
		return rejected(c, approval, error, e);
	}
	if (send_notices(c, approval, now_us, e) != STEP_DONE)
		return STEP_FAILED;
	c->due_us = next_due_us(approval);
	return STEP_WAIT;
}

/* Time that people took is not the workflow's. */
static void
extend_deadline(struct step_context *c, const json_t *approval)
{
	int64_t waited = json_number(approval, "responded_us") -
			 json_number(approval, "requested_us");
	int64_t deadline = json_number(c->state->doc, "deadline_us");
	int64_t most = json_number(json_object_get(approval, "options"),
				   "timeout_minutes") *
		       (int64_t)MINUTE_US;

	if (waited > 0 && waited <= most)
		json_object_set_new(c->state->doc, "deadline_us",
				    json_integer(deadline + waited));
}

static enum step_result
use(struct step_context *c, json_t *approval, struct err *e)
{
	json_t *which = NULL;

	switch (approval_check_use(c->api, c->host, c->state, &which, e)) {
	case APPROVAL_USE_OK:
		extend_deadline(c, approval);
		return STEP_DONE;
	case APPROVAL_USE_ASK:
		approval_supersede(c->state, which, e->text);
		return ask(c, (uint32_t)json_number(which, "round") + 1, e);
	case APPROVAL_USE_VOID:
		return STEP_FAILED;
	case APPROVAL_USE_FAILED:
		break;
	}
	return step_store_failed(c, e);
}

enum step_result
step_approval_run(struct step_context *c, struct err *e)
{
	json_t *approval =
		approval_of_step(c->state, json_number(c->step, "step_id"));

	if (approval == NULL)
		return ask(c, 1, e);
	if (approval_has_status(approval, "pending"))
		return wait_for_people(c, approval, e);
	if (approval_has_status(approval, "approved"))
		return use(c, approval, e);
	if (json_is_true(json_object_get(approval, "is_superseded")))
		return ask(c, (uint32_t)json_number(approval, "round") + 1, e);
	err_set(e, ERR_DENIED, 0, "Approval rejected");
	return STEP_FAILED;
}
