/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyst.h - who looks for weaknesses in a workflow's code before it is
 * released, as the engine sees it.
 */
#ifndef PC_API_WORKFLOW_ANALYST_H
#define PC_API_WORKFLOW_ANALYST_H

#include <jansson.h>
#include <stdint.h>

#include "supervisor/base/err.h"

struct job_host;

struct analyst_task {
	const json_t *program; /* with code and language; borrowed */
	const char *workflow_id;
	const char *actor;
	uint32_t step, attempt;
	uint64_t wall_ms_max;
	int cancel_fd;
	struct job_host *host; /* the engine's */
};

struct workflow_analyst {
	void *arg;
	/*
	 * 0 with a report to own: {"overall_score": 0..100 or null,
	 * "analysed": bool, "vulnerabilities": [{"severity":
	 * low|medium|high|critical, ...}], "tools": [...]}.  What could not be
	 * analysed is said so and never counts as clean.  ERR_PEER, ERR_BUSY:
	 * worth another try later.
	 */
	int (*analyse)(void *arg, const struct analyst_task *task,
		       json_t **ret_report, struct err *e);
};

#endif
