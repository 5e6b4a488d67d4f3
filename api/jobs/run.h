/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - one job from checked request to judged report.
 */
#ifndef PC_API_JOBS_RUN_H
#define PC_API_JOBS_RUN_H

#include <jansson.h>

#include "api/jobs/host.h"
#include "api/jobs/report.h"
#include "api/jobs/request.h"
#include "supervisor/base/err.h"

struct job_run_options {
	const char *job_id;   /* UUID text */
	const char *actor;    /* for the audit record */
	const char *workflow; /* "" if none */
	uint32_t step, attempt;
	int cancel_fd; /* readable: kill the job; -1 if none */
	/*
	 * When the supervisor dies under the job: how long to wait for it to
	 * come back, in order to say whether it was restarted or is gone.
	 */
	uint32_t lost_wait_ms;
	/* As in client.h; may be NULL. */
	void (*on_started)(void *arg, const struct proto_job_started *started);
	void (*on_output)(void *arg, int stream, const char *data, size_t len);
	void (*on_result)(void *arg, const char *line, size_t len);
	void *arg;
};

#define JOB_LOST_WAIT_MS 10000

/*
 * Returns 0 with *ret_data (a new reference, job_report's object) and *verdict
 * whenever the job has a story, also refused, killed or lost; -1 if nothing
 * was submitted: ERR_PEER for an unreachable supervisor.
 */
int job_run(struct job_host *host, const struct job_request *request,
	    const struct job_run_options *options, json_t **ret_data,
	    struct job_verdict *ret_verdict, struct err *e);

#endif
