/* SPDX-License-Identifier: Apache-2.0 */
/*
 * common.c - see routes.h.
 */
#include "api/routes/routes.h"

#include <string.h>

#include "api/jobs/request.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

static const struct field file_fields[] = {
	{"path", FIELD_STRING, FIELD_REQUIRED, 1, BUNDLE_PATH_MAX, NULL, NULL,
	 0},
	{"content", FIELD_STRING, FIELD_REQUIRED, 0, ROUTE_TEXT_MAX, NULL, NULL,
	 0},
};

const struct field route_files_item = {.name = "files",
				       .type = FIELD_OBJECT,
				       .flags = FIELD_CLOSED,
				       .sub = file_fields,
				       .sub_len = ARRAY_LEN(file_fields)};

const struct field route_arg_item = {
	.name = "args", .type = FIELD_STRING, .max = BUNDLE_MANIFEST_MAX / 2};

const struct field route_path_item = {.name = "collect",
				      .type = FIELD_STRING,
				      .min = 1,
				      .max = BUNDLE_PATH_MAX};

const struct field route_limits_fields[2] = {
	{"timeout_seconds", FIELD_NUMBER, FIELD_NULLABLE, 1, 86400, NULL, NULL,
	 0},
	{"memory_mb", FIELD_NUMBER, FIELD_NULLABLE, JOB_MEMORY_MIN_MB, 1048576,
	 NULL, NULL, 0},
};

const char *const route_levels[] = {"strict", "standard", "permissive", NULL};

void
route_unavailable(struct http_response *res, const struct err *e)
{
	log_warning("event=supervisor_unavailable error=\"%s\"", e->text);
	if (e->kind == ERR_PEER)
		http_problem(res, 503, NULL,
			     "The execution service does not answer: an "
			     "operator must start promptcraft-supervisor "
			     "(promptcraft doctor says what is missing)");
	else
		http_problem(res, 503, NULL,
			     "The execution service refuses jobs: %s", e->text);
	res->retry_after_s = 5;
}

static bool
may_see(const struct http_user *user, const struct workflow_state *state)
{
	if (strcmp(user->user_id, state->meta.user_id) == 0 ||
	    user->role == USER_ROLE_ADMIN)
		return true;
	/* Nobody can approve what he may not read. */
	return user->role == USER_ROLE_APPROVER &&
	       json_array_size(workflow_state_part(state, "approvals")) > 0;
}

int
route_load_workflow(struct api *api, const struct http_request *req,
		    struct workflow_state *ret, struct http_response *res)
{
	struct err e = ERR_INIT;

	if (!job_id_is_valid(req->id) ||
	    (workflow_state_load(api->store, req->id, ret, &e) < 0 &&
	     e.kind == ERR_NOT_FOUND)) {
		http_problem(res, 404, NULL, "Workflow not found");
		return -1;
	}
	if (e.kind != ERR_NONE) {
		http_problem_from_err(res, &e);
		return -1;
	}
	if (!may_see(&req->user, ret)) {
		workflow_state_done(ret);
		http_problem(res, 403, NULL,
			     "Access denied: the workflow belongs to another "
			     "user");
		return -1;
	}
	return 0;
}
