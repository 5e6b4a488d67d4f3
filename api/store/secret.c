/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.c - settings that nobody chose: random bytes that the first who asks
 * makes, and all nodes of the store share.
 */
#include <sodium.h>

#include "api/store/store.h"
#include "supervisor/base/str.h"

#define SECRET_BYTES 32

static int
make_secret(struct store *s, const char *key, struct err *e)
{
	unsigned char bytes[SECRET_BYTES];
	char hex[2 * SECRET_BYTES + 1];
	int rc;

	if (sodium_init() < 0)
		return err_set(e, ERR_IO, 0, "no random numbers");
	randombytes_buf(bytes, sizeof(bytes));
	str_hex(hex, bytes, sizeof(bytes));
	rc = store_setting_put(s, key, hex, false, e);
	sodium_memzero(bytes, sizeof(bytes));
	sodium_memzero(hex, sizeof(hex));
	/* Another process was first: its secret is as good. */
	return rc < 0 && e->kind != ERR_CONFLICT ? -1 : 0;
}

int
store_secret(struct store *s, const char *key, char **ret, struct err *e)
{
	int rc = store_setting_get(s, key, ret, e);

	if (rc == 0 || e->kind != ERR_NOT_FOUND)
		return rc;
	if (make_secret(s, key, e) < 0)
		return -1;
	return store_setting_get(s, key, ret, e);
}
