/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner.c - workflow jobs in jails, through the one queue that all jobs of
 * this process share.
 */
#include "api/workflow/runner.h"

#include "api/api.h"
#include "api/jobs/host.h"
#include "api/jobs/run.h"

#define SLOT_WAIT_MS 5000

static int
jail_check_ready(void *arg, struct err *e)
{
	const struct workflow_jail *jail = arg;

	return job_host_check_ready(jail->host, e);
}

static int
jail_take_place(void *arg, int cancel_fd, struct err *e)
{
	const struct workflow_jail *jail = arg;

	return job_host_slot_acquire(jail->host, SLOT_WAIT_MS, cancel_fd, e);
}

static void
jail_give_place(void *arg)
{
	const struct workflow_jail *jail = arg;

	job_host_slot_release(jail->host);
}

static void
cap_wall(struct proto_limits *limits, uint64_t max_ms)
{
	if (limits->wall_ms == 0 || limits->wall_ms > max_ms)
		limits->wall_ms = max_ms;
}

static int
jail_run(void *arg, const struct workflow_job *job, json_t **ret_data,
	 struct job_verdict *ret_verdict, struct err *e)
{
	const struct workflow_jail *jail = arg;
	const struct job_defaults defaults = {
		.wall_ms =
			(uint64_t)jail->api->config.job_timeout_seconds * 1000,
		.memory_bytes = jail->api->config.job_memory_bytes,
	};
	const struct job_run_options options = {
		.job_id = job->job_id,
		.actor = job->actor,
		.workflow = job->workflow_id,
		.step = job->step,
		.attempt = job->attempt,
		.cancel_fd = job->cancel_fd,
		.lost_wait_ms = JOB_LOST_WAIT_MS,
	};
	struct job_request request;
	char field[JOB_FIELD_MAX];
	int rc;

	if (job_request_init(&request, job->source, jail->host, &defaults,
			     field, e) < 0)
		return field[0] != '\0' ? err_wrap(e, "%s", field) : -1;
	cap_wall(&request.limits, job->wall_ms_max);
	rc = job_run(jail->host, &request, &options, ret_data, ret_verdict, e);
	job_request_done(&request);
	return rc;
}

struct workflow_runner
workflow_jail_runner(struct workflow_jail *jail)
{
	return (struct workflow_runner){
		.arg = jail,
		.check_ready = jail_check_ready,
		.take_place = jail_take_place,
		.give_place = jail_give_place,
		.run = jail_run,
	};
}
