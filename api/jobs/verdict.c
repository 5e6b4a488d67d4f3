/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict.c - the rules that turn what the supervisor saw and what the harness
 * wrote into one outcome.  What the supervisor saw always wins: the harness
 * shares its jail with the code under test.
 */
#include <string.h>

#include "api/jobs/report.h"

const char *
job_outcome_name(enum job_outcome outcome)
{
	static const char *const names[JOB_OUTCOME_COUNT] = {
		[JOB_PASSED] = "passed", [JOB_FAILED] = "failed",
		[JOB_ERROR] = "error",	 [JOB_TIMEOUT] = "timeout",
		[JOB_KILLED] = "killed", [JOB_COMPLETED] = "completed",
	};

	return names[outcome];
}

/* "" of the protocol is NULL here. */
static const char *
sandbox_reason(const struct proto_job_done *done)
{
	const char *name = proto_reason_name(done->reason);

	return name[0] != '\0' ? name : NULL;
}

static void
set_error(struct job_verdict *v, const char *reason, const char *text)
{
	v->outcome = JOB_ERROR;
	v->reason = reason;
	err_set(&v->err, ERR_INVALID, 0, "%s", text);
}

/* Kinds of failure of our own side that may be gone the next time. */
static bool
may_pass(const struct err *err)
{
	return err->kind == ERR_BUSY || err->kind == ERR_PEER ||
	       err->kind == ERR_IO;
}

static void
judge_refused(const struct proto_job_done *done, struct job_verdict *v)
{
	v->outcome = JOB_ERROR;
	v->reason = done->err.kind == ERR_BUSY ? JOB_REASON_BUSY
					       : JOB_REASON_REFUSED;
	v->err = done->err;
	v->is_refused = true;
	v->is_retryable = may_pass(&done->err);
}

static void
judge_killed(const struct proto_job_done *done, struct job_verdict *v)
{
	v->outcome = JOB_KILLED;
	v->reason = sandbox_reason(done);
	if (done->reason == PROTO_REASON_SHUTDOWN) {
		v->outcome = JOB_ERROR;
		v->is_retryable = true;
		err_set(&v->err, ERR_PEER, 0,
			"the supervisor was stopped while the job ran");
	}
}

/* What the tests file has, by what it was before any code of the job ran. */
static void
judge_short(const struct results *r, struct job_verdict *v)
{
	const char *name = results_missing(r);

	set_error(v, "incomplete", "fewer tests ran than were planned");
	if (name != NULL)
		err_set(&v->err, ERR_INVALID, 0,
			"test %.100s of the tests file did not run", name);
}

/* The harness said all there is to say: does it hold together? */
static void
judge_complete(const struct proto_job_done *done, const struct results *r,
	       struct job_verdict *v)
{
	bool is_clean =
		done->outcome == PROTO_OUTCOME_EXITED && done->exit_code == 0;

	v->reason = sandbox_reason(done);
	if (r->count[RESULTS_FAILED] > 0 || r->count[RESULTS_ERROR] > 0)
		v->outcome = JOB_FAILED;
	else if (results_are_short(r))
		judge_short(r, v);
	else if (results_total(r) == 0)
		set_error(v, "no tests", "the tests file has no tests");
	else if (r->count[RESULTS_PASSED] == 0)
		set_error(v, "no tests", "every test was skipped");
	else if (!results_have_canaries(r))
		set_error(v, "forged",
			  "a test that must fail was not reported");
	else if (r->malformed > 0)
		set_error(v, "forged",
			  "the results have lines that no runner writes");
	else if (is_clean)
		v->outcome = JOB_PASSED;
	else if (done->outcome == PROTO_OUTCOME_SIGNALED) {
		v->outcome = JOB_ERROR;
		v->reason = "inconsistent";
		err_set(&v->err, ERR_INVALID, 0,
			"all tests passed, but the run died of signal %d",
			done->signal);
	} else {
		v->outcome = JOB_ERROR;
		v->reason = "inconsistent";
		err_set(&v->err, ERR_INVALID, 0,
			"all tests passed, but the run ended with exit code %d",
			done->exit_code);
	}
}

static void
judge_ended(const struct client_job_result *result,
	    const struct results *results, struct job_verdict *v)
{
	v->reason = sandbox_reason(&result->done);
	/* The payload may end by itself before our JOB_KILL reaches it. */
	if (result->out.is_truncated || result->err_out.is_truncated ||
	    result->results.is_truncated) {
		v->outcome = JOB_KILLED;
		if (v->reason == NULL)
			v->reason =
				proto_reason_name(PROTO_REASON_OUTPUT_LIMIT);
	} else if (result->done.reason == PROTO_REASON_MEMORY &&
		   result->done.outcome == PROTO_OUTCOME_SIGNALED) {
		v->outcome = JOB_KILLED;
	} else if (results == NULL) {
		v->outcome = JOB_COMPLETED;
	} else if (results_are_forged(results)) {
		set_error(v, "forged", results->doubt);
	} else if (!results_are_complete(results)) {
		set_error(v, v->reason != NULL ? v->reason : "incomplete",
			  "the test run ended without a matching closing "
			  "record");
	} else {
		judge_complete(&result->done, results, v);
	}
}

void
job_judge(const struct client_job_result *result, const struct results *results,
	  const char *lost_reason, struct job_verdict *ret)
{
	struct job_verdict v = {.outcome = JOB_ERROR};

	if (result->is_lost) {
		v.reason = lost_reason;
		v.is_retryable = true;
		err_set(&v.err, ERR_PEER, 0,
			"the connection to the supervisor broke while the job "
			"ran");
		*ret = v;
		return;
	}
	switch (result->done.outcome) {
	case PROTO_OUTCOME_REFUSED:
		judge_refused(&result->done, &v);
		break;
	case PROTO_OUTCOME_TIMEOUT:
		v.outcome = JOB_TIMEOUT;
		v.reason = sandbox_reason(&result->done);
		if (v.reason == NULL)
			v.reason = proto_reason_name(PROTO_REASON_TIMEOUT);
		break;
	case PROTO_OUTCOME_KILLED:
		judge_killed(&result->done, &v);
		break;
	case PROTO_OUTCOME_EXITED:
	case PROTO_OUTCOME_SIGNALED:
		judge_ended(result, results, &v);
		break;
	default: /* PROTO_OUTCOME_ERROR; others the wire has turned away */
		v.reason = "internal";
		v.err = result->done.err;
		v.is_retryable = may_pass(&v.err);
	}
	*ret = v;
}
