/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_redis_loss.c - with Redis nothing is done twice or lost when
 * replies are lost, the server is killed or hangs.
 */
#include "tests/unit/redis_proxy.h"
#include "tests/unit/store_fixture.h"

static char answer[8192];

#define ask(...) redis_server_ask(&redis, answer, sizeof(answer), __VA_ARGS__)

/* ---- lost replies ---------------------------------------------------- */

static struct redis_proxy proxy;
static struct store *direct; /* past the proxy */

static int
setup_proxy(void **state)
{
	struct store_redis_options options;
	struct err e = ERR_INIT;

	(void)setup_redis(state);
	direct = *state;
	assert_true(redis_proxy_start(&proxy, redis.dir, redis.socket));
	options = options_of(&redis);
	str_copy(options.host, sizeof(options.host), proxy.socket);
	if (store_open_redis(&options, (struct store **)state, &e) < 0)
		fail_msg("%s", e.text);
	return 0;
}

static int
teardown_proxy(void **state)
{
	store_close(*state);
	redis_proxy_stop(&proxy);
	store_close(direct);
	return 0;
}

static void
lose_next_reply(void (*meanwhile)(void *arg))
{
	proxy.meanwhile = meanwhile;
	atomic_store(&proxy.taken, 0);
	atomic_store(&proxy.is_armed, true);
}

static void
assert_lost(void)
{
	assert_int_equal(atomic_load(&proxy.taken), 1);
	assert_false(atomic_load(&proxy.is_armed));
}

/* Two others change it before the writer asks again. */
static void
change_twice(void *arg)
{
	struct store_workflow_meta meta;
	struct err e = ERR_INIT;

	(void)arg;
	for (int i = 0; i < 2; i++) {
		owned_mem char *document = NULL;

		if (store_workflow_get(direct, "w1", &meta, &document, &e) <
			    0 ||
		    store_workflow_update(direct, &meta, "s",
					  i == 0 ? "{\"n\":2}" : "{\"n\":3}",
					  NULL, 0, 0, &e) < 0)
			abort();
	}
}

static void
test_lost_reply_of_an_update(void **state)
{
	struct store_workflow_meta meta = make_meta("w1", 0);
	struct store_outgoing out = {
		.delivery = {.delivery_id = "d1", .status = "pending"},
		.document = (char[]){"{}"},
	};
	struct err e = ERR_INIT;

	create(*state, "w1", 0);
	meta.version = 1;
	lose_next_reply(change_twice);
	assert_int_equal(store_workflow_update(*state, &meta, "s", "{\"n\":1}",
					       &out, 1, 0, &e),
			 0);
	assert_lost();
	assert_int_equal(meta.version, 2);
	/* Not written over what came after it. */
	ask("GET workflow:w1");
	assert_string_equal(answer, "{\"n\":3}");
	ask("HGET promptcraft:workflow:w1 version");
	assert_string_equal(answer, "4");
	ask("ZCARD promptcraft:deliveries");
	assert_string_equal(answer, "1");
	/* A real conflict is still one. */
	assert_int_equal(
		store_workflow_update(*state, &meta, "s", "{}", NULL, 0, 0, &e),
		-1);
	assert_int_equal(e.kind, ERR_CONFLICT);
}

