/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approvals.c - POST /api/v3/execute/approve/{id} decides; GET
 * /api/v3/approvals lists what waits and what was decided; GET
 * /api/v3/approvals/{id} shows exactly what an approval's digest covers.
 *
 * A GET never decides: links are opened by scanners.  A decision takes a
 * bearer token, so a person, and the id of the approval, which is used once.
 */
#include <stdlib.h>
#include <string.h>

#include "api/http/handlers.h"
#include "api/jobs/request.h"
#include "api/routes/routes.h"
#include "api/workflow/access.h"
#include "api/workflow/approval.h"
#include "api/workflow/digest.h"
#include "api/workflow/engine.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define LIST_DEFAULT 50
#define LIST_MAX 200
#define SCAN_PAGE 200
#define SCAN_MAX 4000 /* rows looked at for one answer */

/* ---- POST /api/v3/execute/approve/{id} ------------------------------- */

static const char *const decisions[] = {"approved", "rejected", NULL};

static const struct field approve_fields[] = {
	{"workflow_id", FIELD_STRING, FIELD_REQUIRED, 1, 64, NULL, NULL, 0},
	{"approval_id", FIELD_STRING, FIELD_REQUIRED, 1, 64, NULL, NULL, 0},
	{"decision", FIELD_ENUM, FIELD_REQUIRED, 0, 0, decisions, NULL, 0},
	{"comment", FIELD_STRING, FIELD_NULLABLE, 0, 4096, NULL, NULL, 0},
	{"digest", FIELD_STRING, FIELD_NULLABLE, 64, 64, NULL, NULL, 0},
};

const struct field_table approve_body = {approve_fields,
					 ARRAY_LEN(approve_fields), 0};

/* The right to decide is the right to see; a decision may come early. */
static int
load_to_decide(struct api *api, const struct http_request *req,
	       struct workflow_state *ret, struct http_response *res)
{
	struct err e = ERR_INIT;
	bool is_own;

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
	if (approval_may_decide(&api->config, req->user.user_id, req->user.role,
				ret->meta.user_id))
		return 0;
	is_own = strcmp(req->user.user_id, ret->meta.user_id) == 0;
	workflow_state_done(ret);
	http_problem(res, 403, NULL, "Access denied: %s",
		     is_own ? "nobody decides on a workflow of his own "
			      "(APPROVAL_ALLOW_SELF)"
			    : "only an approver or an admin may decide");
	return -1;
}

static json_t *
answer_new(const struct workflow_state *state, const char *decision,
	   const struct approval_answer *answer)
{
	json_t *body =
		json_pack("{s:s, s:s+, s:s, s:b}", "status", "success",
			  "message", "Approval ", decision, "workflow_status",
			  state->meta.status, "is_early", answer->is_early);

	if (body != NULL && answer->approval != NULL)
		json_object_set_new(body, "approval",
				    approval_brief(answer->approval));
	return body;
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
		.digest =
			json_string_value(json_object_get(req->body, "digest")),
	};
	struct approval_answer answer;
	struct err e;

	if (approval_decide(api, workflow_engine_host(api->engine), state, &d,
			    &answer, &e) < 0) {
		http_problem_from_err(res, &e);
		return answer.is_changed ? 1 : -1;
	}
	http_json(res, 200, answer_new(state, decision, &answer));
	return answer.is_changed ? 1 : 0;
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
	if (route_change_workflow(api, req, load_to_decide, change_by_decision,
				  res) < 0)
		return;
	log_info("event=approval_decision workflow=%s user=%s decision=%s "
		 "status=%d",
		 req->id, req->user.user_id, json_text(req->body, "decision"),
		 res->status);
	workflow_engine_kick(api->engine);
}

/* ---- GET /api/v3/approvals ------------------------------------------- */

enum list_filter { LIST_PENDING, LIST_DECIDED, LIST_ALL };

struct listing {
	const struct api *api;
	const struct http_user *user;
	enum list_filter filter;
	uint32_t limit;
	uint64_t before_us; /* where the next page goes on */
	uint32_t seen;	    /* rows of this page */
	bool is_full;
	uint64_t now_us;
	json_t *entries;
};

static bool
is_wanted(const struct listing *l, const json_t *brief)
{
	bool is_pending = approval_has_status(brief, "pending");

	return l->filter == LIST_ALL ||
	       is_pending == (l->filter == LIST_PENDING);
}

