/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_outbox.c - the promises of api/store/store.h, on every back end:
 * deliveries, idempotency keys, the usage log, money.
 */
#include "tests/unit/store_fixture.h"

/* ---- deliveries ------------------------------------------------------ */

static struct store_outgoing
make_outgoing(const char *id, uint64_t due_us)
{
	struct store_outgoing out = {
		.delivery = {.workflow_id = "w1",
			     .status = "pending",
			     .due_us = due_us},
		.document = (char *)(uintptr_t)id,
	};

	str_copy(out.delivery.delivery_id, sizeof(out.delivery.delivery_id),
		 id);
	return out;
}

static void
put(struct store *s, const char *id, uint64_t due_us)
{
	struct store_outgoing out = make_outgoing(id, due_us);
	struct err e = ERR_INIT;

	if (store_delivery_put(s, &out, &e) < 0)
		fail_msg("%s", e.text);
}

static int
collect_deliveries(void *arg, const struct store_delivery *d,
		   const char *document)
{
	assert_non_null(document);
	append(arg, d->delivery_id);
	return 0;
}

static void
assert_deliveries(struct store *s, const char *status, const char *expected)
{
	char ids[64] = "";
	struct err e = ERR_INIT;

	assert_int_equal(
		store_delivery_list(s, status, 10, collect_deliveries, ids, &e),
		0);
	assert_string_equal(ids, expected);
}

