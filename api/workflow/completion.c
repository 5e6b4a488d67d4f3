/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion.c - see completion.h.
 */
#include "api/workflow/completion.h"

#include <string.h>

#include "api/workflow/step.h"

static void
add_once(json_t *array, const char *text)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *there = json_string_value(json_array_get(array, i));

		if (strcmp(there, text) == 0)
			return;
	}
	json_array_append_new(array, json_string(text));
}

/* Agents and tools of the steps that were begun, and what it took. */
json_t *
completion_metadata(const struct workflow_state *state)
{
	json_t *agents = json_array(), *tools = json_array();
	json_t *metrics = workflow_state_part(state, "metrics");

	for (size_t i = 0; i < workflow_state_steps(state); i++) {
		const json_t *step = workflow_state_step(state, i);
		const struct step_type *type =
			step_type_find(json_text(step, "type"));

		if (json_object_get(step, "started_at") == NULL)
			continue;
		add_once(agents, json_text(step, "agent"));
		if (type != NULL && type->tool != NULL)
			add_once(tools, type->tool);
	}
	return json_pack("{s:o, s:o, s:I, s:O}", "agents_used", agents,
			 "tools_used", tools, "approvals_required",
			 (json_int_t)json_array_size(
				 workflow_state_part(state, "approvals")),
			 "total_cost", json_object_get(metrics, "total_cost"));
}

static json_t *
summary_of_results(const json_t *results)
{
	const json_t *tests = json_object_get(results, "tests");
	const json_t *policy = json_object_get(results, "policy");
	json_int_t ran = json_number(tests, "passed") +
			 json_number(tests, "failed") +
			 json_number(tests, "errors");

	if (json_is_object(tests))
		return json_sprintf("%lld of %lld tests passed under policy %s",
				    (long long)json_number(tests, "passed"),
				    (long long)ran, json_text(policy, "name"));
	return json_sprintf("The program ran to its end with exit code %lld "
			    "under policy %s",
			    (long long)json_number(results, "exit_code"),
			    json_text(policy, "name"));
}

json_t *
completion_summary(const struct workflow_state *state)
{
	const json_t *results = json_object_get(
		workflow_state_part(state, "artifacts"), "test_results");

	switch (workflow_state_status(state)) {
	case WORKFLOW_COMPLETED:
		return summary_of_results(results);
	case WORKFLOW_FAILED:
		return json_sprintf("Failed: %s",
				    json_text(state->doc, "error"));
	case WORKFLOW_CANCELLED:
		return json_string("Cancelled");
	default:
		return NULL;
	}
}

json_t *
completion_artifacts(const struct workflow_state *state)
{
	const json_t *wish = json_object_get(
		workflow_state_part(state, "options"), "include_artifacts");

	if (json_is_false(wish))
		return json_object();
	return json_incref(workflow_state_part(state, "artifacts"));
}

json_t *
completion_new(const struct workflow_state *state)
{
	json_t *summary = completion_summary(state);

	return json_pack("{s:s, s:{s:s, s:o, s:o, s:O}, s:o}", "status",
			 state->meta.status, "data", "workflow_id",
			 state->meta.workflow_id, "execution_summary",
			 summary != NULL ? summary : json_null(), "artifacts",
			 completion_artifacts(state), "metrics",
			 workflow_state_part(state, "metrics"), "metadata",
			 completion_metadata(state));
}
