/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite.c - the SQLite back end: opening, schema, and how a statement is run.
 *
 * Responsible for "0 means it is on disk" (WAL with synchronous=FULL), for
 * files that only their owner reads, and for every error of SQLite reaching
 * the caller as text.  Trusts the state directory's owner.  Only the files
 * sqlite*.c of this folder include sqlite3.h.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "api/store/sqlite_store.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

/* How long a write waits for another process's: 1 ms at a time. */
#define BUSY_TRIES 2000
#define FREE_BYTES_MIN (1u << 20)

/* What each connection is set to before its first statement. */
static const char *const connection_pragmas[CONNECTION_COUNT] = {
	[CONNECTION_READ] = "PRAGMA query_only = ON;",
	[CONNECTION_WRITE] = "PRAGMA synchronous = FULL;",
	[CONNECTION_COUNTER] = "PRAGMA synchronous = NORMAL;",
};
static const char common_pragmas[] = "PRAGMA temp_store = MEMORY;"
				     "PRAGMA trusted_schema = OFF;"
				     "PRAGMA cell_size_check = ON;"
				     "PRAGMA mmap_size = 0;";

static int
set_sqlite_err(struct err *e, sqlite3 *db, int rc)
{
	if (rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
	    rc == SQLITE_CONSTRAINT_UNIQUE)
		return err_set(e, ERR_CONFLICT, 0, "store: %s",
			       sqlite3_errmsg(db));
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(e, ERR_IO, EBUSY,
			       "store: locked by another process");
	case SQLITE_FULL:
		return err_set(e, ERR_IO, ENOSPC, "store");
	default:
		return err_set(e, ERR_IO, sqlite3_system_errno(db), "store: %s",
			       sqlite3_errmsg(db));
	}
}

/* ---- queries --------------------------------------------------------- */

void
query_begin_locked(struct query *q, struct store *s, enum statement which)
{
	q->stmt = sqlite_of(s)->statements[which];
	q->lock = NULL;
	q->has_bind_failed = false;
}

void
query_begin(struct query *q, struct store *s, enum statement which)
{
	bool is_read = statement_texts[which].connection == CONNECTION_READ;

	query_begin_locked(q, s, which);
	q->lock =
		is_read ? &sqlite_of(s)->read_lock : &sqlite_of(s)->write_lock;
	pthread_mutex_lock(q->lock);
}

void
query_end(struct query *q)
{
	/* Its result was already told by the last step. */
	(void)sqlite3_reset(q->stmt);
	(void)sqlite3_clear_bindings(q->stmt);
	if (q->lock != NULL)
		pthread_mutex_unlock(q->lock);
}

/*
 * Binding fails only for an index that is wrong in our code, or for want of
 * memory, which the next step then reports.
 */
static void
note_bind(struct query *q, int rc)
{
	assert(rc != SQLITE_RANGE && rc != SQLITE_MISUSE);
	if (rc != SQLITE_OK)
		q->has_bind_failed = true;
}

void
query_bind_text(struct query *q, int index, const char *text)
{
	note_bind(q, sqlite3_bind_text(q->stmt, index, text, -1,
				       SQLITE_TRANSIENT));
}

void
query_bind_u64(struct query *q, int index, uint64_t value)
{
	assert(value <= INT64_MAX);
	note_bind(q, sqlite3_bind_int64(q->stmt, index, (sqlite3_int64)value));
}

int
query_step(struct query *q, struct err *e)
{
	int rc;

	if (q->has_bind_failed)
		return err_set(e, ERR_IO, ENOMEM, "store: bind a value");
	rc = sqlite3_step(q->stmt);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return set_sqlite_err(e, sqlite3_db_handle(q->stmt), rc);
}

unsigned
query_changes(const struct query *q)
{
	return (unsigned)sqlite3_changes(sqlite3_db_handle(q->stmt));
}

uint64_t
query_u64(const struct query *q, int column)
{
	return (uint64_t)sqlite3_column_int64(q->stmt, column);
}

int
query_text(const struct query *q, int column, char *dst, size_t size,
	   struct err *e)
{
	const char *text = (const char *)sqlite3_column_text(q->stmt, column);

	if (text == NULL || str_copy(dst, size, text) < 0)
		return err_set(e, ERR_IO, 0,
			       "store: column %s holds what is not ours",
			       sqlite3_column_name(q->stmt, column));
	return 0;
}

