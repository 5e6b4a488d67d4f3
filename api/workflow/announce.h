/* SPDX-License-Identifier: Apache-2.0 */
/*
 * announce.h - the end of a workflow is told to those who want to know: as
 * deliveries that are stored in the same write as the end itself.
 */
#ifndef PC_API_WORKFLOW_ANNOUNCE_H
#define PC_API_WORKFLOW_ANNOUNCE_H

#include "api/api.h"
#include "api/workflow/state.h"

/*
 * Call before each save that may end a workflow; nothing is added if it has
 * not ended, or was announced before.
 */
void workflow_announce(struct api *api, struct workflow_state *state);

#endif
