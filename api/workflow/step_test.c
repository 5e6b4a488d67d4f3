/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step_test.c - the step that runs the program or its tests in a jail.
 *
 * An attempt's job id follows from (workflow, step, attempt) and is on disk,
 * in the document and as a running job, before the job is submitted.  After a
 * crash the job's row tells how far it came: a result that was written is
 * taken, anything else is recorded as a failed attempt and tried again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/workflow/digest.h"
#include "api/workflow/job_row.h"
#include "api/workflow/step.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"

/* ---- the job's own row ----------------------------------------------- */

static void
add_origin(const struct step_context *c, json_t *data)
{
	json_object_set_new(data, "workflow_id",
			    json_string(c->state->meta.workflow_id));
	json_object_set(data, "step", json_object_get(c->step, "step_id"));
	json_object_set(data, "attempt", json_object_get(c->step, "attempt"));
}

static int
put_running_job(const struct step_context *c, const char *job_id, struct err *e)
{
	json_t *data = json_pack("{s:s}", "job_id", job_id);
	int rc;

	if (data == NULL)
		return err_set(e, ERR_IO, ENOMEM, "new job");
	add_origin(c, data);
	json_set_time(data, "started_at", clock_wall_us());
	rc = job_row_put(c->api->store, job_id, c->state->meta.user_id,
			 JOB_ROW_RUNNING, data, e);
	json_decref(data);
	return rc;
}

/* ---- attempts -------------------------------------------------------- */

/* The attempt in flight is over: into attempts[], with how it went. */
static void
close_attempt(struct step_context *c, const char *outcome, const char *reason)
{
	json_t *attempts = json_object_get(c->step, "attempts");
	json_t *entry =
		json_pack("{s:O*, s:O*, s:O*, s:s, s:s?}", "attempt",
			  json_object_get(c->step, "attempt"), "job_id",
			  json_object_get(c->step, "job_id"), "started_at",
			  json_object_get(c->step, "attempt_at"), "outcome",
			  outcome, "reason", reason);

	if (attempts == NULL) {
		attempts = json_array();
		json_object_set_new(c->step, "attempts", attempts);
	}
	if (entry != NULL) {
		json_set_time(entry, "ended_at", clock_wall_us());
		json_array_append_new(attempts, entry);
	}
	json_object_del(c->step, "job_id");
	json_object_del(c->step, "attempt_at");
}

static enum step_result
wait_for(struct step_context *c, const char *counter, const char *cause)
{
	int64_t round = json_number(c->step, counter);

	json_object_set_new(c->step, counter, json_integer(round + 1));
	json_object_set_new(c->step, "waiting_for", json_string(cause));
	c->due_us = step_backoff_us(clock_wall_us(), (uint32_t)round);
	return STEP_WAIT;
}

/*
 * Our side lost the attempt: once more later, if any are left.  That others
 * hold all of the supervisor's jails uses none up.
 */
static enum step_result
retry_later(struct step_context *c, const char *reason, const char *detail,
	    struct err *e)
{
	int64_t attempt = json_number(c->step, "attempt");
	char cause[ERR_TEXT_MAX];

	snprintf(cause, sizeof(cause), "%s%s%s", reason,
		 detail[0] != '\0' ? ": " : "", detail);

	close_attempt(c, "error", reason);
	if (strcmp(reason, JOB_REASON_BUSY) == 0)
		return wait_for(c, "waits", cause);
	if (json_number(c->step, "retries") >=
	    c->api->config.max_execution_retries) {
		err_set(e, ERR_PEER, 0, "gave up after %lld attempts: %s",
			(long long)attempt, cause);
		return STEP_FAILED;
	}
	return wait_for(c, "retries", cause);
}

/* ---- results --------------------------------------------------------- */

static void
describe_failed(const json_t *tests, struct err *e)
{
	int64_t failed = json_number(tests, "failed");
	int64_t errors = json_number(tests, "errors");
	int64_t ran = json_number(tests, "passed") + failed + errors;

	err_set(e, ERR_INVALID, 0, "%lld of %lld tests failed",
		(long long)(failed + errors), (long long)ran);
}

