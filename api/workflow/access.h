/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.h - who may see a workflow: one rule for its status, its events and
 * everything else that is shown of it.
 */
#ifndef PC_API_WORKFLOW_ACCESS_H
#define PC_API_WORKFLOW_ACCESS_H

#include <stdbool.h>

#include "api/store/store.h"
#include "api/workflow/state.h"

/* What of a workflow the rule looks at; kept where the document is not. */
struct workflow_access {
	char user_id[40];   /* whose it is */
	bool asks_approval; /* it has asked for one, now or before */
};

struct workflow_access workflow_access_of(const struct workflow_state *state);

/*
 * Its owner, an admin, and an approver once it has asked for an approval:
 * nobody can approve what he may not read.
 */
bool workflow_access_may_see(const struct workflow_access *access,
			     const char *user_id, enum user_role role);

#endif