static bool
has_voted(const json_t *brief, const char *user_id)
{
	const json_t *voters = json_object_get(brief, "voted_by");

	for (size_t i = 0; i < json_array_size(voters); i++) {
		if (strcmp(json_string_value(json_array_get(voters, i)),
			   user_id) == 0)
			return true;
	}
	return false;
}

static void
add_entry(struct listing *l, const struct store_workflow_meta *meta,
	  const json_t *summary, json_t *brief)
{
	static const char *const names[] = {"workflow_id", "goal", "username"};
	bool may = approval_has_status(brief, "pending") &&
		   approval_may_decide(&l->api->config, l->user->user_id,
				       l->user->role, meta->user_id) &&
		   !has_voted(brief, l->user->user_id);

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		json_object_set(brief, names[i],
				json_object_get(summary, names[i]));
	json_object_set_new(brief, "workflow_status",
			    json_string(meta->status));
	json_object_set_new(brief, "may_decide", json_boolean(may));
	json_array_append(l->entries, brief);
}

/* To approvers their own workflows are of no use if they may not decide. */
static bool
is_shown_to(const struct listing *l, const struct store_workflow_meta *meta)
{
	return l->user->role == USER_ROLE_USER ||
	       strcmp(l->user->user_id, meta->user_id) != 0 ||
	       l->api->config.approval_allow_self || l->filter != LIST_PENDING;
}

static int
list_row(void *arg, const struct store_workflow_meta *meta, const char *text)
{
	struct listing *l = arg;
	json_t *summary, *briefs;

	l->before_us = meta->created_us;
	l->seen++;
	/* Most workflows ask nobody: not worth parsing. */
	if (!is_shown_to(l, meta) || strstr(text, "\"approval_id\"") == NULL)
		return 0;
	summary = json_loads(text, JSON_ALLOW_NUL, NULL);
	briefs = json_object_get(summary, "approvals");
	for (size_t i = 0; i < json_array_size(briefs); i++) {
		json_t *brief = json_array_get(briefs, i);

		if (is_wanted(l, brief))
			add_entry(l, meta, summary, brief);
	}
	json_decref(summary);
	l->is_full = json_array_size(l->entries) >= l->limit;
	return l->is_full;
}

static int
parse_list(const struct http_request *req, struct listing *l,
	   struct http_response *res)
{
	static const char *const names[] = {
		[LIST_PENDING] = "pending",
		[LIST_DECIDED] = "decided",
		[LIST_ALL] = "all",
	};
	const char *status = http_query(req, "status");
	uint64_t limit = LIST_DEFAULT;
	size_t i = 0;

	while (status != NULL && i < ARRAY_LEN(names) &&
	       strcmp(status, names[i]) != 0)
		i++;
	if (i == ARRAY_LEN(names)) {
		http_problem(res, 422, "status",
			     "status must be pending, decided or all");
		return -1;
	}
	if (route_number(req, "limit", 1, LIST_MAX, &limit, res) < 0 ||
	    route_number(req, "before", 1, INT64_MAX, &l->before_us, res) < 0)
		return -1;
	l->filter = (enum list_filter)i;
	l->limit = (uint32_t)limit;
	return 0;
}

/* Summaries alone are read, and so many of them at most. */
static int
scan(const struct api *api, struct listing *l, bool *ret_is_end, struct err *e)
{
	struct store_workflow_query query = {
		.user_id = l->user->role == USER_ROLE_USER ? l->user->user_id
							   : NULL,
		.status = l->filter == LIST_PENDING ? "waiting_approval" : NULL,
		.limit = SCAN_PAGE,
	};
	uint32_t total = 0;

	*ret_is_end = false;
	while (!l->is_full && !*ret_is_end && total < SCAN_MAX) {
		l->seen = 0;
		query.before_us = l->before_us;
		if (store_workflow_list(api->store, &query, list_row, l, e) < 0)
			return -1;
		total += l->seen;
		*ret_is_end = !l->is_full && l->seen < SCAN_PAGE;
	}
	return 0;
}

void
approvals_list(struct api *api, const struct http_request *req,
	       struct http_response *res)
{
	struct listing l = {.api = api, .user = &req->user};
	bool is_end;
	struct err e;

