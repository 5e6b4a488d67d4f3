/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobs.c - POST /api/v3/jobs (one run in one jail, answered when it is over)
 * and GET /api/v3/jobs/{id}.
 *
 * A job is on disk as running before it is submitted, so that one cut off by
 * a crash of this process is reported as such and not forgotten.  A job whose
 * client hangs up is killed: nobody would read its result.
 *
 * With an Idempotency-Key the job's id follows from the key, and a row of that
 * id says that it has run: it never runs twice, also when two nodes get the
 * request at once or one dies in the middle of it.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "api/http/handlers.h"
#include "api/http/idempotency.h"
#include "api/jobs/run.h"
#include "api/routes/routes.h"
#include "api/workflow/engine.h"
#include "api/workflow/job_row.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define SLOT_WAIT_MS 10000
#define SLOT_RETRY_S 2
#define NOT_SUBMITTED "not submitted"
#define ONCE_TRIES 64

static const struct field job_fields[] = {
	{"language", FIELD_STRING, FIELD_REQUIRED, 1, PROTO_NAME_MAX - 1, NULL,
	 NULL, 0},
	{"code", FIELD_STRING, FIELD_REQUIRED, 1, ROUTE_TEXT_MAX, NULL, NULL,
	 0},
	{"code_path", FIELD_STRING, FIELD_NULLABLE, 1, BUNDLE_PATH_MAX, NULL,
	 NULL, 0},
	{"tests", FIELD_STRING, FIELD_NULLABLE, 0, ROUTE_TEXT_MAX, NULL, NULL,
	 0},
	{"tests_path", FIELD_STRING, FIELD_NULLABLE, 1, BUNDLE_PATH_MAX, NULL,
	 NULL, 0},
	{"files", FIELD_ARRAY, FIELD_NULLABLE, 0, JOB_FILES_MAX, NULL,
	 &route_files_item, 1},
	{"args", FIELD_ARRAY, FIELD_NULLABLE, 0, JOB_ARGS_MAX, NULL,
	 &route_arg_item, 1},
	{"stdin", FIELD_STRING, FIELD_NULLABLE, 0, ROUTE_TEXT_MAX, NULL, NULL,
	 0},
	{"security_level", FIELD_ENUM, FIELD_NULLABLE, 0, 0, route_levels, NULL,
	 0},
	{"limits", FIELD_OBJECT, FIELD_NULLABLE | FIELD_CLOSED, 0, 0, NULL,
	 route_limits_fields, ARRAY_LEN(route_limits_fields)},
	{"collect", FIELD_ARRAY, FIELD_NULLABLE, 0, JOB_COLLECT_MAX, NULL,
	 &route_path_item, 1},
};

const struct field_table jobs_body = {job_fields, ARRAY_LEN(job_fields),
				      FIELD_CLOSED};

/* ---- the job's row --------------------------------------------------- */

static int
put_running(struct api *api, const struct http_request *req,
	    const struct job_request *request, const char *job_id,
	    json_t *started_at, struct err *e)
{
	json_t *data =
		json_pack("{s:s, s:s, s:O}", "job_id", job_id, "language",
			  request->runtime.name, "started_at", started_at);
	int rc;

	if (data == NULL)
		return err_set(e, ERR_IO, 0, "new job");
	job_row_set_end(data, request->limits.wall_ms);
	rc = job_row_put(api->store, job_id, req->user.user_id, JOB_ROW_RUNNING,
			 data, e);
	json_decref(data);
	return rc;
}

/* ---- with an Idempotency-Key ----------------------------------------- */

/* Then the same request may be tried again, under another id. */
static bool
has_never_run(const json_t *data)
{
	static const char *const reasons[] = {NOT_SUBMITTED, JOB_REASON_BUSY,
					      JOB_REASON_REFUSED};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (strcmp(json_text(data, "reason"), reasons[i]) == 0)
			return true;
	return false;
}

static void
answer_running(struct http_response *res, const char *job_id)
{
	http_problem(res, 409, "Idempotency-Key",
		     "Idempotency-Key: the job %s of this key is still "
		     "running; send the request again for its result",
		     job_id);
	res->retry_after_s = SLOT_RETRY_S;
}

static void
answer_found(struct http_response *res, const char *status, json_t *data,
	     const char *job_id)
{
	if (strcmp(status, JOB_ROW_RUNNING) == 0) {
		answer_running(res, job_id);
		return;
	}
	http_json(res, 200,
		  json_pack("{s:s, s:O}", "status", "success", "data", data));
	res->is_replayed = true;
}

