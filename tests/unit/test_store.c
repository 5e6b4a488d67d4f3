/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store.c - the promises of api/store/store.h, against real SQLite files:
 * compare-and-set, leases with fencing and expiry, counters under threads, two
 * handles on one file, durability over kill -9, and damaged or locked files.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/store/store.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

static char dir[64];

static struct store *
open_store(void)
{
	struct store *s = NULL;
	struct err e = ERR_INIT;

	if (store_open_sqlite(dir, &s, &e) < 0)
		fail_msg("%s", e.text);
	return s;
}

static int
setup(void **state)
{
	str_copy(dir, sizeof(dir), "/tmp/pc-test-store.XXXXXX");
	assert_non_null(mkdtemp(dir));
	*state = open_store();
	return 0;
}

static void
remove_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)unlink(path);
}

static int
teardown(void **state)
{
	store_close(*state);
	remove_file("promptcraft.db");
	remove_file("promptcraft.db-wal");
	remove_file("promptcraft.db-shm");
	return rmdir(dir);
}

/* word and a space after what is in list[64]. */
static void
append(char *list, const char *word)
{
	size_t used = strlen(list);

	assert_true(used + strlen(word) + 2 <= 64);
	snprintf(list + used, 64 - used, "%s ", word);
}

static void
nap_ms(unsigned ms)
{
	(void)usleep(ms * 1000u);
}

static struct store_workflow_meta
make_meta(const char *id, uint64_t due_us)
{
	struct store_workflow_meta meta = {.due_us = due_us};

	str_copy(meta.workflow_id, sizeof(meta.workflow_id), id);
	str_copy(meta.user_id, sizeof(meta.user_id), "user-1");
	str_copy(meta.status, sizeof(meta.status), "created");
	meta.created_us = meta.updated_us = clock_wall_us();
	return meta;
}

static void
create(struct store *s, const char *id, uint64_t due_us)
{
	struct store_workflow_meta meta = make_meta(id, due_us);
	struct err e = ERR_INIT;

	if (store_workflow_create(s, &meta, meta.workflow_id, "{\"n\":0}", &e) <
	    0)
		fail_msg("%s", e.text);
}

/* ---- users ----------------------------------------------------------- */

static struct store_user
make_user(const char *id, const char *name)
{
	struct store_user user = {.role = USER_ROLE_APPROVER,
				  .token_version = 1,
				  .created_us = 123456789};

	str_copy(user.user_id, sizeof(user.user_id), id);
	str_copy(user.username, sizeof(user.username), name);
	str_copy(user.password_hash, sizeof(user.password_hash), "$hash");
	return user;
}

