/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_sqlite.c - what only the SQLite back end promises: files of its
 * owner only, durability over kill -9, damaged, locked and foreign files, and
 * the upgrade of a file that an older program wrote.
 */
#include "tests/unit/store_fixture.h"

/* ---- files ----------------------------------------------------------- */

static void
test_files_are_private(void **state)
{
	static const char *const names[] = {"promptcraft.db",
					    "promptcraft.db-wal",
					    "promptcraft.db-shm", "counters"};

	create(*state, "w1", 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[128];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
}

/* What was answered with 0 is there after kill -9 of the writer. */
static void
test_written_survives_kill(void **state)
{
	struct store_workflow_meta meta;
	owned_mem char *document = NULL;
	struct err e = ERR_INIT;
	int status = 0;
	pid_t pid;

	store_close(*state);
	*state = NULL;
	pid = fork();
	if (pid == 0) {
		struct store *s = open_store();

		create(s, "w1", clock_wall_us());
		(void)kill(getpid(), SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	*state = open_store();
	assert_int_equal(store_workflow_get(*state, "w1", &meta, &document, &e),
			 0);
	assert_int_equal(meta.version, 1);
}

static void
assert_open_fails(enum err_kind kind, const char *text)
{
	struct store *s = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(store_open_sqlite(dir, &s, &e), -1);
	assert_null(s);
	assert_int_equal(e.kind, kind);
	if (strstr(e.text, text) == NULL)
		fail_msg("expected \"%s\" in: %s", text, e.text);
}

static void
write_db(const char *content, mode_t mode)
{
	char path[128];
	owned_fd int fd = -1;

	snprintf(path, sizeof(path), "%s/promptcraft.db", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, content, strlen(content)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
}

static void
test_foreign_file_is_refused(void **state)
{
	store_close(*state);
	*state = NULL;
	write_db("This is no database at all, whatever its name may say; it "
		 "is long enough to have a header.............................",
		 0600);
	assert_open_fails(ERR_IO, "not a database");
}

static void
test_readable_file_is_refused(void **state)
{
	store_close(*state);
	*state = NULL;
	write_db("", 0640);
	assert_open_fails(ERR_DENIED, "chmod 600");
}

static void
test_newer_schema_is_refused(void **state)
{
	char path[128];
	sqlite3 *db = NULL;

	store_close(*state);
	*state = NULL;
	snprintf(path, sizeof(path), "%s/promptcraft.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	assert_open_fails(ERR_UNSUPPORTED, "newer");
}

static void
test_symlink_is_refused(void **state)
{
	char path[128];

	store_close(*state);
	*state = NULL;
	remove_file("promptcraft.db");
	snprintf(path, sizeof(path), "%s/promptcraft.db", dir);
	assert_int_equal(symlink("/tmp/pc-elsewhere", path), 0);
	assert_open_fails(ERR_INVALID, "regular");
}

/* Damage in the middle of the file is an error, not an empty answer. */
static void
test_damaged_page_is_told(void **state)
{
	char path[128], junk[4096];
	struct store_workflow_meta meta;
	static char big[200001];
	owned_mem char *document = NULL;
	owned_fd int fd = -1;
	struct err e = ERR_INIT;
	struct stat st;

	memset(big, 'x', sizeof(big) - 1);
	meta = make_meta("w1", 0);
	assert_int_equal(store_workflow_create(*state, &meta, "{}", big, &e),
			 0);
	store_close(*state);
	*state = NULL;
	snprintf(path, sizeof(path), "%s/promptcraft.db", dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	memset(junk, 0xff, sizeof(junk));
	for (off_t at = 4096; at < st.st_size; at += 4096)
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at), 4096);
	fd_close(&fd);
	if (store_open_sqlite(dir, (struct store **)state, &e) == 0)
		assert_int_equal(
			store_workflow_get(*state, "w1", &meta, &document, &e),
			-1);
	assert_int_equal(e.kind, ERR_IO);
	assert_non_null(strstr(e.text, "malformed"));
}

/* Another process that sits on the write lock: an error with its cause. */
static void
test_locked_file_is_told(void **state)
{
	struct store_workflow_meta meta = make_meta("w1", 0);
	char path[128];
	sqlite3 *db = NULL;
	struct err e = ERR_INIT;

	snprintf(path, sizeof(path), "%s/promptcraft.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(store_workflow_create(*state, &meta, "{}", "{}", &e),
			 -1);
	assert_int_equal(e.kind, ERR_IO);
	assert_non_null(strstr(e.text, "locked"));
	assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(store_workflow_create(*state, &meta, "{}", "{}", &e),
			 0);
}

/* ---- upgrade --------------------------------------------------------- */

/*
 * A file as the program with schema 1 left it, as `.dump` shows it: a workflow
 * that waits, under a lease, one that is done, a running job.
 */
static const char schema_1_file[] =
	"CREATE TABLE user ( user_id TEXT PRIMARY KEY NOT NULL, username "
	"TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL, role INTEGER "
	"NOT NULL CHECK (role BETWEEN 1 AND 3), token_version INTEGER "
	"NOT NULL, is_disabled INTEGER NOT NULL CHECK (is_disabled IN (0,"
	" 1)), created_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO user VALUES('11111111-1111-4111-8111-111111111111',"
	"'admin','$argon2id$old',3,3,0,1700000000000000);"
	"CREATE TABLE workflow ( workflow_id TEXT PRIMARY KEY NOT NULL, "
	"user_id TEXT NOT NULL, status TEXT NOT NULL, version INTEGER "
	"NOT NULL, created_us INTEGER NOT NULL, updated_us INTEGER NOT "
	"NULL, due_us INTEGER NOT NULL, expires_us INTEGER NOT NULL, "
	"lease_token INTEGER NOT NULL DEFAULT 0, lease_until_us INTEGER "
	"NOT NULL DEFAULT 0, lease_worker TEXT NOT NULL DEFAULT '', "
	"summary TEXT NOT NULL, document TEXT NOT NULL) STRICT;"
	"INSERT INTO workflow "
	"VALUES('22222222-2222-4222-8222-222222222222',"
	"'11111111-1111-4111-8111-111111111111','waiting_approval',2,"
	"1700000001000000,1700000002000000,1700000003000000,0,1,"
	"1795360718562787,'w','{\"goal\":\"old\"}','{\"n\":2}');"
	"INSERT INTO workflow "
	"VALUES('33333333-3333-4333-8333-333333333333',"
	"'11111111-1111-4111-8111-111111111111','completed',1,"
	"1700000001000000,1700000002000000,0,4000000000000000,0,0,'',"
	"'{\"goal\":\"done\"}','{\"n\":3}');"
	"CREATE TABLE lease_sequence (last INTEGER NOT NULL) STRICT;"
	"INSERT INTO lease_sequence VALUES(1);"
	"CREATE TABLE job ( job_id TEXT PRIMARY KEY NOT NULL, user_id "
	"TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('running',"
	" 'done')), updated_us INTEGER NOT NULL, document TEXT NOT NULL) "
	"STRICT;"
	"INSERT INTO job VALUES('44444444-4444-4444-8444-444444444444',"
	"'11111111-1111-4111-8111-111111111111','running',"
	"1795360717564286,'{}');"
	"CREATE TABLE counter ( key TEXT PRIMARY KEY NOT NULL, count "
	"INTEGER NOT NULL, window_end_us INTEGER NOT NULL) STRICT, "
	"WITHOUT ROWID;"
	"INSERT INTO counter VALUES('rate_limit:x:status',1,"
	"1799360717564831);"
	"CREATE TABLE setting ( key TEXT PRIMARY KEY NOT NULL, value "
	"TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO setting VALUES('jwt_secret','00ff');"
	"CREATE INDEX workflow_due ON workflow (due_us, lease_until_us) "
	"WHERE due_us > 0;"
	"CREATE INDEX workflow_expires ON workflow (expires_us) WHERE "
	"expires_us > 0;"
	"CREATE INDEX workflow_created ON workflow (created_us);"
	"CREATE INDEX workflow_of_user ON workflow (user_id, created_us);"
	"CREATE INDEX job_status ON job (status, updated_us);"
	"CREATE INDEX counter_end ON counter (window_end_us);"
	"PRAGMA user_version = 1;";

static void
write_old_file(const char *sql)
{
	char path[128];
	char *text = NULL;
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/promptcraft.db", dir);
	write_db("", 0600);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK)
		fail_msg("%s", text);
	sqlite3_close(db);
}

static int
count_rows(void *arg, const struct store_workflow_meta *meta,
	   const char *summary)
{
	unsigned *count = arg;

	assert_non_null(meta);
	assert_int_equal(summary[0], '{');
	(*count)++;
	return 0;
}

/* All that was there is there, and what is new works on it. */
static void
test_upgrade_of_schema_1(void **state)
{
	struct store_workflow_query query = {.status = "waiting_approval",
					     .limit = 10};
	struct store_outgoing out = {
		.delivery = {.delivery_id = "d1", .status = "pending"},
		.document = (char[]){"{}"},
	};
	struct store_workflow_meta meta;
	struct store_user user;
	owned_mem char *document = NULL, *secret = NULL;
	char id[40];
	unsigned rows = 0;
	uint64_t token = 0;
	struct err e = ERR_INIT;

	store_close(*state);
	*state = NULL;
	remove_file("promptcraft.db");
	write_old_file(schema_1_file);
	*state = open_store();
	assert_int_equal(store_user_get(*state, "admin", &user, &e), 0);
	assert_int_equal(user.token_version, 3);
	assert_int_equal(store_setting_get(*state, "jwt_secret", &secret, &e),
			 0);
	assert_string_equal(secret, "00ff");
	assert_int_equal(
		store_workflow_list(*state, &query, count_rows, &rows, &e), 0);
	assert_int_equal(rows, 1);
	assert_int_equal(store_workflow_lease_reset(*state, &e), 0);
	assert_int_equal(
		store_workflow_claim(*state, "w", 60000, id, &token, &e), 0);
	/* Fencing numbers go on where they were. */
	assert_int_equal(token, 2);
	assert_int_equal(store_workflow_get(*state, id, &meta, &document, &e),
			 0);
	assert_string_equal(document, "{\"n\":2}");
	assert_int_equal(meta.version, 2);
	assert_int_equal(store_workflow_update(*state, &meta, "{}", "{}", &out,
					       1, token, &e),
			 0);
}

/* Opened again it is not upgraded again. */
static void
test_upgrade_happens_once(void **state)
{
	store_close(*state);
	*state = open_store();
	assert_int_equal(store_ping(*state, &(struct err){0}), 0);
}

/* A step that fails leaves the file as it was. */
static void
test_failed_upgrade_changes_nothing(void **state)
{
	char path[128];
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;

	store_close(*state);
	*state = NULL;
	remove_file("promptcraft.db");
	write_old_file(schema_1_file);
	snprintf(path, sizeof(path), "%s/promptcraft.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	/* Something of the operator's that is in the way. */
	assert_int_equal(
		sqlite3_exec(db, "CREATE TABLE spend (x)", NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	assert_open_fails(ERR_IO, "schema step 2");
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT count(*), (SELECT "
					    "user_version FROM "
					    "pragma_user_version) FROM "
					    "sqlite_master WHERE name IN "
					    "('workflow_due', 'delivery')",
					    -1, &stmt, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(stmt, 0), 1);
	assert_int_equal(sqlite3_column_int(stmt, 1), 1);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SQLITE(test_files_are_private),
		ON_SQLITE(test_written_survives_kill),
		ON_SQLITE(test_foreign_file_is_refused),
		ON_SQLITE(test_readable_file_is_refused),
		ON_SQLITE(test_newer_schema_is_refused),
		ON_SQLITE(test_symlink_is_refused),
		ON_SQLITE(test_damaged_page_is_told),
		ON_SQLITE(test_locked_file_is_told),
		ON_SQLITE(test_upgrade_of_schema_1),
		ON_SQLITE(test_upgrade_happens_once),
		ON_SQLITE(test_failed_upgrade_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
