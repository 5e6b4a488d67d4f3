/*
 * lru_cache.h - a cache of bounded size whose entries also grow old.
 *
 * Keys are byte strings, copied; values are the caller's pointers, handed to
 * `drop` when the cache lets go of them.  Full, the entry that was used longest
 * ago goes.  An entry is never given out after its time.  The clock is the
 * caller's: any number that does not go backwards.  Not thread-safe.
 */
#ifndef LRU_CACHE_H
#define LRU_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lru_cache;

struct lru_options {
	size_t capacity; /* entries; 1 or more */
	uint64_t ttl;	 /* in units of the clock; 0: for ever */
	uint64_t seed;	 /* random, where keys are strangers' */
	void (*drop)(void *arg, void *value); /* NULL: values are borrowed */
	void *arg;
};

struct lru_statistics {
	uint64_t hits, misses, evictions, expirations;
};

/* NULL: out of memory, or the options make no sense. */
struct lru_cache *lru_new(const struct lru_options *options);
void lru_free(struct lru_cache *cache); /* NULL is ignored */

/*
 * Sets a value, which belongs to the cache from then on.  -1 and nothing has
 * changed: out of memory.
 */
int lru_put(struct lru_cache *cache, const void *key, size_t key_len,
	    void *value, uint64_t now);

/* True with the value, which stays the cache's until the next change. */
bool lru_get(struct lru_cache *cache, const void *key, size_t key_len,
	     uint64_t now, void **ret_value);

/* False: it was not there. */
bool lru_remove(struct lru_cache *cache, const void *key, size_t key_len);

/* Drops all whose time is over; how many that were. */
size_t lru_purge(struct lru_cache *cache, uint64_t now);

size_t lru_size(const struct lru_cache *cache);
struct lru_statistics lru_statistics(const struct lru_cache *cache);

#endif
