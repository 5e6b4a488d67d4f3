/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_row.c - see job_row.h.
 */
#include "api/workflow/job_row.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "api/jobs/report.h"
#include "api/metrics.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

int
job_row_put(struct store *store, const char *job_id, const char *user_id,
	    const char *status, json_t *data, struct err *e)
{
	char *text;
	int rc;

	json_object_set_new(data, "status", json_string(status));
	text = json_dumps(data, JSON_COMPACT);
	if (text == NULL)
		return err_set(e, ERR_IO, ENOMEM, "write job as JSON");
	rc = store_job_put(store, job_id, user_id, status, text, e);
	free(text);
	return rc;
}

/* ---- ends that could not be written ---------------------------------- */

/*
 * A job starts only if its row could be written, so while the store fails no
 * more of them come than run at once.
 */
#define UNSTORED_MAX 1024

static struct {
	pthread_mutex_t lock;
	size_t count;
	struct {
		char job_id[40], user_id[40];
	} row[UNSTORED_MAX];
} unstored = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
remember_unstored(const char *job_id, const char *user_id)
{
	bool is_kept;

	pthread_mutex_lock(&unstored.lock);
	is_kept = unstored.count < UNSTORED_MAX &&
		  str_copy(unstored.row[unstored.count].job_id,
			   sizeof(unstored.row[0].job_id), job_id) == 0 &&
		  str_copy(unstored.row[unstored.count].user_id,
			   sizeof(unstored.row[0].user_id), user_id) == 0;
	unstored.count += is_kept;
	pthread_mutex_unlock(&unstored.lock);
	if (!is_kept)
		log_error("event=job_unstored job=%s: the next start marks it",
			  job_id);
}

int
job_row_end(struct store *store, const char *job_id, const char *user_id,
	    json_t *data, struct err *e)
{
	metrics_job(json_string_value(json_object_get(data, "outcome")));
	if (job_row_put(store, job_id, user_id, JOB_ROW_DONE, data, e) == 0)
		return 0;
	if (e->kind != ERR_CONFLICT)
		remember_unstored(job_id, user_id);
	return -1;
}

static int
put_unstored(struct store *store, const char *job_id, const char *user_id,
	     struct err *e)
{
	json_t *data = job_report_error(job_id, JOB_ROW_UNSTORED,
					"the job ended while the store could "
					"not be written");
	int rc;

	if (data == NULL)
		return err_set(e, ERR_IO, ENOMEM, "job %s", job_id);
	rc = job_row_put(store, job_id, user_id, JOB_ROW_DONE, data, e);
	json_decref(data);
	return rc;
}

void
job_row_settle(struct store *store)
{
	struct err e;
	size_t i;

	pthread_mutex_lock(&unstored.lock);
	while (unstored.count > 0) {
		i = unstored.count - 1;
		if (put_unstored(store, unstored.row[i].job_id,
				 unstored.row[i].user_id, &e) < 0 &&
		    e.kind != ERR_CONFLICT)
			break;
		log_warning("event=job_unstored job=%s",
			    unstored.row[i].job_id);
		unstored.count = i;
	}
	pthread_mutex_unlock(&unstored.lock);
}

/* ---- reading --------------------------------------------------------- */

int
job_row_get(struct store *store, const char *job_id, char ret_user_id[40],
	    char ret_status[20], json_t **ret_data, struct err *e)
{
	char *text = NULL;
	json_t *data;

	if (store_job_get(store, job_id, ret_user_id, ret_status, &text, e) < 0)
		return -1;
	data = json_loads(text, JSON_ALLOW_NUL, NULL);
	free(text);
	if (data == NULL)
		return err_set(e, ERR_IO, 0, "job %s: its document is no JSON",
			       job_id);
	*ret_data = data;
	return 0;
}

/* ---- after a crash --------------------------------------------------- */

/* For judging, writing, and clocks that do not quite agree. */
#define END_SLACK_US UINT64_C(60000000)
#define END_DEFAULT_MS UINT64_C(86400000)

void
job_row_set_end(json_t *data, uint64_t wall_ms_max)
{
	uint64_t wall_ms = wall_ms_max > 0 && wall_ms_max < END_DEFAULT_MS
				   ? wall_ms_max
				   : END_DEFAULT_MS;
	uint64_t end_us = clock_wall_us() + wall_ms * 1000 + END_SLACK_US;

	json_object_set_new(data, "ends_by_us",
			    json_integer((json_int_t)end_us));
}

int
job_row_mark_orphan(struct store *store, const char *job_id, struct err *e)
{
	char user_id[40], status[20];
	json_t *data, *error;
	int rc = 0;

	if (job_row_get(store, job_id, user_id, status, &data, e) < 0)
		return -1;
	if (strcmp(status, JOB_ROW_RUNNING) == 0) {
		error = job_report_error(job_id, JOB_ROW_ORPHANED,
					 "the API process ended while the job "
					 "ran");
		json_object_update(data, error);
		json_object_del(data, "ends_by_us");
		json_decref(error);
		rc = job_row_put(store, job_id, user_id, JOB_ROW_DONE, data, e);
	}
	json_decref(data);
	return rc;
}

struct marking {
	struct store *store;
	bool is_all;
	uint64_t now_us;
	struct err *e;
	size_t count;
	int rc;
};

static bool
is_over(const struct marking *m, const char *document)
{
	json_t *data, *end;
	bool over;

	if (m->is_all)
		return true;
	data = json_loads(document, JSON_ALLOW_NUL, NULL);
	end = json_object_get(data, "ends_by_us");
	over = json_is_integer(end) &&
	       (uint64_t)json_integer_value(end) < m->now_us;
	json_decref(data);
	return over;
}

static int
mark_one(void *arg, const char *job_id, const char *document)
{
	struct marking *m = arg;

	if (!is_over(m, document))
		return 0;
	m->rc = job_row_mark_orphan(m->store, job_id, m->e);
	m->count++;
	return m->rc;
}

int
job_row_mark_orphans(struct store *store, bool is_all, struct err *e)
{
	struct marking m = {.store = store,
			    .is_all = is_all,
			    .now_us = clock_wall_us(),
			    .e = e};

	if (store_job_list_running(store, mark_one, &m, e) < 0 || m.rc < 0)
		return err_wrap(e, "mark jobs left running");
	if (m.count > 0)
		log_warning("event=jobs_orphaned count=%zu", m.count);
	return 0;
}
