/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_idempotency.c - requests with an Idempotency-Key: which keys are taken,
 * who may run, what is answered again, and what a dead process leaves, on
 * every back end of the store.
 */
#include <stdatomic.h>

#include "api/http/idempotency.h"
#include "tests/unit/store_fixture.h"

static struct api api;
static struct idempotency *keys;

static int
init_keys(void *store)
{
	struct err e;

	api = (struct api){.store = store, .config.idempotency_hours = 24};
	return idempotency_new(&keys, &e);
}

static int
setup_on_sqlite(void **state)
{
	return setup_sqlite(state) != 0 ? -1 : init_keys(*state);
}

static int
setup_on_redis(void **state)
{
	return setup_redis(state) != 0 ? -1 : init_keys(*state);
}

static int
teardown_on_sqlite(void **state)
{
	idempotency_free(keys);
	return teardown_sqlite(state);
}

static int
teardown_on_redis(void **state)
{
	idempotency_free(keys);
	return teardown_redis(state);
}

/* As if the process had died: what it held in memory is gone. */
static void
forget_memory(void)
{
	struct err e;

	idempotency_free(keys);
	assert_int_equal(idempotency_new(&keys, &e), 0);
}

static bool is_limited = true;

static int
begin_with(struct idempotency_claim *claim, const char *user, const char *key,
	   const char *path, const char *body, struct http_response *res)
{
	const struct idempotency_asked asked = {user, "POST",	    path,
						body, strlen(body), is_limited};

	*claim = (struct idempotency_claim){0};
	*res = (struct http_response){0};
	str_copy(claim->key, sizeof(claim->key), key);
	return idempotency_begin(keys, &api, &asked, claim, res);
}

static int
begin(struct idempotency_claim *claim, const char *key, const char *body,
      struct http_response *res)
{
	return begin_with(claim, "u1", key, "/p", body, res);
}

/* End it with this status and {"n": n} (n < 0: no body). */
static void
end(struct idempotency_claim *claim, int status, int n)
{
	struct http_response res = {.status = status};

	if (n >= 0)
		res.body = json_pack("{s:i}", "n", n);
	idempotency_end(keys, &api, claim, &res);
	assert_false(claim->is_held);
	json_decref(res.body);
}

static void
assert_refused(struct http_response *res, int status)
{
	assert_int_equal(res->status, status);
	assert_string_equal(
		json_string_value(json_object_get(res->body, "field")),
		"Idempotency-Key");
	assert_false(res->is_replayed);
	json_decref(res->body);
}

static void
assert_replay(struct http_response *res, int status, int n)
{
	assert_int_equal(res->status, status);
	assert_true(res->is_replayed);
	if (n < 0)
		assert_null(res->body);
	else
		assert_int_equal(
			json_integer_value(json_object_get(res->body, "n")), n);
	json_decref(res->body);
}

/* ---- keys ------------------------------------------------------------ */

static void
test_keys(void **state)
{
	static const char *const rows[][2] = {
		{"a", "a"},
		{"8e03978e-40d5-43dd-bc93-6894a57f9324",
		 "8e03978e-40d5-43dd-bc93-6894a57f9324"},
		{"\"8e03978e\"", "8e03978e"},
		{"\"a\\\"b\\\\c\"", "a\"b\\c"},
		{"a\"b", "a\"b"},
		{"!~", "!~"},
		/* What is none. */
		{"", NULL},
		{"\"\"", NULL},
		{"\"", NULL},
		{"\"a", NULL},
		{"\"a\"b\"", NULL},
		{"\"a\\b\"", NULL},
		{"\"a\\\"", NULL},
		{"a b", NULL},
		{"\"a b\"", NULL},
		{"a\tb", NULL},
		{"a\x7f", NULL},
		{"a\xc3\xa4", NULL},
	};
	char key[IDEMPOTENCY_KEY_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_response res = {0};
		int rc = idempotency_read_key(rows[i][0], key, &res);

		if (rc != (rows[i][1] != NULL ? 0 : -1))
			fail_msg("key %s: %d", rows[i][0], rc);
		if (rc == 0)
			assert_string_equal(key, rows[i][1]);
		else
			assert_refused(&res, 400);
	}
}

