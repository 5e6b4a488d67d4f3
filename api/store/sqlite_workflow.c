/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_workflow.c - workflows with compare-and-set and leases, and jobs, in
 * SQLite.
 *
 * Responsible for two workers never both believing that they hold a workflow:
 * whoever was handed a newer lease makes every older token worthless, and a
 * write under an old version or token changes nothing and says so.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/store/sqlite_store.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"

/* One row of a list, read whole before the caller's function sees any. */
struct row {
	struct store_workflow_meta meta; /* of a job: workflow_id is its id */
	char *text; /* a workflow's summary, a job's document */
};

struct rows {
	struct row *row;
	size_t count;
};

static void
rows_done(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->row[i].text);
	free(rows->row);
}

#define owned_rows __attribute__((cleanup(rows_done)))

/* A zeroed row at the end, owned by rows. */
static struct row *
rows_add(struct rows *rows, struct err *e)
{
	struct row *grown =
		reallocarray(rows->row, rows->count + 1, sizeof(*rows->row));

	if (grown == NULL) {
		err_sys(e, "list");
		return NULL;
	}
	rows->row = grown;
	memset(&grown[rows->count], 0, sizeof(*grown));
	return &grown[rows->count++];
}

static int
read_meta(const struct query *q, struct store_workflow_meta *ret, struct err *e)
{
	struct store_workflow_meta meta = {0};

	if (query_text(q, 0, meta.workflow_id, sizeof(meta.workflow_id), e) <
		    0 ||
	    query_text(q, 1, meta.user_id, sizeof(meta.user_id), e) < 0 ||
	    query_text(q, 2, meta.status, sizeof(meta.status), e) < 0)
		return -1;
	meta.version = query_u64(q, 3);
	meta.created_us = query_u64(q, 4);
	meta.updated_us = query_u64(q, 5);
	meta.due_us = query_u64(q, 6);
	meta.expires_us = query_u64(q, 7);
	*ret = meta;
	return 0;
}
#define COLUMN_TEXT 8 /* document or summary, whichever was asked for */

int
sqlite_workflow_create(struct store *s, const struct store_workflow_meta *meta,
		       const char *summary, const char *document, struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin(&q, s, STATEMENT_WORKFLOW_CREATE);
	query_bind_text(&q, 1, meta->workflow_id);
	query_bind_text(&q, 2, meta->user_id);
	query_bind_text(&q, 3, meta->status);
	query_bind_u64(&q, 4, meta->created_us);
	query_bind_u64(&q, 5, meta->updated_us);
	query_bind_u64(&q, 6, meta->due_us);
	query_bind_u64(&q, 7, meta->expires_us);
	query_bind_text(&q, 8, summary);
	query_bind_text(&q, 9, document);
	rc = query_step(&q, e);
	if (rc < 0 && e->kind == ERR_CONFLICT)
		return err_set(e, ERR_CONFLICT, 0, "workflow %s exists already",
			       meta->workflow_id);
	return rc;
}

int
sqlite_workflow_get(struct store *s, const char *workflow_id,
		    struct store_workflow_meta *ret_meta, char **ret_document,
		    struct err *e)
{
	owned_query struct query q;
	struct store_workflow_meta meta;
	int rc;

	query_begin(&q, s, STATEMENT_WORKFLOW_GET);
	query_bind_text(&q, 1, workflow_id);
	rc = query_step(&q, e);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, 0, "Workflow not found");
	if (rc < 0 || read_meta(&q, &meta, e) < 0 ||
	    query_text_dup(&q, COLUMN_TEXT, ret_document, e) < 0)
		return -1;
	*ret_meta = meta;
	return 0;
}

int
sqlite_workflow_peek(struct store *s, const char *workflow_id,
		     struct store_workflow_meta *ret_meta, struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin(&q, s, STATEMENT_WORKFLOW_PEEK);
	query_bind_text(&q, 1, workflow_id);
	rc = query_step(&q, e);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, 0, "Workflow not found");
	return rc < 0 ? -1 : read_meta(&q, ret_meta, e);
}