int
query_text_dup(const struct query *q, int column, char **ret, struct err *e)
{
	const char *text = (const char *)sqlite3_column_text(q->stmt, column);
	char *copy = text != NULL ? strdup(text) : NULL;

	if (copy == NULL)
		return err_set(e, ERR_IO, ENOMEM, "store: read a document");
	*ret = copy;
	return 0;
}

static int
run_locked(struct store *s, enum statement which, struct err *e)
{
	owned_query struct query q;

	query_begin_locked(&q, s, which);
	return query_step(&q, e) < 0 ? -1 : 0;
}

int
sqlite_transaction_begin(struct store *s, struct err *e)
{
	pthread_mutex_lock(&sqlite_of(s)->write_lock);
	if (run_locked(s, STATEMENT_BEGIN, e) == 0)
		return 0;
	pthread_mutex_unlock(&sqlite_of(s)->write_lock);
	return -1;
}

int
sqlite_transaction_end(struct store *s, int status, struct err *e)
{
	struct err ignored = ERR_INIT;

	if (status == 0)
		status = run_locked(s, STATEMENT_COMMIT, e);
	/* After some errors SQLite has rolled back by itself already. */
	if (status != 0 &&
	    !sqlite3_get_autocommit(sqlite_of(s)->db[CONNECTION_WRITE]))
		(void)run_locked(s, STATEMENT_ROLLBACK, &ignored);
	pthread_mutex_unlock(&sqlite_of(s)->write_lock);
	return status;
}

/* ---- opening --------------------------------------------------------- */

static int
run_sql(sqlite3 *db, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : set_sqlite_err(e, db, rc);
}

static int
read_pragma_int(sqlite3 *db, const char *sql, int *ret_value, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret_value = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 0 : set_sqlite_err(e, db, rc);
}

/*
 * Make the file before SQLite does, so that it is 0600 from its first moment;
 * the journal files take its mode.  Made by root (the CLI) it is given to the
 * directory's owner, else the service could not open it.
 *
 * A file that exists is only looked at by name: closing a descriptor of it
 * would drop the POSIX locks that another connection of this process holds.
 */
static int
prepare_file(const char *dir, const char *path, struct err *e)
{
	owned_fd int dirfd =
		open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	owned_fd int fd = -1;
	struct stat st;

	if (dirfd < 0 || fstat(dirfd, &st) < 0)
		return err_sys(e, "open state directory %s", dir);
	fd = openat(dirfd, strrchr(path, '/') + 1,
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0) {
		if (geteuid() == 0 && fchown(fd, st.st_uid, st.st_gid) < 0)
			return err_sys(e, "give %s to its owner", path);
		return 0;
	}
	if (errno != EEXIST)
		return err_sys(e, "create %s", path);
	if (lstat(path, &st) < 0)
		return err_sys(e, "look at %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, 0, "%s: not a regular file",
			       path);
	if ((st.st_mode & 077) != 0)
		return err_set(e, ERR_DENIED, 0,
			       "%s: others may read it; chmod 600 it", path);
	return 0;
}

/*
 * SQLite's own handler sleeps ever longer, up to 100 ms: against a writer that
 * never pauses it starves.
 */
static int
wait_for_lock(void *arg, int tries)
{
	(void)arg;
	if (tries >= BUSY_TRIES)
		return 0;
	(void)usleep(1000);
	return 1;
}

static int
open_connection(struct sqlite_store *s, enum connection which, struct err *e)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
	int rc = sqlite3_open_v2(s->path, &s->db[which], flags, NULL);
	sqlite3 *db = s->db[which];

	if (db == NULL)
		return err_set(e, ERR_IO, ENOMEM, "store: open %s", s->path);
	if (rc != SQLITE_OK) {
		set_sqlite_err(e, db, rc);
		return err_wrap(e, "open %s", s->path);
	}
	sqlite3_busy_handler(db, wait_for_lock, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (run_sql(db, common_pragmas, e) < 0)
		return err_wrap(e, "open %s", s->path);
	if (which == CONNECTION_WRITE &&
	    run_sql(db, "PRAGMA journal_mode = WAL;", e) < 0)
		return err_wrap(e, "open %s", s->path);
	return run_sql(db, connection_pragmas[which], e);
}

