/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_jwt.c - tokens: ours are accepted; forged, foreign, expired, early,
 * incomplete and malformed ones are not, whatever they claim to be signed
 * with.  Signatures are made here with libsodium, not with the code under
 * test, so that hostile tokens are validly signed where that is the point.
 */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/auth/jwt.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define NOW_S 1800000000u
#define SECRET "0123456789abcdef0123456789abcdef"
#define OTHER_SECRET "0123456789abcdef0123456789abcdeF"

static struct api_config
make_config(const char *algorithm)
{
	struct api_config config = {.jwt_expiration_hours = 24};

	str_copy(config.jwt_secret, sizeof(config.jwt_secret), SECRET);
	config.jwt_secret_len = strlen(SECRET);
	str_copy(config.jwt_algorithm, sizeof(config.jwt_algorithm), algorithm);
	return config;
}

static const struct store_user ada = {
	.user_id = "11111111-2222-4333-8444-555555555555",
	.username = "ada",
	.role = USER_ROLE_USER,
	.token_version = 3,
};

static void
encode(char *dst, size_t size, const void *bytes, size_t len)
{
	size_t used = strlen(dst);

	assert_non_null(
		sodium_bin2base64(dst + used, size - used, bytes, len,
				  sodium_base64_VARIANT_URLSAFE_NO_PADDING));
}

/* header.claims.HMAC-SHA-256 with any header, claims and secret. */
static const char *
make_token(const char *header, const char *claims, const char *secret)
{
	static char token[8192];
	crypto_auth_hmacsha256_state state;
	unsigned char mac[crypto_auth_hmacsha256_BYTES];

	token[0] = '\0';
	encode(token, sizeof(token), header, strlen(header));
	strncat(token, ".", 2);
	encode(token, sizeof(token), claims, strlen(claims));
	crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret,
				    strlen(secret));
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)token,
				      strlen(token));
	crypto_auth_hmacsha256_final(&state, mac);
	strncat(token, ".", 2);
	encode(token, sizeof(token), mac, sizeof(mac));
	return token;
}

#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS_WITHOUT_TIMES                                                   \
	"\"iss\":\"promptcraft\",\"sub\":\"ada\",\"user_id\":\"u1\","          \
	"\"jti\":\"j\",\"ver\":3"
#define GOOD_TIMES ",\"iat\":1799999990,\"nbf\":1799999990,\"exp\":1800000010"
#define GOOD_CLAIMS "{" CLAIMS_WITHOUT_TIMES GOOD_TIMES "}"

static int
check(const char *token, struct err *e)
{
	struct api_config config = make_config("HS256");
	struct jwt_claims claims = {.token_version = 77};
	int rc = jwt_check(&config, token, NOW_S, &claims, e);

	/* Outputs are written only on success. */
	assert_int_equal(claims.token_version, rc == 0 ? 3 : 77);
	return rc;
}

static void
assert_refused(const char *token, const char *text)
{
	struct err e = ERR_INIT;

	if (check(token, &e) == 0)
		fail_msg("accepted: %s", token);
	assert_int_equal(e.kind, ERR_DENIED);
	assert_string_equal(e.text, text);
}

static void
test_round_trip(void **state)
{
	static const char *const algorithms[] = {"HS256", "HS384", "HS512"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		struct api_config config = make_config(algorithms[i]);
		owned_mem char *token = NULL, *other = NULL;
		struct jwt_claims claims;
		struct err e = ERR_INIT;

		assert_int_equal(jwt_issue(&config, &ada, NOW_S, &token, &e),
				 0);
		assert_int_equal(jwt_check(&config, token, NOW_S, &claims, &e),
				 0);
		assert_string_equal(claims.user_id, ada.user_id);
		assert_string_equal(claims.username, "ada");
		assert_int_equal(claims.token_version, 3);
		assert_int_equal(jwt_issue(&config, &ada, NOW_S, &other, &e),
				 0);
		assert_string_not_equal(token, other); /* jti */
	}
}

