/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.c - POST /auth/token: a name and a password for a bearer token.
 *
 * Responsible for a wrong guess costing time and telling nothing: the answer
 * and its time are the same whether the name, the password or the account's
 * state is wrong, and guesses are counted before the password is looked at,
 * so that many at once get no further than one after the other.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api/auth/jwt.h"
#include "api/auth/password.h"
#include "api/http/address.h"
#include "api/http/handlers.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define LOGIN_WINDOW_S 900
/* One address may try this many times what one name may. */
#define ADDRESS_FACTOR 20
#define KEY_SIZE 128

static const struct field token_fields[] = {
	{"username", FIELD_STRING, FIELD_REQUIRED, 1, 256, NULL, NULL, 0},
	{"password", FIELD_STRING, FIELD_REQUIRED, 1, 1024, NULL, NULL, 0},
};

const struct field_table token_body = {token_fields, ARRAY_LEN(token_fields),
				       0};

struct credentials {
	const char *username;
	const char *password;
};

/* Names are hashed: whatever was typed there (a password) is not stored. */
static void
make_keys(const struct http_request *req, const char *username,
	  char by_name[KEY_SIZE], char by_address[KEY_SIZE])
{
	unsigned char digest[16];
	char hex[2 * sizeof(digest) + 1], address[ADDRESS_GROUP_SIZE];

	address_group_text(req->address, address);
	crypto_generichash(digest, sizeof(digest),
			   (const unsigned char *)username, strlen(username),
			   NULL, 0);
	str_hex(hex, digest, sizeof(digest));
	str_printf(by_name, KEY_SIZE, "rate_limit:%s:%s:login", address, hex);
	str_printf(by_address, KEY_SIZE, "rate_limit:%s:login", address);
}

static int
count_attempt(struct api *api, const char *key, uint64_t limit,
	      struct http_response *res)
{
	uint32_t reset_s = 0;
	uint64_t count = 0;
	struct err e = ERR_INIT;

	if (store_counter_hit(api->store, key, LOGIN_WINDOW_S, &count, &reset_s,
			      &e) < 0) {
		http_problem_from_err(res, &e);
		return -1;
	}
	if (count <= limit)
		return 0;
	http_problem(res, 429, NULL,
		     "Rate limit exceeded. Too many login attempts; try again "
		     "in %u seconds.",
		     reset_s);
	res->retry_after_s = reset_s;
	return -1;
}

/* The address first: it bounds how many names it can make us count. */
static int
count_attempts(struct api *api, const char *by_name, const char *by_address,
	       struct http_response *res)
{
	uint64_t limit = api->config.login_attempts;

	if (limit == 0)
		return 0;
	if (count_attempt(api, by_address, limit * ADDRESS_FACTOR, res) < 0)
		return -1;
	return count_attempt(api, by_name, limit, res);
}

/* 0 and *ret_user, or -1 with res filled. */
static int
log_in(struct api *api, const struct credentials *credentials,
       struct store_user *ret_user, struct http_response *res)
{
	bool matches = false, exists;
	struct err e = ERR_INIT;

	exists = store_user_get(api->store, credentials->username, ret_user,
				&e) == 0;
	if (!exists && e.kind != ERR_NOT_FOUND) {
		http_problem_from_err(res, &e);
		return -1;
	}
	if (password_verify(exists ? ret_user->password_hash : NULL,
			    credentials->password, &matches, &e) < 0) {
		http_problem_from_err(res, &e);
		return -1;
	}
	if (matches && !ret_user->is_disabled)
		return 0;
	http_problem(res, 401, NULL, "Invalid credentials");
	return -1;
}

static void
give_token(struct api *api, const struct store_user *user,
	   struct http_response *res)
{
	json_int_t life_s = (json_int_t)api->config.jwt_expiration_hours * 3600;
	owned_mem char *token = NULL;
	struct err e = ERR_INIT;

	if (jwt_issue(&api->config, user, clock_wall_us() / 1000000u, &token,
		      &e) < 0) {
		http_problem_from_err(res, &e);
		return;
	}
	http_json(res, 200,
		  json_pack("{s:s, s:s, s:I}", "access_token", token,
			    "token_type", "bearer", "expires_in", life_s));
}

void
token_post(struct api *api, const struct http_request *req,
	   struct http_response *res)
{
	char by_name[KEY_SIZE], by_address[KEY_SIZE];
	struct credentials credentials;
	struct store_user user = {0};
	struct err e = ERR_INIT;

	if (fields_check(req->body, token_fields, ARRAY_LEN(token_fields),
			 res) < 0)
		return;
	credentials.username =
		json_string_value(json_object_get(req->body, "username"));
	credentials.password =
		json_string_value(json_object_get(req->body, "password"));
	make_keys(req, credentials.username, by_name, by_address);
	if (count_attempts(api, by_name, by_address, res) < 0)
		return;
	if (log_in(api, &credentials, &user, res) == 0) {
		/* Who knows the password has made no wrong guess. */
		if (store_counter_clear(api->store, by_name, &e) < 0)
			log_warning("login_counter error=\"%s\"", e.text);
		give_token(api, &user, res);
	}
	sodium_memzero(&user, sizeof(user));
}
