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

/* Of the JSON text with sorted keys. */
void digest_json(const json_t *value, char ret[DIGEST_HEX_SIZE]);

/* Over code, tests and all else of the program alone. */
void digest_program(const struct workflow_state *state,
		    char ret[DIGEST_HEX_SIZE]);

/*
 * What people are shown for an approval, as one canonical text (JSON, sorted
 * keys, no spaces): goal, code, tests and all else of the program, where they
 * came from, results, analysis, policy with its hash.  malloc'd; NULL when out
 * of memory.
 */
char *digest_shown(const struct workflow_state *state, size_t *ret_len);
/* SHA-256 of that text. */
void digest_workflow(const struct workflow_state *state,
		     char ret[DIGEST_HEX_SIZE]);

/*
 * The id of the approval that this step asks for the round-th time (from 1):
 * always the same, and known before it asks.  The id of the workflow follows
 * from it, so that an approval is found without an index.
 */
#define DIGEST_APPROVAL_STEPS 12
#define DIGEST_APPROVAL_ROUNDS 4
void digest_approval_id(const char *workflow_id, uint32_t step, uint32_t round,
			char ret_id[40]);
/* The other way; is its own inverse. */
void digest_approval_workflow(const char *approval_id, uint32_t step,
			      uint32_t round, char ret_workflow_id[40]);

/* The id of the job that is this attempt at this step: always the same. */
void digest_job_id(const char *workflow_id, uint32_t step, uint32_t attempt,
		   char ret_id[40]);

#endif
