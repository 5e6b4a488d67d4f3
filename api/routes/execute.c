/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execute.c - the life of a workflow over HTTP: POST /api/v3/execute makes one,
 * POST .../cancel/{id} ends it.  Approvals are in approvals.c.
 *
 * Handlers only change the document by compare-and-set; the engine does the
 * work.
 */
#include <stdlib.h>
#include <string.h>

#include "api/agents/language.h"
#include "api/http/handlers.h"
#include "api/jobs/request.h"
#include "api/jobs/text.h"
#include "api/notify/notify.h"
#include "api/routes/routes.h"
#include "api/workflow/approval.h"
#include "api/workflow/approval_assess.h"
#include "api/workflow/engine.h"
#include "api/workflow/program.h"
#include "api/workflow/step.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define GOAL_MIN 10
#define GOAL_MAX 1000
#define GOAL_MAX_BYTES 4000 /* UTF-8 */
#define FINDINGS_MAX 20
#define FINDING_TEXT_MAX 8000

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

/* As an analysis' executable_actions have them. */
static const struct field finding_fields[] = {
	{"title", FIELD_STRING, FIELD_REQUIRED, 1, 400, NULL, NULL, 0},
	{"description", FIELD_STRING, FIELD_NULLABLE, 0, FINDING_TEXT_MAX, NULL,
	 NULL, 0},
	{"recommendation", FIELD_STRING, FIELD_NULLABLE, 0, FINDING_TEXT_MAX,
	 NULL, NULL, 0},
	{"severity", FIELD_STRING, FIELD_NULLABLE, 0, 20, NULL, NULL, 0},
	{"rule", FIELD_STRING, FIELD_NULLABLE, 0, 200, NULL, NULL, 0},
	{"cwe", FIELD_STRING, FIELD_NULLABLE, 0, 20, NULL, NULL, 0},
	{"line_start", FIELD_INTEGER, FIELD_NULLABLE, 0, 100000000, NULL, NULL,
	 0},
	{"line_end", FIELD_INTEGER, FIELD_NULLABLE, 0, 100000000, NULL, NULL,
	 0},
};

static const struct field finding_item = {.name = "findings",
					  .type = FIELD_OBJECT,
					  .flags = FIELD_CLOSED,
					  .sub = finding_fields,
					  .sub_len = ARRAY_LEN(finding_fields)};

