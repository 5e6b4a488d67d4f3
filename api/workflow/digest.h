/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.h - SHA-256 over what a workflow has produced, so that an approval
 * and a release speak of the same bytes.
 */
#ifndef PC_API_WORKFLOW_DIGEST_H
#define PC_API_WORKFLOW_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "api/workflow/state.h"

#define DIGEST_HEX_SIZE 65

void digest_bytes(const void *bytes, size_t len, char ret[DIGEST_HEX_SIZE]);

/* Over code, tests and all else of the program, the results, the policy. */
void digest_workflow(const struct workflow_state *state,
		     char ret[DIGEST_HEX_SIZE]);

/* The id of the job that is this attempt at this step: always the same. */
void digest_job_id(const char *workflow_id, uint32_t step, uint32_t attempt,
		   char ret_id[40]);

#endif
