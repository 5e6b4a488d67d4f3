#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lru_cache.h"

static int number, failed;
static int dropped;
static intptr_t last_dropped;

static void ok(bool is_ok, const char *name)
{
	printf("%sok %d - %s\n", is_ok ? "" : "not ", ++number, name);
	failed += !is_ok;
}

static void on_drop(void *arg, void *value)
{
	(void)arg;
	dropped++;
	last_dropped = (intptr_t)value;
}

static struct lru_cache *make(size_t capacity, uint64_t ttl)
{
	struct lru_options options = {
		.capacity = capacity, .ttl = ttl, .seed = 7, .drop = on_drop};

	dropped = 0;
	return lru_new(&options);
}

static int put(struct lru_cache *c, const char *key, intptr_t value,
	       uint64_t now)
{
	return lru_put(c, key, strlen(key), (void *)value, now);
}

/* 0: not there. */
static intptr_t get(struct lru_cache *c, const char *key, uint64_t now)
{
	void *value = NULL;

	return lru_get(c, key, strlen(key), now, &value) ? (intptr_t)value : 0;
}

static void test_order(void)
{
	struct lru_cache *c = make(3, 0);

	put(c, "a", 1, 0);
	put(c, "b", 2, 0);
	put(c, "c", 3, 0);
	ok(get(c, "a", 0) == 1 && get(c, "z", 0) == 0, "get and put");
	put(c, "d", 4, 0);
	ok(get(c, "b", 0) == 0 && last_dropped == 2,
	   "the one used longest ago goes");
	ok(get(c, "a", 0) == 1 && get(c, "c", 0) == 3 && get(c, "d", 0) == 4,
	   "the others stay");
	put(c, "a", 9, 0);
	ok(get(c, "a", 0) == 9 && last_dropped == 1, "a value is replaced");
	put(c, "e", 5, 0);
	ok(get(c, "c", 0) == 0 && get(c, "a", 0) == 9, "putting is using");
	ok(lru_size(c) == 3, "size");
	lru_free(c);
	ok(dropped == 6, "each value is dropped once");
}

static void test_time(void)
{
	struct lru_cache *c = make(3, 10);

	put(c, "a", 1, 100);
	ok(get(c, "a", 109) == 1, "before its end");
	ok(get(c, "a", 110) == 0 && lru_size(c) == 0, "at its end");
	put(c, "a", 1, 100);
	put(c, "b", 2, 105);
	ok(get(c, "a", 108) == 1 && get(c, "a", 112) == 0,
	   "using does not prolong");
	put(c, "b", 2, 112);
	ok(get(c, "b", 121) == 2, "putting does");
	put(c, "x", 3, 130);
	put(c, "y", 4, 130);
	put(c, "z", 5, 130);
	ok(lru_statistics(c).evictions == 0 && get(c, "x", 130) == 3,
	   "the dead make room first");
	ok(lru_purge(c, 200) == 3 && lru_size(c) == 0, "purge");
	put(c, "end", 1, UINT64_MAX - 5);
	ok(get(c, "end", UINT64_MAX - 1) == 1, "the clock does not overflow");
	lru_free(c);
}

static void test_keys(void)
{
	struct lru_cache *c = make(10, 0);
	void *value = NULL;

	lru_put(c, "a\0b", 3, (void *)1, 0);
	lru_put(c, "a\0c", 3, (void *)2, 0);
	lru_put(c, "", 0, (void *)3, 0);
	lru_put(c, "a", 1, (void *)4, 0);
	ok(lru_get(c, "a\0b", 3, 0, &value) && value == (void *)1,
	   "keys are bytes");
	ok(lru_get(c, NULL, 0, 0, &value) && value == (void *)3, "empty key");
	ok(get(c, "a", 0) == 4, "a prefix is another key");
	ok(lru_remove(c, "a", 1) && !lru_remove(c, "a", 1) &&
		   get(c, "a", 0) == 0,
	   "remove");
	lru_free(c);
}

static void test_statistics(void)
{
	struct lru_cache *c = make(1, 10);
	struct lru_statistics s;

	put(c, "a", 1, 0);
	get(c, "a", 0);
	get(c, "b", 0);
	put(c, "b", 1, 0);
	get(c, "b", 10);
	s = lru_statistics(c);
	ok(s.hits == 1 && s.misses == 2 && s.evictions == 1 &&
		   s.expirations == 1,
	   "statistics");
	lru_free(c);
}

/* The same with an array in the order of use. */
static void test_model(void)
{
	enum { CAPACITY = 16, KEYS = 50, ROUNDS = 20000 };
	struct lru_cache *c = make(CAPACITY, 0);
	int model[CAPACITY], len = 0;
	unsigned state = 1;
	bool same = true;

	for (int round = 0; round < ROUNDS && same; round++) {
		char key[16];
		int k, at = 0;
		bool is_put;

		state = state * 1103515245u + 12345u;
		k = (int)(state >> 16) % KEYS;
		is_put = (state >> 8) % 3 == 0;
		snprintf(key, sizeof(key), "key %d", k);
		while (at < len && model[at] != k)
			at++;
		same = is_put ? put(c, key, k + 1, 0) == 0
			      : (get(c, key, 0) == (at < len ? k + 1 : 0));
		if (at == len && !is_put)
			continue;
		if (at == len && len < CAPACITY)
			len++;
		else if (at == len)
			at = len - 1;
		memmove(model + 1, model, (size_t)at * sizeof(model[0]));
		model[0] = k;
		same = same && lru_size(c) == (size_t)len;
	}
	ok(same, "as a plain model");
	lru_free(c);
}

static void test_many(void)
{
	struct lru_cache *c = make(50000, 0);
	bool all = true;
	char key[32];

	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		all = all && put(c, key, i + 1, 0) == 0;
	}
	for (int i = 50000; i < 100000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		all = all && get(c, key, 0) == i + 1;
	}
	ok(all && lru_size(c) == 50000 && dropped == 50000, "many");
	lru_free(c);
}

int main(void)
{
	struct lru_options none = {.capacity = 0}, huge = {.capacity = SIZE_MAX};

	printf("1..22\n");
	ok(lru_new(&none) == NULL && lru_new(&huge) == NULL, "no such capacity");
	lru_free(NULL);
	test_order();
	test_time();
	test_keys();
	test_statistics();
	test_model();
	test_many();
	return failed != 0;
}
