/* SPDX-License-Identifier: Apache-2.0 */
/*
 * common.c - see routes.h.
 */
#include "api/routes/routes.h"

#include <string.h>

#include "api/jobs/request.h"
#include "api/notify/notify.h"
#include "api/workflow/access.h"
#include "api/workflow/announce.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define SAVE_TRIES 8

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

int
route_number(const struct http_request *req, const char *name, uint64_t least,
	     uint64_t most, uint64_t *ret, struct http_response *res)
{
	const char *text = http_query(req, name);

	if (text == NULL || (str_to_u64(text, most, ret) == 0 && *ret >= least))
		return 0;
	http_problem(res, 422, name, "%s must be a number from %llu to %llu",
		     name, (unsigned long long)least, (unsigned long long)most);
	return -1;
}

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

int
route_load_workflow(struct api *api, const struct http_request *req,
		    struct workflow_state *ret, struct http_response *res)
{
	struct workflow_access access;
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
	access = workflow_access_of(ret);
	if (!workflow_access_may_see(&access, req->user.user_id,
				     req->user.role)) {
		workflow_state_done(ret);
		http_problem(res, 403, NULL,
			     "Access denied: the workflow belongs to another "
			     "user");
		return -1;
	}
	return 0;
}

static int
change_once(struct api *api, const struct http_request *req, route_load_fn load,
	    route_change_fn change, struct http_response *res,
	    bool *ret_lost_race)
{
	struct workflow_state state;
	struct err e;
	int rc;

	*ret_lost_race = false;
	if (load(api, req, &state, res) < 0)
		return -1;
	rc = change(api, req, &state, res);
	if (rc > 0)
		workflow_announce(api, &state);
	if (rc > 0 && workflow_state_save(api->store, &state, 0, &e) < 0) {
		*ret_lost_race = e.kind == ERR_CONFLICT;
		json_decref(res->body);
		res->body = NULL;
		http_problem_from_err(res, &e);
		rc = -1;
	}
	if (rc > 0)
		notify_kick(api->notifier); /* it may have news in it */
	workflow_state_done(&state);
	return rc < 0 ? -1 : 0;
}

int
route_change_workflow(struct api *api, const struct http_request *req,
		      route_load_fn load, route_change_fn change,
		      struct http_response *res)
{
	bool lost_race = true;
	int rc = -1;

	for (int i = 0; i < SAVE_TRIES && lost_race; i++) {
		json_decref(res->body);
		memset(res, 0, sizeof(*res));
		rc = change_once(api, req, load, change, res, &lost_race);
	}
	return rc;
}
