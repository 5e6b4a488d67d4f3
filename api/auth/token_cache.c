/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_cache.c - see token_cache.h.  A token is known by its keyed BLAKE2b
 * hash of 256 bits: the token itself is not kept, and nobody without the key,
 * which this process makes, can look for another with the same place or hash.
 */
#include "api/auth/token_cache.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SETS 64u /* power of two */
#define WAYS 4u

struct entry {
	unsigned char hash[crypto_generichash_BYTES];
	struct jwt_claims claims; /* expires_s 0: the entry is free */
};

struct token_cache {
	pthread_mutex_t lock;
	unsigned char key[crypto_generichash_KEYBYTES];
	struct entry sets[SETS][WAYS];
	unsigned char next[SETS]; /* which way is overwritten next */
};

int
token_cache_new(struct token_cache **ret, struct err *e)
{
	struct token_cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL)
		return err_set(e, ERR_IO, ENOMEM, "cache of tokens");
	pthread_mutex_init(&cache->lock, NULL);
	crypto_generichash_keygen(cache->key);
	*ret = cache;
	return 0;
}

void
token_cache_free(struct token_cache *cache)
{
	if (cache == NULL)
		return;
	pthread_mutex_destroy(&cache->lock);
	sodium_memzero(cache, sizeof(*cache));
	free(cache);
}

static size_t
set_of(const unsigned char hash[crypto_generichash_BYTES])
{
	return hash[0] & (SETS - 1);
}

static bool
find(struct token_cache *cache,
     const unsigned char hash[crypto_generichash_BYTES], struct jwt_claims *ret)
{
	struct entry *set = cache->sets[set_of(hash)];
	bool is_found = false;

	pthread_mutex_lock(&cache->lock);
	for (size_t i = 0; i < WAYS && !is_found; i++) {
		is_found = set[i].claims.expires_s != 0 &&
			   sodium_memcmp(set[i].hash, hash,
					 sizeof(set[i].hash)) == 0;
		if (is_found)
			*ret = set[i].claims;
	}
	pthread_mutex_unlock(&cache->lock);
	return is_found;
}

static void
add(struct token_cache *cache,
    const unsigned char hash[crypto_generichash_BYTES],
    const struct jwt_claims *claims)
{
	size_t set = set_of(hash);
	struct entry *entry;

	pthread_mutex_lock(&cache->lock);
	entry = &cache->sets[set][cache->next[set]++ % WAYS];
	memcpy(entry->hash, hash, sizeof(entry->hash));
	entry->claims = *claims;
	pthread_mutex_unlock(&cache->lock);
}

int
token_cache_check(struct token_cache *cache, const struct api_config *config,
		  const char *token, uint64_t now_s, struct jwt_claims *ret,
		  struct err *e)
{
	unsigned char hash[crypto_generichash_BYTES];
	struct jwt_claims claims;
	size_t len = strnlen(token, JWT_TOKEN_MAX + 1);

	if (cache == NULL || len > JWT_TOKEN_MAX)
		return jwt_check(config, token, now_s, ret, e);
	(void)crypto_generichash(hash, sizeof(hash),
				 (const unsigned char *)token, len, cache->key,
				 sizeof(cache->key));
	if (find(cache, hash, &claims)) {
		if (claims.expires_s <= now_s)
			return err_set(e, ERR_DENIED, 0, "Token expired");
		*ret = claims;
		return 0;
	}
	if (jwt_check(config, token, now_s, &claims, e) < 0)
		return -1;
	add(cache, hash, &claims);
	*ret = claims;
	return 0;
}
