/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store.c - the promises of api/store/store.h, on every back end: users,
 * jobs, counters under threads, settings.
 */
#include "tests/unit/store_fixture.h"

/* ---- users ----------------------------------------------------------- */

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
assert_running(struct store *s, const char *expected)
{
	struct listing running = {.s = s};
	struct err e = ERR_INIT;

	assert_int_equal(store_job_list_running(s, collect_jobs, &running, &e),
			 0);
	assert_string_equal(running.ids, expected);
}

static void
test_jobs(void **state)
{
	owned_mem char *document = NULL;
	char user[40], status[20];
	uint64_t count = 0;
	struct err e = ERR_INIT;

	assert_int_equal(
		store_job_put(*state, "j1", "user-1", "running", "{}", &e), 0);
	nap_ms(1);
	assert_int_equal(
		store_job_put(*state, "j2", "user-1", "running", "{}", &e), 0);
	assert_running(*state, "j1 j2 ");
	assert_running(*state, "");
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

static void
test_ping(void **state)
{
	struct err e = ERR_INIT;

	assert_string_equal(store_backend_name(*state),
			    is_redis ? "redis" : "sqlite");
	assert_string_equal(store_warning(*state), "");
	assert_int_equal(store_ping(*state, &e), 0);
}

/* ---- counters and settings ------------------------------------------- */

static void
test_counter_window(void **state)
{
	uint32_t reset_s = 0;
	struct err e = ERR_INIT;

	/* Long enough to hit twice on a slow machine. */
	assert_int_equal(counter_hit(*state, "a", 5, &reset_s), 1);
	assert_int_equal(reset_s, 5);
	assert_int_equal(counter_hit(*state, "a", 5, &reset_s), 2);
	assert_int_equal(counter_hit(*state, "b", 3600, &reset_s), 1);
	assert_in_range(reset_s, 3599, 3600);
	nap_ms(5010);
	assert_int_equal(counter_hit(*state, "a", 5, &reset_s), 1);
	assert_int_equal(counter_hit(*state, "b", 3600, &reset_s), 2);
	assert_in_range(reset_s, 3580, 3595);
	assert_int_equal(store_counter_clear(*state, "b", &e), 0);
	assert_int_equal(counter_hit(*state, "b", 3600, &reset_s), 1);
}

/* A clock that was a day ahead does not lock anybody out for a day. */
static void
test_counter_survives_clock_jump(void **state)
{
	uint32_t reset_s = 0;

	assert_int_equal(counter_hit(*state, "a", 86400, &reset_s), 1);
	assert_int_equal(counter_hit(*state, "a", 60, &reset_s), 1);
	assert_int_equal(reset_s, 60);
	assert_int_equal(counter_hit(*state, "a", 60, &reset_s), 2);
}

static void *
hit_many(void *arg)
{
	uint32_t reset_s = 0;

	for (int i = 0; i < 200; i++)
		counter_hit(arg, "shared", 3600, &reset_s);
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
	assert_int_equal(counter_hit(*state, "shared", 3600, &reset_s), 801);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_user_add_and_get),
		ON_BOTH(test_user_name_taken),
		ON_BOTH(test_user_role_out_of_range_is_no_conflict),
		ON_BOTH(test_user_password_bumps_version),
		ON_BOTH(test_user_list_sorted_and_stoppable),
		ON_BOTH(test_jobs),
		ON_BOTH(test_running_jobs_never_expire),
		ON_BOTH(test_counter_window),
		ON_BOTH(test_counter_survives_clock_jump),
		ON_BOTH(test_counter_loses_no_hit),
		ON_BOTH(test_settings),
		ON_BOTH(test_ping),
	};

	return cmocka_run_group_tests(tests, NULL, stop_redis);
}
