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
/* -1 if as many wait already as may wait. */
int pool_submit(struct pool *pool, void *item);
/* Runs what is still queued, joins the threads, frees.  NULL is ignored. */
void pool_stop(struct pool *pool);

#endif
