/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_token_cache.c - a token that was found good once is not good for ever,
 * and no other token is good for its sake.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "api/auth/token_cache.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define NOW_S 1700000000u

static struct api_config config = {
	.jwt_secret = "0123456789abcdef0123456789abcdef",
	.jwt_secret_len = 32,
	.jwt_algorithm = "HS256",
	.jwt_expiration_hours = 1,
};

static char *
issue(unsigned version)
{
	struct store_user user = {.user_id = "id",
				  .username = "name",
				  .role = USER_ROLE_USER,
				  .token_version = version};
	char *token = NULL;
	struct err e;

	assert_int_equal(jwt_issue(&config, &user, NOW_S, &token, &e), 0);
	return token;
}

static int
check(struct token_cache *cache, const char *token, uint64_t now_s,
      uint32_t *ret_version, char text[ERR_TEXT_MAX])
{
	struct jwt_claims claims = {0};
	struct err e = ERR_INIT;
	int rc = token_cache_check(cache, &config, token, now_s, &claims, &e);

	*ret_version = claims.token_version;
	(void)str_copy(text, ERR_TEXT_MAX, e.text);
	return rc;
}

static void
test_remembered(void **state)
{
	owned_mem char *token = issue(7), *other = issue(8);
	struct token_cache *cache = NULL;
	char text[ERR_TEXT_MAX];
	uint32_t version = 0;
	struct err e;

	(void)state;
	assert_int_equal(token_cache_new(&cache, &e), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(check(cache, token, NOW_S, &version, text), 0);
		assert_int_equal(version, 7);
	}
	assert_int_equal(check(cache, other, NOW_S, &version, text), 0);
	assert_int_equal(version, 8);
	/* A forged one beside it, and the real one cut short. */
	other[strlen(other) - 3] ^= 1;
	assert_int_equal(check(cache, other, NOW_S, &version, text), -1);
	assert_string_equal(text, "Invalid token");
	token[strlen(token) - 1] = '\0';
	assert_int_equal(check(cache, token, NOW_S, &version, text), -1);
	token_cache_free(cache);
}

static void
test_expires(void **state)
{
	owned_mem char *token = issue(7);
	struct token_cache *cache = NULL;
	char text[ERR_TEXT_MAX];
	uint32_t version = 0;
	struct err e;

	(void)state;
	assert_int_equal(token_cache_new(&cache, &e), 0);
	assert_int_equal(check(cache, token, NOW_S + 3599, &version, text), 0);
	assert_int_equal(check(cache, token, NOW_S + 3600, &version, text), -1);
	assert_string_equal(text, "Token expired");
	token_cache_free(cache);
}

/* More tokens than it holds: each is still checked rightly. */
static void
test_many(void **state)
{
	struct token_cache *cache = NULL;
	char text[ERR_TEXT_MAX];
	uint32_t version = 0;
	struct err e;

	(void)state;
	assert_int_equal(token_cache_new(&cache, &e), 0);
	for (unsigned i = 0; i < 1000; i++) {
		owned_mem char *token = issue(i);

		for (int twice = 0; twice < 2; twice++) {
			assert_int_equal(
				check(cache, token, NOW_S, &version, text), 0);
			assert_int_equal(version, i);
		}
	}
	token_cache_free(cache);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remembered),
		cmocka_unit_test(test_expires),
		cmocka_unit_test(test_many),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
