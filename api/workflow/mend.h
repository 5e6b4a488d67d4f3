/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mend.h - the fix loop.  A program whose tests fail, or in which the analysis
 * finds serious weaknesses, goes back to the author with just those faults, up
 * to max_iterations times; what came out best in the end is taken.
 *
 * In the document: iterations[], one record for each version of the program
 * (0: the first); mending, while a new version is asked for: {iteration,
 * feedback}; best, the best version so far unless that is the present one;
 * settled, once no more is asked for: {iteration, reason}.
 */
#ifndef PC_API_WORKFLOW_MEND_H
#define PC_API_WORKFLOW_MEND_H

#include <stdbool.h>

#include "api/workflow/step.h"

/* Where the request does not say it. */
#define MEND_ITERATIONS_DEFAULT 3

/* Findings of severity high or critical in the report that is there now. */
int64_t mend_serious_findings(const struct workflow_state *state);

/* There is nothing to mend in the present version: recorded, and taken. */
void mend_accept(struct step_context *c);
/* Nothing of it may be taken, nor mended: recorded only. */
void mend_record(struct step_context *c);

/*
 * After STEP_MEND with *e, of the step "test" or "security".  STEP_MEND: its
 * steps are open again and it is saved, go on with the first of them.
 * STEP_DONE, STEP_FAILED: it is settled, and this is how the step ends.
 */
enum step_result mend_run(struct step_context *c, struct err *e);

/*
 * The author has nothing better to offer: go back to the best version.  The
 * steps that come will find its results and judge those.
 */
void mend_give_up(struct step_context *c, const char *reason);

/* Is there somebody who would mend it? */
bool mend_has_author(const struct step_context *c);
bool mend_is_under_way(const struct workflow_state *state);
bool mend_is_settled(const struct workflow_state *state);

#endif
