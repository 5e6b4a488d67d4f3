/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.c - a queue of waiting items and the threads that take from it.
 *
 * Responsible for a flood of slow requests being refused at the door rather
 * than piling up, and for whoever floods holding up nobody else for longer than
 * one item takes.
 */
#include "api/http/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/str.h"

struct entry {
	void *item;
	uint64_t round; /* the lowest is next */
	char owner[POOL_OWNER_SIZE];
};

struct worker {
	struct pool *pool;
	pthread_t thread;
	struct entry entry; /* item NULL: it waits for one */
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t has_items;
	void (*run)(void *item);
	struct entry *queue; /* the oldest first */
	unsigned queue_max, queue_len;
	uint64_t round; /* of the last one taken */
	unsigned workers_len, started;
	bool is_stopping;
	char name[16];
	struct worker workers[];
};

static bool
is_of(const struct entry *entry, const char *owner)
{
	return entry->item != NULL && strcmp(entry->owner, owner) == 0;
}

static unsigned
waiting_of(const struct pool *pool, const char *owner)
{
	unsigned count = 0;

	for (unsigned i = 0; i < pool->queue_len; i++)
		count += is_of(&pool->queue[i], owner);
	return count;
}

/*
 * The start tag of start-time fair queueing (Goyal, Vin, Cheng 1996), each item
 * counting one: who has none here is due in this round, each further one of the
 * same owner a round later.
 */
static uint64_t
round_for(const struct pool *pool, const char *owner)
{
	uint64_t round = pool->round;

	for (unsigned i = 0; i < pool->workers_len; i++)
		if (is_of(&pool->workers[i].entry, owner) &&
		    pool->workers[i].entry.round >= round)
			round = pool->workers[i].entry.round + 1;
	for (unsigned i = 0; i < pool->queue_len; i++)
		if (is_of(&pool->queue[i], owner) &&
		    pool->queue[i].round >= round)
			round = pool->queue[i].round + 1;
	return round;
}

/* The oldest of the lowest round. */
static unsigned
choose(const struct pool *pool)
{
	unsigned best = 0;

	for (unsigned i = 1; i < pool->queue_len; i++)
		if (pool->queue[i].round < pool->queue[best].round)
			best = i;
	return best;
}

/* False when the pool stops and nothing is left. */
static bool
take_entry(struct pool *pool, struct worker *worker)
{
	unsigned i;

	pthread_mutex_lock(&pool->lock);
	worker->entry.item = NULL;
	while (pool->queue_len == 0 && !pool->is_stopping)
		pthread_cond_wait(&pool->has_items, &pool->lock);
	if (pool->queue_len > 0) {
		i = choose(pool);
		worker->entry = pool->queue[i];
		pool->round = worker->entry.round;
		pool->queue_len--;
		memmove(pool->queue + i, pool->queue + i + 1,
			(pool->queue_len - i) * sizeof(pool->queue[0]));
	}
	pthread_mutex_unlock(&pool->lock);
	return worker->entry.item != NULL;
}

static void *
thread_main(void *arg)
{
	struct worker *worker = arg;

	/* Naming another thread would need /proc. */
	(void)pthread_setname_np(pthread_self(), worker->pool->name);
	while (take_entry(worker->pool, worker))
		worker->pool->run(worker->entry.item);
	return NULL;
}

static int
start_threads(struct pool *pool, const char *name, unsigned threads,
	      struct err *e)
{
	for (unsigned i = 0; i < threads; i++) {
		struct worker *worker = &pool->workers[i];
		int rc;

		worker->pool = pool;
		rc = pthread_create(&worker->thread, NULL, thread_main, worker);
		if (rc != 0)
			return err_set(e, ERR_IO, rc, "start thread %s", name);
		pool->started++;
	}
	return 0;
}

int
pool_start(const char *name, unsigned threads, unsigned queue_max,
	   void (*run)(void *item), struct pool **ret, struct err *e)
{
	struct pool *pool =
		calloc(1, sizeof(*pool) + threads * sizeof(pool->workers[0]));

	if (pool == NULL)
		return err_sys(e, "start %s threads", name);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->has_items, NULL);
	(void)str_copy(pool->name, sizeof(pool->name), name);
	pool->run = run;
	pool->workers_len = threads;
	pool->queue_max = queue_max;
	pool->queue = calloc(queue_max, sizeof(*pool->queue));
	if (pool->queue == NULL) {
		err_sys(e, "start %s threads", name);
		pool_free(pool);
		return -1;
	}
	if (start_threads(pool, name, threads, e) < 0) {
		pool_free(pool);
		return -1;
	}
	*ret = pool;
	return 0;
}

int
pool_submit(struct pool *pool, const char *owner, void *item)
{
	unsigned share = pool->queue_max - pool->queue_max / 4;
	int rc = -1;

	assert(item != NULL);
	pthread_mutex_lock(&pool->lock);
	if (!pool->is_stopping && pool->queue_len < pool->queue_max &&
	    waiting_of(pool, owner) < share) {
		struct entry *entry = &pool->queue[pool->queue_len];

		entry->round = round_for(pool, owner);
		entry->item = item;
		(void)str_copy(entry->owner, sizeof(entry->owner), owner);
		pool->queue_len++;
		rc = 0;
		pthread_cond_signal(&pool->has_items);
	}
	pthread_mutex_unlock(&pool->lock);
	return rc;
}

void
pool_finish(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->is_stopping = true;
	pthread_cond_broadcast(&pool->has_items);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->started; i++)
		pthread_join(pool->workers[i].thread, NULL);
	pool->started = 0;
}

void
pool_free(struct pool *pool)
{
	if (pool == NULL)
		return;
	pool_finish(pool);
	pthread_cond_destroy(&pool->has_items);
	pthread_mutex_destroy(&pool->lock);
	free(pool->queue);
	free(pool);
}
