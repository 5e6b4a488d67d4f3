/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_limits.c - limits hold exactly when many press against them at once:
 * rate limits and cost limits, on every back end of the store.
 */
#include <stdatomic.h>

#include "api/cost/cost.h"
#include "api/cost/money.h"
#include "api/http/ratelimit.h"
#include "tests/unit/store_fixture.h"

#define THREADS 20
#define TRIES 10 /* of each thread */

static struct api api;
static struct api second; /* a second node with the same store */

static void
init_api(void *store)
{
	memset(&api, 0, sizeof(api));
	api.store = store;
	api.config.rate_execute = 50;
	api.config.enable_cost_tracking = true;
	api.config.daily_cost_limit_micros = 10 * MONEY_DOLLAR;
	api.config.execution_cost_limit_micros = 2 * MONEY_DOLLAR;
	second = api;
	second.store = open_store();
}

static struct api *
node(unsigned thread)
{
	return thread % 2 == 0 ? &api : &second;
}

static int
setup_on_sqlite(void **state)
{
	if (setup_sqlite(state) != 0)
		return -1;
	init_api(*state);
	return 0;
}

static int
setup_on_redis(void **state)
{
	if (setup_redis(state) != 0)
		return -1;
	init_api(*state);
	return 0;
}

static int
teardown_on_sqlite(void **state)
{
	store_close(second.store);
	return teardown_sqlite(state);
}

static int
teardown_on_redis(void **state)
{
	store_close(second.store);
	return teardown_redis(state);
}

static void
run_threads(void *(*body)(void *arg))
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, body, (void *)i), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* ---- rate limits ----------------------------------------------------- */

static atomic_int passed, refused, strange;

static void
hit(struct api *at, const char *user, const char *operation)
{
	struct http_response res = {0};
	struct rate_state rate = {0};
	int rc = rate_limit_check(at, user, operation, &rate, &res);

	if (rc == 0 && res.status == 0)
		passed++;
	else if (rc < 0 && res.status == 429 && rate.remaining == 0 &&
		 res.retry_after_s >= 1 && res.retry_after_s <= 3600)
		refused++;
	else
		strange++;
	json_decref(res.body);
}

static void *
hit_often(void *arg)
{
	for (int i = 0; i < TRIES; i++)
		hit(node((unsigned)(uintptr_t)arg), "u1", "execute");
	return NULL;
}

static void
test_rate_limit_is_exact(void **state)
{
	(void)state;
	passed = refused = strange = 0;
	run_threads(hit_often);
	assert_int_equal(passed, 50);
	assert_int_equal(refused, THREADS * TRIES - 50);
	assert_int_equal(strange, 0);
}

static void
test_rate_limit_state(void **state)
{
	struct http_response res = {0};
	struct rate_state rate = {0};

	(void)state;
	api.config.rate_execute = 2;
	for (uint32_t left = 2; left-- > 0;) {
		assert_int_equal(
			rate_limit_check(&api, "u1", "execute", &rate, &res),
			0);
		assert_int_equal(rate.limit, 2);
		assert_int_equal(rate.remaining, left);
		assert_in_range(rate.reset_s, 3590, 3600);
	}
	assert_int_equal(rate_limit_check(&api, "u1", "execute", &rate, &res),
			 -1);
	assert_string_equal(
		json_string_value(json_object_get(res.body, "detail")),
		"Rate limit exceeded. Max 2 execute requests per hour.");
	json_decref(res.body);
	/* Another user, and an operation without a limit. */
	res = (struct http_response){0};
	assert_int_equal(rate_limit_check(&api, "u2", "execute", &rate, &res),
			 0);
	rate = (struct rate_state){0};
	assert_int_equal(rate_limit_check(&api, "u1", "status", &rate, &res),
			 0);
	assert_int_equal(rate.limit, 0);
}

/* ---- money ----------------------------------------------------------- */

static uint64_t
spent_by(const char *workflow)
{
	uint64_t micros = 0;
	struct err e = ERR_INIT;

	if (cost_of_workflow(&api, workflow, &micros, &e) < 0)
		fail_msg("%s", e.text);
	return micros;
}

/* Every thread a workflow of its own: they meet at the day's limit. */
static void *
spend_often(void *arg)
{
	unsigned thread = (unsigned)(uintptr_t)arg;
	char workflow[16];
	struct cost_call call = {.workflow_id = workflow, .user_id = "u1"};

	snprintf(workflow, sizeof(workflow), "w%u", thread);
	for (int i = 0; i < TRIES; i++) {
		struct err e = ERR_INIT;

		call.step = (uint32_t)i;
		if (cost_reserve(node(thread), &call, 200000, &e) < 0) {
			if (e.kind == ERR_LIMIT)
				refused++;
			else
				strange++;
			continue;
		}
		/* It came cheaper, so that there is room for others again. */
		if (cost_settle(node(thread), &call, 100000, &e) < 0)
			strange++;
		passed++;
	}
	return NULL;
}

static void
test_day_limit_holds_for_all_together(void **state)
{
	uint64_t sum = 0;
	struct err e = ERR_INIT;

	(void)state;
	passed = refused = strange = 0;
	api.config.daily_cost_limit_micros = 5 * MONEY_DOLLAR;
	second.config = api.config;
	run_threads(spend_often);
	assert_int_equal(strange, 0);
	assert_int_equal(store_spend_sum(api.store, NULL, "u1", NULL, &sum, &e),
			 0);
	assert_int_equal(sum, (uint64_t)passed * 100000);
	assert_true(sum <= 5 * MONEY_DOLLAR);
	/* At a refusal less than 0.2 were left, half of it only set aside. */
	assert_true(refused > 0);
	assert_true(sum + 200000 + UINT64_C(100000) * (THREADS - 1) >=
		    5 * MONEY_DOLLAR);
}

