/*
 * lru_cache.c - see lru_cache.h.  Each entry is in a chain of the hash table
 * and in one list by use; the list's head is the entry that was used last.
 */
#include "lru_cache.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_MAX ((size_t)1 << 30)

struct entry {
	struct entry *next_in_chain;
	struct entry *newer, *older;
	void *value;
	uint64_t ends; /* UINT64_MAX: never */
	uint64_t hash;
	size_t key_len;
	unsigned char key[];
};

struct lru_cache {
	struct lru_options options;
	struct entry **chains;
	size_t chains_len; /* a power of two */
	size_t size;
	struct entry *newest, *oldest;
	struct lru_statistics statistics;
};

/* FNV-1a, begun at the seed and mixed at the end. */
static uint64_t hash_of(const struct lru_cache *c, const void *key, size_t len)
{
	const unsigned char *bytes = key;
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ c->options.seed;

	for (size_t i = 0; i < len; i++) {
		hash ^= bytes[i];
		hash *= UINT64_C(0x100000001b3);
	}
	hash ^= hash >> 32;
	hash *= UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ (hash >> 29);
}

static struct entry **chain_of(const struct lru_cache *c, uint64_t hash)
{
	return &c->chains[hash & (c->chains_len - 1)];
}

struct lru_cache *lru_new(const struct lru_options *options)
{
	struct lru_cache *c;

	if (options->capacity == 0 || options->capacity > CAPACITY_MAX)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->options = *options;
	c->chains_len = 8;
	while (c->chains_len < options->capacity)
		c->chains_len *= 2;
	c->chains = calloc(c->chains_len, sizeof(struct entry *));
	if (c->chains == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

/* ---- the list -------------------------------------------------------- */

static void list_add(struct lru_cache *c, struct entry *entry)
{
	entry->newer = NULL;
	entry->older = c->newest;
	if (c->newest != NULL)
		c->newest->newer = entry;
	else
		c->oldest = entry;
	c->newest = entry;
}

static void list_remove(struct lru_cache *c, struct entry *entry)
{
	if (entry->newer != NULL)
		entry->newer->older = entry->older;
	else
		c->newest = entry->older;
	if (entry->older != NULL)
		entry->older->newer = entry->newer;
	else
		c->oldest = entry->newer;
}

/* ---- entries --------------------------------------------------------- */

static struct entry *find(const struct lru_cache *c, const void *key,
			  size_t key_len, uint64_t hash)
{
	struct entry *entry = *chain_of(c, hash);

	while (entry != NULL &&
	       (entry->hash != hash || entry->key_len != key_len ||
		(key_len > 0 && memcmp(entry->key, key, key_len) != 0)))
		entry = entry->next_in_chain;
	return entry;
}

static void drop_value(const struct lru_cache *c, void *value)
{
	if (c->options.drop != NULL)
		c->options.drop(c->options.arg, value);
}

static void forget(struct lru_cache *c, struct entry *entry)
{
	struct entry **link = chain_of(c, entry->hash);

	while (*link != entry)
		link = &(*link)->next_in_chain;
	*link = entry->next_in_chain;
	list_remove(c, entry);
	c->size--;
	drop_value(c, entry->value);
	free(entry);
}

void lru_free(struct lru_cache *c)
{
	if (c == NULL)
		return;
	while (c->oldest != NULL)
		forget(c, c->oldest);
	free(c->chains);
	free(c);
}

static uint64_t end_of(const struct lru_cache *c, uint64_t now)
{
	if (c->options.ttl == 0 || now > UINT64_MAX - c->options.ttl)
		return UINT64_MAX;
	return now + c->options.ttl;
}

static struct entry *entry_new(const void *key, size_t key_len, uint64_t hash)
{
	struct entry *entry;

	if (key_len > SIZE_MAX - sizeof(*entry))
		return NULL;
	entry = malloc(sizeof(*entry) + key_len);
	if (entry == NULL)
		return NULL;
	if (key_len > 0)
		memcpy(entry->key, key, key_len);
	entry->key_len = key_len;
	entry->hash = hash;
	return entry;
}

/* All entries live equally long: the dead are not always the oldest by use. */
static void make_room(struct lru_cache *c, uint64_t now)
{
	if (c->size < c->options.capacity || lru_purge(c, now) > 0)
		return;
	c->statistics.evictions++;
	forget(c, c->oldest);
}

int lru_put(struct lru_cache *c, const void *key, size_t key_len, void *value,
	    uint64_t now)
{
	uint64_t hash = hash_of(c, key, key_len);
	struct entry *entry = find(c, key, key_len, hash);

	if (entry != NULL) {
		void *before = entry->value;

		entry->value = value;
		entry->ends = end_of(c, now);
		list_remove(c, entry);
		list_add(c, entry);
		if (before != value)
			drop_value(c, before);
		return 0;
	}
	entry = entry_new(key, key_len, hash);
	if (entry == NULL)
		return -1;
	make_room(c, now);
	entry->value = value;
	entry->ends = end_of(c, now);
	entry->next_in_chain = *chain_of(c, hash);
	*chain_of(c, hash) = entry;
	list_add(c, entry);
	c->size++;
	return 0;
}

bool lru_get(struct lru_cache *c, const void *key, size_t key_len, uint64_t now,
	     void **ret_value)
{
	struct entry *entry = find(c, key, key_len, hash_of(c, key, key_len));

	if (entry != NULL && entry->ends <= now) {
		c->statistics.expirations++;
		forget(c, entry);
		entry = NULL;
	}
	if (entry == NULL) {
		c->statistics.misses++;
		return false;
	}
	c->statistics.hits++;
	list_remove(c, entry);
	list_add(c, entry);
	*ret_value = entry->value;
	return true;
}

bool lru_remove(struct lru_cache *c, const void *key, size_t key_len)
{
	struct entry *entry = find(c, key, key_len, hash_of(c, key, key_len));

	if (entry == NULL)
		return false;
	forget(c, entry);
	return true;
}

size_t lru_purge(struct lru_cache *c, uint64_t now)
{
	size_t count = 0;

	for (struct entry *entry = c->oldest, *next; entry != NULL;
	     entry = next) {
		next = entry->newer;
		if (entry->ends > now)
			continue;
		forget(c, entry);
		count++;
	}
	c->statistics.expirations += count;
	return count;
}

size_t lru_size(const struct lru_cache *c)
{
	return c->size;
}

struct lru_statistics lru_statistics(const struct lru_cache *c)
{
	return c->statistics;
}