/* Changes the row, or says in *ret_changed that no row was as expected. */
static int
update_step(struct store *s, const struct store_workflow_meta *meta,
	    const char *summary, const char *document, uint64_t lease_token,
	    bool *ret_changed, struct err *e)
{
	owned_query struct query q;

	query_begin_locked(&q, s, STATEMENT_WORKFLOW_UPDATE);
	query_bind_text(&q, 1, meta->workflow_id);
	query_bind_u64(&q, 2, meta->version);
	query_bind_text(&q, 3, meta->status);
	query_bind_u64(&q, 4, meta->updated_us);
	query_bind_u64(&q, 5, meta->due_us);
	query_bind_u64(&q, 6, meta->expires_us);
	query_bind_text(&q, 7, document);
	query_bind_u64(&q, 8, lease_token);
	query_bind_text(&q, 9, summary);
	if (query_step(&q, e) < 0)
		return -1;
	*ret_changed = query_changes(&q) == 1;
	return 0;
}

/* Always -1: why the update or the lease did not apply. */
static int
explain_refusal(struct store *s, const char *workflow_id, uint64_t version,
		struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin_locked(&q, s, STATEMENT_WORKFLOW_STATE);
	query_bind_text(&q, 1, workflow_id);
	rc = query_step(&q, e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, 0, "Workflow not found");
	if (version != 0 && query_u64(&q, 0) != version)
		return err_set(e, ERR_CONFLICT, 0,
			       "workflow %s changed meanwhile: version %" PRIu64
			       ", not %" PRIu64,
			       workflow_id, query_u64(&q, 0), version);
	return err_set(e, ERR_CONFLICT, 0, "workflow %s: the lease is lost",
		       workflow_id);
}

int
sqlite_workflow_update(struct store *s, struct store_workflow_meta *meta,
		       const char *summary, const char *document,
		       const struct store_outgoing *out, size_t out_len,
		       uint64_t lease_token, struct err *e)
{
	bool has_changed = false;
	int rc;

	if (sqlite_transaction_begin(s, e) < 0)
		return -1;
	rc = update_step(s, meta, summary, document, lease_token, &has_changed,
			 e);
	if (rc == 0 && !has_changed)
		rc = explain_refusal(s, meta->workflow_id, meta->version, e);
	for (size_t i = 0; rc == 0 && i < out_len; i++)
		rc = sqlite_delivery_add_locked(s, &out[i], e);
	if (sqlite_transaction_end(s, rc, e) < 0)
		return -1;
	meta->version++;
	return 0;
}

static enum statement
list_statement(const struct store_workflow_query *query)
{
	if (query->user_id != NULL && query->status != NULL)
		return STATEMENT_WORKFLOW_LIST_OF_BOTH;
	if (query->user_id != NULL)
		return STATEMENT_WORKFLOW_LIST_OF_USER;
	return query->status != NULL ? STATEMENT_WORKFLOW_LIST_OF_STATUS
				     : STATEMENT_WORKFLOW_LIST;
}

static int
read_workflows(struct store *s, const struct store_workflow_query *query,
	       struct rows *rows, struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin(&q, s, list_statement(query));
	query_bind_u64(&q, 1, query->limit);
	query_bind_u64(&q, 2,
		       query->before_us != 0 ? query->before_us : INT64_MAX);
	if (query->user_id != NULL)
		query_bind_text(&q, 3, query->user_id);
	if (query->status != NULL)
		query_bind_text(&q, 4, query->status);
	while ((rc = query_step(&q, e)) == 1) {
		struct row *row = rows_add(rows, e);

		if (row == NULL || read_meta(&q, &row->meta, e) < 0 ||
		    query_text_dup(&q, COLUMN_TEXT, &row->text, e) < 0)
			return -1;
	}
	return rc;
}

int
sqlite_workflow_list(struct store *s, const struct store_workflow_query *query,
		     int (*fn)(void *arg,
			       const struct store_workflow_meta *meta,
			       const char *summary),
		     void *arg, struct err *e)
{
	owned_rows struct rows rows = {0};

	if (read_workflows(s, query, &rows, e) < 0)
		return -1;
	for (size_t i = 0; i < rows.count; i++)
		if (fn(arg, &rows.row[i].meta, rows.row[i].text) != 0)
			break;
	return 0;
}

/* ---- leases ---------------------------------------------------------- */

