/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approval.h - asking people, and what their answers do.
 *
 * An approval is bound to the digest of exactly what is shown for it
 * (digest.h).  It is an entry of the document's approvals[]: what the
 * specification's 5.3 and 5.4 have, and step_id, round, digest, policy,
 * votes[], notices[].  Its id follows from workflow, step and round.  A step
 * asks anew, in another round, when those who approved may no longer.
 *
 * Nothing here believes what was decided before: content, policy and the right
 * of everybody who voted are looked at again whenever an approval is used.
 */
#ifndef PC_API_WORKFLOW_APPROVAL_H
#define PC_API_WORKFLOW_APPROVAL_H

#include <stdbool.h>

#include "api/api.h"
#include "api/workflow/state.h"
#include "supervisor/base/err.h"

struct job_host;

#define APPROVAL_EARLY_MAX 16 /* decisions kept before the step asks */
#define APPROVAL_VOTES_MAX 64

/* ---- approval.c: decisions ------------------------------------------- */

struct approval_decision {
	const char *approval_id;
	bool is_approved;
	const char *user_id; /* who decides; signed in, and may (below) */
	const char *username;
	const char *comment; /* or NULL */
	const char *digest;  /* what was looked at, or NULL */
};

struct approval_answer {
	bool is_changed; /* save the document, also if -1 was returned */
	bool is_early;	 /* the step has not asked yet; it is kept */
	/* The approval; NULL while it is early.  Borrowed. */
	const json_t *approval;
};

/* May this user decide on what the owner asked for? */
bool approval_may_decide(const struct api_config *config, const char *user_id,
			 enum user_role role, const char *owner_id);

/*
 * Put a decision into the document.  host (NULL: none) is asked whether the
 * policy is still the one that was shown.  The same decision of the same person
 * once more is success without change.  ERR_NOT_FOUND: no such approval.
 * ERR_CONFLICT: decided already, too late, another digest, or void.
 */
int approval_decide(const struct api *api, struct job_host *host,
		    struct workflow_state *state,
		    const struct approval_decision *decision,
		    struct approval_answer *ret, struct err *e);

/* ---- approval_use.c: the moment of use ------------------------------- */

enum approval_use {
	APPROVAL_USE_OK,
	APPROVAL_USE_ASK,    /* those who approved may not any more: ask */
	APPROVAL_USE_VOID,   /* it is not what was shown: *e says what */
	APPROVAL_USE_FAILED, /* the store is in trouble: *e */
};

/*
 * Is every approval of the workflow given, by people who may still give it, for
 * what is there now?  With ASK, *ret_approval is the one that is not.
 */
enum approval_use approval_check_use(const struct api *api,
				     struct job_host *host,
				     const struct workflow_state *state,
				     json_t **ret_approval, struct err *e);

/* Does the operator want people to be asked, whatever the client wishes? */
bool approval_is_enforced(const struct api_config *config, const char *goal);

/* -1, ERR_DENIED: the operator enforces approvals and nobody was asked. */
int approval_check_enforced(const struct api *api,
			    const struct workflow_state *state, struct err *e);

/* Has content or policy changed since it was asked for?  ERR_DENIED says so. */
int approval_check_shown(struct job_host *host,
			 const struct workflow_state *state,
			 const json_t *approval, struct err *e);

/* May somebody who voted still decide?  1, 0; -1: the store failed. */
int approval_may_still_decide(const struct api *api,
			      const struct workflow_state *state,
			      const char *user_id, struct err *e);

/* So many people, who still may, approved; -1: the store failed. */
int approval_count_votes(const struct api *api,
			 const struct workflow_state *state,
			 const json_t *approval, size_t *ret, struct err *e);

/* How many must: as was shown, or more if the operator wants more by now. */
size_t approval_required(const struct api *api, const json_t *approval);

/* Forget that it was approved: its step asks in another round. */
void approval_supersede(struct workflow_state *state, json_t *approval,
			const char *reason);

/* ---- approval_doc.c: the document's entries -------------------------- */

/* The newest approval of a step, or NULL. */
json_t *approval_of_step(const struct workflow_state *state, int64_t step_id);
json_t *approval_by_id(const struct workflow_state *state,
		       const char *approval_id);
bool approval_has_status(const json_t *approval, const char *status);
bool approval_is_expired(const json_t *approval, uint64_t now_us);
void approval_close(json_t *approval, const char *status, const char *by,
		    const char *comment, uint64_t now_us);
/* Append a vote; void_reason NULL: it counts. */
void approval_add_vote(json_t *approval,
		       const struct approval_decision *decision,
		       const char *void_reason, uint64_t now_us);
/* The last vote of this person that counts, or NULL. */
const json_t *approval_vote_of(const json_t *approval, const char *user_id);
/* Give the ids of their first round to the steps of a plan that ask. */
void approval_name_steps(struct workflow_state *state);

/* An array of the approvals that wait for somebody; a new reference. */
json_t *approval_list_pending(const struct workflow_state *state);
/* What a list of approvals shows of one: no code, no comment. */
json_t *approval_brief(const json_t *approval);
/* Of all of them, for the summary of a workflow. */
json_t *approval_briefs(const struct workflow_state *state);

/* ---- approval_notice.c ----------------------------------------------- */

enum approval_news {
	APPROVAL_NEWS_REQUESTED,
	APPROVAL_NEWS_REMINDER,
	APPROVAL_NEWS_ESCALATED,
	APPROVAL_NEWS_DECIDED,
};

/*
 * Put the deliveries that tell of it into the state's outgoing ones; the next
 * save stores them.  They have ids that follow from the approval's, so a crash
 * and a second try tell it once.
 */
int approval_tell(const struct api *api, struct workflow_state *state,
		  const json_t *approval, enum approval_news news,
		  struct err *e);

#endif
