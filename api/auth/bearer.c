/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bearer.c - authentication of requests by token.
 *
 * Responsible for a token being worth nothing once its user is gone, disabled
 * or has a new password: the store is asked at each request, and the role is
 * the store's, not the token's.
 */
#include "api/auth/bearer.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "api/auth/token_cache.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

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

int
bearer_claims(struct api *api, const char *authorization,
	      struct jwt_claims *ret, struct http_response *res)
{
	struct err e = ERR_INIT;
	const char *token;

	if (authorization == NULL)
		return refuse(res, "Not authenticated: send the header "
				   "Authorization: Bearer <token>");
	token = find_token(authorization);
	if (token == NULL)
		return refuse(res, "Not authenticated: the Authorization "
				   "header must be Bearer <token>");
	if (token_cache_check(api->tokens, &api->config, token,
			      clock_wall_us() / 1000000u, ret, &e) < 0)
		return refuse(res, e.text);
	return 0;
}

int
bearer_admit(const struct jwt_claims *claims, const struct store_user *user,
	     struct http_user *ret, struct http_response *res)
{
	if (user->user_id[0] == '\0' || user->is_disabled ||
	    user->token_version != claims->token_version ||
	    strcmp(user->username, claims->username) != 0)
		return refuse(res, "Invalid token");
	*ret = (struct http_user){.role = user->role,
				  .token_version = claims->token_version,
				  .token_expires_s = claims->expires_s};
	memcpy(ret->user_id, user->user_id, sizeof(ret->user_id));
	memcpy(ret->username, user->username, sizeof(ret->username));
	return 0;
}

int
bearer_authenticate(struct api *api, const char *authorization,
		    struct http_user *ret, struct http_response *res)
{
	struct jwt_claims claims;
	struct store_user user;
	struct err e = ERR_INIT;

	if (bearer_claims(api, authorization, &claims, res) < 0)
		return -1;
	if (store_user_get_by_id(api->store, claims.user_id, &user, &e) == 0)
		return bearer_admit(&claims, &user, ret, res);
	if (e.kind == ERR_NOT_FOUND)
		return refuse(res, "Invalid token");
	http_problem_from_err(res, &e);
	return -1;
}

bool
bearer_may_scrape(const struct api_config *config, const char *authorization)
{
	size_t len = strlen(config->metrics_token);
	const char *token =
		authorization != NULL ? find_token(authorization) : NULL;

	return token != NULL && len > 0 && strlen(token) == len &&
	       sodium_memcmp(token, config->metrics_token, len) == 0;
}