	if (parse_list(req, &l, res) < 0)
		return;
	l.entries = json_array();
	if (scan(api, &l, &is_end, &e) < 0) {
		json_decref(l.entries);
		http_problem_from_err(res, &e);
		return;
	}
	http_json(res, 200,
		  json_pack("{s:s, s:{s:o, s:o}}", "status", "success", "data",
			    "approvals", l.entries, "next_before",
			    is_end ? json_null()
				   : json_integer((json_int_t)l.before_us)));
}

/* ---- GET /api/v3/approvals/{id} -------------------------------------- */

/* The workflow whose approval has this id; ERR_NOT_FOUND: none has. */
static int
load_by_approval(struct api *api, const char *approval_id,
		 struct workflow_state *ret, struct err *e)
{
	for (uint32_t round = 1; round <= DIGEST_APPROVAL_ROUNDS; round++) {
		for (uint32_t step = 1; step <= DIGEST_APPROVAL_STEPS; step++) {
			char id[40];

			digest_approval_workflow(approval_id, step, round, id);
			if (workflow_state_load(api->store, id, ret, e) < 0) {
				if (e->kind != ERR_NOT_FOUND)
					return -1;
				continue;
			}
			if (approval_by_id(ret, approval_id) != NULL)
				return 0;
			workflow_state_done(ret);
		}
	}
	return err_set(e, ERR_NOT_FOUND, 0, "Approval request not found");
}

static int
load_shown(struct api *api, const struct http_request *req,
	   struct workflow_state *ret, struct http_response *res)
{
	struct workflow_access access;
	struct err e;

	if (!job_id_is_valid(req->id))
		err_set(&e, ERR_NOT_FOUND, 0, "Approval request not found");
	else if (load_by_approval(api, req->id, ret, &e) == 0) {
		access = workflow_access_of(ret);
		if (workflow_access_may_see(&access, req->user.user_id,
					    req->user.role))
			return 0;
		workflow_state_done(ret);
		err_set(&e, ERR_DENIED, 0,
			"Access denied: the approval is another user's");
	}
	http_problem_from_err(res, &e);
	return -1;
}

/* The specification's 5.4, and who voted. */
static json_t *
approval_detail(const struct api *api, const struct http_user *user,
		const struct workflow_state *state, json_t *approval)
{
	static const char *const copied[] = {"generated_code",
					     "security_report", "test_results"};
	const json_t *artifacts = workflow_state_part(state, "artifacts");
	json_t *detail = json_copy(approval);
	json_t *context = json_copy(json_object_get(approval, "context"));
	bool may = approval_has_status(approval, "pending") &&
		   !approval_is_expired(approval, clock_wall_us()) &&
		   approval_may_decide(&api->config, user->user_id, user->role,
				       state->meta.user_id) &&
		   approval_vote_of(approval, user->user_id) == NULL;

	for (size_t i = 0; i < ARRAY_LEN(copied); i++) {
		json_t *value = json_object_get(artifacts, copied[i]);

		if (value != NULL)
			json_object_set(context, copied[i], value);
	}
	json_object_set_new(detail, "context", context);
	json_object_set_new(detail, "may_decide", json_boolean(may));
	json_object_set_new(
		detail, "required_approvers",
		json_integer((json_int_t)approval_required(api, approval)));
	json_object_set(detail, "username",
			json_object_get(state->doc, "username"));
	json_object_set(detail, "goal", json_object_get(state->doc, "goal"));
	return detail;
}

void
approvals_get(struct api *api, const struct http_request *req,
	      struct http_response *res)
{
	struct workflow_state state;
	char digest[DIGEST_HEX_SIZE];
	json_t *approval, *data;
	size_t len;

	if (load_shown(api, req, &state, res) < 0)
		return;
	owned_mem char *text = digest_shown(&state, &len);

	approval = approval_by_id(&state, req->id);
	data = approval_detail(api, &req->user, &state, approval);
	if (text != NULL) {
		digest_bytes(text, len, digest);
		json_object_set_new(data, "document", json_string(text));
		json_object_set_new(
			data, "is_unchanged",
			json_boolean(strcmp(digest, json_text(approval,
							      "digest")) == 0));
	}
	workflow_state_done(&state);
	http_json(res, 200,
		  json_pack("{s:s, s:o}", "status", "success", "data", data));
}
