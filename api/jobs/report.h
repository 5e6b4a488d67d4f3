/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - how a finished job is judged, and the JSON object that clients of
 * the API and the CLI read.
 */
#ifndef PC_API_JOBS_REPORT_H
#define PC_API_JOBS_REPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "api/jobs/request.h"
#include "api/jobs/results.h"
#include "supervisor/base/err.h"
#include "supervisor/wire/client.h"

enum job_outcome {
	JOB_PASSED,    /* at least one test, all passed, exit code agrees */
	JOB_FAILED,    /* tests failed or had errors */
	JOB_ERROR,     /* the run as such broke: reason, error */
	JOB_TIMEOUT,   /* wall-clock limit */
	JOB_KILLED,    /* a limit or a cancel ended it: reason */
	JOB_COMPLETED, /* no tests asked for: the program ran to its end */
	JOB_OUTCOME_COUNT
};

const char *job_outcome_name(enum job_outcome outcome);

#define JOB_REASON_LOST_RESTARTED "supervisor restarted"
#define JOB_REASON_LOST_GONE "supervisor unavailable"
#define JOB_REASON_LOST_SAME "connection lost"
/* Nothing ran, because all jails of the supervisor were taken. */
#define JOB_REASON_BUSY "busy"
/* Nothing ran, because the supervisor said no. */
#define JOB_REASON_REFUSED "refused"

struct job_verdict {
	enum job_outcome outcome;
	const char *reason; /* a short fixed text, or NULL */
	struct err err;	    /* kind ERR_NONE if there is nothing to add */
	bool is_retryable;  /* our side's fault: the same job may succeed */
	bool is_refused;    /* never ran */
};

/*
 * lost_reason: one of JOB_REASON_LOST_* if result->is_lost.  results: the
 * parsed lines if the job had tests, else NULL.
 */
void job_judge(const struct client_job_result *result,
	       const struct results *results, const char *lost_reason,
	       struct job_verdict *ret);

/* The data object of POST /api/v3/jobs; NULL when out of memory. */
json_t *job_report(const char *job_id, const struct job_request *request,
		   const struct client_job_result *result,
		   const struct results *results,
		   const struct job_verdict *verdict);

/*
 * The data object of a job that came to nothing: outcome error with this
 * reason and text.
 */
json_t *job_report_error(const char *job_id, const char *reason,
			 const char *error);

#endif
