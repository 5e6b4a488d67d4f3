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
#include "api/workflow/iteration.h"
#include "api/workflow/job_row.h"
#include "api/workflow/mend.h"
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
	job_row_set_end(data, step_ms_left(c));
	rc = job_row_put(c->api->store, job_id, c->state->meta.user_id,
			 JOB_ROW_RUNNING, data, e);
	json_decref(data);
	return rc;
}

/* ---- attempts -------------------------------------------------------- */

/* The job came to nothing by our own side's fault. */
static enum step_result
try_again(struct step_context *c, const char *reason, const struct err *cause,
	  struct err *e)
{
	bool is_busy = strcmp(reason, JOB_REASON_BUSY) == 0;
	enum err_kind kind = is_busy ? ERR_BUSY : ERR_PEER;

	step_attempt_end(c, "error", reason);
	if (cause->kind == ERR_IO)
		kind = ERR_IO;
	err_set(e, kind, 0, "%s%s%s", reason,
		cause->text[0] != '\0' ? ": " : "", cause->text);
	return step_retry(c, e);
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

static void
describe_crash(const json_t *data, struct err *e)
{
	if (json_number(data, "exit_code") != 0)
		err_set(e, ERR_INVALID, 0,
			"the program ended with exit code %lld",
			(long long)json_number(data, "exit_code"));
	else
		err_set(e, ERR_INVALID, 0, "the program ended by a signal");
}

/* Is this version over with the tests, or is there an analysis to come? */
static bool
has_analysis(const struct step_context *c)
{
	for (size_t i = 0; i < workflow_state_steps(c->state); i++) {
		if (strcmp(json_text(workflow_state_step(c->state, i), "type"),
			   "security") == 0)
			return true;
	}
	return false;
}

static enum step_result
judge(struct step_context *c, struct err *e)
{
	const json_t *data = json_object_get(
		workflow_state_part(c->state, "artifacts"), "test_results");
	const char *outcome = json_text(data, "outcome");

	if (!iteration_has_crashed(c->state) &&
	    (strcmp(outcome, "passed") == 0 ||
	     strcmp(outcome, "completed") == 0)) {
		if (!has_analysis(c))
			mend_accept(c);
		return STEP_DONE;
	}
	if (iteration_has_crashed(c->state))
		describe_crash(data, e);
	else if (strcmp(outcome, "failed") == 0)
		describe_failed(json_object_get(data, "tests"), e);
	else
		describe_ending(data, e);
	/* Who forges results is not asked to do it better. */
	if (strcmp(json_text(data, "reason"), "forged") != 0)
		return STEP_MEND;
	mend_record(c);
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
	step_attempt_end(c, json_text(data, "outcome"),
			 json_string_value(json_object_get(data, "reason")));
	json_object_del(c->step, "waiting_for");
	return judge(c, e);
}

/* ---- after a crash --------------------------------------------------- */

/*
 * Cut off without the workflow's being cancelled (or we would not be here): by
 * the end of a process or the loss of a lease.
 */
static bool
is_cut_off(const json_t *data)
{
	static const char *const reasons[] = {JOB_ROW_ORPHANED,
					      JOB_ROW_UNSTORED, "cancelled"};
	const char *reason = json_text(data, "reason");

	for (size_t i = 0; i < 3; i++) {
		if (strcmp(reason, reasons[i]) == 0)
			return true;
	}
	return false;
}

/* The data of a job that had come to its end; NULL if it had not. */
static json_t *
load_done_job(const struct step_context *c, const char *job_id)
{
	char user_id[40], status[20];
	json_t *data = NULL;
	struct err e;

	if (job_row_get(c->api->store, job_id, user_id, status, &data, &e) < 0)
		return NULL;
	if (strcmp(status, JOB_ROW_DONE) == 0 && !is_cut_off(data))
		return data;
	json_decref(data);
	return NULL;
}

/* Its process is gone or lost the lease: nobody else will write the row. */
static enum step_result
resume_nothing(struct step_context *c, const char *job_id, struct err *e)
{
	const struct err none = ERR_INIT;

	if (job_row_mark_orphan(c->api->store, job_id, e) < 0 &&
	    e->kind != ERR_NOT_FOUND)
		return step_store_failed(c, e);
	return try_again(c, JOB_ROW_ORPHANED, &none, e);
}

/* An attempt was in flight when a worker died. */
static enum step_result
resume(struct step_context *c, const char *job_id, struct err *e)
{
	json_t *data = load_done_job(c, job_id);
	enum step_result result;
	struct err cause = ERR_INIT;

	log_info("event=step_resume workflow=%s job=%s found=%s",
		 c->state->meta.workflow_id, job_id,
		 data != NULL ? "result" : "nothing");
	if (data == NULL)
		return resume_nothing(c, job_id, e);
	if (json_is_true(json_object_get(data, "is_retryable"))) {
		err_set(&cause, ERR_PEER, 0, "%s", json_text(data, "error"));
		result = try_again(c, json_text(data, "reason"), &cause, e);
	} else {
		result = apply_result(c, data, e);
	}
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
		.wall_ms_max = step_ms_left(c),
		.cancel_fd = c->cancel_fd,
	};
	int rc;