static void
describe_ending(const json_t *data, struct err *e)
{
	const json_t *limits = json_object_get(data, "limits");
	const char *outcome = json_text(data, "outcome");
	const char *reason = json_text(data, "reason");
	const char *error = json_text(data, "error");
	double seconds =
		json_number_value(json_object_get(limits, "timeout_seconds"));

	if (strcmp(outcome, "timeout") == 0)
		err_set(e, ERR_LIMIT, 0, "the run timed out after %g seconds",
			seconds);
	else
		err_set(e, ERR_INVALID, 0, "the run ended as %s%s%s%s%s",
			outcome, reason[0] != '\0' ? ": " : "", reason,
			error[0] != '\0' ? ": " : "", error);
}

static enum step_result
judge_outcome(const json_t *data, struct err *e)
{
	const char *outcome = json_text(data, "outcome");

	if (strcmp(outcome, "passed") == 0 || strcmp(outcome, "completed") == 0)
		return STEP_DONE;
	if (strcmp(outcome, "failed") == 0)
		describe_failed(json_object_get(data, "tests"), e);
	else
		describe_ending(data, e);
	return STEP_FAILED;
}

static enum step_result
apply_result(struct step_context *c, json_t *data, struct err *e)
{
	json_t *artifacts = workflow_state_part(c->state, "artifacts");
	json_t *metrics = workflow_state_part(c->state, "metrics");
	json_t *rate =
		json_object_get(json_object_get(data, "tests"), "success_rate");

	if (rate != NULL) {
		json_object_set(data, "success_rate", rate);
		json_object_set(metrics, "test_success_rate", rate);
	}
	if (json_object_set(artifacts, "test_results", data) < 0) {
		err_set(e, ERR_IO, ENOMEM, "keep results");
		return STEP_FAILED;
	}
	close_attempt(c, json_text(data, "outcome"),
		      json_string_value(json_object_get(data, "reason")));
	json_object_del(c->step, "waiting_for");
	return judge_outcome(data, e);
}

/* ---- after a crash --------------------------------------------------- */

/* The data of a job that had come to its end; NULL if it had not. */
static json_t *
load_done_job(const struct step_context *c, const char *job_id)
{
	char user_id[40], status[20];
	json_t *data = NULL;
	struct err e;

	if (job_row_get(c->api->store, job_id, user_id, status, &data, &e) < 0)
		return NULL;
	if (strcmp(status, JOB_ROW_DONE) != 0 ||
	    strcmp(json_text(data, "reason"), JOB_ROW_ORPHANED) == 0 ||
	    strcmp(json_text(data, "reason"), JOB_ROW_UNSTORED) == 0) {
		json_decref(data);
		data = NULL;
	}
	return data;
}

static bool
is_lost_outcome(const json_t *data)
{
	return json_is_true(json_object_get(data, "is_retryable"));
}

/* An attempt was in flight when a worker died. */
static enum step_result
resume(struct step_context *c, const char *job_id, struct err *e)
{
	json_t *data = load_done_job(c, job_id);
	enum step_result result;

	log_info("event=step_resume workflow=%s job=%s found=%s",
		 c->state->meta.workflow_id, job_id,
		 data != NULL ? "result" : "nothing");
	if (data == NULL)
		return retry_later(c, JOB_ROW_ORPHANED, "", e);
	if (is_lost_outcome(data))
		result = retry_later(c, json_text(data, "reason"),
				     json_text(data, "error"), e);
	else
		result = apply_result(c, data, e);
	json_decref(data);
	return result;
}

/* ---- a new attempt --------------------------------------------------- */

static json_t *
job_source(const struct step_context *c)
{
	json_t *source = json_copy(workflow_state_part(c->state, "program"));

	if (source != NULL)
		json_object_set(source, "code",
				json_object_get(workflow_state_part(
							c->state, "artifacts"),
						"generated_code"));
	return source;
}

static uint64_t
wall_ms_left(const struct step_context *c)
{
	uint64_t deadline_us =
		(uint64_t)json_number(c->state->doc, "deadline_us");
	uint64_t now_us = clock_wall_us();

	return deadline_us > now_us + 1000 ? (deadline_us - now_us) / 1000 : 1;
}

static int
run_job(struct step_context *c, const char *job_id, json_t **ret_data,
	struct job_verdict *ret_verdict, struct err *e)
{
	struct workflow_job job = {
		.source = job_source(c),
		.job_id = job_id,
		.workflow_id = c->state->meta.workflow_id,
		.actor = json_text(c->state->doc, "username"),
		.step = (uint32_t)json_number(c->step, "step_id"),
		.attempt = (uint32_t)json_number(c->step, "attempt"),
		.wall_ms_max = wall_ms_left(c),
		.cancel_fd = c->cancel_fd,
	};
	int rc;