/* 1: nothing has run under *job_id; 0: *res is the answer. */
static int
find_once(struct api *api, const struct http_request *req,
	  char job_id[PROTO_ID_MAX], struct http_response *res)
{
	char user_id[40], status[20];
	struct err e;

	for (unsigned n = 0; n < ONCE_TRIES; n++) {
		json_t *data = NULL;
		bool is_found;

		idempotency_once_id(req->once_id, n, job_id);
		if (job_row_get(api->store, job_id, user_id, status, &data,
				&e) < 0) {
			if (e.kind == ERR_NOT_FOUND)
				return 1;
			http_problem_from_err(res, &e);
			return 0;
		}
		is_found = !has_never_run(data);
		if (is_found)
			answer_found(res, status, data, job_id);
		json_decref(data);
		if (is_found)
			return 0;
	}
	http_problem(res, 409, "Idempotency-Key",
		     "Idempotency-Key: the job was refused %d times; send a "
		     "new key",
		     ONCE_TRIES);
	return 0;
}

/* Of all who come this far with the same job, on any node, one may go on. */
static int
claim_run(struct api *api, const struct http_request *req, const char *job_id,
	  struct err *e)
{
	uint64_t expires_us = clock_wall_us() + api->config.idempotency_hours *
							UINT64_C(3600000000);
	char key[64], fingerprint[65];
	char *answer = NULL;
	bool is_new = false;

	if (req->once_id == NULL)
		return 0;
	/* A blank: no client's key is like this. */
	(void)str_printf(key, sizeof(key), "run %s", job_id);
	if (store_idempotency_claim(api->store, req->user.user_id, key, job_id,
				    expires_us, &is_new, fingerprint, &answer,
				    e) < 0)
		return -1;
	free(answer);
	if (!is_new)
		return err_set(e, ERR_CONFLICT, 0, "job %s runs already",
			       job_id);
	return 0;
}

/* ---- POST ------------------------------------------------------------ */

static bool
is_unknown_key(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(job_fields); i++) {
		if (strcmp(job_fields[i].name, key) == 0)
			return false;
	}
	return true;
}

/* A misspelt limit must not be taken for no limit. */
static int
check_keys(json_t *body, struct http_response *res)
{
	const char *key;
	json_t *value;

	json_object_foreach(body, key, value)
	{
		if (!is_unknown_key(key))
			continue;
		http_problem(res, 422, key, "%.64s is not a known field", key);
		return -1;
	}
	return 0;
}

static int
parse(struct api *api, const struct http_request *req, struct job_request *ret,
      struct http_response *res)
{
	struct job_host *host = workflow_engine_host(api->engine);
	const struct job_defaults defaults = {
		.wall_ms = (uint64_t)api->config.job_timeout_seconds * 1000,
		.memory_bytes = api->config.job_memory_bytes,
	};
	char field[JOB_FIELD_MAX];
	struct err e = ERR_INIT;

	if (fields_check(req->body, job_fields, ARRAY_LEN(job_fields), res) <
		    0 ||
	    check_keys(req->body, res) < 0)
		return -1;
	if (job_host_check_ready(host, &e) < 0) {
		route_unavailable(res, &e);
		return -1;
	}
	if (job_request_init(ret, req->body, host, &defaults, field, &e) == 0)
		return 0;
	if (field[0] != '\0')
		http_problem(res, 422, field, "%s: %s", field, e.text);
	else
		route_unavailable(res, &e);
	return -1;
}

static void
answer_refused(struct http_response *res, const struct job_verdict *verdict)
{
	const struct err *e = &verdict->err;

	if (e->kind == ERR_INVALID || e->kind == ERR_NOT_FOUND) {
		http_problem(res, 422, NULL, "The job was refused: %s",
			     e->text);
		return;
	}
	http_problem(res, 503, NULL, "The job was refused: %s", e->text);
	res->retry_after_s = SLOT_RETRY_S;
}

static void
answer(struct http_response *res, json_t *data,
       const struct job_verdict *verdict)
{
	if (verdict->is_refused) {
		json_decref(data);
		answer_refused(res, verdict);
		return;
	}
	http_json(res, 200,
		  json_pack("{s:s, s:o}", "status", "success", "data", data));
}