static void
test_key_lengths(void **state)
{
	char value[IDEMPOTENCY_KEY_SIZE + 3], key[IDEMPOTENCY_KEY_SIZE];
	struct http_response res = {0};

	(void)state;
	memset(value, 'x', sizeof(value));
	value[255] = '\0';
	assert_int_equal(idempotency_read_key(value, key, &res), 0);
	value[255] = 'x';
	value[256] = '\0';
	assert_int_equal(idempotency_read_key(value, key, &res), -1);
	value[0] = '"';
	value[256] = '"'; /* 255 between the quotes */
	value[257] = '\0';
	assert_int_equal(idempotency_read_key(value, key, &res), 0);
	assert_int_equal(strlen(key), 255);
	value[257] = '"';
	value[258] = '\0';
	value[256] = 'x';
	assert_int_equal(idempotency_read_key(value, key, &res), -1);
	json_decref(res.body);
}

/* ---- one run, one answer --------------------------------------------- */

static void
test_answer_is_replayed(void **state)
{
	struct idempotency_claim first, again;
	struct http_response res;

	(void)state;
	assert_int_equal(begin(&first, "k", "{}", &res), 1);
	assert_false(first.is_retry);
	assert_int_equal(begin(&again, "k", "{}", &res), 0);
	assert_int_equal(res.retry_after_s, 1);
	assert_refused(&res, 409);
	end(&first, 202, 7);
	assert_int_equal(begin(&again, "k", "{}", &res), 0);
	assert_replay(&res, 202, 7);
	forget_memory();
	assert_int_equal(begin(&again, "k", "{}", &res), 0);
	assert_replay(&res, 202, 7);
	/* An error of the client's is an answer too; so is no body. */
	assert_int_equal(begin(&first, "k2", "{}", &res), 1);
	end(&first, 422, 1);
	assert_int_equal(begin(&again, "k2", "{}", &res), 0);
	assert_replay(&res, 422, 1);
	assert_int_equal(begin(&first, "k3", "{}", &res), 1);
	end(&first, 204, -1);
	assert_int_equal(begin(&again, "k3", "{}", &res), 0);
	assert_replay(&res, 204, -1);
}

static void
test_other_requests(void **state)
{
	struct idempotency_claim first, other;
	struct http_response res;

	(void)state;
	assert_int_equal(begin(&first, "k", "{}", &res), 1);
	/* While it runs, and after. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(begin(&other, "k", "{ }", &res), 0);
		assert_refused(&res, 422);
		assert_int_equal(
			begin_with(&other, "u1", "k", "/q", "{}", &res), 0);
		assert_refused(&res, 422);
		end(&first, 200, 1);
	}
	/* Another user's key is another key. */
	assert_int_equal(begin_with(&other, "u2", "k", "/p", "{}", &res), 1);
	assert_string_not_equal(first.once_id, other.once_id);
	assert_string_equal(first.fingerprint, other.fingerprint);
	end(&other, 200, 2);
	assert_int_equal(begin(&other, "k", "{}", &res), 0);
	assert_replay(&res, 200, 1);
}

static void
test_what_a_retry_may_better(void **state)
{
	static const int statuses[] = {409, 429, 500, 503, 0};
	struct idempotency_claim first, again;
	struct http_response res;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		assert_int_equal(begin(&first, "k", "{}", &res), 1);
		end(&first, statuses[i], 1);
		assert_int_equal(begin(&again, "k", "{}", &res), 1);
		assert_false(again.is_retry);
		/* It makes the same thing. */
		assert_string_equal(again.once_id, first.once_id);
		end(&again, 503, 1);
	}
}

/* As the other node sees it: the claim is there, the answer is not yet. */
static void
test_a_retry_takes_no_claim_away(void **state)
{
	static const int statuses[] = {409, 429, 503};
	struct idempotency_claim first, again;
	struct http_response res;

	(void)state;
	assert_int_equal(begin(&first, "k", "{}", &res), 1);
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		forget_memory();
		assert_int_equal(begin(&again, "k", "{}", &res), 1);
		assert_true(again.is_retry);
		end(&again, statuses[i], 1);
		assert_int_equal(begin(&again, "k", "{ }", &res), 0);
		assert_refused(&res, 422);
	}
	end(&first, 200, 7);
	assert_int_equal(begin(&again, "k", "{}", &res), 0);
	assert_replay(&res, 200, 7);
}

