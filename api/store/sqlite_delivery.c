/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_delivery.c - the outbox in SQLite: deliveries are written within the
 * transaction of the change that they tell of, and claimed by one sender at a
 * time, under a fencing number as workflows are.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/store/sqlite_store.h"
#include "supervisor/base/clock.h"

struct row {
	struct store_delivery delivery;
	char *document;
};

struct rows {
	struct row *row;
	size_t count;
};

static void
rows_done(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->row[i].document);
	free(rows->row);
}

#define owned_rows __attribute__((cleanup(rows_done)))
#define COLUMN_DOCUMENT 6

static int
read_delivery(const struct query *q, struct store_delivery *ret, struct err *e)
{
	struct store_delivery d = {0};

	if (query_text(q, 0, d.delivery_id, sizeof(d.delivery_id), e) < 0 ||
	    query_text(q, 1, d.workflow_id, sizeof(d.workflow_id), e) < 0 ||
	    query_text(q, 2, d.status, sizeof(d.status), e) < 0)
		return -1;
	d.attempts = (uint32_t)query_u64(q, 3);
	d.due_us = query_u64(q, 4);
	d.updated_us = query_u64(q, 5);
	*ret = d;
	return 0;
}

int
sqlite_delivery_add_locked(struct store *s, const struct store_outgoing *out,
			   struct err *e)
{
	const struct store_delivery *d = &out->delivery;
	owned_query struct query q;

	query_begin_locked(&q, s, STATEMENT_DELIVERY_ADD);
	query_bind_text(&q, 1, d->delivery_id);
	query_bind_text(&q, 2, d->workflow_id);
	query_bind_text(&q, 3, d->status);
	query_bind_u64(&q, 4, d->attempts);
	query_bind_u64(&q, 5, d->due_us);
	query_bind_u64(&q, 6, clock_wall_us());
	query_bind_text(&q, 7, out->document);
	return query_step(&q, e) < 0 ? -1 : 0;
}

int
sqlite_delivery_put(struct store *s, const struct store_outgoing *out,
		    struct err *e)
{
	int rc;

	if (sqlite_transaction_begin(s, e) < 0)
		return -1;
	rc = sqlite_delivery_add_locked(s, out, e);
	return sqlite_transaction_end(s, rc, e);
}

static int
claim_step(struct store *s, uint64_t lease_ms, uint64_t token, struct row *ret,
	   struct err *e)
{
	uint64_t now_us = clock_wall_us();
	owned_query struct query q;
	int rc;

	query_begin_locked(&q, s, STATEMENT_DELIVERY_CLAIM);
	query_bind_u64(&q, 1, now_us);
	query_bind_u64(&q, 2, token);
	query_bind_u64(&q, 3, now_us + lease_ms * 1000u);
	rc = query_step(&q, e);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, 0, "no delivery is due");
	if (rc < 0 || read_delivery(&q, &ret->delivery, e) < 0 ||
	    query_text_dup(&q, COLUMN_DOCUMENT, &ret->document, e) < 0)
		return -1;
	return query_step(&q, e) < 0 ? -1 : 0;
}

int
sqlite_delivery_claim(struct store *s, uint64_t lease_ms,
		      struct store_delivery *ret, char **ret_document,
		      uint64_t *ret_lease_token, struct err *e)
{
	uint64_t token = 0, due_us = 0;
	struct row row = {0};
	int rc;

	/* Nothing due is the common answer: find it without a write. */
	if (sqlite_delivery_next_due(s, &due_us, e) < 0)
		return -1;
	if (due_us == 0 || due_us > clock_wall_us())
		return err_set(e, ERR_NOT_FOUND, 0, "no delivery is due");
	if (sqlite_transaction_begin(s, e) < 0)
		return -1;
	rc = sqlite_lease_token_next(s, &token, e);
	if (rc == 0)
		rc = claim_step(s, lease_ms, token, &row, e);
	if (sqlite_transaction_end(s, rc, e) < 0) {
		free(row.document);
		return -1;
	}
	*ret = row.delivery;
	*ret_document = row.document;
	*ret_lease_token = token;
	return 0;
}