	if (job.source == NULL)
		return err_set(e, ERR_IO, ENOMEM, "prepare job");
	rc = c->runner->run(c->runner->arg, &job, ret_data, ret_verdict, e);
	json_decref(job.source);
	return rc;
}

/* The job has a story: write it to its row first, then into the document. */
static enum step_result
take_story(struct step_context *c, const char *job_id, json_t *data,
	   const struct job_verdict *verdict, struct err *e)
{
	bool is_cut_off = verdict->reason != NULL &&
			  strcmp(verdict->reason, "cancelled") == 0;

	add_origin(c, data);
	json_object_set_new(data, "is_retryable",
			    json_boolean(verdict->is_retryable));
	if (is_cut_off && c->is_stopping(c->arg)) {
		/* Not the client's doing: the next start tries again. */
		json_object_set_new(data, "outcome", json_string("error"));
		json_object_set_new(data, "reason",
				    json_string(JOB_ROW_ORPHANED));
	}
	if (job_row_end(c->api->store, job_id, c->state->meta.user_id, data,
			e) < 0)
		return step_store_failed(c, e);
	if (is_cut_off)
		return STEP_STOP; /* who cancelled has written the document */
	if (verdict->is_retryable)
		return retry_later(c, verdict->reason, verdict->err.text, e);
	return apply_result(c, data, e);
}

/* The row of a job that was not submitted must not stay at running. */
static void
put_refused_job(struct step_context *c, const char *job_id,
		const struct err *cause)
{
	json_t *data = job_report_error(job_id, "not submitted", cause->text);
	struct err e;

	if (data == NULL)
		return;
	add_origin(c, data);
	json_object_set_new(data, "is_retryable",
			    json_boolean(cause->kind == ERR_PEER));
	if (job_row_end(c->api->store, job_id, c->state->meta.user_id, data,
			&e) < 0)
		log_error("event=job_save job=%s error=\"%s\"", job_id, e.text);
	json_decref(data);
}

/* Nothing was submitted. */
static enum step_result
take_refusal(struct step_context *c, const char *job_id, struct err *e)
{
	put_refused_job(c, job_id, e);
	if (e->kind == ERR_PEER)
		return retry_later(c, JOB_REASON_LOST_GONE, "", e);
	close_attempt(c, "error", "not submitted");
	return STEP_FAILED;
}

static enum step_result
begin_attempt(struct step_context *c, char ret_job_id[40])
{
	uint32_t step = (uint32_t)json_number(c->step, "step_id");
	uint32_t attempt = (uint32_t)json_number(c->step, "attempt") + 1;

	digest_job_id(c->state->meta.workflow_id, step, attempt, ret_job_id);
	json_object_set_new(c->step, "attempt", json_integer(attempt));
	json_object_set_new(c->step, "job_id", json_string(ret_job_id));
	json_set_time(c->step, "attempt_at", clock_wall_us());
	return step_save(c);
}

/* With a place for one job. */
static enum step_result
run_attempt(struct step_context *c, struct err *e)
{
	enum step_result result;
	struct job_verdict verdict;
	json_t *data = NULL;
	char job_id[40];

	if (begin_attempt(c, job_id) != STEP_DONE)
		return STEP_STOP;
	if (put_running_job(c, job_id, e) < 0)
		return step_store_failed(c, e);
	if (run_job(c, job_id, &data, &verdict, e) < 0)
		return take_refusal(c, job_id, e);
	result = take_story(c, job_id, data, &verdict, e);
	json_decref(data);
	return result;
}

enum step_result
step_test_run(struct step_context *c, struct err *e)
{
	const struct workflow_runner *runner = c->runner;
	const char *in_flight = json_text(c->step, "job_id");
	enum step_result result;

	if (in_flight[0] != '\0')
		return resume(c, in_flight, e);
	if (runner->check_ready(runner->arg, e) < 0 ||
	    runner->take_place(runner->arg, c->cancel_fd, e) < 0)
		return wait_for(c, "waits", e->text);
	result = run_attempt(c, e);
	runner->give_place(runner->arg);
	return result;
}
