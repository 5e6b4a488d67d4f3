/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execute.c - the life of a workflow over HTTP: POST /api/v3/execute makes one,
 * POST .../cancel/{id} ends it, POST .../approve/{id} decides an approval.
 *
 * Handlers only change the document by compare-and-set; the engine does the
 * work.
 */
#include <stdlib.h>
#include <string.h>

#include "api/http/handlers.h"
#include "api/jobs/request.h"
#include "api/jobs/text.h"
#include "api/routes/routes.h"
#include "api/workflow/approval.h"
#include "api/workflow/engine.h"
#include "api/workflow/program.h"
#include "api/workflow/step.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define GOAL_MIN 10
#define GOAL_MAX 1000
#define GOAL_MAX_BYTES 4000 /* UTF-8 */
#define SAVE_TRIES 8

static const struct field project_fields[] = {
	{"repo_url", FIELD_STRING, FIELD_NULLABLE, 0, 2048, NULL, NULL, 0},
	{"current_file", FIELD_STRING, FIELD_NULLABLE, 0, 1024, NULL, NULL, 0},
	{"file_content", FIELD_STRING, FIELD_NULLABLE, 0, ROUTE_TEXT_MAX, NULL,
	 NULL, 0},
};

static const struct field preference_fields[] = {
	{"require_approval", FIELD_BOOL, FIELD_NULLABLE, 0, 0, NULL, NULL, 0},
	{"max_iterations", FIELD_INTEGER, FIELD_NULLABLE, 0, 20, NULL, NULL, 0},
	{"timeout_minutes", FIELD_NUMBER, FIELD_NULLABLE, 1, 1440, NULL, NULL,
	 0},
	{"security_level", FIELD_ENUM, FIELD_NULLABLE, 0, 0, route_levels, NULL,
	 0},
};

static const struct field context_fields[] = {
	{"project_context", FIELD_OBJECT, FIELD_NULLABLE, 0, 0, NULL,
	 project_fields, ARRAY_LEN(project_fields)},
	{"execution_preferences", FIELD_OBJECT, FIELD_NULLABLE, 0, 0, NULL,
	 preference_fields, ARRAY_LEN(preference_fields)},
	{"language", FIELD_STRING, FIELD_NULLABLE, 0, PROTO_NAME_MAX - 1, NULL,
	 NULL, 0},
	{"code", FIELD_STRING, FIELD_NULLABLE, 0, ROUTE_TEXT_MAX, NULL, NULL,
	 0},
	{"code_path", FIELD_STRING, FIELD_NULLABLE, 1, BUNDLE_PATH_MAX, NULL,
	 NULL, 0},
	{"tests", FIELD_STRING, FIELD_NULLABLE, 0, ROUTE_TEXT_MAX, NULL, NULL,
	 0},
	{"tests_path", FIELD_STRING, FIELD_NULLABLE, 1, BUNDLE_PATH_MAX, NULL,
	 NULL, 0},
	{"test_code", FIELD_STRING, FIELD_NULLABLE, 0, ROUTE_TEXT_MAX, NULL,
	 NULL, 0},
	{"files", FIELD_ARRAY, FIELD_NULLABLE, 0, JOB_FILES_MAX, NULL,
	 &route_files_item, 1},
	{"args", FIELD_ARRAY, FIELD_NULLABLE, 0, JOB_ARGS_MAX, NULL,
	 &route_arg_item, 1},
	{"stdin", FIELD_STRING, FIELD_NULLABLE, 0, ROUTE_TEXT_MAX, NULL, NULL,
	 0},
	{"limits", FIELD_OBJECT, FIELD_NULLABLE | FIELD_CLOSED, 0, 0, NULL,
	 route_limits_fields, ARRAY_LEN(route_limits_fields)},
	{"collect", FIELD_ARRAY, FIELD_NULLABLE, 0, JOB_COLLECT_MAX, NULL,
	 &route_path_item, 1},
};