static struct store_delivery
claim(struct store *s, const char *expected_id, uint64_t lease_ms,
      uint64_t *ret_token)
{
	struct store_delivery d = {0};
	owned_mem char *document = NULL;
	struct err e = ERR_INIT;

	if (store_delivery_claim(s, lease_ms, &d, &document, ret_token, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(d.delivery_id, expected_id);
	return d;
}

static void
assert_nothing_due(struct store *s)
{
	struct store_delivery d;
	char *document = NULL;
	uint64_t token;
	struct err e = ERR_INIT;

	assert_int_equal(
		store_delivery_claim(s, 1000, &d, &document, &token, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_null(document);
}

static void
test_delivery_is_written_with_its_workflow(void **state)
{
	struct store_outgoing out[] = {make_outgoing("d1", 1),
				       make_outgoing("d2", 2)};
	struct store_workflow_meta meta = make_meta("w1", 0);
	struct err e = ERR_INIT;

	create(*state, "w1", 0);
	meta.version = 1;
	assert_int_equal(
		store_workflow_update(*state, &meta, "{}", "{}", out, 2, 0, &e),
		0);
	assert_deliveries(*state, "pending", "d2 d1 ");
	/* What lost against another write tells of nothing. */
	out[0] = make_outgoing("d3", 3);
	meta.version = 1;
	assert_int_equal(
		store_workflow_update(*state, &meta, "{}", "{}", out, 1, 0, &e),
		-1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_deliveries(*state, NULL, "d2 d1 ");
}

/* The same event told twice is one delivery, whatever became of the first. */
static void
test_delivery_id_counts_once(void **state)
{
	uint64_t token = 0;
	struct store_delivery d;
	struct err e = ERR_INIT;

	put(*state, "d1", 1);
	put(*state, "d1", 1);
	d = claim(*state, "d1", 60000, &token);
	str_copy(d.status, sizeof(d.status), "delivered");
	assert_int_equal(store_delivery_update(*state, &d, NULL, token, &e), 0);
	put(*state, "d1", 1);
	assert_nothing_due(*state);
	assert_deliveries(*state, NULL, "d1 ");
	assert_deliveries(*state, "pending", "");
}

static void
test_delivery_claim_and_retry(void **state)
{
	uint64_t now_us = clock_wall_us(), first = 0, second = 0, due_us = 0;
	struct store_delivery d;
	struct err e = ERR_INIT;

	put(*state, "later", now_us - 1000);
	put(*state, "early", now_us - 2000);
	put(*state, "future", now_us + (uint64_t)3600 * 1000000);
	d = claim(*state, "early", 60000, &first);
	assert_int_equal(d.attempts, 0);
	assert_string_equal(d.workflow_id, "w1");
	claim(*state, "later", 60000, &second);
	assert_true(second > first);
	assert_nothing_due(*state);
	d.attempts = 1;
	d.due_us = now_us - 500;
	assert_int_equal(
		store_delivery_update(*state, &d, "{\"again\":1}", first, &e),
		0);
	/* The lease went with it. */
	assert_int_equal(store_delivery_update(*state, &d, NULL, first, &e),
			 -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	d = claim(*state, "early", 60000, &first);
	assert_int_equal(d.attempts, 1);
	assert_int_equal(store_delivery_next_due(*state, &due_us, &e), 0);
	assert_true(due_us > now_us + (uint64_t)50 * 1000000);
	assert_true(due_us < now_us + (uint64_t)70 * 1000000);
}

/* Only what was given up can be asked for again. */
static void
test_delivery_retry_of_a_dead_one(void **state)
{
	uint64_t token = 0, now_us = clock_wall_us();
	struct store_delivery d;
	struct err e = ERR_INIT;

	put(*state, "d1", 1);
	assert_int_equal(store_delivery_retry(*state, "d1", now_us, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(store_delivery_retry(*state, "none", now_us, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	d = claim(*state, "d1", 60000, &token);
	str_copy(d.status, sizeof(d.status), "dead");
	d.attempts = 7;
	assert_int_equal(store_delivery_update(*state, &d, NULL, token, &e), 0);
	assert_nothing_due(*state);
	assert_int_equal(store_delivery_retry(*state, "d1", now_us, &e), 0);
	assert_deliveries(*state, "dead", "");
	assert_deliveries(*state, "pending", "d1 ");
	d = claim(*state, "d1", 60000, &token);
	assert_int_equal(d.attempts, 0);
	assert_int_equal(store_delivery_retry(*state, "d1", now_us, &e), -1);
}

static void
test_delivery_lease_runs_out(void **state)
{
	uint64_t slow = 0, quick = 0;
	struct store_delivery d;
	struct err e = ERR_INIT;

	put(*state, "d1", 1);
	d = claim(*state, "d1", 50, &slow);
	nap_ms(70);
	claim(*state, "d1", 60000, &quick);
	str_copy(d.status, sizeof(d.status), "dead");
	assert_int_equal(store_delivery_update(*state, &d, NULL, slow, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_deliveries(*state, "dead", "");
	str_copy(d.status, sizeof(d.status), "delivered");
	assert_int_equal(store_delivery_update(*state, &d, NULL, quick, &e), 0);
	assert_deliveries(*state, "delivered", "d1 ");
}

static void
test_delivery_expire(void **state)
{
	static const char *const statuses[] = {"delivered", "dead", "pending"};
	uint64_t count = 0, after_us, token = 0;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct store_delivery d;

		put(*state, statuses[i], 1);
		d = claim(*state, statuses[i], 60000, &token);
		str_copy(d.status, sizeof(d.status), statuses[i]);
		d.due_us = 4000000000000000u;
		assert_int_equal(
			store_delivery_update(*state, &d, NULL, token, &e), 0);
		nap_ms(1);
	}
	assert_int_equal(store_delivery_expire(*state, 1000, &count, &e), 0);
	assert_int_equal(count, 0);
	after_us = clock_wall_us() + 1;
	assert_int_equal(store_delivery_expire(*state, after_us, &count, &e),
			 0);
	assert_int_equal(count, 2);
	assert_deliveries(*state, NULL, "pending ");
}

/* ---- idempotency keys ------------------------------------------------ */

#define PRINT_A                                                                \
	"a3f5000000000000000000000000000000000000000000000000000000000000"
#define PRINT_B                                                                \
	"b3f5000000000000000000000000000000000000000000000000000000000000"
#define FAR_US 4000000000000000u

struct claimed {
	bool is_new;
	char fingerprint[65];
	char answer[64]; /* "" if there is none */
};

static struct claimed
claim_key(struct store *s, const char *user, const char *key,
	  const char *fingerprint, uint64_t expires_us)
{
	struct claimed c = {0};
	owned_mem char *answer = NULL;
	struct err e = ERR_INIT;

	if (store_idempotency_claim(s, user, key, fingerprint, expires_us,
				    &c.is_new, c.fingerprint, &answer, &e) < 0)
		fail_msg("%s", e.text);
	if (answer != NULL)
		str_copy(c.answer, sizeof(c.answer), answer);
	return c;
}

static void
test_idempotency_key(void **state)
{
	struct claimed c;
	struct err e = ERR_INIT;

	assert_true(claim_key(*state, "u1", "k", PRINT_A, FAR_US).is_new);
	c = claim_key(*state, "u1", "k", PRINT_B, FAR_US);
	assert_false(c.is_new);
	assert_string_equal(c.fingerprint, PRINT_A);
	assert_string_equal(c.answer, "");
	/* Another user's key is another key. */
	assert_true(claim_key(*state, "u2", "k", PRINT_B, FAR_US).is_new);
	assert_int_equal(
		store_idempotency_answer(*state, "u1", "k", "{\"a\":1}", &e),
		0);
	c = claim_key(*state, "u1", "k", PRINT_A, FAR_US);
	assert_false(c.is_new);
	assert_string_equal(c.answer, "{\"a\":1}");
	/* What has an answer is not given up. */
	assert_int_equal(store_idempotency_release(*state, "u1", "k", &e), 0);
	assert_false(claim_key(*state, "u1", "k", PRINT_A, FAR_US).is_new);
	assert_int_equal(store_idempotency_release(*state, "u2", "k", &e), 0);
	assert_true(claim_key(*state, "u2", "k", PRINT_A, FAR_US).is_new);
	assert_int_equal(store_idempotency_answer(*state, "u3", "k", "{}", &e),
			 -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void
test_idempotency_key_is_forgotten(void **state)
{
	uint64_t soon_us = clock_wall_us() + 200000;

	assert_true(claim_key(*state, "u1", "k", PRINT_A, soon_us).is_new);
	nap_ms(250);
	assert_true(claim_key(*state, "u1", "k", PRINT_B, FAR_US).is_new);
	assert_string_equal(
		claim_key(*state, "u1", "k", PRINT_A, FAR_US).fingerprint,
		PRINT_B);
}

struct key_race {
	struct store *s;
	unsigned won;
};

static void *
race_keys(void *arg)
{
	struct key_race *race = arg;

	for (int i = 0; i < 50; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%d", i);
		race->won +=
			claim_key(race->s, "u", key, PRINT_A, FAR_US).is_new;
	}
	return NULL;
}

static void
test_idempotency_key_has_one_winner(void **state)
{
	struct store *other = open_store();
	struct key_race races[4] = {
		{*state, 0}, {*state, 0}, {other, 0}, {other, 0}};
	pthread_t threads[4];
	unsigned won = 0;

	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, race_keys, &races[i]);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		won += races[i].won;
	}
	assert_int_equal(won, 50);
	store_close(other);
}

/* ---- usage ----------------------------------------------------------- */

static int
collect_entries(void *arg, const char *entry)
{
	append(arg, entry);
	return 0;
}

static void
assert_usage(struct store *s, const char *date, uint32_t limit,
	     const char *expected)
{
	char entries[64] = "";
	struct err e = ERR_INIT;

	assert_int_equal(
		store_usage_list(s, date, limit, collect_entries, entries, &e),
		0);
	assert_string_equal(entries, expected);
}

static void
test_usage_log(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(store_usage_add(*state, "2026-01-01", "a", &e), 0);
	assert_int_equal(store_usage_add(*state, "2026-01-02", "b", &e), 0);
	assert_int_equal(store_usage_add(*state, "2026-01-02", "c", &e), 0);
	assert_int_equal(store_usage_add(*state, "2026-01-03", "d", &e), 0);
	assert_usage(*state, "2026-01-02", 10, "c b ");
	assert_usage(*state, "2026-01-02", 1, "c ");
	assert_int_equal(store_usage_expire(*state, "2026-01-02", &e), 0);
	assert_usage(*state, "2026-01-01", 10, "");
	assert_usage(*state, "2026-01-02", 10, "c b ");
	assert_usage(*state, "2026-01-03", 10, "d ");
}

/* ---- money ----------------------------------------------------------- */

static struct store_spend
make_spend(const char *id, const char *workflow, const char *date,
	   uint64_t micros)
{
	struct store_spend spend = {.step = 1, .micros = micros};

	str_copy(spend.spend_id, sizeof(spend.spend_id), id);
	str_copy(spend.workflow_id, sizeof(spend.workflow_id), workflow);
	str_copy(spend.user_id, sizeof(spend.user_id), "u1");
	str_copy(spend.date, sizeof(spend.date), date);
	return spend;
}

static uint64_t
sum(struct store *s, const char *date, const char *user, const char *workflow)
{
	uint64_t micros = UINT64_MAX;
	struct err e = ERR_INIT;

	if (store_spend_sum(s, date, user, workflow, &micros, &e) < 0)
		fail_msg("%s", e.text);
	return micros;
}

static void
test_spend_limits(void **state)
{
	struct store_spend spend = make_spend("s1", "w1", "2026-01-01", 60);
	struct store_spend_totals totals = {7, 7};
	struct err e = ERR_INIT;

	assert_int_equal(
		store_spend_reserve(*state, &spend, 100, 80, &totals, &e), 0);
	assert_int_equal(totals.day_micros, 60);
	assert_int_equal(totals.workflow_micros, 60);
	spend = make_spend("s2", "w1", "2026-01-01", 21);
	assert_int_equal(
		store_spend_reserve(*state, &spend, 100, 80, &totals, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(totals.day_micros, 60);
	/* Exactly the limit is within it. */
	spend.micros = 20;
	assert_int_equal(
		store_spend_reserve(*state, &spend, 100, 80, &totals, &e), 0);
	spend = make_spend("s3", "w2", "2026-01-01", 21);
	assert_int_equal(
		store_spend_reserve(*state, &spend, 100, 80, &totals, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(totals.day_micros, 80);
	assert_int_equal(totals.workflow_micros, 0);
	assert_int_equal(store_spend_reserve(*state, &spend, 0, 0, &totals, &e),
			 0);
	assert_int_equal(totals.day_micros, 101);
	/* Tomorrow is another day. */
	spend = make_spend("s4", "w3", "2026-01-02", 100);
	assert_int_equal(
		store_spend_reserve(*state, &spend, 100, 0, &totals, &e), 0);
}

/* A call that is repeated after a crash counts once. */
static void
test_spend_same_id_counts_once(void **state)
{
	struct store_spend spend = make_spend("s1", "w1", "2026-01-01", 60);
	struct store_spend_totals totals = {0};
	struct err e = ERR_INIT;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(store_spend_reserve(*state, &spend, 100, 100,
						     &totals, &e),
				 0);
		assert_int_equal(totals.day_micros, 60);
	}
	/* The first counted for yesterday, the repeat counts for today. */
	spend = make_spend("s1", "w1", "2026-01-02", 70);
	assert_int_equal(
		store_spend_reserve(*state, &spend, 100, 100, &totals, &e), 0);
	assert_int_equal(totals.workflow_micros, 70);
	assert_int_equal(sum(*state, "2026-01-01", NULL, NULL), 0);
	assert_int_equal(sum(*state, "2026-01-02", NULL, NULL), 70);
}

static void
test_spend_settle_and_sums(void **state)
{
	struct store_spend spends[] = {
		make_spend("s1", "w1", "2026-01-01", 60),
		make_spend("s2", "w1", "2026-01-02", 40),
		make_spend("s3", "w2", "2026-01-01", 30),
	};
	struct store_spend_totals totals = {0};
	struct err e = ERR_INIT;

	str_copy(spends[2].user_id, sizeof(spends[2].user_id), "u2");
	for (size_t i = 0; i < ARRAY_LEN(spends); i++)
		assert_int_equal(store_spend_reserve(*state, &spends[i], 0, 0,
						     &totals, &e),
				 0);
	assert_int_equal(store_spend_settle(*state, "s1", 5, &totals, &e), 0);
	assert_int_equal(totals.day_micros, 35);
	assert_int_equal(totals.workflow_micros, 45);
	assert_int_equal(store_spend_settle(*state, "s2", 0, &totals, &e), 0);
	assert_int_equal(totals.workflow_micros, 5);
	assert_int_equal(store_spend_settle(*state, "s9", 1, &totals, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(sum(*state, NULL, NULL, NULL), 35);
	assert_int_equal(sum(*state, "2026-01-01", NULL, NULL), 35);
	assert_int_equal(sum(*state, "2026-01-01", "u2", NULL), 30);
	assert_int_equal(sum(*state, NULL, "u1", NULL), 5);
	assert_int_equal(sum(*state, NULL, NULL, "w1"), 5);
	assert_int_equal(sum(*state, "2026-01-02", NULL, "w1"), 0);
	assert_int_equal(sum(*state, "2026-01-01", "u1", "w1"), 5);
	assert_int_equal(sum(*state, NULL, "u2", "w1"), 0);
}

struct spend_race {
	struct store *s;
	char name;
	unsigned granted;
};

static void *
race_spends(void *arg)
{
	struct spend_race *race = arg;

	for (int i = 0; i < 30; i++) {
		struct store_spend spend =
			make_spend("", "w1", "2026-01-01", 1);
		struct store_spend_totals totals;
		struct err e = ERR_INIT;

		snprintf(spend.spend_id, sizeof(spend.spend_id), "%c%d",
			 race->name, i);
		if (store_spend_reserve(race->s, &spend, 50, 0, &totals, &e) ==
		    0)
			race->granted++;
		else
			assert_int_equal(e.kind, ERR_LIMIT);
	}
	return NULL;
}

/* 120 ask for 1 each, 50 are there. */
static void
test_spend_race_stays_below_the_limit(void **state)
{
	struct store *other = open_store();
	struct spend_race races[4] = {{*state, 'a', 0},
				      {*state, 'b', 0},
				      {other, 'c', 0},
				      {other, 'd', 0}};
	pthread_t threads[4];
	unsigned granted = 0;

	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, race_spends, &races[i]);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		granted += races[i].granted;
	}
	assert_int_equal(granted, 50);
	assert_int_equal(sum(*state, NULL, NULL, NULL), 50);
	store_close(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_delivery_is_written_with_its_workflow),
		ON_BOTH(test_delivery_id_counts_once),
		ON_BOTH(test_delivery_claim_and_retry),
		ON_BOTH(test_delivery_retry_of_a_dead_one),
		ON_BOTH(test_delivery_lease_runs_out),
		ON_BOTH(test_delivery_expire),
		ON_BOTH(test_idempotency_key),
		ON_BOTH(test_idempotency_key_is_forgotten),
		ON_BOTH(test_idempotency_key_has_one_winner),
		ON_BOTH(test_usage_log),
		ON_BOTH(test_spend_limits),
		ON_BOTH(test_spend_same_id_counts_once),
		ON_BOTH(test_spend_settle_and_sums),
		ON_BOTH(test_spend_race_stays_below_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, stop_redis);
}