/* Within BEGIN IMMEDIATE: two processes may start at the same moment. */
static int
bring_schema_up(struct sqlite_store *s, struct err *e)
{
	sqlite3 *db = s->db[CONNECTION_WRITE];
	char set_version[48];
	int version = 0;

	str_printf(set_version, sizeof(set_version),
		   "PRAGMA user_version = %d;", SCHEMA_VERSION);
	if (run_sql(db, "BEGIN IMMEDIATE;", e) < 0)
		return -1;
	if (read_pragma_int(db, "PRAGMA user_version;", &version, e) < 0)
		return -1;
	if (version > SCHEMA_VERSION)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "%s: schema version %d is newer than this "
			       "program's %d; install the newer program",
			       s->path, version, SCHEMA_VERSION);
	for (int i = version; i < SCHEMA_VERSION; i++)
		if (run_sql(db, schema_steps[i], e) < 0)
			return err_wrap(e, "%s: schema step %d", s->path,
					i + 1);
	if (run_sql(db, set_version, e) < 0)
		return -1;
	return run_sql(db, "COMMIT;", e);
}

static int
prepare_statements(struct sqlite_store *s, struct err *e)
{
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		sqlite3 *db = s->db[statement_texts[i].connection];
		int rc = sqlite3_prepare_v3(db, statement_texts[i].sql, -1,
					    SQLITE_PREPARE_PERSISTENT,
					    &s->statements[i], NULL);

		if (rc != SQLITE_OK)
			return set_sqlite_err(e, db, rc);
	}
	return 0;
}

static int
open_all(struct sqlite_store *s, const char *dir, struct err *e)
{
	if (str_printf(s->path, sizeof(s->path), "%s/promptcraft.db", dir) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "state directory: the path is too long");
	if (prepare_file(dir, s->path, e) < 0)
		return -1;
	/* The writer first: it sets the journal mode and makes the tables. */
	if (open_connection(s, CONNECTION_WRITE, e) < 0 ||
	    bring_schema_up(s, e) < 0 ||
	    open_connection(s, CONNECTION_READ, e) < 0 ||
	    open_connection(s, CONNECTION_COUNTER, e) < 0)
		return -1;
	return prepare_statements(s, e);
}

/* Beside the database, with the same owner and mode. */
static int
open_counters(struct sqlite_store *s, const char *dir, struct err *e)
{
	char path[sizeof(s->path)];

	if (str_printf(path, sizeof(path), "%s/counters", dir) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "state directory: the path is too long");
	if (prepare_file(dir, path, e) < 0)
		return -1;
	return counter_table_open(path, &s->counters, e);
}

static void
sqlite_close(struct store *base)
{
	struct sqlite_store *s = sqlite_of(base);

	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(s->statements[i]);
	for (size_t i = 0; i < CONNECTION_COUNT; i++)
		sqlite3_close(s->db[i]);
	counter_table_close(s->counters);
	pthread_mutex_destroy(&s->read_lock);
	pthread_mutex_destroy(&s->write_lock);
	free(s);
}

static const struct store_ops sqlite_ops = STORE_OPS(sqlite);

int
store_open_sqlite(const char *dir, struct store **ret, struct err *e)
{
	struct sqlite_store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_sys(e, "open store");
	s->base.ops = &sqlite_ops;
	pthread_mutex_init(&s->read_lock, NULL);
	pthread_mutex_init(&s->write_lock, NULL);
	if (open_all(s, dir, e) < 0 || open_counters(s, dir, e) < 0) {
		sqlite_close(&s->base);
		return -1;
	}
	*ret = &s->base;
	return 0;
}

/*
 * Reads a row, takes and gives back the write lock, and looks whether a small
 * write would find room: a full disk shows only when a page is written.
 */
int
sqlite_ping(struct store *s, struct err *e)
{
	const char *path = sqlite_of(s)->path;
	struct statvfs fs;

	{
		owned_query struct query q;

		query_begin(&q, s, STATEMENT_PING);
		if (query_step(&q, e) < 0)
			return -1;
	}
	if (statvfs(path, &fs) < 0)
		return err_sys(e, "store: look at %s", path);
	if ((uint64_t)fs.f_bavail * fs.f_frsize < FREE_BYTES_MIN)
		return err_set(e, ERR_IO, ENOSPC, "store: %s", path);
	if (sqlite_transaction_begin(s, e) < 0)
		return -1;
	return sqlite_transaction_end(s, 0, e);
}