	if (job.source == NULL)
		return err_set(e, ERR_IO, ENOMEM, "prepare job");
	rc = c->runner->run(c->runner->arg, &job, ret_data, ret_verdict, e);
	json_decref(job.source);
	return rc;
}

/* A result that cannot be written is lost: worth some patience. */
static int
end_job_row(const struct step_context *c, const char *job_id, json_t *data,
	    struct err *e)
{
	struct store *store = c->api->store;
	const char *user_id = c->state->meta.user_id;

	do {
		if (job_row_put(store, job_id, user_id, JOB_ROW_DONE, data,
				e) == 0)
			return 0;
	} while (e->kind != ERR_CONFLICT && step_may_ask_again(c));
	return job_row_end(store, job_id, user_id, data, e);
}

/* The job has a story: write it to its row first, then into the document. */
static enum step_result
take_story(struct step_context *c, const char *job_id, json_t *data,
	   const struct job_verdict *verdict, struct err *e)
{
	bool was_cut = verdict->reason != NULL &&
		       strcmp(verdict->reason, "cancelled") == 0;

	add_origin(c, data);
	json_object_set_new(data, "is_retryable",
			    json_boolean(verdict->is_retryable));
	if (was_cut && c->cut(c->arg) != STEP_CUT_CANCELLED) {
		/* Not the client's doing: whoever comes next tries again. */
		json_object_set_new(data, "outcome", json_string("error"));
		json_object_set_new(data, "reason",
				    json_string(JOB_ROW_ORPHANED));
	}
	if (end_job_row(c, job_id, data, e) < 0)
		return step_store_failed(c, e);
	if (was_cut)
		return STEP_STOP; /* who cancelled has written the document */
	if (verdict->is_retryable)
		return try_again(c, verdict->reason, &verdict->err, e);
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
	const struct err cause = *e;
	enum step_result result;
	json_t *data;

	put_refused_job(c, job_id, e);
	if (cause.kind == ERR_PEER)
		return try_again(c, JOB_REASON_LOST_GONE, &cause, e);
	if (!mend_has_author(c)) {
		step_attempt_end(c, "error", "not submitted");
		return STEP_FAILED;
	}
	/* The program is no proper job: a fault like others, to be mended. */
	data = job_report_error(job_id, "not submitted", cause.text);
	result = apply_result(c, data, e);
	json_decref(data);
	return result;
}

/* With a place for one job. */
static enum step_result
run_attempt(struct step_context *c, struct err *e)
{
	enum step_result result;
	struct job_verdict verdict;
	json_t *data = NULL;
	char job_id[40];

	if (step_attempt_begin(c, true, job_id) != STEP_DONE)
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
	enum step_result result;

	if (mend_is_settled(c->state))
		return judge(c, e);
	if (step_attempt_is_open(c))
		return resume(c, json_text(c->step, "job_id"), e);
	if (runner->check_ready(runner->arg, e) < 0 ||
	    runner->take_place(runner->arg, c->cancel_fd, e) < 0)
		return c->cut(c->arg) != STEP_CUT_NONE ? STEP_STOP
						       : step_wait(c, e->text);
	result = run_attempt(c, e);
	runner->give_place(runner->arg);
	return result;
}