static void
test_user_add_and_get(void **state)
{
	struct store_user user = make_user("id-1", "ada"), got;
	struct err e = ERR_INIT;

	assert_int_equal(store_user_add(*state, &user, &e), 0);
	assert_int_equal(store_user_get(*state, "ada", &got, &e), 0);
	assert_string_equal(got.user_id, "id-1");
	assert_string_equal(got.password_hash, "$hash");
	assert_int_equal(got.role, USER_ROLE_APPROVER);
	assert_int_equal(got.created_us, 123456789);
	assert_false(got.is_disabled);
	assert_int_equal(store_user_get_by_id(*state, "id-1", &got, &e), 0);
	assert_string_equal(got.username, "ada");
	assert_int_equal(store_user_get(*state, "Ada", &got, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void
test_user_name_taken(void **state)
{
	struct store_user user = make_user("id-1", "ada");
	struct err e = ERR_INIT;

	assert_int_equal(store_user_add(*state, &user, &e), 0);
	user = make_user("id-2", "ada");
	assert_int_equal(store_user_add(*state, &user, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_non_null(strstr(e.text, "ada"));
}

static void
test_user_role_out_of_range_is_no_conflict(void **state)
{
	struct store_user user = make_user("id-1", "ada");
	struct err e = ERR_INIT;

	user.role = (enum user_role)9;
	assert_int_equal(store_user_add(*state, &user, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
}

static void
test_user_password_bumps_version(void **state)
{
	struct store_user user = make_user("id-1", "ada"), got;
	struct err e = ERR_INIT;

	assert_int_equal(store_user_add(*state, &user, &e), 0);
	assert_int_equal(store_user_set_password(*state, "ada", "$new", &e), 0);
	assert_int_equal(store_user_get(*state, "ada", &got, &e), 0);
	assert_string_equal(got.password_hash, "$new");
	assert_int_equal(got.token_version, 2);
	assert_int_equal(store_user_set_password(*state, "bob", "$x", &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static int
collect_names(void *arg, const struct store_user *user)
{
	char *names = arg;

	append(names, user->username);
	return strcmp(user->username, "bob") == 0;
}

static void
test_user_list_sorted_and_stoppable(void **state)
{
	struct store_user users[] = {make_user("3", "cid"),
				     make_user("1", "bob"),
				     make_user("2", "ada")};
	char names[64] = "";
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(users); i++)
		assert_int_equal(store_user_add(*state, &users[i], &e), 0);
	assert_int_equal(store_user_list(*state, collect_names, names, &e), 0);
	assert_string_equal(names, "ada bob ");
}

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
	meta.version = 1;
	assert_int_equal(
		store_workflow_update(*state, &meta, "{}", "{}", 0, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
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
	assert_int_equal(
		store_workflow_update(*state, &first, "{}", "{\"n\":1}", 0, &e),
		0);
	assert_int_equal(first.version, 2);
	assert_int_equal(store_workflow_update(*state, &second, "{}",
					       "{\"n\":9}", 0, &e),
			 -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(second.version, 1);
	assert_int_equal(
		store_workflow_get(*state, "w1", &second, &document, &e), 0);
	assert_string_equal(document, "{\"n\":1}");
	assert_int_equal(second.version, 2);
}

struct race {
	struct store *s;
	unsigned won, lost, failed;
};

/* Read, change, write until 50 own changes are in. */
static void *
race_updates(void *arg)
{
	struct race *race = arg;

	while (race->won < 50 && race->failed == 0) {
		struct store_workflow_meta meta;
		owned_mem char *document = NULL;
		char next[32];
		struct err e = ERR_INIT;

		if (store_workflow_get(race->s, "w1", &meta, &document, &e) <
		    0) {
			race->failed++;
			break;
		}
		snprintf(next, sizeof(next), "{\"n\":%ld}",
			 strtol(document + 5, NULL, 10) + 1);
		if (store_workflow_update(race->s, &meta, "{}", next, 0, &e) ==
		    0)
			race->won++;
		else if (e.kind == ERR_CONFLICT)
			race->lost++;
		else
			race->failed++;
	}
	return NULL;
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

struct listing {
	struct store *s;
	char ids[64];
	int stop_after;
};

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
	store_workflow_list(*state, NULL, 10, collect_ids, &all, &e);
	assert_string_equal(all.ids, "w3 w2 w1 ");
	store_workflow_list(*state, NULL, 2, collect_ids, &some, &e);
	assert_string_equal(some.ids, "w3 w2 ");
	store_workflow_list(*state, "user-1", 10, collect_ids, &own, &e);
	assert_string_equal(own.ids, "w2 w1 ");
	first.stop_after = 1;
	store_workflow_list(*state, NULL, 10, collect_ids, &first, &e);
	assert_string_equal(first.ids, "w3 ");
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
	old_token = claim(*state, "w1", 500);
	assert_int_equal(store_workflow_get(*state, "w1", &slow, &copy, &e), 0);
	assert_nothing_due(*state);
	nap_ms(520);
	new_token = claim(*state, "w1", 60000);
	assert_true(new_token > old_token);
	quick = slow;
	/* The version still matches; the token alone decides. */
	assert_int_equal(store_workflow_update(*state, &slow, "{}",
					       "{\"by\":\"slow\"}", old_token,
					       &e),
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
					       "{\"by\":\"quick\"}", new_token,
					       &e),
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
	token = claim(*state, "w1", 40);
	assert_int_equal(
		store_workflow_lease_renew(*state, "w1", token, 60000, &e), 0);
	nap_ms(60);
	assert_nothing_due(*state);
}

static void
test_release_and_reset_void_the_token(void **state)
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
	assert_int_equal(
		store_workflow_update(*state, &meta, "{}", "{}", token, &e),
		-1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	token = claim(*state, "w1", 60000);
	assert_int_equal(store_workflow_lease_reset(*state, &e), 0);
	assert_int_equal(
		store_workflow_update(*state, &meta, "{}", "{}", token, &e),
		-1);
	later = claim(*state, "w1", 60000);
	assert_true(later > token);
	assert_int_equal(
		store_workflow_lease_release(*state, "none", later, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
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

/* ---- jobs ------------------------------------------------------------ */

static int
collect_jobs(void *arg, const char *job_id, const char *document)
{
	struct listing *listing = arg;
	struct err e = ERR_INIT;

	assert_string_equal(document, "{}");
	append(listing->ids, job_id);
	/* What a start after a crash does. */
	return store_job_put(listing->s, job_id, "user-1", "done",
			     "{\"outcome\":\"error\"}", &e);
}

static void
test_jobs(void **state)
{
	struct listing running = {.s = *state}, none = {.s = *state};
	owned_mem char *document = NULL;
	char user[40], status[20];
	uint64_t count = 0;
	struct err e = ERR_INIT;

	assert_int_equal(
		store_job_put(*state, "j1", "user-1", "running", "{}", &e), 0);
	nap_ms(1);
	assert_int_equal(
		store_job_put(*state, "j2", "user-1", "running", "{}", &e), 0);
	assert_int_equal(
		store_job_list_running(*state, collect_jobs, &running, &e), 0);
	assert_string_equal(running.ids, "j1 j2 ");
	assert_int_equal(
		store_job_list_running(*state, collect_jobs, &none, &e), 0);
	assert_string_equal(none.ids, "");
	assert_int_equal(
		store_job_get(*state, "j1", user, status, &document, &e), 0);
	assert_string_equal(user, "user-1");
	assert_string_equal(status, "done");
	assert_string_equal(document, "{\"outcome\":\"error\"}");
	/* Done stays done; another user's id is not taken over. */
	assert_int_equal(
		store_job_put(*state, "j1", "user-1", "running", "{}", &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(
		store_job_put(*state, "j1", "user-2", "done", "{}", &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(
		store_job_expire(*state, clock_wall_us() + 1, &count, &e), 0);
	assert_int_equal(count, 2);
	assert_int_equal(
		store_job_get(*state, "j2", user, status, &document, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void
test_running_jobs_never_expire(void **state)
{
	uint64_t count = 7;
	struct err e = ERR_INIT;

	assert_int_equal(
		store_job_put(*state, "j1", "user-1", "running", "{}", &e), 0);
	assert_int_equal(
		store_job_expire(*state, clock_wall_us() + 1, &count, &e), 0);
	assert_int_equal(count, 0);
}

/* ---- counters and settings ------------------------------------------ */

static uint64_t
hit(struct store *s, const char *key, uint32_t window_s, uint32_t *ret_reset_s)
{
	uint64_t count = 0;
	struct err e = ERR_INIT;

	if (store_counter_hit(s, key, window_s, &count, ret_reset_s, &e) < 0)
		fail_msg("%s", e.text);
	return count;
}

static void
test_counter_window(void **state)
{
	uint32_t reset_s = 0;
	struct err e = ERR_INIT;

	assert_int_equal(hit(*state, "a", 1, &reset_s), 1);
	assert_int_equal(reset_s, 1);
	assert_int_equal(hit(*state, "a", 1, &reset_s), 2);
	assert_int_equal(hit(*state, "b", 3600, &reset_s), 1);
	assert_in_range(reset_s, 3599, 3600);
	nap_ms(1010);
	assert_int_equal(hit(*state, "a", 1, &reset_s), 1);
	assert_int_equal(hit(*state, "b", 3600, &reset_s), 2);
	assert_in_range(reset_s, 3597, 3599);
	assert_int_equal(store_counter_clear(*state, "b", &e), 0);
	assert_int_equal(hit(*state, "b", 3600, &reset_s), 1);
}

/* A clock that was a day ahead does not lock anybody out for a day. */
static void
test_counter_survives_clock_jump(void **state)
{
	uint32_t reset_s = 0;

	assert_int_equal(hit(*state, "a", 86400, &reset_s), 1);
	assert_int_equal(hit(*state, "a", 60, &reset_s), 1);
	assert_int_equal(reset_s, 60);
	assert_int_equal(hit(*state, "a", 60, &reset_s), 2);
}

static void *
hit_many(void *arg)
{
	uint32_t reset_s = 0;

	for (int i = 0; i < 200; i++)
		hit(arg, "shared", 3600, &reset_s);
	return NULL;
}

static void
test_counter_loses_no_hit(void **state)
{
	struct store *other = open_store();
	pthread_t threads[4];
	uint32_t reset_s = 0;

	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, hit_many,
			       i < 2 ? *state : other);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(hit(*state, "shared", 3600, &reset_s), 801);
	store_close(other);
}

static void
test_settings(void **state)
{
	owned_mem char *value = NULL, *replaced = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(store_setting_get(*state, "k", &value, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(store_setting_put(*state, "k", "v1", false, &e), 0);
	assert_int_equal(store_setting_put(*state, "k", "v2", false, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(store_setting_get(*state, "k", &value, &e), 0);
	assert_string_equal(value, "v1");
	assert_int_equal(store_setting_put(*state, "k", "v2", true, &e), 0);
	assert_int_equal(store_setting_get(*state, "k", &replaced, &e), 0);
	assert_string_equal(replaced, "v2");
}

/* ---- files ----------------------------------------------------------- */

static void
test_files_are_private(void **state)
{
	static const char *const names[] = {
		"promptcraft.db", "promptcraft.db-wal", "promptcraft.db-shm"};

	create(*state, "w1", 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[128];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
}

static void
test_ping(void **state)
{
	struct err e = ERR_INIT;

	assert_string_equal(store_backend_name(*state), "sqlite");
	assert_int_equal(store_ping(*state, &e), 0);
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

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(test_user_add_and_get),
		WITH_STORE(test_user_name_taken),
		WITH_STORE(test_user_role_out_of_range_is_no_conflict),
		WITH_STORE(test_user_password_bumps_version),
		WITH_STORE(test_user_list_sorted_and_stoppable),
		WITH_STORE(test_workflow_round_trip),
		WITH_STORE(test_workflow_missing),
		WITH_STORE(test_workflow_compare_and_set),
		WITH_STORE(test_workflow_update_race),
		WITH_STORE(test_workflow_list),
		WITH_STORE(test_claim_takes_the_longest_due),
		WITH_STORE(test_next_due_of_an_idle_store),
		WITH_STORE(test_expired_lease_is_fenced_off),
		WITH_STORE(test_renewed_lease_lasts),
		WITH_STORE(test_release_and_reset_void_the_token),
		WITH_STORE(test_claims_of_many_workers),
		WITH_STORE(test_expire_deletes_only_terminal_ones),
		WITH_STORE(test_jobs),
		WITH_STORE(test_running_jobs_never_expire),
		WITH_STORE(test_counter_window),
		WITH_STORE(test_counter_survives_clock_jump),
		WITH_STORE(test_counter_loses_no_hit),
		WITH_STORE(test_settings),
		WITH_STORE(test_files_are_private),
		WITH_STORE(test_ping),
		WITH_STORE(test_written_survives_kill),
		WITH_STORE(test_foreign_file_is_refused),
		WITH_STORE(test_readable_file_is_refused),
		WITH_STORE(test_newer_schema_is_refused),
		WITH_STORE(test_symlink_is_refused),
		WITH_STORE(test_damaged_page_is_told),
		WITH_STORE(test_locked_file_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
