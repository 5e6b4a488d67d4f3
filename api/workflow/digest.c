/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.c - see digest.h.  What is hashed is JSON with sorted keys, so that
 * the same content has the same digest after being stored and read again.
 */
#include "api/workflow/digest.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/base/str.h"

void
digest_bytes(const void *bytes, size_t len, char ret[DIGEST_HEX_SIZE])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, bytes, len);
	str_hex(ret, hash, sizeof(hash));
}

static int
hash_chunk(const char *bytes, size_t len, void *arg)
{
	return crypto_hash_sha256_update(arg, (const unsigned char *)bytes,
					 len);
}

void
digest_workflow(const struct workflow_state *state, char ret[DIGEST_HEX_SIZE])
{
	const json_t *artifacts = workflow_state_part(state, "artifacts");
	json_t *shown = json_pack(
		"{s:O*, s:O*, s:O*}", "code",
		json_object_get(artifacts, "generated_code"), "program",
		workflow_state_part(state, "program"), "results",
		json_object_get(artifacts, "test_results"));
	unsigned char hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state sha;
	int rc;

	crypto_hash_sha256_init(&sha);
	rc = json_dump_callback(shown, hash_chunk, &sha,
				JSON_COMPACT | JSON_SORT_KEYS);
	/* Only memory can be lacking; half a digest must not pass for one. */
	assert(rc == 0);
	(void)rc;
	crypto_hash_sha256_final(&sha, hash);
	json_decref(shown);
	str_hex(ret, hash, sizeof(hash));
}

void
digest_job_id(const char *workflow_id, uint32_t step, uint32_t attempt,
	      char ret_id[40])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char text[96], hex[33];
	int n = snprintf(text, sizeof(text), "%s/%u/%u", workflow_id, step,
			 attempt);

	assert(n > 0 && (size_t)n < sizeof(text));
	crypto_hash_sha256(hash, (const unsigned char *)text,
			   (unsigned long long)n);
	hash[6] = (unsigned char)((hash[6] & 0x0f) | 0x80); /* version 8 */
	hash[8] = (unsigned char)((hash[8] & 0x3f) | 0x80);
	str_hex(hex, hash, 16);
	snprintf(ret_id, 40, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
		 hex + 12, hex + 16, hex + 20);
}