static const struct field option_fields[] = {
	{"notification_webhook", FIELD_STRING, FIELD_NULLABLE, 0, 2048, NULL,
	 NULL, 0},
	{"include_artifacts", FIELD_BOOL, FIELD_NULLABLE, 0, 0, NULL, NULL, 0},
	{"enable_human_loop", FIELD_BOOL, FIELD_NULLABLE, 0, 0, NULL, NULL, 0},
};

static const struct field execute_fields[] = {
	{"goal", FIELD_STRING, FIELD_REQUIRED, 1, GOAL_MAX_BYTES, NULL, NULL,
	 0},
	{"context", FIELD_OBJECT, FIELD_NULLABLE, 0, 0, NULL, context_fields,
	 ARRAY_LEN(context_fields)},
	{"options", FIELD_OBJECT, FIELD_NULLABLE, 0, 0, NULL, option_fields,
	 ARRAY_LEN(option_fields)},
};

static uint64_t
ttl_us(const struct api *api)
{
	return (uint64_t)api->config.state_ttl_hours * 3600000000u;
}

/* ---- POST /api/v3/execute: validate ---------------------------------- */

/* The program as the test step will get it, checked while the client waits. */
static int
check_program(struct api *api, const json_t *context,
	      const struct program_given *given, struct http_response *res)
{
	struct job_host *host = workflow_engine_host(api->engine);
	const struct job_defaults none = {0};
	char field[JOB_FIELD_MAX];
	struct job_request request;
	struct err e = ERR_INIT;
	json_t *program;
	int rc;

	/* Without a supervisor the workflow waits and is checked then. */
	if (given->code == NULL || (!job_host_has_runtimes(host) &&
				    job_host_refresh(host, NULL, &e) < 0))
		return 0;
	program = program_new(context, given, host);
	if (program == NULL) {
		err_set(&e, ERR_IO, 0, "read context");
		http_problem_from_err(res, &e);
		return -1;
	}
	rc = job_request_init(&request, program, host, &none, field, &e);
	if (rc == 0)
		job_request_done(&request);
	json_decref(program);
	if (rc < 0 && field[0] != '\0') {
		char path[JOB_FIELD_MAX + 16];

		str_printf(path, sizeof(path), "context.%s", field);
		http_problem(res, 422, path, "%s: %s", path, e.text);
		return -1;
	}
	return 0;
}

static int
check_goal(const json_t *body, struct http_response *res)
{
	const char *goal = json_text(body, "goal");
	size_t length = text_length(goal);

	if (length >= GOAL_MIN && length <= GOAL_MAX)
		return 0;
	http_problem(res, 422, "goal",
		     "goal has %zu characters; %d to %d are allowed", length,
		     GOAL_MIN, GOAL_MAX);
	return -1;
}

static int
parse_execute(struct api *api, const struct http_request *req,
	      struct program_given *given, struct http_response *res)
{
	const json_t *context = json_object_get(req->body, "context");
	struct err e;

	if (fields_check(req->body, execute_fields, ARRAY_LEN(execute_fields),
			 res) < 0 ||
	    check_goal(req->body, res) < 0)
		return -1;
	if (program_given(context, given, &e) < 0) {
		http_problem(res, 422, "context.test_code",
			     "context.test_code: %s", e.text);
		return -1;
	}
	return check_program(api, context, given, res);
}

/* ---- POST /api/v3/execute: act and render ---------------------------- */

static const json_t *
preferences(const json_t *body)
{
	return json_object_get(json_object_get(body, "context"),
			       "execution_preferences");
}

/*
 * By default every release is approved.  A program that is only tried out
 * releases nothing, so there it takes an explicit wish.
 */
static bool
needs_approval(const json_t *body, const struct program_given *given)
{
	const json_t *wish =
		json_object_get(preferences(body), "require_approval");
	const json_t *loop = json_object_get(json_object_get(body, "options"),
					     "enable_human_loop");

	if (json_is_false(loop) || json_is_false(wish))
		return false;
	return json_is_true(wish) || !given->is_trial;
}