static void
test_lost_replies_of_creations(void **state)
{
	struct store_workflow_meta meta = make_meta("w1", 0);
	struct store_user user = {.user_id = "u1",
				  .username = "ada",
				  .password_hash = "$",
				  .role = USER_ROLE_USER};
	char fingerprint[65];
	char *kept = NULL;
	bool is_new = false;
	struct err e = ERR_INIT;

	lose_next_reply(NULL);
	assert_int_equal(store_workflow_create(*state, &meta, "s", "{}", &e),
			 0);
	assert_lost();
	assert_int_equal(store_workflow_create(*state, &meta, "s", "{}", &e),
			 -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	lose_next_reply(NULL);
	assert_int_equal(store_user_add(*state, &user, &e), 0);
	assert_lost();
	assert_int_equal(store_user_add(*state, &user, &e), -1);
	lose_next_reply(NULL);
	assert_int_equal(store_setting_put(*state, "k", "v", false, &e), 0);
	assert_lost();
	assert_int_equal(store_setting_put(*state, "k", "v", false, &e), -1);
	lose_next_reply(NULL);
	assert_int_equal(store_idempotency_claim(*state, "u1", "k", "f",
						 4000000000000000u, &is_new,
						 fingerprint, &kept, &e),
			 0);
	assert_lost();
	assert_true(is_new);
}

static void
test_lost_replies_of_leases(void **state)
{
	struct store_delivery d;
	owned_mem char *document = NULL;
	uint64_t token = 0;
	char id[40] = "";
	struct err e = ERR_INIT;

	create(*state, "w1", 1);
	create(*state, "w2", 2);
	lose_next_reply(NULL);
	assert_int_equal(
		store_workflow_claim(*state, "x", 60000, id, &token, &e), 0);
	assert_lost();
	assert_string_equal(id, "w1");
	/* The other one is still free, and only one number was given out. */
	ask("GET promptcraft:lease");
	assert_int_equal(atoi(answer), token);
	ask("HGET promptcraft:workflow:w2 token");
	assert_string_equal(answer, "0");
	lose_next_reply(NULL);
	assert_int_equal(
		store_workflow_lease_renew(*state, "w1", token, 60000, &e), 0);
	assert_lost();
	lose_next_reply(NULL);
	assert_int_equal(store_workflow_lease_release(*state, "w1", token, &e),
			 0);
	assert_lost();
	assert_int_equal(store_workflow_lease_release(*state, "w1", token, &e),
			 -1);
	{
		struct store_outgoing out = {
			.delivery = {.delivery_id = "d1",
				     .status = "pending",
				     .due_us = 1},
			.document = (char[]){"{}"},
		};

		assert_int_equal(store_delivery_put(*state, &out, &e), 0);
	}
	lose_next_reply(NULL);
	assert_int_equal(
		store_delivery_claim(*state, 60000, &d, &document, &token, &e),
		0);
	assert_lost();
	str_copy(d.status, sizeof(d.status), "delivered");
	lose_next_reply(NULL);
	assert_int_equal(store_delivery_update(*state, &d, NULL, token, &e), 0);
	assert_lost();
	assert_int_equal(store_delivery_update(*state, &d, NULL, token, &e),
			 -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
}

static void
test_lost_replies_of_money(void **state)
{
	const struct store_spend spend = {.spend_id = "s1",
					  .workflow_id = "w1",
					  .user_id = "u1",
					  .date = "2026-01-01",
					  .micros = 60};
	struct store_spend_totals totals;
	struct err e = ERR_INIT;

	lose_next_reply(NULL);
	assert_int_equal(
		store_spend_reserve(*state, &spend, 100, 100, &totals, &e), 0);
	assert_lost();
	assert_int_equal(totals.day_micros, 60);
	lose_next_reply(NULL);
	assert_int_equal(store_spend_settle(*state, "s1", 7, &totals, &e), 0);
	assert_lost();
	assert_int_equal(totals.day_micros, 7);
}

/* Not known whether it counted: it is not counted again, and that is told. */
static void
test_lost_reply_of_a_count(void **state)
{
	uint64_t count = 0;
	uint32_t reset_s = 0;
	struct err e = ERR_INIT;

	lose_next_reply(NULL);
	assert_int_equal(
		store_counter_hit(*state, "k", 60, &count, &reset_s, &e), -1);
	assert_lost();
	assert_int_equal(e.kind, ERR_UNAVAILABLE);
	assert_int_equal(
		store_counter_hit(*state, "k", 60, &count, &reset_s, &e), 0);
	assert_int_equal(count, 2);
}

/* ---- absence --------------------------------------------------------- */

static void
restart(void)
{
	redis_server_kill(&redis);
	if (!redis_server_start(&redis))
		fail_msg("redis-server does not start again: see %s",
			 redis.dir);
}

/* A connection that the server closed while it was idle costs nothing. */
static void
test_restart_between_calls(void **state)
{
	uint64_t count = 0;
	uint32_t reset_s = 0;
	struct err e = ERR_INIT;

	create(*state, "w1", 0);
	for (unsigned i = 1; i <= 3; i++) {
		restart();
		assert_int_equal(store_counter_hit(*state, "k", 3600, &count,
						   &reset_s, &e),
				 0);
		assert_int_equal(count, i);
	}
	ask("EXISTS workflow:w1");
	assert_string_equal(answer, "1");
}

/* Many hits are not each written down; few are forgiven by a crash. */
static void
test_counts_over_a_restart(void **state)
{
	uint64_t count = 0;
	uint32_t reset_s = 0;
	struct err e = ERR_INIT;

	for (unsigned i = 1; i <= 45; i++) {
		assert_int_equal(store_counter_hit(*state, "k", 3600, &count,
						   &reset_s, &e),
				 0);
		assert_int_equal(count, i);
	}
	restart();
	assert_int_equal(
		store_counter_hit(*state, "k", 3600, &count, &reset_s, &e), 0);
	assert_in_range(count, 46 - 15, 46);
	/* And the window is still the same. */
	assert_in_range(reset_s, 3000, 3600);
}

struct writer {
	struct store *s;
	unsigned won, unknown;
	bool has_failed;
};

static atomic_bool is_over;

static void *
write_on(void *arg)
{
	struct writer *w = arg;

	while (!atomic_load(&is_over) && !w->has_failed) {
		struct store_workflow_meta meta;
		owned_mem char *document = NULL;
		char next[32];
		struct err e = ERR_INIT;

		if (store_workflow_get(w->s, "w1", &meta, &document, &e) < 0) {
			w->has_failed = e.kind != ERR_UNAVAILABLE;
			continue;
		}
		snprintf(next, sizeof(next), "{\"n\":%ld}",
			 strtol(document + 5, NULL, 10) + 1);
		if (store_workflow_update(w->s, &meta, "{}", next, NULL, 0, 0,
					  &e) == 0)
			w->won++;
		else if (e.kind == ERR_UNAVAILABLE)
			w->unknown++;
		else if (e.kind != ERR_CONFLICT)
			w->has_failed = true;
	}
	return NULL;
}

/* What was said to be written is there, once, however often it is killed. */
static void
test_kills_while_writing(void **state)
{
	struct writer writers[3] = {{.s = *state}, {.s = *state}, {.s = NULL}};
	pthread_t threads[3];
	unsigned won = 0, unknown = 0;
	long n;

	writers[2].s = open_store();
	create(*state, "w1", 0);
	atomic_store(&is_over, false);
	for (size_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, write_on, &writers[i]);
	for (int i = 0; i < 5; i++) {
		nap_ms(150);
		restart();
	}
	/* Until there was enough, however slow the machine is. */
	for (int i = 0; i < 600; i++) {
		nap_ms(50);
		ask("GET workflow:w1");
		if (strtol(answer + 5, NULL, 10) > 100)
			break;
	}
	atomic_store(&is_over, true);
	for (size_t i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		assert_false(writers[i].has_failed);
		won += writers[i].won;
		unknown += writers[i].unknown;
	}
	store_close(writers[2].s);
	ask("GET workflow:w1");
	n = strtol(answer + 5, NULL, 10);
	print_message("5 kills: %u written, %u unknown, %ld there\n", won,
		      unknown, n);
	assert_true(won > 20);
	assert_true(n >= (long)won && n <= (long)(won + unknown));
}

/*
 * Gone for long: an error in time, soon without waiting, and then it is over.
 */
static void
test_absence(void **state)
{
	struct store_workflow_meta meta;
	char *document = NULL;
	uint64_t begin_ms, first_ms, second_ms = UINT64_MAX;
	struct err e = ERR_INIT;

	create(*state, "w1", 0);
	redis_server_kill(&redis);
	begin_ms = clock_mono_ms();
	assert_int_equal(store_workflow_get(*state, "w1", &meta, &document, &e),
			 -1);
	assert_int_equal(e.kind, ERR_UNAVAILABLE);
	first_ms = clock_mono_ms() - begin_ms;
	/* The quickest: each that waits, waits for all of its patience. */
	for (int i = 0; i < 4; i++) {
		uint64_t took_ms = clock_mono_ms();

		assert_int_equal(
			store_workflow_get(*state, "w1", &meta, &document, &e),
			-1);
		assert_int_equal(e.kind, ERR_UNAVAILABLE);
		assert_non_null(strstr(e.text, redis.socket));
		took_ms = clock_mono_ms() - took_ms;
		second_ms = took_ms < second_ms ? took_ms : second_ms;
	}
	print_message("gone: first call %llu ms, second %llu ms\n",
		      (unsigned long long)first_ms,
		      (unsigned long long)second_ms);
	assert_in_range(first_ms, 2000, 15000);
	assert_true(second_ms < 1000);
	assert_true(redis_server_start(&redis));
	begin_ms = clock_mono_ms();
	while (store_workflow_get(*state, "w1", &meta, &document, &e) < 0) {
		assert_int_equal(e.kind, ERR_UNAVAILABLE);
		assert_true(clock_mono_ms() - begin_ms < 20000);
		nap_ms(10);
	}
	free(document);
}

/* It takes connections and says nothing. */
static void
test_hang(void **state)
{
	uint64_t begin_ms = clock_mono_ms(), first_ms;
	uint64_t second_ms = UINT64_MAX;
	struct err e = ERR_INIT;

	assert_int_equal(kill(redis.pid, SIGSTOP), 0);
	assert_int_equal(store_ping(*state, &e), -1);
	first_ms = clock_mono_ms() - begin_ms;
	assert_int_equal(e.kind, ERR_UNAVAILABLE);
	for (int i = 0; i < 3; i++) {
		uint64_t took_ms = clock_mono_ms();

		assert_int_equal(store_ping(*state, &e), -1);
		took_ms = clock_mono_ms() - took_ms;
		second_ms = took_ms < second_ms ? took_ms : second_ms;
	}
	assert_int_equal(kill(redis.pid, SIGCONT), 0);
	print_message("hanging: first call %llu ms, second %llu ms\n",
		      (unsigned long long)first_ms,
		      (unsigned long long)second_ms);
	assert_true(first_ms < 20000);
	assert_true(second_ms < 4500);
	begin_ms = clock_mono_ms();
	while (store_ping(*state, &e) < 0) {
		assert_int_equal(e.kind, ERR_UNAVAILABLE);
		assert_true(clock_mono_ms() - begin_ms < 20000);
		nap_ms(10);
	}
}

#define BY_PROXY(test)                                                         \
	cmocka_unit_test_setup_teardown(test, setup_proxy, teardown_proxy)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BY_PROXY(test_lost_reply_of_an_update),
		BY_PROXY(test_lost_replies_of_creations),
		BY_PROXY(test_lost_replies_of_leases),
		BY_PROXY(test_lost_replies_of_money),
		BY_PROXY(test_lost_reply_of_a_count),
		ON_REDIS(test_restart_between_calls),
		ON_REDIS(test_counts_over_a_restart),
		ON_REDIS(test_kills_while_writing),
		ON_REDIS(test_absence),
		ON_REDIS(test_hang),
	};

	return cmocka_run_group_tests(tests, NULL, stop_redis);
}
