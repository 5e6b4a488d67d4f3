/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_jwt.c - bearer tokens.
 *
 * Input: a byte, then either a token as it is, or header and claims as texts
 * (parted by a newline) that are signed here: with the key, with another one,
 * with none, or cut.  A token may be accepted only if its last part is the
 * HMAC-SHA256, made with the key, of what stands before; that is computed here
 * without libjwt.
 */
#include <jansson.h>
#include <sodium.h>

#include "api/auth/jwt.h"
#include "supervisor/base/str.h"
#include "tests/fuzz/fuzz.h"

#define NOW_S 1800000000u
#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

static struct api_config config;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	FUZZ_CHECK(sodium_init() >= 0);
	(void)str_copy(config.jwt_secret, sizeof(config.jwt_secret),
		       "the-key-of-this-fuzz-target-0123456789");
	config.jwt_secret_len = strlen(config.jwt_secret);
	(void)str_copy(config.jwt_algorithm, sizeof(config.jwt_algorithm),
		       "HS256");
	config.jwt_expiration_hours = 24;
	return 0;
}

static void
sign(const char *key, const char *text, size_t len,
     unsigned char ret[crypto_auth_hmacsha256_BYTES])
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, (const unsigned char *)key,
				    strlen(key));
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, len);
	crypto_auth_hmacsha256_final(&state, ret);
}

/* base64url of data at the end of a token; "." before if it has begun. */
static void
append(char *token, size_t size, const void *data, size_t len)
{
	size_t used = strlen(token);

	FUZZ_CHECK(used + 1 + sodium_base64_encoded_len(len, VARIANT) < size);
	if (used > 0)
		token[used++] = '.';
	sodium_bin2base64(token + used, size - used, data, len, VARIANT);
}

/* how: 0 the key, 1 another, 2 a MAC of zeros, 3 nothing, 4 cut MAC. */
static char *
make_token(struct fuzz_input *in, unsigned how)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	size_t header_len, claims_len;
	char *header = fuzz_text_until(in, '\n', &header_len);
	char *claims = fuzz_text_until(in, '\n', &claims_len);
	size_t size = 2 * (header_len + claims_len) + 256;
	char *token = calloc(1, size);

	FUZZ_CHECK(token != NULL);
	append(token, size, header, header_len);
	append(token, size, claims, claims_len);
	sign(how == 1 ? "another-key-of-the-same-length-0123456"
		      : config.jwt_secret,
	     token, strlen(token), mac);
	if (how == 2)
		memset(mac, 0, sizeof(mac));
	if (how == 3)
		token[strlen(token)] = '.'; /* the rest is 0 */
	else
		append(token, size, mac, how == 4 ? 16 : sizeof(mac));
	free(header);
	free(claims);
	return token;
}

/* The MAC in the token is the one that the key makes. */
static bool
is_signed(const char *token)
{
	unsigned char want[crypto_auth_hmacsha256_BYTES], have[64];
	const char *dot = strrchr(token, '.');
	size_t len = 0;

	if (dot == NULL)
		return false;
	sign(config.jwt_secret, token, (size_t)(dot - token), want);
	return sodium_base642bin(have, sizeof(have), dot + 1, strlen(dot + 1),
				 NULL, &len, NULL, VARIANT) == 0 &&
	       len == sizeof(want) && sodium_memcmp(have, want, len) == 0;
}

/* What was accepted: the header names the algorithm, the time is right. */
static void
check_accepted(const char *token, const struct jwt_claims *claims)
{
	const char *dot = strchr(token, '.');
	unsigned char text[JWT_TOKEN_MAX];
	size_t len = 0;
	json_t *header, *body;

	FUZZ_CHECK(is_signed(token));
	FUZZ_CHECK(sodium_base642bin(text, sizeof(text), token,
				     (size_t)(dot - token), NULL, &len, NULL,
				     VARIANT) == 0);
	header = json_loadb((const char *)text, len, 0, NULL);
	FUZZ_CHECK(strcmp(json_string_value(json_object_get(header, "alg")),
			  "HS256") == 0);
	json_decref(header);
	FUZZ_CHECK(sodium_base642bin(text, sizeof(text), dot + 1,
				     strcspn(dot + 1, "."), NULL, &len, NULL,
				     VARIANT) == 0);
	body = json_loadb((const char *)text, len, 0, NULL);
	FUZZ_CHECK(json_integer_value(json_object_get(body, "exp")) > NOW_S);
	FUZZ_CHECK(strcmp(json_string_value(json_object_get(body, "sub")),
			  claims->username) == 0);
	FUZZ_CHECK(claims->user_id[0] != '\0');
	json_decref(body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	unsigned how = fuzz_u8(&in) % 8;
	struct jwt_claims claims;
	struct err e = ERR_INIT;
	char *token;

	if (in.left == 0 || in.left > 8192)
		return -1;
	token = how < 5 ? make_token(&in, how) : fuzz_text(in.at, in.left);
	if (jwt_check(&config, token, NOW_S, &claims, &e) == 0) {
		FUZZ_CHECK(how == 0 || how > 4);
		check_accepted(token, &claims);
	} else {
		FUZZ_CHECK(e.kind == ERR_DENIED);
		FUZZ_CHECK(strcmp(e.text, "Invalid token") == 0 ||
			   (strcmp(e.text, "Token expired") == 0 &&
			    is_signed(token)));
	}
	free(token);
	return 0;
}