int
sqlite_lease_token_next(struct store *s, uint64_t *ret_token, struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin_locked(&q, s, STATEMENT_LEASE_NEXT);
	rc = query_step(&q, e);
	if (rc == 0)
		return err_set(e, ERR_IO, 0, "store: lease_sequence is empty");
	if (rc < 0)
		return -1;
	*ret_token = query_u64(&q, 0);
	return query_step(&q, e) < 0 ? -1 : 0;
}

static int
claim_step(struct store *s, const char *worker, uint64_t lease_ms,
	   uint64_t token, char ret_workflow_id[40], struct err *e)
{
	uint64_t now_us = clock_wall_us();
	owned_query struct query q;
	int rc;

	query_begin_locked(&q, s, STATEMENT_WORKFLOW_CLAIM);
	query_bind_u64(&q, 1, now_us);
	query_bind_u64(&q, 2, token);
	query_bind_u64(&q, 3, now_us + lease_ms * 1000u);
	query_bind_text(&q, 4, worker);
	rc = query_step(&q, e);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, 0, "no workflow is due");
	if (rc < 0 || query_text(&q, 0, ret_workflow_id, 40, e) < 0)
		return -1;
	return query_step(&q, e) < 0 ? -1 : 0;
}

int
sqlite_workflow_claim(struct store *s, const char *worker, uint64_t lease_ms,
		      char ret_workflow_id[40], uint64_t *ret_lease_token,
		      struct err *e)
{
	uint64_t token = 0, due_us = 0;
	char id[40];
	int rc;

	/* Nothing due is the common answer: find it without a write. */
	if (sqlite_workflow_next_due(s, &due_us, e) < 0)
		return -1;
	if (due_us == 0 || due_us > clock_wall_us())
		return err_set(e, ERR_NOT_FOUND, 0, "no workflow is due");
	if (sqlite_transaction_begin(s, e) < 0)
		return -1;
	rc = sqlite_lease_token_next(s, &token, e);
	if (rc == 0)
		rc = claim_step(s, worker, lease_ms, token, id, e);
	if (sqlite_transaction_end(s, rc, e) < 0)
		return -1;
	memcpy(ret_workflow_id, id, sizeof(id));
	*ret_lease_token = token;
	return 0;
}

static int
lease_step(struct store *s, enum statement which, const char *workflow_id,
	   uint64_t lease_token, uint64_t until_us, bool *ret_changed,
	   struct err *e)
{
	owned_query struct query q;

	query_begin_locked(&q, s, which);
	query_bind_text(&q, 1, workflow_id);
	query_bind_u64(&q, 2, lease_token);
	if (which == STATEMENT_LEASE_RENEW)
		query_bind_u64(&q, 3, until_us);
	if (query_step(&q, e) < 0)
		return -1;
	*ret_changed = query_changes(&q) == 1;
	return 0;
}

static int
lease_change(struct store *s, enum statement which, const char *workflow_id,
	     uint64_t lease_token, uint64_t until_us, struct err *e)
{
	bool has_changed = false;
	int rc;

	assert(lease_token != 0);
	if (sqlite_transaction_begin(s, e) < 0)
		return -1;
	rc = lease_step(s, which, workflow_id, lease_token, until_us,
			&has_changed, e);
	if (rc == 0 && !has_changed)
		rc = explain_refusal(s, workflow_id, 0, e);
	return sqlite_transaction_end(s, rc, e);
}

int
sqlite_workflow_lease_renew(struct store *s, const char *workflow_id,
			    uint64_t lease_token, uint64_t lease_ms,
			    struct err *e)
{
	return lease_change(s, STATEMENT_LEASE_RENEW, workflow_id, lease_token,
			    clock_wall_us() + lease_ms * 1000u, e);
}

int
sqlite_workflow_lease_release(struct store *s, const char *workflow_id,
			      uint64_t lease_token, struct err *e)
{
	return lease_change(s, STATEMENT_LEASE_RELEASE, workflow_id,
			    lease_token, 0, e);
}

static int
reset_step(struct store *s, enum statement which, struct err *e)
{
	owned_query struct query q;

	query_begin_locked(&q, s, which);
	return query_step(&q, e) < 0 ? -1 : 0;
}

