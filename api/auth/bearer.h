/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bearer.h - who sends a request, and how often they may.
 */
#ifndef PC_API_BEARER_H
#define PC_API_BEARER_H

#include "api/http/http.h"

/*
 * From the Authorization header (NULL if absent) to the user as the store
 * knows them now.  Fills res with 401 (or 500 if the store fails) and returns
 * -1 if there is no such user to let in.
 */
int bearer_authenticate(struct api *api, const char *authorization,
			struct http_user *ret, struct http_response *res);

/*
 * Count one request of this user for the operation ("execute", "status",
 * "analyze", "jobs"); 429 with Retry-After in res and -1 if it is one too many.
 */
int rate_limit_check(struct api *api, const char *user_id,
		     const char *operation, struct http_response *res);

#endif
