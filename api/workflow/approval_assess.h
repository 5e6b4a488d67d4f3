/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approval_assess.h - what kind of approval a workflow needs, and how risky
 * what is to be released is: from what is known, by tables, each level with its
 * reason.  Words of the goal can raise a risk and never lower one.
 */
#ifndef PC_API_WORKFLOW_APPROVAL_ASSESS_H
#define PC_API_WORKFLOW_APPROVAL_ASSESS_H

#include <jansson.h>

#include "api/workflow/state.h"

enum approval_risk {
	APPROVAL_RISK_LOW,
	APPROVAL_RISK_MEDIUM,
	APPROVAL_RISK_HIGH,
	APPROVAL_RISK_CRITICAL,
	APPROVAL_RISK_COUNT
};

const char *approval_risk_name(enum approval_risk risk);
/* By name; CRITICAL for a word that is none of ours. */
enum approval_risk approval_risk_by_name(const char *name);

struct approval_assessment {
	enum approval_risk risk;
	const char *type; /* code_deployment, ... */
	json_t *reasons;  /* owned: [{"risk", "reason"}] */
	json_t *impact;	  /* owned: a sentence */
};

void approval_assess(const struct workflow_state *state,
		     struct approval_assessment *ret);
void approval_assessment_done(struct approval_assessment *assessment);

/* What the goal alone says of the type: known before there is any code. */
const char *approval_type_of_goal(const char *goal);

/* Results and report are such that a machine may say yes: every test passed,
 * and the analysis gave at least this score. */
bool approval_is_clean(const struct workflow_state *state, double min_score);

#endif