int
sqlite_workflow_lease_reset(struct store *s, struct err *e)
{
	int rc;

	if (sqlite_transaction_begin(s, e) < 0)
		return -1;
	rc = reset_step(s, STATEMENT_LEASE_RESET, e);
	if (rc == 0)
		rc = reset_step(s, STATEMENT_DELIVERY_LEASE_RESET, e);
	return sqlite_transaction_end(s, rc, e);
}

int
sqlite_workflow_next_due(struct store *s, uint64_t *ret_due_us, struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin(&q, s, STATEMENT_WORKFLOW_NEXT_DUE);
	rc = query_step(&q, e);
	if (rc < 0)
		return -1;
	*ret_due_us = rc == 1 ? query_u64(&q, 0) : 0;
	return 0;
}

/* ---- expiry ---------------------------------------------------------- */

int
sqlite_delete_older(struct store *s, enum statement which, uint64_t time_us,
		    uint64_t *ret_count, struct err *e)
{
	owned_query struct query q;

	query_begin(&q, s, which);
	query_bind_u64(&q, 1, time_us);
	if (query_step(&q, e) < 0)
		return -1;
	*ret_count = query_changes(&q);
	return 0;
}

int
sqlite_workflow_expire(struct store *s, uint64_t now_us, uint64_t *ret_count,
		       struct err *e)
{
	return sqlite_delete_older(s, STATEMENT_WORKFLOW_EXPIRE, now_us,
				   ret_count, e);
}

int
sqlite_job_expire(struct store *s, uint64_t before_us, uint64_t *ret_count,
		  struct err *e)
{
	return sqlite_delete_older(s, STATEMENT_JOB_EXPIRE, before_us,
				   ret_count, e);
}

/* ---- jobs ------------------------------------------------------------ */

int
sqlite_job_put(struct store *s, const char *job_id, const char *user_id,
	       const char *status, const char *document, struct err *e)
{
	owned_query struct query q;

	query_begin(&q, s, STATEMENT_JOB_PUT);
	query_bind_text(&q, 1, job_id);
	query_bind_text(&q, 2, user_id);
	query_bind_text(&q, 3, status);
	query_bind_u64(&q, 4, clock_wall_us());
	query_bind_text(&q, 5, document);
	if (query_step(&q, e) < 0)
		return -1;
	if (query_changes(&q) == 0)
		return err_set(e, ERR_CONFLICT, 0,
			       "job %s is done, or another user's", job_id);
	return 0;
}

int
sqlite_job_get(struct store *s, const char *job_id, char ret_user_id[40],
	       char ret_status[20], char **ret_document, struct err *e)
{
	owned_query struct query q;
	char user_id[40], status[20];
	int rc;

	query_begin(&q, s, STATEMENT_JOB_GET);
	query_bind_text(&q, 1, job_id);
	rc = query_step(&q, e);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, 0, "Job not found");
	if (rc < 0 || query_text(&q, 0, user_id, sizeof(user_id), e) < 0 ||
	    query_text(&q, 1, status, sizeof(status), e) < 0 ||
	    query_text_dup(&q, 2, ret_document, e) < 0)
		return -1;
	memcpy(ret_user_id, user_id, sizeof(user_id));
	memcpy(ret_status, status, sizeof(status));
	return 0;
}

static int
read_running_jobs(struct store *s, struct rows *rows, struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin(&q, s, STATEMENT_JOB_LIST_RUNNING);
	while ((rc = query_step(&q, e)) == 1) {
		struct row *row = rows_add(rows, e);

		if (row == NULL ||
		    query_text(&q, 0, row->meta.workflow_id,
			       sizeof(row->meta.workflow_id), e) < 0 ||
		    query_text_dup(&q, 1, &row->text, e) < 0)
			return -1;
	}
	return rc;
}

int
sqlite_job_list_running(struct store *s,
			int (*fn)(void *arg, const char *job_id,
				  const char *document),
			void *arg, struct err *e)
{
	owned_rows struct rows rows = {0};

	if (read_running_jobs(s, &rows, e) < 0)
		return -1;
	for (size_t i = 0; i < rows.count; i++)
		if (fn(arg, rows.row[i].meta.workflow_id, rows.row[i].text) !=
		    0)
			break;
	return 0;
}
