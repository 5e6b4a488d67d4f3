/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c - see run.h.  Blocks its thread for the life of the job; the only way
 * to end it early is cancel_fd.
 */
#include "api/jobs/run.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/clock.h"
#include "supervisor/wire/client.h"

#define LOST_POLL_MS 100

static bool
is_cancelled(int cancel_fd, int wait_ms)
{
	struct pollfd p = {.fd = cancel_fd, .events = POLLIN};

	return poll(&p, 1, wait_ms) > 0; /* a negative fd only waits */
}

/* Why did the connection break?  Asks until the supervisor answers. */
static const char *
find_lost_reason(struct job_host *host, const uint8_t before[16],
		 const struct job_run_options *o)
{
	uint64_t deadline = clock_mono_ms() + o->lost_wait_ms;
	struct proto_hello_reply hello;
	bool is_last;
	struct err e;

	do {
		/* Also if nobody let us run until the time was up. */
		is_last = clock_mono_ms() >= deadline;
		if (job_host_refresh(host, &hello, &e) == 0)
			return memcmp(hello.instance, before, 16) != 0
				       ? JOB_REASON_LOST_RESTARTED
				       : JOB_REASON_LOST_SAME;
	} while (!is_last && !is_cancelled(o->cancel_fd, LOST_POLL_MS));
	return JOB_REASON_LOST_GONE;
}

static int
submit(struct job_host *host, const struct job_request *request,
       const struct job_run_options *o, struct client_job_result *ret,
       struct err *e)
{
	struct client_job_request r = {
		.job_id = o->job_id,
		.policy = request->policy,
		.runtime = request->runtime.name,
		.actor = o->actor,
		.workflow = o->workflow,
		.step = o->step,
		.attempt = o->attempt,
		.limits = request->limits,
		.stdin_data = request->stdin_text.data,
		.stdin_len = request->stdin_text.len,
		.on_started = o->on_started,
		.on_output = o->on_output,
		.on_result = o->on_result,
		.arg = o->arg,
		.cancel_fd = o->cancel_fd,
	};
	struct bundle_writer bundle;
	int rc;

	if (job_request_bundle(request, &bundle, e) < 0)
		return -1;
	r.bundle = bundle.data;
	r.bundle_len = bundle.len;
	rc = client_job_run(job_host_socket(host), &r, ret, e);
	bundle_writer_done(&bundle);
	return rc;
}

static int
judge_and_report(struct job_host *host, const struct job_request *request,
		 const struct job_run_options *o, const uint8_t before[16],
		 const struct client_job_result *result, json_t **ret_data,
		 struct job_verdict *ret_verdict, struct err *e)
{
	struct results parsed = {0}, *results = NULL;
	const char *lost = NULL;
	json_t *data;

	if (request->has_tests) {
		if (results_parse(&parsed, result->results.data,
				  result->results.len) < 0)
			return err_set(e, ERR_IO, ENOMEM, "read test results");
		results = &parsed;
	}
	if (result->is_lost)
		lost = find_lost_reason(host, before, o);
	job_judge(result, results, lost, ret_verdict);
	data = job_report(o->job_id, request, result, results, ret_verdict);
	results_done(&parsed);
	if (data == NULL)
		return err_set(e, ERR_IO, ENOMEM, "report job");
	*ret_data = data;
	return 0;
}

int
job_run(struct job_host *host, const struct job_request *request,
	const struct job_run_options *options, json_t **ret_data,
	struct job_verdict *ret_verdict, struct err *e)
{
	struct client_job_result *result;
	uint8_t before[16];
	int rc;

	job_host_instance(host, before);
	result = calloc(1, sizeof(*result));
	if (result == NULL)
		return err_set(e, ERR_IO, ENOMEM, "run job");
	rc = submit(host, request, options, result, e);
	if (rc == 0) {
		rc = judge_and_report(host, request, options, before, result,
				      ret_data, ret_verdict, e);
		client_job_result_done(result);
	}
	free(result);
	return rc;
}
