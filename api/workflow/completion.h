/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion.h - what is told of a workflow at its end: the specification's
 * completion response, for those who poll and those who are notified.
 */
#ifndef PC_API_WORKFLOW_COMPLETION_H
#define PC_API_WORKFLOW_COMPLETION_H

#include "api/workflow/state.h"

/* {"agents_used", "tools_used", "approvals_required", "total_cost"} */
json_t *completion_metadata(const struct workflow_state *state);

/* One sentence once it is over; NULL before. */
json_t *completion_summary(const struct workflow_state *state);

/* artifacts, unless the client does not want them: then {}. */
json_t *completion_artifacts(const struct workflow_state *state);

/* {"status", "data", "metadata"} of section 5.1; NULL: no memory. */
json_t *completion_new(const struct workflow_state *state);

#endif
