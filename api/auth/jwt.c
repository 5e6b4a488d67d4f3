/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jwt.c - JSON web tokens signed with HMAC, by libjwt.
 *
 * The token is hostile until its signature has been checked.  libjwt 1.10
 * takes the algorithm from the token itself, "none" included, so the header
 * is read here first and must name exactly the configured algorithm; only
 * then does libjwt see the token.  Tokens and secrets are never logged.
 */
#include "api/auth/jwt.h"

#include <errno.h>
#include <jansson.h>
#include <jwt.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/str.h"

/* How far the clocks of two machines may differ. */
#define NOT_BEFORE_LEEWAY_S 30

static const struct {
	const char *name;
	jwt_alg_t alg;
} algorithms[] = {
	{"HS256", JWT_ALG_HS256},
	{"HS384", JWT_ALG_HS384},
	{"HS512", JWT_ALG_HS512},
};

static void
jwt_done(jwt_t **jwt)
{
	if (*jwt != NULL)
		jwt_free(*jwt);
}
#define owned_jwt __attribute__((cleanup(jwt_done)))

static void
json_done(json_t **json)
{
	json_decref(*json);
}
#define owned_json __attribute__((cleanup(json_done)))

/* ---- making one ------------------------------------------------------ */

static json_t *
make_claims(const struct api_config *config, const struct store_user *user,
	    uint64_t now_s)
{
	static const char *const roles[] = {
		[USER_ROLE_USER] = "user",
		[USER_ROLE_APPROVER] = "approver",
		[USER_ROLE_ADMIN] = "admin",
	};
	json_int_t begin_s = (json_int_t)now_s;
	json_int_t end_s =
		begin_s + (json_int_t)config->jwt_expiration_hours * 3600;
	unsigned char random[16];
	char jti[2 * sizeof(random) + 1];

	randombytes_buf(random, sizeof(random));
	str_hex(jti, random, sizeof(random));
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:I}", "iss",
			 JWT_ISSUER, "sub", user->username, "user_id",
			 user->user_id, "role", roles[user->role], "iat",
			 begin_s, "nbf", begin_s, "exp", end_s, "jti", jti,
			 "ver", (json_int_t)user->token_version);
}

static int
sign(const struct api_config *config, const char *claims, char **ret_token,
     struct err *e)
{
	owned_jwt jwt_t *jwt = NULL;
	jwt_alg_t alg = JWT_ALG_NONE;
	char *token;

	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
		if (strcmp(algorithms[i].name, config->jwt_algorithm) == 0)
			alg = algorithms[i].alg;
	if (alg == JWT_ALG_NONE)
		return err_set(e, ERR_INVALID, 0, "no such token algorithm");
	if (jwt_new(&jwt) != 0 || jwt_add_grants_json(jwt, claims) != 0 ||
	    jwt_set_alg(jwt, alg, (const unsigned char *)config->jwt_secret,
			(int)config->jwt_secret_len) != 0)
		return err_set(e, ERR_IO, ENOMEM, "make a token");
	token = jwt_encode_str(jwt);
	if (token == NULL)
		return err_set(e, ERR_IO, errno, "sign a token");
	*ret_token = token; /* libjwt's allocator is malloc */
	return 0;
}

int
jwt_issue(const struct api_config *config, const struct store_user *user,
	  uint64_t now_s, char **ret_token, struct err *e)
{
	owned_json json_t *claims = make_claims(config, user, now_s);
	char *text = claims != NULL ? json_dumps(claims, JSON_COMPACT) : NULL;
	int rc;

	if (text == NULL)
		return err_set(e, ERR_IO, ENOMEM, "make a token");
	rc = sign(config, text, ret_token, e);
	free(text);
	return rc;
}

/* ---- checking one ---------------------------------------------------- */

static int
refuse(struct err *e)
{
	return err_set(e, ERR_DENIED, 0, "Invalid token");
}

static bool
is_base64url(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_';
}

struct parts {
	size_t len[3]; /* of header, claims and signature, without the dots */
};

