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
#include "api/routes/status_cache.h"
#include "api/workflow/approval.h"
#include "api/workflow/completion.h"
#include "api/workflow/iteration.h"
#include "supervisor/base/str.h"

#define LIST_DEFAULT 50
#define LIST_MAX 200

/* ---- GET /api/v3/execute/status/{id} --------------------------------- */

static void
copy_members(json_t *data, const struct workflow_state *state)
{
	static const char *const names[] = {
		"goal",		"status",     "current_step",
		"metrics",	"created_at", "updated_at",
		"completed_at", "error",      "execution_plan",
		"sources",	"approvals",  "timeout_minutes",
		"settled",
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
	const json_t *iterations = workflow_state_part(state, "iterations");
	json_t *summary = completion_summary(state);
	json_t *data =
		json_pack("{s:s, s:I, s:f, s:o, s:o}", "workflow_id",
			  state->meta.workflow_id, "total_steps",
			  (json_int_t)workflow_state_steps(state),
			  "progress_percentage", workflow_state_progress(state),
			  "artifacts", completion_artifacts(state),
			  "pending_approvals", approval_list_pending(state));

	copy_members(data, state);
	if (iterations != NULL)
		json_object_set_new(data, "iterations",
				    iteration_shown_new(iterations));
	if (summary != NULL)
		json_object_set_new(data, "execution_summary", summary);
	return data;
}

/* The answer for a version that nobody has asked for yet. */
static struct http_text *
render_status(struct api *api, const struct http_request *req,
	      struct http_response *res)
{
	struct workflow_access access;
	struct workflow_state state;
	struct http_text *text;

	if (route_load_workflow(api, req, &state, res) < 0)
		return NULL;
	text = http_text_new(json_pack("{s:s, s:o, s:o}", "status", "success",
				       "data", status_data(&state), "metadata",
				       completion_metadata(&state)));
	access = workflow_access_of(&state);
	if (text != NULL)
		status_cache_put(api->statuses, &state.meta, &access, text);
	workflow_state_done(&state);
	return text;
}

void
execute_status(struct api *api, const struct http_request *req,
	       struct http_response *res)
{
	struct workflow_access access;

	res->shared = status_cache_get(api->statuses, req->workflow, &access);
	if (res->shared != NULL &&
	    !workflow_access_may_see(&access, req->user.user_id,
				     req->user.role)) {
		http_text_unref(res->shared);
		res->shared = NULL;
	}
	if (res->shared == NULL)
		res->shared = render_status(api, req, res);
	if (res->shared != NULL)
		res->status = 200;
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

void
workflows_list(struct api *api, const struct http_request *req,
	       struct http_response *res)
{
	struct store_workflow_query query = {
		.user_id = req->user.role == USER_ROLE_ADMIN
				   ? NULL
				   : req->user.user_id,
	};
	uint64_t limit = LIST_DEFAULT;
	json_t *rows;
	struct err e;

	if (route_number(req, "limit", 1, LIST_MAX, &limit, res) < 0)
		return;
	query.limit = (uint32_t)limit;
	rows = json_array();
	if (store_workflow_list(api->store, &query, append_row, rows, &e) < 0) {
		json_decref(rows);
		http_problem_from_err(res, &e);
		return;
	}
	http_json(res, 200,
		  json_pack("{s:s, s:{s:o}}", "status", "success", "data",
			    "workflows", rows));
}
