/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.c - see access.h.
 */
#include "api/workflow/access.h"

#include <string.h>

struct workflow_access
workflow_access_of(const struct workflow_state *state)
{
	struct workflow_access access = {0};

	memcpy(access.user_id, state->meta.user_id, sizeof(access.user_id));
	access.asks_approval =
		json_array_size(workflow_state_part(state, "approvals")) > 0;
	return access;
}

bool
workflow_access_may_see(const struct workflow_access *access,
			const char *user_id, enum user_role role)
{
	return strcmp(user_id, access->user_id) == 0 ||
	       role == USER_ROLE_ADMIN ||
	       (role == USER_ROLE_APPROVER && access->asks_approval);
}
