/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workflows.c - reading workflows: GET /api/v3/execute/status/{id} and GET
 * /api/v3/workflows.  What the document holds beyond the answer (the context
 * with its code, leases, deadlines) stays inside.
 */
#include <stdlib.h>
#include <string.h>

#include "api/http/handlers.h"
#include "api/routes/routes.h"
#include "api/workflow/approval.h"
#include "api/workflow/step.h"
#include "supervisor/base/str.h"

#define LIST_DEFAULT 50
#define LIST_MAX 200

/* ---- what was done --------------------------------------------------- */

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

/* Agents and tools of the steps that were begun. */
static json_t *
metadata(const struct workflow_state *state)
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

/* One sentence once it is over; NULL before. */
static json_t *
execution_summary(const struct workflow_state *state)
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

/* ---- GET /api/v3/execute/status/{id} --------------------------------- */

static json_t *
artifacts(const struct workflow_state *state)
{
	const json_t *wish = json_object_get(
		workflow_state_part(state, "options"), "include_artifacts");

	if (json_is_false(wish))
		return json_object();
	return json_incref(workflow_state_part(state, "artifacts"));
}

static void
copy_members(json_t *data, const struct workflow_state *state)
{
	static const char *const names[] = {
		"goal",		"status",     "current_step",
		"metrics",	"created_at", "updated_at",
		"completed_at", "error",      "execution_plan",
		"sources",	"approvals",  "timeout_minutes",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		json_t *value = json_object_get(state->doc, names[i]);

		if (value != NULL)
			json_object_set(data, names[i], value);
	}
}

static json_t *
status_data(const struct workflow_state *state)
{
	json_t *summary = execution_summary(state);
	json_t *data = json_pack(
		"{s:s, s:I, s:f, s:o, s:o}", "workflow_id",
		state->meta.workflow_id, "total_steps",
		(json_int_t)workflow_state_steps(state), "progress_percentage",
		workflow_state_progress(state), "artifacts", artifacts(state),
		"pending_approvals", approval_list_pending(state));

	copy_members(data, state);
	if (summary != NULL)
		json_object_set_new(data, "execution_summary", summary);
	return data;
}

void
execute_status(struct api *api, const struct http_request *req,
	       struct http_response *res)
{
	struct workflow_state state;

	if (route_load_workflow(api, req, &state, res) < 0)
		return;
	http_json(res, 200,
		  json_pack("{s:s, s:o, s:o}", "status", "success", "data",
			    status_data(&state), "metadata", metadata(&state)));
	workflow_state_done(&state);
}

/* ---- GET /api/v3/workflows?limit= ------------------------------------ */

static int
append_row(void *arg, const struct store_workflow_meta *meta,
	   const char *summary)
{
	json_t *row = json_loads(summary, JSON_ALLOW_NUL, NULL);

	(void)meta;
	return json_array_append_new(arg, row);
}

static int
parse_limit(const struct http_request *req, uint32_t *ret,
	    struct http_response *res)
{
	const char *text = http_query(req, "limit");
	uint64_t limit = LIST_DEFAULT;

	if (text != NULL &&
	    (str_to_u64(text, LIST_MAX, &limit) < 0 || limit == 0)) {
		http_problem(res, 422, "limit", "limit must be 1 to %d",
			     LIST_MAX);
		return -1;
	}
	*ret = (uint32_t)limit;
	return 0;
}

void
workflows_list(struct api *api, const struct http_request *req,
	       struct http_response *res)
{
	const char *owner =
		req->user.role == USER_ROLE_ADMIN ? NULL : req->user.user_id;
	json_t *rows;
	uint32_t limit;
	struct err e;

	if (parse_limit(req, &limit, res) < 0)
		return;
	rows = json_array();
	if (store_workflow_list(api->store, owner, limit, append_row, rows,
				&e) < 0) {
		json_decref(rows);
		http_problem_from_err(res, &e);
		return;
	}
	http_json(res, 200,
		  json_pack("{s:s, s:{s:o}}", "status", "success", "data",
			    "workflows", rows));
}
