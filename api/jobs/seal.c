/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.c - see seal.h.
 */
#include "api/jobs/seal.h"

#include <sodium.h>
#include <string.h>

#include "supervisor/base/str.h"

#define MAC_HEAD ",\"mac\":\""
#define MAC_TAIL "\"}"
#define MAC_HEX_SIZE ((size_t)2 * crypto_auth_hmacsha256_BYTES)
#define MAC_SIZE (sizeof(MAC_HEAD) - 1 + MAC_HEX_SIZE + sizeof(MAC_TAIL) - 1)

int
seal_set_key(struct seal *seal, const char *hex)
{
	size_t len;

	if (strlen(hex) != (size_t)(2 * SEAL_KEY_SIZE) ||
	    sodium_hex2bin(seal->key, sizeof(seal->key), hex, strlen(hex), NULL,
			   &len, NULL) != 0 ||
	    len != sizeof(seal->key))
		return -1;
	seal->has_key = true;
	seal->number = 1; /* the start record, which has the key, was 0 */
	return 0;
}

static void
compute(const struct seal *seal, const char *body, size_t len,
	char ret[MAC_HEX_SIZE + 1])
{
	uint8_t number[8], mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;

	for (size_t i = 0; i < sizeof(number); i++)
		number[i] = (uint8_t)(seal->number >> (8 * i));
	crypto_auth_hmacsha256_init(&state, seal->key, sizeof(seal->key));
	crypto_auth_hmacsha256_update(&state, number, sizeof(number));
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)body, len);
	crypto_auth_hmacsha256_final(&state, mac);
	str_hex(ret, mac, sizeof(mac));
}

bool
seal_check(struct seal *seal, const char *line, size_t len)
{
	char expected[MAC_HEX_SIZE + 1];
	const char *at;

	if (!seal->has_key)
		return true;
	if (len < MAC_SIZE)
		return false;
	at = line + (len - MAC_SIZE);
	if (memcmp(at, MAC_HEAD, sizeof(MAC_HEAD) - 1) != 0 ||
	    memcmp(line + (len - (sizeof(MAC_TAIL) - 1)), MAC_TAIL,
		   sizeof(MAC_TAIL) - 1) != 0)
		return false;
	compute(seal, line, len - MAC_SIZE, expected);
	if (memcmp(at + sizeof(MAC_HEAD) - 1, expected, MAC_HEX_SIZE) != 0)
		return false;
	seal->number++;
	return true;
}
