/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_cache.h - tokens whose signature was found good: a client sends the
 * same one with each of its requests.
 *
 * Remembered is only what a signature proves, and that does not change.  What
 * can change (the clock, the account, its role, its password) is looked at
 * with every request.
 */
#ifndef PC_API_TOKEN_CACHE_H
#define PC_API_TOKEN_CACHE_H

#include "api/auth/jwt.h"

struct token_cache;

int token_cache_new(struct token_cache **ret, struct err *e);
void token_cache_free(struct token_cache *cache); /* NULL is ignored */

/* As jwt_check(); cache NULL: nothing is remembered. */
int token_cache_check(struct token_cache *cache,
		      const struct api_config *config, const char *token,
		      uint64_t now_s, struct jwt_claims *ret, struct err *e);

#endif
