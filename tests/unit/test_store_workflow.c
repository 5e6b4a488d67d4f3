/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_workflow.c - workflows in the store, on every back end:
 * compare-and-set, lists, leases with fencing, expiry.
 */
#include "tests/unit/store_fixture.h"

/* ---- workflows ------------------------------------------------------- */

static void
test_workflow_round_trip(void **state)
{
	struct store_workflow_meta meta = make_meta("w1", 77), got;
	owned_mem char *document = NULL;
	struct err e = ERR_INIT;

	meta.expires_us = 99;
	assert_int_equal(store_workflow_create(*state, &meta, "{}",
					       "{\"a\":\"\xc3\xa9\"}", &e),
			 0);
	assert_int_equal(store_workflow_get(*state, "w1", &got, &document, &e),
			 0);
	assert_string_equal(document, "{\"a\":\"\xc3\xa9\"}");
	assert_int_equal(got.version, 1);
	assert_int_equal(got.due_us, 77);
	assert_int_equal(got.expires_us, 99);
	assert_int_equal(got.created_us, meta.created_us);
	assert_string_equal(got.status, "created");
	memset(&got, 0, sizeof(got));
	assert_int_equal(store_workflow_peek(*state, "w1", &got, &e), 0);
	assert_string_equal(got.user_id, meta.user_id);
	assert_int_equal(got.version, 1);
	assert_int_equal(store_workflow_create(*state, &meta, "{}", "{}", &e),
			 -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
}

static void
test_workflow_missing(void **state)
{
	struct store_workflow_meta meta = make_meta("nope", 0);
	char *document = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(
		store_workflow_get(*state, "nope", &meta, &document, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_null(document);
	assert_int_equal(store_workflow_peek(*state, "nope", &meta, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	meta.version = 1;
	assert_int_equal(store_workflow_update(*state, &meta, "{}", "{}", NULL,
					       0, 0, &e),
			 -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void
test_glance(void **state)
{
	struct store_workflow_meta meta = make_meta("w1", 0);
	struct store_user ann = make_user("u1", "ann");
	struct store_glance glance;
	struct err e = ERR_INIT;

	assert_int_equal(store_user_add(*state, &ann, &e), 0);
	assert_int_equal(store_workflow_create(*state, &meta, "{}", "{}", &e),
			 0);
	for (uint64_t hits = 1; hits <= 2; hits++) {
		assert_int_equal(store_glance(*state, "u1", ann.token_version,
					      "w1", "k", 60, &glance, &e),
				 0);
		assert_string_equal(glance.user.username, "ann");
		assert_string_equal(glance.user.user_id, "u1");
		assert_string_equal(glance.meta.workflow_id, "w1");
		assert_int_equal(glance.meta.version, 1);
		assert_int_equal(glance.hits, hits);
		assert_in_range(glance.reset_s, 50, 60);
	}
	/* What is seen is how it is now. */
	assert_int_equal(store_user_set_password(*state, "ann", "h2", &e), 0);
	meta.version = 1;
	assert_int_equal(store_workflow_update(*state, &meta, "{}", "{}", NULL,
					       0, 0, &e),
			 0);
	assert_int_equal(
		store_glance(*state, "u1", 0, "w1", NULL, 60, &glance, &e), 0);
	assert_int_equal(glance.user.token_version, ann.token_version + 1);
	assert_int_equal(glance.meta.version, 2);
	assert_int_equal(glance.hits, 0);
	/* Nor is anything counted for a token of before. */
	assert_int_equal(store_glance(*state, "u1", ann.token_version, "w1",
				      "k", 60, &glance, &e),
			 0);
	assert_string_equal(glance.user.user_id, "u1");
	assert_int_equal(glance.hits, 0);
	/* Nothing is counted for nobody, and what is not there stays empty. */
	assert_int_equal(
		store_glance(*state, "u2", 0, "w1", "k", 60, &glance, &e), 0);
	assert_string_equal(glance.user.user_id, "");
	assert_int_equal(store_glance(*state, "u1", ann.token_version + 1, "w2",
				      "k", 60, &glance, &e),
			 0);
	assert_string_equal(glance.meta.workflow_id, "");
	assert_int_equal(glance.hits, 3);
}

static void
test_workflow_compare_and_set(void **state)
{
	struct store_workflow_meta first, second;
	owned_mem char *document = NULL;
	char *copy = NULL;
	struct err e = ERR_INIT;

	create(*state, "w1", 0);
	assert_int_equal(store_workflow_get(*state, "w1", &first, &copy, &e),
			 0);
	free(copy);
	second = first;
	assert_int_equal(store_workflow_update(*state, &first, "{}",
					       "{\"n\":1}", NULL, 0, 0, &e),
			 0);
	assert_int_equal(first.version, 2);
	assert_int_equal(store_workflow_update(*state, &second, "{}",
					       "{\"n\":9}", NULL, 0, 0, &e),
			 -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(second.version, 1);
	assert_int_equal(
		store_workflow_get(*state, "w1", &second, &document, &e), 0);
	assert_string_equal(document, "{\"n\":1}");
	assert_int_equal(second.version, 2);
}

/* No update is lost between threads, nor between two handles on one file. */
static void
test_workflow_update_race(void **state)
{
	struct store *other = open_store();
	struct race races[4] = {
		{.s = *state}, {.s = *state}, {.s = other}, {.s = other}};
	struct store_workflow_meta meta;
	owned_mem char *document = NULL;
	pthread_t threads[4];
	struct err e = ERR_INIT;

	create(*state, "w1", 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race_updates,
						&races[i]),
				 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(races[i].failed, 0);
		assert_int_equal(races[i].won, 50);
	}
	assert_int_equal(store_workflow_get(other, "w1", &meta, &document, &e),
			 0);
	assert_string_equal(document, "{\"n\":200}");
	assert_int_equal(meta.version, 201);
	store_close(other);
}

/* Asks the store from within the list: this must not deadlock. */
static int
collect_ids(void *arg, const struct store_workflow_meta *meta,
	    const char *summary)
{
	struct listing *listing = arg;
	struct store_workflow_meta again;
	owned_mem char *copy = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(store_workflow_get(listing->s, meta->workflow_id,
					    &again, &copy, &e),
			 0);
	assert_string_equal(summary, meta->workflow_id);
	append(listing->ids, meta->workflow_id);
	return --listing->stop_after == 0;
}

static void
query_workflows(struct store *s, const char *user_id, const char *status,
		uint64_t before_us, uint32_t limit, struct listing *listing)
{
	const struct store_workflow_query query = {user_id, status, before_us,
						   limit};
	struct err e = ERR_INIT;

	if (store_workflow_list(s, &query, collect_ids, listing, &e) < 0)
		fail_msg("%s", e.text);
}

static void
test_workflow_list(void **state)
{
	struct listing all = {.s = *state}, some = all, own = all, first = all;
	struct store_workflow_meta meta = make_meta("w3", 0);
	struct err e = ERR_INIT;

	create(*state, "w1", 0);
	create(*state, "w2", 0);
	str_copy(meta.user_id, sizeof(meta.user_id), "user-2");
	meta.created_us = clock_wall_us() + 1;
	assert_int_equal(store_workflow_create(*state, &meta, "w3", "{}", &e),
			 0);
	query_workflows(*state, NULL, NULL, 0, 10, &all);
	assert_string_equal(all.ids, "w3 w2 w1 ");
	query_workflows(*state, NULL, NULL, 0, 2, &some);
	assert_string_equal(some.ids, "w3 w2 ");
	query_workflows(*state, "user-1", NULL, 0, 10, &own);
	assert_string_equal(own.ids, "w2 w1 ");
	first.stop_after = 1;
	query_workflows(*state, NULL, NULL, 0, 10, &first);
	assert_string_equal(first.ids, "w3 ");
}

static void
create_of(struct store *s, const char *id, const char *user, const char *status,
	  uint64_t created_us)
{
	struct store_workflow_meta meta = make_meta(id, 0);
	struct err e = ERR_INIT;

	str_copy(meta.user_id, sizeof(meta.user_id), user);
	str_copy(meta.status, sizeof(meta.status), status);
	meta.created_us = created_us;
	assert_int_equal(store_workflow_create(s, &meta, id, "{}", &e), 0);
}

static void
test_workflow_query(void **state)
{
	struct listing waiting = {.s = *state}, own = waiting, older = waiting,
		       page = waiting;
	struct store_workflow_meta meta;
	owned_mem char *document = NULL;
	struct err e = ERR_INIT;

	create_of(*state, "w1", "a", "waiting_approval", 1000);
	create_of(*state, "w2", "b", "waiting_approval", 2000);
	create_of(*state, "w3", "a", "running", 3000);
	create_of(*state, "w4", "a", "waiting_approval", 4000);
	query_workflows(*state, NULL, "waiting_approval", 0, 10, &waiting);
	assert_string_equal(waiting.ids, "w4 w2 w1 ");
	query_workflows(*state, "a", "waiting_approval", 0, 10, &own);
	assert_string_equal(own.ids, "w4 w1 ");
	query_workflows(*state, "a", NULL, 4000, 10, &older);
	assert_string_equal(older.ids, "w3 w1 ");
	query_workflows(*state, NULL, "waiting_approval", 4000, 1, &page);
	assert_string_equal(page.ids, "w2 ");
	/* A changed status moves it from one list to the other. */
	assert_int_equal(store_workflow_get(*state, "w4", &meta, &document, &e),
			 0);
	str_copy(meta.status, sizeof(meta.status), "running");
	assert_int_equal(store_workflow_update(*state, &meta, "w4", "{}", NULL,
					       0, 0, &e),
			 0);
	waiting.ids[0] = own.ids[0] = '\0';
	query_workflows(*state, "a", "waiting_approval", 0, 10, &own);
	assert_string_equal(own.ids, "w1 ");
	query_workflows(*state, NULL, "running", 0, 10, &waiting);
	assert_string_equal(waiting.ids, "w4 w3 ");
}

/* ---- leases ---------------------------------------------------------- */

static void
assert_nothing_due(struct store *s)
{
	char id[40] = "untouched";
	uint64_t token = 42;
	struct err e = ERR_INIT;

	assert_int_equal(store_workflow_claim(s, "x", 1000, id, &token, &e),
			 -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_string_equal(id, "untouched");
	assert_int_equal(token, 42);
}

static uint64_t
claim(struct store *s, const char *expected_id, uint64_t lease_ms)
{
	char id[40] = "";
	uint64_t token = 0;
	struct err e = ERR_INIT;

	if (store_workflow_claim(s, "worker", lease_ms, id, &token, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(id, expected_id);
	assert_true(token > 0);
	return token;
}

static void
test_claim_takes_the_longest_due(void **state)
{
	uint64_t now_us = clock_wall_us(), due_us = 0, first, second;
	struct err e = ERR_INIT;

	assert_nothing_due(*state);
	create(*state, "later", now_us - 1000);
	create(*state, "early", now_us - 2000);
	create(*state, "never", 0);
	create(*state, "future", now_us + (uint64_t)3600 * 1000000);
	first = claim(*state, "early", 60000);
	second = claim(*state, "later", 60000);
	assert_true(second > first);
	assert_nothing_due(*state);
	/* The next chance: when the lease on "early" ends. */
	assert_int_equal(store_workflow_next_due(*state, &due_us, &e), 0);
	assert_true(due_us > now_us + (uint64_t)50 * 1000000);
	assert_true(due_us < now_us + (uint64_t)70 * 1000000);
}

static void
test_next_due_of_an_idle_store(void **state)
{
	uint64_t due_us = 1;
	struct err e = ERR_INIT;

	create(*state, "never", 0);
	assert_int_equal(store_workflow_next_due(*state, &due_us, &e), 0);
	assert_int_equal(due_us, 0);
	create(*state, "future", 4000000000000000u);
	assert_int_equal(store_workflow_next_due(*state, &due_us, &e), 0);
	assert_int_equal(due_us, 4000000000000000u);
}

/* The heart of fencing: a worker that overslept its lease changes nothing. */
static void
test_expired_lease_is_fenced_off(void **state)
{
	struct store_workflow_meta slow, quick;
	owned_mem char *document = NULL, *copy = NULL;
	uint64_t old_token, new_token;
	struct err e = ERR_INIT;

	create(*state, "w1", clock_wall_us());
	nap_ms(1);
	/* Long enough to look twice on a slow machine. */
	old_token = claim(*state, "w1", 4000);
	assert_int_equal(store_workflow_get(*state, "w1", &slow, &copy, &e), 0);
	assert_nothing_due(*state);
	nap_ms(4020);
	new_token = claim(*state, "w1", 60000);
	assert_true(new_token > old_token);
	quick = slow;
	/* The version still matches; the token alone decides. */
	assert_int_equal(store_workflow_update(*state, &slow, "{}",
					       "{\"by\":\"slow\"}", NULL, 0,
					       old_token, &e),
			 -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_non_null(strstr(e.text, "lease"));
	assert_int_equal(
		store_workflow_lease_renew(*state, "w1", old_token, 60000, &e),
		-1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(
		store_workflow_lease_release(*state, "w1", old_token, &e), -1);
	assert_int_equal(store_workflow_update(*state, &quick, "{}",
					       "{\"by\":\"quick\"}", NULL, 0,
					       new_token, &e),
			 0);
	assert_int_equal(store_workflow_get(*state, "w1", &slow, &document, &e),
			 0);
	assert_string_equal(document, "{\"by\":\"quick\"}");
	assert_int_equal(slow.version, 2);
}

static void
test_renewed_lease_lasts(void **state)
{
	uint64_t token;
	struct err e = ERR_INIT;

	create(*state, "w1", clock_wall_us());
	nap_ms(1);
	token = claim(*state, "w1", 500);
	assert_int_equal(
		store_workflow_lease_renew(*state, "w1", token, 60000, &e), 0);
	nap_ms(520);
	assert_nothing_due(*state);
}

static void
test_release_voids_the_token(void **state)
{
	struct store_workflow_meta meta = make_meta("w1", clock_wall_us());
	uint64_t token, later;
	struct err e = ERR_INIT;

	create(*state, "w1", clock_wall_us());
	nap_ms(1);
	token = claim(*state, "w1", 60000);
	assert_int_equal(store_workflow_lease_release(*state, "w1", token, &e),
			 0);
	meta.version = 1;
	assert_int_equal(store_workflow_update(*state, &meta, "{}", "{}", NULL,
					       0, token, &e),
			 -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	later = claim(*state, "w1", 60000);
	assert_true(later > token);
	assert_int_equal(
		store_workflow_lease_release(*state, "none", later, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

/* A start forgets leases where they can be nobody else's, and only there. */
static void
test_reset_of_leases(void **state)
{
	struct store_workflow_meta meta = make_meta("w1", clock_wall_us());
	uint64_t token;
	struct err e = ERR_INIT;

	create(*state, "w1", clock_wall_us());
	nap_ms(1);
	token = claim(*state, "w1", 60000);
	assert_int_equal(store_workflow_lease_reset(*state, &e), 0);
	meta.version = 1;
	assert_int_equal(store_workflow_update(*state, &meta, "{}", "{}", NULL,
					       0, token, &e),
			 is_redis ? 0 : -1);
	if (is_redis)
		assert_nothing_due(*state);
	else
		assert_true(claim(*state, "w1", 60000) > token);
}

#define CLAIM_WORKFLOWS 60

struct claimer {
	struct store *s;
	uint64_t tokens[CLAIM_WORKFLOWS];
	char ids[CLAIM_WORKFLOWS][40];
	unsigned count;
	bool has_failed;
};

static void *
claim_all(void *arg)
{
	struct claimer *c = arg;

	while (c->count < CLAIM_WORKFLOWS) {
		struct err e = ERR_INIT;

		if (store_workflow_claim(c->s, "t", 60000, c->ids[c->count],
					 &c->tokens[c->count], &e) < 0) {
			c->has_failed = e.kind != ERR_NOT_FOUND;
			break;
		}
		c->count++;
	}
	return NULL;
}

/* Each workflow goes to exactly one worker, under a token of its own. */
static void
test_claims_of_many_workers(void **state)
{
	struct store *other = open_store();
	static struct claimer claimers[4];
	bool seen[CLAIM_WORKFLOWS] = {false};
	pthread_t threads[4];
	unsigned total = 0;

	memset(claimers, 0, sizeof(claimers));
	for (unsigned i = 0; i < CLAIM_WORKFLOWS; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%u", i);
		create(*state, id, clock_wall_us());
	}
	nap_ms(1);
	for (size_t i = 0; i < 4; i++) {
		claimers[i].s = i < 2 ? *state : other;
		pthread_create(&threads[i], NULL, claim_all, &claimers[i]);
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < 4; i++) {
		assert_false(claimers[i].has_failed);
		for (unsigned k = 0; k < claimers[i].count; k++) {
			long n = strtol(claimers[i].ids[k], NULL, 10);

			assert_false(seen[n]);
			seen[n] = true;
			assert_true(k == 0 ||
				    claimers[i].tokens[k] >
					    claimers[i].tokens[k - 1]);
		}
		total += claimers[i].count;
	}
	assert_int_equal(total, CLAIM_WORKFLOWS);
	store_close(other);
}

static void
test_expire_deletes_only_terminal_ones(void **state)
{
	static const struct {
		const char *id, *status;
		uint64_t expires_us;
		bool is_kept;
	} rows[] = {
		{"done-old", "completed", 1000, false},
		{"failed-old", "failed", 1000, false},
		{"cancelled-old", "cancelled", 1000, false},
		{"done-young", "completed", 5000, true},
		{"done-never", "completed", 0, true},
		{"running-old", "running", 1000, true},
		{"waiting-old", "waiting_approval", 1000, true},
	};
	uint64_t count = 0;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct store_workflow_meta meta = make_meta(rows[i].id, 0);

		str_copy(meta.status, sizeof(meta.status), rows[i].status);
		meta.expires_us = rows[i].expires_us;
		assert_int_equal(
			store_workflow_create(*state, &meta, "{}", "{}", &e),
			0);
	}
	assert_int_equal(store_workflow_expire(*state, 2000, &count, &e), 0);
	assert_int_equal(count, 3);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct store_workflow_meta meta;
		owned_mem char *document = NULL;
		int rc = store_workflow_get(*state, rows[i].id, &meta,
					    &document, &e);

		assert_int_equal(rc, rows[i].is_kept ? 0 : -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_workflow_round_trip),
		ON_BOTH(test_workflow_missing),
		ON_BOTH(test_glance),
		ON_BOTH(test_workflow_compare_and_set),
		ON_BOTH(test_workflow_update_race),
		ON_BOTH(test_workflow_list),
		ON_BOTH(test_workflow_query),
		ON_BOTH(test_claim_takes_the_longest_due),
		ON_BOTH(test_next_due_of_an_idle_store),
		ON_BOTH(test_expired_lease_is_fenced_off),
		ON_BOTH(test_renewed_lease_lasts),
		ON_BOTH(test_release_voids_the_token),
		ON_BOTH(test_reset_of_leases),
		ON_BOTH(test_claims_of_many_workers),
		ON_BOTH(test_expire_deletes_only_terminal_ones),
	};

	return cmocka_run_group_tests(tests, NULL, stop_redis);
}
