/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.c - see state.h.  The document and the row's columns are written
 * together or not at all; the columns repeat what the store must search by.
 */
#include "api/workflow/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/jobs/request.h"
#include "api/jobs/text.h"
#include "api/workflow/approval.h"
#include "api/workflow/clock.h"
#include "api/workflow/transition.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

static const char *const status_names[WORKFLOW_STATUS_COUNT] = {
	[WORKFLOW_CREATED] = "created",
	[WORKFLOW_RUNNING] = "running",
	[WORKFLOW_WAITING_APPROVAL] = "waiting_approval",
	[WORKFLOW_COMPLETED] = "completed",
	[WORKFLOW_FAILED] = "failed",
	[WORKFLOW_CANCELLED] = "cancelled",
};

const char *
workflow_status_name(enum workflow_status status)
{
	return status_names[status];
}

bool
workflow_status_is_terminal(enum workflow_status status)
{
	return status == WORKFLOW_COMPLETED || status == WORKFLOW_FAILED ||
	       status == WORKFLOW_CANCELLED;
}

/* ---- JSON members ---------------------------------------------------- */

void
json_set_time(json_t *object, const char *name, uint64_t wall_us)
{
	char text[CLOCK_ISO_SIZE];

	clock_iso8601(wall_us, text);
	json_object_set_new(object, name, json_string(text));
}

json_t *
workflow_state_part(const struct workflow_state *state, const char *name)
{
	return json_object_get(state->doc, name);
}

/* ---- making, loading, saving ----------------------------------------- */

static json_t *
document_new(const struct workflow_request *r, const char *id, uint64_t now_us)
{
	json_t *doc = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:O, s:i, s:{}, s:[], s:{}, s:[]}",
		"workflow_id", id, "user_id", r->user_id, "username",
		r->username, "status", "", "goal", r->goal, "execution_plan",
		r->plan, "current_step", 0, "artifacts", "approvals", "sources",
		"history");
	json_t *metrics = json_pack(
		"{s:i, s:i, s:i, s:f, s:f, s:f}", "steps_completed", 0,
		"security_issues_found", 0, "security_issues_resolved", 0,
		"test_success_rate", 0.0, "total_cost", 0.0,
		"total_duration_minutes", 0.0);
	int64_t deadline_us = (int64_t)(workflow_clock_us() + r->timeout_us);
	json_t *options =
		r->options != NULL ? json_incref(r->options) : json_object();

	if (doc == NULL || metrics == NULL || options == NULL) {
		json_decref(doc);
		json_decref(metrics);
		json_decref(options);
		return NULL;
	}
	json_object_set_new(doc, "metrics", metrics);
	json_object_set(doc, "context", r->context);
	json_object_set_new(doc, "options", options);
	json_object_set_new(doc, "deadline_us", json_integer(deadline_us));
	json_object_set_new(doc, "timeout_minutes",
			    json_real((double)r->timeout_us / 60e6));
	json_set_time(doc, "created_at", now_us);
	json_set_time(doc, "updated_at", now_us);
	return doc;
}

static int
begin_status(struct workflow_state *state)
{
	int rc = workflow_state_set_status(state, WORKFLOW_CREATED, NULL);

	for (size_t i = 0; rc == 0 && i < workflow_state_steps(state); i++)
		rc = workflow_state_set_step(
			state, workflow_state_step(state, i), "pending", NULL);
	return rc;
}