/* What the client wishes, at most what the operator allows. */
static uint64_t
timeout_us(const struct api *api, const json_t *body)
{
	double minutes = json_number_value(
		json_object_get(preferences(body), "timeout_minutes"));
	double limit = api->config.execution_timeout_minutes;

	if (minutes <= 0 || minutes > limit)
		minutes = limit;
	return (uint64_t)(minutes * 60e6);
}

static json_t *
object_or_new(const json_t *body, const char *name)
{
	json_t *value = json_object_get(body, name);

	return json_is_object(value) ? json_incref(value) : json_object();
}

static void
answer_accepted(struct http_response *res, const struct workflow_state *state)
{
	const char *id = state->meta.workflow_id;
	json_t *plan = workflow_state_part(state, "execution_plan");
	json_t *data =
		json_pack("{s:s, s:f, s:O}", "workflow_id", id,
			  "estimated_duration_minutes",
			  workflow_plan_minutes(plan), "execution_plan", plan);
	json_t *endpoints = json_pack(
		"{s:s++, s:s++, s:s++}", "status", "/api/v3/execute/status/",
		id, "", "cancel", "/api/v3/execute/cancel/", id, "", "approve",
		"/api/v3/execute/approve/", id, "");

	http_json(res, 202,
		  json_pack("{s:s, s:o, s:o}", "status", "accepted", "data",
			    data, "endpoints", endpoints));
}

void
execute_post(struct api *api, const struct http_request *req,
	     struct http_response *res)
{
	struct workflow_state state = {0};
	struct workflow_request request;
	struct program_given given;
	struct plan_facts facts;
	struct err e;

	if (parse_execute(api, req, &given, res) < 0)
		return;
	facts.has_tests = given.tests != NULL;
	facts.needs_approval = needs_approval(req->body, &given);
	request = (struct workflow_request){
		.user_id = req->user.user_id,
		.username = req->user.username,
		.goal = json_text(req->body, "goal"),
		.context = object_or_new(req->body, "context"),
		.options = object_or_new(req->body, "options"),
		.plan = workflow_plan_new(&facts),
		.timeout_us = timeout_us(api, req->body),
	};
	if (workflow_state_init(&state, &request, &e) < 0 ||
	    workflow_state_create(api->store, &state, &e) < 0) {
		http_problem_from_err(res, &e);
	} else {
		log_info("event=workflow_created workflow=%s user=%s",
			 state.meta.workflow_id, req->user.user_id);
		answer_accepted(res, &state);
		workflow_engine_kick(api->engine);
	}
	workflow_state_done(&state);
	json_decref(request.context);
	json_decref(request.options);
	json_decref(request.plan);
}

/* ---- changing a workflow: load, change, compare-and-set -------------- */

/* 1: *state is changed, save it; 0: nothing to save; -1: *res says why. */
typedef int (*change_fn)(struct api *api, const struct http_request *req,
			 struct workflow_state *state,
			 struct http_response *res);

static int
change_once(struct api *api, const struct http_request *req, change_fn change,
	    struct http_response *res, bool *ret_lost_race)
{
	struct workflow_state state;
	struct err e;
	int rc;

	*ret_lost_race = false;
	if (route_load_workflow(api, req, &state, res) < 0)
		return -1;
	rc = change(api, req, &state, res);
	if (rc > 0 && workflow_state_save(api->store, &state, 0, &e) < 0) {
		*ret_lost_race = e.kind == ERR_CONFLICT;
		http_problem_from_err(res, &e);
		rc = -1;
	}
	workflow_state_done(&state);
	return rc < 0 ? -1 : 0;
}

/* The worker writes the same document; whoever loses the race looks again. */
static int
change_workflow(struct api *api, const struct http_request *req,
		change_fn change, struct http_response *res)
{
	bool lost_race = true;
	int rc = -1;

	for (int i = 0; i < SAVE_TRIES && lost_race; i++) {
		json_decref(res->body);
		memset(res, 0, sizeof(*res));
		rc = change_once(api, req, change, res, &lost_race);
	}
	return rc;
}

