/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner.h - the seam between the engine and whatever runs a job.  The product
 * has one runner (jails by way of the supervisor); tests bring their own.
 */
#ifndef PC_API_WORKFLOW_RUNNER_H
#define PC_API_WORKFLOW_RUNNER_H

#include <jansson.h>
#include <stdint.h>

#include "api/jobs/report.h"
#include "supervisor/base/err.h"

struct workflow_job {
	json_t *source; /* as job_request_init takes it */
	const char *job_id;
	const char *workflow_id;
	const char *actor;
	uint32_t step, attempt;
	uint64_t wall_ms_max; /* what is left of the workflow's time */
	int cancel_fd;	      /* readable: kill the job */
};

struct workflow_runner {
	void *arg;
	/* 0 if a job could be run now; else *e says what is missing. */
	int (*check_ready)(void *arg, struct err *e);
	/*
	 * Wait for a place for one job, and give it back after run(); ERR_BUSY
	 * if none gets free in time or cancel_fd is readable.  Taken before an
	 * attempt is written down, so that nothing is on record as running
	 * that only waits.
	 */
	int (*take_place)(void *arg, int cancel_fd, struct err *e);
	void (*give_place)(void *arg);
	/*
	 * As job_run: 0 with a story, -1 if nothing ran (ERR_INVALID and
	 * ERR_LIMIT: the job itself is wrong).
	 */
	int (*run)(void *arg, const struct workflow_job *job, json_t **ret_data,
		   struct job_verdict *ret_verdict, struct err *e);
};

struct api;
struct job_host;

/* The arg of workflow_jail_runner. */
struct workflow_jail {
	const struct api *api;
	struct job_host *host;
};

/* Runs jobs in jails; *jail must outlive the result. */
struct workflow_runner workflow_jail_runner(struct workflow_jail *jail);

#endif
