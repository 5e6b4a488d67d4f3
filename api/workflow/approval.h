/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approval.h - asking a person, and what the answer does.  An approval is bound
 * to the digest of exactly what was there when it was asked for.
 */
#ifndef PC_API_WORKFLOW_APPROVAL_H
#define PC_API_WORKFLOW_APPROVAL_H

#include <stdbool.h>

#include "api/workflow/state.h"
#include "supervisor/base/err.h"

struct approval_decision {
	const char *approval_id;
	bool is_approved;
	const char *user_id; /* who decides */
	const char *username;
	const char *comment; /* or NULL */
};

/*
 * Put the decision into the document; the caller saves it if *ret_is_changed.
 * ERR_NOT_FOUND: no such approval.  ERR_CONFLICT: decided otherwise already,
 * or too late.  The same decision once more is success without change.
 */
int approval_decide(struct workflow_state *state,
		    const struct approval_decision *decision, uint64_t ttl_us,
		    bool *ret_is_changed, struct err *e);

/* Each approval of the workflow is approved and fits what is there now? */
int approval_check_all(const struct workflow_state *state, struct err *e);

/* An array of the approvals that wait for somebody; a new reference. */
json_t *approval_list_pending(const struct workflow_state *state);

#endif
