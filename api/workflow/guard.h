/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.h - did a step change only what its row in the table lets it change of
 * the document?  Anything else is a bug, and an approval might rest on it.
 */
#ifndef PC_API_WORKFLOW_GUARD_H
#define PC_API_WORKFLOW_GUARD_H

#include <stddef.h>

#include "api/workflow/state.h"
#include "supervisor/base/err.h"

struct guard {
	json_t *digests; /* of each member that must stay as it is */
};

/*
 * may_change: names of members, NULL at the end; what every step's progress
 * changes (status, history, metrics, its own entry in the plan, ...) need not
 * be named.  -1: no memory.
 */
int guard_init(struct guard *ret, const struct workflow_state *state,
	       size_t step, const char *const *may_change, struct err *e);

/* Empties the guard; ERR_INVALID names a member that was changed. */
int guard_check(struct guard *guard, const struct workflow_state *state,
		size_t step, const char *const *may_change, struct err *e);

#endif