/* It was not submitted: the row must not stay at running. */
static void
give_up(struct api *api, const struct http_request *req, const char *job_id,
	const struct err *cause, struct http_response *res)
{
	json_t *data = job_report_error(job_id, NOT_SUBMITTED, cause->text);
	struct err e;

	if (data != NULL &&
	    job_row_end(api->store, job_id, req->user.user_id, data, &e) < 0)
		log_error("event=job_save job=%s error=\"%s\"", job_id, e.text);
	json_decref(data);
	if (cause->kind == ERR_PEER)
		route_unavailable(res, cause);
	else
		http_problem_from_err(res, cause);
}

/* A plain job is cancelled by this process' end or by its client's leaving. */
static void
note_cut_off(const struct api *api, json_t *data,
	     const struct job_verdict *verdict)
{
	struct pollfd stop = {.fd = api->stop_fd, .events = POLLIN};
	json_t *error;

	if (verdict->reason == NULL ||
	    strcmp(verdict->reason, "cancelled") != 0)
		return;
	if (poll(&stop, 1, 0) <= 0) {
		json_object_set_new(data, "error",
				    json_string("the client closed its "
						"connection while the job "
						"ran"));
		return;
	}
	error = job_report_error(json_text(data, "job_id"), JOB_ROW_ORPHANED,
				 "the API process was stopped while the job "
				 "ran");
	json_object_update(data, error);
	json_decref(error);
}

static void
run(struct api *api, const struct http_request *req,
    const struct job_request *request, const char *job_id,
    struct http_response *res)
{
	char now[CLOCK_ISO_SIZE];
	const struct job_run_options options = {
		.job_id = job_id,
		.actor = req->user.username,
		.workflow = "",
		.cancel_fd = req->gone_fd,
		.lost_wait_ms = JOB_LOST_WAIT_MS,
	};
	struct job_verdict verdict;
	json_t *data = NULL, *started_at;
	struct err e;

	clock_iso8601(clock_wall_us(), now);
	started_at = json_string(now);
	if (put_running(api, req, request, job_id, started_at, &e) < 0 ||
	    claim_run(api, req, job_id, &e) < 0) {
		if (e.kind == ERR_CONFLICT)
			answer_running(res, job_id);
		else
			http_problem_from_err(res, &e);
	} else if (job_run(workflow_engine_host(api->engine), request, &options,
			   &data, &verdict, &e) < 0) {
		give_up(api, req, job_id, &e, res);
	} else {
		json_object_set(data, "started_at", started_at);
		note_cut_off(api, data, &verdict);
		if (job_row_end(api->store, job_id, req->user.user_id, data,
				&e) < 0) {
			json_decref(data);
			http_problem_from_err(res, &e);
		} else {
			answer(res, data, &verdict);
		}
	}
	json_decref(started_at);
}

void
jobs_post(struct api *api, const struct http_request *req,
	  struct http_response *res)
{
	struct job_host *host = workflow_engine_host(api->engine);
	char job_id[PROTO_ID_MAX];
	struct job_request request;
	struct err e;

	job_id_new(job_id);
	if (req->once_id != NULL && find_once(api, req, job_id, res) == 0)
		return;
	if (parse(api, req, &request, res) < 0)
		return;
	if (job_host_slot_acquire(host, SLOT_WAIT_MS, req->gone_fd, &e) < 0) {
		http_problem(res, 503, NULL, "%s", e.text);
		res->retry_after_s = SLOT_RETRY_S;
	} else {
		run(api, req, &request, job_id, res);
		job_host_slot_release(host);
	}
	job_request_done(&request);
}

/* ---- GET ------------------------------------------------------------- */

void
jobs_get(struct api *api, const struct http_request *req,
	 struct http_response *res)
{
	char user_id[40], status[20];
	struct err e = ERR_INIT;
	json_t *data = NULL;

	if (!job_id_is_valid(req->id) ||
	    (job_row_get(api->store, req->id, user_id, status, &data, &e) < 0 &&
	     e.kind == ERR_NOT_FOUND)) {
		http_problem(res, 404, NULL, "Job not found");
	} else if (e.kind != ERR_NONE) {
		http_problem_from_err(res, &e);
	} else if (strcmp(user_id, req->user.user_id) != 0 &&
		   req->user.role != USER_ROLE_ADMIN) {
		http_problem(res, 403, NULL,
			     "Access denied: the job belongs to another user");
	} else {
		http_json(res, 200,
			  json_pack("{s:s, s:O}", "status", "success", "data",
				    data));
	}
	json_decref(data);
}
