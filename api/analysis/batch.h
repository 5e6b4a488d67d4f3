/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch.h - the jobs of one analysis: each tool on each source that it reads,
 * side by side as far as there are jails free.
 */
#ifndef PC_API_ANALYSIS_BATCH_H
#define PC_API_ANALYSIS_BATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/analysis/analysis.h"
#include "api/analysis/tool.h"
#include "supervisor/wire/proto.h"

#define ANALYSIS_POLICY "analyzer"

enum tool_status {
	TOOL_COMPLETED,
	TOOL_FAILED,
	TOOL_TIMEOUT,
	TOOL_UNAVAILABLE,
	TOOL_STATUS_COUNT
};

struct tool_run {
	const struct analysis_tool *tool;
	size_t source; /* number in the task */
	enum tool_status status;
	char reason[ERR_TEXT_MAX]; /* unless completed */
	struct own_output own;
	char job_id[PROTO_ID_MAX]; /* "": no job was begun */
	uint64_t duration_ms;
	json_t *found; /* of a tool that completed */
};

struct batch {
	const struct analysis_task *task;
	struct job_host *host;
	const char *const *languages;	       /* of each source */
	json_t *headers[ANALYSIS_SOURCES_MAX]; /* layout.h; NULL: it is none */
	struct tool_run *runs;
	size_t len;
};

/* All tools that there are for the sources' languages. */
int batch_init(struct batch *ret, const struct analysis_task *task,
	       struct job_host *host, const char *const *languages,
	       struct err *e);
void batch_done(struct batch *batch);

/*
 * Runs them to their end.  -1: the supervisor is gone, busy for too long, or
 * the task was cancelled.  A tool that fails, or is not there, is no error.
 */
int batch_run(struct batch *batch, struct err *e);

#endif
