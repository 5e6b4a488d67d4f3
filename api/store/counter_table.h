/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counter_table.h - counters of rate limits in a file that is mapped into
 * memory: counting is a few instructions and two calls of the kernel, where a
 * database writes pages.
 *
 * What is counted survives the process (the pages are the kernel's), though not
 * the machine.  Several processes may count in one file.  The table has a fixed
 * size; who finds no place counts elsewhere.
 */
#ifndef PC_API_COUNTER_TABLE_H
#define PC_API_COUNTER_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/base/err.h"

struct counter_table;

/* The file is there, 0600 and ours (or empty: then it is laid out). */
int counter_table_open(const char *path, struct counter_table **ret,
		       struct err *e);
void counter_table_close(struct counter_table *table); /* NULL is ignored */

struct counter_window {
	uint64_t now_us, length_us;
	uint64_t end_max_us; /* one that ends later is from a wrong clock */
};

/*
 * 1: counted, *ret_count and *ret_end_us say how many in which window.  0: the
 * key has no live counter here, and may_add is false or there is no place.
 */
int counter_table_hit(struct counter_table *table, const char *key,
		      const struct counter_window *window, bool may_add,
		      uint64_t *ret_count, uint64_t *ret_end_us, struct err *e);
int counter_table_clear(struct counter_table *table, const char *key,
			struct err *e);

#endif
