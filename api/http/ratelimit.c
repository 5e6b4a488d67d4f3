/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ratelimit.c - the limits by operation, and counting against them.
 *
 * Responsible for exactness: the store adds one and tells the new count in one
 * atomic step, so of any number of requests at once exactly the limit's number
 * pass, also over several nodes with one store.  The window is fixed: a
 * refused request neither extends it nor is it forgiven.
 */
#include "api/http/ratelimit.h"

#include <stddef.h>
#include <string.h>

#include "supervisor/base/str.h"

/* Which setting limits which operation; one row more for one more limit. */
static const struct {
	const char *operation;
	size_t offset;
} limits[] = {
	{"analyze", offsetof(struct api_config, rate_analyze)},
	{"enhance", offsetof(struct api_config, rate_enhance)},
	{"execute", offsetof(struct api_config, rate_execute)},
	{"status", offsetof(struct api_config, rate_status)},
	{"jobs", offsetof(struct api_config, rate_jobs)},
};

static uint32_t
limit_of(const struct api_config *config, const char *operation)
{
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		if (strcmp(limits[i].operation, operation) == 0)
			return *(const uint32_t *)((const char *)config +
						   limits[i].offset);
	return 0;
}

int
rate_limit_key(const struct api *api, const char *user_id,
	       const char *operation, char key[RATE_KEY_SIZE], struct err *e)
{
	key[0] = '\0';
	if (limit_of(&api->config, operation) == 0)
		return 0;
	if (str_printf(key, RATE_KEY_SIZE, "rate_limit:%s:%s", user_id,
		       operation) < 0)
		return err_set(e, ERR_IO, 0, "rate limit: the key is too long");
	return 0;
}

int
rate_limit_judge(const struct api *api, const char *operation, uint64_t hits,
		 uint32_t reset_s, struct rate_state *ret,
		 struct http_response *res)
{
	uint32_t limit = limit_of(&api->config, operation);

	ret->limit = limit;
	ret->remaining = hits < limit ? limit - (uint32_t)hits : 0;
	ret->reset_s = reset_s;
	if (limit == 0 || hits <= limit)
		return 0;
	http_problem(res, 429, NULL,
		     "Rate limit exceeded. Max %u %s requests per hour.", limit,
		     operation);
	res->retry_after_s = reset_s > 0 ? reset_s : 1;
	return -1;
}

int
rate_limit_check(struct api *api, const char *user_id, const char *operation,
		 struct rate_state *ret, struct http_response *res)
{
	char key[RATE_KEY_SIZE];
	uint32_t reset_s = 0;
	uint64_t hits = 0;
	struct err e = ERR_INIT;

	if (rate_limit_key(api, user_id, operation, key, &e) < 0 ||
	    (key[0] != '\0' && store_counter_hit(api->store, key, RATE_WINDOW_S,
						 &hits, &reset_s, &e) < 0)) {
		http_problem_from_err(res, &e);
		return -1;
	}
	return rate_limit_judge(api, operation, hits, reset_s, ret, res);
}
