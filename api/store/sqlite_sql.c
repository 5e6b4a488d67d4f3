/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_sql.c - the schema and every SQL statement of the SQLite back end, in
 * one table.  No SQL text is ever put together from values.
 *
 * Times are wall-clock microseconds since 1970: they must mean the same after
 * a restart.  A lease that a jump of the clock ends early does no harm, since
 * its token is then refused (fencing).
 */
#include "api/store/sqlite_store.h"

/* STRICT makes SQLite refuse a value of the wrong type. */
static const char schema_1[] =
	"CREATE TABLE user ("
	"  user_id TEXT PRIMARY KEY NOT NULL,"
	"  username TEXT NOT NULL UNIQUE,"
	"  password_hash TEXT NOT NULL,"
	"  role INTEGER NOT NULL CHECK (role BETWEEN 1 AND 3),"
	"  token_version INTEGER NOT NULL,"
	"  is_disabled INTEGER NOT NULL CHECK (is_disabled IN (0, 1)),"
	"  created_us INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE workflow ("
	"  workflow_id TEXT PRIMARY KEY NOT NULL,"
	"  user_id TEXT NOT NULL,"
	"  status TEXT NOT NULL,"
	"  version INTEGER NOT NULL,"
	"  created_us INTEGER NOT NULL,"
	"  updated_us INTEGER NOT NULL,"
	"  due_us INTEGER NOT NULL,"
	"  expires_us INTEGER NOT NULL,"
	"  lease_token INTEGER NOT NULL DEFAULT 0,"
	"  lease_until_us INTEGER NOT NULL DEFAULT 0,"
	"  lease_worker TEXT NOT NULL DEFAULT '',"
	/* Before the document, or a list would read all of that as well. */
	"  summary TEXT NOT NULL,"
	"  document TEXT NOT NULL"
	") STRICT;"
	"CREATE INDEX workflow_due ON workflow (due_us, lease_until_us)"
	"  WHERE due_us > 0;"
	"CREATE INDEX workflow_expires ON workflow (expires_us)"
	"  WHERE expires_us > 0;"
	"CREATE INDEX workflow_created ON workflow (created_us);"
	"CREATE INDEX workflow_of_user ON workflow (user_id, created_us);"
	/* The last fencing number given out; never goes back. */
	"CREATE TABLE lease_sequence (last INTEGER NOT NULL) STRICT;"
	"INSERT INTO lease_sequence VALUES (0);"
	"CREATE TABLE job ("
	"  job_id TEXT PRIMARY KEY NOT NULL,"
	"  user_id TEXT NOT NULL,"
	"  status TEXT NOT NULL CHECK (status IN ('running', 'done')),"
	"  updated_us INTEGER NOT NULL,"
	"  document TEXT NOT NULL"
	") STRICT;"
	"CREATE INDEX job_status ON job (status, updated_us);"
	"CREATE TABLE counter ("
	"  key TEXT PRIMARY KEY NOT NULL,"
	"  count INTEGER NOT NULL,"
	"  window_end_us INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX counter_end ON counter (window_end_us);"
	"CREATE TABLE setting ("
	"  key TEXT PRIMARY KEY NOT NULL,"
	"  value TEXT NOT NULL"
	") STRICT, WITHOUT ROWID;";

/*
 * What may be claimed is found by one index on the moment from which a claim
 * can succeed, whatever waits behind it.
 */
