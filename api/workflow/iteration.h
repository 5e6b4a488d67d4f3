/* SPDX-License-Identifier: Apache-2.0 */
/*
 * iteration.h - how good one version of a workflow's program is: its record
 * (evidence, kept in iterations[]), which of two is better, and what an author
 * is told in order to mend it.  All of it is bounded, whatever a program
 * prints.
 */
#ifndef PC_API_WORKFLOW_ITERATION_H
#define PC_API_WORKFLOW_ITERATION_H

#include <jansson.h>
#include <stdbool.h>

#include "api/workflow/state.h"

/* Number of the version that is there now: 0 is the first. */
int64_t iteration_number(const struct workflow_state *state);

/*
 * The record of the present version, from its results and its report:
 * {iteration, source, program_sha256, code (if it is not long), code_bytes,
 * test_code (if the author wrote it), job_id, outcome, tests, findings,
 * failing (names of tests), faults_sha256, at}.  A new reference.
 */
json_t *iteration_record_new(const struct workflow_state *state);

/*
 * The records as a status shows them, which many ask for often: code and
 * test_code of the newest versions, ITERATION_SHOWN_MAX bytes in all; the
 * others have "code_omitted": true.  A new array.
 */
#define ITERATION_SHOWN_MAX 65536
json_t *iteration_shown_new(const json_t *records);

/* Is a better than b: passing, more tests passed, fewer findings? */
bool iteration_is_better(const json_t *a, const json_t *b);

/* Has some record before the last one the same value of this member? */
bool iteration_is_repeated(const struct workflow_state *state,
			   const char *member);

/*
 * A program without tests that its author wrote, and that ended with an exit
 * code other than 0 or by a signal: nobody but its run says whether it works.
 * A client's own program may end as it likes.
 */
bool iteration_has_crashed(const struct workflow_state *state);

/* author_task.feedback for the present version; a new reference. */
json_t *iteration_feedback_new(const struct workflow_state *state);

/* Findings of the report that is there now; serious: high or critical. */
int64_t iteration_findings(const struct workflow_state *state,
			   bool only_serious);

/* The first serious ones by name and place, in ASCII, for a sentence. */
void iteration_worst_text(const struct workflow_state *state, char *dst,
			  size_t size);

#endif
