/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_cache.c - see status_cache.h: a hash table whose entries also stand
 * in a list, the most recently used first.
 */
#include "api/routes/status_cache.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/str.h"

#define BUCKETS 512u /* power of two */
#define BYTES_MAX ((size_t)4 << 20)
#define TEXT_MAX ((size_t)512 << 10)

struct entry {
	struct entry *next;	     /* of the bucket */
	struct entry *newer, *older; /* of the list */
	char workflow_id[40];
	/* An id may be used again, and so may a version: status_cache.h */
	uint64_t version, created_us, updated_us;
	struct workflow_access access;
	struct http_text *text;
};

struct status_cache {
	pthread_mutex_t lock;
	struct entry *buckets[BUCKETS];
	struct entry *newest, *oldest;
	size_t bytes;
};

int
status_cache_new(struct status_cache **ret, struct err *e)
{
	struct status_cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL)
		return err_set(e, ERR_IO, ENOMEM, "cache of answers");
	pthread_mutex_init(&cache->lock, NULL);
	*ret = cache;
	return 0;
}

static size_t
cost_of(const struct entry *entry)
{
	return sizeof(*entry) + http_text_len(entry->text);
}

/* The link in the bucket that points to the workflow's entry, or to NULL. */
static struct entry **
find(struct status_cache *cache, const char *workflow_id)
{
	uint32_t hash = 2166136261u;
	struct entry **link;

	for (const char *c = workflow_id; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	link = &cache->buckets[hash & (BUCKETS - 1)];
	while (*link != NULL && strcmp((*link)->workflow_id, workflow_id) != 0)
		link = &(*link)->next;
	return link;
}

static void
list_remove(struct status_cache *cache, struct entry *entry)
{
	*(entry->newer != NULL ? &entry->newer->older : &cache->newest) =
		entry->older;
	*(entry->older != NULL ? &entry->older->newer : &cache->oldest) =
		entry->newer;
}

static void
list_add(struct status_cache *cache, struct entry *entry)
{
	entry->newer = NULL;
	entry->older = cache->newest;
	*(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) =
		entry;
	cache->newest = entry;
}

static void
drop(struct status_cache *cache, struct entry **link)
{
	struct entry *entry = *link;

	assert(entry != NULL);
	*link = entry->next;
	list_remove(cache, entry);
	cache->bytes -= cost_of(entry);
	http_text_unref(entry->text);
	free(entry);
}

void
status_cache_free(struct status_cache *cache)
{
	if (cache == NULL)
		return;
	while (cache->oldest != NULL)
		drop(cache, find(cache, cache->oldest->workflow_id));
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

struct http_text *
status_cache_get(struct status_cache *cache,
		 const struct store_workflow_meta *meta,
		 struct workflow_access *ret_access)
{
	struct http_text *text = NULL;
	struct entry *entry;

	if (cache == NULL)
		return NULL;
	pthread_mutex_lock(&cache->lock);
	entry = *find(cache, meta->workflow_id);
	if (entry != NULL && entry->version == meta->version &&
	    entry->created_us == meta->created_us &&
	    entry->updated_us == meta->updated_us) {
		text = http_text_ref(entry->text);
		*ret_access = entry->access;
		list_remove(cache, entry);
		list_add(cache, entry);
	}
	pthread_mutex_unlock(&cache->lock);
	return text;
}

static struct entry *
entry_new(const struct store_workflow_meta *meta,
	  const struct workflow_access *access, struct http_text *text)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return NULL;
	(void)str_copy(entry->workflow_id, sizeof(entry->workflow_id),
		       meta->workflow_id);
	entry->version = meta->version;
	entry->created_us = meta->created_us;
	entry->updated_us = meta->updated_us;
	entry->access = *access;
	entry->text = http_text_ref(text);
	return entry;
}

void
status_cache_put(struct status_cache *cache,
		 const struct store_workflow_meta *meta,
		 const struct workflow_access *access, struct http_text *text)
{
	struct entry *entry, **link;

	if (cache == NULL || http_text_len(text) > TEXT_MAX)
		return;
	entry = entry_new(meta, access, text);
	if (entry == NULL)
		return;
	pthread_mutex_lock(&cache->lock);
	link = find(cache, meta->workflow_id);
	if (*link != NULL)
		drop(cache, link);
	link = find(cache, meta->workflow_id);
	*link = entry;
	list_add(cache, entry);
	cache->bytes += cost_of(entry);
	while (cache->bytes > BYTES_MAX && cache->oldest != NULL)
		drop(cache, find(cache, cache->oldest->workflow_id));
	pthread_mutex_unlock(&cache->lock);
}