static const char schema_2[] =
	"DROP INDEX workflow_due;"
	"CREATE INDEX workflow_claimable ON workflow"
	"  (max(due_us, lease_until_us)) WHERE due_us > 0;"
	"CREATE INDEX workflow_of_status ON workflow (status, created_us);"
	"CREATE INDEX workflow_of_user_status ON workflow"
	"  (user_id, status, created_us);"
	"CREATE TABLE delivery ("
	"  delivery_id TEXT PRIMARY KEY NOT NULL,"
	"  workflow_id TEXT NOT NULL,"
	"  status TEXT NOT NULL"
	"    CHECK (status IN ('pending', 'delivered', 'dead')),"
	"  attempts INTEGER NOT NULL,"
	"  due_us INTEGER NOT NULL,"
	"  updated_us INTEGER NOT NULL,"
	"  lease_token INTEGER NOT NULL DEFAULT 0,"
	"  lease_until_us INTEGER NOT NULL DEFAULT 0,"
	"  document TEXT NOT NULL"
	") STRICT;"
	"CREATE INDEX delivery_claimable ON delivery"
	"  (max(due_us, lease_until_us)) WHERE status = 'pending';"
	"CREATE INDEX delivery_changed ON delivery (updated_us);"
	"CREATE INDEX delivery_of_status ON delivery (status, updated_us);"
	"CREATE TABLE idempotency ("
	"  user_id TEXT NOT NULL,"
	"  key TEXT NOT NULL,"
	"  fingerprint TEXT NOT NULL,"
	"  answer TEXT,"
	"  expires_us INTEGER NOT NULL,"
	"  PRIMARY KEY (user_id, key)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX idempotency_expires ON idempotency (expires_us);"
	"CREATE TABLE usage ("
	"  usage_id INTEGER PRIMARY KEY,"
	"  date TEXT NOT NULL,"
	"  entry TEXT NOT NULL"
	") STRICT;"
	"CREATE INDEX usage_date ON usage (date);"
	"CREATE TABLE spend ("
	"  spend_id TEXT PRIMARY KEY NOT NULL,"
	"  workflow_id TEXT NOT NULL,"
	"  user_id TEXT NOT NULL,"
	"  date TEXT NOT NULL,"
	"  step INTEGER NOT NULL,"
	"  micros INTEGER NOT NULL CHECK (micros >= 0)"
	") STRICT;"
	"CREATE INDEX spend_date ON spend (date, user_id, micros, spend_id);"
	"CREATE INDEX spend_workflow ON spend (workflow_id, micros, spend_id);"
	"CREATE INDEX spend_user ON spend (user_id, micros);";

/* A step is never changed once a release had it: append the next. */
const char *const schema_steps[SCHEMA_VERSION] = {schema_1, schema_2};

#define USER_COLUMNS                                                           \
	"user_id, username, password_hash, role, token_version, "              \
	"is_disabled, created_us"
#define WORKFLOW_COLUMNS                                                       \
	"workflow_id, user_id, status, version, created_us, updated_us, "      \
	"due_us, expires_us"

#define WORKFLOW_LIST(which)                                                   \
	"SELECT " WORKFLOW_COLUMNS ", summary FROM workflow"                   \
	" WHERE created_us < ?2 " which                                        \
	" ORDER BY created_us DESC, rowid DESC LIMIT ?1"
#define DELIVERY_COLUMNS                                                       \
	"delivery_id, workflow_id, status, attempts, due_us, updated_us"
/* ?1: day, ?2: user, ?3: workflow; the first test picks the index. */
#define SPEND_SUM(where)                                                       \
	"SELECT coalesce(sum(micros), 0) FROM spend WHERE " where              \
	" AND (?1 IS NULL OR date = ?1) AND (?2 IS NULL OR user_id = ?2)"      \
	" AND (?3 IS NULL OR workflow_id = ?3)"