/* The helper signs what the code under test accepts. */
static void
test_control(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(check(make_token(HEADER, GOOD_CLAIMS, SECRET), &e), 0);
	assert_int_equal(
		check(make_token("{\"alg\":\"HS256\"}", GOOD_CLAIMS, SECRET),
		      &e),
		0);
}

static void
test_expiry(void **state)
{
	struct api_config config = make_config("HS256");
	owned_mem char *token = NULL;
	struct jwt_claims claims;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(jwt_issue(&config, &ada, NOW_S, &token, &e), 0);
	assert_int_equal(jwt_check(&config, token, NOW_S + 86399, &claims, &e),
			 0);
	assert_int_equal(jwt_check(&config, token, NOW_S + 86400, &claims, &e),
			 -1);
	assert_string_equal(e.text, "Token expired");
	/* Clocks may differ by seconds, not by an hour. */
	assert_int_equal(jwt_check(&config, token, NOW_S - 10, &claims, &e), 0);
	assert_int_equal(jwt_check(&config, token, NOW_S - 3600, &claims, &e),
			 -1);
	assert_string_equal(e.text, "Invalid token");
}

static void
test_other_secret(void **state)
{
	(void)state;
	assert_refused(make_token(HEADER, GOOD_CLAIMS, OTHER_SECRET),
		       "Invalid token");
	assert_refused(make_token(HEADER, GOOD_CLAIMS, ""), "Invalid token");
}

/* Only the configured algorithm, even if the signature were right. */
static void
test_other_algorithms(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\"}",
		"{\"alg\":\"None\"}",
		"{\"alg\":\"NONE\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS384\"}",
		"{\"alg\":\"hs256\"}",
		"{\"alg\":\"RS256\"}",
		"{\"alg\":\"\"}",
		"{\"alg\":null}",
		"{\"alg\":[\"HS256\"]}",
		"{\"alg\":\"HS256\",\"alg\":\"none\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWE\"}",
		"{\"alg\":\"HS256\",\"typ\":7}",
		"{\"alg\":\"HS256\",\"crit\":[\"x\"]}",
		"{}",
		"[]",
		"\"HS256\"",
		"HS256",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		assert_refused(make_token(headers[i], GOOD_CLAIMS, SECRET),
			       "Invalid token");
}

/* {"alg":"none"}.claims. and the like: no signature at all. */
static void
test_unsigned(void **state)
{
	char token[1024] = "";

	(void)state;
	encode(token, sizeof(token), "{\"alg\":\"none\"}", 14);
	strncat(token, ".", 2);
	encode(token, sizeof(token), GOOD_CLAIMS, strlen(GOOD_CLAIMS));
	assert_refused(token, "Invalid token");
	strncat(token, ".", 2);
	assert_refused(token, "Invalid token");
	strncat(token, "AAAA", 5);
	assert_refused(token, "Invalid token");
}

/* A token of a server that pins another algorithm but has the same secret. */
static void
test_issued_with_other_algorithm(void **state)
{
	struct api_config other = make_config("HS512");
	owned_mem char *token = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(jwt_issue(&other, &ada, NOW_S, &token, &e), 0);
	assert_refused(token, "Invalid token");
}

