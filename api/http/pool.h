/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - threads for requests that block, fed from a bounded queue, in turns
 * between those who ask.
 */
#ifndef PC_API_POOL_H
#define PC_API_POOL_H

#include "supervisor/base/err.h"

struct pool;

/* run(item) is called on one of `threads` threads for each item submitted. */
int pool_start(const char *name, unsigned threads, unsigned queue_max,
	       void (*run)(void *item), struct pool **ret, struct err *e);
#define POOL_OWNER_SIZE 64
/*
 * The owners take turns: a free thread takes one item of each before it takes
 * another of the same.  -1 if as many wait already as may wait, three quarters
 * of them are this owner's, or the pool is finished.  owner is copied.
 */
int pool_submit(struct pool *pool, const char *owner, void *item);
/* Takes no more items, runs what is queued, ends the threads. */
void pool_finish(struct pool *pool);
/* Finishes if need be, and frees.  NULL is ignored. */
void pool_free(struct pool *pool);

#endif