int
workflow_state_init(struct workflow_state *ret,
		    const struct workflow_request *request, struct err *e)
{
	uint64_t now_us = clock_wall_us();

	memset(ret, 0, sizeof(*ret));
	job_id_new(ret->meta.workflow_id);
	if (request->workflow_id != NULL &&
	    str_copy(ret->meta.workflow_id, sizeof(ret->meta.workflow_id),
		     request->workflow_id) < 0)
		return err_set(e, ERR_INVALID, 0, "workflow id is too long");
	if (str_copy(ret->meta.user_id, sizeof(ret->meta.user_id),
		     request->user_id) < 0)
		return err_set(e, ERR_INVALID, 0, "user id is too long");
	ret->meta.created_us = now_us;
	ret->meta.updated_us = now_us;
	ret->meta.due_us = now_us;
	ret->doc = document_new(request, ret->meta.workflow_id, now_us);
	if (ret->doc == NULL)
		return err_set(e, ERR_IO, ENOMEM, "new workflow");
	return begin_status(ret) < 0 ? err_set(e, ERR_INVALID, 0,
					       "the plan was begun already")
				     : 0;
}

static char *
document_dump(const struct workflow_state *state, uint64_t version,
	      struct err *e)
{
	char *text;

	json_object_set_new(state->doc, "version",
			    json_integer((json_int_t)version));
	text = json_dumps(state->doc, JSON_COMPACT);
	if (text == NULL)
		err_set(e, ERR_IO, ENOMEM, "write workflow as JSON");
	return text;
}

/* What a list shows of it, malloc'd. */
static char *
summary_dump(const struct workflow_state *state, struct err *e)
{
	static const char *const names[] = {
		"workflow_id",	"user_id",    "username",   "status", "goal",
		"current_step", "created_at", "updated_at", "error",
	};
	json_t *summary = json_pack("{s:I, s:f}", "total_steps",
				    (json_int_t)workflow_state_steps(state),
				    "progress_percentage",
				    workflow_state_progress(state));
	char *text;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		json_t *value = json_object_get(state->doc, names[i]);

		if (value != NULL)
			json_object_set(summary, names[i], value);
	}
	json_object_set_new(summary, "approvals", approval_briefs(state));
	text = json_dumps(summary, JSON_COMPACT);
	json_decref(summary);
	if (text == NULL)
		err_set(e, ERR_IO, ENOMEM, "write workflow as JSON");
	return text;
}

int
workflow_state_create(struct store *store, struct workflow_state *state,
		      struct err *e)
{
	owned_mem char *text = document_dump(state, 1, e), *summary = NULL;
	int rc;

	if (text == NULL || (summary = summary_dump(state, e)) == NULL)
		return -1;
	rc = store_workflow_create(store, &state->meta, summary, text, e);
	if (rc == 0)
		state->meta.version = 1;
	return rc;
}

/* What every reader of a document relies on. */
static bool
is_document_of(const json_t *doc, const struct store_workflow_meta *meta)
{
	return json_is_object(doc) &&
	       strcmp(json_text(doc, "workflow_id"), meta->workflow_id) == 0 &&
	       json_is_array(json_object_get(doc, "execution_plan")) &&
	       json_is_object(json_object_get(doc, "metrics"));
}

int
workflow_state_load(struct store *store, const char *workflow_id,
		    struct workflow_state *ret, struct err *e)
{
	owned_mem char *text = NULL;
	json_error_t why;

	memset(ret, 0, sizeof(*ret));
	if (store_workflow_get(store, workflow_id, &ret->meta, &text, e) < 0)
		return -1;
	ret->doc = json_loads(text, JSON_ALLOW_NUL, &why);
	if (ret->doc == NULL &&
	    json_error_code(&why) == json_error_out_of_memory)
		return err_set(e, ERR_IO, ENOMEM, "read workflow");
	if (is_document_of(ret->doc, &ret->meta))
		return 0;
	json_decref(ret->doc);
	ret->doc = NULL;
	ret->is_damaged = true;
	return err_set(e, ERR_IO, 0,
		       "workflow %s: its document in the store cannot be read",
		       ret->meta.workflow_id);
}