static void
test_claims(void **state)
{
	static const char *const claims[] = {
		"{}",
		"[]",
		"7",
		"nonsense",
		/* one missing or wrong each */
		"{\"sub\":\"ada\",\"user_id\":\"u1\",\"jti\":\"j\",\"ver\":"
		"3" GOOD_TIMES "}",
		"{\"iss\":\"other\",\"sub\":\"ada\",\"user_id\":\"u1\","
		"\"jti\":\"j\",\"ver\":3" GOOD_TIMES "}",
		"{\"iss\":\"promptcraft\",\"user_id\":\"u1\",\"jti\":\"j\","
		"\"ver\":3" GOOD_TIMES "}",
		"{\"iss\":\"promptcraft\",\"sub\":\"\",\"user_id\":\"u1\","
		"\"jti\":\"j\",\"ver\":3" GOOD_TIMES "}",
		"{\"iss\":\"promptcraft\",\"sub\":\"ada\",\"jti\":\"j\","
		"\"ver\":3" GOOD_TIMES "}",
		"{\"iss\":\"promptcraft\",\"sub\":\"ada\",\"user_id\":7,"
		"\"jti\":\"j\",\"ver\":3" GOOD_TIMES "}",
		"{\"iss\":\"promptcraft\",\"sub\":\"ada\",\"user_id\":\"u1\","
		"\"ver\":3" GOOD_TIMES "}",
		"{\"iss\":\"promptcraft\",\"sub\":\"ada\",\"user_id\":\"u1\","
		"\"jti\":\"j\"" GOOD_TIMES "}",
		"{\"iss\":\"promptcraft\",\"sub\":\"ada\",\"user_id\":\"u1\","
		"\"jti\":\"j\",\"ver\":-1" GOOD_TIMES "}",
		"{\"iss\":\"promptcraft\",\"sub\":\"ada\",\"user_id\":\"u1\","
		"\"jti\":\"j\",\"ver\":4294967299" GOOD_TIMES "}",
		"{" CLAIMS_WITHOUT_TIMES
		",\"nbf\":1799999990,\"exp\":1800000010}",
		"{" CLAIMS_WITHOUT_TIMES
		",\"iat\":1799999990,\"exp\":1800000010}",
		"{" CLAIMS_WITHOUT_TIMES
		",\"iat\":1799999990,\"nbf\":1799999990}",
		"{" CLAIMS_WITHOUT_TIMES ",\"iat\":1799999990,"
		"\"nbf\":1800003600,\"exp\":1800009999}",
		"{" CLAIMS_WITHOUT_TIMES ",\"iat\":1799999990,"
		"\"nbf\":1799999990,\"exp\":\"1800000010\"}",
		"{" CLAIMS_WITHOUT_TIMES ",\"iat\":1799999990,"
		"\"nbf\":1799999990,\"exp\":1800000010.5}",
		"{" CLAIMS_WITHOUT_TIMES GOOD_TIMES ",\"sub\":\"eve\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(claims); i++)
		assert_refused(make_token(HEADER, claims[i], SECRET),
			       "Invalid token");
	assert_refused(make_token(HEADER,
				  "{" CLAIMS_WITHOUT_TIMES
				  ",\"iat\":1799999980,\"nbf\":1799999980,"
				  "\"exp\":1799999999}",
				  SECRET),
		       "Token expired");
}

static void
test_garbage(void **state)
{
	static const char *const tokens[] = {
		"",
		".",
		"..",
		"...",
		"a",
		"a.b",
		"a.b.c",
		"a.b.c.d",
		" a.b.c",
		"a.b.c ",
		"a+b.c.d",
		"a=.b.c",
		"\xff.\xff.\xff",
		"a\n.b.c",
		"Bearer a.b.c",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
		assert_refused(tokens[i], "Invalid token");
}

/* Every single-character change breaks it. */
static void
test_every_change_is_seen(void **state)
{
	char token[1024];
	struct err e = ERR_INIT;
	size_t len;

	(void)state;
	str_copy(token, sizeof(token), make_token(HEADER, GOOD_CLAIMS, SECRET));
	len = strlen(token);
	/* The last character's low bits are not part of the signature. */
	for (size_t i = 0; i + 1 < len; i++) {
		char kept = token[i];

		token[i] = kept == 'A' ? 'B' : 'A';
		if (check(token, &e) == 0)
			fail_msg("changed at %zu", i);
		token[i] = kept;
	}
	assert_int_equal(check(token, &e), 0);
	token[len - 1] = '\0';
	assert_refused(token, "Invalid token");
}

static void
test_too_long(void **state)
{
	static char claims[5000];
	int n;

	(void)state;
	n = snprintf(
		claims, sizeof(claims),
		"{" CLAIMS_WITHOUT_TIMES GOOD_TIMES ",\"pad\":\"%03900d\"}", 0);
	assert_true(n > 3900);
	assert_refused(make_token(HEADER, claims, SECRET), "Invalid token");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_other_secret),
		cmocka_unit_test(test_other_algorithms),
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_issued_with_other_algorithm),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_every_change_is_seen),
		cmocka_unit_test(test_too_long),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