const struct statement_text statement_texts[STATEMENT_COUNT] = {
	[STATEMENT_BEGIN] = {CONNECTION_WRITE, "BEGIN IMMEDIATE"},
	[STATEMENT_COMMIT] = {CONNECTION_WRITE, "COMMIT"},
	[STATEMENT_ROLLBACK] = {CONNECTION_WRITE, "ROLLBACK"},
	[STATEMENT_PING] = {CONNECTION_READ,
			    "SELECT count(*) FROM lease_sequence"},

	[STATEMENT_USER_ADD] = {CONNECTION_WRITE,
				"INSERT INTO user (" USER_COLUMNS
				") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
	[STATEMENT_USER_GET] = {CONNECTION_READ,
				"SELECT " USER_COLUMNS
				" FROM user WHERE username = ?1"},
	[STATEMENT_USER_GET_BY_ID] = {CONNECTION_READ,
				      "SELECT " USER_COLUMNS
				      " FROM user WHERE user_id = ?1"},
	[STATEMENT_USER_SET_PASSWORD] =
		{CONNECTION_WRITE,
		 "UPDATE user SET password_hash = ?2,"
		 " token_version = token_version + 1 WHERE username = ?1"},
	[STATEMENT_USER_LIST] = {CONNECTION_READ,
				 "SELECT " USER_COLUMNS
				 " FROM user ORDER BY username"},

	[STATEMENT_WORKFLOW_CREATE] =
		{CONNECTION_WRITE,
		 "INSERT INTO workflow (" WORKFLOW_COLUMNS ", summary, document"
		 ") VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9)"},
	[STATEMENT_WORKFLOW_GET] = {CONNECTION_READ,
				    "SELECT " WORKFLOW_COLUMNS ", document"
				    " FROM workflow WHERE workflow_id = ?1"},
	[STATEMENT_WORKFLOW_PEEK] = {CONNECTION_READ,
				     "SELECT " WORKFLOW_COLUMNS
				     " FROM workflow WHERE workflow_id = ?1"},
	[STATEMENT_WORKFLOW_UPDATE] =
		{CONNECTION_WRITE,
		 "UPDATE workflow SET version = version + 1, status = ?3,"
		 " updated_us = ?4, due_us = ?5, expires_us = ?6,"
		 " summary = ?9, document = ?7"
		 " WHERE workflow_id = ?1 AND version = ?2"
		 " AND (?8 = 0 OR lease_token = ?8)"},
	/* Why an update changed nothing: asked within its transaction. */
	[STATEMENT_WORKFLOW_STATE] = {CONNECTION_WRITE,
				      "SELECT version FROM workflow"
				      " WHERE workflow_id = ?1"},
	/* ?1: how many, ?2: created before, ?3: whose, ?4: of which status. */
	[STATEMENT_WORKFLOW_LIST] = {CONNECTION_READ, WORKFLOW_LIST("")},
	[STATEMENT_WORKFLOW_LIST_OF_USER] = {CONNECTION_READ,
					     WORKFLOW_LIST("AND user_id = ?3")},
	[STATEMENT_WORKFLOW_LIST_OF_STATUS] = {CONNECTION_READ,
					       WORKFLOW_LIST(
						       "AND status = ?4")},
	[STATEMENT_WORKFLOW_LIST_OF_BOTH] =
		{CONNECTION_READ,
		 WORKFLOW_LIST("AND user_id = ?3 AND status = ?4")},

	[STATEMENT_LEASE_NEXT] = {CONNECTION_WRITE,
				  "UPDATE lease_sequence SET last = last + 1"
				  " RETURNING last"},
	[STATEMENT_WORKFLOW_CLAIM] =
		{CONNECTION_WRITE,
		 "UPDATE workflow SET lease_token = ?2, lease_until_us = ?3,"
		 " lease_worker = ?4 WHERE rowid ="
		 " (SELECT rowid FROM workflow WHERE due_us > 0"
		 "  AND max(due_us, lease_until_us) <= ?1"
		 "  ORDER BY max(due_us, lease_until_us) LIMIT 1)"
		 " RETURNING workflow_id"},
	[STATEMENT_LEASE_RENEW] =
		{CONNECTION_WRITE,
		 "UPDATE workflow SET lease_until_us = ?3"
		 " WHERE workflow_id = ?1 AND lease_token = ?2"},
	[STATEMENT_LEASE_RELEASE] =
		{CONNECTION_WRITE,
		 "UPDATE workflow SET lease_token = 0, lease_until_us = 0,"
		 " lease_worker = ''"
		 " WHERE workflow_id = ?1 AND lease_token = ?2"},
	[STATEMENT_LEASE_RESET] =
		{CONNECTION_WRITE,
		 "UPDATE workflow SET lease_token = 0, lease_until_us = 0,"
		 " lease_worker = '' WHERE lease_token <> 0"},
	[STATEMENT_DELIVERY_LEASE_RESET] =
		{CONNECTION_WRITE,
		 "UPDATE delivery SET lease_token = 0, lease_until_us = 0"
		 " WHERE status = 'pending' AND lease_token <> 0"},
	[STATEMENT_WORKFLOW_NEXT_DUE] =
		{CONNECTION_READ,
		 "SELECT coalesce(min(max(due_us, lease_until_us)), 0)"
		 " FROM workflow WHERE due_us > 0"},
	[STATEMENT_WORKFLOW_EXPIRE] =
		{CONNECTION_WRITE,
		 "DELETE FROM workflow WHERE expires_us > 0"
		 " AND expires_us <= ?1"
		 " AND status IN ('completed', 'failed', 'cancelled')"},

	[STATEMENT_DELIVERY_ADD] = {CONNECTION_WRITE,
				    "INSERT INTO delivery (" DELIVERY_COLUMNS
				    ", document"
				    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
				    " ON CONFLICT (delivery_id) DO NOTHING"},
	[STATEMENT_DELIVERY_CLAIM] =
		{CONNECTION_WRITE,
		 "UPDATE delivery SET lease_token = ?2, lease_until_us = ?3"
		 " WHERE rowid = (SELECT rowid FROM delivery"
		 "  INDEXED BY delivery_claimable WHERE status = 'pending'"
		 "  AND max(due_us, lease_until_us) <= ?1"
		 "  ORDER BY max(due_us, lease_until_us) LIMIT 1)"
		 " RETURNING " DELIVERY_COLUMNS ", document"},
	[STATEMENT_DELIVERY_UPDATE] =
		{CONNECTION_WRITE,
		 "UPDATE delivery SET status = ?3, attempts = ?4, due_us = ?5,"
		 " updated_us = ?6, document = coalesce(?7, document),"
		 " lease_token = 0, lease_until_us = 0"
		 " WHERE delivery_id = ?1 AND lease_token = ?2"},
	[STATEMENT_DELIVERY_RETRY] =
		{CONNECTION_WRITE,
		 "UPDATE delivery SET status = 'pending', attempts = 0,"
		 " due_us = ?2, updated_us = ?3, lease_token = 0,"
		 " lease_until_us = 0"
		 " WHERE delivery_id = ?1 AND status = 'dead'"},
	[STATEMENT_DELIVERY_NEXT_DUE] =
		{CONNECTION_READ,
		 "SELECT coalesce(min(max(due_us, lease_until_us)), 0)"
		 " FROM delivery INDEXED BY delivery_claimable"
		 " WHERE status = 'pending'"},
	[STATEMENT_DELIVERY_LIST] = {CONNECTION_READ,
				     "SELECT " DELIVERY_COLUMNS
				     ", document FROM delivery"
				     " ORDER BY updated_us DESC, rowid DESC"
				     " LIMIT ?1"},
	[STATEMENT_DELIVERY_LIST_OF_STATUS] =
		{CONNECTION_READ,
		 "SELECT " DELIVERY_COLUMNS
		 ", document FROM delivery WHERE status = ?2"
		 " ORDER BY updated_us DESC, rowid DESC LIMIT ?1"},
	[STATEMENT_DELIVERY_EXPIRE] =
		{CONNECTION_WRITE,
		 "DELETE FROM delivery WHERE status IN ('delivered', 'dead')"
		 " AND updated_us < ?1"},

	[STATEMENT_IDEMPOTENCY_EXPIRE] = {CONNECTION_WRITE,
					  "DELETE FROM idempotency"
					  " WHERE expires_us <= ?1"},
	[STATEMENT_IDEMPOTENCY_ADD] =
		{CONNECTION_WRITE,
		 "INSERT INTO idempotency (user_id, key, fingerprint,"
		 " expires_us) VALUES (?1, ?2, ?3, ?4)"
		 " ON CONFLICT (user_id, key) DO NOTHING"},
	[STATEMENT_IDEMPOTENCY_GET] =
		{CONNECTION_WRITE, "SELECT fingerprint, answer FROM idempotency"
				   " WHERE user_id = ?1 AND key = ?2"},
	[STATEMENT_IDEMPOTENCY_ANSWER] = {CONNECTION_WRITE,
					  "UPDATE idempotency SET answer = ?3"
					  " WHERE user_id = ?1 AND key = ?2"},
	[STATEMENT_IDEMPOTENCY_RELEASE] =
		{CONNECTION_WRITE, "DELETE FROM idempotency WHERE user_id = ?1"
				   " AND key = ?2 AND answer IS NULL"},

	[STATEMENT_USAGE_ADD] = {CONNECTION_COUNTER,
				 "INSERT INTO usage (date, entry)"
				 " VALUES (?1, ?2)"},
	[STATEMENT_USAGE_LIST] = {CONNECTION_READ,
				  "SELECT entry FROM usage WHERE date = ?1"
				  " ORDER BY usage_id DESC LIMIT ?2"},
	[STATEMENT_USAGE_EXPIRE] = {CONNECTION_WRITE,
				    "DELETE FROM usage WHERE date < ?1"},

	[STATEMENT_SPEND_PUT] =
		{CONNECTION_WRITE,
		 "INSERT OR REPLACE INTO spend (spend_id, workflow_id, user_id,"
		 " date, step, micros) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
	[STATEMENT_SPEND_SETTLE] = {CONNECTION_WRITE,
				    "UPDATE spend SET micros = ?2"
				    " WHERE spend_id = ?1"
				    " RETURNING workflow_id, date"},
	/* The sums of ?1: day and ?2: workflow without ?3: one of them. */
	[STATEMENT_SPEND_TOTALS] =
		{CONNECTION_WRITE,
		 "SELECT (SELECT coalesce(sum(micros), 0) FROM spend"
		 "  WHERE date = ?1 AND spend_id <> ?3),"
		 " (SELECT coalesce(sum(micros), 0) FROM spend"
		 "  WHERE workflow_id = ?2 AND spend_id <> ?3)"},
	[STATEMENT_SPEND_SUM] = {CONNECTION_READ, SPEND_SUM("true")},
	[STATEMENT_SPEND_SUM_OF_DATE] = {CONNECTION_READ,
					 SPEND_SUM("date = ?1")},
	[STATEMENT_SPEND_SUM_OF_USER] = {CONNECTION_READ,
					 SPEND_SUM("user_id = ?2")},
	[STATEMENT_SPEND_SUM_OF_WORKFLOW] = {CONNECTION_READ,
					     SPEND_SUM("workflow_id = ?3")},

	/* A job that is done stays done, and stays its owner's. */
	[STATEMENT_JOB_PUT] =
		{CONNECTION_WRITE,
		 "INSERT INTO job (job_id, user_id, status, updated_us,"
		 " document) VALUES (?1, ?2, ?3, ?4, ?5)"
		 " ON CONFLICT (job_id) DO UPDATE SET"
		 " status = excluded.status,"
		 " updated_us = excluded.updated_us,"
		 " document = excluded.document"
		 " WHERE user_id = excluded.user_id"
		 " AND NOT (status = 'done' AND excluded.status = 'running')"},
	[STATEMENT_JOB_GET] = {CONNECTION_READ,
			       "SELECT user_id, status, document FROM job"
			       " WHERE job_id = ?1"},
	[STATEMENT_JOB_LIST_RUNNING] = {CONNECTION_READ,
					"SELECT job_id, document FROM job"
					" WHERE status = 'running'"
					" ORDER BY updated_us"},
	[STATEMENT_JOB_EXPIRE] = {CONNECTION_WRITE,
				  "DELETE FROM job WHERE status = 'done'"
				  " AND updated_us < ?1"},

	/*
	 * One statement, so that no hit is lost.  A window that ends later
	 * than ?4 was left by a clock that was ahead.
	 */
	[STATEMENT_COUNTER_HIT] =
		{CONNECTION_COUNTER,
		 "INSERT INTO counter (key, count, window_end_us)"
		 " VALUES (?1, 1, ?2 + ?3)"
		 " ON CONFLICT (key) DO UPDATE SET"
		 " count = CASE WHEN window_end_us <= ?2"
		 "  OR window_end_us > ?4 THEN 1 ELSE count + 1 END,"
		 " window_end_us = CASE WHEN window_end_us <= ?2"
		 "  OR window_end_us > ?4 THEN ?2 + ?3"
		 "  ELSE window_end_us END"
		 " RETURNING count, window_end_us"},
	[STATEMENT_COUNTER_LIVE] = {CONNECTION_READ,
				    "SELECT 1 FROM counter WHERE key = ?1"
				    " AND window_end_us > ?2"
				    " AND window_end_us <= ?3"},
	[STATEMENT_COUNTER_CLEAR] = {CONNECTION_COUNTER,
				     "DELETE FROM counter WHERE key = ?1"},
	[STATEMENT_COUNTER_EXPIRE] = {CONNECTION_COUNTER,
				      "DELETE FROM counter"
				      " WHERE window_end_us <= ?1"},
	[STATEMENT_SETTING_GET] = {CONNECTION_READ,
				   "SELECT value FROM setting WHERE key = ?1"},
	[STATEMENT_SETTING_ADD] = {CONNECTION_WRITE,
				   "INSERT INTO setting (key, value)"
				   " VALUES (?1, ?2)"},
	[STATEMENT_SETTING_REPLACE] = {CONNECTION_WRITE,
				       "INSERT OR REPLACE INTO setting"
				       " (key, value) VALUES (?1, ?2)"},
};