static const struct field context_fields[] = {
	{"findings", FIELD_ARRAY, FIELD_NULLABLE, 0, FINDINGS_MAX, NULL,
	 &finding_item, 1},
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

static const char *const channels[] = {"email", "slack", "webhook", NULL};

static const struct field channel_item = {
	.name = "notification_channels",
	.type = FIELD_ENUM,
	.choices = channels,
};

/* As the options of the specification's 5.4. */
static const struct field approval_fields[] = {
	{"required_approvers", FIELD_INTEGER, FIELD_NULLABLE, 1, 10, NULL, NULL,
	 0},
	{"timeout_minutes", FIELD_INTEGER, FIELD_NULLABLE, 1, 525600, NULL,
	 NULL, 0},
	{"notification_channels", FIELD_ARRAY, FIELD_NULLABLE, 0, 3, NULL,
	 &channel_item, 1},
	{"auto_approve_threshold", FIELD_NUMBER, FIELD_NULLABLE, 0, 100, NULL,
	 NULL, 0},
};

static const struct field option_fields[] = {
	{"notification_webhook", FIELD_STRING, FIELD_NULLABLE, 0, 2048, NULL,
	 NULL, 0},
	{"include_artifacts", FIELD_BOOL, FIELD_NULLABLE, 0, 0, NULL, NULL, 0},
	{"enable_human_loop", FIELD_BOOL, FIELD_NULLABLE, 0, 0, NULL, NULL, 0},
	{"approval", FIELD_OBJECT, FIELD_NULLABLE | FIELD_CLOSED, 0, 0, NULL,
	 approval_fields, ARRAY_LEN(approval_fields)},
};

static const struct field execute_fields[] = {
	{"goal", FIELD_STRING, FIELD_REQUIRED, 1, GOAL_MAX_BYTES, NULL, NULL,
	 0},
	{"context", FIELD_OBJECT, FIELD_NULLABLE, 0, 0, NULL, context_fields,
	 ARRAY_LEN(context_fields)},
	{"options", FIELD_OBJECT, FIELD_NULLABLE, 0, 0, NULL, option_fields,
	 ARRAY_LEN(option_fields)},
};

const struct field_table execute_body = {execute_fields,
					 ARRAY_LEN(execute_fields), 0};

static uint64_t
ttl_us(const struct api *api)
{
	return (uint64_t)api->config.state_ttl_hours * 3600000000u;
}

/* ---- POST /api/v3/execute: validate ---------------------------------- */

/*
 * Without code somebody writes it, who costs money: only in a language that is
 * known to writers and can be run.
 */
static int
check_language(const char *wanted, struct job_host *host,
	       struct http_response *res)
{
	static const char field[] = "context.language";
	const struct language *language =
		language_by_word(wanted, strlen(wanted));
	struct proto_runtime_info runtime;
	char shown[PROTO_NAME_MAX * 4], names[64];
	struct err e = ERR_INIT;

	if (language == NULL) {
		str_quote(shown, sizeof(shown), wanted, strlen(wanted));
		language_names(names, sizeof(names));
		http_problem(res, 422, field,
			     "%s: no program can be written in %s here; there "
			     "are: %s",
			     field, shown, names);
		return -1;
	}
	/* Without a supervisor the workflow waits and is checked then. */
	if (!job_host_has_runtimes(host) &&
	    job_host_refresh(host, NULL, &e) < 0)
		return 0;
	if (job_host_runtime(host, language->name, &runtime, &e) == 0 &&
	    runtime.is_unusable == 0)
		return 0;
	http_problem(res, 422, field, "%s: %s", field,
		     e.kind != ERR_NONE ? e.text
					: "this machine lacks what it takes to "
					  "run it; the supervisor's log says "
					  "what");
	return -1;
}

/* The program as the test step will get it, checked while the client waits. */
static int
check_program(struct api *api, const json_t *context,
	      const struct program_given *given, struct http_response *res)
{
	struct job_host *host = workflow_engine_host(api->engine);
	const char *language = json_text(context, "language");
	const struct job_defaults none = {0};
	char field[JOB_FIELD_MAX];
	struct job_request request;
	struct err e = ERR_INIT;
	json_t *program;
	int rc;

	if (given->code == NULL)
		return language[0] != '\0' ? check_language(language, host, res)
					   : 0;
	/* Without a supervisor the workflow waits and is checked then. */
	if (!job_host_has_runtimes(host) &&
	    job_host_refresh(host, NULL, &e) < 0)
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

/* That nobody is asked is the operator's to allow. */
static int
check_automatic(const struct api_config *config, const json_t *body,
		struct http_response *res)
{
	const json_t *threshold = json_object_get(
		json_object_get(json_object_get(body, "options"), "approval"),
		"auto_approve_threshold");

	if (!json_is_number(threshold) ||
	    strcmp(config->approval_auto_max_risk, "none") != 0)
		return 0;
	http_problem(res, 422, "options.approval.auto_approve_threshold",
		     "options.approval.auto_approve_threshold: this server "
		     "leaves every approval to people "
		     "(APPROVAL_AUTO_MAX_RISK)");
	return -1;
}

static int
check_webhook(const struct api *api, const json_t *body,
	      struct http_response *res)
{
	const char *url = json_string_value(json_object_get(
		json_object_get(body, "options"), "notification_webhook"));
	struct err e = ERR_INIT;

	if (url == NULL || url[0] == '\0' ||
	    notify_check_client_webhook(api, "options.notification_webhook",
					url, &e) == 0)
		return 0;
	http_problem(res, 422, "options.notification_webhook", "%s", e.text);
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
	    check_goal(req->body, res) < 0 ||
	    check_automatic(&api->config, req->body, res) < 0 ||
	    check_webhook(api, req->body, res) < 0)
		return -1;
	if (program_given(context, given, &e) < 0) {
		http_problem(res, 422, "context.test_code",
			     "context.test_code: %s", e.text);
		return -1;
	}
	if (json_array_size(json_object_get(context, "findings")) > 0 &&
	    (given->code == NULL || given->is_trial)) {
		http_problem(res, 422, "context.findings",
			     "context.findings is about a program: give it in "
			     "context.code");
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

/* As the settings of the operator for this kind of work say. */
static const char *
requirement(const struct api_config *config, const json_t *body)
{
	const char *goal = json_text(body, "goal");

	if (approval_is_enforced(config, goal))
		return "enforce";
	return strcmp(approval_type_of_goal(goal), "external_api") == 0
		       ? config->approval_for_external
		       : config->approval_for_release;
}

/* Whatever is found, the client wants no questions. */
static bool
may_ask(const json_t *body)
{
	const json_t *options = json_object_get(body, "options");

	return !json_is_false(json_object_get(options, "enable_human_loop"));
}

/*
 * The client's wish counts unless the operator enforces approvals.  A program
 * that is only tried out releases nothing, so there it takes an explicit wish.
 */
static bool
needs_approval(const struct api_config *config, const json_t *body,
	       const struct program_given *given)
{
	const char *rule = requirement(config, body);
	const json_t *wish =
		json_object_get(preferences(body), "require_approval");

	if (strcmp(rule, "enforce") == 0 && !given->is_trial)
		return true;
	if (!may_ask(body) || json_is_false(wish))
		return false;
	return json_is_true(wish) ||
	       (!given->is_trial && strcmp(rule, "true") == 0);
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

/* With an Idempotency-Key it may have been made already: that is the one. */
static int
create_once(struct api *api, const struct http_request *req,
	    struct workflow_state *state, bool *ret_is_new, struct err *e)
{
	*ret_is_new = true;
	approval_name_steps(state);
	if (workflow_state_create(api->store, state, e) == 0)
		return 0;
	if (e->kind != ERR_CONFLICT || req->once_id == NULL)
		return -1;
	workflow_state_done(state);
	memset(state, 0, sizeof(*state));
	*ret_is_new = false;
	return workflow_state_load(api->store, req->once_id, state, e);
}

void
execute_post(struct api *api, const struct http_request *req,
	     struct http_response *res)
{
	struct workflow_state state = {0};
	struct workflow_request request;
	struct program_given given;
	struct plan_facts facts;
	bool is_new = true;
	struct err e;

	if (parse_execute(api, req, &given, res) < 0)
		return;
	facts = (struct plan_facts){
		.goal = json_text(req->body, "goal"),
		.has_code = given.code != NULL,
		.has_recipes = api->cookbook != NULL,
		.has_planner =
			api->writer != NULL && api->config.model_planning,
		.has_tests = given.tests != NULL,
		.needs_approval =
			needs_approval(&api->config, req->body, &given),
		.may_ask = may_ask(req->body),
		.has_analyst = workflow_engine_has_analyst(api->engine),
	};
	request = (struct workflow_request){
		.workflow_id = req->once_id,
		.user_id = req->user.user_id,
		.username = req->user.username,
		.goal = json_text(req->body, "goal"),
		.context = object_or_new(req->body, "context"),
		.options = object_or_new(req->body, "options"),
		.plan = workflow_plan_new(&facts),
		.timeout_us = timeout_us(api, req->body),
	};
	if (workflow_state_init(&state, &request, &e) < 0 ||
	    create_once(api, req, &state, &is_new, &e) < 0) {
		http_problem_from_err(res, &e);
	} else {
		if (is_new)
			log_info("event=workflow_created workflow=%s user=%s",
				 state.meta.workflow_id, req->user.user_id);
		answer_accepted(res, &state);
		res->is_replayed = !is_new;
		workflow_engine_kick(api->engine);
	}
	workflow_state_done(&state);
	json_decref(request.context);
	json_decref(request.options);
	json_decref(request.plan);
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
	if (req->is_retry && workflow_state_status(state) == WORKFLOW_CANCELLED)
		return 0;
	if (workflow_status_is_terminal(workflow_state_status(state))) {
		http_problem(res, 400, NULL,
			     "Cannot cancel completed or failed workflow");
		return -1;
	}
	if (workflow_state_part(state, "release") != NULL) {
		http_problem(res, 409, NULL,
			     "Cannot cancel: the release has begun");
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
	if (route_change_workflow(api, req, route_load_workflow,
				  change_to_cancelled, res) < 0)
		return;
	workflow_engine_interrupt(api->engine, req->id);
	log_info("event=workflow_cancelled workflow=%s user=%s", req->id,
		 req->user.user_id);
	http_json(res, 200,
		  json_pack("{s:s, s:s}", "status", "success", "message",
			    "Workflow cancelled successfully"));
}
