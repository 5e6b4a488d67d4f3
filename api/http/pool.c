/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.c - a ring of waiting items and the threads that take from it.
 *
 * Responsible for a flood of slow requests being refused at the door rather
 * than piling up.
 */
#include "api/http/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "supervisor/base/str.h"

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t has_items;
	void (*run)(void *item);
	void **ring;
	unsigned ring_size, first, count;
	unsigned threads_count;
	bool is_stopping;
	char name[16];
	pthread_t threads[];
};

/* NULL when the pool stops and nothing is left. */
static void *
take_item(struct pool *pool)
{
	void *item = NULL;

	pthread_mutex_lock(&pool->lock);
	while (pool->count == 0 && !pool->is_stopping)
		pthread_cond_wait(&pool->has_items, &pool->lock);
	if (pool->count > 0) {
		item = pool->ring[pool->first];
		pool->first = (pool->first + 1) % pool->ring_size;
		pool->count--;
	}
	pthread_mutex_unlock(&pool->lock);
	return item;
}

static void *
thread_main(void *arg)
{
	struct pool *pool = arg;
	void *item;

	/* Naming another thread would need /proc. */
	(void)pthread_setname_np(pthread_self(), pool->name);
	while ((item = take_item(pool)) != NULL)
		pool->run(item);
	return NULL;
}

static int
start_threads(struct pool *pool, const char *name, unsigned threads,
	      struct err *e)
{
	for (unsigned i = 0; i < threads; i++) {
		int rc = pthread_create(&pool->threads[i], NULL, thread_main,
					pool);

		if (rc != 0)
			return err_set(e, ERR_IO, rc, "start thread %s", name);
		pool->threads_count++;
	}
	return 0;
}

int
pool_start(const char *name, unsigned threads, unsigned queue_max,
	   void (*run)(void *item), struct pool **ret, struct err *e)
{
	struct pool *pool =
		calloc(1, sizeof(*pool) + threads * sizeof(pool->threads[0]));

	if (pool == NULL)
		return err_sys(e, "start %s threads", name);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->has_items, NULL);
	(void)str_copy(pool->name, sizeof(pool->name), name);
	pool->run = run;
	pool->ring_size = queue_max;
	pool->ring = calloc(queue_max, sizeof(*pool->ring));
	if (pool->ring == NULL) {
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
pool_submit(struct pool *pool, void *item)
{
	int rc = -1;

	assert(item != NULL);
	pthread_mutex_lock(&pool->lock);
	if (!pool->is_stopping && pool->count < pool->ring_size) {
		unsigned last = (pool->first + pool->count) % pool->ring_size;

		pool->ring[last] = item;
		pool->count++;
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
	for (unsigned i = 0; i < pool->threads_count; i++)
		pthread_join(pool->threads[i], NULL);
	pool->threads_count = 0;
}

void
pool_free(struct pool *pool)
{
	if (pool == NULL)
		return;
	pool_finish(pool);
	pthread_cond_destroy(&pool->has_items);
	pthread_mutex_destroy(&pool->lock);
	free(pool->ring);
	free(pool);
}
