/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_usage.c - the usage log: nothing that was noted is lost in an orderly
 * end, calls alike make one line, a flood is bounded and told, old days go.
 */
#include <jansson.h>

#include "api/cost/cost.h"
#include "api/cost/usage.h"
#include "tests/unit/store_fixture.h"

#define THREADS 8
#define CALLS 500 /* of each thread */

static struct api api;
static struct usage_log *usage;
static json_t *last_line; /* as read from the store */

static void
start(void)
{
	struct err e;

	if (usage_start(&api, &usage, &e) < 0)
		fail_msg("%s", e.text);
}

static void
init_log(void *store)
{
	api = (struct api){.store = store, .config.usage_days = 7};
	start();
}

static void
end_log(void)
{
	usage_stop(usage);
	usage = NULL;
	json_decref(last_line);
	last_line = NULL;
}

static int
setup_on_sqlite(void **state)
{
	if (setup_sqlite(state) != 0)
		return -1;
	init_log(*state);
	return 0;
}

static int
setup_on_redis(void **state)
{
	if (setup_redis(state) != 0)
		return -1;
	init_log(*state);
	return 0;
}

static int
teardown_on_sqlite(void **state)
{
	end_log();
	return teardown_sqlite(state);
}

static int
teardown_on_redis(void **state)
{
	end_log();
	return teardown_redis(state);
}

static void
note(const char *user, const char *details, int status)
{
	const struct usage_call call = {user, "execute", details, status, 1500};

	usage_note(usage, &call);
}

struct found {
	unsigned lines;
	json_int_t calls;
};

static int
add_line(void *arg, const char *entry)
{
	struct found *found = arg;
	json_t *line = json_loads(entry, 0, NULL);

	assert_non_null(line);
	found->lines++;
	found->calls += json_integer_value(json_object_get(line, "count"));
	json_decref(last_line);
	last_line = line;
	return 0;
}

static struct found
read_today(void)
{
	struct found found = {0};
	char date[COST_DATE_SIZE];
	struct err e;

	cost_today(clock_wall_us(), date);
	assert_int_equal(
		store_usage_list(api.store, date, 100000, add_line, &found, &e),
		0);
	return found;
}

static void
test_calls_alike_make_one_line(void **state)
{
	struct found found;

	(void)state;
	for (int i = 0; i < 300; i++)
		note("u1", "a \"goal\"", 202);
	assert_int_equal(usage_flush(usage, 10000), 0);
	found = read_today();
	assert_int_equal(found.calls, 300);
	/* One a second; the machine may be slow. */
	assert_in_range(found.lines, 1, 20);
	assert_string_equal(
		json_string_value(json_object_get(last_line, "user_id")), "u1");
	assert_string_equal(
		json_string_value(json_object_get(last_line, "details")),
		"a \"goal\"");
	assert_string_equal(
		json_string_value(json_object_get(last_line, "operation")),
		"execute");
	assert_int_equal(strlen(json_string_value(
				 json_object_get(last_line, "timestamp"))),
			 CLOCK_ISO_SIZE - 1);
	/* What differs in anything but time does not. */
	note("u1", "a \"goal\"", 429);
	note("u2", "a \"goal\"", 429);
	note("u2", "", 429);
	assert_int_equal(usage_flush(usage, 10000), 0);
	assert_int_equal(read_today().calls, 303);
	assert_int_equal(read_today().lines, found.lines + 3);
}

static void *
note_often(void *arg)
{
	char details[32];

	for (int i = 0; i < CALLS; i++) {
		snprintf(details, sizeof(details), "d%d", i % 7);
		note(arg, details, 200);
	}
	return NULL;
}

static void
test_an_orderly_end_loses_nothing(void **state)
{
	pthread_t threads[THREADS];
	char users[THREADS][8];

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		snprintf(users[i], sizeof(users[i]), "u%d", i);
		assert_int_equal(
			pthread_create(&threads[i], NULL, note_often, users[i]),
			0);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(usage_lost(usage), 0);
	usage_stop(usage);
	assert_int_equal(read_today().calls, THREADS * CALLS);
	start();
}

static void
test_a_flood_is_bounded(void **state)
{
	char details[32];
	const int calls = 20000;
	struct found found;
	uint64_t lost;

	(void)state;
	for (int i = 0; i < calls; i++) {
		snprintf(details, sizeof(details), "%d", i);
		note("u1", details, 200);
	}
	assert_int_equal(usage_flush(usage, 60000), 0);
	lost = usage_lost(usage);
	found = read_today();
	assert_true(found.calls >= 1024);
	assert_int_equal((uint64_t)found.calls + lost, calls);
	/* And there is room again. */
	note("u1", "after", 200);
	assert_int_equal(usage_flush(usage, 10000), 0);
	assert_int_equal(read_today().calls, found.calls + 1);
}

static int
count_line(void *arg, const char *entry)
{
	(void)entry;
	++*(int *)arg;
	return 0;
}

static int
lines_of(uint64_t days_ago)
{
	char date[COST_DATE_SIZE];
	struct err e;
	int lines = 0;

	cost_today(clock_wall_us() - days_ago * UINT64_C(86400000000), date);
	assert_int_equal(
		store_usage_list(api.store, date, 10, count_line, &lines, &e),
		0);
	return lines;
}

static void
test_old_days_go(void **state)
{
	char date[COST_DATE_SIZE], date_after[COST_DATE_SIZE];
	struct err e;

	(void)state;
	for (uint64_t days = 0; days <= 10; days++) {
		cost_today(clock_wall_us() - days * UINT64_C(86400000000),
			   date);
		assert_int_equal(store_usage_add(api.store, date, "{}", &e), 0);
	}
	usage_stop(usage);
	start(); /* looks at once */
	assert_int_equal(usage_flush(usage, 10000), 0);
	/* At midnight the eighth day may be either. */
	cost_today(clock_wall_us() - 10 * UINT64_C(86400000000), date_after);
	for (uint64_t days = 0; days <= 10; days++)
		if (days != 8 || strcmp(date, date_after) == 0)
			assert_int_equal(lines_of(days), days <= 7);
}

#define TEST(test)                                                             \
	{#test " sqlite", test, setup_on_sqlite, teardown_on_sqlite, NULL},    \
	{                                                                      \
#test " redis", test, setup_on_redis, teardown_on_redis, NULL  \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_calls_alike_make_one_line),
		TEST(test_an_orderly_end_loses_nothing),
		TEST(test_a_flood_is_bounded),
		TEST(test_old_days_go),
	};

	return cmocka_run_group_tests(tests, NULL, stop_redis);
}