/* ---- POST /api/v3/execute/cancel/{id} -------------------------------- */

static int
change_to_cancelled(struct api *api, const struct http_request *req,
		    struct workflow_state *state, struct http_response *res)
{
	if (strcmp(state->meta.user_id, req->user.user_id) != 0 &&
	    req->user.role != USER_ROLE_ADMIN) {
		http_problem(res, 403, NULL,
			     "Access denied: only the owner or an admin may "
			     "cancel");
		return -1;
	}
	if (workflow_status_is_terminal(workflow_state_status(state))) {
		http_problem(res, 400, NULL,
			     "Cannot cancel completed or failed workflow");
		return -1;
	}
	workflow_state_finish(state, WORKFLOW_CANCELLED, "cancelled",
			      ttl_us(api));
	return 1;
}

void
execute_cancel(struct api *api, const struct http_request *req,
	       struct http_response *res)
{
	if (change_workflow(api, req, change_to_cancelled, res) < 0)
		return;
	workflow_engine_interrupt(api->engine, req->id);
	log_info("event=workflow_cancelled workflow=%s user=%s", req->id,
		 req->user.user_id);
	http_json(res, 200,
		  json_pack("{s:s, s:s}", "status", "success", "message",
			    "Workflow cancelled successfully"));
}

/* ---- POST /api/v3/execute/approve/{id} ------------------------------- */

static const char *const decisions[] = {"approved", "rejected", NULL};

static const struct field approve_fields[] = {
	{"workflow_id", FIELD_STRING, FIELD_REQUIRED, 1, 64, NULL, NULL, 0},
	{"approval_id", FIELD_STRING, FIELD_REQUIRED, 1, 64, NULL, NULL, 0},
	{"decision", FIELD_ENUM, FIELD_REQUIRED, 0, 0, decisions, NULL, 0},
	{"comment", FIELD_STRING, FIELD_NULLABLE, 0, 4096, NULL, NULL, 0},
};

static bool
may_decide(const struct api *api, const struct http_user *user,
	   const struct workflow_state *state)
{
	return user->role == USER_ROLE_ADMIN ||
	       user->role == USER_ROLE_APPROVER ||
	       (api->config.approval_allow_self &&
		strcmp(user->user_id, state->meta.user_id) == 0);
}

static int
change_by_decision(struct api *api, const struct http_request *req,
		   struct workflow_state *state, struct http_response *res)
{
	const char *decision = json_text(req->body, "decision");
	const struct approval_decision d = {
		.approval_id = json_text(req->body, "approval_id"),
		.is_approved = strcmp(decision, "approved") == 0,
		.user_id = req->user.user_id,
		.username = req->user.username,
		.comment = json_string_value(
			json_object_get(req->body, "comment")),
	};
	bool is_changed;
	struct err e;

	if (!may_decide(api, &req->user, state)) {
		http_problem(res, 403, NULL,
			     "Access denied: only an approver or an admin may "
			     "decide");
		return -1;
	}
	if (approval_decide(state, &d, ttl_us(api), &is_changed, &e) < 0) {
		http_problem_from_err(res, &e);
		return -1;
	}
	http_json(res, 200,
		  json_pack("{s:s, s:s+, s:s}", "status", "success", "message",
			    "Approval ", decision, "workflow_status",
			    state->meta.status));
	return is_changed ? 1 : 0;
}

void
execute_approve(struct api *api, const struct http_request *req,
		struct http_response *res)
{
	if (fields_check(req->body, approve_fields, ARRAY_LEN(approve_fields),
			 res) < 0)
		return;
	if (strcmp(json_text(req->body, "workflow_id"), req->id) != 0) {
		http_problem(res, 422, "workflow_id",
			     "workflow_id is not the workflow of the path");
		return;
	}
	if (change_workflow(api, req, change_by_decision, res) < 0)
		return;
	log_info("event=approval_decided workflow=%s user=%s decision=%s",
		 req->id, req->user.user_id, json_text(req->body, "decision"));
	workflow_engine_kick(api->engine);
}
