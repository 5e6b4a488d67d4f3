/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_scale.c - several processes on one store, big documents and ten
 * thousand workflows that wait, on every back end.
 */
#include "tests/unit/store_fixture.h"

/* ---- several processes ----------------------------------------------- */

#define PROCESSES 3
#define WORKFLOWS 60
#define ROUNDS 30

/* A process with a store of its own; exit status 0 if all went well. */
static int
run_process(void)
{
	struct race race = {.s = NULL};
	struct err e = ERR_INIT;
	uint64_t token = 0, count;
	uint32_t reset_s;
	char id[40];

	race.s = open_store();
	(void)race_updates(&race);
	for (int i = 0; i < ROUNDS; i++)
		if (store_counter_hit(race.s, "shared", 3600, &count, &reset_s,
				      &e) < 0)
			return 1;
	/* Each claim is written down as a count under its id. */
	while (store_workflow_claim(race.s, "p", 60000, id, &token, &e) == 0)
		if (store_counter_hit(race.s, id, 3600, &count, &reset_s, &e) <
			    0 ||
		    count != 1)
			return 1;
	store_close(race.s);
	return race.failed == 0 && e.kind == ERR_NOT_FOUND ? 0 : 1;
}

static void
test_several_processes(void **state)
{
	struct store_workflow_meta meta;
	owned_mem char *document = NULL;
	uint32_t reset_s = 0;
	pid_t pids[PROCESSES];
	char id[16], expected[32];
	struct err e = ERR_INIT;

	create(*state, "w1", 0);
	for (int i = 0; i < WORKFLOWS; i++) {
		snprintf(id, sizeof(id), "c%d", i);
		create(*state, id, 1);
	}
	store_close(*state);
	*state = NULL;
	for (size_t i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(run_process());
	}
	for (size_t i = 0; i < PROCESSES; i++) {
		int status = -1;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	*state = open_store();
	assert_int_equal(store_workflow_get(*state, "w1", &meta, &document, &e),
			 0);
	snprintf(expected, sizeof(expected), "{\"n\":%d}", PROCESSES * 50);
	assert_string_equal(document, expected);
	assert_int_equal(counter_hit(*state, "shared", 3600, &reset_s),
			 PROCESSES * ROUNDS + 1);
	for (int i = 0; i < WORKFLOWS; i++) {
		snprintf(id, sizeof(id), "c%d", i);
		assert_int_equal(counter_hit(*state, id, 3600, &reset_s), 2);
	}
}

/* ---- much of it ------------------------------------------------------ */

#define BIG_BYTES (8u << 20)

static void
test_big_document(void **state)
{
	struct store_workflow_meta meta = make_meta("w1", 1);
	owned_mem char *big = malloc(BIG_BYTES + 1), *got = NULL;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < BIG_BYTES; i++)
		big[i] = (char)('a' + i % 26);
	big[BIG_BYTES] = '\0';
	assert_int_equal(store_workflow_create(*state, &meta, "s", big, &e), 0);
	big[BIG_BYTES / 2] = '#';
	meta.version = 1;
	assert_int_equal(
		store_workflow_update(*state, &meta, "s", big, NULL, 0, 0, &e),
		0);
	assert_int_equal(store_workflow_get(*state, "w1", &meta, &got, &e), 0);
	assert_int_equal(strlen(got), BIG_BYTES);
	assert_memory_equal(got, big, BIG_BYTES);
	assert_int_equal(meta.version, 2);
}

#define MANY 10000

/* Without waiting for the disk at each, which is not what is measured. */
static void
fill_sqlite(uint64_t due_us)
{
	char path[128], sql[512], *text = NULL;
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/promptcraft.db", dir);
	snprintf(sql, sizeof(sql),
		 "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL"
		 " SELECT i + 1 FROM n WHERE i < %d)"
		 " INSERT INTO workflow (workflow_id, user_id, status, version,"
		 " created_us, updated_us, due_us, expires_us, summary,"
		 " document) SELECT 'm' || i, 'user-1', 'waiting_approval', 1,"
		 " i + 1, 1, %llu + i, 0, '{}', '{}' FROM n",
		 MANY - 1, (unsigned long long)due_us);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK)
		fail_msg("%s", text);
	sqlite3_close(db);
}

static void
fill_redis(struct store *s, uint64_t due_us)
{
	char reply[64];

	redis_server_ask(&redis, reply, sizeof(reply),
			 "CONFIG SET appendfsync no");
	for (unsigned i = 0; i < MANY; i++) {
		struct store_workflow_meta meta = make_meta("", due_us + i);
		struct err e = ERR_INIT;

		snprintf(meta.workflow_id, sizeof(meta.workflow_id), "m%u", i);
		str_copy(meta.status, sizeof(meta.status), "waiting_approval");
		if (store_workflow_create(s, &meta, "{}", "{}", &e) < 0)
			fail_msg("%s", e.text);
	}
	redis_server_ask(&redis, reply, sizeof(reply),
			 "CONFIG SET appendfsync always");
}

static int
count_only(void *arg, const struct store_workflow_meta *meta,
	   const char *summary)
{
	(void)meta;
	(void)summary;
	++*(unsigned *)arg;
	return 0;
}

/* Microseconds of one call, of many the quickest. */
#define TIME_OF(times, call)                                                   \
	({                                                                     \
		uint64_t best_us = UINT64_MAX;                                 \
                                                                               \
		for (int time = 0; time < (times); time++) {                   \
			uint64_t took_us = clock_mono_us();                    \
                                                                               \
			assert_int_equal(call, 0);                             \
			took_us = clock_mono_us() - took_us;                   \
			best_us = took_us < best_us ? took_us : best_us;       \
		}                                                              \
		best_us;                                                       \
	})

/* However much waits, looking costs the same; the bounds are generous. */
static void
test_ten_thousand_wait(void **state)
{
	struct store_workflow_query query = {.status = "waiting_approval",
					     .limit = 100};
	uint64_t far_us = clock_wall_us() + UINT64_C(3600000000), due_us = 0;
	uint64_t us[3], token = 0;
	unsigned count = 0;
	char id[40];
	struct err e = ERR_INIT;

	if (is_redis)
		fill_redis(*state, far_us);
	else
		fill_sqlite(far_us);
	us[0] = TIME_OF(20, store_workflow_list(*state, &query, count_only,
						&count, &e));
	assert_int_equal(count, 20 * 100);
	us[1] = TIME_OF(200, store_workflow_next_due(*state, &due_us, &e));
	assert_int_equal(due_us, far_us);
	us[2] = TIME_OF(
		200,
		store_workflow_claim(*state, "w", 1000, id, &token, &e) + 1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	print_message("%s, %d waiting: list of 100 %llu us, next_due %llu us, "
		      "claim of none %llu us\n",
		      store_backend_name(*state), MANY,
		      (unsigned long long)us[0], (unsigned long long)us[1],
		      (unsigned long long)us[2]);
	assert_true(us[0] < 50000);
	assert_true(us[1] < 5000);
	assert_true(us[2] < 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_several_processes),
		ON_BOTH(test_big_document),
		ON_BOTH(test_ten_thousand_wait),
	};

	return cmocka_run_group_tests(tests, NULL, stop_redis);
}
