/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - threads for requests that block, fed from a bounded queue.
 */
#ifndef PC_API_POOL_H
#define PC_API_POOL_H

#include "supervisor/base/err.h"

struct pool;

/* run(item) is called on one of `threads` threads for each item submitted. */
int pool_start(const char *name, unsigned threads, unsigned queue_max,
	       void (*run)(void *item), struct pool **ret, struct err *e);
/* -1 if as many wait already as may wait, or the pool is finished. */
int pool_submit(struct pool *pool, void *item);
/* Takes no more items, runs what is queued, ends the threads. */
void pool_finish(struct pool *pool);
/* Finishes if need be, and frees.  NULL is ignored. */
void pool_free(struct pool *pool);

#endif
