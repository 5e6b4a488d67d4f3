/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bearer.h - who sends a request.
 */
#ifndef PC_API_BEARER_H
#define PC_API_BEARER_H

#include "api/auth/jwt.h"
#include "api/http/http.h"

/*
 * From the Authorization header (NULL if absent) to the user as the store
 * knows them now.  Fills res with 401 (or 500 if the store fails) and returns
 * -1 if there is no such user to let in.
 */
int bearer_authenticate(struct api *api, const char *authorization,
			struct http_user *ret, struct http_response *res);

/* Is it PROMPTCRAFT_METRICS_TOKEN?  Never if that is not set. */
bool bearer_may_scrape(const struct api_config *config,
		       const char *authorization);

/*
 * The same in two steps, for who looks the account up together with something
 * else: what the token claims, and whether that account lets it in.
 */
int bearer_claims(struct api *api, const char *authorization,
		  struct jwt_claims *ret, struct http_response *res);
int bearer_admit(const struct jwt_claims *claims, const struct store_user *user,
		 struct http_user *ret, struct http_response *res);

#endif