int
workflow_state_stand_in(struct store *store, const char *workflow_id,
			struct workflow_state *ret, struct err *e)
{
	owned_mem char *text = NULL;
	struct store_workflow_meta meta;
	const struct workflow_request request = {
		.workflow_id = meta.workflow_id,
		.user_id = meta.user_id,
		.username = "",
		.goal = "",
		.context = json_object(),
		.plan = json_array(),
	};
	int rc = store_workflow_get(store, workflow_id, &meta, &text, e);

	memset(ret, 0, sizeof(*ret));
	if (rc == 0)
		rc = workflow_state_init(ret, &request, e);
	json_decref(request.context);
	json_decref(request.plan);
	if (rc < 0)
		return -1;
	ret->meta = meta;
	json_set_time(ret->doc, "created_at", meta.created_us);
	json_object_set_new(ret->doc, "damaged_document",
			    text_to_json(text, strlen(text)));
	return 0;
}

static void
forget_outgoing(struct workflow_state *state)
{
	for (size_t i = 0; i < state->out_len; i++)
		free(state->out[i].document);
	free(state->out);
	state->out = NULL;
	state->out_len = 0;
}

static struct {
	void (*fn)(void *arg, const char *workflow_id);
	void *arg;
} observer;

void
workflow_state_observe(void (*fn)(void *arg, const char *workflow_id),
		       void *arg)
{
	observer.fn = fn;
	observer.arg = arg;
}

int
workflow_state_save(struct store *store, struct workflow_state *state,
		    uint64_t lease_token, struct err *e)
{
	owned_mem char *text = NULL, *summary = NULL;

	state->meta.updated_us = clock_wall_us();
	json_set_time(state->doc, "updated_at", state->meta.updated_us);
	text = document_dump(state, state->meta.version + 1, e);
	if (text == NULL || (summary = summary_dump(state, e)) == NULL)
		return -1;
	if (store_workflow_update(store, &state->meta, summary, text,
				  state->out, state->out_len, lease_token,
				  e) < 0)
		return -1;
	forget_outgoing(state);
	if (observer.fn != NULL)
		observer.fn(observer.arg, state->meta.workflow_id);
	return 0;
}

void
workflow_state_done(struct workflow_state *state)
{
	forget_outgoing(state);
	json_decref(state->doc);
	state->doc = NULL;
}

/* ---- status ---------------------------------------------------------- */

enum workflow_status
workflow_state_status(const struct workflow_state *state)
{
	for (int i = 0; i < WORKFLOW_STATUS_COUNT; i++) {
		if (strcmp(status_names[i], state->meta.status) == 0)
			return (enum workflow_status)i;
	}
	return WORKFLOW_FAILED; /* a status we never wrote: touch nothing */
}

int
workflow_state_set_status(struct workflow_state *state,
			  enum workflow_status status, const char *error)
{
	const char *from = state->meta.status, *to = status_names[status];
	const struct transition *row;

	if (strcmp(from, to) == 0)
		return 0;
	row = transition_find(TRANSITION_WORKFLOW, from, to);
	if (row == NULL)
		return -1;
	snprintf(state->meta.status, sizeof(state->meta.status), "%s", to);
	json_object_set_new(state->doc, "status", json_string(to));
	if (error != NULL)
		json_object_set_new(state->doc, "error",
				    text_to_json(error, strlen(error)));
	workflow_state_event(state, row->event, NULL,
			     error != NULL ? error : row->why);
	return 0;
}

/* How many steps have this status. */
static json_int_t
count_steps(const struct workflow_state *state, const char *status)
{
	json_int_t count = 0;

	for (size_t i = 0; i < workflow_state_steps(state); i++)
		count += strcmp(json_text(workflow_state_step(state, i),
					  "status"),
				status) == 0;
	return count;
}

static void
set_step_times(json_t *step, const char *status)
{
	if (strcmp(status, "running") == 0) {
		json_set_time(step, "started_at", clock_wall_us());
	} else if (strcmp(status, "pending") == 0) {
		json_object_del(step, "started_at");
		json_object_del(step, "completed_at");
	} else if (strcmp(status, "skipped") != 0) {
		json_set_time(step, "completed_at", clock_wall_us());
	}
}