int
sqlite_delivery_update(struct store *s, const struct store_delivery *d,
		       const char *document, uint64_t lease_token,
		       struct err *e)
{
	owned_query struct query q;

	assert(lease_token != 0);
	query_begin(&q, s, STATEMENT_DELIVERY_UPDATE);
	query_bind_text(&q, 1, d->delivery_id);
	query_bind_u64(&q, 2, lease_token);
	query_bind_text(&q, 3, d->status);
	query_bind_u64(&q, 4, d->attempts);
	query_bind_u64(&q, 5, d->due_us);
	query_bind_u64(&q, 6, clock_wall_us());
	query_bind_text(&q, 7, document);
	if (query_step(&q, e) < 0)
		return -1;
	if (query_changes(&q) == 0)
		return err_set(e, ERR_CONFLICT, 0,
			       "delivery %s: the lease is lost",
			       d->delivery_id);
	return 0;
}

int
sqlite_delivery_retry(struct store *s, const char *delivery_id, uint64_t due_us,
		      struct err *e)
{
	owned_query struct query q;

	query_begin(&q, s, STATEMENT_DELIVERY_RETRY);
	query_bind_text(&q, 1, delivery_id);
	query_bind_u64(&q, 2, due_us);
	query_bind_u64(&q, 3, clock_wall_us());
	if (query_step(&q, e) < 0)
		return -1;
	if (query_changes(&q) == 0)
		return err_set(e, ERR_NOT_FOUND, 0, "no dead delivery %s",
			       delivery_id);
	return 0;
}

int
sqlite_delivery_next_due(struct store *s, uint64_t *ret_due_us, struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin(&q, s, STATEMENT_DELIVERY_NEXT_DUE);
	rc = query_step(&q, e);
	if (rc < 0)
		return -1;
	*ret_due_us = rc == 1 ? query_u64(&q, 0) : 0;
	return 0;
}

static int
read_deliveries(struct store *s, const char *status, uint32_t limit,
		struct rows *rows, struct err *e)
{
	owned_query struct query q;
	int rc;

	query_begin(&q, s,
		    status != NULL ? STATEMENT_DELIVERY_LIST_OF_STATUS
				   : STATEMENT_DELIVERY_LIST);
	query_bind_u64(&q, 1, limit);
	if (status != NULL)
		query_bind_text(&q, 2, status);
	while ((rc = query_step(&q, e)) == 1) {
		struct row *grown = reallocarray(rows->row, rows->count + 1,
						 sizeof(*rows->row));

		if (grown == NULL)
			return err_sys(e, "list deliveries");
		rows->row = grown;
		memset(&grown[rows->count], 0, sizeof(*grown));
		grown = &grown[rows->count++];
		if (read_delivery(&q, &grown->delivery, e) < 0 ||
		    query_text_dup(&q, COLUMN_DOCUMENT, &grown->document, e) <
			    0)
			return -1;
	}
	return rc;
}

int
sqlite_delivery_list(struct store *s, const char *status, uint32_t limit,
		     int (*fn)(void *arg, const struct store_delivery *d,
			       const char *document),
		     void *arg, struct err *e)
{
	owned_rows struct rows rows = {0};

	if (read_deliveries(s, status, limit, &rows, e) < 0)
		return -1;
	for (size_t i = 0; i < rows.count; i++)
		if (fn(arg, &rows.row[i].delivery, rows.row[i].document) != 0)
			break;
	return 0;
}

int
sqlite_delivery_expire(struct store *s, uint64_t before_us, uint64_t *ret_count,
		       struct err *e)
{
	return sqlite_delete_older(s, STATEMENT_DELIVERY_EXPIRE, before_us,
				   ret_count, e);
}
