/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_row.h - a job's row in the store: who asked for it, whether it runs, and
 * its data object as JSON.
 */
#ifndef PC_API_WORKFLOW_JOB_ROW_H
#define PC_API_WORKFLOW_JOB_ROW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/store/store.h"
#include "supervisor/base/err.h"

#define JOB_ROW_RUNNING "running"
#define JOB_ROW_DONE "done"

/* Sets data.status and writes it. */
int job_row_put(struct store *store, const char *job_id, const char *user_id,
		const char *status, json_t *data, struct err *e);

/*
 * job_row_put with JOB_ROW_DONE.  If the store fails, the row is remembered:
 * it would stay at running, and its result is lost.
 */
int job_row_end(struct store *store, const char *job_id, const char *user_id,
		json_t *data, struct err *e);

/*
 * Mark what job_row_end could not write as error: "result not stored".  Called
 * now and then; cheap if there is nothing, and as long as the store fails.
 */
#define JOB_ROW_UNSTORED "result not stored"
void job_row_settle(struct store *store);

/* *ret_data is a new reference. */
int job_row_get(struct store *store, const char *job_id, char ret_user_id[40],
		char ret_status[20], json_t **ret_data, struct err *e);

/*
 * A running job's row says until when its process may still write it: from now
 * on that long, and some.
 */
void job_row_set_end(json_t *data, uint64_t wall_ms_max);

/* Jobs cannot outlive the process that submitted them. */
#define JOB_ROW_ORPHANED "api restarted"

/* This job's process is gone; no change if it is done. */
int job_row_mark_orphan(struct store *store, const char *job_id, struct err *e);

/*
 * Mark the jobs of processes that are gone: all that run if this process has
 * the store to itself and has just started, else those whose end is past.
 */
int job_row_mark_orphans(struct store *store, bool is_all, struct err *e);

#endif
