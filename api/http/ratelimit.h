/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ratelimit.h - how often a user may do what: so many requests of an operation
 * in an hour that begins with the first of them (rate_limit:{user}:{op}).
 */
#ifndef PC_API_RATELIMIT_H
#define PC_API_RATELIMIT_H

#include "api/http/http.h"

/* What the RateLimit-* headers of an answer say; limit 0: not limited. */
struct rate_state {
	uint32_t limit, remaining, reset_s;
};

/*
 * Count one request of this user for the operation ("execute", "status",
 * "analyze", "enhance", "jobs"); 429 with Retry-After in res and -1 if it is
 * one too many.
 */
int rate_limit_check(struct api *api, const char *user_id,
		     const char *operation, struct rate_state *ret,
		     struct http_response *res);

/*
 * The same where the counting is done together with something else: the key
 * to count under, "" if the operation is not limited, and what the count means.
 */
#define RATE_KEY_SIZE 128
#define RATE_WINDOW_S 3600
int rate_limit_key(const struct api *api, const char *user_id,
		   const char *operation, char key[RATE_KEY_SIZE],
		   struct err *e);
int rate_limit_judge(const struct api *api, const char *operation,
		     uint64_t hits, uint32_t reset_s, struct rate_state *ret,
		     struct http_response *res);

#endif
