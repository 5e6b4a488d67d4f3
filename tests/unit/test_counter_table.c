/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_counter_table.c - counters in a mapped file: windows, processes that
 * are killed while they count, a table that is full, a file that is not ours.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/store/counter_table.h"

static char path[64];

static struct counter_window
window_at(uint64_t now_us)
{
	return (struct counter_window){.now_us = now_us,
				       .length_us = 1000,
				       .end_max_us = now_us + 2000};
}

static struct counter_table *
open_table(void)
{
	struct counter_table *table = NULL;
	struct err e;

	if (counter_table_open(path, &table, &e) < 0)
		fail_msg("%s", e.text);
	return table;
}

/* The count; 0: not counted. */
static uint64_t
hit(struct counter_table *table, const char *key, uint64_t now_us, bool may_add)
{
	struct counter_window window = window_at(now_us);
	uint64_t count = 0, end_us = 0;
	struct err e;
	int rc = counter_table_hit(table, key, &window, may_add, &count,
				   &end_us, &e);

	assert_true(rc >= 0);
	if (rc == 1)
		assert_in_range(end_us, now_us + 1, now_us + 2000);
	return rc == 1 ? count : 0;
}

static int
setup(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/pc-test-counters-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int
teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void
test_windows(void **state)
{
	struct counter_table *table = open_table();
	struct err e;

	(void)state;
	assert_int_equal(hit(table, "a", 10000, false), 0);
	assert_int_equal(hit(table, "a", 10000, true), 1);
	assert_int_equal(hit(table, "a", 10999, false), 2);
	assert_int_equal(hit(table, "b", 10999, true), 1);
	/* Its window is over. */
	assert_int_equal(hit(table, "a", 11000, false), 0);
	assert_int_equal(hit(table, "a", 11000, true), 1);
	/* The clock was far ahead when it was made. */
	assert_int_equal(hit(table, "a", 5000, false), 0);
	assert_int_equal(hit(table, "a", 5000, true), 1);
	assert_int_equal(counter_table_clear(table, "a", &e), 0);
	assert_int_equal(hit(table, "a", 5000, false), 0);
	counter_table_close(table);
}

static void
test_survives_the_process(void **state)
{
	struct counter_table *table;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		table = open_table();
		for (int i = 0; i < 100; i++)
			hit(table, "k", 10000, true);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	table = open_table();
	assert_int_equal(hit(table, "k", 10001, false), 101);
	counter_table_close(table);
}

/* Killed at any moment they leave no lock behind and lose no hit but one. */
static void
test_killed_while_counting(void **state)
{
	struct counter_table *table;
	uint64_t before = 0;

	(void)state;
	for (int round = 0; round < 20; round++) {
		int fds[2];
		char byte;
		pid_t child;

		assert_int_equal(pipe(fds), 0);
		child = fork();
		if (child == 0) {
			table = open_table();
			for (;;)
				if (hit(table, "k", 10000, true) > before + 50)
					(void)!write(fds[1], "x", 1);
		}
		assert_int_equal(read(fds[0], &byte, 1), 1);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		close(fds[0]);
		close(fds[1]);
		table = open_table();
		assert_true(hit(table, "k", 10001, false) > before + 50);
		before = hit(table, "k", 10001, false);
		counter_table_close(table);
	}
}

static void *
hit_many(void *arg)
{
	for (int i = 0; i < 5000; i++)
		hit(arg, "shared", 10000, true);
	return NULL;
}

static void
test_threads_and_handles(void **state)
{
	struct counter_table *one = open_table(), *two = open_table();
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, hit_many, i < 2 ? one : two);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(hit(one, "shared", 10000, false), 20001);
	counter_table_close(one);
	counter_table_close(two);
}

/*
 * Who has a place keeps it; who finds none is told; windows that end make room.
 */
static void
test_full(void **state)
{
	struct counter_table *table = open_table();
	unsigned refused = 0;
	char key[32];

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		snprintf(key, sizeof(key), "key-%u", i);
		refused += hit(table, key, 10000, true) == 0;
	}
	assert_int_equal(refused, 200000 - 16384);
	assert_int_equal(hit(table, "key-0", 10500, true), 2);
	assert_int_equal(hit(table, key, 10500, true), 0);
	assert_int_equal(hit(table, key, 11500, true), 1);
	counter_table_close(table);
}

/* Made as long as it is to be, and no more. */
static void
test_killed_while_it_was_made(void **state)
{
	struct counter_table *table = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(truncate(path, 4096 + 2048 * 8 * 32), 0);
	if (counter_table_open(path, &table, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(hit(table, "k", 1000, true), 1);
	counter_table_close(table);
	assert_int_equal(counter_table_open(path, &table, &e), 0);
	assert_int_equal(hit(table, "k", 1000, true), 2);
	counter_table_close(table);
}

static void
test_other_files(void **state)
{
	static const char text[] = "something else";
	struct counter_table *table = NULL;
	struct err e = ERR_INIT;
	int fd = open(path, O_RDWR);

	(void)state;
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	assert_int_equal(counter_table_open(path, &table, &e), -1);
	assert_non_null(strstr(e.text, "not ours"));
	/* The right size is not enough. */
	assert_int_equal(ftruncate(fd, 4096 + 2048 * 8 * 32), 0);
	assert_int_equal(counter_table_open(path, &table, &e), -1);
	assert_non_null(strstr(e.text, "not ours"));
	close(fd);
}

int
main(void)
{
#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_FILE(test_windows),
		WITH_FILE(test_survives_the_process),
		WITH_FILE(test_killed_while_counting),
		WITH_FILE(test_threads_and_handles),
		WITH_FILE(test_full),
		WITH_FILE(test_killed_while_it_was_made),
		WITH_FILE(test_other_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
