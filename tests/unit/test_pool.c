/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pool.c - whose request runs next, and how many of one may wait.
 *
 * Items run until the test lets one go, so the order is the pool's alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>
#include <string.h>

#include "api/http/pool.h"
#include "supervisor/base/str.h"

static sem_t began, may_end;
static char order[64]; /* a letter for each that began */

static void
run_letter(void *item)
{
	const char *letter = item;
	size_t len = strlen(order);

	order[len] = *letter;
	sem_post(&began);
	sem_wait(&may_end);
}

static struct pool *
pool_of(unsigned threads, unsigned queue_max)
{
	struct pool *pool = NULL;
	struct err e = ERR_INIT;

	memset(order, 0, sizeof(order));
	assert_int_equal(sem_init(&began, 0, 0), 0);
	assert_int_equal(sem_init(&may_end, 0, 0), 0);
	assert_int_equal(
		pool_start("test", threads, queue_max, run_letter, &pool, &e),
		0);
	return pool;
}

static int
submit(struct pool *pool, char *letter)
{
	char owner[2] = {*letter, '\0'};

	return pool_submit(pool, owner, letter);
}

/* As many run, and begin one after the other; then those that wait. */
static void
play(struct pool *pool, size_t running, size_t all)
{
	for (size_t i = running; i < all; i++) {
		sem_post(&may_end);
		sem_wait(&began);
	}
	for (size_t i = 0; i < running; i++)
		sem_post(&may_end);
	pool_free(pool);
}

static void
test_a_flood_waits_for_others(void **state)
{
	static char a[] = "a", b[] = "b", c[] = "c";
	char *const waiting[] = {a, a, a, b, b, c};
	struct pool *pool = pool_of(2, 16);

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(submit(pool, a), 0);
		sem_wait(&began);
	}
	for (size_t i = 0; i < ARRAY_LEN(waiting); i++)
		assert_int_equal(submit(pool, waiting[i]), 0);
	play(pool, 2, 2 + ARRAY_LEN(waiting));
	/* Both run a; one ends: b has none.  Whichever ends next, c has none.
	 */
	assert_memory_equal(order, "aabc", 4);
	assert_int_equal(strlen(order), 8);
}

static void
test_one_thread_takes_turns(void **state)
{
	static char a[] = "a", b[] = "b";
	struct pool *pool = pool_of(1, 16);

	(void)state;
	assert_int_equal(submit(pool, a), 0);
	sem_wait(&began);
	for (int i = 0; i < 3; i++)
		assert_int_equal(submit(pool, a), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(submit(pool, b), 0);
	play(pool, 1, 7);
	assert_string_equal(order, "abababa");
}

/* Who was served long ago owes nothing, and is owed nothing. */
static void
test_rounds_do_not_pile_up(void **state)
{
	static char a[] = "a", b[] = "b";
	struct pool *pool = pool_of(1, 16);

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(submit(pool, a), 0);
		sem_wait(&began);
		sem_post(&may_end);
	}
	assert_int_equal(submit(pool, a), 0);
	sem_wait(&began);
	for (int i = 0; i < 3; i++)
		assert_int_equal(submit(pool, b), 0);
	assert_int_equal(submit(pool, a), 0);
	play(pool, 1, 5);
	assert_string_equal(order, "aaaaaabbab");
}

static void
test_one_owner_is_served_in_order(void **state)
{
	static char letters[] = "abcdef";
	struct pool *pool = pool_of(1, 8);

	(void)state;
	for (size_t i = 0; i < strlen(letters); i++) {
		assert_int_equal(pool_submit(pool, "me", &letters[i]), 0);
		if (i == 0)
			sem_wait(&began);
	}
	play(pool, 1, strlen(letters));
	assert_string_equal(order, letters);
}

static void
test_nobody_fills_the_queue_alone(void **state)
{
	static char a[] = "a", b[] = "b";
	struct pool *pool = pool_of(1, 8);

	(void)state;
	assert_int_equal(submit(pool, a), 0);
	sem_wait(&began);
	for (int i = 0; i < 6; i++)
		assert_int_equal(submit(pool, a), 0);
	assert_int_equal(submit(pool, a), -1);
	assert_int_equal(submit(pool, b), 0);
	assert_int_equal(submit(pool, b), 0);
	assert_int_equal(submit(pool, b), -1);
	play(pool, 1, 9);
	assert_int_equal(strlen(order), 9);
}

static void
test_one_that_stops_takes_none(void **state)
{
	static char a[] = "a";
	struct pool *pool = pool_of(1, 8);

	(void)state;
	pool_finish(pool);
	assert_int_equal(submit(pool, a), -1);
	pool_free(pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_flood_waits_for_others),
		cmocka_unit_test(test_one_thread_takes_turns),
		cmocka_unit_test(test_rounds_do_not_pile_up),
		cmocka_unit_test(test_one_owner_is_served_in_order),
		cmocka_unit_test(test_nobody_fills_the_queue_alone),
		cmocka_unit_test(test_one_that_stops_takes_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