/* Else anybody fills the store: cancel workflows that are not there. */
static void
test_refusals_are_kept_where_a_limit_is(void **state)
{
	struct idempotency_claim claim;
	struct http_response res;

	(void)state;
	is_limited = false;
	assert_int_equal(begin(&claim, "k", "{}", &res), 1);
	end(&claim, 404, 1);
	assert_int_equal(begin(&claim, "k", "{}", &res), 1);
	assert_false(claim.is_retry);
	end(&claim, 200, 2);
	is_limited = true;
	assert_int_equal(begin(&claim, "k", "{}", &res), 0);
	assert_replay(&res, 200, 2);
	assert_int_equal(begin(&claim, "l", "{}", &res), 1);
	end(&claim, 404, 3);
	assert_int_equal(begin(&claim, "l", "{}", &res), 0);
	assert_replay(&res, 404, 3);
}

static void
test_crash_leaves_a_claim(void **state)
{
	struct idempotency_claim first, again, third;
	struct http_response res;

	(void)state;
	assert_int_equal(begin(&first, "k", "{}", &res), 1);
	forget_memory();
	assert_int_equal(begin(&third, "k", "{\"x\":1}", &res), 0);
	assert_refused(&res, 422);
	assert_int_equal(begin(&again, "k", "{}", &res), 1);
	assert_true(again.is_retry);
	assert_string_equal(again.once_id, first.once_id);
	/* Still one at a time. */
	assert_int_equal(begin(&third, "k", "{}", &res), 0);
	assert_refused(&res, 409);
	end(&again, 200, 5);
	assert_int_equal(begin(&third, "k", "{}", &res), 0);
	assert_replay(&res, 200, 5);
}

static void
test_once_ids(void **state)
{
	struct idempotency_claim claim;
	struct http_response res;
	char id[40], other[40];

	(void)state;
	assert_int_equal(begin(&claim, "k", "{}", &res), 1);
	assert_int_equal(strlen(claim.once_id), 36);
	assert_int_equal(claim.once_id[14], '8');
	assert_non_null(strchr("89ab", claim.once_id[19]));
	idempotency_once_id(claim.once_id, 0, id);
	assert_string_equal(id, claim.once_id);
	idempotency_once_id(claim.once_id, 1, id);
	idempotency_once_id(claim.once_id, 2, other);
	assert_string_not_equal(id, claim.once_id);
	assert_string_not_equal(id, other);
	assert_int_equal(strlen(id), 36);
	end(&claim, 500, 1);
}

/* A job's result with large files: kept once, in its row. */
static void
test_long_answer_is_not_kept(void **state)
{
	static char text[(1 << 20) + 1];
	struct http_response res = {0}, big = {.status = 200};
	struct idempotency_claim first, again;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	big.body = json_pack("{s:s}", "stdout", text);
	assert_int_equal(begin(&first, "k", "{}", &res), 1);
	idempotency_end(keys, &api, &first, &big);
	json_decref(big.body);
	assert_int_equal(begin(&again, "k", "{}", &res), 1);
	assert_true(again.is_retry);
	end(&again, 200, 1);
}

/* ---- many at once ---------------------------------------------------- */

static atomic_int runs, replays, busy, strange;

static void *
send_until_answered(void *arg)
{
	struct idempotency_claim claim;
	struct http_response res;

	(void)arg;
	for (;;) {
		if (begin(&claim, "race", "{}", &res) == 1) {
			end(&claim, 202, ++runs);
			return NULL;
		}
		json_decref(res.body);
		if (res.status == 202 && res.is_replayed) {
			replays++;
			return NULL;
		}
		if (res.status != 409) {
			strange++;
			return NULL;
		}
		busy++;
		nap_ms(1);
	}
}

static void
test_one_of_many_runs(void **state)
{
	pthread_t threads[16];

	(void)state;
	runs = replays = busy = strange = 0;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						send_until_answered, NULL),
				 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(runs, 1);
	assert_int_equal(replays, ARRAY_LEN(threads) - 1);
	assert_int_equal(strange, 0);
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
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_key_lengths),
		TEST(test_answer_is_replayed),
		TEST(test_other_requests),
		TEST(test_what_a_retry_may_better),
		TEST(test_a_retry_takes_no_claim_away),
		TEST(test_refusals_are_kept_where_a_limit_is),
		TEST(test_crash_leaves_a_claim),
		TEST(test_once_ids),
		TEST(test_long_answer_is_not_kept),
		TEST(test_one_of_many_runs),
	};

	return cmocka_run_group_tests(tests, NULL, stop_redis);
}