static void *
reserve_often(void *arg)
{
	struct cost_call call = {.workflow_id = "w1", .user_id = "u1"};
	unsigned thread = (unsigned)(uintptr_t)arg;

	for (uint32_t i = 0; i < TRIES; i++) {
		struct err e = ERR_INIT;

		call.step = thread;
		call.attempt = i;
		if (cost_reserve(node(thread), &call, 100000, &e) == 0)
			passed++;
		else if (e.kind == ERR_LIMIT)
			refused++;
		else
			strange++;
	}
	return NULL;
}

static void
test_workflow_limit_is_exact(void **state)
{
	(void)state;
	passed = refused = strange = 0;
	run_threads(reserve_often);
	assert_int_equal(strange, 0);
	assert_int_equal(passed, 20);
	assert_int_equal(refused, THREADS * TRIES - 20);
	assert_int_equal(spent_by("w1"), 2 * MONEY_DOLLAR);
}

static void
test_a_call_counts_once(void **state)
{
	const struct cost_call call = {"w1", "u1", 3, 1};
	const struct cost_call next = {"w1", "u1", 3, 2};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(cost_reserve(&api, &call, 1500000, &e), 0);
	/* The process died and does it again. */
	assert_int_equal(cost_reserve(&api, &call, 1500000, &e), 0);
	assert_int_equal(spent_by("w1"), 1500000);
	assert_int_equal(cost_reserve(&api, &next, 1500000, &e), -1);
	assert_int_equal(cost_settle(&api, &call, 200001, &e), 0);
	assert_int_equal(cost_settle(&api, &call, 200001, &e), 0);
	assert_int_equal(spent_by("w1"), 200001);
	assert_int_equal(cost_reserve(&api, &next, 1500000, &e), 0);
	assert_int_equal(cost_settle(&api, &next, 0, &e), 0);
	assert_int_equal(spent_by("w1"), 200001);
	assert_int_equal(spent_by("w2"), 0);
}

static void
test_refusals_say_why(void **state)
{
	const struct cost_call call = {"w1", "u1", 0, 1};
	const struct cost_call next = {"w1", "u1", 1, 1};
	const struct cost_call other = {"w2", "u2", 0, 1};
	static const char daily[] =
		"DAILY_COST_LIMIT: this may cost $0.20, but "
		"$1.50 of $1.60 is spent today; it resets "
		"at 20";
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(cost_reserve(&api, &call, 1500000, &e), 0);
	assert_int_equal(cost_reserve(&api, &next, 500001, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_string_equal(e.text,
			    "EXECUTION_COST_LIMIT: this may cost $0.500001, "
			    "but the workflow has spent $1.50 of $2.00; a new "
			    "workflow begins at $0.00");
	api.config.daily_cost_limit_micros = 1600000;
	assert_int_equal(cost_reserve(&api, &other, 200000, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_ptr_equal(strstr(e.text, daily), e.text);
	assert_non_null(strstr(e.text, "T00:00:00Z"));
	/* 0 is no limit. */
	api.config.daily_cost_limit_micros = 0;
	api.config.execution_cost_limit_micros = 0;
	assert_int_equal(cost_reserve(&api, &other, UINT64_C(1) << 40, &e), 0);
}

static void
test_without_tracking(void **state)
{
	const struct cost_call call = {"w1", "u1", 0, 1};
	struct price price = {1, 1};
	struct err e = ERR_INIT;

	(void)state;
	/* With it, a model of unknown price is refused. */
	assert_int_equal(cost_price(&api, "gpt-4o", &price, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(e.text, "PROMPTCRAFT_PRICES"));
	api.config.enable_cost_tracking = false;
	assert_int_equal(cost_price(&api, "gpt-4o", &price, &e), 0);
	assert_int_equal(price.input, 0);
	assert_int_equal(cost_reserve(&api, &call, UINT64_C(1) << 40, &e), 0);
	assert_int_equal(cost_settle(&api, &call, 5, &e), 0);
	assert_int_equal(spent_by("w1"), 0);
}

static void
test_days(void **state)
{
	/* 2026-02-28T23:59:59.999999Z and a microsecond later. */
	const uint64_t last_us = UINT64_C(1772323199999999);
	char date[COST_DATE_SIZE];

	(void)state;
	cost_today(last_us, date);
	assert_string_equal(date, "2026-02-28");
	assert_int_equal(cost_day_end_us(last_us), last_us + 1);
	cost_today(last_us + 1, date);
	assert_string_equal(date, "2026-03-01");
	assert_int_equal(cost_day_end_us(last_us + 1),
			 last_us + 1 + UINT64_C(86400000000));
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
		TEST(test_rate_limit_is_exact),
		TEST(test_rate_limit_state),
		TEST(test_day_limit_holds_for_all_together),
		TEST(test_workflow_limit_is_exact),
		TEST(test_a_call_counts_once),
		TEST(test_refusals_say_why),
		TEST(test_without_tracking),
		TEST(test_days),
	};

	return cmocka_run_group_tests(tests, NULL, stop_redis);
}
