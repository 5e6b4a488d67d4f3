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

/*
 * Steps of the schema's history; user_version says how many were done.
 * STRICT makes SQLite refuse a value of the wrong type.
 */
const char *const schema_sql =
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
	") STRICT, WITHOUT ROWID;"
	"PRAGMA user_version = 1;";

#define USER_COLUMNS                                                           \
	"user_id, username, password_hash, role, token_version, "              \
	"is_disabled, created_us"
#define WORKFLOW_COLUMNS                                                       \
	"workflow_id, user_id, status, version, created_us, updated_us, "      \
	"due_us, expires_us"

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
	[STATEMENT_WORKFLOW_LIST] = {CONNECTION_READ,
				     "SELECT " WORKFLOW_COLUMNS
				     ", summary FROM workflow"
				     " ORDER BY created_us DESC, rowid DESC"
				     " LIMIT ?1"},
	[STATEMENT_WORKFLOW_LIST_OF_USER] =
		{CONNECTION_READ,
		 "SELECT " WORKFLOW_COLUMNS
		 ", summary FROM workflow WHERE user_id = ?2"
		 " ORDER BY created_us DESC, rowid DESC LIMIT ?1"},

	[STATEMENT_LEASE_NEXT] = {CONNECTION_WRITE,
				  "UPDATE lease_sequence SET last = last + 1"
				  " RETURNING last"},
	[STATEMENT_WORKFLOW_CLAIM] =
		{CONNECTION_WRITE,
		 "UPDATE workflow SET lease_token = ?2, lease_until_us = ?3,"
		 " lease_worker = ?4 WHERE rowid ="
		 " (SELECT rowid FROM workflow WHERE due_us > 0"
		 "  AND due_us <= ?1 AND lease_until_us <= ?1"
		 "  ORDER BY due_us LIMIT 1)"
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
	[STATEMENT_WORKFLOW_NEXT_DUE] =
		{CONNECTION_READ,
		 "SELECT coalesce(min(max(due_us, lease_until_us)), 0)"
		 " FROM workflow WHERE due_us > 0"},
	[STATEMENT_WORKFLOW_EXPIRE] =
		{CONNECTION_WRITE,
		 "DELETE FROM workflow WHERE expires_us > 0"
		 " AND expires_us <= ?1"
		 " AND status IN ('completed', 'failed', 'cancelled')"},

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