/* Three non-empty parts of base64url, not too long? */
static bool
split(const char *token, struct parts *ret)
{
	struct parts parts = {0};
	size_t n = 0;

	for (size_t i = 0; token[i] != '\0'; i++) {
		if (i >= JWT_TOKEN_MAX)
			return false;
		if (token[i] == '.') {
			if (++n > 2)
				return false;
		} else if (is_base64url(token[i])) {
			parts.len[n]++;
		} else {
			return false;
		}
	}
	*ret = parts;
	return parts.len[0] > 0 && parts.len[1] > 0 && parts.len[2] > 0;
}

/* The JSON in one part; NULL if it is none. */
static json_t *
decode_part(const char *part, size_t part_len)
{
	char text[JWT_TOKEN_MAX];
	size_t len = 0;

	if (sodium_base642bin((unsigned char *)text, sizeof(text), part,
			      part_len, NULL, &len, NULL,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return NULL;
	return json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
}

/* Exactly our algorithm, and nothing that asks for special treatment. */
static bool
is_our_header(const json_t *header, const struct api_config *config)
{
	const char *alg = json_string_value(json_object_get(header, "alg"));
	const json_t *typ = json_object_get(header, "typ");

	if (alg == NULL || strcmp(alg, config->jwt_algorithm) != 0)
		return false;
	if (typ != NULL && (!json_is_string(typ) ||
			    strcmp(json_string_value(typ), "JWT") != 0))
		return false;
	return json_object_get(header, "crit") == NULL;
}

static int
copy_claim(const json_t *claims, const char *name, char *dst, size_t size,
	   struct err *e)
{
	const char *value = json_string_value(json_object_get(claims, name));

	if (value == NULL || value[0] == '\0' || str_copy(dst, size, value) < 0)
		return refuse(e);
	return 0;
}

static int
number_claim(const json_t *claims, const char *name, uint64_t *ret,
	     struct err *e)
{
	const json_t *value = json_object_get(claims, name);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return refuse(e);
	*ret = (uint64_t)json_integer_value(value);
	return 0;
}

static int
check_claims(const json_t *claims, uint64_t now_s, struct jwt_claims *ret,
	     struct err *e)
{
	const char *issuer = json_string_value(json_object_get(claims, "iss"));
	uint64_t issued_s, not_before_s, expires_s, version;
	struct jwt_claims found = {0};
	char jti[65];

	if (issuer == NULL || strcmp(issuer, JWT_ISSUER) != 0)
		return refuse(e);
	if (copy_claim(claims, "sub", found.username, sizeof(found.username),
		       e) < 0 ||
	    copy_claim(claims, "user_id", found.user_id, sizeof(found.user_id),
		       e) < 0 ||
	    copy_claim(claims, "jti", jti, sizeof(jti), e) < 0 ||
	    number_claim(claims, "iat", &issued_s, e) < 0 ||
	    number_claim(claims, "nbf", &not_before_s, e) < 0 ||
	    number_claim(claims, "exp", &expires_s, e) < 0 ||
	    number_claim(claims, "ver", &version, e) < 0)
		return -1;
	if (not_before_s > now_s + NOT_BEFORE_LEEWAY_S || version > UINT32_MAX)
		return refuse(e);
	if (expires_s <= now_s)
		return err_set(e, ERR_DENIED, 0, "Token expired");
	found.token_version = (uint32_t)version;
	found.expires_s = expires_s;
	*ret = found;
	return 0;
}

static int
check_signature(const struct api_config *config, const char *token,
		struct err *e)
{
	jwt_t *jwt = NULL;

	if (jwt_decode(&jwt, token, (const unsigned char *)config->jwt_secret,
		       (int)config->jwt_secret_len) != 0)
		return refuse(e);
	jwt_free(jwt);
	return 0;
}

int
jwt_check(const struct api_config *config, const char *token, uint64_t now_s,
	  struct jwt_claims *ret, struct err *e)
{
	owned_json json_t *header = NULL, *claims = NULL;
	struct parts parts;

	if (!split(token, &parts))
		return refuse(e);
	header = decode_part(token, parts.len[0]);
	if (!is_our_header(header, config))
		return refuse(e);
	if (check_signature(config, token, e) < 0)
		return -1;
	/* From the signed bytes: libjwt lets a claim be there twice. */
	claims = decode_part(token + parts.len[0] + 1, parts.len[1]);
	return check_claims(claims, now_s, ret, e);
}