int
workflow_state_set_step(struct workflow_state *state, json_t *step,
			const char *status, const char *message)
{
	const struct transition *row = transition_find(
		TRANSITION_STEP, json_text(step, "status"), status);

	if (row == NULL)
		return -1;
	json_object_set_new(step, "status", json_string(status));
	set_step_times(step, status);
	if (strcmp(status, "failed") == 0 && message != NULL)
		json_object_set_new(step, "error",
				    text_to_json(message, strlen(message)));
	json_object_set_new(
		state->doc, "current_step",
		json_integer((json_int_t)workflow_state_next_step(state)));
	json_object_set_new(workflow_state_part(state, "metrics"),
			    "steps_completed",
			    json_integer(count_steps(state, "completed")));
	workflow_state_event(state, row->event, step,
			     message != NULL ? message : row->why);
	return 0;
}

static void
close_steps(struct workflow_state *state, const char *error)
{
	for (size_t i = 0; i < workflow_state_steps(state); i++) {
		json_t *step = workflow_state_step(state, i);
		const char *status = json_text(step, "status");

		if (strcmp(status, "pending") == 0)
			workflow_state_set_step(state, step, "skipped", NULL);
		else if (strcmp(status, "running") == 0)
			workflow_state_set_step(state, step, "failed", error);
	}
}

static void
close_approvals(struct workflow_state *state)
{
	json_t *approvals = workflow_state_part(state, "approvals");

	for (size_t i = 0; i < json_array_size(approvals); i++) {
		json_t *approval = json_array_get(approvals, i);

		if (strcmp(json_text(approval, "status"), "pending") != 0)
			continue;
		json_object_set_new(approval, "status",
				    json_string("rejected"));
		json_object_set_new(approval, "response_by",
				    json_string("system"));
		json_object_set_new(approval, "comment",
				    json_string("the workflow ended"));
		json_set_time(approval, "responded_at", clock_wall_us());
	}
}

int
workflow_state_finish(struct workflow_state *state, enum workflow_status status,
		      const char *error, uint64_t ttl_us)
{
	uint64_t now_us = clock_wall_us();
	double minutes =
		now_us > state->meta.created_us
			? (double)(now_us - state->meta.created_us) / 60e6
			: 0;

	if (transition_find(TRANSITION_WORKFLOW, state->meta.status,
			    status_names[status]) == NULL)
		return -1;
	close_steps(state, error != NULL ? error : "the workflow ended");
	close_approvals(state);
	json_object_set_new(workflow_state_part(state, "metrics"),
			    "total_duration_minutes", json_real(minutes));
	json_set_time(state->doc, "completed_at", now_us);
	state->meta.due_us = 0;
	state->meta.expires_us = now_us + ttl_us;
	return workflow_state_set_status(state, status, error);
}

/* ---- steps ----------------------------------------------------------- */

double
workflow_state_progress(const struct workflow_state *state)
{
	size_t steps = workflow_state_steps(state);
	size_t done = workflow_state_next_step(state);

	return steps > 0 ? 100.0 * (double)done / (double)steps : 0.0;
}

size_t
workflow_state_steps(const struct workflow_state *state)
{
	return json_array_size(workflow_state_part(state, "execution_plan"));
}

json_t *
workflow_state_step(const struct workflow_state *state, size_t i)
{
	return json_array_get(workflow_state_part(state, "execution_plan"), i);
}

size_t
workflow_state_next_step(const struct workflow_state *state)
{
	size_t count = workflow_state_steps(state), i;

	for (i = 0; i < count; i++) {
		const char *status =
			json_text(workflow_state_step(state, i), "status");

		if (strcmp(status, "completed") != 0 &&
		    strcmp(status, "skipped") != 0)
			break;
	}
	return i;
}
