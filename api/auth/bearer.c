/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bearer.c - authentication of requests by token and their rate limits.
 *
 * Responsible for a token being worth nothing once its user is gone, disabled
 * or has a new password: the store is asked at each request, and the role is
 * the store's, not the token's.
 */
#include "api/auth/bearer.h"

#include <string.h>
#include <strings.h>

#include "api/auth/jwt.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

#define RATE_WINDOW_S 3600

/* Which setting limits which operation; one row more for one more limit. */
static const struct {
	const char *operation;
	size_t offset;
} limits[] = {
	{"analyze", offsetof(struct api_config, rate_analyze)},
	{"execute", offsetof(struct api_config, rate_execute)},
	{"status", offsetof(struct api_config, rate_status)},
	{"jobs", offsetof(struct api_config, rate_jobs)},
};

static int
refuse(struct http_response *res, const char *detail)
{
	http_problem(res, 401, NULL, "%s", detail);
	return -1;
}

/* The token of "Bearer <token>", or NULL. */
static const char *
find_token(const char *authorization)
{
	static const char scheme[] = "Bearer ";

	if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	authorization += sizeof(scheme) - 1;
	while (*authorization == ' ')
		authorization++;
	return authorization;
}

static int
find_user(struct api *api, const struct jwt_claims *claims,
	  struct http_user *ret, struct http_response *res)
{
	struct store_user user;
	struct err e = ERR_INIT;

	if (store_user_get_by_id(api->store, claims->user_id, &user, &e) < 0) {
		if (e.kind == ERR_NOT_FOUND)
			return refuse(res, "Invalid token");
		http_problem_from_err(res, &e);
		return -1;
	}
	if (user.is_disabled || user.token_version != claims->token_version ||
	    strcmp(user.username, claims->username) != 0)
		return refuse(res, "Invalid token");
	*ret = (struct http_user){.role = user.role};
	memcpy(ret->user_id, user.user_id, sizeof(ret->user_id));
	memcpy(ret->username, user.username, sizeof(ret->username));
	return 0;
}

int
bearer_authenticate(struct api *api, const char *authorization,
		    struct http_user *ret, struct http_response *res)
{
	struct jwt_claims claims;
	struct err e = ERR_INIT;
	const char *token;

	if (authorization == NULL)
		return refuse(res, "Not authenticated: send the header "
				   "Authorization: Bearer <token>");
	token = find_token(authorization);
	if (token == NULL)
		return refuse(res, "Not authenticated: the Authorization "
				   "header must be Bearer <token>");
	if (jwt_check(&api->config, token, clock_wall_us() / 1000000u, &claims,
		      &e) < 0)
		return refuse(res, e.text);
	return find_user(api, &claims, ret, res);
}

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
rate_limit_check(struct api *api, const char *user_id, const char *operation,
		 struct http_response *res)
{
	uint32_t limit = limit_of(&api->config, operation), reset_s = 0;
	uint64_t count = 0;
	struct err e = ERR_INIT;
	char key[128];

	if (limit == 0)
		return 0;
	if (str_printf(key, sizeof(key), "rate_limit:%s:%s", user_id,
		       operation) < 0) {
		err_set(&e, ERR_IO, 0, "rate limit: the key is too long");
		http_problem_from_err(res, &e);
		return -1;
	}
	if (store_counter_hit(api->store, key, RATE_WINDOW_S, &count, &reset_s,
			      &e) < 0) {
		http_problem_from_err(res, &e);
		return -1;
	}
	if (count <= limit)
		return 0;
	http_problem(res, 429, NULL,
		     "Rate limit exceeded. Max %u %s requests per hour.", limit,
		     operation);
	res->retry_after_s = reset_s;
	return -1;
}
