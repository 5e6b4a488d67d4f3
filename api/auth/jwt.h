/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jwt.h - bearer tokens: made at login, checked at each request.
 *
 * A token proves only who it was given to and when.  Whether that user still
 * exists, may log in and has the same password is the caller's question to
 * the store (token_version), and the role comes from the store too.
 */
#ifndef PC_API_JWT_H
#define PC_API_JWT_H

#include <stdint.h>

#include "api/api.h"
#include "api/store/store.h"
#include "supervisor/base/err.h"

#define JWT_TOKEN_MAX 4096
#define JWT_ISSUER "promptcraft"

struct jwt_claims {
	char user_id[40];
	char username[64]; /* sub */
	uint32_t token_version;
	uint64_t expires_s; /* wall clock */
};

/* A token for this user from now_s on; *ret_token is malloc'd. */
int jwt_issue(const struct api_config *config, const struct store_user *user,
	      uint64_t now_s, char **ret_token, struct err *e);

/*
 * ERR_DENIED with "Token expired" or "Invalid token": the same text for all
 * that is forged, foreign or malformed.
 */
int jwt_check(const struct api_config *config, const char *token,
	      uint64_t now_s, struct jwt_claims *ret, struct err *e);

#endif
