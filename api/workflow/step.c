/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step.c - the table of step types, and plans made from it.
 */
#include "api/workflow/step.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/workflow/classify.h"
#include "api/workflow/mend.h"
#include "api/workflow/program.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

/*
 * The words matter: the specification's rules (classify.h) tell a step's kind
 * and agent from its description.
 */
static const char *
describe_plan(const struct plan_facts *facts)
{
	(void)facts;
	return "Break the goal down into steps";
}

static const char *
describe_generate(const struct plan_facts *facts)
{
	if (facts->has_code)
		return "Create the program from the code given";
	return facts->has_recipes ? "Create the program from the cookbook"
				  : "Write code and tests for the goal";
}

static const char *
describe_test(const struct plan_facts *facts)
{
	return facts->has_tests || !facts->has_code
		       ? "Run the tests in a jail"
		       : "Run the program in a jail to verify that it works";
}

static const char *
describe_security(const struct plan_facts *facts)
{
	(void)facts;
	return "Analyze the code for security weaknesses";
}

static const char *
describe_approval(const struct plan_facts *facts)
{
	(void)facts;
	return "Approve the release of code and results";
}

static const char *
describe_finalize(const struct plan_facts *facts)
{
	(void)facts;
	return "Release the artifacts with their evidence";
}

/* Only what is to be written needs a plan. */
static bool
has_planner(const struct plan_facts *facts)
{
	return facts->has_planner && !facts->has_code;
}

static bool
has_analyst(const struct plan_facts *facts)
{
	return facts->has_analyst;
}

/* It may turn out to be needed only when the analysis is there. */
static bool
may_need_approval(const struct plan_facts *facts)
{
	return facts->needs_approval || (facts->has_analyst && facts->may_ask);
}

static bool
needs_approval(const struct workflow_state *state, const json_t *step)
{
	return json_is_true(json_object_get(step, "is_required")) ||
	       (mend_serious_findings(state) > 0 &&
		!program_is_trial(workflow_state_part(state, "context")));
}

#define KIND(kind) (UINT32_C(1) << (kind))
#define MAY_PASS (KIND(ERR_PEER) | KIND(ERR_BUSY))

static const char *const plan_changes[] = {"reply", NULL};
static const char *const generate_changes[] = {
	"artifacts", "program", "sources", "reply", "authored",
	"iteration", "mending", "settled", "best", /* which one counts */
	NULL,
};
static const char *const judge_changes[] = {"artifacts", "iterations", "best",
					    NULL};
static const char *const approval_changes[] = {"approvals", "early_decisions",
					       "deadline_us", NULL};
static const char *const finalize_changes[] = {
	"artifacts", "release", "approvals", "execution_plan", NULL};

/* In the order of a plan. */
static const struct step_type types[] = {
	{
		.type = "plan",
		.agent = "create_agent",
		.tool = "sequential_thinking",
		.estimate_s = 5,
		.timeout_s = 900,
		.is_once = true,
		.retry = {.kinds = MAY_PASS,
			  .attempts = 3,
			  .base_ms = 1000,
			  .max_ms = 60000},
		.may_change = plan_changes,
		.describe = describe_plan,
		.is_planned = has_planner,
		.run = step_plan_run,
	},
	{
		.type = "generate",
		.estimate_s = 1,
		.timeout_s = 3600,
		.retry = {.kinds = MAY_PASS, .base_ms = 1000, .max_ms = 60000},
		.may_change = generate_changes,
		.describe = describe_generate,
		.run = step_generate_run,
	},
	{
		.type = "test",
		.tool = "code_interpreter",
		.estimate_s = 5,
		.retry = {.kinds = MAY_PASS | KIND(ERR_IO),
			  .base_ms = 1000,
			  .max_ms = 60000},
		.may_change = judge_changes,
		.describe = describe_test,
		.run = step_test_run,
	},
	{
		.type = "security",
		.tool = "heimdall",
		.estimate_s = 10,
		.timeout_s = 3600,
		.retry = {.kinds = MAY_PASS, .base_ms = 1000, .max_ms = 60000},
		.may_change = judge_changes,
		.describe = describe_security,
		.is_planned = has_analyst,
		.run = step_security_run,
	},
	{
		.type = "approval",
		.agent = "human_in_loop",
		.tool = "human_in_loop",
		.estimate_s = 300,
		.waits_for_people = true,
		.may_change = approval_changes,
		.describe = describe_approval,
		.is_planned = may_need_approval,
		.is_needed = needs_approval,
		.run = step_approval_run,
	},
	{
		.type = "finalize",
		.estimate_s = 1,
		.retry = {.kinds = MAY_PASS | KIND(ERR_IO),
			  .base_ms = 1000,
			  .max_ms = 60000},
		.may_change = finalize_changes,
		.describe = describe_finalize,
		.run = step_finalize_run,
	},
};

const struct step_type *
step_types(size_t *ret_len)
{
	*ret_len = ARRAY_LEN(types);
	return types;
}

const struct step_type *
step_type_find(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcmp(types[i].type, type) == 0)
			return &types[i];
	}
	return NULL;
}

/* ---- plans ----------------------------------------------------------- */

/* Who writes code is chosen by what it is for. */
static const char *
agent_of(const struct step_type *type, const struct plan_facts *facts,
	 const char *description)
{
	if (type->agent != NULL)
		return type->agent;
	if (type->run == step_generate_run && facts->goal != NULL)
		return classify_agent(facts->goal);
	return classify_agent(description);
}

static json_t *
planned_step(const struct step_type *type, const struct plan_facts *facts,
	     size_t number)
{
	const char *description = type->describe(facts);
	char estimate[32];
	json_t *step;

	if (type->estimate_s < 60)
		snprintf(estimate, sizeof(estimate), "%u second%s",
			 type->estimate_s, type->estimate_s == 1 ? "" : "s");
	else
		snprintf(estimate, sizeof(estimate), "%u minute%s",
			 type->estimate_s / 60,
			 type->estimate_s < 120 ? "" : "s");
	step = json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:i}", "step",
			 (json_int_t)number, "step_id", (json_int_t)number,
			 "type", type->type, "kind", classify_type(description),
			 "description", description, "agent",
			 agent_of(type, facts, description),
			 "estimated_duration", estimate, "estimate_s",
			 (int)type->estimate_s);
	if (step != NULL && type->is_needed != NULL)
		json_object_set_new(step, "is_required",
				    json_boolean(facts->needs_approval));
	return step;
}

json_t *
workflow_plan_new(const struct plan_facts *facts)
{
	json_t *plan = json_array();

	for (size_t i = 0; plan != NULL && i < ARRAY_LEN(types); i++) {
		const struct step_type *type = &types[i];

		if (type->is_planned != NULL && !type->is_planned(facts))
			continue;
		if (json_array_append_new(
			    plan, planned_step(type, facts,
					       json_array_size(plan) + 1)) <
		    0) {
			json_decref(plan);
			return NULL;
		}
	}
	return plan;
}

double
workflow_plan_minutes(const json_t *plan)
{
	int64_t seconds = 0;

	for (size_t i = 0; i < json_array_size(plan); i++)
		seconds += json_number(json_array_get(plan, i), "estimate_s");
	return (double)seconds / 60;
}
