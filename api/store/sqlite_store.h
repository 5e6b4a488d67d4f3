/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_store.h - what the files of the SQLite back end share: a query is one
 * use of one prepared statement, with its connection locked.
 *
 *	owned_query struct query q;
 *
 *	query_begin(&q, s, STATEMENT_X);
 *	query_bind_text(&q, 1, id);
 *	if (query_step(&q, e) < 0)
 *		return -1;
 */
#ifndef PC_API_SQLITE_STORE_H
#define PC_API_SQLITE_STORE_H

#include <pthread.h>
#include <sqlite3.h>

#include "api/store/counter_table.h"
#include "api/store/store_ops.h"

enum statement {
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,
	STATEMENT_PING,
	STATEMENT_USER_ADD,
	STATEMENT_USER_GET,
	STATEMENT_USER_GET_BY_ID,
	STATEMENT_USER_SET_PASSWORD,
	STATEMENT_USER_LIST,
	STATEMENT_WORKFLOW_CREATE,
	STATEMENT_WORKFLOW_GET,
	STATEMENT_WORKFLOW_PEEK,
	STATEMENT_WORKFLOW_UPDATE,
	STATEMENT_WORKFLOW_STATE,
	STATEMENT_WORKFLOW_LIST,
	STATEMENT_WORKFLOW_LIST_OF_USER,
	STATEMENT_WORKFLOW_LIST_OF_STATUS,
	STATEMENT_WORKFLOW_LIST_OF_BOTH,
	STATEMENT_LEASE_NEXT,
	STATEMENT_WORKFLOW_CLAIM,
	STATEMENT_LEASE_RENEW,
	STATEMENT_LEASE_RELEASE,
	STATEMENT_LEASE_RESET,
	STATEMENT_DELIVERY_LEASE_RESET,
	STATEMENT_WORKFLOW_NEXT_DUE,
	STATEMENT_WORKFLOW_EXPIRE,
	STATEMENT_DELIVERY_ADD,
	STATEMENT_DELIVERY_CLAIM,
	STATEMENT_DELIVERY_UPDATE,
	STATEMENT_DELIVERY_RETRY,
	STATEMENT_DELIVERY_NEXT_DUE,
	STATEMENT_DELIVERY_LIST,
	STATEMENT_DELIVERY_LIST_OF_STATUS,
	STATEMENT_DELIVERY_EXPIRE,
	STATEMENT_IDEMPOTENCY_EXPIRE,
	STATEMENT_IDEMPOTENCY_ADD,
	STATEMENT_IDEMPOTENCY_GET,
	STATEMENT_IDEMPOTENCY_ANSWER,
	STATEMENT_IDEMPOTENCY_RELEASE,
	STATEMENT_USAGE_ADD,
	STATEMENT_USAGE_LIST,
	STATEMENT_USAGE_EXPIRE,
	STATEMENT_SPEND_PUT,
	STATEMENT_SPEND_SETTLE,
	STATEMENT_SPEND_TOTALS,
	STATEMENT_SPEND_SUM,
	STATEMENT_SPEND_SUM_OF_DATE,
	STATEMENT_SPEND_SUM_OF_USER,
	STATEMENT_SPEND_SUM_OF_WORKFLOW,
	STATEMENT_JOB_PUT,
	STATEMENT_JOB_GET,
	STATEMENT_JOB_LIST_RUNNING,
	STATEMENT_JOB_EXPIRE,
	STATEMENT_COUNTER_HIT,
	STATEMENT_COUNTER_LIVE,
	STATEMENT_COUNTER_CLEAR,
	STATEMENT_COUNTER_EXPIRE,
	STATEMENT_SETTING_GET,
	STATEMENT_SETTING_ADD,
	STATEMENT_SETTING_REPLACE,
	STATEMENT_COUNT
};

/* Which connection runs a statement. */
enum connection {
	CONNECTION_READ,    /* never waits for a writer (WAL) */
	CONNECTION_WRITE,   /* synchronous=FULL: done means on disk */
	CONNECTION_COUNTER, /* synchronous=NORMAL: rate limits, usage log */
	CONNECTION_COUNT
};

struct sqlite_store {
	struct store base;
	char path[320];
	sqlite3 *db[CONNECTION_COUNT];
	sqlite3_stmt *statements[STATEMENT_COUNT];
	/*
	 * One lock for reading, one for both writing connections: SQLite lets
	 * one write at a time, and waiting on a mutex is fair and cheap where
	 * its busy handler sleeps and polls.
	 */
	pthread_mutex_t read_lock, write_lock;
	unsigned counter_hits;
	struct counter_table *counters;
};

static inline struct sqlite_store *
sqlite_of(struct store *s)
{
	return (struct sqlite_store *)s;
}

STORE_DECLARE(sqlite)

struct query {
	sqlite3_stmt *stmt;
	pthread_mutex_t *lock; /* held; NULL within a transaction */
	bool has_bind_failed;
};

void query_begin(struct query *q, struct store *s, enum statement which);
/* Put the statement back and unlock. */
void query_end(struct query *q);
#define owned_query __attribute__((cleanup(query_end)))

void query_bind_text(struct query *q, int index, const char *text);
void query_bind_u64(struct query *q, int index, uint64_t value);
/* 1: a row is there, 0: done, -1: *e (ERR_CONFLICT: the key exists). */
int query_step(struct query *q, struct err *e);
/* Rows changed by the statement just stepped to its end. */
unsigned query_changes(const struct query *q);
uint64_t query_u64(const struct query *q, int column);
/* A text column into a fixed array; ERR_IO if it does not fit: not our data. */
int query_text(const struct query *q, int column, char *dst, size_t size,
	       struct err *e);
/* A malloc'd copy. */
int query_text_dup(const struct query *q, int column, char **ret,
		   struct err *e);

/*
 * Several statements on the WRITE connection as one: between begin and end
 * the write lock is held, so queries inside use query_begin_locked().
 */
int sqlite_transaction_begin(struct store *s, struct err *e);
/* Commits if *status is 0 and rolls back otherwise; unlocks. */
int sqlite_transaction_end(struct store *s, int status, struct err *e);
void query_begin_locked(struct query *q, struct store *s, enum statement which);

/* The next fencing number, within a transaction. */
int sqlite_lease_token_next(struct store *s, uint64_t *ret_token,
			    struct err *e);
/* Writes a delivery unless its id is there, within a transaction. */
int sqlite_delivery_add_locked(struct store *s,
			       const struct store_outgoing *out, struct err *e);
/* Runs DELETE ... before ?1 and counts. */
int sqlite_delete_older(struct store *s, enum statement which, uint64_t time_us,
			uint64_t *ret_count, struct err *e);

/* The text of each statement (sqlite_sql.c). */
extern const struct statement_text {
	enum connection connection;
	const char *sql;
} statement_texts[STATEMENT_COUNT];
/* Steps of the schema's history; PRAGMA user_version: how many were done. */
#define SCHEMA_VERSION 2
extern const char *const schema_steps[SCHEMA_VERSION];

#endif
